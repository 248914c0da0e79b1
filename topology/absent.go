package topology

import (
	"slices"
	"strings"
)

// Absent is an interface, or an address of one, that the estate has and the
// data does not hold: no question about "all" can ask it.
type Absent struct {
	Interface ID       // of the interface; that of the private endpoint, where no interface of it is named
	Subnet    ID       // that the address is in; "" where it may be in any
	ASGs      []Ref    // that it is a member of, where Known
	Known     bool     // the data holds the interface, and lacks an address
	Tags      []Tag    // of the interface, where Known
	Receives  bool     // it is a private endpoint's: it sends nothing, and nothing enters by it
	Text      string   // what is missing, one clause
	Export    string   // the command that exports it
	Element   *Element // that shows it: what names the interface, or the interface
	Addressed bool     // its address is known, and its subnet is not
}

// Absent are the interfaces that machines, load balancers and public IP
// addresses name and the data does not hold, those it holds without an address,
// and the addresses of private endpoints that are not known. A list of a
// security group or a subnet names nothing: it may be old. An interface whose
// subnet is not told is among them: it may be in any.
func (n *Network) Absent() []Absent {
	var out []Absent
	said := map[ID]bool{}
	dangles := func(id ID, by *Element, what string) {
		if _, ok := n.Find(id).(*NetworkInterface); ok || id == "" || said[id] {
			return
		}
		said[id] = true
		export := "az network nic list -o json"
		if strings.Contains(string(id), "/virtualmachinescalesets/") {
			export = "az vmss nic list -o json"
		}
		out = append(out, Absent{Interface: id, Element: by, Export: export, Text: id.Name() + ", an interface of " + what + ", is not in the data"})
	}
	for _, vm := range n.VirtualMachines {
		for _, r := range vm.NetworkInterfaces {
			dangles(r.ID(), &vm.Element, vm.Name)
		}
	}
	configuration := func(r Ref, by *Element, what string) {
		id := r.ID()
		if n.Find(id) == nil && strings.Contains(string(id), "/networkinterfaces/") && strings.Contains(string(id), "/ipconfigurations/") {
			dangles(id.Parent(), by, what)
		}
	}
	for _, lb := range n.LoadBalancers {
		for _, p := range lb.BackendPools {
			for _, r := range p.IPConfigurations {
				configuration(r, &lb.Element, "the load balancer "+lb.Name)
			}
			for _, r := range p.Interfaces {
				dangles(r.ID(), &lb.Element, "the load balancer "+lb.Name)
			}
		}
		for _, r := range lb.NATRules {
			configuration(r.BackendIPConfiguration, &lb.Element, "the load balancer "+lb.Name)
		}
	}
	for _, p := range n.PublicIPAddresses {
		configuration(p.IPConfiguration, &p.Element, "the public IP address "+p.Name)
	}
	for _, nic := range n.NetworkInterfaces {
		if !nic.PrivateEndpoint.IsZero() {
			continue
		}
		lacks := func(subnet ID, groups []Ref) {
			out = append(out, Absent{Interface: nic.ID(), Subnet: subnet, ASGs: groups, Known: true, Tags: nic.Tags, Element: &nic.Element,
				Text: "the address of the interface " + nic.Name + " is not in the data", Export: "az network nic list -o json"})
		}
		if len(nic.IPConfigurations) == 0 {
			lacks("", nil)
		}
		for _, c := range nic.IPConfigurations {
			switch {
			case !c.PrivateIPAddress.IsValid():
				lacks(c.Subnet.ID(), c.ASGs)
			case c.Subnet.IsZero():
				out = append(out, Absent{Interface: nic.ID(), ASGs: c.ASGs, Known: true, Addressed: true, Tags: nic.Tags, Element: &nic.Element,
					Text: "the subnet of the interface " + nic.Name + " is not in the data", Export: "az network nic list -o json"})
			}
		}
	}
	for _, pe := range n.PrivateEndpoints {
		if len(pe.Addresses) == 0 {
			out = append(out, Absent{Interface: pe.ID(), Subnet: pe.Subnet.ID(), ASGs: pe.ASGs, Known: true, Tags: pe.Tags, Receives: true, Element: &pe.Element,
				Text: "the address of the private endpoint " + pe.Name + " is not in the data", Export: "az network private-endpoint list -o json, az network nic list -o json"})
		}
	}
	return out
}

// String is what is missing, with the command that exports it.
func (a *Absent) String() string { return a.Text + "; " + a.Export }

// MayBeIn reports whether the address may be in a subnet.
func (a *Absent) MayBeIn(subnet ID) bool { return a.Subnet == "" || a.Subnet == subnet }

// GroupsKnown reports whether the data says of which application security
// groups the address is a member: of an interface without any configuration it
// does not.
func (a *Absent) GroupsKnown() bool {
	return a.Known && (a.Addressed || a.Subnet != "" || len(a.ASGs) > 0)
}

// MayBelongTo reports whether the address may be a member of an application
// security group.
func (a *Absent) MayBelongTo(group ID) bool {
	return !a.GroupsKnown() || slices.ContainsFunc(a.ASGs, func(r Ref) bool { return r.ID() == group })
}
