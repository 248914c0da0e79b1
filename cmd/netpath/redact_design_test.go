//go:build unix

package main

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/internal/redact"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load"
	"github.com/netpath/netpath/topology/load/design"
)

const designOfWords = `
apiVersion: netpath/v1
virtualNetworks:
  - name: hub
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: gate, defaultOutboundAccess: false, serviceEndpoints: [Microsoft.Storage, Microsoft.Sql]}
      - {name: instances, addressPrefix: 10.0.2.0/24, delegations: [Microsoft.Sql/managedInstances]}
      - {name: plain, addressPrefix: 10.0.3.0/24, defaultOutboundAccess: false}
networkSecurityGroups:
  - name: gate
    securityRules: [{name: d, priority: 100, direction: Inbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "*"}]
networkManagerAdminRules:
  - {name: aa, virtualNetworks: [hub], priority: 10, direction: Inbound, access: AlwaysAllow, protocol: Tcp, sources: ["*"], destinations: ["*"], sourcePortRanges: ["*"], destinationPortRanges: ["22"]}
virtualMachines:
  - {name: one, networkInterfaces: [{name: onen, subnet: hub/app, privateIPAddress: 10.0.1.4}]}
  - {name: two, networkInterfaces: [{name: twon, subnet: hub/plain, privateIPAddress: 10.0.3.4}]}
`

const tagsOfWords = `{"changeNumber": 1, "cloud": "Public", "values": [{"name": "Storage.WestEurope", "id": "Storage.WestEurope",
"properties": {"changeNumber": 1, "region": "westeurope", "regionId": 18, "platform": "Azure", "systemService": "AzureStorage", "addressPrefixes": ["20.60.26.0/24"], "networkFeatures": ["API", "NSG", "UDR", "FW", "VSE"]}},
{"name": "Storage", "id": "Storage", "properties": {"changeNumber": 1, "region": "", "regionId": 0, "platform": "Azure", "systemService": "AzureStorage", "addressPrefixes": ["20.60.26.0/24"], "networkFeatures": ["API", "NSG", "UDR", "FW", "VSE"]}}]}`

// What a subnet is delegated to and the services that it has endpoints for
// decide verdicts: a redacted design file keeps them.
func TestARedactedDesignFileGivesTheSameVerdicts(t *testing.T) {
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	for name, text := range map[string]string{"design.yaml": designOfWords, "ServiceTags_Public_20261123.json": tagsOfWords} {
		if err := os.WriteFile(filepath.Join(in, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, r, err := redactEstate(context.Background(), out, []string{in}, []byte("k"))
	if err != nil {
		t.Fatal(err)
	}
	open := func(dir string) *sim.Simulator {
		res, err := load.Estate(context.Background(), []string{dir}, load.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := sim.New(res.Network, sim.Options{AsOf: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	before, after := open(in), open(out)
	ask := func(s *sim.Simulator, from, to string, port uint16) string {
		a, err := s.Trace(sim.TraceQuestion{From: from, To: to, Protocol: topology.TCP, Port: port})
		if err != nil {
			t.Fatal(err)
		}
		return a.Verdict.String() + " " + string(a.Code)
	}
	seen := map[string]bool{}
	for _, q := range []struct {
		from, to string
		port     uint16
	}{{"two", "one", 22}, {"two", "one", 80}, {"one", "two", 22}, {"one", "20.60.26.10", 443}, {"two", "20.60.26.10", 443}} {
		to := q.to
		if to == "one" || to == "two" {
			to = r.Name(to)
		}
		x, y := ask(before, q.from, q.to, q.port), ask(after, r.Name(q.from), to, q.port)
		if x != y {
			t.Errorf("%s to %s:%d was %s, redacted it is %s", q.from, q.to, q.port, x, y)
		}
		seen[x] = true
	}
	if len(seen) < 3 {
		t.Errorf("all answers are alike: %v", seen)
	}
}

// Every text of a design file is kept, or is one of those that belong to its
// owner: a new field is to be put on one of the two sides.
func TestRedactedDesignFilesKeepTheWordsOfAzure(t *testing.T) {
	owners := strings.Fields("description fqdn host hostName allowHosts id name resourceGroup ipAddress targetResource targetUrls " +
		"targetFqdns destinationFqdns translatedFqdn localSubnetNames remoteSubnetNames " +
		"publicIpAddresses publicIPAddresses publicIpPrefixes publicIPAddress ipAddresses frontend backend storageAccount")
	r := redact.New([]byte("k"), redact.NewAddresses([]byte("k"), nil))
	met := map[string]bool{}
	var walk func(reflect.Type)
	walk = func(x reflect.Type) {
		for x.Kind() == reflect.Slice || x.Kind() == reflect.Pointer {
			x = x.Elem()
		}
		if x.Kind() != reflect.Struct || met[x.String()] || !strings.HasPrefix(x.String(), "design.") {
			return
		}
		met[x.String()] = true
		for i := range x.NumField() {
			f := x.Field(i)
			key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch f.Type {
			case reflect.TypeFor[design.Text](), reflect.TypeFor[design.Texts](), reflect.TypeFor[design.Ports](), reflect.TypeFor[design.Matches](), reflect.TypeFor[design.Match](),
				reflect.TypeFor[design.Number](), reflect.TypeFor[design.Quantity]():
			default:
				walk(f.Type)
				continue
			}
			n := &doctree.Node{Kind: doctree.Object, Members: []doctree.Member{{Key: key, Value: &doctree.Node{Kind: doctree.String, Text: "Microsoft.Word/kind"}}}}
			text, err := r.Document(n)
			if err != nil {
				t.Fatal(err)
			}
			if kept := strings.Contains(string(text), "Microsoft.Word/kind"); kept == slices.Contains(owners, key) {
				t.Errorf("%s of %s: kept %v", key, x, kept)
			}
		}
	}
	walk(reflect.TypeFor[design.File]())
	if len(met) < 20 {
		t.Errorf("only %d kinds of elements were met", len(met))
	}
}
