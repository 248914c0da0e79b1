package policy

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/reach"
	"github.com/netpath/netpath/topology"
)

// pair is one question of an assertion that nothing but some services passes.
type pair struct {
	result   *Result
	from, to end
	selector [2]string
	found    *Case // Pass where nothing else passes
	rests    []flow.Assumption
	err      error
}

// everywhere is the destination of an assertion that names none.
var everywhere = end{name: "", label: "everywhere"}

// only are the pairs of an assertion that nothing but its services passes.
func only(sel *selection, r *Result) ([]*pair, error) {
	a := r.Assertion
	var out []*pair
	to := map[string][]end{"": {everywhere}}
	list := []string{""}
	if len(a.To) > 0 {
		list = a.To
		to = map[string][]end{}
		for _, text := range a.To {
			found, err := sel.find(text)
			if err != nil {
				return nil, &SelectorError{a, text, err}
			}
			r.selected(text, found)
			to[text] = found.ends
		}
	}
	for _, text := range a.From {
		from, err := sel.source(text)
		if err != nil {
			return nil, &SelectorError{a, text, err}
		}
		r.selected(text, from)
		for _, x := range from.ends {
			for _, t := range list {
				for _, y := range to[t] {
					if x.name != y.name && (x.family == "" || y.family == "" || x.family == y.family) {
						out = append(out, &pair{result: r, from: x, to: y, selector: [2]string{text, t}})
					}
				}
			}
		}
	}
	return out, nil
}

// reachAll asks what passes between the ends of each pair.
func reachAll(ctx context.Context, s *sim.Simulator, pairs []*pair) error {
	if len(pairs) == 0 {
		return nil
	}
	asker := reach.NewAsker(s)
	if err := each(ctx, pairs, func(p *pair) { p.ask(ctx, asker) }); err != nil {
		return err
	}
	for _, p := range pairs {
		if p.err == nil {
			continue
		}
		selector := p.selector[1]
		if selector == "" {
			selector = p.selector[0]
		}
		if err := p.result.notFound(p.err, p.from.name, p.selector[0], selector); err != nil {
			return err
		}
	}
	return nil
}

// ask asks what passes beyond the services that may. The answer itself is not
// kept: there may be many.
func (p *pair) ask(ctx context.Context, asker *reach.Asker) {
	a, err := asker.Between(ctx, reach.Question{From: p.from.name, To: p.to.name, AnyClient: true})
	if err != nil {
		p.err = err
		return
	}
	c := &Case{From: p.from.label, To: p.to.label, Service: "anything else", about: append(p.from.names(), p.to.names()...),
		Key: strings.Join([]string{"only", string(topology.MakeID(p.from.name)), string(topology.MakeID(p.to.name))}, "\x00")}
	x := a.Outside(p.result.Services)
	switch {
	case len(x.Passes) > 0:
		c.Verdict = Fail
		c.show(&x.Passes[0])
	case x.Undecided():
		c.Verdict = Unknown
		c.underAssumptions = a.UnderAssumptions
		if len(x.Open) > 0 {
			c.show(&x.Open[0])
		} else {
			c.Text = "an end is not wholly in the data: more may pass"
			if len(a.Open) > 0 {
				c.Text = "more may pass: " + a.Open[0]
			}
		}
	}
	if c.Verdict != Pass {
		var all []piece
		for i := range a.Rows {
			all = append(all, pieces(&a.Rows[i], reach.Services{})...)
		}
		c.Broken, c.Undecided = packetsOf(piecesOf(x.Passes), all), packetsOf(piecesOf(x.Open), all)
	}
	p.found, p.rests = c, a.Assumptions
}

func piecesOf(list []reach.Beyond) (out []piece) {
	for i := range list {
		out = append(out, pieces(list[i].Row, list[i].Services)...)
	}
	return out
}

// pieces are some services of a row, between each two of its places.
func pieces(r *reach.Row, s reach.Services) (out []piece) {
	b := flowset.Box{Protocols: s.Protocols, SourcePorts: s.SourcePorts, DestinationPorts: s.Ports, Source: setOf(r.Source.Prefixes...), Destination: setOf(r.Destination.Prefixes...)}
	for _, from := range r.From {
		for _, to := range r.To {
			if from != to {
				out = append(out, piece{way{placeText(from), placeText(to), r.Through}, b})
			}
		}
	}
	return out
}

// placeText is the name of a place, with its address, which tells it from
// others of the name, as it stands in a list.
func placeText(p *reach.Place) string {
	name := p.Name
	if !strings.Contains(name, p.Address) {
		name += " " + p.Address
	}
	return strings.NewReplacer("%", "%25", ",", "%2C").Replace(name)
}

// settle counts the pair.
func (p *pair) settle() {
	if p.err == nil {
		p.result.Asked++
		p.result.rest(p.rests)
		p.result.count(p.found)
	}
}

// show tells of a part of what passes beyond.
func (c *Case) show(b *reach.Beyond) {
	o := b.Row.Outcome
	c.Outcome = &o
	c.Witness = Witness{Source: b.Witness.Source, Destination: b.Witness.Destination, Protocol: b.Witness.Protocol.String()}
	if b.Witness.Port != 0 {
		c.Witness.Port = strconv.Itoa(int(b.Witness.Port))
	}
}

// notFound is what an error of a question about a name means for an
// assertion: that a selector is ambiguous, or selects nothing.
func (r *Result) notFound(err error, from, fromSelector, toSelector string) error {
	name, ok := errors.AsType[*sim.NameError](err)
	if !ok {
		return err
	}
	selector := toSelector
	if name.Name == from {
		selector = fromSelector
	}
	if len(name.Candidates) > 0 {
		return &SelectorError{r.Assertion, selector, name}
	}
	text := nothing(selector, name)
	if name.Reason != "" {
		text = selector + " cannot be asked: " + name.Error()
	}
	r.open(selector, text)
	return nil
}
