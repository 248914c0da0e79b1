package lint

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load"
)

// repository is a path below the root of the repository.
func repository(tb testing.TB, path ...string) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(append([]string{dir}, path...)...)
		}
		if dir == filepath.Dir(dir) {
			tb.Fatal("no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
}

// catalogue is the newest service tag file of the shared data, and the names
// of its tags; the test is skipped where there is none.
func catalogue(tb testing.TB) *topology.ServiceTagCatalogue {
	tb.Helper()
	files, _ := filepath.Glob(repository(tb, "..", "shared", "data", "service-tags", "*.json"))
	if len(files) == 0 {
		tb.Skip("no service tag file in ../shared/data/service-tags")
	}
	r, err := load.Estate(context.Background(), []string{files[len(files)-1]}, load.Options{AllTags: true})
	if err != nil {
		tb.Fatal(err)
	}
	return r.Network.ServiceTags
}

// large is an NSG of n rules as people write them, all outbound: tags and own
// prefixes, well-known ports, ranges and lists.
func large(c *topology.ServiceTagCatalogue, name string, n int, rng *rand.Rand) *topology.NetworkSecurityGroup {
	g := &topology.NetworkSecurityGroup{RulesGiven: true, Element: topology.Element{Name: name, ResourceID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/" + name}}
	prefix := func(p netip.Prefix) topology.AddressPrefix {
		return topology.AddressPrefix{Kind: topology.PrefixAddress, Prefix: p, Text: p.String()}
	}
	tag := func(s string) topology.AddressPrefix {
		return topology.AddressPrefix{Kind: topology.TagAddress, Tag: s, Text: s}
	}
	any := topology.AddressPrefix{Kind: topology.AnyAddress, Text: "*"}
	four := func(a uint32, bits int) netip.Prefix {
		p, _ := netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)}).Prefix(bits)
		return p
	}
	var owned [][]topology.AddressPrefix
	for range n {
		base := 0x0a000000 | rng.Uint32N(1<<16)<<8
		var set []topology.AddressPrefix
		switch rng.IntN(4) {
		case 0:
			set = append(set, prefix(four(base, 16+rng.IntN(9))))
		case 1:
			set = append(set, prefix(four(base|rng.Uint32N(256), 24+rng.IntN(9))))
		default:
			for range 1 + rng.IntN(4) {
				set = append(set, prefix(four(base|rng.Uint32N(256), 32)))
			}
		}
		owned = append(owned, set)
	}
	own := func() []topology.AddressPrefix { return owned[rng.IntN(n)] }
	other := func() []topology.AddressPrefix {
		switch x := rng.IntN(20); {
		case x < 10:
			return []topology.AddressPrefix{tag(c.Tags[rng.IntN(len(c.Tags))].Name)}
		case x < 12:
			return []topology.AddressPrefix{tag("Internet")}
		case x < 14:
			return []topology.AddressPrefix{tag("VirtualNetwork")}
		case x < 17:
			return own()
		default:
			return []topology.AddressPrefix{any}
		}
	}
	known := []uint16{22, 25, 53, 80, 88, 123, 135, 389, 443, 445, 636, 1433, 3306, 3389, 5432, 5671, 5985, 8080, 8443, 9093}
	one := func() topology.PortRange {
		at := known[rng.IntN(len(known))]
		if rng.IntN(3) == 0 {
			at = uint16(rng.IntN(1 << 16))
		}
		return topology.PortRange{First: at, Last: at}
	}
	for i := range n {
		r := &topology.SecurityRule{Element: topology.Element{Name: fmt.Sprintf("r%d", i)}, Priority: 100 + i, Direction: topology.Outbound, Access: topology.Allow, Protocol: topology.TCP}
		switch x := rng.IntN(20); {
		case x < 2:
			r.Protocol = topology.UDP
		case x < 6:
			r.Protocol = topology.AnyProtocol
		case x < 7:
			r.Protocol = topology.ICMP
		}
		if rng.IntN(10) < 3 {
			r.Access = topology.Deny
		}
		var ports []topology.PortRange
		switch x := rng.IntN(20); {
		case x < 3:
			ports = append(ports, topology.AllPorts)
		case x < 13:
			ports = append(ports, one())
		case x < 17:
			first := one().First
			ports = append(ports, topology.PortRange{First: first, Last: first + min(uint16(rng.IntN(200)), 65535-first)})
		default:
			for range 2 + rng.IntN(4) {
				ports = append(ports, one())
			}
		}
		from, to := other(), own()
		if rng.IntN(2) == 0 {
			from, to = own(), other()
		}
		r.Source = topology.Match{Prefixes: from, Ports: []topology.PortRange{topology.AllPorts}}
		r.Destination = topology.Match{Prefixes: to, Ports: ports}
		g.SecurityRules = append(g.SecurityRules, r)
	}
	return g
}

// attached is a network whose one subnet has the NSGs, by interfaces.
func attached(tb testing.TB, c *topology.ServiceTagCatalogue, groups ...*topology.NetworkSecurityGroup) *sim.Simulator {
	tb.Helper()
	v := &topology.VirtualNetwork{Element: topology.Element{Name: "v", ResourceID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v"},
		AddressSpace: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/9"), netip.MustParsePrefix("172.16.0.0/14"), netip.MustParsePrefix("fd00:1234::/32")}}
	list := []topology.Any{v}
	for i, g := range groups {
		name := fmt.Sprintf("s%d", i)
		v.Subnets = append(v.Subnets, &topology.Subnet{Element: topology.Element{Name: name, ResourceID: v.ResourceID + "/subnets/" + name}, NetworkSecurityGroup: g.Ref(),
			Prefixes: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i), 0}), 24)}})
		list = append(list, g)
	}
	n, err := topology.NewNetwork(topology.Data{ServiceTags: c}, list...)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := sim.New(n, sim.Options{AsOf: time.Date(2025, 10, 30, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func BenchmarkLintOfTenNSGsOfAThousandRules(b *testing.B) {
	c := catalogue(b)
	var groups []*topology.NetworkSecurityGroup
	for i := range 10 {
		groups = append(groups, large(c, fmt.Sprint("nsg", i), 1000, rand.New(rand.NewPCG(uint64(i), 2))))
	}
	s := attached(b, c, groups...)
	for b.Loop() {
		r, err := Lint(context.Background(), s, Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(r.Findings)), "findings")
	}
}

// tangled is an NSG of n rules of random blocks and ranges that overlap each
// other.
func tangled(name string, n int, rng *rand.Rand) *topology.NetworkSecurityGroup {
	g := &topology.NetworkSecurityGroup{RulesGiven: true, Element: topology.Element{Name: name, ResourceID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/" + name}}
	side := func() topology.Match {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(rng.Uint32()), byte(rng.Uint32()), byte(rng.Uint32())}), 8+rng.IntN(17)).Masked()
		return topology.Match{Prefixes: []topology.AddressPrefix{{Kind: topology.PrefixAddress, Prefix: p, Text: p.String()}}, Ports: []topology.PortRange{topology.AllPorts}}
	}
	for i := range n {
		r := &topology.SecurityRule{Element: topology.Element{Name: fmt.Sprint("r", i)}, Priority: 100 + i, Direction: topology.Inbound, Access: topology.Access(1 + rng.IntN(2)), Protocol: topology.TCP, Source: side(), Destination: side()}
		first := uint16(rng.IntN(60_000))
		r.Destination.Ports = []topology.PortRange{{First: first, Last: first + uint16(rng.IntN(5000))}}
		g.SecurityRules = append(g.SecurityRules, r)
	}
	return g
}

func BenchmarkLintOfAThousandTangledRules(b *testing.B) {
	s := attached(b, nil, tangled("nsg", 1000, rand.New(rand.NewPCG(1, 3))))
	for b.Loop() {
		r, err := Lint(context.Background(), s, Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(r.Findings)), "findings")
	}
}

// Without a service tag file every tag may hold anything.
func BenchmarkLintOfAThousandRulesWithoutTags(b *testing.B) {
	s := attached(b, nil, large(catalogue(b), "nsg", 1000, rand.New(rand.NewPCG(1, 2))))
	for b.Loop() {
		r, err := Lint(context.Background(), s, Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(r.Findings)), "findings")
	}
}
