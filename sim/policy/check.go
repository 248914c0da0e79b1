package policy

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
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
func Check(ctx context.Context, s *sim.Simulator, assertions []*Assertion, opts Options) (*Report, error) {
	r := &Report{Results: make([]Result, len(assertions)), ServiceTags: s.Catalogue()}
	sel := newSelection(s.Network())
	var asks []*ask
	var pairs []*pair
	for i, a := range assertions {
		x := &r.Results[i]
		x.Assertion = a
		var err error
		switch a.Kind {
		case BackupReady:
			err = ready(ctx, s, sel, x)
		case NoNewlyAllowed:
			err = newly(ctx, s, x)
		case Lint:
			err = findings(ctx, s, x)
		case Only:
			var list []*pair
			list, err = only(sel, x)
			pairs = append(pairs, list...)
		default:
			var list []*ask
			list, err = questions(s, sel, x)
			asks = append(asks, list...)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := answer(ctx, s, asks); err != nil {
		return nil, err
	}
	if err := reachAll(ctx, s, pairs); err != nil {
		return nil, err
	}
	for _, q := range asks {
		q.settle()
	}
	for _, p := range pairs {
		p.settle()
	}
	sup, err := newSuppressor(opts)
	if err != nil {
		return nil, err
	}
	for i := range r.Results {
		r.Results[i].conclude(sup)
	}
	sup.conclude(r)
	return r, nil
}

// ask is one question of an assertion.
type ask struct {
	result   *Result
	from, to end
	selector [2]string // that selected the ends
	q        sim.TraceQuestion
	entry    *sim.Entry          // by which it is asked; nil: at the destination itself
	ports    *topology.PortRange // those that count of a question about any; nil: all
	trace    *sim.Trace
	err      error
}

// questions are what an assertion about packets asks.
func questions(s *sim.Simulator, sel *selection, r *Result) ([]*ask, error) {
	a := r.Assertion
	var out []*ask
	ends := func(list []string, find func(string) (selected, error)) (map[string][]end, error) {
		all := map[string][]end{}
		for _, text := range list {
			found, err := find(text)
			if err != nil {
				return nil, &SelectorError{a, text, err}
			}
			r.selected(text, found)
			all[text] = found.ends
		}
		return all, nil
	}
	from, err := ends(a.From, sel.source)
	if err != nil {
		return nil, err
	}
	to, err := ends(a.To, sel.find)
	if err != nil {
		return nil, err
	}
	known := map[string][]*sim.Entry{}
	entries := func(e end) []*sim.Entry {
		list, ok := known[e.name]
		if !ok && len(e.owners) > 0 {
			list = s.Entries(e.owners...)
			known[e.name] = list
		}
		return list
	}
	for _, f := range a.From {
		for _, t := range a.To {
			for _, x := range from[f] {
				for _, y := range to[t] {
					if x.name == y.name || x.family != "" && y.family != "" && x.family != y.family {
						continue // nothing leaves an address for itself, or for the other family
					}
					for _, p := range portsOf(a) {
						q := sim.TraceQuestion{From: x.name, To: y.name, Protocol: a.Protocol, Disputed: a.Kind == Deny, AnyHost: true}
						one := &ask{result: r, from: x, to: y, selector: [2]string{f, t}}
						switch {
						case !ported(a.Protocol):
						case p.First == p.Last:
							q.Port = p.First
						default:
							q.AnyPort, q.Within, one.ports = true, &p, &p
						}
						one.q = q
						out = append(out, one)
						if a.Kind == Deny && x.proxy != nil {
							// A proxy setting is the choice of a client, not a gate: what goes
							// past it must be stopped too, and what goes through one that only
							// a user has, or that its list would leave out.
							one.q.Proxy = everyClients(x.proxy)
							direct := *one
							direct.q.NoProxy = true
							out = append(out, &direct)
						}
						if a.Kind == Deny {
							out = append(out, one.byEntries(entries(y))...)
						}
					}
				}
			}
		}
	}
	return out, nil
}

// byEntries is the question by each way to its destination beside the private
// address, where other rules stand: past a proxy, and through it.
func (q *ask) byEntries(list []*sim.Entry) []*ask {
	var out []*ask
	for _, e := range list {
		by := *q
		by.entry, by.q.NoProxy = e, true
		out = append(out, &by)
		if by.from.proxy != nil && e.Public() {
			through := by
			through.q.NoProxy = false
			out = append(out, &through)
		}
	}
	return out
}

// ask asks the question; nil where nothing of it goes by its entry.
func (q *ask) ask(s *sim.Simulator) (*sim.Trace, error) {
	if q.entry == nil {
		return s.Trace(q.q)
	}
	from, err := s.NamedEnd(q.q.From)
	if err == nil && from.Info().Kind == "internet" {
		from, err = s.InternetEnd()
	}
	if err != nil {
		return nil, err
	}
	return s.TraceEntry(q.q, from, q.entry)
}

// everyClients is a proxy setting for clients that do not look at its list of
// what goes past the proxy.
func everyClients(p *topology.ProxySetting) *topology.ProxySetting {
	all := *p
	all.Bypass = nil
	return &all
}

func portsOf(a *Assertion) []topology.PortRange {
	if len(a.Ports) == 0 || !ported(a.Protocol) {
		return []topology.PortRange{topology.AllPorts}
	}
	return a.Ports
}

// ported reports whether packets of a protocol, or some of every protocol, have
// ports.
func ported(p topology.Protocol) bool {
	return p == topology.NoProtocol || p == topology.AnyProtocol || p.HasPorts()
}

// answer asks the simulator.
func answer(ctx context.Context, s *sim.Simulator, asks []*ask) error {
	if err := each(ctx, asks, func(q *ask) { q.trace, q.err = q.ask(s) }); err != nil {
		return err
	}
	for _, q := range asks {
		if q.err == nil {
			continue
		}
		if err := q.result.notFound(q.err, q.q.From, q.selector[0], q.selector[1]); err != nil {
			return err
		}
	}
	return nil
}

// each does the same with all of a list, on all cores, until ctx is done.
func each[T any](ctx context.Context, list []T, do func(T)) error {
	var wg sync.WaitGroup
	next := make(chan T)
	for range min(len(list), runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for x := range next {
				do(x)
			}
		})
	}
	for _, x := range list {
		if ctx.Err() != nil {
			break
		}
		next <- x
	}
	close(next)
	wg.Wait()
	return ctx.Err()
}

// settle counts a case of an assertion by what its question was answered.
func (q *ask) settle() {
	if q.err != nil || q.trace == nil {
		return
	}
	r := q.result
	r.Asked++
	worst := q.caseOf(r.Kind.of(q.trace.Verdict), outcomePart{outcome: &q.trace.Outcome})
	under := false
	for i, p := range q.parts() {
		c := q.caseOf(r.Kind.of(p.outcome.Verdict), p)
		if i == 0 || c.Verdict > worst.Verdict {
			worst = c
		}
		under = under || c.underAssumptions
		r.rest(p.outcome.Assumptions)
	}
	// Strict mode may accept each part, and not what all of them rest on.
	r.rest(q.trace.Assumptions)
	if q.trace.Verdict == flow.Unknown && worst.Verdict == Pass {
		worst = q.caseOf(Unknown, outcomePart{outcome: &q.trace.Outcome})
	}
	worst.underAssumptions = worst.underAssumptions || under
	if worst.Verdict != Pass {
		q.tell(worst)
	}
	r.count(worst)
}

// tell says which packets of the question are broken, and which undecided.
func (q *ask) tell(c *Case) {
	asked := piece{}
	if q.q.Protocol != topology.AnyProtocol {
		asked.Protocols = []topology.Protocol{cmp.Or(q.q.Protocol, topology.TCP)}
	}
	switch {
	case q.q.Port != 0:
		asked.DestinationPorts = []topology.PortRange{{First: q.q.Port, Last: q.q.Port}}
	case q.ports != nil && *q.ports != topology.AllPorts:
		asked.DestinationPorts = []topology.PortRange{*q.ports}
	}
	var all, broken, undecided []piece
	for _, p := range q.parts() {
		x := asked
		if p.part != nil {
			x.Source, x.Destination, x.SourcePorts = setOf(p.part.Source...), setOf(p.part.Destination...), p.part.SourcePorts
			if len(p.part.Ports) > 0 {
				x.DestinationPorts = p.part.Ports
			}
			if protocol, ok := topology.ParseProtocol(p.part.Protocol); ok {
				x.Protocols = []topology.Protocol{protocol}
				if !protocol.HasPorts() {
					x.DestinationPorts = nil
				}
			}
		}
		all = append(all, x)
		switch q.result.Kind.of(p.outcome.Verdict) {
		case Fail:
			broken = append(broken, x)
		case Unknown:
			undecided = append(undecided, x)
		}
	}
	if len(broken)+len(undecided) == 0 {
		undecided = []piece{asked} // all of it together is not certain
	}
	c.Broken, c.Undecided = packetsOf(broken, all), packetsOf(undecided, all)
}

// caseOf is the case as a part of the answer shows it.
func (q *ask) caseOf(v Verdict, p outcomePart) *Case {
	service := strings.ToLower(q.trace.Protocol)
	if ports := q.asked(); ports != "" {
		service += "/" + ports
	}
	if q.entry != nil {
		service += " at " + q.entry.String()
	}
	if q.q.NoProxy && q.from.proxy != nil {
		service += " past the proxy"
	}
	key := []string{"packet", string(topology.MakeID(q.from.name)), string(topology.MakeID(q.to.name)), service}
	return &Case{Verdict: v, From: q.from.label, To: q.to.label, Service: service, Outcome: p.outcome, Witness: q.witness(p), Key: strings.Join(key, "\x00"),
		about: append(q.from.names(), q.to.names()...), underAssumptions: v == Unknown && p.outcome.UnderAssumptions != ""}
}

// asked are the ports of the question as the policy has them.
func (q *ask) asked() string {
	switch {
	case q.q.Port != 0:
		return strconv.Itoa(int(q.q.Port))
	case q.ports != nil:
		return q.ports.String()
	default:
		return ""
	}
}

// rest notes what a case rests on, each assumption once.
func (r *Result) rest(list []flow.Assumption) {
	for _, a := range list {
		if !slices.ContainsFunc(r.Assumptions, func(b flow.Assumption) bool { return a.ID == b.ID && a.About == b.About }) {
			r.Assumptions = append(r.Assumptions, a)
		}
	}
}

// count notes a case. Which of those that are not met are suppressed is seen
// when all are there.
func (r *Result) count(c *Case) {
	if c.Verdict == Pass {
		r.Met++
		return
	}
	if c.Outcome != nil {
		c.Text, c.Origin = why(c.Outcome)
	}
	r.Cases = append(r.Cases, *c)
}

// selected notes where a selector selects nothing, or may select more than the
// data shows.
func (r *Result) selected(text string, s selected) {
	if len(s.ends) == 0 {
		r.open(text, nothing(text, nil))
	}
	for _, d := range s.doubts {
		r.open(text, text+" may select more: "+d)
	}
}

// open notes, once, a selector that leaves the assertion open.
func (r *Result) open(selector, text string) {
	if !slices.ContainsFunc(r.Open, func(c Case) bool { return c.From == selector && c.Text == text }) {
		r.Open = append(r.Open, Case{Verdict: Unknown, From: selector, Text: text, Key: "selector\x00" + selector, about: []string{selector}})
	}
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
func (r *Result) conclude(s *suppressor) {
	if r.Asked == 0 && len(r.Open) == 0 {
		r.open(strings.Join(r.From, ", "), "the selectors select one and the same interface")
	}
	var counted, suppressed []Case
	for i := range r.Cases {
		c := &r.Cases[i]
		if s.look(r, c); c.Suppressed != nil {
			r.Suppressed++
			suppressed = append(suppressed, *c)
			continue
		}
		r.UnderAssumptions = r.UnderAssumptions || c.underAssumptions
		if c.Verdict == Fail {
			r.Broken++
		} else {
			r.Undecided++
		}
		counted = append(counted, *c)
	}
	worstFirst := func(a, b Case) int { return int(b.Verdict) - int(a.Verdict) }
	slices.SortStableFunc(counted, worstFirst)
	slices.SortStableFunc(suppressed, worstFirst)
	r.Cases = slices.Concat(counted[:min(len(counted), CasesKept)], suppressed[:min(len(suppressed), CasesKept)])
	open := 0
	for i := range r.Open {
		if s.look(r, &r.Open[i]); r.Open[i].Suppressed == nil {
			open++
		}
	}
	switch {
	case r.Broken > 0:
		r.Verdict = Fail
	case r.Undecided > 0 || open > 0:
		r.Verdict = Unknown
	case r.Suppressed > 0 || len(r.Open) > 0:
		r.Verdict = Suppressed
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
	if q.entry != nil {
		if w.Destination = q.entry.End().Info().Address; w.Destination == "" {
			w.Destination = q.entry.Name
		}
		if q.entry.Port != 0 {
			w.Port = strconv.Itoa(int(q.entry.Ports.First)) // it is another one at the entry
		}
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
	if q.ports != nil && len(p.part.Ports) > 0 && (q.entry == nil || q.entry.Port == 0) {
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
		text := h.Describe()
		if h.RuleName == "" {
			text += ", " + string(h.Code)
		}
		if h.Note != "" {
			text += ": " + h.Note
		} else if o.Verdict == flow.Unknown && len(o.Missing) > 0 {
			text += ": " + o.Missing[0].Text
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
		vms, doubts, err := sel.virtualMachines(strings.TrimPrefix(text, "vm:"))
		if err != nil {
			return &SelectorError{r.Assertion, text, err}
		}
		for _, vm := range vms {
			if !slices.Contains(names, vm.ResourceID) {
				names = append(names, vm.ResourceID)
			}
		}
		if len(vms) == 0 {
			r.open(text, nothing(text, nil))
		}
		for _, d := range doubts {
			r.open(text, text+" may select more: "+d)
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
		c := &Case{From: m.Name, Text: m.Reason, Key: "machine\x00" + strings.ToLower(m.Name), about: []string{m.Name}}
		switch m.Verdict {
		case backup.Fail:
			c.Verdict = Fail
		case backup.Unknown:
			c.Verdict = Unknown
			c.underAssumptions = m.UnderAssumptions != ""
		}
		if m.Machine != nil {
			c.Origin = m.Machine.Origin
			c.Key = "machine\x00" + string(m.Machine.ID())
			c.about = append(c.about, m.Machine.ResourceID)
		}
		r.Asked++
		r.rest(m.Assumptions)
		r.count(c)
	}
	return nil
}
