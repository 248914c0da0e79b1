package reach

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// protocols are those of packets, in the order of their bits in a box.
var protocols = []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP, topology.ESP, topology.AH}

const everyProtocol = 1<<5 - 1

// box is a part of what was found for a pair. The sets are nil where the place
// is meant as a whole.
type box struct {
	protocols           uint8
	source, destination *netipx.IPSet
	tag                 string // some address of it, not known which; "" for none
	sourcePorts, ports  []topology.PortRange
	services            []Services // of all boxes that differ in these alone, once collected
	through             string
	outcome             *sim.Outcome
	why                 string // tells outcomes apart that a row does not join
}

// whyOf tells outcomes apart that an engineer would call different: by the
// verdict and what decides, not by the way.
func whyOf(o *sim.Outcome) string {
	var b strings.Builder
	fmt.Fprint(&b, o.Verdict, "|", o.Code, "|", o.RuleName, "|", o.Priority, "|", o.NetworkSecurityGroup, "|", o.UnderAssumptions)
	for _, m := range o.Missing {
		fmt.Fprint(&b, "|", m.Code)
	}
	return b.String()
}

// boxes are the parts of a trace.
func boxes(t *sim.Trace, from, to *Place, asked uint8, through string) []*box {
	// family leaves only the addresses that the other end has a partner for.
	whole := func(e, other sim.End) *netipx.IPSet {
		var b netipx.IPSetBuilder
		for _, v6 := range []bool{false, true} {
			if set := e.Addresses(v6); set != nil && other.Has(v6) {
				b.AddSet(set)
			}
		}
		set, _ := b.IPSet() // of valid sets: no error
		return set
	}
	sources, destinations := whole(from.end, to.end), whole(to.end, from.end)
	one := func(o *sim.Outcome) *box { return &box{protocols: asked, outcome: o, why: whyOf(o), through: through} }
	// direct says that what is told of a way through a proxy went past it.
	direct := func(o *sim.Outcome) bool {
		return through != "" && !slices.ContainsFunc(o.Hops, func(h sim.Hop) bool { return h.Leg > 0 })
	}
	if len(t.Parts) == 0 {
		if direct(&t.Outcome) {
			return nil
		}
		return collect([]*box{one(&t.Outcome)})
	}
	var out []*box
	for i := range t.Parts {
		p := &t.Parts[i]
		if direct(&p.Outcome) {
			continue
		}
		b := one(&p.Outcome)
		b.tag = p.Tag
		if p.Protocol != "" {
			n := slices.IndexFunc(protocols, func(x topology.Protocol) bool { return x.String() == p.Protocol })
			b.protocols = 1 << n
		}
		if len(p.Source) > 0 {
			b.source = setOf(p.Source)
		}
		if len(p.Destination) > 0 {
			b.destination = setOf(p.Destination)
		}
		b.sourcePorts, b.ports = p.SourcePorts, p.Ports
		out = append(out, b)
	}
	out = collect(merge(out))
	for _, b := range out {
		if b.source != nil && b.source.Equal(sources) {
			b.source = nil
		}
		if b.destination != nil && b.destination.Equal(destinations) {
			b.destination = nil
		}
	}
	return out
}

// setKey tells sets apart.
func setKey(s *netipx.IPSet) string {
	if s == nil {
		return ""
	}
	var b strings.Builder
	for _, r := range s.Ranges() {
		b.WriteString(r.String())
		b.WriteByte(' ')
	}
	return b.String()
}

// merge joins boxes that differ in one dimension alone until none do, and
// boxes of two families that differ in their addresses alone.
func merge(list []*box) []*box {
	for before := -1; before != len(list); {
		before = len(list)
		for _, dimension := range []struct {
			others func(b *box) string
			join   func(into, b *box)
		}{
			{func(b *box) string {
				return fmt.Sprint(setKey(b.source), "|", setKey(b.destination), b.sourcePorts, b.ports)
			},
				func(into, b *box) { into.protocols |= b.protocols }},
			{func(b *box) string {
				return fmt.Sprint(b.protocols, setKey(b.source), "|", setKey(b.destination), b.sourcePorts)
			},
				func(into, b *box) { into.ports = joinPorts(into.ports, b.ports) }},
			{func(b *box) string {
				return fmt.Sprint(b.protocols, setKey(b.source), "|", setKey(b.destination), b.ports)
			},
				func(into, b *box) { into.sourcePorts = joinPorts(into.sourcePorts, b.sourcePorts) }},
			{func(b *box) string {
				return fmt.Sprint(b.protocols, b.destination == nil, setKey(b.source), b.sourcePorts, b.ports)
			},
				func(into, b *box) { into.destination = union(into.destination, b.destination) }},
			{func(b *box) string {
				return fmt.Sprint(b.protocols, b.source == nil, setKey(b.destination), b.sourcePorts, b.ports)
			},
				func(into, b *box) { into.source = union(into.source, b.source) }},
		} {
			at := map[string]*box{}
			var out []*box
			for _, b := range list {
				key := b.why + "|" + b.tag + "|" + b.through + "|" + dimension.others(b)
				if into := at[key]; into != nil {
					dimension.join(into, b)
					into.rest(b.outcome)
					continue
				}
				c := *b
				o := *b.outcome
				c.outcome = &o
				at[key] = &c
				out = append(out, &c)
			}
			list = out
		}
	}
	return list
}

// collect joins boxes that differ in their services alone.
func collect(list []*box) []*box {
	at := map[string]*box{}
	var out []*box
	for _, b := range list {
		key := fmt.Sprint(b.why, "|", b.tag, "|", b.through, "|", setKey(b.source), "|", setKey(b.destination))
		into := at[key]
		if into == nil {
			into = b
			at[key] = b
			out = append(out, b)
		} else {
			into.rest(b.outcome)
		}
		into.services = append(into.services, servicesOf(b))
	}
	return out
}

// rest adds what another outcome for the same reason rests on.
func (b *box) rest(o *sim.Outcome) {
	for _, a := range o.Assumptions {
		if !slices.Contains(b.outcome.Assumptions, a) {
			b.outcome.Assumptions = append(slices.Clip(b.outcome.Assumptions), a)
		}
	}
	for _, m := range o.Missing {
		if !slices.Contains(b.outcome.Missing, m) {
			b.outcome.Missing = append(slices.Clip(b.outcome.Missing), m)
		}
	}
}

func union(a, b *netipx.IPSet) *netipx.IPSet {
	if a == nil || b == nil {
		return nil
	}
	var u netipx.IPSetBuilder
	u.AddSet(a)
	u.AddSet(b)
	set, _ := u.IPSet() // of valid sets: no error
	return set
}

// joinPorts joins ranges that touch; nil is all of them.
func joinPorts(a, b []topology.PortRange) []topology.PortRange {
	if a == nil || b == nil {
		return nil
	}
	list := slices.Concat(a, b)
	slices.SortFunc(list, func(x, y topology.PortRange) int {
		return cmp.Or(cmp.Compare(x.First, y.First), cmp.Compare(x.Last, y.Last))
	})
	var out []topology.PortRange
	for _, r := range list {
		if n := len(out); n > 0 && int(r.First) <= int(out[n-1].Last)+1 {
			out[n-1].Last = max(out[n-1].Last, r.Last)
			continue
		}
		out = append(out, r)
	}
	if len(out) == 1 && out[0] == topology.AllPorts {
		return nil
	}
	return out
}

// key tells boxes apart, of whatever pair they are.
func (b *box) key() string {
	return fmt.Sprint(b.why, "|", b.tag, "|", b.through, "|", setKey(b.source), "|", setKey(b.destination), "|", b.services)
}

// rows tells pairs that fare alike together.
func (f *finder) rows(from, to *Ends, pairs []*pair) []Row {
	of := map[string]int{}
	var kinds []*box
	fares := make([][][]int, len(from.Places)) // numbers of boxes, by source and destination
	for i := range fares {
		fares[i] = make([][]int, len(to.Places))
	}
	for _, p := range pairs {
		x, y := from.Places[p.from], to.Places[p.to]
		list := boxes(p.direct, x, y, everyProtocol, "")
		if p.proxied != nil {
			list = append(list, boxes(p.proxied, x, y, 1<<0, p.proxied.Proxy)...)
		}
		for _, b := range list {
			k := b.key()
			n, ok := of[k]
			if !ok {
				n = len(kinds)
				of[k] = n
				o := *b.outcome
				b.outcome = &o
				kinds = append(kinds, b)
			} else {
				kinds[n].rest(b.outcome)
			}
			fares[p.from][p.to] = append(fares[p.from][p.to], n)
		}
		slices.Sort(fares[p.from][p.to])
	}

	var out []Row
	at := map[string]int{}
	for _, members := range alike(from.Places, to.Places, fares) {
		found := map[int][]int{} // destinations by box
		for j := range to.Places {
			seen := map[int]bool{}
			for _, i := range members {
				for _, n := range fares[i][j] {
					if !seen[n] {
						seen[n] = true
						found[n] = append(found[n], j)
					}
				}
			}
		}
		for n, b := range kinds {
			if len(found[n]) == 0 {
				continue
			}
			key := fmt.Sprint(n, found[n])
			k, ok := at[key]
			if !ok {
				k = len(out)
				at[key] = k
				r := Row{Services: b.services, Through: b.through, Outcome: *b.outcome}
				for _, j := range found[n] {
					r.To = append(r.To, to.Places[j])
				}
				r.Source = f.addresses(b.source, "", r.From)
				r.Destination = f.addresses(b.destination, b.tag, r.To)
				out = append(out, r)
			}
			for _, i := range members {
				out[k].From = append(out[k].From, from.Places[i])
			}
		}
	}
	for i := range out {
		if out[i].Source.set != nil {
			out[i].Source = f.addresses(out[i].Source.set, "", out[i].From)
		}
	}
	order := map[flow.Verdict]int{flow.Allow: 0, flow.Unknown: 1, flow.Deny: 2}
	first := func(list []*Place, of []*Place) int { return slices.Index(of, list[0]) }
	slices.SortStableFunc(out, func(a, b Row) int {
		return cmp.Or(order[a.Outcome.Verdict]-order[b.Outcome.Verdict], first(a.From, from.Places)-first(b.From, from.Places), first(a.To, to.Places)-first(b.To, to.Places))
	})
	return out
}

// servicesOf are the services of a box.
func servicesOf(b *box) Services {
	s := Services{SourcePorts: b.sourcePorts, Ports: b.ports}
	if b.protocols != everyProtocol {
		for i, p := range protocols {
			if b.protocols>>i&1 != 0 {
				s.Protocols = append(s.Protocols, p)
			}
		}
	}
	return s
}

// alike groups sources that fare alike with every destination; of what two of
// them send to each other both ways must be the same.
func alike(from, to []*Place, fares [][][]int) [][]int {
	at := map[*Place]int{}
	for j, p := range to {
		at[p] = j
	}
	// self is the number of a source among the destinations.
	self := func(i int) int {
		if j, ok := at[from[i]]; ok {
			return j
		}
		return -1
	}
	mutual := func(i, k int) bool {
		a, b := self(i), self(k)
		return a < 0 && b < 0 || a >= 0 && b >= 0 && slices.Equal(fares[i][b], fares[k][a])
	}
	var groups [][]int
	for i := range from {
		home := -1
		for g, members := range groups {
			first := members[0]
			same := true
			for j := range to {
				if j != self(i) && j != self(first) && !slices.Equal(fares[i][j], fares[first][j]) {
					same = false
					break
				}
			}
			for _, k := range members {
				same = same && mutual(i, k)
			}
			if a, b := self(i), self(first); same && len(members) > 1 && a >= 0 && b >= 0 {
				same = slices.Equal(fares[i][b], fares[first][self(members[1])])
			}
			if same {
				home = g
				break
			}
		}
		if home < 0 {
			groups = append(groups, nil)
			home = len(groups) - 1
		}
		groups[home] = append(groups[home], i)
	}
	return groups
}
