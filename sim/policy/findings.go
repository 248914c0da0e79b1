package policy

import (
	"context"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/lint"
)

// LintLevel is what an assertion asks of lint: no finding of these rules is as
// bad as FailOn.
type LintLevel struct {
	FailOn  lint.Severity // "": Error
	Rules   []string      // IDs or names; none: every rule
	Without []string      // likewise: these not
}

// findings looks for what lint finds. A rule without a finding that counts is
// a case that is met, each finding one that is not.
func findings(ctx context.Context, s *sim.Simulator, r *Result) error {
	level := r.Lint.FailOn
	if level == "" {
		level = lint.Error
	}
	report, err := lint.Lint(ctx, s, lint.Options{Only: r.Lint.Rules, Without: r.Lint.Without})
	if err != nil {
		return err
	}
	found := map[*lint.Rule]bool{}
	for i := range report.Findings {
		f := &report.Findings[i]
		severity := f.Severity
		if severity == "" {
			severity = f.Rule.Severity
		}
		if !severity.AtLeast(level) {
			continue
		}
		found[f.Rule] = true
		name := f.Subject.Name()
		if f.Name != "" && !strings.EqualFold(f.Name, name) {
			name += "/" + f.Name
		}
		c := &Case{Verdict: Fail, From: name, Service: f.Rule.ID, Text: f.Rule.ID + " " + f.Rule.Name + ": " + f.Text, Origin: f.Origin, Rule: f.Rule,
			Key: "lint\x00" + f.Fingerprint(), about: []string{string(f.Subject), f.Subject.Name(), f.Name, name}}
		if f.Undecided {
			c.Verdict = Unknown
		}
		r.Asked++
		r.rest(f.Assumptions)
		r.count(c)
	}
	for _, rule := range report.Rules {
		if !found[rule] {
			r.Asked++
			r.Met++
		}
	}
	return nil
}

// foundBy reports whether a text is the ID or the name of the rule that found a
// case.
func (c *Case) foundBy(text string) bool {
	return c.Rule != nil && (strings.EqualFold(text, c.Rule.ID) || strings.EqualFold(text, c.Rule.Name))
}
