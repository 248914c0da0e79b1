package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

func managementPorts() *Rule {
	return &Rule{
		ID: "NP1201", Name: "management-port-open", Severity: Error,
		Short: "A port by which machines are managed can be reached from the Internet",
		Why: `SSH, Remote Desktop, WinRM and the like are scanned for and attacked within minutes of being open. What counts is the whole way in: the public IP address, load balancer or firewall, the admin rules, both NSGs, and the way back. A rule that a gate before it makes idle is not reported, and one that is written as 0.0.0.0/1 and 128.0.0.0/1 is.

Open to half of the Internet or more is an error, to more than 256 addresses a warning, to fewer a note.`,
		Fix: "Use Azure Bastion, a VPN or just-in-time access, and allow the port from there alone.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app}
networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: allow-ssh, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: Internet, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "22"}
virtualMachines:
  - name: app1
    networkInterfaces: [{name: app1-nic, subnet: v1/app, privateIPAddress: 10.0.1.4, publicIPAddress: {ipAddress: 198.51.100.9, sku: Standard}}]
`,
		check: checkManagementPorts,
	}
}

// managementPort is a port by which machines are managed.
type managementPort struct {
	protocol topology.Protocol
	port     uint16
	service  string
}

var managementPortList = []managementPort{
	{topology.TCP, 22, "SSH"}, {topology.TCP, 23, "Telnet"}, {topology.TCP, 2375, "Docker"}, {topology.TCP, 2376, "Docker"},
	{topology.TCP, 3389, "Remote Desktop"}, {topology.UDP, 3389, "Remote Desktop"}, {topology.TCP, 5900, "VNC"},
	{topology.TCP, 5985, "WinRM"}, {topology.TCP, 5986, "WinRM"},
}

func (p managementPort) String() string {
	return fmt.Sprintf("%s/%d (%s)", strings.ToLower(p.protocol.String()), p.port, p.service)
}

// fewAddresses is how many addresses are as good as an allow list.
const fewAddresses = 256

func checkManagementPorts(run *Run, report func(Finding)) {
	entries := run.entries()
	if len(entries) == 0 {
		return
	}
	internet, err := run.Sim.NamedEnd("Internet")
	if err != nil {
		return
	}
	for _, o := range entries {
		if !run.gatesKnown(o) {
			continue
		}
		type open struct {
			ports  []managementPort
			source *netipx.IPSet
			part   portion
		}
		byReach := map[string]*open{}
		var order []string
		for _, p := range managementPortList {
			source, by := run.reached(internet, o, p)
			if empty(source) {
				continue
			}
			key := public(source)
			if rule := deciding(&by.Outcome); rule != nil {
				key += " " + rule.Name + "/" + rule.RuleName
			}
			if byReach[key] == nil {
				byReach[key] = &open{source: source, part: by}
				order = append(order, key)
			}
			byReach[key].ports = append(byReach[key].ports, p)
		}
		for _, key := range order {
			x := byReach[key]
			report(run.managed(o, x.ports, x.source, x.part))
		}
	}
}

// reached is from where on the Internet a port of an interface is certainly
// reached, and the largest part of it.
func (run *Run) reached(internet sim.End, o topology.Owner, p managementPort) (*netipx.IPSet, portion) {
	t, err := run.Sim.TraceEnds(sim.TraceQuestion{Protocol: p.protocol, Port: p.port}, internet, run.Sim.InterfaceEnd(o))
	if err != nil {
		return &netipx.IPSet{}, portion{}
	}
	var b netipx.IPSetBuilder
	var largest portion
	for _, x := range portions(t, internet.Addresses(o.Configuration.PrivateIPAddress.Is6())) {
		if x.Verdict != flow.Allow || x.source == nil {
			continue
		}
		b.AddSet(x.source)
		if largest.source == nil || size(x.source) > size(largest.source) {
			largest = x
		}
	}
	s, _ := b.IPSet() // of sets: no error
	return s, largest
}

func (run *Run) managed(o topology.Owner, ports []managementPort, source *netipx.IPSet, by portion) Finding {
	var names []string
	for _, p := range ports {
		names = append(names, p.String())
	}
	f := Finding{Subject: o.Interface.ID(), Name: strings.Join(names, ", "), Origin: o.Interface.Origin, Assumptions: by.Assumptions,
		Text: fmt.Sprintf("%s (%s) can be reached from %s on %s", run.machineName(o.Interface), o.Configuration.PrivateIPAddress, public(source), strings.Join(names, ", "))}
	switch n := size(source); {
	case o.Configuration.PrivateIPAddress.Is6():
		if within(intersection(internetOf(true), scope.InternetSpace()), source) {
			f.Text = strings.Replace(f.Text, public(source), "the whole Internet (IPv6)", 1)
			break
		}
		f.Severity = Warning
	case mostly(source):
	case n > fewAddresses:
		f.Severity = Warning
	default:
		f.Severity = Note
	}
	rule := deciding(&by.Outcome)
	if rule == nil {
		f.Fix = "Put an NSG before the machine that allows the port from where it is needed alone; Azure Bastion, a VPN or just-in-time access need no public port."
		return f
	}
	f.Origin = *rule.Origin
	f.Text += ", by rule " + quoted(rule.RuleName) + " of " + rule.Name
	f.Related = append(f.Related, Related{Text: run.machineName(o.Interface), Origin: o.Interface.Origin})
	f.Fix = "Allow the port from where it is needed alone; Azure Bastion, a VPN or just-in-time access need no public port"
	if g, r := run.ruleAt(rule); r != nil {
		f.Fix = azRule(f.Fix, g, r, "update", "--source-address-prefixes <sources>")
	}
	return f
}

// internetOf is the Internet in one family.
func internetOf(v6 bool) *netipx.IPSet {
	if v6 {
		return difference(scope.PublicSpace(), four(scope.PublicSpace()))
	}
	return four(scope.PublicSpace())
}

// ruleAt is the rule of an NSG in the data that a hop names, nil where it is
// none of them.
func (run *Run) ruleAt(h *sim.Hop) (*topology.NetworkSecurityGroup, *topology.SecurityRule) {
	g, ok := topology.LookupID[*topology.NetworkSecurityGroup](run.Network, h.Element)
	if !ok {
		return nil, nil
	}
	i := slices.IndexFunc(g.SecurityRules, func(r *topology.SecurityRule) bool {
		return r.Priority == h.Priority && cmp.Compare(r.Name, h.RuleName) == 0
	})
	if i < 0 {
		return g, nil
	}
	return g, g.SecurityRules[i]
}
