package reach

import (
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/topology"
)

// Addresses are the addresses of a row at an end that is a set. The zero
// Addresses is the end as a whole.
type Addresses struct {
	Name     string         // what they are exactly: "Internet", "Storage.WestEurope", "Internet except Storage"; "" where no name fits
	Prefixes []netip.Prefix // all of them
	Tag      string         // some address of this tag, whose prefixes are not known

	set *netipx.IPSet
}

// Whole reports whether the end is meant as a whole.
func (a Addresses) Whole() bool { return len(a.Prefixes) == 0 && a.Tag == "" }

func setOf(list []netip.Prefix) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, p := range list {
		b.AddPrefix(p)
	}
	set, _ := b.IPSet() // of valid prefixes: no error
	return set
}

// addresses names a part of what the places hold.
func (f *finder) addresses(set *netipx.IPSet, tag string, places []*Place) Addresses {
	if set == nil {
		return Addresses{Tag: tag}
	}
	a := Addresses{Prefixes: set.Prefixes(), Tag: tag, set: set}
	var four, six bool
	for _, p := range a.Prefixes {
		four, six = four || p.Addr().Is4(), six || p.Addr().Is6()
	}
	family := func(s *netipx.IPSet) *netipx.IPSet {
		var b netipx.IPSetBuilder
		for _, r := range s.Ranges() {
			if r.From().Is4() && four || r.From().Is6() && six {
				b.AddRange(r)
			}
		}
		x, _ := b.IPSet() // of valid ranges: no error
		return x
	}
	var whole *netipx.IPSet
	name := ""
	if len(places) > 0 {
		if all := addressesOf(places[0].end); all != nil {
			whole, name = family(all), places[0].Name
		}
	}
	rest := (*netipx.IPSet)(nil)
	if whole != nil {
		rest = without(whole, set)
	}
	for _, n := range f.names() {
		x := family(n.set)
		if whole != nil {
			x = intersect(x, whole)
		}
		if len(x.Ranges()) == 0 {
			continue
		}
		if x.Equal(set) {
			a.Name = n.name
			return a
		}
		if rest != nil && x.Equal(rest) && n.name != name {
			a.Name = name + " except " + n.name
			return a
		}
	}
	if whole != nil && whole.Equal(set) {
		a.Name = name
		return a
	}
	inside := func(n namedSet) *netipx.IPSet {
		x := family(n.set)
		if whole != nil {
			x = intersect(x, whole)
		}
		return x
	}
	a.Name = f.covered(set, inside)
	if a.Name == "" && rest != nil {
		if less := f.covered(rest, inside); less != "" {
			a.Name = name + " except " + less
		}
	}
	return a
}

// covered names a set by several names that make it up, with a few prefixes
// beside; "" where that takes more.
func (f *finder) covered(set *netipx.IPSet, inside func(namedSet) *netipx.IPSet) string {
	if name := f.listed(set.Prefixes()); name != "" {
		return name
	}
	var names []string
	for _, n := range f.names() {
		if len(names) == spelled {
			break
		}
		if x := inside(n); len(x.Ranges()) > 0 && len(without(x, set).Ranges()) == 0 {
			names = append(names, n.name)
			set = without(set, x)
		}
	}
	if len(names) == 0 {
		return ""
	}
	if left := set.Prefixes(); len(left) > 0 {
		beside := f.listed(left)
		if beside == "" {
			return ""
		}
		names = append(names, beside)
	}
	return strings.Join(names, ", ")
}

// spelled is how many prefixes a name spells out.
const spelled = 4

// listed names a few prefixes one by one, "" where there are more or none of
// them has a name.
func (f *finder) listed(list []netip.Prefix) string {
	if len(list) == 0 || len(list) > spelled {
		return ""
	}
	var out []string
	for _, p := range list {
		out = append(out, f.prefixName(p))
	}
	return strings.Join(out, ", ")
}

// prefixName is what the estate calls a prefix, else the prefix.
func (f *finder) prefixName(p netip.Prefix) string {
	if p.IsSingleIP() {
		if o := f.net.Owners(p.Addr()); len(o) == 1 {
			return f.place(o[0]).Name
		}
		return p.Addr().String()
	}
	for _, v := range f.net.VirtualNetworks {
		for _, sub := range v.Subnets {
			if len(sub.Prefixes) == 1 && sub.Prefixes[0] == p {
				return subnetName(sub)
			}
		}
	}
	return p.String()
}

// namedSet is a set of addresses that has a name.
type namedSet struct {
	name string
	set  *netipx.IPSet
}

// readNames are the sets that engineers have names for: the Internet, tags that
// rules and routes of the estate name, virtual networks and subnets.
func (f *finder) readNames() (out []namedSet) {
	if e, err := f.s.NamedEnd("Internet"); err == nil {
		out = append(out, namedSet{"Internet", addressesOf(e)})
	}
	var tags []string
	add := func(list []topology.AddressPrefix) {
		for _, p := range list {
			if p.Kind == topology.TagAddress && !slices.ContainsFunc(tags, func(t string) bool { return strings.EqualFold(t, p.Tag) }) {
				tags = append(tags, p.Tag)
			}
		}
	}
	for _, g := range f.net.NetworkSecurityGroups {
		for _, r := range g.SecurityRules {
			add(r.Source.Prefixes)
			add(r.Destination.Prefixes)
		}
	}
	for _, r := range f.net.AdminRules {
		add(r.Source.Prefixes)
		add(r.Destination.Prefixes)
	}
	for _, t := range f.net.RouteTables {
		for _, r := range t.Routes {
			add([]topology.AddressPrefix{r.Destination})
		}
	}
	for _, v := range f.net.VirtualNetworks {
		for _, sub := range v.Subnets {
			for _, e := range sub.ServiceEndpoints {
				service := strings.TrimPrefix(strings.ToLower(e.Service), "microsoft.")
				for _, name := range []string{service, f.s.Names().RegionalTag(service, v.Location)} {
					add([]topology.AddressPrefix{{Kind: topology.TagAddress, Tag: name}})
				}
			}
		}
	}
	for _, name := range tags {
		if tag, ok := f.s.Names().Index().Tag(name); ok && tag.Refused == nil {
			out = append(out, namedSet{tag.Name, setOf(tag.Prefixes.Slice())})
		}
	}
	for _, v := range f.net.VirtualNetworks {
		out = append(out, namedSet{"vnet " + v.Name, setOf(v.KnownSpace())})
		for _, sub := range v.Subnets {
			out = append(out, namedSet{subnetName(sub), setOf(sub.Prefixes)})
		}
	}
	return out
}

func without(a, b *netipx.IPSet) *netipx.IPSet {
	var x netipx.IPSetBuilder
	x.AddSet(a)
	x.RemoveSet(b)
	set, _ := x.IPSet() // of valid sets: no error
	return set
}

func intersect(a, b *netipx.IPSet) *netipx.IPSet {
	var x netipx.IPSetBuilder
	x.AddSet(a)
	x.Intersect(b)
	set, _ := x.IPSet() // of valid sets: no error
	return set
}
