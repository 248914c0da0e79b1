package report

import "fmt"

// Redaction is what was written where.
type Redaction struct {
	Folder string `json:"folder"`
	Files  int    `json:"files"`  // rewritten
	Copied int    `json:"copied"` // service tag files and datacenter ranges
	Left   int    `json:"left"`   // settings of guests, left out
}

// Redaction writes what became of an estate.
func (w *Writer) Redaction(r Redaction) error {
	switch w.opt.Format {
	case JSON, NDJSON:
		return w.versioned(r)
	}
	p := &page{paint: w.paint()}
	p.line(Escape(fmt.Sprintf("%d files written to %s, %d copied, %d left out", r.Files, r.Folder, r.Copied, r.Left)))
	return w.flush(p)
}
