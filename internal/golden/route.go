package golden

import (
	"net/netip"

	"github.com/netpath/netpath/topology"
)

// Route is a user-defined route under construction.
type Route struct {
	name        string
	destination string
	nextHop     topology.NextHopType
	nextHopIP   netip.Addr
}

// Via is a route to a virtual appliance. The destination is a CIDR block or a
// service tag.
func Via(name, destination, appliance string) Route {
	return Route{name, destination, topology.NextHopVirtualAppliance, netip.MustParseAddr(appliance)}
}

// Hop is a route with a next hop that has no address: None, Internet,
// VirtualNetworkGateway or VnetLocal.
func Hop(name, destination string, next topology.NextHopType) Route {
	return Route{name: name, destination: destination, nextHop: next}
}

// String is "name 0.0.0.0/0 > VirtualAppliance 10.0.0.10".
func (r Route) String() string {
	s := r.name + " " + r.destination + " > " + string(r.nextHop)
	if r.nextHopIP.IsValid() {
		s += " " + r.nextHopIP.String()
	}
	return s
}

func (r Route) build(tableID string) *topology.Route {
	id := tableID + "/routes/" + r.name
	return &topology.Route{
		Element:     topology.Element{ResourceID: id, Name: r.name, ProvisioningState: "Succeeded", Origin: origin(id)},
		Destination: address(r.destination), NextHop: r.nextHop, NextHopIP: r.nextHopIP,
	}
}
