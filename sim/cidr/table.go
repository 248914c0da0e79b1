package cidr

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// SetID is the position of a set in the argument of [Build].
type SetID uint32

// Atom is a class of addresses that lie in the same sets. Atoms are numbered
// from 0 without gaps, and [Outside] is always one of them.
type Atom uint32

// Outside is the atom of the addresses that lie in no set.
const Outside Atom = 0

// Key6 is an IPv6 address as two halves in host order.
type Key6 struct{ Hi, Lo uint64 }

// Table maps addresses to atoms. It is made by [Build]; the zero Table is not
// usable. It is immutable.
type Table struct {
	four   *four
	six    six
	leaves leaves

	members   []SetID  // the sets of every atom, atom after atom
	memberEnd []uint32 // end in members, by atom
	atoms     []Atom   // the atoms of every set, set after set
	atomEnd   []uint32 // end in atoms, by set
	prefixes  int
}

// LookupAddr returns the atom of an address. An IPv4 address written as IPv6
// (::ffff:a.b.c.d) is that IPv4 address, a zone does not count, and the zero
// Addr is in no set.
func (t *Table) LookupAddr(a netip.Addr) Atom {
	if a.Is4() || a.Is4In6() {
		b := a.As4()
		return t.Lookup4(binary.BigEndian.Uint32(b[:]))
	}
	if !a.IsValid() {
		return Outside
	}
	k := KeyOf6(a)
	return t.Lookup6(k.Hi, k.Lo)
}

// KeyOf4 is the number of an IPv4 address, or of an IPv4 address written as
// IPv6. It panics for any other address.
func KeyOf4(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

// KeyOf6 is the two halves of an IPv6 address. It panics for the zero Addr.
func KeyOf6(a netip.Addr) Key6 {
	b := a.AsSlice()
	return Key6{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// Atoms is the number of atoms; the largest atom is one less.
func (t *Table) Atoms() int { return len(t.memberEnd) }

// NumSets is the number of sets the table was built from, empty ones among
// them.
func (t *Table) NumSets() int { return len(t.atomEnd) }

// Prefixes is the number of different prefixes the table was built from.
func (t *Table) Prefixes() int { return t.prefixes }

// Sets are the sets that contain the addresses of the atom, in ascending
// order. The result is the table's own and must not be changed. It panics
// where the atom is not of this table.
func (t *Table) Sets(a Atom) []SetID {
	first := uint32(0)
	if a > 0 {
		first = t.memberEnd[a-1]
	}
	end := t.memberEnd[a]
	return t.members[first:end:end]
}

// Has reports whether the addresses of the atom lie in the set.
func (t *Table) Has(a Atom, s SetID) bool {
	_, ok := slices.BinarySearch(t.Sets(a), s)
	return ok
}

// AtomsOf are the atoms whose addresses lie in the set, in ascending order:
// the set is the union of them. The result is the table's own and must not be
// changed. It panics where the set is not of this table.
func (t *Table) AtomsOf(s SetID) []Atom {
	first := uint32(0)
	if s > 0 {
		first = t.atomEnd[s-1]
	}
	end := t.atomEnd[s]
	return t.atoms[first:end:end]
}

// MemorySize is the number of bytes the table holds.
func (t *Table) MemorySize() int {
	return t.four.size() + t.six.size() + t.leaves.size() +
		4*(cap(t.members)+cap(t.memberEnd)+cap(t.atoms)+cap(t.atomEnd))
}
