package classify

import (
	"slices"

	"github.com/netpath/netpath/topology"
)

// portMap is from protocol and port to class: a row of 1,024 pages for each
// protocol, 64 ports a page. Rows and pages that are the same are shared.
type portMap struct {
	row   [8]uint16 // by protocol
	root  []uint16  // page, by row and port/64
	pages []uint16  // class, by page and port%64
}

func (m *portMap) class(p topology.Protocol, port uint16) uint32 {
	page := m.root[uint32(m.row[p&7])<<10|uint32(port>>6)]
	return uint32(m.pages[uint32(page)<<6|uint32(port&63)])
}

func (m *portMap) size() int { return 2 * (cap(m.root) + cap(m.pages)) }

// portMapBuilder makes a portMap.
type portMapBuilder struct {
	portMap
	constant map[int]uint16 // pages, by the class that all their ports have
	same     map[int]uint16 // rows, likewise
}

func newPortMap() *portMapBuilder {
	return &portMapBuilder{constant: map[int]uint16{}, same: map[int]uint16{}}
}

// add makes a row of segments.
func (b *portMapBuilder) add(segments []segment) uint16 {
	if len(segments) == 1 {
		if r, ok := b.same[segments[0].class]; ok {
			return r
		}
	}
	r := uint16(len(b.root) >> 10)
	if len(segments) == 1 {
		b.same[segments[0].class] = r
	}
	b.root = slices.Grow(b.root, 1<<10)
	i := 0
	for first := 0; first < 1<<16; {
		for i+1 < len(segments) && int(segments[i+1].first) <= first {
			i++
		}
		end := 1 << 16 // of the segment
		if i+1 < len(segments) {
			end = int(segments[i+1].first)
		}
		if whole := (end - first) >> 6; whole > 0 {
			page := b.page(segments[i].class)
			for range whole {
				b.root = append(b.root, page)
			}
			first += whole << 6
			continue
		}
		b.root = append(b.root, uint16(len(b.pages)>>6))
		for j, port := i, first; port < first+64; port++ {
			if j+1 < len(segments) && int(segments[j+1].first) == port {
				j++
			}
			b.pages = append(b.pages, uint16(segments[j].class))
		}
		first += 64
	}
	return r
}

// page is the page that has one class everywhere.
func (b *portMapBuilder) page(class int) uint16 {
	p, ok := b.constant[class]
	if !ok {
		p = uint16(len(b.pages) >> 6)
		b.constant[class] = p
		for range 64 {
			b.pages = append(b.pages, uint16(class))
		}
	}
	return p
}

func (b *portMapBuilder) done() portMap {
	m := b.portMap
	m.root, m.pages = exact(m.root), exact(m.pages)
	return m
}

// exact is the slice in an array of its own length, for what is kept.
func exact[T any](s []T) []T { return append(make([]T, 0, len(s)), s...) }

// sourcePorts makes the classes and the map of the source port. Packets
// without ports have the class of all entries.
func sourcePorts(entries []entry, words int) (classes, portMap) {
	x, b := newPortAxis(entries, words), newPortMap()
	with := b.add(x.segments(
		func(m *Match) bool { return true },
		func(m *Match) []topology.PortRange { return m.SourcePorts }))
	without := b.add([]segment{{class: x.fixed(func(*Match) bool { return true })}})
	for p := range b.row {
		b.row[p] = without
		if topology.Protocol(p).HasPorts() {
			b.row[p] = with
		}
	}
	return x.classes, b.done()
}

// destinationPorts makes the classes and the map of protocol and destination
// port. What is not one of the five protocols has the class of no entry.
func destinationPorts(entries []entry, words int) (classes, portMap) {
	x, b := newPortAxis(entries, words), newPortMap()
	for i := range b.row {
		p := topology.Protocol(i)
		has := func(m *Match) bool { return AllProtocols.Has(p) && m.Protocols.Has(p) }
		if p.HasPorts() {
			b.row[i] = b.add(x.segments(has, func(m *Match) []topology.PortRange { return m.DestinationPorts }))
		} else {
			b.row[i] = b.add([]segment{{class: x.fixed(has)}})
		}
	}
	return x.classes, b.done()
}
