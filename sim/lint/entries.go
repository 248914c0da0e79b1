package lint

import (
	"fmt"
	"net/netip"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// entry are addresses that packets from the Internet come to alike.
type entry struct {
	owners   []topology.Owner
	straight bool // through admin rules and security groups alone
	known    bool // the data says which security groups stand before them
}

// entries are the addresses of interfaces that a public IP address, a load
// balancer or a firewall of the data may lead to, by situation.
func (run *Run) entries() []*entry {
	x := &situations{run: run, translated: map[netip.Addr]bool{}, balanced: map[topology.ID]bool{}}
	for _, lb := range run.Network.LoadBalancers {
		for _, p := range lb.BackendPools {
			for _, r := range p.IPConfigurations {
				x.balanced[r.ID()] = true
			}
			for _, r := range p.Interfaces {
				x.balanced[r.ID()] = true
			}
			for _, a := range p.Addresses {
				for _, o := range run.Network.Owners(a) {
					x.balanced[o.Configuration.ID()] = true
				}
			}
		}
		for _, r := range lb.NATRules {
			x.balanced[r.BackendIPConfiguration.ID()] = true
		}
	}
	delete(x.balanced, "")
	firewall := func(collections []*topology.RuleCollection) {
		for _, c := range collections {
			for _, r := range c.Rules {
				if c.Kind == topology.NATCollection {
					x.translated[r.Translated] = true
				}
			}
		}
	}
	for _, f := range run.Network.AzureFirewalls {
		firewall(f.Collections)
	}
	for _, p := range run.Network.FirewallPolicies {
		firewall(p.Collections)
	}
	var out []*entry
	at := map[string]*entry{}
	for _, nic := range run.Network.NetworkInterfaces {
		if !nic.PrivateEndpoint.IsZero() {
			continue
		}
		for _, c := range nic.IPConfigurations {
			o := topology.Owner{Interface: nic, Configuration: c}
			if !c.PrivateIPAddress.IsValid() {
				continue
			}
			if c.PublicIPAddress.IsZero() && !c.PublicIPUnknown && len(c.BackendPools)+len(c.InboundNATRules) == 0 &&
				!x.balanced[c.ID()] && !x.balanced[nic.ID()] && !x.translated[c.PrivateIPAddress] {
				continue
			}
			key, straight := x.of(o)
			known := run.gatesKnown(o)
			key += fmt.Sprint(known)
			if at[key] == nil {
				at[key] = &entry{straight: straight, known: known}
				out = append(out, at[key])
			}
			at[key].owners = append(at[key].owners, o)
		}
	}
	return out
}

// gatesKnown reports whether the data says which security groups stand before
// an address. Where one of them is not in the data, nothing is certain to get
// in.
func (run *Run) gatesKnown(o topology.Owner) bool {
	known := func(ref topology.Ref) bool {
		g, ok := topology.Lookup[*topology.NetworkSecurityGroup](run.Network, ref)
		return ref.IsZero() || ok && g.RulesGiven
	}
	sub, ok := topology.Lookup[*topology.Subnet](run.Network, o.Configuration.Subnet)
	return ok && known(sub.NetworkSecurityGroup) && known(o.Interface.NetworkSecurityGroup)
}

// inside is the address space of the virtual networks, of their peers and of
// what lies behind gateways: public addresses of it are not the Internet.
func (run *Run) inside() *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, v := range run.Network.VirtualNetworks {
		for _, p := range v.KnownSpace() {
			b.AddPrefix(p)
		}
		for _, p := range v.Peerings {
			if space, ok := run.Sim.Names().RemoteSpace(p); ok {
				b.AddSet(space)
			}
		}
		for _, p := range run.Sim.Names().GatewaysOf(v).Prefixes {
			if p.Bits() > 0 {
				b.AddPrefix(p)
			}
		}
	}
	s, _ := b.IPSet() // of valid prefixes: no error
	return s
}

// portion is what an answer says of some of the packets that were asked about.
type portion struct {
	sim.Outcome
	source *netipx.IPSet
	ports  []topology.PortRange // empty: those that were asked
}

// portions are the parts of an answer about packets from a set.
func portions(t *sim.Trace, from *netipx.IPSet) []portion {
	if len(t.Parts) == 0 {
		return []portion{{Outcome: t.Outcome, source: from}}
	}
	var out []portion
	for _, p := range t.Parts {
		source := from
		if len(p.Source) > 0 {
			source = scope.SetOf(p.Source...)
		}
		out = append(out, portion{p.Outcome, source, p.Ports})
	}
	return out
}

// deciding is the last rule of a security group on the way that lets a packet
// pass, nil where none does.
func deciding(o *sim.Outcome) *sim.Hop {
	for i := len(o.Hops) - 1; i >= 0; i-- {
		h := &o.Hops[i]
		if (h.Kind == sim.HopSecurityRules || h.Kind == sim.HopAdminRules) && h.Verdict == flow.Allow && h.RuleName != "" {
			return h
		}
	}
	return nil
}

// machineName is the name of the interface's machine, or of the interface
// where the data names none.
func (run *Run) machineName(nic *topology.NetworkInterface) string {
	if vm := run.machines()[nic.ID()]; vm != nil {
		return "machine " + vm.Name
	}
	return "interface " + nic.Name
}

// shortName is the name of the interface's machine, or of the interface.
func (run *Run) shortName(nic *topology.NetworkInterface) string {
	if vm := run.machines()[nic.ID()]; vm != nil {
		return vm.Name
	}
	return nic.Name
}
