package edit_test

import (
	"strings"
	"testing"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

func TestRulesAreTakenOutAndReplaced(t *testing.T) {
	g := group(ruleAt("a", 100, topology.Inbound), ruleAt("b", 110, topology.Inbound), ruleAt("c", 120, topology.Outbound))
	n := estate(t, g)
	now := *g.SecurityRules[0]
	now.Access = topology.Allow
	m, err := edit.Apply(n, edit.ReplaceRule{Group: g.Ref(), Rule: &now}, edit.RemoveRule{Group: g.Ref(), Name: "B"})
	if err != nil {
		t.Fatal(err)
	}
	after := m.NetworkSecurityGroups[0]
	if len(g.SecurityRules) != 3 || g.SecurityRules[0].Access != topology.Deny {
		t.Error("the old estate changed")
	}
	if len(after.SecurityRules) != 2 || after.SecurityRules[0] != &now || after.SecurityRules[1].Name != "c" {
		t.Errorf("%v", after.SecurityRules)
	}
}

func TestAnEditOfARuleThatIsNotThereIsRefused(t *testing.T) {
	g := group(ruleAt("a", 100, topology.Inbound), ruleAt("twin", 110, topology.Inbound), ruleAt("Twin", 120, topology.Inbound))
	n := estate(t, g)
	moved, empty := *g.SecurityRules[0], *g.SecurityRules[0]
	moved.Priority = 101
	empty.Source = topology.Match{}
	for want, e := range map[string]edit.Edit{
		"has no rule x":                edit.RemoveRule{Group: g.Ref(), Name: "x"},
		"has two rules twin":           edit.RemoveRule{Group: g.Ref(), Name: "twin"},
		"has the priority 100 inbound": edit.ReplaceRule{Group: g.Ref(), Rule: &moved},
		"the source: it names nothing": edit.ReplaceRule{Group: g.Ref(), Rule: &empty},
		"not in the data":              edit.RemoveRule{Group: topology.RefTo(base + "Microsoft.Network/networkSecurityGroups/gone"), Name: "a"},
	} {
		if _, err := edit.Apply(n, e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, not %q", e, err, want)
		}
	}
}
