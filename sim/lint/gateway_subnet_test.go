package lint

import "testing"

func TestRoutesThatCutAGatewayOffAreFound(t *testing.T) {
	text := func(subnet, propagation, route string) string {
		return `virtualNetworks: [{name: v1, addressPrefixes: [10.0.0.0/16], subnets: [{name: ` + subnet + `, addressPrefix: 10.0.1.0/24, routeTable: rt}]}]
routeTables: [{name: rt, disableBgpRoutePropagation: ` + propagation + `, routes: [{name: r, addressPrefix: ` + route + `, nextHopType: Internet}]}]
`
	}
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"propagation off", text("GatewaySubnet", "true", "10.1.0.0/16"), []string{"error rt switches off the propagation of gateway routes in subnet v1/GatewaySubnet"}},
		{"a default route", text("GatewaySubnet", "false", "0.0.0.0/0"), []string{`error route "r" of rt is a default route in subnet v1/GatewaySubnet`}},
		{"routes to spokes", text("GatewaySubnet", "false", "10.1.0.0/16"), nil},
		{"another subnet", text("app", "true", "0.0.0.0/0"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, design(t, "NP1210", tt.text), tt.want...) })
	}
}
