package backup

import (
	"strconv"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// The ports of BK19, by what the machine's disks are.
const (
	portManaged     uint16 = 8443
	portUnmanaged   uint16 = 443
	portUnencrypted uint16 = 80
)

// diskPort is one port that the disks of a machine ask for.
type diskPort struct {
	name string
	port uint16
	// certain says that a disk needs the port whatever fact is.
	certain bool
	// fact is what else decides: an assumption, or an open fact; nil for none.
	fact *flow.Fact
	// others are the ports needed instead where the fact is otherwise.
	others []uint16
}

// diskPorts are the ports that the disks of a machine need under BK19, one for
// each kind present, the operating system's disk among them. A disk that does
// not say it is unmanaged is taken as managed (verdicts.md 12).
func diskPorts(n *topology.Network, vm *topology.VirtualMachine) []diskPort {
	disks := vm.DataDisks
	if vm.OSDisk != nil {
		disks = append([]*topology.Disk{vm.OSDisk}, disks...)
	}
	var managed, assumed, encrypted, plain bool
	var open *flow.Fact
	for _, d := range disks {
		switch d.Managed {
		case topology.On:
			managed = true
		case topology.Unset:
			assumed = true
		default:
			account := storageAccount(n, d.StorageAccount)
			switch {
			case account != nil && account.BlobEncryption == topology.On:
				encrypted = true
			case account != nil && account.BlobEncryption == topology.Off:
				plain = true
			case open == nil:
				open = encryptionFact(vm, d)
			}
		}
	}
	assumed = assumed || len(disks) == 0
	var out []diskPort
	if managed || assumed {
		p := diskPort{name: "storage-managed", port: portManaged, certain: managed}
		if assumed {
			p.fact = &flow.Fact{Assumption: flow.DisksManaged, About: vm.Name, Detail: string(vm.ID()),
				Text:   "the disks of " + vm.Name + " that do not say so are managed",
				Export: "az vm show -n " + vm.Name + " -g <group> -o json"}
			p.others = []uint16{portUnmanaged, portUnencrypted}
		}
		out = append(out, p)
	}
	if encrypted || open != nil {
		p := diskPort{name: "storage-unmanaged", port: portUnmanaged, certain: encrypted}
		if open != nil {
			p.fact, p.others = open, []uint16{portUnencrypted}
		}
		out = append(out, p)
	}
	if plain {
		out = append(out, diskPort{name: "storage-unencrypted", port: portUnencrypted, certain: true})
	}
	return out
}

// encryptionFact is the open fact whether the account of an unmanaged disk is
// encrypted.
func encryptionFact(vm *topology.VirtualMachine, d *topology.Disk) *flow.Fact {
	about, export := d.StorageAccount, "az storage account show -n "+d.StorageAccount+" --query encryption -o json"
	if about == "" {
		about, export = "the account of disk "+d.Name, "az vm show -n "+vm.Name+" -g <group> --query storageProfile -o json"
	}
	return &flow.Fact{Code: flow.DanglingReference, About: about, Detail: string(vm.ID()),
		Text: "whether the storage account of the unmanaged disk " + strconv.Quote(d.Name) + " is encrypted (port 443) or not (port 80) is not in the data", Export: export}
}

// storageAccount finds an account by its name, nil where it is not in the
// data.
func storageAccount(n *topology.Network, name string) *topology.StorageAccount {
	for _, a := range n.StorageAccounts {
		if name != "" && topology.NormalLocation(a.Name) == topology.NormalLocation(name) {
			return a
		}
	}
	return nil
}
