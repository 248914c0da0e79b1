package flowset

import (
	"go4.org/netipx"

	"github.com/netpath/netpath/topology"
)

// Box is the packets that meet five conditions. The zero Box is every packet
// of a protocol that [topology.Protocol] knows.
type Box struct {
	Protocols                     []topology.Protocol  // packet protocols; nil: every one
	Source, Destination           *netipx.IPSet        // nil: every address
	SourcePorts, DestinationPorts []topology.PortRange // nil: every port; they count for TCP and UDP only
}

// Rule is one rule of a list that is tried in order. A packet in one of Must
// matches it, one that lies only in one of May matches it or not: the data does
// not say.
type Rule struct {
	Allow     bool
	Must, May []Box
	// Cut are boxes at whose boundaries what is asked about May may change;
	// those of a rule without May count for what is asked about any rule. They
	// match nothing.
	Cut []Box
}

// protocols are those of packets, in the order of their classes.
var protocols = [...]topology.Protocol{topology.TCP, topology.UDP, topology.ICMP, topology.ESP, topology.AH}
