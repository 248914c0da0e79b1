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
	return remote.AddressSpace, true
}

// Gateways is what gateways bring to a virtual network: its own, or a peer's
// through useRemoteGateways.
type Gateways struct {
	Present        bool // a gateway is reachable
	InEstate       bool // and it is in the data
	Name           string
	Prefixes       []netip.Prefix // known: static, learned, point-to-site pools
	LearnedUnknown *flow.Fact     // more private prefixes may be learned (value 1)
	LearnedPublic  *flow.Fact     // more public ones too: the assumption LEARNED_ROUTES_PRIVATE
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
		switch {
		case remote == nil:
			g.Present = true
			g.merge(unknownGateway(p.RemoteVirtualNetwork.ID().Name(), flow.GatewayNotInEstate,
				"the gateways of the peered virtual network "+p.RemoteVirtualNetwork.ID().Name()+" are not in the data"))
		case back != nil && back.AllowGatewayTransit == topology.On:
			g.merge(x.ownGateways(remote))
		}
	}
	return g
}

func (g *Gateways) merge(o Gateways) {
	g.Present = g.Present || o.Present
	g.InEstate = g.InEstate || o.InEstate
	if g.Name == "" {
		g.Name = o.Name
	}
	g.Prefixes = append(g.Prefixes, o.Prefixes...)
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
		static, whole := x.staticPrefixes(gw)
		o.Prefixes = append(o.Prefixes, static...)
		if !gw.LearnedGiven && !whole {
			u := unknownGateway(gw.Name, flow.LearnedRoutesMissing, "the routes that gateway "+gw.Name+" learns are not in the data")
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
		u := unknownGateway(v.Name, flow.GatewayNotInEstate, "whether GatewaySubnet of "+v.Name+" holds a gateway is not in the data")
		g.LearnedUnknown, g.LearnedPublic = u.LearnedUnknown, u.LearnedPublic
	}
	if f, cut := x.Missing("Microsoft.Network/virtualNetworkGateways", string(v.ID())); cut && g.LearnedUnknown == nil {
		u := unknownGateway(v.Name, f.Code, f.Text)
		g.LearnedUnknown, g.LearnedPublic = u.LearnedUnknown, u.LearnedPublic
	}
	return g
}

func unknownGateway(name string, code flow.Code, text string) Gateways {
	return Gateways{
		Name: name,
		LearnedUnknown: &flow.Fact{Code: code, About: name, Text: text,
			Export: "az network nic show-effective-route-table -n <nic> -g <group> -o json"},
		LearnedPublic: &flow.Fact{Assumption: flow.LearnedRoutesPrivate, About: name,
			Text: "no public prefix is learned from " + name + ", whose routes are not in the data"},
	}
}

// staticPrefixes returns the prefixes of the local network gateways that the
// gateway is connected to; whole says that nothing else can be learned: all
// its connections are in the data, and none uses BGP (bad-inputs 135).
func (x *Names) staticPrefixes(gw *topology.VirtualNetworkGateway) (list []netip.Prefix, whole bool) {
	whole = x.Cut("Microsoft.Network/connections") == nil && !strings.EqualFold(gw.GatewayType, "ExpressRoute")
	found := false
	for _, c := range x.net.GatewayConnections {
		if c.VirtualNetworkGateway.ID() != gw.ID() {
			continue
		}
		found = true
		lng, ok := topology.Lookup[*topology.LocalNetworkGateway](x.net, c.LocalNetworkGateway)
		if !ok || c.EnableBGP != topology.Off || strings.EqualFold(c.Type, "ExpressRoute") {
			whole = false
		}
		if ok {
			list = append(list, lng.Prefixes...)
		}
	}
	return list, whole && found
}
