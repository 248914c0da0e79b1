package fix_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/fix"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

func simulator(t *testing.T, n *topology.Network) *sim.Simulator {
	t.Helper()
	s, err := sim.New(n, sim.Options{AsOf: golden.ServiceTags().Date})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ask(from, to string, port uint16) fix.Question {
	return fix.Question{Want: topology.Allow, TraceQuestion: sim.TraceQuestion{From: from, To: to, Protocol: topology.TCP, Port: port}}
}

func deny(from, to string, port uint16) fix.Question {
	q := ask(from, to, port)
	q.Want = topology.Deny
	return q
}

func shut(name string, d topology.Direction) *golden.Rule { return golden.Deny(name, 4000, d) }

func TestTheLeastRulesThatGiveTheVerdict(t *testing.T) {
	out, in := topology.Outbound, topology.Inbound
	for _, c := range []struct {
		name   string
		estate *golden.Estate
		q      fix.Question
		edits  []string
	}{
		{"nothing to do", golden.New(), ask("a1", golden.NET, 443), nil},
		{"before the rule that decides", golden.New().SubnetNSG("app", shut("deny", out).To("Internet")), ask("a1", "Storage.WestEurope", 443),
			[]string{"Outbound rule allow-Storage.WestEurope-443 at 3999 in nsg-app: Allow Tcp from 10.0.1.4 to Storage.WestEurope port 443"}},
		{"each gate on the way once", golden.New().SubnetNSG("app", shut("deny", out)).NICNSG("a1", golden.Deny("no", 200, out)).SubnetNSG("db", golden.Deny("closed", 100, in).From("10.9.9.9"), golden.Deny("vnet", 300, in)), ask("a1", "d1", 1433),
			[]string{
				"Outbound rule allow-10.0.2.4-1433 at 199 in nsg-a1: Allow Tcp from 10.0.1.4 to 10.0.2.4 port 1433",
				"Outbound rule allow-10.0.2.4-1433 at 3999 in nsg-app: Allow Tcp from 10.0.1.4 to 10.0.2.4 port 1433",
				"Inbound rule allow-10.0.1.4-1433 at 299 in nsg-db: Allow Tcp from 10.0.1.4 to 10.0.2.4 port 1433",
			}},
		{"one NSG in both directions", golden.New().NSG("both", shut("out", out), shut("in", in)).AttachSubnet("app", "both"), ask("a1", "a2", 22),
			[]string{
				"Outbound rule allow-10.0.1.5-22 at 3999 in both: Allow Tcp from 10.0.1.4 to 10.0.1.5 port 22",
				"Inbound rule allow-10.0.1.4-22 at 3999 in both: Allow Tcp from 10.0.1.4 to 10.0.1.5 port 22",
			}},
		{"one NSG on interface and subnet", golden.New().NSG("twice", shut("out", out)).AttachSubnet("app", "twice").AttachNIC("a1", "twice"), ask("a1", golden.NET, 443),
			[]string{"Outbound rule allow-203.0.113.10-443 at 3999 in twice: Allow Tcp from 10.0.1.4 to 203.0.113.10 port 443"}},
		{"taken priorities are passed over", golden.New().SubnetNSG("app", shut("deny", out), golden.Allow("a", 3999, out).To("10.9.0.0/16"), golden.Allow("b", 3998, out).To("10.9.0.0/16")), ask("a1", golden.NET, 443),
			[]string{"Outbound rule allow-203.0.113.10-443 at 3997 in nsg-app: Allow Tcp from 10.0.1.4 to 203.0.113.10 port 443"}},
		{"a second denial behind the first", golden.New().SubnetNSG("app", golden.Deny("web", 300, out).To("203.0.113.0/24").Ports("443"), golden.Deny("all", 4000, out)), ask("a1", "203.0.112.0/23", 443),
			[]string{"Outbound rule allow-203.0.112.0-23-443 at 299 in nsg-app: Allow Tcp from 10.0.1.4 to 203.0.112.0/23 port 443"}},
		{"a default rule", golden.New().SubnetNSG("db", golden.Allow("x", 100, in).From("10.9.9.9")).PublicIP("d1", "198.51.100.7", "Standard"), ask("Internet", "d1", 443),
			[]string{"Inbound rule allow-Internet-443 at 4096 in nsg-db: Allow Tcp from Internet to 10.0.2.4 port 443"}},
		{"a rule with an unknown tag before it", golden.New().SubnetNSG("app", golden.Deny("odd", 500, out).To("NoSuchTag")), ask("a1", golden.NET, 443),
			[]string{"Outbound rule allow-203.0.113.10-443 at 499 in nsg-app: Allow Tcp from 10.0.1.4 to 203.0.113.10 port 443"}},
		{"without a service tag file the tag stands for itself", golden.New().NoServiceTags().SubnetNSG("app", shut("deny", out).To("Internet")), ask("a1", "Storage.WestEurope", 443),
			[]string{"Outbound rule allow-Storage.WestEurope-443 at 3999 in nsg-app: Allow Tcp from 10.0.1.4 to Storage.WestEurope port 443"}},
		{"through a proxy", golden.New().ProxyServer("px", 8080).UsesProxy("a1", golden.Proxy, 8080).SubnetNSG("app", shut("deny", out)).SubnetNSG("dmz", shut("deny-out", out), shut("deny-in", in)), ask("a1", "Storage.WestEurope", 443),
			[]string{
				"Outbound rule allow-10.0.0.5-8080 at 3999 in nsg-app: Allow Tcp from 10.0.1.4 to 10.0.0.5 port 8080",
				"Inbound rule allow-10.0.1.4-8080 at 3999 in nsg-dmz: Allow Tcp from 10.0.1.4 to 10.0.0.5 port 8080",
				"Outbound rule allow-Storage.WestEurope-443 at 3999 in nsg-dmz: Allow Tcp from 10.0.0.5 to Storage.WestEurope port 443",
			}},
		{"deny at the first gate", golden.New().SubnetNSG("app").SubnetNSG("db"), deny("a1", "d1", 1433),
			[]string{"Outbound rule deny-10.0.2.4-1433 at 4096 in nsg-app: Deny Tcp from 10.0.1.4 to 10.0.2.4 port 1433"}},
		{"deny before the rule that allows", golden.New().SubnetNSG("db", golden.Allow("sql", 300, in).From("VirtualNetwork").Ports("1433")), deny("a1", "d1", 1433),
			[]string{"Inbound rule deny-10.0.1.4-1433 at 299 in nsg-db: Deny Tcp from 10.0.1.4 to 10.0.2.4 port 1433"}},
		{"deny what is denied", golden.New().SubnetNSG("db", golden.Deny("all", 300, in)), deny("a1", "d1", 1433), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := c.estate.Build()
			plan, err := fix.Find(simulator(t, n), c.q)
			if err != nil {
				t.Fatal(err)
			}
			if !plan.Met() {
				t.Fatalf("blockers: %v", plan.Blockers)
			}
			var got []string
			for _, e := range plan.Edits {
				got = append(got, e.String())
			}
			if d := cmp.Diff(c.edits, got); d != "" {
				t.Error(d)
			}
			after, err := edit.Apply(n, plan.Edits...)
			if err != nil {
				t.Fatal(err)
			}
			a, err := simulator(t, after).Trace(c.q.TraceQuestion)
			if err != nil {
				t.Fatal(err)
			}
			want := flow.Allow
			if c.q.Want == topology.Deny {
				want = flow.Deny
			}
			if a.Verdict != want || len(plan.Changes) != len(plan.Edits) {
				t.Errorf("the edited estate answers %s; %d changes", a.Verdict, len(plan.Changes))
			}
		})
	}
}

func TestWhatNoNSGEditChangesIsNamed(t *testing.T) {
	out, in := topology.Outbound, topology.Inbound
	full := []*golden.Rule{golden.Deny("first", 100, out)}
	for _, c := range []struct {
		name   string
		estate *golden.Estate
		q      fix.Question
		says   []string
	}{
		{"a route that drops", golden.New().Routes("app", golden.Hop("drop", "0.0.0.0/0", topology.NextHopNone)).SubnetNSG("app", shut("deny", out)), ask("a1", golden.NET, 443), []string{"change the route table"}},
		{"no way out", golden.New().PrivateSubnet("app"), ask("a1", golden.NET, 443), []string{"add a NAT gateway"}},
		{"an admin rule", golden.New().Admin("v1", golden.Deny("corp", 10, out)), ask("a1", golden.NET, 443), []string{"network manager"}},
		{"no way in", golden.New(), ask("Internet", "a1", 443), []string{"add a public IP address"}},
		{"no free priority", golden.New().SubnetNSG("app", full...), ask("a1", golden.NET, 443), []string{"nsg-app has no free outbound priority before 100"}},
		{"a guest firewall", golden.New().ProxyServer("px", 8080).UsesProxy("a1", golden.Proxy, 8080).GuestFirewall("px"), ask("a1", golden.NET, 443), []string{"guest firewall of px", "inside the machine"}},
		{"no NSG to deny in", golden.New(), deny("a1", "d1", 443), []string{"no NSG stands on the way", "attach one"}},
		{"AlwaysAllow before a denial", golden.New().SubnetNSG("db").Admin("v1", golden.AlwaysAllow("corp", 10, in)), deny("b1", "d1", 443), []string{"comes before every NSG"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, err := fix.Find(simulator(t, c.estate.Build()), c.q)
			if err != nil {
				t.Fatal(err)
			}
			var texts []string
			for _, b := range plan.Blockers {
				texts = append(texts, b.Text)
			}
			all := strings.Join(texts, "\n")
			for _, s := range c.says {
				if !strings.Contains(all, s) {
					t.Errorf("the blockers do not say %q:\n%s", s, all)
				}
			}
			if plan.Met() || plan.Edits != nil || plan.After != nil {
				t.Errorf("there are edits: %v", plan.Edits)
			}
		})
	}
}

func TestGuestsAreOpenedWhereThatIsAsked(t *testing.T) {
	n := golden.New().ProxyServer("px", 8080, "*.example.com").UsesProxy("a1", golden.Proxy, 8080).GuestFirewall("px").Build()
	q := ask("a1", "Storage.WestEurope", 443)
	q.Guests, q.Host = true, "*.blob.core.windows.net"
	plan, err := fix.Find(simulator(t, n), q)
	if err != nil || !plan.Met() {
		t.Fatal(err, plan)
	}
	var got []string
	for _, e := range plan.Edits {
		got = append(got, e.String())
	}
	if d := cmp.Diff([]string{"guest firewall of px: allow Tcp port 8080 from 10.0.1.4/32", "proxy px: allow the host *.blob.core.windows.net"}, got); d != "" {
		t.Error(d)
	}
}

func TestAChangeCountsWhatTheRuleMatches(t *testing.T) {
	s := simulator(t, golden.New().Build())
	r := edit.AddRule{Source: []string{"10.0.1.4"}, Destination: []string{"Internet"}, Protocol: topology.TCP, Ports: []topology.PortRange{{First: 80, Last: 443}}}
	c := fix.Measure(s, r)
	if c.Source.IPv4 != 1 || c.Ports != 364 || !c.Destination.Known || c.Destination.IPv4 < 3_000_000_000 || c.Destination.IPv6 != nil {
		t.Errorf("%+v", c)
	}
	r.Destination, r.Ports, r.Source = []string{"10.0.0.0/30", "10.0.0.2/31"}, nil, []string{"VirtualNetwork"}
	if c = fix.Measure(s, r); c.Destination.IPv4 != 4 || c.Destination.IPv6 != nil || c.Ports != 65536 || c.Source.Known {
		t.Errorf("%+v", c)
	}
}

// What a rule changes is what was asked about, of the families that meet.
func TestTheDifferenceIsExactlyTheRequest(t *testing.T) {
	out, in := topology.Outbound, topology.Inbound
	type difference struct {
		packets     string
		from, to    uint64
		ports       int
		known, only bool
	}
	for _, c := range []struct {
		name   string
		estate *golden.Estate
		q      fix.Question
		want   []difference
	}{
		{"one address to a tag", golden.New().SubnetNSG("app", shut("deny", out).To("Internet")), ask("a1", "Storage.WestEurope", 443), []difference{{"33554432", 1, 512, 1, true, true}}},
		{"what was allowed already is no change", golden.New().SubnetNSG("app", golden.Allow("half", 100, out).To("20.60.26.0/24"), shut("deny", out).To("Internet")), ask("a1", "Storage.WestEurope", 443), []difference{{"16777216", 1, 256, 1, true, true}}},
		{"a denial of the Internet beside one IPv4 address", golden.New().SubnetNSG("db", golden.Allow("ssh", 100, in).TCP().From("Internet").Ports("22")).SubnetNSG("app", golden.Allow("ssh", 200, in).TCP().From("Internet").Ports("22")).PublicIP("a1", "198.51.100.7", "Standard"), deny("Internet", "a1", 22), []difference{{"", 0, 1, 1, true, true}}},
		{"through a proxy", golden.New().ProxyServer("px", 8080).UsesProxy("a1", golden.Proxy, 8080).SubnetNSG("app", shut("deny", out)), ask("a1", "Storage.WestEurope", 443), []difference{{"65536", 1, 1, 1, true, true}}},
		{"a tag that no file explains", golden.New().NoServiceTags().SubnetNSG("app", shut("deny", out).To("Internet")), ask("a1", "Storage.WestEurope", 443), []difference{{"0", 1, 0, 0, false, false}}},
		{"icmp", golden.New().SubnetNSG("db", shut("deny", in)), fix.Question{Want: topology.Allow, TraceQuestion: sim.TraceQuestion{From: "a1", To: "d1", Protocol: topology.ICMP}}, []difference{{"1", 1, 1, 0, true, true}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, err := fix.Find(simulator(t, c.estate.Build()), c.q)
			if err != nil || !plan.Met() {
				t.Fatal(err, plan)
			}
			var got []difference
			for _, d := range plan.Differences() {
				x := difference{d.Packets.String(), d.Source.IPv4, d.Destination.IPv4, d.Ports, d.Known, d.Exact}
				if d.Known && (d.Source.IPv6 != nil || d.Destination.IPv6 != nil) {
					t.Errorf("IPv6 addresses are counted beside an IPv4 one: %v, %v", d.Source.IPv6, d.Destination.IPv6)
				}
				if x.from > 1_000_000_000 { // the Internet
					x.packets, x.from = "", 0
				}
				got = append(got, x)
				if d.Exact != (d.Known && d.Beyond == "") {
					t.Errorf("beyond what was asked: %q", d.Beyond)
				}
			}
			if d := cmp.Diff(c.want, got, cmp.AllowUnexported(difference{})); d != "" {
				t.Error(d)
			}
		})
	}
}

// A rule that says more than was asked is not exact, and a packet shows it.
func TestARuleBeyondTheRequestIsShown(t *testing.T) {
	q := ask("a1", golden.NET, 443)
	q.FixedSource, q.SourcePort = true, 40000
	plan, err := fix.Find(simulator(t, golden.New().SubnetNSG("app", shut("deny", topology.Outbound)).Build()), q)
	if err != nil || !plan.Met() {
		t.Fatal(err, plan)
	}
	d := plan.Differences()[0]
	if d.Exact || !strings.HasPrefix(d.Beyond, "Tcp from 10.0.1.4:") || !strings.HasSuffix(d.Beyond, " to 203.0.113.10:443") || strings.Contains(d.Beyond, ":40000") {
		t.Errorf("%+v", d)
	}
}

// A proxy setting is a client's choice: what is to be denied is denied past it
// too, and through it.
func TestDenyStopsWhatGoesPastAProxy(t *testing.T) {
	for name, hosts := range map[string][]string{"the proxy lets it through": nil, "the proxy does not": {"*.example.org"}} {
		t.Run(name, func(t *testing.T) {
			e := golden.New().ProxyServer("px", 8080, hosts...).UsesProxy("a1", golden.Proxy, 8080).
				SubnetNSG("app", golden.Allow("all", 1000, topology.Outbound)).SubnetNSG("dmz", golden.Allow("all", 1000, topology.Outbound))
			q := deny("a1", golden.NET, 443)
			plan, err := fix.Find(simulator(t, e.Build()), q)
			if err != nil || len(plan.Blockers) > 0 || len(plan.Edits) == 0 {
				t.Fatalf("%+v, %v", plan, err)
			}
			for _, past := range []bool{false, true} {
				q.NoProxy = past
				after, err := plan.Sim.Trace(q.TraceQuestion)
				if err != nil {
					t.Fatal(err)
				}
				if after.Verdict != flow.Deny {
					t.Errorf("past the proxy %v: %s", past, after.Verdict)
				}
			}
		})
	}
}
