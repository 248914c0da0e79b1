package reach

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// Question asks what passes from one end to another.
type Question struct {
	// From is a machine, an interface, an address, Internet, or with a prefix
	// subnet:, vnet:, asg:, vm:, nic:, tag: or datacenter: just that.
	From string
	// To is one of those, a service tag, a CIDR block, a region or a host name;
	// "" is everywhere: each subnet of the estate, the Internet, what lies behind
	// gateways and all other addresses, and from outside what can be entered.
	To string
	// NoProxy leaves out what goes through the proxy of a machine that has a
	// proxy configured. What passes directly is always told.
	NoProxy bool
	// AnyClient asks through the proxy too what its setting sends past it: for
	// what must hold of clients that do not look at that list.
	AnyClient bool
}

// Answer is the exact answer to a [Question].
type Answer struct {
	From, To    *Ends
	Rows        []Row // disjoint, and together all that was asked: Allow first, then Unknown, then Deny
	Undecided   bool  // a row is Unknown, or the answer is Incomplete
	Incomplete  bool  // an end is not wholly in the data, or its tag's addresses are too old: more may pass than the rows tell
	AnyAllow    bool
	AnyDeny     bool
	Assumptions []flow.Assumption
	Notes       []string
	Open        []string // what is not in the data of an end
	ServiceTags *sim.CatalogueInfo
	// UnderAssumptions: strict mode alone made something Unknown.
	UnderAssumptions bool
}

// Row is a part of the traffic that has one verdict by one rule. With several
// places at an end it holds for each of them, but for what a place would send
// to itself.
type Row struct {
	From, To    []*Place
	Source      Addresses // of From, where that is a set
	Destination Addresses // of To, where that is a set
	Services    []Services
	Through     string // the proxy that it goes through, "" for directly
	Outcome     sim.Outcome
}

// Services are protocols and their ports.
type Services struct {
	Protocols   []topology.Protocol  // nil: every one
	SourcePorts []topology.PortRange // nil: all, or the protocols have none
	Ports       []topology.PortRange // of the destination; likewise
}

// Between answers a question. A *sim.NameError says that a name of it does not
// fit the estate.
func Between(ctx context.Context, s *sim.Simulator, q Question) (*Answer, error) {
	return NewAsker(s).Between(ctx, q)
}

// Asker asks one estate many questions: what they have in common is looked up
// once. It is safe for concurrent use.
type Asker struct{ f *finder }

// NewAsker prepares to ask an estate.
func NewAsker(s *sim.Simulator) *Asker { return &Asker{newFinder(s)} }

// Between answers a question as [Between] does.
func (a *Asker) Between(ctx context.Context, q Question) (*Answer, error) {
	return a.f.between(ctx, q)
}

func (f *finder) between(ctx context.Context, q Question) (*Answer, error) {
	from, err := f.find(q.From, true)
	if err != nil {
		return nil, err
	}
	var to *Ends
	if q.To == "" {
		to, err = f.everywhere(from)
	} else {
		to, err = f.find(q.To, false)
	}
	if err != nil {
		return nil, err
	}
	asked := to
	if q.To != "" {
		asked = f.withEntries(to)
	}
	a := &Answer{From: from, To: to, ServiceTags: f.s.Catalogue(), Assumptions: []flow.Assumption{}}
	pairs, err := f.ask(ctx, from, asked, q)
	if err != nil {
		return nil, err
	}
	a.Rows = f.rows(from, asked, pairs)
	for _, p := range pairs {
		a.take(p, q.To != "")
	}
	for _, e := range []*Ends{from, to} {
		for _, open := range slices.Concat(e.Open, f.gaps(e)) {
			a.Undecided, a.Incomplete = true, true
			a.Open = append(a.Open, open)
			a.note(open)
		}
	}
	return a, nil
}

// pair is what was found for a source place and a destination place.
type pair struct {
	from, to int // numbers of the places
	direct   *sim.Trace
	proxied  *sim.Trace // nil: no proxy is used
	err      error
}

// MaxPairs bounds the pairs of places that one question asks.
const MaxPairs = 250_000

// ask traces every pair of places, on all cores.
func (f *finder) ask(ctx context.Context, from, to *Ends, q Question) ([]*pair, error) {
	if len(from.Places)*len(to.Places) > MaxPairs {
		return nil, &sim.NameError{Kind: "question", Name: q.From + " → " + q.To,
			Reason: fmt.Sprintf("it has %d × %d places, more than %d pairs; ask for less, or for the matrix", len(from.Places), len(to.Places), MaxPairs)}
	}
	var pairs []*pair
	for i, x := range from.Places {
		for j, y := range to.Places {
			if x != y && (y.entry == nil || y.entry.Leads(x.owner.Configuration)) && (x.end.Has(false) && y.end.Has(false) || x.end.Has(true) && y.end.Has(true)) {
				pairs = append(pairs, &pair{from: i, to: j})
			}
		}
	}
	if len(pairs) == 0 {
		reason := "the source " + from.Text + " has no address of its family"
		if len(from.Places) == 1 && len(to.Places) == 1 && from.Places[0] == to.Places[0] {
			reason = "it is the source itself"
		}
		return nil, &sim.NameError{Kind: "destination", Name: q.To, Reason: reason}
	}
	first := f.alike(from, to, pairs)
	err := inParallel(ctx, len(pairs), func(i int) {
		p := pairs[i]
		x, y := from.Places[p.from], to.Places[p.to]
		if first[i] != i {
			return // told with another
		}
		p.direct, p.err = f.trace(sim.TraceQuestion{Protocol: topology.AnyProtocol, AnyPort: true, NoProxy: true, AnyHost: true}, x, y)
		if p.err != nil || x.proxy == nil || q.NoProxy || y.subnet != nil {
			return
		}
		setting := *x.proxy
		if q.AnyClient {
			setting.Bypass = nil
		}
		t, err := f.trace(sim.TraceQuestion{Protocol: topology.TCP, AnyPort: true, AnyHost: true, Proxy: &setting}, x, y)
		if err != nil {
			p.err = err
		} else if t != nil && t.Proxy != "" {
			p.proxied = t
		}
	})
	if err != nil {
		return nil, err
	}
	for i, p := range pairs {
		p.direct, p.proxied, p.err = pairs[first[i]].direct, pairs[first[i]].proxied, pairs[first[i]].err
	}
	var refused error
	asked := pairs[:0]
	for _, p := range pairs {
		switch _, name := errors.AsType[*sim.NameError](p.err); {
		case p.err == nil && p.direct != nil:
			asked = append(asked, p)
		case p.err == nil: // nothing comes by the entry
		case !name:
			return nil, p.err
		case refused == nil:
			refused = p.err
		}
	}
	if len(asked) == 0 || q.To != "" && refused != nil {
		return nil, refused // of everywhere, what cannot be asked is not meant
	}
	return asked, nil
}

// trace asks between two places.
func (f *finder) trace(q sim.TraceQuestion, from, to *Place) (*sim.Trace, error) {
	if to.entry != nil {
		return f.s.TraceEntry(q, from.end, to.entry)
	}
	return f.s.TraceEnds(q, from.end, to.end)
}

// several is how many pairs are worth looking for those that fare alike.
const several = 16

// alike is for each pair the first that fares as it does, by the same rules.
func (f *finder) alike(from, to *Ends, pairs []*pair) []int {
	first := make([]int, len(pairs))
	for i := range first {
		first[i] = i
	}
	if len(pairs) < several {
		return first
	}
	number := map[*Place]int{}
	var ends []sim.End
	for _, e := range []*Ends{from, to} {
		for _, p := range e.Places {
			if _, ok := number[p]; !ok {
				number[p] = len(ends)
				ends = append(ends, p.end)
			}
		}
	}
	crossings := f.s.Crossings(ends)
	known := map[int64]int{}
	for i, p := range pairs {
		x, y := from.Places[p.from], to.Places[p.to]
		if x.owner.Interface == nil || y.owner.Interface == nil {
			continue
		}
		c, ok := crossings.Between(number[x], number[y], x.end.Has(true))
		if !ok || c.Alike == 0 {
			continue
		}
		if k, ok := known[c.Alike]; ok {
			first[i] = k
		} else {
			known[c.Alike] = i
		}
	}
	return first
}

// inParallel does numbered work on all cores until it is done or ctx is.
func inParallel(ctx context.Context, n int, do func(i int)) error {
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	return ctx.Err()
}

// take adds what the answer about a pair rests on; named says that the
// question names its destination.
func (a *Answer) take(p *pair, named bool) {
	for _, t := range []*sim.Trace{p.direct, p.proxied} {
		if t == nil {
			continue
		}
		a.AnyAllow = a.AnyAllow || t.AnyAllow
		a.AnyDeny = a.AnyDeny || t.AnyDeny
		a.Undecided = a.Undecided || t.Undecided || t.Verdict == flow.Unknown
		a.UnderAssumptions = a.UnderAssumptions || t.UnderAssumptions != ""
		if (t.Undecided || t.Verdict == flow.Unknown) && len(t.Parts) > 0 && !slices.ContainsFunc(t.Parts, func(p sim.Part) bool { return p.Verdict == flow.Unknown }) {
			a.Incomplete = true // strict mode: the tag's addresses are too old
		}
		for i := range t.Parts {
			a.UnderAssumptions = a.UnderAssumptions || t.Parts[i].UnderAssumptions != ""
		}
		for _, x := range t.Assumptions {
			if !slices.ContainsFunc(a.Assumptions, func(y flow.Assumption) bool { return x.ID == y.ID && x.About == y.About }) {
				a.Assumptions = append(a.Assumptions, x)
			}
		}
		for _, e := range []sim.EndInfo{t.From, t.To} {
			for _, family := range e.LeftOut {
				if !named {
					break // of everywhere, what can be asked is meant
				}
				a.note("left out: " + family + " of " + nameOf(e) + ", which the other end does not have")
			}
		}
	}
}

func nameOf(e sim.EndInfo) string {
	if e.Name != "" {
		return e.Name
	}
	return e.Text
}

func (a *Answer) note(text string) {
	if !slices.Contains(a.Notes, text) {
		a.Notes = append(a.Notes, text)
	}
}

// Count is how many rows have the verdict.
func (a *Answer) Count(v flow.Verdict) int {
	n := 0
	for i := range a.Rows {
		if a.Rows[i].Outcome.Verdict == v {
			n++
		}
	}
	return n
}

// addressesOf are an end's addresses of both families, nil where they are not
// known.
func addressesOf(e sim.End) *netipx.IPSet {
	four, six := e.Addresses(false), e.Addresses(true)
	if four == nil || six == nil {
		return nil
	}
	var b netipx.IPSetBuilder
	b.AddSet(four)
	b.AddSet(six)
	set, _ := b.IPSet() // of valid sets: no error
	return set
}
