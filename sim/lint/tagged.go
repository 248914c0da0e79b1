package lint

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/servicetag"
)

// tagged finds the service tags that have to do with a block of addresses. It
// is safe for concurrent use.
type tagged struct {
	tags    []*topology.ServiceTag
	entries []taggedPrefix // by address, then the wider first

	mu   sync.Mutex
	sets map[*topology.ServiceTag]*netipx.IPSet
	all  func() *netipx.IPSet // every prefix of every tag
}

type taggedPrefix struct {
	prefix netip.Prefix
	tag    int
}

// newTagged indexes a service tag file; nil for none.
func newTagged(c *topology.ServiceTagCatalogue) *tagged {
	if c == nil {
		return nil
	}
	x := &tagged{tags: c.Tags, sets: map[*topology.ServiceTag]*netipx.IPSet{}}
	for i, t := range c.Tags {
		for p := range t.Prefixes.All() {
			x.entries = append(x.entries, taggedPrefix{p, i})
		}
	}
	slices.SortFunc(x.entries, func(a, b taggedPrefix) int { return byAddress(a.prefix, b.prefix) })
	x.all = sync.OnceValue(func() *netipx.IPSet {
		var b netipx.IPSetBuilder
		for _, e := range x.entries {
			b.AddPrefix(e.prefix)
		}
		s, _ := b.IPSet() // of valid prefixes: no error
		return s
	})
	return x
}

// byAddress orders blocks by their first address, the wider first.
func byAddress(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// set is the addresses of a tag.
func (x *tagged) set(t *topology.ServiceTag) *netipx.IPSet {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := x.sets[t]
	if s == nil {
		s = scope.SetOf(t.Prefixes.Slice()...)
		x.sets[t] = s
	}
	return s
}

// overlapping are the tags that have an address in common with the block, in
// the order of the file.
func (x *tagged) overlapping(p netip.Prefix) []*topology.ServiceTag {
	found := map[int]bool{}
	from := func(q netip.Prefix) int {
		i, _ := slices.BinarySearchFunc(x.entries, q, func(e taggedPrefix, q netip.Prefix) int { return byAddress(e.prefix, q) })
		return i
	}
	for bits := 0; bits < p.Bits(); bits++ { // the blocks that hold it
		wide := netip.PrefixFrom(p.Addr(), bits).Masked()
		for i := from(wide); i < len(x.entries) && x.entries[i].prefix == wide; i++ {
			found[x.entries[i].tag] = true
		}
	}
	for i := from(p.Masked()); i < len(x.entries) && p.Contains(x.entries[i].prefix.Addr()); i++ {
		found[x.entries[i].tag] = true
	}
	var out []*topology.ServiceTag
	for i := range found {
		out = append(out, x.tags[i])
	}
	slices.SortFunc(out, func(a, b *topology.ServiceTag) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// isCloud reports whether a tag is one of whatever runs in a cloud or region
// rather than of a service.
func isCloud(t *topology.ServiceTag) bool {
	base := t.Name
	if p := scope.Parent(base); p != "" {
		base = p
	}
	return strings.EqualFold(base, "AzureCloud")
}

// nameable reports whether rules can name a tag, as far as the file says.
func nameable(t *topology.ServiceTag) bool { return len(t.NetworkFeatures) > 0 }

// regionOf is the ARM name of a tag's region by its name, "" where it has none.
func regionOf(tag string) string {
	dot := strings.LastIndexByte(tag, '.')
	if dot < 0 {
		return ""
	}
	arm, known := servicetag.Location(tag[dot+1:])
	if !known {
		return ""
	}
	return arm
}
