package scope

import (
	"net/netip"
	"slices"
	"strings"
	"sync"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// Place is a subnet as the names of its rules see it, or, with a nil Subnet,
// that of an NSG whose virtual network is not in the data.
type Place struct {
	Subnet         *topology.Subnet
	VirtualNetwork *topology.VirtualNetwork
	names          *Names
	virtualNetwork *Set
	internet       *Set
	fields         sync.Map // what was resolved: text of the field → *Set
}

// At is the place of a subnet whose virtual network is in the data.
func (x *Names) At(s *topology.Subnet) *Place {
	if s == nil || x.net.VirtualNetworkOf(s) == nil {
		return x.Alone()
	}
	x.mu.Lock()
	p, ok := x.places[s]
	x.mu.Unlock()
	if ok {
		return p
	}
	p = x.newPlace(s)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.places[s] = p
	return p
}

// Alone is the place of an NSG without its virtual network (verdicts.md 5).
func (x *Names) Alone() *Place {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.alone != nil {
		return x.alone
	}
	p := &Place{names: x}
	own := wireServerPrefix()
	if len(x.opts.VirtualNetwork) > 0 {
		space := SetOf(x.opts.VirtualNetwork...)
		p.virtualNetwork = &Set{Name: "VirtualNetwork", local: true, layers: []layer{{where: union(own, space), member: true}}}
		p.internet = internetWithout(space, "the given virtual network", nil)
	} else {
		private := subtract(everything(), PublicSpace())
		inside := &flow.Fact{Code: flow.AddressSpaceUnknown, About: "VirtualNetwork",
			Text:   "the address space of the NSG's virtual network is not in the data",
			Export: "az network vnet list -o json"}
		public := &flow.Fact{Assumption: flow.VNetSpacePrivate, About: "VirtualNetwork",
			Text: "the NSG's virtual network, which is not in the data, has no public address space"}
		p.virtualNetwork = &Set{Name: "VirtualNetwork", local: true, layers: []layer{
			{where: own, member: true},
			{where: private, fact: inside, each: true, when: 1, member: true},
			{where: PublicSpace(), fact: public, each: true, when: 1, member: true},
		}}
		p.internet = internetWithout(SetOf(), "the NSG's virtual network", public)
		p.internet.inside = ownSpaceFact("the NSG's virtual network")
	}
	x.alone = p
	return p
}

func wireServerPrefix() *netipx.IPSet { return SetOf(netip.PrefixFrom(WireServer, 32)) }

func ownSpaceFact(about string) *flow.Fact {
	return &flow.Fact{Assumption: flow.VNetPublicSpaceNotInternet, About: about,
		Text: "public address space of " + about + " itself is not part of the tag Internet"}
}

// internetWithout is the tag Internet less the own space of a virtual network
// (verdicts.md 16). Where not all of that space is known, unknown is the
// assumption that the rest of it is not public.
func internetWithout(space *netipx.IPSet, about string, unknown *flow.Fact) *Set {
	s := &Set{Name: "Internet"}
	if own := intersect(space, PublicSpace()); !isEmpty(own) {
		s.layers = append(s.layers, layer{where: own, fact: ownSpaceFact(about), when: 0, member: false})
	}
	s.layers = append(s.layers, disputed())
	if unknown == nil {
		s.layers = append(s.layers, layer{where: PublicSpace(), member: true})
		return s
	}
	s.layers = append(s.layers,
		layer{where: PublicSpace(), fact: unknown, each: true, when: 0, member: true},
		layer{where: PublicSpace(), fact: ownSpaceFact(about), when: 1, member: true})
	return s
}

// disputed leaves open whether the disputed space is in the tag Internet.
func disputed() layer {
	return layer{where: DisputedSpace(), known: true, when: 1, member: false, fact: &flow.Fact{Code: flow.SourcesConflict, About: "Internet",
		Text:   "whether 25.0.0.0/8, 192.0.2.0/24 and 198.18.0.0/15 are in the tag Internet is in dispute between the documents and the lists that Azure returned",
		Export: "az network nic list-effective-nsg -n <nic> -g <group> -o json"}}
}

// newPlace computes VirtualNetwork for one subnet (spec 3.1).
func (x *Names) newPlace(s *topology.Subnet) *Place {
	v := x.net.VirtualNetworkOf(s)
	p := &Place{Subnet: s, VirtualNetwork: v, names: x}
	if e := x.effectiveFor(s); e != nil {
		p.virtualNetwork, p.internet = exportedSets(exportedTag(e, "VirtualNetwork"), exportedTag(e, "Internet"))
		return p
	}
	space := SetOf(v.KnownSpace()...)
	certain := []*netipx.IPSet{wireServerPrefix()}
	var layers []layer
	// in adds prefixes that rest on what is said about elements.
	in := func(where *netipx.IPSet, elements ...*topology.Element) {
		var facts []flow.Fact
		for _, e := range elements {
			facts = append(facts, flow.ElementFacts(e)...)
		}
		if len(facts) == 0 {
			certain = append(certain, where)
			return
		}
		layers = append(layers, layer{where: where, all: facts, member: true})
	}
	in(space, &v.Element)

	for _, peer := range v.Peerings {
		if peer.AllowVirtualNetworkAccess == topology.Off {
			continue // PEER: the flag takes the prefixes out of the tag
		}
		remote, known := x.RemoteSpace(peer)
		link := x.Link(v, peer)
		switch {
		case link.Fact != nil:
			facts := flow.ElementFacts(&peer.Element)
			if _, back := x.Back(v, peer); back != nil {
				facts = append(facts, flow.ElementFacts(&back.Element)...)
			}
			layers = append(layers, layer{where: remote, all: facts, fact: link.Fact, when: 0, member: true})
		case link.Up:
			elements := []*topology.Element{&peer.Element}
			if _, back := x.Back(v, peer); back != nil {
				elements = append(elements, &back.Element)
			}
			in(remote, elements...)
		}
		if !known && (link.Up || link.Fact != nil) {
			layers = append(layers, layer{fact: x.unknownSpace(peer), each: true, when: 1, member: true})
		}
	}

	g := x.GatewaysOf(v)
	known := SetOf(g.Prefixes...)
	propagate := true
	table, attached := topology.Lookup[*topology.RouteTable](x.net, s.RouteTable)
	if attached && table.DisableBGPPropagation == topology.On {
		propagate = false
	}
	if !isEmpty(known) {
		// A table that is not in the data may disable propagation too.
		if propagate && (attached || s.RouteTable.IsZero()) {
			if len(g.Unsure) == 0 {
				certain = append(certain, known)
			} else {
				layers = append(layers, layer{where: known, all: g.Unsure, member: true})
			}
		} else {
			layers = append(layers, layer{where: known, all: g.Unsure, when: 0, member: true, fact: &flow.Fact{
				Assumption: flow.GatewayPrefixesInVNet, About: s.Name, Detail: string(s.ID()),
				Text: "prefixes of the gateway stay in the tag VirtualNetwork of subnet " + s.Name + " although its route table disables their propagation, or may",
			}})
		}
	}

	if attached && table.RoutesGiven {
		for _, r := range table.Routes {
			switch {
			case r.Unresolved && !r.Destination.Prefix.IsValid() || r.Destination.Kind == topology.UnresolvedAddress:
				layers = append(layers, layer{each: true, when: 1, member: true, fact: &flow.Fact{
					Code: flow.UnresolvedExpression, About: r.Name, Detail: string(table.ID()) + r.Origin.Pointer + " ", Text: "route " + r.Name + " holds an expression that is not resolved"}})
			case r.Destination.Kind == topology.TagAddress:
				where := x.Tag(r.Destination.Tag)
				_, may := where.Certain()
				layers = append(layers, layer{where: may, when: 1, member: true, fact: &flow.Fact{
					Assumption: flow.TagRouteNotInVNet, About: table.Name + "/" + r.Name, Detail: string(table.ID()),
					Text: "a route whose prefix is a service tag does not widen the tag VirtualNetwork"}})
			case r.NextHop == topology.NextHopNone || r.NextHop == topology.NextHopInternet:
				layers = append(layers, layer{where: SetOf(r.Destination.Prefix), when: 0, member: true, fact: &flow.Fact{
					Assumption: flow.UDRPrefixesInVNet, About: table.Name + "/" + r.Name, Detail: string(table.ID()),
					Text: "the prefix of a user-defined route with next hop " + string(r.NextHop) + " is part of the tag VirtualNetwork"}})
			default:
				in(SetOf(r.Destination.Prefix), &table.Element, &r.Element)
			}
		}
		for _, f := range flow.ElementFacts(&table.Element) {
			layers = append(layers, layer{unless: []flow.Fact{f}, each: true, when: 1, member: true,
				fact: &flow.Fact{Code: flow.UnwaivedAssumption, About: table.Name, Detail: f.Key(), Text: f.Text}})
		}
	} else if !s.RouteTable.IsZero() {
		layers = append(layers, layer{each: true, when: 1, member: true, fact: x.danglingTable(s)})
	}

	if g.LearnedUnknown != nil {
		layers = append(layers,
			layer{where: subtract(everything(), PublicSpace()), fact: g.LearnedUnknown, each: true, when: 1, member: true},
			layer{where: PublicSpace(), fact: g.LearnedPublic, each: true, when: 1, member: true})
	}
	p.internet = internetWithout(space, v.Name, nil)
	if v.Stub {
		inside, public := x.unknownOwnSpace(v)
		layers = append(layers,
			layer{where: subtract(everything(), PublicSpace()), fact: inside, each: true, when: 1, member: true},
			layer{where: PublicSpace(), fact: public, each: true, when: 1, member: true})
		p.internet = internetWithout(space, v.Name, public)
	}
	layers = append([]layer{{where: union(certain...), member: true}}, layers...)
	p.virtualNetwork = &Set{Name: "VirtualNetwork", layers: layers}
	return p
}

// unknownOwnSpace are the facts that an address is in the space, or in a peer's
// or gateway's, of a virtual network that is known by its children alone.
func (x *Names) unknownOwnSpace(v *topology.VirtualNetwork) (private, public *flow.Fact) {
	private = &flow.Fact{Code: flow.AddressSpaceUnknown, About: v.Name, Detail: string(v.ID()) + " ",
		Text:   "the address space and the peerings of virtual network " + v.Name + " are not in the data",
		Export: "az network vnet show --ids " + v.ResourceID + " -o json"}
	public = &flow.Fact{Assumption: flow.VNetSpacePrivate, About: v.Name, Detail: string(v.ID()) + " ",
		Text: "virtual network " + v.Name + ", of which only children are in the data, has no public address space"}
	return private, public
}

// UnknownSpace is [Names.unknownOwnSpace] for the routes of a subnet.
func (x *Names) UnknownSpace(v *topology.VirtualNetwork) (private, public flow.Fact) {
	a, b := x.unknownOwnSpace(v)
	return *a, *b
}

func (x *Names) danglingTable(s *topology.Subnet) *flow.Fact {
	return &flow.Fact{Code: flow.DanglingReference, About: s.RouteTable.ID().Name(), Detail: "prefixes " + string(s.RouteTable.ID()),
		Text:   "the route table " + s.RouteTable.ID().Name() + " of subnet " + s.Name + " is not in the data",
		Export: "az network route-table list -o json"}
}

func (x *Names) unknownSpace(p *topology.Peering) *flow.Fact {
	return &flow.Fact{Code: flow.DanglingReference, About: p.RemoteVirtualNetwork.ID().Name(), Detail: "address space " + string(p.RemoteVirtualNetwork.ID()),
		Text:   "the address space of the peered virtual network " + p.RemoteVirtualNetwork.ID().Name() + " is not in the data",
		Export: "az network vnet list -o json"}
}

// Resolve is the set that an address field of a rule means at the place; the
// same field is the same set.
func (p *Place) Resolve(a topology.AddressPrefix) *Set {
	if a.Kind == topology.TagAddress {
		return p.tag(a.Tag)
	}
	key := a.Text
	switch a.Kind {
	case topology.PrefixAddress:
		key = a.Prefix.String()
	case topology.UnresolvedAddress:
		key += "\x00" + a.At().File
	}
	if s, ok := p.fields.Load(key); ok {
		return s.(*Set)
	}
	s, _ := p.fields.LoadOrStore(key, p.resolve(a))
	return s.(*Set)
}

func (p *Place) resolve(a topology.AddressPrefix) *Set {
	switch a.Kind {
	case topology.AnyAddress:
		return &Set{Name: "*", layers: []layer{{member: true}}}
	case topology.PrefixAddress:
		return &Set{Name: a.Text, layers: []layer{{where: SetOf(a.Prefix), member: true}}}
	default: // an expression: one value in one file, whose addresses may differ from place to place
		detail := a.At().File
		if p.Subnet != nil {
			detail += " " + string(p.Subnet.ID())
		}
		return &Set{Name: a.Text, expression: true, layers: []layer{{each: true, when: 1, member: true, fact: &flow.Fact{
			Code: flow.UnresolvedExpression, About: a.Text, Detail: detail + " ", Text: "the expression " + a.Text + " is not resolved"}}}}
	}
}

// Literal is the set of address fields that name prefixes, as one.
func Literal(list []topology.AddressPrefix) *Set {
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = a.Text
	}
	x := &Set{Name: strings.Join(names, ","), layers: []layer{{where: Prefixed(list), member: true}}}
	for _, a := range list {
		x.literal = append(x.literal, a.Prefix)
	}
	return x
}

// Expanded is the set that an effective export lists for one side of a rule.
func Expanded(m topology.Match) *Set {
	names := make([]string, len(m.Prefixes))
	for i, a := range m.Prefixes {
		names[i] = a.Text
	}
	return &Set{Name: strings.Join(names, ","), layers: []layer{{where: SetOf(m.Expanded...), member: true}}}
}

// Exported is the place of an NSG as its effective export describes it, nil
// where the export lists no content of VirtualNetwork.
func (x *Names) Exported(e *topology.EffectiveSecurityGroup) *Place {
	vn := exportedTag(e, "VirtualNetwork")
	if vn == nil {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if p, ok := x.exported[e]; ok {
		return p
	}
	p := &Place{names: x}
	p.virtualNetwork, p.internet = exportedSets(vn, exportedTag(e, "Internet"))
	x.exported[e] = p
	return p
}

func exportedTag(e *topology.EffectiveSecurityGroup, name string) *netipx.IPSet {
	for tag, list := range e.TagMap {
		if strings.EqualFold(tag, name) {
			return SetOf(list...)
		}
	}
	return nil
}

func exportedSets(vn, internet *netipx.IPSet) (virtualNetwork, inet *Set) {
	virtualNetwork = &Set{Name: "VirtualNetwork", layers: []layer{{where: union(vn, wireServerPrefix()), member: true}}}
	inet = &Set{Name: "Internet", layers: []layer{{where: PublicSpace(), member: true}}}
	if internet != nil {
		inet.layers[0].where = internet
	}
	return virtualNetwork, inet
}

// effectiveFor is the effective NSG export for a subnet, or for an interface
// in it; nil where there is none.
func (x *Names) effectiveFor(s *topology.Subnet) *topology.EffectiveSecurityGroup {
	for _, e := range x.net.EffectiveSecurityGroups {
		if exportedTag(e, "VirtualNetwork") == nil {
			continue
		}
		if e.Subnet.ID() == s.ID() {
			return e
		}
		if nic, ok := topology.Lookup[*topology.NetworkInterface](x.net, e.NetworkInterface); ok {
			for _, c := range nic.IPConfigurations {
				if c.Subnet.ID() == s.ID() {
					return e
				}
			}
		}
	}
	return nil
}

func (p *Place) tag(name string) *Set {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "virtualnetwork", "virtual_network":
		return p.virtualNetwork
	case "internet":
		return p.internet
	default:
		return p.names.Tag(name)
	}
}

// VirtualNetworkTag is the set of the tag VirtualNetwork at the place.
func (p *Place) VirtualNetworkTag() *Set { return p.virtualNetwork }

// InternetTag is the set of the tag Internet at the place.
func (p *Place) InternetTag() *Set { return p.internet }

// Members is the set of addresses of an application security group as the
// place sees it (ASG). The interfaces in the data say themselves which groups
// they are in; an address of the estate's address space that no interface in
// the data owns may be a member.
func (p *Place) Members(asg topology.Ref) *Set {
	key := "asg\x00" + string(asg.ID())
	if s, ok := p.fields.Load(key); ok {
		return s.(*Set)
	}
	s, _ := p.fields.LoadOrStore(key, p.members(asg.ID()))
	return s.(*Set)
}

func (p *Place) members(id topology.ID) *Set {
	x := p.names
	in, owned, disputed := members(x.net, p.VirtualNetwork, id)
	far, farOwned, farDisputed := members(x.net, nil, id)
	inside := subtract(everything(), PublicSpace())
	var stubs []*topology.VirtualNetwork
	for _, v := range x.net.VirtualNetworks {
		if v.Stub {
			stubs = append(stubs, v)
		}
	}
	if p.VirtualNetwork != nil && len(stubs) == 0 {
		inside = x.estateSpace()
	} else {
		inside = union(inside, x.estateSpace())
	}
	f := &flow.Fact{Code: flow.ASGMembersUnknown, About: id.Name(), Detail: string(id) + " ",
		Text:   "whether the address is a member of the application security group " + id.Name() + " is not in the data",
		Export: "az network nic list -o json"}
	twice := &flow.Fact{Code: flow.AddressOwnedTwice, About: id.Name(), Detail: string(id) + " ",
		Text: "several interfaces own the address, and not all of them are members of the application security group " + id.Name()}
	s := &Set{Name: id.Name(), layers: []layer{
		{where: disputed, fact: twice, each: true, when: 1, member: true},
		{where: in, member: true},
		{where: owned, member: false},
		{where: farDisputed, fact: twice, each: true, when: 1, member: true},
		{where: far, member: true},
		{where: farOwned, member: false},
		{where: inside, fact: f, each: true, when: 1, member: true},
	}}
	if p.VirtualNetwork == nil {
		s.layers = append(s.layers, layer{fact: f, each: true, when: 1, member: true, apart: &flow.Fact{
			Assumption: flow.VNetSpacePrivate, About: "VirtualNetwork",
			Text: "the NSG's virtual network, which is not in the data, has no public address space"}})
	}
	for _, v := range stubs {
		_, public := x.unknownOwnSpace(v)
		s.layers = append(s.layers, layer{fact: f, each: true, when: 1, member: true, apart: public})
	}
	return s
}

// estateSpace is the address space of every virtual network of the estate,
// peered ones that are not in the data included.
func (x *Names) estateSpace() *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, v := range x.net.VirtualNetworks {
		for _, p := range v.KnownSpace() {
			b.AddPrefix(p)
		}
		for _, p := range v.Peerings {
			if remote, ok := x.RemoteSpace(p); ok {
				b.AddSet(remote)
			}
		}
	}
	return build(&b)
}

// members returns the addresses of the interfaces in the data that are
// members of the group, those of all interfaces a rule at the virtual network
// can see (all of the data with nil), and those that several interfaces own
// of which not all are members; the latter are not among the members.
func members(n *topology.Network, v *topology.VirtualNetwork, asg topology.ID) (in, owned, disputed *netipx.IPSet) {
	var members, all, others netipx.IPSetBuilder
	add := func(a netip.Addr, groups []topology.Ref) {
		all.Add(a)
		if slices.ContainsFunc(groups, func(g topology.Ref) bool { return g.ID() == asg }) {
			members.Add(a)
		} else {
			others.Add(a)
		}
	}
	for _, nic := range n.NetworkInterfaces {
		for _, c := range nic.IPConfigurations {
			if c.PrivateIPAddress.IsValid() && visible(n, v, c) {
				add(c.PrivateIPAddress, c.ASGs)
			}
		}
	}
	for _, pe := range n.PrivateEndpoints {
		if !slices.ContainsFunc(pe.ASGs, func(g topology.Ref) bool { return g.ID() == asg }) {
			continue
		}
		for _, a := range pe.Addresses {
			members.Add(a)
			others.Remove(a)
			all.Add(a)
		}
	}
	in = build(&members)
	disputed = intersect(in, build(&others))
	return subtract(in, disputed), build(&all), disputed
}

// visible reports whether an IP configuration lies in the virtual network or
// one peered with it.
func visible(n *topology.Network, v *topology.VirtualNetwork, c *topology.IPConfiguration) bool {
	if v == nil {
		return true
	}
	home := c.Subnet.ID().Parent()
	if home == v.ID() {
		return true
	}
	for _, p := range v.Peerings {
		if p.RemoteVirtualNetwork.ID() == home {
			return true
		}
	}
	return false
}
