package arm

import (
	"net/netip"
	"strings"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/source"
)

func (r *Reader) virtualNetwork(o *object) {
	if r.stub(o) {
		return
	}
	v := &topology.VirtualNetwork{Element: o.element("", "")}
	var given bool
	if v.AddressSpace, given = o.addressSpace("addressSpace"); !given || len(v.AddressSpace) == 0 {
		o.refuse("addressSpace", "expected an address space", "")
		return
	}
	if o.has("encryption") {
		v.NotModelled = append(v.NotModelled, o.child("encryption").dropsUnencrypted()...)
	}
	subnets, given := o.objects("subnets")
	if given {
		v.Subnets = make([]*topology.Subnet, 0, len(subnets))
	}
	for _, so := range subnets {
		if s := r.readSubnet(so, v.ResourceID); s != nil {
			v.Subnets = append(v.Subnets, s)
		}
	}
	peerings, given := o.objects("virtualNetworkPeerings")
	if given {
		v.Peerings = make([]*topology.Peering, 0, len(peerings))
	}
	for _, po := range peerings {
		if p := r.readPeering(po, v.ResourceID); p != nil {
			v.Peerings = append(v.Peerings, p)
		}
	}
	r.add(v)
}

// dropsUnencrypted is the enforcement of encryption where it may drop packets:
// which machines can encrypt is not modelled.
func (o *object) dropsUnencrypted() []topology.Property {
	n := o.get("enforcement")
	if source.IsEmpty(n) || o.toggle("enabled") == topology.Off || strings.EqualFold(n.Text, "AllowUnencrypted") {
		return nil
	}
	return []topology.Property{{Name: "encryption.enforcement", Value: source.Cut(n.Text), Origin: o.r.File.Origin(n)}}
}

// addressSpace reads {"addressPrefixes": […]}.
func (o *object) addressSpace(name string) (list []netip.Prefix, given bool) {
	if o.get(name) == nil {
		return nil, false
	}
	n := o.child(name).get("addressPrefixes")
	if n == nil {
		return nil, false
	}
	return o.r.File.Prefixes(n), true
}

func (r *Reader) subnet(o *object) {
	if s := r.readSubnet(o, ""); s != nil {
		r.add(s)
	}
}

// readSubnet reads a subnet; nil for a stub, which must not count as a subnet
// without NSG and route table.
func (r *Reader) readSubnet(o *object, parent string) *topology.Subnet {
	f := r.File
	if r.stub(o) || f.Err != nil {
		return nil
	}
	s := &topology.Subnet{
		Element:               o.element(parent, "subnets"),
		NetworkSecurityGroup:  o.ref("networkSecurityGroup"),
		RouteTable:            o.ref("routeTable"),
		NATGateway:            o.ref("natGateway"),
		DefaultOutboundAccess: o.toggle("defaultOutboundAccess"),
		ServiceEndpointPolicy: o.refs("serviceEndpointPolicies"),
		IPConfigurationRefs:   o.refs("ipConfigurations"),
		PrivateEndpointRefs:   o.refs("privateEndpoints"),
	}
	if _, is := o.expression("privateEndpointNetworkPolicies"); !is {
		s.PrivateEndpointPolicy = topology.NetworkPolicy(f.OneOf(o.get("privateEndpointNetworkPolicies"),
			string(topology.PolicyDisabled), string(topology.PolicyEnabled), string(topology.PolicyNSGEnabled), string(topology.PolicyRouteTableEnabled)))
	}
	one, many := o.get("addressPrefix"), o.get("addressPrefixes")
	if single, list := f.Items(one), f.Items(many); len(single) > 0 && len(list) > 0 && !sameTexts(single, list) {
		f.Refuse(many, "expected the same prefixes as in addressPrefix", "keep one of the two")
		return nil
	}
	if source.IsEmpty(many) {
		many = one
	}
	for _, it := range f.Items(many) {
		if _, is := expression(it); is {
			s.AddressPrefixUnknown = true
			f.Say(source.Doubt, it, "export the deployed resource instead of a template", "the prefix of subnet %s is an expression that is not evaluated", source.Quote(s.Name))
			continue
		}
		s.Prefixes = append(s.Prefixes, f.Prefix(it))
	}
	if len(s.Prefixes) == 0 && !s.AddressPrefixUnknown {
		o.refuse("addressPrefix", "expected an address prefix of the subnet", "")
	}
	endpoints, _ := o.objects("serviceEndpoints")
	for _, eo := range endpoints {
		if eo.has("service") {
			s.ServiceEndpoints = append(s.ServiceEndpoints, topology.ServiceEndpoint{
				Service: eo.text("service"), Locations: f.Texts(eo.get("locations")), Origin: f.Origin(eo.node)})
		}
	}
	delegations, _ := o.objects("delegations")
	for _, do := range delegations {
		if name := do.text("serviceName"); name != "" {
			s.Delegations = append(s.Delegations, name)
		}
	}
	return s
}

func (r *Reader) peering(o *object) {
	if p := r.readPeering(o, ""); p != nil {
		r.add(p)
	}
}

func (r *Reader) readPeering(o *object, parent string) *topology.Peering {
	f := r.File
	if r.stub(o) || f.Err != nil {
		return nil
	}
	p := &topology.Peering{
		Element:                   o.element(parent, "virtualNetworkPeerings"),
		RemoteVirtualNetwork:      o.ref("remoteVirtualNetwork"),
		State:                     o.text("peeringState"),
		AllowVirtualNetworkAccess: o.toggle("allowVirtualNetworkAccess"),
		AllowForwardedTraffic:     o.toggle("allowForwardedTraffic"),
		AllowGatewayTransit:       o.toggle("allowGatewayTransit"),
		UseRemoteGateways:         o.toggle("useRemoteGateways"),
		PeerCompleteVnets:         o.toggle("peerCompleteVnets"),
		LocalSubnetNames:          f.Texts(o.get("localSubnetNames")),
		RemoteSubnetNames:         f.Texts(o.get("remoteSubnetNames")),
	}
	if p.RemoteVirtualNetwork.IsZero() {
		o.refuse("remoteVirtualNetwork", "expected a remote virtual network", "")
	}
	p.RemoteAddressSpace, p.RemoteAddressSpaceGiven = o.addressSpace("remoteAddressSpace")
	if !p.RemoteAddressSpaceGiven {
		p.RemoteAddressSpace, p.RemoteAddressSpaceGiven = o.addressSpace("remoteVirtualNetworkAddressSpace")
	}
	return p
}
