package lint

import (
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

func managementPortsOfGroup() *Rule {
	return &Rule{
		ID: "NP1111", Name: "management-port-allowed", Severity: Warning,
		Short: "An NSG whose machines are not in the data lets the Internet in to a port by which machines are managed",
		Why:   "Where only NSGs were exported, it cannot be said which machines are reached: a machine may have no public address, and another NSG may stand before it. The rule stands open for whichever machine comes behind it. With the interfaces and public addresses in the data, NP1201 follows the whole way instead.",
		Fix:   "Use Azure Bastion, a VPN or just-in-time access, and allow the port from there alone.",
		Example: `apiVersion: netpath/v1
networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: allow-ssh, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: Internet, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "22"}
`,
		check: checkManagementPortsOfGroups,
	}
}

func checkManagementPortsOfGroups(run *Run, report func(Finding)) {
	guarding := run.guarding()
	for _, g := range run.Network.NetworkSecurityGroups {
		if !g.RulesGiven || guarding[g.ID()] {
			continue
		}
		for _, r := range g.SecurityRules {
			if ports := run.letIn(g, r); len(ports) > 0 {
				var source []string
				for i := range r.Source.Prefixes {
					source = append(source, strings.TrimSpace(r.Source.Prefixes[i].Text))
				}
				report(Finding{Subject: g.ID(), Name: r.Name, Origin: r.Origin,
					Text: ruleName(r) + " of " + g.Name + " lets " + fewOf(source) + " in on " + strings.Join(ports, ", ") + "; which machines stand behind it is not in the data",
					Fix:  azRule("Allow the port from where it is needed alone", g, r, "update", "--source-address-prefixes <sources>")})
			}
		}
	}
}

// guarding are the NSGs before an interface of the data.
func (run *Run) guarding() map[topology.ID]bool {
	out := map[topology.ID]bool{}
	behind := map[topology.ID]bool{} // subnets and interfaces
	for _, nic := range run.Network.NetworkInterfaces {
		behind[nic.ID()] = true
		out[nic.NetworkSecurityGroup.ID()] = true
		for _, c := range nic.IPConfigurations {
			behind[c.Subnet.ID()] = true
			if sub, ok := topology.Lookup[*topology.Subnet](run.Network, c.Subnet); ok {
				out[sub.NetworkSecurityGroup.ID()] = true
			}
		}
	}
	for _, g := range run.Network.NetworkSecurityGroups {
		for _, r := range slices.Concat(g.Subnets, g.Interfaces) {
			out[g.ID()] = out[g.ID()] || behind[r.ID()]
		}
	}
	return out
}

// letIn are the management ports to which a rule of an NSG certainly lets a
// public address in: one of each of its sources is asked.
func (run *Run) letIn(g *topology.NetworkSecurityGroup, r *topology.SecurityRule) (ports []string) {
	if r.Direction != topology.Inbound || r.Access != topology.Allow || anyone(&r.Source) && allPorts(&r.Destination) && allPorts(&r.Source) {
		return nil // the last is what NP1109 looks for
	}
	for _, p := range managementPortList {
		if r.Protocol != topology.AnyProtocol && r.Protocol != p.protocol ||
			!slices.ContainsFunc(r.Destination.Ports, func(x topology.PortRange) bool { return x.First <= p.port && p.port <= x.Last }) {
			continue
		}
		for i := range r.Source.Prefixes {
			remote, ok := onePublic(&r.Source.Prefixes[i])
			if !ok {
				continue
			}
			q := sim.IPFlowQuestion{NSG: g.ResourceID, Direction: topology.Inbound, Protocol: p.protocol,
				Local: sim.Endpoint{Address: oneLocal(r, remote.Is6()), Port: p.port}, Remote: sim.Endpoint{Address: remote, Port: 50000}}
			if a, err := run.Sim.IPFlow(q); err == nil && a.Access == flow.Allow && a.RuleName != nil && *a.RuleName == r.Name {
				ports = append(ports, p.String())
				break
			}
		}
	}
	return ports
}

// onePublic is a public address of a source.
func onePublic(a *topology.AddressPrefix) (netip.Addr, bool) {
	switch {
	case a.Kind == topology.AnyAddress, a.Kind == topology.TagAddress && strings.EqualFold(a.Tag, "Internet"):
		return netip.AddrFrom4([4]byte{8, 8, 8, 8}), true
	case a.Kind != topology.PrefixAddress:
		return netip.Addr{}, false
	}
	var b netipx.IPSetBuilder
	b.AddPrefix(a.Prefix)
	b.Intersect(scope.PublicSpace())
	s, _ := b.IPSet() // of a valid prefix: no error
	if len(s.Ranges()) == 0 {
		return netip.Addr{}, false
	}
	return s.Ranges()[0].From(), true
}

// oneLocal is an address that a rule may be for.
func oneLocal(r *topology.SecurityRule, v6 bool) netip.Addr {
	for i := range r.Destination.Prefixes {
		if a := &r.Destination.Prefixes[i]; a.Kind == topology.PrefixAddress && a.Prefix.Addr().Is6() == v6 && a.Prefix.Bits() > 0 {
			return a.Prefix.Addr()
		}
	}
	if v6 {
		return netip.MustParseAddr("fd00::4")
	}
	return netip.AddrFrom4([4]byte{10, 0, 0, 4})
}
