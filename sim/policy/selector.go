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
	name  string // for [sim.TraceQuestion]
	label string // for people
}

// selectors are the kinds of selector that a prefix names.
var selectors = []string{"vm", "nic", "subnet", "asg", "tag", "datacenter"}

// selection resolves selectors, each once.
type selection struct {
	net  *topology.Network
	ends map[string][]end
}

func newSelection(n *topology.Network) *selection {
	return &selection{net: n, ends: map[string][]end{}}
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
			return machines(s.net, name), nil
		case "nic":
			return s.interfaces(func(n *topology.NetworkInterface, _ *topology.IPConfiguration) bool { return named(&n.Element, name) }), nil
		case "subnet":
			return s.interfaces(func(_ *topology.NetworkInterface, c *topology.IPConfiguration) bool { return inSubnet(c, name) }), nil
		case "asg":
			return s.interfaces(func(_ *topology.NetworkInterface, c *topology.IPConfiguration) bool {
				return slices.ContainsFunc(c.ASGs, func(r topology.Ref) bool { return matches(name, r.ID().Name()) })
			}), nil
		}
		return []end{{text, text}}, nil
	}
	if strings.ContainsAny(text, "*?[") {
		if err := checkPattern(text); err != nil {
			return nil, err
		}
		return machines(s.net, text), nil
	}
	return []end{{text, text}}, nil
}

// machines are the virtual machines whose name a pattern matches.
func machines(n *topology.Network, pattern string) []end {
	var out []end
	for _, vm := range n.VirtualMachines {
		if named(&vm.Element, pattern) {
			out = append(out, end{vm.ResourceID, vm.Name})
		}
	}
	return out
}

// interfaces are the interfaces with an IP configuration that fits, each once.
func (s *selection) interfaces(fits func(*topology.NetworkInterface, *topology.IPConfiguration) bool) []end {
	var out []end
	for _, nic := range s.net.NetworkInterfaces {
		if slices.ContainsFunc(nic.IPConfigurations, func(c *topology.IPConfiguration) bool { return fits(nic, c) }) {
			out = append(out, end{nic.ResourceID, nic.Name})
		}
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
