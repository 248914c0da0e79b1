package oracle

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// gateway is a virtual network gateway and the prefixes behind it.
type gateway struct {
	g        *topology.VirtualNetworkGateway // nil: it is not in the data
	key      string
	home     *vnet          // where it stands, nil where not known
	prefixes []netip.Prefix // known
	complete bool           // there are no others
	joined   []*vnet        // virtual networks joined to it gateway to gateway
}

// reachableGateway is a gateway whose routes a virtual network has: its own,
// or a peer's where the one side allows transit and the other uses it (PEER).
type reachableGateway struct {
	gateway *gateway
	peer    *peer // nil: its own
}

func (o *Oracle) addGateways() {
	for _, g := range o.n.VirtualNetworkGateways {
		x := o.newGateway(g)
		if x.home != nil {
			x.home.gateways = append(x.home.gateways, x)
		}
		o.gateways = append(o.gateways, x)
	}
	for _, v := range o.vnets {
		// A GatewaySubnet is there for a gateway; where none is in the data it
		// may not have been exported. A design says what it means.
		if len(v.gateways) == 0 && !v.v.Design && slices.ContainsFunc(v.subnets, func(s *subnet) bool { return strings.EqualFold(s.s.Name, "GatewaySubnet") }) {
			v.gateways = append(v.gateways, &gateway{key: "gateway of " + string(v.id()), home: v})
		}
	}
	for _, v := range o.vnets {
		for _, g := range v.gateways {
			v.reachable = append(v.reachable, reachableGateway{g, nil})
		}
		for _, p := range v.peers {
			if !p.p.UseRemoteGateways.Or(false) {
				continue
			}
			switch {
			case p.remote == nil:
				v.reachable = append(v.reachable, reachableGateway{&gateway{key: "gateway behind " + string(p.p.ID())}, p})
			case p.back == nil || !p.back.AllowGatewayTransit.Or(false):
			case len(p.remote.gateways) == 0:
				v.reachable = append(v.reachable, reachableGateway{&gateway{key: "gateway of " + string(p.remote.id()), home: p.remote}, p})
			default:
				for _, g := range p.remote.gateways {
					v.reachable = append(v.reachable, reachableGateway{g, p})
				}
			}
		}
	}
}

// newGateway gathers what is behind a gateway: learned prefixes, local
// network gateways, point-to-site pools, virtual networks joined gateway to
// gateway. Nothing is missing where a design gives the whole list, or where
// connections are in the data that all have BGP off (bad-inputs 135).
func (o *Oracle) newGateway(g *topology.VirtualNetworkGateway) *gateway {
	x := &gateway{g: g, key: string(g.ID()), home: o.vnetByID[g.VirtualNetwork.ID()]}
	x.prefixes = append(append(x.prefixes, g.LearnedPrefixes...), g.ClientPools...)
	static, connections := true, 0
	for _, c := range o.n.GatewayConnections {
		other := c.OtherGateway
		switch g.ID() {
		case c.VirtualNetworkGateway.ID():
		case c.OtherGateway.ID():
			other = c.VirtualNetworkGateway
		default:
			continue
		}
		connections++
		static = static && c.EnableBGP == topology.Off
		if !c.LocalNetworkGateway.IsZero() {
			l, ok := topology.Lookup[*topology.LocalNetworkGateway](o.n, c.LocalNetworkGateway)
			static = static && ok && !l.BGP
			if ok {
				x.prefixes = append(x.prefixes, l.Prefixes...)
			}
		} else {
			far, ok := topology.Lookup[*topology.VirtualNetworkGateway](o.n, other)
			var v *vnet
			if ok {
				v = o.vnetByID[far.VirtualNetwork.ID()]
			}
			static = static && v != nil
			if v != nil {
				x.prefixes = append(x.prefixes, v.space...)
				x.joined = append(x.joined, v)
			}
		}
	}
	cut := o.cut("connections") || o.cut("localnetworkgateways")
	x.complete = g.LearnedGiven ||
		connections > 0 && static && !cut && !strings.EqualFold(g.GatewayType, "ExpressRoute")
	return x
}

// learned reports whether a gateway has a route to an address.
func (o *Oracle) learned(w *world, g *gateway, a netip.Addr) (bits int, in bool) {
	if bits := longest(g.prefixes, a); bits >= 0 {
		return bits, true
	}
	return unknownBits, o.learnedBeyond(w, g, a)
}

// learnedBeyond reports whether a gateway has learned a prefix around an
// address that the data does not have (bad-inputs 135): private ones are not
// known, public ones are assumed not to be.
func (o *Oracle) learnedBeyond(w *world, g *gateway, a netip.Addr) bool {
	if g.complete {
		return false
	}
	if public(a) && w.holds(flow.LearnedRoutesPrivate, g.key) {
		return false
	}
	return w.maybe(flow.LearnedRoutesMissing, g.key+" learned "+a.String())
}
