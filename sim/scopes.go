package sim

import (
	"slices"

	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// Scopes are the places at which an NSG applies, as its tags are read there:
// the subnets that it is attached to and those of the interfaces that it is
// attached to, in the order of the data; those that only the NSG itself claims
// are among them. Where the data has none, or lacks one that the NSG claims,
// the place of an NSG that is asked alone is the last.
func (s *Simulator) Scopes(g *topology.NetworkSecurityGroup) []*scope.Place {
	id := g.ID()
	of := func(ref topology.Ref, x *topology.Element) bool {
		return ref.ID() == id || slices.ContainsFunc(s.claims[x.ID()], func(c claim) bool { return c.group.ID() == id })
	}
	var out []*scope.Place
	add := func(p *scope.Place) {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	for _, v := range s.net.VirtualNetworks {
		for _, sub := range v.Subnets {
			if of(sub.NetworkSecurityGroup, &sub.Element) {
				add(s.names.At(sub))
			}
		}
	}
	for _, nic := range s.net.NetworkInterfaces {
		if !of(nic.NetworkSecurityGroup, &nic.Element) {
			continue
		}
		for _, c := range nic.IPConfigurations {
			sub, _ := topology.Lookup[*topology.Subnet](s.net, c.Subnet)
			add(s.names.At(sub))
		}
	}
	beyond := func(r topology.Ref) bool { return s.net.Find(r.ID()) == nil }
	if len(out) == 0 || slices.ContainsFunc(g.Subnets, beyond) || slices.ContainsFunc(g.Interfaces, beyond) {
		add(s.placeOf(g, nil))
	}
	return out
}

// Gate is an NSG as it applies at a place.
func (s *Simulator) Gate(g *topology.NetworkSecurityGroup, d topology.Direction, p *scope.Place) *nsg.Gate {
	return s.gate(g, d, p)
}
