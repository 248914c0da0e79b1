package diff_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/diff"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load"
)

// catalogue is Azure's public service tag file.
func catalogue(tb testing.TB) *topology.ServiceTagCatalogue {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			tb.Fatal("no go.mod above the working folder")
		}
		dir = filepath.Dir(dir)
	}
	file := filepath.Join(dir, "../shared/data/service-tags/ServiceTags_Public_20251028.json")
	if _, err := os.Stat(file); err != nil {
		tb.Skip("the public service tag file is not here: " + err.Error())
	}
	r, err := load.Estate(context.Background(), []string{file}, load.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return r.Network.ServiceTags
}

// thousand is an NSG of 1,000 rules over tags and prefixes.
func thousand(r *rand.Rand, tags []*topology.ServiceTag) []*topology.SecurityRule {
	var out []*topology.SecurityRule
	side := func() topology.Match {
		m := topology.Match{Ports: []topology.PortRange{topology.AllPorts}}
		switch r.IntN(4) {
		case 0:
			m.Prefixes = []topology.AddressPrefix{{Kind: topology.AnyAddress, Text: "*"}}
		case 1:
			t := tags[r.IntN(len(tags))].Name
			m.Prefixes = []topology.AddressPrefix{{Kind: topology.TagAddress, Text: t, Tag: t}}
		default:
			for range 1 + r.IntN(3) {
				p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))}), 12+r.IntN(21)).Masked()
				m.Prefixes = append(m.Prefixes, topology.AddressPrefix{Kind: topology.PrefixAddress, Text: p.String(), Prefix: p})
			}
		}
		return m
	}
	for i := range 1000 {
		d := topology.Inbound
		if i%2 == 0 {
			d = topology.Outbound
		}
		x := &topology.SecurityRule{Priority: 100 + i*3, Direction: d, Access: topology.Allow, Protocol: topology.TCP}
		x.Name = fmt.Sprintf("r%d", i)
		x.ResourceID = "/nsg/n/securityRules/" + x.Name
		if r.IntN(3) == 0 {
			x.Access = topology.Deny
		}
		if r.IntN(4) == 0 {
			x.Protocol = topology.AnyProtocol
		}
		x.Source, x.Destination = side(), side()
		if r.IntN(4) > 0 {
			first := uint16(r.IntN(9000))
			x.Destination.Ports = []topology.PortRange{{First: first, Last: first + uint16(r.IntN(3)*r.IntN(900))}}
		}
		out = append(out, x)
	}
	return out
}

func groupOf(tb testing.TB, c *topology.ServiceTagCatalogue, rules []*topology.SecurityRule) *sim.Simulator {
	tb.Helper()
	g := &topology.NetworkSecurityGroup{RulesGiven: true, SecurityRules: rules}
	g.ResourceID, g.Name = "/nsg/n", "n"
	n, err := topology.NewNetwork(topology.Data{ServiceTags: c}, g)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := sim.New(n, sim.Options{AsOf: c.Date})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func BenchmarkTwoNSGsOfAThousandRulesOverTheCatalogue(b *testing.B) {
	c := catalogue(b)
	rules := thousand(rand.New(rand.NewPCG(1, 1)), c.Tags)
	edited := slices.Clone(rules)
	r := rand.New(rand.NewPCG(2, 2))
	for range 30 {
		i := r.IntN(len(edited))
		x := *edited[i]
		x.Access = topology.Allow + topology.Deny - x.Access
		edited[i] = &x
	}
	others := thousand(rand.New(rand.NewPCG(3, 3)), c.Tags)
	for _, x := range []struct {
		name string
		new  []*topology.SecurityRule
	}{{"30 edits", edited}, {"all other rules", others}} {
		b.Run(x.name, func(b *testing.B) {
			for b.Loop() {
				old, new := groupOf(b, c, rules), groupOf(b, c, x.new)
				rep, err := diff.Compare(context.Background(), old, new, diff.Options{})
				if err != nil {
					b.Fatal(err)
				}
				if len(rep.Gates) != 1 || len(rep.Gates[0].Changes) < 2 {
					b.Fatalf("%+v", rep)
				}
			}
		})
	}
}
