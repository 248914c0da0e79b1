package reach

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// Allowed is the services that may pass; the zero Allowed is none.
type Allowed []Services

// ParseAllowed reads services: tcp/443, udp/53, tcp/8080-8090, tcp, icmp,
// any/22 (TCP and UDP), any for everything, or none; several with commas
// between them.
func ParseAllowed(text string) (Allowed, error) {
	var out Allowed
	words := strings.Split(text, ",")
	for _, word := range words {
		word = strings.ToLower(strings.TrimSpace(word))
		name, ports, ported := strings.Cut(word, "/")
		bad := func(why string) error {
			return fmt.Errorf("service %q: %s; expected tcp/443, udp/53, tcp/8080-8090, tcp, icmp, any or none", word, why)
		}
		if name == "none" && !ported {
			if len(words) > 1 {
				return nil, bad("none stands alone")
			}
			return nil, nil
		}
		var s Services
		p, ok := topology.ParseProtocol(name)
		switch {
		case name == "any" || ok && p == topology.AnyProtocol:
			if ported {
				s.Protocols = []topology.Protocol{topology.TCP, topology.UDP}
			}
		case !ok:
			return nil, bad("there is no such protocol")
		case ported && !p.HasPorts():
			return nil, bad(name + " has no ports")
		default:
			s.Protocols = []topology.Protocol{p}
		}
		if ported {
			r, err := parseRange(ports)
			if err != nil {
				return nil, bad(err.Error())
			}
			if r != topology.AllPorts {
				s.Ports = []topology.PortRange{r}
			}
		}
		out = append(out, s)
	}
	return out, nil
}

func parseRange(text string) (topology.PortRange, error) {
	if text == "*" {
		return topology.AllPorts, nil
	}
	from, to, ranged := strings.Cut(text, "-")
	first, ok := parsePort(from)
	last := first
	if ranged && ok {
		last, ok = parsePort(to)
	}
	if !ok || last < first {
		return topology.PortRange{}, fmt.Errorf("%q is no port and no range of ports", text)
	}
	return topology.PortRange{First: first, Last: last}, nil
}

// parsePort reads a port in plain decimal digits: 080 may be meant as another.
func parsePort(text string) (uint16, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return uint16(n), err == nil && (n == 0 && text == "0" || text[0] != '0')
}

// portsOf are the destination ports of a protocol that may pass; all says that
// every port may, or that the protocol, which has none, may.
func (a Allowed) portsOf(p topology.Protocol) (list []topology.PortRange, all bool) {
	for _, s := range a {
		if s.Protocols != nil && !slices.Contains(s.Protocols, p) {
			continue
		}
		if s.Ports == nil {
			return nil, true
		}
		if list = joinPorts(given(list), s.Ports); list == nil {
			return nil, true
		}
	}
	return list, false
}

// given is the list, for which nil is no port at all.
func given(list []topology.PortRange) []topology.PortRange {
	if list == nil {
		return []topology.PortRange{}
	}
	return list
}

// Flow is a packet that shows what an answer says.
type Flow struct {
	Source, Destination string // an address where the data has one, else the name of the place
	Protocol            topology.Protocol
	SourcePort          uint16 // 0: any
	Port                uint16 // 0 for protocols without ports
}

// Beyond is a part of an answer that is not among the services that may pass.
type Beyond struct {
	Row      *Row
	Services Services // what of the row is beyond
	Witness  Flow
}

// Excess is what passes beyond the services that may.
type Excess struct {
	Passes []Beyond // certainly
	Open   []Beyond // the data does not say whether
	// Incomplete: an end is not wholly in the data, and more may pass than the
	// answer tells.
	Incomplete bool
}

// None reports whether it is certain that nothing else passes.
func (x *Excess) None() bool { return len(x.Passes) == 0 && !x.Undecided() }

// Undecided reports whether something may pass of which that is not certain.
func (x *Excess) Undecided() bool { return len(x.Open) > 0 || x.Incomplete }

// Outside is what passes, or may, beyond the services that may: the check that
// nothing but those passes.
func (a *Answer) Outside(may Allowed) *Excess {
	x := &Excess{Incomplete: a.Incomplete}
	for i := range a.Rows {
		r := &a.Rows[i]
		if r.Outcome.Verdict == flow.Deny {
			continue
		}
		for _, s := range may.Without(r.Services...) {
			b := Beyond{Row: r, Services: s, Witness: r.witness(s)}
			if r.Outcome.Verdict == flow.Allow {
				x.Passes = append(x.Passes, b)
			} else {
				x.Open = append(x.Open, b)
			}
		}
	}
	return x
}

// Without is what of some services is not among a, protocols with the same
// ports together. The source ports of a do not count.
func (a Allowed) Without(list ...Services) []Services {
	var out []Services
	for _, s := range list {
		asked := s.Protocols
		if asked == nil {
			asked = protocols
		}
		start := len(out)
		for _, p := range asked {
			less, all := a.portsOf(p)
			if all {
				continue
			}
			x := Services{Protocols: []topology.Protocol{p}, SourcePorts: s.SourcePorts, Ports: s.Ports}
			if p.HasPorts() && len(less) > 0 {
				from := s.Ports
				if from == nil {
					from = []topology.PortRange{topology.AllPorts}
				}
				if x.Ports = lessPorts(from, less); len(x.Ports) == 0 {
					continue
				}
			}
			if n := len(out) - 1; n >= start && slices.Equal(out[n].Ports, x.Ports) {
				out[n].Protocols = append(out[n].Protocols, p)
				continue
			}
			out = append(out, x)
		}
	}
	return out
}

// lessPorts is ranges without others, which are in order and do not touch.
func lessPorts(list, less []topology.PortRange) []topology.PortRange {
	var out []topology.PortRange
	for _, r := range list {
		from := int(r.First)
		for _, x := range less {
			if x.Last < r.First || x.First > r.Last {
				continue
			}
			if int(x.First) > from {
				out = append(out, topology.PortRange{First: uint16(from), Last: x.First - 1})
			}
			from = int(x.Last) + 1
		}
		if from <= int(r.Last) {
			out = append(out, topology.PortRange{First: uint16(from), Last: r.Last})
		}
	}
	return out
}

// familiar are ports that a witness prefers, best first.
var familiar = []uint16{443, 80, 22, 3389, 1433, 445, 53, 8080}

// witness is a packet of the services of a row, between two of its places.
func (r *Row) witness(s Services) Flow {
	from, to := r.From[0], r.To[0]
	if from == to && len(r.To) > 1 {
		to = r.To[1]
	} else if from == to && len(r.From) > 1 {
		from = r.From[1]
	}
	v6 := !(has4(from, r.Source) && has4(to, r.Destination))
	w := Flow{Source: example(from, r.Source, v6), Destination: example(to, r.Destination, v6), Protocol: topology.TCP}
	if len(s.Protocols) > 0 {
		w.Protocol = s.Protocols[0]
	}
	if w.Protocol.HasPorts() {
		w.Port = portOf(s.Ports)
		if to.entry != nil && to.entry.Port != 0 {
			w.Port = to.entry.Ports.First // it is another one at the entry
		}
		if s.SourcePorts != nil {
			w.SourcePort = s.SourcePorts[0].First
		}
	}
	return w
}

// has4 reports whether the part of a place that a row holds has IPv4 addresses.
func has4(p *Place, a Addresses) bool {
	if a.set == nil {
		return p.end.Has(false)
	}
	return a.set.Ranges()[0].From().Is4()
}

func portOf(list []topology.PortRange) uint16 {
	if list == nil {
		return familiar[0]
	}
	for _, p := range familiar {
		if slices.ContainsFunc(list, func(r topology.PortRange) bool { return r.Contains(p) }) {
			return p
		}
	}
	return list[0].First
}

// example is an address of the part of a place that a row holds.
func example(p *Place, a Addresses, v6 bool) string {
	if a.Tag != "" {
		return a.Tag
	}
	set := a.set
	if set == nil {
		set = p.end.Addresses(v6)
	}
	if set == nil {
		return p.Name
	}
	for _, a := range likely {
		if a.Is6() == v6 && set.Contains(a) {
			return a.String()
		}
	}
	for _, r := range set.Ranges() {
		if r.From().Is6() == v6 {
			return host(r).String()
		}
	}
	for _, r := range set.Ranges() {
		return host(r).String()
	}
	return p.Name
}

// likely are public addresses that a witness prefers.
var likely = []netip.Addr{netip.AddrFrom4([4]byte{203, 0, 113, 10}), netip.AddrFrom4([4]byte{8, 8, 8, 8})}

// host is an address that a machine could have: the fifth of a range, the
// first of a subnet that Azure gives away, or the nearest before it.
func host(r netipx.IPRange) netip.Addr {
	a := r.From()
	for i := 0; i < 4 && a != r.To(); i++ {
		a = a.Next()
	}
	return a
}
