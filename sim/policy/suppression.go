package policy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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
	Broken      []Packets
	Undecided   []Packets
}

// unmet are all packets of the finding.
func (f *Finding) unmet() []Packets { return slices.Concat(f.Broken, f.Undecided) }

// more are packets that one finding has broken and the other has not, or where
// there are none that it has at all; none where the other one has all of it.
func more(one, other *Finding) []Packets {
	if list := beyond(one.Broken, other.Broken); len(list) > 0 {
		return list
	}
	return beyond(one.unmet(), other.unmet())
}

// Fingerprint tells a finding of one run from those of another, whatever the
// lines of the files are, and however many of its packets are not met.
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
	old      map[string]Finding // the baseline, by fingerprint; its packets are valid
	met      map[string]bool    // fingerprints of it that there still are
	less     map[string]bool    // those that have less in them now
	findings map[string]Finding
}

func newSuppressor(opts Options) (*suppressor, error) {
	s := &suppressor{opts: opts, used: map[*Suppression]bool{}, old: map[string]Finding{}, met: map[string]bool{}, less: map[string]bool{}, findings: map[string]Finding{}}
	for _, f := range opts.Baseline {
		for _, p := range f.unmet() {
			if err := p.Valid(); err != nil {
				return nil, fmt.Errorf("baseline: %s: %s: %w; write the baseline anew", f.ID, f.Title, err)
			}
		}
		s.old[f.Fingerprint] = f
	}
	return s, nil
}

// look notes a case that is not met and suppresses it where the policy or the
// baseline says so. A finding of which the baseline does not have all packets,
// or has them as undecided where they are broken now, is a new one.
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
	f := Finding{Fingerprint: print, ID: r.ID, Verdict: c.Verdict, Title: c.Title(), Broken: c.Broken, Undecided: c.Undecided}
	if old, ok := s.old[print]; ok {
		s.met[print] = true
		if c.Suppressed == nil {
			c.New = more(&f, &old)
		}
		if c.Suppressed == nil && c.Verdict <= old.Verdict && len(c.New) == 0 {
			c.Suppressed = baselined
			s.less[print] = len(more(&old, &f)) > 0
		}
	}
	if c.Suppressed == nil || c.Suppressed.Baselined() {
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
		switch {
		case !s.met[f.Fingerprint]:
			r.Gone = append(r.Gone, f)
		case s.less[f.Fingerprint]:
			r.Less = append(r.Less, f)
		}
	}
	SortFindings(r.Gone)
	SortFindings(r.Less)
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
