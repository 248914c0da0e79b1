package oracle

import (
	"net/netip"
	"strings"
	"time"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// Options are the settings of an [Oracle]. The zero value is usable: without
// AsOf the service tag file is of unknown age.
type Options struct {
	AsOf           time.Time      // today
	CatalogueDate  time.Time      // of the service tag file; zero: its own date
	VirtualNetwork []netip.Prefix // content of VirtualNetwork for an NSG alone; nil: not given
	MaxCompletions int            // beyond it an answer is marked Beyond; 0 is 1<<16
}

// Oracle answers questions about one estate. It is immutable and safe for
// concurrent use.
type Oracle struct {
	n       *topology.Network
	options Options

	groups       map[topology.ID]*nsg
	tables       map[topology.ID]*table
	admin        map[topology.ID]*adminRules
	vnets        []*vnet
	vnetByID     map[topology.ID]*vnet
	subnetByID   map[topology.ID]*subnet
	endpoints    []*endpoint
	endpointByID map[topology.ID]*endpoint
	endpointOf   map[*topology.IPConfiguration]*endpoint
	strays       []*endpoint                                     // their virtual network is not in the data
	strayPrivate map[topology.ID]map[netip.Addr]*privateEndpoint // by the virtual network, which is not in the data
	machineOf    map[topology.ID]*topology.VirtualMachine
	gateways     []*gateway
	firewalls    []*firewall
	balancers    []*balancer
	pools        map[topology.ID]*pool
	publicAt     map[netip.Addr]*publicIP
	publicByID   map[topology.ID]*publicIP

	tags       map[string][]netip.Prefix // service tags by folded name
	regions    map[string]string         // "storage@westeurope": folded name of the regional tag
	stale      bool
	boundaries []netip.Addr
	routed     []netip.Prefix // every prefix that boundaries are of
	cuts       []string       // resource types of which something is missing; "" is all
}

// New reads an estate.
func New(n *topology.Network, options Options) *Oracle {
	if options.MaxCompletions == 0 {
		options.MaxCompletions = 1 << 16
	}
	o := &Oracle{
		n: n, options: options,
		vnetByID:     map[topology.ID]*vnet{},
		strayPrivate: map[topology.ID]map[netip.Addr]*privateEndpoint{}, subnetByID: map[topology.ID]*subnet{},
		endpointByID: map[topology.ID]*endpoint{}, endpointOf: map[*topology.IPConfiguration]*endpoint{},
		machineOf: map[topology.ID]*topology.VirtualMachine{}, pools: map[topology.ID]*pool{},
		publicAt: map[netip.Addr]*publicIP{}, publicByID: map[topology.ID]*publicIP{},
	}
	for _, g := range n.Gaps {
		if g.Kind == topology.ListCut || g.Kind == topology.FileRefused {
			o.cuts = append(o.cuts, strings.ToLower(g.ResourceType))
		}
	}
	o.readCatalogue()
	o.build()
	return o
}

// cut reports whether elements of a type may exist beside those in the data
// (verdicts 8, bad-inputs 29, 30).
func (o *Oracle) cut(kind string) bool {
	for _, c := range o.cuts {
		if c == "" || strings.Contains(c, kind) {
			return true
		}
	}
	return false
}

// Place is where a gate is: an IP configuration of an interface, a subnet (an
// address in it that no interface is known to own), or an NSG alone.
type Place struct {
	Configuration *topology.IPConfiguration
	Subnet        *topology.Subnet
	Group         *topology.NetworkSecurityGroup
}

// IPFlow answers what Network Watcher's IP flow verify would: the gates of
// one side alone, without routes (spec 1, steps 2 and 6). An NSG alone is
// asked in the scope of the subnet that owns the local address, where the
// estate has one (verdicts 15).
func (o *Oracle) IPFlow(at Place, d topology.Direction, t flow.Tuple) Answer {
	six := t.Source.Is6() || t.Destination.Is6()
	refused := false
	a := o.solve(func(w *world) outcome {
		p := o.packetOf(w, t, six)
		if refused = !oneFamily(&p); refused {
			return outcome{}
		}
		local := p.src
		if d == topology.Inbound {
			local = p.dst
		}
		if at.Group != nil {
			return o.groupAlone(w, at.Group, d, &p, local.ip)
		}
		e := o.endpointOf[at.Configuration]
		if e == nil {
			e = o.subnetByID[at.Subnet.ID()].unowned(local.ip)
		}
		var in *entrance
		if d == topology.Inbound && public(p.src.ip) && e.cfg != nil && !e.cfg.PublicIPAddress.IsZero() {
			in = &entrance{}
			if ip := o.publicByID[e.cfg.PublicIPAddress.ID()]; ip != nil {
				in.sku = ip.p.SKU
			}
		}
		return o.gates(w, e, d, &p, in)
	})
	a.Refused = refused
	return a
}

func (o *Oracle) packetOf(w *world, t flow.Tuple, six bool) packet {
	p := packet{protocol: t.Protocol, sport: t.SourcePort, dport: t.DestinationPort}
	p.src = o.locate(w, t.Source, six)
	p.dst = o.locate(w, t.Destination, six)
	return p
}

// groupAlone asks one NSG.
func (o *Oracle) groupAlone(w *world, g *topology.NetworkSecurityGroup, d topology.Direction, p *packet, local netip.Addr) outcome {
	platform := false
	if d == topology.Outbound {
		var never bool
		if never, platform = platformTraffic(p); never {
			return outcome{allow: true, decider: Decider{Code: flow.PlatformAddress}}
		}
	}
	sc := &scope{about: string(g.ID()), local: local, given: o.options.VirtualNetwork, isSet: o.options.VirtualNetwork != nil}
	var homes []*subnet
	for _, v := range o.vnets {
		if s := v.subnetOf(local); s != nil {
			homes = append(homes, s)
		}
	}
	if len(homes) > 0 {
		sc = homes[w.pick(flow.AddressOwnedTwice, "subnet of "+local.String(), len(homes))].scope
	}
	c := o.groups[g.ID()]
	if !g.RulesGiven {
		allow := w.passes(flow.DanglingReference, "rules of "+string(g.ID())+" allow "+d.String()+" "+p.key())
		return outcome{allow: allow, decider: Decider{Code: flow.DanglingReference}}
	}
	return c.decide(o, w, sc, d, p, platform)
}

// NextHops are the routes that packets of a subnet may take to an address:
// one where the data says all, several where it does not. The first is the
// one taken where nothing unknown is there and every assumption holds.
func (o *Oracle) NextHops(s *topology.Subnet, to flow.Address) []Route {
	var list []Route
	w := &world{}
	for {
		h := o.routeFor(w, o.subnetByID[s.ID()], o.locate(w, to, to.Is6()))
		list = appendNew(list, h.route())
		if !w.next() {
			return list
		}
	}
}
