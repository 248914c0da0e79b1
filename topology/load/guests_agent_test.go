package load_test

import (
	"testing"

	"github.com/netpath/netpath/topology"
)

// The agent's own file sets the proxy, and no_proxy of the environment may or
// may not hold for it: a destination on that list is not taken to go through
// the proxy, nor past it.
func TestNoProxyIsDoubtfulBesideTheProxyOfTheAgent(t *testing.T) {
	const (
		design = "apiVersion: netpath/v1\nvirtualNetworks: [{name: v, addressPrefixes: [10.0.0.0/16], subnets: [{name: s, addressPrefix: 10.0.0.0/24}]}]\n" +
			"virtualMachines: [{name: a, networkInterfaces: [{name: n, subnet: v/s, privateIPAddress: 10.0.0.4}]}]\n"
		agent = "HttpProxy.Host=10.0.0.5\nHttpProxy.Port=8080\n"
		proxy = "https_proxy=http://10.0.0.5:8080\n"
		past  = "no_proxy=.core.windows.net\n"
	)
	for _, tc := range []struct {
		name, agent, environment string
		want                     []bool // of the entries: whether they are doubtful
	}{
		{"agent alone", agent, "PATH=/bin\n", nil},
		{"environment alone", "HttpProxy.Host=None\n", proxy + past, []bool{false}},
		{"proxy of the agent, no_proxy of the environment", agent, past, []bool{true}},
		{"proxy of both", agent, proxy + past, []bool{true}},
	} {
		res := estate(t, map[string]string{"design.yaml": design, "guests/a/waagent.conf": tc.agent, "guests/a/etc/environment": tc.environment})
		vm := one(t, res.Network.VirtualMachines)
		if vm.Proxy == nil {
			t.Errorf("%s: no proxy", tc.name)
			continue
		}
		var got []bool
		for _, b := range vm.Proxy.Bypass {
			got = append(got, b.Doubtful)
		}
		if len(got) != len(tc.want) || len(got) > 0 && got[0] != tc.want[0] || vm.Proxy.Host != "10.0.0.5" || vm.Proxy.Scope != "system" {
			t.Errorf("%s: %+v", tc.name, vm.Proxy)
		}
	}
	// no_proxy without a proxy sets none.
	res := estate(t, map[string]string{"design.yaml": design, "guests/a/environment": past})
	if vm := one(t, res.Network.VirtualMachines); vm.Proxy != (*topology.ProxySetting)(nil) {
		t.Errorf("%+v", vm.Proxy)
	}
}
