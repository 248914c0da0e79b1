package sim

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go4.org/netipx"

	"github.com/netpath/netpath/sim/firewall"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/sim/route"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

func ruleOf(group, rule string, v flow.Verdict) Hop {
	return Hop{Kind: HopSecurityRules, Name: group, RuleName: rule, Priority: 100, Verdict: v}
}

func hopOf(kind HopKind, name string) Hop { return Hop{Kind: kind, Name: name, Verdict: flow.Allow} }

// For Deny the first hop that denies is named; for Allow the last rule, else a
// firewall, else the last gate (verdicts.md 10).
func TestTheDecidingHopIsTheFirstDenialOrTheLastRule(t *testing.T) {
	admin := Hop{Kind: HopAdminRules, Name: "admin", RuleName: "always", Verdict: flow.Allow}
	wall := Hop{Kind: HopFirewall, Name: "fw", RuleName: "web", Verdict: flow.Allow}
	for _, c := range []struct {
		name    string
		verdict flow.Verdict
		hops    []Hop
		want    string
	}{
		{"the first of two denials", flow.Deny, []Hop{ruleOf("a", "in", flow.Allow), ruleOf("b", "no", flow.Deny), ruleOf("c", "no", flow.Deny)}, "b"},
		{"no denial", flow.Deny, []Hop{ruleOf("a", "in", flow.Allow)}, ""},
		{"no hop", flow.Allow, nil, ""},
		{"the last of two rules", flow.Allow, []Hop{ruleOf("a", "in", flow.Allow), ruleOf("b", "in", flow.Allow), hopOf(HopRoute, "r")}, "b"},
		{"a rule before no NSG", flow.Allow, []Hop{ruleOf("a", "in", flow.Allow), ruleOf("b", "", flow.Allow)}, "a"},
		{"an admin rule", flow.Allow, []Hop{admin, hopOf(HopRoute, "r")}, "admin"},
		{"a rule before a firewall", flow.Allow, []Hop{ruleOf("a", "in", flow.Allow), wall}, "a"},
		{"a firewall without a rule of an NSG", flow.Allow, []Hop{ruleOf("a", "", flow.Allow), wall, hopOf(HopRoute, "r"), ruleOf("b", "", flow.Allow)}, "fw"},
		{"a gate without a rule", flow.Allow, []Hop{ruleOf("a", "", flow.Allow), hopOf(HopRoute, "r")}, "a"},
		{"the platform", flow.Allow, []Hop{hopOf(HopPlatform, "p"), hopOf(HopRoute, "r")}, "p"},
		{"routes alone", flow.Allow, []Hop{hopOf(HopRoute, "r1"), hopOf(HopRoute, "r2")}, "r2"},
	} {
		got := ""
		if h := deciding(c.hops, c.verdict); h != nil {
			got = h.Name
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// An Unknown is shown by what its two walks have in common and the hop where
// they part, which is that of the denied walk where it has one.
func TestAnUnknownIsShownUpToWhereItsWalksPart(t *testing.T) {
	first, again := hopOf(HopRoute, "r"), hopOf(HopRoute, "r")
	again.Origin, again.Packet = &topology.Origin{File: "x"}, flow.Tuple{Protocol: topology.TCP}
	yes, no, none := ruleOf("a", "yes", flow.Allow), ruleOf("a", "no", flow.Deny), ruleOf("a", "", flow.Allow)
	no.Origin, no.Default = &topology.Origin{File: "x"}, true
	closed := yes
	closed.Verdict, closed.Code = flow.Deny, flow.ListCutCode
	open := func(h Hop) Hop { h.Verdict = flow.Unknown; return h }
	parting := func(note string) Hop {
		return Hop{Kind: HopSecurityRules, Name: "a", Verdict: flow.Unknown, Note: note}
	}
	for _, c := range []struct {
		name            string
		allowed, denied []Hop
		want            []Hop
	}{
		{"no hops", nil, nil, []Hop{}},
		{"the same hops", []Hop{first}, []Hop{first}, []Hop{first}},
		{"two rules", []Hop{first, yes}, []Hop{again, no}, []Hop{first, parting("no or yes decides")}},
		{"a rule or none", []Hop{first, none}, []Hop{first, no}, []Hop{first, parting("no or no rule decides")}},
		{"one rule with two outcomes", []Hop{yes, first}, []Hop{closed}, []Hop{open(closed)}},
		{"the denied walk is longer", []Hop{first}, []Hop{first, no}, []Hop{first, open(no)}},
		{"the allowed walk is longer", []Hop{first, yes}, []Hop{first}, []Hop{first, open(yes)}},
	} {
		r := flow.Result[account]{Walk: account{notes: []string{"note"}}, Allowed: account{hops: c.allowed}, Denied: account{hops: c.denied}}
		got, notes := divide(r)
		if d := cmp.Diff(c.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
			t.Errorf("%s: (-want +got)\n%s", c.name, d)
		}
		if d := cmp.Diff([]string{"note"}, notes); d != "" {
			t.Errorf("%s: notes (-want +got)\n%s", c.name, d)
		}
	}
}

// The code of an Unknown is that of the first thing that is missing, of the
// hop where its walks part too.
func TestTheCodeOfAnUnknownIsThatOfWhatIsMissing(t *testing.T) {
	yes, no := ruleOf("a", "yes", flow.Allow), ruleOf("a", "yes", flow.Deny)
	missing := []flow.Missing{{Code: flow.UnknownTag}, {Code: flow.ListCutCode}}
	for _, c := range []struct {
		name            string
		allowed, denied []Hop
		missing         []flow.Missing
		code, last      flow.Code
	}{
		{"something is missing", []Hop{yes}, []Hop{no}, missing, flow.UnknownTag, flow.UnknownTag},
		{"too much is", []Hop{yes}, []Hop{no}, nil, flow.TooManyUnknowns, flow.TooManyUnknowns},
		{"no hop", nil, nil, missing, flow.UnknownTag, ""},
		{"walks that do not part", []Hop{yes}, []Hop{yes}, missing, flow.UnknownTag, ""},
	} {
		o := new(Simulator).outcome(flow.Result[account]{Verdict: flow.Unknown, Missing: c.missing, Allowed: account{hops: c.allowed}, Denied: account{hops: c.denied}})
		last := flow.Code("")
		if n := len(o.Hops); n > 0 {
			last = o.Hops[n-1].Code
		}
		if o.Code != c.code || last != c.last {
			t.Errorf("%s: %s, its last hop %q; want %s, %q", c.name, o.Code, last, c.code, c.last)
		}
	}
}

// Of a Split the first denied part leads, of an answer that is not decided the
// first that is not, else the first part.
func TestWhichPartLeadsTheAnswerAboutASet(t *testing.T) {
	part := func(v flow.Verdict, rule string) Part {
		return Part{Outcome: Outcome{Verdict: v, RuleName: rule, Code: flow.Code(rule), Priority: 100, NetworkSecurityGroup: "nsg",
			Notes: []string{rule}, Assumptions: []flow.Assumption{{About: rule}, {About: "all"}}}}
	}
	a1, a2, d1, d2 := part(flow.Allow, "a1"), part(flow.Allow, "a2"), part(flow.Deny, "d1"), part(flow.Deny, "d2")
	u1, u2 := part(flow.Unknown, "u1"), part(flow.Unknown, "u2")
	for _, c := range []struct {
		parts                  []Part
		verdict                flow.Verdict
		code, rule             string
		undecided, allow, deny bool
	}{
		{nil, flow.Unknown, "", "", false, false, false},
		{[]Part{a1, a2}, flow.Allow, "a1", "a1", false, true, false},
		{[]Part{d1, d2}, flow.Deny, "d1", "d1", false, false, true},
		{[]Part{u1, u2}, flow.Unknown, "u1", "u1", true, false, false},
		{[]Part{a1, u1, u2}, flow.Unknown, "u1", "u1", true, true, false},
		{[]Part{d1, u1, u2}, flow.Unknown, "u1", "u1", true, false, true},
		{[]Part{a1, d1, d2}, flow.Split, "d1", "", false, true, true},
		{[]Part{u1, a1, d1}, flow.Split, "d1", "", true, true, true},
		{[]Part{d1, a1}, flow.Split, "d1", "", false, true, true},
	} {
		var o Outcome
		var undecided, allow, deny bool
		combine(&o, c.parts, &undecided, &allow, &deny)
		got := fmt.Sprint(o.Verdict, " ", o.Code, " ", o.RuleName, " ", undecided, allow, deny)
		want := fmt.Sprint(c.verdict, " ", c.code, " ", c.rule, " ", c.undecided, c.allow, c.deny)
		if got != want {
			t.Errorf("%d parts: %s, want %s", len(c.parts), got, want)
		}
		if n := len(c.parts); n > 0 && (len(o.Notes) != n || len(o.Assumptions) != n+1) {
			t.Errorf("%d parts: notes %v and assumptions %v, want those of every part, each once", n, o.Notes, o.Assumptions)
		}
	}
}

func setOf(prefixes ...string) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, p := range prefixes {
		b.AddPrefix(netip.MustParsePrefix(p))
	}
	s, _ := b.IPSet()
	return s
}

func describeParts(parts []Part) []string {
	var out []string
	for _, p := range parts {
		out = append(out, fmt.Sprint(p.Verdict, p.Source, p.Destination, p.SourcePorts, p.Ports, p.Protocol, p.Tag))
	}
	return out
}

// Classes with one outcome are one part. A product of two sets is kept apart
// by source, and so are families and protocols.
func TestClassesOfOneOutcomeAreOnePart(t *testing.T) {
	a, b := setOf("10.0.0.0/25"), setOf("10.0.0.128/25")
	class := func(source string, from, to *netipx.IPSet) packetClass {
		return packetClass{t: flow.Tuple{Protocol: topology.TCP, Source: flow.At(netip.MustParseAddr(source)), Destination: flow.At(netip.MustParseAddr("10.9.9.9"))}, from: from, to: to}
	}
	proto := func(p topology.Protocol) packetClass {
		c := class("10.0.0.1", nil, nil)
		c.t.Protocol = p
		return c
	}
	ports := func(source, destination uint16) packetClass {
		c := class("10.0.0.1", nil, nil)
		c.sports, c.dports = []topology.PortRange{{First: source, Last: source}}, []topology.PortRange{{First: destination, Last: destination}}
		return c
	}
	six := class("fd00::1", setOf("fd00::/64"), nil)
	six.v6 = true
	yes := flow.Result[account]{Verdict: flow.Allow, Walk: account{hops: []Hop{ruleOf("a", "yes", flow.Allow)}}}
	no := flow.Result[account]{Verdict: flow.Deny, Walk: account{hops: []Hop{ruleOf("a", "no", flow.Deny)}}}
	for _, c := range []struct {
		name    string
		asked   topology.Protocol
		to      *end
		classes []packetClass
		denied  int // index of the denied class; -1: none
		want    []string
	}{
		{"sources", topology.TCP, &end{}, []packetClass{class("10.0.0.1", a, nil), class("10.0.0.129", b, nil)}, -1,
			[]string{"Allow [10.0.0.0/24] [] [] []"}},
		{"destinations", topology.TCP, &end{}, []packetClass{class("10.0.0.1", nil, a), class("10.0.0.1", nil, b)}, -1,
			[]string{"Allow [] [10.0.0.0/24] [] []"}},
		{"one is denied", topology.TCP, &end{}, []packetClass{class("10.0.0.1", nil, a), class("10.0.0.1", nil, b)}, 1,
			[]string{"Allow [] [10.0.0.0/25] [] []", "Deny [] [10.0.0.128/25] [] []"}},
		{"a product, by source", topology.TCP, &end{}, []packetClass{class("10.0.0.1", a, a), class("10.0.0.1", a, b), class("10.0.0.129", b, a)}, -1,
			[]string{"Allow [10.0.0.0/25] [10.0.0.0/24] [] []", "Allow [10.0.0.128/25] [10.0.0.0/25] [] []"}},
		{"families", topology.TCP, &end{}, []packetClass{class("10.0.0.1", a, nil), six}, -1,
			[]string{"Allow [10.0.0.0/25] [] [] []", "Allow [fd00::/64] [] [] []"}},
		{"protocols", topology.AnyProtocol, &end{}, []packetClass{proto(topology.TCP), proto(topology.UDP)}, -1,
			[]string{"Allow [] [] [] []Tcp", "Allow [] [] [] []Udp"}},
		{"ports", topology.TCP, &end{}, []packetClass{ports(1, 80), ports(1, 443), ports(1, 22)}, 2,
			[]string{"Allow [] [] [1] [80 443]", "Deny [] [] [1] [22]"}},
		{"ports that are no product", topology.TCP, &end{}, []packetClass{ports(1, 80), ports(2, 443)}, -1,
			[]string{"Allow [] [] [1] [80]", "Allow [] [] [2] [443]"}},
		{"a tag without addresses", topology.TCP, &end{named: true, tag: "Sql"}, []packetClass{class("10.0.0.1", nil, nil)}, -1,
			[]string{"Allow [] [] [] []Sql"}},
	} {
		results := make([]flow.Result[account], len(c.classes))
		for i := range results {
			results[i] = yes
			if i == c.denied {
				results[i] = no
			}
		}
		tr := tracer{s: &Simulator{}, to: c.to, q: TraceQuestion{Protocol: c.asked}}
		got := describeParts(tr.parts(c.classes, results))
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", c.name, d)
		}
	}
}

// A part that has every port lists none, and what is joined rests on what both
// rested on.
func TestPartsThatDifferInPortsAloneAreJoined(t *testing.T) {
	part := func(source, destination topology.PortRange, about string) Part {
		return Part{Outcome: Outcome{Verdict: flow.Allow, Assumptions: []flow.Assumption{{About: about}}},
			SourcePorts: []topology.PortRange{source}, Ports: []topology.PortRange{destination}}
	}
	low, high := topology.PortRange{First: 0, Last: 1023}, topology.PortRange{First: 1024, Last: 65535}
	web := topology.PortRange{First: 443, Last: 443}
	got := mergePortParts([]Part{part(low, low, "a"), part(high, low, "b"), part(low, high, "c"), part(high, high, "a")})
	if len(got) != 1 || got[0].SourcePorts != nil || got[0].Ports != nil || len(got[0].Assumptions) != 3 {
		t.Errorf("a product of ports is %+v, want one part of every port with three assumptions", got)
	}
	got = mergePortParts([]Part{part(topology.AllPorts, web, "a")})
	if d := cmp.Diff([]string{"Allow [] [] [] [443]"}, describeParts(got)); d != "" {
		t.Errorf("one part: (-want +got)\n%s", d)
	}
	got = mergePortParts([]Part{part(low, web, "a"), part(high, low, "a")})
	if d := cmp.Diff([]string{"Allow [] [] [0-1023] [443]", "Allow [] [] [1024-65535] [0-1023]"}, describeParts(got)); d != "" {
		t.Errorf("parts that differ in both: (-want +got)\n%s", d)
	}
}

// The bound is on the product of what the ends and the ports are cut into.
func TestAQuestionOfTooManyClassesIsRefused(t *testing.T) {
	single := func(n int) (out []topology.PortRange) {
		for i := range n {
			out = append(out, topology.PortRange{First: uint16(2 * i), Last: uint16(2 * i)})
		}
		return out
	}
	from, to := &end{addr: netip.MustParseAddr("10.0.0.1")}, &end{addr: netip.MustParseAddr("10.0.0.2")}
	tr := tracer{s: &Simulator{}, from: from, to: to, q: TraceQuestion{From: "a", To: "b", Protocol: topology.TCP, AnyPort: true}}
	if c, err := tr.classes(&met{source: single(800)}, single(700)); err == nil {
		t.Errorf("%d classes, want them refused: they are more than %d", len(c), MaxClasses)
	}
	c, err := tr.classes(&met{source: single(3)}, single(2))
	if err != nil || len(c) != 4*3 {
		t.Errorf("%d classes and error %v, want 12: of each port that is named and of the others", len(c), err)
	}
}

// A question is cut again as long as its walks meet a gate, a table, a firewall
// or a set that they had not met.
func TestWhatWalksMetIsCounted(t *testing.T) {
	c := newCuts()
	for i, add := range []func(){
		func() {},
		func() { c.gates[&nsg.Gate{}] = true },
		func() { c.tables[&route.Table{}] = true },
		func() { c.firewalls[&firewall.Firewall{}] = true },
		func() { c.sets[scope.SetOf(netip.MustParsePrefix("10.0.0.0/8"))] = true },
	} {
		add()
		if got := c.size(); got != i {
			t.Errorf("%d things met are counted as %d", i, got)
		}
	}
}
