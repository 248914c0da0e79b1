package lint

import (
	"github.com/netpath/netpath/topology"
)

func unattachedGroup() *Rule {
	return &Rule{
		ID: "NP1202", Name: "unattached-group", Severity: Warning,
		Short: "A network security group is attached to no subnet and no interface",
		Why:   `An NSG does nothing until a subnet or an interface refers to it. One that is attached nowhere is left over, or the attachment was forgotten and what it should guard is open.`,
		Fix:   "Attach it, or delete it.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app}
networkSecurityGroups:
  - name: nsg-app
  - name: nsg-db
virtualMachines:
  - name: app1
    networkInterfaces: [{name: app1-nic, subnet: v1/app, privateIPAddress: 10.0.1.4}]
`,
		check: checkUnattachedGroup,
	}
}

func checkUnattachedGroup(run *Run, report func(Finding)) {
	n := run.Network
	subnets := 0
	attached := map[topology.ID]bool{}
	for _, v := range n.VirtualNetworks {
		for _, s := range v.Subnets {
			subnets++
			attached[s.NetworkSecurityGroup.ID()] = true
		}
	}
	for _, nic := range n.NetworkInterfaces {
		attached[nic.NetworkSecurityGroup.ID()] = true
	}
	for _, e := range n.EffectiveSecurityGroups {
		attached[e.NetworkSecurityGroup.ID()] = true
	}
	if subnets == 0 && len(n.NetworkInterfaces) == 0 {
		return // an NSG alone: what it is attached to is not in the data
	}
	whole := subnets > 0 && len(n.NetworkInterfaces) > 0 && run.whole("Microsoft.Network/virtualNetworks", "Microsoft.Network/networkInterfaces")
	for _, v := range n.VirtualNetworks {
		whole = whole && !v.Stub
	}
	whole = whole && !run.danglingInterfaces()
	for _, g := range n.NetworkSecurityGroups {
		if !g.RulesGiven || attached[g.ID()] || len(g.Subnets)+len(g.Interfaces) > 0 {
			continue
		}
		f := Finding{Subject: g.ID(), Origin: g.Origin, Text: g.Name + " is attached to no subnet and no interface",
			Fix: az("Attach it to the subnet that it should guard, or delete it", &g.Element, "network nsg delete", "-n", shell(g.Name))}
		if !whole {
			f.Severity, f.Undecided = Note, true
			f.Text = g.Name + " is attached to no subnet and no interface in the data; others may exist"
		}
		report(f)
	}
}

// whole reports whether the data has every resource of the types, as far as it
// says.
func (run *Run) whole(types ...string) bool {
	for _, t := range types {
		if run.Sim.Names().Cut(t) != nil {
			return false
		}
	}
	return true
}

// danglingInterfaces reports whether anything in the data refers to an
// interface that is not in it.
func (run *Run) danglingInterfaces() bool {
	n := run.Network
	missing := func(r topology.Ref, ofInterface bool) bool {
		if r.IsZero() || n.Find(r.ID()) != nil {
			return false
		}
		// An IP configuration is known by its interface, too.
		return ofInterface || n.Find(r.ID().Parent()) == nil
	}
	for _, vm := range n.VirtualMachines {
		for _, r := range vm.NetworkInterfaces {
			if missing(r, true) {
				return true
			}
		}
	}
	for _, v := range n.VirtualNetworks {
		for _, s := range v.Subnets {
			for _, r := range s.IPConfigurationRefs {
				if missing(r, false) {
					return true
				}
			}
		}
	}
	for _, lb := range n.LoadBalancers {
		for _, p := range lb.BackendPools {
			for _, r := range p.IPConfigurations {
				if missing(r, false) {
					return true
				}
			}
		}
	}
	return false
}
