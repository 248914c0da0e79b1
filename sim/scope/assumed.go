package scope

import (
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
)

// Assumed is [Set.Bounds] in the worlds in which the assumptions that taken
// reports hold: those in certain are members in every such world, for those in
// asked it depends. rests are the assumptions that were taken. It says nothing
// of the ports of a platform tag.
func (s *Set) Assumed(local bool, taken func(flow.Fact) bool) (certain, asked *netipx.IPSet, rests []flow.Fact) {
	certain, asked = SetOf(), SetOf()
	if local && s.local {
		return everything(), asked, nil
	}
	if s.tag != nil {
		if f := s.tag.names.stale; s.tag.in != nil && f != nil && taken(*f) {
			return s.tag.in.set(), asked, []flow.Fact{*f}
		}
		certain, asked = s.tag.bounds()
		return certain, asked, nil
	}
	if len(s.layers) == 1 && s.layers[0].sure() && s.layers[0].where != nil && s.layers[0].unless == nil && s.layers[0].apart == nil && s.layers[0].member {
		return s.layers[0].where, asked, nil // as prefixes are written
	}
	take := func(f flow.Fact) bool {
		if f.Assumption == "" || !taken(f) {
			return false
		}
		rests = append(rests, f)
		return true
	}
	left := everything() // covered by no layer so far
	if local && s.inside != nil {
		if !take(*s.inside) {
			asked = PublicSpace()
		}
		left = subtract(left, PublicSpace())
	}
	for i := range s.layers {
		l := &s.layers[i]
		here := left
		if l.where != nil {
			here = intersect(left, l.where)
		}
		if isEmpty(here) {
			continue
		}
		decides, open := l.assumed(take)
		switch {
		case open:
			asked = union(asked, here)
		case !decides:
			continue
		case l.member:
			certain = union(certain, here)
		}
		left = subtract(left, here)
	}
	return certain, asked, rests
}

// assumed reports whether the layer decides for the addresses it covers, or
// whether that is open.
func (l *layer) assumed(take func(flow.Fact) bool) (decides, open bool) {
	if l.apart != nil {
		return false, !take(*l.apart)
	}
	if l.unless != nil {
		for _, f := range l.unless {
			if !take(f) {
				return false, true
			}
		}
		return false, false
	}
	for _, f := range l.all {
		if !take(f) {
			return false, true
		}
	}
	switch {
	case l.fact == nil:
		return true, false
	case take(*l.fact):
		return l.when == 0, false
	default:
		return false, true
	}
}

// TagName is the name of a service tag, in lower case, whose content is that of
// the catalogue or not known; "" for other sets.
func (s *Set) TagName() string {
	if s.tag == nil {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(s.tag.name))
}
