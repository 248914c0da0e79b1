package load

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/source"
)

// check refuses an estate that contradicts itself and warns of what it leaves
// open (bad-inputs rows 118, 120, 131 to 133 and 136).
func (m *merger) check(n *topology.Network) error {
	for _, step := range []func(*topology.Network) error{m.subnets, m.peerings, m.addresses, m.references, m.proxyChains} {
		if err := step(n); err != nil {
			return err
		}
	}
	m.serviceTags(n)
	return nil
}

// builtInTags are never looked up in a file (verdicts.md 17).
var builtInTags = []string{"virtualnetwork", "internet", "azureloadbalancer", "azureplatformdns", "azureplatformimds", "azureplatformlkm"}

// serviceTags warns of tags that the service tag file does not hold, once
// each, and names those that may be meant (bad-inputs rows 93 and 94).
func (m *merger) serviceTags(n *topology.Network) {
	if n.ServiceTags == nil {
		return
	}
	said := map[string]bool{}
	for _, name := range builtInTags {
		said[name] = true
	}
	for _, t := range n.ServiceTags.Tags {
		said[strings.ToLower(t.Name)] = true
	}
	check := func(list ...topology.AddressPrefix) {
		for _, a := range list {
			key := strings.ToLower(a.Tag)
			if a.Kind != topology.TagAddress || said[key] {
				continue
			}
			said[key] = true
			m.say(Doubt, a.At(), "the service tag "+source.Quote(a.Tag)+" is not in "+n.ServiceTags.Origin.File+": what it holds is not known", nearestTag(a.Tag, n.ServiceTags))
		}
	}
	for _, g := range n.NetworkSecurityGroups {
		for _, r := range g.SecurityRules {
			check(r.Source.Prefixes...)
			check(r.Destination.Prefixes...)
		}
	}
	for _, r := range n.AdminRules {
		check(r.Source.Prefixes...)
		check(r.Destination.Prefixes...)
	}
	for _, t := range n.RouteTables {
		for _, r := range t.Routes {
			check(r.Destination)
		}
	}
}

func nearestTag(name string, c *topology.ServiceTagCatalogue) string {
	names := make([]string, len(c.Tags))
	for i, t := range c.Tags {
		names[i] = t.Name
	}
	if near := source.Nearest(name, names); near != "" {
		return "nearest: " + near
	}
	return ""
}

func contradiction(o topology.Origin, expected, hint string) error {
	return &doctree.Error{File: o.File, Pos: doctree.Pos{Line: o.Line, Column: o.Column}, Pointer: o.Pointer, Expected: expected, Hint: hint}
}

// subnets refuses subnets that overlap or lie outside their virtual network.
func (m *merger) subnets(n *topology.Network) error {
	type part struct {
		prefix netip.Prefix
		subnet *topology.Subnet
	}
	for _, v := range n.VirtualNetworks {
		var parts []part
		for _, s := range v.Subnets {
			for _, p := range s.Prefixes {
				if !v.Stub && !inside(p, v.AddressSpace) {
					return contradiction(s.Origin, "expected the subnet "+source.Quote(s.Name)+" inside the address space of "+source.Escape(v.Name)+
						", found "+p.String()+"; the space is "+texts(v.AddressSpace), "")
				}
				parts = append(parts, part{p, s})
			}
		}
		slices.SortStableFunc(parts, func(a, b part) int { return a.prefix.Addr().Compare(b.prefix.Addr()) })
		for i := 1; i < len(parts); i++ {
			a, b := parts[i-1], parts[i]
			if a.prefix.Overlaps(b.prefix) {
				return contradiction(b.subnet.Origin, "expected subnets that do not overlap, found "+b.prefix.String()+" of "+source.Quote(b.subnet.Name)+
					" and "+a.prefix.String()+" of "+source.Quote(a.subnet.Name)+" at "+place(a.subnet.Origin), "")
			}
		}
	}
	return nil
}

func inside(p netip.Prefix, space []netip.Prefix) bool {
	return slices.ContainsFunc(space, func(s netip.Prefix) bool { return s.Bits() <= p.Bits() && s.Contains(p.Addr()) })
}

func texts(list []netip.Prefix) string {
	var out []string
	for _, p := range list {
		out = append(out, p.String())
	}
	return strings.Join(out, ", ")
}

// peerings refuses peered networks that overlap and warns of links that do not
// stand.
func (m *merger) peerings(n *topology.Network) error {
	for _, v := range n.VirtualNetworks {
		for _, p := range v.Peerings {
			remote, ok := topology.Lookup[*topology.VirtualNetwork](n, p.RemoteVirtualNetwork)
			if !strings.EqualFold(p.State, "Connected") && p.State != "" {
				m.say(Warning, p.Origin, "the peering "+source.Quote(p.Name)+" of "+source.Escape(v.Name)+" is "+source.Escape(p.State)+": there is no link", "")
				continue
			}
			if !ok || remote.Stub {
				continue
			}
			back := slices.ContainsFunc(remote.Peerings, func(q *topology.Peering) bool { return q.RemoteVirtualNetwork.ID() == v.ID() })
			if !back {
				m.say(Warning, p.Origin, "the virtual network "+source.Quote(remote.Name)+" has no peering back to "+source.Escape(v.Name)+": there is no link", "add the peering on the other side")
				continue
			}
			if p.PeerCompleteVnets == topology.Off {
				continue // only some subnets are peered
			}
			for _, a := range v.AddressSpace {
				for _, b := range remote.AddressSpace {
					if a.Overlaps(b) {
						return contradiction(p.Origin, "expected peered virtual networks that do not overlap, found "+a.String()+" of "+source.Quote(v.Name)+
							" and "+b.String()+" of "+source.Quote(remote.Name)+" at "+place(remote.Origin), "")
					}
				}
			}
		}
	}
	return nil
}

// addresses refuses an address outside its subnet and warns of one that two
// interfaces of one virtual network own.
func (m *merger) addresses(n *topology.Network) error {
	type key struct {
		vnet topology.ID
		addr netip.Addr
	}
	owner := map[key]*topology.NetworkInterface{}
	for _, nic := range n.NetworkInterfaces {
		for _, c := range nic.IPConfigurations {
			if !c.PrivateIPAddress.IsValid() || c.Subnet.IsZero() {
				continue
			}
			if s, ok := topology.Lookup[*topology.Subnet](n, c.Subnet); ok && !s.AddressPrefixUnknown &&
				!slices.ContainsFunc(s.Prefixes, func(p netip.Prefix) bool { return p.Contains(c.PrivateIPAddress) }) {
				return contradiction(c.Origin, "expected the address of "+source.Quote(nic.Name)+" inside its subnet, found "+c.PrivateIPAddress.String()+
					"; the subnet "+source.Escape(s.Name)+" is "+texts(s.Prefixes)+" at "+place(s.Origin), "")
			}
			k := key{c.Subnet.ID().Parent(), c.PrivateIPAddress}
			if old := owner[k]; old != nil && old != nic {
				m.say(Doubt, c.Origin, "the address "+k.addr.String()+" is owned by "+source.Quote(old.Name)+" too", "export both interfaces again")
			}
			owner[k] = nic
		}
	}
	return nil
}

// references names what is referred to and not in the data, once each.
func (m *merger) references(n *topology.Network) error {
	said := map[topology.ID]bool{}
	missing := func(r topology.Ref, what, hint string) {
		if r.IsZero() || n.Find(r.ID()) != nil || said[r.ID()] {
			return
		}
		said[r.ID()] = true
		m.say(Doubt, r.Origin, "the "+what+" "+source.Quote(r.ID().Name())+" is not in the data", hint)
	}
	for _, v := range n.VirtualNetworks {
		for _, s := range v.Subnets {
			missing(s.NetworkSecurityGroup, "network security group", "az network nsg show --ids "+source.Command(s.NetworkSecurityGroup.Text))
			missing(s.RouteTable, "route table", "az network route-table show --ids "+source.Command(s.RouteTable.Text))
			missing(s.NATGateway, "NAT gateway", "az network nat gateway show --ids "+source.Command(s.NATGateway.Text))
		}
	}
	for _, nic := range n.NetworkInterfaces {
		missing(nic.NetworkSecurityGroup, "network security group", "az network nsg show --ids "+source.Command(nic.NetworkSecurityGroup.Text))
		for _, c := range nic.IPConfigurations {
			missing(c.Subnet, "subnet", "az network vnet show --ids "+source.Command(parentText(c.Subnet.Text)))
		}
	}
	for _, vm := range n.VirtualMachines {
		for _, r := range vm.NetworkInterfaces {
			missing(r, "network interface", "az network nic show --ids "+source.Command(r.Text))
		}
	}
	m.claims(n)
	m.effective(n)
	return nil
}

// claims names subnets and interfaces that a security group lists as its own
// and that say otherwise.
func (m *merger) claims(n *topology.Network) {
	for _, g := range n.NetworkSecurityGroups {
		for _, r := range g.Subnets {
			if s, ok := topology.Lookup[*topology.Subnet](n, r); ok && s.NetworkSecurityGroup.ID() != g.ID() {
				m.say(Doubt, r.Origin, source.Quote(g.Name)+" lists the subnet "+source.Quote(s.Name)+", which does not refer to it", "export both again")
			}
		}
		for _, r := range g.Interfaces {
			if nic, ok := topology.Lookup[*topology.NetworkInterface](n, r); ok && nic.NetworkSecurityGroup.ID() != g.ID() {
				m.say(Doubt, r.Origin, source.Quote(g.Name)+" lists the interface "+source.Quote(nic.Name)+", which does not refer to it", "export both again")
			}
		}
	}
}

// effective names effective rules that are at odds with the rest of the data:
// which of the two holds is not known (spec 10, bad-inputs row 118).
func (m *merger) effective(n *topology.Network) {
	const hint = "export both again, at one time"
	for _, e := range n.EffectiveSecurityGroups {
		name := source.Quote(e.NetworkSecurityGroup.ID().Name())
		for _, r := range e.Misplaced(n) {
			at := n.Find(r.ID()).Base()
			m.say(Doubt, e.Origin, "the effective rules say that "+name+" is attached to "+source.Quote(at.Name)+", which does not refer to it at "+place(at.Origin), hint)
		}
		g, ok := topology.Lookup[*topology.NetworkSecurityGroup](n, e.NetworkSecurityGroup)
		if !ok || !g.RulesGiven {
			continue
		}
		if r := e.Differs(g.SecurityRules); r != nil {
			m.say(Doubt, e.Origin, "the effective rules of "+name+" are at odds with its rules at "+place(g.Origin)+": "+source.Quote(r.Name)+" at "+place(r.Origin)+" has no equal", hint)
		}
	}
}

// proxyChains refuses machines whose proxies lead back to themselves.
func (m *merger) proxyChains(n *topology.Network) error {
	behind := func(vm *topology.VirtualMachine) *topology.VirtualMachine {
		if vm.Proxy == nil {
			return nil
		}
		a, err := netip.ParseAddr(vm.Proxy.Host)
		if err != nil {
			return nil
		}
		for _, o := range n.Owners(a) {
			if next, ok := topology.Lookup[*topology.VirtualMachine](n, o.Interface.VirtualMachine); ok {
				return next
			}
		}
		return nil
	}
	for _, vm := range n.VirtualMachines {
		chain := []*topology.VirtualMachine{vm}
		for next := behind(vm); next != nil; next = behind(next) {
			if next == vm {
				var names []string
				for _, link := range append(chain, vm) {
					names = append(names, source.Escape(link.Name))
				}
				return contradiction(vm.Proxy.Origin, "expected a proxy that does not lead back to the machine, found the chain "+strings.Join(names, " → "), "")
			}
			if slices.Contains(chain, next) {
				break // the loop is another machine's and refused there
			}
			chain = append(chain, next)
		}
	}
	return nil
}
