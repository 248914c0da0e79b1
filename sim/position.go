package sim

import (
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// position is where a packet is: at an interface, at a subnet whose interface
// is not known, on the Internet, or behind a gateway.
type position struct {
	nic    *topology.NetworkInterface
	config *topology.IPConfiguration
	subnet *topology.Subnet         // nil: dangling, or outside
	vnet   *topology.VirtualNetwork // nil: not in the data, or outside

	internet   bool                    // outside, on the Internet
	gateway    bool                    // at a virtual network gateway: no NSG gates
	appliance  *topology.AzureFirewall // at an Azure Firewall: no NSG gates
	forwarding bool                    // the packet is passing through, it did not start here
}

// at is the position of an interface's IP configuration.
func (s *Simulator) at(nic *topology.NetworkInterface, c *topology.IPConfiguration) position {
	p := position{nic: nic, config: c}
	if sub, ok := topology.Lookup[*topology.Subnet](s.net, c.Subnet); ok {
		p.subnet = sub
		p.vnet = s.net.VirtualNetworkOf(sub)
	}
	return p
}

// home is the virtual network of the position, "" where the data does not say
// it.
func (p position) home() topology.ID {
	switch {
	case p.vnet != nil:
		return p.vnet.ID()
	case p.config != nil:
		return p.config.Subnet.ID().Parent()
	default:
		return ""
	}
}

// in is the position of an address of a subnet that no interface in the data
// owns.
func (s *Simulator) in(sub *topology.Subnet) position {
	return position{subnet: sub, vnet: s.net.VirtualNetworkOf(sub)}
}

// name is what the hop calls the place: "nic app1-nic".
func nicName(n *topology.NetworkInterface) string { return "nic " + n.Name }

// subnetName is "subnet v1/app", the network's name as the subnet's ID writes it.
func subnetName(s *topology.Subnet) string {
	return "subnet " + path.Base(path.Dir(path.Dir(strings.TrimRight(s.ResourceID, "/")))) + "/" + s.Name
}

func (p position) String() string {
	switch {
	case p.nic != nil:
		return p.nic.Name
	case p.appliance != nil:
		return p.appliance.Name
	case p.subnet != nil:
		return subnetName(p.subnet)
	default:
		return "Internet"
	}
}

// owners are the interfaces in the virtual network that own the address.
func (s *Simulator) owners(v *topology.VirtualNetwork, a netip.Addr) []topology.Owner {
	var out []topology.Owner
	for _, o := range s.net.Owners(a) {
		if o.Configuration.Subnet.ID().Parent() == v.ID() {
			out = append(out, o)
		}
	}
	return out
}

// claimants are the interfaces that own the address of an IP configuration in
// its virtual network or in one that is peered with it: a mistake of the data
// where there are several.
func (s *Simulator) claimants(p position) []topology.Owner {
	all := s.net.Owners(p.config.PrivateIPAddress)
	if len(all) < 2 {
		return all
	}
	var out []topology.Owner
	for _, o := range all {
		if v, ok := topology.Lookup[*topology.VirtualNetwork](s.net, topology.Ref{Text: string(o.Configuration.Subnet.ID().Parent())}); ok && (v == p.vnet || peered(v, p.vnet) || peered(p.vnet, v)) {
			out = append(out, o)
		}
	}
	return out
}

// peered reports whether the virtual network has its side of a peering with
// the other.
func peered(v, with *topology.VirtualNetwork) bool {
	return slices.ContainsFunc(v.Peerings, func(p *topology.Peering) bool { return p.RemoteVirtualNetwork.ID() == with.ID() })
}

// subnetOf is the subnet of the virtual network that holds the address.
func subnetOf(v *topology.VirtualNetwork, a netip.Addr) *topology.Subnet {
	for _, sub := range v.Subnets {
		if slices.ContainsFunc(sub.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) }) {
			return sub
		}
	}
	return nil
}

// endpointAt is the private endpoint in the virtual network with the address.
func (s *Simulator) endpointAt(v *topology.VirtualNetwork, a netip.Addr) *topology.PrivateEndpoint {
	for _, pe := range s.net.PrivateEndpoints {
		if pe.Subnet.ID().Parent() == v.ID() && slices.Contains(pe.Addresses, a) {
			return pe
		}
	}
	return nil
}

// frontendAt is the internal load balancer frontend with the address.
func (s *Simulator) frontendAt(v *topology.VirtualNetwork, a netip.Addr) (*topology.LoadBalancer, *topology.Frontend) {
	for _, lb := range s.net.LoadBalancers {
		for _, f := range lb.Frontends {
			if f.PrivateIPAddress == a && f.Subnet.ID().Parent() == v.ID() {
				return lb, f
			}
		}
	}
	return nil, nil
}

// firewallAt is the Azure Firewall in the virtual network with the address.
func (s *Simulator) firewallAt(v *topology.VirtualNetwork, a netip.Addr) *topology.AzureFirewall {
	for _, f := range s.net.AzureFirewalls {
		home := f.Subnet.ID().Parent()
		if f.Subnet.IsZero() {
			home = f.VirtualNetwork.ID()
		}
		if f.PrivateIPAddress == a && home == v.ID() {
			return f
		}
	}
	return nil
}

// neighbours are the virtual network and those it is peered with by a link
// that is up in the world, or may be where w is nil; a next hop must be
// reachable directly (UDR).
func (s *Simulator) neighbours(w *flow.World, v *topology.VirtualNetwork) []*topology.VirtualNetwork {
	out := []*topology.VirtualNetwork{v}
	for _, p := range v.Peerings {
		if link := s.names.Link(v, p); !link.Up && (link.Fact == nil || w != nil && !w.Holds(*link.Fact)) {
			continue
		}
		if remote, ok := topology.Lookup[*topology.VirtualNetwork](s.net, p.RemoteVirtualNetwork); ok {
			out = append(out, remote)
		}
	}
	return out
}

// transit reports whether the remote side of the peering uses the gateways of
// the virtual network (PEER).
func (s *Simulator) transit(v *topology.VirtualNetwork, p *topology.Peering) bool {
	_, back := s.names.Back(v, p)
	return p.AllowGatewayTransit == topology.On && (back == nil || back.UseRemoteGateways == topology.On)
}

// primary is the primary IP configuration of a family, nil where the
// interface has none.
func primary(nic *topology.NetworkInterface, v6 bool) *topology.IPConfiguration {
	var first *topology.IPConfiguration
	for _, c := range nic.IPConfigurations {
		if !c.PrivateIPAddress.IsValid() || c.PrivateIPAddress.Is6() != v6 {
			continue
		}
		if c.Primary == topology.On {
			return c
		}
		if first == nil {
			first = c
		}
	}
	return first
}

// isPrimary reports whether the IP configuration is the interface's primary
// one of its family.
func isPrimary(nic *topology.NetworkInterface, c *topology.IPConfiguration) bool {
	return primary(nic, c.PrivateIPAddress.Is6()) == c
}

// publicIP is a public IP address of the estate and what it leads to.
type publicIP struct {
	resource *topology.PublicIPAddress
	nic      *topology.NetworkInterface
	config   *topology.IPConfiguration
	lb       *topology.LoadBalancer
	frontend *topology.Frontend
	firewall *topology.AzureFirewall
}

// publicAt finds what a public address of the estate belongs to; false where
// no resource in the data has it.
func (s *Simulator) publicAt(a netip.Addr) (publicIP, bool) {
	for _, r := range s.net.PublicIPAddresses {
		if r.IPAddress != a {
			continue
		}
		p := publicIP{resource: r}
		for _, nic := range s.net.NetworkInterfaces {
			for _, c := range nic.IPConfigurations {
				if c.PublicIPAddress.ID() == r.ID() {
					p.nic, p.config = nic, c
					return p, true
				}
			}
		}
		for _, lb := range s.net.LoadBalancers {
			for _, f := range lb.Frontends {
				if !f.PublicIPAddress.IsZero() && f.PublicIPAddress.ID() == r.ID() {
					p.lb, p.frontend = lb, f
					return p, true
				}
			}
		}
		for _, f := range s.net.AzureFirewalls {
			for _, ref := range f.PublicIPs {
				if ref.ID() == r.ID() {
					p.firewall = f
					return p, true
				}
			}
		}
		return p, true
	}
	for _, lb := range s.net.LoadBalancers {
		for _, f := range lb.Frontends {
			if f.PublicAddress == a {
				return publicIP{lb: lb, frontend: f}, true
			}
		}
	}
	return publicIP{}, false
}

// poolsOf are the load balancers behind which an IP configuration stands:
// those in the data, and the references that dangle.
func (s *Simulator) poolsOf(nic *topology.NetworkInterface, c *topology.IPConfiguration) (in []*topology.LoadBalancer, pools []topology.ID, dangling []topology.Ref) {
	add := func(lb *topology.LoadBalancer) {
		if !slices.Contains(in, lb) {
			in = append(in, lb)
		}
	}
	for _, r := range c.BackendPools {
		pools = append(pools, r.ID())
		if lb, ok := topology.LookupID[*topology.LoadBalancer](s.net, r.ID().Parent()); ok {
			add(lb)
		} else {
			dangling = append(dangling, r)
		}
	}
	for _, lb := range slices.Concat(s.pools[c.ID()], s.pools[nic.ID()]) {
		for _, p := range lb.BackendPools {
			named := slices.ContainsFunc(p.IPConfigurations, func(r topology.Ref) bool { return r.ID() == c.ID() }) ||
				isPrimary(nic, c) && slices.ContainsFunc(p.Interfaces, func(r topology.Ref) bool { return r.ID() == nic.ID() })
			if named {
				add(lb)
				pools = append(pools, p.ID())
			}
		}
	}
	return in, pools, dangling
}

// before are the load balancers that hand packets to an IP configuration, and
// the pools it is in: beside those of poolsOf those that name its address, and
// by inbound NAT rules. A pool of addresses leaves the way out as it is (LBO).
func (s *Simulator) before(nic *topology.NetworkInterface, c *topology.IPConfiguration) (in []*topology.LoadBalancer, pools []topology.ID, dangling []topology.Ref) {
	in, pools, dangling = s.poolsOf(nic, c)
	named := s.fronts[c.ID()]
	for _, r := range c.InboundNATRules {
		named = slices.Concat(named, s.fronts[r.ID()])
	}
	for _, lb := range named {
		if !slices.Contains(in, lb) {
			in = append(in, lb)
		}
		for _, p := range lb.BackendPools {
			switch {
			case !c.PrivateIPAddress.IsValid() || !slices.Contains(p.Addresses, c.PrivateIPAddress) || slices.Contains(pools, p.ID()):
			case len(s.net.Owners(c.PrivateIPAddress)) > 1: // which of them is meant is not known
				dangling = append(dangling, p.Ref())
			default:
				pools = append(pools, p.ID())
			}
		}
	}
	return in, pools, dangling
}

// backends are the IP configurations behind a pool.
func (s *Simulator) backends(pool topology.ID) []topology.Owner {
	var out []topology.Owner
	for _, nic := range s.net.NetworkInterfaces {
		for _, c := range nic.IPConfigurations {
			_, pools, _ := s.before(nic, c)
			if slices.Contains(pools, pool) {
				out = append(out, topology.Owner{Interface: nic, Configuration: c})
			}
		}
	}
	return out
}

func isStandard(sku string) bool { return strings.EqualFold(sku, "Standard") }

// nextHop finds what owns the address of an appliance that the virtual network
// reaches directly. The owner's interface is nil for a load balancer or an
// Azure Firewall, or where several interfaces claim the address.
func (s *Simulator) nextHop(v *topology.VirtualNetwork, ip netip.Addr) (owner topology.Owner, found bool) {
	for _, near := range s.neighbours(nil, v) {
		if near != v {
			i := slices.IndexFunc(v.Peerings, func(p *topology.Peering) bool { return p.RemoteVirtualNetwork.ID() == near.ID() })
			if remote, ok := s.names.RemotePrefixes(v.Peerings[i]); ok && !contains(remote, ip) {
				continue
			}
		}
		switch owners := s.owners(near, ip); len(owners) {
		case 0:
		case 1:
			return owners[0], true
		default:
			return topology.Owner{}, true
		}
		if lb, _ := s.frontendAt(near, ip); lb != nil || s.firewallAt(near, ip) != nil {
			return topology.Owner{}, true
		}
	}
	return topology.Owner{}, false
}
