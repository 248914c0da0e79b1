package backup

import (
	"fmt"
	"strings"

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

// describe says in a few words what decided a hop.
func describe(h *sim.Hop) string {
	var s string
	switch {
	case isRule(h):
		s = fmt.Sprintf("%d %s", h.Priority, h.RuleName)
		if h.Name != "" {
			s += " in " + h.Name
		}
		s += " (" + spaced(h.AppliedTo, strings.ToLower(h.Direction)) + ")"
	case h.Code == flow.NoNSG:
		s = "no NSG (" + spaced(h.AppliedTo, strings.ToLower(h.Direction)) + ")"
	case h.Kind == sim.HopRoute || h.Kind == sim.HopReturn:
		s = spaced("the route", h.AddressPrefix)
		if h.NextHopType != "" {
			s += " to " + spaced(string(h.NextHopType), h.NextHopIPAddress)
		}
		if name := strings.Trim(h.Name+"/"+h.RuleName, "/"); name != "" {
			s += " (" + name + ")"
		}
	case h.Kind == sim.HopHostFirewall && h.RuleName == "":
		s = "the guest firewall of " + h.Name
	case h.Kind == sim.HopHostFirewall:
		s = "the rule " + h.RuleName + " of the guest firewall of " + h.Name
	case h.Kind == sim.HopProxy:
		s = "the proxy " + h.Name
	case h.Kind == sim.HopSecurityRules || h.Kind == sim.HopAdminRules:
		s = spaced(h.Name, "("+spaced(h.AppliedTo, strings.ToLower(h.Direction))+")")
	case h.Kind == sim.HopVirtualAppliance:
		s = "the appliance " + h.Name
		if h.Code == flow.NVANoForwarding && h.Verdict == flow.Deny {
			s += " does not forward"
		}
	case h.Kind == sim.HopFirewall:
		s = spaced("the firewall", h.Name, h.RuleName)
	case h.Name == "" && h.Note != "":
		return h.Note
	default:
		s = spaced(string(h.Kind), h.Name)
	}
	if h.Note != "" {
		s += ": " + h.Note
	}
	return s
}

// spaced joins the words that are not empty.
func spaced(words ...string) string {
	var list []string
	for _, w := range words {
		if w != "" {
			list = append(list, w)
		}
	}
	return strings.Join(list, " ")
}
