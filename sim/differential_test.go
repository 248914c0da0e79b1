package sim_test

import (
	"errors"
	"flag"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/netpath/netpath/internal/oracle"
	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

var (
	diffEstates  = flag.Int("estates", 100, "random estates that the simulator and the oracle are compared on")
	diffSeed     = flag.Uint64("seed", 1, "first seed of the random estates")
	diffCautious = flag.Bool("cautious", false, "print the answers that are Unknown where the oracle is certain")
	diffShow     = flag.Int("show", 10, "differences that are printed")
)

// both are the answers to one sample.
type both struct {
	engine sim.Packet
	oracle oracle.Answer
	err    error

	proxied bool
}

func askBoth(t *testing.T, s *sim.Simulator, o *oracle.Oracle, x estategen.Sample) both {
	t.Helper()
	p := flow.Tuple{
		Protocol: x.Protocol, Source: flow.At(x.Source), SourcePort: x.SourcePort,
		Destination: flow.At(x.Destination), DestinationPort: x.DestinationPort,
	}
	if x.DestinationTag != "" {
		p.Destination = flow.SomewhereIn(x.DestinationTag, x.Source.Is6())
	}
	var b both
	owner := topology.Owner{Configuration: x.Configuration}
	if x.Configuration != nil {
		owner.Interface = s.Network().Holder(x.Configuration)
	}
	switch x.Kind {
	case estategen.Outbound, estategen.Inbound:
		b.oracle = o.IPFlow(oracle.Place{Configuration: x.Configuration}, x.Direction, p)
		b.engine = s.Gates(owner, x.Direction, p)
	case estategen.GroupAlone:
		b.oracle = o.IPFlow(oracle.Place{Group: x.Group}, x.Direction, p)
		local, remote := sim.Endpoint{Address: x.Source, Port: x.SourcePort}, sim.Endpoint{Address: x.Destination, Port: x.DestinationPort}
		if x.Direction == topology.Inbound {
			local, remote = remote, local
		}
		q := sim.IPFlowQuestion{NSG: x.Group.ResourceID, Direction: x.Direction, Protocol: x.Protocol, Local: local, Remote: remote}
		a, err := s.IPFlow(q)
		if err != nil {
			b.err = err
			return b
		}
		b.engine.Verdict, b.engine.Hops, b.engine.Assumptions = a.Access, a.Hops, a.Assumptions
		b.engine.Strict = a.Access
		if len(a.Assumptions) > 0 {
			b.engine.Strict = flow.Unknown
		}
		if a.RuleName != nil {
			b.engine.RuleName = *a.RuleName
		}
	case estategen.WholeWay:
		if vm, ok := topology.Lookup[*topology.VirtualMachine](s.Network(), owner.Interface.VirtualMachine); ok && vm.Proxy != nil && outside(s.Network(), x.Destination) {
			b.oracle = o.Trace(oracle.Question{From: x.Configuration, Packet: p})
			a, err := s.Trace(sim.TraceQuestion{From: owner.Interface.Name, To: x.Destination.String(), Protocol: x.Protocol,
				Port: x.DestinationPort, SourcePort: x.SourcePort, FixedSource: true})
			b.take(a, err)
			b.proxied = true
			return b
		}
		b.oracle = o.Trace(oracle.Question{From: x.Configuration, Packet: p, NoProxy: true})
		b.engine = s.Send(owner, p)
	default:
		b.oracle = o.Trace(oracle.Question{Packet: p, NoProxy: true})
		a, err := s.Trace(sim.TraceQuestion{From: x.Source.String(), To: x.Destination.String(), Protocol: x.Protocol,
			Port: x.DestinationPort, SourcePort: x.SourcePort, FixedSource: true, NoProxy: true})
		b.take(a, err)
	}
	return b
}

// outside reports whether an address is of the Internet and not of the estate:
// a proxy is for those.
func outside(n *topology.Network, a netip.Addr) bool {
	return a.IsValid() && scope.IsPublic(a) && !slices.ContainsFunc(n.VirtualNetworks, func(v *topology.VirtualNetwork) bool {
		return slices.ContainsFunc(v.KnownSpace(), func(p netip.Prefix) bool { return p.Contains(a) })
	})
}

// take keeps the simulator's answer to a question about one packet.
func (b *both) take(a *sim.Trace, err error) {
	if err != nil {
		b.err = err
		return
	}
	b.engine.Outcome, b.engine.Strict = a.Outcome, a.Verdict
	if len(a.Assumptions) > 0 {
		b.engine.Strict = flow.Unknown
	}
}

// The simulator and the oracle, written apart from each other from the
// documents, give the same verdicts, with assumptions and without.
func TestSimulatorAndOracleAgree(t *testing.T) {
	agree(t, *diffEstates, func(*topology.Network, *rand.Rand) bool { return true })
}

// They agree on estates that lack something, too: a resource, a property, all
// resources of a kind.
func TestSimulatorAndOracleAgreeOnWhatIsLeft(t *testing.T) {
	all := removals()
	agree(t, *removalEstates, func(n *topology.Network, r *rand.Rand) bool {
		return all[r.IntN(len(all))].apply(n, r.IntN)
	})
}

// agree compares the two on estates as prepare leaves them, where it returns
// true.
func agree(t *testing.T, estates int, prepare func(*topology.Network, *rand.Rand) bool) {
	t.Helper()
	met := map[string]int{} // how often what was met
	asked, differ, beyond, refused, certain, cautious := 0, 0, 0, 0, 0, 0
	for i := range estates {
		seed := *diffSeed + uint64(i)
		n, samples := estategen.Random(rand.New(rand.NewPCG(seed, 3)), estategen.Options{Samples: 20})
		if !prepare(n, rand.New(rand.NewPCG(seed, 5))) {
			continue
		}
		n, err := rebuilt(n)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		s, err := sim.New(n, sim.Options{AsOf: estategen.CatalogueDate})
		if err != nil {
			t.Fatal(err)
		}
		o := oracle.New(n, oracle.Options{AsOf: estategen.CatalogueDate})
		for _, x := range samples {
			if x.Configuration != nil && n.Holder(x.Configuration) == nil || x.Group != nil && n.Find(x.Group.ID()) == nil {
				continue // what is asked about is gone itself
			}
			b := askBoth(t, s, o, x)
			asked++
			met["question: "+x.Kind.String()]++
			met["verdict: "+b.oracle.Verdict.String()]++
			met["decided by: "+string(b.oracle.Code)]++
			for _, a := range b.oracle.Assumptions {
				met["assumption: "+string(a.ID)]++
			}
			for _, c := range b.oracle.Codes {
				met["open: "+string(c)]++
			}
			var name *sim.NameError
			switch {
			case errors.As(b.err, &name) || b.oracle.Refused:
				refused++
				continue
			case b.oracle.Beyond:
				beyond++
				continue
			}
			if b.oracle.Strict != flow.Unknown {
				certain++
			}
			sound := func(e, o flow.Verdict) bool { return e == o || e == flow.Unknown }
			same := sound(b.engine.Verdict, b.oracle.Verdict) && sound(b.engine.Strict, b.oracle.Strict)
			// The simulator asks for the source port that a proxy takes, the oracle
			// keeps the client's: another rule may be named.
			if same && b.engine.Verdict != flow.Unknown && !b.proxied {
				same = slices.ContainsFunc(b.oracle.Deciders, func(d oracle.Decider) bool { return d.RuleName == b.engine.RuleName })
			}
			if same {
				if b.engine.Verdict != b.oracle.Verdict || b.engine.Strict != b.oracle.Strict {
					cautious++
					if *diffCautious {
						t.Logf("seed %d: %s\n  simulator %v, strict %v, assumptions %v, missing %v\n  oracle %v, strict %v, %s rule %q\n%s", seed, x, b.engine.Verdict, b.engine.Strict, b.engine.Assumptions, b.engine.Missing, b.oracle.Verdict, b.oracle.Strict, b.oracle.Code, b.oracle.RuleName, hopLines(b.engine.Hops))
					}
				}
				continue
			}
			differ++
			if differ <= *diffShow {
				t.Errorf("seed %d: %s\n  simulator %v, strict %v, %s rule %q, assumptions %v, missing %v\n  oracle    %v, strict %v, %s rule %q, assumptions %v, open %v\n%s",
					seed, x, b.engine.Verdict, b.engine.Strict, b.engine.Code, b.engine.RuleName, b.engine.Assumptions, b.engine.Missing,
					b.oracle.Verdict, b.oracle.Strict, b.oracle.Code, b.oracle.RuleName, b.oracle.Assumptions, b.oracle.Unknowns, hopLines(b.engine.Hops))
			}
		}
	}
	for _, what := range slices.Sorted(maps.Keys(met)) {
		t.Logf("%7d  %s", met[what], what)
	}
	t.Logf("asked %d questions of %d estates: %d certain, %d refused, %d beyond the oracle, %d more cautious than the oracle, %d differ", asked, estates, certain, refused, beyond, cautious, differ)
	if differ > 0 {
		t.Errorf("%d of %d answers differ", differ, asked)
	}
}

func hopLines(hops []sim.Hop) string {
	s := ""
	for _, h := range hops {
		s += "    " + string(h.Kind) + " " + h.Name + " " + h.AppliedTo + " " + h.Direction + " " + h.Verdict.String() + " " + string(h.Code) + " " + h.RuleName + " " + string(h.NextHopType) + " " + h.AddressPrefix + " " + h.NextHopIPAddress + "\n"
	}
	return s
}
