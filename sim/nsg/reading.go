package nsg

import (
	"net/netip"
	"slices"
	"sync"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// Reading is a gate's rules as boxes, in every world in which some assumptions
// hold: what a rule matches in all of them, and what it matches in some.
type Reading struct {
	Gate  *Gate
	List  []flowset.Entry // their owners are places in Gate.Rules
	Rests [][]flow.Fact   // by rule of the gate: the assumptions that its boxes rest on
	Open  []bool          // by rule: not all it matches is known
	Loose []bool          // by rule: when it decides, or what it does, is not known
	// Shared: a rule of the same priority does the other thing, and it is not
	// known which of them comes first (verdicts.md 9). By rule.
	Shared []bool
}

// Readings makes readings in which the same assumptions are taken, and
// remembers what names mean in them. It is safe for concurrent use.
type Readings struct {
	taken    func(flow.Fact) bool
	portless bool
	known    sync.Map // sideKey → reading
}

// reading is what a name means.
type reading struct {
	bounds
	rests []flow.Fact
}

// NewReadings takes the assumptions that taken reports. With portless, rules
// for every protocol match ICMP, ESP and AH whatever ports they name: what holds
// with and without does not rest on ICMP_NEEDS_ALL_PORTS.
func NewReadings(taken func(flow.Fact) bool, portless bool) *Readings {
	return &Readings{taken: taken, portless: portless}
}

func (x *Readings) of(s *scope.Set, local bool) reading {
	var r reading
	if s.Literal() != nil { // one rule's own
		r.certain, r.asked, r.rests = s.Assumed(local, x.taken)
		return r
	}
	key := sideKey{s, local}
	if r, ok := x.known.Load(key); ok {
		return r.(reading)
	}
	r.certain, r.asked, r.rests = s.Assumed(local, x.taken)
	y, _ := x.known.LoadOrStore(key, r)
	return y.(reading)
}

// piece is addresses of a side of a rule that stand for the same ports.
type piece struct {
	where     *netipx.IPSet
	name      any // nil: all of them are meant, otherwise those that are in the set
	ports     []topology.PortRange
	protocols []topology.Protocol // nil: all
}

// internet is the name of the tag Internet in a reading.
const internet = "internet"

// Implies reports whether whatever is in the one set of a reading is in the
// other: a region's tag is part of that of the service, and some services are
// part of the Internet, wherever it may end (verdicts.md 6).
func Implies(one, other any) bool {
	if one == other {
		return true
	}
	a, isTag := one.(string)
	b, areTags := other.(string)
	return isTag && areTags && (scope.Implies(a, b) || b == internet && scope.PublicTag(a))
}

// Of reads a gate.
func (x *Readings) Of(g *Gate) *Reading {
	y := &Reading{Gate: g, Rests: make([][]flow.Fact, len(g.Rules)), Open: make([]bool, len(g.Rules)), Loose: make([]bool, len(g.Rules)), Shared: make([]bool, len(g.Rules))}
	sets := map[string]*netipx.IPSet{} // literal ones, so that equal ones are one
	outbound := g.Direction == topology.Outbound
	rules := make([][]flowset.Entry, len(g.Rules))
	for i, r := range g.Rules {
		rules[i] = y.rule(x, i, sets)
		y.Loose[i] = r.Access == topology.NoAccess || g.floating != nil
		y.Shared[i] = !g.agreed(i)
	}
	pseudo := func(boxes []flowset.Box, allow, sure bool) {
		for _, b := range boxes {
			y.List = append(y.List, flowset.Entry{Box: b, Owner: -1, Allow: allow, Sure: sure})
		}
	}
	if outbound {
		// Platform traffic takes notice only of rules that name its tag (spec 3.4).
		pseudo(neverFiltered(), true, true)
		for i, r := range g.Rules {
			if r.namesPlatform() {
				y.List = append(y.List, onlyPlatform(rules[i])...)
			}
		}
		pseudo(filteredByTag(), true, true)
	}
	if g.floating != nil { // whatever they say: all rules of such a gate are loose
		pseudo([]flowset.Box{{}}, true, false)
		pseudo([]flowset.Box{{}}, false, false)
	}
	for i, r := range rules {
		if g.Rules[i].Access == topology.NoAccess || y.Shared[i] {
			// Where it decides, the other thing may happen as well.
			for _, e := range r {
				e.Owner, e.Allow, e.Sure = -1, !e.Allow, false
				y.List = append(y.List, e)
			}
		}
		y.List = append(y.List, r...)
	}
	return y
}

// rule is one rule of the gate.
func (y *Reading) rule(x *Readings, i int, sets map[string]*netipx.IPSet) []flowset.Entry {
	g := y.Gate
	r := g.Rules[i]
	take := func(f flow.Fact) bool {
		ok := f.Assumption != "" && x.taken(f)
		if ok {
			y.Rests[i] = append(y.Rests[i], f)
		}
		return ok
	}
	sure := !r.Source.unresolved && !r.Destination.unresolved && r.Protocol != topology.NoProtocol && r.Access != topology.NoAccess &&
		len(r.unresolved) == 0 && !(r.Default && g.altered != nil)
	for _, f := range r.facts() {
		sure = take(f) && sure
	}
	protocols := protocolsOf(r.Protocol)
	if r.Protocol == topology.NoProtocol {
		protocols = nil
	}
	outbound := g.Direction == topology.Outbound
	var out []flowset.Entry
	for _, from := range y.pieces(x, i, &r.Source, true, outbound, sets) {
		for _, to := range y.pieces(x, i, &r.Destination, false, !outbound, sets) {
			e := flowset.Entry{Owner: i, Allow: r.Access == topology.Allow, Sure: sure, SourceName: from.name, DestinationName: to.name}
			e.Box = flowset.Box{Protocols: both(both(protocols, from.protocols), to.protocols), Source: boxed(from.where), Destination: boxed(to.where), SourcePorts: from.ports, DestinationPorts: to.ports}
			if e.Protocols == nil || len(e.Protocols) > 0 {
				out = append(out, e)
			}
			y.Open[i] = y.Open[i] || !sure || from.name != nil || to.name != nil
		}
	}
	if !x.portless && r.Protocol == topology.AnyProtocol && !(r.Source.allPorts() && r.Destination.allPorts()) && !(r.Source.unresolved || r.Destination.unresolved) {
		// ICMP, ESP and AH have no ports (spec 2.4, G21).
		portless := only(out, portlessProtocols)
		if len(portless) > 0 {
			out = only(out, portedProtocols)
			f := flow.Fact{Assumption: flow.ICMPNeedsAllPorts, Text: "a rule for every protocol that names ports does not match ICMP, ESP and AH"}
			if !take(f) {
				y.Open[i] = true
				for k := range portless {
					portless[k].Sure = false
				}
				out = append(out, portless...)
			}
		}
	}
	return out
}

// agreed reports whether the rules that have the priority of the one at i do
// what it does: otherwise it is not known which decides (verdicts.md 9).
func (g *Gate) agreed(i int) bool {
	r := g.Rules[i]
	for k := i - 1; k >= 0 && g.Rules[k].Priority == r.Priority; k-- {
		if g.Rules[k].Access != r.Access {
			return false
		}
	}
	for k := i + 1; k < len(g.Rules) && g.Rules[k].Priority == r.Priority; k++ {
		if g.Rules[k].Access != r.Access {
			return false
		}
	}
	return true
}

// pieces are the addresses of a side.
func (y *Reading) pieces(x *Readings, i int, s *Side, source, local bool, sets map[string]*netipx.IPSet) []piece {
	ports := some(s.Ports)
	if s.unresolved {
		ports = []topology.PortRange{topology.AllPorts}
	}
	var out []piece
	var certain []*netipx.IPSet
	add := func(p piece) {
		if !empty(p.where) {
			out = append(out, p)
		}
	}
	for _, set := range s.Sets {
		r := x.of(set, local)
		y.Rests[i] = append(y.Rests[i], r.rests...)
		b := r.bounds
		if set.Literal() != nil {
			if known, ok := sets[set.Name]; ok {
				b.certain = known
			} else {
				sets[set.Name] = b.certain
			}
		}
		var name any = set
		switch tag := set.TagName(); {
		case tag != "":
			name = tag
		case set.Name == "Internet":
			name = internet
		}
		limit := set.Ports()
		if limit == nil {
			certain = append(certain, b.certain)
			add(piece{where: b.asked, name: name, ports: ports})
			continue
		}
		at := func(p topology.Protocol) bool {
			return set.Admits(flow.Tuple{Protocol: p, SourcePort: limit[0].First, DestinationPort: limit[0].First}, source)
		}
		protocols := slices.DeleteFunc(slices.Clone(portedProtocols), func(p topology.Protocol) bool { return !at(p) })
		if len(protocols) > 0 {
			add(piece{b.certain, nil, common(ports, limit), protocols})
			add(piece{b.asked, name, common(ports, limit), protocols})
		}
	}
	switch len(certain) {
	case 0:
	case 1:
		add(piece{where: certain[0], ports: ports})
	default:
		add(piece{where: join(certain...), ports: ports})
	}
	return out
}

func empty(s *netipx.IPSet) bool { return len(s.Ranges()) == 0 }

var (
	portedProtocols   = []topology.Protocol{topology.TCP, topology.UDP}
	portlessProtocols = []topology.Protocol{topology.ICMP, topology.ESP, topology.AH}
)

// both are the protocols in both lists, of which nil is all.
func both(a, b []topology.Protocol) []topology.Protocol {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return slices.DeleteFunc(slices.Clone(a), func(p topology.Protocol) bool { return !slices.Contains(b, p) })
}

// common are the ports in both lists.
func common(a, b []topology.PortRange) []topology.PortRange {
	out := []topology.PortRange{}
	for _, x := range a {
		for _, y := range b {
			if first, last := max(x.First, y.First), min(x.Last, y.Last); first <= last {
				out = append(out, topology.PortRange{First: first, Last: last})
			}
		}
	}
	return out
}

// only are the entries for some protocols, those without any left out.
func only(list []flowset.Entry, protocols []topology.Protocol) (out []flowset.Entry) {
	for _, e := range list {
		if e.Protocols = both(e.Protocols, protocols); len(e.Protocols) > 0 {
			out = append(out, e)
		}
	}
	return out
}

func port(p uint16) []topology.PortRange { return []topology.PortRange{{First: p, Last: p}} }

// neverFiltered is the platform traffic that no rule stops; filteredByTag is
// that which rules stop that name its tag ([PlatformTraffic]).
func neverFiltered() []flowset.Box {
	wire := scope.SetOf(netip.PrefixFrom(scope.WireServer, 32))
	return []flowset.Box{
		{Protocols: []topology.Protocol{topology.TCP}, Destination: wire, DestinationPorts: []topology.PortRange{{First: 80, Last: 80}, {First: 32526, Last: 32526}}},
		{Protocols: []topology.Protocol{topology.UDP}, Destination: wire, DestinationPorts: port(67)},
	}
}

func filteredByTag() []flowset.Box {
	return []flowset.Box{
		{Protocols: portedProtocols, Destination: scope.SetOf(netip.PrefixFrom(scope.WireServer, 32)), DestinationPorts: port(53)},
		{Protocols: []topology.Protocol{topology.TCP}, Destination: scope.SetOf(netip.PrefixFrom(scope.IMDS, 32)), DestinationPorts: port(80)},
	}
}

// onlyPlatform are the parts of entries that are platform traffic which rules
// can stop.
func onlyPlatform(list []flowset.Entry) (out []flowset.Entry) {
	for _, e := range list {
		for _, p := range filteredByTag() {
			x := e
			x.Protocols = both(e.Protocols, p.Protocols)
			if x.Destination = p.Destination; e.Destination != nil {
				var meet netipx.IPSetBuilder
				meet.AddSet(e.Destination)
				meet.Intersect(p.Destination)
				x.Destination, _ = meet.IPSet() // of valid sets: no error
			}
			x.DestinationPorts = common(e.DestinationPorts, p.DestinationPorts)
			if len(x.Protocols) > 0 && !empty(x.Destination) && len(x.DestinationPorts) > 0 {
				out = append(out, x)
			}
		}
	}
	return out
}
