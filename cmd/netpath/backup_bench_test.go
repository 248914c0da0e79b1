package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// thousandMachines is a design of a thousand machines in twenty subnets, each
// with an NSG of its own of twenty rules that name service tags for parts of
// the subnet; every other machine uses a proxy.
func thousandMachines() string {
	const subnets, rules, machines = 20, 20, 1000
	tags := []string{"Sql.WestEurope", "AzureMonitor", "EventHub.WestEurope", "AzureKeyVault", "Storage.WestEurope", "Storage", "AzureBackup", "AzureActiveDirectory"}
	var b strings.Builder
	rule := func(name string, priority int, access, protocol, source, destination, port string) {
		fmt.Fprintf(&b, "      - {name: %s, priority: %d, direction: Outbound, access: %s, protocol: %q, sourceAddressPrefix: %q, sourcePortRange: \"*\", destinationAddressPrefix: %s, destinationPortRange: %q}\n",
			name, priority, access, protocol, source, destination, port)
	}
	b.WriteString("apiVersion: netpath/v1\nvirtualNetworks:\n  - name: v1\n    location: westeurope\n    addressPrefixes: [10.0.0.0/8]\n    subnets:\n")
	b.WriteString("      - {name: dmz, addressPrefix: 10.255.0.0/24, networkSecurityGroup: nsg-dmz}\n")
	for i := range subnets {
		fmt.Fprintf(&b, "      - {name: s%d, addressPrefix: 10.%d.0.0/16, networkSecurityGroup: nsg-%d}\n", i, i, i)
	}
	b.WriteString("networkSecurityGroups:\n  - name: nsg-dmz\n    securityRules:\n")
	rule("allow-proxy", 200, "Allow", "Tcp", "10.255.0.5/32", "Internet", "80-443")
	rule("deny-internet", 4000, "Deny", "*", "*", "Internet", "*")
	for i := range subnets {
		fmt.Fprintf(&b, "  - name: nsg-%d\n    securityRules:\n", i)
		for k := range rules {
			tag, access, port := tags[(i*7+k*3)%len(tags)], "Allow", []string{"443", "80", "1433", "*"}[(i+k)%4]
			if k%4 == 0 {
				access = "Deny"
			}
			rule(fmt.Sprintf("r%d", k), 100+10*k, access, "Tcp", fmt.Sprintf("10.%d.%d.0/24", i, k), tag, port)
		}
		rule("deny-internet", 4000, "Deny", "*", "*", "Internet", "*")
	}
	b.WriteString("virtualMachines:\n  - name: proxy1\n    location: westeurope\n    networkInterfaces: [{name: proxy1-nic, subnet: v1/dmz, privateIPAddress: 10.255.0.5}]\n")
	b.WriteString("    hostFirewall: {inboundDefault: Deny, inbound: [{name: proxy-in, access: Allow, protocol: Tcp, localPort: \"8080\", remoteAddress: [10.0.0.0/8]}]}\n")
	b.WriteString("    proxyServer: {port: 8080, authentication: none, allowHosts: [\"*.blob.core.windows.net\"]}\n")
	for n := range machines - 1 {
		i, k := n%subnets, n/subnets
		fmt.Fprintf(&b, "  - {name: vm%d, location: westeurope, osType: Linux, networkInterfaces: [{name: vm%d-nic, subnet: v1/s%d, privateIPAddress: 10.%d.%d.%d}]", n, n, i, i, k%25, 4+k/25)
		if n%2 == 1 {
			b.WriteString(", proxy: {host: 10.255.0.5, port: 8080, scope: system}")
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// BenchmarkBackupOfAThousandMachines measures whole processes, with the public
// service tag file: go test ./cmd/netpath -run '^$' -bench ThousandMachines
func BenchmarkBackupOfAThousandMachines(b *testing.B) {
	tags := filepath.Join("..", "..", "..", "shared", "data", "service-tags", "ServiceTags_Public_20251028.json")
	if _, err := os.Stat(tags); err != nil {
		b.Skipf("the shared test data is not here: %v", err)
	}
	dir := b.TempDir()
	bin, estate := filepath.Join(dir, "netpath"), filepath.Join(dir, "estate.yaml")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		b.Fatalf("go build: %v\n%s", err, out)
	}
	if err := os.WriteFile(estate, []byte(thousandMachines()), 0o644); err != nil {
		b.Fatal(err)
	}
	for _, format := range []string{"table", "text", "json"} {
		b.Run(format, func(b *testing.B) {
			for b.Loop() {
				cmd := exec.Command(bin, "backup", estate, "--service-tags", tags, "--as-of", "2025-10-30", "--no-cache", "--fail-on", "nothing", "-o", format+"="+filepath.Join(dir, "out"))
				if out, err := cmd.CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
			}
		})
	}
}
