package sim_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

func effectiveRules(t *testing.T, e *golden.Estate, name string) *sim.EffectiveRules {
	t.Helper()
	r, err := simulate(t, e).EffectiveRules(name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The shape of az network nic list-effective-nsg: one group for the interface
// and one for the subnet, tags expanded.
func TestTheEffectiveRulesOfAnInterfaceAreThoseOfBothLevels(t *testing.T) {
	e := golden.New().NICNSG("a1", golden.Deny("ssh", 100, golden.In).TCP().From("10.0.2.0/24", "10.0.9.0/24").SourcePorts("1-5").Ports("22", "80-443")).
		SubnetNSG("app", golden.Allow("blobs", 200, golden.Out).To("Storage.WestEurope"), golden.Allow("all", 300, golden.Out))
	r := effectiveRules(t, e, "a1")
	if r.NetworkInterface != "a1-nic" || r.ServiceTags == nil || r.ServiceTags.ChangeNumber != 375 || len(r.Groups) != 2 {
		t.Fatalf("%+v", r)
	}
	nic, subnet := r.Groups[0], r.Groups[1]
	if nic.Association.NetworkInterface == nil || nic.Association.NetworkInterface.ID != e.NIC("a1").ResourceID || nic.Association.Subnet != nil || nic.NetworkSecurityGroup.ID != e.NSGOf("nsg-a1").ResourceID {
		t.Errorf("at the interface: %+v", nic)
	}
	if subnet.Association.Subnet == nil || subnet.Association.Subnet.ID != e.SubnetOf("app").ResourceID || subnet.Association.NetworkInterface != nil || subnet.NetworkSecurityGroup.ID != e.NSGOf("nsg-app").ResourceID {
		t.Errorf("at the subnet: %+v", subnet)
	}
	names := func(g sim.EffectiveRuleSet) (out []string) {
		for _, r := range g.Rules {
			out = append(out, r.Direction+" "+r.Name)
		}
		return out
	}
	in := []string{"Inbound defaultSecurityRules/AllowVnetInBound", "Inbound defaultSecurityRules/AllowAzureLoadBalancerInBound", "Inbound defaultSecurityRules/DenyAllInBound"}
	out := []string{"Outbound defaultSecurityRules/AllowVnetOutBound", "Outbound defaultSecurityRules/AllowInternetOutBound", "Outbound defaultSecurityRules/DenyAllOutBound"}
	if d := cmp.Diff(slices.Concat([]string{"Inbound securityRules/ssh"}, in, out), names(nic)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(slices.Concat(in, []string{"Outbound securityRules/blobs", "Outbound securityRules/all"}, out), names(subnet)); d != "" {
		t.Error(d)
	}
	cidrs := func(list ...string) (out []netip.Prefix) {
		for _, p := range list {
			out = append(out, netip.MustParsePrefix(p))
		}
		return out
	}
	compare := func(want, got sim.EffectiveRule) {
		t.Helper()
		got.Origin = topology.Origin{}
		if d := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); d != "" {
			t.Error(d)
		}
	}
	compare(sim.EffectiveRule{Name: "securityRules/ssh", Protocol: "Tcp", SourcePorts: []string{"1-5"}, DestinationPorts: []string{"22-22", "80-443"},
		Sources: []string{"10.0.2.0/24", "10.0.9.0/24"}, Destinations: []string{"0.0.0.0/0"}, Access: "Deny", Priority: 100, Direction: "Inbound"}, nic.Rules[0])
	compare(sim.EffectiveRule{Name: "securityRules/blobs", Protocol: "All", SourcePorts: []string{"0-65535"}, DestinationPorts: []string{"0-65535"},
		Sources: []string{"0.0.0.0/0"}, Destinations: []string{"Storage.WestEurope"}, ExpandedDestination: cidrs("20.60.26.0/23"), Access: "Allow", Priority: 200, Direction: "Outbound"}, subnet.Rules[3])
	vnet := cidrs("10.0.0.0/15", "168.63.129.16/32")
	compare(sim.EffectiveRule{Name: "defaultSecurityRules/AllowVnetInBound", Protocol: "All", SourcePorts: []string{"0-65535"}, DestinationPorts: []string{"0-65535"},
		Sources: []string{"VirtualNetwork"}, Destinations: []string{"VirtualNetwork"}, ExpandedSource: vnet, ExpandedDestination: vnet, Access: "Allow", Priority: 65000, Direction: "Inbound"}, subnet.Rules[0])
	if got := subnet.TagMap["VirtualNetwork"]; !slices.Equal(got, vnet) {
		t.Errorf("VirtualNetwork is %v", got)
	}
	if got := subnet.TagMap["Storage.WestEurope"]; len(got) != 1 {
		t.Errorf("Storage.WestEurope is %v", got)
	}
	// Of Internet it is not known whether the disputed space is in it.
	if len(subnet.Undecided) != 1 || subnet.Undecided[0].About != "Internet" || subnet.Undecided[0].Code != flow.UnknownTag {
		t.Errorf("undecided: %v", subnet.Undecided)
	}
}

func TestWhatEffectiveRulesDoNotKnow(t *testing.T) {
	unknown := golden.New().SubnetNSG("app", golden.Deny("sql", 100, golden.Out).To("Sql"), golden.Deny("again", 200, golden.Out).To("Sql"))
	g := effectiveRules(t, unknown, "a1-nic").Groups[0]
	var about []string
	for _, m := range g.Undecided {
		about = append(about, m.About)
	}
	if d := cmp.Diff([]string{"Internet", "Sql"}, slices.Sorted(slices.Values(about))); d != "" || len(g.TagMap["Sql"]) != 0 {
		t.Errorf("a tag that the file does not hold is named once: %s", d)
	}

	gone := golden.New().With(func(e *golden.Estate) {
		e.SubnetOf("app").NetworkSecurityGroup = topology.RefTo("/subscriptions/x/resourceGroups/x/providers/Microsoft.Network/networkSecurityGroups/gone")
	})
	g = effectiveRules(t, gone, "a1").Groups[0]
	if len(g.Rules) != 0 || len(g.Undecided) != 1 || g.Undecided[0].Code != flow.DanglingReference || g.Undecided[0].About != "gone" || !strings.HasSuffix(g.NetworkSecurityGroup.ID, "/gone") {
		t.Errorf("an NSG that is not in the data: %+v", g)
	}
	named := golden.New().SubnetNSG("app").With(func(e *golden.Estate) { e.NSGOf("nsg-app").RulesGiven = false })
	if g := effectiveRules(t, named, "a1").Groups[0]; len(g.Rules) != 0 || len(g.Undecided) != 1 {
		t.Errorf("an NSG of which only the name is: %+v", g)
	}
	if r := effectiveRules(t, golden.New(), "a1"); len(r.Groups) != 0 {
		t.Errorf("without an NSG there is no group: %+v", r.Groups)
	}
	bare := golden.New().SubnetNSG("app").With(func(e *golden.Estate) { e.NIC("a1").IPConfigurations = nil })
	if r := effectiveRules(t, bare, "a1"); len(r.Groups) != 0 {
		t.Errorf("an interface without an IP configuration has no effective rules: %+v", r.Groups)
	}
	unallocated := golden.New().SubnetNSG("app").With(func(e *golden.Estate) { e.NIC("a1").IPConfigurations[0].PrivateIPAddress = netip.Addr{} })
	if r := effectiveRules(t, unallocated, "a1"); len(r.Groups) != 1 {
		t.Errorf("one without an address is in its subnet all the same: %+v", r.Groups)
	}
	six := golden.New().SubnetNSG("app").VM("six", "app", "2001:db8::6")
	if r := effectiveRules(t, six, "six"); len(r.Groups) != 1 {
		t.Errorf("one with an IPv6 address alone too: %+v", r.Groups)
	}
}

func effectiveRoutes(t *testing.T, e *golden.Estate, name string) *sim.EffectiveRoutes {
	t.Helper()
	r, err := simulate(t, e).EffectiveRoutes(name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The shape of az network nic show-effective-route-table.
func TestTheEffectiveRoutesOfAnInterfaceAreThoseOfItsSubnet(t *testing.T) {
	e := golden.New().Gateway("v1", "10.0.254.0/27", "172.20.0.0/16").ServiceEndpoint("app", "Microsoft.Storage").
		Routes("app", golden.Via("to-nva", "0.0.0.0/0", golden.NVA), golden.Hop("tag", "AzureBackup", topology.NextHopInternet))
	r := effectiveRoutes(t, e, "a1")
	if r.NetworkInterface != "a1-nic" || r.Subnet != "subnet v1/app" || len(r.Undecided) != 0 {
		t.Errorf("%s in %s, undecided %v", r.NetworkInterface, r.Subnet, r.Undecided)
	}
	var got []string
	for _, x := range r.Routes {
		s := []string{x.Source, x.State, string(x.NextHopType)}
		if x.Name != nil {
			s = append(s, *x.Name)
		}
		got = append(got, strings.Join(slices.Concat(s, x.AddressPrefix, x.NextHopIPAddress, x.ServiceTags), " "))
		if x.AddressPrefix == nil || x.NextHopIPAddress == nil || x.ServiceTags == nil {
			t.Errorf("%s: a list is null", s)
		}
	}
	slices.Sort(got)
	want := []string{
		"Default Active VNetPeering 10.1.0.0/16",
		"Default Active VirtualNetworkServiceEndpoint 20.60.26.0/23 20.60.40.0/23 Storage",
		"Default Active VirtualNetworkServiceEndpoint 20.60.26.0/23 Storage.WestEurope",
		"Default Active VnetLocal 10.0.0.0/16",
		"Default Invalid Internet 0.0.0.0/0",
		"User Active Internet tag 40.74.30.96/28 AzureBackup",
		"User Active VirtualAppliance to-nva 0.0.0.0/0 10.0.0.10",
		"VirtualNetworkGateway Active VirtualNetworkGateway 172.20.0.0/16",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// IPv6 routes are those of a network that has IPv6.
	six := golden.New().With(func(e *golden.Estate) {
		e.VNetOf("v1").AddressSpace = append(e.VNetOf("v1").AddressSpace, netip.MustParsePrefix("2001:db8::/48"))
	})
	if !slices.ContainsFunc(effectiveRoutes(t, six, "a1").Routes, func(x sim.EffectiveRoute) bool { return slices.Contains(x.AddressPrefix, "::/0") }) {
		t.Error("a network with IPv6 has a route ::/0")
	}
}

func TestWhatEffectiveRoutesDoNotKnow(t *testing.T) {
	gone := golden.New().With(func(e *golden.Estate) { e.SubnetOf("app").RouteTable = topology.RefTo("/x/routeTables/gone") })
	if r := effectiveRoutes(t, gone, "a1"); len(r.Undecided) != 1 || r.Undecided[0].Code != flow.DanglingReference || r.Undecided[0].Export == "" {
		t.Errorf("a route table that is not in the data: %v", r.Undecided)
	}
	lost := golden.New().With(func(e *golden.Estate) {
		e.NIC("a1").IPConfigurations[0].Subnet = topology.RefTo("/x/virtualNetworks/v/subnets/gone")
	})
	if r := effectiveRoutes(t, lost, "a1"); len(r.Routes) != 0 || len(r.Undecided) != 1 || r.Undecided[0].About != "gone" {
		t.Errorf("a subnet that is not in the data: %+v", r)
	}
	bare := golden.New().With(func(e *golden.Estate) { e.NIC("a1").IPConfigurations = nil })
	if r := effectiveRoutes(t, bare, "a1"); len(r.Routes) != 0 || len(r.Undecided) != 0 || r.Subnet != "" {
		t.Errorf("an interface without an IP configuration: %+v", r)
	}
}

func TestEffectiveRulesAndRoutesAreOfOneInterface(t *testing.T) {
	both := golden.New().VM("a1-nic", "db", "10.0.2.9")
	for _, x := range []struct {
		fact   string
		estate *golden.Estate
		name   string
		want   string
	}{
		{"a name of nothing", golden.New(), "a9", `network interface "a9" is not in the estate (nearest: a1, a2, b1)`},
		{"a name of two", both, "a1-nic", `name "a1-nic" is ambiguous: ` + both.NIC("a1").ResourceID + ", " + both.Machine("a1-nic").ResourceID},
		{"a machine without an interface", golden.New().With(func(e *golden.Estate) { e.Machine("a1").PrimaryInterface = topology.RefTo("/x/networkInterfaces/gone") }), "a1",
			`virtual machine "a1": its primary network interface gone is not in the data`},
	} {
		s := simulate(t, x.estate)
		_, rules := s.EffectiveRules(x.name)
		_, routes := s.EffectiveRoutes(x.name)
		for _, err := range []error{rules, routes} {
			if name := new(sim.NameError); !errors.As(err, &name) || err.Error() != x.want {
				t.Errorf("%s: %v, want %s", x.fact, err, x.want)
			}
		}
	}
}

// What cannot be read in the service tag file is refused where it is needed.
func TestATagThatCannotBeReadIsRefusedWhereItIsNeeded(t *testing.T) {
	broken := errors.New("line 7: expected a prefix")
	e := golden.New().SubnetNSG("app", golden.Deny("blobs", 100, golden.Out).To("Storage")).Routes("db", golden.Hop("tag", "Storage", topology.NextHopInternet))
	n := e.Build()
	for _, tag := range n.ServiceTags.Tags {
		if tag.Name == "Storage" {
			tag.Refused = broken
		}
	}
	fresh := func() *sim.Simulator {
		s, err := sim.New(n, sim.Options{AsOf: golden.AsOf})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, ask := range map[string]func() error{
		"effective rules":  func() error { _, err := fresh().EffectiveRules("a1"); return err },
		"effective routes": func() error { _, err := fresh().EffectiveRoutes("d1"); return err },
		"a trace": func() error {
			_, err := fresh().Trace(sim.TraceQuestion{From: "a1", To: golden.SWE, Port: 443})
			return err
		},
		"a trace to it": func() error {
			_, err := fresh().Trace(sim.TraceQuestion{From: "b1", To: "Storage", Port: 443})
			return err
		},
		"IP flow": func() error {
			_, err := fresh().IPFlow(sim.IPFlowQuestion{Direction: golden.Out, Protocol: topology.TCP, Local: endpoint("10.0.1.4:50000"), Remote: endpoint(golden.SWE + ":443")})
			return err
		},
	} {
		if err := ask(); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := fresh().EffectiveRules("b1"); err != nil {
		t.Errorf("elsewhere it does not matter: %v", err)
	}
}
