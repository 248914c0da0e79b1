package diff

import (
	"fmt"
	"path"
	"strings"

	"github.com/netpath/netpath/topology"
)

// pair is one element as the two sides have it; one of them may be nil.
type pair[T topology.Any] struct{ old, new T }

// both reports whether both sides have the element.
func both[T interface {
	topology.Any
	comparable
}](p pair[T]) bool {
	var none T
	return p.old != none && p.new != none
}

// match pairs the elements of two sides: by resource ID, then by name where
// each side has one such left. Those that only one side has are pairs with a
// nil. The order is that of the new side, then of the old one.
func match[T interface {
	topology.Any
	comparable
}](old, new []T, name func(T) string) []pair[T] {
	left := map[topology.ID]T{}
	for _, x := range old {
		left[x.Base().ID()] = x
	}
	out := make([]pair[T], len(new))
	byName := map[string][2][]int{}
	for i, x := range new {
		out[i].new = x
		if y, ok := left[x.Base().ID()]; ok {
			out[i].old = y
			delete(left, x.Base().ID())
			continue
		}
		n := byName[name(x)]
		n[1] = append(n[1], i)
		byName[name(x)] = n
	}
	for i, x := range old {
		if _, ok := left[x.Base().ID()]; ok {
			n := byName[name(x)]
			n[0] = append(n[0], i)
			byName[name(x)] = n
		}
	}
	for i, x := range old {
		if _, ok := left[x.Base().ID()]; !ok {
			continue
		}
		if n := byName[name(x)]; len(n[0]) == 1 && len(n[1]) == 1 && n[0][0] == i {
			out[n[1][0]].old = x
			continue
		}
		out = append(out, pair[T]{old: x})
	}
	return out
}

func bareName[T topology.Any](x T) string { return strings.ToLower(x.Base().Name) }

// subnetLabel is "v1/app".
func subnetLabel(s *topology.Subnet) string {
	return path.Base(path.Dir(path.Dir(strings.TrimRight(s.ResourceID, "/")))) + "/" + s.Name
}

func subnetKey(s *topology.Subnet) string { return strings.ToLower(subnetLabel(s)) }

func subnets(n *topology.Network) []*topology.Subnet {
	var out []*topology.Subnet
	for _, v := range n.VirtualNetworks {
		out = append(out, v.Subnets...)
	}
	return out
}

// matchGroups pairs NSGs. Where each side has a single one they are compared
// whatever their names are.
func (c *comparison) matchGroups() []pair[*topology.NetworkSecurityGroup] {
	if c.groupPairs == nil {
		c.groupPairs = c.pairGroups()
	}
	return c.groupPairs
}

func (c *comparison) pairGroups() []pair[*topology.NetworkSecurityGroup] {
	old, new := c.sides[0].Groups(), c.sides[1].Groups()
	if len(old) == 1 && len(new) == 1 {
		a, b := old[0], new[0]
		switch {
		case a.ID() == b.ID():
		case strings.EqualFold(a.Name, b.Name):
			c.noteMoved(b)
		default:
			c.note("each side has one NSG: %s is compared with %s", a.Name, b.Name)
		}
		return []pair[*topology.NetworkSecurityGroup]{{a, b}}
	}
	out := match(old, new, bareName[*topology.NetworkSecurityGroup])
	for _, p := range out {
		if both(p) && p.old.ID() != p.new.ID() {
			c.noteMoved(p.new)
		}
	}
	return out
}

func (c *comparison) noteMoved(g *topology.NetworkSecurityGroup) {
	c.note("NSG %s has another resource ID than before and is matched by its name", g.Name)
}

func (c *comparison) note(format string, args ...any) {
	c.report.Notes = append(c.report.Notes, fmt.Sprintf(format, args...))
}
