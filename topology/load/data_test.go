package load_test

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology/load"
)

// TestSharedDataLoads loads each file of the shared data alone: it loads, or
// it is refused by the name of what it is.
func TestSharedDataLoads(t *testing.T) {
	dir := dataDir(t)
	refusals := []struct{ path, want string }{
		{"arm-templates/*/azuredeploy.json", "found an ARM template, which is not read yet"},
		{"arm-templates/*/azuredeploy.parameters.json", "found the parameters of an ARM template"},
		{"terraform-plans/*.json", "found a Terraform plan, which is not read yet"},
		{"flow-logs/nsg-*.json", "found an NSG flow log, which is not read yet"},
		{"flow-logs/vnet-*.json", "found a virtual network flow log, which is not read yet"},
		// Not state, but what was recorded about it.
		{"azure-answers/cases.json", "expected a resource with a type, an id or the properties of one"},
		{"azure-recorded/SOURCES.json", "expected a resource with a type, an id or the properties of one"},
		// Made by hand: a rule with priority 5, and one object with two ids.
		{"batfish-azure/test-nsg/nsg-subnet2.json", "expected a priority, a whole number from 100 to 4096, found 5"},
		{"batfish-azure/test-nsg/nsg-vm2.json", "expected a priority, a whole number from 100 to 4096, found 5"},
		{"batfish-azure/test-subnet/vnet.json", "expected each key once"},
		// Examples of the API that are no resources, or whose subnets overlap.
		{"rest-examples/*Delete.json", "expected an example with a response body, found none"},
		{"rest-examples/NetworkWatcherIpFlowVerify.json", "found an answer of IP flow verify"},
		{"rest-examples/NetworkWatcherNextHopGet.json", "found an answer of next hop"},
		{"rest-examples/NetworkWatcherTopologyGet.json", "found a topology of Network Watcher"},
		{"rest-examples/VirtualNetworkListUsage.json", "found usage figures"},
		{"rest-examples/SubnetList.json", "expected subnets that do not overlap"},
	}
	loaded, refused, dialects := 0, 0, map[string]int{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(p) == ".md" {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		want := ""
		for _, r := range refusals {
			if ok, _ := filepath.Match(r.path, rel); ok {
				want = r.want
			}
		}
		res, loadErr := load.Estate(context.Background(), []string{p}, load.Options{})
		switch {
		case want != "":
			refused++
			var de *doctree.Error
			if !errors.As(loadErr, &de) || !strings.Contains(de.Error(), want) || de.File != p {
				t.Errorf("%s: not refused with %q: %v", rel, want, loadErr)
			}
		case loadErr != nil:
			t.Errorf("%s: %v", rel, loadErr)
		default:
			loaded++
			sums(t, res)
			dialects[res.Inputs[0].Dialect]++
			if res.Inputs[0].Elements == 0 || res.Ledger.Used == 0 && !strings.Contains(rel, "RouteFilter") {
				t.Errorf("%s: %+v, ledger %+v", rel, res.Inputs[0], res.Ledger)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files load, %d are refused by name; %v", loaded, refused, dialects)
	if loaded < 100 || dialects["service tags"] != 5 || dialects["datacenter ranges"] != 1 || dialects["ARM REST"] < 40 || dialects["REST API example"] < 40 {
		t.Errorf("%d files load: %v", loaded, dialects)
	}
}

// TestSharedEstatesLoadWhole loads the folders that are estates.
func TestSharedEstatesLoadWhole(t *testing.T) {
	dir := dataDir(t)
	for folder, want := range map[string]int{"batfish-azure/cloud-azure": 11, "batfish-azure/test-nat-gateway": 8, "batfish-azure/test-vnet": 5} {
		res, err := load.Estate(context.Background(), []string{filepath.Join(dir, folder)}, load.Options{})
		if err != nil {
			t.Errorf("%s: %v", folder, err)
			continue
		}
		sums(t, res)
		if n := len(everything(res.Network)); n != want {
			t.Errorf("%s: %d resources, not %d", folder, n, want)
		}
	}
	recorded, err := filepath.Glob(filepath.Join(dir, "azure-recorded", "[a-z]*.json"))
	if err != nil || len(recorded) != 6 {
		t.Fatalf("%v %v", recorded, err)
	}
	paths := append(recorded, filepath.Join(dir, "service-tags", "ServiceTags_Public_20251028.json"), filepath.Join(dir, "datacenter-ranges", "PublicIPs_20180129.xml"))
	res, err := load.Estate(context.Background(), paths, load.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sums(t, res)
	if n := res.Network; len(n.NetworkSecurityGroups) != 21 || len(n.VirtualNetworks) < 57 || len(n.ServiceTags.Tags) != 3039 || len(n.DatacenterRanges.Regions) != 30 {
		t.Errorf("%d groups, %d networks, %d tags", len(n.NetworkSecurityGroups), len(n.VirtualNetworks), len(n.ServiceTags.Tags))
	}
}

func TestOneServiceTagFileForAnEstate(t *testing.T) {
	const a = `{"changeNumber": 1, "cloud": "Public", "values": [{"name": "T", "id": "T", "properties": {"changeNumber": 1, "region": "", "platform": "Azure", "systemService": "", "addressPrefixes": ["10.0.0.0/8"]}}]}`
	b := strings.ReplaceAll(a, `"changeNumber": 1`, `"changeNumber": 2`)
	if res := estate(t, map[string]string{"a.json": a, "b.json": strings.ReplaceAll(a, " ", "")}); res.Network.ServiceTags.ChangeNumber != 1 {
		t.Errorf("%+v", res.Network.ServiceTags)
	}
	got := refused(t, map[string]string{"a.json": a, "b.json": b})
	if !strings.Contains(got, "expected one service tag file for an estate, found this one and") || !strings.Contains(got, "a.json") || !strings.HasPrefix(got, "b.json") {
		t.Error(got)
	}
	const xml = `<AzurePublicIpAddresses><Region Name="europewest"><IpRange Subnet="13.69.0.0/17"/></Region></AzurePublicIpAddresses>`
	if res := estate(t, map[string]string{"a.xml": xml, "b.xml": "\n" + xml}); len(res.Network.DatacenterRanges.Regions) != 1 {
		t.Errorf("%+v", res.Network.DatacenterRanges)
	}
	if got := refused(t, map[string]string{"a.xml": xml, "b.xml": strings.Replace(xml, "/17", "/18", 1)}); !strings.Contains(got, "expected one file of datacenter ranges") {
		t.Error(got)
	}
	late := `{"values": [{"properties": {"systemService": "", "region": "", "changeNumber": 1, "addressPrefixes": ["10.0.0.0/8"]}, "name": "T"}], "cloud": "Public", "changeNumber": 1}`
	if res := estate(t, map[string]string{"a.json": late}); res.Network.ServiceTags == nil || len(res.Network.ServiceTags.Tags) != 1 || res.Inputs[0].Dialect != "service tags" {
		t.Errorf("%+v", res.Network.ServiceTags)
	}
	dir := files(t, map[string]string{"a.json": a, "nsg.json": group(rule())})
	res, err := load.Estate(context.Background(), []string{filepath.Join(dir, "nsg.json")}, load.Options{ServiceTags: []string{filepath.Join(dir, "a.json")}})
	if err != nil || res.Network.ServiceTags == nil {
		t.Errorf("%v", err)
	}
	if _, err := load.Estate(context.Background(), nil, load.Options{ServiceTags: []string{filepath.Join(dir, "nsg.json")}}); err == nil {
		t.Error("a group is read as a service tag file")
	}
	if _, err := load.Estate(context.Background(), nil, load.Options{DatacenterRanges: []string{filepath.Join(dir, "a.json")}}); err == nil {
		t.Error("a service tag file is read as datacenter ranges")
	}
}
