package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/diff"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/topology"
)

// DiffFormats lists the formats of a report on what changed.
func DiffFormats() []string {
	return append(Formats(), string(SARIF), string(Markdown), string(GitHub), string(AzureDevOps))
}

// DiffRun is what a report of diff says of the run beside its results.
type DiffRun struct {
	Version  string // of netpath
	Old, New string // as named on the command line
	Strict   bool
}

// Diff writes what changed between two estates.
func (w *Writer) Diff(r *diff.Report, run DiffRun) error {
	switch w.opt.Format {
	case JSON:
		return w.versioned(diffDocument(r, run))
	case NDJSON:
		return w.diffLines(r)
	case SARIF:
		return w.diffSARIF(r, run)
	case Markdown:
		return w.diffMarkdown(r, run)
	case GitHub:
		return w.diffAnnotate(r, githubLine)
	case AzureDevOps:
		return w.diffAnnotate(r, azureLine)
	}
	p := &page{paint: w.paint()}
	if w.opt.Format == Table {
		p.table(diffRows(r))
		return w.flush(p)
	}
	w.diffText(p, r, run)
	return w.flush(p)
}

// kindWords say how traffic of a kind changes.
var kindWords = map[diff.Kind]string{
	diff.NewlyAllowed:   "newly allowed",
	diff.NewlyDenied:    "newly denied",
	diff.NewlyUndecided: "newly undecided",
	diff.NowAllowed:     "now allowed, undecided before",
	diff.NowDenied:      "now denied, undecided before",
	diff.StillUndecided: "undecided before and now, by other rules",
}

func kindColor(k diff.Kind) string {
	switch k {
	case diff.NewlyAllowed:
		return green
	case diff.NewlyDenied:
		return red
	case diff.NowAllowed, diff.NowDenied:
		return cyan
	default:
		return yellow
	}
}

// diffTally counts the changes by kind: the same words in every format.
func diffTally(r *diff.Report) string {
	var out []string
	for _, k := range diff.Kinds() {
		n := 0
		for i := range r.Gates {
			for j := range r.Gates[i].Changes {
				if r.Gates[i].Changes[j].Kind == k {
					n++
				}
			}
		}
		if n > 0 {
			out = append(out, kindWords[k]+": "+thousands(n))
		}
	}
	elements := map[string]int{}
	for _, e := range r.Elements {
		elements[elementWord(e)]++
	}
	if n := routedSubnets(r); n > 0 {
		out = append(out, "other routes: "+count(n, "subnet", "subnets"))
	}
	for _, word := range []string{"added", "removed", "changed"} {
		if n := elements[word]; n > 0 {
			out = append(out, word+": "+count(n, "resource", "resources"))
		}
	}
	if len(out) == 0 {
		return "nothing changed"
	}
	return strings.Join(out, "; ")
}

// elementWord says what became of a resource: "added", "removed", "changed".
func elementWord(e diff.Element) string {
	switch {
	case e.Changed:
		return "changed"
	case e.Added:
		return "added"
	default:
		return "removed"
	}
}

func routedSubnets(r *diff.Report) int {
	n := 0
	for i := range r.Routes {
		n += len(r.Routes[i].Subnets)
	}
	return n
}

// comparedText says what was looked at.
func comparedText(r *diff.Report) string {
	s := "compared: " + count(r.Compared.SecurityGroups, "NSG", "NSGs")
	if n := r.Compared.Interfaces; n > 0 {
		s += ", " + count(n, "interface", "interfaces")
	}
	if n := r.Compared.Subnets; n > 0 {
		s += ", the routes of " + count(n, "subnet", "subnets")
	}
	return s
}

func gateTitle(g *diff.Gate) string {
	switch {
	case g.Level == diff.SecurityGroup:
		return "NSG " + g.Name
	case g.Level == diff.Subnet:
		return "subnet " + g.Name
	case len(g.Places) > 1:
		return count(len(g.Places), "interface", "interfaces") + " like " + g.Name
	default:
		return "interface " + g.Name
	}
}

// gatePlaces says where an NSG is asked, or which interfaces change alike.
func gatePlaces(g *diff.Gate) string {
	self := func(s string) string { return s }
	switch {
	case g.Level == diff.SecurityGroup && len(g.Places) > 0:
		return "at " + some(g.Places, "place", "places", self)
	case len(g.Places) > 1:
		return some(g.Places, "interface", "interfaces", self)
	}
	return ""
}

// gatesText are the NSGs of an interface.
func gatesText(list []string) string {
	if len(list) == 0 {
		return "no NSG"
	}
	return strings.Join(list, ", ")
}

// traffic is a change's direction and family.
func traffic(c *diff.Change) string {
	s := strings.ToLower(c.Direction.String())
	if c.V6 {
		s += " IPv6"
	}
	return s
}

// boxText is "tcp Internet → app1 (10.0.1.4) port 443".
func boxText(b *diff.Box) string {
	s := protocolsText(b.Protocols) + " " + b.Source.String()
	if len(b.SourcePorts) > 0 {
		s += " from port " + portList(b.SourcePorts)
	}
	s += " → " + b.Destination.String()
	if len(b.DestinationPorts) > 0 {
		s += " port " + portList(b.DestinationPorts)
	}
	return s
}

func protocolsText(list []topology.Protocol) string {
	if len(list) == 5 {
		return "any protocol"
	}
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = strings.ToLower(p.String())
	}
	return strings.Join(words, ", ")
}

// packetText is "tcp/443 10.0.1.4:50000 → 203.0.113.10".
func packetText(p flowset.Packet) string {
	protocol := strings.ToLower(p.Protocol.String())
	if !p.Protocol.HasPorts() {
		return protocol + " " + p.Source.String() + " → " + p.Destination.String()
	}
	return fmt.Sprintf("%s/%d %s → %s, from port %d", protocol, p.DestinationPort, p.Source, p.Destination, p.SourcePort)
}

// decisionText is the verdict of one side and the rule that gives it.
func decisionText(d *diff.Decision) string {
	s := d.Verdict.String()
	switch {
	case d.RuleName != "":
		s += " by " + ruleLabel(d.RuleName, d.Priority)
		if d.NetworkSecurityGroup != "" {
			s += " in " + d.NetworkSecurityGroup
		}
	case d.Code != "":
		s += ", " + string(d.Code)
	}
	switch {
	case d.Default:
		s += ", default rule"
	case d.Origin != nil && d.Origin.String() != "":
		s += " (" + d.Origin.String() + ")"
	}
	if d.Verdict == flow.Unknown && len(d.Missing) > 0 {
		s += ": " + d.Missing[0].Text
	}
	return s
}

// partsInText is how many parts of a change text tells, unless all are asked
// for.
const partsInText = 5

func (w *Writer) diffText(p *page, r *diff.Report, run DiffRun) {
	p.line(p.paint.in(bold, "DIFF"), "  ", Escape(run.Old), " → ", Escape(run.New), "  ", diffTally(r))
	for i := range r.Gates {
		g := &r.Gates[i]
		p.blank()
		p.line(joined("  ", p.paint.in(bold, Escape(gateTitle(g))), Escape(gatePlaces(g))))
		if g.Level != diff.SecurityGroup {
			p.line("  ", p.paint.in(faint, Escape("before: "+gatesText(g.Gates[0])+"; now: "+gatesText(g.Gates[1]))))
		}
		for j := range g.Changes {
			w.changeText(p, &g.Changes[j])
		}
	}
	p.routes(r)
	p.elements(r)
	p.blank()
	p.line("  ", comparedText(r))
	p.catalogues(r)
	p.assumptions("  ", diffAssumptions(r))
	p.notes("  ", r.Notes)
	if r.Unwaived {
		p.line("  strict mode takes no assumption that is not waived: the report as a whole is undecided")
	}
	if w.opt.Scope != "" {
		p.line("  ", p.paint.in(faint, "scope: "+Escape(w.opt.Scope)))
	}
}

func (p *page) catalogues(r *diff.Report) {
	if a, b := r.Old, r.New; a != nil && b != nil && a.Cloud == b.Cloud && a.ChangeNumber == b.ChangeNumber && a.Date == b.Date {
		p.catalogue("  ", b)
		return
	}
	p.catalogue("  old ", r.Old)
	p.catalogue("  new ", r.New)
}

func (w *Writer) changeText(p *page, c *diff.Change) {
	p.line("  ", p.paint.in(kindColor(c.Kind), strings.ToUpper(kindWords[c.Kind])), "  ", traffic(c), ", ", diff.Packets(c.Size))
	for i := range c.Parts {
		x := &c.Parts[i]
		if i == partsInText && !w.opt.Full {
			p.line("    ", restText(c, i, "; -v or -o json shows more"))
			return
		}
		for j := range x.Boxes {
			p.line("    ", Escape(boxText(&x.Boxes[j])))
		}
		if x.More {
			p.line("    … and more; together ", diff.Packets(x.Size))
		}
		p.grid("      ", []row{
			{cells: []cell{{text: "for example"}, plain(packetText(x.Witness))}},
			{cells: []cell{{text: "before"}, {text: Escape(decisionText(&x.Old)), color: verdictColor(x.Old.Verdict)}}},
			{cells: []cell{{text: "now"}, {text: Escape(decisionText(&x.New)), color: verdictColor(x.New.Verdict)}}},
		})
	}
	if c.Rest.Sign() > 0 {
		p.line("    ", restText(c, len(c.Parts), " that the report does not take apart"))
	}
}

// restText says how many packets the parts from i on have.
func restText(c *diff.Change, i int, more string) string {
	left := new(big.Int).Set(c.Rest)
	for _, x := range c.Parts[i:] {
		left.Add(left, x.Size)
	}
	return "… by other rules " + diff.Packets(left) + more
}

func (p *page) routes(r *diff.Report) {
	for i := range r.Routes {
		x := &r.Routes[i]
		p.blank()
		p.line(p.paint.in(bold, "routes"), "  ", Escape(subnetsText(x)))
		rows := make([]row, len(x.Changes))
		for j := range x.Changes {
			c := &x.Changes[j]
			rows[j] = row{cells: []cell{plain(c.Destination.String()), plain(nextHopText(&c.Old)).dim(), {text: "→"}, plain(nextHopText(&c.New))}}
		}
		p.grid("  ", rows)
	}
}

func subnetsText(x *diff.Routes) string {
	return "of " + some(x.Subnets, "subnet", "subnets", func(s string) string { return s })
}

// nextHopText is a next hop with the route that leads to it.
func nextHopText(h *diff.NextHop) string {
	s := h.String()
	if h.Origin != nil && h.Origin.String() != "" {
		s += " (" + h.Route + ", " + h.Origin.String() + ")"
	} else if h.Route != "" {
		s += " (" + h.Route + ")"
	}
	return s
}

func (p *page) elements(r *diff.Report) {
	if len(r.Elements) == 0 {
		return
	}
	p.blank()
	rows := make([]row, len(r.Elements))
	for i, e := range r.Elements {
		word := cell{text: elementWord(e), color: map[string]string{"added": green, "removed": red, "changed": yellow}[elementWord(e)]}
		rows[i] = row{cells: []cell{word, {text: e.Kind}, plain(e.Name), plain(e.Origin.String()).dim()}}
	}
	p.grid("", rows)
}

// diffAssumptions are what the report rests on: as a whole, and by the
// witnesses of its parts.
func diffAssumptions(r *diff.Report) []flow.Assumption {
	out := slices.Clone(r.Assumptions)
	eachPart(r, func(_ *diff.Gate, _ *diff.Change, x *diff.Part) {
		for _, a := range slices.Concat(x.Old.Assumptions, x.New.Assumptions) {
			if !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	})
	return out
}

func eachPart(r *diff.Report, do func(*diff.Gate, *diff.Change, *diff.Part)) {
	for i := range r.Gates {
		g := &r.Gates[i]
		for j := range g.Changes {
			for k := range g.Changes[j].Parts {
				do(g, &g.Changes[j], &g.Changes[j].Parts[k])
			}
		}
	}
}

func diffRows(r *diff.Report) []row {
	rows := []row{header("change", "gate", "direction", "packets", "traffic", "example", "before", "now")}
	eachPart(r, func(g *diff.Gate, c *diff.Change, x *diff.Part) {
		rows = append(rows, row{cells: []cell{{text: kindWords[c.Kind], color: kindColor(c.Kind)}, plain(gateTitle(g)), {text: traffic(c)},
			{text: diff.Count(x.Size), right: true}, plain(diffPartText(x)), plain(packetText(x.Witness)), plain(decisionText(&x.Old)), plain(decisionText(&x.New))}})
	})
	for i := range r.Routes {
		for j := range r.Routes[i].Changes {
			c := &r.Routes[i].Changes[j]
			rows = append(rows, row{cells: []cell{{text: "other route"}, plain("routes " + subnetsText(&r.Routes[i])), {}, {}, plain(c.Destination.String()), {}, plain(nextHopText(&c.Old)), plain(nextHopText(&c.New))}})
		}
	}
	for _, e := range r.Elements {
		rows = append(rows, row{cells: []cell{{text: elementWord(e)}, plain(e.Kind + " " + e.Name), {}, {}, {}, {}, {}, plain(e.Origin.String())}})
	}
	return rows
}

// diffPartText is the first box of a part, and whether there are more.
func diffPartText(x *diff.Part) string {
	s := boxText(&x.Boxes[0])
	switch {
	case x.More:
		s += " … and more"
	case len(x.Boxes) > 1:
		s += fmt.Sprintf(" … and %d more", len(x.Boxes)-1)
	}
	return s
}

// The document of diff.
type diffJSON struct {
	Version     string            `json:"netpathVersion"`
	Old         diffSideJSON      `json:"old"`
	New         diffSideJSON      `json:"new"`
	Strict      bool              `json:"strict"`
	Summary     map[string]int    `json:"summary"`
	Compared    diff.Compared     `json:"compared"`
	Gates       []diffGateJSON    `json:"gates"`
	Routes      []diffRoutesJSON  `json:"routes"`
	Elements    []diffElementJSON `json:"elements"`
	Assumptions []flow.Assumption `json:"assumptions"`
	Undecided   bool              `json:"undecided"`
	Notes       []string          `json:"notes,omitempty"`
}

type diffSideJSON struct {
	Path        string             `json:"path"`
	ServiceTags *sim.CatalogueInfo `json:"serviceTags,omitempty"`
}

type diffGateJSON struct {
	Level   diff.Level       `json:"level"`
	Name    string           `json:"name"`
	ID      string           `json:"id,omitempty"`
	OldID   string           `json:"oldId,omitempty"`
	Places  []string         `json:"places"`
	Before  []string         `json:"gatesBefore,omitempty"`
	Now     []string         `json:"gatesNow,omitempty"`
	Changes []diffChangeJSON `json:"changes"`
}

type diffChangeJSON struct {
	Kind         diff.Kind      `json:"kind"`
	Before       flow.Verdict   `json:"before"`
	Now          flow.Verdict   `json:"now"`
	Direction    string         `json:"direction"`
	Family       string         `json:"family"`
	Packets      string         `json:"packets"` // decimal: it may exceed what JSON numbers hold
	Parts        []diffPartJSON `json:"parts"`
	OtherPackets string         `json:"otherPackets"` // in no part
}

type diffPartJSON struct {
	Packets   string           `json:"packets"`
	Boxes     []diffBoxJSON    `json:"boxes"`
	MoreBoxes bool             `json:"moreBoxes,omitempty"`
	Witness   diffPacketJSON   `json:"witness"`
	Before    diffDecisionJSON `json:"before"`
	Now       diffDecisionJSON `json:"now"`
}

type diffBoxJSON struct {
	Text             string            `json:"text"`
	Protocols        []string          `json:"protocols"`
	Source           diffAddressesJSON `json:"source"`
	Destination      diffAddressesJSON `json:"destination"`
	SourcePorts      []string          `json:"sourcePorts,omitempty"`
	DestinationPorts []string          `json:"destinationPorts,omitempty"`
}

type diffAddressesJSON struct {
	Name     string   `json:"name,omitempty"`
	Except   []string `json:"except,omitempty"`
	Prefixes []string `json:"prefixes,omitempty"`
	More     int      `json:"morePrefixes,omitempty"`
	Count    string   `json:"addresses"`
}

type diffPacketJSON struct {
	Protocol        string  `json:"protocol"`
	Source          string  `json:"source"`
	SourcePort      *uint16 `json:"sourcePort,omitempty"`
	Destination     string  `json:"destination"`
	DestinationPort *uint16 `json:"destinationPort,omitempty"`
}

type diffDecisionJSON struct {
	Verdict     flow.Verdict      `json:"verdict"`
	Code        flow.Code         `json:"code"`
	RuleName    *string           `json:"ruleName"`
	Priority    int               `json:"priority,omitempty"`
	NSG         string            `json:"networkSecurityGroup,omitempty"`
	AppliedTo   string            `json:"appliedTo,omitempty"`
	Default     bool              `json:"defaultRule,omitempty"`
	Origin      *topology.Origin  `json:"origin,omitempty"`
	Assumptions []flow.Assumption `json:"assumptions"`
	Missing     []flow.Missing    `json:"missing,omitempty"`
}

type diffRoutesJSON struct {
	Subnets []string        `json:"subnets"`
	Changes []diffRouteJSON `json:"changes"`
}

type diffRouteJSON struct {
	Family      string          `json:"family"`
	Destination string          `json:"destination"`
	Prefixes    []netip.Prefix  `json:"prefixes"`
	Before      diffNextHopJSON `json:"before"`
	Now         diffNextHopJSON `json:"now"`
}

type diffNextHopJSON struct {
	NextHopType      topology.NextHopType `json:"nextHopType"`
	NextHopIPAddress string               `json:"nextHopIpAddress,omitempty"`
	Over             string               `json:"over,omitempty"`
	Route            string               `json:"route,omitempty"`
	Origin           *topology.Origin     `json:"origin,omitempty"`
	Undecided        string               `json:"undecided,omitempty"`
}

func routeJSON(c *diff.RouteChange) diffRouteJSON {
	hop := func(h *diff.NextHop) diffNextHopJSON {
		return diffNextHopJSON{NextHopType: h.Type, NextHopIPAddress: h.IP, Over: h.Over, Route: h.Route, Origin: h.Origin, Undecided: h.Open}
	}
	return diffRouteJSON{Family: familyText(c.V6), Destination: c.Destination.String(), Prefixes: list(c.Prefixes), Before: hop(&c.Old), Now: hop(&c.New)}
}

func familyText(v6 bool) string {
	if v6 {
		return "IPv6"
	}
	return "IPv4"
}

type diffElementJSON struct {
	Change string           `json:"change"` // added, removed, changed
	Kind   string           `json:"kind"`
	Name   string           `json:"name"`
	ID     string           `json:"id"`
	Origin *topology.Origin `json:"origin,omitempty"`
}

func diffDocument(r *diff.Report, run DiffRun) diffJSON {
	d := diffJSON{Version: run.Version, Old: diffSideJSON{run.Old, r.Old}, New: diffSideJSON{run.New, r.New}, Strict: run.Strict, Summary: diffSummaryOf(r),
		Compared: r.Compared, Gates: []diffGateJSON{}, Routes: []diffRoutesJSON{}, Elements: []diffElementJSON{}, Assumptions: list(diffAssumptions(r)), Undecided: r.Undecided(), Notes: r.Notes}
	for i := range r.Gates {
		g := &r.Gates[i]
		x := diffGateJSON{Level: g.Level, Name: g.Name, ID: g.ID, OldID: g.OldID, Places: list(g.Places), Before: g.Gates[0], Now: g.Gates[1], Changes: []diffChangeJSON{}}
		for j := range g.Changes {
			x.Changes = append(x.Changes, diffChange(&g.Changes[j]))
		}
		d.Gates = append(d.Gates, x)
	}
	for i := range r.Routes {
		x := diffRoutesJSON{Subnets: r.Routes[i].Subnets}
		for j := range r.Routes[i].Changes {
			x.Changes = append(x.Changes, routeJSON(&r.Routes[i].Changes[j]))
		}
		d.Routes = append(d.Routes, x)
	}
	for _, e := range r.Elements {
		d.Elements = append(d.Elements, diffElement(e))
	}
	return d
}

// diffSummaryOf counts the changes by kind, with 0 for those that there are none of.
func diffSummaryOf(r *diff.Report) map[string]int {
	out := map[string]int{"added": 0, "removed": 0, "changed": 0, "routedSubnets": routedSubnets(r)}
	for _, k := range diff.Kinds() {
		out[string(k)] = 0
	}
	for i := range r.Gates {
		for j := range r.Gates[i].Changes {
			out[string(r.Gates[i].Changes[j].Kind)]++
		}
	}
	for _, e := range r.Elements {
		out[elementWord(e)]++
	}
	return out
}

func diffElement(e diff.Element) diffElementJSON {
	return diffElementJSON{Change: elementWord(e), Kind: e.Kind, Name: e.Name, ID: e.ID, Origin: given(e.Origin)}
}

func diffChange(c *diff.Change) diffChangeJSON {
	x := diffChangeJSON{Kind: c.Kind, Before: c.Before, Now: c.After, Direction: c.Direction.String(), Family: familyText(c.V6), Packets: c.Size.String(), OtherPackets: c.Rest.String(), Parts: []diffPartJSON{}}
	for i := range c.Parts {
		x.Parts = append(x.Parts, diffPart(&c.Parts[i]))
	}
	return x
}

func diffPart(p *diff.Part) diffPartJSON {
	x := diffPartJSON{Packets: p.Size.String(), Boxes: []diffBoxJSON{}, MoreBoxes: p.More, Before: diffDecision(&p.Old), Now: diffDecision(&p.New),
		Witness: diffPacketJSON{Protocol: p.Witness.Protocol.String(), Source: p.Witness.Source.String(), Destination: p.Witness.Destination.String()}}
	if p.Witness.Protocol.HasPorts() {
		x.Witness.SourcePort, x.Witness.DestinationPort = &p.Witness.SourcePort, &p.Witness.DestinationPort
	}
	for i := range p.Boxes {
		b := &p.Boxes[i]
		y := diffBoxJSON{Text: boxText(b), Source: diffAddresses(b.Source), Destination: diffAddresses(b.Destination), SourcePorts: diffPorts(b.SourcePorts), DestinationPorts: diffPorts(b.DestinationPorts)}
		for _, q := range b.Protocols {
			y.Protocols = append(y.Protocols, q.String())
		}
		x.Boxes = append(x.Boxes, y)
	}
	return x
}

func diffPorts(ports []topology.PortRange) []string {
	var out []string
	for _, r := range ports {
		out = append(out, r.String())
	}
	return out
}

func diffAddresses(a diff.Addresses) diffAddressesJSON {
	x := diffAddressesJSON{Name: a.Name, More: a.More, Count: a.Count.String()}
	for _, p := range a.Except {
		x.Except = append(x.Except, p.String())
	}
	for _, p := range a.Prefixes {
		x.Prefixes = append(x.Prefixes, p.String())
	}
	return x
}

func diffDecision(d *diff.Decision) diffDecisionJSON {
	x := diffDecisionJSON{Verdict: d.Verdict, Code: d.Code, Priority: d.Priority, NSG: d.NetworkSecurityGroup, AppliedTo: d.AppliedTo, Default: d.Default,
		Origin: d.Origin, Assumptions: list(d.Assumptions), Missing: d.Missing}
	if d.RuleName != "" {
		x.RuleName = &d.RuleName
	}
	return x
}

// diffLine is one line of NDJSON: a part of a change, or a resource that only
// one side has.
type diffLine struct {
	Type      string     `json:"type"` // traffic, route, resource
	Kind      string     `json:"kind"`
	Level     diff.Level `json:"level,omitempty"`
	Gate      string     `json:"gate,omitempty"`
	ID        string     `json:"id,omitempty"`
	Places    []string   `json:"places,omitempty"`
	Direction string     `json:"direction,omitempty"`
	Family    string     `json:"family,omitempty"`
	*diffPartJSON
	*diffElementOf
	Subnets []string       `json:"subnets,omitempty"`
	Route   *diffRouteJSON `json:"routeChange,omitempty"`
}

type diffElementOf struct {
	Change string           `json:"change"`
	Name   string           `json:"name"`
	Origin *topology.Origin `json:"origin,omitempty"`
}

func (w *Writer) diffLines(r *diff.Report) error {
	var out []diffLine
	eachPart(r, func(g *diff.Gate, c *diff.Change, x *diff.Part) {
		p := diffPart(x)
		out = append(out, diffLine{Type: "traffic", Kind: string(c.Kind), Level: g.Level, Gate: g.Name, ID: g.ID, Places: g.Places, Direction: c.Direction.String(), Family: familyText(c.V6), diffPartJSON: &p})
	})
	for i := range r.Routes {
		for j := range r.Routes[i].Changes {
			x := routeJSON(&r.Routes[i].Changes[j])
			out = append(out, diffLine{Type: "route", Kind: "route", Family: x.Family, Subnets: r.Routes[i].Subnets, Route: &x})
		}
	}
	for _, e := range r.Elements {
		x := diffElement(e)
		out = append(out, diffLine{Type: "resource", Kind: x.Kind, ID: x.ID, diffElementOf: &diffElementOf{x.Change, x.Name, x.Origin}})
	}
	return eachObject(w, out)
}

// DiffMarker begins a report on what changed in Markdown, so that the comment
// it stands in is found again and replaced.
const DiffMarker = "<!-- netpath diff -->"

func (w *Writer) diffMarkdown(r *diff.Report, run DiffRun) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n## netpath diff\n\n%s → %s: %s\n", DiffMarker, markdown(run.Old), markdown(run.New), markdown(diffTally(r)))
	for i := range r.Gates {
		g := &r.Gates[i]
		fmt.Fprintf(&b, "\n### %s\n", markdown(joined(" ", gateTitle(g), gatePlaces(g))))
		if g.Level != diff.SecurityGroup {
			fmt.Fprintf(&b, "\nbefore: %s; now: %s\n", markdown(gatesText(g.Gates[0])), markdown(gatesText(g.Gates[1])))
		}
		b.WriteString("\n| change | traffic | packets | example | before | now |\n|---|---|---|---|---|---|\n")
		for j := range g.Changes {
			c := &g.Changes[j]
			for k := range c.Parts {
				if k == partsInText {
					fmt.Fprintf(&b, "| %s | %s | | | | |\n", kindWords[c.Kind], markdown(restText(c, k, "")))
					break
				}
				x := &c.Parts[k]
				fmt.Fprintf(&b, "| **%s** %s | %s | %s | %s | %s | %s |\n", kindWords[c.Kind], traffic(c), markdown(diffPartText(x)), markdown(diff.Count(x.Size)),
					markdown(packetText(x.Witness)), markdown(decisionText(&x.Old)), markdown(decisionText(&x.New)))
			}
			if len(c.Parts) <= partsInText && c.Rest.Sign() > 0 {
				fmt.Fprintf(&b, "| %s | %s | | | | |\n", kindWords[c.Kind], markdown(restText(c, len(c.Parts), "")))
			}
		}
	}
	for i := range r.Routes {
		fmt.Fprintf(&b, "\n### Routes %s\n\n| destination | before | now |\n|---|---|---|\n", markdown(subnetsText(&r.Routes[i])))
		for j := range r.Routes[i].Changes {
			c := &r.Routes[i].Changes[j]
			fmt.Fprintf(&b, "| %s | %s | %s |\n", markdown(c.Destination.String()), markdown(nextHopText(&c.Old)), markdown(nextHopText(&c.New)))
		}
	}
	if len(r.Elements) > 0 {
		b.WriteString("\n| | resource | name |\n|---|---|---|\n")
		for _, e := range r.Elements {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", diffElement(e).Change, e.Kind, markdown(e.Name))
		}
	}
	fmt.Fprintf(&b, "\n%s; netpath %s\n", comparedText(r), markdown(run.Version))
	for _, a := range diffAssumptions(r) {
		fmt.Fprintf(&b, "assumed: %s, %s: %s\n", a.ID, markdown(shortName(a.About)), markdown(a.Text))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", markdown(n))
	}
	_, err := w.out.Write([]byte(b.String()))
	return err
}

// annotation is where and how grave a part is to be shown.
func annotation(c *diff.Change, x *diff.Part) (level string, at topology.Origin) {
	level = "warning"
	if c.Kind == diff.NewlyDenied {
		level = "notice"
	}
	for _, d := range []*diff.Decision{&x.New, &x.Old} {
		if d.Origin != nil && !d.Default && d.Origin.File != "" {
			return level, *d.Origin
		}
	}
	return level, at
}

// changeMessage is a part in one sentence.
func changeMessage(g *diff.Gate, c *diff.Change, x *diff.Part) string {
	return fmt.Sprintf("%s %s: %s %s (%s), for example %s; before: %s; now: %s", gateTitle(g), traffic(c), kindWords[c.Kind], diffPartText(x), diff.Packets(x.Size),
		packetText(x.Witness), decisionText(&x.Old), decisionText(&x.New))
}

func (w *Writer) diffAnnotate(r *diff.Report, line func(level string, at topology.Origin, title, text string) string) error {
	var b strings.Builder
	eachPart(r, func(g *diff.Gate, c *diff.Change, x *diff.Part) {
		level, at := annotation(c, x)
		if w.opt.Format == AzureDevOps {
			level = "warning" // there is nothing less grave
		}
		b.WriteString(line(level, at, kindWords[c.Kind], changeMessage(g, c, x)) + "\n")
	})
	for i := range r.Routes {
		for j := range r.Routes[i].Changes {
			c := &r.Routes[i].Changes[j]
			b.WriteString(line("warning", routeOrigin(c), "other route", routeMessage(&r.Routes[i], c)) + "\n")
		}
	}
	b.WriteString(Escape(diffTally(r)) + "\n")
	_, err := w.out.Write([]byte(b.String()))
	return err
}

func routeMessage(x *diff.Routes, c *diff.RouteChange) string {
	return fmt.Sprintf("routes %s: %s goes to %s, before to %s", subnetsText(x), c.Destination, nextHopText(&c.New), nextHopText(&c.Old))
}

func routeOrigin(c *diff.RouteChange) topology.Origin {
	for _, h := range []*diff.NextHop{&c.New, &c.Old} {
		if h.Origin != nil {
			return *h.Origin
		}
	}
	return topology.Origin{}
}

// changeFingerprint tells a part of one run from those of another: by its gate
// and its packets, whatever the lines of the files are.
func changeFingerprint(g *diff.Gate, c *diff.Change, x *diff.Part) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%t\x00%s", c.Kind, g.ID, c.Direction, c.V6, boxText(&x.Boxes[0])))
	return hex.EncodeToString(sum[:16])
}

// diffSARIF writes one result for each part; the rules are the kinds.
func (w *Writer) diffSARIF(r *diff.Report, run DiffRun) error {
	out := sarifRun{Tool: sarifTool{sarifDriver{Name: "netpath", InformationURI: projectURI, Version: run.Version, Rules: []sarifRule{}}}, Results: []sarifResult{},
		Properties: map[string]any{"summary": diffSummaryOf(r)}}
	for _, k := range diff.Kinds() {
		level := "warning"
		if k == diff.NewlyDenied {
			level = "note"
		}
		text := "Traffic is " + kindWords[k]
		out.Tool.Driver.Rules = append(out.Tool.Driver.Rules, sarifRule{ID: string(k), Name: string(k), Short: sarifMessage{text}, Full: sarifMessage{text},
			HelpURI: projectURI + "/blob/main/docs/commands/diff.md", Configure: sarifLevel{level}})
	}
	eachPart(r, func(g *diff.Gate, c *diff.Change, x *diff.Part) {
		level, at := annotation(c, x)
		if level == "notice" {
			level = "note"
		}
		out.Results = append(out.Results, sarifResult{RuleID: string(c.Kind), RuleIndex: slices.Index(diff.Kinds(), c.Kind), Level: level, Locations: located(at),
			Message:      sarifMessage{changeMessage(g, c, x)},
			Fingerprints: map[string]string{"netpath/v1": changeFingerprint(g, c, x)}})
	})
	out.Tool.Driver.Rules = append(out.Tool.Driver.Rules, sarifRule{ID: "otherRoute", Name: "otherRoute", Short: sarifMessage{"Traffic takes another route"}, Full: sarifMessage{"Traffic takes another route"},
		HelpURI: projectURI + "/blob/main/docs/commands/diff.md", Configure: sarifLevel{"warning"}})
	for i := range r.Routes {
		x := &r.Routes[i]
		for j := range x.Changes {
			c := &x.Changes[j]
			sum := sha256.Sum256(fmt.Appendf(nil, "%q\x00%s", x.Subnets, c.Destination))
			out.Results = append(out.Results, sarifResult{RuleID: "otherRoute", RuleIndex: len(diff.Kinds()), Level: "warning", Locations: located(routeOrigin(c)),
				Message: sarifMessage{routeMessage(x, c)}, Fingerprints: map[string]string{"netpath/v1": hex.EncodeToString(sum[:16])}})
		}
	}
	return w.object(sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{out}})
}
