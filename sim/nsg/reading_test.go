package nsg

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go4.org/netipx"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/topology"
)

func packetOf(t flow.Tuple) flowset.Packet {
	return flowset.Packet{Protocol: t.Protocol, Source: t.Source.IP, SourcePort: t.SourcePort, Destination: t.Destination.IP, DestinationPort: t.DestinationPort}
}

// inBox reports whether the packet is in the box.
func inBox(b flowset.Box, p flowset.Packet) bool {
	address := func(set *netipx.IPSet, a netip.Addr) bool { return set == nil || set.Contains(a) }
	port := func(list []topology.PortRange, port uint16) bool {
		return list == nil || slices.ContainsFunc(list, func(r topology.PortRange) bool { return r.Contains(port) })
	}
	return (b.Protocols == nil || slices.Contains(b.Protocols, p.Protocol)) && address(b.Source, p.Source) && address(b.Destination, p.Destination) &&
		(!p.Protocol.HasPorts() || port(b.SourcePorts, p.SourcePort) && port(b.DestinationPorts, p.DestinationPort))
}

// said is what a reading says of a packet: the entries are gone through in
// every world, in which a name holds for an address or not and an entry that is
// not sure matches or not.
func said(y *Reading, p flowset.Packet) flowset.Answer {
	decides := func(allow bool) bool {
		return flow.VerdictOf(func(w *flow.World) bool {
			is := func(what any, of string) bool {
				return w.Ask(flow.Fact{Code: flow.UnknownTag, About: fmt.Sprintf("%p %v", what, what), Detail: of}, 2) == 1
			}
			for i, e := range y.List {
				if inBox(e.Box, p) &&
					(e.SourceName == nil || is(e.SourceName, p.Source.String())) &&
					(e.DestinationName == nil || is(e.DestinationName, p.Destination.String())) &&
					(e.Sure || is(i, "entry")) {
					return e.Allow == allow
				}
			}
			return false
		}) == flow.Allow
	}
	switch {
	case decides(true):
		return flowset.Allowed
	case decides(false):
		return flowset.Denied
	}
	return flowset.Open
}

// portsAside is the gate with rules for every protocol taken to name no ports.
func portsAside(g *Gate) *Gate {
	x := &Gate{Direction: g.Direction, NSG: g.NSG, floating: g.floating, altered: g.altered, element: g.element}
	for _, r := range g.Rules {
		c := *r
		if r.Protocol == topology.AnyProtocol {
			for _, s := range []*Side{&c.Source, &c.Destination} {
				if !s.unresolved {
					s.Ports = []topology.PortRange{topology.AllPorts}
				}
			}
		}
		x.Rules = append(x.Rules, &c)
	}
	return x
}

// A reading says of every packet what the gate does with it in all worlds in
// which its assumptions hold, and leaves open what the gate leaves open.
func TestAReadingSaysOfEveryPacketWhatTheGateDoes(t *testing.T) {
	all := func(flow.Fact) bool { return true }
	none := func(flow.Fact) bool { return false }
	for _, x := range []struct {
		doubts doubts
		seeds  uint64
		missed int // at most: packets that it leaves open and the gate does not
	}{
		{doubts{expressions: true, states: true, platform: true}, 50, 0},
		{everyDoubt, 50, 6000},
	} {
		count, missed := map[flowset.Answer]int{}, 0
		for seed := range x.seeds {
			r := rand.New(rand.NewPCG(seed, 11))
			d := []topology.Direction{topology.Inbound, topology.Outbound}[seed%2]
			e := randomEstate(r, d, 1+r.IntN(5), x.doubts)
			if seed%5 == 0 {
				e.Undated()
			}
			g := New(e.NSGOf("nsg-app"), d, placed(e, x.missed > 0 && seed%7 == 0))
			aside := portsAside(g)
			ports := slices.ContainsFunc(g.Rules, func(r *Rule) bool { return r.Source.unresolved || r.Destination.unresolved })
			taken, strict, portless := NewReadings(all, false).Of(g), NewReadings(none, false).Of(g), NewReadings(none, true).Of(g)
			for _, tuple := range packets(g) {
				p := packetOf(tuple)
				free := g
				if !p.Protocol.HasPorts() {
					free = aside
				}
				for _, c := range []struct {
					what       string
					says, asks flowset.Answer
				}{
					{"under the assumptions", said(taken, p), g.answer(p, false, nil)},
					{"without any", said(strict, p), g.answer(p, true, nil)},
					{"without any, if ports do not count without ports", said(portless, p), free.answer(p, true, nil)},
				} {
					count[c.says]++
					switch {
					case c.says == c.asks:
					case c.says == flowset.Open && !p.Protocol.HasPorts() && (ports || c.what == "without any"):
						// That an expression for ports is no matter, and that rules
						// match packets without ports or do not all together, is more
						// than boxes say.
					case c.says == flowset.Open && missed < x.missed:
						missed++
					default:
						t.Fatalf("seed %d: %s: %s: read %d, asked %d\n%s", seed, c.what, tuple, c.says, c.asks, listing(g))
					}
				}
			}
		}
		t.Log(count, missed)
		if count[flowset.Allowed] < 1000 || count[flowset.Denied] < 1000 || count[flowset.Open] < 1000 {
			t.Errorf("too few to show anything: %v", count)
		}
	}
}

// Of each rule a reading says whether all that it matches is known, whether it is
// known when it decides and what it does, and what that rests on.
func TestAReadingSaysOfEachRuleWhatIsKnownOfIt(t *testing.T) {
	open, known, rests := 0, 0, 0
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 17))
		d := []topology.Direction{topology.Inbound, topology.Outbound}[seed%2]
		e := randomEstate(r, d, 1+r.IntN(4), doubts{expressions: true, states: true, shared: true})
		if seed%3 == 0 {
			e.Undated()
		}
		g := New(e.NSGOf("nsg-app"), d, placed(e, false))
		y := NewReadings(func(flow.Fact) bool { return true }, false).Of(g)
		for _, e := range y.List {
			if e.Owner >= 0 && e.Allow != (g.Rules[e.Owner].Access == topology.Allow) {
				t.Errorf("seed %d: %s is said to do what it does not\n%s", seed, g.Rules[e.Owner].Name, listing(g))
			}
		}
		list := packets(g)
		for i, rule := range g.Rules {
			if rule.Source.unresolved || rule.Destination.unresolved {
				continue
			}
			alone := &Gate{Direction: d, NSG: g.NSG, Rules: []*Rule{rule}}
			asked := map[flow.AssumptionID]bool{}
			matches, doubtful, isOpen := false, false, false
			for _, p := range list {
				for _, e := range y.List {
					if e.Owner == i && inBox(e.Box, packetOf(p)) {
						matches, doubtful = true, doubtful || !e.Sure || e.SourceName != nil || e.DestinationName != nil
					}
				}
				isOpen = isOpen || alone.answer(packetOf(p), false, nil) == flowset.Open
				flow.Explore(func(w *flow.World) (bool, struct{}) {
					alone.RuleByRule(w, p)
					for _, f := range w.Assumed() {
						asked[f.Assumption] = true
					}
					return true, struct{}{}
				}, nil)
			}
			if !matches {
				continue // its addresses are of different families
			}
			if several := len(rule.Source.Sets) > 1 || len(rule.Destination.Sets) > 1; isOpen && !y.Open[i] || y.Open[i] && !isOpen && doubtful && !several {
				t.Errorf("seed %d: what %s matches is open: read %v, asked %v\n%s", seed, rule.Name, y.Open[i], isOpen, listing(g))
			}
			if isOpen {
				open++
			} else {
				known++
			}
			on := map[flow.AssumptionID]bool{}
			for _, f := range y.Rests[i] {
				on[f.Assumption] = true
				rests++
			}
			if d := cmp.Diff(asked, on); d != "" {
				t.Errorf("seed %d: what %s rests on: (-asked +read)\n%s%s", seed, rule.Name, d, listing(g))
			}
			if want := rule.Access == topology.NoAccess; y.Loose[i] != want {
				t.Errorf("seed %d: what %s does is open: %v", seed, rule.Name, y.Loose[i])
			}
			want := slices.ContainsFunc(g.Rules, func(x *Rule) bool { return x.Priority == rule.Priority && x.Access != rule.Access })
			if y.Shared[i] != want {
				t.Errorf("seed %d: another rule may come before %s and do otherwise: %v\n%s", seed, rule.Name, y.Shared[i], listing(g))
			}
		}
	}
	t.Log(open, known, rests)
	if open < 60 || known < 60 || rests < 30 {
		t.Error("too few to show anything")
	}
}

// Where a list has a rule whose priority is an expression nothing is known of when
// a rule decides, and it may do either.
func TestNothingIsCertainBesideARuleOfUnknownPriority(t *testing.T) {
	e := golden.New().SubnetNSG("app", golden.Allow("x", 100, golden.In), golden.Deny("y", 200, golden.In))
	e.NSGOf("nsg-app").SecurityRules[1].Unresolved = []string{"priority"}
	for _, c := range []struct {
		d     topology.Direction
		loose bool
	}{{golden.In, true}, {golden.Out, false}} {
		g := gateAt(e, c.d)
		y := NewReadings(func(flow.Fact) bool { return true }, false).Of(g)
		for i, r := range g.Rules {
			if y.Loose[i] != c.loose {
				t.Errorf("%s: %s: %v", c.d, r.Name, y.Loose[i])
			}
		}
	}
}

// What a reading calls an address set may be in another by its name alone.
func TestNamesOfAReadingImplyEachOther(t *testing.T) {
	n := golden.New().SubnetNSG("app",
		golden.Deny("region", 100, golden.Out).To("Sql.WestEurope"), golden.Deny("tag", 110, golden.Out).To("Sql"),
		golden.Deny("private", 120, golden.Out).To("NoSuchTag"), golden.Deny("x", 130, golden.Out).To("[parameters('x')]"),
		golden.Deny("y", 140, golden.Out).To("[parameters('y')]"), golden.Deny("net", 150, golden.Out).To("Internet"),
		golden.Deny("spelled", 160, golden.Out).To("sQL"))
	g := gateAt(n, golden.Out)
	y := NewReadings(func(flow.Fact) bool { return true }, false).Of(g)
	name := map[string]any{}
	for _, e := range y.List {
		if e.Owner >= 0 && e.DestinationName != nil {
			name[g.Rules[e.Owner].Name] = e.DestinationName
		}
	}
	names := []string{"region", "tag", "spelled", "private", "x", "y", "net"}
	implied := map[string]string{"region": "region tag spelled net", "tag": "tag spelled net", "spelled": "tag spelled net", "private": "private", "x": "x", "y": "y", "net": "net"}
	for _, a := range names {
		if name[a] == nil {
			t.Fatalf("%s has no name: %v", a, name)
		}
		for _, b := range names {
			if got, want := Implies(name[a], name[b]), slices.Contains(strings.Fields(implied[a]), b); got != want {
				t.Errorf("what is in the set of %s is in that of %s: %v, want %v", a, b, got, want)
			}
		}
	}
}

// The same prefixes in several rules are one set, which a space cuts once.
func TestTheSamePrefixesAreOneSetInAReading(t *testing.T) {
	g := gateAt(golden.New().SubnetNSG("app", golden.Deny("x", 100, golden.Out).To("10.0.0.0/8", "192.168.0.0/16"),
		golden.Deny("y", 110, golden.Out).To("10.0.0.0/8", "192.168.0.0/16"), golden.Deny("z", 120, golden.Out).To("10.0.0.0/9")), golden.Out)
	x := NewReadings(func(flow.Fact) bool { return true }, false)
	sets := map[int]*netipx.IPSet{}
	for _, e := range x.Of(g).List {
		if e.Owner >= 0 {
			sets[e.Owner] = e.Destination
		}
	}
	if sets[0] == nil || sets[0] != sets[1] || sets[2] == sets[0] || sets[0].Contains(netip.MustParseAddr("11.0.0.1")) || !sets[0].Contains(netip.MustParseAddr("192.168.1.1")) || !sets[2].Contains(netip.MustParseAddr("10.0.0.1")) {
		t.Errorf("%v", sets)
	}
}

// A rule for every protocol that names a platform tag matches its port alone, so
// that it does not rest on what such rules do to packets without ports; one that
// names addresses does.
func TestARuleForAPlatformTagDoesNotRestOnPacketsWithoutPorts(t *testing.T) {
	g := gateAt(golden.New().SubnetNSG("app", golden.Deny("tag", 100, golden.Out).To("AzurePlatformDNS").Ports("53"),
		golden.Deny("address", 110, golden.Out).To("203.0.113.0/24").Ports("53"), golden.Deny("both", 120, golden.Out).To("AzurePlatformIMDS", "203.0.113.0/24").Ports("80")), golden.Out)
	y := NewReadings(func(flow.Fact) bool { return true }, false).Of(g)
	for i, want := range []int{0, 1, 1, 0, 0, 0} {
		if len(y.Rests[i]) != want {
			t.Errorf("%s rests on %v", g.Rules[i].Name, y.Rests[i])
		}
	}
}

// Of several rules of one priority each is at odds with any that does otherwise,
// wherever that is written.
func TestRulesOfOnePriorityAreAtOddsWithAnyThatDoesOtherwise(t *testing.T) {
	allow, deny := func(p int) *golden.Rule { return golden.Allow("a", p, golden.Out) }, func(p int) *golden.Rule { return golden.Deny("d", p, golden.Out) }
	for _, x := range []struct {
		rules []*golden.Rule
		odds  []bool
	}{
		{[]*golden.Rule{deny(100), allow(100), allow(100)}, []bool{true, true, true}},
		{[]*golden.Rule{allow(100), allow(100), deny(100)}, []bool{true, true, true}},
		{[]*golden.Rule{allow(100), allow(100), deny(101)}, []bool{false, false, false}},
		{[]*golden.Rule{deny(99), allow(100), allow(100)}, []bool{false, false, false}},
		{[]*golden.Rule{deny(99), allow(100), deny(100), deny(101)}, []bool{false, true, true, false}},
	} {
		y := NewReadings(func(flow.Fact) bool { return true }, false).Of(gateAt(golden.New().SubnetNSG("app", x.rules...), golden.Out))
		if d := cmp.Diff(x.odds, y.Shared[:len(x.odds)]); d != "" {
			t.Error(d)
		}
	}
}
