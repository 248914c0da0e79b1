package lint

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/netpath/netpath/topology"
)

func TestAddressesOfAServiceAreFound(t *testing.T) {
	for _, tt := range []struct {
		name, destination, want string
	}{
		{"all in a tag", "20.60.26.0/24", "note rule \"r0\" (Outbound, 100, Allow) lists addresses of a service, 20.60.26.0/24 in Storage.WestEurope of"},
		{"in two regions: the tag of both", "20.60.26.0/24, 20.60.40.0/24", "20.60.26.0/24, 20.60.40.0/24 in Storage of"},
		{"of two services: a rule for each", "20.60.26.0/24, 40.74.30.96/28", "in AzureBackup; 20.60.26.0/24 in Storage.WestEurope of"},
		{"some left the tag", "20.60.26.0/24, 20.60.27.0/24, 20.60.30.0/24", "warning rule \"r0\" (Outbound, 100, Allow) lists 2 blocks of Storage.WestEurope, and 20.60.30.0/24, which is in no tag"},
		{"half of a block", "20.60.24.0/22, 198.51.100.0/24", "20.60.24.0/22, of which only a part is in the service tag Storage"},
		{"a wide block that holds a bit of a service", "20.0.0.0/8", ""},
		{"no service's", "203.0.113.0/24, 198.51.100.0/24", ""},
		{"private", "10.0.0.0/8", ""},
		{"a service and others, which left nothing", "20.60.26.0/24, 203.0.113.0/24, 198.51.100.0/24", "note "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var want []string
			if tt.want != "" {
				want = []string{tt.want}
			}
			expect(t, design(t, "NP1105", outbound(tt.destination)), want...)
		})
	}
}

func TestWhatIsBesideItsTagIsSaidOnce(t *testing.T) {
	expect(t, design(t, "NP1105", outbound("Storage", "20.60.26.0/24")))
}

func TestBlocksThatWereAzuresAndAreInNoTagAreFound(t *testing.T) {
	files := map[string]string{
		"d.yaml": "apiVersion: netpath/v1\n" + outbound("23.100.0.0/20, 20.60.26.0/24"), "ServiceTags_Public_20251028.json": exampleTags,
		"PublicIPs_20180129.xml": `<?xml version="1.0" encoding="utf-8"?><AzurePublicIpAddresses><Region Name="europewest"><IpRange Subnet="23.100.0.0/20" /><IpRange Subnet="20.60.0.0/16" /></Region></AzurePublicIpAddresses>`,
	}
	expect(t, texts(linted(t, files, Options{Only: []string{"NP1105"}})), "warning rule \"r0\" (Outbound, 100, Allow) lists 23.100.0.0/20, which the datacenter ranges of 2018-01-29 give to Azure and no tag")
}

func TestAListOfDatacenterRangesIsToldFromAService(t *testing.T) {
	tags := strings.Replace(exampleTags, `"values": [`, `"values": [
 {"name": "AzureCloud.westeurope", "properties": {"changeNumber": 1, "region": "westeurope", "systemService": "", "networkFeatures": ["API", "NSG"], "addressPrefixes": ["13.69.0.0/16", "20.60.26.0/23"]}},`, 1)
	files := map[string]string{"d.yaml": "apiVersion: netpath/v1\n" + outbound("13.69.0.0/24, 13.69.1.0/24, 13.69.2.0/24, 20.60.26.0/24"), "ServiceTags_Public_20251028.json": tags}
	expect(t, texts(linted(t, files, Options{Only: []string{"NP1105"}})), "note rule \"r0\" (Outbound, 100, Allow) lists the addresses of datacenters, 4 of its 4 blocks in AzureCloud.westeurope")
}

func TestATagThatSaysMoreIsNamedFirst(t *testing.T) {
	small := &topology.ServiceTag{Name: "B", NetworkFeatures: []string{"NSG"}, Prefixes: topology.MakePrefixList(netip.MustParsePrefix("20.0.0.0/24"))}
	large := &topology.ServiceTag{Name: "A", NetworkFeatures: []string{"NSG"}, Prefixes: topology.MakePrefixList(netip.MustParsePrefix("20.0.0.0/24"), netip.MustParsePrefix("20.1.0.0/24"))}
	mute := &topology.ServiceTag{Name: "C", Prefixes: small.Prefixes}
	twin := &topology.ServiceTag{Name: "D", NetworkFeatures: []string{"NSG"}, Prefixes: small.Prefixes}
	for _, tt := range []struct {
		a, b *topology.ServiceTag
		n, m int
		want bool
	}{{small, large, 1, 1, true}, {large, small, 1, 1, false}, {large, small, 2, 1, true}, {mute, small, 1, 1, false}, {small, mute, 1, 1, true}, {small, twin, 1, 1, true}, {twin, small, 1, 1, false}} {
		if got := better(tt.a, tt.n, tt.b, tt.m); got != tt.want {
			t.Errorf("%s with %d is better than %s with %d: %t", tt.a.Name, tt.n, tt.b.Name, tt.m, got)
		}
	}
}

func TestALongListIsCutToFour(t *testing.T) {
	if got := strings.Join(few4([]string{"a", "b", "c", "d", "e", "f"}), " "); got != "a b c d 2 more" {
		t.Errorf("it is %q", got)
	}
}

func TestRoutesToAddressesOfAServiceAreFoundByNextHop(t *testing.T) {
	expect(t, design(t, "NP1105", `routeTables:
  - name: rt
    routes:
      - {name: a, addressPrefix: 20.60.26.0/24, nextHopType: Internet}
      - {name: b, addressPrefix: 20.60.40.0/24, nextHopType: Internet}
      - {name: c, addressPrefix: 40.74.30.96/28, nextHopType: None}
      - {name: d, addressPrefix: 10.1.0.0/16, nextHopType: None}
`), "note 2 routes of rt to Internet list addresses of a service, 20.60.26.0/24, 20.60.40.0/24 in Storage of", "note route \"c\" is for addresses of a service, 40.74.30.96/28 in AzureBackup of")
	expect(t, design(t, "NP1105", `routeTables:
  - name: rt
    routes:
      - {name: tag, addressPrefix: Storage, nextHopType: Internet}
      - {name: a, addressPrefix: 20.60.26.0/24, nextHopType: Internet}
`))
}
