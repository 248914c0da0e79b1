package lint

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
)

// What the data leaves open of the way in is an undecided finding, and never
// nothing; a certain deny before it stays one.
func TestAManagementPortOfWhichTheDataSaysTooLittleIsUndecided(t *testing.T) {
	gone := topology.RefTo("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/gone")
	base := func() *golden.Estate { return golden.New().PublicIP("a1", "198.51.100.8", "Standard") }
	web := func() *golden.Estate {
		return base().SubnetNSG("app", golden.Allow("web", 100, golden.In).From("Internet").Ports("443"))
	}
	for _, c := range []struct {
		name   string
		estate *golden.Estate
		want   string
	}{
		{"all there", web(), ""},
		{"the subnet's group is not in the data", base().With(func(e *golden.Estate) { e.SubnetOf("app").NetworkSecurityGroup = gone }), "DANGLING_REFERENCE"},
		{"the interface's group is not in the data, and the subnet's lets nothing in", web().With(func(e *golden.Estate) { e.NIC("a1").NetworkSecurityGroup = gone }), ""},
		{"the list of interfaces is cut", web().Gap(topology.ListCut, "Microsoft.Network/networkInterfaces"), "is not known"},
		{"the list of tables is cut", web().Gap(topology.ListCut, "Microsoft.Network/routeTables"), ""},
		{"an interface is named and not in the data", web().With(func(e *golden.Estate) {
			e.Machine("d1").NetworkInterfaces = append(e.Machine("d1").NetworkInterfaces, topology.RefTo("/subscriptions/s/d9-nic"))
		}), "d9-nic, an interface of d1, is not in the data"},
		{"an address is not in the data", web().With(func(e *golden.Estate) { e.NIC("a1").IPConfigurations[0].PrivateIPAddress = netip.Addr{} }), "the address of the interface a1-nic is not in the data"},
	} {
		s, err := sim.New(c.estate.Build(), sim.Options{AsOf: golden.AsOf})
		if err != nil {
			t.Fatal(err)
		}
		r, err := Lint(context.Background(), s, Options{Only: []string{"NP1201"}})
		if err != nil {
			t.Fatal(err)
		}
		if (len(r.Findings) > 0) != (c.want != "") {
			t.Errorf("%s: %+v", c.name, r.Findings)
		}
		for _, f := range r.Findings {
			if !f.Undecided || f.Severity != Error || !strings.Contains(f.Text, c.want) || f.Fails(Note) {
				t.Errorf("%s: %+v", c.name, f)
			}
		}
	}
}
