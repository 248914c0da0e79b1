package cidr

// block is how many look-ups of a batch are under way at once: the loads of
// one stage of all of them overlap.
const block = 64

// Lookup4Batch puts the atom of every key into the same place of dst, which
// must be as long.
func (t *Table) Lookup4Batch(dst []Atom, keys []uint32) {
	dst = dst[:len(keys)]
	if t.leaves.wide {
		for i, k := range keys {
			dst[i] = t.Lookup4(k)
		}
		return
	}
	for len(keys) > block {
		t.block4(dst[:block], keys[:block])
		dst, keys = dst[block:], keys[block:]
	}
	t.block4(dst, keys)
}

func (t *Table) block4(dst []Atom, keys []uint32) {
	var room [block]uint32
	slot := room[:len(keys)]
	nodes, root := t.four.nodes, &t.four.root
	for i, k := range keys {
		n := &nodes[uint32(root[k>>16])<<4|k>>12&15]
		slot[i] = n.slot + rank(n.starts, uint64(k>>6))
	}
	slots, two := t.four.slots, t.leaves.two
	dst = dst[:len(keys)]
	for i, k := range keys {
		leaf := &two[slots[slot[i]]]
		r := rank(leaf.starts, uint64(k))
		a := leaf.atom[r&7]
		if leaf.starts&1 != 0 {
			a = t.leaves.many2[leaf.far()+r-1]
		}
		dst[i] = Atom(a)
	}
}

// Lookup6Batch puts the atom of every key into the same place of dst, which
// must be as long.
func (t *Table) Lookup6Batch(dst []Atom, keys []Key6) {
	dst = dst[:len(keys)]
	for i, k := range keys {
		dst[i] = t.Lookup6(k.Hi, k.Lo)
	}
}
