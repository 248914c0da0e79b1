package topology

import "net/netip"

// NextHopType is where a route sends a packet, in the spelling of effective
// routes.
type NextHopType string

// The next hop types (UDR, NXH).
const (
	NextHopVnetLocal        NextHopType = "VnetLocal"
	NextHopVNetPeering      NextHopType = "VNetPeering"
	NextHopGlobalPeering    NextHopType = "VNetGlobalPeering"
	NextHopConnectedGroup   NextHopType = "ConnectedGroup"
	NextHopInternet         NextHopType = "Internet"
	NextHopVirtualAppliance NextHopType = "VirtualAppliance"
	NextHopGateway          NextHopType = "VirtualNetworkGateway"
	NextHopServiceEndpoint  NextHopType = "VirtualNetworkServiceEndpoint"
	NextHopPrivateEndpoint  NextHopType = "InterfaceEndpoint"
	NextHopNone             NextHopType = "None"
)

// RouteTable is a route table that subnets refer to.
type RouteTable struct {
	Element
	Routes                []*Route
	RoutesGiven           bool   // false: a stub with an ID and nothing else
	DisableBGPPropagation Switch // default false
	Subnets               []Ref  // back references
}

// Route is a user-defined route.
type Route struct {
	Element
	Destination AddressPrefix // PrefixAddress or TagAddress
	NextHop     NextHopType
	NextHopIP   netip.Addr // VirtualAppliance only
	Unresolved  bool       // a property is an expression that was not evaluated
}

// EffectiveRouteTable is an exported effective route table
// (az network nic show-effective-route-table).
type EffectiveRouteTable struct {
	Origin           Origin
	NetworkInterface Ref // the export does not say; the loader sets it where the file's name is an interface's
	Routes           []EffectiveRoute
}

// EffectiveRoute is one row of an effective route table.
type EffectiveRoute struct {
	Source    string // Unknown, User, VirtualNetworkGateway, Default
	State     string // Active, Invalid
	Prefixes  []netip.Prefix
	NextHop   NextHopType
	NextHopIP []netip.Addr
	Tags      []string
	Origin    Origin
}

// EffectiveSecurityGroup is one element of an effective NSG export
// (az network nic list-effective-nsg).
type EffectiveSecurityGroup struct {
	Origin               Origin
	NetworkSecurityGroup Ref
	Subnet               Ref // association: subnet or interface
	NetworkInterface     Ref
	Rules                []*SecurityRule
	TagMap               map[string][]netip.Prefix // by tag as written
}
