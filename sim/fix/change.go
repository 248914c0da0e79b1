package fix

import (
	"math/big"
	"net/netip"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

// Change is how much one edit is about: what its rule matches, whatever other
// gates say.
type Change struct {
	Edit        edit.Edit
	Source      Extent
	Destination Extent
	Ports       int // of the destination; 0 where the protocol has none, 65536 for all
}

// Extent is how many addresses there are on one side.
type Extent struct {
	Text  string // as the edit writes it
	Known bool   // the data says which addresses these are
	IPv4  uint64
	IPv6  *big.Int // nil: none

	set *netipx.IPSet
}

// Set is the addresses themselves, nil where they are not known.
func (e Extent) Set() *netipx.IPSet { return e.set }

// Measure says how much an edit is about.
func Measure(s *sim.Simulator, e edit.Edit) Change {
	c := Change{Edit: e}
	switch e := e.(type) {
	case edit.AddRule:
		c.Source, c.Destination = extent(s, e.Source), extent(s, e.Destination)
		c.Source.meeting(&c.Destination)
		c.Ports = countPorts(e.Ports, e.Protocol)
	case edit.OpenHostFirewall:
		remote := e.RemoteTexts()
		if len(remote) == 0 {
			remote = []string{"*"}
		}
		c.Source = extent(s, remote)
		c.Destination = Extent{Text: e.Machine.ID().Name()}
		c.Ports = countPorts(e.Ports, e.Protocol)
	}
	return c
}

// meeting leaves out of the counts the family that the other side has no
// address of: no packet has one address of each.
func (e *Extent) meeting(o *Extent) {
	if !e.Known || !o.Known {
		return
	}
	if e.IPv4 == 0 || o.IPv4 == 0 {
		e.IPv4, o.IPv4 = 0, 0
	}
	if e.IPv6 == nil || o.IPv6 == nil {
		e.IPv6, o.IPv6 = nil, nil
	}
}

func countPorts(list []topology.PortRange, p topology.Protocol) int {
	switch {
	case p != topology.AnyProtocol && !p.HasPorts():
		return 0
	case len(list) == 0:
		return 65536
	}
	n := 0
	for _, r := range list {
		n += int(r.Last) - int(r.First) + 1
	}
	return n
}

func extent(s *sim.Simulator, list []string) Extent {
	e := Extent{Text: strings.Join(list, ", "), Known: true}
	var b netipx.IPSetBuilder
	for _, text := range list {
		set, ok := space(s, text)
		if !ok {
			e.Known = false
			return e
		}
		b.AddSet(set)
	}
	e.set, _ = b.IPSet()
	e.IPv4, e.IPv6 = Count(e.set)
	return e
}

// Count counts the addresses of a set by family; the second is nil for none.
func Count(set *netipx.IPSet) (four uint64, six *big.Int) {
	if set == nil {
		return 0, nil
	}
	for _, p := range set.Prefixes() {
		free := p.Addr().BitLen() - p.Bits()
		if p.Addr().Is4() {
			four += 1 << free
			continue
		}
		if six == nil {
			six = new(big.Int)
		}
		six.Add(six, new(big.Int).Lsh(big.NewInt(1), uint(free)))
	}
	return four, six
}

// space is the addresses of one entry of an address field; false where they
// are not known.
func space(s *sim.Simulator, text string) (*netipx.IPSet, bool) {
	if text == "*" {
		return scope.SetOf(netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")), true
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return scope.SetOf(netip.PrefixFrom(a, a.BitLen())), true
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		return scope.SetOf(p), true
	}
	return tagSpace(s, text)
}

// tagSpace is the addresses of a service tag; false where no file says them.
func tagSpace(s *sim.Simulator, name string) (*netipx.IPSet, bool) {
	if strings.EqualFold(name, "Internet") {
		return scope.InternetSpace(), true
	}
	tag, ok := s.Names().Index().Tag(name)
	if !ok || tag.Refused != nil {
		return nil, false
	}
	return scope.SetOf(tag.Prefixes.Slice()...), true
}
