package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/reach"
	"github.com/netpath/netpath/topology"
)

// ReachView says how an answer about what passes is told.
type ReachView struct {
	Denied bool       // text: the rows that are denied too
	Only   *ReachOnly // nil: nothing is asserted
}

// ReachOnly is the assertion that nothing but some services passes.
type ReachOnly struct {
	Text string // as asked
	*reach.Excess
}

// Reach writes what passes from one end to another.
func (w *Writer) Reach(a *reach.Answer, v ReachView) error {
	switch w.opt.Format {
	case JSON, NDJSON:
		return w.versioned(reachDocument(a, v))
	case Markdown:
		return w.reachMarkdown(a, v)
	case Table:
		p := &page{paint: w.paint()}
		rows := []row{header("verdict", "from", "to", "service", "code", "priority", "rule", "nsg", "through", "origin")}
		for i := range a.Rows {
			r := &a.Rows[i]
			if r.Outcome.Verdict == flow.Deny && !v.Denied {
				continue
			}
			origin := ""
			if h := decisive(&r.Outcome); h != nil && h.Origin != nil {
				origin = h.Origin.String()
			}
			n := ""
			if r.Outcome.Priority > 0 {
				n = strconv.Itoa(r.Outcome.Priority)
			}
			c := []cell{plain(r.Outcome.Verdict.String()), plain(placesText(r.From, r.Source, a.From)), plain(placesText(r.To, r.Destination, a.To)),
				plain(servicesText(r.Services)), plain(string(r.Outcome.Code)), plain(n), plain(r.Outcome.RuleName), plain(r.Outcome.NetworkSecurityGroup), plain(r.Through), plain(origin)}
			c[0].color = verdictColor(r.Outcome.Verdict)
			c[5].right = true
			rows = append(rows, row{cells: c})
		}
		p.table(rows)
		return w.flush(p)
	}
	p := &page{paint: w.paint()}
	p.line(p.paint.in(bold, Escape(reachTitle(a))), "  ", reachTally(a))
	if v.Only != nil {
		p.only(v.Only)
	}
	p.blank()
	var rows []row
	var missing []flow.Missing
	for i := range a.Rows {
		r := &a.Rows[i]
		if r.Outcome.Verdict == flow.Deny && !v.Denied {
			continue
		}
		rows = append(rows, reachRow(a, r))
		if r.Outcome.Verdict == flow.Unknown {
			for _, m := range r.Outcome.Missing {
				if !slices.Contains(missing, m) {
					missing = append(missing, m)
				}
			}
		}
	}
	if !slices.ContainsFunc(rows, func(r row) bool { return r.cells[1].text != Escape(a.From.Name) }) {
		for i := range rows {
			rows[i].cells[1].text = "" // the title has said it
		}
	}
	p.grid("  ", rows)
	if w.opt.Full {
		for i := range a.Rows {
			if r := &a.Rows[i]; r.Outcome.Verdict != flow.Deny || v.Denied {
				p.blank()
				p.line("  ", p.headline(r.Outcome.Verdict), "  ", Escape(placesText(r.From, r.Source, a.From)), " → ", Escape(placesText(r.To, r.Destination, a.To)), " ", Escape(servicesText(r.Services)))
				p.hops("      ", r.Outcome.Hops, nil)
				p.grounds("      ", &r.Outcome)
			}
		}
		p.blank()
	}
	if a.AnyDeny && !v.Denied {
		if len(rows) > 0 {
			p.blank()
		}
		word := "everything else is denied"
		if len(rows) == 0 {
			word = "everything is denied"
		}
		p.line("  ", word, p.paint.in(faint, "  (--denied: by what)"))
	}
	p.reachFooter(a.Assumptions, missing, a.Notes, a.ServiceTags, w.opt.Scope)
	return w.flush(p)
}

// settled is how many facts that would settle something text lists, and how
// many resources an assumption may be about to be told of each.
const settled = 8

// reachFooter writes what many rows rest on: an assumption about many resources
// once, and of the facts that would settle something the first.
func (p *page) reachFooter(assumed []flow.Assumption, missing []flow.Missing, notes []string, c *sim.CatalogueInfo, scope string) {
	if n := len(missing) - settled; n > 0 {
		missing = missing[:settled]
		notes = append(slices.Clip(notes), fmt.Sprintf("%s more would settle the rest: -o json", thousands(n)))
	}
	p.footer(&sim.Outcome{Assumptions: byID(assumed), Missing: missing, Notes: notes}, c, false, scope)
}

// byID tells an assumption about many resources once.
func byID(list []flow.Assumption) []flow.Assumption {
	n := map[flow.AssumptionID]int{}
	for _, a := range list {
		n[a.ID]++
	}
	var out []flow.Assumption
	for _, a := range list {
		switch k := n[a.ID]; {
		case k == 0:
		case k > settled:
			out = append(out, flow.Assumption{ID: a.ID, About: a.About + " and " + count(k-1, "other", "others"), Text: a.Text})
			n[a.ID] = 0
		default:
			out = append(out, a)
		}
	}
	return out
}

// only says how an assertion that nothing else passes fares.
func (p *page) only(o *ReachOnly) {
	word, color := "nothing but "+o.Text+" passes", green
	switch {
	case len(o.Passes) > 0:
		word, color = "more than "+o.Text+" passes", red
	case o.Undecided():
		word, color = "whether nothing but "+o.Text+" passes is not decided", yellow
	}
	p.line(p.paint.in(color, Escape(word)))
	for i, b := range append(slices.Clip(o.Passes), o.Open...) {
		if i == shown {
			p.line("  … ", thousands(len(o.Passes)+len(o.Open)-shown), " more")
			break
		}
		verb := "passes"
		if b.Row.Outcome.Verdict != flow.Allow {
			verb = "may pass"
		}
		p.line("  ", Escape(witnessText(b.Witness)), " ", verb, ": ", p.paint.in(faint, reachReason(b.Row)))
	}
}

func witnessText(f reach.Flow) string {
	protocol := strings.ToLower(f.Protocol.String())
	if !f.Protocol.HasPorts() {
		return protocol + " " + f.Source + " → " + f.Destination
	}
	from := f.Source
	if f.SourcePort > 0 {
		from += " from port " + strconv.Itoa(int(f.SourcePort))
	}
	return fmt.Sprintf("%s/%d %s → %s", protocol, f.Port, from, f.Destination)
}

func reachTitle(a *reach.Answer) string { return endsText(a.From) + " → " + endsText(a.To) }

// endsText is an end with its address, or the number of its places.
func endsText(e *reach.Ends) string {
	s := e.Name
	switch {
	case len(e.Places) == 1 && e.Places[0].Address != "" && !strings.Contains(s, e.Places[0].Address):
		s += " (" + e.Places[0].Address + ")"
	case len(e.Places) > 1 && e.Kind != "everywhere":
		s += " (" + count(len(e.Places), "place", "places") + ")"
	}
	return s
}

func reachTally(a *reach.Answer) string {
	var s []string
	for _, x := range []struct {
		v    flow.Verdict
		word string
	}{{flow.Allow, "allowed"}, {flow.Unknown, "undecided"}, {flow.Deny, "denied"}} {
		if n := a.Count(x.v); n > 0 {
			s = append(s, fmt.Sprintf("%d %s", n, x.word))
		}
	}
	return count(len(a.Rows), "kind of traffic", "kinds of traffic") + ": " + strings.Join(s, ", ")
}

func reachRow(a *reach.Answer, r *reach.Row) row {
	to := placesText(r.To, r.Destination, a.To)
	if r.Through != "" {
		to += ", through " + r.Through
	}
	c := []cell{verdictCell(r.Outcome.Verdict), plain(placesText(r.From, r.Source, a.From)), {text: "→"}, plain(to), {text: Escape(servicesText(r.Services)), color: bold}, cell{text: reachReason(r)}.dim()}
	out := row{cells: c}
	if r.Outcome.UnderAssumptions != "" {
		out.notes = append(out.notes, "under the assumptions below "+Escape(r.Outcome.UnderAssumptions))
	}
	if r.Outcome.Verdict == flow.Unknown && len(r.Outcome.Missing) > 0 {
		out.notes = append(out.notes, Escape(r.Outcome.Missing[0].Text))
	}
	return out
}

// reachReason is what decides a row, in short, escaped.
func reachReason(r *reach.Row) string {
	o := &r.Outcome
	h := decisive(o)
	if h == nil || !isRule(h) {
		return reason(o)
	}
	s := ruleLabel(h.RuleName, h.Priority)
	if h.Name != "" {
		s += " in " + h.Name
	}
	switch {
	case h.Default:
		s += ", default rule"
	case h.Origin != nil && h.Origin.String() != "":
		s += " (" + h.Origin.String() + ")"
	}
	return Escape(s)
}

// placesText names the places of a row at an end: wholes where all of their
// places are meant.
func placesText(list []*reach.Place, part reach.Addresses, end *reach.Ends) string {
	name := ""
	if len(list) == len(end.Places) && end.Kind != "everywhere" {
		name = end.Name
	} else {
		name = placeNames(list, end)
	}
	switch {
	case part.Whole():
		return name
	case part.Name != "":
		return part.Name
	case part.Tag != "":
		return "some address of " + part.Tag
	default:
		return "part of " + name + ": " + prefixList(part.Prefixes)
	}
}

func placeNames(list []*reach.Place, end *reach.Ends) string {
	held := map[*reach.Place]bool{}
	for _, p := range list {
		held[p] = true
	}
	whole := map[string]bool{}
	for _, p := range end.Places {
		if p.Group == "" {
			continue
		}
		if all, ok := whole[p.Group]; !ok || all {
			whole[p.Group] = held[p]
		}
	}
	var names []string
	for _, p := range list {
		n := p.Name
		if whole[p.Group] && p.Group != "" {
			n = p.Group
		}
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return some(names, "place", "places", func(s string) string { return s })
}

// servicesText is "tcp/443,8080-8090", "udp, icmp", "any", "any but tcp/22".
func servicesText(list []reach.Services) string {
	whole := !slices.ContainsFunc(list, func(s reach.Services) bool { return s.SourcePorts != nil })
	if whole {
		rest := reach.Allowed(list).Without(reach.Services{})
		switch {
		case len(rest) == 0:
			return "any"
		case bulk(rest) < bulk(list):
			return "any but " + servicesText(rest)
		}
	}
	var out []string
	for _, s := range list {
		var names []string
		for _, p := range s.Protocols {
			names = append(names, strings.ToLower(p.String()))
		}
		text := strings.Join(names, "+")
		if s.Protocols == nil {
			text = "any"
		}
		if s.Ports != nil {
			text += "/" + portsWord(s.Ports)
		}
		if s.SourcePorts != nil {
			text += " from port " + portsWord(s.SourcePorts)
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// bulk is about how much it takes to write services.
func bulk(list []reach.Services) int {
	n := 0
	for _, s := range list {
		n += len(s.Protocols) + min(len(s.Ports), len(complement(s.Ports)))
	}
	return n
}

// portsWord is a list of ports in short: what is left out, where that is less.
func portsWord(list []topology.PortRange) string {
	if less := complement(list); len(less) < len(list) {
		return "all but " + portsShort(less)
	}
	return portsShort(list)
}

func portsShort(list []topology.PortRange) string {
	const most = 8
	var b strings.Builder
	for i, r := range list {
		if i == most {
			fmt.Fprintf(&b, ",… %s more", thousands(len(list)-most))
			break
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(r.String())
	}
	return b.String()
}

// complement is the ports that are in none of the ranges, which are in order.
func complement(list []topology.PortRange) []topology.PortRange {
	var out []topology.PortRange
	next := 0
	for _, r := range list {
		if int(r.First) > next {
			out = append(out, topology.PortRange{First: uint16(next), Last: r.First - 1})
		}
		next = int(r.Last) + 1
	}
	if next <= 65535 {
		out = append(out, topology.PortRange{First: uint16(next), Last: 65535})
	}
	return out
}

func (w *Writer) reachMarkdown(a *reach.Answer, v ReachView) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n", markdown(reachTitle(a)))
	if v.Only != nil {
		p := &page{}
		p.only(v.Only)
		for _, line := range strings.Split(strings.TrimSpace(string(p.b)), "\n") {
			fmt.Fprintf(&b, "- %s\n", markdown(strings.TrimSpace(line)))
		}
		b.WriteString("\n")
	}
	b.WriteString("| verdict | from | to | service | decided by |\n|---|---|---|---|---|\n")
	for i := range a.Rows {
		r := &a.Rows[i]
		if r.Outcome.Verdict == flow.Deny && !v.Denied {
			continue
		}
		to := placesText(r.To, r.Destination, a.To)
		if r.Through != "" {
			to += ", through " + r.Through
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.Outcome.Verdict, markdown(placesText(r.From, r.Source, a.From)), markdown(to), markdown(servicesText(r.Services)), markdown(reachReason(r)))
	}
	_, err := w.out.Write([]byte(b.String()))
	return err
}

type reachJSON struct {
	From             endsJSON           `json:"from"`
	To               endsJSON           `json:"to"`
	Undecided        bool               `json:"undecided"`
	Rows             []reachRowJSON     `json:"rows"`
	Only             *onlyJSON          `json:"only,omitempty"`
	Assumptions      []flow.Assumption  `json:"assumptions"`
	Notes            []string           `json:"notes,omitempty"`
	ServiceTags      *sim.CatalogueInfo `json:"serviceTags,omitempty"`
	UnderAssumptions bool               `json:"decidedUnderAssumptions,omitempty"`
}

type endsJSON struct {
	Text   string      `json:"text,omitempty"`
	Kind   string      `json:"kind"`
	Name   string      `json:"name"`
	Places []placeJSON `json:"places"`
	Open   []string    `json:"notInData,omitempty"`
}

type placeJSON struct {
	Name    string `json:"name"`
	Address string `json:"address,omitempty"`
	In      string `json:"in,omitempty"`
}

type reachRowJSON struct {
	FromPlaces  []string       `json:"from"`
	ToPlaces    []string       `json:"to"`
	Source      *addressesJSON `json:"source,omitempty"`      // absent: all of from
	Destination *addressesJSON `json:"destination,omitempty"` // absent: all of to
	Services    []servicesJSON `json:"services"`
	Through     string         `json:"through,omitempty"`
	sim.Outcome
}

type servicesJSON struct {
	Protocols   []string             `json:"protocols"`
	SourcePorts []topology.PortRange `json:"sourcePorts,omitempty"` // absent: all
	Ports       []topology.PortRange `json:"ports,omitempty"`       // absent: all
}

type addressesJSON struct {
	Name     string   `json:"name,omitempty"`
	Tag      string   `json:"tag,omitempty"`
	Prefixes []string `json:"prefixes,omitempty"`
}

type onlyJSON struct {
	Asked   string       `json:"asked"`
	Verdict string       `json:"verdict"` // Pass, Fail, Unknown
	Beyond  []beyondJSON `json:"beyond"`
}

type beyondJSON struct {
	Row     int          `json:"row"` // of rows
	Verdict flow.Verdict `json:"verdict"`
	servicesJSON
	Witness witnessJSON `json:"witness"`
}

type witnessJSON struct {
	Source      string `json:"source"`
	Destination string `json:"destination"`
	Protocol    string `json:"protocol"`
	SourcePort  int    `json:"sourcePort,omitempty"`
	Port        int    `json:"port,omitempty"`
}

func reachDocument(a *reach.Answer, v ReachView) *reachJSON {
	d := &reachJSON{From: endsDocument(a.From), To: endsDocument(a.To), Undecided: a.Undecided, Rows: []reachRowJSON{},
		Assumptions: list(a.Assumptions), Notes: a.Notes, ServiceTags: a.ServiceTags, UnderAssumptions: a.UnderAssumptions}
	at := map[*reach.Row]int{}
	for i := range a.Rows {
		r := &a.Rows[i]
		at[r] = i
		d.Rows = append(d.Rows, reachRowJSON{
			FromPlaces: placeNameList(r.From), ToPlaces: placeNameList(r.To), Source: addressesDocument(r.Source), Destination: addressesDocument(r.Destination),
			Services: servicesDocuments(r.Services), Through: r.Through, Outcome: fullOutcome(r.Outcome),
		})
	}
	if o := v.Only; o != nil {
		x := &onlyJSON{Asked: o.Text, Verdict: "Pass", Beyond: []beyondJSON{}}
		switch {
		case len(o.Passes) > 0:
			x.Verdict = "Fail"
		case o.Undecided():
			x.Verdict = "Unknown"
		}
		for _, b := range append(slices.Clip(o.Passes), o.Open...) {
			f := b.Witness
			x.Beyond = append(x.Beyond, beyondJSON{Row: at[b.Row], Verdict: b.Row.Outcome.Verdict, servicesJSON: servicesDocument(b.Services),
				Witness: witnessJSON{f.Source, f.Destination, f.Protocol.String(), int(f.SourcePort), int(f.Port)}})
		}
		d.Only = x
	}
	return d
}

func endsDocument(e *reach.Ends) endsJSON {
	d := endsJSON{Text: e.Text, Kind: e.Kind, Name: e.Name, Open: e.Open, Places: []placeJSON{}}
	for _, p := range e.Places {
		d.Places = append(d.Places, placeJSON{p.Name, p.Address, p.Group})
	}
	return d
}

func placeNameList(places []*reach.Place) []string {
	out := make([]string, len(places))
	for i, p := range places {
		out[i] = p.Name
	}
	return out
}

func addressesDocument(a reach.Addresses) *addressesJSON {
	if a.Whole() {
		return nil
	}
	d := &addressesJSON{Name: a.Name, Tag: a.Tag}
	for _, p := range a.Prefixes {
		d.Prefixes = append(d.Prefixes, p.String())
	}
	return d
}

func servicesDocuments(list []reach.Services) []servicesJSON {
	out := make([]servicesJSON, len(list))
	for i, s := range list {
		out[i] = servicesDocument(s)
	}
	return out
}

func servicesDocument(s reach.Services) servicesJSON {
	d := servicesJSON{SourcePorts: s.SourcePorts, Ports: s.Ports}
	protocols := s.Protocols
	if protocols == nil {
		protocols = []topology.Protocol{topology.AnyProtocol}
	}
	for _, p := range protocols {
		d.Protocols = append(d.Protocols, p.String())
	}
	return d
}
