package sim_test

import (
	"net/netip"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// A platform tag stands for its port at its own end of the packet: as the
// source of a rule it is what comes from that port (verdicts 17).
func TestAPlatformTagAsSourceIsItsSourcePort(t *testing.T) {
	n := golden.New().SubnetNSG("app", golden.Deny("from-dns", 100, golden.In).From("AzurePlatformDNS")).Build()
	s, err := sim.New(n, sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		from, to uint16
		want     flow.Verdict
		rule     string
	}{
		{53, 50000, flow.Deny, "from-dns"},
		{50000, 53, flow.Allow, "AllowVnetInBound"},
		{53, 53, flow.Deny, "from-dns"},
	} {
		a, err := s.IPFlow(sim.IPFlowQuestion{VM: "a1", Direction: topology.Inbound, Protocol: topology.UDP,
			Local:  sim.Endpoint{Address: netip.MustParseAddr("10.0.1.4"), Port: tc.to},
			Remote: sim.Endpoint{Address: netip.MustParseAddr(golden.Host), Port: tc.from}})
		if err != nil {
			t.Fatal(err)
		}
		if b, err := s.Batch().Ask(&sim.IPFlowQuestion{VM: "a1", Direction: topology.Inbound, Protocol: topology.UDP,
			Local:  sim.Endpoint{Address: netip.MustParseAddr("10.0.1.4"), Port: tc.to},
			Remote: sim.Endpoint{Address: netip.MustParseAddr(golden.Host), Port: tc.from}}); err != nil || b.Access != tc.want {
			t.Errorf("from port %d to %d in a batch: %v, %v", tc.from, tc.to, b, err)
		}
		if a.Access != tc.want || a.RuleName == nil || *a.RuleName != tc.rule {
			t.Errorf("from port %d to %d: %v by %v, want %v by %s", tc.from, tc.to, a.Access, *a.RuleName, tc.want, tc.rule)
		}
	}
	// Of all source ports that one alone is denied.
	a, err := s.IPFlow(sim.IPFlowQuestion{VM: "a1", Direction: topology.Inbound, Protocol: topology.UDP,
		Local:  sim.Endpoint{Address: netip.MustParseAddr("10.0.1.4"), Port: 50000},
		Remote: sim.Endpoint{Address: netip.MustParseAddr(golden.Host), AnyPort: true}})
	if err != nil {
		t.Fatal(err)
	}
	if a.Access != flow.Split {
		t.Errorf("any source port: %v, want Split", a.Access)
	}
}
