package flowset

import (
	"slices"

	"go4.org/netipx"

	"github.com/netpath/netpath/topology"
)

// Sources are the source addresses of the set's packets.
func (a Set) Sources() *netipx.IPSet { return a.space.axes[source].addresses(a.classes(source, false)) }

// Destinations are the destination addresses of the set's packets.
func (a Set) Destinations() *netipx.IPSet {
	return a.space.axes[destination].addresses(a.classes(destination, false))
}

// DestinationPorts are the destination ports of the set's packets, those that
// have none left out.
func (a Set) DestinationPorts() []topology.PortRange {
	var ports []topology.PortRange
	for _, n := range a.classes(destinationPort, true) {
		ports = append(ports, a.space.axes[destinationPort].classes[n].ports...)
	}
	return mergePorts(ports)
}

// classes are the classes of a dimension that some packet of the set has; with
// ported, some packet that has ports.
func (a Set) classes(level int, ported bool) []int32 {
	s := a.space
	here := []int32{a.root}
	for l := protocol; ; l++ {
		empty := s.constant(l+1, out)
		var next, held []int32
		for _, n := range here {
			from := int32(0)
			for _, r := range s.nodes[l][n] {
				for ; from < r.end; from++ {
					if r.to != empty && !(l == protocol && ported && s.portless(from)) {
						next, held = append(next, r.to), append(held, from)
					}
				}
			}
		}
		slices.Sort(held)
		if l == level {
			return slices.Compact(held)
		}
		slices.Sort(next)
		here = slices.Compact(next)
	}
}
