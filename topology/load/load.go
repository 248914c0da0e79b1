// Package load reads exported Azure state, service tag files, datacenter
// ranges and design files into one topology.Network: strictly, with positions,
// diagnostics and a ledger of every leaf that was read.
package load

import (
	"context"
	"io"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
)

// Options are the settings of [Estate]. The zero value is usable.
type Options struct {
	KeepGoing        bool      // a refused file counts as absent, with a gap, instead of an error
	Stdin            io.Reader // what "-" reads
	ServiceTags      []string  // files whose kind is fixed
	DatacenterRanges []string  // files whose kind is fixed
	Limits           doctree.Limits
}

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
	Dialect  string `json:"dialect"` // "ARM REST", "az", "Az PowerShell", "design", "service tags", …
	Elements int    `json:"elements"`
}

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

// Ledger counts the leaves of every element that was read. The three classes
// sum to Leaves.
type Ledger struct {
	Leaves      int            `json:"leaves"`
	Used        int            `json:"used"`
	Irrelevant  int            `json:"irrelevant"`
	NotModelled int            `json:"notModelled"`
	Unmodelled  map[string]int `json:"unmodelled,omitempty"` // "Microsoft.Network/virtualNetworks: properties.x" → times
}

// Estate reads files and directories (and "-") into one estate. A file that
// is refused is an error (*doctree.Error or one that wraps it) naming file,
// line, column and pointer; with KeepGoing it is in Result.Refused and leaves
// a gap. A *UsageError is for paths that do not exist.
func Estate(ctx context.Context, paths []string, opt Options) (*Result, error) {
	return nil, nil
}

// UsageError is a path on the command line that cannot be meant (exit 2).
type UsageError struct{ Message string }

func (e *UsageError) Error() string { return e.Message }
