package backup

import (
	"slices"
	"strconv"
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// The names of the checks, in their order.
const (
	checkRegion    = "vault-region"
	checkVault     = "vault-name"
	checkAgent     = "vm-agent"
	checkSystem    = "os-support"
	checkDataDisks = "data-disks"
	checkDiskSize  = "disk-size"
	checkManaged   = "managed-disks" // only where unmanaged disks are no longer supported
	checkEncrypted = "disk-encryption"
	checkClustered = "clustered-disks"
	checkStorage   = "storage-network-rules"
	checkSize      = "vm-size"
	checkRestore   = "restore-notes"
)

// readiness lists the checks of spec 9.4 for one machine, one Check each, in
// the order of the command line's contract; a check whose limit differs
// between the profiles' generations once for each generation. Of what profiles
// of workloads ask, the checks of a snapshot are no part.
func readiness(x *subject) []Check {
	list := []Check{x.vaultRegion(), x.vaultName(), x.agent()}
	ms := measures(x.profiles)
	each := func(one func(*measure) Check) {
		for i := range ms {
			c := one(&ms[i])
			c.Profile = ms[i].profile
			list = append(list, c)
		}
	}
	each(x.system)
	if len(ms) == 0 {
		// Of the systems that workloads run on, the rule of all generations.
		list = append(list, x.system(&measure{limits: generations()[0]}))
	}
	each(x.dataDisks)
	each(x.diskSize)
	for i := range ms {
		if !ms[i].unmanaged {
			c := x.managedDisks(&ms[i])
			c.Profile = ms[i].profile
			list = append(list, c)
		}
	}
	each(x.encryption)
	if len(ms) > 0 {
		list = append(list, x.clusteredDisks(), x.storageRules())
	}
	each(x.size)
	list = append(list, x.restoreNotes())
	if x.sim.Strict() {
		for i := range list {
			x.strictly(&list[i])
		}
	}
	return list
}

// strictly leaves open what rests on an assumption that nobody waived, and
// names the one that passes a check which the data does not answer.
func (x *subject) strictly(c *Check) {
	if c.Verdict == Unknown {
		c.Assumptions = append(c.Assumptions, flow.Assumption{ID: flow.ReadinessNotInData, About: x.vm.Name + "/" + c.Name, Text: "the check passes, though " + c.Text})
	}
	if c.Verdict == Pass && x.unwaived(c) {
		c.Verdict = Unknown
	}
}

// unwaived reports whether the check rests on an assumption that nobody
// waived.
func (x *subject) unwaived(c *Check) bool {
	return slices.ContainsFunc(c.Assumptions, func(a flow.Assumption) bool { return !x.sim.Waived(a.ID, a.About) })
}

// command is an az command about the machine that would say what an export
// does not.
func (x *subject) command(verb, rest string) string {
	return commandFor("az vm "+verb, &x.vm.Element, rest)
}

// commandFor is an az command about one resource.
func commandFor(verb string, e *topology.Element, rest string) string {
	s := verb
	if strings.HasPrefix(e.ResourceID, "/subscriptions/") || strings.HasPrefix(e.ResourceID, "/Subscriptions/") {
		s += " --ids " + shell(e.ResourceID)
	} else {
		group := "<group>"
		if e.ResourceGroup != "" {
			group = shell(e.ResourceGroup)
		}
		s += " -n " + shell(e.Name) + " -g " + group
	}
	if rest != "" {
		s += " " + rest
	}
	return s + " -o json"
}

// shell quotes a word of a command where it holds more than names do.
func shell(word string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/_.-", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// count writes a number of things.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// at is where something was read, nil where it is not known.
func at(o topology.Origin) *topology.Origin {
	if o == (topology.Origin{}) {
		return nil
	}
	return &o
}

// disks are all disks of the machine, the operating system's first.
func (x *subject) disks() []*topology.Disk {
	if x.vm.OSDisk == nil {
		return x.vm.DataDisks
	}
	return append([]*topology.Disk{x.vm.OSDisk}, x.vm.DataDisks...)
}

// takenAsManaged is the assumption about disks that do not say what they are
// (verdicts.md 12).
func takenAsManaged(vm *topology.VirtualMachine) flow.Assumption {
	return flow.Assumption{ID: flow.DisksManaged, About: vm.Name, Text: "the disks of " + vm.Name + " that do not say so are managed"}
}

// restoreNotes says what of the machine comes back only by PowerShell (BK18):
// never a failure.
func (x *subject) restoreNotes() Check {
	var notes []string
	nics := x.nics()
	if n := max(len(nics), len(x.vm.NetworkInterfaces)); n > 1 {
		notes = append(notes, count(n, "network interface", "network interfaces"))
	}
	fixed, balanced := false, false
	for _, nic := range nics {
		for _, c := range nic.IPConfigurations {
			balanced = balanced || len(c.BackendPools) > 0 || len(c.InboundNATRules) > 0 || x.pooled[c.ID()]
			p, ok := topology.Lookup[*topology.PublicIPAddress](x.net, c.PublicIPAddress)
			// An address of the Standard SKU is always static.
			fixed = fixed || ok && (strings.EqualFold(p.AllocationMethod, "Static") || strings.EqualFold(p.SKU, "Standard"))
		}
	}
	if fixed {
		notes = append(notes, "a reserved (static) public IP address")
	}
	if balanced {
		notes = append(notes, "a load balancer")
	}
	c := Check{Name: checkRestore, Verdict: Pass, Source: "BK18", Text: "nothing that only PowerShell restores"}
	if len(notes) > 0 {
		found := strings.Join(notes, ", ")
		c.Found = found
		c.Text = "has " + found + ": can be backed up, and restored with its configuration by PowerShell only"
		c.Origin = at(x.vm.Origin)
	}
	return c
}

// nics are the machine's interfaces in the data.
func (x *subject) nics() []*topology.NetworkInterface {
	if len(x.vm.NetworkInterfaces) == 0 {
		return x.interfaces[x.vm.ID()]
	}
	var out []*topology.NetworkInterface
	for _, r := range x.vm.NetworkInterfaces {
		if nic, ok := topology.Lookup[*topology.NetworkInterface](x.net, r); ok {
			out = append(out, nic)
		}
	}
	return out
}

// balancedConfigurations are the IP configurations that load balancers of the
// estate name as theirs.
func balancedConfigurations(n *topology.Network) map[topology.ID]bool {
	out := map[topology.ID]bool{}
	for _, b := range n.LoadBalancers {
		for _, p := range b.BackendPools {
			for _, r := range p.IPConfigurations {
				out[r.ID()] = true
			}
			for _, a := range p.Addresses {
				for _, o := range n.Owners(a) {
					out[o.Configuration.ID()] = true
				}
			}
		}
		for _, r := range b.NATRules {
			out[r.BackendIPConfiguration.ID()] = true
		}
	}
	return out
}
