package fix

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

// Question asks for a verdict.
type Question struct {
	sim.TraceQuestion
	Want topology.Access // Allow or Deny
	// Guests allows edits inside machines too: openings of a proxy's guest
	// firewall and entries of its allow list.
	Guests bool
	// Ranges are the destinations that a rule names, in the place of the
	// service tag or region that is asked about; they must hold all of it.
	Ranges []netip.Prefix
	Name   string // of the rules, "" for one made of the ends
	// Made are edits that come first.
	Made []edit.Edit
}

// Plan is the answer: edits that give the wanted verdict, or the blockers that
// no edit gets past.
type Plan struct {
	Edits    []edit.Edit // those that were made before not among them; none where Blockers are
	Blockers []Blocker
	Before   *sim.Trace
	After    *sim.Trace     // with the edits; nil where there are blockers
	Sim      *sim.Simulator // of the estate with the edits, those made before among them
	Changes  []Change       // what each edit lets pass or stops

	question Question
	base     *sim.Simulator // with the edits that were made before
}

// Met reports whether the verdict holds with the edits, if any.
func (p *Plan) Met() bool { return len(p.Blockers) == 0 }

// Blocker is a gate that keeps the verdict from being had, and why no edit
// helps.
type Blocker struct {
	Hop  *sim.Hop // nil where it is no gate
	Text string
}

// rounds bounds how often edits are made and asked again: each round gets past
// at least one rule more.
const rounds = 24

// Find looks for the least edits. A *sim.NameError says that a name of the
// question does not fit the estate.
func Find(s *sim.Simulator, q Question) (*Plan, error) {
	if q.Want != topology.Allow && q.Want != topology.Deny {
		return nil, fmt.Errorf("the wanted verdict is %q; expected Allow or Deny", q.Want)
	}
	q.AllBlockers = q.Want == topology.Allow
	base, err := s.With(q.Made...)
	if err != nil {
		return nil, err
	}
	before, err := base.Trace(q.TraceQuestion)
	if err != nil {
		return nil, err
	}
	p := &planner{q: q, base: base, from: s, before: before}
	plan := &Plan{Before: before, After: before, Sim: base, question: q, base: base}
	// A proxy setting is the choice of a client, not a gate: what is to be denied
	// must be stopped past it too.
	direct := q
	direct.NoProxy = true
	past := q.Want == topology.Deny && before.Proxy != "" && !q.NoProxy
	if p.met(before) && past {
		return Find(s, direct)
	}
	if p.met(before) {
		return plan, nil
	}
	if q.Want == topology.Allow {
		err = p.allow()
	} else {
		err = p.deny()
	}
	if err != nil {
		return nil, err
	}
	if len(p.blockers) > 0 {
		return &Plan{Before: before, Sim: base, Blockers: p.blockers}, nil
	}
	plan.Edits, plan.After, plan.Sim = p.edits, p.after, p.with
	if past {
		direct.Made = slices.Concat(q.Made, p.edits)
		rest, err := Find(s, direct)
		if err != nil || len(rest.Blockers) > 0 {
			return rest, err
		}
		plan.Edits, plan.After, plan.Sim = slices.Concat(p.edits, rest.Edits), rest.After, rest.Sim
	}
	for _, e := range plan.Edits {
		plan.Changes = append(plan.Changes, Measure(s, e))
	}
	return plan, nil
}

// planner looks for the edits of one question.
type planner struct {
	q        Question
	from     *sim.Simulator // without the edits that were made before
	base     *sim.Simulator // with them
	before   *sim.Trace
	wants    []want
	edits    []edit.Edit
	with     *sim.Simulator
	after    *sim.Trace
	blockers []Blocker
}

// want is an edit that is wanted: a rule without its place, or an edit of a
// guest.
type want struct {
	rule  edit.AddRule // without name and priority where guest is nil
	below int          // the rule must come before this priority
	guest edit.Edit
}

// met reports whether the answer is wholly the wanted one.
func (p *planner) met(t *sim.Trace) bool {
	switch {
	case t.Undecided || t.Verdict == flow.Unknown:
		return false
	case p.q.Want == topology.Allow:
		return t.Verdict == flow.Allow && !t.AnyDeny
	default:
		return t.Verdict == flow.Deny && !t.AnyAllow
	}
}

// outcomes are the outcomes of the parts of an answer, or that of the whole.
func outcomes(t *sim.Trace) []*sim.Outcome {
	if len(t.Parts) == 0 {
		return []*sim.Outcome{&t.Outcome}
	}
	out := make([]*sim.Outcome, len(t.Parts))
	for i := range t.Parts {
		out[i] = &t.Parts[i].Outcome
	}
	return out
}

// make places the wanted edits and asks again; false where one does not fit,
// with a blocker that says so.
func (p *planner) make(wants []want) (bool, error) {
	edits, err := p.place(wants)
	if err != nil {
		p.block(nil, "%s", err)
		return false, nil
	}
	with, after, err := p.try(edits)
	if err != nil {
		return false, err
	}
	if with == nil {
		return false, nil
	}
	p.edits, p.with, p.after = edits, with, after
	return true, nil
}

// try asks with the edits.
func (p *planner) try(edits []edit.Edit) (*sim.Simulator, *sim.Trace, error) {
	with, err := p.from.With(slices.Concat(p.q.Made, edits)...)
	if err != nil {
		p.block(nil, "%s", err)
		return nil, nil, nil
	}
	t, err := with.Trace(p.q.TraceQuestion)
	return with, t, err
}

// place gives every wanted rule a name and the last free priority before the
// rules that it must come before.
func (p *planner) place(wants []want) ([]edit.Edit, error) {
	groups := map[topology.ID]*topology.NetworkSecurityGroup{}
	var out []edit.Edit
	for _, w := range wants {
		if w.guest != nil {
			out = append(out, w.guest)
			continue
		}
		id := w.rule.Group.ID()
		g := groups[id]
		if g == nil {
			x, _ := topology.LookupID[*topology.NetworkSecurityGroup](p.base.Network(), id)
			c := *x
			c.SecurityRules = slices.Clone(x.SecurityRules)
			g = &c
			groups[id] = g
		}
		priority, ok := edit.FreePriority(g, w.rule.Direction, w.below)
		if !ok {
			return nil, fmt.Errorf("%s has no free %s priority before %d; give its rules higher numbers first", g.Name, strings.ToLower(w.rule.Direction.String()), w.below)
		}
		r := w.rule
		r.Name, r.Priority = edit.FreeName(g, p.name(&r)), priority
		out = append(out, r)
		placed := &topology.SecurityRule{Priority: priority, Direction: r.Direction}
		placed.Name = r.Name
		g.SecurityRules = append(g.SecurityRules, placed)
	}
	return out, nil
}

// name is the name of a rule: what it does to what.
func (p *planner) name(r *edit.AddRule) string {
	if p.q.Name != "" {
		return p.q.Name
	}
	far := r.Destination
	if r.Direction == topology.Inbound {
		far = r.Source
	}
	what := far[0]
	if len(far) > 1 || what == "*" {
		what = "traffic"
	}
	name := strings.ToLower(r.Access.String()) + "-" + what
	if len(r.Ports) == 1 && r.Ports[0] != topology.AllPorts {
		name += "-" + r.Ports[0].String()
	}
	return name
}

func (p *planner) block(h *sim.Hop, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.ContainsFunc(p.blockers, func(b Blocker) bool { return b.Text == text }) {
		p.blockers = append(p.blockers, Blocker{h, text})
	}
}

// add adds what is wanted. It reports whether that is more than was wanted
// before.
func (p *planner) add(w want) bool {
	for i := range p.wants {
		x := &p.wants[i]
		switch {
		case w.guest != nil || x.guest != nil:
			if w.guest != nil && x.guest != nil && w.guest.String() == x.guest.String() {
				return false
			}
		case sameRule(&w.rule, &x.rule):
			if w.below >= x.below {
				return false
			}
			x.below = w.below
			return true
		}
	}
	p.wants = append(p.wants, w)
	return true
}

func sameRule(a, b *edit.AddRule) bool {
	return a.Group.ID() == b.Group.ID() && a.Direction == b.Direction && a.Access == b.Access && a.Protocol == b.Protocol &&
		slices.Equal(a.Source, b.Source) && slices.Equal(a.Destination, b.Destination) && slices.Equal(a.Ports, b.Ports)
}

// allow opens gate after gate until everything that is asked passes.
func (p *planner) allow() error {
	t := p.before
	for range rounds {
		more := false
		for _, o := range outcomes(t) {
			if o.Verdict == flow.Allow {
				continue
			}
			stops := 0
			for i := range o.Hops {
				h := &o.Hops[i]
				if h.Verdict != flow.Deny && h.Verdict != flow.Unknown {
					continue
				}
				stops++
				if w, ok := p.opening(h, o, t); ok {
					more = p.add(w) || more
				}
			}
			if stops == 0 {
				p.block(nil, "%s", unsettled(o))
			}
		}
		if len(p.blockers) > 0 {
			return nil
		}
		if !more {
			p.stuck(t)
			return nil
		}
		ok, err := p.make(p.wants)
		if err != nil || !ok {
			return err
		}
		if p.met(p.after) {
			return p.prune()
		}
		t = p.after
	}
	p.block(nil, "after %d rounds of edits the traffic still does not pass", rounds)
	return nil
}

// stuck names what stops the packets although the rules before it are open.
func (p *planner) stuck(t *sim.Trace) {
	for _, o := range outcomes(t) {
		if o.Verdict == flow.Allow {
			continue
		}
		for i := range o.Hops {
			if h := &o.Hops[i]; h.Verdict == flow.Deny || h.Verdict == flow.Unknown {
				p.block(h, "%s: a rule before all others does not settle it; %s", h.Describe(), unsettled(o))
			}
		}
	}
	if len(p.blockers) == 0 {
		p.block(nil, "%s", unsettled(&t.Outcome))
	}
}

// unsettled says what an outcome that is not decided turns on.
func unsettled(o *sim.Outcome) string {
	switch {
	case len(o.Missing) > 0:
		return o.Missing[0].Text
	case o.UnderAssumptions != "" && len(o.Assumptions) > 0:
		var ids []string
		for _, a := range o.Assumptions {
			if !slices.Contains(ids, string(a.ID)) {
				ids = append(ids, string(a.ID))
			}
		}
		return "the verdict rests on " + strings.Join(ids, ", ")
	default:
		return "the verdict is " + o.Verdict.String()
	}
}

// prune leaves out the edits without which the verdict holds too.
func (p *planner) prune() error {
	for i := 0; i < len(p.edits) && len(p.edits) > 1; {
		fewer := slices.Delete(slices.Clone(p.edits), i, i+1)
		with, after, err := p.try(fewer)
		if err != nil {
			return err
		}
		if with == nil || !p.met(after) {
			p.blockers = nil
			i++
			continue
		}
		p.edits, p.with, p.after = fewer, with, after
	}
	return nil
}

// opening is the edit that opens a gate, or a blocker.
func (p *planner) opening(h *sim.Hop, o *sim.Outcome, t *sim.Trace) (want, bool) {
	switch h.Kind {
	case sim.HopSecurityRules:
		g := p.editable(h)
		if g == nil {
			p.block(h, "%s: %s", h.Describe(), p.whyNot(h, o))
			return want{}, false
		}
		below := h.Priority
		if h.RuleName == "" || h.Verdict == flow.Unknown {
			below = firstPriority(g, direction(h))
		}
		return want{rule: p.rule(g, h, t), below: below}, true
	case sim.HopHostFirewall:
		return p.openGuest(h, t)
	case sim.HopProxy:
		return p.openProxy(h)
	}
	p.block(h, "%s: %s", h.Describe(), remedyOf(h))
	return want{}, false
}

// editable is the NSG whose rules decided the hop, nil where they are not in
// the data.
func (p *planner) editable(h *sim.Hop) *topology.NetworkSecurityGroup {
	g, ok := topology.LookupID[*topology.NetworkSecurityGroup](p.base.Network(), h.Element)
	if h.Element == "" || !ok || !g.RulesGiven {
		return nil
	}
	return g
}

func (p *planner) whyNot(h *sim.Hop, o *sim.Outcome) string {
	switch {
	case h.Element != "":
		return "only its effective rules are in the data; export the NSG itself"
	case h.Note != "":
		return h.Note
	default:
		return unsettled(o)
	}
}

func direction(h *sim.Hop) topology.Direction {
	if h.Direction == topology.Inbound.String() {
		return topology.Inbound
	}
	return topology.Outbound
}

// firstPriority is the lowest number that a rule of the direction has: what
// comes before it comes before every doubt.
func firstPriority(g *topology.NetworkSecurityGroup, d topology.Direction) int {
	first := edit.LastPriority + 1
	for _, r := range g.SecurityRules {
		if r.Direction == d {
			first = min(first, r.Priority)
		}
	}
	return first
}

// rule is the rule for the asked packets as they come to a gate.
func (p *planner) rule(g *topology.NetworkSecurityGroup, h *sim.Hop, t *sim.Trace) edit.AddRule {
	r := edit.AddRule{Group: topology.RefTo(g.ResourceID), Direction: direction(h), Access: p.q.Want, Protocol: h.Packet.Protocol}
	if p.q.Protocol == topology.AnyProtocol {
		r.Protocol = topology.AnyProtocol
	}
	var far bool
	r.Source, _ = p.side(h.Packet.Source, t.From, nil)
	r.Destination, far = p.side(h.Packet.Destination, t.To, p.q.Ranges)
	switch {
	case r.Protocol == topology.AnyProtocol || !r.Protocol.HasPorts() || far && p.q.AnyPort:
	default:
		r.Ports = []topology.PortRange{{First: h.Packet.DestinationPort, Last: h.Packet.DestinationPort}}
	}
	return r
}

// side is what a rule says for one side of a packet: what was asked where the
// packet is still of it, else its own address (behind a proxy, an appliance or
// a translation). asked reports the former.
func (p *planner) side(a flow.Address, e sim.EndInfo, ranges []netip.Prefix) (list []string, asked bool) {
	if !a.IP.IsValid() {
		return []string{a.Tag}, true
	}
	one := []string{a.IP.String()}
	six := a.IP.Is6()
	if list := family(ranges, six); len(list) > 0 && within(list, a.IP) {
		return texts(list), true
	}
	if a.Tag != "" {
		return []string{a.Tag}, true
	}
	switch e.Kind {
	case "internet":
		if p.inTag("Internet", a.IP) {
			return []string{"Internet"}, true
		}
	case "serviceTag":
		if p.inTag(e.Name, a.IP) {
			return []string{e.Name}, true
		}
	case "datacenterRegion":
		if r, ok := p.base.Names().Index().Region(e.Name); ok {
			if list := family(r.Prefixes, six); within(list, a.IP) {
				return texts(list), true
			}
		}
	case "prefix":
		if x, err := netip.ParsePrefix(strings.TrimSpace(e.Text)); err == nil && x.Contains(a.IP) {
			return []string{x.Masked().String()}, true
		}
	case "host", "address", "virtualMachine", "networkInterface":
		return one, slices.Contains(strings.Split(e.Address, ", "), a.IP.String())
	}
	return one, false
}

func (p *planner) inTag(name string, a netip.Addr) bool {
	set, ok := tagSpace(p.base, name)
	return ok && set.Contains(a)
}

func family(list []netip.Prefix, six bool) []netip.Prefix {
	var out []netip.Prefix
	for _, x := range list {
		if x.Addr().Is6() == six {
			out = append(out, x)
		}
	}
	return out
}

func within(list []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(x netip.Prefix) bool { return x.Contains(a) })
}

func texts(list []netip.Prefix) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = x.String()
		if x.IsSingleIP() {
			out[i] = x.Addr().String()
		}
	}
	return out
}

// deny closes one gate that everything asked goes through, else several.
func (p *planner) deny() error {
	type gate struct {
		element   topology.ID
		direction string
	}
	var order []gate
	met := map[gate]int{}
	parts := 0
	for _, o := range outcomes(p.before) {
		if o.Verdict == flow.Deny {
			continue
		}
		parts++
		seen := map[gate]bool{}
		for i := range o.Hops {
			h := &o.Hops[i]
			if h.Kind != sim.HopSecurityRules || p.editable(h) == nil {
				continue
			}
			g := gate{h.Element, h.Direction}
			if !seen[g] {
				seen[g] = true
				if met[g] == 0 {
					order = append(order, g)
				}
				met[g]++
			}
		}
	}
	slices.SortStableFunc(order, func(a, b gate) int { return met[b] - met[a] })
	var reasons []Blocker
	for _, tryAll := range []bool{false, true} {
		for i := range order {
			at := func(h *sim.Hop) bool { return gate{h.Element, h.Direction} == order[i] }
			if tryAll {
				at = func(*sim.Hop) bool { return true }
			} else if met[order[i]] < parts {
				continue // some packets do not come there
			}
			p.wants, p.blockers = nil, nil
			ok, err := p.close(at)
			if err != nil || ok {
				return err
			}
			reasons = append(reasons, p.blockers...)
			if tryAll {
				break
			}
		}
	}
	p.blockers = nil
	for _, b := range reasons {
		p.block(b.Hop, "%s", b.Text)
	}
	if len(p.blockers) == 0 {
		p.noGate()
	}
	return nil
}

// close puts a denying rule into the gates, before the rules that decide.
func (p *planner) close(at func(*sim.Hop) bool) (bool, error) {
	t := p.before
	for range rounds {
		more := false
		for _, o := range outcomes(t) {
			if o.Verdict == flow.Deny {
				continue
			}
			for i := range o.Hops {
				h := &o.Hops[i]
				if h.Kind != sim.HopSecurityRules || !at(h) {
					continue
				}
				g := p.editable(h)
				if g == nil {
					continue
				}
				below := h.Priority
				if h.RuleName == "" || h.Verdict == flow.Unknown {
					below = firstPriority(g, direction(h))
				}
				more = p.add(want{rule: p.rule(g, h, t), below: below}) || more
			}
		}
		if !more {
			p.stuckOpen(t)
			return false, nil
		}
		ok, err := p.make(p.wants)
		if err != nil || !ok {
			return false, err
		}
		if p.met(p.after) {
			p.blockers = nil
			return true, p.prune()
		}
		t = p.after
	}
	p.block(nil, "after %d rounds of edits some of the traffic still passes", rounds)
	return false, nil
}

func (p *planner) stuckOpen(t *sim.Trace) {
	for _, o := range outcomes(t) {
		if o.Verdict != flow.Deny {
			p.block(nil, "a rule before all others does not stop all of it: %s", passes(o))
		}
	}
}

func passes(o *sim.Outcome) string {
	for i := range o.Hops {
		if h := &o.Hops[i]; h.Code == flow.AdminRuleAlwaysAllow || h.Code == flow.PlatformAddress {
			return h.Describe() + " comes before every NSG"
		}
	}
	if o.Verdict == flow.Unknown {
		return unsettled(o)
	}
	return "part of it goes another way"
}

// noGate says that nothing on the way has rules that could be edited.
func (p *planner) noGate() {
	for _, o := range outcomes(p.before) {
		if o.Verdict == flow.Deny {
			continue
		}
		var without []string
		for i := range o.Hops {
			h := &o.Hops[i]
			switch {
			case h.Code == flow.AdminRuleAlwaysAllow:
				p.block(h, "%s comes before every NSG", h.Describe())
			case h.Code == flow.PlatformAddress:
				p.block(h, "%s is the platform's: a rule must name its service tag", h.Describe())
			case h.Code == flow.NoNSG && !slices.Contains(without, h.AppliedTo):
				without = append(without, h.AppliedTo)
			case h.Kind == sim.HopSecurityRules && p.editable(h) == nil && h.Code != flow.NoNSG:
				p.block(h, "%s: %s", h.Describe(), p.whyNot(h, o))
			}
		}
		if len(without) > 0 {
			p.block(nil, "no NSG stands on the way: %s have none; attach one first", strings.Join(without, ", "))
		}
	}
	if len(p.blockers) == 0 {
		p.block(nil, "no NSG stands on the way")
	}
}
