package lint

import (
	"context"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// hubAndSpoke is a network with a subnet hub, where an appliance stands, and
// subnets app and db.
func hubAndSpoke(appRoutes, dbRoutes, appliance, more string) string {
	table := func(name, routes string) string {
		return "  - name: " + name + "\n    routes: [" + routes + "]\n"
	}
	return `virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: hub, addressPrefix: 10.0.0.0/24}
      - {name: app, addressPrefix: 10.0.1.0/24, routeTable: rt-app}
      - {name: db, addressPrefix: 10.0.2.0/24, routeTable: rt-db}
routeTables:
` + table("rt-app", appRoutes) + table("rt-db", dbRoutes) + `networkInterfaces:
  - {name: nva-nic, subnet: v1/hub, privateIPAddress: 10.0.0.10` + appliance + `}
  - {name: app1-nic, subnet: v1/app, privateIPAddress: 10.0.1.4}
  - {name: db1-nic, subnet: v1/db, privateIPAddress: 10.0.2.4}
` + more
}

const forwards = ", enableIPForwarding: true"

func through(name, prefix, ip string) string {
	return "{name: " + name + ", addressPrefix: " + prefix + ", nextHopType: VirtualAppliance, nextHopIpAddress: " + ip + "}"
}

func TestANextHopThatDoesNotForwardIsFound(t *testing.T) {
	cut := strings.Replace(hubAndSpoke(through("a", "192.168.0.0/16", "10.0.0.99"), "", forwards, ""), "\nnetworkInterfaces:", "\nignored:", 1)
	cut = cut[:strings.Index(cut, "ignored:")]
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"it forwards", hubAndSpoke(through("a", "192.168.0.0/16", "10.0.0.10"), "", forwards, ""), nil},
		{"it does not", hubAndSpoke(through("a", "192.168.0.0/16", "10.0.0.10"), "", "", ""), []string{`error route "a" sends "192.168.0.0/16" to 10.0.0.10, and interface nva-nic, which has that address, does not forward`}},
		{"nothing owns it", hubAndSpoke(through("a", "192.168.0.0/16", "10.0.0.99"), "", forwards, ""), []string{`warning route "a" sends "192.168.0.0/16" to 10.0.0.99, which no interface, load balancer or firewall in the data owns`}},
		{"no interface is in the data", cut, []string{"note? "}},
		{"out of reach", hubAndSpoke(through("a", "192.168.0.0/16", "10.9.0.4"), "", forwards, ""), []string{`10.9.0.4, which is in no virtual network that v1 reaches directly`}},
		{"an internal load balancer", hubAndSpoke(through("a", "192.168.0.0/16", "10.0.0.20"), "", forwards, "loadBalancers: [{name: lb, sku: Standard, frontendIPConfigurations: [{name: fe, subnet: v1/hub, privateIPAddress: 10.0.0.20}]}]\n"), nil},
		{"a firewall that may not be in the data", strings.ReplaceAll(strings.Replace(hubAndSpoke(through("a", "192.168.0.0/16", "10.0.0.99"), "", forwards, ""), "name: hub,", "name: AzureFirewallSubnet,", 1), "v1/hub", "v1/AzureFirewallSubnet"), []string{"note? "}},
		{"a firewall", strings.Replace(hubAndSpoke(through("a", "192.168.0.0/16", "10.0.3.4"), "", forwards, "azureFirewalls: [{name: fw, subnet: v1/AzureFirewallSubnet, privateIPAddress: 10.0.3.4}]\n"), "    subnets:\n", "    subnets:\n      - {name: AzureFirewallSubnet, addressPrefix: 10.0.3.0/24}\n", 1), nil},
		{"a table that no subnet has", hubAndSpoke("", "", "", "") + "  - {name: x, subnet: v1/app, privateIPAddress: 10.0.1.9}\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, design(t, "NP1204", tt.text), tt.want...) })
	}
}

func TestRepliesThatPassNoApplianceAreFound(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"one way only", hubAndSpoke(through("to-db", "10.0.2.0/24", "10.0.0.10"), "", forwards, ""), []string{`warning route "to-db" sends packets of subnet v1/app for v1/db through 10.0.0.10, and the replies come straight back (10.0.2.4 to 10.0.1.4 by VnetLocal)`}},
		{"both ways", hubAndSpoke(through("to-db", "10.0.2.0/24", "10.0.0.10"), through("to-app", "10.0.1.0/24", "10.0.0.10"), forwards, ""), nil},
		{"back by a wider route, which is not taken", hubAndSpoke(through("to-db", "10.0.2.0/24", "10.0.0.10"), through("to-app", "10.0.0.0/8", "10.0.0.10"), forwards, ""), []string{"come straight back"}},
		{"a wider route is not taken there either", hubAndSpoke(through("all", "10.0.0.0/8", "10.0.0.10"), "", forwards, ""), nil},
		{"to the appliance itself", hubAndSpoke(through("to-hub", "10.0.0.0/24", "10.0.0.10"), "", forwards, ""), nil},
		{"an appliance that is not in the data", hubAndSpoke(through("to-db", "10.0.2.0/24", "10.0.0.99"), "", forwards, ""), nil},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, design(t, "NP1205", tt.text), tt.want...) })
	}
}

func TestConnectionsFromTheInternetWhoseRepliesTakeAnotherWayAreFound(t *testing.T) {
	text := func(routes, rules string) string {
		return `virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24, routeTable: rt, networkSecurityGroup: nsg}
      - {name: hub, addressPrefix: 10.0.0.0/24}
routeTables: [{name: rt, routes: [` + routes + `]}]
networkSecurityGroups:
  - name: nsg
    securityRules:
` + rules + `
networkInterfaces:
  - {name: nva-nic, subnet: v1/hub, privateIPAddress: 10.0.0.10, enableIPForwarding: true}
  - {name: app1-nic, subnet: v1/app, privateIPAddress: 10.0.1.4, publicIPAddress: {ipAddress: 198.51.100.9, sku: Standard}}
`
	}
	all := through("all", "0.0.0.0/0", "10.0.0.10")
	expect(t, design(t, "NP1205", text(all, allowVnetIn)), "error connections from the whole Internet to machine app1-nic (10.0.1.4) on tcp/443 are let in, but replies leave v1/app another way: none of them stands")
	expect(t, design(t, "NP1205", text(all, denyAllIn)))
	expect(t, design(t, "NP1205", text(through("some", "192.168.0.0/16", "10.0.0.10"), in("web", 100, "Allow", "Internet", `"*"`, "443"))))
	expect(t, design(t, "NP1205", text(through("some", "203.0.113.0/24", "10.0.0.10"), in("web", 100, "Allow", "Internet", `"*"`, "80"))), "error connections from 256 public addresses (203.0.113.0/24) to machine app1-nic (10.0.1.4) on tcp/")
}

func TestAPeeringThatIsHalfDoneIsFound(t *testing.T) {
	text := func(a, b string) string {
		side := func(name, prefix, peering string) string {
			if peering == "" {
				return "  - {name: " + name + ", addressPrefixes: [" + prefix + "]}\n"
			}
			return "  - {name: " + name + ", addressPrefixes: [" + prefix + "], virtualNetworkPeerings: [{" + peering + "}]}\n"
		}
		return "virtualNetworks:\n" + side("v1", "10.0.0.0/16", a) + side("v2", "10.1.0.0/16", b)
	}
	to1, to2 := "name: to-v1, remoteVirtualNetwork: v1", "name: to-v2, remoteVirtualNetwork: v2"
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"both sides", text(to2, to1), nil},
		{"one side", text(to2, ""), []string{`error peering "to-v2" of v1 leads to v2, which has no peering back: there is no link`}},
		{"disconnected", text(to2, to1+", peeringState: Disconnected"), []string{`error peering "to-v1" of v2 with v1 is Disconnected: there is no link`}},
		{"initiated and missing", text(to2+", peeringState: Initiated", ""), []string{"is Initiated: there is no link"}},
		{"access off on one side", text(to2+", allowVirtualNetworkAccess: false", to1), []string{`warning peering "to-v2" of v1 does not allow access to v2, and the side of v2 does`}},
		{"access off on both", text(to2+", allowVirtualNetworkAccess: false", to1+", allowVirtualNetworkAccess: false"), nil},
		{"gateways that are not offered", text(to2+", useRemoteGateways: true", to1), []string{"uses the gateways of v2, whose side does not allow gateway transit"}},
		{"gateways that are", text(to2+", useRemoteGateways: true", to1+", allowGatewayTransit: true"), nil},
		{"an address space that has grown", text(to2+", remoteAddressPrefixes: [10.1.0.0/17]", to1), []string{"has another address space of v2 than it has: without 10.1.128.0/17"}},
		{"an address space that has shrunk", text(to2+", remoteAddressPrefixes: [10.1.0.0/16, 10.2.0.0/16]", to1), []string{"10.2.0.0/16 is there no more"}},
		{"some subnets only", text(to2+", peerCompleteVnets: false, remoteSubnetNames: [x], remoteAddressPrefixes: [10.1.0.0/24]", to1+", peerCompleteVnets: false, remoteSubnetNames: [y], remoteAddressPrefixes: [10.0.0.0/24]"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, design(t, "NP1206", tt.text), tt.want...) })
	}
}

// A trace of the packets that a finding shows says the same, where they pass at
// all.
func TestWhatComesStraightBackIsWhatATraceCallsAsymmetric(t *testing.T) {
	example := regexp.MustCompile(`\((\S+) to (\S+) by \w+\)`)
	passed := 0
	for seed := range uint64(150) {
		n, _ := estategen.Random(rand.New(rand.NewPCG(seed, 11)), estategen.Options{Without: estategen.All &^ estategen.Certain})
		s, err := sim.New(n, sim.Options{AsOf: estategen.CatalogueDate})
		if err != nil {
			t.Fatal(err)
		}
		report, err := Lint(context.Background(), s, Options{Only: []string{"NP1205"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range report.Findings {
			m := example.FindStringSubmatch(f.Text)
			if m == nil {
				continue // from the Internet
			}
			for _, port := range []uint16{443, 80, 22} {
				tr, err := s.Trace(sim.TraceQuestion{From: m[2], To: m[1], Protocol: topology.TCP, Port: port, NoProxy: true})
				if err != nil || tr.Verdict != flow.Allow {
					continue
				}
				passed++
				notes := strings.Join(tr.Notes, "\n")
				for _, p := range tr.Parts {
					notes += strings.Join(p.Notes, "\n")
				}
				if !strings.Contains(notes, "the way back is asymmetric") {
					t.Errorf("seed %d: %s; the trace to port %d notes %q", seed, f.Text, port, notes)
				}
			}
		}
	}
	if passed < 50 {
		t.Errorf("only %d traces passed", passed)
	}
}
