package doctree

import (
	"bytes"
	"io"
	"strconv"
	"unicode/utf8"
)

// sniff recognises the format by the first characters and refuses what people
// save by mistake in place of an export.
func (s *Source) sniff() error {
	head := s.text.head()
	if s.text.err != nil && !isEOF(s.text.err) && len(head) == 0 {
		return s.wrap(s.text.err)
	}
	blank := len(head) - len(bytes.TrimLeft(head, " \t\r\n\ufeff"))
	body := head[blank:]
	pos := positionIn(head, blank)
	refuse := func(expected, hint string) error {
		return &Error{File: s.name, Pos: pos, Found: quote(body), Expected: expected, Hint: hint}
	}
	const expected = "expected JSON, YAML or XML"
	switch {
	case len(body) == 0 && isEOF(s.text.err):
		return s.errorf(Pos{1, 1}, "is empty", "export it again; an az command that finds nothing prints []")
	case len(body) == 0:
		return s.errorf(Pos{1, 1}, "begins with more than 64 KiB of blanks", "export it again")
	case hasPrefixFold(body, "<!doctype html"), hasPrefixFold(body, "<html"):
		return refuse("expected an export, found a web page", "a sign-in page was saved: sign in and download the file again")
	case bytes.HasPrefix(body, []byte("<Objs")):
		return refuse("expected JSON, YAML or plain XML, found PowerShell CLIXML", "use ConvertTo-Json -Depth 100 instead of Export-Clixml")
	case body[0] == '<':
		s.format = XML
	case body[0] == 0x1b:
		return refuse("expected an export, found terminal colours", "export with -o json, not -o jsonc")
	case (body[0] == '{' || body[0] == '[') && colouredWithin(body):
		return refuse("expected an export, found terminal colours", "export with -o json, not -o jsonc")
	case body[0] == '{', body[0] == '[':
		s.format = JSON
	case bytes.HasPrefix(body, gzipMagic):
		return refuse(expected+", found gzip inside gzip", "unpack it once")
	case archive(body) != "":
		return refuse(expected+", found "+archive(body), "unpack it first")
	case cliMessage(body):
		return refuse("expected an export, found messages of the command line mixed in", cliHint)
	case bytes.IndexByte(body, 0) >= 0:
		return refuse(expected+", found binary data", "")
	default:
		s.format = YAML
	}
	return nil
}

const cliHint = "redirect only the output (> file), not the messages (2>&1)"

// archive names a packed format that is not read.
func archive(b []byte) string {
	for _, a := range []struct{ magic, name string }{
		{"PK\x03\x04", "a zip archive"},
		{"PK\x05\x06", "an empty zip archive"},
		{"\xfd7zXZ\x00", "an xz archive"},
		{"BZh", "a bzip2 archive"},
		{"\x28\xb5\x2f\xfd", "a zstd archive"},
		{"7z\xbc\xaf\x27\x1c", "a 7z archive"},
	} {
		if bytes.HasPrefix(b, []byte(a.magic)) {
			return a.name
		}
	}
	return ""
}

// cliMessage reports whether a text begins with what az, Az PowerShell and
// their shells print beside their output.
func cliMessage(b []byte) bool {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	line = bytes.TrimSpace(line)
	for _, p := range []string{
		"WARNING:", "ERROR:", "CRITICAL:", "DEBUG:", "INFO:", "az : ", "az.cmd : ",
		"Command group '", "This command is in preview", "This command group is in preview",
		"This command is experimental", "Argument '", "Option '", "The behavior of this command",
		"Please run 'az login'", "You have ", "A new Bicep release", "In cmdlet ", "Upcoming breaking changes",
	} {
		if hasPrefixFold(line, p) {
			return true
		}
	}
	return false
}

// colouredWithin reports a colour sequence right after the opening bracket, as
// -o jsonc writes it.
func colouredWithin(body []byte) bool {
	rest := bytes.TrimLeft(body[1:], " \t\r\n")
	return len(rest) > 1 && rest[0] == 0x1b && rest[1] == '['
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && bytes.EqualFold(b[:len(prefix)], []byte(prefix))
}

// positionIn is the place of an offset in a text that is held whole.
func positionIn(b []byte, off int) Pos {
	off = min(max(off, 0), len(b))
	line, start := 1, 0
	for i := 0; i < off; i++ {
		if b[i] == '\n' || b[i] == '\r' && (i+1 == len(b) || b[i+1] != '\n') {
			line, start = line+1, i+1
		}
	}
	return Pos{Line: line, Column: utf8.RuneCount(b[start:off]) + 1}
}

// quote shows the beginning of a text in an error: its first line, quoted,
// with everything unprintable escaped and at most 80 characters.
func quote(b []byte) string {
	if i := bytes.IndexAny(b, "\r\n"); i > 0 {
		b = b[:i]
	}
	const most = 80
	out := make([]byte, 0, most)
	out = append(out, '"')
	cut := false
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		var next []byte
		switch {
		case r == utf8.RuneError && n <= 1:
			next = append(next, '\\', 'x', hexDigits[b[0]>>4], hexDigits[b[0]&15])
		default:
			q := strconv.AppendQuoteRune(nil, r)
			next = q[1 : len(q)-1]
			if r == '"' {
				next = []byte(`\"`)
			} else if r == '\'' {
				next = []byte(`'`)
			}
		}
		if utf8.RuneCount(out)+utf8.RuneCount(next) > most-2 {
			cut = true
			break
		}
		out = append(out, next...)
		b = b[n:]
	}
	if cut {
		out = append(out, "…"...)
		return string(out)
	}
	return string(append(out, '"'))
}

const hexDigits = "0123456789abcdef"

func isEOF(err error) bool { return err == io.EOF }
