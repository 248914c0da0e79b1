package selftest

import (
	"net/netip"

	"github.com/netpath/netpath/topology"
)

// fields is an object of an export.
type fields map[string]any

// export writes the resources of an estate as Azure's API does. Only what
// [neutral] leaves in an estate is written.
func export(n *topology.Network) []fields {
	var out []fields
	n.All(func(e topology.Any) bool {
		out = append(out, resource(e))
		return true
	})
	return out
}

func resource(e topology.Any) fields {
	switch e := e.(type) {
	case *topology.VirtualNetwork:
		var subnets, peerings []fields
		for _, s := range e.Subnets {
			subnets = append(subnets, subnet(s))
		}
		for _, p := range e.Peerings {
			peerings = append(peerings, peering(p))
		}
		return with("virtualNetworks", &e.Element, fields{"addressSpace": fields{"addressPrefixes": e.AddressSpace}, "subnets": subnets, "virtualNetworkPeerings": peerings})
	case *topology.NetworkSecurityGroup:
		p := fields{"subnets": refs(e.Subnets), "networkInterfaces": refs(e.Interfaces)}
		if e.RulesGiven {
			p["securityRules"] = rules(e.SecurityRules)
		}
		if len(e.DefaultRules) > 0 {
			p["defaultSecurityRules"] = rules(e.DefaultRules)
		}
		return with("networkSecurityGroups", &e.Element, p)
	case *topology.ApplicationSecurityGroup:
		return with("applicationSecurityGroups", &e.Element, fields{})
	case *topology.NetworkInterface:
		var configs []fields
		for _, c := range e.IPConfigurations {
			p := fields{"subnet": ref(c.Subnet), "publicIPAddress": ref(c.PublicIPAddress), "applicationSecurityGroups": refs(c.ASGs)}
			set(p, "primary", c.Primary)
			if c.PrivateIPAddress.IsValid() {
				p["privateIPAddress"] = c.PrivateIPAddress
				if c.PrivateIPAddress.Is6() {
					p["privateIPAddressVersion"] = "IPv6"
				}
			}
			configs = append(configs, part(&c.Element, p))
		}
		p := fields{"ipConfigurations": configs, "networkSecurityGroup": ref(e.NetworkSecurityGroup), "privateEndpoint": ref(e.PrivateEndpoint)}
		set(p, "enableIPForwarding", e.EnableIPForwarding)
		set(p, "defaultOutboundConnectivityEnabled", e.DefaultOutbound)
		set(p, "primary", e.Primary)
		return with("networkInterfaces", &e.Element, p)
	case *topology.RouteTable:
		p := fields{}
		set(p, "disableBgpRoutePropagation", e.DisableBGPPropagation)
		if e.RoutesGiven {
			routes := []fields{}
			for _, r := range e.Routes {
				x := fields{"addressPrefix": r.Destination.Text, "nextHopType": string(r.NextHop)}
				if r.NextHopIP.IsValid() {
					x["nextHopIpAddress"] = r.NextHopIP
				}
				routes = append(routes, part(&r.Element, x))
			}
			p["routes"] = routes
		}
		return with("routeTables", &e.Element, p)
	case *topology.NATGateway:
		return with("natGateways", &e.Element, fields{"publicIpAddresses": refs(e.PublicIPs), "publicIpPrefixes": refs(e.PublicPrefixes), "subnets": refs(e.Subnets)})
	case *topology.PublicIPAddress:
		p := fields{"ipConfiguration": ref(e.IPConfiguration), "natGateway": ref(e.NATGateway)}
		if e.IPAddress.IsValid() {
			p["ipAddress"] = e.IPAddress
		}
		if e.AllocationMethod != "" {
			p["publicIPAllocationMethod"] = e.AllocationMethod
		}
		r := with("publicIPAddresses", &e.Element, p)
		if e.SKU != "" {
			r["sku"] = fields{"name": e.SKU}
		}
		return r
	case *topology.PrivateEndpoint:
		var configs []fields
		for _, a := range e.Addresses {
			configs = append(configs, fields{"properties": fields{"privateIPAddress": a}})
		}
		link := fields{"groupIds": e.Services, "privateLinkServiceId": e.TargetResource.Text}
		if e.ConnectionState != "" {
			link["privateLinkServiceConnectionState"] = fields{"status": e.ConnectionState}
		}
		return with("privateEndpoints", &e.Element, fields{"subnet": ref(e.Subnet), "networkInterfaces": refs(e.NetworkInterfaces),
			"applicationSecurityGroups": refs(e.ASGs), "ipConfigurations": configs,
			"privateLinkServiceConnections": []fields{{"name": "link", "properties": link}}})
	default:
		panic("a resource that the corpus does not write: " + e.Base().ResourceID)
	}
}

// with is a resource of a kind with its properties.
func with(kind string, e *topology.Element, properties fields) fields {
	r := part(e, properties)
	r["type"] = "Microsoft.Network/" + kind
	if e.Location != "" {
		r["location"] = e.Location
	}
	return r
}

// part is a child of a resource.
func part(e *topology.Element, properties fields) fields {
	if e.ProvisioningState != "" {
		properties["provisioningState"] = e.ProvisioningState
	}
	for k, v := range properties {
		if v == nil {
			delete(properties, k)
		}
	}
	r := fields{"name": e.Name, "properties": properties}
	if e.ResourceID != "" {
		r["id"] = e.ResourceID
	}
	return r
}

func set(p fields, name string, s topology.Switch) {
	if s != topology.Unset {
		p[name] = s == topology.On
	}
}

func ref(r topology.Ref) any {
	if r.IsZero() {
		return nil
	}
	return fields{"id": r.Text}
}

func refs(list []topology.Ref) any {
	if len(list) == 0 {
		return nil
	}
	out := []fields{}
	for _, r := range list {
		out = append(out, fields{"id": r.Text})
	}
	return out
}

func subnet(s *topology.Subnet) fields {
	p := fields{"addressPrefixes": s.Prefixes, "networkSecurityGroup": ref(s.NetworkSecurityGroup), "routeTable": ref(s.RouteTable),
		"natGateway": ref(s.NATGateway), "ipConfigurations": refs(s.IPConfigurationRefs), "privateEndpoints": refs(s.PrivateEndpointRefs)}
	set(p, "defaultOutboundAccess", s.DefaultOutboundAccess)
	if s.PrivateEndpointPolicy != topology.PolicyUnset {
		p["privateEndpointNetworkPolicies"] = string(s.PrivateEndpointPolicy)
	}
	var endpoints []fields
	for _, e := range s.ServiceEndpoints {
		endpoints = append(endpoints, fields{"service": e.Service, "locations": e.Locations})
	}
	if len(endpoints) > 0 {
		p["serviceEndpoints"] = endpoints
	}
	return part(&s.Element, p)
}

func peering(x *topology.Peering) fields {
	p := fields{"remoteVirtualNetwork": ref(x.RemoteVirtualNetwork)}
	if x.State != "" {
		p["peeringState"] = x.State
	}
	if x.RemoteAddressSpaceGiven {
		p["remoteAddressSpace"] = fields{"addressPrefixes": x.RemoteAddressSpace}
	}
	set(p, "allowVirtualNetworkAccess", x.AllowVirtualNetworkAccess)
	set(p, "allowForwardedTraffic", x.AllowForwardedTraffic)
	set(p, "allowGatewayTransit", x.AllowGatewayTransit)
	set(p, "useRemoteGateways", x.UseRemoteGateways)
	set(p, "peerCompleteVnets", x.PeerCompleteVnets)
	if len(x.RemoteSubnetNames) > 0 {
		p["remoteSubnetNames"], p["localSubnetNames"] = x.RemoteSubnetNames, x.LocalSubnetNames
	}
	return part(&x.Element, p)
}

func rules(list []*topology.SecurityRule) []fields {
	out := []fields{}
	for _, r := range list {
		p := fields{"priority": r.Priority, "direction": r.Direction.String(), "access": r.Access.String(), "protocol": r.Protocol.String()}
		side(p, "source", r.Source)
		side(p, "destination", r.Destination)
		out = append(out, part(&r.Element, p))
	}
	return out
}

// side writes one side of a rule: one address and one port in the singular
// property, several in the plural one.
func side(p fields, name string, m topology.Match) {
	var addresses []string
	for _, a := range m.Prefixes {
		addresses = append(addresses, a.Text)
	}
	switch {
	case len(m.ASGs) > 0:
		p[name+"ApplicationSecurityGroups"] = refs(m.ASGs)
	case len(addresses) == 1:
		p[name+"AddressPrefix"] = addresses[0]
	default:
		p[name+"AddressPrefixes"] = addresses
	}
	var ports []string
	for _, r := range m.Ports {
		if r == topology.AllPorts {
			ports = append(ports, "*")
		} else {
			ports = append(ports, r.String())
		}
	}
	if len(ports) == 1 {
		p[name+"PortRange"] = ports[0]
	} else {
		p[name+"PortRanges"] = ports
	}
}

// tagFile writes a service tag file.
func tagFile(c *topology.ServiceTagCatalogue) fields {
	var values []fields
	for _, t := range c.Tags {
		prefixes := []netip.Prefix{}
		prefixes = append(prefixes, t.Prefixes.Slice()...)
		values = append(values, fields{"name": t.Name, "id": t.Name, "properties": fields{"changeNumber": t.ChangeNumber, "region": t.Region, "regionId": t.RegionID,
			"platform": "Azure", "systemService": t.SystemService, "addressPrefixes": prefixes, "networkFeatures": t.NetworkFeatures}})
	}
	return fields{"changeNumber": c.ChangeNumber, "cloud": c.Cloud, "values": values}
}
