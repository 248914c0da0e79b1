package scope_test

import (
	"net/netip"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// Sets that answer differently somewhere have different digests; that of one
// estate is the same whenever it is made.
func TestTheDigestOfASetTellsWhatItAnswers(t *testing.T) {
	old := scope.Options{AsOf: golden.Date.AddDate(0, 0, 90)}
	tag := func(name string, estate *golden.Estate, o scope.Options) *scope.Set {
		return placeOf(estate, o).Resolve(topology.AddressPrefix{Kind: topology.TagAddress, Tag: name, Text: name})
	}
	field := func(kind topology.AddressKind, text string) *scope.Set {
		a := topology.AddressPrefix{Kind: kind, Text: text}
		if kind == topology.PrefixAddress {
			a.Prefix = cidr(text)
		}
		return placeOf(golden.New(), fresh).Resolve(a)
	}
	none := func() *golden.Estate { return golden.New().NoServiceTags() }
	peered := func(change func(*topology.Peering)) *golden.Estate {
		return golden.New().With(func(e *golden.Estate) { change(e.Peering("v1", "v2")) })
	}
	route := func(change func(*topology.RouteTable)) *golden.Estate {
		return golden.New().Routes("app", golden.Via("nva", "203.0.113.0/24", golden.NVA)).With(func(e *golden.Estate) { change(e.RouteTable("app")) })
	}
	of := map[string]string{}
	for name, set := range map[string]func() *scope.Set{
		"any address":           func() *scope.Set { return field(topology.AnyAddress, "*") },
		"a prefix":              func() *scope.Set { return field(topology.PrefixAddress, "10.0.1.0/24") },
		"a longer prefix":       func() *scope.Set { return field(topology.PrefixAddress, "10.0.1.0/25") },
		"an expression":         func() *scope.Set { return field(topology.UnresolvedAddress, "[x]") },
		"another expression":    func() *scope.Set { return field(topology.UnresolvedAddress, "[y]") },
		"AzureLoadBalancer":     func() *scope.Set { return tag("AzureLoadBalancer", golden.New(), fresh) },
		"AzurePlatformDNS":      func() *scope.Set { return tag("AzurePlatformDNS", golden.New(), fresh) },
		"AzurePlatformLKM":      func() *scope.Set { return tag("AzurePlatformLKM", golden.New(), fresh) },
		"Storage.WestEurope":    func() *scope.Set { return tag("Storage.WestEurope", golden.New(), fresh) },
		"an old file":           func() *scope.Set { return tag("Storage.WestEurope", golden.New(), old) },
		"without a file":        func() *scope.Set { return tag("Storage.WestEurope", none(), fresh) },
		"its service":           func() *scope.Set { return tag("Storage", none(), fresh) },
		"a region not in it":    func() *scope.Set { return tag("Storage.FranceCentral", golden.New(), fresh) },
		"a tag not in it":       func() *scope.Set { return tag("Sql", golden.New(), fresh) },
		"one not of the public": func() *scope.Set { return tag("AppService", golden.New(), fresh) },
		"more in the tag": func() *scope.Set {
			return tag("Storage.WestEurope", golden.New().With(func(e *golden.Estate) {
				for _, x := range e.Build().ServiceTags.Tags {
					if x.Name == "Storage.WestEurope" {
						x.Prefixes = topology.MakePrefixList(append(x.Prefixes.Slice(), cidr("203.0.113.0/24"))...)
					}
				}
			}), fresh)
		},
		"Internet":       func() *scope.Set { return tag("Internet", golden.New(), fresh) },
		"VirtualNetwork": func() *scope.Set { return tag("VirtualNetwork", golden.New(), fresh) },
		"of an NSG alone": func() *scope.Set {
			return placeOf(golden.Empty(), fresh).Resolve(topology.AddressPrefix{Kind: topology.TagAddress, Tag: "VirtualNetwork", Text: "VirtualNetwork"})
		},
		"a peering down": func() *scope.Set {
			return tag("VirtualNetwork", peered(func(p *topology.Peering) { p.State = "Initiated" }), fresh)
		},
		"a peering of no state": func() *scope.Set {
			return tag("VirtualNetwork", peered(func(p *topology.Peering) { p.State = "" }), fresh)
		},
		"a peering that failed": func() *scope.Set {
			return tag("VirtualNetwork", peered(func(p *topology.Peering) { failed(&p.Element) }), fresh)
		},
		"a gateway":                  func() *scope.Set { return tag("VirtualNetwork", learned("172.20.0.0/16"), fresh) },
		"one that learned otherwise": func() *scope.Set { return tag("VirtualNetwork", learned("172.21.0.0/16"), fresh) },
		"one of which it is not known what": func() *scope.Set {
			return tag("VirtualNetwork", notLearned(), fresh)
		},
		"a user route": func() *scope.Set { return tag("VirtualNetwork", route(func(*topology.RouteTable) {}), fresh) },
		"a route table that failed": func() *scope.Set {
			return tag("VirtualNetwork", route(func(r *topology.RouteTable) { failed(&r.Element) }), fresh)
		},
		"one that is not in the data": func() *scope.Set {
			return tag("VirtualNetwork", with(func(e *golden.Estate) { e.SubnetOf("app").RouteTable = topology.RefTo("/x/routeTables/gone") }), fresh)
		},
		"a network known by its subnets": func() *scope.Set { return tag("VirtualNetwork", with(stub), fresh) },
		"members of a group": func() *scope.Set {
			e := golden.New().ASG("a1", "web")
			return placeOf(e, fresh).Members(group(e))
		},
		"other members of it": func() *scope.Set {
			e := golden.New().ASG("a1", "web").ASG("a2", "web")
			return placeOf(e, fresh).Members(group(e))
		},
	} {
		d := set().Digest()
		if set().Digest() != d {
			t.Errorf("%s: made twice, two digests", name)
		}
		if other, there := of[d]; there {
			t.Errorf("%q has the digest of %q", name, other)
		}
		of[d] = name
	}
	// The letters of a tag's name do not matter.
	if tag("STORAGE.westeurope", golden.New(), fresh).Digest() != tag("Storage.WestEurope", golden.New(), fresh).Digest() {
		t.Error("one tag in two spellings has two digests")
	}
	// What a parent may hold is part of a region's answer.
	parent := func(p netip.Prefix) string {
		e := golden.New().ServiceTag("Sql", "", p.String())
		return tag("Sql.FranceCentral", e, fresh).Digest()
	}
	if parent(cidr("203.0.113.0/25")) == parent(cidr("203.0.113.0/24")) {
		t.Error("a region that is not in the file has one digest whatever its service holds")
	}
}
