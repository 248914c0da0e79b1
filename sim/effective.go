package sim

import (
	"fmt"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// interfaceNamed is the interface a name means: its own, or the primary one of
// a virtual machine.
func (s *Simulator) interfaceNamed(name string) (*topology.NetworkInterface, error) {
	nics := find(s.net.NetworkInterfaces, name)
	vms := find(s.net.VirtualMachines, name)
	switch {
	case len(nics) == 1 && len(vms) == 0:
		return nics[0], nil
	case len(vms) == 1 && len(nics) == 0:
		return s.primaryNIC(vms[0])
	case len(nics)+len(vms) > 0:
		return nil, &NameError{Kind: "name", Name: name, Candidates: append(ids(nics), ids(vms)...)}
	}
	all := append(namesOf(s.net.NetworkInterfaces), namesOf(s.net.VirtualMachines)...)
	return nil, &NameError{Kind: "network interface", Name: name, Nearest: nearest(name, all)}
}

// EffectiveRules lists the rules that apply to an interface (or a virtual
// machine's primary one) with their tags expanded.
func (s *Simulator) EffectiveRules(name string) (*EffectiveRules, error) {
	nic, err := s.interfaceNamed(name)
	if err != nil {
		return nil, err
	}
	out := &EffectiveRules{NetworkInterface: nic.Name, ServiceTags: s.Catalogue(), Groups: []EffectiveRuleSet{}}
	c := first(nic)
	if c == nil {
		return out, nil
	}
	p := s.at(nic, c)
	place := s.names.At(p.subnet)
	k := &walk{s: s}
	for _, l := range k.levels(p, topology.Outbound) {
		if l.ref.IsZero() && l.unknown == nil {
			continue
		}
		set := EffectiveRuleSet{NetworkSecurityGroup: IDRef{l.ref.Text}, TagMap: map[string][]netip.Prefix{}, Rules: []EffectiveRule{}}
		if l.element == nic.ID() {
			set.Association.NetworkInterface = &IDRef{l.id}
		} else {
			set.Association.Subnet = &IDRef{l.id}
		}
		g, ok := s.group(l.ref)
		if !ok || !g.RulesGiven || l.unknown != nil {
			set.Undecided = append(set.Undecided, flow.Missing{Code: flow.DanglingReference, About: l.ref.ID().Name(),
				Text: "its rules are not in the data", Export: "az network nsg list -o json"})
			out.Groups = append(out.Groups, set)
			continue
		}
		set.NetworkSecurityGroup.ID = g.ResourceID
		for _, d := range []topology.Direction{topology.Inbound, topology.Outbound} {
			for _, r := range s.gate(g, d, place).Rules {
				set.Rules = append(set.Rules, effectiveRule(r, d, &set))
			}
		}
		out.Groups = append(out.Groups, set)
	}
	if err := s.names.Unread(); err != nil {
		return nil, err
	}
	return out, nil
}

func first(nic *topology.NetworkInterface) *topology.IPConfiguration {
	if c := primary(nic, false); c != nil {
		return c
	}
	if c := primary(nic, true); c != nil {
		return c
	}
	if len(nic.IPConfigurations) > 0 {
		return nic.IPConfigurations[0]
	}
	return nil
}

func effectiveRule(r *nsg.Rule, d topology.Direction, set *EffectiveRuleSet) EffectiveRule {
	prefix := "securityRules/"
	if r.Default {
		prefix = "defaultSecurityRules/"
	}
	e := EffectiveRule{Name: prefix + r.Name, Protocol: r.Protocol.String(), Access: r.Access.String(), Priority: r.Priority, Direction: d.String(), Origin: r.Origin}
	if r.Protocol == topology.AnyProtocol {
		e.Protocol = "All"
	}
	e.SourcePorts, e.DestinationPorts = portTexts(r.Source.Ports), portTexts(r.Destination.Ports)
	e.Sources, e.ExpandedSource = sideTexts(&r.Source, set)
	e.Destinations, e.ExpandedDestination = sideTexts(&r.Destination, set)
	return e
}

func portTexts(list []topology.PortRange) []string {
	out := []string{}
	for _, p := range list {
		out = append(out, fmt.Sprintf("%d-%d", p.First, p.Last))
	}
	return out
}

func sideTexts(side *nsg.Side, set *EffectiveRuleSet) (names []string, expanded []netip.Prefix) {
	names = []string{}
	var b netipx.IPSetBuilder
	tagged := false
	for _, x := range side.Sets {
		must, may := x.Certain()
		if literal := x.Literal(); literal != nil {
			for _, p := range literal {
				names = append(names, p.String())
			}
			b.AddSet(must)
			continue
		}
		if x.Name == "*" {
			names = append(names, "0.0.0.0/0")
			b.AddSet(must)
			continue
		}
		tagged = true
		names = append(names, x.Name)
		b.AddSet(must)
		set.TagMap[x.Name] = must.Prefixes()
		if !slices.Equal(must.Ranges(), may.Ranges()) {
			m := flow.Missing{Code: flow.UnknownTag, About: x.Name, Text: "more addresses may belong to it"}
			if !slices.Contains(set.Undecided, m) {
				set.Undecided = append(set.Undecided, m)
			}
		}
	}
	if tagged {
		all, _ := b.IPSet()
		expanded = all.Prefixes()
	}
	return names, expanded
}

// EffectiveRoutes lists the effective routes of an interface (or a virtual
// machine's primary one).
func (s *Simulator) EffectiveRoutes(name string) (*EffectiveRoutes, error) {
	nic, err := s.interfaceNamed(name)
	if err != nil {
		return nil, err
	}
	out := &EffectiveRoutes{NetworkInterface: nic.Name, Routes: []EffectiveRoute{}}
	c := first(nic)
	if c == nil {
		return out, nil
	}
	p := s.at(nic, c)
	if p.subnet == nil || p.vnet == nil {
		out.Undecided = append(out.Undecided, flow.Missing{Code: flow.DanglingReference, About: c.Subnet.ID().Name(),
			Text: "the subnet of the interface is not in the data", Export: "az network vnet list -o json"})
		return out, nil
	}
	out.Subnet = subnetName(p.subnet)
	t := s.table(p.subnet)
	v6 := slices.ContainsFunc(p.vnet.KnownSpace(), func(x netip.Prefix) bool { return x.Addr().Is6() })
	for _, r := range t.Routes {
		if r.Prefix.IsValid() && r.Prefix.Addr().Is6() && !v6 {
			continue
		}
		row := EffectiveRoute{Source: string(r.Source), State: "Active", NextHopType: r.NextHop, Origin: originOf(r.Origin),
			AddressPrefix: []string{}, NextHopIPAddress: []string{}, ServiceTags: []string{}}
		if !r.Active {
			row.State = "Invalid"
		}
		if r.Name != "" {
			n := r.Name
			row.Name = &n
		}
		if r.NextHopIP.IsValid() {
			row.NextHopIPAddress = append(row.NextHopIPAddress, r.NextHopIP.String())
		}
		if r.Tag != "" {
			row.ServiceTags = append(row.ServiceTags, r.Tag)
			must, _ := s.names.Tag(r.Tag).Certain()
			for _, x := range must.Prefixes() {
				row.AddressPrefix = append(row.AddressPrefix, x.String())
			}
		} else {
			row.AddressPrefix = append(row.AddressPrefix, r.Prefix.String())
		}
		out.Routes = append(out.Routes, row)
	}
	for _, f := range t.Undecided() {
		out.Undecided = append(out.Undecided, flow.Missing{Code: f.Code, About: f.About, Text: f.Text, Export: f.Export})
	}
	if err := s.names.Unread(); err != nil {
		return nil, err
	}
	return out, nil
}

// Place is what names mean at the subnet of an interface's IP configuration.
func (s *Simulator) Place(sub *topology.Subnet) *scope.Place { return s.names.At(sub) }
