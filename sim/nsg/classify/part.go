package classify

import (
	"math"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/topology"
)

// maxEntries is how many entries a part holds: enough for the thousand rules
// that Azure allows and the default rules.
const maxEntries = words * perWord

// part decides for some consecutive entries of a list, with tables or with
// vectors; the other is nil.
type part struct {
	*tables
	*vectors
	next *part // for packets that no entry of this part certainly matches
}

func (p *part) verdict(s, d cidr.Atom, proto topology.Protocol, sport, dport uint16) Verdict {
	if p.tables != nil {
		return p.tables.verdict(s, d, proto, sport, dport)
	}
	return p.vectors.verdict(s, d, proto, sport, dport)
}

func (p *part) size() int {
	if p.tables != nil {
		return p.tables.size()
	}
	return p.vectors.size()
}

// tables hold the verdict of every combination of classes.
type tables struct {
	source          []uint16 // class * number of destination classes, by atom
	destination     []uint8  // class, by atom
	cells           []uint32 // row of answers, by source + destination
	destinationPort portMap
	answers         []answer // by row + column
	columns         []uint16 // column of answers, by source port class * destinationPorts + destination port class; nil: the latter is the column
	ports           uint32   // number of destination port classes
	sourcePort      portMap
}

func (t *tables) verdict(s, d cidr.Atom, proto topology.Protocol, sport, dport uint16) Verdict {
	column := t.destinationPort.class(proto, dport)
	if t.columns != nil {
		column = uint32(t.columns[t.sourcePort.class(proto, sport)*t.ports+column])
	}
	return t.answers[t.cells[uint32(t.source[s])+uint32(t.destination[d])]+column].verdict()
}

func (t *tables) size() int {
	return 2*cap(t.source) + cap(t.destination) + 4*cap(t.cells) + t.destinationPort.size() +
		4*cap(t.answers) + 2*cap(t.columns) + t.sourcePort.size()
}

// answer is a verdict in four bytes: rule, open, outcomes.
type answer int32

// maxAnswerRule is the largest rule that an answer can name.
const maxAnswerRule = math.MaxInt32 >> 9

func answerOf(v Verdict) answer {
	a := answer(v.Rule)<<9 | answer(v.Outcomes)
	if v.Open {
		a |= 1 << 8
	}
	return a
}

func (a answer) verdict() Verdict {
	return Verdict{Rule: int32(a >> 9), Outcomes: Outcome(a), Open: a>>8&1 != 0}
}
