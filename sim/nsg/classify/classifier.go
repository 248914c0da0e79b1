package classify

import (
	"net/netip"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/topology"
)

// Classifier is a compiled list of rules. It is made by [New]; the zero
// Classifier is not usable. It is immutable.
type Classifier struct {
	table *cidr.Table
	part  *part
}

// New compiles rules, the first to be tried first, against the table that
// their sets are of. The classifier keeps no part of rules. A rule that cannot
// be is an error that names its place.
func New(t *cidr.Table, rules []Rule, o Options) (*Classifier, error) {
	entries, err := entriesOf(t, rules)
	if err != nil {
		return nil, err
	}
	budget := o.TableBytes
	if budget == 0 {
		budget = DefaultTableBytes
	}
	return &Classifier{t, compileParts(t, entries, budget)}, nil
}

// Table is the address table the rules were compiled against.
func (c *Classifier) Table() *cidr.Table { return c.table }

// Verdict decides about a packet given by addresses. An IPv4 address written
// as IPv6 is that IPv4 address, and a zone does not count.
func (c *Classifier) Verdict(p topology.Protocol, source, destination netip.AddrPort) Verdict {
	return c.OfAtoms(c.table.LookupAddr(source.Addr()), c.table.LookupAddr(destination.Addr()),
		p, source.Port(), destination.Port())
}

// Verdict4 decides about an IPv4 packet.
func (c *Classifier) Verdict4(k Key4) Verdict {
	return c.OfAtoms(c.table.Lookup4(k.Source), c.table.Lookup4(k.Destination), k.Protocol, k.SourcePort, k.DestinationPort)
}

// Verdict6 decides about an IPv6 packet.
func (c *Classifier) Verdict6(k Key6) Verdict {
	return c.OfAtoms(c.table.Lookup6(k.Source.Hi, k.Source.Lo), c.table.Lookup6(k.Destination.Hi, k.Destination.Lo),
		k.Protocol, k.SourcePort, k.DestinationPort)
}

// OfAtoms decides about every packet between two atoms of the table.
func (c *Classifier) OfAtoms(source, destination cidr.Atom, p topology.Protocol, sourcePort, destinationPort uint16) Verdict {
	v := c.part.verdict(source, destination, p, sourcePort, destinationPort)
	if c.part.next == nil || v.Rule != NoRule {
		return v
	}
	return c.rest(v, source, destination, p, sourcePort, destinationPort)
}

// rest goes on with the parts after the first.
func (c *Classifier) rest(v Verdict, source, destination cidr.Atom, p topology.Protocol, sourcePort, destinationPort uint16) Verdict {
	for part := c.part.next; part != nil && v.Rule == NoRule; part = part.next {
		next := part.verdict(source, destination, p, sourcePort, destinationPort)
		next.Outcomes |= v.Outcomes &^ NoMatch
		next.Open = next.Open || v.Open
		v = next
	}
	return v
}

// MemorySize is the number of bytes the classifier holds beside the table.
func (c *Classifier) MemorySize() int {
	n := 0
	for p := c.part; p != nil; p = p.next {
		n += p.size()
	}
	return n
}
