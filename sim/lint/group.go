package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/topology"
)

// groupRules are the rules about the rule lists of NSGs, NP1001 to NP1099.
func groupRules() []*Rule {
	return []*Rule{shadowed(), shadowedTogether(), redundant(), mergeable(), overlapping(), allowAfterDeny(), matchesNothing()}
}

// Group is one NSG as its rules are looked at. It is not safe for concurrent
// use.
type Group struct {
	*Run
	NSG *topology.NetworkSecurityGroup

	taken, free judged // with the assumptions of the run, and with none
}

// judged is an NSG under some assumptions.
type judged struct {
	lists     []*scoped
	standings []*standing
}

// scoped is the list of the NSG in one direction, as it is read at a place, in
// one family of addresses.
type scoped struct {
	place   string // "" for an NSG without its virtual network
	v6      bool
	reading *nsg.Reading
	order   *flowset.Order
	rules   []int // by rule of the NSG: its place in the gate, -1 where it is not there
	of      []int // by rule of the gate: that of the NSG, -1 for default rules
	touch   map[int][]int
}

func newGroup(r *Run, n *topology.NetworkSecurityGroup) *Group {
	return &Group{Run: r, NSG: n}
}

// lists are the lists of the NSG under the assumptions of the run, one for
// each place that reads it otherwise.
func (g *Group) lists() []*scoped { return g.judge(&g.taken, g.readings).lists }

func (g *Group) judge(j *judged, readings []*nsg.Readings) *judged {
	if j.standings != nil {
		return j
	}
	j.standings = make([]*standing, len(g.NSG.SecurityRules))
	seen := map[string]bool{}
	digests := nsg.Digests{}
	places := g.Sim.Scopes(g.NSG)
	for _, p := range places {
		for _, d := range []topology.Direction{topology.Inbound, topology.Outbound} {
			gates := []*nsg.Gate{g.Sim.Gate(g.NSG, d, p)}
			if d == topology.Inbound && p.Subnet != nil && g.endpoints()[p.Subnet.ID()] {
				gates = append(gates, gates[0].AnySourcePort())
			}
			for _, x := range gates {
				if len(places)+len(gates) > 2 {
					key := x.Digest(digests)
					if seen[key] {
						continue
					}
					seen[key] = true
				}
				name := ""
				if p.Subnet != nil {
					name = "subnet " + p.Subnet.ID().Parent().Name() + "/" + p.Subnet.Name
				}
				for _, r := range readings {
					j.lists = append(j.lists, g.read(r, x, name)...)
				}
			}
		}
	}
	return j
}

func (g *Group) read(r *nsg.Readings, x *nsg.Gate, place string) []*scoped {
	rules, of := make([]int, len(g.NSG.SecurityRules)), make([]int, len(x.Rules))
	for i := range of {
		of[i] = -1
	}
	some := false
	for i, r := range g.NSG.SecurityRules {
		if rules[i] = x.Index(r); rules[i] >= 0 {
			of[rules[i]], some = i, true
		}
	}
	if !some {
		return nil // none of the direction
	}
	reading := r.Of(x)
	var out []*scoped
	for _, v6 := range []bool{false, true} {
		out = append(out, &scoped{place: place, v6: v6, reading: reading, order: flowset.NewOrder(v6, reading.List, nsg.Implies), rules: rules, of: of})
	}
	return out
}

// standing is what a rule of the NSG is worth, at every place together.
type standing struct {
	nothing    bool  // it matches no packet at all
	shadowed   bool  // no packet reaches it
	by         []int // rules of the NSG of which each alone shadows it, in order
	effectless bool  // every packet fares the same without it
}

// standing of the rule at i.
func (g *Group) standing(i int) *standing {
	return g.judge(&g.taken, g.readings).standing(i, g.explicit())
}

// standing of the rule at i; explicit: a rule that allows the far side by its
// address is not replaced by one that may name a tag.
func (j *judged) standing(i int, explicit bool) *standing {
	if s := j.standings[i]; s != nil {
		return s
	}
	s := &standing{nothing: true, shadowed: true, effectless: true}
	j.standings[i] = s
	stands, reached := false, false
	for _, x := range j.lists {
		k := x.rules[i]
		if k < 0 {
			continue
		}
		stands = true
		if x.order.Empty(k) {
			continue
		}
		s.nothing = false
		if x.reading.Shared[k] {
			s.effectless = false // which comes first is not known
			break
		}
		var by []int
		if _, hole := x.order.Hole(k, nil); !hole {
			for _, b := range x.order.Covering(k) {
				if x.of[b] >= 0 {
					by = append(by, x.of[b])
				}
			}
		} else {
			s.shadowed = false
			if x.reading.Loose[k] || explicit && x.namesFar(k) {
				s.effectless = false
			} else if _, matters := x.order.Matters(k); matters {
				s.effectless = false
			}
		}
		if !reached {
			s.by, reached = by, true
		} else {
			s.by = slices.DeleteFunc(s.by, func(b int) bool { return !slices.Contains(by, b) })
		}
		if !s.effectless {
			break
		}
	}
	if !stands {
		*s = standing{} // its priority is an expression: it stands in no list
	}
	s.shadowed = s.shadowed && s.effectless
	if !s.shadowed {
		s.by = nil
	}
	return s
}

// namesFar reports whether the rule of the gate allows what it names on the far
// side by address or application security group.
func (x *scoped) namesFar(k int) bool {
	r := x.reading.Gate.Rules[k]
	if r.Access != topology.Allow {
		return false
	}
	if x.reading.Gate.Direction == topology.Inbound {
		return r.Source.Explicit
	}
	return r.Destination.Explicit
}

// taken reports whether the run takes an assumption.
func (r *Run) taken(f flow.Fact) bool {
	return f.Assumption != "" && (!r.Sim.Strict() || r.Sim.Waived(f.Assumption, f.About))
}

// about is a finding on the rule at i.
func (g *Group) about(i int) Finding {
	r := g.NSG.SecurityRules[i]
	return Finding{Subject: g.NSG.ID(), Name: topology.BareRuleName(r.Name), Origin: r.Origin}
}

// label is what a sentence calls the rule at i.
func (g *Group) label(i int) string {
	r := g.NSG.SecurityRules[i]
	return fmt.Sprintf("%s (%d)", topology.BareRuleName(r.Name), r.Priority)
}

func (g *Group) labels(list []int) string {
	names := make([]string, len(list))
	for k, i := range list {
		names[k] = g.label(i)
	}
	return listed(names)
}

// listed is "a, b and c".
func listed(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// packetText is "Tcp 10.0.0.4 → 10.0.1.4 port 443".
func packetText(p flowset.Packet) string {
	s := fmt.Sprintf("%s %s → %s", p.Protocol, p.Source, p.Destination)
	if p.Protocol.HasPorts() {
		s += fmt.Sprintf(" port %d", p.DestinationPort)
	}
	return s
}

// noun is the word for so many.
func noun(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// verb is what the rule at i does.
func (g *Group) verb(i int) string {
	switch g.NSG.SecurityRules[i].Access {
	case topology.Allow:
		return "allows"
	case topology.Deny:
		return "denies"
	}
	return "allows or denies"
}

// related are other rules of the NSG.
func (g *Group) related(list ...int) []Related {
	out := make([]Related, len(list))
	for k, i := range list {
		out[k] = Related{Text: g.label(i) + " " + g.verb(i), Origin: g.NSG.SecurityRules[i].Origin}
	}
	return out
}

// otherwise reports whether one of the rules does another thing than that at i.
func (g *Group) otherwise(i int, list ...int) bool {
	return slices.ContainsFunc(list, func(k int) bool { return g.NSG.SecurityRules[k].Access != g.NSG.SecurityRules[i].Access })
}

// steps bounds the work of counting the packets of one rule.
const steps = 2000

// proof is that of a rule without effect.
func (g *Group) proof(i int) *Proof {
	p := &Proof{}
	for _, x := range g.lists() {
		k := x.rules[i]
		if k < 0 || x.order.Empty(k) {
			continue
		}
		s := ProofScope{Place: x.place, Direction: x.reading.Gate.Direction, IPv6: x.v6}
		if allowed, denied, open, ok := x.order.Sizes(k, steps); ok && !x.reading.Open[k] {
			s.Allowed, s.Denied, s.Open = allowed, denied, open
		}
		p.Scopes = append(p.Scopes, s)
	}
	return p
}

// without is the NSG where nothing is assumed.
func (g *Group) without() *judged {
	if g.free.standings != nil {
		return &g.free
	}
	for _, x := range g.lists() {
		for _, facts := range x.reading.Rests {
			if slices.ContainsFunc(facts, func(f flow.Fact) bool { return f.Assumption != flow.ICMPNeedsAllPorts }) {
				return g.judge(&g.free, g.Run.free)
			}
		}
	}
	// All that is taken is taken in the first of the readings too.
	lists := g.lists()
	g.judge(&g.free, g.Run.free[1:])
	g.free.lists = slices.Concat(lists, g.free.lists)
	return &g.free
}

// grounds are the assumptions without which a claim about the rule at i, and
// about others, would not be certain; free reports whether it holds in an
// estate of which nothing is assumed.
func (g *Group) grounds(i int, others []int, free func(*standing) bool) []flow.Assumption {
	if g.Sim.Strict() {
		return nil // all that is taken is waived
	}
	of := func(rules ...int) []flow.Assumption {
		var out []flow.Assumption
		for _, x := range g.lists() {
			for _, r := range rules {
				if k := x.rules[r]; k >= 0 {
					out = append(out, assumed(x.reading.Rests[k])...)
				}
			}
		}
		return compacted(out)
	}
	var touching []int
	rests := false
	for _, x := range g.lists() {
		if k := x.rules[i]; k >= 0 {
			for _, t := range append(x.touching(k), k) {
				rests = rests || len(x.reading.Rests[t]) > 0
				if x.of[t] >= 0 {
					touching = append(touching, x.of[t])
				}
			}
		}
	}
	if !rests || free(g.without().standing(i, g.explicit())) {
		return nil
	}
	if own := of(append(slices.Clone(others), i)...); len(own) > 0 {
		return own
	}
	if near := of(touching...); len(near) > 0 {
		return near
	}
	var out []flow.Assumption // those of default rules
	for _, x := range g.lists() {
		for k, facts := range x.reading.Rests {
			if x.of[k] < 0 {
				out = append(out, assumed(facts)...)
			}
		}
	}
	return compacted(out)
}

func assumed(facts []flow.Fact) (out []flow.Assumption) {
	for _, f := range facts {
		out = append(out, flow.Assumption{ID: f.Assumption, About: f.About, Text: f.Text})
	}
	return out
}

func compacted(list []flow.Assumption) []flow.Assumption {
	slices.SortFunc(list, func(a, b flow.Assumption) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.About, b.About))
	})
	return slices.CompactFunc(list, func(a, b flow.Assumption) bool { return a.ID == b.ID && a.About == b.About })
}

// freePriority is a priority that is free in the direction of the rule at i
// and comes before the one given; false where there is none.
func (g *Group) freePriority(i, before int) (int, bool) {
	for p := before - 1; p >= 100; p-- {
		if !slices.ContainsFunc(g.NSG.SecurityRules, func(r *topology.SecurityRule) bool {
			return r.Priority == p && r.Direction == g.NSG.SecurityRules[i].Direction
		}) {
			return p, true
		}
	}
	return 0, false
}
