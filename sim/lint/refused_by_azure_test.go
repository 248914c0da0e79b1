package lint

import (
	"fmt"
	"strings"
	"testing"
)

func TestWhatAzureRefusesIsFound(t *testing.T) {
	rename := func(text string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(text) }
	machines := func(groups string) string {
		return `  - name: v2
    addressPrefixes: [10.1.0.0/16]
    subnets: [{name: app, addressPrefix: 10.1.1.0/24}]
applicationSecurityGroups: [{name: asg-a}, {name: asg-b}]
networkInterfaces:
  - {name: n1, subnet: v1/app, privateIPAddress: 10.0.1.4, applicationSecurityGroups: [asg-a]}
  - {name: n2, subnet: v2/app, privateIPAddress: 10.1.1.4, applicationSecurityGroups: [` + groups + `]}
networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: r0, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceApplicationSecurityGroups: [asg-a], sourcePortRange: "*", destinationApplicationSecurityGroups: [asg-b], destinationPortRange: "443"}
`
	}
	networks := "virtualNetworks:\n  - {name: v1, addressPrefixes: [10.0.0.0/16], subnets: [{name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app}]}\n"
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"a priority twice", rename(outbound("Internet", "Storage"), "priority: 101", "priority: 100"), []string{`error rules "r0" and "r1" of nsg-app have the same priority 100 for Outbound traffic (SecurityRuleConflict)`}},
		{"a priority once in each direction", rename(inbound("Allow", "203.0.113.0/24", "198.51.100.0/24"), "name: r1, priority: 101, direction: Inbound", "name: r1, priority: 100, direction: Outbound"), nil},
		{"host bits", outbound("20.60.26.5/23"), []string{`error rule "r0" (Outbound, 100, Allow) has host bits in the destination 20.60.26.5/23: the block is 20.60.26.0/23`}},
		{"host bits of a route", `routeTables: [{name: rt, routes: [{name: a, addressPrefix: 10.1.0.5/16, nextHopType: None}]}]`, []string{`error route "a" has host bits in 10.1.0.5/16: the block is 10.1.0.0/16`}},
		{"a prefix twice in a table", `routeTables: [{name: rt, routes: [{name: a, addressPrefix: 10.1.0.0/16, nextHopType: None}, {name: b, addressPrefix: 10.1.0.0/16, nextHopType: Internet}]}]`, []string{`error routes "a" and "b" of rt have the same prefix 10.1.0.0/16 (RouteConflict)`}},
		{"a name that ends with a dot", rename(outbound("Internet"), "name: r0", "name: r0."), []string{`the name of rule "r0." ends with "."`}},
		{"a name with a blank", rename(outbound("Internet"), "name: r0", "name: r 0"), []string{`the name of rule "r 0" holds " "`}},
		{"a long name", rename(outbound("Internet"), "name: r0", "name: "+strings.Repeat("r", 81)), []string{"has 81 characters"}},
		{"groups of two networks", networks + machines("asg-b"), []string{"names application security groups of virtual networks v1, v2"}},
		{"a group in two networks", networks + machines("asg-a"), []string{"the members of application security group asg-a are in virtual networks v1, v2"}},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, design(t, "NP1110", tt.text), tt.want...) })
	}
}

func TestMoreThanAzureTakesIsFound(t *testing.T) {
	var rules, addresses, routes strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&rules, "      - {name: r%d, priority: %d, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: 203.0.113.7, sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '443'}\n", i, 100+i)
	}
	for i := range 4001 {
		fmt.Fprintf(&addresses, "%d.%d.1.0/24, ", 11+i/200, i%200)
	}
	for i := range 401 {
		fmt.Fprintf(&routes, "{name: r%d, addressPrefix: %d.%d.0.0/16, nextHopType: None}, ", i, 11+i/200, i%200)
	}
	expect(t, design(t, "NP1110", "networkSecurityGroups:\n  - name: n\n    securityRules:\n"+rules.String()), "n has 1,001 rules; Azure takes 1,000")
	expect(t, design(t, "NP1110", inbound("Allow", strings.TrimSuffix(addresses.String(), ", "))), "nsg-app has 4,001 source addresses and ranges; Azure takes 4,000")
	expect(t, design(t, "NP1110", "routeTables: [{name: rt, routes: ["+routes.String()+"]}]"), "rt has 401 routes; Azure takes 400")
}

func TestHostBitsOfWhatIsDeployedAreAWarning(t *testing.T) {
	export := `{"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/n", "name": "n", "type": "Microsoft.Network/networkSecurityGroups", "properties": {"securityRules": [
  {"name": "r", "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/n/securityRules/r", "properties": {"priority": 200, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
   "sourceAddressPrefix": "50.206.209.68/27", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "443"}}]}}`
	found := linted(t, map[string]string{"nsg.json": export}, Options{Only: []string{"NP1110"}})
	expect(t, texts(found), "warning rule \"r\" (Inbound, 200, Allow) has host bits in the source 50.206.209.68/27")
	if want := "--source-address-prefixes 50.206.209.64/27"; !strings.HasSuffix(found[0].Fix, want) {
		t.Errorf("the fix is %q", found[0].Fix)
	}
}

func TestTheNamesOfRulesThatResourceManagerRefuses(t *testing.T) {
	for name, want := range map[string]string{
		"": "", "a": "", "_a.b-c_": "", "Allow-Web_1": "", strings.Repeat("a", 80): "", "ärger": "", "[parameters('x')]": "", "a ": "",
		strings.Repeat("a", 81): "has 81 characters", "a/b": `holds "/"`, "a b": `holds " "`, ".a": `begins with "."`, "a-": `ends with "-"`,
	} {
		if got := badName(name); got != want {
			t.Errorf("%q %s, wanted %q", name, got, want)
		}
	}
}

func TestChildrenOfOneNameAreFound(t *testing.T) {
	twice := strings.ReplaceAll(outbound("Internet", "Storage"), "name: r1", "name: R0")
	expect(t, design(t, "NP1110", twice), `error two rules of nsg-app have the name "R0"`)
	expect(t, design(t, "NP1110", `routeTables: [{name: rt, routes: [{name: a, addressPrefix: 10.1.0.0/16, nextHopType: None}, {name: A, addressPrefix: 10.2.0.0/16, nextHopType: None}]}]`), `error two routes of rt have the name "A"`)
}

func TestMoreTagsAndGroupsThanAzureTakesAreFound(t *testing.T) {
	var routes, groups, names strings.Builder
	for i := range 26 {
		fmt.Fprintf(&routes, "{name: r%d, addressPrefix: Service%d, nextHopType: Internet}, ", i, i)
	}
	for i := range 11 {
		fmt.Fprintf(&groups, "{name: asg%d}, ", i)
		fmt.Fprintf(&names, "asg%d, ", i)
	}
	expect(t, design(t, "NP1110", "routeTables: [{name: rt, routes: ["+routes.String()+"]}]"), "rt has 26 routes to service tags; Azure takes 25")
	expect(t, design(t, "NP1110", oneSubnet+"applicationSecurityGroups: ["+groups.String()+`]
networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: r, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceApplicationSecurityGroups: [`+names.String()+`], sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "443"}
`), `rule "r" (Inbound, 100, Allow) names 11 application security groups on one side; Azure takes 10`)
}
