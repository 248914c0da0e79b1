package backup

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
)

// requirements answers what the profiles require of the machine, for the way
// it really uses.
func (x *subject) requirements() ([]Requirement, error) {
	var out []Requirement
	for _, p := range x.profiles {
		for _, o := range p.Outbound {
			list, err := x.require(p, o)
			if err != nil {
				return nil, err
			}
			out = append(out, list...)
		}
	}
	return out, nil
}

// require answers one destination of a profile: one requirement, or one for
// each kind of disk.
func (x *subject) require(p *Profile, o Outbound) ([]Requirement, error) {
	base := Requirement{Profile: p.Name, Name: o.Name, Protocol: o.Protocol, Port: o.Port, Destination: o.Address}
	if o.Tag != "" {
		base.Tag = o.Tag
		if o.Regional && x.region != "" {
			base.Tag = x.regionalTag(o.Tag, x.region)
		}
		base.Destination = base.Tag
	}
	if o.Regional && x.region == "" {
		base.Via = None
		base.Text = "the region of " + x.vm.Name + " is not in the data (--region names it)"
		base.Missing = []flow.Missing{{Code: flow.DanglingReference, About: x.vm.Name, Text: base.Text,
			Export: "az vm show -n " + x.vm.Name + " -g <group> -o json"}}
		return []Requirement{base}, nil
	}
	if !o.ByDisk {
		r, err := x.answer(base, o)
		return []Requirement{r}, err
	}
	var out []Requirement
	for _, d := range diskPorts(x.net, x.vm) {
		r, err := x.answerDisk(base, o, d)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// answerDisk answers the requirement of one kind of disk. Where the kind turns
// on a fact, the ports of the other case are asked too: only where they fare
// differently does the answer turn on it.
func (x *subject) answerDisk(base Requirement, o Outbound, d diskPort) (Requirement, error) {
	base.Name, base.Port = d.name, d.port
	r, err := x.answer(base, o)
	if err != nil || d.fact == nil || d.certain && r.Met == Fail {
		return r, err
	}
	differs := false
	for _, port := range d.others {
		base.Port = port
		other, err := x.answer(base, o)
		if err != nil {
			return r, err
		}
		differs = differs || other.Met != r.Met || other.under != r.under
	}
	switch {
	case !differs:
	case d.fact.Assumption != "":
		r.Assumptions = addAssumption(r.Assumptions, flow.Assumption{ID: d.fact.Assumption, About: d.fact.About, Text: d.fact.Text})
		if x.sim.Strict() && !x.sim.Waived(d.fact.Assumption, d.fact.About) {
			r.leaveOpen(flow.UnwaivedAssumption)
		}
	default:
		r.leaveOpen(d.fact.Code)
		r.UnderAssumptions, r.under = "", Unknown
		r.Text = d.fact.Text
		r.Missing = addMissing(r.Missing, flow.Missing{Code: d.fact.Code, About: d.fact.About, Text: d.fact.Text, Export: d.fact.Export})
	}
	return r, nil
}

// leaveOpen makes the requirement Unknown; what it would be otherwise is kept.
func (r *Requirement) leaveOpen(code flow.Code) {
	if r.UnderAssumptions == "" {
		r.UnderAssumptions = r.Verdict.String()
	}
	r.Verdict, r.Met, r.Code = flow.Unknown, Unknown, code
}

// answer asks the simulator for one requirement. Where a gate on the way acts
// on names, every name behind the tag is asked, and the worst counts.
func (x *subject) answer(r Requirement, o Outbound) (Requirement, error) {
	r.hosts = x.hosts(o)
	for i, host := range r.hosts {
		t, err := x.trace(&r, x.question(&r, host))
		if err != nil {
			text, ok := unasked(err)
			if !ok {
				return r, err
			}
			r.Via, r.Text = None, text
			r.Missing = []flow.Missing{{Code: flow.DanglingReference, About: x.vm.Name, Text: text, Export: "az network nic list -o json"}}
			return r, nil
		}
		one := r
		x.fill(&one, t)
		if i == 0 || severity(one.Met) > severity(r.Met) {
			r = one
		} else {
			r.Assumptions = addAssumption(r.Assumptions, one.Assumptions...)
		}
		if i == 0 && !actsOnNames(t) {
			break
		}
	}
	return r, nil
}

// severity orders verdicts from the best to the worst.
func severity(v Verdict) int {
	switch v {
	case Pass:
		return 0
	case Unknown:
		return 1
	default:
		return 2
	}
}

// actsOnNames reports whether a gate on the way may go by the name of the
// destination.
func actsOnNames(t *sim.Trace) bool {
	for _, p := range partsOf(t) {
		if slices.ContainsFunc(p.Hops, func(h sim.Hop) bool { return h.Kind == sim.HopProxy || h.Kind == sim.HopFirewall }) {
			return true
		}
	}
	return false
}

// question is a requirement as the simulator is asked it, for the name of one
// host behind its tag.
func (x *subject) question(r *Requirement, host string) question {
	q := question{to: r.Destination, host: host, protocol: r.Protocol, port: r.Port}
	if r.Tag != "" {
		q.to = "tag:" + r.Tag
	}
	return q
}

// fill writes an answer of the simulator into a requirement.
func (x *subject) fill(r *Requirement, t *sim.Trace) {
	r.Trace, r.Verdict, r.UnderAssumptions, r.Code = t, t.Verdict, t.UnderAssumptions, t.Code
	r.Met, r.under = fold(t)
	r.Assumptions, r.Missing = t.Assumptions, t.Missing
	r.Through = t.Proxy
	r.RuleName, r.Priority, r.NSG, r.Origin, r.Leg, r.Text = "", 0, "", nil, "", ""
	prefixes := x.prefixesAsked(r.Tag, t)
	r.Coverage = coverage(t, prefixes)
	p := decisivePart(t)
	r.Via = x.via(t)
	h := decisive(p.Outcome)
	if h != nil {
		r.Origin = h.Origin
		if isRule(h) {
			r.RuleName, r.Priority, r.NSG = h.RuleName, h.Priority, h.Name
		}
	}
	if r.Met == Pass {
		if h != nil {
			r.Text = describe(h)
		}
		if t.To.Kind == "datacenterRegion" {
			r.Text = "all of the datacenter region " + t.To.Name + ", which names no services: " + r.Text
			x.restOnRanges(r)
		}
		return
	}
	if h != nil {
		r.Leg = legName(p.Hops, h, t.Proxy != "")
		r.Text = describe(h)
	}
	switch {
	case r.Met == Fail:
	case t.UnderAssumptions != "" || p.UnderAssumptions != "":
		r.Leg, r.Text = "", restsOn(t.Assumptions)
	case len(p.Missing) > 0:
		r.Text = p.Missing[0].Text
	}
	if c := r.Coverage; c != nil && c.Allowed > 0 {
		r.Text = fmt.Sprintf("%d of %d prefixes pass; the others: %s", c.Allowed, c.Prefixes, r.Text)
	}
	if r.Tag != "" && x.net.ServiceTags != nil && !x.sim.Names().KnownTag(r.Tag) {
		r.Text = fmt.Sprintf("the service tag file %s holds no %s; %s", x.net.ServiceTags.Origin.File, r.Tag, r.Text)
	}
}

// restOnRanges makes a requirement that passes rest on the datacenter ranges:
// they are no longer published, and only a service tag file says what Storage
// has today.
func (x *subject) restOnRanges(r *Requirement) {
	about := ""
	if d := x.net.DatacenterRanges; d != nil {
		about = d.Origin.File
	}
	a := flow.Assumption{ID: flow.CatalogueCurrent, About: about, Text: "the datacenter ranges, which are no longer published, hold all addresses of the region's services"}
	r.Assumptions = addAssumption(r.Assumptions, a)
	if x.sim.Strict() && !x.sim.Waived(a.ID, a.About) {
		r.leaveOpen(flow.UnwaivedAssumption)
	}
}

// restsOn says which assumptions stand in the way of strict mode.
func restsOn(list []flow.Assumption) string {
	var ids []string
	for _, a := range list {
		if id := string(a.ID); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return "it rests on " + strings.Join(ids, ", ")
}

// via is the way that a trace took: for a direct path by what the deciding
// rule names, of a divided answer by the rule that allows a part.
func (x *subject) via(t *sim.Trace) Way {
	if t.Proxy != "" {
		return Proxy
	}
	for _, p := range partsOf(t) {
		if p.Verdict == flow.Allow || granted(p.Outcome) == flow.Allow {
			if t.To.Kind == "address" {
				return Platform
			}
			return x.names(decisive(p.Outcome))
		}
	}
	for _, p := range partsOf(t) {
		if h := decisive(p.Outcome); p.Verdict == flow.Unknown && h != nil && h.Kind != sim.HopSecurityRules && h.Kind != sim.HopAdminRules {
			return x.names(lastRule(p.Hops)) // what is not known lies behind the rules
		}
	}
	return None
}

// lastRule is the last hop whose rule lets the packet pass, nil for none.
func lastRule(hops []sim.Hop) *sim.Hop {
	for i := range slices.Backward(hops) {
		if h := &hops[i]; isRule(h) && h.Verdict == flow.Allow {
			return h
		}
	}
	return nil
}

// prefixesAsked are the prefixes of a tag in the families that the trace asked, none
// where no file says them.
func (x *subject) prefixesAsked(tag string, t *sim.Trace) []netip.Prefix {
	if tag == "" {
		return nil
	}
	list := x.prefixes(tag)
	if len(t.To.LeftOut) == 0 {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(p netip.Prefix) bool {
		return slices.Contains(t.To.LeftOut, family(p))
	})
}

func family(p netip.Prefix) string {
	if p.Addr().Is6() {
		return "IPv6"
	}
	return "IPv4"
}

// storageRequirement is the requirement by which the way of the machine is
// judged: the first of Storage, else the first of a tag, nil where none is.
func storageRequirement(list []Requirement) *Requirement {
	var first *Requirement
	for i := range list {
		r := &list[i]
		if r.Tag == "" {
			continue
		}
		if first == nil {
			first = r
		}
		if isStorage(r.Tag) {
			return r
		}
	}
	return first
}
