package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/lint"
	"github.com/netpath/netpath/sim/policy"
	"github.com/netpath/netpath/sim/reach"
	"github.com/netpath/netpath/topology"
)

func verdictOf(r *policy.Result) string {
	return fmt.Sprintf("%s %d/%d/%d/%d", r.Verdict, r.Asked, r.Met, r.Broken, r.Undecided)
}

// Nothing but the services passes: what passes beyond them breaks the
// assertion, with a packet that is none of them.
func TestOnly(t *testing.T) {
	https := golden.Allow("https", 100, golden.Out).Ports("443")
	closed := func() *golden.Estate {
		return golden.New().SubnetNSG("app", https, golden.Deny("rest", 200, golden.Out))
	}
	for _, c := range []struct {
		fact, services string
		estate         *golden.Estate
		from, to       []string
		want, text     string
	}{
		{"just that passes", "tcp/443,udp/443", closed(), []string{"a1"}, []string{"d1"}, "Pass 1/1/0/0", ""},
		{"more may be allowed to pass than does", "any/1-1000,icmp", closed(), []string{"a1"}, []string{"d1"}, "Pass 1/1/0/0", ""},
		{"another protocol passes", "tcp/443", closed(), []string{"a1"}, []string{"d1"}, "Fail 1/0/1/0", "Udp/443"},
		{"everything passes", "tcp/443", golden.New(), []string{"a1"}, []string{"d1"}, "Fail 1/0/1/0", "/"},
		{"none passes", "none", golden.New().SubnetNSG("app", golden.Deny("rest", 200, golden.Out)), []string{"a1"}, []string{"d1"}, "Pass 1/1/0/0", ""},
		{"every pair is asked", "any/443", closed(), []string{"subnet:v1/app"}, []string{"d1", "b1"}, "Pass 4/4/0/0", ""},
		{"without a destination everywhere is", "any/443", closed(), []string{"a1"}, nil, "Pass 1/1/0/0", ""},
		{"and elsewhere more passes", "tcp/443", closed(), []string{"a1"}, nil, "Fail 1/0/1/0", "Udp/443"},
		{"a selector that selects nothing leaves it open", "any/443", closed(), []string{"a1"}, []string{"vm:z*"}, "Unknown 0/0/0/0", ""},
		{"a name that is nobody's too", "any/443", closed(), []string{"a1"}, []string{"z9"}, "Unknown 0/0/0/0", ""},
		{"a tag that no file holds leaves it open", "any/443", golden.New().NoServiceTags().SubnetNSG("app", golden.Allow("x", 100, golden.Out).To("AzureMonitor").Ports("80"), golden.Allow("y", 110, golden.Out).Ports("443"), golden.Deny("rest", 200, golden.Out)),
			[]string{"a1"}, []string{golden.NET}, "Unknown 1/0/0/1", "/80"},
	} {
		t.Run(c.fact, func(t *testing.T) {
			may, err := reach.ParseAllowed(c.services)
			if err != nil {
				t.Fatal(err)
			}
			r := &check(t, c.estate.Build(), false, &policy.Assertion{ID: "x", Kind: policy.Only, From: c.from, To: c.to, Services: may}).Results[0]
			if got := verdictOf(r); got != c.want {
				t.Fatalf("%s, want %s; %+v %+v", got, c.want, r.Cases, r.Open)
			}
			if c.text != "" {
				x := r.Cases[0]
				if packet := x.Witness.Protocol + "/" + x.Witness.Port; !strings.Contains(packet, c.text) || x.Text == "" {
					t.Errorf("the packet shown is %s (%s), want %s", packet, x.Text, c.text)
				}
			}
		})
	}
}

// Only is the opposite of what passes: where it is met, the packets of every
// other port are denied, as deny has it.
func TestOnlyAgreesWithDeny(t *testing.T) {
	e := func() *topology.Network {
		return golden.New().SubnetNSG("app", golden.Allow("a", 100, golden.Out).Ports("443", "8000-8100"), golden.Deny("rest", 200, golden.Out)).Build()
	}
	for _, c := range []struct {
		low, high uint16
	}{{1, 442}, {443, 443}, {444, 7999}, {8000, 8100}, {8050, 9000}, {8101, 65535}} {
		deny := check(t, e(), false, &policy.Assertion{ID: "x", Kind: policy.Deny, From: []string{"a1"}, To: []string{"d1"}, Ports: ports(topology.PortRange{First: c.low, Last: c.high})}).Results[0]
		list := "icmp,esp,ah,udp"
		if c.low > 1 {
			list += fmt.Sprintf(",tcp/0-%d", c.low-1)
		}
		if c.high < 65535 {
			list += fmt.Sprintf(",tcp/%d-65535", c.high+1)
		}
		may, err := reach.ParseAllowed(list)
		if err != nil {
			t.Fatal(err)
		}
		only := check(t, e(), false, &policy.Assertion{ID: "x", Kind: policy.Only, From: []string{"a1"}, To: []string{"d1"}, Services: may}).Results[0]
		if deny.Verdict != only.Verdict {
			t.Errorf("ports %d-%d: deny %s, only the others %s", c.low, c.high, deny.Verdict, only.Verdict)
		}
	}
}

// What an NSG allows that it did not allow before is a case that is broken,
// with a packet, the rules of both exports and the place of the new one.
func TestNoNewlyAllowed(t *testing.T) {
	in := func(rules ...*golden.Rule) *golden.Estate { return golden.New().SubnetNSG("app", rules...) }
	ssh := func() *golden.Rule { return golden.Allow("ssh", 100, golden.In).From("Internet").Ports("22") }
	for _, c := range []struct {
		fact        string
		before, now *golden.Estate
		want        policy.Verdict
	}{
		{"nothing changed", in(ssh()), in(ssh()), policy.Pass},
		{"a rule less", in(ssh()), in(), policy.Pass},
		{"a rule more", in(), in(ssh()), policy.Fail},
		{"the same by another rule", in(ssh()), in(golden.Allow("other", 300, golden.In).From("Internet").Ports("22")), policy.Pass},
		{"a wider rule", in(ssh()), in(golden.Allow("ssh", 100, golden.In).From("Internet").Ports("22-23")), policy.Fail},
		{"a tag that no file holds", in(), in(golden.Allow("x", 100, golden.In).From("SomeTag").Ports("22")), policy.Unknown},
		{"a new interface", in(), golden.New().SubnetNSG("app").VM("a9", "app", "10.0.1.99"), policy.Unknown},
		{"an interface less", golden.New().SubnetNSG("app").VM("a9", "app", "10.0.1.99"), in(), policy.Pass},
		{"a load balancer less", golden.New().LoadBalancer("lb", "198.51.100.30", 443, 443, "a1"), golden.New(), policy.Unknown},
		{"an appliance less", golden.New().VM("a9", "app", "10.0.1.99").Forwarding("a9"), golden.New(), policy.Unknown},
		{"a firewall less", golden.New().Firewall("app"), golden.New(), policy.Unknown},
		{"traffic past the appliance", golden.New().Routes("app", golden.Via("nva", "0.0.0.0/0", "10.0.0.10")), golden.New().Routes("app", golden.Via("nva", "0.0.0.0/0", "10.0.0.11")), policy.Unknown},
		{"traffic that is dropped", golden.New(), golden.New().Routes("app", golden.Hop("none", "8.8.8.0/24", topology.NextHopNone)), policy.Pass},
		{"a wider firewall", golden.New().Firewall("app"), golden.New().Firewall("app", golden.NetworkRules("net", 200, topology.Allow, golden.NetworkRule("web", "*", "443"))), policy.Unknown},
		{"another port of the load balancer", golden.New().LoadBalancer("lb", "198.51.100.30", 443, 443, "a1"), golden.New().LoadBalancer("lb", "198.51.100.30", 80, 443, "a1"), policy.Unknown},
		{"a list that is cut now", in(ssh()), in(ssh()).Gap(topology.ListCut, "Microsoft.Network/networkInterfaces"), policy.Unknown},
		{"a list that was cut", in(ssh()).Gap(topology.ListCut, "Microsoft.Network/networkInterfaces"), in(ssh()), policy.Unknown},
		{"nothing in common", golden.Empty(), in(ssh()), policy.Unknown},
	} {
		t.Run(c.fact, func(t *testing.T) {
			old, err := sim.New(c.before.Build(), sim.Options{AsOf: golden.AsOf})
			if err != nil {
				t.Fatal(err)
			}
			r := &check(t, c.now.Build(), false, &policy.Assertion{ID: "x", Kind: policy.NoNewlyAllowed, Baseline: "before", Earlier: old}).Results[0]
			if r.Verdict != c.want || r.Asked != r.Met+r.Broken+r.Undecided {
				t.Fatalf("%s, want %s; %+v %+v", verdictOf(r), c.want, r.Cases, r.Open)
			}
			if c.want == policy.Fail {
				x := r.Cases[0]
				if x.Witness.Port != "22" && x.Witness.Port != "23" || !strings.Contains(x.Text, "deny by DenyAllInBound before, allow by ssh now") || x.Origin.File == "" {
					t.Errorf("%+v", x)
				}
			}
		})
	}
}

// A comparison of which not all is told is another finding where there is more
// of it.
func TestMoreThanAComparisonTellsIsNew(t *testing.T) {
	open := func(rules int) *topology.Network {
		var list []*golden.Rule
		for i := range rules {
			list = append(list, golden.Allow(fmt.Sprint("r", i), 100+i, golden.In).From("Internet").Ports(fmt.Sprint(1000+2*i)))
		}
		return golden.New().SubnetNSG("app", list...).Build()
	}
	old, err := sim.New(open(0), sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	a := &policy.Assertion{ID: "x", Kind: policy.NoNewlyAllowed, Baseline: "before", Earlier: old}
	base := policy.Options{Baseline: checkOver(t, open(14), policy.Options{}, a).Findings}
	for rules, want := range map[int]policy.Verdict{14: policy.Suppressed, 15: policy.Fail} {
		if r := checkOver(t, open(rules), base, a).Results[0]; r.Verdict != want {
			t.Errorf("%d rules: %s, want %s", rules, r.Verdict, want)
		}
	}
}

// What lint finds is a case that is not met from the level on, and a rule that
// finds nothing one that is; a suppression may name the rule.
func TestLintLevels(t *testing.T) {
	build := func() *topology.Network {
		return golden.New().SubnetNSG("app", golden.Allow("wide", 100, golden.In).From("Internet").Ports("20-30"), golden.Allow("narrow", 200, golden.In).From("Internet").Ports("22")).Build()
	}
	s, err := sim.New(build(), sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	all, err := lint.Lint(t.Context(), s, lint.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(all.Findings) == 0 {
		t.Fatal("lint finds nothing")
	}
	for _, level := range []lint.Severity{"", lint.Error, lint.Warning, lint.Note} {
		at := level
		if at == "" {
			at = lint.Error
		}
		broken, open, with := 0, 0, map[*lint.Rule]bool{}
		for _, f := range all.Findings {
			severity := f.Severity
			if severity == "" {
				severity = f.Rule.Severity
			}
			switch {
			case !severity.AtLeast(at):
				continue
			case f.Undecided:
				open++
			default:
				broken++
			}
			with[f.Rule] = true
		}
		r := &check(t, build(), false, &policy.Assertion{ID: "x", Kind: policy.Lint, Lint: policy.LintLevel{FailOn: level}}).Results[0]
		if r.Broken != broken || r.Undecided != open || r.Met != len(all.Rules)-len(with) {
			t.Errorf("level %q: %s, want %d broken, %d open, %d met", level, verdictOf(r), broken, open, len(all.Rules)-len(with))
		}
		if (r.Verdict == policy.Fail) != (broken > 0) {
			t.Errorf("level %q: %s", level, verdictOf(r))
		}
	}
	found := all.Findings[0]
	a := &policy.Assertion{ID: "x", Kind: policy.Lint, Lint: policy.LintLevel{FailOn: lint.Note, Rules: []string{found.Rule.ID}}}
	for _, id := range []string{found.Rule.ID, found.Rule.Name, strings.ToLower(found.Rule.ID), "x"} {
		x := &policy.Suppression{ID: id, Reason: "r", Owner: "o", Expires: "2099-01-01"}
		if r := checkOver(t, build(), policy.Options{Suppressions: []*policy.Suppression{x}}, a).Results[0]; r.Verdict != policy.Suppressed || r.Suppressed == 0 {
			t.Errorf("suppressed by %s: %+v", id, r)
		}
	}
	if r := checkOver(t, build(), policy.Options{}, a).Results[0]; r.Broken+r.Undecided == 0 || r.Cases[0].Rule == nil || r.Cases[0].Text == "" {
		t.Errorf("%+v", r)
	}
}
