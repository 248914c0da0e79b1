package emit

import (
	"encoding/json"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

// hostile are names that would do harm, or break a text, if they were not
// quoted as data.
var hostile = []string{
	"plain", "two words", "it's", `say "x"`, "$(id)", "`id`", "${env}", "$${x}", "%{if}", "%%{x}", "a\nb", "a\r\nb", "\x1b[31m", "back\\slash", `\u0041`, "[concat('x')]", "[[x]]", "[x",
	"\u2018\u2019\u201a\u201b", "a';rm -rf /;'", "\u202egnp", "é€😀", "\U000e0001", "a\x007", "\t", "!history", "#", "~", "*", "''", "$'", "a`n", "-o", "{}",
}

func names(t *testing.T, check func(t *testing.T, s string)) {
	t.Helper()
	for _, s := range hostile {
		check(t, s)
	}
	rapid.Check(t, func(r *rapid.T) {
		s := rapid.StringOf(rapid.SampledFrom([]rune("a1'\"$`\\{}%[]\n\x1b\u2019\u202e😀 "))).Draw(r, "name")
		check(t, s)
	})
}

func TestAShellReadsTheNameBack(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash on this machine to read the quoted names with")
	}
	var script strings.Builder
	list := append([]string{}, hostile...)
	for _, s := range list {
		script.WriteString("printf '%s\\0' " + shell(strings.ReplaceAll(s, "\x00", "")) + "\n")
	}
	out, err := exec.Command(bash, "-c", script.String()).Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(string(out), "\x00")
	for i, s := range list {
		if want := strings.ReplaceAll(s, "\x00", ""); got[i] != want {
			t.Errorf("%q is quoted %s, which is read as %q", want, shell(want), got[i])
		}
	}
}

// readPowerShell reads what powershell writes, by the language's rules.
func readPowerShell(t *testing.T, q string) string {
	t.Helper()
	var b strings.Builder
	quote := func(r rune) bool { return strings.ContainsRune("'\u2018\u2019\u201a\u201b", r) }
	rs := []rune(strings.TrimSuffix(strings.TrimPrefix(q, "("), ")"))
	for i := 0; i < len(rs); {
		rest := string(rs[i:])
		switch {
		case quote(rs[i]):
			for i++; ; i++ {
				if i == len(rs) {
					t.Fatalf("%s does not end", q)
				}
				if quote(rs[i]) {
					if i+1 == len(rs) || !quote(rs[i+1]) {
						break
					}
					i++
				}
				b.WriteRune(rs[i])
			}
			i++
		case strings.HasPrefix(rest, " + "):
			i += 3
		case strings.HasPrefix(rest, "[string][char]0x"):
			n, err := strconv.ParseUint(rest[16:20], 16, 32)
			if err != nil {
				t.Fatal(q, err)
			}
			b.WriteRune(rune(n))
			i += 20
		case strings.HasPrefix(rest, "[char]::ConvertFromUtf32(0x"):
			digits, _, _ := strings.Cut(rest[27:], ")")
			n, err := strconv.ParseUint(digits, 16, 32)
			if err != nil {
				t.Fatal(q, err)
			}
			b.WriteRune(rune(n))
			i += 28 + len(digits)
		default:
			t.Fatalf("%s: %q is no part of a string", q, rest)
		}
	}
	return b.String()
}

func TestPowerShellReadsTheNameBack(t *testing.T) {
	names(t, func(t *testing.T, s string) {
		if got := readPowerShell(t, powershell(s)); got != s {
			t.Errorf("%q is quoted %s, which is read as %q", s, powershell(s), got)
		}
	})
}

func TestATemplateReadsTheNameBack(t *testing.T) {
	names(t, func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal([]byte(arm(s)), &got); err != nil {
			t.Fatalf("%s: %v", arm(s), err)
		}
		if strings.HasPrefix(got, "[") && strings.HasSuffix(got, "]") {
			if !strings.HasPrefix(got, "[[") {
				t.Errorf("%q is an expression: %s", s, got)
			}
			got = got[1:]
		}
		if got != s {
			t.Errorf("%q is quoted %s, which is read as %q", s, arm(s), got)
		}
	})
}

// readEscaped reads a text between quotes with backslash escapes; a bare
// opener of an expression is a mistake.
func readEscaped(t *testing.T, q string, openers string, doubles bool) string {
	t.Helper()
	rs := []rune(q)
	quote := rs[0]
	var b strings.Builder
	hex := func(i, n int) (rune, int) {
		v, err := strconv.ParseUint(string(rs[i:i+n]), 16, 32)
		if err != nil {
			t.Fatal(q, err)
		}
		return rune(v), i + n
	}
	for i := 1; i < len(rs)-1; {
		switch r := rs[i]; {
		case r == quote:
			t.Fatalf("%s ends early", q)
		case r == '\\':
			switch x := rs[i+1]; {
			case x == 'u' && rs[i+2] == '{':
				end := i + 3
				for rs[end] != '}' {
					end++
				}
				v, _ := hex(i+3, end-i-3)
				b.WriteRune(v)
				i = end + 1
			case x == 'u':
				v, next := hex(i+2, 4)
				if utf16.IsSurrogate(v) {
					low, after := hex(next+2, 4)
					v, next = utf16.DecodeRune(v, low), after
				}
				b.WriteRune(v)
				i = next
			case x == 'U':
				v, next := hex(i+2, 8)
				b.WriteRune(v)
				i = next
			default:
				b.WriteRune(x)
				i += 2
			}
		case strings.ContainsRune(openers, r) && doubles && rs[i+1] == r && rs[i+2] == '{':
			b.WriteRune(r)
			i += 2
		case strings.ContainsRune(openers, r) && rs[i+1] == '{':
			t.Fatalf("%s holds an expression", q)
		default:
			if r < 0x20 {
				t.Fatalf("%q holds a bare control character", q)
			}
			b.WriteRune(r)
			i++
		}
	}
	return b.String()
}

func TestBicepReadsTheNameBack(t *testing.T) {
	names(t, func(t *testing.T, s string) {
		if got := readEscaped(t, bicep(s), "$", false); got != s {
			t.Errorf("%q is quoted %s, which is read as %q", s, bicep(s), got)
		}
	})
}

func TestTerraformReadsTheNameBack(t *testing.T) {
	names(t, func(t *testing.T, s string) {
		if got := readEscaped(t, hcl(s), "$%", true); got != s {
			t.Errorf("%q is quoted %s, which is read as %q", s, hcl(s), got)
		}
	})
}

func TestNothingThatDoesNotPrintReachesATerminal(t *testing.T) {
	for _, s := range hostile {
		for form, q := range map[string]string{"shell": shell(s), "PowerShell": powershell(s), "ARM": arm(s), "Bicep": bicep(s), "Terraform": hcl(s)} {
			if strings.ContainsFunc(q, hidden) {
				t.Errorf("%s writes %q as %q", form, s, q)
			}
		}
	}
}
