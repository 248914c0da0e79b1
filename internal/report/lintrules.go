package report

import (
	"strings"

	"github.com/netpath/netpath/sim/lint"
)

// lintRuleJSON is a rule of lint in JSON.
type lintRuleJSON struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Severity lint.Severity `json:"severity"`
	Short    string        `json:"short"`
	Why      string        `json:"why"`
	Fix      string        `json:"fix"`
	Example  string        `json:"example"`
	Page     string        `json:"helpUri"`
}

// LintRules writes rules of lint: one in full, several as a list.
func (w *Writer) LintRules(rules []*lint.Rule, full bool) error {
	out := make([]lintRuleJSON, len(rules))
	for i, x := range rules {
		out[i] = lintRuleJSON{ID: x.ID, Name: x.Name, Severity: x.Severity, Short: x.Short, Why: x.Why, Fix: x.Fix, Example: x.Example, Page: lintPage(x)}
	}
	switch w.opt.Format {
	case JSON:
		return w.results(out)
	case NDJSON:
		return eachObject(w, out)
	}
	p := &page{paint: w.paint()}
	if w.opt.Format == Table || !full {
		rows := []row{header("id", "name", "severity", "finds")}
		for _, x := range rules {
			rows = append(rows, row{cells: []cell{plain(x.ID), plain(x.Name), {text: string(x.Severity), color: severityColor(x.Severity)}, plain(x.Short)}})
		}
		p.table(rows)
		return w.flush(p)
	}
	for i, x := range rules {
		if i > 0 {
			p.blank()
		}
		p.line(p.paint.in(bold, Escape(x.ID)), "  ", Escape(x.Name), "  ", p.paint.in(severityColor(x.Severity), string(x.Severity)))
		p.line("  ", Escape(upperFirst(x.Short)), ".")
		for _, text := range []struct{ title, body string }{{"why it matters", x.Why}, {"how to mend it", x.Fix}} {
			p.blank()
			p.line("  ", p.paint.in(bold, text.title))
			for _, paragraph := range strings.Split(text.body, "\n\n") {
				for _, line := range wrapped(paragraph, 96) {
					p.line("    ", Escape(line))
				}
			}
		}
		p.blank()
		p.line("  ", p.paint.in(bold, "an example"))
		for _, line := range strings.Split(strings.TrimRight(x.Example, "\n"), "\n") {
			p.line("    ", Escape(line))
		}
		p.blank()
		p.line("  to leave it out: --disable ", Escape(x.ID))
		p.line("  ", p.paint.in(faint, Escape(lintPage(x))))
	}
	return w.flush(p)
}

// wrapped breaks text into lines of so many characters at most, where it has
// blanks.
func wrapped(text string, most int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && width(line)+1+width(word) > most {
			lines = append(lines, line)
			line = ""
		}
		line = joined(" ", line, word)
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
