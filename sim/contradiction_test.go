package sim_test

import (
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// Where an effective export and the configuration contradict each other, either
// may be right (spec 10, bad-inputs 118).
func TestAnEffectiveExportAtOddsWithTheConfigurationLeavesTheGateOpen(t *testing.T) {
	for _, x := range []struct {
		fact  string
		view  func(e *golden.Estate) *topology.EffectiveSecurityGroup
		alone bool
		want  flow.Verdict
		code  flow.Code
	}{
		{"the same rules", func(e *golden.Estate) *topology.EffectiveSecurityGroup { return view(e, topology.Allow, 443) }, false, flow.Allow, ""},
		{"another access", func(e *golden.Estate) *topology.EffectiveSecurityGroup { return view(e, topology.Deny, 443) }, false, flow.Unknown, flow.SourcesConflict},
		{"another access, the NSG alone", func(e *golden.Estate) *topology.EffectiveSecurityGroup { return view(e, topology.Deny, 443) }, true, flow.Unknown, flow.SourcesConflict},
		{"other ports", func(e *golden.Estate) *topology.EffectiveSecurityGroup { return view(e, topology.Allow, 22) }, false, flow.Unknown, flow.SourcesConflict},
		{"another NSG at the interface", func(e *golden.Estate) *topology.EffectiveSecurityGroup {
			v := view(e, topology.Deny, 443)
			v.NetworkSecurityGroup, v.Subnet, v.NetworkInterface = topology.RefTo("/g/other"), topology.Ref{}, e.NIC("a1").Ref()
			return v
		}, false, flow.Unknown, flow.AssociationConflict},
		{"another NSG at the interface, without its rules", func(e *golden.Estate) *topology.EffectiveSecurityGroup {
			return &topology.EffectiveSecurityGroup{NetworkSecurityGroup: topology.RefTo("/g/other"), NetworkInterface: e.NIC("a1").Ref()}
		}, false, flow.Unknown, flow.AssociationConflict},
		{"an association of both, of which one says so", func(e *golden.Estate) *topology.EffectiveSecurityGroup {
			v := view(e, topology.Allow, 443)
			v.NetworkInterface = e.NIC("a1").Ref()
			return v
		}, false, flow.Allow, ""},
	} {
		e := golden.New().SubnetNSG("app", golden.Allow("web", 100, golden.In).Ports("443"))
		n := e.Build()
		n.EffectiveSecurityGroups = []*topology.EffectiveSecurityGroup{x.view(e)}
		s, err := sim.New(n, sim.Options{AsOf: golden.AsOf})
		if err != nil {
			t.Fatal(err)
		}
		q := sim.IPFlowQuestion{Direction: golden.In, Protocol: topology.TCP, Local: endpoint("10.0.1.4:443"), Remote: endpoint("1.2.3.4:50000")}
		if x.alone {
			q.NSG = "nsg-app"
		} else {
			q.Interface = e.NIC("a1").Name
		}
		a, err := s.IPFlow(q)
		if err != nil || a.Access != x.want {
			t.Errorf("%s: %+v %v, want %v", x.fact, a, err, x.want)
			continue
		}
		if x.code != "" && (len(a.Missing) == 0 || a.Missing[0].Code != x.code) {
			t.Errorf("%s: %+v, want %s", x.fact, a.Missing, x.code)
		}
	}
}

// view is what an effective export says of the NSG of the subnet app: one rule.
func view(e *golden.Estate, a topology.Access, port uint16) *topology.EffectiveSecurityGroup {
	all := topology.Match{Prefixes: []topology.AddressPrefix{{Kind: topology.AnyAddress, Text: "*"}}, Ports: []topology.PortRange{topology.AllPorts}}
	to := all
	to.Ports = []topology.PortRange{{First: port, Last: port}}
	r := *e.NSGOf("nsg-app").SecurityRules[0]
	r.Access, r.Source, r.Destination = a, all, to
	return &topology.EffectiveSecurityGroup{NetworkSecurityGroup: e.SubnetOf("app").NetworkSecurityGroup, Subnet: e.SubnetOf("app").Ref(),
		Rules: []*topology.SecurityRule{&r}, Origin: topology.Origin{File: "eff.json", Line: 3}}
}
