package sim_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// smallOffset is where a small world lies in the real address space: its
// virtual network and three addresses of it that stand for the remote side.
type smallOffset struct {
	name    string
	space   netip.Prefix
	remotes [3]netip.Addr // two neighbours, and the next address after a boundary or one far away
	pair    netip.Prefix  // the neighbours
}

func smallOffsets() []smallOffset {
	offset := func(name, space, first, second, far, pair string) smallOffset {
		return smallOffset{name, netip.MustParsePrefix(space), [3]netip.Addr{netip.MustParseAddr(first), netip.MustParseAddr(second), netip.MustParseAddr(far)}, netip.MustParsePrefix(pair)}
	}
	return []smallOffset{
		offset("IPv4", "10.0.0.0/8", "10.255.255.254", "10.255.255.255", "10.254.0.0", "10.255.255.254/31"),
		offset("IPv4, high bits", "172.16.0.0/12", "172.31.255.254", "172.31.255.255", "172.31.0.1", "172.31.255.254/31"),
		offset("IPv4, the middle", "192.168.0.0/16", "192.168.127.254", "192.168.127.255", "192.168.128.0", "192.168.127.254/31"),
		offset("IPv6", "fd00::/32", "fd00:0:ffff::fffe", "fd00:0:ffff::ffff", "fd00:0:ffff::1:0", "fd00:0:ffff::fffe/127"),
		offset("IPv6, the low half", "fd00::/32", "fd00:0:0:8000:7fff:ffff:ffff:fffe", "fd00:0:0:8000:7fff:ffff:ffff:ffff", "fd00:0:0:8000:8000::", "fd00:0:0:8000:7fff:ffff:ffff:fffe/127"),
	}
}

// chainRule is a rule of a level of the chain, or no rule at all.
type chainRule struct {
	access topology.Access
	remote int // 0: *, 1: the first remote address, 2: the pair
	port   int // 0: all, 1: 443 alone, 2: 443 to 444
}

func (r chainRule) matches(remote int, port uint16) bool {
	switch r.remote {
	case 1:
		if remote != 0 {
			return false
		}
	case 2:
		if remote > 1 {
			return false
		}
	}
	switch r.port {
	case 1:
		return port == 443
	case 2:
		return port == 443 || port == 444
	}
	return true
}

// chainLevel is an NSG with at most one rule; absent says that there is none.
type chainLevel struct {
	absent bool
	rules  []chainRule
}

func chainRules(accesses ...topology.Access) []chainRule {
	var list []chainRule
	for _, a := range accesses {
		for remote := range 3 {
			for port := range 3 {
				list = append(list, chainRule{a, remote, port})
			}
		}
	}
	return list
}

// decideChain is the definition: admin rules, then the levels in Azure's
// order, first match in each; the default rules let in and out what is of the
// virtual network, as all of the small world is (AVNM, HOW).
func decideChain(admin []chainRule, levels []chainLevel, remote int, port uint16) flow.Verdict {
	for _, r := range admin {
		if !r.matches(remote, port) {
			continue
		}
		switch r.access {
		case topology.Deny:
			return flow.Deny
		case topology.AlwaysAllow:
			return flow.Allow
		}
		break
	}
	for _, l := range levels {
		for _, r := range l.rules {
			if r.matches(remote, port) {
				if r.access == topology.Deny {
					return flow.Deny
				}
				break
			}
		}
	}
	return flow.Allow
}

func (r chainRule) match(o smallOffset) (remote, local, remotePorts, localPorts topology.Match) {
	all := []topology.PortRange{topology.AllPorts}
	ports := [][]topology.PortRange{all, {{First: 443, Last: 443}}, {{First: 443, Last: 444}}}[r.port]
	prefix := []topology.AddressPrefix{smallPrefix("*")}
	switch r.remote {
	case 1:
		prefix = []topology.AddressPrefix{smallPrefix(netip.PrefixFrom(o.remotes[0], o.remotes[0].BitLen()).String())}
	case 2:
		prefix = []topology.AddressPrefix{smallPrefix(o.pair.String())}
	}
	any := []topology.AddressPrefix{smallPrefix("*")}
	// As the source the other end has any port, as the destination the rule's.
	return topology.Match{Prefixes: prefix, Ports: all}, topology.Match{Prefixes: any, Ports: ports}, topology.Match{Prefixes: prefix, Ports: ports}, topology.Match{Prefixes: any, Ports: all}
}

// Every chain of at most one admin rule, one rule at the subnet and one at the
// interface decides as defined, in both directions, for IPv4 and IPv6 at
// several offsets.
func TestEveryChainOfAdminSubnetAndInterfaceRulesDecidesAsDefined(t *testing.T) {
	levels := []chainLevel{{absent: true}, {}}
	for i, r := range chainRules(topology.Allow, topology.Deny) {
		if i%max(1, *smallStep/4) != 0 {
			continue // the same step as in the other small world; 1 tries all
		}
		levels = append(levels, chainLevel{rules: []chainRule{r}})
	}
	admins := [][]chainRule{nil}
	for _, r := range chainRules(topology.Allow, topology.AlwaysAllow, topology.Deny) {
		admins = append(admins, []chainRule{r})
	}
	asked := 0
	for _, o := range smallOffsets() {
		t.Run(o.name, func(t *testing.T) {
			for _, admin := range admins {
				s, owners := chainWorld(t, o, admin, levels)
				for i, owner := range owners {
					subnet, nic := levels[i/len(levels)], levels[i%len(levels)]
					for _, d := range []topology.Direction{topology.Inbound, topology.Outbound} {
						order := []chainLevel{subnet, nic}
						if d == topology.Outbound {
							order = []chainLevel{nic, subnet}
						}
						for remote, a := range o.remotes {
							for _, port := range []uint16{442, 443, 444, 445} {
								p := flow.Tuple{Protocol: topology.TCP, Source: flow.At(owner.Configuration.PrivateIPAddress), Destination: flow.At(a), SourcePort: 50000, DestinationPort: port}
								if d == topology.Inbound {
									p.Source, p.Destination = p.Destination, p.Source
								}
								asked++
								want := decideChain(admin, order, remote, port)
								if got := s.Gates(owner, d, p); got.Verdict != want || got.Strict != want {
									t.Fatalf("admin %v, subnet %v, interface %v, %v %v: %v, strict %v; want %v", admin, subnet, nic, d, p, got.Verdict, got.Strict, want)
								}
							}
						}
					}
				}
			}
		})
	}
	t.Logf("%d verdicts", asked)
}

// chainWorld is an estate with one interface for each pair of levels, the
// subnet's first.
func chainWorld(t *testing.T, o smallOffset, admin []chainRule, levels []chainLevel) (*sim.Simulator, []topology.Owner) {
	t.Helper()
	v := &topology.VirtualNetwork{Element: element("virtualNetworks/v", "v"), AddressSpace: []netip.Prefix{o.space}}
	elements := []topology.Any{v}
	groups := make([]topology.Ref, len(levels))
	for i, l := range levels {
		if l.absent {
			continue
		}
		g := &topology.NetworkSecurityGroup{Element: element(fmt.Sprintf("networkSecurityGroups/g%d", i), fmt.Sprintf("g%d", i)), RulesGiven: true}
		for j, r := range l.rules {
			source, local, destination, localOut := r.match(o)
			for _, d := range []topology.Direction{topology.Inbound, topology.Outbound} {
				x := &topology.SecurityRule{Element: topology.Element{Name: fmt.Sprintf("r%d", j)}, Priority: 4096, Direction: d, Access: r.access, Protocol: topology.TCP, Source: source, Destination: local}
				if d == topology.Outbound {
					x.Source, x.Destination = localOut, destination
				}
				g.SecurityRules = append(g.SecurityRules, x)
			}
		}
		groups[i] = g.Ref()
		elements = append(elements, g)
	}
	for i, r := range admin {
		source, local, destination, localOut := r.match(o)
		for _, d := range []topology.Direction{topology.Inbound, topology.Outbound} {
			x := &topology.AdminRule{Element: element(fmt.Sprintf("networkManagers/m/rules/%s%d", d, i), fmt.Sprintf("a%d", i)), Priority: 1 + i, Direction: d, Access: r.access, Protocol: topology.TCP,
				Source: source, Destination: local, VirtualNetworks: []topology.Ref{v.Ref()}}
			if d == topology.Outbound {
				x.Source, x.Destination = localOut, destination
			}
			elements = append(elements, x)
		}
	}
	var owners []topology.Owner
	// Every interface has a /29 (or /125) of its own at the start of the space.
	step := o.space.Addr()
	for i, subnetRef := range groups {
		for j, nicRef := range groups {
			name := fmt.Sprintf("%d-%d", i, j)
			bits := step.BitLen() - 3
			s := &topology.Subnet{Element: element("virtualNetworks/v/subnets/s"+name, "s"+name), Prefixes: []netip.Prefix{netip.PrefixFrom(step, bits)}, NetworkSecurityGroup: subnetRef}
			v.Subnets = append(v.Subnets, s)
			c := &topology.IPConfiguration{Element: element("networkInterfaces/n"+name+"/ipConfigurations/c", "c"), PrivateIPAddress: step.Next(), Subnet: s.Ref()}
			n := &topology.NetworkInterface{Element: element("networkInterfaces/n"+name, "n"+name), IPConfigurations: []*topology.IPConfiguration{c}, NetworkSecurityGroup: nicRef}
			elements = append(elements, n)
			owners = append(owners, topology.Owner{Interface: n, Configuration: c})
			for range 8 {
				step = step.Next()
			}
		}
	}
	net, err := topology.NewNetwork(topology.Data{}, elements...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.New(net, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s, owners
}

// A rule that names a tag of unknown content is decided in every completion of
// the tags: Allow and Deny are said only where all of them agree.
func TestEveryNSGWithUnknownTagsIsNeverUnsound(t *testing.T) {
	remote := netip.MustParseAddr("203.0.113.4")
	remotes := []string{"*", "203.0.113.4/32", "203.0.113.5/32", "NobodysTag", "NoTagEither"}
	type rule struct {
		access topology.Access
		remote string
	}
	var rules []rule
	for _, a := range []topology.Access{topology.Allow, topology.Deny} {
		for _, r := range remotes {
			rules = append(rules, rule{a, r})
		}
	}
	asked, exact := 0, 0
	for _, first := range rules {
		for _, second := range rules {
			for _, third := range rules {
				list := []rule{first, second, third}
				g := &topology.NetworkSecurityGroup{Element: element("networkSecurityGroups/g", "g"), RulesGiven: true}
				for i, r := range list {
					at := smallPrefixOrTag(r.remote)
					g.SecurityRules = append(g.SecurityRules, &topology.SecurityRule{Element: topology.Element{Name: fmt.Sprintf("r%d", i)}, Priority: 100 + i, Direction: topology.Outbound, Access: r.access, Protocol: topology.AnyProtocol,
						Source:      topology.Match{Prefixes: []topology.AddressPrefix{smallPrefix("*")}, Ports: []topology.PortRange{topology.AllPorts}},
						Destination: topology.Match{Prefixes: []topology.AddressPrefix{at}, Ports: []topology.PortRange{topology.AllPorts}}})
				}
				// Every completion: whether the address is in the one tag, in the other.
				var can []flow.Verdict
				for completion := range 4 {
					v := flow.Allow // AllowInternetOutBound
					for _, r := range list {
						in := r.remote == "*" || r.remote == "203.0.113.4/32" || r.remote == "NobodysTag" && completion&1 == 1 || r.remote == "NoTagEither" && completion&2 == 2
						if in {
							if r.access == topology.Deny {
								v = flow.Deny
							}
							break
						}
					}
					if !slices.Contains(can, v) {
						can = append(can, v)
					}
				}
				want := flow.Unknown
				if len(can) == 1 {
					want = can[0]
				}
				s := unknownWorld(t, g)
				got := s.Gates(s.Network().Owners(netip.MustParseAddr("10.0.0.4"))[0], topology.Outbound, flow.Tuple{Protocol: topology.TCP,
					Source: flow.At(netip.MustParseAddr("10.0.0.4")), SourcePort: 50000, Destination: flow.At(remote), DestinationPort: 443})
				asked++
				if got.Verdict == want {
					exact++
				} else {
					t.Errorf("%v: %v, want %v", list, got.Verdict, want)
				}
			}
		}
	}
	t.Logf("%d NSGs of three rules, %d exact", asked, exact)
}

func smallPrefixOrTag(text string) topology.AddressPrefix {
	if text == "*" || text[0] <= '9' {
		return smallPrefix(text)
	}
	return topology.AddressPrefix{Kind: topology.TagAddress, Tag: text, Text: text}
}

func unknownWorld(t *testing.T, g *topology.NetworkSecurityGroup) *sim.Simulator {
	t.Helper()
	v := &topology.VirtualNetwork{Element: element("virtualNetworks/v", "v"), AddressSpace: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}}
	s := &topology.Subnet{Element: element("virtualNetworks/v/subnets/s", "s"), Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}, NetworkSecurityGroup: g.Ref()}
	v.Subnets = []*topology.Subnet{s}
	c := &topology.IPConfiguration{Element: element("networkInterfaces/n/ipConfigurations/c", "c"), PrivateIPAddress: netip.MustParseAddr("10.0.0.4"), Subnet: s.Ref()}
	n := &topology.NetworkInterface{Element: element("networkInterfaces/n", "n"), IPConfigurations: []*topology.IPConfiguration{c}}
	net, err := topology.NewNetwork(topology.Data{}, v, g, n)
	if err != nil {
		t.Fatal(err)
	}
	out, err := sim.New(net, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Every route table of up to three routes over two neighbouring addresses,
// inside and outside of the virtual network, sends by the longest prefix, and
// of one prefix by the user's route (UDR).
func TestEveryTableOfThreeRoutesSendsByTheLongestPrefix(t *testing.T) {
	type hop struct {
		prefix string
		next   topology.NextHopType
	}
	asked := 0
	for _, world := range []struct {
		to      [2]string
		routes  []string
		system  int // length of the system route that lets the packet through
		covered bool
	}{
		{[2]string{"203.0.113.4", "203.0.113.5"}, []string{"", "0.0.0.0/0", "203.0.113.4/31", "203.0.113.4/32", "203.0.113.5/32"}, 0, false},
		{[2]string{"10.0.0.8", "10.0.0.9"}, []string{"", "0.0.0.0/0", "10.0.0.8/31", "10.0.0.8/32", "10.0.0.9/32", "10.0.0.0/16"}, 16, true},
	} {
		var hops []hop
		for _, p := range world.routes {
			next := topology.NextHopInternet
			if world.covered {
				next = topology.NextHopVnetLocal
			}
			if p == "" {
				hops = append(hops, hop{})
				continue
			}
			hops = append(hops, hop{p, topology.NextHopNone}, hop{p, next})
		}
		for _, first := range hops {
			for _, second := range hops {
				for _, third := range hops {
					var table []hop
					seen := map[string]bool{}
					double := false
					for _, h := range []hop{first, second, third} {
						if h.prefix == "" {
							continue
						}
						double = double || seen[h.prefix]
						seen[h.prefix] = true
						table = append(table, h)
					}
					if double {
						continue // refused by Azure; see same prefixes
					}
					s := routeWorld(t, func(rt *topology.RouteTable) {
						for i, h := range table {
							rt.Routes = append(rt.Routes, &topology.Route{Element: topology.Element{Name: fmt.Sprintf("r%d", i)}, Destination: smallPrefix(h.prefix), NextHop: h.next})
						}
					})
					for _, to := range world.to {
						a := netip.MustParseAddr(to)
						best, deny := world.system, false
						for _, h := range table {
							p := netip.MustParsePrefix(h.prefix)
							if p.Contains(a) && p.Bits() >= best {
								best, deny = p.Bits(), h.next == topology.NextHopNone
							}
						}
						want := flow.Allow
						if deny {
							want = flow.Deny
						}
						got := s.Send(s.Network().Owners(netip.MustParseAddr("10.0.0.4"))[0], flow.Tuple{Protocol: topology.UDP,
							Source: flow.At(netip.MustParseAddr("10.0.0.4")), SourcePort: 50000, Destination: flow.At(a), DestinationPort: 443})
						asked++
						if got.Verdict != want {
							t.Fatalf("%v to %s: %v, want %v\n%s", table, to, got.Verdict, want, hopLines(got.Hops))
						}
					}
				}
			}
		}
	}
	t.Logf("%d verdicts", asked)
}

func routeWorld(t *testing.T, fill func(*topology.RouteTable)) *sim.Simulator {
	t.Helper()
	rt := &topology.RouteTable{Element: element("routeTables/rt", "rt"), RoutesGiven: true}
	fill(rt)
	v := &topology.VirtualNetwork{Element: element("virtualNetworks/v", "v"), AddressSpace: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}}
	s := &topology.Subnet{Element: element("virtualNetworks/v/subnets/s", "s"), Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}, RouteTable: rt.Ref()}
	v.Subnets = []*topology.Subnet{s}
	elements := []topology.Any{v, rt}
	for i, a := range []string{"10.0.0.4", "10.0.0.8", "10.0.0.9"} {
		name := fmt.Sprintf("n%d", i)
		c := &topology.IPConfiguration{Element: element("networkInterfaces/"+name+"/ipConfigurations/c", "c"), PrivateIPAddress: netip.MustParseAddr(a), Subnet: s.Ref()}
		elements = append(elements, &topology.NetworkInterface{Element: element("networkInterfaces/"+name, name), IPConfigurations: []*topology.IPConfiguration{c}})
	}
	n, err := topology.NewNetwork(topology.Data{}, elements...)
	if err != nil {
		t.Fatal(err)
	}
	out, err := sim.New(n, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
