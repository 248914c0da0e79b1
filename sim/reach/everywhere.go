package reach

import (
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// everywhere is all that traffic from the ends may be for: each subnet of the
// estate, the Internet, what lies behind gateways, and all other addresses but
// the platform's two, which each machine talks to.
// From outside it is what can be entered: the interfaces and the public
// addresses.
func (f *finder) everywhere(from *Ends) (*Ends, error) {
	e := &Ends{Kind: "everywhere", Name: "everywhere"}
	if !slices.ContainsFunc(from.Places, func(p *Place) bool { return p.subnet != nil }) && outside(from) {
		f.entries(e)
		e.Open = f.open(func(a *topology.Absent) bool { return !a.Receives && !a.Addressed })
		if len(f.net.NetworkInterfaces) == 0 && len(e.Open) == 0 {
			e.Open = []string{"no interface is in the data; az network nic list -o json"}
		}
		if len(e.Places) == 0 {
			return nil, &sim.NameError{Kind: "destination", Name: "everywhere", Reason: "no interface and no public address is in the data that could be entered; add the exports of interfaces, or ask netpath ip-flow of an NSG alone"}
		}
		return e, nil
	}
	e.Open = f.open(func(*topology.Absent) bool { return true })
	var rest netipx.IPSetBuilder
	rest.AddPrefix(netip.MustParsePrefix("0.0.0.0/0"))
	rest.AddPrefix(netip.MustParsePrefix("::/0"))
	behind := map[string]*netipx.IPSetBuilder{}
	var gateways []string
	for _, v := range f.net.VirtualNetworks {
		e.Places = append(e.Places, f.network(v, false).Places...)
		for _, p := range v.KnownSpace() {
			rest.RemovePrefix(p)
		}
		g := f.s.Names().GatewaysOf(v)
		for _, p := range g.Prefixes {
			if behind[g.Name] == nil {
				behind[g.Name] = &netipx.IPSetBuilder{}
				gateways = append(gateways, g.Name)
			}
			behind[g.Name].AddPrefix(p)
		}
	}
	space := f.space()
	for _, name := range gateways {
		b := behind[name]
		b.RemoveSet(space)
		set, _ := b.IPSet() // of valid prefixes: no error
		if len(set.Ranges()) > 0 {
			title := "behind gateway " + name
			e.Places = append(e.Places, &Place{Name: title, Group: title, end: f.s.SetEnd(title, set)})
			rest.RemoveSet(set)
		}
	}
	internet, err := f.s.NamedEnd("Internet")
	if err != nil {
		return nil, err
	}
	e.Places = append(e.Places, &Place{Name: "Internet", Group: "Internet", end: internet})
	rest.RemoveSet(addressesOf(internet))
	for _, a := range []netip.Addr{scope.WireServer, scope.IMDS} {
		rest.Remove(a)
	}
	set, _ := rest.IPSet() // of valid prefixes: no error
	e.Places = append(e.Places, &Place{Name: "all other addresses", Group: "all other addresses", end: f.s.SetEnd("all other addresses", set)})
	return e, nil
}

// space is the address space of the estate.
func (f *finder) space() *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, v := range f.net.VirtualNetworks {
		for _, p := range v.KnownSpace() {
			b.AddPrefix(p)
		}
	}
	set, _ := b.IPSet() // of valid prefixes: no error
	return set
}

// outside reports whether the ends lie in public space, outside the estate.
func outside(e *Ends) bool {
	return !slices.ContainsFunc(e.Places, func(p *Place) bool {
		set := addressesOf(p.end)
		return set != nil && !slices.ContainsFunc(set.Prefixes(), func(x netip.Prefix) bool { return scope.PublicSpace().OverlapsPrefix(x) })
	})
}

// entries are the places that something from outside may enter: interfaces,
// and public addresses that are not an interface's own.
func (f *finder) entries(e *Ends) {
	own := map[topology.ID]bool{}
	for _, nic := range f.net.NetworkInterfaces {
		e.Places = append(e.Places, f.interfacePlaces(nic, func(c *topology.IPConfiguration) bool { return !f.ofEndpoint(c) })...)
		for _, c := range nic.IPConfigurations {
			own[c.PublicIPAddress.ID()] = true
		}
	}
	seen := map[netip.Addr]bool{}
	add := func(name string, a netip.Addr) {
		if !a.IsValid() || seen[a] {
			return
		}
		seen[a] = true
		end, err := f.s.NamedEnd(a.String())
		if err != nil {
			return // of several interfaces: asked as such
		}
		e.Places = append(e.Places, &Place{Name: name, Address: a.String(), Group: name, end: end, only: true})
	}
	for _, p := range f.net.PublicIPAddresses {
		if !own[p.ID()] && p.NATGateway.IsZero() {
			add("public IP "+p.Name, p.IPAddress)
		}
	}
	for _, lb := range f.net.LoadBalancers {
		for _, front := range lb.Frontends {
			add(strings.TrimSpace("load balancer "+lb.Name+" "+front.Name), front.PublicAddress)
		}
	}
}
