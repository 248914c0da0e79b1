package doctree

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// checkTree fails where a tree contradicts itself: a pointer that does not
// lead back to its value, a place before its parent's, a child too many.
func checkTree(t *testing.T, root *Node) {
	t.Helper()
	var walk func(n *Node)
	walk = func(n *Node) {
		if n.Pos.Line < 1 || n.Pos.Column < 1 {
			t.Fatalf("%s is at %v", n.Pointer(), n.Pos)
		}
		switch n.Kind {
		case Object:
			seen := map[string]bool{}
			for _, m := range n.Members {
				if seen[fold(m.Key)] {
					t.Fatalf("%s has %q twice", n.Pointer(), m.Key)
				}
				seen[fold(m.Key)] = true
				if m.Value.parent != n || !strings.HasPrefix(m.Value.Pointer(), n.Pointer()+"/") {
					t.Fatalf("%s is no child of %s", m.Value.Pointer(), n.Pointer())
				}
				walk(m.Value)
			}
		case Array:
			for _, it := range n.Items {
				if it.parent != n {
					t.Fatalf("%s is no child of %s", it.Pointer(), n.Pointer())
				}
				walk(it)
			}
		case Null, Bool, Number, String:
			if len(n.Members)+len(n.Items) > 0 {
				t.Fatalf("%s is a scalar with children", n.Pointer())
			}
		default:
			t.Fatalf("%s is nothing", n.Pointer())
		}
	}
	walk(root)
}

// checkRefusal fails where an error is not one that names the file and keeps
// to its limits.
func checkRefusal(t *testing.T, err error) {
	t.Helper()
	var own *Error
	if !errors.As(err, &own) {
		t.Fatalf("%T: %v", err, err)
	}
	if own.File != "f" || own.Expected == "" || utf8.RuneCountInString(own.Found) > 80 || len(own.Pointer) > 210 {
		t.Fatalf("%+v", own)
	}
	for _, r := range own.Found {
		if r < 0x20 || r == 0x7f || r == 0x9b {
			t.Fatalf("%q is not escaped", own.Found)
		}
	}
}

var fuzzLimits = Limits{FileBytes: 1 << 20, UnpackedBytes: 1 << 20, Nodes: 10_000}

func FuzzAnyFile(f *testing.F) {
	for _, r := range refusals {
		if len(r.input) < 10_000 {
			f.Add([]byte(r.input))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Read("f", bytes.NewReader(data), fuzzLimits)
		env, streamErr := Stream("f", bytes.NewReader(data), fuzzLimits, func(_ *Envelope, n *Node) error {
			checkTree(t, n)
			return nil
		})
		if err != nil {
			checkRefusal(t, err)
			if streamErr == nil {
				// Only the cap of a whole tree is not that of an element.
				if !strings.Contains(err.Error(), "values in one element") {
					t.Fatalf("Stream accepts what Read refuses: %v", err)
				}
			}
			return
		}
		for _, n := range d.Roots {
			checkTree(t, n)
		}
		if streamErr != nil && !strings.Contains(streamErr.Error(), "one list of elements") {
			t.Fatalf("Read accepts what Stream refuses: %v", streamErr)
		}
		if streamErr == nil && env.Format != d.Format {
			t.Fatalf("%v and %v", env.Format, d.Format)
		}
	})
}

// plain turns a tree into what encoding/json would decode it to.
func plain(n *Node) any {
	switch n.Kind {
	case Object:
		m := map[string]any{}
		for _, x := range n.Members {
			m[x.Key] = plain(x.Value)
		}
		return m
	case Array:
		a := []any{}
		for _, x := range n.Items {
			a = append(a, plain(x))
		}
		return a
	case String:
		return n.Text
	case Number:
		return json.Number(n.Text)
	case Bool:
		return n.Text == "true"
	default:
		return nil
	}
}

func FuzzJSONAgreesWithTheStandardLibrary(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,-0,1e2,1.50],"b":{"c":null,"d":"x\ny\u00e9\ud83d\ude00é"},"e":[true,false,[],{}]}`,
		`{"value":[{"a":1},{"a":"b"}],"nextLink":"u"}`, "[1,\r\n2,\r3]", `[" ", "\\", "\"", "/\/"]`, "\ufeff[1]", `{"":{"":[""]}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		trimmed := bytes.TrimLeft(data, " \t\r\n")
		if len(trimmed) == 0 || trimmed[0] != '{' && trimmed[0] != '[' {
			t.Skip("not JSON by its first character")
		}
		d, err := Read("f", bytes.NewReader(data), fuzzLimits)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		var want any
		if err := dec.Decode(&want); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		if _, err := dec.Token(); err != io.EOF {
			t.Fatal("accepted more than one value")
		}
		if diff := cmp.Diff(want, plain(d.Roots[0])); diff != "" {
			t.Fatal(diff)
		}
		// The places are those of the values.
		var walk func(n *Node)
		walk = func(n *Node) {
			if line, _ := lineAt(data, n.Pos.Line); n.Kind == String {
				runes := []rune(string(line))
				if n.Pos.Column > len(runes) || runes[n.Pos.Column-1] != '"' {
					t.Fatalf("%s is not at %v", n.Pointer(), n.Pos)
				}
			}
			for _, m := range n.Members {
				walk(m.Value)
			}
			for _, it := range n.Items {
				walk(it)
			}
		}
		walk(d.Roots[0])
	})
}

func FuzzYAML(f *testing.F) {
	for _, s := range []string{
		"apiVersion: netpath/v1\nvirtualNetworks:\n  - name: v1\n    addressPrefixes: [10.0.0.0/16]\n",
		"a: &x {b: [1, '2', \"3\"]}\nc: *x\n", "a: |\n  x\nb: >-\n  y\n---\n- 1\n", "? a\n: b\n", "a: !!str 1\n", "%YAML 1.1\n---\na: *\n", "a: \"\\\n", "- - - a\n  - b",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Open("f", bytes.NewReader(data), fuzzLimits)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		s.format = YAML
		roots, err := s.readYAML()
		if err != nil {
			checkRefusal(t, err)
			return
		}
		for _, n := range roots {
			checkTree(t, n)
		}
	})
}

func FuzzXML(f *testing.F) {
	for _, s := range []string{
		"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<AzurePublicIpAddresses>\n <Region Name=\"europewest\"><IpRange Subnet=\"13.69.0.0/17\"/></Region>\n</AzurePublicIpAddresses>",
		"<a xmlns='u' xmlns:x='v'><x:b x:c='1'>t<![CDATA[u]]><!-- c -->&amp;</x:b></a>", "<a><b></a>", "<!DOCTYPE a><a/>", "<a/><b/>", "<a>&#x41;</a>",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Open("f", bytes.NewReader(data), fuzzLimits)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		s.format = XML
		roots, err := s.readXML()
		if err != nil {
			checkRefusal(t, err)
			return
		}
		checkTree(t, roots[0])
	})
}
