package topology

import (
	"net/netip"
	"slices"
)

// VirtualNetwork is a virtual network with its subnets and its own side of
// its peerings.
type VirtualNetwork struct {
	Element
	AddressSpace []netip.Prefix // IPv4 and IPv6, masked
	Subnets      []*Subnet
	Peerings     []*Peering
	// Stub: subnets or peerings were exported without their virtual network;
	// its address space, other subnets and other peerings are not known.
	Stub bool
}

// KnownSpace is the address space as far as the data shows it: of a stub only
// what its subnets have.
func (v *VirtualNetwork) KnownSpace() []netip.Prefix {
	if !v.Stub {
		return v.AddressSpace
	}
	list := slices.Clone(v.AddressSpace)
	for _, s := range v.Subnets {
		list = append(list, s.Prefixes...)
	}
	return list
}

// Subnet is a subnet of a virtual network. A subnet in the data says itself
// whether it has an NSG, a route table or a NAT gateway: the zero Ref means
// it has none.
type Subnet struct {
	Element                                 // the ResourceID is …/virtualNetworks/V/subnets/S
	Prefixes              []netip.Prefix    // one or several, masked
	NetworkSecurityGroup  Ref               // zero: none
	RouteTable            Ref               // zero: none
	NATGateway            Ref               // zero: none
	ServiceEndpoints      []ServiceEndpoint // empty: none
	DefaultOutboundAccess Switch            // Off: private subnet (DOA)
	PrivateEndpointPolicy NetworkPolicy     // of the private endpoints in this subnet (PENP)
	Delegations           []string          // service names, "Microsoft.Sql/managedInstances"
	ServiceEndpointPolicy []Ref             // not modelled beyond being named
	IPConfigurationRefs   []Ref             // back references of the export: they name NICs, exported or not
	PrivateEndpointRefs   []Ref             // back references of the export
	AddressPrefixUnknown  bool              // the prefix is an expression that was not resolved
}

// VirtualNetworkID is the ID of the virtual network the subnet is part of.
func (s *Subnet) VirtualNetworkID() ID { return s.ID().Parent() }

// ServiceEndpoint is one entry of a subnet's serviceEndpoints.
type ServiceEndpoint struct {
	Service   string   // "Microsoft.Storage"
	Locations []string // as written; empty: not said
	Origin    Origin
}

// NetworkPolicy is privateEndpointNetworkPolicies of a subnet.
type NetworkPolicy string

// The values of NetworkPolicy. The documented default is Disabled (PENP).
const (
	PolicyUnset             NetworkPolicy = ""
	PolicyDisabled          NetworkPolicy = "Disabled"
	PolicyEnabled           NetworkPolicy = "Enabled"
	PolicyNSGEnabled        NetworkPolicy = "NetworkSecurityGroupEnabled"
	PolicyRouteTableEnabled NetworkPolicy = "RouteTableEnabled"
)

// AppliesNSG reports whether NSGs of the subnet apply to its private endpoints.
func (p NetworkPolicy) AppliesNSG() bool { return p == PolicyEnabled || p == PolicyNSGEnabled }

// AppliesRoutes reports whether user-defined routes may override the /32 of
// the subnet's private endpoints.
func (p NetworkPolicy) AppliesRoutes() bool {
	return p == PolicyEnabled || p == PolicyRouteTableEnabled
}

// Peering is one side of a virtual network peering, as the local virtual
// network describes it (PEER).
type Peering struct {
	Element
	RemoteVirtualNetwork      Ref
	RemoteAddressSpace        []netip.Prefix // as the local side recorded it; may be stale
	RemoteAddressSpaceGiven   bool
	State                     string // "Connected", "Initiated", "Disconnected"; "" in an export: not said; a design says "Connected"
	AllowVirtualNetworkAccess Switch // default true
	AllowForwardedTraffic     Switch // default false
	AllowGatewayTransit       Switch // default false
	UseRemoteGateways         Switch // default false
	PeerCompleteVnets         Switch // Off: subnet peering
	LocalSubnetNames          []string
	RemoteSubnetNames         []string
}

// VirtualNetworkGateway is a VPN or ExpressRoute gateway.
type VirtualNetworkGateway struct {
	Element
	VirtualNetwork  Ref    // the network whose GatewaySubnet holds it
	GatewayType     string // "Vpn", "ExpressRoute", "" where not said
	EnableBGP       Switch
	ClientPools     []netip.Prefix // point-to-site address pools
	LearnedPrefixes []netip.Prefix // BGP and local network gateway prefixes as a design gives them
	LearnedGiven    bool           // LearnedPrefixes is the complete list
	PublicIPs       []Ref
}

// LocalNetworkGateway is the on-premises side of a site-to-site connection.
type LocalNetworkGateway struct {
	Element
	Prefixes []netip.Prefix
	BGP      bool // bgpSettings given
}

// GatewayConnection joins a virtual network gateway to its other side.
type GatewayConnection struct {
	Element
	Type                  string // "IPsec", "Vnet2Vnet", "ExpressRoute"
	VirtualNetworkGateway Ref
	OtherGateway          Ref // virtualNetworkGateway2
	LocalNetworkGateway   Ref
	EnableBGP             Switch
	Status                string // connectionStatus; "" where not said
}
