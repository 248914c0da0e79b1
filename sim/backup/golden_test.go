package backup_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// lockdown is the 2018 article's proxy layout (G80).
func lockdown() *golden.Estate {
	return golden.New().ProxyServer("px", 8080).UsesProxy("a1", golden.Proxy, 8080).
		SubnetNSG("app", golden.Deny("lockdown", 100, golden.Out).To("Internet")).
		SubnetNSG("dmz", allowProxy(), golden.Deny("internet", 300, golden.Out).To("Internet"))
}

func allowProxy() *golden.Rule {
	return golden.Allow("allow-proxy", 200, golden.Out).TCP().From("10.0.0.5/32").To("Internet").Ports("80-443")
}

// examine reports on one machine.
func examine(t *testing.T, n *topology.Network, vm string, profiles ...string) backup.VM {
	t.Helper()
	return examineWith(t, n, sim.Options{AsOf: golden.AsOf}, backup.Options{VMs: []string{vm}, Profiles: profiles, Ways: true})
}

func examineWith(t *testing.T, n *topology.Network, so sim.Options, opt backup.Options) backup.VM {
	t.Helper()
	s, err := sim.New(n, so)
	if err != nil {
		t.Fatal(err)
	}
	r, err := backup.Examine(t.Context(), s, opt)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.VMs) != 1 {
		t.Fatalf("%d machines", len(r.VMs))
	}
	return r.VMs[0]
}

// wayOf is the report's evaluation of one way.
func wayOf(t *testing.T, vm backup.VM, w backup.Way) backup.WayResult {
	t.Helper()
	i := slices.IndexFunc(vm.Ways, func(r backup.WayResult) bool { return r.Way == w })
	if i < 0 {
		t.Fatalf("%s is not evaluated", w)
	}
	return vm.Ways[i]
}

// want is what section 11 says of a machine: its verdict, and of each
// requirement the verdict, the deciding rule and the leg that stops it.
type want struct {
	verdict      backup.Verdict
	way          backup.Way
	requirements []need
}

type need struct {
	Name, Destination string
	Port              uint16
	Verdict           flow.Verdict
	Via               backup.Way
	Code              flow.Code
	Rule              string // "NSG/rule"
	Leg               string
}

func (w want) check(t *testing.T, vm backup.VM) {
	t.Helper()
	var got []need
	for _, r := range vm.Requirements {
		n := need{Name: r.Name, Destination: r.Destination, Port: r.Port, Verdict: r.Verdict, Via: r.Via, Code: r.Code, Leg: r.Leg}
		if r.RuleName != "" {
			n.Rule = r.NSG + "/" + r.RuleName
		}
		got = append(got, n)
	}
	if d := cmp.Diff(w.requirements, got); d != "" {
		t.Errorf("requirements (-want +got):\n%s", d)
	}
	if vm.Verdict != w.verdict || vm.Way != w.way {
		t.Errorf("%s by %s (%s), want %s by %s", vm.Verdict, vm.Way, vm.Reason, w.verdict, w.way)
	}
}

const (
	allow, deny = flow.Allow, flow.Deny
	https       = "storage-https"
	swe         = "Storage.WestEurope"
)

func TestGolden(t *testing.T) {
	for _, tt := range []struct {
		id, name string
		estate   *golden.Estate
		profile  string
		want     want
	}{
		{"G80", "out through the proxy", lockdown(), "vm-2018",
			want{backup.Pass, backup.Proxy, []need{{https, swe, 443, allow, backup.Proxy, flow.NSGRuleAllow, "nsg-dmz/allow-proxy", ""}}}},
		{"G81", "without a proxy set it goes direct", lockdown().With(func(e *golden.Estate) { e.Machine("a1").Proxy = nil }), "vm-2018",
			want{backup.Fail, backup.None, []need{{https, swe, 443, deny, backup.None, flow.NSGRuleDeny, "nsg-app/lockdown", backup.LegRules}}}},
		{"G82", "one NSG for both subnets: the exception is for the proxy's address alone",
			golden.New().ProxyServer("px", 8080).NSG("NSG-lockdown", allowProxy(), golden.Deny("internet", 300, golden.Out).To("Internet")).
				AttachSubnet("app", "NSG-lockdown").AttachSubnet("dmz", "NSG-lockdown"), "vm-2018",
			want{backup.Fail, backup.None, []need{{https, swe, 443, deny, backup.None, flow.NSGRuleDeny, "NSG-lockdown/internet", backup.LegRules}}}},
		{"G83", "8443 is not in 80-443", lockdown().With(managed("a1")), "vm-2019",
			want{backup.Fail, backup.Proxy, []need{{"storage-managed", swe, 8443, deny, backup.Proxy, flow.NSGRuleDeny, "nsg-dmz/internet", backup.LegFromProxy}}}},
		{"G84", "the NSG before the proxy",
			golden.New().ProxyServer("px", 8080).UsesProxy("a1", golden.Proxy, 8080).
				SubnetNSG("app", golden.Deny("lockdown", 100, golden.Out).To("Internet")).
				SubnetNSG("dmz", golden.Deny("closed", 100, golden.In).From("VirtualNetwork").Ports("8080"), allowProxy(), golden.Deny("internet", 300, golden.Out).To("Internet")), "vm-2018",
			want{backup.Fail, backup.Proxy, []need{{https, swe, 443, deny, backup.Proxy, flow.NSGRuleDeny, "nsg-dmz/closed", backup.LegProxyGates}}}},
		{"G85", "the proxy asks for authentication", lockdown().With(func(e *golden.Estate) { e.Machine("px").ProxyServer.Authentication = "required" }), "vm-2018",
			want{backup.Fail, backup.Proxy, []need{{https, swe, 443, deny, backup.Proxy, flow.ProxyAuthRequired, "", backup.LegAuthentication}}}},
		{"G86", "the proxy's allow list lacks blob storage", lockdown().ProxyServer("px", 8080, "*.file.core.windows.net", "*.ubuntu.com"), "vm-2018",
			want{backup.Fail, backup.Proxy, []need{{https, swe, 443, deny, backup.Proxy, flow.ProxyHostNotAllowed, "", backup.LegAllowList}}}},
		{"G87", "nothing outbound is needed today", golden.New().SubnetNSG("app", golden.Deny("everything", 100, golden.Out)), "vm-current",
			want{backup.Pass, backup.NotNeeded, []need{
				{"agent-wireserver", golden.Host, 80, allow, backup.Platform, flow.PlatformAddress, "", ""},
				{"agent-goal-state", golden.Host, 32526, allow, backup.Platform, flow.PlatformAddress, "", ""},
			}}},
		{"G88", "SQL needs three tags", golden.New().SubnetNSG("app",
			golden.Allow("storage", 100, golden.Out).To("Storage").Ports("443"), golden.Deny("internet", 4000, golden.Out).To("Internet")), "sql",
			want{backup.Fail, backup.ServiceTag, []need{
				{https, "Storage", 443, allow, backup.ServiceTag, flow.NSGRuleAllow, "nsg-app/storage", ""},
				{"backup-https", "AzureBackup", 443, deny, backup.None, flow.NSGRuleDeny, "nsg-app/internet", backup.LegRules},
				{"sign-in-https", "AzureActiveDirectory", 443, deny, backup.None, flow.NSGRuleDeny, "nsg-app/internet", backup.LegRules},
			}}},
	} {
		t.Run(tt.id+" "+tt.name, func(t *testing.T) {
			tt.want.check(t, examine(t, tt.estate.Build(), "a1", tt.profile))
		})
	}
}

// G89: the limits have moved since 2018.
func TestGoldenReadiness(t *testing.T) {
	disks := func(n, sizeGB int) *topology.Network {
		return golden.New().With(func(e *golden.Estate) {
			m := e.Machine("a1")
			m.OSDisk, m.DataDisksGiven = &topology.Disk{Name: "os", SizeGB: 30, Managed: topology.On}, true
			for range n {
				m.DataDisks = append(m.DataDisks, &topology.Disk{Name: "d", SizeGB: sizeGB, Managed: topology.On, Clustered: topology.Off})
			}
		}).Build()
	}
	for _, tt := range []struct {
		name    string
		network *topology.Network
		profile string
		check   string
		want    backup.Verdict
	}{
		{"17 data disks", disks(17, 100), "vm-2018", "data-disks", backup.Fail},
		{"17 data disks", disks(17, 100), "vm-current", "data-disks", backup.Pass},
		{"16 data disks", disks(16, 100), "vm-2018", "data-disks", backup.Pass},
		{"a disk of 1024 GB", disks(1, 1024), "vm-2018", "disk-size", backup.Fail},
		{"a disk of 1024 GB", disks(1, 1024), "vm-current", "disk-size", backup.Pass},
		{"a disk of 1023 GB", disks(1, 1023), "vm-2018", "disk-size", backup.Pass},
	} {
		t.Run("G89 "+tt.name+" "+tt.profile, func(t *testing.T) {
			vm := examine(t, tt.network, "a1", tt.profile)
			i := slices.IndexFunc(vm.Readiness, func(c backup.Check) bool { return c.Name == tt.check })
			if i < 0 {
				t.Fatalf("%s is not checked", tt.check)
			}
			if got := vm.Readiness[i].Verdict; got != tt.want {
				t.Errorf("%s, want %s: %s", got, tt.want, vm.Readiness[i].Text)
			}
			if (vm.Verdict == backup.Fail) != (tt.want == backup.Fail) {
				t.Errorf("the machine: %s (%s)", vm.Verdict, vm.Reason)
			}
		})
	}
}

// managed gives a machine a managed disk of the operating system.
func managed(vm string) func(*golden.Estate) {
	return func(e *golden.Estate) { e.Machine(vm).OSDisk = &topology.Disk{Name: "os", Managed: topology.On} }
}
