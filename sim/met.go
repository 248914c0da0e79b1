package sim

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"go4.org/netipx"

	"github.com/netpath/netpath/topology"
)

// met is what the walks of a question have met, as far as sets are cut by it.
type met struct {
	ranges              [][]netipx.IPRange // of each prefix set, those of the estate first
	source, destination []topology.PortRange

	cut sync.Map // cutKey → []class
}

// cutKey names a set that many questions ask about, in one family.
type cutKey struct {
	key string
	v6  bool
}

// classes cuts the addresses of an end of a family.
func (m *met) classes(e *end, v6 bool) []class {
	if e.key == "" {
		return cutSet(e.addresses(v6), m.ranges)
	}
	key := cutKey{e.key, v6}
	if c, ok := m.cut.Load(key); ok {
		return c.([]class)
	}
	c, _ := m.cut.LoadOrStore(key, cutSet(e.addresses(v6), m.ranges))
	return c.([]class)
}

// metCache remembers what was met: machines behind the same gates ask about
// the same tags, and cutting a tag at the prefixes of all rules on a path is
// most of the work of a walk. The zero value is empty. It is safe for
// concurrent use.
type metCache struct {
	numbers sync.Map // gate, table, firewall or set → int64
	last    atomic.Int64
	known   sync.Map // string → *met
	ranges  sync.Map // *netipx.IPSet → []netipx.IPRange
	size    atomic.Int64
}

// maxMet bounds what is remembered.
const maxMet = 4096

// number is a number of a thing that is met, the same each time.
func (x *metCache) number(thing any) int64 {
	if n, ok := x.numbers.Load(thing); ok {
		return n.(int64)
	}
	n, _ := x.numbers.LoadOrStore(thing, x.last.Add(1))
	return n.(int64)
}

// rangesOf are the ranges of a set, which asked for are a copy: of a large set,
// mostly that of a service tag, one is kept.
func (x *metCache) rangesOf(p *netipx.IPSet) []netipx.IPRange {
	if r, ok := x.ranges.Load(p); ok {
		return r.([]netipx.IPRange)
	}
	r := p.Ranges()
	if len(r) > 32 {
		x.ranges.Store(p, r)
	}
	return r
}

// metBy is what the cuts of a question amount to, with the constants of the
// estate where a set is asked.
func (s *Simulator) metBy(c *cuts, estate bool) *met {
	if s.base != nil && !s.meetsOwn(c) {
		return s.base.metBy(c, estate)
	}
	var numbers []int64
	for g := range c.gates {
		numbers = append(numbers, s.met.number(g))
	}
	for t := range c.tables {
		numbers = append(numbers, s.met.number(t))
	}
	for f := range c.firewalls {
		numbers = append(numbers, s.met.number(f))
	}
	for p := range c.sets {
		numbers = append(numbers, s.met.number(p))
	}
	slices.Sort(numbers)
	key := strconv.AppendBool(nil, estate)
	for _, n := range numbers {
		key = strconv.AppendInt(append(key, ' '), n, 36)
	}
	if m, ok := s.met.known.Load(string(key)); ok {
		return m.(*met)
	}
	m := &met{}
	prefixes, source, destination := c.constants()
	m.source, m.destination = source, destination
	if estate {
		m.ranges = slices.Clip(s.estateRanges())
	}
	seen := make(map[*netipx.IPSet]bool, len(prefixes)) // rules name one tag often
	for _, p := range prefixes {
		if !seen[p] {
			seen[p] = true
			m.ranges = append(m.ranges, s.met.rangesOf(p))
		}
	}
	if s.met.size.Add(1) > maxMet {
		return m
	}
	x, _ := s.met.known.LoadOrStore(string(key), m)
	return x.(*met)
}
