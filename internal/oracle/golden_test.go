package oracle

import (
	"fmt"
	"strings"
	"testing"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// ask puts a question in one line:
//
//	out a1 tcp DST|PORT    the outbound gates of a1
//	in a1 tcp SRC|PORT     the inbound gates of a1; PORT is the local one
//	trace a1 tcp DST|PORT  the whole way from a1
//	from SRC tcp DST|PORT  the whole way from an address
func (e *estate) ask(o *Oracle, question string) Answer {
	f := strings.Fields(question)
	switch f[0] {
	case "out":
		return o.IPFlow(Place{Configuration: e.cfg(f[1])}, topology.Outbound, tuple(f[2]+" "+e.cfg(f[1]).PrivateIPAddress.String()+" "+f[3]))
	case "in":
		source, port, _ := strings.Cut(f[3], "|")
		to := e.cfg(f[1]).PrivateIPAddress.String()
		if port != "" {
			to += "|" + port
		}
		return o.IPFlow(Place{Configuration: e.cfg(f[1])}, topology.Inbound, tuple(f[2]+" "+source+" "+to))
	case "trace":
		t := tuple(f[2] + " 0.0.0.0 " + f[3])
		t.Source = flow.Address{}
		return o.Trace(Question{From: e.cfg(f[1]), Packet: t})
	case "from":
		return o.Trace(Question{Packet: tuple(f[2] + " " + f[1] + " " + f[3])})
	}
	panic("bad question " + question)
}

// told is an answer in one line: verdict, code, priority and NSG of the
// deciding rule.
func told(a Answer) string {
	s := fmt.Sprintf("%s %s", a.Verdict, a.Code)
	if a.RuleName != "" {
		s += fmt.Sprintf(" %s/%d", a.NSG, a.Priority)
	}
	return s
}

type check struct{ question, want string }

func (e *estate) verify(t *testing.T, checks ...check) {
	t.Helper()
	o := e.build(t)
	for _, c := range checks {
		a := e.ask(o, c.question)
		got := told(a)
		if strings.HasPrefix(c.want, "Unknown") {
			got = a.Verdict.String() // what decides an Unknown is not one thing
		}
		if a.Verdict != a.Strict {
			var ids []string
			for _, x := range a.Assumptions {
				ids = append(ids, string(x.ID))
			}
			got += " if " + strings.Join(ids, " ")
		}
		if a.Beyond || a.Refused {
			got += " not answered"
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s\nopen: %q", c.question, got, c.want, a.Unknowns)
		}
	}
}

func (e *estate) verifyHop(t *testing.T, subnet, to, want string) {
	t.Helper()
	o := e.build(t)
	var got []string
	for _, r := range o.NextHops(e.subnet(subnet), flowAddress(to)) {
		s := string(r.NextHop)
		if r.NextHopIP.IsValid() {
			s += " " + r.NextHopIP.String()
		}
		got = append(got, s)
	}
	if s := strings.Join(got, " or "); s != want {
		t.Errorf("next hop of %s to %s: %s, want %s", subnet, to, s, want)
	}
}

// The golden tests of the specification (section 11) that are about one
// packet, by their numbers.
func TestGolden(t *testing.T) {
	tests := []struct {
		name   string
		build  func(*estate)
		checks []check
	}{
		{"G01 both levels are evaluated and the last allow is named", func(e *estate) {
			e.onNIC("a1", e.nsg("nic"))
			e.onSubnet("app", e.nsg("subnet"))
		}, []check{{"trace a1 tcp " + net + "|443", "Allow NSG_RULE_ALLOW subnet/65001"}}},

		{"G02 G03 a regional tag holds its region alone", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 100 Allow Tcp * Storage.WestEurope|443", "out 4000 Deny * * Internet"))
		}, []check{
			{"trace a1 tcp " + swe + "|443", "Allow NSG_RULE_ALLOW g/100"},
			{"trace a1 tcp " + sne + "|443", "Deny NSG_RULE_DENY g/4000"},
		}},
		{"G04 the lower number wins", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 4000 Deny * * Internet", "out 4001 Allow Tcp * Storage|443"))
		}, []check{{"trace a1 tcp " + swe + "|443", "Deny NSG_RULE_DENY g/4000"}}},
		{"G05 both must allow outbound", func(e *estate) {
			e.onNIC("a1", e.nsg("nic", "out 100 Allow * * *"))
			e.onSubnet("app", e.nsg("subnet", "out 100 Deny * * Internet"))
		}, []check{{"trace a1 tcp " + net + "|443", "Deny NSG_RULE_DENY subnet/100"}}},
		{"G06 the subnet comes first inbound", func(e *estate) {
			e.onNIC("a1", e.nsg("nic", "in 100 Allow Tcp Internet *|443"))
			e.onSubnet("app", e.nsg("subnet"))
			e.publicIP("a1", "198.51.100.9", "Standard")
		}, []check{{"from " + net + " tcp " + a1 + "|443", "Deny NSG_RULE_DENY subnet/65500"}}},
		{"G07 traffic inside a subnet is not exempt", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 4096 Deny * * *"))
		}, []check{{"trace a1 tcp " + a2 + "|1433", "Deny NSG_RULE_DENY g/4096"}}},
		{"G08 without an NSG everything is allowed", func(e *estate) {}, []check{
			{"trace a1 tcp " + a2 + "|1433", "Allow NO_NSG"}, {"trace a1 icmp " + a2, "Allow NO_NSG"},
		}},
		{"G09 a basic public IP is open", func(e *estate) { e.publicIP("a1", "198.51.100.9", "Basic") }, []check{
			{"from " + net + " tcp " + a1 + "|22", "Allow NO_NSG"}, {"in a1 tcp " + net + "|22", "Allow NO_NSG"},
		}},
		{"G10 a standard public IP is closed", func(e *estate) { e.publicIP("a1", "198.51.100.9", "Standard") }, []check{
			{"from " + net + " tcp " + a1 + "|22", "Deny STANDARD_IP_CLOSED"}, {"in a1 tcp " + net + "|22", "Deny STANDARD_IP_CLOSED"},
		}},
		{"G11 an NSG sees the private address", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "in 100 Allow Tcp Internet 198.51.100.9|443"))
			e.publicIP("a1", "198.51.100.9", "Standard")
		}, []check{{"from " + net + " tcp 198.51.100.9|443", "Deny NSG_RULE_DENY g/65500"}}},
		{"G12 the private address is matched", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "in 100 Allow Tcp Internet 10.0.1.4|443"))
			e.publicIP("a1", "198.51.100.9", "Standard")
		}, []check{{"from " + net + " tcp 198.51.100.9|443", "Allow NSG_RULE_ALLOW g/100"}}},
		{"G13 outbound is evaluated before translation", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 100 Allow * 198.51.100.9 Internet", "out 200 Deny * * Internet"))
			e.publicIP("a1", "198.51.100.9", "Standard")
		}, []check{{"trace a1 tcp " + net + "|443", "Deny NSG_RULE_DENY g/200"}}},
		{"G14 replies need no rule", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "in 100 Allow Tcp * *|443", "out 100 Deny * * *"))
			e.publicIP("a1", "198.51.100.9", "Standard")
		}, []check{
			{"from " + net + " tcp " + a1 + "|443", "Allow NSG_RULE_ALLOW g/100"},
			{"trace a1 tcp " + net + "|443", "Deny NSG_RULE_DENY g/100"},
		}},
		{"G15 priorities are numbers", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 1000 Deny * * *", "out 200 Allow * * *"))
		}, []check{{"out a1 tcp " + net + "|443", "Allow NSG_RULE_ALLOW g/200"}}},
		{"G16 each direction has its own priorities", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "in 100 Deny * * *", "out 100 Allow * * *"))
		}, []check{
			{"out a1 tcp " + d1 + "|443", "Allow NSG_RULE_ALLOW g/100"},
			{"in a1 tcp " + d1 + "|443", "Deny NSG_RULE_DENY g/100"},
		}},
		{"G17 a range is every port in it", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 100 Allow Tcp * *|80-443", "out 200 Deny * * *"))
		}, []check{{"out a1 tcp " + net + "|135", "Allow NSG_RULE_ALLOW g/100"}}},
		{"G18 a list of ranges", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 100 Allow Tcp * *|80,443,8000-8080", "out 200 Deny * * *"))
		}, []check{
			{"out a1 tcp " + net + "|444", "Deny NSG_RULE_DENY g/200"},
			{"out a1 tcp " + net + "|8080", "Allow NSG_RULE_ALLOW g/100"},
		}},
		{"G19 the protocol must match", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 100 Deny Tcp * *"))
		}, []check{{"trace a1 udp " + a2 + "|53", "Allow NSG_RULE_ALLOW g/65000"}}},
		{"G20 tags in any letter case", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 100 Allow TCP * internet|443", "out 200 Deny * * *"))
		}, []check{{"out a1 tcp " + net + "|443", "Allow NSG_RULE_ALLOW g/100"}}},
		{"G21 icmp and a rule with ports", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 100 Allow * * *|443", "out 200 Deny * * *"))
		}, []check{{"out a1 icmp " + a2, "Deny NSG_RULE_DENY g/200 if ICMP_NEEDS_ALL_PORTS"}}},

		{"G22 platform DNS is not filtered", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 100 Deny * * *"))
		}, []check{{"trace a1 udp 168.63.129.16|53", "Allow PLATFORM_ADDRESS"}}},
		{"G23 but by its tag", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 100 Deny * * AzurePlatformDNS"))
		}, []check{
			{"trace a1 udp 168.63.129.16|53", "Deny NSG_RULE_DENY g/100"},
			{"trace a1 tcp 168.63.129.16|80", "Allow PLATFORM_ADDRESS"},
		}},
		{"G24 the host address is outside filters and routes", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 100 Deny * * 168.63.129.16/32"))
			e.routes("app", "0.0.0.0/0 10.0.0.10")
		}, []check{{"trace a1 tcp 168.63.129.16|32526", "Allow PLATFORM_ADDRESS"}, {"trace a1 udp 168.63.129.16|67", "Allow PLATFORM_ADDRESS"}}},
		{"G25 metadata only by its tag", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 100 Deny * * *"))
			e.onSubnet("db", e.nsg("h", "out 100 Deny * * AzurePlatformIMDS"))
		}, []check{
			{"trace a1 tcp 169.254.169.254|80", "Allow PLATFORM_ADDRESS"},
			{"trace d1 tcp 169.254.169.254|80", "Deny NSG_RULE_DENY h/100"},
		}},
		{"G26 probes are filtered", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "in 4096 Deny * * *"))
		}, []check{{"in a1 tcp 168.63.129.16|80", "Deny NSG_RULE_DENY g/4096"}}},
		{"G27 balanced traffic keeps its source", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "in 100 Allow * AzureLoadBalancer *|80"))
			e.balancer("Standard", "198.51.100.30", 80, 80, "a1")
		}, []check{
			{"from " + net + " tcp 198.51.100.30|80", "Deny NSG_RULE_DENY g/65500"},
			{"from " + net + " tcp " + a1 + "|80", "Deny NSG_RULE_DENY g/65500"},
		}},
		{"G28 a peer is in the tag", func(e *estate) {
			e.onSubnet("app", e.nsg("g"))
			e.onSubnet("b", e.nsg("h"))
		}, []check{{"trace b1 tcp " + a1 + "|445", "Allow NSG_RULE_ALLOW g/65000"}}},
		{"G29 access off takes the peer out of the tag", func(e *estate) {
			e.noAccess()
			e.onSubnet("app", e.nsg("g"))
			e.onSubnet("b", e.nsg("h"))
		}, []check{{"trace a1 tcp " + b1 + "|443", "Deny NSG_RULE_DENY g/65500"}}},
		{"G30 access off and explicit rules on both sides", func(e *estate) {
			e.noAccess()
			e.onSubnet("app", e.nsg("g", "out 100 Allow Tcp 10.0.1.0/24 10.1.1.4|443"))
			e.onSubnet("b", e.nsg("h", "in 100 Allow Tcp 10.0.1.0/24 10.1.1.4|443"))
		}, []check{{"trace a1 tcp " + b1 + "|443", "Unknown"}}},
		{"G30b access off without any NSG", func(e *estate) { e.noAccess() }, []check{
			{"trace a1 tcp " + b1 + "|443", "Deny PEERING_ACCESS_DISABLED"},
		}},
		{"G31 peering is not transitive", func(e *estate) { e.onSubnet("app", e.nsg("g")) }, []check{
			{"trace a1 tcp 10.2.1.4|443", "Deny NSG_RULE_DENY g/65500"},
		}},
		{"G32 prefixes of user routes join the tag", func(e *estate) {
			e.onSubnet("app", e.nsg("g"))
			e.routes("app", "10.2.0.0/16 10.0.0.10")
		}, []check{{"out a1 tcp 10.2.1.4|443", "Allow NSG_RULE_ALLOW g/65000"}}},
		{"G33 a default route makes the tag everything", func(e *estate) {
			e.onSubnet("app", e.nsg("g"))
			e.routes("app", "0.0.0.0/0 10.0.0.10")
		}, []check{{"out a1 tcp " + net + "|443", "Allow NSG_RULE_ALLOW g/65000"}}},
		{"G34 G35 a rule that isolates the virtual network", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 4000 Deny * VirtualNetwork VirtualNetwork"))
			e.onNIC("a2", e.nsg("h", "out 100 Allow Tcp * Storage|443"))
			e.routes("app", "0.0.0.0/0 10.0.0.10")
		}, []check{
			{"out a1 tcp " + swe + "|443", "Deny NSG_RULE_DENY g/4000"},
			{"out a2 tcp " + swe + "|443", "Deny NSG_RULE_DENY g/4000"},
		}},
		{"G35 the storage rule before it", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 100 Allow Tcp * Storage|443", "out 4000 Deny * * VirtualNetwork"))
			e.routes("app", "0.0.0.0/0 10.0.0.10")
		}, []check{{"out a1 tcp " + swe + "|443", "Allow NSG_RULE_ALLOW g/100"}}},
		{"G36 a public IP behind a default route to an appliance", func(e *estate) {
			e.onSubnet("app", e.nsg("g"))
			e.routes("app", "0.0.0.0/0 10.0.0.10")
			e.publicIP("a1", "198.51.100.9", "Standard")
		}, []check{
			{"in a1 tcp " + net + "|22", "Allow NSG_RULE_ALLOW g/65000"},
			{"from " + net + " tcp 198.51.100.9|22", "Deny RETURN_PATH_ASYMMETRIC"},
		}},
		{"G37 an appliance's own NSG", func(e *estate) {
			e.onNIC("nva", e.nsg("n"))
			e.routes("app", "0.0.0.0/0 10.0.0.10")
		}, []check{{"trace a1 tcp " + net + "|443", "Deny NSG_RULE_DENY n/65500"}}},
		{"G38 learned prefixes are in the tag", func(e *estate) {
			e.onSubnet("app", e.nsg("g"))
			e.gateway("v1", "172.20.0.0/16")
		}, []check{
			{"in a1 tcp 172.20.1.1|3389", "Allow NSG_RULE_ALLOW g/65000"},
			{"from 172.20.1.1 tcp " + a1 + "|3389", "Allow NSG_RULE_ALLOW g/65000 if ON_PREMISES_BEYOND"},
		}},
		{"G39 private addresses are not Internet", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 100 Deny * * Internet"))
		}, []check{{"trace a1 tcp " + d1 + "|1433", "Allow NSG_RULE_ALLOW g/65000"}}},
		{"G40 nor is private space that nobody has", func(e *estate) { e.onSubnet("app", e.nsg("g")) }, []check{
			{"trace a1 tcp 10.200.0.1|443", "Deny NSG_RULE_DENY g/65500"},
		}},
		{"G41 nested tags", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 100 Allow Tcp * AzureCloud.westeurope|443", "out 200 Deny * * Internet"))
		}, []check{{"trace a1 tcp " + swe + "|443", "Allow NSG_RULE_ALLOW g/100"}}},

		{"G47 G48 G49 application security groups", func(e *estate) {
			e.asg("logic", "a1")
			e.asg("db", "d1")
			e.nic("d2", "v1", "db", "10.0.2.5")
			e.onSubnet("db", e.nsg("g", "in 110 Allow Tcp asg:logic asg:db|1433", "in 120 Deny Tcp * asg:db|1433"))
		}, []check{
			{"trace a1 tcp " + d1 + "|1433", "Allow NSG_RULE_ALLOW g/110"},
			{"trace a2 tcp " + d1 + "|1433", "Deny NSG_RULE_DENY g/120"},
			{"trace a2 tcp 10.0.2.5|1433", "Allow NSG_RULE_ALLOW g/65000"},
		}},
		{"G50 an admin deny", func(e *estate) {
			e.admin("v1", "in 1 Deny Tcp * *|3389", topology.Deny)
			e.onSubnet("app", e.nsg("g", "in 100 Allow Tcp * *|3389"))
		}, []check{{"trace b1 tcp " + a1 + "|3389", "Deny ADMIN_RULE_DENY /1"}}},
		{"G51 an admin always allow skips the NSGs", func(e *estate) {
			e.admin("v1", "in 1 Allow Tcp * *|443", topology.AlwaysAllow)
			e.onSubnet("app", e.nsg("g", "in 100 Deny * * *"))
		}, []check{{"trace b1 tcp " + a1 + "|443", "Allow ADMIN_RULE_ALWAYS_ALLOW /1"}}},
		{"G52 an admin allow does not", func(e *estate) {
			e.admin("v1", "in 1 Allow Tcp * *|443", topology.Allow)
			e.onSubnet("app", e.nsg("g", "in 100 Deny * * *"))
		}, []check{{"trace b1 tcp " + a1 + "|443", "Deny NSG_RULE_DENY g/100"}}},
		{"G53 always allow holds for one side", func(e *estate) {
			e.admin("v1", "out 1 Allow Tcp * *|443", topology.AlwaysAllow)
			e.onSubnet("b", e.nsg("g", "in 100 Deny * * *"))
		}, []check{{"trace a1 tcp " + b1 + "|443", "Deny NSG_RULE_DENY g/100"}}},
		{"G54 admin rules do not reach private endpoints", func(e *estate) {
			e.admin("v1", "in 1 Deny Tcp * *|443", topology.Deny)
			e.privateEndpoint("db", "10.0.2.50")
		}, []check{{"trace a1 tcp 10.0.2.50|443", "Allow NO_NSG"}}},

		{"G57 a service endpoint does not bypass the NSG", func(e *estate) {
			e.routes("app", "0.0.0.0/0 10.0.0.10")
			e.subnet("app").ServiceEndpoints = []topology.ServiceEndpoint{{Service: "Microsoft.Storage"}}
			e.onSubnet("app", e.nsg("g", "out 100 Deny * * Internet"))
		}, []check{{"trace a1 tcp " + swe + "|443", "Deny NSG_RULE_DENY g/100"}}},
		{"G58 an appliance that does not forward", func(e *estate) {
			e.nics["nva"].EnableIPForwarding = topology.Off
			e.routes("app", "0.0.0.0/0 10.0.0.10")
		}, []check{{"trace a1 tcp " + net + "|443", "Deny NVA_NO_FORWARDING"}}},
		{"G59 a user route beats the peering", func(e *estate) { e.routes("app", "10.1.0.0/16 None") }, []check{
			{"trace a1 tcp " + b1 + "|443", "Deny ROUTE_NONE"},
		}},
		{"G63 reserved ranges go nowhere", func(e *estate) {}, []check{{"trace a1 tcp 192.168.9.9|443", "Deny ROUTE_NONE"}}},
		{"G68 the NSG of a private endpoint's subnet is ignored by default", func(e *estate) {
			e.privateEndpoint("db", "10.0.2.50")
			e.onSubnet("db", e.nsg("g", "in 100 Deny * * *"))
		}, []check{{"trace a1 tcp 10.0.2.50|443", "Allow NO_NSG"}}},
		{"G70 G71 G72 a private subnet", func(e *estate) {
			e.onSubnet("app", e.nsg("g"))
			e.subnet("app").DefaultOutboundAccess = topology.Off
		}, []check{
			{"trace a1 tcp " + net + "|443", "Deny NO_EGRESS"},
			{"trace a1 tcp " + swe + "|443", "Allow NSG_RULE_ALLOW g/65001"},
			{"trace a1 tcp " + sne + "|443", "Deny NO_EGRESS"},
		}},
		{"G73 a route to Internet out of a private subnet", func(e *estate) {
			e.subnet("app").DefaultOutboundAccess = topology.Off
			e.routes("app", "0.0.0.0/0 10.0.0.10", "AzureActiveDirectory Internet")
		}, []check{{"trace a1 tcp 20.190.130.1|443", "Deny NO_EGRESS"}}},
		{"G76 default outbound access carries no ICMP", func(e *estate) { e.onSubnet("app", e.nsg("g")) }, []check{
			{"trace a1 icmp " + net, "Deny EGRESS_NO_ICMP"},
		}},
		{"G76 nor does a NAT gateway", func(e *estate) { e.natGateway("app", "198.51.100.20") }, []check{
			{"trace a1 icmp " + net, "Deny EGRESS_NO_ICMP"},
			{"trace a1 tcp " + net + "|443", "Allow NO_NSG"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newFixture()
			tt.build(e)
			e.verify(t, tt.checks...)
		})
	}
}

func (e *estate) noAccess() {
	e.vnets["v1"].Peerings[0].AllowVirtualNetworkAccess = topology.Off
	e.vnets["v2"].Peerings[0].AllowVirtualNetworkAccess = topology.Off
}

// balancer makes a public load balancer with one rule to one interface.
func (e *estate) balancer(sku, ip string, port, backend int, nic string) *topology.LoadBalancer {
	b := &topology.LoadBalancer{Element: named("loadBalancers", "lb"), SKU: sku}
	p := &topology.PublicIPAddress{Element: named("publicIPAddresses", "pip-lb"), IPAddress: addr(ip), SKU: sku}
	e.add(p)
	f := &topology.Frontend{Element: named("loadBalancers/lb/frontendIPConfigurations", "fe"), PublicIPAddress: p.Ref()}
	q := &topology.BackendPool{Element: named("loadBalancers/lb/backendAddressPools", "be"), IPConfigurations: []topology.Ref{e.cfg(nic).Ref()}}
	b.Frontends, b.BackendPools = []*topology.Frontend{f}, []*topology.BackendPool{q}
	b.Rules = []*topology.LoadBalancingRule{{
		Element: named("loadBalancers/lb/loadBalancingRules", "r"), Frontend: f.Ref(), BackendPools: []topology.Ref{q.Ref()},
		Protocol: topology.TCP, FrontendPort: port, BackendPort: backend,
	}}
	e.add(b)
	return b
}

func TestGoldenNextHops(t *testing.T) {
	storageEndpoint := func(e *estate) {
		e.subnet("app").ServiceEndpoints = []topology.ServiceEndpoint{{Service: "Microsoft.Storage"}}
	}
	policy := func(p topology.NetworkPolicy) func(e *estate) {
		return func(e *estate) {
			e.subnet("db").PrivateEndpointPolicy = p
			e.privateEndpoint("db", "10.0.2.50")
			e.routes("app", "10.0.0.0/16 10.0.0.10")
		}
	}
	tests := []struct {
		name     string
		build    func(*estate)
		to, want string
	}{
		{"G55 a tag route is longer than the default route", func(e *estate) {
			e.routes("app", "0.0.0.0/0 10.0.0.10", "Storage.WestEurope Internet")
		}, swe, "Internet"},
		{"G56 a service endpoint is longer than the default route", func(e *estate) {
			e.routes("app", "0.0.0.0/0 10.0.0.10")
			storageEndpoint(e)
		}, swe, "VirtualNetworkServiceEndpoint"},
		{"G60 peering beats a longer BGP route", func(e *estate) { e.gateway("v1", "10.1.1.0/24") }, b1, "VNetPeering"},
		{"G61 a learned default route", func(e *estate) { e.gateway("v1", "0.0.0.0/0") }, swe, "VirtualNetworkGateway"},
		{"G62 propagation off removes gateway routes", func(e *estate) {
			e.gateway("v1", "0.0.0.0/0")
			e.routes("app").DisableBGPPropagation = topology.On
		}, swe, "Internet"},
		{"G63 reserved ranges", func(e *estate) {}, "192.168.9.9", "None"},
		{"G64 a default route takes the None routes away", func(e *estate) { e.routes("app", "0.0.0.0/0 10.0.0.10") }, "192.168.9.9", "VirtualAppliance 10.0.0.10"},
		{"G65 a default route never takes a private endpoint's route", func(e *estate) {
			e.subnet("db").PrivateEndpointPolicy = topology.PolicyEnabled
			e.privateEndpoint("db", "10.0.2.50")
			e.routes("app", "0.0.0.0/0 10.0.0.10")
		}, "10.0.2.50", "InterfaceEndpoint"},
		{"G66 a route as long as the virtual network's prefix does, with the policy", policy(topology.PolicyRouteTableEnabled), "10.0.2.50", "VirtualAppliance 10.0.0.10"},
		{"G67 without it not", policy(topology.PolicyDisabled), "10.0.2.50", "InterfaceEndpoint"},
		{"a user route of exactly the /32 wins in any case", func(e *estate) {
			e.privateEndpoint("db", "10.0.2.50")
			e.routes("app", "10.0.2.50/32 10.0.0.10")
		}, "10.0.2.50", "VirtualAppliance 10.0.0.10"},
		{"G69 a prefix beats a tag of equal length", func(e *estate) {
			e.routes("app", "Storage Internet", "20.60.26.0/23 None")
		}, swe, "None"},
		{"a regional tag beats the global one", func(e *estate) {
			e.routes("app", "Storage Internet", "Storage.WestEurope None")
		}, swe, "None"},
		{"a user route beats a learned one of equal length", func(e *estate) {
			e.gateway("v1", "172.20.0.0/16")
			e.routes("app", "172.20.0.0/16 10.0.0.10")
		}, "172.20.1.1", "VirtualAppliance 10.0.0.10"},
		{"a learned default route takes the None routes away", func(e *estate) { e.gateway("v1", "0.0.0.0/0") }, "192.168.9.9", "VirtualNetworkGateway"},
		{"a missing route table leaves every hop open", func(e *estate) {
			e.subnet("app").RouteTable = topology.RefTo(id("routeTables", "gone"))
		}, net, "Internet or None or "},
		{"the same prefix twice", func(e *estate) {
			e.routes("app", "192.168.0.0/24 None", "192.168.0.0/24 10.0.0.10")
		}, "192.168.0.1", "None or VirtualAppliance 10.0.0.10"},
		{"a service endpoint and Storage of another region", storageEndpoint, sne, "Internet or VirtualNetworkServiceEndpoint"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newFixture()
			tt.build(e)
			e.verifyHop(t, "app", tt.to, tt.want)
		})
	}
}

func TestGoldenEgress(t *testing.T) {
	tests := []struct {
		name   string
		build  func(*estate)
		method string
		addr   string
		hop    topology.NextHopType
	}{
		{"G74 a NAT gateway wins over a public IP", func(e *estate) {
			e.publicIP("a1", "198.51.100.9", "Standard")
			e.natGateway("app", "198.51.100.20")
		}, "NatGateway", "198.51.100.20", topology.NextHopInternet},
		{"a public IP wins over default outbound access", func(e *estate) { e.publicIP("a1", "198.51.100.9", "Standard") }, "PublicIP", "198.51.100.9", topology.NextHopInternet},
		{"default outbound access", func(e *estate) {}, "Default", "invalid IP", topology.NextHopInternet},
		{"G75 a user route wins over the NAT gateway", func(e *estate) {
			e.natGateway("app", "198.51.100.20")
			e.routes("app", "0.0.0.0/0 10.0.0.10")
		}, "Default", "invalid IP", topology.NextHopVirtualAppliance},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newFixture()
			tt.build(e)
			a := e.ask(e.build(t), "trace a1 tcp "+net+"|443")
			if a.Verdict != flow.Allow || a.Egress.Method != tt.method || a.Egress.Address.String() != tt.addr || a.Route.NextHop != tt.hop {
				t.Errorf("%v by %v over %v, want Allow by %s %s over %s", a.Verdict, a.Egress, a.Route, tt.method, tt.addr, tt.hop)
			}
		})
	}
}
