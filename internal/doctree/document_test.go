package doctree

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// outline shows a tree, one value a line: pointer, place, kind and text.
func outline(n *Node) []string {
	text := ""
	switch n.Kind {
	case String:
		text = fmt.Sprintf(" %q", n.Text)
		if !n.Quoted {
			text += " plain"
		}
	case Number, Bool:
		text = " " + n.Text
	}
	out := []string{fmt.Sprintf("%s %d:%d %s%s", n.Pointer(), n.Pos.Line, n.Pos.Column, n.Kind, text)}
	for _, m := range n.Members {
		out = append(out, outline(m.Value)...)
	}
	for _, it := range n.Items {
		out = append(out, outline(it)...)
	}
	return out
}

func outlines(t *testing.T, input string) []string {
	t.Helper()
	d, err := Read("f", strings.NewReader(input), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, n := range d.Roots {
		out = append(out, outline(n)...)
	}
	return out
}

func TestTreesKnowKindTextPlaceAndPointerOfEveryValue(t *testing.T) {
	for _, tt := range []struct {
		name, input string
		want        []string
	}{
		{"JSON", "{\n  \"a/b\": [1.50, -0, 1e2],\n  \"c~d\": {\"e\": \"x\\ny\", \"f\": null},\n  \"g\": [true, false, [], {}]\n}", []string{
			" 1:1 an object",
			"/a~1b 2:10 a list", "/a~1b/0 2:11 a number 1.50", "/a~1b/1 2:17 a number -0", "/a~1b/2 2:21 a number 1e2",
			"/c~0d 3:10 an object", `/c~0d/e 3:16 a string "x\ny"`, "/c~0d/f 3:29 null",
			"/g 4:8 a list", "/g/0 4:9 a Boolean true", "/g/1 4:15 a Boolean false", "/g/2 4:22 a list", "/g/3 4:26 an object",
		}},
		{"JSON columns count characters", `{"é": "ü", "日本": ["ß", 1]}`, []string{
			" 1:1 an object", `/é 1:7 a string "ü"`, "/日本 1:18 a list", `/日本/0 1:19 a string "ß"`, "/日本/1 1:24 a number 1",
		}},
		{"8 lines end with CRLF, a lone CR or LF", "[1,\r\n2,\r3,\n4,\n\r5]", []string{
			" 1:1 a list", "/0 1:2 a number 1", "/1 2:1 a number 2", "/2 3:1 a number 3", "/3 4:1 a number 4", "/4 6:1 a number 5",
		}},
		{"8 YAML with CRLF", "a: 1\r\nb:\r\n  - x\r\n", []string{
			" 1:1 an object", "/a 1:4 a number 1", "/b 3:3 a list", `/b/0 3:5 a string "x" plain`,
		}},
		{"8 XML with CRLF and CR", "<a>\r\n\r<b/>\r<c/></a>", []string{
			" 1:1 an object", "/a 1:1 an object", "/a/b 3:1 a list", "/a/b[1] 3:1 an object", "/a/c 4:1 a list", "/a/c[1] 4:1 an object",
		}},
		{"2 UTF-8 with a byte order mark", "\xef\xbb\xbf[1]", []string{" 1:1 a list", "/0 1:2 a number 1"}},
		{"3 UTF-16LE", "\xff\xfe" + utf16le("[\r\n\"é\U0001F600\", 1]"), []string{" 1:1 a list", "/0 2:1 a string \"é\U0001F600\"", "/1 2:7 a number 1"}},
		{"4 UTF-16BE", "\xfe\xff" + utf16be("[\r\n\"é\U0001F600\", 1]"), []string{" 1:1 a list", "/0 2:1 a string \"é\U0001F600\"", "/1 2:7 a number 1"}},
		{"4 UTF-16 YAML", "\xff\xfe" + utf16le("a: ü\nb: 1\n"), []string{" 1:1 an object", `/a 1:4 a string "ü" plain`, "/b 2:4 a number 1"}},
		{"73 UTF-16 XML that says so", "\xff\xfe" + utf16le(`<?xml version="1.0" encoding="utf-16"?><a x="ü"/>`), []string{" 1:1 an object", "/a 1:40 an object", `/a/@x 1:40 a string "ü"`}},
		{"11 gzip", gz(`[1]`), []string{" 1:1 a list", "/0 1:2 a number 1"}},
		{"11 concatenated gzip members", gz(`[1,`) + gz(`2]`), []string{" 1:1 a list", "/0 1:2 a number 1", "/1 1:4 a number 2"}},
		{"35 a look-alike key stays another key", `{"acceſs": 1}`, []string{" 1:1 an object", "/acceſs 1:12 a number 1"}},
		{"41 a surrogate pair", `["\ud83d\ude00"]`, []string{" 1:1 a list", "/0 1:2 a string \"\U0001F600\""}},
		{"127 escaped control characters of a value", `["\u001b[31m"]`, []string{" 1:1 a list", `/0 1:2 a string "\x1b[31m"`}},
		{"45 depth 100", strings.Repeat("[", 99) + "1" + strings.Repeat("]", 99), nil},

		{"57 and 58 untyped scalars stay text", "---\n[no, off, Yes, 0443, 0o7, 0x50, 1_00, 22:22, +80, .5, 1., True, NULL, .inf, 'null']", []string{
			" 2:1 a list", `/0 2:2 a string "no" plain`, `/1 2:6 a string "off" plain`, `/2 2:11 a string "Yes" plain`,
			`/3 2:16 a string "0443" plain`, `/4 2:22 a string "0o7" plain`, `/5 2:27 a string "0x50" plain`, `/6 2:33 a string "1_00" plain`,
			`/7 2:39 a string "22:22" plain`, `/8 2:46 a string "+80" plain`, `/9 2:51 a string ".5" plain`, `/10 2:55 a string "1." plain`,
			`/11 2:59 a string "True" plain`, `/12 2:65 a string "NULL" plain`, `/13 2:71 a string ".inf" plain`, `/14 2:77 a string "null"`,
		}},
		{"58 what JSON calls a number keeps its text", "a: [80, 1.10, 1e3, -0, '80', \"80\"]", []string{
			" 1:1 an object", "/a 1:4 a list", "/a/0 1:5 a number 80", "/a/1 1:9 a number 1.10", "/a/2 1:15 a number 1e3", "/a/3 1:20 a number -0",
			`/a/4 1:24 a string "80"`, `/a/5 1:30 a string "80"`,
		}},
		{"64 all documents", "a: 1\n---\n- b\n---\n---\nc: 2\n...\n", []string{
			" 1:1 an object", "/a 1:4 a number 1", " 3:1 a list", `/0 3:3 a string "b" plain`, " 6:1 an object", "/c 6:4 a number 2",
		}},
		{"66 quoted star", "a: \"*\"\nb: '*'\n", []string{" 1:1 an object", `/a 1:4 a string "*"`, `/b 2:4 a string "*"`}},
		{"68 nothing is null", "a: ~\nb:\nc: null\nd: ''\n", []string{" 1:1 an object", "/a 1:4 null", "/b 2:3 null", "/c 3:4 null", `/d 4:4 a string ""`}},
		{"69 dates and versions stay text", "a: 2024-01-01\nb: 16.04.1\nc: 2024-01-01T00:00:00Z\n", []string{
			" 1:1 an object", `/a 1:4 a string "2024-01-01" plain`, `/b 2:4 a string "16.04.1" plain`, `/c 3:4 a string "2024-01-01T00:00:00Z" plain`,
		}},
		{"aliases stand for their value", "a: &x [1]\nb: *x\n", []string{
			" 1:1 an object", "/a 1:4 a list", "/a/0 1:8 a number 1", "/b 1:4 a list", "/b/0 1:8 a number 1",
		}},
		{"block scalars are quoted", "a: |\n  80\n  81\n", []string{" 1:1 an object", `/a 1:4 a string "80\n81\n"`}},
		{"!!str is text", "a: !!str 80\n", []string{" 1:1 an object", `/a 1:4 a string "80"`}},

		{"XML", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r>\n <e n=\"1\">x</e>\n <f/>\n <e n=\"2\"/>\n</r>\n<!-- end -->\n", []string{
			" 1:1 an object", "/r 2:1 an object",
			"/r/e 3:2 a list", "/r/e[1] 3:2 an object", `/r/e[1]/@n 3:2 a string "1"`, `/r/e[1]/#text 3:2 a string "x"`,
			"/r/e[2] 5:2 an object", `/r/e[2]/@n 5:2 a string "2"`,
			"/r/f 4:2 a list", "/r/f[1] 4:2 an object",
		}},
		{"78 text is joined and trimmed", "<a>\n  10.0<!-- x -->.0.0<![CDATA[/8]]>\n</a>", []string{" 1:1 an object", "/a 1:1 an object", `/a/#text 1:1 a string "10.0.0.0/8"`}},
		{"78 CDATA is text", "<a><![CDATA[<&>]]><![CDATA[]]></a>", []string{" 1:1 an object", "/a 1:1 an object", `/a/#text 1:1 a string "<&>"`}},
		{"75 a foreign namespace is another name", `<a xmlns="u" xmlns:x="v" xmlns:y="u"><b/><x:b/><y:b x:q="1"/></a>`, []string{
			" 1:1 an object", "/a 1:1 an object", "/a/b 1:38 a list", "/a/b[1] 1:38 an object", "/a/b[2] 1:48 an object", `/a/b[2]/@{v}q 1:48 a string "1"`,
			"/a/{v}b 1:42 a list", "/a/{v}b[1] 1:42 an object",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := outlines(t, tt.input)
			if tt.want != nil {
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestNotesSayWhatChangesNoValue(t *testing.T) {
	for _, tt := range []struct {
		name, input string
		want        []Note
	}{
		{"plain", "[1]", nil},
		{"2 UTF-8 mark", "\xef\xbb\xbf[1]", []Note{{Text: "starts with a UTF-8 byte order mark", Pos: Pos{1, 1}}}},
		{"3 UTF-16LE", "\xff\xfe" + utf16le("[1]"), []Note{{Text: "is UTF-16LE (as Windows PowerShell writes with >)", Pos: Pos{1, 1}}}},
		{"4 UTF-16BE", "\xfe\xff" + utf16be("[1]"), []Note{{Text: "is UTF-16BE", Pos: Pos{1, 1}}}},
		{"70 %YAML 1.1", "# x\n%YAML 1.1\n---\na: no\n", []Note{{Text: "says %YAML 1.1: it is read as YAML 1.2, where only true and false are Booleans", Warning: true, Pos: Pos{2, 1}}}},
		{"75 foreign namespace, once", `<a xmlns:x="v"><x:b/><c><x:b/></c></a>`, []Note{{Text: `elements of the namespace "v" are not matched`, Warning: true, Pos: Pos{1, 16}, Pointer: "/a/{v}b"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Read("f", strings.NewReader(tt.input), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, d.Notes); diff != "" {
				t.Error(diff)
			}
			env, err := Stream("f", strings.NewReader(tt.input), Limits{}, func(*Envelope, *Node) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, env.Notes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestElementsAreHandedOutOneByOne(t *testing.T) {
	for _, tt := range []struct {
		name, input string
		list        string
		single      bool
		elements    []string // pointer and place
		members     []string // keys of the envelope
	}{
		{"list at the top", "[\n {\"a\":1},\n {\"a\":2}]", "", false, []string{"/0 2:2", "/1 3:2"}, nil},
		{"empty list", "[]", "", false, nil, nil},
		{"value", `{"value":[{"a":1},2],"nextLink":"u"}`, "value", false, []string{"/value/0 1:11", "/value/1 1:19"}, []string{"nextLink"}},
		{"Resource Graph", `{"count":1,"data":[{}],"skip_token":null,"total_records":1}`, "data", false, []string{"/data/0 1:20"}, []string{"count", "skip_token", "total_records"}},
		{"service tags", `{"changeNumber":1,"cloud":"Public","values":[{},{}]}`, "values", false, []string{"/values/0 1:46", "/values/1 1:49"}, []string{"changeNumber", "cloud"}},
		{"PowerShell", `{"Cloud":"Public","Values":[{}]}`, "Values", false, []string{"/Values/0 1:29"}, []string{"Cloud"}},
		{"flow log", `{"records":[{},{}]}`, "records", false, []string{"/records/0 1:13", "/records/1 1:16"}, nil},
		{"one resource", `{"name":"n","properties":{"value":[1]}}`, "", true, []string{" 1:1"}, nil},
		{"value that is no list", `{"value":{"a":[1]},"x":1}`, "", true, []string{" 1:1"}, nil},
		{"empty object", `{}`, "", true, []string{" 1:1"}, nil},
		{"columns after an element outside ASCII", `[{"é":"é"},{"é":1}]`, "", false, []string{"/0 1:2", "/1 1:12"}, nil},
		{"YAML list", "- a: 1\n- a: 2\n", "", false, []string{"/0 1:3", "/1 2:3"}, nil},
		{"YAML value", "value:\n- a: 1\nnextLink: u\n", "value", false, []string{"/value/0 2:3"}, []string{"nextLink"}},
		{"YAML object", "apiVersion: v\nx: [1]\n", "", true, []string{" 1:1"}, nil},
		{"YAML documents", "a: 1\n---\n- b\n", "", true, []string{" 1:1", " 3:1"}, nil},
		{"XML", "<a><b/></a>", "", true, []string{" 1:1"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, rd := range []struct {
				name string
				r    io.Reader
			}{
				{"whole", strings.NewReader(tt.input)},
				{"byte by byte", iotest.OneByteReader(strings.NewReader(tt.input))},
			} {
				var elements []string
				env, err := Stream("f", rd.r, Limits{}, func(_ *Envelope, n *Node) error {
					elements = append(elements, fmt.Sprintf("%s %d:%d", n.Pointer(), n.Pos.Line, n.Pos.Column))
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.elements, elements); diff != "" {
					t.Errorf("%s: elements: %s", rd.name, diff)
				}
				var members []string
				for _, m := range env.Members {
					members = append(members, m.Key)
				}
				if diff := cmp.Diff(tt.members, members); diff != "" {
					t.Errorf("%s: members: %s", rd.name, diff)
				}
				if env.List != tt.list || env.Single != tt.single || env.Elements != len(elements) {
					t.Errorf("%s: list %q, single %v, %d elements", rd.name, env.List, env.Single, env.Elements)
				}
			}
		})
	}
}

func TestTwoListsInOneEnvelopeAreRefused(t *testing.T) {
	for _, input := range []string{`{"value":[],"data":[]}`, "{\"value\": [], \"data\": []}\n", "value: []\ndata: []\n"} {
		_, err := Stream("f", strings.NewReader(input), Limits{}, func(*Envelope, *Node) error { return nil })
		if err == nil || !strings.Contains(err.Error(), "(/data): expected one list of elements, found data beside value") {
			t.Errorf("%q: %v", input, err)
		}
	}
}

func TestTheEnvelopeHasTheMembersSeenSoFar(t *testing.T) {
	var seen []int
	env, err := Stream("f", strings.NewReader(`{"a":1,"value":[1,2],"b":2}`), Limits{}, func(env *Envelope, _ *Node) error {
		seen = append(seen, len(env.Members))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1, 1}, seen); diff != "" {
		t.Error(diff)
	}
	if env.Fold("B") == nil || env.Fold("A").Pointer() != "/a" || env.Fold("c") != nil {
		t.Error("Fold does not find the members")
	}
}

func TestAnErrorOfTheVisitorEndsTheReading(t *testing.T) {
	for _, input := range []string{`[1,2,3]`, "- 1\n- 2\n"} {
		n := 0
		_, err := Stream("f", strings.NewReader(input), Limits{}, func(*Envelope, *Node) error {
			n++
			return io.ErrClosedPipe
		})
		if err != io.ErrClosedPipe || n != 1 {
			t.Errorf("%q: %d elements, error %v", input, n, err)
		}
	}
}

func TestAnErrorOfTheReaderIsNamedAfterTheFile(t *testing.T) {
	for _, input := range []string{"", "[1,", "a: 1\n", "<a>"} {
		r := io.MultiReader(strings.NewReader(input), iotest.ErrReader(io.ErrClosedPipe))
		_, err := Read("some file", r, Limits{})
		if err == nil || err.Error() != "some file: io: read/write on closed pipe" {
			t.Errorf("%q: %v", input, err)
		}
	}
}

func TestRawElementsKnowTheirPlaceWithoutATree(t *testing.T) {
	s, err := Open("f", strings.NewReader("[{\"é\":\n\"é\"}, {\"a\":\"é\"},\n {\"b\":1}]"), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	_, err = s.EachRaw(func(_ *Envelope, r *Raw) error {
		got = append(got, fmt.Sprintf("%d %v %s", r.Index(), r.Pos(), r.Text()))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"0 {1 2} {\"é\":\n\"é\"}", `1 {2 7} {"a":"é"}`, `2 {3 2} {"b":1}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestASourceIsReadOnce(t *testing.T) {
	for _, input := range []string{"[]", "a: 1\n", "<a/>"} {
		s, err := Open("f", strings.NewReader(input), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Each(func(*Envelope, *Node) error { return nil }); err == nil || err.Error() != "f: was read already" {
			t.Errorf("%q: %v", input, err)
		}
	}
}

func TestGetIsExactAndFoldIsNot(t *testing.T) {
	d, err := Read("f", strings.NewReader(`{"Access":"Deny","acceſs2":1}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	n := d.Roots[0]
	if n.Get("access") != nil || n.Get("Access") == nil || n.Fold("ACCESS").Text != "Deny" || n.Fold("access2") != nil {
		t.Error("wrong member")
	}
	var none *Node
	if none.Get("a") != nil || none.Fold("a") != nil || none.Leaves() != 0 || none.Pointer() != "" {
		t.Error("a nil node has something")
	}
}

func TestLeavesCountScalarsAndEmptyContainers(t *testing.T) {
	d, err := Read("f", strings.NewReader(`{"a":[1,[],{}],"b":{"c":null,"d":{}},"e":""}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Roots[0].Leaves(); got != 6 {
		t.Errorf("%d leaves, want 6", got)
	}
}
