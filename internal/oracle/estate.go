package oracle

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// vnet is a virtual network with everything that says it belongs there.
type vnet struct {
	v         *topology.VirtualNetwork
	space     []netip.Prefix // its own; of a stub only what its subnets show
	subnets   []*subnet
	peers     []*peer
	gateways  []*gateway // its own
	reachable []reachableGateway
	owners    map[netip.Addr][]*endpoint
	private   map[netip.Addr]*privateEndpoint
	frontends map[netip.Addr]*frontend
	firewalls map[netip.Addr]*firewall
}

func (v *vnet) id() topology.ID { return v.v.ID() }

func (v *vnet) holds(a netip.Addr) bool { return contains(v.space, a) }

// hides reports whether an address may be in a virtual network that is a
// stub: its address space and other peerings are not known.
func (v *vnet) hides(w *world, a netip.Addr) bool {
	if !v.v.Stub || v.holds(a) || a == hostAddress || a == metadataAddress {
		return false
	}
	if public(a) && w.holds(flow.VNetSpacePrivate, string(v.id())) {
		return false
	}
	return w.maybe(flow.AddressSpaceUnknown, "VirtualNetwork of "+string(v.id())+" holds "+a.String())
}

// subnetOf is the subnet that holds an address, nil where none does.
func (v *vnet) subnetOf(a netip.Addr) *subnet {
	for _, s := range v.subnets {
		if contains(s.s.Prefixes, a) {
			return s
		}
	}
	return nil
}

// subnet is a subnet with what is attached to it.
type subnet struct {
	s     *topology.Subnet
	v     *vnet
	group attachment[*nsg]
	table attachment[*table]
	scope *scope

	exempt bool // from admin rules
}

// attachment is a reference of a subnet or interface, and the resources that
// claim to be attached although it says otherwise (bad-inputs 118).
type attachment[T any] struct {
	about   topology.ID // the subnet or interface
	ref     topology.Ref
	target  T
	found   bool // the target is in the data, with its content
	claims  []T
	claimed []topology.ID
}

// endpoint is where packets start and end: an address in a subnet, and the
// interface that owns it.
type endpoint struct {
	nic    *topology.NetworkInterface // nil: no interface is known at the address
	cfg    *topology.IPConfiguration
	addr   netip.Addr
	subnet *subnet     // nil: not in the data
	vnetID topology.ID // of the subnet's virtual network, "" where not known
	vm     *topology.VirtualMachine
	group  attachment[*nsg] // of the interface
	scope  *scope
}

// peer is the local side of a peering.
type peer struct {
	p      *topology.Peering
	local  *vnet
	remote *vnet             // nil: not in the data
	back   *topology.Peering // the remote side, nil where there is none in the data
	space  []netip.Prefix
	vague  bool // space is not known
}

// privateEndpoint is one address of a private endpoint.
type privateEndpoint struct {
	pe     *topology.PrivateEndpoint // nil: only its interface is in the data
	addr   netip.Addr
	subnet *subnet // nil: not in the data
	vnetID topology.ID
	asgs   []topology.ID
}

// build indexes the estate by plain loops.
func (o *Oracle) build() {
	n := o.n
	o.groups = map[topology.ID]*nsg{}
	for _, g := range n.NetworkSecurityGroups {
		o.groups[g.ID()] = newNSG(g)
	}
	o.tables = map[topology.ID]*table{}
	for _, t := range n.RouteTables {
		o.tables[t.ID()] = newTable(t)
	}
	for _, v := range n.VirtualNetworks {
		o.addVNet(v)
	}
	for _, v := range o.vnets {
		for _, p := range v.v.Peerings {
			v.peers = append(v.peers, o.newPeer(v, p))
		}
	}
	o.addGateways()
	o.addMachines()
	o.addPrivateEndpoints()
	o.addInterfaces()
	o.addAdminRules()
	o.addFirewalls()
	o.addLoadBalancers()
	o.addPublicIPs()
	o.addBoundaries()
}

func (o *Oracle) addVNet(v *topology.VirtualNetwork) {
	x := &vnet{
		v:         v,
		space:     v.AddressSpace,
		owners:    map[netip.Addr][]*endpoint{},
		private:   map[netip.Addr]*privateEndpoint{},
		frontends: map[netip.Addr]*frontend{},
		firewalls: map[netip.Addr]*firewall{},
	}
	o.vnets = append(o.vnets, x)
	o.vnetByID[v.ID()] = x
	for _, s := range v.Subnets {
		y := &subnet{s: s, v: x}
		y.group = o.attachGroup(s.ID(), s.NetworkSecurityGroup, func(g *topology.NetworkSecurityGroup) []topology.Ref { return g.Subnets })
		y.table = o.attachTable(s.ID(), s.RouteTable)
		y.scope = &scope{subnet: y}
		x.subnets = append(x.subnets, y)
		o.subnetByID[s.ID()] = y
	}
	for _, s := range x.subnets {
		s.exempt = exempt(s)
		if v.Stub {
			x.space = append(slices.Clone(x.space), s.s.Prefixes...)
		}
	}
}

func (o *Oracle) attachGroup(about topology.ID, ref topology.Ref, list func(*topology.NetworkSecurityGroup) []topology.Ref) attachment[*nsg] {
	a := attachment[*nsg]{about: about, ref: ref}
	if !ref.IsZero() {
		if g := o.groups[ref.ID()]; g != nil && g.g.RulesGiven {
			a.target, a.found = g, true
		}
	}
	for _, g := range o.n.NetworkSecurityGroups {
		if refersTo(list(g), about) && g.ID() != ref.ID() {
			var claim *nsg
			if g.RulesGiven {
				claim = o.groups[g.ID()]
			}
			a.claims = append(a.claims, claim)
			a.claimed = append(a.claimed, g.ID())
		}
	}
	return a
}

func (o *Oracle) attachTable(about topology.ID, ref topology.Ref) attachment[*table] {
	a := attachment[*table]{about: about, ref: ref}
	if !ref.IsZero() {
		if t := o.tables[ref.ID()]; t != nil && t.t.RoutesGiven {
			a.target, a.found = t, true
		}
	}
	for _, t := range o.n.RouteTables {
		if refersTo(t.Subnets, about) && t.ID() != ref.ID() {
			var claim *table
			if t.RoutesGiven {
				claim = o.tables[t.ID()]
			}
			a.claims = append(a.claims, claim)
			a.claimed = append(a.claimed, t.ID())
		}
	}
	return a
}

func refersTo(list []topology.Ref, id topology.ID) bool {
	for _, r := range list {
		if r.ID() == id {
			return true
		}
	}
	return false
}

// newPeer reads one side of a peering. Its routes and its part of the tag
// come from the remote address space it records; where it records none, from
// the remote virtual network, and for a subnet peering from the peered
// subnets alone (spec 6.6).
func (o *Oracle) newPeer(v *vnet, p *topology.Peering) *peer {
	x := &peer{p: p, local: v, remote: o.vnetByID[p.RemoteVirtualNetwork.ID()]}
	if x.remote != nil {
		for _, q := range x.remote.v.Peerings {
			if q.RemoteVirtualNetwork.ID() == v.id() {
				x.back = q
			}
		}
	}
	switch {
	case p.RemoteAddressSpaceGiven:
		x.space = p.RemoteAddressSpace
	case x.remote == nil:
		x.vague = true
	case p.PeerCompleteVnets.Or(true):
		x.space = x.remote.space
		x.vague = x.remote.v.Stub
	default:
		x.vague = len(p.RemoteSubnetNames) == 0
		for _, name := range p.RemoteSubnetNames {
			i := slices.IndexFunc(x.remote.subnets, func(s *subnet) bool { return strings.EqualFold(s.s.Name, name) })
			if i < 0 || x.remote.subnets[i].s.AddressPrefixUnknown {
				x.vague = true
				continue
			}
			x.space = append(x.space, x.remote.subnets[i].s.Prefixes...)
		}
	}
	return x
}

func (o *Oracle) addMachines() {
	for _, m := range o.n.VirtualMachines {
		for _, r := range m.NetworkInterfaces {
			o.machineOf[r.ID()] = m
		}
	}
	for _, nic := range o.n.NetworkInterfaces {
		if o.machineOf[nic.ID()] != nil {
			continue
		}
		if m, ok := topology.Lookup[*topology.VirtualMachine](o.n, nic.VirtualMachine); ok {
			o.machineOf[nic.ID()] = m
		}
	}
}

func (o *Oracle) addPrivateEndpoints() {
	for _, pe := range o.n.PrivateEndpoints {
		for _, a := range pe.Addresses {
			o.addPrivateEndpoint(pe, a, pe.Subnet, pe.ASGs)
		}
	}
	for _, nic := range o.n.NetworkInterfaces {
		pe, ok := o.privateEndpointOf(nic)
		if !ok {
			continue
		}
		for _, c := range nic.IPConfigurations {
			asgs := c.ASGs
			if pe != nil {
				asgs = append(slices.Clone(asgs), pe.ASGs...)
			}
			o.addPrivateEndpoint(pe, c.PrivateIPAddress, c.Subnet, asgs)
		}
	}
}

// privateEndpointOf is the private endpoint an interface belongs to; ok and
// nil where it is not in the data.
func (o *Oracle) privateEndpointOf(nic *topology.NetworkInterface) (pe *topology.PrivateEndpoint, ok bool) {
	for _, pe := range o.n.PrivateEndpoints {
		if refersTo(pe.NetworkInterfaces, nic.ID()) || nic.PrivateEndpoint.ID() == pe.ID() {
			return pe, true
		}
	}
	return nil, !nic.PrivateEndpoint.IsZero()
}

func (o *Oracle) addPrivateEndpoint(pe *topology.PrivateEndpoint, a netip.Addr, subnet topology.Ref, asgs []topology.Ref) {
	x := &privateEndpoint{pe: pe, addr: a, subnet: o.subnetByID[subnet.ID()], vnetID: subnet.ID().Parent(), asgs: idsOf(asgs)}
	if !a.IsValid() {
		return
	}
	known := o.strayPrivate[x.vnetID]
	if v := o.vnetByID[x.vnetID]; v != nil {
		known = v.private
	} else if known == nil {
		known = map[netip.Addr]*privateEndpoint{}
		o.strayPrivate[x.vnetID] = known
	}
	if old := known[a]; old != nil {
		old.asgs = append(old.asgs, x.asgs...)
		return
	}
	known[a] = x
}

func idsOf(refs []topology.Ref) []topology.ID {
	var ids []topology.ID
	for _, r := range refs {
		ids = append(ids, r.ID())
	}
	return ids
}

func (o *Oracle) addInterfaces() {
	for _, nic := range o.n.NetworkInterfaces {
		if _, isPrivateEndpoint := o.privateEndpointOf(nic); isPrivateEndpoint {
			continue
		}
		group := o.attachGroup(nic.ID(), nic.NetworkSecurityGroup, func(g *topology.NetworkSecurityGroup) []topology.Ref { return g.Interfaces })
		for _, c := range nic.IPConfigurations {
			e := &endpoint{
				nic: nic, cfg: c, addr: c.PrivateIPAddress, group: group, vm: o.machineOf[nic.ID()],
				subnet: o.subnetByID[c.Subnet.ID()], vnetID: c.Subnet.ID().Parent(),
			}
			e.scope = &scope{about: string(nic.ID()), local: e.addr}
			if e.subnet != nil {
				e.scope = e.subnet.scope
			}
			o.endpoints = append(o.endpoints, e)
			if c.ResourceID != "" {
				o.endpointByID[c.ID()] = e
			}
			o.endpointOf[c] = e
			if !e.addr.IsValid() {
				continue
			}
			if v := o.vnetByID[e.vnetID]; v != nil {
				v.owners[e.addr] = append(v.owners[e.addr], e)
			} else {
				o.strays = append(o.strays, e)
			}
		}
	}
}

// ownerIn is the interface that owns an address in a virtual network, nil
// where none does. Which of several counts is not known (bad-inputs 133).
func ownerIn(w *world, v *vnet, a netip.Addr) *endpoint {
	owners := v.owners[a]
	if len(owners) == 0 {
		return nil
	}
	return owners[w.pick(flow.AddressOwnedTwice, "owner of "+a.String()+" in "+string(v.id()), len(owners))]
}

// strayAt is the interface that owns an address in a virtual network which is
// not in the data, nil where none does.
func (o *Oracle) strayAt(w *world, a netip.Addr) *endpoint {
	var owners []*endpoint
	for _, e := range o.strays {
		if e.addr == a {
			owners = append(owners, e)
		}
	}
	if len(owners) == 0 {
		return nil
	}
	return owners[w.pick(flow.AddressOwnedTwice, "stray owner of "+a.String(), len(owners))]
}

// unowned is an address of a subnet that no interface is known to own.
func (s *subnet) unowned(a netip.Addr) *endpoint {
	return &endpoint{addr: a, subnet: s, vnetID: s.v.id(), scope: s.scope}
}

// addBoundaries notes every address at which anything in the estate changes.
func (o *Oracle) addBoundaries() {
	o.collectBoundaries(notPublic)
	o.collectBoundaries([]netip.Prefix{publicIPv6, netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"), single(hostAddress), single(metadataAddress)})
	o.collectBoundaries(o.options.VirtualNetwork)
	side := func(m topology.Match) {
		for _, a := range m.Prefixes {
			o.collectBoundaries([]netip.Prefix{a.Prefix})
		}
	}
	for _, g := range o.n.NetworkSecurityGroups {
		for _, r := range append(slices.Clone(g.SecurityRules), g.DefaultRules...) {
			side(r.Source)
			side(r.Destination)
		}
	}
	for _, r := range o.n.AdminRules {
		side(r.Source)
		side(r.Destination)
	}
	for _, v := range o.vnets {
		o.collectBoundaries(v.space)
		for _, s := range v.subnets {
			o.collectBoundaries(s.s.Prefixes)
		}
		for _, p := range v.peers {
			o.collectBoundaries(p.space)
		}
		for _, g := range v.gateways {
			o.collectBoundaries(g.prefixes)
		}
		for a := range v.private {
			o.collectBoundaries([]netip.Prefix{single(a)})
		}
		for a := range v.frontends {
			o.collectBoundaries([]netip.Prefix{single(a)})
		}
	}
	for _, t := range o.n.RouteTables {
		for _, r := range t.Routes {
			o.collectBoundaries([]netip.Prefix{r.Destination.Prefix})
		}
	}
	for _, e := range o.endpoints {
		if e.addr.IsValid() {
			o.collectBoundaries([]netip.Prefix{single(e.addr)})
		}
	}
	for a := range o.publicAt {
		o.collectBoundaries([]netip.Prefix{single(a)})
	}
	for _, f := range o.firewalls {
		for _, c := range f.collections {
			for _, r := range c.Rules {
				for _, a := range append(slices.Clone(r.Sources), r.Destinations...) {
					o.collectBoundaries([]netip.Prefix{a.Prefix})
				}
			}
		}
	}
	for _, g := range o.n.IPGroups {
		o.collectBoundaries(g.Prefixes)
	}
	if o.n.ServiceTags != nil {
		for _, t := range o.n.ServiceTags.Tags {
			o.collectBoundaries(t.Prefixes.Slice())
		}
	}
	o.sortBoundaries()
}
