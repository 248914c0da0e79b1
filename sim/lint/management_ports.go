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

// maxRelated is how many other elements a finding shows.
const maxRelated = 16

// fewAddresses is how many addresses are as good as an allow list.
const fewAddresses = 256

// opening is what lets the Internet in to some ports of some machines.
type opening struct {
	owners []topology.Owner
	ports  []managementPort
	source *netipx.IPSet
	by     portion // the largest part of the source
}

func checkManagementPorts(run *Run, report func(Finding)) {
	entries := run.entries()
	internet, err := run.Sim.InternetEnd()
	if err != nil {
		return
	}
	run.unseenEntries(report)
	var order []string
	all := map[string]*opening{}
	open := &undecidedPorts{run: run}
	for _, e := range entries {
		for _, x := range run.openings(internet, e, open) {
			key := public(x.source) + fmt.Sprint(x.ports, x.owners[0].Configuration.PrivateIPAddress.Is6())
			if rule := deciding(&x.by.Outcome); rule != nil {
				key += string(rule.Element) + " " + rule.RuleName
			} else {
				key += string(x.owners[0].Interface.ID())
			}
			if all[key] == nil {
				all[key] = x
				order = append(order, key)
				continue
			}
			all[key].owners = append(all[key].owners, x.owners...)
		}
	}
	said := map[string]bool{}
	for _, key := range order {
		f := run.managed(all[key])
		if same := f.Fingerprint(); said[same] { // other machines, from elsewhere
			f.Detail += " " + all[key].owners[0].Interface.Name
		} else {
			said[same] = true
		}
		report(f)
	}
	open.report(report)
}

// openings are what is open of the machines in one situation, by from where and
// by which rule; what the data leaves open goes to open.
func (run *Run) openings(internet sim.End, e *entry, open *undecidedPorts) []*opening {
	type answer struct {
		source *netipx.IPSet
		by     portion
		open   *sim.Outcome
	}
	known := map[string]answer{}
	o := e.owners[0]
	byReach := map[string]*opening{}
	var out []*opening
	for _, p := range managementPortList {
		if !run.mayLetIn(o, p.protocol, p.port) {
			continue
		}
		same := p.String()
		if e.straight {
			same = run.portKey(o, p.protocol, p.port)
		}
		a, ok := known[same]
		if !ok {
			if a.source = new(netipx.IPSet); !e.known {
				a.open = run.probed(internet, o, p)
			}
			if a.open == nil {
				a.source, a.by, a.open = run.reached(internet, o, p)
			}
			known[same] = a
		}
		source, by := a.source, a.by
		if empty(source) {
			if a.open != nil {
				open.add(e, p, a.open)
			}
			continue
		}
		key := public(source)
		if rule := deciding(&by.Outcome); rule != nil {
			key += " " + rule.Name + "/" + rule.RuleName
		}
		if byReach[key] == nil {
			byReach[key] = &opening{owners: slices.Clone(e.owners), source: source, by: by}
			out = append(out, byReach[key])
		}
		byReach[key].ports = append(byReach[key].ports, p)
	}
	return out
}

// probed is what becomes of one packet from the Internet where the data does not
// say which security groups stand before the interface, if that is not known:
// then it is of no use to ask, through what is not known, about all others.
func (run *Run) probed(internet sim.End, o topology.Owner, p managementPort) *sim.Outcome {
	ranges := internet.Addresses(o.Configuration.PrivateIPAddress.Is6()).Ranges()
	if len(ranges) == 0 {
		return nil
	}
	a := ranges[len(ranges)/2].From()
	t, err := run.Sim.Trace(sim.TraceQuestion{From: a.String(), To: o.Interface.ResourceID, Protocol: p.protocol, Port: p.port})
	if err != nil || t.Verdict != flow.Unknown {
		return nil
	}
	return &t.Outcome
}

// reached is from where on the Internet a port of an interface is certainly
// reached, and the largest part of it; and the first part of the Internet of
// which it is not known, nil for none.
func (run *Run) reached(internet sim.End, o topology.Owner, p managementPort) (*netipx.IPSet, portion, *sim.Outcome) {
	t, err := run.Sim.TraceEnds(sim.TraceQuestion{Protocol: p.protocol, Port: p.port}, internet, run.Sim.InterfaceEnd(o))
	if err != nil {
		return &netipx.IPSet{}, portion{}, nil
	}
	var b netipx.IPSetBuilder
	var largest portion
	var open *sim.Outcome
	inside := run.inside()
	for _, x := range portions(t, internet.Addresses(o.Configuration.PrivateIPAddress.Is6())) {
		if x.Verdict == flow.Unknown && open == nil && (x.source == nil || !empty(difference(x.source, inside))) {
			open = &x.Outcome
		}
		if x.Verdict != flow.Allow || x.source == nil {
			continue
		}
		b.AddSet(x.source)
		if largest.source == nil || size(x.source) > size(largest.source) {
			largest = x
		}
	}
	s, _ := b.IPSet() // of sets: no error
	return difference(s, inside), largest, open
}

// managed is the finding about an opening.
func (run *Run) managed(x *opening) Finding {
	var ports, machines []string
	for _, p := range x.ports {
		ports = append(ports, p.String())
	}
	for _, o := range x.owners {
		machines = append(machines, fmt.Sprintf("%s (%s)", run.shortName(o.Interface), o.Configuration.PrivateIPAddress))
	}
	who := oneOrMore("machine", machines)
	from := public(x.source)
	v6 := x.owners[0].Configuration.PrivateIPAddress.Is6()
	if v6 && within(difference(scope.InternetSpace(), four(scope.InternetSpace())), x.source) {
		from = "the whole Internet (IPv6)"
	}
	f := Finding{Subject: x.owners[0].Interface.ID(), Detail: strings.Join(ports, ", "), Origin: x.owners[0].Interface.Origin, Assumptions: x.by.Assumptions,
		Text: who + " can be reached from " + from + " on " + strings.Join(ports, ", ")}
	switch n := size(x.source); {
	case strings.HasPrefix(from, "the whole Internet"), !v6 && mostly(x.source):
	case v6 || n > fewAddresses:
		f.Severity = Warning
	default:
		f.Severity = Note
	}
	rule := deciding(&x.by.Outcome)
	if rule == nil {
		f.Fix = "Put an NSG before the machine that allows the port from where it is needed alone; Azure Bastion, a VPN or just-in-time access need no public port."
		return f
	}
	if rule.Origin != nil && rule.Origin.File != "" {
		f.Origin = *rule.Origin
	}
	f.Text += ", by rule " + quoted(rule.RuleName) + " of " + rule.Name
	for _, o := range x.owners[:min(len(x.owners), maxRelated)] {
		f.Related = append(f.Related, Related{Text: run.machineName(o.Interface), Origin: o.Interface.Origin})
	}
	f.Fix = "Allow the port from where it is needed alone; Azure Bastion, a VPN or just-in-time access need no public port"
	g, r := run.ruleAt(rule)
	if g != nil {
		f.Subject, f.Name = g.ID(), rule.RuleName
	}
	if r != nil {
		f.Fix = azRule(f.Fix, g, r, "update", "--source-address-prefixes <sources>")
	}
	return f
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
