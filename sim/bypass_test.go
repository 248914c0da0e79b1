package sim_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// In the proxy layout the way through the proxy is open and the direct one is
// not: what goes past the proxy is denied by the machine's own NSG, what may do
// either is Unknown.
func TestAProxySettingSendsPastTheProxyWhatItLists(t *testing.T) {
	name := func(hosts ...string) (out []topology.Bypass) {
		for _, h := range hosts {
			out = append(out, topology.Bypass{Host: h})
		}
		return out
	}
	prefix := func(s string) []topology.Bypass { return []topology.Bypass{{Prefix: netip.MustParsePrefix(s)}} }
	doubtful := []topology.Bypass{{Host: "*.blob.core.windows.net", Doubtful: true}}
	const blob, store, swe, net = "*.blob.core.windows.net", "mystore.blob.core.windows.net", "Storage.WestEurope", "203.0.113.10"
	const through, past, open = flow.Allow, flow.Deny, flow.Unknown
	for _, c := range []struct {
		bypass   []topology.Bypass
		to, host string
		want     flow.Verdict
	}{
		{nil, swe, blob, through},
		{name("localhost", "*.localhost"), swe, blob, through},
		{name(blob), swe, blob, past},
		{name(blob), store, "", past},
		{name("*.windows.net"), swe, blob, past},
		{name("*"), swe, blob, past},
		{name("*"), net, "", past},
		{name("*.corp.example"), swe, blob, through},
		{name("*.corp.example"), store, "", through},
		{name(store), store, "", past},
		{name(store), "other.blob.core.windows.net", "", through},
		{name(store), swe, blob, open}, // it may be that account
		{name(blob), swe, "", past},    // of Storage the blob endpoints are meant, of the file's cloud
		{doubtful, swe, blob, open},    // programs differ
		{name(blob), net, "", open},    // a name may lead there
		{name("localhost"), net, "", through},
		{prefix("203.0.113.0/24"), net, "", past},
		{prefix("10.0.0.0/8"), net, "", through},
		{prefix("20.60.0.0/16"), swe, blob, through}, // the name is compared, not the address
	} {
		s := simulator(t, proxyLayout().With(func(e *golden.Estate) { e.Machine("a1").Proxy.Bypass = c.bypass }).Build())
		got, err := s.Trace(sim.TraceQuestion{From: "a1", To: c.to, Host: c.host, Protocol: topology.TCP, Port: 443})
		if err != nil {
			t.Fatal(err)
		}
		if got.Verdict != c.want {
			t.Errorf("%v to %s (%s): %s %s, want %s", c.bypass, c.to, c.host, got.Verdict, got.Code, c.want)
		}
		if (got.Proxy == "") != (c.want == past) {
			t.Errorf("%v to %s (%s): goes by %q", c.bypass, c.to, c.host, got.Proxy)
		}
		if told := slices.ContainsFunc(got.Notes, func(n string) bool { return strings.Contains(n, "sends this destination past it") }); told != (c.want == past) {
			t.Errorf("%v to %s (%s): the notes are %q", c.bypass, c.to, c.host, got.Notes)
		}
		if i := slices.IndexFunc(got.Hops, func(h sim.Hop) bool { return h.Kind == sim.HopProxy }); c.want == open && (i < 0 || got.Hops[i].Leg != 1) {
			t.Errorf("%v to %s (%s): the hops are %+v", c.bypass, c.to, c.host, got.Hops)
		}
		if c.want == open && (got.Code != flow.ProxyBypassUnknown || len(got.Missing) == 0) {
			t.Errorf("%v to %s (%s): %s, missing %v", c.bypass, c.to, c.host, got.Code, got.Missing)
		}
	}
}

// A prefix that straddles what a setting lists is divided there.
func TestAPrefixIsDividedWhereItGoesPastTheProxy(t *testing.T) {
	s := simulator(t, proxyLayout().With(func(e *golden.Estate) {
		e.Machine("a1").Proxy.Bypass = []topology.Bypass{{Prefix: netip.MustParsePrefix("203.0.113.128/25")}}
	}).Build())
	got, err := s.Trace(sim.TraceQuestion{From: "a1", To: "203.0.113.0/24", Protocol: topology.TCP, Port: 443})
	if err != nil {
		t.Fatal(err)
	}
	if got.Verdict != flow.Split || len(got.Parts) != 2 {
		t.Fatalf("%s, %d parts", got.Verdict, len(got.Parts))
	}
	for _, p := range got.Parts {
		want := map[string]flow.Verdict{"203.0.113.0/25": flow.Allow, "203.0.113.128/25": flow.Deny}[p.Destination[0].String()]
		if len(p.Destination) != 1 || p.Verdict != want {
			t.Errorf("%v: %s, want %s", p.Destination, p.Verdict, want)
		}
	}
}

func TestAProxyThatIsNotKnownLeavesTheVerdictOpen(t *testing.T) {
	e := proxyLayout().With(func(e *golden.Estate) {
		e.Machine("a1").Proxy = &topology.ProxySetting{Scope: "system", Undecided: "a script chooses the proxy", Origin: topology.Origin{File: "proxy.reg", Line: 5}}
	})
	s := simulator(t, e.Build())
	got, err := s.Trace(sim.TraceQuestion{From: "a1", To: "Storage.WestEurope", Protocol: topology.TCP, Port: 443})
	if err != nil {
		t.Fatal(err)
	}
	if got.Verdict != flow.Unknown || got.Code != flow.ProxyUndecided || got.Proxy != "a proxy that is not known" {
		t.Errorf("%s %s by %q", got.Verdict, got.Code, got.Proxy)
	}
	if len(got.Missing) != 1 || !strings.Contains(got.Missing[0].Text, "a script chooses the proxy") {
		t.Errorf("missing: %+v", got.Missing)
	}
	if len(got.Hops) == 0 || got.Hops[0].Origin == nil || got.Hops[0].Origin.String() != "proxy.reg:5" {
		t.Errorf("hops: %+v", got.Hops)
	}
	// The direct path does not ask the setting.
	if got, err := s.Trace(sim.TraceQuestion{From: "a1", To: "Storage.WestEurope", Protocol: topology.TCP, Port: 443, NoProxy: true}); err != nil || got.Verdict != flow.Deny {
		t.Errorf("%v %s", err, got.Verdict)
	}
}

// A proxy may send on through another, unless its own setting says past it.
func TestTheSettingOfAProxySendsPastTheNextOne(t *testing.T) {
	for _, c := range []struct {
		host string
		want flow.Verdict
	}{
		{"*.corp.example", flow.Unknown}, // the next proxy is not in the data
		{"*.blob.core.windows.net", flow.Allow},
	} {
		s := simulator(t, proxyLayout().With(func(e *golden.Estate) {
			e.Machine("px").Proxy = &topology.ProxySetting{Host: "10.99.0.1", Port: 3128, Scope: "system", Bypass: []topology.Bypass{{Host: c.host}}}
		}).Build())
		got, err := s.Trace(sim.TraceQuestion{From: "a1", To: "Storage.WestEurope", Host: "*.blob.core.windows.net", Protocol: topology.TCP, Port: 443})
		if err != nil {
			t.Fatal(err)
		}
		if got.Verdict != c.want {
			t.Errorf("past %s: %s %s, want %s", c.host, got.Verdict, got.Code, c.want)
		}
	}
}
