package route_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"go4.org/netipx"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/route"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// table is the effective routes of a subnet of the network.
func table(n *topology.Network, subnet string) *route.Table {
	for _, v := range n.VirtualNetworks {
		for _, s := range v.Subnets {
			if s.Name == subnet {
				return route.New(n, scope.New(n, scope.Options{AsOf: golden.AsOf}), s)
			}
		}
	}
	panic("no subnet " + subnet)
}

// said is a decision in a few words: "User 0.0.0.0/0 > VirtualAppliance
// 10.0.0.10", "learned", "open: UNKNOWN_TAG", "none".
func said(d route.Decision) string {
	switch {
	case d.Doubt != nil:
		return "open: " + string(d.Doubt.Code)
	case d.Learned:
		return "learned"
	case d.Route == nil:
		return "none"
	}
	s := string(d.Route.Source) + " " + d.Route.Label() + " > " + string(d.Route.NextHop)
	if d.Route.NextHopIP.IsValid() {
		s += " " + d.Route.NextHopIP.String()
	}
	return s
}

// choose explores the decisions for an address. The verdict is Allow where
// want is taken in every world, Deny where in none, Unknown where in some.
func choose(t *route.Table, a flow.Address, want string) flow.Result[string] {
	return flow.Explore(func(w *flow.World) (bool, string) {
		got := said(t.Choose(w, a))
		return got == want, got
	}, nil)
}

func at(address string) flow.Address { return flow.At(netip.MustParseAddr(address)) }

func cidr(text string) netip.Prefix { return netip.MustParsePrefix(text) }

const (
	local    = "Default 10.0.0.0/16 > VnetLocal"
	internet = "Default 0.0.0.0/0 > Internet"
	viaNVA   = "User 0.0.0.0/0 > VirtualAppliance 10.0.0.10"
	peer     = "Default 10.1.0.0/16 > VNetPeering"
	endpoint = "Default 10.0.2.50/32 > InterfaceEndpoint"
)

func app(routes ...golden.Route) *golden.Estate { return golden.New().Routes("app", routes...) }

func learned(prefixes ...string) *golden.Estate {
	return golden.New().Gateway("v1", "10.0.254.0/27", prefixes...)
}

// remote is v1 using the gateway of its peer v2.
func remote() *golden.Estate {
	return golden.New().Gateway("v2", "10.1.254.0/27", "172.20.0.0/16").With(func(e *golden.Estate) {
		e.Peering("v1", "v2").UseRemoteGateways = topology.On
		e.Peering("v2", "v1").AllowGatewayTransit = topology.On
	})
}

func notLearned() *golden.Estate {
	return learned().With(func(e *golden.Estate) { e.GatewayOf("v1").LearnedGiven = false })
}

func nva(destination string) golden.Route { return golden.Via("to-nva", destination, golden.NVA) }

func TestARouteIsChosen(t *testing.T) {
	none := func(destination string) golden.Route { return golden.Hop("none", destination, topology.NextHopNone) }
	toInternet := func(destination string) golden.Route {
		return golden.Hop("internet", destination, topology.NextHopInternet)
	}
	pe := func(routes ...golden.Route) *golden.Estate {
		return app(routes...).PrivateEndpoint("pe1", "db", golden.PE, "x.blob.core.windows.net")
	}
	tags := func(routes ...golden.Route) *golden.Estate { return app(routes...).NoServiceTags() }
	failed := func(e *topology.Element) { e.ProvisioningState = "Failed" }
	off := func(change func(*golden.Estate)) *golden.Estate { return golden.New().With(change) }
	endpointOf := func(service string) *golden.Estate { return golden.New().ServiceEndpoint("app", service) }

	for _, x := range []struct {
		fact    string // with the key of its source in the specification
		estate  *golden.Estate
		address string
		want    string
		missing flow.Code         // of the fact that would settle it; "": certain
		assumes flow.AssumptionID // what the answer rests on
	}{
		// System routes (spec 6.1).
		{"UDR: the address space of the virtual network is local", golden.New(), "10.0.2.4", local, "", ""},
		{"UDR: the rest goes to the Internet", golden.New(), golden.NET, internet, "", ""},
		{"UDR: IPv6 goes to the Internet", golden.New(), "2001:db8::1", "Default ::/0 > Internet", "", ""},
		{"UDR: 10.0.0.0/8 is dropped", golden.New(), "10.200.0.1", "Default 10.0.0.0/8 > None", "", ""},
		{"UDR: 172.16.0.0/12 is dropped", golden.New(), "172.31.255.255", "Default 172.16.0.0/12 > None", "", ""},
		{"UDR: 192.168.0.0/16 is dropped", golden.New(), "192.168.9.9", "Default 192.168.0.0/16 > None", "", ""},
		{"UDR: 100.64.0.0/10 is dropped", golden.New(), "100.127.255.255", "Default 100.64.0.0/10 > None", "", ""},
		{"UDR: a space that contains a reserved range takes its None route away",
			off(func(e *golden.Estate) {
				e.VNetOf("v1").AddressSpace = []netip.Prefix{cidr("100.0.0.0/8"), cidr("10.0.0.0/16")}
			}),
			"100.64.0.1", "Default 100.0.0.0/8 > VnetLocal", "", ""},
		{"UDR: a space that is a part of a reserved range leaves its None route", golden.New(), "10.3.0.1", "Default 10.0.0.0/8 > None", "", ""},
		{"UDR: a user route for 0.0.0.0/0 takes the None routes away", app(nva("0.0.0.0/0")), "192.168.9.9", viaNVA, "", ""},
		{"UDR: one for half of it does not", app(nva("128.0.0.0/1")), "192.168.9.9", "Default 192.168.0.0/16 > None", "", ""},
		{"a gateway route for 0.0.0.0/0 takes them away", learned("0.0.0.0/0"), "192.168.9.9", "VirtualNetworkGateway 0.0.0.0/0 > VirtualNetworkGateway", "", ""},
		{"another gateway route does not", learned("172.20.0.0/16"), "192.168.9.9", "Default 192.168.0.0/16 > None", "", ""},

		// Selection (spec 6.2).
		{"UDR: the longest prefix is taken", app(nva("203.0.113.0/24"), toInternet("203.0.113.0/28"), none("0.0.0.0/0")), golden.NET,
			"User 203.0.113.0/28 > Internet", "", ""},
		{"UDR: a user route beats a system route of its prefix", app(none("10.1.0.0/16")), "10.1.1.4", "User 10.1.0.0/16 > None", "", ""},
		{"UDR: a user route for the whole address space beats the local one", app(nva("10.0.0.0/16")), "10.0.2.4", "User 10.0.0.0/16 > VirtualAppliance 10.0.0.10", "", ""},
		{"UDR: a user route beats a gateway route of its prefix", learned("172.20.0.0/16").Routes("app", nva("172.20.0.0/16")), "172.20.1.1",
			"User 172.20.0.0/16 > VirtualAppliance 10.0.0.10", "", ""},
		{"UDR: a gateway route beats a system route of its prefix", learned("0.0.0.0/0"), golden.NET, "VirtualNetworkGateway 0.0.0.0/0 > VirtualNetworkGateway", "", ""},
		{"UDR: a longer gateway route beats a user route", learned("172.20.0.0/16").Routes("app", nva("0.0.0.0/0")), "172.20.1.1",
			"VirtualNetworkGateway 172.20.0.0/16 > VirtualNetworkGateway", "", ""},
		{"UDR: peering is preferred over a more specific gateway route", learned("10.1.1.0/24"), "10.1.1.4", peer, "", ""},
		{"UDR: the virtual network is preferred over a more specific gateway route", learned("10.0.2.0/24"), "10.0.2.4", local, "", ""},
		{"UDR: a service endpoint is preferred over a more specific gateway route", learned("20.60.26.0/28").ServiceEndpoint("app", "Microsoft.Storage"), golden.SWE,
			"Default Storage.WestEurope > VirtualNetworkServiceEndpoint", "", ""},
		{"UDR: disableBgpRoutePropagation takes the gateway routes away", learned("0.0.0.0/0").NoPropagation("app"), golden.NET, internet, "", ""},
		{"two user routes of one prefix are in no order", app(golden.Via("one", "0.0.0.0/0", golden.NVA), golden.Via("two", "0.0.0.0/0", golden.Proxy)), golden.NET,
			viaNVA, flow.SamePrefix, ""},
		{"so are two of other types", app(golden.Via("one", "0.0.0.0/0", golden.NVA), toInternet("0.0.0.0/0")), golden.NET, viaNVA, flow.SamePrefix, ""},
		{"and two that both have no address", app(none("0.0.0.0/0"), toInternet("0.0.0.0/0")), golden.NET, "User 0.0.0.0/0 > None", flow.SamePrefix, ""},
		{"two to nowhere are one", app(none("0.0.0.0/0"), golden.Hop("again", "0.0.0.0/0", topology.NextHopNone)), golden.NET, "User 0.0.0.0/0 > None", "", ""},
		{"two user routes of one prefix and one next hop are one", app(golden.Via("one", "0.0.0.0/0", golden.NVA), golden.Via("two", "0.0.0.0/0", golden.NVA)), golden.NET,
			viaNVA, "", ""},

		// Service tags as prefixes (spec 6.2, 4).
		{"UDR: a tag route is as long as the prefix that holds the address", app(nva("0.0.0.0/0"), toInternet("Storage.WestEurope")), golden.SWE,
			"User Storage.WestEurope > Internet", "", ""},
		{"UDR: an explicit prefix of the same length beats a tag", app(toInternet("Storage"), none("20.60.26.0/23")), golden.SWE, "User 20.60.26.0/23 > None", "", ""},
		{"UDR: a longer prefix of a tag beats an explicit one", app(toInternet("Storage"), none("20.60.26.0/22")), golden.SWE, "User Storage > Internet", "", ""},
		{"UDR: a regional tag beats a global one", app(none("Storage"), toInternet("Storage.WestEurope")), golden.SWE, "User Storage.WestEurope > Internet", "", ""},
		{"UDR: a global tag beats AzureCloud.region", app(none("AzureCloud.westeurope"), toInternet("Storage")).ServiceTag("AzureCloud.westeurope", "westeurope", "20.60.26.0/23"),
			golden.SWE, "User Storage > Internet", "", ""},
		{"UDR: AzureCloud.region beats AzureCloud", app(none("AzureCloud"), toInternet("AzureCloud.westeurope")), golden.SWE, "User AzureCloud.westeurope > Internet", "", ""},
		{"UDR: a global tag beats AzureCloud", app(none("AzureCloud"), toInternet("AzureActiveDirectory")), golden.AAD, "User AzureActiveDirectory > Internet", "", ""},
		{"a tag route does not hold other addresses", app(nva("0.0.0.0/0"), toInternet("Storage")), golden.AAD, viaNVA, "", ""},
		{"a tag that no file holds may hold the address", tags(nva("0.0.0.0/0"), toInternet("Storage")), golden.SWE, viaNVA, flow.UnknownTag, ""},
		{"its prefix may be shorter than another route's", tags(nva("20.60.26.0/24"), toInternet("Storage")), golden.SWE,
			"User 20.60.26.0/24 > VirtualAppliance 10.0.0.10", flow.UnknownTag, ""},
		{"which does not matter where both lead to one next hop", tags(nva("20.60.26.0/24"), nva("Storage")), golden.SWE,
			"User 20.60.26.0/24 > VirtualAppliance 10.0.0.10", "", ""},

		// What the table does not say.
		{"a route table that is not in the data may hold any route",
			off(func(e *golden.Estate) { e.SubnetOf("app").RouteTable = topology.RefTo("/x/routeTables/gone") }), golden.NET, internet, flow.DanglingReference, ""},
		{"so may one of which only the name is", off(func(e *golden.Estate) { e.RouteTable("app").RoutesGiven = false }), golden.NET, internet, flow.DanglingReference, ""},
		{"a route with an expression may be any", app(golden.Via("x", "[parameters('p')]", golden.NVA)), golden.NET, internet, flow.UnresolvedExpression, ""},
		{"a next hop that is an expression as well",
			app(nva("10.9.0.0/16")).With(func(e *golden.Estate) { e.RouteTable("app").Routes[0].Unresolved = true }), golden.NET, internet, flow.UnresolvedExpression, ""},
		{"a route table that did not succeed is taken to be in effect",
			app(nva("0.0.0.0/0")).With(func(e *golden.Estate) { failed(&e.RouteTable("app").Element) }), golden.NET, viaNVA, "", flow.NotSucceeded},
		{"so is a route", app(nva("0.0.0.0/0")).With(func(e *golden.Estate) { failed(&e.RouteTable("app").Routes[0].Element) }), golden.NET, viaNVA, "", flow.NotSucceeded},

		// Peering (spec 6.6).
		{"PEER: the space of a peered network is routed to it", golden.New(), "10.1.1.4", peer, "", ""},
		{"PEER: peering is not transitive", golden.New(), "10.2.1.4", "Default 10.0.0.0/8 > None", "", ""},
		{"a peered network of another region is a global peering", off(func(e *golden.Estate) { e.VNetOf("v2").Location = "northeurope" }), "10.1.1.4",
			"Default 10.1.0.0/16 > VNetGlobalPeering", "", ""},
		{"a location is one in any spelling", off(func(e *golden.Estate) { e.VNetOf("v2").Location = "West Europe" }), "10.1.1.4", peer, "", ""},
		{"of a network of no known region it is a peering", off(func(e *golden.Estate) { e.VNetOf("v2").Location = "" }), "10.1.1.4", peer, "", ""},
		{"from a network of no known region too", off(func(e *golden.Estate) { e.VNetOf("v1").Location = "" }), "10.1.1.4", peer, "", ""},
		{"PEER: a peering that is not Connected has no route", off(func(e *golden.Estate) { e.Peering("v1", "v2").State = "Initiated" }), "10.1.1.4", "Default 10.0.0.0/8 > None", "", ""},
		{"PEER: nor has one whose other side is not", off(func(e *golden.Estate) { e.Peering("v2", "v1").State = "Disconnected" }), "10.1.1.4", "Default 10.0.0.0/8 > None", "", ""},
		{"a peering whose state is not said may be up", off(func(e *golden.Estate) { e.Peering("v1", "v2").State = "" }), "10.1.1.4", peer, flow.PeeringNotConnected, ""},
		{"a peering that did not succeed is taken to be in effect", off(func(e *golden.Estate) { failed(&e.Peering("v1", "v2").Element) }), "10.1.1.4", peer, "", flow.NotSucceeded},
		{"so is its other side", off(func(e *golden.Estate) { failed(&e.Peering("v2", "v1").Element) }), "10.1.1.4", peer, "", flow.NotSucceeded},
		{"the space of a peered network that is not in the data may hold any address",
			off(func(e *golden.Estate) {
				p := e.Peering("v1", "v2")
				p.RemoteVirtualNetwork, p.RemoteAddressSpaceGiven = topology.RefTo("/x/virtualNetworks/gone"), false
			}), golden.NET, internet, flow.DanglingReference, ""},

		// Private endpoints (spec 6.8).
		{"PENP: 0.0.0.0/0 never invalidates a private endpoint", pe(nva("0.0.0.0/0")), golden.PE, endpoint, "", ""},
		{"PENP: a route as long as the network's prefix does, with the policy on", pe(nva("10.0.0.0/16")).PrivateEndpointPolicies("db", topology.PolicyRouteTableEnabled), golden.PE,
			"User 10.0.0.0/16 > VirtualAppliance 10.0.0.10", "", ""},
		{"PENP: with the policy Enabled too", pe(nva("10.0.2.0/24")).PrivateEndpointPolicies("db", topology.PolicyEnabled), golden.PE,
			"User 10.0.2.0/24 > VirtualAppliance 10.0.0.10", "", ""},
		{"PENP: a shorter one does not", pe(nva("10.0.0.0/15")).PrivateEndpointPolicies("db", topology.PolicyRouteTableEnabled), golden.PE, endpoint, "", ""},
		{"PENP: with the policy Disabled none does", pe(nva("10.0.0.0/16")).PrivateEndpointPolicies("db", topology.PolicyDisabled), golden.PE, endpoint, "", ""},
		{"PENP: one for other addresses does not", pe(nva("10.0.3.0/24")).PrivateEndpointPolicies("db", topology.PolicyEnabled), golden.PE, endpoint, "", ""},
		{"a user route of exactly its address wins even with the policy Disabled", pe(nva("10.0.2.50/32")), golden.PE, "User 10.0.2.50/32 > VirtualAppliance 10.0.0.10", "", ""},
		{"the endpoint of a peered network has its route", golden.New().PrivateEndpoint("pe1", "web", "10.1.1.50", "x"), "10.1.1.50", "Default 10.1.1.50/32 > InterfaceEndpoint", "", ""},
		{"that of a network two peerings away has not", golden.New().PrivateEndpoint("pe1", "far", "10.2.1.50", "x"), "10.2.1.50", "Default 10.0.0.0/8 > None", "", ""},
		{"nor that of a network whose peering is down",
			golden.New().PrivateEndpoint("pe1", "web", "10.1.1.50", "x").With(func(e *golden.Estate) { e.Peering("v1", "v2").State = "Initiated" }), "10.1.1.50", "Default 10.0.0.0/8 > None", "", ""},
		{"the length of a prefix in a peered network counts there",
			golden.New().PrivateEndpoint("pe1", "web", "10.1.1.50", "x").PrivateEndpointPolicies("web", topology.PolicyEnabled).
				With(func(e *golden.Estate) { e.VNetOf("v2").AddressSpace = []netip.Prefix{cidr("10.1.0.0/20")} }).Routes("app", nva("10.1.0.0/17")), "10.1.1.50",
			"Default 10.1.1.50/32 > InterfaceEndpoint", "", ""},
		{"PENP: and a route as long as that invalidates it",
			golden.New().PrivateEndpoint("pe1", "web", "10.1.1.50", "x").PrivateEndpointPolicies("web", topology.PolicyEnabled).Routes("app", nva("10.1.0.0/16")), "10.1.1.50",
			"User 10.1.0.0/16 > VirtualAppliance 10.0.0.10", "", ""},
		{"a subnet peering that leaves the endpoint out brings no route to it",
			golden.New().PrivateEndpoint("pe1", "web", "10.1.1.50", "x").With(func(e *golden.Estate) {
				p := e.Peering("v1", "v2")
				p.PeerCompleteVnets, p.RemoteAddressSpace = topology.Off, []netip.Prefix{cidr("10.1.2.0/24")}
			}), "10.1.1.50", "Default 10.0.0.0/8 > None", "", ""},

		// Service endpoints (SE).
		{"SE: a service endpoint takes its service of the region", endpointOf("Microsoft.Storage").Routes("app", nva("0.0.0.0/0")), golden.SWE,
			"Default Storage.WestEurope > VirtualNetworkServiceEndpoint", "", ""},
		{"SE: whether it takes storage of another region is in dispute", endpointOf("Microsoft.Storage"), golden.SNE, internet, flow.SourcesConflict, ""},
		{"SE: Microsoft.Storage.Global takes all", endpointOf("Microsoft.Storage.Global"), golden.SNE, "Default Storage > VirtualNetworkServiceEndpoint", "", ""},
		{"SE: another service has nothing to do with it", endpointOf("Microsoft.Sql").ServiceTag("Sql", "", "40.1.0.0/16"), golden.SWE, internet, "", ""},
		{"SE: a service that no file holds may have the address", endpointOf("Microsoft.Sql"), golden.SWE, internet, flow.UnknownTag, ""},
		{"SE: a service without regional tags is taken whole", endpointOf("Microsoft.AzureActiveDirectory"), golden.AAD, "Default AzureActiveDirectory > VirtualNetworkServiceEndpoint", "", ""},
		{"SE: a service is one in any letter case", endpointOf("microsoft.azureactivedirectory"), golden.AAD, "Default AzureActiveDirectory > VirtualNetworkServiceEndpoint", "", ""},
		{"SE: of another region with regional tags it is not taken",
			endpointOf("Microsoft.Sql").ServiceTag("Sql", "", "40.1.0.0/16", "40.2.0.0/16").ServiceTag("Sql.WestEurope", "westeurope", "40.1.0.0/16"), "40.2.0.1", internet, "", ""},
		{"SE: of the own region it is",
			endpointOf("Microsoft.Sql").ServiceTag("Sql", "", "40.1.0.0/16", "40.2.0.0/16").ServiceTag("Sql.WestEurope", "westeurope", "40.1.0.0/16"), "40.1.0.1",
			"Default Sql.WestEurope > VirtualNetworkServiceEndpoint", "", ""},
		{"SE: without the region of the network it may be taken", endpointOf("Microsoft.Storage").With(func(e *golden.Estate) { e.VNetOf("v1").Location = "" }), golden.SWE,
			internet, flow.UnknownTag, ""},
		{"SE: but for a service that is not regional", endpointOf("Microsoft.AzureActiveDirectory").With(func(e *golden.Estate) { e.VNetOf("v1").Location = "" }), golden.AAD,
			"Default AzureActiveDirectory > VirtualNetworkServiceEndpoint", "", ""},
		{"a service endpoint of no known service may take any address", endpointOf("Microsoft.New"), golden.NET, internet, flow.UnknownTag, ""},
		{"SE: a longer user route beats it", endpointOf("Microsoft.Storage").Routes("app", nva("20.60.26.0/24")), golden.SWE, "User 20.60.26.0/24 > VirtualAppliance 10.0.0.10", "", ""},
		{"SE: a shorter one does not", endpointOf("Microsoft.Storage").Routes("app", nva("20.60.24.0/22")), golden.SWE, "Default Storage.WestEurope > VirtualNetworkServiceEndpoint", "", ""},
		{"SE: it is of its own subnet", golden.New().ServiceEndpoint("db", "Microsoft.Storage"), golden.SWE, internet, "", ""},

		// Gateways.
		{"a gateway route reaches its prefix", learned("172.20.0.0/16"), "172.20.1.1", "VirtualNetworkGateway 172.20.0.0/16 > VirtualNetworkGateway", "", ""},
		{"a private address may be learned where the routes are not in the data", notLearned(), "172.20.1.1", "Default 172.16.0.0/12 > None", flow.LearnedRoutesMissing, ""},
		{"a public one is assumed not to be", notLearned(), golden.NET, internet, "", flow.LearnedRoutesPrivate},
		{"a virtual network is preferred over what may be learned", notLearned(), "10.0.2.4", local, "", ""},
		{"a user route of a single address as well", notLearned().Routes("app", nva("172.20.1.1/32")), "172.20.1.1", "User 172.20.1.1/32 > VirtualAppliance 10.0.0.10", "", ""},
		{"of a wider one not", notLearned().Routes("app", nva("172.20.1.0/31")), "172.20.1.1", "User 172.20.1.0/31 > VirtualAppliance 10.0.0.10", flow.LearnedRoutesMissing, ""},
		{"the gateway of a peer serves where both sides say so", remote(), "172.20.1.1", "VirtualNetworkGateway 172.20.0.0/16 > VirtualNetworkGateway", "", ""},
		{"it does as far as the peering does", remote().With(func(e *golden.Estate) { e.Peering("v1", "v2").State = "" }), "172.20.1.1",
			"VirtualNetworkGateway 172.20.0.0/16 > VirtualNetworkGateway", flow.PeeringNotConnected, ""},
		{"without propagation nothing is learned", notLearned().NoPropagation("app"), "172.20.1.1", "Default 172.16.0.0/12 > None", "", ""},
	} {
		t.Run(x.fact, func(t *testing.T) {
			r := choose(table(x.estate.Build(), "app"), at(x.address), x.want)
			if r.Walk != x.want {
				t.Errorf("%s, want %s", r.Walk, x.want)
			}
			want := flow.Allow
			if x.missing != "" {
				want = flow.Unknown
			}
			if r.Verdict != want {
				t.Errorf("taken: %v, want %v (else %s); missing %v", r.Verdict, want, r.Denied, r.Missing)
			}
			if x.missing != "" && !slices.ContainsFunc(r.Missing, func(m flow.Missing) bool { return m.Code == x.missing }) {
				t.Errorf("missing %v, want %s", r.Missing, x.missing)
			}
			if (x.assumes != "") != (len(r.Assumptions) > 0) || x.assumes != "" && r.Assumptions[0].ID != x.assumes {
				t.Errorf("rests on %v, want %q", r.Assumptions, x.assumes)
			}
		})
	}
}

// What may be there though it is not in the data: each is open for the
// addresses that it may hold and for no other.
func TestWhatIsNotInTheDataMayHaveARoute(t *testing.T) {
	gone := topology.RefTo("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/privateEndpoints/gone")
	stub := func(e *golden.Estate) { e.VNetOf("v1").Stub, e.VNetOf("v1").AddressSpace = true, nil }
	for _, x := range []struct {
		fact   string
		estate *golden.Estate
		open   []string // addresses for which it is open
		closed []string
		code   flow.Code
	}{
		{"a private endpoint that an interface is one's own of",
			golden.New().VM("ghost", "db", "10.0.2.60").With(func(e *golden.Estate) { e.NIC("ghost").PrivateEndpoint = gone }),
			[]string{"10.0.2.60"}, []string{"10.0.2.59", "10.0.2.61", "10.0.2.4"}, flow.DanglingReference},
		{"that of an interface in a peered network",
			golden.New().VM("ghost", "web", "10.1.1.60").With(func(e *golden.Estate) { e.NIC("ghost").PrivateEndpoint = gone }),
			[]string{"10.1.1.60"}, []string{"10.1.1.61"}, flow.DanglingReference},
		{"that of an interface in a network beyond it has none",
			golden.New().VM("ghost", "far", "10.2.1.60").With(func(e *golden.Estate) { e.NIC("ghost").PrivateEndpoint = gone }),
			nil, []string{"10.2.1.60"}, ""},
		{"a private endpoint that a subnet lists, at any address that nobody owns",
			golden.New().With(func(e *golden.Estate) { e.SubnetOf("db").PrivateEndpointRefs = []topology.Ref{gone} }),
			[]string{"10.0.2.50", "10.0.2.255"}, []string{"10.0.2.4", "10.0.3.0"}, flow.DanglingReference},
		{"a private endpoint that a subnet of a peered network lists",
			golden.New().With(func(e *golden.Estate) { e.SubnetOf("web").PrivateEndpointRefs = []topology.Ref{gone} }),
			[]string{"10.1.1.50"}, []string{"10.1.1.4", "10.1.2.0"}, flow.DanglingReference},
		{"one that a subnet lists in a network beyond has none",
			golden.New().With(func(e *golden.Estate) { e.SubnetOf("far").PrivateEndpointRefs = []topology.Ref{gone} }),
			nil, []string{"10.2.1.50"}, ""},
		{"a private endpoint that was exported without its address",
			golden.New().Add(&topology.PrivateEndpoint{Element: topology.Element{Name: "gone", ResourceID: gone.Text},
				Subnet: topology.RefTo(golden.New().SubnetOf("db").ResourceID)}),
			[]string{"10.0.2.50"}, []string{"10.0.2.4", "10.0.3.0"}, flow.DanglingReference},
		{"its interface says which it is",
			golden.New().Add(&topology.PrivateEndpoint{Element: topology.Element{Name: "gone", ResourceID: gone.Text},
				Subnet: topology.RefTo(golden.New().SubnetOf("far").ResourceID)}).
				VM("ghost", "db", "10.0.2.60").With(func(e *golden.Estate) { e.NIC("ghost").PrivateEndpoint = gone }),
			[]string{"10.0.2.60"}, []string{"10.0.2.50", "10.2.1.50"}, flow.DanglingReference},
		{"the rest of the space of a network that is known by its children alone",
			golden.New().With(stub), []string{"10.9.0.1", "10.0.3.1"}, []string{"10.0.1.4", "10.0.2.99"}, flow.AddressSpaceUnknown},
	} {
		t.Run(x.fact, func(t *testing.T) {
			tab := table(x.estate.Build(), "app")
			for _, a := range x.open {
				r := choose(tab, at(a), "open: "+string(x.code))
				if r.Verdict != flow.Unknown || r.Missing[0].Code != x.code {
					t.Errorf("%s is not open but %s", a, r.Walk)
				}
			}
			for _, a := range x.closed {
				if r := choose(tab, at(a), "open: "+string(x.code)); r.Verdict != flow.Deny {
					t.Errorf("%s may be %s", a, r.Allowed)
				}
			}
		})
	}
	// By the assumption VNET_SPACE_PRIVATE no public address is in that space.
	tab := table(golden.New().With(stub).Build(), "app")
	if r := choose(tab, at(golden.NET), internet); r.Verdict != flow.Allow || len(r.Assumptions) != 1 || r.Assumptions[0].ID != flow.VNetSpacePrivate {
		t.Errorf("%v, %v", r.Verdict, r.Assumptions)
	}
}

// The space of a network that is known by its subnets alone may be wider than
// they are: then a user route for a part of the real space is the shorter one.
func TestASubnetOfAStubMayBePartOfALongerSpace(t *testing.T) {
	stub := func(routes ...golden.Route) *golden.Estate {
		return app(routes...).With(func(e *golden.Estate) { e.VNetOf("v1").Stub, e.VNetOf("v1").AddressSpace = true, nil })
	}
	for _, x := range []struct {
		fact    string
		estate  *golden.Estate
		verdict flow.Verdict // of the local route
	}{
		{"a shorter user route may be longer than the space", stub(nva("10.0.0.0/20")), flow.Unknown},
		{"0.0.0.0/0 is not", stub(nva("0.0.0.0/0")), flow.Allow},
		{"a system route to nowhere is not asked", stub(), flow.Allow},
		{"a user route to nowhere is", stub(golden.Hop("drop", "10.0.0.0/20", topology.NextHopNone)), flow.Unknown},
		{"of a route that leads where the local one does nothing turns on it", stub(golden.Hop("same", "10.0.0.0/20", topology.NextHopVnetLocal)), flow.Allow},
	} {
		t.Run(x.fact, func(t *testing.T) {
			r := choose(table(x.estate.Build(), "app"), at("10.0.2.4"), "Default 10.0.2.0/24 > VnetLocal")
			if r.Verdict != x.verdict {
				t.Errorf("%v (%s or %s), want %v", r.Verdict, r.Allowed, r.Denied, x.verdict)
			}
			if r.Verdict == flow.Unknown && r.Missing[0].Code != flow.AddressSpaceUnknown {
				t.Errorf("missing %v", r.Missing)
			}
			if r.Walk != "Default 10.0.2.0/24 > VnetLocal" {
				t.Errorf("as far as is known it goes by %s", r.Walk)
			}
		})
	}
	// And a private endpoint in it may be invalidated by a route as long as the
	// real space, where the policy applies.
	for policy, want := range map[topology.NetworkPolicy]flow.Verdict{topology.PolicyEnabled: flow.Unknown, topology.PolicyDisabled: flow.Allow} {
		e := stub(nva("10.0.0.0/20")).PrivateEndpoint("pe1", "db", golden.PE, "x").PrivateEndpointPolicies("db", policy)
		r := flow.Explore(func(w *flow.World) (bool, string) {
			got := said(table(e.Build(), "app").Choose(w, at(golden.PE)))
			return !strings.HasPrefix(got, "open"), got
		}, nil)
		if r.Verdict != want {
			t.Errorf("policy %s: %v, want %v", policy, r.Verdict, want)
		}
	}
}

// A private endpoint has its route whether or not its virtual network and its
// subnet are in the data (PENP); what is not known then is whether route tables
// apply to it.
func TestAPrivateEndpointOfWhichTheNetworkIsNotInTheDataHasItsRoute(t *testing.T) {
	const pe = "10.1.1.50"
	verdict := func(e *golden.Estate, subnetAlone bool) (flow.Verdict, string) {
		t.Helper()
		full := e.PrivateEndpoint("pe1", "web", pe, "x").Build()
		var left []topology.Any
		full.All(func(x topology.Any) bool {
			v, ok := x.(*topology.VirtualNetwork)
			if ok && v.Name == "v2" {
				if !subnetAlone {
					return true
				}
				v.Subnets = slices.DeleteFunc(slices.Clone(v.Subnets), func(s *topology.Subnet) bool { return s.Name == "web" })
			}
			left = append(left, x)
			return true
		})
		n, err := topology.NewNetwork(topology.Data{}, left...)
		if err != nil {
			t.Fatal(err)
		}
		r := flow.Explore(func(w *flow.World) (bool, string) {
			got := said(table(n, "app").Choose(w, at(pe)))
			return got == "Default "+pe+"/32 > InterfaceEndpoint", got
		}, nil)
		return r.Verdict, r.Walk
	}
	for _, c := range []struct {
		name        string
		estate      *golden.Estate
		subnetAlone bool
		want        flow.Verdict
	}{
		{"no user route", golden.New(), false, flow.Allow},
		{"a user route elsewhere", golden.New().Routes("app", nva("10.7.0.0/16")), false, flow.Allow},
		{"a user route around it", golden.New().Routes("app", nva("10.1.0.0/16")), false, flow.Unknown},
		{"the subnet alone is missing, no user route", golden.New(), true, flow.Allow},
		{"the subnet alone is missing, a user route as long as the network's space", golden.New().Routes("app", nva("10.1.0.0/16")), true, flow.Unknown},
		{"the subnet alone is missing, a shorter user route", golden.New().Routes("app", nva("10.0.0.0/15")), true, flow.Allow},
		{"the peering is down", golden.New().With(func(e *golden.Estate) { e.Peering("v1", "v2").State = "Initiated" }), false, flow.Deny},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, walk := verdict(c.estate, c.subnetAlone); got != c.want {
				t.Errorf("%v, want %v: as far as is known it goes by %s", got, c.want, walk)
			}
		})
	}
}

// An exported effective route table is taken as it is (spec 6.1).
func TestAnExportedEffectiveRouteTableIsTheTruth(t *testing.T) {
	row := func(source, state string, hop topology.NextHopType, ip string, prefixes ...string) topology.EffectiveRoute {
		r := topology.EffectiveRoute{Source: source, State: state, NextHop: hop}
		for _, p := range prefixes {
			r.Prefixes = append(r.Prefixes, cidr(p))
		}
		if ip != "" {
			r.NextHopIP = []netip.Addr{netip.MustParseAddr(ip)}
		}
		return r
	}
	export := func(nic string, rows ...topology.EffectiveRoute) *topology.Network {
		e := app(nva("0.0.0.0/0")).PrivateEndpoint("pe1", "db", golden.PE, "x")
		n := e.Build()
		ref := topology.RefTo("/x/networkInterfaces/gone")
		if nic != "" {
			ref = e.NIC(nic).Ref()
		}
		n.EffectiveRouteTables = []*topology.EffectiveRouteTable{{NetworkInterface: ref, Routes: rows}}
		return n
	}
	rows := []topology.EffectiveRoute{
		row("Default", "Active", topology.NextHopVnetLocal, "", "10.0.0.0/16"),
		row("Default", "Active", topology.NextHopVNetPeering, "", "10.1.0.0/16"),
		row("Default", "Invalid", topology.NextHopInternet, "", "0.0.0.0/0"),
		row("User", "Active", topology.NextHopVirtualAppliance, "10.0.0.99", "0.0.0.0/0", "10.7.0.0/16"),
		row("VirtualNetworkGateway", "Active", topology.NextHopGateway, "", "10.0.2.0/28", "192.168.0.0/20"),
		row("Default", "Active", topology.NextHopNone, "", "192.168.0.0/16"),
		row("Default", "Active", topology.NextHopPrivateEndpoint, "", golden.PE+"/32"),
		row("Default", "Active", topology.NextHopInternet, "", "20.60.26.0/23"),
		row("VirtualNetworkGateway", "active", topology.NextHopGateway, "", "20.60.26.0/24"),
	}
	tab := table(export("a1", rows...), "app")
	for _, x := range []struct{ fact, address, want string }{
		{"a row of a user route", golden.NET, "User 0.0.0.0/0 > VirtualAppliance 10.0.0.99"},
		{"its second prefix", "10.7.1.1", "User 10.7.0.0/16 > VirtualAppliance 10.0.0.99"},
		{"a local row is preferred over a longer row of a gateway", "10.0.2.4", local},
		{"a row to nowhere is not", "192.168.1.1", "VirtualNetworkGateway 192.168.0.0/20 > VirtualNetworkGateway"},
		{"a row to the Internet is not", golden.SWE, "VirtualNetworkGateway 20.60.26.0/24 > VirtualNetworkGateway"},
		{"a row of a peering", "10.1.1.4", peer},
		{"a row of a private endpoint", golden.PE, endpoint},
		{"an address of no row", "2001:db8::1", "none"},
	} {
		if r := choose(tab, at(x.address), x.want); r.Verdict != flow.Allow {
			t.Errorf("%s: %s goes by %s, want %s", x.fact, x.address, r.Walk, x.want)
		}
	}
	for _, r := range tab.Routes {
		if got := r.Peering != nil; got != (r.NextHop == topology.NextHopVNetPeering || r.Prefix.Overlaps(cidr("10.1.0.0/16"))) {
			t.Errorf("%s: peering %v", r.Label(), r.Peering)
		}
		if got := r.Endpoint != nil; got != (r.NextHop == topology.NextHopPrivateEndpoint) {
			t.Errorf("%s: private endpoint %v", r.Label(), r.Endpoint)
		}
	}
	if r := choose(table(export("a1", append(rows, topology.EffectiveRoute{Source: "User", State: "Active", Tags: []string{"Storage"}})...), "app"), at(golden.NET), "open: UNKNOWN_TAG"); r.Verdict != flow.Unknown {
		t.Errorf("a row without a prefix may be of any: %s", r.Walk)
	}
	for _, nic := range []string{"d1", ""} {
		if r := choose(table(export(nic, rows...), "app"), at(golden.NET), viaNVA); r.Verdict != flow.Allow {
			t.Errorf("the export of %q is of another subnet, but a1 goes by %s", nic, r.Walk)
		}
	}
}

// An address of which only its tag is known is asked about by prefixes.
func TestAnAddressOfATagGoesByTheTagsRoute(t *testing.T) {
	e := app(nva("0.0.0.0/0"), golden.Hop("storage", "Storage", topology.NextHopInternet)).NoServiceTags()
	r := choose(table(e.Build(), "app"), flow.SomewhereIn("Storage", false), "User Storage > Internet")
	if r.Verdict != flow.Allow {
		t.Errorf("%v, else %s", r.Verdict, r.Denied)
	}
	// A user route and a service endpoint by one tag have one prefix, whichever
	// that is, in any spelling of it.
	both := app(golden.Hop("storage", "STORAGE", topology.NextHopInternet)).ServiceEndpoint("app", "Microsoft.Storage.Global").NoServiceTags()
	r = choose(table(both.Build(), "app"), flow.SomewhereIn("Storage", false), "User STORAGE > Internet")
	if r.Verdict != flow.Allow {
		t.Errorf("%v, else %s", r.Verdict, r.Denied)
	}
	// Of an address in the tag it is not known whether the tag's prefix or
	// another route's is longer; as far as is known it is not.
	in := flow.Address{IP: netip.MustParseAddr(golden.SWE), Tag: "Storage"}
	r = choose(table(app(nva("20.60.26.0/24"), golden.Hop("storage", "Storage", topology.NextHopInternet)).NoServiceTags().Build(), "app"), in, "User 20.60.26.0/24 > VirtualAppliance 10.0.0.10")
	if r.Verdict != flow.Unknown || r.Walk != "User 20.60.26.0/24 > VirtualAppliance 10.0.0.10" {
		t.Errorf("%v, as far as is known %s", r.Verdict, r.Walk)
	}
	r = choose(table(app(nva("20.60.26.0/24")).NoServiceTags().Build(), "app"), flow.SomewhereIn("Storage", false), internet)
	if r.Verdict != flow.Unknown || r.Missing[0].Code != flow.UnknownTag {
		t.Errorf("whether an address of Storage is in 20.60.26.0/24 is not known: %v", r.Verdict)
	}
	r = choose(table(notLearned().NoServiceTags().Build(), "app"), flow.SomewhereIn("Storage", false), internet)
	if r.Verdict != flow.Allow || r.Assumptions[0].ID != flow.LearnedRoutesPrivate {
		t.Errorf("an address of Storage is public: %v, %v", r.Verdict, r.Assumptions)
	}
	r = choose(table(notLearned().NoServiceTags().Build(), "app"), flow.SomewhereIn("AppService", false), internet)
	if r.Verdict != flow.Unknown {
		t.Errorf("one of AppService is not known to be: %v", r.Verdict)
	}
}

// UDR: the loser of an equal-prefix contest is Invalid.
func TestTheLoserOfAnEqualPrefixIsNotActive(t *testing.T) {
	tab := table(learned("0.0.0.0/0", "10.9.0.0/16").Routes("app", nva("0.0.0.0/0"), golden.Via("again", "0.0.0.0/0", golden.NVA), golden.Hop("tag", "Storage", topology.NextHopInternet)).Build(), "app")
	var got []string
	for _, r := range tab.Routes {
		state := "Invalid"
		if r.Active {
			state = "Active"
		}
		if r.Label() == "0.0.0.0/0" || r.Label() == "Storage" || r.Label() == "10.9.0.0/16" {
			got = append(got, string(r.Source)+" "+r.Label()+" "+state)
		}
	}
	want := []string{"VirtualNetworkGateway 10.9.0.0/16 Active", "User 0.0.0.0/0 Active", "User 0.0.0.0/0 Active", "VirtualNetworkGateway 0.0.0.0/0 Invalid", "Default 0.0.0.0/0 Invalid", "User Storage Active"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// UDR: if the space equals a reserved range, its None route becomes VnetLocal.
func TestASpaceThatIsAReservedRangeHasNoRouteToNowhere(t *testing.T) {
	e := golden.New().VNet("whole", "192.168.0.0/16").Subnet("whole", "only", "192.168.1.0/24")
	for _, r := range table(e.Build(), "only").Routes {
		if r.Prefix == cidr("192.168.0.0/16") && r.NextHop != topology.NextHopVnetLocal {
			t.Errorf("%s > %s", r.Label(), r.NextHop)
		}
	}
}

func TestTheChoiceChangesOnlyAtTheConstants(t *testing.T) {
	e := notLearned().Routes("app", nva("203.0.113.0/28"), golden.Hop("tag", "Storage.NorthEurope", topology.NextHopNone)).
		VM("ghost", "db", "10.0.2.60").With(func(e *golden.Estate) { e.NIC("ghost").PrivateEndpoint = topology.RefTo("/x/privateEndpoints/gone") })
	tab := table(e.Build(), "app")
	constants := tab.Constants()
	class := func(a netip.Addr) (in []bool) {
		for _, p := range constants {
			in = append(in, p.Contains(a))
		}
		return in
	}
	for _, edge := range []string{"203.0.113.0", "203.0.113.16", "20.60.40.0", "20.60.42.0", "10.0.2.60", "10.0.2.61", "10.0.0.0", "10.1.0.0", "10.2.0.0", "11.0.0.0"} {
		a := netip.MustParseAddr(edge)
		if slices.Equal(class(a.Prev()), class(a)) {
			t.Errorf("no constant lies between %s and %s", a.Prev(), a)
		}
	}
	public := slices.ContainsFunc(constants, func(s *netipx.IPSet) bool { return s.Equal(scope.PublicSpace()) })
	if !public {
		t.Error("where routes are learned that are not in the data, it counts whether an address is public")
	}
	if slices.ContainsFunc(table(golden.New().Build(), "app").Constants(), func(s *netipx.IPSet) bool { return s.Equal(scope.PublicSpace()) }) {
		t.Error("without a gateway it does not")
	}
}

func TestWhatTheTableAsAWholeLeavesOpen(t *testing.T) {
	codes := func(n *topology.Network) (out []flow.Code) {
		for _, f := range table(n, "app").Undecided() {
			out = append(out, f.Code)
		}
		return out
	}
	if got := codes(golden.New().Build()); len(got) > 0 {
		t.Errorf("nothing is open in the fixture: %v", got)
	}
	e := notLearned().ServiceEndpoint("app", "Microsoft.New").With(func(e *golden.Estate) { e.SubnetOf("app").RouteTable = topology.RefTo("/x/routeTables/gone") })
	if got, want := codes(e.Build()), []flow.Code{flow.DanglingReference, flow.UnknownTag, flow.LearnedRoutesMissing}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
