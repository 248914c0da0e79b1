package diff_test

import (
	"context"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/netpath/netpath/internal/oracle"
	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/diff"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

func simulate(t *testing.T, n *topology.Network) *sim.Simulator {
	t.Helper()
	return simulateBy(t, n, sim.Options{AsOf: estategen.CatalogueDate})
}

func simulateBy(t *testing.T, n *topology.Network, o sim.Options) *sim.Simulator {
	t.Helper()
	s, err := sim.New(n, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func compare(t *testing.T, old, new *sim.Simulator, o diff.Options) *diff.Report {
	t.Helper()
	r, err := diff.Compare(context.Background(), old, new, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnEstateDoesNotDifferFromItself(t *testing.T) {
	compared := 0
	for seed := range uint64(80) {
		n, _ := estategen.Random(rand.New(rand.NewPCG(seed, 1)), estategen.Options{Samples: 1})
		again, _ := estategen.Random(rand.New(rand.NewPCG(seed, 1)), estategen.Options{Samples: 1})
		r := compare(t, simulate(t, n), simulate(t, again), diff.Options{})
		compared += r.Compared.SecurityGroups
		if !r.Empty() {
			t.Errorf("seed %d: %+v", seed, r)
		}
	}
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

// edited is the estate with rules of some NSGs taken out, moved, turned round,
// borrowed from others or pointed elsewhere.
func edited(t *testing.T, n *topology.Network, r *rand.Rand) *topology.Network {
	t.Helper()
	var all []*topology.SecurityRule
	for _, g := range n.NetworkSecurityGroups {
		all = append(all, g.SecurityRules...)
	}
	var out []topology.Any
	for _, g := range n.NetworkSecurityGroups {
		if !g.RulesGiven || r.IntN(3) == 0 {
			continue
		}
		x := *g
		x.SecurityRules = slices.Clone(g.SecurityRules)
		for range 1 + r.IntN(3) {
			if len(all) == 0 {
				break
			}
			pick := -1
			if len(x.SecurityRules) > 0 {
				pick = r.IntN(len(x.SecurityRules))
			}
			kind := r.IntN(5)
			if pick < 0 {
				kind = 0
			}
			if kind == 0 {
				c := *all[r.IntN(len(all))]
				c.Priority = 104 + r.IntN(90)
				x.SecurityRules = append(x.SecurityRules, &c)
				continue
			}
			c := *x.SecurityRules[pick]
			switch kind {
			case 1:
				x.SecurityRules = slices.Delete(x.SecurityRules, pick, pick+1)
				continue
			case 2:
				if c.Access == topology.Allow {
					c.Access = topology.Deny
				} else if c.Access == topology.Deny {
					c.Access = topology.Allow
				}
			case 3:
				if c.Priority > 0 {
					c.Priority = 200 + r.IntN(3700)
				}
			case 4:
				c.Source, c.Destination = all[r.IntN(len(all))].Source, all[r.IntN(len(all))].Destination
			}
			x.SecurityRules[pick] = &c
		}
		out = append(out, &x)
	}
	m, err := n.Exchange(out...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func kindOf(old, new flow.Verdict) diff.Kind {
	switch {
	case old == new:
		return ""
	case old == flow.Deny && new == flow.Allow:
		return diff.NewlyAllowed
	case old == flow.Allow && new == flow.Deny:
		return diff.NewlyDenied
	case new == flow.Unknown:
		return diff.NewlyUndecided
	case new == flow.Allow:
		return diff.NowAllowed
	}
	return diff.NowDenied
}

// Every witness has the old verdict in the old estate and the new one in the
// new, by IP flow as a user asks it and by the oracle; the parts add up; and a
// packet of which no change tells fares the same on both sides.
func TestAChangeIsWhatBothSidesSayOfIt(t *testing.T) {
	kinds := map[diff.Kind]int{}
	asked, byOracle, sampled := 0, 0, 0
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 3))
		n, samples := estategen.Random(rand.New(rand.NewPCG(seed, 1)), estategen.Options{Samples: 60})
		m := edited(t, n, r)
		old, new := simulate(t, n), simulate(t, m)
		rep := compare(t, old, new, diff.Options{Parts: 40, Boxes: 4})
		oracles := [2]*oracle.Oracle{oracle.New(n, oracle.Options{AsOf: estategen.CatalogueDate}), oracle.New(m, oracle.Options{AsOf: estategen.CatalogueDate})}
		for _, g := range rep.Gates {
			for _, c := range g.Changes {
				kinds[c.Kind]++
				sum := copied(c.Rest)
				for _, p := range c.Parts {
					sum.Add(sum, p.Size)
					if p.Size.Sign() <= 0 || len(p.Boxes) == 0 {
						t.Errorf("seed %d: %s %s: a part without packets", seed, g.Name, c.Kind)
					}
					if want := kindOf(p.Old.Verdict, p.New.Verdict); c.Kind != diff.StillUndecided && want != c.Kind || c.Kind == diff.StillUndecided && p.New.Verdict != flow.Unknown {
						t.Errorf("seed %d: %s: %v is %s: %s before, %s now", seed, g.Name, p.Witness, c.Kind, p.Old.Verdict, p.New.Verdict)
					}
					if g.Level != diff.SecurityGroup {
						continue
					}
					for side, s := range []*sim.Simulator{old, new} {
						want := p.Old.Verdict
						if side == 1 {
							want = p.New.Verdict
						}
						q := sim.IPFlowQuestion{NSG: g.ID, Direction: c.Direction, Protocol: p.Witness.Protocol,
							Local:  sim.Endpoint{Address: p.Witness.Source, Port: p.Witness.SourcePort},
							Remote: sim.Endpoint{Address: p.Witness.Destination, Port: p.Witness.DestinationPort}}
						if c.Direction == topology.Inbound {
							q.Local, q.Remote = q.Remote, q.Local
						}
						if !at(s.Network(), q.Local.Address, g.Places) {
							continue // asked by its address, the NSG is asked elsewhere
						}
						asked++
						a, err := s.IPFlow(q)
						if err != nil {
							continue // the address is in several virtual networks
						}
						if a.Access != want {
							t.Errorf("seed %d: %s: %v: %s in the report, %s by IP flow", seed, g.Name, p.Witness, want, a.Access)
						}
						group, _ := topology.LookupID[*topology.NetworkSecurityGroup](s.Network(), topology.MakeID(g.ID))
						b := oracles[side].IPFlow(oracle.Place{Group: group}, c.Direction, flow.Tuple{Protocol: p.Witness.Protocol, Source: flow.At(p.Witness.Source), SourcePort: p.Witness.SourcePort,
							Destination: flow.At(p.Witness.Destination), DestinationPort: p.Witness.DestinationPort})
						if !b.Beyond && !b.Refused {
							byOracle++
							if b.Verdict != want && want != flow.Unknown {
								t.Errorf("seed %d: %s: %v: %s in the report, %s by the oracle", seed, g.Name, p.Witness, want, b.Verdict)
							}
						}
					}
				}
				if sum.Cmp(c.Size) != 0 {
					t.Errorf("seed %d: %s %s: the parts and the rest have %v packets, the change %v", seed, g.Name, c.Kind, sum, c.Size)
				}
			}
		}
		// Packets asked of one NSG on both sides: where they differ the report
		// has a change of that kind.
		for _, x := range samples {
			if x.Kind != estategen.GroupAlone || x.DestinationTag != "" {
				continue
			}
			q := sim.IPFlowQuestion{NSG: x.Group.ResourceID, Direction: x.Direction, Protocol: x.Protocol,
				Local: sim.Endpoint{Address: x.Source, Port: x.SourcePort}, Remote: sim.Endpoint{Address: x.Destination, Port: x.DestinationPort}}
			if x.Direction == topology.Inbound {
				q.Local, q.Remote = q.Remote, q.Local
			}
			a, err := old.IPFlow(q)
			if err != nil {
				continue
			}
			b, err := new.IPFlow(q)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(rep.Gates, func(g diff.Gate) bool { return g.ID == x.Group.ResourceID && at(n, q.Local.Address, g.Places) })
			want := kindOf(a.Access, b.Access)
			if want == "" {
				continue
			}
			sampled++
			if i < 0 {
				if !attachedAt(n, x.Group, q.Local.Address) {
					continue
				}
				t.Errorf("seed %d: %s: %s before, %s now, and the report is silent", seed, x, a.Access, b.Access)
				continue
			}
			if !slices.ContainsFunc(rep.Gates[i].Changes, func(c diff.Change) bool {
				return c.Kind == want && c.Direction == x.Direction && c.V6 == x.Source.Is6() && c.Size.Sign() > 0
			}) {
				t.Errorf("seed %d: %s: %s before, %s now: the report has no such change", seed, x, a.Access, b.Access)
			}
		}
	}
	t.Logf("%v; %d witnesses asked, %d of the oracle, %d samples differ", kinds, asked, byOracle, sampled)
	for _, k := range diff.Kinds() {
		if kinds[k] == 0 {
			t.Errorf("no change is %s", k)
		}
	}
	if byOracle < 100 || sampled < 5 {
		t.Error("too little was asked")
	}
}

func copied(n *big.Int) *big.Int { return new(big.Int).Set(n) }

// at reports whether exactly one subnet of the estate holds the address, and
// it is one of the places.
func at(n *topology.Network, a netip.Addr, places []string) bool {
	holds := 0
	ok := false
	for _, v := range n.VirtualNetworks {
		for _, s := range v.Subnets {
			if slices.ContainsFunc(s.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) }) {
				holds++
				ok = slices.Contains(places, v.Name+"/"+s.Name)
			}
		}
	}
	return holds == 1 && ok
}

// attachedAt reports whether the NSG is attached to the subnet of the address.
func attachedAt(n *topology.Network, g *topology.NetworkSecurityGroup, a netip.Addr) bool {
	for _, v := range n.VirtualNetworks {
		for _, s := range v.Subnets {
			if s.NetworkSecurityGroup.ID() == g.ID() && slices.ContainsFunc(s.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) }) {
				return true
			}
		}
	}
	return false
}

// rewired is the estate with NSGs attached elsewhere, admin rules gone or of
// another action, and here and there an edited NSG.
func rewired(t *testing.T, n *topology.Network, r *rand.Rand) *topology.Network {
	t.Helper()
	if r.IntN(3) == 0 {
		n = edited(t, n, r)
	}
	group := func(was topology.Ref) topology.Ref {
		switch k := r.IntN(4); {
		case k == 0:
			return topology.Ref{}
		case k == 1 && len(n.NetworkSecurityGroups) > 0:
			return n.NetworkSecurityGroups[r.IntN(len(n.NetworkSecurityGroups))].Ref()
		}
		return was
	}
	var out []topology.Any
	for e := range n.All {
		switch x := e.(type) {
		case *topology.NetworkInterface:
			y := *x
			y.NetworkSecurityGroup = group(x.NetworkSecurityGroup)
			out = append(out, &y)
			continue
		case *topology.VirtualNetwork:
			y := *x
			y.Subnets = nil
			for _, s := range x.Subnets {
				z := *s
				z.NetworkSecurityGroup = group(s.NetworkSecurityGroup)
				y.Subnets = append(y.Subnets, &z)
			}
			out = append(out, &y)
			continue
		case *topology.AdminRule:
			if r.IntN(4) == 0 {
				continue
			}
			y := *x
			if r.IntN(3) == 0 {
				y.Access = []topology.Access{topology.Allow, topology.Deny, topology.AlwaysAllow}[r.IntN(3)]
			}
			out = append(out, &y)
			continue
		}
		out = append(out, e)
	}
	m, err := topology.NewNetwork(topology.Data{EffectiveSecurityGroups: n.EffectiveSecurityGroups, EffectiveRouteTables: n.EffectiveRouteTables,
		ServiceTags: n.ServiceTags, DatacenterRanges: n.DatacenterRanges, Gaps: n.Gaps}, out...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What changes at an interface whose gates are others than before is what its
// whole chain says, and what the oracle says; where the report is silent of an
// interface, an NSG has changed or nothing has. In strict mode it is what the
// strict answers say.
func TestAnInterfaceWithOtherGatesIsComparedByItsWholeChain(t *testing.T) {
	for _, o := range []sim.Options{{AsOf: estategen.CatalogueDate}, {AsOf: estategen.CatalogueDate, Strict: true}} {
		t.Run(fmt.Sprintf("strict %t", o.Strict), func(t *testing.T) { wholeChains(t, o) })
	}
}

func wholeChains(t *testing.T, o sim.Options) {
	kinds := map[diff.Kind]int{}
	byOracle, sampled, cautious, changedAlone := 0, 0, 0, 0
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 5))
		n, samples := estategen.Random(rand.New(rand.NewPCG(seed, 1)), estategen.Options{Samples: 80})
		m := rewired(t, n, r)
		old, new := simulateBy(t, n, o), simulateBy(t, m, o)
		rep := compare(t, old, new, diff.Options{Parts: 30})
		oracles := [2]*oracle.Oracle{oracle.New(n, oracle.Options{AsOf: estategen.CatalogueDate}), oracle.New(m, oracle.Options{AsOf: estategen.CatalogueDate})}
		for _, g := range rep.Gates {
			if g.Level != diff.Interface {
				continue
			}
			for _, c := range g.Changes {
				kinds[c.Kind]++
				for _, p := range c.Parts {
					for side, net := range []*topology.Network{n, m} {
						local, want := p.Witness.Source, p.Old.Verdict
						if c.Direction == topology.Inbound {
							local = p.Witness.Destination
						}
						if side == 1 {
							want = p.New.Verdict
						}
						owners := net.Owners(local)
						if len(owners) != 1 {
							continue
						}
						if !slices.Contains(g.Places, owners[0].Interface.Name) {
							t.Errorf("seed %d: %v is no packet of %v", seed, p.Witness, g.Places)
						}
						b := oracles[side].IPFlow(oracle.Place{Configuration: owners[0].Configuration}, c.Direction, flow.Tuple{Protocol: p.Witness.Protocol, Source: flow.At(p.Witness.Source),
							SourcePort: p.Witness.SourcePort, Destination: flow.At(p.Witness.Destination), DestinationPort: p.Witness.DestinationPort})
						if b.Beyond || b.Refused {
							continue
						}
						byOracle++
						if b.Verdict != want && want != flow.Unknown {
							t.Errorf("seed %d: %s: %v: %s in the report, %s by the oracle", seed, g.Name, p.Witness, want, b.Verdict)
						}
					}
				}
			}
		}
		for _, x := range samples {
			if x.Kind != estategen.Outbound && x.Kind != estategen.Inbound || x.DestinationTag != "" {
				continue
			}
			nic := n.Holder(x.Configuration)
			q := sim.IPFlowQuestion{Interface: nic.ResourceID, Direction: x.Direction, Protocol: x.Protocol,
				Local: sim.Endpoint{Address: x.Source, Port: x.SourcePort}, Remote: sim.Endpoint{Address: x.Destination, Port: x.DestinationPort}}
			if x.Direction == topology.Inbound {
				q.Local, q.Remote = q.Remote, q.Local
			}
			a, err := old.IPFlow(q)
			if err != nil {
				continue
			}
			b, err := new.IPFlow(q)
			if err != nil {
				t.Fatal(err)
			}
			want := kindOf(a.Access, b.Access)
			if want == "" {
				continue
			}
			sampled++
			ofInterface, ofGroup, undecided := false, false, false
			for _, g := range rep.Gates {
				for _, c := range g.Changes {
					if c.Direction != x.Direction || c.V6 != x.Source.Is6() {
						continue
					}
					if g.Level == diff.SecurityGroup {
						ofGroup = true
					} else if slices.Contains(g.Places, nic.Name) {
						ofInterface = ofInterface || c.Kind == want
						undecided = undecided || c.Kind.Undecided()
					}
				}
			}
			switch {
			case ofInterface:
			case undecided:
				cautious++
			case ofGroup:
				changedAlone++
			default:
				t.Errorf("seed %d: %s: %s before, %s now, and the report is silent", seed, x, a.Access, b.Access)
			}
		}
	}
	t.Logf("%v; %d asked of the oracle, %d samples differ: %d told as undecided, %d by a changed NSG", kinds, byOracle, sampled, cautious, changedAlone)
	for _, k := range diff.Kinds() {
		if kinds[k] == 0 {
			t.Errorf("no change is %s", k)
		}
	}
	if byOracle < 200 || sampled < 40 {
		t.Error("too little was asked")
	}
}

func number(t *testing.T, s string) *big.Int {
	t.Helper()
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		t.Fatal(s)
	}
	return n
}
