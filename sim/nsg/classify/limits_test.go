package classify

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/topology"
)

// Ten thousand rules over a million prefixes, ten times what ARM takes, are
// decided as one after the other decides them; and ten thousand lists share the
// one address table.
func TestFarPastTheLimitsOfARM(t *testing.T) {
	if testing.Short() {
		t.Skip("a million prefixes: not in short mode")
	}
	const prefixes, sets, rules, lists = 1_000_000, 2_000, 10_000, 10_000
	const base = 1 << 24 // 1.0.0.0
	at := func(n uint32) netip.Addr {
		n += base
		return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	}
	list := make([][]netip.Prefix, sets)
	for i := range uint32(prefixes) { // block i of sixteen addresses is of set i modulo sets
		list[i%sets] = append(list[i%sets], netip.PrefixFrom(at(16*i), 28))
	}
	table, err := cidr.Build(list)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 6))
	type pair struct{ from, to, port uint32 }
	pairs, all := make([]pair, rules), make([]Rule, rules)
	ports := []topology.PortRange{topology.AllPorts}
	for i := range all {
		x := pair{rng.Uint32N(sets), rng.Uint32N(sets), rng.Uint32N(4)}
		if i%3 > 0 { // several rules of one pair
			x.from, x.to = pairs[i-1].from, pairs[i-1].to
		}
		pairs[i] = x
		all[i] = Rule{Outcome: Outcome(1 + i%2), Must: []Match{{Protocols: Only(topology.TCP), Source: In(cidr.SetID(x.from)), Destination: In(cidr.SetID(x.to)),
			SourcePorts: ports, DestinationPorts: []topology.PortRange{{First: uint16(x.port), Last: uint16(x.port)}}}}}
	}
	c, err := New(table, all, Options{})
	if err != nil {
		t.Fatal(err)
	}
	somewhere := func(set uint32) netip.Addr {
		return at(16*(set+sets*rng.Uint32N(prefixes/sets)) + rng.Uint32N(16))
	}
	matched := 0
	for range 20_000 {
		x := pairs[rng.IntN(rules)]
		if rng.IntN(8) == 0 {
			x.to = rng.Uint32N(sets)
		}
		want := NoRule
		for i, y := range pairs {
			if x.from == y.from && x.to == y.to && x.port == y.port {
				want = i
				break
			}
		}
		got := c.Verdict(topology.TCP, netip.AddrPortFrom(somewhere(x.from), 50000), netip.AddrPortFrom(somewhere(x.to), uint16(x.port)))
		if int(got.Rule) != want {
			t.Fatalf("%+v: rule %d, want %d", x, got.Rule, want)
		}
		if want != NoRule {
			matched++
		}
	}
	if matched < 10_000 {
		t.Errorf("only %d packets matched a rule", matched)
	}

	cache := NewCache(table, 64<<20, Options{})
	shared := make([]*List, lists)
	for i := range shared {
		own := all[i : i+1 : i+1]
		if shared[i], err = cache.Add(own); err != nil {
			t.Fatal(err)
		}
	}
	for i, l := range shared {
		x := pairs[i]
		c := l.Classifier()
		got := c.Verdict(topology.TCP, netip.AddrPortFrom(somewhere(x.from), 1), netip.AddrPortFrom(somewhere(x.to), uint16(x.port)))
		if c.Table() != table || got.Rule != 0 {
			t.Fatalf("list %d: rule %d, table shared: %v", i, got.Rule, c.Table() == table)
		}
	}
}
