package cidr

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/gaissmai/bart"
	"github.com/google/go-cmp/cmp"
	"github.com/yl2chen/cidranger"
)

func prefixes(text string) []netip.Prefix {
	var out []netip.Prefix
	for p := range strings.FieldsSeq(text) {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func TestAnAddressHasTheSetsThatContainIt(t *testing.T) {
	tests := []struct {
		name string
		sets []string
	}{
		{"no sets", nil},
		{"empty sets", []string{"", ""}},
		{"everything", []string{"0.0.0.0/0 ::/0"}},
		{"one family", []string{"0.0.0.0/0", "::/0"}},
		{"nested", []string{"10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32"}},
		{"nested in one set", []string{"10.0.0.0/8 10.1.0.0/16 10.1.2.3/32 10.0.0.0/8", "10.1.0.0/16"}},
		{"an outer prefix that inner ones cover", []string{"10.0.0.0/23", "10.0.0.0/24", "10.0.1.0/24"}},
		{"ends of the space", []string{"0.0.0.0/32", "255.255.255.255/32", "::/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"}},
		{"neighbours with the same sets", []string{"10.0.0.0/25 10.0.0.128/25 10.0.1.0/26", "fd00::/65 fd00:0:0:0:8000::/65"}},
		{"host bits", []string{"10.1.2.3/8", "2001:db8::5/32"}},
		{"IPv4 written as IPv6", []string{"::ffff:10.0.0.0/104", "10.1.0.0/16", "::ffff:0:0/96"}},
		{"shorter than IPv4 written as IPv6", []string{"::/64", "::fffe:0:0/95"}},
		{"more than eight runs in 64 addresses", []string{
			"10.0.0.1/32 10.0.0.3/32 10.0.0.5/32 10.0.0.7/32 10.0.0.9/32 10.0.0.11/32 10.0.0.63/32", "10.0.0.64/32",
			"fd00::1/128 fd00::3/128 fd00::5/128 fd00::7/128 fd00::9/128 fd00::b/128 fd00::3f/128", "fd00::40/128"}},
		{"a /64 cut at its far ends", []string{"2001:db8::/128 2001:db8::8000:0:0:0/66", "2001:db8:0:0:ffff:ffff:ffff:ffff/128"}},
		{"a cut /64 before and after others", []string{"2001:db8:0:0::/64", "2001:db8:0:1:8000::/65", "2001:db8:0:2::/64 2001:db8:0:3::1/128", "2001:db8:0:4::/62"}},
		{"the first and last /64 cut", []string{"::1/128", "ffff:ffff:ffff:ffff::/128", "ffff:ffff:ffff:ffff:8000::/65"}},
		{"a cut /64 in the middle of a region", []string{"2001:db8::/32", "2001:db8:5:5:5::/80"}},
		{"a region with an edge in the first node", []string{"::/17", "::/16"}},
		{"the first /64 of a /16 cut", []string{"2001::1/128"}},
		{"the last /64 of a /16 cut", []string{"2001:ffff:ffff:ffff::1/128"}},
		{"the first /64 of a /8 cut", []string{"2000::1/128"}},
		{"the last /64 of a /8 cut", []string{"20ff:ffff:ffff:ffff::1/128"}},
		{"the first /64 of a /16", []string{"2001::/64"}},
		{"the last /64 of a /16", []string{"2001:ffff:ffff:ffff::/64"}},
		{"the last /64 of a /8", []string{"20ff:ffff:ffff:ffff::/64"}},
		{"the first and last of 64 blocks", []string{"2001:db8::/58", "2001:db8::/64 2001:db8:0:3f::/64", "2001:db8:1::/122 2001:db8:1::fc0/122", "2001:db8:2::3f/128 2001:db8:2::40/128"}},
		{"a boundary at every /64 of 64", []string{"2001:db8::/64 2001:db8:0:2::/64 2001:db8:0:3e::/64", "2001:db8:0:1::/64 2001:db8:0:3f::/64", "2001:db8:0:40::/64"}},
		{"a cut /64 after another region", []string{"2001:db8::/64", "2001:db8::/32", "2001:db8:0:1::1/128"}},
		{"neighbouring blocks cut finely", []string{"2001:0:0:5::/64", "2001:1:0:5::/64", "2001:2:0:5::/64 2001:3:0:6::/64", "2001:3f:0:5::/64"}},
		{"regions of every size", []string{"2000::/3", "2001::/16", "2001:db8::/32", "2001:db8:1::/48", "2001:db8:1:2::/63", "2001:db8:1:2::/64"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var sets [][]netip.Prefix
			for _, s := range test.sets {
				sets = append(sets, prefixes(s))
			}
			check(t, sets, rand.New(rand.NewPCG(1, 1)))
		})
	}
}

func TestRandomTablesAgreeWithTheGoldenTwin(t *testing.T) {
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 7))
		check(t, randomSets(rng, 1+rng.IntN(6), rng.IntN(60)), rng)
	}
}

func TestDenseBlocksAgreeWithTheGoldenTwin(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 8))
		sets := make([][]netip.Prefix, 1+rng.IntN(4))
		for range 200 {
			s := rng.IntN(len(sets))
			four, six := addr4(Key6{0, 0x0a000000 | rng.Uint64N(512)}), addr6(Key6{0x20010db8 << 32, rng.Uint64N(1 << (1 + rng.IntN(14)))})
			sets[s] = append(sets[s], netip.PrefixFrom(four, 24+rng.IntN(9)), netip.PrefixFrom(six, 114+rng.IntN(15)))
		}
		check(t, sets, rng)
	}
}

// union asks bart for every prefix that contains the address; own is the sets
// of each prefix.
func union(b *bart.Table[int], own [][]SetID, a netip.Addr) []SetID {
	var out []SetID
	for _, i := range b.Supernets(netip.PrefixFrom(a, a.BitLen())) {
		out = append(out, own[i]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// peers loads bart and cidranger with the prefixes of the sets; own is the
// sets of each different prefix.
func peers(t *testing.T, sets [][]netip.Prefix) (*bart.Table[int], cidranger.Ranger, [][]SetID) {
	t.Helper()
	b, r := new(bart.Table[int]), cidranger.NewPCTrieRanger()
	var own [][]SetID
	for s, set := range sets {
		for _, p := range set {
			i, ok := b.Get(p)
			if !ok {
				i = len(own)
				own = append(own, nil)
				b.Insert(p, i)
				network := net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
				if err := r.Insert(entry{network, i}); err != nil {
					t.Fatal(err)
				}
			}
			own[i] = append(own[i], SetID(s))
		}
	}
	return b, r, own
}

type entry struct {
	net.IPNet
	prefix int
}

func (e entry) Network() net.IPNet { return e.IPNet }

func TestTheRealCatalogueAgreesWithBartAndCidrangerAtEveryBoundary(t *testing.T) {
	sets := catalogue(t)
	table, err := Build(sets)
	if err != nil {
		t.Fatal(err)
	}
	b, ranger, own := peers(t, sets)
	if table.Prefixes() != len(own) {
		t.Errorf("%d prefixes, want %d", table.Prefixes(), len(own))
	}
	rng := rand.New(rand.NewPCG(2, 2))
	addrs := edgesOf(sets)
	for range 100_000 {
		addrs = append(addrs, randomAddr(rng, false), randomAddr(rng, true))
	}
	for i, a := range addrs {
		got := table.Sets(table.LookupAddr(a))
		if want := union(b, own, a); !slices.Equal(got, want) {
			t.Fatalf("%s is in sets %v, bart says %v", a, got, want)
		}
		if i%16 != 0 {
			continue
		}
		networks, err := ranger.ContainingNetworks(a.AsSlice())
		if err != nil {
			t.Fatal(err)
		}
		var want []SetID
		for _, n := range networks {
			want = append(want, own[n.(entry).prefix]...)
		}
		slices.Sort(want)
		if want = slices.Compact(want); !slices.Equal(got, want) {
			t.Fatalf("%s is in sets %v, cidranger says %v", a, got, want)
		}
	}
	checkParts(t, table, len(sets))
}

func TestTheRealCatalogueHasFewAtomsInLittleMemory(t *testing.T) {
	sets := catalogue(t)
	table, err := Build(sets)
	if err != nil {
		t.Fatal(err)
	}
	if n := table.Atoms(); n != 5615 {
		t.Errorf("%d atoms, want 5615", n)
	}
	if per := float64(table.MemorySize()) / float64(table.Prefixes()); per > 28 {
		t.Errorf("%.1f bytes per prefix, want at most 28", per)
	}
}

func TestMoreAtomsThanTwoBytesCount(t *testing.T) {
	const n = 70_000
	sets := make([][]netip.Prefix, n)
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range sets {
		// Scattered single addresses, and blocks of 40 neighbours.
		four, six := Key6{0, uint64(i) * 61_001 % (1 << 32)}, Key6{0x2001_0db8_0000_0000 + uint64(i/40), uint64(i%40) * 3}
		if i%2 == 0 {
			four.Lo = 0x0a00_0000 + uint64(i)
		}
		sets[i] = []netip.Prefix{netip.PrefixFrom(addr4(four), 32), netip.PrefixFrom(addr6(six), 128)}
	}
	table, err := Build(sets)
	if err != nil {
		t.Fatal(err)
	}
	if !table.leaves.wide {
		t.Fatalf("%d atoms do not need four bytes", table.Atoms())
	}
	b, _, own := peers(t, sets)
	addrs := edgesOf(sets)
	for range 10_000 {
		addrs = append(addrs, randomAddr(rng, false))
	}
	for _, a := range addrs {
		if got, want := table.Sets(table.LookupAddr(a)), union(b, own, a); !slices.Equal(got, want) {
			t.Fatalf("%s is in sets %v, want %v", a, got, want)
		}
	}
	checkParts(t, table, n)
}

func TestBatchesAndPairsAreLookUpsInARow(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	dense := make([][]netip.Prefix, 7) // dozens of runs in 64 addresses
	for i := range uint64(1 << 10) {
		s := rng.IntN(len(dense))
		dense[s] = append(dense[s], netip.PrefixFrom(addr4(Key6{0, 0x0a000000 + i}), 32), netip.PrefixFrom(addr6(Key6{0x2001 << 48, i}), 128))
	}
	for _, sets := range [][][]netip.Prefix{randomSets(rng, 5, 400), dense} {
		table, err := Build(sets)
		if err != nil {
			t.Fatal(err)
		}
		batches(t, table, sets, rng)
	}
}

// With Outside there is one atom more than sets here.
func TestUpTo65536AtomsTakeTwoBytes(t *testing.T) {
	for n, wide := range map[int]bool{1<<16 - 1: false, 1 << 16: true} {
		sets := make([][]netip.Prefix, n)
		for i := range sets {
			sets[i] = []netip.Prefix{netip.PrefixFrom(addr4(Key6{0, 0x0a000000 + 3*uint64(i)}), 32), netip.PrefixFrom(addr6(Key6{0x2001 << 48, 5 * uint64(i)}), 128)}
		}
		table, err := Build(sets)
		if err != nil {
			t.Fatal(err)
		}
		if table.Atoms() != n+1 || table.leaves.wide != wide {
			t.Errorf("%d atoms, of four bytes: %v", table.Atoms(), table.leaves.wide)
		}
		for i, set := range sets {
			for _, p := range set {
				inside, beyond := table.LookupAddr(p.Addr()), table.LookupAddr(p.Addr().Next())
				if got := table.Sets(inside); len(got) != 1 || got[0] != SetID(i) || beyond != Outside {
					t.Fatalf("%s is in sets %v, the next address has atom %d", p.Addr(), got, beyond)
				}
			}
		}
		batches(t, table, sets, rand.New(rand.NewPCG(4, 5)))
	}
}

func batches(t *testing.T, table *Table, sets [][]netip.Prefix, rng *rand.Rand) {
	t.Helper()
	var four []uint32
	var six []Key6
	var want4, want6 []Atom
	for _, a := range edgesOf(sets) {
		if a.Is4() {
			four, want4 = append(four, KeyOf4(a)), append(want4, table.LookupAddr(a))
		} else {
			six, want6 = append(six, KeyOf6(a)), append(want6, table.LookupAddr(a))
		}
	}
	for i := range four {
		j := rng.IntN(len(four))
		if a, b := table.Lookup4Pair(four[i], four[j]); a != want4[i] || b != want4[j] {
			t.Fatalf("pair %v, %v: atoms %d, %d, want %d, %d", four[i], four[j], a, b, want4[i], want4[j])
		}
	}
	got4, got6 := make([]Atom, len(four)), make([]Atom, len(six))
	table.Lookup4Batch(got4, four)
	table.Lookup6Batch(got6, six)
	if !slices.Equal(want4, got4) || !slices.Equal(want6, got6) {
		t.Error(cmp.Diff(want4, got4) + cmp.Diff(want6, got6))
	}
}

// What looks alike is held once: many regions of one set, each second one of
// their length, take hardly more than one.
func TestRegionsThatLookAlikeShareTheirMemory(t *testing.T) {
	for _, test := range []struct {
		base     string
		bits     int
		n, extra int // regions, bytes that each but the first may take
	}{
		{"10.0.0.0", 16, 100, 0}, {"10.0.0.0", 20, 8, 0}, {"10.0.0.0", 26, 32, 8},
		{"8000::", 8, 40, 0}, {"2000::", 16, 100, 0},
	} {
		size := func(n int) int {
			base := netip.MustParseAddr(test.base)
			set := make([]netip.Prefix, n)
			for i := range set {
				b := base.AsSlice()
				for x, at := 2*i, test.bits-1; x > 0; x, at = x/2, at-1 {
					b[at/8] |= byte(x&1) << (7 - at%8)
				}
				a, _ := netip.AddrFromSlice(b)
				set[i] = netip.PrefixFrom(a, test.bits)
			}
			table, err := Build([][]netip.Prefix{set})
			if err != nil {
				t.Fatal(err)
			}
			if got := table.Prefixes(); got != n {
				t.Fatalf("%d prefixes, want %d", got, n)
			}
			return table.MemorySize()
		}
		if one, many := size(1), size(test.n); many > one+test.n*test.extra {
			t.Errorf("/%d: %d regions take %d bytes, one takes %d", test.bits, test.n, many, one)
		}
	}
}

func TestLookUpsDoNotAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	table, err := Build(randomSets(rng, 5, 400))
	if err != nil {
		t.Fatal(err)
	}
	addrs := []netip.Addr{randomAddr(rng, false), randomAddr(rng, true), netip.MustParseAddr("::ffff:10.0.0.1"), {}}
	four, six, out := make([]uint32, 100), make([]Key6, 100), make([]Atom, 100)
	if n := testing.AllocsPerRun(10, func() {
		for _, a := range addrs {
			table.Has(table.LookupAddr(a), 3)
		}
		table.Lookup4Pair(four[0], four[1])
		table.Lookup4Batch(out, four)
		table.Lookup6Batch(out, six)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func TestAnAddressIsAskedInTheFamilyItMeans(t *testing.T) {
	table, err := Build([][]netip.Prefix{prefixes("10.0.0.0/8"), prefixes("fe80::/10"), prefixes("::/0")})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		addr netip.Addr
		want []SetID
	}{
		{netip.MustParseAddr("10.1.2.3"), []SetID{0}},
		{netip.MustParseAddr("::ffff:10.1.2.3"), []SetID{0}},
		{netip.MustParseAddr("fe80::1%eth0"), []SetID{1, 2}},
		{netip.MustParseAddr("11.1.2.3"), nil},
		{netip.Addr{}, nil},
	}
	for _, test := range tests {
		if got := table.Sets(table.LookupAddr(test.addr)); !slices.Equal(got, test.want) {
			t.Errorf("%v is in sets %v, want %v", test.addr, got, test.want)
		}
	}
}

func TestAnInvalidPrefixIsNamed(t *testing.T) {
	_, err := Build([][]netip.Prefix{nil, {netip.MustParsePrefix("10.0.0.0/8"), {}}})
	if err == nil || err.Error() != "prefix 1 of set 1: not a valid prefix" {
		t.Errorf("error is %v", err)
	}
}

func TestListsWithTheSameHashAreDifferentAtoms(t *testing.T) {
	var in interner
	a, b, c := in.atom(42, []SetID{1}), in.atom(42, []SetID{2}), in.atom(42, []SetID{1})
	if a == b || a != c {
		t.Errorf("atoms %d, %d, %d: want the first and last equal", a, b, c)
	}
}

func FuzzTablesAgreeWithTheGoldenTwin(f *testing.F) {
	f.Add([]byte{0, 10, 0, 0, 0, 8, 1, 10, 1, 0, 0, 16})
	f.Add([]byte{0x80, 0x20, 1, 0xd, 0xb8, 40, 0x81, 0x20, 1, 0xd, 0xb8, 128})
	f.Fuzz(func(t *testing.T, data []byte) {
		// Six bytes a prefix: family and set, four bytes of address, length.
		sets := make([][]netip.Prefix, 4)
		for ; len(data) >= 6 && len(data) < 6*64; data = data[6:] {
			a := netip.AddrFrom4([4]byte(data[1:5]))
			if data[0]&0x80 != 0 {
				b := [16]byte{0: data[1], 1: data[2], 7: data[3], 8: data[2] & 0x80, 14: data[4] >> 4, 15: data[4] << 4}
				a = netip.AddrFrom16(b)
			}
			s := data[0] & 3
			sets[s] = append(sets[s], netip.PrefixFrom(a, int(data[5])%(a.BitLen()+1)))
		}
		check(t, sets, rand.New(rand.NewPCG(6, 6)))
	})
}
