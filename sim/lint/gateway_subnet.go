package lint

import (
	"strings"

	"github.com/netpath/netpath/topology"
)

func gatewaySubnet() *Rule {
	return &Rule{
		ID: "NP1210", Name: "gateway-subnet-routes", Severity: Error,
		Short: "The routes of a GatewaySubnet cut its gateway off",
		Why:   `A gateway needs a straight way to its management, and the routes that it learns: a user-defined route for 0.0.0.0/0 is not supported on GatewaySubnet, and with the propagation of gateway routes switched off there the gateway does not work (UDR).`,
		Fix:   "Remove the route, and leave the propagation of gateway routes on.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: GatewaySubnet, addressPrefix: 10.0.255.0/27, routeTable: rt-gateway}
routeTables:
  - name: rt-gateway
    disableBgpRoutePropagation: true
    routes:
      - {name: spoke, addressPrefix: 10.1.0.0/16, nextHopType: VnetLocal}
`,
		check: checkGatewaySubnet,
	}
}

func checkGatewaySubnet(run *Run, report func(Finding)) {
	for _, v := range run.Network.VirtualNetworks {
		for _, s := range v.Subnets {
			table, ok := topology.Lookup[*topology.RouteTable](run.Network, s.RouteTable)
			if !ok || !strings.EqualFold(s.Name, "GatewaySubnet") {
				continue
			}
			related := []Related{{Text: "subnet " + subnetName(s), Origin: s.Origin}}
			if table.DisableBGPPropagation == topology.On {
				report(Finding{Subject: table.ID(), Name: subnetName(s), Origin: table.Origin, Related: related,
					Text: table.Name + " switches off the propagation of gateway routes in subnet " + subnetName(s),
					Fix:  az("Switch it on", &table.Element, "network route-table update", "-n", shell(table.Name), "--disable-bgp-route-propagation false")})
			}
			for _, r := range table.Routes {
				if r.Destination.Kind == topology.PrefixAddress && r.Destination.Prefix.Bits() == 0 && r.Destination.Prefix.Addr().Is4() {
					report(Finding{Subject: table.ID(), Name: subnetName(s) + "/" + r.Name, Origin: r.Origin, Related: related,
						Text: "route " + quoted(r.Name) + " of " + table.Name + " is a default route in subnet " + subnetName(s),
						Fix:  azRoute("Remove the route, or name the prefixes that are meant", table, r, "delete")})
				}
			}
		}
	}
}
