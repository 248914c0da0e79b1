package lint

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"go4.org/netipx"

	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/topology"
)

// read is what a reading says of a packet by going through its entries: what
// may happen to it, and whether that is certain to be all.
func read(list []flowset.Entry, p flowset.Packet) flowset.Answer {
	in := func(set *netipx.IPSet, a netip.Addr) bool { return set == nil || set.Contains(a) }
	port := func(list []topology.PortRange, port uint16) bool {
		return list == nil || slices.ContainsFunc(list, func(r topology.PortRange) bool { return r.Contains(port) })
	}
	var allow, deny bool
	for _, e := range list {
		if e.Protocols != nil && !slices.Contains(e.Protocols, p.Protocol) || !in(e.Source, p.Source) || !in(e.Destination, p.Destination) {
			continue
		}
		if p.Protocol.HasPorts() && (!port(e.SourcePorts, p.SourcePort) || !port(e.DestinationPorts, p.DestinationPort)) {
			continue
		}
		allow, deny = allow || e.Allow, deny || !e.Allow
		if !e.Sure || e.SourceName != nil || e.DestinationName != nil {
			continue
		}
		switch {
		case allow && deny:
			return flowset.Open
		case allow:
			return flowset.Allowed
		}
		return flowset.Denied
	}
	return flowset.Open
}

func TestAReadingNeverContradictsTheGate(t *testing.T) {
	asked, decided := 0, map[flowset.Answer]int{}
	for seed := range uint64(120) {
		rng := rand.New(rand.NewPCG(seed, 13))
		n, samples := estategen.Random(rng, estategen.Options{Samples: 60})
		s, err := sim.New(n, sim.Options{AsOf: estategen.CatalogueDate})
		if err != nil {
			t.Fatal(err)
		}
		readings := nsg.NewReadings(func(f flow.Fact) bool { return f.Assumption != "" }, false)
		made := map[*nsg.Gate]*nsg.Reading{}
		for _, x := range samples {
			if x.Group == nil || !x.Group.RulesGiven || x.DestinationTag != "" {
				continue
			}
			for _, place := range s.Scopes(x.Group) {
				gate := s.Gate(x.Group, x.Direction, place)
				if made[gate] == nil {
					made[gate] = readings.Of(gate)
				}
				p := flowset.Packet{Protocol: x.Protocol, Source: x.Source, SourcePort: x.SourcePort, Destination: x.Destination, DestinationPort: x.DestinationPort}
				if p.Source == p.Destination {
					continue
				}
				asked++
				got, want := read(made[gate].List, p), gate.Ask(p)
				decided[got]++
				if got != flowset.Open && got != want {
					t.Errorf("seed %d: %s %s: %v is %d by the reading, %d by the gate", seed, x.Group.Name, x.Direction, p, got, want)
				}
			}
		}
	}
	t.Log(asked, decided)
	if asked < 1000 || decided[flowset.Allowed] < asked/10 || decided[flowset.Denied] < asked/10 {
		t.Errorf("asked of %d packets: %v", asked, decided)
	}
}

func TestInRandomEstatesWhatIsSaidToHaveNoEffectCanGo(t *testing.T) {
	claimed, rules := 0, 0
	for seed := range uint64(25) {
		rng := rand.New(rand.NewPCG(seed, 14))
		n, _ := estategen.Random(rng, estategen.Options{})
		s, err := sim.New(n, sim.Options{AsOf: estategen.CatalogueDate})
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range n.NetworkSecurityGroups {
			if !g.RulesGiven {
				continue
			}
			x := newGroup(newRun(s), g)
			for i := range g.SecurityRules {
				rules++
				if !x.standing(i).effectless {
					continue
				}
				claimed++
				if !sameButDisputed(s, g, without(g, i)) {
					t.Errorf("seed %d: %s of %s is said to have no effect: %+v\n%s", seed, g.SecurityRules[i].Name, g.Name, *x.standing(i), listing(g))
				}
			}
		}
	}
	t.Log(claimed, rules)
	if claimed < 10 {
		t.Errorf("of %d rules %d were said to have no effect", rules, claimed)
	}
}
