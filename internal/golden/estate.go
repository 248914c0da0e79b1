package golden

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/netpath/netpath/topology"
)

// The addresses that the golden tests name.
const (
	SWE   = "20.60.26.10"     // Storage in West Europe
	SNE   = "20.60.40.10"     // Storage in North Europe
	AAD   = "20.190.130.1"    // Azure Active Directory
	NET   = "203.0.113.10"    // plain Internet
	Proxy = "10.0.0.5"        // px, the proxy
	NVA   = "10.0.0.10"       // nva, the virtual appliance
	PE    = "10.0.2.50"       // where the tests put a private endpoint
	Host  = "168.63.129.16"   // the platform's own address
	IMDS  = "169.254.169.254" // the instance metadata service
)

const group = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/golden/providers/"

// Estate is an estate under construction. Its methods change it in place and
// return it.
type Estate struct {
	elements []topology.Any
	data     topology.Data

	vnets    map[string]*topology.VirtualNetwork
	subnets  map[string]*topology.Subnet
	nics     map[string]*topology.NetworkInterface
	machines map[string]*topology.VirtualMachine
	nsgs     map[string]*topology.NetworkSecurityGroup
	tables   map[string]*topology.RouteTable
	asgs     map[string]*topology.ApplicationSecurityGroup
}

// New is the fixture of section 11: v1 with the subnets dmz (px, nva), app
// (a1, a2) and db (d1), its peer v2 with b1, and v3, which is peered with v2
// alone; a service tag file; nothing else.
func New() *Estate {
	return Empty().
		VNet("v1", "10.0.0.0/16").
		Subnet("v1", "dmz", "10.0.0.0/24").VM("px", "dmz", Proxy).VM("nva", "dmz", NVA).Forwarding("nva").
		Subnet("v1", "app", "10.0.1.0/24").VM("a1", "app", "10.0.1.4").VM("a2", "app", "10.0.1.5").
		Subnet("v1", "db", "10.0.2.0/24").VM("d1", "db", "10.0.2.4").
		VNet("v2", "10.1.0.0/16").
		Subnet("v2", "web", "10.1.1.0/24").VM("b1", "web", "10.1.1.4").
		VNet("v3", "10.2.0.0/16").
		Subnet("v3", "far", "10.2.1.0/24").
		Peer("v1", "v2").
		Peer("v2", "v3")
}

// Empty is an estate with a service tag file and nothing else.
func Empty() *Estate {
	return &Estate{
		data:     topology.Data{ServiceTags: ServiceTags()},
		vnets:    map[string]*topology.VirtualNetwork{},
		subnets:  map[string]*topology.Subnet{},
		nics:     map[string]*topology.NetworkInterface{},
		machines: map[string]*topology.VirtualMachine{},
		nsgs:     map[string]*topology.NetworkSecurityGroup{},
		tables:   map[string]*topology.RouteTable{},
		asgs:     map[string]*topology.ApplicationSecurityGroup{},
	}
}

// Build makes the network. The estate must not be changed afterwards.
func (e *Estate) Build() *topology.Network {
	n, err := topology.NewNetwork(e.data, e.elements...)
	if err != nil {
		panic("golden: " + err.Error())
	}
	return n
}

// With applies a change that has no method of its own.
func (e *Estate) With(change func(*Estate)) *Estate { change(e); return e }

// Add puts resources into the estate as they are.
func (e *Estate) Add(elements ...topology.Any) *Estate {
	for _, any := range elements {
		if g, ok := any.(*topology.NetworkSecurityGroup); ok {
			e.nsgs[g.Name] = g
		}
	}
	e.elements = append(e.elements, elements...)
	return e
}

// VNet adds a virtual network in West Europe.
func (e *Estate) VNet(name string, cidrs ...string) *Estate {
	v := &topology.VirtualNetwork{Element: element("virtualNetworks", name), AddressSpace: prefixes(cidrs...)}
	e.vnets[name] = v
	return e.Add(v)
}

// Subnet adds a subnet; its name is unique in the estate.
func (e *Estate) Subnet(vnet, name string, cidrs ...string) *Estate {
	v := e.VNetOf(vnet)
	s := &topology.Subnet{Element: child(v.ResourceID, "subnets", name), Prefixes: prefixes(cidrs...)}
	v.Subnets = append(v.Subnets, s)
	e.subnets[name] = s
	return e
}

// VM adds a virtual machine with one network interface, NAME-nic, that has an
// IP configuration for each of the addresses.
func (e *Estate) VM(name, subnet string, addresses ...string) *Estate {
	nic := &topology.NetworkInterface{
		Element: element("networkInterfaces", name+"-nic"), EnableIPForwarding: topology.Off,
		Primary: topology.On, VirtualMachine: topology.RefTo(machineID(name)),
	}
	for i, text := range addresses {
		nic.IPConfigurations = append(nic.IPConfigurations, &topology.IPConfiguration{
			Element:          child(nic.ResourceID, "ipConfigurations", fmt.Sprintf("ipconfig%d", i+1)),
			PrivateIPAddress: netip.MustParseAddr(text), Subnet: e.SubnetOf(subnet).Ref(),
			Primary: topology.SwitchOf(i == 0),
		})
	}
	vm := &topology.VirtualMachine{
		Element: topology.Element{
			ResourceID: machineID(name), Name: name, ResourceGroup: "golden", Location: "westeurope",
			ProvisioningState: "Succeeded", Origin: origin(machineID(name)),
		},
		NetworkInterfaces: []topology.Ref{nic.Ref()}, PrimaryInterface: nic.Ref(),
	}
	e.nics[name], e.machines[name] = nic, vm
	return e.Add(nic, vm)
}

// Forwarding switches IP forwarding on at a machine's interface.
func (e *Estate) Forwarding(vm string) *Estate {
	e.NIC(vm).EnableIPForwarding = topology.On
	return e
}

// NoForwarding switches IP forwarding off.
func (e *Estate) NoForwarding(vm string) *Estate {
	e.NIC(vm).EnableIPForwarding = topology.Off
	return e
}

// NSG adds a network security group that is not attached to anything.
func (e *Estate) NSG(name string, rules ...*Rule) *Estate {
	g := &topology.NetworkSecurityGroup{
		Element: element("networkSecurityGroups", name), RulesGiven: true,
		DefaultRules: topology.DefaultSecurityRules(),
	}
	for _, r := range rules {
		g.SecurityRules = append(g.SecurityRules, r.security(g.ResourceID))
	}
	return e.Add(g)
}

// AttachSubnet attaches an NSG of the estate to a subnet.
func (e *Estate) AttachSubnet(subnet, nsg string) *Estate {
	e.SubnetOf(subnet).NetworkSecurityGroup = e.NSGOf(nsg).Ref()
	return e
}

// AttachNIC attaches an NSG of the estate to a machine's interface.
func (e *Estate) AttachNIC(vm, nsg string) *Estate {
	e.NIC(vm).NetworkSecurityGroup = e.NSGOf(nsg).Ref()
	return e
}

// SubnetNSG gives a subnet an NSG of its own, nsg-SUBNET.
func (e *Estate) SubnetNSG(subnet string, rules ...*Rule) *Estate {
	return e.NSG("nsg-"+subnet, rules...).AttachSubnet(subnet, "nsg-"+subnet)
}

// NICNSG gives a machine's interface an NSG of its own, nsg-VM.
func (e *Estate) NICNSG(vm string, rules ...*Rule) *Estate {
	return e.NSG("nsg-"+vm, rules...).AttachNIC(vm, "nsg-"+vm)
}

// ASG makes the machine's first IP configuration a member of application
// security groups, which are added as needed.
func (e *Estate) ASG(vm string, names ...string) *Estate {
	for _, name := range names {
		if e.asgs[name] == nil {
			e.asgs[name] = &topology.ApplicationSecurityGroup{Element: element("applicationSecurityGroups", name)}
			e.Add(e.asgs[name])
		}
	}
	c := e.NIC(vm).IPConfigurations[0]
	c.ASGs = append(c.ASGs, groups(names)...)
	return e
}

// Admin deploys security admin rules to a virtual network.
func (e *Estate) Admin(vnet string, rules ...*Rule) *Estate {
	for _, r := range rules {
		e.Add(r.admin([]topology.Ref{e.VNetOf(vnet).Ref()}))
	}
	return e
}

// Routes gives a subnet a route table, rt-SUBNET, or adds routes to it.
func (e *Estate) Routes(subnet string, routes ...Route) *Estate {
	t := e.RouteTable(subnet)
	for _, r := range routes {
		t.Routes = append(t.Routes, r.build(t.ResourceID))
	}
	return e
}

// NoPropagation sets disableBgpRoutePropagation on the subnet's route table.
func (e *Estate) NoPropagation(subnet string) *Estate {
	e.RouteTable(subnet).DisableBGPPropagation = topology.On
	return e
}

// RouteTable returns the route table of a subnet, which is added if need be.
func (e *Estate) RouteTable(subnet string) *topology.RouteTable {
	name := "rt-" + subnet
	t := e.tables[name]
	if t == nil {
		t = &topology.RouteTable{
			Element: element("routeTables", name), RoutesGiven: true, DisableBGPPropagation: topology.Off,
		}
		e.tables[name] = t
		e.SubnetOf(subnet).RouteTable = t.Ref()
		e.Add(t)
	}
	return t
}

// PublicIP gives a machine a public IP address, pip-VM; sku is "Basic" or
// "Standard".
func (e *Estate) PublicIP(vm, address, sku string) *Estate {
	c := e.NIC(vm).IPConfigurations[0]
	p := publicIP("pip-"+vm, address, sku)
	p.IPConfiguration, c.PublicIPAddress = c.Ref(), p.Ref()
	return e.Add(p)
}

// NATGateway gives a subnet a NAT gateway, nat-SUBNET, with one address.
func (e *Estate) NATGateway(subnet, address string) *Estate {
	g := &topology.NATGateway{Element: element("natGateways", "nat-"+subnet)}
	p := publicIP("pip-nat-"+subnet, address, "Standard")
	p.NATGateway, g.PublicIPs = g.Ref(), []topology.Ref{p.Ref()}
	e.SubnetOf(subnet).NATGateway = g.Ref()
	return e.Add(g, p)
}

// PrivateSubnet switches default outbound access off.
func (e *Estate) PrivateSubnet(subnet string) *Estate {
	e.SubnetOf(subnet).DefaultOutboundAccess = topology.Off
	return e
}

// ServiceEndpoint gives a subnet a service endpoint, "Microsoft.Storage".
func (e *Estate) ServiceEndpoint(subnet, service string, locations ...string) *Estate {
	s := e.SubnetOf(subnet)
	s.ServiceEndpoints = append(s.ServiceEndpoints, topology.ServiceEndpoint{Service: service, Locations: locations})
	return e
}

// PrivateEndpoint puts an approved private endpoint for blobs into a subnet,
// with its network interface NAME-nic.
func (e *Estate) PrivateEndpoint(name, subnet, address, host string) *Estate {
	pe := &topology.PrivateEndpoint{
		Element: element("privateEndpoints", name), Subnet: e.SubnetOf(subnet).Ref(),
		Addresses: []netip.Addr{netip.MustParseAddr(address)}, Services: []string{"blob"},
		HostNames: []string{host}, ConnectionState: "Approved",
	}
	nic := &topology.NetworkInterface{
		Element: element("networkInterfaces", name+"-nic"), EnableIPForwarding: topology.Off, PrivateEndpoint: pe.Ref(),
	}
	nic.IPConfigurations = []*topology.IPConfiguration{{
		Element:          child(nic.ResourceID, "ipConfigurations", "ipconfig1"),
		PrivateIPAddress: pe.Addresses[0], Subnet: pe.Subnet, Primary: topology.On,
	}}
	pe.NetworkInterfaces = []topology.Ref{nic.Ref()}
	s := e.SubnetOf(subnet)
	s.PrivateEndpointRefs = append(s.PrivateEndpointRefs, pe.Ref())
	return e.Add(pe, nic)
}

// PrivateEndpointPolicies sets privateEndpointNetworkPolicies of a subnet.
func (e *Estate) PrivateEndpointPolicies(subnet string, p topology.NetworkPolicy) *Estate {
	e.SubnetOf(subnet).PrivateEndpointPolicy = p
	return e
}

// Peer peers two virtual networks: both sides connected, access allowed,
// forwarded traffic and gateways not.
func (e *Estate) Peer(a, b string) *Estate {
	one := func(local, remote *topology.VirtualNetwork) {
		local.Peerings = append(local.Peerings, &topology.Peering{
			Element:              child(local.ResourceID, "virtualNetworkPeerings", local.Name+"-"+remote.Name),
			RemoteVirtualNetwork: remote.Ref(), RemoteAddressSpace: remote.AddressSpace, RemoteAddressSpaceGiven: true,
			State: "Connected", AllowVirtualNetworkAccess: topology.On, AllowForwardedTraffic: topology.Off,
			AllowGatewayTransit: topology.Off, UseRemoteGateways: topology.Off, PeerCompleteVnets: topology.On,
		})
	}
	one(e.VNetOf(a), e.VNetOf(b))
	one(e.VNetOf(b), e.VNetOf(a))
	return e
}

// NoAccess switches allowVirtualNetworkAccess off on the local network's
// peering with the remote one.
func (e *Estate) NoAccess(local, remote string) *Estate {
	e.Peering(local, remote).AllowVirtualNetworkAccess = topology.Off
	return e
}

// ForwardedTraffic switches allowForwardedTraffic on on the local network's
// peering with the remote one.
func (e *Estate) ForwardedTraffic(local, remote string) *Estate {
	e.Peering(local, remote).AllowForwardedTraffic = topology.On
	return e
}

// Gateway puts a VPN gateway, gw-VNET, and its subnet into a virtual network;
// learned is the complete list of what it has learned.
func (e *Estate) Gateway(vnet, gatewaySubnet string, learned ...string) *Estate {
	name := "gw-" + vnet
	g := &topology.VirtualNetworkGateway{
		Element: element("virtualNetworkGateways", name), VirtualNetwork: e.VNetOf(vnet).Ref(),
		GatewayType: "Vpn", EnableBGP: topology.On, LearnedPrefixes: prefixes(learned...), LearnedGiven: true,
	}
	v := e.VNetOf(vnet)
	v.Subnets = append(v.Subnets, &topology.Subnet{
		Element: child(v.ResourceID, "subnets", "GatewaySubnet"), Prefixes: prefixes(gatewaySubnet),
		IPConfigurationRefs: []topology.Ref{topology.RefTo(g.ResourceID + "/ipConfigurations/default")},
	})
	return e.Add(g)
}

// GatewayOf returns the gateway of a virtual network.
func (e *Estate) GatewayOf(vnet string) *topology.VirtualNetworkGateway {
	for _, any := range e.elements {
		if g, ok := any.(*topology.VirtualNetworkGateway); ok && g.Name == "gw-"+vnet {
			return g
		}
	}
	panic("golden: no gateway in " + vnet)
}

// LoadBalancer adds a Standard public load balancer that sends a TCP port of
// its frontend address to a port of the machines.
func (e *Estate) LoadBalancer(name, address string, frontendPort, backendPort int, vms ...string) *Estate {
	lb := &topology.LoadBalancer{Element: element("loadBalancers", name), SKU: "Standard"}
	p := publicIP("pip-"+name, address, "Standard")
	front := &topology.Frontend{
		Element: child(lb.ResourceID, "frontendIPConfigurations", "fe"), PublicIPAddress: p.Ref(),
	}
	pool := &topology.BackendPool{Element: child(lb.ResourceID, "backendAddressPools", "be")}
	for _, vm := range vms {
		c := e.NIC(vm).IPConfigurations[0]
		c.BackendPools = append(c.BackendPools, pool.Ref())
		pool.IPConfigurations = append(pool.IPConfigurations, c.Ref())
	}
	p.IPConfiguration = front.Ref()
	lb.Frontends, lb.BackendPools = []*topology.Frontend{front}, []*topology.BackendPool{pool}
	lb.Rules = []*topology.LoadBalancingRule{{
		Element:  child(lb.ResourceID, "loadBalancingRules", "rule"),
		Frontend: front.Ref(), BackendPools: []topology.Ref{pool.Ref()}, Protocol: topology.TCP,
		FrontendPort: frontendPort, BackendPort: backendPort,
		EnableFloatingIP: topology.Off, DisableOutboundSNAT: topology.Off,
	}}
	return e.Add(lb, p)
}

// NoServiceTags takes the service tag file away.
func (e *Estate) NoServiceTags() *Estate { e.data.ServiceTags = nil; return e }

// Undated takes the date of the service tag file away.
func (e *Estate) Undated() *Estate { e.data.ServiceTags.Date = time.Time{}; return e }

// ServiceTag adds a tag to the service tag file, or replaces it.
func (e *Estate) ServiceTag(name, region string, cidrs ...string) *Estate {
	c := e.data.ServiceTags
	for i, t := range c.Tags {
		if t.Name == name {
			c.Tags[i] = Tag(name, region, cidrs...)
			return e
		}
	}
	c.Tags = append(c.Tags, Tag(name, region, cidrs...))
	return e
}

// Datacenters adds a datacenter ranges file.
func (e *Estate) Datacenters(regions ...*topology.DatacenterRegion) *Estate {
	e.data.DatacenterRanges = &topology.DatacenterRanges{
		Origin: topology.Origin{File: "PublicIPs_20180129.xml"},
		Date:   time.Date(2018, time.January, 29, 0, 0, 0, 0, time.UTC), Regions: regions,
	}
	return e
}

// Gap adds something that the loader could not know.
func (e *Estate) Gap(kind topology.GapKind, resourceType string) *Estate {
	e.data.Gaps = append(e.data.Gaps, topology.Gap{
		Kind: kind, ResourceType: resourceType, Text: "the list has a nextLink", Origin: origin("/" + resourceType),
	})
	return e
}

// VNetOf returns a virtual network by name.
func (e *Estate) VNetOf(name string) *topology.VirtualNetwork {
	return find(e.vnets, "virtual network", name)
}

// SubnetOf returns a subnet by name.
func (e *Estate) SubnetOf(name string) *topology.Subnet { return find(e.subnets, "subnet", name) }

// NIC returns the network interface of a machine.
func (e *Estate) NIC(vm string) *topology.NetworkInterface { return find(e.nics, "machine", vm) }

// Machine returns a virtual machine by name.
func (e *Estate) Machine(vm string) *topology.VirtualMachine { return find(e.machines, "machine", vm) }

// NSGOf returns a network security group by name.
func (e *Estate) NSGOf(name string) *topology.NetworkSecurityGroup { return find(e.nsgs, "NSG", name) }

// Peering returns the local network's side of its peering with the remote one.
func (e *Estate) Peering(local, remote string) *topology.Peering {
	want := e.VNetOf(remote).ID()
	for _, p := range e.VNetOf(local).Peerings {
		if p.RemoteVirtualNetwork.ID() == want {
			return p
		}
	}
	panic(fmt.Sprintf("golden: %s is not peered with %s", local, remote))
}

func find[T any](m map[string]*T, kind, name string) *T {
	if v, ok := m[name]; ok {
		return v
	}
	panic(fmt.Sprintf("golden: no %s %q", kind, name))
}

func publicIP(name, address, sku string) *topology.PublicIPAddress {
	return &topology.PublicIPAddress{
		Element: element("publicIPAddresses", name), IPAddress: netip.MustParseAddr(address), SKU: sku,
	}
}

func resourceID(kind, name string) string { return group + "Microsoft.Network/" + kind + "/" + name }

func machineID(name string) string { return group + "Microsoft.Compute/virtualMachines/" + name }

func ref(kind, name string) topology.Ref { return topology.RefTo(resourceID(kind, name)) }

func element(kind, name string) topology.Element {
	id := resourceID(kind, name)
	return topology.Element{
		ResourceID: id, Name: name, ResourceGroup: "golden", Location: "westeurope",
		ProvisioningState: "Succeeded", Origin: origin(id),
	}
}

func child(parent, kind, name string) topology.Element {
	id := parent + "/" + kind + "/" + name
	return topology.Element{ResourceID: id, Name: name, ResourceGroup: "golden", ProvisioningState: "Succeeded", Origin: origin(id)}
}

// origin says where an element would stand in a file: the fixture has none,
// so its resource ID serves as the pointer.
func origin(id string) topology.Origin { return topology.Origin{File: "golden", Pointer: id} }
