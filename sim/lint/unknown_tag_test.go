package lint

import (
	"strings"
	"testing"
)

// outbound is an NSG, at a subnet of a network, with rules that allow tcp/443
// to the destinations, in order.
func outbound(destinations ...string) string {
	var b strings.Builder
	b.WriteString(`virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets: [{name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app}]
networkSecurityGroups:
  - name: nsg-app
    securityRules:
`)
	for i, d := range destinations {
		field := "destinationAddressPrefix: "
		if strings.Contains(d, ",") {
			field, d = "destinationAddressPrefixes: ", "["+d+"]"
		}
		b.WriteString(`      - {name: r` + string(rune('0'+i)) + `, priority: 10` + string(rune('0'+i)) + `, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", ` + field + d + `, destinationPortRange: "443"}` + "\n")
	}
	return b.String()
}

func TestATagIsKnownByTheFileOrBuiltIn(t *testing.T) {
	for tag, want := range map[string]string{
		"Storage": "", "storage.westeurope": "", "VirtualNetwork": "", "internet": "", "AzureLoadBalancer": "", "AzurePlatformIMDS": "",
		"Storage.WestEurop":     `names the service tag "Storage.WestEurop", which is not in the service tag file (Public, change 1, 2025-10-28)`,
		"Storag":                "is not in the service tag file",
		"Storage.FranceCentral": "it has no Storage for francecentral",
		"Storage.USGovVirginia": "usgovvirginia is a region of the cloud AzureGovernment",
		"Storage.ChinaEast":     "chinaeast is a region of the cloud China",
	} {
		t.Run(tag, func(t *testing.T) {
			var wants []string
			if want != "" {
				wants = []string{want}
			}
			expect(t, design(t, "NP1102", outbound(tag)), wants...)
		})
	}
}

func TestTheNearestNamesAreOffered(t *testing.T) {
	found := linted(t, map[string]string{"d.yaml": "apiVersion: netpath/v1\n" + outbound("Storage.WestEurop"), "ServiceTags_Public_20251028.json": exampleTags}, Options{Only: []string{"unknown-tag"}})
	if len(found) != 1 || !strings.Contains(found[0].Fix, "Storage.WestEurope") {
		t.Errorf("found %+v", found)
	}
}

func TestWithoutAFileOnlyASlipOfABuiltInNameIsFoundAndNotClaimed(t *testing.T) {
	for tag, want := range map[string]string{"VirtualNetworks": `note? rule "r0" (Outbound, 100, Allow) names the tag "VirtualNetworks", which may be a misspelling of VirtualNetwork`, "Storage.WestEurop": ""} {
		got := texts(linted(t, map[string]string{"d.yaml": "apiVersion: netpath/v1\n" + outbound(tag)}, Options{Only: []string{"NP1102"}}))
		if want == "" {
			expect(t, got)
		} else {
			expect(t, got, want)
		}
	}
}

func TestOfATagWithoutNetworkFeaturesItIsSaidThatRulesMayNotNameIt(t *testing.T) {
	tags := strings.Replace(exampleTags, `"systemService": "AzureBackup", "networkFeatures": ["API", "NSG"]`, `"systemService": "AzureBackup", "networkFeatures": null`, 1)
	got := texts(linted(t, map[string]string{"d.yaml": "apiVersion: netpath/v1\n" + outbound("AzureBackup"), "ServiceTags_Public_20251028.json": tags}, Options{Only: []string{"NP1102"}}))
	expect(t, got, "note? ")
}
