package report

import "strconv"

// Selftest is how the answers of a binary compare with those it carries.
type Selftest struct {
	Cases    int      `json:"cases"`
	Estates  int      `json:"estates"`
	Equal    int      `json:"equal"`
	Cautious int      `json:"cautious"` // Unknown, or under an assumption, where the answer is known
	Wrong    []string `json:"wrong"`
}

// Selftest writes how a self-test went.
func (w *Writer) Selftest(s Selftest) error {
	if s.Wrong == nil {
		s.Wrong = []string{}
	}
	switch w.opt.Format {
	case JSON, NDJSON:
		return w.versioned(s)
	}
	p := &page{paint: w.paint()}
	n := strconv.Itoa
	if w.opt.Format == Table {
		p.table([]row{header("cases", "estates", "equal", "cautious", "wrong"),
			{cells: []cell{plain(n(s.Cases)), plain(n(s.Estates)), plain(n(s.Equal)), plain(n(s.Cautious)), plain(n(len(s.Wrong)))}}})
		return w.flush(p)
	}
	for _, line := range s.Wrong {
		p.line(Escape("wrong: " + line))
	}
	p.line(n(s.Cases) + " cases of " + n(s.Estates) + " estates: " + n(s.Equal) + " answered as expected, " + n(s.Cautious) + " with more caution, " + n(len(s.Wrong)) + " wrong")
	return w.flush(p)
}
