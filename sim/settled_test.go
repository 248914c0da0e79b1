package sim_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load"
)

// settledTest is a settled case of spec/verdicts.md (S01 to S25), a rule of
// combination (C) or of the assumptions (A), or a row of spec/bad-inputs.md
// (B) that the simulator answers.
type settledTest struct {
	id     string
	fact   string
	estate *golden.Estate
	ask    ask
	want   want
}

// overNVA sends v2's traffic of a1 by the appliance and gives the appliance's
// interface an NSG that lets everything in.
func overNVA(destination string, rules ...*golden.Rule) *golden.Estate {
	return golden.New().Routes("app", golden.Via("over", destination, golden.NVA)).
		NICNSG("nva", append(rules, golden.Allow("in", 100, golden.In))...)
}

// spokes are v2 and v4 around the hub v1, with routes over its appliance.
func spokes() *golden.Estate {
	return golden.New().VNet("v4", "10.3.0.0/16").Subnet("v4", "end", "10.3.1.0/24").VM("e1", "end", "10.3.1.4").Peer("v1", "v4").
		Routes("web", golden.Via("to-v4", "10.3.0.0/16", golden.NVA)).
		Routes("end", golden.Via("to-v2", "10.1.0.0/16", golden.NVA)).
		ForwardedTraffic("v2", "v1")
}

func learned(prefixes ...string) *golden.Estate {
	return golden.New().Gateway("v1", "10.0.254.0/27", prefixes...)
}

// learnedUnknown has a gateway of which no learned route is known.
func learnedUnknown() *golden.Estate {
	return learned().With(func(e *golden.Estate) { e.GatewayOf("v1").LearnedGiven = false })
}

func withoutTags(rules ...*golden.Rule) *golden.Estate {
	return golden.New().NoServiceTags().SubnetNSG("app", rules...)
}

func publicSpace() *golden.Estate {
	return golden.New().VNet("vp", "51.0.0.0/16").Subnet("vp", "pub", "51.0.1.0/24").
		VM("p1", "pub", "51.0.1.4").VM("p2", "pub", "51.0.1.5")
}

func dualStack(rules ...*golden.Rule) *golden.Estate {
	return golden.New().VNet("v6", "10.9.0.0/16", "2001:db8:1::/48").
		Subnet("v6", "six", "10.9.1.0/24", "2001:db8:1:1::/64").
		VM("x1", "six", "10.9.1.4", "2001:db8:1:1::4").VM("x2", "six", "10.9.1.5", "2001:db8:1:1::5").
		SubnetNSG("six", rules...)
}

// publicB1 gives b1 a public IP address; its subnet's NSG lets the sources in.
func publicB1(sources ...string) *golden.Estate {
	return golden.New().PublicIP("b1", "198.51.100.50", "Standard").
		SubnetNSG("web", golden.Allow("in", 100, golden.In).From(sources...).Ports("443"))
}

func isolate() *golden.Rule {
	return golden.Deny("isolate", 4000, golden.Out).From("VirtualNetwork").To("VirtualNetwork")
}

func denyTo(name string, priority int, destination string) *golden.Rule {
	return golden.Deny(name, priority, golden.Out).To(destination)
}

func allowTo(name string, priority int, destination string) *golden.Rule {
	return golden.Allow(name, priority, golden.Out).To(destination)
}

// alone is an NSG whose virtual network is not in the data.
func alone(rules ...*golden.Rule) *golden.Estate { return golden.Empty().NSG("alone", rules...) }

func askAlone(d topology.Direction, local, remote string) ask {
	return ipFlow(sim.IPFlowQuestion{NSG: "alone", Direction: d, Protocol: topology.TCP}, local, remote)
}

func settledTests() []settledTest {
	proxyOpen := func() *golden.Estate {
		return proxyLayout().GuestFirewall("px", golden.Opening{Name: "proxy-in", Port: "8080", From: "10.0.0.0/16"})
	}
	gatewaySubnet := func(e *golden.Estate) { e.Subnet("v1", "GatewaySubnet", "10.0.254.0/27") }
	dangling := func(e *golden.Estate) {
		e.SubnetOf("app").NetworkSecurityGroup = topology.RefTo("/subscriptions/x/resourceGroups/x/providers/Microsoft.Network/networkSecurityGroups/gone")
	}
	failed := func(nsg string) func(*golden.Estate) {
		return func(e *golden.Estate) { e.NSGOf(nsg).ProvisioningState = "Failed" }
	}
	samePriority := func(second *golden.Rule) *golden.Estate {
		return golden.New().SubnetNSG("app", golden.Allow("one", 100, golden.Out).Ports("443"), second)
	}
	oneSided := func(local, remote string) *golden.Estate { return golden.New().NoAccess(local, remote) }
	designSubnet := func(e *golden.Estate) { e.SubnetOf("app").Design = true }

	return []settledTest{
		// 1. An appliance on the path
		{"S01", "an appliance is assumed to forward", overNVA("0.0.0.0/0", golden.Allow("out", 100, golden.Out).From("10.0.0.0/16")),
			trace("a1", golden.NET, 443), allowed().assuming(flow.NVAForwardsAndPermits)},
		{"S01", "both sources denied is a certain Deny", overNVA("0.0.0.0/0", denyTo("internet", 100, "Internet")),
			trace("a1", golden.NET, 443), deniedBy("nsg-nva", 100, "internet")},
		{"S01", "only its own source allowed is Unknown",
			overNVA("0.0.0.0/0", golden.Allow("own", 100, golden.Out).From(golden.NVA), golden.Deny("block", 200, golden.Out)),
			trace("a1", golden.NET, 443), undecided(flow.NVASourceUnknown, flow.SourcesConflict)},
		{"S01", "only the original source allowed is Unknown",
			overNVA("0.0.0.0/0", golden.Allow("a1", 100, golden.Out).From("10.0.1.4"), golden.Deny("block", 200, golden.Out)),
			trace("a1", golden.NET, 443), undecided(flow.NVASourceUnknown, flow.SourcesConflict)},
		{"S01", "inside the estate the original source counts", overNVA("10.1.0.0/16", golden.Deny("a1", 100, golden.Out).From("10.0.1.4")),
			trace("a1", "b1", 443), deniedBy("nsg-nva", 100, "a1")},
		{"S01", "inside the estate its own source does not", overNVA("10.1.0.0/16", golden.Deny("own", 100, golden.Out).From(golden.NVA)),
			trace("a1", "b1", 443), allowed().assuming(flow.NVAForwardsAndPermits)},
		{"S01", "a next hop of its own is a loop",
			throughNVA().Routes("dmz", golden.Via("self", "0.0.0.0/0", golden.NVA)), trace("a1", golden.NET, 443), denied(flow.RouteLoop)},
		{"S01", "two appliances that send to each other are a loop",
			throughNVA().VM("nva2", "db", "10.0.2.9").Forwarding("nva2").Routes("dmz", golden.Via("to-2", "0.0.0.0/0", "10.0.2.9")).
				Routes("db", golden.Via("to-1", "0.0.0.0/0", golden.NVA)),
			trace("a1", golden.NET, 443), denied(flow.RouteLoop)},
		{"S01", "no forwarding is certain", throughNVA().NoForwarding("nva"), trace("a1", golden.NET, 443), denied(flow.NVANoForwarding)},

		// 2. The guest's firewall
		{"S02", "a proxy's guest firewall that is not given", proxyLayout(), trace("a1", golden.SWE, 443),
			allowed().assuming(flow.HostFirewallOpen)},
		{"S02", "a proxy's guest firewall that opens the port", proxyOpen(), trace("a1", golden.SWE, 443),
			allowed().hop(sim.HopHostFirewall, flow.HostFirewallAllow, "proxy-in")},
		{"S02", "a proxy's guest firewall that does not",
			proxyLayout().GuestFirewall("px", golden.Opening{Name: "ssh", Port: "22", From: "*"}), trace("a1", golden.SWE, 443),
			denied(flow.HostFirewallDeny).leg(1)},
		{"S02", "of another machine it is out of scope", golden.New(), trace("a1", "d1", 1433), allowed()},
		{"S02", "of another machine it counts where it is given",
			golden.New().GuestFirewall("d1", golden.Opening{Name: "ssh", Port: "22", From: "*"}), trace("a1", "d1", 1433),
			denied(flow.HostFirewallDeny)},

		// 3. and 23. Forwarded traffic over a peering
		{"S03", "forwarded traffic that the receiver does not allow", spokes(), trace("b1", "e1", 443),
			undecided(flow.PeeringForwardedTraffic, flow.SourcesConflict)},
		{"S03", "forwarded traffic that the receiver allows", spokes().ForwardedTraffic("v4", "v1"), trace("b1", "e1", 443),
			allowed().assuming(flow.NVAForwardsAndPermits)},
		{"S03", "a gate that denies anyway", spokes().SubnetNSG("end", allBlocked(100, golden.In)), trace("b1", "e1", 443),
			deniedBy("nsg-end", 100, "block")},
		{"S23", "an appliance beside the source is not concerned",
			golden.New().Routes("app", golden.Via("over", "10.1.0.0/16", golden.NVA)), trace("a1", "b1", 443),
			allowed().assuming(flow.NVAForwardsAndPermits)},

		// 4. On-premises
		{"S04", "a learned prefix is reached as far as the gateway", learned("172.20.0.0/16"), trace("a1", "172.20.1.1", 443),
			allowed().via(topology.NextHopGateway, "").assuming(flow.OnPremisesBeyond)},
		{"S04", "a forced tunnel is Unknown", learned("0.0.0.0/0"), trace("a1", golden.NET, 443), undecided(flow.ForcedTunnel)},
		{"S04", "a route to a gateway that is not in the estate",
			golden.New().Routes("app", golden.Hop("home", "172.20.0.0/16", topology.NextHopGateway)), trace("a1", "172.20.1.1", 443),
			undecided(flow.GatewayNotInEstate)},

		// 5. and 15. One NSG
		{"S05", "both ways allow: certain, and the rule under the assumption is named", alone(),
			askAlone(golden.Out, "10.0.0.4:50000", golden.NET+":443"), allowedBy("alone", 65001, "AllowInternetOutBound")},
		{"S05", "a public remote is taken to be outside the network", alone(denyTo("internet", 100, "Internet")),
			askAlone(golden.Out, "10.0.0.4:50000", golden.NET+":443"), deniedBy("alone", 100, "internet").assuming(flow.VNetSpacePrivate)},
		{"S05", "a private remote may be inside", alone(), askAlone(golden.Out, "10.0.0.4:50000", "10.9.9.9:443"),
			undecided(flow.AddressSpaceUnknown)},
		{"S05", "a private remote where it does not matter", alone(allowTo("all", 100, "*")),
			askAlone(golden.Out, "10.0.0.4:50000", "10.9.9.9:443"), allowedBy("alone", 100, "all")},
		{"S15", "the local address of an NSG alone is inside",
			alone(golden.Allow("from-a", 100, golden.In).From("10.9.9.9").To("VirtualNetwork"), allBlocked(200, golden.In)),
			askAlone(golden.In, "10.0.0.4:443", "10.9.9.9:50000"), allowedBy("alone", 100, "from-a")},
		{"S15", "in a full estate VirtualNetwork is that of the subnet of the local address",
			golden.New().SubnetNSG("app"),
			ipFlow(sim.IPFlowQuestion{NSG: "nsg-app", Direction: golden.Out, Protocol: topology.TCP}, "10.0.1.4:50000", "10.1.1.4:443"),
			allowedBy("nsg-app", 65000, "AllowVnetOutBound")},
		{"S15", "in a full estate the tag holds nothing else",
			golden.New().SubnetNSG("app"),
			ipFlow(sim.IPFlowQuestion{NSG: "nsg-app", Direction: golden.Out, Protocol: topology.TCP}, "10.0.1.4:50000", "10.2.1.4:443"),
			deniedBy("nsg-app", 65500, "DenyAllOutBound")},
		{"S15", "platform rules hold for an NSG alone", alone(allBlocked(100, golden.Out)),
			ipFlow(sim.IPFlowQuestion{NSG: "alone", Direction: golden.Out, Protocol: topology.UDP}, "10.0.0.4:50000", golden.Host+":53"),
			allowed().code(flow.PlatformAddress)},
		{"S15", "a * rule does not pre-empt a platform tag", alone(allowTo("all", 100, "*"), denyTo("dns", 200, "AzurePlatformDNS")),
			ipFlow(sim.IPFlowQuestion{NSG: "alone", Direction: golden.Out, Protocol: topology.UDP}, "10.0.0.4:50000", golden.Host+":53"),
			deniedBy("alone", 200, "dns")},

		// 6. No service tag file
		{"S06", "a tag equals itself", withoutTags(allowTo("storage", 100, "Storage.WestEurope"), denyTo("internet", 4000, "Internet")),
			trace("a1", "Storage.WestEurope", 443), allowedBy("nsg-app", 100, "storage")},
		{"S06", "a regional tag is part of the global one", withoutTags(allowTo("storage", 100, "Storage"), denyTo("internet", 4000, "Internet")),
			trace("a1", "Storage.WestEurope", 443), allowedBy("nsg-app", 100, "storage")},
		{"S06", "the global tag is more than a regional one",
			withoutTags(allowTo("storage", 100, "Storage.WestEurope"), denyTo("internet", 4000, "Internet")),
			trace("a1", "Storage", 443), undecided(flow.UnknownTag)},
		{"S06", "two regions may share addresses",
			withoutTags(allowTo("storage", 100, "Storage.WestEurope"), denyTo("internet", 4000, "Internet")),
			trace("a1", "Storage.NorthEurope", 443), undecided(flow.UnknownTag)},
		{"S06", "Storage is part of Internet", withoutTags(denyTo("internet", 100, "Internet")),
			trace("a1", "Storage", 443), deniedBy("nsg-app", 100, "internet")},
		{"S06", "AzureBackup is part of Internet", withoutTags(denyTo("internet", 100, "Internet")),
			trace("a1", "AzureBackup", 443), deniedBy("nsg-app", 100, "internet")},
		{"S06", "an address may be in any tag", withoutTags(allowTo("storage", 100, "Storage.WestEurope"), denyTo("internet", 4000, "Internet")),
			trace("a1", golden.SWE, 443), undecided(flow.UnknownTag)},
		{"S06", "a private address is in no service's tag",
			withoutTags(denyTo("storage", 100, "Storage.WestEurope")), trace("a1", "d1", 443), allowed()},

		// 7. Address families
		{"S07", "a set is asked in the families of the source", golden.New().ServiceTag("Dual", "", "20.70.0.0/16", "2603:1000::/40"),
			trace("a1", "Dual", 443), allowed().check(func(t *testing.T, r reply) {
				if !slices.Equal(r.leftOut, []string{"IPv6"}) {
					t.Errorf("families left out are %v, want IPv6", r.leftOut)
				}
			})},

		// 8. Lists that are cut
		{"S08", "a subnet says itself that it has no NSG", golden.New().Gap(topology.ListCut, "Microsoft.Network/networkSecurityGroups"),
			trace("a1", "a2", 443), allowed().noRule()},
		{"S08", "an interface that may not have been exported", golden.New().Gap(topology.ListCut, "Microsoft.Network/networkInterfaces"),
			trace("a1", "10.0.1.77", 443), undecided(flow.ListCutCode)},
		{"S08", "what is in a cut list is complete", golden.New().Gap(topology.ListCut, "Microsoft.Network/networkInterfaces"),
			trace("a1", "a2", 443), allowed()},
		{"S08", "a gateway that may not have been exported",
			golden.New().With(gatewaySubnet).Gap(topology.ListCut, "Microsoft.Network/virtualNetworkGateways"),
			trace("a1", "192.168.9.9", 443), undecided(flow.ListCutCode, flow.GatewayNotInEstate, flow.LearnedRoutesMissing)},
		{"S08", "a network says itself whom it is peered with", golden.New().Gap(topology.ListCut, "Microsoft.Network/virtualNetworks"),
			trace("a1", "10.200.0.1", 443), denied(flow.RouteNone)},

		// 9. Two rules with one priority
		{"S09", "they agree", samePriority(golden.Allow("two", 100, golden.Out).To("Internet")), trace("a1", golden.NET, 443), allowed()},
		{"S09", "they disagree", samePriority(golden.Deny("two", 100, golden.Out).To("Internet")), trace("a1", golden.NET, 443),
			undecided(flow.SamePriority)},
		{"S09", "they disagree on other packets", samePriority(golden.Deny("two", 100, golden.Out).To("Internet")), trace("a1", "d1", 443),
			allowed()},

		// 10. The rule that is named
		{"S10", "for Deny the denying one", golden.New().SubnetNSG("app").SubnetNSG("db", allBlocked(100, golden.In)), trace("a1", "d1", 443),
			deniedBy("nsg-db", 100, "block")},
		{"S10", "for Allow the last that allowed", golden.New().SubnetNSG("app").SubnetNSG("db").NICNSG("d1", golden.Allow("db", 100, golden.In)),
			trace("a1", "d1", 443), allowedBy("nsg-d1", 100, "db").
				gates("nsg-app Outbound AllowVnetOutBound", "nsg-db Inbound AllowVnetInBound", "nsg-d1 Inbound db")},
		{"S10", "for AlwaysAllow the admin rule", golden.New().SubnetNSG("app").Admin("v1", golden.AlwaysAllow("mgmt", 5, golden.In).Ports("22")),
			inbound("10.0.1.4:22", "10.1.1.4:50000"), allowed().code(flow.AdminRuleAlwaysAllow).rule("", 5, "mgmt").skips("nsg-app")},

		// 11. Split
		{"S11", "a set whose parts differ", regionalAllow(), trace("a1", "Storage", 443),
			split().check(parts(map[string]flow.Verdict{"20.60.26.0/23": flow.Allow, "20.60.40.0/23": flow.Deny}))},
		{"S11", "the parts are cut where rules draw boundaries",
			golden.New().SubnetNSG("app", denyTo("half", 100, "20.60.26.0/24")), trace("a1", "Storage.WestEurope", 443),
			split().check(parts(map[string]flow.Verdict{"20.60.26.0/24": flow.Deny, "20.60.27.0/24": flow.Allow}))},
		{"S11", "a set that is denied and undecided is Unknown",
			golden.New().SubnetNSG("app", denyTo("half", 100, "20.60.26.0/24"), denyTo("other", 200, "NoSuchTag")),
			trace("a1", "Storage.WestEurope", 443), undecided(flow.UnknownTag).check(func(t *testing.T, r reply) {
				if !r.undecided || !r.anyDeny || r.anyAllow {
					t.Errorf("undecided %v, deny %v, allow %v; want true, true, false", r.undecided, r.anyDeny, r.anyAllow)
				}
			})},

		// 16. The platform's address and public space of a network
		{"S16", "168.63.129.16 is not Internet", golden.New().SubnetNSG("app", golden.Deny("internet", 100, golden.In).From("Internet")),
			inbound("10.0.1.4:80", golden.Host+":50000"), allowed()},
		{"S16", "168.63.129.16 is AzureLoadBalancer",
			golden.New().SubnetNSG("app", golden.Deny("probe", 100, golden.In).From("AzureLoadBalancer")),
			inbound("10.0.1.4:80", golden.Host+":50000"), deniedBy("nsg-app", 100, "probe")},
		{"S16", "168.63.129.16 is VirtualNetwork", golden.New().SubnetNSG("app", golden.Deny("vnet", 100, golden.In).From("VirtualNetwork")),
			inbound("10.0.1.4:80", golden.Host+":50000"), deniedBy("nsg-app", 100, "vnet")},
		{"S16", "IPv6 Internet is 2000::/3", dualStack(denyTo("internet", 100, "Internet")),
			outbound("[2001:db8:1:1::4]:50000", "[2001:db8:ffff::1]:443"), deniedBy("nsg-six", 100, "internet")},
		{"S16", "less the network's own space", dualStack(denyTo("internet", 100, "Internet")),
			outbound("[2001:db8:1:1::4]:50000", "[2001:db8:1:1::5]:443"),
			allowedBy("nsg-six", 65000, "AllowVnetOutBound").assuming(flow.VNetPublicSpaceNotInternet)},
		{"S16", "a unique local address is not Internet", dualStack(),
			outbound("[2001:db8:1:1::4]:50000", "[fd00::1]:443"), deniedBy("nsg-six", 65500, "DenyAllOutBound")},
		{"S16", "public IPv4 space of the network is not Internet", publicSpace().SubnetNSG("pub", denyTo("internet", 100, "Internet")),
			outbound("51.0.1.4:50000", "51.0.1.5:443"),
			allowedBy("nsg-pub", 65000, "AllowVnetOutBound").assuming(flow.VNetPublicSpaceNotInternet)},
		{"S16", "without a rule on Internet nothing turns on it", publicSpace().SubnetNSG("pub"),
			outbound("51.0.1.4:50000", "51.0.1.5:443"), allowedBy("nsg-pub", 65000, "AllowVnetOutBound")},

		// 17. Tags that the file does not hold
		{"S17", "it may name any address", golden.New().SubnetNSG("app", denyTo("secret", 100, "NoSuchTag")), trace("a1", golden.NET, 443),
			undecided(flow.UnknownTag)},
		{"S17", "where it would not matter the answer is certain", golden.New().SubnetNSG("app", allowTo("secret", 100, "NoSuchTag")),
			trace("a1", golden.NET, 443), allowed()},
		{"S17", "built-in tags are not looked up in the file",
			golden.New().ServiceTag("Internet", "", "192.0.2.0/24").ServiceTag("VirtualNetwork", "", "192.0.2.0/24").
				SubnetNSG("app", denyTo("internet", 100, "Internet")),
			trace("a1", golden.NET, 443), deniedBy("nsg-app", 100, "internet")},
		{"S17", "AzurePlatformLKM may match tcp/1688 to a public address",
			golden.New().SubnetNSG("app", denyTo("kms", 100, "AzurePlatformLKM")), trace("a1", golden.NET, 1688), undecided(flow.UnknownTag)},
		{"S17", "AzurePlatformLKM matches no other port",
			golden.New().SubnetNSG("app", denyTo("kms", 100, "AzurePlatformLKM")), trace("a1", golden.NET, 443), allowed()},
		{"S17", "AzurePlatformLKM matches no private address",
			golden.New().SubnetNSG("app", denyTo("kms", 100, "AzurePlatformLKM")), trace("a1", "d1", 1688), allowed()},
		{"S17", "other rules apply to tcp/1688 as to any port",
			golden.New().SubnetNSG("app", denyTo("internet", 100, "Internet")), trace("a1", golden.NET, 1688),
			deniedBy("nsg-app", 100, "internet")},

		// 18. What widens VirtualNetwork
		{"S18", "a route whose prefix is a tag does not",
			golden.New().Routes("app", golden.Hop("storage", "Storage.WestEurope", topology.NextHopInternet)).SubnetNSG("app", isolate()),
			outbound("10.0.1.4:50000", golden.SWE+":443"),
			allowedBy("nsg-app", 65001, "AllowInternetOutBound").assuming(flow.TagRouteNotInVNet)},
		{"S18", "nothing turns on it with the default rules",
			golden.New().Routes("app", golden.Hop("storage", "Storage.WestEurope", topology.NextHopInternet)).SubnetNSG("app"),
			outbound("10.0.1.4:50000", golden.SWE+":443"), allowed()},
		{"S18", "prefixes of a gateway stay without propagation",
			learned("172.20.0.0/16").NoPropagation("app").SubnetNSG("app"), inbound("10.0.1.4:3389", "172.20.1.1:50000"),
			allowedBy("nsg-app", 65000, "AllowVnetInBound").assuming(flow.GatewayPrefixesInVNet)},
		{"S18", "prefixes of routes to None and Internet are in it (spec 3.1, marked [?])",
			golden.New().Routes("app", golden.Hop("direct", "203.0.113.0/24", topology.NextHopInternet)).SubnetNSG("app", isolate()),
			outbound("10.0.1.4:50000", golden.NET+":443"), deniedBy("nsg-app", 4000, "isolate").assuming(flow.UDRPrefixesInVNet)},

		// 19. Ways in from outside
		{"S19", "no public IP address, no way in", golden.New().SubnetNSG("app", golden.Allow("all", 100, golden.In)),
			trace(golden.NET, "a1", 443), denied(flow.NoPublicEntry)},
		{"S19", "from default outbound access to a public IP of the estate: any Internet source", publicB1("Internet"),
			trace("a1", "198.51.100.50", 443), allowedBy("nsg-web", 100, "in")},
		{"S19", "Unknown where inbound depends on the source", publicB1("198.51.100.0/24"), trace("a1", "198.51.100.50", 443),
			undecided(flow.EgressAddressUnknown)},
		{"S19", "a NAT gateway's address is the source", publicB1("198.51.100.20").NATGateway("app", "198.51.100.20"),
			trace("a1", "198.51.100.50", 443), allowedBy("nsg-web", 100, "in").sourceAddress("198.51.100.20")},
		{"S19", "and denied where it is another", publicB1("198.51.100.21").NATGateway("app", "198.51.100.20"),
			trace("a1", "198.51.100.50", 443), deniedBy("nsg-web", 65500, "DenyAllInBound")},

		// 20. The way back
		{"S20", "no route back stops TCP", golden.New().Routes("app", golden.Hop("drop", "10.1.0.0/16", topology.NextHopNone)),
			trace("b1", "a1", 443), denied(flow.ReturnNoRoute)},
		{"S20", "but not UDP", golden.New().Routes("app", golden.Hop("drop", "10.1.0.0/16", topology.NextHopNone)),
			traceProtocol(topology.UDP, "b1", "a1", 443), allowed()},
		{"S20", "from the Internet, replies by a gateway",
			learned("0.0.0.0/0").PublicIP("a1", pip, "Standard").SubnetNSG("app", golden.Allow("https", 100, golden.In).Ports("443")),
			trace(golden.NET, "a1", 443), denied(flow.ReturnPathAsymmetric)},
		{"S20", "from an Internet address that is not known, replies by an appliance",
			publicB1("Internet").Routes("web", golden.Via("all", "0.0.0.0/0", golden.NVA)), trace("a1", "198.51.100.50", 443),
			denied(flow.ReturnPathAsymmetric)},
		{"S20", "inside the estate it is a note", golden.New().Routes("app", golden.Via("back", "10.1.0.0/16", golden.NVA)),
			trace("b1", "a1", 443), allowed().check(func(t *testing.T, r reply) {
				for _, h := range r.hops {
					if h.Kind == sim.HopReturn && h.Note != "" {
						return
					}
				}
				if len(r.notes) == 0 {
					t.Error("no note about the way back")
				}
			})},

		// 21. What is not in the data
		{"S21", "a next hop that nobody owns", golden.New().Routes("app", golden.Via("to-x", "0.0.0.0/0", "10.0.0.99")),
			trace("a1", golden.NET, 443), undecided(flow.NVANotFound)},
		{"S21", "a destination that nobody owns: the subnet's gates", golden.New().SubnetNSG("db"), trace("a1", "10.0.2.77", 443),
			allowedBy("nsg-db", 65000, "AllowVnetInBound").assuming(flow.NoNICAtDestination)},
		{"S21", "denied by the subnet's NSG", golden.New().SubnetNSG("app", denyTo("db", 100, "10.0.2.0/24")),
			trace("a1", "10.0.2.77", 443), deniedBy("nsg-app", 100, "db")},

		// 22. Peering access
		{"S22", "off on the sender's side", oneSided("v1", "v2"), trace("a1", "b1", 443), denied(flow.PeeringAccessDisabled)},
		{"S22", "off on the sender's side: its tag", oneSided("v1", "v2").SubnetNSG("app"), trace("a1", "b1", 443),
			deniedBy("nsg-app", 65500, "DenyAllOutBound")},
		{"S22", "off on the receiver's side only", oneSided("v1", "v2"), trace("b1", "a1", 443), undecided(flow.SourcesConflict)},
		{"S22", "a rule that names the other side on one side alone",
			oneSided("v1", "v2").SubnetNSG("app", allowTo("b1", 100, "10.1.1.4")).SubnetNSG("web"), trace("a1", "b1", 443),
			denied(flow.PeeringAccessDisabled)},
		{"S22", "the gate named is the first that denies", accessOff().SubnetNSG("app", denyTo("b1", 100, "10.1.1.4")),
			blockers("a1", "b1", 443), deniedBy("nsg-app", 100, "b1").hop(sim.HopPeering, flow.PeeringAccessDisabled, "")},

		// 24. Private subnet
		{"S24", "same-region Storage by a user route to Internet",
			golden.New().PrivateSubnet("app").Routes("app", golden.Hop("storage", "Storage.WestEurope", topology.NextHopInternet)),
			trace("a1", golden.SWE, 443), undecided(flow.SourcesConflict)},

		// 25. All blockers
		{"S25", "the hops end at the first Deny",
			golden.New().Routes("app", golden.Hop("drop", "10.1.0.0/16", topology.NextHopNone)).SubnetNSG("web", allBlocked(100, golden.In)),
			trace("a1", "b1", 443), denied(flow.RouteNone).gates()},
		{"S25", "or go on to the gates of the destination",
			golden.New().Routes("app", golden.Hop("drop", "10.1.0.0/16", topology.NextHopNone)).SubnetNSG("web", allBlocked(100, golden.In)),
			blockers("a1", "b1", 443), denied(flow.RouteNone).gates("nsg-web Inbound block").via(topology.NextHopNone, "")},

		// How verdicts combine
		{"C1", "an unknown match goes on", golden.New().SubnetNSG("app", denyTo("secret", 100, "NoSuchTag"), denyTo("internet", 200, "Internet")),
			trace("a1", golden.NET, 443), want{verdict: flow.Deny}},
		{"C1", "an unevaluated expression may match", golden.New().SubnetNSG("app", denyTo("expr", 100, "[parameters('x')]")),
			trace("a1", golden.NET, 443), undecided(flow.UnresolvedExpression)},
		{"C2", "a certain Deny before an unknown gate", golden.New().NICNSG("a1", allBlocked(100, golden.Out)).SubnetNSG("app", denyTo("x", 100, "NoSuchTag")),
			trace("a1", golden.NET, 443), deniedBy("nsg-a1", 100, "block")},
		{"C2", "a certain Deny behind an unknown gate",
			golden.New().NICNSG("a1", denyTo("x", 100, "NoSuchTag")).SubnetNSG("app", allBlocked(100, golden.Out)),
			trace("a1", golden.NET, 443), want{verdict: flow.Deny}},
		{"C2", "Unknown where one gate is", golden.New().NICNSG("a1", golden.Allow("all", 100, golden.Out)).SubnetNSG("app", denyTo("x", 100, "NoSuchTag")),
			trace("a1", golden.NET, 443), undecided(flow.UnknownTag)},
		{"C3", "routes with one prefix that differ",
			golden.New().Routes("app", golden.Hop("drop", "203.0.113.0/24", topology.NextHopNone), golden.Hop("out", "203.0.113.0/24", topology.NextHopInternet)),
			trace("a1", golden.NET, 443), undecided(flow.SamePrefix)},
		{"C3", "routes with one prefix that agree",
			golden.New().Routes("app", golden.Hop("one", "203.0.113.0/24", topology.NextHopNone), golden.Hop("two", "203.0.113.0/24", topology.NextHopNone)),
			trace("a1", golden.NET, 443), denied(flow.RouteNone)},
		{"C3", "every backend allows",
			golden.New().LoadBalancer("lb", "198.51.100.30", 80, 8080, "a1", "a2").SubnetNSG("app", golden.Allow("web", 100, golden.In).Ports("8080")),
			trace(golden.NET, "198.51.100.30", 80), allowedBy("nsg-app", 100, "web")},
		{"C3", "no backend allows", golden.New().LoadBalancer("lb", "198.51.100.30", 80, 8080, "a1", "a2").SubnetNSG("app"),
			trace(golden.NET, "198.51.100.30", 80), deniedBy("nsg-app", 65500, "DenyAllInBound")},
		{"C4", "one unknown in two rules is one unknown",
			golden.New().SubnetNSG("app", allowTo("in", 100, "NoSuchTag"), denyTo("out", 200, "NoSuchTag")), trace("a1", golden.NET, 443), allowed()},
		{"C4", "and in two NSGs",
			golden.New().NICNSG("a1", allowTo("in", 100, "NoSuchTag"), golden.Deny("rest", 200, golden.Out)).
				SubnetNSG("app", denyTo("out", 100, "NoSuchTag")),
			trace("a1", golden.NET, 443), want{verdict: flow.Deny}},
		{"C5", "only the facts that settle it are named",
			golden.New().SubnetNSG("app", denyTo("other", 50, "OtherTag").Ports("8443"), denyTo("secret", 100, "NoSuchTag"), allowTo("third", 200, "ThirdTag")),
			trace("a1", golden.NET, 443), undecided(flow.UnknownTag).check(func(t *testing.T, r reply) {
				if len(r.missing) != 1 || r.missing[0].About != "NoSuchTag" || r.missing[0].Export == "" {
					t.Errorf("missing is %+v, want the tag NoSuchTag alone, with a command", r.missing)
				}
			})},

		// Assumptions: listed only where the answer would change
		{"A1", "not behind a Deny", throughNVA().SubnetNSG("app", denyTo("x", 100, golden.NET)), trace("a1", golden.NET, 443),
			deniedBy("nsg-app", 100, "x")},
		{"A1", "not where the other way denies too", throughNVA(), trace("a1", "192.168.9.9", 443), denied(flow.RouteNone)},
		{"A2", "mail may be blocked", golden.New(), trace("a1", golden.NET, 25), allowed().assuming(flow.SMTPNotBlocked)},
		{"A2", "submission is not", golden.New(), trace("a1", golden.NET, 587), allowed()},
		{"A2", "nor mail inside", golden.New(), trace("a1", "d1", 25), allowed()},
		{"A3", "a design that says nothing of default outbound access", golden.New().With(designSubnet), trace("a1", golden.NET, 443),
			allowed().assuming(flow.DefaultOutboundAccess)},
		{"A3", "has no need of it with a NAT gateway", golden.New().With(designSubnet).NATGateway("app", "198.51.100.20"),
			trace("a1", golden.NET, 443), allowed()},
		{"A3", "in an export its absence is documented", golden.New(), trace("a1", golden.NET, 443), allowed()},
		{"A4", "a gateway whose routes are not known, to the Internet", learnedUnknown(), trace("a1", golden.NET, 443),
			allowed().assuming(flow.LearnedRoutesPrivate)},
		{"A4", "to a private address", learnedUnknown(), trace("a1", "172.20.1.1", 443), undecided(flow.LearnedRoutesMissing)},
		{"A4", "inside the network", learnedUnknown(), trace("a1", "d1", 443), allowed()},
		{"A4", "to a peer", learnedUnknown(), trace("a1", "b1", 443), allowed()},
		{"A4", "without propagation to the Internet", learnedUnknown().NoPropagation("app"), trace("a1", golden.NET, 443), allowed()},
		{"A4", "without propagation to a private address", learnedUnknown().NoPropagation("app"), trace("a1", "172.20.1.1", 443),
			denied(flow.RouteNone)},
		{"A5", "an NSG that was not brought in", regionalAllow().With(failed("nsg-app")), trace("a1", golden.SWE, 443),
			allowedBy("nsg-app", 100, "storage").assuming(flow.NotSucceeded)},
		{"A5", "before a certain Deny",
			golden.New().NICNSG("a1").SubnetNSG("app", allBlocked(100, golden.Out)).With(failed("nsg-a1")), trace("a1", golden.SWE, 443),
			deniedBy("nsg-app", 100, "block")},
		{"A6", "a property that nobody has modelled",
			golden.New().SubnetNSG("app", allowTo("storage", 100, "Storage").NotModelled("weather", "rain"), denyTo("internet", 4000, "Internet")),
			trace("a1", golden.SWE, 443), allowedBy("nsg-app", 100, "storage").assuming(flow.PropertyNotModelled)},
		{"A6", "of a rule that is not reached",
			golden.New().SubnetNSG("app", allowTo("storage", 100, "Storage"), denyTo("internet", 4000, "Internet").NotModelled("weather", "rain")),
			trace("a1", golden.SWE, 443), allowedBy("nsg-app", 100, "storage")},
		{"A7", "ICMP and a rule with a port, where nothing turns on it",
			golden.New().SubnetNSG("app", golden.Allow("https", 100, golden.Out).Ports("443")), traceProtocol(topology.ICMP, "a1", "a2", 0), allowed()},
		{"A7", "an ICMP rule ignores ports",
			golden.New().SubnetNSG("app", golden.Allow("ping", 100, golden.Out).ICMP().Ports("443"), allBlocked(200, golden.Out)),
			traceProtocol(topology.ICMP, "a1", "a2", 0), allowed().assuming(flow.PropertyNotModelled)},

		// Rows of bad-inputs.md that only the simulator can answer
		{"B96", "an address that no interface owns may be a member", databaseGroups(), trace("a2", "10.0.2.99", 1433),
			undecided(flow.ASGMembersUnknown, flow.DanglingReference)},
		{"B112", "a default rule that an export leaves out",
			golden.New().SubnetNSG("app").With(func(e *golden.Estate) { e.NSGOf("nsg-app").DefaultRules = nil }),
			trace("a1", golden.NET, 443), allowedBy("nsg-app", 65001, "AllowInternetOutBound")},
		{"B112", "a default rule with other content", golden.New().SubnetNSG("app").With(func(e *golden.Estate) {
			for _, r := range e.NSGOf("nsg-app").DefaultRules {
				if r.Name == "AllowInternetOutBound" {
					r.Access = topology.Deny
				}
			}
		}), trace("a1", golden.NET, 443), undecided(flow.DefaultRulesAltered)},
		{"B118", "an NSG that is not in the data", golden.New().With(dangling), trace("a1", "a2", 443), undecided(flow.DanglingReference)},
		{"B118", "behind a certain Deny", golden.New().With(dangling).NICNSG("a1", allBlocked(100, golden.Out)), trace("a1", "a2", 443),
			deniedBy("nsg-a1", 100, "block")},
		{"B118", "an NSG of which only the ID is known",
			golden.New().SubnetNSG("app").With(func(e *golden.Estate) { e.NSGOf("nsg-app").RulesGiven = false }), trace("a1", "a2", 443),
			undecided(flow.DanglingReference)},
		{"B118", "an NSG that claims a subnet which says otherwise",
			golden.New().NSG("claims", allBlocked(100, golden.Out)).With(func(e *golden.Estate) {
				e.NSGOf("claims").Subnets = []topology.Ref{e.SubnetOf("app").Ref()}
			}), trace("a1", "a2", 443), undecided(flow.AssociationConflict)},
		{"B118", "a route table that is not in the data",
			golden.New().With(func(e *golden.Estate) {
				e.SubnetOf("app").RouteTable = topology.RefTo("/subscriptions/x/resourceGroups/x/providers/Microsoft.Network/routeTables/gone")
			}), trace("a1", golden.NET, 443), undecided(flow.DanglingReference)},
		{"B120", "a peering that is Disconnected is no link",
			golden.New().With(func(e *golden.Estate) { e.Peering("v2", "v1").State = "Disconnected" }), trace("a1", "b1", 443),
			want{verdict: flow.Deny}},
	}
}

// parts expects exactly these destination prefixes with these verdicts.
func parts(want map[string]flow.Verdict) func(*testing.T, reply) {
	return func(t *testing.T, r reply) {
		t.Helper()
		got := map[string]flow.Verdict{}
		for _, p := range r.parts {
			for _, d := range p.Destination {
				got[d.String()] = p.Verdict
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("parts (-want +got):\n%s", diff)
		}
	}
}

func TestSettled(t *testing.T) {
	for _, s := range settledTests() {
		t.Run(s.id+" "+s.fact, func(t *testing.T) { s.want.test(t, s.estate, s.ask) })
	}
}

// TestSettledVirtualNetwork is the rest of S05: --virtual-network settles the
// whole content of the tag.
func TestSettledVirtualNetwork(t *testing.T) {
	opts := sim.Options{AsOf: golden.AsOf, VirtualNetwork: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, c := range []struct {
		fact, remote string
		want         want
	}{
		{"an address inside", "10.9.9.9:50000", allowedBy("alone", 65000, "AllowVnetInBound")},
		{"an address outside", "172.16.0.1:50000", deniedBy("alone", 65500, "DenyAllInBound")},
		{"a public address", golden.NET + ":50000", deniedBy("alone", 65500, "DenyAllInBound")},
		{"the platform's address", golden.Host + ":50000", allowed()},
	} {
		t.Run("S05 "+c.fact, func(t *testing.T) {
			c.want.testOptions(t, alone().Build(), opts, askAlone(golden.In, "10.0.0.4:443", c.remote))
		})
	}
}

// TestSettledFamilies is the rest of S07: one IPv6 address asked from a
// machine without IPv6 is a usage error.
func TestSettledFamilies(t *testing.T) {
	s, err := sim.New(golden.New().Build(), sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	_, err = trace("a1", "2603:1000::1", 443)(s)
	var name *sim.NameError
	if !errors.As(err, &name) {
		t.Errorf("S07: error is %v, want a *sim.NameError", err)
	}
}

// TestSettledBackends is the rest of C3: backends that differ are never one
// certain answer.
func TestSettledBackends(t *testing.T) {
	e := golden.New().LoadBalancer("lb", "198.51.100.30", 80, 8080, "a1", "a2").
		NICNSG("a1", golden.Allow("web", 100, golden.In).Ports("8080")).NICNSG("a2")
	r := answer(t, e.Build(), sim.Options{AsOf: golden.AsOf}, trace(golden.NET, "198.51.100.30", 80))
	if r.verdict != flow.Unknown && r.verdict != flow.Split {
		t.Errorf("C3: verdict is %s, want Unknown or Split: %s", r.verdict, r.path())
	}
}

// TestSettledFolders is S14 as far as it is the reader's: a folder with
// nothing readable in it is refused, and with KeepGoing a refused file leaves
// the rest.
func TestSettledFolders(t *testing.T) {
	if _, err := loadFiles(t, map[string]string{"notes.txt": "nothing"}); err == nil {
		t.Error("S14: a folder with nothing readable was accepted")
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"good.json": nsgFile(rest("out", 100, "Outbound", `"destinationPortRange":"443","destinationAddressPrefix":"*"`)),
		"bad.json":  `{"type":"Microsoft.Network/networkSecurityGroups"`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	res, err := load.Estate(context.Background(), []string{dir}, load.Options{KeepGoing: true})
	if err != nil || res == nil {
		t.Fatalf("S14: result %v, error %v", res, err)
	}
	if len(res.Refused) != 1 || len(res.Network.NetworkSecurityGroups) != 1 {
		t.Errorf("S14: %d files refused and %d NSGs read, want 1 and 1", len(res.Refused), len(res.Network.NetworkSecurityGroups))
	}
	if !slices.ContainsFunc(res.Network.Gaps, func(g topology.Gap) bool { return g.Kind == topology.FileRefused }) {
		t.Error("S14: the refused file left no gap")
	}
}

// TestWaivers is S13 and the paragraph on waivers: strict mode accepts a
// waived assumption, everywhere or for the resources it names.
func TestWaivers(t *testing.T) {
	n := throughNVA().Build()
	q := trace("a1", golden.NET, 443)
	r := answer(t, n, sim.Options{AsOf: golden.AsOf}, q)
	if len(r.assumptions) != 1 {
		t.Fatalf("assumptions are %v, want one", r.assumptions)
	}
	printed := r.assumptions[0].About
	for _, c := range []struct {
		fact   string
		waiver flow.Waiver
		want   flow.Verdict
	}{
		{"everywhere", flow.Waiver{ID: flow.NVAForwardsAndPermits}, flow.Allow},
		{"for the resource as printed", flow.Waiver{ID: flow.NVAForwardsAndPermits, About: printed}, flow.Allow},
		{"by a glob", flow.Waiver{ID: flow.NVAForwardsAndPermits, About: "*nva*"}, flow.Allow},
		{"for another resource", flow.Waiver{ID: flow.NVAForwardsAndPermits, About: "b1-nic"}, flow.Unknown},
		{"of another assumption", flow.Waiver{ID: flow.HostFirewallOpen}, flow.Unknown},
	} {
		t.Run(c.fact, func(t *testing.T) {
			r := answer(t, n, sim.Options{AsOf: golden.AsOf, Strict: true, Waivers: []flow.Waiver{c.waiver}}, q)
			if r.verdict != c.want {
				t.Errorf("verdict is %s, want %s", r.verdict, c.want)
			}
		})
	}
}

// TestCatalogueAge holds the age limits of the service tag file: up to 30
// days it is a fact, beyond and unknown an assumption, and only where the
// answer turns on the file.
func TestCatalogueAge(t *testing.T) {
	undated := func() *golden.Estate {
		return regionalAllow().Undated()
	}
	days := func(n int) sim.Options { return sim.Options{AsOf: golden.Date.AddDate(0, 0, n)} }
	rests := allowedBy("nsg-app", 100, "storage")
	for _, c := range []struct {
		fact   string
		estate *golden.Estate
		opts   sim.Options
		want   want
	}{
		{"7 days", regionalAllow(), days(7), rests},
		{"30 days", regionalAllow(), days(30), rests},
		{"31 days", regionalAllow(), days(31), rests.assuming(flow.CatalogueCurrent)},
		{"today is not known", regionalAllow(), sim.Options{}, rests.assuming(flow.CatalogueCurrent)},
		{"the file's date is not known", undated(), days(7), rests.assuming(flow.CatalogueCurrent)},
		{"the policy file says the date", undated(), sim.Options{AsOf: golden.AsOf, CatalogueDate: golden.Date}, rests},
		{"31 days, the file is not asked", golden.New().SubnetNSG("app"), days(31), allowed()},
		{"31 days, the tags do not decide", golden.New().SubnetNSG("app", allowTo("storage", 100, "Storage.WestEurope")), days(31), allowed()},
	} {
		t.Run(c.fact, func(t *testing.T) { c.want.testOptions(t, c.estate.Build(), c.opts, trace("a1", golden.SWE, 443)) })
	}
}

// TestSettledNumbers holds that no settled case is left out. S12 and half of
// S11 are about the backup analysis.
func TestSettledNumbers(t *testing.T) {
	have := map[string]bool{"S12": true, "S13": true, "S14": true}
	for _, s := range settledTests() {
		have[s.id] = true
	}
	for _, id := range []string{
		"S01", "S02", "S03", "S04", "S05", "S06", "S07", "S08", "S09", "S10", "S11", "S12", "S13",
		"S14", "S15", "S16", "S17", "S18", "S19", "S20", "S21", "S22", "S23", "S24", "S25",
	} {
		if !have[id] {
			t.Errorf("%s has no test", id)
		}
	}
}
