package diff_test

import (
	"slices"
	"testing"

	"github.com/netpath/netpath/internal/golden"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/diff"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// What is gone, or what has another machine, may let packets through.
func TestWhatIsGoneMayAllow(t *testing.T) {
	plain := func() *golden.Estate { return golden.New() }
	extra := func() *golden.Estate { return plain().VM("a9", "app", "10.0.1.99") }
	for _, c := range []struct {
		fact     string
		old, new *golden.Estate
		may      bool
	}{
		{"a load balancer", plain().LoadBalancer("lb", "198.51.100.30", 443, 443, "a1"), plain(), true},
		{"a public IP address", plain().PublicIP("a1", "198.51.100.7", "Standard"), plain(), true},
		{"a NAT gateway", plain().NATGateway("app", "198.51.100.60"), plain(), true},
		{"a firewall", plain().Firewall("app"), plain(), true},
		{"a private endpoint", plain().PrivateEndpoint("pe", "app", "10.0.1.50", "x.blob.core.windows.net"), plain(), true},
		{"a virtual network", plain().VNet("v9", "10.9.0.0/16"), plain(), true},
		{"an interface that nothing hangs on", extra(), plain(), false},
		{"an interface with an NSG", extra().NICNSG("a9"), plain().NSG("nsg-a9"), true},
		{"an interface with a guest's firewall", extra().GuestFirewall("a9"), plain(), true},
		{"an interface that routes lead to", extra().Routes("db", golden.Via("nva", "0.0.0.0/0", "10.0.1.99")), plain().Routes("db", golden.Via("nva", "0.0.0.0/0", "10.0.1.99")), true},
		{"an admin rule where a subnet has no interface", plain().VNet("v9", "10.9.0.0/16").Subnet("v9", "far", "10.9.1.0/24").Admin("v9", tcp(golden.Deny("rdp", 10, in)).Ports("3389")),
			plain().VNet("v9", "10.9.0.0/16").Subnet("v9", "far", "10.9.1.0/24"), true},
		{"an admin rule that allows", plain().VNet("v9", "10.9.0.0/16").Subnet("v9", "far", "10.9.1.0/24").Admin("v9", tcp(golden.AlwaysAllow("rdp", 10, in)).Ports("3389")),
			plain().VNet("v9", "10.9.0.0/16").Subnet("v9", "far", "10.9.1.0/24"), false},
		{"all interfaces", golden.Empty().VNet("v1", "10.0.0.0/16").Subnet("v1", "app", "10.0.1.0/24").VM("a1", "app", "10.0.1.4"), golden.Empty().VNet("v1", "10.0.0.0/16").Subnet("v1", "app", "10.0.1.0/24"), true},
		{"nothing", plain(), plain(), false},
	} {
		r := compare(t, of(t, c.old), of(t, c.new), diff.Options{})
		certain, maybe := r.Newly(topology.Allow)
		if certain || maybe != c.may {
			t.Errorf("%s: newly allowed %t, perhaps %t, want %t: %+v %q", c.fact, certain, maybe, c.may, r.Elements, r.Notes)
		}
		if noted := len(r.Notes) > 0; c.may && !noted {
			t.Errorf("%s: no note says what is not compared", c.fact)
		}
	}
}

// The guest of a machine whose interface stays is told of the interface.
func TestTheMachineOfAnInterfaceCounts(t *testing.T) {
	build := func(keep bool) *topology.Network {
		n := *golden.New().GuestFirewall("a1").Build()
		if !keep {
			n.VirtualMachines = slices.DeleteFunc(slices.Clone(n.VirtualMachines), func(vm *topology.VirtualMachine) bool { return vm.Name == "a1" })
		}
		out, err := topology.NewNetwork(topology.Data{}, slices.Collect(n.All)...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	r := compare(t, simOf(t, build(true)), simOf(t, build(false)), diff.Options{})
	if _, maybe := r.Newly(topology.Allow); !maybe {
		t.Errorf("its firewall is gone: %+v", r.Elements)
	}
	if r := compare(t, simOf(t, build(true)), simOf(t, build(true)), diff.Options{}); !r.Empty() {
		t.Errorf("%+v", r)
	}
}

// Without the address that brings packets in, the gates alone decide nothing.
func TestAClosedAddressThatIsGoneOpensNothingForCertain(t *testing.T) {
	with := golden.New().PublicIP("a1", "198.51.100.7", "Standard")
	r := compare(t, of(t, with), of(t, golden.New()), diff.Options{})
	if r.Has(diff.NewlyAllowed) || !r.Has(diff.NewlyUndecided) {
		t.Fatalf("%q", lines(r))
	}
	for _, g := range r.Gates {
		for _, c := range g.Changes {
			for _, p := range c.Parts {
				if p.Old.Code == flow.StandardIPClosed && (p.New.Verdict != flow.Unknown || p.New.Code != flow.NoPublicEntry || len(p.New.Missing) == 0) {
					t.Errorf("%+v", p.New)
				}
			}
		}
	}
}

func simOf(t *testing.T, n *topology.Network) *sim.Simulator {
	t.Helper()
	s, err := sim.New(n, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
