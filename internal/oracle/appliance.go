package oracle

import (
	"net/netip"
	"slices"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// throughAppliance is the next hop VirtualAppliance (spec 6.4). The address
// must be reachable directly: in the virtual network or one peered with it.
func (o *Oracle) throughAppliance(w *world, at *endpoint, ip netip.Addr, p packet, t trip) outcome {
	v := at.subnet.v
	if !ip.IsValid() {
		return o.unknownHop(w, p, t, flow.UnresolvedExpression, "appliance of "+string(at.subnet.s.ID()))
	}
	if hands := o.applianceIn(w, v, ip); hands != nil {
		return hands(p, t).outcome
	}
	if !v.holds(ip) {
		for _, q := range o.remotePeers(w, v) {
			if _, in := o.peerCovers(w, q, ip); !in || q.remote == nil {
				continue
			}
			if hands := o.applianceIn(w, q.remote, ip); hands != nil {
				return o.cross(w, q, t, func() arrival { return hands(p, t) })
			}
		}
	}
	// Its interface or load balancer may not be exported (verdicts 21).
	return o.unknownHop(w, p, t, flow.NVANotFound, "appliance "+ip.String())
}

// applianceIn finds what owns an appliance's address in a virtual network:
// an Azure Firewall, a load balancer, an interface; nil where nothing does.
func (o *Oracle) applianceIn(w *world, v *vnet, ip netip.Addr) func(packet, trip) arrival {
	if f := v.firewalls[ip]; f != nil {
		return func(p packet, t trip) arrival { return o.atFirewall(w, f, p, t) }
	}
	if f := v.frontends[ip]; f != nil {
		return func(p packet, t trip) arrival {
			var got arrival
			got.outcome = o.balance(w, f, p, true, func(b backend) outcome {
				got = o.atAppliance(w, b.end, p, t)
				return got.outcome
			})
			return got
		}
	}
	e := ownerIn(w, v, ip)
	if e == nil {
		return nil
	}
	return func(p packet, t trip) arrival { return o.atAppliance(w, e, p, t) }
}

// atAppliance takes a packet through an appliance: in through its gates, out
// through them, and on by the routes of its own subnet (spec 6.4, verdicts 1).
func (o *Oracle) atAppliance(w *world, e *endpoint, p packet, t trip) arrival {
	if p.dst.ip == e.addr { // the appliance itself is meant
		return o.arrive(w, e, p, t)
	}
	if slices.Contains(t.visited, e.station()) {
		return arrival{outcome: drop(flow.RouteLoop)}
	}
	t.visited = append(slices.Clone(t.visited), e.station())
	t.passedBy = append(slices.Clone(t.passedBy), e.addr)
	got := o.gates(w, e, topology.Inbound, &p, nil)
	if !got.allow {
		return arrival{outcome: got}
	}
	back := arrival{gateAllows: true, gateRule: got.rule}
	t = t.let(got)
	switch {
	case !e.nic.EnableIPForwarding.Or(false):
		back.outcome = drop(flow.NVANoForwarding)
		return back
	case !w.holds(flow.NVAForwardsAndPermits, string(e.nic.ID())):
		back.outcome = drop(flow.NVANoForwarding)
		return back
	}
	t.appliance = true
	if o.outside(p.dst.ip) && w.maybe(flow.NVASourceUnknown, "source behind "+e.key()+" is its own") {
		// To reach public addresses it must translate to its own (UDR).
		p = p.from(place{ip: e.addr})
		t.origin = o.vnetByID[e.vnetID]
	}
	got = o.gates(w, e, topology.Outbound, &p, nil)
	if !got.allow {
		back.outcome = got
		return back
	}
	t.out = got.rule
	t = t.let(got)
	back.outcome = o.forward(w, e, p, t)
	return back
}

// outside reports whether an address is public and in no virtual network of
// the estate.
func (o *Oracle) outside(a netip.Addr) bool {
	return public(a) && !slices.ContainsFunc(o.vnets, func(v *vnet) bool { return v.holds(a) })
}
