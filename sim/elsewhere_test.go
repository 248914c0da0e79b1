package sim_test

import (
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
)

// Networks that are not peered may have the same addresses: a packet to a
// machine goes by its address alone, and may come to another.
func TestAMachineOfAnotherNetworkIsNotReachedByAnAddressOfTheOwn(t *testing.T) {
	n := golden.Empty().
		VNet("va", "10.0.0.0/16").Subnet("va", "one", "10.0.1.0/24").VM("a", "one", "10.0.1.4").VM("twin", "one", "10.0.1.5").
		VNet("vb", "10.0.0.0/16").Subnet("vb", "two", "10.0.1.0/24").VM("b", "two", "10.0.1.5").VM("free", "two", "10.0.1.9")
	s, err := sim.New(n.Build(), sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for to, want := range map[string]flow.Verdict{
		"twin": flow.Allow, "10.0.1.5": flow.Allow, // the packet comes to twin
		"b": flow.Deny, n.NIC("b").ResourceID: flow.Deny, "free": flow.Deny,
	} {
		got, err := s.Trace(sim.TraceQuestion{From: "a", To: to, Port: 443})
		if err != nil {
			t.Fatal(err)
		}
		if got.Verdict != want || want == flow.Deny && got.Code != flow.DeliveredElsewhere {
			t.Errorf("a to %s: %v %s, want %v", to, got.Verdict, got.Code, want)
		}
	}
}
