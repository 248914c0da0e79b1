package optimize_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/optimize"
	"github.com/netpath/netpath/topology"
)

const (
	in  = topology.Inbound
	out = topology.Outbound
)

func plan(t *testing.T, e *golden.Estate, nsg string) *optimize.Plan {
	t.Helper()
	s, err := sim.New(e.Build(), sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	p, err := optimize.Group(s, e.NSGOf(nsg))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// lines are the steps, a line each.
func lines(p *optimize.Plan) []string {
	var all []string
	for _, s := range p.Steps {
		var gone, by []string
		for _, r := range s.Gone {
			gone = append(gone, r.Name)
		}
		for _, r := range s.By {
			by = append(by, r.Name)
		}
		line := fmt.Sprintf("%s %s by %s", s.Why, strings.Join(gone, ","), strings.Join(by, ","))
		if s.Into != nil {
			line = fmt.Sprintf("%s into %s in %s", strings.Join(gone, ","), s.Into.Name, s.Field)
		}
		if len(s.Tags) > 0 {
			line += " while " + strings.Join(s.Tags, ",")
		}
		all = append(all, line)
	}
	return all
}

func names(g *topology.NetworkSecurityGroup) (all []string) {
	for _, r := range g.SecurityRules {
		all = append(all, r.Name)
	}
	return all
}

func TestRulesThatChangeNothingGoAndAlikeOnesBecomeOne(t *testing.T) {
	for _, c := range []struct {
		name  string
		rules []*golden.Rule
		steps []string
		left  []string
	}{
		{"nothing to do", []*golden.Rule{golden.Allow("a", 100, out).TCP().To("10.0.2.0/24").Ports("443"), golden.Deny("b", 200, out).To("10.0.0.0/16")}, nil, []string{"a", "b"}},
		{"shadowed by one rule", []*golden.Rule{golden.Deny("a", 100, out).To("10.0.0.0/16"), golden.Allow("b", 200, out).TCP().To("10.0.2.0/24").Ports("443")},
			[]string{"shadowed b by a"}, []string{"a"}},
		{"what ICMP does where ports are named is an assumption", []*golden.Rule{golden.Deny("a", 100, out).UDP().To("203.0.113.0/24"), golden.Deny("b", 200, out).TCP().To("203.0.113.0/24"), golden.Allow("c", 300, out).To("203.0.113.0/24").Ports("80"), golden.Deny("d", 400, out).ICMP().To("203.0.113.0/24")},
			nil, []string{"a", "b", "c", "d"}},
		{"by two rules that become one", []*golden.Rule{golden.Deny("a", 100, out).To("203.0.113.0/25"), golden.Deny("b", 200, out).To("203.0.113.128/25"), golden.Allow("c", 300, out).TCP().To("203.0.113.0/24").Ports("80")},
			[]string{"shadowed c by a,b", "b into a in destinationAddressPrefixes"}, []string{"a"}},
		{"redundant before a wider rule", []*golden.Rule{golden.Allow("a", 100, in).TCP().From("10.0.1.4").Ports("443"), golden.Allow("b", 200, in).From("10.0.0.0/16"), golden.Deny("c", 300, in)},
			[]string{"redundant a by b"}, []string{"b", "c"}},
		{"not before one that does otherwise", []*golden.Rule{golden.Allow("a", 100, in).TCP().From("10.0.1.4").Ports("443"), golden.Deny("x", 150, in).TCP().From("10.0.1.0/24"), golden.Allow("b", 200, in).From("10.0.0.0/16")},
			nil, []string{"a", "x", "b"}},
		{"redundant before a default rule", []*golden.Rule{golden.Deny("a", 100, in).From("203.0.113.0/24")}, []string{"redundant a by DenyAllInBound"}, nil},
		{"ports", []*golden.Rule{golden.Allow("a", 100, in).TCP().From("203.0.113.0/24").Ports("80"), golden.Allow("b", 110, in).TCP().From("203.0.113.0/24").Ports("443"), golden.Allow("c", 120, in).TCP().From("203.0.113.0/24").Ports("81-90")},
			[]string{"b,c into a in destinationPortRanges"}, []string{"a"}},
		{"sources of one family", []*golden.Rule{golden.Allow("a", 100, in).TCP().From("203.0.113.0/25").Ports("80"), golden.Allow("b", 110, in).TCP().From("203.0.113.128/25").Ports("80"), golden.Allow("six", 120, in).TCP().From("2001:db8::/32").Ports("80")},
			[]string{"b into a in sourceAddressPrefixes"}, []string{"a", "six"}},
		{"a tag stands alone", []*golden.Rule{golden.Deny("a", 100, out).TCP().To("Storage.WestEurope").Ports("443"), golden.Deny("b", 110, out).TCP().To("203.0.113.0/24").Ports("443")}, nil, []string{"a", "b"}},
		{"ports of one tag", []*golden.Rule{golden.Deny("a", 100, out).TCP().To("Storage.WestEurope").Ports("443"), golden.Deny("b", 110, out).TCP().To("Storage.WestEurope").Ports("80")},
			[]string{"b into a in destinationPortRanges"}, []string{"a"}},
		{"past a rule that minds neither", []*golden.Rule{golden.Allow("a", 100, in).TCP().From("203.0.113.0/24").Ports("80"), golden.Deny("x", 105, in).UDP(), golden.Allow("b", 110, in).TCP().From("203.0.113.0/24").Ports("443")},
			[]string{"b into a in destinationPortRanges"}, []string{"a", "x"}},
		{"down where it cannot go up", []*golden.Rule{golden.Allow("a", 100, in).TCP().From("203.0.113.0/24").Ports("80"), golden.Deny("x", 105, in).TCP().From("203.0.113.7").Ports("443"), golden.Allow("b", 110, in).TCP().From("203.0.113.0/24").Ports("443")},
			[]string{"a into b in destinationPortRanges"}, []string{"x", "b"}},
		{"not past one in the way of both", []*golden.Rule{golden.Allow("a", 100, in).TCP().From("203.0.113.0/24").Ports("80"), golden.Deny("x", 105, in).TCP().From("203.0.113.7").Ports("80-443"), golden.Allow("b", 110, in).TCP().From("203.0.113.0/24").Ports("443")},
			nil, []string{"a", "x", "b"}},
		{"halves of all ports are not every packet", []*golden.Rule{golden.Allow("a", 100, in).From("203.0.113.0/24").Ports("0-1023"), golden.Allow("b", 110, in).From("203.0.113.0/24").Ports("1024-65535")}, nil, []string{"a", "b"}},
		{"halves of all ports of TCP are all of it", []*golden.Rule{golden.Allow("a", 100, in).TCP().From("203.0.113.0/24").Ports("0-1023"), golden.Allow("b", 110, in).TCP().From("203.0.113.0/24").Ports("1024-65535")},
			[]string{"b into a in destinationPortRanges"}, []string{"a"}},
		{"a tag within another while the file says so", []*golden.Rule{golden.Deny("a", 100, out).TCP().To("Storage.WestEurope").Ports("443"), golden.Deny("b", 110, out).TCP().To("Storage")},
			[]string{"redundant a by b while Storage,Storage.WestEurope"}, []string{"b"}},
		{"an unknown tag by its name", []*golden.Rule{golden.Deny("a", 100, out).TCP().To("NoSuchTag"), golden.Deny("b", 110, out).TCP().To("NoSuchTag").Ports("443")},
			[]string{"shadowed b by a"}, []string{"a"}},
		{"not by another name", []*golden.Rule{golden.Deny("a", 100, out).TCP().To("NoSuchTag"), golden.Deny("b", 110, out).TCP().To("OtherTag").Ports("443")}, nil, []string{"a", "b"}},
		{"not past an unknown tag", []*golden.Rule{golden.Allow("a", 100, in).TCP().From("203.0.113.0/24").Ports("80"), golden.Deny("x", 105, in).From("NoSuchTag"), golden.Allow("b", 110, in).TCP().From("203.0.113.0/24").Ports("443")},
			nil, []string{"a", "x", "b"}},
		{"an unknown tag that denies before a rule that denies", []*golden.Rule{golden.Deny("x", 105, in).From("NoSuchTag"), golden.Deny("b", 110, in)},
			[]string{"redundant x by b"}, []string{"b"}},
		{"what is not modelled stays", []*golden.Rule{golden.Deny("a", 100, in), golden.Deny("b", 110, in).NotModelled("newProperty", "1")}, nil, []string{"a", "b"}},
		{"a rule about the platform stays", []*golden.Rule{golden.Deny("a", 100, out).To("AzurePlatformDNS"), golden.Deny("b", 110, out).To("AzurePlatformDNS")}, nil, []string{"a", "b"}},
		{"one of each direction", []*golden.Rule{golden.Deny("a", 100, out).TCP().Ports("25"), golden.Deny("b", 100, in).TCP().Ports("25"), golden.Deny("c", 110, out).TCP().Ports("26")},
			[]string{"c into a in destinationPortRanges"}, []string{"a", "b"}},
		{"two lists, one after the other", []*golden.Rule{
			golden.Allow("a", 100, in).TCP().From("203.0.113.0/25").Ports("80"), golden.Allow("b", 110, in).TCP().From("203.0.113.128/25").Ports("80"),
			golden.Allow("c", 120, in).TCP().From("203.0.113.0/25").Ports("443"), golden.Allow("d", 130, in).TCP().From("203.0.113.128/25").Ports("443"),
		}, []string{"c into a in destinationPortRanges", "d into b in destinationPortRanges", "b into a in sourceAddressPrefixes"}, []string{"a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := plan(t, golden.New().SubnetNSG("app", c.rules...), "nsg-app")
			if d := cmp.Diff(c.steps, lines(p)); d != "" {
				t.Error(d)
			}
			got := names(p.After)
			slices.Sort(got)
			slices.Sort(c.left)
			if d := cmp.Diff(c.left, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// The tag VirtualNetwork differs from subnet to subnet: what holds at one must
// hold at the other.
func TestAnNSGOfTwoSubnetsIsProvedAtBoth(t *testing.T) {
	rules := func() []*golden.Rule {
		return []*golden.Rule{golden.Deny("a", 100, out).To("203.0.113.0/24"), golden.Deny("b", 200, out).To("VirtualNetwork")}
	}
	one := golden.New().NSG("g", rules()...).AttachSubnet("app", "g").Routes("app", golden.Via("r", "203.0.113.0/24", "10.0.0.5"))
	if p := plan(t, one, "g"); !slices.Equal(names(p.After), []string{"b"}) || !slices.Equal(p.Places, []string{"v1/app"}) {
		t.Errorf("at one subnet: %v, %v", lines(p), p.Places)
	}
	both := golden.New().NSG("g", rules()...).AttachSubnet("app", "g").AttachSubnet("db", "g").Routes("app", golden.Via("r", "203.0.113.0/24", "10.0.0.5"))
	if p := plan(t, both, "g"); len(p.Steps) != 0 || len(p.Places) != 2 {
		t.Errorf("at two subnets: %v, %v", lines(p), p.Places)
	}
}

// A peering without access may let through what a rule names by its address,
// and not what one names by a tag.
func TestWhatAPeeringTellsApartStays(t *testing.T) {
	rules := func() []*golden.Rule {
		return []*golden.Rule{golden.Allow("a", 100, out).To("10.1.0.0/24"), golden.Allow("b", 200, out)}
	}
	if p := plan(t, golden.New().SubnetNSG("app", rules()...), "nsg-app"); len(p.After.SecurityRules) != 1 {
		t.Errorf("without such a peering: %v", lines(p))
	}
	if p := plan(t, golden.New().NoAccess("v1", "v2").SubnetNSG("app", rules()...), "nsg-app"); len(p.Steps) != 0 {
		t.Errorf("with one: %v", lines(p))
	}
}

func TestWhatIsMergedKeepsTheSpellingOfItsAddresses(t *testing.T) {
	p := plan(t, golden.New().SubnetNSG("app", golden.Allow("a", 100, in).TCP().From("203.0.113.4").Ports("80"), golden.Allow("b", 110, in).TCP().From("203.0.113.7").Ports("80")), "nsg-app")
	if len(p.Edits) != 2 || p.Edits[0].String() != "rule a of nsg-app becomes Allow Tcp from 203.0.113.4,203.0.113.7 to * port 80" || p.Edits[1].String() != "remove rule b from nsg-app" {
		t.Errorf("%v", p.Edits)
	}
}
