package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/servicetag"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

func at(file string, line int) *topology.Origin {
	return &topology.Origin{File: file, Line: line, Pointer: "/x"}
}

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

func ptr[T any](v T) *T { return &v }

var tags = &sim.CatalogueInfo{Cloud: "Public", ChangeNumber: 375, Date: "2025-10-28", AgeDays: ptr(391), File: "tags.json"}

var current = flow.Assumption{ID: flow.CatalogueCurrent, About: "tags.json", Text: "the service tag file is 391 days old"}

// proxied is the path of the 2018 article: through a proxy, two legs.
func proxied() (sim.TraceQuestion, *sim.Trace) {
	q := sim.TraceQuestion{From: "app1", To: "Storage.WestEurope", Protocol: topology.TCP, Port: 443}
	vnetOut := sim.Hop{Leg: 1, Kind: sim.HopSecurityRules, Name: "nsg-app", AppliedTo: "subnet v1/app", Direction: "Outbound",
		Verdict: flow.Allow, Code: flow.NSGRuleAllow, RuleName: "AllowVnetOutBound", Priority: 65000, Default: true}
	return q, &sim.Trace{
		Outcome: sim.Outcome{
			Verdict: flow.Allow, Code: flow.NSGRuleAllow, RuleName: "allow-proxy", Priority: 200, NetworkSecurityGroup: "NSG-lockdown",
			Hops: []sim.Hop{
				{Leg: 1, Kind: sim.HopSecurityRules, AppliedTo: "nic app1-nic", Direction: "Outbound", Verdict: flow.Allow, Code: flow.NoNSG},
				vnetOut,
				{Leg: 1, Kind: sim.HopRoute, Verdict: flow.Allow, Code: flow.RouteFound, NextHopType: topology.NextHopVnetLocal, AddressPrefix: "10.0.0.0/16", RouteSource: "Default"},
				{Leg: 1, Kind: sim.HopHostFirewall, Name: "proxy1", AppliedTo: "guest proxy1", Direction: "Inbound", Verdict: flow.Allow, Code: flow.HostFirewallAllow, RuleName: "proxy-in", Origin: at("design.yaml", 41)},
				{Leg: 2, Kind: sim.HopProxy, Name: "proxy1", AppliedTo: "proxy proxy1", RuleName: "*.blob.core.windows.net", Note: "CONNECT", Verdict: flow.Allow, Code: flow.ProxyAllow, Origin: at("design.yaml", 46)},
				{Leg: 2, Kind: sim.HopSecurityRules, Name: "NSG-lockdown", AppliedTo: "subnet v1/dmz", Direction: "Outbound", Verdict: flow.Allow, Code: flow.NSGRuleAllow, RuleName: "allow-proxy", Priority: 200, Origin: at("nsg.json", 12)},
				{Leg: 2, Kind: sim.HopRoute, Verdict: flow.Allow, Code: flow.RouteFound, NextHopType: topology.NextHopInternet, AddressPrefix: "0.0.0.0/0", RouteSource: "Default"},
				{Leg: 2, Kind: sim.HopEgress, Name: "public IP", SourceAddress: "198.51.100.9", Verdict: flow.Allow, Code: flow.Egress},
			},
			Assumptions: []flow.Assumption{current},
		},
		From: sim.EndInfo{Text: "app1", Kind: "virtualMachine", Name: "app1", Address: "10.0.1.4"},
		To:   sim.EndInfo{Text: "Storage.WestEurope", Kind: "serviceTag", Name: "Storage.WestEurope", Prefixes: 412}, Protocol: "tcp", Port: 443,
		Proxy: "proxy1 (10.0.0.5:8080)", ServiceTags: tags,
	}
}

func denied() (sim.TraceQuestion, *sim.Trace) {
	q := sim.TraceQuestion{From: "app1", To: "203.0.113.10", Protocol: topology.TCP, Port: 443, FixedSource: true, SourcePort: 50000}
	return q, &sim.Trace{
		Outcome: sim.Outcome{
			Verdict: flow.Deny, Code: flow.NSGRuleDeny, RuleName: "deny-internet", Priority: 4000, NetworkSecurityGroup: "nsg-app",
			Hops: []sim.Hop{
				{Kind: sim.HopSecurityRules, AppliedTo: "nic app1-nic", Direction: "Outbound", Verdict: flow.Allow, Code: flow.NoNSG},
				{Kind: sim.HopSecurityRules, Name: "nsg-app", AppliedTo: "subnet v1/app", Direction: "Outbound", Verdict: flow.Deny, Code: flow.NSGRuleDeny, RuleName: "deny-internet", Priority: 4000, Origin: at("nsg-app.json", 44)},
			},
		},
		From:     sim.EndInfo{Text: "app1", Kind: "virtualMachine", Name: "app1", Address: "10.0.1.4"},
		To:       sim.EndInfo{Text: "203.0.113.10", Kind: "address", Address: "203.0.113.10"},
		Protocol: "tcp", Port: 443,
	}
}

func split() (sim.TraceQuestion, *sim.Trace) {
	q := sim.TraceQuestion{From: "app1", To: "Storage", Protocol: topology.TCP, AnyPort: true}
	missing := flow.Missing{Code: flow.NVANotFound, About: "10.0.0.10", Text: "no interface in the data owns the next hop 10.0.0.10", Export: "az network nic list > nics.json"}
	return q, &sim.Trace{
		Outcome: sim.Outcome{Verdict: flow.Split, Code: flow.NSGRuleDeny, Notes: []string{"the replies take another way"}},
		From:    sim.EndInfo{Text: "app1", Kind: "virtualMachine", Name: "app1", Address: "10.0.1.4"},
		To:      sim.EndInfo{Text: "Storage", Kind: "serviceTag", Name: "Storage", Prefixes: 4120, LeftOut: []string{"IPv6"}}, Protocol: "tcp",
		Parts: []sim.Part{
			{
				Outcome: sim.Outcome{Verdict: flow.Allow, Code: flow.NSGRuleAllow, RuleName: "allow-we", Priority: 100,
					Hops: []sim.Hop{{Kind: sim.HopSecurityRules, Name: "nsg-app", AppliedTo: "subnet v1/app", Direction: "Outbound", Verdict: flow.Allow, Code: flow.NSGRuleAllow, RuleName: "allow-we", Priority: 100, Origin: at("nsg-app.json", 12)}}},
				Destination: prefixes("20.60.26.0/23", "20.150.0.0/24", "52.239.140.0/22", "52.240.0.0/24", "52.241.0.0/24", "52.242.0.0/24"),
				Ports:       []topology.PortRange{{First: 443, Last: 443}},
			},
			{
				Outcome: sim.Outcome{Verdict: flow.Deny, Code: flow.NSGRuleDeny, RuleName: "deny-internet", Priority: 4000,
					Hops: []sim.Hop{{Kind: sim.HopSecurityRules, Name: "nsg-app", AppliedTo: "subnet v1/app", Direction: "Outbound", Verdict: flow.Deny, Code: flow.NSGRuleDeny, RuleName: "deny-internet", Priority: 4000, Origin: at("nsg-app.json", 44)}}},
				Destination: prefixes("20.60.40.0/23"),
			},
			{
				Outcome: sim.Outcome{Verdict: flow.Unknown, Code: flow.NVANotFound, Missing: []flow.Missing{missing},
					Hops: []sim.Hop{{Kind: sim.HopRoute, Name: "rt-app", RuleName: "to-nva", AppliedTo: "subnet v1/app", Verdict: flow.Unknown, Code: flow.NVANotFound, AddressPrefix: "20.60.50.0/24", NextHopType: topology.NextHopVirtualAppliance, NextHopIPAddress: "10.0.0.10", RouteSource: "User", Origin: at("routes.json", 7)}}},
				Destination: prefixes("20.60.50.0/24"), Ports: []topology.PortRange{{First: 0, Last: 442}, {First: 444, Last: 65535}},
			},
		},
		ServiceTags: &sim.CatalogueInfo{Cloud: "Public", Date: "2025-10-28", AgeDays: ptr(1)}, Undecided: true, AnyAllow: true, AnyDeny: true,
	}
}

func TestTraceIsWrittenInEveryFormat(t *testing.T) {
	for _, c := range []struct {
		name string
		make func() (sim.TraceQuestion, *sim.Trace)
	}{{"proxied", proxied}, {"denied", denied}, {"split", split}} {
		for _, f := range []Format{Text, Table, JSON, NDJSON} {
			t.Run(c.name+"/"+string(f), func(t *testing.T) {
				var b bytes.Buffer
				q, a := c.make()
				if err := New(&b, Options{Format: f}).Trace(q, a); err != nil {
					t.Fatal(err)
				}
				golden(t, "trace-"+c.name+"."+string(f), b.Bytes())
			})
		}
	}
}

func TestManyPartsAreWrittenInBriefUnlessAllIsWanted(t *testing.T) {
	q, a := split()
	few := a.Parts
	a.Missing, a.Parts = few[2].Missing, nil
	for range 3 {
		a.Parts = append(a.Parts, few...)
	}
	for name, full := range map[string]bool{"trace-many.text": false, "trace-many-full.text": true} {
		var b bytes.Buffer
		if err := New(&b, Options{Full: full}).Trace(q, a); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
}

func ipFlow() (sim.IPFlowQuestion, *sim.IPFlow) {
	q := sim.IPFlowQuestion{
		NSG: "NSG-lockdown", Direction: topology.Outbound, Protocol: topology.TCP, AllRules: true,
		Local:  sim.Endpoint{Address: netip.MustParseAddr("10.0.0.5"), Port: 50000},
		Remote: sim.Endpoint{Address: netip.MustParseAddr("52.239.140.10"), Port: 443},
	}
	return q, &sim.IPFlow{
		Access: flow.Allow, RuleName: ptr("allow-proxy"), Priority: 200, NetworkSecurityGroup: "NSG-lockdown",
		Evaluated: []sim.EvaluatedNSG{{
			NetworkSecurityGroupID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/NSG-lockdown",
			AppliedTo:              "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v1/subnets/dmz",
			MatchedRule:            &sim.MatchedRule{RuleName: "allow-proxy", Action: "Allow"},
			Rules: []sim.RuleEvaluation{
				{Name: "deny-dns", Priority: 100, SourceMatched: true, SourcePortMatched: true, DestinationMatched: true},
				{Name: "allow-proxy", Priority: 200, ProtocolMatched: true, SourceMatched: true, SourcePortMatched: true, DestinationMatched: true, DestinationPortMatched: true},
				{Name: "deny-tag", Priority: 300, ProtocolMatched: true, SourceMatched: true, SourcePortMatched: true, DestinationPortMatched: true, Undecided: []string{"destination"}},
			},
		}},
		Codes: []flow.Code{flow.NSGRuleAllow}, Origins: []topology.Origin{*at("nsg.json", 12)}, ServiceTags: tags,
		Hops: []sim.Hop{{Kind: sim.HopSecurityRules, Name: "NSG-lockdown", AppliedTo: "subnet v1/dmz", Direction: "Outbound", Verdict: flow.Allow, Code: flow.NSGRuleAllow, RuleName: "allow-proxy", Priority: 200, Origin: at("nsg.json", 12)}},
	}
}

func TestIPFlowIsWrittenInEveryFormat(t *testing.T) {
	for _, f := range []Format{Text, Table, JSON, NDJSON} {
		t.Run(string(f), func(t *testing.T) {
			var b bytes.Buffer
			q, a := ipFlow()
			if err := New(&b, Options{Format: f}).IPFlow(q, a); err != nil {
				t.Fatal(err)
			}
			golden(t, "ipflow."+string(f), b.Bytes())
		})
	}
}

func TestNSGsThatWereNotEvaluatedAreNamed(t *testing.T) {
	q, a := ipFlow()
	a.Evaluated = append(a.Evaluated, sim.EvaluatedNSG{NetworkSecurityGroupID: "/x/networkSecurityGroups/nsg-nic", AppliedTo: "/x/networkInterfaces/a-nic", Skipped: true})
	for _, all := range []bool{false, true} {
		var b bytes.Buffer
		q.AllRules = all
		if err := New(&b, Options{}).IPFlow(q, a); err != nil {
			t.Fatal(err)
		}
		if want := "nsg-nic at nic a-nic: not evaluated, an earlier gate denies\n"; strings.Count(b.String(), want) != 1 {
			t.Errorf("all rules %v: not told once:\n%s", all, b.String())
		}
	}
}

func TestInboundFlowIsWrittenFromRemoteToLocal(t *testing.T) {
	q := sim.IPFlowQuestion{
		Direction: topology.Inbound, Protocol: topology.UDP,
		Local:  sim.Endpoint{Address: netip.MustParseAddr("fd00::4"), AnyPort: true},
		Remote: sim.Endpoint{Address: netip.MustParseAddr("2001:db8::1"), Port: 53},
	}
	if got, want := flowText(q), "inbound udp [2001:db8::1]:53 → [fd00::4]:*"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestListsTheContractPromisesAreNeverNull(t *testing.T) {
	var b bytes.Buffer
	w := New(&b, Options{Format: NDJSON})
	if err := w.Trace(sim.TraceQuestion{}, &sim.Trace{Parts: []sim.Part{{}}}); err != nil {
		t.Fatal(err)
	}
	if err := w.IPFlow(sim.IPFlowQuestion{}, &sim.IPFlow{Evaluated: []sim.EvaluatedNSG{{}}}); err != nil {
		t.Fatal(err)
	}
	if err := w.EffectiveRules(&sim.EffectiveRules{Groups: []sim.EffectiveRuleSet{{}}}); err != nil {
		t.Fatal(err)
	}
	if err := w.EffectiveRoutes(&sim.EffectiveRoutes{Routes: []sim.EffectiveRoute{{}}}); err != nil {
		t.Fatal(err)
	}
	nullable := strings.NewReplacer(`"ruleName":null`, "", `"matchedRule":null`, "", `"subnet":null`, "", `"networkInterface":null`, "", `"name":null`, "",
		`"sourcePortRanges":null`, "")
	if s := nullable.Replace(b.String()); strings.Contains(s, "null") {
		t.Errorf("a list is null: %s", s)
	}
}

func TestJSONStartsWithTheSchemaVersion(t *testing.T) {
	for _, f := range []Format{JSON, NDJSON} {
		var b bytes.Buffer
		q, a := denied()
		if err := New(&b, Options{Format: f}).Trace(q, a); err != nil {
			t.Fatal(err)
		}
		first := strings.TrimSpace(strings.Split(strings.TrimPrefix(strings.TrimSpace(b.String()), "{"), ",")[0])
		if first = strings.ReplaceAll(first, " ", ""); first != `"schemaVersion":"1.0"` {
			t.Errorf("%s starts with %s", f, first)
		}
	}
}

func TestJSONListsEveryExitCode(t *testing.T) {
	for want, codes := range map[string][]int{`"port":443,"exitCodes":[3,1]}`: {3, 1}, `"port":443}`: nil} {
		var b bytes.Buffer
		q, a := denied()
		if err := New(&b, Options{Format: NDJSON, ExitCodes: codes}).Trace(q, a); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(b.String(), want+"\n") {
			t.Errorf("%v: %s", codes, b.String())
		}
	}
	var b bytes.Buffer
	if err := New(&b, Options{Format: JSON}).EndLines([]int{4}); err != nil || b.String() != "\n],\"exitCodes\":[4]}\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

func TestNoByteOfANameReachesTheTerminalUnescaped(t *testing.T) {
	const evil = "a\x1b[31mb\x07\u009b2J\u202ec\nd\xffe\U000e0001"
	q, a := denied()
	q.From, a.From.Name, a.From.Text, a.From.Address = evil, evil, evil, evil
	a.RuleName, a.Notes = evil, []string{evil}
	a.Proxy = evil
	a.Missing = []flow.Missing{{Code: evil, About: evil, Text: evil, Export: evil}}
	a.Assumptions = []flow.Assumption{{ID: evil, About: evil, Text: evil}}
	a.ServiceTags = &sim.CatalogueInfo{Cloud: evil, Date: evil}
	for i := range a.Hops {
		a.Hops[i].Name, a.Hops[i].RuleName, a.Hops[i].AppliedTo, a.Hops[i].Note, a.Hops[i].Direction = evil, evil, evil, evil, evil
		a.Hops[i].Origin = &topology.Origin{File: evil, Line: 3}
	}
	fq, fa := ipFlow()
	fa.RuleName, fa.Hops = ptr(evil), a.Hops
	fa.Evaluated[0].MatchedRule.RuleName, fa.Evaluated[0].Rules[0].Name, fa.Evaluated[0].AppliedTo = evil, evil, "/"+evil
	rules := &sim.EffectiveRules{NetworkInterface: evil, Groups: []sim.EffectiveRuleSet{{
		NetworkSecurityGroup: sim.IDRef{ID: evil}, Association: sim.Association{Subnet: &sim.IDRef{ID: evil}},
		Rules: []sim.EffectiveRule{{Name: evil, Protocol: evil, Sources: []string{evil}, Access: evil, Direction: evil, Origin: topology.Origin{File: evil}}},
	}}}
	routes := &sim.EffectiveRoutes{NetworkInterface: evil, Subnet: evil, Routes: []sim.EffectiveRoute{{Name: ptr(evil), Source: evil, State: evil, AddressPrefix: []string{evil}, ServiceTags: []string{evil}}}}
	for _, f := range []Format{Text, Table, JSON, NDJSON} {
		var b bytes.Buffer
		w := New(&b, Options{Format: f})
		for _, err := range []error{w.Trace(q, a), w.IPFlow(fq, fa), w.EffectiveRules(rules), w.EffectiveRoutes(routes)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range []Stream{FlowStream, TraceStream} {
			tl, fl := TraceLine(0, q, a), FlowLine(1, fq, fa)
			b.Write(tl.Append(nil, s, w.opt, true))
			b.Write(fl.Append(nil, s, w.opt, true))
			b.Write((&Line{Error: evil}).Append(nil, s, w.opt, true))
		}
		for _, r := range b.String() {
			if r != '\n' && hostile(r) || r == '\uFFFD' && (f == Text || f == Table) {
				t.Errorf("%s: %q came through", f, r)
				break
			}
		}
	}
}

func TestEscapeLeavesReadableTextAlone(t *testing.T) {
	for in, want := range map[string]string{
		"NSG-lockdown": "NSG-lockdown", "réseau → 名前": "réseau → 名前", "": "",
		"\x1b[2J": `\x1b[2J`, "a\tb": `a\x09b`, "\u202e": `\u202e`, "\xff": `\xff`, "\u0085": `\x85`, "\U000e0001": `\U000e0001`,
	} {
		if got := Escape(in); got != want {
			t.Errorf("Escape(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestColourOnlyRepeatsWhatTheWordsSay(t *testing.T) {
	q, a := split()
	var plainText, colored bytes.Buffer
	if err := New(&plainText, Options{}).Trace(q, a); err != nil {
		t.Fatal(err)
	}
	if err := New(&colored, Options{Color: true}).Trace(q, a); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(plainText.Bytes(), colored.Bytes()) {
		t.Fatal("nothing is painted")
	}
	var b strings.Builder
	for i, piece := range strings.Split(colored.String(), "\x1b[") {
		if i > 0 {
			_, piece, _ = strings.Cut(piece, "m")
		}
		b.WriteString(piece)
	}
	if d := cmp.Diff(plainText.String(), b.String()); d != "" {
		t.Errorf("colour changes the text (-plain +coloured):\n%s", d)
	}
}

func batch() []Line {
	fq, fa := ipFlow()
	unknown := &sim.IPFlow{Access: flow.Unknown, Codes: []flow.Code{flow.UnknownTag}}
	assumed := &sim.IPFlow{Access: flow.Allow, RuleName: ptr("AllowInternetOutBound"), Priority: 65001, NetworkSecurityGroup: "n",
		Assumptions: []flow.Assumption{{ID: flow.VNetSpacePrivate, About: "a"}, {ID: flow.VNetSpacePrivate, About: "b"}}}
	return []Line{FlowLine(0, fq, fa), FlowLine(1, fq, unknown), {Index: 2, Error: `flows.csv:4: port "x"`}, FlowLine(3, fq, assumed)}
}

func TestBatchLinesAreWrittenInEveryFormat(t *testing.T) {
	for _, f := range []Format{Text, Table, JSON, NDJSON} {
		t.Run(string(f), func(t *testing.T) {
			var b bytes.Buffer
			w := New(&b, Options{Format: f})
			if err := w.BeginLines(FlowStream); err != nil {
				t.Fatal(err)
			}
			lines := batch()
			for _, block := range [][]Line{lines[:3], lines[3:]} {
				var buf []byte
				for i := range block {
					buf = block[i].Append(buf, FlowStream, w.opt, i == 0)
				}
				if err := w.Lines(buf); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.EndLines(nil); err != nil {
				t.Fatal(err)
			}
			golden(t, "batch."+string(f), b.Bytes())
			if f == JSON && !json.Valid(b.Bytes()) {
				t.Error("not JSON")
			}
		})
	}
}

func TestFlowLineOfTheContract(t *testing.T) {
	l := batch()[0]
	got := string(l.Append(nil, FlowStream, Options{Format: NDJSON}, true))
	want := `{"index":0,"access":"Allow","ruleName":"allow-proxy","priority":200,"networkSecurityGroup":"NSG-lockdown"}` + "\n"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTraceLineOfTheContract(t *testing.T) {
	q, a := denied()
	l := TraceLine(0, q, a)
	got := string(l.Append(nil, TraceStream, Options{Format: NDJSON}, true))
	want := `{"index":0,"verdict":"Deny","code":"NSG_RULE_DENY","ruleName":"deny-internet"}` + "\n"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestEffectiveRulesAreWrittenInEveryFormat(t *testing.T) {
	e := &sim.EffectiveRules{
		NetworkInterface: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/app1-nic",
		Groups: []sim.EffectiveRuleSet{{
			NetworkSecurityGroup: sim.IDRef{ID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/nsg-app"},
			Association:          sim.Association{Subnet: &sim.IDRef{ID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v1/subnets/app"}},
			Rules: []sim.EffectiveRule{
				{Name: "securityRules/allow-we", Protocol: "Tcp", SourcePorts: []string{"0-65535"}, DestinationPorts: []string{"443-443"}, Sources: []string{"0.0.0.0/0"},
					Destinations: []string{"Storage.WestEurope"}, ExpandedDestination: prefixes("20.60.26.0/23", "20.60.40.0/23"), Access: "Allow", Priority: 100, Direction: "Outbound", Origin: *at("nsg-app.json", 12)},
				{Name: "defaultSecurityRules/DenyAllOutBound", Protocol: "All", SourcePorts: []string{"0-65535"}, DestinationPorts: []string{"0-65535"}, Sources: []string{"0.0.0.0/0"},
					Destinations: []string{"0.0.0.0/0"}, Access: "Deny", Priority: 65500, Direction: "Outbound"},
			},
			TagMap:    map[string][]netip.Prefix{"Storage.WestEurope": prefixes("20.60.26.0/23", "20.60.40.0/23")},
			Undecided: []flow.Missing{{Code: flow.UnknownTag, About: "Sql.Nowhere", Text: "the tag is not in the file"}},
		}},
		ServiceTags: tags,
	}
	for _, f := range []Format{Text, Table, JSON, NDJSON} {
		t.Run(string(f), func(t *testing.T) {
			var b bytes.Buffer
			if err := New(&b, Options{Format: f}).EffectiveRules(e); err != nil {
				t.Fatal(err)
			}
			golden(t, "effective-rules."+string(f), b.Bytes())
		})
	}
}

func TestEffectiveRoutesAreWrittenInEveryFormat(t *testing.T) {
	e := &sim.EffectiveRoutes{
		NetworkInterface: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/app1-nic",
		Subnet:           "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v1/subnets/app",
		Routes: []sim.EffectiveRoute{
			{Source: "Default", State: "Active", AddressPrefix: []string{"10.0.0.0/16"}, NextHopType: topology.NextHopVnetLocal},
			{Source: "Default", State: "Invalid", AddressPrefix: []string{"0.0.0.0/0"}, NextHopType: topology.NextHopInternet},
			{Name: ptr("to-nva"), Source: "User", State: "Active", AddressPrefix: []string{"0.0.0.0/0"}, NextHopType: topology.NextHopVirtualAppliance, NextHopIPAddress: []string{"10.0.0.10"}, Origin: at("rt.json", 9)},
			{Name: ptr("storage"), Source: "User", State: "Active", AddressPrefix: []string{"20.60.26.0/23", "20.60.40.0/23"}, ServiceTags: []string{"Storage"}, NextHopType: topology.NextHopInternet, Origin: at("rt.json", 16)},
		},
		Undecided: []flow.Missing{{Code: flow.LearnedRoutesMissing, About: "gw1", Text: "the routes the gateway learned are not in the data", Export: "az network vnet-gateway list-learned-routes -g g -n gw1"}},
	}
	for _, f := range []Format{Text, Table, JSON, NDJSON} {
		t.Run(string(f), func(t *testing.T) {
			var b bytes.Buffer
			if err := New(&b, Options{Format: f}).EffectiveRoutes(e); err != nil {
				t.Fatal(err)
			}
			golden(t, "effective-routes."+string(f), b.Bytes())
		})
	}
}

func TestFormatsOfCheckAreRefusedByNameElsewhere(t *testing.T) {
	for _, name := range []string{"sarif", "junit", "markdown", "github", "azuredevops"} {
		if _, err := ParseFormat(name, Formats()); err == nil || !strings.Contains(err.Error(), "is for check") {
			t.Errorf("%s: %v", name, err)
		}
		if f, err := ParseFormat(name, CheckFormats()); err != nil || string(f) != name {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
	if _, err := ParseFormat("yaml", CheckFormats()); err == nil || !strings.Contains(err.Error(), "not known") {
		t.Errorf("yaml: %v", err)
	}
	if f, err := ParseFormat("ndjson", Formats()); err != nil || f != NDJSON {
		t.Errorf("ndjson: %v, %v", f, err)
	}
}

func TestTagsAreWrittenInEveryFormat(t *testing.T) {
	swe := Tag{Name: "Storage.WestEurope", Kind: servicetag.ServiceTag, Region: "westeurope", Service: "AzureStorage", ChangeNumber: 70, PrefixCount: 2,
		Prefixes: prefixes("20.60.26.0/23", "2603:1020:206::/48"), Origin: *at("tags.json", 90)}
	region := Tag{Name: "europewest", Kind: servicetag.DatacenterRegion, Region: "westeurope", PrefixCount: 1, Prefixes: prefixes("13.69.0.0/17"), Origin: *at("ranges.xml", 7)}
	match := func(name string, kind servicetag.Kind, prefix, region, service, file string) TagMatch {
		return TagMatch{servicetag.Match{Name: name, Kind: kind, Prefix: netip.MustParsePrefix(prefix), Region: region, Service: service}, file}
	}
	lookups := []TagLookup{
		{netip.MustParseAddr("20.60.26.10"), []TagMatch{
			match("Storage.WestEurope", servicetag.ServiceTag, "20.60.26.0/23", "westeurope", "AzureStorage", "tags.json"),
			match("AzureCloud", servicetag.ServiceTag, "20.60.0.0/16", "", "", "tags.json"),
			match("europewest", servicetag.DatacenterRegion, "20.60.0.0/16", "westeurope", "", "ranges.xml"),
		}},
		{netip.MustParseAddr("10.0.0.1"), nil},
	}
	diff := TagDiff{
		Old: TagFile{File: "old.json", Cloud: "Public", ChangeNumber: 374, Date: "2025-10-21"}, New: TagFile{File: "new.json"},
		Changes: []servicetag.Change{
			{Tag: "AzureBackup", Status: servicetag.Changed, Gained: prefixes("40.74.30.96/28"), Lost: prefixes("40.74.30.0/28", "40.74.31.0/28")},
			{Tag: "Storage", Status: servicetag.Added, Gained: prefixes("20.1.0.0/24", "20.2.0.0/24", "20.3.0.0/24", "20.4.0.0/24", "20.5.0.0/24")},
		},
	}
	for _, f := range []Format{Text, Table, JSON, NDJSON} {
		for name, write := range map[string]func(*Writer) error{
			"lookup":    func(w *Writer) error { return w.TagLookups(lookups) },
			"show":      func(w *Writer) error { return w.Tags([]Tag{swe, region}) },
			"list":      func(w *Writer) error { return w.TagList([]Tag{swe, region}) },
			"diff":      func(w *Writer) error { return w.TagDiff(diff) },
			"no-diff":   func(w *Writer) error { return w.TagDiff(TagDiff{Old: diff.Old, New: diff.New}) },
			"no-lookup": func(w *Writer) error { return w.TagLookups(nil) },
		} {
			t.Run(name+"/"+string(f), func(t *testing.T) {
				var b bytes.Buffer
				if err := write(New(&b, Options{Format: f})); err != nil {
					t.Fatal(err)
				}
				golden(t, "tags-"+name+"."+string(f), b.Bytes())
			})
		}
	}
}
