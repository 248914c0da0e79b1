//go:build unix

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// writeHundredGroups writes a hundred exports of NSGs, of a hundred rules each,
// the exports of the network they are in with a machine behind each, and a
// policy of two hundred assertions.
func writeHundredGroups(b *testing.B, dir string) {
	const groups, rules = 100, 100
	id := func(kind, name string) string {
		return "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/" + kind + "/" + name
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	tags := []string{"Storage", "Storage.WestEurope", "AzureCloud.westeurope", "Sql.WestEurope", "AzureMonitor", "AzureActiveDirectory", "EventHub", "VirtualNetwork", "Internet", "AzureBackup"}
	r := rand.New(rand.NewPCG(7, 7))
	side := func() string {
		switch r.IntN(3) {
		case 0:
			return tags[r.IntN(len(tags))]
		case 1:
			return fmt.Sprintf("10.%d.0.0/16", r.IntN(groups))
		default:
			return "*"
		}
	}
	var subnets, nics []string
	for i := range groups {
		name := fmt.Sprintf("nsg-%d", i)
		var list []string
		for k := range rules {
			direction, access := "Inbound", "Allow"
			if k%2 == 1 {
				direction = "Outbound"
			}
			if r.IntN(4) == 0 {
				access = "Deny"
			}
			port := r.IntN(60000)
			list = append(list, fmt.Sprintf(`{"id": %q, "name": "r%d", "properties": {"priority": %d, "direction": %q, "access": %q, "protocol": "Tcp", "sourceAddressPrefix": %q, "sourcePortRange": "*", "destinationAddressPrefix": %q, "destinationPortRange": "%d-%d"}}`,
				id("networkSecurityGroups", name)+fmt.Sprintf("/securityRules/r%d", k), k, 100+10*k, direction, access, side(), side(), port, port+r.IntN(1000)))
		}
		write(name+".json", fmt.Sprintf(`{"id": %q, "name": %q, "type": "Microsoft.Network/networkSecurityGroups", "location": "westeurope", "properties": {"securityRules": [%s]}}`,
			id("networkSecurityGroups", name), name, strings.Join(list, ",\n")))
		subnet := id("virtualNetworks", "v1") + fmt.Sprintf("/subnets/s%d", i)
		subnets = append(subnets, fmt.Sprintf(`{"id": %q, "name": "s%d", "properties": {"addressPrefix": "10.%d.0.0/16", "networkSecurityGroup": {"id": %q}}}`, subnet, i, i, id("networkSecurityGroups", name)))
		nics = append(nics, fmt.Sprintf(`{"id": %q, "name": "n%d", "type": "Microsoft.Network/networkInterfaces", "location": "westeurope", "properties": {"ipConfigurations": [{"id": %q, "name": "ip", "properties": {"privateIPAddress": "10.%d.0.4", "subnet": {"id": %q}}}]}}`,
			id("networkInterfaces", fmt.Sprintf("n%d", i)), i, id("networkInterfaces", fmt.Sprintf("n%d", i))+"/ipConfigurations/ip", i, subnet))
	}
	write("vnet.json", fmt.Sprintf(`{"id": %q, "name": "v1", "type": "Microsoft.Network/virtualNetworks", "location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/8"]}, "subnets": [%s]}}`, id("virtualNetworks", "v1"), strings.Join(subnets, ",\n")))
	write("nics.json", "["+strings.Join(nics, ",\n")+"]")
	var policy strings.Builder
	policy.WriteString("assertions:\n")
	for i := range 200 {
		a, c := i%groups, (i*7+3)%groups
		assertion := ""
		switch i % 5 {
		case 0:
			assertion = fmt.Sprintf(`deny: {from: Internet, to: n%d, ports: [22, 3389]}`, a)
		case 1:
			assertion = fmt.Sprintf(`allow: {from: n%d, to: n%d, ports: 443}`, a, c)
		case 2:
			assertion = fmt.Sprintf(`allow: {from: "subnet:v1/s%d", to: Storage.WestEurope, ports: 443}`, a)
		case 3:
			assertion = fmt.Sprintf(`only: {from: n%d, to: n%d, ports: 443}`, a, c)
		default:
			assertion = fmt.Sprintf(`deny: {from: n%d, to: Internet, ports: 1-1000}`, a)
		}
		fmt.Fprintf(&policy, "  - {id: a%d, %s}\n", i, assertion)
	}
	write("../"+policyName, policy.String())
}

// BenchmarkCheckOfAHundredGroups measures whole processes, with the public
// service tag file: go test ./cmd/netpath -run '^$' -bench HundredGroups
func BenchmarkCheckOfAHundredGroups(b *testing.B) {
	tags := filepath.Join("..", "..", "..", "shared", "data", "service-tags", "ServiceTags_Public_20251028.json")
	if _, err := os.Stat(tags); err != nil {
		b.Skipf("the shared test data is not here: %v", err)
	}
	dir := b.TempDir()
	bin, export := filepath.Join(dir, "netpath"), filepath.Join(dir, "export")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		b.Fatalf("go build: %v\n%s", err, out)
	}
	if err := os.Mkdir(export, 0o755); err != nil {
		b.Fatal(err)
	}
	writeHundredGroups(b, export)
	var peak, cpu float64
	for b.Loop() {
		cmd := exec.Command(bin, "check", export, "--policy", filepath.Join(dir, policyName), "--service-tags", tags, "--as-of", "2025-10-30", "--no-cache", "-o", "json="+filepath.Join(dir, "out"))
		out, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != exitBroken {
			b.Fatalf("exit %d, %v\n%s", code, err, out)
		}
		if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			peak = max(peak, float64(usage.Maxrss)/1024)
		}
		cpu += (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	}
	b.ReportMetric(cpu/float64(b.N), "cpu-s/op")
	b.ReportMetric(peak, "peak-MB")
}
