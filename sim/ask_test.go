package sim_test

import (
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

func TestAQuestionMayBringAProxySettingOfItsOwn(t *testing.T) {
	s := simulator(t, noProxySet().Build())
	q := sim.TraceQuestion{From: "a1", To: "Storage.WestEurope", Protocol: topology.TCP, Port: 443}
	for _, c := range []struct {
		name    string
		proxy   *topology.ProxySetting
		direct  bool
		verdict flow.Verdict
		code    flow.Code
	}{
		{"none", nil, false, flow.Deny, flow.NSGRuleDeny},
		{"the estate's", &topology.ProxySetting{Host: golden.Proxy, Port: 8080, Scope: "user"}, false, flow.Allow, flow.NSGRuleAllow},
		{"another port", &topology.ProxySetting{Host: golden.Proxy, Port: 3128}, false, flow.Deny, flow.ProxyNotListening},
		{"none wanted", &topology.ProxySetting{Host: golden.Proxy, Port: 8080}, true, flow.Deny, flow.NSGRuleDeny},
	} {
		q.Proxy, q.NoProxy = c.proxy, c.direct
		got, err := s.Trace(q)
		if err != nil {
			t.Fatal(err)
		}
		if got.Verdict != c.verdict || got.Code != c.code {
			t.Errorf("%s: %s %s, want %s %s", c.name, got.Verdict, got.Code, c.verdict, c.code)
		}
	}
}

// An allow list acts on the name, not on the address (spec 8.2).
func TestAQuestionMayNameTheHostBehindATag(t *testing.T) {
	for _, c := range []struct {
		list []string
		host string
		want flow.Verdict
	}{
		{[]string{"*.file.core.windows.net"}, "", flow.Deny}, // a question to Storage is about blobs (G86)
		{[]string{"*.file.core.windows.net"}, "*.file.core.windows.net", flow.Allow},
		{[]string{"*.file.core.windows.net"}, "*.blob.core.windows.net", flow.Deny},
		{[]string{"*.blob.core.windows.net"}, "*.blob.core.windows.net", flow.Allow},
		{[]string{"*.core.windows.net"}, "*.blob.core.windows.net", flow.Allow},
		{[]string{"mystore.blob.core.windows.net"}, "*.blob.core.windows.net", flow.Unknown}, // it may be that one
		{[]string{"mystore.blob.core.windows.net"}, "mystore.blob.core.windows.net", flow.Allow},
		{[]string{"mystore.blob.core.windows.net"}, "other.blob.core.windows.net", flow.Deny},
	} {
		s := simulator(t, proxyLayout().ProxyServer("px", 8080, c.list...).Build())
		got, err := s.Trace(sim.TraceQuestion{From: "a1", To: "Storage.WestEurope", Protocol: topology.TCP, Port: 443, Host: c.host})
		if err != nil {
			t.Fatal(err)
		}
		if got.Verdict != c.want {
			t.Errorf("%v for %q: %s, want %s", c.list, c.host, got.Verdict, c.want)
		}
	}
}

func simulator(t *testing.T, n *topology.Network) *sim.Simulator {
	t.Helper()
	s, err := sim.New(n, sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Whether a proxy goes by the setting of a user of its machine is not known:
// where that makes a difference the answer is open.
func TestAProxyMayRunAsTheUserWhoHasAProxyOfHisOwn(t *testing.T) {
	for _, c := range []struct {
		name, scope string
		estate      *golden.Estate
		want        flow.Verdict
	}{
		{"the system's setting counts", "system", golden.New().SubnetNSG("dmz", golden.Deny("no-internet", 100, golden.Out).To("Internet")), flow.Allow},
		{"a user's may", "user", golden.New().SubnetNSG("dmz", golden.Deny("no-internet", 100, golden.Out).To("Internet")), flow.Unknown},
		{"and makes no difference where both ways are open", "user", golden.New(), flow.Allow},
	} {
		e := c.estate.ProxyServer("px", 8080).UsesProxy("a1", golden.Proxy, 8080).ProxyServer("d1", 3128).UsesProxy("px", "10.0.2.4", 3128)
		e.Machine("px").Proxy.Scope = c.scope
		got, err := simulator(t, e.Build()).Trace(sim.TraceQuestion{From: "a1", To: golden.NET, Port: 443})
		if err != nil {
			t.Fatal(err)
		}
		if got.Verdict != c.want {
			t.Errorf("%s: %s %s, want %s", c.name, got.Verdict, got.Code, c.want)
		}
	}
}
