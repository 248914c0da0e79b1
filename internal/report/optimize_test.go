package report

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/sim/fix"
	"github.com/netpath/netpath/sim/optimize"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

// optimized is a plan with a step of each kind, whose names are all the given
// one.
func optimized(name string) []OptimizedGroup {
	rule := func(priority int) *topology.SecurityRule {
		r := &topology.SecurityRule{Priority: priority, Direction: topology.Inbound, Access: topology.Allow, Protocol: topology.TCP}
		r.Name, r.Origin = name, topology.Origin{File: name, Line: 7}
		r.Source.Prefixes = []topology.AddressPrefix{{Kind: topology.TagAddress, Tag: name, Text: name}}
		p := netip.MustParsePrefix("203.0.113.4/32")
		r.Destination.Prefixes = []topology.AddressPrefix{{Kind: topology.PrefixAddress, Prefix: p, Text: "203.0.113.4"}}
		r.Destination.Ports = []topology.PortRange{{First: 80, Last: 80}, {First: 443, Last: 443}}
		return r
	}
	group := func(n int) *topology.NetworkSecurityGroup {
		g := &topology.NetworkSecurityGroup{RulesGiven: true}
		g.Name, g.ResourceID = name, "/"+name
		for i := range n {
			g.SecurityRules = append(g.SecurityRules, rule(100+i))
		}
		return g
	}
	return []OptimizedGroup{
		{Plan: &optimize.Plan{Group: group(4), After: group(1), Places: []string{name, ""},
			Steps: []optimize.Step{
				{Gone: []*topology.SecurityRule{rule(300)}, Why: optimize.Shadowed, By: []*topology.SecurityRule{rule(100), rule(200)}, Tags: []string{name}},
				{Gone: []*topology.SecurityRule{rule(310)}, Why: optimize.Shadowed},
				{Gone: []*topology.SecurityRule{rule(320)}, Why: optimize.Redundant, By: []*topology.SecurityRule{rule(4000)}},
				{Gone: []*topology.SecurityRule{rule(330)}, Why: optimize.Redundant},
				{Gone: []*topology.SecurityRule{rule(110), rule(120)}, Into: rule(100), Now: rule(100), Field: "destinationPortRanges"},
			},
			Left: []optimize.Left{{Rule: rule(500), Text: name}}},
			Commands: []backup.Command{{Where: name, Text: "az network nsg rule delete\n"}}},
		{Plan: &optimize.Plan{Group: group(2), After: group(2), Places: []string{name}}},
	}
}

func TestFewerRulesAreToldInWords(t *testing.T) {
	var b bytes.Buffer
	if err := New(&b, Options{}).Optimize(optimized("web")); err != nil {
		t.Fatal(err)
	}
	want := `FEWER  web: 4 rules become 1
  remove  Inbound 300 web           web:7
          shadowed: no packet reaches it, 100 web, 200 web decide before it
          holds while the service tag file says of web what it says now
  remove  Inbound 310 web           web:7
          shadowed: no packet reaches it, many rules before it decide
  remove  Inbound 320 web           web:7
          redundant: 4000 web does the same
  remove  Inbound 330 web           web:7
          redundant: the rules after it do the same
  merge   Inbound 110 web, 120 web
          into 100 web, whose destinationPortRanges become 80, 443
  left    Inbound 500 web
          nothing is proved about it: web
  proved equal: what is allowed, denied and open, in both directions and families, at web and in whatever virtual network
`
	got, commands, _ := strings.Cut(b.String(), "\n\n")
	if d := cmp.Diff(want, got+"\n"); d != "" {
		t.Error(d)
	}
	if !strings.Contains(commands, "az network nsg rule delete") || !strings.HasSuffix(commands, "SAME  web: 2 rules, none to spare\n") {
		t.Errorf("%q", commands)
	}
}

func TestFewerRulesAreToldInJSON(t *testing.T) {
	var b bytes.Buffer
	if err := New(&b, Options{Format: JSON}).Optimize(optimized("web")); err != nil {
		t.Fatal(err)
	}
	var x struct {
		SchemaVersion string
		Groups        []struct {
			RulesBefore, RulesAfter int
			Proved                  bool
			ProvedAt                []string
			Steps                   []struct {
				Kind, Why, Field string
				Value            []string
				By               []struct{ Priority int }
				Into             *struct{ Priority int }
			}
			Left []struct{ Text string }
		} `json:"networkSecurityGroups"`
	}
	if err := json.Unmarshal(b.Bytes(), &x); err != nil {
		t.Fatal(err)
	}
	g := x.Groups[0]
	if x.SchemaVersion != SchemaVersion || g.RulesBefore != 4 || g.RulesAfter != 1 || !g.Proved || len(g.ProvedAt) != 2 || len(g.Left) != 1 || len(x.Groups[1].Steps) != 0 {
		t.Errorf("%+v", x)
	}
	first, last := g.Steps[0], g.Steps[4]
	if first.Kind != "removed" || first.Why != "shadowed" || len(first.By) != 2 || last.Kind != "merged" || last.Why != "" || last.Into == nil || last.Field != "destinationPortRanges" || len(last.Value) != 2 {
		t.Errorf("%+v, %+v", first, last)
	}
}

// Names of the data do not steer a terminal.
func TestFewerRulesAndEditsAreEscaped(t *testing.T) {
	const evil = "x\x1b[2J\u202ey"
	rule := edit.AddRule{Group: topology.RefTo("/" + evil), Name: evil, Priority: 100, Direction: topology.Inbound, Access: topology.Allow, Protocol: topology.TCP, Source: []string{evil}, Destination: []string{"*"}}
	q, trace := denied()
	plan := &fix.Plan{Edits: []edit.Edit{rule}, Before: trace, After: trace, Changes: []fix.Change{{Edit: rule}}}
	for _, f := range []Format{Text, Table, JSON, NDJSON} {
		var b bytes.Buffer
		w := New(&b, Options{Format: f})
		if err := w.Optimize(optimized(evil)); err != nil {
			t.Fatal(err)
		}
		if err := w.Fix(fix.Question{TraceQuestion: q, Want: topology.Allow}, plan, []fix.Difference{{Edit: rule, Beyond: evil}}, nil); err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexFunc(b.String(), func(r rune) bool { return r != '\n' && hostile(r) }); i >= 0 {
			t.Errorf("%s: %q came through", f, b.String()[max(0, i-20):i+10])
		}
	}
}
