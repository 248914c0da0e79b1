package sim_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// Each of these estates has a kind of gates that a batch compiles in its own
// way; their boundaries are asked by a batch and one by one.
func TestBatchesAnswerHandMadeEstatesAsOneQuestionDoes(t *testing.T) {
	gone := topology.RefTo("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/gone")
	many := func(n int, e *golden.Estate) *golden.Estate {
		for i := range n {
			e.NSG(fmt.Sprint("g", i), golden.Deny("port", 100, golden.Out).To("203.0.113.0/24").Ports(fmt.Sprint(80+i%3)), golden.Allow("from", 110, golden.In).From("203.0.113.0/24"))
		}
		return e
	}
	estates := map[string]*golden.Estate{
		"admin rules before the NSGs of a subnet and an interface": golden.New().
			Admin("v1", golden.Deny("telnet", 10, golden.In).TCP().Ports("23"), golden.AlwaysAllow("ssh", 20, golden.In).TCP().Ports("22"), golden.Allow("web", 30, golden.In).TCP().Ports("80"),
				golden.Deny("out", 10, golden.Out).To("203.0.113.0/25"), golden.AlwaysAllow("mail", 20, golden.Out).TCP().Ports("25")).
			SubnetNSG("app", golden.Allow("in", 100, golden.In).From("203.0.113.0/24").Ports("80-81"), golden.Deny("out", 100, golden.Out).To("203.0.113.0/24")).
			NICNSG("a1", golden.Deny("in", 100, golden.In).From("203.0.113.64/26").Ports("81"), golden.Allow("in2", 110, golden.In)),
		"public addresses with and without an NSG": golden.New().
			PublicIP("a1", "198.51.100.7", "Standard").PublicIP("a2", "198.51.100.8", "Basic").PublicIP("d1", "198.51.100.9", "").PublicIP("b1", "198.51.100.10", "Standard").
			NICNSG("a1", golden.Allow("in", 100, golden.In).From("Internet").Ports("443")).
			Admin("v2", golden.AlwaysAllow("ssh", 20, golden.In).TCP().Ports("22")),
		"source ports": golden.New().
			SubnetNSG("app", golden.Deny("from", 100, golden.Out).SourcePorts("80-443"), golden.Allow("to", 110, golden.Out).SourcePorts("1688").Ports("80"), golden.Deny("in", 100, golden.In).TCP().SourcePorts("53")).
			SubnetNSG("db", golden.Deny("to", 100, golden.Out).Ports("80-443")),
		"protocols": golden.New().
			SubnetNSG("app", golden.Deny("tcp", 100, golden.Out).TCP(), golden.Allow("icmp", 110, golden.In).ICMP(), golden.Deny("udp", 120, golden.In).UDP().Ports("53")),
		"both families at one interface": golden.Empty().VNet("v", "10.0.0.0/16", "fd00::/48").Subnet("v", "s", "10.0.0.0/24", "fd00::/64").
			VM("m", "s", "10.0.0.4", "fd00::4", "10.0.0.5").VM("n", "s", "10.0.0.6").
			SubnetNSG("s", golden.Deny("out", 100, golden.Out).To("2606:4700::/32"), golden.Deny("out4", 110, golden.Out).To("203.0.113.0/24"), golden.Deny("in", 100, golden.In).From("VirtualNetwork").Ports("80")),
		"NSGs alone, without a network": many(70, golden.Empty()),
		"an NSG alone that turns on a tag nobody resolved": golden.Empty().NoServiceTags().
			NSG("g", golden.Deny("telnet", 90, golden.Out).TCP().Ports("23"), golden.Deny("from", 100, golden.Out).From("Storage"), golden.Allow("to", 200, golden.Out).To("Storage").Ports("443"), golden.Deny("rest", 300, golden.Out)),
		"what is not known": golden.New().NoServiceTags().
			SubnetNSG("app", golden.Deny("telnet", 90, golden.Out).TCP().Ports("23"), golden.Deny("storage", 100, golden.Out).To("Storage"), golden.Allow("odd", 100, golden.In).NotModelled("new", "x").Ports("80")).
			With(func(e *golden.Estate) {
				e.NIC("a2").NetworkSecurityGroup, e.NIC("d1").NetworkSecurityGroup = gone, gone
			}).
			Admin("v2", golden.Deny("storage", 10, golden.Out).To("Storage").Ports("80-443"), golden.Allow("rest", 20, golden.Out)).NICNSG("b1", golden.Deny("out", 100, golden.Out).Ports("443")),
		"a subnet that is not in the data": golden.New().NICNSG("a1", golden.Deny("out", 100, golden.Out).To("203.0.113.0/24")).
			With(func(e *golden.Estate) {
				for _, vm := range []string{"a1", "a2"} {
					e.NIC(vm).IPConfigurations[0].Subnet = topology.RefTo("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s")
				}
			}),
	}
	for name, e := range estates {
		n := e.Build()
		for _, strict := range []bool{false, true} {
			t.Run(fmt.Sprint(name, "/", strict), func(t *testing.T) {
				s, err := sim.New(n, sim.Options{AsOf: golden.AsOf, Strict: strict})
				if err != nil {
					t.Fatal(err)
				}
				b, m := s.Batch(), newFlowMaker(rand.New(rand.NewPCG(1, 2)), n, nil)
				verdicts := map[flow.Verdict]int{}
				for range 250 {
					q := m.question()
					words := ""
					if got, err := b.Ask(&q); err != nil {
						words = batchWords(nil, err)
					} else {
						words, verdicts[got.Access] = batchWords(got.IPFlow, nil), verdicts[got.Access]+1
					}
					want, err := s.IPFlow(q)
					if w := batchWords(want, err); w != words {
						t.Fatalf("%+v\n got %s\nwant %s", q, words, w)
					}
				}
				if len(verdicts) < 2 {
					t.Errorf("all answers are alike: %v", verdicts)
				}
			})
		}
	}
}
