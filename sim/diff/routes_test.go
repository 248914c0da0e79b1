package diff

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/route"
	"github.com/netpath/netpath/topology"
)

// rerouted is the estate with routes gone, added or pointed elsewhere.
func rerouted(t *testing.T, n *topology.Network, r *rand.Rand) *topology.Network {
	t.Helper()
	var all []*topology.Route
	for _, x := range n.RouteTables {
		all = append(all, x.Routes...)
	}
	var out []topology.Any
	for e := range n.All {
		x, ok := e.(*topology.RouteTable)
		if !ok {
			out = append(out, e)
			continue
		}
		y := *x
		y.Routes = slices.Clone(x.Routes)
		for range 2 {
			if len(all) == 0 || !y.RoutesGiven {
				break
			}
			switch k := r.IntN(3); {
			case k == 0 && len(y.Routes) > 0:
				i := r.IntN(len(y.Routes))
				y.Routes = slices.Delete(y.Routes, i, i+1)
			case k == 1 && len(y.Routes) > 0:
				i := r.IntN(len(y.Routes))
				z := *y.Routes[i]
				z.NextHop, z.NextHopIP = topology.NextHopNone, netip.Addr{}
				y.Routes[i] = &z
			default:
				z := *all[r.IntN(len(all))]
				y.Routes = append(y.Routes, &z)
			}
		}
		out = append(out, &y)
	}
	m, err := topology.NewNetwork(topology.Data{EffectiveSecurityGroups: n.EffectiveSecurityGroups, EffectiveRouteTables: n.EffectiveRouteTables,
		ServiceTags: n.ServiceTags, DatacenterRanges: n.DatacenterRanges, Gaps: n.Gaps}, out...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// An address is in a change of routes if and only if it goes elsewhere than
// before, and then in one change only, from the old next hop to the new one.
func TestTheRoutesThatChangeAreThoseOfEachAddress(t *testing.T) {
	differ, same := 0, 0
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 7))
		n, _ := estategen.Random(rand.New(rand.NewPCG(seed, 1)), estategen.Options{Samples: 1})
		m := rerouted(t, n, r)
		var sims [2]*sim.Simulator
		for i, x := range []*topology.Network{n, m} {
			s, err := sim.New(x, sim.Options{AsOf: estategen.CatalogueDate})
			if err != nil {
				t.Fatal(err)
			}
			sims[i] = s
		}
		rep, err := Compare(context.Background(), sims[0], sims[1], Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range sims { // a service tag file that is not fresh is taken as current
			if sims[i], _, err = current(s); err != nil {
				t.Fatal(err)
			}
		}
		for _, v := range n.VirtualNetworks {
			for _, sub := range v.Subnets {
				after, ok := topology.Lookup[*topology.Subnet](m, sub.Ref())
				if !ok {
					t.Fatal("the subnet is gone")
				}
				tables := [2]*route.Table{route.New(n, sims[0].Names(), sub), route.New(m, sims[1].Names(), after)}
				i := slices.IndexFunc(rep.Routes, func(x Routes) bool { return slices.Contains(x.Subnets, subnetLabel(sub)) })
				var addresses []netip.Addr
				for _, x := range tables {
					for _, set := range x.Constants() {
						for _, p := range set.Ranges() {
							addresses = append(addresses, p.From(), p.To(), p.From().Prev(), p.To().Next())
						}
					}
				}
				r.Shuffle(len(addresses), func(i, j int) { addresses[i], addresses[j] = addresses[j], addresses[i] })
				for _, a := range addresses[:min(len(addresses), 60)] {
					if !a.IsValid() || a.Is6() && !hasIPv6(sims[0].Place(sub)) && !hasIPv6(sims[1].Place(after)) {
						continue
					}
					was, old := nextHop(tables[0], a)
					is, new := nextHop(tables[1], a)
					var in []RouteChange
					if i >= 0 {
						for _, x := range rep.Routes[i].Changes {
							if slices.ContainsFunc(x.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) }) {
								in = append(in, x)
							}
						}
					}
					switch {
					case was == is && len(in) > 0:
						t.Errorf("seed %d: %s to %s: %s before and now, told to change", seed, subnetLabel(sub), a, old)
					case was == is:
						same++
					case len(in) != 1:
						t.Errorf("seed %d: %s to %s: %s before, %s now, in %d changes", seed, subnetLabel(sub), a, old, new, len(in))
					default:
						differ++
						if in[0].Old.String() != old.String() || in[0].New.String() != new.String() {
							t.Errorf("seed %d: %s to %s: %s before, %s now; told: %s, %s", seed, subnetLabel(sub), a, old, new, in[0].Old, in[0].New)
						}
					}
				}
			}
		}
	}
	t.Logf("%d addresses go elsewhere, %d as before", differ, same)
	if differ < 100 || same < 100 {
		t.Error("too little was asked")
	}
}
