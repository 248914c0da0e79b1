package topology

import (
	"iter"
	"net/netip"
	"strings"
)

// PrefixList is a list of IP prefixes in a sixth of the bytes that a slice
// takes, in order and with its duplicates. Its prefixes are masked, and IPv4
// prefixes are written as such. It is immutable: the zero value is the empty
// list, and two lists are equal where == says so.
//
// Each prefix is a byte, which is its length for IPv4 and 33 more than its
// length for IPv6, and the bytes of the address that the length covers.
type PrefixList string

// longest is the length of a prefix in a list, at most.
const longest = 1 + 16

// MakePrefixList makes a list of prefixes; host bits are cleared and
// IPv4-mapped IPv6 prefixes of 96 bits or more become IPv4 ones. An invalid
// prefix is left out.
func MakePrefixList(prefixes ...netip.Prefix) PrefixList {
	var b []byte
	for _, p := range prefixes {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if p = p.Masked(); !p.IsValid() {
			continue
		}
		var a [longest]byte
		if p.Addr().Is4() {
			a4 := p.Addr().As4()
			a[0] = byte(p.Bits())
			copy(a[1:], a4[:])
		} else {
			a16 := p.Addr().As16()
			a[0] = byte(33 + p.Bits())
			copy(a[1:], a16[:])
		}
		b = append(b, a[:1+(p.Bits()+7)/8]...)
	}
	return PrefixList(b)
}

// All iterates over the prefixes in order.
func (l PrefixList) All() iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		for len(l) > 0 {
			p, rest, ok := l.next()
			if !ok || !yield(p) {
				return
			}
			l = rest
		}
	}
}

// Contains reports whether a prefix of the list contains the address, as
// [netip.Prefix.Contains] has it. It goes through the list.
func (l PrefixList) Contains(a netip.Addr) bool {
	if !a.IsValid() || a.Zone() != "" {
		return false
	}
	var addr [16]byte
	if a.Is4() {
		a4 := a.As4()
		copy(addr[:], a4[:])
	} else {
		addr = a.As16()
	}
	for i := 0; i < len(l); {
		bits, six := int(l[i]), l[i] > 32
		if six {
			bits -= 33
		}
		whole, rest := bits/8, bits%8
		i++
		end := i + (bits+7)/8
		if bits > 128 || end > len(l) {
			return false
		}
		if six == a.Is6() && string(addr[:whole]) == string(l[i:i+whole]) && (rest == 0 || (addr[whole]^l[i+whole])>>(8-rest) == 0) {
			return true
		}
		i = end
	}
	return false
}

// Slice returns the prefixes in order, nil where there are none.
func (l PrefixList) Slice() []netip.Prefix {
	if l == "" {
		return nil
	}
	out := make([]netip.Prefix, 0, l.Len())
	for p := range l.All() {
		out = append(out, p)
	}
	return out
}

// Len is the number of prefixes.
func (l PrefixList) Len() int {
	n := 0
	for len(l) > 0 {
		size := prefixSize(l[0])
		if size == 0 || size > len(l) {
			break
		}
		l = l[size:]
		n++
	}
	return n
}

// Valid reports whether the bytes are such a list: it tells a list that was
// read from a file from other bytes.
func (l PrefixList) Valid() bool {
	for i := 0; i < len(l); {
		first, bits := i, int(l[i])
		if bits > 32 {
			bits -= 33
		}
		size := (bits + 7) / 8
		i += 1 + size
		if bits > 128 || i > len(l) || size > 0 && l[i-1]&(0xff>>(bits-8*size+8)) != 0 {
			return false
		}
		if l[first] >= 33+96 && strings.HasPrefix(string(l[first+1:]), mapped) {
			return false
		}
	}
	return true
}

// mapped begins the IPv6 addresses that stand for IPv4 ones.
const mapped = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff"

// prefixSize is the number of bytes of a prefix, by its first; 0 where no
// prefix begins with that byte.
func prefixSize(first byte) int {
	bits := int(first)
	if bits > 32 {
		bits -= 33
	}
	if bits > 128 {
		return 0
	}
	return 1 + (bits+7)/8
}

// next splits the first prefix off a list that is not empty.
func (l PrefixList) next() (p netip.Prefix, rest PrefixList, ok bool) {
	size := prefixSize(l[0])
	if size == 0 || size > len(l) {
		return netip.Prefix{}, "", false
	}
	if l[0] <= 32 {
		var a [4]byte
		copy(a[:], l[1:size])
		return netip.PrefixFrom(netip.AddrFrom4(a), int(l[0])), l[size:], true
	}
	var a [16]byte
	copy(a[:], l[1:size])
	return netip.PrefixFrom(netip.AddrFrom16(a), int(l[0])-33), l[size:], true
}
