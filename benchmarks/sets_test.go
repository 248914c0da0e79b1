package main

import (
	"math/big"
	"testing"

	"github.com/netpath/netpath/sim/lint"
	"github.com/netpath/netpath/sim/reach"
)

func TestBoxesCutOutOfEachOtherAreTheExactSet(t *testing.T) {
	for seed := range uint64(20) {
		rules := overlapping(80, seed)
		sum := new(big.Int)
		bricks := bricksAllowed(rules)
		for i, b := range bricks {
			sum.Add(sum, b.size())
			for _, o := range bricks[i+1:] {
				if b.meets(o) {
					t.Fatalf("seed %d: %v and %v overlap", seed, b, o)
				}
			}
		}
		if got := allowedBy(rules).Size(); got.Cmp(sum) != 0 {
			t.Errorf("seed %d: %v packets, by boxes %v", seed, got, sum)
		}
	}
}

func TestTheEstatesOfTheAnalysesAreWhatTheirRowsSay(t *testing.T) {
	tags := tagsOf(generate(1000, 1))
	s, err := estateOf(tags, people(tags, "one", 60, 1), people(tags, "two", 60, 2))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := lint.Lint(t.Context(), s, lint.Options{}); err != nil || len(r.Findings) == 0 {
		t.Errorf("no findings: %v", err)
	}
	if s, err = spokes(2, 6, 1); err != nil {
		t.Fatal(err)
	}
	m, err := reach.Subnets(t.Context(), s)
	if err != nil || len(m.Names) != 12 || len(m.Cells) < 2 {
		t.Errorf("%v, %v", m, err)
	}
}
