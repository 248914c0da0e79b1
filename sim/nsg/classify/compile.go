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
	k := compilation{table: t, entries: entries, words: words, budget: budget, from: from, to: to}
	k.sourceOf, k.source = addressClasses(t, from, words)
	k.destinationOf, k.destination = addressClasses(t, to, words)
	k.sourcePort, k.sourcePortOf = sourcePorts(entries, words)
	k.destinationPort, k.destinationPortOf = destinationPorts(entries, words)
	if max(k.source.n, k.destination.n, k.sourcePort.n, k.destinationPort.n) > math.MaxUint16 {
		// Classes are numbered in two bytes. One entry has two of each kind at
		// most, so halves of halves have few enough.
		first := compileParts(t, entries[:len(entries)/2], budget)
		first.last().next = compileParts(t, entries[len(entries)/2:], budget)
		return first
	}
	if t := k.tables(); t != nil {
		return &part{tables: t}
	}
	return &part{vectors: k.vectors()}
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
	table                   *cidr.Table
	from, to                side
	source, destination     classes
	sourceOf, destinationOf []uint32 // by atom
	sourcePort              classes
	destinationPort         classes
	sourcePortOf            portMap
	destinationPortOf       portMap
}

func narrow(of []uint32) []uint8 {
	out := make([]uint8, len(of))
	for i, c := range of {
		out[i] = uint8(c)
	}
	return out
}

// tables has the answer of every combination of classes. It is nil where that
// takes more memory than there is, or where there are more classes than a byte
// counts or rules than an answer can name.
func (k *compilation) tables() *tables {
	pairs := k.source.n * k.destination.n
	services := k.sourcePort.n * k.destinationPort.n
	left := k.budget - 4*pairs - 2*services
	if k.source.n > 256 || k.destination.n > 256 || left < 0 ||
		len(k.entries) > 0 && k.entries[len(k.entries)-1].rule > maxAnswerRule {
		return nil
	}

	columnOf, columns := k.services()
	if columns.n > math.MaxUint16 {
		return nil
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
			if 4*rows.n*columns.n > left {
				return nil
			}
		}
	}
	answers := make([]answer, 0, rows.n*columns.n)
	for r := range rows.n {
		for c := range columns.n {
			answers = append(answers, k.first(rows.row(r), columns.row(c)))
		}
	}
	t := &tables{
		source: make([]uint16, len(k.sourceOf)), destination: narrow(k.destinationOf), cells: cells,
		destinationPort: k.destinationPortOf, ports: uint32(k.destinationPort.n), answers: answers,
	}
	for a, c := range k.sourceOf {
		t.source[a] = uint16(int(c) * k.destination.n)
	}
	if columnOf != nil {
		t.sourcePort, t.columns = k.sourcePortOf, columnOf
	}
	return t
}

// first is the answer for the entries of both a and b.
func (k *compilation) first(a, b vector) answer {
	v := Verdict{Rule: NoRule}
	for w := range a {
		for x := a[w] & b[w]; x != 0; x &= x - 1 {
			e := &k.entries[w<<6|bits.TrailingZeros64(x)]
			v.Outcomes |= e.outcome
			if e.must {
				v.Rule = e.rule
				return answerOf(v)
			}
			v.Open = true
		}
	}
	v.Outcomes |= NoMatch
	return answerOf(v)
}

// services are the different combinations of source port and destination
// port, by class of each.
func (k *compilation) services() (of []uint16, c classes) {
	if k.sourcePort.n == 1 { // every entry has every source port
		return nil, k.destinationPort
	}
	d := newDistinct(k.words)
	of = make([]uint16, 0, k.sourcePort.n*k.destinationPort.n)
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
	s := d.slot(row)
	if *s != 0 {
		return int(*s) - 1
	}
	c := d.classes.add(row)
	*s = int32(c) + 1
	if 2*d.n > len(d.slots) {
		d.slots = make([]int32, 4*len(d.slots))
		for c := range d.n {
			*d.slot(d.row(c)) = int32(c) + 1
		}
	}
	return c
}

// slot is where the class of a row is, or would be.
func (d *distinct) slot(row vector) *int32 {
	mask := uint64(len(d.slots) - 1)
	for k := rowHash(row); ; k++ {
		if s := &d.slots[k&mask]; *s == 0 || equal(d.row(int(*s)-1), row) {
			return s
		}
	}
}

func rowHash(row vector) uint64 {
	var h uint64
	for _, x := range row {
		h = (h ^ x) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	return h ^ h>>32
}
