package classify

import (
	"math/rand/v2"
	"testing"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/topology"
)

func TestGroupsAreTreatedAlike(t *testing.T) {
	for _, test := range []struct {
		name  string
		o     Options
		rules int
	}{{"tables", Options{}, 20}, {"vectors", Options{TableBytes: -1}, 20}, {"two parts", Options{}, maxEntries + 200}} {
		t.Run(test.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 9))
			w := newWorld(t, rng, 8)
			rules := w.rules(rng, test.rules, 5)
			for i := range rules[:len(rules)-1] {
				if len(rules[i].Must) > 0 && rules[i].Must[0].everyService() {
					rules[i].Must = nil
				}
			}
			c, err := New(w.table, rules, test.o)
			if err != nil {
				t.Fatal(err)
			}
			var atoms []cidr.Atom
			for a := range cidr.Atom(w.table.Atoms()) {
				atoms = append(atoms, a, a)
			}
			sources, from := c.SourceGroups(atoms)
			destinations, to := c.DestinationGroups(atoms)
			if len(from) >= len(atoms) || len(to) >= len(atoms) {
				t.Errorf("%d and %d groups of %d atoms", len(from), len(to), len(atoms))
			}
			for range 20000 {
				i, j := rng.IntN(len(atoms)), rng.IntN(len(atoms))
				p, sport, dport := topology.Protocol(2+rng.IntN(5)), edgePorts[rng.IntN(len(edgePorts))], edgePorts[rng.IntN(len(edgePorts))]
				want := c.OfAtoms(atoms[i], atoms[j], p, sport, dport)
				got := c.OfAtoms(atoms[from[sources[i]]], atoms[to[destinations[j]]], p, sport, dport)
				if got != want {
					t.Fatalf("atoms %d, %d: %+v, for their groups %+v", atoms[i], atoms[j], want, got)
				}
			}
		})
	}
}
