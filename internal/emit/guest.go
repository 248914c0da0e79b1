package emit

import (
	"fmt"
	"path"
	"strings"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

// guest are the lines that make an edit inside a machine.
func guest(e edit.Edit) []Block {
	switch e := e.(type) {
	case edit.SetProxy:
		return proxySetting(e)
	case edit.OpenHostFirewall:
		return hostFirewall(e)
	case edit.AllowHost:
		return allowHost(e)
	}
	return nil
}

func machineName(r topology.Ref) string { return path.Base(strings.TrimRight(r.Text, "/")) }

// proxySetting sets the proxy of the system account (BK18, BK19): on Linux in
// waagent.conf and the environment, on Windows for Local System. Where the
// system is not known both are written.
func proxySetting(e edit.SetProxy) []Block {
	on := " on " + machineName(e.Machine)
	var out []Block
	if !strings.EqualFold(e.OS, "Windows") {
		if e.Host == "" {
			out = append(out,
				Block{"/etc/waagent.conf" + on + " (then restart the agent)", "HttpProxy.Host=None\nHttpProxy.Port=None\n"},
				Block{"/etc/environment" + on, "# take the lines http_proxy= and https_proxy= out\n"})
		} else {
			out = append(out,
				Block{"/etc/waagent.conf" + on + " (then restart the agent)", fmt.Sprintf("HttpProxy.Host=%s\nHttpProxy.Port=%d\n", e.Host, e.Port)},
				Block{"/etc/environment" + on, fmt.Sprintf("http_proxy=http://%[1]s\nhttps_proxy=http://%[1]s\n", e.Address())})
		}
	}
	if !strings.EqualFold(e.OS, "Linux") {
		text := "bitsadmin /util /setieproxy localsystem NO_PROXY\n"
		if e.Host != "" {
			text = fmt.Sprintf("bitsadmin /util /setieproxy localsystem MANUAL_PROXY %s NULL\n", e.Address())
		}
		out = append(out, Block{"command prompt (as administrator)" + on + ", sets the proxy of Local System", text})
	}
	return out
}

func hostFirewall(e edit.OpenHostFirewall) []Block {
	on := " on " + machineName(e.Machine)
	var out []Block
	if !strings.EqualFold(e.OS, "Linux") {
		s := "New-NetFirewallRule -DisplayName " + powershell(e.Name) + " -Direction Inbound -Action Allow -Protocol " + windowsProtocol(e.Protocol)
		if len(e.Ports) > 0 {
			s += " -LocalPort " + psList(e.PortTexts())
		}
		if len(e.Remote) > 0 {
			s += " -RemoteAddress " + psList(e.RemoteTexts())
		}
		out = append(out, Block{"PowerShell" + on, s + "\n"})
	}
	if !strings.EqualFold(e.OS, "Windows") {
		out = append(out, Block{"shell (as root)" + on, iptables(e)})
	}
	return out
}

func windowsProtocol(p topology.Protocol) string {
	switch p {
	case topology.AnyProtocol:
		return "Any"
	case topology.ICMP:
		return "ICMPv4"
	case topology.ESP:
		return "50"
	case topology.AH:
		return "51"
	default:
		return strings.ToUpper(p.String())
	}
}

func iptables(e edit.OpenHostFirewall) string {
	var b strings.Builder
	write := func(tool, remote string) {
		b.WriteString(tool + " -I INPUT")
		if e.Protocol != topology.AnyProtocol {
			b.WriteString(" -p " + strings.ToLower(e.Protocol.String()))
		}
		if remote != "" {
			b.WriteString(" -s " + remote)
		}
		if len(e.Ports) > 0 {
			b.WriteString(" -m multiport --dports " + strings.ReplaceAll(strings.Join(e.PortTexts(), ","), "-", ":"))
		}
		b.WriteString(" -j ACCEPT\n")
	}
	if len(e.Remote) == 0 {
		write("iptables", "")
		write("ip6tables", "")
	}
	for _, p := range e.Remote {
		tool := "iptables"
		if p.Addr().Is6() {
			tool = "ip6tables"
		}
		write(tool, p.String())
	}
	return b.String()
}

// allowHost is written for Squid; of other proxies the name alone helps.
func allowHost(e edit.AllowHost) []Block {
	host := strings.TrimPrefix(e.Host, "*")
	return []Block{{"allow list of the proxy on " + machineName(e.Machine) + " (as Squid writes it)",
		fmt.Sprintf("acl netpath_allowed dstdomain %s\nhttp_access allow CONNECT netpath_allowed\n", host)}}
}
