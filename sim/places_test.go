package sim

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go4.org/netipx"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim/firewall"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

const network = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/"

func simulatorOf(t *testing.T, e *golden.Estate) *Simulator {
	t.Helper()
	s, err := New(e.Build(), Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func singles(list ...string) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, a := range list {
		b.Add(netip.MustParseAddr(a))
	}
	set, _ := b.IPSet()
	return set
}

func TestPortRangesThatTouchAreJoined(t *testing.T) {
	r := func(first, last uint16) topology.PortRange { return topology.PortRange{First: first, Last: last} }
	for _, x := range []struct{ list, want []topology.PortRange }{
		{[]topology.PortRange{r(80, 80), r(81, 90)}, []topology.PortRange{r(80, 90)}},
		{[]topology.PortRange{r(82, 90), r(80, 80)}, []topology.PortRange{r(80, 80), r(82, 90)}},
		{[]topology.PortRange{r(80, 90), r(85, 95)}, []topology.PortRange{r(80, 95)}},
		{[]topology.PortRange{r(80, 90), r(90, 95)}, []topology.PortRange{r(80, 95)}},
		{[]topology.PortRange{r(80, 90), r(82, 84)}, []topology.PortRange{r(80, 90)}},
		{[]topology.PortRange{r(0, 65534), r(65535, 65535)}, []topology.PortRange{topology.AllPorts}},
	} {
		if got := mergePorts(x.list); !slices.Equal(got, x.want) {
			t.Errorf("%v: %v, want %v", x.list, got, x.want)
		}
	}
}

// A load balancer's rule without a port is no boundary of ports, one with a
// port is.
func TestTheEstateDividesPortsWhereItNamesThem(t *testing.T) {
	s := simulatorOf(t, golden.New().LoadBalancer("lb", "198.51.100.9", 8443, 0, "a1"))
	ports := s.estatePorts()
	one := func(p uint16) bool { return slices.Contains(ports, topology.PortRange{First: p, Last: p}) }
	if !one(8443) || !one(25) || one(0) {
		t.Errorf("%v", ports)
	}
}

func TestTheEstateDividesAddressesWhereAProxyListsThem(t *testing.T) {
	s := simulatorOf(t, golden.New().ProxyServer("px", 3128, "203.0.113.77", "*.blob.core.windows.net"))
	if want := singles("203.0.113.77"); !slices.ContainsFunc(s.estateConstants(), want.Equal) {
		t.Error("the address is in no constant")
	}
}

// The classes of a set that many questions ask about are cut once; those of
// another set are its own.
func TestClassesAreThoseOfTheirSet(t *testing.T) {
	m := &met{ranges: [][]netipx.IPRange{singles("203.0.113.5").Ranges()}}
	ends := map[string]*end{}
	for _, x := range []struct{ name, key string }{{"203.0.113.0/24", ""}, {"198.51.100.0/24", ""}, {"192.0.2.0/24", "a tag"}} {
		e := &end{key: x.key}
		e.holds(scope.SetOf(netip.MustParsePrefix(x.name)))
		ends[x.name] = e
	}
	for range 2 {
		for name, want := range map[string]int{"203.0.113.0/24": 2, "198.51.100.0/24": 1, "192.0.2.0/24": 1} {
			classes := m.classes(ends[name], false)
			if len(classes) != want || !netip.MustParsePrefix(name).Contains(classes[0].one) {
				t.Errorf("%s: %v", name, classes)
			}
		}
	}
	tag := ends["192.0.2.0/24"]
	if x, y := m.classes(tag, false), m.classes(tag, false); &x[0] != &y[0] {
		t.Error("a tag was cut twice")
	}
	kept := 0
	m.cut.Range(func(any, any) bool { kept++; return true })
	if kept != 1 {
		t.Errorf("the classes of %d sets are kept", kept)
	}
}

func TestTheRangesOfALargeSetAreKept(t *testing.T) {
	for _, x := range []struct {
		n    int
		kept bool
	}{{32, false}, {33, true}} {
		var list []string
		for i := range x.n {
			list = append(list, fmt.Sprint("10.0.0.", 2*i))
		}
		var m metCache
		set := singles(list...)
		if got := m.rangesOf(set); len(got) != x.n {
			t.Errorf("%d ranges of %d", len(got), x.n)
		}
		if _, ok := m.ranges.Load(set); ok != x.kept {
			t.Errorf("%d ranges are kept: %v", x.n, ok)
		}
	}
}

func TestWhatWalksMetIsRememberedUpToABound(t *testing.T) {
	s := simulatorOf(t, golden.New())
	cut := func(a string) *cuts {
		c := newCuts()
		c.sets[singles(a)] = true
		return c
	}
	first, second := cut("10.0.0.1"), cut("10.0.0.2")
	s.met.size.Store(maxMet - 1)
	if one, again := s.metBy(first, false), s.metBy(first, false); one != again {
		t.Error("the last that there is room for is not remembered")
	}
	if one, again := s.metBy(second, false), s.metBy(second, false); one == again {
		t.Error("one more is")
	}
}

// An NSG applies where the data attaches it, and where it says so itself.
func TestTheScopesOfAnNSGAreWhereItIsAttached(t *testing.T) {
	for _, x := range []struct {
		fact   string
		change func(*golden.Estate)
		want   []string // subnets; "": alone
	}{
		{"nowhere", func(*golden.Estate) {}, []string{""}},
		{"to a subnet", func(e *golden.Estate) { e.AttachSubnet("app", "g") }, []string{"app"}},
		{"to a subnet and an interface in another", func(e *golden.Estate) { e.AttachSubnet("app", "g").AttachNIC("b1", "g").AttachNIC("a1", "g") }, []string{"app", "web"}},
		{"where it alone says so", func(e *golden.Estate) { e.NSGOf("g").Subnets = []topology.Ref{e.SubnetOf("db").Ref()} }, []string{"db"}},
		{"where another does", func(e *golden.Estate) { e.NSGOf("h").Subnets = []topology.Ref{e.SubnetOf("db").Ref()} }, []string{""}},
		{"also where the data does not reach", func(e *golden.Estate) {
			e.AttachSubnet("app", "g").NSGOf("g").Subnets = []topology.Ref{topology.RefTo(network + "virtualNetworks/gone/subnets/s")}
		}, []string{"app", ""}},
		{"also to an interface that is not in it", func(e *golden.Estate) {
			e.AttachSubnet("app", "g").NSGOf("g").Interfaces = []topology.Ref{topology.RefTo(network + "networkInterfaces/gone")}
		}, []string{"app", ""}},
	} {
		e := golden.New().NSG("g").NSG("h").AttachNIC("d1", "h").With(x.change)
		s := simulatorOf(t, e)
		var want []*scope.Place
		for _, name := range x.want {
			if name == "" {
				want = append(want, s.names.Alone())
			} else {
				want = append(want, s.names.At(e.SubnetOf(name)))
			}
		}
		if got := s.Scopes(e.NSGOf("g")); !slices.Equal(got, want) {
			t.Errorf("%s: %d places, want %v", x.fact, len(got), x.want)
		}
	}
}

// A packet whose near end is not the interface's own address passes through
// it: then its subnet says more than which gates there are.
func TestAPacketOfAnotherAddressPassesThrough(t *testing.T) {
	e := golden.New().With(func(e *golden.Estate) {
		e.NIC("a1").IPConfigurations[0].Subnet = topology.RefTo(network + "virtualNetworks/gone/subnets/s")
	})
	s := simulatorOf(t, e)
	at := topology.Owner{Interface: e.NIC("a1"), Configuration: e.NIC("a1").IPConfigurations[0]}
	for _, x := range []struct {
		from, to  string
		direction topology.Direction
		passes    bool
	}{
		{"10.0.1.4", "10.1.1.4", topology.Outbound, false},
		{"10.9.0.1", "10.1.1.4", topology.Outbound, true},
		{"10.9.0.1", "10.0.1.4", topology.Outbound, true},
		{"10.1.1.4", "10.0.1.4", topology.Inbound, false},
		{"10.1.1.4", "10.9.0.1", topology.Inbound, true},
		{"10.0.1.4", "10.9.0.1", topology.Inbound, true},
	} {
		p := s.Gates(at, x.direction, flow.Tuple{Protocol: topology.TCP, Source: flow.At(netip.MustParseAddr(x.from)), SourcePort: 50000, Destination: flow.At(netip.MustParseAddr(x.to)), DestinationPort: 443})
		if p.Verdict != flow.Unknown || len(p.Missing) != 1 {
			t.Errorf("%+v: %s, missing %v", x, p.Verdict, p.Missing)
			continue
		}
		if got := strings.Contains(p.Missing[0].Text, "which forwards the packet"); got != x.passes {
			t.Errorf("%+v: %s", x, p.Missing[0].Text)
		}
	}
}

func TestAPositionKnowsItsNetwork(t *testing.T) {
	e := golden.New()
	s := simulatorOf(t, e)
	v1, app := e.VNetOf("v1"), e.SubnetOf("app")
	dangling := &topology.IPConfiguration{Subnet: topology.RefTo(network + "virtualNetworks/gone/subnets/s")}
	for _, x := range []struct {
		fact string
		p    position
		home topology.ID
		text string
	}{
		{"an address of a subnet", s.in(app), v1.ID(), "subnet v1/app"},
		{"an interface", s.at(e.NIC("a1"), e.NIC("a1").IPConfigurations[0]), v1.ID(), "a1-nic"},
		{"one whose network is not in the data", s.at(e.NIC("a1"), dangling), dangling.Subnet.ID().Parent(), "a1-nic"},
		{"the Internet", position{internet: true}, "", "Internet"},
	} {
		if x.p.home() != x.home || x.p.String() != x.text {
			t.Errorf("%s: %q in %q, want %q in %q", x.fact, x.p, x.p.home(), x.text, x.home)
		}
	}
}

// Both sides must agree to the transit; a side that is not in the data does
// not forbid it (PEER).
func TestGatewayTransitNeedsBothSides(t *testing.T) {
	on, off := topology.On, topology.Off
	for _, x := range []struct {
		allow, use topology.Switch
		want       bool
	}{{on, on, true}, {on, off, false}, {off, on, false}, {off, off, false}} {
		e := golden.New()
		e.Peering("v1", "v2").AllowGatewayTransit, e.Peering("v2", "v1").UseRemoteGateways = x.allow, x.use
		s := simulatorOf(t, e)
		if got := s.transit(e.VNetOf("v1"), e.Peering("v1", "v2")); got != x.want {
			t.Errorf("allow %v, use %v: %v", x.allow, x.use, got)
		}
		alone := &topology.Peering{RemoteVirtualNetwork: topology.RefTo(network + "virtualNetworks/gone"), AllowGatewayTransit: x.allow}
		if got := s.transit(e.VNetOf("v1"), alone); got != (x.allow == on) {
			t.Errorf("allow %v, the other side is not in the data: %v", x.allow, got)
		}
	}
}

// An IP configuration is in the pools that name it, and, where it is the
// primary one, in those that name its interface; in no others of the load
// balancer.
func TestAnInterfaceIsInThePoolsThatNameIt(t *testing.T) {
	e := golden.New().VM("m1", "db", "10.0.2.20", "10.0.2.21")
	lb := &topology.LoadBalancer{SKU: "Standard"}
	lb.Name, lb.ResourceID = "lb", network+"loadBalancers/lb"
	pool := func(name string) *topology.BackendPool {
		p := &topology.BackendPool{}
		p.Name, p.ResourceID = name, lb.ResourceID+"/backendAddressPools/"+name
		lb.BackendPools = append(lb.BackendPools, p)
		return p
	}
	a1, m1 := e.NIC("a1").IPConfigurations[0], e.NIC("m1").IPConfigurations
	pool("of-a1").IPConfigurations = []topology.Ref{a1.Ref()}
	pool("of-m1").IPConfigurations = []topology.Ref{m1[1].Ref()}
	pool("of-m1-nic").Interfaces = []topology.Ref{e.NIC("m1").Ref()}
	pool("empty")
	s := simulatorOf(t, e.Add(lb))
	for _, x := range []struct {
		vm   string
		c    *topology.IPConfiguration
		want []string
	}{
		{"a1", a1, []string{"of-a1"}},
		{"m1", m1[0], []string{"of-m1-nic"}},
		{"m1", m1[1], []string{"of-m1"}},
		{"a2", e.NIC("a2").IPConfigurations[0], nil},
	} {
		in, pools, dangling := s.poolsOf(e.NIC(x.vm), x.c)
		var got []string
		for _, id := range pools {
			got = append(got, id.Name())
		}
		if got = slices.Compact(got); !slices.Equal(got, x.want) || len(dangling) != 0 || (len(in) == 1) != (len(x.want) > 0) {
			t.Errorf("%s %s: behind %d in pools %v, want %v", x.vm, x.c.Name, len(in), got, x.want)
		}
	}
}

func TestANextHopIsFoundWhereTheNetworkReachesIt(t *testing.T) {
	e := golden.New().VM("twin", "app", "10.0.1.5").Firewall("db").Subnet("v3", "end", "10.2.2.0/24").VM("c1", "end", "10.2.2.4")
	lb := &topology.LoadBalancer{SKU: "Standard"}
	lb.Name, lb.ResourceID = "lb", network+"loadBalancers/lb"
	f := &topology.Frontend{PrivateIPAddress: netip.MustParseAddr("10.0.0.50"), Subnet: e.SubnetOf("dmz").Ref()}
	f.Name, f.ResourceID = "fe", lb.ResourceID+"/frontendIPConfigurations/fe"
	lb.Frontends = []*topology.Frontend{f}
	s := simulatorOf(t, e.Add(lb))
	for _, x := range []struct {
		fact, ip string
		owner    *topology.NetworkInterface
		found    bool
	}{
		{"an interface", golden.NVA, e.NIC("nva"), true},
		{"one in a peer", "10.1.1.4", e.NIC("b1"), true},
		{"one of two", "10.0.1.5", nil, true},
		{"a load balancer", "10.0.0.50", nil, true},
		{"a firewall", golden.FirewallIP, nil, true},
		{"nothing", "10.0.0.99", nil, false},
		{"an interface in the peer of a peer", "10.2.2.4", nil, false},
	} {
		if o, found := s.nextHop(e.VNetOf("v1"), netip.MustParseAddr(x.ip)); o.Interface != x.owner || found != x.found {
			t.Errorf("%s: %+v %v", x.fact, o, found)
		}
	}
}

func TestTheInternetEndIsEveryPublicAddress(t *testing.T) {
	end, err := simulatorOf(t, golden.New()).InternetEnd()
	if err != nil {
		t.Fatal(err)
	}
	if set := end.Addresses(false); !set.Contains(netip.MustParseAddr("8.8.8.8")) || set.Contains(netip.MustParseAddr("10.0.0.4")) {
		t.Errorf("%v", set.Prefixes())
	}
}

// Of a destination with several names the setting must say the same of all.
func TestASettingIsAskedForEveryNameBehindATag(t *testing.T) {
	names := []string{".a.example", ".b.example"}
	china := []string{".a.example", ".a.chinacloudapi.cn", ".a.usgovcloudapi.net"}
	for _, x := range []struct {
		cloud    string // of the tag file; "": there is none
		suffixes []string
		listed   string
		want     flow.Verdict
	}{
		{"", names, "*", flow.Allow},
		{"", names, "*.example", flow.Allow},
		{"", names, "*.a.example", flow.Unknown},
		{"", names, "*.b.example", flow.Unknown},
		{"", names, "*.c.example", flow.Deny},
		{"Public", names, "*.a.example", flow.Unknown},
		{"", china, "*.a.example", flow.Allow},
		{"Public", china, "*.a.example", flow.Allow},
		{"Public", china, "*.chinacloudapi.cn", flow.Deny},
		{"AzureChina", china, "*.chinacloudapi.cn", flow.Allow},
		{"AzureChina", china, "*.a.example", flow.Deny},
		{"AzureGovernment", china, "*.usgovcloudapi.net", flow.Allow},
	} {
		e := golden.New()
		if x.cloud == "" {
			e.NoServiceTags()
		}
		n := e.Build()
		if n.ServiceTags != nil {
			n.ServiceTags.Cloud = x.cloud
		}
		s, err := New(n, Options{AsOf: golden.AsOf})
		if err != nil {
			t.Fatal(err)
		}
		setting := &topology.ProxySetting{Bypass: []topology.Bypass{{Host: x.listed}}}
		if got := s.leftOut(setting, firewall.Target{Suffixes: x.suffixes}, netip.Addr{}); got != x.want {
			t.Errorf("%q, %v past %s: %s, want %s", x.cloud, x.suffixes, x.listed, got, x.want)
		}
	}
}

// An edit of an NSG changes that one alone, wherever anything says that it is
// attached; what it does not touch is the simulator's own.
func TestWithReplacesTheEditedNSGAlone(t *testing.T) {
	e := golden.New().SubnetNSG("app").SubnetNSG("web").NSG("loose").With(func(e *golden.Estate) {
		e.NSGOf("nsg-app").Subnets = []topology.Ref{e.SubnetOf("app").Ref(), e.SubnetOf("db").Ref()}
		e.NSGOf("nsg-web").Subnets = []topology.Ref{e.SubnetOf("db").Ref()}
	})
	n := e.Build()
	all := topology.Match{Prefixes: []topology.AddressPrefix{{Kind: topology.AnyAddress, Text: "*"}}, Ports: []topology.PortRange{topology.AllPorts}}
	for i, name := range []string{"nsg-app", "nsg-web"} { // each is seen at an interface that does not name it
		n.EffectiveSecurityGroups = append(n.EffectiveSecurityGroups, &topology.EffectiveSecurityGroup{
			NetworkSecurityGroup: e.NSGOf(name).Ref(), NetworkInterface: e.NIC([]string{"d1", "px"}[i]).Ref(),
			Rules: []*topology.SecurityRule{{Element: topology.Element{Name: "no"}, Priority: 100, Direction: topology.Outbound, Access: topology.Deny, Protocol: topology.AnyProtocol, Source: all, Destination: all}}})
	}
	s, err := New(n, Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	add := func(name string) edit.Edit {
		return edit.AddRule{Group: e.NSGOf(name).Ref(), Name: "added", Priority: 200, Direction: topology.Outbound, Access: topology.Deny, Protocol: topology.TCP, Source: []string{"*"}, Destination: []string{"*"}}
	}
	x, err := s.With(add("nsg-app"))
	if err != nil {
		t.Fatal(err)
	}
	was := e.NSGOf("nsg-app")
	now, ok := topology.LookupID[*topology.NetworkSecurityGroup](x.net, was.ID())
	if !ok || now == was || len(now.SecurityRules) != 1 {
		t.Fatalf("%+v", now)
	}
	if len(x.own) != 1 || !x.own[now] {
		t.Errorf("%d NSGs are its own", len(x.own))
	}
	for i, g := range s.groups {
		if want := map[bool]*topology.NetworkSecurityGroup{true: now, false: g}[g == was]; x.groups[i] != want {
			t.Errorf("%s is another", g.Name)
		}
	}
	claimed := 0
	for id, list := range s.claims {
		for i, c := range list {
			want := c.group
			if c.group == was {
				claimed++
				want = now
			}
			if got := x.claims[id][i]; got.group != want || got.view != c.view {
				t.Errorf("at %s %s is attached, want %p, got %p", id.Name(), c.group.Name, want, got.group)
			}
		}
	}
	if claimed != 3 {
		t.Errorf("%d places claim the NSG, not two subnets and an interface", claimed)
	}
	same := func(a, b any) bool { return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer() }
	if same(x.claims, s.claims) || !same(x.vms, s.vms) {
		t.Error("the claims are shared, or the machines are not")
	}
	if x, err = s.With(add("loose")); err != nil || !same(x.claims, s.claims) {
		t.Errorf("of an NSG that is attached nowhere the claims are made anew: %v", err)
	}
}

func TestWithReplacesTheEditedMachineAlone(t *testing.T) {
	e := golden.New()
	s := simulatorOf(t, e)
	x, err := s.With(edit.SetProxy{Machine: e.Machine("a1").Ref(), Host: golden.Proxy, Port: 3128})
	if err != nil {
		t.Fatal(err)
	}
	if len(x.vms) != len(s.vms) {
		t.Errorf("%d machines of %d", len(x.vms), len(s.vms))
	}
	for id, vm := range s.vms {
		got := x.vms[id]
		if edited := vm.Name == "a1"; got == nil || edited != (got != vm) || edited != (got.Proxy != nil) || vm.Proxy != nil {
			t.Errorf("%s: %+v", vm.Name, got)
		}
	}
	if len(x.own) != 0 || !slices.Equal(x.groups, s.groups) {
		t.Error("NSGs changed")
	}
}
