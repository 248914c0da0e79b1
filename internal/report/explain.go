package report

import "github.com/netpath/netpath/sim/flow"

// explanationJSON is an explanation in JSON.
type explanationJSON struct {
	Code   string       `json:"code"`
	Kind   flow.Meaning `json:"kind"`
	Means  string       `json:"means"`
	Next   string       `json:"next,omitempty"`
	Source string       `json:"source,omitempty"`
}

// Explanations writes what codes mean.
func (w *Writer) Explanations(list []flow.Explanation) error {
	out := make([]explanationJSON, len(list))
	for i, e := range list {
		out[i] = explanationJSON(e)
	}
	switch w.opt.Format {
	case JSON:
		return w.results(out)
	case NDJSON:
		return eachObject(w, out)
	}
	p := &page{paint: w.paint()}
	if w.opt.Format == Table || len(list) > 1 {
		rows := []row{header("code", "kind", "means")}
		for _, e := range list {
			rows = append(rows, row{cells: []cell{plain(e.Code), plain(string(e.Kind)), plain(e.Means)}})
		}
		p.table(rows)
		return w.flush(p)
	}
	for _, e := range list {
		p.line(p.paint.in(bold, Escape(e.Code)), "  ", Escape(string(e.Kind)))
		p.line("  ", Escape(e.Means))
		if e.Next != "" {
			p.line("  next: ", Escape(e.Next))
		}
		if e.Source != "" {
			p.line("  ", p.paint.in(faint, "documents: "+Escape(e.Source)))
		}
	}
	return w.flush(p)
}
