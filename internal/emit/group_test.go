package emit

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

func securityRule(name string, priority int, d topology.Direction) *topology.SecurityRule {
	any := topology.Match{Prefixes: []topology.AddressPrefix{{Kind: topology.AnyAddress, Text: "*"}}, Ports: []topology.PortRange{topology.AllPorts}}
	r := &topology.SecurityRule{Priority: priority, Direction: d, Access: topology.Allow, Protocol: topology.TCP, Source: any, Destination: any}
	r.Name = name
	return r
}

func literal(texts ...string) (out []topology.AddressPrefix) {
	for _, s := range texts {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			a := netip.MustParseAddr(s)
			p = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, topology.AddressPrefix{Kind: topology.PrefixAddress, Prefix: p, Text: s})
	}
	return out
}

// optimized is a group whose rules were merged and removed, and the edits.
func optimized() (*topology.NetworkSecurityGroup, []edit.Edit) {
	web := securityRule("web", 100, topology.Inbound)
	web.Source.Prefixes = literal("203.0.113.4", "198.51.100.0/24")
	web.Destination.Ports = []topology.PortRange{{First: 80, Last: 80}, {First: 443, Last: 444}}
	web.Description = "what's $open \"now\""
	members := securityRule("members", 110, topology.Inbound)
	members.Source.Prefixes, members.Source.ASGs = nil, []topology.Ref{topology.RefTo("/subscriptions/0000-1111/resourceGroups/net/providers/Microsoft.Network/applicationSecurityGroups/web-servers")}
	members.Destination.Prefixes = []topology.AddressPrefix{{Kind: topology.TagAddress, Tag: "VirtualNetwork", Text: "VirtualNetwork"}}
	g := &topology.NetworkSecurityGroup{RulesGiven: true, SecurityRules: []*topology.SecurityRule{web, members}, FlushConnection: topology.On}
	g.ResourceID, g.Name, g.Location = network+"nsg-app", "nsg-app", "westeurope"
	g.Tags = []topology.Tag{{Name: "owner", Value: "team '${net}'"}}
	return g, []edit.Edit{edit.ReplaceRule{Group: g.Ref(), Rule: web}, edit.RemoveRule{Group: g.Ref(), Name: "old"}, edit.ReplaceRule{Group: g.Ref(), Rule: members}}
}

func TestAGroupIsWrittenAsRecorded(t *testing.T) {
	for _, form := range Forms() {
		g, edits := optimized()
		blocks, err := Group(Form(form), g, edits...)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "group."+form, text(blocks))
	}
}

func TestTheTemplateOfAGroupHasAllItsRules(t *testing.T) {
	g, edits := optimized()
	g.SecurityRules[0].Name, g.Location = "a\"b", ""
	blocks, err := Group(ARM, g, edits...)
	if err != nil {
		t.Fatal(err)
	}
	var x struct {
		Resources []struct {
			Name, Location string
			Tags           map[string]string
			Properties     struct {
				FlushConnection bool
				SecurityRules   []struct {
					Name       string
					Properties map[string]any
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(blocks[0].Text), &x); err != nil {
		t.Fatalf("%v\n%s", err, blocks[0].Text)
	}
	if len(x.Resources) != 1 || len(x.Resources[0].Properties.SecurityRules) != 2 {
		t.Fatalf("%+v", x)
	}
	r := x.Resources[0]
	first, second := r.Properties.SecurityRules[0], r.Properties.SecurityRules[1]
	if r.Location != "[resourceGroup().location]" || r.Tags["owner"] != "team '${net}'" || !r.Properties.FlushConnection ||
		first.Name != `a"b` || first.Properties["description"] != "what's $open \"now\"" || len(first.Properties["sourceAddressPrefixes"].([]any)) != 2 ||
		second.Properties["sourceAddressPrefix"] != nil || len(second.Properties["sourceApplicationSecurityGroups"].([]any)) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestWhatATemplateWouldLoseIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*topology.NetworkSecurityGroup){
		"holds an expression": func(g *topology.NetworkSecurityGroup) { g.SecurityRules[1].Unresolved = []string{"access"} },
		"not modelled": func(g *topology.NetworkSecurityGroup) {
			g.SecurityRules[1].NotModelled = []topology.Property{{Name: "newThing"}}
		},
		"it has properties": func(g *topology.NetworkSecurityGroup) { g.NotModelled = []topology.Property{{Name: "newThing"}} },
	} {
		g, edits := optimized()
		spoil(g)
		for _, form := range []Form{ARM, Bicep, Terraform} {
			if _, err := Group(form, g, edits...); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", form, err)
			}
		}
		if _, err := Group(AzureCLI, g, edits...); err != nil {
			t.Error(err)
		}
	}
}

func TestEditsOfRulesAreWrittenWithTheirGroup(t *testing.T) {
	_, edits := optimized()
	if _, err := Write(ARM, edits...); err == nil {
		t.Error("no error")
	}
}
