package lint

import (
	"strings"
	"testing"
)

const oneSubnet = `virtualNetworks:
  - name: v1
    addressPrefixes: [10.0.0.0/16]
    subnets: [{name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app}]
`

func TestAGroupThatIsAttachedNowhereIsFound(t *testing.T) {
	nic := "networkInterfaces: [{name: n1, subnet: v1/app, privateIPAddress: 10.0.1.4, networkSecurityGroup: nsg-nic}]\n"
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"none", oneSubnet + nic + "networkSecurityGroups: [{name: nsg-app}, {name: nsg-nic}]", nil},
		{"one", oneSubnet + nic + "networkSecurityGroups: [{name: nsg-app}, {name: nsg-nic}, {name: nsg-old}]", []string{"warning nsg-old is attached to no subnet and no interface"}},
		{"no interface is in the data", oneSubnet + "networkSecurityGroups: [{name: nsg-app}, {name: nsg-old}]", []string{"note? nsg-old is attached to no subnet and no interface in the data; others may exist"}},
		{"a group alone", "networkSecurityGroups: [{name: nsg-old}]", nil},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, design(t, "NP1202", tt.text), tt.want...) })
	}
}

// An export of an NSG names its subnets and interfaces, exported or not.
func TestAGroupThatSaysItIsAttachedIsNotFound(t *testing.T) {
	export := func(more string) string {
		return `{"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/n", "name": "n", "type": "Microsoft.Network/networkSecurityGroups", "properties": {"securityRules": []` + more + `}}`
	}
	vnet := "apiVersion: netpath/v1\n" + strings.Replace(oneSubnet, ", networkSecurityGroup: nsg-app", "", 1)
	for more, want := range map[string]int{`, "subnets": [{"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/other/subnets/x"}]`: 0, ``: 1} {
		if found := linted(t, map[string]string{"nsg.json": export(more), "d.yaml": vnet}, Options{Only: []string{"NP1202"}}); len(found) != want {
			t.Errorf("%q: found %v", more, texts(found))
		}
	}
}

func TestAnApplicationGroupWithoutMembersIsFoundOnceInAGroup(t *testing.T) {
	text := func(members, cut string) string {
		return oneSubnet + `applicationSecurityGroups: [{name: asg-db}]
networkInterfaces: [{name: n1, subnet: v1/app, privateIPAddress: 10.0.1.4, applicationSecurityGroups: [` + members + `]}` + cut + `]
networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: a, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationApplicationSecurityGroups: [asg-db], destinationPortRange: "443"}
      - {name: b, priority: 101, direction: Inbound, access: Deny, protocol: Tcp, sourceApplicationSecurityGroups: [asg-db], sourcePortRange: "*", destinationApplicationSecurityGroups: [asg-db], destinationPortRange: "1433"}
`
	}
	expect(t, design(t, "NP1203", text("", "")), `warning rule "a" (Inbound, 100, Allow) and 1 more rule of nsg-app name the application security group asg-db, of which no interface in the data is a member`)
	expect(t, design(t, "NP1203", text("asg-db", "")))
}

func TestMembershipIsNotClaimedWhereInterfacesAreMissing(t *testing.T) {
	text := oneSubnet + `applicationSecurityGroups: [{name: asg-db}]
networkInterfaces: [{name: n1, subnet: v1/app, privateIPAddress: 10.0.1.4}]
networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: a, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationApplicationSecurityGroups: [asg-db], destinationPortRange: "443"}
`
	machine := `{"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/m", "name": "m", "type": "Microsoft.Compute/virtualMachines", "location": "westeurope", "properties": {"networkProfile": {"networkInterfaces": [{"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/gone"}]}}}`
	got := linted(t, map[string]string{"d.yaml": "apiVersion: netpath/v1\n" + text, "vm.json": machine}, Options{Only: []string{"NP1203"}})
	expect(t, texts(got), "note? ")
}

func TestMachinesWithoutAnyGroupAreFound(t *testing.T) {
	text := func(subnet, nic, name string) string {
		return `virtualNetworks: [{name: v1, addressPrefixes: [10.0.0.0/16], subnets: [{name: ` + name + `, addressPrefix: 10.0.1.0/24` + subnet + `}]}]
networkSecurityGroups: [{name: nsg}]
networkInterfaces:
  - {name: n1, subnet: v1/` + name + `, privateIPAddress: 10.0.1.4` + nic + `}
  - {name: n2, subnet: v1/` + name + `, privateIPAddress: 10.0.1.5}
`
	}
	group := ", networkSecurityGroup: nsg"
	expect(t, design(t, "NP1209", text("", "", "app")), "note no network security group guards n1, n2 in subnet v1/app")
	expect(t, design(t, "NP1209", text("", group, "app")), "note no network security group guards n2 in subnet v1/app")
	expect(t, design(t, "NP1209", text(group, "", "app")))
	expect(t, design(t, "NP1209", text("", "", "RouteServerSubnet")))
}
