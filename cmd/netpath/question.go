package main

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
)

// The grammar of questions, the same for flags and for the columns of a file
// of flows.

// parseProtocol reads a protocol by name.
func parseProtocol(s string) (topology.Protocol, error) {
	if p, ok := topology.ParseProtocol(s); ok {
		return p, nil
	}
	return topology.NoProtocol, fmt.Errorf("protocol %q: expected tcp, udp, icmp, esp, ah or *", s)
}

// parsePorts reads a port, a range with both ends, or * for all.
func parsePorts(s string) (topology.PortRange, error) {
	from, to, ranged := strings.Cut(s, "-")
	first, all, err := parsePort(from)
	last := first
	if ranged && err == nil && !all {
		last, all, err = parsePort(to)
	}
	switch {
	case err != nil:
		return topology.PortRange{}, err
	case all && s != "*", !all && first > last:
		return topology.PortRange{}, fmt.Errorf("ports %q: expected a port, a range like 80-443, or *", s)
	case all:
		return topology.AllPorts, nil
	default:
		return topology.PortRange{First: first, Last: last}, nil
	}
}

// parseDirection reads Inbound or Outbound in any letter case.
func parseDirection(s string) (topology.Direction, error) {
	switch {
	case strings.EqualFold(s, "Inbound"):
		return topology.Inbound, nil
	case strings.EqualFold(s, "Outbound"):
		return topology.Outbound, nil
	}
	return topology.NoDirection, fmt.Errorf("direction %q: expected Inbound or Outbound", s)
}

// parsePort reads one port in plain decimal; "" and "*" are any port.
func parsePort(s string) (port uint16, any bool, err error) {
	if s == "" || s == "*" {
		return 0, true, nil
	}
	n := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < '0' || c > '9' || i == 5 || s[0] == '0' && len(s) > 1 {
			return 0, false, fmt.Errorf("port %q: expected one port, 0 to 65535, or *", s)
		}
		n = n*10 + int(c-'0')
	}
	if n > 65535 {
		return 0, false, fmt.Errorf("port %q: expected one port, 0 to 65535, or *", s)
	}
	return uint16(n), false, nil
}

// parseAddress reads an IP address. An IPv4 address inside of IPv6 is that
// IPv4 address.
func parseAddress(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("address %q: expected an IP address", s)
	}
	return a.Unmap(), nil
}

// parseEndpoint reads IP, IP:PORT or [IPv6]:PORT.
func parseEndpoint(s string) (sim.Endpoint, error) {
	host, port := s, ""
	if rest, ok := strings.CutPrefix(s, "["); ok {
		addr, after, ok := strings.Cut(rest, "]")
		if !ok || after != "" && after[0] != ':' {
			return sim.Endpoint{}, fmt.Errorf("%q: expected [IPv6]:PORT", s)
		}
		if host = addr; after == ":" {
			return sim.Endpoint{}, fmt.Errorf("%q: no port after the colon", s)
		} else if after != "" {
			port = after[1:]
		}
		if !strings.Contains(host, ":") {
			return sim.Endpoint{}, fmt.Errorf("%q: brackets are for IPv6 addresses", s)
		}
	} else if strings.Count(s, ":") == 1 {
		if host, port, _ = strings.Cut(s, ":"); port == "" {
			return sim.Endpoint{}, fmt.Errorf("%q: no port after the colon", s)
		}
	}
	return makeEndpoint(host, port)
}

func makeEndpoint(address, port string) (sim.Endpoint, error) {
	a, err := parseAddress(address)
	if err != nil {
		return sim.Endpoint{}, err
	}
	n, any, err := parsePort(port)
	if err != nil {
		return sim.Endpoint{}, err
	}
	return sim.Endpoint{Address: a, Port: n, AnyPort: any}, nil
}

// checkFlow refuses what no packet can be.
func checkFlow(q *sim.IPFlowQuestion) error {
	if !q.Protocol.HasPorts() && q.Protocol != topology.AnyProtocol && (!q.Local.AnyPort || !q.Remote.AnyPort) {
		return fmt.Errorf("%s has no ports", strings.ToLower(q.Protocol.String()))
	}
	if q.Local.Address.Is4() != q.Remote.Address.Is4() {
		return fmt.Errorf("%s and %s are of two address families", q.Local.Address, q.Remote.Address)
	}
	return nil
}

// checkTrace refuses what no packet can be.
func checkTrace(q *sim.TraceQuestion) error {
	if !q.Protocol.HasPorts() && q.Protocol != topology.AnyProtocol && (!q.AnyPort || q.FixedSource) {
		return fmt.Errorf("%s has no ports", strings.ToLower(q.Protocol.String()))
	}
	return nil
}
