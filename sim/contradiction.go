package sim

import (
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// exportBoth is what settles a contradiction between an effective export and
// the configuration.
const exportBoth = "az network nsg list -o json, az network nic list -o json and az network nic list-effective-nsg, at one time"

// claim is an NSG that is said to be attached where the other side does not say
// so (bad-inputs 118).
type claim struct {
	group *topology.NetworkSecurityGroup
	view  *topology.EffectiveSecurityGroup // that says so; nil: the NSG itself
}

func (c claim) fact(l gateAt) flow.Fact {
	f := flow.Fact{Code: flow.AssociationConflict, About: c.group.Name, Detail: string(l.element),
		Text: c.group.Name + " says that it is attached to " + l.place + ", which does not say so"}
	if c.view != nil {
		f.Text = "the effective rules at " + c.view.Origin.String() + " say that " + c.group.Name + " is attached to " + l.place + ", which does not say so"
		f.Export = exportBoth
	}
	return f
}

// version is an NSG as an effective export has it, where that is at odds with
// the NSG as it was exported, or as another effective export has it.
type version struct {
	group *topology.NetworkSecurityGroup
	fact  flow.Fact
}

// contradict keeps what an effective export says that the rest of the data does
// not: either may be right, for they were exported at different times.
func (s *Simulator) contradict(e *topology.EffectiveSecurityGroup) {
	id := e.NetworkSecurityGroup.ID()
	if id == "" {
		return
	}
	g, ok := s.group(e.NetworkSecurityGroup)
	if !ok {
		g = &topology.NetworkSecurityGroup{Element: topology.Element{ResourceID: e.NetworkSecurityGroup.Text, Name: id.Name(), Origin: e.Origin}}
	}
	for _, r := range e.Misplaced(s.net) {
		known := false
		for _, c := range s.claims[r.ID()] {
			known = known || c.group.ID() == id
		}
		if !known {
			s.claims[r.ID()] = append(s.claims[r.ID()], claim{g, e})
		}
	}
	if !g.RulesGiven {
		return
	}
	rule := e.Differs(g.SecurityRules)
	if rule == nil {
		return
	}
	for _, v := range s.versions[id] {
		if e.Differs(v.group.SecurityRules) == nil {
			return
		}
	}
	s.versions[id] = append(s.versions[id], version{effectiveGroup(e), flow.Fact{Code: flow.SourcesConflict, About: g.Name, Detail: "rules " + string(id) + " " + e.Origin.String() + e.Origin.Pointer,
		Text:   "the rules of " + g.Name + " at " + g.Origin.String() + " and its effective rules at " + e.Origin.String() + " are at odds: " + quote(topology.BareRuleName(rule.Name)) + " at " + rule.Origin.String() + " has no equal",
		Export: exportBoth}})
}

// version is the NSG with the rules that it has in this world.
func (k *walk) version(g *topology.NetworkSecurityGroup) *topology.NetworkSecurityGroup {
	for _, v := range k.s.versions[g.ID()] {
		if k.w.Otherwise(v.fact) {
			return v.group
		}
	}
	return g
}
