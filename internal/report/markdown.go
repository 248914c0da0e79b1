package report

import (
	"fmt"
	"html"
	"strings"

	"github.com/netpath/netpath/sim"
)

// markdown writes a table of what is found.
func (w *Writer) markdown(s *stream) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n## netpath %s\n\n%s\n", s.marker, s.command, s.tally)
	if len(s.rows) > 0 {
		fmt.Fprintf(&b, "\n| %s |\n|%s\n", strings.Join(s.header, " | "), strings.Repeat("---|", len(s.header)))
	}
	for _, row := range s.rows {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = markdown(c)
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	if len(s.remarks) > 0 {
		b.WriteString("\n")
	}
	for _, x := range s.remarks {
		fmt.Fprintf(&b, "- %s\n", markdown(joined(": ", x.at.String(), x.text)))
	}
	b.WriteString("\n")
	for _, line := range s.foot {
		b.WriteString(line + "\n")
	}
	_, err := w.out.Write([]byte(b.String()))
	return err
}

// markdown makes text safe in a cell of a Markdown table.
func markdown(s string) string {
	s = html.EscapeString(Escape(s))
	return strings.NewReplacer("|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "@", "&#64;").Replace(s)
}

// catalogueFoot is the line that says which service tag file was used.
func catalogueFoot(c *sim.CatalogueInfo) []string {
	if c == nil {
		return nil
	}
	return []string{fmt.Sprintf("service tags: %s, change %d, %s", markdown(c.Cloud), c.ChangeNumber, markdown(c.Date))}
}
