package topology

import "net/netip"

// VirtualMachine is a virtual machine and what is known of its guest.
type VirtualMachine struct {
	Element
	NetworkInterfaces []Ref
	PrimaryInterface  Ref // zero where the export marks none
	ScaleSet          Ref
	Flexible          bool // member of a scale set in flexible orchestration: never default outbound (DOA)
	OSType            string
	OSName            string
	Size              string  // "Standard_D2s_v3"
	Cores             int     // 0: not known
	MemoryGB          float64 // 0: not known
	Agent             VMAgent
	OSDisk            *Disk
	DataDisks         []*Disk
	DataDisksGiven    bool
	Encryption        string // none, ade, luks, bek-only; "" where not known
	// AzureDiskEncryption is set where an export says that Azure Disk
	// Encryption is in use; Encryption says with which keys, where known.
	AzureDiskEncryption bool
	HostFirewall        *HostFirewall
	ProxyServer         *ProxyServer
	Proxy               *ProxySetting
}

// VMAgent is what is known of the VM agent.
type VMAgent struct {
	Installed Switch
	Version   string
	Ready     Switch // it reports to Azure, as the instance view says
	Origin    Origin
}

// Disk is a disk of a virtual machine.
type Disk struct {
	Name           string
	SizeGB         int // 0: not known
	Managed        Switch
	Clustered      Switch
	StorageAccount string // of an unmanaged disk
	ResourceID     string // of a managed disk, as written; "" where not known
	Encrypted      Switch // by Azure Disk Encryption, as the export of the disk says
	Origin         Origin
}

// HostFirewall is the guest's own firewall: first match by Deny before Allow
// is not modelled; rules are tried in order, then the default applies.
type HostFirewall struct {
	Origin         Origin
	InboundDefault Access // NoAccess: not said
	Inbound        []*HostFirewallRule
}

// HostFirewallRule is one inbound rule of a guest's firewall.
type HostFirewallRule struct {
	Name       string
	Access     Access
	Protocol   Protocol
	LocalPorts []PortRange
	Remote     []AddressPrefix // empty: any
	Origin     Origin
}

// ProxyServer marks a machine that runs an explicit HTTP proxy (spec 8.2).
type ProxyServer struct {
	Port           uint16
	Authentication string   // "none", "required"; "" where not said: an assumption
	AllowHosts     []string // patterns with a leading "*"; nil with AnyHost: any
	AnyHost        bool     // no allow list given
	Origin         Origin
}

// ProxySetting is what a guest's backup extension uses to get out.
type ProxySetting struct {
	Host   string
	Port   uint16
	Scope  string // "system" or "user": a user's setting does not reach the extension
	Bypass []Bypass
	// Undecided says why it is not known which proxy is used, or whether one
	// is; "" where the setting is known. Host and Port may then be empty.
	Undecided string
	Origin    Origin
}

// Bypass is a destination that goes past the proxy: no_proxy of Linux,
// ProxyOverride of Windows.
type Bypass struct {
	Host     string       // a name, or how names end with a leading "*"; "*" alone is every one; "" for Prefix
	Prefix   netip.Prefix // of addresses written as such; a name that leads there is not meant
	Doubtful bool         // programs differ in how they read the entry
	Origin   Origin
}

// RecoveryServicesVault is a backup vault.
type RecoveryServicesVault struct {
	Element
	ProtectedVirtualMachines []Ref
}

// StorageAccount is a storage account as far as backup asks about it.
type StorageAccount struct {
	Element
	NetworkDefaultAction Access // NoAccess: not said
	BlobEncryption       Switch
	IPRules              []netip.Prefix
	VirtualNetworkRules  []Ref // subnets
	Bypass               []string
}
