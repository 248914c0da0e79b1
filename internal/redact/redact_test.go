package redact

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func drawAddress(t *rapid.T, label string) netip.Addr {
	b := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, label)
	if rapid.Bool().Draw(t, label+" is private") {
		b[0] = 10
	}
	if rapid.IntRange(0, 3).Draw(t, label+" family") == 0 {
		long := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, label+" long")
		a, _ := netip.AddrFromSlice(long)
		return a
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func shared(a, b netip.Addr) int {
	if a.BitLen() != b.BitLen() {
		return -1
	}
	x, y := a.AsSlice(), b.AsSlice()
	for i := range a.BitLen() {
		if (x[i/8]^y[i/8])>>(7-i%8)&1 == 1 {
			return i
		}
	}
	return a.BitLen()
}

// Addresses keep the length of the prefix that any two of them share, stay in
// their block of private space, and stay what they are where they are fixed.
func TestAddressesKeepTheirPrefixes(t *testing.T) {
	fixed := []netip.Prefix{netip.MustParsePrefix("20.60.0.0/16"), netip.MustParsePrefix("2603:1000::/25")}
	m := NewAddresses([]byte("key"), fixed)
	moved, drawn := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawAddress(t, "a"), drawAddress(t, "b")
		if rapid.Bool().Draw(t, "near") && a.Next().IsValid() {
			b = a.Next()
		}
		x, y := m.Address(a), m.Address(b)
		if shared(a, b) != shared(x, y) {
			t.Fatalf("%s and %s share %d bits, %s and %s %d", a, b, shared(a, b), x, y, shared(x, y))
		}
		if a.IsPrivate() != x.IsPrivate() {
			t.Fatalf("%s becomes %s", a, x)
		}
		for _, p := range fixed {
			if p.Contains(a) && x != a || p.Contains(x) && x != a {
				t.Fatalf("%s becomes %s, %s is fixed", a, x, p)
			}
		}
		if p, err := a.Prefix(rapid.IntRange(0, a.BitLen()).Draw(t, "length")); err == nil && !m.Prefix(p).Contains(x) {
			t.Fatalf("%s is not in %s any more", a, p)
		}
		drawn++
		if x != a {
			moved++
		}
	})
	if moved*2 < drawn {
		t.Errorf("only %d of %d addresses moved", moved, drawn)
	}
	if a := m.Address(netip.MustParseAddr("168.63.129.16")); a.String() != "168.63.129.16" {
		t.Errorf("the platform's address becomes %s", a)
	}
}
