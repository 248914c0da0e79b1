package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/internal/report"
	rules "github.com/netpath/netpath/sim/policy"
)

// baselineFile is a file of old findings. One finding stands below the other,
// in the order of assertions, so that a diff shows what came and went.
type baselineFile struct {
	Version  string            `json:"baselineVersion"`
	Findings []baselineFinding `json:"findings"`
}

type baselineFinding struct {
	Assertion   string        `json:"assertion"`
	Finding     string        `json:"finding"` // what it is about, for people
	Verdict     rules.Verdict `json:"verdict"`
	Fingerprint string        `json:"fingerprint"`

	// Which packets are not as asserted, and of which it is not known, where the
	// assertion is one about packets.
	Broken    []rules.Packets `json:"broken,omitempty"`
	Undecided []rules.Packets `json:"undecided,omitempty"`
}

// baselineVersion is the version of the file. It changes where fingerprints
// do, or what a finding must say. The findings of version 1 did not say which
// packets they had: more of them could be open without another finding.
const baselineVersion = "2"

// readBaseline reads a file of old findings. Whatever is wrong with it is a
// usage error, as with the policy file.
func readBaseline(name string) ([]rules.Finding, error) {
	list, err := parseBaseline(name)
	if err != nil {
		return nil, usagef("baseline: %w", err)
	}
	return list, nil
}

func parseBaseline(name string) ([]rules.Finding, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	doc, err := doctree.Read(name, f, doctree.Limits{})
	if err != nil {
		return nil, err
	}
	if doc.Format == doctree.XML || len(doc.Roots) != 1 {
		return nil, fmt.Errorf("%s: expected a baseline that --write-baseline wrote", name)
	}
	r := policyReader{file: name}
	list := []rules.Finding{}
	root := doc.Roots[0]
	for _, m := range r.object(root, "baselineVersion", "findings") {
		switch m.Key {
		case "baselineVersion":
			if v := r.text(m.Value); v != baselineVersion {
				r.fail(m.Value, m.Value.Pos, "expected version "+baselineVersion+" of a baseline", fmt.Sprintf("%q", v), "look at what check finds without it, then write it anew with --write-baseline")
			}
		case "findings":
			for _, item := range r.list(m.Value) {
				list = append(list, r.finding(item))
			}
		}
	}
	for _, key := range []string{"baselineVersion", "findings"} {
		if root.Kind == doctree.Object && root.Get(key) == nil {
			r.fail(root, root.Pos, "a baseline needs "+key, "", "write it with --write-baseline")
		}
	}
	return list, r.err
}

func (r *policyReader) finding(n *doctree.Node) rules.Finding {
	var f rules.Finding
	for _, m := range r.object(n, "assertion", "finding", "verdict", "fingerprint", "broken", "undecided") {
		switch m.Key {
		case "assertion":
			f.ID = r.text(m.Value)
		case "finding":
			f.Title = r.text(m.Value)
		case "broken":
			f.Broken = r.remembered(m.Value)
		case "undecided":
			f.Undecided = r.remembered(m.Value)
		case "verdict":
			switch text := r.text(m.Value); text {
			case rules.Fail.String():
				f.Verdict = rules.Fail
			case rules.Unknown.String():
				f.Verdict = rules.Unknown
			default:
				r.fail(m.Value, m.Value.Pos, "expected Fail or Unknown", fmt.Sprintf("%q", text), "")
			}
		case "fingerprint":
			text := r.text(m.Value)
			if b, err := hex.DecodeString(text); err != nil || len(b) != 16 {
				r.fail(m.Value, m.Value.Pos, "expected a fingerprint of 32 hexadecimal digits", fmt.Sprintf("%q", text), "")
			}
			f.Fingerprint = text
		}
	}
	for _, key := range []string{"assertion", "verdict", "fingerprint"} {
		if n.Kind == doctree.Object && n.Get(key) == nil {
			r.fail(n, n.Pos, "a finding needs "+key, "", "write the baseline with --write-baseline")
		}
	}
	return f
}

// remembered reads the packets of a finding.
func (r *policyReader) remembered(n *doctree.Node) (list []rules.Packets) {
	for _, item := range r.list(n) {
		var p rules.Packets
		fields := map[string]*string{"from": &p.From, "to": &p.To, "through": &p.Through, "protocol": &p.Protocol, "sourcePorts": &p.SourcePorts, "ports": &p.Ports, "source": &p.Source, "destination": &p.Destination}
		for _, m := range r.object(item, slices.Sorted(maps.Keys(fields))...) {
			if field := fields[m.Key]; field != nil {
				*field = r.text(m.Value)
			}
		}
		if err := p.Valid(); err != nil {
			r.fail(item, item.Pos, "expected packets", err.Error(), "write the baseline anew with --write-baseline")
		}
		list = append(list, p)
	}
	return list
}

// writeBaseline writes the findings of a run for later ones. The file is there
// complete or not at all.
func writeBaseline(name string, list []rules.Finding) error {
	doc := baselineFile{Version: baselineVersion, Findings: []baselineFinding{}}
	for _, f := range list {
		doc.Findings = append(doc.Findings, baselineFinding{Assertion: f.ID, Finding: report.Escape(f.Title), Verdict: f.Verdict, Fingerprint: f.Fingerprint,
			Broken: f.Broken, Undecided: f.Undecided})
	}
	b, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	f, err := createPending(name)
	if err != nil {
		return err
	}
	if _, err = f.Write(append(b, '\n')); err == nil {
		err = f.commit()
	}
	if err != nil {
		f.abandon()
		return &outputError{err}
	}
	return nil
}

// suppressing is what the policy file and the baseline take out of a check.
func (p *policy) suppressing(baseline []rules.Finding) rules.Options {
	opts := rules.Options{Baseline: baseline}
	for _, x := range p.suppressions {
		if !x.lapsed {
			opts.Suppressions = append(opts.Suppressions, &x.Suppression)
		}
	}
	return opts
}

// remark tells the report of a run what became of the suppressions and of the
// baseline, and reports whether a suppression has expired.
func (p *policy) remark(run *report.CheckRun, r *rules.Report) (expired bool) {
	say := func(x *suppression, failed bool, format string, args ...any) {
		run.Remarks = append(run.Remarks, report.CheckRemark{Error: failed, Origin: x.Origin, Text: fmt.Sprintf(format, args...)})
	}
	for _, x := range p.suppressions {
		state := report.SuppressionUsed
		switch {
		case x.lapsed:
			state, expired = report.SuppressionExpired, true
			say(x, true, "the suppression of %s expired on %s; renew it (owner: %s) or remove it", x.label(), x.Expires, x.Owner)
		case slices.Contains(r.Unused, &x.Suppression) && !p.asks(x):
			continue // netpath lint goes by it
		case slices.Contains(r.Unused, &x.Suppression):
			state = report.SuppressionUnused
			say(x, false, "the suppression of %s was not used; remove it", x.label())
		}
		run.Suppressions = append(run.Suppressions, report.CheckSuppression{ID: x.ID, About: x.About, Reason: x.Reason, Owner: x.Owner, Expires: x.Expires, Origin: &x.Origin, State: state})
	}
	for _, f := range r.Gone {
		run.Remarks = append(run.Remarks, report.CheckRemark{Text: fmt.Sprintf("%s is in the baseline and no longer found: %s; write the baseline anew", f.ID, f.Title)})
	}
	for _, f := range r.Less {
		run.Remarks = append(run.Remarks, report.CheckRemark{Text: fmt.Sprintf("%s has more in the baseline than is found now: %s; write the baseline anew", f.ID, f.Title)})
	}
	return expired
}

// asks reports whether an assertion of the policy could use a suppression:
// its own, or one of lint where the suppression is of a rule.
func (p *policy) asks(x *suppression) bool {
	return slices.ContainsFunc(p.assertions, func(a *rules.Assertion) bool { return a.ID == x.ID || a.Kind == rules.Lint })
}

func (x *suppression) label() string {
	if x.About == "" {
		return x.ID
	}
	return x.ID + " about " + x.About
}
