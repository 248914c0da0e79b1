package nsg

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// partOf is the part of the exact sets that has the packet; false where none or
// several have.
func partOf(parts flowset.Parts, p flowset.Packet) (flowset.Answer, bool) {
	var in []flowset.Answer
	for a, set := range map[flowset.Answer]flowset.Set{flowset.Allowed: parts.Allowed, flowset.Denied: parts.Denied, flowset.Open: parts.Open, flowset.Unmatched: parts.Unmatched} {
		if set.Has(p) {
			in = append(in, a)
		}
	}
	if len(in) != 1 {
		return 0, false
	}
	return in[0], true
}

// The exact sets of two gates in one space have the packets that each gate
// allows, denies and leaves open, asked one by one: under the assumptions,
// without them, and without those that are not waived.
func TestExactSetsHaveThePacketsThatAGateAnswersSo(t *testing.T) {
	waived := func(f flow.Fact) bool {
		return f.Assumption == flow.ICMPNeedsAllPorts || f.Assumption == flow.NotSucceeded
	}
	count := map[flowset.Answer]int{}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 19))
		d := []topology.Direction{topology.Inbound, topology.Outbound}[seed%2]
		in := everyDoubt
		in.narrow = seed%4 == 3
		in.altered = seed%3 == 0
		e := randomEstate(r, d, 1+r.IntN(5), in)
		p := placed(e, seed%7 == 0)
		g := New(e.NSGOf("nsg-app"), d, p)
		gates := []*Gate{g}
		if n := len(g.NSG.SecurityRules); n > 0 {
			gates = append(gates, g.Exchange(g.NSG.SecurityRules[1:], p))
		}
		settings := []Settings{{}, {Strict: true}, {Strict: true, Waived: waived}}[seed%3]
		list := packets(gates...)
		for _, v6 := range []bool{false, true} {
			x := settings.Space(v6, nil, gates, nil)
			for i, gate := range gates {
				parts := x.Parts(i)
				for _, tuple := range list {
					p := packetOf(tuple)
					if p.Source.Is6() != v6 {
						continue
					}
					want := gate.answer(p, settings.Strict, settings.Waived)
					count[want]++
					if got, ok := partOf(parts, p); !ok || got != want {
						t.Errorf("seed %d: %s: in the sets of %d, %v, asked %d\n%s", seed, tuple, got, ok, want, listing(gate))
					}
				}
			}
		}
	}
	t.Log(count)
	if count[flowset.Allowed] < 2000 || count[flowset.Denied] < 2000 || count[flowset.Open] < 2000 {
		t.Error("too few to show anything")
	}
}

// What a rule matches or may match are the packets that a gate of this rule
// alone does not leave unmatched.
func TestARuleMatchesWhatItMatchesAlone(t *testing.T) {
	matched, not := 0, 0
	for seed := range uint64(36) {
		r := rand.New(rand.NewPCG(seed, 23))
		d := []topology.Direction{topology.Inbound, topology.Outbound}[seed%2]
		e := randomEstate(r, d, 1+r.IntN(4), doubts{states: true, shared: true, regions: true})
		g := New(e.NSGOf("nsg-app"), d, placed(e, false))
		other := gateAt(golden.New().SubnetNSG("app"), d)
		list := packets(g)
		for _, v6 := range []bool{false, true} {
			x := NewSpace(v6, nil, []*Gate{other, g}, nil)
			if !x.None().Empty() || x.All() != x.All().Union(x.Matched(1, g.Rules[0])) {
				t.Fatalf("seed %d: all or nothing is not so", seed)
			}
			for _, rule := range g.Rules {
				set := x.Matched(1, rule)
				alone := &Gate{Direction: d, NSG: g.NSG, Rules: []*Rule{rule}}
				for _, tuple := range list {
					p := packetOf(tuple)
					if platform, _ := PlatformTraffic(tuple); platform || p.Source.Is6() != v6 {
						continue
					}
					want := alone.answer(p, false, nil) != flowset.Unmatched
					if set.Has(p) != want {
						t.Errorf("seed %d: %s: %s matches it: in the set %v, asked %v\n%s", seed, tuple, rule.Name, !want, want, listing(g))
					}
					if want {
						matched++
					} else {
						not++
					}
				}
				if !x.Matched(0, rule).Empty() {
					t.Errorf("seed %d: a rule of another gate matches something", seed)
				}
			}
		}
	}
	t.Log(matched, not)
	if matched < 2000 || not < 2000 {
		t.Error("too few to show anything")
	}
}

// A region is the packets of its boxes, in a space with gates and other regions.
func TestARegionIsThePacketsOfItsBoxes(t *testing.T) {
	g := gateAt(golden.New().SubnetNSG("app", golden.Deny("x", 100, golden.Out).TCP().Ports("80-81").To("203.0.113.0/24")), golden.Out)
	regions := [][]flowset.Box{Platform(), {{Protocols: []topology.Protocol{topology.UDP}, Destination: scope.SetOf(netip.MustParsePrefix("203.0.113.0/25"))}, {DestinationPorts: []topology.PortRange{{First: 443, Last: 443}}}}, nil}
	for _, v6 := range []bool{false, true} {
		x := NewSpace(v6, nil, []*Gate{g}, regions)
		seen := map[bool]int{}
		for _, tuple := range packets(g) {
			p := packetOf(tuple)
			for i, region := range regions {
				want := p.Source.Is6() == v6 && slices.ContainsFunc(region, func(b flowset.Box) bool { return inBox(b, p) })
				if x.Region(i).Has(p) != want {
					t.Errorf("%s is in region %d: %v", tuple, i, !want)
				}
				seen[want]++
			}
		}
		if seen[true] == 0 || seen[false] == 0 || !x.Region(2).Empty() {
			t.Error("the regions are empty or everything")
		}
	}
}

// The platform traffic of a space, and that of a reading, is what PlatformTraffic
// says it is.
func TestPlatformTrafficIsOneThing(t *testing.T) {
	boxes := func(list []flowset.Box, p flowset.Packet) bool {
		return slices.ContainsFunc(list, func(b flowset.Box) bool { return inBox(b, p) })
	}
	seen := 0
	for _, to := range []string{golden.Host, golden.IMDS, "168.63.129.15", "168.63.129.17", "169.254.169.253", "169.254.169.255", "10.0.2.4"} {
		for _, protocol := range []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP, topology.ESP, topology.AH} {
			for _, port := range []uint16{0, 52, 53, 54, 66, 67, 68, 79, 80, 81, 443, 1688, 32525, 32526, 32527, 65535} {
				if !protocol.HasPorts() && port > 0 {
					continue
				}
				tuple := flow.Tuple{Protocol: protocol, Source: flow.At(netip.MustParseAddr("10.0.1.4")), Destination: flow.At(netip.MustParseAddr(to)), DestinationPort: port}
				p := packetOf(tuple)
				platform, never := PlatformTraffic(tuple)
				if boxes(Platform(), p) != platform || boxes(neverFiltered(), p) != never || boxes(filteredByTag(), p) != (platform && !never) {
					t.Errorf("%s: platform traffic: %v, never filtered: %v; by boxes otherwise", tuple, platform, never)
				}
				if platform {
					seen++
				}
			}
		}
	}
	if seen != 6 {
		t.Errorf("%d packets are platform traffic", seen)
	}
}

// Where there are no boxes, nothing is matched: no address, no protocol.
func TestARuleWithoutAddressesMatchesNothing(t *testing.T) {
	e := golden.New().SubnetNSG("app", golden.Deny("from", 100, golden.Out).FromASG("nobody"), golden.Deny("to", 110, golden.Out).ToASG("nobody"), golden.Deny("all", 120, golden.Out)).ASG("a1", "web")
	for _, r := range e.NSGOf("nsg-app").SecurityRules[:2] {
		for _, m := range []*topology.Match{&r.Source, &r.Destination} {
			if len(m.ASGs) > 0 {
				m.ASGs, m.HasExpanded, m.Expanded = nil, true, nil
			}
		}
	}
	g := gateAt(e, golden.Out)
	for _, v6 := range []bool{false, true} {
		x := NewSpace(v6, nil, []*Gate{g}, nil)
		for _, r := range g.Rules[:2] {
			if w, ok := x.Matched(0, r).Witness(); ok {
				t.Errorf("%s matches %v", r.Name, w)
			}
		}
		if x.Matched(0, g.Rules[2]) != x.All() {
			t.Error("a rule for everything does not match everything")
		}
	}
	p := NewProof(g, false)
	if p.Dispensable(0) != ByNames || p.Dispensable(1) != ByNames || p.Dispensable(2) != Unproven {
		t.Errorf("%v %v %v", p.Dispensable(0), p.Dispensable(1), p.Dispensable(2))
	}
	y := NewReadings(func(flow.Fact) bool { return true }, false).Of(g)
	for _, e := range y.List {
		if e.Owner == 0 || e.Owner == 1 {
			t.Errorf("an entry of a rule without addresses: %+v", e)
		}
	}
}

// A platform tag stands for its own port, at either end, in exact sets too.
func TestAPlatformTagStandsForItsPortInExactSets(t *testing.T) {
	for _, d := range []topology.Direction{topology.Inbound, topology.Outbound} {
		for _, tag := range []string{"AzurePlatformDNS", "AzurePlatformIMDS", "AzurePlatformLKM"} {
			for _, x := range []*golden.Rule{golden.Deny("x", 100, d).To(tag), golden.Deny("x", 100, d).From(tag)} {
				g := gateAt(golden.New().SubnetNSG("app", x, golden.Allow("all", 200, d)), d)
				parts, found := NewSpace(false, nil, []*Gate{g}, nil).Parts(0), map[flowset.Answer]int{}
				for _, from := range []string{"10.0.1.4", "20.60.26.9", golden.Host, golden.IMDS} {
					for _, to := range []string{"10.0.1.5", "20.60.26.10", golden.Host, golden.IMDS} {
						for _, protocol := range []topology.Protocol{topology.TCP, topology.UDP} {
							for _, port := range []uint16{53, 54, 67, 80, 1688, 1689} {
								for _, fromPort := range []uint16{53, 54, 80, 81, 50000} {
									p := flowset.Packet{Protocol: protocol, Source: netip.MustParseAddr(from), SourcePort: fromPort, Destination: netip.MustParseAddr(to), DestinationPort: port}
									if p.Source == p.Destination {
										continue
									}
									want := g.Ask(p)
									if got, ok := partOf(parts, p); !ok || got != want {
										t.Errorf("%s %s: %v: in the sets of %d, %v, asked %d", d, tag, p, got, ok, want)
									}
									found[want]++
								}
							}
						}
					}
				}
				if found[flowset.Allowed] == 0 {
					t.Errorf("%s %s: %v", d, tag, found)
				}
			}
		}
	}
}
