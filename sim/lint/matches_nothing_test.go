package lint

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/netpath/netpath/sim"
)

func TestARuleMatchesNothingExactlyWhereItAloneDecidesNothing(t *testing.T) {
	met := map[bool]int{}
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 8))
		g := dense(rng, 1, false)
		s := small(t, g, sim.Options{})
		// Alone, and with the other access, it changes nothing.
		nothing := newGroup(newRun(s), g).standing(0).nothing
		turned := *g.SecurityRules[0]
		turned.Access = 3 - turned.Access
		other := *g
		other.SecurityRules = append(slices.Clone(other.SecurityRules[:0]), &turned)
		same := sameSets(s, g, without(g, 0)) && sameSets(s, &other, without(g, 0))
		met[nothing]++
		if nothing != same {
			t.Errorf("seed %d: it matches nothing: %v; it decides nothing: %v\n%s", seed, nothing, same, listing(g))
		}
	}
	if met[true] < 5 || met[false] < 50 {
		t.Errorf("met %v", met)
	}
}
