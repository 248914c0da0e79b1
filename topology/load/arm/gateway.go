package arm

import (
	"strings"

	"github.com/netpath/netpath/topology"
)

func (r *Reader) virtualNetworkGateway(o *object) {
	if r.stub(o) {
		return
	}
	g := &topology.VirtualNetworkGateway{
		Element:     o.element("", ""),
		GatewayType: r.File.OneOf(o.get("gatewayType"), "Vpn", "ExpressRoute", "LocalGateway", "HyperNet"),
		EnableBGP:   o.toggle("enableBgp"),
	}
	configs, _ := o.objects("ipConfigurations")
	for _, co := range configs {
		if subnet := co.ref("subnet"); !subnet.IsZero() && g.VirtualNetwork.IsZero() {
			g.VirtualNetwork = topology.Ref{Text: parentOf(subnet.Text), Origin: subnet.Origin}
		}
		if ip := co.ref("publicIPAddress"); !ip.IsZero() {
			g.PublicIPs = append(g.PublicIPs, ip)
		}
	}
	if o.has("vpnClientConfiguration") {
		g.ClientPools, _ = o.child("vpnClientConfiguration").addressSpace("vpnClientAddressPool")
	}
	r.add(g)
}

// parentOf cuts the last two segments off an ID, as written.
func parentOf(id string) string {
	for range 2 {
		i := strings.LastIndexByte(id, '/')
		if i < 0 {
			return ""
		}
		id = id[:i]
	}
	return id
}

func (r *Reader) localNetworkGateway(o *object) {
	if r.stub(o) {
		return
	}
	g := &topology.LocalNetworkGateway{Element: o.element("", ""), BGP: o.has("bgpSettings")}
	g.Prefixes, _ = o.addressSpace("localNetworkAddressSpace")
	r.add(g)
}

func (r *Reader) connection(o *object) {
	if r.stub(o) {
		return
	}
	r.add(&topology.GatewayConnection{
		Element:               o.element("", ""),
		Type:                  r.File.OneOf(o.get("connectionType"), "IPsec", "Vnet2Vnet", "ExpressRoute", "VPNClient"),
		VirtualNetworkGateway: o.ref("virtualNetworkGateway1"),
		OtherGateway:          o.ref("virtualNetworkGateway2"),
		LocalNetworkGateway:   o.ref("localNetworkGateway2"),
		EnableBGP:             o.toggle("enableBgp"),
		Status:                o.text("connectionStatus"),
	})
}
