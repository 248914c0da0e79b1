package scope

import (
	"net/netip"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// Link says whether a peering carries traffic: Up, or, with a Fact, only the
// world knows (value 0: it does).
type Link struct {
	Up     bool
	Fact   *flow.Fact
	Reason string
}

// Link is the state of a virtual network's peering. Both sides must be
// Connected; where the remote network is not in the data the local side's
// word counts (PEER, bad-inputs 120).
func (x *Names) Link(v *topology.VirtualNetwork, p *topology.Peering) Link {
	remote, ok := topology.Lookup[*topology.VirtualNetwork](x.net, p.RemoteVirtualNetwork)
	local := strings.ToLower(p.State)
	if local != "connected" && local != "" {
		return Link{Reason: "peering " + p.Name + " is " + p.State}
	}
	if !ok {
		if local == "" {
			return Link{Fact: peeringState(v, p)}
		}
		return Link{Up: true}
	}
	for _, back := range remote.Peerings {
		if back.RemoteVirtualNetwork.ID() != v.ID() {
			continue
		}
		switch s := strings.ToLower(back.State); {
		case s == "" || local == "":
			if s != "" && s != "connected" {
				return Link{Reason: "peering " + back.Name + " of " + remote.Name + " is " + back.State}
			}
			return Link{Fact: peeringState(v, p)}
		case s == "connected":
			return Link{Up: true}
		default:
			return Link{Reason: "peering " + back.Name + " of " + remote.Name + " is " + back.State}
		}
	}
	if remote.Stub { // its peerings may not be in the data
		return Link{Fact: peeringState(v, p)}
	}
	return Link{Reason: "virtual network " + remote.Name + " has no peering back to " + v.Name}
}

func peeringState(v *topology.VirtualNetwork, p *topology.Peering) *flow.Fact {
	// Both sides of a link are one fact: it is up or it is not.
	a, b := v.ID(), p.RemoteVirtualNetwork.ID()
	if b < a {
		a, b = b, a
	}
	return &flow.Fact{Code: flow.PeeringNotConnected, About: a.Name() + "/" + b.Name(), Detail: string(a) + " " + string(b),
		Text:   "the state of the peering between " + a.Name() + " and " + b.Name() + " is not in the data",
		Export: "az network vnet peering list --vnet-name " + v.Name + " -g <group> -o json"}
}

// Back is the remote side's peering, nil where it is not in the data.
func (x *Names) Back(v *topology.VirtualNetwork, p *topology.Peering) (*topology.VirtualNetwork, *topology.Peering) {
	remote, ok := topology.Lookup[*topology.VirtualNetwork](x.net, p.RemoteVirtualNetwork)
	if !ok {
		return nil, nil
	}
	for _, back := range remote.Peerings {
		if back.RemoteVirtualNetwork.ID() == v.ID() {
			return remote, back
		}
	}
	return remote, nil
}

// RemoteSpace is the address space a peering brings: as the local side
// recorded it, else the remote network's own; false where neither is known.
// A subnet peering (peerCompleteVnets false) has what it recorded only
// (spec 6.6).
func (x *Names) RemoteSpace(p *topology.Peering) (*netipx.IPSet, bool) {
	list, ok := x.RemotePrefixes(p)
	return SetOf(list...), ok
}

// RemotePrefixes is [Names.RemoteSpace] as a list.
func (x *Names) RemotePrefixes(p *topology.Peering) ([]netip.Prefix, bool) {
	if p.RemoteAddressSpaceGiven {
		return p.RemoteAddressSpace, true
	}
	remote, ok := topology.Lookup[*topology.VirtualNetwork](x.net, p.RemoteVirtualNetwork)
	if !ok {
		return nil, false
	}
	if p.PeerCompleteVnets == topology.Off {
		var list []netip.Prefix
		for _, s := range remote.Subnets {
			for _, name := range p.RemoteSubnetNames {
				if strings.EqualFold(name, s.Name) {
					list = append(list, s.Prefixes...)
				}
			}
		}
		return list, len(p.RemoteSubnetNames) > 0
	}
	return remote.KnownSpace(), !remote.Stub
}

// Gateways is what gateways bring to a virtual network: its own, or a peer's
// through useRemoteGateways.
type Gateways struct {
	Present        bool // a gateway is reachable
	InEstate       bool // and it is in the data
	Name           string
	Prefixes       []netip.Prefix // known: static, learned, point-to-site pools, virtual networks joined gateway to gateway
	Joined         []*topology.VirtualNetwork
	Unsure         []flow.Fact // what a peer's gateways rest on: usable where all have the value 0
	LearnedUnknown *flow.Fact  // more private prefixes may be learned (value 1)
	LearnedPublic  *flow.Fact  // more public ones too: the assumption LEARNED_ROUTES_PRIVATE
}

// GatewaysOf is the gateways of a virtual network of the estate.
func (x *Names) GatewaysOf(v *topology.VirtualNetwork) Gateways { return x.gateways[v.ID()] }

func (x *Names) gatewaysOf(v *topology.VirtualNetwork) Gateways {
	g := x.ownGateways(v)
	for _, p := range v.Peerings {
		if p.UseRemoteGateways != topology.On {
			continue
		}
		if link := x.Link(v, p); !link.Up && link.Fact == nil {
			continue
		}
		remote, back := x.Back(v, p)
		var unsure []flow.Fact
		if f := x.Link(v, p).Fact; f != nil {
			unsure = append(unsure, *f)
		}
		unsure = append(unsure, flow.ElementFacts(&p.Element)...)
		if back != nil {
			unsure = append(unsure, flow.ElementFacts(&back.Element)...)
		}
		switch {
		case remote == nil:
			g.Unsure = append(g.Unsure, unsure...)
			g.Present = true
			g.merge(unknownGateway(p.RemoteVirtualNetwork.ID().Name(), p.RemoteVirtualNetwork.ID(), flow.GatewayNotInEstate,
				"the gateways of the peered virtual network "+p.RemoteVirtualNetwork.ID().Name()+" are not in the data"))
		case back != nil && back.AllowGatewayTransit == topology.On:
			o := x.ownGateways(remote)
			g.Unsure = append(g.Unsure, unsure...)
			if !o.Present && o.LearnedUnknown == nil {
				o = unknownGateway(remote.Name, remote.ID(), flow.GatewayNotInEstate, "the gateway of the peered virtual network "+remote.Name+" is not in the data")
			}
			o.Present = true // the flag cannot be set without a gateway
			g.merge(o)
		}
	}
	return g
}

func (g *Gateways) merge(o Gateways) {
	// With several gateways, which one takes a packet is open: all must be in
	// the data for what lies behind to be known.
	none := !g.Present && g.LearnedUnknown == nil
	g.InEstate = o.InEstate && (none || g.InEstate)
	g.Present = g.Present || o.Present
	if g.Name == "" {
		g.Name = o.Name
	}
	g.Prefixes = append(g.Prefixes, o.Prefixes...)
	g.Joined = append(g.Joined, o.Joined...)
	if g.LearnedUnknown == nil {
		g.LearnedUnknown, g.LearnedPublic = o.LearnedUnknown, o.LearnedPublic
	}
}

func (x *Names) ownGateways(v *topology.VirtualNetwork) Gateways {
	var g Gateways
	for _, gw := range x.net.VirtualNetworkGateways {
		if gw.VirtualNetwork.ID() != v.ID() {
			continue
		}
		o := Gateways{Present: true, InEstate: true, Name: gw.Name}
		o.Prefixes = append(o.Prefixes, gw.ClientPools...)
		o.Prefixes = append(o.Prefixes, gw.LearnedPrefixes...)
		whole := x.connected(gw, &o)
		if !gw.LearnedGiven && !whole {
			u := unknownGateway(gw.Name, gw.ID(), flow.LearnedRoutesMissing, "the routes that gateway "+gw.Name+" learns are not in the data")
			o.LearnedUnknown, o.LearnedPublic = u.LearnedUnknown, u.LearnedPublic
		}
		g.merge(o)
	}
	if g.Present {
		return g
	}
	// A gateway lives in a GatewaySubnet; one that is not in the data may exist
	// only there.
	for _, s := range v.Subnets {
		if !strings.EqualFold(s.Name, "GatewaySubnet") || v.Design {
			continue
		}
		u := unknownGateway(v.Name, v.ID(), flow.GatewayNotInEstate, "whether GatewaySubnet of "+v.Name+" holds a gateway is not in the data")
		g.LearnedUnknown, g.LearnedPublic = u.LearnedUnknown, u.LearnedPublic
	}
	if f, cut := x.Missing("Microsoft.Network/virtualNetworkGateways", string(v.ID())); cut && g.LearnedUnknown == nil {
		u := unknownGateway(v.Name, v.ID(), f.Code, f.Text)
		g.LearnedUnknown, g.LearnedPublic = u.LearnedUnknown, u.LearnedPublic
	}
	return g
}

func unknownGateway(name string, id topology.ID, code flow.Code, text string) Gateways {
	return Gateways{
		Name: name,
		LearnedUnknown: &flow.Fact{Code: code, About: name, Detail: string(id) + " ", Text: text,
			Export: "az network nic show-effective-route-table -n <nic> -g <group> -o json"},
		LearnedPublic: &flow.Fact{Assumption: flow.LearnedRoutesPrivate, About: name, Detail: string(id) + " ",
			Text: "no public prefix is learned from " + name + ", whose routes are not in the data"},
	}
}

// connected adds what the gateway is connected to: local network gateways and
// virtual networks. It reports whether nothing else can be learned: all its
// connections are in the data, and none uses BGP (bad-inputs 135).
func (x *Names) connected(gw *topology.VirtualNetworkGateway, o *Gateways) (whole bool) {
	whole = x.Cut("Microsoft.Network/connections") == nil && x.Cut("Microsoft.Network/localNetworkGateways") == nil &&
		!strings.EqualFold(gw.GatewayType, "ExpressRoute")
	found := false
	for _, c := range x.net.GatewayConnections {
		other := c.OtherGateway
		switch gw.ID() {
		case c.VirtualNetworkGateway.ID():
		case c.OtherGateway.ID():
			other = c.VirtualNetworkGateway
		default:
			continue
		}
		found = true
		whole = whole && c.EnableBGP == topology.Off
		if !c.LocalNetworkGateway.IsZero() {
			lng, ok := topology.Lookup[*topology.LocalNetworkGateway](x.net, c.LocalNetworkGateway)
			whole = whole && ok && !lng.BGP
			if ok {
				o.Prefixes = append(o.Prefixes, lng.Prefixes...)
			}
			continue
		}
		far, ok := topology.Lookup[*topology.VirtualNetworkGateway](x.net, other)
		if !ok {
			whole = false
			continue
		}
		v, ok := topology.Lookup[*topology.VirtualNetwork](x.net, far.VirtualNetwork)
		whole = whole && ok
		if ok {
			o.Prefixes = append(o.Prefixes, v.KnownSpace()...)
			o.Joined = append(o.Joined, v)
		}
	}
	return whole && found
}

// Behind are the virtual networks whose own gateway, in the data, has a known
// prefix that holds the address; a default route does not count.
func (x *Names) Behind(a netip.Addr) []*topology.VirtualNetwork {
	var out []*topology.VirtualNetwork
	for _, v := range x.net.VirtualNetworks {
		for _, p := range x.behind[v.ID()] {
			if p.Bits() > 0 && p.Contains(a) {
				out = append(out, v)
				break
			}
		}
	}
	return out
}
