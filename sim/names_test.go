package sim_test

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// What a name on the command line means (cli.md).
func TestANameMeansAnEnd(t *testing.T) {
	const group = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/golden/providers/"
	two := func() *golden.Estate { // b1 has two interfaces, of which the second is the primary one
		return golden.New().VM("extra", "db", "10.0.2.9").With(func(e *golden.Estate) {
			b, x := e.Machine("b1"), e.NIC("extra")
			b.NetworkInterfaces, b.PrimaryInterface = append(b.NetworkInterfaces, x.Ref()), topology.Ref{}
			e.NIC("b1").Primary, x.Primary = topology.Off, topology.On
		})
	}
	machine := func(change func(*topology.VirtualMachine, *golden.Estate)) *golden.Estate {
		return golden.New().With(func(e *golden.Estate) { change(e.Machine("a1"), e) })
	}
	rulesOf := func(tag string) *golden.Estate {
		return golden.New().NoServiceTags().SubnetNSG("app", golden.Deny("x", 100, golden.Out).To(tag))
	}
	pe := func() *golden.Estate {
		return golden.New().PrivateEndpoint("pe1", "db", golden.PE, "mine.blob.core.windows.net")
	}
	v6 := func() *golden.Estate { return golden.New().VM("six", "app", "10.0.1.6", "2001:db8::6") }
	account := func() *golden.Estate {
		return golden.New().Add(&topology.StorageAccount{Element: topology.Element{Name: "Store", ResourceID: group + "Microsoft.Storage/storageAccounts/Store", Location: "West Europe"}})
	}

	for _, x := range []struct {
		fact   string
		estate *golden.Estate
		name   string
		want   string // kind name address, and how many prefixes; or an error
	}{
		{"a machine", golden.New(), "a1", "virtualMachine a1 10.0.1.4"},
		{"in any letter case, with blanks", golden.New(), " A1 ", "virtualMachine a1 10.0.1.4"},
		{"by its resource group", golden.New(), "golden/a1", "virtualMachine a1 10.0.1.4"},
		{"by another group it is not", golden.New(), "other/a1", `name "other/a1" is not in the estate`},
		{"by its ID", golden.New(), group + "Microsoft.Compute/virtualMachines/a1", "virtualMachine a1 10.0.1.4"},
		{"an interface", golden.New(), "a1-nic", "networkInterface a1-nic 10.0.1.4"},
		{"an interface by its ID, in any letter case", golden.New(), strings.ToUpper(group + "Microsoft.Network/networkInterfaces/a1-nic"), "networkInterface a1-nic 10.0.1.4"},
		{"an IP configuration by its ID", v6(), group + "Microsoft.Network/networkInterfaces/six-nic/ipConfigurations/ipconfig2", "networkInterface six-nic 2001:db8::6"},
		{"a machine of two families has both addresses", v6(), "six", "virtualMachine six 10.0.1.6, 2001:db8::6"},
		{"of several interfaces the one that is marked is meant", two(), "b1", "virtualMachine b1 10.0.2.9"},
		{"where none or several are, the name is ambiguous", two().With(func(e *golden.Estate) { e.NIC("b1").Primary = topology.On }), "b1",
			`primary network interface of virtual machine "b1" is ambiguous: ` + group + "Microsoft.Network/networkInterfaces/b1-nic, " + group + "Microsoft.Network/networkInterfaces/extra-nic"},
		{"a machine that names no interface has those that name it", machine(func(m *topology.VirtualMachine, _ *golden.Estate) {
			m.NetworkInterfaces, m.PrimaryInterface = nil, topology.Ref{}
		}), "a1", "virtualMachine a1 10.0.1.4"},
		{"the primary interface of a machine must be in the data", machine(func(m *topology.VirtualMachine, _ *golden.Estate) {
			m.PrimaryInterface = topology.RefTo("/x/networkInterfaces/gone")
		}), "a1",
			`virtual machine "a1": its primary network interface gone is not in the data`},
		{"a machine needs an interface in the data", machine(func(m *topology.VirtualMachine, e *golden.Estate) {
			m.NetworkInterfaces, m.PrimaryInterface, e.NIC("a1").VirtualMachine = nil, topology.Ref{}, topology.Ref{}
		}), "a1", `virtual machine "a1": none of its network interfaces is in the data`},
		{"a machine and an interface of one name are two", golden.New().VM("a1-nic", "db", "10.0.2.9"), "a1-nic",
			`name "a1-nic" is ambiguous: ` + group + "Microsoft.Compute/virtualMachines/a1-nic, " + group + "Microsoft.Network/networkInterfaces/a1-nic"},
		{"a machine and a service tag of one name are two", golden.New().VM("Storage", "db", "10.0.2.9"), "storage",
			`name "storage" is ambiguous: ` + group + "Microsoft.Compute/virtualMachines/Storage, tag:storage"},
		{"tag: says which", golden.New().VM("Storage", "db", "10.0.2.9"), "TAG:Storage", "serviceTag Storage 2 prefixes"},
		{"nothing is, and the nearest names are said", golden.New(), "a3", `name "a3" is not in the estate (nearest: a1, a2, b1)`},
		{"the nearest service tags too", golden.New(), "Storag", `name "Storag" is not in the estate (nearest: Storage)`},

		{"an address of an interface is that interface", golden.New(), "10.0.1.4", "address a1-nic 10.0.1.4"},
		{"as IPv4 in IPv6 too", golden.New(), "::ffff:10.0.1.4", "address a1-nic 10.0.1.4"},
		{"another address is itself", golden.New(), "10.0.1.99", "address 10.0.1.99"},
		{"an address with a zone has no meaning", golden.New(), "fe80::1%eth0", `address "fe80::1%eth0": an address with a zone has no meaning here`},
		{"an address that two interfaces have is ambiguous", golden.New().VM("twin", "app", "10.0.1.4"), "10.0.1.4",
			`address "10.0.1.4" is ambiguous: ` + group + "Microsoft.Network/networkInterfaces/a1-nic, " + group + "Microsoft.Network/networkInterfaces/twin-nic"},
		{"one that two subnets hold is too", golden.New().VNet("v9", "10.0.0.0/16").Subnet("v9", "app9", "10.0.1.0/24"), "10.0.1.99",
			`address "10.0.1.99" is ambiguous: ` + group + "Microsoft.Network/virtualNetworks/v1/subnets/app, " + group + "Microsoft.Network/virtualNetworks/v9/subnets/app9"},
		{"a block of addresses, by its first address", golden.New(), "10.0.1.7/24", "prefix 1 prefixes"},

		{"the Internet", golden.New(), "internet", "internet Internet"},
		{"a service tag, as the file spells it", golden.New(), "storage.westeurope", "serviceTag Storage.WestEurope 1 prefixes"},
		{"a tag whose content is a place's is none", golden.New(), "VirtualNetwork", `service tag "VirtualNetwork": its content differs from subnet to subnet; ask for a CIDR block`},
		{"a platform tag is its address", golden.New(), "AzurePlatformDNS", "serviceTag AzurePlatformDNS 1 prefixes"},
		{"a tag that the file does not hold is none", golden.New(), "Sql", `name "Sql" is not in the estate`},
		{"unless it is asked for as one", golden.New(), "tag:Sql", "serviceTag Sql"},
		{"without a file, those of the documents are known by name", golden.New().NoServiceTags(), "Sql.WestEurope", "serviceTag Sql.WestEurope"},
		{"and others that are well known", golden.New().NoServiceTags(), "azuremonitor", "serviceTag azuremonitor"},
		{"and their regions", golden.New().NoServiceTags(), "EventHub.NorthEurope", "serviceTag EventHub.NorthEurope"},
		{"and those that a rule names", rulesOf("GatewayManager"), "gatewaymanager", "serviceTag gatewaymanager"},
		{"no others are", golden.New().NoServiceTags(), "GatewayManager", `name "GatewayManager" is not in the estate`},

		{"a datacenter region", golden.New().Datacenters(golden.Region("europewest", "westeurope", "13.69.0.0/17", "13.73.128.0/18")), "datacenter:EuropeWest", "datacenterRegion europewest 2 prefixes"},
		{"by its ARM name", golden.New().Datacenters(golden.Region("europewest", "westeurope", "13.69.0.0/17")), "datacenter:westeurope", "datacenterRegion europewest 1 prefixes"},
		{"no other region", golden.New().Datacenters(golden.Region("europewest", "westeurope", "13.69.0.0/17")), "datacenter:europewst", `datacenter region "datacenter:europewst" is not in the estate (nearest: europewest)`},
		{"without a file none", golden.New(), "datacenter:europewest", `datacenter region "datacenter:europewest": no datacenter ranges are among the inputs (--datacenter-ranges FILE)`},

		{"a host name of a private endpoint is the endpoint", pe(), "MINE.blob.core.windows.net.", "host pe1 10.0.2.50"},
		{"another of the service is its tag", pe(), "yours.blob.core.windows.net", "host Storage 2 prefixes"},
		{"of a storage account in the data it is that of its region", account(), "store.blob.core.windows.net", "host Storage.WestEurope 1 prefixes"},
		{"of another account not", account(), "other.blob.core.windows.net", "host Storage 2 prefixes"},
		{"an account's name says nothing of other services", account(), "store.database.windows.net", "host Sql"},
		{"a name that is the suffix itself", golden.New(), "login.microsoftonline.com", "host AzureActiveDirectory 1 prefixes"},
		{"but no name before one that is whole", golden.New(), "x.login.microsoftonline.com", `host name "x.login.microsoftonline.com": neither a private endpoint of the estate nor a known service suffix explains it; ask for its address`},
		{"any other name is none", golden.New(), "www.example.com", `host name "www.example.com": neither a private endpoint of the estate nor a known service suffix explains it; ask for its address`},
		{"one that two private endpoints have is ambiguous", pe().PrivateEndpoint("pe2", "web", "10.1.1.50", "mine.blob.core.windows.net"), "mine.blob.core.windows.net",
			`host name "mine.blob.core.windows.net" is ambiguous: ` + group + "Microsoft.Network/privateEndpoints/pe1, " + group + "Microsoft.Network/privateEndpoints/pe2"},
	} {
		t.Run(x.fact, func(t *testing.T) {
			end, err := simulate(t, x.estate).NamedEnd(x.name)
			var got []string
			if err != nil {
				got = []string{err.Error()}
				if want := new(sim.NameError); !errors.As(err, &want) {
					t.Errorf("%T is no name error", err)
				}
			} else {
				i := end.Info()
				got = slices.DeleteFunc([]string{i.Kind, i.Name, i.Address}, func(s string) bool { return s == "" })
				if i.Prefixes > 0 {
					got = append(got, strconv.Itoa(i.Prefixes)+" prefixes")
				}
				if i.Text != x.name {
					t.Errorf("it was asked for as %q, not %q", x.name, i.Text)
				}
			}
			if d := cmp.Diff(x.want, strings.Join(got, " ")); d != "" {
				t.Error(d)
			}
		})
	}
}

// Of several things of one name or address, that which the other end reaches
// is meant.
func TestTheOtherEndSaysWhichIsMeant(t *testing.T) {
	overlap := func() *golden.Estate { // v9 has the space of v2, and is not peered
		return golden.New().VNet("v9", "10.1.0.0/16").Subnet("v9", "web9", "10.1.1.0/24")
	}
	for _, x := range []struct {
		fact     string
		estate   *golden.Estate
		from, to string
		want     string // the name or address of the destination
	}{
		{"the interface in a peered network", overlap().VM("twin", "web9", "10.1.1.4"), "a1", "10.1.1.4", "b1-nic"},
		{"the subnet in a peered network", overlap(), "a1", "10.1.1.99", "10.1.1.99"},
		{"the private endpoint in a peered network", overlap().PrivateEndpoint("pe1", "web", "10.1.1.50", "x.blob.core.windows.net").
			PrivateEndpoint("pe9", "web9", "10.1.1.51", "x.blob.core.windows.net"), "a1", "x.blob.core.windows.net", "pe1"},
		{"the one in the own network", golden.New().PrivateEndpoint("pe1", "db", golden.PE, "x.blob.core.windows.net").
			PrivateEndpoint("pe3", "far", "10.2.1.50", "x.blob.core.windows.net"), "a1", "x.blob.core.windows.net", "pe1"},
	} {
		t.Run(x.fact, func(t *testing.T) {
			a, err := simulate(t, x.estate).Trace(sim.TraceQuestion{From: x.from, To: x.to, Port: 443})
			if err != nil {
				t.Fatal(err)
			}
			if a.To.Name != x.want && a.To.Address != x.want {
				t.Errorf("%+v", a.To)
			}
		})
	}
	// Where none of several is within reach, it is not known which is meant.
	far := golden.New().VNet("v8", "10.8.0.0/16").Subnet("v8", "w8", "10.8.1.0/24").VM("m8", "w8", "10.8.1.4").
		VNet("v9", "10.8.0.0/16").Subnet("v9", "w9", "10.8.1.0/24").VM("m9", "w9", "10.8.1.4")
	_, err := simulate(t, far).Trace(sim.TraceQuestion{From: "a1", To: "10.8.1.4", Port: 443})
	if name := new(sim.NameError); !errors.As(err, &name) || len(name.Candidates) != 2 {
		t.Errorf("%v", err)
	}
}

// Questions that cannot be meant are refused (exit 2).
func TestAQuestionThatCannotBeMeantIsRefused(t *testing.T) {
	gateway := func() *golden.Estate {
		return golden.New().Gateway("v1", "10.0.254.0/27").With(func(e *golden.Estate) { e.GatewayOf("v1").LearnedGiven = false })
	}
	for _, x := range []struct {
		fact     string
		estate   *golden.Estate
		from, to string
		want     string // "": it is answered
	}{
		{"a source without an address", golden.New().With(func(e *golden.Estate) { e.NIC("a1").IPConfigurations[0].PrivateIPAddress = netip.Addr{} }), "a1", "d1", `source "a1": it has no address in the data`},
		{"a destination of a family that the source has not", golden.New(), "a1", "2001:db8::9", `destination "2001:db8::9": the source a1 has no IPv6 address`},
		{"an IPv4 one from an IPv6 source", golden.New(), "2001:db8::9", "a1", `destination "a1": the source 2001:db8::9 has no IPv4 address`},
		{"a source of which only the tag is known", golden.New().NoServiceTags(), "Storage", "a1", `source "Storage": its addresses are not known without a service tag file`},
		{"both ends outside", golden.New(), golden.NET, golden.SWE, `destination "20.60.26.10": both ends lie outside the estate`},
		{"sets outside as well", golden.New(), "Storage", "Internet", `destination "Internet": both ends lie outside the estate`},
		{"but a public address of the estate is inside", golden.New().PublicIP("a1", "198.51.100.9", "Standard"), golden.NET, "198.51.100.9", ""},
		{"and a set that holds one", golden.New().PublicIP("a1", "198.51.100.9", "Standard"), golden.NET, "Internet", ""},
		{"a private source that nothing of the estate holds", golden.New(), "172.20.1.1", "a1", `source "172.20.1.1": no subnet and no gateway of the estate holds this private address`},
		{"a gateway whose routes are not in the data may", gateway(), "172.20.1.1", "a1", ""},
		{"it holds those it has learned", golden.New().Gateway("v1", "10.0.254.0/27", "172.20.0.0/16"), "172.20.1.1", "a1", ""},
		{"and no others", golden.New().Gateway("v1", "10.0.254.0/27", "172.20.0.0/16"), "172.21.1.1", "a1", `source "172.21.1.1": no subnet and no gateway of the estate holds this private address`},
		{"the destination's gateway alone counts", gateway(), "172.20.1.1", golden.NET, `source "172.20.1.1": no subnet and no gateway of the estate holds this private address`},
		{"a subnet's counts too", gateway(), "172.20.1.1", "10.0.1.99", ""},
		{"the host itself may ask", golden.New(), golden.Host, "a1", ""},
	} {
		t.Run(x.fact, func(t *testing.T) {
			_, err := simulate(t, x.estate).Trace(sim.TraceQuestion{From: x.from, To: x.to, Port: 443})
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != x.want {
				t.Errorf("%q, want %q", got, x.want)
			}
		})
	}
}

// An end that is found once answers as its name does, however it is found.
func TestAnEndThatIsFoundOnceAnswersAsItsNameDoes(t *testing.T) {
	e := golden.New().NoServiceTags().VM("six", "app", "10.0.1.6", "2001:db8::6").PrivateEndpoint("pe1", "db", golden.PE, "x").LoadBalancer("lb", "198.51.100.7", 80, 80, "a1").
		SubnetNSG("db", golden.Deny("no", 100, golden.In).From("10.0.1.5").Ports("1433")).
		With(func(e *golden.Estate) {
			lb := e.Build().LoadBalancers[0]
			lb.Frontends = append(lb.Frontends, &topology.Frontend{Element: topology.Element{Name: "inside"}, Subnet: e.SubnetOf("db").Ref(), PrivateIPAddress: netip.MustParseAddr("10.0.2.77")})
		}).Firewall("dmz")
	n := e.Build()
	s, err := sim.New(n, sim.Options{AsOf: golden.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	db := e.SubnetOf("db")
	owned := []string{"10.0.2.4", "10.0.2.50", "10.0.2.77"}
	var got []string
	for _, a := range s.OwnedIn(db) {
		got = append(got, a.String())
	}
	if d := cmp.Diff(owned, got); d != "" {
		t.Errorf("what owns an address of db: %s", d)
	}
	if a := s.OwnedIn(e.SubnetOf("AzureFirewallSubnet")); len(a) != 1 || a[0].String() != golden.FirewallIP {
		t.Errorf("the firewall owns %v", a)
	}
	rest, ok := s.UnownedEnd(db)
	if !ok || rest.Addresses(false).Contains(netip.MustParseAddr("10.0.2.4")) || !rest.Addresses(false).Contains(netip.MustParseAddr("10.0.2.5")) || rest.Has(true) {
		t.Errorf("what nothing owns: %+v", rest.Info())
	}
	full := golden.New().Subnet("v1", "one", "10.0.9.9/32").VM("only", "one", "10.0.9.9")
	if _, ok := simulate(t, full).UnownedEnd(full.SubnetOf("one")); ok {
		t.Error("every address of the subnet one is owned")
	}

	named := func(name string) sim.End {
		end, err := s.NamedEnd(name)
		if err != nil {
			t.Fatal(err)
		}
		return end
	}
	for _, x := range []struct {
		end       sim.End
		four, six string // an address, "none", or "unknown"
	}{
		{named("six"), "10.0.1.6", "2001:db8::6"},
		{named("a1"), "10.0.1.4", "none"},
		{named("10.0.1.99"), "10.0.1.99", "none"},
		{named("2001:db8::99"), "none", "2001:db8::99"},
		{named("10.0.3.0/24"), "10.0.3.0", "none"},
		{named("Storage"), "unknown", "unknown"},
	} {
		for v6, want := range map[bool]string{false: x.four, true: x.six} {
			set := x.end.Addresses(v6)
			if want == "unknown" {
				if set != nil || !x.end.Has(v6) {
					t.Errorf("%s: %v", x.end.Info().Text, set)
				}
				continue
			}
			if x.end.Has(v6) != (want != "none") || set == nil || want != "none" && !set.Contains(netip.MustParseAddr(want)) || want == "none" && len(set.Prefixes()) > 0 {
				t.Errorf("%s, IPv6 %v: %v, want %s", x.end.Info().Text, v6, set, want)
			}
		}
	}

	for _, x := range []struct {
		from, to string
		a, b     sim.End
	}{
		{"a1", "d1", named("a1"), named("d1")},
		{"10.0.1.5", "10.0.2.4", s.InterfaceEnd(n.Owners(netip.MustParseAddr("10.0.1.5"))[0]), s.InterfaceEnd(n.Owners(netip.MustParseAddr("10.0.2.4"))[0])},
		{"a2", "10.0.2.50", named("a2"), s.AddressEnd("10.0.2.50", netip.MustParseAddr("10.0.2.50"), db)},
		{"a2", "10.0.2.128/25", named("a2"), s.SetEnd("10.0.2.128/25", named("10.0.2.128/25").Addresses(false))},
	} {
		q := sim.TraceQuestion{Port: 1433, From: x.from, To: x.to}
		want, err := s.Trace(q)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // and again
			got, err := s.TraceEnds(sim.TraceQuestion{Port: 1433}, x.a, x.b)
			if err != nil {
				t.Fatal(err)
			}
			if got.Verdict != want.Verdict || got.Code != want.Code || got.RuleName != want.RuleName || len(got.Parts) != len(want.Parts) {
				t.Errorf("%s to %s: %v by %q, by name %v by %q", x.from, x.to, got.Verdict, got.RuleName, want.Verdict, want.RuleName)
			}
		}
	}
	if a, err := s.TraceEnds(sim.TraceQuestion{Port: 1433}, named("a2"), rest); err != nil || a.Verdict != flow.Deny {
		t.Errorf("from a2 to what nothing owns in db: %v %v", a, err)
	}
}
