package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/topology"
)

func nextHop() *Rule {
	return &Rule{
		ID: "NP1204", Name: "next-hop-does-not-forward", Severity: Error,
		Short: "A route leads to an interface that does not forward, or to an address that nothing owns",
		Why: `Azure drops packets for others that reach an interface without IP forwarding, whatever the guest does (UDR, RTD). A next hop must lie in the virtual network or in one peered with it; an address that nothing owns is a black hole.

That an interface does not forward is certain, and an error. That no interface, load balancer or firewall in the data owns the address is a warning: it may not have been exported.`,
		Fix: "Turn on IP forwarding at the interface, or correct the next hop.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: hub, addressPrefix: 10.0.0.0/24, networkSecurityGroup: nsg}
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg, routeTable: rt-app}
networkSecurityGroups: [{name: nsg}]
routeTables:
  - name: rt-app
    routes:
      - {name: to-branch, addressPrefix: 192.168.0.0/24, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.0.10}
virtualMachines:
  - name: nva
    networkInterfaces: [{name: nva-nic, subnet: v1/hub, privateIPAddress: 10.0.0.10}]
`,
		check: checkNextHop,
	}
}

func checkNextHop(run *Run, report func(Finding)) {
	attached := map[topology.ID][]*topology.VirtualNetwork{} // by route table
	for _, v := range run.Network.VirtualNetworks {
		for _, s := range v.Subnets {
			if id := s.RouteTable.ID(); id != "" && !slices.Contains(attached[id], v) {
				attached[id] = append(attached[id], v)
			}
		}
	}
	for _, t := range run.Network.RouteTables {
		for _, r := range t.Routes {
			if r.NextHop != topology.NextHopVirtualAppliance || !r.NextHopIP.IsValid() || r.Unresolved {
				continue
			}
			for _, v := range attached[t.ID()] {
				if f := run.nextHopFrom(t, r, v); f != nil {
					f.Subject, f.Name, f.Origin = t.ID(), r.Name, r.Origin
					report(*f)
					break
				}
			}
		}
	}
}

// nextHopFrom says what is the matter with a route's appliance for a virtual
// network, nil where nothing is.
func (run *Run) nextHopFrom(t *topology.RouteTable, r *topology.Route, v *topology.VirtualNetwork) *Finding {
	ip := r.NextHopIP
	what := fmt.Sprintf("route %s sends %s to %s", quoted(r.Name), quoted(r.Destination.Text), ip)
	reach := []*topology.VirtualNetwork{v}
	open := v.Stub // other networks may be in reach
	for _, p := range v.Peerings {
		link := run.Sim.Names().Link(v, p)
		if !link.Up && link.Fact == nil {
			continue
		}
		other, ok := topology.Lookup[*topology.VirtualNetwork](run.Network, p.RemoteVirtualNetwork)
		if ok {
			reach = append(reach, other)
		}
		if !ok || other.Stub {
			if space, known := run.Sim.Names().RemoteSpace(p); !known || space.Contains(ip) {
				open = true
			}
		}
	}
	for _, home := range reach {
		for _, o := range run.Network.Owners(ip) {
			if o.Configuration.Subnet.ID().Parent() != home.ID() {
				continue
			}
			return run.forwarding(what, o.Interface)
		}
		if run.frontendIn(home, ip) {
			return nil
		}
	}
	if open {
		return nil
	}
	home := slices.IndexFunc(reach, func(n *topology.VirtualNetwork) bool {
		return slices.ContainsFunc(n.KnownSpace(), func(p netip.Prefix) bool { return p.Contains(ip) })
	})
	if home < 0 {
		return &Finding{Severity: Warning, Text: what + ", which is in no virtual network that " + v.Name + " reaches directly",
			Fix: azRoute("Name an address in "+v.Name+" or in a network peered with it", t, r, "update", "--next-hop-ip-address <address>")}
	}
	f := &Finding{Severity: Warning, Text: what + ", which no interface, load balancer or firewall in the data owns",
		Fix: azRoute("Name the address of the appliance, or export its interface (az network nic list)", t, r, "update", "--next-hop-ip-address <address>")}
	f.Undecided = len(run.Network.NetworkInterfaces) == 0 || run.danglingInterfaces() ||
		!run.whole("Microsoft.Network/networkInterfaces", "Microsoft.Network/loadBalancers", "Microsoft.Network/azureFirewalls") ||
		ofFirewall(reach[home], ip)
	if f.Undecided {
		f.Severity = Note
		f.Text += "; others may exist"
	}
	return f
}

// ofFirewall reports whether an address lies in the subnet of an Azure
// Firewall, which may not be in the data.
func ofFirewall(v *topology.VirtualNetwork, ip netip.Addr) bool {
	return slices.ContainsFunc(v.Subnets, func(s *topology.Subnet) bool {
		return strings.EqualFold(s.Name, "AzureFirewallSubnet") && slices.ContainsFunc(s.Prefixes, func(p netip.Prefix) bool { return p.Contains(ip) })
	})
}

// forwarding says that an appliance's interface does not forward, nil where it
// does or may.
func (run *Run) forwarding(what string, nic *topology.NetworkInterface) *Finding {
	if nic.EnableIPForwarding == topology.On || slices.ContainsFunc(nic.NotModelled, func(p topology.Property) bool { return p.Name == "enableIPForwarding" }) {
		return nil
	}
	f := &Finding{Text: what + ", and interface " + nic.Name + ", which has that address, does not forward: the packets are dropped",
		Fix:     az("Turn on IP forwarding", &nic.Element, "network nic update", "-n", shell(nic.Name), "--ip-forwarding true"),
		Related: []Related{{Text: "interface " + nic.Name, Origin: nic.Origin}}}
	if nic.Design {
		f.Fix = "Write enableIPForwarding: true at interface " + nic.Name + "."
	}
	return f
}

// frontendIn reports whether a load balancer, a firewall or a private endpoint
// of the virtual network has the address.
func (run *Run) frontendIn(v *topology.VirtualNetwork, ip netip.Addr) bool {
	for _, lb := range run.Network.LoadBalancers {
		for _, f := range lb.Frontends {
			if f.PrivateIPAddress == ip && f.Subnet.ID().Parent() == v.ID() {
				return true
			}
		}
	}
	for _, f := range run.Network.AzureFirewalls {
		if f.PrivateIPAddress == ip && (f.Subnet.ID().Parent() == v.ID() || f.VirtualNetwork.ID() == v.ID()) {
			return true
		}
	}
	for _, pe := range run.Network.PrivateEndpoints {
		if slices.Contains(pe.Addresses, ip) && pe.Subnet.ID().Parent() == v.ID() {
			return true
		}
	}
	return false
}
