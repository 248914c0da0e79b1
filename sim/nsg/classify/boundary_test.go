package classify

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/topology"
)

// between is a certain rule for TCP between two sides at one destination port.
func between(source, destination Addresses, port uint16) Rule {
	return Rule{Outcome: 1, Must: []Match{{Protocols: Only(topology.TCP), Source: source, Destination: destination,
		SourcePorts: []topology.PortRange{topology.AllPorts}, DestinationPorts: []topology.PortRange{{First: port, Last: port}}}}}
}

// ask compares the verdict on a TCP packet between two hosts of a world with
// what is expected, in both families.
func ask(t *testing.T, c *Classifier, w *world, source, destination int, sourcePort, port uint16, want Verdict) {
	t.Helper()
	four := Key4{cidr.KeyOf4(w.four[source]), cidr.KeyOf4(w.four[destination]), sourcePort, port, topology.TCP}
	six := Key6{cidr.KeyOf6(w.six[source]), cidr.KeyOf6(w.six[destination]), sourcePort, port, topology.TCP}
	if a, b := c.Verdict4(four), c.Verdict6(six); a != want || b != want {
		t.Fatalf("%d:%d > %d:%d: %+v and %+v, want %+v", source, sourcePort, destination, port, a, b, want)
	}
}

// An address's class is kept in a byte.
func TestUpTo256KindsOfAddressesOfASideAreInTables(t *testing.T) {
	w := hosts(t, 256)
	for _, test := range []struct {
		kinds  int // of addresses, one of them all others
		tables bool
	}{{255, true}, {256, true}, {257, false}} {
		for _, side := range []string{"sources", "destinations", "both"} {
			t.Run(fmt.Sprint(test.kinds, " ", side), func(t *testing.T) {
				var rules []Rule
				for i := range test.kinds - 1 {
					x := In(cidr.SetID(i))
					rules = append(rules, map[string]Rule{
						"sources": between(x, In(7), 80), "destinations": between(In(7), x, 80), "both": between(x, x, 80),
					}[side])
				}
				c, err := New(w.table, rules, Options{})
				if err != nil {
					t.Fatal(err)
				}
				if got := c.part.tables != nil; got != test.tables {
					t.Errorf("in tables: %v", got)
				}
				for i := range 256 {
					for _, j := range []int{0, 7, i, 254, 255} {
						want := Verdict{Rule: NoRule, Outcomes: NoMatch}
						x, y := i, j // the place of the rule, if any, and what the other side must be
						switch side {
						case "sources":
							y = 7
						case "destinations":
							x, y = j, 7
						}
						if other := map[string]int{"sources": j, "destinations": i, "both": j}[side]; x < test.kinds-1 && (side == "both" && other == x || side != "both" && other == y) {
							want = Verdict{Rule: int32(x), Outcomes: 1}
						}
						ask(t, c, w, i, j, 50000, 80, want)
					}
				}
			})
		}
	}
}

// A verdict in a table has room for the number of a rule up to a limit.
func TestARuleFarDownAListIsNamedRightly(t *testing.T) {
	w := hosts(t, 2)
	for place, tables := range map[int32]bool{maxAnswerRule - 1: true, maxAnswerRule: true, maxAnswerRule + 1: false} {
		r := between(In(0), In(1), 80)
		p := compileParts(w.table, []entry{{match: &r.Must[0], rule: place, outcome: 1, must: true}}, DefaultTableBytes)
		c := &Classifier{table: w.table, part: p}
		if got := p.tables != nil; got != tables {
			t.Errorf("rule %d in tables: %v", place, got)
		}
		ask(t, c, w, 0, 1, 50000, 80, Verdict{Rule: place, Outcomes: 1})
		ask(t, c, w, 1, 0, 50000, 80, Verdict{Rule: NoRule, Outcomes: NoMatch})
	}
}

// portsWith is the ports in which one bit is set.
func portsWith(bit int) []topology.PortRange {
	var out []topology.PortRange
	for first := 1 << bit; first < 1<<16; first += 2 << bit {
		out = append(out, topology.PortRange{First: uint16(first), Last: uint16(first + 1<<bit - 1)})
	}
	return out
}

// Rules that each name the ports with one bit set treat every port, and every
// pair of ports, in another way.
func TestEveryPortMayBeTreatedInItsOwnWay(t *testing.T) {
	w := hosts(t, 2)
	all := []topology.PortRange{topology.AllPorts}
	for _, test := range []struct {
		name                string
		source, destination int // bits that rules name
		parts               int
	}{
		{"65,536 kinds of source ports", 16, 0, 2},
		{"65,536 kinds of destination ports", 0, 16, 2},
		{"32,768 kinds of source ports", 15, 0, 1},
		{"65,536 kinds of pairs", 8, 8, 1},
		{"32,768 kinds of pairs", 8, 7, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			var rules []Rule
			for bit := range test.source {
				r := between(Anywhere(), In(1), 0)
				r.Must[0].SourcePorts, r.Must[0].DestinationPorts = portsWith(bit), all
				rules = append(rules, r)
			}
			for bit := range test.destination {
				r := between(Anywhere(), In(1), 0)
				r.Must[0].DestinationPorts = portsWith(bit)
				rules = append(rules, r)
			}
			c, err := New(w.table, rules, Options{})
			if err != nil {
				t.Fatal(err)
			}
			parts := 0
			for p := c.part; p != nil; p = p.next {
				parts++
			}
			if parts != test.parts {
				t.Errorf("%d parts", parts)
			}
			rng := rand.New(rand.NewPCG(1, 2))
			for i := range 1 << 16 {
				sport, dport := uint16(i), uint16(rng.Uint32())
				if test.source == 0 || i%2 == 0 {
					sport, dport = dport, sport
				}
				if i%16 == 3 { // few bits
					sport, dport = 1<<(i>>4&15), 1<<(i>>8&15)
				}
				want := Verdict{Rule: NoRule, Outcomes: NoMatch}
				for r := range rules {
					if x := r - test.source; x < 0 && sport>>r&1 != 0 || x >= 0 && dport>>x&1 != 0 {
						want = Verdict{Rule: int32(r), Outcomes: 1}
						break
					}
				}
				ask(t, c, w, 0, 1, sport, dport, want)
			}
			ask(t, c, w, 1, 0, 1, 1, Verdict{Rule: NoRule, Outcomes: NoMatch})
		})
	}
}

// Lists whose rules name the same in groups, of sizes that fill the words of
// the vectors or do not.
func TestRulesThatNameTheSameInGroupsAreEachFound(t *testing.T) {
	w := hosts(t, 41)
	for _, size := range []int{1, 25, 40, perWord, 64, 65, 127, maxEntries} {
		for _, side := range []string{"sources", "destinations"} {
			for _, n := range []int{maxEntries - 1, maxEntries, maxEntries + 1} {
				rules := make([]Rule, n)
				at := func(i int) (group int, port uint16) { return i / size % 41, uint16(i/size/41*size + i%size) }
				index := map[[2]int]int{}
				for i := range rules {
					group, port := at(i)
					index[[2]int{group, int(port)}] = i
					if rules[i] = between(In(cidr.SetID(group)), Anywhere(), port); side == "destinations" {
						rules[i] = between(Anywhere(), In(cidr.SetID(group)), port)
					}
				}
				c, err := New(w.table, rules, Options{TableBytes: -1})
				if err != nil {
					t.Fatal(err)
				}
				if got := c.part.next != nil; got != (n > maxEntries) {
					t.Errorf("%d rules are in two parts: %v", n, got)
				}
				for i := range n + 50 {
					group, port := at(i)
					want := Verdict{Rule: NoRule, Outcomes: NoMatch}
					if r, ok := index[[2]int{group, int(port)}]; ok {
						want = Verdict{Rule: int32(r), Outcomes: 1}
					}
					if source, destination := group, 40-group; side == "sources" {
						ask(t, c, w, source, destination, 50000, port, want)
					} else {
						ask(t, c, w, destination, source, 50000, port, want)
					}
				}
			}
		}
	}
}

// Rows and lists are found by hash: what is different rarely has the same one,
// or a list of many rules would take minutes to compile.
func TestDifferentListsHaveDifferentHashes(t *testing.T) {
	lists, rows, entries := map[uint64]bool{}, map[uint64]bool{}, map[uint64]bool{}
	const n = 1000
	for i := range n {
		lists[hashOf([]Rule{between(In(cidr.SetID(i%10)), In(cidr.SetID(i/10%10)), uint16(i/100))})] = true
		rows[rowHash(vector{uint64(i % 10), uint64(i / 10 % 10), uint64(i/100) << 60})] = true
		entries[scatter(i)^scatter(i/2)] = true
	}
	if len(lists) < n-1 || len(rows) < n-1 || len(entries) < n-2 {
		t.Errorf("of %d there are %d different lists, %d rows, %d entries", n, len(lists), len(rows), len(entries))
	}
}
