package scope

import (
	"net/netip"
	"sync"

	"go4.org/netipx"

	"github.com/netpath/netpath/topology"
)

// The platform addresses (spec 3.4).
var (
	WireServer = netip.MustParseAddr("168.63.129.16")
	IMDS       = netip.MustParseAddr("169.254.169.254")
)

// SetOf is the set of the prefixes' addresses.
func SetOf(prefixes ...netip.Prefix) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, p := range prefixes {
		b.AddPrefix(p)
	}
	return build(&b)
}

// Without is the set of the prefixes' addresses less some.
func Without(prefixes []netip.Prefix, less []netip.Addr) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, p := range prefixes {
		b.AddPrefix(p)
	}
	for _, a := range less {
		b.Remove(a)
	}
	return build(&b)
}

// build cannot fail: IPSet errors come from invalid prefixes, which the
// loaders refuse, and invalid ones add nothing.
func build(b *netipx.IPSetBuilder) *netipx.IPSet {
	s, _ := b.IPSet()
	return s
}

func union(sets ...*netipx.IPSet) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, s := range sets {
		b.AddSet(s)
	}
	return build(&b)
}

func intersect(a, b *netipx.IPSet) *netipx.IPSet {
	var x netipx.IPSetBuilder
	x.AddSet(a)
	x.Intersect(b)
	return build(&x)
}

func subtract(a, b *netipx.IPSet) *netipx.IPSet {
	var x netipx.IPSetBuilder
	x.AddSet(a)
	x.RemoveSet(b)
	return build(&x)
}

func isEmpty(s *netipx.IPSet) bool { return len(s.Ranges()) == 0 }

// PublicSpace is the address space that is reachable from the public
// Internet: for IPv4 unicast without RFC 1918, 100.64/10, 127/8, 0/8,
// 169.254/16, 224/3 and 168.63.129.16, for IPv6 2000::/3 (spec 3.2,
// verdicts.md 16).
var PublicSpace = sync.OnceValue(func() *netipx.IPSet {
	var b netipx.IPSetBuilder
	b.AddPrefix(netip.MustParsePrefix("0.0.0.0/0"))
	for _, p := range []string{
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
		"127.0.0.0/8", "0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "168.63.129.16/32",
	} {
		b.RemovePrefix(netip.MustParsePrefix(p))
	}
	b.AddPrefix(netip.MustParsePrefix("2000::/3"))
	return build(&b)
})

// DisputedSpace is public IPv4 space that the documents count as Internet and
// that the lists which Azure returned for the tag leave out (recorded effective
// rules of 2017 to 2019): an address of it may or may not be in the tag.
var DisputedSpace = sync.OnceValue(func() *netipx.IPSet {
	return SetOf(netip.MustParsePrefix("25.0.0.0/8"), netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"))
})

// InternetSpace is what is in the tag Internet for certain: [PublicSpace] less
// [DisputedSpace].
var InternetSpace = sync.OnceValue(func() *netipx.IPSet { return subtract(PublicSpace(), DisputedSpace()) })

// everything is every address of both families.
var everything = sync.OnceValue(func() *netipx.IPSet {
	return SetOf(netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"))
})

// Public is the public space less some prefixes.
func Public(less []netip.Prefix) *netipx.IPSet { return subtract(PublicSpace(), SetOf(less...)) }

// NotPublic is all other space less some prefixes.
func NotPublic(less []netip.Prefix) *netipx.IPSet {
	return subtract(subtract(everything(), PublicSpace()), SetOf(less...))
}

// IsPublic reports whether the address lies in [PublicSpace].
func IsPublic(a netip.Addr) bool { return PublicSpace().Contains(a) }

// Prefixed turns address fields that name prefixes into a set; tags and
// expressions are left out.
func Prefixed(list []topology.AddressPrefix) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, a := range list {
		switch a.Kind {
		case topology.PrefixAddress:
			b.AddPrefix(a.Prefix)
		case topology.AnyAddress:
			b.AddSet(everything())
		}
	}
	return build(&b)
}
