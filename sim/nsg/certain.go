package nsg

import (
	"crypto/sha256"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/sim/nsg/classify"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// Certain is a gate in the form of a classifier: for every packet it knows
// either what [Gate.Decide] does with it, or that this may turn on the world.
type Certain struct {
	Gate  *Gate
	rules []classify.Rule
	of    []*Rule // by place in rules; nil: what only may happen
}

// Sets gathers sets of addresses for an address table.
type Sets struct {
	list  [][]netip.Prefix
	known map[*netipx.IPSet]cidr.SetID
	alike map[string]cidr.SetID // by content
	sides map[sideKey]bounds
}

type sideKey struct {
	set   *scope.Set
	local bool
}

type bounds struct{ certain, asked *netipx.IPSet }

// NewSets is an empty list of sets.
func NewSets() *Sets {
	return &Sets{known: map[*netipx.IPSet]cidr.SetID{}, alike: map[string]cidr.SetID{}, sides: map[sideKey]bounds{}}
}

// Add is the number of a set in the table, one for all of the same content.
func (s *Sets) Add(set *netipx.IPSet) cidr.SetID {
	id, ok := s.known[set]
	if ok {
		return id
	}
	list := set.Prefixes()
	h := sha256.New()
	for _, p := range list {
		a := p.Addr().As16()
		h.Write(append(a[:], byte(p.Bits()), byte(p.Addr().BitLen())))
	}
	content := string(h.Sum(nil))
	if id, ok = s.alike[content]; !ok {
		id = cidr.SetID(len(s.list))
		s.list = append(s.list, list)
		s.alike[content] = id
	}
	s.known[set] = id
	return id
}

// Table is the address table of all sets so far.
func (s *Sets) Table() (*cidr.Table, error) { return cidr.Build(s.list) }

func (s *Sets) bounds(set *scope.Set, local bool) bounds {
	key := sideKey{set, local}
	b, ok := s.sides[key]
	if !ok {
		b.certain, b.asked = set.Bounds(local)
		s.sides[key] = b
	}
	return b
}

// addresses is a set in a classifier's words; none is no address.
func (s *Sets) addresses(set *netipx.IPSet) classify.Addresses {
	switch {
	case len(set.Ranges()) == 0:
		return classify.Addresses{}
	case set.Equal(scope.Everything()):
		return classify.Anywhere()
	}
	return classify.In(s.Add(set))
}

// side is what a side of a rule does with an address, as Side.has looks at its
// sets in turn: it is in for certain, or the world is asked. A platform tag
// counts as asked, whatever the port.
func (s *Sets) side(x *Side, local bool) bounds {
	if len(x.Sets) == 1 && !x.Sets[0].Platform() {
		return s.bounds(x.Sets[0], local)
	}
	var in, ask netipx.IPSetBuilder
	var seen *netipx.IPSet
	for _, set := range x.Sets {
		b := s.bounds(set, local)
		if set.Platform() {
			b = bounds{scope.SetOf(), join(b.certain, b.asked)}
		}
		in.AddSet(less(b.certain, seen))
		ask.AddSet(less(b.asked, seen))
		seen = join(b.certain, b.asked, seen)
	}
	certain, _ := in.IPSet() // of valid sets: no error
	asked, _ := ask.IPSet()
	return bounds{certain, asked}
}

func join(sets ...*netipx.IPSet) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, s := range sets {
		if s != nil {
			b.AddSet(s)
		}
	}
	x, _ := b.IPSet() // of valid sets: no error
	return x
}

func less(a, b *netipx.IPSet) *netipx.IPSet {
	if b == nil {
		return a
	}
	var x netipx.IPSetBuilder
	x.AddSet(a)
	x.RemoveSet(b)
	out, _ := x.IPSet() // of valid sets: no error
	return out
}

// The outcomes of a rule in a classifier.
const (
	allowed classify.Outcome = 1 << iota
	denied
	either = allowed | denied // what it does is not known
)

// Certain puts the gate's rules in a classifier's words. Their sets are added
// to s; [Certain.List] needs the table of them.
func (g *Gate) Certain(s *Sets) *Certain {
	c := &Certain{Gate: g}
	all := []topology.PortRange{topology.AllPorts}
	if g.Direction == topology.Outbound {
		platform := scope.SetOf(netip.PrefixFrom(scope.WireServer, 32), netip.PrefixFrom(scope.IMDS, 32))
		c.add(nil, classify.Rule{Outcome: either, May: []classify.Match{{
			Protocols: classify.AllProtocols, Source: classify.Anywhere(), Destination: s.addresses(platform), SourcePorts: all, DestinationPorts: all}}})
	}
	for _, r := range g.floating {
		x := g.certain(s, r, false)
		x.Outcome = either // it, or what decides without it
		c.add(nil, x)
	}
	for i, r := range g.Rules {
		// Of several rules with one priority all are looked at.
		c.add(r, g.certain(s, r, g.alone(i) && !(r.Default && g.altered != nil)))
	}
	return c
}

func (c *Certain) add(r *Rule, rule classify.Rule) {
	c.rules, c.of = append(c.rules, rule), append(c.of, r)
}

// certain is one rule: the packets that match it for certain, and those of which
// the world is asked. decides is false where even a certain match leaves the
// decision open.
func (g *Gate) certain(s *Sets, r *Rule, decides bool) classify.Rule {
	ports := func(x *Side) []topology.PortRange {
		if x.unresolved {
			return []topology.PortRange{topology.AllPorts}
		}
		return x.Ports
	}
	m := classify.Match{SourcePorts: ports(&r.Source), DestinationPorts: ports(&r.Destination)}
	m.Protocols = classify.Only(r.Protocol)
	if r.Protocol == topology.NoProtocol {
		m.Protocols = classify.AllProtocols
	}
	outbound := g.Direction == topology.Outbound
	from, to := s.side(&r.Source, outbound), s.side(&r.Destination, !outbound)

	out := classify.Rule{Outcome: allowed}
	switch r.Access {
	case topology.Deny:
		out.Outcome = denied
	case topology.NoAccess:
		out.Outcome = either
	}
	box := func(source, destination classify.Addresses) classify.Match {
		x := m
		x.Source, x.Destination = source, destination
		return x
	}
	certain, asked := s.addresses(to.certain), s.addresses(to.asked)
	in := box(s.addresses(from.certain), certain)
	out.May = append(out.May,
		box(s.addresses(from.asked), classify.Addresses{Any: certain.Any || asked.Any, Sets: slices.Concat(certain.Sets, asked.Sets)}),
		box(s.addresses(from.certain), asked))
	open := r.Source.unresolved || r.Destination.unresolved || r.Protocol == topology.NoProtocol || r.Access == topology.NoAccess ||
		len(r.unresolved) > 0 || len(r.facts()) > 0
	if open || !decides {
		out.May = append(out.May, in)
		return out
	}
	if r.Protocol == topology.AnyProtocol && !(r.Source.allPorts() && r.Destination.allPorts()) {
		portless := in
		portless.Protocols &^= classify.Only(topology.TCP) | classify.Only(topology.UDP)
		out.May = append(out.May, portless)
		in.Protocols &^= portless.Protocols
	}
	out.Must = append(out.Must, in)
	return out
}

// List puts the rules into a cache over the table of the sets.
func (c *Certain) List(cache *classify.Cache) (*classify.List, error) { return cache.Add(c.rules) }

// Rules are the rules by the number that the classifier's verdicts name them
// with; nil stands for what only may happen. They must not be changed.
func (c *Certain) Rules() []*Rule { return c.of }
