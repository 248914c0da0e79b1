package sim_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// lawAnswer is what a law compares of an answer.
type lawAnswer struct {
	Verdict, Strict flow.Verdict
	Rule            string
	Refused         bool
}

// lawAnswerTo asks one sample, with assumptions and without.
func lawAnswerTo(s *sim.Simulator, x estategen.Sample) (lawAnswer, string) {
	p := flow.Tuple{
		Protocol: x.Protocol, Source: flow.At(x.Source), SourcePort: x.SourcePort,
		Destination: flow.At(x.Destination), DestinationPort: x.DestinationPort,
	}
	if x.DestinationTag != "" {
		p.Destination = flow.SomewhereIn(x.DestinationTag, x.Source.Is6())
	}
	owner := topology.Owner{Configuration: x.Configuration}
	if x.Configuration != nil {
		owner.Interface = s.Network().Holder(x.Configuration)
	}
	switch x.Kind {
	case estategen.Outbound, estategen.Inbound:
		a := s.Gates(owner, x.Direction, p)
		return lawAnswer{Verdict: a.Verdict, Strict: a.Strict, Rule: a.RuleName}, hopLines(a.Hops)
	case estategen.WholeWay:
		a := s.Send(owner, p)
		return lawAnswer{Verdict: a.Verdict, Strict: a.Strict, Rule: a.RuleName}, hopLines(a.Hops)
	case estategen.GroupAlone:
		local, remote := sim.Endpoint{Address: x.Source, Port: x.SourcePort}, sim.Endpoint{Address: x.Destination, Port: x.DestinationPort}
		if x.Direction == topology.Inbound {
			local, remote = remote, local
		}
		a, err := s.IPFlow(sim.IPFlowQuestion{NSG: x.Group.ResourceID, Direction: x.Direction, Protocol: x.Protocol, Local: local, Remote: remote})
		if err != nil {
			return lawAnswer{Refused: true}, err.Error()
		}
		out := lawAnswer{Verdict: a.Access, Strict: a.Access}
		if len(a.Assumptions) > 0 {
			out.Strict = flow.Unknown
		}
		if a.RuleName != nil {
			out.Rule = *a.RuleName
		}
		return out, hopLines(a.Hops)
	}
	a, err := s.Trace(sim.TraceQuestion{From: x.Source.String(), To: x.Destination.String(), Protocol: x.Protocol,
		Port: x.DestinationPort, SourcePort: x.SourcePort, FixedSource: true, NoProxy: true})
	if err != nil {
		return lawAnswer{Refused: true}, err.Error()
	}
	out := lawAnswer{Verdict: a.Verdict, Strict: a.Verdict, Rule: a.RuleName}
	if len(a.Assumptions) > 0 {
		out.Strict = flow.Unknown
	}
	return out, hopLines(a.Hops)
}

// lawEstate makes the same estate and packets for the same seed, again and again:
// a law changes one copy and leaves the other.
func lawEstate(seed uint64, samples int, without estategen.Feature) (*topology.Network, []estategen.Sample) {
	return estategen.Random(rand.New(rand.NewPCG(seed, 8)), estategen.Options{Samples: samples, Without: without})
}

// law is a change of an estate after which every answer is the same.
type law struct {
	// without are the features whose estates are left out, with the reason
	// beside them.
	without estategen.Feature
	// change edits the network in place, choosing with r, and returns the
	// elements of the changed estate.
	change func(n *topology.Network, r *rand.Rand) []topology.Any
	// leave names the samples that the change makes another question of.
	leave func(estategen.Sample) bool
}

func (l law) check(t *testing.T) {
	t.Helper()
	compared, certain := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		before, samples := lawEstate(seed, 12, l.without)
		after, again := lawEstate(seed, 12, l.without)
		changed, err := topology.NewNetwork(dataOf(after), l.change(after, rand.New(rand.NewPCG(seed, 9)))...)
		if err != nil {
			t.Fatal(err)
		}
		s, c := compiledFor(t, before), compiledFor(t, changed)
		for i, x := range samples {
			if l.leave != nil && l.leave(x) {
				continue
			}
			want, path := lawAnswerTo(s, x)
			got, other := lawAnswerTo(c, again[i])
			// Of the backends of a load balancer any may be the one that is named.
			if want.Verdict == flow.Unknown || x.Kind >= estategen.WholeWay {
				want.Rule, got.Rule = "", ""
			}
			compared++
			if want.Strict != flow.Unknown {
				certain++
			}
			if want != got {
				t.Fatalf("%s: %+v, before the change %+v\n%s  before\n%s", x, got, want, other, path)
			}
		}
	})
	t.Logf("%d answers compared, %d of them certain", compared, certain)
	if certain < 100 {
		t.Errorf("only %d certain answers were compared", certain)
	}
}

func compiledFor(t *rapid.T, n *topology.Network) *sim.Simulator {
	s, err := sim.New(n, sim.Options{AsOf: estategen.CatalogueDate})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func dataOf(n *topology.Network) topology.Data {
	return topology.Data{
		EffectiveSecurityGroups: n.EffectiveSecurityGroups, EffectiveRouteTables: n.EffectiveRouteTables,
		ServiceTags: n.ServiceTags, DatacenterRanges: n.DatacenterRanges, Gaps: n.Gaps,
	}
}

func elementsOf(n *topology.Network) []topology.Any {
	var list []topology.Any
	n.All(func(e topology.Any) bool { list = append(list, e); return true })
	return list
}

func shuffle[T any](r *rand.Rand, list []T) {
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

// sides calls f for both sides of every rule of the estate.
func sides(n *topology.Network, f func(*topology.Match)) {
	for _, g := range n.NetworkSecurityGroups {
		for _, r := range append(slices.Clone(g.SecurityRules), g.DefaultRules...) {
			f(&r.Source)
			f(&r.Destination)
		}
	}
	for _, r := range n.AdminRules {
		f(&r.Source)
		f(&r.Destination)
	}
}

// Nothing in Azure's state depends on the order in which an export lists it,
// but for the rules of a firewall's collection.
func TestLawOrderOfElementsAndListsDoesNotMatter(t *testing.T) {
	law{
		// Of two rules with one priority, or two routes of one prefix, the answer
		// may name either.
		without: estategen.SamePriorities | estategen.SamePrefixes,
		change: func(n *topology.Network, r *rand.Rand) []topology.Any {
			for _, v := range n.VirtualNetworks {
				shuffle(r, v.AddressSpace)
				shuffle(r, v.Subnets)
				shuffle(r, v.Peerings)
				for _, s := range v.Subnets {
					shuffle(r, s.Prefixes)
					shuffle(r, s.ServiceEndpoints)
				}
			}
			for _, g := range n.NetworkSecurityGroups {
				shuffle(r, g.SecurityRules)
				shuffle(r, g.DefaultRules)
			}
			for _, table := range n.RouteTables {
				shuffle(r, table.Routes)
			}
			sides(n, func(m *topology.Match) {
				shuffle(r, m.Prefixes)
				shuffle(r, m.Ports)
				shuffle(r, m.ASGs)
			})
			for _, a := range n.AdminRules {
				shuffle(r, a.VirtualNetworks)
			}
			for _, g := range n.VirtualNetworkGateways {
				shuffle(r, g.LearnedPrefixes)
			}
			if n.ServiceTags != nil {
				shuffle(r, n.ServiceTags.Tags)
			}
			list := elementsOf(n)
			shuffle(r, list)
			return list
		},
	}.check(t)
}

// halves are the two prefixes that make up a prefix; the prefix alone where
// it is one address or everything ("0.0.0.0/0" says "*", spec 2.4).
func halves(p netip.Prefix) []netip.Prefix {
	if p.Bits() == 0 || p.IsSingleIP() {
		return []netip.Prefix{p}
	}
	low := netip.PrefixFrom(p.Addr(), p.Bits()+1)
	b := p.Addr().AsSlice()
	b[p.Bits()/8] |= 1 << (7 - p.Bits()%8)
	high, _ := netip.AddrFromSlice(b)
	return []netip.Prefix{low, netip.PrefixFrom(high, p.Bits()+1)}
}

// A rule that lists the two halves of a prefix or of a port range is the rule
// that lists the whole: read from right to left it is the merging of them.
// "*" and the full range of ports stay, they mean more to a packet without
// ports (G21).
func TestLawSplittingPrefixesAndPortRangesDoesNotMatter(t *testing.T) {
	law{change: func(n *topology.Network, r *rand.Rand) []topology.Any {
		sides(n, func(m *topology.Match) {
			var list []topology.AddressPrefix
			for _, a := range m.Prefixes {
				if a.Kind != topology.PrefixAddress || r.IntN(4) == 0 {
					list = append(list, a)
					continue
				}
				for _, p := range halves(a.Prefix) {
					list = append(list, topology.AddressPrefix{Kind: topology.PrefixAddress, Prefix: p, Text: p.String()})
				}
			}
			m.Prefixes = list
			var ports []topology.PortRange
			for _, p := range m.Ports {
				if p == topology.AllPorts || p.First == p.Last {
					ports = append(ports, p)
					continue
				}
				at := p.First + uint16(r.IntN(int(p.Last-p.First)))
				ports = append(ports, topology.PortRange{First: at + 1, Last: p.Last}, topology.PortRange{First: p.First, Last: at})
			}
			m.Ports = ports
		})
		return elementsOf(n)
	}}.check(t)
}

// renumber gives priorities other numbers in the same order.
func renumber(r *rand.Rand, priorities []*int, first, last int) {
	values := map[int]bool{}
	for _, p := range priorities {
		values[*p] = true
	}
	delete(values, 0) // a priority that is an expression has no number
	old := make([]int, 0, len(values))
	for v := range values {
		old = append(old, v)
	}
	slices.Sort(old)
	drawn := map[int]bool{}
	for len(drawn) < len(old) {
		drawn[first+r.IntN(last-first+1)] = true
	}
	fresh := make([]int, 0, len(drawn))
	for v := range drawn {
		fresh = append(fresh, v)
	}
	slices.Sort(fresh)
	for _, p := range priorities {
		if i, ok := slices.BinarySearch(old, *p); ok {
			*p = fresh[i]
		}
	}
}

// Only the order of priorities counts, in each NSG and direction apart.
func TestLawRenumberingPrioritiesDoesNotMatter(t *testing.T) {
	law{
		without: estategen.Expressions, // a priority that is an expression may be any number between the others
		change: func(n *topology.Network, r *rand.Rand) []topology.Any {
			for _, g := range n.NetworkSecurityGroups {
				for _, d := range []topology.Direction{topology.Inbound, topology.Outbound} {
					var list []*int
					for _, x := range g.SecurityRules {
						if x.Direction == d {
							list = append(list, &x.Priority)
						}
					}
					renumber(r, list, 100, 4096)
				}
			}
			var list []*int
			for _, x := range n.AdminRules {
				list = append(list, &x.Priority)
			}
			renumber(r, list, 1, 4096)
			return elementsOf(n)
		},
	}.check(t)
}

// A virtual network without a peering to the others, with what belongs to it,
// changes nothing for them.
func TestLawAnUnrelatedVirtualNetworkDoesNotMatter(t *testing.T) {
	space := netip.MustParsePrefix("10.123.0.0/16")
	law{
		change: func(n *topology.Network, r *rand.Rand) []topology.Any {
			deny := &topology.SecurityRule{
				Element: topology.Element{Name: "deny-all"}, Priority: 100, Direction: topology.Inbound, Access: topology.Deny, Protocol: topology.AnyProtocol,
				Source:      topology.Match{Prefixes: []topology.AddressPrefix{smallPrefix("*")}, Ports: []topology.PortRange{topology.AllPorts}},
				Destination: topology.Match{Prefixes: []topology.AddressPrefix{smallPrefix("*")}, Ports: []topology.PortRange{topology.AllPorts}},
			}
			g := &topology.NetworkSecurityGroup{Element: element("networkSecurityGroups/unrelated", "unrelated"), RulesGiven: true, SecurityRules: []*topology.SecurityRule{deny}}
			table := &topology.RouteTable{Element: element("routeTables/unrelated", "unrelated"), RoutesGiven: true, Routes: []*topology.Route{{
				Element: topology.Element{Name: "nowhere"}, Destination: smallPrefix("0.0.0.0/0"), NextHop: topology.NextHopNone,
			}}}
			s := &topology.Subnet{Element: element("virtualNetworks/unrelated/subnets/s", "s"), Prefixes: []netip.Prefix{netip.PrefixFrom(space.Addr(), 24)},
				NetworkSecurityGroup: g.Ref(), RouteTable: table.Ref()}
			v := &topology.VirtualNetwork{Element: element("virtualNetworks/unrelated", "unrelated"), AddressSpace: []netip.Prefix{space}, Subnets: []*topology.Subnet{s}}
			c := &topology.IPConfiguration{Element: element("networkInterfaces/unrelated/ipConfigurations/c", "c"), PrivateIPAddress: netip.MustParseAddr("10.123.0.4"), Subnet: s.Ref()}
			i := &topology.NetworkInterface{Element: element("networkInterfaces/unrelated", "unrelated"), IPConfigurations: []*topology.IPConfiguration{c}}
			list := append(elementsOf(n), v, g, table, i)
			shuffle(r, list)
			return list
		},
		leave: func(x estategen.Sample) bool {
			return space.Contains(x.Source) || x.Destination.IsValid() && space.Contains(x.Destination)
		},
	}.check(t)
}

// plain reports whether nothing is left open about what the side names: a tag
// may hold more than the data says, and then two rules decide, each in its
// world, and "below" means nothing.
func plain(m topology.Match) bool {
	return !slices.ContainsFunc(m.Prefixes, func(a topology.AddressPrefix) bool {
		return a.Kind == topology.TagAddress || a.Kind == topology.UnresolvedAddress
	})
}

// A rule after the one that decides decides nothing, whatever it says.
func TestLawARuleBelowTheDecidingOneDoesNotMatter(t *testing.T) {
	compared := 0
	below := func(t *rapid.T, seed uint64) {
		n, samples := lawEstate(seed, 100, estategen.All^estategen.Certain)
		s := compiledFor(t, n)
		for i, x := range samples {
			if x.Kind != estategen.GroupAlone {
				continue
			}
			want, path := lawAnswerTo(s, x)
			if want.Strict == flow.Unknown || !x.Protocol.HasPorts() {
				continue
			}
			after, again := lawEstate(seed, 100, estategen.All^estategen.Certain)
			g := again[i].Group
			at := slices.IndexFunc(g.SecurityRules, func(r *topology.SecurityRule) bool { return r.Direction == x.Direction && r.Name == want.Rule })
			if at < 0 || g.SecurityRules[at].Priority == 4096 {
				continue // a default rule or the last priority: nothing fits below it
			}
			decider := g.SecurityRules[at]
			if slices.ContainsFunc(g.SecurityRules, func(r *topology.SecurityRule) bool {
				return r.Direction == x.Direction && r.Priority <= decider.Priority && !(plain(r.Source) && plain(r.Destination))
			}) {
				continue
			}
			priority := rapid.IntRange(decider.Priority+1, 4096).Draw(t, "priority")
			if slices.ContainsFunc(g.SecurityRules, func(r *topology.SecurityRule) bool { return r.Direction == x.Direction && r.Priority == priority }) {
				continue
			}
			opposite := topology.Allow
			if decider.Access == topology.Allow {
				opposite = topology.Deny
			}
			everything := topology.Match{Prefixes: []topology.AddressPrefix{smallPrefix("*")}, Ports: []topology.PortRange{topology.AllPorts}}
			g.SecurityRules = append(g.SecurityRules, &topology.SecurityRule{Element: topology.Element{Name: "below"}, Priority: priority, Direction: x.Direction,
				Access: opposite, Protocol: topology.AnyProtocol, Source: everything, Destination: everything})
			got, other := lawAnswerTo(compiledFor(t, after), again[i])
			compared++
			if got != want {
				t.Fatalf("%s with a rule at %d: %+v, before %+v\n%s  before\n%s", x, priority, got, want, other, path)
			}
		}
	}
	checks := 0
	rapid.Check(t, func(t *rapid.T) {
		checks++
		// Few estates have such a rule at hand: on to one that has.
		seed, before := rapid.Uint64().Draw(t, "seed"), compared
		for next := range uint64(200) {
			if below(t, seed+next); compared > before {
				return
			}
		}
	})
	t.Logf("%d answers compared", compared)
	if compared < checks {
		t.Errorf("only %d answers were compared in %d checks", compared, checks)
	}
}

// A simulator answers the same to one goroutine and to many at once, in any
// order.
func TestLawOneWorkerOrManyDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		n, samples := lawEstate(seed, 12, 0)
		alone, shared := compiledFor(t, n), compiledFor(t, n)
		want := make([]lawAnswer, len(samples))
		for i, x := range samples {
			want[i], _ = lawAnswerTo(alone, x)
		}
		const workers = 4
		wrong := make([]string, workers)
		var group sync.WaitGroup
		for w := range workers {
			group.Go(func() {
				for _, i := range rand.New(rand.NewPCG(seed, uint64(w))).Perm(len(samples)) {
					if got, _ := lawAnswerTo(shared, samples[i]); got != want[i] {
						wrong[w] = fmt.Sprintf("%s: %+v, alone %+v", samples[i], got, want[i])
					}
				}
			})
		}
		group.Wait()
		for _, w := range wrong {
			if w != "" {
				t.Fatal(w)
			}
		}
	})
}
