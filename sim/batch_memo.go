package sim

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/topology"
)

// classes tell apart what the gates of a chain can tell apart, whatever the
// world: flows of one class have the same answer, as the parts of an answer
// about a set have.
type classes struct {
	gates               map[*nsg.Gate]*gateUse // nil: not all are known
	always              []cidr.SetID           // constants beside those of the gates
	once                sync.Once
	source, destination []uint32 // by atom
	sourcePort          portClasses
	destinationPort     portClasses
}

func (c *classes) make(table *cidr.Table) {
	sources, destinations := slices.Clone(c.always), slices.Clone(c.always)
	var from, to []topology.PortRange
	for _, g := range c.gates {
		sources, destinations = append(sources, g.sources...), append(destinations, g.destinations...)
		from, to = append(from, g.source.Ports...), append(to, g.destination.Ports...)
	}
	for _, p := range []uint16{53, 67, 80, 1688, 32526} { // of the platform
		to = append(to, topology.PortRange{First: p, Last: p})
	}
	c.source, c.destination = addressClasses(table, sources), addressClasses(table, destinations)
	c.sourcePort, c.destinationPort = newPortClasses(from), newPortClasses(to)
}

// addressClasses gives the atoms that lie in the same ones of the sets the
// same class.
func addressClasses(table *cidr.Table, sets []cidr.SetID) []uint32 {
	slices.Sort(sets)
	keys := make([][2]uint64, table.Atoms())
	for _, s := range slices.Compact(sets) {
		for _, a := range table.AtomsOf(s) {
			keys[a] = toggle(keys[a], int(s))
		}
	}
	of := make([]uint32, len(keys))
	number := map[[2]uint64]uint32{}
	for a, k := range keys {
		n, ok := number[k]
		if !ok {
			n = uint32(len(number))
			number[k] = n
		}
		of[a] = n
	}
	return of
}

// portClasses is from port to class, in pages of 256 ports of which equal ones
// are shared.
type portClasses struct {
	page    [256]uint16
	classes [][256]uint16
}

func newPortClasses(ranges []topology.PortRange) portClasses {
	all := make([]uint16, 1<<16)
	for n, c := range cutPorts(topology.AllPorts, ranges) {
		for _, r := range c.ranges {
			for p := int(r.First); p <= int(r.Last); p++ {
				all[p] = uint16(n)
			}
		}
	}
	var x portClasses
	number := map[[256]uint16]uint16{}
	for i := range x.page {
		page := [256]uint16(all[i<<8:])
		n, ok := number[page]
		if !ok {
			n = uint16(len(x.classes))
			number[page] = n
			x.classes = append(x.classes, page)
		}
		x.page[i] = n
	}
	return x
}

func (x *portClasses) of(port uint16) uint16 { return x.classes[x.page[port>>8]][port&255] }

// memo remembers the answers to classes of flows. Its size is fixed: a new
// answer may take the place of an old one.
type memo struct {
	slots [1 << 17]atomic.Pointer[memory]
}

// memory is a class of flows and its answer.
type memory struct {
	key    memoKey
	answer *Answer
}

type memoKey struct {
	chain                       uint64
	source, destination         uint32
	sourcePort, destinationPort uint16
	protocol                    topology.Protocol
	anySource, anyDestination   bool
	same                        bool
}

// key is the class of a flow; false where it cannot be said.
func (x *compiled) key(p *atomFlow) (k memoKey, ok bool) {
	c := &x.classes
	if c.gates == nil {
		return k, false
	}
	c.once.Do(func() { c.make(x.table) })
	k = memoKey{chain: x.number, source: c.source[p.source], destination: c.destination[p.destination], protocol: p.protocol, same: p.same}
	if p.protocol.HasPorts() || p.protocol == topology.AnyProtocol {
		if k.anySource = p.anySource; !p.anySource {
			k.sourcePort = c.sourcePort.of(p.sourcePort)
		}
		if k.anyDestination = p.anyDestination; !p.anyDestination {
			k.destinationPort = c.destinationPort.of(p.destinationPort)
		}
	}
	return k, true
}

// slot is where a class is remembered.
func (m *memo) slot(k *memoKey) *atomic.Pointer[memory] {
	h := k.chain ^ uint64(k.source)<<32 ^ uint64(k.destination)
	h = mix(h) ^ uint64(k.sourcePort)<<32 ^ uint64(k.destinationPort)<<8 ^ uint64(k.protocol)
	return &m.slots[mix(h)%uint64(len(m.slots))]
}

// recall is the answer to a flow of the same class, nil where none is
// remembered.
func (x *compiled) recall(p *atomFlow) *Answer {
	k, ok := x.key(p)
	if !ok {
		return nil
	}
	if m := x.b.memo.slot(&k).Load(); m != nil && m.key == k {
		return m.answer
	}
	return nil
}

func (x *compiled) remember(p *atomFlow, a *Answer) {
	if k, ok := x.key(p); ok {
		x.b.memo.slot(&k).Store(&memory{k, a})
	}
}
