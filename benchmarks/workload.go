package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"github.com/gaissmai/bart"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/sim/nsg/classify"
	"github.com/netpath/netpath/topology"
)

// queries is how many different addresses or packets a case asks: with few,
// the branch predictor learns them by heart.
const queries = 1 << 16

// hitIn is a random address of a prefix.
func hitIn(p netip.Prefix, rng *rand.Rand) netip.Addr {
	b := p.Addr().AsSlice()
	for i := range b {
		keep := min(8, max(0, p.Bits()-8*i))
		b[i] |= byte(rng.Uint32()) >> keep
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// missing4 is a random IPv4 address in none of the prefixes.
func missing4(known *bart.Lite, rng *rand.Rand) netip.Addr {
	for {
		if a := prefix4(rng.Uint32(), 32).Addr(); !known.Contains(a) {
			return a
		}
	}
}

// missing6 is a random global unicast IPv6 address in none of the prefixes.
func missing6(known *bart.Lite, rng *rand.Rand) netip.Addr {
	for {
		if a := prefix6(0x2000<<48|rng.Uint64()>>3, rng.Uint64(), 128).Addr(); !known.Contains(a) {
			return a
		}
	}
}

// near6 is a random IPv6 address in none of the prefixes, but in the /32 of
// one of them.
func near6(known *bart.Lite, six []netip.Prefix, rng *rand.Rand) netip.Addr {
	for {
		p, err := six[rng.IntN(len(six))].Addr().Prefix(32)
		if err != nil {
			panic(err) // an IPv6 address has 32 bits
		}
		if a := hitIn(p, rng); !known.Contains(a) {
			return a
		}
	}
}

// kinds are the addresses that look-ups are measured with.
var kinds = []string{"hit4", "mixed4", "miss4", "hit6", "miss6", "near6"}

// addressesOf makes the addresses of every kind for a list of prefixes. A hit
// is a random address of a random prefix.
func addressesOf(prefixes []netip.Prefix, seed uint64) map[string][]netip.Addr {
	rng := rand.New(rand.NewPCG(seed, 1))
	known := new(bart.Lite)
	var four, six []netip.Prefix
	for _, p := range prefixes {
		known.Insert(p)
		if p.Addr().Is4() {
			four = append(four, p)
		} else {
			six = append(six, p)
		}
	}
	out := map[string][]netip.Addr{}
	for i := range queries {
		hit4, miss4 := hitIn(four[rng.IntN(len(four))], rng), missing4(known, rng)
		mixed := hit4
		if rng.IntN(2) == 0 {
			mixed = miss4
		}
		for k, a := range map[string]netip.Addr{
			"hit4": hit4, "miss4": miss4, "mixed4": mixed,
			"hit6": hitIn(six[rng.IntN(len(six))], rng), "miss6": missing6(known, rng), "near6": near6(known, six, rng),
		} {
			if i == 0 {
				out[k] = make([]netip.Addr, 0, queries)
			}
			out[k] = append(out[k], a)
		}
	}
	return out
}

// estate is a catalogue with the custom prefixes of a workspace and a list of
// rules of one NSG.
type estate struct {
	name  string
	sets  [][]netip.Prefix // those of the catalogue first
	rules []classify.Rule
	ports []uint16 // that the rules name

	virtualNetwork, internet, loadBalancer cidr.SetID
	custom                                 []cidr.SetID
	tags                                   int // number of sets of the catalogue
	prefixes                               int // number of different prefixes of the catalogue
}

const (
	allow classify.Outcome = 1 << iota
	deny
)

var anyPort = []topology.PortRange{topology.AllPorts}

// newEstate makes an NSG of n rules as people write them: tags and own
// prefixes on either side, well-known ports, ranges and lists, and the three
// default rules at the end.
func newEstate(c catalogue, n int, seed uint64) *estate {
	rng := rand.New(rand.NewPCG(seed, uint64(n)))
	e := &estate{name: fmt.Sprintf("%s, %d rules", c.name, n), tags: len(c.tags), prefixes: len(unique(c.tags))}
	e.sets = append(e.sets, c.tags...)
	add := func(set ...netip.Prefix) cidr.SetID {
		e.sets = append(e.sets, set)
		return cidr.SetID(len(e.sets) - 1)
	}
	parse := func(list ...string) (out []netip.Prefix) {
		for _, s := range list {
			out = append(out, netip.MustParsePrefix(s))
		}
		return out
	}
	e.virtualNetwork = add(parse("10.0.0.0/9", "172.16.0.0/14", "fd00:1234::/32", "168.63.129.16/32")...)
	e.internet = add(parse("1.0.0.0/8", "2.0.0.0/7", "4.0.0.0/6", "8.0.0.0/7", "11.0.0.0/8", "12.0.0.0/6", "16.0.0.0/4",
		"32.0.0.0/3", "64.0.0.0/3", "96.0.0.0/6", "100.0.0.0/10", "101.0.0.0/8", "102.0.0.0/7", "104.0.0.0/5",
		"112.0.0.0/4", "128.0.0.0/3", "160.0.0.0/5", "170.0.0.0/7", "173.0.0.0/8", "174.0.0.0/7", "176.0.0.0/4",
		"192.0.0.0/9", "193.0.0.0/8", "194.0.0.0/7", "196.0.0.0/6", "200.0.0.0/5", "208.0.0.0/4", "2000::/3")...)
	e.loadBalancer = add(parse("168.63.129.16/32")...)
	for range n {
		var set []netip.Prefix
		base := 0x0a000000 | rng.Uint32N(1<<16)<<8
		switch rng.IntN(4) {
		case 0:
			set = append(set, prefix4(base, 16+rng.IntN(9)))
		case 1:
			set = append(set, prefix4(base|rng.Uint32N(256), 24+rng.IntN(9)))
		default:
			for range 1 + rng.IntN(4) {
				set = append(set, prefix4(base|rng.Uint32N(256), 32))
			}
		}
		e.custom = append(e.custom, add(set...))
	}
	own := func() classify.Addresses { return classify.In(e.custom[rng.IntN(len(e.custom))]) }
	other := func() classify.Addresses {
		switch x := rng.IntN(20); {
		case x < 10:
			return classify.In(cidr.SetID(rng.IntN(e.tags)))
		case x < 12:
			return classify.In(e.internet)
		case x < 14:
			return classify.In(e.virtualNetwork)
		case x < 17:
			return own()
		default:
			return classify.Anywhere()
		}
	}
	known := []uint16{22, 25, 53, 80, 88, 123, 135, 389, 443, 445, 636, 1433, 3306, 3389, 5432, 5671, 5985, 8080, 8443, 9093}
	for range n {
		p := topology.TCP
		switch x := rng.IntN(20); {
		case x < 2:
			p = topology.UDP
		case x < 6:
			p = topology.AnyProtocol
		case x < 7:
			p = topology.ICMP
		}
		var ports []topology.PortRange
		one := func() topology.PortRange {
			at := known[rng.IntN(len(known))]
			if rng.IntN(3) == 0 {
				at = uint16(rng.IntN(1 << 16))
			}
			e.ports = append(e.ports, at)
			return topology.PortRange{First: at, Last: at}
		}
		switch x := rng.IntN(20); {
		case x < 3:
			ports = anyPort
		case x < 13:
			ports = append(ports, one())
		case x < 17:
			first := one().First
			ports = append(ports, topology.PortRange{First: first, Last: first + min(uint16(rng.IntN(200)), 65535-first)})
		default:
			for range 2 + rng.IntN(4) {
				ports = append(ports, one())
			}
		}
		from, to := other(), own()
		if rng.IntN(2) == 0 {
			from, to = own(), other()
		}
		outcome := allow
		if rng.IntN(10) < 3 {
			outcome = deny
		}
		e.rules = append(e.rules, classify.Rule{Outcome: outcome, Must: []classify.Match{{
			Protocols: classify.ProtocolsOf(p, anyPort, ports), Source: from, Destination: to,
			SourcePorts: anyPort, DestinationPorts: ports}}})
	}
	last := func(o classify.Outcome, from, to classify.Addresses) {
		e.rules = append(e.rules, classify.Rule{Outcome: o, Must: []classify.Match{{
			Protocols: classify.AllProtocols, Source: from, Destination: to, SourcePorts: anyPort, DestinationPorts: anyPort}}})
	}
	last(allow, classify.In(e.virtualNetwork), classify.In(e.virtualNetwork))
	last(allow, classify.In(e.loadBalancer), classify.Anywhere())
	last(deny, classify.Anywhere(), classify.Anywhere())
	return e
}

type packet struct {
	protocol            topology.Protocol
	source, destination netip.AddrPort
}

func (p *packet) key4() classify.Key4 {
	return classify.Key4{Source: cidr.KeyOf4(p.source.Addr()), Destination: cidr.KeyOf4(p.destination.Addr()),
		SourcePort: p.source.Port(), DestinationPort: p.destination.Port(), Protocol: p.protocol}
}

func (p *packet) key6() classify.Key6 {
	return classify.Key6{Source: cidr.KeyOf6(p.source.Addr()), Destination: cidr.KeyOf6(p.destination.Addr()),
		SourcePort: p.source.Port(), DestinationPort: p.destination.Port(), Protocol: p.protocol}
}

// packets are IPv4 packets, or, for a share of them, IPv6 ones. Half of them
// are meant for a rule: addresses that it names, its protocol and one of its
// ports; an earlier rule may match them first. The others are background:
// between own addresses, addresses of tags and strangers, to ports that rules
// name and others, and most of it meets the default rules.
func (e *estate) packets(n int, share6 float64, seed uint64) []packet {
	g := &traffic{estate: e, rng: rand.New(rand.NewPCG(seed, 3)), known: new(bart.Lite)}
	for _, p := range unique(e.sets[:e.tags]) {
		g.known.Insert(p)
		if p.Addr().Is4() {
			g.four = append(g.four, p)
		} else {
			g.six = append(g.six, p)
		}
	}
	out := make([]packet, n)
	for i := range out {
		six := g.rng.Float64() < share6
		if g.rng.IntN(2) == 0 {
			out[i] = g.background(six)
		} else {
			out[i] = g.meant(six)
		}
	}
	return out
}

// traffic draws packets.
type traffic struct {
	*estate
	rng       *rand.Rand
	known     *bart.Lite
	four, six []netip.Prefix // of the tags
}

// own is an address of the workspace.
func (g *traffic) own(six bool) netip.Addr {
	if six {
		return prefix6(0xfd001234<<32|g.rng.Uint64()>>32, g.rng.Uint64(), 128).Addr()
	}
	if g.rng.IntN(2) == 0 {
		set := g.sets[g.custom[g.rng.IntN(len(g.custom))]]
		return hitIn(set[g.rng.IntN(len(set))], g.rng)
	}
	return prefix4(0x0a000000|g.rng.Uint32N(1<<24), 32).Addr()
}

// other is an address of a tag, or a stranger.
func (g *traffic) other(six bool) netip.Addr {
	hit := g.rng.IntN(3) > 0
	switch {
	case six && hit:
		return hitIn(g.six[g.rng.IntN(len(g.six))], g.rng)
	case six:
		return missing6(g.known, g.rng)
	case hit:
		return hitIn(g.four[g.rng.IntN(len(g.four))], g.rng)
	default:
		return missing4(g.known, g.rng)
	}
}

func (g *traffic) background(six bool) packet {
	from, to := g.own(six), g.other(six)
	switch g.rng.IntN(8) {
	case 0, 1, 2:
		from, to = to, from
	case 3:
		to = g.own(six)
	}
	port := uint16(g.rng.Uint32())
	if g.rng.IntN(10) < 7 {
		port = g.ports[g.rng.IntN(len(g.ports))]
	}
	p := topology.TCP
	switch g.rng.IntN(10) {
	case 0:
		p = topology.UDP
	case 1:
		p = []topology.Protocol{topology.UDP, topology.ICMP, topology.ESP}[g.rng.IntN(3)]
	}
	return g.packet(p, from, to, port)
}

func (g *traffic) packet(p topology.Protocol, from, to netip.Addr, port uint16) packet {
	return packet{p, netip.AddrPortFrom(from, uint16(32768+g.rng.IntN(28000))), netip.AddrPortFrom(to, port)}
}

// meant is a packet that a rule is there for.
func (g *traffic) meant(six bool) packet {
	m := &g.rules[g.rng.IntN(len(g.rules))].Must[0]
	p := topology.TCP
	for !m.Protocols.Has(p) {
		p = topology.Protocol(g.rng.IntN(7))
	}
	r := m.DestinationPorts[g.rng.IntN(len(m.DestinationPorts))]
	port := r.First + uint16(g.rng.IntN(int(r.Last-r.First)+1))
	return g.packet(p, g.in(m.Source, six), g.in(m.Destination, six), port)
}

// in is an address of the sets of a family, or any address where they have
// none of it.
func (g *traffic) in(a classify.Addresses, six bool) netip.Addr {
	if a.Any {
		if g.rng.IntN(2) == 0 {
			return g.own(six)
		}
		return g.other(six)
	}
	set := g.sets[a.Sets[g.rng.IntN(len(a.Sets))]]
	for range 20 {
		if p := set[g.rng.IntN(len(set))]; p.Addr().Is6() == six {
			return hitIn(p, g.rng)
		}
	}
	return g.own(six)
}
