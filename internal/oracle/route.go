package oracle

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// table is a route table.
type table struct {
	t      *topology.RouteTable
	routes []*userRoute
}

// userRoute is a user-defined route.
type userRoute struct {
	r      *topology.Route
	key    string
	prefix netip.Prefix // of a route to a prefix
	tag    string       // of a route to a service tag
}

func newTable(t *topology.RouteTable) *table {
	x := &table{t: t}
	for i, r := range t.Routes {
		u := &userRoute{r: r, key: fmt.Sprintf("%s route %d %s", t.ID(), i, r.Name)}
		switch r.Destination.Kind {
		case topology.PrefixAddress:
			u.prefix = r.Destination.Prefix
		case topology.TagAddress:
			u.tag = foldTag(r.Destination.Tag)
		}
		x.routes = append(x.routes, u)
	}
	return x
}

// unresolved reports whether the route's destination is not known.
func (r *userRoute) unresolved() bool { return !r.prefix.IsValid() && r.tag == "" }

// class orders routes with one prefix: an address prefix before a regional
// tag, before a global tag, before AzureCloud by region, before AzureCloud
// (UDR, spec 6.2).
func (r *userRoute) class() int {
	switch {
	case r.tag == "":
		return 0
	case r.tag == "azurecloud":
		return 4
	case family(r.tag) == "azurecloud":
		return 3
	case family(r.tag) == "":
		return 2
	}
	return 1
}

// attachedTable is the route table of a subnet in one completion.
type attachedTable struct {
	table         *table
	unknown       bool // there is one, its routes are not in the data
	noPropagation bool // disableBgpRoutePropagation
	id            topology.ID
}

func (o *Oracle) tableOf(w *world, s *subnet) attachedTable {
	t, id, present := pickAttached(w, s.table)
	switch {
	case !present:
		return attachedTable{}
	case t == nil || !o.asWritten(w, &t.t.Element, false):
		return attachedTable{unknown: true, id: id}
	}
	return attachedTable{table: t, noPropagation: t.t.DisableBGPPropagation.Or(false), id: id}
}

// rank orders routes of one prefix: User before BGP before System (UDR).
type rank int

const (
	systemRoute rank = iota
	gatewayRoute
	userRouteRank
)

func (r rank) String() string {
	return [...]string{"Default", "VirtualNetworkGateway", "User"}[r]
}

// hop is a route that covers an address.
type hop struct {
	next      topology.NextHopType // "" where the data does not say
	ip        netip.Addr           // VirtualAppliance; invalid where the data does not say
	rank      rank
	bits      int // length of the prefix, or unknownBits
	key       string
	shortest  int    // unknownBits: the shortest the prefix may be
	atMost    int    // unknownBits: the longest the prefix may be; 0: any
	class     int    // of a user route
	tag       string // unknownBits: of the service tag whose prefix it is
	preferred bool   // a system route that wins over any BGP route (UDR)

	peer    *peer
	gateway *gateway
	private *privateEndpoint
}

func (h hop) route() Route { return Route{NextHop: h.next, NextHopIP: h.ip, Source: h.rank.String()} }

// routeFor chooses the route that packets of a subnet take to an address
// (spec 6).
func (o *Oracle) routeFor(w *world, s *subnet, a place) hop {
	t := o.tableOf(w, s)
	list := o.systemRoutes(w, s, a)
	list = append(list, o.gatewayRoutes(w, s, t, a)...)
	user, toAll := o.userRoutes(w, s, t, a)
	list = append(list, user...)

	if t.unknown {
		switch w.pick(flow.DanglingReference, "route of "+string(t.id)+" to "+a.ip.String(), 3) {
		case 1:
			return hop{next: topology.NextHopNone, rank: userRouteRank}
		case 2:
			return hop{rank: userRouteRank}
		}
	}

	if s.v.hides(w, a.ip) {
		list = append(list, hop{bits: unknownBits, shortest: 1, key: string(s.v.id())})
	}

	// UDR: system routes of the virtual network, its peerings and service
	// endpoints are preferred even to more specific BGP routes.
	if slices.ContainsFunc(list, func(h hop) bool { return h.preferred }) {
		list = slices.DeleteFunc(list, func(h hop) bool { return h.rank == gatewayRoute })
	}
	o.settleLengths(w, list, a)
	// UDR: with a user route for 0.0.0.0/0 the reserved None routes are gone;
	// with a learned one too (EFR).
	// Nor is one that the virtual network's own space holds whole.
	local := slices.IndexFunc(list, func(h hop) bool { return h.next == topology.NextHopVnetLocal && h.rank == systemRoute })
	list = slices.DeleteFunc(list, func(h hop) bool {
		return local >= 0 && h.rank == systemRoute && h.next == topology.NextHopNone && list[local].bits <= h.bits
	})
	if toAll || slices.ContainsFunc(list, func(h hop) bool { return h.rank != systemRoute && h.bits == 0 }) {
		list = slices.DeleteFunc(list, func(h hop) bool {
			return h.rank == systemRoute && h.next == topology.NextHopNone
		})
	}
	longestUser := -1
	for _, h := range list {
		if h.rank == userRouteRank {
			longestUser = max(longestUser, h.bits)
		}
	}
	list = slices.DeleteFunc(list, func(h hop) bool {
		return h.private != nil && o.invalidated(w, h.private, longestUser)
	})
	return best(w, list, a)
}

// systemRoutes are the routes Azure adds by itself (spec 6.1).
func (o *Oracle) systemRoutes(w *world, s *subnet, a place) []hop {
	v := s.v
	var list []hop
	if bits := longest(v.space, a.ip); bits >= 0 {
		local := hop{next: topology.NextHopVnetLocal, bits: bits, preferred: true}
		if v.v.Stub { // of the space only a subnet is known
			local.bits, local.shortest, local.atMost, local.key = unknownBits, 1, bits, string(v.id())
		}
		list = append(list, local)
	}
	for _, p := range v.peers {
		if bits, in := o.peerCovers(w, p, a.ip); in && o.linked(w, p) {
			list = append(list, hop{next: peeringHop(p), bits: bits, shortest: 1, key: string(p.p.ID()), peer: p, preferred: true})
		}
	}
	// PENP: a /32 in the private endpoint's virtual network and the directly
	// peered ones.
	if pe := v.private[a.ip]; pe != nil {
		list = append(list, hop{next: topology.NextHopPrivateEndpoint, bits: a.ip.BitLen(), private: pe})
	}
	for _, p := range v.peers {
		pe := o.strayPrivate[p.p.RemoteVirtualNetwork.ID()][a.ip]
		if p.remote != nil {
			pe = p.remote.private[a.ip]
		}
		if pe == nil {
			continue
		}
		if _, in := o.peerCovers(w, p, a.ip); in && o.linked(w, p) {
			list = append(list, hop{next: topology.NextHopPrivateEndpoint, bits: a.ip.BitLen(), private: pe, peer: p})
		}
	}
	list = append(list, o.serviceEndpointRoutes(w, s, a)...)
	for _, r := range reserved {
		// A virtual network that holds the whole range has no None route.
		within := slices.ContainsFunc(v.space, func(p netip.Prefix) bool {
			return p.Bits() <= r.Bits() && p.Contains(r.Addr())
		})
		if r.Contains(a.ip) && !within {
			list = append(list, hop{next: topology.NextHopNone, bits: r.Bits()})
		}
	}
	return append(list, hop{next: topology.NextHopInternet, bits: 0})
}

// services are the service tags whose prefixes a service endpoint routes
// (SE: "the same as the tag").
var services = map[string]string{
	"microsoft.storage":              "storage",
	"microsoft.sql":                  "sql",
	"microsoft.keyvault":             "azurekeyvault",
	"microsoft.servicebus":           "servicebus",
	"microsoft.eventhub":             "eventhub",
	"microsoft.azurecosmosdb":        "azurecosmosdb",
	"microsoft.web":                  "appservice",
	"microsoft.containerregistry":    "azurecontainerregistry",
	"microsoft.cognitiveservices":    "cognitiveservicesmanagement",
	"microsoft.azureactivedirectory": "azureactivedirectory",
}

// serviceEndpointRoutes are the routes of the subnet's service endpoints
// (SE, spec 6.7): the service's prefixes in the virtual network's own region.
// For Storage of another region the documents of different years disagree.
func (o *Oracle) serviceEndpointRoutes(w *world, s *subnet, a place) []hop {
	var list []hop
	add := func(tag string) bool {
		bits, in := o.tagCovers(w, s.scope, tag, a)
		if in {
			list = append(list, hop{next: topology.NextHopServiceEndpoint, bits: bits, shortest: 1, key: tag, tag: tag, preferred: true})
		}
		return in
	}
	for _, e := range s.s.ServiceEndpoints {
		name := strings.ToLower(e.Service)
		if name == "microsoft.storage.global" {
			add("storage")
			continue
		}
		tag, known := services[name]
		switch {
		case !known:
			if public(a.ip) && w.maybe(flow.UnknownTag, "prefixes of "+name+" hold "+a.ip.String()) {
				list = append(list, hop{next: topology.NextHopServiceEndpoint, bits: unknownBits, shortest: 1, key: name, preferred: true})
			}
		case tag == "azureactivedirectory": // not regional
			add(tag)
		case add(o.regionalTag(tag, o.locationOf(s))):
		case tag == "storage" && o.inServiceTag(w, tag, a):
			if w.maybe(flow.SourcesConflict, "service endpoint reaches Storage of other regions, "+a.ip.String()) {
				add(tag)
			}
		}
	}
	return list
}

func (o *Oracle) locationOf(s *subnet) string {
	if s.v.v.Location != "" {
		return s.v.v.Location
	}
	return "(region not known)" // a tag of that name is not known either
}

func peeringHop(p *peer) topology.NextHopType {
	if p.remote != nil && p.local.v.Location != "" && p.remote.v.Location != "" &&
		topology.NormalLocation(p.local.v.Location) != topology.NormalLocation(p.remote.v.Location) {
		return topology.NextHopGlobalPeering
	}
	return topology.NextHopVNetPeering
}

// gatewayRoutes are the routes of gateways: learned over BGP, of local
// network gateways, of connected virtual networks (spec 6.1).
func (o *Oracle) gatewayRoutes(w *world, s *subnet, t attachedTable, a place) []hop {
	if t.noPropagation { // removes static and BGP routes (spec 6.3)
		return nil
	}
	var list []hop
	for _, g := range s.v.reachable {
		if g.peer != nil && !o.linked(w, g.peer) {
			continue
		}
		add := func(bits int) {
			list = append(list, hop{
				next: topology.NextHopGateway, rank: gatewayRoute, bits: bits, key: g.gateway.key, gateway: g.gateway, peer: g.peer,
				shortest: shortestLearned(a.ip),
			})
		}
		if bits := longest(g.gateway.prefixes, a.ip); bits >= 0 {
			add(bits)
		}
		if o.learnedBeyond(w, g.gateway, a.ip) {
			add(unknownBits)
		}
	}
	return list
}

// shortestLearned is the length of the shortest prefix a gateway may have
// learned around an address: a private one lies in a private range.
func shortestLearned(a netip.Addr) int {
	if public(a) {
		return 0
	}
	return 1
}

// userRoutes are the user-defined routes that cover an address. toAll is set
// where one of them is for 0.0.0.0/0.
func (o *Oracle) userRoutes(w *world, s *subnet, t attachedTable, a place) (list []hop, toAll bool) {
	if t.table == nil {
		return nil, false
	}
	for _, r := range t.table.routes {
		bits, covers := 0, false
		switch {
		case r.prefix.IsValid():
			bits, covers = r.prefix.Bits(), r.prefix.Contains(a.ip)
		case r.tag != "":
			bits, covers = o.tagCovers(w, s.scope, r.tag, a)
		default:
			bits, covers = unknownBits, w.maybe(flow.UnresolvedExpression, r.key+" covers "+a.ip.String())
		}
		if !covers || !o.asWritten(w, &r.r.Element, true) {
			continue
		}
		h := hop{next: r.r.NextHop, ip: r.r.NextHopIP, rank: userRouteRank, bits: bits, key: r.key, class: r.class()}
		if r.tag != "" {
			h.shortest, h.tag = 1, r.tag
		}
		toAll = toAll || r.prefix.IsValid() && everywhere(r.prefix)
		list = append(list, h)
	}
	return list, toAll
}

// settleLengths gives every route whose prefix length is not known one of the
// lengths that make a difference: as long as another route, or a bit longer.
// That of a service tag is the same wherever a route names the tag.
func (o *Oracle) settleLengths(w *world, list []hop, a place) {
	for i := range list {
		if h := &list[i]; h.bits == unknownBits && h.tag != "" {
			lengths := o.lengthsAt(a.ip)
			h.bits = lengths[w.pick(flow.UnknownTag, fmt.Sprintf("length of the prefix of %s that covers %s", h.tag, a.ip), len(lengths))]
		}
	}
	for i := range list {
		h := &list[i]
		if h.bits != unknownBits {
			continue
		}
		longestLength := a.ip.BitLen()
		if h.atMost > 0 {
			longestLength = h.atMost
		}
		var lengths []int
		for _, other := range list {
			if other.bits == unknownBits {
				continue
			}
			for _, n := range []int{other.bits, other.bits + 1} {
				if n >= h.shortest && n <= longestLength && !slices.Contains(lengths, n) {
					lengths = append(lengths, n)
				}
			}
		}
		slices.Sort(lengths)
		h.bits = lengths[w.pick(flow.LearnedRoutesMissing, fmt.Sprintf("length of the prefix of %s that covers %s among %v", h.key, a.ip, lengths), len(lengths))]
	}
}

// lengthsAt are the lengths of prefixes around an address that differ from each
// other for some route of the estate: those that it has, and a bit longer.
func (o *Oracle) lengthsAt(a netip.Addr) []int {
	list := []int{1}
	for _, p := range o.routed {
		if p.Contains(a) {
			list = append(list, max(1, p.Bits()), min(p.Bits()+1, a.BitLen()))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// invalidated reports whether user routes take away the /32 of a private
// endpoint: its subnet applies route tables to private endpoints, and one of
// them is at least as long as the prefix of the virtual network's space
// (PENP). A user route of exactly the /32 wins in any case, by rank.
func (o *Oracle) invalidated(w *world, pe *privateEndpoint, longestUser int) bool {
	home := o.vnetByID[pe.vnetID]
	if home == nil {
		return longestUser >= 0 && w.maybe(flow.DanglingReference, "route tables apply to the private endpoint "+pe.addr.String())
	}
	space := longest(home.space, pe.addr)
	if home.v.Stub && longestUser >= 0 && longestUser < space && w.maybe(flow.AddressSpaceUnknown, fmt.Sprintf("the space of %s around %s is at most /%d", pe.vnetID, pe.addr, longestUser)) {
		space = longestUser
	}
	switch {
	case space < 0 || longestUser < space:
		return false
	case pe.subnet == nil:
		return w.maybe(flow.DanglingReference, "route tables apply to the private endpoint "+pe.addr.String())
	}
	return pe.subnet.s.PrivateEndpointPolicy.AppliesRoutes()
}

// best is the longest prefix, then User before BGP before System, then the
// class of a user route. Equal user routes: which one counts is not known
// where they differ (bad-inputs 134).
func best(w *world, list []hop, a place) hop {
	winner := list[0]
	for _, h := range list[1:] {
		if better(h, winner) {
			winner = h
		}
	}
	if winner.rank != userRouteRank {
		return winner
	}
	var equals []hop
	for _, h := range list {
		if h.rank == userRouteRank && h.bits == winner.bits && h.class == winner.class &&
			!slices.ContainsFunc(equals, func(e hop) bool { return e.next == h.next && e.ip == h.ip }) {
			equals = append(equals, h)
		}
	}
	return equals[w.pick(flow.SamePrefix, "which of the equal routes like "+winner.key+" to "+a.ip.String(), len(equals))]
}

func better(a, b hop) bool {
	switch {
	case a.bits != b.bits:
		return a.bits > b.bits
	case a.rank != b.rank:
		return a.rank > b.rank
	case a.rank == systemRoute:
		return a.private != nil && b.private == nil
	}
	return a.class < b.class
}
