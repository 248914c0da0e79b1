package diff

import (
	"math/big"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// Box is the packets that meet five conditions, in words.
type Box struct {
	Protocols                     []topology.Protocol // never empty
	Source, Destination           Addresses
	SourcePorts, DestinationPorts []topology.PortRange // empty: every port, or none where the protocols have none
}

// Addresses are a set of addresses: by a name that stands for all of them but
// Except, or else by their first prefixes.
type Addresses struct {
	Name     string         // "*", a tag, a group, a machine; "" for none
	Except   []netip.Prefix // of Name
	Prefixes []netip.Prefix // without a name; the first ones
	More     int            // further prefixes
	Count    *big.Int       // addresses
}

// String is "Internet except 10.0.0.0/8", "app1 (10.0.0.4)", or
// "10.0.0.0/8, 172.16.0.0/12 and 3 more prefixes".
func (a Addresses) String() string {
	texts := func(list []netip.Prefix) string {
		var out []string
		for _, p := range list {
			if p.IsSingleIP() {
				out = append(out, p.Addr().String())
			} else {
				out = append(out, p.String())
			}
		}
		return strings.Join(out, ", ")
	}
	switch {
	case a.Name != "" && len(a.Except) > 0:
		return a.Name + " except " + texts(a.Except)
	case a.Name != "" && len(a.Prefixes) > 0:
		return a.Name + " (" + texts(a.Prefixes) + ")"
	case a.Name != "":
		return a.Name
	}
	s := texts(a.Prefixes)
	if a.More > 0 {
		s += " and " + Count(big.NewInt(int64(a.More))) + " more prefixes"
	}
	return s
}

// shown is how many prefixes a list of addresses spells out.
const shown = 4

// named is a name for addresses.
type named struct {
	name string
	set  *netipx.IPSet
}

// namer finds names for sets of addresses: those of the rules on both sides,
// the tags of the place, and the machines of the estates.
type namer struct {
	v6    bool
	names []named
	hosts map[netip.Addr]string
}

// newNamer gathers the names that rules of the question's gates use. A name
// that stands for other addresses on the two sides says which it means.
func newNamer(q *question) *namer {
	n := &namer{v6: q.v6, hosts: q.c.hostNames()}
	var by [2][]named
	for side := range by {
		seen := map[*scope.Set]bool{}
		add := func(s *scope.Set) {
			if seen[s] || s.Literal() != nil || s.Name == "*" {
				return
			}
			seen[s] = true
			must, may := s.Certain()
			for _, set := range []*netipx.IPSet{must, may} {
				if set = n.family(set); len(set.Ranges()) > 0 && !slices.ContainsFunc(by[side], func(x named) bool { return x.name == s.Name && x.set.Equal(set) }) {
					by[side] = append(by[side], named{s.Name, set})
				}
			}
		}
		for _, g := range q.gates[side] {
			for _, r := range g.Rules {
				for _, x := range []nsg.Side{r.Source, r.Destination} {
					for _, s := range x.Sets {
						add(s)
					}
				}
			}
		}
		if p := q.places[side]; p != nil {
			add(p.VirtualNetworkTag())
			add(p.InternetTag())
		}
	}
	for side, word := range []string{"before", "now"} {
		for _, x := range by[side] {
			other := by[1-side]
			same := slices.ContainsFunc(other, func(y named) bool { return y.name == x.name && y.set.Equal(x.set) })
			switch {
			case same && side == 1:
				continue // said by the other side
			case !same && slices.ContainsFunc(other, func(y named) bool { return y.name == x.name }):
				x.name += " (" + word + ")"
			}
			n.names = append(n.names, x)
		}
	}
	return n
}

// family is the part of the set in the namer's family.
func (n *namer) family(s *netipx.IPSet) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, r := range s.Ranges() {
		if r.From().Is6() == n.v6 {
			b.AddRange(r)
		}
	}
	out, _ := b.IPSet() // of valid ranges: no error
	return out
}

func (n *namer) everything() *netipx.IPSet {
	if n.v6 {
		return scope.SetOf(netip.PrefixFrom(netip.IPv6Unspecified(), 0))
	}
	return scope.SetOf(netip.PrefixFrom(netip.IPv4Unspecified(), 0))
}

func (n *namer) box(b flowset.Box) Box {
	out := Box{Protocols: b.Protocols, Source: n.addresses(b.Source), Destination: n.addresses(b.Destination), SourcePorts: b.SourcePorts, DestinationPorts: b.DestinationPorts}
	if out.Protocols == nil {
		out.Protocols = []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP, topology.ESP, topology.AH}
	}
	return out
}

// addresses puts a set into words; nil is every address.
func (n *namer) addresses(s *netipx.IPSet) Addresses {
	all := n.everything()
	if s == nil {
		return Addresses{Name: "*", Count: size(all)}
	}
	a := Addresses{Count: size(s)}
	prefixes := s.Prefixes()
	if len(prefixes) == 1 && prefixes[0].IsSingleIP() {
		a.Name, a.Prefixes = n.hosts[prefixes[0].Addr()], prefixes
		return a
	}
	for _, x := range n.names {
		if x.set.Equal(s) {
			a.Name = x.name
			return a
		}
	}
	if len(prefixes) <= shown {
		a.Prefixes = prefixes
		return a
	}
	for _, x := range append([]named{{"*", all}}, n.names...) {
		if r := s.Ranges(); !x.set.ContainsRange(r[0]) || !x.set.ContainsRange(r[len(r)-1]) || len(x.set.Ranges()) > len(r)+shown {
			continue
		}
		var b netipx.IPSetBuilder
		b.AddSet(s)
		b.RemoveSet(x.set)
		if outside, _ := b.IPSet(); len(outside.Ranges()) > 0 { // of valid sets: no error
			continue
		}
		b = netipx.IPSetBuilder{}
		b.AddSet(x.set)
		b.RemoveSet(s)
		missing, _ := b.IPSet()
		if list := missing.Prefixes(); len(list) <= shown && (len(a.Except) == 0 || len(list) < len(a.Except)) {
			a.Name, a.Except = x.name, list
		}
	}
	if a.Name == "" {
		a.Prefixes, a.More = prefixes[:shown], len(prefixes)-shown
	}
	return a
}

func size(s *netipx.IPSet) *big.Int {
	sum := new(big.Int)
	for _, r := range s.Ranges() {
		from, to := r.From().As16(), r.To().As16()
		n := new(big.Int).SetBytes(to[:])
		n.Sub(n, new(big.Int).SetBytes(from[:]))
		sum.Add(sum, n.Add(n, big.NewInt(1)))
	}
	return sum
}

// hostNames are the machines and interfaces of both sides by their addresses.
func (c *comparison) hostNames() map[netip.Addr]string {
	if c.machines != nil {
		return c.machines
	}
	c.machines = map[netip.Addr]string{}
	for _, s := range c.sides {
		n := s.Network()
		vms := map[topology.ID]string{}
		for _, vm := range n.VirtualMachines {
			for _, r := range vm.NetworkInterfaces {
				vms[r.ID()] = vm.Name
			}
		}
		for _, nic := range n.NetworkInterfaces {
			name := nic.Name
			if vm, ok := vms[nic.ID()]; ok {
				name = vm
			} else if vm, ok := topology.Lookup[*topology.VirtualMachine](n, nic.VirtualMachine); ok {
				name = vm.Name
			}
			for _, x := range nic.IPConfigurations {
				if x.PrivateIPAddress.IsValid() {
					c.machines[x.PrivateIPAddress] = name
				}
			}
		}
	}
	return c.machines
}
