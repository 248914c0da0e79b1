package backup

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/netpath/netpath/topology"
)

// agent asks whether the VM agent is there and new enough (BK18, MTX19; that
// the limit of Windows still holds is general knowledge).
func (x *subject) agent() Check {
	c := Check{Name: checkAgent, Source: "BK18, MTX19"}
	a := x.vm.Agent
	c.Origin = at(a.Origin)
	export := x.command("get-instance-view", "--query instanceView.vmAgent")
	switch a.Installed {
	case topology.Off:
		c.Verdict, c.Found = Fail, "not installed"
		c.Text = "the VM agent is not installed; the backup extension needs it"
		return c
	case topology.Unset:
		if a.Version == "" {
			c.Text, c.Export = "whether the VM agent is installed is not in the data", export
			return c
		}
	}
	if a.Ready == topology.Off {
		c.Text, c.Export = "the VM agent does not report to Azure, or the machine is stopped", export
		return c
	}
	windows := strings.EqualFold(x.vm.OSType, "Windows")
	if a.Version != "" {
		c.Found = a.Version
	}
	if strings.EqualFold(x.vm.OSType, "Linux") {
		c.Verdict = Pass
		if a.Version == "" {
			c.Found = "installed"
		}
		return c
	}
	c.Limit = oldestAgent
	old, known := older(a.Version, oldestAgent)
	switch {
	case a.Version == "":
		c.Text, c.Export = "the VM agent is installed; its version is not in the data, and Windows needs "+oldestAgent, export
	case !known:
		c.Text, c.Export = "the version "+quote(a.Version)+" of the VM agent cannot be compared", export
	case !old:
		c.Verdict = Pass
	case windows:
		c.Verdict, c.Text = Fail, "the VM agent has version "+a.Version+"; Windows needs at least "+oldestAgent
	default:
		c.Text, c.Export = "the VM agent has version "+a.Version+", which is too old for Windows; the operating system is not in the data", x.command("show", "")
	}
	return c
}

// older compares two versions of dotted numbers; known is false where one is
// not such a version.
func older(a, b string) (is, known bool) {
	as, bs := numbers(a), numbers(b)
	if as == nil || bs == nil {
		return false, false
	}
	return slices.Compare(as, bs) < 0, true
}

// numbers are those of a version, without the zeros at its end; nil where it
// is not made of numbers.
func numbers(version string) []int {
	out := []int{}
	for _, part := range strings.Split(version, ".") {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil {
			return nil
		}
		out = append(out, int(n))
	}
	for len(out) > 0 && out[len(out)-1] == 0 {
		out = out[:len(out)-1]
	}
	return out
}

var (
	// windowsRelease is a release of Windows Server by its year, or of the
	// client by its number, as images and guests name them. The numbers of
	// half-yearly releases (1709 to 2004) are none.
	windowsRelease = regexp.MustCompile(`windows[^0-9]*(?:(2000|2003|2008|2012|2016|2019|2022|2025)([- ]?r2)?|(7|8\.1|8|10|11))\b`)
	bits32         = regexp.MustCompile(`\b(32[- ]?bit|x86|i[3-6]86)(?:[^-_0-9a-z]|[-_](?:[^6]|$)|$)`)
)

// endorsed are the Linux distributions that Azure endorses, as their images
// and guests name them (general knowledge; the sources say "endorsed Linux"
// alone).
var endorsed = []string{"ubuntu", "debian", "centos", "red hat", "redhat", "rhel", "oracle", "suse", "sles", "almalinux", "rocky", "azurelinux", "azure linux", "mariner"}

// system asks whether the guest's operating system is one that backup knows.
func (x *subject) system(m *measure) Check {
	c := Check{Name: checkSystem, Source: m.source, Limit: m.windows.rule + ", or an endorsed Linux other than CoreOS; not 32-bit"}
	vm := x.vm
	name := strings.ToLower(vm.OSName)
	windows := strings.EqualFold(vm.OSType, "Windows") || vm.OSType == "" && strings.Contains(name, "windows")
	c.Origin = at(vm.Origin)
	if vm.OSName != "" {
		c.Found = vm.OSName
	} else if vm.OSType != "" {
		c.Found = vm.OSType
	}
	export := x.command("get-instance-view", `--query "{name: instanceView.osName, version: instanceView.osVersion}"`)
	switch {
	case bits32.MatchString(name):
		c.Verdict, c.Text = Fail, vm.OSName+" is a 32-bit system"
	case name == "" && vm.OSType == "":
		c.Text, c.Export, c.Origin = "the operating system is not in the data", export, nil
	case name == "":
		c.Text, c.Export = "which "+vm.OSType+" it is is not in the data", export
	case windows:
		m.windows.support(&c, vm.OSName, name)
		if c.Verdict == Unknown {
			c.Export = export
		}
	case strings.Contains(name, "coreos"):
		c.Verdict, c.Text = Fail, "CoreOS is not supported"
	default:
		for _, word := range endorsed {
			if strings.Contains(name, word) {
				c.Verdict = Pass
			}
		}
		if c.Verdict != Pass {
			c.Text, c.Export = quote(vm.OSName)+" is not a distribution that is known to be endorsed", export
			return c
		}
		if systemProxy(vm) != nil {
			c.Text = vm.OSName + "; with a proxy set, the extension needs Python 2.7 in the guest, which no export says (MTX19)"
		}
	}
	return c
}

// support decides about a Windows by the release in its name.
func (w windows) support(c *Check, shown, name string) {
	m := windowsRelease.FindStringSubmatch(name)
	switch {
	case m == nil, m[3] != "" && strings.Contains(m[0], "server"): // the number of a build
		c.Text = quote(shown) + " names no release of Windows that is known"
	case m[3] != "" && w.clients == nil:
		c.Text = quote(shown) + " is no Windows Server; of others the source does not speak"
	case m[3] != "" && len(w.clients) == 0:
		c.Verdict, c.Text = Fail, shown+" is a client, which is not supported"
	case m[3] != "":
		w.listed(c, shown, slices.Contains(w.clients, m[3]))
	case m[1] < "2008" || m[1] == "2008" && m[2] == "":
		c.Verdict, c.Text = Fail, shown+" is older than Windows Server 2008 R2"
	case len(w.servers) > 0:
		w.listed(c, shown, slices.Contains(w.servers, m[1]))
	default:
		c.Verdict = Pass
	}
}

// listed passes what a list holds. What it does not hold can only be backed up
// without the agent's help, which takes any system (MTX26).
func (w windows) listed(c *Check, shown string, is bool) {
	if is {
		c.Verdict = Pass
		return
	}
	c.Text = shown + " is not on the list of systems; only agentless, crash-consistent backup takes every system"
}
