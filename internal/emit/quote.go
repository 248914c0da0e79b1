package emit

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hidden reports whether a terminal would not show the rune as itself.
func hidden(r rune) bool { return !unicode.IsPrint(r) }

func anyHidden(s string) bool { return strings.ContainsFunc(s, hidden) || !utf8.ValidString(s) }

// shell quotes a word for a POSIX shell; one with characters that do not print
// becomes the $'…' of bash, ksh and zsh.
func shell(s string) string {
	plain := func(r rune) bool {
		return r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_./:@%+,-", r))
	}
	switch {
	case s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0:
		return s
	case !anyHidden(s):
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\'' || r == '\\':
			b.WriteString(`\` + string(r))
		case !hidden(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\%03o`, r) // three digits: what follows cannot join it
		default:
			for _, c := range []byte(s[i : i+n]) {
				fmt.Fprintf(&b, `\%03o`, c)
			}
		}
		i += n
	}
	b.WriteString("'")
	return b.String()
}

// powershell quotes a string for PowerShell, which takes the typographic
// quotes for quotes too.
func powershell(s string) string {
	if !anyHidden(s) {
		return "'" + doubled(s) + "'"
	}
	var parts []string
	var run strings.Builder
	end := func() {
		if run.Len() > 0 {
			parts = append(parts, "'"+doubled(run.String())+"'")
			run.Reset()
		}
	}
	for _, r := range s {
		switch {
		case !hidden(r):
			run.WriteRune(r)
		case r < 0x10000:
			end()
			parts = append(parts, fmt.Sprintf("[string][char]0x%04x", r))
		default:
			end()
			parts = append(parts, fmt.Sprintf("[char]::ConvertFromUtf32(0x%x)", r))
		}
	}
	end()
	return "(" + strings.Join(parts, " + ") + ")"
}

func doubled(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
		if strings.ContainsRune("'\u2018\u2019\u201a\u201b", r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// escaped writes s between quotes; special is what the form writes for a rune,
// "" for the rune itself, and unicode its escape of one that does not print.
func escaped(quote byte, s string, special func(i int, r rune) string, unicode func(r rune) string) string {
	var b strings.Builder
	b.WriteByte(quote)
	for i, r := range s {
		switch x := special(i, r); {
		case x != "":
			b.WriteString(x)
		case hidden(r):
			b.WriteString(unicode(r))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte(quote)
	return b.String()
}

func utf16Escape(r rune) string {
	if r < 0x10000 {
		return fmt.Sprintf(`\u%04x`, r)
	}
	r -= 0x10000
	return fmt.Sprintf(`\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
}

// arm quotes a string for a template: JSON, in which a text in brackets would
// be an expression.
func arm(s string) string {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		s = "[" + s
	}
	return escaped('"', s, func(_ int, r rune) string {
		switch r {
		case '"', '\\':
			return `\` + string(r)
		}
		return ""
	}, utf16Escape)
}

// bicep quotes a string for Bicep.
func bicep(s string) string {
	return escaped('\'', s, func(i int, r rune) string {
		switch {
		case r == '\'' || r == '\\':
			return `\` + string(r)
		case r == '$' && strings.HasPrefix(s[i:], "${"):
			return `\$`
		}
		return ""
	}, func(r rune) string { return fmt.Sprintf(`\u{%x}`, r) })
}

// hcl quotes a string for Terraform.
func hcl(s string) string {
	return escaped('"', s, func(i int, r rune) string {
		switch {
		case r == '"' || r == '\\':
			return `\` + string(r)
		case (r == '$' || r == '%') && strings.HasPrefix(s[i+1:], "{"):
			if i > 0 && s[i-1] == s[i] {
				return fmt.Sprintf(`\u%04x`, r) // which of three is the escape is hard to see
			}
			return string(r) + string(r)
		}
		return ""
	}, func(r rune) string {
		if r < 0x10000 {
			return fmt.Sprintf(`\u%04x`, r)
		}
		return fmt.Sprintf(`\U%08x`, r)
	})
}

// identifier makes a name of letters, digits and underscores that differs
// from those taken.
func identifier(s string, taken map[string]bool) string {
	var b strings.Builder
	for _, r := range s {
		if r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			b.WriteRune(unicode.ToLower(r))
		} else {
			b.WriteByte('_')
		}
	}
	base := b.String()
	if base == "" || !unicode.IsLetter(rune(base[0])) {
		base = "x" + base
	}
	name := base
	for n := 2; taken[name]; n++ {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	taken[name] = true
	return name
}
