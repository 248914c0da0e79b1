package classify

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/topology"
)

// entry is one match of one rule. The list of rules becomes a list of entries
// in the order in which they are tried: a rule's certain matches, then its
// possible ones.
type entry struct {
	match   *Match
	rule    int32
	outcome Outcome
	must    bool
}

// entriesOf lists the entries of the rules, up to the first that certainly
// matches everything: nothing after it can be reached.
func entriesOf(t *cidr.Table, rules []Rule) ([]entry, error) {
	for i := range rules {
		r := &rules[i]
		if r.Outcome == 0 || r.Outcome&NoMatch != 0 {
			return nil, fmt.Errorf("rule %d: outcome %#x: expected one bit or more, and not NoMatch", i, uint8(r.Outcome))
		}
		for _, list := range [][]Match{r.Must, r.May} {
			for j := range list {
				if err := list[j].check(t); err != nil {
					return nil, fmt.Errorf("rule %d: %w", i, err)
				}
			}
		}
	}
	var out []entry
	for i := range rules {
		r := &rules[i]
		for j := range r.Must {
			if m := &r.Must[j]; !m.empty() {
				out = append(out, entry{m, int32(i), r.Outcome, true})
				if m.everyService() && m.Source.Any && m.Destination.Any {
					return out, nil
				}
			}
		}
		for j := range r.May {
			if m := &r.May[j]; !m.empty() {
				out = append(out, entry{m, int32(i), r.Outcome, false})
			}
		}
	}
	return out, nil
}

// check reports what a match may not hold.
func (m *Match) check(t *cidr.Table) error {
	for _, a := range []*Addresses{&m.Source, &m.Destination} {
		for _, s := range a.Sets {
			if int(s) >= t.NumSets() {
				return fmt.Errorf("set %d: the address table has %d sets", s, t.NumSets())
			}
		}
	}
	for _, ranges := range [][]topology.PortRange{m.SourcePorts, m.DestinationPorts} {
		for _, r := range ranges {
			if r.First > r.Last {
				return fmt.Errorf("ports %d-%d: expected the lower one first", r.First, r.Last)
			}
		}
	}
	return nil
}

// empty reports whether no packet can match. Sets without addresses and the
// like are not looked at: such an entry is merely never found.
func (m *Match) empty() bool {
	portless := m.Protocols & AllProtocols &^ withPorts
	return m.Protocols&AllProtocols == 0 || m.Source.empty() || m.Destination.empty() ||
		portless == 0 && (len(m.SourcePorts) == 0 || len(m.DestinationPorts) == 0)
}

func (a *Addresses) empty() bool { return !a.Any && len(a.Sets) == 0 }

// everyService reports whether a match is of every protocol and port.
func (m *Match) everyService() bool {
	return m.Protocols&AllProtocols == AllProtocols && everyPort(m.SourcePorts) && everyPort(m.DestinationPorts)
}

// vector is a set of entries of a part: bit i of word i/64 is entry i.
type vector []uint64

func (v vector) set(i int) { v[i>>6] |= 1 << (i & 63) }

func (v vector) or(w vector) {
	for i, x := range w {
		v[i] |= x
	}
}

// side is one side of all entries of a part: the different address fields that
// occur, and for each the entries that have it.
type side struct {
	of     []int // by entry: 1 + its field, 0 for every address
	fields []*Addresses
	having []vector
	any    vector // the entries with every address
}

func sideOf(entries []entry, words int, of func(*Match) *Addresses) side {
	s := side{of: make([]int, len(entries)), any: make(vector, words)}
	index := map[string]int{}
	var key []byte
	for i := range entries {
		a := of(entries[i].match)
		if a.Any {
			s.any.set(i)
			continue
		}
		key = key[:0]
		for _, set := range a.Sets {
			key = strconv.AppendUint(key, uint64(set), 36)
			key = append(key, ' ')
		}
		f, ok := index[string(key)]
		if !ok {
			f = len(s.fields)
			index[string(key)] = f
			s.fields = append(s.fields, a)
			s.having = append(s.having, make(vector, words))
		}
		s.having[f].set(i)
		s.of[i] = f + 1
	}
	return s
}

// sizes is how many entries have each field; the first is every address.
func (s *side) sizes() []int {
	n := make([]int, 1+len(s.fields))
	for _, f := range s.of {
		n[f]++
	}
	return n
}

// met is how many atoms a field names, counted once for each of its sets.
func (s *side) met(field int, t *cidr.Table) int {
	if field == 0 {
		return t.Atoms()
	}
	n := 0
	for _, set := range s.fields[field-1].Sets {
		n += len(t.AtomsOf(set))
	}
	return n
}

// classes tell apart what the entries tell apart: class c has the entries
// rows[c]. Rows are different.
type classes struct {
	words int
	rows  []uint64 // words per class
	n     int
}

func (c *classes) row(i int) vector { return c.rows[i*c.words : (i+1)*c.words] }

func (c *classes) add(row vector) int {
	c.rows = append(c.rows, row...)
	c.n++
	return c.n - 1
}

// addressClasses splits the atoms of a table into classes. Class by class it
// starts from all atoms and cuts out, field after field, those that the field
// names, so the work follows the fields and not the size of the table.
func addressClasses(t *cidr.Table, s side, words int) (of []uint32, c classes) {
	all := classes{words: words}
	all.add(s.any)
	of = make([]uint32, t.Atoms())
	seen := make([]uint32, t.Atoms()) // by atom: 1 + the last field that took it
	var moved []uint32                // by class: 1 + the last field that split it
	var to []uint32                   // by class: where its atoms of that field went
	row := make(vector, words)
	for f, field := range s.fields {
		mark := uint32(f) + 1
		for _, set := range field.Sets {
			for _, a := range t.AtomsOf(set) {
				if seen[a] == mark {
					continue
				}
				seen[a] = mark
				from := of[a]
				for int(from) >= len(moved) {
					moved, to = append(moved, 0), append(to, 0)
				}
				if moved[from] != mark {
					moved[from] = mark
					copy(row, all.row(int(from)))
					row.or(s.having[f])
					to[from] = uint32(all.add(row))
				}
				of[a] = to[from]
			}
		}
	}
	// Classes that lost all their atoms are dropped.
	c.words = words
	name := make([]uint32, all.n) // 1 + the class's number among those kept
	for a, from := range of {
		if name[from] == 0 {
			name[from] = uint32(c.add(all.row(int(from)))) + 1
		}
		of[a] = name[from] - 1
	}
	return of, c
}

// portAxis is what decides about a port: for the source port the ports alone,
// for the destination port the protocol too.
type portAxis struct {
	entries []entry
	words   int
	classes
	index map[uint64][]int // classes by hash
}

func newPortAxis(entries []entry, words int) *portAxis {
	return &portAxis{entries: entries, words: words, classes: classes{words: words}, index: map[uint64][]int{}}
}

// classOf is the class of a row.
func (x *portAxis) classOf(row vector, hash uint64) int {
	for _, c := range x.index[hash] {
		if equal(x.row(c), row) {
			return c
		}
	}
	c := x.add(row)
	x.index[hash] = append(x.index[hash], c)
	return c
}

func equal(a, b vector) bool {
	for i, x := range a {
		if x != b[i] {
			return false
		}
	}
	return true
}

// fixed is the class of the entries for which has is true.
func (x *portAxis) fixed(has func(*Match) bool) int {
	row := make(vector, x.words)
	var hash uint64
	for i := range x.entries {
		if has(x.entries[i].match) {
			row.set(i)
			hash ^= scatter(i)
		}
	}
	return x.classOf(row, hash)
}

// segment is a run of ports of one class, from its first port to the next
// segment.
type segment struct {
	first uint16
	class int
}

// segments cuts all ports at the ranges of the entries for which has is true
// and returns the runs, of which the first begins at 0.
func (x *portAxis) segments(has func(*Match) bool, ranges func(*Match) []topology.PortRange) []segment {
	// A turn is a port where a range of an entry begins or ends to hold, as one
	// sortable number: port, entry, begins. Ranges of one entry may overlap, so
	// the open ones are counted.
	var turns []uint64
	row := make(vector, x.words)
	var hash uint64
	for i := range x.entries {
		m := x.entries[i].match
		if !has(m) {
			continue
		}
		if everyPort(ranges(m)) {
			row.set(i)
			hash ^= scatter(i)
			continue
		}
		for _, r := range ranges(m) {
			turns = append(turns, uint64(r.First)<<32|uint64(i)<<1|1, (uint64(r.Last)+1)<<32|uint64(i)<<1)
		}
	}
	slices.Sort(turns)
	open := make([]int32, len(x.entries))
	var out []segment
	for i, port := 0, uint64(0); port < 1<<16; {
		for ; i < len(turns) && turns[i]>>32 == port; i++ {
			e := turns[i] >> 1 & (1<<31 - 1)
			before := open[e]
			open[e] += int32(turns[i]&1)*2 - 1
			if (before > 0) != (open[e] > 0) {
				row[e>>6] ^= 1 << (e & 63)
				hash ^= scatter(int(e))
			}
		}
		if c := x.classOf(row, hash); len(out) == 0 || out[len(out)-1].class != c {
			out = append(out, segment{uint16(port), c})
		}
		if i == len(turns) {
			break
		}
		port = turns[i] >> 32
	}
	return out
}

// scatter is a hash of an entry's number; the hash of a set of entries is the
// exclusive or of theirs.
func scatter(i int) uint64 {
	x := uint64(i+1) * 0x9e3779b97f4a7c15
	x = (x ^ x>>32) * 0xd6e8feb86659fd93
	return bits.RotateLeft64(x, 29) ^ x>>32
}
