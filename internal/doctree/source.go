package doctree

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"unicode/utf16"
	"unicode/utf8"
)

// Format is the notation of a document.
type Format uint8

// The formats. The content decides, never the file's name.
const (
	JSON Format = iota + 1
	YAML
	XML
)

// String is the format's usual name.
func (f Format) String() string {
	switch f {
	case JSON:
		return "JSON"
	case YAML:
		return "YAML"
	case XML:
		return "XML"
	default:
		return "unknown"
	}
}

// Note is something the reader of a file should know that changes no value: a
// byte order mark, UTF-16, an old %YAML directive, a foreign namespace.
type Note struct {
	Text    string
	Warning bool // worth a warning rather than a remark
	Pos     Pos
	Pointer string
}

// Source is a file that was opened, unpacked and recognised but not parsed.
// It can be read once: by [Source.Read], [Source.Each] or [Source.EachRaw].
type Source struct {
	name   string
	lim    Limits
	format Format
	utf16  bool // with a byte order mark
	notes  []Note
	text   *text
	used   bool
}

// The defaults of [Limits], and the caps that are not worth a setting.
const (
	defaultFileBytes     = 256 << 20
	defaultUnpackedBytes = 1 << 30
	defaultDepth         = 100
	defaultNodes         = 10_000_000
	defaultElements      = 500_000

	maxElementBytes = 63 << 20 // the text of one JSON element, which is held whole in a buffer that doubles
	maxYAMLBytes    = 4 << 20  // YAML is parsed whole, at up to 200 times its size
	maxXMLBytes     = 64 << 20
)

func (l Limits) orDefaults() Limits {
	if l.FileBytes <= 0 {
		l.FileBytes = defaultFileBytes
	}
	if l.UnpackedBytes <= 0 {
		l.UnpackedBytes = defaultUnpackedBytes
	}
	if l.Depth <= 0 {
		l.Depth = defaultDepth
	}
	if l.Nodes <= 0 {
		l.Nodes = defaultNodes
	}
	if l.Elements <= 0 {
		l.Elements = defaultElements
	}
	return l
}

// Open unpacks gzip, decodes UTF-8 and UTF-16 with a byte order mark to plain
// UTF-8 and recognises the format by its content. The name is only used in
// messages. What no format can be is refused with an *Error.
func Open(name string, r io.Reader, lim Limits) (*Source, error) {
	s := &Source{name: name, lim: lim.orDefaults()}
	decoded, err := s.unpack(r)
	if err != nil {
		return nil, err
	}
	s.text = newText(decoded)
	if err := s.sniff(); err != nil {
		return nil, err
	}
	return s, nil
}

// unpack returns the file's text as UTF-8, within the caps.
func (s *Source) unpack(r io.Reader) (io.Reader, error) {
	if st, ok := r.(interface{ Stat() (fs.FileInfo, error) }); ok {
		// A regular file says its size: no need to read up to the cap.
		if info, err := st.Stat(); err == nil && info.Mode().IsRegular() && info.Size() > s.lim.FileBytes {
			return nil, s.tooLarge("file", s.lim.FileBytes)
		}
	}
	capped := &capReader{r: r, left: s.lim.FileBytes, err: s.tooLarge("file", s.lim.FileBytes)}
	br := bufio.NewReaderSize(capped, 64<<10)
	if magic, _ := br.Peek(2); bytes.Equal(magic, gzipMagic) {
		zr, err := gzip.NewReader(br)
		if err != nil {
			return nil, s.wrap(s.gzipError(err, false))
		}
		unpacked := &gunzip{src: s, zr: zr}
		br = bufio.NewReaderSize(&capReader{r: unpacked, left: s.lim.UnpackedBytes,
			err: s.tooLarge("unpacked file", s.lim.UnpackedBytes)}, 64<<10)
	}
	return s.decode(br)
}

// begin makes sure that the source is read once.
func (s *Source) begin() error {
	if s.used {
		return fmt.Errorf("%s: was read already", s.name)
	}
	s.used = true
	return nil
}

// Name is the file's name as given to [Open].
func (s *Source) Name() string { return s.name }

// Format is what the content was recognised as.
func (s *Source) Format() Format { return s.format }

// Notes are the remarks so far.
func (s *Source) Notes() []Note { return s.notes }

// Head is the beginning of the decoded text, at most 64 KiB of it. It is only
// valid until the source is read.
func (s *Source) Head() []byte { return s.text.head() }

var gzipMagic = []byte{0x1f, 0x8b}

func (s *Source) errorf(pos Pos, expected, hint string) *Error {
	return &Error{File: s.name, Pos: pos, Expected: expected, Hint: hint}
}

func (s *Source) tooLarge(what string, limit int64) *Error {
	return s.errorf(Pos{}, fmt.Sprintf("%s of more than %s is not read", what, size(limit)), "split the export, for example by resource group")
}

func size(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	default:
		return fmt.Sprintf("%d bytes", n)
	}
}

// capReader refuses to read beyond a number of bytes.
type capReader struct {
	r    io.Reader
	left int64
	err  error
}

func (c *capReader) Read(p []byte) (int, error) {
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1] // one byte more than allowed tells "at the cap" from "beyond"
	}
	n, err := c.r.Read(p)
	if int64(n) > c.left {
		n = int(c.left)
		c.left = 0
		return n, c.err
	}
	c.left -= int64(n)
	return n, err
}

// gunzip turns the errors of compress/gzip into refusals.
type gunzip struct {
	src *Source
	zr  *gzip.Reader
	any bool
}

func (g *gunzip) Read(p []byte) (int, error) {
	n, err := g.zr.Read(p)
	g.any = g.any || n > 0
	if err != nil && err != io.EOF {
		err = g.src.gzipError(err, g.any)
	}
	return n, err
}

func (s *Source) gzipError(err error, started bool) error {
	var own *Error
	var corrupt flate.CorruptInputError
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return s.errorf(Pos{}, "gzip data ended early", "copy or download the file again")
	case errors.Is(err, gzip.ErrHeader) && started:
		return s.errorf(Pos{}, "expected nothing but gzip data after the first member", "pack the file again")
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return s.errorf(Pos{}, "damaged gzip data: "+err.Error(), "copy or download the file again")
	default:
		return err
	}
}

// decode looks at the byte order mark and returns the text as UTF-8, not yet
// checked to be valid.
func (s *Source) decode(br *bufio.Reader) (io.Reader, error) {
	const hint = "save it as UTF-8 (PowerShell: Out-File -Encoding utf8)"
	b, err := br.Peek(4)
	if err != nil && err != io.EOF {
		return nil, s.wrap(err)
	}
	starts := func(mark ...byte) bool { return bytes.HasPrefix(b, mark) }
	switch {
	case starts(0xFF, 0xFE, 0, 0), starts(0, 0, 0xFE, 0xFF):
		return nil, s.errorf(Pos{1, 1}, "expected UTF-8 or UTF-16, not UTF-32", hint)
	case starts(0xEF, 0xBB, 0xBF):
		s.notes = append(s.notes, Note{Text: "starts with a UTF-8 byte order mark", Pos: Pos{1, 1}})
		return br, discard(br, 3)
	case starts(0xFF, 0xFE):
		s.utf16 = true
		s.notes = append(s.notes, Note{Text: "is UTF-16LE (as Windows PowerShell writes with >)", Pos: Pos{1, 1}})
		return &utf16Reader{src: s, br: br}, discard(br, 2)
	case starts(0xFE, 0xFF):
		s.utf16 = true
		s.notes = append(s.notes, Note{Text: "is UTF-16BE", Pos: Pos{1, 1}})
		return &utf16Reader{src: s, br: br, big: true}, discard(br, 2)
	case len(b) >= 4 && b[0] != 0 && b[1] == 0 && b[2] == 0 && b[3] == 0,
		len(b) >= 4 && b[0] == 0 && b[1] == 0 && b[2] == 0 && b[3] != 0:
		return nil, s.errorf(Pos{1, 1}, "expected UTF-8 or UTF-16, not UTF-32", hint)
	case len(b) >= 4 && b[0] != 0 && b[1] == 0 && b[2] != 0 && b[3] == 0,
		len(b) >= 4 && b[0] == 0 && b[1] != 0 && b[2] == 0 && b[3] != 0,
		len(b) >= 2 && len(b) < 4 && (b[0] == 0) != (b[1] == 0):
		return nil, s.errorf(Pos{1, 1}, "expected UTF-8, or UTF-16 with a byte order mark, not UTF-16 without one", hint)
	}
	return br, nil
}

func discard(br *bufio.Reader, n int) error {
	_, err := br.Discard(n)
	return err
}

// wrap names the file in an error of the underlying reader.
func (s *Source) wrap(err error) error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	return fmt.Errorf("%s: %w", s.name, err)
}

// utf16Reader turns UTF-16 code units into UTF-8 and refuses lone surrogates
// and half a unit at the end.
type utf16Reader struct {
	src *Source
	br  *bufio.Reader
	big bool
	out []byte // decoded, not yet handed out
	off int    // of out
	pos Pos    // of the next character; the zero value is the beginning
	cr  bool   // the last character was a carriage return
	err error
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for u.off == len(u.out) {
		if u.err != nil {
			return 0, u.err
		}
		u.out, u.off = u.out[:0], 0
		u.err = u.fill()
	}
	n := copy(p, u.out[u.off:])
	u.off += n
	return n, nil
}

// fill decodes what the underlying buffer holds.
func (u *utf16Reader) fill() error {
	if _, err := u.br.Peek(4); err != nil && err != io.EOF {
		return err
	}
	b, _ := u.br.Peek(u.br.Buffered())
	last := len(b) < 4 // nothing will follow
	if len(b) == 0 {
		return io.EOF
	}
	used := 0
	for len(b)-used >= 2 {
		r, n := rune(u.unit(b[used:])), 2
		if utf16.IsSurrogate(r) {
			if len(b)-used < 4 && !last {
				break
			}
			low := rune(0)
			if len(b)-used >= 4 {
				low = rune(u.unit(b[used+2:]))
			}
			if r, n = utf16.DecodeRune(r, low), 4; r == utf8.RuneError {
				return u.refuse("expected whole characters, not half of a surrogate pair")
			}
		}
		u.advance(r)
		u.out = utf8.AppendRune(u.out, r)
		used += n
	}
	if used == 0 {
		return u.refuse("ended early in the middle of a UTF-16 character")
	}
	return discard(u.br, used)
}

func (u *utf16Reader) unit(b []byte) uint16 {
	if u.big {
		return uint16(b[0])<<8 | uint16(b[1])
	}
	return uint16(b[1])<<8 | uint16(b[0])
}

func (u *utf16Reader) advance(r rune) {
	switch {
	case r == '\n' && u.cr:
	case r == '\n', r == '\r':
		u.pos.Line++
		u.pos.Column = 0
	default:
		u.pos.Column++
	}
	u.cr = r == '\r'
}

func (u *utf16Reader) refuse(expected string) error {
	return u.src.errorf(Pos{u.pos.Line + 1, u.pos.Column + 1}, expected, "copy or export the file again")
}
