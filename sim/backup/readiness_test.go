package backup_test

import (
	"fmt"
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

// fit is an estate whose machine a1 passes every check.
func fit(change ...func(*golden.Estate, *topology.VirtualMachine)) *golden.Estate {
	e := golden.New()
	vm := e.Machine("a1")
	vm.OSType, vm.OSName = "Linux", "Ubuntu 16.04"
	vm.Agent = topology.VMAgent{Installed: topology.On, Version: "2.7.41491"}
	vm.OSDisk = &topology.Disk{Name: "os", SizeGB: 30, Managed: topology.On}
	vm.DataDisksGiven = true
	vm.DataDisks = disksOf(1, 128)
	vm.Cores, vm.MemoryGB, vm.Encryption = 2, 8, "none"
	for _, c := range change {
		c(e, vm)
	}
	return e
}

func disksOf(n, size int) []*topology.Disk {
	var out []*topology.Disk
	for i := range n {
		out = append(out, &topology.Disk{Name: fmt.Sprintf("d%d", i), SizeGB: size, Managed: topology.On, Clustered: topology.Off})
	}
	return out
}

func vault(name, location string, protects ...string) func(*golden.Estate, *topology.VirtualMachine) {
	return func(e *golden.Estate, _ *topology.VirtualMachine) {
		v := &topology.RecoveryServicesVault{Element: topology.Element{ResourceID: "/vaults/" + name, Name: name, Location: location}}
		for _, p := range protects {
			v.ProtectedVirtualMachines = append(v.ProtectedVirtualMachines, e.Machine(p).Ref())
		}
		e.Add(v)
	}
}

func machine(change func(*topology.VirtualMachine)) func(*golden.Estate, *topology.VirtualMachine) {
	return func(_ *golden.Estate, vm *topology.VirtualMachine) { change(vm) }
}

func account(name string, rules topology.Access, bypass ...string) func(*golden.Estate, *topology.VirtualMachine) {
	return func(e *golden.Estate, vm *topology.VirtualMachine) {
		e.Add(&topology.StorageAccount{Element: topology.Element{ResourceID: "/accounts/" + name, Name: name}, NetworkDefaultAction: rules, Bypass: bypass})
		vm.OSDisk.Managed, vm.OSDisk.StorageAccount = topology.Off, name
	}
}

// checkOf is the one check of the name, of the profile where it is named.
func checkOf(t *testing.T, vm backup.VM, name, profile string) backup.Check {
	t.Helper()
	i := slices.IndexFunc(vm.Readiness, func(c backup.Check) bool {
		return c.Name == name && (profile == "" || c.Profile == "" || c.Profile == profile)
	})
	if i < 0 {
		t.Fatalf("there is no check %s of %s", name, profile)
	}
	return vm.Readiness[i]
}

// G89: the limits moved.
func TestG89TheLimitsOfDisksMoved(t *testing.T) {
	for _, tt := range []struct {
		name, check string
		disks       []*topology.Disk
		found       any
		want        map[string]backup.Verdict
	}{
		{"17 data disks", "data-disks", disksOf(17, 128), 17, map[string]backup.Verdict{"vm-2018": backup.Fail, "vm-2019": backup.Fail, "vm-current": backup.Pass}},
		{"16 data disks", "data-disks", disksOf(16, 128), 16, map[string]backup.Verdict{"vm-2018": backup.Pass, "vm-2019": backup.Pass, "vm-current": backup.Pass}},
		{"33 data disks", "data-disks", disksOf(33, 128), 33, map[string]backup.Verdict{"vm-2018": backup.Fail, "vm-2019": backup.Fail, "vm-current": backup.Fail}},
		{"a disk of 1023 GB", "disk-size", disksOf(1, 1023), 1023, map[string]backup.Verdict{"vm-2018": backup.Pass, "vm-2019": backup.Pass, "vm-current": backup.Pass}},
		{"a disk of 1024 GB", "disk-size", disksOf(1, 1024), 1024, map[string]backup.Verdict{"vm-2018": backup.Fail, "vm-2019": backup.Pass, "vm-current": backup.Pass}},
		{"a disk of 4096 GB", "disk-size", disksOf(1, 4096), 4096, map[string]backup.Verdict{"vm-2018": backup.Fail, "vm-2019": backup.Fail, "vm-current": backup.Pass}},
		{"a disk of more than 64 TB", "disk-size", disksOf(1, 65537), 65537, map[string]backup.Verdict{"vm-2018": backup.Fail, "vm-2019": backup.Fail, "vm-current": backup.Fail}},
		{"more than 512 TB together", "disk-size", disksOf(9, 65536), 9*65536 + 30, map[string]backup.Verdict{"vm-current": backup.Fail}},
	} {
		n := fit(machine(func(vm *topology.VirtualMachine) { vm.DataDisks = tt.disks })).Build()
		for profile, want := range tt.want {
			vm := examine(t, n, "a1", profile)
			c := checkOf(t, vm, tt.check, "")
			if c.Verdict != want || vm.Verdict != want || c.Found != tt.found || c.Limit == nil || c.Source == "" {
				t.Errorf("%s, %s: %s (found %v, limit %v, source %q), the machine %s", tt.name, profile, c.Verdict, c.Found, c.Limit, c.Source, vm.Verdict)
			}
			if want == backup.Fail && !strings.HasPrefix(vm.Reason, tt.check+": ") {
				t.Errorf("%s, %s: the reason is %q", tt.name, profile, vm.Reason)
			}
		}
	}
}

func TestAMachineThatIsFitPassesEveryCheckOfTheContract(t *testing.T) {
	e := fit(vault("vault1", "West Europe", "a1"))
	want := []string{"vault-region", "vault-name", "vm-agent", "os-support", "data-disks", "disk-size", "disk-encryption", "clustered-disks",
		"storage-network-rules", "vm-size", "restore-notes"}
	for _, profile := range []string{"vm-2018", "vm-2019", "vm-current"} {
		vm := examine(t, e.Build(), "a1", profile)
		var names []string
		for _, c := range vm.Readiness {
			if c.Verdict != backup.Pass {
				t.Errorf("%s, %s: %s, %s", profile, c.Name, c.Verdict, c.Text)
			}
			if c.Name != "managed-disks" {
				names = append(names, c.Name)
			}
		}
		if d := cmp.Diff(want, names); d != "" {
			t.Errorf("%s (-want +got):\n%s", profile, d)
		}
	}
}

// verdicts.md 12: what the data does not say is listed, and leaves the verdict
// of the machine alone; strict mode takes it for unknown until it is waived.
func TestChecksWithoutDataAreUnknownAndSayWhatWouldSettleThem(t *testing.T) {
	n := golden.New().Build()
	vm := examine(t, n, "a1")
	if vm.Verdict != backup.Pass {
		t.Errorf("%s: %s", vm.Verdict, vm.Reason)
	}
	for _, name := range []string{"vault-region", "vault-name", "vm-agent", "os-support", "data-disks", "disk-size", "disk-encryption", "clustered-disks"} {
		if c := checkOf(t, vm, name, ""); c.Verdict != backup.Unknown || c.Text == "" || !strings.HasPrefix(c.Export, "az ") {
			t.Errorf("%s: %s, %q, %q", name, c.Verdict, c.Text, c.Export)
		}
	}
	opt := backup.Options{VMs: []string{"a1"}}
	strict := sim.Options{AsOf: golden.AsOf, Strict: true}
	vm = examineWith(t, n, strict, opt)
	if vm.Verdict != backup.Unknown || vm.UnderAssumptions != "Pass" {
		t.Errorf("strict: %s, under its assumptions %q", vm.Verdict, vm.UnderAssumptions)
	}
	if !slices.ContainsFunc(vm.Assumptions, func(a flow.Assumption) bool { return a.ID == flow.ReadinessNotInData && a.About == "a1/vm-agent" }) {
		t.Errorf("%+v", vm.Assumptions)
	}
	strict.Waivers = []flow.Waiver{{ID: flow.ReadinessNotInData, About: "a1/*"}, {ID: flow.DisksManaged}, {ID: flow.DefaultOutboundAccess}}
	if vm = examineWith(t, n, strict, opt); vm.Verdict != backup.Pass {
		t.Errorf("waived: %s: %s", vm.Verdict, vm.Reason)
	}
}

func TestEachCheckFailsForItsOwnReason(t *testing.T) {
	for _, tt := range []struct {
		name, check, profile string
		change               func(*golden.Estate, *topology.VirtualMachine)
		want                 backup.Verdict
		text                 string
	}{
		{"vault of another region", "vault-region", "vm-2018", vault("v1", "northeurope", "a1"), backup.Fail, "northeurope"},
		{"vault of the region, protecting another", "vault-region", "vm-2018", vault("v1", "westeurope", "px"), backup.Pass, "no vault says"},
		{"another region, protecting nothing", "vault-region", "vm-2018", vault("v1", "northeurope"), backup.Unknown, "no vault of the region"},
		{"vault without a region", "vault-region", "vm-2018", vault("v1", "", "a1"), backup.Unknown, "region of the vault"},
		{"two vaults", "vault-region", "vm-2018", func(e *golden.Estate, vm *topology.VirtualMachine) {
			vault("v1", "westeurope", "a1")(e, vm)
			vault("v2", "westeurope", "a1")(e, vm)
		}, backup.Fail, "one vault"},
		{"vault name with a digit first", "vault-name", "vm-2018", vault("1vault", "westeurope", "a1"), backup.Fail, "1vault"},
		{"vault name too short", "vault-name", "vm-2018", vault("v", "westeurope", "a1"), backup.Fail, "2 to 50"},
		{"vault name of 50", "vault-name", "vm-2018", vault("v"+strings.Repeat("a", 49), "westeurope", "a1"), backup.Pass, ""},
		{"vault name of 51", "vault-name", "vm-2018", vault("v"+strings.Repeat("a", 50), "westeurope", "a1"), backup.Fail, ""},
		{"vault name with an underscore", "vault-name", "vm-2018", vault("my_vault", "westeurope", "a1"), backup.Fail, ""},
		{"vault name with a foreign letter", "vault-name", "vm-2018", vault("vaülte", "westeurope", "a1"), backup.Fail, ""},
		{"agent missing", "vm-agent", "vm-2018", agent("Linux", topology.Off, ""), backup.Fail, "not installed"},
		{"agent of Windows too old", "vm-agent", "vm-2018", agent("Windows", topology.On, "2.6.1198.717"), backup.Fail, "2.6.1198.718"},
		{"agent of Windows just right", "vm-agent", "vm-2018", agent("Windows", topology.On, "2.6.1198.718"), backup.Pass, ""},
		{"agent of Windows newer by a shorter number", "vm-agent", "vm-2018", agent("Windows", topology.On, "2.7"), backup.Pass, ""},
		{"agent of Windows without a version", "vm-agent", "vm-2018", agent("Windows", topology.On, ""), backup.Unknown, "version"},
		{"agent of Windows with no number", "vm-agent", "vm-2018", agent("Windows", topology.On, "latest"), backup.Unknown, "compared"},
		{"agent of Linux without a version", "vm-agent", "vm-2018", agent("Linux", topology.On, ""), backup.Pass, ""},
		{"agent that does not report", "vm-agent", "vm-2018", machine(func(vm *topology.VirtualMachine) { vm.Agent.Ready = topology.Off }), backup.Unknown, "report"},
		{"agent of who knows what", "vm-agent", "vm-2018", agent("", topology.On, "2.2.18"), backup.Unknown, "operating system"},
		{"CoreOS", "os-support", "vm-2018", system("Linux", "CoreOS CoreOS Stable"), backup.Fail, "CoreOS"},
		{"32 bit", "os-support", "vm-2019", system("Linux", "Ubuntu 16.04 32-bit"), backup.Fail, "32-bit"},
		{"unknown Linux", "os-support", "vm-2018", system("Linux", "Arch"), backup.Unknown, "endorsed"},
		{"Windows Server 2008", "os-support", "vm-2018", system("Windows", "Windows Server 2008"), backup.Fail, "2008 R2"},
		{"Windows Server 2008 R2", "os-support", "vm-2018", system("Windows", "MicrosoftWindowsServer WindowsServer 2008-R2-SP1"), backup.Pass, ""},
		{"Windows Server 2003", "os-support", "vm-2018", system("", "Windows Server 2003 R2"), backup.Fail, ""},
		{"Windows Server 2019", "os-support", "vm-2018", system("Windows", "MicrosoftWindowsServer WindowsServer 2019-Datacenter"), backup.Pass, ""},
		{"Windows 10", "os-support", "vm-2018", system("Windows", "Windows 10 2019 LTSC"), backup.Unknown, "Windows Server"},
		{"Windows 10 in 2019", "os-support", "vm-2019", system("Windows", "MicrosoftWindowsDesktop Windows-10 20h2-pro"), backup.Fail, "client"},
		{"Windows 11 today", "os-support", "vm-current", system("Windows", "Windows 11 Enterprise 10.0.22631"), backup.Pass, ""},
		{"Windows 8.1 today", "os-support", "vm-current", system("Windows", "Windows 8.1 Pro"), backup.Unknown, "agentless"},
		{"Windows Server 2012 R2 in 2019", "os-support", "vm-2019", system("Windows", "Windows Server 2012 R2 Datacenter 6.3.9600"), backup.Pass, ""},
		{"Windows Server 2012 R2 today", "os-support", "vm-current", system("Windows", "Windows Server 2012 R2 Datacenter 6.3.9600"), backup.Unknown, "agentless"},
		{"Windows Server 2022 today", "os-support", "vm-current", system("Windows", "MicrosoftWindowsServer WindowsServer 2022-datacenter-azure-edition"), backup.Pass, ""},
		{"Windows Server 2003 today", "os-support", "vm-current", system("Windows", "Windows Server 2003"), backup.Fail, ""},
		{"a half-yearly release, which is no year", "os-support", "vm-2018", system("Windows", "MicrosoftWindowsServer WindowsServer datacenter-core-2004"), backup.Unknown, "release"},
		{"a server by its build alone", "os-support", "vm-2019", system("Windows", "Windows Server Datacenter 10.0.20348"), backup.Unknown, "release"},
		{"64 bit", "os-support", "vm-2019", system("Linux", "Debian 9 x86_64"), backup.Pass, ""},
		{"64 bit with a hyphen", "os-support", "vm-2019", system("Linux", "Debian 9 x86-64"), backup.Pass, ""},
		{"32 bit by its processor", "os-support", "vm-2019", system("Linux", "Debian 9 x86"), backup.Fail, "32-bit"},
		{"Windows alone", "os-support", "vm-2018", system("Windows", ""), backup.Unknown, "which Windows"},
		{"BEK only, 2018", "disk-encryption", "vm-2018", encrypted("bek-only"), backup.Fail, "key encryption key"},
		{"BEK only, 2019", "disk-encryption", "vm-2019", encrypted("bek-only"), backup.Pass, ""},
		{"LUKS, 2018", "disk-encryption", "vm-2018", encrypted("luks"), backup.Fail, "LUKS"},
		{"LUKS, today", "disk-encryption", "vm-current", encrypted("luks"), backup.Unknown, "LUKS"},
		{"ADE", "disk-encryption", "vm-2018", encrypted("ade"), backup.Pass, ""},
		{"extension, 2018", "disk-encryption", "vm-2018", machine(func(vm *topology.VirtualMachine) { vm.Encryption, vm.AzureDiskEncryption = "", true }), backup.Unknown, "key encryption key"},
		{"extension, 2019", "disk-encryption", "vm-2019", machine(func(vm *topology.VirtualMachine) { vm.Encryption, vm.AzureDiskEncryption = "", true }), backup.Pass, ""},
		{"plain disks of Linux, 2018", "disk-encryption", "vm-2018", plainDisks("Linux"), backup.Unknown, "LUKS"},
		{"plain disks of Windows, 2018", "disk-encryption", "vm-2018", plainDisks("Windows"), backup.Pass, ""},
		{"plain disks of Linux, 2019", "disk-encryption", "vm-2019", plainDisks("Linux"), backup.Pass, ""},
		{"disk of a cluster", "clustered-disks", "vm-2018", machine(func(vm *topology.VirtualMachine) { vm.DataDisks[0].Clustered = topology.On }), backup.Fail, "cluster"},
		{"disk that may be of a cluster", "clustered-disks", "vm-2018", machine(func(vm *topology.VirtualMachine) { vm.DataDisks[0].Clustered = topology.Unset }), backup.Unknown, "cluster"},
		{"disk without a size", "disk-size", "vm-2018", machine(func(vm *topology.VirtualMachine) { vm.DataDisks[0].SizeGB = 0 }), backup.Unknown, `"d0"`},
		{"system disk too large for 2018", "disk-size", "vm-2018", machine(func(vm *topology.VirtualMachine) { vm.OSDisk.SizeGB = 2048 }), backup.Fail, `"os"`},
		{"system disk without a size, 2018", "disk-size", "vm-2018", machine(func(vm *topology.VirtualMachine) { vm.OSDisk.SizeGB = 0 }), backup.Unknown, `"os"`},
		{"system disk without a size, today", "disk-size", "vm-current", machine(func(vm *topology.VirtualMachine) { vm.OSDisk.SizeGB = 0 }), backup.Pass, ""},
		{"unmanaged disk today", "managed-disks", "vm-current", account("a", topology.Allow), backup.Fail, "unmanaged"},
		{"account that denies", "storage-network-rules", "vm-2018", account("a", topology.Deny, "None"), backup.Fail, "AzureServices"},
		{"account that denies and says no more", "storage-network-rules", "vm-2018", account("a", topology.Deny), backup.Fail, "AzureServices"},
		{"account that denies, with the exception", "storage-network-rules", "vm-2018", account("a", topology.Deny, "Logging", "AzureServices"), backup.Pass, ""},
		{"account that allows", "storage-network-rules", "vm-2018", account("a", topology.Allow), backup.Pass, ""},
		{"one core, 2018", "vm-size", "vm-2018", cores(1), backup.Pass, ""},
		{"one core, 2019", "vm-size", "vm-2019", cores(1), backup.Fail, "1 core"},
		{"little memory", "vm-size", "vm-current", machine(func(vm *topology.VirtualMachine) { vm.MemoryGB = 0.5 }), backup.Fail, "0.5 GB"},
		{"size of no known name", "vm-size", "vm-2019", sized("Standard_XYZ"), backup.Unknown, "Standard_XYZ"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			vm := examine(t, fit(tt.change).Build(), "a1", tt.profile)
			c := checkOf(t, vm, tt.check, "")
			if c.Verdict != tt.want || !strings.Contains(c.Text, tt.text) {
				t.Errorf("%s: %q (found %v)", c.Verdict, c.Text, c.Found)
			}
			if tt.want == backup.Fail && vm.Verdict != backup.Fail {
				t.Errorf("the machine: %s", vm.Verdict)
			}
			if tt.want != backup.Fail && vm.Verdict != backup.Pass && tt.profile == "vm-2018" {
				t.Errorf("the machine: %s (%s)", vm.Verdict, vm.Reason)
			}
			if tt.want == backup.Unknown && c.Export == "" && !strings.Contains(c.Text, "design file") && tt.check != "disk-encryption" {
				t.Error("no command says what the data does not")
			}
		})
	}
}

func agent(os string, installed topology.Switch, version string) func(*golden.Estate, *topology.VirtualMachine) {
	return machine(func(vm *topology.VirtualMachine) {
		vm.OSType, vm.Agent = os, topology.VMAgent{Installed: installed, Version: version}
	})
}

func system(kind, name string) func(*golden.Estate, *topology.VirtualMachine) {
	return machine(func(vm *topology.VirtualMachine) { vm.OSType, vm.OSName = kind, name })
}

func encrypted(how string) func(*golden.Estate, *topology.VirtualMachine) {
	return machine(func(vm *topology.VirtualMachine) { vm.Encryption = how })
}

func plainDisks(os string) func(*golden.Estate, *topology.VirtualMachine) {
	return machine(func(vm *topology.VirtualMachine) {
		vm.Encryption, vm.OSType = "", os
		vm.OSDisk.Encrypted, vm.DataDisks[0].Encrypted = topology.Off, topology.Off
	})
}

func cores(n int) func(*golden.Estate, *topology.VirtualMachine) {
	return machine(func(vm *topology.VirtualMachine) { vm.Cores = n })
}

func sized(name string) func(*golden.Estate, *topology.VirtualMachine) {
	return machine(func(vm *topology.VirtualMachine) { vm.Size, vm.Cores, vm.MemoryGB = name, 0, 0 })
}

// The names of Azure's sizes say how many cores they have, the old ones only
// whether it is one.
func TestSizesAreReadByTheirNames(t *testing.T) {
	for name, want := range map[string]backup.Verdict{
		"Standard_D2s_v3": backup.Pass, "Standard_E4-2s_v5": backup.Pass, "Standard_D1_v2": backup.Fail, "Standard_DS1_v2": backup.Fail,
		"Standard_B1s": backup.Fail, "Standard_B2ms": backup.Pass, "Basic_A0": backup.Fail, "Standard_A1": backup.Fail, "Standard_A4_v2": backup.Pass,
		"Standard_F1s": backup.Fail, "Standard_F8s_v2": backup.Pass, "Standard_NC24ads_A100_v4": backup.Pass, "Standard_D14_v2": backup.Pass,
		"Standard_DC1s_v3": backup.Fail, "Standard_M128s": backup.Unknown, "": backup.Unknown,
	} {
		c := checkOf(t, examine(t, fit(sized(name)).Build(), "a1", "vm-2019"), "vm-size", "")
		if c.Verdict != want {
			t.Errorf("%s: %s (%s), want %s", name, c.Verdict, c.Text, want)
		}
	}
}

func TestSeveralProfilesShowEachLimitOnce(t *testing.T) {
	n := fit(machine(func(vm *topology.VirtualMachine) { vm.DataDisks = disksOf(17, 10) })).Build()
	vm := examine(t, n, "a1", "vm-2018", "vm-current", "sql")
	var got []string
	for _, c := range vm.Readiness {
		if c.Name == "data-disks" || c.Name == "vm-agent" {
			got = append(got, c.Name+" "+c.Profile+" "+c.Verdict.String())
		}
	}
	if d := cmp.Diff([]string{"vm-agent  Pass", "data-disks vm-2018 Fail", "data-disks vm-current Pass"}, got); d != "" {
		t.Error(d)
	}
	// A workload inside the machine is backed up without a snapshot of its disks.
	vm = examine(t, n, "a1", "sql")
	if slices.ContainsFunc(vm.Readiness, func(c backup.Check) bool { return strings.Contains(c.Name, "disk") }) {
		t.Errorf("%+v", vm.Readiness)
	}
}

func TestWhatOnlyPowerShellRestoresIsANoteAndNoFailure(t *testing.T) {
	e := fit().LoadBalancer("lb", "198.51.100.30", 443, 443, "a1").PublicIP("a1", "198.51.100.40", "Standard")
	vm := examine(t, e.Build(), "a1")
	c := checkOf(t, vm, "restore-notes", "")
	if c.Verdict != backup.Pass || c.Found != "a reserved (static) public IP address, a load balancer" || !strings.Contains(c.Text, "PowerShell") {
		t.Errorf("%s: %v, %q", c.Verdict, c.Found, c.Text)
	}
	if c := checkOf(t, examine(t, fit().Build(), "a1"), "restore-notes", ""); c.Verdict != backup.Pass || c.Found != nil {
		t.Errorf("%s: %v", c.Verdict, c.Found)
	}
}

// verdicts.md 2: the rules of an account that is not in the data are taken to
// let backup in.
func TestStorageRulesThatAreNotGivenAreAnAssumption(t *testing.T) {
	n := fit(machine(func(vm *topology.VirtualMachine) {
		vm.OSDisk.Managed, vm.OSDisk.StorageAccount = topology.Off, "elsewhere"
	})).Build()
	c := checkOf(t, examine(t, n, "a1"), "storage-network-rules", "")
	if c.Verdict != backup.Pass || len(c.Assumptions) != 1 || c.Assumptions[0].ID != flow.StorageRulesOpen || c.Assumptions[0].About != "elsewhere" {
		t.Errorf("%s, %+v", c.Verdict, c.Assumptions)
	}
	strict := sim.Options{AsOf: golden.AsOf, Strict: true}
	if c := checkOf(t, examineWith(t, n, strict, backup.Options{VMs: []string{"a1"}}), "storage-network-rules", ""); c.Verdict != backup.Unknown {
		t.Errorf("strict: %s", c.Verdict)
	}
	strict.Waivers = []flow.Waiver{{ID: flow.StorageRulesOpen}}
	if c := checkOf(t, examineWith(t, n, strict, backup.Options{VMs: []string{"a1"}}), "storage-network-rules", ""); c.Verdict != backup.Pass {
		t.Errorf("waived: %s", c.Verdict)
	}
}
