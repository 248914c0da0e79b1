package servicetag

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/yl2chen/cidranger"

	"github.com/netpath/netpath/topology"
)

// Kind says what holds an address.
type Kind string

// The kinds.
const (
	ServiceTag       Kind = "serviceTag"
	DatacenterRegion Kind = "datacenterRegion"
)

// Match is a service tag or a datacenter region that holds an address.
type Match struct {
	Name    string       `json:"name"` // "Storage.WestEurope"; of a datacenter region the backend name
	Kind    Kind         `json:"kind"`
	Prefix  netip.Prefix `json:"prefix"`  // its longest that holds the address
	Region  string       `json:"region"`  // ARM name, "" for a global tag or where it is not known
	Service string       `json:"service"` // "AzureStorage"; "" where the file names none
}

// addressTable finds the prefixes that hold an address. Building it takes
// about half a second for the public file.
type addressTable struct {
	trie cidranger.Ranger
	odd  []*holders // what the trie did not take: none, as far as is known
}

// holders is one prefix with the tags and regions that have it.
type holders struct {
	prefix  netip.Prefix
	tags    []*topology.ServiceTag
	regions []*topology.DatacenterRegion
}

// Network makes holders an entry of the trie.
func (h *holders) Network() net.IPNet {
	a := h.prefix.Addr()
	return net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(h.prefix.Bits(), a.BitLen())}
}

func (x *Index) addressTable() *addressTable {
	byPrefix := map[netip.Prefix]*holders{}
	var all []*holders
	of := func(p netip.Prefix) *holders {
		p = p.Masked()
		h := byPrefix[p]
		if h == nil {
			h = &holders{prefix: p}
			byPrefix[p] = h
			all = append(all, h)
		}
		return h
	}
	for _, tag := range x.catalogue() {
		for p := range tag.Prefixes.All() {
			h := of(p)
			if n := len(h.tags); n == 0 || h.tags[n-1] != tag { // a tag may list a prefix twice
				h.tags = append(h.tags, tag)
			}
		}
	}
	for _, r := range x.datacenters() {
		for _, p := range r.Prefixes {
			h := of(p)
			if n := len(h.regions); n == 0 || h.regions[n-1] != r {
				h.regions = append(h.regions, r)
			}
		}
	}
	t := &addressTable{trie: cidranger.NewPCTrieRanger()}
	for _, h := range all {
		if err := t.trie.Insert(h); err != nil {
			t.odd = append(t.odd, h)
		}
	}
	return t
}

// holding returns the prefixes that hold a valid address.
func (t *addressTable) holding(addr netip.Addr) []*holders {
	var out []*holders
	// The only error is that of an address that is none.
	entries, _ := t.trie.ContainingNetworks(addr.AsSlice())
	for _, e := range entries {
		if h, ok := e.(*holders); ok {
			out = append(out, h)
		}
	}
	for _, h := range t.odd {
		if h.prefix.Contains(addr) {
			out = append(out, h)
		}
	}
	return out
}

// Lookup returns every service tag and datacenter region that holds the
// address, each once, the most specific first: by the length of the prefix,
// then tags of a service before AzureCloud before datacenter regions, regional
// ones before global ones, then by name. An IPv6 address that stands for an IPv4 one is looked up as that; a
// zone is left out.
func (x *Index) Lookup(addr netip.Addr) []Match {
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() {
		return nil
	}
	found := x.byAddress().holding(addr)
	slices.SortFunc(found, func(a, b *holders) int { return cmp.Compare(b.prefix.Bits(), a.prefix.Bits()) })
	var out []Match
	tags := map[*topology.ServiceTag]bool{}
	regions := map[*topology.DatacenterRegion]bool{}
	for _, h := range found {
		for _, tag := range h.tags {
			if !tags[tag] {
				tags[tag] = true
				out = append(out, Match{tag.Name, ServiceTag, h.prefix, tag.Region, tag.SystemService})
			}
		}
		for _, r := range h.regions {
			if !regions[r] {
				regions[r] = true
				out = append(out, Match{r.Name, DatacenterRegion, h.prefix, r.Location, ""})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Match) int {
		return cmp.Or(cmp.Compare(b.Prefix.Bits(), a.Prefix.Bits()), cmp.Compare(a.breadth(), b.breadth()), strings.Compare(a.Name, b.Name))
	})
	return out
}

// breadth orders what has the same prefix: the less it stands for, the lower.
func (m Match) breadth() int {
	b := 0
	if m.Kind == DatacenterRegion {
		b += 4
	}
	if m.Service == "" { // AzureCloud: whatever runs there
		b += 2
	}
	if m.Region == "" {
		b++
	}
	return b
}
