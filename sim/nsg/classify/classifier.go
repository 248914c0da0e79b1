package classify

import (
	"net/netip"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/topology"
)

// Classifier is a compiled list of rules. It is made by [New]; the zero
// Classifier is not usable. It is immutable.
type Classifier struct {
	table  *cidr.Table
	tables *tables // where the whole list is in one set of tables
	part   *part
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
	c := &Classifier{table: t, part: compileParts(t, entries, budget)}
	if c.part.next == nil {
		c.tables = c.part.tables
	}
	return c, nil
}

// Table is the address table the rules were compiled against.
func (c *Classifier) Table() *cidr.Table { return c.table }

// Verdict decides about a packet given by addresses. An IPv4 address written
// as IPv6 is that IPv4 address, and a zone does not count.
func (c *Classifier) Verdict(p topology.Protocol, source, destination netip.AddrPort) Verdict {
	from, to := source.Addr(), destination.Addr()
	if from.Is4() && to.Is4() {
		return c.Verdict4(Key4{cidr.KeyOf4(from), cidr.KeyOf4(to), source.Port(), destination.Port(), p})
	}
	return c.OfAtoms(c.table.LookupAddr(from), c.table.LookupAddr(to), p, source.Port(), destination.Port())
}

// Verdict4 decides about an IPv4 packet.
func (c *Classifier) Verdict4(k Key4) Verdict {
	s, d := c.table.Lookup4Pair(k.Source, k.Destination)
	if c.tables == nil {
		return c.parts(s, d, k.Protocol, k.SourcePort, k.DestinationPort)
	}
	return c.tables.verdict(s, d, k.Protocol, k.SourcePort, k.DestinationPort)
}

// Verdict6 decides about an IPv6 packet.
func (c *Classifier) Verdict6(k Key6) Verdict {
	return c.OfAtoms(c.table.Lookup6(k.Source.Hi, k.Source.Lo), c.table.Lookup6(k.Destination.Hi, k.Destination.Lo),
		k.Protocol, k.SourcePort, k.DestinationPort)
}

// OfAtoms decides about every packet between two atoms of the table.
func (c *Classifier) OfAtoms(source, destination cidr.Atom, p topology.Protocol, sourcePort, destinationPort uint16) Verdict {
	if c.tables == nil {
		return c.parts(source, destination, p, sourcePort, destinationPort)
	}
	return c.tables.verdict(source, destination, p, sourcePort, destinationPort)
}

// parts asks part after part.
func (c *Classifier) parts(source, destination cidr.Atom, p topology.Protocol, sourcePort, destinationPort uint16) Verdict {
	part := c.part
	v := part.verdict(source, destination, p, sourcePort, destinationPort)
	for part = part.next; part != nil && v.Rule == NoRule; part = part.next {
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
