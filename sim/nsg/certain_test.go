package nsg

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

func gateAt(e *golden.Estate, d topology.Direction) *Gate {
	n := e.Build()
	g, _ := topology.Lookup[*topology.NetworkSecurityGroup](n, e.SubnetOf("app").NetworkSecurityGroup)
	return New(g, d, scope.New(n, scope.Options{AsOf: golden.AsOf}).At(e.SubnetOf("app")))
}

// What no fact bears on is decided by the classifier alone, for which gates
// that are asked often are compiled; what the world is asked about is not.
func TestAClassifierDecidesWhatNoFactBearsOn(t *testing.T) {
	packet := func(p topology.Protocol, to string, port uint16) flow.Tuple {
		return flow.Tuple{Protocol: p, Source: flow.At(netip.MustParseAddr("10.0.1.4")), SourcePort: 50000,
			Destination: flow.At(netip.MustParseAddr(to)), DestinationPort: port}
	}
	tcp := func(to string, port uint16) flow.Tuple { return packet(topology.TCP, to, port) }
	allow := func(name string, priority int) *golden.Rule { return golden.Allow(name, priority, golden.Out) }
	deny := func(name string, priority int) *golden.Rule { return golden.Deny(name, priority, golden.Out) }
	of := func(list ...*golden.Rule) *golden.Estate { return golden.New().SubnetNSG("app", list...) }
	first := func(change func(*topology.SecurityRule), list ...*golden.Rule) *golden.Estate {
		e := of(list...)
		change(e.NSGOf("nsg-app").SecurityRules[0])
		return e
	}
	unknown := tcp("10.0.2.4", 443)
	unknown.Destination = flow.SomewhereIn("Storage", false)

	for _, x := range []struct {
		fact   string
		estate *golden.Estate
		packet flow.Tuple
		rule   string // "": the rules are asked one by one
	}{
		{"a rule", of(deny("x", 100)), tcp("10.0.2.4", 443), "x"},
		{"the rule after one that does not match", of(deny("x", 100).Ports("80"), allow("y", 101)), tcp("10.0.2.4", 443), "y"},
		{"a default rule", of(), tcp("10.0.2.4", 443), "AllowVnetOutBound"},
		{"the last default rule", of(), tcp("10.200.0.1", 443), "DenyAllOutBound"},
		{"of two rules of one priority neither", of(deny("x", 100), deny("y", 100)), tcp("10.0.2.4", 443), ""},
		{"nor the last of three", of(deny("x", 100).Ports("80"), deny("y", 100).Ports("81"), deny("z", 100)), tcp("10.0.2.4", 443), ""},
		{"but one before two of one priority", of(deny("x", 99), deny("y", 100), allow("z", 100)), tcp("10.0.2.4", 443), "x"},
		{"and one after them", of(deny("x", 100).Ports("80"), allow("y", 100).Ports("81"), deny("z", 101)), tcp("10.0.2.4", 443), "z"},
		{"a service tag of a fresh file", of(deny("x", 100).To("Storage")), tcp(golden.SWE, 443), "x"},
		{"what is not in it", of(deny("x", 100).To("Storage")), tcp(golden.NET, 443), "AllowInternetOutBound"},
		{"not a tag that no file holds", of(deny("x", 100).To("AppService")), tcp(golden.NET, 443), ""},
		{"nor a source that an expression names", of(deny("x", 100).From("[parameters('from')]")), tcp(golden.NET, 443), ""},
		{"but what is before it", of(allow("y", 99), deny("x", 100).To("AppService")), tcp(golden.NET, 443), "y"},
		{"and other ports", of(deny("x", 100).To("AppService").Ports("80")), tcp(golden.NET, 443), "AllowInternetOutBound"},
		{"ICMP at a rule for every port", of(deny("x", 100)), packet(topology.ICMP, "10.0.2.4", 0), "x"},
		{"not at one that names ports", of(deny("x", 100).Ports("80")), packet(topology.ICMP, "10.0.2.4", 0), ""},
		{"TCP at one that names ports", of(deny("x", 100).Ports("443")), tcp("10.0.2.4", 443), "x"},
		{"UDP there too", of(deny("x", 100).Ports("443")), packet(topology.UDP, "10.0.2.4", 443), "x"},
		{"ICMP at a rule for ICMP", of(deny("x", 100).ICMP()), packet(topology.ICMP, "10.0.2.4", 0), "x"},
		{"a rule that did not succeed is not certain", first(func(r *topology.SecurityRule) { r.ProvisioningState = "Failed" }, deny("x", 100)), tcp("10.0.2.4", 443), ""},
		{"nor one whose access is an expression", first(func(r *topology.SecurityRule) { r.Access = topology.NoAccess }, deny("x", 100)), tcp("10.0.2.4", 443), ""},
		{"nor one whose protocol is", first(func(r *topology.SecurityRule) { r.Protocol = topology.NoProtocol }, deny("x", 100)), tcp("10.0.2.4", 443), ""},
		{"nor one whose ports are", first(func(r *topology.SecurityRule) { r.Source.PortsUnresolved = true }, deny("x", 100)), tcp("10.0.2.4", 443), ""},
		{"nor one of which anything else is", first(func(r *topology.SecurityRule) { r.Unresolved = []string{"direction"} }, deny("x", 100)), tcp("10.0.2.4", 443), ""},
		{"nor anything before a rule whose priority is", first(func(r *topology.SecurityRule) { r.Unresolved = []string{"priority"} }, deny("x", 100), allow("y", 100)), tcp("10.0.2.4", 443), ""},
		{"nor a default rule that was exported otherwise", of().With(func(e *golden.Estate) {
			e.NSGOf("nsg-app").DefaultRules = topology.DefaultSecurityRules()
			e.NSGOf("nsg-app").DefaultRules[0].Access = topology.Deny
			e.NSGOf("nsg-app").DefaultRules[3].Access = topology.Deny
		}), tcp("10.0.2.4", 443), ""},
		{"nor traffic to the platform's address", of(deny("x", 100)), tcp(golden.Host, 80), ""},
		{"nor to an address that is not known", of(deny("x", 100)), unknown, ""},
	} {
		t.Run(x.fact, func(t *testing.T) {
			g := gateAt(x.estate, golden.Out)
			for range compileAfter {
				if _, ok := g.certainly(x.packet); ok {
					t.Fatal("it is compiled before it has been asked often")
				}
			}
			r, ok := g.certainly(x.packet)
			got := ""
			if ok {
				got = r.Name
			}
			if got != x.rule {
				t.Errorf("%q, want %q", got, x.rule)
			}
		})
	}
}

// verdicts.md 15: at an NSG alone the own side is in VirtualNetwork.
func TestTheOwnSideOfAnNSGAloneIsInVirtualNetwork(t *testing.T) {
	for _, d := range []topology.Direction{topology.Inbound, topology.Outbound} {
		r := golden.Deny("x", 100, d).From("VirtualNetwork")
		if d == topology.Inbound {
			r = golden.Deny("x", 100, d).To("VirtualNetwork")
		}
		n := golden.Empty().NSG("alone", r).Build()
		g := New(n.NetworkSecurityGroups[0], d, scope.New(n, scope.Options{AsOf: golden.AsOf}).Alone())
		p := flow.Tuple{Protocol: topology.TCP, Source: flow.At(netip.MustParseAddr("10.0.1.4")), Destination: flow.At(netip.MustParseAddr("10.0.2.4")), DestinationPort: 443}
		for range compileAfter {
			g.certainly(p)
		}
		if r, ok := g.certainly(p); !ok || r.Name != "x" {
			t.Errorf("%s: %v, %v", d, r, ok)
		}
		one := flow.Explore(func(w *flow.World) (bool, string) {
			x := g.RuleByRule(w, p)
			return x.Access == topology.Deny && x.Rule.Name == "x", ""
		}, nil)
		if one.Verdict != flow.Allow || one.Strict != flow.Allow {
			t.Errorf("%s: rule by rule it is not certain", d)
		}
		if e := g.Evaluate(p)[0]; !e.Source || !e.Destination || len(e.Undecided) > 0 {
			t.Errorf("%s: condition by condition %+v", d, e)
		}
	}
}

// A gate of admin rules has no default: what none matches the classifier does
// not decide.
func TestAClassifierOfAdminRulesLeavesTheRestOpen(t *testing.T) {
	e := golden.New().Admin("v1", golden.Deny("x", 1, golden.In).Ports("22"))
	n := e.Build()
	g := NewAdmin(n.AdminRules, golden.In, scope.New(n, scope.Options{AsOf: golden.AsOf}).At(e.SubnetOf("app")))
	p := flow.Tuple{Protocol: topology.TCP, Source: flow.At(netip.MustParseAddr("10.1.1.4")), Destination: flow.At(netip.MustParseAddr("10.0.1.4")), DestinationPort: 22}
	for range compileAfter {
		g.certainly(p)
	}
	if r, ok := g.certainly(p); !ok || r.Name != "x" {
		t.Errorf("%v %v", r, ok)
	}
	p.DestinationPort = 23
	if r, ok := g.certainly(p); ok {
		t.Errorf("%v decides though it does not match", r)
	}
}

// What a rule does whose access is an expression is no outcome of a classifier,
// even where the rules that may match say the same: nor what the platform and a
// rule of no known priority do.
func TestWhatMayBeEitherIsNoCertainOutcome(t *testing.T) {
	unresolved := func(property string) *golden.Estate {
		e := golden.New().SubnetNSG("app", golden.Allow("x", 100, golden.Out), golden.Allow("y", 200, golden.Out))
		r := e.NSGOf("nsg-app").SecurityRules[0]
		r.Unresolved = []string{property}
		if property == "access" {
			r.Access = topology.NoAccess
		}
		return e
	}
	for name, c := range map[string]struct {
		e  *golden.Estate
		to string
	}{"access": {unresolved("access"), "10.0.2.4"}, "priority": {unresolved("priority"), "10.0.2.4"}, "platform": {golden.New().SubnetNSG("app", golden.Allow("y", 200, golden.Out)), golden.Host}} {
		g := gateAt(c.e, golden.Out)
		g.compile()
		v := g.compiled.of.Verdict(topology.TCP, netip.MustParseAddrPort("10.0.1.4:50000"), netip.AddrPortFrom(netip.MustParseAddr(c.to), 80))
		if v.Certain() || !v.Open {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// Of random NSGs: where the classifier names a rule, that rule decides in every
// world, whatever assumption holds or not.
func TestWhatAClassifierDecidesTheRulesDecideInEveryWorld(t *testing.T) {
	decided, open := 0, 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 37))
		d := []topology.Direction{topology.Inbound, topology.Outbound}[seed%2]
		e := randomEstate(r, d, 1+r.IntN(5), everyDoubt)
		g := New(e.NSGOf("nsg-app"), d, placed(e, seed%7 == 0))
		g.compiled.asked.Store(compileAfter)
		for _, p := range packets(g) {
			rule, ok := g.certainly(p)
			if !ok {
				open++
				continue
			}
			decided++
			x := flow.Explore(func(w *flow.World) (bool, struct{}) { return g.RuleByRule(w, p).Rule == rule, struct{}{} }, nil)
			if x.Verdict != flow.Allow || x.Strict != flow.Allow {
				t.Errorf("seed %d: %s: %s decides, but not in every world\n%s", seed, p, rule.Name, listing(g))
			}
		}
	}
	if decided < 2000 || open < 2000 {
		t.Errorf("too few to show anything: %d, %d", decided, open)
	}
}
