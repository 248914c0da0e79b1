package classify

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/topology"
)

// golden is the slow twin of a Classifier: rule after rule, condition after
// condition, prefix after prefix.
type golden struct {
	sets  [][]netip.Prefix
	rules []Rule
}

type packet struct {
	protocol            topology.Protocol
	source, destination netip.AddrPort
}

func (g *golden) verdict(p packet) Verdict {
	v := Verdict{Rule: NoRule}
	for i, r := range g.rules {
		switch {
		case g.in(r.Must, p):
			v.Rule = int32(i)
			v.Outcomes |= r.Outcome
			return v
		case g.in(r.May, p):
			v.Outcomes |= r.Outcome
			v.Open = true
		}
	}
	v.Outcomes |= NoMatch
	return v
}

func (g *golden) in(list []Match, p packet) bool {
	for _, m := range list {
		if g.matches(m, p) {
			return true
		}
	}
	return false
}

func (g *golden) matches(m Match, p packet) bool {
	named := false
	for _, q := range []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP, topology.ESP, topology.AH} {
		named = named || q == p.protocol && m.Protocols&(1<<q) != 0
	}
	if !named {
		return false
	}
	if p.protocol == topology.TCP || p.protocol == topology.UDP {
		if !inRanges(m.SourcePorts, p.source.Port()) || !inRanges(m.DestinationPorts, p.destination.Port()) {
			return false
		}
	}
	return g.has(m.Source, p.source.Addr()) && g.has(m.Destination, p.destination.Addr())
}

func inRanges(ranges []topology.PortRange, port uint16) bool {
	for _, r := range ranges {
		if r.First <= port && port <= r.Last {
			return true
		}
	}
	return false
}

func (g *golden) has(a Addresses, ip netip.Addr) bool {
	if a.Any {
		return true
	}
	for _, s := range a.Sets {
		for _, p := range g.sets[s] {
			if p.Contains(ip) {
				return true
			}
		}
	}
	return false
}

// world is a random estate: sets that nest and overlap, and the addresses at
// their boundaries.
type world struct {
	sets  [][]netip.Prefix
	table *cidr.Table
	four  []netip.Addr
	six   []netip.Addr
}

func newWorld(t *testing.T, rng *rand.Rand, sets int) *world {
	t.Helper()
	w := &world{sets: make([][]netip.Prefix, sets)}
	for s := range w.sets {
		for range rng.IntN(4) {
			w.sets[s] = append(w.sets[s], randomPrefix(rng))
		}
	}
	w.build(t)
	for i := range w.table.All() {
		for _, a := range []netip.Addr{i.First, i.Last} {
			if a.Is4() {
				w.four = append(w.four, a)
			} else if !a.Is4In6() {
				w.six = append(w.six, a)
			}
		}
	}
	return w
}

func (w *world) build(t *testing.T) {
	t.Helper()
	table, err := cidr.Build(w.sets)
	if err != nil {
		t.Fatal(err)
	}
	w.table = table
}

// randomPrefix lies in a small space, so that prefixes meet.
func randomPrefix(rng *rand.Rand) netip.Prefix {
	var p netip.Prefix
	if rng.IntN(3) > 0 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], 0x0a000000|rng.Uint32N(1<<12))
		p = netip.PrefixFrom(netip.AddrFrom4(b), []int{0, 8, 20, 22, 24, 26, 28, 30, 31, 32}[rng.IntN(10)])
	} else {
		b := [16]byte{0: 0x20, 1: 1, 6: byte(rng.IntN(3)), 7: byte(rng.IntN(3)), 14: byte(rng.IntN(3)), 15: byte(rng.IntN(256))}
		p = netip.PrefixFrom(netip.AddrFrom16(b), []int{0, 3, 48, 56, 62, 64, 112, 120, 126, 128}[rng.IntN(10)])
	}
	return p.Masked()
}

var edgePorts = []uint16{0, 1, 21, 22, 23, 79, 80, 81, 442, 443, 444, 1023, 1024, 3388, 3389, 3390, 49151, 49152, 65534, 65535}

func (w *world) packet(rng *rand.Rand) packet {
	port := func() uint16 {
		if rng.IntN(4) == 0 {
			return uint16(rng.Uint32())
		}
		return edgePorts[rng.IntN(len(edgePorts))]
	}
	p := packet{protocol: topology.TCP}
	if rng.IntN(3) == 0 {
		p.protocol = []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP, topology.ESP, topology.AH, topology.NoProtocol, topology.AnyProtocol, 7, 200}[rng.IntN(9)]
	}
	addrs := w.four
	if rng.IntN(3) == 0 {
		addrs = w.six
	}
	p.source = netip.AddrPortFrom(addrs[rng.IntN(len(addrs))], port())
	p.destination = netip.AddrPortFrom(addrs[rng.IntN(len(addrs))], port())
	return p
}

func (w *world) addresses(rng *rand.Rand) Addresses {
	switch rng.IntN(5) {
	case 0:
		return Anywhere()
	case 1:
		if rng.IntN(8) == 0 {
			return Addresses{}
		}
	}
	var a Addresses
	for range 1 + rng.IntN(3) {
		a.Sets = append(a.Sets, cidr.SetID(rng.IntN(len(w.sets))))
	}
	return a
}

func randomPorts(rng *rand.Rand) []topology.PortRange {
	switch rng.IntN(4) {
	case 0, 1:
		return []topology.PortRange{topology.AllPorts}
	case 2:
		if rng.IntN(8) == 0 {
			return nil
		}
	}
	var out []topology.PortRange
	for range 1 + rng.IntN(3) {
		a, b := edgePorts[rng.IntN(len(edgePorts))], edgePorts[rng.IntN(len(edgePorts))]
		out = append(out, topology.PortRange{First: min(a, b), Last: max(a, b)})
	}
	return out
}

func (w *world) match(rng *rand.Rand) Match {
	m := Match{Source: w.addresses(rng), Destination: w.addresses(rng),
		SourcePorts: []topology.PortRange{topology.AllPorts}, DestinationPorts: randomPorts(rng)}
	if rng.IntN(4) == 0 {
		m.SourcePorts = randomPorts(rng)
	}
	p := []topology.Protocol{topology.AnyProtocol, topology.TCP, topology.UDP, topology.ICMP, topology.ESP, topology.AH}[rng.IntN(6)]
	m.Protocols = ProtocolsOf(p, m.SourcePorts, m.DestinationPorts)
	if rng.IntN(8) == 0 {
		m.Protocols = Protocols(rng.Uint32())
	}
	return m
}

// rules makes a list; open is one in how many rules has a part that is not
// known, 0 for none.
func (w *world) rules(rng *rand.Rand, n, open int) []Rule {
	out := make([]Rule, n)
	for i := range out {
		r := &out[i]
		r.Outcome = 1 << rng.IntN(2)
		if rng.IntN(10) == 0 {
			r.Outcome = 3
		}
		r.Must = []Match{w.match(rng)}
		if rng.IntN(8) == 0 {
			r.Must = append(r.Must, w.match(rng))
		}
		if open > 0 && rng.IntN(open) == 0 {
			switch rng.IntN(3) {
			case 0:
				r.Must, r.May = nil, r.Must
			case 1:
				r.May = []Match{w.match(rng), w.match(rng)}
			case 2: // a wider form of the same
				m := r.Must[0]
				m.Source, m.Protocols = Anywhere(), AllProtocols
				r.May = []Match{m}
			}
		}
	}
	if rng.IntN(2) == 0 {
		out = append(out, Rule{Outcome: 2, Must: []Match{everything()}})
	}
	return out
}

func everything() Match {
	all := []topology.PortRange{topology.AllPorts}
	return Match{Protocols: AllProtocols, Source: Anywhere(), Destination: Anywhere(), SourcePorts: all, DestinationPorts: all}
}
