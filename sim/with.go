package sim

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

// With is the simulator of the estate as it is after the edits. Only what an
// edit touches is compiled again: names, routes, firewalls and the gates of
// other NSGs are shared with s, which answers as before. An error says which
// edit cannot be made.
func (s *Simulator) With(edits ...edit.Edit) (*Simulator, error) {
	n, err := edit.Apply(s.net, edits...)
	if err != nil {
		return nil, err
	}
	base := cmp.Or(s.base, s)
	x := &Simulator{
		net: n, opts: s.opts, names: s.names, base: base, own: map[*topology.NetworkSecurityGroup]bool{},
		claims: base.claims, versions: base.versions, admin: base.admin, anywhere: base.anywhere, vms: base.vms, beside: base.beside, pools: base.pools, fronts: base.fronts,
		viewed: base.viewed, estateRanges: base.estateRanges,
	}
	x.sourcePorts = sync.OnceValue(x.readSourcePorts)
	x.ruleTags = sync.OnceValue(x.readRuleTags)
	x.groups = slices.Clone(base.groups)
	for i, g := range n.NetworkSecurityGroups {
		if was := base.net.NetworkSecurityGroups[i]; was != g {
			x.own[g], x.groups[i] = true, g
			x.claim(was, g)
		}
	}
	changed := map[*topology.VirtualMachine]*topology.VirtualMachine{}
	for i, vm := range n.VirtualMachines {
		if was := base.net.VirtualMachines[i]; was != vm {
			changed[was] = vm
		}
	}
	if len(changed) > 0 {
		x.vms = maps.Clone(base.vms)
		for id, vm := range x.vms {
			if next := changed[vm]; next != nil {
				x.vms[id] = next
			}
		}
	}
	return x, nil
}

// claim puts the NSG in the place of the one it was wherever that says it is
// attached.
func (s *Simulator) claim(was, now *topology.NetworkSecurityGroup) {
	refs := slices.Concat(was.Subnets, was.Interfaces)
	for _, e := range s.net.EffectiveSecurityGroups {
		if e.NetworkSecurityGroup.ID() == was.ID() {
			refs = append(refs, e.Subnet, e.NetworkInterface)
		}
	}
	if len(refs) == 0 {
		return
	}
	s.claims = maps.Clone(s.claims)
	for _, r := range refs {
		list := slices.Clone(s.claims[r.ID()])
		for i, c := range list {
			if c.group == was {
				list[i].group = now
			}
		}
		s.claims[r.ID()] = list
	}
}

// meetsOwn reports whether what walks met has a gate that the base does not.
func (s *Simulator) meetsOwn(c *cuts) bool {
	for g := range c.gates {
		if s.own[g.NSG] {
			return true
		}
	}
	return false
}
