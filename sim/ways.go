package sim

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/firewall"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/route"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// toEndpoint follows an InterfaceEndpoint route.
func (k *walk) toEndpoint(p position, t flow.Tuple, r *route.Route) {
	if r.Peering != nil {
		if _, goOn := k.cross(p, t, r.Peering, t.Destination.IP); !goOn {
			return
		}
	}
	k.endpoint(p, t, r.Endpoint)
}

// endpoint asks what stands before a private endpoint: the NSG of its subnet
// only where the subnet's policy says so, and its connection state. Security
// admin rules do not apply to private endpoints (PENP, AVNM).
func (k *walk) endpoint(p position, t flow.Tuple, pe *topology.PrivateEndpoint) {
	s := k.s
	if !k.depends(&pe.Element) {
		return
	}
	sub, ok := topology.Lookup[*topology.Subnet](s.net, pe.Subnet)
	if !ok {
		k.opaque(Hop{Kind: HopPrivateEndpoint, Name: pe.Name}, flow.Fact{Code: flow.DanglingReference, About: pe.Subnet.ID().Name(), Detail: string(pe.ID()),
			Text: "the subnet of private endpoint " + pe.Name + " is not in the data", Export: "az network vnet list -o json"})
		return
	}
	if k.elsewhere(s.net.VirtualNetworkOf(sub), t) {
		return
	}
	if sub.PrivateEndpointPolicy.AppliesNSG() && (!sub.NetworkSecurityGroup.IsZero() || len(s.claims[sub.ID()]) > 0) {
		l := gateAt{place: subnetName(sub), id: sub.ResourceID, ref: sub.NetworkSecurityGroup, element: sub.ID(), endpoint: true}
		if _, goOn := k.level(l, topology.Inbound, t, s.names.At(sub)); !goOn {
			return
		}
	}
	h := Hop{Kind: HopPrivateEndpoint, Name: pe.Name, AppliedTo: subnetName(sub), Verdict: flow.Allow, Code: flow.ReachedPrivateEndpoint, Origin: originOf(pe.Origin)}
	switch {
	case pe.ConnectionState == "":
		f := flow.Fact{Code: flow.PrivateEndpointNotApproved, About: pe.Name, Detail: string(pe.ID()), Text: "the connection state of private endpoint " + pe.Name + " is not in the data",
			Export: "az network private-endpoint show -n " + pe.Name + " -g <group> -o json"}
		if k.w.Otherwise(f) {
			h.Verdict, h.Code = flow.Deny, flow.PrivateEndpointNotApproved
		}
	case !strings.EqualFold(pe.ConnectionState, "Approved"):
		h.Verdict, h.Code, h.Note = flow.Deny, flow.PrivateEndpointNotApproved, "the connection is "+pe.ConnectionState
	}
	k.hop(h)
}

// toGateway hands the packet to a virtual network gateway (verdicts.md 4). r
// is nil for a learned route that is not in the data.
func (k *walk) toGateway(p position, t flow.Tuple, r *route.Route) {
	s := k.s
	g := s.names.GatewaysOf(p.vnet)
	h := Hop{Kind: HopEgress, Name: g.Name, AppliedTo: "gateway of " + p.vnet.Name}
	if slices.ContainsFunc(g.Unsure, func(f flow.Fact) bool { return !k.w.Holds(f) }) {
		g.InEstate = false
	}
	absent := flow.Fact{Code: flow.GatewayNotInEstate, About: p.vnet.Name, Detail: "next hop " + string(p.vnet.ID()),
		Text: "the gateway that a route of " + p.vnet.Name + " leads to is not in the data", Export: "az network vnet-gateway list -g <group> -o json"}
	switch {
	case k.known(t.Destination) == publicAddress:
		f := flow.Fact{Code: flow.ForcedTunnel, About: g.Name, Detail: string(p.vnet.ID()) + t.Destination.Key(),
			Text: "the packet leaves through gateway " + g.Name + "; what lies behind it decides"}
		if !g.InEstate {
			f = absent
		}
		h.Verdict, h.Code = flow.Allow, f.Code
		if k.w.Otherwise(f) {
			h.Verdict = flow.Deny
		}
		if k.hop(h) {
			t.Source = flow.SomewhereIn("Internet", t.Destination.Is6())
			k.home = "" // what lies behind may lead back
			k.fromOutside(t)
		}
	case !g.InEstate:
		k.opaque(h, absent)
	case r == nil || contains(g.Prefixes, t.Destination.IP):
		if !k.onPremises(h, g.Name) {
			return
		}
		for _, v := range g.Joined {
			if contains(v.KnownSpace(), t.Destination.IP) {
				k.deliver(p, t, v)
				return
			}
		}
	default:
		k.opaque(h, flow.Fact{Code: flow.LearnedRoutesMissing, About: g.Name, Detail: "next hop " + string(p.vnet.ID()) + t.Destination.Key(),
			Text: "whether gateway " + g.Name + " has a route to " + t.Destination.String() + " is not in the data"})
	}
}

func (k *walk) onPremises(h Hop, gateway string) bool {
	f := flow.Fact{Assumption: flow.OnPremisesBeyond, About: gateway, Text: "what lies behind gateway " + gateway + " lets the packet through"}
	h.Verdict, h.Code = flow.Allow, flow.Egress
	if !k.w.Holds(f) {
		h.Verdict, h.Code = flow.Deny, flow.UnwaivedAssumption
	}
	return k.hop(h)
}

// toAppliance hands the packet to the appliance of a user-defined route. It
// returns where the packet goes on from.
func (k *walk) toAppliance(p position, t flow.Tuple, r *route.Route) (position, flow.Tuple, bool) {
	s := k.s
	ip := r.NextHopIP
	for _, v := range k.s.neighbours(k.w, p.vnet) {
		owners := s.owners(v, ip)
		lb, frontend := s.frontendAt(v, ip)
		fw := s.firewallAt(v, ip)
		if len(owners) == 0 && lb == nil && fw == nil {
			continue
		}
		if v != p.vnet {
			i := slices.IndexFunc(p.vnet.Peerings, func(x *topology.Peering) bool { return x.RemoteVirtualNetwork.ID() == v.ID() })
			if remote, ok := s.names.RemotePrefixes(p.vnet.Peerings[i]); ok && !contains(remote, ip) {
				continue // a subnet peering that leaves the appliance out
			}
			if _, goOn := k.cross(p, t, p.vnet.Peerings[i], ip); !goOn {
				return p, t, false
			}
		}
		switch {
		case len(owners) > 1:
			k.opaque(Hop{Kind: HopVirtualAppliance, Name: ip.String()}, flow.Fact{Code: flow.AddressOwnedTwice, About: ip.String(), Detail: "next hop " + ownerIDs(owners), Text: "several interfaces own the next hop " + ip.String()})
			return p, t, false
		case t.Destination.IP == ip || !t.Destination.IP.IsValid() && scope.Within(k.w, t.Destination, scope.SetOf(netip.PrefixFrom(ip, ip.BitLen()))):
			k.deliver(p, t, v) // the appliance is the destination
			return p, t, false
		case fw != nil:
			return k.throughFirewall(t, v, fw)
		case lb != nil && len(owners) == 0:
			return k.throughBalancer(p, t, lb, frontend)
		default:
			return k.through(p, t, k.one(owners, ip))
		}
	}
	k.opaque(Hop{Kind: HopVirtualAppliance, Name: ip.String()}, flow.Fact{Code: flow.NVANotFound, About: ip.String(), Detail: string(p.vnet.ID()),
		Text: "no interface, load balancer or firewall in the data owns the next hop " + ip.String(), Export: "az network nic list -o json"})
	return p, t, false
}

// throughBalancer passes an internal load balancer before appliances: which
// backend takes the packet is open.
func (k *walk) throughBalancer(p position, t flow.Tuple, lb *topology.LoadBalancer, f *topology.Frontend) (position, flow.Tuple, bool) {
	backends, _, ok := k.backendsFor(lb, f, t)
	if !ok {
		return p, t, false
	}
	to := backends[k.pick(lb, len(backends), t)]
	k.hop(Hop{Kind: HopVirtualAppliance, Name: lb.Name, AppliedTo: "load balancer " + lb.Name, Verdict: flow.Allow, Code: flow.LoadBalancerBackend,
		Note: "to " + to.Interface.Name, Origin: originOf(lb.Origin)})
	if to.Configuration.PrivateIPAddress == t.Destination.IP {
		k.arrive(p, t, k.s.at(to.Interface, to.Configuration))
		return p, t, false
	}
	return k.through(p, t, to)
}

// passKey identifies the passing of a packet at an interface: the second time
// it goes round.
func passKey(nic *topology.NetworkInterface, t flow.Tuple) string {
	return string(nic.ID()) + "|" + t.Destination.Key()
}

// through passes an appliance: its NSGs apply twice, to the packet as it is,
// and its interface must forward (spec 6.4).
func (k *walk) through(p position, t flow.Tuple, to topology.Owner) (position, flow.Tuple, bool) {
	s := k.s
	next := s.at(to.Interface, to.Configuration)
	next.forwarding = true
	h := Hop{Kind: HopVirtualAppliance, Name: to.Interface.Name, AppliedTo: nicName(to.Interface), Verdict: flow.Allow, Code: flow.RouteFound, Origin: originOf(to.Interface.Origin)}
	if vm := s.vm(to.Interface); vm != nil {
		h.Name = vm.Name
	}
	key := passKey(to.Interface, t)
	if k.seen[key] {
		if !t.Destination.IP.IsValid() && !scope.PublicTag(t.Destination.Tag) {
			k.opaque(h, flow.Fact{Code: flow.UnknownTag, About: t.Destination.Tag, Detail: "at " + string(to.Interface.ID()),
				Text: "whether the destination is the appliance " + h.Name + " itself is not known: the addresses of " + t.Destination.Tag + " are not"})
			return p, t, false
		}
		h.Verdict, h.Code = flow.Deny, flow.RouteLoop
		k.hop(h)
		k.ended = true
		return p, t, false
	}
	k.seen[key] = true
	if _, goOn := k.chain(next, topology.Inbound, t); !goOn {
		return p, t, false
	}
	if !k.forwards(to.Interface) {
		h.Verdict, h.Code = flow.Deny, flow.NVANoForwarding
		if !k.hop(h) {
			return p, t, false
		}
	} else {
		f := flow.Fact{Assumption: flow.NVAForwardsAndPermits, About: h.Name, Detail: string(to.Interface.ID()), Text: "the appliance " + h.Name + " forwards the packet and its policy permits it"}
		if !k.w.Holds(f) {
			h.Verdict, h.Code = flow.Deny, flow.UnwaivedAssumption
		}
		if !k.hop(h) {
			return p, t, false
		}
	}
	k.appliances = append(k.appliances, to.Configuration.PrivateIPAddress.String())
	next = k.leaves(next, t)
	if k.outside(t.Destination) && next.config != nil {
		f := flow.Fact{Code: flow.NVASourceUnknown, About: h.Name, Detail: string(to.Interface.ID()) + t.Destination.Key(),
			Text: "whether the appliance " + h.Name + " puts its own address in place of the source is not in the data"}
		if !k.w.Otherwise(f) {
			t.Source = flow.At(next.config.PrivateIPAddress)
		}
	}
	return next, t, true
}

// outside reports whether an address is public and in no virtual network of
// the estate.
func (k *walk) outside(a flow.Address) bool {
	return k.known(a) == publicAddress &&
		!slices.ContainsFunc(k.s.net.VirtualNetworks, func(v *topology.VirtualNetwork) bool { return contains(v.KnownSpace(), a.IP) })
}

// forwards reports whether IP forwarding is on at the interface. Where the
// property is an expression that was not evaluated, it may be (bad-inputs 54).
func (k *walk) forwards(nic *topology.NetworkInterface) bool {
	const name = "enableIPForwarding"
	if slices.ContainsFunc(nic.NotModelled, func(p topology.Property) bool { return p.Name == name }) {
		return !k.w.Otherwise(flow.Fact{Code: flow.UnresolvedExpression, About: nic.Name, Detail: name + " " + nic.ResourceID,
			Text: name + " of " + nic.Name + " is an expression that is not resolved"})
	}
	return nic.EnableIPForwarding.Or(false)
}

// leaves chooses the interface by which an appliance with several passes the
// packet on: which one is not in the data.
func (k *walk) leaves(in position, t flow.Tuple) position {
	vm := k.s.vm(in.nic)
	if vm == nil || len(vm.NetworkInterfaces) < 2 {
		return in
	}
	ways := []position{in}
	for _, r := range vm.NetworkInterfaces {
		nic, ok := topology.Lookup[*topology.NetworkInterface](k.s.net, r)
		if !ok || nic == in.nic || !nic.EnableIPForwarding.Or(false) {
			continue
		}
		if c := primary(nic, t.Destination.Is6()); c != nil {
			p := k.s.at(nic, c)
			p.forwarding = true
			ways = append(ways, p)
		}
	}
	if len(ways) == 1 {
		return in
	}
	f := flow.Fact{Code: flow.NVASourceUnknown, About: vm.Name, Detail: "interface " + string(vm.ID()) + string(in.nic.ID()),
		Text: "by which of its interfaces the appliance " + vm.Name + " passes the packet on is not in the data"}
	return ways[k.w.Ask(f, len(ways))]
}

// throughFirewall asks an Azure Firewall. No NSG stands before it (FW).
func (k *walk) throughFirewall(t flow.Tuple, v *topology.VirtualNetwork, fw *topology.AzureFirewall) (position, flow.Tuple, bool) {
	s := k.s
	next := position{appliance: fw, vnet: v, forwarding: true}
	if sub, ok := topology.Lookup[*topology.Subnet](s.net, fw.Subnet); ok {
		next.subnet = sub
	}
	key := string(fw.ID()) + "|" + t.Destination.Key()
	if k.seen[key] {
		k.hop(Hop{Kind: HopFirewall, Name: fw.Name, Verdict: flow.Deny, Code: flow.RouteLoop})
		k.ended = true
		return next, t, false
	}
	k.seen[key] = true
	x, ok := k.compiled(fw, s.names.At(next.subnet))
	if !ok {
		return next, t, false
	}
	if t.Destination.IP.IsValid() && k.outside(t.Destination) {
		if d, ok := x.Translate(k.w, t); ok {
			k.opaque(Hop{Kind: HopFirewall, Name: fw.Name, AppliedTo: "firewall " + fw.Name, RuleName: d.Rule.Name, Origin: originOf(d.Rule.Origin)},
				flow.Fact{Code: flow.SourcesConflict, About: fw.Name, Detail: "translation from inside " + string(fw.ID()) + t.String(),
					Text: "whether the firewall " + fw.Name + " translates by rule " + d.Rule.Name + " what machines behind it send is not documented"})
			return next, t, false
		}
	}
	d := x.Decide(k.w, t, k.target)
	h := Hop{Kind: HopFirewall, Name: fw.Name, AppliedTo: "firewall " + fw.Name, Verdict: verdictOf(d.Access), Code: d.Code, Origin: originOf(fw.Origin)}
	if d.Rule != nil {
		h.RuleName, h.Priority, h.Origin = d.Rule.Name, d.Collection.Priority, originOf(d.Rule.Origin)
		h.Note = "collection " + d.Collection.Name
	}
	if !k.hop(h) {
		return next, t, false
	}
	k.appliances = append(k.appliances, fw.PrivateIPAddress.String())
	if d.Proxied || k.known(t.Destination) == publicAddress {
		t.Source = flow.At(fw.PrivateIPAddress) // application rules and public destinations are always SNATed (SNAT)
	}
	return next, t, true
}

// compiled is the firewall with its rules. Where they are not those of the
// data the walk ends, and ok is false.
func (k *walk) compiled(fw *topology.AzureFirewall, p *scope.Place) (x *firewall.Firewall, ok bool) {
	x = k.s.firewall(fw, p)
	if k.cuts != nil {
		k.cuts.firewalls[x] = true
	}
	for _, e := range x.Elements() {
		if !k.depends(e) {
			return x, false
		}
	}
	for _, f := range x.Missing() {
		k.opaque(Hop{Kind: HopFirewall, Name: fw.Name, AppliedTo: "firewall " + fw.Name, Origin: originOf(fw.Origin)}, f)
		return x, false
	}
	return x, true
}

// toInternet leaves the estate: the source needs a way out (spec 7). A public
// address of the estate is entered from outside again (verdicts.md 19).
func (k *walk) toInternet(p position, t flow.Tuple, r *route.Route) {
	source, goOn := k.egress(p, t, r)
	if !goOn {
		return
	}
	t.Source = source
	k.fromOutside(t)
}

// fromOutside enters a public address of the estate; any other one lies
// outside, where the walk ends.
func (k *walk) fromOutside(t flow.Tuple) {
	if k.elsewhere(nil, t) {
		return
	}
	if !t.Destination.IP.IsValid() {
		k.somewhereOutside(t)
		return
	}
	if pub, ok := k.s.publicAt(t.Destination.IP); ok {
		k.enter(position{internet: true}, t, pub)
		return
	}
	if f, cut := k.s.names.Missing("Microsoft.Network/publicIPAddresses", t.Destination.Key()); cut && k.w.Otherwise(f) {
		k.opaque(Hop{Kind: HopEntry, Name: t.Destination.String()}, f)
	}
}

// somewhereOutside is an address of which only the tag is known. By the names
// alone those of Storage, Sql, AzureBackup and AzureActiveDirectory are the
// services' own; any other may be a public address of the estate.
func (k *walk) somewhereOutside(t flow.Tuple) {
	if scope.PublicTag(t.Destination.Tag) && !strings.EqualFold(t.Destination.Tag, "Internet") {
		return
	}
	about := t.Destination.Tag
	own := slices.ContainsFunc(k.s.net.PublicIPAddresses, func(p *topology.PublicIPAddress) bool {
		return p.IPAddress.IsValid() && p.IPAddress.Is6() == t.Destination.Is6()
	}) || slices.ContainsFunc(k.s.net.LoadBalancers, func(b *topology.LoadBalancer) bool {
		return slices.ContainsFunc(b.Frontends, func(f *topology.Frontend) bool { return f.PublicAddress.IsValid() })
	})
	if _, cut := k.s.names.Missing("Microsoft.Network/publicIPAddresses", ""); !own && !cut {
		return
	}
	f := flow.Fact{Code: flow.UnknownTag, About: about, Detail: "public IP of the estate",
		Text: "whether the destination is a public IP address of the estate is not known: the addresses of " + about + " are not"}
	if k.w.Otherwise(f) {
		k.opaque(Hop{Kind: HopEntry, Name: t.Destination.String()}, f)
	}
}

// egress finds the way out in the order NAT gateway, public IP address of the
// instance, load balancer outbound rule, default outbound access (NAT). It
// returns the address that the outside sees.
func (k *walk) egress(p position, t flow.Tuple, r *route.Route) (flow.Address, bool) {
	s := k.s
	outside := flow.SomewhereIn("Internet", t.Destination.Is6())
	h := Hop{Kind: HopEgress, AppliedTo: p.String(), Verdict: flow.Allow, Code: flow.Egress}
	deny := func(code flow.Code, note string) (flow.Address, bool) {
		h.Verdict, h.Code, h.Note = flow.Deny, code, note
		return outside, k.hop(h)
	}
	allow := func(name string, a flow.Address, o topology.Origin) (flow.Address, bool) {
		h.Name, h.Origin = name, originOf(o)
		if a.IP.IsValid() {
			h.SourceAddress = a.IP.String()
		}
		if t.Protocol == topology.TCP && t.DestinationPort == 25 {
			f := flow.Fact{Assumption: flow.SMTPNotBlocked, About: p.String(), Text: "the platform does not block outbound SMTP of the subscription"}
			if !k.w.Holds(f) {
				return deny(flow.UnwaivedAssumption, f.Text)
			}
		}
		return a, k.hop(h)
	}
	tcpOrUDP := t.Protocol == topology.TCP || t.Protocol == topology.UDP

	if ref := p.subnet.NATGateway; !ref.IsZero() {
		name := "NAT gateway " + ref.ID().Name()
		if !tcpOrUDP {
			h.Name = name
			return deny(flow.EgressNoICMP, "a NAT gateway carries TCP and UDP only")
		}
		if t.Destination.Is6() {
			f := flow.Fact{Code: flow.NoEgress, About: ref.ID().Name(), Detail: "IPv6 " + string(ref.ID()), Text: "whether the " + name + " carries IPv6 is not in the data"}
			if k.w.Otherwise(f) {
				h.Name = name
				return deny(f.Code, f.Text)
			}
		}
		nat, ok := topology.Lookup[*topology.NATGateway](s.net, ref)
		if !ok {
			k.opaque(Hop{Kind: HopEgress, Name: name, AppliedTo: p.String()}, flow.Fact{Code: flow.DanglingReference, About: ref.ID().Name(), Detail: string(ref.ID()),
				Text: "the " + name + " of " + subnetName(p.subnet) + " is not in the data: without a public address it is no way out", Export: "az network nat gateway list -o json"})
			return outside, false
		}
		if !k.depends(&nat.Element) {
			return outside, false
		}
		name = "NAT gateway " + nat.Name
		if len(nat.Addresses)+len(nat.PublicIPs)+len(nat.PublicPrefixes) == 0 {
			f := flow.Fact{Code: flow.NoEgress, About: nat.Name, Detail: "addresses " + string(nat.ID()), Text: "no public address of " + name + " is in the data: without one it is no way out",
				Export: "az network nat gateway show -n " + nat.Name + " -g <group> -o json"}
			if k.w.Otherwise(f) {
				h.Name = name
				return deny(f.Code, f.Text)
			}
		}
		a := outside
		if list := k.natAddresses(nat); len(list) > 0 {
			f := flow.Fact{Code: flow.EgressAddressUnknown, About: nat.Name, Detail: "which of " + string(nat.ID()), Text: "which of its public addresses " + name + " takes is not known"}
			a = flow.At(list[k.w.Ask(f, len(list))])
		}
		return allow(name, a, nat.Origin)
	}

	if p.appliance != nil {
		a := outside
		for _, ref := range p.appliance.PublicIPs {
			if pip, ok := topology.Lookup[*topology.PublicIPAddress](s.net, ref); ok && pip.IPAddress.IsValid() && len(p.appliance.PublicIPs) == 1 {
				a = flow.At(pip.IPAddress)
			}
		}
		open := func(detail, text string) bool {
			return k.w.Otherwise(flow.Fact{Code: flow.SourcesConflict, About: p.appliance.Name, Detail: string(p.appliance.ID()) + detail, Text: text})
		}
		if !t.Protocol.HasPorts() && open("egress of "+t.Protocol.String(), "whether the firewall "+p.appliance.Name+" carries "+t.Protocol.String()+" to the Internet is not documented") {
			return deny(flow.EgressNoICMP, "")
		}
		if len(p.appliance.PublicIPs) == 0 && open("egress", "the firewall "+p.appliance.Name+" names no public IP address: how it reaches the Internet is not in the data") {
			return deny(flow.NoEgress, "")
		}
		return allow("firewall "+p.appliance.Name, a, p.appliance.Origin)
	}

	if p.config != nil {
		if p.config.PublicIPUnknown && k.w.Otherwise(publicIPUnknown(p.nic, p.config)) {
			return allow("public IP", outside, p.config.Origin)
		}
		if ref := p.config.PublicIPAddress; !ref.IsZero() {
			pip, ok := topology.Lookup[*topology.PublicIPAddress](s.net, ref)
			a := outside
			name := "public IP " + ref.ID().Name()
			var origin topology.Origin
			if ok {
				if !k.depends(&pip.Element) {
					return a, false
				}
				origin = pip.Origin
				if pip.IPAddress.IsValid() {
					a = flow.At(pip.IPAddress)
					name = "public IP " + pip.IPAddress.String()
				}
			}
			return allow(name, a, origin)
		}
		if a, goOn, done := k.balancerEgress(p, t, outside, allow, deny); done {
			return a, goOn
		}
	}
	return k.defaultOutbound(p, t, r, outside, allow, deny)
}

func (k *walk) natAddresses(nat *topology.NATGateway) []netip.Addr {
	list := slices.Clone(nat.Addresses)
	for _, ref := range nat.PublicIPs {
		if pip, ok := topology.Lookup[*topology.PublicIPAddress](k.s.net, ref); ok && pip.IPAddress.IsValid() {
			list = append(list, pip.IPAddress)
		} else {
			return nil
		}
	}
	if len(nat.PublicPrefixes) > 0 {
		return nil
	}
	return list
}

type egressFunc func(name string, a flow.Address, o topology.Origin) (flow.Address, bool)
type noEgressFunc func(code flow.Code, note string) (flow.Address, bool)

// balancerEgress is the way out through a load balancer: an outbound rule, or
// the implicit one of a balancing rule (LBO). Only the primary IP
// configuration has it.
func (k *walk) balancerEgress(p position, t flow.Tuple, outside flow.Address, allow egressFunc, deny noEgressFunc) (flow.Address, bool, bool) {
	s := k.s
	balancers, pools, dangling := s.poolsOf(p.nic, p.config)
	for _, ref := range dangling {
		f := flow.Fact{Code: flow.DanglingReference, About: ref.ID().Parent().Name(), Detail: string(ref.ID()),
			Text: "the load balancer of backend pool " + ref.ID().Name() + " is not in the data", Export: "az network lb list -o json"}
		if k.w.Otherwise(f) {
			f.Detail += " egress"
			if k.w.Otherwise(f) {
				a, goOn := deny(f.Code, f.Text)
				return a, goOn, true
			}
			a, goOn := allow("load balancer "+f.About, outside, ref.Origin)
			return a, goOn, true
		}
	}
	for _, lb := range balancers {
		if !k.depends(&lb.Element) {
			return outside, false, true
		}
	}
	for _, lb := range balancers {
		for _, rule := range lb.OutboundRules {
			if !slices.Contains(pools, rule.BackendPool.ID()) || !isPrimary(p.nic, p.config) {
				continue
			}
			if !t.Protocol.HasPorts() || rule.Protocol != topology.AnyProtocol && rule.Protocol != t.Protocol {
				continue
			}
			a := outside
			if list := k.frontendAddresses(lb, rule.Frontends); len(list) == 1 {
				a = flow.At(list[0])
			}
			a, goOn := allow("load balancer "+lb.Name+", outbound rule "+rule.Name, a, rule.Origin)
			return a, goOn, true
		}
	}
	for _, lb := range balancers {
		for _, rule := range lb.Rules {
			in := slices.ContainsFunc(rule.BackendPools, func(r topology.Ref) bool { return slices.Contains(pools, r.ID()) })
			f, ok := topology.Lookup[*topology.Frontend](s.net, rule.Frontend)
			public := ok && (f.PublicAddress.IsValid() || !f.PublicIPAddress.IsZero())
			if !in || !public || rule.DisableOutboundSNAT == topology.On || !t.Protocol.HasPorts() {
				continue
			}
			if other := rule.Protocol != topology.AnyProtocol && rule.Protocol != t.Protocol; other || !isPrimary(p.nic, p.config) || p.subnet.DefaultOutboundAccess == topology.Off {
				f := flow.Fact{Code: flow.SourcesConflict, About: lb.Name, Detail: string(lb.ID()) + " implicit way out by " + rule.Name + " " + string(p.nic.ID()) + " " + t.Protocol.String(),
					Text: "whether rule " + rule.Name + " of " + lb.Name + " is a way out for other protocols than its own, for secondary IP configurations and from private subnets is not documented"}
				if !k.w.Otherwise(f) {
					continue
				}
			}
			a := outside
			if list := k.frontendAddresses(lb, publicFrontends(lb)); len(list) == 1 {
				a = flow.At(list[0])
			}
			a, goOn := allow("load balancer "+lb.Name+", rule "+rule.Name, a, rule.Origin)
			return a, goOn, true
		}
	}
	return outside, false, false
}

func publicFrontends(lb *topology.LoadBalancer) []topology.Ref {
	var out []topology.Ref
	for _, f := range lb.Frontends {
		if f.PublicAddress.IsValid() || !f.PublicIPAddress.IsZero() {
			out = append(out, f.Ref())
		}
	}
	return out
}

func (k *walk) frontendAddresses(lb *topology.LoadBalancer, refs []topology.Ref) []netip.Addr {
	var out []netip.Addr
	for _, ref := range refs {
		f, ok := topology.Lookup[*topology.Frontend](k.s.net, ref)
		if !ok {
			return nil
		}
		if f.PublicAddress.IsValid() {
			out = append(out, f.PublicAddress)
			continue
		}
		pip, ok := topology.Lookup[*topology.PublicIPAddress](k.s.net, f.PublicIPAddress)
		if !ok || !pip.IPAddress.IsValid() {
			return nil
		}
		out = append(out, pip.IPAddress)
	}
	return out
}

// defaultOutbound is the implicit way out, where the subnet is not private
// and nothing explicit takes it away (DOA). From a private subnet storage of
// the same region is reachable all the same.
func (k *walk) defaultOutbound(p position, t flow.Tuple, r *route.Route, outside flow.Address, allow egressFunc, deny noEgressFunc) (flow.Address, bool) {
	s := k.s
	// What the interface itself says is the truth about it (DOA).
	said := p.nic != nil && p.nic.DefaultOutbound == topology.On
	private := p.subnet.DefaultOutboundAccess == topology.Off && !said
	if !private && !said && p.subnet.DefaultOutboundAccess == topology.Unset && p.subnet.Design {
		f := flow.Fact{Assumption: flow.DefaultOutboundAccess, About: subnetName(p.subnet), Detail: string(p.subnet.ID()),
			Text: "the design does not set defaultOutboundAccess of " + subnetName(p.subnet) + ", whose default has changed: taken as allowed"}
		private = !k.w.Holds(f)
	}
	without := ""
	vm := s.vm(p.nic)
	if vm == nil && p.nic != nil && !said && !p.nic.VirtualMachine.IsZero() && !private {
		f := flow.Fact{Assumption: flow.DefaultOutboundAccess, About: p.nic.VirtualMachine.ID().Name(), Detail: string(p.nic.VirtualMachine.ID()),
			Text: "the virtual machine of " + p.nic.Name + ", which is not in the data, has default outbound access"}
		if !k.w.Holds(f) {
			without = f.Text
		}
	}
	if vm != nil && !said {
		if vm.Flexible {
			without = "an instance of a flexible scale set has no default outbound access"
		}
		for _, ref := range vm.NetworkInterfaces {
			nic, ok := topology.Lookup[*topology.NetworkInterface](s.net, ref)
			if !ok && !private {
				f := flow.Fact{Code: flow.DanglingReference, About: ref.ID().Name(), Detail: "public IP " + string(ref.ID()),
					Text: "whether " + ref.ID().Name() + ", another interface of " + vm.Name + ", has a Standard public IP is not in the data", Export: "az network nic list -o json"}
				if k.w.Otherwise(f) {
					without = f.Text
				}
			}
			if !ok || nic == p.nic {
				continue
			}
			for _, c := range nic.IPConfigurations {
				if pip, ok := topology.Lookup[*topology.PublicIPAddress](s.net, c.PublicIPAddress); ok && isStandard(pip.SKU) {
					without = "a Standard public IP on " + nic.Name + " takes the default outbound access of the machine away"
				}
			}
		}
	}
	if p.nic != nil && !said && !private {
		for _, f := range s.standardInDoubt(p, vm) {
			if k.w.Otherwise(f) {
				without = f.Text
			}
		}
	}
	if p.config != nil {
		balancers, _, _ := s.poolsOf(p.nic, p.config)
		for _, lb := range balancers {
			if isStandard(lb.SKU) {
				without = "the backend of the Standard load balancer " + lb.Name + " has no default outbound access"
			}
		}
	}
	if p.nic != nil && p.nic.DefaultOutbound == topology.Off {
		without = "the interface has no default outbound connectivity"
	}
	if !private && without == "" && t.Destination.Is6() {
		f := flow.Fact{Code: flow.NoEgress, About: subnetName(p.subnet), Detail: "IPv6 " + string(p.subnet.ID()),
			Text: "whether default outbound access carries IPv6 is not documented"}
		if k.w.Otherwise(f) {
			return deny(f.Code, f.Text)
		}
	}
	if !private && without == "" {
		if !t.Protocol.HasPorts() {
			return deny(flow.EgressNoICMP, "default outbound access carries TCP and UDP only")
		}
		return allow("default outbound access", outside, topology.Origin{})
	}
	if (private || p.subnet.DefaultOutboundAccess == topology.Off) && p.vnet != nil && t.Protocol.HasPorts() {
		storage := s.names.RegionalTag("Storage", p.vnet.Location)
		set := s.names.Tag(storage)
		if k.cuts != nil {
			for _, c := range set.Constants() {
				k.cuts.sets[c] = true
			}
		}
		if p.vnet.Location == "" {
			set = s.names.Tag("Storage")
		}
		if set.Has(k.w, t.Destination, false) {
			f := flow.Fact{Code: flow.SourcesConflict, About: subnetName(p.subnet), Detail: "storage exception " + string(p.subnet.ID()),
				Text: "whether storage of the same region is reachable from a private subnet over a user-defined route to Internet is in dispute"}
			if p.vnet.Location == "" {
				f = flow.Fact{Code: flow.DanglingReference, About: p.vnet.Name, Detail: "location " + string(p.vnet.ID()), Text: "the location of " + p.vnet.Name + " is not in the data"}
			} else if r == nil || r.Source != route.User {
				return allow("Azure Storage of the same region", outside, topology.Origin{})
			}
			if k.w.Otherwise(f) {
				return allow("Azure Storage of the same region", outside, topology.Origin{})
			}
			return deny(f.Code, f.Text)
		}
	}
	if without == "" {
		without = "the subnet is private and nothing explicit leads out"
	}
	return deny(flow.NoEgress, without)
}

// standardInDoubt are the facts that another public IP address of the machine,
// on any of its interfaces, is a Standard one and takes default outbound
// access away (DOA): it is not in the data, it does not say its SKU, or only
// the reference to the machine joins its interface to it.
func (s *Simulator) standardInDoubt(p position, vm *topology.VirtualMachine) []flow.Fact {
	var out []flow.Fact
	if vm != nil && len(vm.NetworkInterfaces) == 0 {
		out = append(out, flow.Fact{Code: flow.DanglingReference, About: vm.Name, Detail: "interfaces of " + string(vm.ID()),
			Text: "the export of " + vm.Name + " lists no interfaces: it may have others, with a Standard public IP", Export: "az vm show --ids " + vm.ResourceID + " -o json"})
	}
	for _, nic := range s.besides(p.nic, vm) {
		for _, c := range nic.IPConfigurations {
			if c == p.config || c.PublicIPAddress.IsZero() {
				continue
			}
			pip, ok := topology.Lookup[*topology.PublicIPAddress](s.net, c.PublicIPAddress)
			known := ok && pip.SKU != ""
			if known && (!isStandard(pip.SKU) || vm != nil && nic != p.nic) {
				continue // Basic, or counted for certain
			}
			out = append(out, flow.Fact{Code: flow.NoEgress, About: nic.Name, Detail: "public IP " + string(c.PublicIPAddress.ID()),
				Text: "whether the public IP " + c.PublicIPAddress.ID().Name() + " of " + nic.Name + " takes default outbound access away is not certain", Export: "az network public-ip list -o json"})
		}
	}
	return out
}

// besides are the interfaces of a machine, the given one among them, in the
// order of the data: by the machine's own list, or because they name it.
func (s *Simulator) besides(nic *topology.NetworkInterface, vm *topology.VirtualMachine) []*topology.NetworkInterface {
	numbers := slices.Clone(s.beside[nic.VirtualMachine.ID()])
	if vm != nil {
		numbers = append(numbers, s.beside[vm.ID()]...)
	}
	slices.Sort(numbers)
	var out []*topology.NetworkInterface
	for _, i := range slices.Compact(numbers) {
		out = append(out, s.net.NetworkInterfaces[i])
	}
	if !slices.Contains(out, nic) {
		out = append(out, nic) // it names no machine
	}
	return out
}

// publicIPUnknown is the fact that an expression that was not evaluated gives
// the interface a public IP address.
func publicIPUnknown(nic *topology.NetworkInterface, c *topology.IPConfiguration) flow.Fact {
	return flow.Fact{Code: flow.UnresolvedExpression, About: nic.Name, Detail: "public IP " + string(c.ID()),
		Text: "whether " + nic.Name + " has a public IP address is not known: it is an expression, or a public IP address says so that the interface does not name"}
}

// enter brings a packet from the Internet to a public address of the estate.
func (k *walk) enter(p position, t flow.Tuple, pub publicIP) {
	s := k.s
	if pub.resource != nil && !k.depends(&pub.resource.Element) {
		return
	}
	switch {
	case pub.nic != nil:
		k.enterAt(p, t, pub.nic, pub.config, pub.resource)
	case pub.lb != nil:
		k.balance(p, t, pub.lb, pub.frontend)
	case pub.firewall != nil:
		fw := pub.firewall
		sub, _ := topology.Lookup[*topology.Subnet](s.net, fw.Subnet)
		x, ok := k.compiled(fw, s.names.At(sub))
		if !ok {
			return
		}
		d, ok := x.Translate(k.w, t)
		if !ok {
			k.hop(Hop{Kind: HopFirewall, Name: fw.Name, AppliedTo: "firewall " + fw.Name, Direction: "Inbound", Verdict: flow.Deny, Code: flow.FirewallDefaultDeny, Origin: originOf(fw.Origin)})
			return
		}
		if !d.Translated.IsValid() {
			k.opaque(Hop{Kind: HopFirewall, Name: fw.Name, AppliedTo: "firewall " + fw.Name, RuleName: d.Rule.Name}, flow.Fact{Code: flow.FirewallContentUnknown, About: d.Rule.Name,
				Text: "the address that rule " + d.Rule.Name + " of " + fw.Name + " translates to is not known"})
			return
		}
		t.Destination = flow.At(d.Translated)
		if d.TranslatedPort != 0 {
			t.DestinationPort = d.TranslatedPort
		}
		k.translated(fw, sub, x, d, t)
	case s.outboundOnly(pub.resource):
		k.hop(Hop{Kind: HopEntry, Name: "public IP " + pub.resource.Name, Verdict: flow.Deny, Code: flow.NoPublicEntry, Origin: originOf(pub.resource.Origin),
			Note: "a NAT gateway takes no inbound traffic"})
	case pub.resource.IPConfiguration.IsZero():
		k.hop(Hop{Kind: HopEntry, Name: "public IP " + pub.resource.Name, Verdict: flow.Deny, Code: flow.NoPublicEntry, Origin: originOf(pub.resource.Origin),
			Note: "it is attached to nothing"})
	default:
		k.opaque(Hop{Kind: HopEntry, Name: "public IP " + pub.resource.Name, Origin: originOf(pub.resource.Origin)}, flow.Fact{Code: flow.DanglingReference, About: pub.resource.Name, Detail: string(pub.resource.ID()),
			Text: "what the public IP address " + pub.resource.Name + " is attached to is not in the data", Export: "az network nic list -o json"})
	}
}

// translated takes a packet from the Internet on from a firewall that has
// translated its destination, unless a network rule denies it (FW). Whether
// the firewall puts its own address in place of the source is not documented
// in what was read.
func (k *walk) translated(fw *topology.AzureFirewall, sub *topology.Subnet, x *firewall.Firewall, d firewall.Decision, t flow.Tuple) {
	if denied, ok := x.Denies(k.w, t); ok {
		d = denied
	}
	h := Hop{Kind: HopFirewall, Name: fw.Name, AppliedTo: "firewall " + fw.Name, Direction: "Inbound", Verdict: verdictOf(d.Access), Code: d.Code, Origin: originOf(fw.Origin)}
	if d.Rule != nil { // else threat intelligence denies it
		h.RuleName, h.Priority, h.Origin = d.Rule.Name, d.Collection.Priority, originOf(d.Rule.Origin)
	}
	if !k.hop(h) {
		return
	}
	if sub == nil {
		k.opaque(Hop{Kind: HopFirewall, Name: fw.Name}, flow.Fact{Code: flow.DanglingReference, About: fw.Subnet.ID().Name(), Detail: string(fw.ID()),
			Text: "the subnet of firewall " + fw.Name + " is not in the data", Export: "az network vnet list -o json"})
		return
	}
	f := flow.Fact{Code: flow.SourcesConflict, About: fw.Name, Detail: "source of inbound flows " + string(fw.ID()),
		Text: "whether the firewall " + fw.Name + " translates the source of inbound flows to its own address is not documented"}
	if !k.w.Otherwise(f) {
		t.Source = flow.At(fw.PrivateIPAddress)
	} else {
		k.via = fw.PrivateIPAddress
	}
	k.appliances = append(k.appliances, fw.PrivateIPAddress.String())
	k.seen[string(fw.ID())+"|"+t.Destination.Key()] = true
	k.send(position{appliance: fw, vnet: k.s.net.VirtualNetworkOf(sub), subnet: sub, forwarding: true}, t)
}

// outboundOnly reports whether the public IP address belongs to a NAT gateway.
func (s *Simulator) outboundOnly(r *topology.PublicIPAddress) bool {
	return !r.NATGateway.IsZero() || slices.ContainsFunc(s.net.NATGateways, func(n *topology.NATGateway) bool {
		return slices.ContainsFunc(n.PublicIPs, func(x topology.Ref) bool { return x.ID() == r.ID() })
	})
}

// enterAt goes in by the public IP address of an interface: the NSGs see the
// private address (NSG), and a Standard address is closed unless an NSG opens
// it (PIP).
func (k *walk) enterAt(p position, t flow.Tuple, nic *topology.NetworkInterface, c *topology.IPConfiguration, pip *topology.PublicIPAddress) {
	h := Hop{Kind: HopEntry, Name: "public IP", AppliedTo: nicName(nic), Verdict: flow.Allow, Code: flow.RouteFound}
	sku := ""
	if pip != nil {
		h.Name, h.Origin, sku = "public IP "+pip.Name, originOf(pip.Origin), pip.SKU
		if !k.depends(&pip.Element) {
			return
		}
	}
	if !k.hop(h) {
		return
	}
	t.Destination = flow.At(c.PrivateIPAddress)
	k.open(p, t, k.s.at(nic, c), sku, h.Name)
}

// open asks the inbound gates behind a public entry.
func (k *walk) open(p position, t flow.Tuple, to position, sku, entry string) {
	if !k.astray(to) && k.guarded(to, t, sku, entry) && k.guest(to, t) {
		k.wayBack(p, t, to)
	}
}

// guarded asks the inbound gates for a packet that enters by a public
// address: a Standard one is closed unless an NSG lets the packet in (PIP).
func (k *walk) guarded(to position, t flow.Tuple, sku, entry string) bool {
	before := len(k.hops)
	if _, goOn := k.chain(to, topology.Inbound, t); !goOn {
		return false
	}
	if slices.ContainsFunc(k.hops[before:], func(h Hop) bool { return h.Kind == HopSecurityRules && h.Code != flow.NoNSG }) {
		return true
	}
	always := !slices.ContainsFunc(k.hops[before:], func(h Hop) bool { return h.Kind == HopSecurityRules })
	if always && k.anyGroup(to) {
		return true
	}
	closed := isStandard(sku)
	if sku == "" {
		closed = k.w.Otherwise(flow.Fact{Code: flow.StandardIPClosed, About: entry, Detail: t.Destination.Key() + to.String(), Text: "the SKU of " + entry + " is not in the data: a Standard one is closed without an NSG",
			Export: "az network public-ip list -o json"})
	}
	if closed && always {
		f := flow.Fact{Code: flow.SourcesConflict, About: entry, Detail: "AlwaysAllow",
			Text: "whether an admin rule with AlwaysAllow opens " + entry + ", a Standard public IP without any NSG behind it, is not documented"}
		if !k.w.Otherwise(f) {
			return true
		}
	}
	return !closed || k.hop(Hop{Kind: HopSecurityRules, AppliedTo: to.String(), Direction: "Inbound", Verdict: flow.Deny, Code: flow.StandardIPClosed,
		Note: "a Standard public IP is closed until an NSG allows the traffic"})
}

// anyGroup reports whether an NSG stands at the position, or may.
func (k *walk) anyGroup(p position) bool {
	return slices.ContainsFunc(k.levels(p, topology.Inbound), func(l gateAt) bool {
		return l.unknown != nil || !l.ref.IsZero() || len(k.s.claims[l.element]) > 0
	})
}

// balance takes the packet through a load balancer's frontend: it keeps the
// client's address, and the backend sees its own address and port (NSG).
func (k *walk) balance(p position, t flow.Tuple, lb *topology.LoadBalancer, f *topology.Frontend) {
	backends, port, ok := k.backendsFor(lb, f, t)
	if !ok {
		return
	}
	to := backends[k.pick(lb, len(backends), t)]
	if !k.hop(Hop{Kind: HopEntry, Name: "load balancer " + lb.Name, AppliedTo: nicName(to.Interface), Verdict: flow.Allow, Code: flow.LoadBalancerBackend, Origin: originOf(lb.Origin)}) {
		return
	}
	t.Destination = flow.At(to.Configuration.PrivateIPAddress)
	if port != 0 {
		t.DestinationPort = port
	}
	at := k.s.at(to.Interface, to.Configuration)
	if p.internet {
		sku := lb.SKU
		if sku == "" {
			sku = "Basic" // the documented default
		}
		k.open(p, t, at, sku, "load balancer "+lb.Name)
		return
	}
	k.arrive(p, t, at)
}

func (k *walk) pick(lb *topology.LoadBalancer, n int, t flow.Tuple) int {
	return k.w.Ask(flow.Fact{Code: flow.LoadBalancerBackend, About: lb.Name, Detail: string(lb.ID()) + t.String(), Text: "which backend of " + lb.Name + " takes the flow is open"}, n)
}

// backendsFor are the IP configurations that a frontend sends the packet to,
// and the port it has there (0: the same).
func (k *walk) backendsFor(lb *topology.LoadBalancer, f *topology.Frontend, t flow.Tuple) ([]topology.Owner, uint16, bool) {
	if !k.depends(&lb.Element) || !k.depends(&f.Element) {
		return nil, 0, false
	}
	for _, r := range lb.Rules {
		if r.Frontend.ID() != f.ID() {
			continue
		}
		any := r.FrontendPort == 0 && r.Protocol == topology.AnyProtocol
		if !t.Protocol.HasPorts() {
			f := flow.Fact{Code: flow.LoadBalancerNoRule, About: lb.Name, Detail: string(lb.ID()) + t.Protocol.String(),
				Text: "whether the rule for all ports of " + lb.Name + " carries other protocols than TCP and UDP is not documented"}
			if !any || !k.w.Otherwise(f) {
				continue
			}
		}
		if !any && (r.Protocol != topology.AnyProtocol && r.Protocol != t.Protocol || r.FrontendPort != int(t.DestinationPort)) {
			continue
		}
		var list []topology.Owner
		for _, pool := range r.BackendPools {
			list = append(list, k.s.backends(pool.ID())...)
		}
		list, hit := k.aimed(list)
		if f, gone := k.s.lostBackend(lb, r); gone && !hit && len(list) > 0 && k.w.Otherwise(f) {
			k.opaque(Hop{Kind: HopEntry, Name: lb.Name}, f)
			return nil, 0, false
		}
		if len(list) > 0 {
			return list, uint16(r.BackendPort), true
		}
		k.opaque(Hop{Kind: HopEntry, Name: lb.Name}, flow.Fact{Code: flow.DanglingReference, About: lb.Name, Detail: string(lb.ID()) + r.Name,
			Text: "no backend of rule " + r.Name + " of " + lb.Name + " is in the data", Export: "az network nic list -o json"})
		return nil, 0, false
	}
	for _, r := range lb.NATRules {
		if r.FrontendPort == 0 || r.Frontend.ID() != f.ID() || r.FrontendPort != int(t.DestinationPort) || r.Protocol != topology.AnyProtocol && r.Protocol != t.Protocol {
			continue
		}
		for _, nic := range k.s.net.NetworkInterfaces {
			for _, c := range nic.IPConfigurations {
				if c.ID() != "" && c.ID() == r.BackendIPConfiguration.ID() || slices.ContainsFunc(c.InboundNATRules, func(x topology.Ref) bool { return x.ID() == r.ID() }) {
					return []topology.Owner{{Interface: nic, Configuration: c}}, uint16(r.BackendPort), true
				}
			}
		}
		k.opaque(Hop{Kind: HopEntry, Name: lb.Name}, flow.Fact{Code: flow.DanglingReference, About: lb.Name, Detail: string(lb.ID()) + r.Name,
			Text: "the backend of NAT rule " + r.Name + " of " + lb.Name + " is not in the data", Export: "az network nic list -o json"})
		return nil, 0, false
	}
	if f, open := rangesOf(lb); open && t.Protocol.HasPorts() {
		f.Detail += t.String()
		if k.w.Otherwise(f) {
			k.opaque(Hop{Kind: HopEntry, Name: lb.Name}, f)
			return nil, 0, false
		}
	}
	k.hop(Hop{Kind: HopEntry, Name: "load balancer " + lb.Name, Verdict: flow.Deny, Code: flow.LoadBalancerNoRule, Origin: originOf(lb.Origin),
		Note: "no rule of the frontend takes this port"})
	return nil, 0, false
}

// rangesOf is the fact that a load balancer hands ports to backends which are
// not known: by an inbound NAT rule for a range of ports or an inbound NAT pool
// Azure gives each backend one of the ports (bad-inputs 51).
func rangesOf(lb *topology.LoadBalancer) (flow.Fact, bool) {
	f := flow.Fact{Code: flow.LoadBalancerBackend, About: lb.Name, Detail: string(lb.ID()) + " ranges "}
	for _, r := range lb.NATRules {
		if r.FrontendPort == 0 {
			f.Text = "which port of the inbound NAT rule " + r.Name + " of " + lb.Name + " leads to which backend is not modelled"
			return f, true
		}
	}
	for _, p := range lb.NotModelled {
		if strings.HasSuffix(p.Name, "inboundNatPools") {
			f.Text = "which ports of the inbound NAT pools of " + lb.Name + " lead to which backend is not modelled"
			return f, true
		}
	}
	return f, false
}

// lostBackend is the fact that a pool of the rule names a backend that is not
// in the data.
func (s *Simulator) lostBackend(lb *topology.LoadBalancer, r *topology.LoadBalancingRule) (flow.Fact, bool) {
	for _, ref := range r.BackendPools {
		pool, ok := topology.Lookup[*topology.BackendPool](s.net, ref)
		if !ok {
			continue
		}
		lost := func(x topology.Ref) bool { return s.net.Find(x.ID()) == nil }
		if slices.ContainsFunc(pool.IPConfigurations, lost) || slices.ContainsFunc(pool.Interfaces, lost) ||
			slices.ContainsFunc(pool.Addresses, func(a netip.Addr) bool { return len(s.net.Owners(a)) == 0 }) {
			return flow.Fact{Code: flow.DanglingReference, About: lb.Name, Detail: string(lb.ID()) + " backend of " + pool.Name,
				Text: "a backend that pool " + pool.Name + " of " + lb.Name + " names is not in the data", Export: "az network nic list -o json"}, true
		}
	}
	return flow.Fact{}, false
}

// enterVM brings a packet from the Internet to an interface: by its public IP
// address, by a load balancer rule whose backend port is asked for, or by a
// firewall's translation. Which of several ways it takes is open.
func (k *walk) enterVM(t flow.Tuple, nic *topology.NetworkInterface, c *topology.IPConfiguration) {
	s := k.s
	p := position{internet: true}
	var ways []func()
	if c.PublicIPUnknown && k.w.Otherwise(publicIPUnknown(nic, c)) {
		ways = append(ways, func() { k.open(p, t, s.at(nic, c), "", "public IP of "+nic.Name) })
	}
	if ref := c.PublicIPAddress; !ref.IsZero() {
		pip, ok := topology.Lookup[*topology.PublicIPAddress](s.net, ref)
		if !ok {
			pip = nil
		}
		ways = append(ways, func() { k.enterAt(p, t, nic, c, pip) })
	}
	balancers, pools, dangling := s.before(nic, c)
	for _, lb := range balancers {
		if f, open := rangesOf(lb); open && t.Protocol.HasPorts() {
			f.Detail += "to " + string(c.ID()) + t.String()
			if k.w.Otherwise(f) {
				ways = append(ways, func() { k.enterBehind(p, t, nic, c, lb, nil, f.Text) })
			}
		}
		for _, r := range lb.Rules {
			f, ok := topology.Lookup[*topology.Frontend](s.net, r.Frontend)
			if !ok || !t.Protocol.HasPorts() || !f.PublicAddress.IsValid() && f.PublicIPAddress.IsZero() {
				continue
			}
			mine := slices.ContainsFunc(r.BackendPools, func(x topology.Ref) bool { return slices.Contains(pools, x.ID()) })
			any := r.FrontendPort == 0 && r.Protocol == topology.AnyProtocol
			if mine && (any || r.BackendPort == int(t.DestinationPort) && (r.Protocol == topology.AnyProtocol || r.Protocol == t.Protocol)) {
				ways = append(ways, func() { k.enterBehind(p, t, nic, c, lb, f, "rule "+r.Name) })
			}
		}
		for _, r := range lb.NATRules {
			mine := r.BackendIPConfiguration.ID() != "" && r.BackendIPConfiguration.ID() == c.ID() || slices.ContainsFunc(c.InboundNATRules, func(x topology.Ref) bool { return x.ID() == r.ID() })
			if mine && r.FrontendPort != 0 && t.Protocol.HasPorts() && r.BackendPort == int(t.DestinationPort) && (r.Protocol == topology.AnyProtocol || r.Protocol == t.Protocol) {
				f, _ := topology.Lookup[*topology.Frontend](s.net, r.Frontend)
				ways = append(ways, func() { k.enterBehind(p, t, nic, c, lb, f, "NAT rule "+r.Name) })
			}
		}
	}
	for _, fw := range s.net.AzureFirewalls {
		sub, _ := topology.Lookup[*topology.Subnet](s.net, fw.Subnet)
		x := s.firewall(fw, s.names.At(sub))
		if k.cuts != nil {
			k.cuts.firewalls[x] = true
		}
		reach, open := x.Reaches(k.w, t)
		for _, f := range open {
			if k.w.Otherwise(f) {
				ways = append(ways, func() {
					k.opaque(Hop{Kind: HopFirewall, Name: fw.Name, AppliedTo: "firewall " + fw.Name, Direction: "Inbound", Origin: originOf(fw.Origin)}, f)
				})
				break
			}
		}
		for _, d := range reach {
			ways = append(ways, func() {
				if _, ok := k.compiled(fw, s.names.At(sub)); ok {
					k.translated(fw, sub, x, d, t)
				}
			})
		}
	}
	for _, r := range c.InboundNATRules {
		if _, ok := topology.LookupID[*topology.LoadBalancer](s.net, r.ID().Parent()); !ok {
			dangling = append(dangling, r)
		}
	}
	for _, ref := range dangling {
		f := flow.Fact{Code: flow.DanglingReference, About: ref.ID().Parent().Name(), Detail: string(ref.ID()) + " entry",
			Text: "the load balancer before " + nic.Name + " is not in the data", Export: "az network lb list -o json"}
		if k.w.Otherwise(f) {
			ways = append(ways, func() { k.open(p, t, s.at(nic, c), "", "load balancer "+f.About) })
		}
	}
	if len(ways) > 0 {
		f := flow.Fact{Code: flow.LoadBalancerBackend, About: nic.Name, Detail: "way in " + string(nic.ID()),
			Text: "several ways lead from the Internet to " + nic.Name}
		ways[k.w.Ask(f, len(ways))]()
		return
	}
	for _, kind := range []string{"Microsoft.Network/loadBalancers", "Microsoft.Network/azureFirewalls"} {
		if f, cut := s.names.Missing(kind, string(nic.ID())); cut && k.w.Otherwise(f) {
			k.open(p, t, s.at(nic, c), "", f.About)
			return
		}
	}
	k.hop(Hop{Kind: HopEntry, AppliedTo: nicName(nic), Verdict: flow.Deny, Code: flow.NoPublicEntry, Note: "neither a public IP nor a load balancer rule leads here"})
	if k.all && !k.ended {
		k.chain(s.at(nic, c), topology.Inbound, t)
	}
}

func (k *walk) enterBehind(p position, t flow.Tuple, nic *topology.NetworkInterface, c *topology.IPConfiguration, lb *topology.LoadBalancer, f *topology.Frontend, rule string) {
	if !k.hop(Hop{Kind: HopEntry, Name: "load balancer " + lb.Name, AppliedTo: nicName(nic), Verdict: flow.Allow, Code: flow.LoadBalancerBackend, Origin: originOf(lb.Origin), Note: rule}) {
		return
	}
	if !k.depends(&lb.Element) || f != nil && !k.depends(&f.Element) {
		return
	}
	sku := lb.SKU
	if sku == "" {
		sku = "Basic" // the documented default
	}
	k.open(p, t, k.s.at(nic, c), sku, "load balancer "+lb.Name)
}

// enterOnPremises brings a packet from behind the gateway of a virtual network
// into the estate.
func (k *walk) enterOnPremises(home *topology.VirtualNetwork, t flow.Tuple) {
	name := home.Name
	for _, g := range k.s.net.VirtualNetworkGateways {
		if g.VirtualNetwork.ID() == home.ID() {
			name = g.Name
		}
	}
	if !k.onPremises(Hop{Kind: HopEntry, Name: "gateway " + name, AppliedTo: home.Name}, name) {
		return
	}
	k.send(position{subnet: k.s.gatewaySubnet(home), vnet: home, gateway: true}, t)
}

// mayLearn reports whether, in this world, the address is behind a gateway of
// the virtual network whose routes are not in the data.
func (k *walk) mayLearn(v *topology.VirtualNetwork, a netip.Addr) bool {
	g := k.s.names.GatewaysOf(v)
	if g.LearnedUnknown == nil {
		return false
	}
	f := *g.LearnedUnknown
	if scope.IsPublic(a) {
		f = *g.LearnedPublic
	}
	f.Detail += "source " + a.String()
	return k.w.Otherwise(f)
}
