package doctree

import (
	"bytes"
	"fmt"
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
		return refuse("expected an export, not a web page", "a sign-in page was saved: sign in and download the file again")
	case bytes.HasPrefix(body, []byte("<Objs")):
		return refuse("expected JSON, YAML or plain XML, not PowerShell CLIXML", "use ConvertTo-Json -Depth 100 instead of Export-Clixml")
	case startsXML(body):
		s.format = XML
	case body[0] == 0x1b:
		return refuse(colours, coloursHint)
	case body[0] == '{', body[0] == '[',
		bytes.HasPrefix(body, []byte("//")), bytes.HasPrefix(body, []byte("/*")): // refused as comments
		s.format = JSON
	case bytes.HasPrefix(body, gzipMagic):
		return refuse(expected+", not gzip inside gzip", "unpack it once")
	case archive(body) != "":
		return refuse(expected+", not "+archive(body), "unpack it first")
	case cliMessage(body):
		return refuse(mixedIn, cliHint)
	case bytes.IndexByte(body, 0) >= 0:
		return refuse(expected+", not binary data", "")
	default:
		s.format = YAML
	}
	return nil
}

// The refusals that more than one format has.
const (
	mixedIn     = "expected an export alone, without messages of the command line"
	cliHint     = "redirect only the output (> file), not the messages (2>&1)"
	colours     = "expected an export without terminal colours"
	coloursHint = "export with -o json, not -o jsonc"
)

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

// startsXML reports whether a text begins with a tag, a declaration or a
// comment.
func startsXML(b []byte) bool {
	if len(b) < 2 || b[0] != '<' {
		return false
	}
	c := b[1]
	return c == '?' || c == '!' || c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= utf8.RuneSelf
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && bytes.EqualFold(b[:len(prefix)], []byte(prefix))
}

// quote shows the beginning of a text in an error: its first line, quoted,
// with everything unprintable escaped and at most 80 characters.
func quote(b []byte) string {
	if i := bytes.IndexAny(b, "\r\n"); i > 0 {
		b = b[:i]
	}
	const most = 80
	out := []byte{'"'}
	for used := 1; len(b) > 0; {
		r, n := utf8.DecodeRune(b)
		var next []byte
		switch {
		case r == utf8.RuneError && n <= 1:
			next = fmt.Appendf(nil, `\x%02x`, b[0])
		case r == '"':
			next = []byte(`\"`)
		case r == '\'':
			next = []byte{'\''}
		default:
			q := strconv.AppendQuoteRune(nil, r)
			next = q[1 : len(q)-1]
		}
		if used += utf8.RuneCount(next); used > most-1 {
			return string(append(out, "…"...))
		}
		out = append(out, next...)
		b = b[n:]
	}
	return string(append(out, '"'))
}

func isEOF(err error) bool { return err == io.EOF }
