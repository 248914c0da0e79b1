package topology

import (
	"fmt"
	"maps"
	"slices"
)

// Exchange returns the network in which each of the elements stands in the
// place of the one with its resource ID; everything else is shared, and the
// network itself is as before. It takes network security groups and virtual
// machines, which have neither children nor addresses that others are found
// by, and refuses others and an ID that is not in the data.
func (n *Network) Exchange(elements ...Any) (*Network, error) {
	m := *n
	m.exchanged = maps.Clone(n.exchanged)
	if m.exchanged == nil {
		m.exchanged = make(map[ID]Any, len(elements))
	}
	groups, machines := false, false
	for _, e := range elements {
		id := e.Base().ID()
		old := n.Find(id)
		if old == nil {
			return nil, fmt.Errorf("no element has the ID %s", e.Base().ResourceID)
		}
		ok := true
		switch e := e.(type) {
		case *NetworkSecurityGroup:
			ok = put(&m.NetworkSecurityGroups, &groups, m.Find(id), e)
		case *VirtualMachine:
			ok = put(&m.VirtualMachines, &machines, m.Find(id), e)
		default:
			ok = false
		}
		if !ok {
			return nil, fmt.Errorf("a %T cannot stand in the place of %T %s", e, old, e.Base().ResourceID)
		}
		m.exchanged[id] = e
	}
	return &m, nil
}

// put puts the element in the place of the old one; the list is cloned once.
func put[T interface {
	Any
	comparable
}](list *[]T, cloned *bool, old Any, e T) bool {
	was, ok := old.(T)
	if !ok {
		return false
	}
	i := slices.Index(*list, was)
	if i < 0 {
		return false
	}
	if !*cloned {
		*list, *cloned = slices.Clone(*list), true
	}
	(*list)[i] = e
	return true
}
