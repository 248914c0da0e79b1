package sim

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/topology"
)

func newBatch(t *testing.T, e *golden.Estate) *Batch {
	t.Helper()
	s, err := New(e.Build(), Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	return s.Batch()
}

// compiledFor is the compiled chain that a question asks.
func compiledFor(t *testing.T, b *Batch, q IPFlowQuestion) *compiled {
	t.Helper()
	at, err := b.s.chainFor(q)
	if err != nil {
		t.Fatal(err)
	}
	x, err := b.lockedChain(at).compiled(q.Direction == topology.Inbound)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func outOf(local string) IPFlowQuestion {
	return IPFlowQuestion{Direction: topology.Outbound, Protocol: topology.TCP, Local: Endpoint{Address: netip.MustParseAddr(local), Port: 50000},
		Remote: Endpoint{Address: netip.MustParseAddr("203.0.113.10"), Port: 443}}
}

// manyGroups has NSGs of which none is the other's like, and no virtual network.
func manyGroups(n int) *golden.Estate {
	e := golden.Empty()
	for i := range n {
		e.NSG(fmt.Sprintf("g%d", i), golden.Deny("port", 100, golden.Out).To("203.0.113.0/24").Ports(fmt.Sprint(1000+i)))
	}
	return e
}

func TestTheGatesOfANetworkShareATable(t *testing.T) {
	b := newBatch(t, golden.New().
		NICNSG("a1", golden.Deny("no", 100, golden.Out)).
		SubnetNSG("db", golden.Deny("no", 100, golden.Out).To("203.0.113.0/24")).
		NICNSG("b1", golden.Deny("no", 100, golden.Out)))
	table := func(local string) *cidr.Table { return compiledFor(t, b, outOf(local)).table }
	a1, a2, d1, b1 := table("10.0.1.4"), table("10.0.1.5"), table("10.0.2.4"), table("10.1.1.4")
	if a1 != a2 || a1 != d1 {
		t.Error("interfaces of one network have several tables")
	}
	if a1 == b1 {
		t.Error("two networks have one table")
	}
	if u := b.units[unitKey{vnet: b.s.net.VirtualNetworks[0]}]; len(b.units) != 2 || u == nil || u.table != a1 {
		t.Errorf("there are %d units for two networks", len(b.units))
	} else if len(u.gates) != 4 { // of two NSGs, inbound and outbound
		t.Errorf("the table of a network is of %d gates", len(u.gates))
	}
}

func TestNSGsAskedAloneShareATableBySixtyFour(t *testing.T) {
	b := newBatch(t, manyGroups(together+8))
	table := func(i int) *cidr.Table {
		q := outOf("10.0.0.4")
		q.NSG = fmt.Sprintf("g%d", i)
		return compiledFor(t, b, q).table
	}
	first, second := table(0), table(together)
	if first != table(1) || first != table(together-1) {
		t.Error("the first NSGs have several tables")
	}
	if second != table(together+7) {
		t.Error("the NSGs after them have several tables")
	}
	if first == second || len(b.units) != 2 {
		t.Errorf("there are %d units", len(b.units))
	}
	for key, u := range b.units {
		if want := 2 * min(together, together+8-key.from); len(u.gates) != want { // inbound and outbound
			t.Errorf("from NSG %d on a table is of %d gates, want %d", key.from, len(u.gates), want)
		}
	}
}

func TestInterfacesBehindTheSameGatesAreCompiledOnce(t *testing.T) {
	b := newBatch(t, golden.New().SubnetNSG("app", golden.Deny("no", 100, golden.Out)).NICNSG("d1", golden.Deny("no", 100, golden.Out)))
	a1, a2, d1 := compiledFor(t, b, outOf("10.0.1.4")), compiledFor(t, b, outOf("10.0.1.5")), compiledFor(t, b, outOf("10.0.2.4"))
	if a1 != a2 || a1 == d1 || b.chains.Load() != 2 {
		t.Errorf("%d chains were compiled", b.chains.Load())
	}
	in := outOf("10.0.1.4")
	in.Direction = topology.Inbound
	if compiledFor(t, b, in) == a1 {
		t.Error("both directions are one")
	}
}

// What an NSG does that is not in the data is asked of each by its own name.
func TestInterfacesBehindGatesThatAreNotKnownAreCompiledEach(t *testing.T) {
	b := newBatch(t, golden.New().With(func(e *golden.Estate) {
		e.NIC("a1").NetworkSecurityGroup = topology.RefTo("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/gone1")
		e.NIC("a2").NetworkSecurityGroup = topology.RefTo("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/gone2")
	}))
	if compiledFor(t, b, outOf("10.0.1.4")) == compiledFor(t, b, outOf("10.0.1.5")) {
		t.Error("two NSGs that are not in the data are one")
	}
}

// What all gates decide for certain is found by its rules: no class of flows is
// made, and nothing is remembered of it.
func TestACertainFlowNeedsNoClass(t *testing.T) {
	estate := func() *golden.Estate {
		return golden.New().PublicIP("a1", "198.51.100.7", "Standard").PublicIP("d1", "198.51.100.8", "Standard").
			SubnetNSG("web", golden.Allow("https", 100, golden.In).TCP().Ports("443"), golden.Deny("out", 100, golden.Out).TCP().To("203.0.113.0/24")).
			NICNSG("a1", golden.Allow("https", 100, golden.In).TCP().Ports("443")).
			Admin("v2", golden.Deny("telnet", 10, golden.In).TCP().Ports("23"), golden.AlwaysAllow("ssh", 20, golden.In).TCP().Ports("22"))
	}
	for _, x := range []struct {
		fact          string
		local, remote string
		direction     topology.Direction
		port          uint16
	}{
		{"a rule of an NSG denies", "10.1.1.4", "203.0.113.10", topology.Outbound, 443},
		{"a default rule lets it out", "10.1.1.4", "198.51.100.1", topology.Outbound, 443},
		{"a rule lets it in", "10.1.1.4", "203.0.113.10", topology.Inbound, 443},
		{"a default rule does not", "10.1.1.4", "203.0.113.10", topology.Inbound, 444},
		{"an admin rule denies", "10.1.1.4", "203.0.113.10", topology.Inbound, 23},
		{"another always allows", "10.1.1.4", "203.0.113.10", topology.Inbound, 22},
		{"there is no gate", "10.0.1.5", "203.0.113.10", topology.Outbound, 443},
		{"a public address of which the NSG lets it in", "10.0.1.4", "203.0.113.10", topology.Inbound, 443},
		{"one without an NSG is closed", "10.0.2.4", "203.0.113.10", topology.Inbound, 443},
	} {
		t.Run(x.fact, func(t *testing.T) {
			b := newBatch(t, estate())
			q := IPFlowQuestion{Direction: x.direction, Protocol: topology.TCP,
				Local:  Endpoint{Address: netip.MustParseAddr(x.local), Port: 50000},
				Remote: Endpoint{Address: netip.MustParseAddr(x.remote), Port: x.port}}
			if x.direction == topology.Inbound {
				q.Local.Port, q.Remote.Port = q.Remote.Port, q.Local.Port
			}
			got, err := b.Ask(&q)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := b.Ask(&q); err != nil || again != got {
				t.Errorf("asked again it is another answer: %+v %v", again, err)
			}
			want, err := b.s.IPFlow(q)
			if err != nil || got.Access != want.Access || (got.RuleName == nil) != (want.RuleName == nil) || want.RuleName != nil && *got.RuleName != *want.RuleName {
				t.Errorf("%+v, want %+v, %v", got.IPFlow, want, err)
			}
			if c := compiledFor(t, b, q); c.classes.source != nil {
				t.Error("classes were made")
			}
		})
	}
}

// openGroup is an NSG of which a rule turns on a tag that nothing resolves.
func openGroup() *golden.Estate {
	return golden.Empty().NoServiceTags().NSG("g", golden.Deny("telnet", 90, golden.Out).TCP().Ports("23"), golden.Deny("storage", 100, golden.Out).To("Storage"))
}

func askOf(t *testing.T, b *Batch, p topology.Protocol, local, remote string, port uint16) *Answer {
	t.Helper()
	q := IPFlowQuestion{NSG: "g", Direction: topology.Outbound, Protocol: p, Local: Endpoint{Address: netip.MustParseAddr(local), Port: 50000}, Remote: Endpoint{Address: netip.MustParseAddr(remote), Port: port}}
	got, err := b.Ask(&q)
	if err != nil {
		t.Fatal(err)
	}
	want, err := b.s.IPFlow(q)
	if err != nil {
		t.Fatal(err)
	}
	if got.Access != want.Access || fmt.Sprint(got.Codes) != fmt.Sprint(want.Codes) {
		t.Errorf("%s %s to %s port %d: %s %v, want %s %v", p, local, remote, port, got.Access, got.Codes, want.Access, want.Codes)
	}
	return got
}

func (m *memo) filled() (n int) {
	for i := range m.slots {
		if m.slots[i].Load() != nil {
			n++
		}
	}
	return n
}

// Flows that turn on what is not known are remembered by what the gates can
// tell apart of them.
func TestAnOpenFlowIsRememberedByItsClass(t *testing.T) {
	b := newBatch(t, openGroup())
	first := askOf(t, b, topology.TCP, "10.0.0.4", "8.8.8.8", 443)
	if n := b.memo.filled(); n != 1 {
		t.Fatalf("%d classes are remembered", n)
	}
	q := IPFlowQuestion{NSG: "g", Direction: topology.Outbound, Local: Endpoint{Address: netip.MustParseAddr("10.0.0.4")}, Remote: Endpoint{Address: netip.MustParseAddr("9.9.9.9")}}
	x := compiledFor(t, b, q)
	p := atomFlow{protocol: topology.TCP, source: x.table.LookupAddr(q.Local.Address), sourcePort: 50001, destination: x.table.LookupAddr(q.Remote.Address), destinationPort: 444}
	if got := x.recall(&p); got != first {
		t.Errorf("a flow of the class is %+v", got)
	}
	if p.destinationPort = 80; x.recall(&p) != nil { // of the platform: a class of its own
		t.Error("a flow of another class is known")
	}
	// A protocol without ports has no classes of ports.
	icmp := askOf(t, b, topology.ICMP, "10.0.0.4", "8.8.8.8", 443)
	p.protocol = topology.ICMP
	if got := x.recall(&p); got != icmp {
		t.Errorf("ICMP with another port is %+v", got)
	}
	// One that stands for all five has.
	for _, port := range []uint16{443, 23, 443} {
		askOf(t, b, topology.AnyProtocol, "10.0.0.4", "8.8.8.8", port)
	}
}

// An address is on both sides of a flow to itself: whether it is in a tag is
// one question then.
func TestAFlowToItselfIsAClassOfItsOwn(t *testing.T) {
	estate := golden.Empty().NoServiceTags().NSG("g",
		golden.Deny("from", 100, golden.Out).From("Storage"), golden.Allow("to", 200, golden.Out).To("Storage"), golden.Deny("rest", 300, golden.Out))
	const four, six = "8.8.8.8", "2606:4700::1"
	other := map[string]string{four: "9.9.9.9", six: "2606:4700::2"}
	for _, order := range [][2]string{{four, four}, {six, six}, {four, six}, {six, four}} {
		for _, selfFirst := range []bool{true, false} {
			b := newBatch(t, estate)
			self := func() {
				if a := askOf(t, b, topology.TCP, order[0], order[0], 443); a.Access.String() != "Deny" {
					t.Errorf("%s to itself: %s", order[0], a.Access)
				}
			}
			if selfFirst {
				self()
			}
			if a := askOf(t, b, topology.TCP, order[1], other[order[1]], 443); a.Access.String() != "Unknown" {
				t.Errorf("%s to another: %s", order[1], a.Access)
			}
			if !selfFirst {
				self()
			}
		}
	}
}

// Without a virtual network in the data an NSG is the same wherever it is
// asked; with one the subnet of the local address counts.
func TestAGateIsFoundOnceWhereTheAddressDoesNotCount(t *testing.T) {
	alone := newBatch(t, golden.Empty().NSG("g"))
	if g := alone.Gate(&IPFlowQuestion{NSG: "g"}); g.only == nil {
		t.Error("an NSG without any network depends on the address")
	}
	for _, q := range []IPFlowQuestion{{NSG: "h"}, {}} {
		if g := alone.Gate(&q); g.only != nil {
			t.Errorf("%+v has a gate", q)
		}
		q.Direction, q.Protocol = topology.Outbound, topology.TCP
		q.Local.Address, q.Remote.Address = netip.MustParseAddr("10.0.0.4"), netip.MustParseAddr("10.0.0.5")
		if a, err := alone.Ask(&q); err == nil {
			t.Errorf("%+v: %+v", q, a)
		}
	}
	b := newBatch(t, golden.New().SubnetNSG("app"))
	if g := b.Gate(&IPFlowQuestion{NSG: "nsg-app"}); g.only != nil {
		t.Error("an NSG is taken to be alone in an estate with networks")
	}
	if g := b.Gate(&IPFlowQuestion{}); g.only != nil {
		t.Error("the interfaces of all addresses have one gate")
	}
}

// At the interface of an address that no network in the data holds its own
// gates are asked.
func TestInterfacesWithoutTheirNetworkAreAskedByAddress(t *testing.T) {
	e := golden.Empty()
	for i, a := range []string{"0.0.0.0", "10.0.0.5"} {
		nic := &topology.NetworkInterface{}
		nic.Name = fmt.Sprint("n", i)
		nic.ResourceID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/" + nic.Name
		c := &topology.IPConfiguration{PrivateIPAddress: netip.MustParseAddr(a), Subnet: topology.RefTo("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s")}
		c.Name, c.ResourceID = "c", nic.ResourceID+"/ipConfigurations/c"
		nic.IPConfigurations = append(nic.IPConfigurations, c)
		e.Add(nic)
	}
	b := newBatch(t, e)
	for _, q := range []IPFlowQuestion{{}, {Interface: "n0"}} {
		if g := b.Gate(&q); g.only != nil {
			t.Errorf("%+v: one gate for all addresses", q)
		}
	}
}

func TestNamesAndAddressesAreRememberedUpToABound(t *testing.T) {
	b := newBatch(t, golden.New().SubnetNSG("app"))
	first := b.Gate(&IPFlowQuestion{NSG: "nsg-app"})
	b.Gate(&IPFlowQuestion{NSG: "other"})
	if b.Gate(&IPFlowQuestion{NSG: "nsg-app"}) != first {
		t.Error("a gate that was named is not known again")
	}
	numbers := map[uint64]bool{}
	for i := range remembered + 1 {
		numbers[b.Gate(&IPFlowQuestion{NSG: fmt.Sprint(i)}).number] = true
		if len(b.gates) > remembered {
			t.Fatalf("%d names are remembered", len(b.gates))
		}
	}
	if len(numbers) != remembered+1 {
		t.Error("gates share a number")
	}

	a := b.Asker()
	gate := b.Gate(&IPFlowQuestion{NSG: "nsg-app"})
	for i := range uint32(remembered + 1) {
		if _, err := a.chain4(gate, i); err != nil {
			t.Fatal(err)
		}
		if i == 100 && len(a.chains) != 101 {
			t.Errorf("of 101 addresses %d are remembered", len(a.chains))
		}
	}
	if len(a.chains) > remembered {
		t.Errorf("%d addresses are remembered", len(a.chains))
	}
}

// The addresses that an Asker asked lately are spread over its room, each with
// its chain in both directions.
func TestAnAskerKnowsRecentAddresses(t *testing.T) {
	b := newBatch(t, golden.New().SubnetNSG("app"))
	a := b.Asker()
	gate := b.Gate(&IPFlowQuestion{NSG: "nsg-app"})
	const n = 200
	for i := range uint32(n) {
		for _, d := range []topology.Direction{topology.Inbound, topology.Outbound} {
			if _, err := a.Ask4(&Flow4{Gate: gate, Direction: d, Protocol: topology.TCP, Local: 10<<24 | i, Remote: 10<<24 | 9<<16, LocalPort: 80, RemotePort: 80}); err != nil {
				t.Fatal(err)
			}
		}
	}
	known := 0
	for _, r := range a.recent {
		if r.chain[0] != nil && r.chain[1] != nil && uint32(r.key)>>24 == 10 {
			known++
		}
	}
	if known < n*9/10 {
		t.Errorf("of %d addresses %d are known", n, known)
	}
}

// Both families of one question, and a place that the question names.
func TestBothFamiliesAndAPlaceAreAskedAsTheQuestionSays(t *testing.T) {
	e := golden.New().NSG("g", golden.Allow("vnet", 100, golden.Out).To("VirtualNetwork"), golden.Deny("rest", 200, golden.Out))
	b := newBatch(t, e)
	q := outOf("10.0.1.4")
	q.NSG, q.Remote.Address = "g", netip.MustParseAddr("10.2.1.4") // of v3, which v1 does not know
	for _, x := range []struct {
		place *topology.Subnet
		want  string
	}{{nil, "rest"}, {e.SubnetOf("web"), "vnet"}, {e.SubnetOf("app"), "rest"}, {nil, "rest"}} {
		if q.Place = nil; x.place != nil {
			q.Place = b.s.names.At(x.place)
		}
		want, err := b.s.IPFlow(q)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := b.Ask(&q); err != nil || *got.RuleName != x.want || *want.RuleName != x.want {
			t.Errorf("%+v: %+v %v", x, got, err)
		}
	}
	q.Place = nil
	for _, remote := range []netip.Addr{netip.MustParseAddr("fd00::1"), {}} {
		q.Remote.Address = remote
		var name *NameError
		if a, err := b.Ask(&q); !errors.As(err, &name) {
			t.Errorf("to %s: %+v %v", remote, a, err)
		}
	}
}

// More addresses than an Asker has room for are each asked as they are.
func TestAnAskerTakesNoAddressForAnother(t *testing.T) {
	b := newBatch(t, golden.Empty().NSG("g", golden.Deny("half", 100, golden.Out).From("10.0.0.0/21")))
	a := b.Asker()
	gate := b.Gate(&IPFlowQuestion{NSG: "g"})
	for i := range uint32(2 << recentBits) {
		got, err := a.Ask4(&Flow4{Gate: gate, Direction: topology.Outbound, Protocol: topology.TCP, Local: 10<<24 | i, Remote: 8<<24 | 8, RemotePort: 443})
		if err != nil {
			t.Fatal(err)
		}
		if deny := got.Access.String() == "Deny"; deny != (i < 1<<11) {
			t.Fatalf("%s: %s", address4(10<<24|i), got.Access)
		}
	}
}
