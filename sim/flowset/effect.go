package flowset

import (
	"math/bits"
	"slices"
)

// before are the entries that match for certain, come before the entry and are
// of no rule of the owner.
func (o *Order) before(entry, owner int) mask {
	m := slices.Clone(o.must)
	m.cutFrom(entry)
	for w, x := range o.own[owner] {
		m[w] &^= x
	}
	return m
}

// Empty reports whether the owner's rules match no packet of the space, not
// even perhaps.
func (o *Order) Empty(owner int) bool {
	for i := range o.asked[owner].each {
		if _, a := o.find(i, o.empty(), func(mask, mask, bool) verdict { return accept }); a != absent {
			return false
		}
	}
	return true
}

// Covering are the owners of which each alone, beside what has no owner,
// matches for certain whatever the owner's rules match or may match, before
// they do, in their order. It is of no use where they match nothing.
func (o *Order) Covering(owner int) []int {
	return slices.DeleteFunc(o.Touch(owner), func(other int) bool {
		_, hole := o.Hole(owner, func(x int) bool { return x == other })
		return hole
	})
}

// hole accepts packets that no entry matches for certain.
func hole(left, full mask, _ bool) verdict {
	switch {
	case full.first() >= 0:
		return prune
	case left.first() < 0:
		return accept
	}
	return split
}

// Hole looks for a packet that the owner's rules match or may match and none
// of the rules before them by an owner that by reports. Then owners are those
// whose rules before match it for certain, whether by reports them or not.
// nil reports every rule; those of no owner count in any case. In a list that
// is too intricate it says that there is a hole.
func (o *Order) Hole(owner int, by func(owner int) bool) (owners []int, found bool) {
	for i := range o.asked[owner].each {
		before := o.before(i, owner)
		among := before
		if by != nil {
			among = o.empty()
			for k := range before.each {
				if o.entries[k].owner < 0 || by(o.entries[k].owner) {
					among.set(k)
				}
			}
		}
		at, a := o.find(i, among, hole)
		switch a {
		case absent:
			continue
		case lost:
			return nil, true
		}
		room := o.empty()
		for level := range levels {
			if level >= sourcePort && o.s.portless(at[protocol]) {
				break
			}
			for w, x := range o.tracks[level].holds(at[level], room) {
				before[w] &= x
			}
		}
		for k := range before.each {
			if of := o.entries[k].owner; of >= 0 && !slices.Contains(owners, of) {
				owners = append(owners, of)
			}
		}
		return owners, true
	}
	return nil, false
}

// Matters looks for a packet that may fare otherwise without the owner's
// rules: they match it, perhaps, no rule before them does for certain, and of
// the rules after them one that may decide does the other thing. All rules of
// the owner must do the same thing. In a list that is too intricate it says that
// there is such a packet.
func (o *Order) Matters(owner int) (Packet, bool) {
	for i := range o.asked[owner].each {
		among, against := o.before(i, owner), o.empty()
		for k := i + 1; k < len(o.entries); k++ {
			if e := &o.entries[k]; e.owner != owner {
				among.set(k)
				if e.allow != o.entries[i].allow {
					against.set(k)
				}
			}
		}
		if at, a := o.find(i, among, func(left, full mask, last bool) verdict { return o.fate(i, against, left, full, last) }); a != absent {
			return o.packet(at), true
		}
	}
	return Packet{}, false
}

// fate accepts packets that no entry before the one at i decides, and that one
// of those against it, after it, may decide.
func (o *Order) fate(i int, against, left, full mask, last bool) verdict {
	decided := false
	for w, x := range full {
		if x &= o.must[w]; x == 0 {
			continue
		}
		k := w*64 + bits.TrailingZeros64(x)
		if k < i {
			return prune
		}
		left.cutFrom(k + 1)
		decided = true
		break
	}
	otherwise := !decided
	for w, x := range left {
		otherwise = otherwise || x&against[w] != 0
	}
	switch {
	case !otherwise:
		return prune
	case last:
		return accept
	}
	return split
}

// Meets looks for a packet that a rule of one owner decides for certain, and
// that a rule of the other, which comes after it, would match for certain.
func (o *Order) Meets(one, other int) (Packet, bool) {
	for i := range o.asked[one].each {
		if !o.must.has(i) {
			continue
		}
		for k := range o.asked[other].each {
			if k < i || !o.must.has(k) {
				continue
			}
			among := o.empty() // also what may match before: it would leave it open
			for n := range i {
				among.set(n)
			}
			among.set(k)
			at, a := o.find(i, among, func(left, full mask, _ bool) verdict {
				n := full.first()
				switch {
				case !left.has(k), n >= 0 && n != k:
					return prune
				case n == k && left.first() == k:
					return accept
				}
				return split
			})
			if a == found {
				return o.packet(at), true
			}
		}
	}
	return Packet{}, false
}

// Decides looks for a packet that the owner's rules match or may match, and
// that a rule of the other decides for certain where these are left out.
func (o *Order) Decides(owner, other int) (Packet, bool) {
	for i := range o.asked[owner].each {
		for k := range o.asked[other].each {
			if !o.must.has(k) {
				continue
			}
			among := o.empty()
			for n := range k + 1 {
				if !o.own[owner].has(n) {
					among.set(n)
				}
			}
			at, a := o.find(i, among, func(left, full mask, _ bool) verdict {
				n := full.first()
				switch {
				case !left.has(k), n >= 0 && n != k:
					return prune
				case n == k && left.first() == k:
					return accept
				}
				return split
			})
			if a == found {
				return o.packet(at), true
			}
		}
	}
	return Packet{}, false
}

// Within reports whether rules of the other owner match for certain all that
// those of the one match or may match, wherever they stand. Where they are too
// intricate it says so.
func (o *Order) Within(one, other int) bool {
	among := o.empty()
	for w := range among {
		among[w] = o.own[other][w] & o.must[w]
	}
	for i := range o.asked[one].each {
		if _, a := o.find(i, among, hole); a == found {
			return false
		}
	}
	return true
}

// Touch are the owners whose rules have, perhaps, a packet in common with
// those of the owner, in order.
func (o *Order) Touch(owner int) []int {
	in, room := make([]bool, len(o.own)), o.empty()
	for i := range o.asked[owner].each {
		e := &o.entries[i]
		for _, kind := range o.hunted(protocol, e) {
			touch := slices.Clone(o.tracks[protocol].holds(kind, room))
			for level := source; level < levels && (level < sourcePort || !o.s.portless(kind)); level++ {
				meets := o.empty()
				for _, c := range o.hunted(level, e) {
					for w, x := range o.tracks[level].holds(c, room) {
						meets[w] |= x
					}
				}
				for w := range touch {
					touch[w] &= meets[w]
				}
			}
			for k := range touch.each {
				if of := o.entries[k].owner; of >= 0 && of != owner {
					in[of] = true
				}
			}
		}
	}
	var out []int
	for i, ok := range in {
		if ok {
			out = append(out, i)
		}
	}
	return out
}
