package optimize_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/internal/oracle"
	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/optimize"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

// On random estates, doubts and all, the oracle says the same of an NSG and of
// what it was made into, under the assumptions and without any.
func TestTheOracleSaysTheSameOfAnNSGAndOfItsShorterForm(t *testing.T) {
	asked, shorter, removed := 0, 0, 0
	for seed := uint64(1); seed <= 80; seed++ {
		r := rand.New(rand.NewPCG(seed, 21))
		n, samples := estategen.Random(r, estategen.Options{Samples: 80})
		s, err := sim.New(n, sim.Options{AsOf: estategen.CatalogueDate})
		if err != nil {
			t.Fatal(err)
		}
		var edits []edit.Edit
		for _, g := range n.NetworkSecurityGroups {
			if !g.RulesGiven {
				continue
			}
			p, err := optimize.Group(s, g)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if len(p.Edits) > 0 {
				shorter++
				removed += len(g.SecurityRules) - len(p.After.SecurityRules)
				edits = append(edits, p.Edits...)
			}
		}
		if len(edits) == 0 {
			continue
		}
		after, err := edit.Apply(n, edits...)
		if err != nil {
			t.Fatal(err)
		}
		opts := oracle.Options{AsOf: estategen.CatalogueDate}
		was, is := oracle.New(n, opts), oracle.New(after, opts)
		for _, x := range samples {
			p := flow.Tuple{Protocol: x.Protocol, Source: flow.At(x.Source), SourcePort: x.SourcePort, Destination: flow.At(x.Destination), DestinationPort: x.DestinationPort}
			if x.DestinationTag != "" {
				p.Destination = flow.SomewhereIn(x.DestinationTag, x.Source.Is6())
			}
			var a, b oracle.Answer
			switch x.Kind {
			case estategen.GroupAlone:
				local := x.Source
				if x.Direction == in {
					local = x.Destination
				}
				if !slices.ContainsFunc(s.Scopes(x.Group), func(p *scope.Place) bool {
					return p.Subnet != nil && slices.ContainsFunc(p.Subnet.Prefixes, func(p netip.Prefix) bool { return p.Contains(local) })
				}) {
					continue // it does not apply there
				}
				g, _ := topology.LookupID[*topology.NetworkSecurityGroup](after, x.Group.ID())
				a, b = was.IPFlow(oracle.Place{Group: x.Group}, x.Direction, p), is.IPFlow(oracle.Place{Group: g}, x.Direction, p)
			case estategen.Outbound, estategen.Inbound:
				at := oracle.Place{Configuration: x.Configuration}
				a, b = was.IPFlow(at, x.Direction, p), is.IPFlow(at, x.Direction, p)
			default:
				continue
			}
			if a.Beyond || b.Beyond || a.Refused || b.Refused {
				continue
			}
			asked++
			if a.Verdict != b.Verdict || a.Strict != b.Strict {
				t.Errorf("seed %d: %s: %s, strictly %s; after %v it is %s, strictly %s", seed, x, a.Verdict, a.Strict, edits, b.Verdict, b.Strict)
			}
		}
	}
	t.Logf("%d NSGs lost %d rules; %d packets", shorter, removed, asked)
	if shorter < 40 || asked < 800 {
		t.Error("too few to show anything")
	}
}

// rules draws a list of rules over few addresses and ports, so that they
// overlap, shadow each other and can be merged.
func rules(t *rapid.T) []*golden.Rule {
	addresses := []string{"*", "VirtualNetwork", "Internet", "Storage", "Storage.WestEurope", "NoSuchTag", "OtherTag", "203.0.113.0/24", "203.0.113.0/25", "203.0.113.128/25", "203.0.113.4", "10.0.0.0/8", "10.0.1.0/24", "20.60.26.0/23", "2001:db8::/32", "2001:db8::/33"}
	ports := []string{"*", "80", "81", "443", "80-443", "0-1023", "1024-65535"}
	var list []*golden.Rule
	for i := range rapid.IntRange(1, 9).Draw(t, "rules") {
		d := rapid.SampledFrom([]topology.Direction{in, out}).Draw(t, "direction")
		r := golden.Allow(fmt.Sprintf("r%d", i), 100+10*i, d)
		if rapid.Bool().Draw(t, "deny") {
			r = golden.Deny(fmt.Sprintf("r%d", i), 100+10*i, d)
		}
		switch rapid.IntRange(0, 3).Draw(t, "protocol") {
		case 0:
			r.TCP()
		case 1:
			r.UDP()
		case 2:
			r.ICMP()
		}
		if rapid.IntRange(0, 2).Draw(t, "named") > 0 {
			r.Ports(rapid.SampledFrom(ports).Draw(t, "ports"))
		}
		far := rapid.SampledFrom(addresses).Draw(t, "far")
		if d == in {
			r.From(far)
		} else {
			r.To(far)
		}
		if rapid.IntRange(0, 9).Draw(t, "source ports") == 0 {
			r.SourcePorts(rapid.SampledFrom(ports).Draw(t, "from"))
		}
		list = append(list, r)
	}
	return list
}

// What comes out means the same to the oracle, cannot be made shorter again,
// and has only rules that were there.
func TestARandomListComesOutShorterAndAlike(t *testing.T) {
	far := []string{"203.0.113.4", "203.0.113.200", "203.0.114.1", "10.0.1.9", "10.9.9.9", "20.60.26.9", "20.60.40.9", "2001:db8::4", "2001:db8:8000::4", "fd00::9"}
	ports := []uint16{0, 79, 80, 81, 82, 443, 444, 1023, 1024}
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "packets"), 1))
		e := golden.New().SubnetNSG("app", rules(t)...)
		six := netip.MustParsePrefix("fd00:1::/64")
		v, sub := e.VNetOf("v1"), e.SubnetOf("app")
		v.AddressSpace, sub.Prefixes = append(v.AddressSpace, six), append(sub.Prefixes, six)
		n, g := e.Build(), e.NSGOf("nsg-app")
		s, err := sim.New(n, sim.Options{AsOf: golden.AsOf})
		if err != nil {
			t.Fatal(err)
		}
		p, err := optimize.Group(s, g)
		if err != nil {
			t.Fatal(err)
		}
		after, err := edit.Apply(n, p.Edits...)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.After.SecurityRules {
			i := slices.IndexFunc(g.SecurityRules, func(x *topology.SecurityRule) bool { return x.Name == r.Name })
			if i < 0 || g.SecurityRules[i].Priority != r.Priority || g.SecurityRules[i].Access != r.Access {
				t.Fatalf("%s at %d was not there", r.Name, r.Priority)
			}
		}
		with, err := sim.New(after, sim.Options{AsOf: golden.AsOf})
		if err != nil {
			t.Fatal(err)
		}
		again, err := optimize.Group(with, p.After)
		if err != nil || len(again.Steps) > 0 {
			t.Fatalf("asked again it is shorter still: %v, %v", lines(again), err)
		}
		was, is := oracle.New(n, oracle.Options{AsOf: golden.AsOf}), oracle.New(after, oracle.Options{AsOf: golden.AsOf})
		for range 40 {
			a := netip.MustParseAddr(far[r.IntN(len(far))])
			own := netip.MustParseAddr("10.0.1.4")
			if a.Is6() {
				own = netip.MustParseAddr("fd00:1::4")
			}
			d := []topology.Direction{in, out}[r.IntN(2)]
			q := flow.Tuple{Protocol: []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP}[r.IntN(3)], Source: flow.At(own), Destination: flow.At(a)}
			if q.Protocol.HasPorts() {
				q.SourcePort, q.DestinationPort = ports[r.IntN(len(ports))], ports[r.IntN(len(ports))]
			}
			if d == in {
				q.Source, q.Destination = q.Destination, q.Source
			}
			x, y := was.IPFlow(oracle.Place{Group: g}, d, q), is.IPFlow(oracle.Place{Group: p.After}, d, q)
			if x.Verdict != y.Verdict || x.Strict != y.Strict {
				t.Fatalf("%s %s: %s, strictly %s; after %v it is %s, strictly %s", d, q, x.Verdict, x.Strict, p.Edits, y.Verdict, y.Strict)
			}
		}
	})
}

// A list into which redundancy was planted comes out as long as it was before.
func TestPlantedRedundancyIsFoundWhole(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 5))
		// The rules that are needed: one port of one network each, and no two
		// networks or ports that could be listed together.
		var list []*golden.Rule
		for i := range 8 {
			list = append(list, golden.Allow(fmt.Sprintf("need%d", i), 1000+100*i, in).TCP().From(fmt.Sprintf("203.0.%d.0/24", 2*i)).Ports(fmt.Sprint(1000+2*i), fmt.Sprint(2000+2*i)))
		}
		needed := len(list)
		for i := range 24 {
			of := r.IntN(8)
			network, one := fmt.Sprintf("203.0.%d", 2*of), fmt.Sprint(1000+2*of)
			name, priority := fmt.Sprintf("plant%d", i), 100+r.IntN(800)/24*24+i
			switch r.IntN(5) {
			case 0: // a part of a needed rule, before or after it
				list = append(list, golden.Allow(name, priority+1000*r.IntN(2)*3, in).TCP().From(network+".64/26").Ports(one))
			case 1: // the same
				list = append(list, golden.Allow(name, priority, in).TCP().From(network+".0/24").Ports(one, fmt.Sprint(2000+2*of)))
			case 2: // denied anyway
				list = append(list, golden.Deny(name, priority, in).From(fmt.Sprintf("198.51.100.%d", i)))
			case 3: // never reached
				list = append(list, golden.Deny(name, 3000+priority, in).TCP().From(network+".7").Ports(one))
			case 4: // another port, that becomes one with the needed rule
				list = append(list, golden.Allow(name, priority, in).TCP().From(network+".0/24").Ports(fmt.Sprint(3000+i)))
			}
		}
		p := plan(t, golden.New().SubnetNSG("app", list...), "nsg-app")
		if len(p.After.SecurityRules) != needed {
			t.Errorf("seed %d: %d rules of %d are left, not %d: %v\n%v", seed, len(p.After.SecurityRules), len(list), needed, names(p.After), lines(p))
		}
	}
}
