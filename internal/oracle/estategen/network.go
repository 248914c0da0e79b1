package estategen

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/netpath/netpath/topology"
)

// plan is the address plan: virtual networks with the subnets they may have.
type plan struct {
	space   []string
	subnets [][]string
}

var plans = []plan{
	{[]string{"10.0.0.0/16"}, [][]string{{"10.0.0.0/24"}, {"10.0.1.0/24"}, {"10.0.2.0/28", "10.0.3.0/29"}}},
	{[]string{"10.1.0.0/16"}, [][]string{{"10.1.1.0/24"}, {"10.1.255.0/24"}}},
	{[]string{"10.2.0.0/16", "192.168.0.0/16"}, [][]string{{"10.2.1.0/24"}, {"192.168.1.0/24"}}},
	{[]string{"172.16.0.0/12"}, [][]string{{"172.16.0.0/24"}, {"172.31.255.0/24"}}},
}

var publicPlan = plan{[]string{"198.18.0.0/16"}, [][]string{{"198.18.0.0/24"}, {"198.18.1.0/24"}}}

// onPremises are prefixes behind gateways.
var onPremises = []string{"172.20.0.0/16", "172.20.1.0/24", "192.168.100.0/24", "10.200.0.0/16", "198.51.0.0/16", "0.0.0.0/0"}

// outsiders are addresses of the Internet, of nobody and of the platform.
var outsiders = []string{
	"203.0.113.10", "8.8.8.8", "20.60.26.10", "20.60.40.10", "20.60.24.1", "40.74.30.100", "20.190.130.1", "52.0.0.1",
	"10.200.0.1", "172.20.1.1", "192.168.9.9", "100.64.0.1", "168.63.129.16", "169.254.169.254", "198.51.100.200", "2603:1000::1", "fd00:9::1",
}

func (g *generator) estate() {
	g.used = map[netip.Addr]bool{}
	for _, s := range outsiders {
		g.points = append(g.points, netip.MustParseAddr(s))
	}
	g.ports = []uint16{0, 1, 25, 53, 80, 443, 1688, 32526, 65534, 65535}
	g.catalogue()
	g.virtualNetworks()
	g.applicationGroups()
	g.interfaces()
	g.publicIPs()
	g.balancers()
	g.privateEndpoints()
	g.firewallsAndSubnets()
	g.securityGroups()
	g.adminRules()
	g.routeTables()
	g.natGateways()
	g.peerings()
	g.gateways()
	g.guests()
	g.gaps()
	g.stubs()
	for _, v := range g.vnets {
		g.add(v)
	}
}

// catalogue is a small service tag file, like the specification's.
func (g *generator) catalogue() {
	if g.doubt(UnknownTags, 0.4) {
		return // no file at all
	}
	c := &topology.ServiceTagCatalogue{Cloud: "Public", ChangeNumber: 1, Date: CatalogueDate}
	if g.has(StaleCatalogue) {
		c.Date = CatalogueDate.AddDate(-1, 0, 0)
	}
	tag := func(name, region string, list ...string) {
		c.Tags = append(c.Tags, &topology.ServiceTag{Name: name, Region: region, Prefixes: topology.MakePrefixList(prefixes(list...)...)})
	}
	tag("Storage", "", "20.60.26.0/23", "20.60.40.0/23", "2603:1000::/48")
	tag("Storage.WestEurope", "westeurope", "20.60.26.0/23", "2603:1000::/48")
	tag("Storage.NorthEurope", "northeurope", "20.60.40.0/23")
	tag("AzureCloud.westeurope", "westeurope", "20.60.24.0/21", "2603:1000::/32")
	tag("AzureCloud", "", "20.60.24.0/21", "20.60.40.0/23", "40.74.30.96/28", "20.190.128.0/18", "2603:1000::/32")
	tag("AzureBackup", "", "40.74.30.96/28")
	tag("AzureActiveDirectory", "", "20.190.128.0/18")
	g.data.ServiceTags = c
	for _, t := range c.Tags {
		g.note(t.Prefixes.Slice()...)
	}
}

// knownTags are in the file, unknownTags are not.
var (
	builtInTags = []string{"VirtualNetwork", "VirtualNetwork", "Internet", "Internet", "AzureLoadBalancer"}
	knownTags   = []string{"Storage", "Storage.WestEurope", "storage.northeurope", "AzureCloud", "AzureCloud.WestEurope", "AzureBackup", "AzureActiveDirectory"}
	unknownTags = []string{"Sql", "Sql.WestEurope", "Storage.FranceCentral", "AzureKeyVault", "AzureKeyVault.WestEurope", "Storge"}
)

func (g *generator) virtualNetworks() {
	chosen := plans[:1+g.r.IntN(len(plans))]
	if g.has(PublicSpace) {
		chosen = append(chosen[:len(chosen):len(chosen)], publicPlan)
	}
	for i, p := range chosen {
		name := fmt.Sprintf("v%d", i)
		v := &topology.VirtualNetwork{Element: g.element("virtualNetworks", name, false), AddressSpace: prefixes(p.space...)}
		if g.chance(0.2) {
			v.Location = "northeurope"
		}
		dual := g.has(IPv6) && g.chance(0.7)
		base := one(g, "fd00:0:%x", "2001:db8:%x")
		if dual {
			v.AddressSpace = append(v.AddressSpace, prefixes(fmt.Sprintf(base+"::/48", i))...)
		}
		for j, list := range p.subnets {
			if j > 0 && g.chance(0.25) {
				continue
			}
			s := &topology.Subnet{Element: g.element("virtualNetworks/"+name+"/subnets", fmt.Sprintf("s%d", j), true), Prefixes: prefixes(list...)}
			if dual {
				s.Prefixes = append(s.Prefixes, prefixes(fmt.Sprintf(base+":%x::/64", i, j))...)
			}
			g.subnet(s)
			v.Subnets = append(v.Subnets, s)
		}
		g.note(v.AddressSpace...)
		g.vnets = append(g.vnets, v)
	}
}

func (g *generator) subnet(s *topology.Subnet) {
	g.note(s.Prefixes...)
	if g.has(PrivateSubnets) {
		s.DefaultOutboundAccess = one(g, topology.Unset, topology.Off, topology.Off, topology.On)
	}
	if g.doubt(Designs, 0.5) {
		s.Design = true
	}
	if g.has(PrivateEndpoints) {
		s.PrivateEndpointPolicy = one(g, topology.PolicyUnset, topology.PolicyDisabled, topology.PolicyEnabled, topology.PolicyNSGEnabled, topology.PolicyRouteTableEnabled)
	}
	if g.has(ServiceEndpoints) && g.chance(0.5) {
		services := []string{"Microsoft.Storage", "Microsoft.Storage.Global", "Microsoft.AzureActiveDirectory"}
		s.ServiceEndpoints = []topology.ServiceEndpoint{{Service: one(g, services...)}}
	}
	if g.has(AdminRules) && g.chance(0.05) {
		s.Delegations = []string{"Microsoft.Sql/managedInstances"}
	}
}

// special adds a subnet that Azure keeps for a service.
func (g *generator) special(v *topology.VirtualNetwork, name, prefix string) *topology.Subnet {
	s := &topology.Subnet{Element: g.element("virtualNetworks/"+v.Name+"/subnets", name, true), Prefixes: prefixes(prefix)}
	g.note(s.Prefixes...)
	v.Subnets = append(v.Subnets, s)
	return s
}

func (g *generator) applicationGroups() {
	if !g.has(ApplicationGroups) {
		return
	}
	for i := range 2 {
		a := &topology.ApplicationSecurityGroup{Element: g.element("applicationSecurityGroups", fmt.Sprintf("asg%d", i), false)}
		g.add(a)
		g.asgs = append(g.asgs, a.Ref())
	}
	if g.doubt(DanglingReferences, 0.5) {
		g.asgs = append(g.asgs, topology.RefTo(id("applicationSecurityGroups", "gone")))
	}
}

// free is an address of a prefix that nothing owns yet, near its start or at
// its end.
func (g *generator) free(p netip.Prefix) netip.Addr {
	for {
		a := p.Addr()
		for range 4 + g.r.IntN(3) {
			a = a.Next()
		}
		if p.Addr().Is4() && g.chance(0.2) {
			a = lastOf(p).Prev()
		}
		if g.used[a] {
			for a = p.Addr().Next(); g.used[a]; {
				a = a.Next()
			}
		}
		if p.Contains(a) {
			g.used[a] = true
			g.points = append(g.points, a, a, a)
			return a
		}
	}
}

func (g *generator) interfaces() {
	for _, v := range g.vnets {
		for _, s := range v.Subnets {
			for range 1 + g.r.IntN(2) {
				g.nic(s)
			}
		}
	}
	if g.has(Hub) {
		g.hub = g.nics[0]
		g.hub.EnableIPForwarding = topology.On
	}
}

func (g *generator) nic(s *topology.Subnet) {
	name := fmt.Sprintf("nic%d", len(g.nics))
	n := &topology.NetworkInterface{Element: g.element("networkInterfaces", name, false)}
	n.EnableIPForwarding = one(g, topology.Unset, topology.Off, topology.On, topology.On)
	if g.has(PrivateSubnets) && g.chance(0.15) {
		n.DefaultOutbound = one(g, topology.Off, topology.On)
	}
	families := []netip.Prefix{s.Prefixes[0]}
	for _, p := range s.Prefixes[1:] {
		if p.Addr().Is6() && g.chance(0.8) {
			families = append(families, p)
		}
	}
	for i, p := range families {
		c := &topology.IPConfiguration{
			Element:          g.element("networkInterfaces/"+name+"/ipConfigurations", fmt.Sprintf("ipconfig%d", i), true),
			PrivateIPAddress: g.free(p), Subnet: s.Ref(), Primary: topology.SwitchOf(i == 0),
		}
		if g.doubt(AddressesOwnedTwice, 0.3) && len(g.configs) > 0 {
			if twin := g.configs[len(g.configs)-1]; twin.Subnet.ID() == s.ID() && p.Contains(twin.PrivateIPAddress) {
				c.PrivateIPAddress = twin.PrivateIPAddress
			}
		}
		if g.doubt(DanglingReferences, 0.05) {
			c.Subnet = topology.RefTo(id("virtualNetworks", "vgone/subnets/sgone"))
		}
		for _, a := range g.asgs {
			if g.chance(0.4) {
				c.ASGs = append(c.ASGs, a)
			}
		}
		n.IPConfigurations = append(n.IPConfigurations, c)
		g.configs = append(g.configs, c)
	}
	g.nics = append(g.nics, n)
	g.add(n)
}

func (g *generator) publicIPs() {
	if !g.has(PublicIPs) {
		return
	}
	for i, c := range g.configs {
		if c.PrivateIPAddress.Is6() || !g.chance(0.4) {
			continue
		}
		p := g.publicIP(fmt.Sprintf("pip%d", i))
		p.IPConfiguration = c.Ref()
		c.PublicIPAddress = p.Ref()
		if g.doubt(DanglingReferences, 0.2) {
			c.PublicIPAddress = topology.RefTo(id("publicIPAddresses", "gone"))
		}
	}
	if g.chance(0.3) {
		g.publicIP("unattached")
	}
}

func (g *generator) publicIP(name string) *topology.PublicIPAddress {
	p := &topology.PublicIPAddress{Element: g.element("publicIPAddresses", name, false), SKU: one(g, "Standard", "Standard", "Basic")}
	p.IPAddress = g.free(netip.MustParsePrefix("198.51.100.0/25"))
	if g.doubt(DanglingReferences, 0.2) {
		p.SKU = ""
	}
	g.publics = append(g.publics, p)
	g.add(p)
	return p
}

func (g *generator) natGateways() {
	if !g.has(NATGateways) {
		return
	}
	p := g.publicIP("pip-nat")
	n := &topology.NATGateway{Element: g.element("natGateways", "nat", false), PublicIPs: []topology.Ref{p.Ref()}}
	if g.chance(0.3) {
		n.PublicIPs = append(n.PublicIPs, g.publicIP("pip-nat2").Ref())
	}
	g.add(n)
	for _, v := range g.vnets {
		for _, s := range v.Subnets {
			if g.chance(0.4) {
				s.NATGateway = n.Ref()
				if g.doubt(DanglingReferences, 0.2) {
					s.NATGateway = topology.RefTo(id("natGateways", "gone"))
				}
			}
		}
	}
}

func (g *generator) peerings() {
	if !g.has(Peerings) || len(g.vnets) < 2 {
		return
	}
	for i, a := range g.vnets {
		for _, b := range g.vnets[i+1:] {
			spoke := g.has(Hub) && i == 0
			if !spoke && !g.chance(0.7) {
				continue
			}
			there, back := g.peering(a, b), g.peering(b, a)
			if g.doubt(PeerStates, 0.3) {
				back.State = one(g, "Disconnected", "Initiated", "")
			}
			if g.doubt(PeerStates, 0.2) {
				there.State = one(g, "Disconnected", "Initiated", "")
			}
			if g.doubt(PeerStates, 0.2) {
				b.Peerings = b.Peerings[:len(b.Peerings)-1]
			}
			if g.has(PeeringFlags) && g.chance(0.4) {
				there.UseRemoteGateways, back.AllowGatewayTransit = topology.On, one(g, topology.On, topology.On, topology.Off)
			}
		}
	}
	if g.doubt(PeerStates, 0.4) {
		a := g.vnets[0]
		p := g.peering(a, &topology.VirtualNetwork{Element: topology.Element{ResourceID: id("virtualNetworks", "ghost"), Name: "ghost"}, AddressSpace: prefixes("10.77.0.0/16")})
		g.note(p.RemoteAddressSpace...)
	}
}

func (g *generator) peering(a, b *topology.VirtualNetwork) *topology.Peering {
	p := &topology.Peering{
		Element:              g.element("virtualNetworks/"+a.Name+"/virtualNetworkPeerings", a.Name+"-"+b.Name, true),
		RemoteVirtualNetwork: b.Ref(), RemoteAddressSpace: b.AddressSpace, RemoteAddressSpaceGiven: true, State: "Connected",
	}
	if g.has(Hub) {
		p.AllowForwardedTraffic = topology.On
	}
	if g.has(PeeringFlags) {
		p.AllowVirtualNetworkAccess = one(g, topology.Unset, topology.On, topology.On, topology.Off)
		p.AllowForwardedTraffic = one(g, topology.Unset, topology.On, topology.On, topology.Off)
		if g.chance(0.1) && len(b.Subnets) > 0 {
			s := one(g, b.Subnets...)
			p.PeerCompleteVnets, p.RemoteSubnetNames, p.RemoteAddressSpace = topology.Off, []string{s.Name}, s.Prefixes
		}
	}
	a.Peerings = append(a.Peerings, p)
	return p
}

func (g *generator) gateways() {
	if !g.has(Gateways) {
		return
	}
	for i, v := range g.vnets {
		if i > 1 || !g.chance(0.6) || !v.AddressSpace[0].Contains(netip.MustParseAddr(fmt.Sprintf("10.%d.250.0", i))) {
			continue
		}
		g.special(v, "GatewaySubnet", fmt.Sprintf("10.%d.250.0/27", i))
		if g.doubt(MissingLearnedRoutes, 0.2) {
			continue // the gateway itself was not exported
		}
		for _, p := range v.Peerings { // a network with a gateway cannot use a remote one (PEER)
			if p.UseRemoteGateways == topology.On {
				p.UseRemoteGateways = topology.Off
			}
		}
		w := &topology.VirtualNetworkGateway{
			Element: g.element("virtualNetworkGateways", fmt.Sprintf("gw%d", i), false), VirtualNetwork: v.Ref(), GatewayType: "Vpn", EnableBGP: topology.Off,
		}
		w.LearnedGiven = true
		for range g.r.IntN(3) {
			w.LearnedPrefixes = append(w.LearnedPrefixes, prefixes(one(g, onPremises...))...)
		}
		switch {
		case g.doubt(MissingLearnedRoutes, 0.7):
			w.LearnedGiven = false
		case g.chance(0.3): // static connections say it all
			w.LearnedGiven, w.LearnedPrefixes = false, nil
			l := &topology.LocalNetworkGateway{Element: g.element("localNetworkGateways", fmt.Sprintf("l%d", i), false), Prefixes: prefixes(one(g, onPremises[:4]...))}
			g.add(l)
			g.note(l.Prefixes...)
			g.add(&topology.GatewayConnection{
				Element: g.element("connections", fmt.Sprintf("c%d", i), false), Type: "IPsec",
				VirtualNetworkGateway: w.Ref(), LocalNetworkGateway: l.Ref(), EnableBGP: topology.Off,
			})
		}
		g.note(w.LearnedPrefixes...)
		g.add(w)
	}
}

func (g *generator) privateEndpoints() {
	if !g.has(PrivateEndpoints) {
		return
	}
	for i, v := range g.vnets {
		if !g.chance(0.6) {
			continue
		}
		s := one(g, v.Subnets...)
		e := &topology.PrivateEndpoint{
			Element: g.element("privateEndpoints", fmt.Sprintf("pe%d", i), false), Subnet: s.Ref(),
			Addresses: []netip.Addr{g.free(s.Prefixes[0])}, ConnectionState: one(g, "Approved", "Approved", "Approved", "Pending"),
		}
		if g.doubt(DanglingReferences, 0.2) {
			e.ConnectionState = ""
		}
		for _, a := range g.asgs {
			if g.chance(0.3) {
				e.ASGs = append(e.ASGs, a)
			}
		}
		g.add(e)
	}
}

func (g *generator) balancers() {
	if !g.has(LoadBalancers) {
		return
	}
	for i := range 1 + g.r.IntN(2) {
		name := fmt.Sprintf("lb%d", i)
		b := &topology.LoadBalancer{Element: g.element("loadBalancers", name, false), SKU: one(g, "Standard", "Standard", "Basic")}
		child := func(kind, child string) topology.Element {
			return topology.Element{ResourceID: id("loadBalancers/"+name+"/"+kind, child), Name: child}
		}
		f := &topology.Frontend{Element: child("frontendIPConfigurations", "fe")}
		v := one(g, g.vnets...)
		if g.chance(0.5) {
			p := g.publicIP("pip-" + name)
			p.SKU, p.IPConfiguration = b.SKU, topology.RefTo(f.ResourceID)
			f.PublicIPAddress = p.Ref()
		} else {
			s := one(g, v.Subnets...)
			f.Subnet, f.PrivateIPAddress = s.Ref(), g.free(s.Prefixes[0])
		}
		q := &topology.BackendPool{Element: child("backendAddressPools", "be")}
		for _, n := range g.nics {
			c := n.IPConfigurations[0]
			if c.Subnet.ID().Parent() == v.ID() && g.chance(0.4) {
				q.IPConfigurations = append(q.IPConfigurations, c.Ref())
				c.BackendPools = append(c.BackendPools, q.Ref())
			}
		}
		if g.doubt(DanglingReferences, 0.2) {
			q.IPConfigurations = append(q.IPConfigurations, topology.RefTo(id("networkInterfaces", "gone/ipConfigurations/c")))
		}
		r := &topology.LoadBalancingRule{
			Element: child("loadBalancingRules", "r"), Frontend: f.Ref(), BackendPools: []topology.Ref{q.Ref()},
			Protocol: topology.TCP, FrontendPort: 443, BackendPort: one(g, 443, 8443), DisableOutboundSNAT: one(g, topology.Unset, topology.Off, topology.On),
		}
		if !f.PublicIPAddress.IsZero() && b.SKU == "Standard" && g.chance(0.4) {
			b.OutboundRules = append(b.OutboundRules, &topology.OutboundRule{
				Element: child("outboundRules", "o"), Frontends: []topology.Ref{f.Ref()}, BackendPool: q.Ref(), Protocol: one(g, topology.AnyProtocol, topology.TCP),
			})
			r.DisableOutboundSNAT = topology.On
		}
		if f.PublicIPAddress.IsZero() && g.chance(0.6) {
			r.Protocol, r.FrontendPort, r.BackendPort = topology.AnyProtocol, 0, 0 // HA ports
		}
		b.Frontends, b.BackendPools, b.Rules = []*topology.Frontend{f}, []*topology.BackendPool{q}, []*topology.LoadBalancingRule{r}
		if !f.PublicIPAddress.IsZero() && len(q.IPConfigurations) > 0 && g.chance(0.3) {
			b.NATRules = append(b.NATRules, &topology.InboundNATRule{
				Element: child("inboundNatRules", "n"), Frontend: f.Ref(), BackendIPConfiguration: q.IPConfigurations[0],
				Protocol: topology.TCP, FrontendPort: 50022, BackendPort: 22,
			})
			g.ports = append(g.ports, 22, 50022)
		}
		if g.chance(0.15) { // backends by address; interfaces may still name the pool
			for _, n := range g.nics {
				c := n.IPConfigurations[0]
				if c.PrivateIPAddress.IsValid() && slices.ContainsFunc(q.IPConfigurations, func(r topology.Ref) bool { return r.ID() == c.ID() }) {
					q.Addresses = append(q.Addresses, c.PrivateIPAddress)
					if g.chance(0.7) {
						c.BackendPools = slices.DeleteFunc(c.BackendPools, func(r topology.Ref) bool { return r.ID() == q.ID() })
					}
				}
			}
			q.IPConfigurations = nil
		}
		if g.chance(0.1) { // a range of ports
			b.NATRules = append(b.NATRules, &topology.InboundNATRule{Element: child("inboundNatRules", "many"), Frontend: f.Ref(), Protocol: topology.TCP, BackendPort: 22})
		}
		if g.chance(0.1) && g.has(NotModelled) {
			b.NotModelled = append(b.NotModelled, topology.Property{Name: "inboundNatPools"})
		}
		g.ports = append(g.ports, 8443)
		g.add(b)
	}
}

func (g *generator) gaps() {
	if !g.has(CutLists) {
		return
	}
	types := []string{
		"networkInterfaces", "networkSecurityGroups", "routeTables", "privateEndpoints", "publicIPAddresses", "loadBalancers", "virtualNetworks",
		"networkManagers/securityAdminConfigurations",
	}
	g.data.Gaps = append(g.data.Gaps, topology.Gap{Kind: topology.ListCut, ResourceType: "Microsoft.Network/" + one(g, types...), Text: "nextLink"})
}
