package doctree

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

func gz(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

func utf16le(text string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

func utf16be(text string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return string(b)
}

// Each input is refused with exactly this message; rows are those of the list
// of bad inputs.
var refusals = []struct {
	row   string
	input string
	want  string
}{
	// Any format.
	{"1 empty", "", `f:1:1: is empty; export it again; an az command that finds nothing prints []`},
	{"1 blank", " \r\n\t\n", `f:1:1: is empty; export it again; an az command that finds nothing prints []`},
	{"1 only a mark", "\xef\xbb\xbf", `f:1:1: is empty; export it again; an az command that finds nothing prints []`},
	{"5 UTF-16LE without a mark", utf16le(`[{"a":1}]`), `f:1:1: expected UTF-8, or UTF-16 with a byte order mark, not UTF-16 without one; save it as UTF-8 (PowerShell: Out-File -Encoding utf8)`},
	{"5 UTF-16BE without a mark", utf16be(`[]`), `f:1:1: expected UTF-8, or UTF-16 with a byte order mark, not UTF-16 without one; save it as UTF-8 (PowerShell: Out-File -Encoding utf8)`},
	{"5 UTF-32LE", "\xff\xfe\x00\x00[\x00\x00\x00]\x00\x00\x00", `f:1:1: expected UTF-8 or UTF-16, not UTF-32; save it as UTF-8 (PowerShell: Out-File -Encoding utf8)`},
	{"5 UTF-32BE", "\x00\x00\xfe\xff\x00\x00\x00[\x00\x00\x00]", `f:1:1: expected UTF-8 or UTF-16, not UTF-32; save it as UTF-8 (PowerShell: Out-File -Encoding utf8)`},
	{"5 UTF-32LE without a mark", "[\x00\x00\x00]\x00\x00\x00", `f:1:1: expected UTF-8 or UTF-16, not UTF-32; save it as UTF-8 (PowerShell: Out-File -Encoding utf8)`},
	{"5 UTF-32BE without a mark", "\x00\x00\x00[\x00\x00\x00]", `f:1:1: expected UTF-8 or UTF-16, not UTF-32; save it as UTF-8 (PowerShell: Out-File -Encoding utf8)`},
	{"5 half a surrogate pair", "\xff\xfe" + "[\x00\"\x00a\x00\x00\xd8\"\x00]\x00", `f:1:4: expected whole characters, not half of a surrogate pair; copy or export the file again`},
	{"9 half a UTF-16 character", "\xff\xfe" + utf16le("[\n") + "]", `f:2:1: ended early in the middle of a UTF-16 character; copy or export the file again`},
	{"6 cp1252 in JSON", "[{\n\"name\": \"K\xf6ln\"}]", `f:2:11 (/0/name): expected UTF-8 at byte 13, found "\xf6ln\"}]"; save the file as UTF-8`},
	{"6 cp1252 in YAML", "a: b\nname: K\xf6ln\n", `f:2:8: expected UTF-8, found "\xf6" at byte 12; save the file as UTF-8`},
	{"6 cp1252 in XML", "<a>\n<b>K\xf6ln</b></a>", `f:2:5: expected UTF-8, found "\xf6" at byte 8; save the file as UTF-8`},
	{"7 NUL in JSON", "{\"a\": \"b\x00c\"}", `f:1:9 (/a): expected text without control characters, found "\x00c\"}"; a line break inside a text is written \n`},
	{"7 escaped NUL in JSON", `{"a": "b\u0000c"}`, `f:1:7 (/a): expected text without NUL characters, found "\"b\\u0000c\""`},
	{"7 control byte in a key of JSON", `[{"a\u001b[31m": 1}]`, `f:1:3 (/0): expected a name without control characters, found "\"a\\u001b[31m\""`},
	{"7 control byte in YAML", "a: b\x1b[31m\n", `f:1:5: expected text without control characters, found "\x1b"`},
	{"7 escaped NUL in YAML", "a:\n  b: \"x\\0y\"\n", `f:2:6 (/a/b): expected text without NUL characters, found "x\x00y"`},
	{"7 control byte in a key of YAML", `{"a": {"b\u0007": 1}}`, `f:1:8 (/a): expected a name without control characters, found "\"b\\u0007\""`},
	{"7 escaped control byte in a key of YAML", "a:\n  \"b\\x07\": 1\n", `f:2:3 (/a): expected a name without control characters, found "b\a"`},
	{"7 control byte in XML", "<a>\x07</a>", `f:1:4: expected text without control characters, found "\x07"`},
	{"9 JSON cut off", "[{\"a\": [1,\n 2", `f:2:3 (/0/a/1): ended early: expected the rest of the JSON; the export was cut off: export it again`},
	{"9 JSON cut off in a text", `{"value": [{"name": "nsg`, `f:1:25 (/value/0/name): ended early: expected the rest of the JSON; the export was cut off: export it again`},
	{"9 JSON cut off between elements", `[{},`, `f:1:5 (/1): ended early: expected the rest of the JSON; the export was cut off: export it again`},
	{"10 gzip cut off", gz("[" + strings.Repeat(`{"a":1},`, 100))[:30], `f: gzip data ended early; copy or download the file again`},
	{"10 gzip header cut off", "\x1f\x8b\x08", `f: gzip data ended early; copy or download the file again`},
	{"11 gzip and garbage", gz(`[]`) + "some garbage after it", `f: expected nothing but gzip data after the first member; pack the file again`},
	{"11 gzip and a little garbage", gz(`[]`) + "x", `f: gzip data ended early; copy or download the file again`},
	{"11 damaged gzip", gz(`[]`)[:20] + "\x00\x00\x00\x00\x00\x00\x00\x00", `f: damaged gzip data: gzip: invalid checksum; copy or download the file again`},
	{"11 gzip in gzip", gz(gz(`[]`)), `f:1:1: expected JSON, YAML or XML, not gzip inside gzip, found "\x1f\x8b\b\x00\x00\x00\x00\x00\x00\xff\x8a\x8e\x05\x04\x00\x00\xff\xff)\xbbL"; unpack it once`},
	{"26 sign-in page", "\n<!DOCTYPE html>\n<html lang=\"en\">", `f:2:1: expected an export, not a web page, found "<!DOCTYPE html>"; a sign-in page was saved: sign in and download the file again`},
	{"26 page without a doctype", "<HTML><head>", `f:1:1: expected an export, not a web page, found "<HTML><head>"; a sign-in page was saved: sign in and download the file again`},
	{"27 warning before JSON", "WARNING: This command is in preview\n[{}]", `f:1:1: expected an export alone, without messages of the command line, found "WARNING: This command is in preview"; redirect only the output (> file), not the messages (2>&1)`},
	{"27 another message before JSON", "/usr/lib/az/x.py:1: UserWarning\n{\"a\":1}", `f:1:1: expected an export alone, without messages of the command line, found "/usr/lib/az/x.py:1: UserWarning"; redirect only the output (> file), not the messages (2>&1)`},
	{"27 warning after JSON", "[]\nWARNING: You have 2 updates available.", `f:2:1: expected an export alone, without messages of the command line, found "WARNING: You have 2 updates available."; redirect only the output (> file), not the messages (2>&1)`},
	{"27 warning within JSON", "[\nWARNING: retrying\n{}]", `f:2:1 (/0): expected an export alone, without messages of the command line, found "WARNING: retrying"; redirect only the output (> file), not the messages (2>&1)`},
	{"28 colours", "\x1b[39m[\x1b[39m", `f:1:1: expected an export without terminal colours, found "\x1b[39m[\x1b[39m"; export with -o json, not -o jsonc`},
	{"28 colours within", "{\n  \x1b[94m\"id\"\x1b[39;49;00m: 1}", `f:2:3: expected an export without terminal colours, found "\x1b[94m\"id\"\x1b[39;49;00m: 1}"; export with -o json, not -o jsonc`},
	{"31 zip archive", "PK\x03\x04\x14\x00", `f:1:1: expected JSON, YAML or XML, not a zip archive, found "PK\x03\x04\x14\x00"; unpack it first`},
	{"31 binary", "\x7fELF\x02\x01\x01\x00\x00", `f:1:1: expected JSON, YAML or XML, not binary data, found "\x7fELF\x02\x01\x01\x00\x00"`},
	{"31 plain text", "hello world\n", `f:1:1: expected JSON, YAML or XML with an object or a list at the top, found "hello world"`},

	// JSON.
	{"33 duplicate key", "[{\"access\": \"Deny\",\n  \"access\": \"Allow\"}]", `f:2:3 (/0/access): expected each key once (line 1, column 3 has "access"), found "access"; remove one of the two`},
	{"33 duplicate key deep in the envelope", `{"value": [], "x": {"a": [{"b/c": 1, "b/c": 2}]}}`, `f:1:38 (/x/a/0/b~1c): expected each key once (line 1, column 28 has "b/c"), found "b/c"; remove one of the two`},
	{"33 duplicate key written with an escape", `{"a": 1, "\u0061": 2}`, `f:1:10 (/a): expected each key once (line 1, column 2 has "a"), found "a"; remove one of the two`},
	{"34 keys equal when folded", `[{"Access": 1, "access": 2}]`, `f:1:16 (/0/access): expected keys that differ in more than letter case (line 1, column 3 has "Access"), found "access"; remove one of the two`},
	{"34 keys equal when folded outside ASCII", `[{"access": 1, "acceſs": 2}]`, `f:1:16 (/0/acceſs): expected keys that differ in more than letter case (line 1, column 3 has "access"), found "acceſs"; remove one of the two`},
	{"34 keys equal when folded outside ASCII, reversed", `[{"acceſs": 1, "ACCESS": 2}]`, `f:1:16 (/0/ACCESS): expected keys that differ in more than letter case (line 1, column 3 has "acceſs"), found "ACCESS"; remove one of the two`},
	{"36 NaN", `[{"a": NaN}]`, `f:1:8 (/0/a): expected a number, found "NaN}]"; JSON has no NaN and no Infinity`},
	{"36 Infinity", `[Infinity]`, `f:1:2 (/0): expected a number, found "Infinity]"; JSON has no NaN and no Infinity`},
	{"36 -Infinity", `[-Infinity]`, `f:1:2 (/0): expected a number, found "-Infinity]"; JSON has no NaN and no Infinity`},
	{"37 line comment", "[1, // one\n2]", `f:1:5 (/1): expected JSON without comments, found "// one"; remove the comments`},
	{"37 block comment", `{/* x */"a":1}`, `f:1:2: expected JSON without comments, found "/* x */\"a\":1}"; remove the comments`},
	{"37 comment at the beginning", "// mine\n{\"a\":1}", `f:1:1: expected JSON without comments, found "// mine"; remove the comments`},
	{"37 comment at the end", "[]\n// done", `f:2:1: expected JSON without comments, found "// done"; remove the comments`},
	{"37 trailing comma in a list", "[1,\n]", `f:2:1 (/1): expected a value after the comma, found "]"; remove the trailing comma`},
	{"37 trailing comma in an object", `{"a":1,}`, `f:1:8: expected a value after the comma, found "}"; remove the trailing comma`},
	{"37 trailing comma deep in an element", `{"value":[{"a":[{"b":1,}]}]}`, `f:1:24 (/value/0/a/0): expected a value after the comma, found "}]}]}"; remove the trailing comma`},
	{"37 single-quoted key", `{'a':1}`, `f:1:2: expected double quotes, found "'a':1}"; JSON has no single quotes`},
	{"37 single-quoted value", `{"a":'x'}`, `f:1:6 (/a): expected double quotes, found "'x'}"; JSON has no single quotes`},
	{"37 bare key", `{a:1}`, `f:1:2: expected a key in double quotes, found "a:1}"; YAML in brackets must begin with a line of ---`},
	{"37 Python literals", `{"a":True}`, `f:1:6 (/a): expected true, false or null, found "True}"; write JSON, not Python`},
	{"37 literal cut short", `[nul]`, `f:1:2 (/0): expected a value, found "nul]"; text needs double quotes`},
	{"38 leading zero", `[0443]`, `f:1:2: expected a number as JSON writes it, found "0443]"; no leading zero, no plus sign, no other base`},
	{"38 leading zero of a member", `[{"a": {"b": 0443}}]`, `f:1:14 (/0/a/b): expected a number as JSON writes it, found "0443}}]"; no leading zero, no plus sign, no other base`},
	{"38 hexadecimal", `[0x50]`, `f:1:2: expected a number as JSON writes it, found "0x50]"; no leading zero, no plus sign, no other base`},
	{"38 plus sign", `[+80]`, `f:1:2 (/0): expected a number as JSON writes it, found "+80]"; no leading zero, no plus sign, no other base`},
	{"38 fraction without digits", `[1.]`, `f:1:2 (/0): expected a number as JSON writes it, found "1.]"; no leading zero, no plus sign, no other base`},
	{"41 lone surrogate", `["a\ud800b"]`, `f:1:4 (/0): expected whole characters, not half of a surrogate pair, found "\\ud800b\"]"`},
	{"42 invalid escape", `["C:\x"]`, `f:1:5 (/0): expected a valid escape, found "\\x\"]"; a backslash is written \\`},
	{"45 depth 101", strings.Repeat("[", 101) + strings.Repeat("]", 101), `f:1:101 (` + strings.Repeat("/0", 100) + `): expected at most 100 levels of nesting; export the resources themselves`},
	{"45 depth 20000", strings.Repeat("[", 20000), `f:1:10001 (` + strings.Repeat("/0", 100) + `…): expected at most 100 levels of nesting; export the resources themselves`},
	{"45 depth 101 in an envelope", `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, `f:1:105 (/a` + strings.Repeat("/0", 99) + `): expected at most 100 levels of nesting; export the resources themselves`},
	{"49 two values", `[1] [2]`, `f:1:5: expected nothing after the JSON value, found "[2]"`},
	{"49 stray bracket", `{}}`, `f:1:3: expected nothing after the JSON value, found "}"`},
	{"50 JSON Lines", "{\"a\":1}\n{\"b\":2}\n", `f:2:1: expected nothing after the JSON value, found "{\"b\":2}"; JSON Lines are not read here: put the objects into one list, or into files of their own`},
	{"9 missing comma in a list", `[1 2]`, `f:1:4: expected a comma or ] after the value, found "2]"`},
	{"9 missing comma in an object", `{"a":1 "b":2}`, `f:1:8: expected a comma or } after the value, found "\"b\":2}"`},
	{"9 missing colon", `{"a" 1}`, `f:1:6 (/a): expected a colon after the key, found "1}"`},
	{"9 wrong bracket", `[12}`, `f:1:4: expected a comma or ] after the value, found "}"`},

	// YAML.
	{"59 alias bomb", "a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e]\n",
		`f:1:12 (/e/7/0/7/5/2): expected aliases that stand for at most 100000 values; write the values out`},
	{"60 alias that contains itself", "a: &x\n  - 1\n  - *x\n", `f:3:5 (/a/1): expected an alias that does not contain itself, found "*x"; write the value out`},
	{"60 alias that contains itself below", "a: &x {b: {c: [*x]}}\n", `f:1:16 (/a/b/c/0): expected an alias that does not contain itself, found "*x"; write the value out`},
	{"61 merge key", "a: &x {b: 1}\nc:\n  <<: *x\n", `f:3:3 (/c): expected no merge keys, found "<<"; write the members out`},
	{"62 duplicate key", "a:\n  b: 1\n  c: 2\n  b: 3\n", `f:4:3 (/a/b): expected each key once (line 2, column 3 has "b"), found "b"; remove one of the two`},
	{"62 duplicate key in flow style", "x: {a: 1, a: 2}", `f:1:11 (/x/a): expected each key once (line 1, column 5 has "a"), found "a"; remove one of the two`},
	{"63 Access beside access", "r:\n- access: Deny\n  Access: Allow\n", `f:3:3 (/r/0/Access): expected keys that differ in more than letter case (line 2, column 3 has "access"), found "Access"; remove one of the two`},
	{"65 !!binary", "a: !!binary aGk=\n", `f:1:4 (/a): expected a value without a tag, found "!!binary"; remove the tag`},
	{"65 !!python", "a: !!python/object:os.x {}\n", `f:1:4 (/a): expected a value without a tag, found "!!python/object:os.x"; remove the tag`},
	{"65 own tag", "a:\n  - !mine [1]\n", `f:2:5 (/a/0): expected a value without a tag, found "!mine"; remove the tag`},
	{"65 tagged key", "!!int 1: a\n", `f:1:1: expected a key without a tag, found "!!int"; remove the tag`},
	{"66 bare star", "a: 1\nport: *\n", `f:2:7: expected a value, found "*"; a text that begins with * must be quoted: quote it ("*")`},
	{"66 bare star in a flow list", "a: 1\nports: [80, *]\n", `f:2:13: expected a value, found "*]"; a text that begins with * must be quoted: quote it ("*")`},
	{"66 bare star in a list", "ports:\n  - 80\n  - *\n  - 81\n", `f:3:5: expected a value, found "*"; a text that begins with * must be quoted: quote it ("*")`},
	{"66 wildcard host", "hosts:\n- *.blob.core.windows.net\n", `f:2:3: expected a value, found "*.blob.core.windows.net"; a text that begins with * must be quoted: quote it ("*")`},
	{"66 star and word", "a: 1\nb: *all\n", `f:2:4: expected a value, found "*all"; a text that begins with * must be quoted: quote it ("*")`},
	{"67 tab indent", "a:\n\tb: 1\n", `f:2:1: expected spaces, found a tab in the indentation, found "b: 1"; indent with spaces`},
	{"67 tab indent further down", "a: 1\nb:\n  c: 2\n\td: 3\n", `f:4:1: expected spaces, found a tab in the indentation, found "d: 3"; indent with spaces`},
	{"70 complex key", "? [a, b]\n: c\n", `f:1:3: expected a key that is plain text; lists and mappings cannot be keys`},
	{"70 alias as a key", "a: &x b\n*x : c\n", `f:2:1: expected a key, found "*x"; if the text is meant, quote it: "*…"`},
	{"70 depth 101", "a: " + strings.Repeat("[", 100) + strings.Repeat("]", 100), `f:1:103 (/a` + strings.Repeat("/0", 99) + `): expected at most 100 levels of nesting`},
	{"70 depth 20000", "a: " + strings.Repeat("[", 20000), `f:1:1: expected at most 100 levels of nesting`},
	{"70 another version", "%YAML 3.0\n---\na: 1\n", `f:1:1: expected YAML 1.2, found "%YAML 3.0"`},
	{"9 wrong indentation", "a:\n  b: 1\n c: 2\nd: 3\n", `f:3:2: expected key, found "c: 2"; check the indentation and the brackets`},
	{"9 list beside mapping", "a: 1\nb:\n  - x\n  y: 2\nc: 1\n", `f:4:3: expected '-' indicator, found "y: 2"; check the indentation and the brackets`},
	{"9 two colons", "a: 1\nb: c: d\n", `f:2:1: expected no second colon on the line, found "b: c: d"; quote the text, or indent the key like its siblings`},
	{"9 quote never closed", "a: 1\nb: \"x\nc: 2\n", `f:2:1: ended early: expected the closing quote, found "b: \"x"; the file was cut off or a quote is missing`},
	{"1 only comments", "# nothing\n", `f:1:1: holds no document; export it again`},
	{"1 only empty documents", "---\n---\n", `f:1:1: holds no document; export it again`},

	// XML.
	{"71 DOCTYPE", "<?xml version=\"1.0\"?>\n<!DOCTYPE lolz [<!ENTITY lol \"lol\">]>\n<a>&lol;</a>", `f:2:1: expected XML without a DOCTYPE, found "<!DOCTYPE lolz [<!ENTITY lol \"lol\">]>"; remove it; entities and external files are never read`},
	{"72 external entity", "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", `f:1:1: expected XML without a DOCTYPE, found "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"; remove it; entities and external files are never read`},
	{"72 unknown entity", "<a>\n<b>&x;</b></a>", `f:2:7 (/a/b[1]): expected only the entities of XML itself, found "&x;"; write the text out; entities are never expanded`},
	{"73 declared encoding", `<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, `f:1:1: expected the declared encoding to be that of the file, UTF-8, found "ISO-8859-1"; save the file as UTF-8 and declare it so`},
	{"73 utf-16 declared, UTF-8 written", `<?xml version="1.0" encoding="utf-16"?><a/>`, `f:1:1: expected the declared encoding to be that of the file, UTF-8, found "utf-16"; save the file as UTF-8 and declare it so`},
	{"73 utf-8 declared, UTF-16 written", "\xff\xfe" + utf16le(`<?xml version="1.0" encoding="utf-8"?><a/>`), `f:1:1: expected the declared encoding to be that of the file, UTF-16, found "version=\"1.0\" encoding=\"utf-8\""; save the file as UTF-8`},
	{"74 attribute twice", `<a x="1" x="2"/>`, `f:1:1 (/a/@x): expected each key once (line 1, column 1 has "@x"), found "@x"; remove one of the two`},
	{"74 element in two letter cases", "<a><b/>\n<B/></a>", `f:2:1 (/a/B): expected keys that differ in more than letter case (line 1, column 4 has "b"), found "B"; remove one of the two`},
	{"76 second root", "<a/>\n<b/>", `f:2:1: expected one root element, found "<b>"; put each document into a file of its own`},
	{"76 trailing text", "<a/>\nmore", `f:1:5: expected no text outside the root element, found "more"`},
	{"76 no root", "<?xml version=\"1.0\"?>\n", `f:2:1: expected a root element`},
	{"77 depth", strings.Repeat("<a>", 1_000_000), `f:1:301 (/a` + strings.Repeat("/a[1]", 39) + `/a[…): expected at most 100 levels of nesting`},
	{"79 CLIXML", `<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">`, `f:1:1: expected JSON, YAML or plain XML, not PowerShell CLIXML, found "<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004…; use ConvertTo-Json -Depth 100 instead of Export-Clixml`},
	{"80 unbound prefix", "<a>\n<x:b/></a>", `f:2:1 (/a): expected a prefix that is declared, found "x:b"`},
	{"80 unbound prefix of an attribute", `<a x:b="1"/>`, `f:1:1 (/a): expected a prefix that is declared, found "x:b"`},
	{"80 cut off", "<a><b>", `f:1:7 (/a/b[1]): ended early: expected </b>; the file was cut off: download it again`},
	{"80 cut off in a tag", "<a><b c=\"", `f:1:10 (/a): ended early: expected the rest of the XML; the file was cut off: download it again`},
	{"80 wrong end", "<a></b>", `f:1:4 (/a): expected the end of the open element, found "</b>"`},
	{"80 end without a beginning", "<a/></a>", `f:1:5: expected the end of the open element, found "</a>"`},
}

func TestBadInputsAreRefusedWithTheirPlaceAndAHint(t *testing.T) {
	for _, tt := range refusals {
		t.Run(tt.row, func(t *testing.T) {
			_, err := Read("f", strings.NewReader(tt.input), Limits{})
			if err == nil {
				t.Fatalf("accepted %.200q", tt.input)
			}
			if err.Error() != tt.want {
				t.Errorf("Read says\n%s\nwant\n%s", err, tt.want)
			}
			var own *Error
			if !errors.As(err, &own) {
				t.Fatalf("%T is no *Error", err)
			}
			if n := utf8.RuneCountInString(own.Found); n > 80 {
				t.Errorf("found text of %d characters", n)
			}
			// The streaming reader refuses the same, whatever it handed out before.
			if _, err := Stream("f", strings.NewReader(tt.input), Limits{}, func(*Envelope, *Node) error { return nil }); err == nil {
				t.Error("Stream accepts it")
			} else if err.Error() != tt.want {
				t.Errorf("Stream says\n%s\nwant\n%s", err, tt.want)
			}
		})
	}
}
