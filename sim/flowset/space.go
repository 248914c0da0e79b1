package flowset

import (
	"cmp"
	"encoding/binary"
	"math/big"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/netpath/netpath/topology"
)

// The levels of a diagram.
const (
	protocol = iota
	source
	destination
	sourcePort
	destinationPort
	levels
)

// Space is the packets of one family of addresses, cut into classes. It is not
// safe for concurrent use.
type Space struct {
	v6    bool
	hosts []netip.Addr // that witnesses prefer
	axes  [levels]axis
	nodes [levels][]node
	known [levels]map[string]int32
	pairs map[pair]int32
}

// axis is one dimension: its classes, and the boxes' conditions as runs of
// classes.
type axis struct {
	classes []class
	order   []piece    // the pieces of all classes, in the order of their values
	runs    [][]span   // by number of the condition
	full    []bool     // the condition holds for every class
	hosts   []host     // by class: what stands for it; made when first asked
	sizes   []*big.Int // of the classes before each; made when first asked
}

// piece is one of the ranges of a class; at is its place among its addresses.
type piece struct{ class, at int32 }

// host is the address of a class that reads best, and how well: 0 is best.
type host struct {
	address netip.Addr
	rank    int
}

type class struct {
	addresses []netipx.IPRange
	ports     []topology.PortRange
	size      *big.Int
}

// span is some classes in a row, the last excluded.
type span struct{ from, to int32 }

// node is a function of one dimension's class: runs of classes that lead to
// one node of the next level each. Neighbours differ.
type node []run

type run struct{ end, to int32 } // the end is excluded

// conditions numbers what boxes ask of one dimension.
type conditions[T any] struct {
	list []T
	of   map[any]int32
}

func (c *conditions[T]) add(key any, x T) int32 {
	if c.of == nil {
		c.of = map[any]int32{}
	}
	if i, ok := c.of[key]; ok {
		return i
	}
	c.of[key] = int32(len(c.list))
	c.list = append(c.list, x)
	return int32(len(c.list) - 1)
}

// List is a list of rules in the numbers of a space.
type List struct {
	rules   int // how many
	entries []entry
}

// entry is one box of a rule by the numbers of its conditions.
type entry struct {
	on    [levels]int32
	rule  int32 // its place in the list
	kind  kind
	allow bool
}

type kind uint8

const (
	must kind = iota
	may
	cut
)

// NewSpace cuts the packets of one family at the boundaries of the lists'
// rules and gives the lists back in its numbers. Witnesses of its sets are
// packets of hosts where they can be.
func NewSpace(v6 bool, hosts []netip.Addr, lists ...[]Rule) (*Space, []*List) {
	s := &Space{v6: v6, hosts: hosts, pairs: map[pair]int32{}}
	for i := range s.known {
		s.known[i] = map[string]int32{}
	}
	var addresses [2]conditions[[]netipx.IPRange]
	var ports [2]conditions[[]topology.PortRange]
	var kinds conditions[[]topology.PortRange]
	withPorts := protocolRanges([]topology.Protocol{topology.TCP, topology.UDP})
	kinds.add(portKey(withPorts), withPorts) // no class has protocols of both kinds
	out := make([]*List, len(lists))
	for i, rules := range lists {
		out[i] = &List{rules: len(rules)}
		for n, r := range rules {
			for k, boxes := range [][]Box{r.Must, r.May, r.Cut} {
				for _, b := range boxes {
					e := entry{rule: int32(n), kind: kind(k), allow: r.Allow}
					p := protocolRanges(b.Protocols)
					e.on[protocol] = kinds.add(portKey(p), p)
					for side, set := range []*netipx.IPSet{b.Source, b.Destination} {
						var key any
						if set != nil {
							key = set
						}
						c := &addresses[side]
						if known, ok := c.of[key]; ok {
							e.on[source+side] = known
							continue
						}
						e.on[source+side] = c.add(key, s.family(set))
					}
					for side, list := range [][]topology.PortRange{b.SourcePorts, b.DestinationPorts} {
						if list == nil {
							list = []topology.PortRange{topology.AllPorts}
						}
						e.on[sourcePort+side] = ports[side].add(portKey(list), mergePorts(list))
					}
					out[i].entries = append(out[i].entries, e)
				}
			}
		}
	}
	s.axes[protocol] = cutAxis(kinds.list, uint64(0), uint64(len(protocols)-1), portBounds, func(c *class, from, to uint64) {
		c.ports = append(c.ports, topology.PortRange{First: uint16(from), Last: uint16(to)})
	})
	for side := range 2 {
		whole := s.family(nil)[0]
		s.axes[source+side] = cutAxis(addresses[side].list, addressOf(whole.From()), addressOf(whole.To()), addressBounds, func(c *class, from, to number) {
			c.addresses = append(c.addresses, netipx.IPRangeFrom(s.address(from), s.address(to)))
		})
		s.axes[sourcePort+side] = cutAxis(ports[side].list, 0, 65535, portBounds, func(c *class, from, to uint64) {
			c.ports = append(c.ports, topology.PortRange{First: uint16(from), Last: uint16(to)})
		})
	}
	for i := range s.axes {
		for j := range s.axes[i].classes {
			s.axes[i].classes[j].measure()
		}
	}
	return s, out
}

func (s *Space) family(set *netipx.IPSet) []netipx.IPRange {
	if set == nil {
		whole := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if s.v6 {
			whole = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
		return []netipx.IPRange{netipx.RangeOfPrefix(whole)}
	}
	var out []netipx.IPRange
	for _, r := range set.Ranges() {
		if r.From().Is6() == s.v6 {
			out = append(out, r)
		}
	}
	return out
}

// protocolRanges are protocols as ranges of their classes' numbers.
func protocolRanges(list []topology.Protocol) []topology.PortRange {
	var out []topology.PortRange
	for i, p := range protocols {
		if list == nil || slices.Contains(list, p) {
			out = append(out, topology.PortRange{First: uint16(i), Last: uint16(i)})
		}
	}
	return mergePorts(out)
}

func portKey(list []topology.PortRange) string {
	var b []byte
	for _, r := range list {
		b = binary.BigEndian.AppendUint16(b, r.First)
		b = binary.BigEndian.AppendUint16(b, r.Last)
	}
	return string(b)
}

// mergePorts sorts ranges and joins those that touch.
func mergePorts(list []topology.PortRange) []topology.PortRange {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b topology.PortRange) int { return cmp.Compare(a.First, b.First) })
	var out []topology.PortRange
	for _, r := range list {
		if n := len(out); n > 0 && int(r.First) <= int(out[n-1].Last)+1 {
			out[n-1].Last = max(out[n-1].Last, r.Last)
			continue
		}
		out = append(out, r)
	}
	return out
}

// number is an address as a number: for IPv4 low alone.
type number struct{ high, low uint64 }

func addressOf(a netip.Addr) number {
	if a.Is4() {
		b := a.As4()
		return number{0, uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := a.As16()
	return number{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (s *Space) address(n number) netip.Addr {
	if !s.v6 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(n.low))
		return netip.AddrFrom4(b)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], n.high)
	binary.BigEndian.PutUint64(b[8:], n.low)
	return netip.AddrFrom16(b)
}

func (n number) compare(m number) int {
	return cmp.Or(cmp.Compare(n.high, m.high), cmp.Compare(n.low, m.low))
}

func (n number) next() number {
	n.low++
	if n.low == 0 {
		n.high++
	}
	return n
}

func (n number) prev() number {
	if n.low == 0 {
		n.high--
	}
	n.low--
	return n
}

// bounds says how the values of a dimension are ordered.
type bounds[R, N any] struct {
	of         func(R) (first, last N)
	compare    func(N, N) int
	next, prev func(N) N
}

var (
	portBounds = bounds[topology.PortRange, uint64]{
		func(r topology.PortRange) (uint64, uint64) { return uint64(r.First), uint64(r.Last) },
		cmp.Compare[uint64],
		func(n uint64) uint64 { return n + 1 },
		func(n uint64) uint64 { return n - 1 },
	}
	addressBounds = bounds[netipx.IPRange, number]{
		func(r netipx.IPRange) (number, number) { return addressOf(r.From()), addressOf(r.To()) },
		number.compare, number.next, number.prev,
	}
)

// cutAxis cuts the values from first to last at the boundaries of the lists,
// each of sorted ranges that do not overlap. Two values are in one class if and
// only if they lie in the same lists. Classes are numbered by their first
// value.
func cutAxis[R, N any](lists [][]R, first, last N, b bounds[R, N], add func(c *class, from, to N)) axis {
	type event struct {
		at N
		id int
	}
	var events []event
	for id, list := range lists {
		for _, r := range list {
			from, to := b.of(r)
			events = append(events, event{from, id})
			if b.compare(to, last) < 0 {
				events = append(events, event{b.next(to), id})
			}
		}
	}
	slices.SortFunc(events, func(x, y event) int { return b.compare(x.at, y.at) })
	var a axis
	in := make([]byte, (len(lists)+7)/8)
	known := map[string]int32{}
	held := make([][]int32, len(lists)) // the classes of each list
	for i, from := 0, first; ; {
		for ; i < len(events) && b.compare(events[i].at, from) == 0; i++ {
			in[events[i].id/8] ^= 1 << (events[i].id % 8)
		}
		to := last
		if i < len(events) {
			to = b.prev(events[i].at)
		}
		n, ok := known[string(in)]
		if !ok {
			n = int32(len(a.classes))
			known[string(in)] = n
			a.classes = append(a.classes, class{})
			for k, bits := range in {
				for j := 0; bits != 0; j, bits = j+1, bits>>1 {
					if bits&1 != 0 {
						held[k*8+j] = append(held[k*8+j], n)
					}
				}
			}
		}
		c := &a.classes[n]
		a.order = append(a.order, piece{n, int32(len(c.addresses))})
		add(c, from, to)
		if i == len(events) {
			break
		}
		from = events[i].at
	}
	a.runs, a.full = make([][]span, len(lists)), make([]bool, len(lists))
	for id, list := range held {
		var runs []span
		for _, n := range list {
			if k := len(runs); k > 0 && runs[k-1].to == n {
				runs[k-1].to++
			} else {
				runs = append(runs, span{n, n + 1})
			}
		}
		a.runs[id], a.full[id] = runs, len(list) == len(a.classes)
	}
	return a
}

func (c *class) measure() {
	c.size = new(big.Int)
	for _, r := range c.ports {
		c.size.Add(c.size, big.NewInt(int64(r.Last)-int64(r.First)+1))
	}
	for _, r := range c.addresses {
		from, to := r.From().As16(), r.To().As16()
		n := new(big.Int).SetBytes(to[:])
		n.Sub(n, new(big.Int).SetBytes(from[:]))
		c.size.Add(c.size, n.Add(n, big.NewInt(1)))
	}
}

// between is the number of values in the classes from one on to another, the
// last excluded.
func (a *axis) between(from, to int32) *big.Int {
	if a.sizes == nil {
		a.sizes = make([]*big.Int, len(a.classes)+1)
		a.sizes[0] = new(big.Int)
		for i := range a.classes {
			a.sizes[i+1] = new(big.Int).Add(a.sizes[i], a.classes[i].size)
		}
	}
	return new(big.Int).Sub(a.sizes[to], a.sizes[from])
}

// make is the number of the node of the runs, whose neighbours may be alike.
func (s *Space) make(level int, runs []run) int32 {
	out := runs[:0:0]
	for _, r := range runs {
		if n := len(out); n > 0 && out[n-1].to == r.to {
			out[n-1].end = r.end
			continue
		}
		out = append(out, r)
	}
	key := make([]byte, 0, 8*len(out))
	for _, r := range out {
		key = binary.LittleEndian.AppendUint32(key, uint32(r.end))
		key = binary.LittleEndian.AppendUint32(key, uint32(r.to))
	}
	if n, ok := s.known[level][string(key)]; ok {
		return n
	}
	n := int32(len(s.nodes[level]))
	s.nodes[level] = append(s.nodes[level], out)
	s.known[level][string(key)] = n
	return n
}
