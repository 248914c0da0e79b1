package policy_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim/policy"
	"github.com/netpath/netpath/sim/reach"
	"github.com/netpath/netpath/topology"
)

// An interface that is named and not in the data, or that is there without its
// address or subnet, leaves what is promised of all open: more data must never
// break what passed.
func TestWhatIsNotInTheDataLeavesAPromiseOfAllOpen(t *testing.T) {
	dangling := func(e *golden.Estate) {
		e.Machine("d1").NetworkInterfaces = append(e.Machine("d1").NetworkInterfaces, topology.RefTo("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/d9-nic"))
	}
	noAddress := func(e *golden.Estate) { e.NIC("d1").IPConfigurations[0].PrivateIPAddress = netip.Addr{} }
	noConfiguration := func(e *golden.Estate) { e.NIC("d1").IPConfigurations = nil }
	noSubnet := func(e *golden.Estate) { e.NIC("d1").IPConfigurations[0].Subnet = topology.Ref{} }
	for _, c := range []struct {
		name, selector string
		change         func(*golden.Estate)
		want           string // of the text that leaves it open; "": nothing does
	}{
		{"all there", "subnet:v1/*", func(*golden.Estate) {}, ""},
		{"dangling, by subnet", "subnet:v1/*", dangling, "d9-nic, an interface of d1, is not in the data; az network nic list"},
		{"dangling, by group", "asg:asg-*", dangling, "d9-nic"},
		{"dangling, by interface", "nic:d9*", dangling, "d9-nic"},
		{"dangling, by another interface", "nic:a1*", dangling, ""},
		{"no address, by its subnet", "subnet:v1/*", noAddress, "the address of the interface d1-nic is not in the data"},
		{"no address, by another subnet", "subnet:v1/app", noAddress, ""},
		{"no address, by interface", "nic:d*", noAddress, "d1-nic"},
		{"no configuration", "subnet:v1/app", noConfiguration, "d1-nic"},
		{"no configuration, by machine", "vm:d*", noConfiguration, "d1"},
		{"no subnet", "subnet:v1/app", noSubnet, "the subnet of the interface d1-nic is not in the data"},
		{"no subnet, by interface", "nic:a1*", noSubnet, ""},
	} {
		for _, kind := range []policy.Kind{policy.Deny, policy.Only} {
			a := &policy.Assertion{ID: "x", Kind: kind, From: []string{"b1"}, To: []string{c.selector}, Ports: https}
			r := &check(t, golden.New().ASG("a1", "asg-app").With(c.change).Build(), false, a).Results[0]
			var open []string
			for _, o := range r.Open {
				open = append(open, o.Text)
			}
			if text := strings.Join(open, "\n"); c.want == "" && text != "" || !strings.Contains(text, c.want) {
				t.Errorf("%s, %s: %q", c.name, kind, text)
			}
			if c.want != "" && r.Verdict == policy.Pass {
				t.Errorf("%s, %s: passes", c.name, kind)
			}
		}
	}
	for name, change := range map[string]func(*golden.Estate){"dangling": dangling, "no address": noAddress, "no configuration": noConfiguration} {
		a := &policy.Assertion{ID: "x", Kind: policy.Only, From: []string{"Internet"}, Services: reach.Allowed{{}}}
		if r := &check(t, golden.New().Build(), false, a).Results[0]; r.Verdict != policy.Pass {
			t.Fatalf("all there: %s, %+v", r.Verdict, r.Cases)
		}
		r := &check(t, golden.New().With(change).Build(), false, a).Results[0]
		if r.Verdict != policy.Unknown || len(r.Cases) != 1 || !strings.Contains(r.Cases[0].Text, "DANGLING_REFERENCE") {
			t.Errorf("%s: %s, %+v", name, r.Verdict, r.Cases)
		}
	}
}
