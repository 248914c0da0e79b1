package edit

import (
	"fmt"
	"slices"

	"github.com/netpath/netpath/topology"
)

// Source is the file that the origin of an edited element names: it was read
// nowhere.
const Source = "(edit)"

// Edit is a change to one element of an estate. The types of this package are
// the edits there are.
type Edit interface {
	// Target is the ID of the element that changes.
	Target() topology.ID
	// String says the change in one line.
	String() string

	// change returns the element as it is after the edit, a copy.
	change(topology.Any) (topology.Any, error)
}

// Apply makes the edits, in order, and returns the estate as it is then. The
// network is left as it was, and shares with the new one all that no edit
// touches. An edit that Azure would refuse, or that has no element in the data
// to change, is an error.
func Apply(n *topology.Network, edits ...Edit) (*topology.Network, error) {
	var order []topology.ID
	now := map[topology.ID]topology.Any{}
	for _, e := range edits {
		id := e.Target()
		before, ok := now[id]
		if !ok {
			if before = n.Find(id); before == nil {
				return nil, fmt.Errorf("%s: %s is not in the data", e, id.Name())
			}
			order = append(order, id)
		}
		after, err := e.change(before)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e, err)
		}
		now[id] = after
	}
	list := make([]topology.Any, len(order))
	for i, id := range order {
		list[i] = now[id]
	}
	return n.Exchange(list...)
}

// Put adds the edit to a list. It takes the place of one that says the same
// thing of the same element in another form: a rule of that name, the proxy of
// that machine.
func Put(list []Edit, e Edit) []Edit {
	i := slices.IndexFunc(list, func(x Edit) bool { return slot(x) == slot(e) })
	if i < 0 {
		return append(slices.Clip(list), e)
	}
	list = slices.Clone(list)
	list[i] = e
	return list
}

// slot is what an edit decides: two edits of one slot cannot both be made.
func slot(e Edit) string {
	id := string(e.Target())
	switch e := e.(type) {
	case AddRule:
		return "rule " + id + "/" + foldName(e.Name)
	case RemoveRule:
		return "rule " + id + "/" + foldName(e.Name)
	case ReplaceRule:
		return "rule " + id + "/" + foldName(e.Rule.Name)
	case OpenHostFirewall:
		return "opening " + id + "/" + foldName(e.Name)
	case AllowHost:
		return "host " + id + "/" + foldName(e.Host)
	default:
		return "proxy " + id
	}
}
