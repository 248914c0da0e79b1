package load_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/topology"
)

// wholeDesign uses every part of the format, as design-file.md shows it.
const wholeDesign = `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - name: dmz
        addressPrefix: 10.0.0.0/24
        networkSecurityGroup: NSG-lockdown
      - name: app
        addressPrefix: 10.0.1.0/24
        networkSecurityGroup: nsg-app
        routeTable: rt-app
        natGateway: nat1
        serviceEndpoints: [Microsoft.Storage]
        defaultOutboundAccess: false
        privateEndpointNetworkPolicies: Disabled
      - {name: AzureFirewallSubnet, addressPrefix: 10.0.255.0/26}
    virtualNetworkPeerings:
      - {remoteVirtualNetwork: v2, allowVirtualNetworkAccess: true, allowForwardedTraffic: false, allowGatewayTransit: false, useRemoteGateways: false}
  - name: v2
    addressPrefixes: [10.1.0.0/16]
    virtualNetworkPeerings:
      - {remoteVirtualNetwork: v1}
networkSecurityGroups:
  - name: NSG-lockdown
    securityRules:
      - name: allow-proxy
        priority: 200
        direction: Outbound
        access: Allow
        protocol: Tcp
        sourceAddressPrefix: 10.0.0.5/32
        sourcePortRange: "*"
        destinationAddressPrefix: Internet
        destinationPortRange: "80-443"
  - name: nsg-app
    securityRules:
      - {name: deny-internet, priority: 4000, direction: Outbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: Internet, destinationPortRange: "*"}
      - {name: to-db, priority: 100, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationApplicationSecurityGroups: [asg-db], destinationPortRange: 1433}
  - name: nsg-empty
routeTables:
  - name: rt-app
    disableBgpRoutePropagation: false
    routes:
      - {name: to-nva, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.0.10}
applicationSecurityGroups: [{name: asg-db}]
networkManagerAdminRules:
  - {name: deny-rdp, virtualNetworks: [v1], priority: 10, direction: Inbound, access: AlwaysAllow, protocol: Tcp, sources: ["*"], destinations: ["*"], sourcePortRanges: ["*"], destinationPortRanges: ["3389"]}
loadBalancers:
  - name: lb1
    sku: Standard
    frontendIPConfigurations: [{name: fe, publicIPAddress: 198.51.100.30}]
    backendAddressPools: [{name: be, networkInterfaces: [app1-nic]}]
    loadBalancingRules: [{name: https, frontend: fe, backend: be, protocol: Tcp, frontendPort: 443, backendPort: 8443}]
    outboundRules: [{name: out, frontend: fe, backend: be, protocol: All}]
azureFirewalls:
  - name: fw1
    subnet: v1/AzureFirewallSubnet
    privateIPAddress: 10.0.255.4
    networkRuleCollections:
      - {name: net, priority: 200, action: Allow, rules: [{name: web, protocols: [TCP], sourceAddresses: ["*"], destinationAddresses: [Storage.WestEurope], destinationPorts: ["443"]}]}
    applicationRuleCollections:
      - {name: app, priority: 300, action: Allow, rules: [{name: backup, protocols: ["https:443"], sourceAddresses: ["*"], fqdnTags: [AzureBackup], targetFqdns: []}]}
natGateways: [{name: nat1, publicIpAddresses: [198.51.100.20]}]
virtualNetworkGateways:
  - {name: gw1, virtualNetwork: v1, learnedPrefixes: [172.20.0.0/16]}
privateEndpoints:
  - {name: pe-blob, subnet: v1/app, privateIPAddress: 10.0.1.50, service: blob, hostName: mystore.blob.core.windows.net, connectionState: Approved}
virtualMachines:
  - name: proxy1
    location: westeurope
    networkInterfaces:
      - {name: proxy1-nic, subnet: v1/dmz, privateIPAddress: 10.0.0.5, publicIPAddress: {ipAddress: 198.51.100.9, sku: Standard}}
    hostFirewall:
      inboundDefault: Deny
      inbound:
        - {name: proxy-in, access: Allow, protocol: Tcp, localPort: "8080", remoteAddress: [10.0.0.0/16]}
    proxyServer:
      port: 8080
      authentication: none
      allowHosts: ["*.blob.core.windows.net", "*.backup.windowsazure.com"]
  - name: app1
    location: westeurope
    osType: Linux
    osName: Ubuntu 16.04
    vmAgent: {installed: true, version: 2.2.18}
    osDisk: {diskSizeGB: 30, managed: true}
    dataDisks: [{name: d0, diskSizeGB: 128, managed: true, clustered: false}, {name: d1, managed: false, storageAccount: mystore}]
    vmSize: {cores: 2, memoryGB: 8}
    encryption: none
    networkInterfaces:
      - {name: app1-nic, subnet: v1/app, privateIPAddress: 10.0.1.4, networkSecurityGroup: "", applicationSecurityGroups: [], enableIPForwarding: false}
    proxy:
      host: 10.0.0.5
      port: 8080
      scope: system
recoveryServicesVaults:
  - {name: vault1, location: westeurope, protectedVirtualMachines: [app1]}
storageAccounts:
  - {name: mystore, location: westeurope, networkDefaultAction: Allow, blobEncryption: true}
`

func find[T topology.Any](t *testing.T, n *topology.Network, id string) T {
	t.Helper()
	e, ok := topology.LookupID[T](n, topology.MakeID(id))
	if !ok {
		t.Fatalf("%s is not in the estate", id)
	}
	return e
}

func TestADesignIsRead(t *testing.T) {
	res := estate(t, map[string]string{"design.yaml": wholeDesign})
	if len(res.Diagnostics) != 0 {
		t.Errorf("diagnostics: %s", messages(res))
	}
	if in := res.Inputs[0]; in.Dialect != "design" || in.Elements != 20 || len(in.SHA256) != 64 {
		t.Errorf("%+v", in)
	}
	if l := res.Ledger; l.Used != l.Leaves || l.Leaves == 0 {
		t.Errorf("ledger %+v: every leaf of a design is used", l)
	}
	n := res.Network
	app := find[*topology.Subnet](t, n, "/design/virtualNetworks/v1/subnets/app")
	if app.NetworkSecurityGroup.Text != "/design/networkSecurityGroups/nsg-app" || app.RouteTable.Text != "/design/routeTables/rt-app" ||
		app.NATGateway.Text != "/design/natGateways/nat1" || app.DefaultOutboundAccess != topology.Off || !app.Design ||
		app.ServiceEndpoints[0].Service != "Microsoft.Storage" || app.PrivateEndpointPolicy != topology.PolicyDisabled {
		t.Errorf("%+v", app)
	}
	v1 := n.VirtualNetworks[0]
	if p := v1.Peerings[0]; p.RemoteVirtualNetwork.Text != "/design/virtualNetworks/v2" || p.State != "Connected" || p.Name != "v2" ||
		p.ResourceID != "/design/virtualNetworks/v1/virtualNetworkPeerings/v2" || p.AllowForwardedTraffic != topology.Off {
		t.Errorf("%+v", p)
	}
	if g := find[*topology.NetworkSecurityGroup](t, n, "/design/networkSecurityGroups/nsg-empty"); !g.RulesGiven || len(g.SecurityRules) != 0 {
		t.Errorf("a design without rules says that there are none: %+v", g)
	}
	toDB := find[*topology.NetworkSecurityGroup](t, n, "/design/networkSecurityGroups/nsg-app").SecurityRules[1]
	if toDB.Destination.ASGs[0].Text != "/design/applicationSecurityGroups/asg-db" || toDB.ResourceID != "/design/networkSecurityGroups/nsg-app/securityRules/to-db" {
		t.Errorf("%+v", toDB)
	}
	rule := n.AdminRules[0]
	if rule.Access != topology.AlwaysAllow || rule.VirtualNetworks[0].Text != "/design/virtualNetworks/v1" || rule.Destination.Ports[0].First != 3389 { // row 114
		t.Errorf("%+v", rule)
	}
	lb := n.LoadBalancers[0]
	if lb.Frontends[0].PublicAddress.String() != "198.51.100.30" || lb.BackendPools[0].IPConfigurations[0].Text != "/design/networkInterfaces/app1-nic/ipConfigurations/ipconfig1" ||
		lb.Rules[0].Frontend.Text != "/design/loadBalancers/lb1/frontendIPConfigurations/fe" || lb.Rules[0].BackendPools[0].Text != lb.BackendPools[0].ResourceID ||
		lb.OutboundRules[0].Protocol != topology.AnyProtocol {
		t.Errorf("%+v %+v %+v", lb.Frontends[0], lb.BackendPools[0], lb.Rules[0])
	}
	fw := n.AzureFirewalls[0]
	if fw.Subnet.Text != "/design/virtualNetworks/v1/subnets/AzureFirewallSubnet" || fw.VirtualNetwork.Text != "/design/virtualNetworks/v1" || len(fw.Collections) != 2 ||
		fw.Collections[1].Rules[0].Application[0] != (topology.ApplicationProtocol{Type: "Https", Port: 443}) {
		t.Errorf("%+v", fw)
	}
	proxy1 := find[*topology.VirtualMachine](t, n, "/design/virtualMachines/proxy1")
	if proxy1.HostFirewall.Inbound[0].Remote[0].Prefix.String() != "10.0.0.0/16" || proxy1.ProxyServer.Port != 8080 || proxy1.ProxyServer.AnyHost ||
		proxy1.PrimaryInterface.Text != "/design/networkInterfaces/proxy1-nic" {
		t.Errorf("%+v", proxy1)
	}
	nic := find[*topology.NetworkInterface](t, n, proxy1.PrimaryInterface.Text)
	pip, ok := topology.Lookup[*topology.PublicIPAddress](n, nic.IPConfigurations[0].PublicIPAddress)
	if !ok || pip.SKU != "Standard" || nic.VirtualMachine.Text != "/design/virtualMachines/proxy1" || nic.IPConfigurations[0].Primary != topology.On {
		t.Errorf("%+v %+v", pip, nic)
	}
	app1 := find[*topology.VirtualMachine](t, n, "/design/virtualMachines/app1")
	if app1.Cores != 2 || app1.MemoryGB != 8 || app1.Agent.Version != "2.2.18" || len(app1.DataDisks) != 2 || app1.DataDisks[1].StorageAccount != "mystore" ||
		app1.Proxy.Host != "10.0.0.5" || app1.Encryption != "none" || app1.OSDisk.SizeGB != 30 {
		t.Errorf("%+v", app1)
	}
	if v := n.RecoveryServicesVaults[0]; v.ProtectedVirtualMachines[0].Text != "/design/virtualMachines/app1" {
		t.Errorf("%+v", v)
	}
	if g := n.VirtualNetworkGateways[0]; !g.LearnedGiven || g.LearnedPrefixes[0].String() != "172.20.0.0/16" || g.VirtualNetwork.Text != "/design/virtualNetworks/v1" {
		t.Errorf("%+v", g)
	}
	if e := n.PrivateEndpoints[0]; e.Addresses[0].String() != "10.0.1.50" || e.HostNames[0] != "mystore.blob.core.windows.net" || e.Subnet.Text != app.ResourceID {
		t.Errorf("%+v", e)
	}
	if g := n.NATGateways[0]; g.Addresses[0].String() != "198.51.100.20" {
		t.Errorf("%+v", g)
	}
}

func TestADesignAsJSONIsTheSame(t *testing.T) {
	small := `apiVersion: netpath/v1
virtualNetworks: [{name: v, addressPrefixes: [10.0.0.0/16], subnets: [{name: s, addressPrefix: 10.0.0.0/24}]}]
`
	want := estate(t, map[string]string{"d.yaml": small})
	got := estate(t, map[string]string{"d.json": `{"apiVersion": "netpath/v1", "virtualNetworks": [{"name": "v", "addressPrefixes": ["10.0.0.0/16"], "subnets": [{"name": "s", "addressPrefix": "10.0.0.0/24"}]}]}`})
	sameEstate(t, want, got)
}

func TestDesignsAreStrict(t *testing.T) {
	const head = "apiVersion: netpath/v1\n"
	for _, tc := range []struct{ name, text, want string }{
		{"unknown key", head + "virtualNetworks:\n  - name: v\n    adressPrefixes: [10.0.0.0/16]\n", `d.yaml:4:5 (/virtualNetworks/0/adressPrefixes): expected a known key, found "adressPrefixes"; did you mean addressPrefixes?`},
		{"unknown top key", head + "virtualNetwork: []\n", `did you mean virtualNetworks?`},
		{"57 yes for a Boolean", head + "routeTables: [{name: r, disableBgpRoutePropagation: yes}]\n", "expected true or false"},
		{"57 no for an access", head + "networkSecurityGroups: [{name: n, securityRules: [{name: r, priority: 100, direction: Inbound, access: no, protocol: Tcp, sourceAddressPrefix: \"*\", sourcePortRange: \"*\", destinationAddressPrefix: \"*\", destinationPortRange: \"*\"}]}]\n", "expected Allow or Deny"},
		{"58 octal port", head + "virtualMachines: [{name: v, proxyServer: {port: 0443}}]\n", "expected a port"},
		{"58 hex port", head + "virtualMachines: [{name: v, proxyServer: {port: 0x50}}]\n", "expected a port"},
		{"58 underscore", head + "virtualMachines: [{name: v, proxyServer: {port: 1_00}}]\n", "expected a port"},
		{"58 exponent", head + "virtualMachines: [{name: v, proxyServer: {port: 1e3}}]\n", "expected a port"},
		{"58 sexagesimal", head + "virtualMachines: [{name: v, proxyServer: {port: 22:22}}]\n", "expected a port"},
		{"68 empty required", head + "virtualMachines: [{name: v, proxyServer: {port: ~}}]\n", "expected a value, found null"},
		{"missing priority", head + "networkSecurityGroups: [{name: n, securityRules: [{name: r, direction: Inbound, access: Allow, protocol: Tcp}]}]\n", "expected priority"},
		{"no name", head + "applicationSecurityGroups: [{location: westeurope}]\n", "expected a name"},
		{"no apiVersion", "virtualNetworks: [{name: v}]\n", "add the line apiVersion: netpath/v1"},
		{"another apiVersion", "apiVersion: netpath/v9\n", `expected apiVersion netpath/v1, found "netpath/v9"`},
		{"object for a list", head + "virtualNetworks: {name: v}\n", "expected a list"},
		{"no address space", head + "virtualNetworks: [{name: v}]\n", "expected addressPrefixes"},
		{"interface without address", head + "networkInterfaces: [{name: n}]\n", "expected a subnet and an address"},
		{"ambiguous name", head + "networkSecurityGroups: [{name: n}]\napplicationSecurityGroups: []\nvirtualNetworks:\n  - {name: a, addressPrefixes: [10.0.0.0/16], subnets: [{name: s, addressPrefix: 10.0.0.0/24}]}\n  - {name: b, addressPrefixes: [10.1.0.0/16], subnets: [{name: s, addressPrefix: 10.1.0.0/24}]}\nnetworkInterfaces: [{name: n, subnet: s, privateIPAddress: 10.0.0.4}]\n", "expected a name that means one element; it means /design/virtualNetworks/a/subnets/s, /design/virtualNetworks/b/subnets/s"},
		{"unknown frontend", head + "loadBalancers: [{name: lb, frontendIPConfigurations: [{name: fe, publicIPAddress: 198.51.100.1}], backendAddressPools: [{name: be}], outboundRules: [{name: o, frontend: ef, backend: be}]}]\n", "did you mean fe?"},
		{"subnet without prefix", head + "virtualNetworks: [{name: v, addressPrefixes: [10.0.0.0/16], subnets: [{name: s}]}]\n", "expected an addressPrefix of the subnet"},
		{"proxy with a password", head + "virtualMachines: [{name: v, proxy: {host: \"http://u:secret@10.0.0.5\", port: 80}}]\n", "expected an IP address or host name alone"},
		{"both prefixes", head + "virtualNetworks: [{name: v, addressPrefixes: [10.0.0.0/16], subnets: [{name: s, addressPrefix: 10.0.0.0/24, addressPrefixes: [10.0.0.0/24]}]}]\n", "not both"},
		{"tag in a guest", head + "virtualMachines: [{name: v, hostFirewall: {inbound: [{name: r, access: Allow, remoteAddress: [Internet]}]}}]\n", "a guest knows no service tags"},
		{"136 proxy loop", head + `virtualNetworks: [{name: v, addressPrefixes: [10.0.0.0/16], subnets: [{name: s, addressPrefix: 10.0.0.0/24}]}]
virtualMachines:
  - {name: a, networkInterfaces: [{name: na, subnet: s, privateIPAddress: 10.0.0.4}], proxy: {host: 10.0.0.5, port: 80}}
  - {name: b, networkInterfaces: [{name: nb, subnet: s, privateIPAddress: 10.0.0.5}], proxy: {host: 10.0.0.4, port: 80}}
`, "found the chain a → b → a"},
		{"137 same element twice, other content", head + "networkSecurityGroups:\n  - {name: n, securityRules: []}\n  - {name: n, securityRules: [{name: r, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: \"*\", sourcePortRange: \"*\", destinationAddressPrefix: \"*\", destinationPortRange: \"*\"}]}\n", "to be the same as at"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := refused(t, map[string]string{"d.yaml": tc.text}); !strings.Contains(got, tc.want) || strings.Contains(got, "secret") {
				t.Errorf("the message lacks %q: %s", tc.want, got)
			}
		})
	}
}

func TestDateLikeTextStaysText(t *testing.T) { // row 69
	res := estate(t, map[string]string{"d.yaml": "apiVersion: netpath/v1\nvirtualMachines: [{name: 2024-01-01, osName: 1.10}]\n"})
	if vm := res.Network.VirtualMachines[0]; vm.Name != "2024-01-01" || vm.OSName != "1.10" {
		t.Errorf("%+v", vm)
	}
}

func TestAllDocumentsOfAFileAreRead(t *testing.T) { // row 64
	res := estate(t, map[string]string{"d.yaml": "apiVersion: netpath/v1\napplicationSecurityGroups: [{name: a}]\n---\napiVersion: netpath/v1\napplicationSecurityGroups: [{name: b}]\n"})
	if n := len(res.Network.ApplicationSecurityGroups); n != 2 || res.Inputs[0].Elements != 2 {
		t.Errorf("%d groups, %+v", n, res.Inputs)
	}
}

// exported is the part of an estate that overlays are laid over.
const exported = `[
 {"id": "` + net + `virtualNetworks/v1", "name": "v1", "location": "westeurope", "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
  "subnets": [{"id": "` + net + `virtualNetworks/v1/subnets/app", "name": "app", "addressPrefix": "10.0.1.0/24"}]},
 {"id": "` + net + `networkSecurityGroups/nsg", "name": "nsg", "securityRules": [{"name": "r", "priority": 100, "direction": "Outbound", "access": "Allow", "protocol": "Tcp",
  "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "Internet", "destinationPortRange": "443"}]},
 {"id": "` + net + `networkInterfaces/app1-nic", "name": "app1-nic", "ipConfigurations": [{"name": "cfg", "privateIPAddress": "10.0.1.4", "primary": true, "subnet": {"id": "` + net + `virtualNetworks/v1/subnets/app"}}]},
 {"id": "` + sub + `Microsoft.Compute/virtualMachines/app1", "name": "app1", "location": "westeurope", "networkProfile": {"networkInterfaces": [{"id": "` + net + `networkInterfaces/app1-nic"}]}}
]`

func TestAnOverlayAddsWhatAnExportCannotSay(t *testing.T) {
	res := estate(t, map[string]string{"a.json": exported, "z.yaml": `apiVersion: netpath/v1
virtualMachines:
  - name: APP1
    proxy: {host: 10.0.0.5, port: 8080}
    networkInterfaces: [{name: app1-nic, privateIPAddress: 10.0.1.4}]
virtualNetworks:
  - id: ` + net + `virtualNetworks/V1
    subnets: [{name: app, natGateway: nat1}]
natGateways: [{name: nat1, publicIpAddresses: [198.51.100.20]}]
`})
	n := res.Network
	if len(n.VirtualMachines) != 1 || len(n.NetworkInterfaces) != 1 || len(n.VirtualNetworks) != 1 || len(n.VirtualNetworks[0].Subnets) != 1 {
		t.Fatalf("an overlay added elements: %d machines, %d interfaces", len(n.VirtualMachines), len(n.NetworkInterfaces))
	}
	vm := n.VirtualMachines[0]
	if vm.Proxy == nil || vm.Proxy.Scope != "system" || vm.Design || !strings.HasSuffix(vm.Origin.File, "a.json") || !strings.HasSuffix(vm.Proxy.Origin.File, "z.yaml") {
		t.Errorf("%+v %+v", vm, vm.Proxy)
	}
	if s := n.VirtualNetworks[0].Subnets[0]; s.NATGateway.Text != "/design/natGateways/nat1" || s.Prefixes[0].String() != "10.0.1.0/24" {
		t.Errorf("%+v", s)
	}
	if len(said(res, "not in the data")) != 0 {
		t.Errorf("diagnostics: %s", messages(res))
	}
}

func TestAnOverlayMayNotContradict(t *testing.T) {
	const head = "apiVersion: netpath/v1\n"
	for _, tc := range []struct{ name, text, want string }{
		{"another value", head + "virtualMachines: [{name: app1, location: northeurope}]\n", "expected the location of app1 to be the same as at a.json:7"},
		{"another address", head + "networkInterfaces: [{name: app1-nic, privateIPAddress: 10.0.1.9}]\n", "expected privateIPAddress of cfg to be the same"},
		{"new rule", head + "networkSecurityGroups: [{name: nsg, securityRules: [{name: n, priority: 200, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: \"*\", sourcePortRange: \"*\", destinationAddressPrefix: \"*\", destinationPortRange: \"*\"}]}]\n", "expected an overlay without new securityRules"},
		{"new subnet", head + "virtualNetworks: [{name: v1, subnets: [{name: new, addressPrefix: 10.0.9.0/24}]}]\n", "expected an overlay without new subnets"},
		{"changed rule", head + "networkSecurityGroups: [{name: nsg, securityRules: [{name: r, priority: 100, direction: Outbound, access: Deny, protocol: Tcp, sourceAddressPrefix: \"*\", sourcePortRange: \"*\", destinationAddressPrefix: Internet, destinationPortRange: 443}]}]\n", "expected access of r to be the same"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := refused(t, map[string]string{"a.json": exported, "z.yaml": tc.text}); !strings.Contains(got, tc.want) || !strings.HasPrefix(got, "z.yaml:2:") {
				t.Errorf("the message lacks %q: %s", tc.want, got)
			}
		})
	}
	t.Run("the same rule once more", func(t *testing.T) {
		estate(t, map[string]string{"a.json": exported, "z.yaml": head + "networkSecurityGroups: [{name: nsg, securityRules: [{name: r, priority: 100, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: \"*\", sourcePortRange: \"*\", destinationAddressPrefix: Internet, destinationPortRange: 443}]}]\n"})
	})
}

func TestANameOfAnyKindIsFound(t *testing.T) {
	res := estate(t, map[string]string{"d.yaml": `apiVersion: netpath/v1
virtualNetworks: [{name: v, addressPrefixes: [10.0.0.0/16], subnets: [{name: s, addressPrefix: 10.0.0.0/24}]}]
storageAccounts: [{name: acct}]
privateEndpoints: [{name: pe, subnet: v/s, privateIPAddress: 10.0.0.9, targetResource: ACCT}]
`})
	if got := res.Network.PrivateEndpoints[0].TargetResource.Text; got != "/design/storageAccounts/acct" {
		t.Error(got)
	}
}

func TestAnOverlayWithoutItsExportIsNamed(t *testing.T) {
	res := estate(t, map[string]string{"a.json": exported, "z.yaml": "apiVersion: netpath/v1\nvirtualMachines: [{name: ap1, proxy: {host: 10.0.0.5, port: 8080}}]\n"})
	if d := said(res, `the machine "ap1" has no network interface`); len(d) != 1 || d[0].Origin.Line != 2 {
		t.Errorf("%s", messages(res))
	}
}

func TestAnUnknownNameDanglesVisibly(t *testing.T) {
	res := estate(t, map[string]string{"d.yaml": "apiVersion: netpath/v1\nvirtualNetworks: [{name: v, addressPrefixes: [10.0.0.0/16], subnets: [{name: s, addressPrefix: 10.0.0.0/24, networkSecurityGroup: nsg-ap}]}]\nnetworkSecurityGroups: [{name: nsg-app}]\n"})
	s := res.Network.VirtualNetworks[0].Subnets[0]
	if s.NetworkSecurityGroup.Text != "nsg-ap" {
		t.Errorf("%+v", s.NetworkSecurityGroup)
	}
	if d := said(res, `there is no element "nsg-ap" under networkSecurityGroups`); len(d) != 1 || d[0].Hint != "did you mean nsg-app?" {
		t.Errorf("%s", messages(res))
	}
	if d := cmp.Diff(2, len(res.Diagnostics)); d != "" { // and the dangling reference itself
		t.Errorf("%s", messages(res))
	}
}
