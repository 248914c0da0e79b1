package diff_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/diff"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// told are the changes of a report, one a line: the gate, the kind, and of
// each part the first box and who decides.
func told(t *testing.T, old, new *golden.Estate) []string {
	t.Helper()
	return lines(compare(t, of(t, old), of(t, new), diff.Options{}))
}

func of(t *testing.T, e *golden.Estate) *sim.Simulator {
	t.Helper()
	s, err := sim.New(e.Build(), sim.Options{AsOf: golden.ServiceTags().Date})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func lines(r *diff.Report) []string {
	out := []string{}
	for _, g := range r.Gates {
		for _, c := range g.Changes {
			for _, p := range c.Parts {
				b := p.Boxes[0]
				box := b.Source.String() + " → " + b.Destination.String()
				if len(b.DestinationPorts) > 0 {
					box += fmt.Sprint(" ", b.DestinationPorts)
				}
				out = append(out, fmt.Sprintf("%s %s %s: %s: %s, then %s", g.Name, c.Kind, c.Direction, box, who(p.Old), who(p.New)))
			}
		}
	}
	return out
}

func who(d diff.Decision) string {
	if d.RuleName != "" {
		return d.RuleName
	}
	return string(d.Code)
}

const (
	in  = topology.Inbound
	out = topology.Outbound
)

func tcp(r *golden.Rule) *golden.Rule { return r.TCP() }

// What other tools are known to have got wrong.
func TestATagIsNoStringAndAPrefixNoSpelling(t *testing.T) {
	all := func(r *golden.Rule) *golden.Estate { return golden.New().SubnetNSG("app", r) }
	allow := func(sources ...string) *golden.Estate {
		return all(tcp(golden.Allow("web", 100, in)).From(sources...).Ports("443"))
	}
	for _, c := range []struct {
		name     string
		old, new *golden.Estate
		want     []string
	}{
		{"* is 0.0.0.0/0", allow("*"), allow("0.0.0.0/0"), []string{}},
		{"0.0.0.0/0 is its halves", allow("0.0.0.0/0"), allow("0.0.0.0/1", "128.0.0.0/1"), []string{}},
		{"a tag is its prefixes", allow("Storage.WestEurope"), allow("20.60.26.0/23"), []string{}},
		{"a tag in other letters", allow("Internet"), allow("internet"), []string{}},
		{"VirtualNetwork is what it holds", allow("VirtualNetwork"), allow("10.0.0.0/16", "10.1.0.0/16", "168.63.129.16"), []string{}},
		{"Internet is not *", allow("Internet"), allow("*"), []string{
			"nsg-app newlyAllowed Inbound: 0.0.0.0/8, 10.2.0.0/15, 10.4.0.0/14, 10.8.0.0/13 and 10 more prefixes → * [443]: DenyAllInBound, then web",
			"nsg-app nowAllowed Inbound: 25.0.0.0/8, 192.0.2.0/24, 198.18.0.0/15 → * [443]: SOURCES_CONFLICT, then web",
		}},
		{"the halves of the Internet are more than the tag", allow("0.0.0.0/1", "128.0.0.0/1"), allow("*"), []string{}},
		{"one half is half of it", allow("0.0.0.0/1"), allow("0.0.0.0/1", "128.0.0.0/1"), []string{
			"nsg-app newlyAllowed Inbound: * except 0.0.0.0/1, 168.63.129.16 → * [443]: DenyAllInBound, then web",
		}},
		{"a tag that nobody knows is not denied", allow("Storage.WestEurope"), allow("Storage.WestEurope", "NoSuchTag"), []string{
			"nsg-app newlyUndecided Inbound: * except 10.0.0.0/15, 20.60.26.0/23, 168.63.129.16 → * [443]: DenyAllInBound, then UNKNOWN_TAG",
		}},
		{"80-443 is 364 ports", all(tcp(golden.Allow("web", 100, in)).From("203.0.113.7").Ports("80", "443")), all(tcp(golden.Allow("web", 100, in)).From("203.0.113.7").Ports("80-443")), []string{
			"nsg-app newlyAllowed Inbound: 203.0.113.7 → * [81-442]: DenyAllInBound, then web",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, told(t, c.old, c.new)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestPrioritiesDecideByTheirNumbers(t *testing.T) {
	at := func(allow, deny int) *golden.Estate {
		return golden.New().SubnetNSG("app", golden.Allow("yes", allow, in).From("203.0.113.7"), golden.Deny("no", deny, in).From("203.0.113.0/24"))
	}
	if got := told(t, at(200, 1000), at(300, 900)); len(got) > 0 {
		t.Errorf("renumbered, the rules do the same: %q", got)
	}
	want := []string{"nsg-app newlyDenied Inbound: 203.0.113.7 → *: yes, then no"}
	if d := cmp.Diff(want, told(t, at(200, 1000), at(1100, 1000))); d != "" {
		t.Error(d)
	}
}

func TestARuleOfOneDirectionChangesNothingInTheOther(t *testing.T) {
	plain := golden.New().SubnetNSG("app", golden.Deny("shut", 4000, out))
	opened := golden.New().SubnetNSG("app", golden.Deny("shut", 4000, out), golden.Allow("web", 100, out).To("203.0.113.7"))
	want := []string{"nsg-app newlyAllowed Outbound: * → 203.0.113.7: shut, then web"}
	if d := cmp.Diff(want, told(t, plain, opened)); d != "" {
		t.Error(d)
	}
}

func TestTheSecondNSGOfAnInterfaceCounts(t *testing.T) {
	both := func() *golden.Estate {
		return golden.New().NICNSG("a1", golden.Deny("nic-shut", 100, out).To("203.0.113.0/24")).SubnetNSG("app", golden.Deny("subnet-shut", 100, out).To("203.0.113.0/25"))
	}
	one := golden.New().NSG("nsg-a1", golden.Deny("nic-shut", 100, out).To("203.0.113.0/24")).SubnetNSG("app", golden.Deny("subnet-shut", 100, out).To("203.0.113.0/25"))
	// Only what the subnet's NSG does not deny as well is newly allowed.
	still := "a1-nic stillUndecided Outbound: a1 (10.0.1.4) → 25.0.0.0/8, 192.0.2.0/24, 198.18.0.0/15: SOURCES_CONFLICT, then SOURCES_CONFLICT"
	want := []string{"a1-nic newlyAllowed Outbound: a1 (10.0.1.4) → 203.0.113.128/25: nic-shut, then AllowInternetOutBound", still}
	r := compare(t, of(t, both()), of(t, one), diff.Options{})
	if d := cmp.Diff(want, lines(r)); d != "" {
		t.Error(d)
	}
	if _, maybe := r.Newly(topology.Deny); maybe {
		t.Error("an NSG taken away can deny nothing")
	}
	want = []string{"a1-nic newlyDenied Outbound: a1 (10.0.1.4) → 203.0.113.128/25: AllowInternetOutBound, then nic-shut", still}
	r = compare(t, of(t, one), of(t, both()), diff.Options{})
	if d := cmp.Diff(want, lines(r)); d != "" {
		t.Error(d)
	}
	if _, maybe := r.Newly(topology.Allow); maybe {
		t.Error("an NSG more can allow nothing")
	}
	// An NSG that allows more than the other opens nothing.
	loose := golden.New().NSG("nsg-a1", golden.Allow("all", 100, in), golden.Allow("all-out", 100, out)).SubnetNSG("app", golden.Deny("subnet-shut", 100, out))
	attached := golden.New().NICNSG("a1", golden.Allow("all", 100, in), golden.Allow("all-out", 100, out)).SubnetNSG("app", golden.Deny("subnet-shut", 100, out))
	if got := told(t, loose, attached); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

func TestAStandardAddressIsClosedWithoutAnNSG(t *testing.T) {
	with := golden.New().PublicIP("a1", "198.51.100.7", "Standard").NSG("nsg-app", golden.Allow("web", 100, in).From("Internet")).AttachSubnet("app", "nsg-app")
	without := golden.New().PublicIP("a1", "198.51.100.7", "Standard").NSG("nsg-app", golden.Allow("web", 100, in).From("Internet"))
	got := told(t, with, without)
	i := slices.IndexFunc(got, func(s string) bool {
		return strings.HasPrefix(s, "a1-nic newlyDenied Inbound: Internet") && strings.HasSuffix(s, "web, then STANDARD_IP_CLOSED")
	})
	if i < 0 {
		t.Errorf("without its NSG the address is closed: %q", got)
	}
}

func TestAdminRulesAreToldOfTheInterfaces(t *testing.T) {
	plain := golden.New().SubnetNSG("app", golden.Deny("shut", 100, in))
	over := golden.New().SubnetNSG("app", golden.Deny("shut", 100, in)).Admin("v1", tcp(golden.AlwaysAllow("always", 10, in)).From("203.0.113.7").Ports("22"))
	want := "nsg-app"
	r := compare(t, of(t, plain), of(t, over), diff.Options{})
	for _, g := range r.Gates {
		if g.Name == want {
			t.Errorf("the NSG did not change: %+v", g)
		}
	}
	got := lines(r)
	if !slices.ContainsFunc(got, func(s string) bool {
		return strings.Contains(s, "newlyAllowed Inbound: 203.0.113.7 → ") && strings.HasSuffix(s, "[22]: shut, then always")
	}) {
		t.Errorf("%q", got)
	}
	if n := len(r.Gates[0].Places); n < 2 {
		t.Errorf("the interfaces of the subnet change alike, %d are together", n)
	}
}

func TestANSGIsAskedWhereItApplies(t *testing.T) {
	// In v2 the tag VirtualNetwork holds other addresses than in v1.
	estate := func(rules ...*golden.Rule) *golden.Estate {
		return golden.New().VNet("v9", "10.9.0.0/16").Subnet("v9", "far", "10.9.1.0/24").NSG("both", rules...).AttachSubnet("app", "both").AttachSubnet("far", "both").AttachSubnet("db", "both")
	}
	r := compare(t, of(t, estate()), of(t, estate(golden.Deny("no", 100, in).From("VirtualNetwork"))), diff.Options{})
	var places [][]string
	for _, g := range r.Gates {
		places = append(places, g.Places)
	}
	if d := cmp.Diff([][]string{{"v1/app", "v1/db"}, {"v9/far"}}, places); d != "" {
		t.Error(d)
	}
}

func TestAnNSGWithoutItsRulesIsUndecided(t *testing.T) {
	known := golden.New().SubnetNSG("app", golden.Allow("web", 100, in))
	unknown := golden.New().SubnetNSG("app").With(func(e *golden.Estate) { e.NSGOf("nsg-app").RulesGiven = false })
	r := compare(t, of(t, known), of(t, unknown), diff.Options{})
	if !r.Has(diff.NewlyUndecided) || r.Has(diff.NewlyAllowed, diff.NewlyDenied) || !r.Undecided() {
		t.Errorf("%q", lines(r))
	}
	if r := compare(t, of(t, unknown), of(t, unknown), diff.Options{}); !r.Empty() {
		t.Errorf("%q", lines(r))
	}
}

func TestNewlySaysWhatIsCertainAndWhatIsPossible(t *testing.T) {
	base := golden.New().SubnetNSG("app", golden.Deny("shut", 4000, in))
	for _, c := range []struct {
		name                  string
		old, new              *golden.Estate
		allowed, maybeAllowed bool
		denied, maybeDenied   bool
	}{
		{"nothing", base, base, false, false, false, false},
		{"a rule that allows", base, golden.New().SubnetNSG("app", golden.Deny("shut", 4000, in), golden.Allow("yes", 100, in).From("203.0.113.7")), true, false, false, false},
		{"a rule that allows by an unknown tag", base, golden.New().SubnetNSG("app", golden.Deny("shut", 4000, in), golden.Allow("yes", 100, in).From("NoSuchTag")), false, true, false, false},
		{"one unknown tag for another", golden.New().SubnetNSG("app", golden.Deny("shut", 4000, in), golden.Allow("yes", 100, in).From("NoSuchTag")),
			golden.New().SubnetNSG("app", golden.Deny("shut", 4000, in), golden.Allow("yes", 100, in).From("NorThisOne")), false, true, false, true},
		{"an unknown tag more", golden.New().SubnetNSG("app", golden.Deny("shut", 4000, in), golden.Allow("yes", 100, in).From("NoSuchTag")),
			golden.New().SubnetNSG("app", golden.Deny("shut", 4000, in), golden.Allow("yes", 100, in).From("NoSuchTag"), golden.Allow("more", 200, in).From("NorThisOne")), false, true, false, false},
		{"the same unknown tag", golden.New().SubnetNSG("app", golden.Allow("yes", 100, in).From("NoSuchTag")),
			golden.New().SubnetNSG("app", golden.Allow("renamed", 300, in).From("nosuchtag")), false, false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := compare(t, of(t, c.old), of(t, c.new), diff.Options{})
			a, ma := r.Newly(topology.Allow)
			d, md := r.Newly(topology.Deny)
			if a != c.allowed || ma != c.maybeAllowed || d != c.denied || md != c.maybeDenied {
				t.Errorf("newly allowed %t, perhaps %t; newly denied %t, perhaps %t: %q", a, ma, d, md, lines(r))
			}
		})
	}
}

func TestAnOldServiceTagFileIsTakenAsCurrentAndSaidSo(t *testing.T) {
	old := golden.New().SubnetNSG("app", golden.Deny("shut", 4000, out))
	new := golden.New().SubnetNSG("app", golden.Deny("shut", 4000, out), golden.Allow("storage", 100, out).To("Storage"))
	for _, strict := range []bool{false, true} {
		for _, waived := range []bool{false, true} {
			o := sim.Options{AsOf: golden.ServiceTags().Date.Add(90 * 24 * time.Hour), Strict: strict}
			if waived {
				o.Waivers = []flow.Waiver{{ID: flow.CatalogueCurrent}}
			}
			var sims [2]*sim.Simulator
			for i, e := range []*golden.Estate{old, new} {
				s, err := sim.New(e.Build(), o)
				if err != nil {
					t.Fatal(err)
				}
				sims[i] = s
			}
			r, err := diff.Compare(context.Background(), sims[0], sims[1], diff.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Assumptions) != 1 || r.Assumptions[0].ID != flow.CatalogueCurrent || !r.Has(diff.NewlyAllowed) {
				t.Errorf("strict %t: %+v, %q", strict, r.Assumptions, lines(r))
			}
			if r.Unwaived != (strict && !waived) || r.Undecided() != r.Unwaived {
				t.Errorf("strict %t, waived %t: unwaived %t, undecided %t", strict, waived, r.Unwaived, r.Undecided())
			}
		}
	}
}

func TestStrictModeTakesNoAssumption(t *testing.T) {
	lone := func(rules ...*golden.Rule) *sim.Simulator {
		s, err := sim.New(golden.Empty().NSG("n", rules...).Build(), sim.Options{Strict: true})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	// Whether a public address is in the NSG's own network, which is not in the
	// data, is an assumption.
	r := compare(t, lone(), lone(golden.Deny("no", 100, in).From("203.0.113.7")), diff.Options{})
	if r.Has(diff.NewlyDenied) || !r.Has(diff.NowDenied) {
		t.Errorf("%q", lines(r))
	}
}

func TestResourcesThatOneSideHasAreListed(t *testing.T) {
	r := compare(t, of(t, golden.New()), of(t, golden.New().VM("extra", "app", "10.0.1.77").NSG("lonely")), diff.Options{})
	var got []string
	for _, e := range r.Elements {
		got = append(got, fmt.Sprintf("%s %s %t", e.Kind, e.Name, e.Added))
	}
	want := []string{"network interface extra-nic true", "network security group lonely true", "virtual machine extra true"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(r.Gates) > 0 || !r.Changed() || r.Undecided() {
		t.Errorf("%+v", r)
	}
}

func TestTheNSGOfASubnetWithoutInterfacesCounts(t *testing.T) {
	with := func(nsg string) *golden.Estate {
		e := golden.Empty().VNet("v1", "10.0.0.0/16").Subnet("v1", "app", "10.0.1.0/24").NSG("shut", golden.Deny("no", 100, out))
		if nsg != "" {
			e.SubnetOf("app").NetworkSecurityGroup = topology.RefTo(strings.Replace(e.NSGOf("shut").ResourceID, "/shut", "/"+nsg, 1))
		}
		return e
	}
	r := compare(t, of(t, with("shut")), of(t, with("")), diff.Options{})
	if certain, _ := r.Newly(topology.Allow); !certain || r.Gates[0].Level != diff.Subnet || r.Gates[0].Name != "v1/app" {
		t.Errorf("detached: %q", lines(r))
	}
	if certain, _ := compare(t, of(t, with("")), of(t, with("shut")), diff.Options{}).Newly(topology.Deny); !certain {
		t.Error("attached: nothing is newly denied")
	}
	r = compare(t, of(t, with("shut")), of(t, with("gone")), diff.Options{})
	if certain, maybe := r.Newly(topology.Allow); certain || !maybe {
		t.Errorf("another NSG, whose rules nobody knows: %q", lines(r))
	}
	if r := compare(t, of(t, with("gone")), of(t, with("gone")), diff.Options{}); !r.Empty() {
		t.Errorf("%q", lines(r))
	}
}

func TestAPublicAddressThatMovesIsTold(t *testing.T) {
	at := func(vm string) *golden.Estate { return golden.New().PublicIP(vm, "198.51.100.7", "Basic") }
	r := compare(t, of(t, at("a1")), of(t, at("a1").With(func(e *golden.Estate) {
		e.NIC("a2").IPConfigurations[0].PublicIPAddress, e.NIC("a1").IPConfigurations[0].PublicIPAddress = e.NIC("a1").IPConfigurations[0].PublicIPAddress, topology.Ref{}
	})), diff.Options{})
	var got []string
	for _, e := range r.Elements {
		got = append(got, fmt.Sprintf("%s %s %t", e.Kind, e.Name, e.Added))
	}
	if len(got) != 2 || !strings.HasPrefix(got[0], "public IP address at an interface a1-nic: ") && !strings.HasPrefix(got[1], "public IP address at an interface a1-nic: ") {
		t.Errorf("%q", got)
	}
}

// What leads or filters packets and is no NSG and no route is told of, and may
// let through what was denied.
func TestResourcesThatSaySomethingElseAreListed(t *testing.T) {
	build := func(port string) *golden.Estate {
		return golden.New().Firewall("app", golden.NetworkRules("net", 200, topology.Allow, golden.NetworkRule("web", "*", port))).
			LoadBalancer("lb", "198.51.100.30", 443, 8443, "a1").PublicIP("a1", "198.51.100.7", "Standard").UsesProxy("a1", "10.0.0.5", 8080)
	}
	for _, c := range []struct {
		want   string
		change func(*golden.Estate)
	}{
		{"virtual network peering v1 to v2", func(e *golden.Estate) { e.ForwardedTraffic("v1", "v2") }},
		{"network interface a1-nic", func(e *golden.Estate) { e.Forwarding("a1") }},
		{"virtual machine a1", func(e *golden.Estate) { e.Machine("a1").Proxy.Port = 3128 }},
		{"virtual machine a1", func(e *golden.Estate) { e.GuestFirewall("a1") }},
		{"subnet v1/app", func(e *golden.Estate) { e.PrivateSubnet("app") }},
		{"", func(e *golden.Estate) { e.Machine("a1").OSName = "Ubuntu 16.04" }},
		{"", func(e *golden.Estate) { e.NIC("a1").Origin.Line += 7 }},
	} {
		r := compare(t, of(t, build("443")), of(t, build("443").With(c.change)), diff.Options{})
		var got []string
		for _, e := range r.Elements {
			got = append(got, e.Kind+" "+e.Name)
			if !e.Changed || e.Added {
				t.Errorf("%+v", e)
			}
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%q, want %q", s, c.want)
		}
		if _, maybe := r.Newly(topology.Allow); maybe != (c.want != "") {
			t.Errorf("%q: newly allowed perhaps: %t", c.want, maybe)
		}
	}
	r := compare(t, of(t, build("443")), of(t, build("22")), diff.Options{})
	if len(r.Elements) != 1 || r.Elements[0].Kind != "Azure Firewall" || !r.Elements[0].Changed {
		t.Errorf("%+v", r.Elements)
	}
}

func TestWhereAListIsCutMoreMayHaveChanged(t *testing.T) {
	cut := func() *golden.Estate {
		return golden.New().Gap(topology.ListCut, "Microsoft.Network/networkInterfaces")
	}
	for _, sides := range [][2]*golden.Estate{{golden.New(), cut()}, {cut(), golden.New()}} {
		r := compare(t, of(t, sides[0]), of(t, sides[1]), diff.Options{})
		if _, maybe := r.Newly(topology.Allow); !maybe || !r.Undecided() || !r.Incomplete || len(r.Notes) != 1 {
			t.Errorf("%+v", r)
		}
	}
}

func TestAMovedNSGIsMatchedByItsName(t *testing.T) {
	old := golden.New().SubnetNSG("app", golden.Allow("web", 100, in).From("203.0.113.7"))
	new := golden.New().SubnetNSG("app", golden.Allow("web", 100, in).From("203.0.113.8"))
	new.With(func(e *golden.Estate) {
		g := e.NSGOf("nsg-app")
		g.ResourceID = strings.Replace(g.ResourceID, "/resourceGroups/", "/resourceGroups/other-", 1)
		e.SubnetOf("app").NetworkSecurityGroup = g.Ref()
	})
	r := compare(t, of(t, old), of(t, new), diff.Options{})
	want := []string{
		"nsg-app newlyAllowed Inbound: 203.0.113.8 → *: DenyAllInBound, then web",
		"nsg-app newlyDenied Inbound: 203.0.113.7 → *: web, then DenyAllInBound",
	}
	if d := cmp.Diff(want, lines(r)); d != "" {
		t.Error(d)
	}
	if len(r.Notes) != 1 || len(r.Elements) > 0 {
		t.Errorf("%q, %+v", r.Notes, r.Elements)
	}
}

func TestCountsReadAsPeopleSayThem(t *testing.T) {
	for n, want := range map[string]string{"1": "1 packet", "65536": "65,536 packets", "4294967296": "about 4.2 billion packets", "281474976710656": "about 281.4 trillion packets",
		"18446744073709551616": "about 1.8 × 10^19 packets"} {
		if got := diff.Packets(number(t, n)); got != want {
			t.Errorf("%s: %q, want %q", n, got, want)
		}
	}
}
