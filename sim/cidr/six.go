package cidr

import "math/bits"

// six is the IPv6 index. Real tables cut the upper 64 bits coarsely and only
// some of the /64s further, down to single addresses, so it is two maps of 64
// bits: a trie over the upper half, and for each /64 with boundaries inside,
// found by hash, a trie over the lower half. The first 16 bits say at once
// where there is nothing to look for.
type six struct {
	top   [1 << 8]uint16 // page, by the first address byte
	root  []uint32       // by page and second byte: inner | node over the upper half, or an atom
	nodes []node6
	slots []uint32 // inner | node, cut | leaf, or an atom

	subnets []subnet // by hash, open addressing, a power of two
	filter  []uint64 // a bit for every hash in subnets, and few others
	shift   uint8    // 64 - log2(len(subnets))
}

// inner marks a node and cut a leaf, where an atom is not the end of a look-up.
const (
	inner = 1 << 31
	cut   = 1 << 30
)

// node6 covers 64 blocks of 2^shift keys, from base<<shift on. The keys below
// them share a slot, at slot, those above another, at slot+1. In between,
// neighbouring blocks with the same slot share it: bit i of starts is set
// where block i begins another one than the first, which is at slot+2.
type node6 struct {
	starts uint64
	base   uint64
	slot   uint32
	shift  uint8 // 6 or more: a leaf is 64 keys
}

// subnet is a /64 with boundaries inside; node is 0 in an empty place.
type subnet struct {
	hi   uint64
	node uint32 // inner | node
}

// filterBits is how many more bits of the hash the filter looks at.
const filterBits = 3

func hash(hi uint64) uint64 { return hi * 0x9e3779b97f4a7c15 }

// Lookup6 returns the atom of an IPv6 address, given as its two halves in
// host order.
func (t *Table) Lookup6(hi, lo uint64) Atom {
	s := &t.six
	e := s.root[uint32(s.top[hi>>56])<<8|uint32(hi>>48&255)]
	if e < inner {
		return Atom(e)
	}
	h := hash(hi)
	if bit := h >> ((s.shift - filterBits) & 63); s.filter[bit>>6]>>(bit&63)&1 != 0 {
		mask := uint64(len(s.subnets) - 1)
		for k := h >> (s.shift & 63); ; k++ {
			n := &s.subnets[k&mask]
			if n.node == 0 {
				break
			}
			if n.hi == hi {
				// Here every end is a leaf, cut or not: which one it is cannot be
				// foreseen, and this way need not be.
				return t.leaves.of(s.walk(n.node, lo)&^cut, lo)
			}
		}
	}
	if e = s.walk(e, hi); e < cut {
		return Atom(e)
	}
	return t.leaves.of(e&^cut, hi)
}

// walk follows a trie for one half of an address to its end.
func (s *six) walk(e uint32, key uint64) uint32 {
	for e >= inner {
		n := &s.nodes[e&^inner]
		block := key >> (n.shift & 63)
		slot := n.slot + 2 + rank(n.starts, block-n.base)
		if block-n.base > 63 {
			slot = n.slot + 1
		}
		if block < n.base {
			slot = n.slot
		}
		e = s.slots[slot]
	}
	return e
}

func (s *six) size() int {
	return 2*len(s.top) + 4*cap(s.root) + 24*cap(s.nodes) + 4*cap(s.slots) + 16*cap(s.subnets) + 8*cap(s.filter)
}

// runs are sorted runs of 64-bit keys: run i begins at starts[i]. The first
// may begin anywhere below the keys in question.
type runs struct {
	starts []uint64
	atoms  []Atom
}

func (r runs) slice(from, to int) runs { return runs{r.starts[from:to], r.atoms[from:to]} }

func (r *runs) add(start uint64, a Atom) {
	r.starts, r.atoms = append(r.starts, start), append(r.atoms, a)
}

// sixBuilder makes the index from the intervals of the space.
type sixBuilder struct {
	six
	leaves  *leafBuilder
	within  bool     // the tries made are those of /64s: their atoms are leaves too
	regions runs     // of the upper halves
	deep    []uint64 // the upper halves of the /64s with boundaries inside, sorted
	deepEnd []int    // end in inside, by /64
	inside  runs     // of the lower halves, /64 after /64
}

func buildSix(in intervals, l *leafBuilder) six {
	b := &sixBuilder{leaves: l}
	b.split(in)
	b.pages()
	b.insides()
	b.root, b.nodes, b.slots = exact(b.root), exact(b.nodes), exact(b.slots)
	return b.six
}

// split tells regions of whole /64s from the /64s with boundaries inside. A
// /64 of the second kind belongs to no region, so the one before it simply
// goes on.
func (b *sixBuilder) split(in intervals) {
	n := len(in.starts)
	b.inside = runs{make([]uint64, 0, n), make([]Atom, 0, n)}
	region := func(hi uint64, a Atom) {
		if n := len(b.regions.atoms); n == 0 || b.regions.atoms[n-1] != a {
			b.regions.add(hi, a)
		}
	}
	for i := 0; i < len(in.starts); {
		hi := in.starts[i].Hi
		j := i + 1
		for j < len(in.starts) && in.starts[j].Hi == hi {
			j++
		}
		if j == i+1 && in.starts[i].Lo == 0 {
			region(hi, in.atoms[i])
			i = j
			continue
		}
		b.deep = append(b.deep, hi)
		if in.starts[i].Lo != 0 {
			b.inside.add(0, in.atoms[i-1])
		}
		for ; i < j; i++ {
			b.inside.add(in.starts[i].Lo, in.atoms[i])
		}
		b.deepEnd = append(b.deepEnd, len(b.inside.starts))
		last := in.atoms[j-1]
		if len(b.regions.starts) == 0 { // the /64 of the address zero
			region(0, last)
		}
		if hi != ^uint64(0) && (j == len(in.starts) || in.starts[j] != Key6{hi + 1, 0}) {
			region(hi+1, last)
		}
	}
}

// insides makes the table of the /64s with boundaries inside and their tries.
func (b *sixBuilder) insides() {
	n := 64
	for n < 4*len(b.deep) {
		n *= 2
	}
	b.within = true
	b.subnets = make([]subnet, n)
	b.filter = make([]uint64, n<<filterBits>>6)
	b.shift = uint8(64 - bits.TrailingZeros(uint(n)))
	first := 0
	for i, hi := range b.deep {
		node := b.trie(b.inside.slice(first, b.deepEnd[i]))
		first = b.deepEnd[i]
		h := hash(hi)
		bit := h >> (b.shift - filterBits)
		b.filter[bit>>6] |= 1 << (bit & 63)
		k := h >> b.shift
		for b.subnets[k&uint64(n-1)].node != 0 {
			k++
		}
		b.subnets[k&uint64(n-1)] = subnet{hi, node}
	}
}

// pages makes the table of the first 16 bits and the tries below it.
func (b *sixBuilder) pages() {
	pageOf := map[Atom]uint16{} // pages that have one atom everywhere
	run, deep := 0, 0           // the run that holds the key reached, the next /64 with boundaries
	// take returns the runs that hold the keys first to last and whether none
	// of them is in a /64 with boundaries.
	take := func(first, last uint64) (r runs, plain bool) {
		for run+1 < len(b.regions.starts) && b.regions.starts[run+1] <= first {
			run++
		}
		end := run + 1
		for end < len(b.regions.starts) && b.regions.starts[end] <= last {
			end++
		}
		for deep < len(b.deep) && b.deep[deep] < first {
			deep++
		}
		return b.regions.slice(run, end), deep == len(b.deep) || b.deep[deep] > last
	}
	for t := range b.top {
		first := uint64(t) << 56
		if r, plain := take(first, first|(1<<56-1)); plain && len(r.atoms) == 1 {
			a := r.atoms[0]
			p, ok := pageOf[a]
			if !ok {
				p = uint16(len(b.root) >> 8)
				for range 256 {
					b.root = append(b.root, uint32(a))
				}
				pageOf[a] = p
			}
			b.top[t] = p
			continue
		}
		b.top[t] = uint16(len(b.root) >> 8)
		for k := range uint64(256) {
			first := first | k<<48
			r, plain := take(first, first|(1<<48-1))
			e := uint32(r.atoms[0])
			if !plain || len(r.atoms) > 1 {
				e = b.trie(r)
			}
			b.root = append(b.root, e)
		}
	}
}

// trie makes the trie of some runs; the result is inner | its first node.
func (b *sixBuilder) trie(r runs) uint32 {
	at := uint32(len(b.nodes))
	b.nodes = append(b.nodes, node6{})
	n := node6{slot: uint32(len(b.slots)), shift: 6}
	b.slots = append(b.slots, b.end(r.atoms[0]), b.end(r.atoms[len(r.atoms)-1]))
	if len(r.starts) == 1 {
		b.slots = append(b.slots, b.end(r.atoms[0]))
		b.nodes[at] = n
		return inner | at
	}
	low, high := r.starts[1], r.starts[len(r.starts)-1]
	for high>>n.shift-low>>n.shift > 63 {
		n.shift++
	}
	n.base = low >> n.shift

	// The slots of a node lie together, so the tries below are made after it.
	var below [64]struct{ from, to, slot int }
	children := 0
	previous := uint32(0)
	add := func(block uint64, e uint32) {
		if block > 0 {
			if e == previous && e < inner {
				return
			}
			n.starts |= 1 << block
		}
		b.slots = append(b.slots, e)
		previous = e
	}
	i := 0 // the run that holds the block's first key
	for block := uint64(0); block < 64; {
		if i+1 == len(r.starts) {
			add(block, b.end(r.atoms[i])) // to the end of the window
			break
		}
		next := r.starts[i+1]
		if next>>n.shift-n.base > block || next == (n.base+block)<<n.shift {
			if next == (n.base+block)<<n.shift {
				i++
				continue
			}
			add(block, b.end(r.atoms[i]))
			block = next>>n.shift - n.base
			continue
		}
		from := i
		for i+1 < len(r.starts) && r.starts[i+1]>>n.shift-n.base == block {
			i++
		}
		if n.shift == 6 {
			add(block, cut|b.leaf(r.slice(from, i+1)))
		} else {
			add(block, inner)
			below[children].from, below[children].to, below[children].slot = from, i+1, len(b.slots)-1
			children++
		}
		block++
	}
	b.nodes[at] = n
	for _, c := range below[:children] {
		b.slots[c.slot] = b.trie(r.slice(c.from, c.to))
	}
	return inner | at
}

// end is the slot of keys that all have one atom.
func (b *sixBuilder) end(a Atom) uint32 {
	if b.within {
		return cut | b.leaves.constant(a)
	}
	return uint32(a)
}

// leaf makes the leaf of the 64 keys in which all runs but the first begin.
func (b *sixBuilder) leaf(r runs) uint32 {
	var starts uint64
	for _, s := range r.starts[1:] {
		starts |= 1 << (s & 63)
	}
	return b.leaves.add(starts, r.atoms)
}
