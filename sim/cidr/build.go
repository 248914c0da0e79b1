package cidr

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
)

// MaxSets is the largest number of sets of a table.
const MaxSets = 1 << 26

// Build makes the table of the sets; set i of the argument has the SetID i.
// Prefixes may nest, overlap and repeat, in one set and between sets; bits
// beyond a prefix's length do not count. An IPv4 prefix written as IPv6
// (::ffff:a.b.c.d/96 and longer) is that IPv4 prefix. A set may be empty. An
// invalid prefix is an error that names the set and the place in it.
func Build(sets [][]netip.Prefix) (*Table, error) {
	if len(sets) > MaxSets {
		return nil, fmt.Errorf("%d sets of prefixes: expected at most %d", len(sets), MaxSets)
	}
	four, six, err := entries(sets)
	if err != nil {
		return nil, err
	}
	b := &builder{}
	b.grow(len(four) + len(six))
	b.atom(0, nil) // Outside
	in4 := b.sweep(group4(four))
	in6 := b.sweep(group6(six))

	t := &Table{prefixes: b.prefixes}
	if len(b.end) > cut || len(b.members) > math.MaxUint32 {
		return nil, fmt.Errorf("%d atoms with %d sets in all: expected at most %d with %d", len(b.end), len(b.members), cut, uint32(math.MaxUint32))
	}
	t.members, t.memberEnd = exact(b.members), exact(b.end)
	t.invert(len(sets))
	l := newLeafBuilder(t.Atoms(), len(in4.starts)+len(in6.starts))
	t.four = buildFour(in4, l)
	t.six = buildSix(in6, l)
	t.leaves = l.done()
	return t, nil
}

// invert lists the atoms of every set.
func (t *Table) invert(sets int) {
	t.atomEnd = make([]uint32, sets)
	for _, s := range t.members {
		t.atomEnd[s]++
	}
	var sum uint32
	for s, n := range t.atomEnd {
		t.atomEnd[s] = sum // where the set's atoms begin, for now
		sum += n
	}
	t.atoms = make([]Atom, len(t.members))
	first := uint32(0)
	for a, end := range t.memberEnd {
		for _, s := range t.members[first:end] {
			t.atoms[t.atomEnd[s]] = Atom(a)
			t.atomEnd[s]++
		}
		first = end
	}
}

// builder gathers what the two families share.
type builder struct {
	interner
	prefixes int
	sets     []SetID // of the open prefixes, each in full, innermost last
}

// prefix is a prefix with the sets that name it.
type prefix struct {
	first, last Key6
	from, to    uint32 // in the list of sets, ascending there
}

// open is a prefix that holds the current place of a sweep. Its atom is made
// when the first address is found that no inner prefix takes.
type open struct {
	last Key6
	from int // of its sets
	hash uint64
	atom Atom
	made bool
}

// intervals are sorted and without gaps: interval i begins at starts[i], and
// starts[0] is the first address of the space. Neighbours have different
// atoms.
type intervals struct {
	starts []Key6
	atoms  []Atom
}

func (v *intervals) add(start Key6, a Atom) {
	if n := len(v.atoms); n == 0 || v.atoms[n-1] != a {
		v.starts, v.atoms = append(v.starts, start), append(v.atoms, a)
	}
}

// sweep cuts the space from zero to last into intervals. Prefixes are sorted
// by address, outer before inner, and each is there once.
func (b *builder) sweep(prefixes []prefix, sets []SetID, last Key6) intervals {
	room := len(prefixes)*3/2 + 1 // as a rule
	v := intervals{make([]Key6, 0, room), make([]Atom, 0, room)}
	b.prefixes += len(prefixes)
	b.sets = b.sets[:0]
	stack := []open{{last: last}}
	var at Key6 // the first address that has no interval yet
	for _, p := range prefixes {
		for ; stack[len(stack)-1].last.less(p.first); stack = stack[:len(stack)-1] {
			o := &stack[len(stack)-1]
			if !o.last.less(at) {
				v.add(at, b.atomOf(o))
				at = o.last.next()
			}
			b.sets = b.sets[:o.from]
		}
		outer := &stack[len(stack)-1]
		if at.less(p.first) {
			v.add(at, b.atomOf(outer))
			at = p.first
		}
		if hash, from, ok := b.join(outer, sets[p.from:p.to]); ok {
			stack = append(stack, open{last: p.last, from: from, hash: hash})
		}
	}
	for ; ; stack = stack[:len(stack)-1] {
		o := &stack[len(stack)-1]
		if !o.last.less(at) {
			v.add(at, b.atomOf(o))
			if o.last == last {
				return v // the outermost ends there, if no inner one does
			}
			at = o.last.next()
		}
		b.sets = b.sets[:o.from]
	}
}

// atomOf is the atom of the innermost open prefix.
func (b *builder) atomOf(o *open) Atom {
	if !o.made {
		o.atom, o.made = b.atom(o.hash, b.sets[o.from:]), true
	}
	return o.atom
}

// join appends the sets of the innermost open prefix together with some more,
// and returns the hash of the union and where it begins. Both are ascending.
// It reports false, and appends nothing, where they add nothing.
func (b *builder) join(outer *open, more []SetID) (hash uint64, from int, ok bool) {
	from, hash = len(b.sets), outer.hash
	i := outer.from
	for _, s := range more {
		for i < from && b.sets[i] < s {
			b.sets = append(b.sets, b.sets[i])
			i++
		}
		if i < from && b.sets[i] == s {
			continue
		}
		b.sets = append(b.sets, s)
		hash ^= scatter(uint64(s) + 1)
		ok = true
	}
	if !ok {
		b.sets = b.sets[:from]
		return 0, 0, false
	}
	b.sets = append(b.sets, b.sets[i:from]...)
	return hash, from, true
}

// interner numbers the different lists of sets.
type interner struct {
	members []SetID  // list after list
	end     []uint32 // end in members, by atom
	hashes  []uint64 // by atom
	slots   []Atom   // open addressing by hash, a power of two: atom + 1, 0 is empty
}

// atom returns the atom of a list of sets. The hash only finds the candidates:
// lists are equal when all of their sets are.
func (t *interner) atom(hash uint64, sets []SetID) Atom {
	if 2*len(t.end) >= len(t.slots) {
		t.grow(0)
	}
	mask := uint64(len(t.slots) - 1)
	for k := scatter(hash); ; k++ {
		slot := &t.slots[k&mask]
		if *slot == 0 {
			*slot = Atom(len(t.end)) + 1
			t.members = append(t.members, sets...)
			t.end = append(t.end, uint32(len(t.members)))
			t.hashes = append(t.hashes, hash)
			return *slot - 1
		}
		if a := *slot - 1; t.hashes[a] == hash && slices.Equal(t.list(a), sets) {
			return a
		}
	}
}

func (t *interner) list(a Atom) []SetID {
	if a == 0 {
		return t.members[:t.end[0]]
	}
	return t.members[t.end[a-1]:t.end[a]]
}

// grow makes room for as many lists again, or for those that as many prefixes
// usually have.
func (t *interner) grow(prefixes int) {
	n := max(1024, 2*len(t.slots))
	for n < prefixes/4 {
		n *= 2
	}
	t.slots = make([]Atom, n)
	mask := uint64(len(t.slots) - 1)
	for a, hash := range t.hashes {
		k := scatter(hash)
		for t.slots[k&mask] != 0 {
			k++
		}
		t.slots[k&mask] = Atom(a) + 1
	}
}

// scatter mixes the bits of a number (the finalizer of splitmix64).
func scatter(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
