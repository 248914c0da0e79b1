package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/sim/optimize"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

// OptimizedGroup is what was found for one NSG, and the texts that make it so.
type OptimizedGroup struct {
	*optimize.Plan
	Commands []backup.Command
}

// Optimize writes NSGs with fewer rules and the same meaning.
func (w *Writer) Optimize(groups []OptimizedGroup) error {
	p := &page{paint: w.paint()}
	switch w.opt.Format {
	case JSON, NDJSON:
		d := optimizeJSON{Groups: []optimizedJSON{}}
		for i := range groups {
			d.Groups = append(d.Groups, groups[i].document())
		}
		return w.versioned(d)
	case Table:
		rows := []row{header("nsg", "step", "rules", "why")}
		for _, g := range groups {
			for _, s := range g.Steps {
				rows = append(rows, row{cells: []cell{plain(g.Group.Name), {text: stepWord(&s)}, plain(ruleList(s.Gone)), plain(stepText(&s))}})
			}
		}
		p.table(rows)
		return w.flush(p)
	}
	for i, g := range groups {
		if i > 0 && (len(g.Steps)+len(g.Left) > 0 || len(groups[i-1].Steps)+len(groups[i-1].Left) > 0) {
			p.blank()
		}
		was, is := len(g.Group.SecurityRules), len(g.After.SecurityRules)
		if len(g.Steps) == 0 {
			p.line(p.paint.in(bold, "SAME"), "  ", Escape(g.Group.Name), ": ", count(was, "rule", "rules"), ", none to spare")
		} else {
			p.line(p.paint.in(bold, "FEWER"), "  ", Escape(g.Group.Name), ": ", count(was, "rule becomes ", "rules become "), strconv.Itoa(is))
		}
		var rows []row
		for _, s := range g.Steps {
			x := row{cells: []cell{{text: stepWord(&s)}, plain(ruleList(s.Gone))}, notes: []string{Escape(stepText(&s))}}
			if len(s.Gone) == 1 && s.Gone[0].Origin.File != "" {
				x.cells = append(x.cells, plain(s.Gone[0].Origin.String()).dim())
			}
			if len(s.Tags) > 0 {
				x.notes = append(x.notes, Escape("holds while the service tag file says of "+strings.Join(s.Tags, ", ")+" what it says now"))
			}
			rows = append(rows, x)
		}
		for _, l := range g.Left {
			rows = append(rows, row{cells: []cell{{text: "left"}, plain(ruleText(l.Rule))}, notes: []string{Escape("nothing is proved about it: " + l.Text)}})
		}
		p.grid("  ", rows)
		if len(g.Steps) > 0 {
			p.line("  proved equal: what is allowed, denied and open, in both directions and families, ", Escape(places(g.Places)))
		}
		p.commands("", g.Commands)
	}
	return w.flush(p)
}

func places(list []string) string {
	var named []string
	alone := ""
	for _, p := range list {
		if p == "" {
			alone = "in whatever virtual network"
			continue
		}
		named = append(named, p)
	}
	text := ""
	if len(named) > 0 {
		text = "at " + strings.Join(named, ", ")
		if alone != "" {
			text += " and "
		}
	}
	return text + alone
}

func stepWord(s *optimize.Step) string {
	if s.Into != nil {
		return "merge"
	}
	return "remove"
}

func ruleText(r *topology.SecurityRule) string {
	return fmt.Sprintf("%s %d %s", r.Direction, r.Priority, r.Name)
}

func ruleList(list []*topology.SecurityRule) string {
	out := make([]string, len(list))
	for i, r := range list {
		out[i] = ruleText(r)
		if i > 0 {
			out[i] = fmt.Sprintf("%d %s", r.Priority, r.Name)
		}
	}
	return strings.Join(out, ", ")
}

// stepText says why a rule can go, or what becomes of the one that stays.
func stepText(s *optimize.Step) string {
	if s.Into != nil {
		return fmt.Sprintf("into %d %s, whose %s become %s", s.Into.Priority, s.Into.Name, s.Field, strings.Join(fieldOf(s), ", "))
	}
	var by []string
	for _, r := range s.By {
		by = append(by, fmt.Sprintf("%d %s", r.Priority, r.Name))
	}
	deciders := strings.Join(by, ", ")
	switch {
	case s.Why == optimize.Shadowed && deciders == "":
		return "shadowed: no packet reaches it, many rules before it decide"
	case s.Why == optimize.Shadowed:
		return "shadowed: no packet reaches it, " + deciders + " " + verb(len(by), "decides", "decide") + " before it"
	case deciders == "":
		return "redundant: the rules after it do the same"
	default:
		return "redundant: " + deciders + " " + verb(len(by), "does", "do") + " the same"
	}
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// fieldOf is the list that grew.
func fieldOf(s *optimize.Step) []string {
	switch s.Field {
	case "sourceAddressPrefixes":
		return edit.Addresses(s.Now.Source)
	case "destinationAddressPrefixes":
		return edit.Addresses(s.Now.Destination)
	case "sourcePortRanges":
		return edit.Ports(s.Now.Source)
	default:
		return edit.Ports(s.Now.Destination)
	}
}

type optimizeJSON struct {
	Groups []optimizedJSON `json:"networkSecurityGroups"`
}

type optimizedJSON struct {
	Name     string           `json:"name"`
	ID       string           `json:"id"`
	Before   int              `json:"rulesBefore"`
	After    int              `json:"rulesAfter"`
	Proved   bool             `json:"proved"`
	Places   []string         `json:"provedAt"` // subnets; "" is whatever virtual network
	Steps    []stepJSON       `json:"steps"`
	Left     []leftJSON       `json:"left"`
	Commands []backup.Command `json:"commands,omitempty"`
}

type stepJSON struct {
	Kind  string     `json:"kind"` // removed or merged
	Rules []ruleJSON `json:"rules"`
	Why   string     `json:"why,omitempty"`
	By    []ruleJSON `json:"by,omitempty"`
	Into  *ruleJSON  `json:"into,omitempty"`
	Field string     `json:"field,omitempty"`
	Value []string   `json:"value,omitempty"`
	Tags  []string   `json:"whileServiceTags,omitempty"`
}

type ruleJSON struct {
	Name      string           `json:"name"`
	Priority  int              `json:"priority"`
	Direction string           `json:"direction"`
	Origin    *topology.Origin `json:"origin,omitempty"`
}

type leftJSON struct {
	Rule ruleJSON `json:"rule"`
	Text string   `json:"text"`
}

func ruleOf(r *topology.SecurityRule) ruleJSON {
	x := ruleJSON{Name: r.Name, Priority: r.Priority, Direction: r.Direction.String()}
	if r.Origin.File != "" {
		x.Origin = &r.Origin
	}
	return x
}

func rulesOf(list []*topology.SecurityRule) []ruleJSON {
	out := make([]ruleJSON, len(list))
	for i, r := range list {
		out[i] = ruleOf(r)
	}
	return out
}

func (g *OptimizedGroup) document() optimizedJSON {
	d := optimizedJSON{Name: g.Group.Name, ID: g.Group.ResourceID, Before: len(g.Group.SecurityRules), After: len(g.After.SecurityRules),
		Proved: true, Places: list(g.Places), Steps: []stepJSON{}, Left: []leftJSON{}, Commands: g.Commands}
	for _, s := range g.Steps {
		x := stepJSON{Kind: "removed", Rules: rulesOf(s.Gone), Why: string(s.Why), Tags: s.Tags}
		if s.Into != nil {
			into := ruleOf(s.Into)
			x.Kind, x.Why, x.Into, x.Field, x.Value = "merged", "", &into, s.Field, fieldOf(&s)
		} else {
			x.By = rulesOf(s.By)
		}
		d.Steps = append(d.Steps, x)
	}
	for _, l := range g.Left {
		d.Left = append(d.Left, leftJSON{ruleOf(l.Rule), l.Text})
	}
	return d
}
