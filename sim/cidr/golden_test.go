package cidr

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// golden is the slow twin of a Table: it asks every prefix of every set.
type golden [][]netip.Prefix

func (g golden) sets(a netip.Addr) []SetID {
	var out []SetID
	for s, set := range g {
		for _, p := range set {
			if goldenPrefix(p).Contains(a.Unmap().WithZone("")) {
				out = append(out, SetID(s))
				break
			}
		}
	}
	return out
}

// goldenPrefix is the prefix in the family its addresses are asked in.
func goldenPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

// lastOf is the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// edgesOf are the addresses where answers change: first, last and their
// neighbours of every prefix, and the ends of both spaces.
func edgesOf(sets [][]netip.Prefix) []netip.Addr {
	out := []netip.Addr{
		netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("255.255.255.255"),
		netip.MustParseAddr("::"), netip.MustParseAddr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
	}
	for _, set := range sets {
		for _, p := range set {
			p = goldenPrefix(p).Masked()
			first, last := p.Addr(), lastOf(p)
			for _, a := range []netip.Addr{first, first.Prev(), first.Next(), last, last.Prev(), last.Next()} {
				if a.IsValid() && !a.Is4In6() {
					out = append(out, a)
				}
			}
		}
	}
	return out
}

func randomAddr(rng *rand.Rand, six bool) netip.Addr {
	if !six {
		return addr4(Key6{0, uint64(rng.Uint32())})
	}
	return addr6(Key6{rng.Uint64(), rng.Uint64()})
}

// randomSets makes sets that nest, overlap and cluster, with lengths all over
// the scale.
func randomSets(rng *rand.Rand, sets, prefixes int) [][]netip.Prefix {
	out := make([][]netip.Prefix, sets)
	var anchors []netip.Addr
	for range 1 + rng.IntN(6) {
		anchors = append(anchors, randomAddr(rng, rng.IntN(2) == 0))
	}
	for range prefixes {
		a := anchors[rng.IntN(len(anchors))]
		b := a.AsSlice()
		width := 8 * len(b)
		if rng.IntN(3) > 0 { // near an anchor, by changing some of its last bits
			for i := width - 1 - rng.IntN(width); i < width; i++ {
				b[i/8] ^= byte(rng.IntN(2)) << (7 - i%8)
			}
			a, _ = netip.AddrFromSlice(b)
		}
		bits := rng.IntN(width + 1)
		if rng.IntN(2) == 0 {
			bits = width - rng.IntN(min(width, 14))
		}
		p := netip.PrefixFrom(a, bits)
		if rng.IntN(8) > 0 { // else with host bits
			p = p.Masked()
		}
		if a.Is4() && rng.IntN(16) == 0 {
			p = netip.PrefixFrom(netip.AddrFrom16(a.As16()), bits+96)
		}
		s := rng.IntN(sets)
		out[s] = append(out[s], p)
	}
	return out
}

// check compares a table with its golden twin at the edges and at random
// addresses, and its parts with each other.
func check(t *testing.T, sets [][]netip.Prefix, rng *rand.Rand) {
	t.Helper()
	table, err := Build(sets)
	if err != nil {
		t.Fatal(err)
	}
	g := golden(sets)
	addrs := edgesOf(sets)
	for range 50 {
		addrs = append(addrs, randomAddr(rng, false), randomAddr(rng, true))
	}
	for _, a := range addrs {
		atom := table.LookupAddr(a)
		if got, want := table.Sets(atom), g.sets(a); !slices.Equal(got, want) {
			t.Fatalf("%s is in sets %v, want %v\nsets: %v", a, got, want, sets)
		}
	}
	checkParts(t, table, len(sets))
}

// checkParts holds what is true of every table.
func checkParts(t *testing.T, table *Table, sets int) {
	t.Helper()
	if table.NumSets() != sets {
		t.Fatalf("%d sets, want %d", table.NumSets(), sets)
	}
	seen := map[string]Atom{}
	atomsOf := make([][]Atom, sets)
	for a := range Atom(table.Atoms()) {
		list := table.Sets(a)
		if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
			t.Fatalf("sets of atom %d are %v, want each once and in order", a, list)
		}
		var key []byte
		for _, s := range list {
			key = append(key, byte(s), byte(s>>8), byte(s>>16), byte(s>>24))
			atomsOf[s] = append(atomsOf[s], a)
		}
		if other, ok := seen[string(key)]; ok {
			t.Fatalf("atoms %d and %d have the same sets %v", other, a, list)
		}
		seen[string(key)] = a
	}
	if len(table.Sets(Outside)) != 0 {
		t.Fatalf("sets of Outside are %v, want none", table.Sets(Outside))
	}
	for s := range atomsOf {
		if got := table.AtomsOf(SetID(s)); !slices.Equal(got, atomsOf[s]) {
			t.Fatalf("atoms of set %d are %v, want %v", s, got, atomsOf[s])
		}
	}
	checkIntervals(t, table)
	// Beside its arrays a table is a fixed size of some hundred bytes.
	if got, want := table.MemorySize(), held(reflect.ValueOf(table)); got > want || got < want-512 {
		t.Fatalf("%d bytes are reported, %d are held", got, want)
	}
}

// held is the bytes of what a value refers to, and of what that refers to.
func held(v reflect.Value) int {
	n := 0
	switch v.Kind() {
	case reflect.Pointer:
		return int(v.Type().Elem().Size()) + held(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			n += held(v.Field(i))
		}
	case reflect.Slice: // of plain values
		n = v.Cap() * int(v.Type().Elem().Size())
	}
	return n
}

func checkIntervals(t *testing.T, table *Table) {
	t.Helper()
	var before Interval
	used := map[Atom]bool{Outside: true}
	for i := range table.All() {
		used[i.Atom] = true
		switch {
		case i.First.BitLen() != i.Last.BitLen() || i.Last.Less(i.First):
			t.Fatalf("interval %v is not one of a family, first to last", i)
		case !before.First.IsValid() || before.First.Is4() != i.First.Is4():
			if !i.First.IsUnspecified() || before.Last.IsValid() && before.Last.Next().IsValid() {
				t.Fatalf("interval %v after %v: not at the ends of the spaces", i, before)
			}
		case before.Last.Next() != i.First:
			t.Fatalf("interval %v after %v: a gap", i, before)
		case before.Atom == i.Atom:
			t.Fatalf("interval %v after %v: same atom", i, before)
		}
		// A single IPv4 address written as IPv6 is asked as IPv4, so these are
		// asked by key.
		for _, a := range []netip.Addr{i.First, i.Last} {
			got := table.Lookup6(KeyOf6(netip.AddrFrom16(a.As16())).Hi, KeyOf6(netip.AddrFrom16(a.As16())).Lo)
			if a.Is4() {
				got = table.Lookup4(KeyOf4(a))
			}
			if got != i.Atom {
				t.Fatalf("%s has atom %d, in its interval %d", a, got, i.Atom)
			}
		}
		before = i
	}
	if before.Last.Next().IsValid() || before.Last.Is4() {
		t.Fatalf("the last interval is %v", before)
	}
	if len(used) != table.Atoms() {
		t.Fatalf("%d atoms have addresses, of %d", len(used), table.Atoms())
	}
}

// catalogue is the sets of the newest public service tag file of the test
// data.
func catalogue(tb testing.TB) [][]netip.Prefix {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join(root(tb), "../shared/data/service-tags/ServiceTags_Public_20251028.json"))
	if errors.Is(err, fs.ErrNotExist) {
		tb.Skip("test data is absent: ../shared/data/service-tags")
	}
	if err != nil {
		tb.Fatal(err)
	}
	var file struct {
		Values []struct {
			Properties struct{ AddressPrefixes []netip.Prefix }
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		tb.Fatal(err)
	}
	var sets [][]netip.Prefix
	for _, v := range file.Values {
		sets = append(sets, v.Properties.AddressPrefixes)
	}
	return sets
}

// root is the folder of go.mod.
func root(tb testing.TB) string {
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			tb.Fatal("no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
}
