package sim_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

// randomEdits are a few edits that fit the estate.
func randomEdits(r *rand.Rand, n *topology.Network, samples []estategen.Sample) []edit.Edit {
	var out []edit.Edit
	for range 1 + r.IntN(3) {
		if len(n.VirtualMachines) > 0 && r.IntN(3) == 0 {
			vm := n.VirtualMachines[r.IntN(len(n.VirtualMachines))]
			switch {
			case vm.HostFirewall != nil && r.IntN(2) == 0:
				out = edit.Put(out, edit.OpenHostFirewall{Machine: vm.Ref(), Name: "opening", Protocol: topology.TCP})
			case vm.ProxyServer != nil:
				out = edit.Put(out, edit.AllowHost{Machine: vm.Ref(), Host: "*.blob.core.windows.net"})
			case len(n.NetworkInterfaces) > 0:
				nic := n.NetworkInterfaces[r.IntN(len(n.NetworkInterfaces))]
				if a := nic.IPConfigurations[0].PrivateIPAddress; a.IsValid() {
					out = edit.Put(out, edit.SetProxy{Machine: vm.Ref(), Host: a.String(), Port: 8080})
				} else {
					out = edit.Put(out, edit.SetProxy{Machine: vm.Ref()})
				}
			}
			continue
		}
		if len(n.NetworkSecurityGroups) == 0 {
			continue
		}
		g := n.NetworkSecurityGroups[r.IntN(len(n.NetworkSecurityGroups))]
		d := []topology.Direction{topology.Inbound, topology.Outbound}[r.IntN(2)]
		p, ok := edit.FreePriority(g, d, 100+r.IntN(4100))
		if !ok {
			continue
		}
		x := samples[r.IntN(len(samples))]
		source, destination := []string{"*"}, []string{"*"}
		if r.IntN(2) == 0 {
			source = []string{netip.PrefixFrom(x.Source, 8).Masked().String()}
		}
		if x.Destination.IsValid() && r.IntN(2) == 0 {
			destination = []string{x.Destination.String()}
		} else if r.IntN(2) == 0 {
			destination = []string{"Storage"}
		}
		out = edit.Put(out, edit.AddRule{Group: g.Ref(), Name: fmt.Sprintf("edit-%d", len(out)), Priority: p, Direction: d,
			Access: []topology.Access{topology.Allow, topology.Deny}[r.IntN(2)], Protocol: []topology.Protocol{topology.TCP, topology.AnyProtocol}[r.IntN(2)],
			Source: source, Destination: destination})
	}
	return out
}

// askOne is the simulator's answer to a sample: the gates of an interface, or
// the whole way, through the proxy of its machine where that has one.
func askOne(s *sim.Simulator, x estategen.Sample) sim.Packet {
	p := flow.Tuple{
		Protocol: x.Protocol, Source: flow.At(x.Source), SourcePort: x.SourcePort,
		Destination: flow.At(x.Destination), DestinationPort: x.DestinationPort,
	}
	if x.DestinationTag != "" {
		p.Destination = flow.SomewhereIn(x.DestinationTag, x.Source.Is6())
	}
	switch x.Kind {
	case estategen.Outbound, estategen.Inbound:
		return s.Gates(topology.Owner{Interface: s.Network().Holder(x.Configuration), Configuration: x.Configuration}, x.Direction, p)
	case estategen.GroupAlone:
		local, remote := sim.Endpoint{Address: x.Source, Port: x.SourcePort}, sim.Endpoint{Address: x.Destination, Port: x.DestinationPort}
		if x.Direction == topology.Inbound {
			local, remote = remote, local
		}
		a, err := s.IPFlow(sim.IPFlowQuestion{NSG: x.Group.ResourceID, Direction: x.Direction, Protocol: x.Protocol, Local: local, Remote: remote})
		if err != nil {
			return sim.Packet{}
		}
		return sim.Packet{Outcome: sim.Outcome{Verdict: a.Access, Hops: a.Hops, Assumptions: a.Assumptions, Missing: a.Missing}}
	}
	q := sim.TraceQuestion{From: x.Source.String(), To: x.Destination.String(), Protocol: x.Protocol, Port: x.DestinationPort, SourcePort: x.SourcePort, FixedSource: true}
	if x.DestinationTag != "" {
		q.To = "tag:" + x.DestinationTag
	}
	a, err := s.Trace(q)
	if err != nil {
		return sim.Packet{}
	}
	return sim.Packet{Outcome: a.Outcome}
}

// What With shares stays valid: its answers are those of a simulator that is
// made anew of the edited estate, and s itself answers as before.
func TestWithAnswersAsANewSimulatorOfTheEditedEstate(t *testing.T) {
	made, compared, changed := 0, 0, 0
	for seed := uint64(1); seed <= 60; seed++ {
		r := rand.New(rand.NewPCG(seed, 7))
		n, samples := estategen.Random(rand.New(rand.NewPCG(seed, 0)), estategen.Options{Samples: 12})
		opts := sim.Options{CatalogueDate: estategen.CatalogueDate, AsOf: estategen.CatalogueDate}
		s, err := sim.New(n, opts)
		if err != nil {
			t.Fatal(err)
		}
		var before []sim.Packet
		for _, x := range samples {
			before = append(before, askOne(s, x))
		}
		edits := randomEdits(r, n, samples)
		with, err := s.With(edits...)
		if err != nil {
			continue // an edit that does not fit, such as a rule of an NSG without its rules
		}
		if len(edits) > 1 && r.IntN(2) == 0 {
			// In two steps it is the same.
			half, err := s.With(edits[0])
			if err != nil {
				t.Fatal(err)
			}
			if with, err = half.With(edits[1:]...); err != nil {
				t.Fatal(err)
			}
		}
		made++
		anew, err := edit.Apply(n, edits...)
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := sim.New(anew, opts)
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range samples {
			got, want, again := askOne(with, x), askOne(fresh, x), askOne(s, x)
			if d := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); d != "" {
				t.Fatalf("seed %d, %s\n%v\nas a new simulator (-) and by With (+):\n%s", seed, x, edits, d)
			}
			if d := cmp.Diff(before[i], again, cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); d != "" {
				t.Fatalf("seed %d, %s: With changed what the first simulator answers:\n%s", seed, x, d)
			}
			compared++
			if got.Verdict != again.Verdict {
				changed++
			}
		}
	}
	if made < 25 || changed < compared/100 {
		t.Errorf("%d estates were edited and %d of %d answers changed: too few to show anything", made, changed, compared)
	}
}

// A question about a set is cut at the rules of the edited NSG too.
func TestWithCutsASetAtTheNewRule(t *testing.T) {
	n, _ := estategen.Random(rand.New(rand.NewPCG(3, 0)), estategen.Options{Without: ^estategen.Feature(0)})
	s, err := sim.New(n, sim.Options{CatalogueDate: estategen.CatalogueDate, AsOf: estategen.CatalogueDate})
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, nic := range n.NetworkInterfaces {
		g, ok := topology.Lookup[*topology.NetworkSecurityGroup](n, nic.NetworkSecurityGroup)
		if !ok {
			continue
		}
		p, free := edit.FreePriority(g, topology.Outbound, 4097)
		if !free {
			continue
		}
		for _, r := range g.SecurityRules {
			if r.Direction == topology.Outbound {
				p = min(p, r.Priority-1)
			}
		}
		with, err := s.With(edit.AddRule{Group: g.Ref(), Name: "cut", Priority: p, Direction: topology.Outbound, Access: topology.Deny, Protocol: topology.TCP,
			Source: []string{"*"}, Destination: []string{"203.0.113.64/26"}})
		if err != nil {
			continue
		}
		q := sim.TraceQuestion{From: nic.ResourceID, To: "203.0.113.0/24", Port: 443, NoProxy: true}
		a, err := with.Trace(q)
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.Trace(q)
		if err != nil {
			t.Fatal(err)
		}
		if b.Verdict.String() != "Allow" {
			continue
		}
		tried++
		if a.Verdict.String() != "Split" || len(b.Parts) != 0 {
			t.Errorf("%s: before %s in %d parts, after %s in %d", nic.Name, b.Verdict, len(b.Parts), a.Verdict, len(a.Parts))
		}
	}
	if tried == 0 {
		t.Error("no interface of the estate lets the block out")
	}
}
