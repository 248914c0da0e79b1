package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

func singleProxy() *Rule {
	return &Rule{
		ID: "NP1207", Name: "single-proxy", Severity: Warning,
		Short: "Several machines leave through one proxy machine that nothing stands in for",
		Why:   `When the one proxy stops, or is patched, every machine behind it loses its way out, and its backups fail with it. A setting that names the address of one machine cannot fail over.`,
		Fix:   "Put several proxies behind an internal load balancer and name its address.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: dmz, addressPrefix: 10.0.0.0/24, networkSecurityGroup: nsg}
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg}
networkSecurityGroups: [{name: nsg}]
virtualMachines:
  - name: proxy1
    networkInterfaces: [{name: proxy1-nic, subnet: v1/dmz, privateIPAddress: 10.0.0.5}]
    proxyServer: {port: 8080, authentication: none}
  - name: app1
    networkInterfaces: [{name: app1-nic, subnet: v1/app, privateIPAddress: 10.0.1.4}]
    proxy: {host: 10.0.0.5, port: 8080, scope: system}
  - name: app2
    networkInterfaces: [{name: app2-nic, subnet: v1/app, privateIPAddress: 10.0.1.5}]
    proxy: {host: 10.0.0.5, port: 8080, scope: system}
`,
		check: checkSingleProxy,
	}
}

// proxied are the machines whose system uses one proxy.
type proxied struct {
	owner    topology.Owner
	address  netip.Addr
	machines []*topology.VirtualMachine
}

// proxies are the proxies of the estate that are known by an address which one
// interface alone has, in the order of the machines that use them.
func (run *Run) proxies() []*proxied {
	var order []*proxied
	by := map[netip.Addr]*proxied{}
	for _, vm := range run.Network.VirtualMachines {
		if vm.Proxy == nil || vm.Proxy.Undecided != "" || vm.Proxy.Scope == "user" {
			continue
		}
		a, err := netip.ParseAddr(vm.Proxy.Host)
		if err != nil {
			continue
		}
		a = a.Unmap()
		owners := run.Network.Owners(a)
		if len(owners) != 1 {
			continue
		}
		if by[a] == nil {
			by[a] = &proxied{owner: owners[0], address: a}
			order = append(order, by[a])
		}
		by[a].machines = append(by[a].machines, vm)
	}
	return order
}

func checkSingleProxy(run *Run, report func(Finding)) {
	for _, p := range run.proxies() {
		if len(p.machines) < 2 {
			continue
		}
		var names []string
		f := Finding{Subject: p.owner.Interface.ID(), Origin: p.machines[0].Proxy.Origin}
		for _, vm := range p.machines {
			names = append(names, vm.Name)
			if vm != p.machines[0] && len(f.Related) < 8 {
				f.Related = append(f.Related, Related{Text: "the proxy of " + vm.Name, Origin: vm.Proxy.Origin})
			}
		}
		f.Text = fmt.Sprintf("%d machines (%s) leave through %s (%s) alone", len(names), fewOf(names), run.machineName(p.owner.Interface), p.address)
		f.Fix = "Run a second proxy, put both behind an internal load balancer, and write its address into the settings of " + fewOf(names) + "."
		report(f)
	}
}

func proxyUnreachable() *Rule {
	return &Rule{
		ID: "NP1208", Name: "proxy-unreachable", Severity: Error,
		Short: "A machine's proxy does not listen at the port that is set, or cannot be reached",
		Why:   `A program that uses a proxy opens a connection to the proxy's private address and port, and nothing else. It takes the whole way there: both machines' NSGs, the routes between, and the proxy's own firewall. Where the port is wrong or one gate denies it, the machine has no way out, whatever the NSGs let it do directly.`,
		Fix:   "Correct the port, or open the way to it.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: dmz, addressPrefix: 10.0.0.0/24, networkSecurityGroup: nsg}
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg}
networkSecurityGroups: [{name: nsg}]
virtualMachines:
  - name: proxy1
    networkInterfaces: [{name: proxy1-nic, subnet: v1/dmz, privateIPAddress: 10.0.0.5}]
    proxyServer: {port: 3128, authentication: none}
  - name: app1
    networkInterfaces: [{name: app1-nic, subnet: v1/app, privateIPAddress: 10.0.1.4}]
    proxy: {host: 10.0.0.5, port: 8080, scope: system}
`,
		check: checkProxyUnreachable,
	}
}

func checkProxyUnreachable(run *Run, report func(Finding)) {
	for _, p := range run.proxies() {
		server := run.machines()[p.owner.Interface.ID()]
		for _, vm := range p.machines {
			if f := run.unreachable(vm, p, server); f != nil {
				f.Subject, f.Origin = vm.ID(), vm.Proxy.Origin
				report(*f)
			}
		}
	}
}

// unreachable says why a machine does not reach its proxy, nil where it does or
// may.
func (run *Run) unreachable(vm *topology.VirtualMachine, p *proxied, server *topology.VirtualMachine) *Finding {
	at := fmt.Sprintf("%s:%d", p.address, vm.Proxy.Port)
	if server != nil && server.ProxyServer != nil && server.ProxyServer.Port != vm.Proxy.Port {
		return &Finding{Text: fmt.Sprintf("the proxy of machine %s is %s, but the proxy on %s listens at port %d", vm.Name, at, server.Name, server.ProxyServer.Port),
			Fix:     "Write port " + strconv.Itoa(int(server.ProxyServer.Port)) + " into the proxy setting of " + vm.Name + ".",
			Related: []Related{{Text: "the proxy on " + server.Name, Origin: server.ProxyServer.Origin}}}
	}
	from, err := run.Sim.NamedEnd(vm.ResourceID)
	if err != nil {
		return nil
	}
	t, err := run.Sim.TraceEnds(sim.TraceQuestion{Protocol: topology.TCP, Port: vm.Proxy.Port, NoProxy: true}, from, run.Sim.InterfaceEnd(p.owner))
	if err != nil || t.Verdict != flow.Deny {
		return nil
	}
	f := &Finding{Text: fmt.Sprintf("machine %s cannot reach its proxy %s: %s", vm.Name, at, t.Code), Assumptions: t.Assumptions}
	f.Fix = "Open the way to the proxy: netpath fix --from " + shell(vm.Name) + " --to " + p.address.String() + " --port " + strconv.Itoa(int(vm.Proxy.Port)) + " --want allow"
	i := slices.IndexFunc(t.Hops, func(h sim.Hop) bool { return h.Verdict == flow.Deny })
	if i >= 0 {
		h := t.Hops[i]
		if h.RuleName != "" {
			f.Text += ", rule " + quoted(h.RuleName) + " of " + h.Name
		} else if h.AppliedTo != "" {
			f.Text += " at " + h.AppliedTo
		}
		if h.Origin != nil {
			f.Related = append(f.Related, Related{Text: h.Name, Origin: *h.Origin})
		}
	}
	return f
}
