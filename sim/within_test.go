package sim_test

import (
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// A question within a range of ports is answered as each port of it alone, and
// speaks of no other port.
func TestAnyPortWithinARange(t *testing.T) {
	n := golden.New().SubnetNSG("app", golden.Allow("a", 100, golden.Out).Ports("443", "450-460"), golden.Deny("b", 110, golden.Out).Ports("440-470"), golden.Deny("c", 120, golden.Out).To("Storage").Ports("480")).Build()
	s, err := sim.New(n, sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"d1", "Internet", "Storage.WestEurope"} {
		for _, within := range []topology.PortRange{{First: 443, Last: 445}, {First: 400, Last: 500}, {First: 450, Last: 460}, {First: 470, Last: 481}} {
			got, err := s.Trace(sim.TraceQuestion{From: "a1", To: to, AnyPort: true, Within: &within})
			if err != nil {
				t.Fatal(err)
			}
			for port := within.First; port <= within.Last; port++ {
				one, err := s.Trace(sim.TraceQuestion{From: "a1", To: to, Port: port})
				if err != nil {
					t.Fatal(err)
				}
				var allow, deny, open bool
				for _, p := range partsOf(got) {
					if len(p.Ports) > 0 && !holds(p.Ports, port) {
						continue
					}
					allow, deny, open = allow || p.Verdict == flow.Allow, deny || p.Verdict == flow.Deny, open || p.Verdict == flow.Unknown
				}
				if allow != (one.AnyAllow || one.Verdict == flow.Allow) || deny != (one.AnyDeny || one.Verdict == flow.Deny) || open != (one.Undecided || one.Verdict == flow.Unknown) {
					t.Errorf("%s port %d within %v: allow %v, deny %v, open %v; alone %v", to, port, within, allow, deny, open, one.Verdict)
				}
			}
			for _, p := range got.Parts {
				for _, r := range p.Ports {
					if r.First < within.First || r.Last > within.Last {
						t.Errorf("%s within %v: a part speaks of %v", to, within, r)
					}
				}
			}
		}
	}
}

// partsOf are the parts of an answer, the whole where it has one outcome.
func partsOf(a *sim.Trace) []sim.Part {
	if len(a.Parts) == 0 {
		return []sim.Part{{Outcome: a.Outcome}}
	}
	return a.Parts
}

func holds(list []topology.PortRange, port uint16) bool {
	for _, r := range list {
		if r.Contains(port) {
			return true
		}
	}
	return false
}
