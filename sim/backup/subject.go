package backup

import (
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
)

// subject is one machine under examination.
type subject struct {
	sim      *sim.Simulator
	net      *topology.Network
	vm       *topology.VirtualMachine
	region   string     // ARM location of the machine, or the one asked for; "" not known
	profiles []*Profile // at least one
}
