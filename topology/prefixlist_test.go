package topology

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestAPrefixListKeepsOrderAndDuplicates(t *testing.T) {
	for _, tt := range []struct {
		in, want []string
	}{
		{nil, nil},
		{[]string{"0.0.0.0/0", "::/0"}, []string{"0.0.0.0/0", "::/0"}},
		{[]string{"10.0.0.0/8", "2001:db8::/32", "10.0.0.0/8", "1.2.3.4/32"}, []string{"10.0.0.0/8", "2001:db8::/32", "10.0.0.0/8", "1.2.3.4/32"}},
		{[]string{"10.1.2.3/7", "2001:db8::1/127"}, []string{"10.0.0.0/7", "2001:db8::/127"}},
		{[]string{"::ffff:10.1.2.0/120"}, []string{"10.1.2.0/24"}},
		{[]string{"2001:db8::1/128", "128.0.0.0/1"}, []string{"2001:db8::1/128", "128.0.0.0/1"}},
	} {
		var in, want []netip.Prefix
		for _, s := range tt.in {
			in = append(in, netip.MustParsePrefix(s))
		}
		for _, s := range tt.want {
			want = append(want, netip.MustParsePrefix(s))
		}
		l := MakePrefixList(in...)
		if diff := cmp.Diff(want, l.Slice(), cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
			t.Error(diff)
		}
		if l.Len() != len(want) || !l.Valid() || !slices.Equal(slices.Collect(l.All()), want) {
			t.Errorf("%v: %d prefixes, valid: %t", tt.in, l.Len(), l.Valid())
		}
	}
	if l := MakePrefixList(netip.Prefix{}); l != "" {
		t.Errorf("an invalid prefix became %q", l)
	}
}

func TestAnyPrefixSurvivesAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []netip.Prefix
		for range rapid.IntRange(0, 20).Draw(t, "n") {
			if rapid.Bool().Draw(t, "four") {
				a := netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address")))
				want = append(want, netip.PrefixFrom(a, rapid.IntRange(0, 32).Draw(t, "bits")).Masked())
				continue
			}
			a := netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address")))
			if p := netip.PrefixFrom(a, rapid.IntRange(0, 128).Draw(t, "bits")).Masked(); !p.Addr().Is4In6() {
				want = append(want, p)
			}
		}
		l := MakePrefixList(want...)
		if !l.Valid() || l.Len() != len(want) || !slices.Equal(l.Slice(), want) {
			t.Fatalf("%v became %v", want, l.Slice())
		}
	})
}

func TestAListContainsWhatItsPrefixesContain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []netip.Prefix
		var addrs []netip.Addr
		for range rapid.IntRange(0, 6).Draw(t, "n") {
			a := netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.ByteRange(0, 2), 16, 16).Draw(t, "address")))
			if rapid.Bool().Draw(t, "four") {
				a = netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.ByteRange(0, 2), 4, 4).Draw(t, "address")))
			}
			list = append(list, netip.PrefixFrom(a, rapid.IntRange(0, a.BitLen()).Draw(t, "bits")).Masked())
			addrs = append(addrs, a, a.Next(), a.Prev(), netip.AddrFrom16(a.As16()))
		}
		l := MakePrefixList(list...)
		addrs = append(addrs, netip.Addr{}, netip.MustParseAddr("fe80::1%eth0"), netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("::"))
		for _, a := range addrs {
			want := slices.ContainsFunc(l.Slice(), func(p netip.Prefix) bool { return p.Contains(a) })
			if got := l.Contains(a); got != want {
				t.Fatalf("%v contain %v: %t", l.Slice(), a, got)
			}
		}
	})
}

func FuzzBytesAreAPrefixListOrNot(f *testing.F) {
	f.Add([]byte("\x08\x0a"))
	f.Add([]byte("\x07\x0b"))
	f.Add([]byte("\x00\x20\x01\x02\x03\x04\xa1"))
	f.Add([]byte("\x41\x20\x01\x0d\xb8\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l := PrefixList(b)
		if l.Len() != len(l.Slice()) {
			t.Errorf("%d prefixes, %d in the slice", l.Len(), len(l.Slice()))
		}
		if l.Valid() && MakePrefixList(l.Slice()...) != l {
			t.Errorf("%q is valid, but its prefixes make %q", l, MakePrefixList(l.Slice()...))
		}
	})
}
