package arm

import (
	"net/netip"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/source"
)

func (r *Reader) networkInterface(o *object) {
	if r.stub(o) {
		return
	}
	n := &topology.NetworkInterface{
		Element:              o.element("", ""),
		NetworkSecurityGroup: o.ref("networkSecurityGroup"),
		EnableIPForwarding:   o.toggle("enableIPForwarding"),
		VirtualMachine:       o.ref("virtualMachine"),
		Primary:              o.toggle("primary"),
		PrivateEndpoint:      o.ref("privateEndpoint"),
		DefaultOutbound:      o.toggle("defaultOutboundConnectivityEnabled"),
	}
	configs, _ := o.objects("ipConfigurations")
	for _, co := range configs {
		n.IPConfigurations = append(n.IPConfigurations, r.readIPConfiguration(co, n.ResourceID))
	}
	if len(configs) == 0 {
		o.refuse("ipConfigurations", "expected at least one IP configuration", "")
	}
	if r.File.Err == nil {
		r.add(n)
	}
}

func (r *Reader) ipConfiguration(o *object) {
	if r.stub(o) {
		return
	}
	r.add(r.readIPConfiguration(o, ""))
}

func (r *Reader) readIPConfiguration(o *object, parent string) *topology.IPConfiguration {
	f := r.File
	c := &topology.IPConfiguration{
		Element:         o.element(parent, "ipConfigurations"),
		Subnet:          o.ref("subnet"),
		PublicIPAddress: o.ref("publicIPAddress"),
		Primary:         o.toggle("primary"),
		ASGs:            o.refs("applicationSecurityGroups"),
		BackendPools:    o.refs("loadBalancerBackendAddressPools"),
		InboundNATRules: o.refs("loadBalancerInboundNatRules"),
	}
	if text, is := o.expression("privateIPAddress"); is {
		f.Say(source.Doubt, o.get("privateIPAddress"), "export the deployed resource instead of a template", "the expression %s is not evaluated", source.Quote(text))
	} else {
		c.PrivateIPAddress = f.Addr(o.get("privateIPAddress"))
	}
	if source.Expression(c.PublicIPAddress.Text) {
		c.PublicIPAddress, c.PublicIPUnknown = topology.Ref{}, true
	}
	return c
}

func (r *Reader) publicIPAddress(o *object) {
	p := &topology.PublicIPAddress{
		Element:         o.element("", ""),
		IPAddress:       r.allocated(o.get("ipAddress")),
		SKU:             o.sku("Basic", "Standard", "StandardV2"),
		IPConfiguration: o.ref("ipConfiguration"),
		NATGateway:      o.ref("natGateway"),
	}
	for _, method := range []string{"Static", "Dynamic"} {
		if strings.EqualFold(textOf(o.get("publicIPAllocationMethod")), method) {
			p.AllocationMethod = method
		}
	}
	r.add(p)
}

func (r *Reader) natGateway(o *object) {
	if r.stub(o) {
		return
	}
	r.add(&topology.NATGateway{
		Element:        o.element("", ""),
		PublicIPs:      append(o.refs("publicIpAddresses"), o.refs("publicIpAddressesV6")...),
		PublicPrefixes: append(o.refs("publicIpPrefixes"), o.refs("publicIpPrefixesV6")...),
		Subnets:        o.refs("subnets"),
	})
}

// allocated reads an address that Az PowerShell writes as "Not Assigned" where
// there is none yet.
func (r *Reader) allocated(n *doctree.Node) netip.Addr {
	if strings.EqualFold(textOf(n), "Not Assigned") {
		return netip.Addr{}
	}
	return r.File.Addr(n)
}

// sku reads the name of the resource's SKU in the spelling of the words;
// another name is kept as written.
func (o *object) sku(words ...string) string {
	if !o.has("sku") {
		return ""
	}
	name := o.child("sku").text("name")
	for _, w := range words {
		if strings.EqualFold(name, w) {
			return w
		}
	}
	return name
}
