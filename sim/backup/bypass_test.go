package backup_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// settingOf changes the proxy setting of the article's machine.
func settingOf(change func(*topology.ProxySetting)) *golden.Estate {
	return lockdown().With(func(e *golden.Estate) { change(e.Machine("a1").Proxy) })
}

// What no_proxy or ProxyOverride names goes direct: past the proxy that would
// let it out.
func TestWhatTheSettingLeavesOutGoesDirect(t *testing.T) {
	for _, tt := range []struct {
		name    string
		bypass  topology.Bypass
		verdict backup.Verdict
		way     backup.Way
		leg     string // of the proxy's way
	}{
		{"a suffix of the blobs", topology.Bypass{Host: "*.core.windows.net"}, backup.Fail, backup.None, backup.LegSetting},
		{"everything", topology.Bypass{Host: "*"}, backup.Fail, backup.None, backup.LegSetting},
		{"one account", topology.Bypass{Host: "mystore.blob.core.windows.net"}, backup.Unknown, backup.Proxy, backup.LegSetting},
		{"a suffix that programs read in two ways", topology.Bypass{Host: "*.core.windows.net", Doubtful: true}, backup.Unknown, backup.Proxy, backup.LegSetting},
		{"another domain", topology.Bypass{Host: "*.contoso.com"}, backup.Pass, backup.Proxy, ""},
		{"a name without a dot", topology.Bypass{Host: "localhost"}, backup.Pass, backup.Proxy, ""},
		{"an address: a name that leads there is not meant", topology.Bypass{Prefix: netip.MustParsePrefix("0.0.0.0/0")}, backup.Pass, backup.Proxy, ""},
	} {
		e := settingOf(func(p *topology.ProxySetting) { p.Bypass = []topology.Bypass{tt.bypass} })
		vm := examine(t, e.Build(), "a1")
		if w := wayOf(t, vm, backup.Proxy); vm.Verdict != tt.verdict || vm.Way != tt.way || w.Failing != tt.leg {
			t.Errorf("%s: %s by %s (%s); the proxy's way fails at %q: %s", tt.name, vm.Verdict, vm.Way, vm.Reason, w.Failing, w.Text)
		}
	}
	// Where the NSG lets Storage out, what goes past the proxy passes.
	e := golden.New().ProxyServer("px", 8080).UsesProxy("a1", golden.Proxy, 8080).With(func(e *golden.Estate) {
		e.Machine("a1").Proxy.Bypass = []topology.Bypass{{Host: "*.blob.core.windows.net"}}
	})
	if vm := examine(t, e.Build(), "a1"); vm.Verdict != backup.Pass || vm.Way != backup.Open {
		t.Errorf("%s by %s", vm.Verdict, vm.Way)
	}
}

func TestASettingThatDoesNotDecideLeavesTheMachineOpen(t *testing.T) {
	e := settingOf(func(p *topology.ProxySetting) { p.Host, p.Port, p.Undecided = "", 0, "a script chooses the proxy" })
	vm := examine(t, e.Build(), "a1")
	w := wayOf(t, vm, backup.Proxy)
	if vm.Verdict != backup.Unknown || vm.Way != backup.Proxy || w.Failing != backup.LegSetting || !strings.Contains(w.Text, "script") {
		t.Errorf("%s by %s; fails at %q: %s", vm.Verdict, vm.Way, w.Failing, w.Text)
	}
	if r := vm.Requirements[0]; r.Leg != backup.LegSetting || r.Code != flow.ProxyUndecided || len(vm.Missing) == 0 {
		t.Errorf("%s at %q; missing %v", r.Code, r.Leg, vm.Missing)
	}
}
