package backup

import (
	"cmp"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// machineKind is the kind of a removal that is a virtual machine.
const machineKind = "virtual machine"

// Removal is what goes in a question about an estate without something.
type Removal struct {
	Kind string // "virtual machine", "security rule", "network security group", "route table", "route", "NAT gateway", "public IP address"
	Name string // "proxy1", "NSG-lockdown/allow-proxy"
	ID   string
}

// removable is a removal with the change it makes.
type removable struct {
	Removal
	element *topology.Element
	parent  string // of a rule or route: the name of its group or table
	apply   func(c *changes)
}

// Without returns the estate as it is when the element of that name is gone,
// and what the name means: a virtual machine (which then neither serves as a
// proxy nor forwards), an NSG, a route table, a NAT gateway or a public IP
// address by name, group/name or ID; a rule or route by its bare name or as
// NSG/rule and table/route. A *sim.NameError says that the name is none or
// several of these.
func Without(n *topology.Network, name string) (*topology.Network, Removal, error) {
	var found []removable
	all := removables(n)
	for _, r := range all {
		if r.means(name) {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 1:
	case 0:
		return nil, Removal{}, &sim.NameError{Kind: "element to leave out", Name: name, Reason: "no virtual machine, NSG, rule, route table, route, NAT gateway or public IP address of the estate has this name"}
	default:
		var list []string
		for _, r := range found {
			list = append(list, cmp.Or(r.ID, r.Name))
		}
		return nil, Removal{}, &sim.NameError{Kind: "element to leave out", Name: name, Candidates: list}
	}
	c := &changes{net: n, put: map[topology.Any]topology.Any{}}
	found[0].apply(c)
	after, err := c.network()
	return after, found[0].Removal, err
}

// means reports whether the name on the command line means the element.
func (r *removable) means(name string) bool {
	if strings.EqualFold(r.element.Name, name) || topology.MakeID(name) == r.element.ID() && r.element.ResourceID != "" {
		return true
	}
	first, last, ok := strings.Cut(name, "/")
	if !ok || !strings.EqualFold(last, r.element.Name) {
		return false
	}
	if r.parent != "" {
		return strings.EqualFold(first, r.parent)
	}
	return strings.EqualFold(first, cmp.Or(r.element.ResourceGroup, r.element.ID().ResourceGroup()))
}

func removables(n *topology.Network) []removable {
	var out []removable
	add := func(kind, parent string, e *topology.Element, apply func(c *changes)) {
		name := e.Name
		if parent != "" {
			name = parent + "/" + name
		}
		out = append(out, removable{Removal{kind, name, e.ResourceID}, e, parent, apply})
	}
	for _, vm := range n.VirtualMachines {
		add(machineKind, "", &vm.Element, func(c *changes) { c.stop(vm) })
	}
	for _, g := range n.NetworkSecurityGroups {
		add("network security group", "", &g.Element, func(c *changes) { c.detach(g.ID()); c.drop(g) })
		for i, r := range g.SecurityRules {
			add("security rule", g.Name, &r.Element, func(c *changes) {
				h := *g
				h.SecurityRules = slices.Delete(slices.Clone(g.SecurityRules), i, i+1)
				c.put[g] = &h
			})
		}
	}
	for _, t := range n.RouteTables {
		add("route table", "", &t.Element, func(c *changes) { c.detach(t.ID()); c.drop(t) })
		for i, r := range t.Routes {
			add("route", t.Name, &r.Element, func(c *changes) {
				u := *t
				u.Routes = slices.Delete(slices.Clone(t.Routes), i, i+1)
				c.put[t] = &u
			})
		}
	}
	for _, g := range n.NATGateways {
		add("NAT gateway", "", &g.Element, func(c *changes) { c.detach(g.ID()); c.drop(g) })
	}
	for _, p := range n.PublicIPAddresses {
		add("public IP address", "", &p.Element, func(c *changes) { c.detach(p.ID()); c.drop(p) })
	}
	return out
}

// changes are elements of an estate to be replaced, nil for those that go.
type changes struct {
	net *topology.Network
	put map[topology.Any]topology.Any
}

func (c *changes) drop(e topology.Any) { c.put[e] = nil }

// stop leaves a machine in its place, where it serves and forwards nothing: an
// address that nothing in the data owns would be an open question.
func (c *changes) stop(vm *topology.VirtualMachine) {
	m := *vm
	m.ProxyServer = &topology.ProxyServer{Origin: vm.Origin}
	c.put[vm] = &m
	for _, nic := range c.net.NetworkInterfaces {
		own := nic.VirtualMachine.ID() == vm.ID() ||
			slices.ContainsFunc(vm.NetworkInterfaces, func(r topology.Ref) bool { return r.ID() == nic.ID() })
		if own && nic.EnableIPForwarding != topology.Off {
			i := *nic
			i.EnableIPForwarding = topology.Off
			c.put[nic] = &i
		}
	}
}

// detach takes the element from every subnet and interface that refers to it.
func (c *changes) detach(id topology.ID) {
	clear := func(r *topology.Ref) bool {
		if r.IsZero() || r.ID() != id {
			return false
		}
		*r = topology.Ref{}
		return true
	}
	for _, v := range c.net.VirtualNetworks {
		w := *v
		w.Subnets = slices.Clone(v.Subnets)
		changed := false
		for i, s := range v.Subnets {
			t := *s
			nsg, table, nat := clear(&t.NetworkSecurityGroup), clear(&t.RouteTable), clear(&t.NATGateway)
			if nsg || table || nat {
				w.Subnets[i], changed = &t, true
			}
		}
		if changed {
			c.put[v] = &w
		}
	}
	for _, nic := range c.net.NetworkInterfaces {
		m := *nic
		changed := clear(&m.NetworkSecurityGroup)
		m.IPConfigurations = slices.Clone(nic.IPConfigurations)
		for i, f := range nic.IPConfigurations {
			g := *f
			if clear(&g.PublicIPAddress) {
				m.IPConfigurations[i], changed = &g, true
			}
		}
		if changed {
			c.put[nic] = &m
		}
	}
	for _, g := range c.net.NATGateways {
		h := *g
		h.PublicIPs = slices.DeleteFunc(slices.Clone(g.PublicIPs), func(r topology.Ref) bool { return r.ID() == id })
		if len(h.PublicIPs) != len(g.PublicIPs) {
			c.put[g] = &h
		}
	}
}

// network is the estate with the changes made.
func (c *changes) network() (*topology.Network, error) {
	n := c.net
	var list []topology.Any
	for e := range n.All {
		switch next, ok := c.put[e]; {
		case !ok:
			list = append(list, e)
		case next != nil:
			list = append(list, next)
		}
	}
	return topology.NewNetwork(topology.Data{
		EffectiveSecurityGroups: n.EffectiveSecurityGroups, EffectiveRouteTables: n.EffectiveRouteTables,
		ServiceTags: n.ServiceTags, DatacenterRanges: n.DatacenterRanges, Gaps: n.Gaps,
	}, list...)
}

// Change is a machine whose verdict or way is another after a change.
type Change struct {
	VM        string  `json:"vm"`
	ID        string  `json:"id"` // of the machine
	Before    Verdict `json:"before"`
	After     Verdict `json:"after"`
	WayBefore Way     `json:"wayBefore"`
	WayAfter  Way     `json:"wayAfter"`
	Reason    string  `json:"reason,omitempty"` // of the verdict after
}

// Lost reports whether a machine that passed does so no more.
func (c Change) Lost() bool { return c.Before == Pass && c.After != Pass }

// Compare lists the machines of both reports that fare differently, in the
// order of the first.
func Compare(before, after *Report) []Change {
	then := map[topology.ID]*VM{}
	for i := range after.VMs {
		then[after.VMs[i].Machine.ID()] = &after.VMs[i]
	}
	var out []Change
	for i := range before.VMs {
		a := &before.VMs[i]
		b := then[a.Machine.ID()]
		if b == nil || a.Verdict == b.Verdict && a.Way == b.Way {
			continue
		}
		c := Change{VM: a.Name, Before: a.Verdict, After: b.Verdict, WayBefore: a.Way, WayAfter: b.Way, Reason: b.Reason, ID: a.Machine.ResourceID}
		out = append(out, c)
	}
	return out
}

// Compare says what the removal changes; after is the report on the estate
// without the element.
func (r Removal) Compare(before, after *Report) []Change {
	out := Compare(before, after)
	if r.Kind != machineKind {
		return out
	}
	out = slices.DeleteFunc(out, func(c Change) bool { return c.ID == r.ID })
	for i := range out {
		for j := range after.VMs {
			b := &after.VMs[j]
			if b.Machine.ResourceID != out[i].ID {
				continue
			}
			if slices.ContainsFunc(b.Requirements, func(q Requirement) bool { return q.Met == Fail && q.Code == flow.ProxyNotListening }) {
				out[i].Reason = r.Name + ", its proxy, serves no more"
			}
		}
	}
	return out
}
