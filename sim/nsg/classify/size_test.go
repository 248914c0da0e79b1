package classify

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/topology"
)

// held is the bytes of what a value refers to, and of what that refers to.
func held(v reflect.Value) int {
	n := 0
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			n = int(v.Type().Elem().Size()) + held(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += held(v.Field(i))
		}
	case reflect.Slice: // of plain values
		n = v.Cap() * int(v.Type().Elem().Size())
	}
	return n
}

// hosts is a world of some neighbours, in both families: set i is number i of
// each, alone.
func hosts(t *testing.T, n int) *world {
	t.Helper()
	w := &world{}
	for i := range n {
		four, six := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), netip.AddrFrom16([16]byte{0x20, 1, 14: byte(i >> 8), 15: byte(i)})
		w.four, w.six = append(w.four, four), append(w.six, six)
		w.sets = append(w.sets, []netip.Prefix{netip.PrefixFrom(four, 32), netip.PrefixFrom(six, 128)})
	}
	w.build(t)
	return w
}

// The limit of a cache is kept by what classifiers report.
func TestAClassifierReportsWhatItHolds(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	w := hosts(t, 300)
	for _, o := range []Options{{}, {TableBytes: -1}} {
		for _, n := range []int{0, 1, 10, 100, maxEntries, maxEntries + 300} {
			rules := make([]Rule, n)
			for i := range rules {
				r := between(In(cidr.SetID(rng.IntN(300))), In(cidr.SetID(rng.IntN(300))), uint16(i))
				if n > 5 && i%3 == 0 {
					r.Must[0].SourcePorts = []topology.PortRange{{First: uint16(7 * i), Last: uint16(7 * i)}}
				}
				rules[i] = r
			}
			c, err := New(w.table, rules, o)
			if err != nil {
				t.Fatal(err)
			}
			want, parts := 0, 0
			for p := c.part; p != nil; p = p.next {
				parts++
				want += held(reflect.ValueOf(p.tables)) + held(reflect.ValueOf(p.vectors))
			}
			// Beside its arrays a part is a fixed size of some hundred bytes.
			if got := c.MemorySize(); got > want || got < want-400*parts {
				t.Errorf("%d rules in %d parts, %+v: %d bytes are reported, %d are held", n, parts, o, got, want)
			}
		}
	}
}

// Tables are made if and only if there is room for them: with the bytes that
// they take they are, with one less they are not.
func TestTablesTakeAllOfTheirBudgetAndNoMore(t *testing.T) {
	w := hosts(t, 60)
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 12))
		rules := w.rules(rng, 1+rng.IntN(60), int(seed%4))
		m := everything() // so that source ports count
		m.SourcePorts = []topology.PortRange{{First: 5, Last: 7}}
		m.Destination = In(0)
		rules = append([]Rule{{Outcome: 1, Must: []Match{m}}}, rules...)
		c, err := New(w.table, rules, Options{TableBytes: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		x := c.part.tables
		if x == nil {
			t.Fatalf("no tables though there is room")
		}
		need := 4*cap(x.cells) + 4*cap(x.answers) + 2*cap(x.columns)
		for budget, want := range map[int]bool{need: true, need - 1: false} {
			c := agree(t, w, rules, Options{TableBytes: budget}, rng, 30)
			if got := c.part.tables != nil; got != want {
				t.Errorf("tables of %d bytes are made with room for %d: %v", need, budget, got)
			}
		}
	}
}

// A list that names no source port, as most do, has no map of them.
func TestPortsThatAreTreatedAlikeShareTheirPages(t *testing.T) {
	w := hosts(t, 2)
	m := everything()
	m.Destination = In(0)
	m.DestinationPorts = []topology.PortRange{{First: 1024, Last: 65535}}
	c, err := New(w.table, []Rule{{Outcome: 1, Must: []Match{m}}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	x := c.part.tables
	// Ports of which the list says nothing, and others. TCP, UDP, the protocols
	// without ports, and what is none of these have rows.
	if pages, rows := len(x.destinationPort.pages)/64, len(x.destinationPort.root)/1024; pages != 2 || rows != 4 {
		t.Errorf("%d pages in %d rows", pages, rows)
	}
	if n := x.sourcePort.size(); n != 0 {
		t.Errorf("%d bytes for source ports", n)
	}
}
