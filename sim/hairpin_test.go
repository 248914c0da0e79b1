package sim_test

import (
	"net/netip"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// Whether a firewall translates by its DNAT rules what comes to it from inside
// is not documented. What no such rule matches is asked of its other rules
// alone.
func TestADNATRuleForWhatComesFromInsideIsOpen(t *testing.T) {
	const own = "198.51.100.40" // the firewall's
	address := func(s string) []topology.AddressPrefix {
		p := netip.PrefixFrom(netip.MustParseAddr(s), 32)
		return []topology.AddressPrefix{{Kind: topology.PrefixAddress, Prefix: p, Text: s}}
	}
	rdp := &topology.RuleCollection{Element: topology.Element{Name: "nat"}, Kind: topology.NATCollection, Priority: 300,
		Rules: []*topology.FirewallRule{{
			Element: topology.Element{Name: "rdp"}, Protocols: []topology.Protocol{topology.TCP}, Sources: []topology.AddressPrefix{{Kind: topology.AnyAddress, Text: "*"}},
			Destinations: address(own), Ports: []topology.PortRange{{First: 3389, Last: 3389}},
			Translated: netip.MustParseAddr("10.0.2.4"), TranslatedPort: 3389,
		}}}
	s := simulate(t, golden.New().Firewall("app", rdp))
	for _, c := range []struct {
		from, to string
		protocol topology.Protocol
		port     uint16
		want     flow.Verdict
		code     flow.Code
	}{
		{"a1", own, topology.TCP, 3389, flow.Unknown, flow.SourcesConflict},
		{"a1", own, topology.TCP, 3390, flow.Deny, flow.FirewallDefaultDeny},
		{"a1", own, topology.UDP, 3389, flow.Deny, flow.FirewallDefaultDeny},
		{"a1", own, topology.ICMP, 0, flow.Deny, flow.FirewallDefaultDeny},
		{"a1", golden.NET, topology.TCP, 3389, flow.Deny, flow.FirewallDefaultDeny},
	} {
		a, err := s.Trace(sim.TraceQuestion{From: c.from, To: c.to, Protocol: c.protocol, Port: c.port})
		if err != nil {
			t.Fatal(err)
		}
		if a.Verdict != c.want || a.Code != c.code {
			t.Errorf("%s to %s %s/%d: %s (%s), want %s (%s)", c.from, c.to, c.protocol, c.port, a.Verdict, a.Code, c.want, c.code)
		}
	}
}
