package sim_test

import (
	"flag"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

var smallStep = flag.Int("small-step", 12, "of the first rules of the small world every so many-th is tried; 1 tries them all")

// smallRule is a rule of the small world: it names the remote side and the
// destination port.
type smallRule struct {
	access   topology.Access
	protocol topology.Protocol
	remote   string
	ports    []topology.PortRange
}

// The small world has two addresses of one bit in private and in public
// space, and two ports.
var (
	smallAddresses = []netip.Addr{
		netip.MustParseAddr("10.0.200.4"), netip.MustParseAddr("10.0.200.5"), netip.MustParseAddr("203.0.113.4"), netip.MustParseAddr("203.0.113.5"),
	}
	smallRemotes = []string{"*", "VirtualNetwork", "Internet", "10.0.200.4/31", "10.0.200.4/32", "203.0.113.5/32"}
	smallPorts   = [][]topology.PortRange{{topology.AllPorts}, {{First: 1, Last: 1}}, {{First: 0, Last: 1}}}
)

func smallRules() []smallRule {
	var list []smallRule
	for _, access := range []topology.Access{topology.Allow, topology.Deny} {
		for _, protocol := range []topology.Protocol{topology.TCP, topology.ICMP, topology.AnyProtocol} {
			for _, remote := range smallRemotes {
				for _, ports := range smallPorts {
					list = append(list, smallRule{access, protocol, remote, ports})
				}
			}
		}
	}
	return list
}

// matches is the definition of a match, written out for the small world.
func (r smallRule) matches(protocol topology.Protocol, remote netip.Addr, port uint16, needsAllPorts, ignoresPorts bool) bool {
	if r.protocol != topology.AnyProtocol && r.protocol != protocol {
		return false
	}
	switch r.remote {
	case "*":
	case "VirtualNetwork":
		if remote.As4()[0] != 10 {
			return false
		}
	case "Internet":
		if remote.As4()[0] == 10 {
			return false
		}
	default:
		if !netip.MustParsePrefix(r.remote).Contains(remote) {
			return false
		}
	}
	switch {
	case protocol == topology.TCP || protocol == topology.UDP:
		return r.ports[0].First <= port && port <= r.ports[0].Last
	case r.protocol == protocol:
		return r.ports[0] == topology.AllPorts || ignoresPorts
	default:
		return r.ports[0] == topology.AllPorts || !needsAllPorts
	}
}

// decide is what an NSG with the two rules and the defaults does. odd are the
// rules for ICMP that do not ignore the ports they name, a bit for each.
func decideSmall(rules []smallRule, d topology.Direction, protocol topology.Protocol, remote netip.Addr, port uint16, needsAllPorts bool, odd int) (flow.Verdict, string) {
	for i, r := range rules {
		if r.matches(protocol, remote, port, needsAllPorts, odd>>i&1 == 0) {
			if r.access == topology.Deny {
				return flow.Deny, fmt.Sprintf("r%d", i)
			}
			return flow.Allow, fmt.Sprintf("r%d", i)
		}
	}
	switch {
	case remote.As4()[0] == 10 && d == topology.Outbound:
		return flow.Allow, "AllowVnetOutBound"
	case remote.As4()[0] == 10:
		return flow.Allow, "AllowVnetInBound"
	case d == topology.Outbound:
		return flow.Allow, "AllowInternetOutBound"
	default:
		return flow.Deny, "DenyAllInBound"
	}
}

// Every NSG of two rules over the small world's addresses, ports and protocols
// decides as the definition says, and names the rule.
func TestEveryNSGOfTwoRulesDecidesAsDefined(t *testing.T) {
	rules := smallRules()
	protocols := []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP}
	asked := 0
	for first := 0; first < len(rules); first += *smallStep {
		s, owners := smallWorld(t, rules[first], rules)
		for second, owner := range owners {
			pair := []smallRule{rules[first], rules[second]}
			for _, d := range []topology.Direction{topology.Inbound, topology.Outbound} {
				for _, protocol := range protocols {
					ports := []uint16{0, 1, 2}
					if !protocol.HasPorts() {
						ports = []uint16{0}
					}
					for _, port := range ports {
						for _, remote := range smallAddresses {
							p := flow.Tuple{Protocol: protocol, Source: flow.At(owner.Configuration.PrivateIPAddress), Destination: flow.At(remote), DestinationPort: port}
							if d == topology.Inbound {
								p.Source, p.Destination = p.Destination, p.Source
							}
							asked++
							want, rule := decideSmall(pair, d, protocol, remote, port, true, 0)
							strict := want
							for odd := range 4 {
								for _, needs := range []bool{true, false} {
									if other, _ := decideSmall(pair, d, protocol, remote, port, needs, odd); other != want {
										strict = flow.Unknown
									}
								}
							}
							got := s.Gates(owner, d, p)
							if got.Verdict != want || got.Strict != strict || got.RuleName != rule {
								t.Fatalf("%v, %v %v: %v by %q, strict %v; want %v by %q, strict %v", pair, d, p, got.Verdict, got.RuleName, got.Strict, want, rule, strict)
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d verdicts of %d NSGs", asked, (len(rules)+*smallStep-1) / *smallStep * len(rules))
}

// smallWorld is an estate with one interface and NSG for every second rule.
func smallWorld(t *testing.T, first smallRule, seconds []smallRule) (*sim.Simulator, []topology.Owner) {
	t.Helper()
	v := &topology.VirtualNetwork{Element: element("virtualNetworks/v", "v"), AddressSpace: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}}
	elements := []topology.Any{v}
	var owners []topology.Owner
	for i, second := range seconds {
		name := fmt.Sprintf("%d", i)
		g := &topology.NetworkSecurityGroup{Element: element("networkSecurityGroups/g"+name, "g"+name), RulesGiven: true}
		for j, r := range []smallRule{first, second} {
			for _, d := range []topology.Direction{topology.Inbound, topology.Outbound} {
				remote := topology.Match{Prefixes: []topology.AddressPrefix{smallPrefix(r.remote)}, Ports: []topology.PortRange{topology.AllPorts}}
				local := topology.Match{Prefixes: []topology.AddressPrefix{smallPrefix("*")}, Ports: []topology.PortRange{topology.AllPorts}}
				x := &topology.SecurityRule{Element: topology.Element{Name: fmt.Sprintf("r%d", j)}, Priority: 100 + 3900*j, Direction: d, Access: r.access, Protocol: r.protocol, Source: local, Destination: remote}
				if d == topology.Inbound {
					x.Source, x.Destination = remote, local
				}
				x.Destination.Ports = slices.Clone(r.ports)
				g.SecurityRules = append(g.SecurityRules, x)
			}
		}
		s := &topology.Subnet{Element: element("virtualNetworks/v/subnets/s"+name, "s"+name), Prefixes: []netip.Prefix{netip.MustParsePrefix(fmt.Sprintf("10.0.%d.0/28", i))}, NetworkSecurityGroup: g.Ref()}
		v.Subnets = append(v.Subnets, s)
		c := &topology.IPConfiguration{Element: element("networkInterfaces/n"+name+"/ipConfigurations/c", "c"), PrivateIPAddress: s.Prefixes[0].Addr().Next(), Subnet: s.Ref()}
		n := &topology.NetworkInterface{Element: element("networkInterfaces/n"+name, "n"+name), IPConfigurations: []*topology.IPConfiguration{c}}
		elements = append(elements, g, n)
		owners = append(owners, topology.Owner{Interface: n, Configuration: c})
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

func element(path, name string) topology.Element {
	return topology.Element{ResourceID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/" + path, Name: name}
}

func smallPrefix(text string) topology.AddressPrefix {
	switch text {
	case "*":
		return topology.AddressPrefix{Kind: topology.AnyAddress, Text: text}
	case "VirtualNetwork", "Internet":
		return topology.AddressPrefix{Kind: topology.TagAddress, Tag: text, Text: text}
	default:
		return topology.AddressPrefix{Kind: topology.PrefixAddress, Prefix: netip.MustParsePrefix(text), Text: text}
	}
}
