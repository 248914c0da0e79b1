package report

import (
	"fmt"
	"strings"

	"github.com/netpath/netpath/sim/policy"
)

// MarkdownMarker begins a report in Markdown, so that the comment it stands in
// is found again and replaced.
const MarkdownMarker = "<!-- netpath check -->"

// checkStream is a report of check for the formats of pipelines: an assertion
// is a test, a case that is not met a finding.
func checkStream(r *policy.Report, run CheckRun) *stream {
	s := &stream{command: "check", version: run.Version, suite: run.Policy, tally: checkTally(r), marker: MarkdownMarker,
		properties: map[string]any{"summary": checkDocument(r, run).Summary}, header: []string{"assertion", "verdict", "what", "example"}}
	if len(run.Remarks) > 0 {
		s.properties["remarks"] = run.Remarks
	}
	for i := range r.Results {
		s.kinds = append(s.kinds, checkKind(&r.Results[i]))
		s.found = append(s.found, checkFound(&r.Results[i], i)...)
		s.tests = append(s.tests, checkTest(&r.Results[i]))
	}
	for _, x := range worstFirst(r) {
		s.rows = append(s.rows, []string{x.ID, x.Verdict.String(), sentence(x.Assertion), checkExample(x)})
		n := notice{level: "error", at: x.Origin, title: x.ID, text: message(x)}
		switch x.Verdict {
		case policy.Unknown:
			n.level = "warning"
		case policy.Suppressed:
			continue // nobody is to act on it; the totals tell
		}
		if len(x.Cases) > 0 && x.Cases[0].Origin.File != "" {
			n.at = x.Cases[0].Origin
		}
		s.notices = append(s.notices, n)
	}
	for _, x := range run.Remarks {
		n := notice{level: "warning", at: x.Origin, text: x.Text}
		if x.Error {
			n.level = "error"
		}
		s.remarks = append(s.remarks, n)
	}
	s.foot = append(s.foot, fmt.Sprintf("netpath %s, policy %s%s%s", markdown(run.Version), markdown(run.Policy), markdown(baselineWord(run)), strictWord(run)))
	s.foot = append(s.foot, catalogueFoot(r.ServiceTags)...)
	return s
}

// checkKind is an assertion.
func checkKind(x *policy.Result) sarifRule {
	full := sentence(x.Assertion)
	if x.Reason != "" {
		full += ": " + x.Reason
	}
	return sarifRule{ID: x.ID, Name: string(x.Kind), Short: sarifMessage{sentence(x.Assertion)}, Full: sarifMessage{full},
		HelpURI: projectURI + "/blob/main/docs/commands/check.md", Configure: sarifLevel{"error"}}
}

// checkFound are the cases of an assertion that are not met, and the selectors
// that select nothing.
func checkFound(x *policy.Result, index int) []sarifResult {
	var out []sarifResult
	for j := range x.Open {
		c := &x.Open[j]
		out = append(out, sarifResult{RuleID: x.ID, RuleIndex: index, Level: "warning", Message: sarifMessage{sentence(x.Assertion) + ": " + c.Text},
			Locations: located(x.Origin), Fingerprints: sarifFingerprints(x.Fingerprint(c)), Suppressions: sarifSuppressions(c)})
	}
	for j := range x.Cases {
		c := &x.Cases[j]
		level, at := "error", c.Origin
		if c.Verdict == policy.Unknown {
			level = "warning"
		}
		if at.File == "" {
			at = x.Origin
		}
		out = append(out, sarifResult{RuleID: x.ID, RuleIndex: index, Level: level, Locations: located(at),
			Message:      sarifMessage{sentence(x.Assertion) + ": " + strings.ToLower(caseWord(x.Kind, c)) + ": " + caseText(c)},
			Fingerprints: sarifFingerprints(x.Fingerprint(c)), Suppressions: sarifSuppressions(c)})
	}
	return out
}

func sarifSuppressions(c *policy.Case) []sarifSuppression {
	x := c.Suppressed
	if x == nil {
		return nil
	}
	why := x.Reason
	if !x.Baselined() {
		why = fmt.Sprintf("%s (%s, until %s)", x.Reason, x.Owner, x.Expires)
	}
	return []sarifSuppression{{Kind: "external", Status: "accepted", Justification: why}}
}

// checkTest is an assertion as a test: a broken one fails, an undecided one is
// an error, a suppressed one is skipped.
func checkTest(x *policy.Result) junitCase {
	c := junitCase{Class: "netpath." + string(x.Kind), Name: Escape(x.ID), File: Escape(x.Origin.File), Line: x.Origin.Line}
	if x.Verdict == policy.Pass {
		return c
	}
	problem := &junitProblem{Message: Escape(message(x)), Type: x.Verdict.String(), Text: strings.Join(caseLines(x), "\n")}
	switch x.Verdict {
	case policy.Fail:
		c.Failure = problem
	case policy.Suppressed:
		problem.Type, c.Skipped = "", problem
	default:
		c.Error = problem
	}
	return c
}

// caseLines are the cases that are not met, one a line.
func caseLines(x *policy.Result) []string {
	var out []string
	for j := range x.Open {
		out = append(out, Escape(x.Open[j].Text+standing(&x.Open[j])))
	}
	for j := range x.Cases {
		c := &x.Cases[j]
		s := caseWord(x.Kind, c) + "  " + caseText(c) + standing(c)
		if at := c.Origin.String(); at != "" {
			s += "  " + at
		}
		out = append(out, Escape(s))
	}
	return out
}

// checkExample is the first case of an assertion that is not met, and what
// selects nothing.
func checkExample(x *policy.Result) string {
	example := ""
	for j := range x.Open {
		example = joined("; ", example, x.Open[j].Text+standing(&x.Open[j]))
	}
	if len(x.Cases) > 0 {
		c := &x.Cases[0]
		example = joined("; ", example, caseWord(x.Kind, c)+" "+caseText(c)+standing(c))
		if at := c.Origin.String(); at != "" {
			example += " (" + at + ")"
		}
	}
	return example
}
