package lint

import "testing"

func TestAddressesBesideTheirTagAreFound(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"two rules that differ in nothing else", outbound("Storage", "20.60.26.0/24, 203.0.113.0/24"), []string{`warning rule "r1" (Outbound, 101, Allow) lists 20.60.26.0/24 of the service tag Storage, which rule "r0" (Outbound, 100, Allow) names for the same traffic`}},
		{"the tag holds only a part", outbound("Storage.WestEurope", "20.60.26.0/22, 203.0.113.0/24"), nil},
		{"another tag", outbound("AzureBackup", "20.60.26.0/24"), nil},
		{"a route and a route to a tag with one next hop", `routeTables:
  - name: rt
    routes:
      - {name: tag, addressPrefix: Storage, nextHopType: Internet}
      - {name: block, addressPrefix: 20.60.40.0/24, nextHopType: Internet}
      - {name: other, addressPrefix: 20.60.41.0/24, nextHopType: None}
`, []string{`route "block" to 20.60.40.0/24 has the next hop of route "tag" to the service tag Storage`}},
		{"a firewall rule", `virtualNetworks: [{name: v1, addressPrefixes: [10.0.0.0/16], subnets: [{name: AzureFirewallSubnet, addressPrefix: 10.0.255.0/24}]}]
azureFirewalls:
  - name: fw1
    subnet: v1/AzureFirewallSubnet
    privateIPAddress: 10.0.255.4
    networkRuleCollections:
      - {name: net, priority: 200, action: Allow, rules: [{name: web, protocols: [TCP], sourceAddresses: ["*"], destinationAddresses: [Storage.WestEurope, 20.60.27.0/24], destinationPorts: ["443"]}]}
`, []string{`firewall rule "web" lists 20.60.27.0/24 beside the service tag Storage.WestEurope`}},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, design(t, "NP1104", tt.text), tt.want...) })
	}
}
