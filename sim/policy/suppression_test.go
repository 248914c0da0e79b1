package policy_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
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
		if r.Results[0].Verdict != policy.Pass || len(r.Gone) != 1 || !cmp.Equal(r.Gone[0], first.Findings[0]) {
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

// The ports that an assertion asks tell its findings apart, and whatever rules
// change which of them are open the findings stay what they are.
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

// A baseline takes out what it says of a finding and nothing more: not another
// port, address or protocol of what is asked. With less it is taken out, and
// said to be less.
func TestABaselineTakesOutThePacketsItHas(t *testing.T) {
	out := func(rules ...*golden.Rule) *golden.Estate {
		return golden.New().SubnetNSG("app", append(rules, golden.Deny("rest", 4000, golden.Out))...)
	}
	in := func(rules ...*golden.Rule) *golden.Estate {
		return golden.New().PublicIP("a1", "198.51.100.9", "Standard").SubnetNSG("app", append(rules, golden.Deny("rest", 4000, golden.In))...)
	}
	web := func(ports ...string) *golden.Estate { return out(golden.Allow("web", 100, golden.Out).Ports(ports...)) }
	ssh := func(from ...string) *golden.Estate {
		return in(golden.Allow("ssh", 100, golden.In).From(from...).Ports("22"))
	}
	tags := func(action func(string, int, topology.Direction) *golden.Rule, ports ...string) *golden.Estate {
		return in(golden.Deny("tag", 90, golden.In).From("SomeTag").Ports(ports...), action("all", 100, golden.In).Ports("20-29"))
	}
	inside := policy.Assertion{Kind: policy.Deny, From: []string{"a1"}, To: []string{"d1"}}
	range80 := inside
	range80.Ports = ports(topology.PortRange{First: 80, Last: 89})
	anything := inside
	anything.Protocol = topology.AnyProtocol
	outside := policy.Assertion{Kind: policy.Deny, From: []string{"Internet"}, To: []string{"a1"}, Ports: ports(topology.PortRange{First: 22, Last: 22})}
	outsideRange := outside
	outsideRange.Ports = ports(topology.PortRange{First: 20, Last: 29})
	reached := range80
	reached.Kind = policy.Allow
	nothing := policy.Assertion{Kind: policy.Only, From: []string{"a1"}, To: []string{"d1"}}
	unentered := policy.Assertion{Kind: policy.Only, From: []string{"Internet"}, To: []string{"a1"}}
	everywhere := policy.Assertion{Kind: policy.Only, From: []string{"a1"}}
	for _, c := range []struct {
		fact      string
		a         policy.Assertion
		then, now *golden.Estate
		want      string // the verdict, and what is new
		less      bool
	}{
		{"the same ports by other rules", range80, web("80-81"), out(golden.Allow("a", 100, golden.Out).Ports("80"), golden.Allow("b", 200, golden.Out).Ports("81")), "Suppressed", false},
		{"all ports by one rule, then by two", range80, web("80-89"), out(golden.Allow("a", 100, golden.Out).Ports("80-84"), golden.Allow("b", 200, golden.Out).Ports("85-89")), "Suppressed", false},
		{"one more port", range80, web("80-81"), web("80-82"), "Fail tcp/82", false},
		{"another port", range80, web("80"), web("81"), "Fail tcp/81", false},
		{"a port less", range80, web("80-82"), web("80", "82"), "Suppressed", true},
		{"a port outside of the range", range80, web("80-81"), web("80-81", "443"), "Suppressed", false},
		{"another protocol", anything, out(golden.Allow("a", 100, golden.Out).TCP().Ports("80")), out(golden.Allow("a", 100, golden.Out).Ports("80")), "Fail udp/80", false},
		{"another source port", range80, out(golden.Allow("a", 100, golden.Out).SourcePorts("1000").Ports("80")), out(golden.Allow("a", 100, golden.Out).SourcePorts("1000-1001").Ports("80")), "Fail tcp/80 from port 1001", false},
		{"another address of a set", outside, ssh("203.0.113.0/25"), ssh("203.0.113.0/25", "203.0.113.200"), "Fail tcp/22 from 203.0.113.200", false},
		{"every address of a set", outside, ssh("203.0.113.0/25"), ssh("*"), "Fail tcp/22 from ", false},
		{"fewer addresses", outside, ssh("*"), ssh("203.0.113.0/25"), "Suppressed", true},
		{"the same addresses by two rules", outside, ssh("203.0.113.0/24"), in(golden.Allow("a", 100, golden.In).From("203.0.113.0/25"), golden.Allow("b", 101, golden.In).From("203.0.113.128/25")), "Suppressed", false},
		{"all of a set by two rules", outsideRange, in(golden.Allow("a", 100, golden.In).Ports("22")), in(golden.Allow("a", 100, golden.In).From("128.0.0.0/1").Ports("22"), golden.Allow("b", 101, golden.In).From("0.0.0.0/1").Ports("22")), "Suppressed", false},
		{"what was undecided is open", outsideRange, tags(golden.Allow, "22"), tags(golden.Allow, "23"), "Fail tcp/22", false},
		{"more is undecided than before", outsideRange, tags(golden.Deny, "22"), tags(golden.Deny, "22"), "Pass", false},
		{"what was open is undecided", outsideRange, tags(golden.Allow, "22"), tags(golden.Allow, "22-23"), "Suppressed", true},
		{"one more port that is closed", reached, web("80-87"), web("80-86"), "Fail tcp/87", false},
		{"a port that is open again", reached, web("80-86"), web("80-87"), "Suppressed", true},
		{"beyond the services, the same by other rules", nothing, web("80-81"), out(golden.Allow("a", 100, golden.Out).Ports("80"), golden.Allow("b", 200, golden.Out).Ports("81")), "Suppressed", false},
		{"beyond the services, one more port", nothing, web("80-81"), web("80-82"), "Fail tcp,udp/82 from a1 10.0.1.4 to d1 10.0.2.4", false},
		{"beyond them, a port less", nothing, web("80-82"), web("80-81"), "Suppressed", true},
		{"beyond them, another address", unentered, ssh("203.0.113.0/25"), ssh("203.0.113.0/24"), "Fail tcp,udp/22 from Internet (203.0.113.128/25) to a1 10.0.1.4", false},
		{"beyond them, another place", everywhere, out(golden.Allow("a", 100, golden.Out).To("10.0.2.0/24")), out(golden.Allow("a", 100, golden.Out).To("10.0.2.0/24", "10.0.1.0/24")), "Fail any from a1 10.0.1.4 to a2 10.0.1.5", false},
	} {
		t.Run(c.fact, func(t *testing.T) {
			c.a.ID = "x"
			old := checkOver(t, c.then.Build(), policy.Options{}, &c.a)
			r := checkOver(t, c.now.Build(), policy.Options{Baseline: old.Findings}, &c.a)
			x := &r.Results[0]
			got := x.Verdict.String()
			for i := range x.Cases {
				for _, p := range x.Cases[i].New {
					got += " " + p.String()
				}
			}
			if got != c.want && !(strings.HasPrefix(got, c.want) && strings.HasSuffix(c.want, " ")) {
				t.Errorf("%s, want %s; the baseline has %+v, there is %+v", got, c.want, old.Findings, r.Findings)
			}
			if less := len(r.Less) > 0; less != c.less {
				t.Errorf("less than in the baseline: %v, want %v", r.Less, c.less)
			}
		})
	}
}

// In a small world of ports, protocols and addresses, asked packet by packet: a
// finding is taken out exactly where each packet that is open now was open when
// the baseline was written.
func TestABaselineTakesOutNoPacketThatWasClosed(t *testing.T) {
	sources := []string{"*", "203.0.113.0/25", "203.0.113.128/25", "198.51.100.0/24"}
	addresses := []string{"203.0.113.1", "203.0.113.200", "198.51.100.7", "8.8.8.8"}
	estate := func(r *rand.Rand) *topology.Network {
		var rules []*golden.Rule
		for i := range 1 + r.IntN(4) {
			action := golden.Allow
			if r.IntN(3) == 0 {
				action = golden.Deny
			}
			x := action(fmt.Sprint("r", i), 100+i, golden.In).From(sources[r.IntN(len(sources))])
			if r.IntN(2) == 0 {
				x.TCP()
			}
			low := 1 + r.IntN(5)
			rules = append(rules, x.Ports(fmt.Sprintf("%d-%d", low, low+r.IntN(6-low))))
		}
		rules = append(rules, golden.Deny("rest", 4000, golden.In))
		return golden.New().PublicIP("a1", "198.51.100.9", "Standard").SubnetNSG("app", rules...).Build()
	}
	open := func(n *topology.Network) map[sim.TraceQuestion]bool {
		s, err := sim.New(n, sim.Options{AsOf: golden.AsOf})
		if err != nil {
			t.Fatal(err)
		}
		out := map[sim.TraceQuestion]bool{}
		for _, from := range addresses {
			for _, protocol := range []topology.Protocol{topology.TCP, topology.UDP} {
				for port := range uint16(5) {
					q := sim.TraceQuestion{From: from, To: "a1", Protocol: protocol, Port: port + 1}
					a, err := s.Trace(q)
					if err != nil {
						t.Fatal(err)
					}
					if a.Verdict == flow.Allow {
						out[q] = true
					}
				}
			}
		}
		return out
	}
	tally := map[bool]int{}
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 5))
		then, now := estate(r), estate(r)
		before, after := open(then), open(now)
		more := false
		for q := range after {
			more = more || !before[q]
		}
		for _, a := range []*policy.Assertion{
			{ID: "x", Kind: policy.Deny, From: []string{"Internet"}, To: []string{"a1"}, Protocol: topology.AnyProtocol},
			{ID: "x", Kind: policy.Only, From: []string{"Internet"}, To: []string{"a1"}},
		} {
			old := checkOver(t, then, policy.Options{}, a).Findings
			x := checkOver(t, now, policy.Options{Baseline: old}, a).Results[0]
			if len(after) > 0 && more == (x.Verdict == policy.Suppressed) || len(after) == 0 && x.Verdict != policy.Pass {
				t.Errorf("seed %d, %s: %s, more is open: %v; new is %v", seed, a.Kind, x.Verdict, more, x.Cases)
			}
			if len(after) > 0 {
				tally[more]++
			}
			for _, c := range x.Cases {
				if len(old) > 0 && c.Suppressed == nil && len(c.New) == 0 {
					t.Errorf("seed %d, %s: nothing is told that is new", seed, a.Kind)
				}
			}
		}
	}
	if tally[true] < 10 || tally[false] < 5 {
		t.Errorf("too few of a kind: %v", tally)
	}
}
