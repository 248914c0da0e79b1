package design

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/arm"
	"github.com/netpath/netpath/topology/load/source"
)

func (r *reader) file(d *File) {
	each(d.VirtualNetworks, r.virtualNetwork)
	each(d.NetworkSecurityGroups, r.securityGroup)
	each(d.ApplicationSecurityGroups, func(p *Plain) { r.entry(ASGs, p, &topology.ApplicationSecurityGroup{}) })
	each(d.RouteTables, r.routeTable)
	each(d.NetworkManagerAdminRules, r.adminRule)
	each(d.PublicIPAddresses, func(p *PublicIPAddress) { r.publicIP(p) })
	each(d.NATGateways, r.natGateway)
	each(d.LoadBalancers, r.loadBalancer)
	each(d.AzureFirewalls, r.firewall)
	each(d.FirewallPolicies, r.firewallPolicy)
	each(d.IPGroups, r.ipGroup)
	each(d.VirtualNetworkGateways, r.gateway)
	each(d.LocalNetworkGateways, r.localGateway)
	each(d.Connections, r.connection)
	each(d.PrivateEndpoints, r.privateEndpoint)
	each(d.NetworkInterfaces, func(i *Interface) { r.networkInterface(i) })
	each(d.VirtualMachines, r.machine)
	each(d.RecoveryServicesVaults, r.vault)
	each(d.StorageAccounts, r.storageAccount)
}

func each[T any](list []T, read func(*T)) {
	for i := range list {
		read(&list[i])
	}
}

func (r *reader) virtualNetwork(d *VirtualNetwork) {
	v := &topology.VirtualNetwork{}
	e := r.entry(VirtualNetworks, &d.Plain, v)
	v.AddressSpace = r.Prefixes(d.AddressPrefixes.N)
	e.Complete = func() {
		if len(v.AddressSpace) == 0 {
			r.RefuseAt(d.At, "expected addressPrefixes of the virtual network "+source.Quote(v.Name), "")
		}
		for i, s := range v.Subnets {
			if len(s.Prefixes) == 0 && i < len(d.Subnets) {
				r.RefuseAt(d.Subnets[i].At, "expected an addressPrefix of the subnet "+source.Quote(s.Name), "")
			}
		}
	}
	for i := range d.Subnets {
		s := r.subnet(&d.Subnets[i])
		v.Subnets = append(v.Subnets, s)
		e.add(string(Subnets), s)
	}
	for i := range d.Peerings {
		p := r.peering(&d.Peerings[i])
		v.Peerings = append(v.Peerings, p)
		e.add(string(Peerings), p)
	}
}

func (r *reader) subnet(d *Subnet) *topology.Subnet {
	s := &topology.Subnet{Element: r.element(d.At, d.Name)}
	s.ResourceID, s.Location = r.Text(d.ID.N), r.Text(d.Location.N)
	if s.Name == "" && s.ResourceID != "" {
		s.Name = s.ResourceID[strings.LastIndexByte(s.ResourceID, '/')+1:]
	}
	if s.Name == "" {
		r.RefuseAt(d.At, "expected a name", "")
	}
	s.Prefixes = append(r.Prefixes(d.AddressPrefix.N), r.Prefixes(d.AddressPrefixes.N)...)
	if d.AddressPrefix.N != nil && d.AddressPrefixes.N != nil {
		r.Refuse(d.AddressPrefixes.N, "expected addressPrefix or addressPrefixes, not both", "")
	}
	r.ref(&s.NetworkSecurityGroup, d.NetworkSecurityGroup, SecurityGroups)
	r.ref(&s.RouteTable, d.RouteTable, RouteTables)
	r.ref(&s.NATGateway, d.NATGateway, NATGateways)
	s.DefaultOutboundAccess = r.Switch(d.DefaultOutboundAccess.N)
	s.PrivateEndpointPolicy = topology.NetworkPolicy(r.OneOf(d.PrivateEndpointNetworkPolicies.N,
		string(topology.PolicyDisabled), string(topology.PolicyEnabled), string(topology.PolicyNSGEnabled), string(topology.PolicyRouteTableEnabled)))
	s.Delegations = r.Texts(d.Delegations.N)
	for _, ep := range d.ServiceEndpoints {
		s.ServiceEndpoints = append(s.ServiceEndpoints, topology.ServiceEndpoint{
			Service: r.Text(ep.Service.N), Locations: r.Texts(ep.Locations.N), Origin: r.Origin(ep.At)})
	}
	return s
}

func (r *reader) peering(d *Peering) *topology.Peering {
	p := &topology.Peering{
		Element:                   r.element(d.At, d.Name),
		State:                     r.OneOf(d.PeeringState.N, "Connected", "Initiated", "Disconnected"),
		AllowVirtualNetworkAccess: r.Switch(d.AllowVirtualNetworkAccess.N),
		AllowForwardedTraffic:     r.Switch(d.AllowForwardedTraffic.N),
		AllowGatewayTransit:       r.Switch(d.AllowGatewayTransit.N),
		UseRemoteGateways:         r.Switch(d.UseRemoteGateways.N),
		PeerCompleteVnets:         r.Switch(d.PeerCompleteVnets.N),
		LocalSubnetNames:          r.Texts(d.LocalSubnetNames.N),
		RemoteSubnetNames:         r.Texts(d.RemoteSubnetNames.N),
	}
	r.ref(&p.RemoteVirtualNetwork, d.RemoteVirtualNetwork, VirtualNetworks)
	p.RemoteAddressSpace = r.Prefixes(d.RemoteAddressPrefixes.N)
	p.RemoteAddressSpaceGiven = d.RemoteAddressPrefixes.N != nil
	if p.Name == "" {
		remote := p.RemoteVirtualNetwork.Text
		p.Name = remote[strings.LastIndexByte(remote, '/')+1:]
	}
	if p.State == "" {
		p.State = "Connected"
	}
	return p
}

func (r *reader) securityGroup(d *SecurityGroup) {
	g := &topology.NetworkSecurityGroup{}
	e := r.entry(SecurityGroups, &d.Plain, g)
	g.RulesGiven = d.SecurityRules != nil
	e.Complete = func() { g.RulesGiven = true }
	if g.RulesGiven {
		g.SecurityRules = make([]*topology.SecurityRule, 0, len(d.SecurityRules)) // an empty list says so
	}
	for i := range d.SecurityRules {
		rule := r.rules.DesignRule(d.SecurityRules[i].At)
		if r.Err != nil {
			return
		}
		rule.Element = r.element(d.SecurityRules[i].At, d.SecurityRules[i].Name)
		for _, side := range []*topology.Match{&rule.Source, &rule.Destination} {
			for k := range side.ASGs {
				r.doc.References = append(r.doc.References, Reference{Ref: &side.ASGs[k], Kind: ASGs})
			}
		}
		g.SecurityRules = append(g.SecurityRules, rule)
		e.add("securityRules", rule)
	}
	arm.CheckRules(r.File, d.At, g)
}

func (r *reader) routeTable(d *RouteTable) {
	t := &topology.RouteTable{}
	e := r.entry(RouteTables, &d.Plain, t)
	t.DisableBGPPropagation = r.Switch(d.DisableBGPRoutePropagation.N)
	t.RoutesGiven = d.Routes != nil
	e.Complete = func() { t.RoutesGiven = true }
	if t.RoutesGiven {
		t.Routes = make([]*topology.Route, 0, len(d.Routes))
	}
	for _, dr := range d.Routes {
		rt := &topology.Route{Element: r.element(dr.At, dr.Name)}
		arm.ReadRoute(r.File, rt, dr.At, dr.AddressPrefix.N, dr.NextHopType.N, dr.NextHopIPAddress.N)
		t.Routes = append(t.Routes, rt)
		e.add("routes", rt)
	}
	if r.Err == nil {
		arm.CheckRoutes(r.File, t)
	}
}

func (r *reader) adminRule(d *AdminRule) {
	rule := &topology.AdminRule{}
	r.entry(AdminRules, &d.Plain, rule)
	rule.VirtualNetworks = r.refs(d.VirtualNetworks, VirtualNetworks)
	if len(rule.VirtualNetworks) == 0 {
		r.Refuse(d.VirtualNetworks.N, "expected at least one virtual network", "")
	}
	rule.Priority = r.Decimal(d.Priority.N, 1, 4096, "a priority")
	rule.Direction = r.Direction(d.Direction.N)
	rule.Access = r.Access(d.Access.N, "Allow", "AlwaysAllow", "Deny")
	rule.Protocol = r.Protocol(d.Protocol.N)
	rule.Source.Prefixes = r.matches(d.Sources)
	rule.Destination.Prefixes = r.matches(d.Destinations)
	rule.Source.Ports, rule.Source.PortsUnresolved = r.Ports(d.SourcePortRanges.N)
	rule.Destination.Ports, rule.Destination.PortsUnresolved = r.Ports(d.DestinationPortRanges.N)
	for _, side := range []*topology.Match{&rule.Source, &rule.Destination} {
		if len(side.Ports) == 0 && !side.PortsUnresolved {
			side.Ports = []topology.PortRange{topology.AllPorts} // a design leaves out what does not matter
		}
	}
	switch {
	case len(rule.Source.Prefixes) == 0:
		r.Refuse(d.Sources.N, "expected at least one address", `every address is "*"`)
	case len(rule.Destination.Prefixes) == 0:
		r.Refuse(d.Destinations.N, "expected at least one address", `every address is "*"`)
	case rule.Direction == topology.NoDirection:
		r.Refuse(d.Direction.N, "expected Inbound or Outbound", "")
	case rule.Access == topology.NoAccess:
		r.Refuse(d.Access.N, "expected Allow, AlwaysAllow or Deny", "")
	case rule.Protocol == topology.NoProtocol:
		r.Refuse(d.Protocol.N, "expected a protocol", "")
	}
}

func (r *reader) matches(m Matches) []topology.AddressPrefix {
	var out []topology.AddressPrefix
	for _, it := range r.Items(m.N) {
		out = append(out, r.Address(it))
	}
	return out
}

func (r *reader) publicIP(d *PublicIPAddress) *topology.PublicIPAddress {
	p := &topology.PublicIPAddress{}
	r.entry(PublicIPAddresses, &d.Plain, p)
	p.IPAddress = r.Addr(d.IPAddress.N)
	p.SKU = r.OneOf(d.SKU.N, "Basic", "Standard")
	return p
}

// publicRef reads the public IP address of an interface: a name, an address,
// or an object that describes it in place.
func (r *reader) publicRef(dst *topology.Ref, d *PublicIPAddress, owner string) {
	if d == nil || source.IsEmpty(d.At) {
		return
	}
	bare := d.At.Kind == doctree.String
	if _, err := netip.ParseAddr(strings.TrimSpace(d.At.Text)); bare && err != nil {
		r.ref(dst, Name{d.At}, PublicIPAddresses)
		return
	}
	if bare {
		d = &PublicIPAddress{Plain: Plain{At: d.At}, IPAddress: Address{d.At}}
	}
	if source.IsEmpty(d.IPAddress.N) && d.SKU.N == nil { // {name: pip1}
		r.ref(dst, Name{d.Name.N}, PublicIPAddresses)
		return
	}
	p := &topology.PublicIPAddress{Element: r.element(d.At, d.Name)}
	p.ResourceID = r.Text(d.ID.N)
	p.IPAddress, p.SKU = r.Addr(d.IPAddress.N), r.OneOf(d.SKU.N, "Basic", "Standard")
	if p.Name == "" {
		p.Name = owner + "-public-ip"
	}
	e := &Entry{Element: p, Kind: PublicIPAddresses, Complete: func() {}}
	r.doc.Entries = append(r.doc.Entries, e)
	*dst = topology.Ref{Text: p.Name, Origin: p.Origin}
	r.doc.References = append(r.doc.References, Reference{Ref: dst, Kind: PublicIPAddresses, Target: e})
}

// addressesOrNames splits a list of public addresses and names of public IP
// address resources.
func (r *reader) addressesOrNames(t Texts, kind Kind) (addrs []netip.Addr, refs []topology.Ref) {
	items := r.Items(t.N)
	var names []*doctree.Node
	for _, it := range items {
		if _, err := netip.ParseAddr(strings.TrimSpace(it.Text)); err == nil {
			addrs = append(addrs, r.Addr(it))
		} else {
			names = append(names, it)
		}
	}
	if len(names) > 0 {
		refs = make([]topology.Ref, len(names))
		for i, it := range names {
			r.ref(&refs[i], Name{it}, kind)
		}
	}
	return addrs, refs
}

func (r *reader) natGateway(d *NATGateway) {
	g := &topology.NATGateway{}
	r.entry(NATGateways, &d.Plain, g)
	g.Addresses, g.PublicIPs = r.addressesOrNames(d.PublicIPAddresses, PublicIPAddresses)
	for _, it := range r.Items(d.PublicIPPrefixes.N) {
		g.PublicPrefixes = append(g.PublicPrefixes, topology.Ref{Text: r.Text(it), Origin: r.Origin(it)})
	}
}

func (r *reader) loadBalancer(d *LoadBalancer) {
	b := &topology.LoadBalancer{}
	e := r.entry(LoadBalancers, &d.Plain, b)
	b.SKU = r.OneOf(d.SKU.N, "Basic", "Standard")
	for _, df := range d.FrontendIPConfigurations {
		fe := &topology.Frontend{Element: r.element(df.At, df.Name)}
		if !source.IsEmpty(df.PublicIPAddress.N) {
			if _, err := netip.ParseAddr(strings.TrimSpace(df.PublicIPAddress.N.Text)); err == nil {
				fe.PublicAddress = r.Addr(df.PublicIPAddress.N)
			} else {
				r.ref(&fe.PublicIPAddress, Name(df.PublicIPAddress), PublicIPAddresses)
			}
		}
		r.ref(&fe.Subnet, df.Subnet, Subnets)
		fe.PrivateIPAddress = r.Addr(df.PrivateIPAddress.N)
		b.Frontends = append(b.Frontends, fe)
		e.add("frontendIPConfigurations", fe)
	}
	for _, dp := range d.BackendAddressPools {
		p := &topology.BackendPool{Element: r.element(dp.At, dp.Name), Interfaces: r.refs(dp.NetworkInterfaces, Interfaces), Addresses: r.Addrs(dp.Addresses.N)}
		b.BackendPools = append(b.BackendPools, p)
		e.add("backendAddressPools", p)
	}
	for _, dr := range d.LoadBalancingRules {
		rule := &topology.LoadBalancingRule{
			Element:             r.element(dr.At, dr.Name),
			BackendPools:        make([]topology.Ref, 1),
			Protocol:            r.transport(dr.Protocol),
			FrontendPort:        r.Decimal(dr.FrontendPort.N, 0, 65535, "a port"),
			BackendPort:         r.Decimal(dr.BackendPort.N, 0, 65535, "a port"),
			EnableFloatingIP:    r.Switch(dr.EnableFloatingIP.N),
			DisableOutboundSNAT: r.Switch(dr.DisableOutboundSNAT.N),
		}
		r.local(e, &rule.Frontend, dr.Frontend, "frontendIPConfigurations")
		r.local(e, &rule.BackendPools[0], dr.Backend, "backendAddressPools")
		b.Rules = append(b.Rules, rule)
		e.add("loadBalancingRules", rule)
	}
	for _, dr := range d.InboundNATRules {
		rule := &topology.InboundNATRule{
			Element:      r.element(dr.At, dr.Name),
			Protocol:     r.transport(dr.Protocol),
			FrontendPort: r.Decimal(dr.FrontendPort.N, 1, 65535, "a port"),
			BackendPort:  r.Decimal(dr.BackendPort.N, 1, 65535, "a port"),
		}
		r.local(e, &rule.Frontend, dr.Frontend, "frontendIPConfigurations")
		r.ref(&rule.BackendIPConfiguration, dr.NetworkInterface, Interfaces)
		b.NATRules = append(b.NATRules, rule)
		e.add("inboundNatRules", rule)
	}
	for _, dr := range d.OutboundRules {
		rule := &topology.OutboundRule{Element: r.element(dr.At, dr.Name), Frontends: make([]topology.Ref, 1), Protocol: topology.AnyProtocol}
		if dr.Protocol.N != nil {
			rule.Protocol = r.transport(dr.Protocol)
		}
		r.local(e, &rule.Frontends[0], dr.Frontend, "frontendIPConfigurations")
		r.local(e, &rule.BackendPool, dr.Backend, "backendAddressPools")
		b.OutboundRules = append(b.OutboundRules, rule)
		e.add("outboundRules", rule)
	}
}

func (r *reader) transport(t Text) topology.Protocol {
	switch r.OneOf(t.N, "Tcp", "Udp", "All") {
	case "Tcp":
		return topology.TCP
	case "Udp":
		return topology.UDP
	case "All":
		return topology.AnyProtocol
	default:
		return topology.NoProtocol
	}
}

func (r *reader) firewall(d *Firewall) {
	w := &topology.AzureFirewall{}
	e := r.entry(Firewalls, &d.Plain, w)
	r.ref(&w.Subnet, d.Subnet, Subnets)
	w.PrivateIPAddress = r.Addr(d.PrivateIPAddress.N)
	addresses := r.Items(d.PublicIPAddresses.N)
	w.PublicIPs = make([]topology.Ref, len(addresses))
	for i, it := range addresses {
		r.publicRef(&w.PublicIPs[i], &PublicIPAddress{Plain: Plain{At: it}}, w.Name+"-"+strconv.Itoa(i+1))
	}
	r.ref(&w.Policy, d.FirewallPolicy, FirewallPolicies)
	w.ThreatIntelMode = r.OneOf(d.ThreatIntelMode.N, "Alert", "Deny", "Off")
	w.Collections = r.collections(e, d.NATRuleCollections, d.NetworkRuleCollections, d.ApplicationRuleCollections, "", 0)
}

func (r *reader) firewallPolicy(d *FirewallPolicy) {
	p := &topology.FirewallPolicy{}
	e := r.entry(FirewallPolicies, &d.Plain, p)
	r.ref(&p.BasePolicy, d.BasePolicy, FirewallPolicies)
	p.ThreatIntelMode = r.OneOf(d.ThreatIntelMode.N, "Alert", "Deny", "Off")
	p.GroupsGiven = d.RuleCollectionGroups != nil
	e.Complete = func() { p.GroupsGiven = true }
	for _, g := range d.RuleCollectionGroups {
		priority := r.Decimal(g.Priority.N, 100, 65000, "the priority of the rule collection group")
		p.Collections = append(p.Collections, r.collections(e, g.NATRuleCollections, g.NetworkRuleCollections, g.ApplicationRuleCollections, r.Text(g.Name.N), priority)...)
	}
}

func (r *reader) collections(e *Entry, nat, network, application []Collection, group string, priority int) []*topology.RuleCollection {
	var out []*topology.RuleCollection
	for _, part := range []struct {
		list []Collection
		kind topology.CollectionKind
	}{{nat, topology.NATCollection}, {network, topology.NetworkCollection}, {application, topology.ApplicationCollection}} {
		for i := range part.list {
			d := &part.list[i]
			c := &topology.RuleCollection{Element: r.element(d.At, d.Name), Kind: part.kind, Group: group, GroupPriority: priority,
				Priority: r.Decimal(d.Priority.N, 100, 65000, "the priority of the rule collection")}
			if part.kind != topology.NATCollection {
				if c.Action = r.Access(d.Action.N, "Allow", "Deny"); c.Action == topology.NoAccess {
					r.RefuseAt(d.At, "expected an action, Allow or Deny", "")
				}
			}
			for k := range d.Rules {
				c.Rules = append(c.Rules, r.firewallRule(&d.Rules[k], part.kind))
			}
			out = append(out, c)
			e.add("ruleCollections", c)
		}
	}
	return out
}

func (r *reader) firewallRule(d *FirewallRule, kind topology.CollectionKind) *topology.FirewallRule {
	rule := &topology.FirewallRule{Element: r.element(d.At, d.Name)}
	arm.FirewallRule{Name: "rule " + source.Quote(rule.Name), Node: d.At,
		Sources: d.SourceAddresses.N, Destinations: d.DestinationAddresses.N, Ports: d.DestinationPorts.N, FQDNs: d.DestinationFQDNs.N,
		HasGroups: [2]bool{!source.IsEmpty(d.SourceIPGroups.N), !source.IsEmpty(d.DestinationIPGroups.N)},
	}.Read(r.File, rule, kind)
	rule.SourceIPGroups = r.refs(d.SourceIPGroups, IPGroups)
	rule.DestinationIPGroups = r.refs(d.DestinationIPGroups, IPGroups)
	rule.FQDNTags = r.Texts(d.FQDNTags.N)
	rule.TargetFQDNs = r.Texts(d.TargetFQDNs.N)
	rule.TargetURLs = r.Texts(d.TargetURLs.N)
	rule.WebCategories = r.Texts(d.WebCategories.N)
	if kind != topology.ApplicationCollection {
		rule.Protocols = arm.FirewallProtocols(r.File, d.At, d.Protocols.N)
	} else {
		for _, it := range r.Items(d.Protocols.N) {
			rule.Application = append(rule.Application, r.applicationProtocol(it))
		}
	}
	if kind == topology.NATCollection {
		rule.Translated = r.Addr(d.TranslatedAddress.N)
		rule.TranslatedFQDN = r.Text(d.TranslatedFQDN.N)
		if d.TranslatedPort.N != nil {
			rule.TranslatedPort = r.Decimal(d.TranslatedPort.N, 1, 65535, "a port")
		}
	}
	return rule
}

// applicationProtocol reads "https:443"; the port may be left out where the
// protocol has a usual one.
func (r *reader) applicationProtocol(n *doctree.Node) topology.ApplicationProtocol {
	typ, port, has := strings.Cut(r.Trimmed(n), ":")
	out := topology.ApplicationProtocol{}
	usual := map[string]int{"http": 80, "https": 443, "mssql": 1433}
	out.Type = map[string]string{"http": "Http", "https": "Https", "mssql": "Mssql"}[strings.ToLower(typ)]
	if out.Port = usual[strings.ToLower(typ)]; has {
		p := *n
		p.Text = port
		out.Port = r.Decimal(&p, 1, 64000, "a port behind the protocol")
	}
	if out.Type == "" {
		r.Refuse(n, "expected http, https or mssql with a port: https:443", "")
	}
	return out
}

func (r *reader) ipGroup(d *IPGroup) {
	g := &topology.IPGroup{}
	e := r.entry(IPGroups, &d.Plain, g)
	g.Given = d.IPAddresses.N != nil
	e.Complete = func() { g.Given = true }
	if g.Given {
		g.Prefixes = []netip.Prefix{}
	}
	for _, it := range r.Items(d.IPAddresses.N) {
		g.Prefixes = append(g.Prefixes, r.Range(it)...)
	}
}

func (r *reader) gateway(d *Gateway) {
	g := &topology.VirtualNetworkGateway{}
	r.entry(Gateways, &d.Plain, g)
	r.ref(&g.VirtualNetwork, d.VirtualNetwork, VirtualNetworks)
	g.GatewayType = r.OneOf(d.GatewayType.N, "Vpn", "ExpressRoute")
	g.EnableBGP = r.Switch(d.EnableBGP.N)
	g.LearnedPrefixes, g.LearnedGiven = r.Prefixes(d.LearnedPrefixes.N), d.LearnedPrefixes.N != nil
	g.ClientPools = r.Prefixes(d.ClientAddressPool.N)
}

func (r *reader) localGateway(d *LocalGateway) {
	g := &topology.LocalNetworkGateway{}
	r.entry(LocalGateways, &d.Plain, g)
	g.Prefixes = r.Prefixes(d.AddressPrefixes.N)
	g.BGP = r.Switch(d.BGP.N) == topology.On
}

func (r *reader) connection(d *Connection) {
	c := &topology.GatewayConnection{}
	r.entry(Connections, &d.Plain, c)
	c.Type = r.OneOf(d.ConnectionType.N, "IPsec", "Vnet2Vnet", "ExpressRoute")
	r.ref(&c.VirtualNetworkGateway, d.VirtualNetworkGateway1, Gateways)
	r.ref(&c.OtherGateway, d.VirtualNetworkGateway2, Gateways)
	r.ref(&c.LocalNetworkGateway, d.LocalNetworkGateway2, LocalGateways)
	c.EnableBGP = r.Switch(d.EnableBGP.N)
}

func (r *reader) privateEndpoint(d *PrivateEndpoint) {
	p := &topology.PrivateEndpoint{}
	r.entry(PrivateEndpoints, &d.Plain, p)
	r.ref(&p.Subnet, d.Subnet, Subnets)
	p.Addresses = r.Addrs(d.PrivateIPAddress.N)
	p.Services = r.Texts(d.Service.N)
	p.HostNames = r.Texts(d.HostName.N)
	r.ref(&p.TargetResource, d.TargetResource, AnyKind)
	p.ConnectionState = r.OneOf(d.ConnectionState.N, "Approved", "Pending", "Rejected", "Disconnected")
	p.ASGs = r.refs(d.ApplicationSecurityGroups, ASGs)
}

// networkInterface reads an interface that is written in place.
func (r *reader) networkInterface(d *Interface) (*topology.NetworkInterface, *Entry) {
	n := &topology.NetworkInterface{}
	e := r.entry(Interfaces, &d.Plain, n)
	r.ref(&n.NetworkSecurityGroup, d.NetworkSecurityGroup, SecurityGroups)
	n.EnableIPForwarding = r.Switch(d.EnableIPForwarding.N)
	n.Primary = r.Switch(d.Primary.N)
	configs := d.IPConfigurations
	if len(configs) > 0 && (d.Subnet.N != nil || d.PrivateIPAddress.N != nil || d.PublicIPAddress != nil) {
		r.RefuseAt(d.At, "expected the address at the top of the interface or under ipConfigurations, not both", "")
		return n, e
	}
	if len(configs) == 0 && (d.Subnet.N != nil || d.PrivateIPAddress.N != nil || d.PublicIPAddress != nil || d.ApplicationSecurityGroups.N != nil) {
		configs = []IPConfiguration{{At: d.At, Subnet: d.Subnet, PrivateIPAddress: d.PrivateIPAddress,
			PublicIPAddress: d.PublicIPAddress, ApplicationSecurityGroups: d.ApplicationSecurityGroups}}
	}
	for i := range configs {
		dc := &configs[i]
		c := &topology.IPConfiguration{Element: r.element(dc.At, dc.Name)}
		if c.Name == "" {
			c.Name = "ipconfig1"
		}
		r.ref(&c.Subnet, dc.Subnet, Subnets)
		c.PrivateIPAddress = r.Addr(dc.PrivateIPAddress.N)
		r.publicRef(&c.PublicIPAddress, dc.PublicIPAddress, n.Name)
		if c.Primary = r.Switch(dc.Primary.N); len(configs) == 1 && c.Primary == topology.Unset {
			c.Primary = topology.On
		}
		c.ASGs = r.refs(dc.ApplicationSecurityGroups, ASGs)
		n.IPConfigurations = append(n.IPConfigurations, c)
		e.add("ipConfigurations", c)
	}
	e.Complete = func() {
		if len(n.IPConfigurations) == 0 {
			r.RefuseAt(d.At, "expected a subnet and an address of the network interface "+source.Quote(n.Name), "")
		}
	}
	return n, e
}

func (r *reader) machine(d *Machine) {
	vm := &topology.VirtualMachine{}
	e := r.entry(Machines, &d.Plain, vm)
	vm.OSType = r.OneOf(d.OSType.N, "Windows", "Linux")
	vm.OSName = r.Text(d.OSName.N)
	if a := d.VMAgent; a != nil {
		vm.Agent = topology.VMAgent{Installed: r.Switch(a.Installed.N), Version: r.Text(a.Version.N), Origin: r.Origin(a.At)}
	}
	if d.OSDisk != nil {
		vm.OSDisk = r.disk(d.OSDisk)
	}
	vm.DataDisksGiven = d.DataDisks != nil
	for i := range d.DataDisks {
		vm.DataDisks = append(vm.DataDisks, r.disk(&d.DataDisks[i]))
	}
	if s := d.VMSize; s != nil {
		vm.Size = r.Text(s.Name.N)
		if s.Cores.N != nil {
			vm.Cores = r.Decimal(s.Cores.N, 1, 10000, "a number of cores")
		}
		vm.MemoryGB = r.Float(s.MemoryGB.N, "a size in GB")
	}
	vm.Encryption = r.OneOf(d.Encryption.N, "none", "ade", "luks", "bek-only")
	r.machineInterfaces(e, d, vm)
	e.Complete = func() {
		if len(vm.NetworkInterfaces) == 0 {
			r.Say(source.Doubt, d.At, "an overlay goes by the id or the unique name of the exported machine",
				"the machine %s has no network interface, and no export holds a machine of that name", source.Quote(vm.Name))
		}
	}
	if d.HostFirewall != nil {
		vm.HostFirewall = r.hostFirewall(d.HostFirewall)
	}
	if d.ProxyServer != nil {
		vm.ProxyServer = r.proxyServer(d.ProxyServer)
	}
	if p := d.Proxy; p != nil {
		vm.Proxy = &topology.ProxySetting{Host: r.host(p.Host), Port: uint16(r.Decimal(p.Port.N, 1, 65535, "a port")),
			Scope: r.OneOf(p.Scope.N, "system", "user"), Origin: r.Origin(p.At)}
		if vm.Proxy.Scope == "" {
			vm.Proxy.Scope = "system"
		}
	}
}

// host reads an address or host name. What could be a password in it is
// neither kept nor shown.
func (r *reader) host(t Text) string {
	s := r.Trimmed(t.N)
	if strings.ContainsAny(s, "@/?") {
		r.RefuseAt(t.N, "expected an IP address or host name alone, without scheme, user and path", "")
		return ""
	}
	return s
}

func (r *reader) machineInterfaces(e *Entry, d *Machine, vm *topology.VirtualMachine) {
	if d.NetworkInterfaces == nil {
		return
	}
	vm.NetworkInterfaces = make([]topology.Ref, len(d.NetworkInterfaces))
	refs := make([]Reference, len(d.NetworkInterfaces))
	primary := -1
	for i := range d.NetworkInterfaces {
		di := &d.NetworkInterfaces[i]
		ref := &vm.NetworkInterfaces[i]
		refs[i] = Reference{Ref: ref, Kind: Interfaces}
		if di.At.Kind != doctree.Object {
			*ref = topology.Ref{Text: r.Trimmed(di.At), Origin: r.Origin(di.At)}
			continue
		}
		n, entry := r.networkInterface(di)
		*ref = topology.Ref{Text: n.Name, Origin: n.Origin}
		refs[i].Target = entry
		n.VirtualMachine = topology.Ref{Text: vm.Name, Origin: vm.Origin}
		r.doc.References = append(r.doc.References, Reference{Ref: &n.VirtualMachine, Kind: Machines, Target: e})
		if n.Primary == topology.On {
			primary = i
		}
	}
	r.doc.References = append(r.doc.References, refs...)
	if primary < 0 && len(refs) == 1 {
		primary = 0
	}
	if primary >= 0 {
		vm.PrimaryInterface = vm.NetworkInterfaces[primary]
		mark := refs[primary]
		mark.Ref = &vm.PrimaryInterface
		r.doc.References = append(r.doc.References, mark)
	}
}

func (r *reader) disk(d *Disk) *topology.Disk {
	out := &topology.Disk{Name: r.Text(d.Name.N), Managed: r.Switch(d.Managed.N), Clustered: r.Switch(d.Clustered.N),
		StorageAccount: r.Text(d.StorageAccount.N), Origin: r.Origin(d.At)}
	if d.DiskSizeGB.N != nil {
		out.SizeGB = r.Decimal(d.DiskSizeGB.N, 1, 1<<20, "a disk size in GB")
	}
	return out
}

func (r *reader) hostFirewall(d *HostFirewall) *topology.HostFirewall {
	w := &topology.HostFirewall{Origin: r.Origin(d.At), InboundDefault: r.Access(d.InboundDefault.N, "Allow", "Deny")}
	for _, dr := range d.Inbound {
		rule := &topology.HostFirewallRule{Name: r.Text(dr.Name.N), Origin: r.Origin(dr.At), Remote: r.matches(dr.RemoteAddress),
			Protocol: topology.AnyProtocol}
		if rule.Access = r.Access(dr.Access.N, "Allow", "Deny"); rule.Access == topology.NoAccess {
			r.Refuse(dr.Access.N, "expected Allow or Deny", "")
		}
		if dr.Protocol.N != nil {
			rule.Protocol = r.Protocol(dr.Protocol.N)
		}
		rule.LocalPorts, _ = r.Ports(dr.LocalPort.N)
		if dr.LocalPort.N == nil {
			rule.LocalPorts = []topology.PortRange{topology.AllPorts}
		}
		if i := slices.IndexFunc(rule.Remote, func(a topology.AddressPrefix) bool {
			return a.Kind == topology.TagAddress || a.Kind == topology.UnresolvedAddress
		}); i >= 0 {
			r.Refuse(r.Items(dr.RemoteAddress.N)[i], "expected an IP address, a CIDR block or *; a guest knows no service tags", "")
		}
		w.Inbound = append(w.Inbound, rule)
	}
	return w
}

func (r *reader) proxyServer(d *ProxyServer) *topology.ProxyServer {
	return &topology.ProxyServer{
		Port:           uint16(r.Decimal(d.Port.N, 1, 65535, "a port")),
		Authentication: r.OneOf(d.Authentication.N, "none", "required"),
		AllowHosts:     r.Texts(d.AllowHosts.N),
		AnyHost:        d.AllowHosts.N == nil,
		Origin:         r.Origin(d.At),
	}
}

func (r *reader) vault(d *Vault) {
	v := &topology.RecoveryServicesVault{}
	r.entry(Vaults, &d.Plain, v)
	v.ProtectedVirtualMachines = r.refs(d.ProtectedVirtualMachines, Machines)
}

func (r *reader) storageAccount(d *StorageAccount) {
	a := &topology.StorageAccount{}
	r.entry(StorageAccounts, &d.Plain, a)
	a.NetworkDefaultAction = r.Access(d.NetworkDefaultAction.N, "Allow", "Deny")
	a.BlobEncryption = r.Switch(d.BlobEncryption.N)
	a.IPRules = r.Prefixes(d.IPRules.N)
	a.VirtualNetworkRules = r.refs(d.VirtualNetworkRules, Subnets)
	a.Bypass = r.Texts(d.Bypass.N)
}
