package fix_test

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/fix"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

// On random estates what is found gives the wanted verdict when it is made and
// asked anew, and no packet outside the request fares differently: one that
// does is of a rule that was added.
func TestEditsDoWhatIsAskedAndNothingElse(t *testing.T) {
	asked, met, changed, compared := 0, 0, 0, 0
	for seed := uint64(1); seed <= 120; seed++ {
		r := rand.New(rand.NewPCG(seed, 11))
		n, samples := estategen.Random(rand.New(rand.NewPCG(seed, 0)), estategen.Options{Samples: 16, Without: estategen.UnknownTags | estategen.StaleCatalogue}) // of a tag that no file explains nobody can say what is in it
		opts := sim.Options{CatalogueDate: estategen.CatalogueDate, AsOf: estategen.CatalogueDate, Strict: seed%3 == 0}
		s, err := sim.New(n, opts)
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			x := samples[r.IntN(len(samples))]
			if x.Configuration == nil || !x.Destination.IsValid() {
				continue
			}
			q := fix.Question{Want: topology.Allow, TraceQuestion: sim.TraceQuestion{From: n.Holder(x.Configuration).ResourceID, To: x.Destination.String(),
				Protocol: x.Protocol, Port: x.DestinationPort}}
			switch r.IntN(7) {
			case 3:
				q.From, q.To = "Internet", q.From
			case 0:
				q.To = netip.PrefixFrom(x.Destination, x.Destination.BitLen()-4).Masked().String()
			case 1:
				q.To = "tag:Storage"
			case 2:
				q.AnyPort = x.Protocol.HasPorts()
			}
			if r.IntN(2) == 0 {
				q.Want = topology.Deny
			}
			q.Guests = r.IntN(2) == 0
			plan, err := fix.Find(s, q)
			if _, ok := errors.AsType[*sim.NameError](err); ok {
				continue
			}
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			asked++
			if !plan.Met() || len(plan.Edits) == 0 {
				continue
			}
			met++
			for _, d := range plan.Differences() {
				if !d.Known {
					continue
				}
				compared++
				if !d.Exact || d.Beyond != "" || d.Packets.Sign() == 0 {
					t.Fatalf("seed %d: %+v\nwith %v changes %v packets, and not only what was asked: %q", seed, q, d.Edit, d.Packets, d.Beyond)
				}
			}
			after, err := edit.Apply(n, plan.Edits...)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			fresh, err := sim.New(after, opts)
			if err != nil {
				t.Fatal(err)
			}
			a, err := fresh.Trace(q.TraceQuestion)
			if err != nil {
				t.Fatal(err)
			}
			if a.Verdict.String() != q.Want.String() || a.Undecided || a.AnyAllow && q.Want == topology.Deny || a.AnyDeny && q.Want == topology.Allow {
				t.Fatalf("seed %d: %+v\nwith %v it is %s", seed, q, plan.Edits, a.Verdict)
			}
			for _, p := range packets(r, n, samples, plan.Edits) {
				was, is := s.Send(p.from, p.t), fresh.Send(p.from, p.t)
				if was.Verdict == is.Verdict {
					continue
				}
				changed++
				if q.Want == topology.Allow && is.Verdict == flow.Deny && was.Verdict == flow.Allow || q.Want == topology.Deny && is.Verdict == flow.Allow {
					t.Fatalf("seed %d: wanted %s, and with %v %s turned from %s to %s", seed, q.Want, plan.Edits, p.t, was.Verdict, is.Verdict)
				}
				if is.Verdict == flow.Unknown {
					continue // the hops end where the worlds part: what follows is not told
				}
				if !byAnEdit(fresh, is, plan.Edits) {
					t.Fatalf("seed %d: with %v %s turned from %s to %s, by no edit:\n%+v", seed, plan.Edits, p.t, was.Verdict, is.Verdict, is.Hops)
				}
			}
		}
	}
	t.Logf("%d questions, %d met by edits, %d packets fared differently, %d rules compared", asked, met, changed, compared)
	if met < 60 || changed < met/2 || compared < met {
		t.Errorf("of %d questions %d were met by edits, and %d packets fared differently: too few to show anything", asked, met, changed)
	}
}

type packet struct {
	from topology.Owner
	t    flow.Tuple
}

// packets are samples and, for each edit, packets at the boundaries of what it
// names: the addresses and ports just inside and just outside.
func packets(r *rand.Rand, n *topology.Network, samples []estategen.Sample, edits []edit.Edit) []packet {
	var out []packet
	var near []netip.Addr
	var ports []uint16
	for _, e := range edits {
		rule, ok := e.(edit.AddRule)
		if !ok {
			continue
		}
		for _, text := range slices.Concat(rule.Source, rule.Destination) {
			p, err := netip.ParsePrefix(text)
			if a, e := netip.ParseAddr(text); e == nil {
				p, err = netip.PrefixFrom(a, a.BitLen()), nil
			}
			if err != nil {
				continue
			}
			last := p.Addr()
			for range 1 << min(4, p.Addr().BitLen()-p.Bits()) {
				near = append(near, last)
				last = last.Next()
			}
			near = append(near, p.Addr().Prev(), last)
		}
		for _, p := range rule.Ports {
			ports = append(ports, p.First, p.Last, p.First-1, p.Last+1)
		}
	}
	if len(ports) == 0 {
		ports = []uint16{80, 443}
	}
	for _, x := range samples {
		if x.Configuration == nil || x.Kind == estategen.Inbound || !x.Configuration.PrivateIPAddress.IsValid() {
			continue
		}
		from := topology.Owner{Interface: n.Holder(x.Configuration), Configuration: x.Configuration}
		for i := range 6 {
			t := flow.Tuple{Protocol: x.Protocol, Source: flow.At(x.Configuration.PrivateIPAddress), SourcePort: 50000, Destination: flow.At(x.Destination), DestinationPort: x.DestinationPort}
			if i > 0 && len(near) > 0 {
				t.Destination = flow.At(near[r.IntN(len(near))])
			}
			if i > 2 && t.Protocol.HasPorts() {
				t.DestinationPort = ports[r.IntN(len(ports))]
			}
			if !t.Destination.IP.IsValid() || t.Destination.IP.Is4() != t.Source.IP.Is4() {
				continue
			}
			if !t.Protocol.HasPorts() {
				t.SourcePort, t.DestinationPort = 0, 0
			}
			out = append(out, packet{from, t})
		}
	}
	return out
}

// byAnEdit reports whether the packet, as it comes to a gate on its way, is of
// what an edit of that gate says.
func byAnEdit(s *sim.Simulator, a sim.Packet, edits []edit.Edit) bool {
	for _, h := range a.Hops {
		for _, e := range edits {
			if e.Target() == h.Element && matches(s, e, h.Packet) {
				return true
			}
		}
	}
	return false
}

// matches reports whether the packet is of what the edit says.
func matches(s *sim.Simulator, e edit.Edit, t flow.Tuple) bool {
	c := fix.Measure(s, e)
	in := func(x fix.Extent, a flow.Address) bool {
		// Whether the disputed space is in the tag Internet nobody can say.
		return !x.Known || !a.IP.IsValid() || x.Set().Contains(a.IP) || x.Text == "Internet" && scope.DisputedSpace().Contains(a.IP)
	}
	if rule, ok := e.(edit.AddRule); ok {
		port := len(rule.Ports) == 0 || slices.ContainsFunc(rule.Ports, func(p topology.PortRange) bool { return p.Contains(t.DestinationPort) })
		protocol := rule.Protocol == topology.AnyProtocol || rule.Protocol == t.Protocol
		return port && protocol && in(c.Source, t.Source) && in(c.Destination, t.Destination)
	}
	return in(c.Source, t.Source)
}
