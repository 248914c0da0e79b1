package firewall_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim/firewall"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

const (
	app     = "10.0.1.4"      // a1, behind the firewall
	blob    = golden.SWE      // an address of Azure
	outside = "203.0.113.10"  // one that is not Azure's
	public  = "198.51.100.40" // the firewall's own
)

// compiled is the firewall fw1 of the estate.
func compiled(e *golden.Estate) *firewall.Firewall {
	n := e.Build()
	fw := n.AzureFirewalls[0]
	sub, _ := topology.Lookup[*topology.Subnet](n, fw.Subnet)
	return firewall.New(n, scope.New(n, scope.Options{AsOf: golden.AsOf}).At(sub), fw)
}

func classic(c ...*topology.RuleCollection) *golden.Estate { return golden.New().Firewall("app", c...) }

// tcp is a packet from a1's port 50000.
func tcp(to string, port uint16) flow.Tuple {
	return flow.Tuple{Protocol: topology.TCP, Source: flow.At(netip.MustParseAddr(app)), SourcePort: 50000,
		Destination: flow.At(netip.MustParseAddr(to)), DestinationPort: port}
}

func udp(to string, port uint16) flow.Tuple {
	t := tcp(to, port)
	t.Protocol = topology.UDP
	return t
}

func portless(p topology.Protocol, to string) flow.Tuple {
	t := tcp(to, 0)
	t.Protocol, t.SourcePort = p, 0
	return t
}

// inbound is a packet from the Internet to a port of the firewall.
func inbound(port uint16) flow.Tuple {
	t := tcp(public, port)
	t.Source = flow.At(netip.MustParseAddr(outside))
	return t
}

func decide(f *firewall.Firewall, t flow.Tuple, target firewall.Target) flow.Result[firewall.Decision] {
	return flow.Explore(func(w *flow.World) (bool, firewall.Decision) {
		d := f.Decide(w, t, target)
		return d.Access == topology.Allow, d
	}, nil)
}

// ruleOf is the name of the rule that decides, "" where none does.
func ruleOf(d firewall.Decision) string {
	if d.Rule == nil {
		return ""
	}
	return d.Rule.Name
}

func network(name, to string, ports ...string) *topology.FirewallRule {
	return golden.NetworkRule(name, to, ports...)
}

// with changes a rule that a builder has made.
func with(r *topology.FirewallRule, change func(*topology.FirewallRule)) *topology.FirewallRule {
	change(r)
	return r
}

func of(protocols ...topology.Protocol) func(*topology.FirewallRule) {
	return func(r *topology.FirewallRule) { r.Protocols = protocols }
}

// from makes a CIDR block the source of a rule.
func from(cidr string) func(*topology.FirewallRule) {
	return func(r *topology.FirewallRule) { r.Sources = golden.NetworkRule("", cidr).Destinations }
}

func allow(name string, priority int, rules ...*topology.FirewallRule) *topology.RuleCollection {
	return golden.NetworkRules(name, priority, topology.Allow, rules...)
}

func deny(name string, priority int, rules ...*topology.FirewallRule) *topology.RuleCollection {
	return golden.NetworkRules(name, priority, topology.Deny, rules...)
}

func allowHosts(name string, priority int, rules ...*topology.FirewallRule) *topology.RuleCollection {
	return golden.ApplicationRules(name, priority, topology.Allow, rules...)
}

func denyHosts(name string, priority int, rules ...*topology.FirewallRule) *topology.RuleCollection {
	return golden.ApplicationRules(name, priority, topology.Deny, rules...)
}

func host(name, protocol string, hosts ...string) *topology.FirewallRule {
	return golden.ApplicationRule(name, protocol, hosts...)
}

var (
	inGroup   = topology.RefTo("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/ipGroups/known")
	goneGroup = topology.RefTo("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/ipGroups/gone")
)

// groups adds an IP group that is in the data, and one that is only named.
func groups(e *golden.Estate) *golden.Estate {
	return e.Add(
		&topology.IPGroup{Element: topology.Element{Name: "known", ResourceID: inGroup.Text}, Given: true,
			Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.1.0/24"), netip.MustParsePrefix("203.0.113.0/28")}},
		&topology.IPGroup{Element: topology.Element{Name: "gone", ResourceID: goneGroup.Text}})
}

func TestTheFirewallDecides(t *testing.T) {
	anyPort := func(p ...topology.Protocol) *topology.FirewallRule {
		return with(network("any", "*", "0-65535"), of(p...))
	}
	source := func(r topology.Ref) func(*topology.FirewallRule) {
		return func(x *topology.FirewallRule) { x.Sources, x.SourceIPGroups = nil, []topology.Ref{r} }
	}
	destination := func(r topology.Ref) func(*topology.FirewallRule) {
		return func(x *topology.FirewallRule) { x.Destinations, x.DestinationIPGroups = nil, []topology.Ref{r} }
	}
	named := func(hosts ...string) func(*topology.FirewallRule) {
		return func(x *topology.FirewallRule) { x.Destinations, x.DestinationFQDNs = nil, hosts }
	}
	tagged := func(protocol string) *topology.FirewallRule {
		return with(host("tag", protocol), func(r *topology.FirewallRule) { r.FQDNTags = []string{"AzureBackup"} })
	}
	expression := func(r *topology.FirewallRule) { r.Unresolved = []string{"sourceAddresses"} }
	example := firewall.Target{Host: "www.example.com"}
	blobs := firewall.Target{Tag: "Storage", Suffixes: []string{".blob.core.windows.net"}}

	for _, x := range []struct {
		fact    string // with the key of its source in the specification
		estate  *golden.Estate
		packet  flow.Tuple
		target  firewall.Target
		verdict flow.Verdict
		code    flow.Code // of the walk that takes every open fact as its text says
		rule    string
		missing flow.Code // Unknown: what would settle it
	}{
		// Precedence (FW, FWP).
		{"FW: a network rule that matches ends it: application rules are not consulted",
			classic(denyHosts("a", 100, host("google", "https:443", "google.com")), allow("n", 200, network("web", "*", "80", "443"))),
			tcp(outside, 443), firewall.Target{Host: "google.com"}, flow.Allow, flow.FirewallRuleAllow, "web", ""},
		{"FW: a network rule that denies ends it too",
			classic(allowHosts("a", 100, host("all", "https:443", "*")), deny("n", 65000, network("web", "*", "443"))),
			tcp(outside, 443), example, flow.Deny, flow.FirewallRuleDeny, "web", ""},
		{"FW: the lower priority of two collections decides, in whatever order they are listed",
			classic(allow("late", 200, network("ssh", "*", "22")), deny("early", 100, network("no-ssh", "*", "22"))),
			tcp(outside, 22), firewall.Target{}, flow.Deny, flow.FirewallRuleDeny, "no-ssh", ""},
		{"FW: the rules of a collection are read from the top",
			classic(allow("n", 100, network("first", "*", "22"), network("second", "*", "22"))),
			tcp(outside, 22), firewall.Target{}, flow.Allow, flow.FirewallRuleAllow, "first", ""},
		{"FW: which of two collections of one priority comes first is not known",
			classic(allow("a", 100, network("ssh", "*", "22")), deny("b", 100, network("no-ssh", "*", "22"))),
			tcp(outside, 22), firewall.Target{}, flow.Unknown, flow.FirewallRuleAllow, "ssh", flow.SamePriority},
		{"FW: two collections of one priority that agree are certain",
			classic(deny("a", 100, network("ssh", "*", "22")), deny("b", 100, network("no-ssh", "*", "22"))),
			tcp(outside, 22), firewall.Target{}, flow.Deny, flow.FirewallRuleDeny, "ssh", ""},
		{"FW: a collection of a later priority does not matter to one that matches",
			classic(allow("a", 100, network("ssh", "*", "22")), deny("b", 101, network("no-ssh", "*", "22"))),
			tcp(outside, 22), firewall.Target{}, flow.Allow, flow.FirewallRuleAllow, "ssh", ""},
		{"FW: what nothing matches is denied",
			classic(), tcp(outside, 22), firewall.Target{}, flow.Deny, flow.FirewallDefaultDeny, "", ""},

		// Network rules (FW).
		{"FW: the protocol must match",
			classic(allow("n", 100, network("dns", "*", "53"))), udp(outside, 53), firewall.Target{}, flow.Deny, flow.FirewallDefaultDeny, "", ""},
		{"FW: Any with a port is TCP", classic(allow("n", 100, with(network("dns", "*", "53"), of(topology.AnyProtocol)))),
			tcp(outside, 53), firewall.Target{}, flow.Allow, flow.FirewallRuleAllow, "dns", ""},
		{"FW: Any with a port is UDP", classic(allow("n", 100, with(network("dns", "*", "53"), of(topology.AnyProtocol)))),
			udp(outside, 53), firewall.Target{}, flow.Allow, flow.FirewallRuleAllow, "dns", ""},
		{"FW: Any with a port is not ICMP", classic(allow("n", 100, with(network("dns", "*", "53"), of(topology.AnyProtocol)))),
			portless(topology.ICMP, outside), firewall.Target{}, flow.Deny, flow.FirewallDefaultDeny, "", ""},
		{"FW: Any with every port is all IP protocols", classic(allow("n", 100, anyPort(topology.AnyProtocol))),
			portless(topology.ESP, outside), firewall.Target{}, flow.Allow, flow.FirewallRuleAllow, "any", ""},
		{"FW: a rule that names ICMP needs no port", classic(allow("n", 100, with(network("ping", "*", "80"), of(topology.ICMP)))),
			portless(topology.ICMP, outside), firewall.Target{}, flow.Allow, flow.FirewallRuleAllow, "ping", ""},
		{"a port range begins with its first port", classic(allow("n", 100, network("web", "*", "80-443"))),
			tcp(outside, 80), firewall.Target{}, flow.Allow, flow.FirewallRuleAllow, "web", ""},
		{"a port range ends with its last port", classic(allow("n", 100, network("web", "*", "80-442"))),
			tcp(outside, 442), firewall.Target{}, flow.Allow, flow.FirewallRuleAllow, "web", ""},
		{"a port before the range is not in it", classic(allow("n", 100, network("web", "*", "81-443"))),
			tcp("10.9.0.1", 80), firewall.Target{}, flow.Deny, flow.FirewallDefaultDeny, "", ""},
		{"a port after the range is not in it", classic(allow("n", 100, network("web", "*", "80-442"))),
			tcp("10.9.0.1", 443), firewall.Target{}, flow.Deny, flow.FirewallDefaultDeny, "", ""},
		{"the source must match", classic(allow("n", 100, with(network("web", "*", "22"), from("10.0.2.0/24")))),
			tcp(outside, 22), firewall.Target{}, flow.Deny, flow.FirewallDefaultDeny, "", ""},
		{"the destination must match", classic(allow("n", 100, network("web", "203.0.113.0/29", "22"))),
			tcp(outside, 22), firewall.Target{}, flow.Deny, flow.FirewallDefaultDeny, "", ""},
		{"a destination may be a service tag", classic(allow("n", 100, network("blobs", "Storage.WestEurope", "22"))),
			tcp(blob, 22), firewall.Target{}, flow.Allow, flow.FirewallRuleAllow, "blobs", ""},

		// IP groups.
		{"a source IP group holds its prefixes", groups(classic(allow("n", 100, with(network("web", "*", "22"), source(inGroup))))),
			tcp(outside, 22), firewall.Target{}, flow.Allow, flow.FirewallRuleAllow, "web", ""},
		{"a destination IP group holds its prefixes", groups(classic(allow("n", 100, with(network("web", "*", "22"), destination(inGroup))))),
			tcp(outside, 22), firewall.Target{}, flow.Allow, flow.FirewallRuleAllow, "web", ""},
		{"a destination outside the IP group does not match", groups(classic(allow("n", 100, with(network("web", "*", "22"), destination(inGroup))))),
			tcp("203.0.113.16", 22), firewall.Target{}, flow.Deny, flow.FirewallDefaultDeny, "", ""},
		{"an IP group whose addresses are not in the data may hold the source", groups(classic(allow("n", 100, with(network("web", "*", "22"), source(goneGroup))))),
			tcp(outside, 22), firewall.Target{}, flow.Unknown, flow.FirewallDefaultDeny, "", flow.DanglingReference},
		{"an IP group that is not in the data at all may hold the destination", classic(allow("n", 100, with(network("web", "*", "22"), destination(goneGroup)))),
			tcp(outside, 22), firewall.Target{}, flow.Unknown, flow.FirewallDefaultDeny, "", flow.DanglingReference},
		{"an unknown IP group of sources says nothing of the destination", groups(classic(allow("n", 100, with(network("web", "10.9.0.0/16", "22"), source(goneGroup))))),
			tcp(outside, 22), firewall.Target{}, flow.Deny, flow.FirewallDefaultDeny, "", ""},

		// Names in network rules.
		{"a network rule for the host asked for matches", classic(allow("n", 100, with(network("web", "", "22"), named("www.example.com")))),
			tcp(outside, 22), example, flow.Allow, flow.FirewallRuleAllow, "web", ""},
		{"a network rule for another host may resolve to the same address", classic(allow("n", 100, with(network("web", "", "22"), named("other.example.com")))),
			tcp(outside, 22), example, flow.Unknown, flow.FirewallDefaultDeny, "", flow.FirewallContentUnknown},

		// Application rules (FW, FQT).
		{"FW: an application rule for the host and port allows", classic(allowHosts("a", 100, host("web", "https:443", "*.example.com"))),
			tcp(outside, 443), example, flow.Allow, flow.FirewallRuleAllow, "web", ""},
		{"FW: an application rule denies", classic(denyHosts("a", 100, host("web", "https:443", "*.example.com"))),
			tcp(outside, 443), example, flow.Deny, flow.FirewallRuleDeny, "web", ""},
		{"FW: the lower priority of two application collections decides",
			classic(allowHosts("late", 200, host("web", "https:443", "*")), denyHosts("early", 100, host("no-web", "https:443", "*.example.com"))),
			tcp(outside, 443), example, flow.Deny, flow.FirewallRuleDeny, "no-web", ""},
		{"FW: an application rule is for its own port", classic(allowHosts("a", 100, host("web", "https:443", "*"))),
			tcp(outside, 8443), example, flow.Deny, flow.FirewallDefaultDeny, "", ""},
		{"FW: application rules see HTTP, HTTPS and MSSQL, never UDP", classic(allowHosts("a", 100, host("web", "https:443", "*"))),
			udp(outside, 443), example, flow.Deny, flow.FirewallDefaultDeny, "", ""},
		{"an application rule for other sources does not match", classic(allowHosts("a", 100, with(host("web", "https:443", "*"), from("10.0.2.0/24")))),
			tcp(outside, 443), example, flow.Deny, flow.FirewallDefaultDeny, "", ""},
		{"an application rule for another host does not match", classic(allowHosts("a", 100, host("web", "https:443", "other.example.com"))),
			tcp(outside, 443), example, flow.Deny, flow.FirewallDefaultDeny, "", ""},
		{"the second host of an application rule counts", classic(allowHosts("a", 100, host("web", "https:443", "other.example.com", "www.example.com"))),
			tcp(outside, 443), example, flow.Allow, flow.FirewallRuleAllow, "web", ""},
		{"where the host is not known, it may be the rule's", classic(allowHosts("a", 100, host("web", "https:443", "www.example.com"))),
			tcp(outside, 443), firewall.Target{}, flow.Unknown, flow.FirewallDefaultDeny, "", flow.FirewallContentUnknown},
		{"FQT: an FQDN tag allows the endpoints of its own service", classic(allowHosts("a", 100, tagged("https:443"))),
			tcp(blob, 443), firewall.Target{Tag: "azurebackup"}, flow.Allow, flow.FirewallRuleAllow, "tag", ""},
		{"FQT: what else an FQDN tag covers is not published", classic(allowHosts("a", 100, tagged("https:443"))),
			tcp(outside, 443), example, flow.Unknown, flow.FirewallDefaultDeny, "", flow.FirewallContentUnknown},
		{"FQT: an FQDN tag is of https alone", classic(allowHosts("a", 100, tagged("http:80"))),
			tcp(outside, 80), firewall.Target{Host: "www.example.com", Tag: "AzureBackup"}, flow.Deny, flow.FirewallDefaultDeny, "", ""},
		{"what a web category covers is not modelled",
			classic(denyHosts("a", 100, with(host("web", "https:443"), func(r *topology.FirewallRule) { r.WebCategories = []string{"gambling"} })), allowHosts("b", 200, host("all", "https:443", "*"))),
			tcp(outside, 443), example, flow.Unknown, flow.FirewallRuleAllow, "all", flow.FirewallContentUnknown},
		{"what a URL of a rule covers is not modelled",
			classic(denyHosts("a", 100, with(host("web", "https:443"), func(r *topology.FirewallRule) { r.TargetURLs = []string{"www.example.com/a"} })), allowHosts("b", 200, host("all", "https:443", "*"))),
			tcp(outside, 443), example, flow.Unknown, flow.FirewallRuleAllow, "all", flow.FirewallContentUnknown},

		// Expressions.
		{"a network rule with an expression may match", classic(deny("n", 100, with(network("web", "10.9.0.0/16", "22"), expression)), allow("m", 200, network("all", "*", "22"))),
			tcp(outside, 22), firewall.Target{}, flow.Unknown, flow.FirewallRuleAllow, "all", flow.UnresolvedExpression},
		{"an application rule with an expression may match", classic(denyHosts("a", 100, with(host("web", "https:8443", "*"), expression)), allowHosts("b", 200, host("all", "https:443", "*"))),
			tcp(outside, 443), example, flow.Unknown, flow.FirewallRuleAllow, "all", flow.UnresolvedExpression},

		// What every firewall has built in (FW).
		{"FW: a host of Microsoft's may be one of the infrastructure rules'", classic(), tcp(outside, 443), firewall.Target{Host: "Settings.Data.Microsoft.COM"},
			flow.Unknown, flow.FirewallDefaultDeny, "", flow.FirewallContentUnknown},
		{"FW: port 80 as well", classic(), tcp(outside, 80), firewall.Target{Host: "x.windows.net"}, flow.Unknown, flow.FirewallDefaultDeny, "", flow.FirewallContentUnknown},
		{"FW: another host is not", classic(), tcp(blob, 443), example, flow.Deny, flow.FirewallDefaultDeny, "", ""},
		{"FW: an address of Azure may be", classic(), tcp(blob, 443), blobs, flow.Unknown, flow.FirewallDefaultDeny, "", flow.FirewallContentUnknown},
		{"FW: an address that is not Azure's is not", classic(), tcp(outside, 443), firewall.Target{}, flow.Deny, flow.FirewallDefaultDeny, "", ""},
		{"FW: without a service tag file any public address may be", classic().NoServiceTags(), tcp(outside, 443), firewall.Target{},
			flow.Unknown, flow.FirewallDefaultDeny, "", flow.FirewallContentUnknown},
		{"FW: a private address is not", classic().NoServiceTags(), tcp("10.9.0.1", 443), firewall.Target{}, flow.Deny, flow.FirewallDefaultDeny, "", ""},
		{"FW: infrastructure rules are of ports 80 and 443", classic(), tcp(blob, 444), firewall.Target{Host: "x.windows.net"}, flow.Deny, flow.FirewallDefaultDeny, "", ""},
		{"FW: infrastructure rules are of TCP", classic(), udp(blob, 443), firewall.Target{Host: "x.windows.net"}, flow.Deny, flow.FirewallDefaultDeny, "", ""},
	} {
		t.Run(x.fact, func(t *testing.T) {
			r := decide(compiled(x.estate), x.packet, x.target)
			if r.Verdict != x.verdict || r.Walk.Code != x.code || ruleOf(r.Walk) != x.rule {
				t.Errorf("%v, %s by %q; want %v, %s by %q", r.Verdict, r.Walk.Code, ruleOf(r.Walk), x.verdict, x.code, x.rule)
			}
			var missing flow.Code
			if len(r.Missing) > 0 {
				missing = r.Missing[0].Code
			}
			if missing != x.missing {
				t.Errorf("missing is %q, want %q", missing, x.missing)
			}
			if r.Verdict != flow.Unknown && r.Strict != r.Verdict {
				t.Errorf("it rests on %v", r.Assumptions)
			}
		})
	}
}

// SNAT: the firewall itself talks to what an application rule lets through.
func TestAnApplicationRuleIsAProxyAndANetworkRuleIsNot(t *testing.T) {
	target := firewall.Target{Host: "www.example.com"}
	f := compiled(classic(allow("n", 100, network("ssh", "*", "22")), allowHosts("a", 100, host("web", "https:443", "*"))))
	for port, proxied := range map[uint16]bool{22: false, 443: true} {
		if d := decide(f, tcp(outside, port), target); d.Verdict != flow.Allow || d.Walk.Proxied != proxied {
			t.Errorf("port %d: %v, proxied %v", port, d.Verdict, d.Walk.Proxied)
		}
	}
	if d := decide(compiled(classic()), tcp(outside, 443), firewall.Target{Host: "x.azure.com"}); !d.Allowed.Proxied {
		t.Error("a built-in rule is an application rule")
	}
}

// FW: threat intelligence in deny mode comes first, before DNAT as well; what
// it lists is not in any data.
func TestThreatIntelligenceInDenyModeIsAskedFirst(t *testing.T) {
	open := func(mode string) *firewall.Firewall {
		e := classic(nat("n", 100, forward("web", "443", "10.0.1.4", 8443)), allow("all", 200, network("all", "*", "0-65535")))
		n := e.Build()
		n.AzureFirewalls[0].ThreatIntelMode = mode
		sub, _ := topology.Lookup[*topology.Subnet](n, n.AzureFirewalls[0].Subnet)
		return firewall.New(n, scope.New(n, scope.Options{AsOf: golden.AsOf}).At(sub), n.AzureFirewalls[0])
	}
	denied := func(f *firewall.Firewall, t flow.Tuple) flow.Result[firewall.Decision] {
		return flow.Explore(func(w *flow.World) (bool, firewall.Decision) {
			d, denied := f.Denies(w, t)
			return !denied, d
		}, nil)
	}
	translated := inbound(8443)
	translated.Destination = flow.At(netip.MustParseAddr(app))
	fromPublic := tcp("10.9.0.1", 443)
	fromPublic.Source = flow.At(netip.MustParseAddr(outside))
	somewhere := tcp(outside, 443)
	somewhere.Destination = flow.SomewhereIn("Storage", false)

	for _, x := range []struct {
		fact    string
		mode    string
		ask     func(*firewall.Firewall) flow.Result[firewall.Decision]
		assumed bool
	}{
		{"a public destination may be listed", "deny", func(f *firewall.Firewall) flow.Result[firewall.Decision] {
			return decide(f, tcp(outside, 443), firewall.Target{})
		}, true},
		{"a destination of which only the tag is known may be", "Deny", func(f *firewall.Firewall) flow.Result[firewall.Decision] {
			return decide(f, somewhere, firewall.Target{})
		}, true},
		{"a private destination is not", "Deny", func(f *firewall.Firewall) flow.Result[firewall.Decision] {
			return decide(f, tcp("10.9.0.1", 443), firewall.Target{})
		}, false},
		{"a public source may be listed", "Deny", func(f *firewall.Firewall) flow.Result[firewall.Decision] {
			return decide(f, fromPublic, firewall.Target{})
		}, true},
		{"in alert mode nothing is denied", "Alert", func(f *firewall.Firewall) flow.Result[firewall.Decision] {
			return decide(f, tcp(outside, 443), firewall.Target{})
		}, false},
		{"the source of a translated flow may be listed", "Deny", func(f *firewall.Firewall) flow.Result[firewall.Decision] { return denied(f, translated) }, true},
		{"in alert mode a translated flow goes on", "Alert", func(f *firewall.Firewall) flow.Result[firewall.Decision] { return denied(f, translated) }, false},
	} {
		t.Run(x.fact, func(t *testing.T) {
			r := x.ask(open(x.mode))
			assumed := slices.ContainsFunc(r.Assumptions, func(a flow.Assumption) bool { return a.ID == flow.PropertyNotModelled && a.About == "fw1" })
			if r.Verdict != flow.Allow || assumed != x.assumed || (r.Strict == flow.Allow) == x.assumed {
				t.Errorf("%v, strict %v, resting on %v", r.Verdict, r.Strict, r.Assumptions)
			}
		})
	}
}

// The policies of a firewall, most of them by the precedence of FWP.

func policyRef(name string) topology.Ref {
	return topology.RefTo("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/firewallPolicies/" + name)
}

func policy(name, base string, c ...*topology.RuleCollection) *topology.FirewallPolicy {
	p := &topology.FirewallPolicy{Element: topology.Element{Name: name, ResourceID: policyRef(name).Text}, GroupsGiven: true, Collections: c}
	if base != "" {
		p.BasePolicy = policyRef(base)
	}
	return p
}

// ruled is a firewall whose policy is p1 of those given.
func ruled(policies ...*topology.FirewallPolicy) *firewall.Firewall {
	e := classic()
	for _, p := range policies {
		e.Add(p)
	}
	n := e.Build()
	n.AzureFirewalls[0].Policy = policyRef("p1")
	sub, _ := topology.Lookup[*topology.Subnet](n, n.AzureFirewalls[0].Subnet)
	return firewall.New(n, scope.New(n, scope.Options{AsOf: golden.AsOf}).At(sub), n.AzureFirewalls[0])
}

func group(priority int, c *topology.RuleCollection) *topology.RuleCollection {
	c.GroupPriority = priority
	return c
}

func TestThePrecedenceOfAPolicy(t *testing.T) {
	ssh := func(name string) *topology.FirewallRule { return network(name, "*", "22") }
	for _, x := range []struct {
		fact string
		fw   *firewall.Firewall
		rule string
	}{
		{"FWP: the rules of a base policy come before those of its child, whatever the priorities",
			ruled(policy("p1", "p0", group(100, allow("child", 100, ssh("child")))), policy("p0", "", group(65000, deny("base", 65000, ssh("base"))))), "base"},
		{"FWP: the base of the base comes first of all",
			ruled(policy("p1", "p0", group(100, allow("child", 100, ssh("child")))), policy("p0", "p00", group(100, deny("base", 100, ssh("base")))),
				policy("p00", "", group(65000, allow("root", 65000, ssh("root"))))), "root"},
		{"FWP: the priority of the rule collection group comes before that of the collection",
			ruled(policy("p1", "", group(300, deny("low", 100, ssh("low"))), group(200, allow("high", 400, ssh("high"))))), "high"},
		{"FWP: in one group the priority of the collection counts",
			ruled(policy("p1", "", group(200, deny("low", 400, ssh("low"))), group(200, allow("high", 100, ssh("high"))))), "high"},
		{"FWP: the type of a collection comes before the priority of its group",
			ruled(policy("p1", "", group(100, denyHosts("hosts", 100, host("hosts", "https:22", "*"))), group(65000, allow("net", 65000, ssh("net"))))), "net"},
	} {
		t.Run(x.fact, func(t *testing.T) {
			r := decide(x.fw, tcp(outside, 22), firewall.Target{Host: "www.example.com"})
			if r.Verdict == flow.Unknown || ruleOf(r.Walk) != x.rule {
				t.Errorf("%v by %q, want %q", r.Verdict, ruleOf(r.Walk), x.rule)
			}
			if len(x.fw.Missing()) > 0 {
				t.Errorf("missing: %v", x.fw.Missing())
			}
		})
	}
}

func TestAPolicyWhoseRulesAreNotInTheDataIsMissing(t *testing.T) {
	stub := policy("p1", "p0")
	stub.GroupsGiven = false
	for _, x := range []struct {
		fact     string
		fw       *firewall.Firewall
		missing  []string
		elements []string
	}{
		{"a policy that is not in the data", ruled(), []string{"p1"}, []string{"fw1"}},
		{"a policy without its rule collection groups, whose base is looked at all the same", ruled(stub, policy("p0", "gone")), []string{"p1", "gone"}, []string{"fw1", "p1", "p0"}},
		{"policies that are all there", ruled(policy("p1", "p0"), policy("p0", "")), nil, []string{"fw1", "p1", "p0"}},
		{"policies that name each other", ruled(policy("p1", "p0"), policy("p0", "p1")), nil, []string{"fw1", "p1", "p0"}},
	} {
		t.Run(x.fact, func(t *testing.T) {
			var missing, elements []string
			for _, m := range x.fw.Missing() {
				missing = append(missing, m.About)
				if m.Code != flow.DanglingReference || m.Export == "" {
					t.Errorf("%+v", m)
				}
			}
			for _, e := range x.fw.Elements() {
				elements = append(elements, e.Name)
			}
			if d := cmp.Diff(x.missing, missing) + cmp.Diff(x.elements, elements); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestThreatIntelligenceOfThePolicyCounts(t *testing.T) {
	p := policy("p1", "", allow("all", 100, network("all", "*", "0-65535")))
	p.ThreatIntelMode = "Deny"
	if r := decide(ruled(p), tcp(outside, 22), firewall.Target{}); r.Verdict != flow.Allow || r.Strict != flow.Unknown {
		t.Errorf("%v, strict %v", r.Verdict, r.Strict)
	}
	for _, mode := range []string{"Off", "Alert", ""} {
		p := policy("p1", "", allow("all", 100, network("all", "*", "0-65535")))
		p.ThreatIntelMode = mode
		if r := decide(ruled(p), tcp(outside, 22), firewall.Target{}); r.Strict != flow.Allow {
			t.Errorf("mode %q: strict %v", mode, r.Strict)
		}
	}
}

func nat(name string, priority int, rules ...*topology.FirewallRule) *topology.RuleCollection {
	return &topology.RuleCollection{Element: topology.Element{Name: name}, Kind: topology.NATCollection, Priority: priority, Rules: rules}
}

// forward translates a port of the firewall's public address.
func forward(name, port, to string, toPort int) *topology.FirewallRule {
	r := network(name, public, port)
	r.TranslatedPort = toPort
	if to != "" {
		r.Translated = netip.MustParseAddr(to)
	}
	return r
}

func translate(f *firewall.Firewall, t flow.Tuple) (d firewall.Decision, ok bool) {
	flow.Explore(func(w *flow.World) (bool, firewall.Decision) {
		d, ok = f.Translate(w, t)
		return ok, d
	}, nil)
	return d, ok
}

func TestADNATRuleTranslatesToAnAddressAndAPort(t *testing.T) {
	f := compiled(classic(
		nat("late", 200, forward("last", "443", "10.0.1.9", 9)),
		nat("n", 100, forward("web", "443", "10.0.1.4", 8443), with(forward("mine", "22", "10.0.1.5", 22), from("203.0.113.0/29")),
			with(forward("any", "53", "10.0.1.6", 0), of(topology.AnyProtocol)))))
	d, ok := translate(f, inbound(443))
	if !ok || d.Rule.Name != "web" || d.Collection.Name != "n" || d.Access != topology.Allow || d.Code != flow.FirewallRuleAllow ||
		d.Translated != netip.MustParseAddr("10.0.1.4") || d.TranslatedPort != 8443 || d.Proxied {
		t.Errorf("443: %+v", d)
	}
	if _, ok := translate(f, inbound(444)); ok {
		t.Error("no rule translates 444")
	}
	if _, ok := translate(f, inbound(22)); ok {
		t.Error("the rule for 22 is for other sources")
	}
	if d, ok := translate(f, inbound(53)); !ok || d.TranslatedPort != 0 || d.Translated != netip.MustParseAddr("10.0.1.6") {
		t.Errorf("53: %+v", d)
	}
	icmp := inbound(0)
	icmp.Protocol, icmp.SourcePort = topology.ICMP, 0
	all := compiled(classic(nat("n", 100, with(forward("any", "0-65535", "10.0.1.6", 0), of(topology.AnyProtocol)))))
	if _, ok := translate(all, icmp); ok {
		t.Error("DNAT translates ports, which ICMP has not")
	}
	other := inbound(443)
	other.Destination = flow.At(netip.MustParseAddr("198.51.100.41"))
	if _, ok := translate(f, other); ok {
		t.Error("443 of another public address")
	}
}

// FW: a DNAT match allows the translated flow, unless a network rule denies
// it explicitly.
func TestATranslatedFlowIsDeniedByANetworkRuleThatDenies(t *testing.T) {
	translated := inbound(8443)
	translated.Destination = flow.At(netip.MustParseAddr(app))
	for _, x := range []struct {
		fact string
		list []*topology.RuleCollection
		rule string // "": it goes on
	}{
		{"nothing matches", nil, ""},
		{"a rule denies", []*topology.RuleCollection{deny("n", 100, network("no", app, "8443"))}, "no"},
		{"a rule before it allows", []*topology.RuleCollection{deny("n", 200, network("no", app, "8443")), allow("m", 100, network("yes", app, "8443"))}, ""},
		{"the rule is for the port before translation", []*topology.RuleCollection{deny("n", 100, network("no", app, "443"))}, ""},
		{"application rules do not apply inbound", []*topology.RuleCollection{denyHosts("a", 100, host("no", "https:8443", "*"))}, ""},
	} {
		t.Run(x.fact, func(t *testing.T) {
			f := compiled(classic(x.list...))
			r := flow.Explore(func(w *flow.World) (bool, firewall.Decision) {
				d, denied := f.Denies(w, translated)
				return !denied, d
			}, nil)
			want := flow.Allow
			if x.rule != "" {
				want = flow.Deny
			}
			if r.Verdict != want || ruleOf(r.Walk) != x.rule {
				t.Errorf("%v by %q", r.Verdict, ruleOf(r.Walk))
			}
		})
	}
}

func TestTheRulesThatReachAnAddressAreThoseThatTranslateToIt(t *testing.T) {
	inside := inbound(8443)
	inside.Destination = flow.At(netip.MustParseAddr(app))
	named := forward("named", "443", "", 8443)
	named.TranslatedFQDN = "web.internal"
	expression := with(forward("expression", "443", "", 8443), func(r *topology.FirewallRule) { r.Unresolved = []string{"translatedAddress"} })
	for _, x := range []struct {
		fact  string
		rule  *topology.FirewallRule
		reach bool
		open  bool
	}{
		{"to the address and the port", forward("web", "443", app, 8443), true, false},
		{"to the address, the port as it was", forward("web", "8443", app, 0), true, false},
		{"to another port", forward("web", "443", app, 443), false, false},
		{"to another address", forward("web", "443", "10.0.1.5", 8443), false, false},
		{"of another protocol", with(forward("web", "443", app, 8443), of(topology.UDP)), false, false},
		{"of any protocol", with(forward("web", "443", app, 8443), of(topology.AnyProtocol)), true, false},
		{"for other sources", with(forward("web", "443", app, 8443), from("203.0.113.0/29")), false, false},
		{"to a host", named, false, true},
		{"to an expression", expression, false, true},
		{"to nothing", forward("none", "443", "", 0), false, false},
	} {
		t.Run(x.fact, func(t *testing.T) {
			f := compiled(classic(nat("n", 100, x.rule)))
			var reach []firewall.Decision
			var open []flow.Fact
			flow.Explore(func(w *flow.World) (bool, struct{}) {
				reach, open = f.Reaches(w, inside)
				return true, struct{}{}
			}, nil)
			if len(reach) > 0 != x.reach || len(open) > 0 != x.open {
				t.Errorf("reached by %v, open %v", reach, open)
			}
			for _, d := range reach {
				if d.Rule != x.rule || d.Access != topology.Allow {
					t.Errorf("%+v", d)
				}
			}
		})
	}
	var open []flow.Fact
	flow.Explore(func(w *flow.World) (bool, struct{}) {
		_, open = ruled().Reaches(w, inside)
		return true, struct{}{}
	}, nil)
	if len(open) != 1 || open[0].Code != flow.DanglingReference || open[0].About != "p1" {
		t.Errorf("a firewall whose policy is not in the data may translate to anything: %v", open)
	}
}

func TestAHostPatternCoversAHost(t *testing.T) {
	blobs := firewall.Target{Suffixes: []string{".blob.core.windows.net"}}
	for _, x := range []struct {
		pattern string
		target  firewall.Target
		want    flow.Verdict
	}{
		{"*", firewall.Target{Host: "www.example.com"}, flow.Allow},
		{" * ", firewall.Target{}, flow.Allow},
		{"www.example.com", firewall.Target{Host: "WWW.example.com"}, flow.Allow},
		{"WWW.Example.com", firewall.Target{Host: "www.example.com"}, flow.Allow},
		{"*.example.com", firewall.Target{Host: "www.example.com"}, flow.Allow},
		{"*.example.com", firewall.Target{Host: "a.b.example.com"}, flow.Allow},
		{"*.example.com", firewall.Target{Host: ".example.com"}, flow.Deny},
		{"*.example.com", firewall.Target{Host: "example.com"}, flow.Deny},
		{"*example.com", firewall.Target{Host: "example.com"}, flow.Deny},
		{"*.example.com", firewall.Target{Host: "www.example.org"}, flow.Deny},
		{"example.com", firewall.Target{Host: "www.example.com"}, flow.Deny},
		{"*.blob.core.windows.net", blobs, flow.Allow},
		{"*.core.windows.net", blobs, flow.Allow},
		{"mystore.blob.core.windows.net", blobs, flow.Unknown},
		{"*.queue.core.windows.net", blobs, flow.Deny},
		{"www.example.com", blobs, flow.Deny},
		{".core.windows.net", blobs, flow.Deny}, // no wildcard
		{"www.example.com", firewall.Target{}, flow.Unknown},
		{"*.example.com", firewall.Target{}, flow.Unknown},
	} {
		if got := firewall.MatchesHost(x.pattern, x.target); got != x.want {
			t.Errorf("%q for %+v: %v, want %v", x.pattern, x.target, got, x.want)
		}
	}
}

// A question about a set of addresses and ports is cut at the constants, so a
// decision must not change between two of them.
func TestTheDecisionChangesOnlyAtTheConstants(t *testing.T) {
	f := compiled(groups(classic(
		nat("n", 100, forward("dnat", "2222", app, 22)),
		allow("net", 200, network("prefix", "203.0.113.0/25", "22-25"), with(network("group", "", "80"), func(r *topology.FirewallRule) {
			r.Destinations, r.DestinationIPGroups = nil, []topology.Ref{inGroup}
		})),
		allowHosts("app", 300, host("sql", "mssql:1433", "*")))))
	prefixes, ports := f.Constants()
	class := func(a netip.Addr) (in []bool) {
		for _, p := range prefixes {
			in = append(in, p.Contains(a))
		}
		return in
	}
	portClass := func(p uint16) (in []bool) {
		for _, r := range ports {
			in = append(in, r.Contains(p))
		}
		return in
	}
	target := firewall.Target{}
	// The addresses on both sides of every end of a prefix.
	for _, edge := range []string{"203.0.113.0", "203.0.113.16", "203.0.113.128", "10.0.1.0", "10.0.2.0", "20.60.24.0", "20.60.32.0", "20.60.42.0"} {
		a := netip.MustParseAddr(edge)
		for _, port := range []uint16{22, 80, 443, 1433} {
			x, y := decide(f, tcp(a.Prev().String(), port), target), decide(f, tcp(edge, port), target)
			if x.Verdict != y.Verdict && slices.Equal(class(a.Prev()), class(a)) {
				t.Errorf("%s and %s at port %d: %v and %v, but no constant lies between them", a.Prev(), a, port, x.Verdict, y.Verdict)
			}
		}
	}
	for port := uint16(1); port < 3000; port++ {
		x, y := decide(f, tcp(outside, port-1), target), decide(f, tcp(outside, port), target)
		if x.Verdict != y.Verdict && slices.Equal(portClass(port-1), portClass(port)) {
			t.Errorf("ports %d and %d: %v and %v, but no constant lies between them", port-1, port, x.Verdict, y.Verdict)
		}
	}
	for _, port := range []uint16{443, 80, 1433, 2222} {
		if slices.Equal(portClass(port), portClass(port+1)) {
			t.Errorf("port %d is not a constant", port)
		}
	}
	azure := netip.MustParseAddr(blob)
	if slices.Equal(class(azure), class(netip.MustParseAddr("8.8.8.8"))) {
		t.Error("the addresses of Azure are not a constant, though built-in rules turn on them")
	}
}
