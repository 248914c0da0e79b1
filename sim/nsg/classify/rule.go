package classify

import (
	"math/bits"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/topology"
)

// Outcome is a set of things that may happen to a packet, one bit each. The
// caller gives the bits their meaning (allow, deny, …), all but [NoMatch].
type Outcome uint8

// NoMatch is the outcome that no rule of the list matches.
const NoMatch Outcome = 1 << 7

// Rule is one rule of a list. A packet that lies in one of Must matches it. A
// packet that lies in none of Must but in one of May matches it or not: the
// data does not say. A rule with neither never matches.
type Rule struct {
	Must, May []Match
	Outcome   Outcome // what happens to a packet that it matches, not NoMatch
}

// Match is the packets that meet five conditions. The zero Match is no packet.
type Match struct {
	Protocols                     Protocols
	Source, Destination           Addresses
	SourcePorts, DestinationPorts []topology.PortRange // they count for TCP and UDP only
}

// Addresses is a union of sets of the address table. The zero Addresses is no
// address: nothing is any address by default.
type Addresses struct {
	Any  bool // every address of both families, whatever Sets holds
	Sets []cidr.SetID
}

// Anywhere is every address.
func Anywhere() Addresses { return Addresses{Any: true} }

// In is the addresses of some sets.
func In(sets ...cidr.SetID) Addresses { return Addresses{Sets: sets} }

// Protocols is a set of packet protocols.
type Protocols uint8

// AllProtocols are the five that a packet may have.
const AllProtocols = Protocols(1<<topology.TCP | 1<<topology.UDP | 1<<topology.ICMP | 1<<topology.ESP | 1<<topology.AH)

// withPorts are the protocols whose packets carry ports.
const withPorts = Protocols(1<<topology.TCP | 1<<topology.UDP)

// Only is the set of one protocol, or of all five for AnyProtocol.
func Only(p topology.Protocol) Protocols {
	if p == topology.AnyProtocol {
		return AllProtocols
	}
	return 1 << p & AllProtocols
}

// ProtocolsOf is the protocols that a rule's protocol means beside its ports:
// ICMP, ESP and AH have no ports, and a rule for every protocol that restricts
// either port is taken not to mean them, while a rule that names one of them
// means it whatever its ports (spec 2.4). That a rule for every protocol might
// mean them all the same is said by a May with [AllProtocols].
func ProtocolsOf(p topology.Protocol, source, destination []topology.PortRange) Protocols {
	if p == topology.AnyProtocol && !(everyPort(source) && everyPort(destination)) {
		return withPorts
	}
	return Only(p)
}

// Has reports whether the protocol is in the set.
func (s Protocols) Has(p topology.Protocol) bool { return s>>(p&7)&1 != 0 }

// everyPort reports whether one of the ranges is all ports. Azure writes it
// so; ranges that only together make all ports are a restriction.
func everyPort(ranges []topology.PortRange) bool {
	for _, r := range ranges {
		if r == topology.AllPorts {
			return true
		}
	}
	return false
}

// NoRule is the Rule of a verdict where no rule certainly matches.
const NoRule = -1

// Verdict is what a list of rules does with a packet.
type Verdict struct {
	// Rule is the place in the list of the first rule that certainly matches.
	Rule int32
	// Outcomes is every outcome that is possible: that of Rule, or NoMatch,
	// and those of the rules before it that may match. One bit: it is certain.
	Outcomes Outcome
	// Open says that a rule before Rule may match first, so that another one
	// may be the deciding rule although the outcome be certain.
	Open bool
}

// Certain reports whether only one outcome is possible.
func (v Verdict) Certain() bool { return bits.OnesCount8(uint8(v.Outcomes)) == 1 }

// Key4 is an IPv4 packet of a new flow, addresses as numbers in host order.
// Ports do not count for protocols that have none. No rule matches a packet
// whose protocol is not one of the five.
type Key4 struct {
	Source, Destination         uint32
	SourcePort, DestinationPort uint16
	Protocol                    topology.Protocol
}

// Key6 is an IPv6 packet of a new flow.
type Key6 struct {
	Source, Destination         cidr.Key6
	SourcePort, DestinationPort uint16
	Protocol                    topology.Protocol
}
