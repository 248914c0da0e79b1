package oracle

import (
	"net/netip"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// Answer is the answer to one question about one packet.
type Answer struct {
	Verdict flow.Verdict // every assumption holds
	Strict  flow.Verdict // no assumption is made

	// What decided, where nothing unknown is there and every assumption holds.
	Decider
	Route  Route  // trace: the first route taken
	Egress Egress // trace: how the packet left to the Internet

	// Deciders are all the deciders that some completion of the data has (the
	// first is Decider). Where the verdict is Unknown they may be incomplete.
	Deciders []Decider

	// Assumptions are those the verdict rests on: without them it would
	// change. Empty exactly where Strict equals Verdict.
	Assumptions []flow.Assumption

	Unknowns []string    // the keys of the open questions that were met
	Codes    []flow.Code // why they are open, each once

	Beyond  bool // too many completions: Verdict and Strict are not to be used
	Refused bool // the question is a usage error: no verdict
}

// Decider is what decided about a packet: for a dropped one the gate that
// drops it, for a delivered one the last rule that let it through (NFL).
type Decider struct {
	Code     flow.Code
	RuleName string // bare name, "" where no rule decided
	Priority int
	NSG      string // name of the network security group, "" where none
}

// Route is the route chosen for an address.
type Route struct {
	NextHop   topology.NextHopType // "" where the data does not say
	NextHopIP netip.Addr
	Source    string // "Default", "VirtualNetworkGateway", "User"
}

// Egress is the way out to the Internet (spec 7).
type Egress struct {
	Method  string     // "", "NatGateway", "PublicIP", "LoadBalancer", "Default", "Storage", "Firewall"
	Address netip.Addr // the source the Internet sees; invalid where not known
}

// outcome is what happens to a packet in one completion.
type outcome struct {
	allow   bool
	decider Decider
	rule    *rule // the rule that decided, nil where none
	route   Route
	egress  Egress
}

func drop(code flow.Code) outcome { return outcome{decider: Decider{Code: code}} }

// solve runs the evaluator in every completion.
func (o *Oracle) solve(evaluate func(*world) outcome) Answer {
	var a Answer
	w := &world{}
	usual := o.enumerate(w, evaluate)
	a.Beyond = usual.beyond
	a.Verdict = usual.verdict()
	a.Decider, a.Route, a.Egress = usual.first.decider, usual.first.route, usual.first.egress
	a.Deciders = usual.deciders
	for _, q := range w.unknowns {
		a.Unknowns = append(a.Unknowns, q.key)
		a.Codes = appendNew(a.Codes, q.code)
	}
	a.Strict = a.Verdict
	if a.Verdict == flow.Unknown || len(w.assumed) == 0 {
		return a
	}

	strict := &world{strict: true}
	free := o.enumerate(strict, evaluate)
	a.Beyond = a.Beyond || free.beyond
	a.Strict = free.verdict()
	if a.Strict == a.Verdict {
		return a
	}
	for _, q := range strict.assumed {
		one := o.enumerate(&world{freed: q.key}, evaluate)
		if one.verdict() != a.Verdict {
			a.Assumptions = append(a.Assumptions, flow.Assumption{ID: q.id, About: q.about})
		}
	}
	if len(a.Assumptions) == 0 { // only several of them together change the verdict
		for _, q := range strict.assumed {
			a.Assumptions = append(a.Assumptions, flow.Assumption{ID: q.id, About: q.about})
		}
	}
	return a
}

// outcomes is what the completions came to.
type outcomes struct {
	first       outcome
	allow, deny bool
	deciders    []Decider
	beyond      bool
}

func (s outcomes) verdict() flow.Verdict {
	switch {
	case s.allow && s.deny:
		return flow.Unknown
	case s.allow:
		return flow.Allow
	default:
		return flow.Deny
	}
}

// enumerate runs the evaluator in one completion after the other until both
// outcomes were seen or no completion is left.
func (o *Oracle) enumerate(w *world, evaluate func(*world) outcome) outcomes {
	var s outcomes
	for runs := 1; ; runs++ {
		got := evaluate(w)
		if runs == 1 {
			s.first = got
		}
		s.allow = s.allow || got.allow
		s.deny = s.deny || !got.allow
		s.deciders = appendNew(s.deciders, got.decider)
		if s.allow && s.deny {
			return s
		}
		if runs == o.options.MaxCompletions {
			s.beyond = true
			return s
		}
		if !w.next() {
			return s
		}
	}
}

func appendNew[T comparable](list []T, e T) []T {
	for _, old := range list {
		if old == e {
			return list
		}
	}
	return append(list, e)
}
