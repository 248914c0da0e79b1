package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/netpath/netpath/sim/nsg/classify"
	"github.com/netpath/netpath/topology"
)

// machines is how many interfaces the flows of a file have at their own side.
const machines = 500

// catalogueDay is the date of the service tag files that are written.
const catalogueDay = "2025-10-28"

// flowFiles measures P12 and, of the whole command, P13: a CSV file of flows
// through ip-flow, against a program that copies its lines. Both are processes
// of their own that write to the null device, so that neither waits for a disk
// and the copier costs as little as it can. They run in turns, and of the
// times on the clock the shortest of each counts: other programs only add to
// it. In the short form the first tenth of the file is left out: a short file
// does not outweigh the time it takes to read the estate and to compile it.
func (b *bench) flowFiles(e *estate, lines int, short bool) error {
	dir, err := os.MkdirTemp("", "netpath-flows-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	netpath, err := build(dir, "github.com/netpath/netpath/cmd/netpath")
	if err != nil {
		return err
	}
	copier, err := build(dir, "github.com/netpath/netpath/benchmarks/copylines")
	if err != nil {
		return err
	}
	estate := filepath.Join(dir, "estate")
	if err := e.write(estate, b.seed); err != nil {
		return err
	}
	flows, first := filepath.Join(dir, "flows.csv"), filepath.Join(dir, "first.csv")
	few := 1
	if short {
		few = lines / 10
	}
	for file, n := range map[string]int{flows: lines, first: few} {
		if err := e.writeFlows(file, n, b.seed); err != nil {
			return err
		}
	}
	all := runtime.GOMAXPROCS(0)
	ask := func(file string, cores int) *process {
		return &process{cores: cores, args: []string{netpath, "ip-flow", estate, "--as-of", catalogueDay, "--flows", file, "-o", "ndjson", "--quiet"}}
	}
	copied, asked, alone := &process{cores: all, args: []string{copier}, stdin: flows}, ask(flows, all), ask(flows, 1)
	begun, begunAlone := ask(first, all), ask(first, 1)
	runs := []*process{copied, asked, alone, begun, begunAlone}
	for r := range b.rounds {
		for i := range runs {
			if err := runs[(i+r)%len(runs)].run(); err != nil {
				return err
			}
		}
	}
	name := fmt.Sprintf("%s, %d lines", e.name, lines)
	copying, asking, askingAlone := copied.least.Seconds(), asked.least.Seconds(), alone.least.Seconds()
	if short {
		name += " without the first tenth"
		copying *= 0.9
		asking -= begun.least.Seconds()
		askingAlone -= begunAlone.least.Seconds()
	}
	clock, cpu := copying/asking, copied.cpu.Seconds()/((asked.cpu-skipped(short, begun)).Seconds()/float64(all))
	if short {
		cpu *= 0.9
	}
	p12 := figure{name: name, value: clock, detail: fmt.Sprintf("copy %.2f s, ip-flow %.2f s; CPU time %.2f s and %.2f s",
		copying, asking, copied.cpu.Seconds(), asked.cpu.Seconds())}
	p13 := figure{name: "ip-flow, " + name, value: askingAlone / asking, detail: fmt.Sprintf("%.2f s on one core, %.2f s on %d; CPU time %.2f s and %.2f s",
		askingAlone, asking, all, alone.cpu.Seconds(), asked.cpu.Seconds())}
	p13.beside = short // too short to judge by
	if asked.least.Seconds() > 1.3*asked.cpu.Seconds()/float64(all) {
		// Even the fastest run had to share the cores, or does not use them:
		// which of the two the clock cannot tell.
		p12.value = cpu
		p12.name += fmt.Sprintf(", by CPU time spread over %d cores", all)
		p12.detail += fmt.Sprintf(" (%.2f by the clock: other programs had the cores as well)", clock)
		p13.beside = true
	}
	p12.beside = len(e.rules) > 500 // P12 is about a usual NSG
	p13.beside = p13.beside || p12.beside
	r := b.row("P12")
	r.cases = append(r.cases, p12)
	b.log("P12, %s: %s %s, %s", p12.name, r.number(p12.value), r.state(p12), p12.detail)
	if all > 1 {
		r := b.row("P13")
		r.cases = append(r.cases, p13)
		b.log("P13, %s: %s %s, %s", p13.name, r.number(p13.value), r.state(p13), p13.detail)
	}
	return nil
}

// skipped is the CPU time of what is left out.
func skipped(short bool, begun *process) time.Duration {
	if short {
		return begun.cpu
	}
	return 0
}

// process is a program that is run again and again.
type process struct {
	cores int
	args  []string
	stdin string        // a file; empty: none
	least time.Duration // the shortest run
	cpu   time.Duration // the least CPU time of a run
}

// run runs the program once. Nobody reads what it writes.
func (p *process) run() error {
	c := exec.Command(p.args[0], p.args[1:]...)
	home := filepath.Dir(p.args[0]) // nothing is cached elsewhere
	c.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", p.cores), "HOME="+home, "XDG_CACHE_HOME="+home, "LocalAppData="+home)
	if p.stdin != "" {
		f, err := os.Open(p.stdin)
		if err != nil {
			return err
		}
		defer f.Close()
		c.Stdin = f
	}
	var said strings.Builder
	c.Stderr = &said
	begin := time.Now()
	err := c.Run() // without Stdout: the null device
	took := time.Since(begin)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 4 {
		err = nil // a flow was undecided
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(p.args, " "), err, said.String())
	}
	cpu := c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	if p.least == 0 || took < p.least {
		p.least = took
	}
	if p.cpu == 0 || cpu < p.cpu {
		p.cpu = cpu
	}
	return nil
}

// build builds a program of the project.
func build(dir, pkg string) (string, error) {
	name := filepath.Join(dir, filepath.Base(pkg)+".exe")
	if out, err := exec.Command("go", "build", "-o", name, pkg).CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return name, nil
}

const armPrefix = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/bench/providers/Microsoft.Network/"

type object = map[string]any

// write writes the estate as exports: the service tag file, and a virtual
// network whose one subnet has the NSG and the machines.
func (e *estate) write(dir string, seed uint64) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var tags []object
	for i := range e.tags {
		name := tagName(i)
		list := []string{}
		for _, p := range e.sets[i] {
			list = append(list, p.String())
		}
		tags = append(tags, object{"name": name, "id": name, "properties": object{
			"changeNumber": 1, "region": "", "regionId": 0, "platform": "Azure", "systemService": "", "addressPrefixes": list, "networkFeatures": []string{"NSG"}}})
	}
	subnet := armPrefix + "virtualNetworks/v/subnets/s"
	group := armPrefix + "networkSecurityGroups/nsg-bench"
	var space []string
	for _, p := range e.sets[e.virtualNetwork] {
		if p.Bits() < p.Addr().BitLen() {
			space = append(space, p.String())
		}
	}
	var rules []object
	for i := range e.rules[:len(e.rules)-3] { // the last ones are those that every NSG has
		rules = append(rules, e.rule(i))
	}
	var nics []object
	for i, a := range e.machines(seed) {
		id := fmt.Sprintf("%snetworkInterfaces/nic%d", armPrefix, i)
		nics = append(nics, object{"id": id, "name": fmt.Sprintf("nic%d", i), "type": "Microsoft.Network/networkInterfaces", "location": "westeurope",
			"properties": object{"provisioningState": "Succeeded", "ipConfigurations": []object{{"id": id + "/ipConfigurations/a", "name": "a",
				"properties": object{"provisioningState": "Succeeded", "primary": true, "privateIPAddress": a.String(), "privateIPAddressVersion": "IPv4",
					"privateIPAllocationMethod": "Static", "subnet": object{"id": subnet}}}}}})
	}
	for file, v := range map[string]any{
		"ServiceTags_Public_" + strings.ReplaceAll(catalogueDay, "-", "") + ".json": object{"changeNumber": 1, "cloud": "Public", "values": tags},
		"nsg.json": object{"id": group, "name": "nsg-bench", "type": "Microsoft.Network/networkSecurityGroups", "location": "westeurope",
			"properties": object{"provisioningState": "Succeeded", "securityRules": rules}},
		"vnet.json": object{"id": armPrefix + "virtualNetworks/v", "name": "v", "type": "Microsoft.Network/virtualNetworks", "location": "westeurope",
			"properties": object{"provisioningState": "Succeeded", "addressSpace": object{"addressPrefixes": space}, "virtualNetworkPeerings": []object{},
				"subnets": []object{{"id": subnet, "name": "s", "properties": object{"provisioningState": "Succeeded",
					"addressPrefixes": space[:1], "networkSecurityGroup": object{"id": group}}}}}},
		"nics.json": object{"value": nics},
	} {
		raw, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, file), raw, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func tagName(i int) string { return fmt.Sprintf("BenchTag%04d", i) }

// rule is a rule of the estate as the API writes it.
func (e *estate) rule(i int) object {
	r := &e.rules[i]
	m := &r.Must[0]
	p := object{"priority": 100 + i, "access": "Allow", "direction": "Outbound", "protocol": "*",
		"sourcePortRange": "*", "provisioningState": "Succeeded"}
	if r.Outcome == deny {
		p["access"] = "Deny"
	}
	for _, proto := range []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP} {
		if m.Protocols == classify.Only(proto) {
			p["protocol"] = proto.String()
		}
	}
	var ports []string
	for _, x := range m.DestinationPorts {
		if x == topology.AllPorts {
			ports = []string{"*"}
			break
		}
		ports = append(ports, x.String())
	}
	p["destinationPortRanges"] = ports
	if ports[0] == "*" {
		delete(p, "destinationPortRanges")
		p["destinationPortRange"] = "*"
	}
	side := func(name string, a classify.Addresses) {
		if a.Any {
			p[name+"AddressPrefix"] = "*"
			return
		}
		var list []string
		switch s := a.Sets[0]; {
		case s == e.virtualNetwork:
			list = []string{"VirtualNetwork"}
		case s == e.internet:
			list = []string{"Internet"}
		case int(s) < e.tags:
			list = []string{tagName(int(s))}
		default:
			for i, x := range e.sets[s] { // a list may not overlap itself
				if !slices.ContainsFunc(e.sets[s][:i], x.Overlaps) {
					list = append(list, x.Masked().String())
				}
			}
		}
		if len(list) == 1 {
			p[name+"AddressPrefix"] = list[0]
		} else {
			p[name+"AddressPrefixes"] = list
		}
	}
	side("source", m.Source)
	side("destination", m.Destination)
	if e.inbound(i) {
		p["direction"] = "Inbound"
	}
	name := fmt.Sprintf("rule-%04d", i)
	return object{"id": armPrefix + "networkSecurityGroups/nsg-bench/securityRules/" + name, "name": name, "properties": p}
}

// inbound reports whether a rule is about what comes in: its destination is
// the workspace's own.
func (e *estate) inbound(i int) bool {
	m := &e.rules[i].Must[0]
	return !m.Destination.Any && slices.Contains(e.custom, m.Destination.Sets[0])
}

// machines are the addresses of the interfaces, inside of what rules name.
func (e *estate) machines(seed uint64) []netip.Addr {
	rng := rand.New(rand.NewPCG(seed, 7))
	seen := map[netip.Addr]bool{}
	var out []netip.Addr
	whole := e.sets[e.virtualNetwork][0]
	for len(out) < machines {
		set := e.sets[e.custom[rng.IntN(len(e.custom))]]
		a := hitIn(set[rng.IntN(len(set))], rng)
		if rng.IntN(2) == 0 || !whole.Contains(a) {
			a = hitIn(whole, rng)
		}
		if !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
	}
	return out
}

// writeFlows writes flows of the machines as CSV: packets that rules are meant
// for, and others.
func (e *estate) writeFlows(file string, lines int, seed uint64) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	out := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintln(out, "direction,protocol,local,localPort,remote,remotePort")
	packets := e.packets(min(lines, 1<<20), 0, seed)
	own := e.machines(seed)
	rng := rand.New(rand.NewPCG(seed, 9))
	var b []byte
	for i := range lines {
		p := &packets[i%len(packets)]
		local := own[rng.IntN(len(own))]
		name := p.protocol.String()
		switch p.protocol {
		case topology.TCP, topology.UDP:
		default:
			name = "Tcp"
		}
		if p.source.Addr().IsPrivate() {
			b = fmt.Appendf(b[:0], "Outbound,%s,%s,%d,%s,%d\n", strings.ToUpper(name), local, 32768+rng.IntN(28000), p.destination.Addr(), p.destination.Port())
		} else {
			b = fmt.Appendf(b[:0], "Inbound,%s,%s,%d,%s,%d\n", strings.ToUpper(name), local, p.destination.Port(), p.source.Addr(), 32768+rng.IntN(28000))
		}
		if _, err := out.Write(b); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return f.Close()
}
