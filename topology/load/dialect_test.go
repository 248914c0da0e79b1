package load_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load"
)

// restEstate is a small estate as the REST API lists it.
const restEstate = `{"value": [
{"name": "v1", "id": "` + net + `virtualNetworks/v1", "type": "Microsoft.Network/virtualNetworks", "location": "westeurope", "etag": "W/\"1\"",
 "properties": {"provisioningState": "Succeeded", "addressSpace": {"addressPrefixes": ["10.0.0.0/16", "2001:db8::/48"]},
  "subnets": [
   {"name": "app", "id": "` + net + `virtualNetworks/v1/subnets/app", "etag": "W/\"1\"", "properties": {"provisioningState": "Succeeded", "addressPrefix": "10.0.1.0/24",
     "networkSecurityGroup": {"id": "` + net + `networkSecurityGroups/nsg"}, "routeTable": {"id": "` + net + `routeTables/rt"},
     "serviceEndpoints": [{"service": "Microsoft.Storage", "locations": ["westeurope", "northeurope"], "provisioningState": "Succeeded"}],
     "defaultOutboundAccess": false, "privateEndpointNetworkPolicies": "Disabled", "delegations": [], "ipConfigurations": [{"id": "` + net + `networkInterfaces/nic1/ipConfigurations/ip1"}]}},
   {"name": "dual", "id": "` + net + `virtualNetworks/v1/subnets/dual", "properties": {"addressPrefixes": ["10.0.2.0/24", "2001:db8:0:1::/64"]}}],
  "virtualNetworkPeerings": [
   {"name": "to-v2", "id": "` + net + `virtualNetworks/v1/virtualNetworkPeerings/to-v2", "properties": {"peeringState": "Connected",
     "remoteVirtualNetwork": {"id": "` + net + `virtualNetworks/v2"}, "remoteAddressSpace": {"addressPrefixes": ["10.1.0.0/16"]},
     "allowVirtualNetworkAccess": true, "allowForwardedTraffic": false, "allowGatewayTransit": false, "useRemoteGateways": false}}]}},
{"name": "nsg", "id": "` + net + `networkSecurityGroups/nsg", "type": "Microsoft.Network/networkSecurityGroups", "location": "westeurope",
 "properties": {"securityRules": [
   {"name": "web", "id": "` + net + `networkSecurityGroups/nsg/securityRules/web", "properties": {"protocol": "Tcp", "sourceAddressPrefix": "VirtualNetwork", "sourcePortRange": "*",
     "destinationApplicationSecurityGroups": [{"id": "` + net + `applicationSecurityGroups/asg"}], "destinationPortRanges": ["80", "443", "8000-8080"],
     "access": "Allow", "priority": 100, "direction": "Inbound", "description": "the web"}},
   {"name": "lists", "id": "` + net + `networkSecurityGroups/nsg/securityRules/lists", "properties": {"protocol": "*", "sourceAddressPrefixes": ["10.0.0.0/24", "10.0.1.4/32"],
     "sourcePortRange": "*", "destinationAddressPrefix": "Storage.WestEurope", "destinationPortRange": "*", "access": "Deny", "priority": 4096, "direction": "Outbound"}}],
  "subnets": [{"id": "` + net + `virtualNetworks/v1/subnets/app"}]}},
{"name": "asg", "id": "` + net + `applicationSecurityGroups/asg", "type": "Microsoft.Network/applicationSecurityGroups", "location": "westeurope", "properties": {"provisioningState": "Succeeded"}},
{"name": "nic1", "id": "` + net + `networkInterfaces/nic1", "type": "Microsoft.Network/networkInterfaces", "location": "westeurope",
 "properties": {"ipConfigurations": [{"name": "ip1", "id": "` + net + `networkInterfaces/nic1/ipConfigurations/ip1", "properties": {"privateIPAddress": "10.0.1.4", "privateIPAllocationMethod": "Dynamic",
   "subnet": {"id": "` + net + `virtualNetworks/v1/subnets/app"}, "publicIPAddress": {"id": "` + net + `publicIPAddresses/pip"}, "primary": true,
   "applicationSecurityGroups": [{"id": "` + net + `applicationSecurityGroups/asg"}]}}],
  "enableIPForwarding": true, "primary": true, "virtualMachine": {"id": "` + sub + `Microsoft.Compute/virtualMachines/vm1"}}},
{"name": "pip", "id": "` + net + `publicIPAddresses/pip", "type": "Microsoft.Network/publicIPAddresses", "location": "westeurope", "sku": {"name": "Standard", "tier": "Regional"},
 "properties": {"ipAddress": "198.51.100.9", "publicIPAllocationMethod": "Static", "ipConfiguration": {"id": "` + net + `networkInterfaces/nic1/ipConfigurations/ip1"}}},
{"name": "rt", "id": "` + net + `routeTables/rt", "type": "Microsoft.Network/routeTables", "location": "westeurope",
 "properties": {"disableBgpRoutePropagation": true, "routes": [
  {"name": "nva", "id": "` + net + `routeTables/rt/routes/nva", "properties": {"addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.0.10"}},
  {"name": "aad", "id": "` + net + `routeTables/rt/routes/aad", "properties": {"addressPrefix": "AzureActiveDirectory", "nextHopType": "Internet"}}]}},
{"name": "vm1", "id": "` + sub + `Microsoft.Compute/virtualMachines/vm1", "type": "Microsoft.Compute/virtualMachines", "location": "westeurope",
 "properties": {"hardwareProfile": {"vmSize": "Standard_D2s_v3"}, "storageProfile": {"osDisk": {"osType": "Linux", "name": "os", "diskSizeGB": 30, "managedDisk": {"id": "` + sub + `Microsoft.Compute/disks/os"}}, "dataDisks": []},
  "networkProfile": {"networkInterfaces": [{"id": "` + net + `networkInterfaces/nic1", "properties": {"primary": true}}]}}}
]}`

// decode parses JSON for rewriting.
func decode(t testing.TB, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func encode(t testing.TB, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// elements returns the elements of a list in one of its envelopes.
func elements(v any) []any {
	if m, ok := v.(map[string]any); ok {
		return m["value"].([]any)
	}
	return v.([]any)
}

// flat rewrites nested resources the way az prints them.
func flat(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			out = append(out, flat(e))
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if k != "properties" {
				out[k] = flat(e)
			}
		}
		if bag, ok := v["properties"].(map[string]any); ok {
			for k, e := range bag {
				out[k] = flat(e)
			}
		}
		if id, ok := v["id"].(string); ok && strings.Contains(id, "/resourceGroups/") {
			out["resourceGroup"] = strings.Split(id, "/")[4]
		}
		return out
	default:
		return v
	}
}

// pascal rewrites flattened resources the way Az PowerShell's ConvertTo-Json
// does: other letter case, the rules' lists under singular names.
func pascal(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			out = append(out, pascal(e))
		}
		return out
	case map[string]any:
		out := map[string]any{}
		_, isRule := v["direction"]
		for k, e := range v {
			switch {
			case k == "resourceGroup":
				k = "resourceGroupName"
			case isRule && (strings.HasSuffix(k, "PortRanges") || strings.HasSuffix(k, "AddressPrefixes")):
				if len(e.([]any)) == 0 {
					continue // the singular property has the value
				}
				k = strings.TrimSuffix(strings.TrimSuffix(k, "es"), "s")
				if strings.HasSuffix(k, "PortRang") {
					k += "e"
				}
			case isRule && (strings.HasSuffix(k, "PortRange") || strings.HasSuffix(k, "AddressPrefix")):
				e = []any{e}
			}
			out[strings.ToUpper(k[:1])+k[1:]] = pascal(e)
		}
		return out
	default:
		return v
	}
}

// yamlOf writes a value as block-style YAML.
func yamlOf(v any, indent string) string {
	switch v := v.(type) {
	case []any:
		if len(v) == 0 {
			return " []\n"
		}
		out := "\n"
		for _, e := range v {
			out += indent + "-" + strings.TrimPrefix(yamlOf(e, indent+"  "), "\n"+indent+"  ")
			if !strings.HasSuffix(out, "\n") {
				out += "\n"
			}
		}
		return strings.ReplaceAll(out, indent+"-\""+"", indent+"- \"")
	case map[string]any:
		if len(v) == 0 {
			return " {}\n"
		}
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		out := "\n"
		for _, k := range keys {
			out += indent + strconv.Quote(k) + ":" + yamlOf(v[k], indent+"  ")
		}
		return out
	case string:
		return " " + strconv.Quote(v) + "\n"
	case nil:
		return " null\n"
	default:
		return fmt.Sprintf(" %v\n", v)
	}
}

// everything lists an estate's resources in an order of their own.
func everything(n *topology.Network) []topology.Any {
	var out []topology.Any
	n.All(func(e topology.Any) bool {
		out = append(out, e)
		return true
	})
	return out
}

func sameEstate(t *testing.T, want, got *load.Result) {
	t.Helper()
	if d := cmp.Diff(everything(want.Network), everything(got.Network), sameModel...); d != "" {
		t.Errorf("the estates differ, -want +got:\n%s", d)
	}
}

func TestDialectsGiveTheSameModel(t *testing.T) {
	want := estate(t, map[string]string{"rest.json": restEstate})
	if len(everything(want.Network)) != 7 {
		t.Fatalf("%d resources", len(everything(want.Network)))
	}
	rest := decode(t, restEstate)
	list := elements(rest)
	az := flat(list)
	graph := decode(t, restEstate)
	for _, e := range elements(graph) {
		m := e.(map[string]any)
		m["type"] = strings.ToLower(m["type"].(string))
		m["subscriptionId"], m["tenantId"], m["resourceGroup"] = "s", "t", "rg"
	}
	single := map[string]string{}
	for i, e := range list {
		single[fmt.Sprintf("%02d.json", i)] = encode(t, e)
	}
	untyped := flat(list).([]any)
	for _, e := range untyped {
		delete(e.(map[string]any), "type")
	}
	for _, tc := range []struct {
		name, dialect string
		files         map[string]string
	}{
		{"REST array", "ARM REST", map[string]string{"a.json": encode(t, list)}},
		{"REST single files", "ARM REST", single},
		{"az", "az", map[string]string{"a.json": encode(t, az)}},
		{"az without types", "az", map[string]string{"a.json": encode(t, untyped)}},
		{"az -o yaml", "az", map[string]string{"a.yaml": strings.TrimPrefix(yamlOf(az, ""), "\n")}},
		{"REST as YAML", "ARM REST", map[string]string{"a.yaml": strings.TrimPrefix(yamlOf(rest, ""), "\n")}},
		{"Az PowerShell", "Az PowerShell", map[string]string{"a.json": encode(t, pascal(az))}},
		{"Resource Graph, az", "Resource Graph", map[string]string{"a.json": encode(t, map[string]any{"count": 7, "data": elements(graph), "skip_token": nil, "total_records": 7})}},
		{"Resource Graph, REST", "Resource Graph", map[string]string{"a.json": encode(t, map[string]any{"count": 7, "data": elements(graph), "resultTruncated": "false", "totalRecords": 7})}},
		{"API example", "REST API example", map[string]string{"a.json": encode(t, map[string]any{"parameters": map[string]any{"api-version": "x"}, "responses": map[string]any{"200": map[string]any{"body": rest}}})}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := estate(t, tc.files)
			sameEstate(t, want, got)
			for _, in := range got.Inputs {
				if in.Dialect != tc.dialect {
					t.Errorf("%s is read as %q", in.Path, in.Dialect)
				}
			}
			if len(got.Network.Gaps) > 0 {
				t.Errorf("gaps %+v", got.Network.Gaps)
			}
		})
	}
}

func TestAzCreateWrapsItsResource(t *testing.T) {
	res := estate(t, map[string]string{"a.json": `{"NewNSG": ` + group(rule()) + `}`})
	if g := res.Network.NetworkSecurityGroups; len(g) != 1 || len(g[0].SecurityRules) != 1 {
		t.Errorf("%+v", g)
	}
}

func TestAzPowerShellDetailsAreKnown(t *testing.T) {
	res := estate(t, map[string]string{"nsg.json": `{
	  "SecurityRules": {"Name": "only", "Id": "` + net + `networkSecurityGroups/n/securityRules/only", "Protocol": "Tcp", "SourcePortRange": ["*"], "DestinationPortRange": ["80-443"],
	    "SourceAddressPrefix": ["10.0.0.5/32"], "DestinationAddressPrefix": ["Internet"], "Access": "Allow", "Priority": 200, "Direction": "Outbound",
	    "SourceApplicationSecurityGroups": [], "DestinationApplicationSecurityGroups": [], "SourceApplicationSecurityGroupsText": "[]", "Etag": "W/1"},
	  "SecurityRulesText": "[ { ... } ]", "DefaultSecurityRules": [], "NetworkInterfaces": [], "Subnets": [{"Id": "` + net + `virtualNetworks/v/subnets/s"}],
	  "SubnetsText": "[]", "ProvisioningState": "Succeeded", "ResourceGroupName": "rg", "Location": "westeurope", "ResourceGuid": "g", "Type": "Microsoft.Network/networkSecurityGroups",
	  "Tag": null, "TagsTable": "", "Name": "n", "Etag": "W/1", "Id": "` + net + `networkSecurityGroups/n", "FlushConnection": null}`})
	g := res.Network.NetworkSecurityGroups[0]
	if len(g.SecurityRules) != 1 || len(g.SecurityRules[0].NotModelled) != 0 || res.Ledger.NotModelled != 0 || len(res.Diagnostics) != 0 {
		t.Errorf("%+v, ledger %+v, %s", g.SecurityRules, res.Ledger, messages(res))
	}
	if p := g.SecurityRules[0].Destination.Ports; p[0] != (topology.PortRange{First: 80, Last: 443}) {
		t.Errorf("ports %v", p)
	}
}

func TestDepthLossIsRefused(t *testing.T) { // row 53
	for _, text := range []string{
		`{"Name": "v", "Id": "` + net + `virtualNetworks/v", "AddressSpace": {"AddressPrefixes": "System.Object[]"}, "Subnets": []}`,
		`{"Name": "v", "Id": "` + net + `virtualNetworks/v", "AddressSpace": {"AddressPrefixes": ["10.0.0.0/16"]}, "Subnets": ["@{Name=app; Id=x}"]}`,
		`{"Name": "v", "Id": "` + net + `virtualNetworks/v", "AddressSpace": "Microsoft.Azure.Commands.Network.Models.PSAddressSpace", "Subnets": []}`,
	} {
		if got := refused(t, map[string]string{"v.json": text}); !strings.Contains(got, "-Depth 100") {
			t.Error(got)
		}
	}
}

func TestTwoDialectsInOneObjectAreRefused(t *testing.T) { // row 44
	for _, beside := range []string{`"securityRules": []`, `"securityRules": [` + rule() + `]`, `"defaultSecurityRules": [` + rule() + `]`} {
		got := refused(t, map[string]string{"a.json": `{"id": "` + net + `networkSecurityGroups/n", "name": "n", ` + beside + `, "properties": {"securityRules": [` + rule() + `]}}`})
		if !strings.Contains(got, "one dialect in an object") || !strings.Contains(got, "ecurityRules)") {
			t.Error(got)
		}
	}
}

func TestCutListsLeaveAGap(t *testing.T) { // rows 29, 30; settled case 8
	item := group(rule())
	for _, tc := range []struct{ name, text, typ string }{
		{"nextLink", `{"value": [` + item + `], "nextLink": "https://management.azure.com/x"}`, "Microsoft.Network/networkSecurityGroups"},
		{"skip_token", `{"skip_token": "abc", "data": [` + item + `]}`, "Microsoft.Network/networkSecurityGroups"},
		{"resultTruncated", `{"data": [` + item + `], "resultTruncated": "true"}`, "Microsoft.Network/networkSecurityGroups"},
		{"several types", `{"value": [` + item + `, {"id": "` + net + `applicationSecurityGroups/a"}], "nextLink": "x"}`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := estate(t, map[string]string{"a.json": tc.text})
			if g := res.Network.Gaps; len(g) != 1 || g[0].Kind != topology.ListCut || g[0].ResourceType != tc.typ {
				t.Errorf("gaps %+v", g)
			}
			if d := said(res, "the list is cut"); len(d) != 1 || d[0].Severity != load.Doubt {
				t.Errorf("%s", messages(res))
			}
		})
	}
	whole := estate(t, map[string]string{"a.json": `{"value": [` + item + `], "nextLink": null}`})
	if len(whole.Network.Gaps) != 0 {
		t.Errorf("gaps %+v", whole.Network.Gaps)
	}
}

func TestTypesNotModelledAreCounted(t *testing.T) { // row 52
	res := estate(t, map[string]string{"a.json": `[{"id": "` + net + `applicationGateways/gw", "name": "gw", "properties": {"a": 1, "b": null}}, ` + group(rule()) + `]`})
	want := []topology.Gap{{Kind: topology.UnknownType, ResourceType: "Microsoft.Network/applicationGateways", Name: "gw",
		Text: "resources of the type Microsoft.Network/applicationGateways are not modelled"}}
	if d := cmp.Diff(want, res.Network.Gaps, sameModel...); d != "" {
		t.Error(d)
	}
	if res.Ledger.NotModelled != 4 {
		t.Errorf("ledger %+v", res.Ledger)
	}
}

func TestStubsAreNoResources(t *testing.T) {
	res := estate(t, map[string]string{"list.json": `[
	  {"id": "` + net + `networkInterfaces/nic", "name": "nic", "type": "Microsoft.Network/networkInterfaces", "location": "westeurope", "properties": null},
	  {"id": "` + net + `virtualNetworks/v", "name": "v", "type": "Microsoft.Network/virtualNetworks", "provisioningState": "Succeeded"}]`})
	if n := len(everything(res.Network)); n != 0 {
		t.Errorf("%d resources: a stub must not count as a resource without NSG or route table", n)
	}
	if len(res.Network.Gaps) != 2 || res.Network.Gaps[0].Kind != topology.ListCut {
		t.Errorf("gaps %+v", res.Network.Gaps)
	}
}

func TestIDsAreComparedInAnySpelling(t *testing.T) { // row 117
	res := estate(t, map[string]string{"a.json": `[` + group(rule()) + `,
	  {"id": "` + net + `networkInterfaces/nic", "ipConfigurations": [{"name": "ip", "privateIPAddress": "10.0.0.4", "subnet": {"id": "` + net + `virtualNetworks/v/subnets/s"}}],
	   "networkSecurityGroup": {"id": "` + strings.ToUpper(net) + `networkSecurityGroups/%6Esg/"}}]`})
	nic := res.Network.NetworkInterfaces[0]
	if _, ok := topology.Lookup[*topology.NetworkSecurityGroup](res.Network, nic.NetworkSecurityGroup); !ok {
		t.Errorf("%q is not found", nic.NetworkSecurityGroup.Text)
	}
}

func TestScaleSetInstancesAreInterfacesAndMachines(t *testing.T) {
	set := sub + "Microsoft.Compute/virtualMachineScaleSets/set"
	res := estate(t, map[string]string{"a.json": `[
	  {"id": "` + set + `/virtualMachines/3", "name": "set_3", "properties": {"networkProfile": {"networkInterfaces": [{"id": "` + set + `/virtualMachines/3/networkInterfaces/nic"}]}}},
	  {"id": "` + set + `/virtualMachines/3/networkInterfaces/nic", "name": "nic", "properties": {"enableIPForwarding": false, "ipConfigurations": [{"name": "ip", "properties": {"privateIPAddress": "10.0.0.6", "subnet": {"id": "` + net + `virtualNetworks/v/subnets/s"}}}]}},
	  {"id": "` + sub + `Microsoft.Compute/virtualMachines/flex", "name": "flex", "properties": {"virtualMachineScaleSet": {"id": "` + set + `"}, "networkProfile": {"networkInterfaces": []}}}]`})
	vms := res.Network.VirtualMachines
	if len(vms) != 2 || vms[0].Flexible || vms[0].ScaleSet.ID() != topology.MakeID(set) || !vms[1].Flexible {
		t.Errorf("%+v", vms)
	}
	if len(res.Network.NetworkInterfaces) != 1 || res.Network.NetworkInterfaces[0].IPConfigurations[0].ResourceID != set+"/virtualMachines/3/networkInterfaces/nic/ipConfigurations/ip" {
		t.Errorf("%+v", res.Network.NetworkInterfaces)
	}
}

// dataDir is the folder of data that nobody here wrote.
func dataDir(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	dir = filepath.Join(dir, "..", "shared", "data")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the shared test data is not there")
	}
	return dir
}

func TestRecordedResourcesAreTheSameInEveryDialect(t *testing.T) {
	dir := dataDir(t)
	for _, name := range []string{"networkInterfaces", "networkSecurityGroups", "routeTables", "virtualNetworks", "applicationSecurityGroups", "virtualNetworkPeerings"} {
		text, err := os.ReadFile(filepath.Join(dir, "azure-recorded", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		want := estate(t, map[string]string{"a.json": string(text)})
		az := flat(elements(decode(t, string(text))))
		for dialect, contents := range map[string]map[string]string{
			"az":         {"a.json": encode(t, az)},
			"PowerShell": {"a.json": encode(t, pascal(az))},
			"YAML":       {"a.yaml": strings.TrimPrefix(yamlOf(az, ""), "\n")},
		} {
			t.Run(name+" "+dialect, func(t *testing.T) { sameEstate(t, want, estate(t, contents)) })
		}
	}
}
