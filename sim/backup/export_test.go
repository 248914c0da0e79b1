package backup_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/topology/load"
)

// sharedData is the folder of data that nobody on this project wrote, found
// from the root of the repository.
func sharedData(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("there is no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
	data := filepath.Join(dir, "..", "shared", "data")
	if _, err := os.Stat(data); err != nil {
		t.Skip("the shared data is not there: ", err)
	}
	return data
}

// examineFiles reports on the machines of exported files.
func examineFiles(t *testing.T, profile string, paths ...string) *backup.Report {
	t.Helper()
	res, err := load.Estate(t.Context(), paths, load.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.New(res.Network, sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	r, err := backup.Examine(t.Context(), s, backup.Options{Profiles: []string{profile}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A machine as the portal shows it says much of its readiness, and of the rest
// which command would.
func TestMachinesOfTheSharedDataAreChecked(t *testing.T) {
	r := examineFiles(t, "vm-2019", filepath.Join(sharedData(t), "batfish-azure", "cloud-azure"))
	if len(r.VMs) != 2 {
		t.Fatalf("%d machines", len(r.VMs))
	}
	want := map[string]backup.Verdict{
		"vault-region": backup.Unknown, "vault-name": backup.Unknown, "vm-agent": backup.Pass, "os-support": backup.Pass, "data-disks": backup.Pass,
		"disk-size": backup.Pass, "disk-encryption": backup.Unknown, "clustered-disks": backup.Pass, "storage-network-rules": backup.Pass,
		"vm-size": backup.Pass, "restore-notes": backup.Pass,
	}
	for _, vm := range r.VMs {
		got := map[string]backup.Verdict{}
		for _, c := range vm.Readiness {
			got[c.Name] = c.Verdict
			if c.Verdict == backup.Unknown && !strings.HasPrefix(c.Export, "az ") {
				t.Errorf("%s, %s: no command, %q", vm.Name, c.Name, c.Text)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", vm.Name, d)
		}
	}
}

// What az writes of a machine, its disks, its vault and its storage account,
// each in a file of its own.
func TestExportsOfAzAnswerTheChecks(t *testing.T) {
	const (
		group = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/"
		vm    = group + "Microsoft.Compute/virtualMachines/app1"
	)
	files := map[string]string{
		"vm.json": `[{"id": "` + vm + `", "name": "app1", "type": "Microsoft.Compute/virtualMachines", "location": "westeurope", "resourceGroup": "rg",
		  "hardwareProfile": {"vmSize": "Standard_DS1_v2"}, "networkProfile": {"networkInterfaces": []},
		  "storageProfile": {"osDisk": {"name": "os", "osType": "Windows", "diskSizeGb": 127, "managedDisk": {"id": "` + group + `Microsoft.Compute/disks/os"}},
		    "dataDisks": [{"lun": 0, "name": "data", "diskSizeGb": null, "managedDisk": {"id": "` + group + `Microsoft.Compute/disks/data"}}]},
		  "instanceView": {"osName": "Windows Server 2016 Datacenter", "osVersion": "Microsoft Windows NT 10.0.14393.0",
		    "vmAgent": {"vmAgentVersion": "2.7.41491.885", "statuses": [{"displayStatus": "Ready"}]}}}]`,
		"disks.json": `[{"id": "` + group + `Microsoft.Compute/disks/os", "name": "os", "type": "Microsoft.Compute/disks", "diskSizeGb": 127, "maxShares": null, "encryptionSettingsCollection": null},
		  {"id": "` + group + `Microsoft.Compute/disks/data", "name": "data", "type": "Microsoft.Compute/disks", "diskSizeGb": 2048, "maxShares": 2, "encryptionSettingsCollection":
		    {"enabled": true, "encryptionSettings": [{"diskEncryptionKey": {"secretUrl": "https://v.example/secrets/s"}, "keyEncryptionKey": null}]}}]`,
		"vaults.json":    `[{"id": "` + group + `Microsoft.RecoveryServices/vaults/vault1", "name": "vault1", "type": "Microsoft.RecoveryServices/vaults", "location": "northeurope", "properties": {"provisioningState": "Succeeded"}}]`,
		"protected.json": `[{"id": "` + group + `Microsoft.RecoveryServices/vaults/vault1/backupFabrics/Azure/protectionContainers/c/protectedItems/i", "name": "i", "type": "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems", "properties": {"virtualMachineId": "` + vm + `"}}]`,
	}
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wants := map[string][]string{
		"vm-2018":    {"vault-region Fail", "vault-name Pass", "vm-agent Pass", "os-support Pass", "data-disks Pass", "disk-size Fail", "disk-encryption Fail", "clustered-disks Fail", "storage-network-rules Pass", "vm-size Pass", "restore-notes Pass"},
		"vm-current": {"vault-region Fail", "vault-name Pass", "vm-agent Pass", "os-support Pass", "data-disks Pass", "disk-size Pass", "managed-disks Pass", "disk-encryption Pass", "clustered-disks Fail", "storage-network-rules Pass", "vm-size Fail", "restore-notes Pass"},
	}
	for profile, want := range wants {
		r := examineFiles(t, profile, dir)
		var got []string
		for _, c := range r.VMs[0].Readiness {
			got = append(got, c.Name+" "+c.Verdict.String())
			if c.Verdict == backup.Fail && (c.Origin == nil || c.Text == "") {
				t.Errorf("%s: %s says neither where nor why: %q", profile, c.Name, c.Text)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", profile, d)
		}
		i := slices.IndexFunc(r.VMs[0].Readiness, func(c backup.Check) bool { return c.Name == "vault-region" })
		if c := r.VMs[0].Readiness[i]; c.Found != "northeurope" || c.Limit != "westeurope" || !strings.HasSuffix(c.Origin.File, "vaults.json") {
			t.Errorf("%+v", c)
		}
	}
}
