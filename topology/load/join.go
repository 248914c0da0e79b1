package load

import (
	"net/netip"
	"slices"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/source"
)

// join completes elements by what others say of them: a machine and its
// interfaces name each other, and so do a private endpoint and its interface,
// but an export may hold one side only.
func (m *merger) join() {
	nics := map[topology.ID]*topology.NetworkInterface{}
	of := map[topology.ID][]*topology.NetworkInterface{}
	for _, e := range m.order {
		if n, ok := e.(*topology.NetworkInterface); ok {
			nics[n.ID()] = n
			if !n.VirtualMachine.IsZero() {
				id := n.VirtualMachine.ID()
				of[id] = append(of[id], n)
			}
		}
	}
	for _, e := range m.order {
		switch e := e.(type) {
		case *topology.VirtualMachine:
			m.joinMachine(e, nics, of[e.ID()])
		case *topology.PrivateEndpoint:
			joinEndpoint(e, nics)
		case *topology.PublicIPAddress:
			m.joinPublicIP(e, nics)
		}
	}
}

// joinPublicIP leaves open whether an IP configuration has the public address
// that says so where it does not say so itself: the two were exported at
// different times.
func (m *merger) joinPublicIP(p *topology.PublicIPAddress, nics map[topology.ID]*topology.NetworkInterface) {
	n := nics[p.IPConfiguration.ID().Parent()]
	if n == nil {
		return
	}
	for _, c := range n.IPConfigurations {
		if c.ID() == p.IPConfiguration.ID() && c.PublicIPAddress.IsZero() && !c.PublicIPUnknown {
			c.PublicIPUnknown = true
			m.say(Doubt, p.IPConfiguration.Origin, source.Quote(p.Name)+" says that it belongs to the interface "+source.Quote(n.Name)+", which does not refer to it", "export both again")
		}
	}
}

func (m *merger) joinMachine(vm *topology.VirtualMachine, nics map[topology.ID]*topology.NetworkInterface, claim []*topology.NetworkInterface) {
	for _, r := range vm.NetworkInterfaces {
		n := nics[r.ID()]
		switch {
		case n == nil:
		case n.VirtualMachine.IsZero():
			n.VirtualMachine = vm.Ref()
			claim = append(claim, n)
		case n.VirtualMachine.ID() != vm.ID():
			m.say(Doubt, r.Origin, source.Quote(vm.Name)+" lists the interface "+source.Quote(n.Name)+", which belongs to "+source.Quote(n.VirtualMachine.ID().Name()), "export both again")
		}
	}
	if vm.NetworkInterfaces == nil {
		for _, n := range claim {
			vm.NetworkInterfaces = append(vm.NetworkInterfaces, n.Ref())
		}
	}
	if !vm.PrimaryInterface.IsZero() {
		return
	}
	primary := func(n *topology.NetworkInterface) bool { return n.Primary == topology.On }
	if i := slices.IndexFunc(claim, primary); i >= 0 && !slices.ContainsFunc(claim[i+1:], primary) {
		vm.PrimaryInterface = claim[i].Ref()
	} else if len(vm.NetworkInterfaces) == 1 {
		vm.PrimaryInterface = vm.NetworkInterfaces[0]
	}
}

func joinEndpoint(e *topology.PrivateEndpoint, nics map[topology.ID]*topology.NetworkInterface) {
	var found []netip.Addr
	for _, r := range e.NetworkInterfaces {
		n := nics[r.ID()]
		if n == nil {
			continue
		}
		if n.PrivateEndpoint.IsZero() {
			n.PrivateEndpoint = e.Ref()
		}
		for _, c := range n.IPConfigurations {
			if c.PrivateIPAddress.IsValid() {
				found = append(found, c.PrivateIPAddress)
			}
		}
	}
	for _, a := range found {
		if !slices.Contains(e.Addresses, a) {
			e.Addresses = append(e.Addresses, a)
		}
	}
}
