package report

import (
	"strconv"
	"strings"

	"github.com/netpath/netpath/topology"
)

// notices writes a line for each thing that somebody is to act on, and for each
// remark.
func (w *Writer) notices(s *stream, line func(level string, at topology.Origin, title, text string) string) error {
	var b strings.Builder
	for _, x := range s.notices {
		b.WriteString(line(x.level, x.at, x.title, x.text) + "\n")
	}
	for _, x := range s.remarks {
		b.WriteString(line(x.level, x.at, "netpath "+s.command, x.text) + "\n")
	}
	b.WriteString(Escape(s.tally) + "\n")
	_, err := w.out.Write([]byte(b.String()))
	return err
}

func githubLine(level string, at topology.Origin, title, text string) string {
	value := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	var where string
	if at.File != "" {
		where = "file=" + property.Replace(Escape(at.File)) + ","
		if at.Line > 0 {
			where += "line=" + strconv.Itoa(at.Line) + ","
		}
	}
	return "::" + level + " " + where + "title=" + property.Replace(Escape(title)) + "::" + value.Replace(Escape(text))
}

func azureLine(level string, at topology.Origin, title, text string) string {
	value := strings.NewReplacer("%", "%AZP25", "\r", "%0D", "\n", "%0A", ";", "%3B", "]", "%5D")
	if level == "notice" {
		level = "warning" // it knows no less
	}
	s := "##vso[task.logissue type=" + level
	if at.File != "" {
		s += ";sourcepath=" + value.Replace(Escape(at.File))
		if at.Line > 0 {
			s += ";linenumber=" + strconv.Itoa(at.Line)
		}
	}
	return s + "]" + value.Replace(Escape(title+": "+text))
}
