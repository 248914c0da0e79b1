// Package nsg decides what one network security group, or the security admin
// rules of a virtual network, does with a packet at one place.
//
// Rules are tried by priority and the first that matches decides (spec 2.1).
// What the data does not say is asked of the world, so in one world the
// decision is always one rule's.
package nsg

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// Gate is a list of rules of one direction, compiled for one place.
type Gate struct {
	Direction topology.Direction
	NSG       *topology.NetworkSecurityGroup // nil: admin rules
	Rules     []*Rule                        // by priority, default rules last
	floating  []*Rule                        // rules whose priority is an expression
	altered   []*Rule                        // the default rules as exported, where they differ
	element   *topology.Element              // what the gate as a whole depends on
	compiled  compiled
}

// Rule is one compiled rule.
type Rule struct {
	Name        string // bare
	Priority    int
	Access      topology.Access
	Protocol    topology.Protocol
	Default     bool
	Origin      topology.Origin
	Source      Side
	Destination Side
	element     *topology.Element
	unresolved  []string
	key         string // tells rules apart in the keys of facts
	place       string // tells the rule from all others, in either direction
}

// Side is one side of a rule. A packet matches if it is in one of the sets
// and its port is in one of the ranges.
type Side struct {
	Sets       []*scope.Set
	Ports      []topology.PortRange
	unresolved bool // the ports
	// Explicit: the side names addresses or application security groups, not
	// a tag or everything.
	Explicit bool
}

// allPorts reports whether one of the ranges is all ports, as Azure writes it;
// ranges that only together make all ports are a restriction.
func (s *Side) allPorts() bool {
	return slices.Contains(s.Ports, topology.AllPorts)
}

func (s *Side) port(p uint16) bool {
	for _, r := range s.Ports {
		if r.Contains(p) {
			return true
		}
	}
	return false
}

// New compiles an NSG for a place and a direction. The six default rules
// exist whether they were exported or not (NSG).
func New(g *topology.NetworkSecurityGroup, d topology.Direction, p *scope.Place) *Gate {
	return newGate(g, d, p, nil)
}

func newGate(g *topology.NetworkSecurityGroup, d topology.Direction, p *scope.Place, known map[*topology.Element]*Rule) *Gate {
	gate := &Gate{Direction: d, NSG: g, element: &g.Element}
	for i, r := range g.SecurityRules {
		if r.Direction == d || r.Direction == topology.NoDirection {
			c, ok := known[&r.Element]
			if !ok {
				c = compile(r, p)
				c.place = fmt.Sprintf("%s %d", g.ID(), i)
				c.key = fmt.Sprintf("%s %s %d", g.ID(), d, len(gate.Rules))
			}
			if slices.Contains(r.Unresolved, "priority") {
				gate.floating = append(gate.floating, c)
				continue
			}
			gate.Rules = append(gate.Rules, c)
		}
	}
	gate.sort()
	documented := defaults(topology.DefaultSecurityRules(), d, p)
	exported := defaults(g.DefaultRules, d, p)
	if differ(documented, exported) {
		gate.altered = exported
	}
	gate.Rules = append(gate.Rules, documented...)
	return gate
}

// Exchange is the gate of the NSG with other rules at the place of g. What is
// compiled of the rules that both have is shared.
func (g *Gate) Exchange(rules []*topology.SecurityRule, p *scope.Place) *Gate {
	known := make(map[*topology.Element]*Rule, len(g.Rules))
	for _, r := range slices.Concat(g.Rules, g.floating) {
		known[r.element] = r
	}
	now := *g.NSG
	now.SecurityRules = rules
	return newGate(&now, g.Direction, p, known)
}

// NewAdmin compiles security admin rules for a place and a direction. They
// have no default: traffic that none matches goes on to the NSGs (AVNM).
func NewAdmin(rules []*topology.AdminRule, d topology.Direction, p *scope.Place) *Gate {
	gate := &Gate{Direction: d}
	for _, r := range rules {
		if r.Direction != d {
			continue
		}
		gate.Rules = append(gate.Rules, &Rule{
			Name: r.Name, Priority: r.Priority, Access: r.Access, Protocol: r.Protocol, Origin: r.Origin,
			Source: side(r.Source, p), Destination: side(r.Destination, p), element: &r.Element, key: string(r.ID()),
		})
	}
	gate.sort()
	return gate
}

func (g *Gate) sort() {
	slices.SortStableFunc(g.Rules, func(a, b *Rule) int { return cmp.Compare(a.Priority, b.Priority) })
}

func defaults(rules []*topology.SecurityRule, d topology.Direction, p *scope.Place) []*Rule {
	var out []*Rule
	for _, r := range rules {
		if r.Direction == d {
			c := compile(r, p)
			c.Default = true
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b *Rule) int { return cmp.Compare(a.Priority, b.Priority) })
	return out
}

// differ reports whether an exported default rule has other content than the
// documented one of its priority. One that is missing is no difference: it
// cannot be deleted (bad-inputs 111, 112).
func differ(documented, exported []*Rule) bool {
	for _, e := range exported {
		i := slices.IndexFunc(documented, func(d *Rule) bool { return d.Priority == e.Priority })
		if i < 0 || !sameContent(documented[i], e) {
			return true
		}
	}
	return false
}

func sameContent(a, b *Rule) bool {
	names := func(s Side) string {
		var out []string
		for _, x := range s.Sets {
			n := strings.ToLower(x.Name)
			if n == "0.0.0.0/0" {
				n = "*"
			}
			out = append(out, n)
		}
		slices.Sort(out)
		return strings.Join(out, ",")
	}
	return a.Access == b.Access && a.Protocol == b.Protocol &&
		names(a.Source) == names(b.Source) && names(a.Destination) == names(b.Destination) &&
		slices.Equal(a.Source.Ports, b.Source.Ports) && slices.Equal(a.Destination.Ports, b.Destination.Ports)
}

func compile(r *topology.SecurityRule, p *scope.Place) *Rule {
	c := &Rule{
		Name: topology.BareRuleName(r.Name), Priority: r.Priority, Access: r.Access, Protocol: r.Protocol,
		Default: r.Default, Origin: r.Origin, Source: side(r.Source, p), Destination: side(r.Destination, p),
		element: &r.Element, unresolved: r.Unresolved,
	}
	return c
}

func side(m topology.Match, p *scope.Place) Side {
	s := Side{Ports: m.Ports, unresolved: m.PortsUnresolved, Explicit: len(m.ASGs) > 0}
	if m.HasExpanded {
		// An effective export states the addresses that its tags had: the best
		// truth there is.
		s.Sets = append(s.Sets, scope.Expanded(m))
		return s
	}
	var plain []topology.AddressPrefix
	for _, a := range m.Prefixes {
		if a.Kind == topology.PrefixAddress {
			plain = append(plain, a)
			s.Explicit = s.Explicit || a.Prefix.Bits() > 0
			continue
		}
		s.Explicit = s.Explicit || a.Kind == topology.UnresolvedAddress // it may
		s.Sets = append(s.Sets, p.Resolve(a))
	}
	if len(plain) > 0 {
		s.Sets = append(s.Sets, scope.Literal(plain))
	}
	for _, g := range m.ASGs {
		s.Sets = append(s.Sets, p.Members(g))
	}
	return s
}

// Decision is what a gate does with a packet in one world.
type Decision struct {
	Access topology.Access // NoAccess: no rule matched (admin rules only)
	Rule   *Rule           // nil: none matched, or platform traffic
	Code   flow.Code
}

// PlatformTraffic reports whether the packet is traffic to a platform address
// that NSGs do not filter but for rules that name its platform tag; never
// says that nothing filters it (spec 3.4).
func PlatformTraffic(t flow.Tuple) (platform, never bool) {
	switch t.Destination.IP {
	case scope.WireServer:
		switch {
		case t.Protocol == topology.TCP && (t.DestinationPort == 80 || t.DestinationPort == 32526):
			return true, true
		case t.Protocol == topology.UDP && t.DestinationPort == 67: // DHCP through the host
			return true, true
		case t.Protocol.HasPorts() && t.DestinationPort == 53:
			return true, false
		}
	case scope.IMDS:
		if t.Protocol == topology.TCP && t.DestinationPort == 80 {
			return true, false
		}
	}
	return false, false
}

// Decide finds the rule that decides in this world. What is certain, a
// classifier finds where the gate is asked often; it agrees with
// [Gate.RuleByRule].
func (g *Gate) Decide(w *flow.World, t flow.Tuple) Decision {
	if r, ok := g.certainly(t); ok {
		return g.decision(w, r)
	}
	return g.RuleByRule(w, t)
}

// RuleByRule is [Gate.Decide] by the rules themselves.
func (g *Gate) RuleByRule(w *flow.World, t flow.Tuple) Decision {
	if g.Direction == topology.Outbound {
		if platform, never := PlatformTraffic(t); platform {
			if !never {
				for _, r := range slices.Concat(g.floating, g.Rules) {
					if r.namesPlatform() && g.matches(w, r, t) {
						return g.decision(w, r)
					}
				}
			}
			return Decision{Access: topology.Allow, Code: flow.PlatformAddress}
		}
	}
	d := g.first(w, g.Rules, t)
	for _, r := range g.floating {
		if !g.matches(w, r, t) {
			continue
		}
		// Wherever it stands among the user rules, either it decides or a rule
		// before it does.
		f := flow.Fact{Code: flow.UnresolvedExpression, About: r.Name, Detail: "priority " + r.key,
			Text: "the priority of rule " + r.Name + " is an expression that is not resolved"}
		if d.Rule == nil || d.Rule.Default || w.Otherwise(f) {
			d = g.decision(w, r)
		}
	}
	if g.altered != nil && d.Rule != nil && d.Rule.Default {
		if other := g.first(w, g.altered, t); other.Rule != nil && other.Access != d.Access {
			f := flow.Fact{Code: flow.DefaultRulesAltered, About: g.NSG.Name, Detail: string(g.NSG.ID()),
				Text: "the exported default rules of " + g.NSG.Name + " differ from the documented ones"}
			if w.Otherwise(f) {
				return other
			}
		}
	}
	return d
}

// first is the first match in the list. Rules of one priority stand in no
// order: where several match and disagree the world decides (verdicts.md 9).
func (g *Gate) first(w *flow.World, rules []*Rule, t flow.Tuple) Decision {
	for i := 0; i < len(rules); {
		j := i + 1
		for j < len(rules) && rules[j].Priority == rules[i].Priority {
			j++
		}
		if j == i+1 {
			if g.matches(w, rules[i], t) {
				return g.decision(w, rules[i])
			}
			i = j
			continue
		}
		var hit []*Rule
		for _, r := range rules[i:j] {
			if g.matches(w, r, t) {
				hit = append(hit, r)
			}
		}
		i = j
		if len(hit) == 0 {
			continue
		}
		one := hit[0]
		for _, r := range hit[1:] {
			if r.Access == one.Access {
				continue
			}
			f := flow.Fact{Code: flow.SamePriority, About: g.name(), Detail: one.key + "\x00" + r.key,
				Text: "rules " + one.Name + " and " + r.Name + " of " + g.name() + " have the same priority"}
			if w.Otherwise(f) {
				one = r
			}
		}
		return g.decision(w, one)
	}
	return Decision{}
}

func (g *Gate) name() string {
	if g.NSG == nil {
		return "admin rules"
	}
	return g.NSG.Name
}

func (g *Gate) decision(w *flow.World, r *Rule) Decision {
	d := Decision{Access: r.Access, Rule: r}
	if r.Access == topology.NoAccess {
		f := flow.Fact{Code: flow.UnresolvedExpression, About: r.Name, Detail: "access " + r.key,
			Text: "the access of rule " + r.Name + " is an expression that is not resolved"}
		d.Access = topology.Deny
		if w.Otherwise(f) {
			d.Access = topology.Allow
		}
	}
	switch {
	case g.NSG == nil && d.Access == topology.AlwaysAllow:
		d.Code = flow.AdminRuleAlwaysAllow
	case g.NSG == nil && d.Access == topology.Allow:
		d.Code = flow.AdminRuleAllow
	case g.NSG == nil:
		d.Code = flow.AdminRuleDeny
	case d.Access == topology.Allow:
		d.Code = flow.NSGRuleAllow
	default:
		d.Code = flow.NSGRuleDeny
	}
	return d
}

func (r *Rule) namesPlatform() bool {
	for _, s := range r.Destination.Sets {
		if s.MayBePlatform() {
			return true
		}
	}
	return false
}

// matches reports whether the rule matches in this world. What is certain is
// looked at first, so that facts are asked only where they matter.
func (g *Gate) matches(w *flow.World, r *Rule, t flow.Tuple) bool {
	if r.Protocol != topology.AnyProtocol && r.Protocol != t.Protocol && r.Protocol != topology.NoProtocol {
		return false
	}
	needsPorts := false
	if t.Protocol.HasPorts() {
		if !r.Source.unresolved && !r.Source.port(t.SourcePort) || !r.Destination.unresolved && !r.Destination.port(t.DestinationPort) {
			return false
		}
	} else if r.Protocol == topology.AnyProtocol {
		// ICMP, ESP and AH have no ports; a rule for every protocol that
		// restricts ports is taken not to mean them (spec 2.4, G21).
		needsPorts = !r.Source.allPorts() || !r.Destination.allPorts()
	}
	outbound := g.Direction == topology.Outbound
	if !r.Source.has(w, t, true, outbound) || !r.Destination.has(w, t, false, !outbound) {
		return false
	}
	if t.Protocol.HasPorts() && (r.Source.unresolved || r.Destination.unresolved) && !r.maybe(w, "a port", t) ||
		r.Protocol == topology.NoProtocol && !r.maybe(w, "the protocol", t) ||
		!r.applies(w, g.Direction) {
		return false
	}
	if full := func(s *Side) bool { return s.allPorts() || s.unresolved }; needsPorts && full(&r.Source) && full(&r.Destination) {
		needsPorts = !r.maybe(w, "a port", t)
	}
	if needsPorts {
		f := flow.Fact{Assumption: flow.ICMPNeedsAllPorts,
			Text: "a rule for every protocol that names ports does not match ICMP, ESP and AH"}
		if w.Holds(f) {
			return false
		}
	}
	return r.inEffect(w)
}

// maybe asks about a property of the rule that is an expression.
func (r *Rule) maybe(w *flow.World, what string, t flow.Tuple) bool {
	f := flow.Fact{Code: flow.UnresolvedExpression, About: r.Name, Detail: what + " " + r.key,
		Text: what + " of rule " + r.Name + " is an expression that is not resolved"}
	f.Detail += " " + t.String()
	return w.Otherwise(f)
}

// applies reports whether a rule whose direction is an expression is of the
// given one: in every world it is of one of the two.
func (r *Rule) applies(w *flow.World, d topology.Direction) bool {
	if !slices.Contains(r.unresolved, "direction") {
		return true
	}
	f := flow.Fact{Code: flow.UnresolvedExpression, About: r.Name, Detail: "direction " + r.place,
		Text: "the direction of rule " + r.Name + " is an expression that is not resolved"}
	return w.Otherwise(f) == (d == topology.Outbound)
}

// inEffect asks the assumptions that a matching rule rests on: that it is
// provisioned, and that what is not modelled of it does not matter.
func (r *Rule) inEffect(w *flow.World) bool {
	for _, f := range r.facts() {
		if !w.Holds(f) {
			return false
		}
	}
	return true
}

// facts are the assumptions that every match of the rule rests on. How Azure
// takes the ports of a rule for ICMP, ESP or AH is not documented: they are
// taken to be ignored (spec 2.4).
func (r *Rule) facts() []flow.Fact {
	list := flow.ElementFacts(r.element)
	if r.Protocol != topology.AnyProtocol && r.Protocol != topology.NoProtocol && !r.Protocol.HasPorts() && !(r.Source.allPorts() && r.Destination.allPorts()) {
		list = append(slices.Clip(list), flow.Fact{Assumption: flow.PropertyNotModelled, About: r.Name, Detail: "ports " + r.key,
			Text: "the ports of rule " + r.Name + " do not matter: its protocol " + r.Protocol.String() + " has none"})
	}
	return list
}

// has reports whether the source or the destination of the packet is in the
// side; local says that it is on the gate's own side.
func (s *Side) has(w *flow.World, t flow.Tuple, source, local bool) bool {
	a := t.Destination
	if source {
		a = t.Source
	}
	for _, set := range s.Sets {
		if set.Admits(t, source) && set.Has(w, a, local) {
			return true
		}
	}
	return false
}

// Evaluation says which conditions of a rule a packet meets, condition by
// condition (the shape of NSG diagnostics). Undecided names the conditions
// that turn on something the data does not say.
type Evaluation struct {
	Rule                                                       *Rule
	Protocol, Source, SourcePort, Destination, DestinationPort bool
	Undecided                                                  []string
}

// Evaluate looks at each rule apart, in order, whether an earlier one decides
// or not.
func (g *Gate) Evaluate(t flow.Tuple) []Evaluation {
	out := make([]Evaluation, 0, len(g.Rules))
	outbound := g.Direction == topology.Outbound
	for _, r := range g.Rules {
		e := Evaluation{Rule: r}
		e.Protocol = r.Protocol == topology.AnyProtocol || r.Protocol == t.Protocol
		e.SourcePort, e.DestinationPort = true, true
		switch {
		case t.Protocol.HasPorts():
			e.SourcePort = r.Source.unresolved || r.Source.port(t.SourcePort)
			e.DestinationPort = r.Destination.unresolved || r.Destination.port(t.DestinationPort)
		case r.Protocol == topology.AnyProtocol:
			e.SourcePort, e.DestinationPort = r.Source.allPorts(), r.Destination.allPorts()
		}
		ask := func(name string, s *Side, source, local bool) bool {
			x := flow.Explore(func(w *flow.World) (bool, struct{}) { return s.has(w, t, source, local), struct{}{} }, nil)
			if x.Verdict == flow.Unknown {
				e.Undecided = append(e.Undecided, name)
			}
			return x.Verdict == flow.Allow
		}
		e.Source = ask("source", &r.Source, true, outbound)
		e.Destination = ask("destination", &r.Destination, false, !outbound)
		out = append(out, e)
	}
	return out
}

// Constants are the prefixes and port ranges that the gate's decisions turn
// on.
func (g *Gate) Constants() (prefixes []*netipx.IPSet, source, destination []topology.PortRange) {
	from, to := g.Axes()
	return append(from.Prefixes, to.Prefixes...), from.Ports, to.Ports
}

// Axis is what the gate's decisions turn on at one side of a packet.
type Axis struct {
	Prefixes []*netipx.IPSet
	Ports    []topology.PortRange
}

// Axes are the constants of the rules' sources and of their destinations.
func (g *Gate) Axes() (source, destination Axis) {
	add := func(x *Axis, s *Side) {
		for _, set := range s.Sets {
			x.Prefixes = append(x.Prefixes, set.Constants()...)
			x.Ports = append(x.Ports, set.Ports()...)
		}
		x.Ports = append(x.Ports, s.Ports...)
	}
	for _, list := range [][]*Rule{g.Rules, g.floating, g.altered} {
		for _, r := range list {
			add(&source, &r.Source)
			add(&destination, &r.Destination)
		}
	}
	return source, destination
}

// Element is the NSG as an element, nil for admin rules.
func (g *Gate) Element() *topology.Element { return g.element }

// AnySourcePort returns the gate with every condition on the source port
// taken as "*", as NSGs apply to private endpoints (PENP).
func (g *Gate) AnySourcePort() *Gate {
	open := func(list []*Rule) []*Rule {
		var out []*Rule
		for _, r := range list {
			c := *r
			c.Source.Ports, c.Source.unresolved = []topology.PortRange{topology.AllPorts}, false
			out = append(out, &c)
		}
		return out
	}
	return &Gate{Direction: g.Direction, NSG: g.NSG, Rules: open(g.Rules), floating: open(g.floating), altered: open(g.altered), element: g.element}
}

// OnlyAlways returns a gate of admin rules that allows what this one always
// allows, and denies whatever else a rule matches. Of platform traffic, which
// admin rules leave to the NSGs, it says nothing that counts.
func (g *Gate) OnlyAlways() *Gate {
	out := &Gate{Direction: g.Direction, element: g.element}
	for _, r := range g.Rules {
		c := *r
		if c.Access != topology.AlwaysAllow {
			c.Access = topology.Deny
		}
		out.Rules = append(out.Rules, &c)
	}
	return out
}
