package load_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load"
)

// FuzzEstate feeds the loader anything: it loads or refuses, never panics, and
// what loads keeps its promises.
func FuzzEstate(f *testing.F) {
	for _, seed := range []string{
		group(rule()), restEstate, wholeDesign, defaults(nil), exported, `[]`, `{}`, `{"value": [], "nextLink": "x"}`,
		vnet("v", `"10.0.0.0/16"`, ""), nicJSON("n", "10.0.0.4", "v/subnets/s", ""),
		"apiVersion: netpath/v1\nvirtualMachines: [{name: a, networkInterfaces: [b]}]\n",
		`{"changeNumber": 1, "cloud": "Public", "values": [{"name": "T", "properties": {"changeNumber": 1, "systemService": "", "addressPrefixes": ["10.0.0.0/8"]}}]}`,
		`<AzurePublicIpAddresses><Region Name="europewest"><IpRange Subnet="10.0.0.0/8"/></Region></AzurePublicIpAddresses>`,
		`{"parameters": {}, "responses": {"200": {"body": {"value": [` + group(rule()) + `]}}}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		opt := load.Options{Stdin: strings.NewReader(text), Limits: doctree.Limits{FileBytes: 1 << 20, UnpackedBytes: 1 << 20, Nodes: 100_000}}
		res, err := load.Estate(context.Background(), []string{"-"}, opt)
		if err != nil {
			var de *doctree.Error
			if !errors.As(err, &de) {
				t.Fatalf("the refusal is a %T: %v", err, err)
			}
			if res != nil {
				t.Fatal("a refusal comes with a result")
			}
			return
		}
		sums(t, res)
		for e := range res.Network.All {
			b := e.Base()
			if b.ResourceID == "" || b.Origin.File != "-" {
				t.Fatalf("%T without an ID or a place: %+v", e, b)
			}
			g, ok := e.(*topology.NetworkSecurityGroup)
			if !ok {
				continue
			}
			for _, r := range g.SecurityRules {
				for _, side := range []topology.Match{r.Source, r.Destination} {
					if len(side.Prefixes) == 0 && len(side.ASGs) == 0 {
						t.Fatalf("rule %q has a side without an address", r.Name)
					}
				}
				if r.Access == topology.NoAccess && len(r.Unresolved) == 0 {
					t.Fatalf("rule %q has no access", r.Name)
				}
			}
		}
	})
}
