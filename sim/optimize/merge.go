package optimize

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

// field is a list of a rule that may grow.
type field struct {
	name string // as Azure names the plural property
	// key tells rules apart by what they have there.
	key func(*topology.SecurityRule) string
	// join makes one rule of two that differ there alone; false where no rule
	// says both.
	join func(a, b *topology.SecurityRule) (*topology.SecurityRule, bool)
}

func source(r *topology.SecurityRule) *topology.Match      { return &r.Source }
func destination(r *topology.SecurityRule) *topology.Match { return &r.Destination }

// fields are the lists in the order in which they are tried.
var fields = []field{
	portsOf("destinationPortRanges", destination),
	addressesOf("sourceAddressPrefixes", source),
	addressesOf("destinationAddressPrefixes", destination),
	portsOf("sourcePortRanges", source),
}

func portsOf(name string, side func(*topology.SecurityRule) *topology.Match) field {
	return field{
		name: name,
		key: func(r *topology.SecurityRule) string {
			m := side(r)
			return fmt.Sprint(slices.Contains(m.Ports, topology.AllPorts), topology.JoinPorts(m.Ports))
		},
		join: func(a, b *topology.SecurityRule) (*topology.SecurityRule, bool) {
			x, y := side(a).Ports, side(b).Ports
			all := slices.Contains(x, topology.AllPorts) || slices.Contains(y, topology.AllPorts)
			ports := topology.JoinPorts(slices.Concat(x, y))
			if len(ports) == 1 && ports[0] == topology.AllPorts && !all && a.Protocol == topology.AnyProtocol {
				return nil, false // "*" would match packets without ports too
			}
			out := *a
			side(&out).Ports = ports
			return &out, true
		},
	}
}

func addressesOf(name string, side func(*topology.SecurityRule) *topology.Match) field {
	return field{
		name: name,
		key: func(r *topology.SecurityRule) string {
			m := side(r)
			if set, ok := prefixes(m); ok {
				return fmt.Sprint(set.Prefixes())
			}
			list := append(edit.Addresses(*m), fmt.Sprint(m.HasExpanded))
			for _, g := range m.ASGs {
				list = append(list, string(g.ID()))
			}
			slices.Sort(list)
			return strings.ToLower(strings.Join(list, "\x00"))
		},
		join: func(a, b *topology.SecurityRule) (*topology.SecurityRule, bool) {
			x, ok := prefixes(side(a))
			y, also := prefixes(side(b))
			if !ok || !also {
				return nil, false // a list holds no tags, and which groups may stand together is not in the data
			}
			var both netipx.IPSetBuilder
			both.AddSet(x)
			both.AddSet(y)
			set, _ := both.IPSet() // of valid sets: no error
			list := set.Prefixes()
			if list[0].Addr().Is4() != list[len(list)-1].Addr().Is4() {
				return nil, false
			}
			written := map[netip.Prefix]topology.AddressPrefix{}
			for _, p := range slices.Concat(side(a).Prefixes, side(b).Prefixes) {
				written[p.Prefix] = p
			}
			out := *a
			m := side(&out)
			m.Prefixes = make([]topology.AddressPrefix, len(list))
			for i, p := range list {
				w, ok := written[p]
				if !ok {
					w = topology.AddressPrefix{Kind: topology.PrefixAddress, Prefix: p, Text: p.String()}
				}
				m.Prefixes[i] = w
			}
			return &out, true
		},
	}
}

// prefixes are the addresses of a side that names addresses alone.
func prefixes(m *topology.Match) (*netipx.IPSet, bool) {
	if len(m.Prefixes) == 0 || len(m.ASGs) > 0 || m.HasExpanded {
		return nil, false
	}
	var b netipx.IPSetBuilder
	for i := range m.Prefixes {
		if m.Prefixes[i].Kind != topology.PrefixAddress {
			return nil, false
		}
		b.AddPrefix(m.Prefixes[i].Prefix)
	}
	set, err := b.IPSet()
	return set, err == nil
}

// merge makes one rule of several that differ in one field, wherever they can
// stand side by side.
func (w *work) merge() bool {
	any := false
	for i := range fields {
		for _, group := range w.alike(i) {
			any = w.mergeGroup(&fields[i], group) || any
		}
	}
	return any
}

// alike are the rules that differ in the field alone, by priority, in groups of
// two and more.
func (w *work) alike(but int) [][]*topology.SecurityRule {
	groups := map[string][]*topology.SecurityRule{}
	var order []string
	list := slices.Clone(w.rules)
	slices.SortStableFunc(list, func(a, b *topology.SecurityRule) int { return a.Priority - b.Priority })
	for _, r := range list {
		if w.untouched[r] {
			continue
		}
		key := fmt.Sprint(r.Direction, r.Access, r.Protocol)
		for i := range fields {
			if i != but {
				key += "\x00" + fields[i].key(r)
			}
		}
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], r)
	}
	var out [][]*topology.SecurityRule
	for _, key := range order {
		if len(groups[key]) > 1 {
			out = append(out, groups[key])
		}
	}
	return out
}

// mergeGroup merges the rules of a group, by priority, each into the one that
// went before: up to it, or that one down, where nothing between minds.
func (w *work) mergeGroup(f *field, group []*topology.SecurityRule) bool {
	step := Step{Field: f.name}
	any := false
	done := func() {
		if step.Into != nil {
			w.steps = append(w.steps, step)
			any = true
		}
		step = Step{Field: f.name}
	}
	last := group[0]
	for _, r := range group[1:] {
		into, gone := last, r
		joined, ok := f.join(last, r)
		ground := nsg.Unproven
		if ok && sameExplicit(last, r, joined) {
			move := func(r, beside *topology.SecurityRule) nsg.Ground {
				return w.shown(r, func(p *nsg.Proof) nsg.Ground { return p.Movable(p.Gate().Index(r), p.Gate().Index(beside)) })
			}
			if ground = move(r, last); ground == nsg.Unproven {
				if ground = move(last, r); ground != nsg.Unproven {
					done() // what was merged so far is a step of its own
					into, gone = r, last
					joined, _ = f.join(r, last)
				}
			}
		}
		if ground == nsg.Unproven || !w.fits(into, gone, joined) {
			done()
			last = r
			continue
		}
		if step.Into == nil {
			step.Into = into
		}
		step.Now, step.Gone = joined, append(step.Gone, gone)
		if ground == nsg.ByContent {
			for _, t := range w.tags(w.between(into, gone)) {
				if !slices.Contains(step.Tags, t) {
					step.Tags = append(step.Tags, t)
				}
			}
		}
		w.drop(gone)
		w.rules[slices.Index(w.rules, into)] = joined
		last = joined
	}
	done()
	return any
}

// between are the rules from the one to the other.
func (w *work) between(a, b *topology.SecurityRule) (out []*topology.SecurityRule) {
	for _, r := range w.rules {
		if r.Direction == a.Direction && min(a.Priority, b.Priority) <= r.Priority && r.Priority <= max(a.Priority, b.Priority) {
			out = append(out, r)
		}
	}
	return out
}

// sameExplicit reports whether the merged rule names addresses where both did:
// some peerings tell 0.0.0.0/0 from other prefixes (PEER).
func sameExplicit(a, b, both *topology.SecurityRule) bool {
	named := func(m *topology.Match) bool {
		return slices.ContainsFunc(m.Prefixes, func(p topology.AddressPrefix) bool { return p.Kind == topology.PrefixAddress && p.Prefix.Bits() > 0 })
	}
	return named(&a.Source) == named(&b.Source) && named(&a.Source) == named(&both.Source) &&
		named(&a.Destination) == named(&b.Destination) && named(&a.Destination) == named(&both.Destination)
}

// fits reports whether the NSG has room for the lists (LIM).
func (w *work) fits(into, gone, joined *topology.SecurityRule) bool {
	sources, destinations := 0, 0
	for _, r := range w.rules {
		switch r {
		case gone:
			continue
		case into:
			r = joined
		}
		sources += len(r.Source.Prefixes)
		destinations += len(r.Destination.Prefixes)
	}
	return sources <= edit.MaxPrefixes && destinations <= edit.MaxPrefixes
}
