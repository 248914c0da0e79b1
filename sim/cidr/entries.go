package cidr

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
)

// entry4 is an IPv4 prefix of a set as one sortable number: address, length
// (6 bits), set (26 bits).
type entry4 uint64

const setBits = 26

func (e entry4) prefix() entry4 { return e >> setBits }

// entry6 is an IPv6 prefix of a set; length and set share a number.
type entry6 struct {
	Key6
	rest uint64 // length<<32 | set
}

// entries lists the prefixes of all sets by family, sorted by address, then
// length, then set.
func entries(sets [][]netip.Prefix) ([]entry4, []entry6, error) {
	n4, n6 := 0, 0
	for s, set := range sets {
		for i, p := range set {
			switch {
			case !p.IsValid():
				return nil, nil, fmt.Errorf("prefix %d of set %d: not a valid prefix", i, s)
			case isFour(p):
				n4++
			default:
				n6++
			}
		}
	}
	four := make([]entry4, 0, n4)
	six := make([]entry6, 0, n6)
	for s, set := range sets {
		for _, p := range set {
			b := p.Addr().As16()
			length := p.Bits()
			if isFour(p) {
				if p.Addr().Is4In6() {
					length -= 96
				}
				a := uint64(binary.BigEndian.Uint32(b[12:])) &^ (uint64(1)<<(32-length) - 1)
				four = append(four, entry4(a<<32|uint64(length)<<setBits|uint64(s)))
				continue
			}
			k := Key6{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
			six = append(six, entry6{k.and(mask6(length)), uint64(length)<<32 | uint64(s)})
		}
	}
	return sort4(four), sort6(six), nil
}

// isFour reports whether a prefix is of IPv4 addresses alone.
func isFour(p netip.Prefix) bool {
	a := p.Addr()
	return a.Is4() || a.Is4In6() && p.Bits() >= 96
}

// group4 turns sorted entries into prefixes, each once, the list of their
// sets, and the last address of the space.
func group4(entries []entry4) (prefixes []prefix, sets []SetID, last Key6) {
	prefixes = make([]prefix, 0, len(entries))
	sets = make([]SetID, 0, len(entries))
	for i, e := range entries {
		if i > 0 && e == entries[i-1] {
			continue
		}
		sets = append(sets, SetID(e&(MaxSets-1)))
		if i == 0 || e.prefix() != entries[i-1].prefix() {
			first := uint64(e >> 32)
			length := e >> setBits & 63
			prefixes = append(prefixes, prefix{
				first: Key6{0, first}, last: Key6{0, first | (1<<(32-length) - 1)}, from: uint32(len(sets) - 1),
			})
		}
		prefixes[len(prefixes)-1].to = uint32(len(sets))
	}
	return prefixes, sets, Key6{0, math.MaxUint32}
}

// group6 is group4 for IPv6.
func group6(entries []entry6) (prefixes []prefix, sets []SetID, last Key6) {
	prefixes = make([]prefix, 0, len(entries))
	sets = make([]SetID, 0, len(entries))
	for i := range entries {
		e := &entries[i]
		if i > 0 && *e == entries[i-1] {
			continue
		}
		sets = append(sets, SetID(uint32(e.rest)))
		if i == 0 || e.Key6 != entries[i-1].Key6 || e.rest>>32 != entries[i-1].rest>>32 {
			m := mask6(int(e.rest >> 32))
			prefixes = append(prefixes, prefix{
				first: e.Key6, last: Key6{e.Hi | ^m.Hi, e.Lo | ^m.Lo}, from: uint32(len(sets) - 1),
			})
		}
		prefixes[len(prefixes)-1].to = uint32(len(sets))
	}
	return prefixes, sets, Key6{^uint64(0), ^uint64(0)}
}

// mask6 has the first length bits set.
func mask6(length int) Key6 {
	if length <= 64 {
		return Key6{^(^uint64(0) >> length), 0}
	}
	return Key6{^uint64(0), ^(^uint64(0) >> (length - 64))}
}

func (k Key6) and(m Key6) Key6 { return Key6{k.Hi & m.Hi, k.Lo & m.Lo} }

func (k Key6) less(l Key6) bool { return k.Hi < l.Hi || k.Hi == l.Hi && k.Lo < l.Lo }

// next is the address after k.
func (k Key6) next() Key6 {
	lo := k.Lo + 1
	if lo == 0 {
		return Key6{k.Hi + 1, 0}
	}
	return Key6{k.Hi, lo}
}

// sort4 sorts by everything but the set, least significant digit first; the
// entries come in the order of their sets, and keep it.
func sort4(entries []entry4) []entry4 {
	const digit = 13 // 3 digits make 39 bits, address and length are 38
	other := make([]entry4, len(entries))
	for shift := setBits; shift < 64; shift += digit {
		var at [1 << digit]int
		for _, e := range entries {
			at[e>>shift&(1<<digit-1)]++
		}
		sum := 0
		for d, n := range at {
			at[d] = sum
			sum += n
		}
		for _, e := range entries {
			d := e >> shift & (1<<digit - 1)
			other[at[d]] = e
			at[d]++
		}
		entries, other = other, entries
	}
	return entries
}

// sort6 is sort4 for IPv6, in bytes; a byte that is the same in all entries
// takes no pass.
func sort6(entries []entry6) []entry6 {
	if len(entries) == 0 {
		return entries
	}
	or, and := entries[0], entries[0]
	for i := range entries {
		e := &entries[i]
		or.Hi, or.Lo, or.rest = or.Hi|e.Hi, or.Lo|e.Lo, or.rest|e.rest
		and.Hi, and.Lo, and.rest = and.Hi&e.Hi, and.Lo&e.Lo, and.rest&e.rest
	}
	other := make([]entry6, len(entries))
	pass := func(digit func(*entry6) uint8) {
		if digit(&or) == digit(&and) {
			return
		}
		var at [256]int
		for i := range entries {
			at[digit(&entries[i])]++
		}
		sum := 0
		for d, n := range at {
			at[d] = sum
			sum += n
		}
		for i := range entries {
			d := digit(&entries[i])
			other[at[d]] = entries[i]
			at[d]++
		}
		entries, other = other, entries
	}
	pass(func(e *entry6) uint8 { return uint8(e.rest >> 32) })
	for shift := 0; shift < 64; shift += 8 {
		pass(func(e *entry6) uint8 { return uint8(e.Lo >> shift) })
	}
	for shift := 0; shift < 64; shift += 8 {
		pass(func(e *entry6) uint8 { return uint8(e.Hi >> shift) })
	}
	return entries
}
