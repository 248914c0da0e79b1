package sim_test

import (
	"errors"
	"flag"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

var removalEstates = flag.Int("removal-estates", 150, "random estates that something is removed from")

// strictVerdict is the simulator's answer to a sample, in strict mode.
func strictVerdict(s *sim.Simulator, x estategen.Sample) (flow.Verdict, string, error) {
	t := flow.Tuple{Source: flow.At(x.Source), Destination: flow.At(x.Destination), Protocol: x.Protocol, SourcePort: x.SourcePort, DestinationPort: x.DestinationPort}
	switch x.Kind {
	case estategen.Outbound, estategen.Inbound:
		o := s.Gates(topology.Owner{Interface: s.Network().Holder(x.Configuration), Configuration: x.Configuration}, x.Direction, t)
		return o.Strict, hopLines(o.Hops), nil
	case estategen.GroupAlone:
		local, remote := sim.Endpoint{Address: x.Source, Port: x.SourcePort}, sim.Endpoint{Address: x.Destination, Port: x.DestinationPort}
		if x.Direction == topology.Inbound {
			local, remote = remote, local
		}
		a, err := s.IPFlow(sim.IPFlowQuestion{NSG: x.Group.ResourceID, Direction: x.Direction, Protocol: x.Protocol, Local: local, Remote: remote})
		if err != nil {
			return flow.Unknown, "", err
		}
		return a.Access, hopLines(a.Hops), nil
	}
	q := sim.TraceQuestion{From: x.Source.String(), To: x.Destination.String(), Protocol: x.Protocol, Port: x.DestinationPort, SourcePort: x.SourcePort, FixedSource: true}
	if x.Kind == estategen.WholeWay {
		q.From = s.Network().Holder(x.Configuration).ResourceID
	}
	a, err := s.Trace(q)
	if err != nil {
		return flow.Unknown, "", err
	}
	return a.Verdict, hopLines(a.Hops), nil
}

// The removal property over the estates that the oracle is compared on, which
// have more kinds of resources and of doubt than those drawn here. Left out are
// NSGs that list what does not refer to them (with such an NSG gone the rest
// says that there is none, HOW), default rules that are not the usual ones
// (where none are given the usual ones hold, verdicts, scope) and addresses with
// two owners (with one of them gone the other is the owner, bad-inputs 133).
func TestRemovalFromRandomEstates(t *testing.T) {
	var open []removal
	for _, r := range removals() {
		if r.documented == "" {
			open = append(open, r)
		}
	}
	compared, unknown := 0, 0
	for i := range *removalEstates {
		seed := *diffSeed + uint64(i)
		build := func() (*topology.Network, []estategen.Sample) {
			return estategen.Random(rand.New(rand.NewPCG(seed, 3)), estategen.Options{Samples: 20, Without: estategen.AssociationConflicts | estategen.AlteredDefaults | estategen.AddressesOwnedTwice})
		}
		n, samples := build()
		full := compiled(t, n)
		before := make([]flow.Verdict, len(samples))
		path := make([]string, len(samples))
		refused := make([]bool, len(samples))
		for j, x := range samples {
			if x.DestinationTag != "" {
				refused[j] = true
				continue
			}
			v, p, err := strictVerdict(full, x)
			before[j], path[j], refused[j] = v, p, err != nil
		}
		r := rand.New(rand.NewPCG(seed, 4))
		for range 4 {
			n, samples := build()
			what := open[r.IntN(len(open))]
			if !what.apply(n, r.IntN) {
				continue
			}
			less, err := rebuilt(n)
			if err != nil {
				t.Fatalf("seed %d without %s: %v", seed, what.name, err)
			}
			s := compiled(t, less)
			for j, x := range samples {
				if refused[j] || x.Configuration != nil && less.Holder(x.Configuration) == nil || elsewhere(full.Network(), less, x) {
					continue
				}
				v, p, err := strictVerdict(s, x)
				var name *sim.NameError
				if errors.As(err, &name) {
					continue // what is asked about is gone itself
				}
				compared++
				if before[j] == flow.Unknown {
					unknown++
				}
				if v == flow.Allow && (what.name == "virtual network" || what.name == "every virtual network") {
					continue // a peering to a network that is not in the data is believed (bad-inputs 120)
				}
				if v == flow.Allow && before[j] != flow.Allow || v == flow.Deny && before[j] == flow.Allow {
					t.Errorf("seed %d, %s without %s: %v, before %v\n%s  before\n%s", seed, x, what.name, v, before[j], p, path[j])
				}
			}
		}
	}
	t.Logf("%d answers compared after a removal, %d of them Unknown before", compared, unknown)
	if compared < 10**removalEstates {
		t.Errorf("only %d answers were compared", compared)
	}
}

func compiled(t *testing.T, n *topology.Network) *sim.Simulator {
	t.Helper()
	s, err := sim.New(n, sim.Options{AsOf: estategen.CatalogueDate, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// elsewhere reports whether an address of the question means another resource
// than before: an interface or a private endpoint that owned it is gone, so
// that it is another question.
func elsewhere(n, less *topology.Network, x estategen.Sample) bool {
	claims := func(n *topology.Network) string {
		var b strings.Builder
		for _, a := range []netip.Addr{x.Source, x.Destination} {
			if !a.IsValid() {
				continue
			}
			for _, o := range n.Owners(a) {
				b.WriteString(o.Interface.ResourceID + " ")
			}
			for _, pe := range n.PrivateEndpoints {
				if slices.Contains(pe.Addresses, a) {
					b.WriteString(pe.ResourceID + " ")
				}
			}
			for _, pip := range n.PublicIPAddresses {
				if pip.IPAddress == a {
					b.WriteString(pip.ResourceID + " ")
				}
			}
		}
		return b.String()
	}
	return claims(n) != claims(less)
}
