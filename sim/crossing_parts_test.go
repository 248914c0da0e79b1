package sim

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go4.org/netipx"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim/firewall"
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

func anyHolds(list []netipx.IPRange, a netip.Addr) bool {
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
					if anyHolds(c, a) {
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
				if anyHolds(c, s.From()) != anyHolds(c, u.From()) {
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

// asCrossings are the crossings of every interface and of the unowned
// addresses of every subnet of an estate, with the number of each end by name.
func asCrossings(t *testing.T, e *golden.Estate, o Options) (*Crossings, map[string]int) {
	t.Helper()
	o.AsOf = golden.AsOf
	s, err := New(e.Build(), o)
	if err != nil {
		t.Fatal(err)
	}
	var ends []End
	number := map[string]int{}
	for _, nic := range s.net.NetworkInterfaces {
		for _, c := range nic.IPConfigurations {
			number[strings.TrimSuffix(nic.Name, "-nic")] = len(ends)
			ends = append(ends, s.InterfaceEnd(topology.Owner{Interface: nic, Configuration: c}))
		}
	}
	for _, v := range s.net.VirtualNetworks {
		for _, sub := range v.Subnets {
			if x, ok := s.UnownedEnd(sub); ok {
				number[sub.Name] = len(ends)
				ends = append(ends, x)
			}
		}
	}
	return s.Crossings(ends), number
}

// Interfaces are taken for twins where nothing but their addresses tells them
// apart.
func TestInterfacesAreTwinsWhereNothingElseSpeaksOfThem(t *testing.T) {
	for name, x := range map[string]struct {
		change func(*golden.Estate)
		apart  bool
	}{
		"two of one subnet":                    {},
		"with one NSG":                         {change: func(e *golden.Estate) { e.NSG("n").AttachNIC("a1", "n").AttachNIC("a2", "n") }},
		"with the same groups in other orders": {change: func(e *golden.Estate) { e.ASG("a1", "x", "y").ASG("a2", "y", "x") }},
		"in two subnets": {change: func(e *golden.Estate) {
			e.Subnet("v1", "own", "10.0.9.0/24").NIC("a2").IPConfigurations[0].Subnet = e.SubnetOf("own").Ref()
		}, apart: true},
		"with an NSG and without": {change: func(e *golden.Estate) { e.NICNSG("a2") }, apart: true},
		"in another group":        {change: func(e *golden.Estate) { e.ASG("a2", "x") }, apart: true},
		"with one address": {change: func(e *golden.Estate) {
			e.NIC("a2").IPConfigurations[0].PrivateIPAddress = e.NIC("a1").IPConfigurations[0].PrivateIPAddress
		}, apart: true},
		"named by an NSG that it does not name": {change: func(e *golden.Estate) {
			e.NSG("n").NSGOf("n").Interfaces = []topology.Ref{e.NIC("a2").Ref()}
		}, apart: true},
		"an interface that is not provisioned":    {change: func(e *golden.Estate) { e.NIC("a2").ProvisioningState = "Failed" }, apart: true},
		"a configuration that is not provisioned": {change: func(e *golden.Estate) { e.NIC("a2").IPConfigurations[0].ProvisioningState = "Failed" }, apart: true},
		"both not provisioned": {change: func(e *golden.Estate) {
			e.NIC("a2").ProvisioningState, e.NIC("a2").IPConfigurations[0].ProvisioningState = "Failed", "Failed"
		}, apart: true},
		"a next hop":       {change: func(e *golden.Estate) { e.Routes("db", golden.Via("out", "0.0.0.0/0", "10.0.1.5")) }, apart: true},
		"a guest firewall": {change: func(e *golden.Estate) { e.Machine("a2").HostFirewall = &topology.HostFirewall{} }, apart: true},
		"a backend":        {change: func(e *golden.Estate) { e.LoadBalancer("lb", "10.0.1.100", 443, 443, "a2") }, apart: true},
		"a backend of one that is missing": {change: func(e *golden.Estate) {
			e.NIC("a2").IPConfigurations[0].BackendPools = []topology.Ref{topology.RefTo("/subscriptions/x/resourceGroups/g/providers/Microsoft.Network/loadBalancers/gone/backendAddressPools/p")}
		}, apart: true},
	} {
		e := golden.New()
		if x.change != nil {
			x.change(e)
		}
		c, at := asCrossings(t, e, Options{})
		a, b := c.families[0].spots[at["a1"]], c.families[0].spots[at["a2"]]
		if got := a.class != b.class; got != x.apart {
			t.Errorf("%s: told apart %t, should be %t", name, got, x.apart)
		}
		if a.twins == x.apart || b.twins == x.apart {
			t.Errorf("%s: they have twins: %t, %t; should be %t", name, a.twins, b.twins, !x.apart)
		}
		if d := c.families[0].spots[at["d1"]]; d.twins || d.class == a.class {
			t.Errorf("%s: d1 has a twin", name)
		}
		if dmz := c.families[0].spots[at["dmz"]]; dmz.twins {
			t.Errorf("%s: the unowned addresses of dmz have a twin", name)
		}
	}
}

// The segments of an end have its addresses and no others, where those of
// another end are among them too.
func TestAnEndIsInAllSegmentsOfItsAddresses(t *testing.T) {
	e := golden.New().VNet("v9", "10.0.2.0/24").Subnet("v9", "same", "10.0.2.0/25").VM("edge", "same", "10.0.2.255").VM("inside", "same", "10.0.2.127")
	c, _ := asCrossings(t, e, Options{})
	f := &c.families[0]
	shared := 0
	for i := range f.spots {
		p := &f.spots[i]
		var got netipx.IPSetBuilder
		for _, n := range p.segments {
			got.AddRange(f.segments[n])
		}
		set, _ := got.IPSet()
		if !set.Contains(p.one) {
			t.Errorf("spot %d: %v does not hold %v", i, set.Ranges(), p.one)
		}
		if p.unowned {
			if p.at.subnet.Name == "db" && (!set.Contains(netip.MustParseAddr("10.0.2.255")) || !set.Contains(netip.MustParseAddr("10.0.2.127")) || set.Contains(netip.MustParseAddr("10.0.2.4"))) {
				t.Errorf("the unowned addresses of db are %v", set.Ranges())
			}
			shared++
		} else if set.Prefixes()[0] != netip.PrefixFrom(p.one, 32) {
			t.Errorf("spot %d: %v is in %v", i, p.one, set.Ranges())
		}
	}
	if shared < 5 {
		t.Errorf("%d subnets", shared)
	}
}

// One class of pairs is walked once; a pair that a gate, a table or an address
// on the way tells apart is walked itself.
func TestTwinsFareAlikeWhereNoGateTellsThemApart(t *testing.T) {
	e := golden.New().VM("a3", "app", "10.0.1.6").SubnetNSG("db", golden.Deny("a3", 100, golden.In).From("10.0.1.6"))
	c, at := asCrossings(t, e, Options{})
	ask := func(from, to string) Crossing {
		x, ok := c.Between(at[from], at[to], false)
		if !ok {
			t.Fatalf("%s → %s was left to the trace", from, to)
		}
		return x
	}
	one, two, three := ask("a1", "d1"), ask("a2", "d1"), ask("a3", "d1")
	if one.Alike == 0 || one.Alike != two.Alike || one.Passage != two.Passage {
		t.Errorf("a1 and a2 are not alike: %d, %d", one.Alike, two.Alike)
	}
	if three.Alike == one.Alike || three.Alike == 0 {
		t.Errorf("a3 is alike: %d", three.Alike)
	}
	verdict := func(x Crossing) flow.Verdict { return x.Parts[0].Verdict }
	if verdict(one) != flow.Allow || verdict(three) != flow.Deny {
		t.Errorf("a1 → d1 %s, a3 → d1 %s", verdict(one), verdict(three))
	}
	if again := ask("a1", "d1"); again.Alike == 0 || verdict(again) != flow.Allow {
		t.Errorf("a1 → d1 again: %+v", again)
	}
	if x := ask("b1", "d1"); x.Alike != 0 {
		t.Errorf("neither b1 nor d1 has a twin, and they are alike: %d", x.Alike)
	}
}

// What is answered without a trace, and what is left to it.
func TestACrossingIsAnsweredWhereOnlyItsNSGsDecide(t *testing.T) {
	missing := func(e *golden.Estate, vm string) {
		e.NIC(vm).NetworkSecurityGroup = topology.RefTo("/subscriptions/x/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/gone")
	}
	for name, x := range map[string]struct {
		change   func(*golden.Estate)
		from, to string
		strict   bool
		left     bool
		want     string // of TCP, UDP, ICMP, ESP, AH: the verdicts of their parts
		assumed  []flow.AssumptionID
	}{
		"no NSG": {from: "a1", to: "d1", want: "Allow Allow Allow Allow Allow"},
		"an NSG": {change: func(e *golden.Estate) { e.SubnetNSG("db", golden.Deny("d", 100, golden.In).TCP().Ports("443")) }, from: "a1", to: "d1",
			want: "Allow+Deny Allow Allow Allow Allow"},
		"through an appliance": {change: func(e *golden.Estate) { e.Routes("app", golden.Via("db", "10.0.2.0/24", golden.NVA)) }, from: "a1", to: "d1",
			want: "Allow Allow Allow Allow Allow", assumed: []flow.AssumptionID{flow.NVAForwardsAndPermits}},
		"through an appliance, strictly": {change: func(e *golden.Estate) { e.Routes("app", golden.Via("db", "10.0.2.0/24", golden.NVA)) }, from: "a1", to: "d1", strict: true,
			want: "Unknown Unknown Unknown Unknown Unknown", assumed: []flow.AssumptionID{flow.NVAForwardsAndPermits}},
		"to an address that nothing owns": {from: "a1", to: "db", want: "Allow Allow Allow Allow Allow", assumed: []flow.AssumptionID{flow.NoNICAtDestination}},
		"an NSG that is not in the data":  {change: func(e *golden.Estate) { missing(e, "d1") }, from: "a1", to: "d1", left: true},
		"an NSG that is not in the data, and no way": {change: func(e *golden.Estate) {
			missing(e, "a1")
			e.Routes("app", golden.Hop("no", "10.0.2.0/24", topology.NextHopNone))
		}, from: "a1", to: "d1",
			want: "Deny Deny Deny Deny Deny"},
		"a rule that is not provisioned": {change: func(e *golden.Estate) {
			e.SubnetNSG("db", golden.Deny("d", 100, golden.In))
			e.NSGOf("nsg-db").SecurityRules[0].ProvisioningState = "Failed"
		}, from: "a1", to: "d1", left: true},
		"ports for every protocol": {change: func(e *golden.Estate) { e.SubnetNSG("db", golden.Deny("d", 100, golden.In).Ports("443")) }, from: "a1", to: "d1",
			want: "Allow+Deny Allow+Deny Allow? Allow? Allow?"},
		"ports for every protocol, strictly": {change: func(e *golden.Estate) { e.SubnetNSG("db", golden.Deny("d", 100, golden.In).Ports("443")) }, from: "a1", to: "d1", strict: true,
			want: "Allow+Deny Allow+Deny Unknown? Unknown? Unknown?"},
		"admin rules":            {change: func(e *golden.Estate) { e.Admin("v1", golden.Deny("d", 100, golden.In).TCP().Ports("22")) }, from: "a1", to: "d1", left: true},
		"networks without a way": {from: "a1", to: "far", want: "Deny Deny Deny Deny Deny"},
	} {
		e := golden.New()
		if x.change != nil {
			x.change(e)
		}
		c, at := asCrossings(t, e, Options{Strict: x.strict})
		got, ok := c.Between(at[x.from], at[x.to], false)
		if ok == x.left {
			t.Errorf("%s: left to the trace %t, should be %t", name, !ok, x.left)
		}
		if !ok || x.left {
			continue
		}
		var words []string
		for _, protocol := range protocols {
			said := map[string]bool{}
			for _, p := range got.Parts {
				if p.Protocol == protocol {
					one := p.Verdict.String()
					if len(p.Assumptions) > 0 {
						one += "?"
					}
					said[one] = true
				}
			}
			words = append(words, strings.Join(slices.Sorted(maps.Keys(said)), "+"))
		}
		if s := strings.Join(words, " "); s != x.want {
			t.Errorf("%s: %s, should be %s", name, s, x.want)
		}
		var assumed []flow.AssumptionID
		for _, a := range got.Assumed {
			assumed = append(assumed, a.ID)
		}
		if diff := cmp.Diff(x.assumed, assumed); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// One address may stand for the unowned ones of a subnet where no walk tells
// them apart.
func TestOneAddressStandsForASubnetWhereNothingCutsIt(t *testing.T) {
	behind := func(e *golden.Estate) {
		e.LoadBalancer("lb", "198.51.100.30", 0, 0, "nva").Routes("app", golden.Via("db", "10.0.2.0/24", "10.0.0.100"))
		front := e.Build().LoadBalancers[0].Frontends[0]
		front.PrivateIPAddress, front.Subnet, front.PublicIPAddress = netip.MustParseAddr("10.0.0.100"), e.SubnetOf("dmz").Ref(), topology.Ref{}
	}
	for name, x := range map[string]struct {
		change   func(*golden.Estate)
		from, to string
		ok       bool
	}{
		"from an interface":              {from: "a1", to: "db", ok: true},
		"to an interface":                {from: "db", to: "a1", ok: true},
		"between two interfaces":         {from: "a1", to: "d1"},
		"an NSG that names none of them": {change: func(e *golden.Estate) { e.SubnetNSG("db", golden.Deny("d", 100, golden.In).To("10.0.1.0/24")) }, from: "a1", to: "db", ok: true},
		"an NSG that names some of them": {change: func(e *golden.Estate) { e.SubnetNSG("db", golden.Deny("d", 100, golden.In).To("10.0.2.0/25")) }, from: "a1", to: "db"},
		"a source that names some":       {change: func(e *golden.Estate) { e.SubnetNSG("app", golden.Deny("d", 100, golden.In).From("10.0.2.0/25")) }, from: "db", to: "a1"},
		"a route for some of them":       {change: func(e *golden.Estate) { e.Routes("app", golden.Hop("no", "10.0.2.0/25", topology.NextHopNone)) }, from: "a1", to: "db"},
		"through an appliance":           {change: func(e *golden.Estate) { e.Routes("app", golden.Via("db", "10.0.2.0/24", golden.NVA)) }, from: "a1", to: "db", ok: true},
		"through a load balancer":        {change: behind, from: "a1", to: "db"},
	} {
		e := golden.New()
		if x.change != nil {
			x.change(e)
		}
		c, at := asCrossings(t, e, Options{})
		a, b, ok := c.StandIns(at[x.from], at[x.to], false)
		if ok != x.ok {
			t.Errorf("%s: %t, should be %t", name, ok, x.ok)
		}
		if !ok {
			continue
		}
		for _, e := range []End{a, b} {
			if n := e.Addresses(false).Prefixes(); len(n) != 1 || n[0].Bits() != 32 {
				t.Errorf("%s: %v stands in", name, n)
			}
		}
	}
}

// Networks are of one neighbourhood where peerings of either side lead from one
// to the other, and what is told of it is of no other network.
func TestANeighbourhoodIsWhatPeeringsReach(t *testing.T) {
	e := golden.New().VNet("v4", "10.3.0.0/16").Subnet("v4", "lone", "10.3.1.0/24").VM("l1", "lone", "10.3.1.4").
		PrivateEndpoint("pe4", "lone", "10.3.1.9", "x.blob.core.windows.net").PrivateEndpoint("pe1", "db", golden.PE, "y.blob.core.windows.net").
		VNet("v5", "10.4.0.0/16").VNet("v6", "10.5.0.0/16").VNet("v7", "10.6.0.0/16").Peer("v5", "v6").Peer("v6", "v7").Peer("v7", "v5")
	c, _ := asCrossings(t, e, Options{})
	near := func(name string) *neighbourhood {
		for _, v := range c.s.net.VirtualNetworks {
			if v.Name == name {
				return c.around[v]
			}
		}
		t.Fatal(name)
		return nil
	}
	groups := [][]string{{"v1", "v2", "v3"}, {"v4"}, {"v5", "v6", "v7"}}
	for _, g := range groups {
		x := near(g[0])
		for _, name := range g {
			if near(name) != x {
				t.Errorf("%s and %s are not of one neighbourhood", g[0], name)
			}
		}
		if len(x.networks) != len(g) {
			t.Errorf("%s: %d networks, should be %d", g[0], len(x.networks), len(g))
		}
	}
	if len(c.around[nil].networks) != 0 {
		t.Error("the neighbourhood of no network has one")
	}
	holds := func(list [][]netipx.IPRange, text string) bool {
		a := netip.MustParseAddr(text)
		return slices.ContainsFunc(list, func(c []netipx.IPRange) bool { return len(c) == 1 && c[0].From() == a && c[0].To() == a })
	}
	for _, x := range []struct {
		of, address  string
		all, besides bool
	}{
		{"v1", golden.Host, true, true}, {"v4", golden.Host, true, true}, {"v4", golden.IMDS, true, true},
		{"v1", "10.0.1.4", true, false}, {"v2", "10.0.1.4", true, false}, {"v4", "10.0.1.4", false, false},
		{"v4", "10.3.1.4", true, false}, {"v1", "10.3.1.4", false, false},
		{"v4", "10.3.1.9", true, true}, {"v1", "10.3.1.9", false, false},
		{"v3", golden.PE, true, true}, {"v4", golden.PE, false, false},
	} {
		n := near(x.of)
		if got := holds(n.constants(), x.address); got != x.all {
			t.Errorf("%s of %s: %t, should be %t", x.address, x.of, got, x.all)
		}
		if got := holds(n.beside(), x.address); got != x.besides {
			t.Errorf("%s of %s beside its interfaces: %t, should be %t", x.address, x.of, got, x.besides)
		}
	}
}

// A passage says of every protocol and port what its fare does.
func TestAPassageSaysWhatItsFareDoes(t *testing.T) {
	c, _ := asCrossings(t, golden.New(), Options{})
	in := func(list []topology.PortRange, p uint16) bool {
		return list == nil || slices.ContainsFunc(list, func(r topology.PortRange) bool { return r.Contains(p) })
	}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 24))
		f := randomFare(r, []outcome{never, holds, fails, always}).canonical()
		x := c.tell(c.intern(f), seed%2 == 0)
		if again := c.tell(c.intern(f), seed%2 == 0); again != x {
			t.Fatalf("seed %d: the same is told twice", seed)
		}
		check := func(p topology.Protocol, from, to uint16, o outcome) {
			var found []CrossingPart
			for _, part := range x.Parts {
				if part.Protocol == p && in(part.SourcePorts, from) && in(part.Ports, to) {
					found = append(found, part)
				}
			}
			if len(found) != 1 {
				t.Fatalf("seed %d: %d parts hold %s %d → %d", seed, len(found), p, from, to)
			}
			taken := flow.Deny
			if o&holds != 0 {
				taken = flow.Allow
			}
			if got := found[0]; got.Taken != taken || (len(got.Assumptions) > 0) != (o == holds || o == fails) || got.Verdict != taken && got.Verdict != flow.Unknown {
				t.Fatalf("seed %d: %s %d → %d is told as %+v, its outcome is %d", seed, p, from, to, got, o)
			}
			if weak := seed%2 == 0 && taken == flow.Allow; (found[0].Verdict == flow.Unknown) != weak {
				t.Fatalf("seed %d: %s %d → %d is %s, weak %t", seed, p, from, to, found[0].Verdict, weak)
			}
			if got := found[0]; len(f.sourcePorts) == 1 && got.SourcePorts != nil || len(f.sourcePorts) > 1 && p.HasPorts() && got.SourcePorts == nil ||
				len(f.ports) == 1 && got.Ports != nil {
				t.Fatalf("seed %d: %s of %d × %d runs: ports %v → %v", seed, p, len(f.sourcePorts), len(f.ports), got.SourcePorts, got.Ports)
			}
		}
		for i, p := range ported {
			for _, from := range samples {
				for _, to := range samples {
					check(p, from, to, f.at(i, from, to))
				}
			}
		}
		for i, p := range portless {
			check(p, 0, 0, f.without[i])
		}
	}
}

func TestAFirewallOrASetOnTheWayIsNotLookedAt(t *testing.T) {
	for name, x := range map[string]struct {
		firewalls, sets int
		want            bool
	}{"neither": {0, 0, false}, "a firewall": {1, 0, true}, "a set": {0, 1, true}, "both": {1, 1, true}} {
		w := &passing{cuts: newCuts()}
		for range x.firewalls {
			w.cuts.firewalls[&firewall.Firewall{}] = true
		}
		for range x.sets {
			w.cuts.sets[&netipx.IPSet{}] = true
		}
		if got := w.other(); got != x.want {
			t.Errorf("%s: %t", name, got)
		}
		if w.reset(); w.other() {
			t.Errorf("%s: it is there after a reset", name)
		}
	}
}
