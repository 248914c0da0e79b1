package sim

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// at4 and at6 are addresses of a small space of either family.
func at4(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}) }

func at6(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfd, 15: byte(i)})
}

// randomRanges are ranges of a space of n addresses, in order, disjoint and
// with a gap between.
func randomRanges(r *rand.Rand, n int, at func(int) netip.Addr) []netipx.IPRange {
	var out []netipx.IPRange
	for i := r.IntN(4); i < n; i += 2 + r.IntN(4) {
		last := min(n-1, i+r.IntN(4))
		out = append(out, netipx.IPRangeFrom(at(i), at(last)))
		i = last
	}
	return out
}

func within(list []netipx.IPRange, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(r netipx.IPRange) bool { return r.Contains(a) })
}

// A segment is cut by a constant that has some of its addresses, and two
// segments have one key if they lie in the same constants; what is cut is
// compared by its last address.
func TestSegmentsAreSeenByTheConstantsTheyLieIn(t *testing.T) {
	const space = 24
	cuts, alike, apart := 0, 0, 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 21))
		at, other := at4, at6
		if seed%2 == 1 {
			at, other = at6, at4
		}
		f := family{segments: randomRanges(r, space, at)}
		var constants [][]netipx.IPRange
		for range r.IntN(4) {
			mine, theirs := randomRanges(r, space, at), randomRanges(r, space, other)
			switch r.IntN(4) {
			case 0:
				theirs = nil
			case 1:
				mine = nil
			}
			if at(0).Is4() {
				constants = append(constants, slices.Concat(mine, theirs))
			} else {
				constants = append(constants, slices.Concat(theirs, mine))
			}
		}
		v := f.view(constants)
		addresses := func(s netipx.IPRange) (out []netip.Addr) {
			for i := range space {
				if s.Contains(at(i)) {
					out = append(out, at(i))
				}
			}
			return out
		}
		whole := func(s netipx.IPRange) bool {
			for _, c := range constants {
				in := 0
				for _, a := range addresses(s) {
					if within(c, a) {
						in++
					}
				}
				if in != 0 && in != len(addresses(s)) {
					return false
				}
			}
			return true
		}
		same := func(s, u netipx.IPRange) bool {
			for _, c := range constants {
				if within(c, s.From()) != within(c, u.From()) {
					return false
				}
			}
			return true
		}
		// A constant may have a hole or several ranges within one segment; what is
		// said of that is that it is cut.
		for i, s := range f.segments {
			if got, want := !v.cut[i], whole(s); got != want {
				t.Fatalf("seed %d: %v of %v by %v: whole %t, should be %t", seed, s, f.segments, constants, got, want)
			}
			if v.cut[i] {
				cuts++
				if _, ok := v.key(&spot{segments: []int32{int32(i)}}); ok {
					t.Fatalf("seed %d: %v is cut and has a key", seed, s)
				}
				continue
			}
			if _, ok := v.key(&spot{segments: []int32{int32(i)}}); !ok {
				t.Fatalf("seed %d: %v is whole and has no key", seed, s)
			}
			for j, u := range f.segments[:i] {
				if v.cut[j] {
					continue
				}
				want := same(s, u)
				if want {
					alike++
				} else {
					apart++
				}
				if got := v.keys[i] == v.keys[j]; got != want {
					t.Fatalf("seed %d: %v and %v by %v: alike %t, should be %t", seed, s, u, constants, got, want)
				}
				if _, ok := v.key(&spot{segments: []int32{int32(j), int32(i)}}); ok != want {
					t.Fatalf("seed %d: a spot of %v and %v by %v: one class %t, should be %t", seed, s, u, constants, ok, want)
				}
			}
		}
	}
	if cuts < 100 || alike < 100 || apart < 100 {
		t.Errorf("%d cuts, %d alike, %d apart: too little was met", cuts, alike, apart)
	}
}

func TestSegmentsAlikeOutsideEveryConstantHaveTheKeyOfNone(t *testing.T) {
	f := family{segments: []netipx.IPRange{netipx.IPRangeFrom(at4(0), at4(3)), netipx.IPRangeFrom(at4(8), at4(9))}}
	v := f.view([][]netipx.IPRange{{netipx.IPRangeFrom(at4(4), at4(7))}, {netipx.IPRangeFrom(at6(0), at6(200))}})
	if v.keys[0] != v.keys[1] || v.keys[0] != [2]uint64{} || v.cut[0] || v.cut[1] {
		t.Errorf("%+v", v)
	}
	if none := new(family).view(nil); len(none.cut) != 0 {
		t.Errorf("%+v", none)
	}
}

// randomFare is a fare of some runs of ports.
func randomFare(r *rand.Rand, outcomes []outcome) *fare {
	starts := func() []uint16 {
		out := []uint16{0}
		for range r.IntN(4) {
			out = append(out, pickOf(r, []uint16{1, 2, 3, 80, 443, 65535}))
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	f := &fare{sourcePorts: starts(), ports: starts()}
	for i := range f.with {
		for range len(f.sourcePorts) * len(f.ports) {
			f.with[i] = append(f.with[i], pickOf(r, outcomes))
		}
	}
	for i := range f.without {
		f.without[i] = pickOf(r, outcomes)
	}
	return f
}

func pickOf[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// at is the outcome of a packet, found without any search.
func (f *fare) at(protocol int, from, to uint16) outcome {
	row, column := 0, 0
	for i, p := range f.sourcePorts {
		if p <= from {
			row = i
		}
	}
	for i, p := range f.ports {
		if p <= to {
			column = i
		}
	}
	return f.with[protocol][row*len(f.ports)+column]
}

var samples = []uint16{0, 1, 2, 3, 4, 79, 80, 81, 442, 443, 444, 65534, 65535}

func TestTwoGatesTogetherDecideEachPacketAsTheyDo(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 22))
		outcomes := []outcome{never, holds, fails, always, open}[:2+r.IntN(4)]
		f, g := randomFare(r, outcomes), randomFare(r, outcomes)
		x := f.and(g)
		for p := range ported {
			for _, from := range samples {
				for _, to := range samples {
					if got, want := x.at(p, from, to), f.at(p, from, to).and(g.at(p, from, to)); got != want {
						t.Fatalf("seed %d: protocol %d, ports %d → %d: %d, should be %d", seed, p, from, to, got, want)
					}
				}
			}
		}
		for i := range portless {
			if got, want := x.without[i], f.without[i].and(g.without[i]); got != want {
				t.Fatalf("seed %d: without ports: %d, should be %d", seed, got, want)
			}
		}
	}
}

func TestAnOutcomeOfTwoGatesIsOpenOnlyWhereNeitherDenies(t *testing.T) {
	all := []outcome{never, holds, fails, always, open}
	want := [][]outcome{ // as in all
		{never, never, never, never, never},
		{never, holds, never, holds, open},
		{never, never, fails, fails, open},
		{never, holds, fails, always, open},
		{never, open, open, open, open},
	}
	for i, a := range all {
		for j, b := range all {
			if got := a.and(b); got != want[i][j] {
				t.Errorf("%d and %d: %d, should be %d", a, b, got, want[i][j])
			}
		}
	}
}

// The canonical fare decides each packet as before, and has no two neighbouring
// runs of ports that fare alike.
func TestAFareIsCutNoFinerThanItDecides(t *testing.T) {
	joined := 0
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 23))
		f := randomFare(r, []outcome{never, always, open}[:1+r.IntN(3)])
		x := f.canonical()
		if x.without != f.without {
			t.Fatalf("seed %d: %v, should be %v", seed, x.without, f.without)
		}
		for p := range ported {
			for _, from := range samples {
				for _, to := range samples {
					if got, want := x.at(p, from, to), f.at(p, from, to); got != want {
						t.Fatalf("seed %d: protocol %d, ports %d → %d: %d, should be %d", seed, p, from, to, got, want)
					}
				}
			}
		}
		alike := func(a, b func(p int, other uint16) outcome) bool {
			for p := range ported {
				for _, other := range samples {
					if a(p, other) != b(p, other) {
						return false
					}
				}
			}
			return true
		}
		for i := 1; i < len(x.sourcePorts); i++ {
			if alike(func(p int, to uint16) outcome { return x.at(p, x.sourcePorts[i-1], to) }, func(p int, to uint16) outcome { return x.at(p, x.sourcePorts[i], to) }) {
				t.Fatalf("seed %d: source ports from %d and from %d fare alike", seed, x.sourcePorts[i-1], x.sourcePorts[i])
			}
		}
		for i := 1; i < len(x.ports); i++ {
			if alike(func(p int, from uint16) outcome { return x.at(p, from, x.ports[i-1]) }, func(p int, from uint16) outcome { return x.at(p, from, x.ports[i]) }) {
				t.Fatalf("seed %d: ports from %d and from %d fare alike", seed, x.ports[i-1], x.ports[i])
			}
		}
		joined += len(f.ports) + len(f.sourcePorts) - len(x.ports) - len(x.sourcePorts)
	}
	if joined < 100 {
		t.Errorf("only %d runs were joined", joined)
	}
}

func TestRunsOfPortsBeginAtZeroAndWhereRangesBeginAndEnd(t *testing.T) {
	port := func(first, last uint16) topology.PortRange { return topology.PortRange{First: first, Last: last} }
	got := runs([]topology.PortRange{port(443, 443), port(0, 79), port(80, 80), port(1000, 65535), port(65535, 65535)})
	if diff := cmp.Diff([]uint16{0, 80, 81, 443, 444, 1000, 65535}, got); diff != "" {
		t.Error(diff)
	}
	for port, want := range map[uint16]int{0: 0, 79: 0, 80: 1, 81: 2, 442: 2, 443: 3, 444: 4, 999: 4, 1000: 5, 65534: 5, 65535: 6} {
		if i := runOf(got, port); i != want {
			t.Errorf("port %d is of run %d, should be %d", port, i, want)
		}
	}
	for i, want := range []topology.PortRange{port(0, 79), port(80, 80), port(81, 442), port(443, 443), port(444, 999), port(1000, 65534), port(65535, 65535)} {
		if r := run(got, i); r != want {
			t.Errorf("run %d is %v, should be %v", i, r, want)
		}
	}
}

// A fare is open where any packet's fate is.
func TestAFareIsOpenWhereAnyPacketIs(t *testing.T) {
	f := func() *fare {
		return &fare{sourcePorts: []uint16{0}, ports: []uint16{0}, with: [2][]outcome{{always}, {never}}, without: [3]outcome{holds, fails, never}}
	}
	if f().isOpen() {
		t.Error("nothing is open, and the fare is")
	}
	for i := range 5 {
		x := f()
		if i < 2 {
			x.with[i][0] = open
		} else {
			x.without[i-2] = open
		}
		if !x.isOpen() {
			t.Errorf("protocol %d is open, and the fare is not", i)
		}
	}
}

// Of a way nothing but its NSGs may ask for protocols, ports or rules; the way
// itself may deny every packet.
func TestAWayIsPlainWhereOnlyItsNSGsAskAboutServices(t *testing.T) {
	rules := Hop{Kind: HopSecurityRules, Verdict: flow.Allow}
	denies := Hop{Kind: HopSecurityRules, Verdict: flow.Deny}
	found := Hop{Kind: HopRoute, Verdict: flow.Allow, Code: flow.RouteFound}
	hop := func(kind HopKind, code flow.Code, v flow.Verdict) Hop { return Hop{Kind: kind, Code: code, Verdict: v} }
	for _, x := range []struct {
		name       string
		hops       []Hop
		open       bool
		denied, ok bool
	}{
		{name: "nothing was met"},
		{name: "gates and routes", hops: []Hop{rules, found, rules}, ok: true},
		{name: "a gate that denies with every NSG open", hops: []Hop{rules, denies}},
		{name: "a gate that is not in the data", hops: []Hop{rules, denies}, open: true, denied: true, ok: true},
		{name: "no route", hops: []Hop{rules, hop(HopRoute, flow.RouteNone, flow.Deny)}, denied: true, ok: true},
		{name: "no subnet there", hops: []Hop{rules, hop(HopRoute, flow.NoSubnetAtDestination, flow.Deny)}, denied: true, ok: true},
		{name: "into another network", hops: []Hop{rules, hop(HopRoute, flow.DeliveredElsewhere, flow.Deny)}, denied: true, ok: true},
		{name: "a route that is not known", hops: []Hop{rules, hop(HopRoute, flow.LearnedRoutesMissing, flow.Deny)}},
		{name: "out to the Internet instead", hops: []Hop{rules, hop(HopEgress, flow.RouteFound, flow.Allow), hop(HopRoute, flow.DeliveredElsewhere, flow.Deny)}, denied: true, ok: true},
		{name: "out to the Internet, which is denied", hops: []Hop{rules, hop(HopEgress, flow.RouteFound, flow.Deny), hop(HopRoute, flow.DeliveredElsewhere, flow.Deny)}},
		{name: "out to the Internet", hops: []Hop{rules, hop(HopEgress, flow.RouteFound, flow.Allow)}},
		{name: "a peering", hops: []Hop{rules, hop(HopPeering, flow.RouteFound, flow.Allow), rules}, ok: true},
		{name: "a peering that denies", hops: []Hop{rules, hop(HopPeering, flow.RouteFound, flow.Deny)}},
		{name: "a peering without access", hops: []Hop{rules, hop(HopPeering, flow.PeeringAccessDisabled, flow.Deny)}},
		{name: "a disputed peering", hops: []Hop{rules, hop(HopPeering, flow.SourcesConflict, flow.Allow)}},
		{name: "an appliance", hops: []Hop{rules, hop(HopVirtualAppliance, flow.RouteFound, flow.Allow), rules}, ok: true},
		{name: "an appliance that does not forward", hops: []Hop{rules, hop(HopVirtualAppliance, flow.NVANoForwarding, flow.Deny)}, denied: true, ok: true},
		{name: "a loop", hops: []Hop{rules, hop(HopVirtualAppliance, flow.RouteLoop, flow.Deny)}, denied: true, ok: true},
		{name: "an appliance behind a load balancer", hops: []Hop{rules, hop(HopVirtualAppliance, flow.LoadBalancerBackend, flow.Allow)}},
		{name: "a firewall", hops: []Hop{rules, hop(HopFirewall, flow.RouteFound, flow.Allow)}},
		{name: "admin rules", hops: []Hop{hop(HopAdminRules, flow.AdminRuleAllow, flow.Allow), rules}},
	} {
		if denied, ok := plainly(x.hops, x.open); ok != x.ok || ok && denied != x.denied {
			t.Errorf("%s: denied %t, plain %t; should be %t, %t", x.name, denied, ok, x.denied, x.ok)
		}
	}
}
