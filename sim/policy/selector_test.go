package policy_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/policy"
	"github.com/netpath/netpath/topology"
)

// labelled is the golden estate with resource tags.
func labelled() *golden.Estate {
	e := golden.New().ASG("d1", "asg-db")
	e.Machine("a1").Tags = []topology.Tag{{Name: "env", Value: "Prod"}, {Name: "team", Value: "net/core"}}
	e.Machine("a2").Tags = []topology.Tag{{Name: "env", Value: "test"}}
	e.NIC("d1").Tags = []topology.Tag{{Name: "env", Value: "prod"}}
	e.VNetOf("v2").Tags = []topology.Tag{{Name: "env", Value: "prod"}}
	return e
}

// Each selector selects the machines named, whose packets are what an
// assertion asks.
func TestLabelSelectors(t *testing.T) {
	for selector, want := range map[string]string{
		"vm:env=prod":             "a1",
		"env=prod":                "a1",
		"vm:ENV=PROD":             "a1",
		"vm:env=*":                "a1 a2",
		"vm:env!=test":            "a1 b1 d1 nva px",
		"vm:env=prod,team=net/*":  "a1",
		"vm:team=*core":           "a1",
		"vm:a*,env!=prod":         "a2",
		"vm:env=prod,env=test":    "",
		"nic:env=prod":            "d1-nic",
		"label:env=prod":          "a1 d1-nic",
		"label:env=prod,team=net": "",
		"subnet:env=prod":         "b1-nic",
		"subnet:v2/*,env=prod":    "b1-nic",
		"subnet:v1/*,env=prod":    "",
		"vm:owner=*":              "",
	} {
		t.Run(selector, func(t *testing.T) {
			r := &check(t, labelled().Build(), false, &policy.Assertion{ID: "x", Kind: policy.Deny, From: []string{selector}, To: []string{"Internet"}, Ports: https}).Results[0]
			var got []string
			for _, c := range r.Cases {
				if !slices.Contains(got, c.From) {
					got = append(got, c.From)
				}
			}
			slices.Sort(got)
			if s := strings.Join(got, " "); s != want {
				t.Errorf("%q, want %q", s, want)
			}
			if (want == "") != (r.Verdict == policy.Unknown && len(r.Open) == 1) {
				t.Errorf("%s, %+v", r.Verdict, r.Open)
			}
		})
	}
}

func TestLabelSelectorsThatCannotBeMeant(t *testing.T) {
	s, err := sim.New(labelled().Build(), sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	for selector, want := range map[string]string{"vm:env=": "NAME=*", "vm:=prod": "NAME=VALUE", "vm:env=[": "not a pattern", "vm:env=prod,": "not a pattern", "label:web*": "takes resource tags", "tag:": "needs a name"} {
		_, err := policy.Check(context.Background(), s, []*policy.Assertion{{ID: "mine", Kind: policy.Allow, From: []string{selector}, To: []string{"d1"}}}, policy.Options{})
		if bad, ok := errors.AsType[*policy.SelectorError](err); !ok || bad.Selector != selector || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", selector, err)
		}
	}
}

// Where a list is cut, or tags are not in the data, a pattern may select more
// than is known: the promise stays open. A name is not concerned.
func TestAPatternOverACutListStaysOpen(t *testing.T) {
	const nics, vms = "Microsoft.Network/networkInterfaces", "Microsoft.Compute/virtualMachines"
	asg := topology.RefTo("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationSecurityGroups/asg-db")
	for _, c := range []struct {
		estate   *golden.Estate
		selector string
		want     policy.Verdict
	}{
		{golden.New(), "vm:d*", policy.Pass},
		{golden.New().Gap(topology.ListCut, vms), "vm:d*", policy.Unknown},
		{golden.New().Gap(topology.ListCut, vms), "vm:d1", policy.Pass},
		{golden.New().Gap(topology.ListCut, vms), "d1", policy.Pass},
		{golden.New().Gap(topology.ListCut, vms), "subnet:v1/db", policy.Pass},
		{golden.New().Gap(topology.ListCut, nics), "subnet:v1/db", policy.Unknown},
		{golden.New().Gap(topology.FileRefused, ""), "subnet:v1/db", policy.Unknown},
		{golden.New().With(func(e *golden.Estate) { e.NIC("d1").IPConfigurations[0].ASGs = []topology.Ref{asg} }), "asg:asg-*", policy.Pass},
		{golden.New().With(func(e *golden.Estate) { e.NIC("d1").IPConfigurations[0].ASGs = []topology.Ref{asg} }), "asg:env!=test", policy.Unknown},
	} {
		r := &check(t, c.estate.Build(), false, &policy.Assertion{ID: "x", Kind: policy.Allow, From: []string{"a1"}, To: []string{c.selector}, Ports: https}).Results[0]
		if r.Verdict != c.want {
			t.Errorf("%s: %s, want %s; %+v %+v", c.selector, r.Verdict, c.want, r.Open, r.Cases)
		}
	}
}
