package report

import (
	"fmt"
	"net/netip"
	"slices"
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

// kindWord is what a hop is called before its place; "" where the place alone
// says it.
func kindWord(k sim.HopKind) string {
	switch k {
	case sim.HopSecurityRules, sim.HopHostFirewall, sim.HopFirewall, sim.HopProxy:
		return ""
	case sim.HopAdminRules:
		return "admin rules"
	case sim.HopPrivateEndpoint:
		return "private endpoint"
	case sim.HopVirtualAppliance:
		return "appliance"
	default:
		return string(k)
	}
}

// place says where a hop is: what kind of gate, and on what.
func place(h *sim.Hop) string {
	word := kindWord(h.Kind)
	switch {
	case word == "" && h.AppliedTo != "":
		return h.AppliedTo
	case h.Kind == sim.HopSecurityRules:
		return "nsg" // asked alone
	case word == "":
		return string(h.Kind)
	case h.Kind == sim.HopRoute || h.Kind == sim.HopPrivateEndpoint || h.AppliedTo == "":
		return word
	default:
		return word + " " + strings.TrimPrefix(h.AppliedTo, "nic ")
	}
}

// isRule reports whether the rule of an NSG or an admin rule decided the hop:
// it is shown with its NSG and priority, in columns of their own.
func isRule(h *sim.Hop) bool {
	return h.RuleName != "" && (h.Kind == sim.HopSecurityRules || h.Kind == sim.HopAdminRules)
}

// hopText is what a hop without such a rule is about, and whether that already
// says the hop's note.
func hopText(h *sim.Hop) (text string, noted bool) {
	switch {
	case h.Code == flow.NoNSG:
		return "no NSG", false
	case h.NextHopType != "" || h.AddressPrefix != "":
		return routeText(h), false
	case h.Kind == sim.HopProxy && h.Note+h.RuleName != "":
		return joined(" ", h.Note, h.RuleName), true // CONNECT host
	case h.Kind == sim.HopFirewall && h.RuleName != "" && h.Note != "":
		return h.RuleName + " (" + h.Note + ")", true // rule (collection)
	case h.RuleName != "":
		return h.RuleName, false
	case h.Kind == sim.HopHostFirewall && h.Note != "":
		return h.Note, true
	case h.Name == "" && h.SourceAddress == "":
		return h.Note, true
	case h.Kind == sim.HopPrivateEndpoint:
		return joined(" in ", h.Name, h.AppliedTo), false
	case strings.Contains(h.Name, h.SourceAddress):
		return h.Name, false
	default:
		return joined(" ", h.Name, h.SourceAddress), false
	}
}

// routeText is "0.0.0.0/0 → VirtualAppliance 10.0.0.10 (rt-app/to-nva)".
func routeText(h *sim.Hop) string {
	s := joined(" → ", h.AddressPrefix, joined(" ", string(h.NextHopType), h.NextHopIPAddress))
	if name := joined("/", h.Name, h.RuleName); name != "" {
		s += " (" + name + ")"
	}
	return s
}

// joined joins the texts that are not empty.
func joined(sep string, texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), sep)
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
		if isRule(&hops[i]) {
			nameWidth = max(nameWidth, width(Escape(hops[i].Name)))
			priorityWidth = max(priorityWidth, len(priority(&hops[i])))
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
	if isRule(h) {
		n := priority(h)
		middle = fill(Escape(h.Name), nameWidth) + "  " + strings.Repeat(" ", priorityWidth-len(n)) + n + " " + Escape(h.RuleName)
	} else {
		middle, noted = hopText(h)
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

func priority(h *sim.Hop) string {
	if h.Priority == 0 {
		return ""
	}
	return strconv.Itoa(h.Priority)
}

// reason is the line below a verdict: the code, and the gate that gave it.
func reason(o *sim.Outcome) string {
	s := string(o.Code)
	h := decisive(o)
	if h == nil {
		if o.RuleName != "" {
			s = joined(": ", s, joined(" in ", ruleLabel(o.RuleName, o.Priority), o.NetworkSecurityGroup))
		}
		return Escape(s)
	}
	var about string
	if isRule(h) {
		about = joined(" ", joined(" at ", joined(" in ", ruleLabel(h.RuleName, h.Priority), h.Name), h.AppliedTo), strings.ToLower(Escape(h.Direction)))
	} else {
		text, noted := hopText(h)
		about = joined(": ", place(h), text)
		if !noted {
			about = joined("; ", about, h.Note)
		}
	}
	s = joined(": ", s, about)
	if h.Origin != nil && !h.Default && h.Origin.String() != "" {
		s += " (" + h.Origin.String() + ")"
	}
	return Escape(s)
}

func ruleLabel(name string, priority int) string {
	if priority > 0 {
		return strconv.Itoa(priority) + " " + name
	}
	return name
}

// decisive is the hop that gave an outcome its verdict, nil where none did: of
// several that allow by the rule named, the last.
func decisive(o *sim.Outcome) *sim.Hop {
	var found *sim.Hop
	for i := range o.Hops {
		h := &o.Hops[i]
		if h.Verdict != o.Verdict || h.Code != o.Code || o.RuleName != "" && h.RuleName != o.RuleName {
			continue
		}
		if found = h; o.Verdict != flow.Allow {
			break
		}
	}
	return found
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
