package lint

import (
	"strings"
	"testing"

	"github.com/netpath/netpath/topology"
)

func TestARangeFromOneServiceToAnotherLooksLikeAList(t *testing.T) {
	for text, want := range map[topology.PortRange]bool{
		{First: 80, Last: 443}: true, {First: 22, Last: 3389}: true, {First: 443, Last: 8443}: true, {First: 1433, Last: 3306}: true,
		{First: 20, Last: 21}: false, {First: 135, Last: 139}: false, {First: 5985, Last: 5986}: false, {First: 8080, Last: 8085}: false,
		{First: 0, Last: 65535}: false, {First: 1024, Last: 65535}: false, {First: 49152, Last: 65535}: false, {First: 443, Last: 443}: false, {First: 80, Last: 1000}: false, {First: 8000, Last: 9000}: false, {First: 8000, Last: 8080}: false,
	} {
		if got := looksLikeList(text); got != want {
			t.Errorf("%s looks like a list: %t", text, got)
		}
	}
}

func TestAPortListIsWrittenOut(t *testing.T) {
	text := strings.Replace(outbound("Internet"), `"443"`, `["80-443", 8080]`, 1)
	text = strings.Replace(text, "destinationPortRange:", "destinationPortRanges:", 1)
	found := linted(t, map[string]string{"d.yaml": "apiVersion: netpath/v1\n" + text}, Options{Only: []string{"NP1106"}})
	expect(t, texts(found), `warning rule "r0" (Outbound, 100, Allow) has the port range "80-443", which is 364 ports`)
	if want := `Write destinationPortRanges ["80", "443", "8080"]`; !strings.HasPrefix(found[0].Fix, want) {
		t.Errorf("the fix is %q", found[0].Fix)
	}
}

func TestTheCommandOfAFixQuotesNamesAndAddresses(t *testing.T) {
	export := `{"id": "/subscriptions/s/resourceGroups/my rg/providers/Microsoft.Network/networkSecurityGroups/n", "name": "n", "type": "Microsoft.Network/networkSecurityGroups", "properties": {"securityRules": [
  {"id": "/subscriptions/s/resourceGroups/my rg/providers/Microsoft.Network/networkSecurityGroups/n/securityRules/allow-proxy ", "name": "allow-proxy ", "properties": {"priority": 200, "direction": "Outbound", "access": "Allow", "protocol": "Tcp",
   "sourceAddressPrefix": "10.0.0.5/32", "sourcePortRange": "*", "destinationAddressPrefix": "Internet", "destinationPortRange": "80-443"}}]}}`
	found := linted(t, map[string]string{"nsg.json": export}, Options{Only: []string{"NP1106", "NP1107"}})
	expect(t, texts(found), "80-443", `rule "allow-proxy " has blanks at its end`)
	if want := "az network nsg rule update -g 'my rg' --nsg-name n -n 'allow-proxy ' --destination-port-ranges 80 443"; !strings.HasSuffix(found[0].Fix, want) {
		t.Errorf("the fix is %q", found[0].Fix)
	}
}
