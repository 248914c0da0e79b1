package classify

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/topology"
)

// vectors hold the entries of every class. A packet's first entry is the first
// that the sets of its four classes share.
//
// Entries have places in a row of words, not in their order, but so that few
// words need to be looked at. Most rules name something on one side that few
// other rules name. Entries that name the same there lie together, and only
// the words of what the source and the destination of a packet are in can
// hold an entry that matches.
type vectors struct {
	sourceOf, destinationOf         []end // by atom
	sourcePortOf, destinationPortOf portMap
	source, destination             []row               // by class
	sourcePort, destinationPort     []row               // by class
	rank                            *[words * 64]uint16 // number of the entry in the order of the list, by place; none where there is none
	found                           []found             // by rank
}

const (
	words   = 16
	perWord = 63 // the last bit of a word is set in every row, so that no word is 0
	ending  = 1 << perWord
	none    = math.MaxUint16
)

// row is a set of entries, by place.
type row [words]uint64

// end is what the vectors know of the addresses of an atom on one side: their
// class, and the word beside the first one in which the entries lie that are
// placed for this side and name them. more says that it is not the only one.
type end struct {
	class uint16
	word  uint8
	more  bool
}

// found is what an entry means for the verdict.
type found struct {
	rule    int32
	outcome Outcome
	must    bool
}

// verdict finds the first entry that all sets of a packet share. It avoids
// branches that may go astray, so that the next packet's look-ups can begin
// meanwhile.
func (x *vectors) verdict(s, d cidr.Atom, proto topology.Protocol, sport, dport uint16) Verdict {
	from, to := x.sourceOf[s], x.destinationOf[d]
	a, b := &x.source[from.class], &x.destination[to.class]
	c := &x.destinationPort[x.destinationPortOf.class(proto, dport)]
	e := &x.sourcePort[0]
	if len(x.sourcePort) > 1 {
		e = &x.sourcePort[x.sourcePortOf.class(proto, sport)]
	}
	if from.more || to.more {
		return x.search(a, b, c, e, 1<<words-1)
	}
	v, w := from.word&(words-1), to.word&(words-1)
	best := least(x.first(0, a[0]&b[0]&c[0]&e[0]), least(x.first(v, a[v]&b[v]&c[v]&e[v]), x.first(w, a[w]&b[w]&c[w]&e[w])))
	if best == none {
		return Verdict{Rule: NoRule, Outcomes: NoMatch}
	}
	hit := &x.found[best]
	if !hit.must {
		return x.search(a, b, c, e, 1|1<<v|1<<w)
	}
	return Verdict{Rule: hit.rule, Outcomes: hit.outcome}
}

// first is the rank of the first entry of word w.
func (x *vectors) first(w uint8, y uint64) int32 {
	return int32(x.rank[uint32(w)<<6|uint32(bits.TrailingZeros64(y))&63])
}

// least is the smaller one of two ranks; the built-in min is a branch.
func least(a, b int32) int32 { return a + (b-a)&((b-a)>>31) }

// search is verdict where more words are to be looked at than usual, or the
// first entry may match or not: it goes from one entry to the next.
func (x *vectors) search(a, b, c, e *row, look uint32) Verdict {
	var hits row
	left := look // words with entries
	for l := look; l != 0; l &= l - 1 {
		w := bits.TrailingZeros32(l) & (words - 1)
		if hits[w] = a[w] & b[w] & c[w] & e[w]; hits[w] == ending {
			left &^= 1 << w
		}
	}
	v := Verdict{Rule: NoRule}
	for left != 0 {
		best, at := int32(none), 0
		for l := left; l != 0; l &= l - 1 {
			w := bits.TrailingZeros32(l) & (words - 1)
			if r := x.first(uint8(w), hits[w]); r < best {
				best, at = r, w
			}
		}
		hit := &x.found[best]
		v.Outcomes |= hit.outcome
		if hit.must {
			v.Rule = hit.rule
			return v
		}
		v.Open = true
		if hits[at] &= hits[at] - 1; hits[at] == ending {
			left &^= 1 << at
		}
	}
	v.Outcomes |= NoMatch
	return v
}

func (x *vectors) size() int {
	const rowSize = 8 * words
	return 4*(cap(x.sourceOf)+cap(x.destinationOf)) + x.sourcePortOf.size() + x.destinationPortOf.size() +
		rowSize*(cap(x.source)+cap(x.destination)+cap(x.sourcePort)+cap(x.destinationPort)) +
		2*len(x.rank) + 8*cap(x.found)
}

// vectors makes the sets of the classes.
func (k *compilation) vectors() *vectors {
	place, bySource := k.arrange()
	x := &vectors{
		sourceOf: ends(k.sourceOf, &k.source, place, bySource), source: k.source.placed(place),
		destinationOf: ends(k.destinationOf, &k.destination, place, not(bySource)), destination: k.destination.placed(place),
		sourcePortOf: k.sourcePortOf, sourcePort: k.sourcePort.placed(place),
		destinationPortOf: k.destinationPortOf, destinationPort: k.destinationPort.placed(place),
		rank: new([words * 64]uint16), found: make([]found, len(k.entries)),
	}
	for p := range x.rank {
		x.rank[p] = none
	}
	for i, p := range place {
		x.rank[p] = uint16(i)
		e := &k.entries[i]
		x.found[i] = found{e.rule, e.outcome, e.must}
	}
	return x
}

func not(x []bool) []bool {
	out := make([]bool, len(x))
	for i := range x {
		out[i] = !x[i]
	}
	return out
}

// placed is the rows of the classes with every entry in its place.
func (c *classes) placed(place []uint16) []row {
	out := make([]row, c.n)
	for i := range out {
		for w := range out[i] {
			out[i][w] = ending
		}
		for w, x := range c.row(i) {
			for ; x != 0; x &= x - 1 {
				p := place[w<<6|bits.TrailingZeros64(x)]
				out[i][p>>6] |= 1 << (p & 63)
			}
		}
	}
	return out
}

// ends is where the atoms of a side are in the vectors; here says which
// entries are placed for that side.
func ends(of []uint32, c *classes, place []uint16, here []bool) []end {
	byClass := make([]end, c.n)
	for i := range byClass {
		e := &byClass[i]
		e.class = uint16(i)
		for w, x := range c.row(i) {
			for ; x != 0; x &= x - 1 {
				entry := w<<6 | bits.TrailingZeros64(x)
				if at := uint8(place[entry] >> 6); here[entry] && at != 0 && at != e.word {
					e.more = e.more || e.word != 0
					e.word = at
				}
			}
		}
	}
	out := make([]end, len(of))
	for a, c := range of {
		out[a] = byClass[c]
	}
	return out
}

// arrange gives the entries their places. An entry is placed for the side on
// which it names what fewer entries name, beside those that name the same.
// What is met by most addresses comes first, to share words. In a word entries
// are in the order of the list.
func (k *compilation) arrange() (place []uint16, bySource []bool) {
	type group struct {
		entries []int
		met     int // atoms of what they name
	}
	bySource = make([]bool, len(k.entries))
	from, to := k.from.sizes(), k.to.sizes()
	groups := make([]group, len(from)+len(to))
	for i := range k.entries {
		f, t := k.from.of[i], k.to.of[i]
		bySource[i] = from[f] <= to[t]
		g := &groups[len(from)+t]
		if bySource[i] {
			g = &groups[f]
		}
		g.entries = append(g.entries, i)
	}
	for i := range from {
		groups[i].met = k.from.met(i, k.table)
	}
	for i := range to {
		groups[len(from)+i].met = k.to.met(i, k.table)
	}
	slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(b.met, a.met) })

	var in [words][]int
	for _, g := range groups {
		for rest := g.entries; len(rest) > 0; {
			// The first word with room for all of them, or else as many as the
			// emptiest one takes.
			w := slices.IndexFunc(in[:], func(have []int) bool { return perWord-len(have) >= len(rest) })
			if w < 0 {
				w = 0
				for i := range in {
					if len(in[i]) < len(in[w]) {
						w = i
					}
				}
			}
			n := min(len(rest), perWord-len(in[w]))
			in[w] = append(in[w], rest[:n]...)
			rest = rest[n:]
		}
	}
	place = make([]uint16, len(k.entries))
	for w, entries := range in {
		slices.Sort(entries)
		for bit, i := range entries {
			place[i] = uint16(w<<6 | bit)
		}
	}
	return place, bySource
}
