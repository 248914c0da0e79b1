package sim

import (
	"net/netip"
	"testing"

	"go4.org/netipx"
	"pgregory.net/rapid"
)

// drawSet draws a set of addresses of the last byte of 10.0.0.0/24.
func drawSet(t *rapid.T, label string) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for range rapid.IntRange(0, 6).Draw(t, label+" ranges") {
		from, to := rapid.Byte().Draw(t, label+" from"), rapid.Byte().Draw(t, label+" to")
		if to < from {
			from, to = to, from
		}
		b.AddRange(netipx.IPRangeFrom(netip.AddrFrom4([4]byte{10, 0, 0, from}), netip.AddrFrom4([4]byte{10, 0, 0, to})))
	}
	s, err := b.IPSet()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTwoAddressesAreInOneClassIfAndOnlyIfTheyLieInTheSameConstants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := drawSet(t, "whole")
		var constants []*netipx.IPSet
		var ranges [][]netipx.IPRange
		for range rapid.IntRange(0, 5).Draw(t, "constants") {
			c := drawSet(t, "constant")
			constants, ranges = append(constants, c), append(ranges, c.Ranges())
		}
		classes := cutSet(whole, ranges)
		seen := map[uint32]int{} // which class has which constants
		for last := range 256 {
			a := netip.AddrFrom4([4]byte{10, 0, 0, byte(last)})
			class := -1
			for i, c := range classes {
				if c.set.Contains(a) {
					if class >= 0 {
						t.Fatalf("%s is in two classes", a)
					}
					class = i
				}
			}
			if (class >= 0) != whole.Contains(a) {
				t.Fatalf("%s is in class %d, in the set: %v", a, class, whole.Contains(a))
			}
			if class < 0 {
				continue
			}
			var in uint32
			for i, c := range constants {
				if c.Contains(a) {
					in |= 1 << i
				}
			}
			if old, ok := seen[in]; ok && old != class {
				t.Fatalf("%s is in class %d, an address of the same constants in %d", a, class, old)
			}
			seen[in] = class
		}
		if len(seen) != len(classes) {
			t.Fatalf("%d classes for %d combinations of constants", len(classes), len(seen))
		}
		for _, c := range classes {
			if !c.set.Contains(c.one) {
				t.Fatalf("%s stands for a class that it is not in", c.one)
			}
		}
	})
}
