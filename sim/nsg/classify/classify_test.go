package classify

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/topology"
)

// key4 and key6 are the compact forms of a packet.
func key4(p packet) Key4 {
	return Key4{cidr.KeyOf4(p.source.Addr()), cidr.KeyOf4(p.destination.Addr()), p.source.Port(), p.destination.Port(), p.protocol}
}

func key6(p packet) Key6 {
	return Key6{cidr.KeyOf6(p.source.Addr()), cidr.KeyOf6(p.destination.Addr()), p.source.Port(), p.destination.Port(), p.protocol}
}

// agree asks a classifier in every way and compares with the golden twin. It
// returns the number of packets asked.
func agree(t *testing.T, w *world, rules []Rule, o Options, rng *rand.Rand, packets int) *Classifier {
	t.Helper()
	c, err := New(w.table, rules, o)
	if err != nil {
		t.Fatal(err)
	}
	g := &golden{w.sets, rules}
	var keys4 []Key4
	var keys6 []Key6
	var want4, want6 []Verdict
	for range packets {
		p := w.packet(rng)
		want := g.verdict(p)
		if p.source.Addr().Is4() {
			keys4, want4 = append(keys4, key4(p)), append(want4, want)
			if got := c.Verdict4(key4(p)); got != want {
				t.Fatalf("%v: %+v, want %+v\nrules %+v\nsets %v", p, got, want, rules, w.sets)
			}
		} else {
			keys6, want6 = append(keys6, key6(p)), append(want6, want)
			if got := c.Verdict6(key6(p)); got != want {
				t.Fatalf("%v: %+v, want %+v\nrules %+v\nsets %v", p, got, want, rules, w.sets)
			}
		}
		if got := c.Verdict(p.protocol, p.source, p.destination); got != want {
			t.Fatalf("%v by address: %+v, want %+v", p, got, want)
		}
	}
	got4, got6 := make([]Verdict, len(keys4)), make([]Verdict, len(keys6))
	c.Batch4(got4, keys4)
	c.Batch6(got6, keys6)
	if !slices.Equal(want4, got4) || !slices.Equal(want6, got6) {
		t.Fatal(cmp.Diff(want4, got4) + cmp.Diff(want6, got6))
	}
	return c
}

// TestTheClassifierAgreesWithTheGoldenTwin compares at least a million packets
// with boundaries for addresses and ports.
func TestTheClassifierAgreesWithTheGoldenTwin(t *testing.T) {
	tests := []struct {
		name  string
		open  int
		o     Options
		rules int
	}{
		{"tables", 0, Options{}, 12},
		{"tables, unknown parts", 3, Options{}, 12},
		{"vectors", 0, Options{TableBytes: -1}, 12},
		{"vectors, unknown parts", 3, Options{TableBytes: -1}, 12},
		{"tables or vectors", 4, Options{TableBytes: 2000}, 30},
		{"long lists", 10, Options{}, 150},
	}
	const lists, packets = 120, 1500
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tables, vectors := 0, 0
			for seed := range uint64(lists) {
				rng := rand.New(rand.NewPCG(seed, uint64(i)))
				w := newWorld(t, rng, 3+rng.IntN(12))
				c := agree(t, w, w.rules(rng, rng.IntN(test.rules), test.open), test.o, rng, packets)
				if c.part.tables != nil {
					tables++
				} else {
					vectors++
				}
			}
			switch {
			case test.o.TableBytes < 0 && tables > 0, test.name == "tables" && vectors > 0:
				t.Errorf("%d lists in tables, %d in vectors", tables, vectors)
			case test.o.TableBytes == 2000 && (tables < 10 || vectors < 10):
				t.Errorf("%d lists in tables, %d in vectors: want some of both", tables, vectors)
			}
		})
	}
	if n := len(tests) * lists * packets; n < 1_000_000 {
		t.Errorf("%d packets, want a million", n)
	}
}

// TestVectorsOfManyWordsAgreeWithTheGoldenTwin has lists of a thousand rules,
// most of which name one host on each side, so that what a packet may match
// lies in few words, in any of them.
func TestVectorsOfManyWordsAgreeWithTheGoldenTwin(t *testing.T) {
	const hosts = 40
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 77))
		w := &world{sets: make([][]netip.Prefix, hosts+1)}
		for i := range w.sets[:hosts] {
			four, six := netip.AddrFrom4([4]byte{10, 0, byte(i), byte(i)}), netip.AddrFrom16([16]byte{0x20, 1, 15: byte(i)})
			w.sets[i] = []netip.Prefix{netip.PrefixFrom(four, 32), netip.PrefixFrom(six, 128)}
			w.four, w.six = append(w.four, four), append(w.six, six)
		}
		w.sets[hosts] = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		w.build(t)
		rules := w.rules(rng, maxEntries-rng.IntN(20), 0)
		host := func() Addresses {
			i := rng.IntN(hosts)
			if i < hosts/4 && rng.IntN(4) == 0 { // some hosts are named in many ways
				return In(cidr.SetID(i), cidr.SetID(rng.IntN(hosts/4)))
			}
			return In(cidr.SetID(i))
		}
		for i := range rules {
			r := &rules[i]
			m := &r.Must[0]
			r.Must = r.Must[:1]
			m.Protocols |= 1 << topology.TCP
			m.Source, m.Destination = host(), host()
			switch x := rng.IntN(200); {
			case x == 0:
				m.Source = Anywhere()
			case x == 1:
				m.Destination = Anywhere()
			case x == 2:
				m.Source, m.Destination = In(hosts), In(hosts)
			}
			if seed%3 == 0 {
				m.SourcePorts = []topology.PortRange{topology.AllPorts}
			}
			if seed%2 == 0 && rng.IntN(2) == 0 {
				r.Must, r.May = nil, r.Must
			}
		}
		c := agree(t, w, rules, Options{TableBytes: -1}, rng, 3000)
		x := c.part.vectors
		few, many := 0, 0
		for _, e := range append(slices.Clone(x.sourceOf), x.destinationOf...) {
			if e.more {
				many++
			} else {
				few++
			}
		}
		if len(x.found) < 900 || few < 10 || many < 3 {
			t.Errorf("%d entries, %d atoms that meet few words, %d that meet many", len(x.found), few, many)
		}
	}
}

func TestListsOfManyPartsAgreeWithTheGoldenTwin(t *testing.T) {
	for seed := range uint64(2) {
		rng := rand.New(rand.NewPCG(seed, 99))
		w := newWorld(t, rng, 40)
		rules := w.rules(rng, 3*maxEntries, 0)
		// Few packets of the first part stop there, and few rules there are
		// open, so that each part says something that the others do not.
		for i := range rules[:len(rules)-1] {
			r := &rules[i]
			m := r.Must[0]
			switch {
			case m.everyService(): // the list would end here
				r.Must = nil
			case i > maxEntries:
			case rng.IntN(500) == 0:
				r.Must, r.May = nil, r.Must
			case rng.IntN(200) > 0:
				m.Source = In(cidr.SetID(rng.IntN(len(w.sets))))
				m.Protocols = 1 << topology.AH
				r.Must = []Match{m}
			}
		}
		c := agree(t, w, rules, Options{}, rng, 3000)
		if c.part.next == nil || c.part.next.next == nil {
			t.Error("the list has not three parts")
		}
	}
}

func TestRulesAreTriedInOrder(t *testing.T) {
	table, err := cidr.Build([][]netip.Prefix{
		{netip.MustParsePrefix("10.0.0.0/8")},
		{netip.MustParsePrefix("52.239.140.0/22")},
	})
	if err != nil {
		t.Fatal(err)
	}
	const allow, deny = 1, 2
	all := []topology.PortRange{topology.AllPorts}
	match := func(p topology.Protocol, from, to Addresses, ports ...topology.PortRange) []Match {
		if ports == nil {
			ports = all
		}
		return []Match{{ProtocolsOf(p, all, ports), from, to, all, ports}}
	}
	rules := []Rule{
		{Outcome: allow, Must: match(topology.TCP, In(0), In(1), topology.PortRange{First: 80, Last: 443})},
		{Outcome: deny, May: match(topology.TCP, In(0), Anywhere(), topology.PortRange{First: 8443, Last: 8443})},
		{Outcome: allow, May: match(topology.AnyProtocol, In(0), In(1))},
		{Outcome: allow, Must: match(topology.AnyProtocol, In(0), In(1), topology.PortRange{First: 1, Last: 9000})},
		{Outcome: allow, Must: match(topology.ICMP, In(0), In(1), topology.PortRange{First: 7, Last: 7})},
		{Outcome: deny, Must: match(topology.AnyProtocol, In(0), Anywhere())},
	}
	c, err := New(table, rules, Options{})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		p        topology.Protocol
		from, to string
		want     Verdict
	}{
		{topology.TCP, "10.0.0.5:50000", "52.239.140.10:443", Verdict{0, allow, false}},
		{topology.TCP, "10.0.0.5:50000", "52.239.140.10:8443", Verdict{3, allow | deny, true}},
		{topology.TCP, "10.0.0.5:50000", "52.239.140.10:444", Verdict{3, allow, true}},
		{topology.TCP, "10.0.0.5:50000", "52.239.144.10:443", Verdict{5, deny, false}},
		{topology.TCP, "10.0.0.5:50000", "52.239.144.10:8443", Verdict{5, deny, true}},
		{topology.UDP, "10.0.0.5:50000", "52.239.140.10:9001", Verdict{5, allow | deny, true}},
		{topology.ICMP, "10.0.0.5:0", "52.239.140.10:0", Verdict{4, allow, true}},
		{topology.ESP, "10.0.0.5:0", "52.239.140.10:0", Verdict{5, allow | deny, true}},
		{topology.TCP, "11.0.0.5:50000", "52.239.140.10:443", Verdict{NoRule, NoMatch, false}},
		{topology.TCP, "[fd00::1]:50000", "[::ffff:52.239.140.10]:443", Verdict{NoRule, NoMatch, false}},
		{topology.TCP, "[::ffff:10.0.0.5]:50000", "[::ffff:52.239.140.10]:443", Verdict{0, allow, false}},
		{topology.AnyProtocol, "10.0.0.5:50000", "52.239.140.10:443", Verdict{NoRule, NoMatch, false}},
	}
	for _, test := range tests {
		got := c.Verdict(test.p, netip.MustParseAddrPort(test.from), netip.MustParseAddrPort(test.to))
		if got != test.want {
			t.Errorf("%v %s > %s: %+v, want %+v", test.p, test.from, test.to, got, test.want)
		}
	}
}

func TestAVerdictIsCertainWithOneOutcome(t *testing.T) {
	for _, test := range []struct {
		v    Verdict
		want bool
	}{{Verdict{0, 1, true}, true}, {Verdict{0, 3, true}, false}, {Verdict{NoRule, NoMatch, false}, true}, {Verdict{NoRule, NoMatch | 1, true}, false}, {Verdict{}, false}} {
		if got := test.v.Certain(); got != test.want {
			t.Errorf("%+v is certain: %v", test.v, got)
		}
	}
}

func TestAnEmptyListMatchesNothing(t *testing.T) {
	table, err := cidr.Build(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, rules := range [][]Rule{nil, {{Outcome: 1}}, {{Outcome: 1, Must: []Match{{}}, May: []Match{{}}}}} {
		for _, o := range []Options{{}, {TableBytes: -1}} {
			c, err := New(table, rules, o)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Verdict4(Key4{Protocol: topology.TCP}); got != (Verdict{Rule: NoRule, Outcomes: NoMatch}) {
				t.Errorf("%v: %+v", rules, got)
			}
		}
	}
}

func TestARuleThatCannotBeIsRefused(t *testing.T) {
	table, err := cidr.Build([][]netip.Prefix{nil})
	if err != nil {
		t.Fatal(err)
	}
	m := everything()
	backwards, stranger := m, m
	backwards.DestinationPorts = []topology.PortRange{{First: 80, Last: 70}}
	stranger.Source = In(1)
	for want, r := range map[string]Rule{
		"rule 1: outcome 0x0: expected one bit or more, and not NoMatch":  {Must: []Match{m}},
		"rule 1: outcome 0x81: expected one bit or more, and not NoMatch": {Outcome: NoMatch | 1, Must: []Match{m}},
		"rule 1: ports 80-70: expected the lower one first":               {Outcome: 1, May: []Match{backwards}},
		"rule 1: set 1: the address table has 1 sets":                     {Outcome: 1, Must: []Match{stranger}},
	} {
		if _, err := New(table, []Rule{{Outcome: 1, Must: []Match{m}}, r}, Options{}); fmt.Sprint(err) != want {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}

func TestVerdictsDoNotAllocate(t *testing.T) {
	for _, o := range []Options{{}, {TableBytes: -1}} {
		rng := rand.New(rand.NewPCG(1, 1))
		w := newWorld(t, rng, 12)
		c, err := New(w.table, w.rules(rng, 40, 4), o)
		if err != nil {
			t.Fatal(err)
		}
		var keys4 [100]Key4
		var keys6 [100]Key6
		var out [100]Verdict
		a, b := netip.MustParseAddrPort("10.0.0.1:1"), netip.MustParseAddrPort("[2001::1]:2")
		if n := testing.AllocsPerRun(10, func() {
			c.Verdict(topology.TCP, a, b)
			c.Verdict4(keys4[0])
			c.Verdict6(keys6[0])
			c.Batch4(out[:], keys4[:])
			c.Batch6(out[:], keys6[:])
		}); n != 0 {
			t.Errorf("%v allocations, want none", n)
		}
	}
}

func TestTablesKeepTheirBudget(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	w := newWorld(t, rng, 40)
	for _, budget := range []int{1 << 10, 10 << 10, 100 << 10} {
		for range 20 {
			c, err := New(w.table, w.rules(rng, 30, 0), Options{TableBytes: budget})
			if err != nil {
				t.Fatal(err)
			}
			p := c.part.tables
			if p == nil {
				continue
			}
			if got := 4*cap(p.cells) + 4*cap(p.answers) + 2*cap(p.columns); got > budget {
				t.Errorf("%d bytes of tables, want at most %d", got, budget)
			}
		}
	}
}
