package load_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load"
)

func vnet(name, space string, rest string) string {
	return `{"id": "` + net + `virtualNetworks/` + name + `", "name": "` + name + `", "addressSpace": {"addressPrefixes": [` + space + `]}` + rest + `}`
}

func subnetJSON(vnet, name, prefix, rest string) string {
	return `{"id": "` + net + `virtualNetworks/` + vnet + `/subnets/` + name + `", "name": "` + name + `", "addressPrefix": "` + prefix + `"` + rest + `}`
}

func nicJSON(name, addr, subnet, rest string) string {
	return `{"id": "` + net + `networkInterfaces/` + name + `", "name": "` + name + `", "ipConfigurations": [{"name": "ip", "privateIPAddress": "` + addr + `", "subnet": {"id": "` + net + `virtualNetworks/` + subnet + `"}}]` + rest + `}`
}

func TestTheSameResourceTwiceMustSayTheSame(t *testing.T) { // row 32
	base := group(rule())
	t.Run("the same content in two dialects", func(t *testing.T) {
		rest := `{"id": "` + net + `networkSecurityGroups/nsg", "name": "nsg", "etag": "W/2", "properties": {"securityRules": [{"name": "r", "properties": ` +
			rule("-name", "-destinationPortRange", `destinationPortRanges: ["443"]`, `protocol: "TCP"`) + `}]}}`
		res := estate(t, map[string]string{"a.json": base, "b.json": rest})
		if g := res.Network.NetworkSecurityGroups; len(g) != 1 || !strings.HasSuffix(g[0].Origin.File, "a.json") {
			t.Errorf("%+v", g)
		}
	})
	t.Run("a stub never conflicts", func(t *testing.T) {
		for _, order := range [][2]string{{"a.json", "b.json"}, {"b.json", "a.json"}} {
			res := estate(t, map[string]string{order[0]: `{"id": "` + net + `networkSecurityGroups/NSG", "name": "nsg", "location": "westeurope"}`, order[1]: base})
			if g := res.Network.NetworkSecurityGroups; len(g) != 1 || !g[0].RulesGiven || len(g[0].SecurityRules) != 1 || g[0].Location != "westeurope" {
				t.Errorf("%+v", g)
			}
		}
	})
	t.Run("back references are joined", func(t *testing.T) {
		other := strings.Replace(base, `"securityRules"`, `"subnets": [{"id": "/x/y"}], "securityRules"`, 1)
		res := estate(t, map[string]string{"a.json": base, "b.json": other})
		if g := res.Network.NetworkSecurityGroups[0]; len(g.Subnets) != 1 {
			t.Errorf("%+v", g)
		}
	})
	for _, tc := range []struct{ name, a, b, want string }{
		{"a rule differs", base, group(rule(`access: "Deny"`)), "b.json:1:168 (/securityRules/0): expected access of r to be the same as at a.json:1 (/securityRules/0)"},
		{"a rule more", base, group(rule(), rule(`name: "s"`, "priority: 101")), "(s is not there)"},
		{"a rule less", group(rule(), rule(`name: "s"`, "priority: 101")), base, "(s is only there)"},
		{"none and one", group(), base, "(r is not there)"},
		{"another address", base, group(rule(`destinationAddressPrefix: "Storage"`)), "destination.prefixes of r"},
		{"another subnet NSG", vnet("v", `"10.0.0.0/16"`, `, "subnets": [`+subnetJSON("v", "s", "10.0.0.0/24", `, "networkSecurityGroup": {"id": "/a/b"}`)+`]`),
			vnet("v", `"10.0.0.0/16"`, `, "subnets": [`+subnetJSON("v", "s", "10.0.0.0/24", `, "networkSecurityGroup": {"id": "/a/c"}`)+`]`), "expected networkSecurityGroup of s"},
		{"another address space", vnet("v", `"10.0.0.0/16"`, ""), vnet("v", `"10.1.0.0/16"`, ""), "expected addressSpace of v"},
		{"another flag", nicJSON("n", "10.0.0.4", "v/subnets/s", `, "enableIPForwarding": true`), nicJSON("n", "10.0.0.4", "v/subnets/s", `, "enableIPForwarding": false`), "expected enableIPForwarding of n"},
		{"another type", base, `{"id": "` + net + `networkSecurityGroups/nsg", "type": "Microsoft.Network/routeTables", "routes": []}`, "expected its type of nsg"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := refused(t, map[string]string{"a.json": tc.a, "b.json": tc.b})
			if !strings.Contains(got, tc.want) || !strings.HasPrefix(got, "b.json:") || !strings.Contains(got, "a.json:1") {
				t.Errorf("the message lacks %q: %s", tc.want, got)
			}
		})
	}
}

func TestThreeDescriptionsMerge(t *testing.T) {
	res := estate(t, map[string]string{
		"a.json": nicJSON("n", "10.0.0.4", "v/subnets/s", ""),
		"b.json": nicJSON("n", "10.0.0.4", "v/subnets/s", `, "enableIPForwarding": true`),
		"c.json": nicJSON("n", "10.0.0.4", "v/subnets/s", `, "networkSecurityGroup": {"id": "`+net+`networkSecurityGroups/nsg"}`),
	})
	if n := res.Network.NetworkInterfaces; len(n) != 1 || n[0].EnableIPForwarding != topology.On || n[0].NetworkSecurityGroup.IsZero() {
		t.Errorf("%+v", n)
	}
}

func TestChildrenExportedApartJoinTheirParents(t *testing.T) {
	t.Run("subnets and peerings", func(t *testing.T) {
		res := estate(t, map[string]string{
			"a-subnets.json": `[` + subnetJSON("v", "s", "10.0.0.0/24", `, "networkSecurityGroup": {"id": "/n/n"}`) + `, ` + subnetJSON("v", "t", "10.0.1.0/24", "") + `]`,
			"b-vnet.json":    vnet("v", `"10.0.0.0/16"`, `, "subnets": [`+subnetJSON("v", "s", "10.0.0.0/24", "")+`]`),
			"c-peering.json": `[{"id": "` + net + `virtualNetworks/v/virtualNetworkPeerings/p", "name": "p", "peeringState": "Connected", "remoteVirtualNetwork": {"id": "` + net + `virtualNetworks/w"}}]`,
		})
		v := res.Network.VirtualNetworks
		if len(v) != 1 || len(v[0].Subnets) != 2 || len(v[0].Peerings) != 1 || v[0].Stub || v[0].Subnets[0].NetworkSecurityGroup.IsZero() {
			t.Errorf("%+v", v)
		}
		find[*topology.Subnet](t, res.Network, net+"virtualNetworks/v/subnets/t")
	})
	t.Run("subnets alone make a stub", func(t *testing.T) {
		res := estate(t, map[string]string{"a.json": subnetJSON("v", "s", "10.0.0.0/24", "")})
		v := res.Network.VirtualNetworks
		if len(v) != 1 || !v[0].Stub || v[0].Name != "v" || v[0].ResourceID != net+"virtualNetworks/v" || len(said(res, "known by its children alone")) != 1 {
			t.Errorf("%+v %s", v, messages(res))
		}
	})
	ruleOf := func(name string, changes ...string) string {
		return rule(append([]string{`id: "` + net + `networkSecurityGroups/nsg/securityRules/` + name + `"`, `name: "` + name + `"`}, changes...)...)
	}
	t.Run("a list of rules is a whole group", func(t *testing.T) {
		res := estate(t, map[string]string{"a.json": `[` + ruleOf("a") + `, ` + ruleOf("b", "priority: 101") + `]`})
		if g := res.Network.NetworkSecurityGroups; len(g) != 1 || !g[0].RulesGiven || len(g[0].SecurityRules) != 2 {
			t.Errorf("%+v", g)
		}
	})
	t.Run("one rule is no whole group", func(t *testing.T) {
		res := estate(t, map[string]string{"a.json": ruleOf("a")})
		if g := res.Network.NetworkSecurityGroups; len(g) != 1 || g[0].RulesGiven {
			t.Errorf("%+v", g)
		}
	})
	t.Run("a cut list is no whole group", func(t *testing.T) {
		res := estate(t, map[string]string{"a.json": `{"value": [` + ruleOf("a") + `], "nextLink": "x"}`})
		if g := res.Network.NetworkSecurityGroups; len(g) != 1 || g[0].RulesGiven {
			t.Errorf("%+v", g)
		}
	})
	t.Run("a rule that the group has", func(t *testing.T) {
		estate(t, map[string]string{"a.json": ruleOf("r"), "b.json": group(ruleOf("r"))})
	})
	t.Run("a rule that the group lacks", func(t *testing.T) {
		if got := refused(t, map[string]string{"a.json": ruleOf("new", "priority: 300"), "b.json": group(ruleOf("r"))}); !strings.Contains(got, "(new is not there)") {
			t.Error(got)
		}
	})
	t.Run("default rules apart", func(t *testing.T) {
		res := estate(t, map[string]string{"a.json": rule(`id: "`+net+`networkSecurityGroups/nsg/defaultSecurityRules/DenyAllInBound"`, `name: "DenyAllInBound"`, "priority: 65500", `access: "Deny"`, `direction: "Inbound"`), "b.json": group(ruleOf("r"))})
		if g := res.Network.NetworkSecurityGroups[0]; len(g.DefaultRules) != 1 || len(g.SecurityRules) != 1 {
			t.Errorf("%+v", g)
		}
	})
	route := func(name, prefix string) string {
		return `{"id": "` + net + `routeTables/rt/routes/` + name + `", "name": "` + name + `", "addressPrefix": "` + prefix + `", "nextHopType": "None"}`
	}
	t.Run("a list of routes", func(t *testing.T) {
		res := estate(t, map[string]string{"a.json": `[` + route("a", "10.0.0.0/8") + `, ` + route("b", "11.0.0.0/8") + `]`})
		if r := res.Network.RouteTables; len(r) != 1 || !r[0].RoutesGiven || len(r[0].Routes) != 2 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a route that the table lacks", func(t *testing.T) {
		got := refused(t, map[string]string{"a.json": `{"id": "` + net + `routeTables/rt", "name": "rt", "routes": []}`, "b.json": route("x", "10.0.0.0/8")})
		if !strings.Contains(got, "(x is not there)") {
			t.Error(got)
		}
	})
	t.Run("an IP configuration without its interface", func(t *testing.T) {
		res := estate(t, map[string]string{"a.json": `{"id": "` + net + `networkInterfaces/n/ipConfigurations/ip", "name": "ip", "properties": {"privateIPAddress": "10.0.0.4"}}`})
		if g := res.Network.Gaps; len(g) != 1 || g[0].ResourceType != "Microsoft.Network/networkInterfaces" || len(said(res, "not used")) != 1 {
			t.Errorf("%+v %s", g, messages(res))
		}
	})
	t.Run("rule collection groups complete a policy", func(t *testing.T) {
		policy := `{"id": "` + net + `firewallPolicies/p", "name": "p", "properties": {"threatIntelMode": "Alert", "ruleCollectionGroups": [{"id": "` + net + `firewallPolicies/p/ruleCollectionGroups/g"}]}}`
		groups := `[{"id": "` + net + `firewallPolicies/p/ruleCollectionGroups/g", "name": "g", "properties": {"priority": 200, "ruleCollections": [
		  {"ruleCollectionType": "FirewallPolicyFilterRuleCollection", "name": "c", "priority": 300, "action": {"type": "Allow"}, "rules": [
		   {"ruleType": "NetworkRule", "name": "r", "ipProtocols": ["TCP"], "sourceAddresses": ["10.0.0.1-10.0.0.4"], "destinationAddresses": ["Storage"], "destinationPorts": ["443"]}]},
		  {"ruleCollectionType": "FirewallPolicyFilterRuleCollection", "name": "d", "priority": 400, "action": {"type": "Deny"}, "rules": [
		   {"ruleType": "ApplicationRule", "name": "a", "protocols": [{"protocolType": "Https", "port": 443}], "sourceAddresses": ["*"], "targetFqdns": ["*.example.com"]}]}]}}]`
		alone := estate(t, map[string]string{"a.json": policy})
		if p := alone.Network.FirewallPolicies[0]; p.GroupsGiven || len(said(alone, "rule collection groups")) != 1 {
			t.Errorf("%+v", p)
		}
		res := estate(t, map[string]string{"a.json": policy, "b.json": groups})
		p := res.Network.FirewallPolicies[0]
		if !p.GroupsGiven || len(p.Collections) != 2 || p.Collections[0].GroupPriority != 200 || p.Collections[0].Kind != topology.NetworkCollection ||
			p.Collections[1].Kind != topology.ApplicationCollection || p.Collections[1].Action != topology.Deny {
			t.Fatalf("%+v", p)
		}
		if src := p.Collections[0].Rules[0].Sources; len(src) != 3 || src[1].Prefix.String() != "10.0.0.2/31" { // .1, .2-.3, .4
			t.Errorf("%+v", src)
		}
	})
	t.Run("disks and protected items", func(t *testing.T) {
		res := estate(t, map[string]string{
			"a.json": `{"id": "` + sub + `Microsoft.Compute/virtualMachines/vm", "name": "vm", "storageProfile": {"osDisk": {"osType": "Windows", "managedDisk": {"id": "` + sub + `Microsoft.Compute/disks/os"}},
			   "dataDisks": [{"name": "d", "vhd": {"uri": "https://acct.blob.core.windows.net/vhds/d.vhd?sig=SECRET"}}]}}`,
			"b.json": `{"id": "` + sub + `Microsoft.Compute/disks/OS", "name": "os", "diskSizeGB": 127, "maxShares": 2, "encryptionSettingsCollection": {"enabled": true,
			   "encryptionSettings": [{"diskEncryptionKey": {"secretUrl": "x"}}]}}`,
			"c.json": `{"id": "` + sub + `Microsoft.RecoveryServices/vaults/v", "name": "v", "type": "Microsoft.RecoveryServices/vaults"}`,
			"d.json": `[{"id": "` + sub + `Microsoft.RecoveryServices/vaults/v/backupFabrics/Azure/protectionContainers/c/protectedItems/i", "name": "i", "properties": {"virtualMachineId": "` + sub + `Microsoft.Compute/virtualMachines/vm"}}]`,
		})
		vm := res.Network.VirtualMachines[0]
		if vm.OSDisk.SizeGB != 127 || vm.OSDisk.Clustered != topology.On || vm.Encryption != "bek-only" || !vm.AzureDiskEncryption || vm.OSDisk.Encrypted != topology.On || vm.DataDisks[0].StorageAccount != "acct" || vm.DataDisks[0].Managed != topology.Off {
			t.Errorf("%+v %+v %+v", vm, vm.OSDisk, vm.DataDisks[0])
		}
		if v := res.Network.RecoveryServicesVaults[0]; len(v.ProtectedVirtualMachines) != 1 {
			t.Errorf("%+v", v)
		}
	})
}

func TestOneSideOfARelationIsEnough(t *testing.T) {
	vm := `{"id": "` + sub + `Microsoft.Compute/virtualMachines/vm", "name": "vm", "hardwareProfile": {"vmSize": "x"}`
	ref := `, "virtualMachine": {"id": "` + sub + `Microsoft.Compute/virtualMachines/VM"}`
	t.Run("the interfaces name the machine", func(t *testing.T) {
		res := estate(t, map[string]string{"a.json": `[` + vm + `}, ` + nicJSON("n", "10.0.0.4", "v/subnets/a", ref+`, "primary": true`) + `, ` + nicJSON("m", "10.0.0.5", "v/subnets/a", ref) + `]`})
		if got := res.Network.VirtualMachines[0]; len(got.NetworkInterfaces) != 2 || got.PrimaryInterface.ID().Name() != "n" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("the machine names the interfaces", func(t *testing.T) {
		res := estate(t, map[string]string{"a.json": `[` + vm + `, "networkProfile": {"networkInterfaces": [{"id": "` + net + `networkInterfaces/n"}, {"id": "` + net + `networkInterfaces/m", "primary": true}]}}, ` +
			nicJSON("n", "10.0.0.4", "v/subnets/a", "") + `, ` + nicJSON("m", "10.0.0.5", "v/subnets/a", "") + `]`})
		if got := res.Network; got.NetworkInterfaces[0].VirtualMachine.ID().Name() != "vm" || got.VirtualMachines[0].PrimaryInterface.ID().Name() != "m" {
			t.Errorf("%+v", got.NetworkInterfaces[0])
		}
	})
	t.Run("no mark, no primary", func(t *testing.T) {
		res := estate(t, map[string]string{"a.json": `[` + vm + `}, ` + nicJSON("n", "10.0.0.4", "v/subnets/a", ref) + `, ` + nicJSON("m", "10.0.0.5", "v/subnets/a", ref) + `]`})
		if got := res.Network.VirtualMachines[0]; !got.PrimaryInterface.IsZero() {
			t.Errorf("%+v", got)
		}
	})
	t.Run("they disagree", func(t *testing.T) {
		res := estate(t, map[string]string{"a.json": `[` + vm + `, "networkProfile": {"networkInterfaces": [{"id": "` + net + `networkInterfaces/n"}]}}, ` +
			nicJSON("n", "10.0.0.4", "v/subnets/a", strings.ReplaceAll(ref, "VM", "other")) + `]`})
		if len(said(res, `which belongs to "other"`)) != 1 {
			t.Errorf("%s", messages(res))
		}
	})
	t.Run("a public address that its interface does not name is left open", func(t *testing.T) {
		pip := `{"id": "` + net + `publicIPAddresses/p", "name": "p", "type": "Microsoft.Network/publicIPAddresses", "ipAddress": "198.51.100.7", "ipConfiguration": {"id": "` + net + `networkInterfaces/n/ipConfigurations/ip"}}`
		res := estate(t, map[string]string{"a.json": `[` + nicJSON("n", "10.0.0.4", "v/subnets/a", "") + `, ` + pip + `]`})
		if c := res.Network.NetworkInterfaces[0].IPConfigurations[0]; !c.PublicIPUnknown || len(said(res, `"p" says that it belongs to the interface "n"`)) != 1 {
			t.Errorf("%+v %s", c, messages(res))
		}
	})
	t.Run("a private endpoint and its interface", func(t *testing.T) {
		res := estate(t, map[string]string{"a.json": `[{"id": "` + net + `privateEndpoints/pe", "name": "pe", "subnet": {"id": "` + net + `virtualNetworks/v/subnets/a"}, "networkInterfaces": [{"id": "` + net + `networkInterfaces/n"}],
		  "privateLinkServiceConnections": [{"name": "c", "groupIds": ["blob"], "privateLinkServiceId": "/x", "privateLinkServiceConnectionState": {"status": "Approved"}}]}, ` + nicJSON("n", "10.0.0.9", "v/subnets/a", "") + `]`})
		pe := res.Network.PrivateEndpoints[0]
		if len(pe.Addresses) != 1 || pe.Addresses[0].String() != "10.0.0.9" || pe.ConnectionState != "Approved" || res.Network.NetworkInterfaces[0].PrivateEndpoint.ID() != pe.ID() {
			t.Errorf("%+v", pe)
		}
	})
}

func TestNamesCannotForgeOutput(t *testing.T) { // row 127
	bad := "\\u001b[31m<script>\\n"
	res := estate(t, map[string]string{"a.json": vnet("v", `"10.0.0.0/16"`, `, "virtualNetworkPeerings": [{"name": "`+bad+`", "peeringState": "`+bad+`", "remoteVirtualNetwork": {"id": "/`+bad+`"}}], "subnets": [{"id": "`+net+`virtualNetworks/v/subnets/`+bad+`", "name": "`+bad+`", "addressPrefix": "10.0.0.0/24", "routeTable": {"id": "/`+bad+`"}}]`)})
	got := refused(t, map[string]string{"a.json": group(rule(`name: "` + bad + `"`)), "b.json": group(rule(`name: "`+bad+`"`, `access: "Deny"`))})
	said := []string{got}
	for _, d := range res.Diagnostics {
		said = append(said, d.Message, d.Hint)
	}
	for _, text := range said {
		if strings.ContainsAny(text, "\x1b\n") {
			t.Errorf("%q", text)
		}
	}
	if len(res.Diagnostics) < 2 {
		t.Errorf("%s", messages(res))
	}
}

func TestEstatesThatContradictThemselvesAreRefused(t *testing.T) {
	peer := func(other string) string {
		return `, "virtualNetworkPeerings": [{"name": "to-` + other + `", "peeringState": "Connected", "remoteVirtualNetwork": {"id": "` + net + `virtualNetworks/` + other + `"}}]`
	}
	for _, tc := range []struct{ name, text, want string }{
		{"131 peered networks overlap", `[` + vnet("v", `"10.0.0.0/16"`, peer("w")) + `,` + vnet("w", `"10.0.128.0/17"`, peer("v")) + `]`, "expected peered virtual networks that do not overlap, found 10.0.0.0/16"},
		{"132 subnets overlap", vnet("v", `"10.0.0.0/16"`, `, "subnets": [`+subnetJSON("v", "a", "10.0.0.0/24", "")+`,`+subnetJSON("v", "b", "10.0.0.128/25", "")+`]`), "expected subnets that do not overlap, found 10.0.0.128/25"},
		{"132 subnet outside", vnet("v", `"10.0.0.0/16"`, `, "subnets": [`+subnetJSON("v", "a", "10.1.0.0/24", "")+`]`), "inside the address space of v, found 10.1.0.0/24"},
		{"133 address outside its subnet", `[` + vnet("v", `"10.0.0.0/16"`, `, "subnets": [`+subnetJSON("v", "a", "10.0.0.0/24", "")+`]`) + `,` + nicJSON("n", "10.0.1.4", "v/subnets/a", "") + `]`, `expected the address of "n" inside its subnet, found 10.0.1.4`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := refused(t, map[string]string{"a.json": tc.text}); !strings.Contains(got, tc.want) {
				t.Errorf("the message lacks %q: %s", tc.want, got)
			}
		})
	}
	t.Run("131 networks that are not peered may overlap", func(t *testing.T) {
		estate(t, map[string]string{"a.json": `[` + vnet("v", `"10.0.0.0/16"`, "") + `,` + vnet("w", `"10.0.0.0/16"`, "") + `]`})
	})
}

func TestWhatAnEstateLeavesOpenIsNamed(t *testing.T) {
	app := `, "subnets": [` + subnetJSON("v", "a", "10.0.0.0/24", `, "networkSecurityGroup": {"id": "`+net+`networkSecurityGroups/gone"}, "routeTable": {"id": "`+net+`routeTables/gone"}`) + `]`
	for _, tc := range []struct {
		name, text string
		severity   load.Severity
		want       string
	}{
		{"118 dangling group", vnet("v", `"10.0.0.0/16"`, app), load.Doubt, `the network security group "gone" is not in the data`},
		{"118 dangling route table", vnet("v", `"10.0.0.0/16"`, app), load.Doubt, `the route table "gone" is not in the data`},
		{"118 dangling subnet", nicJSON("n", "10.0.0.4", "x/subnets/gone", ""), load.Doubt, `the subnet "gone" is not in the data`},
		{"118 a claim that is not met", `[` + vnet("v", `"10.0.0.0/16"`, `, "subnets": [`+subnetJSON("v", "a", "10.0.0.0/24", "")+`]`) + `, {"id": "` + net + `networkSecurityGroups/g", "name": "g", "securityRules": [], "subnets": [{"id": "` + net + `virtualNetworks/v/subnets/a"}]}]`,
			load.Doubt, `"g" lists the subnet "a", which does not refer to it`},
		{"120 no peering back", `[` + vnet("v", `"10.0.0.0/16"`, `, "virtualNetworkPeerings": [{"name": "p", "peeringState": "Connected", "remoteVirtualNetwork": {"id": "`+net+`virtualNetworks/w"}}]`) + `,` + vnet("w", `"10.1.0.0/16"`, "") + `]`,
			load.Warning, `the virtual network "w" has no peering back to v`},
		{"120 disconnected", vnet("v", `"10.0.0.0/16"`, `, "virtualNetworkPeerings": [{"name": "p", "peeringState": "Disconnected", "remoteVirtualNetwork": {"id": "`+net+`virtualNetworks/w"}}]`),
			load.Warning, `the peering "p" of v is Disconnected`},
		{"133 an address twice", `[` + nicJSON("n", "10.0.0.4", "v/subnets/a", "") + `,` + nicJSON("m", "10.0.0.4", "v/subnets/b", "") + `]`, load.Doubt, `the address 10.0.0.4 is owned by "n" too`},
		{"134 a prefix twice", `{"id": "` + net + `routeTables/rt", "name": "rt", "routes": [{"name": "a", "addressPrefix": "10.0.0.0/8", "nextHopType": "None"}, {"name": "b", "addressPrefix": "10.0.0.0/8", "nextHopType": "Internet"}]}`,
			load.Doubt, `routes "a" and "b" of rt have the same prefix`},
		{"134 the same route twice", `{"id": "` + net + `routeTables/rt", "name": "rt", "routes": [{"name": "a", "addressPrefix": "10.0.0.0/8", "nextHopType": "None"}, {"name": "b", "addressPrefix": "10.0.0.0/8", "nextHopType": "None"}]}`,
			load.Warning, `routes "a" and "b" of rt have the same prefix`},
		{"43 empty list", `[]`, load.Warning, "the list is empty"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := estate(t, map[string]string{"a.json": tc.text})
			if d := said(res, tc.want); len(d) != 1 || d[0].Severity != tc.severity || d[0].Origin.File == "" {
				t.Errorf("no %s %q: %s", tc.severity, tc.want, messages(res))
			}
		})
	}
	t.Run("133 the same address in unrelated networks", func(t *testing.T) {
		res := estate(t, map[string]string{"a.json": `[` + nicJSON("n", "10.0.0.4", "v/subnets/a", "") + `,` + nicJSON("m", "10.0.0.4", "w/subnets/a", "") + `]`})
		if len(said(res, "owned by")) != 0 {
			t.Errorf("%s", messages(res))
		}
	})
}

func TestRoutesAreStrict(t *testing.T) {
	for _, tc := range []struct{ name, props, want string }{
		{"no prefix", `"nextHopType": "None"`, "addressPrefix"},
		{"no next hop type", `"addressPrefix": "10.0.0.0/8"`, "expected a route with a nextHopType"},
		{"unknown next hop type", `"addressPrefix": "10.0.0.0/8", "nextHopType": "VNetPeering"`, `found "VNetPeering"`},
		{"appliance without address", `"addressPrefix": "10.0.0.0/8", "nextHopType": "VirtualAppliance"`, "expected a nextHopIpAddress"},
		{"star", `"addressPrefix": "*", "nextHopType": "None"`, "the default route is 0.0.0.0/0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := refused(t, map[string]string{"a.json": `{"id": "` + net + `routeTables/rt", "name": "rt", "routes": [{"name": "a", ` + tc.props + `}]}`})
			if !strings.Contains(got, tc.want) {
				t.Errorf("the message lacks %q: %s", tc.want, got)
			}
		})
	}
	res := estate(t, map[string]string{"a.json": `{"id": "` + net + `routeTables/rt", "name": "rt", "routes": [{"name": "a", "addressPrefix": "[parameters('p')]", "nextHopType": "None"}]}`})
	if r := res.Network.RouteTables[0].Routes[0]; !r.Unresolved {
		t.Errorf("%+v", r)
	}
}

func TestAToggleThatWasNotEvaluatedStaysVisible(t *testing.T) { // row 54
	res := estate(t, map[string]string{"a.json": nicJSON("n", "10.0.0.4", "v/subnets/s", `, "enableIPForwarding": "[parameters('f')]"`)})
	n := res.Network.NetworkInterfaces[0]
	if n.EnableIPForwarding != topology.Unset || len(n.NotModelled) != 1 || n.NotModelled[0].Name != "enableIPForwarding" {
		t.Errorf("%+v", n)
	}
}

func TestEffectiveExports(t *testing.T) {
	t.Run("security rules, G46", func(t *testing.T) {
		res := estate(t, map[string]string{"a.json": `{"value":[{"networkSecurityGroup":{"id":"` + net + `networkSecurityGroups/n"},"association":{"subnet":{"id":"` + net + `virtualNetworks/v/subnets/s"},"networkInterface":null},
		 "effectiveSecurityRules":[{"name":"securityRules/allowRDP","protocol":"Tcp","sourcePortRange":"0-65535","destinationPortRange":"3389-3389","sourcePortRanges":["0-65535"],"destinationPortRanges":["3389-3389"],
		  "sourceAddressPrefix":"Internet","destinationAddressPrefix":"0.0.0.0/0","sourceAddressPrefixes":["Internet", "Storage"],"destinationAddressPrefixes":["0.0.0.0/0"],"expandedSourceAddressPrefix":["1.0.0.0/8","2.0.0.0/7"],
		  "access":"Allow","priority":1000,"direction":"Inbound"},
		  {"name":"defaultSecurityRules/DenyAllInBound","protocol":"All","sourcePortRange":"0-65535","destinationPortRange":"0-65535","sourceAddressPrefix":"0.0.0.0/0","destinationAddressPrefix":"0.0.0.0/0","access":"Deny","priority":65500,"direction":"Inbound"}],
		 "tagMap":{"VirtualNetwork":["0.0.0.0/0"],"Internet":["1.0.0.0/8"]}}]}`})
		g := res.Network.EffectiveSecurityGroups
		if len(g) != 1 || len(g[0].Rules) != 2 || !g[0].Rules[1].Default || len(g[0].Rules[0].Source.Prefixes) != 2 || !g[0].Rules[0].Source.HasExpanded ||
			g[0].TagMap["VirtualNetwork"][0].String() != "0.0.0.0/0" || g[0].Subnet.IsZero() || !g[0].NetworkInterface.IsZero() {
			t.Errorf("%+v", g)
		}
		if res.Inputs[0].Dialect != "effective security rules" || len(res.Diagnostics) != 0 {
			t.Errorf("%s %s", res.Inputs[0].Dialect, messages(res))
		}
	})
	t.Run("security rules at odds with the configuration are named", func(t *testing.T) {
		files := func(access, group string) map[string]string {
			return map[string]string{
				"nsg.json": `{"id":"` + net + `networkSecurityGroups/n","name":"n","securityRules":[{"name":"web","protocol":"Tcp","sourcePortRange":"*","destinationPortRange":"443","sourceAddressPrefix":"Internet","destinationAddressPrefix":"*","access":"Allow","priority":100,"direction":"Inbound"}]}`,
				"nic.json": nicJSON("i", "10.0.0.4", "v/subnets/s", `, "networkSecurityGroup": {"id": "`+net+`networkSecurityGroups/n"}`),
				"eff.json": `{"value":[{"networkSecurityGroup":{"id":"` + net + `networkSecurityGroups/` + group + `"},"association":{"networkInterface":{"id":"` + net + `networkInterfaces/i"}},
				 "effectiveSecurityRules":[{"name":"securityRules/web","protocol":"Tcp","sourcePortRange":"0-65535","destinationPortRange":"443-443","sourceAddressPrefix":"Internet","destinationAddressPrefix":"0.0.0.0/0","expandedSourceAddressPrefix":["1.0.0.0/8"],"access":"` + access + `","priority":100,"direction":"Inbound"}]}]}`,
			}
		}
		for _, x := range []struct {
			access, group string
			rules, place  int
		}{{"Allow", "n", 0, 0}, {"Deny", "n", 1, 0}, {"Allow", "other", 0, 1}} {
			res := estate(t, files(x.access, x.group))
			if len(said(res, "are at odds with its rules at")) != x.rules || len(said(res, "which does not refer to it at")) != x.place {
				t.Errorf("%+v: %s", x, messages(res))
			}
		}
	})
	t.Run("a rule that concerns nobody known", func(t *testing.T) {
		res := estate(t, map[string]string{"a.json": `[{"effectiveSecurityRules": [` + rule("-sourceAddressPrefix", `name: "UserRule_x"`) + `], "networkSecurityGroup": {"id": "/n"}}]`})
		if r := res.Network.EffectiveSecurityGroups[0].Rules[0]; r.Source.Prefixes[0].Kind != topology.UnresolvedAddress || len(said(res, "may name any address")) != 1 {
			t.Errorf("%+v %s", r, messages(res))
		}
	})
	t.Run("security rules from Az PowerShell", func(t *testing.T) {
		res := estate(t, map[string]string{"a.json": `{"NetworkSecurityGroup":{"Id":"` + net + `networkSecurityGroups/n"},"Association":{"Subnet":{"Id":"/s"},"NetworkInterface":{"Id":"/i"}},
		 "EffectiveSecurityRules":[{"Name":"securityRules/r","Protocol":"Tcp","SourcePortRange":["0-65535"],"DestinationPortRange":["80-80","443-443"],"SourceAddressPrefix":["10.0.0.0/8","192.168.0.0/16"],"DestinationAddressPrefix":["VirtualNetwork","Internet"],
		  "ExpandedSourceAddressPrefix":[],"ExpandedDestinationAddressPrefix":["10.0.0.0/16"],"Access":"Allow","Priority":100,"Direction":"Inbound"}],"TagMap":{"VirtualNetwork":["10.0.0.0/16"]}}`})
		if g := res.Network.EffectiveSecurityGroups; len(g) != 1 || len(g[0].Rules[0].Destination.Prefixes) != 2 || len(g[0].Rules[0].Destination.Ports) != 2 || !g[0].Rules[0].Destination.HasExpanded {
			t.Errorf("%+v", g)
		}
	})
	routes := `{"value":[{"name":null,"source":"Default","state":"Active","addressPrefix":["0.0.0.0/0"],"nextHopType":"Internet","nextHopIpAddress":[],"disableBgpRoutePropagation":false,"tagMap":{}},
	  {"source":"User","state":"Invalid","addressPrefix":["10.0.0.0/8"],"nextHopType":"VirtualAppliance","nextHopIpAddress":["10.0.0.9"],"additionalProperties":{"disableBgpRoutePropagation":false}}]}`
	t.Run("routes of the interface that the file is named after", func(t *testing.T) {
		res := estate(t, map[string]string{"nic1.routes.json": routes, "nics.json": nicJSON("NIC1", "10.0.0.4", "v/subnets/s", "")})
		tables := res.Network.EffectiveRouteTables
		if len(tables) != 1 || len(tables[0].Routes) != 2 || tables[0].NetworkInterface.Text != net+"networkInterfaces/NIC1" || tables[0].Routes[1].NextHopIP[0].String() != "10.0.0.9" {
			t.Errorf("%+v", tables)
		}
	})
	t.Run("routes of nobody", func(t *testing.T) {
		res := estate(t, map[string]string{"routes.json": routes})
		if len(said(res, "do not say whose they are")) != 1 || !res.Network.EffectiveRouteTables[0].NetworkInterface.IsZero() {
			t.Errorf("%s", messages(res))
		}
	})
	admin := `{"value":[{"id":"` + net + `networkManagers/m/securityAdminConfigurations/c/ruleCollections/rc/rules/R","kind":"Custom","properties":{"protocol":"Tcp","sources":[{"addressPrefixType":"IPPrefix","addressPrefix":"*"}],
	  "destinations":[{"addressPrefixType":"ServiceTag","addressPrefix":"Internet"}],"sourcePortRanges":["0-65535"],"destinationPortRanges":["22"],"direction":"Inbound","access":"AlwaysAllow","priority":1},"ruleCollectionAppliesToGroups":[],"ruleGroups":[]}],"skipToken":null}`
	t.Run("admin rules, row 114", func(t *testing.T) {
		res := estate(t, map[string]string{"v.admin-rules.json": admin, "v.json": vnet("v", `"10.0.0.0/16"`, "")})
		r := res.Network.AdminRules
		if len(r) != 1 || r[0].Access != topology.AlwaysAllow || r[0].Name != "R" || len(r[0].VirtualNetworks) != 1 || r[0].VirtualNetworksUnknown || r[0].Destination.Prefixes[0].Tag != "Internet" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("admin rules that leave something out", func(t *testing.T) {
		text := strings.NewReplacer(`"sourcePortRanges":["0-65535"],`, ``, `"sources":[{"addressPrefixType":"IPPrefix","addressPrefix":"*"}],`, `"sources":[],`).Replace(admin)
		r := estate(t, map[string]string{"v.json": text}).Network.AdminRules[0]
		if r.Source.Prefixes[0].Kind != topology.UnresolvedAddress || !r.Source.PortsUnresolved || r.Destination.PortsUnresolved {
			t.Errorf("%+v", r)
		}
		for _, change := range [][2]string{{`"access":"AlwaysAllow"`, `"access":null`}, {`"direction":"Inbound"`, `"direction":""`}, {`"protocol":"Tcp"`, `"protocol":"6"`}, {`"priority":1`, `"priority":5000`}, {`"IPPrefix"`, `"NetworkGroup"`}} {
			if got := refused(t, map[string]string{"v.json": strings.Replace(admin, change[0], change[1], 1)}); !strings.Contains(got, "expected") {
				t.Error(got)
			}
		}
	})
	t.Run("admin rules of an unknown network", func(t *testing.T) {
		res := estate(t, map[string]string{"rules.json": admin, "v.json": vnet("v", `"10.0.0.0/16"`, "")})
		if r := res.Network.AdminRules[0]; !r.VirtualNetworksUnknown || len(said(res, "does not say which virtual networks")) != 1 {
			t.Errorf("%+v %s", r, messages(res))
		}
	})
}

func TestKeepGoingCountsARefusedFileAsAbsent(t *testing.T) {
	dir := files(t, map[string]string{
		"a.json": group(rule()),
		"b.json": group(rule(`access: "Deny"`)), // contradicts a.json
		"c.json": `{"id": `,                     // cut off
		"d.json": vnet("v", `"10.0.0.0/16"`, ""),
	})
	if _, err := load.Estate(context.Background(), []string{dir}, load.Options{}); err == nil {
		t.Fatal("the files load")
	}
	res, err := load.Estate(context.Background(), []string{dir}, load.Options{KeepGoing: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Refused) != 2 || len(res.Network.Gaps) != 2 || len(res.Inputs) != 2 {
		t.Fatalf("refused %v, gaps %+v, inputs %+v", res.Refused, res.Network.Gaps, res.Inputs)
	}
	for _, g := range res.Network.Gaps {
		if g.Kind != topology.FileRefused || g.ResourceType != "" {
			t.Errorf("%+v", g)
		}
	}
	if g := res.Network.NetworkSecurityGroups; len(g) != 1 || g[0].SecurityRules[0].Access != topology.Allow {
		t.Errorf("%+v", g)
	}
	var de *doctree.Error
	for _, err := range res.Refused {
		if !errors.As(err, &de) {
			t.Errorf("%T", err)
		}
	}
}

func TestLoadingIsDeterministic(t *testing.T) {
	contents := map[string]string{"a.json": restEstate, "z.yaml": "apiVersion: netpath/v1\nvirtualMachines: [{name: vm1, proxy: {host: 10.0.1.9, port: 80}}]\n"}
	dir := files(t, contents)
	var first *load.Result
	for range 5 {
		res, err := load.Estate(context.Background(), []string{filepath.Join(dir, "z.yaml"), dir}, load.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = res
			continue
		}
		sameEstate(t, first, res)
		if messages(first) != messages(res) {
			t.Errorf("%s\n%s", messages(first), messages(res))
		}
	}
}

func TestResourceTagsAreKept(t *testing.T) {
	const plain = `{"id": "` + net + `networkInterfaces/n", "name": "n", %s "ipConfigurations": [{"name": "ip", "privateIPAddress": "10.0.0.4", "subnet": {"id": "` + net + `virtualNetworks/v/subnets/s"}}]}`
	nic := func(tags string) string { return strings.Replace(plain, "%s", tags, 1) }
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  []topology.Tag
	}{
		{"in the order of their names, which letter case does not tell apart", map[string]string{"a.json": nic(`"tags": {"Team": "net", "ENV": "Prod"},`)},
			[]topology.Tag{{Name: "env", Value: "Prod"}, {Name: "team", Value: "net"}}},
		{"as Az PowerShell has them", map[string]string{"a.json": nic(`"Tag": {"env": "prod"}, "TagsTable": "a table",`)}, []topology.Tag{{Name: "env", Value: "prod"}}},
		{"none", map[string]string{"a.json": nic(`"tags": null,`)}, nil},
		{"of two exports both", map[string]string{"a.json": nic(`"tags": {"env": "prod"},`), "b.json": nic(`"tags": {"env": "test"},`)},
			[]topology.Tag{{Name: "env", Value: "prod"}, {Name: "env", Value: "test"}}},
		{"of a design", map[string]string{"a.yaml": "apiVersion: netpath/v1\nvirtualNetworks: [{name: v, addressPrefixes: [10.0.0.0/16], subnets: [{name: s, addressPrefix: 10.0.0.0/24}]}]\n" +
			"networkInterfaces: [{name: n, subnet: v/s, privateIPAddress: 10.0.0.4, tags: {Env: prod}}]\n"}, []topology.Tag{{Name: "env", Value: "prod"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := estate(t, tc.files)
			if d := cmp.Diff(tc.want, res.Network.NetworkInterfaces[0].Tags); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}
