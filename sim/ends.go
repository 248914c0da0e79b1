package sim

import (
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// End is one end of many questions, found once. It is immutable. An interface,
// a subnet's addresses and an address in a subnet are those of their own
// virtual network: where another network has the same addresses and is nearer,
// they are not reached.
type End struct{ e *end }

// Info says what the end was taken to be.
func (e End) Info() EndInfo { return e.e.info }

// Addresses are the end's addresses in a family, nil where the data does not
// say which they are.
func (e End) Addresses(v6 bool) *netipx.IPSet {
	switch {
	case e.e.named:
		return nil
	case e.e.nic != nil:
		if c := e.e.config(v6); c != nil {
			return scope.SetOf(netip.PrefixFrom(c.PrivateIPAddress, c.PrivateIPAddress.BitLen()))
		}
		return &netipx.IPSet{}
	case e.e.addr.IsValid():
		if e.e.addr.Is6() != v6 {
			return &netipx.IPSet{}
		}
		return scope.SetOf(netip.PrefixFrom(e.e.addr, e.e.addr.BitLen()))
	}
	return e.e.addresses(v6)
}

// Has reports whether the end has an address of the family, or may have.
func (e End) Has(v6 bool) bool { return e.e.has(v6) }

// NamedEnd is the end that a name means, as in [TraceQuestion].
func (s *Simulator) NamedEnd(name string) (End, error) {
	e, err := s.resolve(name, nil)
	return End{e}, err
}

// InternetEnd is every public address, those too that sources leave out of the
// tag Internet: what must miss no way in or out asks for it.
func (s *Simulator) InternetEnd() (End, error) {
	e, err := s.resolve("tag:Internet", nil)
	if err != nil {
		return End{}, err
	}
	e.everyPublic()
	return End{e}, nil
}

// InterfaceEnd is an IP configuration of an interface, which needs an address.
func (s *Simulator) InterfaceEnd(o topology.Owner) End {
	e := s.interfaceEnd(o.Interface.Name, o.Interface)
	e.pinned, e.info.Address = o.Configuration, o.Configuration.PrivateIPAddress.String()
	return End{e}
}

// AddressEnd is an address in a subnet that no interface has: a frontend of a
// load balancer, a private endpoint, a firewall.
func (s *Simulator) AddressEnd(name string, a netip.Addr, sub *topology.Subnet) End {
	return End{&end{info: EndInfo{Text: name, Kind: "address", Name: name, Address: a.String()}, addr: a, subnet: sub, home: sub.ID().Parent()}}
}

// UnownedEnd is the addresses of a subnet that nothing in the data owns; false
// where there is none.
func (s *Simulator) UnownedEnd(sub *topology.Subnet) (End, bool) {
	var b netipx.IPSetBuilder
	for _, p := range sub.Prefixes {
		b.AddPrefix(p)
	}
	for _, a := range s.OwnedIn(sub) {
		b.Remove(a)
	}
	set, _ := b.IPSet() // of valid prefixes: no error
	if isEmpty(set) {
		return End{}, false
	}
	e := &end{info: EndInfo{Text: subnetName(sub), Kind: "prefix", Name: subnetName(sub), Prefixes: len(set.Prefixes())}, subnet: sub, home: sub.ID().Parent()}
	e.holds(set)
	return End{e}, true
}

// SetEnd is a set of addresses, whatever the estate has there.
func (s *Simulator) SetEnd(name string, set *netipx.IPSet) End {
	e := &end{info: EndInfo{Text: name, Kind: "prefix", Name: name, Prefixes: len(set.Prefixes())}}
	e.holds(set)
	return End{e}
}

// OwnedIn are the addresses of a subnet that something in the data owns, in
// order: interfaces, private endpoints, frontends of internal load balancers
// and firewalls.
func (s *Simulator) OwnedIn(sub *topology.Subnet) []netip.Addr {
	var out []netip.Addr
	add := func(in topology.Ref, a netip.Addr) {
		if a.IsValid() && in.ID() == sub.ID() {
			out = append(out, a)
		}
	}
	for _, nic := range s.net.NetworkInterfaces {
		for _, c := range nic.IPConfigurations {
			add(c.Subnet, c.PrivateIPAddress)
		}
	}
	for _, pe := range s.net.PrivateEndpoints {
		for _, a := range pe.Addresses {
			add(pe.Subnet, a)
		}
	}
	for _, lb := range s.net.LoadBalancers {
		for _, f := range lb.Frontends {
			add(f.Subnet, f.PrivateIPAddress)
		}
	}
	for _, f := range s.net.AzureFirewalls {
		add(f.Subnet, f.PrivateIPAddress)
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

// TraceEnds is [Simulator.Trace] between ends that are found already; From and
// To of the question do not count.
func (s *Simulator) TraceEnds(q TraceQuestion, from, to End) (*Trace, error) {
	q.From, q.To = from.e.info.Text, to.e.info.Text
	// A trace writes into its ends.
	x, y := *from.e, *to.e
	return s.trace(q, &x, &y)
}
