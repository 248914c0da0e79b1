// Package guest reads what the guest of a virtual machine says of its proxy:
// waagent.conf of the Linux agent, /etc/environment, and an export of the
// proxy settings in the registry of Windows (spec 8.2; BK16 to BK19).
//
// Azure exports none of it. The files are laid out as guests/<machine>/…, as
// they were copied from the machine. A password in them is neither kept nor
// shown.
package guest

import (
	"path"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/source"
)

// Kind is a kind of file. The zero value is none of them.
type Kind uint8

// The kinds.
const (
	Agent       Kind = iota + 1 // waagent.conf
	Environment                 // /etc/environment
	Registry                    // an export of the registry
)

// String names the kind as a dialect.
func (k Kind) String() string {
	switch k {
	case Agent:
		return "waagent.conf"
	case Environment:
		return "/etc/environment"
	case Registry:
		return "registry export"
	default:
		return "unknown"
	}
}

// Place is what a path says of a file of a guest.
type Place struct {
	Machine string // the name of its folder below guests
	Kind    Kind   // 0: no kind that is read
}

// PlaceOf finds guests/<machine>/… at the end of a path with slashes; ok is
// false where the path does not lead below a folder of guests. A file that
// stands in that folder itself has no machine.
func PlaceOf(file string) (p Place, ok bool) {
	parts := strings.Split(path.Clean(file), "/")
	for i := len(parts) - 2; i >= 0; i-- {
		if !strings.EqualFold(parts[i], "guests") {
			continue
		}
		below := parts[i+1:]
		if len(below) < 2 {
			return Place{}, true
		}
		return Place{Machine: below[0], Kind: kindOf(strings.Join(below[1:], "/"))}, true
	}
	return Place{}, false
}

// kindOf is the kind of a file by its path below the machine's folder. The
// names of Linux are those of its file system, in their letter case.
func kindOf(rel string) Kind {
	rel = strings.TrimSuffix(rel, ".gz")
	switch {
	case rel == "waagent.conf" || rel == "etc/waagent.conf":
		return Agent
	case rel == "environment" || rel == "etc/environment":
		return Environment
	case strings.EqualFold(rel, "proxy.reg"):
		return Registry
	default:
		return 0
	}
}

// Settings is what one file says.
type Settings struct {
	System  *topology.ProxySetting // of the system account, which the backup extension runs as; nil: none
	User    *topology.ProxySetting // of a user, which does not reach the extension; nil: none
	Used    int                    // values that were read
	Skipped int                    // values about something else

	// Bypass is what no_proxy lists in a file that sets no proxy itself.
	Bypass []topology.Bypass

	// Off is where the file says of the system account that no proxy is used;
	// nil where it does not say so.
	Off *topology.Origin
}

// Read reads the lines of a file of a kind. The first mistake is in f.Err.
func Read(f *source.File, k Kind, lines []string) Settings {
	r := reader{file: f}
	switch k {
	case Agent:
		r.agent(lines)
	case Environment:
		r.environment(lines)
	case Registry:
		r.registry(lines)
	}
	if f.Err != nil {
		return Settings{}
	}
	return r.out
}

type reader struct {
	file    *source.File
	out     Settings
	machine bool // the system account's setting is that of the whole machine
}

// value is the value of a key, with where it was read.
type value struct {
	key    string
	text   string
	line   int
	column int
}

func (r *reader) origin(v value) topology.Origin {
	return topology.Origin{File: r.file.Name, Line: v.line, Column: v.column, Pointer: v.key}
}

// refuse notes the file's first mistake. What was found is shown only where
// the caller gives it: it may hold a password.
func (r *reader) refuse(v value, found, expected, hint string) {
	if r.file.Err == nil {
		r.file.Err = &doctree.Error{File: r.file.Name, Pos: doctree.Pos{Line: v.line, Column: max(v.column, 1)}, Pointer: v.key,
			Found: found, Expected: expected, Hint: hint}
	}
}

func (r *reader) say(s source.Severity, v value, message, hint string) {
	r.file.Add(source.Diagnostic{Severity: s, Message: message, Hint: hint, Origin: r.origin(v)})
}

// once keeps the first value of a key. A second one must be the same: which of
// the two a program takes differs.
func (r *reader) once(known map[string]value, name string, v value) {
	old, twice := known[name]
	switch {
	case !twice:
		known[name] = v
	case old.text == v.text:
		r.say(source.Warning, v, v.key+" is given twice", "")
	default:
		r.refuse(v, "", "expected one value of "+v.key+"; line "+itoa(old.line)+" gives another", "remove one of the two")
	}
}
