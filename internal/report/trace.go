package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// Trace writes the answer to a question about a path.
func (w *Writer) Trace(q sim.TraceQuestion, t *sim.Trace) error {
	switch w.opt.Format {
	case JSON, NDJSON:
		return w.versioned(fullTrace(t))
	case Table:
		return w.traceTable(q, t)
	default:
		return w.traceText(q, t)
	}
}

func (w *Writer) traceText(q sim.TraceQuestion, t *sim.Trace) error {
	p := &page{paint: w.paint()}
	p.traceHead(q, t)
	indent := strings.Repeat(" ", len(t.Verdict.String())+2)
	p.outcomeLines(indent, &t.Outcome)
	for _, e := range []sim.EndInfo{t.From, t.To} {
		if len(e.LeftOut) > 0 {
			p.line(indent, Escape(fmt.Sprintf("left out: %s of %s, which the other end does not have", strings.Join(e.LeftOut, ", "), endName(e))))
		}
	}
	var legs []string
	if t.Proxy != "" {
		legs = []string{Escape(endName(t.From) + " → " + t.Proxy), Escape(t.Proxy + " → " + endName(t.To) + " " + service(q))}
		if o := t.ProxySetBy; o != nil && o.File != "" {
			legs[0] += "  set by " + Escape(o.String())
		}
	}
	if len(t.Parts) == 0 {
		if len(t.Hops) > 0 {
			p.blank()
			p.hops("    ", t.Hops, legs)
		}
	} else {
		w.parts(p, t.Parts, legs)
	}
	p.footer(&t.Outcome, t.ServiceTags, len(t.Parts) > 0 && !w.brief(t.Parts), w.opt.Scope)
	return w.flush(p)
}

// traceHead is the first line: verdict, ends, service, and what kind of ends.
func (p *page) traceHead(q sim.TraceQuestion, t *sim.Trace) {
	s := "  " + endText(t.From) + prefixCount(t.From) + " → " + endText(t.To) + " " + service(q) + prefixCount(t.To)
	if t.Proxy != "" {
		s += ", through " + t.Proxy
	}
	p.line(p.headline(t.Verdict), Escape(s))
}

// footer writes, apart from the hops, what the answer rests on; told says that
// the parts have told their own grounds.
func (p *page) footer(o *sim.Outcome, c *sim.CatalogueInfo, told bool, scope string) {
	p.blank()
	p.catalogue("  ", c)
	if told {
		p.notes("  ", o.Notes)
	} else {
		p.grounds("  ", o)
	}
	if scope != "" {
		p.line("  ", p.paint.in(faint, "scope: "+Escape(scope)))
	}
	for len(p.b) > 1 && p.b[len(p.b)-2] == '\n' {
		p.b = p.b[:len(p.b)-1]
	}
}

// partsInFull is how many parts text shows with their hops.
const partsInFull = 4

// brief reports whether text shows the parts without their hops.
func (w *Writer) brief(parts []sim.Part) bool { return len(parts) > partsInFull && !w.opt.Full }

// parts writes the exact parts of an answer about a set: a few with their
// hops, many in two lines each.
func (w *Writer) parts(p *page, parts []sim.Part, legs []string) {
	brief := w.brief(parts)
	p.blank()
	if brief {
		p.line("  ", partSummary(parts), "  (-v: each with its hops; -o json: every prefix)")
		p.blank()
	} else {
		p.line("  ", partSummary(parts))
	}
	for i := range parts {
		part := &parts[i]
		if brief {
			p.line("  ", p.headline(part.Verdict), "         "[len(part.Verdict.String()):], Escape(partText(part)))
			p.underAssumptions("           ", &part.Outcome)
			p.line("           ", p.paint.in(faint, reason(&part.Outcome)))
			continue
		}
		p.blank()
		p.line("  ", p.paint.in(bold, fmt.Sprintf("part %d", i+1)), "  ", p.headline(part.Verdict), "  ", Escape(partText(part)))
		p.underAssumptions("          ", &part.Outcome)
		p.hops("      ", part.Hops, legs)
		p.grounds("      ", &part.Outcome)
	}
}

// partSummary counts the parts by their verdicts.
func partSummary(parts []sim.Part) string {
	var n [4]int
	for i := range parts {
		n[parts[i].Verdict]++
	}
	var s []string
	for _, v := range []flow.Verdict{flow.Allow, flow.Deny, flow.Split, flow.Unknown} {
		if n[v] > 0 {
			s = append(s, fmt.Sprintf("%d %s", n[v], strings.ToLower(v.String())))
		}
	}
	return count(len(parts), "part", "parts") + ": " + strings.Join(s, ", ")
}

// partText says which packets a part holds.
func partText(part *sim.Part) string {
	var s []string
	add := func(word, list string) {
		if list != "" {
			s = append(s, word+list)
		}
	}
	add("from ", prefixList(part.Source))
	add("to ", prefixList(part.Destination))
	if part.Tag != "" {
		s = append(s, "to "+part.Tag+", whose prefixes are not known")
	}
	if part.Protocol != "" {
		s = append(s, strings.ToLower(Escape(part.Protocol)))
	}
	add("source port ", portList(part.SourcePorts))
	add("port ", portList(part.Ports))
	return strings.Join(s, "; ")
}

func (w *Writer) traceTable(q sim.TraceQuestion, t *sim.Trace) error {
	p := &page{paint: w.paint()}
	p.traceHead(q, t)
	p.hopTable(&t.Outcome, t.Parts)
	return w.flush(p)
}

// hopTable lists hops under column names, those of parts with the part's
// number.
func (p *page) hopTable(o *sim.Outcome, parts []sim.Part) {
	rows := []row{header("part", "leg", "kind", "place", "direction", "name", "priority", "rule", "verdict", "code", "origin")}
	add := func(part string, hops []sim.Hop) {
		for i := range hops {
			rows = append(rows, hopTableRow(part, &hops[i]))
		}
	}
	if len(parts) == 0 {
		add("", o.Hops)
	}
	for i := range parts {
		add(strconv.Itoa(i+1), parts[i].Hops)
	}
	p.table(rows)
}

func hopTableRow(part string, h *sim.Hop) row {
	name, leg := h.Name, ""
	if !isRule(h) {
		name, _ = hopText(h)
	}
	if h.Leg > 0 {
		leg = strconv.Itoa(h.Leg)
	}
	origin := ""
	if h.Origin != nil {
		origin = h.Origin.String()
	}
	c := []cell{
		plain(part), plain(leg), plain(string(h.Kind)), plain(h.AppliedTo), plain(h.Direction), plain(name),
		plain(priority(h)), plain(h.RuleName), plain(h.Verdict.String()), plain(string(h.Code)), plain(origin),
	}
	c[6].right = true
	c[8].color = verdictColor(h.Verdict)
	return row{cells: c}
}

// service is the protocol and port of a question: "tcp/443".
func service(q sim.TraceQuestion) string {
	protocol := q.Protocol
	if protocol == topology.NoProtocol {
		protocol = topology.TCP
	}
	s := protocolWord(protocol)
	switch {
	case !protocol.HasPorts() && protocol != topology.AnyProtocol:
		return s
	case q.AnyPort:
		s += "/*"
	default:
		s += "/" + strconv.Itoa(int(q.Port))
	}
	if q.FixedSource {
		s += " from source port " + strconv.Itoa(int(q.SourcePort))
	}
	return s
}

func protocolWord(p topology.Protocol) string {
	if p == topology.AnyProtocol {
		return "any protocol"
	}
	return strings.ToLower(p.String())
}

// endName is how an end is called, endText that with its address.
func endName(e sim.EndInfo) string {
	if e.Name != "" {
		return e.Name
	}
	return e.Text
}

func endText(e sim.EndInfo) string {
	s := endName(e)
	if e.Kind == "host" && e.Name != "" && e.Name != e.Text {
		s = e.Text + " (" + e.Name + ")"
	}
	if e.Address != "" && e.Address != s {
		s += " (" + e.Address + ")"
	}
	return s
}

func prefixCount(e sim.EndInfo) string {
	if e.Prefixes == 0 || e.Prefixes == 1 && e.Kind == "prefix" {
		return ""
	}
	return " (" + count(e.Prefixes, "prefix", "prefixes") + ")"
}
