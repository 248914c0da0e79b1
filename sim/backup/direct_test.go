package backup_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/topology"
)

func denyInternet(priority int) *golden.Rule {
	return golden.Deny("internet", priority, golden.Out).To("Internet")
}

// The service tag of the region, by the article of 2018 (BK18): the rule must
// have a lower number than the one that blocks the Internet.
func TestDirectByServiceTag(t *testing.T) {
	for _, tt := range []struct {
		name    string
		rules   []*golden.Rule
		profile string
		verdict backup.Verdict // of the machine and of the way
		way     backup.Way
		text    string // part of what is said of the way
	}{
		{"the regional tag before the block passes (G02)",
			[]*golden.Rule{golden.Allow("storage", 100, golden.Out).To(swe).Ports("443"), denyInternet(4000)}, "vm-2018", backup.Pass, backup.ServiceTag, "100 storage in nsg-app"},
		{"so does the tag of all regions",
			[]*golden.Rule{golden.Allow("storage", 100, golden.Out).To("Storage").Ports("443"), denyInternet(4000)}, "vm-2018", backup.Pass, backup.ServiceTag, "100 storage in nsg-app"},
		{"and the datacenter's tag, which holds it (G41)",
			[]*golden.Rule{golden.Allow("cloud", 100, golden.Out).To("AzureCloud.westeurope").Ports("443"), denyInternet(4000)}, "vm-2018", backup.Pass, backup.ServiceTag, "100 cloud in nsg-app"},
		{"behind the block it comes too late (G04)",
			[]*golden.Rule{denyInternet(4000), golden.Allow("storage", 4001, golden.Out).To("Storage").Ports("443")}, "vm-2018", backup.Fail, backup.None, "nsg-app/storage names Storage at priority 4001, but a rule with a lower number comes first"},
		{"the tag of another region is no help (G03)",
			[]*golden.Rule{golden.Allow("north", 100, golden.Out).To("Storage.NorthEurope").Ports("443"), denyInternet(4000)}, "vm-2018", backup.Fail, backup.None, "nsg-app/north names Storage.NorthEurope, and the machine needs Storage.WestEurope"},
		{"a rule for another port is none (G83's port)",
			[]*golden.Rule{golden.Allow("storage", 100, golden.Out).To(swe).Ports("443"), denyInternet(4000)}, "vm-2019", backup.Fail, backup.None, "nsg-app/storage names Storage.WestEurope, but not for tcp/8443"},
		{"a rule for another machine is none (G82)",
			[]*golden.Rule{golden.Allow("storage", 100, golden.Out).From("10.0.1.99").To(swe).Ports("443"), denyInternet(4000)}, "vm-2018", backup.Fail, backup.None, "nsg-app/storage names Storage.WestEurope, but does not match these packets"},
		{"no rule names it",
			[]*golden.Rule{denyInternet(4000)}, "vm-2018", backup.Fail, backup.None, "no rule of the machine's NSGs allows the service tag Storage.WestEurope; 4000 internet in nsg-app"},
		{"without a block no rule is needed", nil, "vm-2018", backup.Pass, backup.Open, "no rule of this kind is needed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			vm := examine(t, golden.New().With(managed("a1")).SubnetNSG("app", tt.rules...).Build(), "a1", tt.profile)
			if vm.Verdict != tt.verdict || vm.Way != tt.way {
				t.Errorf("%s by %s, want %s by %s", vm.Verdict, vm.Way, tt.verdict, tt.way)
			}
			w := wayOf(t, vm, backup.ServiceTag)
			if w.Verdict != tt.verdict || !strings.Contains(w.Text, tt.text) {
				t.Errorf("the way: %s, %s", w.Verdict, w.Text)
			}
			if failed := w.Failing != ""; failed != (tt.verdict == backup.Fail) || failed && w.Failing != backup.LegRules {
				t.Errorf("the failing leg is %q", w.Failing)
			}
			if use := vm.Ways[0]; tt.way == backup.ServiceTag && (use.Way != tt.way || !use.InUse) {
				t.Errorf("the way in use does not come first: %v", use.Way)
			}
		})
	}
}

func TestATagThatTheFileDoesNotHoldIsNeverCertain(t *testing.T) {
	e := golden.New().SubnetNSG("app", golden.Allow("cloud", 100, golden.Out).To("AzureCloud.westeurope"), denyInternet(4000)).
		With(func(e *golden.Estate) { e.Machine("a1").Location = "norwayeast" })
	vm := examine(t, e.Build(), "a1")
	if vm.Verdict != backup.Unknown || vm.Requirements[0].Destination != "Storage.norwayeast" {
		t.Errorf("%s, %s", vm.Verdict, vm.Requirements[0].Destination)
	}
	if len(vm.Missing) == 0 {
		t.Error("nothing is said to settle it")
	}
	const says = "the service tag file ServiceTags_Public_20251027.json holds no Storage.norwayeast"
	if w := wayOf(t, vm, backup.ServiceTag); w.Verdict != backup.Unknown || !strings.Contains(w.Text, says) || !strings.Contains(vm.Requirements[0].Text, says) {
		t.Errorf("the way: %s, %s; the requirement: %s", w.Verdict, w.Text, vm.Requirements[0].Text)
	}
}

// Datacenter ranges: one XML region as CIDR rules (G42). The tag's 20.60.26.0/23
// lies inside of 20.60.24.0/21.
func TestDirectByDatacenterRanges(t *testing.T) {
	xml := func() *golden.Estate {
		return golden.New().Datacenters(golden.Region("europewest", "westeurope", "20.60.24.0/21"), golden.Region("europenorth", "northeurope", "20.60.40.0/23"))
	}
	ranges := func(cidrs ...string) []*golden.Rule {
		return []*golden.Rule{golden.Allow("europewest", 100, golden.Out).To(cidrs...).Ports("443"), denyInternet(4000)}
	}
	two := func(e *golden.Estate) *golden.Estate {
		return e.ServiceTag(swe, "westeurope", "20.60.26.0/24", "20.60.27.0/24")
	}
	for _, tt := range []struct {
		name    string
		estate  *golden.Estate
		rules   []*golden.Rule
		verdict backup.Verdict
		way     backup.Way
		want    *backup.RuleCoverage
	}{
		{"the whole region lets it out (G42)", xml(), ranges("20.60.24.0/21"), backup.Pass, backup.DatacenterRanges,
			&backup.RuleCoverage{Rules: []string{"nsg-app/europewest"}, Prefixes: 1, Source: swe, Total: 1, Covered: 1}},
		{"half of the region's Storage is not enough", two(xml()), ranges("20.60.26.0/24"), backup.Fail, backup.DatacenterRanges,
			&backup.RuleCoverage{Rules: []string{"nsg-app/europewest"}, Prefixes: 1, Source: swe, Total: 2, Covered: 1, Missing: prefixes("20.60.27.0/24")}},
		{"ranges that no file has any more are told", xml(), ranges("20.60.24.0/21", "13.69.0.0/17"), backup.Pass, backup.DatacenterRanges,
			&backup.RuleCoverage{Rules: []string{"nsg-app/europewest"}, Prefixes: 2, Source: swe, Total: 1, Covered: 1, Stale: prefixes("13.69.0.0/17")}},
		{"without a tag file the region of the XML counts", xml().NoServiceTags(), ranges("20.60.24.0/22"), backup.Unknown, backup.DatacenterRanges,
			&backup.RuleCoverage{Rules: []string{"nsg-app/europewest"}, Prefixes: 1, Source: "datacenter:europewest", Total: 1, Missing: prefixes("20.60.24.0/21")}},
		{"another region's ranges cover nothing", xml(), ranges("20.60.40.0/23"), backup.Fail, backup.None,
			&backup.RuleCoverage{Rules: []string{"nsg-app/europewest"}, Prefixes: 1, Source: swe, Total: 1, Missing: prefixes("20.60.26.0/23")}},
		{"a rule for the estate's own addresses is none of them", xml(), ranges("10.0.0.0/16"), backup.Fail, backup.None, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			vm := examine(t, tt.estate.SubnetNSG("app", tt.rules...).Build(), "a1")
			w := wayOf(t, vm, backup.DatacenterRanges)
			if vm.Verdict != tt.verdict || w.Verdict != tt.verdict {
				t.Errorf("%s, the way %s (%s), want %s", vm.Verdict, w.Verdict, w.Text, tt.verdict)
			}
			if tt.verdict != backup.Unknown && vm.Way != tt.way {
				t.Errorf("by %s, want %s", vm.Way, tt.way)
			}
			if d := cmp.Diff(tt.want, w.Rules, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); d != "" {
				t.Errorf("coverage (-want +got):\n%s", d)
			}
		})
	}
}

func TestWithoutATagFileTheWholeRegionOfTheXMLSuffices(t *testing.T) {
	e := golden.New().NoServiceTags().Datacenters(golden.Region("europewest", "westeurope", "20.60.24.0/21")).
		SubnetNSG("app", golden.Allow("europewest", 100, golden.Out).To("20.60.24.0/21").Ports("443"), denyInternet(4000))
	vm := examine(t, e.Build(), "a1")
	if w := wayOf(t, vm, backup.DatacenterRanges); w.Verdict != backup.Pass || w.Rules == nil || w.Rules.Covered != 1 {
		t.Errorf("the way: %s, %s", w.Verdict, w.Text)
	}
	if vm.Verdict != backup.Pass || vm.Way != backup.DatacenterRanges || !strings.Contains(vm.Requirements[0].Text, "europewest") {
		t.Errorf("%s by %s: %s", vm.Verdict, vm.Way, vm.Requirements[0].Text)
	}
}

func TestOneDirectWayDoesNotStandForTheOther(t *testing.T) {
	tag := golden.Allow("tag", 100, golden.Out).To(swe).Ports("443")
	cidr := golden.Allow("cidr", 110, golden.Out).To("20.60.26.0/23").Ports("443")
	vm := examine(t, golden.New().SubnetNSG("app", tag, denyInternet(4000)).Build(), "a1")
	if w := wayOf(t, vm, backup.DatacenterRanges); w.Verdict != backup.Fail || w.Failing != backup.LegRules {
		t.Errorf("ranges beside a tag: %s at %s", w.Verdict, w.Failing)
	}
	vm = examine(t, golden.New().SubnetNSG("app", cidr, denyInternet(4000)).Build(), "a1")
	if w := wayOf(t, vm, backup.ServiceTag); vm.Way != backup.DatacenterRanges || w.Verdict != backup.Fail || w.Failing != backup.LegRules {
		t.Errorf("a tag beside ranges: %s, %s at %s", vm.Way, w.Verdict, w.Failing)
	}
}

func TestTheLegThatStopsADirectPathIsNamed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		estate *golden.Estate
		leg    string
	}{
		{"a route to nowhere", golden.New().Routes("app", golden.Hop("nowhere", "20.60.26.0/23", topology.NextHopNone)), backup.LegRoute},
		{"an appliance that does not forward", golden.New().NoForwarding("nva").Routes("app", golden.Via("nva", "0.0.0.0/0", golden.NVA)), backup.LegRoute},
		{"a private subnet without a way out", golden.New().PrivateSubnet("app").ServiceTag("Storage.NorthEurope", "northeurope", "20.60.40.0/23").
			With(func(e *golden.Estate) { e.Machine("a1").Location = "northeurope" }), backup.LegEgress},
	} {
		t.Run(tt.name, func(t *testing.T) {
			vm := examine(t, tt.estate.Build(), "a1")
			w := wayOf(t, vm, backup.ServiceTag)
			if vm.Verdict != backup.Fail || vm.Requirements[0].Leg != tt.leg || w.Failing != tt.leg {
				t.Errorf("%s at %s, the way at %s, want Fail at %s", vm.Verdict, vm.Requirements[0].Leg, w.Failing, tt.leg)
			}
		})
	}
}

func TestStrictModeTakesNoAssumption(t *testing.T) {
	// No guest firewall is given for the proxy: HOST_FIREWALL_OPEN.
	n := lockdown().Build()
	opt := backup.Options{VMs: []string{"a1"}, Ways: true}
	vm := examineWith(t, n, sim.Options{AsOf: golden.AsOf}, opt)
	if vm.Verdict != backup.Pass || len(vm.Assumptions) == 0 || vm.UnderAssumptions != "" {
		t.Errorf("%s, assumptions %v", vm.Verdict, vm.Assumptions)
	}
	vm = examineWith(t, n, sim.Options{AsOf: golden.AsOf, Strict: true}, opt)
	if vm.Verdict != backup.Unknown || vm.UnderAssumptions != "Pass" {
		t.Errorf("strict: %s, under assumptions %q", vm.Verdict, vm.UnderAssumptions)
	}
	if w := wayOf(t, vm, backup.Proxy); w.Verdict != backup.Unknown || !strings.Contains(w.Text, "HOST_FIREWALL_OPEN") {
		t.Errorf("strict: the way is %s, %s", w.Verdict, w.Text)
	}
}

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}
