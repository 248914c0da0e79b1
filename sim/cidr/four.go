package cidr

// four is the IPv4 index: 12 address bits choose a page, 8 a node in the page,
// 6 a run of blocks in the node, and 6 a run of addresses in the block's leaf.
// Pages, nodes and leaves without a boundary inside are shared by all places
// that look the same, so the memory follows the number of boundaries, and
// every look-up is the same few dependent loads without a branch.
type four struct {
	top   [1 << 12]uint16 // page, by address bits 31–20
	root  []uint32        // node, by page and address bits 19–12
	nodes []node4
	slots []uint32 // leaves
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
	f := &t.four
	n := &f.nodes[f.root[uint32(f.top[address>>20])<<8|address>>12&255]]
	leaf := f.slots[n.slot+rank(n.starts, uint64(address>>6))]
	return t.leaves.of(leaf, uint64(address))
}

func (f *four) size() int {
	return 2*len(f.top) + 4*cap(f.root) + 16*cap(f.nodes) + 4*cap(f.slots)
}

// fourBuilder makes the index from the intervals of the space.
type fourBuilder struct {
	four
	intervals
	leaves *leafBuilder
	i      int // the interval that holds the address reached

	nodeOf map[Atom]uint32 // nodes and pages that have one atom everywhere
	pageOf map[Atom]uint16
	inLeaf []Atom
}

func buildFour(in intervals, l *leafBuilder) four {
	b := &fourBuilder{intervals: in, leaves: l, nodeOf: map[Atom]uint32{}, pageOf: map[Atom]uint16{}}
	for t := range b.top {
		b.top[t] = b.page(uint64(t) << 20)
	}
	b.root, b.nodes, b.slots = exact(b.root), exact(b.nodes), exact(b.slots)
	return b.four
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

func (b *fourBuilder) page(first uint64) uint16 {
	if b.reach(first) < first+1<<20 {
		p := uint16(len(b.root) >> 8)
		for k := range uint64(256) {
			b.root = append(b.root, b.node(first+k<<12))
		}
		return p
	}
	a := b.atoms[b.i]
	p, ok := b.pageOf[a]
	if !ok {
		p = uint16(len(b.root) >> 8)
		for range 256 {
			b.root = append(b.root, b.node(first))
		}
		b.pageOf[a] = p
	}
	return p
}

func (b *fourBuilder) node(first uint64) uint32 {
	end := first + 1<<12
	if b.reach(first) >= end {
		a := b.atoms[b.i]
		n, ok := b.nodeOf[a]
		if !ok {
			n = b.addNode(node4{slot: b.addSlot(b.leaves.constant(a))})
			b.nodeOf[a] = n
		}
		return n
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
			b.addSlot(leaf)
		}
		at = past
	}
	return b.addNode(n)
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

func (b *fourBuilder) addNode(n node4) uint32 {
	b.nodes = append(b.nodes, n)
	return uint32(len(b.nodes) - 1)
}

func (b *fourBuilder) addSlot(leaf uint32) uint32 {
	b.slots = append(b.slots, leaf)
	return uint32(len(b.slots) - 1)
}
