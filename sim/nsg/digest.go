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

// Digest tells rules apart by their content, name and priority aside. Where
// something of the rule is not known, it is like itself only.
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
		fmt.Fprintf(h, "%q%q%q", r.unresolved, r.key, r.place)
	}
	for _, f := range flow.ElementFacts(r.element) {
		fmt.Fprintf(h, "%q", f.Key())
	}
	return string(h.Sum(nil))
}
