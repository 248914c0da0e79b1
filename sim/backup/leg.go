package backup

import (
	"slices"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
)

// step is the step of the 2018 article's proxy set-up that a leg belongs to,
// 0 for none (BK18).
func step(leg string) int {
	switch leg {
	case LegSetting, LegToProxy:
		return 1
	case LegProxyGates, LegProxyFirewall:
		return 2
	case LegFromProxy:
		return 3
	}
	return 0
}

// legNames are the legs of a trace, in the order the traffic takes them.
func legNames(proxied bool) []string {
	if !proxied {
		return []string{LegRules, LegRoute, LegEgress}
	}
	return []string{LegToProxy, LegProxyGates, LegProxyFirewall, LegProxyService, LegAuthentication, LegAllowList, LegFromProxy}
}

// legsOf tells for each hop which leg it belongs to.
func legsOf(hops []sim.Hop, proxied bool) []string {
	out := make([]string, len(hops))
	if !proxied {
		for i := range hops {
			out[i] = directLeg(hops, i)
		}
		return out
	}
	last := -1 // the last hop that forwards, on the way to the proxy
	for i := range hops {
		if hops[i].Leg <= 1 && forwards(hops[i].Kind) {
			last = i
		}
	}
	served := false
	for i := range hops {
		h := &hops[i]
		switch {
		case h.Kind == sim.HopProxy && !served:
			served = true
			out[i] = serviceLeg(h)
		case h.Leg > 1:
			out[i] = LegFromProxy
		case h.Kind == sim.HopHostFirewall:
			out[i] = LegProxyFirewall
		case i > last && h.Direction == "Inbound":
			out[i] = LegProxyGates
		default:
			out[i] = LegToProxy
		}
	}
	return out
}

// directLeg is the leg of a hop of a path without a proxy: the rules before
// the first route are the machine's own.
func directLeg(hops []sim.Hop, i int) string {
	routed := slices.ContainsFunc(hops[:i], func(h sim.Hop) bool { return forwards(h.Kind) })
	switch h := hops[i]; {
	case h.Kind == sim.HopEgress:
		return LegEgress
	case !routed && (h.Kind == sim.HopSecurityRules || h.Kind == sim.HopAdminRules):
		return LegRules
	default:
		return LegRoute
	}
}

func forwards(k sim.HopKind) bool {
	switch k {
	case sim.HopRoute, sim.HopPeering, sim.HopVirtualAppliance, sim.HopFirewall:
		return true
	}
	return false
}

// serviceLeg is which question about the proxy itself a hop answers; one that
// it lets pass has answered them all.
func serviceLeg(h *sim.Hop) string {
	switch h.Code {
	case flow.ProxyUndecided, flow.ProxyBypassUnknown:
		return LegSetting
	case flow.ProxyAuthRequired:
		return LegAuthentication
	case flow.ProxyHostNotAllowed, flow.ProxyAllow:
		return LegAllowList
	default:
		return LegProxyService
	}
}

// legName is the leg that a hop of an outcome belongs to.
func legName(hops []sim.Hop, h *sim.Hop, proxied bool) string {
	for i, leg := range legsOf(hops, proxied) {
		if &hops[i] == h {
			return leg
		}
	}
	return ""
}

// legs divides an answer into its legs. The verdict of a leg is the worst that
// any part of the answer has in it; one that no part reaches is skipped.
func legs(t *sim.Trace) []Leg {
	proxied := t.Proxy != ""
	names := legNames(proxied)
	out := make([]Leg, len(names))
	reached := -1
	for i, name := range names {
		out[i] = Leg{Name: name, Step: step(name), Verdict: flow.Allow}
	}
	for _, p := range partsOf(t) {
		var hops [8][]sim.Hop
		for j, leg := range legsOf(p.Hops, proxied) {
			i := slices.Index(names, leg)
			if i < 0 {
				continue // of the client's setting, a leg before these
			}
			reached = max(reached, i)
			hops[i] = append(hops[i], p.Hops[j])
		}
		for i := range out {
			out[i].take(hops[i], &p)
		}
	}
	for i := range out {
		if i > reached {
			out[i].Verdict, out[i].Skipped = flow.Unknown, true
		}
	}
	return out
}

// take adds the hops that a part has in the leg: the worst is told.
func (l *Leg) take(hops []sim.Hop, p *part) {
	if len(hops) == 0 {
		return
	}
	v, at := flow.Allow, &hops[0]
	for i := range hops {
		switch h := &hops[i]; {
		case hopWeight(h.Verdict) > hopWeight(v):
			v, at = h.Verdict, h
		case v == flow.Allow && (isRule(h) || !isRule(at)):
			at = h // what lets it pass: the last rule, else the last hop
		}
	}
	if l.Hops != nil && hopWeight(v) <= hopWeight(l.Verdict) {
		return
	}
	l.Verdict, l.Hops, l.Code, l.Text, l.Origin = v, hops, at.Code, describe(at), at.Origin
	if v == flow.Unknown && len(p.Missing) > 0 {
		l.Export = p.Missing[0].Export
		l.Text = p.Missing[0].Text
	}
}

func hopWeight(v flow.Verdict) int {
	switch v {
	case flow.Allow:
		return 0
	case flow.Unknown:
		return 1
	default:
		return 2
	}
}

// failing is the name of the first leg that does not pass, "" where all do.
func failing(list []Leg) string {
	for i := range list {
		if list[i].Verdict != flow.Allow {
			return list[i].Name
		}
	}
	return ""
}
