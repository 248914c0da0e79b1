package policy_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/policy"
	"github.com/netpath/netpath/topology"
)

func checkOver(t *testing.T, n *topology.Network, opts policy.Options, a ...*policy.Assertion) *policy.Report {
	t.Helper()
	s, err := sim.New(n, sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	r, err := policy.Check(context.Background(), s, a, opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// reaches asserts that machines of the golden estate do not reach d1, which
// they do.
func reaches(from ...string) *policy.Assertion {
	return &policy.Assertion{ID: "apart", Kind: policy.Deny, From: from, To: []string{"vm:d1"}, Ports: https}
}

// A suppression takes out the cases that it speaks of, by the names and IDs of
// their ends, and no others.
func TestASuppressionTakesOutWhatItIsAbout(t *testing.T) {
	n := golden.New().Build()
	id := ""
	for _, vm := range n.VirtualMachines {
		if vm.Name == "a1" {
			id = vm.ResourceID
		}
	}
	for _, c := range []struct{ id, about, want string }{
		{"apart", "", "Suppressed 2/0/0/0/2"},
		{"apart", "a1", "Fail 2/0/1/0/1"},
		{"apart", "A1", "Fail 2/0/1/0/1"},
		{"apart", id, "Fail 2/0/1/0/1"},
		{"apart", "a*", "Suppressed 2/0/0/0/2"},
		{"apart", "d1", "Suppressed 2/0/0/0/2"},
		{"apart", "a", "Fail 2/0/2/0/0"},
		{"apart", "b1", "Fail 2/0/2/0/0"},
		{"other", "a1", "Fail 2/0/2/0/0"},
	} {
		x := &policy.Suppression{ID: c.id, About: c.about, Reason: "r", Owner: "o", Expires: "2099-01-01"}
		r := checkOver(t, n, policy.Options{Suppressions: []*policy.Suppression{x}}, reaches("vm:a*"))
		y := r.Results[0]
		if got := fmt.Sprintf("%s %d/%d/%d/%d/%d", y.Verdict, y.Asked, y.Met, y.Broken, y.Undecided, y.Suppressed); got != c.want {
			t.Errorf("%s about %q: %s, want %s", c.id, c.about, got, c.want)
		}
		if unused := strings.HasSuffix(c.want, "/0"); unused != (len(r.Unused) == 1) {
			t.Errorf("%s about %q: unused %v", c.id, c.about, r.Unused)
		}
	}
}

// A baseline takes out the findings it has, and no new ones: neither another
// end nor one that was undecided and is broken now.
func TestABaselineTakesOutOldFindings(t *testing.T) {
	first := checkOver(t, golden.New().Build(), policy.Options{}, reaches("vm:a1"))
	if len(first.Findings) != 1 || first.Findings[0].Title != "a1 → d1 tcp/443" || first.Findings[0].Verdict != policy.Fail {
		t.Fatalf("%+v", first.Findings)
	}
	base := policy.Options{Baseline: first.Findings}
	t.Run("the same again", func(t *testing.T) {
		r := checkOver(t, golden.New().Build(), base, reaches("vm:a1"))
		if x := r.Results[0]; x.Verdict != policy.Suppressed || !x.Cases[0].Suppressed.Baselined() || len(r.Gone) != 0 {
			t.Errorf("%+v, %+v", x, r.Gone)
		}
		if d := cmp.Diff(first.Findings, r.Findings); d != "" {
			t.Errorf("a baseline written again differs (-first +again):\n%s", d)
		}
	})
	t.Run("another one beside it", func(t *testing.T) {
		if x := checkOver(t, golden.New().Build(), base, reaches("vm:a*")).Results[0]; x.Verdict != policy.Fail || x.Broken != 1 || x.Suppressed != 1 || x.Cases[0].From != "a2" {
			t.Errorf("%+v", x)
		}
	})
	t.Run("it is no more", func(t *testing.T) {
		r := checkOver(t, golden.New().SubnetNSG("app", golden.Deny("all", 100, golden.Out)).Build(), base, reaches("vm:a1"))
		if r.Results[0].Verdict != policy.Pass || len(r.Gone) != 1 || r.Gone[0] != first.Findings[0] {
			t.Errorf("%+v, %+v", r.Results[0], r.Gone)
		}
	})
	t.Run("worse than before", func(t *testing.T) {
		old := first.Findings[0]
		old.Verdict = policy.Unknown
		if x := checkOver(t, golden.New().Build(), policy.Options{Baseline: []policy.Finding{old}}, reaches("vm:a1")).Results[0]; x.Verdict != policy.Fail {
			t.Errorf("%+v", x)
		}
	})
	t.Run("what the policy suppresses is in no baseline", func(t *testing.T) {
		x := &policy.Suppression{ID: "apart", About: "a1", Reason: "r", Owner: "o", Expires: "2099-01-01"}
		r := checkOver(t, golden.New().Build(), policy.Options{Suppressions: []*policy.Suppression{x}}, reaches("vm:a*"))
		if len(r.Findings) != 1 || r.Findings[0].Title != "a2 → d1 tcp/443" {
			t.Errorf("%+v", r.Findings)
		}
	})
	t.Run("rebased, a report has nothing new", func(t *testing.T) {
		r := checkOver(t, golden.New().Build(), policy.Options{}, reaches("vm:a*", "vm:nobody"))
		r.Rebase()
		if x := r.Results[0]; x.Verdict != policy.Suppressed || x.Suppressed != 2 || x.Broken != 0 || x.Open[0].Suppressed == nil || len(r.Findings) != 3 {
			t.Errorf("%+v", x)
		}
	})
}

// The ports that an assertion asks tell its findings apart, and where a rule
// changes which of them are open the findings stay what they are.
func TestFingerprintsFollowWhatIsAsked(t *testing.T) {
	ask := func(e *golden.Estate, p topology.PortRange) string {
		a := reaches("vm:a1")
		a.Ports = ports(p)
		return checkOver(t, e.Build(), policy.Options{}, a).Findings[0].Fingerprint
	}
	all := topology.PortRange{First: 1, Last: 1000}
	same := ask(golden.New().SubnetNSG("app", golden.Deny("web", 100, golden.Out).Ports("443")), all)
	if got := ask(golden.New(), all); got != same {
		t.Error("another open port is another finding")
	}
	if got := ask(golden.New(), topology.PortRange{First: 1, Last: 999}); got == same {
		t.Error("another question is the same finding")
	}
}

// Of nothing-but assertions what passes beyond is the finding, whichever rules
// let it through: a baseline with one port does not take out another.
func TestWhatPassesBeyondIsTheFinding(t *testing.T) {
	a := &policy.Assertion{ID: "x", Kind: policy.Only, From: []string{"a1"}, To: []string{"d1"}}
	open := func(rules ...*golden.Rule) policy.Finding {
		t.Helper()
		e := golden.New().SubnetNSG("app", append(rules, golden.Deny("rest", 4000, golden.Out))...)
		return checkOver(t, e.Build(), policy.Options{}, a).Findings[0]
	}
	web := golden.Allow("web", 100, golden.Out).Ports("80-81")
	old := open(web)
	if got := open(golden.Allow("a", 200, golden.Out).Ports("80"), golden.Allow("b", 300, golden.Out).Ports("81")); got != old {
		t.Errorf("the same by two rules: %+v, want %+v", got, old)
	}
	wider := golden.New().SubnetNSG("app", golden.Allow("web", 100, golden.Out).Ports("80-82"), golden.Deny("rest", 4000, golden.Out))
	if x := checkOver(t, wider.Build(), policy.Options{Baseline: []policy.Finding{old}}, a).Results[0]; x.Verdict != policy.Fail {
		t.Errorf("another port: %+v", x)
	}
}
