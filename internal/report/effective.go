package report

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// EffectiveRules writes the effective security rules of an interface: as JSON
// in the shape of az network nic list-effective-nsg, otherwise as a table for
// each NSG. NDJSON has one NSG a line.
func (w *Writer) EffectiveRules(e *sim.EffectiveRules) error {
	groups := make([]sim.EffectiveRuleSet, len(e.Groups))
	for i, g := range e.Groups {
		g.Rules = list(g.Rules)
		if g.TagMap == nil {
			g.TagMap = map[string][]netip.Prefix{}
		}
		groups[i] = g
	}
	switch w.opt.Format {
	case JSON:
		return w.versioned(struct {
			Value []sim.EffectiveRuleSet `json:"value"`
		}{groups})
	case NDJSON:
		return eachObject(w, groups)
	}
	p := &page{paint: w.paint()}
	if w.opt.Format == Table {
		rows := []row{header(append([]string{"nsg", "applied to"}, ruleColumns()...)...)}
		for i := range groups {
			g := &groups[i]
			for _, c := range ruleRows(g) {
				rows = append(rows, row{cells: append([]cell{plain(shortName(g.NetworkSecurityGroup.ID)), plain(associationName(g.Association))}, c...)})
			}
		}
		p.table(rows)
		return w.flush(p)
	}
	p.line("effective security rules of ", p.paint.in(bold, Escape(shortName(e.NetworkInterface))))
	if len(groups) == 0 {
		p.line("  no network security group and no security admin rules apply: everything is allowed")
	}
	for i := range groups {
		g := &groups[i]
		p.blank()
		p.line("  ", p.paint.in(bold, Escape(ruleSetTitle(g))))
		if len(g.Rules) > 0 {
			rows := []row{header(ruleColumns()...)}
			for _, c := range ruleRows(g) {
				rows = append(rows, row{cells: c})
			}
			p.grid("    ", rows)
		}
		p.missing("    ", g.Undecided)
	}
	if e.ServiceTags != nil {
		p.blank()
		p.catalogue("  ", e.ServiceTags)
	}
	return w.flush(p)
}

func ruleSetTitle(g *sim.EffectiveRuleSet) string {
	name := shortName(g.NetworkSecurityGroup.ID)
	if name == "" {
		name = "what is not in the data"
	}
	return joined(" at ", name, associationName(g.Association))
}

func associationName(a sim.Association) string {
	switch {
	case a.Subnet != nil:
		return shortName(a.Subnet.ID)
	case a.NetworkInterface != nil:
		return shortName(a.NetworkInterface.ID)
	default:
		return ""
	}
}

func ruleColumns() []string {
	return []string{"direction", "priority", "rule", "access", "protocol", "source", "source ports", "destination", "ports", "origin"}
}

// ruleRows are the rules of one NSG in the order of ruleColumns.
func ruleRows(g *sim.EffectiveRuleSet) [][]cell {
	rows := make([][]cell, len(g.Rules))
	for i := range g.Rules {
		r := &g.Rules[i]
		where := r.Origin.String()
		if where == "" && strings.HasPrefix(r.Name, "defaultSecurityRules/") {
			where = "default rule"
		}
		rows[i] = []cell{
			plain(r.Direction), {text: strconv.Itoa(r.Priority), right: true}, plain(topology.BareRuleName(r.Name)),
			{text: Escape(r.Access), color: accessColor(r.Access)}, plain(r.Protocol),
			plain(side(r.Sources, r.ExpandedSource)), plain(strings.Join(r.SourcePorts, ",")),
			plain(side(r.Destinations, r.ExpandedDestination)), plain(strings.Join(r.DestinationPorts, ",")), plain(where).dim(),
		}
	}
	return rows
}

// accessColor paints a rule's access like a verdict.
func accessColor(access string) string {
	if strings.EqualFold(access, topology.Deny.String()) {
		return verdictColor(flow.Deny)
	}
	return verdictColor(flow.Allow)
}

// side is one side of a rule in a table: what it names, and for a tag how
// many prefixes that is.
func side(names []string, expanded []netip.Prefix) string {
	s := some(names, "entry", "entries", func(n string) string { return n })
	if len(expanded) > 0 {
		s += " (" + count(len(expanded), "prefix", "prefixes") + ")"
	}
	return s
}

// EffectiveRoutes writes the effective routes of an interface: as JSON in the
// shape of az network nic show-effective-route-table, otherwise as a table.
// NDJSON has one route a line.
func (w *Writer) EffectiveRoutes(e *sim.EffectiveRoutes) error {
	routes := make([]sim.EffectiveRoute, len(e.Routes))
	for i, r := range e.Routes {
		r.AddressPrefix = list(r.AddressPrefix)
		r.NextHopIPAddress = list(r.NextHopIPAddress)
		r.ServiceTags = list(r.ServiceTags)
		routes[i] = r
	}
	switch w.opt.Format {
	case JSON:
		return w.versioned(struct {
			Value     []sim.EffectiveRoute `json:"value"`
			Undecided []flow.Missing       `json:"undecided,omitempty"`
		}{routes, e.Undecided})
	case NDJSON:
		return eachObject(w, routes)
	}
	p := &page{paint: w.paint()}
	if w.opt.Format == Text {
		title := "effective routes of " + p.paint.in(bold, Escape(shortName(e.NetworkInterface)))
		if e.Subnet != "" {
			title += ", " + Escape(shortName(e.Subnet))
		}
		p.line(title)
		p.blank()
	}
	rows := []row{header("source", "state", "address prefix", "next hop type", "next hop", "name", "origin")}
	for i := range routes {
		rows = append(rows, routeRow(&routes[i]))
	}
	if w.opt.Format == Table {
		p.table(rows)
		return w.flush(p)
	}
	p.grid("  ", rows)
	if len(e.Undecided) > 0 {
		p.blank()
		p.missing("  ", e.Undecided)
	}
	return w.flush(p)
}

func routeRow(r *sim.EffectiveRoute) row {
	name, origin := "", ""
	if r.Name != nil {
		name = *r.Name
	}
	if r.Origin != nil {
		origin = r.Origin.String()
	}
	prefix := some(r.AddressPrefix, "prefix", "prefixes", func(s string) string { return s })
	if len(r.ServiceTags) > 0 {
		prefix = strings.Join(r.ServiceTags, ", ")
		if n := len(r.AddressPrefix); n > 0 {
			prefix += " (" + count(n, "prefix", "prefixes") + ")"
		}
	}
	c := []cell{
		plain(r.Source), plain(r.State), plain(prefix), plain(string(r.NextHopType)),
		plain(strings.Join(r.NextHopIPAddress, ", ")), plain(name), plain(origin).dim(),
	}
	if r.State != "Active" {
		c[1].color = yellow
	}
	return row{cells: c}
}
