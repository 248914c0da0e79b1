// Package policy checks an estate against assertions: what engineers promise of
// a network in a few words, each quantified over all that its selectors select.
package policy

import (
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/lint"
	"github.com/netpath/netpath/sim/reach"
	"github.com/netpath/netpath/topology"
)

// Kind is what an assertion asserts.
type Kind string

// The kinds of assertion.
const (
	Allow          Kind = "allow"            // every packet gets through
	Deny           Kind = "deny"             // none does
	Only           Kind = "only"             // nothing but some services passes
	BackupReady    Kind = "backup-ready"     // every machine passes its backup profiles
	NoNewlyAllowed Kind = "no-newly-allowed" // no traffic is allowed that was not in an earlier export
	Lint           Kind = "lint"             // lint finds nothing as bad as a level
)

// Assertion is one promise of a policy.
type Assertion struct {
	ID       string
	Kind     Kind
	From, To []string             // selectors of Allow, Deny and Only; of Only no To is everywhere
	Ports    []topology.PortRange // of TCP and UDP; empty: any
	Protocol topology.Protocol    // NoProtocol is TCP
	Services reach.Allowed        // Only: what may pass, in place of ports and a protocol
	Words    string               // Only: the services as they are written, "" where ports and a protocol are
	VMs      []string             // BackupReady: selectors of machines
	Profiles []string             // BackupReady: none is the default one
	Baseline string               // NoNewlyAllowed: the earlier export, as it is named
	Earlier  *sim.Simulator       // NoNewlyAllowed: of that export
	Lint     LintLevel            // Lint
	Reason   string
	Origin   topology.Origin
}

// Verdict is how an assertion fares.
type Verdict uint8

// The verdicts, from the best to the worst. What is not certain never passes.
const (
	Pass       Verdict = iota
	Suppressed         // not met, and all that is not met is suppressed
	Unknown
	Fail
)

// String is the verdict in a word.
func (v Verdict) String() string { return [...]string{"Pass", "Suppressed", "Unknown", "Fail"}[v] }

// MarshalText writes the word.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Result is what became of an assertion. The counts are of its cases: one for
// each pair that its selectors select and each of its ports, each machine, each
// gate that is compared, each rule of lint without a finding and each finding.
// Asked is the sum of the others.
type Result struct {
	*Assertion
	Verdict                                   Verdict
	Asked, Met, Broken, Undecided, Suppressed int
	Open                                      []Case // selectors that select nothing, or may select more than is known: they are in no count
	Cases                                     []Case // those that are not met, broken ones first, suppressed ones last, at most [CasesKept] of each of the two
	Assumptions                               []flow.Assumption
	UnderAssumptions                          bool // strict mode alone left a case undecided
}

// CasesKept is how many cases that are not met a result keeps, and how many of
// those that are suppressed.
const CasesKept = 20

// Case is one case that is not met, with a packet that shows it.
type Case struct {
	Verdict    Verdict // Fail or Unknown
	From, To   string  // as the question names them; From alone for a machine or a selector
	Service    string  // what is asked of them: "tcp/443", "tcp" for any port, the rule of lint
	Witness    Witness
	Outcome    *sim.Outcome // of that packet; nil for a machine or a selector
	Text       string       // why, in a sentence
	Origin     topology.Origin
	Rule       *lint.Rule   // that found it; nil unless the assertion is one of lint
	Key        string       // tells the case from others, in every run alike: by what is asked, not by what was found
	Suppressed *Suppression // nil: it counts
	Broken     []Packets    // of Allow, Deny and Only: which packets are not as asserted
	Undecided  []Packets    // likewise: of which it is not known
	New        []Packets    // of those, what a baseline with the case does not have, the first ones

	about            []string // names and IDs that a suppression may speak of
	underAssumptions bool
}

// Title is what is asked, in short: what a list of old findings shows.
func (c *Case) Title() string {
	s := c.From
	if c.To != "" {
		s += " → " + c.To
	}
	if c.Service != "" {
		s += " " + c.Service
	}
	return s
}

// Witness is a packet in the words of the report: addresses where they are
// known, else names.
type Witness struct {
	Source, Destination string
	Protocol            string
	Port                string // "" where there is none
}

// Report is the answer to a whole policy, in its order.
type Report struct {
	Results     []Result
	Findings    []Finding // all that is not met, suppressed by the policy or not, in the order of [Baseline]
	Unused      []*Suppression
	Gone        []Finding // of the baseline, which are no more
	Less        []Finding // of the baseline, which have packets that are met now
	ServiceTags *sim.CatalogueInfo
}

// Count is how many assertions have the verdict.
func (r *Report) Count(v Verdict) int {
	n := 0
	for i := range r.Results {
		if r.Results[i].Verdict == v {
			n++
		}
	}
	return n
}
