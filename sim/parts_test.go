package sim_test

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"

	"go4.org/netipx"

	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// The answer about a set agrees with the answers about its packets: every
// part's corners, and packets drawn from it, have the part's verdict, code and
// rule; the parts are disjoint and cover what was asked.
func TestPartsOfASetAgreeWithTheirPackets(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 5))
	asked, packets := 0, 0
	for seed := range uint64(150) {
		n, _ := estategen.Random(rand.New(rand.NewPCG(seed, 7)), estategen.Options{Samples: 1})
		s, err := sim.New(n, sim.Options{AsOf: estategen.CatalogueDate})
		if err != nil {
			t.Fatal(err)
		}
		if len(n.NetworkInterfaces) == 0 {
			continue
		}
		for range 4 {
			nic := n.NetworkInterfaces[r.IntN(len(n.NetworkInterfaces))]
			to := []string{"10.0.0.0/14", "20.60.24.0/21", "198.18.0.0/15", "172.16.0.0/12", "Internet", "192.168.0.0/22"}[r.IntN(6)]
			q := sim.TraceQuestion{From: nic.ResourceID, To: to, Protocol: []topology.Protocol{topology.TCP, topology.UDP, topology.ICMP}[r.IntN(3)],
				Port: []uint16{443, 53, 25, 8080}[r.IntN(4)], SourcePort: 50000, FixedSource: true, NoProxy: true}
			if q.Protocol == topology.ICMP {
				q.Port, q.SourcePort = 0, 0
			}
			a, err := s.Trace(q)
			var name *sim.NameError
			if errors.As(err, &name) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			asked++
			packets += checkParts(t, s, r, nic, q, a)
		}
	}
	t.Logf("%d questions about sets, %d packets of their parts", asked, packets)
	if asked < 300 || packets < 3000 {
		t.Errorf("only %d questions and %d packets were compared", asked, packets)
	}
}

func checkParts(t *testing.T, s *sim.Simulator, r *rand.Rand, nic *topology.NetworkInterface, q sim.TraceQuestion, a *sim.Trace) (packets int) {
	t.Helper()
	parts := a.Parts
	if len(parts) == 0 {
		p, err := netip.ParsePrefix(q.To)
		if err != nil {
			p = netip.MustParsePrefix("8.0.0.0/9")
		}
		parts = []sim.Part{{Outcome: a.Outcome, Destination: []netip.Prefix{p}}}
	}
	var all netipx.IPSetBuilder
	for _, p := range parts {
		for _, x := range p.Destination {
			have, _ := all.IPSet()
			if have.OverlapsPrefix(x) {
				t.Errorf("%s → %s: parts overlap in %s", nic.Name, q.To, x)
			}
			all.AddPrefix(x)
		}
		for range 4 {
			x := p.Destination[r.IntN(len(p.Destination))]
			span := netipx.RangeOfPrefix(x)
			for _, at := range []netip.Addr{span.From(), span.To(), between(r, span)} {
				owner, ok := source(nic, at)
				if !ok {
					continue
				}
				one := s.Send(owner, flow.Tuple{Protocol: q.Protocol, Source: flow.At(owner.Configuration.PrivateIPAddress), SourcePort: q.SourcePort,
					Destination: flow.At(at), DestinationPort: q.Port})
				packets++
				if one.Verdict != p.Verdict || one.Code != p.Code || one.RuleName != p.RuleName {
					t.Errorf("%s → %s %s/%d: %s lies in a part that is %s %s %q, alone it is %s %s %q", nic.Name, q.To, q.Protocol, q.Port, at,
						p.Verdict, p.Code, p.RuleName, one.Verdict, one.Code, one.RuleName)
				}
			}
		}
	}
	if p, err := netip.ParsePrefix(q.To); err == nil && len(a.Parts) > 0 {
		have, _ := all.IPSet()
		if !have.ContainsPrefix(p) {
			t.Errorf("%s → %s: the parts do not cover it", nic.Name, q.To)
		}
	}
	return packets
}

func source(nic *topology.NetworkInterface, to netip.Addr) (topology.Owner, bool) {
	var first topology.Owner
	for _, c := range nic.IPConfigurations {
		if !c.PrivateIPAddress.IsValid() || c.PrivateIPAddress.Is4() != to.Is4() {
			continue
		}
		if c.Primary == topology.On {
			return topology.Owner{Interface: nic, Configuration: c}, true
		}
		if first.Configuration == nil {
			first = topology.Owner{Interface: nic, Configuration: c}
		}
	}
	return first, first.Configuration != nil
}

// between is some address of a range.
func between(r *rand.Rand, span netipx.IPRange) netip.Addr {
	from, to := span.From().As16(), span.To().As16()
	var x [16]byte
	free := false // the bytes so far are below the last address's
	for i := range x {
		low, high := byte(0), byte(255)
		if from[i] == to[i] && !free {
			x[i] = from[i]
			continue
		}
		if !free {
			low, high = from[i], to[i]
		}
		x[i] = low + byte(r.IntN(int(high-low)+1))
		free = free || x[i] != to[i]
	}
	a := netip.AddrFrom16(x)
	if span.From().Is4() {
		a = a.Unmap()
	}
	if !span.Contains(a) {
		return span.From()
	}
	return a
}
