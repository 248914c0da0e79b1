package sim_test

import (
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
)

// A question about every port is cut at the ports of guests' firewalls and of
// the platform too, not only at those of NSG rules.
func TestAnyPortIsCutAtEveryPort(t *testing.T) {
	for _, c := range []struct {
		fact   string
		estate *golden.Estate
		q      sim.TraceQuestion
	}{
		{"a guest's firewall opens one port", golden.New().GuestFirewall("d1", golden.Opening{Name: "ssh", Port: "22", From: "*"}),
			sim.TraceQuestion{From: "a1", To: "d1", AnyPort: true}},
		{"a rule that names AzurePlatformDNS stops port 53 alone", golden.New().SubnetNSG("app", golden.Deny("dns", 100, golden.Out).To("AzurePlatformDNS")),
			sim.TraceQuestion{From: "a1", To: "168.63.129.16", AnyPort: true}},
		{"a load balancer leads from one port", golden.New().LoadBalancer("lb", "198.51.100.30", 443, 443, "a1"),
			sim.TraceQuestion{From: golden.NET, To: "198.51.100.30", AnyPort: true}},
	} {
		t.Run(c.fact, func(t *testing.T) {
			s, err := sim.New(c.estate.Build(), sim.Options{AsOf: golden.AsOf})
			if err != nil {
				t.Fatal(err)
			}
			a, err := s.Trace(c.q)
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Parts) < 2 || a.Verdict == flow.Allow || !a.AnyDeny {
				t.Errorf("%s in %d parts, want a part that is denied beside others", a.Verdict, len(a.Parts))
			}
		})
	}
}

// A CIDR block outside the estate goes through a machine's proxy as one of its
// addresses does.
func TestAPrefixOutsideGoesThroughTheProxy(t *testing.T) {
	s, err := sim.New(golden.New().ProxyServer("px", 8080).UsesProxy("a1", golden.Proxy, 8080).Build(), sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Trace(sim.TraceQuestion{From: "a1", To: "203.0.113.8/29", Port: 443})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Hops) == 0 || a.Hops[len(a.Hops)-1].Leg != 2 {
		t.Errorf("the last hop is %+v, want one of leg 2", a.Hops)
	}
}
