package sim_test

import (
	"testing"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// A hop is described by what decides it and where.
func TestHopsAreDescribedByWhatDecides(t *testing.T) {
	for _, c := range []struct {
		hop  sim.Hop
		want string
	}{
		{sim.Hop{Kind: sim.HopSecurityRules, Name: "nsg", AppliedTo: "subnet v1/app", Direction: "Outbound", RuleName: "no", Priority: 4000}, "4000 no in nsg (subnet v1/app outbound)"},
		{sim.Hop{Kind: sim.HopSecurityRules, AppliedTo: "nic a1-nic", Direction: "Inbound", Code: flow.NoNSG}, "no NSG (nic a1-nic inbound)"},
		{sim.Hop{Kind: sim.HopSecurityRules, AppliedTo: "nic a1-nic", Direction: "Inbound"}, "nic a1-nic inbound"},
		{sim.Hop{Kind: sim.HopAdminRules, AppliedTo: "vnet v1", Direction: "Inbound", RuleName: "no", Priority: 1}, "1 no in the security admin rules (vnet v1 inbound)"},
		{sim.Hop{Kind: sim.HopReturn, AppliedTo: "subnet v1/app", Name: "rt", RuleName: "drop", AddressPrefix: "0.0.0.0/0", NextHopType: topology.NextHopNone}, "on the way back the route 0.0.0.0/0 to None of subnet v1/app (rt/drop)"},
		{sim.Hop{Kind: sim.HopFirewall, Name: "fw", RuleName: "net/web"}, "the rule net/web of the firewall fw"},
		{sim.Hop{Kind: sim.HopEgress, AppliedTo: "a1-nic", Name: "NAT gateway nat"}, "the way out of a1-nic (NAT gateway nat)"},
		{sim.Hop{Kind: sim.HopEntry, AppliedTo: "nic a1-nic"}, "the way in to nic a1-nic"},
		{sim.Hop{Kind: sim.HopPeering, Name: "p", AppliedTo: "v1 → v2"}, "the peering p (v1 → v2)"},
	} {
		if got := c.hop.Describe(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
