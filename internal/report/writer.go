package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// SchemaVersion is the version of the JSON output. Fields are only added
// within a major version.
const SchemaVersion = "1.0"

// Format is a form of output.
type Format string

// The formats.
const (
	Text   Format = "text"   // for reading
	Table  Format = "table"  // a header and a line for each row
	JSON   Format = "json"   // one document with schemaVersion
	NDJSON Format = "ndjson" // one JSON object a line
)

// The formats of reports on assertions.
const (
	SARIF       Format = "sarif"       // SARIF 2.1.0
	JUnit       Format = "junit"       // JUnit XML
	Markdown    Format = "markdown"    // for a comment on a pull request
	GitHub      Format = "github"      // workflow commands of GitHub Actions
	AzureDevOps Format = "azuredevops" // logging commands of Azure Pipelines
)

// Formats lists the formats that every answer has, by name.
func Formats() []string {
	return []string{string(Text), string(Table), string(JSON), string(NDJSON)}
}

// CheckFormats lists the formats of a report on assertions.
func CheckFormats() []string {
	return append(Formats(), string(SARIF), string(JUnit), string(Markdown), string(GitHub), string(AzureDevOps))
}

// ParseFormat reads the name of a format, one of known.
func ParseFormat(name string, known []string) (Format, error) {
	if slices.Contains(known, name) {
		return Format(name), nil
	}
	if slices.Contains(CheckFormats(), name) {
		return "", fmt.Errorf("output format %q is for check and lint; use one of %s", name, strings.Join(known, ", "))
	}
	return "", fmt.Errorf("output format %q is not known; use one of %s", name, strings.Join(known, ", "))
}

// Options are the settings of a [Writer]. The zero value writes text without
// colour.
type Options struct {
	Format    Format // "" is Text
	Color     bool   // text and tables: paint the verdicts
	Full      bool   // text: the hops of every part, however many there are
	Scope     string // text: what every answer takes for granted, said below it
	ExitCodes []int  // JSON: every exit code that the run has come to
}

// Writer writes answers in one format. It is not safe for concurrent use; the
// methods of [Line] are.
type Writer struct {
	out   io.Writer
	opt   Options
	lines int // of a stream
}

// New makes a Writer to out.
func New(out io.Writer, opt Options) *Writer {
	if opt.Format == "" {
		opt.Format = Text
	}
	return &Writer{out: out, opt: opt}
}

func (w *Writer) paint() paint { return paint{w.opt.Color} }

// flush writes a page in one call.
func (w *Writer) flush(p *page) error {
	_, err := w.out.Write(p.b)
	return err
}
