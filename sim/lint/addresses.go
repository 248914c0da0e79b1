package lint

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// intersection is the addresses of both sets.
func intersection(a, b *netipx.IPSet) *netipx.IPSet {
	var x netipx.IPSetBuilder
	x.AddSet(a)
	x.Intersect(b)
	s, _ := x.IPSet() // of sets: no error
	return s
}

// union is the addresses of either set.
func union(a, b *netipx.IPSet) *netipx.IPSet {
	var x netipx.IPSetBuilder
	x.AddSet(a)
	x.AddSet(b)
	s, _ := x.IPSet() // of sets: no error
	return s
}

// difference is the addresses of a that are not in b.
func difference(a, b *netipx.IPSet) *netipx.IPSet {
	var x netipx.IPSetBuilder
	x.AddSet(a)
	x.RemoveSet(b)
	s, _ := x.IPSet() // of sets: no error
	return s
}

// within reports whether every address of a is in b.
func within(a, b *netipx.IPSet) bool { return empty(difference(a, b)) }

func empty(s *netipx.IPSet) bool { return len(s.Ranges()) == 0 }

// four is the IPv4 addresses of a set.
func four(s *netipx.IPSet) *netipx.IPSet {
	return intersection(s, scope.SetOf(netip.MustParsePrefix("0.0.0.0/0")))
}

// size is the number of IPv4 addresses in a set.
func size(s *netipx.IPSet) uint64 {
	var n uint64
	for _, r := range s.Ranges() {
		if !r.From().Is4() {
			continue
		}
		from, to := r.From().As4(), r.To().As4()
		n += uint64(number(to)) - uint64(number(from)) + 1
	}
	return n
}

func number(a [4]byte) uint32 {
	return uint32(a[0])<<24 | uint32(a[1])<<16 | uint32(a[2])<<8 | uint32(a[3])
}

// wholeInternet reports whether a set holds every IPv4 address that is in the
// tag Internet for certain.
func wholeInternet(s *netipx.IPSet) bool { return within(four(scope.InternetSpace()), s) }

// public is how much of the Internet a set holds: "the whole Internet", "512
// public addresses (20.60.26.0/23)".
func public(s *netipx.IPSet) string {
	if wholeInternet(s) {
		return "the whole Internet"
	}
	s = intersection(s, scope.PublicSpace())
	if v4 := four(s); !empty(v4) {
		n := size(v4)
		if mostly(v4) {
			return "most of the Internet (" + thousands(n) + " addresses)"
		}
		text := thousands(n) + " public addresses"
		if n == 1 {
			text = "1 public address"
		}
		return text + " (" + few(v4.Prefixes()) + ")"
	}
	return "public addresses (" + few(s.Prefixes()) + ")"
}

// few is at most three of a list, and how many more there are.
func few[T fmt.Stringer](list []T) string {
	texts := make([]string, len(list))
	for i, x := range list {
		texts[i] = x.String()
	}
	return fewOf(texts)
}

func fewOf(texts []string) string {
	if len(texts) <= 3 {
		return strings.Join(texts, ", ")
	}
	return strings.Join(texts[:3], ", ") + " and " + thousands(uint64(len(texts)-3)) + " more"
}

// thousands is the number with commas: "1,024".
func thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// blocks are the prefixes that a list of address fields spells out.
func blocks(list []topology.AddressPrefix) []netip.Prefix {
	var out []netip.Prefix
	for i := range list {
		if list[i].Kind == topology.PrefixAddress {
			out = append(out, list[i].Prefix)
		}
	}
	return out
}

// anyone reports whether a side of a rule is every address, or all of the
// Internet, by one word: "*", 0.0.0.0/0 or Internet.
func anyone(m *topology.Match) bool {
	for i := range m.Prefixes {
		switch a := &m.Prefixes[i]; a.Kind {
		case topology.AnyAddress:
			return true
		case topology.PrefixAddress:
			if a.Prefix.Bits() == 0 {
				return true
			}
		case topology.TagAddress:
			if strings.EqualFold(a.Tag, "Internet") {
				return true
			}
		}
	}
	return false
}

// allPorts reports whether a side of a rule is every port.
func allPorts(m *topology.Match) bool {
	next := 0
	for changed := true; changed; {
		changed = false
		for _, p := range m.Ports {
			if int(p.First) <= next && int(p.Last) >= next {
				next, changed = int(p.Last)+1, true
			}
		}
	}
	return next > 65535 && !m.PortsUnresolved
}
