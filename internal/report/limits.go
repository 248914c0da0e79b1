package report

// Limit is something that netpath does not know, or does not do.
type Limit struct {
	ID    string `json:"id"`
	Kind  string `json:"kind"` // "open": a fact of Azure that sources leave open; "notModelled": something that is left out
	About string `json:"about"`
	Text  string `json:"text"`
	// Answer is what netpath says where a verdict turns on it.
	Answer string `json:"answer"`
	Source string `json:"source,omitempty"` // key of the Azure document, where one speaks of it
}

// Limits writes the list of limits.
func (w *Writer) Limits(list []Limit) error {
	switch w.opt.Format {
	case JSON:
		return w.versioned(struct {
			Limits []Limit `json:"limits"`
		}{list})
	case NDJSON:
		for _, l := range list {
			if err := w.versioned(l); err != nil {
				return err
			}
		}
		return nil
	}
	p := &page{paint: w.paint()}
	if w.opt.Format == Table {
		rows := []row{header("id", "kind", "about", "answer")}
		for _, l := range list {
			rows = append(rows, row{cells: []cell{plain(l.ID), plain(l.Kind), plain(l.About), plain(l.Answer)}})
		}
		p.table(rows)
		return w.flush(p)
	}
	kind := ""
	for _, l := range list {
		if l.Kind != kind {
			if kind != "" {
				p.line("")
			}
			if kind = l.Kind; kind == "open" {
				p.line("Facts that the documents leave open or dispute:")
			} else {
				p.line("What is not modelled:")
			}
		}
		line := "  " + l.ID + "  " + l.About + ": " + l.Text
		if l.Source != "" {
			line += " (" + l.Source + ")"
		}
		p.line(Escape(line))
		p.line(Escape("       answer: " + l.Answer))
	}
	return w.flush(p)
}
