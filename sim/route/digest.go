package route

import (
	"crypto/sha256"
	"fmt"

	"github.com/netpath/netpath/sim/flow"
)

// Digest tells tables apart by what they choose: two tables of one digest, of
// one estate or of two, choose the same next hop for every address in every
// world.
func (t *Table) Digest() string {
	h := sha256.New()
	facts := func(list ...flow.Fact) {
		for _, f := range list {
			fmt.Fprintf(h, "%q,", f.Key())
		}
		fmt.Fprint(h, ";")
	}
	fact := func(f *flow.Fact) {
		if f != nil {
			facts(*f)
		}
		fmt.Fprint(h, ";")
	}
	for _, r := range t.Routes {
		fmt.Fprintf(h, "%s %s %q %q %s %t %d %t %t %d %q;", r.Source, r.Prefix, r.Tag, r.NextHop, r.NextHopIP, r.Active, r.when, r.each, r.protected, r.rank, r.Gateway)
		if r.set != nil {
			fmt.Fprintf(h, "%x %s;", r.set.Digest(), r.lengths)
		}
		if r.Peering != nil {
			fmt.Fprintf(h, "over %s;", r.Peering.RemoteVirtualNetwork.ID())
		}
		if r.Endpoint != nil {
			fmt.Fprintf(h, "to %s;", r.Endpoint.ID())
		}
		fact(r.fact)
		fact(r.partial)
		facts(r.unsure...)
		facts(flow.ElementFacts(r.element)...)
		facts(flow.ElementFacts(r.far)...)
	}
	fact(t.dangling)
	facts(t.facts...)
	for _, f := range t.unresolved {
		fact(f)
	}
	for _, x := range t.hidden {
		fmt.Fprint(h, x.where.Ranges())
		fact(&x.fact)
	}
	fact(t.missing)
	fact(t.missingPub)
	return string(h.Sum(nil))
}
