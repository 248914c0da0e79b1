package sim_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// insideEnds are the interfaces of an estate and the unowned addresses of its
// subnets.
func insideEnds(s *sim.Simulator) []sim.End {
	var ends []sim.End
	n := s.Network()
	for _, nic := range n.NetworkInterfaces {
		for _, c := range nic.IPConfigurations {
			if c.PrivateIPAddress.IsValid() {
				ends = append(ends, s.InterfaceEnd(topology.Owner{Interface: nic, Configuration: c}))
			}
		}
	}
	for _, v := range n.VirtualNetworks {
		for _, sub := range v.Subnets {
			if e, ok := s.UnownedEnd(sub); ok {
				ends = append(ends, e)
			}
		}
	}
	return ends
}

// told is a crossing in one line a service, by sampled ports.
func told(parts []sim.CrossingPart) string {
	var b strings.Builder
	in := func(list []topology.PortRange, p uint16) bool {
		return list == nil || slices.ContainsFunc(list, func(r topology.PortRange) bool { return r.Contains(p) })
	}
	for _, p := range []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP, topology.ESP, topology.AH} {
		ports := [][2]uint16{{0, 0}}
		if p.HasPorts() {
			ports = samplePorts(parts)
		}
		for _, port := range ports {
			fmt.Fprint(&b, p, port, ":")
			said := map[string]bool{}
			for _, x := range parts {
				if x.Protocol == p && (!p.HasPorts() || in(x.SourcePorts, port[0]) && in(x.Ports, port[1])) {
					var ids []string
					for _, a := range x.Assumptions {
						ids = append(ids, string(a.ID)+" "+a.About)
					}
					slices.Sort(ids)
					one := fmt.Sprint(" ", x.Verdict, slices.Compact(ids))
					if !said[one] { // a trace keeps sets of sources apart
						b.WriteString(one)
					}
					said[one] = true
				}
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// samplePorts are the corners of every range that any of the ways tells apart,
// the same for both: they come from all rules of the estate.
var corners []uint16

func samplePorts([]sim.CrossingPart) [][2]uint16 {
	var out [][2]uint16
	for _, p := range corners {
		out = append(out, [2]uint16{50000, p}, [2]uint16{p, 443}, [2]uint16{p, p})
	}
	return out
}

func cornersOf(n *topology.Network) []uint16 {
	out := []uint16{0, 1, 22, 443, 65535}
	for _, g := range n.NetworkSecurityGroups {
		for _, r := range g.SecurityRules {
			for _, list := range [][]topology.PortRange{r.Source.Ports, r.Destination.Ports} {
				for _, p := range list {
					out = append(out, p.First, p.Last, p.First-1, p.Last+1)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// traced is the same from the trace.
func traced(t *sim.Trace) []sim.CrossingPart {
	var out []sim.CrossingPart
	add := func(o *sim.Outcome, protocol string, from, to []topology.PortRange) {
		for _, p := range []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP, topology.ESP, topology.AH} {
			if protocol == "" || p.String() == protocol {
				out = append(out, sim.CrossingPart{Verdict: o.Verdict, Protocol: p, SourcePorts: from, Ports: to, Assumptions: o.Assumptions})
			}
		}
	}
	if len(t.Parts) == 0 {
		add(&t.Outcome, "", nil, nil)
	}
	for i := range t.Parts {
		x := &t.Parts[i]
		add(&x.Outcome, x.Protocol, x.SourcePorts, x.Ports)
	}
	return out
}

func TestACrossingIsWhatTheTraceSays(t *testing.T) {
	pairs, fast, stood := 0, 0, 0
	q := sim.TraceQuestion{Protocol: topology.AnyProtocol, AnyPort: true, NoProxy: true}
	met := map[flow.Verdict]int{}
	check := func(name string, s *sim.Simulator, r *rand.Rand) {
		ends := insideEnds(s)
		c := s.Crossings(ends)
		corners = cornersOf(s.Network())
		for i, from := range ends {
			for j, to := range ends {
				if r.IntN(len(ends)*len(ends)) > 30 {
					continue
				}
				for _, v6 := range []bool{false, true} {
					if i == j || !from.Has(v6) || !to.Has(v6) || from.Has(!v6) && to.Has(!v6) {
						continue
					}
					pairs++
					x, ok := c.Between(i, j, v6)
					if a, b, one := c.StandIns(i, j, v6); one && !ok && !(from.Has(!v6) && to.Has(!v6)) {
						stood++
						whole, err := s.TraceEnds(q, from, to)
						if err != nil {
							t.Fatal(err)
						}
						few, err := s.TraceEnds(q, a, b)
						if err != nil {
							t.Fatal(err)
						}
						if got, want := told(traced(few)), told(traced(whole)); got != want {
							t.Fatalf("%s: %v → %v by one address:\n%s", name, from.Info(), to.Info(), firstDifference(got, want))
						}
					}
					if !ok {
						continue
					}
					fast++
					a, err := s.TraceEnds(q, from, to)
					if err != nil {
						t.Fatalf("%s: %v → %v: %v", name, from.Info(), to.Info(), err)
					}
					parts := slices.Clone(x.Parts)
					for i := range parts {
						p := &parts[i]
						met[p.Verdict]++
						if p.Taken == flow.Allow {
							p.Assumptions = append(slices.Clip(p.Assumptions), x.Assumed...)
						}
					}
					if got, want := told(parts), told(traced(a)); got != want {
						t.Fatalf("%s: %v → %v:\n%s", name, from.Info(), to.Info(), firstDifference(got, want))
					}
				}
			}
		}
	}
	estates := 40
	if testing.Short() {
		estates = 15
	}
	for seed := range uint64(estates) {
		without := estategen.Feature(0)
		if seed%3 > 0 {
			without = estategen.All &^ estategen.Certain
		}
		n, _ := estategen.Random(rand.New(rand.NewPCG(seed, 11)), estategen.Options{Without: without})
		s, err := sim.New(n, sim.Options{AsOf: estategen.CatalogueDate, Strict: seed%4 == 0})
		if err != nil {
			t.Fatal(err)
		}
		check(fmt.Sprint("seed ", seed), s, rand.New(rand.NewPCG(seed, 12)))
	}
	t.Logf("%d of %d pairs were answered without a trace, %d by the trace of one address; parts: %v", fast, pairs, stood, met)
	if fast*4 < pairs || stood == 0 || met[flow.Allow] == 0 || met[flow.Deny] == 0 || met[flow.Unknown] == 0 {
		t.Errorf("too little was met")
	}
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return "crossing " + a[i] + "\ntrace    " + b[i]
		}
	}
	return got + "\n---\n" + want
}
