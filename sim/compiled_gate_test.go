package sim

import (
	"flag"
	"math/rand/v2"
	"net/netip"
	"testing"

	"go4.org/netipx"

	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/topology"
)

var gatePackets = flag.Int("gate-packets", 1_050_000, "packets that compiled gates and rules one by one are compared on")

// TestCompiledGatesDecideAsTheirRulesDo asks gates that have been compiled,
// because they were asked often, and the rules one by one about packets at the
// boundaries of rules: where the classifier names a rule, every world does.
func TestCompiledGatesDecideAsTheirRulesDo(t *testing.T) {
	packets, estates, certain := 0, 0, 0
	for seed := uint64(1); packets < *gatePackets; seed++ {
		r := rand.New(rand.NewPCG(seed, 9))
		n, samples := estategen.Random(r, estategen.Options{Samples: 30})
		s, err := New(n, Options{AsOf: estategen.CatalogueDate})
		if err != nil {
			t.Fatal(err)
		}
		estates++
		addresses, ports := corners(n, samples)
		for _, sub := range n.VirtualNetworks[0].Subnets {
			for _, g := range n.NetworkSecurityGroups {
				for _, d := range []topology.Direction{topology.Inbound, topology.Outbound} {
					gate := s.gate(g, d, s.names.At(sub))
					for range 1500 {
						p := flow.Tuple{Protocol: topology.Protocol(int(topology.TCP) + r.IntN(int(topology.AH-topology.TCP)+1)),
							Source: flow.At(addresses[r.IntN(len(addresses))]), Destination: flow.At(addresses[r.IntN(len(addresses))])}
						if p.Source.Is6() != p.Destination.Is6() {
							continue
						}
						if p.Protocol.HasPorts() {
							p.SourcePort, p.DestinationPort = ports[r.IntN(len(ports))], ports[r.IntN(len(ports))]
						}
						packets++
						if agree(t, gate, p) {
							certain++
						}
						if t.Failed() {
							t.Fatalf("estate %d, subnet %s, %s %s", seed, sub.Name, g.Name, d)
						}
					}
				}
			}
		}
	}
	t.Logf("%d packets at gates of %d estates, %d of them certain", packets, estates, certain)
	if certain < packets/3 {
		t.Errorf("only %d of %d packets were certain", certain, packets)
	}
}

// agree compares both ways of deciding. It reports whether all worlds name one
// rule.
func agree(t *testing.T, gate *nsg.Gate, p flow.Tuple) bool {
	t.Helper()
	var rule *nsg.Rule
	worlds := 0
	flow.Explore(func(w *flow.World) (bool, struct{}) {
		want, got := gate.RuleByRule(w, p), gate.Decide(w, p)
		if want != got {
			t.Errorf("%s: %+v, rule by rule %+v", p, got, want)
		}
		if worlds++; worlds == 1 {
			rule = want.Rule
		} else if rule != want.Rule {
			rule = nil
		}
		return true, struct{}{}
	}, nil)
	return worlds == 1 && rule != nil
}

// corners are the addresses and ports at and beside the boundaries that the
// rules of an estate draw, and those of the samples.
func corners(n *topology.Network, samples []estategen.Sample) (addresses []netip.Addr, ports []uint16) {
	ports = []uint16{0, 1, 80, 443, 65534, 65535}
	edge := func(p netip.Prefix) {
		if p.IsValid() {
			r := netipx.RangeOfPrefix(p)
			for _, a := range []netip.Addr{r.From(), r.From().Prev(), r.To(), r.To().Next()} {
				if a.IsValid() {
					addresses = append(addresses, a)
				}
			}
		}
	}
	for _, g := range n.NetworkSecurityGroups {
		for _, rule := range g.SecurityRules {
			for _, m := range []*topology.Match{&rule.Source, &rule.Destination} {
				for _, a := range m.Prefixes {
					edge(a.Prefix)
				}
				for _, x := range m.Ports {
					ports = append(ports, x.First, x.Last, x.First-1, x.Last+1)
				}
			}
		}
	}
	for _, v := range n.VirtualNetworks {
		for _, p := range v.KnownSpace() {
			edge(p)
		}
	}
	for _, x := range samples {
		addresses = append(addresses, x.Source)
		if x.Destination.IsValid() {
			addresses = append(addresses, x.Destination)
		}
	}
	return addresses, ports
}
