package servicetag

import (
	"fmt"
	"testing"

	"github.com/netpath/netpath/topology"
)

func tagsNamed(names ...string) []*topology.ServiceTag {
	var tags []*topology.ServiceTag
	for _, n := range names {
		tags = append(tags, &topology.ServiceTag{Name: n})
	}
	return tags
}

func TestANameIsFoundInAnyLetterCaseAndWithBlanks(t *testing.T) {
	long := fmt.Sprintf("L%0100d", 1)
	tags := tagsNamed("Storage.WestEurope", "storage.westeurope", "West Europe", long, "Ärzte", "", "A B")
	table := newNameTable(tags)
	for name, want := range map[string]int{
		"Storage.WestEurope": 0, "STORAGE.westeurope": 0, "storage . west\teurope": 0, "storage.west\u00a0europe": 0,
		"westeurope": 2, "WEST EUROPE": 2, "l" + long[1:]: 3, "ÄRZTE": 4, "är zte": 4, "": 5, "  ": 5, "ab": 6, "a b": 6, "AB ": 6,
	} {
		if got := table.find(name); got != tags[want] {
			t.Errorf("%q is %+v", name, got)
		}
	}
	for _, name := range []string{"Storage.WestEurop", "Storage.WestEurope1", "arzte", "a\x00b", long[1:]} {
		if got := table.find(name); got != nil {
			t.Errorf("%q is %+v", name, got)
		}
	}
	if got := newNameTable(nil).find("x"); got != nil {
		t.Errorf("no file has %+v", got)
	}
}

func FuzzSameNameIsThatOfFolding(f *testing.F) {
	for _, s := range []string{"Storage", "sto rage", "STORAGE.x", "\u00a0", "ß", "ſ", "\x7f", "K"} {
		f.Add(s, "storage")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if got, want := sameName(a, b), fold(a) == fold(b); got != want {
			t.Errorf("%q and %q: %t, folded %t", a, b, got, want)
		}
		if found := newNameTable(tagsNamed(a)).find(b) != nil; found != (fold(a) == fold(b)) {
			t.Errorf("%q in a table of %q: %t", b, a, found)
		}
	})
}
