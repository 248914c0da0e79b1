package report

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// shown is how many prefixes or ranges of a list text output spells out.
const shown = 4

// verdictColor is the colour of a verdict; the word says it too.
func verdictColor(v flow.Verdict) string {
	switch v {
	case flow.Allow:
		return green
	case flow.Deny:
		return red
	case flow.Split:
		return cyan
	default:
		return yellow
	}
}

// headline is the verdict in capitals, for the first line of an answer.
func (p *page) headline(v flow.Verdict) string {
	return p.paint.in(verdictColor(v), strings.ToUpper(v.String()))
}

// verdictCell is the verdict of a hop: small for what passes, in capitals for
// what does not.
func verdictCell(v flow.Verdict) cell {
	if v == flow.Allow {
		return cell{text: "allow", color: verdictColor(v)}
	}
	return cell{text: strings.ToUpper(v.String()), color: verdictColor(v)}
}

// kindWord is the word for a kind of hop whose place alone does not say what
// it is.
func kindWord(k sim.HopKind) string {
	switch k {
	case sim.HopAdminRules:
		return "admin rules"
	case sim.HopRoute:
		return "route"
	case sim.HopPeering:
		return "peering"
	case sim.HopEgress:
		return "egress"
	case sim.HopEntry:
		return "entry"
	case sim.HopPrivateEndpoint:
		return "private endpoint"
	case sim.HopPlatform:
		return "platform"
	case sim.HopVirtualAppliance:
		return "appliance"
	case sim.HopFirewall:
		return "firewall"
	case sim.HopHostFirewall:
		return "guest"
	case sim.HopProxy:
		return "proxy"
	default:
		return ""
	}
}

// place says where a hop is: what kind of gate, and on what.
func place(h *sim.Hop) string {
	word := kindWord(h.Kind)
	switch {
	case word == "":
		return h.AppliedTo
	case h.AppliedTo == "":
		return word
	default:
		return word + " " + h.AppliedTo
	}
}

// ruleText is the middle column of a hop that a rule decided, laid out by the
// widths of its parts.
type ruleText struct{ name, priority, rule string }

func ruleOf(h *sim.Hop) (ruleText, bool) {
	if h.RuleName == "" || h.Name == "" && h.Priority == 0 {
		return ruleText{}, false
	}
	r := ruleText{name: Escape(h.Name), rule: Escape(h.RuleName)}
	if h.Priority > 0 {
		r.priority = strconv.Itoa(h.Priority)
	}
	return r, true
}

// freeText is the middle column of a hop without a deciding rule, and whether
// it already says the hop's note.
func freeText(h *sim.Hop) (text string, noted bool) {
	switch {
	case h.Kind == sim.HopRoute:
		return routeText(h), false
	case h.RuleName != "":
		return h.RuleName, false
	case h.Code == flow.NoNSG:
		return "no NSG", false
	case h.Name != "" && h.SourceAddress != "" && !strings.Contains(h.Name, h.SourceAddress):
		return h.Name + " " + h.SourceAddress, false
	case h.Name != "":
		return h.Name, false
	case h.SourceAddress != "":
		return h.SourceAddress, false
	default:
		return h.Note, true
	}
}

func routeText(h *sim.Hop) string {
	s := h.AddressPrefix
	if s == "" {
		s = h.Name
	}
	if h.NextHopType != "" {
		s += " → " + string(h.NextHopType)
	}
	if h.NextHopIPAddress != "" {
		s += " " + h.NextHopIPAddress
	}
	return strings.TrimSpace(s)
}

// routeWord is the verdict column of a route that leads on: who made it.
func routeWord(h *sim.Hop) (string, bool) {
	if h.Verdict != flow.Allow {
		return "", false
	}
	switch h.RouteSource {
	case "Default":
		return "system", true
	case "User":
		return "user", true
	case "VirtualNetworkGateway":
		return "gateway", true
	}
	return "", false
}

// hops writes the hops as a grid, with the legs of a proxied path under their
// own headings.
func (p *page) hops(indent string, hops []sim.Hop, legs []string) {
	var nameWidth, priorityWidth int
	for i := range hops {
		if r, ok := ruleOf(&hops[i]); ok {
			nameWidth = max(nameWidth, width(r.name))
			priorityWidth = max(priorityWidth, len(r.priority))
		}
	}
	rows := make([]row, len(hops))
	for i := range hops {
		rows[i] = hopRow(&hops[i], nameWidth, priorityWidth)
	}
	widths := columnWidths(rows)
	leg := 0
	for i := range hops {
		if hops[i].Leg != leg && hops[i].Leg > 0 {
			leg = hops[i].Leg
			heading := fmt.Sprintf("leg %d", leg)
			if leg <= len(legs) && legs[leg-1] != "" {
				heading += "   " + legs[leg-1]
			}
			p.line(indent[:len(indent)-2], p.paint.in(bold, heading))
		}
		p.row(indent, rows[i], widths)
	}
}

func hopRow(h *sim.Hop, nameWidth, priorityWidth int) row {
	var middle string
	noted := false
	if r, ok := ruleOf(h); ok {
		middle = fill(r.name, nameWidth) + "  " + strings.Repeat(" ", priorityWidth-len(r.priority)) + r.priority + " " + r.rule
	} else {
		middle, noted = freeText(h)
		middle = Escape(middle)
	}
	verdict := verdictCell(h.Verdict)
	if word, ok := routeWord(h); ok {
		verdict = cell{text: word, color: faint}
	}
	var where cell
	switch {
	case h.Default:
		where = plain("default rule").dim()
	case h.Origin != nil:
		where = plain(h.Origin.String()).dim()
	}
	r := row{cells: []cell{plain(place(h)), {text: strings.ToLower(Escape(h.Direction))}, {text: middle}, verdict, where}}
	if h.Note != "" && !noted {
		r.notes = []string{Escape(h.Note)}
	}
	return r
}

// reason is the line below a verdict that is not a plain Allow: the code, and
// the gate that gave it.
func reason(o *sim.Outcome) string {
	if o.Code == "" {
		return ""
	}
	s := string(o.Code)
	if h := decisive(o); h != nil {
		var about []string
		if h.RuleName != "" {
			about = append(about, ruleLabel(h.RuleName, h.Priority))
			if h.Name != "" {
				about = append(about, "in "+h.Name)
			}
		} else if text, _ := freeText(h); text != "" {
			about = append(about, text)
		}
		if pl := place(h); pl != "" && h.Kind != sim.HopRoute {
			about = append(about, "at "+pl)
		}
		if h.Direction != "" {
			about = append(about, strings.ToLower(Escape(h.Direction)))
		}
		if len(about) > 0 {
			s += ": " + strings.Join(about, " ")
		}
		if h.Origin != nil && !h.Default && h.Origin.String() != "" {
			s += " (" + h.Origin.String() + ")"
		}
	} else if o.RuleName != "" {
		s += ": " + ruleLabel(o.RuleName, o.Priority)
		if o.NetworkSecurityGroup != "" {
			s += " in " + o.NetworkSecurityGroup
		}
	}
	return Escape(s)
}

func ruleLabel(name string, priority int) string {
	if priority > 0 {
		return strconv.Itoa(priority) + " " + name
	}
	return name
}

// decisive is the hop that gave an outcome its verdict, nil where none did.
func decisive(o *sim.Outcome) *sim.Hop {
	for i := range o.Hops {
		h := &o.Hops[i]
		if h.Verdict == o.Verdict && h.Code == o.Code {
			return h
		}
	}
	return nil
}

// outcomeLines writes what stands between the verdict and the hops.
func (p *page) outcomeLines(indent string, o *sim.Outcome) {
	p.underAssumptions(indent, o)
	if o.Verdict != flow.Allow && o.Verdict != flow.Split {
		if s := reason(o); s != "" {
			p.line(indent, s)
		}
	}
}

// underAssumptions says what strict mode keeps an answer from being.
func (p *page) underAssumptions(indent string, o *sim.Outcome) {
	if o.UnderAssumptions != "" {
		p.line(indent, "under the assumptions below it would be ", Escape(o.UnderAssumptions), "; strict mode takes none that is not waived")
	}
}

// grounds writes what an answer rests on and what would settle it.
func (p *page) grounds(indent string, o *sim.Outcome) {
	p.assumptions(indent, o.Assumptions)
	p.missing(indent, o.Missing)
	p.notes(indent, o.Notes)
}

func (p *page) assumptions(indent string, list []flow.Assumption) {
	if len(list) == 0 {
		return
	}
	rows := make([]row, len(list))
	for i, a := range list {
		rows[i] = row{cells: []cell{{text: "assumed:"}, plain(string(a.ID)), plain(shortName(a.About)), plain(a.Text).dim()}}
	}
	p.grid(indent, rows)
}

func (p *page) missing(indent string, list []flow.Missing) {
	if len(list) == 0 {
		return
	}
	p.line(indent, "what would settle it:")
	rows := make([]row, len(list))
	for i, m := range list {
		rows[i] = row{cells: []cell{plain(string(m.Code)), plain(shortName(m.About)), plain(m.Text)}}
		if m.Export != "" {
			rows[i].notes = []string{"$ " + Escape(m.Export)}
		}
	}
	p.grid(indent+"  ", rows)
}

func (p *page) notes(indent string, notes []string) {
	for _, n := range notes {
		p.line(indent, "note: ", Escape(n))
	}
}

func (p *page) catalogue(indent string, c *sim.CatalogueInfo) {
	if c == nil {
		return
	}
	s := "service tags: " + c.Cloud
	if c.ChangeNumber > 0 {
		s += fmt.Sprintf(", change %d", c.ChangeNumber)
	}
	if c.Date != "" {
		s += ", " + c.Date
	}
	switch {
	case c.AgeDays == nil:
		s += " (age not known)"
	case *c.AgeDays == 1:
		s += " (1 day old)"
	default:
		s += fmt.Sprintf(" (%d days old)", *c.AgeDays)
	}
	p.line(indent, Escape(s))
}

// shortName is the readable end of a resource ID: "subnet v1/app",
// "nic app1-nic", "NSG-lockdown". What is no ID stays as it is.
func shortName(id string) string {
	if !strings.HasPrefix(id, "/") {
		return id
	}
	parts := strings.Split(strings.Trim(id, "/"), "/")
	n := len(parts)
	if n < 2 {
		return id
	}
	switch {
	case n >= 4 && strings.EqualFold(parts[n-2], "subnets"):
		return "subnet " + parts[n-3] + "/" + parts[n-1]
	case strings.EqualFold(parts[n-2], "networkInterfaces"):
		return "nic " + parts[n-1]
	default:
		return parts[n-1]
	}
}

// prefixList is a list of prefixes in short: how many, and the first ones.
func prefixList(list []netip.Prefix) string {
	return some(list, "prefix", "prefixes", netip.Prefix.String)
}

func portList(list []topology.PortRange) string {
	return some(list, "range", "ranges", topology.PortRange.String)
}

// some spells out a short list, and of a longer one the count and the first.
func some[T any](list []T, one, many string, text func(T) string) string {
	var b strings.Builder
	if len(list) > shown {
		fmt.Fprintf(&b, "%s: ", count(len(list), one, many))
	}
	for i, e := range list {
		if i == shown {
			fmt.Fprintf(&b, ", … %s more", thousands(len(list)-shown))
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(text(e))
	}
	return b.String()
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// thousands is the number with a comma between each three digits.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
