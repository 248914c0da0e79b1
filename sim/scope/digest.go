package scope

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
)

// Digest tells sets apart by what they answer: two sets of one digest, of one
// estate or of two, answer every question alike in every world. The reverse
// does not hold: sets that answer alike may have different digests.
func (s *Set) Digest() string {
	h := sha256.New()
	addresses := func(x *netipx.IPSet) {
		if x == nil {
			fmt.Fprint(h, "everywhere;")
			return
		}
		for _, r := range x.Ranges() {
			fmt.Fprint(h, r, ",")
		}
		fmt.Fprint(h, ";")
	}
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
	fmt.Fprint(h, s.ports, s.local, s.expression)
	fact(s.inside)
	for i := range s.layers {
		l := &s.layers[i]
		fmt.Fprint(h, l.each, l.when, l.member, l.known)
		addresses(l.where)
		fact(l.fact)
		facts(l.all...)
		facts(l.unless...)
		fact(l.apart)
	}
	if t := s.tag; t != nil {
		fmt.Fprintf(h, "tag %q", strings.ToLower(t.name))
		addresses(t.bound)
		fact(t.names.stale)
		if t.in != nil {
			fmt.Fprint(h, "in")
			addresses(t.in.set())
		}
		if p := Parent(t.name); p != "" && (t.in == nil || t.names.stale != nil) {
			fmt.Fprint(h, t.names.Tag(p).Digest())
		}
	}
	return string(h.Sum(nil))
}
