package flowset

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"go4.org/netipx"

	"github.com/netpath/netpath/topology"
)

// smallSides are the addresses of the small world: four on either side that
// are not each other's.
func smallSides(v6 bool) (from, to []netip.Addr) {
	for i := range byte(4) {
		if v6 {
			from, to = append(from, netip.AddrFrom16([16]byte{0: 0xfd, 15: i})), append(to, netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: i}))
		} else {
			from, to = append(from, netip.AddrFrom4([4]byte{10, 0, 0, i})), append(to, netip.AddrFrom4([4]byte{20, 0, 0, i}))
		}
	}
	return from, to
}

// smallPackets are the packets of the small world: of one protocol without
// ports, and of one with them, of two source ports and four destination ports.
func smallPackets(v6 bool) []Packet {
	var out []Packet
	froms, tos := smallSides(v6)
	for _, from := range froms {
		for _, to := range tos {
			p := Packet{Protocol: topology.ICMP, Source: from, Destination: to}
			out = append(out, p)
			p.Protocol = topology.TCP
			for port := range uint16(8) {
				p.SourcePort, p.DestinationPort = 1000+port/4, port%4
				out = append(out, p)
			}
		}
	}
	return out
}

// smallList is a random list of rules of the small world; the last matches
// everything. names adds boxes that only match what has a name.
func smallList(rng *rand.Rand, n int, names, v6 bool) []Entry {
	of := func(list []netip.Addr, keep func() bool) *netipx.IPSet {
		var b netipx.IPSetBuilder
		for _, a := range list {
			if keep() {
				b.Add(a)
			}
		}
		set, _ := b.IPSet() // of valid addresses: no error
		return set
	}
	all := func(list []netip.Addr) *netipx.IPSet { return of(list, func() bool { return true }) }
	some := func(list []netip.Addr) *netipx.IPSet { return of(list, func() bool { return rng.IntN(3) > 0 }) }
	name := func() any {
		if !names || rng.IntN(2) == 0 {
			return nil
		}
		return []string{"a", "b"}[rng.IntN(2)]
	}
	from, to := smallSides(v6)
	var list []Entry
	for owner := range n {
		allow := rng.IntN(2) == 0
		for range 1 + rng.IntN(5)/4 {
			e := Entry{Owner: owner, Allow: allow, Sure: rng.IntN(6) > 0, SourceName: name(), DestinationName: name()}
			e.Source, e.Destination = all(from), all(to)
			if rng.IntN(3) > 0 {
				e.Source = some(from)
			}
			if rng.IntN(3) > 0 {
				e.Destination = some(to)
			}
			e.Protocols = [][]topology.Protocol{{topology.TCP}, {topology.ICMP}, {topology.TCP, topology.ICMP}}[rng.IntN(3)]
			e.SourcePorts, e.DestinationPorts = []topology.PortRange{{First: 1000, Last: 1001}}, []topology.PortRange{{First: 0, Last: 3}}
			if port := 1000 + uint16(rng.IntN(2)); rng.IntN(4) == 0 {
				e.SourcePorts = []topology.PortRange{{First: port, Last: port}}
			}
			if first := uint16(rng.IntN(4)); rng.IntN(2) == 0 {
				e.DestinationPorts = []topology.PortRange{{First: first, Last: min(3, first+uint16(rng.IntN(3)))}}
			}
			list = append(list, e)
		}
	}
	return append(list, Entry{Owner: -1, Allow: rng.IntN(2) == 0, Sure: true})
}

// lengthened is the list with many rules in it, somewhere before the last, that
// match nothing of the small world.
func lengthened(rng *rand.Rand, list []Entry) []Entry {
	var b netipx.IPSetBuilder
	b.AddPrefix(netip.MustParsePrefix("30.0.0.0/24"))
	b.AddPrefix(netip.MustParsePrefix("2600::/32"))
	elsewhere, _ := b.IPSet() // of valid prefixes: no error
	more := make([]Entry, 52+rng.IntN(14)+64*rng.IntN(2))
	for i := range more {
		more[i] = Entry{Box: Box{Source: elsewhere}, Owner: -1, Allow: rng.IntN(2) == 0, Sure: rng.IntN(2) == 0}
	}
	at := rng.IntN(len(list))
	return slices.Concat(list[:at], more, list[at:])
}

// world says which addresses have the names a and b, one bit for each.
type world uint16

func (w world) has(name any, side int, a netip.Addr) bool {
	if name == nil {
		return true
	}
	bit := int(a.As16()[15]) + 4*side
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
	of := func(list []topology.PortRange, port uint16) bool { return list == nil || list[0].Contains(port) }
	if p.Protocol.HasPorts() && (!of(e.SourcePorts, p.SourcePort) || !of(e.DestinationPorts, p.DestinationPort)) {
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
	from, to := int(p.Source.As16()[15]), int(p.Destination.As16()[15])+4
	for k := range 16 {
		out = append(out, world(k&1<<from|k>>1&1<<to|k>>2&1<<(from+8)|k>>3&1<<(to+8)))
	}
	return out
}

// truth is what the packets say of an owner's rules.
type truth struct {
	empty   bool            // they match no packet in no world
	reached bool            // some packet comes to one of them in some world
	matters bool            // which may then fare otherwise without these rules
	by      []int           // owners of which each decides all that they match before they do
	holes   map[string]bool // of what none of the chosen decides before: the owners that do
}

func truthOf(packets []Packet, list []Entry, owner int, names bool, chosen func(int) bool) truth {
	x := truth{empty: true, holes: map[string]bool{}}
	covering := map[int]bool{}
	for i := range list {
		if list[i].Owner >= 0 && list[i].Owner != owner {
			covering[list[i].Owner] = true
		}
	}
	for _, p := range packets {
		for _, w := range worlds(p, names) {
			for i := range list {
				e := &list[i]
				if e.Owner != owner || !e.matches(w, p) {
					continue
				}
				x.empty = false
				decided, hole := []int{}, true
				for k := range list[:i] {
					if x := &list[k]; x.Owner != owner && x.Sure && x.matches(w, p) {
						hole = hole && !chosen(x.Owner)
						if !slices.Contains(decided, x.Owner) {
							decided = append(decided, x.Owner)
						}
					}
				}
				if hole {
					x.holes[fmt.Sprint(decided)] = true
				}
				for o := range covering {
					covering[o] = covering[o] && slices.Contains(decided, o)
				}
				if len(decided) > 0 {
					continue
				}
				x.reached = true
				allow, deny := fates(list[i:], w, p, owner)
				x.matters = x.matters || e.Allow && deny || !e.Allow && allow
			}
		}
	}
	for o, ok := range covering {
		if ok {
			x.by = append(x.by, o)
		}
	}
	slices.Sort(x.by)
	return x
}

// sameName is what a test's names imply; it is not to be asked of what has no
// name.
func sameName(t *testing.T) func(one, other any) bool {
	return func(one, other any) bool {
		if one == nil || other == nil {
			t.Errorf("asked whether the name %v implies %v", one, other)
		}
		return one == other
	}
}

func TestAnOrderAnswersAsEveryPacketInEveryWorldDoes(t *testing.T) {
	met := map[string]int{}
	for seed := range uint64(700) {
		rng := rand.New(rand.NewPCG(seed, 11))
		names, v6 := seed%2 == 1, seed%4 >= 2
		list, packets := smallList(rng, 2+rng.IntN(5), names, v6), smallPackets(v6)
		long := list
		if seed%3 == 0 {
			long = lengthened(rng, list)
		}
		o := NewOrder(v6, long, sameName(t))
		owners := list[len(list)-2].Owner + 1
		for owner := range owners {
			some := rng.IntN(1 << owners)
			chosen := func(x int) bool { return x >= 0 && some>>x&1 != 0 }
			is := truthOf(packets, list, owner, names, chosen)
			if o.Empty(owner) != is.empty {
				t.Fatalf("seed %d, rule %d: empty %v", seed, owner, !is.empty)
			}
			if is.empty {
				met["empty"]++
				continue
			}
			if by, hole := o.Hole(owner, nil); hole != is.reached || len(by) > 0 {
				t.Errorf("seed %d, rule %d: a hole is found: %v, of %v; reached: %v", seed, owner, hole, by, is.reached)
			}
			if by, hole := o.Hole(owner, chosen); hole != (len(is.holes) > 0) || hole && !is.holes[fmt.Sprint(by)] {
				t.Errorf("seed %d, rule %d: of %b a hole is found: %v, of %v; there are %v", seed, owner, some, hole, by, is.holes)
			} else if len(by) > 1 {
				met["hole of several"]++
			}
			if got := o.Covering(owner); !is.reached && !slices.Equal(got, is.by) {
				t.Errorf("seed %d, rule %d: covered by %v, is by %v", seed, owner, got, is.by)
			}
			p, got := o.Matters(owner)
			if is.matters && !got {
				t.Errorf("seed %d, rule %d: it matters and is said not to", seed, owner)
			}
			if got && !names && !truthOf([]Packet{p}, list, owner, names, chosen).matters {
				t.Errorf("seed %d, rule %d: it is said to matter for %v and does not", seed, owner, p)
			}
			switch {
			case is.matters:
				met["matters"]++
			case is.reached:
				met["reached"]++
			case len(is.by) > 0:
				met["one"]++
			default:
				met["several"]++
			}
			if !names {
				checkSizes(t, o, packets, list, owner, seed < 30)
			}
		}
	}
	t.Log(met)
	for _, k := range []string{"empty", "matters", "reached", "one", "several", "hole of several"} {
		if met[k] < 10 {
			t.Errorf("%s was met %d times", k, met[k])
		}
	}
}

// checkSizes holds the counts of an owner's packets against all packets; with
// tight, also those that have hardly enough steps.
func checkSizes(t *testing.T, o *Order, packets []Packet, list []Entry, owner int, tight bool) {
	t.Helper()
	var want [3]int64
	for _, p := range packets {
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
	steps := 1 << 12
	if tight {
		steps = 0
	}
	allowed, denied, open, ok := o.Sizes(owner, steps)
	for ; !ok && steps < 1<<12; steps++ {
		allowed, denied, open, ok = o.Sizes(owner, steps)
	}
	if !ok {
		t.Fatal("the count gave up")
	}
	for i, n := range []*big.Int{allowed, denied, open} {
		if n.Int64() != want[i] {
			t.Errorf("rule %d, %d steps: %v allowed, %v denied, %v open; there are %v", owner, steps, allowed, denied, open, want)
			return
		}
	}
}

// twoRules are rules for destination ports, before one that denies everything.
func twoRules(one, other []topology.PortRange) []Entry {
	tcp := []topology.Protocol{topology.TCP}
	return []Entry{
		{Box: Box{Protocols: tcp, DestinationPorts: one}, Owner: 0, Allow: true, Sure: true},
		{Box: Box{Protocols: tcp, DestinationPorts: other}, Owner: 1, Allow: true, Sure: true},
		{Owner: -1, Sure: true},
	}
}

func TestAsMuchWorkIsDoneAsIsAllowed(t *testing.T) {
	web, ssh := []topology.PortRange{{First: 80, Last: 80}}, []topology.PortRange{{First: 22, Last: 22}}
	alike, apart := NewOrder(false, twoRules(web, web), sameName(t)), NewOrder(true, twoRules(web, ssh), sameName(t))
	// That both rules match is seen of all their packets at once, and that they
	// have none in common.
	for most, want := range []bool{false, true, true} {
		alike.most, apart.most = most, most
		if _, ok := alike.Meets(0, 1); ok != want {
			t.Errorf("%d parts: rules that are alike meet: %v", most, ok)
		}
		if p, ok := apart.Meets(0, 1); ok {
			t.Errorf("%d parts: rules without a common packet meet at %v", most, p)
		}
	}
	// That the other allows all packets of the one is seen in one step.
	for steps, want := range []bool{false, true, true} {
		if allowed, _, _, ok := alike.Sizes(0, steps); ok != want || ok && allowed.Cmp(new(big.Int).Lsh(big.NewInt(1), 32+32+16)) != 0 {
			t.Errorf("%d steps: %v allowed, %v", steps, allowed, ok)
		}
	}
}

func TestAnOrderThatIsTooIntricateClaimsNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 11))
	lost := 0
	for i := range 50 {
		v6 := i%2 == 1
		list, packets := smallList(rng, 6, false, v6), smallPackets(v6)
		o := NewOrder(v6, list, sameName(t))
		o.most = 1 + i%4
		for owner := range 6 {
			if o.Empty(owner) {
				continue
			}
			_, hole := o.Hole(owner, nil)
			_, matters := o.Matters(owner)
			is := truthOf(packets, list, owner, false, func(int) bool { return true })
			if is.reached && !hole || is.matters && !matters {
				t.Errorf("rule %d: a hole: %v, matters: %v; it is reached: %v, matters: %v", owner, hole, matters, is.reached, is.matters)
			}
			if hole && !is.reached || matters && !is.matters {
				lost++
			}
			for other := range 6 {
				if other == owner {
					continue
				}
				if p, ok := o.Meets(owner, other); ok && !shownBy(list, owner, other, p).meets {
					t.Errorf("rules %d and %d are said to meet at %v", owner, other, p)
				}
				if p, ok := o.Decides(owner, other); ok && !shownBy(list, owner, other, p).decides {
					t.Errorf("rule %d is said to decide %v without %d", other, p, owner)
				}
			}
		}
	}
	if lost == 0 {
		t.Error("no hunt was lost")
	}
}

// shown is what one packet shows of two rules.
type shown struct {
	meets   bool // the one decides it, and the other, later, would match it
	decides bool // the one may match it, and the other decides it without
	touches bool // both may match it
	outside bool // the one may match it, the other does not for certain
}

func shownBy(list []Entry, one, other int, p Packet) shown {
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
	return shown{
		meets:   a >= 0 && b > a && !earlier(a, -2),
		decides: any >= 0 && b >= 0 && !earlier(b, one),
		touches: any >= 0 && of(other, false) >= 0,
		outside: any >= 0 && b < 0,
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
		v6 := seed%4 >= 2
		list, packets := smallList(rng, 4, false, v6), smallPackets(v6)
		long := list
		if seed%3 == 0 {
			long = lengthened(rng, list)
		}
		o := NewOrder(v6, long, sameName(t))
		for one := range 4 {
			touch := o.Touch(one)
			for other := range 4 {
				if other == one {
					continue
				}
				var is shown
				for _, p := range packets {
					x := shownBy(list, one, other, p)
					is.meets, is.decides, is.touches, is.outside = is.meets || x.meets, is.decides || x.decides, is.touches || x.touches, is.outside || x.outside
				}
				p, got := o.Meets(one, other)
				check(seed, "meets", one, other, got, is.meets)
				if got && !shownBy(list, one, other, p).meets {
					t.Errorf("seed %d, rules %d and %d: they do not meet at %v", seed, one, other, p)
				}
				p, got = o.Decides(one, other)
				check(seed, "decides", one, other, got, is.decides)
				if got && !shownBy(list, one, other, p).decides {
					t.Errorf("seed %d, rules %d and %d: the other does not decide %v", seed, one, other, p)
				}
				check(seed, "within", one, other, o.Within(one, other), !is.outside)
				check(seed, "touches", one, other, slices.Contains(touch, other), is.touches)
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
