package cidr

// four is the IPv4 index: 16 address bits choose a group of nodes, 4 a node of
// the group, 6 a run of blocks in the node, and 6 a run of addresses in the
// block's leaf. Groups, nodes' slots and leaves without a boundary inside are
// shared by all places that look the same, so the memory follows the number of
// boundaries, and every look-up is the same four loads without a branch.
type four struct {
	root  [1 << 16]uint16 // group, by address bits 31–16
	nodes []node4         // 16 to a group, by address bits 15–12
	slots []uint32        // leaves
}

// node4 covers 64 blocks of 64 addresses. Neighbouring blocks with the same
// leaf share a slot: bit i of starts is set where block i begins another one
// than the first, which is at slot.
type node4 struct {
	starts uint64
	slot   uint32
}

// Lookup4 returns the atom of an IPv4 address, given as a number in host
// order (10.0.0.1 is 0x0a000001).
func (t *Table) Lookup4(address uint32) Atom {
	f := t.four
	n := &f.nodes[uint32(f.root[address>>16])<<4|address>>12&15]
	at := f.slots[n.slot+rank(n.starts, uint64(address>>6))]
	if t.leaves.wide {
		return t.leaves.of4(at, uint64(address))
	}
	leaf := &t.leaves.two[at]
	r := rank(leaf.starts, uint64(address))
	if leaf.starts&1 == 0 {
		return Atom(leaf.atom[r&7])
	}
	return Atom(t.leaves.many2[leaf.far()+r-1])
}

// Lookup4Pair is Lookup4 of two addresses in less time than two calls.
func (t *Table) Lookup4Pair(a, b uint32) (Atom, Atom) {
	if t.leaves.wide {
		return t.Lookup4(a), t.Lookup4(b)
	}
	f := t.four
	nodes, slots := f.nodes, f.slots
	n := &nodes[uint32(f.root[a>>16])<<4|a>>12&15]
	m := &nodes[uint32(f.root[b>>16])<<4|b>>12&15]
	i := slots[n.slot+rank(n.starts, uint64(a>>6))]
	j := slots[m.slot+rank(m.starts, uint64(b>>6))]
	two := t.leaves.two
	l, k := &two[i], &two[j]
	if (l.starts|k.starts)&1 != 0 {
		return t.leaves.of(i, uint64(a)), t.leaves.of(j, uint64(b))
	}
	r, s := rank(l.starts, uint64(a)), rank(k.starts, uint64(b))
	return Atom(l.atom[r&7]), Atom(k.atom[s&7])
}

func (f *four) size() int {
	return 2*len(f.root) + 16*cap(f.nodes) + 4*cap(f.slots)
}

// fourBuilder makes the index from the intervals of the space.
type fourBuilder struct {
	four
	intervals
	leaves *leafBuilder
	i      int // the interval that holds the address reached

	groupOf map[Atom]uint16 // groups that have one atom everywhere
	slotOf  map[Atom]uint32 // slots of nodes that have
	inLeaf  []Atom
}

func buildFour(in intervals, l *leafBuilder) *four {
	b := &fourBuilder{intervals: in, leaves: l, groupOf: map[Atom]uint16{}, slotOf: map[Atom]uint32{}}
	b.nodes = make([]node4, 0, 1<<14)
	b.slots = make([]uint32, 0, len(in.starts))
	for g := range b.root {
		b.root[g] = b.group(uint64(g) << 16)
	}
	return &four{b.root, exact(b.nodes), exact(b.slots)}
}

// reach moves to the interval that holds an address, and returns the first
// address of the next one; 1<<32 after the last.
func (b *fourBuilder) reach(address uint64) (next uint64) {
	for ; b.i+1 < len(b.starts); b.i++ {
		if next := b.starts[b.i+1].Lo; next > address {
			return next
		}
	}
	return 1 << 32
}

// group makes the nodes of 65,536 addresses.
func (b *fourBuilder) group(first uint64) uint16 {
	g := uint16(len(b.nodes) >> 4)
	if b.reach(first) < first+1<<16 {
		for k := range uint64(16) {
			b.nodes = append(b.nodes, b.node(first+k<<12))
		}
		return g
	}
	a := b.atoms[b.i]
	if same, ok := b.groupOf[a]; ok {
		return same
	}
	b.groupOf[a] = g
	n := b.node(first)
	for range 16 {
		b.nodes = append(b.nodes, n)
	}
	return g
}

func (b *fourBuilder) node(first uint64) node4 {
	end := first + 1<<12
	if b.reach(first) >= end {
		a := b.atoms[b.i]
		slot, ok := b.slotOf[a]
		if !ok {
			slot = uint32(len(b.slots))
			b.slots = append(b.slots, b.leaves.constant(a))
			b.slotOf[a] = slot
		}
		return node4{slot: slot}
	}
	n := node4{slot: uint32(len(b.slots))}
	for at := first; at < end; {
		next := b.reach(at)
		leaf := uint32(0)
		past := at + 64
		if next >= past { // one atom in the whole block, and in others after it
			leaf = b.leaves.constant(b.atoms[b.i])
			past = min(next, end) &^ 63
		} else {
			leaf = b.leaf(at)
		}
		if at == first || leaf != b.slots[len(b.slots)-1] {
			if at != first {
				n.starts |= 1 << (at >> 6 & 63)
			}
			b.slots = append(b.slots, leaf)
		}
		at = past
	}
	return n
}

// leaf makes the leaf of a block with boundaries inside.
func (b *fourBuilder) leaf(first uint64) uint32 {
	var starts uint64
	b.inLeaf = append(b.inLeaf[:0], b.atoms[b.i])
	for b.i+1 < len(b.starts) && b.starts[b.i+1].Lo < first+64 {
		b.i++
		starts |= 1 << (b.starts[b.i].Lo & 63)
		b.inLeaf = append(b.inLeaf, b.atoms[b.i])
	}
	return b.leaves.add(starts, b.inLeaf)
}
