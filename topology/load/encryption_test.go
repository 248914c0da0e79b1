package load_test

import (
	"fmt"
	"testing"
)

// A virtual network that drops what is not encrypted drops packets of machines
// that cannot encrypt, and which those are is not modelled.
func TestANetworkThatDropsUnencryptedPacketsIsNotModelled(t *testing.T) {
	for _, tc := range []struct {
		encryption string
		noted      bool
	}{
		{`{"enabled": true, "enforcement": "DropUnencrypted"}`, true},
		{`{"enforcement": "DropUnencrypted"}`, true},
		{`{"enabled": true, "enforcement": "[parameters('enforcement')]"}`, true},
		{`{"enabled": false, "enforcement": "DropUnencrypted"}`, false},
		{`{"enabled": true, "enforcement": "AllowUnencrypted"}`, false},
		{`{"enabled": true}`, false},
		{`null`, false},
	} {
		res := estate(t, map[string]string{"vnet.json": fmt.Sprintf(`{"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v", "name": "v",
			"type": "Microsoft.Network/virtualNetworks", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "encryption": %s}}`, tc.encryption)})
		v := one(t, res.Network.VirtualNetworks)
		if noted := len(v.NotModelled) == 1 && v.NotModelled[0].Name == "encryption.enforcement"; noted != tc.noted || len(v.NotModelled) > 1 {
			t.Errorf("%s: %v, want it noted %v", tc.encryption, v.NotModelled, tc.noted)
		}
	}
}
