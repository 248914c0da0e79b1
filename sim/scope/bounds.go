package scope

import "go4.org/netipx"

// Bounds splits the addresses by what it takes to answer [Set.Has]: those in
// certain are members, for those in asked the world is asked, and the others
// are no members. local says that the addresses are on the own side of the
// gate that asks. Bounds says nothing of the ports of a platform tag.
func (s *Set) Bounds(local bool) (certain, asked *netipx.IPSet) {
	certain, asked = SetOf(), SetOf()
	if local && s.local {
		return everything(), asked
	}
	if s.tag != nil {
		return s.tag.bounds()
	}
	left := everything() // covered by no layer so far
	for i := range s.layers {
		l := &s.layers[i]
		here := left
		if l.where != nil {
			here = intersect(left, l.where)
		}
		switch {
		case !l.sure() || l.unless != nil:
			asked = union(asked, here)
		case l.member:
			certain = union(certain, here)
		}
		left = subtract(left, here)
	}
	return certain, asked
}

func (t *tagSet) bounds() (certain, asked *netipx.IPSet) {
	switch {
	case t.in != nil && t.names.stale == nil:
		return t.in.set(), SetOf()
	case t.in == nil && t.bound != nil:
		return SetOf(), t.bound
	default:
		return SetOf(), everything()
	}
}

// Everything is every address of both families.
func Everything() *netipx.IPSet { return everything() }
