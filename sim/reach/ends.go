package reach

import (
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
)

// Ends is what a name of a question means: one place or many.
type Ends struct {
	Text   string   // as asked; "" for everywhere
	Kind   string   // virtualMachine, networkInterface, subnet, virtualNetwork, applicationSecurityGroup, everywhere, or as [sim.EndInfo] says
	Name   string   // "app1", "subnet v1/app"
	Places []*Place // at least one
	Open   []string // what belongs to the end and is not in the data
}

// Place is what is asked at a time: an address of an interface, or a set of
// addresses.
type Place struct {
	Name    string // "app1", "app1 10.0.1.5" where it has several addresses, "subnet v1/app", "Internet"
	Address string // of an interface, a frontend or a private endpoint; "" for a set
	Group   string // the subnet or other whole that it was found in, "" for none

	end    sim.End
	owner  topology.Owner         // the zero Owner where it is no interface
	subnet *topology.Subnet       // that the place is in, nil where it is outside or not known
	entry  *sim.Entry             // nil where the place is the end itself
	only   bool                   // it only receives
	proxy  *topology.ProxySetting // of its machine, nil for none
}

// finder finds the ends of questions in one estate.
type finder struct {
	s        *sim.Simulator
	net      *topology.Network
	machines map[topology.ID][]*topology.VirtualMachine // by interface
	mu       sync.Mutex                                 // of places and subnets
	places   map[*topology.IPConfiguration]*Place
	subnets  map[*topology.Subnet][]*Place
	homes    map[topology.ID]*topology.Subnet
	inside   map[topology.ID][]topology.Owner // by subnet
	names    func() []namedSet                // readNames, made once
	absent   func() []topology.Absent         // likewise
}

func newFinder(s *sim.Simulator) *finder {
	f := &finder{s: s, net: s.Network(), machines: map[topology.ID][]*topology.VirtualMachine{}, places: map[*topology.IPConfiguration]*Place{},
		subnets: map[*topology.Subnet][]*Place{}, homes: map[topology.ID]*topology.Subnet{}, inside: map[topology.ID][]topology.Owner{}}
	add := func(nic topology.ID, vm *topology.VirtualMachine) {
		if nic != "" && !slices.Contains(f.machines[nic], vm) {
			f.machines[nic] = append(f.machines[nic], vm)
		}
	}
	for _, vm := range f.net.VirtualMachines {
		for _, r := range vm.NetworkInterfaces {
			add(r.ID(), vm)
		}
	}
	for _, nic := range f.net.NetworkInterfaces {
		if vm, ok := topology.Lookup[*topology.VirtualMachine](f.net, nic.VirtualMachine); ok {
			add(nic.ID(), vm)
		}
		for _, c := range nic.IPConfigurations {
			if c.PrivateIPAddress.IsValid() && !f.ofEndpoint(c) {
				f.inside[c.Subnet.ID()] = append(f.inside[c.Subnet.ID()], topology.Owner{Interface: nic, Configuration: c})
			}
		}
	}
	for _, v := range f.net.VirtualNetworks {
		for _, sub := range v.Subnets {
			f.homes[sub.ID()] = sub
		}
	}
	f.names = sync.OnceValue(f.readNames)
	f.absent = sync.OnceValue(f.net.Absent)
	return f
}

// ofEndpoint reports whether an IP configuration is that of a private endpoint,
// whose interface exports list too: it sends nothing, and its gates are the
// endpoint's.
func (f *finder) ofEndpoint(c *topology.IPConfiguration) bool {
	return slices.ContainsFunc(f.net.PrivateEndpoints, func(pe *topology.PrivateEndpoint) bool {
		return pe.Subnet.ID() == c.Subnet.ID() && slices.Contains(pe.Addresses, c.PrivateIPAddress)
	})
}

// gaps are why the data may not hold all that belongs to an end: a list that is
// cut, a file that was refused. What names one machine or address says itself
// what it has.
func (f *finder) gaps(e *Ends) []string {
	types := []string{"Microsoft.Network/networkInterfaces"}
	switch e.Kind {
	case "subnet", "virtualNetwork", "applicationSecurityGroup":
	case "everywhere":
		types = append(types, "Microsoft.Network/publicIPAddresses", "Microsoft.Network/loadBalancers")
	default:
		return nil
	}
	return f.lacking(e.Name, types...)
}

// lacking are the reasons why what is named may be more than the data has of
// the types of resources.
func (f *finder) lacking(name string, types ...string) (out []string) {
	for _, g := range f.net.Gaps {
		cut := g.Kind == topology.ListCut && (g.ResourceType == "" || slices.ContainsFunc(types, func(t string) bool { return strings.EqualFold(t, g.ResourceType) }))
		if text := name + " may be more than the data shows: " + g.Text; (cut || g.Kind == topology.FileRefused) && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// find is what a name means. source says that it is where the traffic starts.
func (f *finder) find(text string, source bool) (*Ends, error) {
	name := strings.TrimSpace(text)
	kind, rest, _ := strings.Cut(name, ":")
	rest = strings.TrimSpace(rest)
	only := ""
	switch strings.ToLower(kind) {
	case "vm", "nic", "subnet", "vnet", "asg":
		only = strings.ToLower(kind)
		name = rest
	}
	var found []*Ends
	var ids []string
	add := func(kind, id string, e *Ends) {
		e.Text = text
		found, ids = append(found, e), append(ids, kind+":"+id)
	}
	want := func(kind string) bool { return only == "" || only == kind }
	if want("vm") {
		for _, vm := range f.net.VirtualMachines {
			if means(&vm.Element, name) {
				add("vm", vm.ResourceID, f.machine(vm))
			}
		}
	}
	if want("nic") {
		for _, nic := range f.net.NetworkInterfaces {
			if means(&nic.Element, name) {
				add("nic", nic.ResourceID, &Ends{Kind: "networkInterface", Name: nic.Name, Places: f.interfacePlaces(nic, nil), Open: f.open(ofInterface(nic.ID()))})
			}
		}
	}
	for _, v := range f.net.VirtualNetworks {
		if want("vnet") && means(&v.Element, name) {
			add("vnet", v.ResourceID, f.network(v, source))
		}
		if want("subnet") {
			for _, sub := range v.Subnets {
				if means(&sub.Element, name) || strings.EqualFold(v.Name+"/"+sub.Name, name) {
					add("subnet", sub.ResourceID, &Ends{Kind: "subnet", Name: subnetName(sub), Places: f.subnet(sub, source),
						Open: f.open(func(a *topology.Absent) bool { return a.MayBeIn(sub.ID()) && !(source && a.Receives) })})
				}
			}
		}
	}
	if want("asg") {
		for _, g := range f.net.ApplicationSecurityGroups {
			if means(&g.Element, name) {
				add("asg", g.ResourceID, f.group(g))
			}
		}
	}
	tag := only == "" && (strings.EqualFold(name, "Internet") || f.s.Names().KnownTag(name))
	switch {
	case len(found) == 1 && !tag:
		e := found[0]
		if len(e.Places) == 0 {
			return nil, &sim.NameError{Kind: kindWord(e.Kind), Name: text, Reason: "nothing in it has an address in the data"}
		}
		return e, nil
	case len(found) > 0:
		if tag {
			ids = append(ids, "tag:"+name)
		}
		return nil, &sim.NameError{Kind: "name", Name: text, Candidates: ids}
	case only != "":
		return nil, &sim.NameError{Kind: map[string]string{"vm": "virtual machine", "nic": "network interface", "subnet": "subnet", "vnet": "virtual network", "asg": "application security group"}[only], Name: text}
	}
	return f.named(text)
}

// named is an end that a trace understands: an address, a block, a tag, a
// region, a host name.
func (f *finder) named(text string) (*Ends, error) {
	if c, ok := f.net.Find(topology.MakeID(text)).(*topology.IPConfiguration); ok && c.PrivateIPAddress.IsValid() {
		if nic := f.net.Holder(c); nic != nil {
			p := f.place(topology.Owner{Interface: nic, Configuration: c})
			return &Ends{Text: text, Kind: "networkInterface", Name: p.Name, Places: []*Place{p}}, nil
		}
	}
	if a, err := netip.ParseAddr(strings.TrimSpace(text)); err == nil {
		if owners := f.net.Owners(a.Unmap()); len(owners) == 1 {
			p := f.place(owners[0])
			return &Ends{Text: text, Kind: "address", Name: p.Name, Places: []*Place{p}}, nil
		}
	}
	end, err := f.s.NamedEnd(text)
	if err != nil {
		return nil, err
	}
	info := end.Info()
	if info.Kind == "internet" {
		if end, err = f.s.InternetEnd(); err != nil {
			return nil, err
		}
	}
	p := &Place{Name: info.Name, Address: info.Address, end: end}
	if p.Name == "" {
		p.Name = info.Text
	}
	return &Ends{Text: text, Kind: info.Kind, Name: p.Name, Places: []*Place{p}}, nil
}

func kindWord(kind string) string {
	switch kind {
	case "virtualMachine":
		return "virtual machine"
	case "networkInterface":
		return "network interface"
	case "virtualNetwork":
		return "virtual network"
	case "applicationSecurityGroup":
		return "application security group"
	}
	return kind
}

// means reports whether a name is that of an element: bare, group/name or the
// resource ID, in any letter case.
func means(e *topology.Element, name string) bool {
	if strings.EqualFold(e.Name, name) {
		return true
	}
	if !strings.Contains(name, "/") {
		return false
	}
	group := e.ResourceGroup
	if group == "" {
		group = e.ID().ResourceGroup()
	}
	return strings.EqualFold(group+"/"+e.Name, name) || topology.MakeID(name) == e.ID()
}

// subnetName is "subnet v1/app".
func subnetName(sub *topology.Subnet) string {
	return "subnet " + sub.VirtualNetworkID().Name() + "/" + sub.Name
}

// machine is every address of a machine, not only of its primary interface.
func (f *finder) machine(vm *topology.VirtualMachine) *Ends {
	e := &Ends{Kind: "virtualMachine", Name: vm.Name}
	for _, nic := range f.net.NetworkInterfaces {
		if slices.Contains(f.machines[nic.ID()], vm) {
			e.Places = append(e.Places, f.interfacePlaces(nic, nil)...)
			e.Open = append(e.Open, f.open(ofInterface(nic.ID()))...)
		}
	}
	for _, r := range vm.NetworkInterfaces {
		if _, ok := topology.Lookup[*topology.NetworkInterface](f.net, r); !ok {
			e.Open = append(e.Open, f.open(ofInterface(r.ID()))...)
		}
	}
	return e
}

// interfacePlaces are the addresses of an interface that fit, nil for all.
func (f *finder) interfacePlaces(nic *topology.NetworkInterface, fits func(*topology.IPConfiguration) bool) []*Place {
	var out []*Place
	for _, c := range nic.IPConfigurations {
		if c.PrivateIPAddress.IsValid() && (fits == nil || fits(c)) {
			out = append(out, f.place(topology.Owner{Interface: nic, Configuration: c}))
		}
	}
	return out
}

// place is an address of an interface, the same each time.
func (f *finder) place(o topology.Owner) *Place {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.places[o.Configuration]; p != nil {
		return p
	}
	p := &Place{Name: o.Interface.Name, Address: o.Configuration.PrivateIPAddress.String(), end: f.s.InterfaceEnd(o), owner: o, subnet: f.homes[o.Configuration.Subnet.ID()]}
	several := len(o.Interface.IPConfigurations) > 1
	if machines := f.machines[o.Interface.ID()]; len(machines) == 1 {
		vm := machines[0]
		p.Name = vm.Name
		several = several || len(vm.NetworkInterfaces) > 1
		p.proxy = vm.Proxy // a user's too: the programs of that user go by it
	}
	if several {
		p.Name += " " + p.Address
	}
	if p.subnet != nil {
		p.Group = subnetName(p.subnet)
	}
	f.places[o.Configuration] = p
	return p
}

// subnet is the interfaces of a subnet; without any in the data the subnet's
// addresses as such. As a destination it is also what else owns an address.
func (f *finder) subnet(sub *topology.Subnet, source bool) []*Place {
	f.mu.Lock()
	all, ok := f.subnets[sub]
	f.mu.Unlock()
	if !ok {
		made := f.makeSubnet(sub)
		f.mu.Lock()
		if all, ok = f.subnets[sub]; !ok { // another question may have been faster
			all, f.subnets[sub] = made, made
		}
		f.mu.Unlock()
	}
	if !source {
		return all
	}
	var out []*Place
	for _, p := range all {
		if !p.only {
			out = append(out, p)
		}
	}
	return out
}

func (f *finder) makeSubnet(sub *topology.Subnet) []*Place {
	var out []*Place
	for _, o := range f.inside[sub.ID()] {
		out = append(out, f.place(o))
	}
	if len(out) == 0 {
		if end, ok := f.s.UnownedEnd(sub); ok {
			out = append(out, &Place{Name: subnetName(sub), Group: subnetName(sub), end: end, subnet: sub})
		}
	}
	receive := func(in topology.Ref, name string, a netip.Addr) {
		if in.ID() == sub.ID() && a.IsValid() {
			out = append(out, &Place{Name: name, Address: a.String(), Group: subnetName(sub), end: f.s.AddressEnd(name, a, sub), subnet: sub, only: true})
		}
	}
	for _, pe := range f.net.PrivateEndpoints {
		for _, a := range pe.Addresses {
			receive(pe.Subnet, "private endpoint "+pe.Name, a)
		}
	}
	for _, lb := range f.net.LoadBalancers {
		for _, front := range lb.Frontends {
			receive(front.Subnet, "load balancer "+lb.Name, front.PrivateIPAddress)
		}
	}
	for _, fw := range f.net.AzureFirewalls {
		receive(fw.Subnet, "firewall "+fw.Name, fw.PrivateIPAddress)
	}
	return out
}

func (f *finder) network(v *topology.VirtualNetwork, source bool) *Ends {
	e := &Ends{Kind: "virtualNetwork", Name: "vnet " + v.Name, Open: f.open(func(a *topology.Absent) bool {
		return (a.Subnet == "" || a.Subnet.Parent() == v.ID()) && !(source && a.Receives)
	})}
	for _, sub := range v.Subnets {
		e.Places = append(e.Places, f.subnet(sub, source)...)
	}
	return e
}

func (f *finder) group(g *topology.ApplicationSecurityGroup) *Ends {
	e := &Ends{Kind: "applicationSecurityGroup", Name: "asg " + g.Name, Open: f.open(func(a *topology.Absent) bool { return !a.Addressed && a.MayBelongTo(g.ID()) })}
	for _, nic := range f.net.NetworkInterfaces {
		e.Places = append(e.Places, f.interfacePlaces(nic, func(c *topology.IPConfiguration) bool {
			return slices.ContainsFunc(c.ASGs, func(r topology.Ref) bool { return r.ID() == g.ID() })
		})...)
	}
	return e
}

// withEntries is a destination with the ways to its interfaces beside their
// private addresses: public IP addresses, frontends of load balancers, firewalls.
func (f *finder) withEntries(to *Ends) *Ends {
	var owners []topology.Owner
	at := map[string]bool{} // frontends that are places as they are
	for _, p := range to.Places {
		if p.owner.Interface != nil {
			owners = append(owners, p.owner)
		} else if p.only && p.subnet != nil {
			at[p.Address] = true
		}
	}
	all := *to
	all.Places = slices.Clip(to.Places)
	for _, e := range f.s.Entries(owners...) {
		p := &Place{Name: e.Name, end: e.End(), entry: e, subnet: e.Subnet(), only: true}
		if e.Address.IsValid() {
			if e.Port == 0 && at[e.Address.String()] {
				continue
			}
			p.Address = e.Address.String()
			p.Name += " " + e.String()
		}
		p.Group = p.Name
		all.Places = append(all.Places, p)
	}
	return &all
}
