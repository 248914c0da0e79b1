package doctree

import (
	"bytes"
	"fmt"
	"testing"
)

// exportOf makes an az list of network security groups of about so many bytes,
// as az prints it: indented, flattened, with ids everywhere.
func exportOf(size int) []byte {
	var b bytes.Buffer
	b.WriteString("[\n")
	for i := 0; b.Len() < size; i++ {
		if i > 0 {
			b.WriteString(",\n")
		}
		id := fmt.Sprintf("/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-%d/providers/Microsoft.Network/networkSecurityGroups/nsg-%d", i%97, i)
		fmt.Fprintf(&b, "  {\n    \"etag\": \"W/\\\"%08d-0000-0000-0000-000000000000\\\"\",\n    \"id\": %q,\n    \"location\": \"westeurope\",\n    \"name\": \"nsg-%d\",\n    \"provisioningState\": \"Succeeded\",\n    \"resourceGroup\": \"rg-%d\",\n    \"securityRules\": [\n", i, id, i, i%97)
		for r := range 10 {
			if r > 0 {
				b.WriteString(",\n")
			}
			fmt.Fprintf(&b, "      {\n        \"access\": \"Allow\",\n        \"destinationAddressPrefix\": \"10.%d.%d.0/24\",\n        \"destinationAddressPrefixes\": [],\n        \"destinationPortRange\": null,\n        \"destinationPortRanges\": [\n          \"%d\",\n          \"443\"\n        ],\n        \"direction\": \"Inbound\",\n        \"etag\": \"W/\\\"%08d-0000-0000-0000-000000000000\\\"\",\n        \"id\": \"%s/securityRules/rule-%d\",\n        \"name\": \"rule-%d\",\n        \"priority\": %d,\n        \"protocol\": \"Tcp\",\n        \"provisioningState\": \"Succeeded\",\n        \"resourceGroup\": \"rg-%d\",\n        \"sourceAddressPrefix\": \"*\",\n        \"sourceAddressPrefixes\": [],\n        \"sourcePortRange\": \"*\",\n        \"sourcePortRanges\": [],\n        \"type\": \"Microsoft.Network/networkSecurityGroups/securityRules\"\n      }", i%200, r, 1000+r, i, id, r, r, 100+10*r, i%97)
		}
		b.WriteString("\n    ],\n    \"tags\": null,\n    \"type\": \"Microsoft.Network/networkSecurityGroups\"\n  }")
	}
	b.WriteString("\n]\n")
	return b.Bytes()
}

func BenchmarkStreamAzExport90MB(b *testing.B) {
	data := exportOf(90_000_000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		leaves := 0
		_, err := Stream("bench.json", bytes.NewReader(data), Limits{}, func(_ *Envelope, n *Node) error {
			leaves += n.Leaves()
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEachRawAzExport90MB(b *testing.B) {
	data := exportOf(90_000_000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		s, err := Open("bench.json", bytes.NewReader(data), Limits{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.EachRaw(func(*Envelope, *Raw) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
