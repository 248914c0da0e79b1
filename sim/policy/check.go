package policy

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// SelectorError is a selector that can mean nothing, or several things.
type SelectorError struct {
	Assertion *Assertion
	Selector  string
	Err       error
}

func (e *SelectorError) Error() string {
	return fmt.Sprintf("%s: assertion %q: selector %q: %v", e.Assertion.Origin, e.Assertion.ID, e.Selector, e.Err)
}

func (e *SelectorError) Unwrap() error { return e.Err }

// Check asks every assertion of the simulator's estate. A *[SelectorError] says
// that a selector is written wrong or ambiguous; one that selects nothing makes
// its assertion Unknown.
func Check(ctx context.Context, s *sim.Simulator, assertions []*Assertion) (*Report, error) {
	r := &Report{Results: make([]Result, len(assertions)), ServiceTags: s.Catalogue()}
	sel := newSelection(s.Network())
	var asks []*ask
	for i, a := range assertions {
		r.Results[i].Assertion = a
		if a.Kind == BackupReady {
			if err := ready(ctx, s, sel, &r.Results[i]); err != nil {
				return nil, err
			}
			continue
		}
		list, err := questions(sel, &r.Results[i])
		if err != nil {
			return nil, err
		}
		asks = append(asks, list...)
	}
	if err := answer(ctx, s, asks); err != nil {
		return nil, err
	}
	for _, q := range asks {
		q.settle()
	}
	for i := range r.Results {
		r.Results[i].conclude()
	}
	return r, nil
}

// ask is one question of an assertion.
type ask struct {
	result   *Result
	from, to end
	selector [2]string // that selected the ends
	q        sim.TraceQuestion
	ports    *topology.PortRange // those that count of a question about any; nil: all
	trace    *sim.Trace
	err      error
}

// questions are what an assertion about packets asks.
func questions(sel *selection, r *Result) ([]*ask, error) {
	a := r.Assertion
	var out []*ask
	ends := func(list []string, find func(string) ([]end, error)) (map[string][]end, error) {
		all := map[string][]end{}
		for _, text := range list {
			found, err := find(text)
			if err != nil {
				return nil, &SelectorError{a, text, err}
			}
			if len(found) == 0 {
				r.Empty = append(r.Empty, nothing(text, nil))
			}
			all[text] = found
		}
		return all, nil
	}
	from, err := ends(a.From, sel.source)
	if err != nil {
		return nil, err
	}
	to, err := ends(a.To, sel.destination)
	if err != nil {
		return nil, err
	}
	for _, f := range a.From {
		for _, t := range a.To {
			for _, x := range from[f] {
				for _, y := range to[t] {
					if x.name == y.name || x.family != "" && y.family != "" && x.family != y.family {
						continue // nothing leaves an address for itself, or for the other family
					}
					for _, p := range portsOf(a) {
						q := sim.TraceQuestion{From: x.name, To: y.name, Protocol: a.Protocol}
						one := &ask{result: r, from: x, to: y, selector: [2]string{f, t}}
						switch {
						case a.Protocol != topology.NoProtocol && !a.Protocol.HasPorts():
						case p.First == p.Last:
							q.Port = p.First
						default:
							q.AnyPort, one.ports = true, &p
						}
						one.q = q
						out = append(out, one)
						if a.Kind == Deny && x.proxy {
							// A proxy setting is the choice of a client, not a gate: what goes
							// past it must be stopped too.
							direct := *one
							direct.q.NoProxy = true
							out = append(out, &direct)
						}
					}
				}
			}
		}
	}
	return out, nil
}

func portsOf(a *Assertion) []topology.PortRange {
	if len(a.Ports) == 0 || a.Protocol != topology.NoProtocol && !a.Protocol.HasPorts() {
		return []topology.PortRange{topology.AllPorts}
	}
	return a.Ports
}

// answer asks the simulator, on all cores.
func answer(ctx context.Context, s *sim.Simulator, asks []*ask) error {
	var wg sync.WaitGroup
	next := make(chan *ask)
	for range min(len(asks), runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for q := range next {
				q.trace, q.err = s.Trace(q.q)
			}
		})
	}
	for _, q := range asks {
		if ctx.Err() != nil {
			break
		}
		next <- q
	}
	close(next)
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, q := range asks {
		if q.err == nil {
			continue
		}
		name, ok := errors.AsType[*sim.NameError](q.err)
		if !ok {
			return q.err
		}
		selector := q.selector[1]
		if name.Name == q.q.From {
			selector = q.selector[0]
		}
		if len(name.Candidates) > 0 {
			return &SelectorError{q.result.Assertion, selector, name}
		}
		text := nothing(selector, name)
		if name.Reason != "" {
			text = selector + " cannot be asked: " + name.Error()
		}
		if !slices.Contains(q.result.Empty, text) {
			q.result.Empty = append(q.result.Empty, text)
		}
	}
	return nil
}

// settle counts a case of an assertion by what its question was answered.
func (q *ask) settle() {
	if q.err != nil {
		return
	}
	r := q.result
	r.Asked++
	var worst *Case
	for _, p := range q.parts() {
		v := r.Kind.of(p.outcome.Verdict)
		if worst == nil || v > worst.Verdict {
			worst = &Case{Verdict: v, From: q.from.label, To: q.to.label, Outcome: p.outcome, Witness: q.witness(p)}
		}
		r.UnderAssumptions = r.UnderAssumptions || v == Unknown && p.outcome.UnderAssumptions != ""
		r.rest(p.outcome.Assumptions)
	}
	if worst == nil {
		worst = &Case{Verdict: r.Kind.of(q.trace.Verdict), From: q.from.label, To: q.to.label, Outcome: &q.trace.Outcome, Witness: q.witness(outcomePart{})}
	}
	// Strict mode may accept each part, and not what all of them rest on.
	r.rest(q.trace.Assumptions)
	if q.trace.Verdict == flow.Unknown && worst.Verdict == Pass {
		worst = &Case{Verdict: Unknown, From: q.from.label, To: q.to.label, Outcome: &q.trace.Outcome, Witness: q.witness(outcomePart{})}
		r.UnderAssumptions = r.UnderAssumptions || q.trace.UnderAssumptions != ""
	}
	r.count(worst)
}

// rest notes what a case rests on, each assumption once.
func (r *Result) rest(list []flow.Assumption) {
	for _, a := range list {
		if !slices.ContainsFunc(r.Assumptions, func(b flow.Assumption) bool { return a.ID == b.ID && a.About == b.About }) {
			r.Assumptions = append(r.Assumptions, a)
		}
	}
}

func (r *Result) count(c *Case) {
	switch c.Verdict {
	case Pass:
		r.Met++
		return
	case Unknown:
		r.Undecided++
	default:
		r.Broken++
	}
	if c.Outcome != nil {
		c.Text, c.Origin = why(c.Outcome)
	}
	r.Cases = append(r.Cases, *c)
}

// of is what a verdict of the network means for an assertion.
func (k Kind) of(v flow.Verdict) Verdict {
	switch {
	case v == flow.Unknown:
		return Unknown
	case v == flow.Split, (v == flow.Allow) != (k == Allow):
		return Fail
	default:
		return Pass
	}
}

// conclude folds the cases into the verdict.
func (r *Result) conclude() {
	slices.SortStableFunc(r.Cases, func(a, b Case) int { return int(b.Verdict) - int(a.Verdict) })
	if len(r.Cases) > CasesKept {
		r.Cases = r.Cases[:CasesKept]
	}
	switch {
	case r.Broken > 0:
		r.Verdict = Fail
	case r.Undecided > 0 || len(r.Empty) > 0 || r.Asked == 0:
		r.Verdict = Unknown
	}
	if r.Asked == 0 && len(r.Empty) == 0 {
		r.Empty = []string{"the selectors select one and the same interface"}
	}
}

// outcomePart is a part of an answer that counts for the question.
type outcomePart struct {
	outcome *sim.Outcome
	part    *sim.Part // nil: the whole
}

// parts are the parts of the answer with the ports that count.
func (q *ask) parts() []outcomePart {
	if len(q.trace.Parts) == 0 {
		return []outcomePart{{outcome: &q.trace.Outcome}}
	}
	var out []outcomePart
	for i := range q.trace.Parts {
		p := &q.trace.Parts[i]
		if q.ports != nil && len(p.Ports) > 0 && !slices.ContainsFunc(p.Ports, func(x topology.PortRange) bool { return x.First <= q.ports.Last && q.ports.First <= x.Last }) {
			continue
		}
		out = append(out, outcomePart{&p.Outcome, p})
	}
	return out
}

// witness is a packet of a part.
func (q *ask) witness(p outcomePart) Witness {
	w := Witness{Source: ownAddress(q.trace.From, q.from.label), Destination: ownAddress(q.trace.To, q.to.label), Protocol: q.trace.Protocol}
	if q.q.Port != 0 {
		w.Port = strconv.Itoa(int(q.q.Port))
	} else if q.ports != nil {
		w.Port = strconv.Itoa(int(familiar(*q.ports, nil)))
	}
	if p.part == nil {
		return w
	}
	if len(p.part.Source) > 0 {
		w.Source = first(p.part.Source)
	}
	if len(p.part.Destination) > 0 {
		w.Destination = first(p.part.Destination)
	}
	if q.ports != nil && len(p.part.Ports) > 0 {
		w.Port = strconv.Itoa(int(familiar(*q.ports, p.part.Ports)))
	}
	return w
}

// ownAddress is the address of an end with one, else its name.
func ownAddress(e sim.EndInfo, label string) string {
	if e.Address != "" {
		return e.Address
	}
	return label
}

// first is an address that a person would take for an example: not the
// network's own, where there is another.
func first(list []netip.Prefix) string {
	a := list[0].Addr()
	if !list[0].IsSingleIP() {
		if next := a.Next(); list[0].Contains(next) {
			a = next
		}
	}
	return a.String()
}

// familiar is a port of the asked range that lies in one of the ranges: a well
// known one, where there is one.
func familiar(asked topology.PortRange, in []topology.PortRange) uint16 {
	if len(in) == 0 {
		in = []topology.PortRange{asked}
	}
	for _, port := range []uint16{443, 80, 22, 3389, 1433, 8080} {
		if asked.Contains(port) && slices.ContainsFunc(in, func(r topology.PortRange) bool { return r.Contains(port) }) {
			return port
		}
	}
	for _, r := range in {
		if low := max(r.First, asked.First); low <= min(r.Last, asked.Last) {
			return low
		}
	}
	return asked.First
}

// why is the deciding gate of an outcome in a sentence, and where it is
// written.
func why(o *sim.Outcome) (string, topology.Origin) {
	for i := len(o.Hops) - 1; i >= 0; i-- {
		h := &o.Hops[i]
		if o.Verdict == flow.Deny && h.Verdict != flow.Deny || o.Verdict == flow.Unknown && h.Verdict != flow.Unknown || h.RuleName == "" && o.Verdict == flow.Allow {
			continue
		}
		text := fmt.Sprintf("%s at %s", h.Code, h.AppliedTo)
		if h.RuleName != "" {
			text = fmt.Sprintf("rule %s (priority %d) of %s at %s", h.RuleName, h.Priority, h.Name, h.AppliedTo)
		}
		if h.Note != "" {
			text += ": " + h.Note
		}
		var at topology.Origin
		if h.Origin != nil {
			at = *h.Origin
		}
		return text, at
	}
	if len(o.Missing) > 0 {
		text := o.Missing[0].Text
		if e := o.Missing[0].Export; e != "" {
			text += "; " + e
		}
		return text, topology.Origin{}
	}
	if len(o.Assumptions) > 0 {
		return "it rests on " + string(o.Assumptions[0].ID) + ": " + o.Assumptions[0].Text, topology.Origin{}
	}
	return string(o.Code), topology.Origin{}
}

// ready asks whether machines can be backed up.
func ready(ctx context.Context, s *sim.Simulator, sel *selection, r *Result) error {
	var names []string
	for _, text := range r.VMs {
		pattern := text
		if len(text) > 3 && text[:3] == "vm:" {
			pattern = text[3:]
		}
		if err := checkPattern(pattern); err != nil {
			return &SelectorError{r.Assertion, text, err}
		}
		found := false
		for _, vm := range sel.net.VirtualMachines {
			if named(&vm.Element, pattern) {
				found = true
				if !slices.Contains(names, vm.ResourceID) {
					names = append(names, vm.ResourceID)
				}
			}
		}
		if !found {
			r.Empty = append(r.Empty, nothing(text, nil))
		}
	}
	if len(names) == 0 {
		return nil
	}
	report, err := backup.Examine(ctx, s, backup.Options{Profiles: r.Profiles, VMs: names})
	if err != nil {
		return err
	}
	for i := range report.VMs {
		m := &report.VMs[i]
		c := &Case{From: m.Name, Text: m.Reason}
		switch m.Verdict {
		case backup.Fail:
			c.Verdict = Fail
		case backup.Unknown:
			c.Verdict = Unknown
			r.UnderAssumptions = r.UnderAssumptions || m.UnderAssumptions != ""
		}
		if m.Machine != nil {
			c.Origin = m.Machine.Origin
		}
		r.Asked++
		r.rest(m.Assumptions)
		r.count(c)
	}
	return nil
}
