package diff

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/topology"
)

// uncompared says, by kind of resource, what hangs on it that neither NSGs,
// gates of interfaces nor routes tell. A resource of another kind changes
// packets by these alone.
var uncompared = map[string]string{
	"virtual network":                   "what its addresses send and receive",
	"subnet":                            "what its addresses send and receive",
	"virtual network peering":           "what crosses it",
	"network interface":                 "what its addresses send and receive",
	"public IP address":                 "what comes in by it, and what leaves by it or by default outbound access",
	"public IP address at an interface": "what comes in by it, and what leaves by it or by default outbound access",
	"load balancer":                     "what comes in over it, and what leaves by it or by default outbound access",
	"private endpoint":                  "what goes to it",
	"NAT gateway":                       "what leaves by it or by default outbound access",
	"virtual network gateway":           "what comes and goes over it",
	"local network gateway":             "what comes and goes over it",
	"gateway connection":                "what comes and goes over it",
	"Azure Firewall":                    "what passes it",
	"firewall policy":                   "what passes the firewalls that have it",
	"IP group":                          "what passes the firewalls that name it",
}

const (
	ofGuests      = "what its guest lets through, and what leaves by a proxy or by default outbound access"
	ofMissing     = "what an interface sends and receives that it names and that is not in the data"
	ofAdminRules  = "what addresses send and receive that no interface in the data has"
	ofMachineless = "what depends on its machine: the guest's firewall, a proxy, default outbound access"
)

// open fills in what is not compared of the resources that changed.
func (c *comparison) open() {
	for i := range c.report.Elements {
		e := &c.report.Elements[i]
		id := topology.MakeID(e.ID)
		e.Uncompared = uncompared[e.Kind]
		switch {
		case e.Kind == "network interface" && !e.Added && !e.Changed:
			if nic, ok := topology.LookupID[*topology.NetworkInterface](c.sides[0].Network(), id); ok && c.told(nic) {
				e.Uncompared = ""
			}
		case e.Kind == "virtual machine" && e.Changed:
			e.Uncompared = ofGuests
		case e.Kind == "virtual machine" && c.dangles(id):
			e.Uncompared = ofMissing
		case e.Kind == "security admin rule":
			for _, s := range c.sides {
				if r, ok := topology.LookupID[*topology.AdminRule](s.Network(), id); ok && !c.everywhere(r) {
					e.Uncompared = ofAdminRules
					// A deny more allows nothing, another rule less neither.
					e.deniesOnly = !e.Changed && e.Added == (r.Access == topology.Deny)
					e.allowsOnly = !e.Changed && e.Added != (r.Access == topology.Deny)
				}
			}
		}
	}
	c.otherMachines()
	c.noteOpen()
}

// noteOpen says what is not compared, once for all that became alike.
func (c *comparison) noteOpen() {
	type alike struct{ kind, became, what string }
	var order []alike
	names := map[alike][]string{}
	for _, e := range c.report.Elements {
		if e.Uncompared == "" {
			continue
		}
		x := alike{e.Kind, "removed", e.Uncompared}
		switch {
		case e.Changed:
			x.became = "changed"
		case e.Added:
			x.became = "added"
		}
		if names[x] == nil {
			order = append(order, x)
		}
		names[x] = append(names[x], e.Name)
	}
	for _, x := range order {
		list := names[x][0]
		if n := len(names[x]) - 1; n > 0 {
			list += fmt.Sprintf(" and %d more", n)
		}
		c.note("%s %s %s: not compared is %s; netpath trace and reach tell it of each side", x.kind, list, x.became, x.what)
	}
}

// told reports whether all that went with an interface is told by the gates
// of its subnet and by what else is listed: it had nothing of its own that
// denied, no machine that stays, and no packet was led to it.
func (c *comparison) told(nic *topology.NetworkInterface) bool {
	old, new := c.sides[0].Network(), c.sides[1].Network()
	own := contents(&topology.NetworkInterface{EnableIPForwarding: nic.EnableIPForwarding, DefaultOutbound: nic.DefaultOutbound}, true)
	none := contents(&topology.NetworkInterface{EnableIPForwarding: topology.Off}, true)
	if own != none && own != contents(&topology.NetworkInterface{}, true) || !nic.NetworkSecurityGroup.IsZero() || c.report.Compared.Interfaces == 0 {
		return false
	}
	var addresses []netip.Addr
	for _, x := range nic.IPConfigurations {
		if !x.PublicIPAddress.IsZero() || x.PublicIPUnknown || len(x.ASGs)+len(x.BackendPools)+len(x.InboundNATRules) > 0 {
			return false
		}
		addresses = append(addresses, x.PrivateIPAddress)
	}
	for _, n := range []*topology.Network{old, new} {
		for _, t := range n.RouteTables {
			if slices.ContainsFunc(t.Routes, func(r *topology.Route) bool { return slices.Contains(addresses, r.NextHopIP) }) {
				return false
			}
		}
		for _, lb := range n.LoadBalancers {
			if len(lb.BackendPools) > 0 {
				return false // its pools may name addresses
			}
		}
	}
	if c.machineNaming(1, nic.ID()) != nil {
		return false
	}
	vm := c.machineOf(0, nic)
	switch {
	case vm == nil:
		return nic.VirtualMachine.IsZero()
	case len(vm.NetworkInterfaces) > 1:
		return false
	}
	_, stays := topology.LookupID[*topology.VirtualMachine](new, vm.ID())
	return !stays && guest(vm) == guest(&topology.VirtualMachine{})
}

// dangles reports whether a machine of the new side names an interface that is
// in no data, and that none named before.
func (c *comparison) dangles(id topology.ID) bool {
	vm, ok := topology.LookupID[*topology.VirtualMachine](c.sides[1].Network(), id)
	return ok && slices.ContainsFunc(vm.NetworkInterfaces, func(r topology.Ref) bool {
		for _, s := range c.sides {
			if _, ok := topology.Lookup[*topology.NetworkInterface](s.Network(), r); ok {
				return false // it is compared, or listed
			}
		}
		return c.machineNaming(0, r.ID()) == nil
	})
}

// otherMachines tells of the interfaces that both sides have and whose machine
// does something else to their packets than before, and of machines that name
// an interface which is in no data.
func (c *comparison) otherMachines() {
	old, new := c.sides[0].Network(), c.sides[1].Network()
	listed := map[string]bool{} // machines
	for _, e := range c.report.Elements {
		if e.Kind == "virtual machine" && e.Changed {
			listed[e.ID] = true
		}
	}
	for _, p := range match(old.NetworkInterfaces, new.NetworkInterfaces, bareName[*topology.NetworkInterface]) {
		if !both(p) || c.machine(0, p.old) == c.machine(1, p.new) {
			continue
		}
		if vm := c.machineOf(1, p.new); vm == nil || !listed[vm.ResourceID] {
			c.tell("network interface", p.new, ofMachineless)
		}
	}
	for _, p := range match(old.VirtualMachines, new.VirtualMachines, bareName[*topology.VirtualMachine]) {
		if both(p) && c.dangles(p.new.ID()) {
			c.tell("virtual machine", p.new, ofMissing)
		}
	}
}

// tell lists a resource as changed that is not listed yet.
func (c *comparison) tell(kind string, x topology.Any, what string) {
	b := x.Base()
	if slices.ContainsFunc(c.report.Elements, func(e Element) bool {
		return e.Kind == kind && topology.MakeID(e.ID) == b.ID() && e.Uncompared != ""
	}) {
		return
	}
	c.report.Elements = append(c.report.Elements, Element{Kind: kind, Name: b.Name, ID: b.ResourceID, Changed: true, Uncompared: what, Origin: b.Origin})
}

// everywhere reports whether each subnet to which an admin rule applies has an
// interface that is compared: it tells what the rule does there.
func (c *comparison) everywhere(r *topology.AdminRule) bool {
	if c.toldSubnets == nil {
		c.toldSubnets = map[topology.ID]bool{}
		for _, x := range c.cards() {
			c.toldSubnets[x.config.old.Subnet.ID()], c.toldSubnets[x.config.new.Subnet.ID()] = true, true
		}
	}
	for _, s := range c.sides {
		for _, v := range s.Network().VirtualNetworks {
			if !r.VirtualNetworksUnknown && !slices.ContainsFunc(r.VirtualNetworks, func(x topology.Ref) bool { return x.ID() == v.ID() }) {
				continue
			}
			if v.Stub || slices.ContainsFunc(v.Subnets, func(sub *topology.Subnet) bool { return !c.toldSubnets[sub.ID()] }) {
				return false
			}
		}
	}
	return true
}

// machineNaming is the machine of a side whose own list names an interface.
func (c *comparison) machineNaming(side int, id topology.ID) *topology.VirtualMachine {
	if c.naming[side] == nil {
		c.naming[side] = map[topology.ID]*topology.VirtualMachine{}
		for _, vm := range c.sides[side].Network().VirtualMachines {
			for _, r := range vm.NetworkInterfaces {
				c.naming[side][r.ID()] = vm
			}
		}
	}
	return c.naming[side][id]
}

// machineOf is the machine of an interface, nil where it is not in the data.
func (c *comparison) machineOf(side int, nic *topology.NetworkInterface) *topology.VirtualMachine {
	if vm := c.machineNaming(side, nic.ID()); vm != nil {
		return vm
	}
	vm, _ := topology.Lookup[*topology.VirtualMachine](c.sides[side].Network(), nic.VirtualMachine)
	return vm
}

// guest is what a machine says that bears on packets.
func guest(vm *topology.VirtualMachine) string {
	return contents(&topology.VirtualMachine{HostFirewall: vm.HostFirewall, ProxyServer: vm.ProxyServer, Proxy: vm.Proxy, Flexible: vm.Flexible}, true)
}

// machine is what the machine of an interface does to its packets: its guest,
// and the public IP addresses of its other interfaces, which may take default
// outbound access away (DOA).
func (c *comparison) machine(side int, nic *topology.NetworkInterface) string {
	vm := c.machineOf(side, nic)
	if vm == nil {
		if !nic.VirtualMachine.IsZero() {
			return "not in the data"
		}
		vm = &topology.VirtualMachine{NetworkInterfaces: []topology.Ref{nic.Ref()}} // as one that says nothing
	}
	others := []string{}
	if len(vm.NetworkInterfaces) == 0 {
		others = append(others, "not listed")
	}
	for _, r := range vm.NetworkInterfaces {
		other, ok := topology.Lookup[*topology.NetworkInterface](c.sides[side].Network(), r)
		switch {
		case !ok:
			others = append(others, r.ID().Name()+" is not in the data")
		case other != nic:
			for _, x := range other.IPConfigurations {
				if !x.PublicIPAddress.IsZero() {
					others = append(others, x.PublicIPAddress.ID().Name())
				}
			}
		}
	}
	slices.Sort(others)
	return guest(vm) + " " + strings.Join(others, " ")
}
