package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"

	"github.com/gaissmai/bart"
	"github.com/infobloxopen/go-trees/iptree"
	"github.com/k-sone/critbitgo"
	"github.com/yl2chen/cidranger"
	"go4.org/netipx"
)

// libraryTable is what libraries take for one look-up in one catalogue.
type libraryTable struct {
	name  string
	lines []libraryLine
}

type libraryLine struct {
	name string
	ns   map[string]float64 // by kind
}

// library is a way to ask a prefix library. What they answer differs: a value
// of the longest prefix, all prefixes, or only whether there is one.
type library struct {
	name, answers string
	has           func(netip.Addr) bool
}

// compare measures every library, with as many addresses as the slow ones can
// bear.
func (b *bench) compare(c catalogue) error {
	prefixes := unique(c.tags)
	libraries, err := newLibraries(prefixes)
	if err != nil {
		return err
	}
	table := mustBuild(c.tags)
	libraries = append([]library{{"netpath", "all sets", func(a netip.Addr) bool { return table.LookupAddr(a) != 0 }}}, libraries...)
	out := libraryTable{name: c.name}
	for _, l := range libraries {
		out.lines = append(out.lines, libraryLine{l.name + " (" + l.answers + ")", map[string]float64{}})
	}
	addresses := addressesOf(prefixes, b.seed)
	for _, kind := range kinds {
		addrs := addresses[kind][:1<<14]
		var peers []peer
		for _, l := range libraries {
			peers = append(peers, peer{l.name, len(addrs), func() {
				for _, a := range addrs {
					if l.has(a) {
						sink++
					}
				}
			}})
		}
		s := measure(5, peers...)
		for i, l := range libraries {
			out.lines[i].ns[kind] = s.ns(l.name)
		}
	}
	// They agree about addresses, or the comparison is of different things.
	rng := rand.New(rand.NewPCG(b.seed, 4))
	for range 10_000 {
		a := addresses[kinds[rng.IntN(len(kinds))]][rng.IntN(queries)]
		for _, l := range libraries[1:] {
			if got, want := l.has(a), libraries[0].has(a); got != want {
				return fmt.Errorf("%s: %s: %v, netpath %v", l.name, a, got, want)
			}
		}
	}
	b.libraries = append(b.libraries, out)
	b.log("libraries, %s: measured", c.name)
	return nil
}

func newLibraries(prefixes []netip.Prefix) ([]library, error) {
	l := newLPM(prefixes)
	lite := new(bart.Lite)
	ranger := cidranger.NewPCTrieRanger()
	var set netipx.IPSetBuilder
	tree := iptree.NewTree()
	critbit := critbitgo.NewNet()
	for _, p := range prefixes {
		lite.Insert(p)
		set.AddPrefix(p)
		if err := ranger.Insert(rangerEntry(p)); err != nil {
			return nil, fmt.Errorf("cidranger: %w", err)
		}
		network := netipx.PrefixIPNet(p)
		tree.InplaceInsertNet(network, true)
		if err := critbit.Add(network, true); err != nil {
			return nil, fmt.Errorf("critbitgo: %w", err)
		}
	}
	ips, err := set.IPSet()
	if err != nil {
		return nil, fmt.Errorf("netipx: %w", err)
	}
	ip := func(a netip.Addr) net.IP { return a.AsSlice() }
	return []library{
		{"bart.Fast", "longest prefix", func(a netip.Addr) bool { _, ok := l.fast.Lookup(a); return ok }},
		{"bart.Table", "longest prefix", func(a netip.Addr) bool { _, ok := l.table.Lookup(a); return ok }},
		{"bart.Lite", "yes or no", lite.Contains},
		{"netipx.IPSet", "yes or no", ips.Contains},
		{"go-trees iptree", "longest prefix", func(a netip.Addr) bool { _, ok := tree.GetByIP(ip(a)); return ok }},
		{"critbitgo", "longest prefix", func(a netip.Addr) bool { r, _, err := critbit.MatchIP(ip(a)); return r != nil && err == nil }},
		{"cidranger Contains", "yes or no", func(a netip.Addr) bool { in, err := ranger.Contains(ip(a)); return in && err == nil }},
		{"cidranger ContainingNetworks", "all prefixes", func(a netip.Addr) bool {
			n, err := ranger.ContainingNetworks(ip(a))
			return len(n) > 0 && err == nil
		}},
	}, nil
}
