package diff

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/netpath/netpath/topology"
)

// elsewhere are the properties that decide nothing of a packet's way, that
// repeat what another resource says, or whose change is told of an NSG, an
// interface's gates, a route or a resource of its own.
var elsewhere = map[reflect.Type][]string{
	reflect.TypeFor[topology.Element]():          {"ResourceID", "ResourceGroup", "Location", "ProvisioningState", "Tags", "Design", "NotModelled"},
	reflect.TypeFor[topology.NetworkInterface](): {"NetworkSecurityGroup", "VirtualMachine", "Primary"},
	reflect.TypeFor[topology.IPConfiguration]():  {"PublicIPAddress", "ASGs"},
	reflect.TypeFor[topology.NATGateway]():       {"Subnets"},
	reflect.TypeFor[topology.VirtualNetwork]():   {"Subnets", "Peerings", "Stub"},
	reflect.TypeFor[topology.Subnet]():           {"NetworkSecurityGroup", "RouteTable", "IPConfigurationRefs", "PrivateEndpointRefs"},
	reflect.TypeFor[topology.PrivateEndpoint]():  {"ASGs"},
}

// ofMachines are the properties of a machine that bear on packets.
var ofMachines = []string{"HostFirewall", "ProxyServer", "Proxy", "Flexible"}

// contents is what a resource says, whatever the order of its lists. Without
// ids the resources that it refers to count by their names alone: so are
// resources compared whose own IDs differ.
func contents(x topology.Any, ids bool) string {
	var write func(reflect.Value) string
	write = func(v reflect.Value) string {
		switch v.Kind() {
		case reflect.Pointer:
			if v.IsNil() {
				return "-"
			}
			return write(v.Elem())
		case reflect.Slice:
			list := make([]string, v.Len())
			for i := range list {
				list[i] = write(v.Index(i))
			}
			slices.Sort(list)
			return "[" + strings.Join(list, ",") + "]"
		case reflect.Struct:
			t := v.Type()
			switch y := v.Interface().(type) {
			case topology.Origin:
				return ""
			case topology.Ref:
				if ids {
					return fmt.Sprintf("%q", y.ID())
				}
				return fmt.Sprintf("%q", y.ID().Name())
			case fmt.Stringer:
				return fmt.Sprintf("%q", y.String())
			}
			var b strings.Builder
			b.WriteString("{")
			for i := range t.NumField() {
				f := t.Field(i)
				if !f.IsExported() || slices.Contains(elsewhere[t], f.Name) ||
					t == reflect.TypeFor[topology.VirtualMachine]() && !slices.Contains(ofMachines, f.Name) {
					continue
				}
				b.WriteString(f.Name + ":" + write(v.Field(i)) + ";")
			}
			return b.String() + "}"
		case reflect.String:
			return fmt.Sprintf("%q", strings.ToLower(v.String()))
		default:
			return fmt.Sprint(v.Interface())
		}
	}
	return write(reflect.ValueOf(x))
}

// changed tells of the resources of a kind that both sides have, and that say
// something else than before.
func changed[T interface {
	topology.Any
	comparable
}](c *comparison, kind string, pairs []pair[T], name func(T) string) {
	for _, p := range pairs {
		if !both(p) {
			continue
		}
		a, b := p.old.Base(), p.new.Base()
		if ids := a.ID() == b.ID(); contents(p.old, ids) != contents(p.new, ids) {
			c.report.Elements = append(c.report.Elements, Element{Kind: kind, Name: name(p.new), ID: b.ResourceID, Changed: true, Origin: b.Origin})
		}
	}
}

// changes finds the resources that lead packets another way, or filter them,
// and that are neither NSGs nor routes.
func (c *comparison) changes() {
	old, new := c.sides[0].Network(), c.sides[1].Network()
	changed(c, "virtual network", match(old.VirtualNetworks, new.VirtualNetworks, bareName[*topology.VirtualNetwork]), nameOf[*topology.VirtualNetwork])
	changed(c, "virtual network peering", c.peerings(), peeringLabel)
	changed(c, "network interface", match(old.NetworkInterfaces, new.NetworkInterfaces, bareName[*topology.NetworkInterface]), nameOf[*topology.NetworkInterface])
	changed(c, "virtual machine", match(old.VirtualMachines, new.VirtualMachines, bareName[*topology.VirtualMachine]), nameOf[*topology.VirtualMachine])
	changed(c, "public IP address", match(old.PublicIPAddresses, new.PublicIPAddresses, bareName[*topology.PublicIPAddress]), nameOf[*topology.PublicIPAddress])
	changed(c, "load balancer", match(old.LoadBalancers, new.LoadBalancers, bareName[*topology.LoadBalancer]), nameOf[*topology.LoadBalancer])
	changed(c, "private endpoint", match(old.PrivateEndpoints, new.PrivateEndpoints, bareName[*topology.PrivateEndpoint]), nameOf[*topology.PrivateEndpoint])
	changed(c, "NAT gateway", match(old.NATGateways, new.NATGateways, bareName[*topology.NATGateway]), nameOf[*topology.NATGateway])
	changed(c, "virtual network gateway", match(old.VirtualNetworkGateways, new.VirtualNetworkGateways, bareName[*topology.VirtualNetworkGateway]), nameOf[*topology.VirtualNetworkGateway])
	changed(c, "local network gateway", match(old.LocalNetworkGateways, new.LocalNetworkGateways, bareName[*topology.LocalNetworkGateway]), nameOf[*topology.LocalNetworkGateway])
	changed(c, "gateway connection", match(old.GatewayConnections, new.GatewayConnections, bareName[*topology.GatewayConnection]), nameOf[*topology.GatewayConnection])
	changed(c, "Azure Firewall", match(old.AzureFirewalls, new.AzureFirewalls, bareName[*topology.AzureFirewall]), nameOf[*topology.AzureFirewall])
	changed(c, "firewall policy", match(old.FirewallPolicies, new.FirewallPolicies, bareName[*topology.FirewallPolicy]), nameOf[*topology.FirewallPolicy])
	changed(c, "IP group", match(old.IPGroups, new.IPGroups, bareName[*topology.IPGroup]), nameOf[*topology.IPGroup])
	var rules []pair[*topology.AdminRule]
	for _, p := range match(old.AdminRules, new.AdminRules, bareName[*topology.AdminRule]) {
		if both(p) && !(c.everywhere(p.old) && c.everywhere(p.new)) { // else it is told of the interfaces
			rules = append(rules, p)
		}
	}
	changed(c, "security admin rule", rules, nameOf[*topology.AdminRule])
	changed(c, "subnet", c.pairedSubnets(), subnetLabel)
}

func nameOf[T topology.Any](x T) string { return x.Base().Name }

// peerings pairs the peerings of virtual networks that both sides have.
func (c *comparison) peerings() []pair[*topology.Peering] {
	var out []pair[*topology.Peering]
	for _, p := range match(c.sides[0].Network().VirtualNetworks, c.sides[1].Network().VirtualNetworks, bareName[*topology.VirtualNetwork]) {
		if both(p) {
			out = append(out, match(p.old.Peerings, p.new.Peerings, bareName[*topology.Peering])...)
		}
	}
	return out
}

// peeringLabel is "v1 to v2".
func peeringLabel(p *topology.Peering) string {
	return p.ID().Parent().Name() + " to " + p.RemoteVirtualNetwork.ID().Name()
}
