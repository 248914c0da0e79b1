package fix

import (
	"fmt"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// Describe names the gate of a hop in a few words.
func Describe(h *sim.Hop) string {
	var s string
	switch h.Kind {
	case sim.HopSecurityRules:
		s = words(h.Name, "at "+h.AppliedTo, strings.ToLower(h.Direction))
		if h.Name == "" {
			s = words(h.AppliedTo, strings.ToLower(h.Direction))
		}
	case sim.HopAdminRules:
		s = words("the security admin rules of", h.AppliedTo)
	case sim.HopRoute, sim.HopReturn:
		s = words("the route", h.AddressPrefix, to(h), "of", h.AppliedTo)
		if h.Kind == sim.HopReturn {
			s = "on the way back " + s
		}
	case sim.HopEgress:
		s = words("the way out of", h.AppliedTo)
		if h.AppliedTo == "" {
			s = words("the way out", h.Name)
		}
	case sim.HopHostFirewall:
		s = words("the guest firewall of", h.Name)
	case sim.HopProxy:
		s = words("the proxy", h.Name)
	case sim.HopFirewall:
		s = words("the firewall", h.Name)
	case sim.HopVirtualAppliance:
		s = words("the appliance", h.Name)
	case sim.HopPeering:
		s = words("the peering", h.Name)
	case sim.HopEntry:
		s = words("the way in", h.Name)
	default:
		s = words(string(h.Kind), h.Name)
	}
	if h.RuleName != "" {
		if h.Priority > 0 {
			s += fmt.Sprintf(", rule %d %s", h.Priority, h.RuleName)
		} else {
			s += ", rule " + h.RuleName
		}
	}
	return s
}

func to(h *sim.Hop) string {
	if h.NextHopType == "" {
		return ""
	}
	return words("to", string(h.NextHopType), h.NextHopIPAddress)
}

func words(list ...string) string {
	var out []string
	for _, w := range list {
		if w != "" {
			out = append(out, w)
		}
	}
	return strings.Join(out, " ")
}

// remedyOf says why no NSG edit gets past the hop, and what would.
func remedyOf(h *sim.Hop) string {
	if h.Verdict == flow.Unknown && h.Note != "" {
		return h.Note
	}
	var s string
	switch h.Code {
	case flow.RouteNone:
		s = "no NSG rule opens a route that drops the packets; change the route table"
	case flow.NoEgress:
		s = "no NSG rule gives a way out to the Internet; add a NAT gateway, a public IP address or a load balancer rule"
	case flow.NoPublicEntry:
		s = "no NSG rule gives a way in from the Internet; add a public IP address or a load balancer rule"
	case flow.AdminRuleDeny:
		s = "security admin rules come before every NSG; the network manager must change them"
	case flow.FirewallRuleDeny, flow.FirewallDefaultDeny:
		s = "the firewall's own policy decides; add a rule there"
	case flow.ProxyAuthRequired:
		s = "it asks for a password, which the backup extension does not send"
	case flow.ProxyNotListening, flow.ProxyNotFound:
		s = "no proxy answers there"
		if h.Note != "" {
			s = h.Note
		}
	case flow.ReturnNoRoute, flow.ReturnPathAsymmetric:
		s = "replies do not find the way back; change the route table"
	case flow.StandardIPClosed:
		s = "a Standard public IP address is closed to all without an NSG; attach one that allows the traffic"
	case flow.NVANoForwarding:
		s = "switch IP forwarding of its interface on"
	case flow.PeeringNotConnected, flow.PeeringAccessDisabled, flow.PeeringForwardedTraffic:
		s = "the settings of the peering decide"
	default:
		s = "no NSG edit changes it"
		if h.Note != "" {
			s = h.Note
		}
	}
	if h.NextHopType == topology.NextHopNone && h.Code != flow.RouteNone && h.Kind == sim.HopRoute {
		s += "; the route drops the packets"
	}
	return s
}
