package doctree

import (
	"bytes"
	"io"
)

// maxPlainBytes bounds a file of settings, which is held whole.
const maxPlainBytes = 4 << 20

// Lines reads a file of plain lines, such as a guest's configuration: it
// unpacks gzip and decodes UTF-8 and UTF-16 as [Open] does, and refuses what
// is empty, too large, not text or ended early with an *Error. A line ends
// with LF, CRLF or a lone CR, which is not part of it. The name is only used in
// messages.
func Lines(name string, r io.Reader, lim Limits) ([]string, []Note, error) {
	s := &Source{name: name, lim: lim.orDefaults()}
	decoded, err := s.unpack(r)
	if err != nil {
		return nil, nil, err
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(io.LimitReader(decoded, maxPlainBytes+1)); err != nil {
		return nil, nil, s.wrap(err)
	}
	text := b.Bytes()
	switch {
	case len(text) > maxPlainBytes:
		return nil, nil, s.errorf(Pos{}, "file of settings of more than "+size(maxPlainBytes)+" is not read", "")
	case len(bytes.TrimSpace(text)) == 0:
		return nil, nil, s.errorf(Pos{1, 1}, "is empty", "copy it again, or leave it out if it is empty on the machine")
	}
	if err := s.checkText(text); err != nil {
		return nil, nil, err
	}
	return splitLines(text), s.notes, nil
}

func splitLines(text []byte) []string {
	var out []string
	for len(text) > 0 {
		i := bytes.IndexAny(text, "\r\n")
		if i < 0 {
			return append(out, string(text))
		}
		out = append(out, string(text[:i]))
		if text[i] == '\r' && i+1 < len(text) && text[i+1] == '\n' {
			i++
		}
		text = text[i+1:]
	}
	return out
}
