package report

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/diff"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/lint"
	"github.com/netpath/netpath/topology"
)

// LintRun is what a report of lint says of the run beside its findings.
type LintRun struct {
	Version string        // of netpath
	FailOn  lint.Severity // findings of this severity and worse fail the run; "" for none
	Strict  bool
	Inputs  []CheckInput
}

// fails reports whether a finding fails the run.
func (r LintRun) fails(f *lint.Finding) bool {
	return r.FailOn != "" && f.Fails(r.FailOn)
}

// Lint writes what lint found.
func (w *Writer) Lint(r *lint.Report, run LintRun) error {
	switch w.opt.Format {
	case JSON:
		return w.versioned(lintDocument(r, run))
	case NDJSON:
		return eachObject(w, lintDocument(r, run).Findings)
	}
	if ok, err := w.pipeline(func() *stream { return lintStream(r, run) }); ok {
		return err
	}
	p := &page{paint: w.paint()}
	if w.opt.Format == Table {
		p.table(lintRows(r))
		return w.flush(p)
	}
	w.lintText(p, r, run)
	return w.flush(p)
}

// lintTally counts the findings: the same words in every format.
func lintTally(r *lint.Report) string {
	n := r.Suppressed()
	s := fmt.Sprintf("%s: %s, %s, %s", count(len(r.Findings)-n, "finding", "findings"), count(r.Count(lint.Error), "error", "errors"),
		count(r.Count(lint.Warning), "warning", "warnings"), count(r.Count(lint.Note), "note", "notes"))
	if n > 0 {
		s += fmt.Sprintf(", and %s suppressed", thousands(n))
	}
	return s + fmt.Sprintf("; %s in %s", count(len(r.Rules), "rule looked for", "rules looked for"), count(r.Groups, "NSG", "NSGs"))
}

func severityColor(s lint.Severity) string {
	switch s {
	case lint.Error:
		return red
	case lint.Warning:
		return yellow
	default:
		return cyan
	}
}

func lintRows(r *lint.Report) []row {
	rows := []row{header("severity", "rule", "resource", "name", "finding", "at")}
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Suppressed != "" {
			continue
		}
		rows = append(rows, row{cells: []cell{{text: string(f.Severity), color: severityColor(f.Severity)}, plain(f.Rule.ID), plain(f.Subject.Name()), plain(f.Name),
			plain(lintSentence(f)), plain(f.Origin.String()).dim()}})
	}
	return rows
}

// lintSentence is what is found, and whether it is certain.
func lintSentence(f *lint.Finding) string {
	if f.Undecided {
		return f.Text + " (the data leaves it open)"
	}
	return f.Text
}

func (w *Writer) lintText(p *page, r *lint.Report, run LintRun) {
	p.line(p.paint.in(bold, "LINT"), "  ", lintTally(r))
	var explained []*lint.Rule
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Suppressed != "" && !w.opt.Full {
			continue
		}
		p.blank()
		p.line(p.paint.in(bold, Escape(placeOf(f.Origin))), p.paint.in(severityColor(f.Severity), string(f.Severity)), ": ", Escape(lintSentence(f)), p.paint.in(faint, Escape(" ["+f.Rule.ID+" "+f.Rule.Name+"]")))
		for _, x := range f.Related {
			p.line("    with ", Escape(joined("  ", x.Text, x.Origin.String())))
		}
		p.line("    fix  ", Escape(firstLine(f.Fix)))
		if f.Suppressed != "" {
			p.line("    suppressed: ", Escape(f.Suppressed))
		}
		if f.Proof != nil {
			p.line("    ", p.paint.in(faint, Escape(proofText(f.Proof))))
		}
		p.assumptions("    ", f.Assumptions)
		if !slices.ContainsFunc(explained, func(x *lint.Rule) bool { return x.ID == f.Rule.ID }) {
			explained = append(explained, f.Rule)
		}
	}
	p.blank()
	if w.opt.Full {
		for _, x := range explained {
			p.line("  ", p.paint.in(bold, Escape(x.ID)), "  ", Escape(x.Short))
			for _, paragraph := range strings.Split(x.Why, "\n\n") {
				p.line("    ", Escape(paragraph))
			}
		}
		p.blank()
	}
	if len(explained) > 0 {
		p.line("  netpath lint explain ", Escape(explained[0].ID), " says why it matters and how to mend it")
	}
	p.line("  netpath ", Escape(run.Version), map[bool]string{true: ", strict"}[run.Strict])
	p.catalogue("  ", r.ServiceTags)
	if w.opt.Scope != "" {
		p.line("  ", p.paint.in(faint, "scope: "+Escape(w.opt.Scope)))
	}
}

// placeOf is "nsg.json:12:7: ", the form that editors jump to.
func placeOf(o topology.Origin) string {
	s := o.String()
	switch {
	case s == "":
		return ""
	case o.Column > 0:
		return fmt.Sprintf("%s:%d: ", s, o.Column)
	default:
		return s + ": "
	}
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// proofText says what was proved: that the packets that a part matches fare
// the same without it.
func proofText(x *lint.Proof) string {
	if len(x.Scopes) == 0 {
		return "proved: no packet matches it"
	}
	var places []string
	allowed, denied, open := new(big.Int), new(big.Int), new(big.Int)
	counted := true
	for _, s := range x.Scopes {
		place := s.Place
		if place == "" {
			place = "the NSG alone"
		}
		if !slices.Contains(places, place) {
			places = append(places, place)
		}
		if s.Allowed == nil {
			counted = false
			continue
		}
		allowed.Add(allowed, s.Allowed)
		denied.Add(denied, s.Denied)
		open.Add(open, s.Open)
	}
	s := "proved: without it the same packets are allowed, denied and open"
	if counted && len(places) == 1 {
		s += fmt.Sprintf("; of those it matches %s are allowed, %s denied, %s open", diff.Count(allowed), diff.Count(denied), diff.Count(open))
	}
	if len(places) > shown {
		return s + fmt.Sprintf(", at %s", count(len(places), "place", "places"))
	}
	return s + ", at " + strings.Join(places, ", ")
}

// lintJSON is the document of lint.
type lintJSON struct {
	Version     string             `json:"netpathVersion"`
	FailOn      lint.Severity      `json:"failOn,omitempty"`
	Strict      bool               `json:"strict"`
	Inputs      []CheckInput       `json:"inputs"`
	Summary     lintSummary        `json:"summary"`
	Findings    []findingJSON      `json:"findings"`
	ServiceTags *sim.CatalogueInfo `json:"serviceTags,omitempty"`
}

type lintSummary struct {
	Findings int `json:"findings"`
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	Notes    int `json:"notes"`
	Accepted int `json:"suppressed"`
	Rules    int `json:"rules"`
	NSGs     int `json:"networkSecurityGroups"`
}

type findingJSON struct {
	ID          string            `json:"id"`
	Rule        string            `json:"rule"`
	Severity    lint.Severity     `json:"severity"`
	Resource    string            `json:"resource"`
	Name        string            `json:"name,omitempty"`
	Text        string            `json:"text"`
	Why         string            `json:"why"`
	Fix         string            `json:"fix"`
	Origin      *topology.Origin  `json:"origin,omitempty"`
	Related     []relatedJSON     `json:"related"`
	Proof       *proofJSON        `json:"proof,omitempty"`
	Assumptions []flow.Assumption `json:"assumptions"`
	Undecided   bool              `json:"undecided"`
	Suppressed  string            `json:"suppressed,omitempty"` // by what it is accepted
	Fingerprint string            `json:"fingerprint"`
}

type relatedJSON struct {
	Text   string           `json:"text"`
	Origin *topology.Origin `json:"origin,omitempty"`
}

// proofJSON: removing it leaves the three sets as they are, at every scope.
type proofJSON struct {
	Unchanged []string         `json:"unchanged"` // allowed, denied, open
	Scopes    []proofScopeJSON `json:"scopes"`
}

type proofScopeJSON struct {
	Place     string `json:"place,omitempty"`
	Direction string `json:"direction"`
	IPVersion int    `json:"ipVersion"`
	// Of the packets that it matches; left out where counting takes too long.
	Allowed string `json:"allowedPackets,omitempty"`
	Denied  string `json:"deniedPackets,omitempty"`
	Open    string `json:"openPackets,omitempty"`
}

func lintDocument(r *lint.Report, run LintRun) lintJSON {
	d := lintJSON{Version: run.Version, FailOn: run.FailOn, Strict: run.Strict, Inputs: list(run.Inputs), Summary: lintSummaryOf(r), Findings: []findingJSON{}, ServiceTags: r.ServiceTags}
	for i := range r.Findings {
		f := &r.Findings[i]
		x := findingJSON{ID: f.Rule.ID, Rule: f.Rule.Name, Severity: f.Severity, Resource: string(f.Subject), Name: f.Name, Text: f.Text, Why: f.Why, Fix: f.Fix,
			Origin: given(f.Origin), Related: []relatedJSON{}, Assumptions: list(f.Assumptions), Undecided: f.Undecided, Suppressed: f.Suppressed, Fingerprint: f.Fingerprint()}
		for _, y := range f.Related {
			x.Related = append(x.Related, relatedJSON{y.Text, given(y.Origin)})
		}
		if f.Proof != nil {
			x.Proof = &proofJSON{Unchanged: []string{"allowed", "denied", "open"}, Scopes: []proofScopeJSON{}}
			for _, s := range f.Proof.Scopes {
				y := proofScopeJSON{Place: s.Place, Direction: s.Direction.String(), IPVersion: 4}
				if s.IPv6 {
					y.IPVersion = 6
				}
				if s.Allowed != nil {
					y.Allowed, y.Denied, y.Open = s.Allowed.String(), s.Denied.String(), s.Open.String()
				}
				x.Proof.Scopes = append(x.Proof.Scopes, y)
			}
		}
		d.Findings = append(d.Findings, x)
	}
	return d
}

func lintSummaryOf(r *lint.Report) lintSummary {
	return lintSummary{Findings: len(r.Findings) - r.Suppressed(), Accepted: r.Suppressed(), Errors: r.Count(lint.Error), Warnings: r.Count(lint.Warning), Notes: r.Count(lint.Note), Rules: len(r.Rules), NSGs: r.Groups}
}
