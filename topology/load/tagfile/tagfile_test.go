package tagfile

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/property"
	"github.com/netpath/netpath/topology/load/source"
	"github.com/netpath/netpath/topology/servicetag"
)

// prefixes compares netip values by ==.
var prefixes = cmp.Options{cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty()}

// shared is the path of a file of the shared test data; the test is skipped
// where there is none.
func shared(t testing.TB, elem ...string) string {
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
	path := filepath.Join(append([]string{dir, "..", "shared", "data"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the shared test data is not here: %v", err)
	}
	return path
}

// read reads a service tag file, straight from its text where that is usual,
// or as trees.
func read(name string, data []byte, asTrees bool) (*topology.ServiceTagCatalogue, *source.File, *property.Ledger, error) {
	f, ledger := &source.File{Name: name}, &property.Ledger{}
	if !asTrees {
		if c, ok := ReadUsual(f, ledger, bytes.NewReader(data), int64(len(data)), Cache{}); ok {
			return c, f, ledger, nil
		}
	}
	src, err := doctree.Open(name, bytes.NewReader(data), doctree.Limits{})
	if err != nil {
		return nil, f, ledger, err
	}
	c, err := ReadServiceTags(f, ledger, src, true)
	return c, f, ledger, err
}

func p(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func l(list ...string) topology.PrefixList { return topology.MakePrefixList(p(list...)...) }

func TestEveryShapeOfATagFileGivesTheSameKindOfCatalogue(t *testing.T) {
	api := []string{"API", "NSG"}
	for _, tt := range []struct {
		name, file, input string
		want              topology.ServiceTagCatalogue
	}{
		{"weekly file of 2019", "ServiceTags_Public_20190722.json", `{
  "changeNumber": 82,
  "cloud": "Public",
  "values": [
    {
      "name": "Storage.WestEurope",
      "id": "Storage.WestEurope",
      "properties": {
        "changeNumber": 3,
        "region": "westeurope",
        "platform": "Azure",
        "systemService": "AzureStorage",
        "addressPrefixes": ["52.239.140.0/22", "52.239.212.0/23"]
      }
    }
  ]
}`, topology.ServiceTagCatalogue{Cloud: "Public", ChangeNumber: 82, Date: time.Date(2019, 7, 22, 0, 0, 0, 0, time.UTC), Tags: []*topology.ServiceTag{
			{Name: "Storage.WestEurope", Region: "westeurope", SystemService: "AzureStorage", ChangeNumber: 3, Prefixes: l("52.239.140.0/22", "52.239.212.0/23"),
				Origin: topology.Origin{Line: 5, Column: 5, Pointer: "/values/0"}}}}},
		{"weekly file of today", "ServiceTags_China_20260720.json", `{"changeNumber":405,"cloud":"China","values":[
{"name":"Sql","id":"Sql","properties":{"changeNumber":1,"region":"","regionId":0,"platform":"Azure","systemService":"AzureSQL","addressPrefixes":["40.72.175.176/30","2404:7940:1:1::5e4/126"],"networkFeatures":["API","NSG"]}},
{"name":"AzureCloud.centralfrance","id":"x","properties":{"changeNumber":2,"region":"centralfrance","regionId":31,"platform":"Azure","systemService":"","addressPrefixes":[],"networkFeatures":null}}]}`,
			topology.ServiceTagCatalogue{Cloud: "China", ChangeNumber: 405, Date: time.Date(2026, 7, 20, 0, 0, 0, 0, time.UTC), Tags: []*topology.ServiceTag{
				{Name: "Sql", SystemService: "AzureSQL", ChangeNumber: 1, NetworkFeatures: api, Prefixes: l("40.72.175.176/30", "2404:7940:1:1::5e4/126"), Origin: topology.Origin{Line: 2, Column: 1, Pointer: "/values/0"}},
				{Name: "AzureCloud.centralfrance", Region: "francecentral", RegionID: 31, ChangeNumber: 2, Origin: topology.Origin{Line: 3, Column: 1, Pointer: "/values/1"}}}}},
		{"az and REST", "tags.json", `{"name":"public","id":"/subscriptions/x/serviceTags/public","type":"Microsoft.Network/serviceTags","changeNumber":"63","cloud":"Public","nextLink":null,
"values":[{"name":"ServiceBus.EastUS2","id":"ServiceBus.EastUS2","properties":{"changeNumber":"1","region":"eastus2","state":"GA","systemService":"AzureServiceBus","addressPrefixes":["13.68.110.36/32"]}}]}`,
			topology.ServiceTagCatalogue{Cloud: "Public", ChangeNumber: 63, Tags: []*topology.ServiceTag{
				{Name: "ServiceBus.EastUS2", Region: "eastus2", SystemService: "AzureServiceBus", ChangeNumber: 1, Prefixes: l("13.68.110.36/32"), Origin: topology.Origin{Line: 2, Column: 11, Pointer: "/values/0"}}}}},
		{"one page of several", "tags.json", `{"values":[],"changeNumber":"63","cloud":"Public","nextLink":"https://management.azure.com/next"}`,
			topology.ServiceTagCatalogue{Cloud: "Public", ChangeNumber: 63, Cut: true}},
		{"Az PowerShell", "tags.json", `{"Name":"Public","Id":"/subscriptions/x","Type":"Microsoft.Network/serviceTags","ChangeNumber":"63","Cloud":"Public",
"Values":[{"Name":"AzureBackup","Id":"AzureBackup","Properties":{"ChangeNumber":"1","Region":"","SystemService":"AzureBackup","AddressPrefixes":"40.74.30.96/28"}}]}`,
			topology.ServiceTagCatalogue{Cloud: "Public", ChangeNumber: 63, Tags: []*topology.ServiceTag{
				{Name: "AzureBackup", SystemService: "AzureBackup", ChangeNumber: 1, Prefixes: l("40.74.30.96/28"), Origin: topology.Origin{Line: 2, Column: 11, Pointer: "/Values/0"}}}}},
		{"a bare list of tags", "tags.json", `[{"name":"A","id":"A","properties":{"systemService":"S","region":"","addressPrefixes":["1.2.3.4"]}}]`,
			topology.ServiceTagCatalogue{Tags: []*topology.ServiceTag{{Name: "A", SystemService: "S", Prefixes: l("1.2.3.4/32"), Origin: topology.Origin{Line: 1, Column: 2, Pointer: "/0"}}}}},
		{"YAML", "tags.yaml", "cloud: Public\nchangeNumber: 7\nvalues:\n- name: A\n  properties: {systemService: S, addressPrefixes: [1.2.3.0/24, '2001:db8::/32']}\n",
			topology.ServiceTagCatalogue{Cloud: "Public", ChangeNumber: 7, Tags: []*topology.ServiceTag{{Name: "A", SystemService: "S", Prefixes: l("1.2.3.0/24", "2001:db8::/32"), Origin: topology.Origin{Line: 4, Column: 3, Pointer: "/values/0"}}}}},
		{"members in another order, with an escape", "t.json", `{"values":[{"properties":{"addressPrefixes":["1.2.3.0\/24"],"systemService":"S"},"name":"A"}],"cloud":"Public","changeNumber":1}`,
			topology.ServiceTagCatalogue{Cloud: "Public", ChangeNumber: 1, Tags: []*topology.ServiceTag{{Name: "A", SystemService: "S", Prefixes: l("1.2.3.0/24"), Origin: topology.Origin{Line: 1, Column: 12, Pointer: "/values/0"}}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Origin.File = tt.file
			for _, tag := range tt.want.Tags {
				tag.Origin.File = tt.file
			}
			var ledgers []property.Ledger
			for _, asTrees := range []bool{false, true} {
				got, _, ledger, err := read(tt.file, []byte(tt.input), asTrees)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(&tt.want, got, prefixes); diff != "" {
					t.Errorf("as trees %v: %s", asTrees, diff)
				}
				if ledger.Used+ledger.Irrelevant+ledger.NotModelled != ledger.Leaves {
					t.Errorf("the ledger does not add up: %+v", ledger)
				}
				ledgers = append(ledgers, *ledger)
			}
			if diff := cmp.Diff(ledgers[0], ledgers[1]); diff != "" {
				t.Error(diff)
			}
			d, err := doctree.Read(tt.file, strings.NewReader(tt.input), doctree.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := ledgers[0].Leaves, d.Roots[0].Leaves(); got != want && len(tt.want.Tags) > 0 {
				t.Errorf("%d leaves counted of %d", got, want)
			}
		})
	}
}

func TestAMalformedTagFileIsRefusedWithItsPlace(t *testing.T) {
	tag := func(name, prefixes string) string {
		return `{"name":"` + name + `","id":"x","properties":{"systemService":"S","addressPrefixes":` + prefixes + `}}`
	}
	file := func(elements ...string) string {
		return `{"changeNumber":1,"cloud":"Public","values":[` + "\n" + strings.Join(elements, ",\n") + `]}`
	}
	for _, tt := range []struct{ name, input, want string }{
		{"82 leading zero", file(tag("A", `["1.2.3.0/24"]`), tag("B", `["1.2.3.0/24","010.0.0.0/8"]`)), `f:3:88 (/values/1/properties/addressPrefixes/1): expected an IP address or CIDR block, found "010.0.0.0/8"; each of the four numbers goes from 0 to 255, without leading zeros`},
		{"83 length", file(tag("A", `["1.2.3.0/33"]`)), `f:2:75 (/values/0/properties/addressPrefixes/0): expected a prefix length from 0 to 32, found "1.2.3.0/33"`},
		{"83 length with a zero", file(tag("A", `["1.0.0.0/08"]`)), `f:2:75 (/values/0/properties/addressPrefixes/0): expected a prefix length from 0 to 32, found "1.0.0.0/08"`},
		{"83 mask", file(tag("A", `["1.0.0.0/255.0.0.0"]`)), `f:2:75 (/values/0/properties/addressPrefixes/0): expected a prefix length from 0 to 32, found "1.0.0.0/255.0.0.0"; write the mask as a prefix length, such as /24`},
		{"84 IPv4 in IPv6", file(tag("A", `["::ffff:10.0.0.0/104"]`)), `f:2:75 (/values/0/properties/addressPrefixes/0): expected an IP address or CIDR block, found "::ffff:10.0.0.0/104"; write the IPv4 address 10.0.0.0 without ::ffff:`},
		{"85 zone", file(tag("A", `["fe80::1%eth0/64"]`)), `f:2:75 (/values/0/properties/addressPrefixes/0): expected an IP address or CIDR block without a zone, found "fe80::1%eth0/64"; remove %eth0`},
		{"87 short", file(tag("A", `["10.0/8"]`)), `f:2:75 (/values/0/properties/addressPrefixes/0): expected an IP address or CIDR block, found "10.0/8"; write all four numbers of the IPv4 address`},
		{"46 null prefix", file(tag("A", `[null]`)), `f:2:75 (/values/0/properties/addressPrefixes/0): expected an IP address or CIDR block, found null`},
		{"46 null prefixes", file(tag("A", `null`)), `f:2:35 (/values/0/properties): expected the list addressPrefixes of a service tag`},
		{"46 no name", file(`{"properties":{"systemService":"S","addressPrefixes":[]}}`), `f:2:1 (/values/0): expected a service tag with a name`},
		{"no properties", file(`{"name":"A"}`), `f:2:1 (/values/0): expected a service tag with a name and properties`},
		{"53 PowerShell depth", file(`"Microsoft.Azure.Commands.Network.Models.PSServiceTagInformation"`), `f:2:1 (/values/0): expected a service tag with a name and properties, found "Microsoft.Azure.Commands.Network.Models.PSServiceTagInformation"; export again with ConvertTo-Json -Depth 100`},
		{"53 PowerShell depth of a list", file(tag("A", `"System.String[]"`)), `f:2:74 (/values/0/properties/addressPrefixes): expected a list, cut off by PowerShell's depth, found "System.String[]"; export again with ConvertTo-Json -Depth 100`},
		{"38 change number", `{"changeNumber":"1e2","cloud":"Public","values":[]}`, `f:1:17 (/changeNumber): expected a change number, a whole number from 0 to 999999999, found "1e2"; write it in plain decimal digits, without leading zeros`},
		{"33 key twice", file(`{"name":"A","name":"B","properties":{"systemService":"S","addressPrefixes":[]}}`), `f:2:13 (/values/0/name): expected each key once (line 2, column 2 has "name"), found "name"; remove one of the two`},
		{"33 key of the properties twice", file(`{"name":"A","properties":{"systemService":"S","addressPrefixes":[],"addressPrefixes":["1.0.0.0/8"]}}`), `f:2:68 (/values/0/properties/addressPrefixes): expected each key once (line 2, column 47 has "addressPrefixes"), found "addressPrefixes"; remove one of the two`},
		{"34 key in two letter cases", file(`{"name":"A","Name":"B","properties":{"systemService":"S","addressPrefixes":[]}}`), `f:2:13 (/values/0/Name): expected keys that differ in more than letter case (line 2, column 2 has "name"), found "Name"; remove one of the two`},
		{"tag twice", file(tag("A", `["1.0.0.0/8"]`), tag("B", `[]`), tag("a", `["2.0.0.0/8"]`)), `f:4:9 (/values/2/name): expected each service tag once (line 2 has it), found "a"; remove one of the two`},
		{"9 cut off", file(tag("A", `["1.0.0.0/8"]`))[:80], `f:2:35 (/values/0/properties): ended early: expected the rest of the JSON; the export was cut off: export it again`},
		{"another document", `{"name":"x"}`, `f:1:1: expected a service tag file, with its tags in the list values; export with az network list-service-tags, or download the weekly file`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, asTrees := range []bool{false, true} {
				c, _, _, err := read("f", []byte(tt.input), asTrees)
				if err == nil {
					t.Fatalf("accepted: %d tags", len(c.Tags))
				}
				if err.Error() != tt.want {
					t.Errorf("as trees %v: got\n%s\nwant\n%s", asTrees, err, tt.want)
				}
				var own *doctree.Error
				if !errors.As(err, &own) {
					t.Errorf("%T", err)
				}
			}
		})
	}
}

func TestHostBitsAreMaskedWithAWarningThatShowsBoth(t *testing.T) {
	c, f, _, err := read("f", []byte(`[{"name":"A","properties":{"systemService":"S","addressPrefixes":["10.0.0.5/8","2001:db8::1/32"]}}]`), false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p("10.0.0.0/8", "2001:db8::/32"), c.Tags[0].Prefixes.Slice(), prefixes); diff != "" {
		t.Error(diff)
	}
	var got []string
	for _, d := range f.Diagnostics {
		got = append(got, string(d.Severity)+" "+d.Origin.Pointer+" "+d.Message)
	}
	want := []string{
		"warning /0/properties/addressPrefixes/0 10.0.0.5/8 has host bits set and is read as 10.0.0.0/8",
		"warning /0/properties/addressPrefixes/1 2001:db8::1/32 has host bits set and is read as 2001:db8::/32",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAPageOfSeveralIsADoubt(t *testing.T) {
	_, f, _, err := read("f", []byte(`{"values":[],"changeNumber":"63","cloud":"Public","nextLink":"https://x/next"}`), false)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Diagnostics) != 2 || f.Diagnostics[0].Severity != source.Doubt || f.Diagnostics[0].Origin.Pointer != "/nextLink" || f.Diagnostics[1].Message != "the list of service tags is empty" {
		t.Errorf("%+v", f.Diagnostics)
	}
}

func TestPropertiesThatNoTagFileHasAreCounted(t *testing.T) {
	_, _, ledger, err := read("f", []byte(`{"cloud":"Public","changeNumber":1,"what":[1,2],"values":[{"name":"A","extra":null,"properties":{"systemService":"S","addressPrefixes":[],"color":"red"}}]}`), false)
	if err != nil {
		t.Fatal(err)
	}
	want := &property.Ledger{Leaves: 9, Used: 5, Irrelevant: 1, NotModelled: 3, Unmodelled: map[string]int{
		"Microsoft.Network/serviceTags: what": 1, "Microsoft.Network/serviceTags: properties.color": 1}}
	if diff := cmp.Diff(want, ledger); diff != "" {
		t.Error(diff)
	}
}

func TestTheContentDecidesWhatATagFileIs(t *testing.T) {
	const tag = `{"name":"A","properties":{"systemService":"S","addressPrefixes":["1.0.0.0/8"]}}`
	for _, tt := range []struct {
		name, input string
		are         bool
	}{
		{"weekly file", `{"changeNumber":1,"cloud":"Public","values":[` + tag + `]}`, true},
		{"empty weekly file", `{"changeNumber":1,"cloud":"Public","values":[]}`, true},
		{"az", `{"changeNumber":"1","cloud":"Public","id":"x","name":"public","type":"Microsoft.Network/serviceTags","values":[` + tag + `]}`, true},
		{"PowerShell", `{"Name":"x","ChangeNumber":"1","Cloud":"Public","Values":[]}`, true},
		{"bare list", `[` + tag + `]`, true},
		{"values alone", `{"values":[` + tag + `]}`, true},
		{"members after the list", `{"values":[],"changeNumber":1,"cloud":"Public"}`, true},
		{"members after a list of tags", `{"values":[{"name":"A","properties":{"addressPrefixes":["x"],"systemService":"S"}}],"cloud":"Public"}`, true},
		{"YAML", "cloud: Public\nchangeNumber: 1\nvalues:\n- name: A\n  properties: {systemService: S, addressPrefixes: []}\n", true},
		{"subnets", `{"value":[{"name":"s","id":"x","properties":{"addressPrefixes":["10.0.0.0/24"]}}]}`, false},
		{"network security groups", `[{"name":"n","properties":{"securityRules":[]}}]`, false},
		{"one tag alone", tag, false},
		{"Terraform's values", `{"format_version":"1.0","values":[{"a":1}]}`, false},
		{"empty list", `[]`, false},
		{"cut off", `{"changeNumber":1,"cloud"`, false},
		{"XML", `<AzurePublicIpAddresses/>`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src, err := doctree.Open("f", strings.NewReader(tt.input), doctree.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			got, asked := false, false
			env, err := src.Each(func(env *doctree.Envelope, n *doctree.Node) error {
				if !asked {
					got, asked = IsServiceTags(env, n), true
				}
				return nil
			})
			if !asked && err == nil {
				got = IsServiceTags(env, nil) // an empty list is judged by its whole envelope
			}
			if got != tt.are {
				t.Errorf("are service tags: %v", got)
			}
		})
	}
}

func TestTheDateIsInTheFilesName(t *testing.T) {
	day := time.Date(2025, 10, 28, 0, 0, 0, 0, time.UTC)
	for name, want := range map[string]time.Time{
		"ServiceTags_Public_20251028.json":              day,
		"dir_20190101/ServiceTags_Public_20251028.json": day,
		`C:\x\ServiceTags_Public_20251028.json.gz`:      day,
		"PublicIPs_20251028.xml":                        day,
		"a_20251028":                                    day,
		"a_20251028_20190101_20251028.json":             day,
		"dir_20251028/tags.json":                        {},
		"ServiceTags_Public_202510281.json":             {},
		"ServiceTags_Public_20251328.json":              {},
		"ServiceTags_Public_20251028b.json":             {},
		"ServiceTags20251028.json":                      {},
		"":                                              {},
	} {
		if got := Date(name); !got.Equal(want) {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

func readRanges(t *testing.T, name, text string) (*topology.DatacenterRanges, *source.File, *property.Ledger, error) {
	t.Helper()
	d, err := doctree.Read(name, strings.NewReader(text), doctree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f, ledger := &source.File{Name: name}, &property.Ledger{}
	r, err := DatacenterRanges(f, ledger, d.Roots[0])
	return r, f, ledger, err
}

func TestDatacenterRangesKnowBothNamesOfARegion(t *testing.T) {
	got, f, ledger, err := readRanges(t, "PublicIPs_20180129.xml", `<?xml version="1.0" encoding="utf-8"?>
<AzurePublicIpAddresses xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <Region Name="europewest">
    <IpRange Subnet="13.69.0.0/17" /><IpRange Subnet="13.73.128.0/18" />
  </Region>
  <Region Name="marsnorth"><IpRange Subnet="13.74.0.1/16" Note="x" /></Region>
</AzurePublicIpAddresses>`)
	if err != nil {
		t.Fatal(err)
	}
	at := func(line int, pointer string) topology.Origin {
		return topology.Origin{File: "PublicIPs_20180129.xml", Line: line, Column: 3, Pointer: "/AzurePublicIpAddresses/" + pointer}
	}
	want := &topology.DatacenterRanges{
		Origin: topology.Origin{File: "PublicIPs_20180129.xml"}, Date: time.Date(2018, 1, 29, 0, 0, 0, 0, time.UTC),
		Regions: []*topology.DatacenterRegion{
			{Name: "europewest", Location: "westeurope", Prefixes: p("13.69.0.0/17", "13.73.128.0/18"), Origin: at(3, "Region[1]")},
			{Name: "marsnorth", Prefixes: p("13.74.0.0/16"), Origin: at(6, "Region[2]")},
		}}
	if diff := cmp.Diff(want, got, prefixes); diff != "" {
		t.Error(diff)
	}
	var messages []string
	for _, d := range f.Diagnostics {
		messages = append(messages, d.Origin.Pointer+" "+d.Message)
	}
	if diff := cmp.Diff([]string{
		"/AzurePublicIpAddresses/Region[2]/IpRange[1]/@Subnet 13.74.0.1/16 has host bits set and is read as 13.74.0.0/16",
		`/AzurePublicIpAddresses/Region[2]/@Name the region "marsnorth" is not known: its ARM name is not either`,
	}, messages); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&property.Ledger{Leaves: 6, Used: 5, NotModelled: 1, Unmodelled: map[string]int{"AzurePublicIpAddresses: Region.IpRange.@Note": 1}}, ledger); diff != "" {
		t.Error(diff)
	}
}

func TestMalformedDatacenterRangesAreRefusedWithTheirPlace(t *testing.T) {
	for _, tt := range []struct{ name, input, want string }{
		{"another root", `<a/>`, `f:1:1: expected the root element AzurePublicIpAddresses; download the Azure Datacenter IP Ranges`},
		{"prefix", "<AzurePublicIpAddresses>\n<Region Name='uswest'>\n<IpRange Subnet='13.0.0.0/33'/></Region></AzurePublicIpAddresses>", `f:3:1 (/AzurePublicIpAddresses/Region[1]/IpRange[1]/@Subnet): expected a prefix length from 0 to 32, found "13.0.0.0/33"`},
		{"no subnet", "<AzurePublicIpAddresses><Region Name='uswest'>\n<IpRange/></Region></AzurePublicIpAddresses>", `f:2:1 (/AzurePublicIpAddresses/Region[1]/IpRange[1]): expected an IpRange with a Subnet`},
		{"no name", "<AzurePublicIpAddresses>\n<Region><IpRange Subnet='13.0.0.0/8'/></Region></AzurePublicIpAddresses>", `f:2:1 (/AzurePublicIpAddresses/Region[1]): expected a region with a Name`},
		{"74 region twice", "<AzurePublicIpAddresses>\n<Region Name='uswest'/>\n<Region Name='uswest'/></AzurePublicIpAddresses>", `f:3:1 (/AzurePublicIpAddresses/Region[2]/@Name): expected each region once (line 2 has it), found "uswest"; remove one of the two`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, _, err := readRanges(t, "f", tt.input)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
}

func TestMicrosoftsTagFilesAreReadTheSameWayWithAndWithoutTrees(t *testing.T) {
	for _, tt := range []struct {
		file             string
		cloud            string
		change           int
		tags, prefixes   int
		unique, addr6    int
		withoutPrefixes  int
		regionsUnheardOf []string
	}{
		{"ServiceTags_Public_20251028.json", "Public", 375, 3039, 93362, 52340, 24429, 0, []string{"brazilne"}},
		{"ServiceTags_Public_20190722.json", "Public", 82, 756, 14574, 7489, 0, 4, []string{"brazilne", "easteurope", "koreas2", "uknorth", "uksouth2"}},
		{"ServiceTags_AzureGermany_20220307.json", "AzureGermany", 193, 79, 372, 201, 10, 0, nil},
		{"ServiceTags_AzureGovernment_20260720.json", "AzureGovernment", 402, 299, 6591, 3799, 1732, 0, nil},
		{"ServiceTags_China_20260720.json", "China", 405, 327, 4390, 2484, 1276, 0, nil},
	} {
		t.Run(tt.file, func(t *testing.T) {
			name := shared(t, "service-tags", tt.file)
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			c, f, ledger, err := read(name, data, false)
			if err != nil {
				t.Fatal(err)
			}
			slow, _, slowLedger, err := read(name, data, true)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(slow, c, prefixes); diff != "" {
				t.Fatal(diff)
			}
			if diff := cmp.Diff(slowLedger, ledger); diff != "" {
				t.Error(diff)
			}
			if ledger.NotModelled != 0 || len(f.Diagnostics) != 0 {
				t.Errorf("%+v %+v", ledger, f.Diagnostics)
			}
			if c.Cloud != tt.cloud || c.ChangeNumber != tt.change || len(c.Tags) != tt.tags || c.Date.IsZero() || c.Cut {
				t.Errorf("cloud %s, change %d, %d tags, %v", c.Cloud, c.ChangeNumber, len(c.Tags), c.Date)
			}
			entries, v6, empty := 0, 0, 0
			unique := map[netip.Prefix]bool{}
			unheard := map[string]bool{}
			for _, tag := range c.Tags {
				entries += tag.Prefixes.Len()
				if tag.Prefixes == "" {
					empty++
				}
				for p := range tag.Prefixes.All() {
					unique[p] = true
					if p.Addr().Is6() {
						v6++
					}
				}
				if _, known := servicetag.Location(tag.Region); tag.Region != "" && !known {
					unheard[tag.Region] = true
				}
			}
			if entries != tt.prefixes || len(unique) != tt.unique || v6 != tt.addr6 || empty != tt.withoutPrefixes {
				t.Errorf("%d prefixes, %d unique, %d IPv6, %d tags without", entries, len(unique), v6, empty)
			}
			for _, r := range tt.regionsUnheardOf {
				delete(unheard, r)
			}
			if len(unheard) > 0 {
				t.Errorf("regions without an ARM name: %v", unheard)
			}
		})
	}
}

func TestMicrosoftsDatacenterRangesHaveThirtyKnownRegions(t *testing.T) {
	name := shared(t, "datacenter-ranges", "PublicIPs_20180129.xml")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	r, f, _, err := readRanges(t, name, string(data))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, region := range r.Regions {
		n += len(region.Prefixes)
		if region.Location == "" {
			t.Errorf("%s has no ARM name", region.Name)
		}
	}
	if len(r.Regions) != 30 || n != 2009 || len(f.Diagnostics) != 0 {
		t.Errorf("%d regions, %d ranges, %v", len(r.Regions), n, f.Diagnostics)
	}
}

func FuzzUsualPrefixAgreesWithNetip(f *testing.F) {
	for _, s := range []string{"10.0.0.0/8", "0.0.0.0/0", "255.255.255.255/32", "10.0.0.1/8", "010.0.0.0/8", "1.2.3/24", "2001:db8::/32", "::ffff:1.2.3.0/120", "1.2.3.4", "10.0.0.0/A", "10.0.0.0/8 ", "10.0.0.0/", "1.0000.0.0/8", "1.256.0.0/16", "::/0", "1::/16", "1:2:3:4:5:6:7::/112", "1:2:3:4:5:6:7:8/128", "1::2::3/64", ":1::/16", "1:2:/32", "2001:DB8::/32", "12345::/16", "256.0.0.0/8", "1.0.0.0/33", "1.0.0.0/032"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Contains(s, "\"") {
			return
		}
		if len(s) >= longestCIDR {
			return
		}
		var text [longestCIDR]byte
		copy(text[:], s+`"`)
		got, n, ok := appendPrefix(nil, &text)
		want, err := netip.ParsePrefix(s)
		usual := err == nil && want == want.Masked() && !want.Addr().Is4In6()
		if addr, _, _ := strings.Cut(s, "/"); strings.Contains(addr, ":") && strings.Contains(addr, ".") {
			usual = false // an IPv6 address with a dotted part is left to the strict reader
		}
		if ok != usual || ok && (n != len(s) || topology.PrefixList(got) != topology.MakePrefixList(want)) {
			t.Errorf("%q: %v %v, netip says %v %v", s, topology.PrefixList(got).Slice(), ok, want, err)
		}
	})
}

func FuzzTextAndTreesAgree(f *testing.F) {
	f.Add([]byte(`{"changeNumber":1,"cloud":"Public","values":[{"name":"A","id":"A","properties":{"changeNumber":1,"region":"westeurope","regionId":1,"platform":"Azure","systemService":"S","addressPrefixes":["1.0.0.0/8","2001:db8::/32"],"networkFeatures":["API"]}}]}`))
	f.Add([]byte(`[{"name":"A","properties":{"systemService":"S","addressPrefixes":["1.0.0.5/8"],"networkFeatures":null,"state":"GA"}},{"name":"a"}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		fast, f1, l1, err1 := read("f", data, false)
		slow, f2, l2, err2 := read("f", data, true)
		if (err1 == nil) != (err2 == nil) || err1 != nil && err1.Error() != err2.Error() {
			t.Fatalf("text: %v\ntrees: %v", err1, err2)
		}
		if err1 != nil {
			return
		}
		if diff := cmp.Diff(slow, fast, prefixes); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(f2.Diagnostics, f1.Diagnostics); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(l2, l1); diff != "" {
			t.Error(diff)
		}
	})
}

func BenchmarkReadPublicTagFile(b *testing.B) {
	name := shared(b, "service-tags", "ServiceTags_Public_20251028.json")
	for _, asTrees := range []bool{false, true} {
		b.Run(map[bool]string{false: "text", true: "trees"}[asTrees], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				data, err := os.ReadFile(name)
				if err != nil {
					b.Fatal(err)
				}
				if _, _, _, err := read(name, data, asTrees); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
