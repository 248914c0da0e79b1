package oracle

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// publicIP is a public address of the estate and what stands behind it.
type publicIP struct {
	p         *topology.PublicIPAddress // nil: a design gives the address alone
	endpoints []*endpoint
	frontends []*frontend
	firewalls []*firewall
	nat       bool
	gateway   bool
}

func (o *Oracle) addPublicIPs() {
	for _, p := range o.n.PublicIPAddresses {
		x := &publicIP{p: p}
		o.publicByID[p.ID()] = x
		if p.IPAddress.IsValid() {
			o.publicAt[p.IPAddress] = x
		}
	}
	at := func(r topology.Ref, a netip.Addr) *publicIP {
		if x := o.publicByID[r.ID()]; x != nil && !r.IsZero() {
			return x
		}
		if !a.IsValid() {
			return &publicIP{} // a reference that dangles: nobody can ask for its address
		}
		if o.publicAt[a] == nil {
			o.publicAt[a] = &publicIP{}
		}
		return o.publicAt[a]
	}
	var none netip.Addr
	for _, e := range o.endpoints {
		x := at(e.cfg.PublicIPAddress, none)
		x.endpoints = append(x.endpoints, e)
	}
	for _, b := range o.balancers {
		for _, f := range b.frontends {
			x := at(f.f.PublicIPAddress, f.f.PublicAddress)
			x.frontends = append(x.frontends, f)
		}
	}
	for _, f := range o.firewalls {
		for _, r := range f.f.PublicIPs {
			x := at(r, none)
			x.firewalls = append(x.firewalls, f)
		}
	}
	for _, g := range o.n.NATGateways {
		for _, r := range g.PublicIPs {
			at(r, none).nat = true
		}
		for _, a := range g.Addresses {
			at(topology.Ref{}, a).nat = true
		}
	}
	for _, g := range o.n.VirtualNetworkGateways {
		for _, r := range g.PublicIPs {
			at(r, none).gateway = true
		}
	}
}

// addressOf is the address of a public IP, invalid where it is not known.
func (o *Oracle) addressOf(r topology.Ref) netip.Addr {
	if x := o.publicByID[r.ID()]; x != nil && x.p != nil {
		return x.p.IPAddress
	}
	return netip.Addr{}
}

// skuOf is the SKU of a frontend's public IP. Where it is not in the data it is
// like the load balancer's: Azure takes no other (PIP).
func (o *Oracle) skuOf(f *frontend) string {
	if x := o.publicByID[f.f.PublicIPAddress.ID()]; x != nil && !f.f.PublicIPAddress.IsZero() && x.p.SKU != "" {
		return x.p.SKU
	}
	if f.balancer.b.SKU == "" {
		return "Basic" // the documented default
	}
	return f.balancer.b.SKU
}

// enter takes a packet with a public source to a public IP of the estate: the
// address is translated before any NSG sees the packet (NSG).
func (o *Oracle) enter(w *world, x *publicIP, p packet, t trip) outcome {
	if x.p != nil && !o.asWritten(w, &x.p.Element, false) {
		return o.open(w, flow.DanglingReference, "public IP "+string(x.p.ID())+" passes "+p.key())
	}
	t.public = true
	t.visited = nil // from another source now: to come by a station again is no loop
	switch {
	case len(x.endpoints) > 0:
		e := x.endpoints[w.pick(flow.AddressOwnedTwice, "owner of "+p.dst.ip.String(), len(x.endpoints))]
		t.entrance = &entrance{x.p.SKU}
		return o.arrive(w, e, p.to(e.addr, p.dport), t).outcome
	case len(x.frontends) > 0:
		f := x.frontends[w.pick(flow.AddressOwnedTwice, "owner of "+p.dst.ip.String(), len(x.frontends))]
		t.entrance = &entrance{o.skuOf(f)}
		return o.balance(w, f, p, false, func(b backend) outcome {
			return o.arrive(w, b.end, p.to(b.addr, b.port), t).outcome
		})
	case len(x.firewalls) > 0:
		return o.enterFirewall(w, x.firewalls[0], p, t)
	case x.gateway:
		return o.open(w, flow.GatewayNotInEstate, "gateway answers "+p.key())
	case !x.nat && x.p != nil && !x.p.IPConfiguration.IsZero(): // what it belongs to is not in the data
		return o.open(w, flow.DanglingReference, "owner of "+string(x.p.ID())+" accepts "+p.key())
	}
	return drop(flow.NoPublicEntry)
}

// enterTo takes a packet from the Internet to an address inside the estate: it
// needs an instance public IP, a load balancer rule or a firewall's
// translation to get there (verdicts 19).
func (o *Oracle) enterTo(w *world, e *endpoint, p packet, t trip) outcome {
	t.public = true
	var ways []func() outcome
	way := func(sku string) func() outcome {
		return func() outcome {
			t := t
			t.entrance = &entrance{sku}
			return o.arrive(w, e, p, t).outcome
		}
	}
	if e.cfg != nil {
		if r := e.cfg.PublicIPAddress; !r.IsZero() {
			sku := ""
			if x := o.publicByID[r.ID()]; x != nil {
				sku = x.p.SKU
			}
			ways = append(ways, way(sku))
		} else if e.cfg.PublicIPUnknown && w.maybe(flow.UnresolvedExpression, "public IP of "+e.key()) {
			ways = append(ways, way(""))
		}
		for _, r := range e.cfg.BackendPools {
			if o.pools[r.ID()] == nil && w.maybe(flow.DanglingReference, "pool "+string(r.ID())+" is public and forwards "+p.key()) {
				ways = append(ways, way(""))
			}
		}
		for _, b := range o.balancers {
			if p.protocol.HasPorts() && b.ranges() && b.before(e) && w.maybe(flow.LoadBalancerBackend, "a range of ports of "+string(b.b.ID())+" leads to "+p.key()) {
				ways = append(ways, way(cmp.Or(b.b.SKU, "Basic")))
			}
			for _, f := range b.frontends {
				if f.public && o.leadsTo(f, e, &p) {
					ways = append(ways, way(o.skuOf(f)))
				}
			}
		}
	}
	for _, f := range o.firewalls {
		if m := o.translatesTo(w, f, &p); m != nil {
			ways = append(ways, func() outcome {
				if !o.firewallAsWritten(w, f) {
					return o.open(w, flow.FirewallContentUnknown, "rules of "+f.key()+" let in "+p.key())
				}
				return o.translated(w, f, m, p, t)
			})
		}
	}
	if len(ways) > 0 {
		return ways[w.pick(flow.LoadBalancerBackend, "way in to "+e.key(), len(ways))]()
	}
	switch {
	case o.cut("loadbalancers") && w.maybe(flow.ListCutCode, "another load balancer leads to "+p.key()):
		return way("")()
	case e.nic == nil && (!w.holds(flow.NoNICAtDestination, e.key()) || o.cut("networkinterfaces") && w.maybe(flow.ListCutCode, "another interface at "+e.key())):
		return way("")()
	}
	return drop(flow.NoPublicEntry)
}

// before reports whether the load balancer names an endpoint in any way.
func (b *balancer) before(e *endpoint) bool {
	return slices.ContainsFunc(b.pools, func(q *pool) bool { return slices.Contains(q.members, e) || slices.Contains(q.byAddr, e) }) ||
		slices.ContainsFunc(b.b.NATRules, func(r *topology.InboundNATRule) bool {
			return !r.BackendIPConfiguration.IsZero() && r.BackendIPConfiguration.ID() == e.cfg.ID() || refersTo(e.cfg.InboundNATRules, r.ID())
		})
}

// leadsTo reports whether a frontend has a rule that delivers a packet to an
// endpoint, as it arrives there.
func (o *Oracle) leadsTo(f *frontend, e *endpoint, p *packet) bool {
	try := func(port int) bool {
		q := *p
		q.dport = uint16(port)
		list, _, _ := o.backends(f, &q, false)
		for _, b := range list {
			if b.end == e && b.port == p.dport {
				return true
			}
		}
		return false
	}
	for _, r := range f.balancer.b.Rules {
		if r.FrontendPort == 0 && try(int(p.dport)) || r.FrontendPort != 0 && try(r.FrontendPort) {
			return true
		}
	}
	for _, r := range f.balancer.b.NATRules {
		if r.FrontendPort != 0 && try(r.FrontendPort) {
			return true
		}
	}
	return false
}
