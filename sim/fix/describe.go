package fix

import (
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

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
