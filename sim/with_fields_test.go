package sim

import (
	"reflect"
	"slices"
	"testing"
)

// What a simulator holds is either taken along by With, made anew for the
// edits, or a cache that is asked of the base and otherwise begins empty. A
// field that is none of these would be lost in the edited estate.
func TestWithDecidesAboutEveryFieldOfASimulator(t *testing.T) {
	decided := []string{
		"net", "opts", "names", "base", "own", "claims", "versions", "admin", "anywhere", "vms", "beside", "pools", "fronts", "groups", "viewed", // taken along or made anew
		"estateRanges", "sourcePorts", "ruleTags",
		"gates", "tables", "firewalls", "sets", "bare", "met", // caches
	}
	typ := reflect.TypeFor[Simulator]()
	for i := range typ.NumField() {
		if name := typ.Field(i).Name; !slices.Contains(decided, name) {
			t.Errorf("With does not decide what becomes of the field %s", name)
		}
	}
	for _, name := range decided {
		if _, ok := typ.FieldByName(name); !ok {
			t.Errorf("a simulator has no field %s any more", name)
		}
	}
}
