package sim_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// IP flow verify asks the gates of one NSG, interface or machine, or of the
// interface that owns the local address (IFV, verdicts.md 15).
func TestIPFlowFindsWhoseGatesAreAsked(t *testing.T) {
	const group = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/golden/providers/Microsoft.Network/"
	estate := func() *golden.Estate {
		return golden.New().NICNSG("a1", golden.Deny("a1", 100, golden.Out)).NICNSG("d1", golden.Deny("d1", 100, golden.Out)).
			SubnetNSG("db", golden.Deny("db", 100, golden.Out))
	}
	// twin has a1's address in a network that is not reachable.
	twin := func() *golden.Estate {
		return estate().VNet("v9", "10.0.0.0/16").Subnet("v9", "app9", "10.0.1.0/24").VM("twin", "app9", "10.0.1.4").NICNSG("twin", golden.Deny("twin", 100, golden.Out))
	}
	detached := func() *golden.Estate { // a1's interface names its machine, which does not list it
		return estate().With(func(e *golden.Estate) {
			e.Machine("a1").NetworkInterfaces, e.Machine("a1").PrimaryInterface = nil, topology.Ref{}
		})
	}
	ask := func(local string, change func(*sim.IPFlowQuestion)) sim.IPFlowQuestion {
		q := sim.IPFlowQuestion{Direction: golden.Out, Protocol: topology.TCP, Local: endpoint(local + ":50000"), Remote: endpoint("10.1.1.4:443")}
		if change != nil {
			change(&q)
		}
		return q
	}
	vm := func(name string) func(*sim.IPFlowQuestion) { return func(q *sim.IPFlowQuestion) { q.VM = name } }
	nic := func(name string) func(*sim.IPFlowQuestion) { return func(q *sim.IPFlowQuestion) { q.Interface = name } }
	nsg := func(name string) func(*sim.IPFlowQuestion) { return func(q *sim.IPFlowQuestion) { q.NSG = name } }

	for _, x := range []struct {
		fact   string
		estate *golden.Estate
		q      sim.IPFlowQuestion
		rule   string
		err    string
	}{
		{"those of the interface that owns the address", estate(), ask("10.0.1.4", nil), "a1", ""},
		{"an address that no interface owns", estate(), ask("10.0.1.99", nil), "", `address "10.0.1.99": no network interface in the data owns it; name the gate with --nsg, --nic or --vm`},
		{"one that two own", twin(), ask("10.0.1.4", nil), "", `address "10.0.1.4" is ambiguous: ` + group + "networkInterfaces/a1-nic, " + group + "networkInterfaces/twin-nic"},
		{"the machine says which", twin(), ask("10.0.1.4", vm("twin")), "twin", ""},
		{"so does the interface", twin(), ask("10.0.1.4", nic("A1-NIC")), "a1", ""},
		{"an interface that names the machine is the machine's", detached(), ask("10.0.1.4", vm("a1")), "a1", ""},
		{"a machine that does not own the address", estate(), ask("10.0.2.4", vm("a1")), "", `virtual machine "a1": none of its network interfaces in the data owns 10.0.2.4`},
		{"an interface that does not", estate(), ask("10.0.2.4", nic("a1-nic")), "", `network interface "a1-nic": it does not own 10.0.2.4 (it owns 10.0.1.4)`},
		{"a machine that is not there", estate(), ask("10.0.1.4", vm("a3")), "", `virtual machine "a3" is not in the estate (nearest: a1, a2, b1)`},
		{"an interface that is not", estate(), ask("10.0.1.4", nic("a3-nic")), "", `network interface "a3-nic" is not in the estate (nearest: a1-nic, a2-nic, b1-nic)`},
		{"an NSG that is not", estate(), ask("10.0.1.4", nsg("nsg-a2")), "", `network security group "nsg-a2" is not in the estate (nearest: nsg-a1, nsg-d1, nsg-db)`},
		{"an NSG alone", estate(), ask("10.0.1.4", nsg("nsg-db")), "db", ""},
	} {
		t.Run(x.fact, func(t *testing.T) {
			a, err := simulate(t, x.estate).IPFlow(x.q)
			if x.err != "" {
				if name := new(sim.NameError); !errors.As(err, &name) || err.Error() != x.err {
					t.Errorf("%v, want %s", err, x.err)
				}
				return
			}
			if err != nil || a.Access != flow.Deny || a.RuleName == nil || *a.RuleName != x.rule {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
}

// verdicts.md 15: an NSG is asked at the subnet that owns the local address;
// where several networks hold the address, at the one it is attached to.
func TestAnNSGIsAskedAtTheSubnetOfTheLocalAddress(t *testing.T) {
	peered := golden.Allow("vnet", 100, golden.Out).To("VirtualNetwork")
	rest := golden.Deny("rest", 200, golden.Out)
	overlap := func() *golden.Estate {
		return golden.New().NSG("g", peered, rest).VNet("v9", "10.0.0.0/16").Subnet("v9", "app9", "10.0.1.0/24").VM("twin", "app9", "10.0.1.4")
	}
	for _, x := range []struct {
		fact   string
		estate *golden.Estate
		want   flow.Verdict // to b1, which is in VirtualNetwork of v1 alone
		err    bool
	}{
		{"in one network", golden.New().NSG("g", peered, rest), flow.Allow, false},
		{"in two, attached to neither", overlap(), 0, true},
		{"attached to the subnet of the first", overlap().AttachSubnet("app", "g"), flow.Allow, false},
		{"to that of the second", overlap().AttachSubnet("app9", "g"), flow.Deny, false},
		{"to an interface in the first", overlap().AttachNIC("a1", "g"), flow.Allow, false},
		{"to one in the second", overlap().AttachNIC("twin", "g"), flow.Deny, false},
		{"to both", overlap().AttachSubnet("app", "g").AttachSubnet("app9", "g"), 0, true},
	} {
		a, err := simulate(t, x.estate).IPFlow(sim.IPFlowQuestion{NSG: "g", Direction: golden.Out, Protocol: topology.TCP, Local: endpoint("10.0.1.4:50000"), Remote: endpoint("10.1.1.4:443")})
		if x.err {
			if name := new(sim.NameError); !errors.As(err, &name) || len(name.Candidates) != 2 {
				t.Errorf("%s: %v", x.fact, err)
			}
			continue
		}
		if err != nil || a.Access != x.want {
			t.Errorf("%s: %v %v, want %v", x.fact, a, err, x.want)
		}
	}
}

// An NSG of which only the effective rules were exported can be asked (spec 10).
func TestAnNSGIsKnownByItsEffectiveRules(t *testing.T) {
	e := golden.New()
	n := e.Build()
	ref := topology.RefTo("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/seen")
	all := topology.Match{Prefixes: []topology.AddressPrefix{{Kind: topology.AnyAddress, Text: "*"}}, Ports: []topology.PortRange{topology.AllPorts}}
	rule := func(name string, a topology.Access, def bool) *topology.SecurityRule {
		return &topology.SecurityRule{Element: topology.Element{Name: name}, Priority: map[bool]int{false: 100, true: 65500}[def], Direction: topology.Outbound, Access: a, Protocol: topology.AnyProtocol, Source: all, Destination: all, Default: def}
	}
	n.EffectiveSecurityGroups = []*topology.EffectiveSecurityGroup{{NetworkSecurityGroup: ref, NetworkInterface: e.NIC("a1").Ref(),
		Rules:  []*topology.SecurityRule{rule("no", topology.Deny, false), rule("DenyAllOutBound", topology.Deny, true)},
		TagMap: map[string][]netip.Prefix{"VirtualNetwork": {netip.MustParsePrefix("10.0.0.0/8")}}}}
	e.NIC("a1").NetworkSecurityGroup = ref
	s, err := sim.New(n, sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, g := range s.Groups() {
		names = append(names, g.Name)
	}
	if d := cmp.Diff([]string{"seen"}, names); d != "" {
		t.Error(d)
	}
	for name, q := range map[string]sim.IPFlowQuestion{
		"at the interface": {},
		"alone":            {NSG: "seen"},
	} {
		q.Direction, q.Protocol, q.Local, q.Remote = golden.Out, topology.TCP, endpoint("10.0.1.4:50000"), endpoint("10.1.1.4:443")
		a, err := s.IPFlow(q)
		if err != nil || a.Access != flow.Deny || a.RuleName == nil || *a.RuleName != "no" {
			t.Errorf("%s: %+v %v", name, a, err)
		}
	}
	// Where no subnet owns the address the tags are those of the export.
	p := s.PlaceOf(s.Groups()[0], nil)
	if must, _ := p.VirtualNetworkTag().Certain(); !must.Contains(netip.MustParseAddr("10.200.0.1")) {
		t.Error("VirtualNetwork is not as exported")
	}
	if p := s.PlaceOf(s.Groups()[0], e.SubnetOf("db")); p.Subnet != e.SubnetOf("db") {
		t.Error("at a subnet they are the subnet's")
	}
}

func TestTheServiceTagFileInUseIsNamed(t *testing.T) {
	c := simulate(t, golden.New()).Catalogue()
	if c == nil || c.Cloud != "Public" || c.ChangeNumber != 375 || c.Date != "2025-10-27" || c.AgeDays == nil || *c.AgeDays != 3 || c.File != "ServiceTags_Public_20251027.json" {
		t.Errorf("%+v", c)
	}
	if c := simulate(t, golden.New().NoServiceTags()).Catalogue(); c != nil {
		t.Errorf("without a file: %+v", c)
	}
	if c := simulate(t, golden.New().Undated()).Catalogue(); c == nil || c.Date != "" || c.AgeDays != nil {
		t.Errorf("without a date: %+v", c)
	}
}
