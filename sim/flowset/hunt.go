package flowset

import (
	"encoding/binary"
	"math/big"
	"slices"
)

// hunt goes through the packets of one entry of one class of protocols, by
// what the entries that matter do with them.
type hunt struct {
	o     *Order
	e     *placed
	order []int  // the levels, those with the fewest classes first
	full  []mask // from each place in order on: the entries that hold for all that is left
	room  []mask // for what is left at each place
	all   []mask // for what of it holds for all
	seen  []map[string]bool
	key   []byte
	at    [levels]int32
	judge judge
	steps int
}

// judge looks at the entries that are left: those that match some packet that
// is left, and of them those that match all. last says that all packets that
// are left meet the same entries. It may take entries out of left.
type judge func(left, full mask, last bool) verdict

type verdict uint8

const (
	split  verdict = iota // look at parts
	prune                 // no such packet here
	accept                // here is one
)

func (o *Order) hunted(level int, e *placed) []int32 { return o.tracks[level].hunted[e.on[level]] }

func (o *Order) size(level int, class int32) *big.Int {
	return o.s.axes[level].classes[o.tracks[level].of(class)].size
}

// packet is a packet of the classes.
func (o *Order) packet(at [levels]int32) Packet {
	for level := range at {
		at[level] = o.tracks[level].of(at[level])
	}
	return o.s.packet(at)
}

// most is how many parts a hunt looks at. It finds what there is long before in
// all lists but those that are made to resist; there it says that it did not.
const most = 1 << 20

// answer is what a hunt came to.
type answer uint8

const (
	absent answer = iota // there is no such packet
	found
	lost // it was not found among too many parts
)

// find looks for a packet of the entry that the judge accepts, among entries.
func (o *Order) find(entry int, among mask, j judge) (at [levels]int32, a answer) {
	e := &o.entries[entry]
	for _, kind := range o.hunted(protocol, e) {
		h := o.hunt(e, kind, among, j)
		if h == nil {
			continue
		}
		if a := h.visit(0, h.room[0]); a != absent {
			return h.at, a
		}
	}
	return at, absent
}

// hunt prepares the packets of an entry of one class of protocols, nil where
// there are none.
func (o *Order) hunt(e *placed, kind int32, among mask, j judge) *hunt {
	h := &hunt{o: o, e: e, judge: j, order: []int{destinationPort, sourcePort, destination, source}}
	if o.s.portless(kind) {
		h.order = h.order[2:]
	}
	size := func(level int) int { return len(o.hunted(level, e)) }
	for _, level := range h.order {
		if size(level) == 0 {
			return nil
		}
	}
	slices.SortStableFunc(h.order, func(x, y int) int { return size(x) - size(y) })
	h.at[protocol] = kind
	n := len(h.order)
	h.full, h.room, h.all, h.seen = make([]mask, n+1), make([]mask, n+1), make([]mask, n+1), make([]map[string]bool, n+1)
	for i := range n + 1 {
		h.room[i], h.all[i] = o.empty(), o.empty()
	}
	h.full[n] = o.empty()
	for i := range h.full[n] {
		h.full[n][i] = ^uint64(0)
	}
	for i := n - 1; i >= 0; i-- {
		h.full[i] = slices.Clone(h.full[i+1])
		for w, x := range o.covering(h.order[i], e.on[h.order[i]]) {
			h.full[i][w] &= x
		}
	}
	kinds := o.tracks[protocol].holds(kind, h.all[0])
	for w := range h.room[0] {
		h.room[0][w] = among[w] & kinds[w]
	}
	return h
}

// visit looks for a packet of what is left that the judge accepts.
func (h *hunt) visit(depth int, left mask) answer {
	if h.steps++; h.steps > h.o.most {
		return lost
	}
	full := h.all[depth]
	for w := range full {
		full[w] = left[w] & h.full[depth][w]
	}
	switch h.judge(left, full, depth == len(h.order)) {
	case prune:
		return absent
	case accept:
		for _, level := range h.order[depth:] { // any class of what is left
			h.at[level] = h.o.hunted(level, h.e)[0]
		}
		return found
	}
	level := h.order[depth]
	next := h.room[depth+1]
	if h.seen[depth+1] == nil {
		h.seen[depth+1] = map[string]bool{}
	}
	for _, c := range h.o.hunted(level, h.e) {
		h.key = h.key[:0]
		for w, x := range h.o.tracks[level].holds(c, next) {
			next[w] = left[w] & x
			h.key = binary.LittleEndian.AppendUint64(h.key, next[w])
		}
		if h.seen[depth+1][string(h.key)] {
			continue
		}
		h.seen[depth+1][string(h.key)] = true
		h.at[level] = c
		if a := h.visit(depth+1, next); a != absent {
			return a
		}
	}
	return absent
}
