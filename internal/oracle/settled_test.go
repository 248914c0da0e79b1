package oracle

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// The settled cases of the verdicts, by their numbers, and the bad inputs
// that load (B…).
func TestSettledCases(t *testing.T) {
	toNVA := func(e *estate) { e.routes("app", "0.0.0.0/0 10.0.0.10") }
	tests := []struct {
		name   string
		build  func(*estate)
		checks []check
	}{
		{"1 an appliance is assumed to forward", toNVA, []check{
			{"trace a1 tcp " + net + "|443", "Allow NO_NSG if NVA_FORWARDS_AND_PERMITS"},
		}},
		{"1 behind an appliance both sources are asked", func(e *estate) {
			toNVA(e)
			e.onSubnet("dmz", e.nsg("g", "in 100 Allow * * *", "out 100 Allow * 10.0.0.10 *", "out 200 Deny * * *"))
		}, []check{{"trace a1 tcp " + net + "|443", "Unknown"}}},
		{"1 inside the estate the source stays", func(e *estate) {
			e.routes("app", "10.0.2.0/24 10.0.0.10")
			e.onSubnet("dmz", e.nsg("g", "in 100 Allow * * *", "out 100 Allow * 10.0.1.4 *", "out 200 Deny * * *"))
		}, []check{{"trace a1 tcp " + d1 + "|443", "Allow NSG_RULE_ALLOW g/100 if NVA_FORWARDS_AND_PERMITS"}}},
		{"1 a loop is certain", func(e *estate) { e.routes("dmz", "0.0.0.0/0 10.0.0.10"); toNVA(e) }, []check{
			{"trace a1 tcp " + net + "|443", "Deny ROUTE_LOOP"},
			{"trace px tcp " + net + "|443", "Deny ROUTE_LOOP"},
		}},
		{"3 forwarded traffic over a peering that does not allow it", func(e *estate) {
			e.routes("app", "10.2.0.0/16 10.1.1.9")
			e.nic("nva2", "v2", "b", "10.1.1.9").EnableIPForwarding = topology.On
			e.nic("c1", "v3", "c", "10.2.1.4")
			e.routes("c", "10.0.0.0/16 10.1.1.9")
		}, []check{{"trace a1 tcp 10.2.1.4|443", "Unknown"}}},
		{"3 and one that does", func(e *estate) {
			e.routes("app", "10.2.0.0/16 10.1.1.9")
			e.nic("nva2", "v2", "b", "10.1.1.9").EnableIPForwarding = topology.On
			e.nic("c1", "v3", "c", "10.2.1.4")
			e.routes("c", "10.0.0.0/16 10.1.1.9")
			e.vnets["v3"].Peerings[0].AllowForwardedTraffic = topology.On
		}, []check{{"trace a1 tcp 10.2.1.4|443", "Allow NO_NSG if NVA_FORWARDS_AND_PERMITS"}}},
		{"3 unless a gate denies anyway", func(e *estate) {
			e.routes("app", "10.2.0.0/16 10.1.1.9")
			e.nic("nva2", "v2", "b", "10.1.1.9").EnableIPForwarding = topology.On
			e.nic("c1", "v3", "c", "10.2.1.4")
			e.onSubnet("c", e.nsg("g", "in 100 Deny * * *"))
		}, []check{{"trace a1 tcp 10.2.1.4|443", "Deny NSG_RULE_DENY g/100"}}},
		{"4 on-premises as far as the gateway", func(e *estate) { e.gateway("v1", "172.20.0.0/16") }, []check{
			{"trace a1 tcp 172.20.1.1|443", "Allow NO_NSG if ON_PREMISES_BEYOND"},
		}},
		{"4 a forced tunnel", func(e *estate) { e.gateway("v1", "0.0.0.0/0") }, []check{{"trace a1 tcp " + net + "|443", "Unknown"}}},
		{"4 a gateway that the estate does not hold", func(e *estate) { e.routes("app", "172.20.0.0/16 VirtualNetworkGateway") }, []check{
			{"trace a1 tcp 172.20.1.1|443", "Unknown"},
		}},
		{"6 17 a tag that no file explains", func(e *estate) {
			e.data.ServiceTags = nil
			e.onSubnet("app", e.nsg("g", "out 100 Deny * * Storage", "out 200 Deny * * Sql.WestEurope"))
			e.onSubnet("db", e.nsg("h", "out 100 Deny * * AzureKeyVault"))
		}, []check{
			{"out a1 tcp " + net + "|443", "Unknown"},
			{"out a1 tcp Storage.WestEurope|443", "Deny NSG_RULE_DENY g/100"},
			{"out a1 tcp AzureBackup|443", "Unknown"},
			{"out a1 tcp " + d1 + "|443", "Allow NSG_RULE_ALLOW g/65000"},
			{"out d1 tcp " + a1 + "|443", "Unknown"},
		}},
		{"6 storage is part of Internet by its name", func(e *estate) {
			e.data.ServiceTags = nil
			e.onSubnet("app", e.nsg("g", "out 100 Deny * * Internet"))
		}, []check{{"out a1 tcp Storage|443", "Deny NSG_RULE_DENY g/100"}}},
		{"6 a regional tag is not its whole", func(e *estate) {
			e.data.ServiceTags = nil
			e.onSubnet("app", e.nsg("g", "out 100 Allow * * Storage.WestEurope", "out 200 Deny * * *"))
		}, []check{
			{"out a1 tcp Storage.WestEurope|443", "Allow NSG_RULE_ALLOW g/100"},
			{"out a1 tcp Storage|443", "Unknown"},
		}},
		{"8 a cut list of admin rules", func(e *estate) {
			e.data.Gaps = []topology.Gap{{Kind: topology.ListCut, ResourceType: "Microsoft.Network/networkManagers"}}
		}, []check{{"trace a1 tcp " + a2 + "|443", "Unknown"}}},
		{"8 a cut list of NSGs puts no attachment in doubt", func(e *estate) {
			e.data.Gaps = []topology.Gap{{Kind: topology.ListCut, ResourceType: "Microsoft.Network/networkSecurityGroups"}}
		}, []check{{"trace a1 tcp " + a2 + "|443", "Allow NO_NSG"}}},
		{"8 a cut list of interfaces", func(e *estate) {
			e.data.Gaps = []topology.Gap{{Kind: topology.ListCut, ResourceType: "Microsoft.Network/networkInterfaces"}}
			e.onSubnet("db", e.nsg("g", "in 100 Deny * * *|22"))
		}, []check{
			{"trace a1 tcp 10.0.2.77|443", "Unknown"},
			{"trace a1 tcp 10.0.2.77|22", "Deny NSG_RULE_DENY g/100"},
			{"trace a1 tcp " + d1 + "|443", "Allow NSG_RULE_ALLOW g/65000"},
		}},
		{"9 two rules of one priority", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 100 Allow Tcp * *", "out 100 Deny * * *|443"))
		}, []check{
			{"out a1 tcp " + net + "|443", "Unknown"},
			{"out a1 tcp " + net + "|80", "Allow NSG_RULE_ALLOW g/100"},
			{"out a1 udp " + net + "|443", "Deny NSG_RULE_DENY g/100"},
		}},
		{"15 a star rule before a platform tag pre-empts nothing", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 100 Allow * * *", "out 200 Deny * * AzurePlatformDNS"))
		}, []check{{"trace a1 tcp 168.63.129.16|53", "Deny NSG_RULE_DENY g/200"}}},
		{"16 the host address is in VirtualNetwork and AzureLoadBalancer", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "in 100 Deny * Internet *", "in 200 Deny * VirtualNetwork *"))
			e.onSubnet("db", e.nsg("h", "in 100 Deny * AzureLoadBalancer *"))
		}, []check{
			{"in a1 tcp 168.63.129.16|80", "Deny NSG_RULE_DENY g/200"},
			{"in d1 tcp 168.63.129.16|80", "Deny NSG_RULE_DENY h/100"},
		}},
		{"16 public space of the virtual network is not Internet", func(e *estate) {
			e.vnet("v9", "198.18.0.0/16", "p", "198.18.0.0/24")
			e.nic("p1", "v9", "p", "198.18.0.4")
			e.nic("p2", "v9", "p", "198.18.0.5")
			e.onSubnet("p", e.nsg("g", "out 100 Deny * * Internet"))
		}, []check{
			{"trace p1 tcp 198.18.0.5|443", "Allow NSG_RULE_ALLOW g/65000 if VNET_PUBLIC_SPACE_NOT_INTERNET"},
			{"trace p1 tcp " + net + "|443", "Deny NSG_RULE_DENY g/100"},
		}},
		{"17 KMS is an ordinary port but for its tag", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 100 Deny * * AzurePlatformLKM"))
			e.onSubnet("db", e.nsg("h", "out 100 Deny * * *"))
		}, []check{
			{"out a1 tcp 23.102.135.246|1688", "Unknown"},
			{"out a1 tcp 23.102.135.246|443", "Allow NSG_RULE_ALLOW g/65001"},
			{"out a1 tcp " + d1 + "|1688", "Allow NSG_RULE_ALLOW g/65000"},
			{"out d1 tcp 23.102.135.246|1688", "Deny NSG_RULE_DENY h/100"},
		}},
		{"18 a tag route does not widen the tag", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 100 Deny * * VirtualNetwork"))
			e.routes("app", "Storage.WestEurope Internet")
		}, []check{
			{"out a1 tcp " + swe + "|443", "Allow NSG_RULE_ALLOW g/65001 if TAG_ROUTE_NOT_IN_VNET"},
			{"out a1 tcp " + sne + "|443", "Allow NSG_RULE_ALLOW g/65001"},
		}},
		{"18 gateway prefixes stay in the tag without propagation", func(e *estate) {
			e.onSubnet("app", e.nsg("g"))
			e.gateway("v1", "172.20.0.0/16")
			e.routes("app").DisableBGPPropagation = topology.On
		}, []check{{"in a1 tcp 172.20.1.1|3389", "Allow NSG_RULE_ALLOW g/65000 if GATEWAY_PREFIXES_IN_VNET"}}},
		{"19 no public entry", func(e *estate) {}, []check{{"from " + net + " tcp " + a1 + "|22", "Deny NO_PUBLIC_ENTRY"}}},
		{"19 from the estate to a public IP of the estate", func(e *estate) {
			e.publicIP("d1", "198.51.100.7", "Standard")
			e.natGateway("app", "198.51.100.20")
			e.onSubnet("db", e.nsg("g", "in 100 Allow Tcp 198.51.100.20 *|443"))
		}, []check{
			{"trace a1 tcp 198.51.100.7|443", "Allow NSG_RULE_ALLOW g/100"},
			{"trace px tcp 198.51.100.7|443", "Unknown"},
			{"trace px tcp 198.51.100.7|80", "Deny NSG_RULE_DENY g/65500"},
		}},
		{"20 no route back", func(e *estate) { e.routes("db", "10.0.1.0/24 None") }, []check{
			{"trace a1 tcp " + d1 + "|443", "Deny RETURN_NO_ROUTE"},
			{"trace a1 udp " + d1 + "|443", "Allow NO_NSG"},
		}},
		{"20 inside the estate asymmetry is a note", func(e *estate) { e.routes("db", "10.0.1.0/24 10.0.0.10") }, []check{
			{"trace a1 tcp " + d1 + "|443", "Allow NO_NSG"},
		}},
		{"21 a next hop that nobody owns", func(e *estate) { e.routes("app", "0.0.0.0/0 10.0.0.99", "10.0.2.0/24 10.0.0.99") }, []check{
			{"trace a1 tcp " + net + "|443", "Unknown"},
			{"trace a1 tcp " + d1 + "|443", "Unknown"},
		}},
		{"21 a certain deny behind it stays", func(e *estate) {
			e.routes("app", "10.0.2.0/24 10.0.0.99")
			e.onSubnet("db", e.nsg("g", "in 100 Deny * * *"))
		}, []check{{"trace a1 tcp " + d1 + "|443", "Deny NSG_RULE_DENY g/100"}}},
		{"21 a destination that no interface owns", func(e *estate) {
			e.onSubnet("db", e.nsg("g", "in 100 Deny * * *|22"))
		}, []check{
			{"trace a1 tcp 10.0.2.77|443", "Allow NSG_RULE_ALLOW g/65000 if NO_NIC_AT_DESTINATION"},
			{"trace a1 tcp 10.0.2.77|22", "Deny NSG_RULE_DENY g/100"},
		}},
		{"22 access off on the receiver's side only", func(e *estate) {
			e.vnets["v2"].Peerings[0].AllowVirtualNetworkAccess = topology.Off
		}, []check{{"trace a1 tcp " + b1 + "|443", "Unknown"}}},
		{"22 one side names the other by tag alone", func(e *estate) {
			e.noAccess()
			e.onSubnet("app", e.nsg("g", "out 100 Allow Tcp * 10.1.1.4|443"))
			e.onSubnet("b", e.nsg("h", "in 100 Allow Tcp * *|443"))
		}, []check{{"trace a1 tcp " + b1 + "|443", "Deny PEERING_ACCESS_DISABLED"}}},
		{"22 rules that are not in the data may name the other side", func(e *estate) {
			e.noAccess()
			e.onSubnet("app", e.nsg("g", "out 100 Allow Tcp * 10.1.1.4|443"))
			e.subnet("b").NetworkSecurityGroup = topology.RefTo(id("networkSecurityGroups", "gone"))
		}, []check{
			{"trace a1 tcp " + b1 + "|443", "Unknown"},
			{"trace px tcp " + b1 + "|443", "Deny PEERING_ACCESS_DISABLED"},
		}},
		{"from on-premises into a spoke", func(e *estate) {
			e.gateway("v1", "172.20.0.0/16")
			e.vnets["v1"].Peerings[0].AllowGatewayTransit = topology.On
			e.vnets["v2"].Peerings[0].UseRemoteGateways = topology.On
		}, []check{
			{"from 172.20.1.1 tcp " + b1 + "|443", "Allow NO_NSG if ON_PREMISES_BEYOND"},
			{"in b1 tcp 172.20.1.1|443", "Allow NO_NSG"},
		}},
		{"from on-premises into a spoke that does not use the gateway", func(e *estate) { e.gateway("v1", "172.20.0.0/16") }, []check{
			{"from 172.20.1.1 tcp " + b1 + "|443", "Deny RETURN_NO_ROUTE"},
			{"from 172.20.1.1 udp " + b1 + "|443", "Unknown"},
		}},
		{"a standard public IP beside takes default outbound away", func(e *estate) {
			e.publicIP("a2", "198.51.100.9", "Standard")
			e.add(&topology.VirtualMachine{Element: named("virtualMachines", "m"), NetworkInterfaces: []topology.Ref{e.nics["a1"].Ref(), e.nics["a2"].Ref()}})
		}, []check{{"trace a1 tcp " + net + "|443", "Deny NO_EGRESS"}, {"trace d1 tcp " + net + "|443", "Allow NO_NSG"}}},
		{"a machine that is not in the data", func(e *estate) {
			e.nics["a1"].VirtualMachine = topology.RefTo(id("virtualMachines", "gone"))
		}, []check{{"trace a1 tcp " + net + "|443", "Allow NO_NSG if DEFAULT_OUTBOUND_ACCESS"}}},
		{"a virtual network of which only subnets were exported", func(e *estate) {
			v := e.vnets["v1"]
			v.Stub, v.AddressSpace, v.Peerings = true, nil, nil
			e.vnets["v2"].Peerings = e.vnets["v2"].Peerings[1:]
			e.onSubnet("app", e.nsg("g"))
		}, []check{
			{"trace a1 tcp " + d1 + "|443", "Allow NSG_RULE_ALLOW g/65000"},
			{"out a1 tcp " + b1 + "|443", "Unknown"},
			{"out a1 tcp " + net + "|443", "Allow NSG_RULE_ALLOW g/65001"},
		}},
		{"an admin rule whose virtual networks are not named", func(e *estate) {
			r := e.admin("v1", "in 1 Deny Tcp * *|3389", topology.Deny)
			r.VirtualNetworks, r.VirtualNetworksUnknown = nil, true
		}, []check{
			{"trace b1 tcp " + a1 + "|3389", "Unknown"},
			{"trace b1 tcp " + a1 + "|443", "Allow NO_NSG"},
		}},
		{"23 an appliance in the source's own network", func(e *estate) { e.routes("app", "10.1.0.0/16 10.0.0.10") }, []check{
			{"trace a1 tcp " + b1 + "|443", "Allow NO_NSG if NVA_FORWARDS_AND_PERMITS"},
		}},
		{"24 same-region storage along a user route to Internet", func(e *estate) {
			e.subnet("app").DefaultOutboundAccess = topology.Off
			e.routes("app", "Storage.WestEurope Internet")
		}, []check{{"trace a1 tcp " + swe + "|443", "Unknown"}}},

		{"B96 an address without an interface may be a member", func(e *estate) {
			e.asg("db", "d1")
			e.onSubnet("app", e.nsg("g", "out 100 Deny * * asg:db"))
		}, []check{
			{"out a1 tcp " + d1 + "|443", "Deny NSG_RULE_DENY g/100"},
			{"out a1 tcp " + a2 + "|443", "Allow NSG_RULE_ALLOW g/65000"},
			{"out a1 tcp 10.0.2.77|443", "Unknown"},
			{"out a1 tcp " + net + "|443", "Allow NSG_RULE_ALLOW g/65001"},
		}},
		{"B112 a default rule with other content", func(e *estate) {
			g := e.nsg("g")
			g.DefaultRules = topology.DefaultSecurityRules()
			g.DefaultRules[3].Access = topology.Deny // AllowVnetOutBound
			e.onSubnet("app", g)
		}, []check{
			{"out a1 tcp " + d1 + "|443", "Unknown"},
			{"out a1 tcp " + net + "|443", "Allow NSG_RULE_ALLOW g/65001"},
			{"in a1 tcp " + d1 + "|443", "Allow NSG_RULE_ALLOW g/65000"},
		}},
		{"B113 an NSG that was not provisioned", func(e *estate) {
			g := e.nsg("g")
			g.ProvisioningState = "Failed"
			e.onSubnet("app", g)
		}, []check{{"out a1 tcp " + d1 + "|443", "Allow NSG_RULE_ALLOW g/65000 if NOT_SUCCEEDED"}}},
		{"B51 a rule with a property that is not modelled", func(e *estate) {
			g := e.nsg("g", "out 100 Deny Tcp * *|443", "out 200 Deny Tcp * *|80", "out 300 Deny Tcp * *|80")
			for _, r := range g.SecurityRules[:2] {
				r.NotModelled = []topology.Property{{Name: "x", Value: "1"}}
			}
			e.onSubnet("app", g)
		}, []check{
			{"out a1 tcp " + d1 + "|443", "Deny NSG_RULE_DENY g/100 if PROPERTY_NOT_MODELLED"},
			{"out a1 tcp " + d1 + "|80", "Deny NSG_RULE_DENY g/200"},
			{"out a1 tcp " + d1 + "|22", "Allow NSG_RULE_ALLOW g/65000"},
		}},
		{"B118 a dangling NSG", func(e *estate) {
			e.subnet("app").NetworkSecurityGroup = topology.RefTo(id("networkSecurityGroups", "gone"))
			e.onNIC("a1", e.nsg("g", "out 100 Deny * * *|22"))
		}, []check{
			{"trace a1 tcp " + d1 + "|443", "Unknown"},
			{"trace a1 tcp " + d1 + "|22", "Deny NSG_RULE_DENY g/100"},
			{"trace a1 tcp 168.63.129.16|80", "Allow PLATFORM_ADDRESS"},
		}},
		{"B118 an NSG that claims a subnet which says otherwise", func(e *estate) {
			g := e.nsg("g", "out 100 Deny * * *|22")
			g.Subnets = []topology.Ref{e.subnet("app").Ref()}
		}, []check{
			{"out a1 tcp " + d1 + "|22", "Unknown"},
			{"out a1 tcp " + d1 + "|443", "Allow NO_NSG"},
		}},
		{"B118 a dangling subnet", func(e *estate) {
			e.cfg("a1").Subnet = topology.RefTo(id("virtualNetworks", "gone/subnets/app"))
			e.onNIC("a1", e.nsg("g", "out 100 Deny * * *|22"))
		}, []check{
			{"trace a1 tcp " + net + "|443", "Unknown"},
			{"trace a1 tcp " + net + "|22", "Deny NSG_RULE_DENY g/100"},
		}},
		{"B54 expressions in rules", func(e *estate) {
			g := e.nsg("g", "out 100 Deny Tcp * ?", "out 300 Allow Tcp * *|443", "out 400 Deny * * *")
			e.onSubnet("app", g)
		}, []check{
			{"out a1 tcp " + net + "|443", "Unknown"},
			{"out a1 tcp " + net + "|80", "Deny NSG_RULE_DENY g/400"},
			{"out a1 udp " + net + "|80", "Deny NSG_RULE_DENY g/400"},
		}},
		{"B54 a priority that is an expression", func(e *estate) {
			g := e.nsg("g", "out 100 Deny Tcp * *|443", "out 200 Allow * * *")
			g.SecurityRules[0].Unresolved = []string{"priority"}
			e.onSubnet("app", g)
		}, []check{
			{"out a1 tcp " + net + "|443", "Unknown"},
			{"out a1 tcp " + net + "|80", "Allow NSG_RULE_ALLOW g/200"},
		}},
		{"B120 a remote virtual network that does not peer back", func(e *estate) {
			e.vnets["v2"].Peerings = e.vnets["v2"].Peerings[1:]
			e.onSubnet("app", e.nsg("g", "out 100 Allow * * *"))
		}, []check{{"trace a1 tcp " + b1 + "|443", "Deny ROUTE_NONE"}}},
		{"B120 a remote virtual network that is not in the data", func(e *estate) {
			delete(e.vnets, "v2")
			delete(e.nics, "b1")
			e.onSubnet("app", e.nsg("g", "out 100 Deny * * *|22"))
		}, []check{
			{"trace a1 tcp " + b1 + "|443", "Unknown"},
			{"trace a1 tcp " + b1 + "|22", "Deny NSG_RULE_DENY g/100"},
		}},
		{"subnet peering reaches the peered subnets alone", func(e *estate) {
			v := e.vnets["v2"]
			v.Subnets = append(v.Subnets, &topology.Subnet{Element: named("virtualNetworks/v2/subnets", "other"), Prefixes: prefixes("10.1.2.0/24")})
			e.nic("b2", "v2", "other", "10.1.2.4")
			p := e.vnets["v1"].Peerings[0]
			p.PeerCompleteVnets, p.RemoteSubnetNames, p.RemoteAddressSpaceGiven = topology.Off, []string{"B"}, false
		}, []check{
			{"trace a1 tcp " + b1 + "|443", "Allow NO_NSG"},
			{"trace a1 tcp 10.1.2.4|443", "Deny ROUTE_NONE"},
		}},
		{"a private endpoint that only its interface shows", func(e *estate) {
			n := e.nic("pe-nic", "v1", "db", "10.0.2.60")
			n.PrivateEndpoint = topology.RefTo(id("privateEndpoints", "gone"))
			e.onSubnet("db", e.nsg("g", "in 100 Deny * * *"))
		}, []check{{"trace a1 tcp 10.0.2.60|443", "Unknown"}}},
		{"B118 a route table that claims a subnet which says otherwise", func(e *estate) {
			t := e.routes("db", "10.0.1.0/24 None")
			t.Subnets = []topology.Ref{e.subnet("app").Ref()}
			e.subnet("db").RouteTable = topology.Ref{}
		}, []check{
			{"trace a1 tcp " + a2 + "|443", "Unknown"},
			{"trace px udp " + d1 + "|443", "Allow NO_NSG"},
		}},
		{"B123 a next hop to itself", func(e *estate) { e.routes("dmz", "10.0.2.0/24 10.0.0.10") }, []check{
			{"trace nva tcp " + d1 + "|443", "Deny ROUTE_LOOP"},
		}},
		{"B133 an address that two interfaces own", func(e *estate) {
			e.nic("twin", "v1", "db", d1)
			e.onNIC("twin", e.nsg("g", "in 100 Deny * * *|22"))
		}, []check{
			{"trace a1 tcp " + d1 + "|22", "Unknown"},
			{"trace a1 tcp " + d1 + "|443", "Unknown"},
		}},
		{"B135 learned routes that are missing", func(e *estate) {
			g := e.gateway("v1")
			g.LearnedGiven = false
			e.onSubnet("app", e.nsg("g"))
			e.onNIC("a2", e.nsg("h", "out 100 Deny * * VirtualNetwork"))
		}, []check{
			{"out a1 tcp 10.200.0.1|443", "Unknown"},
			{"out a1 tcp " + net + "|443", "Allow NSG_RULE_ALLOW g/65001"},
			{"trace a1 tcp " + net + "|443", "Allow NSG_RULE_ALLOW g/65001 if LEARNED_ROUTES_PRIVATE"},
			{"out a2 tcp " + net + "|443", "Allow NSG_RULE_ALLOW g/65001 if LEARNED_ROUTES_PRIVATE"},
			{"trace a1 tcp " + d1 + "|443", "Allow NSG_RULE_ALLOW g/65000"},
		}},
		{"B135 nothing is missing where all connections are static", func(e *estate) {
			g := e.gateway("v1")
			g.LearnedGiven = false
			l := &topology.LocalNetworkGateway{Element: named("localNetworkGateways", "l"), Prefixes: prefixes("172.20.0.0/16")}
			e.add(l)
			e.add(&topology.GatewayConnection{
				Element: named("connections", "c"), Type: "IPsec", VirtualNetworkGateway: g.Ref(), LocalNetworkGateway: l.Ref(), EnableBGP: topology.Off,
			})
			e.onSubnet("app", e.nsg("g"))
		}, []check{
			{"out a1 tcp 10.200.0.1|443", "Deny NSG_RULE_DENY g/65500"},
			{"out a1 tcp 172.20.0.1|443", "Allow NSG_RULE_ALLOW g/65000"},
		}},
		{"a GatewaySubnet whose gateway was not exported", func(e *estate) {
			v := e.vnets["v1"]
			v.Subnets = append(v.Subnets, &topology.Subnet{Element: named("virtualNetworks/v1/subnets", "GatewaySubnet"), Prefixes: prefixes("10.0.255.0/27")})
			e.onSubnet("app", e.nsg("g"))
		}, []check{{"in a1 tcp 172.20.1.1|3389", "Unknown"}}},
		{"a stale catalogue", func(e *estate) {
			e.options.AsOf = e.options.AsOf.AddDate(0, 3, 0)
			e.onSubnet("app", e.nsg("g", "out 100 Allow Tcp * Storage|443", "out 200 Deny * * *"))
		}, []check{
			{"out a1 tcp " + swe + "|443", "Allow NSG_RULE_ALLOW g/100 if CATALOGUE_CURRENT"},
			{"out a1 tcp " + net + "|443", "Deny NSG_RULE_DENY g/200 if CATALOGUE_CURRENT"},
			{"out a1 tcp " + d1 + "|443", "Deny NSG_RULE_DENY g/200"},
		}},
		{"mail may be blocked by the platform", func(e *estate) {}, []check{
			{"trace a1 tcp " + net + "|25", "Allow NO_NSG if SMTP_NOT_BLOCKED"},
		}},
		{"a design that does not say whether a subnet is private", func(e *estate) { e.subnet("app").Design = true }, []check{
			{"trace a1 tcp " + net + "|443", "Allow NO_NSG if DEFAULT_OUTBOUND_ACCESS"},
		}},
		{"user routes to None are in the tag, which is not sure", func(e *estate) {
			e.onSubnet("app", e.nsg("g"))
			e.routes("app", "10.50.0.0/16 None")
		}, []check{{"out a1 tcp 10.50.0.1|443", "Allow NSG_RULE_ALLOW g/65000 if UDR_PREFIXES_IN_VNET"}}},
		{"IPv6", func(e *estate) {
			v := e.vnets["v1"]
			v.AddressSpace = append(v.AddressSpace, prefixes("fd00:1::/48")...)
			for i, s := range v.Subnets {
				s.Prefixes = append(s.Prefixes, prefixes([]string{"fd00:1::/64", "fd00:1:0:1::/64", "fd00:1:0:2::/64"}[i])...)
			}
			for name, ip := range map[string]string{"a1": "fd00:1:0:1::4", "d1": "fd00:1:0:2::4"} {
				e.nic(name+"six", "v1", map[string]string{"a1": "app", "d1": "db"}[name], ip)
			}
			e.onSubnet("app", e.nsg("g", "out 100 Deny * 0.0.0.0/0 0.0.0.0/0"))
		}, []check{
			{"trace a1six tcp fd00:1:0:2::4|443", "Allow NSG_RULE_ALLOW g/65000"},
			{"out a1six tcp 2603:1000::1|443", "Allow NSG_RULE_ALLOW g/65001"},
			{"out a1six tcp fd00:9::1|443", "Deny NSG_RULE_DENY g/65500"},
			{"trace a1 tcp " + d1 + "|443", "Deny NSG_RULE_DENY g/100"},
		}},
		{"ESP and AH need rules without ports", func(e *estate) {
			e.onSubnet("app", e.nsg("g", "out 100 Deny Esp * *|443", "out 200 Deny Ah * *"))
		}, []check{
			{"out a1 esp " + d1, "Deny NSG_RULE_DENY g/100 if PROPERTY_NOT_MODELLED"},
			{"out a1 ah " + d1, "Deny NSG_RULE_DENY g/200"},
			{"out a1 icmp " + d1, "Allow NSG_RULE_ALLOW g/65000"},
		}},
		{"a private endpoint with NSGs on", func(e *estate) {
			e.subnet("db").PrivateEndpointPolicy = topology.PolicyNSGEnabled
			e.privateEndpoint("db", "10.0.2.50")
			e.onSubnet("db", e.nsg("g", "in 100 Allow Tcp *|1-2 *|443", "in 200 Deny * * *"))
		}, []check{
			{"trace a1 tcp 10.0.2.50|443", "Allow NSG_RULE_ALLOW g/100"},
			{"trace a1 tcp 10.0.2.50|80", "Deny NSG_RULE_DENY g/200"},
			{"trace b1 tcp 10.0.2.50|443", "Allow NSG_RULE_ALLOW g/100"},
		}},
		{"a private endpoint that is not approved", func(e *estate) {
			e.privateEndpoint("db", "10.0.2.50").ConnectionState = "Pending"
		}, []check{{"trace a1 tcp 10.0.2.50|443", "Deny PRIVATE_ENDPOINT_NOT_APPROVED"}}},
		{"a load balancer hands over on the backend port", func(e *estate) {
			e.balancer("Standard", "198.51.100.30", 443, 8443, "a1")
			e.onSubnet("app", e.nsg("g", "in 100 Allow Tcp Internet *|8443"))
		}, []check{
			{"from " + net + " tcp 198.51.100.30|443", "Allow NSG_RULE_ALLOW g/100"},
			{"from " + net + " tcp 198.51.100.30|8443", "Deny LOAD_BALANCER_NO_RULE"},
			{"from " + net + " tcp " + a1 + "|8443", "Allow NSG_RULE_ALLOW g/100"},
			{"from " + net + " tcp " + a1 + "|443", "Deny NO_PUBLIC_ENTRY"},
		}},
		{"a standard load balancer is closed without an NSG", func(e *estate) {
			e.balancer("Standard", "198.51.100.30", 443, 8443, "a1")
		}, []check{{"from " + net + " tcp 198.51.100.30|443", "Deny STANDARD_IP_CLOSED"}}},
		{"a member of an internal standard load balancer has no default outbound", func(e *estate) {
			b := e.balancer("Standard", "198.51.100.30", 443, 8443, "a1")
			b.Frontends[0].PublicIPAddress = topology.Ref{}
			b.Frontends[0].Subnet, b.Frontends[0].PrivateIPAddress = e.subnet("app").Ref(), addr("10.0.1.30")
		}, []check{
			{"trace a1 tcp " + net + "|443", "Deny NO_EGRESS"},
			{"trace a2 tcp " + net + "|443", "Allow NO_NSG"},
			{"trace d1 tcp 10.0.1.30|443", "Allow NO_NSG"},
		}},
		{"UDR VirtualAppliance at a load balancer's frontend", func(e *estate) {
			b := e.balancer("Standard", "198.51.100.30", 0, 0, "nva")
			b.Frontends[0].PublicIPAddress = topology.Ref{}
			b.Frontends[0].Subnet, b.Frontends[0].PrivateIPAddress = e.subnet("dmz").Ref(), addr("10.0.0.30")
			b.Rules[0].Protocol = topology.AnyProtocol
			e.routes("app", "10.0.2.0/24 10.0.0.30")
		}, []check{{"trace a1 tcp " + d1 + "|443", "Allow NO_NSG if NVA_FORWARDS_AND_PERMITS"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newFixture()
			tt.build(e)
			e.verify(t, tt.checks...)
		})
	}
}

// An NSG alone, without its virtual network (5, 15).
func TestNSGAlone(t *testing.T) {
	tests := []struct {
		name   string
		rules  []string
		given  []netip.Prefix
		d      topology.Direction
		packet string
		want   string
	}{
		{"a public remote is taken to be outside", []string{"out 100 Deny * * VirtualNetwork"}, nil, topology.Outbound, "tcp 10.9.0.4 203.0.113.10|443",
			"Allow NSG_RULE_ALLOW alone/65001 if VNET_SPACE_PRIVATE"},
		{"when both ways allow it is certain", nil, nil, topology.Outbound, "tcp 10.9.0.4 203.0.113.10|443", "Allow NSG_RULE_ALLOW alone/65001"},
		{"a private remote may be inside", nil, nil, topology.Outbound, "tcp 10.9.0.4 10.200.0.1|443", "Unknown"},
		{"the given content settles it", nil, prefixes("10.9.0.0/16"), topology.Outbound, "tcp 10.9.0.4 10.200.0.1|443", "Deny NSG_RULE_DENY alone/65500"},
		{"and holds nothing else", nil, prefixes("10.9.0.0/16"), topology.Outbound, "tcp 10.9.0.4 10.9.200.1|443", "Allow NSG_RULE_ALLOW alone/65000"},
		{"the local address is inside", []string{"in 100 Deny * * VirtualNetwork"}, nil, topology.Inbound, "tcp 203.0.113.10 10.9.0.4|443", "Deny NSG_RULE_DENY alone/100"},
		{"in a full estate the scope is that of the local address's subnet", nil, nil, topology.Outbound, "tcp 10.0.1.77 10.200.0.1|443", "Deny NSG_RULE_DENY alone/65500"},
		{"platform traffic", []string{"out 100 Deny * * *"}, nil, topology.Outbound, "tcp 10.9.0.4 168.63.129.16|53", "Allow PLATFORM_ADDRESS"},
		{"a group of an NSG alone", []string{"out 100 Deny * * asg:x"}, nil, topology.Outbound, "tcp 10.9.0.4 203.0.113.10|443",
			"Allow NSG_RULE_ALLOW alone/65001 if VNET_SPACE_PRIVATE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newFixture()
			e.options.VirtualNetwork = tt.given
			g := e.nsg("alone", tt.rules...)
			a := e.build(t).IPFlow(Place{Group: g}, tt.d, tuple(tt.packet))
			got := told(a)
			if a.Verdict == flow.Unknown {
				got = "Unknown"
			}
			if a.Strict != a.Verdict {
				got += " if " + string(a.Assumptions[0].ID)
			}
			if got != tt.want {
				t.Errorf("%s, want %s (open: %q)", got, tt.want, a.Unknowns)
			}
		})
	}
}

// A firewall with one DNAT rule, 443 to a1:8443.
func TestTranslationByAFirewall(t *testing.T) {
	layout := func(e *estate, rules ...string) {
		v := e.vnets["v1"]
		v.Subnets = append(v.Subnets, &topology.Subnet{Element: named("virtualNetworks/v1/subnets", "AzureFirewallSubnet"), Prefixes: prefixes("10.0.254.0/26")})
		p := &topology.PublicIPAddress{Element: named("publicIPAddresses", "pip-fw"), IPAddress: addr("198.51.100.40"), SKU: "Standard"}
		e.add(p)
		e.add(&topology.AzureFirewall{
			Element: named("azureFirewalls", "fw"), Subnet: e.subnet("AzureFirewallSubnet").Ref(), PrivateIPAddress: addr("10.0.254.4"), PublicIPs: []topology.Ref{p.Ref()},
			Collections: []*topology.RuleCollection{{Kind: topology.NATCollection, Priority: 100, Rules: []*topology.FirewallRule{{
				Protocols: []topology.Protocol{topology.TCP}, Sources: matchOf("*").Prefixes, Destinations: matchOf("198.51.100.40").Prefixes,
				Ports: []topology.PortRange{{First: 443, Last: 443}}, Translated: addr(a1), TranslatedPort: 8443,
			}}}},
		})
		e.onSubnet("app", e.nsg("g", rules...))
	}
	tests := []struct {
		name  string
		rules []string
		udr   []string
		ask   string
		want  string
	}{
		{"both possible sources are let in", []string{"in 100 Allow Tcp * *|8443", "in 200 Deny * * *"}, nil, "from " + net + " tcp 198.51.100.40|443", "Allow NSG_RULE_ALLOW g/100"},
		{"by its arrival", []string{"in 100 Allow Tcp * *|8443", "in 200 Deny * * *"}, nil, "from " + net + " tcp " + a1 + "|8443", "Allow NSG_RULE_ALLOW g/100"},
		{"one of them alone", []string{"in 100 Allow Tcp Internet *|8443", "in 200 Deny * * *"}, nil, "from " + net + " tcp 198.51.100.40|443", "Unknown"},
		{"neither", []string{"in 200 Deny * * *"}, nil, "from " + net + " tcp 198.51.100.40|443", "Deny NSG_RULE_DENY g/200"},
		{"another port", nil, nil, "from " + net + " tcp 198.51.100.40|80", "Deny FIREWALL_DEFAULT_DENY"},
		{"replies through the firewall are fine", []string{"in 100 Allow Tcp * *|8443"}, []string{"0.0.0.0/0 10.0.254.4"}, "from " + net + " tcp 198.51.100.40|443", "Allow NSG_RULE_ALLOW g/100"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newFixture()
			layout(e, tt.rules...)
			if tt.udr != nil {
				e.routes("app", tt.udr...)
			}
			e.verify(t, check{tt.ask, tt.want})
		})
	}
}

func TestFirewallRules(t *testing.T) {
	collection := func(kind topology.CollectionKind, priority int, access topology.Access, rules ...*topology.FirewallRule) *topology.RuleCollection {
		return &topology.RuleCollection{Kind: kind, Priority: priority, Action: access, Rules: rules}
	}
	star := []topology.AddressPrefix{addressOf("*")}
	network := func(p topology.Protocol, first, last uint16) *topology.FirewallRule {
		return &topology.FirewallRule{Protocols: []topology.Protocol{p}, Sources: star, Destinations: star, Ports: []topology.PortRange{{First: first, Last: last}}}
	}
	application := func(port int, hosts ...string) *topology.FirewallRule {
		return &topology.FirewallRule{Sources: star, Application: []topology.ApplicationProtocol{{Type: "Https", Port: port}}, TargetFQDNs: hosts}
	}
	const n, app = topology.NetworkCollection, topology.ApplicationCollection
	tests := []struct {
		name        string
		collections []*topology.RuleCollection
		packet      string
		host        string
		verdict     flow.Verdict
		code        flow.Code
	}{
		{"G77 a network match ends it", []*topology.RuleCollection{
			collection(app, 100, topology.Deny, application(443, "google.com")), collection(n, 200, topology.Allow, network(topology.TCP, 80, 443)),
		}, "tcp 10.0.1.4 142.250.0.1|443", "google.com", flow.Allow, flow.FirewallRuleAllow},
		{"G78 by priority of the collection", []*topology.RuleCollection{
			collection(n, 200, topology.Allow, network(topology.TCP, 22, 22)), collection(n, 100, topology.Deny, network(topology.TCP, 22, 22)),
		}, "tcp 10.0.1.4 142.250.0.1|22", "", flow.Deny, flow.FirewallRuleDeny},
		{"G79 a port that no rule has", []*topology.RuleCollection{collection(app, 100, topology.Allow, application(443, "x"))},
			"tcp 10.0.1.4 142.250.0.1|8443", "x", flow.Deny, flow.FirewallDefaultDeny},
		{"a host that a pattern names", []*topology.RuleCollection{collection(app, 100, topology.Allow, application(443, "*.blob.core.windows.net"))},
			"tcp 10.0.1.4 20.60.26.10|443", "a.blob.core.windows.net", flow.Allow, flow.FirewallRuleAllow},
		{"a host that is not known", []*topology.RuleCollection{collection(app, 100, topology.Allow, application(443, "*.blob.core.windows.net"))},
			"tcp 10.0.1.4 20.60.26.10|443", "", flow.Unknown, ""},
		{"protocol Any with a port is TCP and UDP", []*topology.RuleCollection{collection(n, 100, topology.Allow, network(topology.AnyProtocol, 443, 443))},
			"icmp 10.0.1.4 20.60.26.10", "", flow.Deny, flow.FirewallDefaultDeny},
		{"protocol Any without one is every protocol", []*topology.RuleCollection{collection(n, 100, topology.Allow, network(topology.AnyProtocol, 0, 65535))},
			"icmp 10.0.1.4 20.60.26.10", "", flow.Allow, flow.FirewallRuleAllow},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newFixture()
			v := e.vnets["v1"]
			v.Subnets = append(v.Subnets, &topology.Subnet{Element: named("virtualNetworks/v1/subnets", "AzureFirewallSubnet"), Prefixes: prefixes("10.0.254.0/26")})
			f := &topology.AzureFirewall{
				Element: named("azureFirewalls", "fw"), Subnet: e.subnet("AzureFirewallSubnet").Ref(), PrivateIPAddress: addr("10.0.254.4"),
				Collections: tt.collections,
			}
			p := &topology.PublicIPAddress{Element: named("publicIPAddresses", "pip-fw"), IPAddress: addr("198.51.100.40"), SKU: "Standard"}
			f.PublicIPs = []topology.Ref{p.Ref()}
			e.add(f)
			e.add(p)
			e.routes("app", "0.0.0.0/0 10.0.254.4")
			o := e.build(t)
			packet := tuple(tt.packet)
			if a := o.Firewall(f, packet, tt.host); a.Verdict != tt.verdict || tt.code != "" && a.Code != tt.code {
				t.Errorf("rules alone: %v %s, want %v %s (open: %q)", a.Verdict, a.Code, tt.verdict, tt.code, a.Unknowns)
			}
			if packet.Protocol != topology.TCP {
				return
			}
			if a := o.Trace(Question{From: e.cfg("a1"), Packet: packet, Host: tt.host}); a.Verdict != tt.verdict {
				t.Errorf("on the way: %v %s, want %v (open: %q)", a.Verdict, a.Code, tt.verdict, a.Unknowns)
			}
		})
	}
}

// The proxy layout of the 2018 article: G80–G86.
func TestProxyLegs(t *testing.T) {
	layout := func(e *estate) (client, proxy *topology.VirtualMachine) {
		e.onSubnet("app", e.nsg("app", "out 100 Deny * * Internet"))
		e.onSubnet("dmz", e.nsg("dmz", "out 200 Allow Tcp 10.0.0.5/32 Internet|80-443", "out 300 Deny * * Internet"))
		client = &topology.VirtualMachine{Element: named("virtualMachines", "a1"), NetworkInterfaces: []topology.Ref{e.nics["a1"].Ref()}}
		client.Proxy = &topology.ProxySetting{Host: px, Port: 8080, Scope: "system"}
		proxy = &topology.VirtualMachine{Element: named("virtualMachines", "px"), NetworkInterfaces: []topology.Ref{e.nics["px"].Ref()}}
		proxy.ProxyServer = &topology.ProxyServer{Port: 8080, Authentication: "none", AnyHost: true}
		e.add(client)
		e.add(proxy)
		return client, proxy
	}
	tests := []struct {
		name   string
		change func(e *estate, client, proxy *topology.VirtualMachine)
		port   string
		want   string
	}{
		{"G80 through the proxy", func(*estate, *topology.VirtualMachine, *topology.VirtualMachine) {}, "443", "Allow NSG_RULE_ALLOW dmz/200 if HOST_FIREWALL_OPEN"},
		{"G81 without a proxy setting", func(_ *estate, c, _ *topology.VirtualMachine) { c.Proxy = nil }, "443", "Deny NSG_RULE_DENY app/100"},
		{"a user's own setting does not count", func(_ *estate, c, _ *topology.VirtualMachine) { c.Proxy.Scope = "user" }, "443", "Deny NSG_RULE_DENY app/100"},
		{"G83 a port beyond the rule", func(*estate, *topology.VirtualMachine, *topology.VirtualMachine) {}, "8443", "Deny NSG_RULE_DENY dmz/300"},
		{"G84 the proxy's own NSG", func(e *estate, _, _ *topology.VirtualMachine) {
			e.onNIC("px", e.nsg("px", "in 100 Deny * VirtualNetwork *|8080"))
		}, "443", "Deny NSG_RULE_DENY px/100"},
		{"G85 authentication", func(_ *estate, _, p *topology.VirtualMachine) { p.ProxyServer.Authentication = "required" }, "443", "Deny PROXY_AUTH_REQUIRED"},
		{"G86 the allow list", func(_ *estate, _, p *topology.VirtualMachine) {
			p.ProxyServer.AnyHost, p.ProxyServer.AllowHosts = false, []string{"*.backup.windowsazure.com"}
		}, "443", "Deny PROXY_HOST_NOT_ALLOWED"},
		{"another port", func(_ *estate, _, p *topology.VirtualMachine) { p.ProxyServer.Port = 3128 }, "443", "Deny PROXY_NOT_LISTENING"},
		{"the guest's firewall lets the port in", func(_ *estate, _, p *topology.VirtualMachine) {
			p.HostFirewall = &topology.HostFirewall{InboundDefault: topology.Deny, Inbound: []*topology.HostFirewallRule{{
				Access: topology.Allow, Protocol: topology.TCP, LocalPorts: []topology.PortRange{{First: 8080, Last: 8080}}, Remote: matchOf("10.0.0.0/16").Prefixes,
			}}}
		}, "443", "Allow NSG_RULE_ALLOW dmz/200"},
		{"or not", func(_ *estate, _, p *topology.VirtualMachine) {
			p.HostFirewall = &topology.HostFirewall{InboundDefault: topology.Deny}
		}, "443", "Deny HOST_FIREWALL_DENY"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newFixture()
			client, proxy := layout(e)
			tt.change(e, client, proxy)
			packet := tuple("tcp " + a1 + " " + swe + "|" + tt.port)
			a := e.build(t).Trace(Question{From: e.cfg("a1"), Packet: packet, Host: "store.blob.core.windows.net"})
			got := told(a)
			if a.Strict != a.Verdict {
				got += " if " + string(a.Assumptions[0].ID)
			}
			if got != tt.want {
				t.Errorf("%s, want %s (open: %q)", got, tt.want, a.Unknowns)
			}
		})
	}
}

// A question must have as many completions as its open facts allow, no more.
func TestCompletionsAreExact(t *testing.T) {
	e := newFixture()
	e.data.ServiceTags = nil
	e.onSubnet("app", e.nsg("g", "out 100 Allow * * X", "out 200 Deny * * X", "out 300 Allow * * Y", "out 400 Deny * * *"))
	a := e.ask(e.build(t), "out a1 tcp "+net+"|443")
	if a.Verdict != flow.Unknown {
		t.Fatalf("%v, want Unknown", a.Verdict)
	}
	// One fact asked twice is one fact: 200 is never reached where X holds the address.
	e = newFixture()
	e.data.ServiceTags = nil
	e.onSubnet("app", e.nsg("g", "out 100 Allow * * X", "out 200 Deny * * X", "out 300 Allow * * *"))
	a = e.ask(e.build(t), "out a1 tcp "+net+"|443")
	var names []string
	for _, d := range a.Deciders {
		names = append(names, d.RuleName)
	}
	if a.Verdict != flow.Allow || !slices.Equal(names, []string{"300", "100"}) {
		t.Errorf("%v by %v, want Allow by 300 or 100", a.Verdict, names)
	}
}
