package flowset

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/netpath/netpath/topology"
)

// Answer is what a list of rules does with a packet.
type Answer int32

// The answers. Open: some completion of the data allows the packet and another
// does not.
const (
	Unmatched Answer = iota // no rule matches
	Allowed
	Denied
	Open
)

// Parts are the packets of a space by their answer, each packet in one of
// them.
type Parts struct{ Unmatched, Allowed, Denied, Open Set }

// Decide is what the list does with every packet: the first rule that matches
// decides. Where rules that may match leave more than one answer, ask is asked
// about one packet of those that no box of the list tells apart; nil leaves
// them open.
func (s *Space) Decide(l *List, ask func(Packet) Answer) Parts {
	d := decider{s: s, list: l, ask: ask, asks: make([]bool, l.rules), here: make([]int, l.rules)}
	for i := range d.known {
		d.known[i] = map[string]int32{}
	}
	all := make([]int32, len(l.entries))
	for i, e := range l.entries {
		all[i] = int32(i)
		d.asks[e.rule] = d.asks[e.rule] || e.kind == may
	}
	root := d.build(protocol, all)
	var p Parts
	for a, set := range map[Answer]*Set{Unmatched: &p.Unmatched, Allowed: &p.Allowed, Denied: &p.Denied, Open: &p.Open} {
		*set = Set{s, s.project(root, int32(a))}
	}
	return p
}

// decider builds the diagram of a list's answers from the top: at each level
// the entries that are left are split by the class of the packet.
type decider struct {
	s     *Space
	list  *List
	ask   func(Packet) Answer
	known [levels + 1]map[string]int32 // by the entries that are left
	at    [levels]int32                // the classes on the way to here
	asks  []bool                       // by rule of the list: it has boxes in May
	here  []int                        // by rule: the last call of trim in which one of them was left
	calls int
}

// portless reports whether the packets on the way to here have no ports.
func (s *Space) portless(kind int32) bool {
	return !protocols[s.axes[protocol].classes[kind].ports[0].First].HasPorts()
}

// end is the first level that says nothing of the packets on the way to here:
// without ports, that of the source ports. Before their protocol is known the
// first class stands for them, which has ports.
func (d *decider) end() int {
	if d.s.portless(d.at[protocol]) {
		return sourcePort
	}
	return levels
}

func (d *decider) build(level int, left []int32) int32 {
	left = d.trim(level, left)
	key := make([]byte, 0, 4*len(left)+1)
	for _, i := range left {
		key = binary.LittleEndian.AppendUint32(key, uint32(i))
	}
	end := d.end()
	key = append(key, byte(end))
	if n, ok := d.known[level][string(key)]; ok {
		return n
	}
	var n int32
	switch {
	case level == levels:
		n = int32(d.answer(left))
	case level >= end:
		d.at[level] = 0
		n = d.s.make(level, []run{{d.s.width(level), d.build(level+1, left)}})
	default:
		n = d.split(level, left)
	}
	d.known[level][string(key)] = n
	return n
}

func (s *Space) width(level int) int32 { return int32(len(s.axes[level].classes)) }

// split sweeps over the classes of a dimension.
func (d *decider) split(level int, left []int32) int32 {
	type event struct{ at, id int32 }
	var events []event
	a := &d.s.axes[level]
	for id, i := range left {
		for _, r := range a.runs[d.list.entries[i].on[level]] {
			events = append(events, event{r.from, int32(id)})
			events = append(events, event{r.to, int32(id)})
		}
	}
	slices.SortFunc(events, func(x, y event) int { return int(x.at - y.at) })
	in := make([]uint64, (len(left)+63)/64)
	key := make([]byte, 8*len(in))
	here := map[string]int32{}
	var runs []run
	for i, from := 0, int32(0); int(from) < len(a.classes); {
		for ; i < len(events) && events[i].at == from; i++ {
			in[events[i].id/64] ^= 1 << (events[i].id % 64)
		}
		end := int32(len(a.classes))
		if i < len(events) {
			end = events[i].at
		}
		if level == protocol { // each class apart: some have ports, others not
			end = from + 1
			clear(here)
		}
		for k, w := range in {
			binary.LittleEndian.PutUint64(key[8*k:], w)
		}
		to, ok := here[string(key)]
		if !ok {
			var next []int32
			for k, w := range in {
				for ; w != 0; w &= w - 1 {
					next = append(next, left[k*64+bits.TrailingZeros64(w)])
				}
			}
			d.at[level] = from
			to = d.build(level+1, next)
			here[string(key)] = to
		}
		runs = append(runs, run{end, to})
		from = end
	}
	return d.s.make(level, runs)
}

// trim leaves out the entries that change nothing: those after one that
// matches every packet that is left, those right before it that say the same,
// and cuts where nothing is asked of their rule.
func (d *decider) trim(level int, left []int32) []int32 {
	end := d.end()
	out := make([]int32, 0, len(left))
	for _, i := range left {
		out = append(out, i)
		if e := &d.list.entries[i]; e.kind == must && d.full(level, end, e) {
			out = d.unsaid(out)
			break
		}
	}
	d.calls++
	asked := false
	for _, i := range out {
		if e := &d.list.entries[i]; e.kind == may {
			d.here[e.rule], asked = d.calls, true
		}
	}
	return slices.DeleteFunc(out, func(i int32) bool {
		e := &d.list.entries[i]
		return e.kind == cut && (!asked || d.asks[e.rule] && d.here[e.rule] != d.calls)
	})
}

// full reports whether the entry holds for all classes of the levels from one
// on to another, the last excluded.
func (d *decider) full(from, end int, e *entry) bool {
	for l := from; l < end; l++ {
		if !d.s.axes[l].full[e.on[l]] {
			return false
		}
	}
	return true
}

// unsaid leaves out the entries before the last one, which matches all, that
// say the same with none that says another thing between.
func (d *decider) unsaid(list []int32) []int32 {
	n := len(list) - 1
	last := d.list.entries[list[n]].allow
	from := n
	for from > 0 {
		if e := &d.list.entries[list[from-1]]; e.kind != cut && e.allow != last {
			break
		}
		from--
	}
	out := list[:from]
	for _, i := range list[from:n] {
		if d.list.entries[i].kind == cut {
			out = append(out, i)
		}
	}
	return append(out, list[n])
}

// answer is that of a packet that lies in all the boxes that are left.
func (d *decider) answer(left []int32) Answer {
	var can [Open]bool
	settled := false
	for _, i := range left {
		e := &d.list.entries[i]
		if e.kind == cut {
			continue
		}
		a := Denied
		if e.allow {
			a = Allowed
		}
		can[a] = true
		if e.kind == must {
			settled = true
			break
		}
	}
	if !settled {
		can[Unmatched] = true
	}
	one := Open
	for a, ok := range can {
		switch {
		case ok && one == Open:
			one = Answer(a)
		case ok:
			if d.ask == nil {
				return Open
			}
			return d.ask(d.s.packet(d.at))
		}
	}
	return one
}

// protocolOf is the first protocol of a class.
func (s *Space) protocolOf(kind int32) topology.Protocol {
	return protocols[s.axes[protocol].classes[kind].ports[0].First]
}
