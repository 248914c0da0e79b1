package nsg

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// doubts is what random NSGs leave open; narrow ones are about so few addresses
// and ports that rules often make up for one another together.
type doubts struct {
	expressions, floating, shared, states, altered, platform, regions, narrow bool
}

var everyDoubt = doubts{expressions: true, floating: true, shared: true, states: true, altered: true, platform: true, regions: true}

// randomEstate is a small estate whose subnet app has a random NSG: few
// addresses and ports, so that rules overlap, repeat and undo each other.
func randomEstate(r *rand.Rand, d topology.Direction, rules int, in doubts) *golden.Estate {
	one := func(list ...string) string { return list[r.IntN(len(list))] }
	chance := func(n int) bool { return r.IntN(n) == 0 }
	far := []string{"*", "*", "VirtualNetwork", "Internet", "TagA", "TagB", "NoSuchTag", "NoSuchTag", "OtherTag", "203.0.113.0/24", "203.0.113.0/25", "203.0.113.128/25", "203.0.113.4", "10.0.0.0/8", "10.0.1.0/24", "20.60.26.0/23", "2001:db8::/32", "2001:db8::/33"}
	if in.expressions {
		far = append(far, "[parameters('far')]", "[parameters('near')]")
	}
	if in.platform {
		far = append(far, "AzurePlatformDNS", "AzurePlatformIMDS", "AzurePlatformLKM", "AzureLoadBalancer", golden.Host, golden.IMDS)
	}
	if in.regions {
		far = append(far, "Storage", "Storage.WestEurope", "Sql", "Sql.WestEurope", "NoSuchTag.WestEurope")
	}
	ports := []string{"80", "81", "80-81", "443", "0-80", "81-65535", "53", "0-65534"}
	if in.narrow {
		far = []string{"*", "NoSuchTag", "203.0.113.0/24", "203.0.113.0/25", "203.0.113.128/25", "203.0.113.0/25"}
		ports = []string{"0-80", "80-81", "81-65535"}
	}
	near := []string{"10.0.1.4", "10.0.1.5", "10.0.1.0/30", "VirtualNetwork", "Internet", "NoSuchTag", "fd00:1::/64"}
	if in.expressions {
		near = append(near, "[parameters('near')]")
	}
	var list []*golden.Rule
	priority := 100
	for i := range rules {
		x := golden.Allow(fmt.Sprintf("r%d", i), priority, d)
		if chance(2) {
			x = golden.Deny(fmt.Sprintf("r%d", i), priority, d)
		}
		if !in.shared || !chance(4) {
			priority += 10
		}
		switch r.IntN(8) {
		case 0, 1:
			x.TCP()
		case 2:
			x.UDP()
		case 3:
			x.ICMP()
		}
		if chance(2) {
			x.Ports(one(ports...))
			if chance(6) {
				x.Ports("443", "80")
			}
		}
		if chance(8) {
			x.SourcePorts(one("80", "81-65535", "0-80"))
		}
		outer, inner := []string{far[r.IntN(len(far))]}, []string{"*"}
		if chance(5) {
			outer = append(outer, far[r.IntN(len(far))])
		}
		if chance(5) {
			inner[0] = near[r.IntN(len(near))]
		}
		if d == topology.Outbound {
			x.From(inner...).To(outer...)
		} else {
			x.From(outer...).To(inner...)
		}
		switch r.IntN(24) {
		case 0:
			x.FromASG("web")
		case 1:
			x.ToASG("web")
		}
		list = append(list, x)
	}
	e := golden.New().ServiceTag("TagA", "", "203.0.113.0/24", "10.200.0.0/16").ServiceTag("TagB", "", "203.0.113.0/25", "20.60.26.0/23", "2001:db8::/33").
		ASG("a1", "web").SubnetNSG("app", list...)
	six := netip.MustParsePrefix("fd00:1::/64")
	e.VNetOf("v1").AddressSpace = append(e.VNetOf("v1").AddressSpace, six)
	e.SubnetOf("app").Prefixes = append(e.SubnetOf("app").Prefixes, six)
	g := e.NSGOf("nsg-app")
	for _, x := range g.SecurityRules {
		if in.expressions {
			switch r.IntN(24) {
			case 0:
				x.Access, x.Unresolved = topology.NoAccess, []string{"access"}
			case 1:
				x.Protocol, x.Unresolved = topology.NoProtocol, []string{"protocol"}
			case 2:
				x.Source.Ports, x.Source.PortsUnresolved, x.Unresolved = nil, true, []string{"sourcePortRange"}
			case 3:
				x.Destination.Ports, x.Destination.PortsUnresolved, x.Unresolved = nil, true, []string{"destinationPortRange"}
			case 4:
				x.Direction, x.Unresolved = topology.NoDirection, []string{"direction"}
			}
		}
		if in.floating && chance(20) {
			x.Unresolved = []string{"priority"}
		}
		if in.states {
			switch r.IntN(30) {
			case 0:
				x.ProvisioningState = "Failed"
			case 1:
				x.NotModelled = []topology.Property{{Name: "new", Value: "1"}}
			}
		}
	}
	if in.altered && chance(6) {
		x := g.DefaultRules[r.IntN(len(g.DefaultRules))]
		x.Access = map[topology.Access]topology.Access{topology.Allow: topology.Deny, topology.Deny: topology.Allow}[x.Access]
	}
	return e
}

// placed is where the NSG of a random estate applies: its subnet, or, alone, a
// place of which nothing is known.
func placed(e *golden.Estate, alone bool) *scope.Place {
	names := scope.New(e.Build(), scope.Options{AsOf: golden.AsOf})
	if alone {
		return names.Alone()
	}
	return names.At(e.SubnetOf("app"))
}

// packets are packets for each way in which the gates can tell packets apart.
func packets(gates ...*Gate) (out []flow.Tuple) {
	var from, to Axis
	outbound := gates[0].Direction == topology.Outbound
	for _, g := range gates {
		x, y := g.Axes()
		from.Prefixes, from.Ports = append(from.Prefixes, x.Prefixes...), append(from.Ports, x.Ports...)
		to.Prefixes, to.Ports = append(to.Prefixes, y.Prefixes...), append(to.Ports, y.Ports...)
	}
	// one of those that are in the same sets
	addresses := func(list []string, x Axis) (out []netip.Addr) {
		seen := map[string]bool{}
		for _, text := range list {
			a := netip.MustParseAddr(text)
			key := fmt.Sprint(a.Is6(), outbound && text == golden.Host, outbound && text == golden.IMDS)
			for _, s := range x.Prefixes {
				key += fmt.Sprint(s.Contains(a))
			}
			if !seen[key] {
				seen[key], out = true, append(out, a)
			}
		}
		return out
	}
	ports := func(x Axis, always ...uint16) (out []uint16) {
		seen := map[string]bool{}
		for i, p := range append(always, 50000, 0, 53, 54, 79, 80, 81, 82, 443, 1688, 65535) {
			key := ""
			for _, r := range x.Ports {
				key += fmt.Sprint(r.Contains(p))
			}
			if i < len(always) || !seen[key] {
				seen[key], out = true, append(out, p)
			}
		}
		return out
	}
	own := []string{"192.0.2.77", "10.0.1.4", "10.0.1.5", "10.0.1.1", "10.0.1.99", "10.2.1.9", "10.200.0.9", "198.51.100.7", "203.0.113.77", "fd00:1::4", "2001:db8:1::1"}
	far := []string{"198.51.100.1", "203.0.113.4", "203.0.113.5", "203.0.113.200", "10.0.1.9", "10.0.1.4", "10.0.2.4", "10.0.2.99", "10.2.1.9", "10.9.9.9", "10.200.0.1", "20.60.26.9", "20.60.40.9", "192.0.2.1", golden.Host, golden.IMDS,
		"2001:db8::4", "2001:db8:8000::4", "fd00:1::9", "fd00::9"}
	var always []uint16
	if outbound {
		always = []uint16{53, 67, 80}
	} else {
		own, far = far, own
	}
	sources, destinations, fromPorts, toPorts := addresses(own, from), addresses(far, to), ports(from), ports(to, always...)
	for _, a := range sources {
		for _, b := range destinations {
			if a.Is6() != b.Is6() || a == b {
				continue
			}
			t := flow.Tuple{Source: flow.At(a), Destination: flow.At(b)}
			for _, p := range []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP, topology.ESP} {
				t.Protocol, t.SourcePort, t.DestinationPort = p, 0, 0
				if !p.HasPorts() {
					out = append(out, t)
					continue
				}
				for _, x := range fromPorts {
					for _, y := range toPorts {
						t.SourcePort, t.DestinationPort = x, y
						out = append(out, t)
					}
				}
			}
		}
	}
	return out
}

// alike asks two gates packet by packet, in every world, whatever assumption
// holds or not, and returns a packet with which they do not do the same. With
// distinct it counts as well whether the rule that allows names addresses.
func alike(a, b *Gate, distinct bool, packets []flow.Tuple) (flow.Tuple, bool) {
	far := func(d Decision) bool {
		if d.Rule == nil || d.Rule.Default {
			return false
		}
		if a.Direction == topology.Outbound {
			return d.Rule.Destination.Explicit
		}
		return d.Rule.Source.Explicit
	}
	for _, t := range packets {
		x := flow.Explore(func(w *flow.World) (bool, struct{}) {
			one, two := a.RuleByRule(w, t), b.RuleByRule(w, t)
			same := one.Access == two.Access && (!distinct || one.Access != topology.Allow || far(one) == far(two))
			return same, struct{}{}
		}, nil)
		if x.Verdict != flow.Allow || x.Strict != flow.Allow {
			return t, false
		}
	}
	return flow.Tuple{}, true
}

// without is the NSG's rules but the one at i of the gate.
func without(g *Gate, i int) (out []*topology.SecurityRule) {
	for _, x := range g.NSG.SecurityRules {
		if g.Index(x) != i {
			out = append(out, x)
		}
	}
	return out
}

// listing is a gate's rules for a message.
func listing(g *Gate) string {
	var b strings.Builder
	names := func(s *Side) (out []string) {
		for _, x := range s.Sets {
			out = append(out, x.Name)
		}
		return out
	}
	for _, r := range slices.Concat(g.floating, g.Rules, g.altered) {
		fmt.Fprintln(&b, r.Priority, r.Name, r.Access, r.Protocol, names(&r.Source), r.Source.Ports, names(&r.Destination), r.Destination.Ports, r.unresolved)
	}
	return b.String()
}
