package estategen

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/netpath/netpath/topology"
)

func random(seed uint64, o Options) (*topology.Network, []Sample) {
	return Random(rand.New(rand.NewPCG(seed, 3)), o)
}

func TestOneSeedMakesOneEstate(t *testing.T) {
	for seed := range uint64(20) {
		text := func() string {
			n, samples := random(seed, Options{})
			b, err := json.Marshal(n)
			if err != nil {
				t.Fatal(err)
			}
			s := string(b)
			for _, x := range samples {
				s += x.String()
			}
			return s
		}
		if first, second := text(), text(); first != second {
			t.Errorf("seed %d made two estates", seed)
		}
	}
}

// What a loader refuses must not be generated: it would only test that the
// two evaluators fail alike.
func TestEstatesAreLoadable(t *testing.T) {
	for seed := range uint64(500) {
		n, _ := random(seed, Options{Samples: 1})
		for i, v := range n.VirtualNetworks {
			for _, o := range n.VirtualNetworks[i+1:] {
				for _, p := range v.AddressSpace {
					for _, q := range o.AddressSpace {
						if p.Overlaps(q) {
							t.Errorf("seed %d: %s and %s overlap", seed, v.Name, o.Name)
						}
					}
				}
			}
			for _, s := range v.Subnets {
				for _, p := range s.Prefixes {
					if !v.Stub && !within(v.AddressSpace, p) {
						t.Errorf("seed %d: subnet %s %s is outside its virtual network", seed, s.Name, p)
					}
				}
			}
		}
		for _, nic := range n.NetworkInterfaces {
			for _, c := range nic.IPConfigurations {
				if s, ok := topology.Lookup[*topology.Subnet](n, c.Subnet); ok && !within(s.Prefixes, single(c.PrivateIPAddress)) {
					t.Errorf("seed %d: %s is outside its subnet", seed, c.ResourceID)
				}
			}
		}
		for _, g := range n.NetworkSecurityGroups {
			for _, r := range g.SecurityRules {
				checkRule(t, seed, r)
			}
		}
	}
}

func within(list []netip.Prefix, p netip.Prefix) bool {
	for _, q := range list {
		if q.Bits() <= p.Bits() && q.Contains(p.Addr()) {
			return true
		}
	}
	return false
}

func checkRule(t *testing.T, seed uint64, r *topology.SecurityRule) {
	t.Helper()
	families := map[bool]bool{}
	for _, m := range []topology.Match{r.Source, r.Destination} {
		if len(m.Prefixes) == 0 && len(m.ASGs) == 0 || len(m.Ports) == 0 && !m.PortsUnresolved {
			t.Errorf("seed %d: rule %s has an empty side", seed, r.ResourceID)
		}
		for i, p := range m.Prefixes {
			if p.Kind != topology.PrefixAddress {
				if len(m.Prefixes) > 1 {
					t.Errorf("seed %d: rule %s has %q in a list", seed, r.ResourceID, p.Text)
				}
				continue
			}
			families[p.Prefix.Addr().Is6()] = true
			for _, q := range m.Prefixes[i+1:] {
				if p.Prefix.Overlaps(q.Prefix) {
					t.Errorf("seed %d: rule %s has overlapping prefixes", seed, r.ResourceID)
				}
			}
		}
		for _, p := range m.Ports {
			if p.First > p.Last {
				t.Errorf("seed %d: rule %s has the range %v", seed, r.ResourceID, p)
			}
		}
	}
	if len(families) > 1 {
		t.Errorf("seed %d: rule %s mixes address families", seed, r.ResourceID)
	}
}

func TestEveryKindOfResourceAndQuestionOccurs(t *testing.T) {
	kinds, resources := map[Kind]int{}, map[string]int{}
	for seed := range uint64(300) {
		n, samples := random(seed, Options{})
		for _, s := range samples {
			kinds[s.Kind]++
		}
		for e := range n.All {
			switch e.(type) {
			case *topology.VirtualNetworkGateway, *topology.LocalNetworkGateway, *topology.NATGateway, *topology.LoadBalancer,
				*topology.PrivateEndpoint, *topology.AzureFirewall, *topology.FirewallPolicy, *topology.AdminRule, *topology.PublicIPAddress,
				*topology.ApplicationSecurityGroup, *topology.RouteTable, *topology.VirtualMachine:
				resources[fmt.Sprintf("%T", e)]++
			}
		}
		if n.ServiceTags == nil {
			resources["no catalogue"]++
		}
		if len(n.Gaps) > 0 {
			resources["gaps"]++
		}
	}
	for k := Outbound; k <= FromAddress; k++ {
		if kinds[k] < 100 {
			t.Errorf("kind %d occurs %d times", k, kinds[k])
		}
	}
	if len(resources) < 14 {
		t.Errorf("only %v occur", resources)
	}
}

func TestFeaturesCanBeLeftOut(t *testing.T) {
	for seed := range uint64(100) {
		n, _ := random(seed, Options{Without: All &^ Certain})
		for e := range n.All {
			if b := e.Base(); len(b.NotModelled) > 0 || b.ProvisioningState == "Failed" || b.ProvisioningState == "Updating" {
				t.Errorf("seed %d: %s is in doubt", seed, b.ResourceID)
			}
		}
		if len(n.Gaps) > 0 || n.ServiceTags == nil {
			t.Errorf("seed %d: gaps or no catalogue", seed)
		}
		n, _ = random(seed, Options{Without: All})
		if len(n.RouteTables)+len(n.PublicIPAddresses)+len(n.LoadBalancers)+len(n.AdminRules) > 0 {
			t.Errorf("seed %d: resources without a feature", seed)
		}
	}
}
