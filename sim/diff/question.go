package diff

import (
	"math/big"
	"net/netip"
	"slices"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// question compares what gates do in one direction and one family.
type question struct {
	c         *comparison
	where     string
	direction topology.Direction
	v6        bool
	gates     [2][]*nsg.Gate // of each side, in the order in which they are asked
	open      [2]bool        // what the side does is not known at all
	cautious  bool           // the sets may leave open what IP flow decides
	places    [2]*scope.Place
	hosts     []netip.Addr
	space     *nsg.Space
	prefer    []flowset.Set // packets that witnesses are taken from, if they can be
	parts     [2]flowset.Parts
	ask       func(side int, p flowset.Packet) (Decision, error)
	names     *namer

	// Of chains: the gates in the order in which a packet meets them, their
	// places in the space, and of what is undecided on both sides the part that
	// a gate bears on which only one side has.
	order func(side int, p flowset.Packet) []*nsg.Gate
	index map[*nsg.Gate]int
	bears func(flowset.Set) (set flowset.Set, mayAllow, mayDeny bool)
}

// number is the place of a side's gate in the space.
func (q *question) number(side, i int) int {
	if side == 1 {
		i += len(q.gates[0])
	}
	return i
}

// changes are the packets whose verdict differs, kind by kind.
func (q *question) changes() ([]Change, error) {
	a, b := q.parts[0], q.parts[1]
	q.names = newNamer(q)
	still, mayAllow, mayDeny := q.otherwise(b.Open.Intersect(a.Open))
	var out []Change
	for _, x := range []struct {
		kind          Kind
		before, after flow.Verdict
		set           flowset.Set
	}{
		{NewlyAllowed, flow.Deny, flow.Allow, b.Allowed.Intersect(a.Denied)},
		{NewlyDenied, flow.Allow, flow.Deny, b.Denied.Intersect(a.Allowed)},
		{NewlyUndecided, flow.Deny, flow.Unknown, b.Open.Intersect(a.Denied)},
		{NewlyUndecided, flow.Allow, flow.Unknown, b.Open.Intersect(a.Allowed)},
		{NowAllowed, flow.Unknown, flow.Allow, b.Allowed.Intersect(a.Open)},
		{NowDenied, flow.Unknown, flow.Deny, b.Denied.Intersect(a.Open)},
		{StillUndecided, flow.Unknown, flow.Unknown, still},
	} {
		if x.set.Empty() {
			continue
		}
		c := Change{Kind: x.kind, Before: x.before, After: x.after, Direction: q.direction, V6: q.v6, Size: x.set.Size()}
		switch {
		case x.kind == StillUndecided:
			c.MayAllow, c.MayDeny = mayAllow, mayDeny
		default:
			c.MayAllow = x.before != flow.Allow && x.after != flow.Deny
			c.MayDeny = x.before != flow.Deny && x.after != flow.Allow
		}
		c, err := q.change(c, x.set)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// otherwise is the part of what is undecided on both sides that meets a rule
// which only one side has: only there may the verdict change. A rule that
// allows, added, and one that denies, taken away, can only allow more.
func (q *question) otherwise(both flowset.Set) (set flowset.Set, mayAllow, mayDeny bool) {
	switch {
	case both.Empty() || q.open[0] || q.open[1] || q.bears == nil && len(q.gates[0]) != len(q.gates[1]):
		return both, true, true
	case q.bears != nil:
		return q.bears(both)
	}
	set = q.space.None()
	for i := range q.gates[0] {
		old, new, all := nsg.Differences(q.gates[0][i], q.gates[1][i], q.c.sets)
		if all {
			return both, true, true
		}
		for side, rules := range [][]*nsg.Rule{old, new} {
			for _, r := range rules {
				met := both.Intersect(q.space.Matched(q.number(side, i), r))
				if met.Empty() {
					continue
				}
				set = set.Union(met)
				mayAllow = mayAllow || (r.Access != topology.Deny) == (side == 1) || r.Access == topology.NoAccess
				mayDeny = mayDeny || (r.Access != topology.Deny) == (side == 0) || r.Access == topology.NoAccess
			}
		}
	}
	return set, mayAllow, mayDeny
}

// change takes a set apart by the rules that decide, as far as parts are kept.
func (q *question) change(c Change, all flowset.Set) (Change, error) {
	rest := all
	for len(c.Parts) < q.c.opts.Parts {
		w, ok := q.witness(rest)
		if !ok {
			break
		}
		one := rest
		for side := range q.gates {
			one = one.Intersect(q.alike(side, w))
		}
		if !one.Has(w) {
			one = rest
		}
		p, err := q.part(one, w)
		if err != nil {
			return c, err
		}
		c.Parts = append(c.Parts, p)
		rest = rest.Without(one)
	}
	c.Rest = rest.Size()
	return c, nil
}

// witness is a packet of the set, one that a machine at the place may send or
// receive where it has such.
func (q *question) witness(set flowset.Set) (flowset.Packet, bool) {
	for _, x := range q.prefer {
		if w, ok := set.Intersect(x).Witness(); ok {
			return w, true
		}
	}
	return set.Witness()
}

// alike are the packets that the rules match which decide a packet on a side.
func (q *question) alike(side int, p flowset.Packet) flowset.Set {
	out := q.space.All()
	if q.open[side] {
		return out
	}
	t := tuple(p)
	gates := q.gates[side]
	if q.order != nil {
		gates = q.order(side, p)
	}
	for i, g := range gates {
		n := q.number(side, i)
		if q.order != nil {
			n = q.index[g]
		}
		r := flow.Explore(func(w *flow.World) (bool, nsg.Decision) {
			d := g.RuleByRule(w, t)
			return d.Access != topology.Deny, d
		}, nil)
		decisions := []nsg.Decision{r.Walk}
		if r.Verdict == flow.Unknown {
			decisions = []nsg.Decision{r.Allowed, r.Denied}
		}
		met := q.space.None()
		for _, d := range decisions {
			if d.Rule == nil {
				met = q.space.All()
				break
			}
			met = met.Union(q.space.Matched(n, d.Rule))
		}
		switch {
		case r.Verdict == flow.Deny:
			return met // the gates before it let the packet through, whatever rule did
		case r.Verdict == flow.Allow && r.Walk.Access == topology.AlwaysAllow:
			return out.Intersect(met)
		}
		out = out.Intersect(met)
	}
	return out
}

func tuple(p flowset.Packet) flow.Tuple {
	return flow.Tuple{Protocol: p.Protocol, Source: flow.At(p.Source), SourcePort: p.SourcePort, Destination: flow.At(p.Destination), DestinationPort: p.DestinationPort}
}

// part describes packets and asks both sides about their witness.
func (q *question) part(set flowset.Set, w flowset.Packet) (Part, error) {
	p := Part{Size: set.Size(), Witness: w}
	for b := range set.Boxes {
		if len(p.Boxes) == q.c.opts.Boxes {
			p.More = true
			break
		}
		p.Boxes = append(p.Boxes, q.names.box(b))
	}
	for side, d := range []*Decision{&p.Old, &p.New} {
		var err error
		if *d, err = q.ask(side, w); err != nil {
			return p, err
		}
		want := verdictOf(q.parts[side], w)
		if want != d.Verdict && !(q.cautious && want == flow.Unknown) {
			return p, disagreement(q.where, w, want, d.Verdict)
		}
	}
	return p, nil
}

// decisionOf is an answer in short.
func decisionOf(a *sim.IPFlow, err error) (Decision, error) {
	if err != nil {
		return Decision{}, err
	}
	d := Decision{Verdict: a.Access, NetworkSecurityGroup: a.NetworkSecurityGroup, Priority: a.Priority, Assumptions: a.Assumptions, Missing: a.Missing}
	if a.RuleName != nil {
		d.RuleName = *a.RuleName
	}
	if len(a.Codes) > 0 {
		d.Code = a.Codes[0]
	}
	for _, h := range slices.Backward(a.Hops) {
		if d.RuleName != "" && h.RuleName == d.RuleName && h.Verdict == a.Access || d.RuleName == "" && h.Code == d.Code {
			d.AppliedTo, d.Default, d.Origin = h.AppliedTo, h.Default, h.Origin
			break
		}
	}
	return d, nil
}

// Packets is a number of packets in words: "1 packet", "65,536 packets",
// "about 1.8 × 10^19 packets".
func Packets(n *big.Int) string {
	if n.IsInt64() && n.Int64() == 1 {
		return "1 packet"
	}
	return Count(n) + " packets"
}

// Count is a number in words: exact below ten million.
func Count(n *big.Int) string {
	s := n.String()
	if len(s) <= 7 {
		for i := len(s) - 3; i > 0; i -= 3 {
			s = s[:i] + "," + s[i:]
		}
		return s
	}
	units := []struct {
		digits int
		word   string
	}{{7, "million"}, {10, "billion"}, {13, "trillion"}}
	for _, u := range units {
		if len(s) < u.digits+3 {
			return "about " + decimal(s, len(s)-u.digits+1) + " " + u.word
		}
	}
	return "about " + decimal(s, 1) + " × 10^" + big.NewInt(int64(len(s)-1)).String()
}

// decimal is the first digits of a number with one more behind a point.
func decimal(s string, whole int) string {
	return s[:whole] + "." + s[whole:whole+1]
}
