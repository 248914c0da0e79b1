package sim

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// chainAt is what an IP flow question asks: the whole chain of an interface,
// or one NSG alone.
type chainAt struct {
	p     position
	alone *topology.NetworkSecurityGroup
	place *scope.Place
}

// IPFlow answers what IP flow verify would. A *NameError says that a name of
// the question does not fit the estate.
func (s *Simulator) IPFlow(q IPFlowQuestion) (*IPFlow, error) {
	at, err := s.chainFor(q)
	if err != nil {
		return nil, err
	}
	if !q.Local.Address.IsValid() || !q.Remote.Address.IsValid() || q.Local.Address.Is4() != q.Remote.Address.Is4() {
		return nil, &NameError{Kind: "address", Name: q.Remote.Address.String(), Reason: "local and remote address must be of one family"}
	}
	a, o := s.answer(q, at)
	a.Evaluated = s.evaluated(q, at, o)
	if err := s.names.Unread(); err != nil {
		return nil, err
	}
	return a, nil
}

// answer answers at the gates that were found, but for what each rule does.
func (s *Simulator) answer(q IPFlowQuestion, at chainAt) (*IPFlow, Outcome) {
	parts := s.flows(q, at)
	a := &IPFlow{ServiceTags: s.Catalogue(), Evaluated: []EvaluatedNSG{}, Codes: []flow.Code{}, Origins: []topology.Origin{}}
	var o Outcome
	combine(&o, parts, &a.Undecided, &a.AnyAllow, &a.AnyDeny)
	a.Access, a.UnderAssumptions = o.Verdict, o.UnderAssumptions
	a.Assumptions, a.Missing, a.Hops, a.Notes = o.Assumptions, o.Missing, o.Hops, o.Notes
	if a.Assumptions == nil {
		a.Assumptions = []flow.Assumption{}
	}
	if o.RuleName != "" && o.Verdict != flow.Split {
		a.RuleName, a.Priority = &o.RuleName, o.Priority
		a.NetworkSecurityGroup = o.NetworkSecurityGroup
	}
	if o.Code != "" {
		a.Codes = append(a.Codes, o.Code)
	}
	for _, h := range o.Hops {
		if !slices.Contains(a.Codes, h.Code) {
			a.Codes = append(a.Codes, h.Code)
		}
		if h.Origin != nil {
			a.Origins = append(a.Origins, *h.Origin)
		}
	}
	if len(parts) > 1 {
		a.Parts = parts
	}
	return a, o
}

// chainFor finds the gates that the question is about.
func (s *Simulator) chainFor(q IPFlowQuestion) (chainAt, error) {
	switch {
	case q.NSG != "":
		g, err := unique("network security group", s.groups, q.NSG)
		if err != nil {
			return chainAt{}, err
		}
		if q.Place != nil {
			return chainAt{alone: g, place: q.Place}, nil
		}
		sub, err := s.subnetForNSG(g, q.Local.Address)
		if err != nil {
			return chainAt{}, err
		}
		return chainAt{alone: g, place: s.placeOf(g, sub)}, nil
	case q.VM != "":
		vm, err := unique("virtual machine", s.net.VirtualMachines, q.VM)
		if err != nil {
			return chainAt{}, err
		}
		for _, r := range vm.NetworkInterfaces {
			if nic, ok := topology.Lookup[*topology.NetworkInterface](s.net, r); ok {
				if c := owned(nic, q.Local.Address); c != nil {
					return chainAt{p: s.at(nic, c)}, nil
				}
			}
		}
		for _, nic := range s.net.NetworkInterfaces {
			if c := owned(nic, q.Local.Address); c != nil && nic.VirtualMachine.ID() == vm.ID() {
				return chainAt{p: s.at(nic, c)}, nil
			}
		}
		return chainAt{}, &NameError{Kind: "virtual machine", Name: q.VM, Reason: "none of its network interfaces in the data owns " + q.Local.Address.String()}
	case q.Interface != "":
		nic, err := unique("network interface", s.net.NetworkInterfaces, q.Interface)
		if err != nil {
			return chainAt{}, err
		}
		c := owned(nic, q.Local.Address)
		if c == nil {
			var has []string
			for _, x := range nic.IPConfigurations {
				has = append(has, x.PrivateIPAddress.String())
			}
			return chainAt{}, &NameError{Kind: "network interface", Name: q.Interface, Reason: "it does not own " + q.Local.Address.String() + " (it owns " + strings.Join(has, ", ") + ")"}
		}
		return chainAt{p: s.at(nic, c)}, nil
	}
	owners := s.net.Owners(q.Local.Address)
	switch len(owners) {
	case 1:
		return chainAt{p: s.at(owners[0].Interface, owners[0].Configuration)}, nil
	case 0:
		return chainAt{}, &NameError{Kind: "address", Name: q.Local.Address.String(), Reason: "no network interface in the data owns it; name the gate with --nsg, --nic or --vm"}
	default:
		var list []string
		for _, o := range owners {
			list = append(list, o.Interface.ResourceID)
		}
		return chainAt{}, &NameError{Kind: "address", Name: q.Local.Address.String(), Candidates: list}
	}
}

func owned(nic *topology.NetworkInterface, a netip.Addr) *topology.IPConfiguration {
	for _, c := range nic.IPConfigurations {
		if c.PrivateIPAddress == a {
			return c
		}
	}
	return nil
}

// subnetForNSG is the subnet that owns the local address: one that the NSG is
// attached to where several virtual networks hold the address, nil where none
// does (verdicts.md 15).
func (s *Simulator) subnetForNSG(g *topology.NetworkSecurityGroup, a netip.Addr) (*topology.Subnet, error) {
	var all, attached []*topology.Subnet
	for _, v := range s.net.VirtualNetworks {
		sub := subnetOf(v, a)
		if sub == nil {
			continue
		}
		all = append(all, sub)
		here := sub.NetworkSecurityGroup.ID() == g.ID()
		for _, o := range s.owners(v, a) {
			here = here || o.Interface.NetworkSecurityGroup.ID() == g.ID()
		}
		if here {
			attached = append(attached, sub)
		}
	}
	switch {
	case len(attached) == 1:
		return attached[0], nil
	case len(all) == 1:
		return all[0], nil
	case len(all) == 0:
		return nil, nil
	}
	return nil, &NameError{Kind: "address", Name: a.String(), Candidates: ids(all)}
}

// placeOf is where an NSG asked alone is evaluated: at the subnet, else with
// the tags that its effective export lists, else without its virtual network.
func (s *Simulator) placeOf(g *topology.NetworkSecurityGroup, sub *topology.Subnet) *scope.Place {
	if sub == nil {
		for _, e := range s.net.EffectiveSecurityGroups {
			if e.NetworkSecurityGroup.ID() == g.ID() {
				if p := s.names.Exported(e); p != nil {
					return p
				}
			}
		}
	}
	return s.names.At(sub)
}

// Groups are the NSGs that can be asked: those of the data, and those of which
// only the effective rules were exported.
func (s *Simulator) Groups() []*topology.NetworkSecurityGroup { return s.groups }

// PlaceOf is where the NSG is asked at a subnet; nil: alone, with the tags that
// its effective export lists, else without its virtual network.
func (s *Simulator) PlaceOf(g *topology.NetworkSecurityGroup, sub *topology.Subnet) *scope.Place {
	return s.placeOf(g, sub)
}

// gatesOf are the gates in Azure's order, for the evaluation of rules.
func (s *Simulator) gatesOf(q IPFlowQuestion, at chainAt) []chainGate {
	if at.alone != nil {
		return []chainGate{{at.alone.ResourceID, "", s.gate(at.alone, q.Direction, at.place)}}
	}
	place := s.names.At(at.p.subnet)
	k := &walk{s: s}
	var out []chainGate
	for _, l := range k.levels(at.p, q.Direction) {
		if g, ok := s.group(l.ref); ok && l.unknown == nil {
			out = append(out, chainGate{g.ResourceID, l.id, s.gate(g, q.Direction, place)})
		}
	}
	return out
}

type chainGate struct {
	nsg, appliedTo string
	gate           *nsg.Gate
}

func (k *walk) alone(at chainAt, d topology.Direction, t flow.Tuple) {
	g := at.alone
	if !g.RulesGiven {
		k.level(gateAt{place: "nsg " + g.Name, ref: g.Ref()}, d, t, at.place)
		return
	}
	if !k.depends(&g.Element) {
		return
	}
	gate := k.s.gate(k.version(g), d, at.place)
	k.hop(ruleHop(HopSecurityRules, g.Name, "", d, k.decide(gate, t)))
}

// gates asks what the question is about: one NSG, or the chain of an
// interface, and, for a packet from the Internet to an interface with a public
// IP address, whether a Standard address is closed (PIP).
func (k *walk) gates(at chainAt, d topology.Direction, t flow.Tuple) {
	if at.alone != nil {
		k.alone(at, d, t)
		return
	}
	ref := topology.Ref{}
	if at.p.config != nil {
		ref = at.p.config.PublicIPAddress
	}
	if d != topology.Inbound || ref.IsZero() || !scope.IsPublic(t.Source.IP) {
		k.chain(at.p, d, t)
		return
	}
	sku := ""
	if pip, ok := topology.Lookup[*topology.PublicIPAddress](k.s.net, ref); ok {
		sku = pip.SKU
	}
	k.guarded(at.p, t, sku, "public IP "+ref.ID().Name())
}

// flows cuts the question at the ports of the gates and asks each class.
func (s *Simulator) flows(q IPFlowQuestion, at chainAt) []Part {
	met := newCuts()
	ask := func(t flow.Tuple) flow.Result[account] {
		return flow.Explore(func(w *flow.World) (bool, account) {
			k := &walk{s: s, w: w, seen: map[string]bool{}, cuts: met}
			k.gates(at, q.Direction, t)
			return !k.denied, k.account()
		}, s.waived)
	}
	asked := []topology.Protocol{q.Protocol}
	if q.Protocol == topology.AnyProtocol {
		asked = protocols
	}
	for {
		before := met.size()
		_, sports, dports := met.constants()
		if q.Local.AnyPort || q.Remote.AnyPort {
			dports = append(dports, s.estatePorts()...)
		}
		var parts []Part
		for _, proto := range asked {
			local, remote := sports, dports
			if q.Direction == topology.Inbound {
				local, remote = dports, sports
			}
			for _, l := range endpointPorts(q.Local, proto, local) {
				for _, r := range endpointPorts(q.Remote, proto, remote) {
					o := s.outcome(ask(tupleOf(q, proto, l.one, r.one)))
					p := Part{Outcome: o, SourcePorts: l.ranges, Ports: r.ranges}
					if q.Direction == topology.Inbound {
						p.SourcePorts, p.Ports = r.ranges, l.ranges
					}
					if q.Protocol == topology.AnyProtocol {
						p.Protocol = proto.String()
					}
					parts = append(parts, p)
				}
			}
		}
		if met.size() > before && (q.Local.AnyPort || q.Remote.AnyPort) {
			continue
		}
		return mergePortParts(parts)
	}
}

func endpointPorts(e Endpoint, proto topology.Protocol, constants []topology.PortRange) []portClass {
	switch {
	case !proto.HasPorts():
		return []portClass{{}}
	case e.AnyPort:
		return cutPorts(topology.AllPorts, constants)
	default:
		return []portClass{{one: e.Port}}
	}
}

func tupleOf(q IPFlowQuestion, proto topology.Protocol, local, remote uint16) flow.Tuple {
	t := flow.Tuple{Protocol: proto, Source: flow.At(q.Local.Address), SourcePort: local, Destination: flow.At(q.Remote.Address), DestinationPort: remote}
	if q.Direction == topology.Inbound {
		t.Source, t.Destination = t.Destination, t.Source
		t.SourcePort, t.DestinationPort = remote, local
	}
	return t
}

// evaluated reports the NSGs of the chain as NSG diagnostics does: the rule
// that matched, and rule by rule which conditions hold.
func (s *Simulator) evaluated(q IPFlowQuestion, at chainAt, o Outcome) []EvaluatedNSG {
	proto := q.Protocol
	if proto == topology.AnyProtocol {
		proto = topology.TCP
	}
	t := tupleOf(q, proto, q.Local.Port, q.Remote.Port)
	out := []EvaluatedNSG{}
	decided := o.Hops
	for _, g := range s.gatesOf(q, at) {
		e := EvaluatedNSG{NetworkSecurityGroupID: g.nsg, AppliedTo: g.appliedTo, Rules: []RuleEvaluation{}}
		i := slices.IndexFunc(decided, func(h Hop) bool { return h.Kind == HopSecurityRules && h.Name == g.gate.NSG.Name })
		if i < 0 {
			e.Skipped = true
			out = append(out, e)
			continue
		}
		h := decided[i]
		decided = decided[i+1:]
		if h.RuleName != "" && h.Verdict != flow.Unknown {
			e.MatchedRule = &MatchedRule{RuleName: h.RuleName, Action: h.Verdict.String()}
		}
		for _, r := range g.gate.Evaluate(t) {
			e.Rules = append(e.Rules, RuleEvaluation{
				Name: r.Rule.Name, Priority: r.Rule.Priority, ProtocolMatched: r.Protocol, SourceMatched: r.Source, SourcePortMatched: r.SourcePort,
				DestinationMatched: r.Destination, DestinationPortMatched: r.DestinationPort, Undecided: r.Undecided,
			})
			if !q.AllRules && r.Rule.Name == h.RuleName {
				break
			}
		}
		out = append(out, e)
	}
	return out
}
