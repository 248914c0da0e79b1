package flowset

import (
	"math/bits"
	"slices"
)

// Entry is one box of a rule in an [Order].
type Entry struct {
	Box
	// The addresses of Source, or of Destination, match only if they have the
	// name: it is not known which have it. nil: all of them match.
	SourceName, DestinationName any
	Owner                       int  // the rule, from 0; -1 for what is never asked about
	Allow                       bool // what it does
	Sure                        bool // what the box has matches for certain, as far as the names go
}

// Order says of the rules of a list whether they ever decide, and whether the
// list would do the same without them, whatever the names turn out to hold: a
// rule that names the same as another matches where that does. It looks at the
// packets of one rule at a time and stops where it finds one that answers, so
// that lists of a thousand rules are no matter. It is not safe for concurrent
// use.
type Order struct {
	s       *Space
	entries []placed
	own     []mask // by owner: its entries
	asked   []mask // by owner: those of them that have all packets it may match
	must    mask   // entries that match for certain
	allow   mask   // entries that allow
	tracks  [levels]track
	most    int // parts that a hunt looks at
}

// placed is an entry in the numbers of the order.
type placed struct {
	on    [levels]int32 // conditions
	owner int
	allow bool
}

// track is one dimension. Its classes are those of the space, each as often as
// there are names of which its addresses may have one: in the first of them no
// name is known to hold, in the others one is.
type track struct {
	of     []int32   // by class: that of the space
	holds  []mask    // by class: the entries that hold for it
	hunted [][]int32 // by condition: the classes that have its packets, each packet once
	covers []mask    // by condition: the entries that hold for all of them; nil: not asked yet
}

// mask is a set of entries.
type mask []uint64

func (m mask) set(i int)      { m[i/64] |= 1 << (i % 64) }
func (m mask) has(i int) bool { return m[i/64]&(1<<(i%64)) != 0 }

func (m mask) first() int {
	for k, w := range m {
		if w != 0 {
			return k*64 + bits.TrailingZeros64(w)
		}
	}
	return -1
}

func (m mask) each(yield func(int) bool) {
	for k, w := range m {
		for ; w != 0; w &= w - 1 {
			if !yield(k*64 + bits.TrailingZeros64(w)) {
				return
			}
		}
	}
}

// cutFrom leaves out the entries from i on.
func (m mask) cutFrom(i int) {
	k := i / 64
	if k >= len(m) {
		return
	}
	m[k] &= 1<<(i%64) - 1
	clear(m[k+1:])
}

func (o *Order) empty() mask { return make(mask, (len(o.entries)+63)/64) }

// NewOrder prepares the questions about a list, in one family of addresses.
// implies reports that what has the one name has the other; every name implies
// itself.
func NewOrder(v6 bool, list []Entry, implies func(one, other any) bool) *Order {
	rules := make([]Rule, len(list))
	for i := range list {
		rules[i].Must = []Box{list[i].Box}
	}
	space, lists := NewSpace(v6, nil, rules)
	o := &Order{s: space, most: most}
	b := orderBuilder{o: o, list: lists[0].entries, implies: implies}
	owners := 0
	var sure, asked []bool
	for i, e := range list {
		owners = max(owners, e.Owner+1)
		b.names[0], b.names[1] = append(b.names[0], e.SourceName), append(b.names[1], e.DestinationName)
		put := func(certain bool, from, to reach) {
			x := placed{owner: e.Owner, allow: e.Allow}
			for level := range levels {
				x.on[level] = b.condition(level, i, []reach{source: from, destination: to, levels: plainly}[level])
			}
			o.entries, sure, asked = append(o.entries, x), append(sure, certain && e.Sure), append(asked, certain)
		}
		from, to := plainly, plainly
		if e.SourceName != nil {
			from = named
		}
		if e.DestinationName != nil {
			to = named
		}
		put(true, from, to)
		// Where other names hold, or none is known to, it may match.
		if from == named {
			put(false, unnamed, plainly)
		}
		if to == named {
			put(false, from, unnamed)
		}
	}
	o.own, o.asked = make([]mask, owners), make([]mask, owners)
	for i := range owners {
		o.own[i], o.asked[i] = o.empty(), o.empty()
	}
	o.must, o.allow = o.empty(), o.empty()
	for i, e := range o.entries {
		if e.owner >= 0 {
			o.own[e.owner].set(i)
			if asked[i] {
				o.asked[e.owner].set(i)
			}
		}
		if sure[i] {
			o.must.set(i)
		}
		if e.allow {
			o.allow.set(i)
		}
	}
	for level := range levels {
		b.lay(level)
	}
	return o
}

// reach says for which classes of a dimension a condition holds.
type reach uint8

const (
	plainly reach = iota // those of its set
	named                // of them, where its name is known to hold
	unnamed              // of them, the others
)

type orderBuilder struct {
	o          *Order
	list       []entry
	implies    func(one, other any) bool
	names      [2][]any // by entry of the list: on either side
	conditions [levels]conditions[condition]
}

// condition is what an entry asks of one dimension.
type condition struct {
	set   int32 // condition of the space
	name  any
	reach reach
}

func (b *orderBuilder) condition(level, entry int, how reach) int32 {
	c := condition{set: b.list[entry].on[level], reach: how}
	if how != plainly {
		c.name = b.names[level-source][entry]
	}
	return b.conditions[level].add(c, c)
}

// lay makes the classes of a dimension and says what holds for them.
func (b *orderBuilder) lay(level int) {
	a, t, list := &b.o.s.axes[level], &b.o.tracks[level], b.conditions[level].list
	possible := make([][]any, len(a.classes)) // names, by class of the space
	for _, c := range list {
		if c.reach != named {
			continue
		}
		for _, r := range a.runs[c.set] {
			for k := r.from; k < r.to; k++ {
				if !slices.Contains(possible[k], c.name) {
					possible[k] = append(possible[k], c.name)
				}
			}
		}
	}
	start := make([]int32, len(a.classes)+1)
	var holding []any // by class: the name that holds
	for k := range a.classes {
		start[k] = int32(len(t.of))
		t.of, holding = append(t.of, int32(k)), append(holding, nil)
		for _, name := range possible[k] {
			t.of, holding = append(t.of, int32(k)), append(holding, name)
		}
	}
	start[len(a.classes)] = int32(len(t.of))

	by := make([]mask, len(list))
	for i := range by {
		by[i] = b.o.empty()
	}
	for i, e := range b.o.entries {
		by[e.on[level]].set(i)
	}
	words := len(b.o.empty())
	room := make(mask, len(t.of)*words)
	t.holds = make([]mask, len(t.of))
	for c := range t.holds {
		t.holds[c] = room[c*words : (c+1)*words : (c+1)*words]
	}
	t.hunted, t.covers = make([][]int32, len(list)), make([]mask, len(list))
	for i, c := range list {
		for _, r := range a.runs[c.set] {
			for k := start[r.from]; k < start[r.to]; k++ {
				switch name := holding[k]; {
				case c.reach == plainly && name == nil, c.reach == named && name == c.name:
					t.hunted[i] = append(t.hunted[i], k)
				case c.reach == plainly:
				case (c.reach == named) != (name != nil && b.implies(name, c.name)):
					continue
				}
				for w, x := range by[i] {
					t.holds[k][w] |= x
				}
			}
		}
	}
}

// covering are the entries that hold for all of a condition.
func (o *Order) covering(level int, condition int32) mask {
	t := &o.tracks[level]
	m := t.covers[condition]
	if m == nil {
		m = o.empty()
		for i := range m {
			m[i] = ^uint64(0)
		}
		for _, c := range t.hunted[condition] {
			for w, x := range t.holds[c] {
				m[w] &= x
			}
		}
		t.covers[condition] = m
	}
	return m
}
