package sim

import (
	"cmp"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// class is a set of addresses that every gate treats alike, with one of them.
type class struct {
	one netip.Addr
	set *netipx.IPSet
}

// cutSet cuts a set of addresses at the boundaries of constants, each a sorted
// list of ranges: two addresses are in one class if and only if they lie in the
// same constants.
func cutSet(whole *netipx.IPSet, constants [][]netipx.IPRange) []class {
	ranges := whole.Ranges()
	if len(ranges) == 0 {
		return nil
	}
	events := boundaries(ranges, constants)
	var classes []*building
	byKey := map[[2]uint64]*building{}
	i := 0
	for _, r := range ranges {
		var key [2]uint64 // no constant reaches from one range into the next
		for from := r.From(); ; {
			for i < len(events) && events[i].at == from {
				key = toggle(key, events[i].id)
				i++
			}
			to := r.To()
			if i < len(events) && events[i].at.Compare(to) <= 0 {
				to = events[i].at.Prev()
			}
			b := byKey[key]
			if b == nil {
				b = &building{one: from}
				byKey[key] = b
				classes = append(classes, b)
			}
			b.set.AddRange(netipx.IPRangeFrom(from, to))
			if to == r.To() {
				break
			}
			from = to.Next()
		}
	}
	out := make([]class, len(classes))
	for j, b := range classes {
		set, _ := b.set.IPSet()
		out[j] = class{b.one, set}
	}
	return out
}

// event is an address where a constant begins or has ended.
type event struct {
	at netip.Addr
	id int
}

// boundaries are where constants begin and end within the ranges, in order; a
// constant that reaches into a range from before begins at its start.
func boundaries(ranges []netipx.IPRange, constants [][]netipx.IPRange) []event {
	low, high := ranges[0].From(), ranges[len(ranges)-1].To()
	var events []event
	for id, c := range constants {
		if len(c) == 0 || c[len(c)-1].To().Less(low) || high.Less(c[0].From()) {
			continue
		}
		// The shorter list is gone through, the other searched.
		few, many := ranges, c
		if len(c) < len(ranges) {
			few, many = c, ranges
		}
		for _, x := range few {
			j, _ := slices.BinarySearchFunc(many, x.From(), func(r netipx.IPRange, a netip.Addr) int { return r.To().Compare(a) })
			for ; j < len(many) && many[j].From().Compare(x.To()) <= 0; j++ {
				r, q := x, many[j] // the range and the constant's part
				if len(c) < len(ranges) {
					r, q = q, r
				}
				from := q.From()
				if from.Less(r.From()) {
					from = r.From()
				}
				events = append(events, event{from, id})
				if q.To().Less(r.To()) {
					events = append(events, event{q.To().Next(), id})
				}
			}
		}
	}
	slices.SortFunc(events, func(a, b event) int { return a.at.Compare(b.at) })
	return events
}

type building struct {
	one netip.Addr
	set netipx.IPSetBuilder
}

// toggle adds a constant to a membership key, or takes it out. Keys are 128
// bits of independently mixed identifiers.
func toggle(key [2]uint64, id int) [2]uint64 {
	return [2]uint64{key[0] ^ mix(uint64(id)+0x9e3779b97f4a7c15), key[1] ^ mix(uint64(id)+0xd1b54a32d192ed03)}
}

func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// portClass is a set of ports that every gate treats alike, with one of them.
type portClass struct {
	one    uint16
	ranges []topology.PortRange
}

// cutPorts cuts a port range at the boundaries of others.
func cutPorts(whole topology.PortRange, constants []topology.PortRange) []portClass {
	constants = slices.Clone(constants)
	slices.SortFunc(constants, comparePorts)
	constants = slices.Compact(constants)
	starts := []int{int(whole.First)}
	for _, r := range constants {
		for _, at := range []int{int(r.First), int(r.Last) + 1} {
			if at > int(whole.First) && at <= int(whole.Last) {
				starts = append(starts, at)
			}
		}
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	var out []portClass
	byKey := map[[2]uint64]int{}
	for i, first := range starts {
		last := int(whole.Last)
		if i+1 < len(starts) {
			last = starts[i+1] - 1
		}
		var key [2]uint64
		for id, r := range constants {
			if r.Contains(uint16(first)) {
				key = toggle(key, id)
			}
		}
		j, ok := byKey[key]
		if !ok {
			j = len(out)
			byKey[key] = j
			out = append(out, portClass{one: uint16(first)})
		}
		out[j].ranges = append(out[j].ranges, topology.PortRange{First: uint16(first), Last: uint16(last)})
	}
	return out
}

func comparePorts(a, b topology.PortRange) int {
	return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last))
}

// mergePorts joins touching ranges.
func mergePorts(list []topology.PortRange) []topology.PortRange {
	list = slices.Clone(list)
	slices.SortFunc(list, comparePorts)
	var out []topology.PortRange
	for _, r := range list {
		if n := len(out); n > 0 && int(r.First) <= int(out[n-1].Last)+1 {
			out[n-1].Last = max(out[n-1].Last, r.Last)
			continue
		}
		out = append(out, r)
	}
	return out
}

// estateConstants are the addresses and prefixes that the walk as such turns
// on, whatever gates it meets: address spaces, subnets, interfaces, private
// endpoints, frontends, public addresses, gateways' prefixes and the platform.
func (s *Simulator) estateConstants() []*netipx.IPSet {
	var out []*netipx.IPSet
	one := func(a netip.Addr) {
		if a.IsValid() {
			out = append(out, scope.SetOf(netip.PrefixFrom(a, a.BitLen())))
		}
	}
	each := func(list []netip.Prefix) {
		for _, p := range list {
			out = append(out, scope.SetOf(p))
		}
	}
	out = append(out, scope.PublicSpace(), scope.DisputedSpace())
	one(scope.WireServer)
	one(scope.IMDS)
	n := s.net
	for _, v := range n.VirtualNetworks {
		each(v.KnownSpace())
		for _, sub := range v.Subnets {
			each(sub.Prefixes)
		}
		for _, p := range v.Peerings {
			each(p.RemoteAddressSpace)
		}
		each(s.names.GatewaysOf(v).Prefixes)
	}
	for _, nic := range n.NetworkInterfaces {
		for _, c := range nic.IPConfigurations {
			one(c.PrivateIPAddress)
		}
	}
	for _, pe := range n.PrivateEndpoints {
		for _, a := range pe.Addresses {
			one(a)
		}
	}
	for _, p := range n.PublicIPAddresses {
		one(p.IPAddress)
	}
	for _, lb := range n.LoadBalancers {
		for _, f := range lb.Frontends {
			one(f.PrivateIPAddress)
			one(f.PublicAddress)
		}
	}
	for _, f := range n.AzureFirewalls {
		one(f.PrivateIPAddress)
	}
	for _, vm := range n.VirtualMachines {
		if vm.Proxy != nil {
			for _, b := range vm.Proxy.Bypass {
				if b.Prefix.IsValid() {
					out = append(out, scope.SetOf(b.Prefix))
				}
			}
		}
		if vm.ProxyServer == nil {
			continue
		}
		for _, pattern := range vm.ProxyServer.AllowHosts {
			if a, err := netip.ParseAddr(pattern); err == nil {
				one(a)
			}
		}
	}
	return out
}

// readSourcePorts is one source port of each class that the rules of the
// estate tell apart.
func (s *Simulator) readSourcePorts() []uint16 {
	var ranges []topology.PortRange
	for _, g := range s.groups {
		for _, r := range g.SecurityRules {
			ranges = append(ranges, r.Source.Ports...)
		}
	}
	for _, r := range s.net.AdminRules {
		ranges = append(ranges, r.Source.Ports...)
	}
	var out []uint16
	for _, c := range cutPorts(topology.AllPorts, ranges) {
		out = append(out, c.one)
	}
	return out
}

// estatePorts are the destination ports that something other than a rule of a
// gate compares with: the platform's, outbound mail, guests' firewalls, load
// balancers.
func (s *Simulator) estatePorts() []topology.PortRange {
	var out []topology.PortRange
	one := func(p int) {
		if p > 0 {
			out = append(out, topology.PortRange{First: uint16(p), Last: uint16(p)})
		}
	}
	for _, p := range []int{25, 53, 67, 80, 443, 1688, 32526} {
		one(p)
	}
	for _, vm := range s.net.VirtualMachines {
		if vm.HostFirewall != nil {
			for _, r := range vm.HostFirewall.Inbound {
				out = append(out, r.LocalPorts...)
			}
		}
	}
	for _, lb := range s.net.LoadBalancers {
		for _, r := range lb.Rules {
			one(r.FrontendPort)
			one(r.BackendPort)
		}
		for _, r := range lb.NATRules {
			one(r.FrontendPort)
			one(r.BackendPort)
		}
	}
	for _, f := range s.net.AzureFirewalls {
		for _, c := range f.Collections {
			for _, r := range c.Rules {
				out = append(out, r.Ports...)
				one(r.TranslatedPort)
			}
		}
	}
	for _, f := range s.net.FirewallPolicies {
		for _, c := range f.Collections {
			for _, r := range c.Rules {
				out = append(out, r.Ports...)
				one(r.TranslatedPort)
			}
		}
	}
	return out
}

// constants are the prefixes and ports of all that a walk met.
func (c *cuts) constants() (prefixes []*netipx.IPSet, source, destination []topology.PortRange) {
	for g := range c.gates {
		p, s, d := g.Constants()
		prefixes, source, destination = append(prefixes, p...), append(source, s...), append(destination, d...)
	}
	for t := range c.tables {
		prefixes = append(prefixes, t.Constants()...)
	}
	for f := range c.firewalls {
		p, d := f.Constants()
		prefixes, destination = append(prefixes, p...), append(destination, d...)
	}
	for s := range c.sets {
		prefixes = append(prefixes, s)
	}
	return prefixes, source, destination
}
