package lint

import "testing"

func TestARuleForAnotherRegionIsFoundWhereTheOwnIsDenied(t *testing.T) {
	deny := `      - {name: deny, priority: 4000, direction: Outbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: Internet, destinationPortRange: "*"}` + "\n"
	account := func(region string) string { return "storageAccounts: [{name: a, location: " + region + "}]\n" }
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"used in the own region", outbound("Storage.NorthEurope") + deny + account("westeurope"), []string{`warning rule "r0" (Outbound, 100, Allow) allows Storage.NorthEurope, but subnet v1/app is in westeurope, and Storage.WestEurope is denied there`}},
		{"not known where it is used", outbound("Storage.NorthEurope") + deny, []string{"note? "}},
		{"used in that region", outbound("Storage.NorthEurope") + deny + account("northeurope"), nil},
		{"the own region is open", outbound("Storage.NorthEurope") + account("westeurope"), nil},
		{"the own region is allowed too", outbound("Storage.NorthEurope", "Storage.WestEurope") + deny + account("westeurope"), nil},
		{"all regions are allowed", outbound("Storage.NorthEurope", "Storage") + deny + account("westeurope"), nil},
		{"allowed by its addresses", outbound("Storage.NorthEurope", "20.60.26.0/24, 20.60.27.0/24") + deny + account("westeurope"), nil},
		{"the own region", outbound("Storage.WestEurope") + deny + account("westeurope"), nil},
		{"a service without a tag for the own region", outbound("AzureBackup") + deny + account("westeurope"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, design(t, "NP1103", tt.text), tt.want...) })
	}
}

func TestAnNSGAloneIsInItsOwnRegion(t *testing.T) {
	text := `networkSecurityGroups:
  - name: n
    location: West Europe
    securityRules:
      - {name: r0, priority: 100, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: Storage.NorthEurope, destinationPortRange: "443"}
      - {name: deny, priority: 4000, direction: Outbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: Internet, destinationPortRange: "*"}
`
	expect(t, design(t, "NP1103", text), `note? rule "r0" (Outbound, 100, Allow) allows Storage.NorthEurope, but n is in westeurope, and Storage.WestEurope is denied there; which region is used is not in the data`)
}
