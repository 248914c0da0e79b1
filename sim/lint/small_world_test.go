package lint

import (
	"testing"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
)

// Every list of two rules of a small world: of each rule it is said that it has
// no effect exactly where deleting it changes nothing.
func TestEveryListOfTwoRulesOfASmallWorld(t *testing.T) {
	match := func(text string, ports topology.PortRange) topology.Match {
		return topology.Match{Prefixes: []topology.AddressPrefix{address(text)}, Ports: []topology.PortRange{ports}}
	}
	var rules []topology.SecurityRule
	for _, from := range []string{"*", "10.0.0.0/31"} {
		for _, to := range []string{"Internet", "VirtualNetwork", "0.0.0.0/1"} {
			for _, ports := range []topology.PortRange{topology.AllPorts, {First: 0, Last: 1}} {
				for _, access := range []topology.Access{topology.Allow, topology.Deny} {
					rules = append(rules, topology.SecurityRule{Direction: topology.Outbound, Access: access, Protocol: topology.TCP,
						Source: match(from, topology.AllPorts), Destination: match(to, ports)})
				}
			}
		}
	}
	n, effect := 0, 0
	for i := range rules {
		for k := range rules {
			one, two := rules[i], rules[k]
			one.Name, one.Priority, two.Name, two.Priority = "one", 100, "two", 200
			g := &topology.NetworkSecurityGroup{RulesGiven: true, Element: topology.Element{Name: "nsg", ResourceID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/nsg"},
				SecurityRules: []*topology.SecurityRule{&one, &two}}
			s := small(t, g, sim.Options{})
			x := newGroup(newRun(s), g)
			for at := range g.SecurityRules {
				n++
				same := sameSets(s, g, without(g, at))
				if !same {
					effect++
				}
				if x.standing(at).effectless != same {
					t.Errorf("rule %d: no effect: %v, deleting it changes nothing: %v\n%s", at, !same, same, listing(g))
				}
			}
		}
	}
	if n != 2*len(rules)*len(rules) || effect < n/10 || effect > n-n/10 {
		t.Errorf("of %d rules %d have an effect", n, effect)
	}
}
