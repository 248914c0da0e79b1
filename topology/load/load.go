// Package load reads exported Azure state, service tag files, datacenter
// ranges and design files into one topology.Network: strictly, with positions,
// diagnostics and a ledger of every leaf that was read.
//
// Each file is recognised by its content and read by the package of its
// dialect ([github.com/netpath/netpath/topology/load/arm] for Azure's own
// shapes, .../design for design files, .../tagfile for service tags and
// datacenter ranges, .../guest for the settings inside machines). The elements of a file join the estate only where its
// end was reached without error; then all files are merged into one estate.
package load

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/property"
	"github.com/netpath/netpath/topology/load/source"
)

// Options are the settings of [Estate]. The zero value is usable.
type Options struct {
	KeepGoing        bool      // a refused file counts as absent, with a gap, instead of an error
	Stdin            io.Reader // what "-" reads
	ServiceTags      []string  // files whose kind is fixed
	DatacenterRanges []string  // files whose kind is fixed
	Limits           doctree.Limits
	AllTags          bool   // a service tag whose prefixes cannot be read refuses its file, whether it is needed or not; KeepGoing implies it
	TagCache         string // folder where indexes of service tag files are kept; "" for none
	SkipSHA256       bool   // leave Input.SHA256 empty
}

// allTags: under KeepGoing a file is either there or counts as absent.
func (o Options) allTags() bool { return o.AllTags || o.KeepGoing }

// Result is an estate and what reading it brought up.
type Result struct {
	Network     *topology.Network
	Diagnostics []Diagnostic // warnings and notes, in order of file and position
	Refused     []error      // KeepGoing: the refusals
	Inputs      []Input
	Ledger      Ledger
}

// Input is one file that was read.
type Input struct {
	Path     string `json:"path"`
	SHA256   string `json:"sha256"`
	Bytes    int64  `json:"bytes"`
	Dialect  string `json:"dialect"` // "ARM REST", "az", "Az PowerShell", "design", "service tags", "waagent.conf", …
	Elements int    `json:"elements"`
}

// Severity says how much a diagnostic matters.
type Severity = source.Severity

// The severities.
const (
	Warning = source.Warning // the verdict is certain all the same
	Doubt   = source.Doubt   // dependent verdicts are Unknown or rest on an assumption
	Note    = source.Note
)

// Diagnostic is something the reader of a file should know.
type Diagnostic = source.Diagnostic

// Ledger counts the leaves of every element that was read. The three classes
// sum to Leaves.
type Ledger = property.Ledger

// UsageError is a path on the command line that cannot be meant (exit 2).
type UsageError struct{ Message string }

func (e *UsageError) Error() string { return e.Message }

// Estate reads files and directories (and "-") into one estate. A file that
// is refused is an error (*doctree.Error or one that wraps it) naming file,
// line, column and pointer; with KeepGoing it is in Result.Refused and leaves
// a gap. A *UsageError is for paths that do not exist.
func Estate(ctx context.Context, paths []string, opt Options) (*Result, error) {
	var found finder
	if err := found.find(paths, opt); err != nil {
		return nil, err
	}
	if len(found.refused) > 0 && !opt.KeepGoing {
		return nil, found.refused[0]
	}
	table := sync.OnceValues(property.NewTable) // while another goroutine reads tags
	for {
		files := readAll(ctx, found.inputs, table, opt)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		res, err := assemble(&found, files, opt)
		if err == nil || !opt.KeepGoing {
			return res, err
		}
		// Files that contradict each other: the one named counts as absent, and
		// the rest is read afresh, for merging has changed what was read.
		if !found.drop(err) {
			return nil, err
		}
	}
}

// assemble makes one estate of the files. With KeepGoing an error is a
// contradiction between files that each could be read.
func assemble(found *finder, files []*reading, opt Options) (*Result, error) {
	res := &Result{Diagnostics: slices.Clone(found.notes), Refused: slices.Clone(found.refused)}
	m := newMerger()
	for _, err := range found.refused {
		m.refused(err)
	}
	skipped := slices.Clone(found.skipped)
	for _, rd := range files {
		switch {
		case errors.Is(rd.err, errUnknownKind):
			skipped = append(skipped, rd.in.path)
			continue
		case errors.Is(rd.err, errPolicy):
			res.Diagnostics = append(res.Diagnostics, Diagnostic{Severity: Note, Message: "the policy file is not part of the estate",
				Origin: topology.Origin{File: rd.in.path}})
			continue
		case rd.err != nil && !opt.KeepGoing:
			return nil, rd.err
		case rd.err != nil:
			res.Refused = append(res.Refused, rd.err)
			m.refused(rd.err)
			continue
		}
		res.Inputs = append(res.Inputs, Input{rd.in.path, rd.sha256, rd.bytes, rd.dialect, rd.elements})
		res.Ledger.Add(rd.ledger)
		slices.SortStableFunc(rd.file.Diagnostics, byOrigin)
		res.Diagnostics = append(res.Diagnostics, rd.file.Diagnostics...)
		if err := m.add(rd); err != nil {
			return nil, err
		}
	}
	if len(skipped) > 0 {
		res.Diagnostics = append(res.Diagnostics, skippedDiagnostic(skipped))
	}
	if len(res.Inputs) == 0 && len(res.Refused) == 0 {
		err := &doctree.Error{File: found.inputs[0].path, Expected: "expected exported Azure state, a service tag file or a design; nothing that was given is one", Hint: kindHint}
		if !opt.KeepGoing {
			return nil, err
		}
		res.Refused = append(res.Refused, err)
		m.refusedFile(err)
	}
	network, err := m.network()
	if err != nil {
		return nil, err
	}
	res.Network = network
	res.Diagnostics = append(res.Diagnostics, m.diagnostics...)
	return res, nil
}

// readAll reads the files, several at a time, and returns them in order. It
// ends early where the context does.
func readAll(ctx context.Context, inputs []input, table func() (*property.Table, error), opt Options) []*reading {
	files := make([]*reading, len(inputs))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(inputs)) {
		wg.Go(func() {
			for i := range next {
				files[i] = readFile(ctx, inputs[i], table, opt)
			}
		})
	}
	for i := range inputs {
		next <- i
	}
	close(next)
	wg.Wait()
	return files
}

func skippedDiagnostic(paths []string) Diagnostic {
	slices.Sort(paths)
	text := paths[0]
	for i := 1; i < len(paths) && i < 5; i++ {
		text += ", " + paths[i]
	}
	if len(paths) > 5 {
		text += ", …"
	}
	what := "file of no known kind is"
	if len(paths) > 1 {
		what = "files of no known kind are"
	}
	return Diagnostic{Severity: Warning, Message: count(len(paths)) + " " + what + " skipped: " + text, Hint: kindHint}
}
