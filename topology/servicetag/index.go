package servicetag

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/agnivade/levenshtein"

	"github.com/netpath/netpath/topology"
)

// Index finds service tags and datacenter regions by name and by address. It
// is cheap to make: each of its tables is built once, when it is first asked
// for. It is safe for concurrent use.
type Index struct {
	tags   *topology.ServiceTagCatalogue
	ranges *topology.DatacenterRanges

	byName    func() *nameTable
	byAlias   func() map[string]*topology.ServiceTag // by canonical name
	regions   func() map[string]*topology.DatacenterRegion
	byAddress func() *addressTable
}

// New indexes a service tag file and datacenter ranges; either may be nil.
func New(tags *topology.ServiceTagCatalogue, ranges *topology.DatacenterRanges) *Index {
	x := &Index{tags: tags, ranges: ranges}
	x.byName = sync.OnceValue(func() *nameTable { return newNameTable(x.catalogue()) })
	x.byAlias = sync.OnceValue(func() map[string]*topology.ServiceTag {
		return x.tagsBy(func(name string) string { full, _ := canonical(name); return full })
	})
	x.regions = sync.OnceValue(x.regionsByName)
	x.byAddress = sync.OnceValue(x.addressTable)
	return x
}

// catalogue is the tags, none where there is no file.
func (x *Index) catalogue() []*topology.ServiceTag {
	if x.tags == nil {
		return nil
	}
	return x.tags.Tags
}

func (x *Index) datacenters() []*topology.DatacenterRegion {
	if x.ranges == nil {
		return nil
	}
	return x.ranges.Regions
}

func (x *Index) tagsBy(key func(name string) string) map[string]*topology.ServiceTag {
	m := make(map[string]*topology.ServiceTag, len(x.catalogue()))
	for _, tag := range x.catalogue() {
		first(m, key(tag.Name), tag)
	}
	return m
}

func (x *Index) regionsByName() map[string]*topology.DatacenterRegion {
	m := map[string]*topology.DatacenterRegion{}
	for _, r := range x.datacenters() {
		first(m, fold(r.Name), r)
	}
	for _, r := range x.datacenters() {
		if r.Location != "" {
			first(m, fold(r.Location), r)
		}
	}
	return m
}

// first adds an entry unless the key has one.
func first[T any](m map[string]T, key string, v T) {
	if _, ok := m[key]; !ok {
		m[key] = v
	}
}

// Tag returns the service tag of that name. Letter case and blanks do not
// count, and the region may have any of its names ([Location]):
// "storage.francecentral" finds "Storage.CentralFrance" (STJ).
func (x *Index) Tag(name string) (*topology.ServiceTag, bool) {
	if t := x.byName().find(name); t != nil {
		return t, true
	}
	full, base := canonical(name)
	if base == "" {
		return nil, false
	}
	t, ok := x.byAlias()[full]
	return t, ok
}

// Region returns the datacenter region of that name, which may be the backend
// name ("europewest") or the ARM name ("westeurope"; XMLR).
func (x *Index) Region(name string) (*topology.DatacenterRegion, bool) {
	if r, ok := x.regions()[fold(name)]; ok {
		return r, true
	}
	arm, _ := Location(name)
	r, ok := x.regions()[arm]
	return r, ok
}

// Tags returns the tags of a region (any of its names; "" for all) and of a
// service, in the order of the file. A service is the file's systemService
// ("AzureStorage") or the tag's name without its region ("Storage"), in any
// letter case; "" for all.
func (x *Index) Tags(region, service string) []*topology.ServiceTag {
	arm, _ := Location(region)
	service = fold(service)
	var out []*topology.ServiceTag
	for _, t := range x.catalogue() {
		if region != "" {
			if loc, _ := Location(t.Region); loc != arm {
				continue
			}
		}
		if service != "" && fold(t.SystemService) != service {
			full, base := canonical(t.Name)
			if full != service && base != service {
				continue
			}
		}
		out = append(out, t)
	}
	return out
}

// Nearest returns at most n names of tags and datacenter regions that the
// given one may be a misspelling of, the likeliest first. A name that is
// nowhere near gets none.
func (x *Index) Nearest(name string, n int) []string {
	type candidate struct {
		name     string
		distance int
	}
	want := fold(name)
	most := max(2, len(want)/3)
	var list []candidate
	consider := func(name string) {
		folded := fold(name)
		if d := len(folded) - len(want); d > most || -d > most {
			return
		}
		if d := levenshtein.ComputeDistance(folded, want); d <= most {
			list = append(list, candidate{name, d})
		}
	}
	for _, t := range x.catalogue() {
		consider(t.Name)
	}
	for _, r := range x.datacenters() {
		consider(r.Name)
		if r.Location != "" && r.Location != r.Name {
			consider(r.Location)
		}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.name, b.name))
	})
	list = slices.Compact(list)
	var out []string
	for _, c := range list[:min(max(n, 0), len(list))] {
		out = append(out, c.name)
	}
	return out
}
