package property

import (
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology/load/source"
)

func TestTheTableIsWellFormed(t *testing.T) {
	table, err := NewTable()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for s := range table.Shapes {
		for _, p := range s.Properties() {
			n++
			if len(p.Except) > 0 && p.Class != NotModelled {
				t.Errorf("%s.%s: only a property that is not modelled has exceptions", s.Name, p.Name)
			}
			if p.Shape != nil && p.Class == Irrelevant {
				t.Errorf("%s.%s: an irrelevant property needs no shape", s.Name, p.Name)
			}
			if len(p.Name) > 64 {
				t.Errorf("%s.%s is longer than names are looked up", s.Name, p.Name)
			}
		}
	}
	if n < 700 {
		t.Errorf("%d properties", n)
	}
}

func TestMistakesInTheTableAreErrors(t *testing.T) {
	for text, want := range map[string]string{
		"a bold\n":                        "unknown word",
		"a\n  useful x\n":                 "unknown class",
		"a\n  used x x\n":                 "x twice",
		"a\na\n":                          "shape a twice",
		"  used x\n":                      "outside a shape",
		"a\n  used x=b\n":                 "unknown shape",
		"a with b\n":                      "unknown shape",
		"a\n  used x\nb with a\n  used X": "",
	} {
		if _, err := parse(text); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestNamesMatchInASCIILetterCaseOnly(t *testing.T) {
	table, err := NewTable()
	if err != nil {
		t.Fatal(err)
	}
	s := table.Shape("MICROSOFT.NETWORK/networksecuritygroups/securityrules")
	for name, want := range map[string]bool{"access": true, "ACCESS": true, "Access": true, "acceſs": false, "acces": false, strings.Repeat("a", 100): false} {
		if got := s.Property(name) != nil; got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTheLedgerClassesEveryLeaf(t *testing.T) {
	table, err := NewTable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, text                   string
		used, irrelevant, unmodelled int
		noted                        string
	}{
		{"used", `{"id": "x", "name": "n", "routes": []}`, 3, 0, 0, ""},
		{"irrelevant", `{"etag": "e", "tags": {"a": "b", "c": "d"}}`, 0, 3, 0, ""},
		{"nested", `{"properties": {"routes": [{"name": "r", "properties": {"addressPrefix": "x", "hasBgpOverride": false}}]}}`, 2, 1, 0, ""},
		{"unknown with values", `{"future": {"a": 1, "b": null, "c": []}}`, 0, 2, 1, "Microsoft.Network/routeTables: future"},
		{"unknown without a value", `{"future": {"a": [], "b": ""}}`, 0, 2, 0, ""},
		{"unknown inside a part", `{"routes": [{"name": "r", "x": true}]}`, 1, 0, 1, "Microsoft.Network/routeTables/routes: x"},
		{"a reference with its content", `{"subnets": [{"id": "s", "properties": {"addressPrefix": "p"}}]}`, 1, 1, 0, ""},
		{"empty object", `{}`, 1, 0, 0, ""},
		{"null properties", `{"name": "n", "properties": null}`, 1, 1, 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			doc, err := doctree.Read("t.json", strings.NewReader(tc.text), doctree.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			var l Ledger
			l.Count(&source.File{}, doc.Roots[0], table.Shape("Microsoft.Network/routeTables"))
			if l.Used != tc.used || l.Irrelevant != tc.irrelevant || l.NotModelled != tc.unmodelled || l.Leaves != doc.Roots[0].Leaves() {
				t.Errorf("%+v of %d leaves", l, doc.Roots[0].Leaves())
			}
			if (tc.noted != "") != (l.Unmodelled[tc.noted] == 1) {
				t.Errorf("%v", l.Unmodelled)
			}
		})
	}
}
