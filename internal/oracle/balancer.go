package oracle

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// balancer is a load balancer.
type balancer struct {
	b         *topology.LoadBalancer
	frontends []*frontend
	pools     []*pool
}

// ranges reports whether ports of the load balancer lead to backends that are
// not modelled: inbound NAT rules for ranges of ports, inbound NAT pools.
func (b *balancer) ranges() bool {
	return slices.ContainsFunc(b.b.NATRules, func(r *topology.InboundNATRule) bool { return r.FrontendPort == 0 }) ||
		slices.ContainsFunc(b.b.NotModelled, func(p topology.Property) bool { return strings.HasSuffix(p.Name, "inboundNatPools") })
}

func (b *balancer) standard() bool { return strings.EqualFold(b.b.SKU, "Standard") }

// frontend is a frontend of a load balancer.
type frontend struct {
	f        *topology.Frontend
	balancer *balancer
	public   bool
}

// pool is a backend pool with its members.
type pool struct {
	p        *topology.BackendPool
	balancer *balancer
	members  []*endpoint
	byAddr   []*endpoint // named by address alone: the way out stays as it is (LBO)
	unknown  bool        // it has members that are not in the data
}

func (o *Oracle) addLoadBalancers() {
	for _, b := range o.n.LoadBalancers {
		x := &balancer{b: b}
		o.balancers = append(o.balancers, x)
		for _, f := range b.Frontends {
			y := &frontend{f: f, balancer: x, public: !f.PublicIPAddress.IsZero() || f.PublicAddress.IsValid()}
			x.frontends = append(x.frontends, y)
			if v := o.vnetByID[f.Subnet.ID().Parent()]; v != nil && f.PrivateIPAddress.IsValid() {
				v.frontends[f.PrivateIPAddress] = y
			}
		}
		for _, p := range b.BackendPools {
			y := o.newPool(x, p)
			x.pools = append(x.pools, y)
			o.pools[p.ID()] = y
		}
	}
}

// newPool gathers the members of a pool: those it names and those that name
// it.
func (o *Oracle) newPool(b *balancer, p *topology.BackendPool) *pool {
	x := &pool{p: p, balancer: b}
	for _, r := range p.IPConfigurations {
		if e := o.endpointByID[r.ID()]; e != nil {
			x.members = appendNew(x.members, e)
		} else {
			x.unknown = true
		}
	}
	for _, r := range p.Interfaces {
		found := false
		for _, e := range o.endpoints {
			if e.nic.ID() == r.ID() && primary(e) {
				x.members, found = appendNew(x.members, e), true
			}
		}
		x.unknown = x.unknown || !found
	}
	for _, a := range p.Addresses {
		owned := false
		for _, e := range o.endpoints {
			if e.addr == a {
				x.byAddr, owned = appendNew(x.byAddr, e), true
			}
		}
		x.unknown = x.unknown || !owned
	}
	for _, e := range o.endpoints {
		if refersTo(e.cfg.BackendPools, p.ID()) {
			x.members = appendNew(x.members, e)
		}
	}
	return x
}

// primary reports whether an endpoint is the primary IP configuration of its
// interface: marked so, or the first where none is marked.
func primary(e *endpoint) bool {
	for _, c := range e.nic.IPConfigurations {
		if c.Primary == topology.On {
			return c == e.cfg
		}
	}
	return e.nic.IPConfigurations[0] == e.cfg
}

// backend is where a load balancer sends a packet.
type backend struct {
	end  *endpoint
	addr netip.Addr // what the packet's destination then is
	port uint16
}

// backends are the alternatives a frontend has for a packet: balancing rules
// and inbound NAT rules whose protocol and port match. Forwarded packets keep
// destination and port.
func (o *Oracle) backends(f *frontend, p *packet, forwarded bool) (list []backend, matched, unknown bool) {
	if !p.protocol.HasPorts() {
		return nil, false, false
	}
	for _, r := range f.balancer.b.Rules {
		all := r.Protocol == topology.AnyProtocol && r.FrontendPort == 0 // HA ports
		if r.Frontend.ID() != f.f.ID() || !all && (!carries(r.Protocol, p.protocol) || r.FrontendPort != int(p.dport)) {
			continue
		}
		matched = true
		for _, ref := range r.BackendPools {
			q := o.pools[ref.ID()]
			if q == nil {
				unknown = true
				continue
			}
			unknown = unknown || q.unknown
			for _, e := range slices.Concat(q.members, q.byAddr) {
				b := backend{end: e, addr: e.addr, port: uint16(r.BackendPort)}
				if all {
					b.port = p.dport
				}
				if forwarded {
					b.addr, b.port = p.dst.ip, p.dport
				}
				list = appendNew(list, b)
				if r.EnableFloatingIP.Or(false) && !forwarded { // what the NSG then sees is not documented
					list = appendNew(list, backend{end: e, addr: p.dst.ip, port: p.dport})
				}
			}
		}
	}
	for _, r := range f.balancer.b.NATRules {
		if forwarded || r.FrontendPort == 0 || r.Frontend.ID() != f.f.ID() || !carries(r.Protocol, p.protocol) || r.FrontendPort != int(p.dport) {
			continue
		}
		matched = true
		named := false
		for _, e := range o.endpoints {
			if !r.BackendIPConfiguration.IsZero() && r.BackendIPConfiguration.ID() == e.cfg.ID() || refersTo(e.cfg.InboundNATRules, r.ID()) {
				list, named = appendNew(list, backend{end: e, addr: e.addr, port: uint16(r.BackendPort)}), true
			}
		}
		unknown = unknown || !named && !r.BackendIPConfiguration.IsZero()
	}
	return list, matched, unknown
}

func carries(rule, packet topology.Protocol) bool {
	return rule == topology.AnyProtocol && packet.HasPorts() || rule == packet
}

// balance sends a packet to a backend of a frontend. Which one is not known.
func (o *Oracle) balance(w *world, f *frontend, p packet, forwarded bool, deliver func(backend) outcome) outcome {
	if !o.asWritten(w, &f.balancer.b.Element, false) {
		return o.open(w, flow.DanglingReference, "load balancer "+string(f.balancer.b.ID())+" passes "+p.key())
	}
	list, matched, unknown := o.backends(f, &p, forwarded)
	if !matched && !forwarded && p.protocol.HasPorts() && f.balancer.ranges() && w.maybe(flow.LoadBalancerBackend, "a range of ports of "+string(f.f.ID())+" takes "+p.key()) {
		return o.open(w, flow.LoadBalancerBackend, "what a range of ports of "+string(f.f.ID())+" leads to accepts "+p.key())
	}
	if !matched || len(list) == 0 && !unknown {
		return drop(flow.LoadBalancerNoRule)
	}
	answers := len(list)
	if unknown {
		answers++
	}
	k := w.pick(flow.LoadBalancerBackend, "backend of "+string(f.f.ID())+" for "+p.key(), answers)
	if k == len(list) {
		return o.open(w, flow.DanglingReference, "a backend that is not in the data accepts "+p.key())
	}
	return deliver(list[k])
}

// open is an outcome that the data does not say.
func (o *Oracle) open(w *world, code flow.Code, key string) outcome {
	return outcome{allow: w.passes(code, key), decider: Decider{Code: code}}
}
