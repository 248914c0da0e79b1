package sim_test

import (
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// The reply to a probe goes to the host, which is outside routing (spec 6.2):
// no route of the machine's subnet is asked for it.
func TestAProbeNeedsNoRouteBack(t *testing.T) {
	base := golden.New
	for _, tc := range []struct {
		name   string
		estate *golden.Estate
		want   flow.Verdict
	}{
		{"no NSG and no routes", base(), flow.Allow},
		{"a private subnet", base().PrivateSubnet("app"), flow.Allow},
		{"0/0 to an appliance", base().Routes("app", golden.Via("d", "0.0.0.0/0", golden.NVA)), flow.Allow},
		{"0/0 to an appliance that is not there", base().Routes("app", golden.Via("d", "0.0.0.0/0", "10.0.0.99")), flow.Allow},
		{"0/0 to nowhere", base().Routes("app", golden.Hop("d", "0.0.0.0/0", topology.NextHopNone)), flow.Allow},
		{"a route of its own to nowhere", base().Routes("app", golden.Hop("d", golden.Host+"/32", topology.NextHopNone)), flow.Allow},
		{"default rules", base().SubnetNSG("app"), flow.Allow},
		{"a rule that stops probes", base().SubnetNSG("app", golden.Deny("all", 4096, golden.In)), flow.Deny},
	} {
		n := tc.estate.Build()
		s, err := sim.New(n, sim.Options{AsOf: golden.AsOf})
		if err != nil {
			t.Fatal(err)
		}
		for _, from := range []string{golden.Host, "AzureLoadBalancer"} {
			a, err := s.Trace(sim.TraceQuestion{From: from, To: "a1", Protocol: topology.TCP, Port: 443})
			if err != nil {
				t.Fatal(err)
			}
			if a.Verdict != tc.want {
				t.Errorf("%s, from %s: %v %s, want %v", tc.name, from, a.Verdict, a.Code, tc.want)
			}
		}
	}
}
