package flow

import (
	"slices"
	"strings"
)

// AssumptionIDs lists every assumption there is, sorted.
func AssumptionIDs() []AssumptionID {
	ids := []AssumptionID{
		NVAForwardsAndPermits, HostFirewallOpen, ProxyNeedsNoAuthentication, StorageRulesOpen, NoNICAtDestination, OnPremisesBeyond, LearnedRoutesPrivate,
		VNetSpacePrivate, VNetPublicSpaceNotInternet, TagRouteNotInVNet, UDRPrefixesInVNet, GatewayPrefixesInVNet,
		CatalogueCurrent, NotSucceeded, PropertyNotModelled, ICMPNeedsAllPorts, DefaultOutboundAccess, SMTPNotBlocked, DisksManaged, ReadinessNotInData,
	}
	slices.Sort(ids)
	return ids
}

// Covers reports whether the waiver accepts the assumption about the resource:
// the IDs are equal, and [About] holds of the two.
func (w Waiver) Covers(id AssumptionID, about string) bool {
	return w.ID == id && About(w.About, about)
}

// About reports whether a pattern speaks of a resource: it is empty, the
// resource itself, the last segment of its ID, or a glob (* is any text, ? one
// character) of either. Letter case does not count.
func About(pattern, resource string) bool {
	if pattern == "" {
		return true
	}
	pattern, resource = strings.ToLower(pattern), strings.ToLower(strings.TrimRight(resource, "/"))
	name := resource[strings.LastIndexByte(resource, '/')+1:]
	return glob(pattern, resource) || glob(pattern, name)
}

// glob reports whether the whole text fits the pattern, byte by byte.
func glob(pattern, text string) bool {
	star, mark := -1, 0
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
