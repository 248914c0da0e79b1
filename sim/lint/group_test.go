package lint

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// dense is an NSG of n rules that overlap often: few prefixes, ports and tags.
// unknown adds names of which the data says nothing.
func dense(rng *rand.Rand, n int, unknown bool) *topology.NetworkSecurityGroup {
	g := &topology.NetworkSecurityGroup{RulesGiven: true, Element: topology.Element{Name: "dense", ResourceID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/dense"}}
	fields := []string{"*", "*", "Internet", "VirtualNetwork", "10.0.0.0/8", "10.0.0.0/16", "10.0.0.0/24", "10.0.1.0/24", "10.0.0.0/23", "10.0.0.4/32", "20.0.0.0/8", "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "fd00::/8", "::/0", "AzureLoadBalancer", "168.63.129.16/32"}
	if unknown {
		fields = append(fields, "Storage", "Storage.WestEurope", "Sql", "NoSuchTag", "asg:members", "asg:dangling")
	}
	rng.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	fields = append(fields[:4], "*", "*", "0.0.0.0/1", "128.0.0.0/1", "0.0.0.0/0", "::/0") // few, so that they meet
	side := func() topology.Match {
		text := fields[rng.IntN(len(fields))]
		m := topology.Match{Ports: []topology.PortRange{topology.AllPorts}}
		if name, ok := cutASG(text); ok {
			m.ASGs = []topology.Ref{topology.RefTo("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationSecurityGroups/" + name)}
			return m
		}
		m.Prefixes = []topology.AddressPrefix{address(text)}
		return m
	}
	port := func() topology.PortRange {
		first := uint16(rng.IntN(4)) * 10
		return topology.PortRange{First: first, Last: first + uint16(rng.IntN(3))*10}
	}
	priority := 100
	for i := range n {
		r := &topology.SecurityRule{Element: topology.Element{Name: fmt.Sprintf("r%d", i)}, Priority: priority, Direction: topology.Outbound, Access: topology.Allow, Protocol: topology.TCP}
		if rng.IntN(12) > 0 {
			priority++ // now and then two of one priority
		}
		if rng.IntN(3) == 0 {
			r.Direction = topology.Inbound
		}
		if rng.IntN(2) == 0 {
			r.Access = topology.Deny
		}
		r.Protocol = []topology.Protocol{topology.TCP, topology.TCP, topology.TCP, topology.AnyProtocol, topology.AnyProtocol, topology.UDP, topology.ICMP}[rng.IntN(7)]
		r.Source, r.Destination = side(), side()
		for range rng.IntN(5) - 2 {
			if r.Destination.Ports[0] == topology.AllPorts {
				r.Destination.Ports = nil
			}
			r.Destination.Ports = append(r.Destination.Ports, port())
		}
		if rng.IntN(10) == 0 {
			r.Source.Ports = []topology.PortRange{port()}
		}
		g.SecurityRules = append(g.SecurityRules, r)
	}
	return g
}

func cutASG(text string) (string, bool) {
	if len(text) > 4 && text[:4] == "asg:" {
		return text[4:], true
	}
	return "", false
}

// address is an address field as a loader reads it.
func address(text string) topology.AddressPrefix {
	a := topology.AddressPrefix{Text: text}
	switch p, err := netip.ParsePrefix(text); {
	case text == "*":
		a.Kind = topology.AnyAddress
	case err == nil:
		a.Kind, a.Prefix = topology.PrefixAddress, p
	default:
		a.Kind, a.Tag = topology.TagAddress, text
	}
	return a
}

// small is an estate of two networks with the NSG on a subnet of each, and a
// member of an application security group.
func small(tb testing.TB, g *topology.NetworkSecurityGroup, o sim.Options, more ...topology.Any) *sim.Simulator {
	tb.Helper()
	const base = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/"
	var list []topology.Any
	for i, space := range []string{"10.0.0.0/16", "10.1.0.0/16"} {
		name := fmt.Sprintf("v%d", i)
		v := &topology.VirtualNetwork{Element: topology.Element{Name: name, ResourceID: base + "virtualNetworks/" + name}, AddressSpace: []netip.Prefix{netip.MustParsePrefix(space)}}
		v.Subnets = []*topology.Subnet{{Element: topology.Element{Name: "s", ResourceID: v.ResourceID + "/subnets/s"}, NetworkSecurityGroup: g.Ref(), Prefixes: v.AddressSpace}}
		list = append(list, v)
	}
	asg := &topology.ApplicationSecurityGroup{Element: topology.Element{Name: "members", ResourceID: base + "applicationSecurityGroups/members"}}
	nic := &topology.NetworkInterface{Element: topology.Element{Name: "n", ResourceID: base + "networkInterfaces/n"}}
	nic.IPConfigurations = []*topology.IPConfiguration{{Element: topology.Element{Name: "c", ResourceID: nic.ResourceID + "/ipConfigurations/c"},
		PrivateIPAddress: netip.MustParseAddr("10.0.0.4"), Subnet: topology.RefTo(base + "virtualNetworks/v0/subnets/s"), ASGs: []topology.Ref{asg.Ref()}}}
	n, err := topology.NewNetwork(topology.Data{}, append(append(list, g, asg, nic), more...)...)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := sim.New(n, o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// without is the NSG without the rules at some places.
func without(g *topology.NetworkSecurityGroup, places ...int) *topology.NetworkSecurityGroup {
	x := *g
	x.SecurityRules = nil
	for i, r := range g.SecurityRules {
		if !slices.Contains(places, i) {
			x.SecurityRules = append(x.SecurityRules, r)
		}
	}
	return &x
}

// sameSets reports whether two NSGs allow, deny and leave open the same
// packets at all places of the first, by the exact sets of [nsg.Exact].
func sameSets(s *sim.Simulator, g, other *topology.NetworkSecurityGroup) bool {
	for _, p := range s.Scopes(g) {
		for _, d := range []topology.Direction{topology.Inbound, topology.Outbound} {
			for _, v6 := range []bool{false, true} {
				x := nsg.Exact(v6, nil, nsg.New(g, d, p), nsg.New(other, d, p))
				if x[0] != x[1] {
					return false
				}
			}
		}
	}
	return true
}

func TestARuleHasNoEffectExactlyWhereDeletingItChangesNothing(t *testing.T) {
	met := map[string]int{}
	for seed := range uint64(120) {
		rng := rand.New(rand.NewPCG(seed, 1))
		g := dense(rng, 2+rng.IntN(12), false)
		if rng.IntN(3) > 0 {
			halve(g, rng)
		}
		s := small(t, g, sim.Options{})
		x := newGroup(newRun(s), g)
		for i, r := range g.SecurityRules {
			y := x.standing(i)
			same := sameSets(s, g, without(g, i))
			switch {
			case y.effectless && !same:
				t.Errorf("seed %d: %s is said to have no effect: %+v\n%s", seed, r.Name, *y, listing(g))
			case !y.effectless && same && !disagree(g, i):
				t.Errorf("seed %d: deleting %s changes nothing: %+v\n%s", seed, r.Name, *y, listing(g))
			}
			switch {
			case y.nothing:
				met["nothing"]++
			case len(y.by) > 0:
				met["one"]++
			case y.shadowed:
				met["union"]++
			case y.effectless:
				met["redundant"]++
			default:
				met["effect"]++
			}
		}
	}
	t.Log(met)
	for _, k := range []string{"nothing", "one", "union", "redundant", "effect"} {
		if met[k] < 10 {
			t.Errorf("%s was met %d times", k, met[k])
		}
	}
}

// halve puts two rules before the last one that together match what it does.
func halve(g *topology.NetworkSecurityGroup, rng *rand.Rand) {
	last := g.SecurityRules[len(g.SecurityRules)-1]
	last.Priority += 3
	if len(last.Destination.Ports) > 1 || last.Destination.Ports[0] != topology.AllPorts {
		return
	}
	for i, half := range []topology.PortRange{{First: 0, Last: 99}, {First: 100, Last: 65535}} {
		r := *last
		r.Name, r.Priority = fmt.Sprint("half", i), last.Priority-2+i
		r.Destination.Ports = []topology.PortRange{half}
		r.Access = []topology.Access{topology.Allow, topology.Deny}[rng.IntN(2)]
		g.SecurityRules = append(g.SecurityRules, &r)
	}
}

// disagree reports whether rules of one priority do different things in the
// direction of the rule at i: less is claimed there than could be, as which of
// them comes first is not known.
func disagree(g *topology.NetworkSecurityGroup, i int) bool {
	type slot struct {
		topology.Direction
		priority int
	}
	first := map[slot]topology.Access{}
	for _, r := range g.SecurityRules {
		at := slot{r.Direction, r.Priority}
		if a, ok := first[at]; ok && a != r.Access && r.Direction == g.SecurityRules[i].Direction {
			return true
		}
		first[at] = r.Access
	}
	return false
}

func listing(g *topology.NetworkSecurityGroup) string {
	out := ""
	for _, r := range g.SecurityRules {
		text := func(m topology.Match) string {
			s := ""
			for _, a := range m.Prefixes {
				s += a.Text + " "
			}
			for _, a := range m.ASGs {
				s += a.ID().Name() + " "
			}
			return s + fmt.Sprint(m.Ports)
		}
		out += fmt.Sprintf("  %d %s %s %s %s %s → %s\n", r.Priority, r.Name, r.Direction, r.Access, r.Protocol, text(r.Source), text(r.Destination))
	}
	return out
}

func TestOfWhatIsNotKnownNothingIsClaimed(t *testing.T) {
	claimed := 0
	for seed := range uint64(80) {
		rng := rand.New(rand.NewPCG(seed, 2))
		g := dense(rng, 2+rng.IntN(7), true)
		s := small(t, g, sim.Options{})
		x := newGroup(newRun(s), g)
		for i, r := range g.SecurityRules {
			if y := x.standing(i); y.effectless {
				claimed++
				if !sameButDisputed(s, g, without(g, i)) {
					t.Errorf("seed %d: %s is said to have no effect: %+v\n%s", seed, r.Name, *y, listing(g))
				}
			}
		}
	}
	if claimed < 50 {
		t.Errorf("only %d rules were said to have no effect", claimed)
	}
}

// sameButDisputed is [sameSets] for all packets but those of addresses of which
// it is in dispute whether they are in the tag Internet: that Storage, for one,
// is part of the Internet even so is said of the tags, not of their addresses.
func sameButDisputed(s *sim.Simulator, g, other *topology.NetworkSecurityGroup) bool {
	region := []flowset.Box{{Source: scope.DisputedSpace()}, {Destination: scope.DisputedSpace()}}
	for _, p := range s.Scopes(g) {
		for _, d := range []topology.Direction{topology.Inbound, topology.Outbound} {
			for _, v6 := range []bool{false, true} {
				x := nsg.NewSpace(v6, nil, []*nsg.Gate{nsg.New(g, d, p), nsg.New(other, d, p)}, [][]flowset.Box{region})
				a, b := x.Parts(0), x.Parts(1)
				for _, pair := range [][2]flowset.Set{{a.Allowed, b.Allowed}, {a.Denied, b.Denied}, {a.Open, b.Open}} {
					if !pair[0].Without(pair[1]).Union(pair[1].Without(pair[0])).Within(x.Region(0)) {
						return false
					}
				}
			}
		}
	}
	return true
}

// ruleList is an estate with one subnet and an NSG of the rules; each is
// "name priority access protocol source destination ports".
func ruleList(rules ...string) string {
	out := `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    addressPrefixes: [10.0.0.0/16]
    subnets: [{name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg}]
networkSecurityGroups:
  - name: nsg
    securityRules:
`
	for _, r := range rules {
		f := strings.Fields(r)
		direction := "Inbound"
		if len(f) > 7 {
			direction = f[7]
		}
		field := func(name, text string) string {
			if strings.Contains(text, ",") {
				return name + "es: [\"" + strings.ReplaceAll(text, ",", `","`) + "\"]"
			}
			return name + ": \"" + text + "\""
		}
		ports := "destinationPortRange: \"" + f[6] + "\""
		if strings.Contains(f[6], ",") {
			ports = "destinationPortRanges: [\"" + strings.ReplaceAll(f[6], ",", `","`) + "\"]"
		}
		out += "      - {name: " + f[0] + ", priority: " + f[1] + ", direction: " + direction + ", access: " + f[2] + ", protocol: \"" + f[3] + "\", " +
			field("sourceAddressPrefix", f[4]) + ", sourcePortRange: \"*\", " + field("destinationAddressPrefix", f[5]) + ", " + ports + "}\n"
	}
	return out
}

// groupFindings lints an estate for the rules about lists of rules, and gives
// for each finding the ID and the name of the rule, as "NP1001 allow-web".
func groupFindings(t *testing.T, estate string) []string {
	t.Helper()
	var only []string
	for _, r := range groupRules() {
		only = append(only, r.ID)
	}
	var out []string
	for _, f := range linted(t, map[string]string{"design.yaml": estate}, Options{Only: only}) {
		out = append(out, f.Rule.ID+" "+f.Name)
	}
	return out
}
