package doctree

import (
	"bytes"
	"io"
)

// text reads decoded UTF-8 and remembers where lines begin, as far as the
// parser has not passed them, and the last chunks, to quote them in errors.
type text struct {
	src        io.Reader
	err        error  // of src, after buf
	buf, prev  []byte // the current chunk and the one before it
	base       int64  // offset of buf[0]
	next       int    // index in buf of the next byte to hand out
	cr         bool   // the last byte of the chunk was a carriage return
	starts     []int64
	passed     int   // starts[:passed] are behind the position
	line       int   // of the position, from 1
	lineStart  int64 // offset where that line begins
	extra      int64 // continuation bytes of UTF-8 in that line before the position
	limitFrom  int64 // offset where the current element begins
	limitBytes int64 // at most so many bytes may be read from there; 0: any
	limitErr   error
}

const chunkBytes = 64 << 10

func newText(r io.Reader) *text {
	return &text{src: r, line: 1}
}

// fill reads the next chunk; false at the end or on an error.
func (t *text) fill() bool {
	if t.err != nil {
		return false
	}
	t.base += int64(len(t.buf))
	t.prev, t.buf = t.buf, t.prev
	if cap(t.buf) == 0 {
		t.buf = make([]byte, chunkBytes)
	}
	t.buf, t.next = t.buf[:cap(t.buf)], 0
	n, err := io.ReadFull(t.src, t.buf)
	t.buf = t.buf[:n]
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	t.err = err
	t.findLines()
	return n > 0
}

// findLines notes where lines begin in the new chunk. A line ends with LF,
// CRLF or a lone CR.
func (t *text) findLines() {
	b := t.buf
	if t.cr && len(b) > 0 && b[0] != '\n' {
		t.starts = append(t.starts, t.base)
	}
	if len(b) > 0 {
		t.cr = b[len(b)-1] == '\r'
	}
	if bytes.IndexByte(b, '\r') < 0 {
		for i := 0; ; i++ {
			k := bytes.IndexByte(b[i:], '\n')
			if k < 0 {
				return
			}
			i += k
			t.starts = append(t.starts, t.base+int64(i)+1)
		}
	}
	for i, c := range b {
		if c == '\n' || c == '\r' && i+1 < len(b) && b[i+1] != '\n' {
			t.starts = append(t.starts, t.base+int64(i)+1)
		}
	}
}

// head is the first chunk, before anything was handed out.
func (t *text) head() []byte {
	if t.base == 0 && len(t.buf) == 0 {
		t.fill()
	}
	return t.buf
}

// Read hands the text to a parser.
func (t *text) Read(p []byte) (int, error) {
	if t.limitBytes > 0 && t.offset()-t.limitFrom > t.limitBytes {
		return 0, t.limitErr
	}
	if t.next == len(t.buf) && !t.fill() {
		return 0, t.err
	}
	n := copy(p, t.buf[t.next:])
	t.next += n
	return n, nil
}

// offset is the number of bytes handed out.
func (t *text) offset() int64 { return t.base + int64(t.next) }

// at moves the position forward to the offset and returns it. Offsets must
// not go back.
func (t *text) at(off int64) Pos {
	for t.passed < len(t.starts) && t.starts[t.passed] <= off {
		t.lineStart = t.starts[t.passed]
		t.passed++
		t.line++
		t.extra = 0
	}
	return Pos{Line: t.line, Column: int(off-t.lineStart-t.extra) + 1}
}

// pass moves the position behind a value that nobody looked into.
func (t *text) pass(off int64, value []byte) {
	t.at(off)
	line := t.line
	end := off + int64(len(value))
	t.at(end)
	tail := value
	if t.line != line {
		tail = value[len(value)-int(end-t.lineStart):]
	}
	for _, c := range tail {
		if c&0xC0 == 0x80 {
			t.extra++
		}
	}
}

// forget drops the line starts that were passed.
func (t *text) forget() {
	if t.passed > 4096 && t.passed > len(t.starts)/2 {
		n := copy(t.starts, t.starts[t.passed:])
		t.starts, t.passed = t.starts[:n], 0
	}
}

// around returns what is still known of the text before and after an offset.
func (t *text) around(off int64) (before, after []byte) {
	i := off - t.base
	switch {
	case i >= 0 && i <= int64(len(t.buf)):
		before, after = t.buf[:i], t.buf[i:]
		if len(before) < 256 {
			before = append(bytes.Clone(t.prev), before...)
		}
	case i < 0 && -i <= int64(len(t.prev)):
		k := int64(len(t.prev)) + i
		before, after = t.prev[:k], append(bytes.Clone(t.prev[k:]), t.buf...)
	}
	return before, after
}

// all returns the whole text, refusing more than max bytes.
func (t *text) all(max int64, tooLarge error) ([]byte, error) {
	var b bytes.Buffer
	n, err := b.ReadFrom(io.LimitReader(t, max+1))
	if err != nil {
		return nil, err
	}
	if n > max {
		return nil, tooLarge
	}
	return b.Bytes(), nil
}
