package lint

import "github.com/netpath/netpath/topology"

// machinesByInterface are the virtual machines of the data by their
// interfaces.
func machinesByInterface(n *topology.Network) map[topology.ID]*topology.VirtualMachine {
	out := map[topology.ID]*topology.VirtualMachine{}
	for _, nic := range n.NetworkInterfaces {
		if vm, ok := topology.Lookup[*topology.VirtualMachine](n, nic.VirtualMachine); ok {
			out[nic.ID()] = vm
		}
	}
	for _, vm := range n.VirtualMachines {
		for _, r := range vm.NetworkInterfaces {
			out[r.ID()] = vm
		}
	}
	return out
}
