package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/route"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

func asymmetricReturn() *Rule {
	return &Rule{
		ID: "NP1205", Name: "asymmetric-return", Severity: Warning,
		Short: "Packets go one way and their replies another, past a stateful appliance",
		Why:   `Replies follow the routes of the subnet that sends them. A machine with a public way in whose subnet sends the Internet to an appliance or a gateway answers through that, and the connection never stands (UDR): certain, and an error. Between subnets, an appliance that sees only one half of a connection drops it if it keeps state, and inspects nothing of the answer if it does not; it is well where the appliance translates the source to its own address.`,
		Fix:   "Give both subnets routes through the same appliance, or neither.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: hub, addressPrefix: 10.0.0.0/24, networkSecurityGroup: nsg}
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg, routeTable: rt-app}
      - {name: db, addressPrefix: 10.0.2.0/24, networkSecurityGroup: nsg}
networkSecurityGroups: [{name: nsg}]
routeTables:
  - name: rt-app
    routes:
      - {name: db-through-nva, addressPrefix: 10.0.2.0/24, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.0.10}
virtualMachines:
  - name: nva
    networkInterfaces: [{name: nva-nic, subnet: v1/hub, privateIPAddress: 10.0.0.10, enableIPForwarding: true}]
  - name: app1
    networkInterfaces: [{name: app1-nic, subnet: v1/app, privateIPAddress: 10.0.1.4}]
  - name: db1
    networkInterfaces: [{name: db1-nic, subnet: v1/db, privateIPAddress: 10.0.2.4}]
`,
		check: checkAsymmetricReturn,
	}
}

func checkAsymmetricReturn(run *Run, report func(Finding)) {
	run.asymmetricFromInternet(report)
	run.asymmetricInside(report)
}

// asymmetricFromInternet finds public ways in to machines whose replies leave
// another way.
func (run *Run) asymmetricFromInternet(report func(Finding)) {
	internet, err := run.Sim.NamedEnd("Internet")
	if err != nil {
		return
	}
	diverts := map[*topology.Subnet]bool{}
	for _, e := range run.entries() {
		if !e.known {
			continue
		}
		o := e.owners[0]
		sub, _ := topology.Lookup[*topology.Subnet](run.Network, o.Configuration.Subnet)
		if run.Network.VirtualNetworkOf(sub) == nil {
			continue
		}
		if _, known := diverts[sub]; !known {
			diverts[sub] = mayDivert(run.routes(sub))
		}
		if !diverts[sub] {
			continue
		}
		for _, port := range run.portsLetIn(o) {
			if f := run.lost(internet, e.owners, sub, port); f != nil {
				report(*f)
				break
			}
		}
	}
}

// portsLetIn are ports at which rules may let in a packet from the Internet,
// the first of each range.
func (run *Run) portsLetIn(o topology.Owner) []uint16 {
	out := []uint16{443}
	for _, g := range run.gates(o) {
		for _, r := range g.SecurityRules {
			if r.Direction != topology.Inbound || r.Access != topology.Allow {
				continue
			}
			for _, p := range r.Destination.Ports {
				if !p.Contains(443) && !slices.Contains(out, p.First) {
					out = append(out, p.First)
				}
			}
		}
	}
	return slices.DeleteFunc(out, func(p uint16) bool { return !run.mayLetIn(o, topology.TCP, p) })
}

// lost says that connections from the Internet to a port are let in and their
// replies leave another way, nil where that is not certain of any.
func (run *Run) lost(internet sim.End, alike []topology.Owner, sub *topology.Subnet, port uint16) *Finding {
	o := alike[0]
	t, err := run.Sim.TraceEnds(sim.TraceQuestion{Protocol: topology.TCP, Port: port}, internet, run.Sim.InterfaceEnd(o))
	if err != nil {
		return nil
	}
	var b netipx.IPSetBuilder
	var first *portion
	for _, p := range portions(t, internet.Addresses(o.Configuration.PrivateIPAddress.Is6())) {
		if p.Verdict == flow.Deny && p.Code == flow.ReturnPathAsymmetric && p.source != nil {
			b.AddSet(p.source)
			if first == nil {
				first = &p
			}
		}
	}
	set, _ := b.IPSet() // of sets: no error
	set = difference(set, run.inside())
	if first == nil || empty(set) {
		return nil
	}
	var machines []string
	for _, o := range alike {
		machines = append(machines, fmt.Sprintf("%s (%s)", run.shortName(o.Interface), o.Configuration.PrivateIPAddress))
	}
	f := &Finding{Subject: o.Interface.ID(), Origin: o.Interface.Origin, Severity: Error, Assumptions: first.Assumptions,
		Text: fmt.Sprintf("connections from %s to %s on tcp/%d are let in, but replies leave %s another way: none of them stands", public(set), oneOrMore("machine", machines), port, subnetName(sub)),
		Fix:  "Let the connections in through the appliance or firewall that the replies leave by (a DNAT rule, or a load balancer before it), or route the addresses of the clients to Internet."}
	for _, h := range first.Hops {
		if h.Kind == sim.HopReturn && h.Origin != nil {
			f.Related = append(f.Related, Related{Text: strings.TrimSpace("the way back: " + h.AddressPrefix + " to " + string(h.NextHopType) + " " + h.NextHopIPAddress), Origin: *h.Origin})
		}
	}
	for _, o := range alike[1:min(len(alike), maxRelated)] {
		f.Related = append(f.Related, Related{Text: run.machineName(o.Interface), Origin: o.Interface.Origin})
	}
	return f
}

// mayDivert reports whether a route that is known may send public addresses to
// an appliance or a gateway.
func mayDivert(t *route.Table) bool {
	return slices.ContainsFunc(t.Routes, func(r *route.Route) bool {
		return (r.NextHop == topology.NextHopVirtualAppliance || r.NextHop == topology.NextHopGateway) &&
			(!r.Prefix.IsValid() || scope.PublicSpace().OverlapsPrefix(r.Prefix))
	})
}

// routes are the effective routes of a subnet whose virtual network is in the
// data.
func (run *Run) routes(sub *topology.Subnet) *route.Table {
	return route.New(run.Network, run.Sim.Names(), sub)
}

// hop is where the routes of a subnet send an address for certain, and what
// that rests on; nil where the data leaves it open.
func (run *Run) hop(t *route.Table, a netip.Addr) (*route.Route, []flow.Assumption) {
	choose := func(w *flow.World) *route.Route {
		if d := t.Choose(w, flow.At(a)); d.Doubt == nil && !d.Learned {
			return d.Route
		}
		return nil
	}
	usual := flow.Explore(func(w *flow.World) (bool, *route.Route) { return true, choose(w) }, nil).Walk
	if usual == nil {
		return nil, nil
	}
	same := flow.Explore(func(w *flow.World) (bool, struct{}) { return choose(w) == usual, struct{}{} },
		func(f flow.Fact) bool { return run.Sim.Waived(f.Assumption, f.About) })
	switch {
	case run.Sim.Strict() && same.Strict == flow.Allow:
		return usual, nil
	case !run.Sim.Strict() && same.Verdict == flow.Allow:
		return usual, same.Assumptions
	default:
		return nil, nil
	}
}

// asymmetricInside finds user-defined routes to an appliance, between machines
// of the estate, whose replies do not pass it.
func (run *Run) asymmetricInside(report func(Finding)) {
	type stop struct {
		nic  *topology.NetworkInterface
		addr netip.Addr
	}
	machines := map[*topology.Subnet][]stop{}
	var subnets []*topology.Subnet
	for _, nic := range run.Network.NetworkInterfaces {
		if !nic.PrivateEndpoint.IsZero() {
			continue
		}
		for _, c := range nic.IPConfigurations {
			sub, ok := topology.Lookup[*topology.Subnet](run.Network, c.Subnet)
			if !ok || !c.PrivateIPAddress.IsValid() || run.Network.VirtualNetworkOf(sub) == nil {
				continue
			}
			if machines[sub] == nil {
				subnets = append(subnets, sub)
			}
			machines[sub] = append(machines[sub], stop{nic, c.PrivateIPAddress})
		}
	}
	type found struct {
		from, to []string
		route    *route.Route
		back     *route.Route
		rests    []flow.Assumption
		example  [2]netip.Addr
	}
	var order []*topology.Route
	byRoute := map[*topology.Route]*found{}
	tables := map[*topology.Subnet]*route.Table{}
	routes := func(s *topology.Subnet) *route.Table {
		if tables[s] == nil {
			tables[s] = run.routes(s)
		}
		return tables[s]
	}
	type way struct {
		route *route.Route
		rests []flow.Assumption
	}
	backs := map[*topology.Subnet]map[netip.Addr]way{}
	for _, from := range subnets {
		table, ok := topology.Lookup[*topology.RouteTable](run.Network, from.RouteTable)
		if !ok {
			continue
		}
		for _, user := range table.Routes {
			prefix := user.Destination.Prefix
			if user.NextHop != topology.NextHopVirtualAppliance || user.Destination.Kind != topology.PrefixAddress || !user.NextHopIP.IsValid() {
				continue
			}
			via := run.Network.Owners(user.NextHopIP)
			isAppliance := func(x stop) bool {
				return x.addr == user.NextHopIP || slices.ContainsFunc(via, func(o topology.Owner) bool { return run.sameMachine(o.Interface, x.nic) })
			}
			start := machines[from][0]
			home := run.applianceSubnet(user.NextHopIP)
			if isAppliance(start) || home == nil {
				continue
			}
			for _, to := range subnets {
				if to == from || !overlapsAny(to.Prefixes, prefix) || !run.near(to, from) {
					continue
				}
				for _, x := range machines[to] {
					if !prefix.Contains(x.addr) || isAppliance(x) || x.addr.Is6() != start.addr.Is6() {
						continue
					}
					there, rests := run.hop(routes(from), x.addr)
					if there == nil || there.Source != route.User || there.NextHopIP != user.NextHopIP || there.Prefix != prefix {
						break // another route takes it, or it is not known which
					}
					on, after := run.hop(routes(home), x.addr)
					if on == nil || !straight(on) {
						break // the packet goes elsewhere from there
					}
					if backs[to] == nil {
						backs[to] = map[netip.Addr]way{}
					}
					back, known := backs[to][start.addr]
					if !known {
						back.route, back.rests = run.hop(routes(to), start.addr)
						backs[to][start.addr] = back
					}
					if back.route == nil || !straight(back.route) {
						break
					}
					f := byRoute[user]
					if f == nil {
						f = &found{route: there, back: back.route, rests: together(together(rests, after), back.rests), example: [2]netip.Addr{start.addr, x.addr}}
						byRoute[user] = f
						order = append(order, user)
					}
					f.from, f.to = addNew(f.from, subnetName(from)), addNew(f.to, subnetName(to))
					break // one machine of a subnet shows it
				}
			}
		}
	}
	for _, user := range order {
		f := byRoute[user]
		report(Finding{Subject: f.route.Table.ID(), Name: user.Name, Origin: user.Origin, Assumptions: f.rests,
			Text: fmt.Sprintf("route %s sends packets of %s for %s through %s, and the replies come straight back (%s to %s by %s)",
				quoted(user.Name), oneOrMore("subnet", f.from), fewOf(f.to), user.NextHopIP, f.example[1], f.example[0], f.back.NextHop),
			Fix: fmt.Sprintf("Give %s a route back to %s with the next hop %s, or remove route %s; an appliance that translates the source to its own address needs neither.",
				oneOrMore("subnet", f.to), fewOf(f.from), user.NextHopIP, quoted(user.Name))})
	}
}

// together is two lists of assumptions as one, each once.
func together(a, b []flow.Assumption) []flow.Assumption {
	out := slices.Clone(a)
	for _, x := range b {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// straight reports whether a route hands packets to the other machine without
// anything between.
func straight(r *route.Route) bool {
	switch r.NextHop {
	case topology.NextHopVnetLocal, topology.NextHopVNetPeering, topology.NextHopGlobalPeering, topology.NextHopConnectedGroup:
		return true
	}
	return false
}

// near reports whether packets can go from one subnet straight to another: they
// are in one virtual network, or the first one's is peered with the other's.
func (run *Run) near(from, to *topology.Subnet) bool {
	if from.VirtualNetworkID() == to.VirtualNetworkID() {
		return true
	}
	v := run.Network.VirtualNetworkOf(from)
	return slices.ContainsFunc(v.Peerings, func(p *topology.Peering) bool { return p.RemoteVirtualNetwork.ID() == to.VirtualNetworkID() })
}

func overlapsAny(list []netip.Prefix, p netip.Prefix) bool {
	return slices.ContainsFunc(list, func(q netip.Prefix) bool { return q.Overlaps(p) })
}

func addNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// sameMachine reports whether two interfaces are one, or of one machine.
func (run *Run) sameMachine(a, b *topology.NetworkInterface) bool {
	vm := run.machines()[a.ID()]
	return a == b || vm != nil && vm == run.machines()[b.ID()]
}

// applianceSubnet is the subnet where an interface, an internal load balancer or
// a firewall has the address; nil where the data has none.
func (run *Run) applianceSubnet(a netip.Addr) *topology.Subnet {
	var in topology.Ref
	for _, o := range run.Network.Owners(a) {
		in = o.Configuration.Subnet
	}
	for _, lb := range run.Network.LoadBalancers {
		for _, f := range lb.Frontends {
			if f.PrivateIPAddress == a {
				in = f.Subnet
			}
		}
	}
	for _, f := range run.Network.AzureFirewalls {
		if f.PrivateIPAddress == a {
			in = f.Subnet
		}
	}
	s, ok := topology.Lookup[*topology.Subnet](run.Network, in)
	if !ok || run.Network.VirtualNetworkOf(s) == nil {
		return nil
	}
	return s
}
