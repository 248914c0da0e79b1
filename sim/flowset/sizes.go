package flowset

import (
	"encoding/binary"
	"math/big"
	"math/bits"
	"slices"
)

// Sizes are the numbers of packets that the owner's rules match or may match,
// by what the list does with them without these rules. It gives up, with
// false, where so many steps are not enough.
func (o *Order) Sizes(owner, steps int) (allowed, denied, open *big.Int, ok bool) {
	c := &counter{o: o, owner: owner, steps: steps}
	sum := noPackets()
	for i := range o.asked[owner].each {
		e := &o.entries[i]
		among := o.empty()
		for k := range o.entries {
			if o.entries[k].owner != owner || k < i && o.asked[owner].has(k) {
				among.set(k)
			}
		}
		for _, kind := range o.hunted(protocol, e) {
			h := o.hunt(e, kind, among, nil)
			if h == nil {
				continue
			}
			c.h, c.known = h, make([]map[string][3]*big.Int, len(h.order)+1)
			for d := range c.known {
				c.known[d] = map[string][3]*big.Int{}
			}
			c.size = make([]*big.Int, len(h.order)+1)
			c.size[len(h.order)] = big.NewInt(1)
			for d := len(h.order) - 1; d >= 0; d-- {
				n := new(big.Int)
				for _, k := range o.hunted(h.order[d], e) {
					n.Add(n, o.size(h.order[d], k))
				}
				c.size[d] = n.Mul(n, c.size[d+1])
			}
			for a, n := range c.count(0, h.room[0]) {
				sum[a].Add(sum[a], new(big.Int).Mul(n, o.size(protocol, kind)))
			}
		}
	}
	return sum[0], sum[1], sum[2], c.steps >= 0
}

// counter counts the packets of an entry by answer: allowed, denied, open.
type counter struct {
	o     *Order
	owner int
	h     *hunt
	known []map[string][3]*big.Int
	size  []*big.Int // of all that is left, by place
	steps int
}

func noPackets() [3]*big.Int { return [3]*big.Int{new(big.Int), new(big.Int), new(big.Int)} }

// answer is what all the entries do: 0 allow, 1 deny; false where they differ.
func (c *counter) answer(left mask) (int, bool) {
	var allows, denies bool
	for w, x := range left {
		allows = allows || x&c.o.allow[w] != 0
		denies = denies || x&^c.o.allow[w] != 0
	}
	if allows {
		return 0, !denies
	}
	return 1, true
}

func (c *counter) count(depth int, left mask) [3]*big.Int {
	if c.steps--; c.steps < 0 {
		return noPackets()
	}
	// The first entry that matches all that is left ends the list; what a rule
	// of the owner before this one matches is counted there.
	left = slices.Clone(left)
	own, end := c.o.own[c.owner], -1
	mine := false
	for w, x := range left {
		full := x & c.h.full[depth][w]
		if full&own[w] != 0 {
			return noPackets()
		}
		mine = mine || x&own[w] != 0
		if full &= c.o.must[w]; full != 0 && end < 0 {
			end = w*64 + bits.TrailingZeros64(full)
		}
	}
	if !mine && end >= 0 {
		left.cutFrom(end + 1)
		if a, ok := c.answer(left); ok {
			x := noPackets()
			x[a] = c.size[depth]
			return x
		}
	}
	if depth == len(c.h.order) {
		x := noPackets()
		x[2] = c.size[depth]
		return x
	}
	key := make([]byte, 0, 8*len(left))
	for _, w := range left {
		key = binary.LittleEndian.AppendUint64(key, w)
	}
	if x, ok := c.known[depth][string(key)]; ok {
		return x
	}
	sum := noPackets()
	level := c.h.order[depth]
	next := c.o.empty()
	for _, k := range c.o.hunted(level, c.h.e) {
		for w, x := range c.o.tracks[level].holds(k, next) {
			next[w] = left[w] & x
		}
		for a, n := range c.count(depth+1, next) {
			if n.Sign() != 0 {
				sum[a].Add(sum[a], new(big.Int).Mul(n, c.o.size(level, k)))
			}
		}
	}
	c.known[depth][string(key)] = sum
	return sum
}
