package nsg

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// NSGs have one digest where they have rules of the same content in the same
// order, whatever these are called and however they are numbered.
func TestGatesOfOneDigestHaveRulesOfTheSameContentInTheSameOrder(t *testing.T) {
	one := func(name string, priority int) *golden.Rule {
		return golden.Allow(name, priority, golden.Out).TCP().From("10.0.1.0/24").SourcePorts("1024-65535").To("203.0.113.0/24", "TagA").Ports("80", "443")
	}
	two := func(name string, priority int) *golden.Rule {
		return golden.Deny(name, priority, golden.Out).To("Internet")
	}
	estate := func(list ...*golden.Rule) *golden.Estate {
		return golden.New().ServiceTag("TagA", "", "203.0.114.0/24").SubnetNSG("app", list...)
	}
	is := estate(one("a", 100), two("b", 200))
	change := func(f func(list []*topology.SecurityRule)) *golden.Estate {
		e := estate(one("a", 100), two("b", 200))
		f(e.NSGOf("nsg-app").SecurityRules)
		return e
	}
	first := func(f func(r *topology.SecurityRule)) *golden.Estate {
		return change(func(list []*topology.SecurityRule) { f(list[0]) })
	}
	expression := func(name, other string) (a, b *golden.Estate) {
		of := func(name string) *golden.Estate {
			e := estate(one(name, 100), two("b", 200))
			e.NSGOf("nsg-app").SecurityRules[0].Unresolved = []string{"protocol"}
			return e
		}
		return of(name), of(other)
	}
	named, renamed := expression("a", "c")
	other := golden.New().ServiceTag("TagA", "", "203.0.114.0/24").NSG("another", one("c", 150), two("d", 160)).AttachSubnet("app", "another")

	digest := func(e *golden.Estate, d topology.Direction) string {
		n := e.Build()
		g, _ := topology.Lookup[*topology.NetworkSecurityGroup](n, e.SubnetOf("app").NetworkSecurityGroup)
		return New(g, d, scope.New(n, scope.Options{AsOf: golden.AsOf}).At(e.SubnetOf("app"))).Digest(Digests{})
	}
	for _, x := range []struct {
		fact string
		a, b *golden.Estate
		same bool
	}{
		{"the same", is, estate(one("a", 100), two("b", 200)), true},
		{"names do not count", is, estate(one("c", 100), two("d", 200)), true},
		{"nor do priorities", is, estate(one("a", 7), two("b", 8)), true},
		{"nor which NSG it is", is, other, true},
		{"nor in which order it was written", is, estate(two("b", 200), one("a", 100)), true},
		{"nor rules of the other direction", is, estate(one("a", 100), two("b", 200), golden.Deny("in", 100, golden.In)), true},
		{"the order counts", is, estate(one("a", 200), two("b", 100)), false},
		{"and that there is none", is, estate(one("a", 100), two("b", 100)), false},
		{"and which of three have none", estate(one("a", 100), two("b", 200), two("c", 200)), estate(one("a", 100), two("b", 100), two("c", 200)), false},
		{"and which rules there are", is, estate(one("a", 100)), false},
		{"and how often", is, estate(one("a", 100), two("b", 200), two("c", 300)), false},
		{"the access counts", is, first(func(r *topology.SecurityRule) { r.Access = topology.Deny }), false},
		{"the protocol counts", is, first(func(r *topology.SecurityRule) { r.Protocol = topology.UDP }), false},
		{"the source counts", is, estate(one("a", 100).From("10.0.1.0/25"), two("b", 200)), false},
		{"the destination counts", is, estate(one("a", 100).To("203.0.113.0/24", "TagB"), two("b", 200)), false},
		{"on which side they are", estate(one("a", 100).From("10.0.1.0/24").To("*")), estate(one("a", 100).From("*").To("10.0.1.0/24")), false},
		{"source ports count", is, estate(one("a", 100).SourcePorts("1024-65534"), two("b", 200)), false},
		{"destination ports count", is, estate(one("a", 100).Ports("80", "444"), two("b", 200)), false},
		{"a port that is an expression", is, first(func(r *topology.SecurityRule) { r.Destination.PortsUnresolved = true }), false},
		{"a source port that is", is, first(func(r *topology.SecurityRule) { r.Source.PortsUnresolved = true }), false},
		{"which property is an expression", named, first(func(r *topology.SecurityRule) { r.Unresolved = []string{"direction"} }), false},
		{"an expression is the same in rules of one name", named, first(func(r *topology.SecurityRule) { r.Unresolved = []string{"protocol"} }), true},
		{"and another in those of another name", named, renamed, false},
		{"a priority that is an expression", is, first(func(r *topology.SecurityRule) { r.Unresolved = []string{"priority"} }), false},
		{"a state that rules rest on", is, first(func(r *topology.SecurityRule) { r.ProvisioningState = "Failed" }), false},
		{"default rules that were exported otherwise", is, estate(one("a", 100), two("b", 200)).With(func(e *golden.Estate) { e.NSGOf("nsg-app").DefaultRules[5].Access = topology.Allow }), false},
		{"other content of a tag", is, golden.New().ServiceTag("TagA", "", "203.0.115.0/24").SubnetNSG("app", one("a", 100), two("b", 200)), false},
	} {
		if got := digest(x.a, golden.Out) == digest(x.b, golden.Out); got != x.same {
			t.Errorf("%s: one digest: %v", x.fact, got)
		}
	}
	if digest(is, golden.In) == digest(is, golden.Out) {
		t.Error("the directions have one digest")
	}
	empty := golden.New().Admin("v1")
	n := empty.Build()
	admin := NewAdmin(n.AdminRules, golden.Out, scope.New(n, scope.Options{}).At(empty.SubnetOf("app")))
	if bare := (&Gate{Direction: golden.Out, NSG: &topology.NetworkSecurityGroup{}}); admin.Digest(Digests{}) == bare.Digest(Digests{}) {
		t.Error("admin rules, which leave to the NSGs what none matches, have the digest of an NSG")
	}
}

// Two random NSGs of one digest do the same with every packet in every world.
func TestGatesOfOneDigestDoTheSame(t *testing.T) {
	same, other := 0, 0
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 29))
		d := []topology.Direction{topology.Inbound, topology.Outbound}[seed%2]
		e := randomEstate(r, d, 2+r.IntN(3), doubts{states: true, shared: true, narrow: true})
		p := placed(e, seed%7 == 0)
		g := New(e.NSGOf("nsg-app"), d, p)
		list := slices.Clone(g.NSG.SecurityRules)
		i, k := r.IntN(len(list)), r.IntN(len(list))
		x, y := *list[i], *list[k]
		x.Priority, y.Priority = y.Priority, x.Priority
		list[i], list[k] = &x, &y
		changed := *g.NSG
		changed.SecurityRules = list
		b := New(&changed, d, p)
		if g.Digest(Digests{}) != b.Digest(Digests{}) {
			other++
			continue
		}
		same++
		for _, tuple := range packets(g) {
			if g.answer(packetOf(tuple), true, nil) != b.answer(packetOf(tuple), true, nil) {
				t.Errorf("seed %d: %s\n%s\n%s", seed, tuple, listing(g), listing(b))
			}
		}
	}
	t.Log(same, other)
	if same < 10 || other < 10 {
		t.Error("too few to show anything")
	}
}

// Without its differences both lists are the same, and no fewer rules differ.
func TestDifferencesAreTheFewestRulesWithoutWhichListsAreTheSame(t *testing.T) {
	sets := Digests{}
	differing, several := 0, 0
	for seed := range uint64(90) {
		r := rand.New(rand.NewPCG(seed, 31))
		d := []topology.Direction{topology.Inbound, topology.Outbound}[seed%2]
		e := randomEstate(r, d, 2+r.IntN(4), doubts{shared: true, narrow: true})
		p := placed(e, seed%7 == 0)
		a := New(e.NSGOf("nsg-app"), d, p)
		var rules []*topology.SecurityRule
		for _, x := range a.NSG.SecurityRules {
			c := *x
			switch r.IntN(6) {
			case 0:
				continue
			case 1:
				c.Priority += 15
			case 2:
				c.Access = topology.Deny
			case 3:
				twice := c
				twice.Priority += 11
				rules = append(rules, &twice)
			}
			rules = append(rules, &c)
		}
		changed := *a.NSG
		changed.SecurityRules = rules
		b := New(&changed, d, p)
		if seed%2 == 0 { // or lists that end otherwise
			a, b = part(a, func(i int) bool { return !a.Rules[i].Default }), part(b, func(i int) bool { return !b.Rules[i].Default })
		}
		words := func(g *Gate, without []*Rule) (out []string) {
			for i, x := range g.Rules {
				if !slices.Contains(without, x) {
					out = append(out, fmt.Sprint(g.alone(i))+x.Digest(sets))
				}
			}
			return out
		}
		ofA, ofB, all := Differences(a, b, sets)
		if all {
			t.Errorf("seed %d: they are said to differ in more than rules", seed)
		}
		kept := words(a, ofA)
		if !slices.Equal(kept, words(b, ofB)) {
			t.Errorf("seed %d: without the differences they differ\n%s\n%s", seed, listing(a), listing(b))
		}
		most, x, y := 0, words(a, nil), words(b, nil)
		for choice := range 1 << len(x) {
			at, n := 0, 0
			for i, word := range x {
				if choice&(1<<i) == 0 {
					continue
				}
				k := slices.Index(y[at:], word)
				if k < 0 {
					n = -1
					break
				}
				at, n = at+k+1, n+1
			}
			most = max(most, n)
		}
		if len(kept) != most {
			t.Errorf("seed %d: they have %d rules in common, not %d\n%s\n%s", seed, most, len(kept), listing(a), listing(b))
		}
		if !slices.IsSortedFunc(ofA, func(x, y *Rule) int { return x.Priority - y.Priority }) || !slices.IsSortedFunc(ofB, func(x, y *Rule) int { return x.Priority - y.Priority }) {
			t.Errorf("seed %d: the differences are in no order", seed)
		}
		if len(ofA)+len(ofB) > 0 {
			differing++
		}
		if len(ofA) > 1 && len(ofB) > 1 {
			several++
		}
	}
	if differing < 45 || several < 10 {
		t.Errorf("too few to show anything: %d, %d", differing, several)
	}
}

func TestDifferencesSayWhereMoreThanRulesDiffers(t *testing.T) {
	estate := func(change func(*topology.NetworkSecurityGroup)) *Gate {
		e := golden.New().SubnetNSG("app", golden.Allow("a", 100, golden.Out).To("203.0.113.0/24"), golden.Deny("b", 200, golden.Out))
		change(e.NSGOf("nsg-app"))
		return gateAt(e, golden.Out)
	}
	is := estate(func(*topology.NetworkSecurityGroup) {})
	floating := func(g *topology.NetworkSecurityGroup) { g.SecurityRules[0].Unresolved = []string{"priority"} }
	altered := func(g *topology.NetworkSecurityGroup) { g.DefaultRules[5].Access = topology.Allow }
	admin := &Gate{Direction: golden.Out, Rules: is.Rules}
	for _, x := range []struct {
		fact     string
		a, b     *Gate
		ofA, ofB int
		all      bool
	}{
		{"the same", is, estate(func(*topology.NetworkSecurityGroup) {}), 0, 0, false},
		{"a rule that is missing", is, estate(func(g *topology.NetworkSecurityGroup) { g.SecurityRules = g.SecurityRules[1:] }), 1, 0, false},
		{"one that there was not", estate(func(g *topology.NetworkSecurityGroup) { g.SecurityRules = g.SecurityRules[1:] }), is, 0, 1, false},
		{"one of unknown priority", is, estate(floating), 1, 0, true},
		{"in both", estate(floating), estate(floating), 0, 0, false},
		{"default rules that were exported otherwise", is, estate(altered), 0, 0, true},
		{"in both", estate(altered), estate(altered), 0, 0, false},
		{"rules of one priority", is, estate(func(g *topology.NetworkSecurityGroup) { g.SecurityRules[0].Priority = 200 }), 2, 2, false},
		{"admin rules", is, admin, 0, 0, true},
	} {
		ofA, ofB, all := Differences(x.a, x.b, Digests{})
		if len(ofA) != x.ofA || len(ofB) != x.ofB || all != x.all {
			t.Errorf("%s: %d and %d rules, more: %v", x.fact, len(ofA), len(ofB), all)
		}
	}
}
