package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// situations tells apart interfaces that packets from the Internet come to in
// different ways. One answer does for all that are in the same situation.
type situations struct {
	run        *Run
	translated map[netip.Addr]bool  // addresses that firewalls put in the place of their own
	balanced   map[topology.ID]bool // interfaces and IP configurations that load balancers name
}

// of is the same for addresses that packets from the Internet come to alike.
// Straight means by a public IP address of their own and through admin rules and
// security groups alone; addresses that rules take for the same are then alike.
func (x *situations) of(o topology.Owner) (key string, straight bool) {
	nic, c := o.Interface, o.Configuration
	alone := string(nic.ID()) + " " + string(c.ID())
	plain := func(e *topology.Element) bool {
		return len(e.NotModelled) == 0 && (e.ProvisioningState == "" || strings.EqualFold(e.ProvisioningState, "Succeeded"))
	}
	pip, ok := topology.Lookup[*topology.PublicIPAddress](x.run.Network, c.PublicIPAddress)
	if !ok || c.PublicIPUnknown || len(c.BackendPools)+len(c.InboundNATRules) > 0 || x.translated[c.PrivateIPAddress] || x.balanced[c.ID()] || x.balanced[nic.ID()] ||
		!plain(&nic.Element) || !plain(&c.Element) || !plain(&pip.Element) || len(x.run.Network.Owners(c.PrivateIPAddress)) > 1 {
		return alone, false
	}
	if vm := x.run.machines()[nic.ID()]; vm != nil && vm.HostFirewall != nil {
		return alone, false
	}
	var b strings.Builder
	fmt.Fprintln(&b, c.Subnet.ID(), nic.NetworkSecurityGroup.ID(), strings.ToLower(pip.SKU), c.PrivateIPAddress.Is6())
	own := func(m *topology.Match) {
		for i := range m.Prefixes {
			if p := &m.Prefixes[i]; p.Kind == topology.PrefixAddress {
				fmt.Fprint(&b, p.Prefix.Contains(c.PrivateIPAddress))
			}
		}
		for _, r := range m.ASGs {
			fmt.Fprint(&b, slices.ContainsFunc(c.ASGs, func(a topology.Ref) bool { return a.ID() == r.ID() }))
		}
	}
	for _, g := range x.run.gates(o) {
		for _, r := range g.SecurityRules {
			if r.Direction == topology.Inbound {
				own(&r.Destination)
			}
		}
	}
	for _, r := range x.run.Network.AdminRules {
		own(&r.Destination)
	}
	return b.String(), true
}

// portKey is the same for ports that the rules before an address do not tell
// apart.
func (run *Run) portKey(o topology.Owner, protocol topology.Protocol, port uint16) string {
	var b strings.Builder
	asks := func(p topology.Protocol, ports []topology.PortRange) {
		fmt.Fprint(&b, (p == protocol || p == topology.AnyProtocol) && (len(ports) == 0 || slices.ContainsFunc(ports, func(r topology.PortRange) bool { return r.Contains(port) })))
	}
	for _, r := range run.Network.AdminRules {
		asks(r.Protocol, r.Destination.Ports)
	}
	for _, g := range run.gates(o) {
		for _, r := range g.SecurityRules {
			asks(r.Protocol, r.Destination.Ports)
		}
	}
	return b.String()
}

// gates are the NSGs before an address, of which all must be in the data.
func (run *Run) gates(o topology.Owner) []*topology.NetworkSecurityGroup {
	var out []*topology.NetworkSecurityGroup
	add := func(ref topology.Ref) {
		if g, ok := topology.Lookup[*topology.NetworkSecurityGroup](run.Network, ref); ok {
			out = append(out, g)
		}
	}
	if sub, ok := topology.Lookup[*topology.Subnet](run.Network, o.Configuration.Subnet); ok {
		add(sub.NetworkSecurityGroup)
	}
	add(o.Interface.NetworkSecurityGroup)
	return out
}

// mayLetIn reports whether the NSGs before an address may let in a packet from
// the Internet to a port; it is quick, and true where it does not look closely.
func (run *Run) mayLetIn(o topology.Owner, protocol topology.Protocol, port uint16) bool {
	if slices.ContainsFunc(run.Network.AdminRules, func(r *topology.AdminRule) bool { return r.Access != topology.Deny && r.Access != topology.Allow }) {
		return true // past the NSGs
	}
	sub, ok := topology.Lookup[*topology.Subnet](run.Network, o.Configuration.Subnet)
	if !ok {
		return true
	}
	_, vnet := run.Sim.Place(sub).VirtualNetworkTag().Certain()
	for _, g := range run.gates(o) {
		open := vnet.Overlaps(scope.PublicSpace()) // by AllowVnetInBound
		for _, r := range g.SecurityRules {
			if open {
				break
			}
			open = len(r.Unresolved) > 0 || r.Direction == topology.Inbound && r.Access == topology.Allow && mayMatch(r, o.Configuration.PrivateIPAddress, protocol, port)
		}
		if !open {
			return false
		}
	}
	return true
}

// mayMatch reports whether an inbound rule may match a packet to an address
// and port.
func mayMatch(r *topology.SecurityRule, to netip.Addr, protocol topology.Protocol, port uint16) bool {
	if r.Protocol != protocol && r.Protocol != topology.AnyProtocol {
		return false
	}
	if !r.Destination.PortsUnresolved && !slices.ContainsFunc(r.Destination.Ports, func(p topology.PortRange) bool { return p.Contains(port) }) {
		return false
	}
	return len(r.Destination.ASGs) > 0 || slices.ContainsFunc(r.Destination.Prefixes, func(a topology.AddressPrefix) bool {
		return a.Kind != topology.PrefixAddress || a.Prefix.Contains(to)
	})
}
