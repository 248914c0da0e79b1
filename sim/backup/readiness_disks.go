package backup

import (
	"fmt"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// dataDisks counts the data disks; the operating system's is none of them
// (verdicts.md 12).
func (x *subject) dataDisks(m *measure) Check {
	n := len(x.vm.DataDisks)
	c := Check{Name: checkDataDisks, Limit: m.dataDisks, Source: m.source, Origin: at(x.vm.Origin)}
	switch {
	case n > m.dataDisks:
		c.Verdict, c.Found = Fail, n
		c.Text = fmt.Sprintf("%d data disks, at most %d", n, m.dataDisks)
	case !x.vm.DataDisksGiven:
		c.Text, c.Export = "how many data disks the machine has is not in the data", x.command("show", "--query storageProfile.dataDisks")
	default:
		c.Verdict, c.Found = Pass, n
	}
	return c
}

// diskSize looks at the size of every disk, the operating system's among them.
func (x *subject) diskSize(m *measure) Check {
	c := Check{Name: checkDiskSize, Limit: m.diskGB, Source: m.source, Origin: at(x.vm.Origin)}
	largest, total := 0, 0
	unknown := ""
	for _, d := range x.disks() {
		total += d.SizeGB
		largest = max(largest, d.SizeGB)
		if d.SizeGB > m.diskGB {
			c.Verdict, c.Found, c.Origin = Fail, d.SizeGB, at(d.Origin)
			c.Text = fmt.Sprintf("the disk %s has %d GB, at most %d", quote(d.Name), d.SizeGB, m.diskGB)
			return c
		}
		if d.SizeGB == 0 && unknown == "" && !(d == x.vm.OSDisk && m.diskGB >= osDiskGB) {
			unknown = "the size of the disk " + quote(d.Name) + " is not in the data"
			c.Export = x.command("show", "--query storageProfile")
			if d.ResourceID != "" {
				c.Export = "az disk show --ids " + shell(d.ResourceID) + " --query diskSizeGB -o json"
			}
		}
	}
	if m.totalGB > 0 && total > m.totalGB {
		c.Verdict, c.Found, c.Limit, c.Export = Fail, total, m.totalGB, ""
		c.Text = fmt.Sprintf("all disks together have %d GB, at most %d", total, m.totalGB)
		return c
	}
	if largest > 0 {
		c.Found = largest
	}
	switch {
	case unknown != "":
		c.Text = unknown
	case !x.vm.DataDisksGiven:
		c.Text, c.Export = "which data disks the machine has is not in the data", x.command("show", "--query storageProfile")
	case x.vm.OSDisk == nil && m.diskGB < osDiskGB:
		c.Text, c.Export = "the size of the operating system's disk is not in the data", x.command("show", "--query storageProfile.osDisk")
	default:
		c.Verdict = Pass
	}
	return c
}

// managedDisks asks that no disk is unmanaged, where those are not supported
// any more.
func (x *subject) managedDisks(m *measure) Check {
	c := Check{Name: checkManaged, Verdict: Pass, Limit: "managed", Source: m.source, Origin: at(x.vm.Origin)}
	assumed := len(x.disks()) == 0
	for _, d := range x.disks() {
		switch d.Managed {
		case topology.Off:
			c.Verdict, c.Found, c.Origin = Fail, "unmanaged", at(d.Origin)
			c.Text = "the disk " + quote(d.Name) + " is unmanaged; such disks are not supported any more"
			return c
		case topology.Unset:
			assumed = true
		}
	}
	if assumed {
		c.Assumptions = []flow.Assumption{takenAsManaged(x.vm)}
		c.Export = x.command("show", "--query storageProfile")
	} else {
		c.Found = "managed"
	}
	return c
}

// encryption compares the encryption of the disks with what the generation
// supports.
func (x *subject) encryption(m *measure) Check {
	c := Check{Name: checkEncrypted, Source: m.source, Origin: at(x.vm.Origin)}
	if len(m.refused) > 0 {
		c.Limit = "not " + strings.Join(m.refused, " or ")
	}
	kind := strings.ToLower(x.vm.Encryption)
	if kind == "" {
		x.encryptionOfExport(&c, m)
		return c
	}
	c.Found = kind
	switch {
	case slices.Contains(m.refused, kind):
		c.Verdict, c.Text = Fail, encryptionName(kind)+" is not supported"
	case slices.Contains(m.open, kind):
		c.Text = encryptionName(kind) + " is not spoken of in the support matrix of " + m.date
	default:
		c.Verdict = Pass
	}
	return c
}

// encryptionOfExport decides where only the disks and the extensions speak.
func (x *subject) encryptionOfExport(c *Check, m *measure) {
	disks := x.disks()
	plain := len(disks) > 0 && x.vm.OSDisk != nil && x.vm.DataDisksGiven &&
		!slices.ContainsFunc(disks, func(d *topology.Disk) bool { return d.Encrypted != topology.Off })
	switch {
	case x.vm.AzureDiskEncryption && len(m.refused) == 0:
		c.Verdict, c.Found = Pass, "ade"
	case x.vm.AzureDiskEncryption:
		c.Text = "Azure Disk Encryption is in use; whether it uses a key encryption key is not in the data"
	case plain && (len(m.refused) == 0 || strings.EqualFold(x.vm.OSType, "Windows")):
		c.Verdict, c.Found = Pass, "none"
	case plain:
		c.Text = "no Azure Disk Encryption; whether the guest encrypts its disks itself (LUKS) is in no export: say it in a design file (encryption)"
		return
	default:
		c.Text = "whether the disks are encrypted is not in the data"
	}
	if c.Verdict == Unknown {
		c.Export = x.command("encryption show", "")
	}
}

func encryptionName(kind string) string {
	switch kind {
	case "bek-only":
		return "Azure Disk Encryption without a key encryption key (BEK only)"
	case "luks":
		return "a guest's own LUKS encryption"
	default:
		return kind
	}
}

// clusteredDisks asks for disks that several machines share, as Cluster Shared
// Volumes and Scale-Out File Server do: the documents advise against backing
// them up (BK18).
func (x *subject) clusteredDisks() Check {
	c := Check{Name: checkClustered, Source: "BK18", Origin: at(x.vm.Origin)}
	var unknown []*topology.Disk
	for _, d := range x.vm.DataDisks {
		switch d.Clustered {
		case topology.On:
			c.Verdict, c.Found, c.Origin = Fail, d.Name, at(d.Origin)
			c.Text = "the disk " + quote(d.Name) + " is shared by a cluster: backup of Cluster Shared Volumes and Scale-Out File Server is advised against"
			return c
		case topology.Unset:
			unknown = append(unknown, d)
		}
	}
	switch {
	case !x.vm.DataDisksGiven:
		c.Text, c.Export = "which data disks the machine has is not in the data", x.command("show", "--query storageProfile.dataDisks")
	case len(unknown) > 0:
		c.Text = "whether the disk " + quote(unknown[0].Name) + " is shared by a cluster is not in the data"
		c.Export = "az disk list --query \"[].{name: name, maxShares: maxShares}\" -o json"
		if id := unknown[0].ResourceID; id != "" {
			c.Export = "az disk show --ids " + shell(id) + " --query maxShares -o json"
		}
	default:
		c.Verdict, c.Found = Pass, "none"
	}
	return c
}

// storageRules asks whether the accounts of unmanaged disks let backup in.
// That Azure Backup is one of the services that the exception AzureServices
// names is general knowledge.
func (x *subject) storageRules() Check {
	c := Check{Name: checkStorage, Verdict: Pass, Source: "general knowledge"}
	assumed := len(x.disks()) == 0
	seen := map[string]bool{}
	for _, d := range x.disks() {
		if d.Managed == topology.Unset {
			assumed = true
		}
		if d.Managed != topology.Off || seen[strings.ToLower(d.StorageAccount)] {
			continue
		}
		seen[strings.ToLower(d.StorageAccount)] = true
		a := storageAccount(x.net, d.StorageAccount)
		switch {
		case a == nil || a.NetworkDefaultAction == topology.NoAccess:
			name := d.StorageAccount
			if name == "" {
				name = d.Name
			}
			c.Assumptions = addAssumption(c.Assumptions, flow.Assumption{ID: flow.StorageRulesOpen, About: name,
				Text: "the network rules of the storage account behind the disk " + quote(d.Name) + " let backup in"})
			c.Export = "az storage account show -n " + shell(name) + " --query networkRuleSet -o json"
		case a.NetworkDefaultAction == topology.Allow:
		case slices.ContainsFunc(a.Bypass, func(s string) bool { return strings.EqualFold(s, "AzureServices") }):
		default:
			c.Verdict, c.Found, c.Limit, c.Origin, c.Export = Fail, "Deny", "Allow, or the exception AzureServices", at(a.Origin), ""
			c.Text = "the storage account " + quote(a.Name) + " of the disk " + quote(d.Name) + " denies by default and makes no exception for AzureServices"
			return c
		}
	}
	if assumed {
		c.Assumptions = append(c.Assumptions, takenAsManaged(x.vm))
	}
	if c.Verdict == Pass && len(seen) == 0 {
		c.Text = "managed disks are in no storage account of yours"
	}
	return c
}
