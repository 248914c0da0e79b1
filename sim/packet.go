package sim

import (
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// Packet is the answer for one packet: the outcome, and the verdict without
// any assumption that is not waived.
type Packet struct {
	Outcome
	Strict flow.Verdict
}

// Send walks one packet from an interface's IP configuration to its
// destination, without any proxy. Both addresses of the tuple must be of one
// family, the source one of the interface.
func (s *Simulator) Send(from topology.Owner, t flow.Tuple) Packet {
	return s.packet(func(k *walk) { k.send(s.at(from.Interface, from.Configuration), t) })
}

// Gates asks the admin rules and NSGs of an interface's IP configuration for
// one packet in one direction. A packet whose near end is another address than
// the configuration's passes through the interface.
func (s *Simulator) Gates(at topology.Owner, d topology.Direction, t flow.Tuple) Packet {
	p := s.at(at.Interface, at.Configuration)
	near := t.Source
	if d == topology.Inbound {
		near = t.Destination
	}
	p.forwarding = near.IP != at.Configuration.PrivateIPAddress
	return s.packet(func(k *walk) { k.gates(chainAt{p: p}, d, t) })
}

func (s *Simulator) packet(start func(*walk)) Packet {
	r := flow.Explore(func(w *flow.World) (bool, account) {
		k := &walk{s: s, w: w, seen: map[string]bool{}}
		start(k)
		return !k.denied, k.account()
	}, s.waived)
	return Packet{Outcome: s.outcome(r), Strict: r.Strict}
}
