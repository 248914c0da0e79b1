package backup

import (
	"fmt"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// ways evaluates the three ways out, each as if it were the one to be used for
// all that the profiles require; the way in use comes first.
func (x *subject) ways(reqs []Requirement, use Way) ([]WayResult, error) {
	needs := outboundNeeds(reqs)
	if len(needs) == 0 {
		return nil, nil
	}
	order := []Way{ServiceTag, DatacenterRanges, Proxy}
	if i := slices.Index(order, use); i > 0 {
		order = append([]Way{use}, slices.Delete(order, i, i+1)...)
	}
	var out []WayResult
	for _, w := range order {
		result, err := x.way(w, needs, w == use)
		if err != nil {
			return nil, err
		}
		out = append(out, result)
	}
	return out, nil
}

// outboundNeeds are the requirements that name a service, each destination and
// port once, those of Storage first.
func outboundNeeds(reqs []Requirement) []*Requirement {
	var out []*Requirement
	for i := range reqs {
		r := &reqs[i]
		same := func(o *Requirement) bool {
			return o.Tag == r.Tag && o.Port == r.Port && o.Protocol == r.Protocol && slices.Equal(o.hosts, r.hosts)
		}
		if r.Tag != "" && r.hosts != nil && !slices.ContainsFunc(out, same) {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b *Requirement) int {
		switch sa, sb := isStorage(a.Tag), isStorage(b.Tag); {
		case sa == sb:
			return 0
		case sa:
			return -1
		default:
			return 1
		}
	})
	return out
}

// way evaluates one way for every requirement; the first that fares worst is
// told.
func (x *subject) way(w Way, needs []*Requirement, use bool) (WayResult, error) {
	var worst WayResult
	for i, r := range needs {
		one, err := x.wayFor(w, r, use)
		if err != nil {
			return worst, err
		}
		one.Way, one.InUse, one.Requirement = w, use, r.Name
		if i == 0 || severity(one.Verdict) > severity(worst.Verdict) {
			worst = one
		}
	}
	return worst, nil
}

func (x *subject) wayFor(w Way, r *Requirement, use bool) (WayResult, error) {
	if w == Proxy {
		return x.byProxy(r)
	}
	q := x.question(r, r.hosts[0])
	q.direct = systemProxy(x.vm) != nil
	t, err := x.trace(r, q)
	if err != nil {
		text, ok := unasked(err)
		if !ok {
			return WayResult{}, err
		}
		return WayResult{Failing: LegRules, Text: text}, nil
	}
	result := WayResult{Legs: legs(t)}
	result.Verdict, _ = fold(t)
	if w == DatacenterRanges {
		result.Rules = x.ruleCoverage(r)
	}
	other, open := x.otherWay(t, w)
	rules := &result.Legs[0]
	switch {
	case result.Verdict == Pass && open:
		result.Text = "no rule of this kind is needed: " + rules.Text + " lets it out"
	case result.Verdict == Pass && other != nil && !use:
		result.Verdict, rules.Verdict, rules.Code = Fail, flow.Deny, flow.NSGRuleDeny
		rules.Text = "only " + describe(other) + " lets it out"
		result.Text = x.lacking(w, r, nil, result.Rules) + "; " + rules.Text
	case result.Verdict == Pass:
		result.Text = rules.Text
		if result.Rules != nil {
			result.Text = result.Rules.String()
		}
	case rules.Verdict != flow.Allow:
		result.Text = x.lacking(w, r, rules, result.Rules)
	}
	result.Failing = failing(result.Legs)
	if result.Text == "" {
		result.Text = x.legText(&result, t)
	}
	return result, nil
}

// legText is the reason of the first leg that does not pass, or what the whole
// rests on.
func (x *subject) legText(w *WayResult, t *sim.Trace) string {
	for i := range w.Legs {
		if w.Legs[i].Name == w.Failing {
			return w.Legs[i].Text
		}
	}
	if w.Verdict != Pass && len(t.Assumptions) > 0 {
		return restsOn(t.Assumptions)
	}
	return ""
}

// otherWay is a hop by which a part gets out through a rule of the other kind,
// nil for none; open reports that every part gets out by something broader.
func (x *subject) otherWay(t *sim.Trace, w Way) (other *sim.Hop, open bool) {
	open = true
	for _, p := range partsOf(t) {
		if p.Verdict != flow.Allow && granted(p.Outcome) != flow.Allow {
			open = false
			continue
		}
		switch x.names(decisive(p.Outcome)) {
		case Open:
		case w:
			open = false
		default:
			other, open = decisive(p.Outcome), false
		}
	}
	return other, open
}

// lacking says why a way is not there: what the rules of its kind name
// instead, and what stops the packets. stop is the leg of the machine's own
// rules, nil where nothing stops them.
func (x *subject) lacking(w Way, r *Requirement, stop *Leg, c *RuleCoverage) string {
	var why string
	if w == ServiceTag {
		why = x.noTag(r, stop)
	} else {
		why = x.noRanges(r, c)
	}
	if stop != nil && stop.Text != "" {
		why += "; " + stop.Text
	}
	return why
}

// noTag says why no rule with the requirement's service tag lets it out.
func (x *subject) noTag(r *Requirement, stop *Leg) string {
	var elsewhere, port, later *namedRule
	for _, rules := range x.ownRules() {
		for _, rule := range rules {
			if rule.access != topology.Allow {
				continue
			}
			switch tag := x.tagCovering(rule, r.Tag); {
			case tag == "" && elsewhere == nil && x.namesOtherRegion(rule, r.Tag):
				elsewhere = rule
			case tag == "":
			case !rule.matches(r.Protocol, r.Port):
				port = rule
			default:
				later = rule
			}
		}
	}
	var missing string
	if x.net.ServiceTags != nil && !x.sim.Names().KnownTag(r.Tag) {
		missing = "; the service tag file " + x.net.ServiceTags.Origin.File + " holds no " + r.Tag
	}
	switch {
	case later != nil && stop != nil && stop.comesBefore(later):
		return fmt.Sprintf("%s names %s at priority %d, but a rule with a lower number comes first", later, tagIn(later), later.priority) + missing
	case later != nil:
		return fmt.Sprintf("%s names %s, but does not match these packets", later, tagIn(later)) + missing
	case port != nil:
		return fmt.Sprintf("%s names %s, but not for %s/%d", port, tagIn(port), strings.ToLower(r.Protocol.String()), r.Port) + missing
	case elsewhere != nil:
		return fmt.Sprintf("%s names %s, and the machine needs %s", elsewhere, tagIn(elsewhere), r.Tag) + missing
	default:
		return "no rule of the machine's NSGs allows the service tag " + r.Tag + missing
	}
}

// comesBefore reports whether the rule that decides the leg has a lower
// number than the other.
func (l *Leg) comesBefore(r *namedRule) bool {
	for i := range l.Hops {
		if h := &l.Hops[i]; h.Verdict != flow.Allow && isRule(h) && strings.EqualFold(h.Name, r.nsg) && h.Priority < r.priority {
			return true
		}
	}
	return false
}

// tagIn is the first service tag that a rule names as its destination.
func tagIn(r *namedRule) string {
	for _, a := range r.destination.Prefixes {
		if a.Kind == topology.TagAddress && isService(a.Tag) {
			return a.Tag
		}
	}
	return ""
}

// tagCovering is the service tag of the rule that holds all of tag, "" where
// none is known to: the tag itself, the one of all regions, or another whose
// prefixes hold it.
func (x *subject) tagCovering(r *namedRule, tag string) string {
	for _, a := range r.destination.Prefixes {
		if a.Kind != topology.TagAddress || !isService(a.Tag) {
			continue
		}
		if strings.EqualFold(a.Tag, tag) || scope.Implies(tag, a.Tag) || x.holds(a.Tag, tag) {
			return a.Tag
		}
	}
	return ""
}

// namesOtherRegion reports whether the rule names the service of tag in
// another region only.
func (x *subject) namesOtherRegion(r *namedRule, tag string) bool {
	service := scope.Parent(tag)
	if service == "" {
		service = tag
	}
	return slices.ContainsFunc(r.destination.Prefixes, func(a topology.AddressPrefix) bool {
		return a.Kind == topology.TagAddress && strings.EqualFold(scope.Parent(a.Tag), service)
	})
}

// noRanges says how far rules made of ranges reach.
func (x *subject) noRanges(r *Requirement, c *RuleCoverage) string {
	if c == nil {
		return "no rule of the machine's NSGs allows address ranges of Azure on " + fmt.Sprintf("%s/%d", strings.ToLower(r.Protocol.String()), r.Port)
	}
	return c.String()
}
