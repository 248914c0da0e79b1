package servicetag

import (
	"hash/maphash"

	"github.com/netpath/netpath/topology"
)

// nameTable finds tags by name, in any letter case and with any blanks. A
// public file has three thousand and a run asks for a few, so the table is
// made without a copy of the names: it is a hash table whose slots are numbers
// of tags, counted from 1, a full one being followed by the next.
type nameTable struct {
	tags  []*topology.ServiceTag
	seed  maphash.Seed
	slots []uint32 // a power of two, half empty
}

func newNameTable(tags []*topology.ServiceTag) *nameTable {
	size := 8
	for size < 2*len(tags) {
		size *= 2
	}
	t := &nameTable{tags: tags, seed: maphash.MakeSeed(), slots: make([]uint32, size)}
	for i, tag := range tags {
		// Of names that are the same but for letter case the first counts.
		if k, found := t.slot(tag.Name); !found {
			t.slots[k] = uint32(i) + 1
		}
	}
	return t
}

// find returns the tag of that name, nil where there is none.
func (t *nameTable) find(name string) *topology.ServiceTag {
	k, found := t.slot(name)
	if !found {
		return nil
	}
	return t.tags[t.slots[k]-1]
}

// slot is where the name is, or else the empty slot where it belongs.
func (t *nameTable) slot(name string) (k int, found bool) {
	k = int(t.hash(name) & uint64(len(t.slots)-1))
	for ; t.slots[k] != 0; k = (k + 1) & (len(t.slots) - 1) {
		if sameName(t.tags[t.slots[k]-1].Name, name) {
			return k, true
		}
	}
	return k, false
}

// hash is that of the folded name.
func (t *nameTable) hash(name string) uint64 {
	var folded [64]byte
	if len(name) > len(folded) {
		return maphash.String(t.seed, fold(name))
	}
	for i := range len(name) {
		if folded[i] = lower(name[i]); !plain(name[i]) {
			return maphash.String(t.seed, fold(name))
		}
	}
	return maphash.Bytes(t.seed, folded[:len(name)])
}

// sameName reports whether two names are the same when folded.
func sameName(a, b string) bool {
	for i := 0; i < len(a) && i < len(b); i++ {
		if !plain(a[i]) || !plain(b[i]) {
			return fold(a) == fold(b)
		}
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return len(a) == len(b) || fold(a) == fold(b)
}

// plain reports whether folding does no more to the byte than [lower] does: it
// is one of printable ASCII.
func plain(c byte) bool { return ' ' < c && c < 0x7f }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
