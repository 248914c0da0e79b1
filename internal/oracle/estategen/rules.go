package estategen

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/netpath/netpath/topology"
)

// prefix is a prefix around an address that matters, of a length at or near
// a boundary.
func (g *generator) prefix(six bool) netip.Prefix {
	for {
		a := one(g, g.points...)
		if a.Is6() != six {
			if six && g.chance(0.2) {
				return netip.MustParsePrefix("::/0")
			}
			if !six {
				continue
			}
			a = netip.MustParseAddr("fd00::4")
		}
		bits := one(g, 32, 32, 31, 30, 28, 24, 24, 23, 16, 16, 12, 8, 1, 0)
		if six {
			bits = one(g, 128, 128, 127, 64, 64, 48, 32, 3, 0)
		}
		return netip.PrefixFrom(a, bits).Masked()
	}
}

// addresses is one side's address field: *, a tag, a list of prefixes that do
// not overlap, or an expression.
func (g *generator) addresses(six bool) []topology.AddressPrefix {
	prefix := func(p netip.Prefix) topology.AddressPrefix {
		g.note(p)
		return topology.AddressPrefix{Kind: topology.PrefixAddress, Prefix: p, Text: p.String()}
	}
	tag := func(s string) []topology.AddressPrefix {
		return []topology.AddressPrefix{{Kind: topology.TagAddress, Tag: s, Text: s}}
	}
	switch x := g.r.Float64(); {
	case g.doubt(Expressions, 0.15):
		return []topology.AddressPrefix{{Kind: topology.UnresolvedAddress, Text: "[parameters('address')]"}}
	case g.doubt(UnknownTags, 0.25):
		return tag(one(g, unknownTags...))
	case g.has(PlatformTags) && g.chance(0.12):
		return tag(one(g, "AzurePlatformDNS", "AzurePlatformIMDS", "AzurePlatformLKM"))
	case x < 0.3:
		return []topology.AddressPrefix{{Kind: topology.AnyAddress, Text: "*"}}
	case x < 0.5:
		return tag(one(g, builtInTags...))
	case x < 0.65:
		return tag(one(g, knownTags...))
	}
	var list []topology.AddressPrefix
	for range 1 + g.r.IntN(3) {
		p := g.prefix(six)
		if !slices.ContainsFunc(list, func(o topology.AddressPrefix) bool { return o.Prefix.Overlaps(p) }) {
			list = append(list, prefix(p))
		}
	}
	return list
}

// portRanges is a port field.
func (g *generator) portRanges() []topology.PortRange {
	if g.chance(0.5) {
		return []topology.PortRange{topology.AllPorts}
	}
	var list []topology.PortRange
	for range 1 + g.r.IntN(2) {
		first := one(g, g.ports...)
		last := first
		switch {
		case g.chance(0.3):
			last = one(g, g.ports...)
		case g.chance(0.2):
			last = 65535
		}
		r := topology.PortRange{First: min(first, last), Last: max(first, last)}
		list = append(list, r)
		g.ports = append(g.ports, r.First, r.Last)
		if r.First > 0 {
			g.ports = append(g.ports, r.First-1)
		}
		if r.Last < 65535 {
			g.ports = append(g.ports, r.Last+1)
		}
	}
	return list
}

func (g *generator) match(six, source bool) topology.Match {
	m := topology.Match{Ports: []topology.PortRange{topology.AllPorts}}
	if !source || g.chance(0.1) {
		m.Ports = g.portRanges()
	}
	if g.doubt(Expressions, 0.1) {
		m.Ports, m.PortsUnresolved = nil, true
	}
	if len(g.asgs) > 0 && g.chance(0.25) {
		m.ASGs = []topology.Ref{one(g, g.asgs...)}
		return m
	}
	m.Prefixes = g.addresses(six)
	return m
}

func (g *generator) protocol() topology.Protocol {
	if g.has(PortlessRules) && g.chance(0.3) {
		return one(g, topology.ICMP, topology.ESP, topology.AH)
	}
	return one(g, topology.AnyProtocol, topology.AnyProtocol, topology.TCP, topology.TCP, topology.UDP)
}

func (g *generator) rules(owner string) []*topology.SecurityRule {
	var list []*topology.SecurityRule
	taken := map[topology.Direction]map[int]bool{topology.Inbound: {}, topology.Outbound: {}}
	for i := range g.r.IntN(8) {
		r := &topology.SecurityRule{
			Element:   g.element("networkSecurityGroups/"+owner+"/securityRules", fmt.Sprintf("r%d", i), true),
			Direction: one(g, topology.Inbound, topology.Outbound),
			Access:    one(g, topology.Allow, topology.Deny),
			Protocol:  g.protocol(),
		}
		for {
			r.Priority = one(g, 100, 101, 102, 103, 200, 1000, 4000, 4095, 4096)
			if !taken[r.Direction][r.Priority] || g.doubt(SamePriorities, 0.5) {
				break
			}
		}
		taken[r.Direction][r.Priority] = true
		six := g.has(IPv6) && g.chance(0.3)
		r.Source, r.Destination = g.match(six, true), g.match(six, false)
		if g.doubt(Expressions, 0.15) {
			r.Unresolved = []string{one(g, "protocol", "access", "priority", "direction")}
			switch r.Unresolved[0] {
			case "protocol":
				r.Protocol = topology.NoProtocol
			case "access":
				r.Access = topology.NoAccess
			case "priority":
				r.Priority = 0
			case "direction":
				r.Direction = topology.NoDirection
			}
		}
		list = append(list, r)
	}
	return list
}

func (g *generator) securityGroups() {
	for i := range 1 + g.r.IntN(4) {
		x := &topology.NetworkSecurityGroup{Element: g.element("networkSecurityGroups", fmt.Sprintf("nsg%d", i), false), RulesGiven: true}
		x.SecurityRules = g.rules(x.Name)
		if g.chance(0.5) {
			x.DefaultRules = topology.DefaultSecurityRules()
			if g.doubt(AlteredDefaults, 0.5) {
				d := one(g, x.DefaultRules...)
				if d.Access == topology.Allow {
					d.Access = topology.Deny
				} else {
					d.Access = topology.Allow
				}
			}
		}
		if g.doubt(DanglingReferences, 0.1) {
			x.RulesGiven, x.SecurityRules, x.DefaultRules = false, nil, nil
		}
		g.groups = append(g.groups, x)
		g.add(x)
	}
	attach := func(p float64) topology.Ref {
		switch {
		case !g.chance(p):
			return topology.Ref{}
		case g.doubt(DanglingReferences, 0.15):
			return topology.RefTo(id("networkSecurityGroups", "gone"))
		}
		return one(g, g.groups...).Ref()
	}
	for _, v := range g.vnets {
		for _, s := range v.Subnets {
			if s.Name != "GatewaySubnet" && s.Name != "AzureFirewallSubnet" {
				s.NetworkSecurityGroup = attach(0.7)
			}
			if g.doubt(AssociationConflicts, 0.3) {
				x := one(g, g.groups...)
				x.Subnets = append(x.Subnets, s.Ref())
			}
		}
	}
	for _, n := range g.nics {
		n.NetworkSecurityGroup = attach(0.4)
		if n == g.hub && g.chance(0.7) { // let something through
			n.NetworkSecurityGroup = topology.Ref{}
			for _, s := range g.vnets[0].Subnets[:1] {
				s.NetworkSecurityGroup = topology.Ref{}
			}
		}
		if g.doubt(AssociationConflicts, 0.2) {
			x := one(g, g.groups...)
			x.Interfaces = append(x.Interfaces, n.Ref())
		}
	}
}

func (g *generator) adminRules() {
	if !g.has(AdminRules) {
		return
	}
	taken := map[int]bool{}
	for i := range 1 + g.r.IntN(3) {
		r := &topology.AdminRule{
			Element: g.element("networkManagers/m/rules", fmt.Sprintf("admin%d", i), false), Direction: one(g, topology.Inbound, topology.Outbound),
			Access: one(g, topology.Allow, topology.AlwaysAllow, topology.Deny, topology.Deny), Protocol: g.protocol(),
		}
		r.Priority = one(g, 1, 2, 3, 4096)
		if taken[r.Priority] && !g.has(SamePriorities) {
			continue
		}
		taken[r.Priority] = true
		asgs := g.asgs
		g.asgs = nil // admin rules name no application security groups
		r.Source, r.Destination = g.match(false, true), g.match(false, false)
		g.asgs = asgs
		for _, v := range g.vnets {
			if g.chance(0.6) {
				r.VirtualNetworks = append(r.VirtualNetworks, v.Ref())
			}
		}
		g.add(r)
	}
}

func (g *generator) routeTables() {
	if !g.has(RouteTables) {
		return
	}
	for i := range 1 + g.r.IntN(3) {
		t := &topology.RouteTable{Element: g.element("routeTables", fmt.Sprintf("rt%d", i), false), RoutesGiven: true}
		t.DisableBGPPropagation = one(g, topology.Unset, topology.Off, topology.Off, topology.On)
		for j := range 1 + g.r.IntN(3) {
			if r := g.route(t, fmt.Sprintf("route%d", j)); r != nil {
				t.Routes = append(t.Routes, r)
			}
		}
		if g.doubt(DanglingReferences, 0.1) {
			t.RoutesGiven, t.Routes = false, nil
		}
		g.tables = append(g.tables, t)
		g.add(t)
	}
	if g.hub != nil {
		g.spokeTable()
	}
	for _, v := range g.vnets {
		for _, s := range v.Subnets {
			switch {
			case g.hub != nil && s == g.vnets[0].Subnets[0] && g.chance(0.9): // the appliance's own
			case g.hub != nil && g.chance(0.5):
				s.RouteTable = g.tables[len(g.tables)-1].Ref()
			case s.Name == "GatewaySubnet" || !g.chance(0.5):
			case g.doubt(DanglingReferences, 0.15):
				s.RouteTable = topology.RefTo(id("routeTables", "gone"))
			default:
				s.RouteTable = one(g, g.tables...).Ref()
			}
		}
	}
}

// spokeTable leads to the hub's appliance: the other virtual networks, the
// Internet, or both.
func (g *generator) spokeTable() {
	t := &topology.RouteTable{Element: g.element("routeTables", "rt-hub", false), RoutesGiven: true}
	add := func(p netip.Prefix) {
		r := &topology.Route{Element: g.element("routeTables/rt-hub/routes", fmt.Sprintf("hub%d", len(t.Routes)), true)}
		r.Destination = topology.AddressPrefix{Kind: topology.PrefixAddress, Prefix: p, Text: p.String()}
		r.NextHop, r.NextHopIP = topology.NextHopVirtualAppliance, g.hub.IPConfigurations[0].PrivateIPAddress
		t.Routes = append(t.Routes, r)
	}
	if g.chance(0.6) {
		add(netip.MustParsePrefix("0.0.0.0/0"))
	}
	for _, v := range g.vnets {
		if g.chance(0.6) {
			add(v.AddressSpace[0])
		}
	}
	g.tables = append(g.tables, t, t)
	g.add(t)
}

// route is a route that the table does not have yet, nil where chance gave
// one that it has.
func (g *generator) route(t *topology.RouteTable, name string) *topology.Route {
	r := &topology.Route{Element: g.element("routeTables/"+t.Name+"/routes", name, true)}
	p := g.prefix(g.has(IPv6) && g.chance(0.2))
	switch {
	case g.chance(0.35):
		p = netip.MustParsePrefix("0.0.0.0/0")
	case g.chance(0.3):
		v := one(g, g.vnets...)
		p = one(g, v.AddressSpace[0], one(g, v.Subnets...).Prefixes[0])
	}
	r.Destination = topology.AddressPrefix{Kind: topology.PrefixAddress, Prefix: p, Text: p.String()}
	if g.has(TagRoutes) && g.chance(0.3) {
		tag := one(g, knownTags...)
		if g.doubt(UnknownTags, 0.3) {
			tag = one(g, unknownTags...)
		}
		r.Destination = topology.AddressPrefix{Kind: topology.TagAddress, Tag: tag, Text: tag}
	}
	same := slices.ContainsFunc(t.Routes, func(o *topology.Route) bool { return o.Destination.Text == r.Destination.Text })
	if same && !g.has(SamePrefixes) {
		return nil
	}
	g.note(p)
	r.NextHop = one(g, topology.NextHopVirtualAppliance, topology.NextHopVirtualAppliance, topology.NextHopVirtualAppliance,
		topology.NextHopInternet, topology.NextHopNone, topology.NextHopVnetLocal, topology.NextHopGateway)
	if r.NextHop == topology.NextHopVirtualAppliance {
		r.NextHopIP = g.appliance()
	}
	if g.doubt(Expressions, 0.2) {
		r.Unresolved = true
		switch g.r.IntN(3) {
		case 0:
			r.Destination = topology.AddressPrefix{Kind: topology.UnresolvedAddress, Text: "[parameters('prefix')]"}
		case 1:
			r.NextHop, r.NextHopIP = "", netip.Addr{}
		default:
			r.NextHop, r.NextHopIP = topology.NextHopVirtualAppliance, netip.Addr{}
		}
	}
	return r
}

// appliance is a next hop: an interface, a load balancer, a firewall, or an
// address that nobody owns.
func (g *generator) appliance() netip.Addr {
	var list []netip.Addr
	for _, e := range g.elements {
		switch e := e.(type) {
		case *topology.LoadBalancer:
			if a := e.Frontends[0].PrivateIPAddress; a.IsValid() {
				list = append(list, a, a)
			}
		case *topology.AzureFirewall:
			list = append(list, e.PrivateIPAddress, e.PrivateIPAddress, e.PrivateIPAddress)
		case *topology.NetworkInterface:
			if a := e.IPConfigurations[0].PrivateIPAddress; e.EnableIPForwarding == topology.On || g.chance(0.3) {
				list = append(list, a)
			}
		}
	}
	if len(list) == 0 || g.doubt(DanglingReferences, 0.2) {
		return netip.MustParseAddr("10.0.1.99")
	}
	return one(g, list...)
}
