package doctree

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// names finds keys of one object that are equal when letter case is folded:
// two readers would take two different values for them. The zero value
// is an object without members.
type names struct {
	seen  uint64         // a bit for each key's hash
	table map[string]int // folded key → place, of objects with many members
}

// earlier is the place of the member whose key equals the given one when
// folded, -1 where there is none. The members are those asked for before.
func (s *names) earlier(members []Member, key string) int {
	const many = 32
	if s.table == nil && len(members) >= many {
		s.table = make(map[string]int, 2*many)
		for i := range members {
			s.table[fold(members[i].Key)] = i
		}
	}
	if s.table != nil {
		f := fold(key)
		if i, ok := s.table[f]; ok {
			return i
		}
		s.table[f] = len(members)
		return -1
	}
	bit := foldBit(key)
	maybe := s.seen&bit != 0
	s.seen |= bit
	if !maybe {
		return -1
	}
	for i := range members {
		if strings.EqualFold(members[i].Key, key) {
			return i
		}
	}
	return -1
}

const twiceHint = "remove one of the two"

// twice says that a key is there already, in this or another letter case.
func twice(first *Member, key string) string {
	expected := "expected each key once"
	if first.Key != key {
		expected = "expected keys that differ in more than letter case"
	}
	return fmt.Sprintf("%s (line %d, column %d has %s)", expected, first.Pos.Line, first.Pos.Column, quote([]byte(first.Key)))
}

// foldedTwice is the refusal of a member of n whose key is there already.
func foldedTwice(src *Source, first *Member, m Member, n *Node) *Error {
	key := m.Key
	if !n.top().path {
		key = escapePointer(key)
	}
	return &Error{File: src.name, Pos: m.Pos, Pointer: shortPointer(n.Pointer() + "/" + key), Found: quote([]byte(m.Key)),
		Expected: twice(first, m.Key), Hint: twiceHint}
}

// foldBit is one of 64 bits, the same for keys that are equal when folded.
func foldBit(key string) uint64 {
	h := uint32(2166136261)
	for i := 0; i < len(key); i++ {
		c := key[i]
		if c >= utf8.RuneSelf {
			return ^uint64(0) // folding may change the bytes: compare with all
		}
		h = (h ^ uint32(c|0x20)) * 16777619
	}
	return 1 << (h >> 26)
}

// fold maps keys that are equal when folded to the same text.
func fold(key string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			return r
		}
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		if 'A' <= least && least <= 'Z' {
			least += 'a' - 'A'
		}
		return least
	}, key)
}
