// Package route computes the effective routes of a subnet and chooses among
// them: longest prefix first, then user-defined before gateway before system
// routes, with Azure's exceptions (spec 6.1, 6.2).
package route

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// Source is where a route comes from, in the words of effective routes.
type Source string

// The sources of a route.
const (
	Default Source = "Default"
	User    Source = "User"
	Gateway Source = "VirtualNetworkGateway"
)

// Route is one candidate of a subnet's effective routes.
type Route struct {
	Name      string
	Source    Source
	Prefix    netip.Prefix // invalid for a route to a service tag
	Tag       string       // the service tag of a tag route or service endpoint
	NextHop   topology.NextHopType
	NextHopIP netip.Addr
	Origin    topology.Origin
	Table     *topology.RouteTable      // user routes
	Peering   *topology.Peering         // peering routes
	Endpoint  *topology.PrivateEndpoint // InterfaceEndpoint
	Gateway   string                    // gateway routes: its name
	Active    bool                      // false: it loses an equal-prefix contest (UDR)

	where     *netipx.IPSet  // the addresses of Prefix
	set       *scope.Set     // tag routes and service endpoints: where they apply
	lengths   []netip.Prefix // of a tag the catalogue holds
	fact      *flow.Fact     // it exists where the world gives the fact the value when
	when      int
	each      bool
	element   *topology.Element
	far       *topology.Element // the other side of a peering
	unsure    []flow.Fact       // it exists where all have the value 0
	protected bool              // a system route that gateway routes never beat
	partial   *flow.Fact        // the prefix may be a part of a longer space: whether another route has a longer prefix than that space
	rank      int               // among tag routes of one prefix length, lower first
}

// Table is the effective routes of one subnet.
type Table struct {
	Subnet  *topology.Subnet
	Network *topology.VirtualNetwork
	Routes  []*Route

	dangling   *flow.Fact  // the route table is not in the data
	facts      []flow.Fact // what the attached route table rests on
	unresolved []*flow.Fact
	hidden     []hidden
	missing    *flow.Fact // learned gateway routes that are not in the data
	missingPub *flow.Fact
}

// hidden are addresses that may have a route which is not in the data: that of
// a private endpoint, or of a space that is not known.
type hidden struct {
	where *netipx.IPSet
	fact  flow.Fact
}

// Decision is the route taken in one world. Route is nil where none applies;
// Doubt is then the reason, where the world chose a route that is not known.
type Decision struct {
	Route *Route
	Doubt *flow.Fact
	// Learned: the packet follows a gateway route that is not in the data.
	Learned bool
}

var reserved = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("100.64.0.0/10"),
}

// services maps the service endpoints to the service tags whose prefixes
// their routes carry (SE).
var services = map[string]string{
	"microsoft.storage":              "Storage",
	"microsoft.storage.global":       "Storage",
	"microsoft.sql":                  "Sql",
	"microsoft.keyvault":             "AzureKeyVault",
	"microsoft.servicebus":           "ServiceBus",
	"microsoft.eventhub":             "EventHub",
	"microsoft.azurecosmosdb":        "AzureCosmosDB",
	"microsoft.azureactivedirectory": "AzureActiveDirectory",
	"microsoft.web":                  "AppService",
	"microsoft.containerregistry":    "AzureContainerRegistry",
	"microsoft.cognitiveservices":    "CognitiveServicesManagement",
}

// New computes the effective routes of a subnet whose virtual network is in
// the data.
func New(n *topology.Network, names *scope.Names, s *topology.Subnet) *Table {
	v := n.VirtualNetworkOf(s)
	t := &Table{Subnet: s, Network: v}
	if e := exported(n, s); e != nil {
		t.fromExport(n, names, e)
		return t
	}
	var user []*Route
	table, ok := topology.Lookup[*topology.RouteTable](n, s.RouteTable)
	propagate := true
	switch {
	case ok && table.RoutesGiven:
		propagate = table.DisableBGPPropagation != topology.On
		user = t.userRoutes(names, table)
		t.facts = flow.ElementFacts(&table.Element)
	case !s.RouteTable.IsZero():
		t.dangling = &flow.Fact{Code: flow.DanglingReference, About: s.RouteTable.ID().Name(), Detail: "routes " + string(s.ID()),
			Text:   "the routes of route table " + s.RouteTable.ID().Name() + " are not in the data",
			Export: "az network route-table list -o json"}
	}
	userDefault := func(p string) bool {
		want := netip.MustParsePrefix(p)
		return slices.ContainsFunc(user, func(r *Route) bool { return r.Prefix == want })
	}

	for _, p := range v.KnownSpace() {
		t.add(&Route{Source: Default, Prefix: p, NextHop: topology.NextHopVnetLocal, protected: true, Origin: v.Origin, partial: partial(names, v)})
	}
	t.peerings(n, names, v)
	t.privateEndpoints(n, names, v, user)
	t.hiddenEndpoints(n, v)
	if v.Stub {
		t.unknownSpace(names, v)
	}
	t.serviceEndpoints(names, v, s)

	g := names.GatewaysOf(v)
	learnedDefault := false
	if propagate {
		for _, p := range g.Prefixes {
			t.add(&Route{Source: Gateway, Prefix: p.Masked(), NextHop: topology.NextHopGateway, Gateway: g.Name, unsure: g.Unsure})
			learnedDefault = learnedDefault || p.Bits() == 0
		}
		t.missing, t.missingPub = g.LearnedUnknown, g.LearnedPublic
	}

	for _, r := range user {
		t.add(r)
	}
	t.add(&Route{Source: Default, Prefix: netip.MustParsePrefix("0.0.0.0/0"), NextHop: topology.NextHopInternet})
	t.add(&Route{Source: Default, Prefix: netip.MustParsePrefix("::/0"), NextHop: topology.NextHopInternet})
	if !userDefault("0.0.0.0/0") && !learnedDefault {
		for _, p := range reserved {
			if !covered(v.KnownSpace(), p) {
				t.add(&Route{Source: Default, Prefix: p, NextHop: topology.NextHopNone})
			}
		}
	}
	t.order()
	return t
}

// exported is the effective route table that was exported for an interface of
// the subnet, nil where none was. It is the best truth there is (spec 6.1).
func exported(n *topology.Network, s *topology.Subnet) *topology.EffectiveRouteTable {
	for _, e := range n.EffectiveRouteTables {
		nic, ok := topology.Lookup[*topology.NetworkInterface](n, e.NetworkInterface)
		if ok && slices.ContainsFunc(nic.IPConfigurations, func(c *topology.IPConfiguration) bool { return c.Subnet.ID() == s.ID() }) {
			return e
		}
	}
	return nil
}

// fromExport takes the active rows of an exported effective route table as
// they are; they state every system, gateway and user route.
func (t *Table) fromExport(n *topology.Network, names *scope.Names, e *topology.EffectiveRouteTable) {
	for _, row := range e.Routes {
		if strings.EqualFold(row.State, "Invalid") {
			continue
		}
		if len(row.Prefixes) == 0 {
			t.unresolved = append(t.unresolved, &flow.Fact{Code: flow.UnknownTag, About: strings.Join(row.Tags, ", "), Detail: "row " + row.Origin.String() + row.Origin.Pointer,
				Text: "an exported effective route names no prefix"})
		}
		for _, p := range row.Prefixes {
			r := &Route{Source: Default, Prefix: p, NextHop: row.NextHop, Origin: row.Origin, protected: true}
			switch {
			case strings.EqualFold(row.Source, "User"):
				r.Source, r.protected = User, false
			case strings.EqualFold(row.Source, "VirtualNetworkGateway"):
				r.Source, r.protected = Gateway, false
			case row.NextHop == topology.NextHopInternet || row.NextHop == topology.NextHopNone:
				r.protected = false
			}
			if len(row.NextHopIP) > 0 {
				r.NextHopIP = row.NextHopIP[0]
			}
			for _, x := range t.Network.Peerings {
				if remote, ok := names.RemotePrefixes(x); ok && slices.ContainsFunc(remote, func(q netip.Prefix) bool { return q.Overlaps(p) }) {
					r.Peering = x
				}
			}
			for _, pe := range n.PrivateEndpoints {
				if p.IsSingleIP() && slices.Contains(pe.Addresses, p.Addr()) {
					r.Endpoint = pe
				}
			}
			t.add(r)
		}
	}
	t.order()
}

// covered: where the virtual network's space equals or contains a reserved
// range its None route is gone (UDR).
func covered(space []netip.Prefix, p netip.Prefix) bool {
	for _, s := range space {
		if s.Bits() <= p.Bits() && s.Contains(p.Addr()) {
			return true
		}
	}
	return false
}

func (t *Table) add(r *Route) {
	r.where = scope.SetOf(r.Prefix)
	t.Routes = append(t.Routes, r)
}

func (t *Table) userRoutes(names *scope.Names, table *topology.RouteTable) []*Route {
	var out []*Route
	for _, r := range table.Routes {
		u := &Route{Name: r.Name, Source: User, NextHop: r.NextHop, NextHopIP: r.NextHopIP, Origin: r.Origin, Table: table, element: &r.Element}
		switch {
		case r.Unresolved || r.Destination.Kind == topology.UnresolvedAddress:
			t.unresolved = append(t.unresolved, &flow.Fact{Code: flow.UnresolvedExpression, About: r.Name, Detail: r.Origin.String() + r.Origin.Pointer,
				Text: "route " + r.Name + " of " + table.Name + " holds an expression that is not resolved"})
			continue
		case r.Destination.Kind == topology.TagAddress:
			u.Tag = r.Destination.Tag
			u.set = names.Tag(u.Tag)
			if tag, ok := names.Index().Tag(u.Tag); ok {
				u.lengths = tag.Prefixes.Slice()
			}
			u.rank = tagRank(u.Tag)
		case r.Destination.Kind == topology.PrefixAddress:
			u.Prefix = r.Destination.Prefix
		}
		out = append(out, u)
	}
	return out
}

// tagRank orders routes of one prefix: an explicit CIDR beats a regional tag,
// that a global one, that AzureCloud.region, that AzureCloud (UDR).
func tagRank(tag string) int {
	cloud := strings.EqualFold(tag, "AzureCloud") || strings.EqualFold(scope.Parent(tag), "AzureCloud")
	regional := scope.Parent(tag) != ""
	switch {
	case !cloud && regional:
		return 1
	case !cloud:
		return 2
	case regional:
		return 3
	default:
		return 4
	}
}

func (t *Table) peerings(n *topology.Network, names *scope.Names, v *topology.VirtualNetwork) {
	for _, p := range v.Peerings {
		link := names.Link(v, p)
		if !link.Up && link.Fact == nil {
			continue
		}
		hop := topology.NextHopVNetPeering
		var far *topology.Element
		if _, back := names.Back(v, p); back != nil {
			far = &back.Element
		}
		if remote, ok := topology.Lookup[*topology.VirtualNetwork](n, p.RemoteVirtualNetwork); ok && remote.Location != "" && v.Location != "" &&
			topology.NormalLocation(remote.Location) != topology.NormalLocation(v.Location) {
			hop = topology.NextHopGlobalPeering
		}
		list, ok := names.RemotePrefixes(p)
		if !ok {
			t.unresolved = append(t.unresolved, &flow.Fact{Code: flow.DanglingReference, About: p.RemoteVirtualNetwork.ID().Name(), Detail: "routes " + string(p.RemoteVirtualNetwork.ID()),
				Text:   "the address space of the peered virtual network " + p.RemoteVirtualNetwork.ID().Name() + " is not in the data",
				Export: "az network vnet list -o json"})
		}
		for _, prefix := range list {
			t.add(&Route{Source: Default, Prefix: prefix, NextHop: hop, Peering: p, Origin: p.Origin, protected: true,
				fact: link.Fact, when: 0, element: &p.Element, far: far})
		}
	}
}

// privateEndpoints adds the /32 (or /128) of private endpoints of the virtual
// network and of directly peered ones. It is invalidated by a user-defined
// route of the same prefix, and by a shorter one only where the hosting
// subnet's policy says so and the route is at least as long as the virtual
// network's own prefix (PENP, spec 6.8).
func (t *Table) privateEndpoints(n *topology.Network, names *scope.Names, v *topology.VirtualNetwork, user []*Route) {
	for _, pe := range n.PrivateEndpoints {
		if pe.Subnet.IsZero() {
			continue
		}
		host, _ := topology.Lookup[*topology.Subnet](n, pe.Subnet)
		home := pe.Subnet.ID().Parent()
		var peering *topology.Peering
		var link scope.Link
		if home != v.ID() {
			i := slices.IndexFunc(v.Peerings, func(p *topology.Peering) bool { return p.RemoteVirtualNetwork.ID() == home })
			if i < 0 {
				continue
			}
			peering = v.Peerings[i]
			if link = names.Link(v, peering); !link.Up && link.Fact == nil {
				continue
			}
		}
		for _, a := range pe.Addresses {
			if peering != nil && !brings(names, peering, a) {
				continue // a subnet peering that leaves the endpoint out
			}
			gone, fact := invalidated(n, names, pe, host, a, user)
			if gone {
				continue
			}
			if fact != nil {
				t.hidden = append(t.hidden, hidden{scope.SetOf(netip.PrefixFrom(a, a.BitLen())), *fact})
			}
			t.add(&Route{Name: pe.Name, Source: Default, Prefix: netip.PrefixFrom(a, a.BitLen()), NextHop: topology.NextHopPrivateEndpoint,
				Endpoint: pe, Peering: peering, Origin: pe.Origin, protected: true, fact: link.Fact, element: &pe.Element})
		}
	}
}

// invalidated reports whether the user routes take the route to an address of a
// private endpoint away, or the fact that leaves it open; host is nil where its
// subnet is not in the data.
func invalidated(n *topology.Network, names *scope.Names, pe *topology.PrivateEndpoint, host *topology.Subnet, a netip.Addr, user []*Route) (bool, *flow.Fact) {
	covers := func(r *Route) bool { return r.Prefix.IsValid() && r.Prefix.Contains(a) }
	home, known := topology.LookupID[*topology.VirtualNetwork](n, pe.Subnet.ID().Parent())
	long := func(r *Route) bool { return covers(r) && known && atLeast(r.Prefix, home.KnownSpace(), a) }
	switch {
	case host == nil && slices.ContainsFunc(user, long), host == nil && slices.ContainsFunc(user, covers) && (!known || home.Stub):
		return false, &flow.Fact{Code: flow.DanglingReference, About: pe.Subnet.ID().Name(), Detail: "route tables " + string(pe.Subnet.ID()),
			Text: "whether route tables apply to private endpoint " + pe.Name + " is not in the data, which lacks its subnet", Export: "az network vnet list -o json"}
	case host == nil || !host.PrivateEndpointPolicy.AppliesRoutes():
		return false, nil
	case slices.ContainsFunc(user, long):
		return true, nil
	case home.Stub && slices.ContainsFunc(user, covers):
		return false, partial(names, home)
	}
	return false, nil
}

// partial is the fact that the space of a virtual network known by its subnets
// alone is wider than they are; nil for any other network.
func partial(names *scope.Names, v *topology.VirtualNetwork) *flow.Fact {
	if !v.Stub {
		return nil
	}
	f, _ := names.UnknownSpace(v)
	f.Detail += "length "
	return &f
}

// unknownSpace leaves open the routes of a virtual network that is known by its
// children alone: its own space, its peerings and gateways.
func (t *Table) unknownSpace(names *scope.Names, v *topology.VirtualNetwork) {
	private, public := names.UnknownSpace(v)
	private.Detail += "route"
	public.Detail += "route"
	known := v.KnownSpace()
	t.hidden = append(t.hidden, hidden{scope.NotPublic(known), private}, hidden{scope.Public(known), public})
}

// hiddenEndpoints finds the private endpoints, of the virtual network and of
// peered ones, that something in the data names but that are not in it: by an
// interface that is one's own, by a subnet that lists them.
func (t *Table) hiddenEndpoints(n *topology.Network, v *topology.VirtualNetwork) {
	near := func(id topology.ID) bool {
		return id == v.ID() || slices.ContainsFunc(v.Peerings, func(p *topology.Peering) bool { return p.RemoteVirtualNetwork.ID() == id })
	}
	add := func(where *netipx.IPSet, ref topology.Ref, by string) {
		name := ref.ID().Name()
		t.hidden = append(t.hidden, hidden{where, flow.Fact{Code: flow.DanglingReference, About: name, Detail: "endpoint route " + string(ref.ID()),
			Text: "the private endpoint " + name + ", which " + by + " names, is not in the data", Export: "az network private-endpoint list -o json"}})
	}
	owned := map[topology.ID][]netip.Addr{}
	for _, nic := range n.NetworkInterfaces {
		pe, known := topology.Lookup[*topology.PrivateEndpoint](n, nic.PrivateEndpoint)
		known = known && len(pe.Addresses) > 0
		for _, c := range nic.IPConfigurations {
			if !c.PrivateIPAddress.IsValid() || !near(c.Subnet.ID().Parent()) {
				continue
			}
			if !nic.PrivateEndpoint.IsZero() && !known {
				add(scope.SetOf(netip.PrefixFrom(c.PrivateIPAddress, c.PrivateIPAddress.BitLen())), nic.PrivateEndpoint, "the interface "+nic.Name)
				continue
			}
			owned[c.Subnet.ID()] = append(owned[c.Subnet.ID()], c.PrivateIPAddress)
		}
	}
	for _, pe := range n.PrivateEndpoints {
		sub, ok := topology.Lookup[*topology.Subnet](n, pe.Subnet)
		if ok && len(pe.Addresses) == 0 && near(sub.VirtualNetworkID()) {
			// In the data, but not its address: any that nobody owns.
			add(scope.Without(sub.Prefixes, owned[sub.ID()]), pe.Ref(), "its own export without an address")
		}
	}
	for _, home := range n.VirtualNetworks {
		if !near(home.ID()) {
			continue
		}
		for _, sub := range home.Subnets {
			for _, ref := range sub.PrivateEndpointRefs {
				if _, ok := topology.Lookup[*topology.PrivateEndpoint](n, ref); ok {
					continue
				}
				add(scope.Without(sub.Prefixes, owned[sub.ID()]), ref, "the subnet "+sub.Name)
			}
		}
	}
}

func brings(names *scope.Names, p *topology.Peering, a netip.Addr) bool {
	list, known := names.RemotePrefixes(p)
	return !known || slices.ContainsFunc(list, func(q netip.Prefix) bool { return q.Contains(a) })
}

// atLeast reports whether the route's prefix is at least as long as the
// virtual network's prefix that holds the address.
func atLeast(p netip.Prefix, space []netip.Prefix, a netip.Addr) bool {
	for _, s := range space {
		if s.Contains(a) {
			return p.Bits() >= s.Bits()
		}
	}
	return false
}

// serviceEndpoints adds the routes of the subnet's service endpoints: the
// prefixes of the service in the subnet's own region (SE). Whether storage of
// another region goes through the endpoint too is in dispute.
func (t *Table) serviceEndpoints(names *scope.Names, v *topology.VirtualNetwork, s *topology.Subnet) {
	for _, e := range s.ServiceEndpoints {
		service, known := services[strings.ToLower(e.Service)]
		if !known {
			t.unresolved = append(t.unresolved, &flow.Fact{Code: flow.UnknownTag, About: e.Service, Detail: "endpoint of " + string(s.ID()),
				Text: "the prefixes of the service endpoint " + e.Service + " are not known", Export: "az network nic show-effective-route-table -n <nic> -g <group> -o json"})
			continue
		}
		add := func(tag string, fact *flow.Fact) {
			r := &Route{Source: Default, Tag: tag, NextHop: topology.NextHopServiceEndpoint, Origin: e.Origin,
				protected: true, set: names.Tag(tag), fact: fact, when: 1, each: true}
			// The prefixes of a region that is not known may be any of the service's.
			if x, ok := names.Index().Tag(tag); ok && !(v.Location == "" && regional(service, e.Service)) {
				r.lengths = x.Prefixes.Slice()
			}
			t.add(r)
		}
		if strings.EqualFold(e.Service, "Microsoft.Storage.Global") {
			add(service, nil)
			continue
		}
		if v.Location == "" && regional(service, e.Service) {
			add(service, &flow.Fact{Code: flow.UnknownTag, About: s.Name + " " + e.Service, Detail: "region of " + string(s.ID()),
				Text:   "the region of virtual network " + v.Name + ", whose part of " + service + " goes through the service endpoint, is not in the data",
				Export: "az network vnet show --ids " + v.ResourceID + " -o json"})
			continue
		}
		part := names.RegionalTag(service, v.Location)
		add(part, nil)
		switch {
		case service == "Storage":
			add(service, &flow.Fact{Code: flow.SourcesConflict, About: s.Name + " " + e.Service, Detail: string(s.ID()),
				Text:   "whether storage of another region than " + v.Location + " goes through the service endpoint is in dispute",
				Export: "az network nic show-effective-route-table -n <nic> -g <group> -o json"})
		default:
			if _, ok := names.Index().Tag(part); !ok {
				add(service, nil)
			}
		}
	}
}

// regional reports whether a service endpoint is for the part of its service
// in the region of the virtual network (SE).
func regional(service, endpoint string) bool {
	return service != "AzureActiveDirectory" && !strings.EqualFold(endpoint, "Microsoft.Storage.Global")
}

// order sorts routes by precedence and marks the losers of equal prefixes.
func (t *Table) order() {
	slices.SortStableFunc(t.Routes, func(a, b *Route) int {
		return cmp.Or(
			cmp.Compare(b.bits(), a.bits()),
			cmp.Compare(a.Source.order(), b.Source.order()),
			cmp.Compare(a.rank, b.rank),
		)
	})
	best := map[netip.Prefix]*Route{}
	for _, r := range t.Routes {
		r.Active = true
		if !r.Prefix.IsValid() {
			continue
		}
		if b, ok := best[r.Prefix]; ok && b.Source != r.Source {
			r.Active = false
		} else if !ok {
			best[r.Prefix] = r
		}
	}
}

func (r *Route) bits() int {
	if !r.Prefix.IsValid() {
		return -1
	}
	return r.Prefix.Bits()
}

func (s Source) order() int {
	switch s {
	case User:
		return 0
	case Gateway:
		return 1
	default:
		return 2
	}
}

// candidate is a route that applies to the address, with the prefix by which
// it does; bits -1: by a service tag whose prefixes are not known.
type candidate struct {
	route *Route
	bits  int
}

// Choose is the route that the address follows in this world.
func (t *Table) Choose(w *flow.World, a flow.Address) Decision {
	if t.dangling != nil && w.Otherwise(*t.dangling) {
		return Decision{Doubt: t.dangling}
	}
	for _, f := range t.facts {
		if !w.Holds(f) {
			return Decision{Doubt: &flow.Fact{Code: flow.UnwaivedAssumption, About: f.About, Detail: f.Key() + string(t.Subnet.ID()), Text: f.Text}}
		}
	}
	for _, f := range t.unresolved {
		if w.Otherwise(*f) {
			return Decision{Doubt: f}
		}
	}
	for _, h := range t.hidden {
		if !scope.Within(w, a, h.where) {
			continue
		}
		f := h.fact
		f.Detail += " " + a.Key()
		if w.Otherwise(f) {
			return Decision{Doubt: &f}
		}
	}
	var list []candidate
	for _, r := range t.Routes {
		if r.set == nil {
			if r.covers(w, a) && t.exists(w, r, a) {
				list = append(list, candidate{r, r.Prefix.Bits()})
			}
			continue
		}
		if !r.set.Has(w, a, false) || !t.exists(w, r, a) {
			continue
		}
		list = append(list, candidate{r, longest(r.lengths, a.IP)})
	}
	// System routes for the virtual network, peerings and service endpoints
	// are preferred over gateway routes, even more specific ones (UDR).
	protected := slices.ContainsFunc(list, func(c candidate) bool { return c.route.protected })
	if protected {
		list = slices.DeleteFunc(list, func(c candidate) bool { return c.route.Source == Gateway })
	}
	slices.SortStableFunc(list, func(x, y candidate) int {
		return cmp.Or(
			cmp.Compare(y.bits, x.bits),
			cmp.Compare(x.route.Source.order(), y.route.Source.order()),
			cmp.Compare(x.route.rank, y.route.rank),
		)
	})
	best := t.pick(w, a, list)
	if best == nil {
		return Decision{}
	}
	if t.learned(w, a, best, protected) {
		return Decision{Learned: true}
	}
	return Decision{Route: best}
}

// pick takes the first of the ordered candidates. Routes to a tag whose
// prefixes are not known are longer than 0/0 but otherwise of no known
// length; several user routes of one prefix are in no order.
func (t *Table) pick(w *flow.World, a flow.Address, list []candidate) *Route {
	var best *candidate
	for i := range list {
		c := &list[i]
		switch {
		case best == nil:
			best = c
		case best.route.partial != nil && c.bits > 0 && c.bits < best.bits && c.route.NextHop != best.route.NextHop && (c.route.Source != Default || c.route.NextHop != topology.NextHopNone):
			f := *best.route.partial
			f.Detail += best.route.label() + " against " + c.route.label()
			if w.Otherwise(f) {
				best = c
			}
		case c.bits < 0 && best.bits != 0:
			if best.bits < 0 && strings.EqualFold(c.route.Tag, best.route.Tag) || c.route.NextHop == best.route.NextHop && c.route.NextHopIP == best.route.NextHopIP {
				continue
			}
			f := flow.Fact{Code: flow.UnknownTag, About: c.route.Tag, Detail: "length against " + best.route.label(),
				Text: "whether the prefix of " + c.route.Tag + " is longer than " + best.route.label() + " is not known"}
			if w.Otherwise(f) {
				best = c
			}
		case c.bits < 0:
			best = c
		case c.bits == best.bits && c.route.Source == User && best.route.Source == User && c.route.rank == best.route.rank &&
			(c.route.NextHop != best.route.NextHop || c.route.NextHopIP != best.route.NextHopIP):
			f := flow.Fact{Code: flow.SamePrefix, About: c.route.Table.Name, Detail: best.route.Name + " " + c.route.Name + " of " + string(t.Subnet.ID()) + " to " + a.Key(),
				Text: "routes " + best.route.Name + " and " + c.route.Name + " have the same prefix"}
			if w.Otherwise(f) {
				best = c
			}
		}
	}
	if best == nil {
		return nil
	}
	return best.route
}

// learned asks whether a gateway route that is not in the data takes the
// packet: never one that a protected system route carries (UDR).
func (t *Table) learned(w *flow.World, a flow.Address, best *Route, protected bool) bool {
	if t.missing == nil || protected {
		return false
	}
	if best.Source == User && best.Prefix.IsValid() && best.Prefix.IsSingleIP() {
		return false // a user route of a whole address beats any gateway route
	}
	public := a.IP.IsValid() && scope.IsPublic(a.IP) || !a.IP.IsValid() && scope.PublicTag(a.Tag)
	f := *t.missing
	if public {
		f = *t.missingPub
	}
	f.Detail += "route " + a.Key()
	return w.Otherwise(f)
}

// exists asks the facts that the route itself rests on.
func (t *Table) exists(w *flow.World, r *Route, a flow.Address) bool {
	if r.fact != nil {
		f := *r.fact
		if r.each {
			f.Detail += a.Key()
		}
		if w.Ask(f, 2) != r.when {
			return false
		}
	}
	if slices.ContainsFunc(r.unsure, func(f flow.Fact) bool { return !w.Holds(f) }) {
		return false
	}
	for _, f := range slices.Concat(flow.ElementFacts(r.element), flow.ElementFacts(r.far)) {
		if !w.Holds(f) {
			return false
		}
	}
	return true
}

func (r *Route) covers(w *flow.World, a flow.Address) bool {
	if a.IP.IsValid() {
		return r.Prefix.Contains(a.IP)
	}
	return scope.Within(w, a, r.where)
}

func longest(list []netip.Prefix, a netip.Addr) int {
	bits := -1
	if !a.IsValid() {
		return bits
	}
	for _, p := range list {
		if p.Bits() > bits && p.Contains(a) {
			bits = p.Bits()
		}
	}
	return bits
}

func (r *Route) label() string {
	if r.Prefix.IsValid() {
		return r.Prefix.String()
	}
	return r.Tag
}

// Label is the route's prefix or tag.
func (r *Route) Label() string { return r.label() }

// Constants are the prefixes that the choice turns on.
func (t *Table) Constants() []*netipx.IPSet {
	var out []*netipx.IPSet
	for _, r := range t.Routes {
		if r.set == nil {
			out = append(out, r.where)
			continue
		}
		out = append(out, r.set.Constants()...)
		for _, p := range r.lengths {
			out = append(out, scope.SetOf(p))
		}
	}
	for _, h := range t.hidden {
		out = append(out, h.where)
	}
	if t.missing != nil {
		out = append(out, scope.PublicSpace())
	}
	return out
}

// Undecided are the facts that the table as a whole leaves open.
func (t *Table) Undecided() []flow.Fact {
	var out []flow.Fact
	if t.dangling != nil {
		out = append(out, *t.dangling)
	}
	for _, f := range t.unresolved {
		out = append(out, *f)
	}
	if t.missing != nil {
		out = append(out, *t.missing)
	}
	return out
}
