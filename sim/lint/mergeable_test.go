package lint

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
)

func TestRulesThatAreSaidToBeOneMeanTheSameAsOne(t *testing.T) {
	found, lists := 0, map[string]int{}
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 5))
		g := dense(rng, 3+rng.IntN(6), false)
		for range 3 {
			sibling(g, rng)
		}
		s := small(t, g, sim.Options{})
		for _, m := range newGroup(newRun(s), g).merges() {
			found++
			lists[m.list]++
			one := without(g, m.rules...)
			one.SecurityRules = append(one.SecurityRules, m.one)
			if !sameSets(s, g, one) {
				t.Errorf("seed %d: %v by their %s (%s) are not one\n%s", seed, m.rules, m.list, m.text, listing(g))
			}
		}
	}
	t.Log(found, lists)
	if found < 20 || len(lists) < 3 {
		t.Errorf("%d merges were found, of %v", found, lists)
	}
}

// sibling adds a rule that is another one but for one list, at the end.
func sibling(g *topology.NetworkSecurityGroup, rng *rand.Rand) {
	r := *g.SecurityRules[rng.IntN(len(g.SecurityRules))]
	last := g.SecurityRules[len(g.SecurityRules)-1]
	r.Name, r.Priority = last.Name+"x", last.Priority+1
	prefix := []topology.AddressPrefix{address([]string{"10.0.2.0/24", "203.0.113.0/24", "10.0.0.128/25"}[rng.IntN(3)])}
	switch rng.IntN(4) {
	case 0:
		r.Source.Prefixes = prefix
	case 1:
		r.Destination.Prefixes = prefix
	case 2:
		r.Source.Ports = []topology.PortRange{{First: 7, Last: uint16(7 + rng.IntN(9))}}
	default:
		r.Destination.Ports = []topology.PortRange{{First: 80, Last: uint16(80 + rng.IntN(9))}}
	}
	g.SecurityRules = append(g.SecurityRules, &r)
}

func TestWhatAzureDoesNotTakeInAListIsNotMerged(t *testing.T) {
	rule := func(name string, priority int, source string, ports ...topology.PortRange) *topology.SecurityRule {
		if ports == nil {
			ports = []topology.PortRange{{First: 443, Last: 443}}
		}
		return &topology.SecurityRule{Element: topology.Element{Name: name}, Priority: priority, Direction: topology.Inbound, Access: topology.Allow, Protocol: topology.AnyProtocol,
			Source:      topology.Match{Prefixes: []topology.AddressPrefix{address(source)}, Ports: []topology.PortRange{topology.AllPorts}},
			Destination: topology.Match{Prefixes: []topology.AddressPrefix{address("10.0.0.0/16")}, Ports: ports}}
	}
	for name, c := range map[string]struct {
		one, two *topology.SecurityRule
		merged   bool
	}{
		"two prefixes":                  {rule("a", 100, "203.0.113.0/24"), rule("b", 110, "198.51.100.0/24"), true},
		"a tag and a prefix":            {rule("a", 100, "AzureLoadBalancer"), rule("b", 110, "198.51.100.0/24"), false},
		"two families":                  {rule("a", 100, "203.0.113.0/24"), rule("b", 110, "2001:db8::/32"), false},
		"ports that are all but of any": {rule("a", 100, "203.0.113.0/24", topology.PortRange{First: 0, Last: 99}), rule("b", 110, "203.0.113.0/24", topology.PortRange{First: 100, Last: 65535}), false},
		"two lists of ports":            {rule("a", 100, "203.0.113.0/24"), rule("b", 110, "203.0.113.0/24", topology.PortRange{First: 80, Last: 80}), true},
		"two things that differ":        {rule("a", 100, "203.0.113.0/24"), rule("b", 110, "198.51.100.0/24", topology.PortRange{First: 80, Last: 80}), false},
	} {
		t.Run(name, func(t *testing.T) {
			g := &topology.NetworkSecurityGroup{RulesGiven: true, Element: topology.Element{Name: "nsg", ResourceID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/nsg"}}
			g.SecurityRules = []*topology.SecurityRule{c.one, c.two}
			got := newGroup(newRun(small(t, g, sim.Options{})), g).merges()
			if (len(got) > 0) != c.merged {
				t.Errorf("merges: %+v", got)
			}
		})
	}
}

func TestADenyBetweenKeepsRulesApartOnlyWhereItMatchesWhatMoves(t *testing.T) {
	list := dense(rand.New(rand.NewPCG(1, 1)), 3, false)
	for i, text := range []string{"203.0.113.0/24", "198.51.100.0/24", "192.168.0.0/16"} {
		r := list.SecurityRules[i]
		r.Priority, r.Direction, r.Access, r.Protocol = 100+10*i, topology.Inbound, topology.Allow, topology.TCP
		r.Source = topology.Match{Prefixes: []topology.AddressPrefix{address(text)}, Ports: []topology.PortRange{topology.AllPorts}}
		r.Destination = topology.Match{Prefixes: []topology.AddressPrefix{address("*")}, Ports: []topology.PortRange{{First: 443, Last: 443}}}
	}
	list.SecurityRules[1].Access = topology.Deny
	merged := func() []int {
		for _, m := range newGroup(newRun(small(t, list, sim.Options{})), list).merges() {
			return m.rules
		}
		return nil
	}
	if got := merged(); !slices.Equal(got, []int{0, 2}) {
		t.Errorf("past a deny of others %v are merged", got)
	}
	list.SecurityRules[1].Source.Prefixes[0] = address("192.168.1.0/24")
	if got := merged(); got != nil {
		t.Errorf("past a deny of a part of them %v are merged", got)
	}
}
