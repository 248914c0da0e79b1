package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/sim/fix"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology/edit"
)

// Fix writes the edits that give a question its wanted verdict, or what stands
// in the way; differences are what its rules change, commands the texts that
// make the edits.
func (w *Writer) Fix(q fix.Question, plan *fix.Plan, differences []fix.Difference, commands []backup.Command) error {
	switch w.opt.Format {
	case JSON, NDJSON:
		return w.versioned(fixDocument(q, plan, differences, commands))
	case Table:
		p := &page{paint: w.paint()}
		rows := []row{header("what", "text")}
		for _, e := range plan.Edits {
			rows = append(rows, row{cells: []cell{{text: "edit"}, plain(e.String())}})
		}
		for _, b := range plan.Blockers {
			rows = append(rows, row{cells: []cell{{text: "blocker"}, plain(b.Text)}})
		}
		p.table(rows)
		return w.flush(p)
	}
	p := &page{paint: w.paint()}
	want := strings.ToUpper(q.Want.String())
	ends := endText(plan.Before.From) + " → " + endText(plan.Before.To) + " " + service(q.TraceQuestion)
	switch {
	case !plan.Met():
		p.line(p.paint.in(yellow, "NO EDIT"), "  ", Escape(ends), ": none gives it ", want)
		p.before("  ", plan.Before)
		p.line("  in the way")
		for _, b := range plan.Blockers {
			p.line("    ", Escape(b.Text))
		}
	case len(plan.Edits) == 0:
		p.line(p.headline(plan.Before.Verdict), "  ", Escape(ends), ": as wanted, without an edit")
	default:
		p.line(p.paint.in(bold, "FIX"), "  ", Escape(ends), ": ", want, " with ", count(len(plan.Edits), "edit", "edits"))
		p.before("  ", plan.Before)
		rows := make([]row, len(plan.Changes))
		for i, c := range plan.Changes {
			rows[i] = row{cells: []cell{{text: strconv.Itoa(i + 1)}, plain(c.Edit.String())}, notes: []string{Escape(editReach(&c, differenceOf(differences, c.Edit), q))}}
		}
		p.grid("  ", rows)
		p.line("  asked again with the edits: ", p.headline(plan.After.Verdict))
	}
	p.commands("", commands)
	answer := plan.After
	if answer == nil {
		answer = plan.Before
	}
	p.footer(&answer.Outcome, answer.ServiceTags, false, w.opt.Scope)
	return w.flush(p)
}

// before says what the answer is without an edit.
func (p *page) before(indent string, t *sim.Trace) {
	p.line(indent, "now ", p.headline(t.Verdict), "  ", p.paint.in(faint, reason(&t.Outcome)))
}

// differenceOf is what the edit changes, nil where that was not compared.
func differenceOf(list []fix.Difference, e edit.Edit) *fix.Difference {
	for i := range list {
		if list[i].Edit.String() == e.String() && list[i].Known {
			return &list[i]
		}
	}
	return nil
}

// editReach says what an edit changes, in numbers: exactly, where that was
// compared, else what it is about.
func editReach(c *fix.Change, d *fix.Difference, q fix.Question) string {
	verb := "opens"
	if q.Want.String() == "Deny" {
		verb = "closes"
	}
	if _, ok := c.Edit.(edit.AddRule); !ok {
		return verb + " " + portsText(c.Ports) + " of " + c.Destination.Text + " to " + extentText(&c.Source)
	}
	source, destination, ports := &c.Source, &c.Destination, c.Ports
	if d != nil {
		source, destination, ports = &d.Source, &d.Destination, d.Ports
	}
	text := fmt.Sprintf("%s %s on %s to %s", verb, extentText(destination), portsText(ports), extentText(source))
	switch {
	case d == nil:
		return text
	case d.Exact:
		return text + ": what was asked, and nothing else"
	default:
		return text + "; beyond what was asked changes " + d.Beyond
	}
}

func extentText(e *fix.Extent) string {
	if !e.Known {
		return e.Text + ", of which no file says the addresses,"
	}
	six := ""
	if e.IPv6 != nil {
		six = e.IPv6.String()
	}
	return addressesText(e.IPv4, six)
}

type fixJSON struct {
	Want        string            `json:"want"`
	Met         bool              `json:"met"`
	From        sim.EndInfo       `json:"from"`
	To          sim.EndInfo       `json:"to"`
	Before      flow.Verdict      `json:"before"`
	Code        flow.Code         `json:"codeBefore"`
	After       string            `json:"after,omitempty"`
	Edits       []editJSON        `json:"edits"`
	Changes     []changeJSON      `json:"changes"`
	Blockers    []blockerJSON     `json:"blockers"`
	Commands    []backup.Command  `json:"commands,omitempty"`
	Assumptions []flow.Assumption `json:"assumptions"`
}

type editJSON struct {
	Text          string   `json:"text"`
	ID            string   `json:"networkSecurityGroupId,omitempty"`
	Name          string   `json:"name,omitempty"`
	Priority      int      `json:"priority,omitempty"`
	Direction     string   `json:"direction,omitempty"`
	Access        string   `json:"access,omitempty"`
	Protocol      string   `json:"protocol,omitempty"`
	Source        []string `json:"sourceAddressPrefixes,omitempty"`
	Destination   []string `json:"destinationAddressPrefixes,omitempty"`
	Ports         []string `json:"destinationPortRanges,omitempty"`
	AddressesFrom uint64   `json:"sourceAddresses"`
	AddressesTo   uint64   `json:"destinationAddresses"`
	Known         bool     `json:"known"` // the files say which addresses these are
	PortCount     int      `json:"ports"`
}

// changeJSON is what a rule changes at its NSG: the exact sets with all edits
// compared with those before.
type changeJSON struct {
	ID           string     `json:"networkSecurityGroupId"`
	Name         string     `json:"name"`
	Known        bool       `json:"known"`             // the files say which addresses were asked about
	Packets      string     `json:"packets,omitempty"` // how many fare otherwise, in decimal
	Sources      *sizesJSON `json:"sources,omitempty"`
	Destinations *sizesJSON `json:"destinations,omitempty"`
	Ports        int        `json:"ports"`
	Exact        bool       `json:"exact"` // all that changes was asked about, and as it was wanted
	Beyond       string     `json:"beyond,omitempty"`
}

type sizesJSON struct {
	IPv4 uint64 `json:"ipv4"`
	IPv6 string `json:"ipv6,omitempty"`
}

func sizesOf(e *fix.Extent) *sizesJSON {
	x := &sizesJSON{IPv4: e.IPv4}
	if e.IPv6 != nil {
		x.IPv6 = e.IPv6.String()
	}
	return x
}

type blockerJSON struct {
	Text     string    `json:"text"`
	Code     flow.Code `json:"code,omitempty"`
	RuleName string    `json:"ruleName,omitempty"`
}

func fixDocument(q fix.Question, plan *fix.Plan, differences []fix.Difference, commands []backup.Command) *fixJSON {
	d := &fixJSON{
		Want: q.Want.String(), Met: plan.Met(), From: plan.Before.From, To: plan.Before.To, Before: plan.Before.Verdict, Code: plan.Before.Code,
		Edits: []editJSON{}, Changes: []changeJSON{}, Blockers: []blockerJSON{}, Commands: commands, Assumptions: []flow.Assumption{},
	}
	if plan.After != nil {
		d.After = plan.After.Verdict.String()
		d.Assumptions = list(plan.After.Assumptions)
	}
	for _, c := range plan.Changes {
		e := editJSON{Text: c.Edit.String(), AddressesFrom: c.Source.IPv4, AddressesTo: c.Destination.IPv4, Known: c.Source.Known && c.Destination.Known, PortCount: c.Ports}
		if r, ok := c.Edit.(edit.AddRule); ok {
			e.ID, e.Name, e.Priority, e.Direction, e.Access, e.Protocol = r.Group.Text, r.Name, r.Priority, r.Direction.String(), r.Access.String(), r.Protocol.String()
			e.Source, e.Destination, e.Ports = r.Source, r.Destination, r.PortTexts()
		}
		d.Edits = append(d.Edits, e)
	}
	for i := range differences {
		x := &differences[i]
		c := changeJSON{ID: x.Edit.Group.Text, Name: x.Edit.Name, Known: x.Known, Exact: x.Exact, Beyond: x.Beyond, Ports: x.Ports}
		if x.Known {
			c.Packets, c.Sources, c.Destinations = x.Packets.String(), sizesOf(&x.Source), sizesOf(&x.Destination)
		}
		d.Changes = append(d.Changes, c)
	}
	for _, b := range plan.Blockers {
		x := blockerJSON{Text: b.Text}
		if b.Hop != nil {
			x.Code, x.RuleName = b.Hop.Code, b.Hop.RuleName
		}
		d.Blockers = append(d.Blockers, x)
	}
	return d
}
