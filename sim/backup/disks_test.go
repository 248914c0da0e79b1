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

// The port follows the kinds of the disks (BK19): managed 8443, unmanaged 443,
// unmanaged in an account without encryption 80; one requirement for each kind,
// the operating system's disk among them, managed unless it says otherwise
// (verdicts.md 12).
func TestThePortFollowsTheKindsOfDisk(t *testing.T) {
	disk := func(managed topology.Switch, account string) *topology.Disk {
		return &topology.Disk{Name: "d", Managed: managed, StorageAccount: account}
	}
	account := func(name string, encrypted topology.Switch) *topology.StorageAccount {
		return &topology.StorageAccount{Element: topology.Element{ResourceID: "/accounts/" + name, Name: name}, BlobEncryption: encrypted}
	}
	type result struct {
		Name        string
		Port        uint16
		Verdict     flow.Verdict
		Assumptions []flow.AssumptionID
		Missing     []flow.Code
	}
	managedDisk, secret, plain, unknown := disk(topology.On, ""), disk(topology.Off, "secret"), disk(topology.Off, "plain"), disk(topology.Off, "elsewhere")
	for _, tt := range []struct {
		name  string
		ports []string // that the NSG lets out
		os    *topology.Disk
		data  []*topology.Disk
		want  []result
	}{
		{"managed", []string{"8443"}, managedDisk, nil, []result{{"storage-managed", 8443, allow, nil, nil}}},
		{"managed, and only 443 is open", []string{"443"}, managedDisk, nil, []result{{"storage-managed", 8443, deny, nil, nil}}},
		{"unmanaged and encrypted", []string{"443"}, secret, nil, []result{{"storage-unmanaged", 443, allow, nil, nil}}},
		{"unmanaged without encryption", []string{"443"}, plain, nil, []result{{"storage-unencrypted", 80, deny, nil, nil}}},
		{"one of each", []string{"443", "8443"}, managedDisk, []*topology.Disk{secret, plain},
			[]result{{"storage-managed", 8443, allow, nil, nil}, {"storage-unmanaged", 443, allow, nil, nil}, {"storage-unencrypted", 80, deny, nil, nil}}},
		{"nothing is said of the disks", []string{"8443"}, nil, nil, []result{{"storage-managed", 8443, allow, []flow.AssumptionID{flow.DisksManaged}, nil}}},
		{"nothing is said, and it makes no difference", []string{"80", "443", "8443"}, nil, nil, []result{{"storage-managed", 8443, allow, nil, nil}}},
		{"the account is not in the data", []string{"443"}, unknown, nil, []result{{"storage-unmanaged", 443, flow.Unknown, nil, []flow.Code{flow.DanglingReference}}}},
		{"the account is not in the data, and it makes no difference", []string{"80-443"}, unknown, nil, []result{{"storage-unmanaged", 443, allow, nil, nil}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := golden.New().Add(account("secret", topology.On), account("plain", topology.Off)).
				SubnetNSG("app", golden.Allow("storage", 100, golden.Out).To(swe).Ports(tt.ports...), denyInternet(4000)).
				With(func(e *golden.Estate) { e.Machine("a1").OSDisk, e.Machine("a1").DataDisks = tt.os, tt.data })
			vm := examine(t, e.Build(), "a1", "vm-2019")
			var got []result
			for _, r := range vm.Requirements {
				x := result{Name: r.Name, Port: r.Port, Verdict: r.Verdict}
				for _, a := range r.Assumptions {
					if a.ID == flow.DisksManaged {
						x.Assumptions = append(x.Assumptions, a.ID)
					}
				}
				for _, m := range r.Missing {
					x.Missing = append(x.Missing, m.Code)
				}
				got = append(got, x)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			want := backup.Pass
			for _, r := range tt.want {
				switch {
				case r.Verdict == deny:
					want = backup.Fail
				case r.Verdict == flow.Unknown && want == backup.Pass:
					want = backup.Unknown
				}
			}
			if vm.Verdict != want {
				t.Errorf("%s, want %s", vm.Verdict, want)
			}
		})
	}
}

func TestStrictModeDoesNotTakeDisksAsManaged(t *testing.T) {
	e := golden.New().SubnetNSG("app", golden.Allow("storage", 100, golden.Out).To(swe).Ports("8443"), denyInternet(4000))
	opt := backup.Options{VMs: []string{"a1"}, Profiles: []string{"vm-2019"}}
	vm := examineWith(t, e.Build(), sim.Options{AsOf: golden.AsOf, Strict: true}, opt)
	r := vm.Requirements[0]
	if vm.Verdict != backup.Unknown || vm.UnderAssumptions != "Pass" || r.Verdict != flow.Unknown || r.UnderAssumptions != "Allow" || r.Code != flow.UnwaivedAssumption {
		t.Errorf("%s under %q; %s under %q with %s", vm.Verdict, vm.UnderAssumptions, r.Verdict, r.UnderAssumptions, r.Code)
	}
	if !slices.ContainsFunc(vm.Assumptions, func(a flow.Assumption) bool { return a.ID == flow.DisksManaged && a.About == "a1" }) {
		t.Errorf("assumptions: %v", vm.Assumptions)
	}
	vm = examineWith(t, e.Build(), sim.Options{AsOf: golden.AsOf, Strict: true, Waivers: []flow.Waiver{{ID: flow.DisksManaged}}}, opt)
	if vm.Requirements[0].Verdict != allow {
		t.Errorf("waived: %s", vm.Requirements[0].Verdict)
	}
}
