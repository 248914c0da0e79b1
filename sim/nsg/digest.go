package nsg

import (
	"crypto/sha256"
	"fmt"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
)

// Digests remembers the digests of sets, so that each is made once. It is not
// safe for concurrent use.
type Digests map[*scope.Set]string

func (x Digests) of(s *scope.Set) string {
	d, ok := x[s]
	if !ok {
		d = s.Digest()
		x[s] = d
	}
	return d
}

// Digest tells gates apart by what they decide: two gates of one digest, of
// one estate or of two, do the same with every packet in every world, by rules
// of the same content in the same order. Names and priorities do not count.
func (g *Gate) Digest(sets Digests) string {
	h := sha256.New()
	fmt.Fprint(h, g.Direction, g.NSG == nil)
	for _, list := range [][]*Rule{g.floating, g.Rules, g.altered} {
		for i, r := range list {
			fmt.Fprint(h, i > 0 && list[i-1].Priority == r.Priority)
			h.Write([]byte(r.Digest(sets)))
		}
		fmt.Fprint(h, "|")
	}
	return string(h.Sum(nil))
}

// Digest tells rules apart by their content, name and priority aside. A
// property that is an expression is the same in rules of one name.
func (r *Rule) Digest(sets Digests) string {
	h := sha256.New()
	fmt.Fprint(h, r.Access, r.Protocol)
	for _, s := range []*Side{&r.Source, &r.Destination} {
		fmt.Fprint(h, s.Ports, s.unresolved, s.Explicit)
		for _, x := range s.Sets {
			h.Write([]byte(sets.of(x)))
		}
	}
	if len(r.unresolved) > 0 || r.Source.unresolved || r.Destination.unresolved {
		fmt.Fprintf(h, "%q%q", r.unresolved, r.Name)
	}
	for _, f := range flow.ElementFacts(r.element) {
		fmt.Fprintf(h, "%q", f.Key())
	}
	return string(h.Sum(nil))
}

// Differences are the rules of each gate that the other has not, or has in
// another order: without them both lists are the same. all says that the gates
// differ in more than such rules.
func Differences(a, b *Gate, sets Digests) (ofA, ofB []*Rule, all bool) {
	tail := func(g *Gate) string {
		x := &Gate{NSG: g.NSG, floating: g.floating, altered: g.altered}
		return x.Digest(sets)
	}
	digests := func(g *Gate) []string {
		out := make([]string, len(g.Rules))
		for i, r := range g.Rules {
			out[i] = fmt.Sprint(g.alone(i)) + r.Digest(sets)
		}
		return out
	}
	x, y := digests(a), digests(b)
	// kept[i][j] is the length of the longest list that x from i and y from j
	// have in common.
	kept := make([][]int32, len(x)+1)
	for i := range kept {
		kept[i] = make([]int32, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			kept[i][j] = max(kept[i+1][j], kept[i][j+1])
			if x[i] == y[j] {
				kept[i][j] = kept[i+1][j+1] + 1
			}
		}
	}
	i, j := 0, 0
	for i < len(x) || j < len(y) {
		switch {
		case i < len(x) && j < len(y) && x[i] == y[j]:
			i, j = i+1, j+1
		case j == len(y) || i < len(x) && kept[i+1][j] >= kept[i][j+1]:
			ofA = append(ofA, a.Rules[i])
			i++
		default:
			ofB = append(ofB, b.Rules[j])
			j++
		}
	}
	return ofA, ofB, tail(a) != tail(b)
}
