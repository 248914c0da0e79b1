package sim_test

import (
	"net/netip"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

func simulate(t *testing.T, e *golden.Estate) *sim.Simulator {
	t.Helper()
	s, err := sim.New(e.Build(), sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func tcp(from, to string, port uint16) flow.Tuple {
	return flow.Tuple{Protocol: topology.TCP, Source: flow.At(netip.MustParseAddr(from)), SourcePort: 50000,
		Destination: flow.At(netip.MustParseAddr(to)), DestinationPort: port}
}

// Whether the source of forwarded traffic is inside a network that is not in
// the data is not known: a rule that names VirtualNetwork may or may not match.
func TestTheGatesOfAForwarderWithoutItsSubnetAreOpen(t *testing.T) {
	e := golden.Empty().VNet("v1", "10.0.0.0/16").Subnet("v1", "dmz", "10.0.0.0/24").VM("nva", "dmz", golden.NVA).
		NICNSG("nva", golden.Deny("isolate", 100, golden.Out).From("VirtualNetwork").Ports("443"), golden.Allow("out", 200, golden.Out))
	nic := e.NIC("nva")
	nic.IPConfigurations[0].Subnet = topology.RefTo("/subscriptions/x/resourceGroups/x/providers/Microsoft.Network/virtualNetworks/gone/subnets/gone")
	s := simulate(t, e)
	at := topology.Owner{Interface: nic, Configuration: nic.IPConfigurations[0]}
	for _, from := range []string{"10.7.0.9", golden.NET} {
		if a := s.Gates(at, topology.Outbound, tcp(from, golden.SWE, 443)); a.Verdict != flow.Unknown || a.Strict != flow.Unknown {
			t.Errorf("forwarded from %s: %s, strict %s; want Unknown", from, a.Verdict, a.Strict)
		}
		if a := s.Gates(at, topology.Inbound, tcp(golden.SWE, from, 443)); a.Verdict != flow.Unknown || a.Strict != flow.Unknown {
			t.Errorf("forwarded to %s: %s, strict %s; want Unknown", from, a.Verdict, a.Strict)
		}
	}
	if a := s.Gates(at, topology.Outbound, tcp(golden.NVA, golden.NET, 80)); a.Verdict == flow.Deny {
		t.Error("its own traffic to another port is denied")
	}
}

// A security admin rule that lets the packet in by the sender's address is a
// deciding rule that names the other side (verdicts.md 22).
func TestAnAdminRuleMayNameTheOtherSideOfAPeering(t *testing.T) {
	named := golden.Allow("to-b1", 100, golden.Out).To("10.1.1.4")
	for _, c := range []struct {
		name  string
		admin *golden.Rule
		want  flow.Verdict
	}{
		{"it names the sender", golden.AlwaysAllow("in", 10, golden.In).From("10.0.1.0/24"), flow.Unknown},
		{"it names anything", golden.AlwaysAllow("in", 10, golden.In), flow.Deny},
	} {
		s := simulate(t, golden.New().NoAccess("v1", "v2").SubnetNSG("app", named).Admin("v2", c.admin))
		a, err := s.Trace(sim.TraceQuestion{From: "a1", To: "b1", Protocol: topology.TCP, Port: 443})
		if err != nil {
			t.Fatal(err)
		}
		if a.Verdict != c.want {
			t.Errorf("%s: %s (%s), want %s", c.name, a.Verdict, a.Code, c.want)
		}
	}
}

// Default outbound access is not how a firewall reaches the Internet.
func TestAFirewallSendsByItsOwnPublicIP(t *testing.T) {
	s := simulate(t, golden.New().Firewall("app"))
	for _, c := range []struct {
		protocol topology.Protocol
		want     flow.Verdict
	}{{topology.TCP, flow.Allow}, {topology.ESP, flow.Unknown}} {
		a, err := s.Trace(sim.TraceQuestion{From: golden.FirewallIP, To: golden.NET, Protocol: c.protocol, Port: 443})
		if err != nil {
			t.Fatal(err)
		}
		if a.Verdict != c.want {
			t.Errorf("%s: %s (%s), want %s", c.protocol, a.Verdict, a.Code, c.want)
		}
	}
}

// The NAT gateway of a firewall's subnet is its way out (NAT), for TCP and UDP.
func TestAFirewallBehindANATGatewayCarriesNoICMP(t *testing.T) {
	e := golden.New().Firewall("app", golden.NetworkRules("net", 100, topology.Allow, &topology.FirewallRule{
		Element: topology.Element{Name: "any"}, Protocols: []topology.Protocol{topology.AnyProtocol},
		Sources: []topology.AddressPrefix{{Kind: topology.AnyAddress, Text: "*"}}, Destinations: []topology.AddressPrefix{{Kind: topology.AnyAddress, Text: "*"}},
		Ports: []topology.PortRange{topology.AllPorts},
	})).NATGateway("AzureFirewallSubnet", "198.51.100.77")
	s := simulate(t, e)
	for _, c := range []struct {
		protocol topology.Protocol
		want     flow.Verdict
	}{{topology.TCP, flow.Allow}, {topology.ICMP, flow.Deny}} {
		a, err := s.Trace(sim.TraceQuestion{From: "a1", To: golden.NET, Protocol: c.protocol, Port: 443})
		if err != nil {
			t.Fatal(err)
		}
		if a.Verdict != c.want {
			t.Errorf("%s: %s (%s), want %s", c.protocol, a.Verdict, a.Code, c.want)
		}
	}
}

// The part of Storage in a region that is not in the data may have a longer
// prefix than a user route to a tag.
func TestAServiceEndpointOfAnUnknownRegionMayBeatARouteToATag(t *testing.T) {
	build := func(location string) *golden.Estate {
		e := golden.New().ServiceEndpoint("app", "Microsoft.Storage").
			Routes("app", golden.Hop("tag", "Storage.WestEurope", topology.NextHopNone))
		e.VNetOf("v1").Location = location
		return e
	}
	for _, c := range []struct {
		location string
		want     flow.Verdict
	}{{"westeurope", flow.Deny}, {"", flow.Unknown}} {
		a, err := simulate(t, build(c.location)).Trace(sim.TraceQuestion{From: "a1", To: golden.SWE, Protocol: topology.TCP, Port: 443})
		if err != nil {
			t.Fatal(err)
		}
		if a.Verdict != c.want {
			t.Errorf("location %q: %s (%s), want %s", c.location, a.Verdict, a.Code, c.want)
		}
	}
}

// Whether a proxy asks for authentication, where its design does not say, is
// an assumption.
func TestAProxyOfUnknownAuthenticationIsAssumedToAskForNone(t *testing.T) {
	e := golden.New().ProxyServer("px", 8080).UsesProxy("a1", golden.Proxy, 8080).PublicIP("px", "198.51.100.9", "Standard").
		GuestFirewall("px", golden.Opening{Name: "in", Port: "8080", From: "10.0.0.0/16"})
	e.Machine("px").ProxyServer.Authentication = ""
	a, err := simulate(t, e).Trace(sim.TraceQuestion{From: "a1", To: golden.SWE, Protocol: topology.TCP, Port: 443})
	if err != nil {
		t.Fatal(err)
	}
	if a.Verdict != flow.Allow || len(a.Assumptions) != 1 || a.Assumptions[0].ID != flow.ProxyNeedsNoAuthentication {
		t.Errorf("%s (%s) assuming %v", a.Verdict, a.Code, a.Assumptions)
	}
}
