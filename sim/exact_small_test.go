package sim

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/topology"
)

// smallSide is one rule of the small world: one address block of the far side
// and one range of destination ports.
type smallSide struct {
	access topology.Access
	block  netip.Prefix
	ports  topology.PortRange
}

// A world of four addresses and four ports, not at the ends of their spaces:
// every NSG of up to two rules over all of its blocks and ranges gives, as
// exact sets, what its rules say one after the other, in both families.
func TestTheExactSetsOfEveryNSGOfTwoRulesOfASmallWorld(t *testing.T) {
	for _, world := range []struct {
		name      string
		direction topology.Direction
		first     netip.Addr // of four
		own       netip.Addr
		otherwise flowset.Answer // by the default rules
	}{
		{"IPv4 inbound", topology.Inbound, netip.MustParseAddr("203.0.113.4"), netip.MustParseAddr("10.0.0.4"), flowset.Denied},
		{"IPv6 outbound", topology.Outbound, netip.MustParseAddr("2001:4860::4"), netip.MustParseAddr("fd00::4"), flowset.Allowed},
	} {
		t.Run(world.name, func(t *testing.T) {
			const port = 1020
			bits := world.first.BitLen()
			var sides []smallSide
			for length := bits - 2; length <= bits; length++ {
				for a, n := world.first, 0; n < 4; a, n = a.Next(), n+1 {
					p := netip.PrefixFrom(a, length)
					if p != p.Masked() {
						continue
					}
					for from := range 4 {
						for to := from; to < 4; to++ {
							for _, access := range []topology.Access{topology.Allow, topology.Deny} {
								sides = append(sides, smallSide{access, p, topology.PortRange{First: uint16(port + from), Last: uint16(port + to)}})
							}
						}
					}
				}
			}
			v := &topology.VirtualNetwork{AddressSpace: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("fd00::/64")}}
			v.Name, v.ResourceID = "v", "/v"
			sub := &topology.Subnet{Prefixes: v.AddressSpace}
			sub.Name, sub.ResourceID = "s", "/v/subnets/s"
			v.Subnets = []*topology.Subnet{sub}
			n, err := topology.NewNetwork(topology.Data{}, v)
			if err != nil {
				t.Fatal(err)
			}
			s, err := New(n, Options{})
			if err != nil {
				t.Fatal(err)
			}
			rules := make([]*topology.SecurityRule, len(sides))
			second := make([]*topology.SecurityRule, len(sides))
			for i, x := range sides {
				far := topology.Match{Prefixes: []topology.AddressPrefix{{Kind: topology.PrefixAddress, Prefix: x.block, Text: x.block.String()}}, Ports: []topology.PortRange{topology.AllPorts}}
				near := topology.Match{Prefixes: []topology.AddressPrefix{{Kind: topology.AnyAddress, Text: "*"}}, Ports: []topology.PortRange{topology.AllPorts}}
				r := &topology.SecurityRule{Priority: 100, Direction: world.direction, Access: x.access, Protocol: topology.TCP, Source: far, Destination: near}
				if world.direction == topology.Outbound {
					r.Source, r.Destination = near, far
				}
				r.Name = fmt.Sprint("r", i)
				r.Destination.Ports = []topology.PortRange{x.ports}
				again := *r
				again.Name, again.Priority = r.Name+"b", 200
				rules[i], second[i] = r, &again
			}
			before, after := world.first.Prev(), world.first.Next().Next().Next().Next()
			var far []netip.Addr
			for a := before; ; a = a.Next() {
				far = append(far, a)
				if a == after {
					break
				}
			}
			gate := func(of ...*topology.SecurityRule) *nsg.Gate {
				return nsg.New(&topology.NetworkSecurityGroup{RulesGiven: true, SecurityRules: of}, world.direction, s.names.At(sub))
			}
			check := func(parts flowset.Parts, list ...smallSide) {
				if !parts.Open.Empty() || !parts.Unmatched.Empty() {
					t.Fatalf("%v: something is open", list)
				}
				for _, a := range far {
					for d := uint16(port - 1); d <= port+4; d++ {
						p := flowset.Packet{Protocol: topology.TCP, Source: a, SourcePort: 50000, Destination: world.own, DestinationPort: d}
						if world.direction == topology.Outbound {
							p.Source, p.Destination = p.Destination, p.Source
						}
						want := world.otherwise
						for _, x := range list {
							if x.block.Contains(a) && x.ports.Contains(d) {
								want = flowset.Denied
								if x.access == topology.Allow {
									want = flowset.Allowed
								}
								break
							}
						}
						if allowed, denied := parts.Allowed.Has(p), parts.Denied.Has(p); allowed == denied || allowed != (want == flowset.Allowed) {
							t.Fatalf("%v: %v is allowed %v, denied %v, rule by rule %d", list, p, allowed, denied, want)
						}
					}
				}
			}
			six := bits == 128
			check(nsg.Exact(six, nil, gate())[0])
			for i := range sides {
				if testing.Short() && i%17 != 0 {
					continue
				}
				check(nsg.Exact(six, nil, gate(rules[i]))[0], sides[i])
				gates := make([]*nsg.Gate, len(sides))
				for j := range sides {
					gates[j] = gate(rules[i], second[j])
				}
				for j, parts := range nsg.Exact(six, nil, gates...) {
					check(parts, sides[i], sides[j])
				}
			}
		})
	}
}
