package optimize

import (
	"fmt"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

// Plan is what was found for one NSG.
type Plan struct {
	Group *topology.NetworkSecurityGroup // as it is
	After *topology.NetworkSecurityGroup // as it would be; Group itself where there are no steps
	Steps []Step                         // in the order in which each leaves the meaning as it was
	Edits []edit.Edit                    // of the steps, in order
	Left  []Left                         // rules that nothing can be proved about
	// Places are the subnets at which before and after were compared, "" for an
	// NSG whose virtual network is not in the data.
	Places []string
}

// Step is one proved change.
type Step struct {
	Into  *topology.SecurityRule   // the rule that the others are merged into, as it was; nil: they are removed
	Now   *topology.SecurityRule   // Into as it is after the step
	Gone  []*topology.SecurityRule // the rules that go
	Field string                   // the list that grows, "" where rules are removed
	Why   Why                      // of a removal
	By    []*topology.SecurityRule // the rules that decide in the place of the one removed, where they are few; default rules among them
	// Tags are the service tags whose content in the service tag file the proof
	// rests on: with another file it may be otherwise.
	Tags []string
}

// Why says why a rule can go.
type Why string

// The reasons.
const (
	Shadowed  Why = "shadowed"  // no packet reaches it: rules before it decide
	Redundant Why = "redundant" // the rules after it do the same
)

// Left is a rule that is left as it is.
type Left struct {
	Rule *topology.SecurityRule
	Text string
}

// Group finds the fewest rules that it can prove to mean what the NSG means. An
// error says that the proof of the whole failed, so that there is no plan.
func Group(s *sim.Simulator, g *topology.NetworkSecurityGroup) (*Plan, error) {
	w := &work{s: s, group: g, rules: slices.Clone(g.SecurityRules), places: s.Scopes(g), distinct: distinct(s.Network()), defaults: topology.DefaultSecurityRules(),
		made: map[topology.Direction][]*nsg.Proof{}, last: map[topology.Direction][]*nsg.Proof{}}
	p := &Plan{Group: g, After: g}
	for _, x := range w.places {
		name := ""
		if x.Subnet != nil {
			name = x.VirtualNetwork.Name + "/" + x.Subnet.Name
		}
		p.Places = append(p.Places, name)
	}
	names := map[string]int{}
	for _, r := range g.SecurityRules {
		names[strings.ToLower(r.Name)]++
	}
	w.sourcePorts = slices.ContainsFunc(g.SecurityRules, func(r *topology.SecurityRule) bool {
		return !slices.Equal(r.Source.Ports, []topology.PortRange{topology.AllPorts})
	})
	w.untouched = map[*topology.SecurityRule]bool{}
	for _, r := range g.SecurityRules {
		if names[strings.ToLower(r.Name)] > 1 || !w.plain(r) {
			w.untouched[r] = true
			p.Left = append(p.Left, Left{r, reason(r, names[strings.ToLower(r.Name)] > 1)})
		}
	}
	for again := true; again; {
		again = w.remove()
		again = w.merge() || again
	}
	p.Steps = w.steps
	for _, x := range w.steps {
		if x.Now != nil {
			p.Edits = append(p.Edits, edit.ReplaceRule{Group: g.Ref(), Rule: x.Now})
		}
		for _, r := range x.Gone {
			p.Edits = append(p.Edits, edit.RemoveRule{Group: g.Ref(), Name: r.Name})
		}
	}
	if len(p.Edits) == 0 {
		return p, nil
	}
	with, err := s.With(p.Edits...)
	if err != nil {
		return nil, err
	}
	p.After, _ = topology.LookupID[*topology.NetworkSecurityGroup](with.Network(), g.ID())
	if err := Equal(s, g, with, p.After); err != nil {
		return nil, err
	}
	return p, s.Names().Unread()
}

// Equal compares the exact sets of packets that an NSG allows, denies and
// leaves open in two simulators of one estate, in both families and directions
// and at every place where it applies. An error shows a packet that fares
// differently.
func Equal(s *sim.Simulator, g *topology.NetworkSecurityGroup, with *sim.Simulator, after *topology.NetworkSecurityGroup) error {
	for _, place := range s.Scopes(g) {
		for _, d := range []topology.Direction{topology.Inbound, topology.Outbound} {
			a, b := s.Gate(g, d, place), with.Gate(after, d, place)
			for _, pair := range [][2]*nsg.Gate{{a, b}, {a.AnySourcePort(), b.AnySourcePort()}} {
				for _, v6 := range []bool{false, true} {
					x := nsg.Exact(v6, nil, pair[0], pair[1])
					for _, part := range [][2]flowset.Set{{x[0].Allowed, x[1].Allowed}, {x[0].Denied, x[1].Denied}, {x[0].Open, x[1].Open}} {
						if w, ok := part[0].Without(part[1]).Union(part[1].Without(part[0])).Witness(); ok {
							return fmt.Errorf("%s does not mean the same after its edits: %s from %s:%d to %s:%d %s fares differently", g.Name, w.Protocol, w.Source, w.SourcePort, w.Destination, w.DestinationPort, strings.ToLower(d.String()))
						}
					}
				}
			}
		}
	}
	return nil
}

// distinct reports whether some peering tells rules that name addresses from
// those that name tags.
func distinct(n *topology.Network) bool {
	return slices.ContainsFunc(n.VirtualNetworks, func(v *topology.VirtualNetwork) bool {
		return slices.ContainsFunc(v.Peerings, func(p *topology.Peering) bool { return p.AllowVirtualNetworkAccess == topology.Off })
	})
}

// reason says why nothing is proved about a rule.
func reason(r *topology.SecurityRule, twice bool) string {
	switch {
	case twice:
		return "another rule has its name"
	case len(r.Unresolved) > 0 || r.Source.PortsUnresolved || r.Destination.PortsUnresolved:
		return "it holds an expression that is not resolved"
	case len(r.NotModelled) > 0:
		return "it has properties that are not modelled"
	case r.ProvisioningState != "" && !strings.EqualFold(r.ProvisioningState, "Succeeded"):
		return "its provisioning state is " + r.ProvisioningState
	}
	for _, m := range []*topology.Match{&r.Source, &r.Destination} {
		for i := range m.Prefixes {
			switch a := &m.Prefixes[i]; a.Kind {
			case topology.UnresolvedAddress:
				return "it holds an expression that is not resolved"
			case topology.TagAddress:
				if strings.HasPrefix(strings.ToLower(a.Tag), "azureplatform") {
					return "it names a platform tag"
				}
			}
		}
	}
	return "it shares its priority with another rule"
}

// work is an NSG on its way to fewer rules.
type work struct {
	s           *sim.Simulator
	group       *topology.NetworkSecurityGroup
	rules       []*topology.SecurityRule // as they are now
	places      []*scope.Place
	distinct    bool
	sourcePorts bool // some rule restricts them
	untouched   map[*topology.SecurityRule]bool
	defaults    []*topology.SecurityRule
	steps       []Step

	made map[topology.Direction][]*nsg.Proof // of the rules as they are now
	last map[topology.Direction][]*nsg.Proof // made last, but for private endpoints
}

// proofs are about the rules as they are now, at every place where they
// apply, and as they apply to private endpoints there (PENP).
func (w *work) proofs(d topology.Direction) []*nsg.Proof {
	if x, ok := w.made[d]; ok {
		return x
	}
	was := w.last[d]
	var out []*nsg.Proof
	for i, p := range w.places {
		if was == nil {
			g := nsg.New(w.group, d, p)
			out = append(out, nsg.NewProof(g, w.distinct))
		} else {
			out = append(out, was[i].About(was[i].Gate().Exchange(w.rules, p)))
		}
	}
	n := len(out)
	w.last[d] = out[:n:n]
	if w.sourcePorts && d == topology.Inbound {
		for _, p := range out[:n] {
			out = append(out, nsg.NewProof(p.Gate().AnySourcePort(), w.distinct))
		}
	}
	w.made[d] = out
	return out
}

func (w *work) plain(r *topology.SecurityRule) bool {
	if r.Direction == topology.NoDirection {
		return false
	}
	for _, p := range w.proofs(r.Direction) {
		g := p.Gate()
		if i := g.Index(r); i < 0 || !g.Plain(i) {
			return false
		}
	}
	return true
}

// shown is the weakest ground on which a thing holds at every place.
func (w *work) shown(r *topology.SecurityRule, prove func(*nsg.Proof) nsg.Ground) nsg.Ground {
	ground := nsg.ByNames
	for _, p := range w.proofs(r.Direction) {
		if ground = min(ground, prove(p)); ground == nsg.Unproven {
			break
		}
	}
	return ground
}

// remove takes out every rule that changes nothing, the last first: of two
// that say the same the first stays.
func (w *work) remove() bool {
	order := slices.Clone(w.rules)
	slices.SortStableFunc(order, func(a, b *topology.SecurityRule) int { return b.Priority - a.Priority })
	any := false
	for _, r := range order {
		if w.untouched[r] {
			continue
		}
		ground := w.shown(r, func(p *nsg.Proof) nsg.Ground { return p.Dispensable(p.Gate().Index(r)) })
		if ground == nsg.Unproven {
			continue
		}
		step := Step{Gone: []*topology.SecurityRule{r}, Why: Redundant}
		if w.shown(r, func(p *nsg.Proof) nsg.Ground { return p.Shadowed(p.Gate().Index(r)) }) != nsg.Unproven {
			step.Why = Shadowed
		}
		step.By = w.deciders(r)
		if ground == nsg.ByContent {
			step.Tags = w.tags(append([]*topology.SecurityRule{r}, step.By...))
		}
		w.drop(r)
		w.steps = append(w.steps, step)
		any = true
	}
	return any
}

// few bounds how many rules a step names as those that decide.
const few = 8

// deciders are the rules that decide at some place what the rule would, nil
// where they are many.
func (w *work) deciders(r *topology.SecurityRule) []*topology.SecurityRule {
	var out []*topology.SecurityRule
	for _, p := range w.proofs(r.Direction) {
		list, ok := p.Deciders(p.Gate().Index(r), few)
		if !ok {
			return nil
		}
		for _, x := range list {
			rule := w.rule(p.Gate(), x)
			if !slices.Contains(out, rule) {
				out = append(out, rule)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *topology.SecurityRule) int { return a.Priority - b.Priority })
	if len(out) > few {
		return nil
	}
	return out
}

// rule is the rule of the NSG, or the default rule, that the gate has at i.
func (w *work) rule(g *nsg.Gate, i int) *topology.SecurityRule {
	for _, r := range w.rules {
		if g.Index(r) == i {
			return r
		}
	}
	x := g.Rules[i]
	for _, r := range w.defaults {
		if r.Direction == g.Direction && r.Priority == x.Priority {
			return r
		}
	}
	return nil
}

// tags are the service tags of the service tag file that the rules name.
func (w *work) tags(rules []*topology.SecurityRule) []string {
	var out []string
	for _, r := range rules {
		for _, m := range []*topology.Match{&r.Source, &r.Destination} {
			for i := range m.Prefixes {
				if a := &m.Prefixes[i]; a.Kind == topology.TagAddress && w.s.Names().Tag(a.Tag).Catalogued() && !slices.Contains(out, a.Tag) {
					out = append(out, a.Tag)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

func (w *work) drop(r *topology.SecurityRule) {
	w.rules = slices.DeleteFunc(slices.Clone(w.rules), func(x *topology.SecurityRule) bool { return x == r })
	delete(w.made, r.Direction)
}
