package doctree

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// wide is a text in UTF-16LE with its byte order mark.
func wide(text string) string {
	var b strings.Builder
	b.WriteString("\xff\xfe")
	for _, u := range utf16.Encode([]rune(text)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

func TestLinesEndWithLineFeedCarriageReturnOrBoth(t *testing.T) {
	for _, text := range []string{"a\nb\n\nc\n", "a\r\nb\r\n\r\nc", "a\rb\r\rc\r", "\ufeffa\nb\r\n\rc", wide("a\r\nb\r\n\r\nc\r\n")} {
		got, _, err := Lines("f", strings.NewReader(text), Limits{})
		if d := cmp.Diff([]string{"a", "b", "", "c"}, got); d != "" || err != nil {
			t.Errorf("%q: %v\n%s", text, err, d)
		}
	}
}

func TestLinesRefuseWhatIsNoText(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "is empty"},
		{"blank", " \r\n\t", "is empty"},
		{"invalid UTF-8", "a=b\n\xe9=c\n", "expected UTF-8"},
		{"a control byte", "a=\x00\n", "control characters"},
		{"UTF-16 without a mark", "a\x00b\x00c\x00", "UTF-16 with a byte order mark"},
		{"cut-off gzip", "\x1f\x8b\x08\x00", "gzip data ended early"},
		{"half a character", wide("ab") + "c", ""},
		{"too large", strings.Repeat("a", maxPlainBytes+1), "more than 4 MiB"},
	} {
		_, _, err := Lines("f", strings.NewReader(tt.text), Limits{})
		var de *Error
		if !errors.As(err, &de) || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "f") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
