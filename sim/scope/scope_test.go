package scope_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

var fresh = scope.Options{AsOf: golden.AsOf}

// placeOf is the place of the subnet app, or, without one, that of an NSG
// alone.
func placeOf(e *golden.Estate, o scope.Options) *scope.Place {
	return at(e.Build(), o)
}

func at(n *topology.Network, o scope.Options) *scope.Place {
	names := scope.New(n, o)
	for _, v := range n.VirtualNetworks {
		for _, s := range v.Subnets {
			if s.Name == "app" {
				return names.At(s)
			}
		}
	}
	return names.Alone()
}

func ip(text string) flow.Address { return flow.At(netip.MustParseAddr(text)) }

func cidr(text string) netip.Prefix { return netip.MustParsePrefix(text) }

// has explores whether the address is in the set: Allow always, Deny never.
func has(s *scope.Set, a flow.Address, local bool) flow.Result[struct{}] {
	return flow.Explore(func(w *flow.World) (bool, struct{}) { return s.Has(w, a, local), struct{}{} }, nil)
}

// question is one address and what is known of it in a set.
type question struct {
	fact    string // with the key of its source in the specification
	estate  *golden.Estate
	tag     string
	address flow.Address
	verdict flow.Verdict      // Allow: it is in the set, Deny: it is not
	missing flow.Code         // Unknown: what would settle it
	assumes flow.AssumptionID // what it rests on
}

func (x question) ask(t *testing.T, o scope.Options, local bool) {
	t.Helper()
	s := placeOf(x.estate, o).Resolve(topology.AddressPrefix{Kind: topology.TagAddress, Tag: x.tag, Text: x.tag})
	x.compare(t, s, local)
}

func (x question) compare(t *testing.T, s *scope.Set, local bool) {
	t.Helper()
	r := has(s, x.address, local)
	var missing flow.Code
	if len(r.Missing) > 0 {
		missing = r.Missing[0].Code
	}
	var assumes flow.AssumptionID
	if len(r.Assumptions) > 0 {
		assumes = r.Assumptions[0].ID
	}
	if r.Verdict != x.verdict || missing != x.missing || assumes != x.assumes {
		t.Errorf("%v, missing %q, resting on %q; want %v, %q, %q", r.Verdict, missing, assumes, x.verdict, x.missing, x.assumes)
	}
	if !x.address.Known() || x.address.Tag != "" {
		return
	}
	// What the bounds say without a world is the same.
	a := x.address.IP
	certain, asked := s.Bounds(local)
	known := r.Verdict != flow.Unknown && r.Strict == r.Verdict
	switch {
	case certain.Contains(a) && asked.Contains(a):
		t.Error("it is both certain and asked")
	case certain.Contains(a) && (r.Verdict != flow.Allow || !known):
		t.Error("by the bounds it is a member for certain")
	case !certain.Contains(a) && !asked.Contains(a) && (r.Verdict != flow.Deny || !known):
		t.Error("by the bounds it is certainly no member")
	case asked.Contains(a) && known && x.missing == "" && len(s.Constants()) == 1:
		t.Error("by the bounds it is asked")
	}
	// With every assumption taken they are as exact as the worlds, but for what
	// the names of two tags imply.
	in, open, rests := s.Assumed(local, func(flow.Fact) bool { return true })
	named := s.TagName() != "" && !s.Catalogued()
	switch {
	case in.Contains(a) != (r.Verdict == flow.Allow):
		t.Errorf("with every assumption taken it is a member: %v", in.Contains(a))
	case open.Contains(a) != (r.Verdict == flow.Unknown) && !(named && open.Contains(a)):
		t.Errorf("with every assumption taken it is asked: %v", open.Contains(a))
	case assumes != "" && !slices.ContainsFunc(rests, func(f flow.Fact) bool { return f.Assumption == assumes }):
		t.Errorf("with every assumption taken it rests on %v", rests)
	}
	in, open, rests = s.Assumed(local, func(flow.Fact) bool { return false })
	if in.Contains(a) != certain.Contains(a) || open.Contains(a) != asked.Contains(a) || len(rests) > 0 {
		t.Errorf("with none taken it is a member: %v, asked: %v, resting on %v", in.Contains(a), open.Contains(a), rests)
	}
	if local {
		return
	}
	must, may := s.Certain()
	if must.Contains(a) && r.Verdict != flow.Allow || !may.Contains(a) && r.Verdict != flow.Deny {
		t.Errorf("must %v, may %v", must.Contains(a), may.Contains(a))
	}
	if known && r.Verdict == flow.Allow && s.Name != "Internet" && !must.Contains(a) && x.missing == "" {
		t.Error("it is certain and not in what must be")
	}
}

func learned(prefixes ...string) *golden.Estate {
	return golden.New().Gateway("v1", "10.0.254.0/27", prefixes...)
}

func notLearned() *golden.Estate {
	return learned().With(func(e *golden.Estate) { e.GatewayOf("v1").LearnedGiven = false })
}

// remote is v1 using the gateway of its peer v2.
func remote() *golden.Estate {
	return golden.New().Gateway("v2", "10.1.254.0/27", "172.20.0.0/16").With(func(e *golden.Estate) {
		e.Peering("v1", "v2").UseRemoteGateways = topology.On
		e.Peering("v2", "v1").AllowGatewayTransit = topology.On
	})
}

func with(change func(*golden.Estate)) *golden.Estate { return golden.New().With(change) }

func failed(e *topology.Element) { e.ProvisioningState = "Failed" }

func stub(e *golden.Estate) { e.VNetOf("v1").Stub, e.VNetOf("v1").AddressSpace = true, nil }

func TestTheTagVirtualNetworkOfASubnet(t *testing.T) {
	gone := topology.RefTo("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/gone")
	via := func(destination string) *golden.Estate {
		return golden.New().Routes("app", golden.Via("udr", destination, golden.NVA))
	}
	hop := func(destination string, next topology.NextHopType) *golden.Estate {
		return golden.New().Routes("app", golden.Hop("udr", destination, next))
	}
	dangling := func(e *golden.Estate) *golden.Estate {
		e.SubnetOf("app").RouteTable = topology.RefTo("/x/routeTables/gone")
		return e
	}
	for _, x := range []question{
		{"TAG: it holds the address space", golden.New(), "VirtualNetwork", ip("10.0.255.255"), flow.Allow, "", ""},
		{"TAG: in any letter case, and by its classic name", golden.New(), " virtual_network ", ip("10.0.255.255"), flow.Allow, "", ""},
		{"TAG: it holds 168.63.129.16", golden.New(), "VirtualNetwork", ip(golden.Host), flow.Allow, "", ""},
		{"TAG: it does not hold its neighbour", golden.New(), "VirtualNetwork", ip("168.63.129.17"), flow.Deny, "", ""},
		{"TAG: nor other private addresses", golden.New(), "VirtualNetwork", ip("10.200.0.1"), flow.Deny, "", ""},
		{"TAG: it holds peered networks", golden.New(), "VirtualNetwork", ip("10.1.1.4"), flow.Allow, "", ""},
		{"PEER: it is not transitive", golden.New(), "VirtualNetwork", ip("10.2.1.4"), flow.Deny, "", ""},
		{"PEER: without access to the remote network its prefixes leave", with(func(e *golden.Estate) { e.NoAccess("v1", "v2") }), "VirtualNetwork", ip("10.1.1.4"), flow.Deny, "", ""},
		{"PEER: the flag of the other side does not matter", with(func(e *golden.Estate) { e.NoAccess("v2", "v1") }), "VirtualNetwork", ip("10.1.1.4"), flow.Allow, "", ""},
		{"PEER: a peering that is not Connected brings nothing", with(func(e *golden.Estate) { e.Peering("v1", "v2").State = "Initiated" }), "VirtualNetwork", ip("10.1.1.4"), flow.Deny, "", ""},
		{"a peering whose state is not said may", with(func(e *golden.Estate) { e.Peering("v1", "v2").State = "" }), "VirtualNetwork", ip("10.1.1.4"), flow.Unknown, flow.PeeringNotConnected, ""},
		{"of one that is not Connected on the other side it is certain", with(func(e *golden.Estate) {
			e.Peering("v1", "v2").State, e.Peering("v2", "v1").State = "", "Disconnected"
		}), "VirtualNetwork", ip("10.1.1.4"), flow.Deny, "", ""},
		{"a peering that did not succeed is taken to be in effect", with(func(e *golden.Estate) { failed(&e.Peering("v1", "v2").Element) }), "VirtualNetwork", ip("10.1.1.4"), flow.Allow, "", flow.NotSucceeded},
		{"so is the other side's", with(func(e *golden.Estate) { failed(&e.Peering("v2", "v1").Element) }), "VirtualNetwork", ip("10.1.1.4"), flow.Allow, "", flow.NotSucceeded},
		{"of a peering of no known state both count", with(func(e *golden.Estate) {
			e.Peering("v1", "v2").State = ""
			failed(&e.Peering("v1", "v2").Element)
			failed(&e.Peering("v2", "v1").Element)
		}), "VirtualNetwork", ip("10.1.1.4"), flow.Unknown, flow.PeeringNotConnected, ""},
		{"the space of a peered network that is not in the data may hold any address", with(func(e *golden.Estate) {
			p := e.Peering("v1", "v2")
			p.RemoteVirtualNetwork, p.RemoteAddressSpaceGiven, p.RemoteAddressSpace = gone, false, nil
		}), "VirtualNetwork", ip("10.9.1.4"), flow.Unknown, flow.DanglingReference, ""},
		{"but not of one that is not Connected", with(func(e *golden.Estate) {
			p := e.Peering("v1", "v2")
			p.RemoteVirtualNetwork, p.RemoteAddressSpaceGiven, p.RemoteAddressSpace, p.State = gone, false, nil, "Initiated"
		}), "VirtualNetwork", ip("10.9.1.4"), flow.Deny, "", ""},
		{"spec 6.6: of a subnet peering the recorded prefixes count", with(func(e *golden.Estate) {
			p := e.Peering("v1", "v2")
			p.PeerCompleteVnets, p.RemoteAddressSpace = topology.Off, []netip.Prefix{cidr("10.1.2.0/24")}
		}), "VirtualNetwork", ip("10.1.1.4"), flow.Deny, "", ""},
		{"a virtual network that did not succeed is taken to be in effect", with(func(e *golden.Estate) { failed(&e.VNetOf("v1").Element) }), "VirtualNetwork", ip("10.0.1.4"), flow.Allow, "", flow.NotSucceeded},

		{"TAG: it holds what a gateway has learned", learned("172.20.0.0/16"), "VirtualNetwork", ip("172.20.1.1"), flow.Allow, "", ""},
		{"a gateway's prefixes are assumed to stay where the table disables propagation", learned("172.20.0.0/16").NoPropagation("app"), "VirtualNetwork", ip("172.20.1.1"), flow.Allow, "", flow.GatewayPrefixesInVNet},
		{"or where the table is not in the data", dangling(learned("172.20.0.0/16")), "VirtualNetwork", ip("172.20.1.1"), flow.Allow, "", flow.GatewayPrefixesInVNet},
		{"the gateway of a peer counts where both sides say so", remote(), "VirtualNetwork", ip("172.20.1.1"), flow.Allow, "", ""},
		{"not where the hub does not", remote().With(func(e *golden.Estate) { e.Peering("v2", "v1").AllowGatewayTransit = topology.Off }), "VirtualNetwork", ip("172.20.1.1"), flow.Deny, "", ""},
		{"not where the spoke does not", remote().With(func(e *golden.Estate) { e.Peering("v1", "v2").UseRemoteGateways = topology.Off }), "VirtualNetwork", ip("172.20.1.1"), flow.Deny, "", ""},
		{"not where the peering is down", remote().With(func(e *golden.Estate) { e.Peering("v1", "v2").State = "Disconnected" }), "VirtualNetwork", ip("172.20.1.1"), flow.Deny, "", ""},
		{"it may where the state is not said", remote().With(func(e *golden.Estate) { e.Peering("v1", "v2").State = "" }), "VirtualNetwork", ip("172.20.1.1"), flow.Unknown, flow.PeeringNotConnected, ""},
		{"and rests on the peering's being in effect", remote().With(func(e *golden.Estate) { failed(&e.Peering("v1", "v2").Element) }), "VirtualNetwork", ip("172.20.1.1"), flow.Allow, "", flow.NotSucceeded},
		{"on both sides of it", remote().With(func(e *golden.Estate) { failed(&e.Peering("v2", "v1").Element) }), "VirtualNetwork", ip("172.20.1.1"), flow.Allow, "", flow.NotSucceeded},
		{"a private address may be learned where the routes are not in the data", notLearned(), "VirtualNetwork", ip("172.20.1.1"), flow.Unknown, flow.LearnedRoutesMissing, ""},
		{"a public one is assumed not to be", notLearned(), "VirtualNetwork", ip(golden.NET), flow.Deny, "", flow.LearnedRoutesPrivate},

		{"TAG: it holds the prefixes of user-defined routes", via("10.2.0.0/16"), "VirtualNetwork", ip("10.2.1.4"), flow.Allow, "", ""},
		{"TOR: with a default route to an appliance it is everything", via("0.0.0.0/0"), "VirtualNetwork", ip(golden.NET), flow.Allow, "", ""},
		{"TAG: those of its own subnet's table alone", golden.New().Routes("db", golden.Via("udr", "10.2.0.0/16", golden.NVA)), "VirtualNetwork", ip("10.2.1.4"), flow.Deny, "", ""},
		{"routes to None are assumed to count", hop("10.2.0.0/16", topology.NextHopNone), "VirtualNetwork", ip("10.2.1.4"), flow.Allow, "", flow.UDRPrefixesInVNet},
		{"routes to the Internet are too", hop("10.2.0.0/16", topology.NextHopInternet), "VirtualNetwork", ip("10.2.1.4"), flow.Allow, "", flow.UDRPrefixesInVNet},
		{"routes to a service tag are assumed not to", hop("Storage", topology.NextHopInternet), "VirtualNetwork", ip(golden.SWE), flow.Deny, "", flow.TagRouteNotInVNet},
		{"of other addresses that says nothing", hop("Storage", topology.NextHopInternet), "VirtualNetwork", ip(golden.NET), flow.Deny, "", ""},
		{"a route with an expression may hold any address", via("[parameters('p')]"), "VirtualNetwork", ip("10.9.0.1"), flow.Unknown, flow.UnresolvedExpression, ""},
		{"one whose next hop is an expression has its prefix", via("10.2.0.0/16").With(func(e *golden.Estate) { e.RouteTable("app").Routes[0].Unresolved = true }), "VirtualNetwork", ip("10.2.1.4"), flow.Allow, "", ""},
		{"a route that did not succeed is taken to be in effect", via("10.2.0.0/16").With(func(e *golden.Estate) { failed(&e.RouteTable("app").Routes[0].Element) }), "VirtualNetwork", ip("10.2.1.4"), flow.Allow, "", flow.NotSucceeded},
		{"so is a table", via("10.2.0.0/16").With(func(e *golden.Estate) { failed(&e.RouteTable("app").Element) }), "VirtualNetwork", ip("10.2.1.4"), flow.Allow, "", flow.NotSucceeded},
		{"where it is not, any address may be in the tag", via("10.2.0.0/16").With(func(e *golden.Estate) { failed(&e.RouteTable("app").Element) }), "VirtualNetwork", ip("10.9.0.1"), flow.Deny, "", flow.NotSucceeded},
		{"a table that is not in the data may hold any prefix", dangling(golden.New()), "VirtualNetwork", ip("10.9.0.1"), flow.Unknown, flow.DanglingReference, ""},

		{"a network known by its children alone has their prefixes", with(stub), "VirtualNetwork", ip("10.0.2.200"), flow.Allow, "", ""},
		{"and may have any private one", with(stub), "VirtualNetwork", ip("10.9.0.1"), flow.Unknown, flow.AddressSpaceUnknown, ""},
		{"a public one it is assumed not to have", with(stub), "VirtualNetwork", ip(golden.NET), flow.Deny, "", flow.VNetSpacePrivate},
	} {
		t.Run(x.fact, func(t *testing.T) { x.ask(t, fresh, false) })
	}
}

func TestTheTagInternet(t *testing.T) {
	public := func() *golden.Estate {
		return with(func(e *golden.Estate) {
			e.VNetOf("v1").AddressSpace = []netip.Prefix{cidr("10.0.0.0/16"), cidr("51.0.0.0/16")}
		})
	}
	for _, x := range []question{
		{"TAG: it holds public addresses", golden.New(), "Internet", ip(golden.NET), flow.Allow, "", ""},
		{"TAG: those of Azure's services too", golden.New(), "INTERNET", ip(golden.SWE), flow.Allow, "", ""},
		{"TAG: not the private ones of the network", golden.New(), "Internet", ip("10.0.1.4"), flow.Deny, "", ""},
		{"TAG: nor any others", golden.New(), "Internet", ip("10.200.0.1"), flow.Deny, "", ""},
		{"spec 3.2: not 100.64.0.0/10", golden.New(), "Internet", ip("100.64.0.0"), flow.Deny, "", ""},
		{"spec 3.2: but the address after it", golden.New(), "Internet", ip("100.128.0.0"), flow.Allow, "", ""},
		{"spec 3.2: not link local addresses", golden.New(), "Internet", ip("169.254.0.1"), flow.Deny, "", ""},
		{"spec 3.2: not multicast and what is beyond", golden.New(), "Internet", ip("224.0.0.0"), flow.Deny, "", ""},
		{"spec 3.2: the last unicast address is in it", golden.New(), "Internet", ip("223.255.255.255"), flow.Allow, "", ""},
		{"verdicts.md 16: not 168.63.129.16", golden.New(), "Internet", ip(golden.Host), flow.Deny, "", ""},
		{"verdicts.md 16: of IPv6 2000::/3", golden.New(), "Internet", ip("3fff:ffff::1"), flow.Allow, "", ""},
		{"verdicts.md 16: and no more", golden.New(), "Internet", ip("4000::1"), flow.Deny, "", ""},
		{"the network's own public space is assumed not to be in it", public(), "Internet", ip("51.0.1.4"), flow.Deny, "", flow.VNetPublicSpaceNotInternet},
		{"which says nothing of other public space", public(), "Internet", ip("51.1.1.4"), flow.Allow, "", ""},
		{"whether 25.0.0.0/8 is in it is in dispute", golden.New(), "Internet", ip("25.1.1.1"), flow.Unknown, flow.SourcesConflict, ""},
		{"whether 192.0.2.0/24 is", golden.New(), "Internet", ip("192.0.2.1"), flow.Unknown, flow.SourcesConflict, ""},
		{"whether 198.18.0.0/15 is", golden.New(), "Internet", ip("198.19.255.255"), flow.Unknown, flow.SourcesConflict, ""},
		{"an address of a service that is public by its name is in it", golden.New(), "Internet", flow.SomewhereIn("Storage.WestEurope", false), flow.Allow, "", ""},
		{"one behind a way out as well", golden.New(), "Internet", flow.SomewhereIn("Internet", false), flow.Allow, "", ""},
		{"an IPv6 one too", golden.New(), "Internet", flow.SomewhereIn("Sql", true), flow.Allow, "", ""},
		{"one of another tag may be", golden.New(), "Internet", flow.SomewhereIn("AppService", false), flow.Unknown, flow.UnknownTag, ""},
		{"of a network known by its children alone, that no other space is public is assumed", with(stub), "Internet", ip(golden.NET), flow.Allow, "", flow.VNetSpacePrivate},
	} {
		t.Run(x.fact, func(t *testing.T) { x.ask(t, fresh, false) })
	}
}

// verdicts.md 5, 15 and 16.
func TestTheTagsOfAnNSGAlone(t *testing.T) {
	alone := golden.Empty
	given := fresh
	given.VirtualNetwork = []netip.Prefix{cidr("10.0.0.0/16"), cidr("51.0.0.0/16")}
	for _, x := range []struct {
		question
		options scope.Options
		local   bool
	}{
		{question{"the local address is inside", alone(), "VirtualNetwork", ip(golden.NET), flow.Allow, "", ""}, fresh, true},
		{question{"a private remote may be", alone(), "VirtualNetwork", ip("10.9.0.1"), flow.Unknown, flow.AddressSpaceUnknown, ""}, fresh, false},
		{question{"a public remote is assumed not to be", alone(), "VirtualNetwork", ip(golden.NET), flow.Deny, "", flow.VNetSpacePrivate}, fresh, false},
		{question{"168.63.129.16 is", alone(), "VirtualNetwork", ip(golden.Host), flow.Allow, "", ""}, fresh, false},
		{question{"a public remote is in Internet, by the same assumption", alone(), "Internet", ip(golden.NET), flow.Allow, "", flow.VNetSpacePrivate}, fresh, false},
		{question{"a private remote is not", alone(), "Internet", ip("10.9.0.1"), flow.Deny, "", ""}, fresh, false},
		{question{"the local address, if it is public, is assumed not to be", alone(), "Internet", ip(golden.NET), flow.Deny, "", flow.VNetPublicSpaceNotInternet}, fresh, true},
		{question{"if it is private, it is not", alone(), "Internet", ip("10.9.0.1"), flow.Deny, "", ""}, fresh, true},
		{question{"the given prefixes settle the tag: they are in it", alone(), "VirtualNetwork", ip("10.0.1.1"), flow.Allow, "", ""}, given, false},
		{question{"and 168.63.129.16", alone(), "VirtualNetwork", ip(golden.Host), flow.Allow, "", ""}, given, false},
		{question{"nothing else is", alone(), "VirtualNetwork", ip("10.9.0.1"), flow.Deny, "", ""}, given, false},
		{question{"but the local address", alone(), "VirtualNetwork", ip("10.9.0.1"), flow.Allow, "", ""}, given, true},
		{question{"public ones of them are assumed not to be in Internet", alone(), "Internet", ip("51.0.1.4"), flow.Deny, "", flow.VNetPublicSpaceNotInternet}, given, false},
		{question{"others are", alone(), "Internet", ip(golden.NET), flow.Allow, "", ""}, given, false},
	} {
		t.Run(x.fact, func(t *testing.T) { x.ask(t, x.options, x.local) })
	}
	e := golden.New()
	estate := scope.New(e.Build(), fresh)
	if app := estate.At(e.SubnetOf("app")); estate.At(e.SubnetOf("app")) != app || estate.At(e.SubnetOf("db")) == app {
		t.Error("each subnet is a place of its own")
	}
	names := scope.New(alone().Build(), fresh)
	if names.At(nil) != names.Alone() || names.At(golden.New().SubnetOf("app")) != names.Alone() {
		t.Error("a subnet whose network is not in the data is the place of an NSG alone")
	}
}

// Spec 3.5, verdicts.md 6 and 17.
func TestAServiceTag(t *testing.T) {
	none := func() *golden.Estate { return golden.New().NoServiceTags() }
	for _, x := range []question{
		{"TAG: it holds its prefixes", golden.New(), "Storage.WestEurope", ip(golden.SWE), flow.Allow, "", ""},
		{"TAG: and no others", golden.New(), "Storage.WestEurope", ip(golden.SNE), flow.Deny, "", ""},
		{"STJ: in any letter case", golden.New(), " storage.westeurope", ip(golden.SWE), flow.Allow, "", ""},
		{"a tag that the file does not hold may hold any public address", golden.New(), "Sql", ip(golden.NET), flow.Unknown, flow.UnknownTag, ""},
		{"it holds no private one where it is public by its name", golden.New(), "Sql", ip("10.0.1.4"), flow.Deny, "", ""},
		{"its regions too", golden.New(), "Sql.WestEurope", ip("10.0.1.4"), flow.Deny, "", ""},
		{"another may", golden.New(), "AppService", ip("10.0.1.4"), flow.Unknown, flow.UnknownTag, ""},
		{"without a file so may Storage", none(), "Storage", ip(golden.SWE), flow.Unknown, flow.UnknownTag, ""},
		{"a tag equals itself", none(), "Storage", flow.SomewhereIn("storage", false), flow.Allow, "", ""},
		{"a region is part of its service", none(), "Storage", flow.SomewhereIn("Storage.WestEurope", false), flow.Allow, "", ""},
		{"the service need not be in a region", none(), "Storage.WestEurope", flow.SomewhereIn("Storage", false), flow.Unknown, flow.UnknownTag, ""},
		{"an address that the question puts into the tag is in it", none(), "Storage", flow.Address{IP: netip.MustParseAddr(golden.NET), Tag: "Storage.WestEurope"}, flow.Allow, "", ""},
		{"what is not in the service is not in a region that the file does not hold", golden.New(), "Storage.FranceCentral", ip(golden.NET), flow.Deny, "", ""},
		{"what is in it may be", golden.New(), "Storage.FranceCentral", ip(golden.SWE), flow.Unknown, flow.UnknownTag, ""},
		{"which address is behind a way out is not known", golden.New(), "Storage", flow.SomewhereIn("Internet", false), flow.Unknown, flow.EgressAddressUnknown, ""},

		{"TAG: AzureLoadBalancer is 168.63.129.16", golden.New(), "AzureLoadBalancer", ip(golden.Host), flow.Allow, "", ""},
		{"TAG: and nothing else", golden.New(), "AZURE_LOADBALANCER", ip(golden.NET), flow.Deny, "", ""},
		{"NSG: AzurePlatformDNS is", golden.New(), "AzurePlatformDNS", ip(golden.Host), flow.Allow, "", ""},
		{"NSG: AzurePlatformIMDS is 169.254.169.254", golden.New(), "AzurePlatformIMDS", ip(golden.IMDS), flow.Allow, "", ""},
		{"NSG: the addresses of AzurePlatformLKM are not published", golden.New(), "AzurePlatformLKM", ip(golden.NET), flow.Unknown, flow.UnknownTag, ""},
		{"verdicts.md 17: they are public", golden.New(), "AzurePlatformLKM", ip("10.0.1.4"), flow.Deny, "", ""},
	} {
		t.Run(x.fact, func(t *testing.T) { x.ask(t, fresh, false) })
	}
}

// One answer about a tag that is not known holds for all its names: a region
// is part of its service.
func TestWhatIsNotKnownOfARegionAndItsServiceAgrees(t *testing.T) {
	p := placeOf(golden.New().NoServiceTags(), fresh)
	tag := func(name string) *scope.Set {
		return p.Resolve(topology.AddressPrefix{Kind: topology.TagAddress, Tag: name, Text: name})
	}
	service, region, again := tag("AppService"), tag("AppService.WestEurope"), tag("appservice.westeurope")
	for _, x := range []struct {
		fact string
		walk func(*flow.World) bool
	}{
		{"the region first", func(w *flow.World) bool {
			return !region.Has(w, ip(golden.NET), false) || service.Has(w, ip(golden.NET), false)
		}},
		{"the service first", func(w *flow.World) bool {
			in := service.Has(w, ip(golden.NET), false)
			return in || !region.Has(w, ip(golden.NET), false)
		}},
		{"two spellings", func(w *flow.World) bool {
			return region.Has(w, ip(golden.NET), false) == again.Has(w, ip(golden.NET), false)
		}},
	} {
		r := flow.Explore(func(w *flow.World) (bool, struct{}) { return x.walk(w), struct{}{} }, nil)
		if r.Verdict != flow.Allow {
			t.Errorf("%s: %v", x.fact, r.Verdict)
		}
	}
	r := flow.Explore(func(w *flow.World) (bool, struct{}) {
		return service.Has(w, ip(golden.NET), false) == region.Has(w, ip(golden.NET), false), struct{}{}
	}, nil)
	if r.Verdict != flow.Unknown {
		t.Error("what is in the service need not be in the region")
	}
}

// verdicts.md 17: a platform tag stands for its own port, at its own end.
func TestAPlatformTagIsOfItsPort(t *testing.T) {
	names := scope.New(golden.New().Build(), fresh)
	packet := func(p topology.Protocol, sport, dport uint16) flow.Tuple {
		return flow.Tuple{Protocol: p, SourcePort: sport, DestinationPort: dport}
	}
	for _, x := range []struct {
		tag    string
		packet flow.Tuple
		source bool
		want   bool
	}{
		{"AzurePlatformDNS", packet(topology.UDP, 50000, 53), false, true},
		{"AzurePlatformDNS", packet(topology.TCP, 50000, 53), false, true},
		{"AzurePlatformDNS", packet(topology.ICMP, 0, 53), false, false},
		{"AzurePlatformDNS", packet(topology.UDP, 53, 54), false, false},
		{"AzurePlatformDNS", packet(topology.UDP, 53, 54), true, true},
		{"AzurePlatformDNS", packet(topology.UDP, 54, 53), true, false},
		{"AzurePlatformIMDS", packet(topology.TCP, 50000, 80), false, true},
		{"AzurePlatformIMDS", packet(topology.UDP, 50000, 80), false, false},
		{"AzurePlatformIMDS", packet(topology.TCP, 50000, 81), false, false},
		{"AzurePlatformLKM", packet(topology.TCP, 50000, 1688), false, true},
		{"AzurePlatformLKM", packet(topology.UDP, 50000, 1688), false, false},
		{"AzurePlatformLKM", packet(topology.TCP, 50000, 1689), false, false},
		{"AzurePlatformLKM", packet(topology.TCP, 1688, 50000), true, false}, // traffic to it only
		{"AzureLoadBalancer", packet(topology.ICMP, 0, 0), false, true},
		{"Storage", packet(topology.UDP, 1, 2), true, true},
	} {
		if got := names.Tag(x.tag).Admits(x.packet, x.source); got != x.want {
			t.Errorf("%s, %s, source %v: %v", x.tag, x.packet, x.source, got)
		}
	}
	for tag, port := range map[string]uint16{"AzurePlatformDNS": 53, "AzurePlatformIMDS": 80, "AzurePlatformLKM": 1688, "AzureLoadBalancer": 0, "Storage": 0} {
		s := names.Tag(tag)
		var want []topology.PortRange
		if port > 0 {
			want = []topology.PortRange{{First: port, Last: port}}
		}
		if !slices.Equal(s.Ports(), want) || s.Platform() != (port > 0) || s.MayBePlatform() != (port > 0) {
			t.Errorf("%s: ports %v, platform %v", tag, s.Ports(), s.Platform())
		}
	}
	expression := placeOf(golden.New(), fresh).Resolve(topology.AddressPrefix{Kind: topology.UnresolvedAddress, Text: "[x]"})
	if expression.Platform() || !expression.MayBePlatform() {
		t.Error("an expression may be a platform tag")
	}
	for _, tag := range []string{"VirtualNetwork", "virtual_network", "Internet", "AzureLoadBalancer", "azure_loadbalancer", "AzurePlatformDNS", " azureplatformimds ", "AzurePlatformLKM", "storage"} {
		if !names.KnownTag(tag) {
			t.Errorf("%q is not known", tag)
		}
	}
	if names.KnownTag("AppService") {
		t.Error("AppService is not in the file")
	}
}

// A service tag file older than 30 days is taken as current by assumption.
func TestTheAgeOfTheServiceTagFile(t *testing.T) {
	day := func(n int) scope.Options { return scope.Options{AsOf: golden.Date.AddDate(0, 0, n)} }
	for _, x := range []struct {
		fact    string
		estate  *golden.Estate
		options scope.Options
		age     int
		known   bool
		stale   string
	}{
		{"three days", golden.New(), day(3), 3, true, ""},
		{"thirty days are fresh", golden.New(), day(30), 30, true, ""},
		{"thirty-one are not", golden.New(), day(31), 31, true, "the service tag file is 31 days old and taken as current"},
		{"without a date it is of no known age", golden.New().Undated(), day(3), 0, false, "the service tag file of unknown age is taken as current"},
		{"a date may be given", golden.New().Undated(), scope.Options{AsOf: golden.AsOf, CatalogueDate: golden.Date}, 3, true, ""},
		{"that in the file counts first", golden.New(), scope.Options{AsOf: golden.AsOf, CatalogueDate: golden.Date.AddDate(-1, 0, 0)}, 3, true, ""},
		{"without a today it is of no known age", golden.New(), scope.Options{}, 0, false, "the service tag file of unknown age is taken as current"},
		{"without a file nothing is assumed", golden.New().NoServiceTags(), day(3), 0, false, ""},
	} {
		t.Run(x.fact, func(t *testing.T) {
			names := scope.New(x.estate.Build(), x.options)
			age, known := names.Age()
			if age != x.age || known != x.known {
				t.Errorf("%d days, known %v", age, known)
			}
			switch f := names.Stale(); {
			case x.stale == "" && f != nil:
				t.Errorf("stale: %+v", f)
			case x.stale != "" && (f == nil || f.Assumption != flow.CatalogueCurrent || f.Text != x.stale || f.About != "Public, change 375"):
				t.Errorf("stale: %+v", f)
			}
		})
	}
	if !scope.New(golden.New().NoServiceTags().Build(), fresh).CatalogueDate().Equal(time.Time{}) {
		t.Error("no file has a date")
	}
	old := day(31)
	for _, x := range []question{
		{"what an old file says is assumed", golden.New(), "Storage", ip(golden.SWE), flow.Allow, "", flow.CatalogueCurrent},
		{"what it does not say too", golden.New(), "Storage", ip(golden.NET), flow.Deny, "", flow.CatalogueCurrent},
		{"of a region that it does not hold the service says nothing then", golden.New(), "Storage.FranceCentral", ip(golden.NET), flow.Unknown, flow.UnknownTag, ""},
	} {
		t.Run(x.fact, func(t *testing.T) { x.ask(t, old, false) })
	}
}

func TestATagThatCannotBeReadIsRemembered(t *testing.T) {
	refused := errors.New("line 7 is no prefix")
	n := golden.New().Build()
	for _, tag := range n.ServiceTags.Tags {
		if tag.Name == "Storage" {
			tag.Refused = refused
		}
	}
	names := scope.New(n, fresh)
	names.Tag("AzureBackup")
	if names.Unread() != nil {
		t.Error("no such tag was asked for")
	}
	if r := has(names.Tag("Storage"), ip(golden.SWE), false); r.Verdict != flow.Unknown {
		t.Errorf("its content is not known: %v", r.Verdict)
	}
	if names.Unread() != refused {
		t.Errorf("unread: %v", names.Unread())
	}
}

// ASG (spec 4).
func TestTheMembersOfAnApplicationSecurityGroup(t *testing.T) {
	web := func(e *golden.Estate) *golden.Estate { return e.ASG("a1", "web") }
	twin := func(e *golden.Estate) *golden.Estate { // a second interface with a1's address
		return e.VM("twin", "app", "10.0.1.4")
	}
	stubbed := func(e *golden.Estate) *golden.Estate { e.VNetOf("v3").Stub = true; return e }
	endpoint := func(subnet, address string) func(*golden.Estate) *golden.Estate {
		return func(e *golden.Estate) *golden.Estate {
			e.PrivateEndpoint("pe1", subnet, address, "x")
			n := e.Build()
			n.PrivateEndpoints[0].ASGs = []topology.Ref{group(e)}
			return e
		}
	}
	for _, x := range []question{
		{"ASG: an interface says itself that it is a member", web(golden.New()), "", ip("10.0.1.4"), flow.Allow, "", ""},
		{"ASG: or that it is none", web(golden.New()), "", ip("10.0.1.5"), flow.Deny, "", ""},
		{"an address of the estate that no interface owns may be one", web(golden.New()), "", ip("10.0.1.99"), flow.Unknown, flow.ASGMembersUnknown, ""},
		{"one of a peered network too", web(golden.New()), "", ip("10.1.1.99"), flow.Unknown, flow.ASGMembersUnknown, ""},
		{"an address outside the estate is none", web(golden.New()), "", ip("10.9.0.1"), flow.Deny, "", ""},
		{"nor is a public one", web(golden.New()), "", ip(golden.NET), flow.Deny, "", ""},
		{"of two interfaces with one address only one is a member", twin(web(golden.New())), "", ip("10.0.1.4"), flow.Unknown, flow.AddressOwnedTwice, ""},
		{"both are", twin(web(golden.New())).ASG("twin", "web"), "", ip("10.0.1.4"), flow.Allow, "", ""},
		{"an interface in a network beyond a peering is seen where none nearer is", web(golden.New()).VM("e1", "far", "10.2.1.4").ASG("e1", "web"), "", ip("10.2.1.4"), flow.Allow, "", ""},
		{"a nearer one is seen before it", web(golden.New()).VM("e1", "far", "10.0.1.5").ASG("e1", "web"), "", ip("10.0.1.5"), flow.Deny, "", ""},
		{"a network known by its children alone may have any private address", stubbed(web(golden.New())), "", ip("10.9.0.1"), flow.Unknown, flow.ASGMembersUnknown, ""},
		{"a public one by assumption not", stubbed(web(golden.New())), "", ip(golden.NET), flow.Deny, "", flow.VNetSpacePrivate},
		{"PE: one that is none is asked about as any address", web(golden.New()).PrivateEndpoint("pe1", "db", golden.PE, "x"), "", ip(golden.PE), flow.Deny, "", ""},
		{"PE: a private endpoint may be a member", endpoint("db", golden.PE)(web(golden.New())), "", ip(golden.PE), flow.Allow, "", ""},
	} {
		t.Run(x.fact, func(t *testing.T) { x.compare(t, placeOf(x.estate, fresh).Members(group(x.estate)), false) })
	}
	for _, x := range []question{
		{"at an NSG alone any private address may be a member", golden.Empty(), "", ip("10.9.0.1"), flow.Unknown, flow.ASGMembersUnknown, ""},
		{"a public one by assumption not", golden.Empty(), "", ip(golden.NET), flow.Deny, "", flow.VNetSpacePrivate},
	} {
		t.Run(x.fact, func(t *testing.T) {
			x.compare(t, placeOf(x.estate, fresh).Members(topology.RefTo("/x/applicationSecurityGroups/web")), false)
		})
	}
}

// group is the application security group of a1.
func group(e *golden.Estate) topology.Ref { return e.NIC("a1").IPConfigurations[0].ASGs[0] }

// An exported effective NSG lists the content of its tags: the best truth.
func TestAnEffectiveExportSaysWhatItsTagsHold(t *testing.T) {
	export := func(e *golden.Estate, change func(*topology.EffectiveSecurityGroup)) *topology.Network {
		n := e.Build()
		x := &topology.EffectiveSecurityGroup{TagMap: map[string][]netip.Prefix{"virtualNetwork": {cidr("10.7.0.0/16")}, "Internet": {cidr("203.0.113.0/24")}}}
		change(x)
		n.EffectiveSecurityGroups = []*topology.EffectiveSecurityGroup{x}
		return n
	}
	app := func(e *golden.Estate) func(*topology.EffectiveSecurityGroup) {
		return func(x *topology.EffectiveSecurityGroup) { x.Subnet = e.SubnetOf("app").Ref() }
	}
	e := golden.New()
	for _, x := range []struct {
		fact    string
		network *topology.Network
		applies bool
	}{
		{"for the subnet", export(e, app(e)), true},
		{"for an interface in it", export(e, func(x *topology.EffectiveSecurityGroup) { x.NetworkInterface = e.NIC("a2").Ref() }), true},
		{"not for another subnet", export(e, func(x *topology.EffectiveSecurityGroup) { x.Subnet = e.SubnetOf("db").Ref() }), false},
		{"nor for an interface in another", export(e, func(x *topology.EffectiveSecurityGroup) { x.NetworkInterface = e.NIC("d1").Ref() }), false},
		{"nor for one that is not in the data", export(e, func(x *topology.EffectiveSecurityGroup) {
			x.NetworkInterface = topology.RefTo("/x/networkInterfaces/gone")
		}), false},
		{"nor one that lists no content of VirtualNetwork", export(e, func(x *topology.EffectiveSecurityGroup) { app(e)(x); x.TagMap = nil }), false},
	} {
		p := at(x.network, fresh)
		in := has(p.VirtualNetworkTag(), ip("10.7.0.1"), false).Verdict == flow.Allow
		own := has(p.VirtualNetworkTag(), ip("10.0.1.4"), false).Verdict == flow.Allow
		if in != x.applies || own == x.applies {
			t.Errorf("%s: applies %v", x.fact, in)
		}
		if x.applies && (has(p.InternetTag(), ip("203.0.113.9"), false).Verdict != flow.Allow || has(p.InternetTag(), ip(golden.SWE), false).Verdict != flow.Deny ||
			has(p.VirtualNetworkTag(), ip(golden.Host), false).Verdict != flow.Allow) {
			t.Errorf("%s: Internet is as exported, and 168.63.129.16 is in VirtualNetwork", x.fact)
		}
	}

	// An NSG is asked about at the place that its own export describes.
	n := export(golden.Empty(), func(*topology.EffectiveSecurityGroup) {})
	names, x := scope.New(n, fresh), n.EffectiveSecurityGroups[0]
	p := names.Exported(x)
	if p == nil || names.Exported(x) != p || has(p.VirtualNetworkTag(), ip("10.7.0.1"), false).Verdict != flow.Allow || has(p.VirtualNetworkTag(), ip("10.8.0.1"), false).Verdict != flow.Deny {
		t.Error("its VirtualNetwork is as exported")
	}
	delete(x.TagMap, "Internet")
	if p := scope.New(n, fresh).Exported(x); has(p.InternetTag(), ip(golden.SWE), false).Verdict != flow.Allow || has(p.InternetTag(), ip("10.8.0.1"), false).Verdict != flow.Deny {
		t.Error("an Internet that it does not list is the public space")
	}
	x.TagMap = nil
	if scope.New(n, fresh).Exported(x) != nil {
		t.Error("without content it describes no place")
	}
	match := topology.Match{Prefixes: []topology.AddressPrefix{{Kind: topology.TagAddress, Text: "Storage"}}, Expanded: []netip.Prefix{cidr("20.0.0.0/8")}}
	if s := scope.Expanded(match); s.Name != "Storage" || has(s, ip("20.1.1.1"), false).Verdict != flow.Allow || has(s, ip("21.1.1.1"), false).Verdict != flow.Deny {
		t.Error("a side is what the export expands it to")
	}
}

func TestAFieldIsOneSetAtAPlace(t *testing.T) {
	p := placeOf(golden.New(), fresh)
	field := func(k topology.AddressKind, text string) topology.AddressPrefix {
		a := topology.AddressPrefix{Kind: k, Text: text}
		if k == topology.PrefixAddress {
			a.Prefix = cidr(text)
		}
		return a
	}
	all, prefix, expression := p.Resolve(field(topology.AnyAddress, "*")), p.Resolve(field(topology.PrefixAddress, "10.0.1.0/24")), p.Resolve(field(topology.UnresolvedAddress, "[x]"))
	for _, s := range []*scope.Set{all, prefix, expression} {
		for _, k := range []topology.AddressKind{topology.AnyAddress, topology.PrefixAddress, topology.UnresolvedAddress} {
			if k == topology.PrefixAddress && s == prefix && p.Resolve(field(k, "10.0.1.0/24")) != s || k == topology.AnyAddress && s == all && p.Resolve(field(k, "*")) != s {
				t.Error("the same field is another set")
			}
		}
	}
	if p.Resolve(field(topology.PrefixAddress, "10.0.2.0/24")) == prefix || p.Resolve(field(topology.UnresolvedAddress, "[y]")) == expression {
		t.Error("two fields are one set")
	}
	for _, x := range []struct {
		s    *scope.Set
		a    string
		want flow.Verdict
	}{
		{all, golden.NET, flow.Allow}, {all, "::1", flow.Allow}, {prefix, "10.0.1.255", flow.Allow}, {prefix, "10.0.2.0", flow.Deny}, {expression, golden.NET, flow.Unknown},
	} {
		question{address: ip(x.a), verdict: x.want, missing: map[bool]flow.Code{true: flow.UnresolvedExpression}[x.want == flow.Unknown]}.compare(t, x.s, false)
	}
	// An expression has one value, whose addresses may differ from place to place.
	e := golden.New()
	names := scope.New(e.Build(), fresh)
	apart := func(a, b *scope.Place) flow.Verdict {
		x := field(topology.UnresolvedAddress, "[x]")
		return flow.Explore(func(w *flow.World) (bool, struct{}) {
			return a.Resolve(x).Has(w, ip(golden.NET), false) == b.Resolve(x).Has(w, ip(golden.NET), false), struct{}{}
		}, nil).Verdict
	}
	here, there := names.At(e.SubnetOf("app")), names.At(e.SubnetOf("db"))
	if apart(here, here) != flow.Allow || apart(here, there) != flow.Unknown || apart(here, names.Alone()) != flow.Unknown {
		t.Error("an expression at two places is asked about once, or twice at one")
	}
	literal := scope.Literal([]topology.AddressPrefix{field(topology.PrefixAddress, "10.0.1.0/24"), field(topology.PrefixAddress, "10.0.3.0/24")})
	if !slices.Equal(literal.Literal(), []netip.Prefix{cidr("10.0.1.0/24"), cidr("10.0.3.0/24")}) || literal.Name != "10.0.1.0/24,10.0.3.0/24" {
		t.Errorf("%q %v", literal.Name, literal.Literal())
	}
	if has(literal, ip("10.0.3.1"), false).Verdict != flow.Allow || has(literal, ip("10.0.2.1"), false).Verdict != flow.Deny || prefix.Literal() != nil {
		t.Error("a literal set has its prefixes and no other")
	}
	mixed := scope.Prefixed([]topology.AddressPrefix{field(topology.PrefixAddress, "10.0.1.0/24"), field(topology.UnresolvedAddress, "[x]")})
	if !mixed.Contains(netip.MustParseAddr("10.0.1.1")) || mixed.Contains(netip.MustParseAddr("10.0.2.1")) {
		t.Error("of fields that name prefixes, those")
	}
	if !scope.Prefixed([]topology.AddressPrefix{field(topology.AnyAddress, "*")}).Contains(netip.MustParseAddr("::1")) {
		t.Error("* is every prefix")
	}
}

// An address of which only its tag is known is asked about by prefixes.
func TestAnAddressOfATagLiesSomewhere(t *testing.T) {
	for _, x := range []struct {
		fact   string
		a      flow.Address
		prefix string
		want   flow.Verdict
	}{
		{"everywhere", flow.SomewhereIn("Storage", false), "", flow.Allow},
		{"in all of its family", flow.SomewhereIn("AppService", false), "0.0.0.0/0", flow.Allow},
		{"not in the other", flow.SomewhereIn("AppService", true), "0.0.0.0/0", flow.Deny},
		{"an IPv6 one in all of its own", flow.SomewhereIn("AppService", true), "::/0", flow.Allow},
		{"a public one not in private space", flow.SomewhereIn("Storage", false), "10.0.0.0/8", flow.Deny},
		{"any other perhaps", flow.SomewhereIn("AppService", false), "10.0.0.0/8", flow.Unknown},
		{"a public one perhaps in a part of the public space", flow.SomewhereIn("Storage", false), "20.0.0.0/8", flow.Unknown},
		{"a public IPv6 one in the space of all public ones", flow.SomewhereIn("Storage.WestEurope", true), "2000::/3", flow.Allow},
		{"another perhaps", flow.SomewhereIn("AppService", true), "2000::/3", flow.Unknown},
		{"a known one by itself", ip("20.1.1.1"), "20.0.0.0/8", flow.Allow},
		{"and by itself alone", ip("21.1.1.1"), "20.0.0.0/8", flow.Deny},
	} {
		r := flow.Explore(func(w *flow.World) (bool, struct{}) {
			if x.prefix == "" {
				return scope.Within(w, x.a, nil), struct{}{}
			}
			return scope.Within(w, x.a, scope.SetOf(cidr(x.prefix))), struct{}{}
		}, nil)
		if r.Verdict != x.want {
			t.Errorf("%s: %v, want %v", x.fact, r.Verdict, x.want)
		}
		if r.Verdict == flow.Unknown && r.Missing[0].Code != flow.UnknownTag {
			t.Errorf("%s: missing %v", x.fact, r.Missing)
		}
	}
	if in, _, open := flow.One(func(w *flow.World) bool {
		return scope.Within(w, flow.SomewhereIn("AppService", false), scope.SetOf(cidr("10.0.0.0/8")))
	}, ""); in || !open {
		t.Errorf("as far as is known it lies elsewhere: %v", in)
	}
	r := flow.Explore(func(w *flow.World) (bool, struct{}) {
		return scope.Within(w, flow.SomewhereIn("Internet", false), scope.SetOf(cidr("20.0.0.0/8"))), struct{}{}
	}, nil)
	if r.Verdict != flow.Unknown || r.Missing[0].Code != flow.EgressAddressUnknown {
		t.Errorf("behind a way out: %v", r.Missing)
	}
	// Asked of two sets of prefixes it is two facts, of one set one.
	two := func(a, b string) flow.Verdict {
		return flow.Explore(func(w *flow.World) (bool, struct{}) {
			x := flow.SomewhereIn("Storage", false)
			return scope.Within(w, x, scope.SetOf(cidr(a))) == scope.Within(w, x, scope.SetOf(cidr(b))), struct{}{}
		}, nil).Verdict
	}
	if two("20.0.0.0/8", "20.0.0.0/8") != flow.Allow || two("20.0.0.0/8", "21.0.0.0/8") != flow.Unknown {
		t.Error("one fact is asked of two sets")
	}
}

func TestTagNames(t *testing.T) {
	for _, x := range []struct {
		tag, parent string
		public      bool
	}{
		{"Storage", "", true}, {"Storage.WestEurope", "Storage", true}, {"sql", "", true}, {"AzureBackup", "", true}, {"AzureActiveDirectory", "", true},
		{"Internet", "", true}, {"AzureCloud.westeurope", "AzureCloud", false}, {"AppService", "", false}, {".x", "", false}, {"S.x", "S", false},
	} {
		if scope.Parent(x.tag) != x.parent || scope.PublicTag(x.tag) != x.public {
			t.Errorf("%s: parent %q, public %v", x.tag, scope.Parent(x.tag), scope.PublicTag(x.tag))
		}
	}
	for _, x := range []struct {
		a, b string
		want bool
	}{
		{"Storage", "storage", true}, {"Storage.WestEurope", "STORAGE", true}, {"Storage", "Storage.WestEurope", false},
		{"Storage.WestEurope", "Storage.NorthEurope", false}, {"Sql", "Storage", false},
	} {
		if got := scope.Implies(x.a, x.b); got != x.want {
			t.Errorf("%s implies %s: %v", x.a, x.b, got)
		}
	}
	n := golden.New().ServiceTag("ServiceBus.FRC", "France Central", "40.1.0.0/16").Build()
	names := scope.New(n, fresh)
	for _, x := range []struct{ service, location, want string }{
		{"Storage", "westeurope", "Storage.WestEurope"},
		{"Storage", "West Europe", "Storage.WestEurope"},
		{"servicebus", "francecentral", "ServiceBus.FRC"}, // by the region that the file says
		{"Storage", "francecentral", "Storage.francecentral"},
	} {
		if got := names.RegionalTag(x.service, x.location); got != x.want {
			t.Errorf("%s in %s is %s, want %s", x.service, x.location, got, x.want)
		}
	}
	if got := scope.New(golden.New().NoServiceTags().Build(), fresh).RegionalTag("Storage", "West Europe"); got != "Storage.westeurope" {
		t.Errorf("without a file: %s", got)
	}
}

// verdicts.md 8: a list that says it is cut leaves open whether others exist.
func TestAListThatWasCutLeavesOthersOpen(t *testing.T) {
	const nics, lists = "Microsoft.Network/networkInterfaces", "Microsoft.Network/routeTables"
	cut := func(kind topology.GapKind, of string) *golden.Estate { return golden.New().Gap(kind, of) }
	for _, x := range []struct {
		fact   string
		estate *golden.Estate
		nics   flow.Code
		others flow.Code
	}{
		{"nothing is cut", golden.New(), "", ""},
		{"of its own type", cut(topology.ListCut, "microsoft.network/NetworkInterfaces"), flow.ListCutCode, ""},
		{"of any type", cut(topology.ListCut, ""), flow.ListCutCode, flow.ListCutCode},
		{"a refused file may hold anything", cut(topology.FileRefused, ""), flow.FileRefusedCode, flow.FileRefusedCode},
		{"a refused file beside a list that was cut", cut(topology.FileRefused, "").Gap(topology.ListCut, nics), flow.ListCutCode, flow.FileRefusedCode},
		{"a type that is not modelled leaves nothing open", cut(topology.UnknownType, nics), "", ""},
	} {
		names := scope.New(x.estate.Build(), fresh)
		for of, want := range map[string]flow.Code{nics: x.nics, lists: x.others} {
			f, cut := names.Missing(of, "here")
			if cut != (want != "") || f.Code != want || cut && f.Detail != "here" {
				t.Errorf("%s, %s: %v %+v", x.fact, of, cut, f)
			}
			if cut && f.About != of[len("Microsoft.Network/"):] {
				t.Errorf("%s is about %s", x.fact, f.About)
			}
			if (names.Cut(of) != nil) != cut {
				t.Errorf("%s, %s: %v", x.fact, of, names.Cut(of))
			}
		}
	}
}

// PEER, bad-inputs 120.
func TestAPeeringIsUpWhereBothSidesAreConnected(t *testing.T) {
	link := func(change func(*golden.Estate, *topology.Peering, *topology.Peering)) scope.Link {
		e := golden.New()
		p := e.Peering("v1", "v2")
		change(e, p, e.Peering("v2", "v1"))
		return scope.New(e.Build(), fresh).Link(e.VNetOf("v1"), p)
	}
	gone := topology.RefTo("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/gone")
	for _, x := range []struct {
		fact   string
		link   scope.Link
		up     bool
		open   bool
		reason string
	}{
		{"both are", link(func(*golden.Estate, *topology.Peering, *topology.Peering) {}), true, false, ""},
		{"in any letter case", link(func(_ *golden.Estate, a, b *topology.Peering) { a.State, b.State = "connected", "CONNECTED" }), true, false, ""},
		{"this side is not", link(func(_ *golden.Estate, a, _ *topology.Peering) { a.State = "Initiated" }), false, false, "peering v1-v2 is Initiated"},
		{"the other is not", link(func(_ *golden.Estate, _, b *topology.Peering) { b.State = "Disconnected" }), false, false, "peering v2-v1 of v2 is Disconnected"},
		{"this side does not say", link(func(_ *golden.Estate, a, _ *topology.Peering) { a.State = "" }), false, true, ""},
		{"the other does not say", link(func(_ *golden.Estate, _, b *topology.Peering) { b.State = "" }), false, true, ""},
		{"this side does not say, the other is not", link(func(_ *golden.Estate, a, b *topology.Peering) { a.State, b.State = "", "Initiated" }), false, false, "peering v2-v1 of v2 is Initiated"},
		{"another peering of the remote network says nothing", link(func(e *golden.Estate, _, _ *topology.Peering) {
			e.Peering("v2", "v3").State = "Disconnected"
			slices.Reverse(e.VNetOf("v2").Peerings)
		}), true, false, ""},
		{"there is no way back", link(func(e *golden.Estate, _, _ *topology.Peering) { e.VNetOf("v2").Peerings = nil }), false, false, "virtual network v2 has no peering back to v1"},
		{"the way back may be missing of a network known by its children", link(func(e *golden.Estate, _, _ *topology.Peering) {
			e.VNetOf("v2").Peerings, e.VNetOf("v2").Stub = nil, true
		}), false, true, ""},
		{"of a network that is not in the data this side's word counts", link(func(_ *golden.Estate, a, _ *topology.Peering) { a.RemoteVirtualNetwork = gone }), true, false, ""},
		{"if it says anything", link(func(_ *golden.Estate, a, _ *topology.Peering) { a.RemoteVirtualNetwork, a.State = gone, "" }), false, true, ""},
		{"not Connected is enough", link(func(_ *golden.Estate, a, _ *topology.Peering) { a.RemoteVirtualNetwork, a.State = gone, "Disconnected" }), false, false, "peering v1-v2 is Disconnected"},
	} {
		if x.link.Up != x.up || (x.link.Fact != nil) != x.open || x.link.Reason != x.reason {
			t.Errorf("%s: %+v", x.fact, x.link)
		}
		if x.open && (x.link.Fact.Code != flow.PeeringNotConnected || x.link.Fact.Export == "") {
			t.Errorf("%s: %+v", x.fact, x.link.Fact)
		}
	}
	// It is one fact from both sides.
	e := golden.New()
	e.Peering("v1", "v2").State, e.Peering("v2", "v1").State = "", ""
	names := scope.New(e.Build(), fresh)
	a, b := names.Link(e.VNetOf("v1"), e.Peering("v1", "v2")), names.Link(e.VNetOf("v2"), e.Peering("v2", "v1"))
	if a.Fact.Key() != b.Fact.Key() {
		t.Errorf("%q and %q", a.Fact.Key(), b.Fact.Key())
	}

	if v, back := names.Back(e.VNetOf("v1"), e.Peering("v1", "v2")); v != e.VNetOf("v2") || back != e.Peering("v2", "v1") {
		t.Error("the other side of v1-v2 is v2-v1")
	}
	e.VNetOf("v2").Peerings = nil
	if v, back := names.Back(e.VNetOf("v1"), e.Peering("v1", "v2")); v != e.VNetOf("v2") || back != nil {
		t.Error("v2 has no side")
	}
	if v, back := names.Back(e.VNetOf("v1"), &topology.Peering{RemoteVirtualNetwork: gone}); v != nil || back != nil {
		t.Error("nothing has none")
	}
}

// Spec 6.6.
func TestThePrefixesThatAPeeringBrings(t *testing.T) {
	for _, x := range []struct {
		fact   string
		change func(*golden.Estate, *topology.Peering)
		want   []string
		known  bool
	}{
		{"as this side recorded them", func(e *golden.Estate, p *topology.Peering) {
			p.RemoteAddressSpace = []netip.Prefix{cidr("10.1.0.0/20")}
		}, []string{"10.1.0.0/20"}, true},
		{"else those of the remote network", func(e *golden.Estate, p *topology.Peering) {
			p.RemoteAddressSpaceGiven, p.RemoteAddressSpace = false, nil
		}, []string{"10.1.0.0/16"}, true},
		{"of one known by its children those, and perhaps more", func(e *golden.Estate, p *topology.Peering) {
			p.RemoteAddressSpaceGiven, p.RemoteAddressSpace = false, nil
			e.VNetOf("v2").Stub, e.VNetOf("v2").AddressSpace = true, nil
		}, []string{"10.1.1.0/24"}, false},
		{"of a subnet peering those of the subnets that it names", func(e *golden.Estate, p *topology.Peering) {
			p.RemoteAddressSpaceGiven, p.PeerCompleteVnets, p.RemoteSubnetNames = false, topology.Off, []string{"WEB", "none"}
			e.Subnet("v2", "other", "10.1.2.0/24")
		}, []string{"10.1.1.0/24"}, true},
		{"where it names none they are not known", func(e *golden.Estate, p *topology.Peering) {
			p.RemoteAddressSpaceGiven, p.PeerCompleteVnets = false, topology.Off
		}, nil, false},
		{"nor of a network that is not in the data", func(e *golden.Estate, p *topology.Peering) {
			p.RemoteAddressSpaceGiven, p.RemoteVirtualNetwork = false, topology.RefTo("/x/virtualNetworks/gone")
		}, nil, false},
	} {
		e := golden.New()
		peering := e.Peering("v1", "v2")
		x.change(e, peering)
		names := scope.New(e.Build(), fresh)
		list, known := names.RemotePrefixes(peering)
		var got []string
		for _, p := range list {
			got = append(got, p.String())
		}
		if d := cmp.Diff(x.want, got); d != "" || known != x.known {
			t.Errorf("%s: known %v, %s", x.fact, known, d)
		}
		set, also := names.RemoteSpace(peering)
		if also != known || !set.Equal(scope.SetOf(list...)) {
			t.Errorf("%s: as a set %v", x.fact, set.Prefixes())
		}
	}
}

// What gateways bring to a virtual network (bad-inputs 135).
func TestTheGatewaysOfAVirtualNetwork(t *testing.T) {
	id := func(kind, name string) string {
		return "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/" + kind + "/" + name
	}
	local := func(bgp bool, prefixes ...string) *topology.LocalNetworkGateway {
		g := &topology.LocalNetworkGateway{Element: topology.Element{Name: "lng", ResourceID: id("localNetworkGateways", "lng")}, BGP: bgp}
		for _, p := range prefixes {
			g.Prefixes = append(g.Prefixes, cidr(p))
		}
		return g
	}
	connect := func(e *golden.Estate, change func(*topology.GatewayConnection)) *golden.Estate {
		c := &topology.GatewayConnection{Element: topology.Element{Name: "c", ResourceID: id("connections", "c")},
			VirtualNetworkGateway: e.GatewayOf("v1").Ref(), EnableBGP: topology.Off}
		change(c)
		return e.Add(c)
	}
	site := func(c *topology.GatewayConnection) {
		c.LocalNetworkGateway = topology.RefTo(id("localNetworkGateways", "lng"))
	}
	toV3 := func(e *golden.Estate) func(*topology.GatewayConnection) {
		return func(c *topology.GatewayConnection) { c.OtherGateway = e.GatewayOf("v3").Ref() }
	}
	base := notLearned()
	joined := notLearned().Gateway("v3", "10.2.254.0/27")
	joinedFromAfar := notLearned().Gateway("v3", "10.2.254.0/27")
	lost := notLearned()

	for _, x := range []struct {
		fact     string
		estate   *golden.Estate
		prefixes []string
		present  bool
		inEstate bool
		more     flow.Code // of what may be learned besides; "": nothing
	}{
		{"none", golden.New(), nil, false, false, ""},
		{"one whose learned routes are in the data", learned("172.20.0.0/16"), []string{"172.20.0.0/16"}, true, true, ""},
		{"one whose are not", notLearned(), nil, true, true, flow.LearnedRoutesMissing},
		{"point-to-site pools are its prefixes", learned().With(func(e *golden.Estate) { e.GatewayOf("v1").ClientPools = []netip.Prefix{cidr("172.30.0.0/24")} }), []string{"172.30.0.0/24"}, true, true, ""},
		{"a connection without BGP says all there is to learn", connect(base, site).Add(local(false, "192.168.0.0/24")), []string{"192.168.0.0/24"}, true, true, ""},
		{"one with BGP does not", connect(notLearned(), func(c *topology.GatewayConnection) { site(c); c.EnableBGP = topology.On }).Add(local(false, "192.168.0.0/24")), []string{"192.168.0.0/24"}, true, true, flow.LearnedRoutesMissing},
		{"one that does not say does not", connect(notLearned(), func(c *topology.GatewayConnection) { site(c); c.EnableBGP = 0 }).Add(local(false, "192.168.0.0/24")), []string{"192.168.0.0/24"}, true, true, flow.LearnedRoutesMissing},
		{"nor one to a local network gateway with BGP", connect(notLearned(), site).Add(local(true, "192.168.0.0/24")), []string{"192.168.0.0/24"}, true, true, flow.LearnedRoutesMissing},
		{"nor one to a local network gateway that is not in the data", connect(notLearned(), site), nil, true, true, flow.LearnedRoutesMissing},
		{"nor any of an ExpressRoute gateway", connect(notLearned().With(func(e *golden.Estate) { e.GatewayOf("v1").GatewayType = "expressroute" }), site).Add(local(false, "192.168.0.0/24")), []string{"192.168.0.0/24"}, true, true, flow.LearnedRoutesMissing},
		{"nor where the list of connections was cut", connect(notLearned(), site).Add(local(false, "192.168.0.0/24")).Gap(topology.ListCut, "Microsoft.Network/connections"), []string{"192.168.0.0/24"}, true, true, flow.LearnedRoutesMissing},
		{"nor where that of local network gateways was", connect(notLearned(), site).Add(local(false, "192.168.0.0/24")).Gap(topology.ListCut, "Microsoft.Network/localNetworkGateways"), []string{"192.168.0.0/24"}, true, true, flow.LearnedRoutesMissing},
		{"a connection of another gateway does not count", connect(notLearned(), func(c *topology.GatewayConnection) {
			site(c)
			c.VirtualNetworkGateway = topology.RefTo(id("virtualNetworkGateways", "other"))
		}).Add(local(false, "192.168.0.0/24")), nil, true, true, flow.LearnedRoutesMissing},
		{"a network joined gateway to gateway is a prefix", connect(joined, toV3(joined)), []string{"10.2.0.0/16"}, true, true, ""},
		{"whichever end the connection names first", connect(joinedFromAfar, func(c *topology.GatewayConnection) {
			c.OtherGateway, c.VirtualNetworkGateway = c.VirtualNetworkGateway, joinedFromAfar.GatewayOf("v3").Ref()
		}), []string{"10.2.0.0/16"}, true, true, ""},
		{"a far gateway that is not in the data may bring anything", connect(notLearned(), func(c *topology.GatewayConnection) {
			c.OtherGateway = topology.RefTo(id("virtualNetworkGateways", "gone"))
		}), nil, true, true, flow.LearnedRoutesMissing},
		{"so may one whose network is not", connect(lost, func(c *topology.GatewayConnection) {
			c.OtherGateway = topology.RefTo(id("virtualNetworkGateways", "lost"))
		}).
			Add(&topology.VirtualNetworkGateway{Element: topology.Element{Name: "lost", ResourceID: id("virtualNetworkGateways", "lost")}, VirtualNetwork: topology.RefTo("/x/virtualNetworks/gone")}),
			nil, true, true, flow.LearnedRoutesMissing},
		{"a GatewaySubnet may hold a gateway that is not in the data", golden.New().Subnet("v1", "gatewaysubnet", "10.0.254.0/27"), nil, false, false, flow.GatewayNotInEstate},
		{"in a design it does not", golden.New().Subnet("v1", "GatewaySubnet", "10.0.254.0/27").With(func(e *golden.Estate) { e.VNetOf("v1").Design = true }), nil, false, false, ""},
		{"where the list of gateways was cut there may be one", golden.New().Gap(topology.ListCut, "Microsoft.Network/virtualNetworkGateways"), nil, false, false, flow.ListCutCode},
		{"that of a peer", remote(), []string{"172.20.0.0/16"}, true, true, ""},
		{"of a peer whose gateway is not in the data", remote().With(func(e *golden.Estate) { e.GatewayOf("v2").VirtualNetwork = topology.RefTo("/x/virtualNetworks/v9") }), nil, true, false, flow.GatewayNotInEstate},
		{"of a peer that has not even a subnet for one", with(func(e *golden.Estate) {
			e.Peering("v1", "v2").UseRemoteGateways, e.Peering("v2", "v1").AllowGatewayTransit = topology.On, topology.On
		}), nil, true, false, flow.GatewayNotInEstate},
		{"of a peer that is not in the data", with(func(e *golden.Estate) {
			e.Peering("v1", "v2").UseRemoteGateways, e.Peering("v1", "v2").RemoteVirtualNetwork = topology.On, topology.RefTo("/x/virtualNetworks/gone")
		}), nil, true, false, flow.GatewayNotInEstate},
	} {
		t.Run(x.fact, func(t *testing.T) {
			g := scope.New(x.estate.Build(), fresh).GatewaysOf(x.estate.VNetOf("v1"))
			var got []string
			for _, p := range g.Prefixes {
				got = append(got, p.String())
			}
			if d := cmp.Diff(x.prefixes, got); d != "" || g.Present != x.present || g.InEstate != x.inEstate {
				t.Errorf("present %v, in the estate %v %s", g.Present, g.InEstate, d)
			}
			var more flow.Code
			if g.LearnedUnknown != nil {
				more = g.LearnedUnknown.Code
				if g.LearnedPublic == nil || g.LearnedPublic.Assumption != flow.LearnedRoutesPrivate {
					t.Errorf("public ones: %+v", g.LearnedPublic)
				}
			}
			if more != x.more {
				t.Errorf("more %q, want %q", more, x.more)
			}
			if len(g.Joined) > 0 && g.Joined[0] != x.estate.VNetOf("v3") {
				t.Errorf("joined %v", g.Joined)
			}
		})
	}
	// With several, all must be in the data for what lies behind to be known.
	both := remote().Gateway("v1", "10.0.254.0/27", "172.21.0.0/16")
	if g := scope.New(both.Build(), fresh).GatewaysOf(both.VNetOf("v1")); !g.InEstate || len(g.Prefixes) != 2 || g.Name != "gw-v1" {
		t.Errorf("two gateways: %+v", g)
	}
	half := both.With(func(e *golden.Estate) { e.GatewayOf("v2").VirtualNetwork = topology.RefTo("/x/virtualNetworks/v9") })
	if g := scope.New(half.Build(), fresh).GatewaysOf(both.VNetOf("v1")); g.InEstate || !g.Present {
		t.Errorf("one of two: %+v", g)
	}

	names := scope.New(learned("172.20.0.0/16", "0.0.0.0/0").Build(), fresh)
	if got := names.Behind(netip.MustParseAddr("172.20.1.1")); len(got) != 1 || got[0].Name != "v1" {
		t.Errorf("behind the gateway of v1: %v", got)
	}
	if got := names.Behind(netip.MustParseAddr(golden.NET)); len(got) != 0 {
		t.Errorf("a default route does not count: %v", got)
	}
	if got := scope.New(remote().Build(), fresh).Behind(netip.MustParseAddr("172.20.1.1")); len(got) != 1 || got[0].Name != "v2" {
		t.Errorf("behind the gateway's own network: %v", got)
	}
}

func TestSpaces(t *testing.T) {
	in := []netip.Prefix{cidr("10.0.0.0/24"), cidr("20.0.0.0/8")}
	public, rest := scope.Public(in), scope.NotPublic(in)
	for _, x := range []struct {
		a            string
		public, rest bool
	}{
		{"20.1.1.1", false, false}, {"21.1.1.1", true, false}, {"10.0.0.1", false, false}, {"10.0.1.1", false, true}, {golden.Host, false, true}, {"2001:db8::1", true, false}, {"fd00::1", false, true},
	} {
		a := netip.MustParseAddr(x.a)
		if public.Contains(a) != x.public || rest.Contains(a) != x.rest {
			t.Errorf("%s: public %v, rest %v", a, public.Contains(a), rest.Contains(a))
		}
		if scope.IsPublic(a) != (x.public || in[1].Contains(a)) || !scope.Everything().Contains(a) {
			t.Errorf("%s: public at all %v", a, scope.IsPublic(a))
		}
	}
	some := scope.Without(in, []netip.Addr{netip.MustParseAddr("10.0.0.4")})
	if some.Contains(netip.MustParseAddr("10.0.0.4")) || !some.Contains(netip.MustParseAddr("10.0.0.5")) {
		t.Error("all but 10.0.0.4")
	}
	for _, p := range []string{"25.0.0.0/8", "192.0.2.0/24", "198.18.0.0/15"} {
		a := cidr(p).Addr()
		if !scope.DisputedSpace().Contains(a) || !scope.PublicSpace().Contains(a) || scope.InternetSpace().Contains(a) {
			t.Errorf("%s is public and in dispute", p)
		}
	}
}

// The constants of a set are where its answer changes.
func TestTheAnswerOfASetChangesOnlyAtItsConstants(t *testing.T) {
	p := placeOf(notLearned().Routes("app", golden.Via("udr", "192.168.0.0/24", golden.NVA)), fresh)
	for tag, edges := range map[string][]string{
		"VirtualNetwork":        {"10.0.0.0", "10.2.0.0", golden.Host, "192.168.0.0", "192.168.1.0", "11.0.0.0"},
		"Internet":              {"25.0.0.0", "26.0.0.0", "10.0.0.0", "224.0.0.0"},
		"Storage.WestEurope":    {"20.60.26.0", "20.60.28.0"},
		"Storage.FranceCentral": {"20.60.26.0", "20.60.40.0"}, // of its parent
		"Sql":                   {"10.0.0.0", "11.0.0.0"},
	} {
		s := p.Resolve(topology.AddressPrefix{Kind: topology.TagAddress, Tag: tag, Text: tag})
		for _, e := range edges {
			a := netip.MustParseAddr(e)
			parted := false
			for _, c := range s.Constants() {
				parted = parted || c.Contains(a.Prev()) != c.Contains(a)
			}
			if !parted {
				t.Errorf("%s: no constant lies between %s and %s", tag, a.Prev(), a)
			}
		}
	}
}

// A long list is made a set once it has been asked often, and says the same.
func TestASetIsCataloguedWhereTheFileHoldsItsTag(t *testing.T) {
	with, without := scope.New(golden.New().Build(), fresh), scope.New(golden.New().NoServiceTags().Build(), fresh)
	if !with.Tag("Storage").Catalogued() || with.Tag("Sql").Catalogued() || without.Tag("Storage").Catalogued() || with.Tag("AzureLoadBalancer").Catalogued() {
		t.Error("of Storage, Sql and AzureLoadBalancer the file holds Storage")
	}
}

func TestATagThatIsAskedOftenSaysTheSame(t *testing.T) {
	s := scope.New(golden.New().Build(), fresh).Tag("Storage")
	for range 20 {
		if has(s, ip(golden.SWE), false).Verdict != flow.Allow || has(s, ip(golden.NET), false).Verdict != flow.Deny {
			t.Fatal("another answer")
		}
	}
}
