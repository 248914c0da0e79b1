package oracle

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// The addresses of the specification's fixture (section 11).
const (
	a1  = "10.0.1.4"
	a2  = "10.0.1.5"
	d1  = "10.0.2.4"
	b1  = "10.1.1.4"
	px  = "10.0.0.5"
	nva = "10.0.0.10"
	swe = "20.60.26.10"
	sne = "20.60.40.10"
	net = "203.0.113.10"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func id(kind, name string) string {
	return "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/" + kind + "/" + name
}

func named(kind, name string) topology.Element {
	return topology.Element{ResourceID: id(kind, name), Name: name}
}

// estate is the fixture before it is built: a test changes it and asks.
type estate struct {
	data    topology.Data
	vnets   map[string]*topology.VirtualNetwork
	nics    map[string]*topology.NetworkInterface
	others  []topology.Any
	options Options
}

func newFixture() *estate {
	e := &estate{
		vnets:   map[string]*topology.VirtualNetwork{},
		nics:    map[string]*topology.NetworkInterface{},
		options: Options{AsOf: time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)},
	}
	e.data.ServiceTags = &topology.ServiceTagCatalogue{
		Cloud: "Public", ChangeNumber: 1, Date: time.Date(2025, 10, 28, 0, 0, 0, 0, time.UTC),
		Tags: []*topology.ServiceTag{
			{Name: "Storage", Prefixes: topology.MakePrefixList(prefixes("20.60.26.0/23", "20.60.40.0/23")...)},
			{Name: "Storage.WestEurope", Region: "westeurope", Prefixes: topology.MakePrefixList(prefixes("20.60.26.0/23")...)},
			{Name: "Storage.NorthEurope", Region: "northeurope", Prefixes: topology.MakePrefixList(prefixes("20.60.40.0/23")...)},
			{Name: "AzureCloud.westeurope", Region: "westeurope", Prefixes: topology.MakePrefixList(prefixes("20.60.24.0/21")...)},
			{Name: "AzureCloud", Prefixes: topology.MakePrefixList(prefixes("20.60.24.0/21", "20.60.40.0/23", "40.74.30.96/28", "20.190.128.0/18")...)},
			{Name: "AzureBackup", Prefixes: topology.MakePrefixList(prefixes("40.74.30.96/28")...)},
			{Name: "AzureActiveDirectory", Prefixes: topology.MakePrefixList(prefixes("20.190.128.0/18")...)},
		},
	}
	e.vnet("v1", "10.0.0.0/16", "dmz", "10.0.0.0/24", "app", "10.0.1.0/24", "db", "10.0.2.0/24")
	e.vnet("v2", "10.1.0.0/16", "b", "10.1.1.0/24")
	e.vnet("v3", "10.2.0.0/16", "c", "10.2.1.0/24")
	e.peer("v1", "v2")
	e.peer("v2", "v3")
	e.nic("px", "v1", "dmz", px)
	e.nic("nva", "v1", "dmz", nva).EnableIPForwarding = topology.On
	e.nic("a1", "v1", "app", a1)
	e.nic("a2", "v1", "app", a2)
	e.nic("d1", "v1", "db", d1)
	e.nic("b1", "v2", "b", b1)
	return e
}

func (e *estate) vnet(name, space string, subnets ...string) *topology.VirtualNetwork {
	v := &topology.VirtualNetwork{Element: named("virtualNetworks", name), AddressSpace: prefixes(strings.Fields(space)...)}
	v.Location = "westeurope"
	for i := 0; i < len(subnets); i += 2 {
		v.Subnets = append(v.Subnets, &topology.Subnet{
			Element:  named("virtualNetworks/"+name+"/subnets", subnets[i]),
			Prefixes: prefixes(strings.Fields(subnets[i+1])...),
		})
	}
	e.vnets[name] = v
	return v
}

func (e *estate) subnet(name string) *topology.Subnet {
	for _, v := range e.vnets {
		for _, s := range v.Subnets {
			if s.Name == name {
				return s
			}
		}
	}
	panic("no subnet " + name)
}

func (e *estate) peer(a, b string) (there, back *topology.Peering) {
	one := func(x, y string) *topology.Peering {
		p := &topology.Peering{
			Element:                 named("virtualNetworks/"+x+"/virtualNetworkPeerings", "to-"+y),
			RemoteVirtualNetwork:    topology.RefTo(id("virtualNetworks", y)),
			RemoteAddressSpace:      e.vnets[y].AddressSpace,
			RemoteAddressSpaceGiven: true,
			State:                   "Connected",
		}
		e.vnets[x].Peerings = append(e.vnets[x].Peerings, p)
		return p
	}
	return one(a, b), one(b, a)
}

func (e *estate) nic(name, vnet, subnet, ip string) *topology.NetworkInterface {
	n := &topology.NetworkInterface{Element: named("networkInterfaces", name)}
	n.IPConfigurations = []*topology.IPConfiguration{{
		Element:          named("networkInterfaces/"+name+"/ipConfigurations", "ipconfig1"),
		PrivateIPAddress: addr(ip),
		Subnet:           topology.RefTo(id("virtualNetworks", vnet+"/subnets/"+subnet)),
		Primary:          topology.On,
	}}
	e.nics[name] = n
	return n
}

func (e *estate) cfg(name string) *topology.IPConfiguration { return e.nics[name].IPConfigurations[0] }

func (e *estate) add(x topology.Any) { e.others = append(e.others, x) }

// nsg makes an NSG out of rules in one line each (see ruleOf).
func (e *estate) nsg(name string, rules ...string) *topology.NetworkSecurityGroup {
	g := &topology.NetworkSecurityGroup{Element: named("networkSecurityGroups", name), RulesGiven: true}
	for _, r := range rules {
		g.SecurityRules = append(g.SecurityRules, ruleOf(r))
	}
	e.add(g)
	return g
}

func (e *estate) onSubnet(subnet string, g *topology.NetworkSecurityGroup) {
	e.subnet(subnet).NetworkSecurityGroup = g.Ref()
}

func (e *estate) onNIC(nic string, g *topology.NetworkSecurityGroup) {
	e.nics[nic].NetworkSecurityGroup = g.Ref()
}

// ruleOf reads "out 100 Allow Tcp SRC:PORT DST:PORT"; a side is an address
// field and, after a colon, ports with commas; asg:NAME is a group.
func ruleOf(text string) *topology.SecurityRule {
	f := strings.Fields(text)
	if len(f) != 6 {
		panic("bad rule " + text)
	}
	r := &topology.SecurityRule{Element: topology.Element{Name: f[1]}}
	r.Direction = map[string]topology.Direction{"in": topology.Inbound, "out": topology.Outbound}[f[0]]
	for _, c := range f[1] {
		r.Priority = r.Priority*10 + int(c-'0')
	}
	r.Access = map[string]topology.Access{"Allow": topology.Allow, "Deny": topology.Deny}[f[2]]
	r.Protocol, _ = topology.ParseProtocol(f[3])
	r.Source, r.Destination = matchOf(f[4]), matchOf(f[5])
	return r
}

func matchOf(text string) topology.Match {
	field, ports, found := strings.Cut(text, "|")
	m := topology.Match{Ports: []topology.PortRange{topology.AllPorts}}
	if found {
		m.Ports = nil
		for _, p := range strings.Split(ports, ",") {
			first, last, isRange := strings.Cut(p, "-")
			if !isRange {
				last = first
			}
			m.Ports = append(m.Ports, topology.PortRange{First: portOf(first), Last: portOf(last)})
		}
	}
	if group, ok := strings.CutPrefix(field, "asg:"); ok {
		m.ASGs = []topology.Ref{topology.RefTo(id("applicationSecurityGroups", group))}
		return m
	}
	for _, s := range strings.Split(field, ",") {
		m.Prefixes = append(m.Prefixes, addressOf(s))
	}
	return m
}

func portOf(s string) uint16 {
	n := 0
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	return uint16(n)
}

func addressOf(s string) topology.AddressPrefix {
	if s == "*" {
		return topology.AddressPrefix{Kind: topology.AnyAddress, Text: s}
	}
	if s == "?" {
		return topology.AddressPrefix{Kind: topology.UnresolvedAddress, Text: "[parameters('x')]"}
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		return topology.AddressPrefix{Kind: topology.PrefixAddress, Prefix: p.Masked(), Text: s}
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return topology.AddressPrefix{Kind: topology.PrefixAddress, Prefix: single(a), Text: s}
	}
	return topology.AddressPrefix{Kind: topology.TagAddress, Tag: s, Text: s}
}

// routes attaches a route table: "DEST HOP" or "DEST IP" for an appliance.
func (e *estate) routes(subnet string, routes ...string) *topology.RouteTable {
	t := &topology.RouteTable{Element: named("routeTables", "rt-"+subnet), RoutesGiven: true, DisableBGPPropagation: topology.Off}
	for _, text := range routes {
		f := strings.Fields(text)
		r := &topology.Route{Element: topology.Element{Name: text}, Destination: addressOf(f[0])}
		if a, err := netip.ParseAddr(f[1]); err == nil {
			r.NextHop, r.NextHopIP = topology.NextHopVirtualAppliance, a
		} else {
			r.NextHop = topology.NextHopType(f[1])
		}
		t.Routes = append(t.Routes, r)
	}
	e.add(t)
	e.subnet(subnet).RouteTable = t.Ref()
	return t
}

func (e *estate) publicIP(nic, ip, sku string) {
	p := &topology.PublicIPAddress{Element: named("publicIPAddresses", "pip-"+nic), IPAddress: addr(ip), SKU: sku}
	e.add(p)
	e.cfg(nic).PublicIPAddress = p.Ref()
}

func (e *estate) gateway(vnet string, learned ...string) *topology.VirtualNetworkGateway {
	g := &topology.VirtualNetworkGateway{
		Element: named("virtualNetworkGateways", "gw-"+vnet), VirtualNetwork: topology.RefTo(id("virtualNetworks", vnet)),
		GatewayType: "Vpn", LearnedPrefixes: prefixes(learned...), LearnedGiven: true,
	}
	e.add(g)
	return g
}

func (e *estate) natGateway(subnet, ip string) {
	g := &topology.NATGateway{Element: named("natGateways", "nat"), Addresses: []netip.Addr{addr(ip)}}
	e.add(g)
	e.subnet(subnet).NATGateway = g.Ref()
}

func (e *estate) privateEndpoint(subnet, ip string) *topology.PrivateEndpoint {
	p := &topology.PrivateEndpoint{
		Element: named("privateEndpoints", "pe"), Subnet: e.subnet(subnet).Ref(), Addresses: []netip.Addr{addr(ip)}, ConnectionState: "Approved",
	}
	e.add(p)
	return p
}

func (e *estate) admin(vnet, rule string, access topology.Access) *topology.AdminRule {
	s := ruleOf(rule)
	r := &topology.AdminRule{
		Element: named("networkManagers/m/rules", "admin-"+s.Name), VirtualNetworks: []topology.Ref{topology.RefTo(id("virtualNetworks", vnet))},
		Priority: s.Priority, Direction: s.Direction, Access: access, Protocol: s.Protocol, Source: s.Source, Destination: s.Destination,
	}
	e.add(r)
	return r
}

func (e *estate) asg(name string, nics ...string) {
	e.add(&topology.ApplicationSecurityGroup{Element: named("applicationSecurityGroups", name)})
	for _, n := range nics {
		e.cfg(n).ASGs = append(e.cfg(n).ASGs, topology.RefTo(id("applicationSecurityGroups", name)))
	}
}

func (e *estate) build(t testing.TB) *Oracle {
	t.Helper()
	var all []topology.Any
	for _, name := range slices.Sorted(maps.Keys(e.vnets)) {
		all = append(all, e.vnets[name])
	}
	for _, name := range slices.Sorted(maps.Keys(e.nics)) {
		all = append(all, e.nics[name])
	}
	n, err := topology.NewNetwork(e.data, append(all, e.others...)...)
	if err != nil {
		t.Fatal(err)
	}
	return New(n, e.options)
}

// tuple reads "tcp 10.0.1.4 203.0.113.10:443"; the source port is 50000.
func tuple(text string) flow.Tuple {
	f := strings.Fields(text)
	p, ok := topology.ParseProtocol(f[0])
	if !ok {
		panic("bad packet " + text)
	}
	t := flow.Tuple{Protocol: p, Source: flowAddress(f[1])}
	to := f[2]
	if p.HasPorts() {
		i := strings.LastIndexByte(to, '|')
		t.SourcePort, t.DestinationPort = 50000, portOf(to[i+1:])
		to = to[:i]
	}
	t.Destination = flowAddress(to)
	return t
}

func flowAddress(s string) flow.Address {
	if a, err := netip.ParseAddr(s); err == nil {
		return flow.At(a)
	}
	return flow.SomewhereIn(s, false)
}
