package policy_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/policy"
	"github.com/netpath/netpath/topology"
)

func check(t *testing.T, n *topology.Network, strict bool, a ...*policy.Assertion) *policy.Report {
	t.Helper()
	s, err := sim.New(n, sim.Options{AsOf: golden.AsOf, Strict: strict})
	if err != nil {
		t.Fatal(err)
	}
	r, err := policy.Check(context.Background(), s, a, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ports(list ...topology.PortRange) []topology.PortRange { return list }

var https = ports(topology.PortRange{First: 443, Last: 443})

// Each case is a fact about one assertion over the golden estate with some
// change; verdict and counts are written as "Verdict asked/met/broken/undecided".
func TestAssertions(t *testing.T) {
	deny443 := func() *golden.Estate {
		return golden.New().SubnetNSG("app", golden.Deny("no-443", 100, golden.Out).Ports("443"))
	}
	for _, c := range []struct {
		fact   string
		estate *golden.Estate
		a      policy.Assertion
		want   string
	}{
		{"one packet that gets through", golden.New(), policy.Assertion{Kind: policy.Allow, From: []string{"a1"}, To: []string{"d1"}, Ports: https}, "Pass 1/1/0/0"},
		{"one that does not", deny443(), policy.Assertion{Kind: policy.Allow, From: []string{"a1"}, To: []string{"d1"}, Ports: https}, "Fail 1/0/1/0"},
		{"deny is the opposite", deny443(), policy.Assertion{Kind: policy.Deny, From: []string{"a1"}, To: []string{"d1"}, Ports: https}, "Pass 1/1/0/0"},
		{"a hole in a range of ports breaks allow", deny443(), policy.Assertion{Kind: policy.Allow, From: []string{"a1"}, To: []string{"d1"}, Ports: ports(topology.PortRange{First: 80, Last: 500})}, "Fail 1/0/1/0"},
		{"what lies outside the range does not count", deny443(), policy.Assertion{Kind: policy.Allow, From: []string{"a1"}, To: []string{"d1"}, Ports: ports(topology.PortRange{First: 80, Last: 442}, topology.PortRange{First: 444, Last: 65535})}, "Pass 2/2/0/0"},
		{"every protocol is every port of it", golden.New().SubnetNSG("app", golden.Allow("web", 100, golden.Out).TCP().Ports("443"), golden.Deny("rest", 200, golden.Out)), policy.Assertion{Kind: policy.Deny, From: []string{"a1"}, To: []string{"d1"}, Protocol: topology.AnyProtocol}, "Fail 1/0/1/0"},
		{"or the ports that are given", golden.New().SubnetNSG("app", golden.Allow("web", 100, golden.Out).TCP().Ports("443"), golden.Deny("rest", 200, golden.Out)), policy.Assertion{Kind: policy.Deny, From: []string{"a1"}, To: []string{"d1"}, Protocol: topology.AnyProtocol, Ports: ports(topology.PortRange{First: 443, Last: 443}, topology.PortRange{First: 80, Last: 90})}, "Fail 2/1/1/0"},
		{"and what has no ports", golden.New().SubnetNSG("app", golden.Allow("ping", 100, golden.Out).ICMP(), golden.Deny("rest", 200, golden.Out)), policy.Assertion{Kind: policy.Deny, From: []string{"a1"}, To: []string{"d1"}, Protocol: topology.AnyProtocol}, "Fail 1/0/1/0"},
		{"a protocol without ports is asked once", golden.New().SubnetNSG("app", golden.Allow("ping", 100, golden.Out).ICMP(), golden.Deny("rest", 200, golden.Out)), policy.Assertion{Kind: policy.Deny, From: []string{"a1"}, To: []string{"d1"}, Protocol: topology.ICMP}, "Fail 1/0/1/0"},
		{"any port without ports", deny443(), policy.Assertion{Kind: policy.Deny, From: []string{"a1"}, To: []string{"d1"}}, "Fail 1/0/1/0"},
		{"a subnet is every interface in it", deny443(), policy.Assertion{Kind: policy.Allow, From: []string{"subnet:v1/app"}, To: []string{"d1"}, Ports: https}, "Fail 2/0/2/0"},
		{"a pattern is every machine it matches", golden.New(), policy.Assertion{Kind: policy.Allow, From: []string{"a*"}, To: []string{"vm:d1"}, Ports: https}, "Pass 2/2/0/0"},
		{"nothing leaves a machine for itself", golden.New(), policy.Assertion{Kind: policy.Allow, From: []string{"vm:a*"}, To: []string{"vm:a*"}, Ports: https}, "Pass 2/2/0/0"},
		{"an application security group is its members", golden.New().ASG("d1", "asg-db"), policy.Assertion{Kind: policy.Allow, From: []string{"a1"}, To: []string{"asg:ASG-db"}, Ports: https}, "Pass 1/1/0/0"},
		{"a pattern that matches nothing leaves it open", golden.New(), policy.Assertion{Kind: policy.Deny, From: []string{"vm:z*"}, To: []string{"d1"}, Ports: https}, "Unknown 0/0/0/0"},
		{"beside one that matches too", golden.New(), policy.Assertion{Kind: policy.Allow, From: []string{"vm:z*", "a1"}, To: []string{"d1"}, Ports: https}, "Unknown 1/1/0/0"},
		{"so does a name that is nobody's", golden.New(), policy.Assertion{Kind: policy.Allow, From: []string{"a1"}, To: []string{"d9"}, Ports: https}, "Unknown 0/0/0/0"},
		{"broken counts more than open", deny443(), policy.Assertion{Kind: policy.Allow, From: []string{"vm:z*", "a1"}, To: []string{"d1"}, Ports: https}, "Fail 1/0/1/0"},
		{"a tag that no file holds is open for allow", golden.New().NoServiceTags().SubnetNSG("app", golden.Deny("x", 100, golden.Out).To("AzureMonitor")), policy.Assertion{Kind: policy.Allow, From: []string{"a1"}, To: []string{golden.NET}, Ports: https}, "Unknown 1/0/0/1"},
		{"and for deny", golden.New().NoServiceTags().SubnetNSG("app", golden.Deny("x", 100, golden.Out).To("AzureMonitor")), policy.Assertion{Kind: policy.Deny, From: []string{"a1"}, To: []string{golden.NET}, Ports: https}, "Unknown 1/0/0/1"},
		{"a prefix of which a part is denied breaks allow", golden.New().SubnetNSG("app", golden.Deny("x", 100, golden.Out).To("203.0.113.0/28")), policy.Assertion{Kind: policy.Allow, From: []string{"a1"}, To: []string{"203.0.113.0/24"}, Ports: https}, "Fail 1/0/1/0"},
		{"and deny, by the other part", golden.New().SubnetNSG("app", golden.Deny("x", 100, golden.Out).To("203.0.113.0/28")), policy.Assertion{Kind: policy.Deny, From: []string{"a1"}, To: []string{"203.0.113.0/24"}, Ports: https}, "Fail 1/0/1/0"},
	} {
		t.Run(c.fact, func(t *testing.T) {
			c.a.ID = "x"
			r := &check(t, c.estate.Build(), false, &c.a).Results[0]
			if got := fmt.Sprintf("%s %d/%d/%d/%d", r.Verdict, r.Asked, r.Met, r.Broken, r.Undecided); got != c.want {
				t.Errorf("%s, want %s; %+v", got, c.want, r)
			}
			if r.Asked == 0 && len(r.Open) == 0 {
				t.Error("nothing is said of the selector that selects nothing")
			}
		})
	}
}

// A machine that backup fails breaks backup-ready; a profile that requires
// nothing does not.
func TestBackupReady(t *testing.T) {
	n := golden.New().SubnetNSG("app", golden.Deny("internet", 4000, golden.Out).To("Internet")).Build()
	r := check(t, n, false,
		&policy.Assertion{ID: "old", Kind: policy.BackupReady, VMs: []string{"a*"}, Profiles: []string{"vm-2018"}},
		&policy.Assertion{ID: "new", Kind: policy.BackupReady, VMs: []string{"vm:a*"}, Profiles: []string{"vm-current"}},
		&policy.Assertion{ID: "none", Kind: policy.BackupReady, VMs: []string{"z*"}})
	var got []string
	for _, x := range r.Results {
		got = append(got, fmt.Sprintf("%s %s %d/%d", x.ID, x.Verdict, x.Asked, x.Broken))
	}
	if want := []string{"old Fail 2/2", "new Pass 2/0", "none Unknown 0/0"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if r.Count(policy.Pass) != 1 || r.Count(policy.Fail) != 1 || r.Count(policy.Unknown) != 1 {
		t.Error("the counts differ")
	}
}

// In strict mode an answer that rests on an assumption is undecided, and the
// result says which one.
func TestStrictLeavesAssumptionsOpen(t *testing.T) {
	n := golden.New().Build()
	a := &policy.Assertion{ID: "x", Kind: policy.Allow, From: []string{"a1"}, To: []string{"10.0.2.200"}, Ports: https}
	for strict, want := range map[bool]policy.Verdict{false: policy.Pass, true: policy.Unknown} {
		r := check(t, n, strict, a).Results[0]
		if r.Verdict != want || r.UnderAssumptions != strict || !slices.ContainsFunc(r.Assumptions, func(x flow.Assumption) bool { return x.ID == flow.NoNICAtDestination }) {
			t.Errorf("strict %v: %+v", strict, r)
		}
	}
}

// Where the parts of an answer are certain and only the whole rests on an
// assumption, strict mode leaves the assertion open, as it does the question.
func TestStrictLooksAtTheWholeAnswer(t *testing.T) {
	swe := []string{}
	for _, x := range golden.ServiceTags().Tags {
		if x.Name == "Storage.WestEurope" {
			for _, p := range x.Prefixes.Slice() {
				swe = append(swe, p.String())
			}
		}
	}
	half := len(swe) / 2
	for kind, access := range map[policy.Kind]func(string, int, topology.Direction) *golden.Rule{policy.Allow: golden.Allow, policy.Deny: golden.Deny} {
		e := golden.New().SubnetNSG("app", access("one", 100, golden.Out).To(swe[:half]...), access("two", 110, golden.Out).To(swe[half:]...), golden.Deny("rest", 4000, golden.Out).To("Internet"))
		s, err := sim.New(e.Build(), sim.Options{AsOf: golden.AsOf.AddDate(1, 0, 0), Strict: true})
		if err != nil {
			t.Fatal(err)
		}
		q, err := s.Trace(sim.TraceQuestion{From: "a1", To: "Storage.WestEurope", Port: 443})
		if err != nil {
			t.Fatal(err)
		}
		r, err := policy.Check(context.Background(), s, []*policy.Assertion{{ID: "x", Kind: kind, From: []string{"a1"}, To: []string{"Storage.WestEurope"}, Ports: https}}, policy.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if x := r.Results[0]; q.Verdict == flow.Unknown && x.Verdict != policy.Unknown || !x.UnderAssumptions && q.Verdict == flow.Unknown {
			t.Errorf("%s: %+v, the question is %s under %v", kind, x, q.Verdict, q.Assumptions)
		}
	}
}

// A promise about a machine is one about all of its addresses: those of other
// interfaces and IP configurations count, and of a group only its members.
func TestEveryAddressOfAMachineCounts(t *testing.T) {
	build := func() *topology.Network {
		e := golden.New().SubnetNSG("app", golden.Allow("open", 101, golden.In).To("10.0.1.9/32"), golden.Deny("closed", 102, golden.In))
		nic := e.NIC("a1")
		second := *nic.IPConfigurations[0]
		second.ResourceID, second.Name, second.PrivateIPAddress, second.Primary = nic.ResourceID+"/ipConfigurations/second", "second", netip.MustParseAddr("10.0.1.9"), topology.Off
		second.ASGs = []topology.Ref{topology.RefTo("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationSecurityGroups/asg-db")}
		nic.IPConfigurations = append(nic.IPConfigurations, &second)
		return e.Build()
	}
	for to, want := range map[string]string{"a1": "Fail 2/1/1", "vm:a1": "Fail 2/1/1", "nic:*a1*": "Fail 2/1/1", "asg:asg-db": "Fail 1/0/1", "10.0.1.4": "Pass 1/1/0"} {
		r := &check(t, build(), false, &policy.Assertion{ID: "x", Kind: policy.Deny, From: []string{"d1"}, To: []string{to}, Ports: https}).Results[0]
		if got := fmt.Sprintf("%s %d/%d/%d", r.Verdict, r.Asked, r.Met, r.Broken); got != want {
			t.Errorf("%s: %s, want %s; %v", to, got, want, r.Open)
		}
	}
}

// The sources do not agree whether the tag Internet has 25.0.0.0/8: what lets it
// in breaks deny all the same, though a trace from the tag is denied.
func TestDenyAsksOfEveryPublicAddress(t *testing.T) {
	n := golden.New().PublicIP("a1", "198.51.100.9", "Standard").SubnetNSG("app",
		golden.Allow("ssh", 100, golden.In).From("25.0.0.0/8").Ports("22"),
		golden.Deny("no-internet", 200, golden.In).From("Internet").Ports("23"),
		golden.Allow("telnet", 300, golden.In).Ports("23"),
		golden.Deny("no", 4000, golden.In)).Build()
	for port, want := range map[uint16]policy.Verdict{22: policy.Fail, 23: policy.Unknown, 24: policy.Pass} {
		a := &policy.Assertion{ID: "x", Kind: policy.Deny, From: []string{"Internet"}, To: []string{"a1"}, Ports: ports(topology.PortRange{First: port, Last: port})}
		if r := check(t, n, false, a).Results[0]; r.Verdict != want {
			t.Errorf("port %d: %s, want %s; %+v", port, r.Verdict, want, r.Cases)
		}
	}
}

// A proxy setting is no gate: what is to be denied must be stopped past it too.
func TestDenyLooksPastAProxy(t *testing.T) {
	n := golden.New().ProxyServer("px", 8080, "*.example.org").UsesProxy("a1", golden.Proxy, 8080).Build()
	a := &policy.Assertion{ID: "x", Kind: policy.Deny, From: []string{"a1"}, To: []string{"Storage.WestEurope"}, Ports: https}
	if r := check(t, n, false, a).Results[0]; r.Verdict != policy.Fail || r.Asked != 2 {
		t.Errorf("%+v", r)
	}
}

// A selector that cannot be meant is an error that names the assertion.
func TestSelectorsThatCannotBeMeant(t *testing.T) {
	s, err := sim.New(golden.New().Build(), sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	for selector, want := range map[string]string{"10.0.0.0/16": "CIDR block cannot be the source", "vm:[": "not a pattern", "subnet:": "not a pattern"} {
		_, err := policy.Check(context.Background(), s, []*policy.Assertion{{ID: "mine", Kind: policy.Allow, From: []string{selector}, To: []string{"d1"}}}, policy.Options{})
		var bad *policy.SelectorError
		if !errors.As(err, &bad) || bad.Selector != selector || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "mine") {
			t.Errorf("%s: %v", selector, err)
		}
	}
}

// On random estates an assertion is what its packets, asked one by one, say;
// and the packet that a report shows breaks it.
func TestAssertionsAgreeWithTheirPackets(t *testing.T) {
	cases, shown := 0, 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 11))
		n, samples := estategen.Random(r, estategen.Options{Samples: 12, Without: estategen.AddressesOwnedTwice})
		s, err := sim.New(n, sim.Options{AsOf: estategen.CatalogueDate})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range samples {
			if !x.Destination.IsValid() || len(n.NetworkInterfaces) == 0 {
				continue
			}
			from := n.NetworkInterfaces[r.IntN(len(n.NetworkInterfaces))]
			q := sim.TraceQuestion{From: from.ResourceID, To: x.Destination.String(), Port: x.DestinationPort}
			a, err := s.Trace(q)
			if err != nil {
				continue
			}
			direct := q
			direct.NoProxy = true
			past, err := s.Trace(direct)
			if err != nil {
				t.Fatal(err)
			}
			through := q // a user's own setting too, and past no list
			for _, vm := range n.VirtualMachines {
				if vm.Proxy != nil && (from.VirtualMachine.ID() == vm.ID() || slices.ContainsFunc(vm.NetworkInterfaces, func(r topology.Ref) bool { return r.ID() == from.ID() })) {
					setting := *vm.Proxy
					setting.Bypass = nil
					through.Proxy = &setting
				}
			}
			proxied, err := s.Trace(through)
			if err != nil {
				t.Fatal(err)
			}
			var byEntry []*sim.Trace // deny is asked by the ways to an interface too
			if e, err := s.NamedEnd(from.ResourceID); err == nil {
				for _, y := range s.Entries(n.Owners(x.Destination)...) {
					for _, past := range []bool{true, false} {
						q := through
						q.NoProxy, q.AnyHost = past, true
						if b, err := s.TraceEntry(q, e, y); err != nil {
							t.Fatal(err)
						} else if b != nil && (past || y.Public()) {
							byEntry = append(byEntry, b)
						}
					}
				}
			}
			for _, kind := range []policy.Kind{policy.Allow, policy.Deny} {
				a := a
				if kind == policy.Deny {
					a = proxied
				}
				port := topology.PortRange{First: x.DestinationPort, Last: x.DestinationPort}
				report, err := policy.Check(context.Background(), s, []*policy.Assertion{{ID: "x", Kind: kind, From: []string{from.ResourceID}, To: []string{q.To}, Ports: ports(port)}}, policy.Options{})
				if err != nil {
					t.Fatal(err)
				}
				got := report.Results[0]
				want := policy.Pass
				switch {
				case kind == policy.Allow && (a.AnyDeny || a.Verdict == flow.Deny), kind == policy.Deny && (a.AnyAllow || a.Verdict == flow.Allow || past.AnyAllow || past.Verdict == flow.Allow):
					want = policy.Fail
				case a.Verdict == flow.Unknown || a.Undecided, kind == policy.Deny && (past.Verdict == flow.Unknown || past.Undecided):
					want = policy.Unknown
				}
				for _, b := range byEntry {
					if kind == policy.Deny && b.AnyAllow {
						want = policy.Fail
					} else if kind == policy.Deny && b.Undecided {
						want = max(want, policy.Unknown)
					}
				}
				if got.Verdict != want {
					t.Errorf("seed %d: %s %s → %s: %s, the packet is %s", seed, kind, from.Name, q.To, got.Verdict, a.Verdict)
				}
				cases++
				for _, c := range got.Cases {
					if _, err := netip.ParseAddr(c.Witness.Destination); err != nil {
						continue
					}
					again := q
					if kind == policy.Deny {
						again = through
					}
					again.To = c.Witness.Destination
					if c.Witness.Port != "" {
						p, _ := strconv.Atoi(c.Witness.Port)
						again.Port = uint16(p)
					}
					b, err := s.Trace(again)
					if err != nil {
						t.Fatal(err)
					}
					again.NoProxy = true
					if p, err := s.Trace(again); err == nil && kind == policy.Deny && b.Verdict == flow.Deny {
						b = p // the packet went past the proxy
					}
					shown++
					if c.Verdict == policy.Fail && (kind == policy.Allow && b.Verdict == flow.Allow || kind == policy.Deny && b.Verdict == flow.Deny) {
						t.Errorf("seed %d: the packet shown for %s %s → %s is %s", seed, kind, from.Name, q.To, b.Verdict)
					}
				}
			}
		}
	}
	if cases < 500 || shown < 200 {
		t.Errorf("only %d cases and %d packets", cases, shown)
	}
}

// The names behind the addresses of a tag are not known: a proxy's allow list
// or a firewall's rule for some of them settles nothing for all of them, and
// what is asked by its name is settled.
func TestATagIsNotItsMainHosts(t *testing.T) {
	proxy := func(list ...string) *golden.Estate {
		return golden.New().SubnetNSG("app", golden.Deny("no-internet", 100, golden.Out).To("Internet")).ProxyServer("px", 8080, list...).UsesProxy("a1", golden.Proxy, 8080)
	}
	firewall := func(rules ...*topology.RuleCollection) *golden.Estate { return golden.New().Firewall("app", rules...) }
	blob := func(priority int, action topology.Access) *topology.RuleCollection {
		return golden.ApplicationRules("blob", priority, action, golden.ApplicationRule("blob", "https:443", "*.blob.core.windows.net"))
	}
	const queue = "mystore.queue.core.windows.net"
	for _, c := range []struct {
		fact   string
		estate *golden.Estate
		kind   policy.Kind
		to     string
		want   policy.Verdict
	}{
		{"a proxy lets another name through", proxy("*.queue.core.windows.net"), policy.Deny, "Storage", policy.Unknown},
		{"by its name it is certain", proxy("*.queue.core.windows.net"), policy.Deny, queue, policy.Fail},
		{"nothing but none is open too", proxy("*.queue.core.windows.net"), policy.Only, "Storage", policy.Unknown},
		{"a proxy for every name lets all through", proxy("*"), policy.Deny, "Storage", policy.Fail},
		{"a proxy for the main hosts does not let all through", proxy("*.blob.core.windows.net"), policy.Allow, "Storage", policy.Unknown},
		{"a firewall that denies some lets others through", firewall(blob(200, topology.Deny), golden.ApplicationRules("all", 300, topology.Allow, golden.ApplicationRule("all", "https:443", "*"))), policy.Deny, "Storage", policy.Unknown},
		{"one that allows some does not allow all", firewall(blob(200, topology.Allow)), policy.Allow, "Storage", policy.Unknown},
	} {
		t.Run(c.fact, func(t *testing.T) {
			a := &policy.Assertion{ID: "x", Kind: c.kind, From: []string{"a1"}, To: []string{c.to}}
			if c.kind != policy.Only {
				a.Ports = https
			}
			r := check(t, c.estate.Build(), false, a).Results[0]
			if r.Verdict != c.want {
				t.Fatalf("%s, want %s; %+v", r.Verdict, c.want, r.Cases)
			}
			if x := r.Cases; c.want == policy.Unknown && (len(x[0].Outcome.Missing) == 0 || !strings.Contains(x[0].Outcome.Missing[0].Text, "not known")) {
				t.Errorf("no reason: %+v", x[0].Outcome)
			}
		})
	}
}

// What a user's programs send through a proxy must be stopped as what the
// machine's do.
func TestAUsersProxyIsAWayThatDenyAsks(t *testing.T) {
	for _, scope := range []string{"system", "user"} {
		e := golden.New().SubnetNSG("app", golden.Deny("no-internet", 100, golden.Out).To("Internet")).ProxyServer("px", 8080, "*").UsesProxy("a1", golden.Proxy, 8080)
		e.Machine("a1").Proxy.Scope = scope
		for _, kind := range []policy.Kind{policy.Deny, policy.Only} {
			a := &policy.Assertion{ID: "x", Kind: kind, From: []string{"a1"}, To: []string{golden.NET}}
			if kind == policy.Deny {
				a.Ports = https
			}
			if r := check(t, e.Build(), false, a).Results[0]; r.Verdict != policy.Fail {
				t.Errorf("%s, %s: %s %+v", scope, kind, r.Verdict, r.Cases)
			}
		}
	}
}

// A client may not look at the list of what its proxy setting sends past the
// proxy: what must not pass is asked through it all the same.
func TestAListOfWhatGoesPastAProxyIsNoGate(t *testing.T) {
	e := golden.New().SubnetNSG("app", golden.Deny("no-internet", 100, golden.Out).To("Internet")).ProxyServer("px", 8080, "*").UsesProxy("a1", golden.Proxy, 8080)
	e.Machine("a1").Proxy.Bypass = []topology.Bypass{{Host: "*"}}
	for _, kind := range []policy.Kind{policy.Deny, policy.Only} {
		a := &policy.Assertion{ID: "x", Kind: kind, From: []string{"a1"}, To: []string{golden.NET}}
		if kind == policy.Deny {
			a.Ports = https
		}
		if r := check(t, e.Build(), false, a).Results[0]; r.Verdict != policy.Fail {
			t.Errorf("%s: %s %+v", kind, r.Verdict, r.Cases)
		}
	}
	if p := e.Machine("a1").Proxy; len(p.Bypass) != 1 {
		t.Error("the setting of the estate itself was changed")
	}
}

// From inside the estate a machine is reached at its public IP address too, by
// other rules than at its private one.
func TestDenyAsksAtThePublicAddress(t *testing.T) {
	estate := func(rules ...*golden.Rule) *golden.Estate {
		return golden.New().PublicIP("a1", "198.51.100.8", "Standard").PublicIP("d1", "198.51.100.9", "Standard").SubnetNSG("db", rules...)
	}
	fromPublic, noNetwork := golden.Allow("web", 100, golden.In).From("198.51.100.8").Ports("443"), golden.Deny("no-network", 200, golden.In).From("VirtualNetwork")
	for _, c := range []struct {
		fact   string
		estate *golden.Estate
		from   string
		want   string
	}{
		{"it is let in there", estate(fromPublic, noNetwork), "a1", "Fail 2/1/1/0"},
		{"nothing is", estate(noNetwork), "a1", "Pass 2/2/0/0"},
		{"from outside it is the entry that is asked in any case", estate(noNetwork), "Internet", "Pass 1/1/0/0"},
	} {
		t.Run(c.fact, func(t *testing.T) {
			r := check(t, c.estate.Build(), false, &policy.Assertion{ID: "x", Kind: policy.Deny, From: []string{c.from}, To: []string{"d1"}, Ports: https}).Results[0]
			if got := verdictOf(&r); got != c.want {
				t.Fatalf("%s, want %s; %+v", got, c.want, r.Cases)
			}
			if len(r.Cases) > 0 && r.Cases[0].Service != "tcp/443 at 198.51.100.9" {
				t.Errorf("the case is about %s", r.Cases[0].Service)
			}
		})
	}
}
