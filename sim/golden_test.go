package sim_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load"
)

// reply is what [sim.Trace] and [sim.IPFlow] have in common.
type reply struct {
	verdict          flow.Verdict
	underAssumptions string
	codes            []flow.Code
	rule             string
	priority         int
	nsg              string
	hops             []sim.Hop
	assumptions      []flow.Assumption
	missing          []flow.Missing
	notes            []string
	parts            []sim.Part
	evaluated        []sim.EvaluatedNSG // IP flow only
	leftOut          []string           // trace only: address families of the destination
	undecided        bool
	anyAllow         bool
	anyDeny          bool
}

// ask is a question that can be put to any estate.
type ask func(*sim.Simulator) (reply, error)

// trace asks for the whole path of TCP from source port 50000.
func trace(from, to string, port uint16) ask {
	return traceAll(sim.TraceQuestion{From: from, To: to, Port: port, SourcePort: 50000, FixedSource: true})
}

// traceProtocol is trace with another protocol; ICMP has no ports.
func traceProtocol(p topology.Protocol, from, to string, port uint16) ask {
	q := sim.TraceQuestion{From: from, To: to, Protocol: p, Port: port}
	if p.HasPorts() {
		q.SourcePort, q.FixedSource = 50000, true
	}
	return traceAll(q)
}

// blockers is trace with every gate that stops the packet.
func blockers(from, to string, port uint16) ask {
	return traceAll(sim.TraceQuestion{From: from, To: to, Port: port, SourcePort: 50000, FixedSource: true, AllBlockers: true})
}

func traceAll(q sim.TraceQuestion) ask {
	return func(s *sim.Simulator) (reply, error) {
		a, err := s.Trace(q)
		if err != nil {
			return reply{}, err
		}
		return reply{
			verdict: a.Verdict, underAssumptions: a.UnderAssumptions, codes: []flow.Code{a.Code},
			rule: a.RuleName, priority: a.Priority, nsg: a.NetworkSecurityGroup, hops: a.Hops,
			assumptions: a.Assumptions, missing: a.Missing, notes: a.Notes, parts: a.Parts, leftOut: a.To.LeftOut,
			undecided: a.Undecided, anyAllow: a.AnyAllow, anyDeny: a.AnyDeny,
		}, nil
	}
}

// outbound asks IP flow verify about TCP from the interface that owns the
// local address; ends are ADDRESS:PORT.
func outbound(local, remote string) ask {
	return ipFlow(sim.IPFlowQuestion{Direction: golden.Out, Protocol: topology.TCP}, local, remote)
}

// inbound is outbound in the other direction.
func inbound(local, remote string) ask {
	return ipFlow(sim.IPFlowQuestion{Direction: golden.In, Protocol: topology.TCP}, local, remote)
}

func ipFlow(q sim.IPFlowQuestion, local, remote string) ask {
	q.Local, q.Remote = endpoint(local), endpoint(remote)
	return func(s *sim.Simulator) (reply, error) {
		a, err := s.IPFlow(q)
		if err != nil {
			return reply{}, err
		}
		r := reply{
			verdict: a.Access, underAssumptions: a.UnderAssumptions, codes: a.Codes,
			priority: a.Priority, nsg: a.NetworkSecurityGroup, hops: a.Hops,
			assumptions: a.Assumptions, missing: a.Missing, notes: a.Notes, parts: a.Parts, evaluated: a.Evaluated,
			undecided: a.Undecided, anyAllow: a.AnyAllow, anyDeny: a.AnyDeny,
		}
		if a.RuleName != nil {
			r.rule = *a.RuleName
		}
		return r, nil
	}
}

func endpoint(text string) sim.Endpoint {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return sim.Endpoint{Address: ap.Addr(), Port: ap.Port()}
	}
	return sim.Endpoint{Address: netip.MustParseAddr(text)}
}

// want is what a test expects of a reply. The verdict, the assumptions and
// the strict verdict are always compared.
type want struct {
	verdict flow.Verdict
	assumes []flow.AssumptionID
	checks  []func(*testing.T, reply)
}

// allowed expects an Allow that no rule need have decided.
func allowed() want { return want{verdict: flow.Allow} }

// allowedBy expects an Allow that the rule decided.
func allowedBy(nsg string, priority int, rule string) want {
	return allowed().code(flow.NSGRuleAllow).rule(nsg, priority, rule)
}

// denied expects a Deny for the reason.
func denied(code flow.Code) want { return want{verdict: flow.Deny}.code(code) }

// deniedBy expects a Deny that the rule decided.
func deniedBy(nsg string, priority int, rule string) want {
	return denied(flow.NSGRuleDeny).rule(nsg, priority, rule)
}

// undecided expects an Unknown for one of the reasons, as its code or among
// the missing facts.
func undecided(codes ...flow.Code) want {
	return want{verdict: flow.Unknown}.check(func(t *testing.T, r reply) {
		t.Helper()
		found := slices.Clone(r.codes)
		for _, m := range r.missing {
			found = append(found, m.Code)
		}
		if !slices.ContainsFunc(codes, func(c flow.Code) bool { return slices.Contains(found, c) }) {
			t.Errorf("reasons are %v, want one of %v", found, codes)
		}
	})
}

// split expects that a part is allowed and another denied, none undecided.
func split() want {
	return want{verdict: flow.Split}.check(func(t *testing.T, r reply) {
		t.Helper()
		if !r.anyAllow || !r.anyDeny || r.undecided {
			t.Errorf("allow %v, deny %v, undecided %v; want true, true, false", r.anyAllow, r.anyDeny, r.undecided)
		}
	})
}

func (w want) check(f func(*testing.T, reply)) want {
	w.checks = append(slices.Clone(w.checks), f)
	return w
}

// assuming expects exactly these assumptions, each at least once.
func (w want) assuming(ids ...flow.AssumptionID) want {
	w.assumes = ids
	return w
}

func (w want) code(c flow.Code) want {
	return w.check(func(t *testing.T, r reply) {
		t.Helper()
		if !slices.Contains(r.codes, c) {
			t.Errorf("codes are %v, want %s", r.codes, c)
		}
	})
}

func (w want) rule(nsg string, priority int, rule string) want {
	return w.check(func(t *testing.T, r reply) {
		t.Helper()
		got := fmt.Sprintf("%s/%d/%s", r.nsg, r.priority, r.rule)
		if want := fmt.Sprintf("%s/%d/%s", nsg, priority, rule); !strings.EqualFold(got, want) {
			t.Errorf("decided by %s, want %s", got, want)
		}
	})
}

// noRule expects that no rule of any NSG took part.
func (w want) noRule() want {
	return w.check(func(t *testing.T, r reply) {
		t.Helper()
		if r.rule != "" {
			t.Errorf("decided by rule %s, want none", r.rule)
		}
		for _, h := range r.hops {
			if h.Kind == sim.HopSecurityRules && h.RuleName != "" {
				t.Errorf("rule %s of %s took part, want none", h.RuleName, h.Name)
			}
		}
	})
}

// gates expects these NSGs in this order, each "NSG Direction rule"; places
// without an NSG are left out.
func (w want) gates(list ...string) want {
	return w.check(func(t *testing.T, r reply) {
		t.Helper()
		got := []string{}
		for _, h := range r.hops {
			if h.Kind == sim.HopSecurityRules && h.Name != "" {
				got = append(got, fmt.Sprintf("%s %s %s", h.Name, h.Direction, h.RuleName))
			}
		}
		if diff := cmp.Diff(append([]string{}, list...), got); diff != "" {
			t.Errorf("security rule hops (-want +got):\n%s", diff)
		}
	})
}

// skips expects the NSGs that an IP flow answer lists as not evaluated.
func (w want) skips(names ...string) want {
	return w.check(func(t *testing.T, r reply) {
		t.Helper()
		var got []string
		for _, e := range r.evaluated {
			if e.Skipped {
				got = append(got, e.NetworkSecurityGroupID[strings.LastIndex(e.NetworkSecurityGroupID, "/")+1:])
			}
		}
		if diff := cmp.Diff(names, got); diff != "" {
			t.Errorf("NSGs not evaluated (-want +got):\n%s", diff)
		}
	})
}

// via expects the next hop of the first route on the path; ip is "" for a hop
// that has no address.
func (w want) via(next topology.NextHopType, ip string) want {
	return w.check(func(t *testing.T, r reply) {
		t.Helper()
		h, ok := r.first(sim.HopRoute)
		switch {
		case !ok:
			t.Errorf("no route hop, want next hop %s %s", next, ip)
		case !strings.EqualFold(string(h.NextHopType), string(next)) || h.NextHopIPAddress != ip:
			t.Errorf("next hop is %s %s, want %s %s", h.NextHopType, h.NextHopIPAddress, next, ip)
		}
	})
}

// routed expects the prefix and the source of the first route on the path.
func (w want) routed(prefix, source string) want {
	return w.check(func(t *testing.T, r reply) {
		t.Helper()
		if h, _ := r.first(sim.HopRoute); h.AddressPrefix != prefix || h.RouteSource != source {
			t.Errorf("route is %s (%s), want %s (%s)", h.AddressPrefix, h.RouteSource, prefix, source)
		}
	})
}

// notVia expects that no hop is the appliance.
func (w want) notVia(ip string) want {
	return w.check(func(t *testing.T, r reply) {
		t.Helper()
		for _, h := range r.hops {
			if h.NextHopIPAddress == ip || h.Kind == sim.HopVirtualAppliance {
				t.Errorf("hop %s %s goes by an appliance", h.Kind, h.Name)
			}
		}
	})
}

// sourceAddress expects the source address that the other side sees.
func (w want) sourceAddress(ip string) want {
	return w.check(func(t *testing.T, r reply) {
		t.Helper()
		var got []string
		for _, h := range r.hops {
			if h.SourceAddress != "" {
				got = append(got, h.SourceAddress)
			}
		}
		if !slices.Equal(got, []string{ip}) {
			t.Errorf("source addresses on the way out are %v, want %s", got, ip)
		}
	})
}

// hop expects a hop of the kind with the code and, unless it is "", the rule.
func (w want) hop(kind sim.HopKind, code flow.Code, rule string) want {
	return w.check(func(t *testing.T, r reply) {
		t.Helper()
		for _, h := range r.hops {
			if h.Kind == kind && h.Code == code && (rule == "" || h.RuleName == rule) {
				return
			}
		}
		t.Errorf("no %s hop with code %s and rule %q in %s", kind, code, rule, r.path())
	})
}

// leg expects that the last hop is on this leg of a path through a proxy.
func (w want) leg(n int) want {
	return w.check(func(t *testing.T, r reply) {
		t.Helper()
		if len(r.hops) == 0 || r.hops[len(r.hops)-1].Leg != n {
			t.Errorf("the path does not end on leg %d: %s", n, r.path())
		}
	})
}

func (r reply) first(kind sim.HopKind) (sim.Hop, bool) {
	i := slices.IndexFunc(r.hops, func(h sim.Hop) bool { return h.Kind == kind })
	if i < 0 {
		return sim.Hop{}, false
	}
	return r.hops[i], true
}

// path is the hops on one line, for messages.
func (r reply) path() string {
	var out []string
	for _, h := range r.hops {
		out = append(out, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s %s",
			h.Kind, h.Name, h.RuleName, h.NextHopType, h.NextHopIPAddress, h.Code)), " "))
	}
	return "[" + strings.Join(out, " > ") + "]"
}

// test puts the question in default and in strict mode. An answer without
// assumptions is certain: strict mode says the same. One with assumptions is
// Unknown in strict mode, with the default verdict beside it.
func (w want) test(t *testing.T, e *golden.Estate, q ask) {
	t.Helper()
	w.testOptions(t, e.Build(), sim.Options{AsOf: golden.AsOf}, q)
}

func (w want) testOptions(t *testing.T, n *topology.Network, opts sim.Options, q ask) {
	t.Helper()
	r := answer(t, n, opts, q)
	if r.verdict != w.verdict {
		t.Errorf("verdict is %s, want %s", r.verdict, w.verdict)
	}
	got := map[flow.AssumptionID]bool{}
	for _, a := range r.assumptions {
		got[a.ID] = true
	}
	expected := map[flow.AssumptionID]bool{}
	for _, id := range w.assumes {
		expected[id] = true
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("assumptions (-want +got):\n%s", diff)
	}
	for _, c := range w.checks {
		c(t, r)
	}
	if r.verdict == flow.Unknown && len(r.missing) == 0 {
		t.Errorf("an Unknown that names no missing fact")
	}
	opts.Strict = true
	strict := answer(t, n, opts, q)
	switch {
	case len(w.assumes) == 0 && strict.verdict != w.verdict:
		t.Errorf("strict verdict is %s, want %s: it rests on no assumption", strict.verdict, w.verdict)
	case len(w.assumes) > 0:
		if strict.verdict != flow.Unknown || !slices.Contains(strict.codes, flow.UnwaivedAssumption) ||
			strict.underAssumptions != w.verdict.String() {
			t.Errorf("strict answer is %s %v (under assumptions %q), want Unknown %s (under assumptions %q)",
				strict.verdict, strict.codes, strict.underAssumptions, flow.UnwaivedAssumption, w.verdict)
		}
	}
	if t.Failed() {
		t.Logf("path: %s", r.path())
		for _, m := range r.missing {
			t.Logf("missing: %s %s: %s", m.Code, m.About, m.Text)
		}
		for _, a := range r.assumptions {
			t.Logf("assumed: %s %s: %s", a.ID, a.About, a.Text)
		}
	}
}

func answer(t *testing.T, n *topology.Network, opts sim.Options, q ask) reply {
	t.Helper()
	s, err := sim.New(n, opts)
	if err != nil {
		t.Fatal(err)
	}
	r, err := q(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// goldenTest is one line of section 11 of the specification.
type goldenTest struct {
	id     string
	fact   string
	estate *golden.Estate
	ask    ask
	want   want
}

// The estates that several golden tests start from.
func regionalAllow() *golden.Estate {
	return golden.New().SubnetNSG("app",
		golden.Allow("storage", 100, golden.Out).To("Storage.WestEurope").Ports("443"),
		golden.Deny("internet", 4000, golden.Out).To("Internet"))
}

func throughNVA() *golden.Estate {
	return golden.New().Routes("app", golden.Via("to-nva", "0.0.0.0/0", golden.NVA))
}

func accessOff() *golden.Estate { return golden.New().NoAccess("v1", "v2").NoAccess("v2", "v1") }

func databaseGroups() *golden.Estate {
	return golden.New().VM("d2", "db", "10.0.2.5").ASG("a1", "AsgLogic").ASG("d1", "AsgDb").SubnetNSG("db",
		golden.Allow("logic", 110, golden.In).TCP().FromASG("AsgLogic").ToASG("AsgDb").Ports("1433"),
		golden.Deny("others", 120, golden.In).ToASG("AsgDb").Ports("1433"))
}

func allBlocked(priority int, d topology.Direction) *golden.Rule {
	return golden.Deny("block", priority, d)
}

func storageOverNVA() *golden.Estate {
	return throughNVA().ServiceEndpoint("app", "Microsoft.Storage", "westeurope", "northeurope")
}

func endpointInDB() *golden.Estate {
	return golden.New().PrivateEndpoint("pe", "db", golden.PE, "mystore.blob.core.windows.net")
}

func vnetOverNVA() *golden.Estate {
	return endpointInDB().Routes("app", golden.Via("to-nva", "10.0.0.0/16", golden.NVA))
}

func xmlWhitelist() *golden.Estate {
	return golden.New().Datacenters(golden.Region("europewest", "westeurope", "20.60.24.0/21"),
		golden.Region("europenorth", "northeurope", "20.60.40.0/23")).
		SubnetNSG("app",
			golden.Allow("europewest-1", 100, golden.Out).To("20.60.24.0/21").Ports("443"),
			golden.Deny("internet", 4000, golden.Out).To("Internet"))
}

// proxyLayout is the layout of the 2018 article with a1's proxy set.
func proxyLayout() *golden.Estate { return noProxySet().UsesProxy("a1", golden.Proxy, 8080) }

func noProxySet() *golden.Estate {
	return golden.New().ProxyServer("px", 8080).
		SubnetNSG("app", golden.Deny("lockdown", 100, golden.Out).To("Internet")).
		SubnetNSG("dmz",
			golden.Allow("allow-proxy", 200, golden.Out).TCP().From("10.0.0.5/32").To("Internet").Ports("80-443"),
			golden.Deny("internet", 300, golden.Out).To("Internet"))
}

const pip = "198.51.100.9" // a1's public IP address where it has one

func goldenTests() []goldenTest {
	publicPort := func() *golden.Estate { return golden.New().PublicIP("a1", pip, "Standard") }
	nat := func() *golden.Estate { return golden.New().NATGateway("app", "198.51.100.20") }
	private := func() *golden.Estate { return golden.New().PrivateSubnet("app").SubnetNSG("app") }
	range80to443 := func(ports ...string) *golden.Estate {
		return golden.New().SubnetNSG("app",
			golden.Allow("web", 100, golden.Out).TCP().Ports(ports...), allBlocked(200, golden.Out))
	}
	stateful := func() *golden.Estate {
		return publicPort().SubnetNSG("app", golden.Allow("https", 100, golden.In).Ports("443"), allBlocked(100, golden.Out))
	}
	explicitPeer := func() *golden.Estate {
		return accessOff().
			SubnetNSG("app", golden.Allow("to-b1", 100, golden.Out).From("10.0.1.0/24").To("10.1.1.4").Ports("443")).
			SubnetNSG("web", golden.Allow("from-app", 100, golden.In).From("10.0.1.0/24").To("10.1.1.4").Ports("443"))
	}
	icmp := func() *golden.Estate {
		return golden.New().SubnetNSG("app", golden.Allow("https", 100, golden.Out).Ports("443"), allBlocked(200, golden.Out))
	}
	firewall := func(c ...*topology.RuleCollection) *golden.Estate { return golden.New().Firewall("app", c...) }
	bgpDefault := func() *golden.Estate { return golden.New().Gateway("v1", "10.0.254.0/27", "0.0.0.0/0") }

	return []goldenTest{
		// NSG order and state
		{"G01", "both levels are evaluated outbound, the subnet's logs",
			golden.New().NICNSG("a1").SubnetNSG("app"), trace("a1", golden.NET, 443),
			allowedBy("nsg-app", 65001, "AllowInternetOutBound").
				gates("nsg-a1 Outbound AllowInternetOutBound", "nsg-app Outbound AllowInternetOutBound").
				via(topology.NextHopInternet, "")},
		{"G01", "IP flow verify names the last NSG that allowed",
			golden.New().NICNSG("a1").SubnetNSG("app"), outbound("10.0.1.4:50000", golden.NET+":443"),
			allowedBy("nsg-app", 65001, "AllowInternetOutBound").skips()},
		{"G02", "an allow before the block wins", regionalAllow(), trace("a1", golden.SWE, 443),
			allowedBy("nsg-app", 100, "storage")},
		{"G03", "another region is not in the regional tag", regionalAllow(), trace("a1", golden.SNE, 443),
			deniedBy("nsg-app", 4000, "internet")},
		{"G04", "an allow after the block never matches",
			golden.New().SubnetNSG("app", golden.Deny("internet", 4000, golden.Out).To("Internet"),
				golden.Allow("storage", 4001, golden.Out).To("Storage").Ports("443")),
			trace("a1", golden.SWE, 443), deniedBy("nsg-app", 4000, "internet")},
		{"G05", "both levels must allow outbound",
			golden.New().NICNSG("a1", golden.Allow("all", 100, golden.Out)).
				SubnetNSG("app", golden.Deny("internet", 100, golden.Out).To("Internet")),
			trace("a1", golden.NET, 443),
			deniedBy("nsg-app", 100, "internet").gates("nsg-a1 Outbound all", "nsg-app Outbound internet")},
		{"G06", "inbound the subnet comes first and ends it",
			publicPort().NICNSG("a1", golden.Allow("https", 100, golden.In).From("Internet").Ports("443")).SubnetNSG("app"),
			trace(golden.NET, "a1", 443), deniedBy("nsg-app", 65500, "DenyAllInBound").gates("nsg-app Inbound DenyAllInBound")},
		{"G06", "the interface's NSG is reported as not evaluated",
			publicPort().NICNSG("a1", golden.Allow("https", 100, golden.In).From("Internet").Ports("443")).SubnetNSG("app"),
			inbound("10.0.1.4:443", golden.NET+":40000"), deniedBy("nsg-app", 65500, "DenyAllInBound").skips("nsg-a1")},
		{"G07", "traffic inside a subnet is not exempt",
			golden.New().SubnetNSG("app", allBlocked(4096, golden.Out)), trace("a1", "a2", 1433),
			deniedBy("nsg-app", 4096, "block").gates("nsg-app Outbound block")},
		{"G08", "no NSG allows", golden.New(), trace("a1", "a2", 1433),
			allowed().noRule().hop(sim.HopSecurityRules, flow.NoNSG, "").via(topology.NextHopVnetLocal, "")},
		{"G09", "a Basic public IP is open", golden.New().PublicIP("a1", pip, "Basic"), trace(golden.NET, "a1", 22),
			allowed().noRule()},
		{"G10", "a Standard public IP is closed without an NSG", publicPort(), trace(golden.NET, "a1", 22),
			denied(flow.StandardIPClosed).noRule()},
		{"G11", "the NSG does not see the public address",
			publicPort().SubnetNSG("app", golden.Allow("https", 100, golden.In).From("Internet").To(pip).Ports("443")),
			trace(golden.NET, pip, 443), deniedBy("nsg-app", 65500, "DenyAllInBound")},
		{"G12", "the NSG sees the private address",
			publicPort().SubnetNSG("app", golden.Allow("https", 100, golden.In).From("Internet").To("10.0.1.4").Ports("443")),
			trace(golden.NET, pip, 443), allowedBy("nsg-app", 100, "https")},
		{"G13", "outbound is evaluated before the source is translated",
			publicPort().SubnetNSG("app", golden.Allow("own", 100, golden.Out).From(pip).To("Internet"),
				golden.Deny("internet", 200, golden.Out).To("Internet")),
			trace("a1", golden.NET, 443), deniedBy("nsg-app", 200, "internet")},
		{"G14", "replies need no rule", stateful(), trace(golden.NET, "a1", 443), allowedBy("nsg-app", 100, "https")},
		{"G14", "a new flow outbound does", stateful(), trace("a1", golden.NET, 443), deniedBy("nsg-app", 100, "block")},
		{"G15", "priorities are numbers",
			golden.New().SubnetNSG("app", golden.Deny("later", 1000, golden.Out).Ports("443"),
				golden.Allow("first", 200, golden.Out).Ports("443")),
			trace("a1", golden.NET, 443), allowedBy("nsg-app", 200, "first")},
		{"G16", "one priority inbound and outbound: the outbound one",
			golden.New().SubnetNSG("app", golden.Deny("in", 100, golden.In), golden.Allow("out", 100, golden.Out)),
			outbound("10.0.1.4:50000", golden.NET+":443"), allowedBy("nsg-app", 100, "out")},
		{"G16", "one priority inbound and outbound: the inbound one",
			golden.New().SubnetNSG("app", golden.Deny("in", 100, golden.In), golden.Allow("out", 100, golden.Out)),
			inbound("10.0.1.4:443", "10.0.2.4:50000"), deniedBy("nsg-app", 100, "in")},
		{"G17", "80-443 is a range", range80to443("80-443"), trace("a1", golden.NET, 135), allowedBy("nsg-app", 100, "web")},
		{"G18", "a port outside a list of ranges", range80to443("80", "443", "8000-8080"), trace("a1", golden.NET, 444),
			deniedBy("nsg-app", 200, "block")},
		{"G18", "the last port of a range", range80to443("80", "443", "8000-8080"), trace("a1", golden.NET, 8080),
			allowedBy("nsg-app", 100, "web")},
		{"G19", "the protocol must match",
			golden.New().SubnetNSG("app", golden.Deny("tcp-in", 100, golden.In).TCP(), golden.Deny("tcp-out", 100, golden.Out).TCP()),
			traceProtocol(topology.UDP, "a1", "a2", 53),
			allowedBy("nsg-app", 65000, "AllowVnetInBound").
				gates("nsg-app Outbound AllowVnetOutBound", "nsg-app Inbound AllowVnetInBound")},
		{"G20", "tags are compared without case",
			golden.New().SubnetNSG("app", golden.Allow("web", 100, golden.Out).TCP().To("internet").Ports("443"), allBlocked(200, golden.Out)),
			trace("a1", golden.NET, 443), allowedBy("nsg-app", 100, "web")},
		{"G21", "ICMP has no port to match", icmp(), traceProtocol(topology.ICMP, "a1", "a2", 0),
			deniedBy("nsg-app", 200, "block").assuming(flow.ICMPNeedsAllPorts)},

		// Tags
		{"G22", "Azure DNS is not filtered", golden.New().SubnetNSG("app", allBlocked(100, golden.Out)),
			traceProtocol(topology.UDP, "a1", golden.Host, 53), allowed().code(flow.PlatformAddress).noRule()},
		{"G23", "only its tag reaches Azure DNS",
			golden.New().SubnetNSG("app", golden.Deny("dns", 100, golden.Out).To("AzurePlatformDNS")),
			traceProtocol(topology.UDP, "a1", golden.Host, 53), deniedBy("nsg-app", 100, "dns")},
		{"G24", "the platform is beyond rules and routes",
			throughNVA().SubnetNSG("app", golden.Deny("host", 100, golden.Out).To("168.63.129.16/32")),
			trace("a1", golden.Host, 32526), allowed().code(flow.PlatformAddress).notVia(golden.NVA)},
		{"G25", "the metadata service is not filtered", golden.New().SubnetNSG("app", allBlocked(100, golden.Out)),
			trace("a1", golden.IMDS, 80), allowed().code(flow.PlatformAddress)},
		{"G25", "only its tag reaches the metadata service",
			golden.New().SubnetNSG("app", golden.Deny("imds", 100, golden.Out).To("AzurePlatformIMDS")),
			trace("a1", golden.IMDS, 80), deniedBy("nsg-app", 100, "imds")},
		{"G26", "health probes are filtered", golden.New().SubnetNSG("app", allBlocked(4096, golden.In)),
			inbound("10.0.1.4:80", golden.Host+":50000"), deniedBy("nsg-app", 4096, "block")},
		{"G27", "balanced traffic is not AzureLoadBalancer",
			golden.New().LoadBalancer("lb", "198.51.100.30", 80, 80, "a1").
				SubnetNSG("app", golden.Allow("probe", 100, golden.In).From("AzureLoadBalancer").Ports("80")),
			trace(golden.NET, "198.51.100.30", 80), deniedBy("nsg-app", 65500, "DenyAllInBound")},
		{"G28", "a peer is in VirtualNetwork", golden.New().SubnetNSG("web").SubnetNSG("app"), trace("b1", "a1", 445),
			allowedBy("nsg-app", 65000, "AllowVnetInBound").
				gates("nsg-web Outbound AllowVnetOutBound", "nsg-app Inbound AllowVnetInBound").
				via(topology.NextHopVNetPeering, "")},
		{"G29", "without access the peer leaves the tag", accessOff().SubnetNSG("app").SubnetNSG("web"), trace("a1", "b1", 443),
			deniedBy("nsg-app", 65500, "DenyAllOutBound")},
		{"G30", "rules that name a peer without access: the sources conflict", explicitPeer(), trace("a1", "b1", 443),
			undecided(flow.SourcesConflict)},
		{"G30", "the NSGs themselves allow",
			explicitPeer(), outbound("10.0.1.4:50000", "10.1.1.4:443"), allowedBy("nsg-app", 100, "to-b1")},
		{"G30b", "peering access off without any NSG", accessOff(), trace("a1", "b1", 443), denied(flow.PeeringAccessDisabled)},
		{"G31", "peerings are not transitive", golden.New().SubnetNSG("app"), trace("a1", "10.2.1.4", 443),
			deniedBy("nsg-app", 65500, "DenyAllOutBound")},
		{"G31", "and there is no route either", golden.New().SubnetNSG("app"), blockers("a1", "10.2.1.4", 443),
			deniedBy("nsg-app", 65500, "DenyAllOutBound").via(topology.NextHopNone, "").routed("10.0.0.0/8", "Default")},
		{"G32", "prefixes of user routes join the tag",
			golden.New().SubnetNSG("app").Routes("app", golden.Via("to-v3", "10.2.0.0/16", golden.NVA)),
			outbound("10.0.1.4:50000", "10.2.1.4:443"), allowedBy("nsg-app", 65000, "AllowVnetOutBound")},
		{"G33", "with a default route everything is VirtualNetwork", throughNVA().SubnetNSG("app"),
			trace("a1", golden.NET, 443),
			allowedBy("nsg-app", 65000, "AllowVnetOutBound").via(topology.NextHopVirtualAppliance, golden.NVA).
				routed("0.0.0.0/0", "User").assuming(flow.NVAForwardsAndPermits)},
		{"G33", "the NSG's answer needs no assumption", throughNVA().SubnetNSG("app"),
			outbound("10.0.1.4:50000", golden.NET+":443"), allowedBy("nsg-app", 65000, "AllowVnetOutBound")},
		{"G34", "then a VirtualNetwork block stops the Internet",
			throughNVA().SubnetNSG("app", golden.Deny("isolate", 4000, golden.Out).From("VirtualNetwork").To("VirtualNetwork")),
			trace("a1", golden.SWE, 443), deniedBy("nsg-app", 4000, "isolate")},
		{"G35", "unless an allow comes first",
			throughNVA().SubnetNSG("app", golden.Allow("storage", 100, golden.Out).To("Storage"),
				golden.Deny("isolate", 4000, golden.Out).From("VirtualNetwork").To("VirtualNetwork")),
			trace("a1", golden.SWE, 443),
			allowedBy("nsg-app", 100, "storage").via(topology.NextHopVirtualAppliance, golden.NVA).assuming(flow.NVAForwardsAndPermits)},
		{"G36", "inbound the Internet is VirtualNetwork too", throughNVA().SubnetNSG("app").PublicIP("a1", pip, "Standard"),
			inbound("10.0.1.4:22", golden.NET+":40000"), allowedBy("nsg-app", 65000, "AllowVnetInBound")},
		{"G36", "but the replies leave by the appliance", throughNVA().SubnetNSG("app").PublicIP("a1", pip, "Standard"),
			trace(golden.NET, "a1", 22), denied(flow.ReturnPathAsymmetric)},
		{"G37", "an appliance's own NSG sees an Internet destination", throughNVA().NICNSG("nva"), trace("a1", golden.NET, 443),
			deniedBy("nsg-nva", 65500, "DenyAllInBound").gates("nsg-nva Inbound DenyAllInBound").
				via(topology.NextHopVirtualAppliance, golden.NVA)},
		{"G38", "what a gateway learned is VirtualNetwork",
			golden.New().Gateway("v1", "10.0.254.0/27", "172.20.0.0/16").SubnetNSG("app"),
			inbound("10.0.1.4:3389", "172.20.1.1:40000"), allowedBy("nsg-app", 65000, "AllowVnetInBound")},
		{"G39", "private addresses are not Internet",
			golden.New().SubnetNSG("app", golden.Deny("internet", 100, golden.Out).To("Internet")).SubnetNSG("db"),
			trace("a1", "d1", 1433),
			allowedBy("nsg-db", 65000, "AllowVnetInBound").
				gates("nsg-app Outbound AllowVnetOutBound", "nsg-db Inbound AllowVnetInBound")},
		{"G40", "an unrouted private address is in neither tag", golden.New().SubnetNSG("app"), trace("a1", "10.200.0.1", 443),
			deniedBy("nsg-app", 65500, "DenyAllOutBound")},
		{"G40", "and dropped by its route", golden.New().SubnetNSG("app"), blockers("a1", "10.200.0.1", 443),
			deniedBy("nsg-app", 65500, "DenyAllOutBound").via(topology.NextHopNone, "").routed("10.0.0.0/8", "Default")},
		{"G41", "tags nest",
			golden.New().SubnetNSG("app", golden.Allow("azure", 100, golden.Out).To("AzureCloud.westeurope").Ports("443"),
				golden.Deny("internet", 200, golden.Out).To("Internet")),
			trace("a1", golden.SWE, 443), allowedBy("nsg-app", 100, "azure")},
		{"G42", "a whitelist of datacenter ranges", xmlWhitelist(), trace("a1", golden.SWE, 443),
			allowedBy("nsg-app", 100, "europewest-1")},
		{"G42", "the region by its backend name", xmlWhitelist(), trace("a1", "datacenter:europewest", 443),
			allowedBy("nsg-app", 100, "europewest-1")},
		{"G42", "the region by its ARM name", xmlWhitelist(), trace("a1", "datacenter:westeurope", 443),
			allowedBy("nsg-app", 100, "europewest-1")},

		// Application security groups and admin rules
		{"G47", "members of both groups", databaseGroups(), trace("a1", "d1", 1433), allowedBy("nsg-db", 110, "logic")},
		{"G48", "not a member of the source group", databaseGroups(), trace("a2", "d1", 1433), deniedBy("nsg-db", 120, "others")},
		{"G49", "for no member the rule is absent", databaseGroups(), trace("a2", "d2", 1433),
			allowedBy("nsg-db", 65000, "AllowVnetInBound")},
		{"G50", "an admin Deny comes before the NSGs",
			golden.New().Admin("v1", golden.Deny("no-rdp", 10, golden.In).TCP().Ports("3389")).
				SubnetNSG("app", golden.Allow("rdp", 100, golden.In).Ports("3389")),
			trace("b1", "a1", 3389),
			denied(flow.AdminRuleDeny).rule("", 10, "no-rdp").gates().hop(sim.HopAdminRules, flow.AdminRuleDeny, "no-rdp")},
		{"G51", "AlwaysAllow skips the NSGs",
			golden.New().Admin("v1", golden.AlwaysAllow("https", 10, golden.In).TCP().Ports("443")).
				SubnetNSG("app", allBlocked(100, golden.In)),
			trace("b1", "a1", 443),
			allowed().code(flow.AdminRuleAlwaysAllow).rule("", 10, "https").hop(sim.HopAdminRules, flow.AdminRuleAlwaysAllow, "https")},
		{"G52", "Allow goes on to the NSGs",
			golden.New().Admin("v1", golden.Allow("https", 10, golden.In).TCP().Ports("443")).
				SubnetNSG("app", allBlocked(100, golden.In)),
			trace("b1", "a1", 443), deniedBy("nsg-app", 100, "block").hop(sim.HopAdminRules, flow.AdminRuleAllow, "https")},
		{"G53", "AlwaysAllow is for its own side",
			golden.New().Admin("v1", golden.AlwaysAllow("out", 10, golden.Out)).SubnetNSG("web", allBlocked(100, golden.In)),
			trace("a1", "b1", 443), deniedBy("nsg-web", 100, "block")},
		{"G54", "admin rules do not apply to private endpoints",
			endpointInDB().Admin("v1", golden.Deny("no-https", 10, golden.In).TCP().Ports("443")),
			trace("a1", golden.PE, 443), allowed().via(topology.NextHopPrivateEndpoint, "")},

		// Routing and egress
		{"G55", "a tag route is longer than the default route",
			throughNVA().Routes("app", golden.Hop("storage", "Storage.WestEurope", topology.NextHopInternet)),
			trace("a1", golden.SWE, 443), allowed().via(topology.NextHopInternet, "").notVia(golden.NVA)},
		{"G56", "a service endpoint is longer than the default route", storageOverNVA(), trace("a1", golden.SWE, 443),
			allowed().via(topology.NextHopServiceEndpoint, "").notVia(golden.NVA).sourceAddress("10.0.1.4")},
		{"G57", "a service endpoint does not bypass the NSG",
			storageOverNVA().SubnetNSG("app", golden.Deny("internet", 100, golden.Out).To("Internet")),
			trace("a1", golden.SWE, 443), deniedBy("nsg-app", 100, "internet")},
		{"G58", "an appliance without IP forwarding drops", throughNVA().NoForwarding("nva"), trace("a1", golden.NET, 443),
			denied(flow.NVANoForwarding).via(topology.NextHopVirtualAppliance, golden.NVA)},
		{"G59", "a user route beats the peering",
			golden.New().Routes("app", golden.Hop("drop", "10.1.0.0/16", topology.NextHopNone)),
			trace("a1", "b1", 443), denied(flow.RouteNone).via(topology.NextHopNone, "").routed("10.1.0.0/16", "User")},
		{"G60", "a peering beats a longer BGP route", golden.New().Gateway("v1", "10.0.254.0/27", "10.1.1.0/24"),
			trace("a1", "b1", 443), allowed().via(topology.NextHopVNetPeering, "")},
		{"G61", "BGP beats the system default route", bgpDefault(), trace("a1", golden.SWE, 443),
			undecided(flow.ForcedTunnel).via(topology.NextHopGateway, "").routed("0.0.0.0/0", "VirtualNetworkGateway")},
		{"G62", "without propagation it is gone", bgpDefault().NoPropagation("app"), trace("a1", golden.SWE, 443),
			allowed().via(topology.NextHopInternet, "").routed("0.0.0.0/0", "Default")},
		{"G63", "reserved ranges are dropped", golden.New(), trace("a1", "192.168.9.9", 443),
			denied(flow.RouteNone).via(topology.NextHopNone, "").routed("192.168.0.0/16", "Default")},
		{"G64", "but not with a default route of the user", throughNVA(), trace("a1", "192.168.9.9", 443),
			denied(flow.RouteNone).via(topology.NextHopVirtualAppliance, golden.NVA).routed("0.0.0.0/0", "User")},
		{"G65", "a private endpoint beats the default route",
			endpointInDB().Routes("app", golden.Via("to-nva", "0.0.0.0/0", golden.NVA)), trace("a1", golden.PE, 443),
			allowed().via(topology.NextHopPrivateEndpoint, "").notVia(golden.NVA)},
		{"G66", "policies let a route as long as the network win",
			vnetOverNVA().PrivateEndpointPolicies("db", topology.PolicyRouteTableEnabled), trace("a1", golden.PE, 443),
			allowed().via(topology.NextHopVirtualAppliance, golden.NVA).assuming(flow.NVAForwardsAndPermits)},
		{"G67", "without policies it does not",
			vnetOverNVA().PrivateEndpointPolicies("db", topology.PolicyDisabled), trace("a1", golden.PE, 443),
			allowed().via(topology.NextHopPrivateEndpoint, "").notVia(golden.NVA)},
		{"G68", "without policies the subnet's NSG is not asked",
			endpointInDB().PrivateEndpointPolicies("db", topology.PolicyDisabled).SubnetNSG("db", allBlocked(100, golden.In)),
			trace("a1", golden.PE, 443), allowed().noRule()},
		{"G69", "an explicit prefix beats a tag",
			golden.New().Routes("app", golden.Hop("drop", "20.60.26.0/23", topology.NextHopNone),
				golden.Hop("storage", "Storage", topology.NextHopInternet)),
			trace("a1", golden.SWE, 443), denied(flow.RouteNone).via(topology.NextHopNone, "").routed("20.60.26.0/23", "User")},
		{"G70", "a private subnet has no way out", private(), trace("a1", golden.NET, 443),
			denied(flow.NoEgress).gates("nsg-app Outbound AllowInternetOutBound").via(topology.NextHopInternet, "")},
		{"G71", "except to Storage of its region", private(), trace("a1", golden.SWE, 443), allowed().via(topology.NextHopInternet, "")},
		{"G72", "and of no other region", private(), trace("a1", golden.SNE, 443), denied(flow.NoEgress)},
		{"G73", "a route to Internet needs a way out too",
			private().Routes("app", golden.Via("to-nva", "0.0.0.0/0", golden.NVA),
				golden.Hop("aad", "AzureActiveDirectory", topology.NextHopInternet)),
			trace("a1", golden.AAD, 443), denied(flow.NoEgress).via(topology.NextHopInternet, "")},
		{"G74", "the NAT gateway beats the public IP address", nat().PublicIP("a1", pip, "Standard").SubnetNSG("app"),
			trace("a1", golden.NET, 443), allowed().sourceAddress("198.51.100.20").via(topology.NextHopInternet, "")},
		{"G75", "a user route beats the NAT gateway", nat().Routes("app", golden.Via("to-nva", "0.0.0.0/0", golden.NVA)),
			trace("a1", golden.NET, 443),
			allowed().via(topology.NextHopVirtualAppliance, golden.NVA).assuming(flow.NVAForwardsAndPermits)},
		{"G76", "a NAT gateway takes no ICMP", nat().SubnetNSG("app"), traceProtocol(topology.ICMP, "a1", golden.NET, 0),
			denied(flow.EgressNoICMP).gates("nsg-app Outbound AllowInternetOutBound")},
		{"G76", "nor does default outbound access", golden.New().SubnetNSG("app"), traceProtocol(topology.ICMP, "a1", golden.NET, 0),
			denied(flow.EgressNoICMP).gates("nsg-app Outbound AllowInternetOutBound")},

		// Azure Firewall
		{"G77", "a network rule ends it before the application rules",
			firewall(
				golden.NetworkRules("net", 200, topology.Allow, golden.NetworkRule("web", "*", "80", "443")),
				golden.ApplicationRules("app", 100, topology.Deny, golden.ApplicationRule("google", "https:443", "google.com"))),
			trace("a1", golden.NET, 443), allowed().hop(sim.HopFirewall, flow.FirewallRuleAllow, "web")},
		{"G78", "collections go by priority",
			firewall(
				golden.NetworkRules("allow", 200, topology.Allow, golden.NetworkRule("ssh", "*", "22")),
				golden.NetworkRules("deny", 100, topology.Deny, golden.NetworkRule("no-ssh", "*", "22"))),
			trace("a1", golden.NET, 22), denied(flow.FirewallRuleDeny).hop(sim.HopFirewall, flow.FirewallRuleDeny, "no-ssh")},
		{"G79", "a port that no rule names is denied",
			firewall(golden.ApplicationRules("app", 100, topology.Allow,
				golden.ApplicationRule("blobs", "https:443", "mystore.blob.core.windows.net"))),
			trace("a1", "mystore.blob.core.windows.net", 8443), denied(flow.FirewallDefaultDeny)},

		// Proxy
		{"G80", "out through the proxy", proxyLayout(), trace("a1", golden.SWE, 443),
			allowedBy("nsg-dmz", 200, "allow-proxy").
				gates("nsg-app Outbound AllowVnetOutBound", "nsg-dmz Inbound AllowVnetInBound", "nsg-dmz Outbound allow-proxy").
				leg(2).assuming(flow.HostFirewallOpen)},
		{"G81", "without a proxy set it goes direct", noProxySet(), trace("a1", golden.SWE, 443), deniedBy("nsg-app", 100, "lockdown")},
		{"G82", "the exception is for the proxy's address alone",
			golden.New().NSG("shared",
				golden.Allow("allow-proxy", 200, golden.Out).TCP().From("10.0.0.5/32").To("Internet").Ports("80-443"),
				golden.Deny("internet", 300, golden.Out).To("Internet")).AttachSubnet("app", "shared").AttachSubnet("dmz", "shared"),
			trace("a1", golden.SWE, 443), deniedBy("shared", 300, "internet")},
		{"G83", "8443 is not in 80-443", proxyLayout(), trace("px", golden.SWE, 8443), deniedBy("nsg-dmz", 300, "internet")},
		{"G83", "neither from a1 through the proxy", proxyLayout(), trace("a1", golden.SWE, 8443),
			deniedBy("nsg-dmz", 300, "internet").leg(2)},
		{"G84", "the proxy must be reachable",
			proxyLayout().With(func(e *golden.Estate) {
				e.NSG("nsg-closed", golden.Deny("no-proxy", 100, golden.In).From("VirtualNetwork").Ports("8080")).AttachSubnet("dmz", "nsg-closed")
			}),
			trace("a1", golden.SWE, 443), deniedBy("nsg-closed", 100, "no-proxy").leg(1)},
		{"G85", "a proxy that asks for a password",
			proxyLayout().With(func(e *golden.Estate) { e.Machine("px").ProxyServer.Authentication = "required" }),
			trace("a1", golden.SWE, 443), denied(flow.ProxyAuthRequired)},
		{"G86", "a proxy that does not allow the host",
			proxyLayout().ProxyServer("px", 8080, "*.backup.windowsazure.com"),
			trace("a1", "mystore.blob.core.windows.net", 443), denied(flow.ProxyHostNotAllowed)},
	}
}

func TestGolden(t *testing.T) {
	for _, g := range goldenTests() {
		t.Run(g.id+" "+g.fact, func(t *testing.T) { g.want.test(t, g.estate, g.ask) })
	}
}

// loadTests are the golden tests of what the reader of files accepts.
var loadTests = []struct {
	id, fact string
	content  string
	refusal  string // part of the error; "" means the file is accepted
}{
	{"G16", "a priority may be used once in each direction",
		nsgFile(rest("in", 100, "Inbound", `"destinationPortRange":"443","destinationAddressPrefix":"*"`) + "," +
			rest("out", 100, "Outbound", `"destinationPortRange":"443","destinationAddressPrefix":"*"`)), ""},
	{"G43", "a tag in a list of prefixes is refused",
		nsgFile(rest("r", 100, "Outbound", `"destinationPortRange":"443","destinationAddressPrefixes":["Storage","10.0.0.0/8"]`)),
		"SecurityRuleParameterContainsUnsupportedValue"},
	{"G44", "a list in a port field is refused",
		nsgFile(rest("r", 100, "Outbound", `"destinationPortRange":"80,443","destinationAddressPrefix":"*"`)),
		"SecurityRuleInvalidPortRange"},
	{"G45", "overlapping prefixes are refused",
		nsgFile(rest("r", 100, "Outbound", `"destinationPortRange":"443","destinationAddressPrefixes":["1.1.0.0/24","1.1.0.22/32"]`)),
		"OverlappingSubnetsNotPermittedInSecurityRule"},
	{"G46", "the effective view lists tags", effectiveFile, ""},
}

func nsgFile(rules string) string {
	return `{"name":"n","id":"` + restNSG + `","type":"Microsoft.Network/networkSecurityGroups","location":"westeurope",` +
		`"properties":{"provisioningState":"Succeeded","securityRules":[` + rules + `]}}`
}

const restNSG = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/n"

// rest is a rule in the shape of the REST API; destination is its properties
// for the destination.
func rest(name string, priority int, direction, destination string) string {
	return fmt.Sprintf(`{"name":%q,"id":"%s/securityRules/%s","properties":{"provisioningState":"Succeeded","protocol":"Tcp",`+
		`"sourcePortRange":"*","sourceAddressPrefix":"*",%s,"access":"Allow","priority":%d,"direction":%q}}`,
		name, restNSG, name, destination, priority, direction)
}

const effectiveFile = `{"value":[{"networkSecurityGroup":{"id":"` + restNSG + `"},
 "association":{"networkInterface":{"id":"/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network/networkInterfaces/x"}},
 "effectiveSecurityRules":[{"name":"securityRules/out","protocol":"Tcp","sourcePortRange":"0-65535","destinationPortRange":"443-443",
  "sourcePortRanges":["0-65535"],"destinationPortRanges":["443-443"],"sourceAddressPrefix":"0.0.0.0/0","destinationAddressPrefix":"Internet",
  "sourceAddressPrefixes":["0.0.0.0/0"],"destinationAddressPrefixes":["Internet"],"access":"Allow","priority":100,"direction":"Outbound"}]}]}`

func TestGoldenLoad(t *testing.T) {
	for _, l := range loadTests {
		t.Run(l.id+" "+l.fact, func(t *testing.T) {
			res, err := loadFiles(t, map[string]string{"export.json": l.content})
			if l.refusal != "" {
				if err == nil || !strings.Contains(err.Error(), l.refusal) {
					t.Fatalf("error is %v, want one with %s", err, l.refusal)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			rules := map[string]*topology.SecurityRule{}
			for _, g := range res.Network.NetworkSecurityGroups {
				for _, r := range g.SecurityRules {
					rules[r.Name] = r
				}
			}
			for _, g := range res.Network.EffectiveSecurityGroups {
				for _, r := range g.Rules {
					rules[topology.BareRuleName(r.Name)] = r
				}
			}
			out := rules["out"]
			if out == nil || out.Priority != 100 || out.Direction != topology.Outbound {
				t.Fatalf("rule out was read as %+v", out)
			}
			if in := rules["in"]; l.id == "G16" && (in == nil || in.Priority != 100 || in.Direction != topology.Inbound) {
				t.Errorf("rule in was read as %+v", in)
			}
			if l.id == "G46" && (len(out.Destination.Prefixes) != 1 || out.Destination.Prefixes[0].Tag != "Internet") {
				t.Errorf("destination was read as %+v, want the tag Internet", out.Destination.Prefixes)
			}
		})
	}
}

// TestGoldenSpellings is G20 as it comes from a file: other letter cases of
// enumerations and tags decide like the canonical ones.
func TestGoldenSpellings(t *testing.T) {
	spell := func(protocol, access, direction, tag string) string {
		return nsgFile(fmt.Sprintf(`{"name":"web","id":"%s/securityRules/web","properties":{"protocol":%q,"sourcePortRange":"*",`+
			`"sourceAddressPrefix":"*","destinationPortRange":"443","destinationAddressPrefix":%q,"access":%q,"priority":100,"direction":%q}},`+
			`{"name":"block","id":"%s/securityRules/block","properties":{"protocol":"*","sourcePortRange":"*","sourceAddressPrefix":"*",`+
			`"destinationPortRange":"*","destinationAddressPrefix":"*","access":"Deny","priority":200,"direction":"Outbound"}}`,
			restNSG, protocol, tag, access, direction, restNSG))
	}
	for _, content := range []string{
		spell("Tcp", "Allow", "Outbound", "Internet"),
		spell("TCP", "allow", "outbound", "internet"),
		spell("tcp", "ALLOW", "OUTBOUND", "INTERNET"),
	} {
		res, err := loadFiles(t, map[string]string{"nsg.json": content})
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Network.NetworkSecurityGroups) != 1 {
			t.Fatalf("%d NSGs were read, want 1", len(res.Network.NetworkSecurityGroups))
		}
		e := golden.New().Add(res.Network.NetworkSecurityGroups[0]).AttachSubnet("app", "n")
		allowedBy("n", 100, "web").test(t, e, trace("a1", golden.NET, 443))
		deniedBy("n", 200, "block").test(t, e, trace("a1", golden.NET, 444))
	}
}

// loadFiles writes files into a folder of their own and reads them.
func loadFiles(t *testing.T, files map[string]string) (*load.Result, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	res, err := load.Estate(context.Background(), []string{dir}, load.Options{})
	if err == nil && res == nil {
		return nil, errors.New("neither a result nor an error")
	}
	return res, err
}

// TestGoldenDatacenterNames is the rest of G42: both names of a region stand
// for the same ranges.
func TestGoldenDatacenterNames(t *testing.T) {
	n := xmlWhitelist().Build()
	s, err := sim.New(n, sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	var answers []*sim.Trace
	for _, to := range []string{"datacenter:europewest", "datacenter:westeurope"} {
		a, err := s.Trace(sim.TraceQuestion{From: "a1", To: to, Port: 443})
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, a)
	}
	if a, b := answers[0], answers[1]; a.To.Prefixes != b.To.Prefixes || a.Verdict != b.Verdict {
		t.Errorf("europewest: %d prefixes, %s; westeurope: %d prefixes, %s", a.To.Prefixes, a.Verdict, b.To.Prefixes, b.Verdict)
	}
	if diff := cmp.Diff(answers[0].Hops, answers[1].Hops, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("hops differ (-europewest +westeurope):\n%s", diff)
	}
}

// TestGoldenEffectiveRoutes is the rest of G59: the losing peering route is
// listed as Invalid.
func TestGoldenEffectiveRoutes(t *testing.T) {
	e := golden.New().Routes("app", golden.Hop("drop", "10.1.0.0/16", topology.NextHopNone))
	s, err := sim.New(e.Build(), sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	routes, err := s.EffectiveRoutes("a1")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range routes.Routes {
		if slices.Contains(r.AddressPrefix, "10.1.0.0/16") {
			got = append(got, fmt.Sprintf("%s %s %s", r.Source, r.NextHopType, r.State))
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"Default VNetPeering Invalid", "User None Active"}, got); diff != "" {
		t.Errorf("routes of 10.1.0.0/16 (-want +got):\n%s", diff)
	}
}

// TestGoldenNumbers holds that no golden test is left out: G87 to G89 are of
// the backup analysis.
func TestGoldenNumbers(t *testing.T) {
	have := map[string]bool{}
	for _, g := range goldenTests() {
		have[g.id] = true
	}
	for _, l := range loadTests {
		have[l.id] = true
	}
	for i := 1; i <= 86; i++ {
		if id := fmt.Sprintf("G%02d", i); !have[id] {
			t.Errorf("%s has no test", id)
		}
	}
	if !have["G30b"] {
		t.Error("G30b has no test")
	}
}
