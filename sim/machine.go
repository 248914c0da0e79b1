package sim

import "github.com/netpath/netpath/topology"

// VirtualMachine is the virtual machine that a name on the command line means:
// its name, group/name or resource ID, in any letter case. A *NameError says
// that there is none, or that there are several.
func (s *Simulator) VirtualMachine(name string) (*topology.VirtualMachine, error) {
	return unique("virtual machine", s.net.VirtualMachines, name)
}

// NetworkSecurityGroup is the NSG that a name on the command line means, as in
// [Simulator.VirtualMachine]; one of which only the effective rules were
// exported is among them.
func (s *Simulator) NetworkSecurityGroup(name string) (*topology.NetworkSecurityGroup, error) {
	return unique("network security group", s.groups, name)
}
