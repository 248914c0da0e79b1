package nsg

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// moved is the gate with the rule at from beside the one at to.
func moved(g *Gate, from, to int) *Gate {
	list := slices.Delete(slices.Clone(g.Rules), from, from+1)
	if to < from {
		list = slices.Insert(list, to+1, g.Rules[from])
	} else {
		list = slices.Insert(list, to-1, g.Rules[from])
	}
	x := &Gate{Direction: g.Direction, NSG: g.NSG, floating: g.floating, altered: g.altered, element: g.element}
	for i, r := range list {
		c := *r
		if c.Priority = 2 * i; i > 0 && r != g.Rules[from] && list[i-1] != g.Rules[from] && list[i-1].Priority == r.Priority {
			c.Priority = x.Rules[i-1].Priority
		}
		x.Rules = append(x.Rules, &c)
	}
	return x
}

// reached reports whether the rule decides about a packet in some world.
func reached(g *Gate, r *Rule, list []flow.Tuple) bool {
	return slices.ContainsFunc(list, func(t flow.Tuple) bool {
		x := flow.Explore(func(w *flow.World) (bool, struct{}) { return g.RuleByRule(w, t).Rule != r, struct{}{} }, nil)
		return x.Verdict != flow.Allow || x.Strict != flow.Allow
	})
}

// What is shown of a rule is what asking the gate packet by packet shows, in
// every world that the data leaves open, and by names alone where the service
// tag file may say what it likes. Where rules share priorities, names imply each
// other or all turns on one assumption not all of it is found, but nothing else.
func TestAProofShowsWhatHoldsInEveryWorld(t *testing.T) {
	type count struct{ rules, names, content, shadowed, moves, unmoved, missed int }
	for _, x := range []struct {
		doubts doubts
		seeds  uint64
		missed int // at most: what holds and is not found
	}{
		{doubts{expressions: true, states: true}, 80, 0},
		{doubts{narrow: true}, 40, 1},
		{everyDoubt, 80, 20},
	} {
		var n count
		for seed := range x.seeds {
			d := []topology.Direction{topology.Inbound, topology.Outbound}[seed%2]
			draw := func() (*golden.Estate, *rand.Rand) {
				r := rand.New(rand.NewPCG(seed, 3))
				return randomEstate(r, d, 2+r.IntN(5), x.doubts), r
			}
			e, r := draw()
			p := placed(e, seed%7 == 0)
			g := New(e.NSGOf("nsg-app"), d, p)
			distinct := seed%3 == 0
			proof := NewProof(g, distinct)
			untagged, _ := draw()
			place := placed(untagged.NoServiceTags(), seed%7 == 0)
			nameless := New(untagged.NSGOf("nsg-app"), d, place)
			list := packets(g)
			// shown compares a claim with what asking shows of it.
			shown := func(what string, claim Ground, holds, byNames bool) {
				want := Unproven
				switch {
				case byNames && holds:
					want = ByNames
				case holds:
					want = ByContent
				}
				if claim > want || x.missed == 0 && claim != want {
					t.Errorf("seed %d: %s: shown on ground %d, asked packet by packet on %d\n%s", seed, what, claim, want, listing(g))
				}
				if claim < want {
					n.missed++
				}
			}
			for i, rule := range g.Rules {
				if !g.Plain(i) {
					continue
				}
				n.rules++
				_, holds := alike(g, g.Exchange(without(g, i), p), distinct, list)
				byNames := false
				if holds {
					_, byNames = alike(nameless, nameless.Exchange(without(nameless, i), place), distinct, list)
				}
				claim := proof.Dispensable(i)
				shown(rule.Name+" can go", claim, holds, byNames)
				switch claim {
				case ByNames:
					n.names++
				case ByContent:
					n.content++
				}
				if claim := proof.Shadowed(i); claim != Unproven {
					n.shadowed++
					shown(rule.Name+" is shadowed", claim, !reached(g, rule, list), !reached(nameless, nameless.Rules[i], list))
				} else if x.missed == 0 && !reached(g, rule, list) {
					t.Errorf("seed %d: nothing reaches %s\n%s", seed, rule.Name, listing(g))
				}
				to := r.IntN(len(g.Rules))
				if to == i || g.Rules[to].Default || !g.alone(to) {
					continue
				}
				n.moves++
				_, holds = alike(g, moved(g, i, to), distinct, list)
				if byNames = holds; holds {
					_, byNames = alike(nameless, moved(nameless, i, to), distinct, list)
				}
				claim = proof.Movable(i, to)
				shown(fmt.Sprintf("%s can stand beside %s", rule.Name, g.Rules[to].Name), claim, holds, byNames)
				if claim == Unproven {
					n.unmoved++
				}
			}
		}
		t.Logf("%+v", n)
		if n.names < 15 || n.content < 1 && !x.doubts.narrow || n.shadowed < 5 || n.rules < 3*n.names || n.moves < 30 || n.unmoved < 6 || n.missed > x.missed {
			t.Errorf("%+v", n)
		}
	}
}

// part is the gate with some of its rules.
func part(g *Gate, keep func(i int) bool) *Gate {
	x := &Gate{Direction: g.Direction, NSG: g.NSG, floating: g.floating, altered: g.altered, element: g.element}
	for i, r := range g.Rules {
		if keep(i) {
			x.Rules = append(x.Rules, r)
		}
	}
	return x
}

// The deciders of a rule that can go are enough, beside what does otherwise
// after it, for it to go, and none of them is one too many.
func TestTheDecidersOfARuleAreEnoughAndNoneIsTooMany(t *testing.T) {
	var several, none, before, after int
	for seed := range uint64(170) {
		r := rand.New(rand.NewPCG(seed, 5))
		d := []topology.Direction{topology.Inbound, topology.Outbound}[seed%2]
		e := randomEstate(r, d, 4+r.IntN(6), doubts{narrow: seed%4 < 3, expressions: true, states: true})
		g := New(e.NSGOf("nsg-app"), d, placed(e, seed%9 == 0))
		distinct := seed%3 == 0
		p := NewProof(g, distinct)
		if p.Gate() != g {
			t.Fatal("the proof is about another gate")
		}
		list := packets(g)
		for i, rule := range g.Rules {
			if !g.Plain(i) || p.Dispensable(i) == Unproven {
				continue
			}
			by, ok := p.Deciders(i, 100)
			if !ok {
				t.Fatalf("seed %d: of %d rules those are many that decide in place of %s", seed, len(g.Rules), rule.Name)
			}
			for few := range len(by) + 2 {
				if again, ok := p.Deciders(i, few); ok != (len(by) <= few) || !slices.Equal(again, by) {
					t.Errorf("seed %d: %d rules decide, asked for no more than %d: %v, %v", seed, len(by), few, again, ok)
				}
			}
			otherwise := func(k int) bool { return k > i && !p.same(g.Rules[k], rule) }
			// same reports whether the rule can go where one of its deciders is missing.
			same := func(missing int) bool {
				keep := func(k int) bool { return otherwise(k) || slices.Contains(by, k) && k != missing }
				_, ok := alike(part(g, func(k int) bool { return k == i || keep(k) }), part(g, keep), distinct, list)
				return ok
			}
			if !same(-1) {
				t.Errorf("seed %d: in place of %s others decide than %v\n%s", seed, rule.Name, by, listing(g))
			}
			for _, k := range by {
				if k == i || otherwise(k) {
					t.Errorf("seed %d: in place of %s it is said to be %s that decides", seed, rule.Name, g.Rules[k].Name)
				}
				if k < i {
					before++
				} else {
					after++
				}
				if same(k) {
					t.Errorf("seed %d: of %v, the deciders of %s, %d is not needed\n%s", seed, by, rule.Name, k, listing(g))
				}
			}
			switch len(by) {
			case 0:
				none++
			case 1:
			default:
				several++
			}
		}
	}
	t.Log(several, none, before, after)
	if several < 4 || before < 80 || after < 40 {
		t.Error("too few to show anything")
	}
}

// Deciders are looked for among no more than sixty rules that have something
// in common with the one in question.
func TestDecidersAreNotLookedForAmongMany(t *testing.T) {
	for _, x := range []struct {
		touching int
		found    bool
	}{{59, true}, {60, false}} { // and the default rule
		list := []*golden.Rule{golden.Deny("rule", 3000, golden.In).From("203.0.113.0/24")}
		for i := range x.touching {
			list = append(list, golden.Deny(fmt.Sprintf("r%d", i), 100+i, golden.In).TCP().From(fmt.Sprintf("203.0.113.%d", i)))
			list = append(list, golden.Deny(fmt.Sprintf("elsewhere%d", i), 500+i, golden.In).TCP().From(fmt.Sprintf("203.0.114.%d", i)))
		}
		g := gateAt(golden.New().SubnetNSG("app", list...), golden.In)
		by, ok := NewProof(g, false).Deciders(2*x.touching, 8)
		if ok != x.found || ok && (len(by) != 1 || g.Rules[by[0]].Name != "DenyAllInBound") {
			t.Errorf("among %d and the default rule: %v, %v", x.touching, by, ok)
		}
	}
}

// A proof about other rules that keeps what was found says the same as one
// that is made anew.
func TestAProofThatIsCarriedOverSaysWhatANewOneDoes(t *testing.T) {
	shared, claims := 0, 0
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 7))
		d := []topology.Direction{topology.Inbound, topology.Outbound}[seed%2]
		e := randomEstate(r, d, 3+r.IntN(5), everyDoubt)
		p := placed(e, seed%7 == 0)
		proof := NewProof(New(e.NSGOf("nsg-app"), d, p), seed%3 == 0)
		for {
			g := proof.Gate()
			fresh := NewProof(g, seed%3 == 0)
			for i := range g.Rules {
				if !g.Plain(i) {
					continue
				}
				if !g.alone(max(0, i-1)) || !g.alone(min(i+1, len(g.Rules)-1)) {
					shared++
				}
				a, b := proof.Dispensable(i), fresh.Dispensable(i)
				if a != b {
					t.Errorf("seed %d: of %s it says %d, one made anew %d\n%s", seed, g.Rules[i].Name, a, b, listing(g))
				}
				if a != Unproven {
					claims++
				}
			}
			list := g.NSG.SecurityRules
			if len(list) == 0 {
				break
			}
			k := r.IntN(len(list))
			proof = proof.About(g.Exchange(slices.Concat(list[:k], list[k+1:]), p))
		}
	}
	if shared < 30 || claims < 60 {
		t.Errorf("too few to show anything: %d, %d", shared, claims)
	}
}

// Proofs are about rules of which all is known.
func TestARuleIsPlainWhereAllOfItIsKnown(t *testing.T) {
	rule := func() *golden.Rule { return golden.Deny("x", 100, golden.Out) }
	with := func(change func(*topology.SecurityRule)) *golden.Estate {
		e := golden.New().SubnetNSG("app", rule())
		change(e.NSGOf("nsg-app").SecurityRules[0])
		return e
	}
	of := func(list ...*golden.Rule) *golden.Estate { return golden.New().SubnetNSG("app", list...) }
	for _, x := range []struct {
		fact   string
		estate *golden.Estate
		at     int
		plain  bool
	}{
		{"a rule", of(rule()), 0, true},
		{"the second of two", of(rule(), golden.Deny("y", 101, golden.Out)), 1, true},
		{"one between others", of(rule(), golden.Deny("y", 101, golden.Out), golden.Deny("z", 102, golden.Out)), 1, true},
		{"not a default rule", of(rule()), 1, false},
		{"not the first of two of one priority", of(rule(), golden.Deny("y", 100, golden.Out)), 0, false},
		{"nor the second", of(rule(), golden.Deny("y", 100, golden.Out)), 1, false},
		{"a tag that no file holds is a name", of(rule().To("NoSuchTag")), 0, true},
		{"an expression for the destination may be a platform tag", of(rule().To("[parameters('x')]")), 0, false},
		{"one for the source may too", of(rule().From("[parameters('x')]")), 0, false},
		{"a platform tag is none of it", of(rule().To("AzurePlatformDNS")), 0, false},
		{"nor as a source", of(rule().From("AzurePlatformIMDS")), 0, false},
		{"nor among others", of(rule().To("10.0.0.0/8", "AzurePlatformLKM")), 0, false},
		{"nor an access that is an expression", with(func(r *topology.SecurityRule) { r.Access = topology.NoAccess }), 0, false},
		{"nor a protocol", with(func(r *topology.SecurityRule) { r.Protocol = topology.NoProtocol }), 0, false},
		{"nor source ports", with(func(r *topology.SecurityRule) { r.Source.PortsUnresolved = true }), 0, false},
		{"nor destination ports", with(func(r *topology.SecurityRule) { r.Destination.PortsUnresolved = true }), 0, false},
		{"nor any other property", with(func(r *topology.SecurityRule) { r.Unresolved = []string{"direction"} }), 0, false},
		{"nor a rule that did not succeed", with(func(r *topology.SecurityRule) { r.ProvisioningState = "Failed" }), 0, false},
		{"nor one with a property that is not modelled", of(rule().NotModelled("new", "1")), 0, false},
	} {
		g := gateAt(x.estate, golden.Out)
		if got := g.Plain(x.at); got != x.plain {
			t.Errorf("%s: %v", x.fact, got)
		}
	}
}

func TestTheIndexOfARuleIsItsPlaceInTheGate(t *testing.T) {
	e := golden.New().SubnetNSG("app", golden.Deny("late", 200, golden.Out), golden.Deny("in", 100, golden.In), golden.Deny("early", 100, golden.Out))
	g := gateAt(e, golden.Out)
	for i, want := range []int{1, -1, 0} {
		if got := g.Index(e.NSGOf("nsg-app").SecurityRules[i]); got != want {
			t.Errorf("%s is at %d, want %d", e.NSGOf("nsg-app").SecurityRules[i].Name, got, want)
		}
	}
}
