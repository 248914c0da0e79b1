package lint

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load"
)

// groupRun lints an NSG of the estate of [small] with options of the
// simulator.
func groupRun(t *testing.T, g *topology.NetworkSecurityGroup, tags *topology.ServiceTagCatalogue, o sim.Options, only ...string) []Finding {
	t.Helper()
	network := small(t, g, sim.Options{}).Network()
	var all []topology.Any
	for e := range network.All {
		all = append(all, e)
	}
	n, err := topology.NewNetwork(topology.Data{ServiceTags: tags}, all...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.New(n, o)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Lint(context.Background(), s, Options{Only: only})
	if err != nil {
		t.Fatal(err)
	}
	return r.Findings
}

func outboundRule(name string, priority int, access topology.Access, protocol topology.Protocol, destination string, ports ...topology.PortRange) *topology.SecurityRule {
	if ports == nil {
		ports = []topology.PortRange{topology.AllPorts}
	}
	return &topology.SecurityRule{Element: topology.Element{Name: name}, Priority: priority, Direction: topology.Outbound, Access: access, Protocol: protocol,
		Source:      topology.Match{Prefixes: []topology.AddressPrefix{address("*")}, Ports: []topology.PortRange{topology.AllPorts}},
		Destination: topology.Match{Prefixes: []topology.AddressPrefix{address(destination)}, Ports: ports}}
}

// loadedTags is the service tag file of examples.
func loadedTags(t *testing.T) *topology.ServiceTagCatalogue {
	t.Helper()
	r, err := load.Estate(context.Background(), example(t, &Rule{ExampleTags: exampleTags, Example: ruleList("a 100 Allow Tcp * Storage 443 Outbound", "b 101 Allow Tcp * Storage.WestEurope 443 Outbound", "c 102 Allow Tcp * Storage.NorthEurope 443 Outbound")}), load.Options{AllTags: true})
	if err != nil {
		t.Fatal(err)
	}
	return r.Network.ServiceTags
}

func restsOn(f Finding) (ids []string) {
	for _, a := range f.Assumptions {
		ids = append(ids, string(a.ID))
	}
	return slices.Compact(ids)
}

// What an old service tag file says is taken, and named as what the finding
// rests on; strictly it is not, unless it is waived. That a tag is part of its
// service needs no file.
func TestAnOldServiceTagFileIsAnAssumption(t *testing.T) {
	list := func(allow string) *topology.NetworkSecurityGroup {
		return &topology.NetworkSecurityGroup{RulesGiven: true, Element: topology.Element{Name: "nsg", ResourceID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/nsg"},
			SecurityRules: []*topology.SecurityRule{outboundRule("deny", 100, topology.Deny, topology.AnyProtocol, "20.60.0.0/16"), outboundRule("deny-tag", 110, topology.Deny, topology.AnyProtocol, "AzureBackup"), outboundRule("allow", 200, topology.Allow, topology.TCP, allow)}}
	}
	tags := loadedTags(t)
	fresh, old := time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	waiver := []flow.Waiver{{ID: flow.CatalogueCurrent}}
	for name, c := range map[string]struct {
		destination string
		options     sim.Options
		want        int
		rests       []string
	}{
		"fresh":                            {"Storage.WestEurope", sim.Options{AsOf: fresh}, 1, nil},
		"fresh, strictly":                  {"Storage.WestEurope", sim.Options{AsOf: fresh, Strict: true}, 1, nil},
		"old":                              {"Storage.WestEurope", sim.Options{AsOf: old}, 1, []string{"CATALOGUE_CURRENT"}},
		"old, strictly":                    {"Storage.WestEurope", sim.Options{AsOf: old, Strict: true}, 0, nil},
		"old, strictly, with a waiver":     {"Storage.WestEurope", sim.Options{AsOf: old, Strict: true, Waivers: waiver}, 1, nil},
		"old, but by the names of the tag": {"AzureBackup", sim.Options{AsOf: old}, 1, nil},
		"the same, strictly":               {"AzureBackup", sim.Options{AsOf: old, Strict: true}, 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			found := groupRun(t, list(c.destination), tags, c.options, "NP1001")
			if len(found) != c.want {
				t.Fatalf("found %q", texts(found))
			}
			if c.want > 0 && !slices.Equal(restsOn(found[0]), c.rests) {
				t.Errorf("it rests on %q, want %q", restsOn(found[0]), c.rests)
			}
		})
	}
}

func TestStrictlyICMPIsEitherWay(t *testing.T) {
	web := topology.PortRange{First: 443, Last: 443}
	group := func(rules ...*topology.SecurityRule) *topology.NetworkSecurityGroup {
		return &topology.NetworkSecurityGroup{RulesGiven: true, Element: topology.Element{Name: "nsg", ResourceID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/nsg"}, SecurityRules: rules}
	}
	apart := group(outboundRule("tcp", 100, topology.Deny, topology.TCP, "Internet", web), outboundRule("udp", 110, topology.Deny, topology.UDP, "Internet", web), outboundRule("any", 120, topology.Allow, topology.AnyProtocol, "203.0.113.0/24", web))
	alike := group(outboundRule("any", 100, topology.Deny, topology.AnyProtocol, "203.0.112.0/20", web), outboundRule("one", 120, topology.Allow, topology.AnyProtocol, "203.0.113.0/24", web))
	for _, c := range []struct {
		group  *topology.NetworkSecurityGroup
		strict bool
		want   int
	}{{apart, false, 1}, {apart, true, 0}, {alike, false, 1}, {alike, true, 1}} {
		if found := groupRun(t, c.group, nil, sim.Options{Strict: c.strict}, "NP1001", "NP1002"); len(found) != c.want {
			t.Errorf("strict %v: %q", c.strict, texts(found))
		}
	}
}
