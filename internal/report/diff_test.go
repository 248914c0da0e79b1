package report

import (
	"bytes"
	"encoding/json"
	"math/big"
	"net/netip"
	"strings"
	"testing"

	"github.com/netpath/netpath/sim/diff"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/topology"
)

// changed is a report with a hostile name wherever a name can stand.
func changed(name string) *diff.Report {
	at := topology.Origin{File: name + ".json", Line: 3}
	d := func(v flow.Verdict) diff.Decision {
		return diff.Decision{Verdict: v, Code: flow.NSGRuleAllow, RuleName: name, Priority: 100, NetworkSecurityGroup: name, Origin: &at,
			Missing: []flow.Missing{{Text: name}}, Assumptions: []flow.Assumption{{ID: flow.CatalogueCurrent, About: name, Text: name}}}
	}
	part := func() diff.Part {
		any := diff.Addresses{Name: name, Count: big.NewInt(1)}
		return diff.Part{Size: big.NewInt(1 << 40), More: true, Old: d(flow.Deny), New: d(flow.Unknown), Boxes: []diff.Box{{Protocols: []topology.Protocol{topology.TCP}, Source: any, Destination: any}},
			Witness: flowset.Packet{Protocol: topology.TCP, Source: netip.MustParseAddr("10.0.0.4"), Destination: netip.MustParseAddr("10.0.0.5"), DestinationPort: 443}}
	}
	hop := diff.NextHop{Type: topology.NextHopVirtualAppliance, Over: name, Route: name, Origin: &at}
	return &diff.Report{
		Gates: []diff.Gate{
			{Level: diff.SecurityGroup, Name: name, ID: name, Places: []string{name}, Changes: []diff.Change{
				{Kind: diff.NewlyUndecided, Direction: topology.Inbound, Size: big.NewInt(1 << 41), Rest: big.NewInt(1 << 40), Parts: []diff.Part{part()}}}},
			{Level: diff.Interface, Name: name, ID: name, Places: []string{name, name}, Gates: [2][]string{{name}, nil}, Changes: []diff.Change{
				{Kind: diff.NewlyAllowed, Direction: topology.Outbound, V6: true, Size: big.NewInt(1 << 40), Rest: new(big.Int), Parts: []diff.Part{part()}}}},
		},
		Routes:   []diff.Routes{{Subnets: []string{name}, Changes: []diff.RouteChange{{Destination: diff.Addresses{Name: name}, Old: hop, New: hop}}}},
		Elements: []diff.Element{{Kind: "subnet", Name: name, ID: name, Added: true, Origin: at}, {Kind: "subnet", Name: name, ID: name}},
		Notes:    []string{name},
	}
}

func TestNoNameOfADiffSteersWhatReadsIt(t *testing.T) {
	const name = "n\x1b[31m\u202e|<script>\r\n::error::x*_`[a](b)@team"
	for _, f := range DiffFormats() {
		var b bytes.Buffer
		if err := New(&b, Options{Format: Format(f), Full: true}).Diff(changed(name), DiffRun{Version: name, Old: name, New: name}); err != nil {
			t.Fatal(err)
		}
		out := b.String()
		if out == "" {
			t.Errorf("%s: nothing written", f)
		}
		for _, r := range out {
			if r != '\n' && hostile(r) {
				t.Errorf("%s: %q in the output", f, r)
				break
			}
		}
		switch Format(f) {
		case Markdown:
			for _, bad := range []string{"<script>", "@team", "[a](b)"} {
				if strings.Contains(out, bad) {
					t.Errorf("markdown holds %q", bad)
				}
			}
			if !strings.HasPrefix(out, DiffMarker) {
				t.Error("the marker does not come first")
			}
		case JSON, SARIF:
			if !json.Valid(b.Bytes()) {
				t.Errorf("%s is no JSON", f)
			}
		case NDJSON:
			for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
				if !json.Valid([]byte(line)) {
					t.Errorf("no JSON: %s", line)
				}
			}
		case GitHub:
			if strings.Contains(out, "\n::error::") {
				t.Error("a name is a command of its own")
			}
		}
	}
}

func TestAllFormatsOfADiffTellOfTheSameParts(t *testing.T) {
	r := changed("n")
	for f, want := range map[Format]string{Text: "for example", Table: "10.0.0.4 → 10.0.0.5", Markdown: "| **", NDJSON: `"type":"traffic"`, GitHub: "NSG n inbound", SARIF: `"ruleId":"newly`} {
		var b bytes.Buffer
		if err := New(&b, Options{Format: f}).Diff(r, DiffRun{}); err != nil {
			t.Fatal(err)
		}
		n := strings.Count(b.String(), want)
		if f == GitHub {
			n += strings.Count(b.String(), "2 interfaces like n outbound IPv6")
		}
		if n != 2 {
			t.Errorf("%s: %q stands %d times:\n%s", f, want, n, b.String())
		}
	}
}
