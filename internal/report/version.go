package report

// Version is what netpath says about itself.
type Version struct {
	Version  string `json:"version"` // "devel" where the build has none
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"` // built from a changed working tree
	Go       string `json:"go"`
	Platform string `json:"platform"` // "linux/amd64"
}

// Version writes the version.
func (w *Writer) Version(v Version) error {
	switch w.opt.Format {
	case JSON, NDJSON:
		return w.versioned(v)
	}
	p := &page{paint: w.paint()}
	if w.opt.Format == Table {
		p.table([]row{header("version", "commit", "go", "platform"), {cells: []cell{plain(v.Version), plain(v.Commit), plain(v.Go), plain(v.Platform)}}})
		return w.flush(p)
	}
	s := "netpath " + v.Version
	if v.Commit != "" {
		s += " (" + v.Commit
		if v.Modified {
			s += ", modified"
		}
		s += ")"
	}
	p.line(Escape(s + " " + v.Go + " " + v.Platform))
	return w.flush(p)
}
