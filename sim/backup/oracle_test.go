package backup_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/netpath/netpath/internal/oracle"
	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// A machine that passes reaches every address that its profile requires, and
// where a part of the requirement is said to be denied its addresses are not
// reached: by the evaluator that was written apart from the simulator.
func TestWhatPassesAndWhatIsDeniedIsSoForTheOracleToo(t *testing.T) {
	const estates, addresses = 60, 4
	met := map[backup.Verdict]int{}
	denied, direct, proxied := 0, 0, 0
	for seed := uint64(1); seed <= estates; seed++ {
		rng := rand.New(rand.NewPCG(seed, 11))
		n, _ := estategen.Random(rng, estategen.Options{Samples: 1})
		s, err := sim.New(n, sim.Options{AsOf: estategen.CatalogueDate})
		if err != nil {
			t.Fatal(err)
		}
		r, err := backup.Examine(t.Context(), s, backup.Options{Ways: true})
		if err != nil {
			t.Fatal(err)
		}
		o := oracle.New(n, oracle.Options{AsOf: estategen.CatalogueDate})
		for i := range r.VMs {
			vm := &r.VMs[i]
			q := &vm.Requirements[0]
			if q.Trace == nil || q.Coverage == nil || byName(n, vm.Machine, q) {
				continue
			}
			met[q.Met]++
			if q.Trace.Proxy != "" {
				proxied++
			} else {
				direct++
			}
			ask := func(a netip.Addr) flow.Verdict {
				return o.Trace(oracle.Question{From: configuration(n, vm.Machine, a.Is6()), Packet: flow.Tuple{
					Protocol: q.Protocol, SourcePort: uint16(1024 + rng.IntN(60000)), DestinationPort: q.Port,
					Destination: flow.Address{IP: a, Tag: q.Tag},
				}}).Verdict
			}
			tag, _ := s.Names().Index().Tag(q.Tag)
			for range addresses {
				p := tag.Prefixes.Slice()[rng.IntN(tag.Prefixes.Len())]
				if slices.Contains(q.Trace.To.LeftOut, family(p)) {
					continue
				}
				a := within(rng, p)
				got := ask(a)
				if q.Met == backup.Pass && got != flow.Allow {
					t.Errorf("seed %d: %s passes, and to %s:%d the oracle says %s", seed, vm.Name, a, q.Port, got)
				}
				if holds(q.Coverage.Denied, a) || holds(q.Coverage.Unknown, a) {
					continue
				}
				if got != flow.Allow {
					t.Errorf("seed %d: %s is let out to %s:%d, and the oracle says %s", seed, vm.Name, a, q.Port, got)
				}
			}
			for _, p := range q.Coverage.Denied {
				denied++
				if a := within(rng, p); ask(a) != flow.Deny {
					t.Errorf("seed %d: %s is stopped to %s:%d, and the oracle says %s", seed, vm.Name, a, q.Port, ask(a))
				}
			}
		}
	}
	t.Logf("%v, %d denied parts, %d direct, %d through a proxy", met, denied, direct, proxied)
	if met[backup.Pass] < 20 || met[backup.Fail] < 20 || met[backup.Unknown] < 5 || denied < 20 || proxied < 5 {
		t.Error("too little was met for the comparison to mean anything")
	}
}

// byName reports whether something on the way goes by host names, a proxy, a
// firewall or the list of what goes past the proxy: the question of the report
// is about one name, that of the oracle about an address.
func byName(n *topology.Network, vm *topology.VirtualMachine, q *backup.Requirement) bool {
	return vm.Proxy != nil && len(vm.Proxy.Bypass) > 0 || q.Trace.Proxy != "" && slices.ContainsFunc(n.VirtualMachines, func(vm *topology.VirtualMachine) bool { return vm.ProxyServer != nil && !vm.ProxyServer.AnyHost }) ||
		len(n.AzureFirewalls) > 0
}

// configuration is the primary IP configuration of a machine in a family.
func configuration(n *topology.Network, vm *topology.VirtualMachine, v6 bool) *topology.IPConfiguration {
	ref := vm.PrimaryInterface
	if ref.IsZero() {
		ref = vm.NetworkInterfaces[0]
	}
	nic, _ := topology.Lookup[*topology.NetworkInterface](n, ref)
	var first *topology.IPConfiguration
	for _, c := range nic.IPConfigurations {
		if c.PrivateIPAddress.IsValid() && c.PrivateIPAddress.Is6() == v6 {
			if c.Primary == topology.On {
				return c
			}
			if first == nil {
				first = c
			}
		}
	}
	return first
}

func family(p netip.Prefix) string {
	if p.Addr().Is6() {
		return "IPv6"
	}
	return "IPv4"
}

// within is a random address of a prefix.
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

func holds(list []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}
