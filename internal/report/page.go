package report

import (
	"bytes"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// paint adds colour to words that carry their meaning without it.
type paint struct{ on bool }

// SGR parameters.
const (
	bold   = "1"
	faint  = "2"
	red    = "31;1"
	green  = "32;1"
	yellow = "33;1"
	cyan   = "36;1"
)

func (p paint) in(code, s string) string {
	if !p.on || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// cell is a piece of text in a column.
type cell struct {
	text  string // escaped
	color string // an SGR parameter, "" for none
	right bool   // flush right
}

func plain(s string) cell { return cell{text: Escape(s)} }

func (c cell) dim() cell { c.color = faint; return c }

// page is text under construction.
type page struct {
	b     []byte
	paint paint
}

// line writes one line made of pieces that are already escaped.
func (p *page) line(pieces ...string) {
	for _, s := range pieces {
		p.b = append(p.b, s...)
	}
	p.b = append(p.b, '\n')
}

// blank writes an empty line, but never two in a row nor one at the top.
func (p *page) blank() {
	if len(p.b) > 0 && !bytes.HasSuffix(p.b, []byte("\n\n")) {
		p.b = append(p.b, '\n')
	}
}

// row is a line of a grid. A row with a note has it below, indented to the
// second column.
type row struct {
	cells []cell
	notes []string // escaped
}

// grid writes rows with aligned columns, two blanks between them and none at
// the ends of lines. Column widths come from all rows.
func (p *page) grid(indent string, rows []row) {
	widths := columnWidths(rows)
	for _, r := range rows {
		p.row(indent, r, widths)
	}
}

func columnWidths(rows []row) []int {
	var widths []int
	for _, r := range rows {
		for i, c := range r.cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(c.text))
		}
	}
	return widths
}

// row writes one row of a grid whose columns have the given widths; a column
// of width 0 is left out.
func (p *page) row(indent string, r row, widths []int) {
	p.b = append(p.b, indent...)
	pad := 0
	for i, c := range r.cells {
		if widths[i] == 0 {
			continue
		}
		gap := widths[i] - width(c.text)
		if c.right {
			pad, gap = pad+gap, 0
		}
		if c.text != "" {
			p.spaces(pad)
			p.b = append(p.b, p.paint.in(c.color, c.text)...)
			pad = 0
		}
		pad += gap + 2
	}
	p.b = append(p.b, '\n')
	for _, n := range r.notes {
		p.b = append(p.b, indent...)
		p.spaces(widths[0] + 2)
		p.line(p.paint.in(faint, n))
	}
}

// width is the number of terminal columns the text takes.
func width(s string) int { return displaywidth.String(s) }

// fill pads the text with blanks to n columns.
func fill(s string, n int) string { return s + strings.Repeat(" ", max(0, n-width(s))) }

func (p *page) spaces(n int) { p.b = append(p.b, strings.Repeat(" ", n)...) }

// header makes the first row of a table: column names in capitals.
func header(names ...string) row {
	r := row{cells: make([]cell, len(names))}
	for i, n := range names {
		r.cells[i] = cell{text: strings.ToUpper(n), color: bold}
	}
	return r
}

// table writes rows, the first of them column names, without an indent. A
// column that is empty in all rows but the first is left out; names without rows
// stay as they are.
func (p *page) table(rows []row) {
	if len(rows) == 0 {
		return
	}
	for i := range rows[0].cells {
		empty := len(rows) > 1
		for _, r := range rows[1:] {
			empty = empty && r.cells[i].text == ""
		}
		if empty {
			rows[0].cells[i].text = ""
		}
	}
	p.grid("", rows)
}
