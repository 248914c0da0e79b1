package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/reach"
)

// matrixColumns is how many rows a matrix may have to be drawn as one in text.
const matrixColumns = 12

// Matrix writes who reaches whom with what.
func (w *Writer) Matrix(m *reach.Matrix) error {
	switch w.opt.Format {
	case JSON:
		return w.versioned(matrixDocument(m))
	case NDJSON:
		return w.matrixLines(m)
	case Markdown:
		return w.matrixMarkdown(m)
	case Table:
		p := &page{paint: w.paint()}
		p.table(matrixRows(m))
		return w.flush(p)
	}
	p := &page{paint: w.paint()}
	what := map[string][2]string{"subnets": {"subnet", "subnets"}, "vms": {"virtual machine", "virtual machines"}}[m.Kind]
	p.line(p.paint.in(bold, "who reaches whom"), "  ", count(len(m.Names), what[0], what[1]), "; rows send, columns receive")
	p.blank()
	if len(m.Names) <= matrixColumns {
		p.grid("  ", matrixRows(m))
	} else {
		p.matrixList(m)
	}
	p.blank()
	if slices.ContainsFunc(m.Cells, func(c *reach.Cell) bool { return len(c.Sometimes) > 0 }) {
		p.line("  ", p.paint.in(faint, "some: between some machines of the two only"))
	}
	var missing []flow.Missing
	for _, c := range m.Cells {
		for _, x := range c.Missing {
			if !slices.Contains(missing, x) {
				missing = append(missing, x)
			}
		}
	}
	if slices.ContainsFunc(m.Cells, func(c *reach.Cell) bool { return len(c.Undecided) > 0 }) {
		p.line("  ", p.paint.in(faint, "?: the data does not decide"))
	}
	p.reachFooter(m.Assumptions, missing, m.Notes, m.ServiceTags, w.opt.Scope)
	return w.flush(p)
}

// cellText is a cell in a word or some: "all", "none", "tcp/443", "?".
func cellText(c *reach.Cell) string {
	if c.Empty {
		return "-"
	}
	var s []string
	switch {
	case c.All():
		s = append(s, "all")
	case len(c.Always) > 0:
		s = append(s, servicesText(c.Always))
	}
	if len(c.Sometimes) > 0 {
		s = append(s, "some: "+servicesText(c.Sometimes))
	}
	if len(c.Undecided) > 0 {
		t := "?"
		if len(s) > 0 {
			t = "? " + servicesText(c.Undecided)
		}
		s = append(s, t)
	}
	if len(s) == 0 {
		return "none"
	}
	return strings.Join(s, ", ")
}

// cellTexts are the texts of the different cells.
func cellTexts(m *reach.Matrix) []string {
	out := make([]string, len(m.Cells))
	for i, c := range m.Cells {
		out[i] = cellText(c)
	}
	return out
}

func cellColor(c *reach.Cell) string {
	switch {
	case c.Empty:
		return faint
	case len(c.Undecided) > 0:
		return yellow
	case c.None():
		return red
	case c.All():
		return green
	default:
		return cyan
	}
}

func matrixRows(m *reach.Matrix) []row {
	rows := []row{header(append([]string{"from \\ to"}, m.Names...)...)}
	for i := range rows[0].cells[1:] {
		rows[0].cells[1+i].text = Escape(m.Names[i]) // as it is written
	}
	texts := cellTexts(m)
	for i, name := range m.Names {
		r := row{cells: []cell{{text: Escape(name), color: bold}}}
		for _, n := range m.Cell[i] {
			r.cells = append(r.cells, cell{text: Escape(texts[n]), color: cellColor(m.Cells[n])})
		}
		rows = append(rows, r)
	}
	return rows
}

// matrixList tells a large matrix row by row: what passes, to whom.
func (p *page) matrixList(m *reach.Matrix) {
	texts := cellTexts(m)
	for i, name := range m.Names {
		p.line("  ", p.paint.in(bold, Escape(name)))
		of := map[int32][]string{}
		var order []int32
		for j, n := range m.Cell[i] {
			if of[n] == nil {
				order = append(order, n)
			}
			of[n] = append(of[n], m.Names[j])
		}
		slices.SortStableFunc(order, func(a, b int32) int { return weight(m.Cells[a]) - weight(m.Cells[b]) })
		var rows []row
		for _, n := range order {
			if m.Cells[n].Empty {
				continue
			}
			names := some(of[n], "", "", func(s string) string { return s })
			if len(of[n]) > shown {
				names = strings.TrimPrefix(names, count(len(of[n]), "", "")+": ")
			}
			if m.Cells[n].None() && len(of[n]) > shown {
				names = thousands(len(of[n])) + " others"
			}
			rows = append(rows, row{cells: []cell{{text: Escape(texts[n]), color: cellColor(m.Cells[n])}, plain(names)}})
		}
		p.grid("    ", rows)
	}
}

// weight orders cells: what passes, what is open, what does not.
func weight(c *reach.Cell) int {
	switch {
	case c.None():
		return 3
	case len(c.Always)+len(c.Sometimes) == 0:
		return 2
	case c.All():
		return 0
	default:
		return 1
	}
}

func (w *Writer) matrixMarkdown(m *reach.Matrix) error {
	var b strings.Builder
	texts := cellTexts(m)
	b.WriteString("| from \\\\ to |")
	for _, name := range m.Names {
		b.WriteString(" " + markdown(name) + " |")
	}
	b.WriteString("\n|" + strings.Repeat("---|", len(m.Names)+1) + "\n")
	for i, name := range m.Names {
		fmt.Fprintf(&b, "| **%s** |", markdown(name))
		for _, n := range m.Cell[i] {
			b.WriteString(" " + markdown(texts[n]) + " |")
		}
		b.WriteByte('\n')
	}
	_, err := w.out.Write([]byte(b.String()))
	return err
}

type matrixJSON struct {
	Kind        string             `json:"kind"`
	Names       []string           `json:"names"`
	Kinds       []cellJSON         `json:"kinds"` // the different cells
	Cells       [][]int32          `json:"cells"` // numbers of kinds, by sender and receiver
	Undecided   bool               `json:"undecided"`
	Assumptions []flow.Assumption  `json:"assumptions"`
	Notes       []string           `json:"notes,omitempty"`
	ServiceTags *sim.CatalogueInfo `json:"serviceTags,omitempty"`
}

type cellJSON struct {
	Text      string         `json:"text"`
	Always    []servicesJSON `json:"always"`
	Sometimes []servicesJSON `json:"sometimes"`
	Undecided []servicesJSON `json:"undecided"`
	Missing   []flow.Missing `json:"missing,omitempty"`
	Empty     bool           `json:"empty,omitempty"`
}

func cellDocument(c *reach.Cell) cellJSON {
	return cellJSON{cellText(c), servicesDocuments(c.Always), servicesDocuments(c.Sometimes), servicesDocuments(c.Undecided), c.Missing, c.Empty}
}

func matrixDocument(m *reach.Matrix) *matrixJSON {
	d := &matrixJSON{Kind: m.Kind, Names: list(m.Names), Kinds: []cellJSON{}, Cells: list(m.Cell), Undecided: m.Undecided, Assumptions: list(m.Assumptions), Notes: m.Notes, ServiceTags: m.ServiceTags}
	for _, c := range m.Cells {
		d.Kinds = append(d.Kinds, cellDocument(c))
	}
	return d
}

// matrixLines writes a line for each pair.
func (w *Writer) matrixLines(m *reach.Matrix) error {
	type line struct {
		From string `json:"from"`
		To   string `json:"to"`
		cellJSON
	}
	kinds := make([]cellJSON, len(m.Cells))
	for i, c := range m.Cells {
		kinds[i] = cellDocument(c)
	}
	for i, from := range m.Names {
		for j, to := range m.Names {
			if err := w.object(line{from, to, kinds[m.Cell[i][j]]}); err != nil {
				return err
			}
		}
	}
	return nil
}
