package policy

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
)

// end is one thing that a selector selects, as a question names it.
type end struct {
	name   string // for [sim.TraceQuestion]
	label  string // for people
	family string // "IPv4" or "IPv6", "" where it may have both
	proxy  bool   // its machine has a proxy setting
}

// selectors are the kinds of selector that a prefix names.
var selectors = []string{"vm", "nic", "subnet", "asg", "tag", "datacenter"}

// selection resolves selectors, each once.
type selection struct {
	net        *topology.Network
	ends       map[string][]end
	interfaces map[topology.ID][]*topology.NetworkInterface // of a machine, by its own list or because they name it
	proxied    map[topology.ID]bool                         // interfaces of machines with a proxy setting
}

func newSelection(n *topology.Network) *selection {
	s := &selection{net: n, ends: map[string][]end{}, interfaces: map[topology.ID][]*topology.NetworkInterface{}, proxied: map[topology.ID]bool{}}
	listedBy := map[topology.ID][]topology.ID{} // the machines that list an interface
	for _, vm := range n.VirtualMachines {
		for _, r := range vm.NetworkInterfaces {
			listedBy[r.ID()] = append(listedBy[r.ID()], vm.ID())
		}
	}
	for _, nic := range n.NetworkInterfaces {
		machines := listedBy[nic.ID()]
		if id := nic.VirtualMachine.ID(); id != "" && !slices.Contains(machines, id) {
			machines = append(slices.Clone(machines), id)
		}
		for _, id := range machines {
			s.interfaces[id] = append(s.interfaces[id], nic)
			if vm, ok := topology.LookupID[*topology.VirtualMachine](n, id); ok && vm.Proxy != nil {
				s.proxied[nic.ID()] = true
			}
		}
	}
	return s
}

// source are the ends that a selector of the sending side means. A subnet or an
// application security group is each interface in it.
func (s *selection) source(text string) ([]end, error) {
	if _, err := netip.ParsePrefix(text); err == nil {
		return nil, fmt.Errorf("a CIDR block cannot be the source of an assertion; name the subnet: subnet:NETWORK/SUBNET")
	}
	return s.find(text)
}

// destination are the ends on the receiving side.
func (s *selection) destination(text string) ([]end, error) { return s.find(text) }

func (s *selection) find(text string) ([]end, error) {
	if list, ok := s.ends[text]; ok {
		return list, nil
	}
	list, err := s.resolve(text)
	if err != nil {
		return nil, err
	}
	s.ends[text] = list
	return list, nil
}

func (s *selection) resolve(text string) ([]end, error) {
	kind, name, prefixed := strings.Cut(text, ":")
	if prefixed && slices.Contains(selectors, kind) {
		if err := checkPattern(name); err != nil {
			return nil, err
		}
		switch kind {
		case "vm":
			return s.machines(name), nil
		case "nic":
			return s.addresses(func(n *topology.NetworkInterface, _ *topology.IPConfiguration) bool { return named(&n.Element, name) }), nil
		case "subnet":
			return s.addresses(func(_ *topology.NetworkInterface, c *topology.IPConfiguration) bool { return inSubnet(c, name) }), nil
		case "asg":
			return s.addresses(func(_ *topology.NetworkInterface, c *topology.IPConfiguration) bool {
				return slices.ContainsFunc(c.ASGs, func(r topology.Ref) bool { return matches(name, r.ID().Name()) })
			}), nil
		}
		return []end{{name: text, label: text}}, nil
	}
	if strings.ContainsAny(text, "*?[") {
		if err := checkPattern(text); err != nil {
			return nil, err
		}
		return s.machines(text), nil
	}
	return s.one(text)
}

// one is what a name without a pattern means: a machine or an interface with
// all of its addresses, else what a question makes of it.
func (s *selection) one(text string) ([]end, error) {
	var ids []string
	var found []end
	for _, vm := range s.net.VirtualMachines {
		if named(&vm.Element, text) {
			ids, found = append(ids, vm.ResourceID), append(found, s.machine(vm)...)
		}
	}
	for _, nic := range s.net.NetworkInterfaces {
		if named(&nic.Element, text) {
			ids, found = append(ids, nic.ResourceID), append(found, s.configurations(nic, nil)...)
		}
	}
	switch {
	case len(ids) > 1:
		return nil, &sim.NameError{Kind: "name", Name: text, Candidates: ids}
	case len(ids) == 1 && !strings.EqualFold(text, "Internet"):
		return found, nil
	}
	e := end{name: text, label: text}
	if a, err := netip.ParseAddr(text); err == nil {
		e.family = familyOf(a.Unmap())
		for _, o := range s.net.Owners(a.Unmap()) {
			e.proxy = e.proxy || s.proxied[o.Interface.ID()]
		}
	} else if p, err := netip.ParsePrefix(text); err == nil {
		e.family = familyOf(p.Addr())
	}
	return []end{e}, nil
}

func familyOf(a netip.Addr) string {
	if a.Is6() {
		return "IPv6"
	}
	return "IPv4"
}

// machines are the machines whose name a pattern matches, with every address
// of theirs.
func (s *selection) machines(pattern string) []end {
	var out []end
	for _, vm := range s.net.VirtualMachines {
		if named(&vm.Element, pattern) {
			out = append(out, s.machine(vm)...)
		}
	}
	return out
}

// machine is every address of a machine: of all its interfaces, not only of
// the primary one. Without an interface in the data it is the machine itself.
func (s *selection) machine(vm *topology.VirtualMachine) []end {
	var out []end
	for _, nic := range s.interfaces[vm.ID()] {
		out = append(out, s.configurations(nic, nil)...)
	}
	for _, r := range vm.NetworkInterfaces {
		if _, ok := topology.Lookup[*topology.NetworkInterface](s.net, r); !ok {
			out = append(out, end{name: r.Text, label: vm.Name}) // asked, and not found: the promise stays open
		}
	}
	if len(out) == 0 {
		return []end{{name: vm.ResourceID, label: vm.Name}}
	}
	for i := range out {
		out[i].label = strings.Replace(out[i].label, strings.SplitN(out[i].label, " ", 2)[0], vm.Name, 1)
	}
	return out
}

// addresses are the IP configurations that fit.
func (s *selection) addresses(fits func(*topology.NetworkInterface, *topology.IPConfiguration) bool) []end {
	var out []end
	for _, nic := range s.net.NetworkInterfaces {
		out = append(out, s.configurations(nic, func(c *topology.IPConfiguration) bool { return fits(nic, c) })...)
	}
	return out
}

// configurations are the IP configurations of an interface that fit, nil for
// all.
func (s *selection) configurations(nic *topology.NetworkInterface, fits func(*topology.IPConfiguration) bool) []end {
	var out []end
	for _, c := range nic.IPConfigurations {
		if fits != nil && !fits(c) {
			continue
		}
		e := end{name: c.ResourceID, label: nic.Name, proxy: s.proxied[nic.ID()]}
		if a := c.PrivateIPAddress; a.IsValid() {
			e.family = familyOf(a)
			if len(nic.IPConfigurations) > 1 {
				e.label += " " + a.String()
			}
			if c.ResourceID == "" {
				e.name = a.String()
			}
		}
		if e.name == "" {
			e.name = nic.ResourceID
		}
		out = append(out, e)
	}
	return out
}

// named reports whether a pattern matches an element: its name, its group and
// name, or its ID.
func named(e *topology.Element, pattern string) bool {
	if matches(pattern, e.Name) || topology.MakeID(pattern) == e.ID() {
		return true
	}
	group := e.ResourceGroup
	if group == "" {
		group = e.ID().ResourceGroup()
	}
	return matches(pattern, group+"/"+e.Name)
}

// inSubnet reports whether a pattern matches the subnet of an IP
// configuration: "app", "v1/app" or its ID.
func inSubnet(c *topology.IPConfiguration, pattern string) bool {
	id := c.Subnet.ID()
	if id == "" {
		return false
	}
	return matches(pattern, id.Name()) || matches(pattern, id.Parent().Name()+"/"+id.Name()) || topology.MakeID(pattern) == id
}

// matches compares a name with a pattern of path.Match, in any letter case.
func matches(pattern, name string) bool {
	ok, _ := path.Match(strings.ToLower(pattern), strings.ToLower(name)) // checkPattern has seen the pattern
	return ok
}

func checkPattern(pattern string) error {
	if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
		return fmt.Errorf("%q is not a pattern; * stands for any part of a name, ? for a character", pattern)
	}
	return nil
}

// nothing says that a selector selected nothing, with the nearest names where
// there are some.
func nothing(selector string, err *sim.NameError) string {
	s := fmt.Sprintf("%s selects nothing", selector)
	if err != nil && len(err.Nearest) > 0 {
		s += " (near: " + strings.Join(err.Nearest, ", ") + ")"
	}
	return s
}
