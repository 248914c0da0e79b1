package flowset

import "math/bits"

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

// track is one dimension. A class of it is a class of the space together with
// one of the names that its addresses may have, and that is known to hold there;
// or, first, with none.
type track struct {
	names  int32     // how many, none counted
	plain  []mask    // by class of the space: entries that hold for it, whatever names hold
	named  []mask    // entries that hold for it where their name does; nil: none
	other  []mask    // entries that hold for it where their name is not known to; nil: none
	sure   []mask    // by name: the entries of a name that it implies
	hunted [][]int32 // by condition: the classes that have its packets, each packet once
	covers []mask    // by condition: the entries that hold for all of them; nil: not asked yet
}

// of is the class of the space.
func (t *track) of(class int32) int32 { return class / t.names }

// holds are the entries that hold for a class; room is for what is put
// together.
func (t *track) holds(class int32, room mask) mask {
	c, name := class/t.names, class%t.names
	if t.named[c] == nil {
		return t.plain[c]
	}
	for w := range room {
		room[w] = t.plain[c][w] | t.named[c][w]&t.sure[name][w] | t.other[c][w]&^t.sure[name][w]
	}
	return room
}

// mask is a set of entries.
type mask []uint64

func (m mask) set(i int)      { m[i/64] |= 1 << (i % 64) }
func (m mask) has(i int) bool { return m[i/64]&(1<<(i%64)) != 0 }

func (m mask) add(x mask) {
	for w := range m {
		m[w] |= x[w]
	}
}

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

// masks are empty masks.
func (o *Order) masks(n int) []mask {
	words := (len(o.entries) + 63) / 64
	room, out := make(mask, n*words), make([]mask, n)
	for i := range out {
		out[i] = room[i*words : (i+1)*words : (i+1)*words]
	}
	return out
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

// lay says what holds for the classes of a dimension.
func (b *orderBuilder) lay(level int) {
	a, t, list := &b.o.s.axes[level], &b.o.tracks[level], b.conditions[level].list
	numbers := map[any]int32{}
	names := []any{nil}
	for _, c := range list {
		if _, ok := numbers[c.name]; c.name != nil && !ok {
			numbers[c.name] = int32(len(names))
			names = append(names, c.name)
		}
	}
	t.names = int32(len(names))
	by := make([]mask, len(list))
	for i := range by {
		by[i] = b.o.empty()
	}
	for i, e := range b.o.entries {
		by[e.on[level]].set(i)
	}
	t.sure = make([]mask, len(names))
	for n := range names {
		t.sure[n] = b.o.empty()
		for i, c := range list {
			if n > 0 && c.name != nil && b.implies(names[n], c.name) {
				t.sure[n].add(by[i])
			}
		}
	}
	t.plain, t.named, t.other = b.o.masks(len(a.classes)), make([]mask, len(a.classes)), make([]mask, len(a.classes))
	t.hunted, t.covers = make([][]int32, len(list)), make([]mask, len(list))
	for i, c := range list {
		for _, r := range a.runs[c.set] {
			for k := r.from; k < r.to; k++ {
				if c.reach != plainly && t.named[k] == nil {
					t.named[k], t.other[k] = b.o.empty(), b.o.empty()
				}
				switch c.reach {
				case plainly:
					t.plain[k].add(by[i])
					t.hunted[i] = append(t.hunted[i], k*t.names)
				case named:
					t.named[k].add(by[i])
					t.hunted[i] = append(t.hunted[i], k*t.names+numbers[c.name])
				case unnamed:
					t.other[k].add(by[i])
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
		room := o.empty()
		for _, c := range t.hunted[condition] {
			for w, x := range t.holds(c, room) {
				m[w] &= x
			}
		}
		t.covers[condition] = m
	}
	return m
}
