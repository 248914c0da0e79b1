package fix

import (
	"net/netip"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

// openGuest opens a guest's own firewall for the asked packets. Only what its
// default stops is opened: on Windows a rule that blocks wins over every rule
// that allows, wherever it stands.
func (p *planner) openGuest(h *sim.Hop, t *sim.Trace) (want, bool) {
	vm, ok := topology.LookupID[*topology.VirtualMachine](p.base.Network(), h.Element)
	switch {
	case !p.q.Guests:
		p.block(h, "%s is no NSG: open it inside the machine", h.Describe())
	case !ok || vm.HostFirewall == nil:
		p.block(h, "%s is not in the data", h.Describe())
	case h.RuleName != "":
		p.block(h, "%s blocks: no added rule wins over it", h.Describe())
	default:
		e := edit.OpenHostFirewall{Machine: topology.RefTo(vm.ResourceID), OS: vm.OSType, Name: "allow-from-" + h.Packet.Source.String(), Protocol: h.Packet.Protocol}
		if h.Packet.Protocol.HasPorts() {
			e.Ports = []topology.PortRange{{First: h.Packet.DestinationPort, Last: h.Packet.DestinationPort}}
		}
		list, _ := p.side(h.Packet.Source, t.From, nil)
		for _, s := range list {
			x, err := netip.ParsePrefix(s)
			if err != nil {
				a, err := netip.ParseAddr(s)
				if err != nil {
					p.block(h, "%s names no service tags: ask from an address or a CIDR block", h.Describe())
					return want{}, false
				}
				x = netip.PrefixFrom(a, a.BitLen())
			}
			e.Remote = append(e.Remote, x)
		}
		return want{guest: e}, true
	}
	return want{}, false
}

// openProxy adds the asked host name to the proxy's allow list.
func (p *planner) openProxy(h *sim.Hop) (want, bool) {
	vm, ok := topology.LookupID[*topology.VirtualMachine](p.base.Network(), h.Element)
	host := p.q.Host
	if host == "" && edit.ValidHost(p.q.To) && strings.Contains(p.q.To, ".") {
		host = p.q.To
	}
	switch {
	case h.Code != flow.ProxyHostNotAllowed || !ok || vm.ProxyServer == nil:
		p.block(h, "%s: %s", h.Describe(), remedyOf(h))
	case !p.q.Guests:
		p.block(h, "%s is no NSG: its allow list must hold the host name", h.Describe())
	case host == "":
		p.block(h, "%s allows host names only: ask for a host name", h.Describe())
	default:
		return want{guest: edit.AllowHost{Machine: topology.RefTo(vm.ResourceID), Host: host}}, true
	}
	return want{}, false
}
