package main

import (
	"bytes"
	"encoding/binary"
	"math/bits"
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
	b        *batch
	asker    *sim.Asker
	base     *sim.NamedGate
	gates    map[string]*sim.NamedGate // by "s" and the NSG's name, or "i" and the interface's
	said     []said                    // by the number of the answer
	format   *flowFormat
	octets   *octets
	document []bool // by output: one JSON document, not a line each
	usual    bool   // CSV whose columns begin with the usual ones in their order
	head     []byte // the beginning of the next line
	name     []byte // memory for a key of gates
	flow     sim.Flow4
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
	var document []bool
	for _, s := range b.outs.sinks {
		if s.options.Format != report.JSON && s.options.Format != report.NDJSON {
			return nil
		}
		document = append(document, s.options.Format == report.JSON)
	}
	usual := !format.json && len(format.order) >= usualColumns
	for i := range usualColumns {
		usual = usual && format.order[i] == i
	}
	return &flowWorker{b: b, format: format, octets: newOctets(), document: document, usual: usual, asker: b.flows.sim.Asker(), base: b.flows.sim.Gate(&b.flows.base),
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

// line answers the first line of the data, behind which the margin stands, and
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
		if w.document[i] {
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

// usualColumns are those from the direction to the remote port.
const usualColumns = columnRemotePort + 1

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
	order := w.format.order
	if w.usual {
		if i = w.octets.usualFlow(b, f); i > 0 {
			if last < usualColumns {
				return w.end(b, i)
			}
			if b[i] != ',' {
				return 0
			}
			i++
			order = order[usualColumns:]
			last -= usualColumns
		}
	}
	for k, column := range order {
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

// usualFlow reads the usual columns and returns where the last of them ends, 0
// where they are not plain. It finds all ends of numbers first, eight bytes at
// a time, and reads the numbers then: where each begins does not depend on the
// one before, and nothing branches on how long it is.
func (o *octets) usualFlow(b []byte, f *sim.Flow4) int {
	if len(b) < 80 {
		return 0
	}
	// Which of two words stands here is as good as random: what follows from it
	// is computed, too.
	out, in, udp, tcp := 0, 0, 0, 0
	word := binary.LittleEndian.Uint64(b)
	if word == 'O'|'u'<<8|'t'<<16|'b'<<24|'o'<<32|'u'<<40|'n'<<48|'d'<<56 {
		out = 1
	}
	if word == 'I'|'n'<<8|'b'<<16|'o'<<24|'u'<<32|'n'<<40|'d'<<48|','<<56 {
		in = 1
	}
	i := 8 + out
	name := binary.LittleEndian.Uint32(b[i:]) | 0x00202020
	if name == 't'|'c'<<8|'p'<<16|','<<24 {
		tcp = 1
	}
	if name == 'u'|'d'<<8|'p'<<16|','<<24 {
		udp = 1
	}
	if (out|in)&(tcp|udp) == 0 || b[i-1] != ',' {
		return 0
	}
	f.Direction, f.Protocol = topology.Inbound+topology.Direction(out), topology.TCP+topology.Protocol(udp)
	q := (*[fieldBytes]byte)(b[i:])
	ends := numberEnds(q[4:])<<0 | numberEnds(q[12:])<<8 | numberEnds(q[20:])<<16 |
		numberEnds(q[28:])<<24 | numberEnds(q[36:])<<32 | numberEnds(q[44:])<<40
	if bits.OnesCount64(ends) < 10 {
		return 0
	}
	// Go does not unroll loops, and this is most of what a line costs.
	a := uint32(bits.TrailingZeros64(ends))
	ends &= ends - 1
	c := uint32(bits.TrailingZeros64(ends))
	ends &= ends - 1
	d := uint32(bits.TrailingZeros64(ends))
	ends &= ends - 1
	local := uint32(bits.TrailingZeros64(ends))
	ends &= ends - 1
	var bad, wrong uint32
	f.Local, bad = o.addressBefore(q, 0, a, c, d, local)
	localPort := uint32(bits.TrailingZeros64(ends))
	ends &= ends - 1
	f.LocalPort, f.AnyLocal, wrong = portBefore(q, local+1, localPort)
	bad |= wrong
	a = uint32(bits.TrailingZeros64(ends))
	ends &= ends - 1
	c = uint32(bits.TrailingZeros64(ends))
	ends &= ends - 1
	d = uint32(bits.TrailingZeros64(ends))
	ends &= ends - 1
	remote := uint32(bits.TrailingZeros64(ends))
	ends &= ends - 1
	f.Remote, wrong = o.addressBefore(q, localPort+1, a, c, d, remote)
	bad |= wrong
	remotePort := uint32(bits.TrailingZeros64(ends))
	f.RemotePort, f.AnyRemote, wrong = portBefore(q, remote+1, remotePort)
	bad |= wrong
	bad |= uint32(q[4+local&63]^',') | uint32(q[4+localPort&63]^',') | uint32(q[4+remote&63]^',')
	if bad != 0 {
		return 0
	}
	return i + 4 + int(remotePort)
}

// fieldBytes is what two addresses, two ports and the commas behind them take
// at most, in words, and four bytes before them.
const fieldBytes = 4 + 6*8

// numberEnds has the bit of each of eight bytes set that is no digit.
func numberEnds(b []byte) uint64 {
	x := binary.LittleEndian.Uint64(b) ^ 0x3030303030303030
	x = ((x&0x7f7f7f7f7f7f7f7f + 0x7676767676767676) | x) & 0x8080808080808080
	return x >> 7 * 0x0102040810204080 >> 56
}

// addressBefore is the address whose octets end before the bytes 4+a, 4+b, 4+c
// and 4+d of q and whose first begins at 4+start; bad is 0 where it is one.
func (o *octets) addressBefore(q *[fieldBytes]byte, start, a, b, c, d uint32) (address, bad uint32) {
	w, bad := o.before(q, a, a-start)
	x, wrong := o.before(q, b, b-a-1)
	bad |= wrong
	y, wrong := o.before(q, c, c-b-1)
	bad |= wrong
	z, wrong := o.before(q, d, d-c-1)
	bad |= wrong | uint32(q[4+a&63]^'.') | uint32(q[4+b&63]^'.') | uint32(q[4+c&63]^'.')
	return w<<24 | x<<16 | y<<8 | z, bad
}

// octets has for the three digits of a number, four bits each, its value, if it
// is an octet, and above that how many digits it is written with: for others
// more than there can be.
type octets [1 << 12]uint16

func newOctets() *octets {
	o := new(octets)
	for i := range o {
		o[i] = 0xff00
	}
	for v := range 256 {
		digits := 1
		if v > 99 {
			digits = 3
		} else if v > 9 {
			digits = 2
		}
		o[v/100<<8|v/10%10<<4|v%10] = uint16(digits<<8 | v)
	}
	return o
}

// before is the number of n digits that ends before byte 4+at of q; bad is 0
// where it is an octet.
func (o *octets) before(q *[fieldBytes]byte, at, n uint32) (v, bad uint32) {
	s := (32 - 8*n) & 31
	y := (binary.LittleEndian.Uint32(q[at&63:]) ^ 0x30303030) >> s << s // ones in the highest byte
	x := uint32(o[y>>8*0x01001001>>16&0xfff])
	return x & 0xff, x>>8 ^ n
}

// portBefore is the number that begins at byte 4+start and ends before byte
// 4+at; any says that there is nothing, and bad is 0 where it is a port or
// nothing.
func portBefore(q *[fieldBytes]byte, start, at uint32) (port uint16, any bool, bad uint32) {
	n := at - start
	y := binary.LittleEndian.Uint64(q[(at-4)&63:])
	y = (y ^ 0x3030303030303030) & (0xffffffffffffffff << ((64 - 8*n) & 63)) // ones in the highest byte
	y &= uint64(-int64(n) >> 63)
	first := uint32(y >> ((64 - 8*n) & 63) & 0xff)
	y = (y*10 + y>>8) & 0x00ff00ff00ff00ff
	y = (y*100 + y>>16) & 0x0000ffff0000ffff
	y = (y*10000 + y>>32) & 0xffffffff
	// More than 5 digits, more than 65535, or a zero before another digit.
	bad = (5-n)>>31 | uint32(y>>16) | (first-1)&(1-n)>>31
	return uint16(y), n == 0, bad
}

// end is the length of a line that ends at i, 0 where it does not or where no
// packet can be as it says.
func (w *flowWorker) end(b []byte, i int) int {
	if b[i] == '\r' {
		i++
	}
	if b[i] != '\n' || !w.flow.Protocol.HasPorts() && !(w.flow.AnyLocal && w.flow.AnyRemote) {
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
		n := bytes.IndexByte(b[i+1:min(len(b), i+margin)], '"') // the keys are shorter
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

// skip passes over blanks.
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
// it is not plain. The end of the line ends every value.
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

// margin is how many bytes stand behind the last line of a block and its line
// end, so that values can be read in words.
const margin = 16

// plainAddress reads an IPv4 address; the place is -1 where it is none. How
// many digits an octet has is not foreseeable, so nothing branches on it.
func plainAddress(b []byte, i int) (uint32, int) {
	var a, bad uint32
	for octet := range 4 {
		// Digits become their value, and the top bit of the first byte that is
		// none is set.
		x := binary.LittleEndian.Uint32(b[i:]) ^ 0x30303030
		n := uint32(bits.TrailingZeros32(((x+0x76767676)|x)&0x80808080)) &^ 7 // bits of digits
		y := x << (32 - n)                                                    // ones in the highest byte
		v := y>>24 + 10*(y>>16&0xff) + 100*(y>>8&0xff)
		// Not 1 to 3 digits, more than 255, or a zero before another digit.
		bad |= ((n-8)|(24-n))>>31 | v>>8 | (x&0xff-1)&(8-n)>>31
		a = a<<8 | v
		i += int(n / 8)
		if octet < 3 {
			bad |= uint32(b[i] ^ '.')
			i++
		}
	}
	if bad != 0 {
		return 0, -1
	}
	return a, i
}

// plainPort reads a port in decimal, or nothing or *, which is every port.
func plainPort(b []byte, i int) (port uint16, any bool, end int) {
	x := binary.LittleEndian.Uint64(b[i:]) ^ 0x3030303030303030
	n := bits.TrailingZeros64(((x+0x7676767676767676)|x)&0x8080808080808080) &^ 7 // bits of digits
	if n == 0 {
		if b[i] == '*' {
			i++
		}
		return 0, true, i
	}
	y := x << (64 - n) // ones in the highest byte
	y = (y*10 + y>>8) & 0x00ff00ff00ff00ff
	y = (y*100 + y>>16) & 0x0000ffff0000ffff
	y = (y*10000 + y>>32) & 0xffffffff
	if n > 40 || y > 65535 || n > 8 && x&0xff == 0 {
		return 0, false, -1
	}
	return uint16(y), false, i + n/8
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
