package diff

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/route"
	"github.com/netpath/netpath/topology"
)

// Routes are subnets whose effective routes change alike.
type Routes struct {
	Subnets []string // "v1/app"
	Changes []RouteChange
}

// RouteChange is the addresses that go from one next hop to another, all of
// them and no others.
type RouteChange struct {
	Prefixes    []netip.Prefix
	Destination Addresses // the same in short
	V6          bool
	Old, New    NextHop
}

// Drops reports whether the packets are dropped now: then none is let through
// that was not before.
func (c *RouteChange) Drops() bool { return c.New.Type == topology.NextHopNone && c.New.Open == "" }

// NextHop is where a subnet's route takes packets.
type NextHop struct {
	Type   topology.NextHopType
	IP     string           // of an appliance
	Over   string           // the virtual network of a peering, or the private endpoint
	Route  string           // "rt-app/to-nva", the prefix of a system route
	Origin *topology.Origin // of a user route
	Open   string           // why the next hop is not known; then the others are those of the usual case
}

// String is "VirtualAppliance 10.0.0.10".
func (h NextHop) String() string {
	s := string(h.Type)
	for _, x := range []string{h.IP, h.Over} {
		if x != "" {
			s += " " + x
		}
	}
	if h.Open != "" {
		s = "not known (" + h.Open + ")"
	}
	return s
}

// routes compares the effective routes of the subnets that both sides have.
func (c *comparison) routes() error {
	at := map[string]int{}
	for _, p := range c.pairedSubnets() {
		if p.old == nil || p.new == nil {
			continue
		}
		subs := [2]*topology.Subnet{p.old, p.new}
		var tables [2]*route.Table
		six := false
		for i, sub := range subs {
			v := c.sides[i].Network().VirtualNetworkOf(sub)
			if v == nil {
				break
			}
			tables[i] = route.New(c.sides[i].Network(), c.sides[i].Names(), sub)
			six = six || hasIPv6(c.sides[i].Place(sub))
		}
		if tables[0] == nil || tables[1] == nil {
			continue
		}
		c.report.Compared.Subnets++
		if tables[0].Digest() == tables[1].Digest() {
			continue
		}
		if err := c.ctx.Err(); err != nil {
			return err
		}
		changes := c.routeChanges(tables, false)
		if six {
			changes = append(changes, c.routeChanges(tables, true)...)
		}
		if len(changes) == 0 {
			continue
		}
		key := fmt.Sprintf("%+v", texts(changes))
		i, ok := at[key]
		if !ok {
			i = len(c.report.Routes)
			at[key] = i
			c.report.Routes = append(c.report.Routes, Routes{Changes: changes})
		}
		c.report.Routes[i].Subnets = append(c.report.Routes[i].Subnets, subnetLabel(p.new))
	}
	return nil
}

// texts tell changes apart.
func texts(changes []RouteChange) []string {
	out := make([]string, len(changes))
	for i, x := range changes {
		out[i] = fmt.Sprint(x.V6, x.Destination, x.Destination.Count, " ", x.Old, x.Old.Route, x.Old.Origin, " ", x.New, x.New.Route, x.New.Origin)
	}
	return out
}

// routeChanges compares two tables in one family: between two boundaries of
// their routes all addresses go the same way.
func (c *comparison) routeChanges(tables [2]*route.Table, v6 bool) []RouteChange {
	space := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	if v6 {
		space = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	whole := netipx.RangeOfPrefix(space)
	starts := []netip.Addr{whole.From()}
	for _, t := range tables {
		for _, set := range t.Constants() {
			for _, r := range set.Ranges() {
				if r.From().Is6() != v6 {
					continue
				}
				starts = append(starts, r.From())
				if next := r.To().Next(); next.IsValid() {
					starts = append(starts, next)
				}
			}
		}
	}
	slices.SortFunc(starts, netip.Addr.Compare)
	starts = slices.Compact(starts)
	type way struct{ old, new string }
	found := map[way]int{}
	var sets []netipx.IPSetBuilder
	var out []RouteChange
	for i, from := range starts {
		to := whole.To()
		if i+1 < len(starts) {
			to = starts[i+1].Prev()
		}
		var key [2]string
		var hops [2]NextHop
		for side, t := range tables {
			key[side], hops[side] = nextHop(t, from)
		}
		if key[0] == key[1] {
			continue
		}
		w := way{key[0], key[1]}
		n, ok := found[w]
		if !ok {
			n = len(out)
			found[w] = n
			out = append(out, RouteChange{V6: v6, Old: hops[0], New: hops[1]})
			sets = append(sets, netipx.IPSetBuilder{})
		}
		sets[n].AddRange(netipx.IPRangeFrom(from, to))
	}
	names := &namer{v6: v6, hosts: c.hostNames()}
	for side, t := range tables {
		for _, r := range t.Routes {
			if r.Tag != "" {
				if must, _ := c.sides[side].Names().Tag(r.Tag).Certain(); len(must.Ranges()) > 0 {
					names.names = append(names.names, named{r.Tag, names.family(must)})
				}
			}
		}
	}
	for i := range out {
		set, _ := sets[i].IPSet() // of valid ranges: no error
		out[i].Prefixes, out[i].Destination = set.Prefixes(), names.addresses(set)
		if set.Equal(names.everything()) {
			out[i].Destination = names.addresses(nil)
		}
	}
	return out
}

// nextHop is where a table takes an address, and what tells it from others: the
// next hops of all worlds.
func nextHop(t *route.Table, a netip.Addr) (string, NextHop) {
	var first *NextHop
	var all []string
	flow.VerdictOf(func(w *flow.World) bool {
		d := t.Choose(w, flow.At(a))
		h := NextHop{Type: topology.NextHopNone}
		switch {
		case d.Doubt != nil:
			h.Open = d.Doubt.Text
		case d.Learned:
			h.Type = topology.NextHopGateway
		case d.Route != nil:
			r := d.Route
			h.Type, h.Route = r.NextHop, r.Label()
			if r.NextHop == topology.NextHopVirtualAppliance && r.NextHopIP.IsValid() {
				h.IP = r.NextHopIP.String()
			}
			if r.Endpoint != nil && r.NextHop == topology.NextHopPrivateEndpoint {
				h.Over = r.Endpoint.Name
			} else if r.Peering != nil {
				h.Over = r.Peering.RemoteVirtualNetwork.ID().Name()
			}
			if r.Table != nil {
				h.Route = r.Table.Name + "/" + r.Name
				if r.Origin != (topology.Origin{}) {
					o := r.Origin
					h.Origin = &o
				}
			}
		}
		if first == nil {
			first = &h
		}
		if key := h.String(); !slices.Contains(all, key) {
			all = append(all, key)
		}
		return true // in every world, so that none is left out
	})
	slices.Sort(all)
	h := *first
	if len(all) > 1 && h.Open == "" {
		h.Open = strings.Join(all, " or ")
	}
	return strings.Join(all, "\x00"), h
}
