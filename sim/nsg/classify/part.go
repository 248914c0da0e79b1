package classify

import (
	"math/bits"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/topology"
)

// maxEntries is how many entries a part holds: enough for the thousand rules
// that Azure allows and the defaults, and one word says which words of a
// vector are not empty.
const maxEntries = 1024

// part decides for some consecutive entries of a list: with tables of all
// combinations of classes (answers is set), or with a vector of entries for
// every class (it is not).
type part struct {
	sourcePort, destinationPort portMap
	sourcePorts                 uint32 // number of classes; with one the port is not looked at
	destinationPorts            uint32 // number of classes

	// Tables.
	source, destination []uint8  // class, by atom
	destinations        uint32   // number of classes
	cells               []uint32 // row of answers, by source class * destinations + destination class
	columns             []uint16 // column of answers, by source port class * destinationPorts + destination port class
	answers             []uint16 // verdict, by row + column
	verdicts            []Verdict

	// Vectors.
	sourceRow, destinationRow []uint16 // row, by atom
	sourceRows                []row
	destinationRows           []row
	sourcePortRows            []row
	destinationPortRows       []row
	found                     []found // by entry

	next *part // for packets that no entry of this part certainly matches
}

// row is a set of entries. Bit w of filled is set where word w is not 0.
type row struct {
	filled uint64
	word   [maxEntries / 64]uint64
}

// found is what an entry means for the verdict.
type found struct {
	rule    int32
	outcome Outcome
	must    bool
}

// verdict decides for two atoms and a service.
func (p *part) verdict(s, d cidr.Atom, proto topology.Protocol, sport, dport uint16) Verdict {
	if p.answers == nil {
		return p.scan(s, d, proto, sport, dport)
	}
	column := p.destinationPort.class(proto, dport)
	if p.sourcePorts > 1 {
		column = uint32(p.columns[p.sourcePort.class(proto, sport)*p.destinationPorts+column])
	}
	row := p.cells[uint32(p.source[s])*p.destinations+uint32(p.destination[d])]
	return p.verdicts[p.answers[row+column]]
}

// scan finds the first entry that all vectors of a packet share.
func (p *part) scan(s, d cidr.Atom, proto topology.Protocol, sport, dport uint16) Verdict {
	a := &p.sourceRows[p.sourceRow[s]]
	b := &p.destinationRows[p.destinationRow[d]]
	c := &p.destinationPortRows[p.destinationPort.class(proto, dport)]
	e := &p.sourcePortRows[0]
	if p.sourcePorts > 1 {
		e = &p.sourcePortRows[p.sourcePort.class(proto, sport)]
	}
	v := Verdict{Rule: NoRule}
	for f := a.filled & b.filled & c.filled & e.filled; f != 0; f &= f - 1 {
		w := bits.TrailingZeros64(f) & (maxEntries/64 - 1)
		for x := a.word[w] & b.word[w] & c.word[w] & e.word[w]; x != 0; x &= x - 1 {
			hit := &p.found[w<<6|bits.TrailingZeros64(x)]
			v.Outcomes |= hit.outcome
			if hit.must {
				v.Rule = hit.rule
				return v
			}
			v.Open = true
		}
	}
	v.Outcomes |= NoMatch
	return v
}

func (p *part) size() int {
	const rowSize = 8 * (1 + maxEntries/64)
	return p.sourcePort.size() + p.destinationPort.size() +
		cap(p.source) + cap(p.destination) + 4*cap(p.cells) + 2*cap(p.columns) + 2*cap(p.answers) + 8*cap(p.verdicts) +
		2*(cap(p.sourceRow)+cap(p.destinationRow)) +
		rowSize*(cap(p.sourceRows)+cap(p.destinationRows)+cap(p.sourcePortRows)+cap(p.destinationPortRows)) + 8*cap(p.found)
}
