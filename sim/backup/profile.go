package backup

import (
	"slices"

	"github.com/netpath/netpath/topology"
)

// Profile is what one kind of backup, at one time, requires.
type Profile struct {
	Name     string     // "vm-2018"
	Title    string     // what is backed up
	Assumes  string     // one sentence: what the profile takes for granted
	Newer    string     // one sentence: which newer rule exists, "" where none does
	Source   string     // keys of the specification
	Date     string     // of the sources
	Limits   string     // the generation of readiness limits: "2018", "2019" or "2026" (spec 9.4)
	Snapshot bool       // takes snapshots of the machine's disks: the limits apply
	NoLogin  bool       // a proxy that asks for authentication is not supported
	Outbound []Outbound // what must be reached
}

// Outbound is one destination that a profile requires, by service tag or by
// address.
type Outbound struct {
	Name     string   // "storage-https"
	Tag      string   // service tag: "Storage"
	Regional bool     // the tag of the machine's region: "Storage.WestEurope"
	Address  string   // instead of a tag
	Hosts    []string // the names behind the tag, of which gates that act on names are asked
	Protocol topology.Protocol
	Port     uint16 // 0 with ByDisk
	ByDisk   bool   // the port follows the kinds of the machine's disks (BK19)
}

// DefaultProfile is the profile that is asked where none is named.
const DefaultProfile = "vm-2018"

const needless = "vm-current: Azure no longer needs outbound connectivity to back up a virtual machine (BK20)"

// Profiles lists what is known of each kind of backup, the oldest first.
func Profiles() []*Profile {
	blob, queue := "*.blob.core.windows.net", "*.queue.core.windows.net"
	vault := "*.backup.windowsazure.com"
	https := func(name, tag string, hosts ...string) Outbound {
		return Outbound{Name: name, Tag: tag, Hosts: hosts, Protocol: topology.TCP, Port: 443}
	}
	agent := func(name string, port uint16) Outbound {
		return Outbound{Name: name, Address: "168.63.129.16", Protocol: topology.TCP, Port: port}
	}
	workload := []Outbound{
		https("storage-https", "Storage", blob, queue),
		https("backup-https", "AzureBackup", vault),
		https("sign-in-https", "AzureActiveDirectory", "login.microsoftonline.com"),
	}
	return []*Profile{
		{
			Name: "vm-2018", Title: "virtual machines, by the article of 2018",
			Assumes: "the backup extension sends its snapshot commands to Azure Storage of the machine's region over HTTPS, port 443",
			Newer:   needless, Source: "BK16, BK17, BK18", Date: "2018", Limits: "2018", Snapshot: true,
			Outbound: []Outbound{{Name: "storage-https", Tag: "Storage", Regional: true, Hosts: []string{blob}, Protocol: topology.TCP, Port: 443}},
		},
		{
			Name: "vm-2019", Title: "virtual machines, by the article of 2019",
			Assumes: "the extension reaches Azure Storage of the machine's region: port 8443 for managed disks, 443 for unmanaged ones, 80 for those in an account without encryption",
			Newer:   needless, Source: "BK19, MTX19", Date: "2019-07-02", Limits: "2019", Snapshot: true,
			Outbound: []Outbound{{Name: "storage", Tag: "Storage", Regional: true, Hosts: []string{blob}, Protocol: topology.TCP, ByDisk: true}},
		},
		{
			Name: "vm-current", Title: "virtual machines, by the rules of today",
			Assumes: "the VM agent talks to the host at 168.63.129.16, ports 80 and 32526; nothing outbound is required",
			Source:  "BK20, 168, MTX26", Date: "2026", Limits: "2026", Snapshot: true,
			Outbound: []Outbound{agent("agent-wireserver", 80), agent("agent-goal-state", 32526)},
		},
		{
			Name: "sql", Title: "SQL Server in virtual machines",
			Assumes: "the workload reaches AzureBackup, Storage and AzureActiveDirectory over HTTPS, directly or through a proxy without authentication; private endpoints are not asked about",
			Source:  "SQLB, TAG", Date: "2020", Limits: "2026", NoLogin: true, Outbound: workload,
		},
		{
			Name: "hana", Title: "SAP HANA in virtual machines",
			Assumes: "as for sql: AzureBackup, Storage and AzureActiveDirectory over HTTPS; that HANA needs the same is general knowledge, not read in a source",
			Source:  "SQLB, TAG", Date: "2020", Limits: "2026", NoLogin: true, Outbound: workload,
		},
		{
			Name: "mars", Title: "the MARS agent inside a machine",
			Assumes: "the agent reaches AzureBackup, Storage and AzureActiveDirectory over HTTPS; a proxy that allows names must also let *.microsoft.com and www.msftconnecttest.com pass, which is not asked",
			Source:  "MARS, MARSNET", Date: "2021-06-04", Limits: "2026",
			Outbound: []Outbound{
				https("storage-https", "Storage", blob, queue, "*.blob.storage.azure.net"),
				https("backup-https", "AzureBackup", vault),
				https("sign-in-https", "AzureActiveDirectory", "login.microsoftonline.com", "login.windows.net"),
			},
		},
	}
}

// ProfileNames lists the names of [Profiles].
func ProfileNames() []string {
	var names []string
	for _, p := range Profiles() {
		names = append(names, p.Name)
	}
	return names
}

// profilesNamed finds the profiles of the names, each once, in their order;
// no name is [DefaultProfile].
func profilesNamed(names []string) ([]*Profile, error) {
	if len(names) == 0 {
		names = []string{DefaultProfile}
	}
	all := Profiles()
	var out []*Profile
	for _, name := range names {
		i := slices.IndexFunc(all, func(p *Profile) bool { return p.Name == name })
		if i < 0 {
			return nil, &UnknownProfileError{Name: name}
		}
		if !slices.Contains(out, all[i]) {
			out = append(out, all[i])
		}
	}
	return out, nil
}

// UnknownProfileError says that no profile has the name.
type UnknownProfileError struct{ Name string }

func (e *UnknownProfileError) Error() string { return "there is no backup profile " + quote(e.Name) }
