package cidr

import (
	"cmp"
	"encoding/binary"
	"iter"
	"math/bits"
	"net/netip"
	"slices"
)

// Interval is a run of neighbouring addresses of one family with the same
// atom, First to Last, both inclusive.
type Interval struct {
	First, Last netip.Addr
	Atom        Atom
}

// All yields the intervals of the whole address space in order, IPv4 before
// IPv6. They leave no gap, and neighbours of one family have different atoms.
func (t *Table) All() iter.Seq[Interval] {
	return func(yield func(Interval) bool) {
		four := func(k Key6) Atom { return t.Lookup4(uint32(k.Lo)) }
		six := func(k Key6) Atom { return t.Lookup6(k.Hi, k.Lo) }
		_ = merge(t.edges4(), Key6{0, 1<<32 - 1}, four, addr4, yield) &&
			merge(t.edges6(), Key6{^uint64(0), ^uint64(0)}, six, addr6, yield)
	}
}

// merge yields the intervals between edges, some of which may have the same
// atom on both sides. It sorts the edges.
func merge(edges []Key6, last Key6, atom func(Key6) Atom, addr func(Key6) netip.Addr, yield func(Interval) bool) bool {
	slices.SortFunc(edges, func(a, b Key6) int {
		return cmp.Or(cmp.Compare(a.Hi, b.Hi), cmp.Compare(a.Lo, b.Lo))
	})
	var start Key6
	current := atom(start)
	for _, e := range edges {
		a := atom(e)
		if a == current {
			continue
		}
		if !yield(Interval{addr(start), addr(e.before()), current}) {
			return false
		}
		start, current = e, a
	}
	return yield(Interval{addr(start), addr(last), current})
}

// edges4 are the places where the IPv4 index may change its answer.
func (t *Table) edges4() []Key6 {
	var edges []Key6
	add := func(k uint64) { edges = append(edges, Key6{0, k}) }
	before := -1
	for k, g := range t.four.root {
		if int(g) == before {
			continue
		}
		before = int(g)
		for i := range uint64(16) {
			n := &t.four.nodes[uint64(g)<<4|i]
			blockEdges(n.starts, t.four.slots[n.slot:], uint64(k)<<16|i<<12, 6, add, func(leaf uint32, at uint64) {
				t.leafEdges(leaf, at, add)
			})
		}
	}
	return edges
}

// edges6 are the places where the IPv6 index may change its answer.
func (t *Table) edges6() []Key6 {
	var edges []Key6
	inRegions := func(hi uint64) { edges = append(edges, Key6{hi, 0}) }
	before := ^uint32(0) // no node
	for k := range uint64(1 << 16) {
		e := t.six.root[uint32(t.six.top[k>>8])<<8|uint32(k&255)]
		if e == before {
			continue
		}
		before = e
		inRegions(k << 48)
		if e >= inner {
			t.trieEdges(e, inRegions)
		}
	}
	for i := range t.six.subnets {
		if n := &t.six.subnets[i]; n.node != 0 {
			inRegions(n.hi)
			inRegions(n.hi + 1) // 0 after the last: an edge as well
			t.trieEdges(n.node, func(lo uint64) { edges = append(edges, Key6{n.hi, lo}) })
		}
	}
	return edges
}

// trieEdges tells the places where the trie below a node may change.
func (t *Table) trieEdges(e uint32, add func(uint64)) {
	n := &t.six.nodes[e&^inner]
	add((n.base + 64) << n.shift) // beyond the last key: any place will do
	blockEdges(n.starts, t.six.slots[n.slot+2:], n.base<<n.shift, n.shift, add, func(e uint32, at uint64) {
		switch {
		case e >= inner:
			t.trieEdges(e, add)
		case e >= cut:
			t.leafEdges(e&^cut, at, add)
		}
	})
}

// blockEdges tells the edges between the 64 blocks of 2^shift keys of a node,
// of which the first begins at a key and has the first slot, and has those
// inside the slots told.
func blockEdges(starts uint64, slots []uint32, first uint64, shift uint8, add func(uint64), inside func(e uint32, at uint64)) {
	for i := range uint64(64) {
		if i == 0 || starts>>i&1 != 0 {
			at := first + i<<shift
			add(at)
			inside(slots[rank(starts, i)], at)
		}
	}
}

// leafEdges tells the places where a leaf may change.
func (t *Table) leafEdges(leaf uint32, first uint64, add func(uint64)) {
	for s := t.leaves.starts(leaf); s != 0; s &= s - 1 {
		add(first + uint64(bits.TrailingZeros64(s)))
	}
}

func addr4(k Key6) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(k.Lo))
	return netip.AddrFrom4(b)
}

func addr6(k Key6) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], k.Hi)
	binary.BigEndian.PutUint64(b[8:], k.Lo)
	return netip.AddrFrom16(b)
}

// before is the address before k.
func (k Key6) before() Key6 {
	if k.Lo == 0 {
		return Key6{k.Hi - 1, ^uint64(0)}
	}
	return Key6{k.Hi, k.Lo - 1}
}
