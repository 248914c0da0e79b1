package policy

import (
	"cmp"
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
	name   string                 // for [sim.TraceQuestion]
	label  string                 // for people
	family string                 // "IPv4" or "IPv6", "" where it may have both
	proxy  *topology.ProxySetting // of its machine, nil for none
	owners []topology.Owner       // whose address it is
	about  string                 // the ID of the interface or machine, "" where it is neither
}

// names are what a suppression may call the end.
func (e end) names() []string {
	list := []string{e.label, e.name}
	if e.about != "" {
		list = append(list, e.about)
	}
	if name, _, ok := strings.Cut(e.label, " "); ok {
		list = append(list, name)
	}
	return list
}

// selected is what a selector selects.
type selected struct {
	ends   []end
	doubts []string // why it may select more
}

// selectors are the kinds of selector that a prefix names.
var selectors = []string{"vm", "nic", "subnet", "asg", "label", "tag", "datacenter"}

// selection resolves selectors, each once.
type selection struct {
	net        *topology.Network
	known      map[string]selected
	interfaces map[topology.ID][]*topology.NetworkInterface // of a machine, by its own list or because they name it
	proxied    map[topology.ID]*topology.ProxySetting       // of interfaces whose machines have one
	absent     []topology.Absent
}

func newSelection(n *topology.Network) *selection {
	s := &selection{net: n, known: map[string]selected{}, interfaces: map[topology.ID][]*topology.NetworkInterface{}, proxied: map[topology.ID]*topology.ProxySetting{}, absent: n.Absent()}
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
				s.proxied[nic.ID()] = vm.Proxy
			}
		}
	}
	return s
}

// source are the ends that a selector of the sending side means. A subnet or an
// application security group is each interface in it.
func (s *selection) source(text string) (selected, error) {
	if _, err := netip.ParsePrefix(text); err == nil {
		return selected{}, fmt.Errorf("a CIDR block cannot be the source of an assertion; name the subnet: subnet:NETWORK/SUBNET")
	}
	return s.find(text)
}

// find are the ends that a selector means.
func (s *selection) find(text string) (selected, error) {
	if known, ok := s.known[text]; ok {
		return known, nil
	}
	found, err := s.resolve(text)
	if err != nil {
		return selected{}, err
	}
	s.known[text] = found
	return found, nil
}

func (s *selection) resolve(text string) (selected, error) {
	kind, rest, prefixed := strings.Cut(text, ":")
	if !prefixed || !slices.Contains(selectors, kind) {
		if !strings.ContainsAny(text, "*?[=") {
			ends, err := s.one(text)
			return selected{ends: ends}, err
		}
		kind, rest = "vm", text
	}
	if kind == "tag" || kind == "datacenter" {
		if rest == "" {
			return selected{}, fmt.Errorf("%s: needs a name", kind)
		}
		return selected{ends: []end{{name: text, label: text}}}, nil
	}
	c, err := parseCriteria(rest)
	if err != nil {
		return selected{}, err
	}
	if kind == "label" && slices.ContainsFunc(c, func(t criterion) bool { return t.tag == "" }) {
		return selected{}, fmt.Errorf("label: takes resource tags, label:NAME=VALUE; vm:, nic:, subnet: and asg: take patterns of names")
	}
	var out selected
	if kind == "vm" || kind == "label" {
		out.ends = s.machines(c)
	}
	switch kind {
	case "nic":
		out.ends = s.addresses(func(n *topology.NetworkInterface, _ *topology.IPConfiguration) bool { return c.fits(&n.Element) })
	case "label":
		for _, e := range s.addresses(func(n *topology.NetworkInterface, _ *topology.IPConfiguration) bool { return c.fits(&n.Element) }) {
			if !slices.ContainsFunc(out.ends, func(o end) bool { return o.name == e.name }) {
				out.ends = append(out.ends, e)
			}
		}
	case "subnet":
		out.ends = s.addresses(func(_ *topology.NetworkInterface, x *topology.IPConfiguration) bool {
			in, doubt := s.inSubnet(x, c)
			if doubt != "" && !slices.Contains(out.doubts, doubt) {
				out.doubts = append(out.doubts, doubt)
			}
			return in
		})
	case "asg":
		out.ends = s.addresses(func(_ *topology.NetworkInterface, x *topology.IPConfiguration) bool {
			return slices.ContainsFunc(x.ASGs, func(r topology.Ref) bool {
				in, doubt := s.isGroup(r, c)
				if doubt != "" && !slices.Contains(out.doubts, doubt) {
					out.doubts = append(out.doubts, doubt)
				}
				return in
			})
		})
	}
	if kind != "vm" || !c.one() {
		out.doubts = append(out.doubts, s.gaps(kind)...)
	}
	if kind != "vm" {
		out.doubts = append(out.doubts, s.lacking(kind, c)...)
	}
	return out, nil
}

// gaps are why the data may not hold all that a pattern matches.
func (s *selection) gaps(kind string) []string {
	types := []string{"Microsoft.Network/networkInterfaces"}
	if kind == "vm" || kind == "label" {
		types = append(types, "Microsoft.Compute/virtualMachines")
	}
	var out []string
	for _, g := range s.net.Gaps {
		cut := g.Kind == topology.ListCut && (g.ResourceType == "" || slices.ContainsFunc(types, func(t string) bool { return strings.EqualFold(t, g.ResourceType) }))
		if text := g.Text; (cut || g.Kind == topology.FileRefused) && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// criterion is one condition of a selector: a pattern of names, or a resource
// tag with a pattern of its values.
type criterion struct {
	tag     string // "": names
	pattern string
	not     bool // elements with such a tag are left out
}

// criteria are the conditions of a selector, which an element must all fit.
type criteria []criterion

// parseCriteria reads web*, env=prod or web*,env=prod,tier!=test. Names of
// resources hold neither a comma nor an equals sign.
func parseCriteria(text string) (criteria, error) {
	if !strings.Contains(text, "=") {
		return criteria{{pattern: text}}, checkPattern(text)
	}
	var out criteria
	for _, term := range strings.Split(text, ",") {
		name, value, isTag := strings.Cut(term, "=")
		c := criterion{pattern: term}
		if isTag {
			c.tag, c.not = strings.CutSuffix(name, "!")
			c.tag, c.pattern = strings.ToLower(strings.TrimSpace(c.tag)), strings.ReplaceAll(strings.TrimSpace(value), "/", tagSlash)
			if c.tag == "" || c.pattern == "" {
				return nil, fmt.Errorf("%q is not a condition on a resource tag; write NAME=VALUE, or NAME=* for any value", term)
			}
		}
		if err := checkPattern(c.pattern); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// tagSlash stands for a slash in values of tags, which a * is to match too.
const tagSlash = "\x00"

// one reports a single name without a pattern: it means one element, and not
// all that there may be.
func (c criteria) one() bool {
	return len(c) == 1 && c[0].tag == "" && !strings.ContainsAny(c[0].pattern, "*?[")
}

// names reports whether the conditions on names fit an element, by its name,
// its group and name, or its ID.
func (c criteria) names(fits func(pattern string) bool) bool {
	return !slices.ContainsFunc(c, func(t criterion) bool { return t.tag == "" && !fits(t.pattern) })
}

// tagged reports whether a list of resource tags fits the conditions on them.
func (c criteria) tagged(list []topology.Tag) bool {
	return !slices.ContainsFunc(c, func(t criterion) bool {
		if t.tag == "" {
			return false
		}
		with, without := false, false
		for _, x := range list {
			if x.Name == t.tag {
				fits := x.Value == t.pattern || matches(t.pattern, strings.ReplaceAll(x.Value, "/", tagSlash))
				with, without = with || fits, without || !fits
			}
		}
		if t.not {
			return with && !without // of two values it is not known which one it has
		}
		return !with
	})
}

// tags reports whether a condition is one on tags.
func (c criteria) tags() bool {
	return slices.ContainsFunc(c, func(t criterion) bool { return t.tag != "" })
}

func (c criteria) fits(e *topology.Element) bool {
	return c.names(func(pattern string) bool { return named(e, pattern) }) && c.tagged(e.Tags)
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
			e.proxy = cmp.Or(e.proxy, s.proxied[o.Interface.ID()])
			e.owners = append(e.owners, o)
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

// machines are the machines that fit, with every address of theirs.
func (s *selection) machines(c criteria) []end {
	var out []end
	for _, vm := range s.net.VirtualMachines {
		if c.fits(&vm.Element) {
			out = append(out, s.machine(vm)...)
		}
	}
	return out
}

// virtualMachines are the machines that a selector without its prefix means,
// and why it may mean more.
func (s *selection) virtualMachines(text string) (list []*topology.VirtualMachine, doubts []string, err error) {
	c, err := parseCriteria(text)
	if err != nil {
		return nil, nil, err
	}
	for _, vm := range s.net.VirtualMachines {
		if c.fits(&vm.Element) {
			list = append(list, vm)
		}
	}
	if !c.one() {
		doubts = s.gaps("vm")
	}
	return list, doubts, nil
}

// machine is every address of a machine: of all its interfaces, not only of
// the primary one. Without an interface in the data it is the machine itself.
func (s *selection) machine(vm *topology.VirtualMachine) []end {
	var out []end
	for _, nic := range s.interfaces[vm.ID()] {
		if len(nic.IPConfigurations) == 0 {
			out = append(out, end{name: nic.ResourceID, label: vm.Name, about: vm.ResourceID}) // likewise
		}
		out = append(out, s.configurations(nic, nil)...)
	}
	for _, r := range vm.NetworkInterfaces {
		if _, ok := topology.Lookup[*topology.NetworkInterface](s.net, r); !ok {
			out = append(out, end{name: r.Text, label: vm.Name, about: vm.ResourceID}) // asked, and not found: the promise stays open
		}
	}
	if len(out) == 0 {
		return []end{{name: vm.ResourceID, label: vm.Name, about: vm.ResourceID}}
	}
	for i := range out {
		out[i].label = strings.Replace(out[i].label, strings.SplitN(out[i].label, " ", 2)[0], vm.Name, 1)
		out[i].about = vm.ResourceID
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
		if fits != nil && (!c.PrivateIPAddress.IsValid() || !fits(c)) {
			continue // without an address it is one of those lacking
		}
		e := end{name: c.ResourceID, label: nic.Name, proxy: s.proxied[nic.ID()], about: nic.ResourceID}
		if a := c.PrivateIPAddress; a.IsValid() {
			e.owners = []topology.Owner{{Interface: nic, Configuration: c}}
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

// inSubnet reports whether conditions fit the subnet of an IP configuration:
// its name, that of its network and its own, or its ID; subnets have no
// resource tags, those of their network count. doubt is why it may fit all the
// same.
func (s *selection) inSubnet(x *topology.IPConfiguration, c criteria) (in bool, doubt string) {
	id := x.Subnet.ID()
	if id == "" || !c.names(func(p string) bool {
		return matches(p, id.Name()) || matches(p, id.Parent().Name()+"/"+id.Name()) || topology.MakeID(p) == id
	}) {
		return false, ""
	}
	if !c.tags() {
		return true, ""
	}
	v, ok := topology.LookupID[*topology.VirtualNetwork](s.net, id.Parent())
	if !ok || v.Stub {
		return false, "the virtual network " + id.Parent().Name() + " is not in the data, nor its tags"
	}
	return c.tagged(v.Tags), ""
}

// isGroup reports whether conditions fit an application security group.
func (s *selection) isGroup(r topology.Ref, c criteria) (is bool, doubt string) {
	if !c.names(func(p string) bool { return matches(p, r.ID().Name()) || topology.MakeID(p) == r.ID() }) {
		return false, ""
	}
	if !c.tags() {
		return true, ""
	}
	g, ok := topology.LookupID[*topology.ApplicationSecurityGroup](s.net, r.ID())
	if !ok {
		return false, "the application security group " + r.ID().Name() + " is not in the data, nor its tags"
	}
	return c.tagged(g.Tags), ""
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
