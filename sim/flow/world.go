package flow

import (
	"maps"
	"slices"
	"strconv"
)

// Fact is something a walk needs to know and the data may not say. A fact
// with an Assumption has a value that is taken by default; one without is
// open.
type Fact struct {
	Code       Code
	Assumption AssumptionID // "": open
	About      string       // the resource or tag it is about
	Detail     string       // tells facts of one code about one resource apart; not printed
	Text       string       // a sentence
	Export     string       // the command that would settle it, "" where none would
}

// Key identifies the fact: the same fact asked twice has one value.
func (f Fact) Key() string {
	return string(f.Code) + "|" + string(f.Assumption) + "|" + f.About + "|" + f.Detail
}

// World is one way the world may be: a value for every fact that a walk asks.
// Value 0 is the assumed value of an assumption. A walk must be a function of
// its packet and the world alone.
type World struct {
	free    func(Fact) bool // nil: no assumption is free
	fails   AssumptionID    // does not hold; "" for none
	choices []choice
	at      map[string]int // index into choices
	asked   map[string]Fact
	order   []string
}

type choice struct {
	fact  Fact
	value int
	n     int
}

// Ask returns the value of the fact in this world, 0 to n-1. A fact of one
// value leaves nothing open.
func (w *World) Ask(f Fact, n int) int {
	if n == 1 {
		return 0
	}
	key := factKey(f, n)
	if i, ok := w.at[key]; ok {
		return w.choices[i].value
	}
	if f.Assumption != "" {
		if _, ok := w.asked[key]; !ok {
			w.asked[key] = f
			w.order = append(w.order, key)
		}
		if f.Assumption == w.fails {
			return 1
		}
		if w.free == nil || !w.free(f) {
			return 0
		}
	}
	w.at[key] = len(w.choices)
	w.choices = append(w.choices, choice{f, 0, n})
	return 0
}

// factKey tells facts with another number of values apart, so that a value
// always fits its question.
func factKey(f Fact, n int) string {
	if n == 2 {
		return f.Key()
	}
	return f.Key() + "|" + strconv.Itoa(n)
}

// Holds asks a fact of two values, and reports whether it is the first: the
// assumption holds.
func (w *World) Holds(f Fact) bool { return !w.Otherwise(f) }

// Otherwise is the opposite of [World.Holds], for facts that are open: it
// reports whether the second value is the one of this world.
func (w *World) Otherwise(f Fact) bool { return w.Ask(f, 2) == 1 }

// Value returns the value already given to the fact in this world, false
// where it was not asked before. Use it for facts that imply each other.
func (w *World) Value(f Fact) (int, bool) {
	i, ok := w.at[factKey(f, 2)]
	if !ok {
		return 0, false
	}
	return w.choices[i].value, true
}

// Assumed are the assumptions that were asked and taken so far, in this world
// and in those before it.
func (w *World) Assumed() []Fact {
	out := make([]Fact, len(w.order))
	for i, k := range w.order {
		out[i] = w.asked[k]
	}
	return out
}

// reset prepares the world for a run that replays the given choices.
func (w *World) reset(replay []choice) {
	w.choices = append(w.choices[:0], replay...)
	clear(w.at)
	for i, c := range w.choices {
		w.at[factKey(c.fact, c.n)] = i
	}
}

// next turns the choices of a finished run into those of the next one, in
// depth-first order; false when all were made.
func next(choices []choice) ([]choice, bool) {
	for len(choices) > 0 {
		last := &choices[len(choices)-1]
		if last.value+1 < last.n {
			last.value++
			return choices, true
		}
		choices = choices[:len(choices)-1]
	}
	return nil, false
}

// MaxWorlds bounds the worlds an exploration visits. Eight independent open
// facts make 256 worlds; beyond MaxWorlds the answer is Unknown.
const MaxWorlds = 4096

// Result is what an exploration of possible worlds found for one packet.
// T is the account of one walk.
type Result[T any] struct {
	Verdict     Verdict // Allow, Deny or Unknown
	Walk        T       // the walk under the default values: every open fact at 0
	Allowed     T       // Unknown: a walk that ends allowed
	Denied      T       // Unknown: a walk that ends denied
	Assumptions []Assumption
	Missing     []Missing // Unknown: what would settle it
	Strict      Verdict   // the verdict without any assumption that is not waived
	Exhausted   bool      // MaxWorlds was reached
}

// Explore runs walk in every possible world and combines the outcomes. walk
// reports whether the packet is allowed, and an account of how. Assumptions
// for which waived is true count as facts in the strict verdict; nil waives
// none.
func Explore[T any](walk func(*World) (bool, T), waived func(Fact) bool) Result[T] {
	r, asked, leaves := explore(walk, nil, false)
	if r.Verdict == Unknown {
		r.Strict = Unknown
		if leaves == nil || r.Exhausted {
			_, _, leaves = explore(walk, nil, true)
		}
		r.Missing = settle(leaves)
		return r
	}
	r.Strict = r.Verdict
	if len(asked) == 0 {
		return r
	}
	same := func(free func(Fact) bool) (bool, []Fact) {
		s, more, _ := explore(walk, free, false)
		return s.Verdict == r.Verdict, more
	}
	notWaived := func(f Fact) bool { return waived == nil || !waived(f) }
	if ok, _ := same(func(Fact) bool { return true }); ok {
		return r // rests on no assumption
	}
	if waived != nil {
		if ok, _ := same(notWaived); !ok {
			r.Strict = Unknown
		}
	} else {
		r.Strict = Unknown
	}
	// Drop one assumption after another as long as the verdict stands; what
	// is left is a smallest set (none of it can be dropped).
	free := map[string]bool{}
	isFree := func(f Fact) bool { return free[f.Key()] }
	seen := map[string]bool{}
	var kept []Fact
	for i := 0; i < len(asked); i++ {
		f := asked[i]
		if seen[f.Key()] {
			continue
		}
		seen[f.Key()] = true
		free[f.Key()] = true
		ok, more := same(isFree)
		if ok {
			asked = append(asked, more...)
			continue
		}
		delete(free, f.Key())
		kept = append(kept, f)
	}
	r.Assumptions = assumptions(kept)
	return r
}

// VerdictOf is the verdict of [Explore] alone, which takes much less time where
// it is Unknown: the worlds that differ from the first in one fact are visited
// first.
func VerdictOf(walk func(*World) bool) Verdict {
	w := &World{at: map[string]int{}, asked: map[string]Fact{}}
	first := walk(w)
	choices := slices.Clone(w.choices)
	for i, c := range choices {
		for v := 1; v < c.n; v++ {
			replay := slices.Clone(choices[:i+1])
			replay[i].value = v
			if w.reset(replay); walk(w) != first {
				return Unknown
			}
		}
	}
	r, _, _ := explore(func(w *World) (bool, struct{}) { return walk(w), struct{}{} }, nil, false)
	return r.Verdict
}

// assumptions lists facts as assumptions, each ID and resource once.
func assumptions(facts []Fact) []Assumption {
	var out []Assumption
	for _, f := range facts {
		a := Assumption{ID: f.Assumption, About: f.About, Text: f.Text}
		if !slices.ContainsFunc(out, func(b Assumption) bool { return b.ID == a.ID && b.About == a.About }) {
			out = append(out, a)
		}
	}
	return out
}

// One runs walk in one world alone: that of the default values, but that the
// assumption fails does not hold wherever it is asked ("" for none). assumed are
// the assumptions that were asked, open says that a fact without one was.
func One[T any](walk func(*World) T, fails AssumptionID) (account T, assumed []Fact, open bool) {
	w := &World{fails: fails, at: map[string]int{}, asked: map[string]Fact{}}
	account = walk(w)
	for _, k := range w.order {
		assumed = append(assumed, w.asked[k])
	}
	return account, assumed, len(w.choices) > 0
}

// leaf is one finished walk: the open facts it asked and its outcome.
type leaf struct {
	choices map[string]int
	facts   []Fact
	allowed bool
}

// explore visits the worlds. With all it does not stop at the first two
// different outcomes and returns every leaf.
func explore[T any](walk func(*World) (bool, T), free func(Fact) bool, all bool) (Result[T], []Fact, []leaf) {
	w := &World{free: free, at: map[string]int{}, asked: map[string]Fact{}}
	var r Result[T]
	var leaves []leaf
	var replay []choice
	var allow, deny bool
	for n := 0; ; n++ {
		if n == MaxWorlds {
			r.Exhausted = true
			break
		}
		w.reset(replay)
		ok, account := walk(w)
		if n == 0 {
			r.Walk = account
		}
		if ok && !allow {
			allow, r.Allowed = true, account
		}
		if !ok && !deny {
			deny, r.Denied = true, account
		}
		if all {
			l := leaf{choices: make(map[string]int, len(w.choices)), allowed: ok}
			for _, c := range w.choices {
				l.choices[c.fact.Key()] = c.value
				l.facts = append(l.facts, c.fact)
			}
			leaves = append(leaves, l)
		}
		if allow && deny && !all {
			break
		}
		var more bool
		if replay, more = next(slices.Clone(w.choices)); !more {
			break
		}
	}
	switch {
	case r.Exhausted || allow && deny:
		r.Verdict = Unknown
	case allow:
		r.Verdict = Allow
	default:
		r.Verdict = Deny
	}
	asked := make([]Fact, 0, len(w.order))
	for _, k := range w.order {
		asked = append(asked, w.asked[k])
	}
	return r, asked, leaves
}

// settle finds a smallest set of open facts that decides the outcome: facts
// are dropped, the last asked first, as long as the rest still decides.
func settle(leaves []leaf) []Missing {
	var facts []Fact
	seen := map[string]bool{}
	for _, l := range leaves {
		for _, f := range l.facts {
			if !seen[f.Key()] {
				seen[f.Key()] = true
				facts = append(facts, f)
			}
		}
	}
	const compared = 512 // leaves; beyond that every fact is named
	keep := maps.Clone(seen)
	if len(leaves) <= compared {
		for _, f := range slices.Backward(facts) {
			delete(keep, f.Key())
			if !decided(leaves, keep) {
				keep[f.Key()] = true
			}
		}
	}
	var out []Missing
	for _, f := range facts {
		if !keep[f.Key()] {
			continue
		}
		m := Missing{Code: f.Code, About: f.About, Text: f.Text, Export: f.Export}
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

// decided reports whether the facts in keep decide the outcome of every leaf.
func decided(leaves []leaf, keep map[string]bool) bool {
	for i, a := range leaves {
		for _, b := range leaves[i+1:] {
			if a.allowed != b.allowed && compatible(a, b, keep) {
				return false
			}
		}
	}
	return true
}

// compatible reports whether one assignment of the kept facts leads to both.
func compatible(a, b leaf, keep map[string]bool) bool {
	for k, v := range a.choices {
		if !keep[k] {
			continue
		}
		if u, ok := b.choices[k]; ok && u != v {
			return false
		}
	}
	return true
}
