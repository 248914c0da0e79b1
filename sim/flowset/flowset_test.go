package flowset_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"testing"

	"go4.org/netipx"
	"pgregory.net/rapid"

	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/topology"
)

func addresses(prefixes ...string) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, p := range prefixes {
		b.AddPrefix(netip.MustParsePrefix(p))
	}
	s, _ := b.IPSet()
	return s
}

func ports(first, last uint16) []topology.PortRange {
	return []topology.PortRange{{First: first, Last: last}}
}

// holds is what a box means, condition by condition.
func holds(b flowset.Box, p flowset.Packet) bool {
	protocol := b.Protocols == nil
	for _, x := range b.Protocols {
		protocol = protocol || x == p.Protocol
	}
	in := func(list []topology.PortRange, port uint16) bool {
		if list == nil || !p.Protocol.HasPorts() {
			return true
		}
		for _, r := range list {
			if r.Contains(port) {
				return true
			}
		}
		return false
	}
	return protocol && (b.Source == nil || b.Source.Contains(p.Source)) && (b.Destination == nil || b.Destination.Contains(p.Destination)) &&
		in(b.SourcePorts, p.SourcePort) && in(b.DestinationPorts, p.DestinationPort)
}

func anyOf(boxes []flowset.Box, p flowset.Packet) bool {
	for _, b := range boxes {
		if holds(b, p) {
			return true
		}
	}
	return false
}

// slow goes through the rules one by one.
func slow(rules []flowset.Rule, p flowset.Packet) flowset.Answer {
	can := map[flowset.Answer]bool{}
	settled := false
	for _, r := range rules {
		must, may := anyOf(r.Must, p), anyOf(r.May, p)
		a := flowset.Denied
		if r.Allow {
			a = flowset.Allowed
		}
		if must || may {
			can[a] = true
		}
		if must {
			settled = true
			break
		}
	}
	if !settled {
		can[flowset.Unmatched] = true
	}
	if len(can) > 1 {
		return flowset.Open
	}
	for a := range can {
		return a
	}
	return flowset.Open
}

// part is the answer that the parts have for the packet; it fails where the
// packet is in none or in two of them.
func part(t interface{ Fatalf(string, ...interface{}) }, x flowset.Parts, p flowset.Packet) flowset.Answer {
	found := flowset.Answer(-1)
	for a, s := range map[flowset.Answer]flowset.Set{flowset.Unmatched: x.Unmatched, flowset.Allowed: x.Allowed, flowset.Denied: x.Denied, flowset.Open: x.Open} {
		if s.Has(p) {
			if found >= 0 {
				t.Fatalf("%v is in the parts %d and %d", p, found, a)
			}
			found = a
		}
	}
	if found < 0 {
		t.Fatalf("%v is in no part", p)
	}
	return found
}

// A world of four addresses and four ports: the quarters of each dimension.
// Every list of up to two rules over two of the dimensions is tried, for each
// pair of dimensions that a rule can tell apart.
func TestEveryListOfTwoRulesOfSmallWorldsIsDecidedAsRuleByRule(t *testing.T) {
	blocks := []string{"0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/2", "192.0.0.0/2"}
	ranges := [][2]uint16{{0, 65535}, {0, 32767}, {32768, 65535}, {0, 16383}, {16384, 32767}, {32768, 49151}, {49152, 65535}}
	var sets []*netipx.IPSet
	for _, b := range blocks {
		sets = append(sets, addresses(b))
	}
	quarter := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{byte(i * 64), 1, 2, 3}) }
	worlds := map[string]struct {
		box    func(i, j int) flowset.Box
		packet func(i, j int) flowset.Packet
	}{
		"source address and destination port": {
			func(i, j int) flowset.Box {
				return flowset.Box{Source: sets[i], DestinationPorts: ports(ranges[j][0], ranges[j][1])}
			},
			func(i, j int) flowset.Packet {
				return flowset.Packet{Protocol: topology.TCP, Source: quarter(i), Destination: quarter(0), DestinationPort: uint16(j*16384 + 7)}
			},
		},
		"destination address and source port": {
			func(i, j int) flowset.Box {
				return flowset.Box{Destination: sets[i], SourcePorts: ports(ranges[j][0], ranges[j][1])}
			},
			func(i, j int) flowset.Packet {
				return flowset.Packet{Protocol: topology.UDP, Source: quarter(0), Destination: quarter(i), SourcePort: uint16(j*16384 + 7)}
			},
		},
	}
	for name, w := range worlds {
		t.Run(name, func(t *testing.T) {
			var all []flowset.Rule
			for i := range blocks {
				for j := range ranges {
					for _, allow := range []bool{false, true} {
						all = append(all, flowset.Rule{Allow: allow, Must: []flowset.Box{w.box(i, j)}}, flowset.Rule{Allow: allow, May: []flowset.Box{w.box(i, j)}})
					}
				}
			}
			check := func(rules ...flowset.Rule) {
				s, lists := flowset.NewSpace(false, nil, rules)
				parts := s.Decide(lists[0], nil)
				for i := range 4 {
					for j := range 4 {
						p := w.packet(i, j)
						if got, want := part(t, parts, p), slow(rules, p); got != want {
							t.Fatalf("%+v: %v is %d, rule by rule %d", rules, p, got, want)
						}
					}
				}
			}
			check()
			for i, r := range all {
				check(r)
				for j, q := range all {
					if testing.Short() && (i*len(all)+j)%17 != 0 {
						continue
					}
					check(r, q)
				}
			}
		})
	}
}

func drawBox(t *rapid.T) flowset.Box {
	block := func(name string) *netipx.IPSet {
		n := rapid.IntRange(0, 3).Draw(t, name)
		if n == 0 {
			return nil
		}
		var list []string
		for range n {
			bits := rapid.SampledFrom([]int{8, 16, 24, 30, 32}).Draw(t, "bits")
			a := netip.AddrFrom4([4]byte{10, byte(rapid.IntRange(0, 1).Draw(t, "b")), byte(rapid.IntRange(0, 1).Draw(t, "c")), byte(rapid.IntRange(0, 7).Draw(t, "d"))})
			list = append(list, netip.PrefixFrom(a, bits).Masked().String())
		}
		return addresses(list...)
	}
	span := func(name string) []topology.PortRange {
		if rapid.Bool().Draw(t, name) {
			return nil
		}
		first := uint16(rapid.IntRange(0, 500).Draw(t, "first"))
		return ports(first, first+uint16(rapid.IntRange(0, 100).Draw(t, "more")))
	}
	return flowset.Box{
		Protocols: rapid.SampledFrom([][]topology.Protocol{nil, {topology.TCP}, {topology.UDP, topology.ICMP}, {topology.ESP, topology.AH}}).Draw(t, "protocols"),
		Source:    block("source"), Destination: block("destination"), SourcePorts: span("source ports"), DestinationPorts: span("destination ports"),
	}
}

func drawRules(t *rapid.T, most int) []flowset.Rule {
	rules := make([]flowset.Rule, rapid.IntRange(0, most).Draw(t, "rules"))
	for i := range rules {
		rules[i].Allow = rapid.Bool().Draw(t, "allow")
		if rapid.IntRange(0, 3).Draw(t, "certain") > 0 {
			rules[i].Must = []flowset.Box{drawBox(t)}
		} else {
			rules[i].May = []flowset.Box{drawBox(t)}
		}
	}
	return rules
}

func drawPacket(t *rapid.T) flowset.Packet {
	address := func(name string) netip.Addr {
		return netip.AddrFrom4([4]byte{byte(rapid.SampledFrom([]int{10, 10, 10, 11}).Draw(t, name)), byte(rapid.IntRange(0, 2).Draw(t, "b")), byte(rapid.IntRange(0, 2).Draw(t, "c")), byte(rapid.IntRange(0, 8).Draw(t, "d"))})
	}
	p := flowset.Packet{Protocol: rapid.SampledFrom([]topology.Protocol{topology.TCP, topology.UDP, topology.ICMP, topology.ESP, topology.AH}).Draw(t, "protocol"), Source: address("source"), Destination: address("destination")}
	if p.Protocol.HasPorts() {
		p.SourcePort, p.DestinationPort = uint16(rapid.IntRange(0, 601).Draw(t, "source port")), uint16(rapid.IntRange(0, 601).Draw(t, "destination port"))
	}
	return p
}

func TestAListIsDecidedAsRuleByRuleAndItsPartsCoverEveryPacketOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := drawRules(t, 8)
		s, lists := flowset.NewSpace(false, nil, rules)
		x := s.Decide(lists[0], nil)
		for range 20 {
			p := drawPacket(t)
			if got, want := part(t, x, p), slow(rules, p); got != want {
				t.Fatalf("%v is %d, rule by rule %d", p, got, want)
			}
		}
		sum := new(big.Int)
		for a, set := range map[flowset.Answer]flowset.Set{flowset.Unmatched: x.Unmatched, flowset.Allowed: x.Allowed, flowset.Denied: x.Denied, flowset.Open: x.Open} {
			sum.Add(sum, set.Size())
			if w, ok := set.Witness(); ok != !set.Empty() || ok && (!set.Has(w) || slow(rules, w) != a) {
				t.Fatalf("witness %v of %d: rule by rule it is %d", w, a, slow(rules, w))
			}
		}
		if sum.Cmp(s.All().Size()) != 0 {
			t.Fatalf("the parts have %v packets, all are %v", sum, s.All().Size())
		}
	})
}

func TestSetsObeyTheLawsOfSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, two, three := drawRules(t, 4), drawRules(t, 4), drawRules(t, 4)
		s, lists := flowset.NewSpace(false, nil, one, two, three)
		a, b, c := s.Decide(lists[0], nil).Allowed, s.Decide(lists[1], nil).Allowed, s.Decide(lists[2], nil).Allowed
		all, none := s.All(), s.None()
		for name, same := range map[string]bool{
			"union commutes":              a.Union(b) == b.Union(a),
			"intersection commutes":       a.Intersect(b) == b.Intersect(a),
			"union associates":            a.Union(b).Union(c) == a.Union(b.Union(c)),
			"intersection distributes":    a.Intersect(b.Union(c)) == a.Intersect(b).Union(a.Intersect(c)),
			"difference is intersection":  a.Without(b) == a.Intersect(all.Without(b)),
			"De Morgan":                   all.Without(a.Union(b)) == all.Without(a).Intersect(all.Without(b)),
			"difference and rest make it": a.Without(b).Union(a.Intersect(b)) == a,
			"nothing without itself":      a.Without(a) == none && none.Empty(),
			"all and none":                a.Union(all) == all && a.Intersect(none) == none && a.Union(none) == a,
			"subset":                      a.Intersect(b).Within(a) && a.Within(a.Union(b)) && a.Within(b) == (a.Union(b) == b),
			"absorption":                  a.Union(a.Intersect(b)) == a,
		} {
			if !same {
				t.Fatalf("%s: it does not hold", name)
			}
		}
		x := new(big.Int).Add(a.Size(), b.Size())
		if x.Cmp(new(big.Int).Add(a.Union(b).Size(), a.Intersect(b).Size())) != 0 {
			t.Fatalf("the sizes of union and intersection do not add up")
		}
		p := drawPacket(t)
		if a.Union(b).Has(p) != (a.Has(p) || b.Has(p)) || a.Intersect(b).Has(p) != (a.Has(p) && b.Has(p)) || a.Without(b).Has(p) != (a.Has(p) && !b.Has(p)) {
			t.Fatalf("%v: membership does not follow the operation", p)
		}
	})
}

func TestTheBoxesOfASetMakeItUpAgainWithoutOverlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := drawRules(t, 5)
		s, lists := flowset.NewSpace(false, nil, rules)
		set := s.Decide(lists[0], nil).Denied
		var boxes []flowset.Box
		set.Boxes(func(b flowset.Box) bool {
			boxes = append(boxes, b)
			return true
		})
		again := []flowset.Rule{{Allow: true, Must: boxes}}
		s2, lists2 := flowset.NewSpace(false, nil, again, rules)
		if s2.Decide(lists2[0], nil).Allowed != s2.Decide(lists2[1], nil).Denied {
			t.Fatal("the boxes are another set")
		}
		sum := new(big.Int)
		for i := range boxes {
			s3, l := flowset.NewSpace(false, nil, []flowset.Rule{{Allow: true, Must: boxes[i : i+1]}})
			sum.Add(sum, s3.Decide(l[0], nil).Allowed.Size())
		}
		if sum.Cmp(set.Size()) != 0 {
			t.Fatalf("the boxes have %v packets, the set %v", sum, set.Size())
		}
	})
}

func TestAWitnessIsAPacketThatAPersonWouldThinkOf(t *testing.T) {
	blob := addresses("52.239.140.0/24")
	from := func(prefixes ...string) flowset.Box {
		return flowset.Box{Source: addresses(prefixes...), Destination: blob}
	}
	to := func(ranges ...topology.PortRange) flowset.Box {
		return flowset.Box{Source: addresses("10.2.0.0/24"), Destination: blob, DestinationPorts: ranges}
	}
	between := func(one, other string) flowset.Box {
		return flowset.Box{Source: addresses(one), Destination: addresses(other)}
	}
	type boxes []flowset.Box
	for _, c := range []struct {
		what  string
		v6    bool
		hosts []string
		boxes boxes
		want  string
	}{
		{"a preferred port", false, nil, boxes{to(topology.PortRange{First: 7, Last: 1000})}, "{Tcp 10.2.0.4 52.239.140.4 50000 443}"},
		{"a host", false, []string{"fd00::9", "10.2.0.9"}, boxes{to(topology.PortRange{First: 7, Last: 1000})}, "{Tcp 10.2.0.9 52.239.140.4 50000 443}"},
		{"a host, IPv6", true, []string{"10.2.0.9", "2600::9"}, boxes{between("2600::/32", "2601::/32")}, "{Tcp 2600::9 2601::4 50000 443}"},
		{"no TCP", false, nil, boxes{{Protocols: []topology.Protocol{topology.AH, topology.ICMP}}}, "{Icmp 10.0.0.4 10.1.0.4 0 0}"},

		{"the first of the larger ranges of ports", false, nil, boxes{to(topology.PortRange{First: 1000, Last: 1005}, topology.PortRange{First: 10000, Last: 10001})}, "{Tcp 10.2.0.4 52.239.140.4 50000 1000}"},
		{"the later of the larger ranges of ports", false, nil, boxes{to(topology.PortRange{First: 1000, Last: 1001}, topology.PortRange{First: 10000, Last: 10100})}, "{Tcp 10.2.0.4 52.239.140.4 50000 10000}"},
		{"a port that is not 0", false, nil, boxes{to(topology.PortRange{First: 0, Last: 5})}, "{Tcp 10.2.0.4 52.239.140.4 50000 1}"},
		{"port 0 where there is no other", false, nil, boxes{to(topology.PortRange{First: 0, Last: 0})}, "{Tcp 10.2.0.4 52.239.140.4 50000 0}"},

		{"not to oneself", false, nil, boxes{between("10.2.0.0/24", "10.2.0.0/24")}, "{Tcp 10.2.0.4 10.2.0.5 50000 443}"},
		{"not to oneself, IPv6", true, nil, boxes{between("fd00:1::/64", "fd00:1::/64")}, "{Tcp fd00:1::4 fd00:1::5 50000 443}"},
		{"not to oneself, but to another preferred address", false, nil, boxes{between("10.0.0.0/8", "10.0.0.0/8")}, "{Tcp 10.0.0.4 10.1.0.4 50000 443}"},
		{"not to oneself, but to another preferred address, IPv6", true, nil, boxes{{}}, "{Tcp fd00::4 2001:4860:4860::8888 50000 443}"},
		{"not to oneself, but to another host", false, []string{"10.0.0.7", "10.0.0.8"}, boxes{{}}, "{Tcp 10.0.0.7 10.0.0.8 50000 443}"},
		{"from another to the only destination", false, nil, boxes{between("10.0.0.0/24", "10.0.0.4/32")}, "{Tcp 10.0.0.5 10.0.0.4 50000 443}"},
		{"from another to the only destination, IPv6", true, nil, boxes{between("fd00::/126", "fd00::3/128")}, "{Tcp fd00::2 fd00::3 50000 443}"},
		{"to oneself where there is no other", false, nil, boxes{between("10.0.0.4/32", "10.0.0.4/32")}, "{Tcp 10.0.0.4 10.0.0.4 50000 443}"},

		{"addresses of machines within a set", false, nil, boxes{from("0.1.0.0/16", "52.0.0.0/8", "240.0.0.0/4")}, "{Tcp 52.0.0.4 52.239.140.4 50000 443}"},
		{"addresses of machines before others", false, nil, boxes{from("0.1.0.0/16", "240.0.0.0/4"), from("52.0.0.0/8")}, "{Tcp 52.0.0.4 52.239.140.4 50000 443}"},
		{"addresses of machines before the machine's own", false, nil, boxes{from("0.0.0.0/16", "127.0.0.0/8", "169.254.0.0/16"), from("172.0.0.0/16")}, "{Tcp 172.0.0.4 52.239.140.4 50000 443}"},
		{"addresses of machines before multicast", false, nil, boxes{from("0.1.0.0/16", "224.0.0.0/4"), from("52.0.0.0/8")}, "{Tcp 52.0.0.4 52.239.140.4 50000 443}"},
		{"addresses of machines, IPv6", true, nil, boxes{between("::/127", "2600::/32"), between("ff00::/8", "2600::/32"), between("2601::/32", "2600::/32")}, "{Tcp 2601::4 2600::4 50000 443}"},
		{"multicast where there is nothing else", false, nil, boxes{from("224.0.0.0/4")}, "{Tcp 224.0.0.4 52.239.140.4 50000 443}"},
		{"the first of what reads as well", false, nil, boxes{from("53.0.0.0/8"), from("52.0.0.0/8")}, "{Tcp 52.0.0.4 52.239.140.4 50000 443}"},
		{"what reads better before what comes first", false, nil, boxes{from("10.0.0.0/24"), from("9.0.0.0/8")}, "{Tcp 10.0.0.4 52.239.140.4 50000 443}"},
	} {
		var hosts []netip.Addr
		for _, h := range c.hosts {
			hosts = append(hosts, netip.MustParseAddr(h))
		}
		s, l := flowset.NewSpace(c.v6, hosts, []flowset.Rule{{Allow: true, Must: c.boxes}})
		p, ok := s.Decide(l[0], nil).Allowed.Witness()
		if got := fmt.Sprintf("{%s %v %v %d %d}", p.Protocol, p.Source, p.Destination, p.SourcePort, p.DestinationPort); !ok || got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

func TestWhatMayMatchIsAskedOnceForPacketsThatNoBoxTellsApart(t *testing.T) {
	unsure, other, all := flowset.Box{Source: addresses("10.0.0.0/8")}, flowset.Box{Source: addresses("11.0.0.0/8")}, flowset.Box{}
	edge := flowset.Box{Destination: addresses("10.1.0.0/16")}
	type boxes []flowset.Box
	for _, c := range []struct {
		what  string
		rules []flowset.Rule // before one that denies everything
		asked int
	}{
		{"with and without ports", []flowset.Rule{{Allow: true, May: boxes{unsure}}}, 2},
		{"inside and outside of the cut of the rule", []flowset.Rule{{Allow: true, May: boxes{unsure}, Cut: boxes{edge}}}, 4},
		{"inside and outside of the cut of a rule that matches nothing", []flowset.Rule{{Allow: true, May: boxes{unsure}}, {Cut: boxes{edge}}}, 4},
		{"a cut does not count where its rule cannot match", []flowset.Rule{{Allow: true, May: boxes{unsure}, Cut: boxes{edge}}, {Allow: true, May: boxes{other}}}, 6},
		{"nothing is asked where nothing may match", []flowset.Rule{{Allow: true, Must: boxes{unsure}, Cut: boxes{edge}}}, 0},
		// Without ports the second rule matches all that the third is for.
		{"a cut does not count behind what matches for certain", []flowset.Rule{
			{Allow: true, May: boxes{unsure}}, {Must: boxes{{SourcePorts: ports(1, 10)}}}, {Allow: true, May: boxes{all}, Cut: boxes{edge}}}, 6},
	} {
		rules := append(c.rules, flowset.Rule{Must: boxes{all}})
		// What may match is told only by the cuts of its own rule, and of those
		// that match nothing.
		answer := func(p flowset.Packet) flowset.Answer {
			for _, r := range rules {
				switch {
				case anyOf(r.Must, p):
					return flowset.Open
				case r.Cut == nil || r.May != nil && !anyOf(r.May, p):
				case anyOf(r.Cut, p):
					return flowset.Allowed
				default:
					return flowset.Denied
				}
			}
			return flowset.Open
		}
		var asked []flowset.Packet
		s, l := flowset.NewSpace(false, nil, rules)
		x := s.Decide(l[0], func(p flowset.Packet) flowset.Answer {
			asked = append(asked, p)
			return answer(p)
		})
		if len(asked) != c.asked {
			t.Errorf("%s: asked about %v, want %d packets", c.what, asked, c.asked)
		}
		for _, p := range asked {
			if slow(rules, p) != flowset.Open {
				t.Errorf("%s: asked about %v, which is certain", c.what, p)
			}
		}
		for _, from := range []string{"10.9.9.9", "11.9.9.9", "12.9.9.9"} {
			for _, to := range []string{"10.0.255.255", "10.1.0.0", "10.1.255.255", "10.2.0.0"} {
				for _, protocol := range []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP, topology.ESP, topology.AH} {
					for _, port := range []uint16{0, 1, 10, 11} {
						p := flowset.Packet{Protocol: protocol, Source: netip.MustParseAddr(from), Destination: netip.MustParseAddr(to)}
						if protocol.HasPorts() {
							p.SourcePort = port
						}
						want := slow(rules, p)
						if want == flowset.Open {
							want = answer(p)
						}
						if got := part(t, x, p); got != want {
							t.Errorf("%s: %v is %d, want %d", c.what, p, got, want)
						}
					}
				}
			}
		}
	}
}

// A list of many narrow rules at the ends of the dimensions.
func TestALongListIsDecidedAsRuleByRule(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		for seed := range uint64(6) {
			r := rand.New(rand.NewPCG(seed, 13))
			source := func(i int) netip.Addr {
				if v6 {
					return netip.AddrFrom16([16]byte{15: byte(i)})
				}
				return netip.AddrFrom4([4]byte{3: byte(i)})
			}
			destination := func(i int) netip.Addr {
				a := [16]byte{15: 0xf0 + byte(i)}
				for k := range 15 {
					a[k] = 0xff
				}
				if v6 {
					return netip.AddrFrom16(a)
				}
				return netip.AddrFrom4([4]byte(a[12:]))
			}
			some := func() (first, last int) {
				first = r.IntN(16)
				return first, min(15, first+r.IntN(4))
			}
			rules := make([]flowset.Rule, 70+r.IntN(120))
			for i := range rules {
				var b flowset.Box
				first, last := some()
				b.Source = span(source(first), source(last))
				first, last = some()
				b.Destination = span(destination(first), destination(last))
				if first, last = some(); r.IntN(2) == 0 {
					b.SourcePorts = ports(uint16(first), uint16(last))
				}
				if first, last = some(); r.IntN(2) == 0 {
					b.DestinationPorts = ports(uint16(65520+first), uint16(65520+last))
				}
				if r.IntN(2) == 0 {
					b.Protocols = []topology.Protocol{topology.TCP, topology.AH}[r.IntN(2):][:1]
				}
				rules[i].Allow = r.IntN(2) == 0
				if r.IntN(4) == 0 {
					rules[i].May = []flowset.Box{b}
				} else {
					rules[i].Must = []flowset.Box{b}
				}
			}
			s, l := flowset.NewSpace(v6, nil, rules)
			x := s.Decide(l[0], nil)
			met := map[flowset.Answer]int{}
			for range 2000 {
				p := flowset.Packet{Protocol: []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP, topology.AH}[r.IntN(4)], Source: source(r.IntN(16)), Destination: destination(r.IntN(16))}
				if p.Protocol.HasPorts() {
					p.SourcePort, p.DestinationPort = uint16(r.IntN(17)), uint16(65519+r.IntN(17))
				}
				want := slow(rules, p)
				if met[want]++; part(t, x, p) != want {
					t.Fatalf("IPv6 %v, seed %d: %v is %d, rule by rule %d", v6, seed, p, part(t, x, p), want)
				}
			}
			for a := flowset.Unmatched; a <= flowset.Open; a++ {
				if met[a] < 20 {
					t.Errorf("IPv6 %v, seed %d: the answer %d was met %d times", v6, seed, a, met[a])
				}
			}
		}
	}
}

// span is the addresses from one to another.
func span(first, last netip.Addr) *netipx.IPSet {
	var b netipx.IPSetBuilder
	b.AddRange(netipx.IPRangeFrom(first, last))
	s, _ := b.IPSet() // of a valid range: no error
	return s
}

func TestIPv6HasItsOwnSpace(t *testing.T) {
	rules := []flowset.Rule{{Allow: true, Must: []flowset.Box{{Source: addresses("2001:db8::/32", "10.0.0.0/8")}}}}
	s, l := flowset.NewSpace(true, nil, rules)
	x := s.Decide(l[0], nil)
	six := flowset.Packet{Protocol: topology.TCP, Source: netip.MustParseAddr("2001:db8::1"), Destination: netip.MustParseAddr("::1")}
	four := flowset.Packet{Protocol: topology.TCP, Source: netip.MustParseAddr("10.0.0.1"), Destination: netip.MustParseAddr("10.0.0.2")}
	if !x.Allowed.Has(six) || x.Allowed.Has(four) || x.Unmatched.Has(four) {
		t.Error("the family of a packet does not count")
	}
	// 2^96 sources, 2^128 destinations, 2 protocols with 2^32 ports and 3 without.
	want := new(big.Int).Lsh(big.NewInt(2<<32+3), 96+128)
	if x.Allowed.Size().Cmp(want) != 0 {
		t.Errorf("%v packets, want %v", x.Allowed.Size(), want)
	}
}

// overlapping are random rules of a source block, a destination block and a
// range of ports.
func overlapping(n int) []flowset.Rule {
	r := rand.New(rand.NewPCG(1, 2))
	block := func() *netipx.IPSet {
		a := netip.AddrFrom4([4]byte{10, byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))})
		return addresses(netip.PrefixFrom(a, 8+r.IntN(17)).Masked().String())
	}
	rules := make([]flowset.Rule, n)
	for i := range rules {
		first := r.IntN(60000)
		rules[i] = flowset.Rule{Allow: r.IntN(2) == 0, Must: []flowset.Box{{
			Protocols: []topology.Protocol{topology.TCP}, Source: block(), Destination: block(), DestinationPorts: ports(uint16(first), uint16(first+r.IntN(5000)))}}}
	}
	return rules
}

func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{400, 1000} {
		rules := overlapping(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				s, l := flowset.NewSpace(false, nil, rules)
				if s.Decide(l[0], nil).Allowed.Empty() {
					b.Fatal("nothing is allowed")
				}
			}
		})
	}
}
