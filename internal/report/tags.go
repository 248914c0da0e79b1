package report

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/servicetag"
)

// TagLookup is what holds an address, the most specific first.
type TagLookup struct {
	Address netip.Addr `json:"address"`
	Matches []TagMatch `json:"matches"`
}

// TagMatch is a service tag or datacenter region that holds an address, and
// the file that says so.
type TagMatch struct {
	servicetag.Match
	File string `json:"file,omitempty"`
}

// Tag is a service tag or a datacenter region with its prefixes in the order
// of the file.
type Tag struct {
	Name         string          `json:"name"`
	Kind         servicetag.Kind `json:"kind"`
	Region       string          `json:"region"`  // "" for a global tag
	Service      string          `json:"service"` // "" where the file names none
	ChangeNumber int             `json:"changeNumber,omitempty"`
	PrefixCount  int             `json:"prefixCount"`
	Prefixes     []netip.Prefix  `json:"prefixes,omitempty"`
	Origin       topology.Origin `json:"origin"`
}

// TagOf is a service tag as it is shown.
func TagOf(t *topology.ServiceTag) Tag {
	return Tag{
		Name: t.Name, Kind: servicetag.ServiceTag, Region: t.Region, Service: t.SystemService, ChangeNumber: t.ChangeNumber,
		PrefixCount: t.Prefixes.Len(), Prefixes: t.Prefixes.Slice(), Origin: t.Origin,
	}
}

// RegionOf is a datacenter region as it is shown.
func RegionOf(r *topology.DatacenterRegion) Tag {
	return Tag{Name: r.Name, Kind: servicetag.DatacenterRegion, Region: r.Location, PrefixCount: len(r.Prefixes), Prefixes: r.Prefixes, Origin: r.Origin}
}

// TagDiff is what changed between two files.
type TagDiff struct {
	Old     TagFile             `json:"old"`
	New     TagFile             `json:"new"`
	Changes []servicetag.Change `json:"changes"`
	Backup  *BackupDiff         `json:"backup,omitempty"` // where an estate was asked
}

// BackupDiff is which machines' backup fares differently with the new file.
type BackupDiff struct {
	Machines int             `json:"machines"`
	Changes  []backup.Change `json:"changes"`
}

// TagFile names a service tag file or datacenter ranges.
type TagFile struct {
	File         string `json:"file"`
	Cloud        string `json:"cloud,omitempty"`
	ChangeNumber int    `json:"changeNumber,omitempty"`
	Date         string `json:"date,omitempty"` // YYYY-MM-DD, of the file's name
}

func (f TagFile) String() string {
	s := f.File
	if f.Cloud != "" {
		s += ", " + f.Cloud
	}
	if f.ChangeNumber > 0 {
		s += ", change " + strconv.Itoa(f.ChangeNumber)
	}
	if f.Date != "" {
		s += ", " + f.Date
	}
	return s
}

// TagLookups writes what holds each address.
func (w *Writer) TagLookups(results []TagLookup) error {
	results = append([]TagLookup{}, results...)
	for i := range results {
		results[i].Matches = list(results[i].Matches)
	}
	switch w.opt.Format {
	case JSON:
		return w.results(results)
	case NDJSON:
		return eachObject(w, results)
	}
	p := &page{paint: w.paint()}
	if w.opt.Format == Table {
		rows := []row{header("address", "name", "kind", "prefix", "region", "service", "file")}
		for _, r := range results {
			for _, m := range r.Matches {
				rows = append(rows, row{cells: append([]cell{plain(r.Address.String())}, matchCells(m)...)})
			}
		}
		p.table(rows)
		return w.flush(p)
	}
	for _, r := range results {
		p.blank()
		p.line(p.paint.in(bold, r.Address.String()))
		if len(r.Matches) == 0 {
			p.line("  in no service tag and no datacenter region")
			continue
		}
		rows := make([]row, len(r.Matches))
		for i, m := range r.Matches {
			rows[i] = row{cells: matchCells(m)}
			rows[i].cells[1], rows[i].cells[2] = rows[i].cells[2], rows[i].cells[1]
		}
		p.grid("  ", rows)
	}
	return w.flush(p)
}

func matchCells(m TagMatch) []cell {
	return []cell{plain(m.Name), plain(string(m.Kind)).dim(), plain(m.Prefix.String()), plain(m.Region), plain(m.Service), plain(m.File).dim()}
}

// Tags writes service tags and datacenter regions with all their prefixes.
func (w *Writer) Tags(tags []Tag) error {
	tags = append([]Tag{}, tags...)
	switch w.opt.Format {
	case JSON:
		return w.results(tags)
	case NDJSON:
		return eachObject(w, tags)
	}
	p := &page{paint: w.paint()}
	if w.opt.Format == Table {
		rows := []row{header("name", "prefix", "region", "service", "origin")}
		for _, t := range tags {
			for _, x := range t.Prefixes {
				rows = append(rows, row{cells: []cell{plain(t.Name), plain(x.String()), plain(t.Region), plain(t.Service), plain(t.Origin.String())}})
			}
		}
		p.table(rows)
		return w.flush(p)
	}
	for _, t := range tags {
		p.blank()
		p.line(p.paint.in(bold, Escape(t.Name)), "  ", Escape(joined(", ", kindText(t.Kind), t.Service, t.Region, changeText(t.ChangeNumber), t.Origin.String())))
		p.line("  ", count(t.PrefixCount, "prefix", "prefixes"))
		for _, x := range t.Prefixes {
			p.line("    ", x.String())
		}
	}
	return w.flush(p)
}

// TagList writes service tags and datacenter regions, one a line, without
// their prefixes.
func (w *Writer) TagList(tags []Tag) error {
	short := make([]Tag, len(tags))
	for i, t := range tags {
		t.Prefixes = nil
		short[i] = t
	}
	switch w.opt.Format {
	case JSON:
		return w.results(short)
	case NDJSON:
		return eachObject(w, short)
	}
	p := &page{paint: w.paint()}
	rows := []row{header("name", "kind", "region", "service", "prefixes", "origin")}
	for _, t := range short {
		rows = append(rows, row{cells: []cell{
			plain(t.Name), plain(string(t.Kind)), plain(t.Region), plain(t.Service),
			{text: strconv.Itoa(t.PrefixCount), right: true}, plain(t.Origin.String()).dim(),
		}})
	}
	p.table(rows)
	return w.flush(p)
}

// TagDiff writes what changed between two files. NDJSON has one tag a line.
func (w *Writer) TagDiff(d TagDiff) error {
	d.Changes = list(d.Changes)
	if d.Backup != nil {
		b := *d.Backup
		b.Changes = list(b.Changes)
		d.Backup = &b
	}
	switch w.opt.Format {
	case JSON:
		return w.versioned(d)
	case NDJSON:
		if err := eachObject(w, d.Changes); err != nil || d.Backup == nil {
			return err
		}
		return eachObject(w, d.Backup.Changes)
	}
	p := &page{paint: w.paint()}
	if w.opt.Format == Table {
		rows := []row{header("tag", "status", "change", "prefix")}
		add := func(c servicetag.Change, word string, prefixes []netip.Prefix) {
			for _, x := range prefixes {
				rows = append(rows, row{cells: []cell{plain(c.Tag), plain(string(c.Status)), {text: word}, {text: x.String()}}})
			}
		}
		for _, c := range d.Changes {
			add(c, "gained", c.Gained)
			add(c, "lost", c.Lost)
		}
		p.table(rows)
		if d.Backup != nil {
			p.blank()
			p.table(changeRows(d.Backup.Changes))
		}
		return w.flush(p)
	}
	p.line("from ", Escape(d.Old.String()))
	p.line("to   ", Escape(d.New.String()))
	p.line(diffSummary(d.Changes))
	if len(d.Changes) > 0 {
		p.blank()
	}
	for _, c := range d.Changes {
		p.line(p.paint.in(bold, Escape(c.Tag)), "  ", string(c.Status))
		if len(c.Gained) > 0 {
			p.line("  ", p.paint.in(green, "+"), " ", prefixList(c.Gained))
		}
		if len(c.Lost) > 0 {
			p.line("  ", p.paint.in(red, "-"), " ", prefixList(c.Lost))
		}
	}
	if b := d.Backup; b != nil {
		p.blank()
		p.line(fmt.Sprintf("with the new file backup fares differently for %d of %s", len(b.Changes), count(b.Machines, "machine", "machines")))
		p.grid("  ", changeRows(b.Changes)[1:])
	}
	return w.flush(p)
}

// diffSummary counts the changes in one line.
func diffSummary(changes []servicetag.Change) string {
	if len(changes) == 0 {
		return "no tag has other prefixes"
	}
	by := map[servicetag.Status]int{}
	gained, lost := 0, 0
	for _, c := range changes {
		by[c.Status]++
		gained += len(c.Gained)
		lost += len(c.Lost)
	}
	return fmt.Sprintf("%s added, %s removed, %s changed; %s gained, %s lost",
		count(by[servicetag.Added], "tag", "tags"), thousands(by[servicetag.Removed]), thousands(by[servicetag.Changed]),
		count(gained, "prefix", "prefixes"), thousands(lost))
}

func kindText(k servicetag.Kind) string {
	if k == servicetag.DatacenterRegion {
		return "datacenter region"
	}
	return "service tag"
}

func changeText(n int) string {
	if n == 0 {
		return ""
	}
	return "change " + strconv.Itoa(n)
}

// results writes a JSON document with a list of results.
func (w *Writer) results(list any) error {
	return w.versioned(struct {
		Results any `json:"results"`
	}{list})
}

// eachObject writes one JSON object a line.
func eachObject[T any](w *Writer, list []T) error {
	var b []byte
	for i := range list {
		line, err := encode(&list[i], false)
		if err != nil {
			return err
		}
		b = append(b, line...)
	}
	if len(b) == 0 {
		return nil
	}
	_, err := w.out.Write(b)
	return err
}
