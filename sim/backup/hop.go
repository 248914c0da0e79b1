package backup

import (
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
)

// decisive is the hop that gave an outcome its verdict: the first that denies
// or is not decided; of those that allow the last whose rule is named. nil
// where there is none.
func decisive(o *sim.Outcome) *sim.Hop {
	var found *sim.Hop
	for i := range o.Hops {
		h := &o.Hops[i]
		switch {
		case h.Verdict != o.Verdict && h.Verdict != granted(o):
		case o.Verdict != flow.Allow && granted(o) != flow.Allow:
			return h
		case h.Code == o.Code && h.RuleName == o.RuleName:
			found = h
		}
	}
	return found
}

// isRule reports whether the rule of an NSG or an admin rule decided the hop.
func isRule(h *sim.Hop) bool {
	return h.RuleName != "" && (h.Kind == sim.HopSecurityRules || h.Kind == sim.HopAdminRules)
}

// describe says in a few words what decided a hop, and its note.
func describe(h *sim.Hop) string {
	s := h.Describe()
	if h.Kind == sim.HopVirtualAppliance && h.Code == flow.NVANoForwarding && h.Verdict == flow.Deny {
		s += " does not forward"
	}
	if h.Note != "" {
		s += ": " + h.Note
	}
	return s
}
