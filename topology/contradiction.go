package topology

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// Differs is the first rule on which the effective export and the rules of its
// NSG are at odds: one that only one of the two has, or that says something
// else there; nil where they agree. Default rules are left out, and so is what
// the export spells otherwise: names, ranges of ports, "0.0.0.0/0" for "*", the
// addresses of an application security group or service tag (EFN). An export
// without rules is at odds with none.
func (e *EffectiveSecurityGroup) Differs(rules []*SecurityRule) *SecurityRule {
	if len(e.Rules) == 0 {
		return nil
	}
	if r := withoutEqual(e.Rules, rules); r != nil {
		return r
	}
	return withoutEqual(rules, e.Rules)
}

// withoutEqual is the first own rule of the list that has no equal in the other.
func withoutEqual(list, other []*SecurityRule) *SecurityRule {
	type place struct {
		direction Direction
		priority  int
	}
	at := map[place][]*SecurityRule{}
	var open []*SecurityRule // of which no place is known
	for _, r := range other {
		if placeless(r) {
			open = append(open, r)
		} else {
			at[place{r.Direction, r.Priority}] = append(at[place{r.Direction, r.Priority}], r)
		}
	}
	for _, r := range list {
		if r.Default || r.Priority >= 65000 || placeless(r) {
			continue
		}
		equal := func(x *SecurityRule) bool { return !x.Default && sameRule(r, x) }
		if !slices.ContainsFunc(at[place{r.Direction, r.Priority}], equal) && !slices.ContainsFunc(open, equal) {
			return r
		}
	}
	return nil
}

func placeless(r *SecurityRule) bool {
	return slices.Contains(r.Unresolved, "priority") || slices.Contains(r.Unresolved, "direction")
}

func sameRule(a, b *SecurityRule) bool {
	open := func(name string) bool {
		return slices.Contains(a.Unresolved, name) || slices.Contains(b.Unresolved, name)
	}
	ports := !(a.Protocol == b.Protocol && (a.Protocol == ICMP || a.Protocol == ESP || a.Protocol == AH))
	return (a.Access == b.Access || open("access")) && (a.Protocol == b.Protocol || open("protocol")) &&
		sameAddresses(&a.Source, &b.Source) && sameAddresses(&a.Destination, &b.Destination) &&
		(!ports || samePorts(&a.Source, &b.Source) && samePorts(&a.Destination, &b.Destination))
}

func samePorts(a, b *Match) bool {
	return a.PortsUnresolved || b.PortsUnresolved || slices.Equal(JoinPorts(a.Ports), JoinPorts(b.Ports))
}

// sameAddresses compares the addresses of two sides as far as both say what
// they are.
func sameAddresses(a, b *Match) bool {
	if len(a.ASGs)+len(b.ASGs) > 0 {
		return true // an effective export has the addresses of the members
	}
	x, y := addressesOf(a), addressesOf(b)
	switch {
	case x.open || y.open:
		return true
	case x.any || y.any:
		return (x.any || x.all) && (y.any || y.all)
	case x.all || y.all:
		return x.all == y.all && slices.Equal(x.prefixes, y.prefixes)
	case (len(x.tags) == 0) != (len(y.tags) == 0):
		// Of a tag there may be only what it was expanded to; the other
		// addresses are among those.
		return true
	}
	return slices.Equal(x.tags, y.tags) && slices.Equal(x.prefixes, y.prefixes)
}

// addresses are those of a side of a rule, in a form of their own.
type addresses struct {
	open     bool // may be any
	any      bool // "*"
	all      bool // every address of a family
	tags     []string
	prefixes []netip.Prefix
}

func addressesOf(m *Match) addresses {
	var x addresses
	for _, a := range m.Prefixes {
		switch a.Kind {
		case AnyAddress:
			x.any = true
		case TagAddress:
			x.tags = append(x.tags, strings.ToLower(strings.ReplaceAll(a.Tag, "_", "")))
		case PrefixAddress:
			x.all = x.all || a.Prefix.Bits() == 0
			x.prefixes = append(x.prefixes, a.Prefix.Masked())
		default:
			x.open = true
		}
	}
	slices.Sort(x.tags)
	x.tags, x.prefixes = slices.Compact(x.tags), joinPrefixes(x.prefixes)
	return x
}

// joinPrefixes are the same addresses in as few prefixes as they need, in order.
func joinPrefixes(list []netip.Prefix) []netip.Prefix {
	slices.SortFunc(list, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	var out []netip.Prefix
	for _, p := range list {
		if n := len(out); n > 0 && out[n-1].Overlaps(p) {
			continue // the wider comes first
		}
		out = append(out, p)
		for n := len(out); n > 1 && out[n-1].Bits() == out[n-2].Bits() && out[n-1].Bits() > 0; n = len(out) {
			whole := netip.PrefixFrom(out[n-2].Addr(), out[n-2].Bits()-1).Masked()
			if whole.Addr() != out[n-2].Addr() || !whole.Contains(out[n-1].Addr()) {
				break
			}
			out = append(out[:n-2], whole)
		}
	}
	return out
}

// Misplaced are the subnet and the interface that the effective export names as
// those of its NSG where none of them says so; none where one does, or is not
// in the data.
func (e *EffectiveSecurityGroup) Misplaced(n *Network) []Ref {
	id := e.NetworkSecurityGroup.ID()
	if id == "" {
		return nil
	}
	var out []Ref
	for _, r := range []Ref{e.Subnet, e.NetworkInterface} {
		if r.IsZero() {
			continue
		}
		var own Ref
		switch x := n.Find(r.ID()).(type) {
		case *Subnet:
			own = x.NetworkSecurityGroup
		case *NetworkInterface:
			own = x.NetworkSecurityGroup
		default:
			return nil
		}
		if own.ID() == id {
			return nil
		}
		out = append(out, r)
	}
	return out
}
