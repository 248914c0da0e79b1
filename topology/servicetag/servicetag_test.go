package servicetag_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/property"
	"github.com/netpath/netpath/topology/load/source"
	"github.com/netpath/netpath/topology/load/tagfile"
	"github.com/netpath/netpath/topology/servicetag"
)

var prefixes = cmp.Options{cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty()}

func tag(name, region, service string, list ...string) *topology.ServiceTag {
	t := &topology.ServiceTag{Name: name, Region: region, SystemService: service}
	for _, s := range list {
		t.Prefixes += topology.MakePrefixList(netip.MustParsePrefix(s))
	}
	return t
}

func region(name, location string, list ...string) *topology.DatacenterRegion {
	r := &topology.DatacenterRegion{Name: name, Location: location}
	for _, s := range list {
		r.Prefixes = append(r.Prefixes, netip.MustParsePrefix(s))
	}
	return r
}

func catalogue(tags ...*topology.ServiceTag) *topology.ServiceTagCatalogue {
	return &topology.ServiceTagCatalogue{Tags: tags}
}

// small is the catalogue of the specification's fixture, and a little more.
var small = catalogue(
	tag("Storage", "", "AzureStorage", "20.60.26.0/23", "20.60.40.0/23"),
	tag("Storage.WestEurope", "westeurope", "AzureStorage", "20.60.26.0/23", "20.60.26.0/23", "20.60.26.0/28", "2603:1020::/48"),
	tag("Storage.NorthEurope", "northeurope", "AzureStorage", "20.60.40.0/23"),
	tag("Storage.CentralFrance", "francecentral", "AzureStorage", "20.60.50.0/24"),
	tag("AzureCloud", "", "", "20.60.24.0/21", "20.60.40.0/21", "2603::/16"),
	tag("AzureCloud.westeurope", "westeurope", "", "20.60.24.0/21", "2603:1020::/32"),
	tag("AzureFrontDoor.Backend", "", "AzureFrontDoor", "147.243.0.0/16"),
)

var ranges = &topology.DatacenterRanges{Regions: []*topology.DatacenterRegion{
	region("europewest", "westeurope", "20.60.24.0/21", "13.69.0.0/17"),
	region("europenorth", "northeurope", "20.60.40.0/22"),
	region("marsnorth", "", "20.60.26.0/23"),
}}

func TestATagIsFoundInAnyLetterCaseAndByAnyNameOfItsRegion(t *testing.T) {
	x := servicetag.New(small, nil)
	for name, want := range map[string]string{
		"Storage":                 "Storage",
		"storage":                 "Storage",
		" Storage . West Europe ": "Storage.WestEurope",
		"STORAGE.WESTEUROPE":      "Storage.WestEurope",
		"Storage.europewest":      "Storage.WestEurope",
		"Storage.FranceCentral":   "Storage.CentralFrance",
		"Storage.France Central":  "Storage.CentralFrance",
		"storage.francec":         "Storage.CentralFrance",
		"storage.centralfrance":   "Storage.CentralFrance",
		"AzureCloud.WestEurope":   "AzureCloud.westeurope",
		"azurefrontdoor.backend":  "AzureFrontDoor.Backend",
		"Storage.WestUS":          "",
		"westeurope":              "",
		"Storage.":                "",
		"":                        "",
	} {
		got, ok := x.Tag(name)
		if ok != (want != "") || ok && got.Name != want {
			t.Errorf("%q: %v, want %q", name, got, want)
		}
	}
	if _, ok := servicetag.New(nil, nil).Tag("Storage"); ok {
		t.Error("a tag without a catalogue")
	}
}

func TestTheExactNameComesBeforeTheAlias(t *testing.T) {
	x := servicetag.New(catalogue(tag("Storage.CentralFrance", "", ""), tag("Storage.FranceCentral", "", "")), nil)
	for _, name := range []string{"Storage.CentralFrance", "Storage.FranceCentral"} {
		if got, _ := x.Tag(name); got.Name != name {
			t.Errorf("%s finds %s", name, got.Name)
		}
	}
}

func TestADatacenterRegionIsFoundByItsBackendAndItsARMName(t *testing.T) {
	x := servicetag.New(nil, ranges)
	for name, want := range map[string]string{
		"europewest": "europewest", "westeurope": "europewest", "West Europe": "europewest", "EUROPENORTH": "europenorth",
		"northeurope": "europenorth", "marsnorth": "marsnorth", "northmars": "", "": "",
	} {
		got, ok := x.Region(name)
		if ok != (want != "") || ok && got.Name != want {
			t.Errorf("%q: %v, want %q", name, got, want)
		}
	}
}

func TestEveryNameOfARegionHasOneARMName(t *testing.T) {
	for name, want := range map[string]string{
		// G42 and the table of the datacenter ranges (XMLR).
		"europewest": "westeurope", "europenorth": "northeurope", "useast": "eastus", "useast2": "eastus2", "uswest": "westus",
		"uswest2": "westus2", "uscentral": "centralus", "uscentraleuap": "centraluseuap", "useast2euap": "eastus2euap",
		"usnorth": "northcentralus", "ussouth": "southcentralus", "uswestcentral": "westcentralus", "asiaeast": "eastasia",
		"asiasoutheast": "southeastasia", "japaneast": "japaneast", "japanwest": "japanwest", "brazilsouth": "brazilsouth",
		"australiaeast": "australiaeast", "australiasoutheast": "australiasoutheast", "australiac": "australiacentral",
		"australiac2": "australiacentral2", "indiacentral": "centralindia", "indiawest": "westindia", "indiasouth": "southindia",
		"canadacentral": "canadacentral", "canadaeast": "canadaeast", "uksouth": "uksouth", "ukwest": "ukwest",
		"koreacentral": "koreacentral", "koreasouth": "koreasouth", "francec": "francecentral", "frances": "francesouth",
		"southafrican": "southafricanorth", "southafricaw": "southafricawest", "uaen": "uaenorth", "uaec": "uaecentral",
		"chinanorth": "chinanorth", "chinaeast": "chinaeast",
		// Suffixes of tags (STJ).
		"centralfrance": "francecentral", "southfrance": "francesouth", "germanywc": "germanywestcentral", "germanyn": "germanynorth",
		"norwaye": "norwayeast", "norwayw": "norwaywest", "switzerlandn": "switzerlandnorth", "switzerlandw": "switzerlandwest",
		"brazilse": "brazilsoutheast", "chilec": "chilecentral", "usstagee": "eastusstg", "usstagec": "southcentralusstg",
		"West Europe": "westeurope", "WESTEUROPE": "westeurope",
	} {
		got, known := servicetag.Location(name)
		if got != want || !known {
			t.Errorf("%s is %s (%v), want %s", name, got, known, want)
		}
		if again, known := servicetag.Location(got); again != got || !known {
			t.Errorf("%s is %s (%v), want itself", got, again, known)
		}
	}
	if got, known := servicetag.Location(" Mars North "); got != "marsnorth" || known {
		t.Errorf("%s %v", got, known)
	}
}

func match(name string, kind servicetag.Kind, prefix, region, service string) servicetag.Match {
	return servicetag.Match{Name: name, Kind: kind, Prefix: netip.MustParsePrefix(prefix), Region: region, Service: service}
}

func TestLookupFindsEveryHolderOnceMostSpecificFirst(t *testing.T) {
	const st, dc = servicetag.ServiceTag, servicetag.DatacenterRegion
	x := servicetag.New(small, ranges)
	for _, tt := range []struct {
		addr string
		want []servicetag.Match
	}{
		{"20.60.26.1", []servicetag.Match{
			match("Storage.WestEurope", st, "20.60.26.0/28", "westeurope", "AzureStorage"),
			match("Storage", st, "20.60.26.0/23", "", "AzureStorage"),
			match("marsnorth", dc, "20.60.26.0/23", "", ""),
			match("AzureCloud.westeurope", st, "20.60.24.0/21", "westeurope", ""),
			match("AzureCloud", st, "20.60.24.0/21", "", ""),
			match("europewest", dc, "20.60.24.0/21", "westeurope", ""),
		}},
		{"20.60.27.255", []servicetag.Match{
			match("Storage.WestEurope", st, "20.60.26.0/23", "westeurope", "AzureStorage"),
			match("Storage", st, "20.60.26.0/23", "", "AzureStorage"),
			match("marsnorth", dc, "20.60.26.0/23", "", ""),
			match("AzureCloud.westeurope", st, "20.60.24.0/21", "westeurope", ""),
			match("AzureCloud", st, "20.60.24.0/21", "", ""),
			match("europewest", dc, "20.60.24.0/21", "westeurope", ""),
		}},
		{"::ffff:147.243.1.1", []servicetag.Match{match("AzureFrontDoor.Backend", st, "147.243.0.0/16", "", "AzureFrontDoor")}},
		{"2603:1020::1", []servicetag.Match{
			match("Storage.WestEurope", st, "2603:1020::/48", "westeurope", "AzureStorage"),
			match("AzureCloud.westeurope", st, "2603:1020::/32", "westeurope", ""),
			match("AzureCloud", st, "2603::/16", "", ""),
		}},
		{"2603:1020::1%eth0", []servicetag.Match{
			match("Storage.WestEurope", st, "2603:1020::/48", "westeurope", "AzureStorage"),
			match("AzureCloud.westeurope", st, "2603:1020::/32", "westeurope", ""),
			match("AzureCloud", st, "2603::/16", "", ""),
		}},
		{"10.0.0.1", nil},
		{"::1", nil},
	} {
		if diff := cmp.Diff(tt.want, x.Lookup(netip.MustParseAddr(tt.addr)), prefixes); diff != "" {
			t.Errorf("%s: %s", tt.addr, diff)
		}
	}
	if got := x.Lookup(netip.Addr{}); got != nil {
		t.Errorf("no address is in %v", got)
	}
	if got := servicetag.New(nil, nil).Lookup(netip.MustParseAddr("20.60.26.1")); got != nil {
		t.Errorf("no file holds it, but %v", got)
	}
}

func TestAMatchHasTheFieldsOfTheCommandLine(t *testing.T) {
	got, err := json.Marshal(match("Storage.WestEurope", servicetag.ServiceTag, "52.239.140.0/22", "westeurope", "AzureStorage"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"name":"Storage.WestEurope","kind":"serviceTag","prefix":"52.239.140.0/22","region":"westeurope","service":"AzureStorage"}`
	if string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestNearestNamesAreLikelyMisspellings(t *testing.T) {
	x := servicetag.New(small, ranges)
	for _, tt := range []struct {
		name string
		n    int
		want []string
	}{
		{"Storge", 3, []string{"Storage"}},
		{"storage.westeurop", 2, []string{"Storage.WestEurope", "Storage.NorthEurope"}},
		{"Storage.WestEurope", 1, []string{"Storage.WestEurope"}},
		{"europwest", 5, []string{"europewest"}},
		{"westeurop", 5, []string{"westeurope"}},
		{"NoSuchThingAtAll", 3, nil},
		{"Storge", 0, nil},
		{"Storge", -1, nil},
		{"", 3, nil},
	} {
		if diff := cmp.Diff(tt.want, x.Nearest(tt.name, tt.n), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q: %s", tt.name, diff)
		}
	}
}

func TestTagsAreListedByRegionAndService(t *testing.T) {
	x := servicetag.New(small, ranges)
	for _, tt := range []struct {
		region, service string
		want            []string
	}{
		{"westeurope", "", []string{"Storage.WestEurope", "AzureCloud.westeurope"}},
		{"europewest", "AzureStorage", []string{"Storage.WestEurope"}},
		{"West Europe", "azurecloud", []string{"AzureCloud.westeurope"}},
		{"", "Storage", []string{"Storage", "Storage.WestEurope", "Storage.NorthEurope", "Storage.CentralFrance"}},
		{"", "azurestorage", []string{"Storage", "Storage.WestEurope", "Storage.NorthEurope", "Storage.CentralFrance"}},
		{"francecentral", "", []string{"Storage.CentralFrance"}},
		{"centralfrance", "", []string{"Storage.CentralFrance"}},
		{"", "AzureFrontDoor.Backend", []string{"AzureFrontDoor.Backend"}},
		{"marsnorth", "", nil},
		{"", "nothing", nil},
	} {
		var got []string
		for _, tag := range x.Tags(tt.region, tt.service) {
			got = append(got, tag.Name)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q %q: %s", tt.region, tt.service, diff)
		}
	}
	if n := len(x.Tags("", "")); n != len(small.Tags) {
		t.Errorf("%d tags in all", n)
	}
}

func TestDiffNamesThePrefixesGainedAndLost(t *testing.T) {
	list := func(s ...string) []netip.Prefix { return tag("", "", "", s...).Prefixes.Slice() }
	old := catalogue(
		tag("Same", "", "", "1.0.0.0/24", "2.0.0.0/24"),
		tag("Moved", "", "", "1.0.0.0/24", "3.0.0.0/24", "3.0.0.0/24"),
		tag("Storage.centralfrance", "", "", "4.0.0.0/24"),
		tag("Gone", "", "", "6.0.0.0/24", "5.0.0.0/24"),
	)
	now := catalogue(
		tag("New", "", "", "2001:db8::/32", "7.0.0.0/24", "7.0.0.0/24"),
		tag("moved", "", "", "3.0.0.0/25", "1.0.0.0/24", "2001:db8::/32"),
		tag("Same", "", "", "2.0.0.0/24", "1.0.0.0/24", "1.0.0.0/24"),
		tag("Storage.FranceCentral", "", "", "4.0.0.0/24"),
	)
	want := []servicetag.Change{
		{Tag: "Gone", Status: servicetag.Removed, Lost: list("5.0.0.0/24", "6.0.0.0/24")},
		{Tag: "moved", Status: servicetag.Changed, Gained: list("3.0.0.0/25", "2001:db8::/32"), Lost: list("3.0.0.0/24")},
		{Tag: "New", Status: servicetag.Added, Gained: list("7.0.0.0/24", "2001:db8::/32")},
	}
	if diff := cmp.Diff(want, servicetag.Diff(old, now), prefixes); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]servicetag.Change(nil), servicetag.Diff(now, now), prefixes); diff != "" {
		t.Error(diff)
	}
	if got := servicetag.Diff(nil, now); len(got) != 4 || got[0].Status != servicetag.Added {
		t.Errorf("from nothing: %v", got)
	}
	if got := servicetag.Diff(now, nil); len(got) != 4 || got[0].Status != servicetag.Removed {
		t.Errorf("to nothing: %v", got)
	}
}

// shared is the path of the shared test data; the test is skipped where there
// is none.
func shared(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(dir, "..", "shared", "data")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the shared test data is not here: %v", err)
	}
	return path
}

func microsofts(t testing.TB, name string) *topology.ServiceTagCatalogue {
	t.Helper()
	r, err := os.Open(filepath.Join(shared(t), "service-tags", name))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	src, err := doctree.Open(name, r, doctree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := tagfile.ReadServiceTags(&source.File{Name: name}, &property.Ledger{}, src, true)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func microsoftsRanges(t testing.TB) *topology.DatacenterRanges {
	t.Helper()
	const name = "PublicIPs_20180129.xml"
	r, err := os.Open(filepath.Join(shared(t), "datacenter-ranges", name))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	d, err := doctree.Read(name, r, doctree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := tagfile.DatacenterRanges(&source.File{Name: name}, &property.Ledger{}, d.Roots[0])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// scan is what Lookup should find, by asking every prefix.
func scan(tags *topology.ServiceTagCatalogue, ranges *topology.DatacenterRanges, addr netip.Addr) []string {
	longest := func(list []netip.Prefix) netip.Prefix {
		var best netip.Prefix
		for _, p := range list {
			if p.Contains(addr) && (!best.IsValid() || p.Bits() > best.Bits()) {
				best = p
			}
		}
		return best
	}
	var out []string
	for _, tag := range tags.Tags {
		if p := longest(tag.Prefixes.Slice()); p.IsValid() {
			out = append(out, tag.Name+" "+p.String())
		}
	}
	for _, r := range ranges.Regions {
		if p := longest(r.Prefixes); p.IsValid() {
			out = append(out, r.Name+" "+p.String())
		}
	}
	slices.Sort(out)
	return out
}

func TestLookupAgreesWithALinearScanOfMicrosoftsFiles(t *testing.T) {
	for _, file := range []string{"ServiceTags_China_20260720.json", "ServiceTags_AzureGovernment_20260720.json", "ServiceTags_AzureGermany_20220307.json", "ServiceTags_Public_20190722.json"} {
		t.Run(file, func(t *testing.T) {
			tags, ranges := microsofts(t, file), microsoftsRanges(t)
			x := servicetag.New(tags, ranges)
			rng := rand.New(rand.NewPCG(1, 2))
			for range 300 {
				tag := tags.Tags[rng.IntN(len(tags.Tags))]
				prefixes := tag.Prefixes.Slice()
				if len(prefixes) == 0 {
					continue
				}
				p := prefixes[rng.IntN(len(prefixes))]
				for _, addr := range []netip.Addr{p.Addr(), p.Addr().Prev(), p.Addr().Next(), within(rng, p)} {
					if !addr.IsValid() {
						continue
					}
					matches := x.Lookup(addr)
					var got []string
					for i, m := range matches {
						got = append(got, m.Name+" "+m.Prefix.String())
						if i > 0 && m.Prefix.Bits() > matches[i-1].Prefix.Bits() {
							t.Errorf("%s: %v after %v", addr, m, matches[i-1])
						}
					}
					slices.Sort(got)
					if diff := cmp.Diff(scan(tags, ranges, addr), got); diff != "" {
						t.Fatalf("%s: %s", addr, diff)
					}
				}
			}
		})
	}
}

// within is a random address of the prefix.
func within(rng *rand.Rand, p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := range b {
		for bit := range 8 {
			if 8*i+bit >= p.Bits() && rng.IntN(2) == 1 {
				b[i] |= 0x80 >> bit
			}
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func TestMicrosoftsPublicFileAnswersTheManualsExample(t *testing.T) {
	if testing.Short() {
		t.Skip("building the address table of the public file takes half a second")
	}
	x := servicetag.New(microsofts(t, "ServiceTags_Public_20251028.json"), microsoftsRanges(t))
	var got []string
	for _, m := range x.Lookup(netip.MustParseAddr("52.239.140.10")) {
		got = append(got, strings.Join([]string{string(m.Kind), m.Name, m.Prefix.String(), m.Region, m.Service}, " "))
	}
	want := []string{
		"serviceTag Storage.WestEurope 52.239.140.0/22 westeurope AzureStorage",
		"serviceTag AzureCloud.westeurope 52.239.140.0/22 westeurope ",
		"serviceTag AzureCloud 52.239.140.0/22  ",
		"datacenterRegion europewest 52.239.140.0/22 westeurope ",
		"serviceTag Storage 52.239.128.0/19  AzureStorage",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, r := range microsoftsRanges(t).Regions {
		byBackend, ok1 := x.Region(r.Name)
		byARM, ok2 := x.Region(r.Location)
		if !ok1 || !ok2 || byBackend != byARM {
			t.Errorf("%s and %s are not the same region", r.Name, r.Location)
		}
	}
	for name, want := range map[string]string{"Storage.germanywestcentral": "Storage.GermanyWestCentral", "AzureCloud.GermanyWestCentral": "AzureCloud.germanywc", "AzureCloud.francecentral": "AzureCloud.centralfrance"} {
		if tag, ok := x.Tag(name); !ok || tag.Name != want {
			t.Errorf("%s: %v", name, tag)
		}
	}
}

func TestTheChangeBetweenTwoFilesTurnsOneIntoTheOther(t *testing.T) {
	old, now := microsofts(t, "ServiceTags_Public_20190722.json"), microsofts(t, "ServiceTags_Public_20251028.json")
	changes := servicetag.Diff(old, now)
	if len(changes) == 0 {
		t.Fatal("no change")
	}
	x, y := servicetag.New(old, nil), servicetag.New(now, nil)
	for _, c := range changes {
		has := map[netip.Prefix]bool{}
		if tag, ok := x.Tag(c.Tag); ok {
			for p := range tag.Prefixes.All() {
				has[p] = true
			}
		}
		for _, p := range c.Lost {
			if !has[p] {
				t.Fatalf("%s lost %s without having it", c.Tag, p)
			}
			delete(has, p)
		}
		for _, p := range c.Gained {
			if has[p] {
				t.Fatalf("%s gained %s twice", c.Tag, p)
			}
			has[p] = true
		}
		want := map[netip.Prefix]bool{}
		if tag, ok := y.Tag(c.Tag); ok {
			for p := range tag.Prefixes.All() {
				want[p] = true
			}
		}
		if len(want) != len(has) {
			t.Fatalf("%s has %d prefixes, want %d", c.Tag, len(has), len(want))
		}
	}
}

func BenchmarkNewAndFindATag(b *testing.B) {
	tags := microsofts(b, "ServiceTags_Public_20251028.json")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := servicetag.New(tags, nil).Tag("Storage.WestEurope"); !ok {
			b.Fatal("not found")
		}
	}
}

func BenchmarkBuildAndLookup(b *testing.B) {
	tags := microsofts(b, "ServiceTags_Public_20251028.json")
	addr := netip.MustParseAddr("52.239.140.10")
	b.Run("build", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			servicetag.New(tags, nil).Lookup(addr)
		}
	})
	b.Run("lookup", func(b *testing.B) {
		x := servicetag.New(tags, nil)
		x.Lookup(addr)
		b.ReportAllocs()
		for b.Loop() {
			x.Lookup(addr)
		}
	})
}

func BenchmarkNearest(b *testing.B) {
	x := servicetag.New(microsofts(b, "ServiceTags_Public_20251028.json"), nil)
	for b.Loop() {
		x.Nearest("Storage.WestEurop", 3)
	}
}
