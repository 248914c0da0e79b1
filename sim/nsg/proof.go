package nsg

import (
	"cmp"
	"slices"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// Proof shows of a gate's rules that they can go, or stand elsewhere, without
// a packet faring differently in any world: what the data does not say may be
// so or otherwise, apart for each address and each rule, and the proof holds
// all the same. What is named the same in two rules is the same. It is not safe
// for concurrent use.
type Proof struct {
	gate     *Gate
	distinct bool
	index    map[*Rule]int
	bases    [2]*basis
	at       *basis
}

// basis is what rules are read to say, with or without the content of the
// service tag file.
type basis struct {
	opaque bool // without
	sides  map[sideKey]bounds
	parts  map[*Rule]parts
}

// Ground is what a proof rests on.
type Ground uint8

// The grounds. The zero value is none: nothing is shown.
const (
	Unproven  Ground = iota
	ByContent        // what the service tag file says about the tags of the rules
	ByNames          // nothing: whatever the tags hold
)

// NewProof prepares proofs about the gate's rules. With distinct, a rule that
// allows what it names by address or application security group does not stand
// for one that allows it by a tag: some peerings tell the two apart (PEER).
func NewProof(g *Gate, distinct bool) *Proof {
	p := &Proof{distinct: distinct}
	for i := range p.bases {
		p.bases[i] = &basis{opaque: i == 0, sides: map[sideKey]bounds{}, parts: map[*Rule]parts{}}
	}
	p.at = p.bases[0]
	return p.About(g)
}

// About is the proof about a gate with other rules, which keeps what was found
// of those that both have. p must not be used at the same time.
func (p *Proof) About(g *Gate) *Proof {
	x := *p
	x.gate, x.index = g, make(map[*Rule]int, len(g.Rules))
	for i, r := range g.Rules {
		x.index[r] = i
		if was, ok := p.index[r]; ok && p.gate.alone(was) != g.alone(i) {
			for _, y := range x.bases {
				delete(y.parts, r)
			}
		}
	}
	return &x
}

// Index is the place of an NSG's rule among the gate's, -1 where the gate has
// no such rule.
func (g *Gate) Index(r *topology.SecurityRule) int {
	return slices.IndexFunc(g.Rules, func(x *Rule) bool { return x.element == &r.Element })
}

// Plain reports whether what the rule at i says is known: proofs are about no
// other rules. Rules with expressions, with facts that they rest on, of a
// shared priority, and those that name a platform tag are not plain.
func (g *Gate) Plain(i int) bool {
	r := g.Rules[i]
	names := func(s *Side) bool {
		return slices.ContainsFunc(s.Sets, func(x *scope.Set) bool { return x.MayBePlatform() })
	}
	return !r.Default && len(r.unresolved) == 0 && !r.Source.unresolved && !r.Destination.unresolved &&
		r.Protocol != topology.NoProtocol && r.Access != topology.NoAccess && len(r.facts()) == 0 &&
		g.alone(i) && !names(&r.Source) && !names(&r.Destination)
}

func (g *Gate) alone(i int) bool {
	p := g.Rules[i].Priority
	return (i == 0 || g.Rules[i-1].Priority != p) && (i+1 == len(g.Rules) || g.Rules[i+1].Priority != p)
}

// Dispensable reports whether every packet fares the same without the rule at
// i, which must be plain.
func (p *Proof) Dispensable(i int) Ground {
	list := p.gate.Rules
	return p.settles(list[i], list[:i], list[i+1:])
}

// Movable reports whether every packet fares the same with the rule at from,
// which must be plain, beside the one at to: behind it where that comes first,
// before it otherwise.
func (p *Proof) Movable(from, to int) Ground {
	list := p.gate.Rules
	r := list[from]
	if to < from {
		return p.settles(r, list[:to+1], list[to+1:])
	}
	return p.settles(r, list[:from], slices.Concat(list[from+1:to], []*Rule{r}, list[to:]))
}

// Gate is the gate that the proofs are about.
func (p *Proof) Gate() *Gate { return p.gate }

// Shadowed reports whether no packet reaches the rule at i, which must be
// plain: rules before it decide.
func (p *Proof) Shadowed(i int) Ground {
	list := p.gate.Rules
	return p.settles(list[i], list[:i], nil)
}

// Deciders are the places of rules that together decide what the rule at i
// matches, if it goes: without one of them they would not. It must be
// dispensable. False says that they are many, or not found among many.
func (p *Proof) Deciders(i, few int) ([]int, bool) {
	r := p.gate.Rules[i]
	touches := func(x *Rule) bool {
		b := p.read(x, given{})
		for _, y := range slices.Concat(p.read(r, given{}).must, p.read(r, given{}).may) {
			if len(near(b.must, y))+len(near(b.may, y)) > 0 {
				return true
			}
		}
		return false
	}
	list := func(rules []*Rule) (out []*Rule) {
		for _, x := range rules {
			if touches(x) {
				out = append(out, x)
			}
		}
		return out
	}
	before, after := list(p.gate.Rules[:i]), list(p.gate.Rules[i+1:])
	if p.settles(r, before, nil) != Unproven {
		after = nil
	}
	const many = 60
	if len(before)+len(after) > many {
		return nil, false
	}
	// What does otherwise than the rule stays: it must not decide.
	leave := func(part *[]*Rule, others *[]*Rule, first bool) {
		for k := len(*part) - 1; k >= 0; k-- {
			if !first && !p.same((*part)[k], r) {
				continue
			}
			fewer := slices.Delete(slices.Clone(*part), k, k+1)
			one, two := fewer, *others
			if !first {
				one, two = *others, fewer
			}
			if p.settles(r, one, two) != Unproven {
				*part = fewer
			}
		}
	}
	leave(&after, &before, false)
	leave(&before, &after, true)
	var out []int
	for _, x := range before {
		out = append(out, p.index[x])
	}
	for _, x := range after {
		if p.same(x, r) {
			out = append(out, p.index[x])
		}
	}
	return out, len(out) <= few
}

// settles reports whether whatever the rule matches and no rule before it
// decides, the rules after it treat as it does.
func (p *Proof) settles(r *Rule, before, after []*Rule) Ground {
	for i, ground := range []Ground{ByNames, ByContent} {
		p.at = p.bases[i]
		if p.settled(r, before, after) {
			return ground
		}
	}
	return Unproven
}

// given is what is taken for granted of the packets in question: that their
// addresses are in a set of which it is not known what it holds, and that a
// rule for every protocol matches packets without ports whatever ports it names.
type given struct {
	source, destination *scope.Set
	portless            bool
}

func (p *Proof) settled(r *Rule, before, after []*Rule) bool {
	outbound := p.gate.Direction == topology.Outbound
	type side struct {
		where *netipx.IPSet
		in    *scope.Set
	}
	sides := func(x *Side, local bool) (out []side) {
		certain := scope.SetOf()
		for _, s := range x.Sets {
			b := p.bounds(s, local)
			certain = join(certain, b.certain)
			if len(b.asked.Ranges()) > 0 {
				out = append(out, side{b.asked, s})
			}
		}
		if len(certain.Ranges()) > 0 {
			out = append(out, side{certain, nil})
		}
		return out
	}
	for _, from := range sides(&r.Source, outbound) {
		for _, to := range sides(&r.Destination, !outbound) {
			box := flowset.Box{Protocols: protocolsOf(r.Protocol), Source: boxed(from.where), Destination: boxed(to.where), SourcePorts: some(r.Source.Ports), DestinationPorts: some(r.Destination.Ports)}
			g := given{source: from.in, destination: to.in}
			if r.Protocol == topology.AnyProtocol && !(r.Source.allPorts() && r.Destination.allPorts()) {
				portless := box
				portless.Protocols = []topology.Protocol{topology.ICMP, topology.ESP, topology.AH}
				if !p.constant(portless, given{from.in, to.in, true}, r, before, after) {
					return false
				}
				box.Protocols = []topology.Protocol{topology.TCP, topology.UDP}
			}
			if !p.constant(box, g, r, before, after) {
				return false
			}
		}
	}
	return true
}

// constant reports whether the packets of the box that no rule before decides
// are treated as the rule does by the rules after it.
func (p *Proof) constant(box flowset.Box, g given, r *Rule, before, after []*Rule) bool {
	// What is no packet of the box, and what is decided before, is no matter.
	list := outside(box)
	for _, x := range before {
		if must := near(p.read(x, g).must, box); len(must) > 0 {
			list = append(list, flowset.Rule{Allow: true, Must: must})
		}
	}
	add := func(x *Rule, may bool) {
		b := p.read(x, g)
		y := flowset.Rule{Allow: p.same(x, r), Must: near(b.must, box), May: near(b.may, box)}
		if may {
			y.May, y.Must = append(y.May, y.Must...), nil
		}
		list = append(list, y)
		if x.Access == topology.NoAccess {
			list = append(list, flowset.Rule{Allow: !y.Allow, May: slices.Concat(y.Must, y.May)})
		}
	}
	for _, x := range p.gate.floating {
		add(x, true) // it may stand right behind the rule
	}
	for _, x := range after {
		add(x, false)
	}
	for _, v6 := range []bool{false, true} {
		if !has(box.Source, v6) || !has(box.Destination, v6) {
			continue
		}
		space, numbered := flowset.NewSpace(v6, nil, list)
		if x := space.Decide(numbered[0], nil); x.Allowed != space.All() {
			return false
		}
	}
	return true
}

// same reports whether the one rule does to a packet what the other does.
func (p *Proof) same(x, r *Rule) bool {
	if x.Access != r.Access || !p.distinct || r.Access == topology.Deny {
		return x.Access == r.Access
	}
	far := func(r *Rule) bool {
		s := &r.Source
		if p.gate.Direction == topology.Outbound {
			s = &r.Destination
		}
		return !r.Default && s.Explicit
	}
	return far(x) == far(r)
}

// parts are the boxes in which a rule matches for certain, and those in which
// it may.
type parts struct{ must, may []flowset.Box }

// read is what is known of a rule where something is given.
func (p *Proof) read(r *Rule, g given) parts {
	free := g == given{}
	if x, ok := p.at.parts[r]; ok && free {
		return x
	}
	outbound := p.gate.Direction == topology.Outbound
	from, to := p.side(&r.Source, outbound, g.source), p.side(&r.Destination, !outbound, g.destination)
	ports := func(s *Side) []topology.PortRange {
		if s.unresolved {
			return nil
		}
		return some(s.Ports)
	}
	protocols := protocolsOf(r.Protocol)
	if r.Protocol == topology.NoProtocol {
		protocols = nil
	}
	box := func(source, destination *netipx.IPSet) flowset.Box {
		return flowset.Box{Protocols: protocols, Source: boxed(source), Destination: boxed(destination), SourcePorts: ports(&r.Source), DestinationPorts: ports(&r.Destination)}
	}
	var x parts
	in := box(from.certain, to.certain)
	x.may = append(x.may, box(from.asked, join(to.certain, to.asked)), box(from.certain, to.asked))
	i, placed := p.index[r]
	decides := placed && p.gate.alone(i) && !(r.Default && p.gate.altered != nil)
	open := r.Source.unresolved || r.Destination.unresolved || r.Protocol == topology.NoProtocol || r.Access == topology.NoAccess ||
		len(r.unresolved) > 0 || len(r.facts()) > 0
	switch {
	case open || !decides:
		x.may = append(x.may, in)
	case r.Protocol == topology.AnyProtocol && !g.portless && !(r.Source.allPorts() && r.Destination.allPorts()):
		ported, portless := in, in
		ported.Protocols = []topology.Protocol{topology.TCP, topology.UDP}
		portless.Protocols = []topology.Protocol{topology.ICMP, topology.ESP, topology.AH}
		x.must, x.may = append(x.must, ported), append(x.may, portless)
	default:
		x.must = append(x.must, in)
	}
	if free {
		p.at.parts[r] = x
	}
	return x
}

// side is what a side of a rule does with an address that is in the given set.
func (p *Proof) side(x *Side, local bool, in *scope.Set) bounds {
	certain, asked := scope.SetOf(), scope.SetOf()
	for _, s := range x.Sets {
		if s == in {
			return bounds{scope.Everything(), scope.SetOf()}
		}
		b := p.bounds(s, local)
		if s.Platform() {
			b = bounds{scope.SetOf(), join(b.certain, b.asked)}
		}
		certain, asked = join(certain, b.certain), join(asked, b.asked)
	}
	return bounds{certain, less(asked, certain)}
}

func (p *Proof) bounds(s *scope.Set, local bool) bounds {
	key := sideKey{s, local}
	b, ok := p.at.sides[key]
	if !ok {
		if b.certain, b.asked = s.Bounds(local); p.at.opaque && s.Catalogued() {
			b = bounds{scope.SetOf(), scope.Everything()}
		}
		p.at.sides[key] = b
	}
	return b
}

func protocolsOf(p topology.Protocol) []topology.Protocol {
	if p == topology.AnyProtocol {
		return nil
	}
	return []topology.Protocol{p}
}

// boxed is the set to a box, to which nil is every address.
func boxed(set *netipx.IPSet) *netipx.IPSet {
	if set.Equal(scope.Everything()) {
		return nil
	}
	return set
}

func has(set *netipx.IPSet, v6 bool) bool {
	return set == nil || slices.ContainsFunc(set.Ranges(), func(r netipx.IPRange) bool { return r.From().Is6() == v6 })
}

// outside is the packets that are not in the box.
func outside(b flowset.Box) (out []flowset.Rule) {
	add := func(x flowset.Box) { out = append(out, flowset.Rule{Allow: true, Must: []flowset.Box{x}}) }
	if b.Protocols != nil {
		var rest []topology.Protocol
		for _, p := range []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP, topology.ESP, topology.AH} {
			if !slices.Contains(b.Protocols, p) {
				rest = append(rest, p)
			}
		}
		add(flowset.Box{Protocols: rest})
	}
	if b.Source != nil {
		add(flowset.Box{Source: less(scope.Everything(), b.Source)})
	}
	if b.Destination != nil {
		add(flowset.Box{Destination: less(scope.Everything(), b.Destination)})
	}
	ported := []topology.Protocol{topology.TCP, topology.UDP}
	if rest := otherPorts(b.SourcePorts); len(rest) > 0 {
		add(flowset.Box{Protocols: ported, SourcePorts: rest})
	}
	if rest := otherPorts(b.DestinationPorts); len(rest) > 0 {
		add(flowset.Box{Protocols: ported, DestinationPorts: rest})
	}
	return out
}

// otherPorts are the ports that are in none of the ranges.
func otherPorts(list []topology.PortRange) (out []topology.PortRange) {
	list = slices.SortedFunc(slices.Values(list), func(a, b topology.PortRange) int { return cmp.Compare(a.First, b.First) })
	next := 0
	for _, r := range list {
		if int(r.First) > next {
			out = append(out, topology.PortRange{First: uint16(next), Last: r.First - 1})
		}
		next = max(next, int(r.Last)+1)
	}
	if next <= 65535 {
		out = append(out, topology.PortRange{First: uint16(next), Last: 65535})
	}
	return out
}

// near are the boxes that have packets in common with the one, whose ports are
// listed.
func near(list []flowset.Box, with flowset.Box) (out []flowset.Box) {
	addresses := func(a, b *netipx.IPSet) bool {
		switch {
		case a == nil && b == nil:
			return true
		case a == nil:
			return len(b.Ranges()) > 0
		case b == nil:
			return len(a.Ranges()) > 0
		}
		return a.Overlaps(b)
	}
	ports := func(a, b []topology.PortRange) bool {
		return a == nil || slices.ContainsFunc(a, func(x topology.PortRange) bool {
			return slices.ContainsFunc(b, func(y topology.PortRange) bool { return x.First <= y.Last && y.First <= x.Last })
		})
	}
	for _, b := range list {
		ported, portless := false, false
		for _, p := range []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP, topology.ESP, topology.AH} {
			if (b.Protocols == nil || slices.Contains(b.Protocols, p)) && (with.Protocols == nil || slices.Contains(with.Protocols, p)) {
				ported, portless = ported || p.HasPorts(), portless || !p.HasPorts()
			}
		}
		met := portless || ported && ports(b.SourcePorts, with.SourcePorts) && ports(b.DestinationPorts, with.DestinationPorts)
		if met && addresses(b.Source, with.Source) && addresses(b.Destination, with.Destination) {
			out = append(out, b)
		}
	}
	return out
}
