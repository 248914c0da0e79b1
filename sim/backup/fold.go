package backup

import (
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
)

// met is what a verdict of the network means for a machine.
func met(v flow.Verdict) Verdict {
	switch v {
	case flow.Allow:
		return Pass
	case flow.Deny, flow.Split:
		return Fail
	default:
		return Unknown
	}
}

// worse is the verdict of two things that must both pass.
func worse(a, b Verdict) Verdict {
	switch {
	case a == Fail || b == Fail:
		return Fail
	case a == Unknown || b == Unknown:
		return Unknown
	default:
		return Pass
	}
}

// granted is the verdict of an outcome with the assumptions that strict mode
// did not accept.
func granted(o *sim.Outcome) flow.Verdict {
	var v flow.Verdict
	if o.UnderAssumptions == "" || v.UnmarshalText([]byte(o.UnderAssumptions)) != nil {
		return o.Verdict
	}
	return v
}

// fold says what the answer about a destination means: Fail where a part is
// certainly denied, else Unknown where a part is undecided (verdicts.md 11).
// under is the same with the assumptions of strict mode granted.
func fold(t *sim.Trace) (v, under Verdict) {
	if len(t.Parts) == 0 {
		return met(t.Verdict), met(granted(&t.Outcome))
	}
	v, under = Pass, Pass
	open := false
	for i := range t.Parts {
		o := &t.Parts[i].Outcome
		v, under = worse(v, met(o.Verdict)), worse(under, met(granted(o)))
		open = open || o.Verdict == flow.Unknown
	}
	if t.Verdict == flow.Unknown && (!open || t.AnyAllow && t.AnyDeny) {
		// The parts are decided; the whole rests on what strict mode does not
		// accept.
		v = Unknown
	}
	return v, under
}

// part is one outcome of an answer with the addresses it is about.
type part struct {
	*sim.Outcome
	to []netip.Prefix // empty: the whole destination
}

// partsOf are the outcomes of an answer, one for an answer that is not
// divided.
func partsOf(t *sim.Trace) []part {
	if len(t.Parts) == 0 {
		return []part{{Outcome: &t.Outcome}}
	}
	out := make([]part, len(t.Parts))
	for i := range t.Parts {
		out[i] = part{&t.Parts[i].Outcome, t.Parts[i].Destination}
	}
	return out
}

// decisivePart is the part that decides the verdict: the first that is denied,
// else the first that is not decided, else the first.
func decisivePart(t *sim.Trace) part {
	parts := partsOf(t)
	for _, v := range []flow.Verdict{flow.Deny, flow.Unknown} {
		for _, p := range parts {
			if p.Verdict == v {
				return p
			}
		}
	}
	return parts[0]
}

// coverage says how many of the destination's prefixes pass, nil where they
// are not known.
func coverage(t *sim.Trace, prefixes []netip.Prefix) *Coverage {
	if len(prefixes) == 0 {
		return nil
	}
	c := &Coverage{Prefixes: len(prefixes)}
	if len(t.Parts) == 0 && t.Verdict == flow.Allow {
		c.Allowed = len(prefixes)
		return c
	}
	var allowed, denied, open netipx.IPSetBuilder
	for _, p := range partsOf(t) {
		b := &open
		switch p.Verdict {
		case flow.Allow:
			b = &allowed
		case flow.Deny:
			b = &denied
		}
		to := p.to
		if len(to) == 0 {
			to = prefixes
		}
		for _, x := range to {
			b.AddPrefix(x)
		}
	}
	c.Denied, c.Unknown = spelled(&denied), spelled(&open)
	passes := rangesOf(&allowed)
	for _, p := range prefixes {
		if passes.hold(p) {
			c.Allowed++
		}
	}
	return c
}

func spelled(b *netipx.IPSetBuilder) []netip.Prefix {
	set, _ := b.IPSet()
	return set.Prefixes()
}

// ranges are the ranges of a set of addresses, in order.
type ranges []netipx.IPRange

func rangesOf(b *netipx.IPSetBuilder) ranges {
	set, _ := b.IPSet()
	return set.Ranges()
}

// hold reports whether every address of the prefix is in the ranges.
func (r ranges) hold(p netip.Prefix) bool {
	x := netipx.RangeOfPrefix(p)
	i, _ := slices.BinarySearchFunc(r, x.From(), func(y netipx.IPRange, a netip.Addr) int { return y.To().Compare(a) })
	return i < len(r) && r[i].From().Compare(x.From()) <= 0 && x.To().Compare(r[i].To()) <= 0
}
