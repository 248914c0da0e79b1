package lint

import (
	"slices"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/topology"
)

// groupRules are the rules about the rule lists of NSGs, NP1001 to NP1099.
func groupRules() []*Rule {
	return nil
}

// Group is one NSG as its rules are looked at. It is not safe for concurrent
// use.
type Group struct {
	*Run
	NSG *topology.NetworkSecurityGroup

	scopes    []*scoped
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
}

func newGroup(r *Run, n *topology.NetworkSecurityGroup) *Group {
	return &Group{Run: r, NSG: n, standings: make([]*standing, len(n.SecurityRules))}
}

// lists are the lists of the NSG, one for each place that reads it otherwise.
func (g *Group) lists() []*scoped {
	if g.scopes != nil {
		return g.scopes
	}
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
				g.add(x, name)
			}
		}
	}
	return g.scopes
}

func (g *Group) add(x *nsg.Gate, place string) {
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
		return // none of the direction
	}
	reading := g.readings.Of(x)
	for _, v6 := range []bool{false, true} {
		order := flowset.NewOrder(v6, reading.List, nsg.Implies)
		g.scopes = append(g.scopes, &scoped{place: place, v6: v6, reading: reading, order: order, rules: rules, of: of})
	}
}

// standing is what a rule of the NSG is worth, at every place together.
type standing struct {
	nothing    bool  // it matches no packet at all
	shadowed   bool  // no packet reaches it
	by         []int // rules of the NSG of which each alone shadows it
	effectless bool  // every packet fares the same without it
}

// standing of the rule at i.
func (g *Group) standing(i int) *standing {
	if s := g.standings[i]; s != nil {
		return s
	}
	s := &standing{nothing: true, shadowed: true, effectless: true}
	first := true
	for _, x := range g.lists() {
		k := x.rules[i]
		if k < 0 || x.order.Empty(k) {
			continue
		}
		s.nothing = false
		if x.reading.Shared[k] {
			s.effectless = false // which comes first is not known
			break
		}
		by := x.order.Covering(k)
		if _, hole := x.order.Hole(k, nil); len(by) == 0 && hole {
			s.shadowed = false
		}
		var own []int
		for _, b := range by {
			if x.of[b] >= 0 {
				own = append(own, x.of[b])
			}
		}
		if first {
			s.by, first = own, false
		} else {
			s.by = slices.DeleteFunc(s.by, func(b int) bool { return !slices.Contains(own, b) })
		}
		if !s.shadowed {
			if x.reading.Loose[k] {
				s.effectless = false
			} else if _, matters := x.order.Matters(k); matters {
				s.effectless = false
			}
		}
		if !s.effectless {
			break
		}
	}
	s.effectless = s.effectless && g.exists(i)
	s.shadowed = s.shadowed && s.effectless
	if !s.shadowed {
		s.by = nil
	}
	g.standings[i] = s
	return s
}

// exists reports whether the rule stands in any list: one whose priority is an
// expression stands in none.
func (g *Group) exists(i int) bool {
	return slices.ContainsFunc(g.lists(), func(x *scoped) bool { return x.rules[i] >= 0 })
}

// taken reports whether the run takes an assumption.
func (r *Run) taken(f flow.Fact) bool {
	return f.Assumption != "" && (!r.Sim.Strict() || r.Sim.Waived(f.Assumption, f.About))
}
