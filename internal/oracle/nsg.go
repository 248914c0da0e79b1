package oracle

import (
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// nsg is a network security group, its rules in priority order.
type nsg struct {
	g        *topology.NetworkSecurityGroup
	rules    [3][]*rule // by topology.Direction
	floating [3][]*rule // rules whose priority is an expression
	defaults [3][]defaultRule
}

// defaultRule is one of the six documented rules, and what the export has
// under its name where that is something else (bad-inputs 112).
type defaultRule struct {
	documented *rule
	exported   *rule // nil: nothing else
}

func newNSG(g *topology.NetworkSecurityGroup) *nsg {
	x := &nsg{g: g}
	for i, r := range g.SecurityRules {
		c := newRule(g.ID(), i, r)
		for _, d := range []topology.Direction{topology.Inbound, topology.Outbound} {
			if r.Direction != d && !c.noDirection {
				continue
			}
			if c.noPriority {
				x.floating[d] = append(x.floating[d], c)
			} else {
				x.rules[d] = append(x.rules[d], c)
			}
		}
	}
	for i, r := range topology.DefaultSecurityRules() {
		d := defaultRule{documented: newRule(g.ID(), -1-i, r)}
		for j, e := range g.DefaultRules {
			if e.Direction == r.Direction && strings.EqualFold(topology.BareRuleName(e.Name), r.Name) && !sameRule(e, r) {
				d.exported = newRule(g.ID(), -100-j, e)
			}
		}
		x.defaults[r.Direction] = append(x.defaults[r.Direction], d)
	}
	for d := range x.rules {
		slices.SortStableFunc(x.rules[d], byPriority)
	}
	return x
}

// sameRule reports whether an exported default rule says what the documented
// one does.
func sameRule(a, b *topology.SecurityRule) bool {
	same := func(x, y topology.Match) bool {
		return len(x.ASGs) == 0 && len(x.Prefixes) == 1 && sameAddress(x.Prefixes[0], y.Prefixes[0]) &&
			len(x.Ports) == 1 && x.Ports[0] == topology.AllPorts && !x.PortsUnresolved
	}
	return a.Priority == b.Priority && a.Access == b.Access && a.Protocol == b.Protocol && len(a.Unresolved) == 0 &&
		same(a.Source, b.Source) && same(a.Destination, b.Destination)
}

// sameAddress compares with a documented entry; 0.0.0.0/0 stands for * in
// effective exports (EFN).
func sameAddress(x, y topology.AddressPrefix) bool {
	if y.Kind == topology.AnyAddress {
		return x.Kind == topology.AnyAddress || x.Kind == topology.PrefixAddress && everywhere(x.Prefix)
	}
	return x.Kind == y.Kind && foldTag(x.Tag) == foldTag(y.Tag)
}

// decide walks the rules of an NSG: lowest priority number first, the first
// match ends it, the default rules come last (NSG). With platform set, only
// rules that name a platform tag are looked at and no match means allowed
// (spec 3.4, verdicts 15).
func (g *nsg) decide(o *Oracle, w *world, sc *scope, d topology.Direction, p *packet, platform bool) outcome {
	if !o.asWritten(w, &g.g.Element, false) { // being changed: the rules in effect are not those of the data
		out := g.verdict(w.passes(flow.DanglingReference, "rules of "+string(g.g.ID())+" allow "+d.String()+" "+p.key()), nil)
		out.rule = anyRule
		return out
	}
	applies := func(r *rule) bool {
		if platform && !r.platformOnly() {
			return false
		}
		if r.noDirection && w.pick(flow.UnresolvedExpression, r.key+" direction", 2) != int(d)-1 {
			return false
		}
		return o.matches(w, sc, r, p)
	}
	first := firstMatch(w, g.rules[d], applies)
	for _, f := range g.floating[d] {
		if !applies(f) {
			continue
		}
		if first == nil || w.maybe(flow.UnresolvedExpression, f.key+" before "+first.key) {
			first = f
		}
	}
	if first == nil && platform {
		return outcome{allow: true, decider: Decider{Code: flow.PlatformAddress}}
	}
	if first == nil {
		first = firstMatch(w, g.defaultRules(w, d), applies)
	}
	if first == nil { // an altered DenyAll that does not match: what Azure then does is not documented
		return g.verdict(false, nil)
	}
	access := first.access
	if first.noAccess {
		access = []topology.Access{topology.Deny, topology.Allow}[w.pick(flow.UnresolvedExpression, first.key+" access", 2)]
	}
	return g.verdict(access == topology.Allow, first)
}

func (g *nsg) verdict(allow bool, r *rule) outcome {
	out := outcome{allow: allow, rule: r, decider: Decider{Code: flow.NSGRuleDeny, NSG: g.g.Name}}
	if allow {
		out.decider.Code = flow.NSGRuleAllow
	}
	if r != nil {
		out.decider.RuleName, out.decider.Priority = r.name, r.priority
	}
	return out
}

// defaultRules are the default rules of one direction. Where the export has
// something else under the name, either may hold.
func (g *nsg) defaultRules(w *world, d topology.Direction) []*rule {
	var list []*rule
	for _, r := range g.defaults[d] {
		if r.exported != nil && w.maybe(flow.DefaultRulesAltered, r.exported.key+" as exported") {
			list = append(list, r.exported)
		} else {
			list = append(list, r.documented)
		}
	}
	slices.SortStableFunc(list, byPriority)
	return list
}

// firstMatch is the first rule that applies, nil where none does. Which of
// two rules of one priority comes first is not known (verdicts 9).
func firstMatch(w *world, rules []*rule, applies func(*rule) bool) *rule {
	for i := 0; i < len(rules); {
		var matching []*rule
		j := i
		for ; j < len(rules) && rules[j].priority == rules[i].priority; j++ {
			if applies(rules[j]) {
				matching = append(matching, rules[j])
			}
		}
		switch len(matching) {
		case 0:
			i = j
			continue
		case 1:
			return matching[0]
		}
		key := "first of"
		for _, r := range matching {
			key += "|" + r.key
		}
		return matching[w.pick(flow.SamePriority, key, len(matching))]
	}
	return nil
}
