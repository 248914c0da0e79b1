package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/lint"
	rules "github.com/netpath/netpath/sim/policy"
	"github.com/netpath/netpath/topology"
)

// policyName is the file that --ci looks for, upward from the working folder.
const policyName = "netpath.yaml"

// policy is what a policy file says. The zero value says nothing.
type policy struct {
	file          string
	waivers       []*waiver
	suppressions  []*suppression
	assertions    []*rules.Assertion
	earlier       map[*rules.Assertion][]string // the export that an assertion compares with
	catalogueDate time.Time                     // of the service tag file where its name does not say it
}

type waiver struct {
	flow.Waiver
	line   int
	lapsed bool // expired before the day of the run
	used   bool
}

type suppression struct {
	rules.Suppression
	lapsed bool // expired before the day of the run
}

// findPolicy reads the policy file: the one named, else with seek the nearest
// netpath.yaml upward, else none. Whatever is wrong with it is a usage error.
func findPolicy(name string, seek bool, asOf time.Time) (*policy, error) {
	if name == "" && seek {
		dir, err := os.Getwd()
		if err != nil {
			return nil, err
		}
		for parent, up := filepath.Dir(dir), ""; ; dir, parent, up = parent, filepath.Dir(parent), filepath.Join("..", up) {
			if isFile(filepath.Join(dir, policyName)) {
				name = filepath.Join(up, policyName)
				break
			}
			if parent == dir {
				break
			}
		}
	}
	if name == "" {
		return &policy{}, nil
	}
	p, err := readPolicy(name, asOf)
	if err != nil {
		return nil, usagef("policy file: %w", err)
	}
	return p, nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func readPolicy(name string, asOf time.Time) (*policy, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if blank(f) {
		return &policy{file: name}, nil
	}
	return policyText(name, f, asOf)
}

// policyText reads a policy file that is not blank.
func policyText(name string, in io.Reader, asOf time.Time) (*policy, error) {
	doc, err := doctree.Read(name, in, doctree.Limits{})
	if err != nil {
		return nil, err
	}
	if doc.Format == doctree.XML || len(doc.Roots) != 1 {
		return nil, fmt.Errorf("%s: expected one YAML document", name)
	}
	r := policyReader{file: name, earlier: map[*rules.Assertion][]string{}}
	p := &policy{file: name, earlier: r.earlier}
	for _, m := range r.object(doc.Roots[0], keysOf[policyFile]()...) {
		switch m.Key {
		case "assertions":
			for _, item := range r.list(m.Value) {
				p.assertions = append(p.assertions, r.assertion(item, p.assertions))
			}
		case "waivers":
			for _, item := range r.list(m.Value) {
				p.waivers = append(p.waivers, r.waiver(item, asOf))
			}
		case "suppressions":
			for _, item := range r.list(m.Value) {
				p.suppressions = append(p.suppressions, r.suppression(item, asOf))
			}
		case "serviceTags":
			for _, m := range r.object(m.Value, keysOf[serviceTagsFile]()...) {
				p.catalogueDate = r.date(m.Value)
			}
		}
	}
	for _, x := range p.suppressions {
		r.suppresses(p, x)
	}
	if r.err != nil {
		return nil, r.err
	}
	return p, nil
}

// blank reports whether a file holds nothing, and goes back to its start.
func blank(f io.ReadSeeker) bool {
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	f.Seek(0, io.SeekStart) // what cannot be sought is read as it is
	return (err == io.EOF || err == io.ErrUnexpectedEOF) && len(bytes.TrimSpace(head[:n])) == 0
}

// policyReader decodes a policy's tree; it keeps its first error.
type policyReader struct {
	file    string
	err     error
	earlier map[*rules.Assertion][]string
}

func (r *policyReader) fail(n *doctree.Node, pos doctree.Pos, expected, found, hint string) {
	if r.err == nil {
		r.err = &doctree.Error{File: r.file, Pos: pos, Pointer: n.Pointer(), Expected: expected, Found: found, Hint: hint}
	}
}

// object returns the members of a node whose keys must be among known.
func (r *policyReader) object(n *doctree.Node, known ...string) []doctree.Member {
	if n.Kind != doctree.Object {
		r.fail(n, n.Pos, "expected an object with "+strings.Join(known, ", "), n.Kind.String(), "")
		return nil
	}
	for _, m := range n.Members {
		if !slices.Contains(known, m.Key) {
			r.fail(m.Value, m.Pos, "unknown key", fmt.Sprintf("%q", m.Key), "known here: "+strings.Join(known, ", ")+didYouMean(m.Key, known))
		}
	}
	return n.Members
}

func (r *policyReader) list(n *doctree.Node) []*doctree.Node {
	if n.Kind != doctree.Array {
		r.fail(n, n.Pos, "expected a list", n.Kind.String(), "")
	}
	return n.Items
}

func (r *policyReader) text(n *doctree.Node) string {
	if n.Kind != doctree.String || strings.TrimSpace(n.Text) == "" {
		r.fail(n, n.Pos, "expected a text that is not empty", n.Kind.String(), "")
	}
	return strings.TrimSpace(n.Text)
}

func (r *policyReader) date(n *doctree.Node) time.Time {
	s := r.text(n)
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		r.fail(n, n.Pos, "expected a date like 2025-10-28", fmt.Sprintf("%q", s), "")
	}
	return d
}

// acceptance is what waivers and suppressions have in common: what is accepted,
// why, by whom and how long.
type acceptance struct {
	about, reason, owner, expires string
	lapsed                        bool // expired before the day of the run
}

// accepts reads an acceptance; what it is of is read by id.
func (r *policyReader) accepts(n *doctree.Node, what string, known []string, asOf time.Time, id func(*doctree.Node)) (a acceptance) {
	for _, m := range r.object(n, known...) {
		switch m.Key {
		case "id":
			id(m.Value)
		case "about":
			a.about = r.text(m.Value)
		case "reason":
			a.reason = r.text(m.Value)
		case "owner":
			a.owner = r.text(m.Value)
		case "expires":
			d := r.date(m.Value)
			a.expires, a.lapsed = d.Format(time.DateOnly), d.Before(asOf)
		}
	}
	for _, key := range []string{"id", "reason", "owner", "expires"} {
		if n.Get(key) == nil {
			r.fail(n, n.Pos, "a "+what+" needs "+key, "", "write id, reason, owner and expires; about is optional")
		}
	}
	return a
}

func (r *policyReader) waiver(n *doctree.Node, asOf time.Time) *waiver {
	w := &waiver{line: n.Pos.Line}
	a := r.accepts(n, "waiver", keysOf[waiverFile](), asOf, func(id *doctree.Node) { w.ID = r.assumption(id) })
	w.About, w.Reason, w.Owner, w.Expires, w.lapsed = a.about, a.reason, a.owner, a.expires, a.lapsed
	return w
}

func (r *policyReader) suppression(n *doctree.Node, asOf time.Time) *suppression {
	x := &suppression{}
	x.Origin = topology.Origin{File: r.file, Line: n.Pos.Line, Column: n.Pos.Column, Pointer: n.Pointer()}
	a := r.accepts(n, "suppression", keysOf[suppressionFile](), asOf, func(id *doctree.Node) { x.ID = r.text(id) })
	x.About, x.Reason, x.Owner, x.Expires, x.lapsed = a.about, a.reason, a.owner, a.expires, a.lapsed
	return x
}

// suppresses refuses a suppression of nothing that there is.
func (r *policyReader) suppresses(p *policy, x *suppression) {
	var ids []string
	for _, a := range p.assertions {
		ids = append(ids, a.ID)
	}
	for _, rule := range lint.Rules() {
		ids = append(ids, rule.ID, rule.Name)
	}
	if r.err == nil && !slices.Contains(ids, x.ID) {
		r.err = &doctree.Error{File: r.file, Pos: doctree.Pos{Line: x.Origin.Line, Column: x.Origin.Column}, Pointer: x.Origin.Pointer, Expected: "expected the id of an assertion, or of a rule of lint",
			Found: fmt.Sprintf("%q", x.ID), Hint: strings.TrimPrefix(didYouMean(x.ID, ids), "; ")}
	}
}

func (r *policyReader) assumption(n *doctree.Node) flow.AssumptionID {
	id := flow.AssumptionID(r.text(n))
	known := flow.AssumptionIDs()
	if !slices.Contains(known, id) {
		names := make([]string, len(known))
		for i, k := range known {
			names[i] = string(k)
		}
		r.fail(n, n.Pos, "not the ID of an assumption", fmt.Sprintf("%q", id), strings.TrimPrefix(didYouMean(string(id), names), "; "))
	}
	return id
}

// valid lists the waivers that have not expired.
func (p *policy) valid() []flow.Waiver {
	var list []flow.Waiver
	for _, w := range p.waivers {
		if !w.lapsed {
			list = append(list, w.Waiver)
		}
	}
	return list
}

// expired reports the waivers that have expired, on standard error, and
// whether there are any.
func (p *policy) expired(out *program) bool {
	found := false
	for _, w := range p.waivers {
		if w.lapsed {
			found = true
			out.complain("%s:%d: the waiver of %s expired on %s; renew it (owner: %s) or remove it", p.file, w.line, w.label(), w.Expires, w.Owner)
		}
	}
	return found
}

func (w *waiver) label() string {
	if w.About == "" {
		return string(w.ID)
	}
	return string(w.ID) + " about " + w.About
}

// use marks the waivers that cover one of the assumptions.
func (p *policy) use(list []flow.Assumption) {
	for _, w := range p.waivers {
		if !w.used && !w.lapsed {
			w.used = slices.ContainsFunc(list, func(a flow.Assumption) bool { return w.Covers(a.ID, a.About) })
		}
	}
}

// unwaived lists the assumptions that no valid waiver covers.
func (p *policy) unwaived(list []flow.Assumption) []flow.Assumption {
	var out []flow.Assumption
	for _, a := range list {
		if !slices.ContainsFunc(p.waivers, func(w *waiver) bool { return !w.lapsed && w.Covers(a.ID, a.About) }) {
			out = append(out, a)
		}
	}
	return out
}

// printUnused names the waivers that no answer rested on.
func (p *policy) printUnused(out *program, strict bool) {
	if !strict {
		return
	}
	for _, w := range p.waivers {
		if !w.used && !w.lapsed {
			out.warn("%s:%d: the waiver of %s was not used", p.file, w.line, w.label())
		}
	}
}

// needed collects the waivers that would have settled the answers of a strict
// run.
type needed struct {
	list []flow.Assumption
	seen map[flow.Assumption]bool
	more bool // the list is full
}

// maxNeeded bounds what a run over any number of flows keeps and prints.
const maxNeeded = 100

func (n *needed) add(list []flow.Assumption) {
	if n.seen == nil {
		n.seen = map[flow.Assumption]bool{}
	}
	for _, a := range list {
		a.Text = ""
		if n.seen[a] {
			continue
		}
		if n.more = len(n.list) == maxNeeded; !n.more {
			n.seen[a] = true
			n.list = append(n.list, a)
		}
	}
}

// waiverDays is how long a suggested waiver lasts.
const waiverDays = 90

// print writes the missing waivers ready to paste into the policy file; the
// reason and the owner are a person's to fill in, and the file is refused
// until they are.
func (n *needed) print(out *program, asOf time.Time) {
	if len(n.list) == 0 {
		return
	}
	expires := asOf.AddDate(0, 0, waiverDays).Format(time.DateOnly)
	out.stderr.say("waivers that these answers would need, for " + policyName + ":")
	out.stderr.say("waivers:")
	for _, a := range n.list {
		out.stderr.say("  - id: " + report.Escape(string(a.ID)))
		if a.About != "" {
			out.stderr.say("    about: " + yamlText(a.About))
		}
		out.stderr.say("    reason: \"\"")
		out.stderr.say("    owner: \"\"")
		out.stderr.say("    expires: " + expires)
	}
	if n.more {
		out.stderr.say(fmt.Sprintf("# and more than these %d; an about with a glob, or none, covers many", maxNeeded))
	}
}

// yamlText is the text as a double-quoted YAML scalar, safe to print.
func yamlText(s string) string {
	return `"` + report.Escape(strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)) + `"`
}
