package lint

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
)

// reachable is a machine with a public IP address behind an NSG at its subnet
// and one at its interface.
func reachable(subnetRules, interfaceRules, more string) string {
	nsg := func(name, rules string) string {
		if rules == "" {
			return "  - {name: " + name + "}\n"
		}
		return "  - name: " + name + "\n    securityRules:\n" + rules
	}
	return `virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-subnet}
networkSecurityGroups:
` + nsg("nsg-subnet", subnetRules) + nsg("nsg-nic", interfaceRules) + `virtualMachines:
  - name: app1
    networkInterfaces: [{name: app1-nic, subnet: v1/app, privateIPAddress: 10.0.1.4, networkSecurityGroup: nsg-nic, publicIPAddress: {ipAddress: 198.51.100.9, sku: Standard}}]
  - name: app2
    networkInterfaces: [{name: app2-nic, subnet: v1/app, privateIPAddress: 10.0.1.5, networkSecurityGroup: nsg-nic}]
` + more
}

func in(name string, priority int, access, source, destination, ports string) string {
	field := "sourceAddressPrefix: " + source
	if strings.HasPrefix(source, "[") {
		field = "sourceAddressPrefixes: " + source
	}
	return fmt.Sprintf("      - {name: %s, priority: %d, direction: Inbound, access: %s, protocol: Tcp, %s, sourcePortRange: \"*\", destinationAddressPrefix: %s, destinationPortRange: %q}\n", name, priority, access, field, destination, ports)
}

func TestAManagementPortIsOpenAfterTheWholeWayIn(t *testing.T) {
	allow := in("allow", 100, "Allow", "Internet", `"*"`, "22")
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"both groups allow", reachable(allow, allow, ""), []string{`error machine app1 (10.0.1.4) can be reached from the whole Internet on tcp/22 (SSH), by rule "allow" of nsg-nic`}},
		{"the subnet's alone", reachable(allow, "", ""), nil},
		{"the interface's alone", reachable("", allow, ""), nil},
		{"a deny before it", reachable(in("deny", 99+1, "Deny", "Internet", `"*"`, "22")+in("allow", 101, "Allow", "Internet", `"*"`, "22"), allow, ""), nil},
		{"the public address is never the destination", reachable(in("allow", 100, "Allow", "Internet", "198.51.100.9", "22"), allow, ""), nil},
		{"by address", reachable(in("allow", 100, "Allow", "0.0.0.0/0", "10.0.1.4", "20-30"), allow, ""), []string{"on tcp/22 (SSH)"}},
		{"two halves of the Internet", reachable(in("allow", 100, "Allow", "[0.0.0.0/1, 128.0.0.0/1]", `"*"`, "3389"), in("allow", 100, "Allow", `"*"`, `"*"`, "*"), ""), []string{"error machine app1 (10.0.1.4) can be reached from the whole Internet on tcp/3389 (Remote Desktop)"}},
		{"some thousand addresses", reachable(in("allow", 100, "Allow", "203.0.0.0/16", `"*"`, "22"), allow, ""), []string{"warning machine app1 (10.0.1.4) can be reached from 65,536 public addresses (203.0.0.0/16)"}},
		{"an office", reachable(in("allow", 100, "Allow", "203.0.113.0/24", `"*"`, "22"), allow, ""), []string{"note machine app1 (10.0.1.4) can be reached from 256 public addresses (203.0.113.0/24)"}},
		{"no port of management", reachable(in("allow", 100, "Allow", "Internet", `"*"`, "443"), in("allow", 100, "Allow", "Internet", `"*"`, "443"), ""), nil},
		{"an admin rule stops it", reachable(allow, allow, `networkManagerAdminRules: [{name: deny, virtualNetworks: [v1], priority: 10, direction: Inbound, access: Deny, protocol: Tcp, sources: ["*"], destinations: ["*"], sourcePortRanges: ["*"], destinationPortRanges: ["22"]}]`), nil},
		{"an admin rule opens it past the groups", reachable("", "", `networkManagerAdminRules: [{name: open, virtualNetworks: [v1], priority: 10, direction: Inbound, access: AlwaysAllow, protocol: Tcp, sources: ["*"], destinations: ["*"], sourcePortRanges: ["*"], destinationPortRanges: ["22"]}]`), []string{"can be reached from the whole Internet on tcp/22 (SSH)"}},
		{"behind a load balancer at another port", reachable(allow, allow, `loadBalancers:
  - name: lb1
    sku: Standard
    frontendIPConfigurations: [{name: fe, publicIPAddress: 198.51.100.30}]
    backendAddressPools: [{name: be, networkInterfaces: [app2-nic]}]
    loadBalancingRules: [{name: ssh, frontend: fe, backend: be, protocol: Tcp, frontendPort: 50022, backendPort: 22}]
`), []string{"machines app1 (10.0.1.4), app2 (10.0.1.5) can be reached from the whole Internet on tcp/22 (SSH)"}},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, design(t, "NP1201", tt.text), tt.want...) })
	}
}

// Machines are asked together, ports too, and most are not asked at all: what
// comes out must be what asking each would give.
func TestWhatIsOpenOfManyMachinesIsWhatIsOpenOfEach(t *testing.T) {
	found := 0
	for seed := range uint64(30) {
		n, _ := estategen.Random(rand.New(rand.NewPCG(seed, 7)), estategen.Options{})
		s, err := sim.New(n, sim.Options{AsOf: estategen.CatalogueDate})
		if err != nil {
			t.Fatal(err)
		}
		run := newRun(s)
		internet, err := s.NamedEnd("Internet")
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, e := range run.entries() {
			for _, x := range run.openings(internet, e, &undecidedPorts{run: run}) {
				for _, o := range x.owners {
					for _, p := range x.ports {
						got[fmt.Sprint(o.Configuration.ID(), p)] = fmt.Sprint(x.source.Prefixes())
					}
				}
			}
		}
		want := map[string]string{}
		for _, nic := range n.NetworkInterfaces {
			for _, c := range nic.IPConfigurations {
				if !c.PrivateIPAddress.IsValid() || !nic.PrivateEndpoint.IsZero() {
					continue
				}
				for _, p := range managementPortList {
					tr, err := s.TraceEnds(sim.TraceQuestion{Protocol: p.protocol, Port: p.port}, internet, s.InterfaceEnd(topology.Owner{Interface: nic, Configuration: c}))
					if err != nil || !tr.AnyAllow {
						continue
					}
					if set, _, _ := run.reached(internet, topology.Owner{Interface: nic, Configuration: c}, p); !empty(set) {
						want[fmt.Sprint(c.ID(), p)] = fmt.Sprint(set.Prefixes())
					}
				}
			}
		}
		found += len(want)
		for key, w := range want {
			if got[key] != w {
				t.Errorf("seed %d: %s is open to %s, found %q", seed, key, w, got[key])
			}
		}
		for key := range got {
			if want[key] == "" {
				t.Errorf("seed %d: %s is not open, found %s", seed, key, got[key])
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d ports were open", found)
	}
}

func TestEstatesOfEveryKindAreLinted(t *testing.T) {
	ids := map[string]int{}
	var only []string
	for _, r := range estateRules() {
		only = append(only, r.ID)
	}
	for seed := range uint64(60) {
		n, _ := estategen.Random(rand.New(rand.NewPCG(seed, 11)), estategen.Options{})
		s, err := sim.New(n, sim.Options{AsOf: estategen.CatalogueDate, Strict: seed%3 == 0})
		if err != nil {
			t.Fatal(err)
		}
		report, err := Lint(context.Background(), s, Options{Only: only})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, f := range report.Findings {
			ids[f.Rule.ID]++
			if f.Text == "" || f.Fix == "" || f.Subject == "" || strings.Contains(f.Text, "%!") || strings.Contains(f.Fix, "%!") {
				t.Errorf("seed %d: %s %+v", seed, f.Rule.ID, f)
			}
			if seen[f.Fingerprint()] {
				t.Errorf("seed %d: two findings %s of %s have one fingerprint: %s", seed, f.Rule.ID, f.Subject, f.Text)
			}
			seen[f.Fingerprint()] = true
			if s.Strict() && len(f.Assumptions) > 0 {
				t.Errorf("seed %d: strict, and %s rests on %v", seed, f.Rule.ID, f.Assumptions)
			}
		}
	}
	t.Log(ids)
	for _, id := range []string{"NP1101", "NP1201", "NP1204", "NP1205", "NP1206", "NP1208"} {
		if ids[id] == 0 {
			t.Errorf("no estate shows %s", id)
		}
	}
}

func TestNothingIsOpenForCertainBehindAGroupThatIsNotInTheData(t *testing.T) {
	o := topology.Owner{Interface: &topology.NetworkInterface{NetworkSecurityGroup: topology.RefTo("/gone")}, Configuration: &topology.IPConfiguration{Subnet: topology.RefTo("/v/subnets/s")}}
	n, err := topology.NewNetwork(topology.Data{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.New(n, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if newRun(s).gatesKnown(o) {
		t.Error("the gates are known")
	}
	if slices.ContainsFunc(managementPortList, func(p managementPort) bool { return p.service == "" || p.protocol == topology.NoProtocol }) {
		t.Error("a port without a service or protocol")
	}
}
