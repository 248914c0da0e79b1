package servicetag

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/topology"
)

// Change is what became of a tag between two files.
type Change struct {
	Tag    string         `json:"tag"`              // as the newer file writes it
	Status Status         `json:"status"`           //
	Gained []netip.Prefix `json:"gained,omitempty"` // in the new file only, sorted, IPv4 first
	Lost   []netip.Prefix `json:"lost,omitempty"`   // in the old file only
}

// Status says whether a tag is in both files.
type Status string

// The statuses.
const (
	Added   Status = "added"
	Removed Status = "removed"
	Changed Status = "changed"
)

// Diff compares two service tag files (either may be nil, as a file without
// tags) and returns the tags whose prefixes differ, by name. Tags are the same
// where [Index.Tag] would find one under the other's name. Prefixes are
// compared as written, masked: a block that was cut in two is one lost and two
// gained.
func Diff(old, new *topology.ServiceTagCatalogue) []Change {
	before, after := New(old, nil), New(new, nil)
	var out []Change
	for _, t := range after.catalogue() {
		was, ok := before.Tag(t.Name)
		if !ok {
			out = append(out, Change{Tag: t.Name, Status: Added, Gained: sorted(t.Prefixes.Slice())})
			continue
		}
		c := Change{Tag: t.Name, Status: Changed, Gained: without(t.Prefixes.Slice(), was.Prefixes.Slice()), Lost: without(was.Prefixes.Slice(), t.Prefixes.Slice())}
		if len(c.Gained)+len(c.Lost) > 0 {
			out = append(out, c)
		}
	}
	for _, t := range before.catalogue() {
		if _, ok := after.Tag(t.Name); !ok {
			out = append(out, Change{Tag: t.Name, Status: Removed, Lost: sorted(t.Prefixes.Slice())})
		}
	}
	slices.SortStableFunc(out, func(a, b Change) int {
		return cmp.Or(strings.Compare(fold(a.Tag), fold(b.Tag)), strings.Compare(string(a.Status), string(b.Status)))
	})
	return out
}

// without returns the prefixes of a that b has not, sorted, each once.
func without(a, b []netip.Prefix) []netip.Prefix {
	has := make(map[netip.Prefix]bool, len(b))
	for _, p := range b {
		has[p] = true
	}
	var out []netip.Prefix
	for _, p := range a {
		if !has[p] {
			out = append(out, p)
		}
	}
	return sorted(out)
}

// sorted returns the prefixes in the order of their addresses, each once.
func sorted(list []netip.Prefix) []netip.Prefix {
	out := slices.Clone(list)
	slices.SortFunc(out, netip.Prefix.Compare)
	return slices.Compact(out)
}
