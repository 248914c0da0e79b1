package reach

import (
	"fmt"
	"slices"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// fate is what becomes of the packets of a service: each of its bits says that
// it becomes of some of them.
type fate uint8

const (
	passes fate = 1 << iota
	undecided
	denied
)

func fateOf(v flow.Verdict) fate {
	switch v {
	case flow.Allow:
		return passes
	case flow.Deny:
		return denied
	default:
		return undecided
	}
}

// grid is the fate of every protocol and port. Ports are cut into runs, the
// first from 0; for protocols without ports there is one cell.
type grid struct {
	sourcePorts, ports []uint16
	cells              [5][]fate // by protocol; by source port, then by port
}

// gridOf is the grid of parts, which together are every protocol and port.
func gridOf(parts []sim.CrossingPart) *grid {
	g := &grid{sourcePorts: []uint16{0}, ports: []uint16{0}}
	starts := func(into *[]uint16, list []topology.PortRange) {
		for _, r := range list {
			*into = append(*into, r.First)
			if r.Last < 65535 {
				*into = append(*into, r.Last+1)
			}
		}
	}
	for i := range parts {
		starts(&g.sourcePorts, parts[i].SourcePorts)
		starts(&g.ports, parts[i].Ports)
	}
	for _, list := range []*[]uint16{&g.sourcePorts, &g.ports} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	in := func(list []topology.PortRange, p uint16) bool {
		return list == nil || slices.ContainsFunc(list, func(r topology.PortRange) bool { return r.Contains(p) })
	}
	for k, p := range protocols {
		n := 1
		if p.HasPorts() {
			n = len(g.sourcePorts) * len(g.ports)
		}
		g.cells[k] = make([]fate, n)
		for i := range parts {
			x := &parts[i]
			if x.Protocol != p {
				continue
			}
			if n == 1 {
				g.cells[k][0] |= fateOf(x.Verdict)
				continue
			}
			for i, from := range g.sourcePorts {
				for j, to := range g.ports {
					if in(x.SourcePorts, from) && in(x.Ports, to) {
						g.cells[k][i*len(g.ports)+j] |= fateOf(x.Verdict)
					}
				}
			}
		}
	}
	return g
}

// with is the fate of the packets of either grid.
func (g *grid) with(h *grid) *grid {
	both := func(a, b []uint16) []uint16 {
		out := slices.Concat(a, b)
		slices.Sort(out)
		return slices.Compact(out)
	}
	x := &grid{sourcePorts: both(g.sourcePorts, h.sourcePorts), ports: both(g.ports, h.ports)}
	for k, p := range protocols {
		if !p.HasPorts() {
			x.cells[k] = []fate{g.cells[k][0] | h.cells[k][0]}
			continue
		}
		for _, from := range x.sourcePorts {
			for _, to := range x.ports {
				x.cells[k] = append(x.cells[k], g.at(k, from, to)|h.at(k, from, to))
			}
		}
	}
	return x
}

func (g *grid) at(k int, from, to uint16) fate {
	run := func(starts []uint16, p uint16) int {
		i, found := slices.BinarySearch(starts, p)
		if !found {
			i--
		}
		return i
	}
	return g.cells[k][run(g.sourcePorts, from)*len(g.ports)+run(g.ports, to)]
}

// services are those whose fate fits, protocols that agree together.
func (g *grid) services(fits func(fate) bool) []Services {
	var out []Services
	add := func(s Services) {
		for i := range out {
			if slices.Equal(out[i].Ports, s.Ports) && slices.Equal(out[i].SourcePorts, s.SourcePorts) {
				out[i].Protocols = append(out[i].Protocols, s.Protocols...)
				return
			}
		}
		out = append(out, s)
	}
	for k, p := range protocols {
		if !p.HasPorts() {
			if fits(g.cells[k][0]) {
				add(Services{Protocols: []topology.Protocol{p}})
			}
			continue
		}
		// Source ports with the same ports go together.
		var lists [][]topology.PortRange
		var sources [][]topology.PortRange
		for i := range g.sourcePorts {
			var list []topology.PortRange
			for j := range g.ports {
				if fits(g.cells[k][i*len(g.ports)+j]) {
					list = append(list, runRange(g.ports, j))
				}
			}
			if list == nil {
				continue
			}
			list = joinPorts(list, []topology.PortRange{})
			n := slices.IndexFunc(lists, func(x []topology.PortRange) bool { return slices.Equal(x, list) && (x == nil) == (list == nil) })
			if n < 0 {
				n = len(lists)
				lists, sources = append(lists, list), append(sources, []topology.PortRange{})
			}
			sources[n] = append(sources[n], runRange(g.sourcePorts, i))
		}
		for n := range lists {
			add(Services{Protocols: []topology.Protocol{p}, SourcePorts: joinPorts(sources[n], []topology.PortRange{}), Ports: lists[n]})
		}
	}
	for i := range out {
		if len(out[i].Protocols) == len(protocols) {
			out[i].Protocols = nil
		}
	}
	return out
}

func runRange(starts []uint16, i int) topology.PortRange {
	r := topology.PortRange{First: starts[i], Last: 65535}
	if i+1 < len(starts) {
		r.Last = starts[i+1] - 1
	}
	return r
}

// key tells grids apart that are not alike; alike ones may have two keys.
func (g *grid) key() string { return fmt.Sprint(g.sourcePorts, g.ports, g.cells) }
