package servicetag

import (
	"cmp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/netpath/netpath/topology"
)

// Index finds service tags and datacenter regions by name. It is cheap to
// make and safe for concurrent use.
type Index struct {
	tags    *topology.ServiceTagCatalogue
	ranges  *topology.DatacenterRanges
	byName  map[string]*topology.ServiceTag
	regions map[string]*topology.DatacenterRegion
}

// New indexes a service tag file and datacenter ranges; either may be nil.
func New(tags *topology.ServiceTagCatalogue, ranges *topology.DatacenterRanges) *Index {
	x := &Index{tags: tags, ranges: ranges, byName: map[string]*topology.ServiceTag{}, regions: map[string]*topology.DatacenterRegion{}}
	if tags != nil {
		for _, t := range tags.Tags {
			x.byName[fold(t.Name)] = t
		}
	}
	if ranges != nil {
		for _, r := range ranges.Regions {
			x.regions[fold(r.Name)] = r
			if r.Location != "" {
				x.regions[fold(r.Location)] = r
			}
		}
	}
	return x
}

// fold is the comparable form of a name: lower case without blanks (STJ).
func fold(name string) string {
	return strings.ToLower(strings.Join(strings.Fields(name), ""))
}

// Tag returns the service tag of that name, in any letter case.
func (x *Index) Tag(name string) (*topology.ServiceTag, bool) {
	t, ok := x.byName[fold(name)]
	return t, ok
}

// Region returns the datacenter region by its backend or its ARM name.
func (x *Index) Region(name string) (*topology.DatacenterRegion, bool) {
	r, ok := x.regions[fold(name)]
	return r, ok
}

// Nearest returns the n tag names most like the one asked for.
func (x *Index) Nearest(name string, n int) []string {
	if x.tags == nil {
		return nil
	}
	type scored struct {
		name     string
		distance int
	}
	want := fold(name)
	var list []scored
	for _, t := range x.tags.Tags {
		list = append(list, scored{t.Name, levenshtein.ComputeDistance(fold(t.Name), want)})
	}
	slices.SortFunc(list, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	var out []string
	for _, s := range list[:min(n, len(list))] {
		out = append(out, s.name)
	}
	return out
}
