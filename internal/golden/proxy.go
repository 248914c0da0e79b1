package golden

import "github.com/netpath/netpath/topology"

// ProxyServer makes a machine run an explicit HTTP proxy without
// authentication; without hosts any host is allowed.
func (e *Estate) ProxyServer(vm string, port uint16, allowHosts ...string) *Estate {
	e.Machine(vm).ProxyServer = &topology.ProxyServer{
		Port: port, Authentication: "none", AllowHosts: allowHosts, AnyHost: len(allowHosts) == 0,
		Origin: origin(machineID(vm) + "/proxyServer"),
	}
	return e
}

// UsesProxy sets the system proxy of a machine.
func (e *Estate) UsesProxy(vm, host string, port uint16) *Estate {
	e.Machine(vm).Proxy = &topology.ProxySetting{
		Host: host, Port: port, Scope: "system", Origin: origin(machineID(vm) + "/proxy"),
	}
	return e
}

// GuestFirewall gives a machine's guest a firewall that denies what no rule
// allows; each opening is a TCP port and who may use it.
func (e *Estate) GuestFirewall(vm string, openings ...Opening) *Estate {
	f := &topology.HostFirewall{InboundDefault: topology.Deny, Origin: origin(machineID(vm) + "/hostFirewall")}
	for _, o := range openings {
		f.Inbound = append(f.Inbound, &topology.HostFirewallRule{
			Name: o.Name, Access: topology.Allow, Protocol: topology.TCP,
			LocalPorts: portRanges([]string{o.Port}), Remote: addresses(o.From),
			Origin: origin(machineID(vm) + "/hostFirewall/" + o.Name),
		})
	}
	e.Machine(vm).HostFirewall = f
	return e
}

// Opening is what a guest's firewall lets in.
type Opening struct{ Name, Port, From string }
