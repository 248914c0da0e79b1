package cidr

import "math/bits"

// leaves are the ends of both indexes: each maps 64 neighbouring addresses to
// atoms. Where a whole region has one atom, its leaf is shared by all places
// with that atom, so that every look-up ends alike and needs no branch for
// it. Atoms take two bytes, or four where the table has more than 65,536.
// Exactly one half of the slices is used.
type leaves struct {
	wide  bool
	two   []leaf2
	four  []leaf4
	many2 []uint16 // atoms of leaves with more than eight runs
	many4 []uint32
}

// leaf2 is a leaf with atoms of two bytes. Bit i of starts is set where
// address i begins a new run, except for i = 0, which needs none. Up to eight
// runs have their atoms in the leaf itself. A leaf of more has bit 0 set and
// says in its first two words where its atoms are.
type leaf2 struct {
	starts uint64
	atom   [8]uint16
}

// leaf4 is a leaf with atoms of four bytes.
type leaf4 struct {
	starts uint64
	atom   [8]uint32
}

// upTo is the mask of the bits 0 to i, i taken modulo 64.
func upTo(i uint64) uint64 { return ^uint64(0) >> (^i & 63) }

// rank is the number of bits 0 to i that are set.
func rank(set, i uint64) uint32 { return uint32(bits.OnesCount64(set & upTo(i))) }

// of returns the atom that leaf n has for an address, of which the last six
// bits count.
func (l *leaves) of(n uint32, address uint64) Atom {
	if l.wide {
		return l.of4(n, address)
	}
	leaf := &l.two[n]
	r := rank(leaf.starts, address)
	if leaf.starts&1 == 0 {
		return Atom(leaf.atom[r&7])
	}
	return Atom(l.many2[leaf.far()+r-1])
}

func (l *leaves) of4(n uint32, address uint64) Atom {
	leaf := &l.four[n]
	r := rank(leaf.starts, address)
	if leaf.starts&1 == 0 {
		return Atom(leaf.atom[r&7])
	}
	return Atom(l.many4[leaf.atom[0]+r-1])
}

// far is where the atoms of a leaf of many runs begin.
func (leaf *leaf2) far() uint32 { return uint32(leaf.atom[0]) | uint32(leaf.atom[1])<<16 }

// starts returns where the runs of a leaf begin, but for the first.
func (l *leaves) starts(n uint32) uint64 {
	if l.wide {
		return l.four[n].starts &^ 1
	}
	return l.two[n].starts &^ 1
}

func (l *leaves) size() int {
	return 24*cap(l.two) + 40*cap(l.four) + 2*cap(l.many2) + 4*cap(l.many4)
}

// leafBuilder makes leaves.
type leafBuilder struct {
	leaves
	constants []uint32 // by atom: 1 + the leaf that has it everywhere
}

// newLeafBuilder makes room for the leaves of as many atoms and intervals as
// there are.
func newLeafBuilder(atoms, intervals int) *leafBuilder {
	b := &leafBuilder{constants: make([]uint32, atoms)}
	b.wide = atoms > 1<<16
	if n := atoms + intervals/3; b.wide {
		b.four = make([]leaf4, 0, n)
	} else {
		b.two = make([]leaf2, 0, n)
	}
	return b
}

// constant returns the leaf that has one atom everywhere.
func (b *leafBuilder) constant(a Atom) uint32 {
	if b.constants[a] == 0 {
		b.constants[a] = b.add(0, []Atom{a}) + 1
	}
	return b.constants[a] - 1
}

// add appends a leaf of some runs; bit 0 of starts is not set.
func (b *leafBuilder) add(starts uint64, atoms []Atom) uint32 {
	far := uint32(len(b.many2) + len(b.many4))
	many := len(atoms) > 8
	if many {
		starts |= 1
	}
	if b.wide {
		leaf := leaf4{starts: starts}
		if many {
			leaf.atom[0] = far
			for _, a := range atoms {
				b.many4 = append(b.many4, uint32(a))
			}
		} else {
			for i, a := range atoms {
				leaf.atom[i] = uint32(a)
			}
		}
		b.four = append(b.four, leaf)
		return uint32(len(b.four) - 1)
	}
	leaf := leaf2{starts: starts}
	if many {
		leaf.atom[0], leaf.atom[1] = uint16(far), uint16(far>>16)
		for _, a := range atoms {
			b.many2 = append(b.many2, uint16(a))
		}
	} else {
		for i, a := range atoms {
			leaf.atom[i] = uint16(a)
		}
	}
	b.two = append(b.two, leaf)
	return uint32(len(b.two) - 1)
}

// done returns the leaves without room for more.
func (b *leafBuilder) done() leaves {
	l := b.leaves
	l.two, l.four, l.many2, l.many4 = exact(l.two), exact(l.four), exact(l.many2), exact(l.many4)
	return l
}

// exact is the slice in an array of its own length, for what is kept.
func exact[T any](s []T) []T { return append(make([]T, 0, len(s)), s...) }
