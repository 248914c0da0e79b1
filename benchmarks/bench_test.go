package main

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/sim/nsg/classify"
)

// TestTheGeneratedCatalogueHasTheShapeOfARealOne compares with what the public
// service tag file of October 2025 has.
func TestTheGeneratedCatalogueHasTheShapeOfARealOne(t *testing.T) {
	c := generate(realPrefixes, 1)
	table := mustBuild(c.tags)
	prefixes := unique(c.tags)
	blocks, subnets := map[netip.Prefix]bool{}, map[netip.Prefix]bool{}
	six := 0
	for _, p := range prefixes {
		if p.Addr().Is6() {
			six++
		}
		if p.Addr().Is4() && p.Bits() > 24 {
			blocks[netip.PrefixFrom(p.Addr(), 24).Masked()] = true
		}
		if p.Addr().Is6() && p.Bits() > 64 {
			subnets[netip.PrefixFrom(p.Addr(), 64).Masked()] = true
		}
	}
	entries, intervals, depth := 0, 0, 0
	for _, tag := range c.tags {
		entries += len(tag)
	}
	for range table.All() {
		intervals++
	}
	for a := range cidr.Atom(table.Atoms()) {
		depth = max(depth, len(table.Sets(a)))
	}
	for _, test := range []struct {
		what      string
		got, real int
	}{
		{"tags", len(c.tags), 3039}, {"entries", entries, 93362}, {"different prefixes", len(prefixes), 52340},
		{"IPv6 prefixes", six, 14445}, {"sets of tags", table.Atoms(), 5615}, {"intervals", intervals, 68395},
		{"/24s with longer prefixes", len(blocks), 10792}, {"/64s with longer prefixes", len(subnets), 1441},
	} {
		if ratio := float64(test.got) / float64(test.real); ratio < 0.75 || ratio > 1.3 {
			t.Errorf("%d %s, a real file has %d", test.got, test.what, test.real)
		}
	}
	if depth < 4 || depth > 12 {
		t.Errorf("an address lies in %d tags, in a real file in 5 at most", depth)
	}
}

func TestACatalogueIsTheSameEachTime(t *testing.T) {
	a, b := generate(2000, 1), generate(2000, 1)
	if len(a.tags) != len(b.tags) {
		t.Fatalf("%d and %d tags", len(a.tags), len(b.tags))
	}
	for i := range a.tags {
		for j := range a.tags[i] {
			if a.tags[i][j] != b.tags[i][j] {
				t.Fatalf("tag %d: %v and %v", i, a.tags[i], b.tags[i])
			}
		}
	}
}

// TestEveryWayToDecideAgrees compares the classifier, in all its forms, with
// rule by rule over every library.
func TestEveryWayToDecideAgrees(t *testing.T) {
	for _, rules := range []int{10, 100, 1000} {
		e := newEstate(generate(3000, 1), rules, 1)
		list := mustCompile(mustBuild(e.sets), e.rules)
		packets := e.packets(20_000, 0.3, 1)
		lite, plain, ranger := newLinear(e, newLite), newLinear(e, newPrefixList), newLinear(e, newRanger)
		hits := map[int32]int{}
		for i := range packets {
			p := &packets[i]
			want := list.Verdict(p.protocol, p.source, p.destination)
			hits[want.Rule]++
			key := classify.Verdict{}
			if p.source.Addr().Is4() {
				key = list.Verdict4(p.key4())
			} else {
				key = list.Verdict6(p.key6())
			}
			if got := lite.verdict(p); got != want || key != want {
				t.Fatalf("%v: %+v, by key %+v, over bart.Lite %+v", *p, want, key, got)
			}
			if i%20 > 0 {
				continue
			}
			if a, b := plain.verdict(p), ranger.verdict(p); a != want || b != want {
				t.Fatalf("%v: %+v, over netip.Prefix %+v, over cidranger %+v", *p, want, a, b)
			}
		}
		if len(hits) < rules*8/10 {
			t.Errorf("%d rules: only %d decide for a packet", rules, len(hits))
		}
	}
}

func TestAllPairsAreTheVerdicts(t *testing.T) {
	b := newBench(1, t.Logf)
	if err := b.allPairs(newEstate(generate(1000, 1), 50, 1)); err != nil {
		t.Error(err)
	}
}

func TestEveryLibraryKnowsTheSameAddresses(t *testing.T) {
	if testing.Short() {
		t.Skip("measures for a second")
	}
	if err := newBench(1, t.Logf).compare(generate(1000, 1)); err != nil {
		t.Error(err)
	}
}

func TestAFailingGateIsNamed(t *testing.T) {
	b := newBench(1, t.Logf)
	b.row("P5").cases = []figure{{name: "slow", value: 0.5}, {name: "beside", value: 9, beside: true}, {name: "fast", value: 0.1}}
	b.row("P13").cases = []figure{{name: "alone", value: 1.2}}
	b.row("P14").pending = "needs the command line"
	err := b.failing()
	if err == nil || !strings.Contains(err.Error(), "P5, slow: 0.50, gate 0.45") || !strings.Contains(err.Error(), "P13, alone: 1.20×, gate 1.70×") ||
		strings.Contains(err.Error(), "beside") || strings.Contains(err.Error(), "fast") {
		t.Errorf("error is %v", err)
	}
	if s := b.report(catalogue{name: "generated"}); !strings.Contains(s, "| slow | 0.50 | **gate fails** |") || !strings.Contains(s, "not measured: needs the command line") {
		t.Errorf("report is %s", s)
	}
}
