package tagfile

import "io"

// scanner reads JSON as Microsoft writes it: printable ASCII without escapes.
// After anything else ok is false and it stands still: the strict reader
// decides about such a text. It holds a window of the text only; what its
// methods return is gone with the next call.
type scanner struct {
	r     io.Reader
	buf   []byte
	i, n  int // the window is buf[i:n]
	base  int // offset of buf[0] in the text
	end   bool
	ok    bool
	line  int // of the next byte, counted from 1
	start int // offset where that line begins
	cr    bool
	key   []byte // the last one
}

const (
	windowBytes = 32 << 10
	longestText = 4 << 10  // of a string
	largestText = 64 << 20 // of a file: columns and offsets are small
)

func newScanner(r io.Reader) *scanner {
	return &scanner{r: r, buf: make([]byte, windowBytes), ok: true, line: 1}
}

// fill reads more text behind the window; false at the end.
func (s *scanner) fill() bool {
	if s.end || !s.ok {
		return false
	}
	s.base += s.i
	s.n = copy(s.buf, s.buf[s.i:s.n])
	s.i = 0
	for s.n < len(s.buf) {
		k, err := s.r.Read(s.buf[s.n:])
		s.n += k
		if err != nil {
			s.end, s.ok = true, err == io.EOF
			return k > 0 && s.ok
		}
		if k > 0 {
			return true
		}
	}
	return false
}

// next skips blanks and returns the next byte without passing it, 0 at the
// end.
func (s *scanner) next() byte {
	for {
		for s.i < s.n {
			c := s.buf[s.i]
			if c > ' ' {
				s.cr = false
				return c
			}
			switch {
			case c == '\n', c == '\r':
				// A line ends with LF, CRLF or a lone CR.
				if c == '\r' || !s.cr {
					s.line++
				}
				s.start = s.base + s.i + 1
			case c != ' ' && c != '\t':
				s.ok = false
				return 0
			}
			s.cr = c == '\r'
			s.i++
		}
		if !s.fill() {
			return 0
		}
	}
}

// place is the line and column of the next byte.
func (s *scanner) place() (line, column int) { return s.line, s.base + s.i - s.start + 1 }

func (s *scanner) take(c byte) bool {
	if s.ok && s.next() == c && s.ok {
		s.i++
		return true
	}
	s.ok = false
	return false
}

// each reads what stands between two brackets, separated by commas.
func (s *scanner) each(open, end byte, one func()) {
	if !s.take(open) {
		return
	}
	if s.next() == end {
		s.i++
		return
	}
	for one(); s.ok; one() {
		switch s.next() {
		case ',':
			s.i++
		case end:
			s.i++
			return
		default:
			s.ok = false
			return
		}
	}
}

// members reads an object; value reads the value of each key and returns a bit
// of its own for the key, 0 for one that is not known. Each key may come once.
// It returns the bits of the keys that came.
func (s *scanner) members(value func(key []byte) int) int {
	seen := 0
	s.each('{', '}', func() {
		s.key = append(s.key[:0], s.text()...)
		if !s.take(':') {
			return
		}
		bit := value(s.key)
		s.ok = s.ok && bit != 0 && seen&bit == 0
		seen |= bit
	})
	return seen
}

// text reads a string.
func (s *scanner) text() []byte {
	if !s.take('"') {
		return nil
	}
	for k := 0; ; {
		for ; s.i+k < s.n; k++ {
			switch c := s.buf[s.i+k]; {
			case c == '"':
				out := s.buf[s.i : s.i+k]
				s.i += k + 1
				return out
			case c < ' ' || c > '~' || c == '\\':
				s.ok = false
				return nil
			}
		}
		if k > longestText || !s.fill() {
			s.ok = false
			return nil
		}
	}
}

// window returns the text from here on, at least n bytes of it where there are
// so many.
func (s *scanner) window(n int) []byte {
	for s.n-s.i < n && s.fill() {
	}
	return s.buf[s.i:s.n]
}

// null takes the word null where it stands.
func (s *scanner) null() bool {
	if s.ok && s.next() == 'n' && len(s.window(4)) >= 4 && string(s.buf[s.i:s.i+4]) == "null" {
		s.i += 4
		return true
	}
	return false
}

// number reads plain digits, which may be a string's.
func (s *scanner) number() int {
	quoted := s.next() == '"'
	if quoted {
		s.i++
	}
	w := s.window(16)
	v, k := 0, 0
	for k < len(w) && w[k] >= '0' && w[k] <= '9' && k < 10 {
		v = v*10 + int(w[k]-'0')
		k++
	}
	if s.ok = s.ok && k > 0 && k < 10 && (k == 1 || w[0] != '0'); !s.ok {
		return 0
	}
	s.i += k
	if quoted {
		s.ok = s.i < s.n && s.buf[s.i] == '"'
		s.i++
	}
	return v
}

// finish takes the end of the text.
func (s *scanner) finish() bool { return s.next() == 0 && s.ok && s.end && s.i == s.n }
