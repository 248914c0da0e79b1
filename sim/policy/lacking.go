package policy

import (
	"slices"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// lacking are why a selector of interfaces may select more than the data can
// ask: interfaces that others name and the data does not hold, and those of
// which it lacks the address or the subnet.
func (s *selection) lacking(kind string, c criteria) (out []string) {
	for i := range s.absent {
		a := &s.absent[i]
		if text := string(flow.DanglingReference) + ": " + a.String(); s.maySelect(a, kind, c) && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// maySelect reports whether a selector may mean something that is not in the
// data.
func (s *selection) maySelect(a *topology.Absent, kind string, c criteria) bool {
	e := &topology.Element{ResourceID: string(a.Interface), Name: a.Interface.Name()}
	switch kind {
	case "subnet":
		if a.Subnet == "" {
			return true
		}
		in, doubt := s.inSubnet(&topology.IPConfiguration{Subnet: topology.RefTo(string(a.Subnet))}, c)
		return in || doubt != ""
	case "asg":
		return !a.Addressed && (!a.GroupsKnown() || slices.ContainsFunc(a.ASGs, func(r topology.Ref) bool {
			is, doubt := s.isGroup(r, c)
			return is || doubt != ""
		}))
	case "nic", "label":
		fits := c.names(func(pattern string) bool { return named(e, pattern) })
		return !a.Addressed && !a.Receives && fits && (!a.Known || c.tagged(a.Tags))
	}
	return false
}
