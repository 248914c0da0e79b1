package oracle

import (
	"net/netip"
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// leave takes a packet out to the Internet (spec 7). Precedence: NAT gateway,
// instance public IP, load balancer, default outbound access (NAT).
func (o *Oracle) leave(w *world, at *endpoint, h hop, p packet, t trip) outcome {
	if !public(p.dst.ip) { // the Internet has no route to it
		return drop(flow.RouteNone)
	}
	way, code, ok := o.wayOut(w, at, h, &p)
	if !ok {
		return drop(code)
	}
	if p.protocol == topology.TCP && p.dport == 25 && !w.holds(flow.SMTPNotBlocked, at.key()) { // NSG
		return drop(flow.NoEgress)
	}
	if o.cut("publicipaddresses") && !insideInternet(p.dst.tag) && o.publicAt[p.dst.ip] == nil &&
		w.maybe(flow.ListCutCode, "another public IP of the estate is "+p.dst.ip.String()) {
		return o.open(w, flow.ListCutCode, "the owner of "+p.dst.ip.String()+" accepts "+p.key())
	}
	out := t.passed()
	if x := o.publicAt[p.dst.ip]; x != nil { // to the estate itself (verdicts 19)
		source := place{ip: way.address}
		if !way.address.IsValid() {
			source = o.anyInternet(w, p.dst.ip.Is6())
		}
		out = o.enter(w, x, p.from(source), t)
	}
	out.egress = Egress{way.method, way.address}
	return out
}

// wayOut is how a packet leaves.
type wayOut struct {
	method  string
	address netip.Addr // invalid where not known
}

func (o *Oracle) wayOut(w *world, at *endpoint, h hop, p *packet) (way wayOut, code flow.Code, ok bool) {
	s := at.subnet.s
	six := p.dst.ip.Is6()
	noPorts := !p.protocol.HasPorts()
	if !s.NATGateway.IsZero() {
		switch {
		case noPorts: // NAT: TCP and UDP only
			return way, flow.EgressNoICMP, false
		case six && !w.passes(flow.SourcesConflict, "NAT gateway of "+string(s.ID())+" carries IPv6"):
			return way, flow.NoEgress, false
		}
		return o.throughNAT(w, s.NATGateway)
	}
	if at.cfg == nil && at.nic == nil && strings.EqualFold(s.Name, "AzureFirewallSubnet") &&
		(!at.addr.IsValid() || at.subnet.v.firewalls[at.addr] != nil) {
		return o.firewallWayOut(w, at, noPorts)
	}
	if at.cfg != nil {
		if r := at.cfg.PublicIPAddress; !r.IsZero() { // 1:1 NAT, any protocol
			if x := o.publicByID[r.ID()]; x != nil && !o.asWritten(w, &x.p.Element, false) {
				return way, flow.NoEgress, w.passes(flow.DanglingReference, "public IP "+string(r.ID())+" carries traffic")
			}
			return wayOut{"PublicIP", o.addressOf(r)}, "", true
		}
		if at.cfg.PublicIPUnknown && w.maybe(flow.UnresolvedExpression, "public IP of "+at.key()) {
			return wayOut{method: "PublicIP"}, "", true
		}
		way, settled, ok := o.throughBalancer(w, at, p)
		switch {
		case settled && ok && noPorts:
			return way, flow.EgressNoICMP, false
		case settled && ok:
			return way, "", true
		case settled:
			return way, flow.NoEgress, o.storageNearby(w, at, h, p)
		}
	}
	if !o.defaultOutbound(w, at) {
		return wayOut{method: "Storage"}, flow.NoEgress, o.storageNearby(w, at, h, p)
	}
	switch {
	case noPorts: // DOA
		return way, flow.EgressNoICMP, false
	case six && !w.passes(flow.SourcesConflict, "default outbound access of "+string(s.ID())+" carries IPv6"):
		return way, flow.NoEgress, false
	}
	return wayOut{method: "Default"}, "", true
}

func (o *Oracle) throughNAT(w *world, r topology.Ref) (way wayOut, code flow.Code, ok bool) {
	way.method = "NatGateway"
	g, found := topology.Lookup[*topology.NATGateway](o.n, r)
	if !found || !o.asWritten(w, &g.Element, false) {
		return way, flow.NoEgress, w.passes(flow.DanglingReference, "NAT gateway "+string(r.ID())+" carries traffic")
	}
	if len(g.Addresses)+len(g.PublicIPs)+len(g.PublicPrefixes) == 0 && !w.passes(flow.NoEgress, "NAT gateway "+string(r.ID())+" has an address") {
		return way, flow.NoEgress, false
	}
	addresses := append([]netip.Addr{}, g.Addresses...)
	for _, p := range g.PublicIPs {
		addresses = append(addresses, o.addressOf(p))
	}
	for range g.PublicPrefixes {
		addresses = append(addresses, netip.Addr{})
	}
	if len(addresses) > 0 {
		way.address = addresses[w.pick(flow.EgressAddressUnknown, "address of "+string(g.ID()), len(addresses))]
	}
	return way, "", true
}

// throughBalancer is the way out by load balancers (LBO). settled is false
// where they leave default outbound access as it is.
func (o *Oracle) throughBalancer(w *world, at *endpoint, p *packet) (way wayOut, settled, ok bool) {
	way.method = "LoadBalancer"
	var member []*pool
	for _, b := range o.balancers {
		for _, q := range b.pools {
			for _, e := range q.members {
				if e == at {
					member = append(member, q)
				}
			}
		}
	}
	for _, r := range at.cfg.BackendPools {
		if o.pools[r.ID()] == nil { // a load balancer that is not in the data: it may give a way out or take it away
			return way, true, w.passes(flow.DanglingReference, "load balancer of "+string(r.ID())+" gives a way out")
		}
	}
	for _, q := range member {
		if !o.asWritten(w, &q.balancer.b.Element, false) {
			return way, true, w.passes(flow.DanglingReference, "load balancer "+string(q.balancer.b.ID())+" gives a way out")
		}
	}
	for _, q := range member { // outbound rules: explicit, for the primary IP configuration
		if !q.balancer.standard() || !primary(at) {
			continue
		}
		for _, r := range q.balancer.b.OutboundRules {
			if r.BackendPool.ID() == q.p.ID() && (carries(r.Protocol, p.protocol) || !p.protocol.HasPorts()) {
				var refs []topology.ID
				for _, f := range r.Frontends {
					refs = append(refs, f.ID())
				}
				way.address = o.frontendAddress(w, q.balancer, refs)
				return way, true, true
			}
		}
	}
	private := at.subnet.s.DefaultOutboundAccess == topology.Off
	for _, q := range member { // balancing rules: implicit
		for _, r := range q.balancer.b.Rules {
			f := o.frontendOf(q.balancer, r.Frontend.ID())
			if f == nil || !f.public || !refersTo(r.BackendPools, q.p.ID()) || r.DisableOutboundSNAT.Or(false) {
				continue
			}
			// Not documented: a rule of another protocol; a private
			// subnet; a secondary IP configuration.
			same := carries(r.Protocol, p.protocol) || !p.protocol.HasPorts()
			if (!same || private || !primary(at)) && !w.maybe(flow.SourcesConflict, "rule "+string(r.ID())+" "+r.Name+" gives "+at.key()+" a way out for "+p.protocol.String()) {
				continue
			}
			way.address = o.frontendAddress(w, q.balancer, []topology.ID{r.Frontend.ID()})
			return way, true, true
		}
	}
	for _, q := range member {
		if q.balancer.standard() { // members of standard load balancers have no default outbound
			return way, true, false
		}
	}
	return way, false, false
}

func (o *Oracle) frontendOf(b *balancer, id topology.ID) *frontend {
	for _, f := range b.frontends {
		if f.f.ID() == id {
			return f
		}
	}
	return nil
}

func (o *Oracle) frontendAddress(w *world, b *balancer, ids []topology.ID) netip.Addr {
	var addresses []netip.Addr
	for _, f := range b.frontends {
		for _, id := range ids {
			switch {
			case f.f.ID() != id:
			case f.f.PublicAddress.IsValid():
				addresses = append(addresses, f.f.PublicAddress)
			default:
				addresses = append(addresses, o.addressOf(f.f.PublicIPAddress))
			}
		}
	}
	if len(addresses) == 0 {
		return netip.Addr{}
	}
	return addresses[w.pick(flow.EgressAddressUnknown, "outbound address of "+string(b.b.ID()), len(addresses))]
}

// defaultOutbound reports whether an endpoint has default outbound access
// (DOA): what the interface says, else never in flexible scale sets, beside a
// standard public IP of the same machine, or in a private subnet.
func (o *Oracle) defaultOutbound(w *world, at *endpoint) bool {
	if at.nic != nil && at.nic.DefaultOutbound != topology.Unset {
		return at.nic.DefaultOutbound == topology.On
	}
	if at.vm != nil && at.vm.Flexible || o.standardBeside(w, at) {
		return false
	}
	if at.nic != nil && at.vm == nil && !at.nic.VirtualMachine.IsZero() &&
		!w.holds(flow.DefaultOutboundAccess, string(at.nic.ID())) { // its machine, not in the data, may take it away
		return false
	}
	s := at.subnet.s
	if s.DefaultOutboundAccess == topology.Unset && s.Design {
		return w.holds(flow.DefaultOutboundAccess, string(s.ID()))
	}
	return s.DefaultOutboundAccess.Or(true)
}

// standardBeside reports whether anything else of the machine has a standard
// public IP.
func (o *Oracle) standardBeside(w *world, at *endpoint) bool {
	if at.nic == nil {
		return false
	}
	for _, e := range o.endpoints {
		same := e.nic == at.nic || e.vm != nil && e.vm == at.vm
		if !same || e.cfg.PublicIPAddress.IsZero() {
			continue
		}
		in := &entrance{}
		if x := o.publicByID[e.cfg.PublicIPAddress.ID()]; x != nil {
			in.sku = x.p.SKU
		}
		if o.standard(w, in, e) {
			return true
		}
	}
	if at.vm == nil {
		return false
	}
	for _, r := range at.vm.NetworkInterfaces {
		if _, found := topology.Lookup[*topology.NetworkInterface](o.n, r); !found &&
			w.maybe(flow.DanglingReference, "interface "+string(r.ID())+" has a standard public IP") {
			return true
		}
	}
	return false
}

// storageNearby is the documented exception of private subnets: Storage of
// the same region is reachable without any explicit way out (DOA). Along a
// user route to Internet the documents disagree (verdicts 24).
func (o *Oracle) storageNearby(w *world, at *endpoint, h hop, p *packet) bool {
	s := at.subnet
	private := s.s.DefaultOutboundAccess == topology.Off ||
		s.s.DefaultOutboundAccess == topology.Unset && s.s.Design && !w.holds(flow.DefaultOutboundAccess, string(s.s.ID()))
	if !private || !p.protocol.HasPorts() {
		return false
	}
	if !o.inServiceTag(w, o.regionalTag("storage", o.locationOf(s)), p.dst) {
		return false
	}
	return h.rank != userRouteRank || w.passes(flow.SourcesConflict, "Storage of the region along a user route to Internet from "+string(s.s.ID()))
}
