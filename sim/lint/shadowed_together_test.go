package lint

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
)

func TestACoverIsASmallestOne(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 9))
		g := dense(rng, 8, false)
		halve(g, rng)
		s := small(t, g, sim.Options{})
		x := newGroup(newRun(s), g)
		for i := range g.SecurityRules {
			y := x.standing(i)
			if y.nothing || !y.shadowed || len(y.by) > 0 {
				continue
			}
			cover, smallest := x.cover(i)
			if !smallest || len(cover) < 2 && len(cover) > 0 {
				t.Errorf("seed %d: rule %d is covered by %v, smallest: %v", seed, i, cover, smallest)
			}
			// It covers, and no part of it does.
			for leave := -1; leave < len(cover); leave++ {
				var others []int
				for k := range g.SecurityRules {
					if k != i && !slices.Contains(cover, k) || leave >= 0 && k == cover[leave] {
						others = append(others, k)
					}
				}
				left := without(g, others...)
				at := slices.IndexFunc(left.SecurityRules, func(r *topology.SecurityRule) bool { return r == g.SecurityRules[i] })
				if z := newGroup(newRun(small(t, left, sim.Options{})), left).standing(at); z.shadowed != (leave < 0) {
					t.Errorf("seed %d: rule %d, cover %v less %d: shadowed %v\n%s", seed, i, cover, leave, z.shadowed, listing(g))
				}
			}
		}
	}
}
