package lint

import "testing"

// routed is a network whose subnet app has the routes and the rules.
func routed(routes, rules string) string {
	return `virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app, routeTable: rt-app}
      - {name: other, addressPrefix: 10.0.2.0/24, networkSecurityGroup: nsg-other}
      - {name: hub, addressPrefix: 10.0.0.0/24}
routeTables:
  - name: rt-app
    routes:
` + routes + `
networkSecurityGroups:
  - name: nsg-app
    securityRules:
` + rules + `
  - name: nsg-other
    securityRules:
      - {name: allow-vnet, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: VirtualNetwork, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "443"}
`
}

const (
	allowVnetIn   = `      - {name: allow-vnet, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: VirtualNetwork, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "443"}`
	denyVnetOut   = `      - {name: deny-vnet, priority: 4000, direction: Outbound, access: Deny, protocol: "*", sourceAddressPrefix: VirtualNetwork, sourcePortRange: "*", destinationAddressPrefix: VirtualNetwork, destinationPortRange: "*"}`
	denyAllIn     = `      - {name: deny-all, priority: 4096, direction: Inbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "*"}`
	toNVA         = `      - {name: to-nva, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.0.10}`
	privateRoutes = `      - {name: to-branch, addressPrefix: 192.168.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.0.10}`
)

func TestTheTagVirtualNetworkIsWidenedByPublicRoutes(t *testing.T) {
	for _, tt := range []struct {
		name, routes, rules string
		want                []string
	}{
		{"default route", toNVA, allowVnetIn + "\n" + denyAllIn, []string{`warning rule "allow-vnet" (Inbound, 100, Allow) names VirtualNetwork, which holds the whole Internet at subnet v1/app`}},
		{"the default rules alone are a note", toNVA, denyVnetOut, []string{
			"note the default rule AllowVnetInBound of nsg-app names VirtualNetwork, which holds the whole Internet", `warning rule "deny-vnet" (Outbound, 4000, Deny)`}},
		{"two halves of it", `      - {name: a, addressPrefix: 0.0.0.0/1, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.0.10}
      - {name: b, addressPrefix: 128.0.0.0/1, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.0.10}`, allowVnetIn + "\n" + denyAllIn, []string{"holds the whole Internet"}},
		{"a part of the Internet", `      - {name: a, addressPrefix: 20.60.26.0/23, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.0.10}`, allowVnetIn + "\n" + denyAllIn, []string{"holds 512 public addresses (20.60.26.0/23)"}},
		{"private routes widen nothing public", privateRoutes, allowVnetIn, nil},
		{"only the remote side counts", toNVA, `      - {name: in, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: 10.0.2.0/24, sourcePortRange: "*", destinationAddressPrefix: VirtualNetwork, destinationPortRange: "443"}` + "\n" + denyAllIn, nil},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, design(t, "NP1101", routed(tt.routes, tt.rules)), tt.want...) })
	}
}

func TestADefaultRouteThatAGatewayLearnsWidensTheTagEverywhere(t *testing.T) {
	text := routed(privateRoutes, allowVnetIn+"\n"+denyAllIn)
	gateway := func(prefixes string) string {
		return "virtualNetworkGateways: [{name: gw, virtualNetwork: v1, learnedPrefixes: [" + prefixes + "]}]\n"
	}
	expect(t, design(t, "NP1101", text+gateway("0.0.0.0/0")),
		`warning rule "allow-vnet" (Inbound, 100, Allow) names VirtualNetwork, which holds the whole Internet at subnet v1/app`,
		"note the default rule AllowVnetInBound of nsg-other", "holds the whole Internet at subnet v1/other")
	expect(t, design(t, "NP1101", text+gateway("203.0.113.0/24")))
}
