package policy

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/diff"
	"github.com/netpath/netpath/topology"
)

// newly compares the estate with an earlier one: no traffic may be allowed that
// was not.
func newly(ctx context.Context, s *sim.Simulator, r *Result) error {
	report, err := diff.Compare(ctx, r.Earlier, s, diff.Options{})
	if err != nil {
		return err
	}
	r.rest(report.Assumptions)
	changed := 0
	for i := range report.Gates {
		g := &report.Gates[i]
		before := len(r.Cases)
		for j := range g.Changes {
			newlyAllowed(r, g, &g.Changes[j])
		}
		if len(r.Cases) > before {
			changed++
		}
	}
	met := max(report.Compared.SecurityGroups+report.Compared.Interfaces-changed, 0)
	r.Met, r.Asked = met, met+len(r.Cases)
	if report.Unwaived {
		r.Asked++
		r.count(&Case{Verdict: Unknown, From: "the comparison", Text: "it rests on an assumption that is not waived", Key: "comparison", underAssumptions: true})
	}
	for _, e := range report.Elements {
		if !e.MayAllow() {
			continue
		}
		became, key := "was removed", "gone"
		switch {
		case e.Changed:
			became, key = "is not as it was", "new"
		case e.Added:
			became, key = "is new", "new"
		}
		text := "the " + e.Kind + " " + became + ": not compared is " + e.Uncompared + "; ask netpath trace or reach about both exports, then take a new export for the baseline, or suppress it"
		r.Asked++
		r.count(&Case{Verdict: Unknown, From: e.Name, Text: text, Origin: e.Origin,
			Key: key + "\x00" + e.Kind + "\x00" + string(topology.MakeID(e.ID)), about: []string{e.Name, e.ID}})
	}
	for i := range report.Routes {
		x := &report.Routes[i]
		for j := range x.Changes {
			y := &x.Changes[j]
			if y.Drops() {
				continue // what is dropped is not let through
			}
			for _, subnet := range x.Subnets {
				c := &Case{Verdict: Unknown, From: subnet, Key: strings.Join([]string{"route", strings.ToLower(subnet), y.Destination.String(), y.New.String()}, "\x00"), about: []string{subnet},
					Text: fmt.Sprintf("%s goes to %s, before to %s: what a firewall or an appliance stopped may pass; take a new export for the baseline, or suppress it", y.Destination, y.New, y.Old)}
				if y.New.Origin != nil {
					c.Origin = *y.New.Origin
				} else if y.Old.Origin != nil {
					c.Origin = *y.Old.Origin
				}
				r.Asked++
				r.count(c)
			}
		}
	}
	for _, n := range []*topology.Network{r.Earlier.Network(), s.Network()} {
		for _, g := range n.Gaps {
			if g.Kind == topology.ListCut || g.Kind == topology.FileRefused {
				r.open(r.Baseline, "not all can be compared: "+g.Text)
			}
		}
	}
	if r.Asked == 0 {
		r.open(r.Baseline, "there is nothing to compare: no network security group and no interface is in both exports")
	}
	return nil
}

// newlyAllowed counts the parts of a change that are, or may be, newly allowed.
func newlyAllowed(r *Result, g *diff.Gate, c *diff.Change) {
	verdict := Fail
	if c.Kind != diff.NewlyAllowed {
		if !c.MayAllow {
			return
		}
		verdict = Unknown
	}
	for i := range c.Parts {
		p := &c.Parts[i]
		var boxes []string
		for _, b := range p.Boxes {
			boxes = append(boxes, boxText(b))
		}
		if p.More {
			boxes = append(boxes, "…")
		}
		what := strings.ToLower(c.Direction.String()) + " " + strings.Join(boxes, "; ")
		w := p.Witness
		// The size tells what is not spelled out.
		x := &Case{Verdict: verdict, From: g.Name, Service: what, Key: strings.Join([]string{"newly", g.ID, g.OldID, strings.ToLower(g.Name), what, p.Size.String()}, "\x00"),
			about:   slices.Concat([]string{g.Name, g.ID}, g.Places),
			Witness: Witness{Source: w.Source.String(), Destination: w.Destination.String(), Protocol: w.Protocol.String()}}
		if w.Protocol.HasPorts() {
			x.Witness.Port = strconv.Itoa(int(w.DestinationPort))
		}
		x.Text = fmt.Sprintf("%s: %s before, %s now", what, decided(&p.Old), decided(&p.New))
		if p.New.Origin != nil {
			x.Origin = *p.New.Origin
		} else if p.Old.Origin != nil {
			x.Origin = *p.Old.Origin
		}
		r.count(x)
	}
	if c.Rest != nil && c.Rest.Sign() > 0 || len(c.Parts) == 0 {
		r.count(&Case{Verdict: verdict, From: g.Name, Text: "more packets of this kind: netpath diff tells them", Key: strings.Join([]string{"newly", g.ID, g.OldID, g.Name, string(c.Kind), fmt.Sprint("rest ", c.Direction, c.V6, c.Rest)}, "\x00"),
			about: []string{g.Name, g.ID}})
	}
}

// boxText is the packets of a box in words.
func boxText(b diff.Box) string {
	var protocols []string
	for _, p := range b.Protocols {
		protocols = append(protocols, strings.ToLower(p.String()))
	}
	s := b.Source.String() + " → " + b.Destination.String() + " " + strings.Join(protocols, ",")
	if len(b.DestinationPorts) > 0 {
		var ports []string
		for _, p := range b.DestinationPorts {
			ports = append(ports, p.String())
		}
		s += "/" + strings.Join(ports, ",")
	}
	return s
}

// decided is what a side does, and by which rule.
func decided(d *diff.Decision) string {
	s := strings.ToLower(d.Verdict.String())
	switch {
	case d.RuleName != "":
		s += " by " + d.RuleName
	case d.Code != "":
		s += " (" + string(d.Code) + ")"
	}
	return s
}
