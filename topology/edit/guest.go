package edit

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/topology"
)

// OpenHostFirewall adds an inbound rule that allows to a guest's own firewall.
// It comes after the rules that are there: none of them gives way to it.
type OpenHostFirewall struct {
	Machine  topology.Ref
	OS       string // "Linux" or "Windows"; "" where not known
	Name     string
	Protocol topology.Protocol
	Ports    []topology.PortRange // none is every port
	Remote   []netip.Prefix       // none is any
}

// Target is the ID of the virtual machine.
func (e OpenHostFirewall) Target() topology.ID { return e.Machine.ID() }

// String is "guest firewall of proxy1: allow Tcp port 8080 from 10.0.1.4/32".
func (e OpenHostFirewall) String() string {
	s := fmt.Sprintf("guest firewall of %s: allow %s", e.Machine.ID().Name(), e.Protocol)
	if len(e.Ports) > 0 {
		s += " port " + strings.Join(e.PortTexts(), ",")
	}
	if len(e.Remote) == 0 {
		return s + " from any address"
	}
	return s + " from " + list(e.RemoteTexts())
}

// PortTexts are the ports as a firewall writes them.
func (e OpenHostFirewall) PortTexts() []string {
	out := make([]string, len(e.Ports))
	for i, p := range e.Ports {
		out[i] = p.String()
	}
	return out
}

// RemoteTexts are the remote prefixes as text.
func (e OpenHostFirewall) RemoteTexts() []string {
	out := make([]string, len(e.Remote))
	for i, p := range e.Remote {
		out[i] = p.String()
	}
	return out
}

func (e OpenHostFirewall) change(x topology.Any) (topology.Any, error) {
	vm, err := machine(x)
	if err != nil {
		return nil, err
	}
	if e.Protocol == topology.NoProtocol || len(e.Ports) > 0 && e.Protocol != topology.AnyProtocol && !e.Protocol.HasPorts() {
		return nil, errors.New("the protocol does not fit the ports")
	}
	if vm.HostFirewall == nil {
		return nil, fmt.Errorf("the guest firewall of %s is not in the data", vm.Name)
	}
	at := topology.Origin{File: Source, Pointer: "/hostFirewall/" + e.Name}
	r := &topology.HostFirewallRule{Name: e.Name, Access: topology.Allow, Protocol: e.Protocol, LocalPorts: slices.Clone(e.Ports), Origin: at}
	r.Remote = side(e.RemoteTexts(), at)
	fw := *vm.HostFirewall
	fw.Inbound = append(slices.Clip(fw.Inbound), r)
	vm.HostFirewall = &fw
	return vm, nil
}

// SetProxy sets the proxy that a machine's system account uses, or with the
// zero Host takes the setting away.
type SetProxy struct {
	Machine topology.Ref
	OS      string // "Linux" or "Windows"; "" where not known
	Host    string // address or host name; "" for none
	Port    uint16
}

// Target is the ID of the virtual machine.
func (e SetProxy) Target() topology.ID { return e.Machine.ID() }

// String is "app1: proxy 10.0.0.5:8080 for the system account".
func (e SetProxy) String() string {
	if e.Host == "" {
		return e.Machine.ID().Name() + ": no proxy for the system account"
	}
	return fmt.Sprintf("%s: proxy %s for the system account", e.Machine.ID().Name(), e.Address())
}

// Address is host:port, an IPv6 address in brackets.
func (e SetProxy) Address() string {
	host := e.Host
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
		host = "[" + host + "]"
	}
	return fmt.Sprintf("%s:%d", host, e.Port)
}

// ValidHost reports whether the text is an address or a host name.
func ValidHost(s string) bool {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Zone() == ""
	}
	if s == "" || len(s) > 253 {
		return false
	}
	for _, label := range strings.Split(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label {
			return false
		}
		for _, c := range []byte(label) {
			if !isAlnum(c) && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

func (e SetProxy) change(x topology.Any) (topology.Any, error) {
	vm, err := machine(x)
	if err != nil {
		return nil, err
	}
	if e.Host == "" {
		vm.Proxy = nil
		return vm, nil
	}
	if !ValidHost(e.Host) || e.Port == 0 {
		return nil, fmt.Errorf("%q with port %d is no proxy: expected an address or host name, and a port from 1 on", e.Host, e.Port)
	}
	vm.Proxy = &topology.ProxySetting{Host: e.Host, Port: e.Port, Scope: "system", Origin: topology.Origin{File: Source, Pointer: "/proxy"}}
	return vm, nil
}

// AllowHost adds a host name to the allow list of a machine's proxy.
type AllowHost struct {
	Machine topology.Ref
	Host    string // a host name, or "*." and a suffix
}

// Target is the ID of the virtual machine that runs the proxy.
func (e AllowHost) Target() topology.ID { return e.Machine.ID() }

// String is "proxy proxy1: allow the host *.blob.core.windows.net".
func (e AllowHost) String() string {
	return fmt.Sprintf("proxy %s: allow the host %s", e.Machine.ID().Name(), e.Host)
}

func (e AllowHost) change(x topology.Any) (topology.Any, error) {
	vm, err := machine(x)
	switch {
	case err != nil:
		return nil, err
	case vm.ProxyServer == nil:
		return nil, fmt.Errorf("%s runs no proxy in the data", vm.Name)
	case !ValidHost(strings.TrimPrefix(e.Host, "*.")):
		return nil, fmt.Errorf("%q is no host name, nor \"*.\" and a suffix", e.Host)
	}
	p := *vm.ProxyServer
	p.AllowHosts = append(slices.Clip(p.AllowHosts), e.Host)
	vm.ProxyServer = &p
	return vm, nil
}

// machine is a copy of the virtual machine.
func machine(x topology.Any) (*topology.VirtualMachine, error) {
	vm, ok := x.(*topology.VirtualMachine)
	if !ok {
		return nil, errors.New("it is not a virtual machine")
	}
	c := *vm
	return &c, nil
}
