package oracle

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

var asOf = Options{AsOf: estategen.CatalogueDate}

// answerSample puts a generated sample to the oracle.
func answerSample(o *Oracle, s estategen.Sample) Answer {
	t := flow.Tuple{
		Protocol: s.Protocol, Source: flow.At(s.Source), SourcePort: s.SourcePort,
		Destination: flow.At(s.Destination), DestinationPort: s.DestinationPort,
	}
	if s.DestinationTag != "" {
		t.Destination = flow.SomewhereIn(s.DestinationTag, s.Source.Is6())
	}
	switch s.Kind {
	case estategen.GroupAlone:
		return o.IPFlow(Place{Group: s.Group}, s.Direction, t)
	case estategen.Outbound, estategen.Inbound:
		return o.IPFlow(Place{Configuration: s.Configuration}, s.Direction, t)
	default:
		return o.Trace(Question{From: s.Configuration, Packet: t})
	}
}

// sampled is a generated estate with packets to ask about.
type sampled struct {
	seed    uint64
	network *topology.Network
	samples []estategen.Sample
}

func estates(seeds, samples int, without estategen.Feature) []sampled {
	list := make([]sampled, seeds)
	for i := range list {
		seed := uint64(i)
		n, s := estategen.Random(rand.New(rand.NewPCG(seed, 2)), estategen.Options{Samples: samples, Without: without})
		list[i] = sampled{seed, n, s}
	}
	return list
}

// A strict verdict is the verdict or Unknown, and it differs exactly where an
// assumption is named.
func TestStrictVerdictsOnlyWithdraw(t *testing.T) {
	beyond, total := 0, 0
	for _, e := range estates(250, 20, 0) {
		o := New(e.network, asOf)
		for _, s := range e.samples {
			a := answerSample(o, s)
			total++
			if a.Beyond {
				beyond++
				continue
			}
			if a.Strict != a.Verdict && (a.Strict != flow.Unknown || len(a.Assumptions) == 0) ||
				a.Strict == a.Verdict && len(a.Assumptions) > 0 {
				t.Errorf("seed %d, %s: %v, strict %v, assumptions %v", e.seed, s, a.Verdict, a.Strict, a.Assumptions)
			}
			if a.Verdict != flow.Unknown && !a.Refused && a.Code == "" {
				t.Errorf("seed %d, %s: %v without a code", e.seed, s, a.Verdict)
			}
		}
	}
	if beyond*1000 > total {
		t.Errorf("%d of %d questions have too many completions", beyond, total)
	}
}

// Estates without any doubtful feature still have next hops that nobody owns
// and the like, but most verdicts are certain.
func TestFeaturesOfDoubtAreWhatMakesDoubt(t *testing.T) {
	unknown, total := 0, 0
	for _, e := range estates(200, 20, estategen.All&^estategen.Certain) {
		o := New(e.network, asOf)
		for _, s := range e.samples {
			if s.Kind == estategen.GroupAlone { // without its network much is unknown
				continue
			}
			total++
			if answerSample(o, s).Verdict == flow.Unknown {
				unknown++
			}
		}
	}
	if unknown*10 > total {
		t.Errorf("%d of %d verdicts are Unknown", unknown, total)
	}
}

// Monotone: an element less may turn a certain answer into Unknown, never into
// the other one. Left out are elements whose absence is itself an answer:
// admin rules and what only a guest says (scope), public IPs (an address of
// the Internet is not known to be one of the estate's), and virtual networks
// (a peering to one that is not in the data is believed, bad-inputs 120).
func TestRemovalNeverFlipsACertainAnswer(t *testing.T) {
	for _, e := range estates(25, 20, estategen.HostFirewalls|estategen.Proxies) {
		before := make([]Answer, len(e.samples))
		o := New(e.network, asOf)
		for i, s := range e.samples {
			before[i] = answerSample(o, s)
		}
		var all []topology.Any
		for x := range e.network.All {
			all = append(all, x)
		}
		try := func(what string, data topology.Data, elements []topology.Any) {
			m, err := topology.NewNetwork(data, elements...)
			if err != nil {
				t.Fatal(err)
			}
			p := New(m, asOf)
			for i, s := range e.samples {
				if s.Configuration != nil && p.endpointOf[s.Configuration] == nil || s.Group != nil && p.groups[s.Group.ID()] == nil {
					continue
				}
				a, b := answerSample(p, s), before[i]
				if a.Strict != flow.Unknown && b.Strict != flow.Unknown && a.Strict != b.Strict && !a.Refused && !b.Refused && !a.Beyond && !b.Beyond {
					t.Errorf("seed %d, %s: %v %s, without %s %v %s", e.seed, s, b.Strict, b.Code, what, a.Strict, a.Code)
				}
			}
		}
		data := topology.Data{ServiceTags: e.network.ServiceTags, Gaps: e.network.Gaps}
		for i, x := range all {
			switch x.(type) {
			case *topology.AdminRule, *topology.PublicIPAddress, *topology.VirtualNetwork:
				continue
			}
			rest := append(append([]topology.Any{}, all[:i]...), all[i+1:]...)
			try(fmt.Sprintf("%T %s", x, x.Base().Name), data, rest)
		}
		try("the service tag file", topology.Data{Gaps: e.network.Gaps}, all)
	}
}

// The completions of dependent questions are all there are, each once.
func TestWorldEnumeratesEveryCompletion(t *testing.T) {
	seen := map[string]int{}
	w := &world{strict: true}
	for {
		s := ""
		if w.maybe("", "a") {
			s += "a"
			s += fmt.Sprint(w.pick("", "three", 3))
		}
		if !w.holds(flow.SMTPNotBlocked, "x") {
			s += "x"
		}
		if w.maybe("", "a") {
			s += "a" // the same question has the same answer
		}
		seen[s]++
		if !w.next() {
			break
		}
	}
	want := []string{"", "x", "a0a", "a1a", "a2a", "a0xa", "a1xa", "a2xa"}
	if len(seen) != len(want) {
		t.Fatalf("completions %v, want %q", seen, want)
	}
	for _, s := range want {
		if seen[s] != 1 {
			t.Errorf("completion %q came %d times", s, seen[s])
		}
	}
}

func BenchmarkVerdictWithoutUnknowns(b *testing.B) {
	type question struct {
		o *Oracle
		s estategen.Sample
	}
	var list []question
	for _, e := range estates(50, 20, estategen.All&^estategen.Certain) {
		o := New(e.network, asOf)
		for _, s := range e.samples {
			if a := answerSample(o, s); len(a.Unknowns) == 0 && a.Strict == a.Verdict {
				list = append(list, question{o, s})
			}
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		q := list[i%len(list)]
		answerSample(q.o, q.s)
	}
}
