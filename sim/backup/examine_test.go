package backup_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

func simulate(t *testing.T, e *golden.Estate) *sim.Simulator {
	t.Helper()
	s, err := sim.New(e.Build(), sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEveryProfileSaysWhatItTakesForGranted(t *testing.T) {
	for _, p := range backup.Profiles() {
		if p.Assumes == "" || p.Source == "" || p.Date == "" || p.Limits == "" || len(p.Outbound) == 0 {
			t.Errorf("%s: %+v", p.Name, p)
		}
		if old := p.Name == "vm-2018" || p.Name == "vm-2019"; old != strings.Contains(p.Newer, "vm-current") {
			t.Errorf("%s: newer rule %q", p.Name, p.Newer)
		}
	}
	if d := cmp.Diff([]string{"vm-2018", "vm-2019", "vm-current", "sql", "hana", "mars"}, backup.ProfileNames()); d != "" {
		t.Error(d)
	}
}

func TestSeveralProfilesAreAskedTogether(t *testing.T) {
	// Storage of the region is let out, as vm-2018 asks; sql asks for more.
	e := golden.New().SubnetNSG("app", golden.Allow("storage", 100, golden.Out).To(swe).Ports("443"), denyInternet(4000))
	vm := examine(t, e.Build(), "a1", "vm-2018", "sql", "vm-2018")
	var got []string
	for _, r := range vm.Requirements {
		got = append(got, r.Profile+" "+r.Destination+" "+r.Verdict.String())
	}
	want := []string{"vm-2018 Storage.WestEurope Allow", "sql Storage Split", "sql AzureBackup Deny", "sql AzureActiveDirectory Deny"}
	if d := cmp.Diff(want, got); d != "" || vm.Verdict != backup.Fail {
		t.Errorf("%s (-want +got):\n%s", vm.Verdict, d)
	}
}

func TestASplitRequirementFailsAndSaysWhatItCovers(t *testing.T) {
	e := golden.New().SubnetNSG("app", golden.Allow("storage", 100, golden.Out).To(swe).Ports("443"), denyInternet(4000))
	vm := examine(t, e.Build(), "a1", "sql")
	r := vm.Requirements[0]
	if r.Verdict != flow.Split || r.Met != backup.Fail || r.Via != backup.ServiceTag || vm.Way != backup.ServiceTag {
		t.Errorf("%s, %s via %s; the machine goes by %s", r.Verdict, r.Met, r.Via, vm.Way)
	}
	if c := r.Coverage; c == nil || c.Prefixes != 2 || c.Allowed != 1 || len(c.Denied) != 1 || c.Denied[0].String() != "20.60.40.0/23" {
		t.Errorf("coverage: %+v", r.Coverage)
	}
}

// The allow list acts on names: queues are needed as well as blobs (SQLB).
func TestEveryHostBehindATagIsAskedOfAnAllowList(t *testing.T) {
	for _, tt := range []struct {
		hosts []string
		want  backup.Verdict
	}{
		{[]string{"*.blob.core.windows.net", "*.queue.core.windows.net", "*.backup.windowsazure.com", "login.microsoftonline.com"}, backup.Pass},
		{[]string{"*.blob.core.windows.net", "*.backup.windowsazure.com", "login.microsoftonline.com"}, backup.Fail},
		{[]string{"*.blob.core.windows.net", "*.queue.core.windows.net", "*.backup.windowsazure.com"}, backup.Fail},
		{[]string{"myaccount.blob.core.windows.net", "*.queue.core.windows.net", "*.backup.windowsazure.com", "login.microsoftonline.com"}, backup.Unknown},
	} {
		vm := examine(t, lockdown().ProxyServer("px", 8080, tt.hosts...).Build(), "a1", "sql")
		if w := wayOf(t, vm, backup.Proxy); vm.Verdict != tt.want || w.Verdict != tt.want {
			t.Errorf("%v: %s, the way %s, want %s", tt.hosts, vm.Verdict, w.Verdict, tt.want)
		}
	}
}

func TestTheNamesAreThoseOfTheMachinesCloud(t *testing.T) {
	list := []string{"*.blob.core.chinacloudapi.cn"}
	china := lockdown().ProxyServer("px", 8080, list...).With(func(e *golden.Estate) {
		e.Machine("a1").Location = "chinaeast2"
	})
	if vm := examine(t, china.Build(), "a1"); vm.Verdict != backup.Pass {
		t.Errorf("in China: %s (%s)", vm.Verdict, vm.Reason)
	}
	if vm := examine(t, lockdown().ProxyServer("px", 8080, list...).Build(), "a1"); vm.Verdict != backup.Fail {
		t.Errorf("in West Europe: %s", vm.Verdict)
	}
}

func TestAProxyThatNobodyKnowsIsNotCertain(t *testing.T) {
	vm := examine(t, lockdown().UsesProxy("a1", "10.0.0.77", 8080).Build(), "a1")
	if vm.Verdict != backup.Unknown || vm.Way != backup.Proxy || vm.Requirements[0].Code != flow.ProxyNotFound || len(vm.Missing) == 0 {
		t.Errorf("%s by %s, %s, missing %v", vm.Verdict, vm.Way, vm.Requirements[0].Code, vm.Missing)
	}
}

func TestAMachineWithoutASettingIsAskedAsIfItUsedTheEstatesProxy(t *testing.T) {
	vm := examine(t, lockdown().With(func(e *golden.Estate) { e.Machine("a1").Proxy = nil }).Build(), "a1")
	w := wayOf(t, vm, backup.Proxy)
	if w.Verdict != backup.Fail || w.Failing != backup.LegSetting || !strings.HasPrefix(w.Through, "px ") || len(w.Legs) != 8 {
		t.Fatalf("%s at %s through %q with %d legs", w.Verdict, w.Failing, w.Through, len(w.Legs))
	}
	for _, l := range w.Legs[1:] {
		if l.Verdict != allow {
			t.Errorf("%s: %s", l.Name, l.Verdict)
		}
	}
	// Without a proxy in the estate there is nothing to ask.
	vm = examine(t, golden.New().Build(), "a1")
	if w := wayOf(t, vm, backup.Proxy); w.Verdict != backup.Fail || w.Failing != backup.LegSetting || !w.Legs[1].Skipped {
		t.Errorf("%s at %s", w.Verdict, w.Failing)
	}
}

func TestTheRegionIsTheMachinesOwn(t *testing.T) {
	e := func() *golden.Estate { return golden.New().SubnetNSG("app") }
	at := func(location string) func(*golden.Estate) {
		return func(e *golden.Estate) { e.Machine("a1").Location = location }
	}
	for _, tt := range []struct {
		name   string
		estate *golden.Estate
		option string
		want   string
	}{
		{"its location", e(), "", swe},
		{"in another spelling", e().With(at("North Europe")), "", "Storage.NorthEurope"},
		{"its interface's, for want of its own", e().With(at("")), "", swe},
		{"the one asked for", e(), "europenorth", "Storage.NorthEurope"},
	} {
		vm := examineWith(t, tt.estate.Build(), sim.Options{AsOf: golden.AsOf}, backup.Options{VMs: []string{"a1"}, Region: tt.option})
		if got := vm.Requirements[0].Destination; got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	nowhere := e().With(func(e *golden.Estate) {
		e.Machine("a1").Location, e.NIC("a1").Location, e.VNetOf("v1").Location = "", "", ""
	})
	vm := examine(t, nowhere.Build(), "a1")
	if vm.Verdict != backup.Unknown || len(vm.Missing) != 1 || vm.Missing[0].Export == "" {
		t.Errorf("without a region: %s, %v", vm.Verdict, vm.Missing)
	}
}

func TestAMachineWhoseInterfaceIsNotInTheDataIsUnknown(t *testing.T) {
	e := golden.New().Add(&topology.VirtualMachine{Element: topology.Element{ResourceID: "/vm/lost", Name: "lost", Location: "westeurope"}})
	vm := examine(t, e.Build(), "lost")
	if vm.Verdict != backup.Unknown || len(vm.Missing) == 0 || vm.Requirements[0].Text == "" {
		t.Errorf("%s, %v, %q", vm.Verdict, vm.Missing, vm.Requirements[0].Text)
	}
	if vm := examine(t, e.Build(), "lost", "vm-current"); vm.Verdict != backup.Unknown {
		t.Errorf("vm-current: %s", vm.Verdict)
	}
}

func TestNamesThatMeanNothingAreErrors(t *testing.T) {
	s := simulate(t, golden.New())
	for _, opt := range []backup.Options{{VMs: []string{"a9"}}, {Region: "Atlantis"}} {
		_, err := backup.Examine(t.Context(), s, opt)
		if _, ok := errors.AsType[*sim.NameError](err); !ok {
			t.Errorf("%+v: %v", opt, err)
		}
	}
	_, err := backup.Examine(t.Context(), s, backup.Options{Profiles: []string{"vm-2017"}})
	if _, ok := errors.AsType[*backup.UnknownProfileError](err); !ok {
		t.Errorf("profile: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := backup.Examine(ctx, s, backup.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestAReportListsTheMachinesInTheOrderOfTheEstate(t *testing.T) {
	s := simulate(t, lockdown())
	r, err := backup.Examine(t.Context(), s, backup.Options{Ways: true})
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, vm := range s.Network().VirtualMachines {
		want = append(want, vm.Name)
	}
	for _, vm := range r.VMs {
		got = append(got, vm.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestAReportSaysThatThereIsNoServiceTagFile(t *testing.T) {
	for _, tt := range []struct {
		estate  *golden.Estate
		profile string
		notes   int
	}{{golden.New(), "vm-2018", 0}, {golden.New().NoServiceTags(), "vm-2018", 1}, {golden.New().NoServiceTags(), "vm-current", 0}} {
		r, err := backup.Examine(t.Context(), simulate(t, tt.estate), backup.Options{Profiles: []string{tt.profile}})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Notes) != tt.notes {
			t.Errorf("%s: %v", tt.profile, r.Notes)
		}
	}
}

func TestWhatGoesTakesBackupWithIt(t *testing.T) {
	change := func(c backup.Change) string { return c.VM + " " + c.Before.String() + " " + c.After.String() }
	for _, tt := range []struct {
		name   string
		kind   string
		estate *golden.Estate
		want   []string
	}{
		{"px", "virtual machine", lockdown(), []string{"a1 Pass Fail"}},
		{"nsg-dmz/allow-proxy", "security rule", lockdown(), []string{"px Pass Fail", "a1 Pass Fail"}},
		{"allow-proxy", "security rule", lockdown(), []string{"px Pass Fail", "a1 Pass Fail"}},
		{"nsg-app", "network security group", lockdown(), []string{"a2 Fail Pass"}},
		{"nva", "virtual machine", golden.New().Routes("app", golden.Via("to-nva", "0.0.0.0/0", golden.NVA)), []string{"a1 Pass Fail", "a2 Pass Fail"}},
		{"rt-app/to-nva", "route", golden.New().NoForwarding("nva").Routes("app", golden.Via("to-nva", "0.0.0.0/0", golden.NVA)), []string{"a1 Fail Pass", "a2 Fail Pass"}},
		{"rt-app", "route table", golden.New().NoForwarding("nva").Routes("app", golden.Via("to-nva", "0.0.0.0/0", golden.NVA)), []string{"a1 Fail Pass", "a2 Fail Pass"}},
		{"nat-app", "NAT gateway", golden.New().PrivateSubnet("app").NATGateway("app", "198.51.100.20").With(northern("a1", "a2")), []string{"a1 Pass Fail", "a2 Pass Fail"}},
		{"pip-a1", "public IP address", golden.New().PrivateSubnet("app").PublicIP("a1", "198.51.100.9", "Standard").SubnetNSG("app").With(northern("a1", "a2")), []string{"a1 Pass Fail"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := simulate(t, tt.estate)
			before, err := backup.Examine(t.Context(), s, backup.Options{})
			if err != nil {
				t.Fatal(err)
			}
			n, gone, err := backup.Without(s.Network(), tt.name)
			if err != nil {
				t.Fatal(err)
			}
			if gone.Kind != tt.kind {
				t.Errorf("%s, want %s", gone.Kind, tt.kind)
			}
			then, err := sim.New(n, sim.Options{AsOf: golden.AsOf})
			if err != nil {
				t.Fatal(err)
			}
			after, err := backup.Examine(t.Context(), then, backup.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range gone.Compare(before, after) {
				if c.Before != c.After {
					got = append(got, change(c))
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			again, err := backup.Examine(t.Context(), s, backup.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if c := backup.Compare(before, again); len(c) > 0 {
				t.Errorf("the estate itself has changed: %v", c)
			}
		})
	}
}

// northern moves machines to North Europe, whose Storage the exception of a
// private subnet in West Europe does not hold for (G72).
func northern(vms ...string) func(*golden.Estate) {
	return func(e *golden.Estate) {
		for _, vm := range vms {
			e.Machine(vm).Location = "northeurope"
		}
	}
}

func TestANameOfSeveralElementsIsNotLeftOut(t *testing.T) {
	_, _, err := backup.Without(lockdown().Build(), "internet-of-nothing")
	if e, ok := errors.AsType[*sim.NameError](err); !ok || len(e.Candidates) > 0 {
		t.Errorf("nothing: %v", err)
	}
	two := golden.New().SubnetNSG("app", denyInternet(300)).SubnetNSG("dmz", denyInternet(300))
	_, _, err = backup.Without(two.Build(), "internet")
	if e, ok := errors.AsType[*sim.NameError](err); !ok || len(e.Candidates) != 2 {
		t.Errorf("two: %v", err)
	}
	if _, gone, err := backup.Without(two.Build(), "nsg-dmz/internet"); err != nil || gone.Name != "nsg-dmz/internet" {
		t.Errorf("by its NSG: %v %v", gone, err)
	}
}
