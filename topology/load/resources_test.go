package load_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/topology"
)

// one returns the only element of a list.
func one[T any](t *testing.T, list []T) T {
	t.Helper()
	if len(list) != 1 {
		t.Fatalf("%d elements", len(list))
	}
	return list[0]
}

func expect(t *testing.T, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got, append(sameModel, cmp.FilterPath(func(p cmp.Path) bool {
		return p.Last().Type() == reflectElement
	}, cmp.Ignore()))...); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestGatewaysAreRead(t *testing.T) {
	res := estate(t, map[string]string{"a.json": `[
	 {"id": "` + net + `virtualNetworkGateways/gw", "name": "gw", "properties": {"gatewayType": "Vpn", "vpnType": "RouteBased", "enableBgp": true, "activeActive": false,
	   "ipConfigurations": [{"name": "a", "properties": {"publicIPAddress": {"id": "/pip1"}, "subnet": {"id": "` + net + `virtualNetworks/hub/subnets/GatewaySubnet"}}},
	                        {"name": "b", "properties": {"publicIPAddress": {"id": "/pip2"}, "subnet": {"id": "` + net + `virtualNetworks/hub/subnets/GatewaySubnet"}}}],
	   "vpnClientConfiguration": {"vpnClientAddressPool": {"addressPrefixes": ["172.16.0.0/24"]}, "radiusServerSecret": "hidden"}}},
	 {"id": "` + net + `localNetworkGateways/lng", "name": "lng", "properties": {"localNetworkAddressSpace": {"addressPrefixes": ["192.168.0.0/16"]}, "gatewayIpAddress": "203.0.113.1"}},
	 {"id": "` + net + `localNetworkGateways/bgp", "name": "bgp", "properties": {"localNetworkAddressSpace": {"addressPrefixes": []}, "bgpSettings": {"asn": 65000}}},
	 {"id": "` + net + `connections/c", "name": "c", "properties": {"connectionType": "IPsec", "virtualNetworkGateway1": {"id": "` + net + `virtualNetworkGateways/gw"},
	   "localNetworkGateway2": {"id": "` + net + `localNetworkGateways/lng"}, "enableBgp": false, "connectionStatus": "Connected", "sharedKey": "hidden"}}]`})
	n := res.Network
	expect(t, &topology.VirtualNetworkGateway{VirtualNetwork: topology.RefTo(net + "virtualNetworks/hub"), GatewayType: "Vpn", EnableBGP: topology.On,
		ClientPools: prefixes("172.16.0.0/24"), PublicIPs: []topology.Ref{topology.RefTo("/pip1"), topology.RefTo("/pip2")}}, one(t, n.VirtualNetworkGateways))
	if len(n.LocalNetworkGateways) != 2 {
		t.Fatal(n.LocalNetworkGateways)
	}
	expect(t, &topology.LocalNetworkGateway{Prefixes: prefixes("192.168.0.0/16")}, n.LocalNetworkGateways[0])
	expect(t, &topology.LocalNetworkGateway{BGP: true}, n.LocalNetworkGateways[1])
	expect(t, &topology.GatewayConnection{Type: "IPsec", VirtualNetworkGateway: topology.RefTo(net + "virtualNetworkGateways/gw"),
		LocalNetworkGateway: topology.RefTo(net + "localNetworkGateways/lng"), EnableBGP: topology.Off, Status: "Connected"}, one(t, n.GatewayConnections))
}

const balancer = `{"id": "` + net + `loadBalancers/lb", "name": "lb", "sku": {"name": "Standard"}, "properties": {
	"frontendIPConfigurations": [{"name": "fe", "properties": {"publicIPAddress": {"id": "/pip"}}}, {"name": "in", "properties": {"privateIPAddress": "10.0.0.9", "subnet": {"id": "/s"}}}],
	"backendAddressPools": [{"name": "be", "properties": {"backendIPConfigurations": [{"id": "/cfg"}], "loadBalancerBackendAddresses": [
	   {"name": "x", "properties": {"networkInterfaceIPConfiguration": {"id": "/CFG"}}}, {"name": "y", "properties": {"ipAddress": "10.0.0.7"}}]}}],
	"loadBalancingRules": [{"name": "r", "properties": {"frontendIPConfiguration": {"id": "/fe"}, "backendAddressPool": {"id": "/be"}, "backendAddressPools": [{"id": "/be"}], "protocol": "All", "frontendPort": 0, "backendPort": 0,
	   "enableFloatingIP": true, "disableOutboundSnat": true}}],
	"inboundNatRules": [{"name": "n", "properties": {"frontendIPConfiguration": {"id": "/fe"}, "backendIPConfiguration": {"id": "/cfg"}, "protocol": "Tcp", "frontendPort": 50022, "backendPort": 22}}],
	"outboundRules": [{"name": "o", "properties": {"frontendIPConfigurations": [{"id": "/fe"}], "backendAddressPool": {"id": "/be"}, "protocol": "Udp"}}]}}`

func TestLoadBalancersAreRead(t *testing.T) {
	b := one(t, estate(t, map[string]string{"a.json": balancer}).Network.LoadBalancers)
	fe, be, cfg := topology.RefTo("/fe"), topology.RefTo("/be"), topology.RefTo("/cfg")
	expect(t, &topology.LoadBalancer{SKU: "Standard",
		Frontends:     []*topology.Frontend{{PublicIPAddress: topology.RefTo("/pip")}, {Subnet: topology.RefTo("/s"), PrivateIPAddress: addr("10.0.0.9")}},
		BackendPools:  []*topology.BackendPool{{IPConfigurations: []topology.Ref{cfg}, Addresses: addrs("10.0.0.7")}},
		Rules:         []*topology.LoadBalancingRule{{Frontend: fe, BackendPools: []topology.Ref{be}, Protocol: topology.AnyProtocol, EnableFloatingIP: topology.On, DisableOutboundSNAT: topology.On}},
		NATRules:      []*topology.InboundNATRule{{Frontend: fe, BackendIPConfiguration: cfg, Protocol: topology.TCP, FrontendPort: 50022, BackendPort: 22}},
		OutboundRules: []*topology.OutboundRule{{Frontends: []topology.Ref{fe}, BackendPool: be, Protocol: topology.UDP}},
	}, b)
	if b.Frontends[0].ResourceID != net+"loadBalancers/lb/frontendIPConfigurations/fe" {
		t.Error(b.Frontends[0].ResourceID)
	}
}

// What a load balancer does beside its rules is remembered where it stands: it
// may let traffic in (bad-inputs 51).
func TestWhatIsNotModelledOfALoadBalancerIsRemembered(t *testing.T) {
	b := one(t, estate(t, map[string]string{"a.json": `[{"id": "` + net + `loadBalancers/lb", "name": "lb", "type": "Microsoft.Network/loadBalancers", "properties": {
		"frontendIPConfigurations": [{"name": "fe", "properties": {"gatewayLoadBalancer": {"id": "/gw"}}}],
		"inboundNatPools": [{"name": "p", "properties": {"protocol": "Tcp", "frontendPortRangeStart": 2200, "frontendPortRangeEnd": 2300, "backendPort": 22}}]}}]`}).Network.LoadBalancers)
	if len(b.NotModelled) != 1 || b.NotModelled[0].Name != "inboundNatPools" {
		t.Errorf("of the load balancer: %v", b.NotModelled)
	}
	if f := one(t, b.Frontends); len(f.NotModelled) != 1 || f.NotModelled[0].Name != "gatewayLoadBalancer" {
		t.Errorf("of its frontend: %v", f.NotModelled)
	}
}

func TestPartsOfALoadBalancerJoinIt(t *testing.T) {
	part := func(kind, name, props string) string {
		return `{"id": "` + net + `loadBalancers/lb/` + kind + `/` + name + `", "name": "` + name + `", "properties": {` + props + `}}`
	}
	apart := `[` + strings.Join([]string{
		part("frontendIPConfigurations", "fe", `"publicIPAddress": {"id": "/pip"}`), // the same once more
		part("frontendIPConfigurations", "fe3", `"publicIPAddress": {"id": "/pip3"}`),
		part("backendAddressPools", "be2", `"backendIPConfigurations": [{"id": "/c"}]`),
		part("loadBalancingRules", "r2", `"protocol": "Tcp", "frontendPort": 80, "backendPort": 80`),
		part("inboundNatRules", "n2", `"protocol": "Tcp", "frontendPort": 80, "backendPort": 80`),
		part("outboundRules", "o2", `"protocol": "All"`),
	}, ",") + `]`
	b := one(t, estate(t, map[string]string{"a.json": apart, "b.json": balancer}).Network.LoadBalancers)
	if len(b.Frontends) != 3 || len(b.BackendPools) != 2 || len(b.Rules) != 2 || len(b.NATRules) != 2 || len(b.OutboundRules) != 2 {
		t.Errorf("%+v", b)
	}
	alone := estate(t, map[string]string{"a.json": apart})
	if len(alone.Network.LoadBalancers) != 0 || len(alone.Network.Gaps) != 6 || alone.Network.Gaps[0].ResourceType != "Microsoft.Network/loadBalancers" {
		t.Errorf("%+v", alone.Network.Gaps)
	}
}

const firewall = `{"id": "` + net + `azureFirewalls/fw", "name": "fw", "properties": {"threatIntelMode": "Deny", "firewallPolicy": null,
	"ipConfigurations": [{"name": "c", "properties": {"privateIPAddress": "10.0.255.4", "publicIPAddress": {"id": "/pip"}, "subnet": {"id": "` + net + `virtualNetworks/hub/subnets/AzureFirewallSubnet"}}}],
	"networkRuleCollections": [{"name": "net", "properties": {"priority": 200, "action": {"type": "Allow"}, "rules": [
	  {"name": "r", "protocols": ["TCP", "Any"], "sourceIpGroups": ["` + net + `ipGroups/g"], "destinationAddresses": ["AzureBackup", "10.0.0.0/8"], "destinationFqdns": ["time.example.com"], "destinationPorts": ["443", "1000-2000"]}]}}],
	"applicationRuleCollections": [{"name": "app", "properties": {"priority": 300, "action": {"type": "Deny"}, "rules": [
	  {"name": "a", "protocols": [{"protocolType": "Https", "port": 8443}], "sourceAddresses": ["*"], "targetFqdns": ["*.example.com"], "fqdnTags": ["AzureBackup"]}]}}],
	"natRuleCollections": [{"name": "nat", "properties": {"priority": 100, "action": {"type": "Dnat"}, "rules": [
	  {"name": "d", "protocols": ["TCP"], "sourceAddresses": ["*"], "destinationAddresses": ["198.51.100.1"], "destinationPorts": ["80"], "translatedAddress": "10.0.0.4", "translatedPort": "8080"}]}}]}}`

func TestFirewallsAreRead(t *testing.T) {
	res := estate(t, map[string]string{"a.json": firewall, "b.json": `{"id": "` + net + `ipGroups/g", "name": "g", "properties": {"ipAddresses": ["10.0.0.1", "10.1.0.0/16", "10.2.0.0-10.2.0.3"]}}`,
		"c.json": `{"id": "` + net + `ipGroups/stub", "name": "stub"}`})
	w := one(t, res.Network.AzureFirewalls)
	any := []topology.AddressPrefix{{Kind: topology.AnyAddress}}
	expect(t, &topology.AzureFirewall{
		VirtualNetwork: topology.RefTo(net + "virtualNetworks/hub"), Subnet: topology.RefTo(net + "virtualNetworks/hub/subnets/AzureFirewallSubnet"),
		PrivateIPAddress: addr("10.0.255.4"), PublicIPs: []topology.Ref{topology.RefTo("/pip")}, ThreatIntelMode: "Deny",
		Collections: []*topology.RuleCollection{
			{Kind: topology.NATCollection, Priority: 100, Rules: []*topology.FirewallRule{{Protocols: []topology.Protocol{topology.TCP}, Sources: any,
				Destinations: []topology.AddressPrefix{{Kind: topology.PrefixAddress, Prefix: prefixes("198.51.100.1/32")[0]}}, Ports: []topology.PortRange{{First: 80, Last: 80}},
				Translated: addr("10.0.0.4"), TranslatedPort: 8080}}},
			{Kind: topology.NetworkCollection, Priority: 200, Action: topology.Allow, Rules: []*topology.FirewallRule{{Protocols: []topology.Protocol{topology.TCP, topology.AnyProtocol},
				SourceIPGroups: []topology.Ref{topology.RefTo(net + "ipGroups/g")}, Destinations: []topology.AddressPrefix{{Kind: topology.TagAddress, Tag: "AzureBackup"}, {Kind: topology.PrefixAddress, Prefix: prefixes("10.0.0.0/8")[0]}},
				DestinationFQDNs: []string{"time.example.com"}, Ports: []topology.PortRange{{First: 443, Last: 443}, {First: 1000, Last: 2000}}}}},
			{Kind: topology.ApplicationCollection, Priority: 300, Action: topology.Deny, Rules: []*topology.FirewallRule{{Sources: any,
				Application: []topology.ApplicationProtocol{{Type: "Https", Port: 8443}}, TargetFQDNs: []string{"*.example.com"}, FQDNTags: []string{"AzureBackup"}}}},
		}}, w)
	if g := res.Network.IPGroups; len(g) != 2 || !g[0].Given || g[1].Given || !cmp.Equal(g[0].Prefixes, prefixes("10.0.0.1/32", "10.1.0.0/16", "10.2.0.0/30"), sameModel...) {
		t.Errorf("%+v", g)
	}
}

func TestFirewallRulesAreStrict(t *testing.T) {
	for _, tc := range []struct{ name, old, new, want string }{
		{"no source", `"sourceIpGroups": ["` + net + `ipGroups/g"], `, ``, "expected sourceAddresses or sourceIpGroups"},
		{"no destination", `"destinationAddresses": ["AzureBackup", "10.0.0.0/8"], "destinationFqdns": ["time.example.com"], `, ``, "expected destinations"},
		{"no ports", `, "destinationPorts": ["443", "1000-2000"]`, ``, "expected destinationPorts"},
		{"no protocols", `"protocols": ["TCP", "Any"], `, ``, "expected protocols"},
		{"no action", `"action": {"type": "Allow"}`, `"action": null`, "expected an action"},
		{"unknown action", `{"type": "Allow"}`, `{"type": "Permit"}`, "expected Allow or Deny"},
		{"no priority", `"priority": 200, `, ``, "the priority of the rule collection"},
		{"an IP group without an ID", `["` + net + `ipGroups/g"]`, `[{"name": "g"}]`, "expected the ID of an IP group"},
		{"a reversed range", `"10.0.0.0/8"`, `"10.0.0.9-10.0.0.1"`, "a range from a lower to a higher address"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.Replace(firewall, tc.old, tc.new, 1)
			if text == firewall {
				t.Fatal("the case changes nothing")
			}
			if got := refused(t, map[string]string{"a.json": text}); !strings.Contains(got, tc.want) {
				t.Errorf("the message lacks %q: %s", tc.want, got)
			}
		})
	}
}

func TestPolicyCollectionsHoldRulesOfOneType(t *testing.T) {
	group := func(rules string) string {
		return `{"id": "` + net + `firewallPolicies/p/ruleCollectionGroups/g", "name": "g", "properties": {"priority": 200, "ruleCollections": [{"ruleCollectionType": "FirewallPolicyFilterRuleCollection", "name": "c", "priority": 300, "action": {"type": "Allow"}, "rules": [` + rules + `]}]}}`
	}
	network := `{"ruleType": "NetworkRule", "name": "r", "ipProtocols": ["TCP"], "sourceAddresses": ["*"], "destinationAddresses": ["*"], "destinationPorts": ["*"]}`
	app := `{"ruleType": "ApplicationRule", "name": "a", "protocols": [{"protocolType": "Http", "port": 80}], "sourceAddresses": ["*"], "targetUrls": ["a/b"], "webCategories": ["x"]}`
	if got := refused(t, map[string]string{"a.json": group(network + "," + app)}); !strings.Contains(got, "expected rules of one type") {
		t.Error(got)
	}
	if got := refused(t, map[string]string{"a.json": group(strings.Replace(network, `"NetworkRule"`, `"OtherRule"`, 1))}); !strings.Contains(got, "expected NetworkRule") {
		t.Error(got)
	}
	p := one(t, estate(t, map[string]string{"a.json": group(app)}).Network.FirewallPolicies)
	if r := p.Collections[0].Rules[0]; p.GroupsGiven || r.TargetURLs[0] != "a/b" || r.WebCategories[0] != "x" || p.Collections[0].Kind != topology.ApplicationCollection {
		t.Errorf("%+v", p)
	}
	nat := strings.NewReplacer("FirewallPolicyFilterRuleCollection", "FirewallPolicyNatRuleCollection", `"Allow"`, `"DNAT"`).Replace(group(
		`{"ruleType": "NatRule", "name": "d", "ipProtocols": ["TCP"], "sourceAddresses": ["*"], "destinationAddresses": ["198.51.100.1"], "destinationPorts": ["80"], "translatedFqdn": "x.internal", "translatedPort": "80"}`))
	p = one(t, estate(t, map[string]string{"a.json": nat}).Network.FirewallPolicies)
	if c := p.Collections[0]; c.Kind != topology.NATCollection || c.Action != topology.NoAccess || c.Rules[0].TranslatedFQDN != "x.internal" {
		t.Errorf("%+v", c)
	}
}

func TestMachinesAreRead(t *testing.T) {
	vm := one(t, estate(t, map[string]string{"a.json": `{"id": "` + sub + `Microsoft.Compute/virtualMachines/vm", "name": "vm", "location": "westeurope", "properties": {
	  "hardwareProfile": {"vmSize": "Standard_D2s_v3"}, "storageProfile": {"imageReference": {"publisher": "Canonical", "offer": "ubuntu", "sku": "16.04"},
	    "osDisk": {"osType": "Windows", "name": "os", "encryptionSettings": {"enabled": true, "diskEncryptionKey": {"secretUrl": "x"}, "keyEncryptionKey": {"keyUrl": "y"}}, "managedDisk": {"id": "/disk"}}, "dataDisks": [{"name": "d", "diskSizeGB": 1024, "managedDisk": {"id": "/d"}}]},
	  "osProfile": {"windowsConfiguration": {"provisionVMAgent": true}, "adminPassword": "hidden"},
	  "instanceView": {"osName": "Windows Server", "osVersion": "10.0", "vmAgent": {"vmAgentVersion": "2.7.41491.1", "statuses": []}}}}`}).Network.VirtualMachines)
	expect(t, &topology.VirtualMachine{OSType: "Windows", OSName: "Windows Server 10.0", Size: "Standard_D2s_v3", Encryption: "ade", AzureDiskEncryption: true,
		Agent: topology.VMAgent{Installed: topology.On, Version: "2.7.41491.1"}, OSDisk: &topology.Disk{Name: "os", Managed: topology.On, ResourceID: "/disk"},
		DataDisks: []*topology.Disk{{Name: "d", SizeGB: 1024, Managed: topology.On, ResourceID: "/d"}}, DataDisksGiven: true}, vm)
}

// BK18 tells Azure Disk Encryption with and without a key encryption key apart.
func TestEncryptionIsReadWithItsKeys(t *testing.T) {
	for _, tc := range []struct {
		name, disk, rest, want string
		used                   bool
	}{
		{"nothing", ``, ``, "", false},
		{"not enabled", `, "encryptionSettings": {"enabled": false, "diskEncryptionKey": {"secretUrl": "x"}}`, ``, "", false},
		{"keys not named", `, "encryptionSettings": {"enabled": true}`, ``, "", true},
		{"disk key alone", `, "encryptionSettings": {"enabled": true, "diskEncryptionKey": {"secretUrl": "x"}, "keyEncryptionKey": null}`, ``, "bek-only", true},
		{"both keys", `, "encryptionSettings": {"enabled": true, "diskEncryptionKey": {"secretUrl": "x"}, "keyEncryptionKey": {"keyUrl": "y"}}`, ``, "ade", true},
		{"extension, az", ``, `, "resources": [{"id": "` + sub + `Microsoft.Compute/virtualMachines/vm/extensions/e", "name": "e", "publisher": "Microsoft.Azure.Security", "typePropertiesType": "AzureDiskEncryptionForLinux", "type": "Microsoft.Compute/virtualMachines/extensions"}]`, "", true},
		{"extension, REST", ``, `, "resources": [{"name": "e", "type": "Microsoft.Compute/virtualMachines/extensions", "properties": {"publisher": "Microsoft.Azure.Security", "type": "AzureDiskEncryption", "settings": {}}}]`, "", true},
		{"extension by its ID alone", ``, `, "resources": [{"id": "` + sub + `Microsoft.Compute/virtualMachines/vm/extensions/AzureDiskEncryption"}]`, "", true},
		{"instance view", ``, `, "instanceView": {"extensions": [{"name": "x", "type": "Microsoft.Azure.Security.AzureDiskEncryption", "statuses": []}]}`, "", true},
		{"extension, PowerShell", ``, `, "Extensions": [{"Publisher": "Microsoft.Azure.Security", "VirtualMachineExtensionType": "AzureDiskEncryption", "Name": "e", "Settings": null}]`, "", true},
		{"another extension", ``, `, "resources": [{"name": "IaaSAntimalware", "type": "Microsoft.Compute/virtualMachines/extensions"}]`, "", false},
	} {
		vm := one(t, estate(t, map[string]string{"a.json": `{"id": "` + sub + `Microsoft.Compute/virtualMachines/vm", "name": "vm", "storageProfile": {"osDisk": {"osType": "Linux", "name": "os"` +
			tc.disk + `, "managedDisk": {"id": "/disk"}}, "dataDisks": []}` + tc.rest + `}`}).Network.VirtualMachines)
		if vm.Encryption != tc.want || vm.AzureDiskEncryption != tc.used {
			t.Errorf("%s: %q, used %v", tc.name, vm.Encryption, vm.AzureDiskEncryption)
		}
	}
}

// An agent that is installed by the machine's profile may not answer.
func TestWhetherTheAgentIsReadyIsRead(t *testing.T) {
	for _, tc := range []struct {
		name, view    string
		version       string
		installed, is topology.Switch
	}{
		{"ready", `{"vmAgentVersion": "2.9.1.1", "statuses": [{"code": "ProvisioningState/succeeded", "displayStatus": "Ready"}]}`, "2.9.1.1", topology.On, topology.On},
		{"not ready", `{"vmAgentVersion": "Unknown", "statuses": [{"code": "ProvisioningState/Unavailable", "displayStatus": "Not Ready"}]}`, "", topology.On, topology.Off},
		{"without statuses", `{"vmAgentVersion": "2.9.1.1", "statuses": []}`, "2.9.1.1", topology.On, topology.Unset},
		{"none", `null`, "", topology.On, topology.Unset},
	} {
		vm := one(t, estate(t, map[string]string{"a.json": `{"id": "` + sub + `Microsoft.Compute/virtualMachines/vm", "name": "vm",
		  "osProfile": {"linuxConfiguration": {"provisionVMAgent": true}}, "instanceView": {"vmAgent": ` + tc.view + `}}`}).Network.VirtualMachines)
		if a := vm.Agent; a.Installed != tc.installed || a.Ready != tc.is || a.Version != tc.version {
			t.Errorf("%s: %+v", tc.name, a)
		}
	}
}

func TestStorageAccountsAreRead(t *testing.T) {
	const rules = `"defaultAction": "Deny", "bypass": "AzureServices, Logging", "ipRules": [{"value": "203.0.113.0/24", "action": "Allow"}], "virtualNetworkRules": [{"id": "/vnet/subnet", "action": "Allow"}]`
	want := &topology.StorageAccount{NetworkDefaultAction: topology.Deny, BlobEncryption: topology.On, IPRules: prefixes("203.0.113.0/24"),
		VirtualNetworkRules: []topology.Ref{topology.RefTo("/vnet/subnet")}, Bypass: []string{"AzureServices", "Logging"}}
	id := `"id": "` + sub + `Microsoft.Storage/storageAccounts/acct", "name": "acct"`
	encryption := `"encryption": {"services": {"blob": {"enabled": true, "keyType": "Account"}}}`
	for name, text := range map[string]string{
		"ARM REST":      `{` + id + `, "properties": {"networkAcls": {` + rules + `}, ` + encryption + `}}`,
		"az":            `{` + id + `, "networkRuleSet": {"defaultAction": "Deny", "bypass": "AzureServices, Logging", "ipRules": [{"ipAddressOrRange": "203.0.113.0/24", "action": "Allow"}], "virtualNetworkRules": [{"virtualNetworkResourceId": "/vnet/subnet", "action": "Allow"}]}, ` + encryption + `}`,
		"Az PowerShell": `{"Id": "` + sub + `Microsoft.Storage/storageAccounts/acct", "StorageAccountName": "acct", "NetworkRuleSet": {"DefaultAction": "Deny", "Bypass": "AzureServices, Logging", "IpRules": [{"IPAddressOrRange": "203.0.113.0/24"}], "VirtualNetworkRules": [{"VirtualNetworkResourceId": "/vnet/subnet"}]}, "Encryption": {"Services": {"Blob": {"Enabled": true}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, want, one(t, estate(t, map[string]string{"a.json": text}).Network.StorageAccounts))
		})
	}
	closed := one(t, estate(t, map[string]string{"a.json": `{` + id + `, "properties": {"publicNetworkAccess": "Disabled", "networkAcls": {"defaultAction": "Allow", "ipRules": [{"value": "203.0.113.1"}]}}}`}).Network.StorageAccounts)
	expect(t, &topology.StorageAccount{NetworkDefaultAction: topology.Deny}, closed)
}

func TestAddressesThatAreNotAllocatedAreAbsent(t *testing.T) {
	res := estate(t, map[string]string{"a.json": `[
	  {"Id": "` + net + `publicIPAddresses/ps", "Name": "ps", "IpAddress": "Not Assigned", "Sku": {"Name": "basic"}},
	  {"id": "` + net + `networkInterfaces/n", "name": "n", "ipConfigurations": [{"name": "c", "privateIPAddress": null}, {"name": "e", "privateIPAddress": "[reference('x')]", "publicIPAddress": {"id": "[resourceId('y')]"}}]}]`})
	if p := res.Network.PublicIPAddresses[0]; p.IPAddress.IsValid() || p.SKU != "Basic" {
		t.Errorf("%+v", p)
	}
	c := res.Network.NetworkInterfaces[0].IPConfigurations
	if c[0].PrivateIPAddress.IsValid() || c[1].PrivateIPAddress.IsValid() || !c[1].PublicIPUnknown || !c[1].PublicIPAddress.IsZero() {
		t.Errorf("%+v", c)
	}
}

func TestPrivateEndpointsAreRead(t *testing.T) {
	e := one(t, estate(t, map[string]string{"a.json": `{"id": "` + net + `privateEndpoints/pe", "name": "pe", "properties": {"subnet": {"id": "/s"}, "applicationSecurityGroups": [{"id": "/asg"}],
	  "privateLinkServiceConnections": [{"name": "a", "properties": {"privateLinkServiceId": "/storage", "groupIds": ["blob"], "privateLinkServiceConnectionState": {"status": "Approved"}}}],
	  "manualPrivateLinkServiceConnections": [{"name": "b", "properties": {"privateLinkServiceId": "/other", "groupIds": ["file"], "privateLinkServiceConnectionState": {"status": "Pending"}}}],
	  "ipConfigurations": [{"name": "c", "properties": {"privateIPAddress": "10.0.0.8"}}],
	  "customDnsConfigs": [{"fqdn": "acct.blob.core.windows.net", "ipAddresses": ["10.0.0.8", "10.0.0.9"]}]}}`}).Network.PrivateEndpoints)
	expect(t, &topology.PrivateEndpoint{Subnet: topology.RefTo("/s"), Addresses: addrs("10.0.0.8", "10.0.0.9"), Services: []string{"blob", "file"},
		HostNames: []string{"acct.blob.core.windows.net"}, TargetResource: topology.RefTo("/storage"), ConnectionState: "Pending", ASGs: []topology.Ref{topology.RefTo("/asg")}}, e)
	if got := refused(t, map[string]string{"a.json": `{"id": "` + net + `privateEndpoints/pe", "name": "pe", "properties": {"customDnsConfigs": [{"fqdn": "x"}]}}`}); !strings.Contains(got, "expected a subnet") {
		t.Error(got)
	}
}

func TestTheRestOfADesignIsRead(t *testing.T) {
	n := estate(t, map[string]string{"d.yaml": `apiVersion: netpath/v1
publicIPAddresses: [{name: pip1, ipAddress: 198.51.100.1, sku: Standard}]
ipGroups: [{name: g, ipAddresses: [10.0.0.0/24, 10.1.0.0-10.1.0.1]}]
firewallPolicies:
  - name: base
    ruleCollectionGroups: []
  - name: p
    basePolicy: base
    threatIntelMode: Deny
    ruleCollectionGroups:
      - name: g1
        priority: 200
        natRuleCollections:
          - {name: n, priority: 100, rules: [{name: d, protocols: [TCP], sourceAddresses: ["*"], destinationAddresses: [198.51.100.1], destinationPorts: [80], translatedAddress: 10.0.0.4, translatedPort: 8080}]}
        networkRuleCollections:
          - {name: c, priority: 300, action: Deny, rules: [{name: r, protocols: [Any], sourceIpGroups: [g], destinationIpGroups: [g], destinationPorts: ["*"]}]}
        applicationRuleCollections:
          - {name: a, priority: 400, action: Allow, rules: [{name: w, protocols: [https, "mssql:1434"], sourceAddresses: ["*"], targetFqdns: ["*.example.com"]}]}
virtualNetworks: [{name: v, addressPrefixes: [10.0.0.0/16], subnets: [{name: AzureFirewallSubnet, addressPrefixes: [10.0.255.0/26]}, {name: s, addressPrefix: 10.0.1.0/24}]}]
azureFirewalls: [{name: fw, subnet: AzureFirewallSubnet, privateIPAddress: 10.0.255.4, firewallPolicy: p, publicIPAddresses: [pip1, 198.51.100.2]}]
natGateways: [{name: nat, publicIpAddresses: [pip1], publicIpPrefixes: [/prefix]}]
virtualNetworkGateways: [{name: gw, virtualNetwork: v, gatewayType: vpn, enableBgp: true, vpnClientAddressPool: 172.16.0.0/24}, {name: gw2, virtualNetwork: v}]
localNetworkGateways: [{name: lng, addressPrefixes: [192.168.0.0/16], bgp: true}]
connections: [{name: c, connectionType: IPsec, virtualNetworkGateway1: gw, localNetworkGateway2: lng, enableBgp: false}, {name: d, connectionType: vnet2vnet, virtualNetworkGateway1: gw, virtualNetworkGateway2: gw2}]
networkInterfaces:
  - name: nic
    ipConfigurations:
      - {name: a, subnet: s, privateIPAddress: 10.0.1.4, primary: true, publicIPAddress: pip1}
      - {name: b, subnet: s, privateIPAddress: 10.0.1.5, publicIPAddress: 198.51.100.3}
virtualMachines:
  - {name: vm, networkInterfaces: [nic], vmSize: Standard_D2s_v3}
loadBalancers:
  - name: lb
    frontendIPConfigurations: [{name: fe, subnet: s, privateIPAddress: 10.0.1.9}, {name: pub, publicIPAddress: pip1}]
    backendAddressPools: [{name: be, addresses: [10.0.1.4]}]
    inboundNatRules: [{name: ssh, frontend: pub, networkInterface: nic, protocol: Tcp, frontendPort: 50022, backendPort: 22}]
storageAccounts: [{name: acct, networkDefaultAction: Deny, ipRules: [203.0.113.0/24], virtualNetworkRules: [v/s], bypass: [AzureServices]}]
`}).Network
	pip := topology.RefTo("/design/publicIPAddresses/pip1")
	p := n.FirewallPolicies[1]
	if !p.GroupsGiven || !n.FirewallPolicies[0].GroupsGiven || len(p.Collections) != 3 || p.BasePolicy.Text != "/design/firewallPolicies/base" {
		t.Errorf("%+v", p)
	}
	if c := p.Collections[0]; c.Kind != topology.NATCollection || c.Group != "g1" || c.GroupPriority != 200 || c.Rules[0].TranslatedPort != 8080 {
		t.Errorf("%+v", c)
	}
	if r := p.Collections[1].Rules[0]; r.SourceIPGroups[0].Text != "/design/ipGroups/g" || r.DestinationIPGroups[0].Text != "/design/ipGroups/g" || r.Protocols[0] != topology.AnyProtocol {
		t.Errorf("%+v", r)
	}
	if a := p.Collections[2].Rules[0].Application; !cmp.Equal(a, []topology.ApplicationProtocol{{Type: "Https", Port: 443}, {Type: "Mssql", Port: 1434}}) {
		t.Errorf("%+v", a)
	}
	if w := one(t, n.AzureFirewalls); len(w.PublicIPs) != 2 || w.PublicIPs[0].ID() != pip.ID() || w.Policy.ID() != p.ID() {
		t.Errorf("%+v", w)
	}
	if g := one(t, n.IPGroups); !g.Given || !cmp.Equal(g.Prefixes, prefixes("10.0.0.0/24", "10.1.0.0/31"), sameModel...) {
		t.Errorf("%+v", g)
	}
	if g := one(t, n.NATGateways); g.PublicIPs[0].ID() != pip.ID() || g.PublicPrefixes[0].Text != "/prefix" {
		t.Errorf("%+v", g)
	}
	expect(t, &topology.VirtualNetworkGateway{VirtualNetwork: topology.RefTo("/design/virtualNetworks/v"), GatewayType: "Vpn", EnableBGP: topology.On, ClientPools: prefixes("172.16.0.0/24")}, n.VirtualNetworkGateways[0])
	expect(t, &topology.LocalNetworkGateway{Prefixes: prefixes("192.168.0.0/16"), BGP: true}, one(t, n.LocalNetworkGateways))
	expect(t, &topology.GatewayConnection{Type: "Vnet2Vnet", VirtualNetworkGateway: n.VirtualNetworkGateways[0].Ref(), OtherGateway: n.VirtualNetworkGateways[1].Ref()}, n.GatewayConnections[1])
	nic := one(t, n.NetworkInterfaces)
	if len(nic.IPConfigurations) != 2 || nic.IPConfigurations[0].PublicIPAddress.ID() != pip.ID() || nic.VirtualMachine.Text != "/design/virtualMachines/vm" {
		t.Errorf("%+v", nic)
	}
	if q, ok := topology.Lookup[*topology.PublicIPAddress](n, nic.IPConfigurations[1].PublicIPAddress); !ok || q.IPAddress.String() != "198.51.100.3" {
		t.Errorf("%+v", q)
	}
	if vm := one(t, n.VirtualMachines); vm.PrimaryInterface.ID() != nic.ID() || vm.Size != "Standard_D2s_v3" {
		t.Errorf("%+v", vm)
	}
	if b := one(t, n.LoadBalancers); b.NATRules[0].BackendIPConfiguration.ID() != nic.IPConfigurations[0].ID() || b.Frontends[1].PublicIPAddress.ID() != pip.ID() || b.BackendPools[0].Addresses[0].String() != "10.0.1.4" {
		t.Errorf("%+v", b)
	}
	if a := one(t, n.StorageAccounts); a.VirtualNetworkRules[0].Text != "/design/virtualNetworks/v/subnets/s" || a.NetworkDefaultAction != topology.Deny {
		t.Errorf("%+v", a)
	}
}

func TestTheSecurityGroupViewIsRead(t *testing.T) {
	res := estate(t, map[string]string{"a.json": `{"networkInterfaces": [{"id": "` + net + `networkInterfaces/n", "securityRuleAssociations": {
	  "effectiveSecurityRules": [{"name": "DefaultOutboundDenyAll", "protocol": "All", "sourcePortRange": "0-65535", "destinationPortRange": "0-65535", "sourceAddressPrefix": "*", "destinationAddressPrefix": "*", "access": "Deny", "priority": 65500, "direction": "Outbound"}],
	  "defaultSecurityRules": [], "networkInterfaceAssociation": {"id": "/n", "securityRules": []}, "subnetAssociation": {"id": "/s", "securityRules": []}}}]}`})
	g := one(t, res.Network.EffectiveSecurityGroups)
	if res.Inputs[0].Dialect != "security group view" || len(g.Rules) != 1 || !g.Rules[0].Default || g.NetworkInterface.ID() != topology.MakeID(net+"networkInterfaces/n") {
		t.Errorf("%+v", g)
	}
}
