package main

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
)

// flowBatch answers the flows of ip-flow on the straight way: a line in plain
// spelling about IPv4 addresses becomes a question and its answer a line
// without allocating. Every other line goes the general way, which gives the
// same answers, and all the errors.
type flowBatch struct {
	sim  *sim.Batch
	base sim.IPFlowQuestion // whose gate a flow asks that names none
}

// ask answers one flow on the general way.
func (f *flowBatch) ask(index int, fields []string) (l report.Line, a answered, err error) {
	q, err := ipFlowOf(fields, f.base)
	if err != nil {
		return l, a, &questionError{err}
	}
	answer, err := f.sim.Ask(&q)
	if err != nil {
		return l, a, err
	}
	return report.FlowLine(index, q, answer.IPFlow), flowAnswered(answer.IPFlow), nil
}

// flowWorker goes the straight way for one goroutine.
type flowWorker struct {
	b      *batch
	asker  *sim.Asker
	base   *sim.NamedGate
	gates  map[string]*sim.NamedGate // by "s" and the NSG's name, or "i" and the interface's
	said   []said                    // by the number of the answer
	format *flowFormat
	head   []byte // the beginning of the next line
	name   []byte // memory for a key of gates
	flow   sim.Flow4
}

// said is how an answer is told.
type said struct {
	tails   [][]byte // for each output the line after its index; nil: not yet known
	code    int
	settled bool // told to settle, or nothing to tell
	answered
}

// indexHead is how a line begins in JSON.
const indexHead = `{"index":`

// newFlowWorker makes a worker; nil where lines need more than their answers.
func newFlowWorker(b *batch, format *flowFormat) *flowWorker {
	if b.flows == nil {
		return nil
	}
	for _, s := range b.outs.sinks {
		if s.options.Format != report.JSON && s.options.Format != report.NDJSON {
			return nil
		}
	}
	return &flowWorker{b: b, format: format, asker: b.flows.sim.Asker(), base: b.flows.sim.Gate(&b.flows.base),
		gates: map[string]*sim.NamedGate{}, head: []byte(indexHead)}
}

// begin sets the index of the next line.
func (w *flowWorker) begin(index int) {
	w.head = strconv.AppendInt(w.head[:len(indexHead)], int64(index), 10)
}

// next counts on.
func (w *flowWorker) next() {
	for i := len(w.head) - 1; i >= len(indexHead); i-- {
		if w.head[i] != '9' {
			w.head[i]++
			return
		}
		w.head[i] = '0'
	}
	w.head = slices.Insert(w.head, len(indexHead), '1')
}

// line answers the first line of the data, which end with a line end, and
// returns its length; 0 says that it has to go the general way.
func (w *flowWorker) line(data []byte, blk *block) int {
	n := 0
	if w.format.json {
		n = w.object(data)
	} else {
		n = w.record(data)
	}
	if n == 0 {
		return 0
	}
	a, err := w.asker.Ask4(&w.flow)
	if err != nil {
		return 0
	}
	if a.Number >= len(w.said) || w.said[a.Number].tails == nil {
		w.learn(a)
	}
	s := &w.said[a.Number]
	switch s.code {
	case exitBroken:
		blk.counts.broken++
	case exitUndecided:
		blk.counts.undecided++
	}
	if !s.settled {
		s.settled = true
		blk.settled = append(blk.settled, s.answered)
	}
	for i, tail := range s.tails {
		out := blk.out[i]
		if w.b.outs.sinks[i].options.Format == report.JSON {
			if len(out) > 0 {
				out[len(out)-1] = ','
			}
			out = append(out, '\n')
		}
		out = append(out, w.head...)
		blk.out[i] = append(out, tail...)
	}
	w.next()
	return n
}

// learn finds out how an answer is told.
func (w *flowWorker) learn(a *sim.Answer) {
	for a.Number >= len(w.said) {
		w.said = append(w.said, said{})
	}
	s := &w.said[a.Number]
	s.answered = flowAnswered(a.IPFlow)
	s.code = s.answered.code(w.b.expect)
	s.settled = w.b.settle == nil || len(s.assumptions) == 0
	l := report.FlowLine(0, sim.IPFlowQuestion{}, a.IPFlow)
	for _, sink := range w.b.outs.sinks {
		_, tail, _ := bytes.Cut(l.Append(nil, w.b.stream, sink.options, true), []byte(indexHead+"0"))
		s.tails = append(s.tails, tail)
	}
}

// The columns of ipFlowColumns by place.
const (
	columnDirection = iota
	columnProtocol
	columnLocal
	columnLocalPort
	columnRemote
	columnRemotePort
	columnNSG
	columnNIC
)

// required are the columns that every flow has.
const required = 1<<columnDirection | 1<<columnProtocol | 1<<columnLocal | 1<<columnRemote

// reset makes the flow one that names nothing.
func (w *flowWorker) reset() *sim.Flow4 {
	w.flow = sim.Flow4{Gate: w.base, AnyLocal: true, AnyRemote: true}
	return &w.flow
}

// record reads one line of CSV into w.flow and returns its length, 0 where it
// is not plain.
func (w *flowWorker) record(b []byte) int {
	f := w.reset()
	i, last := 0, len(w.format.order)-1
	for k, column := range w.format.order {
		i = w.value(b, i, column, f)
		if i < 0 {
			return 0
		}
		if k < last {
			if b[i] != ',' {
				return 0
			}
			i++
		}
	}
	return w.end(b, i)
}

// end is the length of a line that ends at i, 0 where it does not or where no
// packet can be as it says.
func (w *flowWorker) end(b []byte, i int) int {
	if b[i] == '\r' {
		i++
	}
	if i == len(b) || b[i] != '\n' || !w.flow.Protocol.HasPorts() && !(w.flow.AnyLocal && w.flow.AnyRemote) {
		return 0
	}
	return i + 1
}

// object reads one JSON object into w.flow and returns the length of its line,
// 0 where it is not plain.
func (w *flowWorker) object(b []byte) int {
	f := w.reset()
	if b[0] != '{' {
		return 0
	}
	seen := 0
	for i := skip(b, 1); ; i = skip(b, i+1) {
		if b[i] != '"' {
			return 0
		}
		n := bytes.IndexByte(b[i+1:], '"')
		if n < 0 {
			return 0
		}
		column := columnOf(b[i+1 : i+1+n])
		i = skip(b, i+n+2)
		if column < 0 || seen>>column&1 != 0 || b[i] != ':' {
			return 0
		}
		seen |= 1 << column
		i = skip(b, i+1)
		quoted := b[i] == '"'
		if !quoted && column != columnLocalPort && column != columnRemotePort || !quoted && b[i]-'0' > 9 {
			return 0
		}
		if quoted {
			i++
		}
		if i = w.value(b, i, column, f); i < 0 {
			return 0
		}
		if quoted {
			if b[i] != '"' {
				return 0
			}
			i++
		}
		switch i = skip(b, i); b[i] {
		case ',':
		case '}':
			if seen&required != required {
				return 0
			}
			return w.end(b, i+1)
		default:
			return 0
		}
	}
}

// skip passes over blanks. The data end with a line end.
func skip(b []byte, i int) int {
	for b[i] == ' ' {
		i++
	}
	return i
}

// columnOf is the column of a key, -1 for others.
func columnOf(key []byte) int {
	switch string(key) {
	case "direction":
		return columnDirection
	case "protocol":
		return columnProtocol
	case "local":
		return columnLocal
	case "localPort":
		return columnLocalPort
	case "remote":
		return columnRemote
	case "remotePort":
		return columnRemotePort
	case "nsg":
		return columnNSG
	case "nic":
		return columnNIC
	}
	return -1
}

// value reads the value of a column at i and returns where it ends, -1 where
// it is not plain. The data end with a line end, which ends every value.
func (w *flowWorker) value(b []byte, i, column int, f *sim.Flow4) int {
	switch column {
	case columnDirection:
		const in, out = "Inbound", "Outbound"
		switch {
		case len(b)-i > len(out) && string(b[i:i+len(out)]) == out:
			f.Direction = topology.Outbound
			return i + len(out)
		case len(b)-i > len(in) && string(b[i:i+len(in)]) == in:
			f.Direction = topology.Inbound
			return i + len(in)
		}
		return -1
	case columnProtocol:
		if len(b)-i < 5 {
			return -1
		}
		switch uint32(b[i]|0x20)<<16 | uint32(b[i+1]|0x20)<<8 | uint32(b[i+2]|0x20) {
		case 't'<<16 | 'c'<<8 | 'p':
			f.Protocol = topology.TCP
			return i + 3
		case 'u'<<16 | 'd'<<8 | 'p':
			f.Protocol = topology.UDP
			return i + 3
		case 'i'<<16 | 'c'<<8 | 'm':
			if b[i+3]|0x20 == 'p' {
				f.Protocol = topology.ICMP
				return i + 4
			}
		}
		return -1
	case columnLocal:
		f.Local, i = plainAddress(b, i)
		return i
	case columnRemote:
		f.Remote, i = plainAddress(b, i)
		return i
	case columnLocalPort:
		f.LocalPort, f.AnyLocal, i = plainPort(b, i)
		return i
	case columnRemotePort:
		f.RemotePort, f.AnyRemote, i = plainPort(b, i)
		return i
	default:
		return w.gate(b, i, column, f)
	}
}

// plainAddress reads an IPv4 address; the place is -1 where it is none.
func plainAddress(b []byte, i int) (uint32, int) {
	var a uint32
	for octet := 0; ; octet++ {
		n := uint32(b[i] - '0')
		if n > 9 {
			return 0, -1
		}
		i++
		if d := uint32(b[i] - '0'); d <= 9 {
			if n == 0 {
				return 0, -1
			}
			n = n*10 + d
			i++
			if d := uint32(b[i] - '0'); d <= 9 {
				if n = n*10 + d; n > 255 {
					return 0, -1
				}
				i++
			}
		}
		a = a<<8 | n
		if octet == 3 {
			return a, i
		}
		if b[i] != '.' {
			return 0, -1
		}
		i++
	}
}

// plainPort reads a port in decimal, or nothing or *, which is every port.
func plainPort(b []byte, i int) (port uint16, any bool, end int) {
	n := uint32(b[i] - '0')
	if n > 9 {
		if b[i] == '*' {
			i++
		}
		return 0, true, i
	}
	zero := n == 0
	for i++; ; i++ {
		d := uint32(b[i] - '0')
		if d > 9 {
			return uint16(n), false, i
		}
		if n = n*10 + d; zero || n > 65535 {
			return 0, false, -1
		}
	}
}

// gate reads the name of an NSG or an interface; nothing is no name.
func (w *flowWorker) gate(b []byte, i, column int, f *sim.Flow4) int {
	start := i
	for ; b[i] != ',' && b[i] != '"' && b[i] != '\n' && b[i] != '\r'; i++ {
		if b[i] <= ' ' || b[i] >= 0x7f || b[i] == '\\' {
			return -1
		}
	}
	if i == start {
		return i
	}
	if f.Gate != w.base {
		return -1 // both columns
	}
	kind := byte('s')
	if column == columnNIC {
		kind = 'i'
	}
	w.name = append(append(w.name[:0], kind), b[start:i]...)
	g, ok := w.gates[string(w.name)]
	if !ok {
		q := sim.IPFlowQuestion{NSG: string(b[start:i])}
		if column == columnNIC {
			q = sim.IPFlowQuestion{Interface: q.NSG}
		}
		g = w.b.flows.sim.Gate(&q)
		if len(w.gates) == rememberedGates {
			clear(w.gates)
		}
		w.gates[string(w.name)] = g
	}
	f.Gate = g
	return i
}

// rememberedGates bounds the names that a worker remembers.
const rememberedGates = 1 << 12
