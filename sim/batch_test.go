package sim_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

var batchFlows = flag.Int("batch-flows", 24_000, "flows that the batch and the explained answer are compared on")

// batchWords is an answer in all the words of a batch.
func batchWords(a *sim.IPFlow, err error) string {
	var name *sim.NameError
	switch {
	case errors.As(err, &name):
		return "refused: " + err.Error()
	case err != nil:
		return "failed: " + err.Error()
	}
	rule := "-"
	if a.RuleName != nil {
		rule = *a.RuleName
	}
	s := fmt.Sprint(a.Access, " ", a.UnderAssumptions, " ", rule, " ", a.Priority, " ", a.NetworkSecurityGroup, " ", a.Undecided, a.AnyAllow, a.AnyDeny, a.Assumptions)
	if a.Access != flow.Allow && a.Access != flow.Deny {
		s += fmt.Sprint(a.Codes)
	}
	for _, p := range a.Parts {
		s += fmt.Sprint("|", p.UnderAssumptions, p.Assumptions)
	}
	return s
}

// flowMaker draws questions about an estate, towards its boundaries.
type flowMaker struct {
	r         *rand.Rand
	n         *topology.Network
	addresses []netip.Addr
	ports     []uint16
}

func newFlowMaker(r *rand.Rand, n *topology.Network, samples []estategen.Sample) *flowMaker {
	m := &flowMaker{r: r, n: n, ports: []uint16{0, 53, 80, 443, 1688, 32526, 67, 65535}}
	around := func(p netip.Prefix) {
		b := p.Addr().AsSlice()
		for i := p.Bits(); i < len(b)*8; i++ {
			b[i/8] |= 1 << (7 - i%8)
		}
		last, _ := netip.AddrFromSlice(b)
		for _, a := range []netip.Addr{p.Addr(), last, p.Addr().Prev(), last.Next()} {
			if a.IsValid() && a.Is4() == p.Addr().Is4() {
				m.addresses = append(m.addresses, a)
			}
		}
	}
	match := func(x topology.Match) {
		for _, a := range x.Prefixes {
			if a.Kind == topology.PrefixAddress {
				around(a.Prefix)
			}
		}
		for _, p := range x.Ports {
			m.ports = append(m.ports, p.First, p.Last, p.First-1, p.Last+1)
		}
	}
	for _, g := range n.NetworkSecurityGroups {
		for _, r := range g.SecurityRules {
			match(r.Source)
			match(r.Destination)
		}
	}
	for _, r := range n.AdminRules {
		match(r.Source)
		match(r.Destination)
	}
	for _, v := range n.VirtualNetworks {
		for _, p := range v.AddressSpace {
			around(p)
		}
	}
	for _, nic := range n.NetworkInterfaces {
		for _, c := range nic.IPConfigurations {
			m.addresses = append(m.addresses, c.PrivateIPAddress)
		}
	}
	if n.ServiceTags != nil {
		for _, tag := range n.ServiceTags.Tags {
			for _, p := range slices.Collect(tag.Prefixes.All())[:min(3, tag.Prefixes.Len())] {
				around(p)
			}
		}
	}
	for _, x := range samples {
		m.addresses = append(m.addresses, x.Source, x.Destination)
	}
	for _, s := range []string{"168.63.129.16", "169.254.169.254", "8.8.8.8", "2001:db8::1"} {
		m.addresses = append(m.addresses, netip.MustParseAddr(s))
	}
	m.addresses = slices.DeleteFunc(m.addresses, func(a netip.Addr) bool { return !a.IsValid() })
	return m
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func (m *flowMaker) endpoint(a netip.Addr, ports bool) sim.Endpoint {
	if !ports || m.r.IntN(25) == 0 {
		return sim.Endpoint{Address: a, AnyPort: true}
	}
	return sim.Endpoint{Address: a, Port: pick(m.r, m.ports)}
}

func (m *flowMaker) question() sim.IPFlowQuestion {
	q := sim.IPFlowQuestion{Direction: topology.Inbound, Protocol: topology.TCP + topology.Protocol(m.r.IntN(2))}
	if m.r.IntN(2) == 0 {
		q.Direction = topology.Outbound
	}
	if m.r.IntN(6) == 0 {
		q.Protocol = topology.AnyProtocol + topology.Protocol(m.r.IntN(6))
	}
	local := pick(m.r, m.addresses)
	switch k := m.r.IntN(10); {
	case k < 4 && len(m.n.NetworkSecurityGroups) > 0:
		q.NSG = pick(m.r, m.n.NetworkSecurityGroups).ResourceID
	case k < 9 && len(m.n.NetworkInterfaces) > 0:
		nic := pick(m.r, m.n.NetworkInterfaces)
		q.Interface = nic.ResourceID
		if len(nic.IPConfigurations) > 0 && nic.IPConfigurations[0].PrivateIPAddress.IsValid() {
			local = pick(m.r, nic.IPConfigurations).PrivateIPAddress
		}
		if k < 6 {
			q.Interface = "" // the one that owns the address
		}
	}
	remote := pick(m.r, m.addresses)
	for tries := 0; tries < 20 && local.IsValid() && remote.Is4() != local.Is4(); tries++ {
		remote = pick(m.r, m.addresses)
	}
	ports := q.Protocol.HasPorts()
	q.Local, q.Remote = m.endpoint(local, ports), m.endpoint(remote, ports)
	return q
}

// A batch gives the answers of IPFlow, in the default mode and the strict one,
// for NSGs alone and for the whole chain of an interface.
func TestABatchGivesTheExplainedAnswers(t *testing.T) {
	const shards = 4
	for shard := range shards {
		t.Run(fmt.Sprint(shard), func(t *testing.T) {
			t.Parallel()
			compareBatches(t, *batchFlows/shards, uint64(shard), shards)
		})
	}
}

// compareBatches compares flows of the estates of every step-th seed.
func compareBatches(t *testing.T, flows int, seed, step uint64) {
	const each = 300 // flows of an estate
	asked, refused := 0, 0
	verdicts := map[flow.Verdict]int{}
	for ; asked < flows; seed += step {
		r := rand.New(rand.NewPCG(seed, 11))
		o := estategen.Options{}
		if seed%3 == 0 {
			o.Without = estategen.All &^ estategen.Certain // estates that leave no doubt
		}
		n, samples := estategen.Random(r, o)
		opts := sim.Options{AsOf: estategen.CatalogueDate, Strict: r.IntN(2) == 0}
		if r.IntN(5) == 0 {
			opts.AsOf = estategen.CatalogueDate.AddDate(0, 3, 0)
		}
		if r.IntN(5) == 0 {
			opts.VirtualNetwork = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/14")}
		}
		s, err := sim.New(n, opts)
		if err != nil {
			t.Fatal(err)
		}
		b := s.Batch()
		m := newFlowMaker(r, n, samples)
		for range each {
			q := m.question()
			asked++
			got, err := b.Ask(&q)
			var words string
			if err != nil {
				words = batchWords(nil, err)
			} else {
				words = batchWords(got.IPFlow, nil)
				verdicts[got.Access]++
			}
			want, err := s.IPFlow(q)
			if err != nil {
				refused++
			}
			if w := batchWords(want, err); w != words {
				t.Fatalf("seed %d: %+v\n got %s\nwant %s", seed, q, words, w)
			}
		}
	}
	t.Logf("%d flows: %d refused, %v", asked, refused, verdicts)
	if refused > asked/5 || verdicts[flow.Allow] < asked/20 || verdicts[flow.Deny] < asked/20 || verdicts[flow.Unknown] < asked/50 {
		t.Errorf("of %d flows %d were refused, and %v: not a mix", asked, refused, verdicts)
	}
}
