package lint

import (
	"strings"
	"testing"
)

func TestAGroupAloneThatLetsTheInternetInToAManagementPortIsFound(t *testing.T) {
	ssh := func(text string) string { return strings.ReplaceAll(text, `"443"`, `"22"`) }
	one := func(access, source string) string {
		return strings.ReplaceAll(inbound(access, "0.0.0.0/0"), "sourceAddressPrefixes: [0.0.0.0/0]", `sourceAddressPrefix: "`+source+`"`)
	}
	machine := "virtualMachines:\n  - name: app1\n    networkInterfaces: [{name: app1-nic, subnet: v1/app, privateIPAddress: 10.0.1.4}]\n"
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"from *", ssh(one("Allow", "*")), []string{"lets * in on tcp/22 (SSH)"}},
		{"from a public block", ssh(inbound("Allow", "20.0.0.0/8")), []string{"lets 20.0.0.0/8 in on tcp/22 (SSH)"}},
		{"from half of all addresses", ssh(inbound("Allow", "0.0.0.0/1")), []string{"lets 0.0.0.0/1 in"}},
		{"from the Internet, in a range", strings.ReplaceAll(one("Allow", "Internet"), `"443"`, `"20-25"`), []string{"tcp/22 (SSH), tcp/23 (Telnet)"}},
		{"from private addresses", ssh(inbound("Allow", "10.0.0.0/8")), nil},
		{"another port", one("Allow", "*"), nil},
		{"denied", ssh(one("Deny", "*")), nil},
		{"where machines are known, the whole way counts", ssh(one("Allow", "*")) + machine, nil},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, design(t, "NP1111", tt.text), tt.want...) })
	}
}
