package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// mergeable finds rules that could be one.
func mergeable() *Rule {
	return &Rule{
		ID: "NP1004", Name: "mergeable-rules", Severity: Note,
		Short: "Rules that differ in one list only could be one rule",
		Why:   `The rules do the same thing and differ in one list only: their ports, or the addresses of one side. A rule holds lists of ports and of addresses, so one rule with both lists does what they do. That nothing changes is proved: what stands between them does the same or matches nothing of what moves. Fewer rules are easier to read, and an NSG holds at most 1,000.`,
		Fix:   "Put the lists into the first of the rules and delete the others.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app}
networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: allow-http, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: Internet, sourcePortRange: "*", destinationAddressPrefix: 10.0.1.0/24, destinationPortRange: "80"}
      - {name: allow-https, priority: 110, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: Internet, sourcePortRange: "*", destinationAddressPrefix: 10.0.1.0/24, destinationPortRange: "443"}
`,
		checkGroup: func(g *Group, report func(Finding)) {
			for _, m := range g.merges() {
				first := m.rules[0]
				f := g.about(first)
				f.Text = fmt.Sprintf("%s could be one rule: they differ in their %s only, together %s", g.labels(m.rules), m.list, m.text)
				var gone []string
				for _, i := range m.rules[1:] {
					gone = append(gone, topology.BareRuleName(g.NSG.SecurityRules[i].Name))
				}
				f.Fix = fmt.Sprintf("give %s the %s %s and delete %s", f.Name, m.list, m.text, listed(gone))
				f.Related = g.related(m.rules[1:]...)
				report(f)
			}
		},
	}
}

// merge are rules of an NSG that can be one: that of the first with one list
// changed.
type merge struct {
	rules []int // by priority
	list  string
	text  string // its new content
	one   *topology.SecurityRule
}

// part is one list of a rule that may be merged.
type part struct {
	name string
	of   func(*topology.SecurityRule) string                                            // the list, for comparing
	join func(one *topology.SecurityRule, with []*topology.SecurityRule) (string, bool) // false: Azure does not take that
}

func parts() []part {
	source := func(r *topology.SecurityRule) *topology.Match { return &r.Source }
	destination := func(r *topology.SecurityRule) *topology.Match { return &r.Destination }
	return []part{
		{"destination ports", portsOf(destination), joinPorts(destination)},
		{"destination addresses", addressesOf(destination), joinAddresses(destination)},
		{"source addresses", addressesOf(source), joinAddresses(source)},
		{"source ports", portsOf(source), joinPorts(source)},
	}
}

// merges are the rules that can be one, each rule in one of them at most.
func (g *Group) merges() []merge {
	var out []merge
	used := map[int]bool{}
	all := parts()
	for p := range all {
		alike := map[string][]int{}
		var order []string
		for _, i := range g.byPriority(g.plain()) {
			if used[i] {
				continue
			}
			r := g.NSG.SecurityRules[i]
			key := fmt.Sprint(r.Direction, r.Access, r.Protocol)
			for q := range all {
				if q != p {
					key += "\x00" + all[q].of(r)
				}
			}
			if alike[key] == nil {
				order = append(order, key)
			}
			alike[key] = append(alike[key], i)
		}
		for _, key := range order {
			left := alike[key]
			for len(left) > 1 {
				m := merge{rules: []int{left[0]}, list: all[p].name}
				var rest []int
				for _, i := range left[1:] {
					if g.movable(i, left[0]) {
						with := g.rules(append(slices.Clone(m.rules[1:]), i))
						one := *g.NSG.SecurityRules[left[0]]
						if text, ok := all[p].join(&one, with); ok {
							m.rules, m.text, m.one = append(m.rules, i), text, &one
							continue
						}
					}
					rest = append(rest, i)
				}
				if len(m.rules) > 1 {
					out = append(out, m)
					for _, i := range m.rules {
						used[i] = true
					}
				}
				left = rest
			}
		}
	}
	return out
}

func (g *Group) rules(list []int) []*topology.SecurityRule {
	out := make([]*topology.SecurityRule, len(list))
	for k, i := range list {
		out[k] = g.NSG.SecurityRules[i]
	}
	return out
}

// plain are the rules of which everything is known, and that have an effect.
func (g *Group) plain() []int {
	var out []int
	for i, r := range g.NSG.SecurityRules {
		written := func(m *topology.Match) bool {
			return !m.PortsUnresolved && !m.HasExpanded && !slices.ContainsFunc(m.Prefixes, func(a topology.AddressPrefix) bool { return a.Kind == topology.UnresolvedAddress })
		}
		full := func(m *topology.Match) bool { return slices.Contains(m.Ports, topology.AllPorts) }
		if r.Protocol != topology.AnyProtocol && !r.Protocol.HasPorts() && !(full(&r.Source) && full(&r.Destination)) {
			continue // how its ports are taken is not documented (spec 2.4)
		}
		if len(r.Unresolved) > 0 || !written(&r.Source) || !written(&r.Destination) || len(flow.ElementFacts(&r.Element)) > 0 {
			continue
		}
		known := !slices.ContainsFunc(g.lists(), func(x *scoped) bool {
			k := x.rules[i]
			return k >= 0 && (x.reading.Shared[k] || x.reading.Loose[k])
		})
		if known && !g.standing(i).effectless {
			out = append(out, i)
		}
	}
	return out
}

// movable reports whether the rule at i can stand beside the one before it at
// to: what stands between does the same or matches nothing that it matches.
func (g *Group) movable(i, to int) bool {
	for _, x := range g.lists() {
		k, first := x.rules[i], x.rules[to]
		if k < 0 {
			continue
		}
		for between := first + 1; between < k; between++ {
			if x.reading.Gate.Rules[between].Access == x.reading.Gate.Rules[k].Access {
				continue
			}
			if slices.Contains(x.touching(k), between) {
				return false
			}
		}
	}
	return true
}

func (x *scoped) touching(k int) []int {
	if x.touch == nil {
		x.touch = map[int][]int{}
	}
	list, ok := x.touch[k]
	if !ok {
		list = x.order.Touch(k)
		x.touch[k] = list
	}
	return list
}

func portsOf(side func(*topology.SecurityRule) *topology.Match) func(*topology.SecurityRule) string {
	return func(r *topology.SecurityRule) string { return fmt.Sprint(topology.JoinPorts(side(r).Ports)) }
}

func joinPorts(side func(*topology.SecurityRule) *topology.Match) func(*topology.SecurityRule, []*topology.SecurityRule) (string, bool) {
	return func(one *topology.SecurityRule, with []*topology.SecurityRule) (string, bool) {
		list := side(one).Ports
		for _, r := range with {
			list = slices.Concat(list, side(r).Ports)
		}
		list = topology.JoinPorts(list)
		if len(list) == 1 && list[0] == topology.AllPorts && !one.Protocol.HasPorts() {
			return "", false // such a rule would match ICMP too
		}
		side(one).Ports = list
		texts := make([]string, len(list))
		for i, r := range list {
			texts[i] = r.String()
		}
		return strings.Join(texts, ", "), true
	}
}

func addressesOf(side func(*topology.SecurityRule) *topology.Match) func(*topology.SecurityRule) string {
	return func(r *topology.SecurityRule) string { return sideKey(side(r)) }
}

// maxGroups is how many application security groups a side may name (LIM).
const maxGroups = 10

// joinAddresses puts the addresses of all into one. Azure takes lists of
// prefixes of one family that do not overlap, or of application security
// groups; neither a tag nor everything stands in a list (spec 2.7).
func joinAddresses(side func(*topology.SecurityRule) *topology.Match) func(*topology.SecurityRule, []*topology.SecurityRule) (string, bool) {
	return func(one *topology.SecurityRule, with []*topology.SecurityRule) (string, bool) {
		var b netipx.IPSetBuilder
		var groups []topology.Ref
		four, six := false, false
		for _, r := range append([]*topology.SecurityRule{one}, with...) {
			for _, a := range side(r).Prefixes {
				if a.Kind != topology.PrefixAddress {
					return "", false
				}
				b.AddPrefix(a.Prefix)
				four, six = four || a.Prefix.Addr().Is4(), six || a.Prefix.Addr().Is6()
			}
			for _, a := range side(r).ASGs {
				if !slices.ContainsFunc(groups, func(x topology.Ref) bool { return x.ID() == a.ID() }) {
					groups = append(groups, a)
				}
			}
		}
		if four && six || (four || six) && len(groups) > 0 || len(groups) > maxGroups {
			return "", false
		}
		set, err := b.IPSet()
		if err != nil {
			return "", false
		}
		var texts []string
		m := topology.Match{Ports: side(one).Ports, ASGs: groups}
		for _, p := range set.Prefixes() {
			m.Prefixes = append(m.Prefixes, topology.AddressPrefix{Kind: topology.PrefixAddress, Prefix: p, Text: p.String()})
			texts = append(texts, shortPrefix(p))
		}
		for _, a := range groups {
			texts = append(texts, a.ID().Name())
		}
		*side(one) = m
		return strings.Join(texts, ", "), true
	}
}

func shortPrefix(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
