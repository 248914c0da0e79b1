//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	vnetFile  = "vnets.json"
	nicFile   = "nics.json"
	routeFile = "route-table.json"
)

// gateway is a virtual network gateway of v1 as exported, in a subnet of its
// own.
func (c *inputCase) gateway() {
	c.Helper()
	c.export(vnetFile, `      "virtualNetworkPeerings": [`, `      "virtualNetworkPeerings": [`)
	text := c.read(vnetFile)
	c.write(vnetFile, strings.Replace(text, `        {
          "name": "app",`, `        {
          "name": "GatewaySubnet",
          "id": "`+armID+`virtualNetworks/v1/subnets/GatewaySubnet",
          "properties": {"provisioningState": "Succeeded", "addressPrefix": "10.0.255.0/27"}
        },
        {
          "name": "app",`, 1))
	c.write("gateway.json", `{"id": "`+armID+`virtualNetworkGateways/gw1", "name": "gw1", "type": "Microsoft.Network/virtualNetworkGateways", "location": "westeurope",
		"properties": {"provisioningState": "Succeeded", "gatewayType": "Vpn", "vpnType": "RouteBased", "enableBgp": true,
		"ipConfigurations": [{"name": "default", "id": "`+armID+`virtualNetworkGateways/gw1/ipConfigurations/default", "properties": {"subnet": {"id": "`+armID+`virtualNetworks/v1/subnets/GatewaySubnet"}}}]}}`)
}

// add appends lines to the design.
func (c *inputCase) add(lines string) {
	c.Helper()
	c.write("design.yaml", c.read("design.yaml")+lines)
}

var estateRows = []inputRow{
	{113, "a provisioning state that is not Succeeded", func(c *inputCase) {
		for _, state := range []string{"Updating", "Failed"} {
			c.export(nsgFile, `"properties": {
          "provisioningState": "Succeeded"`, `"properties": {
          "provisioningState": "`+state+`"`)
			c.assumed("NOT_SUCCEEDED", "web Allow NSG_RULE_ALLOW allow-web assuming NOT_SUCCEEDED")
		}
	}},
	{114, "AlwaysAllow is not Allow", func(c *inputCase) {
		for access, answer := range map[string]string{"AlwaysAllow": "Allow ADMIN_RULE_ALWAYS_ALLOW admin", "Allow": "Deny NSG_RULE_DENY deny-db", "Deny": "Deny ADMIN_RULE_DENY admin"} {
			c.design()
			c.add(`networkManagerAdminRules:
  - {name: admin, virtualNetworks: [v1], priority: 10, direction: Inbound, access: ` + access + `, protocol: Tcp, sources: ["*"], destinations: ["*"], sourcePortRanges: ["*"], destinationPortRanges: ["22"]}
`)
			c.answer(answer, trace("db1", "app1", "22")...)
		}
		c.design("access: Deny", "access: AlwaysAllow") // no action of an NSG
		c.refused(`design.yaml:48:17 (/networkSecurityGroups/0/securityRules/1/access): expected Allow or Deny, found "AlwaysAllow"`)
	}},
	{115, "an NSG attached twice, and none at all", func(c *inputCase) {
		c.export(nicFile, `"primary": true,
      "virtualMachine"`, `"networkSecurityGroup": {"id": "`+armID+`networkSecurityGroups/nsg-app"}, "primary": true,
      "virtualMachine"`)
		c.expect(nil, nil)
		c.start("export")
		if r := c.netpath(trace("free1", "far1", "443", "--as-of", theDay)...); !strings.Contains(r.stdout, "no NSG") {
			c.Errorf("not told:\n%s", r.stdout)
		}
	}},
	{116, "two NSGs of one name", func(c *inputCase) {
		c.export(nsgFile)
		c.write("other.json", strings.NewReplacer("rg1", "rg2", `"access": "Allow"`, `"access": "Deny"`).Replace(c.read(nsgFile)))
		c.expect(nil, nil)
		ask := func(nsg string) []string {
			return []string{"ip-flow", ".", "--nsg", nsg, "--direction", "Inbound", "--local", "10.0.1.4:443", "--remote", "10.0.2.4"}
		}
		c.usage(`network security group "nsg-app" is ambiguous: /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg1/providers/Microsoft.Network/networkSecurityGroups/nsg-app, /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg2/providers/Microsoft.Network/networkSecurityGroups/nsg-app`, ask("nsg-app")...)
		c.answer("Allow NSG_RULE_ALLOW allow-web", ask("rg1/nsg-app")...)
		c.answer("Deny NSG_RULE_DENY allow-web", ask("rg2/nsg-app")...)
		c.answer("Deny NSG_RULE_DENY allow-web", ask(strings.Replace(armID, "rg1", "rg2", 1)+"networkSecurityGroups/nsg-app")...)
	}},
	{117, "IDs in other spellings", func(c *inputCase) {
		for _, id := range []string{
			strings.ToUpper(armID) + "NETWORKSECURITYGROUPS/NSG-APP", armID + "networkSecurityGroups/nsg-app/", armID + "networkSecurityGroups/nsg%2Dapp", armID + "networkSecurityGroups/nsg%2dapp",
		} {
			c.export(vnetFile, `"networkSecurityGroup": {"id": "`+armID+`networkSecurityGroups/nsg-app"}`, `"networkSecurityGroup": {"id": "`+id+`"}`)
			c.same()
		}
	}},
	{118, "references to what is not in the data", func(c *inputCase) {
		c.export(nsgFile)
		c.remove(nsgFile)
		c.expect([]string{"web Unknown DANGLING_REFERENCE", "ssh Unknown DANGLING_REFERENCE", "sql Unknown DANGLING_REFERENCE", "out Unknown DANGLING_REFERENCE", "storage Unknown DANGLING_REFERENCE", "other Unknown DANGLING_REFERENCE"}, []string{`vnets.json:17: the network security group "nsg-app" is not in the data; az network nsg show --ids /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg1/providers/Microsoft.Network/networkSecurityGroups/nsg-app`})
		c.export(nsgFile)
		c.remove(routeFile)
		c.expect([]string{"peer Unknown DANGLING_REFERENCE", "branch Unknown DANGLING_REFERENCE", "nva Unknown DANGLING_REFERENCE", "void Unknown DANGLING_REFERENCE"}, []string{`vnets.json:35: the route table "rt-free" is not in the data; az network route-table show --ids /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg1/providers/Microsoft.Network/routeTables/rt-free`})
		c.export(vnetFile, "virtualNetworks/v1/subnets/app\"", "virtualNetworks/v1/subnets/app2\"", `"name": "app"`, `"name": "app2"`)
		c.expect([]string{"web Unknown DANGLING_REFERENCE", "ssh Unknown DANGLING_REFERENCE", "sql Unknown DANGLING_REFERENCE", "out Unknown DANGLING_REFERENCE", "storage Unknown DANGLING_REFERENCE", "other Unknown DANGLING_REFERENCE"}, []string{`nics.json:21: the subnet "app" is not in the data; az network vnet show --ids /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg1/providers/Microsoft.Network/virtualNetworks/v1`})
		// What an NSG says of the subnets it is on is no reference, but a claim.
		c.export(nsgFile, `"securityRules"`, `"subnets": [{"id": "`+armID+`virtualNetworks/v1/subnets/gone"}], "securityRules"`)
		c.expect(nil, nil)
		c.export("nsg-db.json", `"securityRules"`, `"subnets": [{"id": "`+armID+`virtualNetworks/v1/subnets/free"}], "securityRules"`)
		c.expect([]string{"void Unknown ASSOCIATION_CONFLICT"}, []string{`nsg-db.json:8: "nsg-db" lists the subnet "free", which does not refer to it; export both again`})
	}},
	{119, "a resource of a subscription that was not exported", func(c *inputCase) {
		c.export(vnetFile, `"networkSecurityGroup": {"id": "/subscriptions/11111111-`, `"networkSecurityGroup": {"id": "/subscriptions/99999999-`)
		c.expect([]string{"web Unknown DANGLING_REFERENCE", "ssh Unknown DANGLING_REFERENCE", "sql Unknown DANGLING_REFERENCE", "out Unknown DANGLING_REFERENCE", "storage Unknown DANGLING_REFERENCE", "other Unknown DANGLING_REFERENCE"}, []string{`vnets.json:17: the network security group "nsg-app" is not in the data; az network nsg show --ids /subscriptions/99999999-2222-3333-4444-555555555555/resourceGroups/rg1/providers/Microsoft.Network/networkSecurityGroups/nsg-app`})
	}},
	{120, "a peering without the other side", func(c *inputCase) {
		c.export(vnetFile, `"peeringState": "Connected"`, `"peeringState": "Disconnected"`)
		c.expect([]string{"peer Deny ROUTE_NONE"}, []string{`vnets.json:48: the peering "to-v2" of v1 is Disconnected: there is no link`})
		// The remote network is in the data and does not peer back.
		c.export(vnetFile)
		text := c.read(vnetFile)
		i := strings.LastIndex(text, `"virtualNetworkPeerings": [`)
		c.write(vnetFile, text[:i]+"\"virtualNetworkPeerings\": []\n    }\n  }\n]\n")
		c.expect([]string{"peer Deny ROUTE_NONE"}, []string{`vnets.json:48: the virtual network "v2" has no peering back to v1: there is no link; add the peering on the other side`})
		// It is not in the data: the link stands, its gates are open.
		c.export(vnetFile)
		i = strings.Index(text, "  {\n    \"name\": \"v2\"")
		c.write(vnetFile, strings.TrimRight(text[:i], ",\n ")+"\n]\n")
		c.expect([]string{"peer Unknown DANGLING_REFERENCE"}, []string{`nics.json:121: the subnet "far" is not in the data; az network vnet show --ids /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg1/providers/Microsoft.Network/virtualNetworks/v2`})
	}},
	{121, "a ring of peerings", func(c *inputCase) {
		c.design("  - name: v2\n", `  - name: v3
    location: westeurope
    addressPrefixes: [10.2.0.0/16]
    subnets:
      - {name: third, addressPrefix: 10.2.0.0/24, defaultOutboundAccess: true}
    virtualNetworkPeerings:
      - {remoteVirtualNetwork: v1}
      - {remoteVirtualNetwork: v2}
  - name: v2
`, "      - {remoteVirtualNetwork: v2}\n", "      - {remoteVirtualNetwork: v2}\n      - {remoteVirtualNetwork: v3}\n")
		text := c.read("design.yaml")
		i := strings.LastIndex(text, "      - {remoteVirtualNetwork: v1}\n")
		c.write("design.yaml", text[:i]+"      - {remoteVirtualNetwork: v3}\n"+text[i:])
		c.promptly(func() {
			c.expect(nil, nil)
			c.answer("Allow NO_NSG assuming NO_NIC_AT_DESTINATION", trace("free1", "10.2.0.9", "443")...)
			c.answer("Allow NO_NSG assuming NO_NIC_AT_DESTINATION", trace("far1", "10.2.0.9", "443")...)
		})
	}},
	{122, "a route loop through appliances", func(c *inputCase) {
		// The appliance's subnet sends the packet back to a second appliance,
		// whose subnet sends it to the first.
		c.design("      - name: edge\n        addressPrefix: 10.0.4.0/24\n", "      - name: back\n        addressPrefix: 10.0.5.0/24\n        routeTable: rt-free\n        defaultOutboundAccess: true\n      - name: edge\n        addressPrefix: 10.0.4.0/24\n        routeTable: rt-edge\n",
			"routeTables:\n", "routeTables:\n  - name: rt-edge\n    routes:\n      - {name: back, addressPrefix: 198.51.100.0/24, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.5.10}\n",
			"  - name: far1\n", "  - name: nva2\n    location: westeurope\n    networkInterfaces:\n      - {name: nva2-nic, subnet: v1/back, privateIPAddress: 10.0.5.10, enableIPForwarding: true}\n  - name: far1\n")
		c.promptly(func() { c.expect([]string{"nva Deny ROUTE_LOOP"}, nil) })
		r := c.netpath(trace("free1", "198.51.100.7", "443", "--as-of", theDay)...)
		for _, hop := range []string{"nva1", "nva2", "10.0.5.10"} {
			if !strings.Contains(r.stdout, hop) {
				c.Errorf("the path does not show %s:\n%s", hop, r.stdout)
			}
		}
	}},
	{123, "a next hop that is the sender itself", func(c *inputCase) {
		c.export(routeFile, "10.0.4.10", "10.0.3.4")
		c.edit(nicFile, `"name": "free1-nic"`, `"name": "free1-nic"`)
		c.expect([]string{"nva Deny ROUTE_LOOP"}, nil)
	}},
	{124, "a forced tunnel to a gateway that is not modelled", func(c *inputCase) {
		c.gateway()
		c.edit(routeFile, `"addressPrefix": "198.51.100.0/24",
          "nextHopType": "VirtualAppliance",
          "nextHopIpAddress": "10.0.4.10"`, `"addressPrefix": "0.0.0.0/0",
          "nextHopType": "VirtualNetworkGateway"`)
		c.answer("Unknown FORCED_TUNNEL", trace("free1", "198.51.100.7", "443")...)
		c.answer("Allow NSG_RULE_ALLOW allow-web", trace("db1", "app1", "443")...)
		c.export(routeFile, `"VirtualAppliance",
          "nextHopIpAddress": "10.0.4.10"`, `"VirtualNetworkGateway"`)
		c.expect([]string{"nva Unknown GATEWAY_NOT_IN_ESTATE"}, nil)
	}},
	{125, "more than 1,000 rules in an NSG", func(c *inputCase) {
		c.export("nsg-db.json")
		text := c.read("nsg-db.json")
		const first = `      {
        "name": "allow-sql"`
		i := strings.Index(text, first)
		var more strings.Builder
		for n := range 1000 {
			fmt.Fprintf(&more, `{"name": "r%d", "id": "%snetworkSecurityGroups/nsg-db/securityRules/r%[1]d", "properties": {"priority": %[3]d, "direction": "Inbound", "access": "Deny", "protocol": "Tcp",
				"sourceAddressPrefix": "192.0.2.%[4]d", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "%[3]d"}},`+"\n", n, armID, 101+n, n%256)
		}
		c.write("nsg-db.json", text[:i]+more.String()+text[i:])
		c.expect(nil, []string{`nsg-db.json:1: "nsg-db" has 1002 rules; Azure allows 1,000`})
	}},
	{126, "a great number of rules", func(c *inputCase) {
		// A part of the million: time and memory grow with the number alone.
		c.export("nsg-db.json")
		const n = 20_000
		var list strings.Builder
		list.WriteString("[")
		for i := range n {
			if i > 0 {
				list.WriteString(",\n")
			}
			fmt.Fprintf(&list, `{"id":"%snetworkSecurityGroups/big/securityRules/r%d","name":"r%[2]d","properties":{"priority":%[3]d,"direction":"Inbound","access":"Deny","protocol":"Tcp","sourceAddressPrefix":"10.%[4]d.%[5]d.%[6]d","sourcePortRange":"*","destinationAddressPrefix":"*","destinationPortRange":"%[7]d"}}`,
				armID, i, 100+i%3997, i>>16, i>>8&255, i&255, i%65536)
		}
		list.WriteString("]")
		c.write("rules.json", list.String())
		most := int64(6*list.Len()) >> 20
		r, kib := c.measured("ip-flow", ".", "--nsg", "big", "--direction", "Inbound", "--local", "10.0.1.4:443", "--remote", "10.0.1.187", "--quiet", "-o", "json", "--as-of", theDay)
		if r.code != exitOK || !strings.Contains(r.stdout, `"access": "Deny"`) || !strings.Contains(r.stdout, `"ruleName": "r443"`) {
			c.Errorf("exit %d, %.300s%.300s", r.code, r.stdout, r.stderr)
		}
		if kib>>10 > most+160 { // what the program takes for itself depends on when it collects
			c.Errorf("%d MB for %d MB of rules", kib>>10, list.Len()>>20)
		}
	}},
	{127, "hostile names", func(c *inputCase) {
		for _, name := range []string{`<script>alert(1)</script>`, "a\x1b[2Jb", "=cmd()", "a\u202eb", "a\nb", "a\u009bb", "| x | y |"} {
			c.export(nsgFile)
			written := strings.NewReplacer("\x1b", `\u001b`, "\n", `\n`).Replace(name)
			c.edit(nsgFile, `"name": "allow-web"`, `"name": "`+written+`"`)
			for _, format := range []string{"text", "table"} {
				r := c.netpath(trace("db1", "app1", "443", "-o", format, "--as-of", theDay)...)
				if r.code != exitOK {
					c.Errorf("exit %d: %s", r.code, r.stderr)
				}
				if strings.ContainsAny(r.stdout+r.stderr, "\x1b\u202e\u009b") || strings.Contains(r.stdout, "a\nb") {
					c.Errorf("%q is written as it is: %q", name, r.stdout)
				}
			}
			c.answer("Allow NSG_RULE_ALLOW "+name, trace("db1", "app1", "443")...) // JSON gives it back
		}
	}},
	{128, "a next hop outside every known subnet", func(c *inputCase) {
		c.export(routeFile, "10.0.4.10", "10.200.0.10")
		c.expect([]string{"nva Unknown NVA_NOT_FOUND"}, nil)
	}},
	{129, "an appliance that does not forward", func(c *inputCase) {
		c.export(nicFile, `"enableIPForwarding": true`, `"enableIPForwarding": false`)
		c.expect([]string{"nva Deny NVA_NO_FORWARDING"}, nil)
		c.export(nicFile, `"enableIPForwarding": true,`, "")
		c.expect([]string{"nva Deny NVA_NO_FORWARDING"}, nil)
	}},
	{130, "an appliance whose policy is not modelled", func(c *inputCase) {
		c.export(nicFile)
		c.answer("Allow NO_NSG assuming NVA_FORWARDS_AND_PERMITS", trace("free1", "198.51.100.7", "443")...)
		c.answer("Unknown UNWAIVED_ASSUMPTION assuming NVA_FORWARDS_AND_PERMITS", trace("free1", "198.51.100.7", "443", "--ci")...)
		c.answer("Allow NO_NSG", trace("free1", "far1", "443", "--ci")...)
	}},
	{131, "peered networks that overlap", func(c *inputCase) {
		overlap := func() {
			c.export(vnetFile)
			c.write(vnetFile, strings.NewReplacer(`"10.1.0.0/16"`, `"10.0.128.0/17"`, `"10.1.0.0/24"`, `"10.0.129.0/24"`).Replace(c.read(vnetFile)))
			c.edit(nicFile, "10.1.0.4", "10.0.129.4")
		}
		overlap()
		c.refused(`vnets.json:48:9 (/0/properties/virtualNetworkPeerings/0): expected peered virtual networks that do not overlap, found 10.0.0.0/16 of "v1" and 10.0.128.0/17 of "v2" at vnets.json:65 (/1)`)
		overlap()
		text := c.read(vnetFile)
		for range 2 {
			i := strings.LastIndex(text, `"virtualNetworkPeerings": [`)
			end := strings.Index(text[i:], "\n      ]") + i + len("\n      ]")
			text = text[:i] + `"virtualNetworkPeerings" : []` + text[end:]
		}
		c.write(vnetFile, text)
		c.expect([]string{"peer Deny DELIVERED_ELSEWHERE"}, nil)
		c.answer("Allow NSG_RULE_ALLOW allow-web", trace("db1", "app1", "443", "--ci")...)
	}},
	{132, "subnets that overlap or lie outside", func(c *inputCase) {
		c.export(vnetFile, `"10.0.3.0/24"`, `"10.0.2.128/25"`)
		c.refused(`vnets.json:29:9 (/0/properties/subnets/2): expected subnets that do not overlap, found 10.0.2.128/25 of "free" and 10.0.2.0/24 of "db" at vnets.json:20 (/0/properties/subnets/1)`)
		c.export(vnetFile, `"10.0.3.0/24"`, `"10.5.3.0/24"`)
		c.refused(`vnets.json:29:9 (/0/properties/subnets/2): expected the subnet "free" inside the address space of v1, found 10.5.3.0/24; the space is 10.0.0.0/16`)
		c.export(vnetFile, `["10.0.0.0/16"]`, `["10.0.1.0/24", "10.0.2.0/23"]`)
		c.refused(`vnets.json:38:9 (/0/properties/subnets/3): expected the subnet "edge" inside the address space of v1, found 10.0.4.0/24; the space is 10.0.1.0/24, 10.0.2.0/23`)
	}},
	{133, "an address outside its subnet, or owned twice", func(c *inputCase) {
		c.export(nicFile, `"10.0.1.4"`, `"10.0.2.14"`)
		c.refused(`nics.json:13:9 (/0/properties/ipConfigurations/0): expected the address of "app1-nic" inside its subnet, found 10.0.2.14; the subnet app is 10.0.1.0/24 at vnets.json:11 (/0/properties/subnets/0)`)
		c.export(nicFile, `"10.0.4.10"`, `"10.0.3.4"`, "subnets/edge", "subnets/free")
		c.edit(nicFile, `"primary": true`, `"primary": true`)
		twice := []string{"peer Unknown ADDRESS_OWNED_TWICE", "nva Unknown ADDRESS_OWNED_TWICE", "void Unknown ADDRESS_OWNED_TWICE"}
		c.expect(twice, []string{`nics.json:88: the address 10.0.3.4 is owned by "free1-nic" too; export both interfaces again`})
		c.usage(`address "10.0.3.4" is ambiguous: /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg1/providers/Microsoft.Network/networkInterfaces/free1-nic, /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg1/providers/Microsoft.Network/networkInterfaces/nva1-nic`, trace("10.0.3.4", "far1", "443", "--quiet")...)
		// In networks that have nothing to do with each other it is no mistake.
		c.export(nicFile)
		c.write("lab.json", strings.NewReplacer("rg1", "rg2", `"name": "v2"`, `"name": "lab"`, "/v2", "/lab", "10.1.0.0", "10.0.0.0").Replace(alone(c.read(vnetFile))))
		c.write("labnic.json", strings.NewReplacer("rg1", "rg2", "app1", "lab1", "virtualNetworks/v1/subnets/app", "virtualNetworks/lab/subnets/far", "10.0.1.4", "10.0.0.4").Replace("["+strings.Split(strings.TrimPrefix(c.read(nicFile), "[\n"), ",\n  {")[0]+"]"))
		c.write("labnic2.json", strings.NewReplacer("rg1", "rg3", "rg2", "rg3", "lab", "lab3").Replace(c.read("labnic.json")))
		c.write("lab2.json", strings.NewReplacer("rg2", "rg3", "lab", "lab3").Replace(c.read("lab.json")))
		c.expect(nil, nil)
		c.usage(`address "10.0.0.4" is ambiguous: /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg2/providers/Microsoft.Network/networkInterfaces/lab1-nic, /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg3/providers/Microsoft.Network/networkInterfaces/lab31-nic`, trace("10.0.0.4", "far1", "443")...)
		c.answer("Allow NO_NSG", trace("lab1-nic", "10.0.0.4", "443")...)
	}},
	{134, "one route prefix twice", func(c *inputCase) {
		c.export(routeFile, `"10.9.0.0/16"`, `"198.51.100.0/24"`)
		c.expect([]string{"nva Unknown SAME_PREFIX"}, []string{`route-table.json:19: routes "to-branch" and "to-partner" of rt-free have the same prefix; where the two differ the verdict is Unknown`})
		c.export(routeFile, `      {
        "name": "to-branch"`, `      {"name": "again", "properties": {"addressPrefix": "10.9.0.0/16", "nextHopType": "None"}},
      {
        "name": "to-branch"`)
		c.warned(`route-table.json:11: routes "again" and "to-branch" of rt-free have the same prefix`)
	}},
	{135, "a gateway whose learned routes are not in the data", func(c *inputCase) {
		c.gateway()
		c.answer("Unknown LEARNED_ROUTES_MISSING", trace("free1", "172.20.0.9", "443")...)
		c.answer("Allow NO_NSG assuming LEARNED_ROUTES_PRIVATE", trace("free1", "203.0.113.9", "443")...)
		c.answer("Allow NSG_RULE_ALLOW allow-web", trace("db1", "app1", "443")...)
		// A subnet that takes no routes from the gateway lacks none.
		c.edit(routeFile, `"disableBgpRoutePropagation": false`, `"disableBgpRoutePropagation": true`)
		c.answer("Deny ROUTE_NONE", trace("free1", "172.20.0.9", "443")...)
		// Where every connection is in the data, without BGP, none is missing.
		c.gateway()
		c.edit("gateway.json", `"enableBgp": true`, `"enableBgp": false`)
		c.write("connection.json", `[{"id": "`+armID+`connections/c1", "name": "c1", "type": "Microsoft.Network/connections", "location": "westeurope", "properties": {"provisioningState": "Succeeded", "connectionType": "IPsec", "enableBgp": false,
			"virtualNetworkGateway1": {"id": "`+armID+`virtualNetworkGateways/gw1"}, "localNetworkGateway2": {"id": "`+armID+`localNetworkGateways/office"}}},
			{"id": "`+armID+`localNetworkGateways/office", "name": "office", "type": "Microsoft.Network/localNetworkGateways", "location": "westeurope", "properties": {"provisioningState": "Succeeded", "localNetworkAddressSpace": {"addressPrefixes": ["172.20.0.0/16"]}, "gatewayIpAddress": "198.51.100.200"}}]`)
		c.answer("Allow NO_NSG assuming ON_PREMISES_BEYOND", trace("free1", "172.20.0.9", "443")...)
		c.answer("Deny ROUTE_NONE", trace("free1", "172.21.0.9", "443")...)
	}},
	{136, "a chain of proxies that leads back", func(c *inputCase) {
		c.design("{name: app1-nic, subnet: v1/app, privateIPAddress: 10.0.1.4}", "{name: app1-nic, subnet: v1/app, privateIPAddress: 10.0.1.4}\n    proxy: {host: 10.0.2.4, port: 8080, scope: system}",
			"{name: db1-nic, subnet: v1/db, privateIPAddress: 10.0.2.4}", "{name: db1-nic, subnet: v1/db, privateIPAddress: 10.0.2.4}\n    proxy: {host: 10.0.3.4, port: 8080, scope: system}",
			"{name: free1-nic, subnet: v1/free, privateIPAddress: 10.0.3.4}", "{name: free1-nic, subnet: v1/free, privateIPAddress: 10.0.3.4}\n    proxy: {host: 10.0.1.4, port: 8080, scope: system}")
		c.refused(`design.yaml:102:12 (/virtualMachines/0/proxy): expected a proxy that does not lead back to the machine, found the chain app1 → db1 → free1 → app1`)
	}},
	{137, "a host name that nothing explains", func(c *inputCase) {
		c.export(nsgFile)
		c.usage(`host name "intranet.example.com": neither a private endpoint of the estate nor a known service suffix explains it; ask for its address`, trace("app1", "intranet.example.com", "443")...)
		c.answer("Allow NSG_RULE_ALLOW allow-storage", trace("app1", "tag:Storage.WestEurope", "443")...)
	}},
	{138, "an address of the other family", func(c *inputCase) {
		c.export(nsgFile)
		c.usage(`destination "2001:db8::1": the source app1 has no IPv6 address`, trace("app1", "2001:db8::1", "443")...)
		c.usage(`10.0.1.4 and 2001:db8::1 are of two address families`, "ip-flow", ".", "--nsg", "nsg-app", "--direction", "Inbound", "--local", "10.0.1.4:443", "--remote", "2001:db8::1")
		r := c.netpath(trace("app1", "Internet", "443", "--as-of", theDay)...)
		if r.code != exitOK || !strings.Contains(r.stdout, "left out: IPv6 of Internet") {
			c.Errorf("exit %d, %s%s", r.code, r.stdout, r.stderr)
		}
	}},
	{139, "an address that several resources own", func(c *inputCase) {
		c.export(nicFile)
		c.edit(nicFile, `"10.0.4.10"`, `"10.0.3.4"`, "subnets/edge", "subnets/free")
		c.usage(`address "10.0.3.4" is ambiguous: /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg1/providers/Microsoft.Network/networkInterfaces/free1-nic, /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg1/providers/Microsoft.Network/networkInterfaces/nva1-nic`, trace("app1", "10.0.3.4", "443", "--quiet")...)
		c.usage(`address "10.0.3.4" is ambiguous: /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg1/providers/Microsoft.Network/networkInterfaces/free1-nic, /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg1/providers/Microsoft.Network/networkInterfaces/nva1-nic`, "ip-flow", ".", "--direction", "Inbound", "--local", "10.0.3.4:443", "--remote", "10.0.1.4", "--quiet")
		c.answer("Allow NSG_RULE_ALLOW AllowVnetOutBound", trace("db1", "far1", "443")...)
	}},
	{140, "an address in no known space", func(c *inputCase) {
		c.export(nsgFile)
		c.answer("Allow NO_NSG", trace("free1", "203.0.113.9", "443")...)                                                                      // public: the Internet
		c.answer("Deny ROUTE_NONE", trace("free1", "10.77.0.1", "443")...)                                                                     // private: no route
		c.answer("Deny ROUTE_NONE", trace("free1", "192.168.7.7", "443")...)                                                                   // private: no route
		c.usage(`source "10.77.0.1": no subnet and no gateway of the estate holds this private address`, trace("10.77.0.1", "app1", "443")...) // private, as a source
		c.answer("Deny NO_PUBLIC_ENTRY", trace("203.0.113.9", "app1", "443")...)                                                               // public, as a source
	}},
	{141, "no source port given", func(c *inputCase) {
		c.export(nsgFile, `"sourcePortRange": "*"`, `"sourcePortRange": "1024-65535"`)
		a := c.ask(trace("db1", "app1", "443")...)
		c.asked++
		if a.Verdict != "Split" || a.code != exitOK {
			c.Errorf("%s, exit %d", a.Verdict, a.code)
		}
		c.answer("Allow NSG_RULE_ALLOW allow-web", trace("db1", "app1", "443", "--source-port", "1024")...)
		c.answer("Deny NSG_RULE_DENY deny-db", trace("db1", "app1", "443", "--source-port", "1023")...)
	}},
	{142, "a flow log with a wrong number of fields", func(c *inputCase) { c.flowLog(`"1542110377,94.102.49.190,10.5.16.4,28746,443,U,I"`) }},
	{143, "flow logs of other versions", func(c *inputCase) {
		c.flowLog(`"1542110377,94.102.49.190,10.5.16.4,28746,443,U,I,D,B,,,,"`)
		c.export(nsgFile)
		c.write("PT1H.json", `{"records": [{"time": "2026-11-01T00:00:00Z", "flowLogVersion": 4, "category": "FlowLogFlowEvent", "flowRecords": {"flows": []}}]}`)
		c.refused(`PT1H.json:1:14 (/records/0): expected exported Azure state, found a virtual network flow log, which is not read yet; export the deployed resources: az network nsg list, az network vnet list, …`)
		c.write("PT1H.json", `{"records": [{"time": "2026-11-01T00:00:00Z", "flowLogVersion": 99, "category": "FlowLogFlowEvent", "flowRecords": {"flows": []}}]}`)
		c.refused(`PT1H.json:1:14 (/records/0): expected exported Azure state, found a virtual network flow log, which is not read yet; export the deployed resources: az network nsg list, az network vnet list, …`)
	}},
	{144, "a flow log decision from older rules", func(c *inputCase) { c.flowLog(`"1542110377,10.0.2.4,10.0.1.4,28746,443,T,I,D"`) }},
	{145, "flow log records twice or out of order", func(c *inputCase) {
		c.flowLog(`"1542110377,10.0.2.4,10.0.1.4,28746,443,T,I,A", "1542110377,10.0.2.4,10.0.1.4,28746,443,T,I,A", "1542110300,10.0.2.4,10.0.1.4,28746,443,T,I,A"`)
	}},
	{146, "a typo in an assertion's key", func(c *inputCase) {
		c.export(nsgFile)
		c.write("contract.yaml", "assertions:\n  - {id: web, allow: {from: db1, too: app1, ports: 443}}\n")
		c.refused(`contract.yaml:1:1: expected exported Azure state or a design, found a policy file; give it with --policy`, nsgFile, "contract.yaml")
		c.usage(`policy file: contract.yaml:2:34 (/assertions/0/allow/too): unknown key, found "too"; known here: from, to, ports, protocol; did you mean to?`, "check", nsgFile, "--policy", "contract.yaml")
	}},
	{147, "an empty assertion file", func(c *inputCase) {
		c.export(nsgFile)
		c.write("contract.yaml", "")
		c.refused(`contract.yaml:1:1: is empty; export it again; an az command that finds nothing prints []`, nsgFile, "contract.yaml")
		for _, text := range []string{"", " \n", "assertions: []\n", "waivers: []\n"} {
			c.write("contract.yaml", text)
			if r := c.netpath("check", nsgFile, "--policy", "contract.yaml"); r.code != exitNothing || !strings.Contains(r.stderr, "contract.yaml: there is nothing to assert") || r.stdout != "" {
				c.Errorf("%q: exit %d, %s%s", text, r.code, r.stdout, r.stderr)
			}
		}
	}},
	{148, "a selector that matches nothing", func(c *inputCase) {
		c.export(nsgFile)
		c.usage(`name "app9" is not in the estate (nearest: app1)`, trace("app9", "db1", "443")...)
		c.usage(`network security group "nsg-apq" is not in the estate (nearest: nsg-app)`, "ip-flow", ".", "--nsg", "nsg-apq", "--direction", "Inbound", "--local", "10.0.1.4", "--remote", "10.0.2.4")
		c.usage(`network interface "app9" is not in the estate (nearest: app1)`, "effective-rules", ".", "--vm", "app9")
		for selector, text := range map[string]string{`app9`: "app9 selects nothing (near: app1)", `"app9*"`: "app9* selects nothing", `"subnet:v9/*"`: "subnet:v9/* selects nothing", `"asg:none"`: "asg:none selects nothing"} {
			c.write("contract.yaml", "assertions:\n  - {id: web, allow: {from: ["+selector+"], to: [app1, db1], ports: 443}}\n")
			if r := c.netpath("check", ".", "--policy", "contract.yaml"); r.code != exitUndecided || !strings.Contains(r.stdout, text) {
				c.Errorf("%s: exit %d, %s%s", selector, r.code, r.stdout, r.stderr)
			}
		}
	}},
	{149, "assertions that contradict each other", func(c *inputCase) {
		c.export(nsgFile)
		c.write("contract.yaml", "assertions:\n  - {id: a, allow: {from: db1, to: app1, ports: 443}}\n  - {id: b, deny: {from: db1, to: app1, ports: 443}}\n")
		c.refused(`contract.yaml:1:1: expected exported Azure state or a design, found a policy file; give it with --policy`, nsgFile, "contract.yaml")
		c.usage(`policy file: contract.yaml:3:5 (/assertions/1): contradicts the assertion "a" in line 2, found deny of the same packets; keep one of them`, "check", nsgFile, "--policy", "contract.yaml")
	}},
	{150, "a cache that is corrupt or of another version", func(c *inputCase) {
		c.export(nsgFile)
		c.cache = c.TempDir()
		clean := c.batch(here(nil))
		kept, err := filepath.Glob(filepath.Join(c.cache, "netpath", "service-tags", "*"))
		if err != nil || len(kept) != 1 {
			c.Fatalf("%v, %v: nothing is kept", kept, err)
		}
		good := c.read(kept[0])
		for n, bad := range []string{
			"", good[:len(good)/2], good + "x", strings.Replace(good, "\x01", "\x02", 1), strings.Repeat("\x00", len(good)), "{}",
			good[:8] + strings.Repeat("z", 16) + good[24:], good[:len(good)-1] + string(good[len(good)-1]^1), good[:60] + string(good[60]^1) + good[61:],
		} {
			c.write(kept[0], bad)
			r := c.batch(here(nil), "-v")
			if r.code != clean.code || r.stdout != clean.stdout {
				c.Errorf("%d: exit %d, other answers: %s%s", n, r.code, r.stdout, r.stderr)
			}
			if !strings.Contains(r.stderr, "note: ServiceTags_Public_20261120.json: the index of this file in the cache is not used: ") {
				c.Errorf("%d: not noted: %s", n, r.stderr)
			}
			if c.read(kept[0]) != good {
				c.Errorf("%d: not made again", n)
			}
		}
		c.asked++
	}},
}

func (c *inputCase) remove(file string) {
	c.Helper()
	if err := os.Remove(file); err != nil {
		c.Fatal(err)
	}
}

// alone is the virtual network v2 of the export without its peering.
func alone(vnets string) string {
	text := vnets[strings.Index(vnets, "  {\n    \"name\": \"v2\""):]
	i := strings.Index(text, `"virtualNetworkPeerings": [`)
	return strings.TrimRight(strings.TrimSpace(text[:i]), ",") + "}}"
}

// flowLog shows that a flow log is refused by its name.
func (c *inputCase) flowLog(tuples string) {
	c.Helper()
	c.export(nsgFile)
	c.write("PT1H.json", `{"records": [{"time": "2018-11-13T12:00:35.3899262Z", "systemId": "a", "category": "NetworkSecurityGroupFlowEvent", "resourceId": "`+strings.ToUpper(armID)+`NETWORKSECURITYGROUPS/NSG-APP",
		"operationName": "NetworkSecurityGroupFlowEvents", "properties": {"Version": 2, "flows": [{"rule": "UserRule_allow-web", "flows": [{"mac": "000D3AF87856", "flowTuples": [`+tuples+`]}]}]}}]}`)
	c.refused(`PT1H.json:1:14 (/records/0): expected exported Azure state, found an NSG flow log, which is not read yet; export the deployed resources: az network nsg list, az network vnet list, …`)
}
