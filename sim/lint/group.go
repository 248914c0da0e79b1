package lint

import "github.com/netpath/netpath/topology"

// groupRules are the rules about the rule lists of NSGs, NP1001 to NP1099.
func groupRules() []*Rule {
	return nil
}

// Group is one NSG as its rules are looked at. It is not safe for concurrent
// use.
type Group struct {
	*Run
	NSG *topology.NetworkSecurityGroup
}

func newGroup(r *Run, n *topology.NetworkSecurityGroup) *Group {
	return &Group{Run: r, NSG: n}
}
