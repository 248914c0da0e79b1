package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/firewall"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// setting is the proxy setting of the source that counts: the question's, else
// its own unless that is a user's, which does not reach the extension; nil for
// none.
func (tr *tracer) setting() *topology.ProxySetting {
	switch vm := tr.from.vm; {
	case tr.q.NoProxy || vm == nil:
		return nil
	case tr.q.Proxy != nil:
		return tr.q.Proxy
	case vm.Proxy == nil || strings.EqualFold(vm.Proxy.Scope, "user"):
		return nil
	default:
		return vm.Proxy
	}
}

// throughWhich is the proxy that the question goes through, nil for none: that
// of the source, for TCP to a destination outside the estate that its setting
// does not send past the proxy (spec 8.2).
func (tr *tracer) throughWhich() *topology.ProxySetting {
	if !tr.proxyApplies() {
		return nil
	}
	p := tr.setting()
	if p != nil && tr.s.leftOut(p, tr.to.target, tr.to.addr) == flow.Allow {
		return nil
	}
	return p
}

// proxyText names the proxy of a setting.
func proxyText(p *topology.ProxySetting) string {
	if p.Host == "" {
		return "a proxy that is not known"
	}
	return fmt.Sprintf("%s:%d", p.Host, p.Port)
}

func (tr *tracer) proxyApplies() bool {
	return tr.q.Protocol == topology.TCP && (tr.to.internet() || tr.to.target.Host != "" || tr.to.info.Kind == "prefix" && tr.to.set.Overlaps(scope.PublicSpace()))
}

// viaProxy reports whether a packet of the question goes through the proxy: of
// a prefix, which may straddle the estate, what lies outside it.
func (tr *tracer) viaProxy(t flow.Tuple) bool {
	if tr.proxy == nil {
		return false
	}
	a := t.Destination.IP
	return tr.to.info.Kind != "prefix" || scope.IsPublic(a) && !tr.s.holds(a)
}

// holds reports whether a virtual network of the estate has the address in its
// address space.
func (s *Simulator) holds(a netip.Addr) bool {
	return slices.ContainsFunc(s.net.VirtualNetworks, func(v *topology.VirtualNetwork) bool { return contains(v.KnownSpace(), a) })
}

// proxyHost is the interface that a proxy setting names by address or by the
// name of its virtual machine.
func (s *Simulator) proxyHost(host string) (topology.Owner, bool) {
	if a, err := netip.ParseAddr(host); err == nil {
		if o := s.net.Owners(a.Unmap()); len(o) == 1 {
			return o[0], true
		}
		return topology.Owner{}, false
	}
	name, _, _ := strings.Cut(host, ".")
	if vms := find(s.net.VirtualMachines, name); len(vms) == 1 {
		if nic, err := s.primaryNIC(vms[0]); err == nil {
			if c := primary(nic, false); c != nil {
				return topology.Owner{Interface: nic, Configuration: c}, true
			}
		}
	}
	return topology.Owner{}, false
}

func (tr *tracer) proxyName(o topology.Owner) string {
	if vm := tr.s.vm(o.Interface); vm != nil {
		return vm.Name
	}
	return o.Interface.Name
}

// throughProxy walks the two legs of an explicit HTTP proxy: to the proxy's
// own address and port, then from the proxy to the target.
func (k *walk) throughProxy(p position, t flow.Tuple, vm *topology.VirtualMachine, setting *topology.ProxySetting, depth int) {
	s := k.s
	k.leg++
	if setting.Undecided != "" {
		k.opaque(settingHop(vm, setting),
			flow.Fact{Code: flow.ProxyUndecided, About: vm.Name, Detail: string(vm.ID()), Text: setting.Undecided})
		return
	}
	o, ok := s.proxyHost(setting.Host)
	if !ok {
		k.opaque(Hop{Kind: HopProxy, Name: setting.Host, Origin: originOf(setting.Origin)}, flow.Fact{Code: flow.ProxyNotFound, About: setting.Host, Detail: string(vm.ID()),
			Text: "no interface in the data is the proxy " + setting.Host + " of " + vm.Name, Export: "az network nic list -o json"})
		return
	}
	first := t
	first.Destination = flow.At(o.Configuration.PrivateIPAddress)
	first.DestinationPort = setting.Port
	target := k.target
	k.target = firewall.Target{}
	k.proxyGuest = true
	k.send(p, first)
	k.proxyGuest = false
	k.target = target
	if k.ended {
		return
	}
	k.leg++
	at := s.at(o.Interface, o.Configuration)
	server := s.vm(o.Interface)
	if !k.proxyServer(server, o, setting.Port, t) {
		return
	}
	second := t
	second.Source = flow.At(o.Configuration.PrivateIPAddress)
	second.SourcePort = k.ownPort(o, t)
	k.seen = map[string]bool{}
	k.appliances = nil
	if server != nil && server.Proxy != nil && depth < 8 && k.chains(server) {
		k.leg--
		if k.proxied(at, second, server, server.Proxy, depth+1) {
			return
		}
		k.leg++
	}
	k.send(at, second)
}

// chains reports whether, in this world, a proxy sends what it is asked for
// through the proxy that its machine has set: a user's setting counts where it
// runs as that user, which is not in the data.
func (k *walk) chains(server *topology.VirtualMachine) bool {
	return !strings.EqualFold(server.Proxy.Scope, "user") || k.w.Otherwise(flow.Fact{Code: flow.ProxyUndecided, About: server.Name, Detail: "user of " + string(server.ID()),
		Text: "whether the proxy " + server.Name + " runs as the user whose proxy setting its machine has is not in the data"})
}

// ownPort is a source port of the proxy's own flow (spec 8.2: two independent
// flows): any, so that rules which name source ports are asked for every one
// they tell apart.
func (k *walk) ownPort(o topology.Owner, t flow.Tuple) uint16 {
	ports := k.s.sourcePorts()
	if len(ports) == 1 {
		return t.SourcePort
	}
	f := flow.Fact{Code: flow.NVASourceUnknown, About: o.Interface.Name, Detail: "port of " + string(o.Interface.ID()) + t.Destination.Key(),
		Text: "the source port that the proxy " + o.Interface.Name + " takes is not known"}
	return ports[k.w.Ask(f, len(ports))]
}

// proxyServer asks the proxy itself: it listens on the port, needs no
// authentication, and its allow list holds the target (spec 8.2).
func (k *walk) proxyServer(vm *topology.VirtualMachine, o topology.Owner, port uint16, t flow.Tuple) bool {
	name := o.Interface.Name
	var server *topology.ProxyServer
	if vm != nil {
		name, server = vm.Name, vm.ProxyServer
	}
	h := Hop{Kind: HopProxy, Name: name, AppliedTo: "proxy " + name, Verdict: flow.Allow, Code: flow.ProxyAllow, Note: "CONNECT"}
	if server == nil {
		f := flow.Fact{Code: flow.ProxyNotListening, About: name, Detail: string(o.Interface.ID()), Text: "whether " + name + " runs a proxy on port " + fmt.Sprint(port) + " is not in the data (proxyServer in a design file)"}
		h.Code = f.Code
		if k.w.Otherwise(f) {
			h.Verdict = flow.Deny
		}
		return k.hop(h)
	}
	h.Origin, h.Element, h.Packet = originOf(server.Origin), vm.ID(), t
	switch {
	case server.Port != port:
		h.Verdict, h.Code, h.Note = flow.Deny, flow.ProxyNotListening, fmt.Sprintf("the proxy listens on port %d", server.Port)
	case strings.EqualFold(server.Authentication, "required"):
		h.Verdict, h.Code, h.Note = flow.Deny, flow.ProxyAuthRequired, "the proxy answers 407"
	case server.Authentication == "" && !k.w.Holds(unauthenticated(vm)):
		h.Verdict, h.Code, h.Note = flow.Deny, flow.UnwaivedAssumption, "the proxy may answer 407"
	case !server.AnyHost:
		k.allowList(&h, server, t)
	}
	return k.hop(h)
}

// unauthenticated is that a proxy which does not say so asks for no
// authentication (BK16: it is to be looked at where a backup fails).
func unauthenticated(vm *topology.VirtualMachine) flow.Fact {
	return flow.Fact{Assumption: flow.ProxyNeedsNoAuthentication, About: vm.Name, Detail: string(vm.ID()),
		Text: "the proxy " + vm.Name + ", of which the authentication is not given, asks for none"}
}

// allowList compares the proxy's allow list with the target's host name. It
// acts on names, not on addresses.
func (k *walk) allowList(h *Hop, server *topology.ProxyServer, t flow.Tuple) {
	undecided := false
	for _, pattern := range server.AllowHosts {
		if t.Destination.IP.IsValid() && pattern == t.Destination.IP.String() {
			h.RuleName = pattern
			return
		}
		switch firewall.MatchesHost(pattern, k.target) {
		case flow.Allow:
			h.RuleName = pattern
			return
		case flow.Unknown:
			undecided = true
		}
	}
	h.Verdict, h.Code, h.Note = flow.Deny, flow.ProxyHostNotAllowed, "no entry of the proxy's allow list covers the destination"
	if !undecided {
		return
	}
	h.Note = "whether an entry of the proxy's allow list covers the destination is not known"
	f := flow.Fact{Code: flow.ProxyHostNotAllowed, About: h.Name, Detail: t.Destination.Key(), Text: "the host name behind the destination is not known, and the proxy " + h.Name + " allows names only"}
	if !k.w.Otherwise(f) {
		h.Verdict, h.Code, h.Note = flow.Allow, flow.ProxyAllow, "CONNECT"
	}
}
