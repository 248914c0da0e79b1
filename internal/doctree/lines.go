package doctree

import (
	"fmt"
	"unicode/utf8"
)

// lines finds the place of offsets in a text that is held whole. Offsets must
// not go back.
type lines struct {
	b      []byte
	off    int // counted up to here
	line   int // breaks before off
	column int // characters of the line before off
}

// at is the place of an offset: lines end with LF, CRLF or a lone CR, columns
// count characters.
func (l *lines) at(off int) Pos {
	for off = min(off, len(l.b)); l.off < off; l.off++ {
		c := l.b[l.off]
		switch {
		case c == '\n' || c == '\r' && (l.off+1 == len(l.b) || l.b[l.off+1] != '\n'):
			l.line++
			l.column = 0
		case c&0xC0 != 0x80:
			l.column++
		}
	}
	return Pos{Line: l.line + 1, Column: l.column + 1}
}

// positionIn is the place of one offset in a text.
func positionIn(b []byte, off int) Pos {
	l := lines{b: b}
	return l.at(off)
}

// lineAt is the text of a line, counted from 1, and its offset.
func lineAt(b []byte, line int) ([]byte, int) {
	start := 0
	for i := 0; i < len(b); i++ {
		if b[i] == '\n' || b[i] == '\r' && (i+1 == len(b) || b[i+1] != '\n') {
			if line--; line == 0 {
				return b[start:i], start
			}
			start = i + 1
		}
	}
	if line == 1 {
		return b[start:], start
	}
	return nil, len(b)
}

// checkText refuses invalid UTF-8 and control characters in a text that is
// held whole.
func (s *Source) checkText(b []byte) error {
	for i := 0; i < len(b); {
		c := b[i]
		if c >= 0x20 && c < 0x7f || c == '\n' || c == '\r' || c == '\t' {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r == utf8.RuneError && n <= 1:
			return &Error{File: s.name, Pos: positionIn(b, i), Found: fmt.Sprintf(`"\x%02x" at byte %d`, c, i),
				Expected: "expected UTF-8", Hint: "save the file as UTF-8"}
		case r < 0x20 || r == 0x7f:
			return &Error{File: s.name, Pos: positionIn(b, i), Found: fmt.Sprintf(`"\x%02x"`, c),
				Expected: "expected text without control characters"}
		}
		i += n
	}
	return nil
}
