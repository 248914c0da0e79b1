package oracle

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// Question is one packet and where it starts.
type Question struct {
	From    *topology.IPConfiguration // nil: the source address says it
	Packet  flow.Tuple                // an unset source is that of From
	Host    string                    // name of the destination, where known (firewall and proxy rules)
	NoProxy bool                      // go direct, whatever the guest's proxy setting is
}

// trip is what a packet has been through.
type trip struct {
	origin    *vnet   // where its source address lives, nil outside
	appliance bool    // an appliance has forwarded it
	out       *rule   // the rule that let it out at the last outbound gates
	last      outcome // the last rule that let it through
	visited   []string
	passedBy  []netip.Addr // addresses of the appliances on the way
	entrance  *entrance    // the public IP it came in by
	public    bool         // it came in from the Internet
	via       netip.Addr   // the firewall it came in by: replies through it are fine
	gateway   bool         // it came in by a gateway
	proxied   bool         // its destination is a proxy on the way
	first     *hop         // the first route it took
}

// passed is the outcome of a packet that was delivered.
func (t trip) passed() outcome {
	out := t.last
	out.allow = true
	if out.decider.Code == "" {
		out.decider.Code = flow.NoNSG
	}
	if t.first != nil {
		out.route = t.first.route()
	}
	return out
}

// let notes the gates that let a packet through.
func (t trip) let(got outcome) trip {
	if got.rule != nil || t.last.decider.Code == "" {
		t.last = got
	}
	return t
}

// Trace answers for the whole way of one packet (spec 1).
func (o *Oracle) Trace(q Question) Answer {
	var refused bool
	a := o.solve(func(w *world) outcome {
		out, ok := o.trace(w, q)
		refused = refused || !ok
		return out
	})
	a.Refused = refused
	return a
}

func (o *Oracle) trace(w *world, q Question) (out outcome, ok bool) {
	t := q.Packet
	from := o.endpointOf[q.From]
	if from != nil && t.Source == (flow.Address{}) {
		t.Source = flow.At(from.addr)
	}
	six := t.Source.Is6() || t.Destination.Is6()
	p := o.packetOf(w, t, six)
	p.host = q.Host
	if !oneFamily(&p) {
		return outcome{}, false
	}
	if from == nil {
		var fromGateway []*gateway
		if from, fromGateway = o.sourceOf(w, p.src.ip); from == nil {
			switch {
			case len(fromGateway) > 0 && o.publicAt[p.dst.ip] == nil:
				return o.traceFromGateway(w, fromGateway, p), true
			case p.src.ip == hostAddress:
				return o.traceFromHost(w, p)
			case public(p.src.ip):
				return o.traceFromInternet(w, p)
			}
			return outcome{}, false // a private source that is nowhere (bad-inputs 140)
		}
	}
	if proxy := o.proxyOf(from); proxy != nil && !q.NoProxy && usesProxy(proxy, &p) && !leftOut(w, from, proxy, &p) {
		return o.traceThroughProxy(w, from, proxy, p), true
	}
	return o.send(w, from, p, trip{}), true
}

// sourceOf finds where a source address is: an interface, else a subnet, else
// behind a gateway.
func (o *Oracle) sourceOf(w *world, a netip.Addr) (*endpoint, []*gateway) {
	var homes []*vnet
	for _, v := range o.vnets {
		if len(v.owners[a]) > 0 {
			homes = append(homes, v)
		}
	}
	if len(homes) > 0 {
		return ownerIn(w, homes[w.pick(flow.AddressOwnedTwice, "virtual network of the source "+a.String(), len(homes))], a), nil
	}
	if e := o.strayAt(w, a); e != nil {
		return e, nil
	}
	for _, v := range o.vnets {
		if s := v.subnetOf(a); s != nil {
			return s.unowned(a), nil
		}
	}
	var behind []*gateway
	for _, g := range o.gateways {
		// A learned default route does not make all of the Internet on-premises.
		if g.home != nil && longest(g.prefixes, a) > 0 {
			behind = append(behind, g)
		}
	}
	return nil, behind
}

func (o *Oracle) traceFromInternet(w *world, p packet) (outcome, bool) {
	if x := o.publicAt[p.dst.ip]; x != nil {
		return o.enter(w, x, p, trip{}), true
	}
	for _, v := range o.vnets {
		if e := ownerIn(w, v, p.dst.ip); e != nil {
			return o.enterTo(w, e, p, trip{}), true
		}
	}
	if e := o.strayAt(w, p.dst.ip); e != nil {
		return o.enterTo(w, e, p, trip{}), true
	}
	for _, v := range o.vnets {
		if v.private[p.dst.ip] != nil { // private addresses of services have no public side
			return drop(flow.NoPublicEntry), true
		}
		if s := v.subnetOf(p.dst.ip); s != nil {
			return o.enterTo(w, s.unowned(p.dst.ip), p, trip{}), true
		}
	}
	return outcome{}, false // neither end is in the estate
}

// traceFromHost is a probe: it comes from the machine's own host, past all
// routes, to the inbound gates (spec 3.4).
func (o *Oracle) traceFromHost(w *world, p packet) (outcome, bool) {
	var homes []*vnet
	for _, v := range o.vnets {
		if len(v.owners[p.dst.ip]) > 0 {
			homes = append(homes, v)
		}
	}
	if len(homes) == 0 {
		return outcome{}, false
	}
	v := homes[w.pick(flow.AddressOwnedTwice, "virtual network of the probed "+p.dst.ip.String(), len(homes))]
	return o.arrive(w, ownerIn(w, v, p.dst.ip), p, trip{}).outcome, true
}

// traceFromGateway takes a packet from behind a gateway into the gateway's
// virtual network: from there it follows the routes of the GatewaySubnet.
func (o *Oracle) traceFromGateway(w *world, behind []*gateway, p packet) outcome {
	g := behind[w.pick(flow.LearnedRoutesMissing, "gateway that "+p.src.ip.String()+" is behind", len(behind))]
	if !w.holds(flow.OnPremisesBeyond, g.key) {
		return drop(flow.GatewayNotInEstate)
	}
	s := &subnet{s: &topology.Subnet{}, v: g.home}
	s.scope = &scope{subnet: s}
	for _, x := range g.home.subnets {
		if strings.EqualFold(x.s.Name, "GatewaySubnet") {
			s = x
		}
	}
	e := &endpoint{subnet: s, vnetID: g.home.id(), scope: s.scope}
	return o.forward(w, e, p, trip{gateway: true})
}

// send takes a packet out of the endpoint it starts at.
func (o *Oracle) send(w *world, from *endpoint, p packet, t trip) outcome {
	if from.nic == nil && !w.holds(flow.NoNICAtDestination, from.key()) { // as for a destination (cli.md)
		return drop(flow.NoSubnetAtDestination)
	}
	if from.nic == nil && o.cut("networkinterfaces") && w.maybe(flow.ListCutCode, "the interface at "+from.key()+" drops "+p.key()) {
		return drop(flow.ListCutCode)
	}
	got := o.gates(w, from, topology.Outbound, &p, nil)
	if !got.allow {
		return got
	}
	t.out = got.rule
	t = t.let(got)
	t.visited = append(slices.Clone(t.visited), from.station()) // a route back to the start is a loop
	t.origin = o.vnetByID[from.vnetID]
	if p.dst.ip == hostAddress || p.dst.ip == metadataAddress { // spec 3.4: outside routing
		return t.passed()
	}
	return o.forward(w, from, p, t)
}

// forward takes a packet from an endpoint's subnet to the next hop.
func (o *Oracle) forward(w *world, at *endpoint, p packet, t trip) outcome {
	if at.subnet == nil {
		return o.open(w, flow.DanglingReference, "routes of the subnet of "+at.key()+" deliver "+p.key())
	}
	if v := o.hiddenPrivateEndpoint(w, at.subnet, p.dst.ip); v {
		return o.open(w, flow.ListCutCode, "another private endpoint accepts "+p.key())
	}
	h := o.routeFor(w, at.subnet, p.dst)
	if t.first == nil {
		t.first = &h
	}
	out := o.take(w, at, h, p, t)
	out.route = t.first.route()
	return out
}

// hiddenPrivateEndpoint reports whether an address that nothing is known to
// own is a private endpoint that a cut list left out: it would have its own
// route and its own gates.
func (o *Oracle) hiddenPrivateEndpoint(w *world, s *subnet, a netip.Addr) bool {
	if !o.cut("privateendpoints") {
		return false
	}
	vs := []*vnet{s.v}
	for _, p := range s.v.peers {
		if p.remote != nil && p.remote.subnetOf(a) != nil && o.linked(w, p) {
			vs = append(vs, p.remote)
		}
	}
	for _, v := range vs {
		if v.subnetOf(a) != nil && v.owners[a] == nil && v.private[a] == nil && v.frontends[a] == nil && v.firewalls[a] == nil {
			return w.maybe(flow.ListCutCode, "another private endpoint at "+a.String())
		}
	}
	return false
}

// take follows one route.
func (o *Oracle) take(w *world, at *endpoint, h hop, p packet, t trip) outcome {
	v := at.subnet.v
	switch h.next {
	case topology.NextHopNone:
		return drop(flow.RouteNone)
	case topology.NextHopVnetLocal:
		return o.deliverLocal(w, v, p, t)
	case topology.NextHopVNetPeering, topology.NextHopGlobalPeering:
		if t.gateway && !t.appliance && !transit(h.peer) && !w.passes(flow.SourcesConflict, "gateway traffic over "+string(h.peer.p.ID())+" without transit") {
			return drop(flow.SourcesConflict) // PEER: both sides must allow a spoke to use the hub's gateway
		}
		return o.cross(w, h.peer, t, func() arrival { return o.deliver(w, h.peer.remote, p, t) })
	case topology.NextHopPrivateEndpoint:
		if h.peer != nil {
			return o.cross(w, h.peer, t, func() arrival { return o.reachPrivateEndpoint(w, h.private, p, t) })
		}
		return o.reachPrivateEndpoint(w, h.private, p, t).outcome
	case topology.NextHopServiceEndpoint: // SE: the service is reached with the private source
		return t.passed()
	case topology.NextHopGateway:
		return o.throughGateway(w, at, h, p, t)
	case topology.NextHopInternet:
		return o.leave(w, at, h, p, t)
	case topology.NextHopVirtualAppliance:
		return o.throughAppliance(w, at, h.ip, p, t)
	}
	return o.unknownHop(w, p, t, flow.DanglingReference, "unknown next hop of "+string(at.subnet.s.ID()))
}

// unknownHop is a next hop that is not known: the packet is dropped there or
// gets through; inside the estate the destination's gates then still count.
func (o *Oracle) unknownHop(w *world, p packet, t trip, code flow.Code, key string) outcome {
	if !w.passes(code, key+" passes "+p.key()) {
		return drop(code)
	}
	if v := o.homeOf(w, p.dst.ip, t.origin); v != nil {
		// Public addresses of a virtual network may be looked for outside it.
		if public(p.dst.ip) && w.maybe(code, key+" sends to the Internet "+p.key()) {
			return t.passed()
		}
		return o.deliver(w, v, p, t).outcome
	}
	if x := o.publicAt[p.dst.ip]; x != nil {
		return o.enter(w, x, p.from(o.anyInternet(w, p.dst.ip.Is6())), t)
	}
	return t.passed()
}

// homeOf is the virtual network that holds an address, the given one first.
func (o *Oracle) homeOf(w *world, a netip.Addr, first *vnet) *vnet {
	if first != nil && first.holds(a) {
		return first
	}
	var homes []*vnet
	for _, v := range o.vnets {
		if v.holds(a) {
			homes = append(homes, v)
		}
	}
	if len(homes) == 0 {
		return nil
	}
	return homes[w.pick(flow.AddressOwnedTwice, "virtual network of "+a.String(), len(homes))]
}

// anyInternet is an address of the Internet that is not known.
func (o *Oracle) anyInternet(w *world, six bool) place {
	return o.locate(w, flow.SomewhereIn(internetTag, six), six)
}

// deliverLocal is the next hop VnetLocal. A user route may send packets there
// that the virtual network does not hold: nothing in it can be their
// destination, and no document says that they cross a peering.
func (o *Oracle) deliverLocal(w *world, v *vnet, p packet, t trip) outcome {
	if v.holds(p.dst.ip) {
		return o.deliver(w, v, p, t).outcome
	}
	for _, q := range v.peers {
		if _, in := o.peerCovers(w, q, p.dst.ip); in && o.linked(w, q) {
			return o.unknownHop(w, p, t, flow.SourcesConflict, "VnetLocal of "+string(v.id()))
		}
	}
	return drop(flow.NoSubnetAtDestination)
}

// deliver brings a packet to its destination inside a virtual network.
func (o *Oracle) deliver(w *world, v *vnet, p packet, t trip) arrival {
	if v == nil {
		return o.deliverBeyond(w, p, t)
	}
	a := p.dst.ip
	switch {
	case v.frontends[a] != nil:
		return arrival{outcome: o.balance(w, v.frontends[a], p, false, func(b backend) outcome {
			return o.arrive(w, b.end, p.to(b.addr, b.port), t).outcome
		})}
	case v.firewalls[a] != nil:
		return arrival{outcome: o.open(w, flow.FirewallContentUnknown, "the firewall itself accepts "+p.key())}
	case v.private[a] != nil && len(v.owners[a]) == 0:
		return o.reachPrivateEndpoint(w, v.private[a], p, t)
	}
	if e := ownerIn(w, v, a); e != nil {
		return o.arrive(w, e, p, t)
	}
	s := v.subnetOf(a)
	if s == nil {
		if v.v.Stub || slices.ContainsFunc(v.subnets, func(s *subnet) bool { return s.s.AddressPrefixUnknown }) {
			return arrival{outcome: o.open(w, flow.UnresolvedExpression, "a subnet without a known prefix accepts "+p.key())}
		}
		return arrival{outcome: drop(flow.NoSubnetAtDestination)}
	}
	if o.cut("loadbalancers") && w.maybe(flow.ListCutCode, "another load balancer at "+a.String()) {
		return arrival{outcome: o.open(w, flow.ListCutCode, "the backend behind "+a.String()+" accepts "+p.key())}
	}
	if !w.holds(flow.NoNICAtDestination, s.unowned(a).key()) { // verdicts 21
		return arrival{outcome: drop(flow.NoSubnetAtDestination)}
	}
	if o.cut("networkinterfaces") && w.maybe(flow.ListCutCode, "the interface at "+a.String()+" drops "+p.key()) {
		return arrival{outcome: drop(flow.ListCutCode)}
	}
	return o.arrive(w, s.unowned(a), p, t)
}

// deliverBeyond is a virtual network that is not in the data: its gates are
// not known, but those of an interface that is still count (bad-inputs 120).
func (o *Oracle) deliverBeyond(w *world, p packet, t trip) arrival {
	e := o.strayAt(w, p.dst.ip)
	if e == nil {
		out := o.open(w, flow.DanglingReference, "a virtual network that is not in the data accepts "+p.key())
		if out.allow {
			out = t.passed()
		}
		return arrival{outcome: out, gateAllows: out.allow, gateRule: anyRule}
	}
	return o.arrive(w, e, p, t)
}

// arrive asks the inbound gates of the endpoint a packet has come to, the
// guest's firewall where it is given, and the way back.
func (o *Oracle) arrive(w *world, e *endpoint, p packet, t trip) arrival {
	if !e.addr.IsValid() {
		p = p.to(o.somewhere(w, e, p.src.ip.Is6()), p.dport)
	}
	got := o.gates(w, e, topology.Inbound, &p, t.entrance)
	if !got.allow {
		return arrival{outcome: got}
	}
	back := arrival{gateAllows: true, gateRule: got.rule}
	t = t.let(got)
	if out, ok := o.hostFirewall(w, e, &p, t.proxied); !ok {
		back.outcome = out
		return back
	}
	if out, ok := o.wayBack(w, e, &p, t); !ok {
		back.outcome = out
		return back
	}
	back.outcome = t.passed()
	return back
}

// somewhere is where this completion puts an interface of which the address is
// not in the data: in its subnet.
func (o *Oracle) somewhere(w *world, e *endpoint, six bool) netip.Addr {
	if e.subnet == nil {
		return netip.Addr{}
	}
	var list []netip.Addr
	for _, a := range o.boundaries {
		if a.Is6() == six && contains(e.subnet.s.Prefixes, a) {
			list = append(list, a)
		}
	}
	if len(list) == 0 {
		return netip.Addr{}
	}
	return list[w.pick(flow.AddressUnknown, "address of "+e.key(), len(list))]
}

// wayBack asks the route of the replies, first hop only (verdicts 20).
// Replies need no rule (NSG).
func (o *Oracle) wayBack(w *world, e *endpoint, p *packet, t trip) (outcome, bool) {
	if e.subnet == nil {
		return outcome{}, true // its gates were unknown already
	}
	if p.src.ip == hostAddress { // spec 6.2: outside routing
		return outcome{}, true
	}
	h := o.routeFor(w, e.subnet, p.src)
	switch {
	case h.next == "" && (t.public || p.protocol == topology.TCP):
		return drop(flow.ReturnNoRoute), w.passes(flow.DanglingReference, "replies to "+p.key()+" get back")
	case t.public && (h.next == topology.NextHopVirtualAppliance || h.next == topology.NextHopGateway):
		if t.via.IsValid() && h.ip == t.via {
			return outcome{}, true
		}
		return drop(flow.ReturnPathAsymmetric), false
	case p.protocol != topology.TCP:
		return outcome{}, true
	case h.next == topology.NextHopNone,
		h.next == topology.NextHopInternet && !public(p.src.ip):
		return drop(flow.ReturnNoRoute), false
	case h.next == topology.NextHopVirtualAppliance && h.ip != p.src.ip && !slices.Contains(t.passedBy, h.ip):
		// An appliance that does not forward drops the replies (spec 6.4).
		owner, found := o.nextHopOwner(e.subnet.v, h.ip)
		switch {
		case !found:
			return drop(flow.NVANotFound), w.passes(flow.NVANotFound, "appliance "+h.ip.String()+" takes replies")
		case owner != nil && owner.nic.EnableIPForwarding == topology.Unset:
			return drop(flow.NVANoForwarding), w.passes(flow.NVANoForwarding, "replies through "+owner.key())
		case owner != nil && owner.nic.EnableIPForwarding == topology.Off:
			return drop(flow.ReturnNoRoute), false
		}
	}
	return outcome{}, true
}

// nextHopOwner finds who owns an appliance's address, in the virtual network
// or one peered with it; nil where it is a firewall, a load balancer or in
// doubt.
func (o *Oracle) nextHopOwner(v *vnet, ip netip.Addr) (*endpoint, bool) {
	in := func(x *vnet) (*endpoint, bool) {
		switch owners := x.owners[ip]; {
		case len(owners) == 1:
			return owners[0], true
		case len(owners) > 1, x.firewalls[ip] != nil, x.frontends[ip] != nil:
			return nil, true
		}
		return nil, false
	}
	if e, ok := in(v); ok {
		return e, true
	}
	for _, q := range v.peers {
		if q.remote == nil {
			continue
		}
		if e, ok := in(q.remote); ok {
			return e, true
		}
	}
	return nil, false
}

// reachPrivateEndpoint delivers to a private endpoint (PE, PENP): only an
// approved connection passes; the NSG of its subnet counts only where the
// subnet's policy says so, source ports then count as *; admin rules do not.
func (o *Oracle) reachPrivateEndpoint(w *world, pe *privateEndpoint, p packet, t trip) arrival {
	if pe.pe != nil && !o.asWritten(w, &pe.pe.Element, false) {
		return arrival{outcome: o.open(w, flow.DanglingReference, "private endpoint "+string(pe.pe.ID())+" passes "+p.key())}
	}
	state := ""
	if pe.pe != nil {
		state = pe.pe.ConnectionState
	}
	got := outcome{allow: true, decider: Decider{Code: flow.NoNSG}}
	switch {
	case pe.subnet == nil:
		got = o.open(w, flow.DanglingReference, "subnet of the private endpoint "+pe.addr.String()+" allows "+p.key())
	case pe.subnet.s.PrivateEndpointPolicy.AppliesNSG():
		q := p
		q.anySport = true
		if gate, present := o.groupGate(w, pe.subnet.group, pe.subnet.scope, topology.Inbound, &q, false); present {
			got = gate
		}
	}
	if !got.allow {
		return arrival{outcome: got}
	}
	back := arrival{gateAllows: true, gateRule: got.rule}
	t = t.let(got)
	switch {
	case state == "" && !w.passes(flow.PrivateEndpointNotApproved, "private endpoint "+pe.addr.String()+" is approved"),
		state != "" && !strings.EqualFold(state, "Approved"):
		back.outcome = drop(flow.PrivateEndpointNotApproved)
	default:
		back.outcome = t.passed()
	}
	return back
}

// throughGateway is the next hop VirtualNetworkGateway (verdicts 4).
func (o *Oracle) throughGateway(w *world, at *endpoint, h hop, p packet, t trip) outcome {
	if h.gateway == nil { // a user route: any VPN gateway the virtual network can use
		var known []*gateway
		for _, g := range at.subnet.v.reachable {
			if (g.peer == nil || o.linked(w, g.peer)) && g.gateway.g != nil && !strings.EqualFold(g.gateway.g.GatewayType, "ExpressRoute") {
				known = append(known, g.gateway)
			}
		}
		if len(known) == 0 {
			return o.unknownHop(w, p, t, flow.GatewayNotInEstate, "gateway of "+string(at.subnet.v.id()))
		}
		h.gateway = known[w.pick(flow.GatewayNotInEstate, "gateway that takes "+p.key(), len(known))]
	}
	g := h.gateway
	switch {
	case g.g == nil:
		return o.unknownHop(w, p, t, flow.GatewayNotInEstate, g.key)
	case !o.asWritten(w, &g.g.Element, false):
		return o.unknownHop(w, p, t, flow.DanglingReference, g.key)
	case public(p.dst.ip):
		return o.unknownHop(w, p, t, flow.ForcedTunnel, g.key)
	}
	if _, in := o.learned(w, g, p.dst.ip); !in {
		return o.unknownHop(w, p, t, flow.LearnedRoutesMissing, g.key)
	}
	if !w.holds(flow.OnPremisesBeyond, g.key) {
		return drop(flow.GatewayNotInEstate)
	}
	for _, v := range g.joined {
		if v.holds(p.dst.ip) {
			return o.deliver(w, v, p, t).outcome
		}
	}
	return t.passed()
}
