package arm

import (
	"slices"
	"strings"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/source"
)

// Disk is a managed disk; the loader moves what it says into the machine it is
// attached to.
type Disk struct {
	topology.Element
	SizeGB     int // 0: not said
	Shared     topology.Switch
	Encrypted  topology.Switch // by Azure Disk Encryption; unset where the export is of the name alone
	Encryption string          // "ade", "bek-only"; "" where it is not encrypted so, or the keys are not named
}

// ProtectedItem says that a vault protects a machine.
type ProtectedItem struct {
	topology.Element
	Machine topology.Ref
}

func (r *Reader) virtualMachine(o *object) {
	f := r.File
	vm := &topology.VirtualMachine{Element: o.element("", ""), ScaleSet: o.ref("virtualMachineScaleSet")}
	// Only instances of flexible orchestration are virtual machines of their
	// own that refer to their scale set; uniform ones have it in their ID.
	vm.Flexible = !vm.ScaleSet.IsZero()
	if i := strings.Index(strings.ToLower(vm.ResourceID), "/virtualmachines/"); i > 0 && vm.ScaleSet.IsZero() && segmentOf(vm.ResourceID, "virtualMachineScaleSets") != "" {
		vm.ScaleSet = topology.Ref{Text: vm.ResourceID[:i], Origin: vm.Origin}
	}
	if o.has("hardwareProfile") {
		vm.Size = o.child("hardwareProfile").text("vmSize")
	}
	if o.has("networkProfile") {
		r.vmInterfaces(o.child("networkProfile"), vm)
	}
	if o.has("storageProfile") {
		r.vmStorage(o.child("storageProfile"), vm)
	}
	if o.has("osProfile") {
		r.vmGuest(o.child("osProfile"), vm)
	}
	if o.has("instanceView") {
		r.vmInstance(o.child("instanceView"), vm)
	}
	resources, _ := o.objects("resources") // of REST and az
	r.vmExtensions(resources, vm)
	extensions, _ := o.objects("extensions") // of Az PowerShell
	r.vmExtensions(extensions, vm)
	if f.Err == nil {
		r.add(vm)
	}
}

func (r *Reader) vmInterfaces(o *object, vm *topology.VirtualMachine) {
	list, _ := o.objects("networkInterfaces")
	for _, no := range list {
		ref := topology.Ref{Text: no.text("id"), Origin: r.File.Origin(no.get("id"))}
		if ref.IsZero() {
			continue
		}
		vm.NetworkInterfaces = append(vm.NetworkInterfaces, ref)
		if no.toggle("primary") == topology.On {
			vm.PrimaryInterface = ref
		}
	}
	if len(vm.NetworkInterfaces) == 1 {
		vm.PrimaryInterface = vm.NetworkInterfaces[0]
	}
}

func (r *Reader) vmStorage(o *object, vm *topology.VirtualMachine) {
	if o.has("imageReference") {
		image := o.child("imageReference")
		vm.OSName = strings.Join(strings.Fields(image.text("publisher")+" "+image.text("offer")+" "+image.text("sku")), " ")
	}
	if o.has("osDisk") {
		d := o.child("osDisk")
		vm.OSType = r.File.OneOf(d.get("osType"), "Windows", "Linux")
		vm.OSDisk = r.vmDisk(d)
		if d.has("encryptionSettings") {
			if e := d.child("encryptionSettings"); e.toggle("enabled") == topology.On {
				vm.AzureDiskEncryption, vm.Encryption = true, encryptionBy(e)
			}
		}
	}
	var list []*object
	list, vm.DataDisksGiven = o.objects("dataDisks")
	for _, d := range list {
		vm.DataDisks = append(vm.DataDisks, r.vmDisk(d))
	}
}

func (r *Reader) vmDisk(o *object) *topology.Disk {
	d := &topology.Disk{Name: o.text("name"), Origin: r.File.Origin(o.node)}
	if o.has("diskSizeGB") {
		d.SizeGB = r.File.Decimal(o.get("diskSizeGB"), 0, 1<<20, "a disk size in GB")
	}
	switch {
	case o.has("managedDisk"):
		d.Managed = topology.On
		d.ResourceID = o.child("managedDisk").text("id")
	case o.has("vhd"):
		d.Managed = topology.Off
		d.StorageAccount = accountOf(o.child("vhd").text("uri"))
	}
	return d
}

// accountOf takes the storage account's name from the address of a VHD. The
// rest of the address is not kept: it may carry a signature.
func accountOf(uri string) string {
	_, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, ".")
	return name
}

func (r *Reader) vmGuest(o *object, vm *topology.VirtualMachine) {
	for _, part := range []struct{ name, os string }{{"windowsConfiguration", "Windows"}, {"linuxConfiguration", "Linux"}} {
		if !o.has(part.name) {
			continue
		}
		if vm.OSType == "" {
			vm.OSType = part.os
		}
		// Not provisioned by Azure does not mean not installed by hand.
		if c := o.child(part.name); c.toggle("provisionVMAgent") == topology.On {
			vm.Agent.Installed, vm.Agent.Origin = topology.On, r.File.Origin(c.get("provisionVMAgent"))
		}
	}
}

func (r *Reader) vmInstance(o *object, vm *topology.VirtualMachine) {
	if name := strings.TrimSpace(o.text("osName") + " " + o.text("osVersion")); name != "" {
		vm.OSName = name
	}
	extensions, _ := o.objects("extensions")
	r.vmExtensions(extensions, vm)
	if !o.has("vmAgent") {
		return
	}
	agent := o.child("vmAgent")
	statuses, _ := agent.objects("statuses")
	for _, st := range statuses {
		switch text := textOf(st.get("displayStatus")); {
		case strings.EqualFold(text, "Ready"):
			vm.Agent.Ready = topology.On
		case text != "":
			vm.Agent.Ready, vm.Agent.Origin = topology.Off, r.File.Origin(st.node)
		}
	}
	version := agent.text("vmAgentVersion")
	if version == "" || strings.EqualFold(version, "Unknown") {
		return
	}
	vm.Agent.Installed, vm.Agent.Version, vm.Agent.Origin = topology.On, version, r.File.Origin(agent.node)
}

func (r *Reader) disk(o *object) {
	d := &Disk{Element: o.element("", "")}
	if o.has("diskSizeGB") {
		d.SizeGB = r.File.Decimal(o.get("diskSizeGB"), 0, 1<<20, "a disk size in GB")
	}
	if o.has("maxShares") {
		d.Shared = topology.SwitchOf(r.File.Decimal(o.get("maxShares"), 0, 1<<10, "a number of shares") > 1)
	}
	if o.bag {
		d.Encrypted = topology.Off // Azure leaves the collection out where there is none
	}
	if o.has("encryptionSettingsCollection") {
		e := o.child("encryptionSettingsCollection")
		if d.Encrypted = e.toggle("enabled"); d.Encrypted == topology.On {
			keys, _ := e.objects("encryptionSettings")
			for _, k := range keys {
				if by := encryptionBy(k); d.Encryption == "" || by == "bek-only" {
					d.Encryption = by
				}
			}
		}
	}
	r.add(d)
}

// encryptionBy tells Azure Disk Encryption with and without a key encryption
// key apart (BK18); "" where the settings name no keys.
func encryptionBy(o *object) string {
	switch {
	case o.has("keyEncryptionKey"):
		return "ade"
	case o.has("diskEncryptionKey"):
		return "bek-only"
	default:
		return ""
	}
}

// vmExtensions looks for the extension of Azure Disk Encryption by its type or
// name, in whichever form the export lists extensions.
func (r *Reader) vmExtensions(list []*object, vm *topology.VirtualMachine) {
	for _, x := range list {
		for _, f := range x.fields {
			if !slices.Contains([]string{"id", "name", "type", "typePropertiesType", "virtualMachineExtensionType"}, f.prop.Name) {
				continue
			}
			text := strings.ToLower(textOf(f.node))
			text = text[strings.LastIndexAny(text, "/.")+1:]
			vm.AzureDiskEncryption = vm.AzureDiskEncryption || strings.HasPrefix(text, "azurediskencryption")
		}
	}
}

func (r *Reader) vault(o *object) {
	r.add(&topology.RecoveryServicesVault{Element: o.element("", "")})
}

func (r *Reader) protectedItem(o *object) {
	p := &ProtectedItem{Element: o.element("", "")}
	for _, name := range []string{"sourceResourceId", "virtualMachineId"} {
		if n := o.get(name); !source.IsEmpty(n) && p.Machine.IsZero() {
			p.Machine = topology.Ref{Text: r.File.Text(n), Origin: r.File.Origin(n)}
		}
	}
	r.add(p)
}

func (r *Reader) storageAccount(o *object) {
	a := &topology.StorageAccount{Element: o.element("", "")}
	for _, name := range []string{"networkAcls", "networkRuleSet"} {
		if o.has(name) {
			r.storageRules(o.child(name), a)
		}
	}
	if o.has("encryption") {
		if e := o.child("encryption"); e.has("services") {
			if s := e.child("services"); s.has("blob") {
				a.BlobEncryption = s.child("blob").toggle("enabled")
			}
		}
	}
	if strings.EqualFold(o.text("publicNetworkAccess"), "Disabled") {
		// Nothing comes in but through private endpoints, whatever the rules say.
		a.NetworkDefaultAction, a.IPRules, a.VirtualNetworkRules, a.Bypass = topology.Deny, nil, nil, nil
	}
	r.add(a)
}

func (r *Reader) storageRules(o *object, a *topology.StorageAccount) {
	f := r.File
	a.NetworkDefaultAction = f.Access(o.get("defaultAction"), "Allow", "Deny")
	ips, _ := o.objects("ipRules")
	for _, io := range ips {
		n := io.get("value")
		if n == nil {
			n = io.get("ipAddressOrRange")
		}
		if n != nil {
			a.IPRules = append(a.IPRules, f.Range(n)...)
		}
	}
	nets, _ := o.objects("virtualNetworkRules")
	for _, no := range nets {
		n := no.get("virtualNetworkResourceId")
		if n == nil {
			n = no.get("id")
		}
		if n != nil {
			a.VirtualNetworkRules = append(a.VirtualNetworkRules, topology.Ref{Text: f.Text(n), Origin: f.Origin(n)})
		}
	}
	for _, s := range f.Texts(o.get("bypass")) {
		for _, w := range strings.Split(s, ",") {
			if w = strings.TrimSpace(w); w != "" {
				a.Bypass = append(a.Bypass, w)
			}
		}
	}
}
