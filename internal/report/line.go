package report

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
)

// Line is one answer of a batch in short. Its methods append, so that workers
// can format without allocating and without a lock.
type Line struct {
	Index    int    // of the flow, from 0
	Question string // the flow in words, for text and tables
	Error    string // the flow could not be read; nothing else counts

	Verdict          flow.Verdict
	UnderAssumptions string
	Code             flow.Code   // of a trace
	Codes            []flow.Code // of an IP flow
	RuleName         string      // "" where no rule decided
	Priority         int         // 0 where no rule decided
	NSG              string      // of an IP flow
	Assumptions      []flow.Assumption
}

// FlowLine is the short form of the answer to an IP flow question.
func FlowLine(index int, q sim.IPFlowQuestion, f *sim.IPFlow) Line {
	l := Line{
		Index: index, Question: flowText(q), Verdict: f.Access, UnderAssumptions: f.UnderAssumptions, Codes: f.Codes,
		Priority: f.Priority, NSG: f.NetworkSecurityGroup, Assumptions: f.Assumptions,
	}
	if f.RuleName != nil {
		l.RuleName = *f.RuleName
	}
	return l
}

// TraceLine is the short form of the answer to a question about a path.
func TraceLine(index int, q sim.TraceQuestion, t *sim.Trace) Line {
	return Line{
		Index: index, Question: q.From + " → " + q.To + " " + service(q), Verdict: t.Verdict, UnderAssumptions: t.UnderAssumptions,
		Code: t.Code, RuleName: t.RuleName, Assumptions: t.Assumptions,
	}
}

// Stream is the kind of a batch's answers.
type Stream uint8

// The streams.
const (
	FlowStream  Stream = iota // answers of ip-flow
	TraceStream               // answers of trace
)

// BeginLines starts a batch: a table's header, a document's opening.
func (w *Writer) BeginLines(s Stream) error {
	var head string
	switch w.opt.Format {
	case JSON:
		head = `{"schemaVersion":"` + SchemaVersion + `","results":[`
	case Table:
		name, last := "access", "NSG"
		if s == TraceStream {
			name, last = "verdict", "CODE"
		}
		b := tableLine(nil, "INDEX", strings.ToUpper(name), "PRIORITY", "RULE", last, "FLOW", paint{w.opt.Color}, bold)
		head = string(b)
	}
	_, err := w.out.Write([]byte(head))
	return err
}

// Lines writes lines that [Line.Append] made for a Writer of the same format.
func (w *Writer) Lines(b []byte) error {
	if w.opt.Format == JSON && len(b) > 0 {
		b = b[:len(b)-1] // the last line end, which the document or the next block brings
		if w.lines > 0 {
			if _, err := w.out.Write([]byte(",")); err != nil {
				return err
			}
		}
	}
	w.lines++
	_, err := w.out.Write(b)
	return err
}

// EndLines ends a batch that has come to the given exit codes.
func (w *Writer) EndLines(exitCodes []int) error {
	if w.opt.Format != JSON {
		return nil
	}
	_, err := w.out.Write(append(appendExitCodes([]byte("\n]"), exitCodes), '}', '\n'))
	return err
}

// Append appends the line in a format. The lines of a JSON document are
// separated by commas, the first of a block excepted; first says so.
func (l *Line) Append(b []byte, s Stream, opt Options, first bool) []byte {
	switch opt.Format {
	case JSON:
		if !first {
			b[len(b)-1] = ','
		}
		b = append(b, '\n')
		return l.appendJSON(b, s)
	case NDJSON:
		return l.appendJSON(b, s)
	case Table:
		return l.appendTable(b, s, paint{opt.Color})
	default:
		return l.appendText(b, s, paint{opt.Color})
	}
}

func (l *Line) appendJSON(b []byte, s Stream) []byte {
	b = append(b, `{"index":`...)
	b = strconv.AppendInt(b, int64(l.Index), 10)
	if l.Error != "" {
		b = append(b, `,"error":`...)
		b = appendString(b, l.Error)
		return append(b, '}', '\n')
	}
	if s == FlowStream {
		b = append(b, `,"access":"`...)
	} else {
		b = append(b, `,"verdict":"`...)
	}
	b = append(b, l.Verdict.String()...)
	b = append(b, '"')
	if l.UnderAssumptions != "" {
		b = append(b, `,"underAssumptions":`...)
		b = appendString(b, l.UnderAssumptions)
	}
	if s == TraceStream {
		b = append(b, `,"code":`...)
		b = appendString(b, string(l.Code))
	}
	b = append(b, `,"ruleName":`...)
	if l.RuleName == "" {
		b = append(b, "null"...)
	} else {
		b = appendString(b, l.RuleName)
	}
	if s == FlowStream {
		if l.Priority > 0 {
			b = append(b, `,"priority":`...)
			b = strconv.AppendInt(b, int64(l.Priority), 10)
		}
		if l.NSG != "" {
			b = append(b, `,"networkSecurityGroup":`...)
			b = appendString(b, l.NSG)
		}
		if l.Verdict != flow.Allow && l.Verdict != flow.Deny {
			b = append(b, `,"codes":[`...)
			for i, c := range l.Codes {
				if i > 0 {
					b = append(b, ',')
				}
				b = appendString(b, string(c))
			}
			b = append(b, ']')
		}
	}
	if len(l.Assumptions) > 0 {
		b = append(b, `,"assumptions":[`...)
		for i, a := range l.assumed() {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, a)
		}
		b = append(b, ']')
	}
	return append(b, '}', '\n')
}

// assumed lists the IDs of the assumptions, each once.
func (l *Line) assumed() []string {
	var ids []string
next:
	for _, a := range l.Assumptions {
		for _, id := range ids {
			if id == string(a.ID) {
				continue next
			}
		}
		ids = append(ids, string(a.ID))
	}
	return ids
}

// appendString appends a JSON string.
func appendString(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			quoted, err := json.Marshal(s)
			if err != nil { // never: a string always has a JSON form
				quoted = strconv.AppendQuoteToASCII(nil, s)
			}
			return append(b, escapeJSON(quoted)...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func (l *Line) appendText(b []byte, s Stream, p paint) []byte {
	if l.Error != "" {
		b = append(b, p.in(red, "ERROR")...)
		b = append(b, "    "...)
		b = append(b, Escape(l.Error)...)
		return append(b, '\n')
	}
	word := strings.ToUpper(l.Verdict.String())
	b = append(b, p.in(verdictColor(l.Verdict), word)...)
	b = append(b, "         "[len(word):]...)
	b = append(b, Escape(l.Question)...)
	if l.RuleName != "" {
		b = append(b, "  by "...)
		b = append(b, Escape(ruleLabel(l.RuleName, l.Priority))...)
		if l.NSG != "" {
			b = append(b, " in "...)
			b = append(b, Escape(l.NSG)...)
		}
	}
	if why := l.why(s); why != "" {
		b = append(b, "  "...)
		b = append(b, Escape(why)...)
	}
	return append(b, '\n')
}

// why is the code of an answer, and the assumptions it rests on.
func (l *Line) why(s Stream) string {
	var parts []string
	if s == TraceStream && l.Verdict != flow.Allow && l.Code != "" {
		parts = append(parts, string(l.Code))
	}
	if s == FlowStream && l.Verdict == flow.Unknown {
		for _, c := range l.Codes {
			parts = append(parts, string(c))
		}
	}
	if len(l.Assumptions) > 0 {
		parts = append(parts, "assumed: "+strings.Join(l.assumed(), ", "))
	}
	return strings.Join(parts, ", ")
}

func (l *Line) appendTable(b []byte, s Stream, p paint) []byte {
	index := strconv.Itoa(l.Index)
	if l.Error != "" {
		return tableLine(b, index, "ERROR", "", "", "", l.Error, p, red)
	}
	priority, last := "", l.NSG
	if l.Priority > 0 {
		priority = strconv.Itoa(l.Priority)
	}
	if s == TraceStream {
		last = string(l.Code)
	}
	return tableLine(b, index, l.Verdict.String(), priority, l.RuleName, last, l.Question, p, verdictColor(l.Verdict))
}

// tableLine is one line of a batch's table. A stream cannot know its widest
// cell, so the widths are fixed; what is wider pushes the rest of its line.
func tableLine(b []byte, index, verdict, priority, rule, last, question string, p paint, color string) []byte {
	verdict = p.in(color, verdict) + strings.Repeat(" ", max(0, len("UNKNOWN")-len(verdict)))
	return fmt.Appendf(b, "%8s  %s  %8s  %s  %s  %s\n", index, verdict, priority, fill(Escape(rule), 32), fill(Escape(last), 24), Escape(question))
}
