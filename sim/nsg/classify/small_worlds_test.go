package classify

import (
	"flag"
	"net/netip"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/topology"
)

var worlds = flag.Int("worlds", 100, "of the first rules of the small worlds every so many-th is tried; 1 tries all lists there are")

// offset is where a small world lies in the real space: its lowest address, a
// multiple of four, and its lowest port.
type offset struct {
	at   string
	port int
}

// offsets has both ends of the space, places where many bits change at once,
// the middle, and the border between the halves of an IPv6 address.
var offsets = []offset{
	{"10.0.0.0", 443}, {"0.0.0.0", 0}, {"127.255.255.252", 1023}, {"255.255.255.252", 65532}, {"20.60.26.8", 255}, {"172.31.255.252", 32767},
	{"fd00::", 443}, {"::", 0}, {"2001:db8:0:ffff:ffff:ffff:ffff:fffc", 1023}, {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffc", 65532}, {"7fff:ffff:ffff:ffff::", 80},
}

// span is some neighbours of the world by their numbers, first to last; any is
// all of the real space.
type span struct {
	any         bool
	first, last int
}

func (s span) has(i int) bool { return s.any || s.first <= i && i <= s.last }

// smallRule is a rule of a small world. open says that it is not known whether
// it matches what it names.
type smallRule struct {
	outcome             Outcome
	open                bool
	protocol            topology.Protocol
	source, destination span
	ports               span // of the destination
}

// smallPacket is a packet of a small world: numbers from -1 to one beyond the
// last are the neighbours outside.
type smallPacket struct {
	protocol                  topology.Protocol
	source, destination, port int
}

// matches is the definition of a match (spec 2.4): ICMP has no ports, and a
// rule for every protocol that names ports does not mean it.
func (r smallRule) matches(p smallPacket) bool {
	switch {
	case r.protocol != topology.AnyProtocol && r.protocol != p.protocol, !r.source.has(p.source), !r.destination.has(p.destination):
		return false
	case p.protocol == topology.ICMP:
		return r.protocol == topology.ICMP || r.ports.any
	default:
		return r.ports.has(p.port)
	}
}

// smallWorld is a set of rules and all packets, at one place of the real space.
type smallWorld struct {
	rules   []smallRule
	packets []smallPacket
	matches [][]bool // by rule and packet

	table *cidr.Table
	real  []Rule
	keys4 []Key4
	keys6 []Key6
}

// lay puts the rules and the packets of a world of so many addresses and ports
// at a place.
func lay(t *testing.T, rules []smallRule, addresses, ports int, o offset) *smallWorld {
	t.Helper()
	base := netip.MustParseAddr(o.at)
	address := func(i int) netip.Addr {
		a := base
		for ; i < 0; i++ {
			if a = a.Prev(); !a.IsValid() { // the space ends: its other end is outside too
				a = netip.MustParseAddr(map[bool]string{false: "255.255.255.255", true: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}[base.Is6()])
			}
		}
		for ; i > 0; i-- {
			if a = a.Next(); !a.IsValid() {
				a = netip.MustParseAddr(map[bool]string{false: "0.0.0.0", true: "::"}[base.Is6()])
			}
		}
		return a
	}
	w := &smallWorld{rules: rules}
	var sets [][]netip.Prefix
	ids := map[span]cidr.SetID{}
	in := func(s span) Addresses {
		if s.any {
			return Anywhere()
		}
		id, ok := ids[s]
		if !ok {
			id = cidr.SetID(len(sets))
			bits := base.BitLen()
			for n := s.last - s.first + 1; n > 1; n /= 2 {
				bits--
			}
			ids[s], sets = id, append(sets, []netip.Prefix{netip.PrefixFrom(address(s.first), bits)})
		}
		return In(id)
	}
	for _, r := range rules {
		m := Match{Source: in(r.source), Destination: in(r.destination), SourcePorts: []topology.PortRange{topology.AllPorts}, DestinationPorts: []topology.PortRange{topology.AllPorts}}
		if !r.ports.any {
			m.DestinationPorts = []topology.PortRange{{First: uint16(o.port + r.ports.first), Last: uint16(o.port + r.ports.last)}}
		}
		m.Protocols = ProtocolsOf(r.protocol, m.SourcePorts, m.DestinationPorts)
		x := Rule{Outcome: r.outcome}
		if r.open {
			x.May = []Match{m}
		} else {
			x.Must = []Match{m}
		}
		w.real = append(w.real, x)
	}
	var err error
	if w.table, err = cidr.Build(sets); err != nil {
		t.Fatal(err)
	}
	for _, protocol := range []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP} {
		for source := -1; source <= addresses; source++ {
			for destination := -1; destination <= addresses; destination++ {
				for port := -1; port <= ports; port++ {
					if protocol == topology.ICMP && port > 0 || o.port+port < 0 || o.port+port > 65535 {
						continue
					}
					p := smallPacket{protocol, source, destination, port}
					w.packets = append(w.packets, p)
					from, to, dport := address(source), address(destination), uint16(o.port+port)
					if base.Is4() {
						w.keys4 = append(w.keys4, Key4{cidr.KeyOf4(from), cidr.KeyOf4(to), 50000, dport, protocol})
					} else {
						w.keys6 = append(w.keys6, Key6{cidr.KeyOf6(from), cidr.KeyOf6(to), 50000, dport, protocol})
					}
				}
			}
		}
	}
	for _, r := range rules {
		row := make([]bool, len(w.packets))
		for i, p := range w.packets {
			row[i] = r.matches(p)
		}
		w.matches = append(w.matches, row)
	}
	return w
}

// check compiles one list of the world's rules and compares the verdict on
// every packet with the definition: the first rule that matches decides, one
// that may match may.
func (w *smallWorld) check(t *testing.T, list []int, real []Rule, got []Verdict) bool {
	for i, r := range list {
		real[i] = w.real[r]
	}
	c, err := New(w.table, real, Options{})
	if err != nil {
		t.Error(err)
		return false
	}
	if w.keys4 != nil {
		c.Batch4(got, w.keys4)
	} else {
		c.Batch6(got, w.keys6)
	}
	for i := range w.packets {
		want := Verdict{Rule: NoRule, Outcomes: NoMatch}
		var before Outcome
		open := false
		for place, r := range list {
			if !w.matches[r][i] {
				continue
			}
			if w.rules[r].open {
				before, open = before|w.rules[r].outcome, true
				continue
			}
			want = Verdict{Rule: int32(place), Outcomes: w.rules[r].outcome}
			break
		}
		want.Outcomes, want.Open = want.Outcomes|before, open
		if got[i] != want {
			var rules []smallRule
			for _, r := range list {
				rules = append(rules, w.rules[r])
			}
			t.Errorf("%+v of %+v: %+v, want %+v", w.packets[i], rules, got[i], want)
			return false
		}
	}
	return true
}

const (
	smallAllow = Outcome(1)
	smallDeny  = Outcome(2)
)

// combine is every rule of some conditions.
func combine(open []bool, protocols []topology.Protocol, addresses, ports []span) []smallRule {
	var list []smallRule
	for _, outcome := range []Outcome{smallAllow, smallDeny} {
		for _, o := range open {
			for _, p := range protocols {
				for _, source := range addresses {
					for _, destination := range addresses {
						for _, port := range ports {
							list = append(list, smallRule{outcome, o, p, source, destination, port})
						}
					}
				}
			}
		}
	}
	return list
}

// blocks are the blocks of a world of so many addresses, a power of two, and
// anywhere.
func blocks(addresses int) []span {
	list := []span{{any: true}}
	for size := addresses; size >= 1; size /= 2 {
		for first := 0; first < addresses; first += size {
			list = append(list, span{first: first, last: first + size - 1})
		}
	}
	return list
}

// Every list of rules of a small world decides on every packet as defined. The
// lists of a world lie at the places of the real space in turn, so that each
// list is tried at one of them, and those of one rule at all.
func TestEveryListOfASmallWorldDecidesAsDefined(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1000)) // classifiers are small and soon gone
	known, both := []bool{false}, []bool{false, true}
	some := []topology.Protocol{topology.TCP, topology.ICMP, topology.AnyProtocol}
	for _, world := range []struct {
		name                     string
		addresses, ports, length int
		rules                    []smallRule
	}{
		{"pairs of rules over two bits of both addresses and of the port", 4, 4, 2,
			combine(known, some, blocks(4), []span{{any: true}, {first: 1, last: 1}, {first: 0, last: 2}, {first: 2, last: 3}})},
		{"three rules over one bit of both addresses and of the port", 2, 2, 3,
			combine(known, some[1:], blocks(2), []span{{any: true}, {first: 0, last: 0}, {first: 0, last: 1}})},
		{"three rules that match or may, over one bit of both addresses", 2, 1, 3,
			combine(both, some[2:], blocks(2), []span{{any: true}, {first: 0, last: 0}})},
	} {
		t.Run(world.name, func(t *testing.T) {
			var laid []*smallWorld
			for _, o := range offsets {
				if o.port+world.ports > 65536 {
					o.port = 65536 - world.ports
				}
				laid = append(laid, lay(t, world.rules, world.addresses, world.ports, o))
			}
			var lists, verdicts atomic.Int64
			first := make(chan int)
			var group sync.WaitGroup
			for range runtime.GOMAXPROCS(0) {
				group.Go(func() {
					list, real := make([]int, world.length), make([]Rule, world.length)
					got := make([]Verdict, len(laid[0].packets))
					ask := func(w *smallWorld, list []int) bool {
						got = append(got[:0], make([]Verdict, len(w.packets))...)
						lists.Add(1)
						verdicts.Add(int64(len(w.packets)))
						return w.check(t, list, real[:len(list)], got)
					}
					for i := range first {
						list[0] = i
						for _, w := range laid {
							if !ask(w, list[:1]) {
								return
							}
						}
						n := i
						var rest func(place int) bool
						rest = func(place int) bool {
							if place == len(list) {
								n++
								return ask(laid[n%len(laid)], list)
							}
							for r := range world.rules {
								list[place] = r
								if !rest(place + 1) {
									return false
								}
							}
							return true
						}
						if !rest(1) {
							return
						}
					}
				})
			}
			for i := 0; i < len(world.rules) && !t.Failed(); i += *worlds {
				first <- i
			}
			close(first)
			group.Wait()
			t.Logf("%d verdicts of %d lists of %d rules at %d places", verdicts.Load(), lists.Load(), len(world.rules), len(laid))
		})
	}
}
