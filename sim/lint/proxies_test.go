package lint

import (
	"strings"
	"testing"
)

func proxyEstate(server, rules string, machines ...string) string {
	var b strings.Builder
	b.WriteString(`virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: dmz, addressPrefix: 10.0.0.0/24, networkSecurityGroup: nsg-dmz}
      - {name: app, addressPrefix: 10.0.1.0/24}
networkSecurityGroups:
  - name: nsg-dmz
    securityRules: [` + rules + `]
virtualMachines:
  - name: proxy1
    networkInterfaces: [{name: proxy1-nic, subnet: v1/dmz, privateIPAddress: 10.0.0.5}]
` + server)
	for i, m := range machines {
		n := string(rune('1' + i))
		b.WriteString("  - name: app" + n + "\n    networkInterfaces: [{name: app" + n + "-nic, subnet: v1/app, privateIPAddress: 10.0.1." + n + "0}]\n    proxy: {" + m + "}\n")
	}
	return b.String()
}

const (
	listens = "    proxyServer: {port: 8080, authentication: none}\n"
	byProxy = "host: 10.0.0.5, port: 8080, scope: system"
)

func TestAProxyThatSeveralMachinesDependOnIsFound(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"two machines", proxyEstate(listens, "", byProxy, byProxy), []string{"warning 2 machines (app1, app2) leave through machine proxy1 (10.0.0.5) alone"}},
		{"one machine", proxyEstate(listens, "", byProxy), nil},
		{"a user's setting is not the system's", proxyEstate(listens, "", byProxy, "host: 10.0.0.5, port: 8080, scope: user"), nil},
		{"a load balancer before it", proxyEstate(listens, "", "host: 10.0.0.20, port: 8080, scope: system", "host: 10.0.0.20, port: 8080, scope: system") +
			"loadBalancers: [{name: lb, sku: Standard, frontendIPConfigurations: [{name: fe, subnet: v1/dmz, privateIPAddress: 10.0.0.20}]}]\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, design(t, "NP1207", tt.text), tt.want...) })
	}
}

func TestAProxyThatCannotBeReachedIsFound(t *testing.T) {
	deny := `{name: deny-proxy, priority: 100, direction: Inbound, access: Deny, protocol: Tcp, sourceAddressPrefix: VirtualNetwork, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "8080"}`
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"it is reached", proxyEstate(listens, "", byProxy), nil},
		{"another port", proxyEstate(listens, "", "host: 10.0.0.5, port: 3128, scope: system"), []string{"error the proxy of machine app1 is 10.0.0.5:3128, but the proxy on proxy1 listens at port 8080"}},
		{"an NSG stops it", proxyEstate(listens, deny, byProxy), []string{`error machine app1 cannot reach its proxy 10.0.0.5:8080: NSG_RULE_DENY, rule "deny-proxy" of nsg-dmz`}},
		{"whether it listens is not in the data", proxyEstate("", "", byProxy), nil},
		{"its own firewall stops it", proxyEstate("    hostFirewall: {inboundDefault: Deny}\n"+listens, "", byProxy), []string{"cannot reach its proxy 10.0.0.5:8080: HOST_FIREWALL_DENY"}},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, design(t, "NP1208", tt.text), tt.want...) })
	}
}
