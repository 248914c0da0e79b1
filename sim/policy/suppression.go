package policy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// Suppression accepts cases that are not met: of one assertion, or of one rule
// of lint.
type Suppression struct {
	ID      string // of the assertion or the rule
	About   string // a name, an ID or a glob of what the case is about; "" is all of them
	Reason  string
	Owner   string
	Expires string // YYYY-MM-DD, the last day on which it holds
	Origin  topology.Origin
}

// baselined is what suppresses the findings of a baseline.
var baselined = &Suppression{Reason: "in the baseline"}

// Baselined reports whether a finding is suppressed because the baseline has
// it, not by the policy.
func (s *Suppression) Baselined() bool { return s == baselined }

// Finding is a case that is not met, as a baseline remembers it.
type Finding struct {
	Fingerprint string // of the assertion and the [Case.Key]
	ID          string // of the assertion
	Verdict     Verdict
	Title       string // for people
}

// Fingerprint tells a finding of one run from those of another, whatever the
// lines of the files are.
func (r *Result) Fingerprint(c *Case) string {
	sum := sha256.Sum256([]byte(r.ID + "\x00" + c.Key))
	return hex.EncodeToString(sum[:16])
}

// Options are what a check takes beside the assertions. Nothing is a useful
// value of it.
type Options struct {
	Suppressions []*Suppression // those that have not expired
	Baseline     []Finding      // of an earlier run; nil: none
}

// suppressor decides what is suppressed, and what of its lists was of use.
type suppressor struct {
	opts     Options
	used     map[*Suppression]bool
	old      map[string]Finding // the baseline, by fingerprint
	met      map[string]bool    // fingerprints of it that there still are
	findings map[string]Finding
}

func newSuppressor(opts Options) *suppressor {
	s := &suppressor{opts: opts, used: map[*Suppression]bool{}, old: map[string]Finding{}, met: map[string]bool{}, findings: map[string]Finding{}}
	for _, f := range opts.Baseline {
		s.old[f.Fingerprint] = f
	}
	return s
}

// look notes a case that is not met and suppresses it where the policy or the
// baseline says so. A finding that the baseline has as undecided, and that is
// broken now, is a new one.
func (s *suppressor) look(r *Result, c *Case) {
	for _, x := range s.opts.Suppressions {
		if x.covers(r, c) {
			s.used[x] = true
			if c.Suppressed == nil {
				c.Suppressed = x
			}
		}
	}
	print := r.Fingerprint(c)
	if old, ok := s.old[print]; ok {
		s.met[print] = true
		if c.Suppressed == nil && c.Verdict <= old.Verdict {
			c.Suppressed = baselined
		}
	}
	if c.Suppressed == nil || c.Suppressed.Baselined() {
		f := Finding{Fingerprint: print, ID: r.ID, Verdict: c.Verdict, Title: c.Title()}
		if had, ok := s.findings[print]; !ok || had.Verdict < f.Verdict {
			s.findings[print] = f
		}
	}
}

func (x *Suppression) covers(r *Result, c *Case) bool {
	if x.ID != r.ID && !c.foundBy(x.ID) {
		return false
	}
	return x.About == "" || slices.ContainsFunc(c.about, func(name string) bool { return flow.About(x.About, name) })
}

// conclude fills in what the whole run says of the lists.
func (s *suppressor) conclude(r *Report) {
	for _, f := range s.findings {
		r.Findings = append(r.Findings, f)
	}
	SortFindings(r.Findings)
	for _, x := range s.opts.Suppressions {
		if !s.used[x] {
			r.Unused = append(r.Unused, x)
		}
	}
	for _, f := range s.opts.Baseline {
		if !s.met[f.Fingerprint] {
			r.Gone = append(r.Gone, f)
		}
	}
	SortFindings(r.Gone)
}

// SortFindings puts findings in the order of a baseline: by assertion, and by
// what they are about.
func SortFindings(list []Finding) {
	slices.SortFunc(list, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.ID, b.ID), strings.Compare(a.Title, b.Title), strings.Compare(a.Fingerprint, b.Fingerprint))
	})
}

// Rebase makes the findings of the report its baseline: what is not met, and
// not suppressed by the policy, is suppressed by it.
func (r *Report) Rebase() {
	for i := range r.Results {
		x := &r.Results[i]
		x.Suppressed += x.Broken + x.Undecided
		x.Broken, x.Undecided, x.UnderAssumptions = 0, 0, false
		for _, list := range [][]Case{x.Open, x.Cases} {
			for j := range list {
				if list[j].Suppressed == nil {
					list[j].Suppressed = baselined
				}
			}
		}
		if x.Verdict != Pass {
			x.Verdict = Suppressed
		}
	}
}
