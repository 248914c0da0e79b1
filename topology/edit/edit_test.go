package edit_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

const base = "/subscriptions/s/resourceGroups/g/providers/"

func element(kind, name string) topology.Element {
	return topology.Element{ResourceID: base + kind + "/" + name, Name: name, ResourceGroup: "g", Origin: topology.Origin{File: "export.json", Line: 7}}
}

func group(rules ...*topology.SecurityRule) *topology.NetworkSecurityGroup {
	return &topology.NetworkSecurityGroup{Element: element("Microsoft.Network/networkSecurityGroups", "nsg"), RulesGiven: true, SecurityRules: rules}
}

func ruleAt(name string, priority int, d topology.Direction) *topology.SecurityRule {
	any := topology.Match{Prefixes: []topology.AddressPrefix{{Kind: topology.AnyAddress, Text: "*"}}, Ports: []topology.PortRange{topology.AllPorts}}
	return &topology.SecurityRule{Element: topology.Element{Name: name}, Priority: priority, Direction: d, Access: topology.Deny, Protocol: topology.TCP, Source: any, Destination: any}
}

func estate(t *testing.T, elements ...topology.Any) *topology.Network {
	t.Helper()
	n, err := topology.NewNetwork(topology.Data{}, elements...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func allow(change func(*edit.AddRule)) edit.AddRule {
	e := edit.AddRule{Group: topology.RefTo(base + "Microsoft.Network/networkSecurityGroups/nsg"), Name: "allow-storage", Priority: 200,
		Direction: topology.Outbound, Access: topology.Allow, Protocol: topology.TCP,
		Source: []string{"10.0.0.4"}, Destination: []string{"Storage.WestEurope"}, Ports: []topology.PortRange{{First: 443, Last: 443}}}
	if change != nil {
		change(&e)
	}
	return e
}

func TestApplySharesAllButWhatItChangesAndLeavesTheOldEstateAlone(t *testing.T) {
	g, other := group(ruleAt("deny", 300, topology.Outbound)), &topology.NetworkSecurityGroup{Element: element("Microsoft.Network/networkSecurityGroups", "other")}
	vm := &topology.VirtualMachine{Element: element("Microsoft.Compute/virtualMachines", "vm"), ProxyServer: &topology.ProxyServer{Port: 8080, AllowHosts: []string{"a.example.com"}},
		HostFirewall: &topology.HostFirewall{InboundDefault: topology.Deny}}
	n := estate(t, g, other, vm)
	m, err := edit.Apply(n, allow(nil),
		edit.OpenHostFirewall{Machine: vm.Ref(), Name: "proxy-in", Protocol: topology.TCP, Ports: []topology.PortRange{{First: 8080, Last: 8080}}, Remote: []netip.Prefix{netip.MustParsePrefix("10.0.0.4/32")}},
		edit.SetProxy{Machine: vm.Ref(), Host: "10.0.0.9", Port: 3128},
		edit.AllowHost{Machine: vm.Ref(), Host: "*.blob.core.windows.net"})
	if err != nil {
		t.Fatal(err)
	}
	if len(g.SecurityRules) != 1 || vm.Proxy != nil || len(vm.HostFirewall.Inbound) != 0 || len(vm.ProxyServer.AllowHosts) != 1 {
		t.Error("the old elements changed")
	}
	if x, _ := topology.LookupID[*topology.NetworkSecurityGroup](n, g.ID()); x != g {
		t.Error("the old estate finds the new NSG")
	}
	h, _ := topology.LookupID[*topology.NetworkSecurityGroup](m, g.ID())
	if len(h.SecurityRules) != 2 || h.SecurityRules[0] != g.SecurityRules[0] || m.NetworkSecurityGroups[0] != h || m.NetworkSecurityGroups[1] != other {
		t.Errorf("the new estate holds %v", m.NetworkSecurityGroups)
	}
	if o := h.SecurityRules[1].Origin; o.File != edit.Source || o.Pointer != "/securityRules/allow-storage" {
		t.Errorf("the origin of the new rule is %+v", o)
	}
	if h.Origin != g.Origin {
		t.Error("the NSG lost its origin")
	}
	w, _ := topology.LookupID[*topology.VirtualMachine](m, vm.ID())
	if w.Proxy.Host != "10.0.0.9" || w.Proxy.Origin.File != edit.Source || len(w.HostFirewall.Inbound) != 1 || len(w.ProxyServer.AllowHosts) != 2 {
		t.Errorf("the new machine is %+v", w)
	}
	again, err := edit.Apply(m, edit.SetProxy{Machine: vm.Ref()})
	if err != nil {
		t.Fatal(err)
	}
	if x, _ := topology.LookupID[*topology.VirtualMachine](again, vm.ID()); x.Proxy != nil || len(x.ProxyServer.AllowHosts) != 2 || again.VirtualMachines[0] != x {
		t.Errorf("after a second edit the machine is %+v", x)
	}
	if w.Proxy == nil || m.VirtualMachines[0] != w {
		t.Error("the second edit changed the first's estate")
	}
}

func TestWhatAzureWouldRefuseIsRefused(t *testing.T) {
	full := group()
	for i := range edit.MaxRules {
		full.SecurityRules = append(full.SecurityRules, ruleAt("r", i, topology.Inbound))
	}
	expression := ruleAt("template", 0, topology.Outbound)
	expression.Unresolved = []string{"priority"}
	stub := group()
	stub.RulesGiven = false
	for _, c := range []struct {
		name  string
		group *topology.NetworkSecurityGroup
		edit  edit.Edit
		says  string
	}{
		{"a taken priority", group(ruleAt("deny", 200, topology.Outbound)), allow(nil), "200 is taken by deny"},
		{"a taken name in any letter case, of either direction", group(ruleAt("Allow-Storage", 300, topology.Inbound)), allow(nil), "has a rule Allow-Storage already"},
		{"a priority below 100", group(), allow(func(e *edit.AddRule) { e.Priority = 99 }), "between 100 and 4096"},
		{"a priority of default rules", group(), allow(func(e *edit.AddRule) { e.Priority = 4097 }), "between 100 and 4096"},
		{"a name with a quote", group(), allow(func(e *edit.AddRule) { e.Name = "a'b" }), "is no name"},
		{"mixed families", group(), allow(func(e *edit.AddRule) { e.Source = []string{"10.0.0.4", "fd00::4"} }), "mixed"},
		{"host bits", group(), allow(func(e *edit.AddRule) { e.Destination = []string{"10.0.0.4/24"} }), "host bits"},
		{"a tag in a list", group(), allow(func(e *edit.AddRule) { e.Destination = []string{"Storage", "10.0.0.4"} }), "stands beside others"},
		{"no source", group(), allow(func(e *edit.AddRule) { e.Source = nil }), "names nothing"},
		{"ports of ICMP", group(), allow(func(e *edit.AddRule) { e.Protocol = topology.ICMP }), "no ports"},
		{"neither allow nor deny", group(), allow(func(e *edit.AddRule) { e.Access = topology.NoAccess }), "neither"},
		{"a rule too many", full, allow(nil), "at most 1000"},
		{"a priority that is an expression", group(expression), allow(nil), "known to be free"},
		{"an NSG without its rules", stub, allow(nil), "not in the data"},
		{"an NSG that is not there", group(), allow(func(e *edit.AddRule) { e.Group = topology.RefTo("/elsewhere/nsg2") }), "nsg2 is not in the data"},
		{"a proxy on a group", group(), edit.SetProxy{Machine: group().Ref(), Host: "10.0.0.1", Port: 1}, "not a virtual machine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := edit.Apply(estate(t, c.group), c.edit); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %v, expected %q", err, c.says)
			}
		})
	}
}

func TestFreePriorityIsTheLastBeforeTheOneGiven(t *testing.T) {
	g := group(ruleAt("a", 4000, topology.Outbound), ruleAt("b", 3999, topology.Outbound), ruleAt("c", 3998, topology.Inbound), ruleAt("d", 100, topology.Outbound))
	type slot struct {
		P  int
		OK bool
	}
	got := map[int]slot{}
	for _, below := range []int{4000, 65500, 101, 102, 100} {
		p, ok := edit.FreePriority(g, topology.Outbound, below)
		got[below] = slot{p, ok}
	}
	want := map[int]slot{4000: {3998, true}, 65500: {4096, true}, 101: {0, false}, 102: {101, true}, 100: {0, false}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestFreeNameIsANameThatNoRuleHas(t *testing.T) {
	g := group(ruleAt("Allow-x", 100, topology.Inbound), ruleAt("allow-x-2", 101, topology.Inbound))
	for wanted, want := range map[string]string{"allow-x": "allow-x-3", "to 10.0.0.0/24": "to-10.0.0.0-24", "--": "rule", strings.Repeat("x", 100): strings.Repeat("x", 75), "a-": "a"} {
		if got := edit.FreeName(g, wanted); got != want {
			t.Errorf("FreeName(%q) = %q, want %q", wanted, got, want)
		}
	}
}

func TestPutReplacesTheEditThatDecidesTheSame(t *testing.T) {
	first, later := allow(nil), allow(func(e *edit.AddRule) { e.Priority = 150 })
	list := []edit.Edit{first}
	got := edit.Put(list, later)
	if len(got) != 1 || got[0].(edit.AddRule).Priority != 150 || list[0].(edit.AddRule).Priority != 200 {
		t.Errorf("got %v from %v", got, list)
	}
	if got = edit.Put(got, allow(func(e *edit.AddRule) { e.Name = "other" })); len(got) != 2 {
		t.Errorf("a rule of another name took the place: %v", got)
	}
}
