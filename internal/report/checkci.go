package report

import (
	"encoding/xml"
	"fmt"
	"html"
	"strconv"
	"strings"

	"github.com/netpath/netpath/sim/policy"
	"github.com/netpath/netpath/topology"
)

// The parts of a JUnit report.
type junitSuites struct {
	XMLName  xml.Name   `xml:"testsuites"`
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Errors   int        `xml:"errors,attr"`
	Skipped  int        `xml:"skipped,attr"`
	Suite    junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Remarks  string      `xml:"system-err,omitempty"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	File    string        `xml:"file,attr,omitempty"`
	Line    int           `xml:"line,attr,omitempty"`
	Failure *junitProblem `xml:"failure"`
	Error   *junitProblem `xml:"error"`
	Skipped *junitProblem `xml:"skipped"`
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// junit writes every assertion as a test: a broken one fails, an undecided one
// is an error, a suppressed one is skipped.
func (w *Writer) junit(r *policy.Report, run CheckRun) error {
	broken, undecided, suppressed := r.Count(policy.Fail), r.Count(policy.Unknown), r.Count(policy.Suppressed)
	out := junitSuites{Name: "netpath", Tests: len(r.Results), Failures: broken, Errors: undecided, Skipped: suppressed,
		Suite: junitSuite{Name: Escape(run.Policy), Tests: len(r.Results), Failures: broken, Errors: undecided, Skipped: suppressed}}
	for _, x := range run.Remarks {
		out.Suite.Remarks += Escape(joined(": ", x.Origin.String(), x.Text)) + "\n"
	}
	for i := range r.Results {
		x := &r.Results[i]
		c := junitCase{Class: "netpath." + string(x.Kind), Name: Escape(x.ID), File: Escape(x.Origin.File), Line: x.Origin.Line}
		if x.Verdict != policy.Pass {
			problem := &junitProblem{Message: Escape(message(x)), Type: x.Verdict.String(), Text: strings.Join(caseLines(x), "\n")}
			switch x.Verdict {
			case policy.Fail:
				c.Failure = problem
			case policy.Suppressed:
				problem.Type, c.Skipped = "", problem
			default:
				c.Error = problem
			}
		}
		out.Suite.Cases = append(out.Suite.Cases, c)
	}
	b, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.out.Write(append(append([]byte(xml.Header), b...), '\n'))
	return err
}

// caseLines are the cases that are not met, one a line.
func caseLines(x *policy.Result) []string {
	var out []string
	for j := range x.Open {
		out = append(out, Escape(x.Open[j].Text+suppressedBy(&x.Open[j])))
	}
	for j := range x.Cases {
		c := &x.Cases[j]
		s := caseWord(x.Kind, c) + "  " + caseText(x.Kind, c) + suppressedBy(c)
		if at := c.Origin.String(); at != "" {
			s += "  " + at
		}
		out = append(out, Escape(s))
	}
	return out
}

// MarkdownMarker begins a report in Markdown, so that the comment it stands in
// is found again and replaced.
const MarkdownMarker = "<!-- netpath check -->"

func (w *Writer) checkMarkdown(r *policy.Report, run CheckRun) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n## netpath check\n\n%s\n", MarkdownMarker, checkTally(r))
	bad := worstFirst(r)
	if len(bad) > 0 {
		b.WriteString("\n| assertion | verdict | what | example |\n|---|---|---|---|\n")
	}
	for _, x := range bad {
		example := ""
		for j := range x.Open {
			example = joined("; ", example, x.Open[j].Text+suppressedBy(&x.Open[j]))
		}
		if len(x.Cases) > 0 {
			c := &x.Cases[0]
			example = joined("; ", example, caseWord(x.Kind, c)+" "+caseText(x.Kind, c)+suppressedBy(c))
			if at := c.Origin.String(); at != "" {
				example += " (" + at + ")"
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", markdown(x.ID), x.Verdict, markdown(sentence(x.Assertion)), markdown(example))
	}
	if len(run.Remarks) > 0 {
		b.WriteString("\n")
	}
	for _, x := range run.Remarks {
		fmt.Fprintf(&b, "- %s\n", markdown(joined(": ", x.Origin.String(), x.Text)))
	}
	fmt.Fprintf(&b, "\nnetpath %s, policy %s%s%s\n", markdown(run.Version), markdown(run.Policy), markdown(baselineWord(run)), strictWord(run))
	if c := r.ServiceTags; c != nil {
		fmt.Fprintf(&b, "service tags: %s, change %d, %s\n", markdown(c.Cloud), c.ChangeNumber, markdown(c.Date))
	}
	_, err := w.out.Write([]byte(b.String()))
	return err
}

// markdown makes text safe in a cell of a Markdown table.
func markdown(s string) string {
	s = html.EscapeString(Escape(s))
	return strings.NewReplacer("|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "@", "&#64;").Replace(s)
}

// annotate writes a line for each result that is not met, and for each
// remark.
func (w *Writer) annotate(r *policy.Report, run CheckRun, line func(level string, at topology.Origin, title, text string) string) error {
	var b strings.Builder
	for _, x := range worstFirst(r) {
		level, at := "error", x.Origin
		switch x.Verdict {
		case policy.Unknown:
			level = "warning"
		case policy.Suppressed:
			continue // nobody is to act on it; the totals tell
		}
		if len(x.Cases) > 0 && x.Cases[0].Origin.File != "" {
			at = x.Cases[0].Origin
		}
		b.WriteString(line(level, at, x.ID, message(x)) + "\n")
	}
	for _, x := range run.Remarks {
		level := "warning"
		if x.Error {
			level = "error"
		}
		b.WriteString(line(level, x.Origin, "netpath check", x.Text) + "\n")
	}
	b.WriteString(Escape(checkTally(r)) + "\n")
	_, err := w.out.Write([]byte(b.String()))
	return err
}

func githubLine(level string, at topology.Origin, title, text string) string {
	value := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	var where string
	if at.File != "" {
		where = "file=" + property.Replace(at.File) + ","
		if at.Line > 0 {
			where += "line=" + strconv.Itoa(at.Line) + ","
		}
	}
	return "::" + level + " " + where + "title=" + property.Replace(Escape(title)) + "::" + value.Replace(Escape(text))
}

func azureLine(level string, at topology.Origin, title, text string) string {
	value := strings.NewReplacer("%", "%AZP25", "\r", "%0D", "\n", "%0A", ";", "%3B", "]", "%5D")
	s := "##vso[task.logissue type=" + level
	if at.File != "" {
		s += ";sourcepath=" + value.Replace(at.File)
		if at.Line > 0 {
			s += ";linenumber=" + strconv.Itoa(at.Line)
		}
	}
	return s + "]" + value.Replace(Escape(title+": "+text))
}
