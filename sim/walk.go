package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/firewall"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/sim/route"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// walk follows one packet through one world.
type walk struct {
	s          *Simulator
	w          *flow.World
	all        bool // go on past the first Deny
	target     firewall.Target
	hops       []Hop
	notes      []string
	denied     bool
	ended      bool // nothing more to say
	leg        int
	seen       map[string]bool
	cuts       *cuts                        // collects what the walk turned on; nil: not wanted
	stand      func(*nsg.Gate) nsg.Decision // decides in place of the gates; nil: they do
	outRule    *nsg.Rule
	proxyGuest bool // the destination is a proxy, whose guest firewall matters
	appliances []string
	home       topology.ID                 // the virtual network that the destination is in; "": whatever has its address
	aim        []*topology.IPConfiguration // where the packet is meant to come to; empty: that does not count
	via        netip.Addr                  // the firewall by which a flow from the Internet came in with its own source
}

// account is what a walk tells.
type account struct {
	hops  []Hop
	notes []string
}

func (k *walk) account() account { return account{hops: k.hops, notes: k.notes} }

// cuts are the constants that a walk turned on: the question's sets are cut
// at them.
type cuts struct {
	gates     map[*nsg.Gate]bool
	tables    map[*route.Table]bool
	firewalls map[*firewall.Firewall]bool
	sets      map[*netipx.IPSet]bool
}

func newCuts() *cuts {
	return &cuts{map[*nsg.Gate]bool{}, map[*route.Table]bool{}, map[*firewall.Firewall]bool{}, map[*netipx.IPSet]bool{}}
}

func (c *cuts) size() int { return len(c.gates) + len(c.tables) + len(c.firewalls) + len(c.sets) }

// hop appends a hop. It reports whether the walk goes on.
func (k *walk) hop(h Hop) bool {
	h.Leg = k.leg
	k.hops = append(k.hops, h)
	if h.Verdict == flow.Deny {
		k.denied = true
		if !k.all {
			k.ended = true
		}
	}
	return !k.ended
}

func (k *walk) note(format string, args ...any) {
	n := fmt.Sprintf(format, args...)
	if !slices.Contains(k.notes, n) {
		k.notes = append(k.notes, n)
	}
}

// opaque ends the walk at something that is not known: either outcome is
// possible, whatever comes later.
func (k *walk) opaque(h Hop, f flow.Fact) {
	f.Detail += " outcome"
	h.Code = f.Code
	h.Verdict = flow.Allow
	if k.w.Otherwise(f) {
		h.Verdict = flow.Deny
	}
	k.hop(h)
	k.ended = true
}

// depends asks the assumptions that the element rests on; where one does not
// hold the outcome is open.
func (k *walk) depends(e *topology.Element) bool {
	for _, f := range flow.ElementFacts(e) {
		if !k.w.Holds(f) {
			k.opaque(Hop{Kind: HopPlatform, Name: e.Name, Note: f.Text}, flow.Fact{Code: flow.UnwaivedAssumption, About: e.Name, Detail: f.Key(), Text: f.Text})
			return false
		}
	}
	return true
}

func originOf(o topology.Origin) *topology.Origin {
	if o == (topology.Origin{}) {
		return nil
	}
	return &o
}

// hiddenRule stands for a rule that is not in the data: it may name the other
// side of the packet.
var hiddenRule = &nsg.Rule{Source: nsg.Side{Explicit: true}, Destination: nsg.Side{Explicit: true}}

// gateAt is one level of the NSG chain.
type gateAt struct {
	place    string // "subnet v1/app"
	id       string // resource ID of the subnet or interface
	ref      topology.Ref
	element  topology.ID
	unknown  *flow.Fact // whether there is an NSG is not known
	endpoint bool       // it stands before a private endpoint
}

// levels are the NSG levels of a position in Azure's order: outbound the
// interface before the subnet, inbound the other way round (HOW).
func (k *walk) levels(p position, d topology.Direction) []gateAt {
	var out []gateAt
	if p.nic != nil {
		out = append(out, gateAt{place: nicName(p.nic), id: p.nic.ResourceID, ref: p.nic.NetworkSecurityGroup, element: p.nic.ID()})
	}
	switch {
	case p.subnet != nil:
		out = append(out, gateAt{place: subnetName(p.subnet), id: p.subnet.ResourceID, ref: p.subnet.NetworkSecurityGroup, element: p.subnet.ID()})
	case p.config != nil:
		id := p.config.Subnet.ID()
		out = append(out, gateAt{place: "subnet " + id.Parent().Name() + "/" + id.Name(), id: p.config.Subnet.Text, element: id,
			unknown: &flow.Fact{Code: flow.DanglingReference, About: id.Name(), Detail: string(id),
				Text: "the subnet of interface " + p.nic.Name + " is not in the data", Export: "az network vnet list -o json"}})
	}
	if d == topology.Inbound {
		slices.Reverse(out)
	}
	return out
}

// verdictOf maps a rule's access to a hop's verdict.
func verdictOf(a topology.Access) flow.Verdict {
	if a == topology.Deny {
		return flow.Deny
	}
	return flow.Allow
}

func ruleHop(kind HopKind, name, place string, d topology.Direction, x nsg.Decision) Hop {
	h := Hop{Kind: kind, Name: name, AppliedTo: place, Direction: d.String(), Verdict: verdictOf(x.Access), Code: x.Code}
	if x.Rule != nil {
		h.RuleName, h.Priority, h.Default, h.Origin = x.Rule.Name, x.Rule.Priority, x.Rule.Default, originOf(x.Rule.Origin)
	}
	return h
}

// chain asks the admin rules and NSGs of a position. It reports whether the
// walk goes on; decided is the last rule that let the packet through.
func (k *walk) chain(p position, d topology.Direction, t flow.Tuple) (decided *nsg.Rule, goOn bool) {
	s := k.s
	place := s.names.At(p.subnet)
	if f, ok := k.sideAsRead(p); !ok {
		// What the gates of this side hang from is not as it was read: they
		// may do either.
		open := flow.Fact{Code: flow.UnwaivedAssumption, About: f.About, Detail: f.Key() + d.String() + t.String(), Text: f.Text}
		h := Hop{Kind: HopSecurityRules, Name: f.About, AppliedTo: p.String(), Direction: d.String(), Verdict: flow.Allow, Code: open.Code, Note: f.Text}
		if k.w.Otherwise(open) {
			h.Verdict = flow.Deny
		}
		return hiddenRule, k.hop(h)
	}
	if p.forwarding && p.nic != nil && p.subnet == nil {
		// Whether the addresses of forwarded traffic are inside a network that is
		// not in the data is not known, nor what is at its subnet.
		f := flow.Fact{Code: flow.DanglingReference, About: p.nic.Name, Detail: "gates of a forwarder " + string(p.nic.ID()) + d.String() + t.String(),
			Text: "the subnet of interface " + p.nic.Name + ", which forwards the packet, is not in the data", Export: "az network vnet list -o json"}
		h := Hop{Kind: HopSecurityRules, AppliedTo: p.String(), Direction: d.String(), Verdict: flow.Allow, Code: f.Code, Note: f.Text}
		if k.w.Otherwise(f) {
			h.Verdict = flow.Deny
		}
		return hiddenRule, k.hop(h)
	}
	if p.config != nil && p.vnet != nil {
		if owners := s.claimants(p); len(owners) > 1 {
			f := flow.Fact{Code: flow.AddressOwnedTwice, About: p.config.PrivateIPAddress.String(), Detail: ownerIDs(owners) + d.String() + t.String(),
				Text: "several interfaces own " + p.config.PrivateIPAddress.String() + ": whose gates apply is not known"}
			h := Hop{Kind: HopSecurityRules, AppliedTo: p.String(), Direction: d.String(), Verdict: flow.Allow, Code: f.Code, Note: f.Text}
			if k.w.Otherwise(f) {
				h.Verdict = flow.Deny
			}
			return hiddenRule, k.hop(h)
		}
	}
	decided, skip, goOn := k.adminRules(p, d, t, place)
	if !goOn || skip {
		return decided, goOn
	}
	for _, l := range k.levels(p, d) {
		rule, ok := k.level(l, d, t, place)
		if rule != nil {
			decided = rule
		}
		if !ok {
			return decided, false
		}
	}
	return decided, true
}

// sideAsRead asks the assumptions that all gates of a side hang from: its
// interface, subnet and virtual network are provisioned and understood.
func (k *walk) sideAsRead(p position) (flow.Fact, bool) {
	var elements []*topology.Element
	if p.nic != nil {
		elements = append(elements, &p.nic.Element)
	}
	if p.config != nil {
		elements = append(elements, &p.config.Element)
	}
	if p.subnet != nil {
		elements = append(elements, &p.subnet.Element)
	}
	if p.vnet != nil {
		elements = append(elements, &p.vnet.Element)
	}
	for _, e := range elements {
		for _, f := range flow.ElementFacts(e) {
			if !k.w.Holds(f) {
				return f, false
			}
		}
	}
	return flow.Fact{}, true
}

// level asks one NSG of the chain.
func (k *walk) level(l gateAt, d topology.Direction, t flow.Tuple, place *scope.Place) (*nsg.Rule, bool) {
	s := k.s
	unknown := func(f flow.Fact) bool {
		h := Hop{Kind: HopSecurityRules, Name: l.ref.ID().Name(), AppliedTo: l.place, Direction: d.String(), Verdict: flow.Allow, Code: f.Code, Note: f.Text}
		if k.w.Otherwise(f) {
			h.Verdict = flow.Deny
		}
		return k.hop(h)
	}
	if l.unknown != nil {
		f := *l.unknown
		f.Detail += d.String() + t.String()
		return hiddenRule, unknown(f)
	}
	g, ok := s.group(l.ref)
	if !l.ref.IsZero() && (!ok || !g.RulesGiven) {
		name := l.ref.ID().Name()
		return hiddenRule, unknown(flow.Fact{Code: flow.DanglingReference, About: name, Detail: string(l.ref.ID()) + d.String() + t.String() + l.place,
			Text: "the rules of network security group " + name + " are not in the data", Export: "az network nsg show -n " + name + " -g <group> -o json"})
	}
	for _, claim := range s.claims[l.element] {
		if claim.group == g {
			continue
		}
		f := claim.fact(l)
		if k.w.Otherwise(f) {
			if !claim.group.RulesGiven {
				f.Detail += " rules " + d.String() + t.String()
				return hiddenRule, unknown(f)
			}
			g = claim.group
			break
		}
	}
	if g == nil {
		return nil, k.hop(Hop{Kind: HopSecurityRules, AppliedTo: l.place, Direction: d.String(), Verdict: flow.Allow, Code: flow.NoNSG})
	}
	for _, f := range flow.ElementFacts(&g.Element) {
		if !k.w.Holds(f) {
			return hiddenRule, unknown(flow.Fact{Code: flow.UnwaivedAssumption, About: g.Name, Detail: f.Key() + d.String() + l.place, Text: f.Text})
		}
	}
	g = k.version(g)
	gate := s.gate(g, d, place)
	if l.endpoint {
		gate = s.endpointGate(g, place)
	}
	x := k.decide(gate, t)
	h := ruleHop(HopSecurityRules, g.Name, l.place, d, x)
	h.Element, h.Packet = g.ID(), t
	return x.Rule, k.hop(h)
}

// decide asks a gate.
func (k *walk) decide(g *nsg.Gate, t flow.Tuple) nsg.Decision {
	if k.cuts != nil {
		k.cuts.gates[g] = true
	}
	if k.stand != nil {
		return k.stand(g)
	}
	return g.Decide(k.w, t)
}

// exempt subnets are those that security admin rules do not apply to (AVNM).
func exempt(s *topology.Subnet) bool {
	switch strings.ToLower(s.Name) {
	case "azurebastionsubnet", "azurefirewallsubnet", "azurefirewallmanagementsubnet", "gatewaysubnet", "routeserversubnet":
		return true
	}
	return slices.ContainsFunc(s.Delegations, func(d string) bool {
		return strings.EqualFold(d, "Microsoft.Network/applicationGateways")
	})
}

// intentPolicy reports whether the virtual network holds a service because of
// which admin rules are skipped for it as a whole (AVNM).
func intentPolicy(v *topology.VirtualNetwork) bool {
	for _, s := range v.Subnets {
		for _, d := range s.Delegations {
			if strings.EqualFold(d, "Microsoft.Sql/managedInstances") || strings.EqualFold(d, "Microsoft.Databricks/workspaces") {
				return true
			}
		}
	}
	return false
}

// adminRules asks the security admin rules of the virtual network. decided is
// the rule that let the packet through, skip says that AlwaysAllow ends the
// evaluation of this side.
func (k *walk) adminRules(p position, d topology.Direction, t flow.Tuple, place *scope.Place) (decided *nsg.Rule, skip, goOn bool) {
	s := k.s
	const configurations = "Microsoft.Network/networkManagers/securityAdminConfigurations"
	if p.subnet == nil && p.config != nil {
		return k.adminRulesBeyond(p.config.Subnet.ID().Parent(), d, t, s.names.Cut(configurations) != nil)
	}
	if p.vnet == nil || p.subnet == nil || exempt(p.subnet) {
		return nil, false, true
	}
	if s.names.Cut(configurations) != nil {
		f, _ := s.names.Missing(configurations, string(p.vnet.ID())+d.String()+t.String())
		switch k.w.Ask(f, 3) {
		case 1:
			return hiddenRule, false, k.hop(Hop{Kind: HopAdminRules, AppliedTo: "vnet " + p.vnet.Name, Direction: d.String(), Verdict: flow.Deny, Code: f.Code, Note: f.Text})
		case 2:
			return hiddenRule, true, k.hop(Hop{Kind: HopAdminRules, AppliedTo: "vnet " + p.vnet.Name, Direction: d.String(), Verdict: flow.Allow, Code: f.Code, Note: f.Text})
		}
	}
	anywhere := false
	if len(s.anywhere) > 0 {
		f := flow.Fact{Code: flow.DanglingReference, About: "security admin rules", Detail: string(p.vnet.ID()),
			Text: "whether the exported admin rules are effective on " + p.vnet.Name + " is not in the data (name the export after the virtual network)"}
		anywhere = k.w.Otherwise(f)
	}
	if len(s.admin[p.vnet.ID()]) == 0 && !anywhere {
		return nil, false, true
	}
	intent := intentPolicy(p.vnet)
	if intent {
		f := flow.Fact{Code: flow.SourcesConflict, About: p.vnet.Name, Detail: "AllowRulesOnly " + string(p.vnet.ID()),
			Text: "whether allow rules apply to " + p.vnet.Name + ", which holds a service with network intent policies, is a setting of the network manager"}
		if !k.w.Otherwise(f) {
			return nil, false, true
		}
	}
	x := k.decide(s.adminGate(p.vnet, d, place, anywhere, intent), t)
	if x.Access == topology.NoAccess || x.Rule == nil {
		return nil, false, true
	}
	goOn = k.hop(ruleHop(HopAdminRules, "admin rules", "vnet "+p.vnet.Name, d, x))
	return x.Rule, x.Access == topology.AlwaysAllow, goOn
}

// adminRulesBeyond asks the admin rules of a virtual network whose subnet is
// not in the data: where there may be any, they may do anything.
func (k *walk) adminRulesBeyond(v topology.ID, d topology.Direction, t flow.Tuple, cut bool) (decided *nsg.Rule, skip, goOn bool) {
	if !cut && len(k.s.admin[v]) == 0 && len(k.s.anywhere) == 0 {
		return nil, false, true
	}
	f := flow.Fact{Code: flow.DanglingReference, About: v.Name(), Detail: "admin rules " + string(v) + d.String() + t.String(),
		Text: "what admin rules do in the virtual network " + v.Name() + " is not known: its subnet is not in the data", Export: "az network vnet list -o json"}
	h := Hop{Kind: HopAdminRules, AppliedTo: "vnet " + v.Name(), Direction: d.String(), Verdict: flow.Allow, Code: f.Code, Note: f.Text}
	switch k.w.Ask(f, 3) {
	case 1:
		h.Verdict = flow.Deny
		return hiddenRule, false, k.hop(h)
	case 2:
		return hiddenRule, true, k.hop(h)
	}
	return nil, false, true
}

// explicit reports whether the rule names the other side of the packet by
// address or application security group.
func explicit(r *nsg.Rule, d topology.Direction) bool {
	if r == nil || r.Default {
		return false
	}
	if d == topology.Outbound {
		return r.Destination.Explicit
	}
	return r.Source.Explicit
}

// send follows the packet from a position to its end.
func (k *walk) send(p position, t flow.Tuple) {
	if p.nic != nil && !p.forwarding {
		k.seen[passKey(p.nic, t)] = true // back at its start the packet goes round
	}
	for steps := 0; ; steps++ {
		if steps > 32 {
			k.hop(Hop{Kind: HopVirtualAppliance, Name: p.String(), Verdict: flow.Deny, Code: flow.RouteLoop})
			return
		}
		k.outRule = nil
		if p.nic != nil || p.subnet != nil && !p.gateway && p.appliance == nil {
			rule, goOn := k.chain(p, topology.Outbound, t)
			k.outRule = rule
			if !goOn {
				return
			}
		}
		if a := t.Destination.IP; platform(a) {
			k.hop(Hop{Kind: HopPlatform, Name: a.String(), Verdict: flow.Allow, Code: flow.PlatformAddress})
			return
		}
		if p.subnet == nil || p.vnet == nil {
			id := topology.ID("")
			if p.config != nil {
				id = p.config.Subnet.ID()
			} else if p.subnet != nil {
				id = p.subnet.VirtualNetworkID()
			}
			k.opaque(Hop{Kind: HopRoute, Name: id.Name()}, flow.Fact{Code: flow.DanglingReference, About: id.Name(), Detail: string(id) + " routes",
				Text: "the virtual network of " + p.String() + " is not in the data", Export: "az network vnet list -o json"})
			return
		}
		if f, hidden := k.hiddenEndpoint(p.vnet, t.Destination.IP); hidden {
			k.opaque(Hop{Kind: HopPrivateEndpoint, Name: t.Destination.String(), AppliedTo: subnetName(p.subnet)}, f)
			return
		}
		next, tuple, goOn := k.forward(p, t)
		if !goOn {
			return
		}
		p, t = next, tuple
	}
}

// platform reports whether an address is the host's own: no route is asked
// for what goes there, replies to it among them (168).
func platform(a netip.Addr) bool { return a == scope.WireServer || a == scope.IMDS }

// hiddenEndpoint reports whether, in this world, an address of a subnet that
// nothing in the data owns is that of a private endpoint which a cut list left
// out: it has a route and gates of its own.
func (k *walk) hiddenEndpoint(v *topology.VirtualNetwork, a netip.Addr) (flow.Fact, bool) {
	s := k.s
	f, cut := s.names.Missing("Microsoft.Network/privateEndpoints", a.String())
	if !cut || !a.IsValid() {
		return f, false
	}
	for _, x := range k.s.neighbours(k.w, v) {
		if subnetOf(x, a) == nil || len(s.owners(x, a)) > 0 || s.endpointAt(x, a) != nil || s.firewallAt(x, a) != nil {
			continue
		}
		if lb, _ := s.frontendAt(x, a); lb == nil {
			return f, k.w.Otherwise(f)
		}
	}
	return f, false
}

// forward takes the packet over one route. It returns the next position where
// the packet is passed on by an appliance.
func (k *walk) forward(p position, t flow.Tuple) (position, flow.Tuple, bool) {
	s := k.s
	table := s.table(p.subnet)
	if k.cuts != nil {
		k.cuts.tables[table] = true
	}
	d := table.Choose(k.w, t.Destination)
	if d.Doubt != nil {
		k.opaque(Hop{Kind: HopRoute, Name: d.Doubt.About, AppliedTo: subnetName(p.subnet), Note: d.Doubt.Text}, *d.Doubt)
		return p, t, false
	}
	if d.Learned {
		g := s.names.GatewaysOf(p.vnet)
		if !k.hop(Hop{Kind: HopRoute, Name: g.Name, AppliedTo: subnetName(p.subnet), Verdict: flow.Allow, Code: flow.RouteFound,
			NextHopType: topology.NextHopGateway, RouteSource: string(route.Gateway)}) {
			return p, t, false
		}
		k.toGateway(p, t, nil)
		return p, t, false
	}
	r := d.Route
	if r == nil {
		k.hop(Hop{Kind: HopRoute, AppliedTo: subnetName(p.subnet), Verdict: flow.Deny, Code: flow.RouteNone, NextHopType: topology.NextHopNone})
		return p, t, k.blocked(p, t)
	}
	h := routeHop(r, p)
	switch r.NextHop {
	case topology.NextHopNone:
		h.Verdict, h.Code = flow.Deny, flow.RouteNone
		k.hop(h)
		return p, t, k.blocked(p, t)
	case topology.NextHopInternet:
		if k.known(t.Destination) == privateAddress {
			h.Verdict, h.Code, h.Note = flow.Deny, flow.RouteNone, "a private address is not reachable over the Internet"
			k.hop(h)
			return p, t, k.blocked(p, t)
		}
		if k.hop(h) {
			k.toInternet(p, t, r)
		}
	case topology.NextHopGateway:
		if k.hop(h) {
			k.toGateway(p, t, r)
		}
	case topology.NextHopServiceEndpoint:
		if t.Source.Known() {
			h.SourceAddress = t.Source.IP.String() // the service sees the private address (SE)
		}
		if k.elsewhere(nil, t) {
			return p, t, false
		}
		k.hop(h)
	case topology.NextHopPrivateEndpoint:
		if r.Endpoint == nil {
			k.opaque(h, flow.Fact{Code: flow.DanglingReference, About: r.Label(), Detail: "endpoint " + string(p.subnet.ID()),
				Text: "the private endpoint " + r.Label() + " is not in the data", Export: "az network private-endpoint list -o json"})
			return p, t, false
		}
		if k.hop(h) {
			k.toEndpoint(p, t, r)
		}
	case topology.NextHopVirtualAppliance:
		if k.hop(h) {
			return k.toAppliance(p, t, r)
		}
	case topology.NextHopVNetPeering, topology.NextHopGlobalPeering, topology.NextHopConnectedGroup:
		if r.Peering == nil {
			k.opaque(h, flow.Fact{Code: flow.DanglingReference, About: r.Label(), Detail: "peering " + string(p.subnet.ID()),
				Text: "the peering that the route " + r.Label() + " takes is not in the data", Export: "az network vnet list -o json"})
			return p, t, false
		}
		if k.hop(h) {
			k.toPeer(p, t, r.Peering)
		}
	case topology.NextHopVnetLocal:
		if x := k.peeredAt(p.vnet, t.Destination.IP); x != nil {
			k.opaque(h, flow.Fact{Code: flow.SourcesConflict, About: r.Label(), Detail: "VnetLocal of " + string(p.vnet.ID()) + " " + t.Destination.Key(),
				Text: "whether a route with next hop VnetLocal leads over the peering " + x.Name + " is not documented"})
			return p, t, false
		}
		if k.hop(h) {
			k.deliver(p, t, p.vnet)
		}
	default:
		k.opaque(h, flow.Fact{Code: flow.SourcesConflict, About: r.Label(), Detail: "next hop " + string(p.subnet.ID()) + " " + t.Destination.Key(),
			Text: "where a route with next hop " + string(r.NextHop) + " leads is not modelled"})
	}
	return p, t, false
}

// peeredAt is the peering, up in this world, that brings an address which the
// virtual network itself does not hold; nil where there is none.
func (k *walk) peeredAt(v *topology.VirtualNetwork, a netip.Addr) *topology.Peering {
	if contains(v.KnownSpace(), a) {
		return nil
	}
	for _, p := range v.Peerings {
		remote, known := k.s.names.RemotePrefixes(p)
		if known && !contains(remote, a) {
			continue
		}
		if link := k.s.names.Link(v, p); link.Up || link.Fact != nil && k.w.Holds(*link.Fact) {
			return p
		}
	}
	return nil
}

func routeHop(r *route.Route, p position) Hop {
	h := Hop{Kind: HopRoute, Name: r.Name, AppliedTo: subnetName(p.subnet), Verdict: flow.Allow, Code: flow.RouteFound,
		NextHopType: r.NextHop, AddressPrefix: r.Label(), RouteSource: string(r.Source), Origin: originOf(r.Origin)}
	if r.Table != nil {
		h.Name = r.Table.Name
		h.RuleName = r.Name
	}
	if r.NextHopIP.IsValid() {
		h.NextHopIPAddress = r.NextHopIP.String()
	}
	return h
}

// blocked goes on, with all blockers wanted, to the inbound gates of the
// destination's interface (verdicts.md 25).
func (k *walk) blocked(p position, t flow.Tuple) bool {
	if !k.all || k.ended {
		return false
	}
	for _, v := range k.s.neighbours(k.w, p.vnet) {
		if o := k.s.owners(v, t.Destination.IP); len(o) == 1 {
			k.chain(k.s.at(o[0].Interface, o[0].Configuration), topology.Inbound, t)
			break
		}
	}
	k.ended = true
	return false
}

type addressClass uint8

const (
	publicAddress addressClass = iota
	privateAddress
)

func (k *walk) known(a flow.Address) addressClass {
	if a.IP.IsValid() && !scope.IsPublic(a.IP) {
		return privateAddress
	}
	return publicAddress
}

// toPeer crosses a peering and delivers in the remote virtual network.
func (k *walk) toPeer(p position, t flow.Tuple, peering *topology.Peering) {
	if p.gateway && !k.s.transit(p.vnet, peering) {
		f := flow.Fact{Code: flow.SourcesConflict, About: peering.Name, Detail: string(p.vnet.ID()) + " transit",
			Text: "whether traffic from a gateway crosses a peering without gateway transit is not documented"}
		h := Hop{Kind: HopPeering, Name: peering.Name, AppliedTo: p.vnet.Name + " → " + peering.RemoteVirtualNetwork.ID().Name(),
			Verdict: flow.Allow, Code: f.Code, Origin: originOf(peering.Origin)}
		if k.w.Otherwise(f) {
			h.Verdict = flow.Deny
		}
		if !k.hop(h) {
			return
		}
	}
	remote, goOn := k.cross(p, t, peering, t.Destination.IP)
	if goOn {
		k.deliver(p, t, remote)
	}
}

// cross takes the packet over a peering towards an address of the remote
// virtual network: the destination, or an appliance.
func (k *walk) cross(p position, t flow.Tuple, peering *topology.Peering, to netip.Addr) (*topology.VirtualNetwork, bool) {
	s := k.s
	remote, back := s.names.Back(p.vnet, peering)
	h := Hop{Kind: HopPeering, Name: peering.Name, AppliedTo: p.vnet.Name + " → " + peering.RemoteVirtualNetwork.ID().Name(),
		Verdict: flow.Allow, Code: flow.RouteFound, Origin: originOf(peering.Origin)}
	if !k.depends(&peering.Element) || back != nil && !k.depends(&back.Element) {
		return nil, false
	}
	conflict := flow.Fact{Code: flow.SourcesConflict, About: peering.Name, Detail: string(p.vnet.ID()) + " access",
		Text: "whether a peering with allowVirtualNetworkAccess false stops traffic that a rule names explicitly is in dispute between the documents of 2018 and later ones"}
	switch {
	case peering.AllowVirtualNetworkAccess == topology.Off:
		h.Code, h.Verdict = flow.PeeringAccessDisabled, flow.Deny
		if explicit(k.outRule, topology.Outbound) && (remote == nil || explicit(k.inboundRule(remote, t, to), topology.Inbound)) {
			h.Code = conflict.Code
			if !k.w.Otherwise(conflict) {
				h.Verdict = flow.Allow
			}
		}
		if !k.hop(h) {
			return nil, false
		}
	case back != nil && back.AllowVirtualNetworkAccess == topology.Off:
		conflict.Text = "whether a peering whose remote side has allowVirtualNetworkAccess false carries traffic is in dispute"
		h.Code = conflict.Code
		if k.w.Otherwise(conflict) {
			h.Verdict = flow.Deny
		}
		if !k.hop(h) {
			return nil, false
		}
	default:
		k.hop(h)
	}
	// Traffic that did not start in the sending network counts as forwarded
	// for the receiving one (verdicts.md 3, 23).
	if remote != nil && (back == nil || back.AllowForwardedTraffic != topology.On) && !contains(p.vnet.KnownSpace(), t.Source.IP) {
		f := flow.Fact{Code: flow.PeeringForwardedTraffic, About: peering.Name, Detail: string(remote.ID()) + string(p.vnet.ID()),
			Text: "whether a peering with allowForwardedTraffic false stops forwarded traffic, or only narrows the tag VirtualNetwork, is in dispute"}
		h := Hop{Kind: HopPeering, Name: peering.Name, AppliedTo: remote.Name + " ← " + p.vnet.Name, Verdict: flow.Allow, Code: f.Code, Origin: originOf(peering.Origin)}
		if back != nil {
			f.About, h.Name, h.Origin = back.Name, back.Name, originOf(back.Origin)
		}
		if k.w.Otherwise(f) {
			h.Verdict = flow.Deny
		}
		if !k.hop(h) {
			return nil, false
		}
	}
	if remote == nil {
		name := peering.RemoteVirtualNetwork.ID().Name()
		k.opaque(Hop{Kind: HopPeering, Name: peering.Name}, flow.Fact{Code: flow.DanglingReference, About: name, Detail: "remote gates " + string(peering.RemoteVirtualNetwork.ID()),
			Text: "the peered virtual network " + name + " is not in the data", Export: "az network vnet show -n " + name + " -g <group> -o json"})
		return nil, false
	}
	return remote, true
}

func contains(list []netip.Prefix, a netip.Addr) bool {
	return a.IsValid() && slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

// inboundRule is the rule by which the far side would let the packet in, nil
// where it would not or no rule decides.
func (k *walk) inboundRule(v *topology.VirtualNetwork, t flow.Tuple, to netip.Addr) *nsg.Rule {
	if !to.IsValid() || k.s.endpointAt(v, to) != nil || k.s.firewallAt(v, to) != nil {
		return hiddenRule
	}
	if lb, _ := k.s.frontendAt(v, to); lb != nil {
		return hiddenRule
	}
	var at position
	if o := k.s.owners(v, to); len(o) > 0 {
		x := k.one(o, to)
		at = k.s.at(x.Interface, x.Configuration)
	} else if sub := subnetOf(v, to); sub != nil {
		at = k.s.in(sub)
	} else {
		return hiddenRule
	}
	peek := &walk{s: k.s, w: k.w, seen: map[string]bool{}, cuts: k.cuts}
	rule, ok := peek.chain(at, topology.Inbound, t)
	if !ok || peek.denied {
		return nil
	}
	return rule
}

// deliver brings the packet to its destination address in a virtual network.
func (k *walk) deliver(p position, t flow.Tuple, v *topology.VirtualNetwork) {
	s := k.s
	a := t.Destination.IP
	if k.elsewhere(v, t) {
		return
	}
	if !a.IsValid() {
		k.opaque(Hop{Kind: HopRoute, Name: v.Name}, flow.Fact{Code: flow.UnknownTag, About: t.Destination.Tag, Detail: "delivery in " + string(v.ID()),
			Text: "the addresses of the service tag " + t.Destination.Tag + " are not known"})
		return
	}
	owners := s.owners(v, a)
	if pe := s.endpointAt(v, a); pe != nil {
		// Its interface is not asked: what stands before it is an endpoint's.
		owners = slices.DeleteFunc(owners, func(o topology.Owner) bool {
			return o.Interface.PrivateEndpoint.ID() == pe.ID() || slices.ContainsFunc(pe.NetworkInterfaces, func(r topology.Ref) bool { return r.ID() == o.Interface.ID() })
		})
	}
	if len(owners) == 0 {
		k.unowned(p, t, v)
		return
	}
	to := k.one(owners, a)
	k.arrive(p, t, s.at(to.Interface, to.Configuration))
}

// elsewhere denies a packet whose address leads to another virtual network, nil
// for the Internet, than what was asked for is in.
func (k *walk) elsewhere(v *topology.VirtualNetwork, t flow.Tuple) bool {
	if k.home == "" || v != nil && v.ID() == k.home {
		return false
	}
	h := Hop{Kind: HopRoute, Name: "Internet", Verdict: flow.Deny, Code: flow.DeliveredElsewhere}
	if v != nil {
		h.Name = v.Name
	}
	h.Note = t.Destination.String() + " leads into " + h.Name + ", not into " + k.home.Name()
	k.hop(h)
	k.ended = true
	return true
}

// one chooses among interfaces that claim one address.
func (k *walk) one(owners []topology.Owner, a netip.Addr) topology.Owner {
	if len(owners) == 1 {
		return owners[0]
	}
	f := flow.Fact{Code: flow.AddressOwnedTwice, About: a.String(), Detail: ownerIDs(owners), Text: "several interfaces own " + a.String()}
	return owners[k.w.Ask(f, len(owners))]
}

// ownerIDs names the owners in the keys of facts.
func ownerIDs(owners []topology.Owner) string {
	var b strings.Builder
	for _, o := range owners {
		b.WriteString(string(o.Interface.ID()))
		b.WriteByte(' ')
	}
	return b.String()
}

// arrive asks the gates of the destination's side and the way back.
func (k *walk) arrive(p position, t flow.Tuple, to position) {
	if to.vnet != nil && k.elsewhere(to.vnet, t) || k.astray(to) {
		return
	}
	if _, goOn := k.chain(to, topology.Inbound, t); !goOn {
		return
	}
	if !k.guest(to, t) {
		return
	}
	k.wayBack(p, t, to)
}

// astray denies a packet that comes to another interface than the one it is
// asked for.
func (k *walk) astray(to position) bool {
	if k.proxyGuest || to.config == nil || len(k.aim) == 0 || slices.Contains(k.aim, to.config) {
		return false
	}
	k.hop(Hop{Kind: HopEntry, Name: to.String(), Verdict: flow.Deny, Code: flow.DeliveredElsewhere, Note: "it leads to " + to.String()})
	k.ended = true
	return true
}

// aimed are those of some backends that the packet is asked for; all of them
// where it is asked for none.
func (k *walk) aimed(list []topology.Owner) (hit []topology.Owner, ok bool) {
	for _, o := range list {
		if slices.Contains(k.aim, o.Configuration) {
			hit = append(hit, o)
		}
	}
	if len(hit) == 0 {
		return list, false
	}
	return hit, true
}

// guest asks the guest's own firewall, which counts only where it is given
// (spec/verdicts.md, scope).
func (k *walk) guest(to position, t flow.Tuple) bool {
	vm := k.s.vm(to.nic)
	if vm != nil && vm.HostFirewall != nil {
		return k.hostFirewall(vm, to, t)
	}
	if !k.proxyGuest || to.nic == nil {
		return true
	}
	name := to.nic.Name
	if vm != nil {
		name = vm.Name
	}
	f := flow.Fact{Assumption: flow.HostFirewallOpen, About: name, Detail: string(to.nic.ID()), Text: "the guest firewall of " + name + ", which is not given, lets the packet in"}
	h := Hop{Kind: HopHostFirewall, Name: name, AppliedTo: "guest " + name, Direction: "Inbound", Verdict: flow.Allow, Code: flow.HostFirewallAllow, Note: "not given"}
	if !k.w.Holds(f) {
		h.Verdict, h.Code = flow.Deny, flow.HostFirewallDeny
	}
	return k.hop(h)
}

func (k *walk) hostFirewall(vm *topology.VirtualMachine, to position, t flow.Tuple) bool {
	fw := vm.HostFirewall
	h := Hop{Kind: HopHostFirewall, Name: vm.Name, AppliedTo: "guest " + vm.Name, Direction: "Inbound", Origin: originOf(fw.Origin), Element: vm.ID(), Packet: t}
	access := fw.InboundDefault
	for _, r := range fw.Inbound {
		if r.Protocol != topology.AnyProtocol && r.Protocol != t.Protocol {
			continue
		}
		if !t.Protocol.HasPorts() && r.Protocol == topology.AnyProtocol && len(r.LocalPorts) > 0 && !slices.Contains(r.LocalPorts, topology.AllPorts) &&
			k.w.Holds(flow.Fact{Assumption: flow.ICMPNeedsAllPorts, Text: "a rule for every protocol that names ports does not match ICMP, ESP and AH"}) {
			continue
		}
		if t.Protocol.HasPorts() && len(r.LocalPorts) > 0 && !slices.ContainsFunc(r.LocalPorts, func(p topology.PortRange) bool { return p.Contains(t.DestinationPort) }) {
			continue
		}
		if len(r.Remote) > 0 && !k.anySet(k.s.names.At(to.subnet), r.Remote, t.Source) {
			continue
		}
		access = r.Access
		h.RuleName, h.Origin = r.Name, originOf(r.Origin)
		break
	}
	if access == topology.NoAccess {
		f := flow.Fact{Assumption: flow.HostFirewallOpen, About: vm.Name, Detail: string(to.nic.ID()), Text: "the guest firewall of " + vm.Name + " lets the packet in; its default is not given"}
		access = topology.Allow
		if !k.w.Holds(f) {
			access = topology.Deny
		}
	}
	h.Verdict, h.Code = flow.Allow, flow.HostFirewallAllow
	if access == topology.Deny {
		h.Verdict, h.Code = flow.Deny, flow.HostFirewallDeny
	}
	return k.hop(h)
}

func (k *walk) anySet(p *scope.Place, list []topology.AddressPrefix, a flow.Address) bool {
	for _, x := range list {
		set := p.Resolve(x)
		if k.cuts != nil {
			for _, c := range set.Constants() {
				k.cuts.sets[c] = true
			}
		}
		if set.Has(k.w, a, false) {
			return true
		}
	}
	return false
}

// unowned delivers to an address that no interface in the data owns: a load
// balancer's frontend, a private endpoint, or the subnet alone (verdicts.md 21).
func (k *walk) unowned(p position, t flow.Tuple, v *topology.VirtualNetwork) {
	s := k.s
	a := t.Destination.IP
	if pe := s.endpointAt(v, a); pe != nil {
		k.endpoint(p, t, pe)
		return
	}
	if lb, f := s.frontendAt(v, a); lb != nil {
		k.balance(p, t, lb, f)
		return
	}
	if fw := s.firewallAt(v, a); fw != nil {
		k.opaque(Hop{Kind: HopFirewall, Name: fw.Name, AppliedTo: "firewall " + fw.Name}, flow.Fact{Code: flow.FirewallContentUnknown, About: fw.Name, Detail: string(fw.ID()) + t.String(),
			Text: "whether the firewall " + fw.Name + " itself answers is not documented"})
		return
	}
	sub := subnetOf(v, a)
	if sub == nil {
		h := Hop{Kind: HopRoute, Name: v.Name, Verdict: flow.Deny, Code: flow.NoSubnetAtDestination, Note: "no subnet of " + v.Name + " holds " + a.String()}
		open := slices.ContainsFunc(v.Subnets, func(x *topology.Subnet) bool { return x.AddressPrefixUnknown })
		if len(v.Subnets) > 0 && !open && !v.Stub {
			k.hop(h)
			k.ended = true
			return
		}
		k.opaque(h, flow.Fact{Code: flow.NoSubnetAtDestination, About: v.Name, Detail: string(v.ID()) + a.String(),
			Text: "the subnets of " + v.Name + " are not in the data", Export: "az network vnet show -n " + v.Name + " -g <group> -o json"})
		return
	}
	if f, cut := s.names.Missing("Microsoft.Network/networkInterfaces", a.String()); cut && k.w.Otherwise(f) {
		k.opaque(Hop{Kind: HopSecurityRules, AppliedTo: subnetName(sub)}, f)
		return
	}
	if f, cut := s.names.Missing("Microsoft.Network/loadBalancers", a.String()); cut && k.w.Otherwise(f) {
		k.opaque(Hop{Kind: HopEntry, AppliedTo: subnetName(sub)}, f)
		return
	}
	for _, ref := range sub.PrivateEndpointRefs {
		if _, ok := topology.Lookup[*topology.PrivateEndpoint](s.net, ref); ok {
			continue
		}
		f := flow.Fact{Code: flow.DanglingReference, About: ref.ID().Name(), Detail: string(ref.ID()) + " at " + a.String(),
			Text: "the private endpoint " + ref.ID().Name() + " of " + subnetName(sub) + " is not in the data", Export: "az network private-endpoint list -o json"}
		if k.w.Otherwise(f) {
			k.opaque(Hop{Kind: HopPrivateEndpoint, AppliedTo: subnetName(sub)}, f)
			return
		}
	}
	f := flow.Fact{Assumption: flow.NoNICAtDestination, About: subnetName(sub), Detail: string(sub.ID()) + a.String(),
		Text: "no interface in the data owns " + a.String() + ": the gates of " + subnetName(sub) + " alone are asked"}
	if !k.w.Holds(f) {
		k.hop(Hop{Kind: HopSecurityRules, AppliedTo: subnetName(sub), Verdict: flow.Deny, Code: flow.UnwaivedAssumption, Note: "nothing takes the packet"})
		k.ended = true
		return
	}
	k.arrive(p, t, s.in(sub))
}

// wayBack checks that replies can return (verdicts.md 20). The way back of a
// flow that came in from the Internet must not lead through an appliance or a
// gateway.
func (k *walk) wayBack(p position, t flow.Tuple, to position) {
	if to.subnet == nil || to.vnet == nil || platform(t.Source.IP) {
		return
	}
	table := k.s.table(to.subnet)
	if k.cuts != nil {
		k.cuts.tables[table] = true
	}
	d := table.Choose(k.w, t.Source)
	if d.Doubt != nil {
		k.opaque(Hop{Kind: HopReturn, Name: d.Doubt.About, AppliedTo: subnetName(to.subnet), Note: "the way back: " + d.Doubt.Text}, *d.Doubt)
		return
	}
	fromInternet := p.internet || k.via.IsValid()
	if d.Learned {
		if fromInternet {
			k.hop(Hop{Kind: HopReturn, AppliedTo: subnetName(to.subnet), Verdict: flow.Deny, Code: flow.ReturnPathAsymmetric, NextHopType: topology.NextHopGateway})
		}
		return
	}
	if d.Route == nil || d.Route.NextHop == topology.NextHopNone ||
		d.Route.NextHop == topology.NextHopInternet && k.known(t.Source) == privateAddress {
		if t.Protocol == topology.TCP {
			h := Hop{Kind: HopReturn, AppliedTo: subnetName(to.subnet), Verdict: flow.Deny, Code: flow.ReturnNoRoute, NextHopType: topology.NextHopNone}
			if d.Route != nil {
				h = routeHop(d.Route, to)
				h.Kind, h.Verdict, h.Code = HopReturn, flow.Deny, flow.ReturnNoRoute
			}
			k.hop(h)
		}
		return
	}
	back := d.Route.NextHop
	through := back == topology.NextHopVirtualAppliance || back == topology.NextHopGateway
	if fromInternet {
		if through && (!k.via.IsValid() || d.Route.NextHopIP != k.via) {
			h := routeHop(d.Route, to)
			h.Kind, h.Verdict, h.Code = HopReturn, flow.Deny, flow.ReturnPathAsymmetric
			k.hop(h)
		}
		return
	}
	ip := d.Route.NextHopIP.String()
	switch {
	case back == topology.NextHopVirtualAppliance && !slices.Contains(k.appliances, ip):
		if t.Protocol == topology.TCP && d.Route.NextHopIP != t.Source.IP && !k.repliesPass(to, d.Route) {
			return
		}
		k.note("the way back is asymmetric: replies leave %s through the appliance %s, which the packet did not pass", subnetName(to.subnet), ip)
	case back != topology.NextHopVirtualAppliance && len(k.appliances) > 0 && p.nic != nil && p.forwarding:
		k.note("the way back is asymmetric: replies leave %s by %s and do not pass the appliance %s", subnetName(to.subnet), back, k.appliances[len(k.appliances)-1])
	}
}

// repliesPass reports whether the appliance that replies are sent to can pass
// them on: one whose interface does not forward drops them (spec 6.4), of one
// that nothing in the data owns it is not known.
func (k *walk) repliesPass(from position, r *route.Route) bool {
	owner, found := k.s.nextHop(from.vnet, r.NextHopIP)
	h := routeHop(r, from)
	h.Kind = HopReturn
	switch {
	case !found:
		k.opaque(h, flow.Fact{Code: flow.NVANotFound, About: r.NextHopIP.String(), Detail: "replies " + string(from.subnet.ID()),
			Text: "replies leave through " + r.NextHopIP.String() + ", which no interface, load balancer or firewall in the data owns", Export: "az network nic list -o json"})
		return false
	case owner.Interface != nil && owner.Interface.EnableIPForwarding == topology.Unset:
		k.opaque(h, flow.Fact{Code: flow.NVANoForwarding, About: owner.Interface.Name, Detail: "replies " + string(owner.Interface.ID()),
			Text: "whether " + owner.Interface.Name + ", which replies are sent to, forwards is not in the data", Export: "az network nic show -n " + owner.Interface.Name + " -g <group> -o json"})
		return false
	case owner.Interface != nil && owner.Interface.EnableIPForwarding == topology.Off:
		h.Verdict, h.Code = flow.Deny, flow.ReturnNoRoute
		h.Note = "replies are sent to " + owner.Interface.Name + ", which does not forward"
		return k.hop(h)
	}
	return true
}
