// Package source is one file while it is read: where its nodes stand, what
// the reader should know about it, the first reason to refuse it, and the
// strict reading of the scalars that all dialects share (addresses, ports,
// protocols, numbers, Booleans).
//
// Refusals are sticky: a reading method that meets a mistake notes the first
// one in [File.Err] and returns the zero value, so that decoders read straight
// on and ask once at the end.
package source

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
)

// Severity says how much a diagnostic matters.
type Severity string

// The severities.
const (
	Warning Severity = "warning" // the verdict is certain all the same
	Doubt   Severity = "doubt"   // dependent verdicts are Unknown or rest on an assumption
	Note    Severity = "note"
)

// Diagnostic is something the reader of a file should know.
type Diagnostic struct {
	Severity Severity        `json:"severity"`
	Message  string          `json:"message"`
	Hint     string          `json:"hint,omitempty"`
	Origin   topology.Origin `json:"origin"`
}

// File is a file being read. It is not safe for concurrent use.
type File struct {
	Name        string
	YAML        bool // plain scalars of any look are text where text is due
	Diagnostics []Diagnostic
	Unsaid      int   // diagnostics that were too many to keep
	Err         error // the first refusal, a *doctree.Error

	first map[string]*topology.Origin // of tags and expressions
}

// Origin is where the node stands.
func (f *File) Origin(n *doctree.Node) topology.Origin {
	if n == nil {
		return topology.Origin{File: f.Name}
	}
	return topology.Origin{File: f.Name, Line: n.Pos.Line, Column: n.Pos.Column, Pointer: n.Pointer()}
}

// Refuse notes the file's first mistake: what was expected at the node and
// the next step. What was found is the node's own text.
func (f *File) Refuse(n *doctree.Node, expected, hint string) {
	if f.Err == nil {
		f.Err = Refusal(f.Name, n, expected, hint)
	}
}

// Refusal is the error that [File.Refuse] notes.
func Refusal(file string, n *doctree.Node, expected, hint string) *doctree.Error {
	e := &doctree.Error{File: file, Expected: expected, Hint: hint}
	if n != nil {
		e.Pos, e.Pointer, e.Found = n.Pos, n.Pointer(), Found(n)
	}
	return e
}

// RefuseAt is Refuse for a mistake of the whole object or list at the node,
// whose content says nothing.
func (f *File) RefuseAt(n *doctree.Node, expected, hint string) {
	if f.Err == nil {
		e := Refusal(f.Name, n, expected, hint)
		e.Found = ""
		f.Err = e
	}
}

// mostSaid bounds what is kept of a file: it may hold a million mistakes of
// one kind.
const mostSaid = 10_000

// Say adds a diagnostic about the node.
func (f *File) Say(s Severity, n *doctree.Node, hint, format string, args ...any) {
	f.Add(Diagnostic{s, fmt.Sprintf(format, args...), hint, f.Origin(n)})
}

// Add adds a diagnostic.
func (f *File) Add(d Diagnostic) {
	if len(f.Diagnostics) >= mostSaid {
		f.Unsaid++
		return
	}
	f.Diagnostics = append(f.Diagnostics, d)
}

// Found describes a node in an error: a scalar by its escaped text, anything
// else by its kind.
func Found(n *doctree.Node) string {
	switch {
	case n == nil:
		return "nothing"
	case n.Kind == doctree.String:
		return Quote(n.Text)
	case n.Kind == doctree.Number || n.Kind == doctree.Bool:
		return Cut(n.Text)
	case n.Kind == doctree.Array && len(n.Items) == 0:
		return "an empty list"
	default:
		return n.Kind.String()
	}
}

// Quote escapes a text for a message and cuts it to 80 characters.
func Quote(s string) string { return strconv.Quote(Cut(s)) }

// Command writes an ID for a shell command that is to be pasted: whole, and
// quoted where it holds more than IDs do.
func Command(id string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/_.-", r)
	}
	if !strings.ContainsFunc(id, func(r rune) bool { return !plain(r) }) {
		return id
	}
	q := strconv.Quote(id) // no ID has control characters
	return "'" + strings.ReplaceAll(q[1:len(q)-1], "'", `'\'\''`) + "'"
}

// Escape is Quote without the quotes, for names inside a sentence.
func Escape(s string) string {
	q := Quote(s)
	return q[1 : len(q)-1]
}

// Cut cuts a text to 80 characters.
func Cut(s string) string {
	const most = 80
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	n := 0
	for i := range s {
		if n++; n == most {
			return s[:i] + "…"
		}
	}
	return s
}

// IsNull reports whether there is no value: nothing there, or null.
func IsNull(n *doctree.Node) bool { return n == nil || n.Kind == doctree.Null }

// IsEmpty reports whether the value is absent, null, "", [] or {}.
func IsEmpty(n *doctree.Node) bool {
	switch {
	case IsNull(n):
		return true
	case n.Kind == doctree.String:
		return n.Text == ""
	case n.Kind == doctree.Array:
		return len(n.Items) == 0
	case n.Kind == doctree.Object:
		return len(n.Members) == 0
	default:
		return false
	}
}

// Expression reports whether a text is an ARM template expression that was
// not evaluated: "[parameters('x')]". "[[" escapes a bracket.
func Expression(s string) bool {
	return len(s) > 2 && s[0] == '[' && s[1] != '[' && s[len(s)-1] == ']'
}

// DepthLost reports whether a string is what PowerShell's ConvertTo-Json
// writes in place of an object or list below its depth.
func DepthLost(s string) bool {
	return strings.HasPrefix(s, "@{") && strings.HasSuffix(s, "}") ||
		strings.HasPrefix(s, "System.Object") || strings.HasPrefix(s, "System.Collections.") ||
		strings.HasPrefix(s, "Microsoft.Azure.Commands.") || strings.HasPrefix(s, "Microsoft.Azure.Management.") ||
		s == "System.String[]"
}

// DepthHint is what to do about [DepthLost].
const DepthHint = "export again with ConvertTo-Json -Depth 100"
