package lint

import "testing"

// inbound is an NSG, at a subnet of a network, with an inbound rule for each
// list of sources.
func inbound(access string, sources ...string) string {
	out := `virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets: [{name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app}]
networkSecurityGroups:
  - name: nsg-app
    securityRules:
`
	for i, s := range sources {
		n := string(rune('0' + i))
		out += `      - {name: r` + n + `, priority: 10` + n + `, direction: Inbound, access: ` + access + `, protocol: Tcp, sourceAddressPrefixes: [` + s + `], sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "443"}` + "\n"
	}
	return out
}

func TestTheInternetInDisguiseIsFound(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"two halves", inbound("Allow", "0.0.0.0/1, 128.0.0.0/1"), []string{`warning rule "r0" (Inbound, 100, Allow) allows traffic from the whole Internet, written as 0.0.0.0/1, 128.0.0.0/1`}},
		{"without what is private", inbound("Allow", "1.0.0.0/8, 2.0.0.0/7, 4.0.0.0/6, 8.0.0.0/7, 11.0.0.0/8, 12.0.0.0/6, 16.0.0.0/4, 32.0.0.0/3, 64.0.0.0/2, 128.0.0.0/2, 192.0.0.0/3"), []string{"allows traffic from the whole Internet"}},
		{"two rules", inbound("Allow", "0.0.0.0/1", "128.0.0.0/1"), []string{`warning the Inbound rules "r0", "r1" together allow traffic from the whole Internet`}},
		{"quarters in four rules", inbound("Allow", "0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/2", "192.0.0.0/2"), []string{`the Inbound rules "r0", "r1", "r2" and 1 more together allow traffic from the whole Internet`}},
		{"half of it", inbound("Allow", "0.0.0.0/1"), []string{`rule "r0" (Inbound, 100, Allow) allows traffic from most of the Internet (2,092,957,696 addresses), written as 0.0.0.0/1`}},
		{"a deny is a note", inbound("Deny", "0.0.0.0/1, 128.0.0.0/1"), []string{"note rule"}},
		{"a quarter", inbound("Allow", "0.0.0.0/2"), nil},
		{"written so that it shows", inbound("Allow", "0.0.0.0/0"), nil},
		{"a default route in halves", `routeTables:
  - name: rt
    routes:
      - {name: a, addressPrefix: 0.0.0.0/1, nextHopType: Internet}
      - {name: b, addressPrefix: 128.0.0.0/1, nextHopType: Internet}
`, []string{"note 2 routes of rt together are a default route: 0.0.0.0/1, 128.0.0.0/1"}},
		{"a default route", `routeTables: [{name: rt, routes: [{name: a, addressPrefix: 0.0.0.0/0, nextHopType: Internet}]}]`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, design(t, "NP1108", tt.text), tt.want...) })
	}
}
