package flow_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

func fact(about string) flow.Fact {
	return flow.Fact{Code: flow.UnknownTag, About: about, Text: about + " is not known", Export: "az " + about}
}

func assumption(about string) flow.Fact {
	return flow.Fact{Assumption: flow.NotSucceeded, About: about, Text: about + " is in effect"}
}

type walk = func(*flow.World) (bool, string)

func explore(f walk, waived func(flow.Fact) bool) flow.Result[string] { return flow.Explore(f, waived) }

// is makes a walk of a condition.
func is(f func(*flow.World) bool) walk {
	return func(w *flow.World) (bool, string) {
		if f(w) {
			return true, "allowed"
		}
		return false, "denied"
	}
}

func abouts(list []flow.Missing) (out []string) {
	for _, m := range list {
		out = append(out, m.About)
	}
	return out
}

func assumed(list []flow.Assumption) (out []string) {
	for _, a := range list {
		out = append(out, a.About)
	}
	return out
}

// verdicts.md: allowed in every world is Allow, denied in every world is Deny,
// both is Unknown, and what would settle it is a smallest set of facts.
func TestAVerdictIsTheSetOfTheOutcomesOfAllWorlds(t *testing.T) {
	holds := func(about string) func(*flow.World) bool {
		return func(w *flow.World) bool { return w.Holds(fact(about)) }
	}
	for _, x := range []struct {
		fact    string
		walk    walk
		verdict flow.Verdict
		missing []string
	}{
		{"a walk that asks nothing", is(func(*flow.World) bool { return true }), flow.Allow, nil},
		{"one that is always denied", is(func(*flow.World) bool { return false }), flow.Deny, nil},
		{"one that turns on a fact", is(holds("a")), flow.Unknown, []string{"a"}},
		{"one that asks and does not turn on it", is(func(w *flow.World) bool { return holds("a")(w) || true }), flow.Allow, nil},
		{"one fact in two places has one value", is(func(w *flow.World) bool { first := holds("a")(w); return first == holds("a")(w) }), flow.Allow, nil},
		{"two facts have two", is(func(w *flow.World) bool { return holds("a")(w) == holds("b")(w) }), flow.Unknown, []string{"a", "b"}},
		{"a fact that only matters after another", is(func(w *flow.World) bool { return holds("a")(w) && holds("b")(w) }), flow.Unknown, []string{"a", "b"}},
		{"a fact that does not bear on the outcome is not missing", is(func(w *flow.World) bool { holds("b")(w); return holds("a")(w) }), flow.Unknown, []string{"a"}},
		{"asked first or not", is(func(w *flow.World) bool { return holds("a")(w) && (holds("b")(w) || true) }), flow.Unknown, []string{"a"}},
		{"a fact of three values", is(func(w *flow.World) bool { return w.Ask(fact("a"), 3) != 2 }), flow.Unknown, []string{"a"}},
		{"whose third value does not matter", is(func(w *flow.World) bool { return w.Ask(fact("a"), 3) < 3 }), flow.Allow, nil},
		{"asked with two values and with three it is two facts", is(func(w *flow.World) bool { return !(w.Ask(fact("a"), 2) == 1 && w.Ask(fact("a"), 3) == 2) }), flow.Unknown, []string{"a"}},
		{"with three and with four too", is(func(w *flow.World) bool { return !(w.Ask(fact("a"), 3) == 0 && w.Ask(fact("a"), 4) == 3) }), flow.Unknown, []string{"a"}},
		{"a fact that matters by its third value alone", is(func(w *flow.World) bool { return w.Ask(fact("a"), 3) == 2 }), flow.Unknown, []string{"a"}},
		{"an assumption has its usual value", is(func(w *flow.World) bool { return w.Holds(assumption("a")) }), flow.Allow, nil},
	} {
		t.Run(x.fact, func(t *testing.T) {
			r := explore(x.walk, nil)
			if r.Verdict != x.verdict || r.Exhausted {
				t.Errorf("%v, want %v", r.Verdict, x.verdict)
			}
			if got := flow.VerdictOf(func(w *flow.World) bool { ok, _ := x.walk(w); return ok }); got != x.verdict {
				t.Errorf("the verdict alone is %v, want %v", got, x.verdict)
			}
			if d := cmp.Diff(x.missing, abouts(r.Missing)); d != "" {
				t.Error(d)
			}
			if r.Verdict == flow.Unknown && (r.Allowed != "allowed" || r.Denied != "denied" || r.Strict != flow.Unknown) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// That a walk turns on one fact is found by changing each in turn: in as many
// walks as there are values, not in all the worlds there are.
func TestTheVerdictAloneIsFoundSoonWhereOneFactDecides(t *testing.T) {
	walks := 0
	got := flow.VerdictOf(func(w *flow.World) bool {
		walks++
		for i := range 20 {
			w.Holds(fact(fmt.Sprint("f", i)))
		}
		return w.Ask(fact("last"), 3) != 2
	})
	if got != flow.Unknown || walks != 1+20+2 {
		t.Errorf("%v in %d walks", got, walks)
	}
}

func TestOneWorldIsThatOfTheUsualValuesButForOneAssumption(t *testing.T) {
	walk := func(w *flow.World) string {
		return fmt.Sprint(w.Ask(assumption("a"), 2), w.Ask(flow.Fact{Assumption: flow.DisksManaged, About: "b"}, 2), w.Ask(assumption("a"), 2))
	}
	for fails, want := range map[flow.AssumptionID]string{"": "0 0 0", flow.NotSucceeded: "1 0 1", flow.DisksManaged: "0 1 0"} {
		got, assumed, open := flow.One(walk, fails)
		if got != want || open || len(assumed) != 2 || assumed[0].About != "a" || assumed[1].About != "b" {
			t.Errorf("without %q: %s, assumed %v, open %v", fails, got, assumed, open)
		}
	}
	got, assumed, open := flow.One(func(w *flow.World) int { return w.Ask(fact("a"), 2) }, "")
	if got != 0 || len(assumed) != 0 || !open {
		t.Errorf("%d, assumed %v, open %v", got, assumed, open)
	}
}

func TestEveryCombinationOfTheFactsIsAWorld(t *testing.T) {
	var seen []string
	explore(func(w *flow.World) (bool, string) {
		s := fmt.Sprint(w.Ask(fact("a"), 2), w.Ask(fact("b"), 3), w.Ask(fact("c"), 2))
		seen = append(seen, s)
		return true, s
	}, nil)
	if len(seen) != 12 || len(slices.Compact(slices.Sorted(slices.Values(seen)))) != 12 {
		t.Errorf("%d worlds: %v", len(seen), seen)
	}
	if seen[0] != "0 0 0" {
		t.Errorf("the first world is %s, not that of the usual values", seen[0])
	}
}

func TestTheWalkOfTheUsualValuesIsNamed(t *testing.T) {
	r := explore(func(w *flow.World) (bool, string) {
		if w.Holds(fact("a")) {
			return false, "usual"
		}
		return true, fmt.Sprint("other ", w.Ask(fact("b"), 2))
	}, nil)
	if r.Walk != "usual" || r.Denied != "usual" || r.Allowed != "other 0" {
		t.Errorf("%+v", r)
	}
}

func TestOneMissingFactIsNamedOnce(t *testing.T) {
	r := explore(is(func(w *flow.World) bool {
		a, b := fact("a"), fact("a")
		a.Detail, b.Detail = "one", "two"
		return w.Holds(a) && w.Holds(b)
	}), nil)
	if len(r.Missing) != 1 || r.Missing[0] != (flow.Missing{Code: flow.UnknownTag, About: "a", Text: "a is not known", Export: "az a"}) {
		t.Errorf("%+v", r.Missing)
	}
}

// A region's tag is part of its parent's: one answer may imply another.
func TestTheValueOfAFactIsKnownOnceItWasAsked(t *testing.T) {
	child, parent := fact("child"), fact("parent")
	in := func(w *flow.World) (c, p bool) {
		c = w.Ask(child, 2) == 1
		if v, ok := w.Value(child); ok && v == 1 {
			return c, true
		}
		return c, w.Ask(parent, 2) == 1
	}
	if r := explore(is(func(w *flow.World) bool { c, p := in(w); return !c || p }), nil); r.Verdict != flow.Allow {
		t.Errorf("what is in the child is in the parent: %v", r.Verdict)
	}
	if r := explore(is(func(w *flow.World) bool { c, p := in(w); return c == p }), nil); r.Verdict != flow.Unknown {
		t.Errorf("what is in the parent need not be in the child: %v", r.Verdict)
	}
	first := true
	explore(is(func(w *flow.World) bool {
		if _, ok := w.Value(child); first && ok {
			t.Error("it has a value before it was asked")
		}
		first = false
		return w.Holds(child)
	}), nil)
}

// verdicts.md: listed is only what the answer rests on, each ID and resource
// once; strict is the verdict without what is not waived.
func TestAVerdictRestsOnAnAssumptionOnlyIfItWouldChangeWithoutIt(t *testing.T) {
	holds := func(w *flow.World, about string) bool { return w.Holds(assumption(about)) }
	waive := func(names ...string) func(flow.Fact) bool {
		return func(f flow.Fact) bool { return slices.Contains(names, f.About) }
	}
	for _, x := range []struct {
		fact    string
		walk    func(*flow.World) bool
		waived  func(flow.Fact) bool
		verdict flow.Verdict
		rests   []string
		strict  flow.Verdict
	}{
		{"it does", func(w *flow.World) bool { return holds(w, "a") }, nil, flow.Allow, []string{"a"}, flow.Unknown},
		{"a Deny does too", func(w *flow.World) bool { return !holds(w, "a") }, nil, flow.Deny, []string{"a"}, flow.Unknown},
		{"it was asked, and nothing turns on it", func(w *flow.World) bool { holds(w, "a"); return true }, nil, flow.Allow, nil, flow.Allow},
		{"waived, it counts as a fact, and is listed", func(w *flow.World) bool { return holds(w, "a") }, waive("a"), flow.Allow, []string{"a"}, flow.Allow},
		{"another waiver does not help", func(w *flow.World) bool { return holds(w, "a") }, waive("b"), flow.Allow, []string{"a"}, flow.Unknown},
		{"both of two must be waived", func(w *flow.World) bool { return holds(w, "a") && holds(w, "b") }, waive("a"), flow.Allow, []string{"a", "b"}, flow.Unknown},
		{"both are", func(w *flow.World) bool { return holds(w, "a") && holds(w, "b") }, waive("a", "b"), flow.Allow, []string{"a", "b"}, flow.Allow},
		{"of two that each suffice one is listed", func(w *flow.World) bool { return holds(w, "a") || holds(w, "b") }, nil, flow.Allow, []string{"b"}, flow.Unknown},
		{"one waiver then suffices", func(w *flow.World) bool { return holds(w, "a") || holds(w, "b") }, waive("a"), flow.Allow, []string{"b"}, flow.Allow},
		{"one behind another", func(w *flow.World) bool { return holds(w, "a") || (holds(w, "b") && holds(w, "c")) }, nil, flow.Allow, []string{"b", "c"}, flow.Unknown},
		{"one ID about one resource is listed once", func(w *flow.World) bool {
			x, y := assumption("a"), assumption("a")
			x.Detail, y.Detail = "one", "two"
			return w.Holds(x) && w.Holds(y)
		}, nil, flow.Allow, []string{"a"}, flow.Unknown},
		{"an Unknown rests on none", func(w *flow.World) bool { return holds(w, "a") && w.Holds(fact("x")) }, nil, flow.Unknown, nil, flow.Unknown},
		{"an assumption beside an open fact that does not matter", func(w *flow.World) bool { w.Holds(fact("x")); return holds(w, "a") }, nil, flow.Allow, []string{"a"}, flow.Unknown},
	} {
		t.Run(x.fact, func(t *testing.T) {
			r := explore(is(x.walk), x.waived)
			if r.Verdict != x.verdict || r.Strict != x.strict {
				t.Errorf("%v, strict %v; want %v, strict %v", r.Verdict, r.Strict, x.verdict, x.strict)
			}
			if d := cmp.Diff(x.rests, assumed(r.Assumptions)); d != "" {
				t.Error(d)
			}
			for _, a := range r.Assumptions {
				if a.ID != flow.NotSucceeded || a.Text != a.About+" is in effect" {
					t.Errorf("%+v", a)
				}
			}
		})
	}
}

// Beyond MaxWorlds worlds the answer is Unknown, never a guess.
func TestMoreFactsThanCanBeTriedAreUnknown(t *testing.T) {
	many := func(n int) walk {
		return is(func(w *flow.World) bool {
			for i := range n {
				w.Holds(fact(fmt.Sprint("f", i)))
			}
			return true
		})
	}
	if r := explore(many(12), nil); r.Verdict != flow.Allow || r.Exhausted { // 4096 worlds
		t.Errorf("%v in as many worlds as are tried", r.Verdict)
	}
	if r := explore(many(13), nil); r.Verdict != flow.Unknown || !r.Exhausted || r.Strict != flow.Unknown {
		t.Errorf("%v in twice as many, exhausted %v", r.Verdict, r.Exhausted)
	}
	// Then every fact asked is named.
	if r := explore(many(13), nil); len(r.Missing) != 13 {
		t.Errorf("%d of 13 facts are named", len(r.Missing))
	}
	// Of few leaves the smallest set is; of many, all.
	turning := func(n int) walk {
		return is(func(w *flow.World) bool {
			for i := range n {
				w.Holds(fact(fmt.Sprint("f", i)))
			}
			return w.Holds(fact("x"))
		})
	}
	if r := explore(turning(8), nil); len(r.Missing) != 1 { // 512 leaves
		t.Errorf("of 512 leaves %d facts are named", len(r.Missing))
	}
	if r := explore(turning(9), nil); len(r.Missing) != 10 {
		t.Errorf("of 1024 leaves %d facts are named", len(r.Missing))
	}
}

func TestFactsAreToldApartByCodeAssumptionResourceAndDetail(t *testing.T) {
	base := flow.Fact{Code: flow.UnknownTag, Assumption: flow.NotSucceeded, About: "a", Detail: "d", Text: "t", Export: "e"}
	same := base
	same.Text, same.Export = "other", "other"
	if base.Key() != same.Key() {
		t.Error("the text tells facts apart")
	}
	for _, change := range []func(*flow.Fact){
		func(f *flow.Fact) { f.Code = flow.ListCutCode }, func(f *flow.Fact) { f.Assumption = "" },
		func(f *flow.Fact) { f.About = "b" }, func(f *flow.Fact) { f.Detail = "b" },
	} {
		x := base
		change(&x)
		if x.Key() == base.Key() {
			t.Errorf("%+v has the key of %+v", x, base)
		}
	}
}

func TestAVerdictIsItsWord(t *testing.T) {
	if (flow.Verdict)(0) != flow.Unknown {
		t.Error("the zero value is not Unknown")
	}
	for v, word := range map[flow.Verdict]string{flow.Unknown: "Unknown", flow.Allow: "Allow", flow.Deny: "Deny", flow.Split: "Split", 99: "Unknown"} {
		b, err := json.Marshal(v)
		if v.String() != word || err != nil || string(b) != `"`+word+`"` {
			t.Errorf("%d is %q, in JSON %s %v", v, v.String(), b, err)
		}
		var back flow.Verdict
		if err := json.Unmarshal(b, &back); err != nil || v < 99 && back != v {
			t.Errorf("%s is read as %v, %v", b, back, err)
		}
	}
	v := flow.Allow
	if err := v.UnmarshalText([]byte("allow")); err == nil || err.Error() != `"allow" is not a verdict` {
		t.Errorf("%v", err)
	}
}

func TestAnAddressIsAnIPOrSomewhereInATag(t *testing.T) {
	four, six := flow.At(netip.MustParseAddr("10.0.0.4")), flow.At(netip.MustParseAddr("2001:db8::4"))
	tag, tag6 := flow.SomewhereIn("Storage", false), flow.SomewhereIn("Storage", true)
	for _, x := range []struct {
		a          flow.Address
		known, is6 bool
		text, key  string
	}{
		{four, true, false, "10.0.0.4", "10.0.0.4"},
		{six, true, true, "2001:db8::4", "2001:db8::4"},
		{tag, false, false, "some address of Storage", "storage"},
		{tag6, false, true, "some address of Storage", "storage"},
		{flow.Address{IP: four.IP, Tag: "Storage", V6: true}, true, false, "10.0.0.4", "10.0.0.4"},
	} {
		if x.a.Known() != x.known || x.a.Is6() != x.is6 || x.a.String() != x.text || x.a.Key() != x.key {
			t.Errorf("%+v: known %v, IPv6 %v, %q, key %q", x.a, x.a.Known(), x.a.Is6(), x.a, x.a.Key())
		}
	}
	p := flow.Tuple{Protocol: topology.TCP, Source: four, SourcePort: 50000, Destination: tag, DestinationPort: 443}
	if got := p.String(); got != "tcp 10.0.0.4:50000 > some address of Storage:443" {
		t.Error(got)
	}
	p.Protocol = topology.ICMP
	if got := p.String(); got != "icmp 10.0.0.4 > some address of Storage" {
		t.Error(got)
	}
}

func TestWhatIsSaidOfAnElementRestsOnItsStateAndItsProperties(t *testing.T) {
	if got := flow.ElementFacts(nil); got != nil {
		t.Errorf("nothing: %v", got)
	}
	for _, state := range []string{"", "Succeeded", "succeeded"} {
		if got := flow.ElementFacts(&topology.Element{Name: "x", ProvisioningState: state}); got != nil {
			t.Errorf("state %q: %v", state, got)
		}
	}
	e := &topology.Element{Name: "x", ResourceID: "/x", ProvisioningState: "Failed",
		NotModelled: []topology.Property{{Name: "one"}, {Name: "two"}}, Origin: topology.Origin{Pointer: "/p"}}
	got := flow.ElementFacts(e)
	want := []flow.Fact{
		{Assumption: flow.NotSucceeded, About: "x", Detail: "/x", Text: "x is taken to be in effect although its provisioning state is Failed"},
		{Assumption: flow.PropertyNotModelled, About: "x", Detail: "/x/p", Text: "properties of x that are not modelled do not matter: one, two"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
