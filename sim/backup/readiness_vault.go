package backup

import (
	"fmt"
	"strings"

	"github.com/netpath/netpath/topology"
)

// knowledge marks what the specification gives as general knowledge, not read
// in a source.
const knowledge = "BK18; general knowledge"

// vaultsByMachine are the vaults that say they protect a machine.
func vaultsByMachine(n *topology.Network) map[topology.ID][]*topology.RecoveryServicesVault {
	out := map[topology.ID][]*topology.RecoveryServicesVault{}
	for _, v := range n.RecoveryServicesVaults {
		for _, r := range v.ProtectedVirtualMachines {
			if list := out[r.ID()]; len(list) == 0 || list[len(list)-1] != v {
				out[r.ID()] = append(list, v)
			}
		}
	}
	return out
}

// vaults are those that protect the machine, else those of its region, which
// could.
func (x *subject) vaults() (list []*topology.RecoveryServicesVault, protecting bool) {
	if list = x.protecting[x.vm.ID()]; len(list) > 0 {
		return list, true
	}
	home := x.home()
	for _, v := range x.net.RecoveryServicesVaults {
		if home != "" && topology.NormalLocation(v.Location) == home {
			list = append(list, v)
		}
	}
	return list, false
}

// home is the machine's own region, whatever region's services are asked.
func (x *subject) home() string {
	switch {
	case x.vm.Location != "":
		return topology.NormalLocation(x.vm.Location)
	case x.nic != nil && x.nic.Location != "":
		return topology.NormalLocation(x.nic.Location)
	case x.subnet != nil:
		// A machine, its interface and its network are of one region.
		if v := x.net.VirtualNetworkOf(x.subnet); v != nil {
			return topology.NormalLocation(v.Location)
		}
	}
	return ""
}

const vaultList = "az backup vault list -o json"

// vaultRegion asks whether the machine and its vault are of one region, and
// the vault is one (BK18, MTX19, MTX26).
func (x *subject) vaultRegion() Check {
	c := Check{Name: checkRegion, Source: "BK18, MTX19, MTX26"}
	home := x.home()
	if home == "" {
		c.Text, c.Export = "the region of the machine is not in the data", x.command("show", "")
		return c
	}
	c.Limit = home
	list, protecting := x.vaults()
	switch {
	case len(list) == 0 && len(x.net.RecoveryServicesVaults) == 0:
		c.Text, c.Export = "no vault is in the data; it must be of the region "+home, vaultList
		return c
	case len(list) == 0:
		c.Text, c.Export = "no vault of the region "+home+" is in the data, and none says that it protects the machine", vaultList
		return c
	case !protecting:
		c.Verdict, c.Found, c.Origin = Pass, home, at(list[0].Origin)
		c.Text = fmt.Sprintf("%s is of the machine's region; no vault says that it protects the machine", quote(list[0].Name))
		return c
	}
	c.Origin = at(list[0].Origin)
	if len(list) > 1 {
		c.Verdict = Fail
		c.Text = fmt.Sprintf("%s and %s say that they protect the machine; a machine has one vault", quote(list[0].Name), quote(list[1].Name))
		return c
	}
	v := list[0]
	where := topology.NormalLocation(v.Location)
	switch where {
	case "":
		c.Text, c.Export = "the region of the vault "+quote(v.Name)+" is not in the data", commandFor("az backup vault show", &v.Element, "")
		return c
	case home:
		c.Verdict = Pass
	default:
		c.Verdict = Fail
		c.Text = fmt.Sprintf("the vault %s is in %s, the machine in %s", quote(v.Name), where, home)
	}
	c.Found = where
	return c
}

const vaultNameRule = "2 to 50 characters: a letter, then letters, digits and hyphens"

// vaultName asks whether the vault has a name that Azure takes.
func (x *subject) vaultName() Check {
	c := Check{Name: checkVault, Limit: vaultNameRule, Source: knowledge}
	list, protecting := x.vaults()
	if len(list) == 0 {
		c.Text, c.Export = "no vault of the machine is in the data", vaultList
		return c
	}
	var good, bad *topology.RecoveryServicesVault
	for _, v := range list {
		switch {
		case goodVaultName(v.Name):
			good = v
		case bad == nil:
			bad = v
		}
	}
	// Of vaults that could be the machine's one will do.
	if bad != nil && (protecting || good == nil) {
		c.Verdict, c.Found, c.Origin = Fail, bad.Name, at(bad.Origin)
		c.Text = fmt.Sprintf("%s is no name for a vault: %s", quote(bad.Name), vaultNameRule)
		return c
	}
	c.Verdict, c.Found, c.Origin = Pass, good.Name, at(good.Origin)
	return c
}

func goodVaultName(s string) bool {
	letter := func(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
	if len(s) < 2 || len(s) > 50 || !letter(s[0]) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return r > 0x7f || !letter(byte(r)) && (r < '0' || r > '9') && r != '-'
	}) < 0
}
