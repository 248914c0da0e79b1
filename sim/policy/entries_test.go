package policy_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim/policy"
	"github.com/netpath/netpath/sim/reach"
	"github.com/netpath/netpath/topology"
)

// internal makes the frontend of the load balancer that was added last one of
// the subnet dmz; an address of "" is not in the data.
func internal(e *golden.Estate, address string) *golden.Estate {
	for _, lb := range e.Build().LoadBalancers {
		f := lb.Frontends[0]
		f.PublicIPAddress, f.Subnet = topology.Ref{}, e.SubnetOf("dmz").Ref()
		if address != "" {
			f.PrivateIPAddress = netip.MustParseAddr(address)
		}
	}
	return e
}

// dnat is a firewall beside the estate's routes that translates a port of its
// public address.
func dnat(e *golden.Estate, to string, port, toPort uint16) *golden.Estate {
	rule := golden.NetworkRule("in", "198.51.100.40", "1")
	rule.Ports = ports(topology.PortRange{First: port, Last: port})
	if to != "" {
		rule.Translated = netip.MustParseAddr(to)
	} else {
		rule.TranslatedFQDN = "db.example.org"
	}
	rule.TranslatedPort = int(toPort)
	return e.Firewall("dmz", &topology.RuleCollection{Element: topology.Element{Name: "dnat"}, Kind: topology.NATCollection, Priority: 100, Rules: []*topology.FirewallRule{rule}})
}

// A machine is entered by other addresses than its own, past rules that its
// private address is behind: what must not pass is asked there too.
func TestWhatMustNotPassIsAskedAtEveryEntry(t *testing.T) {
	// a1 may send to all but the subnet of d1; d1 takes what comes.
	closed := func() *golden.Estate {
		return golden.New().SubnetNSG("app", golden.Deny("no-db", 100, golden.Out).To("10.0.2.0/24")).
			SubnetNSG("db", golden.Allow("all", 100, golden.In))
	}
	public := func() *golden.Estate { return closed().PublicIP("d1", "198.51.100.9", "Standard") }
	for _, c := range []struct {
		fact   string
		estate *golden.Estate
		from   string
		to     string
		port   uint16
		want   policy.Verdict
		at     string // of the case of deny
	}{
		{"no other address", closed(), "a1", "d1", 443, policy.Pass, ""},
		{"its public IP address", public(), "a1", "d1", 443, policy.Fail, "tcp/443 at 198.51.100.9"},
		{"its public IP address, where nothing gets out to it", public().NICNSG("a1", golden.Deny("no", 100, golden.Out)), "a1", "d1", 443, policy.Pass, ""},
		{"its public IP address, by its private one", public(), "a1", "10.0.2.4", 443, policy.Fail, "tcp/443 at 198.51.100.9"},
		{"a frontend of an internal load balancer", internal(closed().LoadBalancer("lb", "198.51.100.30", 443, 443, "d1"), "10.0.0.30"), "a1", "d1", 443, policy.Fail, "tcp/443 at 10.0.0.30:443"},
		{"another port of the frontend", internal(closed().LoadBalancer("lb", "198.51.100.30", 8443, 443, "d1"), "10.0.0.30"), "a1", "d1", 443, policy.Fail, "tcp/443 at 10.0.0.30:8443"},
		{"to another port of the machine", internal(closed().LoadBalancer("lb", "198.51.100.30", 443, 8443, "d1"), "10.0.0.30"), "a1", "d1", 443, policy.Pass, ""},
		{"the frontend leads elsewhere", internal(closed().LoadBalancer("lb", "198.51.100.30", 443, 443, "b1"), "10.0.0.30"), "a1", "d1", 443, policy.Pass, ""},
		{"to it and to others, which do not count", internal(closed().LoadBalancer("lb", "198.51.100.30", 443, 443, "d1", "b1").NICNSG("d1", golden.Deny("no", 100, golden.In)), "10.0.0.30"), "a1", "d1", 443, policy.Pass, ""},
		{"to it, and others that it does not reach", internal(closed().LoadBalancer("lb", "198.51.100.30", 443, 443, "d1", "b1").NICNSG("b1", golden.Deny("no", 100, golden.In)), "10.0.0.30"), "a1", "d1", 443, policy.Fail, "tcp/443 at 10.0.0.30:443"},
		{"a frontend whose address is not in the data", internal(closed().LoadBalancer("lb", "198.51.100.30", 443, 443, "d1"), ""), "a1", "d1", 443, policy.Unknown, "tcp/443 at load balancer lb"},
		{"a public frontend", closed().LoadBalancer("lb", "198.51.100.30", 443, 443, "d1"), "a1", "d1", 443, policy.Fail, "tcp/443 at 198.51.100.30:443"},
		{"a firewall that translates to it", dnat(closed(), "10.0.2.4", 8443, 443), "a1", "d1", 443, policy.Fail, "tcp/443 at 198.51.100.40:8443"},
		{"a firewall that translates to another", dnat(closed(), "10.0.2.77", 8443, 443), "a1", "d1", 443, policy.Pass, ""},
		{"a firewall that translates to a name", dnat(closed(), "", 8443, 443), "a1", "d1", 443, policy.Unknown, "tcp/443 at 198.51.100.40"},
		{"from outside too: a firewall before an internal load balancer", dnat(internal(closed().LoadBalancer("lb", "198.51.100.30", 444, 443, "d1"), "10.0.0.30"), "10.0.0.30", 8443, 444), "Internet", "d1", 443, policy.Fail, "tcp/443 at 198.51.100.40:8443"},
		{"from outside no internal load balancer", internal(closed().LoadBalancer("lb", "198.51.100.30", 443, 443, "d1"), "10.0.0.30"), "Internet", "d1", 443, policy.Pass, ""},
	} {
		t.Run(c.fact, func(t *testing.T) {
			for _, kind := range []policy.Kind{policy.Deny, policy.Only} {
				a := &policy.Assertion{ID: "x", Kind: kind, From: []string{c.from}, To: []string{c.to}}
				if kind == policy.Deny {
					a.Ports = ports(topology.PortRange{First: c.port, Last: c.port})
				} else {
					a.Services = everythingBut(t, c.port)
				}
				r := check(t, c.estate.Build(), false, a).Results[0]
				if r.Verdict != c.want {
					t.Errorf("%s: %s, want %s; %+v", kind, verdictOf(&r), c.want, r.Cases)
				}
				if kind == policy.Deny && c.at != "" && (len(r.Cases) != 1 || r.Cases[0].Service != c.at) {
					t.Errorf("the cases are not about %s: %+v", c.at, r.Cases)
				}
				if kind == policy.Only && c.at != "" && len(r.Cases) == 1 && c.want == policy.Fail && !strings.Contains(c.at, r.Cases[0].Witness.Destination) {
					t.Errorf("the packet shown goes to %s, want %s", r.Cases[0].Witness.Destination, c.at)
				}
			}
		})
	}
}

// everythingBut is every service but a port of TCP.
func everythingBut(t *testing.T, port uint16) reach.Allowed {
	t.Helper()
	may, err := reach.ParseAllowed(fmt.Sprintf("icmp,esp,ah,udp,tcp/0-%d,tcp/%d-65535", port-1, port+1))
	if err != nil {
		t.Fatal(err)
	}
	return may
}
