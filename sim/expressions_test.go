package sim_test

import (
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// A property of a rule that is an expression leaves open what turns on it, and
// nothing else (bad-inputs 54).
func TestAnExpressionInARuleLeavesOpenWhatTurnsOnIt(t *testing.T) {
	for _, tc := range []struct {
		name     string
		property string
		rule     func(*topology.SecurityRule)
		want     flow.Verdict
	}{
		{"the access of the rule that matches", "access", func(r *topology.SecurityRule) { r.Access = topology.NoAccess }, flow.Unknown},
		{"the priority of a rule that denies before or after one that allows", "priority", func(r *topology.SecurityRule) { r.Priority = 0 }, flow.Unknown},
		{"the direction", "direction", func(r *topology.SecurityRule) { r.Direction = topology.NoDirection }, flow.Unknown},
		{"the protocol", "protocol", func(r *topology.SecurityRule) { r.Protocol = topology.NoProtocol }, flow.Unknown},
		{"none", "", func(*topology.SecurityRule) {}, flow.Deny},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := golden.New().SubnetNSG("app",
				golden.Deny("deny", 100, golden.Out).To("Internet"),
				golden.Allow("allow", 200, golden.Out).To("Internet")).Build()
			for _, g := range n.NetworkSecurityGroups {
				for _, r := range g.SecurityRules {
					if r.Name == "deny" {
						if tc.property != "" {
							r.Unresolved = []string{tc.property}
						}
						tc.rule(r)
					}
				}
			}
			s, err := sim.New(n, sim.Options{AsOf: golden.AsOf})
			if err != nil {
				t.Fatal(err)
			}
			a, err := s.Trace(sim.TraceQuestion{From: "a1", To: golden.NET, Protocol: topology.TCP, Port: 443})
			if err != nil {
				t.Fatal(err)
			}
			if a.Verdict != tc.want {
				t.Errorf("%v, want %v", a.Verdict, tc.want)
			}
			// What the rule is not about is as certain as before.
			if a, err = s.Trace(sim.TraceQuestion{From: "a1", To: "a2", Protocol: topology.TCP, Port: 443}); err != nil || a.Verdict != flow.Allow {
				t.Errorf("inside: %v, %v", a, err)
			}
		})
	}
}
