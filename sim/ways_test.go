package sim_test

import (
	"net/netip"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// wayTest is a fact about the way of a packet, with the key of its source.
type wayTest struct {
	fact   string
	estate *golden.Estate
	ask    ask
	want   want
}

func testWays(t *testing.T, list []wayTest) {
	t.Helper()
	for _, x := range list {
		t.Run(x.fact, func(t *testing.T) { x.want.test(t, x.estate, x.ask) })
	}
}

func elementOf(kind, name string) topology.Element {
	return topology.Element{Name: name, ProvisioningState: "Succeeded",
		ResourceID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/" + kind + "/" + name}
}

func missing(kind, name string) topology.Ref { return topology.RefTo(elementOf(kind, name).ResourceID) }

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

// balancerOf is the load balancer that the estate has.
func balancerOf(e *golden.Estate) *topology.LoadBalancer { return e.Build().LoadBalancers[0] }

// inside gives the load balancer of the estate a frontend in a subnet in the
// place of its public one.
func inside(address, subnet string) func(*golden.Estate) {
	return func(e *golden.Estate) {
		f := balancerOf(e).Frontends[0]
		f.PublicIPAddress, f.Subnet, f.PrivateIPAddress = topology.Ref{}, e.SubnetOf(subnet).Ref(), addr(address)
	}
}

// Azure Firewall on the way (spec 8.1).
func TestWaysThroughAFirewall(t *testing.T) {
	all := func() *topology.RuleCollection {
		return golden.NetworkRules("all", 100, topology.Allow, golden.NetworkRule("all", "*", "0-65535"))
	}
	nat := func(change func(*topology.FirewallRule), more ...*topology.RuleCollection) *golden.Estate {
		r := golden.NetworkRule("dnat", "198.51.100.40", "2222")
		r.Translated, r.TranslatedPort = addr("10.0.1.4"), 22
		if change != nil {
			change(r)
		}
		c := &topology.RuleCollection{Element: topology.Element{Name: "nat"}, Kind: topology.NATCollection, Priority: 100, Rules: []*topology.FirewallRule{r}}
		return golden.New().Firewall("app", append([]*topology.RuleCollection{c}, more...)...)
	}
	firewall := func(e *golden.Estate) *topology.AzureFirewall { return e.Build().AzureFirewalls[0] }

	testWays(t, []wayTest{
		{"UDR: a firewall that its own subnet's table sends to itself is a loop",
			golden.New().Firewall("app", all()).Routes("AzureFirewallSubnet", golden.Via("again", "0.0.0.0/0", golden.FirewallIP)),
			trace("a1", golden.NET, 443), denied(flow.RouteLoop)},
		{"FW: it reaches the Internet by its own public IP address", golden.New().Firewall("app", all()), trace("a1", golden.NET, 443), allowed().sourceAddress("198.51.100.40")},
		{"one without a public IP address in the data may have one",
			golden.New().Firewall("app", all()).With(func(e *golden.Estate) { firewall(e).PublicIPs = nil }), trace("a1", golden.NET, 443), undecided(flow.SourcesConflict)},
		{"whether it carries ICMP to the Internet is not documented",
			golden.New().Firewall("app", golden.NetworkRules("ping", 100, topology.Allow, &topology.FirewallRule{Element: topology.Element{Name: "ping"},
				Protocols: []topology.Protocol{topology.ICMP}, Sources: golden.NetworkRule("", "*").Destinations, Destinations: golden.NetworkRule("", "*").Destinations})),
			traceProtocol(topology.ICMP, "a1", golden.NET, 0), undecided(flow.SourcesConflict)},
		{"a firewall that did not succeed is taken to be in effect",
			golden.New().Firewall("app", all()).With(func(e *golden.Estate) { firewall(e).ProvisioningState = "Failed" }), trace("a1", golden.NET, 443), allowed().assuming(flow.NotSucceeded)},
		{"whether it answers itself is not documented", golden.New().Firewall("db", all()), trace("a1", golden.FirewallIP, 443), undecided(flow.FirewallContentUnknown)},
		{"SNAT: a network rule keeps the source of what goes to a private address",
			golden.New().Firewall("app", all()).Routes("app", golden.Via("db", "10.0.2.0/24", golden.FirewallIP)).SubnetNSG("db", golden.Allow("a1", 100, golden.In).From("10.0.1.4"), golden.Deny("no", 200, golden.In)),
			trace("a1", "d1", 443), allowedBy("nsg-db", 100, "a1")},
		{"SNAT: an application rule puts the firewall's own in its place",
			golden.New().Firewall("app", golden.ApplicationRules("web", 300, topology.Allow, golden.ApplicationRule("all", "Https:443", "*"))).Routes("app", golden.Via("db", "10.0.2.0/24", golden.FirewallIP)).
				SubnetNSG("db", golden.Deny("a1", 100, golden.In).From("10.0.1.4")),
			trace("a1", "d1", 443), allowed()},
		{"a policy that is not in the data may do anything",
			golden.New().Firewall("app", all()).With(func(e *golden.Estate) { firewall(e).Policy = missing("firewallPolicies", "gone") }), trace("a1", golden.NET, 443), undecided(flow.DanglingReference)},

		// Whether the source of an inbound flow is translated is not documented:
		// where the NSGs tell it apart it is open.
		{"FW: a DNAT rule lets the Internet in", nat(nil), trace(golden.NET, "198.51.100.40", 2222), allowed().hop(sim.HopFirewall, flow.FirewallRuleAllow, "dnat")},
		{"FW: no other port is", nat(nil), trace(golden.NET, "198.51.100.40", 22), denied(flow.FirewallDefaultDeny)},
		{"FW: a network rule that denies stops a translated flow",
			nat(nil, golden.NetworkRules("n", 200, topology.Deny, golden.NetworkRule("no", "10.0.1.4", "22"))), trace(golden.NET, "198.51.100.40", 2222),
			denied(flow.FirewallRuleDeny).hop(sim.HopFirewall, flow.FirewallRuleDeny, "no")},
		{"FW: threat intelligence in deny mode may list the source",
			nat(nil).With(func(e *golden.Estate) { firewall(e).ThreatIntelMode = "Deny" }), trace(golden.NET, "198.51.100.40", 2222), allowed().assuming(flow.PropertyNotModelled)},
		{"a DNAT rule to a host leads to an unknown address",
			nat(func(r *topology.FirewallRule) { r.Translated, r.TranslatedFQDN = netip.Addr{}, "web.internal" }), trace(golden.NET, "198.51.100.40", 2222), undecided(flow.FirewallContentUnknown)},
		{"a firewall whose subnet is not in the data takes it no further",
			nat(nil).With(func(e *golden.Estate) { firewall(e).Subnet = missing("virtualNetworks/v1/subnets", "gone") }), trace(golden.NET, "198.51.100.40", 2222), undecided(flow.DanglingReference)},
		{"a machine is reached by the DNAT rule that translates to it", nat(nil), trace(golden.NET, "a1", 22), allowed().hop(sim.HopFirewall, flow.FirewallRuleAllow, "dnat")},
		{"on no other port", nat(nil), trace(golden.NET, "a1", 23), denied(flow.NoPublicEntry)},
		{"a DNAT rule to a host may lead to it",
			nat(func(r *topology.FirewallRule) { r.Translated, r.TranslatedFQDN = netip.Addr{}, "web.internal" }), trace(golden.NET, "a1", 22), undecided(flow.FirewallContentUnknown)},
		{"where the list of firewalls was cut one may lead to it", golden.New().Gap(topology.ListCut, "Microsoft.Network/azureFirewalls"), trace(golden.NET, "a1", 22), undecided(flow.ListCutCode)},
	})
}

// Appliances (spec 6.4, verdicts.md 1).
func TestWaysThroughAnAppliance(t *testing.T) {
	route := func() *golden.Estate { return golden.New().Routes("app", golden.Via("over", "0.0.0.0/0", golden.NVA)) }
	expression := func(e *golden.Estate) {
		e.NIC("nva").NotModelled = []topology.Property{{Name: "enableIPForwarding"}}
		e.NIC("nva").EnableIPForwarding = topology.Unset
	}
	// second gives nva another interface, in db.
	second := func(e *golden.Estate) {
		e.VM("leg", "db", "10.0.2.10").Forwarding("leg")
		e.Machine("nva").NetworkInterfaces = append(e.Machine("nva").NetworkInterfaces, e.NIC("leg").Ref())
		e.NIC("leg").VirtualMachine = e.Machine("nva").Ref()
	}
	// balanced sends what goes from app to db through an internal load balancer.
	balanced := func(vm string) *golden.Estate {
		return golden.New().LoadBalancer("lb", "198.51.100.30", 0, 0, vm).With(inside("10.0.0.77", "dmz")).Routes("app", golden.Via("db", "10.0.2.0/24", "10.0.0.77")).
			With(func(e *golden.Estate) { balancerOf(e).Rules[0].Protocol = topology.AnyProtocol })
	}
	testWays(t, []wayTest{
		{"whether an interface forwards may be an expression", route().With(expression), trace("a1", golden.NET, 443), undecided(flow.UnresolvedExpression)},
		{"an appliance with two interfaces may pass the packet on by either",
			route().With(second).SubnetNSG("db", golden.Deny("no", 100, golden.Out)), trace("a1", golden.NET, 443), undecided(flow.NVASourceUnknown)},
		{"by one that does not forward it does not",
			route().With(second).With(func(e *golden.Estate) { e.NoForwarding("leg") }).SubnetNSG("db", golden.Deny("no", 100, golden.Out)), trace("a1", golden.NET, 443),
			allowed().assuming(flow.NVAForwardsAndPermits)},
		{"UDR: behind an internal load balancer an appliance passes the packet on",
			balanced("nva").SubnetNSG("db", golden.Deny("no", 100, golden.In)), trace("a1", "d1", 443), deniedBy("nsg-db", 100, "no").hop(sim.HopVirtualAppliance, flow.LoadBalancerBackend, "")},
		{"UDR: unless the packet is for it", balanced("d1").SubnetNSG("db", golden.Allow("yes", 100, golden.In)), trace("a1", "d1", 443), allowedBy("nsg-db", 100, "yes").hop(sim.HopVirtualAppliance, flow.LoadBalancerBackend, "")},
	})
}

// The ways out to the Internet (spec 7).
func TestWaysOutToTheInternet(t *testing.T) {
	nat := func() *golden.Estate { return golden.New().NATGateway("app", "198.51.100.60") }
	gateway := func(e *golden.Estate) *topology.NATGateway { return e.Build().NATGateways[0] }
	six := func() *golden.Estate {
		return nat().VM("six", "app", "10.0.1.6", "2001:db8::6").With(func(e *golden.Estate) {
			e.VNetOf("v1").AddressSpace = append(e.VNetOf("v1").AddressSpace, netip.MustParsePrefix("2001:db8::/48"))
			e.SubnetOf("app").Prefixes = append(e.SubnetOf("app").Prefixes, netip.MustParsePrefix("2001:db8::/64"))
		})
	}
	lb := func() *golden.Estate { return golden.New().LoadBalancer("lb", "198.51.100.30", 80, 8080, "a1") }
	outbound := func(change func(*topology.OutboundRule)) *golden.Estate {
		return lb().With(func(e *golden.Estate) {
			b := balancerOf(e)
			r := &topology.OutboundRule{Element: topology.Element{Name: "out"}, Frontends: []topology.Ref{b.Frontends[0].Ref()}, BackendPool: b.BackendPools[0].Ref(), Protocol: topology.AnyProtocol}
			b.Rules[0].DisableOutboundSNAT = topology.On
			if change != nil {
				change(r)
			}
			b.OutboundRules = []*topology.OutboundRule{r}
		})
	}
	// secondary is an outbound rule whose backend is not the primary IP
	// configuration of its interface.
	secondary := func() *golden.Estate {
		return golden.New().VM("two", "app", "10.0.1.20", "10.0.1.21").LoadBalancer("lb", "198.51.100.30", 80, 8080, "two").With(func(e *golden.Estate) {
			b, c := balancerOf(e), e.NIC("two").IPConfigurations
			b.OutboundRules = []*topology.OutboundRule{{Element: topology.Element{Name: "out"}, Frontends: []topology.Ref{b.Frontends[0].Ref()}, BackendPool: b.BackendPools[0].Ref(), Protocol: topology.AnyProtocol}}
			b.Rules[0].DisableOutboundSNAT = topology.On
			c[0].Primary, c[1].Primary = topology.Off, topology.On
		})
	}
	basic := func(e *golden.Estate) { balancerOf(e).SKU = "Basic" }
	// leg gives a1 another interface with a public IP address, another a second
	// IP configuration with one.
	leg := func(sku string) *golden.Estate {
		return golden.New().VM("leg", "db", "10.0.2.11").PublicIP("leg", "198.51.100.9", sku).With(func(e *golden.Estate) {
			e.Machine("a1").NetworkInterfaces = append(e.Machine("a1").NetworkInterfaces, e.NIC("leg").Ref())
			e.NIC("leg").VirtualMachine = e.Machine("a1").Ref()
		})
	}
	another := func(sku string) *golden.Estate {
		return golden.New().VM("more", "app", "10.0.1.44").PublicIP("more", "198.51.100.9", sku).With(func(e *golden.Estate) {
			c := e.NIC("more").IPConfigurations[0]
			c.Primary = topology.Off
			e.NIC("a1").IPConfigurations = append(e.NIC("a1").IPConfigurations, c)
			e.NIC("more").IPConfigurations = nil
		})
	}
	testWays(t, []wayTest{
		{"NAT: the way out is the NAT gateway's address", nat(), trace("a1", golden.NET, 443), allowed().sourceAddress("198.51.100.60")},
		{"NAT: it carries UDP", nat(), traceProtocol(topology.UDP, "a1", golden.NET, 443), allowed()},
		{"NAT: it carries no ICMP", nat(), traceProtocol(topology.ICMP, "a1", golden.NET, 0), denied(flow.EgressNoICMP)},
		{"whether it carries IPv6 is not in the data", six(), trace("six", "2600::1", 443), undecided(flow.NoEgress)},
		{"one without an address is perhaps no way out", nat().With(func(e *golden.Estate) { gateway(e).PublicIPs = nil }), trace("a1", golden.NET, 443), undecided(flow.NoEgress)},
		{"NAT: a public prefix beside its address takes nothing away", nat().With(func(e *golden.Estate) { gateway(e).PublicPrefixes = []topology.Ref{missing("publicIPPrefixes", "p")} }), trace("a1", golden.NET, 443), allowed()},
		{"of two addresses which is taken is not known, and does not matter outside", nat().With(func(e *golden.Estate) { gateway(e).Addresses = []netip.Addr{addr("198.51.100.61")} }), trace("a1", golden.NET, 443), allowed()},
		{"it matters where an NSG of the estate tells them apart",
			nat().With(func(e *golden.Estate) { gateway(e).Addresses = []netip.Addr{addr("198.51.100.61")} }).PublicIP("b1", "198.51.100.50", "Standard").
				SubnetNSG("web", golden.Allow("in", 100, golden.In).From("198.51.100.60").Ports("443")), trace("a1", "198.51.100.50", 443), undecided(flow.EgressAddressUnknown)},
		{"one that is not in the data may have no address", golden.New().With(func(e *golden.Estate) { e.SubnetOf("app").NATGateway = missing("natGateways", "gone") }), trace("a1", golden.NET, 443), undecided(flow.DanglingReference)},
		{"it carries no ICMP whatever its addresses", golden.New().With(func(e *golden.Estate) { e.SubnetOf("app").NATGateway = missing("natGateways", "gone") }), traceProtocol(topology.ICMP, "a1", golden.NET, 0), denied(flow.EgressNoICMP)},
		{"which address of a public prefix it takes is not known", nat().With(func(e *golden.Estate) { gateway(e).PublicPrefixes = []topology.Ref{missing("publicIPPrefixes", "p")} }).PublicIP("b1", "198.51.100.50", "Standard").
			SubnetNSG("web", golden.Allow("in", 100, golden.In).From("198.51.100.60").Ports("443")), trace("a1", "198.51.100.50", 443), undecided(flow.EgressAddressUnknown)},
		{"nor that of a public IP address that is not in the data",
			nat().With(func(e *golden.Estate) { gateway(e).PublicIPs = []topology.Ref{missing("publicIPAddresses", "gone")} }).PublicIP("b1", "198.51.100.50", "Standard").
				SubnetNSG("web", golden.Allow("in", 100, golden.In).From("198.51.100.60").Ports("443")), trace("a1", "198.51.100.50", 443), undecided(flow.EgressAddressUnknown)},
		{"a NAT gateway that did not succeed is taken to be in effect", nat().With(func(e *golden.Estate) { gateway(e).ProvisioningState = "Failed" }), trace("a1", golden.NET, 443), allowed().assuming(flow.NotSucceeded)},

		{"PIP: an instance's own address is the way out", golden.New().PublicIP("a1", "198.51.100.9", "Standard"), trace("a1", golden.NET, 443), allowed().sourceAddress("198.51.100.9")},
		{"PIP: it carries ICMP", golden.New().PublicIP("a1", "198.51.100.9", "Standard"), traceProtocol(topology.ICMP, "a1", golden.NET, 0), allowed()},
		{"a public IP address that is not in the data is a way out", golden.New().PrivateSubnet("app").With(func(e *golden.Estate) {
			e.NIC("a1").IPConfigurations[0].PublicIPAddress = missing("publicIPAddresses", "gone")
		}), trace("a1", golden.NET, 443), allowed()},
		{"an expression may be one", golden.New().PrivateSubnet("app").With(func(e *golden.Estate) { e.NIC("a1").IPConfigurations[0].PublicIPUnknown = true }), trace("a1", golden.NET, 443), undecided(flow.UnresolvedExpression)},
		{"one that did not succeed is taken to be in effect", golden.New().PublicIP("a1", "198.51.100.9", "Standard").With(func(e *golden.Estate) { e.Build().PublicIPAddresses[0].ProvisioningState = "Failed" }), trace("a1", golden.NET, 443), allowed().assuming(flow.NotSucceeded)},

		{"LBO: an outbound rule is a way out", outbound(nil).PrivateSubnet("app"), trace("a1", golden.NET, 443), allowed().sourceAddress("198.51.100.30")},
		{"LBO: for the protocols it is for", outbound(func(r *topology.OutboundRule) { r.Protocol = topology.UDP }), trace("a1", golden.NET, 443), denied(flow.NoEgress)},
		{"LBO: not for ICMP", outbound(nil), traceProtocol(topology.ICMP, "a1", golden.NET, 0), denied(flow.NoEgress)},
		{"LBO: for its own pool", outbound(func(r *topology.OutboundRule) {
			r.BackendPool = missing("loadBalancers/lb/backendAddressPools", "other")
		}), trace("a1", golden.NET, 443), denied(flow.NoEgress)},
		{"LBO: for the primary IP configuration", secondary(), trace("10.0.1.20", golden.NET, 443), denied(flow.NoEgress)},
		{"LBO: a balancing rule is one too", lb(), trace("a1", golden.NET, 443), allowed().sourceAddress("198.51.100.30")},
		{"LBO: unless it says not", lb().With(func(e *golden.Estate) { balancerOf(e).Rules[0].DisableOutboundSNAT = topology.On }), trace("a1", golden.NET, 443), denied(flow.NoEgress)},
		{"whether it is for other protocols than its own is not documented", lb(), traceProtocol(topology.UDP, "a1", golden.NET, 443), undecided(flow.SourcesConflict)},
		{"nor from a private subnet", lb().PrivateSubnet("app"), trace("a1", golden.NET, 443), undecided(flow.SourcesConflict)},
		{"behind a Standard load balancer in the network alone there is no default way out", lb().With(inside("10.0.2.77", "db")), trace("a1", golden.NET, 443), denied(flow.NoEgress)},
		{"behind a Basic one there is", lb().With(inside("10.0.2.77", "db")).With(basic), trace("a1", golden.NET, 443), allowed()},
		{"a load balancer that is not in the data may be a way out or take it away",
			golden.New().With(func(e *golden.Estate) {
				e.NIC("a1").IPConfigurations[0].BackendPools = []topology.Ref{topology.RefTo(elementOf("loadBalancers", "gone").ResourceID + "/backendAddressPools/p")}
			}), trace("a1", golden.NET, 443), undecided(flow.DanglingReference)},
		{"a load balancer that did not succeed is taken to be in effect", lb().With(func(e *golden.Estate) { balancerOf(e).ProvisioningState = "Failed" }), trace("a1", golden.NET, 443), allowed().assuming(flow.NotSucceeded)},
		{"an address of a frontend may be given directly", lb().With(func(e *golden.Estate) {
			f := balancerOf(e).Frontends[0]
			f.PublicIPAddress, f.PublicAddress = topology.Ref{}, addr("198.51.100.31")
		}), trace("a1", golden.NET, 443), allowed().sourceAddress("198.51.100.31")},
		{"where that of a frontend is not in the data it is some address", lb().With(func(e *golden.Estate) {
			balancerOf(e).Frontends[0].PublicIPAddress = missing("publicIPAddresses", "gone")
		}), trace("a1", golden.NET, 443), allowed()},

		{"DOA: without anything explicit there is a default way out", golden.New(), trace("a1", golden.NET, 443), allowed()},
		{"DOA: it carries no ICMP", golden.New(), traceProtocol(topology.ICMP, "a1", golden.NET, 0), denied(flow.EgressNoICMP)},
		{"DOA: from a private subnet there is none", golden.New().PrivateSubnet("app"), trace("a1", golden.NET, 443), denied(flow.NoEgress)},
		{"DOA: an interface that says it has it, has it", golden.New().PrivateSubnet("app").With(func(e *golden.Estate) { e.NIC("a1").DefaultOutbound = topology.On }), trace("a1", golden.NET, 443), allowed()},
		{"DOA: an instance of a flexible scale set has none", golden.New().With(func(e *golden.Estate) { e.Machine("a1").Flexible = true }), trace("a1", golden.NET, 443), denied(flow.NoEgress)},
		{"DOA: a Standard address at another interface takes it away",
			golden.New().VM("leg", "db", "10.0.2.11").PublicIP("leg", "198.51.100.9", "Standard").With(func(e *golden.Estate) {
				e.Machine("a1").NetworkInterfaces = append(e.Machine("a1").NetworkInterfaces, e.NIC("leg").Ref())
				e.NIC("leg").VirtualMachine = e.Machine("a1").Ref()
			}), trace("10.0.1.4", golden.NET, 443), denied(flow.NoEgress)},
		{"DOA: a Basic one does not", leg("Basic"), trace("10.0.1.4", golden.NET, 443), allowed()},
		{"one whose SKU is not said may", leg(""), trace("10.0.1.4", golden.NET, 443), undecided(flow.NoEgress)},
		{"another IP configuration may have a Standard address", another("Standard"), trace("10.0.1.4", golden.NET, 443), undecided(flow.NoEgress)},
		{"DOA: or a Basic one", another("Basic"), trace("10.0.1.4", golden.NET, 443), allowed()},
		{"or one that is not in the data", another("Basic").With(func(e *golden.Estate) {
			e.NIC("a1").IPConfigurations[1].PublicIPAddress = missing("publicIPAddresses", "gone")
		}), trace("10.0.1.4", golden.NET, 443), undecided(flow.NoEgress)},
		{"another interface that is not in the data may have one",
			golden.New().With(func(e *golden.Estate) {
				e.Machine("a1").NetworkInterfaces = append(e.Machine("a1").NetworkInterfaces, missing("networkInterfaces", "gone"))
			}), trace("a1", golden.NET, 443), undecided(flow.DanglingReference)},
		{"a machine that is not in the data is assumed to have a way out",
			golden.New().With(func(e *golden.Estate) {
				e.NIC("a1").VirtualMachine, e.Machine("a1").NetworkInterfaces, e.Machine("a1").PrimaryInterface = topology.RefTo("/x/virtualMachines/gone"), nil, topology.Ref{}
			}), trace("a1-nic", golden.NET, 443), allowed().assuming(flow.DefaultOutboundAccess)},
		{"a design's subnet that does not say is assumed to have one", golden.New().With(func(e *golden.Estate) { e.SubnetOf("app").Design = true }), trace("a1", golden.NET, 443), allowed().assuming(flow.DefaultOutboundAccess)},
	})
}

// The ways in from the Internet (PIP, LBO, verdicts.md 19).
func TestWaysInFromTheInternet(t *testing.T) {
	open := golden.Allow("in", 100, golden.In).From("Internet")
	lb := func() *golden.Estate {
		return golden.New().LoadBalancer("lb", "198.51.100.30", 80, 8080, "a1").SubnetNSG("app", open)
	}
	natRule := func(change func(*golden.Estate, *topology.InboundNATRule)) *golden.Estate {
		return lb().With(func(e *golden.Estate) {
			b := balancerOf(e)
			r := &topology.InboundNATRule{Element: topology.Element{Name: "ssh", ResourceID: b.ResourceID + "/inboundNatRules/ssh"}, Frontend: b.Frontends[0].Ref(), Protocol: topology.TCP, FrontendPort: 5000, BackendPort: 22,
				BackendIPConfiguration: e.NIC("a1").IPConfigurations[0].Ref()}
			if change != nil {
				change(e, r)
			}
			b.NATRules = []*topology.InboundNATRule{r}
		})
	}
	anyPort := func(e *golden.Estate) {
		r := balancerOf(e).Rules[0]
		r.Protocol, r.FrontendPort, r.BackendPort = topology.AnyProtocol, 0, 0
	}
	poolless := func(e *golden.Estate) {
		e.NIC("a1").IPConfigurations[0].BackendPools, balancerOf(e).BackendPools[0].IPConfigurations = nil, nil
	}
	byAddress := func(list ...string) func(*golden.Estate) {
		return func(e *golden.Estate) {
			poolless(e)
			for _, a := range list {
				balancerOf(e).BackendPools[0].Addresses = append(balancerOf(e).BackendPools[0].Addresses, addr(a))
			}
		}
	}
	natPool := func(e *golden.Estate) {
		balancerOf(e).NotModelled = []topology.Property{{Name: "properties.inboundNatPools"}}
	}
	pip := func(change func(*golden.Estate, *topology.PublicIPAddress)) *golden.Estate {
		return golden.New().PublicIP("a1", "198.51.100.9", "Standard").With(func(e *golden.Estate) { change(e, e.Build().PublicIPAddresses[0]) })
	}
	testWays(t, []wayTest{
		{"PIP: an address of an interface leads to it", golden.New().PublicIP("a1", "198.51.100.9", "Standard").SubnetNSG("app", open), trace(golden.NET, "198.51.100.9", 443), allowedBy("nsg-app", 100, "in")},
		{"PIP: without an NSG a Standard one is closed", golden.New().PublicIP("a1", "198.51.100.9", "Standard"), trace(golden.NET, "a1", 443), denied(flow.StandardIPClosed)},
		{"PIP: a Basic one is open", golden.New().PublicIP("a1", "198.51.100.9", "Basic"), trace(golden.NET, "a1", 443), allowed()},
		{"one whose SKU is not said may be closed", golden.New().PublicIP("a1", "198.51.100.9", ""), trace(golden.NET, "a1", 443), undecided(flow.StandardIPClosed)},
		{"one that is not in the data is one of which that is not known", golden.New().With(func(e *golden.Estate) {
			e.NIC("a1").IPConfigurations[0].PublicIPAddress = missing("publicIPAddresses", "gone")
		}), trace(golden.NET, "a1", 443), undecided(flow.StandardIPClosed)},
		{"an expression may be one", golden.New().With(func(e *golden.Estate) { e.NIC("a1").IPConfigurations[0].PublicIPUnknown = true }), trace(golden.NET, "a1", 443), undecided(flow.UnresolvedExpression)},
		{"whether an admin rule with AlwaysAllow opens it is not documented",
			golden.New().PublicIP("a1", "198.51.100.9", "Standard").Admin("v1", golden.AlwaysAllow("open", 1, golden.In)), trace(golden.NET, "a1", 443), undecided(flow.SourcesConflict)},
		{"with an NSG behind it it does", golden.New().PublicIP("a1", "198.51.100.9", "Standard").SubnetNSG("app").Admin("v1", golden.AlwaysAllow("open", 1, golden.In)), trace(golden.NET, "a1", 443), allowed().code(flow.AdminRuleAlwaysAllow)},
		{"an address that did not succeed is taken to be in effect", pip(func(_ *golden.Estate, p *topology.PublicIPAddress) { p.ProvisioningState = "Failed" }).SubnetNSG("app", open), trace(golden.NET, "198.51.100.9", 443), allowed().assuming(flow.NotSucceeded)},
		{"an address that is attached to nothing takes nothing in", pip(func(e *golden.Estate, p *topology.PublicIPAddress) {
			p.IPConfiguration, e.NIC("a1").IPConfigurations[0].PublicIPAddress = topology.Ref{}, topology.Ref{}
		}), trace(golden.NET, "198.51.100.9", 443), denied(flow.NoPublicEntry)},
		{"nor does that of a NAT gateway", golden.New().NATGateway("app", "198.51.100.60"), trace(golden.NET, "198.51.100.60", 443), denied(flow.NoPublicEntry)},
		{"NAT: whichever of the two says so", golden.New().NATGateway("app", "198.51.100.60").With(func(e *golden.Estate) { e.Build().PublicIPAddresses[0].NATGateway = topology.Ref{} }), trace(golden.NET, "198.51.100.60", 443), denied(flow.NoPublicEntry)},
		{"what an address is attached to may not be in the data", pip(func(e *golden.Estate, p *topology.PublicIPAddress) {
			p.IPConfiguration, e.NIC("a1").IPConfigurations[0].PublicIPAddress = missing("networkInterfaces/gone/ipConfigurations", "c"), topology.Ref{}
		}), trace(golden.NET, "198.51.100.9", 443), undecided(flow.DanglingReference)},

		{"NSG: a load balancer keeps the client's address and sends to the backend's port", lb(), trace(golden.NET, "198.51.100.30", 80), allowedBy("nsg-app", 100, "in").hop(sim.HopEntry, flow.LoadBalancerBackend, "")},
		{"no rule takes another port", lb(), trace(golden.NET, "198.51.100.30", 81), denied(flow.LoadBalancerNoRule)},
		{"nor another protocol", lb(), traceProtocol(topology.UDP, golden.NET, "198.51.100.30", 80), denied(flow.LoadBalancerNoRule)},
		{"a rule for all ports takes it", lb().With(anyPort), traceProtocol(topology.UDP, golden.NET, "198.51.100.30", 81), allowed()},
		{"whether it takes other protocols is not documented", lb().With(anyPort), traceProtocol(topology.ICMP, golden.NET, "198.51.100.30", 0), undecided(flow.LoadBalancerNoRule)},
		{"a rule whose backends are not in the data", lb().With(func(e *golden.Estate) {
			e.NIC("a1").IPConfigurations[0].BackendPools, balancerOf(e).BackendPools[0].IPConfigurations = nil, nil
		}), trace(golden.NET, "198.51.100.30", 80), undecided(flow.DanglingReference)},
		{"a rule one of whose backends is not", lb().With(func(e *golden.Estate) {
			b := balancerOf(e).BackendPools[0]
			b.IPConfigurations = append(b.IPConfigurations, missing("networkInterfaces/gone/ipConfigurations", "c"))
		}), trace(golden.NET, "198.51.100.30", 80), undecided(flow.DanglingReference)},
		{"a load balancer that did not succeed is taken to be in effect", lb().With(func(e *golden.Estate) { balancerOf(e).ProvisioningState = "Failed" }), trace(golden.NET, "198.51.100.30", 80), allowed().assuming(flow.NotSucceeded)},
		{"so is the address of its frontend", lb().With(func(e *golden.Estate) { e.Build().PublicIPAddresses[0].ProvisioningState = "Failed" }), trace(golden.NET, "198.51.100.30", 80), allowed().assuming(flow.NotSucceeded)},
		{"one whose SKU is not said is Basic: open without an NSG", golden.New().LoadBalancer("lb", "198.51.100.30", 80, 8080, "a1").With(func(e *golden.Estate) { balancerOf(e).SKU = "" }), trace(golden.NET, "198.51.100.30", 80), allowed()},
		{"to the machine behind it too", golden.New().LoadBalancer("lb", "198.51.100.30", 80, 8080, "a1").With(func(e *golden.Estate) { balancerOf(e).SKU = "" }), trace(golden.NET, "a1", 8080), allowed()},
		{"a Standard one is closed without an NSG", golden.New().LoadBalancer("lb", "198.51.100.30", 80, 8080, "a1"), trace(golden.NET, "198.51.100.30", 80), denied(flow.StandardIPClosed)},

		{"a NAT rule leads to its one backend", natRule(nil), trace(golden.NET, "198.51.100.30", 5000), allowed().hop(sim.HopEntry, flow.LoadBalancerBackend, "")},
		{"which may name the rule itself", natRule(func(e *golden.Estate, r *topology.InboundNATRule) {
			e.NIC("a1").IPConfigurations[0].InboundNATRules, r.BackendIPConfiguration = []topology.Ref{r.Ref()}, topology.Ref{}
		}), trace(golden.NET, "198.51.100.30", 5000), allowed()},
		{"a NAT rule is of its protocol", natRule(nil), traceProtocol(topology.UDP, golden.NET, "198.51.100.30", 5000), denied(flow.LoadBalancerNoRule)},
		{"a NAT rule whose backend is not in the data", natRule(func(_ *golden.Estate, r *topology.InboundNATRule) {
			r.BackendIPConfiguration = missing("networkInterfaces/gone/ipConfigurations", "c")
		}), trace(golden.NET, "198.51.100.30", 5000), undecided(flow.DanglingReference)},
		{"a machine is reached at the backend port of a NAT rule", natRule(nil), trace(golden.NET, "a1", 22), allowed()},
		{"and of a balancing rule", lb(), trace(golden.NET, "a1", 8080), allowed()},
		{"for the protocol of that", lb(), traceProtocol(topology.UDP, golden.NET, "a1", 8080), denied(flow.NoPublicEntry)},
		{"and of the NAT rule", natRule(nil), traceProtocol(topology.UDP, golden.NET, "a1", 22), denied(flow.NoPublicEntry)},
		{"a rule for all ports and protocols leads to every port of it", lb().With(anyPort), traceProtocol(topology.UDP, golden.NET, "a1", 9999), allowed()},
		{"its interface may name the NAT rule itself", natRule(func(e *golden.Estate, r *topology.InboundNATRule) {
			e.NIC("a1").IPConfigurations[0].InboundNATRules, r.BackendIPConfiguration = []topology.Ref{r.Ref()}, topology.Ref{}
		}), trace(golden.NET, "a1", 22), allowed()},
		{"one that it names and that is not in the data is not that one", natRule(func(e *golden.Estate, r *topology.InboundNATRule) {
			e.NIC("a1").IPConfigurations[0].InboundNATRules, r.BackendIPConfiguration = []topology.Ref{missing("loadBalancers/lb/inboundNatRules", "other")}, topology.Ref{}
		}), trace(golden.NET, "a1", 22), undecided(flow.DanglingReference)},
		{"and at no other", natRule(nil), trace(golden.NET, "a1", 5000), denied(flow.NoPublicEntry)},
		{"of a NAT rule beside no pool too", natRule(func(e *golden.Estate, _ *topology.InboundNATRule) { poolless(e) }), trace(golden.NET, "a1", 22), allowed()},
		{"a pool may name the address of its backend", lb().With(byAddress("10.0.1.4")), trace(golden.NET, "198.51.100.30", 80), allowed()},
		{"which is reached at the backend port", lb().With(byAddress("10.0.1.4")), trace(golden.NET, "a1", 8080), allowed()},
		{"and at no other", lb().With(byAddress("10.0.1.4")), trace(golden.NET, "a1", 80), denied(flow.NoPublicEntry)},
		{"an address that nobody owns may be a backend", lb().With(byAddress("10.0.1.4", "10.0.1.99")), trace(golden.NET, "198.51.100.30", 80), undecided(flow.DanglingReference)},
		{"of an address with two owners it is not known which is meant", lb().VM("twin", "far", "10.0.1.4").With(byAddress("10.0.1.4")), trace(golden.NET, "a1", 8080), undecided(flow.DanglingReference)},
		{"LBO: a pool of addresses leaves default outbound access", lb().With(byAddress("10.0.1.4")), trace("a1", golden.NET, 443), allowed()},
		{"of a NAT rule for a range of ports it is not known which leads to the machine", natRule(func(_ *golden.Estate, r *topology.InboundNATRule) {
			r.FrontendPort, r.BackendIPConfiguration = 0, topology.Ref{}
		}),
			trace(golden.NET, "198.51.100.30", 5003), undecided(flow.LoadBalancerBackend)},
		{"nor whether it is reached by it", natRule(func(_ *golden.Estate, r *topology.InboundNATRule) {
			r.FrontendPort, r.BackendIPConfiguration = 0, topology.Ref{}
		}),
			trace(golden.NET, "a1", 22), undecided(flow.LoadBalancerBackend)},
		{"nor of an inbound NAT pool", lb().With(natPool), trace(golden.NET, "198.51.100.30", 5003), undecided(flow.LoadBalancerBackend)},
		{"nor whether a backend is reached by that", lb().With(natPool), trace(golden.NET, "a1", 22), undecided(flow.LoadBalancerBackend)},
		{"a range carries no ICMP", natRule(func(_ *golden.Estate, r *topology.InboundNATRule) {
			r.FrontendPort, r.BackendIPConfiguration = 0, topology.Ref{}
		}), traceProtocol(topology.ICMP, golden.NET, "198.51.100.30", 0), denied(flow.LoadBalancerNoRule)},
		{"what a frontend is besides is assumed not to matter", lb().With(func(e *golden.Estate) {
			balancerOf(e).Frontends[0].NotModelled = []topology.Property{{Name: "gatewayLoadBalancer"}}
		}), trace(golden.NET, "198.51.100.30", 80), allowed().assuming(flow.PropertyNotModelled)},
		{"the load balancer of a pool may not be in the data",
			golden.New().SubnetNSG("app", open).With(func(e *golden.Estate) {
				e.NIC("a1").IPConfigurations[0].BackendPools = []topology.Ref{topology.RefTo(elementOf("loadBalancers", "gone").ResourceID + "/backendAddressPools/p")}
			}), trace(golden.NET, "a1", 443), undecided(flow.DanglingReference)},
		{"nor that of a NAT rule",
			golden.New().SubnetNSG("app", open).With(func(e *golden.Estate) {
				e.NIC("a1").IPConfigurations[0].InboundNATRules = []topology.Ref{topology.RefTo(elementOf("loadBalancers", "gone").ResourceID + "/inboundNatRules/r")}
			}), trace(golden.NET, "a1", 443), undecided(flow.DanglingReference)},
		{"where the list of load balancers was cut one may lead to it", golden.New().SubnetNSG("app", open).Gap(topology.ListCut, "Microsoft.Network/loadBalancers"), trace(golden.NET, "a1", 443), undecided(flow.ListCutCode)},
		{"UDR: an internal load balancer hands the packet to its backend", golden.New().LoadBalancer("lb", "198.51.100.30", 80, 8080, "a1").With(inside("10.0.2.77", "db")), trace("b1", "10.0.2.77", 80), allowed()},
	})
}

// Private endpoints (spec 6.8).
func TestWaysToAPrivateEndpoint(t *testing.T) {
	pe := func() *golden.Estate {
		return golden.New().PrivateEndpoint("pe1", "db", golden.PE, "x.blob.core.windows.net")
	}
	endpoint := func(e *golden.Estate) *topology.PrivateEndpoint { return e.Build().PrivateEndpoints[0] }
	closed := func(policy topology.NetworkPolicy) *golden.Estate {
		return pe().SubnetNSG("db", golden.Deny("no", 100, golden.In)).PrivateEndpointPolicies("db", policy)
	}
	testWays(t, []wayTest{
		{"PE: an approved one takes the packet", pe(), trace("a1", golden.PE, 443), allowed().hop(sim.HopPrivateEndpoint, flow.ReachedPrivateEndpoint, "")},
		{"PE: only one that is approved does", pe().With(func(e *golden.Estate) { endpoint(e).ConnectionState = "Pending" }), trace("a1", golden.PE, 443), denied(flow.PrivateEndpointNotApproved)},
		{"one whose state is not said may not be", pe().With(func(e *golden.Estate) { endpoint(e).ConnectionState = "" }), trace("a1", golden.PE, 443), undecided(flow.PrivateEndpointNotApproved)},
		{"PENP: the NSG of its subnet is ignored", closed(topology.PolicyDisabled), trace("a1", golden.PE, 443), allowed()},
		{"PENP: where the policy is for route tables alone too", closed(topology.PolicyRouteTableEnabled), trace("a1", golden.PE, 443), allowed()},
		{"PENP: with the policy it counts", closed(topology.PolicyNSGEnabled), trace("a1", golden.PE, 443), deniedBy("nsg-db", 100, "no")},
		{"PENP: with both policies as well", closed(topology.PolicyEnabled), trace("a1", golden.PE, 443), deniedBy("nsg-db", 100, "no")},
		{"an NSG that says it is at the subnet, which does not, may be", pe().NSG("n", golden.Deny("no", 100, golden.In)).PrivateEndpointPolicies("db", topology.PolicyEnabled).
			With(func(e *golden.Estate) { e.NSGOf("n").Subnets = []topology.Ref{e.SubnetOf("db").Ref()} }), trace("a1", golden.PE, 443), undecided(flow.AssociationConflict)},
		{"AVNM: security admin rules do not apply to it", pe().Admin("v1", golden.Deny("no", 1, golden.In)), trace("b1", golden.PE, 443), allowed()},
		{"one that did not succeed is taken to be in effect", pe().With(func(e *golden.Estate) { endpoint(e).ProvisioningState = "Failed" }), trace("a1", golden.PE, 443), allowed().assuming(flow.NotSucceeded)},
		{"whatever route leads to it, its state counts", pe().Routes("app", golden.Hop("x", "10.0.2.50/32", topology.NextHopVnetLocal)).With(func(e *golden.Estate) { endpoint(e).ConnectionState = "Rejected" }), trace("a1", golden.PE, 443), denied(flow.PrivateEndpointNotApproved)},
		{"where the list of private endpoints was cut an address that nobody owns may be one's", golden.New().Gap(topology.ListCut, "Microsoft.Network/privateEndpoints"), trace("a1", golden.PE, 443), undecided(flow.ListCutCode)},
		{"one that somebody owns is not", golden.New().Gap(topology.ListCut, "Microsoft.Network/privateEndpoints"), trace("a1", "d1", 443), allowed()},
	})
}

// Routes that lead where the data does not follow.
func TestWaysThatTheDataDoesNotFollow(t *testing.T) {
	hop := func(destination string, next topology.NextHopType) *golden.Estate {
		return golden.New().Routes("app", golden.Hop("x", destination, next))
	}
	// exported gives a1 an effective route table of one row.
	exported := func(next topology.NextHopType, prefix string) ask {
		return func(*sim.Simulator) (reply, error) {
			n := golden.New().Build()
			nic := n.NetworkInterfaces[2]
			n.EffectiveRouteTables = []*topology.EffectiveRouteTable{{NetworkInterface: nic.Ref(), Routes: []topology.EffectiveRoute{
				{Source: "Default", State: "Active", NextHop: next, Prefixes: []netip.Prefix{netip.MustParsePrefix(prefix)}}}}}
			s, err := sim.New(n, sim.Options{AsOf: golden.AsOf})
			if err != nil {
				return reply{}, err
			}
			return trace("a1", "10.77.0.4", 443)(s)
		}
	}
	cut := func() *golden.Estate {
		return golden.New().Gap(topology.ListCut, "Microsoft.Network/networkInterfaces")
	}
	testWays(t, []wayTest{
		{"UDR: a private address is not reachable over the Internet", hop("10.77.0.0/16", topology.NextHopInternet), trace("a1", "10.77.0.4", 443), denied(flow.RouteNone)},
		{"whether VnetLocal leads over a peering is not documented", hop("10.1.1.0/24", topology.NextHopVnetLocal), trace("a1", "b1", 443), undecided(flow.SourcesConflict)},
		{"VnetLocal to an address that no network holds", hop("10.77.0.0/16", topology.NextHopVnetLocal), trace("a1", "10.77.0.4", 443), denied(flow.NoSubnetAtDestination)},
		{"an exported route to a private endpoint that is not in the data", golden.New(), exported(topology.NextHopPrivateEndpoint, "10.77.0.4/32"), undecided(flow.DanglingReference)},
		{"one over a peering that is not", golden.New(), exported(topology.NextHopVNetPeering, "10.77.0.0/16"), undecided(flow.DanglingReference)},
		{"one with a next hop that is not modelled", golden.New(), exported("HyperNetGateway", "10.77.0.0/16"), undecided(flow.SourcesConflict)},
		{"an address that no row of it holds", golden.New(), exported(topology.NextHopVnetLocal, "10.0.0.0/16"), denied(flow.RouteNone)},
		{"an address of the network in no subnet is nobody's", golden.New(), trace("a1", "10.0.99.4", 443), denied(flow.NoSubnetAtDestination)},
		{"where the prefix of a subnet is an expression it may be in that", golden.New().With(func(e *golden.Estate) { e.SubnetOf("db").AddressPrefixUnknown = true }), trace("a1", "10.0.99.4", 443), undecided(flow.NoSubnetAtDestination)},
		{"or where the network is exported without its subnets", golden.New().VNet("v9", "10.9.0.0/16").Peer("v1", "v9"), trace("a1", "10.9.0.4", 443), undecided(flow.NoSubnetAtDestination)},
		{"an address of a subnet that no interface owns", golden.New(), trace("a1", "10.0.2.99", 443), allowed().assuming(flow.NoNICAtDestination)},
		{"where the list of interfaces was cut it may be one's", cut(), trace("a1", "10.0.2.99", 443), undecided(flow.ListCutCode)},
		{"where that of load balancers was it may be one's", golden.New().Gap(topology.ListCut, "Microsoft.Network/loadBalancers"), trace("a1", "10.0.2.99", 443), undecided(flow.ListCutCode)},
		{"or that of a private endpoint which its subnet lists", golden.New().With(func(e *golden.Estate) {
			e.SubnetOf("db").PrivateEndpointRefs = []topology.Ref{missing("privateEndpoints", "gone")}
		}), trace("a1", "10.0.2.99", 443), undecided(flow.DanglingReference)},
		{"an address that two interfaces own may be either's", golden.New().VM("twin", "db", "10.0.2.9").VM("again", "db", "10.0.2.9").NICNSG("twin", golden.Deny("no", 100, golden.In)), trace("a1", "twin", 443), undecided(flow.AddressOwnedTwice)},
		{"a source whose subnet is not in the data goes by unknown routes", golden.New().With(func(e *golden.Estate) {
			e.NIC("a1").IPConfigurations[0].Subnet = missing("virtualNetworks/gone/subnets", "s")
		}), trace("a1", golden.NET, 443), undecided(flow.DanglingReference)},
		{"an address of a tag goes nowhere in a network", golden.New().NoServiceTags().Routes("app", golden.Hop("x", "0.0.0.0/0", topology.NextHopVnetLocal)), trace("a1", "Storage", 443), undecided(flow.UnknownTag)},
		{"an unknown tag may hold a public address of the estate", golden.New().NoServiceTags().PublicIP("b1", "198.51.100.9", "Standard"), trace("a1", "AzureCloud", 443), undecided(flow.UnknownTag)},
		{"a private source that nothing holds may lie behind a gateway whose routes are not in the data", learnedUnknown(), trace("192.168.9.9", "a1", 443), undecided(flow.LearnedRoutesMissing)},
	})
}

// The guest's own firewall, where it is given.
func TestTheGuestsFirewallOfADestination(t *testing.T) {
	guest := func(change func(*topology.HostFirewall)) *golden.Estate {
		return golden.New().GuestFirewall("d1", golden.Opening{Name: "sql", Port: "1433", From: "10.0.1.4"}).With(func(e *golden.Estate) {
			if change != nil {
				change(e.Machine("d1").HostFirewall)
			}
		})
	}
	testWays(t, []wayTest{
		{"it opens a port to those it names", guest(nil), trace("a1", "d1", 1433), allowed().hop(sim.HopHostFirewall, flow.HostFirewallAllow, "sql")},
		{"to no others", guest(nil), trace("a2", "d1", 1433), denied(flow.HostFirewallDeny)},
		{"no other port", guest(nil), trace("a1", "d1", 1434), denied(flow.HostFirewallDeny)},
		{"for its protocol alone", guest(nil), traceProtocol(topology.UDP, "a1", "d1", 1433), denied(flow.HostFirewallDeny)},
		{"a rule for every protocol that names ports is assumed not to open ICMP",
			guest(func(f *topology.HostFirewall) { f.Inbound[0].Protocol = topology.AnyProtocol }), traceProtocol(topology.ICMP, "a1", "d1", 0), denied(flow.HostFirewallDeny).assuming(flow.ICMPNeedsAllPorts)},
		{"one for all ports does", guest(func(f *topology.HostFirewall) {
			f.Inbound[0].Protocol, f.Inbound[0].LocalPorts = topology.AnyProtocol, []topology.PortRange{topology.AllPorts}
		}), traceProtocol(topology.ICMP, "a1", "d1", 0), allowed()},
		{"one that names no ports is for all", guest(func(f *topology.HostFirewall) { f.Inbound[0].LocalPorts = nil }), trace("a1", "d1", 9), allowed()},
		{"one that names no one is for all", guest(func(f *topology.HostFirewall) { f.Inbound[0].Remote = nil }), trace("a2", "d1", 1433), allowed()},
		{"a default that is not given is assumed to be open", guest(func(f *topology.HostFirewall) { f.InboundDefault = topology.NoAccess }), trace("a1", "d1", 9), allowed().assuming(flow.HostFirewallOpen)},
		{"a default that lets in does", guest(func(f *topology.HostFirewall) { f.InboundDefault = topology.Allow }), trace("a1", "d1", 9), allowed()},
		{"a rule that denies does", guest(func(f *topology.HostFirewall) { f.InboundDefault, f.Inbound[0].Access = topology.Allow, topology.Deny }), trace("a1", "d1", 1433), denied(flow.HostFirewallDeny)},
	})
}

// Security admin rules where they are not known (spec 5).
func TestAdminRulesThatAreNotKnown(t *testing.T) {
	managed := func(e *golden.Estate) { e.SubnetOf("app").Delegations = []string{"Microsoft.Sql/managedInstances"} }
	testWays(t, []wayTest{
		{"where their list was cut others may deny", golden.New().Gap(topology.ListCut, "Microsoft.Network/networkManagers/securityAdminConfigurations"), trace("a1", "b1", 443), undecided(flow.ListCutCode, flow.NoNSG)},
		{"AVNM: a network with SQL managed instances is skipped, unless its manager says otherwise",
			golden.New().With(managed).Admin("v1", golden.Deny("no", 1, golden.Out)), trace("a1", "b1", 443), allowed()},
	})
}
