package reach

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// What users reported against other tools: each has its answer here.
func TestWhatPassesIsToldAsAzureDoes(t *testing.T) {
	twoSubnets := func(app, db *topology.NetworkSecurityGroup) []subnet {
		return []subnet{{"app", "10.0.1.0/24", app}, {"db", "10.0.2.0/24", db}}
	}
	machines := []machine{{name: "app1", subnet: "app", address: "10.0.1.4"}, {name: "db1", subnet: "db", address: "10.0.2.4"}}
	for _, c := range []struct {
		name     string
		subnets  []subnet
		machines []machine
		q        Question
		want     []string
	}{
		{
			"the second NSG counts: what the subnet's lets in, the interface's stops",
			twoSubnets(nil, group("nsg-db", "100 in allow tcp * > * 1433", "200 in deny * * > * *")),
			[]machine{{name: "app1", subnet: "app", address: "10.0.1.4"}, {name: "db1", subnet: "db", address: "10.0.2.4", nsg: group("nsg-nic", "100 in deny tcp * > * 1430-1440")}},
			Question{From: "app1", To: "db1"},
			[]string{"Deny app1 → db1 tcp/0-1432,1434-65535 udp+icmp+esp+ah r200", "Deny app1 → db1 tcp/1433 r100"},
		},
		{
			"the second NSG counts the other way too",
			twoSubnets(nil, group("nsg-db", "100 in deny tcp * > * 22")),
			[]machine{{name: "app1", subnet: "app", address: "10.0.1.4"}, {name: "db1", subnet: "db", address: "10.0.2.4", nsg: group("nsg-nic", "100 in allow tcp * > * *")}},
			Question{From: "app1", To: "db1"},
			[]string{"Allow app1 → db1 tcp/0-21,23-65535 r100", "Allow app1 → db1 udp+icmp+esp+ah AllowVnetInBound", "Deny app1 → db1 tcp/22 r100"},
		},
		{
			"the direction of a rule counts: an outbound rule lets nothing in",
			twoSubnets(nil, group("nsg-db", "100 out allow tcp * > * 1433", "200 in deny * * > * *")),
			machines, Question{From: "app1", To: "db1"},
			[]string{"Deny app1 → db1 any r200"},
		},
		{
			"0.0.0.0/1 and 128.0.0.0/1 are the Internet",
			twoSubnets(group("nsg-app", "100 out allow tcp * > 0.0.0.0/1,128.0.0.0/1 443", "200 out deny * * > * *"), nil),
			machines, Question{From: "app1", To: "Internet"},
			[]string{"Allow app1 → Internet tcp/443 r100", "Deny app1 → Internet tcp/0-442,444-65535 udp+icmp+esp+ah r200"},
		},
		{
			"0.0.0.0/0 is everything, whatever it is called",
			twoSubnets(group("nsg-app", "100 out deny * 0.0.0.0/0 > 0.0.0.0/0 *"), nil),
			machines, Question{From: "app1", To: "Internet"},
			[]string{"Deny app1 → Internet any r100"},
		},
		{
			"the tag Internet is addresses, not a string: it does not hold the network",
			twoSubnets(nil, group("nsg-db", "100 in deny * Internet > * *")),
			machines, Question{From: "app1", To: "db1"},
			[]string{"Allow app1 → db1 any AllowVnetInBound"},
		},
		{
			"a lower priority comes first, wherever it stands in the list",
			twoSubnets(nil, group("nsg-db", "300 in deny tcp * > * 1433", "200 in allow tcp * > * 1433", "400 in deny * * > * *")),
			machines, Question{From: "app1", To: "db1"},
			[]string{"Allow app1 → db1 tcp/1433 r200", "Deny app1 → db1 tcp/0-1432,1434-65535 udp+icmp+esp+ah r400"},
		},
		{
			"machines that fare alike are told together, and one that does not apart",
			twoSubnets(nil, group("nsg-db", "100 in deny * 10.0.1.6/32 > * *")),
			[]machine{{name: "a", subnet: "app", address: "10.0.1.4"}, {name: "b", subnet: "app", address: "10.0.1.5"}, {name: "c", subnet: "app", address: "10.0.1.6"}, {name: "d", subnet: "db", address: "10.0.2.4"}},
			Question{From: "subnet:v1/app", To: "subnet:v1/db"},
			[]string{"Allow a+b → d any AllowVnetInBound", "Deny c → d any r100"},
		},
		{
			"a subnet without interfaces is asked as such",
			twoSubnets(nil, group("nsg-db", "100 in allow tcp * > 10.0.2.0/25 1433", "200 in deny * * > * *")),
			machines[:1], Question{From: "app1", To: "subnet:db"},
			[]string{"Allow app1 → subnet v1/db[10.0.2.0/25] tcp/1433 r100", "Deny app1 → subnet v1/db tcp/0-1432,1434-65535 udp+icmp+esp+ah r200", "Deny app1 → subnet v1/db[10.0.2.128/25] tcp/1433 r200"},
		},
		{
			"from the Internet only what has a way in",
			twoSubnets(nil, group("nsg-db", "100 in allow tcp Internet > * 443")),
			[]machine{{name: "app1", subnet: "app", address: "10.0.1.4"}, {name: "db1", subnet: "db", address: "10.0.2.4", public: "198.51.100.7"}},
			Question{From: "Internet"},
			// Those of whose addresses it is open whether the tag has them are asked too.
			[]string{"Allow Internet[Internet] → db1 tcp/443 r100", "Unknown Internet[25.0.0.0/8, 192.0.2.0/24, 198.18.0.0/15] → db1 tcp/443 ", "Deny Internet → app1 any ", "Deny Internet → db1 tcp/0-442,444-65535 udp+icmp+esp+ah DenyAllInBound"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := say(t, estate(t, c.subnets, c.machines), c.q)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNothingButIsBrokenByAPacketThatShowsIt(t *testing.T) {
	s := estate(t, []subnet{{"app", "10.0.1.0/24", nil}, {"db", "10.0.2.0/24", group("nsg-db", "100 in allow tcp * > * 1433", "110 in allow tcp 10.0.1.4/32 > * 8080-8090", "200 in deny * * > * *")}},
		[]machine{{name: "app1", subnet: "app", address: "10.0.1.4"}, {name: "app2", subnet: "app", address: "10.0.1.5"}, {name: "db1", subnet: "db", address: "10.0.2.4"}})
	a, err := Between(context.Background(), s, Question{From: "subnet:v1/app", To: "db1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		may     string
		witness []Flow
	}{
		{"tcp/1433,tcp/8080-8090", nil},
		{"tcp", nil},
		{"any", nil},
		{"any/1433,tcp/8000-9000", nil},
		{"tcp/1433", []Flow{{"10.0.1.4", "10.0.2.4", topology.TCP, 0, 8080}}},
		{"tcp/8080-8090", []Flow{{"10.0.1.4", "10.0.2.4", topology.TCP, 0, 1433}}},
		{"tcp/1433,tcp/8081-8090", []Flow{{"10.0.1.4", "10.0.2.4", topology.TCP, 0, 8080}}},
		{"none", []Flow{{"10.0.1.4", "10.0.2.4", topology.TCP, 0, 1433}, {"10.0.1.4", "10.0.2.4", topology.TCP, 0, 8080}}},
		{"udp,icmp", []Flow{{"10.0.1.4", "10.0.2.4", topology.TCP, 0, 1433}, {"10.0.1.4", "10.0.2.4", topology.TCP, 0, 8080}}},
	} {
		may, err := ParseAllowed(c.may)
		if err != nil {
			t.Fatal(err)
		}
		x := a.Outside(may)
		var got []Flow
		for _, b := range x.Passes {
			got = append(got, b.Witness)
		}
		if d := cmp.Diff(c.witness, got); d != "" || x.Undecided() || x.None() != (c.witness == nil) {
			t.Errorf("nothing but %s: undecided %v, none %v\n%s", c.may, x.Undecided(), x.None(), d)
		}
	}
}

// An interface that the data does not hold may let anything through.
func TestNothingButIsNotDecidedWhereAnEndIsNotWhollyInTheData(t *testing.T) {
	s := estate(t, []subnet{{"app", "10.0.1.0/24", group("nsg-app", "100 out deny * * > * *")}}, []machine{{name: "app1", subnet: "app", address: "10.0.1.4"}})
	n := s.Network()
	vm := n.VirtualMachines[0]
	vm.NetworkInterfaces = append(vm.NetworkInterfaces, topology.RefTo("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/second"))
	a, err := Between(context.Background(), s, Question{From: "app1", To: "Internet"})
	if err != nil {
		t.Fatal(err)
	}
	if x := a.Outside(nil); len(x.Passes)+len(x.Open) > 0 || !x.Incomplete || x.None() || !a.Undecided {
		t.Errorf("%+v of %+v: want it incomplete", x, a)
	}
}

// Where the list of interfaces is cut, others may be in a subnet, and may be
// entered from the Internet; a machine that is named says itself what it has.
func TestAnEndOfManyIsNotWholeWhereAListIsCut(t *testing.T) {
	s := estate(t, []subnet{{"app", "10.0.1.0/24", group("nsg-app", "100 in deny * * > * *")}}, []machine{{name: "app1", subnet: "app", address: "10.0.1.4"}})
	n := s.Network()
	for _, c := range []struct {
		from, to, cut string
		incomplete    bool
	}{
		{"Internet", "", "Microsoft.Network/networkInterfaces", true},
		{"Internet", "", "Microsoft.Network/publicIPAddresses", true},
		{"Internet", "", "Microsoft.Network/loadBalancers", true},
		{"Internet", "", "", true},
		{"Internet", "", "Microsoft.Network/routeTables", false},
		{"Internet", "subnet:app", "Microsoft.Network/networkInterfaces", true},
		{"subnet:app", "Internet", "Microsoft.Network/networkInterfaces", true},
		{"Internet", "app1", "Microsoft.Network/networkInterfaces", false},
	} {
		n.Gaps = []topology.Gap{{Kind: topology.ListCut, ResourceType: c.cut, Text: "the list is cut"}}
		a, err := Between(context.Background(), s, Question{From: c.from, To: c.to})
		if err != nil {
			t.Fatal(err)
		}
		if x := a.Outside(nil); x.Incomplete != c.incomplete || c.incomplete && !a.Undecided {
			t.Errorf("%s to %q with %q cut: incomplete %t", c.from, c.to, c.cut, x.Incomplete)
		}
	}
}

func TestAMatrixIsNotWholeWhereAListIsCut(t *testing.T) {
	s := estate(t, []subnet{{"app", "10.0.1.0/24", group("nsg-app", "100 in deny * * > * *")}}, []machine{{name: "app1", subnet: "app", address: "10.0.1.4"}})
	n := s.Network()
	for cut, want := range map[string][2]bool{
		"Microsoft.Network/networkInterfaces": {true, true}, "Microsoft.Network/virtualNetworks": {true, false},
		"Microsoft.Compute/virtualMachines": {false, true}, "Microsoft.Network/routeTables": {false, false}, "": {true, true},
	} {
		n.Gaps = []topology.Gap{{Kind: topology.ListCut, ResourceType: cut, Text: "the list is cut"}}
		for i, of := range []func(context.Context, *sim.Simulator) (*Matrix, error){Subnets, Machines} {
			m, err := of(context.Background(), s)
			if err != nil {
				t.Fatal(err)
			}
			if m.Undecided != want[i] || want[i] != (len(m.Notes) > 0) {
				t.Errorf("matrix %d with %q cut: undecided %t, notes %q", i, cut, m.Undecided, m.Notes)
			}
		}
	}
	n.Gaps = nil
	empty, err := Machines(context.Background(), estate(t, []subnet{{"app", "10.0.1.0/24", nil}}, nil))
	if err != nil || !empty.Undecided || len(empty.Notes) != 1 {
		t.Errorf("%+v %v", empty, err)
	}
}

func TestAnEstateThatNothingCanEnterIsSaidToBeOne(t *testing.T) {
	s := estate(t, []subnet{{"app", "10.0.1.0/24", group("nsg-app", "100 in deny * * > * *")}}, nil)
	_, err := Between(context.Background(), s, Question{From: "Internet"})
	if err == nil || !strings.Contains(err.Error(), "no interface and no public address is in the data") {
		t.Errorf("%v", err)
	}
}

func TestServicesAreReadAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string]string{
		"tcp/443": "tcp/443", " TCP/443 , udp/53": "tcp/443 udp/53", "icmp": "icmp", "tcp": "tcp", "any": "any", "*": "any", "any/22": "tcp+udp/22",
		"tcp/8080-8090": "tcp/8080-8090", "tcp/*": "tcp", "none": "",
	} {
		a, err := ParseAllowed(text)
		if got := services(a); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "443", "tcp/", "tcp/99999", "tcp/90-80", "tcp/080", "tcp/+80", "tcp/80-090", "icmp/3", "none,tcp", "sctp", "tcp/http"} {
		if a, err := ParseAllowed(text); err == nil {
			t.Errorf("%q is read as %v", text, a)
		}
	}
}

// Two networks that have the same addresses do not reach each other by them:
// each has its own nearer.
func TestAnAddressThatAnotherNetworkHasTooIsThatOfTheNearest(t *testing.T) {
	var all []topology.Any
	for _, name := range []string{"v1", "v2"} {
		v := &topology.VirtualNetwork{Element: resource("virtualNetworks", name), AddressSpace: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}}
		for i, sub := range []string{"app", "db"} {
			s := &topology.Subnet{Element: topology.Element{ResourceID: v.ResourceID + "/subnets/" + sub, Name: sub}, Prefixes: []netip.Prefix{netip.MustParsePrefix(fmt.Sprintf("10.0.%d.0/24", i))}}
			v.Subnets = append(v.Subnets, s)
		}
		all = append(all, v)
	}
	// and one that uses public addresses: on the Internet they are another's
	public := &topology.VirtualNetwork{Element: resource("virtualNetworks", "v3"), AddressSpace: []netip.Prefix{netip.MustParsePrefix("200.0.0.0/16")}}
	public.Subnets = []*topology.Subnet{{Element: topology.Element{ResourceID: public.ResourceID + "/subnets/far", Name: "far"}, Prefixes: []netip.Prefix{netip.MustParsePrefix("200.0.0.0/24")}}}
	n, err := topology.NewNetwork(topology.Data{}, append(all, public)...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.New(n, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := Subnets(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	for i, from := range m.Names {
		for j, to := range m.Names {
			if i == j {
				continue
			}
			cell := m.Cells[m.Cell[i][j]]
			near := from[:2] == to[:2]
			if cell.All() != near || cell.None() == near {
				t.Errorf("%s → %s: %+v", from, to, *cell)
			}
			a, err := Between(context.Background(), s, Question{From: "subnet:" + from, To: "subnet:" + to})
			if err != nil {
				t.Fatal(err)
			}
			if a.AnyAllow != near || a.AnyDeny == near || a.Undecided {
				t.Errorf("%s → %s: %+v", from, to, a.Rows)
			}
		}
	}
}

// Of many machines that nothing tells apart one is asked for all. What tells one
// apart is seen: a rule about its address, an NSG of its own, a group.
func TestOfManyMachinesTheOnesThatDifferAreSeen(t *testing.T) {
	own := group("nsg-own", "100 in deny tcp * > * 22")
	machines := []machine{}
	for i := range 6 {
		machines = append(machines, machine{name: fmt.Sprint("app", i), subnet: "app", address: fmt.Sprint("10.0.1.", 4+i)}, machine{name: fmt.Sprint("db", i), subnet: "db", address: fmt.Sprint("10.0.2.", 4+i)})
	}
	machines[3].nsg = own // db1
	s := estate(t, []subnet{{"app", "10.0.1.0/24", nil}, {"db", "10.0.2.0/24", group("nsg-db", "100 in deny * 10.0.1.6/32 > 10.0.2.8/31 *")}}, machines)
	a, err := Between(context.Background(), s, Question{From: "subnet:v1/app", To: "subnet:v1/db"})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range a.From.Places {
		for _, y := range a.To.Places {
			for _, port := range []uint16{22, 443} {
				p := packet{from: x, to: y, protocol: topology.TCP, sourcePort: 50000, port: port, source: netip.MustParseAddr(x.Address), destination: netip.MustParseAddr(y.Address)}
				row := rowOf(t, a, p)
				w, err := one(s, p)
				if err != nil {
					t.Fatal(err)
				}
				denied := x.Name == "app2" && (y.Name == "db4" || y.Name == "db5") || y.Name == "db1" && port == 22
				if got := row.Outcome.Verdict == flow.Deny; got != denied || w.Verdict != row.Outcome.Verdict || w.RuleName != row.Outcome.RuleName {
					t.Errorf("%s: the row says %v %s, the walk %v %s; it is to be denied: %v", p, row.Outcome.Verdict, row.Outcome.RuleName, w.Verdict, w.RuleName, denied)
				}
			}
		}
	}
	if len(a.Rows) > 6 {
		t.Errorf("%d rows: %v", len(a.Rows), say(t, s, Question{From: "subnet:v1/app", To: "subnet:v1/db"}))
	}
}

// What a machine sends through its proxy passes too, by whichever name the
// machine is asked: nothing but what passes directly is not the whole.
func TestWhatPassesThroughAProxyIsToldByEveryNameOfTheMachine(t *testing.T) {
	s := estate(t, []subnet{{"app", "10.0.1.0/24", group("nsg-app", "100 out deny * * > Internet *")}, {"dmz", "10.0.2.0/24", nil}},
		[]machine{{name: "app1", subnet: "app", address: "10.0.1.4"}, {name: "proxy1", subnet: "dmz", address: "10.0.2.4"}})
	n := s.Network()
	n.VirtualMachines[0].Proxy = &topology.ProxySetting{Host: "10.0.2.4", Port: 8080, Scope: "system"}
	n.VirtualMachines[1].ProxyServer = &topology.ProxyServer{Port: 8080, Authentication: "none", AnyHost: true}
	s, err := sim.New(n, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"app1", "app1-nic", "10.0.1.4", "subnet:v1/app", n.VirtualMachines[0].ResourceID, n.NetworkInterfaces[0].IPConfigurations[0].ResourceID} {
		a, err := Between(context.Background(), s, Question{From: from, To: "Internet"})
		if err != nil {
			t.Fatal(err)
		}
		through := 0
		for i := range a.Rows {
			if a.Rows[i].Through != "" {
				through++
			}
		}
		x := a.Outside(nil)
		if through == 0 || x.None() {
			t.Errorf("%s: %d rows through the proxy, excess %+v", from, through, x)
		}
		if a, err = Between(context.Background(), s, Question{From: from, To: "Internet", NoProxy: true}); err != nil || !a.Outside(nil).None() {
			t.Errorf("%s past its proxy: %v %+v", from, err, a.Rows)
		}
	}
}

// An interface without its address, or that is named and not in the data, may
// be reached by more than what is told.
func TestAnInterfaceThatCannotBeAskedLeavesTheAnswerOpen(t *testing.T) {
	machines := []machine{{name: "app1", subnet: "app", address: "10.0.1.4", public: "198.51.100.8"}, {name: "db1", subnet: "db", address: "10.0.2.4"}}
	subnets := []subnet{{"app", "10.0.1.0/24", group("nsg-app", "100 in allow * * > * *")}, {"db", "10.0.2.0/24", nil}}
	noAddress := func(n *topology.Network) { n.NetworkInterfaces[0].IPConfigurations[0].PrivateIPAddress = netip.Addr{} }
	dangling := func(n *topology.Network) {
		n.VirtualMachines = append(n.VirtualMachines, &topology.VirtualMachine{Element: topology.Element{ResourceID: "/subscriptions/s/vm9", Name: "vm9"}, NetworkInterfaces: []topology.Ref{topology.RefTo("/subscriptions/s/vm9-nic")}})
	}
	for _, c := range []struct {
		name   string
		change func(*topology.Network)
		q      Question
		open   string
	}{
		{"all there", func(*topology.Network) {}, Question{From: "Internet"}, ""},
		{"no address", noAddress, Question{From: "Internet"}, "the address of the interface app1-nic is not in the data; az network nic list -o json"},
		{"no address, from inside", noAddress, Question{From: "db1"}, "app1-nic"},
		{"no address, its network", noAddress, Question{From: "db1", To: "vnet:v1"}, "app1-nic"},
		{"no address, its subnet", noAddress, Question{From: "db1", To: "subnet:v1/app"}, "app1-nic"},
		{"no address, another subnet", noAddress, Question{From: "Internet", To: "subnet:v1/db"}, ""},
		{"dangling", dangling, Question{From: "Internet"}, "vm9-nic, an interface of vm9, is not in the data"},
		{"dangling, a subnet", dangling, Question{From: "Internet", To: "subnet:v1/db"}, "vm9-nic"},
		{"dangling, a machine", dangling, Question{From: "db1", To: "app1"}, ""},
	} {
		s := estate(t, subnets, machines)
		c.change(s.Network())
		a, err := Between(context.Background(), s, c.q)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if text := strings.Join(a.Open, "\n"); (text != "") != (c.open != "") || !strings.Contains(text, c.open) || a.Incomplete != (c.open != "") || a.Outside(Allowed{{}}).None() != (c.open == "") {
			t.Errorf("%s: open %q, incomplete %v", c.name, text, a.Incomplete)
		}
	}
}
