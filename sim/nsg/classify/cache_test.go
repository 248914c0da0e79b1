package classify

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/netpath/netpath/topology"
)

func TestEqualListsShareAClassifier(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	w := newWorld(t, rng, 10)
	c := NewCache(w.table, 1<<20, Options{})
	rules := func(seed uint64) []Rule { return w.rules(rand.New(rand.NewPCG(seed, 3)), 20, 4) }
	add := func(r []Rule) *List {
		l, err := c.Add(r)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	a, b, other := add(rules(1)), add(rules(1)), add(rules(2))
	if a != b || a.Classifier() != b.Classifier() {
		t.Error("equal lists have two classifiers")
	}
	if a == other || a.Classifier() == other.Classifier() {
		t.Error("different lists have one classifier")
	}
}

// Each change makes a list that is not equal to the one before.
func TestAnyChangeMakesAnotherList(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	w := newWorld(t, rng, 10)
	c := NewCache(w.table, 1<<20, Options{})
	base := func() []Rule {
		m := Match{Protocols: AllProtocols, Source: In(1, 2), Destination: In(3),
			SourcePorts: []topology.PortRange{{First: 1, Last: 2}}, DestinationPorts: []topology.PortRange{{First: 3, Last: 4}}}
		return []Rule{{Outcome: 1, Must: []Match{m}}, {Outcome: 2, Must: []Match{everything()}}}
	}
	changes := []func(r []Rule) []Rule{
		func(r []Rule) []Rule { return r },
		func(r []Rule) []Rule { r[0].Outcome = 3; return r },
		func(r []Rule) []Rule { r[0].May, r[0].Must = r[0].Must, nil; return r },
		func(r []Rule) []Rule { r[0].Must[0].Protocols = 1 << topology.TCP; return r },
		func(r []Rule) []Rule { r[0].Must[0].Source = In(2, 1); return r },
		func(r []Rule) []Rule { r[0].Must[0].Source = In(1, 3); return r },
		func(r []Rule) []Rule { r[0].Must[0].Source.Any = true; return r },
		func(r []Rule) []Rule { m := &r[0].Must[0]; m.Source, m.Destination = m.Destination, m.Source; return r },
		func(r []Rule) []Rule { r[0].Must[0].SourcePorts[0].First = 0; return r },
		func(r []Rule) []Rule { r[0].Must[0].DestinationPorts[0].Last = 5; return r },
		func(r []Rule) []Rule {
			m := &r[0].Must[0]
			m.SourcePorts, m.DestinationPorts = m.DestinationPorts, m.SourcePorts
			return r
		},
		func(r []Rule) []Rule { return r[:1] },
		func(r []Rule) []Rule { return []Rule{r[1], r[0]} },
	}
	seen := map[*List]int{}
	for i, change := range changes {
		l, err := c.Add(change(base()))
		if err != nil {
			t.Fatal(err)
		}
		if j, ok := seen[l]; ok {
			t.Errorf("changes %d and %d make the same list", j, i)
		}
		seen[l] = i
	}
}

func TestListsWithTheSameHashAreComparedInFull(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	w := newWorld(t, rng, 10)
	c := NewCache(w.table, 1<<20, Options{})
	a, b := w.rules(rng, 5, 0), w.rules(rng, 6, 0)
	c.lists[hashOf(a)] = []*List{{cache: c, rules: b}} // as if the hashes were equal
	l, err := c.Add(a)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Rules()) != len(a) {
		t.Error("a list is taken for another one")
	}
}

func TestACacheOfManyListsKeepsItsLimitAndItsAnswers(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	w := newWorld(t, rng, 12)
	const limit = 400 << 10
	c := NewCache(w.table, limit, Options{})
	var lists []*List
	for range 100 {
		l, err := c.Add(w.rules(rng, 15, 4))
		if err != nil {
			t.Fatal(err)
		}
		lists = append(lists, l)
	}
	if c.MemorySize() != 0 {
		t.Errorf("%d bytes held before anything was asked", c.MemorySize())
	}
	var wait sync.WaitGroup
	for g := range uint64(4) {
		wait.Go(func() {
			rng := rand.New(rand.NewPCG(g, 7))
			for range 3000 {
				l := lists[rng.IntN(len(lists))]
				g := &golden{w.sets, l.Rules()}
				p := w.packet(rng)
				if got, want := l.Classifier().Verdict(p.protocol, p.source, p.destination), g.verdict(p); got != want {
					t.Errorf("%v: %+v, want %+v", p, got, want)
					return
				}
			}
		})
	}
	wait.Wait()
	if n := c.MemorySize(); n > limit || n < limit/2 {
		t.Errorf("%d bytes held, want at most %d, and not much less", n, limit)
	}
	held := 0
	for _, l := range lists {
		if x := l.compiled.Load(); x != nil {
			held += x.MemorySize()
		}
	}
	if held != c.MemorySize() {
		t.Errorf("%d bytes held, %d counted", held, c.MemorySize())
	}
}

func TestTheClassifierAskedLastStaysThoughItIsTooLarge(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	w := newWorld(t, rng, 12)
	c := NewCache(w.table, 1, Options{})
	for range 3 {
		l, err := c.Add(w.rules(rng, 15, 0))
		if err != nil {
			t.Fatal(err)
		}
		if first, again := l.Classifier(), l.Classifier(); first != again {
			t.Error("the classifier was made twice")
		}
	}
	if len(c.ring) != 1 {
		t.Errorf("%d classifiers in memory, want one", len(c.ring))
	}
}

func TestACacheRefusesARuleThatCannotBe(t *testing.T) {
	w := newWorld(t, rand.New(rand.NewPCG(1, 1)), 2)
	if _, err := NewCache(w.table, 1, Options{}).Add([]Rule{{Must: []Match{everything()}}}); err == nil {
		t.Error("no error")
	}
}

func TestACacheIsFilledToItsLimit(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	w := newWorld(t, rng, 12)
	var lists [3][]Rule
	var size [3]int
	for i := range lists {
		lists[i] = w.rules(rng, 15, 0)
		c, err := New(w.table, lists[i], Options{})
		if err != nil {
			t.Fatal(err)
		}
		size[i] = c.MemorySize()
	}
	all := size[0] + size[1] + size[2]
	for limit, want := range map[int]int{all: all, all - 1: size[1] + size[2]} {
		c := NewCache(w.table, limit, Options{})
		for _, rules := range lists {
			l, err := c.Add(rules)
			if err != nil {
				t.Fatal(err)
			}
			l.Classifier()
		}
		if got := c.MemorySize(); got != want {
			t.Errorf("%d bytes held of %d, want %d", got, limit, want)
		}
	}
}
