package main

import (
	"net"
	"net/netip"

	"github.com/gaissmai/bart"
	"github.com/yl2chen/cidranger"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/sim/nsg/classify"
	"github.com/netpath/netpath/topology"
)

// linear decides rule by rule, as a program would that has a prefix library
// and nothing else. newSet makes the library's form of a set of prefixes.
type linear struct {
	rules []linearRule
}

type linearRule struct {
	*classify.Match
	outcome             classify.Outcome
	source, destination []contains // nil: any
}

type contains interface{ Contains(netip.Addr) bool }

func newLinear(e *estate, newSet func([]netip.Prefix) contains) *linear {
	made := map[cidr.SetID]contains{}
	side := func(a classify.Addresses) []contains {
		if a.Any {
			return nil
		}
		var out []contains
		for _, s := range a.Sets {
			if made[s] == nil {
				made[s] = newSet(e.sets[s])
			}
			out = append(out, made[s])
		}
		return out
	}
	l := &linear{}
	for i := range e.rules {
		m := &e.rules[i].Must[0]
		l.rules = append(l.rules, linearRule{m, e.rules[i].Outcome, side(m.Source), side(m.Destination)})
	}
	return l
}

func (l *linear) verdict(p *packet) classify.Verdict {
	for i := range l.rules {
		r := &l.rules[i]
		if !r.Protocols.Has(p.protocol) ||
			p.protocol.HasPorts() && !(portIn(r.DestinationPorts, p.destination.Port()) && portIn(r.SourcePorts, p.source.Port())) ||
			!oneHas(r.source, p.source.Addr()) || !oneHas(r.destination, p.destination.Addr()) {
			continue
		}
		return classify.Verdict{Rule: int32(i), Outcomes: r.outcome}
	}
	return classify.Verdict{Rule: classify.NoRule, Outcomes: classify.NoMatch}
}

func portIn(ranges []topology.PortRange, port uint16) bool {
	for _, r := range ranges {
		if r.Contains(port) {
			return true
		}
	}
	return false
}

func oneHas(sets []contains, a netip.Addr) bool {
	for _, s := range sets {
		if s.Contains(a) {
			return true
		}
	}
	return sets == nil
}

// prefixList is a set as a plain list.
type prefixList []netip.Prefix

func (l prefixList) Contains(a netip.Addr) bool {
	for _, p := range l {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func newPrefixList(set []netip.Prefix) contains { return prefixList(set) }

func newLite(set []netip.Prefix) contains {
	l := new(bart.Lite)
	for _, p := range set {
		l.Insert(p)
	}
	return l
}

// ranger is a set in cidranger, which takes net.IP.
type ranger struct{ cidranger.Ranger }

func (r ranger) Contains(a netip.Addr) bool {
	b := a.As16()
	ip := net.IP(b[:])
	if a.Is4() {
		ip = net.IP(b[12:])
	}
	in, err := r.Ranger.Contains(ip)
	return in && err == nil
}

func newRanger(set []netip.Prefix) contains {
	r := cidranger.NewPCTrieRanger()
	for _, p := range set {
		if err := r.Insert(rangerEntry(p)); err != nil {
			panic(err) // the prefixes are valid
		}
	}
	return ranger{r}
}

func rangerEntry(p netip.Prefix) cidranger.RangerEntry {
	return cidranger.NewBasicRangerEntry(net.IPNet{
		IP: p.Masked().Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
	})
}
