package report

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// IPFlow writes the answer to an IP flow question. Text and tables list the
// conditions of every rule where the question asked for all rules.
func (w *Writer) IPFlow(q sim.IPFlowQuestion, f *sim.IPFlow) error {
	switch w.opt.Format {
	case JSON, NDJSON:
		return w.versioned(fullFlow(f))
	}
	p := &page{paint: w.paint()}
	p.line(p.headline(f.Access), "  ", Escape(flowText(q)))
	o := flowOutcome(f)
	if w.opt.Format == Table {
		p.hopTable(&o, f.Parts)
	} else {
		indent := strings.Repeat(" ", len(f.Access.String())+2)
		p.outcomeLines(indent, &o)
		if o.Verdict == flow.Allow {
			if s := reason(&o); s != "" {
				p.line(indent, s)
			}
		}
		if len(f.Parts) > 0 {
			w.parts(p, f.Parts, nil)
		} else if len(f.Hops) > 0 {
			p.blank()
			p.hops("    ", f.Hops, nil)
			if !q.AllRules {
				p.skipped("    ", f.Evaluated)
			}
		}
	}
	if q.AllRules {
		for i := range f.Evaluated {
			p.evaluations(&f.Evaluated[i])
		}
	}
	if w.opt.Format == Text {
		p.footer(&o, f.ServiceTags, len(f.Parts) > 0 && !w.brief(f.Parts), w.opt.Scope)
	}
	return w.flush(p)
}

// flowOutcome is the answer in the form that hops and parts have.
func flowOutcome(f *sim.IPFlow) sim.Outcome {
	o := sim.Outcome{
		Verdict: f.Access, UnderAssumptions: f.UnderAssumptions, Priority: f.Priority,
		NetworkSecurityGroup: f.NetworkSecurityGroup, Hops: f.Hops, Assumptions: f.Assumptions,
		Missing: f.Missing, Notes: f.Notes,
	}
	if f.RuleName != nil {
		o.RuleName = *f.RuleName
	}
	if len(f.Codes) > 0 {
		o.Code = f.Codes[0]
	}
	return o
}

// flowText is the question in the direction of the packet.
func flowText(q sim.IPFlowQuestion) string {
	ports := q.Protocol.HasPorts() || q.Protocol == topology.AnyProtocol
	from, to := endpointText(q.Local, ports), endpointText(q.Remote, ports)
	if q.Direction == topology.Inbound {
		from, to = to, from
	}
	return strings.ToLower(q.Direction.String()) + " " + protocolWord(q.Protocol) + " " + from + " → " + to
}

func endpointText(e sim.Endpoint, ports bool) string {
	switch {
	case !ports:
		return e.Address.String()
	case !e.AnyPort:
		return netip.AddrPortFrom(e.Address, e.Port).String()
	case e.Address.Is6():
		return "[" + e.Address.String() + "]:*"
	default:
		return e.Address.String() + ":*"
	}
}

// skipped names the NSGs that an earlier one kept from being evaluated.
func (p *page) skipped(indent string, list []sim.EvaluatedNSG) {
	for _, e := range list {
		if e.Skipped {
			p.line(indent, Escape(joined(" at ", shortName(e.NetworkSecurityGroupID), shortName(e.AppliedTo))), ": not evaluated, an earlier gate denies")
		}
	}
}

// evaluations writes the conditions of the rules of one NSG, one rule a line.
func (p *page) evaluations(e *sim.EvaluatedNSG) {
	p.blank()
	title := shortName(e.NetworkSecurityGroupID)
	if e.AppliedTo != "" {
		title += " at " + shortName(e.AppliedTo)
	}
	switch {
	case e.Skipped:
		title += ": not evaluated, an earlier gate denies"
	case e.MatchedRule != nil:
		title += ": " + e.MatchedRule.RuleName + " matched, " + e.MatchedRule.Action
	}
	p.line("  ", p.paint.in(bold, Escape(title)))
	if len(e.Rules) == 0 {
		return
	}
	rows := []row{header("priority", "rule", "protocol", "source", "source port", "destination", "destination port", "")}
	for _, r := range e.Rules {
		c := []cell{
			{text: strconv.Itoa(r.Priority), right: true}, plain(r.Name),
			condition(r, "protocol", r.ProtocolMatched), condition(r, "source", r.SourceMatched),
			condition(r, "sourcePort", r.SourcePortMatched), condition(r, "destination", r.DestinationMatched),
			condition(r, "destinationPort", r.DestinationPortMatched), {},
		}
		if e.MatchedRule != nil && e.MatchedRule.RuleName == r.Name && !e.Skipped {
			c[7] = cell{text: "← " + Escape(e.MatchedRule.Action), color: bold}
		}
		rows = append(rows, row{cells: c})
	}
	p.grid("    ", rows)
}

// condition says whether a packet meets one condition of a rule.
func condition(r sim.RuleEvaluation, name string, met bool) cell {
	for _, u := range r.Undecided {
		if strings.EqualFold(u, name) {
			return cell{text: "unknown", color: yellow}
		}
	}
	if met {
		return cell{text: "yes", color: green}
	}
	return cell{text: "no", color: faint}
}
