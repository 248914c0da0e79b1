package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/lint"
)

// LintMarker begins a report of lint in Markdown, so that the comment it
// stands in is found again and replaced.
const LintMarker = "<!-- netpath lint -->"

// lintStream is a report of lint for the formats of pipelines: every finding
// is one, and every rule that finds nothing a test that passes.
func lintStream(r *lint.Report, run LintRun) *stream {
	s := &stream{command: "lint", version: run.Version, suite: "netpath lint", tally: lintTally(r), marker: LintMarker,
		properties: map[string]any{"summary": lintSummaryOf(r)}, header: []string{"severity", "rule", "finding", "fix", "at"}}
	for _, x := range r.Rules {
		s.kinds = append(s.kinds, sarifRule{ID: x.ID, Name: x.Name, Short: sarifMessage{x.Short}, Full: sarifMessage{x.Why}, HelpURI: lintPage(x), Configure: sarifLevel{string(x.Severity)}})
		if !slices.ContainsFunc(r.Findings, func(f lint.Finding) bool { return f.Rule.ID == x.ID }) {
			s.tests = append(s.tests, junitCase{Class: "netpath.lint." + x.ID, Name: Escape(x.Short)})
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		text := lintSentence(f)
		found := sarifResult{RuleID: f.Rule.ID, RuleIndex: slices.IndexFunc(r.Rules, func(x *lint.Rule) bool { return x.ID == f.Rule.ID }), Level: string(f.Severity),
			Message: sarifMessage{text + ". " + upperFirst(firstLine(f.Fix)) + "."}, Locations: located(f.Origin), Fingerprints: sarifFingerprints(f.Fingerprint())}
		for _, x := range f.Related {
			for _, at := range located(x.Origin) {
				found.Related = append(found.Related, sarifRelated{at.Physical, sarifMessage{x.Text}})
			}
		}
		if f.Suppressed != "" {
			found.Suppressions = []sarifSuppression{{Kind: "external", Status: "accepted", Justification: f.Suppressed}}
		}
		s.found = append(s.found, found)
		test := junitCase{Class: "netpath.lint." + f.Rule.ID, Name: Escape(joined("/", f.Subject.Name(), f.Name)), File: Escape(f.Origin.File), Line: f.Origin.Line}
		problem := &junitProblem{Message: Escape(text), Text: Escape(f.Fix)}
		if run.fails(f) {
			problem.Type, test.Failure = string(f.Severity), problem
		} else {
			test.Skipped = problem
			if f.Suppressed != "" {
				problem.Message += Escape("; suppressed: " + f.Suppressed)
			}
		}
		s.tests = append(s.tests, test)
		if f.Suppressed != "" {
			continue // nobody is to act on it; the totals tell
		}
		level := string(f.Severity)
		if f.Severity == lint.Note || f.Undecided {
			level = "notice"
		}
		s.notices = append(s.notices, notice{level: level, at: f.Origin, title: f.Rule.ID + " " + f.Rule.Name, text: text + "; fix: " + firstLine(f.Fix)})
		s.rows = append(s.rows, []string{string(f.Severity), f.Rule.ID + " " + f.Rule.Name, text, firstLine(f.Fix), f.Origin.String()})
	}
	worst := []lint.Severity{lint.Note, lint.Warning, lint.Error}
	slices.SortStableFunc(s.notices, func(a, b notice) int { return noticeRank(b.level) - noticeRank(a.level) })
	slices.SortStableFunc(s.rows, func(a, b []string) int {
		return slices.Index(worst, lint.Severity(b[0])) - slices.Index(worst, lint.Severity(a[0]))
	})
	s.foot = append(s.foot, fmt.Sprintf("netpath %s", markdown(run.Version)))
	s.foot = append(s.foot, catalogueFoot(r.ServiceTags)...)
	return s
}

func noticeRank(level string) int { return slices.Index([]string{"notice", "warning", "error"}, level) }

// lintPage is where the page of a rule is.
func lintPage(x *lint.Rule) string { return projectURI + "/blob/main/docs/lint/" + x.ID + ".md" }

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.TrimSuffix(strings.ToUpper(s[:1])+s[1:], ".")
}
