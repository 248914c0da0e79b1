package topology

import (
	"fmt"
	"net/netip"
)

// Network is an immutable estate. Build it with [NewNetwork].
type Network struct {
	VirtualNetworks           []*VirtualNetwork
	NetworkSecurityGroups     []*NetworkSecurityGroup
	ApplicationSecurityGroups []*ApplicationSecurityGroup
	AdminRules                []*AdminRule
	NetworkInterfaces         []*NetworkInterface
	VirtualMachines           []*VirtualMachine
	RouteTables               []*RouteTable
	VirtualNetworkGateways    []*VirtualNetworkGateway
	LocalNetworkGateways      []*LocalNetworkGateway
	GatewayConnections        []*GatewayConnection
	NATGateways               []*NATGateway
	PublicIPAddresses         []*PublicIPAddress
	LoadBalancers             []*LoadBalancer
	PrivateEndpoints          []*PrivateEndpoint
	AzureFirewalls            []*AzureFirewall
	FirewallPolicies          []*FirewallPolicy
	IPGroups                  []*IPGroup
	RecoveryServicesVaults    []*RecoveryServicesVault
	StorageAccounts           []*StorageAccount

	EffectiveSecurityGroups []*EffectiveSecurityGroup
	EffectiveRouteTables    []*EffectiveRouteTable
	ServiceTags             *ServiceTagCatalogue // nil: no service tag file
	DatacenterRanges        *DatacenterRanges    // nil: none
	Gaps                    []Gap

	byID      map[ID]Any
	byAddress map[netip.Addr][]Owner
	holders   map[*IPConfiguration]*NetworkInterface
	exchanged map[ID]Any // over byID; see Exchange
}

// Owner is a network interface that owns an address, by one of its IP
// configurations.
type Owner struct {
	Interface     *NetworkInterface
	Configuration *IPConfiguration
}

// Data is what belongs to an estate beside its resources.
type Data struct {
	EffectiveSecurityGroups []*EffectiveSecurityGroup
	EffectiveRouteTables    []*EffectiveRouteTable
	ServiceTags             *ServiceTagCatalogue
	DatacenterRanges        *DatacenterRanges
	Gaps                    []Gap
}

// NewNetwork builds an estate from its top-level resources (subnets, IP
// configurations, frontends and pools come with their parents). It refuses an
// element without a resource ID and two elements with one ID.
func NewNetwork(data Data, elements ...Any) (*Network, error) {
	n := &Network{
		EffectiveSecurityGroups: data.EffectiveSecurityGroups,
		EffectiveRouteTables:    data.EffectiveRouteTables,
		ServiceTags:             data.ServiceTags,
		DatacenterRanges:        data.DatacenterRanges,
		Gaps:                    data.Gaps,
		byID:                    make(map[ID]Any, len(elements)),
		byAddress:               map[netip.Addr][]Owner{},
		holders:                 map[*IPConfiguration]*NetworkInterface{},
	}
	for _, e := range elements {
		if err := n.add(e); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (n *Network) add(e Any) error {
	if err := n.register(e); err != nil {
		return err
	}
	var err error
	child := func(c Any) {
		if err == nil && c.Base().ResourceID != "" {
			err = n.register(c)
		}
	}
	switch e := e.(type) {
	case *VirtualNetwork:
		n.VirtualNetworks = append(n.VirtualNetworks, e)
		for _, s := range e.Subnets {
			child(s)
		}
	case *NetworkSecurityGroup:
		n.NetworkSecurityGroups = append(n.NetworkSecurityGroups, e)
	case *ApplicationSecurityGroup:
		n.ApplicationSecurityGroups = append(n.ApplicationSecurityGroups, e)
	case *AdminRule:
		n.AdminRules = append(n.AdminRules, e)
	case *NetworkInterface:
		n.NetworkInterfaces = append(n.NetworkInterfaces, e)
		for _, c := range e.IPConfigurations {
			child(c)
			n.holders[c] = e
			if c.PrivateIPAddress.IsValid() {
				a := c.PrivateIPAddress
				n.byAddress[a] = append(n.byAddress[a], Owner{e, c})
			}
		}
	case *VirtualMachine:
		n.VirtualMachines = append(n.VirtualMachines, e)
	case *RouteTable:
		n.RouteTables = append(n.RouteTables, e)
	case *VirtualNetworkGateway:
		n.VirtualNetworkGateways = append(n.VirtualNetworkGateways, e)
	case *LocalNetworkGateway:
		n.LocalNetworkGateways = append(n.LocalNetworkGateways, e)
	case *GatewayConnection:
		n.GatewayConnections = append(n.GatewayConnections, e)
	case *NATGateway:
		n.NATGateways = append(n.NATGateways, e)
	case *PublicIPAddress:
		n.PublicIPAddresses = append(n.PublicIPAddresses, e)
	case *LoadBalancer:
		n.LoadBalancers = append(n.LoadBalancers, e)
		for _, f := range e.Frontends {
			child(f)
		}
		for _, p := range e.BackendPools {
			child(p)
		}
		for _, r := range e.NATRules {
			child(r)
		}
	case *PrivateEndpoint:
		n.PrivateEndpoints = append(n.PrivateEndpoints, e)
	case *AzureFirewall:
		n.AzureFirewalls = append(n.AzureFirewalls, e)
	case *FirewallPolicy:
		n.FirewallPolicies = append(n.FirewallPolicies, e)
	case *IPGroup:
		n.IPGroups = append(n.IPGroups, e)
	case *RecoveryServicesVault:
		n.RecoveryServicesVaults = append(n.RecoveryServicesVaults, e)
	case *StorageAccount:
		n.StorageAccounts = append(n.StorageAccounts, e)
	default:
		return fmt.Errorf("%T is not a top-level resource", e)
	}
	return err
}

func (n *Network) register(e Any) error {
	b := e.Base()
	id := b.ID()
	if id == "" {
		return fmt.Errorf("%T %q has no resource ID", e, b.Name)
	}
	if old, ok := n.byID[id]; ok {
		return fmt.Errorf("two resources have the ID %s (%s and %s)", b.ResourceID, old.Base().Origin, b.Origin)
	}
	n.byID[id] = e
	return nil
}

// Lookup finds the element of type T that the reference names. It is false
// where the target is not in the data (the reference dangles) or is of
// another type.
func Lookup[T Any](n *Network, r Ref) (T, bool) {
	e, ok := n.Find(r.ID()).(T)
	return e, ok
}

// LookupID is [Lookup] by ID.
func LookupID[T Any](n *Network, id ID) (T, bool) {
	e, ok := n.Find(id).(T)
	return e, ok
}

// Find returns the element with the ID, of whatever type, or nil.
func (n *Network) Find(id ID) Any {
	if e, ok := n.exchanged[id]; ok {
		return e
	}
	return n.byID[id]
}

// Owners returns the interfaces that own the private address; several where
// unrelated virtual networks use the same space.
func (n *Network) Owners(a netip.Addr) []Owner { return n.byAddress[a] }

// Holder returns the interface an IP configuration belongs to.
func (n *Network) Holder(c *IPConfiguration) *NetworkInterface { return n.holders[c] }

// VirtualNetworkOf returns the virtual network of a subnet, nil where it is
// not in the data.
func (n *Network) VirtualNetworkOf(s *Subnet) *VirtualNetwork {
	v, _ := LookupID[*VirtualNetwork](n, s.VirtualNetworkID())
	return v
}

// All calls yield for every top-level resource, kind by kind in the order of
// the fields of Network, within a kind in the order of the data.
func (n *Network) All(yield func(Any) bool) {
	_ = each(n.VirtualNetworks, yield) && each(n.NetworkSecurityGroups, yield) &&
		each(n.ApplicationSecurityGroups, yield) && each(n.AdminRules, yield) &&
		each(n.NetworkInterfaces, yield) && each(n.VirtualMachines, yield) &&
		each(n.RouteTables, yield) && each(n.VirtualNetworkGateways, yield) &&
		each(n.LocalNetworkGateways, yield) && each(n.GatewayConnections, yield) &&
		each(n.NATGateways, yield) && each(n.PublicIPAddresses, yield) &&
		each(n.LoadBalancers, yield) && each(n.PrivateEndpoints, yield) &&
		each(n.AzureFirewalls, yield) && each(n.FirewallPolicies, yield) &&
		each(n.IPGroups, yield) && each(n.RecoveryServicesVaults, yield) &&
		each(n.StorageAccounts, yield)
}

func each[T Any](list []T, yield func(Any) bool) bool {
	for _, e := range list {
		if !yield(e) {
			return false
		}
	}
	return true
}
