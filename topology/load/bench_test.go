package load_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/netpath/netpath/topology/load"
)

// writeAzGroups writes an az list of network security groups with so many
// rules each, as az prints it, and returns the number of bytes.
func writeAzGroups(tb testing.TB, path string, groups, rules int) int64 {
	tb.Helper()
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprint(w, "[\n")
	for g := range groups {
		if g > 0 {
			fmt.Fprint(w, ",\n")
		}
		id := fmt.Sprintf("/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-%02d/providers/Microsoft.Network/networkSecurityGroups/nsg-%03d", g%16, g)
		fmt.Fprintf(w, "  {\n    \"defaultSecurityRules\": [],\n    \"etag\": \"W/\\\"00000000-0000-0000-0000-%012d\\\"\",\n    \"flushConnection\": null,\n    \"id\": %q,\n    \"location\": \"westeurope\",\n    \"name\": \"nsg-%03d\",\n    \"networkInterfaces\": null,\n    \"provisioningState\": \"Succeeded\",\n    \"resourceGroup\": \"rg-%02d\",\n    \"securityRules\": [\n", g, id, g, g%16)
		for r := range rules {
			if r > 0 {
				fmt.Fprint(w, ",\n")
			}
			destination := [...]string{"Storage.WestEurope", "Internet", "VirtualNetwork", "10.20.30.0/24", "AzureBackup"}[(g+r)%5]
			direction := [...]string{"Inbound", "Outbound"}[r%2]
			fmt.Fprintf(w, `      {
        "access": "Allow",
        "description": null,
        "destinationAddressPrefix": %q,
        "destinationAddressPrefixes": [],
        "destinationApplicationSecurityGroups": null,
        "destinationPortRange": null,
        "destinationPortRanges": [
          "443",
          "%d-%d"
        ],
        "direction": %q,
        "etag": "W/\"00000000-0000-0000-0000-%012d\"",
        "id": "%s/securityRules/rule-%04d",
        "name": "rule-%04d",
        "priority": %d,
        "protocol": "Tcp",
        "provisioningState": "Succeeded",
        "resourceGroup": "rg-%02d",
        "sourceAddressPrefix": "10.%d.%d.%d/32",
        "sourceAddressPrefixes": [],
        "sourceApplicationSecurityGroups": null,
        "sourcePortRange": "*",
        "sourcePortRanges": [],
        "type": "Microsoft.Network/networkSecurityGroups/securityRules"
      }`, destination, 1000+r, 1000+r+g, direction, g, id, r, r, 100+r, g%16, g%250, r/250, r%250)
		}
		fmt.Fprint(w, "\n    ],\n    \"subnets\": null,\n    \"tags\": null,\n    \"type\": \"Microsoft.Network/networkSecurityGroups\"\n  }")
	}
	fmt.Fprint(w, "\n]\n")
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	size, err := f.Seek(0, 1)
	if err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	return size
}

// BenchmarkEstateOf100GroupsWith1000Rules reads one file of about 100 MB. The
// metric peak-MB is what the process held from the system.
func BenchmarkEstateOf100GroupsWith1000Rules(b *testing.B) {
	path := filepath.Join(b.TempDir(), "nsgs.json")
	size := writeAzGroups(b, path, 100, 1000)
	debug.FreeOSMemory()
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		res, err := load.Estate(context.Background(), []string{path}, load.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if got := len(res.Network.NetworkSecurityGroups); got != 100 {
			b.Fatalf("%d groups", got)
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys-m.HeapReleased)/1e6, "peak-MB")
}
