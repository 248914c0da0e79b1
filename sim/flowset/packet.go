package flowset

import (
	"cmp"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/netpath/netpath/topology"
)

// Packet is one packet. Ports are 0 for protocols that have none.
type Packet struct {
	Protocol                    topology.Protocol
	Source, Destination         netip.Addr
	SourcePort, DestinationPort uint16
}

// locate is the class of the packet in each dimension, false where the space
// has no such packet.
func (s *Space) locate(p Packet) (at [levels]int32, ok bool) {
	kind := slices.Index(protocols[:], p.Protocol)
	if kind < 0 || p.Source.Is6() != s.v6 || p.Destination.Is6() != s.v6 {
		return at, false
	}
	at[protocol] = s.axes[protocol].ofPort(uint16(kind))
	at[source], at[destination] = s.axes[source].ofAddress(p.Source), s.axes[destination].ofAddress(p.Destination)
	if p.Protocol.HasPorts() {
		at[sourcePort], at[destinationPort] = s.axes[sourcePort].ofPort(p.SourcePort), s.axes[destinationPort].ofPort(p.DestinationPort)
	}
	return at, true
}

func (a *axis) ofPort(p uint16) int32 {
	return int32(slices.IndexFunc(a.classes, func(c class) bool {
		return slices.ContainsFunc(c.ports, func(r topology.PortRange) bool { return r.Contains(p) })
	}))
}

func (a *axis) ofAddress(x netip.Addr) int32 {
	i, _ := slices.BinarySearchFunc(a.order, x, func(p piece, x netip.Addr) int { return a.classes[p.class].addresses[p.at].To().Compare(x) })
	return a.order[i].class
}

// packet is a packet of the classes, of two addresses where they have two.
func (s *Space) packet(at [levels]int32) Packet {
	p := Packet{Protocol: s.protocolOf(at[protocol])}
	p.Source, p.Destination = s.host(source, at[source]).address, s.host(destination, at[destination]).address
	if p.Source == p.Destination { // a packet to oneself is like no other
		p.Destination = s.other(destination, at[destination], p.Source)
	}
	if p.Source == p.Destination {
		p.Source = s.other(source, at[source], p.Destination)
	}
	if p.Protocol.HasPorts() {
		p.SourcePort, _ = s.axes[sourcePort].classes[at[sourcePort]].port(ephemeral)
		p.DestinationPort, _ = s.axes[destinationPort].classes[at[destinationPort]].port(services)
	}
	return p
}

// The ports that witnesses prefer, best first.
var (
	services  = []uint16{443, 80, 22, 3389, 1433, 445, 53, 8080, 8443, 5432, 3306, 5985, 25, 123, 636, 389}
	ephemeral = []uint16{50000, 60000, 49152, 40000, 32768, 443}
)

// port is the port of the class that reads best, and how well: 0 is best.
func (c *class) port(wanted []uint16) (port uint16, rank int) {
	for i, p := range wanted {
		if slices.ContainsFunc(c.ports, func(r topology.PortRange) bool { return r.Contains(p) }) {
			return p, i
		}
	}
	largest := slices.MaxFunc(c.ports, func(x, y topology.PortRange) int { return cmp.Compare(x.Last-x.First, y.Last-y.First) })
	return max(largest.First, min(1, largest.Last)), len(wanted)
}

// The addresses that witnesses prefer after the hosts, best first: private
// ones, and public ones of documentation and of well-known services.
var (
	likely4 = []netip.Addr{
		netip.AddrFrom4([4]byte{10, 0, 0, 4}), netip.AddrFrom4([4]byte{10, 1, 0, 4}), netip.AddrFrom4([4]byte{192, 168, 0, 4}),
		netip.AddrFrom4([4]byte{172, 16, 0, 4}), netip.AddrFrom4([4]byte{8, 8, 8, 8}), netip.AddrFrom4([4]byte{203, 0, 113, 10}),
	}
	likely6 = []netip.Addr{
		netip.AddrFrom16([16]byte{0: 0xfd, 15: 4}),
		netip.AddrFrom16([16]byte{0x20, 0x01, 0x48, 0x60, 0x48, 0x60, 14: 0x88, 15: 0x88}),
	}
)

// host is what stands for a class of addresses.
func (s *Space) host(level int, n int32) host {
	a := &s.axes[level]
	likely := s.likely()
	if a.hosts == nil {
		a.hosts = make([]host, len(a.classes))
		for i, x := range likely {
			if h := &a.hosts[a.ofAddress(x)]; !h.address.IsValid() {
				*h = host{x, i}
			}
		}
	}
	h := &a.hosts[n]
	if !h.address.IsValid() {
		list := a.classes[n].addresses
		i := max(0, slices.IndexFunc(list, func(r netipx.IPRange) bool { return !unusual(r) }))
		h.address, h.rank = hostOf(list[i]), len(likely)
		if unusual(list[i]) {
			h.rank++
		}
	}
	return *h
}

// likely are the addresses that witnesses prefer, best first.
func (s *Space) likely() []netip.Addr {
	all := slices.Concat(s.hosts, likely4, likely6)
	return slices.DeleteFunc(all, func(a netip.Addr) bool { return a.Is6() != s.v6 })
}

// other is an address of the class that is not a, a where there is no other.
func (s *Space) other(level int, n int32, a netip.Addr) netip.Addr {
	x := &s.axes[level]
	for _, h := range s.likely() {
		if h != a && x.ofAddress(h) == n {
			return h
		}
	}
	return x.classes[n].not(a)
}

// unusual reports whether the range begins with an address that no machine
// has.
func unusual(r netipx.IPRange) bool {
	x := r.From()
	return x.IsMulticast() || x.IsLoopback() || x.IsUnspecified() || x.IsLinkLocalUnicast() || x.Is4() && (x.As4()[0] == 0 || x.As4()[0] >= 240)
}

// hostOf is an address of the range that a machine could have: the fourth,
// the first of a subnet that Azure gives away, or the nearest before it.
func hostOf(r netipx.IPRange) netip.Addr {
	a := r.From()
	for i := 0; i < 4 && a != r.To(); i++ {
		a = a.Next()
	}
	return a
}

// not is an address of the class that is not a, a where there is no other.
func (c *class) not(a netip.Addr) netip.Addr {
	for _, r := range c.addresses {
		if r.Contains(a) {
			if next := a.Next(); r.Contains(next) {
				return next
			}
			if prev := a.Prev(); r.Contains(prev) {
				return prev
			}
			continue
		}
		return hostOf(r)
	}
	return a
}

// Witness is a packet of the set that a person would think of, false for the
// empty set: TCP, a host, port 443 where the set has such.
func (a Set) Witness() (Packet, bool) {
	if a.Empty() {
		return Packet{}, false
	}
	s, n := a.space, a.root
	var at [levels]int32
	for level := range at {
		empty := s.constant(level+1, out)
		from, best, to := int32(0), -1, int32(0)
		for _, r := range s.nodes[level][n] {
			for ; from < r.end; from++ {
				if r.to == empty {
					continue
				}
				if rank := s.rank(level, from); best < 0 || rank < best {
					best, at[level], to = rank, from, r.to
				}
			}
		}
		n = to
	}
	return s.packet(at), true
}

func (s *Space) rank(level int, n int32) (rank int) {
	c := &s.axes[level].classes[n]
	switch level {
	case protocol:
		rank = int(n)
	case source, destination:
		rank = s.host(level, n).rank
	case sourcePort:
		_, rank = c.port(ephemeral)
	default:
		_, rank = c.port(services)
	}
	return rank
}

// Boxes are boxes that make up the set, no packet in two of them, in an order
// that depends on the set alone. There may be many; yield says whether to go
// on.
func (a Set) Boxes(yield func(Box) bool) {
	var b Box
	a.space.boxes(protocol, a.root, false, &b, yield)
}

func (s *Space) boxes(level int, n int32, portless bool, b *Box, yield func(Box) bool) bool {
	if level == levels {
		return n == out || yield(*b)
	}
	var order []int32
	of := map[int32][]int32{}
	from := int32(0)
	for _, r := range s.nodes[level][n] {
		for ; from < r.end; from++ {
			key := r.to
			if level == protocol && s.portless(from) {
				key = -1 - r.to // apart: its boxes have no ports
			}
			if of[key] == nil {
				order = append(order, key)
			}
			of[key] = append(of[key], from)
		}
	}
	for _, key := range order {
		to, none := key, portless
		if key < 0 {
			to, none = -1-key, true
		}
		whole := len(of[key]) == len(s.axes[level].classes)
		var ports []topology.PortRange
		for _, n := range of[key] {
			ports = append(ports, s.axes[level].classes[n].ports...)
		}
		ports = mergePorts(ports)
		switch level {
		case protocol:
			b.Protocols = nil
			for _, r := range ports {
				b.Protocols = append(b.Protocols, protocols[r.First:r.Last+1]...)
			}
		case source, destination:
			var addresses *netipx.IPSet
			if !whole {
				addresses = s.axes[level].addresses(of[key])
			}
			if level == source {
				b.Source = addresses
			} else {
				b.Destination = addresses
			}
		default:
			if whole || none {
				ports = nil
			}
			if level == sourcePort {
				b.SourcePorts = ports
			} else {
				b.DestinationPorts = ports
			}
		}
		if !s.boxes(level+1, to, none, b, yield) {
			return false
		}
	}
	return true
}

// addresses are those of some classes.
func (a *axis) addresses(classes []int32) *netipx.IPSet {
	in := make([]bool, len(a.classes))
	for _, n := range classes {
		in[n] = true
	}
	var b netipx.IPSetBuilder
	for i := 0; i < len(a.order); i++ {
		if !in[a.order[i].class] {
			continue
		}
		from := i
		for i+1 < len(a.order) && in[a.order[i+1].class] { // the next piece touches this one
			i++
		}
		first, last := a.order[from], a.order[i]
		b.AddRange(netipx.IPRangeFrom(a.classes[first.class].addresses[first.at].From(), a.classes[last.class].addresses[last.at].To()))
	}
	set, _ := b.IPSet() // of valid ranges: no error
	return set
}
