package flowset

import (
	"math/big"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"go4.org/netipx"

	"github.com/netpath/netpath/topology"
)

// The packets of the small world: two protocols, four addresses on either
// side that are not each other's, and four ports.
var (
	smallFrom = []string{"10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"}
	smallTo   = []string{"20.0.0.0", "20.0.0.1", "20.0.0.2", "20.0.0.3"}
)

func smallPackets() []Packet {
	var out []Packet
	for _, from := range smallFrom {
		for _, to := range smallTo {
			p := Packet{Protocol: topology.ICMP, Source: netip.MustParseAddr(from), Destination: netip.MustParseAddr(to)}
			out = append(out, p)
			p.Protocol = topology.TCP
			for port := range uint16(4) {
				p.DestinationPort = port
				out = append(out, p)
			}
		}
	}
	return out
}

// smallList is a random list of rules of the small world; the last matches
// everything. names adds boxes that only match what has a name.
func smallList(rng *rand.Rand, n int, names bool) []Entry {
	of := func(list []string, keep func() bool) *netipx.IPSet {
		var b netipx.IPSetBuilder
		for _, a := range list {
			if keep() {
				b.Add(netip.MustParseAddr(a))
			}
		}
		set, _ := b.IPSet() // of valid addresses: no error
		return set
	}
	all := func(list []string) *netipx.IPSet { return of(list, func() bool { return true }) }
	some := func(list []string) *netipx.IPSet { return of(list, func() bool { return rng.IntN(3) > 0 }) }
	name := func() any {
		if !names || rng.IntN(2) == 0 {
			return nil
		}
		return []string{"a", "b"}[rng.IntN(2)]
	}
	var list []Entry
	for owner := range n {
		allow := rng.IntN(2) == 0
		for range 1 + rng.IntN(5)/4 {
			e := Entry{Owner: owner, Allow: allow, Sure: rng.IntN(6) > 0, SourceName: name(), DestinationName: name()}
			e.Source, e.Destination = all(smallFrom), all(smallTo)
			if rng.IntN(3) > 0 {
				e.Source = some(smallFrom)
			}
			if rng.IntN(3) > 0 {
				e.Destination = some(smallTo)
			}
			e.Protocols = [][]topology.Protocol{{topology.TCP}, {topology.ICMP}, {topology.TCP, topology.ICMP}}[rng.IntN(3)]
			e.SourcePorts, e.DestinationPorts = []topology.PortRange{{First: 1000, Last: 1000}}, []topology.PortRange{{First: 0, Last: 3}}
			if first := uint16(rng.IntN(4)); rng.IntN(2) == 0 {
				e.DestinationPorts = []topology.PortRange{{First: first, Last: min(3, first+uint16(rng.IntN(3)))}}
			}
			list = append(list, e)
		}
	}
	return append(list, Entry{Owner: -1, Allow: rng.IntN(2) == 0, Sure: true})
}

// world says which addresses have the names a and b, one bit for each.
type world uint16

func (w world) has(name any, side int, a netip.Addr) bool {
	if name == nil {
		return true
	}
	bit := int(a.As4()[3]) + 4*side
	if name == "b" {
		bit += 8
	}
	return w&(1<<bit) != 0
}

func (e *Entry) matches(w world, p Packet) bool {
	in := func(set *netipx.IPSet, a netip.Addr) bool { return set == nil || set.Contains(a) }
	if e.Protocols != nil && !slices.Contains(e.Protocols, p.Protocol) || !in(e.Source, p.Source) || !in(e.Destination, p.Destination) {
		return false
	}
	if p.Protocol.HasPorts() && e.DestinationPorts != nil && !e.DestinationPorts[0].Contains(p.DestinationPort) {
		return false
	}
	return w.has(e.SourceName, 0, p.Source) && w.has(e.DestinationName, 1, p.Destination)
}

// fates are the outcomes that a packet may have in a world without an owner's
// rules, and the same where these come to decide.
func fates(list []Entry, w world, p Packet, without int) (allow, deny bool) {
	for i := range list {
		e := &list[i]
		if e.Owner == without || !e.matches(w, p) {
			continue
		}
		allow, deny = allow || e.Allow, deny || !e.Allow
		if e.Sure {
			return allow, deny
		}
	}
	return allow, deny
}

// worlds are all in which the names differ for the packet's own addresses.
func worlds(p Packet, names bool) []world {
	if !names {
		return []world{0}
	}
	var out []world
	from, to := int(p.Source.As4()[3]), int(p.Destination.As4()[3])+4
	for k := range 16 {
		out = append(out, world(k&1<<from|k>>1&1<<to|k>>2&1<<(from+8)|k>>3&1<<(to+8)))
	}
	return out
}

// reached reports whether some packet comes to a rule of the owner in some
// world, and matters whether it may then fare otherwise without these rules.
func truth(list []Entry, owner int, names bool) (empty, reached, matters bool, by []int) {
	empty = true
	covering := map[int]bool{}
	for i := range list {
		if list[i].Owner >= 0 && list[i].Owner != owner {
			covering[list[i].Owner] = true
		}
	}
	for _, p := range smallPackets() {
		for _, w := range worlds(p, names) {
			for i := range list {
				e := &list[i]
				if e.Owner != owner || !e.matches(w, p) {
					continue
				}
				empty = false
				decided := map[int]bool{}
				for k := range list[:i] {
					if x := &list[k]; x.Owner != owner && x.Sure && x.matches(w, p) {
						decided[x.Owner] = true
					}
				}
				for o := range covering {
					covering[o] = covering[o] && decided[o]
				}
				if len(decided) > 0 {
					continue
				}
				reached = true
				allow, deny := fates(list[i:], w, p, owner)
				matters = matters || e.Allow && deny || !e.Allow && allow
			}
		}
	}
	for o, ok := range covering {
		if ok {
			by = append(by, o)
		}
	}
	slices.Sort(by)
	return empty, reached, matters, by
}

func TestAnOrderAnswersAsEveryPacketInEveryWorldDoes(t *testing.T) {
	met := map[string]int{}
	for seed := range uint64(700) {
		rng := rand.New(rand.NewPCG(seed, 11))
		names := seed%2 == 1
		list := smallList(rng, 2+rng.IntN(5), names)
		o := NewOrder(false, list, func(one, other any) bool { return one == other })
		owners := list[len(list)-2].Owner + 1
		for owner := range owners {
			empty, reached, matters, by := truth(list, owner, names)
			if o.Empty(owner) != empty {
				t.Fatalf("seed %d, rule %d: empty %v", seed, owner, empty)
			}
			if empty {
				met["empty"]++
				continue
			}
			if _, hole := o.Hole(owner, nil); hole != reached {
				t.Errorf("seed %d, rule %d: a hole is found: %v, reached: %v", seed, owner, hole, reached)
			}
			if got := o.Covering(owner); !reached && !slices.Equal(got, by) {
				t.Errorf("seed %d, rule %d: covered by %v, is by %v", seed, owner, got, by)
			}
			_, got := o.Matters(owner)
			if matters && !got {
				t.Errorf("seed %d, rule %d: it matters and is said not to", seed, owner)
			}
			if got && !matters && !names {
				t.Errorf("seed %d, rule %d: it is said to matter and does not", seed, owner)
			}
			switch {
			case matters:
				met["matters"]++
			case reached:
				met["reached"]++
			case len(by) > 0:
				met["one"]++
			default:
				met["several"]++
			}
			if !names {
				checkSizes(t, o, list, owner)
			}
		}
	}
	t.Log(met)
	for _, k := range []string{"empty", "matters", "reached", "one", "several"} {
		if met[k] < 10 {
			t.Errorf("%s was met %d times", k, met[k])
		}
	}
}

// checkSizes holds the counts of an owner's packets against all packets.
func checkSizes(t *testing.T, o *Order, list []Entry, owner int) {
	t.Helper()
	var want [3]int64
	for _, p := range smallPackets() {
		if !slices.ContainsFunc(list, func(e Entry) bool { return e.Owner == owner && e.matches(0, p) }) {
			continue
		}
		switch allow, deny := fates(list, 0, p, owner); {
		case allow && deny:
			want[2]++
		case allow:
			want[0]++
		default:
			want[1]++
		}
	}
	allowed, denied, open, ok := o.Sizes(owner, 1<<20)
	if !ok {
		t.Fatal("the count gave up")
	}
	for i, n := range []*big.Int{allowed, denied, open} {
		if n.Int64() != want[i] {
			t.Errorf("rule %d: %v allowed, %v denied, %v open; there are %v", owner, allowed, denied, open, want)
			return
		}
	}
}

func TestAnOrderThatIsTooIntricateClaimsNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 11))
	lost := 0
	for range 50 {
		list := smallList(rng, 6, false)
		o := NewOrder(false, list, func(one, other any) bool { return one == other })
		o.most = 2
		for owner := range 6 {
			if o.Empty(owner) {
				continue
			}
			_, hole := o.Hole(owner, nil)
			_, matters := o.Matters(owner)
			_, reached, really, _ := truth(list, owner, false)
			if reached && !hole || really && !matters {
				t.Errorf("rule %d: a hole: %v, matters: %v; it is reached: %v, matters: %v", owner, hole, matters, reached, really)
			}
			if hole && !reached || matters && !really {
				lost++
			}
		}
	}
	if lost == 0 {
		t.Error("no hunt was lost")
	}
}

func TestWhatAnOrderSaysOfTwoRulesIsSoOfEveryPacket(t *testing.T) {
	met := map[string]int{}
	check := func(seed uint64, what string, one, other int, got, want bool) {
		if got != want {
			t.Errorf("seed %d, rules %d and %d: %s is said to be %v", seed, one, other, what, got)
		}
		if want {
			met[what]++
		}
	}
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 12))
		list := smallList(rng, 4, false)
		o := NewOrder(false, list, func(one, other any) bool { return one == other })
		for one := range 4 {
			touch := o.Touch(one)
			for other := range 4 {
				if other == one {
					continue
				}
				var meets, decides, touches bool
				within := true
				for _, p := range smallPackets() {
					of := func(owner int, sure bool) (first int) {
						for i := range list {
							if list[i].Owner == owner && (list[i].Sure || !sure) && list[i].matches(0, p) {
								return i
							}
						}
						return -1
					}
					earlier := func(i, but int) bool {
						for k := range list[:i] {
							if list[k].Owner != but && list[k].matches(0, p) {
								return true
							}
						}
						return false
					}
					a, any, b := of(one, true), of(one, false), of(other, true)
					touches = touches || any >= 0 && of(other, false) >= 0
					within = within && (any < 0 || b >= 0)
					meets = meets || a >= 0 && b > a && !earlier(a, -2)
					decides = decides || any >= 0 && b >= 0 && !earlier(b, one)
				}
				_, got := o.Meets(one, other)
				check(seed, "meets", one, other, got, meets)
				_, got = o.Decides(one, other)
				check(seed, "decides", one, other, got, decides)
				check(seed, "within", one, other, o.Within(one, other), within)
				check(seed, "touches", one, other, slices.Contains(touch, other), touches)
			}
		}
	}
	t.Log(met)
	for _, k := range []string{"meets", "decides", "within", "touches"} {
		if met[k] < 50 {
			t.Errorf("%s was met %d times", k, met[k])
		}
	}
}
