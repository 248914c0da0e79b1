package classify

import (
	"math"
	"math/bits"

	"github.com/netpath/netpath/sim/cidr"
)

// DefaultTableBytes is the memory that the tables of one list may take where
// [Options] does not say.
const DefaultTableBytes = 1 << 20

// Options are the settings of [New]. The zero value is the default.
type Options struct {
	// TableBytes is how much memory the tables of all combinations may take.
	// A list that needs more gets vectors. 0 is DefaultTableBytes, a negative
	// number is no tables at all.
	TableBytes int
}

// compileParts makes the chain of parts of a list of entries, at least one.
func compileParts(t *cidr.Table, entries []entry, budget int) *part {
	if len(entries) > maxEntries {
		first := compileParts(t, entries[:maxEntries], budget)
		first.last().next = compileParts(t, entries[maxEntries:], budget)
		return first
	}
	words := (len(entries) + 63) / 64
	from := sideOf(entries, words, func(m *Match) *Addresses { return &m.Source })
	to := sideOf(entries, words, func(m *Match) *Addresses { return &m.Destination })
	k := compilation{entries: entries, words: words, budget: budget}
	k.sourceOf, k.source = addressClasses(t, from, words)
	k.destinationOf, k.destination = addressClasses(t, to, words)
	p := &part{}
	k.sourcePort, p.sourcePort = sourcePorts(entries, words)
	k.destinationPort, p.destinationPort = destinationPorts(entries, words)
	if max(k.source.n, k.destination.n, k.sourcePort.n, k.destinationPort.n) > math.MaxUint16 {
		// Classes are numbered in two bytes. One entry has two of each kind at
		// most, so halves of halves have few enough.
		first := compileParts(t, entries[:len(entries)/2], budget)
		first.last().next = compileParts(t, entries[len(entries)/2:], budget)
		return first
	}
	p.sourcePorts, p.destinationPorts = uint32(k.sourcePort.n), uint32(k.destinationPort.n)
	if !k.tables(p) {
		k.vectors(p)
	}
	return p
}

func (p *part) last() *part {
	for p.next != nil {
		p = p.next
	}
	return p
}

// compilation is a part being made.
type compilation struct {
	entries                 []entry
	words                   int
	budget                  int
	source, destination     classes
	sourceOf, destinationOf []uint32 // by atom
	sourcePort              classes
	destinationPort         classes
}

// vectors gives a part a row for every class.
func (k *compilation) vectors(p *part) {
	p.sourceRow, p.sourceRows = narrow[uint16](k.sourceOf), k.source.wide()
	p.destinationRow, p.destinationRows = narrow[uint16](k.destinationOf), k.destination.wide()
	p.sourcePortRows, p.destinationPortRows = k.sourcePort.wide(), k.destinationPort.wide()
	p.found = make([]found, len(k.entries))
	for i, e := range k.entries {
		p.found[i] = found{e.rule, e.outcome, e.must}
	}
}

func narrow[T uint8 | uint16](of []uint32) []T {
	out := make([]T, len(of))
	for i, c := range of {
		out[i] = T(c)
	}
	return out
}

// wide is the rows of the classes in the form of a part.
func (c *classes) wide() []row {
	out := make([]row, c.n)
	for i := range out {
		for w, x := range c.row(i) {
			out[i].word[w] = x
			if x != 0 {
				out[i].filled |= 1 << w
			}
		}
	}
	return out
}

// tables gives a part the answer of every combination of classes. It reports
// false, and leaves the part as it was, where that takes more memory than
// there is, or more classes than a byte counts.
func (k *compilation) tables(p *part) bool {
	pairs := k.source.n * k.destination.n
	services := k.sourcePort.n * k.destinationPort.n
	if k.source.n > 256 || k.destination.n > 256 || 4*pairs+2*services > k.budget {
		return false
	}
	left := k.budget - 4*pairs - 2*services

	columnOf, columns := k.services()
	if columns.n > math.MaxUint16 {
		return false
	}
	// Entries after one that certainly matches every service cannot be
	// reached by the pairs it is for, and most pairs are alike without them.
	end := make(vector, k.words)
	for i := range k.entries {
		if e := &k.entries[i]; e.must && e.match.everyService() {
			end.set(i)
		}
	}
	rows := newDistinct(k.words)
	cells := make([]uint32, 0, pairs)
	both := make(vector, k.words)
	for s := range k.source.n {
		for d := range k.destination.n {
			firstThrough(both, k.source.row(s), k.destination.row(d), end)
			cells = append(cells, uint32(rows.add(both)*columns.n))
			if 2*rows.n*columns.n > left {
				return false
			}
		}
	}
	answers := make([]uint16, 0, rows.n*columns.n)
	v := verdicts{entries: k.entries, of: map[Verdict]uint16{}, byEntry: make([]uint16, len(k.entries)+1)}
	for r := range rows.n {
		for c := range columns.n {
			a, ok := v.first(rows.row(r), columns.row(c))
			if !ok {
				return false
			}
			answers = append(answers, a)
		}
	}
	p.source, p.destination = narrow[uint8](k.sourceOf), narrow[uint8](k.destinationOf)
	p.destinations = uint32(k.destination.n)
	p.cells, p.answers, p.verdicts = cells, answers, exact(v.list)
	if k.sourcePort.n > 1 {
		p.columns = columnOf
	}
	return true
}

// services are the different combinations of source port and destination
// port, by class of each.
func (k *compilation) services() (of []uint16, c classes) {
	if k.sourcePort.n == 1 { // every entry has every source port
		return nil, k.destinationPort
	}
	d := newDistinct(k.words)
	both := make(vector, k.words)
	for s := range k.sourcePort.n {
		for q := range k.destinationPort.n {
			for w, x := range k.sourcePort.row(s) {
				both[w] = x & k.destinationPort.row(q)[w]
			}
			of = append(of, uint16(d.add(both)))
		}
	}
	return of, d.classes
}

// firstThrough puts into v the entries of both a and b, up to the first that
// is also in end.
func firstThrough(v, a, b, end vector) {
	for w := range v {
		x := a[w] & b[w]
		if e := x & end[w]; e != 0 {
			v[w] = x & (e ^ (e - 1))
			clear(v[w+1:])
			return
		}
		v[w] = x
	}
}

// distinct are classes with rows that are given one after another, each kept
// once.
type distinct struct {
	classes
	slots []int32 // open addressing by hash, a power of two: class + 1, 0 is empty
}

func newDistinct(words int) *distinct {
	return &distinct{classes: classes{words: words}, slots: make([]int32, 64)}
}

func (d *distinct) add(row vector) int {
	k := rowHash(row)
	mask := uint64(len(d.slots) - 1)
	for ; d.slots[k&mask] != 0; k++ {
		if c := int(d.slots[k&mask]) - 1; equal(d.row(c), row) {
			return c
		}
	}
	c := d.classes.add(row)
	d.slots[k&mask] = int32(c) + 1
	if 2*d.n > len(d.slots) {
		d.slots = make([]int32, 4*len(d.slots))
		mask := uint64(len(d.slots) - 1)
		for c := range d.n {
			k := rowHash(d.row(c))
			for d.slots[k&mask] != 0 {
				k++
			}
			d.slots[k&mask] = int32(c) + 1
		}
	}
	return c
}

func rowHash(row vector) uint64 {
	var h uint64
	for _, x := range row {
		h = (h ^ x) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	return h ^ h>>32
}

// verdicts numbers the different verdicts of a part.
type verdicts struct {
	entries []entry
	list    []Verdict
	of      map[Verdict]uint16
	byEntry []uint16 // 1 + the verdict of an entry that is alone first; last: none
}

// first is the verdict for the entries of both a and b; false where there are
// more verdicts than two bytes count.
func (v *verdicts) first(a, b vector) (uint16, bool) {
	out := Verdict{Rule: NoRule}
	for w := range a {
		for x := a[w] & b[w]; x != 0; x &= x - 1 {
			i := w<<6 | bits.TrailingZeros64(x)
			e := &v.entries[i]
			if e.must {
				if out.Outcomes == 0 {
					return v.alone(i, Verdict{Rule: e.rule, Outcomes: e.outcome})
				}
				out.Rule = e.rule
				out.Outcomes |= e.outcome
				return v.number(out)
			}
			out.Outcomes |= e.outcome
			out.Open = true
		}
	}
	if out.Outcomes == 0 {
		return v.alone(len(v.entries), Verdict{Rule: NoRule, Outcomes: NoMatch})
	}
	out.Outcomes |= NoMatch
	return v.number(out)
}

func (v *verdicts) alone(i int, out Verdict) (n uint16, ok bool) {
	if v.byEntry[i] != 0 {
		return v.byEntry[i] - 1, true
	}
	n, ok = v.number(out)
	if ok && n < math.MaxUint16 {
		v.byEntry[i] = n + 1
	}
	return n, ok
}

func (v *verdicts) number(out Verdict) (uint16, bool) {
	n, ok := v.of[out]
	if !ok {
		if len(v.list) > math.MaxUint16 {
			return 0, false
		}
		n = uint16(len(v.list))
		v.list = append(v.list, out)
		v.of[out] = n
	}
	return n, true
}
