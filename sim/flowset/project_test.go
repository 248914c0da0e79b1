package flowset_test

import (
	"fmt"
	"testing"

	"go4.org/netipx"
	"pgregory.net/rapid"

	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/topology"
)

// What some packet of a set has on a side is what the set's boxes have there.
func TestTheSidesOfASetAreThoseOfItsBoxes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := drawRules(t, 5)
		s, lists := flowset.NewSpace(false, nil, rules)
		set := s.Decide(lists[0], nil).Allowed
		var sources, destinations netipx.IPSetBuilder
		ported := false
		var covered [65536]bool
		set.Boxes(func(b flowset.Box) bool {
			for side, x := range map[*netipx.IPSetBuilder]*netipx.IPSet{&sources: b.Source, &destinations: b.Destination} {
				if x == nil {
					x = addresses("0.0.0.0/0")
				}
				side.AddSet(x)
			}
			list := b.DestinationPorts
			if list == nil {
				list = ports(0, 65535)
			}
			for _, p := range b.Protocols {
				if p.HasPorts() {
					ported = true
					for _, r := range list {
						for n := int(r.First); n <= int(r.Last); n++ {
							covered[n] = true
						}
					}
				}
			}
			return true
		})
		from, _ := sources.IPSet()
		to, _ := destinations.IPSet()
		if !from.Equal(set.Sources()) || !to.Equal(set.Destinations()) {
			t.Fatalf("%v to %v, by the boxes %v to %v", set.Sources().Prefixes(), set.Destinations().Prefixes(), from.Prefixes(), to.Prefixes())
		}
		var want []topology.PortRange
		for n, in := range covered {
			switch {
			case !in:
			case n > 0 && covered[n-1]:
				want[len(want)-1].Last = uint16(n)
			default:
				want = append(want, topology.PortRange{First: uint16(n), Last: uint16(n)})
			}
		}
		if got := set.DestinationPorts(); fmt.Sprint(got) != fmt.Sprint(want) || ported != (len(got) > 0) {
			t.Fatalf("ports %v, by the boxes %v", got, want)
		}
	})
}
