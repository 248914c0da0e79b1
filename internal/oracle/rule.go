package oracle

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// rule is a security rule or admin rule, its fields folded for comparison.
type rule struct {
	element  *topology.Element
	row51    bool   // properties that are not modelled matter (bad-inputs 51)
	key      string // of questions about the rule
	name     string
	priority int
	access   topology.Access
	protocol topology.Protocol
	src, dst side

	somewhere   bool // of an admin rule: the virtual networks it applies to are not known
	noDirection bool // an expression that was not evaluated: either
	noAccess    bool // likewise: Allow or Deny
	noProtocol  bool // likewise: any protocol
	noPriority  bool // likewise: any place among the user rules
}

// side is one side of a rule.
type side struct {
	key     string
	entries []entry
	asgs    []topology.ID
	ports   []topology.PortRange
	noPorts bool // a port is an expression that was not evaluated
}

// entry is one entry of an address field.
type entry struct {
	kind   topology.AddressKind
	prefix netip.Prefix
	tag    string
	key    string // of an expression: the same in one file
}

// anyRule stands for a rule that is not in the data.
var anyRule = &rule{}

func newSide(key string, m topology.Match) side {
	s := side{key: key, asgs: idsOf(m.ASGs), ports: m.Ports, noPorts: m.PortsUnresolved}
	for _, p := range m.Prefixes {
		s.entries = append(s.entries, entry{kind: p.Kind, prefix: p.Prefix, tag: foldTag(p.Tag), key: p.At().File + " " + p.Text})
	}
	return s
}

func newRule(owner topology.ID, i int, r *topology.SecurityRule) *rule {
	key := fmt.Sprintf("%s rule %d %s", owner, i, r.Name)
	x := &rule{
		element: &r.Element, row51: true, key: key, name: topology.BareRuleName(r.Name),
		priority: r.Priority, access: r.Access, protocol: r.Protocol,
		src: newSide(key+" source", r.Source), dst: newSide(key+" destination", r.Destination),
	}
	for _, property := range r.Unresolved {
		switch property {
		case "direction":
			x.noDirection = true
		case "access":
			x.noAccess = true
		case "protocol":
			x.noProtocol = true
		case "priority":
			x.noPriority = true
		}
	}
	return x
}

func newAdminRule(i int, r *topology.AdminRule) *rule {
	key := fmt.Sprintf("admin rule %d %s", i, r.Name)
	return &rule{
		element: &r.Element, key: key, name: r.Name, priority: r.Priority, access: r.Access, protocol: r.Protocol,
		src: newSide(key+" source", r.Source), dst: newSide(key+" destination", r.Destination),
	}
}

func byPriority(a, b *rule) int { return cmp.Compare(a.priority, b.priority) }

// platformOnly reports whether the rule names a platform tag, or may: only
// such rules see platform traffic (verdicts 15).
func (r *rule) platformOnly() bool {
	return slices.ContainsFunc(r.dst.entries, func(e entry) bool {
		return platformTag(e.tag) || e.kind == topology.UnresolvedAddress
	})
}

// names reports whether a side of the rule names its address by address or
// application security group rather than by * or a tag (verdicts 22).
func (s side) names() bool {
	return len(s.asgs) > 0 || slices.ContainsFunc(s.entries, func(e entry) bool {
		return e.kind == topology.UnresolvedAddress || e.kind == topology.PrefixAddress && !everywhere(e.prefix)
	})
}

// matches reports whether a rule applies to a packet (spec 2.4).
func (o *Oracle) matches(w *world, sc *scope, r *rule, p *packet) bool {
	protocol := r.protocolFor(w, p.protocol)
	switch {
	case protocol != topology.AnyProtocol && protocol != p.protocol:
		return false
	case p.protocol.HasPorts():
		if !r.dst.holdsPort(w, p.dport) {
			return false
		}
		if !p.anySport && !r.src.holdsPort(w, p.sport) {
			return false
		}
	case protocol == p.protocol:
		// A rule for ICMP, ESP or AH: ports are ignored (bad-inputs 101), which no
		// document says: spec 2.4 [?].
		bare := slices.Contains(r.src.ports, topology.AllPorts) && slices.Contains(r.dst.ports, topology.AllPorts)
		if !bare && !r.noProtocol && !w.holds(flow.PropertyNotModelled, r.key+" ignores its ports") {
			return false
		}
	default:
		// * with ports and a packet without any: spec 2.4 [?], G21.
		full := r.dst.allPorts(w) && (p.anySport || r.src.allPorts(w))
		if !full && w.holds(flow.ICMPNeedsAllPorts, "") {
			return false
		}
	}
	return o.holdsEnd(w, sc, r.dst, end{place: p.dst, port: p.dport, protocol: p.protocol}) &&
		o.holdsEnd(w, sc, r.src, end{place: p.src, port: p.sport, protocol: p.protocol, source: true}) &&
		o.asWritten(w, r.element, r.row51)
}

// protocolFor is the rule's protocol, as far as it matters to a packet of the
// given one.
func (r *rule) protocolFor(w *world, of topology.Protocol) topology.Protocol {
	if !r.noProtocol {
		return r.protocol
	}
	return [...]topology.Protocol{topology.NoProtocol, of, topology.AnyProtocol}[w.pick(flow.UnresolvedExpression, r.key+" protocol", 3)]
}

func (s side) holdsPort(w *world, port uint16) bool {
	for _, r := range s.ports {
		if r.Contains(port) {
			return true
		}
	}
	return s.noPorts && w.maybe(flow.UnresolvedExpression, fmt.Sprintf("%s port %d", s.key, port))
}

// allPorts reports whether a range of the side is all ports (spec 2.4).
func (s side) allPorts(w *world) bool {
	return slices.Contains(s.ports, topology.AllPorts) || s.noPorts && w.maybe(flow.UnresolvedExpression, s.key+" all ports")
}

// holdsEnd reports whether one side of a rule holds one end of a packet: any
// of its addresses, or any of its application security groups (NSG, ASG).
func (o *Oracle) holdsEnd(w *world, sc *scope, s side, e end) bool {
	for _, x := range s.entries {
		if x.kind == topology.AnyAddress || x.kind == topology.PrefixAddress && x.prefix.Contains(e.ip) {
			return true
		}
	}
	for _, x := range s.entries {
		switch x.kind {
		case topology.TagAddress:
			if o.inTag(w, sc, x.tag, e) {
				return true
			}
		case topology.UnresolvedAddress:
			if w.maybe(flow.UnresolvedExpression, fmt.Sprintf("%s of %s is %s port %d", x.key, sc.name(), e.ip, e.port)) {
				return true
			}
		}
	}
	for _, g := range s.asgs {
		if o.isMember(w, sc, g, e.ip) {
			return true
		}
	}
	return false
}

// isMember reports whether an address belongs to an application security
// group. Interfaces in the data say it themselves; an address that none of
// them owns may be a member wherever a virtual network holds it (spec 4,
// bad-inputs 96).
func (o *Oracle) isMember(w *world, sc *scope, g topology.ID, a netip.Addr) bool {
	if asgs, owned := o.groupsAt(w, sc, a); owned {
		return slices.Contains(asgs, g)
	}
	if !o.mayBeInterface(w, sc, a) {
		return false
	}
	return w.maybe(flow.ASGMembersUnknown, "asg "+string(g)+" holds "+a.String())
}

func (o *Oracle) mayBeInterface(w *world, sc *scope, a netip.Addr) bool {
	for _, v := range o.vnets {
		if v.holds(a) || v.hides(w, a) {
			return true
		}
	}
	return sc.subnet == nil && inUnknownVirtualNetwork(w, sc, a)
}

// groupsAt are the groups of the interface that owns an address: in the
// scope's own virtual network, else in a peered one, else anywhere.
func (o *Oracle) groupsAt(w *world, sc *scope, a netip.Addr) (asgs []topology.ID, owned bool) {
	for _, v := range o.nearest(sc) {
		if e := ownerIn(w, v, a); e != nil {
			return idsOf(e.cfg.ASGs), true
		}
		if pe := v.private[a]; pe != nil {
			return pe.asgs, true
		}
	}
	if e := o.strayAt(w, a); e != nil {
		return idsOf(e.cfg.ASGs), true
	}
	return nil, false
}

// nearest are all virtual networks as seen from a scope: its own, the peered
// ones, the others.
func (o *Oracle) nearest(sc *scope) []*vnet {
	var list []*vnet
	if sc.subnet != nil {
		list = append(list, sc.subnet.v)
		for _, p := range sc.subnet.v.peers {
			if p.remote != nil {
				list = append(list, p.remote)
			}
		}
	}
	for _, v := range o.vnets {
		if !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}

// asWritten reports whether an element is as it was read: not where its
// provisioning did not succeed (bad-inputs 113), nor where it has a property
// that is not modelled (bad-inputs 51). A rule, route or peering that is not
// as written is taken to be absent.
func (o *Oracle) asWritten(w *world, e *topology.Element, row51 bool) bool {
	if !settled(e) && !w.holds(flow.NotSucceeded, aboutOf(e)) {
		return false
	}
	return !row51 || len(e.NotModelled) == 0 || w.holds(flow.PropertyNotModelled, aboutOf(e))
}

func settled(e *topology.Element) bool {
	return e.ProvisioningState == "" || foldTag(e.ProvisioningState) == "succeeded"
}

func aboutOf(e *topology.Element) string {
	if e.ResourceID != "" {
		return string(e.ID())
	}
	return e.Name
}
