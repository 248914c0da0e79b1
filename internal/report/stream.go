package report

import "github.com/netpath/netpath/topology"

// stream is what the formats of pipelines render. Each analysis that has them
// makes one of its results.
type stream struct {
	command string // "check"
	version string // of netpath
	suite   string // what the tests of a JUnit report are about
	tally   string // the results, counted, in one line

	kinds      []sarifRule   // what may be found
	found      []sarifResult // what is found
	properties map[string]any

	tests []junitCase

	notices []notice // worst first

	marker string // Markdown: begins the report, so that it is found again
	header []string
	rows   [][]string // not escaped
	foot   []string   // lines below the table; Markdown, escaped

	remarks []notice // on the run itself
}

// notice is a line at a place of a file.
type notice struct {
	level       string // error, warning or notice
	at          topology.Origin
	title, text string
}

// pipeline writes a stream in the format of a pipeline; false where the format
// is not of these.
func (w *Writer) pipeline(s func() *stream) (bool, error) {
	switch w.opt.Format {
	case SARIF:
		return true, w.sarif(s())
	case JUnit:
		return true, w.junit(s())
	case Markdown:
		return true, w.markdown(s())
	case GitHub:
		return true, w.notices(s(), githubLine)
	case AzureDevOps:
		return true, w.notices(s(), azureLine)
	}
	return false, nil
}
