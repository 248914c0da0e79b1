package sim

import (
	"math/big"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"go4.org/netipx"

	"github.com/netpath/netpath/internal/oracle"
	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/topology"
)

var exactVerdicts = map[flowset.Answer]flow.Verdict{flowset.Allowed: flow.Allow, flowset.Denied: flow.Deny, flowset.Open: flow.Unknown}

func TestTheExactSetsOfAnNSGAreWhatItSaysOfEachPacket(t *testing.T) {
	asked, corners, verdicts := 0, 0, map[flow.Verdict]int{}
	// Among the last ones the rules of one priority, and one whose priority is an
	// expression, turn on each other.
	for seed := range slices.Values(append(upTo(150), 432, 694, 1170, 1189, 1311)) {
		r := rand.New(rand.NewPCG(seed, 6))
		n, samples := estategen.Random(r, estategen.Options{Samples: 60})
		s, err := New(n, Options{AsOf: estategen.CatalogueDate})
		if err != nil {
			t.Fatal(err)
		}
		o := oracle.New(n, oracle.Options{AsOf: estategen.CatalogueDate})
		made := map[*nsg.Gate][2]flowset.Parts{}
		for _, x := range samples {
			if x.Kind != estategen.GroupAlone || x.DestinationTag != "" || !x.Group.RulesGiven {
				continue
			}
			local, remote := Endpoint{Address: x.Source, Port: x.SourcePort}, Endpoint{Address: x.Destination, Port: x.DestinationPort}
			if x.Direction == topology.Inbound {
				local, remote = remote, local
			}
			q := IPFlowQuestion{NSG: x.Group.ResourceID, Direction: x.Direction, Protocol: x.Protocol, Local: local, Remote: remote}
			at, err := s.chainFor(q)
			if err != nil {
				continue // the address is in several virtual networks
			}
			gate := s.gate(x.Group, x.Direction, at.place)
			parts, ok := made[gate]
			if !ok {
				var home []netip.Prefix
				if at.place.Subnet != nil {
					home = at.place.Subnet.Prefixes
				}
				for family := range parts {
					parts[family] = nsg.Exact(family == 1, nil, gate)[0]
					checkParts(t, gate, parts[family], home, r, func(p flowset.Packet, got flowset.Answer) {
						near := p.Source
						if x.Direction == topology.Inbound {
							near = p.Destination
						}
						if !slices.ContainsFunc(home, func(x netip.Prefix) bool { return x.Contains(near) }) {
							return // there the NSG means something else
						}
						b := o.IPFlow(oracle.Place{Group: x.Group}, x.Direction, flow.Tuple{Protocol: p.Protocol,
							Source: flow.At(p.Source), SourcePort: p.SourcePort, Destination: flow.At(p.Destination), DestinationPort: p.DestinationPort})
						if b.Beyond || b.Refused {
							return
						}
						corners++
						if v := exactVerdicts[got]; v != b.Verdict && v != flow.Unknown {
							t.Errorf("seed %d: %s %s: the corner %v is %v by the exact sets, %v by the oracle", seed, x.Group.Name, x.Direction, p, v, b.Verdict)
						}
					})
				}
				made[gate] = parts
			}
			p := flowset.Packet{Protocol: x.Protocol, Source: x.Source, SourcePort: x.SourcePort, Destination: x.Destination, DestinationPort: x.DestinationPort}
			set := parts[0]
			if x.Source.Is6() {
				set = parts[1]
			}
			got := exactVerdicts[partOf(t, set, p)]
			a, err := s.IPFlow(q)
			if err != nil {
				t.Fatal(err)
			}
			asked++
			verdicts[got]++
			if got != a.Access {
				t.Errorf("seed %d: %s: %v by the exact sets, %v by IP flow", seed, x, got, a.Access)
			}
			b := o.IPFlow(oracle.Place{Group: x.Group}, x.Direction, flow.Tuple{Protocol: x.Protocol,
				Source: flow.At(x.Source), SourcePort: x.SourcePort, Destination: flow.At(x.Destination), DestinationPort: x.DestinationPort})
			if !b.Beyond && !b.Refused && got != b.Verdict && got != flow.Unknown {
				t.Errorf("seed %d: %s: %v by the exact sets, %v by the oracle", seed, x, got, b.Verdict)
			}
		}
	}
	t.Logf("%d packets: %v; %d corners put to the oracle", asked, verdicts, corners)
	if corners < 300 {
		t.Errorf("only %d corners were put to the oracle", corners)
	}
	for _, v := range exactVerdicts {
		if verdicts[v] == 0 {
			t.Errorf("no packet has the verdict %v", v)
		}
	}
}

func upTo(n uint64) (out []uint64) {
	for seed := range n {
		out = append(out, seed)
	}
	return out
}

// partOf is the part that has the packet; it fails where not exactly one has.
func partOf(t *testing.T, x flowset.Parts, p flowset.Packet) flowset.Answer {
	t.Helper()
	found := flowset.Unmatched
	times := 0
	for a, set := range map[flowset.Answer]flowset.Set{flowset.Unmatched: x.Unmatched, flowset.Allowed: x.Allowed, flowset.Denied: x.Denied, flowset.Open: x.Open} {
		if set.Has(p) {
			found = a
			times++
		}
	}
	if times != 1 {
		t.Fatalf("%v is in %d parts", p, times)
	}
	return found
}

// checkParts holds the witnesses and the corners of the parts' boxes against
// the gate itself and what else is asked, and the parts against all packets.
func checkParts(t *testing.T, g *nsg.Gate, x flowset.Parts, home []netip.Prefix, r *rand.Rand, also func(flowset.Packet, flowset.Answer)) {
	t.Helper()
	if !x.Unmatched.Empty() {
		t.Fatal("some packet meets no rule, not even a default one")
	}
	all := x.Allowed.Union(x.Denied).Union(x.Open)
	sum := new(big.Int)
	for i, set := range []flowset.Set{x.Allowed, x.Denied, x.Open} {
		a := flowset.Allowed + flowset.Answer(i)
		sum.Add(sum, set.Size())
		check := func(p flowset.Packet) {
			if p.Source == p.Destination && a == flowset.Open {
				return // what is not known of both ends is then one thing
			}
			if got := g.Ask(p); got != a {
				t.Errorf("%s %s: %v is in part %d, asked alone it is %d", g.NSG.Name, g.Direction, p, a, got)
			}
			also(p, a)
		}
		if p, ok := set.Witness(); ok {
			check(p)
		}
		boxes := 0
		set.Boxes(func(b flowset.Box) bool {
			if boxes++; r.IntN(4) == 0 {
				p := corner(b, r, all)
				check(p)
				near, mine := b.Source, &p.Source
				if g.Direction == topology.Inbound {
					near, mine = b.Destination, &p.Destination
				}
				if end := endAt(near, home, p.Source.Is6(), r); end.IsValid() {
					*mine = end
					check(p)
				}
			}
			return boxes < 80
		})
	}
	if sum.Cmp(all.Size()) != 0 || !all.Without(x.Allowed).Without(x.Denied).Without(x.Open).Empty() {
		t.Errorf("the parts have %v packets, all are %v", sum, all.Size())
	}
}

// endAt is an end of the part of a set that lies in a subnet, invalid where
// there is none; nil is every address.
func endAt(set *netipx.IPSet, home []netip.Prefix, six bool, r *rand.Rand) netip.Addr {
	var b netipx.IPSetBuilder
	for _, p := range home {
		if p.Addr().Is6() == six {
			b.AddPrefix(p)
		}
	}
	if set != nil {
		b.Intersect(set)
	}
	here, _ := b.IPSet() // of valid prefixes: no error
	list := here.Ranges()
	if len(list) == 0 {
		return netip.Addr{}
	}
	x := list[r.IntN(len(list))]
	if r.IntN(2) == 0 {
		return x.From()
	}
	return x.To()
}

// corner is a packet at the lower or upper end of each of a box's conditions.
func corner(b flowset.Box, r *rand.Rand, all flowset.Set) flowset.Packet {
	p, _ := all.Witness() // of the family
	p.Protocol = b.Protocols[r.IntN(len(b.Protocols))]
	address := func(old netip.Addr, of flowset.Box, source bool) netip.Addr {
		set := of.Destination
		if source {
			set = of.Source
		}
		if set == nil {
			return old
		}
		ranges := set.Ranges()
		x := ranges[r.IntN(len(ranges))]
		if r.IntN(2) == 0 {
			return x.From()
		}
		return x.To()
	}
	port := func(list []topology.PortRange) uint16 {
		if !p.Protocol.HasPorts() {
			return 0
		}
		if list == nil {
			list = []topology.PortRange{topology.AllPorts}
		}
		x := list[r.IntN(len(list))]
		if r.IntN(2) == 0 {
			return x.First
		}
		return x.Last
	}
	p.Source, p.Destination = address(p.Source, b, true), address(p.Destination, b, false)
	p.SourcePort, p.DestinationPort = port(b.SourcePorts), port(b.DestinationPorts)
	return p
}
