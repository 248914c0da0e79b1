package nsg

import (
	"fmt"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/nsg/classify"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// Exact are exact sets of packets by what gates do with them, in one space, so
// that they can be compared: the parts of one gate after another's. A packet is Allowed
// or Denied as [Gate.Decide] says under the assumptions, Open where the data
// does not decide, and Unmatched where no rule matches (admin rules only).
// Witnesses prefer hosts. Source and destination are taken as two addresses: a
// packet of an address to itself may be Open here where Decide knows.
func Exact(v6 bool, hosts []netip.Addr, gates ...*Gate) []flowset.Parts {
	x := NewSpace(v6, hosts, gates, nil)
	out := make([]flowset.Parts, len(gates))
	for i := range gates {
		out[i] = x.Parts(i)
	}
	return out
}

// Ask is the answer to one packet, as in [Exact].
func (g *Gate) Ask(p flowset.Packet) flowset.Answer { return g.answer(p, false, nil) }

// answer is that of [Gate.Ask]; in strict mode a packet is Open where its
// answer rests on an assumption that is not waived.
func (g *Gate) answer(p flowset.Packet, strict bool, waived func(flow.Fact) bool) flowset.Answer {
	t := flow.Tuple{Protocol: p.Protocol, Source: flow.At(p.Source), SourcePort: p.SourcePort, Destination: flow.At(p.Destination), DestinationPort: p.DestinationPort}
	decide := func(held topology.Access) flow.Verdict {
		holds := func(w *flow.World) bool {
			a := g.RuleByRule(w, t).Access
			if a == topology.AlwaysAllow {
				a = topology.Allow
			}
			return a == held
		}
		if !strict {
			return flow.VerdictOf(holds)
		}
		return flow.Explore(func(w *flow.World) (bool, struct{}) { return holds(w), struct{}{} }, waived).Strict
	}
	switch decide(topology.Allow) {
	case flow.Allow:
		return flowset.Allowed
	case flow.Unknown:
		return flowset.Open
	}
	switch decide(topology.Deny) {
	case flow.Allow:
		return flowset.Denied
	case flow.Unknown:
		return flowset.Open
	}
	return flowset.Unmatched
}

// boxes are the gate's rules in the words of a space. Where a rule only may
// match, its sets' own boundaries are cut too: the question that the data
// leaves open changes there. Where assumptions are taken, what only may match
// without them is left out as far as that is plain.
func (g *Gate) boxes(s *Sets, known map[string]*netipx.IPSet, assume bool) (out []flowset.Rule, of []*Rule) {
	c := g.Certain(s)
	set := func(a classify.Addresses) *netipx.IPSet {
		if a.Any {
			return nil
		}
		var b netipx.IPSetBuilder
		key := ""
		for _, id := range a.Sets {
			key += fmt.Sprint(id, " ")
		}
		if x, ok := known[key]; ok {
			return x
		}
		for _, id := range a.Sets {
			for _, p := range s.list[id] {
				b.AddPrefix(p)
			}
		}
		x, _ := b.IPSet() // of valid prefixes: no error
		known[key] = x
		return x
	}
	box := func(list []classify.Match) (out []flowset.Box) {
		for _, m := range list {
			if len(m.Source.Sets) == 0 && !m.Source.Any || len(m.Destination.Sets) == 0 && !m.Destination.Any {
				continue // no address
			}
			b := flowset.Box{Source: set(m.Source), Destination: set(m.Destination), SourcePorts: some(m.SourcePorts), DestinationPorts: some(m.DestinationPorts)}
			for _, p := range []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP, topology.ESP, topology.AH} {
				if m.Protocols.Has(p) {
					b.Protocols = append(b.Protocols, p)
				}
			}
			out = append(out, b)
		}
		return out
	}
	for i := range c.rules {
		r := &c.rules[i]
		x := flowset.Rule{Allow: r.Outcome&allowed != 0, Must: box(r.Must), May: box(r.May)}
		if of := c.of[i]; assume && of != nil && of.Protocol == topology.AnyProtocol && !(of.Source.allPorts() && of.Destination.allPorts()) && !of.Source.unresolved && !of.Destination.unresolved {
			x.May = ported(x.May) // spec 2.4, G21
		}
		switch of := c.of[i]; {
		case len(x.May) == 0:
		case of == nil && i == 0 && g.Direction == topology.Outbound:
			x.Cut = platformCuts()
			// Rules that name a platform tag count for its traffic whatever stands
			// before them.
			for _, r := range slices.Concat(g.floating, g.Rules) {
				if r.namesPlatform() {
					x.Cut = append(x.Cut, cuts(r)...)
				}
			}
		case of == nil:
			x.Cut = cuts(g.floating[i-(len(c.of)-len(g.Rules)-len(g.floating))])
		default:
			x.Cut = cuts(of)
			// Whether this one is asked about turns on the others of its priority.
			for _, r := range g.Rules {
				if r != of && r.Priority == of.Priority {
					x.Cut = append(x.Cut, cuts(r)...)
				}
			}
		}
		out, of = append(out, x), append(of, c.of[i])
		// What an expression stands for may do either.
		if r.Outcome == either {
			out, of = append(out, flowset.Rule{Allow: !x.Allow, May: x.May}), append(of, nil)
		}
	}
	for _, r := range g.altered {
		out, of = append(out, flowset.Rule{Cut: cuts(r)}), append(of, nil)
	}
	return out, of
}

// ported are the boxes for protocols with ports.
func ported(list []flowset.Box) (out []flowset.Box) {
	for _, b := range list {
		b.Protocols = slices.DeleteFunc(slices.Clone(b.Protocols), func(p topology.Protocol) bool { return !p.HasPorts() })
		if len(b.Protocols) > 0 {
			out = append(out, b)
		}
	}
	return out
}

// some is the ranges to a box, to which nil would be every port.
func some(list []topology.PortRange) []topology.PortRange {
	if list == nil {
		return []topology.PortRange{}
	}
	return list
}

// platformCuts are the packets that [PlatformTraffic] tells apart.
func platformCuts() []flowset.Box {
	out := []flowset.Box{
		{Destination: scope.SetOf(netip.PrefixFrom(scope.WireServer, 32))},
		{Protocols: []topology.Protocol{topology.TCP}}, {Protocols: []topology.Protocol{topology.UDP}},
	}
	for _, p := range []uint16{53, 67, 80, 32526} {
		out = append(out, flowset.Box{DestinationPorts: []topology.PortRange{{First: p, Last: p}}})
	}
	return out
}

// cuts are the boundaries of a rule's conditions.
func cuts(r *Rule) (out []flowset.Box) {
	for _, s := range r.Source.Sets {
		for _, x := range s.Constants() {
			out = append(out, flowset.Box{Source: x})
		}
		if p := s.Ports(); p != nil {
			out = append(out, flowset.Box{Protocols: []topology.Protocol{topology.TCP}, SourcePorts: p}, flowset.Box{SourcePorts: p})
		}
	}
	for _, s := range r.Destination.Sets {
		for _, x := range s.Constants() {
			out = append(out, flowset.Box{Destination: x})
		}
		if p := s.Ports(); p != nil {
			out = append(out, flowset.Box{Protocols: []topology.Protocol{topology.TCP}, DestinationPorts: p}, flowset.Box{DestinationPorts: p})
		}
	}
	if r.Protocol != topology.AnyProtocol {
		out = append(out, flowset.Box{Protocols: []topology.Protocol{r.Protocol}})
	}
	for _, ports := range []struct{ from, to []topology.PortRange }{{r.Source.Ports, nil}, {nil, r.Destination.Ports}} {
		out = append(out, flowset.Box{SourcePorts: ports.from, DestinationPorts: ports.to})
	}
	return out
}
