package arm

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/source"
)

func (r *Reader) privateEndpoint(o *object) {
	if r.stub(o) {
		return
	}
	f := r.File
	e := &topology.PrivateEndpoint{
		Element:           o.element("", ""),
		Subnet:            o.ref("subnet"),
		NetworkInterfaces: o.refs("networkInterfaces"),
		ASGs:              o.refs("applicationSecurityGroups"),
	}
	if e.Subnet.IsZero() {
		o.refuse("subnet", "expected a subnet of the private endpoint", "")
	}
	// One address may stand in the IP configurations and in the DNS entries.
	address := func(a netip.Addr) {
		if a.IsValid() && !slices.Contains(e.Addresses, a) {
			e.Addresses = append(e.Addresses, a)
		}
	}
	configs, _ := o.objects("ipConfigurations")
	for _, c := range configs {
		address(f.Addr(c.get("privateIPAddress")))
	}
	dns, _ := o.objects("customDnsConfigs")
	for _, d := range dns {
		if name := d.text("fqdn"); name != "" {
			e.HostNames = append(e.HostNames, name)
		}
		for _, a := range f.Addrs(d.get("ipAddresses")) {
			address(a)
		}
	}
	for _, name := range []string{"privateLinkServiceConnections", "manualPrivateLinkServiceConnections"} {
		list, _ := o.objects(name)
		for _, c := range list {
			r.privateLink(c, e)
		}
	}
	r.add(e)
}

// privateLink reads one connection of a private endpoint.
func (r *Reader) privateLink(o *object, e *topology.PrivateEndpoint) {
	e.Services = append(e.Services, r.File.Texts(o.get("groupIds"))...)
	if n := o.get("privateLinkServiceId"); !source.IsEmpty(n) && e.TargetResource.IsZero() {
		e.TargetResource = topology.Ref{Text: r.File.Text(n), Origin: r.File.Origin(n)}
	}
	if !o.has("privateLinkServiceConnectionState") {
		return
	}
	// Of several connections the one that is not approved counts.
	state := o.child("privateLinkServiceConnectionState").text("status")
	if state != "" && (e.ConnectionState == "" || strings.EqualFold(e.ConnectionState, "Approved")) {
		e.ConnectionState = state
	}
}
