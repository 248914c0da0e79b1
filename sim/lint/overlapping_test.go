package lint

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
)

func TestTheOrderOfRulesThatCrossDecides(t *testing.T) {
	found := 0
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 6))
		g := dense(rng, 2, false)
		a, b := g.SecurityRules[0], g.SecurityRules[1]
		a.Priority, b.Priority = 100, 101
		s := small(t, g, sim.Options{})
		x := newGroup(newRun(s), g)
		crossed, _ := x.crossed(1)
		if len(crossed) == 0 || x.standing(1).effectless {
			continue
		}
		found++
		first, second := *b, *a
		first.Priority, second.Priority = 100, 101
		turned := *g
		turned.SecurityRules = []*topology.SecurityRule{&first, &second}
		if sameSets(s, g, &turned) {
			t.Errorf("seed %d: turned round they mean the same\n%s", seed, listing(g))
		}
	}
	if found < 5 {
		t.Errorf("%d lists had rules that cross", found)
	}
}

func TestACrossingHasAPacketThatBothMatch(t *testing.T) {
	found := linted(t, map[string]string{"design.yaml": ruleList("deny 100 Deny * 203.0.113.8/30 10.0.1.0/28 *", "allow 110 Allow Tcp Internet 10.0.1.4/30 443,8443")}, Options{Only: []string{"order-dependent-overlap"}})
	if len(found) != 1 || !strings.Contains(found[0].Text, "deny (100), which denies what both match (Tcp 203.0.113.") || !strings.Contains(found[0].Text, "→ 10.0.1.") || !strings.Contains(found[0].Text, "443)") {
		t.Errorf("found %q", texts(found))
	}
}
