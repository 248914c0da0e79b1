package oracle

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// hostFirewall asks the guest's own firewall where it is given. Where it is
// not, it is out of scope, but for a proxy on the way: there it is an
// assumption (verdicts, "Assumptions" and 2).
func (o *Oracle) hostFirewall(w *world, e *endpoint, p *packet, proxy bool) (outcome, bool) {
	var h *topology.HostFirewall
	if e.vm != nil {
		h = e.vm.HostFirewall
	}
	if h == nil {
		if proxy && !w.holds(flow.HostFirewallOpen, e.key()) {
			return drop(flow.HostFirewallDeny), false
		}
		return outcome{}, true
	}
	for _, r := range h.Inbound {
		if r.Protocol != topology.AnyProtocol && r.Protocol != p.protocol {
			continue
		}
		if p.protocol.HasPorts() && len(r.LocalPorts) > 0 &&
			!slices.ContainsFunc(r.LocalPorts, func(x topology.PortRange) bool { return x.Contains(p.dport) }) {
			continue
		}
		// As in an NSG: * with ports and a packet without any (spec 2.4 [?]).
		if !p.protocol.HasPorts() && r.Protocol == topology.AnyProtocol && len(r.LocalPorts) > 0 &&
			!slices.Contains(r.LocalPorts, topology.AllPorts) && w.holds(flow.ICMPNeedsAllPorts, "") {
			continue
		}
		remote := newSide("host firewall of "+e.key()+" "+r.Name, topology.Match{Prefixes: r.Remote})
		if len(r.Remote) > 0 && !o.holdsEnd(w, e.scope, remote, end{place: p.src, port: p.sport, protocol: p.protocol, source: true}) {
			continue
		}
		if r.Access == topology.Allow {
			return outcome{}, true
		}
		return drop(flow.HostFirewallDeny), false
	}
	switch h.InboundDefault {
	case topology.Allow:
		return outcome{}, true
	case topology.Deny:
		return drop(flow.HostFirewallDeny), false
	}
	return drop(flow.HostFirewallDeny), w.passes(flow.HostFirewallDeny, "host firewall of "+e.key()+" lets in what no rule names")
}

// proxyOf is the explicit proxy that a machine's traffic uses, nil where it
// goes direct. A user's own setting does not reach the extension (BK16).
func (o *Oracle) proxyOf(e *endpoint) *topology.ProxySetting {
	if e.vm == nil || e.vm.Proxy == nil || strings.EqualFold(e.vm.Proxy.Scope, "user") {
		return nil
	}
	return e.vm.Proxy
}

// usesProxy reports whether a packet goes by the proxy: TCP, but neither to
// the platform (spec 1, step 1) nor to the proxy itself.
func usesProxy(s *topology.ProxySetting, p *packet) bool {
	return p.protocol == topology.TCP && p.dst.ip != hostAddress && p.dst.ip != metadataAddress &&
		(s.Host != p.dst.ip.String() || s.Port != p.dport)
}

// leftOut reports whether a proxy setting sends a packet past the proxy
// (no_proxy, ProxyOverride). Programs compare what they were asked for: a name
// where there is one, else an address. Which names lead to an address is not
// known, but one without a dot is none of the Internet.
func leftOut(w *world, e *endpoint, s *topology.ProxySetting, p *packet) bool {
	for i, b := range s.Bypass {
		key := fmt.Sprintf("past the proxy of %s, entry %d", e.key(), i)
		var covers bool
		switch {
		case b.Host == "*":
			covers = true
		case p.host != "":
			covers = b.Host != "" && likeHost(b.Host, p.host)
		case b.Prefix.IsValid():
			covers = b.Prefix.Contains(p.dst.ip)
		case strings.Contains(strings.Trim(b.Host, "*."), "."):
			covers = w.maybe(flow.ProxyBypassUnknown, "name of "+p.dst.ip.String()+" is like "+strings.ToLower(b.Host))
		}
		if covers && (!b.Doubtful || w.maybe(flow.ProxyBypassUnknown, key)) {
			return true
		}
	}
	return false
}

// traceThroughProxy is two independent flows: to the proxy, which is all that
// the machine's own gates see, and from the proxy to the target (spec 8.2).
func (o *Oracle) traceThroughProxy(w *world, from *endpoint, s *topology.ProxySetting, p packet) outcome {
	if s.Undecided != "" {
		return o.open(w, flow.ProxyUndecided, "the proxy of "+from.key()+", whichever it is, passes "+p.key())
	}
	proxy := o.proxyAt(w, from, s)
	if proxy == nil {
		return o.open(w, flow.ProxyNotFound, "the proxy "+s.Host+" passes "+p.key())
	}
	leg := p.to(proxy.addr, s.Port)
	leg.host = ""
	first := o.send(w, from, leg, trip{proxied: true})
	if !first.allow {
		return first
	}
	var server *topology.ProxyServer
	if proxy.vm != nil {
		server = proxy.vm.ProxyServer
	}
	switch {
	case server == nil:
		if !w.passes(flow.ProxyNotListening, fmt.Sprintf("a proxy at %s listens on port %d", proxy.key(), s.Port)) {
			return drop(flow.ProxyNotListening)
		}
	case server.Port != s.Port:
		return drop(flow.ProxyNotListening)
	case strings.EqualFold(server.Authentication, "required"):
		return drop(flow.ProxyAuthRequired)
	case server.Authentication == "" && !w.holds(flow.ProxyNeedsNoAuthentication, string(proxy.vm.ID())): // BK16
		return drop(flow.ProxyAuthRequired)
	case !server.AnyHost && !slices.ContainsFunc(server.AllowHosts, func(h string) bool { return hostMatches(w, s.Host, h, &p) }):
		return drop(flow.ProxyHostNotAllowed)
	}
	out := o.send(w, proxy, p.from(place{ip: proxy.addr}), trip{last: first})
	out.route = first.route
	return out
}

// proxyAt is the machine that a proxy setting names, by address or by name.
func (o *Oracle) proxyAt(w *world, from *endpoint, s *topology.ProxySetting) *endpoint {
	a, err := netip.ParseAddr(s.Host)
	var found []*endpoint
	for _, e := range o.endpoints {
		if err == nil && e.addr == a || err != nil && e.vm != nil && strings.EqualFold(e.vm.Name, s.Host) && primary(e) {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found[w.pick(flow.AddressOwnedTwice, "the proxy "+s.Host, len(found))]
}
