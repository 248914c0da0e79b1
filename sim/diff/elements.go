package diff

import (
	"cmp"
	"slices"

	"github.com/netpath/netpath/topology"
)

// Element is a resource that only one side has, or that says something else
// than before which is told of no NSG, interface or route: who is in a load
// balancer's pool, a rule of a firewall, a flag of a peering, the machine of an
// interface. A public IP address that only one side has at an interface is one
// too. What such a change does to packets is not worked out.
type Element struct {
	Kind    string // "virtual machine", "network interface", "subnet", …
	Name    string
	ID      string
	Added   bool // the new side alone has it
	Changed bool // both have it; neither: the old side alone has it
	Origin  topology.Origin

	// Uncompared is what hangs on the resource and is not compared, in words;
	// "" where NSGs, gates of interfaces and routes tell all of it.
	Uncompared string

	allowsOnly, deniesOnly bool // what is not compared can be no more than this
}

// MayAllow reports whether the change may let packets through that were denied.
func (e *Element) MayAllow() bool { return e.Uncompared != "" && !e.deniesOnly }

// MayDeny reports whether the change may stop packets that were let through.
func (e *Element) MayDeny() bool { return e.Uncompared != "" && !e.allowsOnly }

// elements finds what only one side has, and what says something else.
func (c *comparison) elements() error {
	old, new := c.sides[0].Network(), c.sides[1].Network()
	var out []Element
	add := func(kind string, e topology.Any, name string, added bool) {
		b := e.Base()
		out = append(out, Element{Kind: kind, Name: name, ID: b.ResourceID, Added: added, Origin: b.Origin})
	}
	single(add, "network security group", old.NetworkSecurityGroups, new.NetworkSecurityGroups, c.matchGroups)
	single(add, "virtual network", old.VirtualNetworks, new.VirtualNetworks, nil)
	single(add, "network interface", old.NetworkInterfaces, new.NetworkInterfaces, nil)
	single(add, "virtual machine", old.VirtualMachines, new.VirtualMachines, nil)
	single(add, "route table", old.RouteTables, new.RouteTables, nil)
	single(add, "public IP address", old.PublicIPAddresses, new.PublicIPAddresses, nil)
	single(add, "load balancer", old.LoadBalancers, new.LoadBalancers, nil)
	single(add, "private endpoint", old.PrivateEndpoints, new.PrivateEndpoints, nil)
	single(add, "NAT gateway", old.NATGateways, new.NATGateways, nil)
	single(add, "virtual network gateway", old.VirtualNetworkGateways, new.VirtualNetworkGateways, nil)
	single(add, "local network gateway", old.LocalNetworkGateways, new.LocalNetworkGateways, nil)
	single(add, "gateway connection", old.GatewayConnections, new.GatewayConnections, nil)
	single(add, "Azure Firewall", old.AzureFirewalls, new.AzureFirewalls, nil)
	single(add, "firewall policy", old.FirewallPolicies, new.FirewallPolicies, nil)
	single(add, "IP group", old.IPGroups, new.IPGroups, nil)
	single(add, "security admin rule", old.AdminRules, new.AdminRules, nil)
	single(add, "application security group", old.ApplicationSecurityGroups, new.ApplicationSecurityGroups, nil)
	for _, p := range c.peerings() {
		switch {
		case p.old == nil:
			add("virtual network peering", p.new, peeringLabel(p.new), true)
		case p.new == nil:
			add("virtual network peering", p.old, peeringLabel(p.old), false)
		}
	}
	for _, p := range c.pairedSubnets() {
		switch {
		case p.old == nil:
			add("subnet", p.new, subnetLabel(p.new), true)
		case p.new == nil:
			add("subnet", p.old, subnetLabel(p.old), false)
		}
	}
	for _, p := range match(old.NetworkInterfaces, new.NetworkInterfaces, bareName[*topology.NetworkInterface]) {
		if !both(p) {
			continue
		}
		for _, side := range []struct {
			has, other *topology.NetworkInterface
			added      bool
		}{{p.new, p.old, true}, {p.old, p.new, false}} {
			for _, x := range side.has.IPConfigurations {
				if r := x.PublicIPAddress; !r.IsZero() && !slices.ContainsFunc(side.other.IPConfigurations, func(y *topology.IPConfiguration) bool { return y.PublicIPAddress.ID() == r.ID() }) {
					add("public IP address at an interface", x, side.has.Name+": "+r.ID().Name(), side.added)
				}
			}
		}
	}
	c.report.Elements = out
	c.changes()
	c.open()
	slices.SortStableFunc(c.report.Elements, func(a, b Element) int { return cmp.Compare(a.Kind, b.Kind) })
	return nil
}

// single tells of the elements of a kind that have no counterpart.
func single[T interface {
	topology.Any
	comparable
}](add func(string, topology.Any, string, bool), kind string, old, new []T, paired func() []pair[T]) {
	var none T
	if paired == nil {
		paired = func() []pair[T] { return match(old, new, bareName[T]) }
	}
	for _, p := range paired() {
		switch {
		case p.old == none:
			add(kind, p.new, p.new.Base().Name, true)
		case p.new == none:
			add(kind, p.old, p.old.Base().Name, false)
		}
	}
}
