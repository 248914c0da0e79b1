package lint

import (
	"fmt"
	"slices"
)

// shadowedTogether finds rules that several rules before them together keep
// from ever deciding.
func shadowedTogether() *Rule {
	return &Rule{
		ID: "NP1002", Name: "shadowed-by-several", Severity: Warning,
		Short: "Rules before it together match everything that the rule matches, so it never decides",
		Why: `No single earlier rule covers the rule, so comparing rules in pairs does not show it: the earlier ones cover it together, each a part of its addresses, ports or protocols. It is never reached. Where one of them does the other thing, part of what the rule was written for does not happen.

The rules named are a smallest set that covers it: without any one of them the rule would decide something.`,
		Fix: "Delete the rule, or give it a lower priority number than the rules that do the other thing.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app}
networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: allow-low, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: 10.0.0.0/24, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "0-1023"}
      - {name: deny-high, priority: 200, direction: Inbound, access: Deny, protocol: Tcp, sourceAddressPrefix: 10.0.0.0/24, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "1024-65535"}
      - {name: allow-admin, priority: 300, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: 10.0.0.5/32, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "*"}
`,
		checkGroup: func(g *Group, report func(Finding)) {
			for i := range g.NSG.SecurityRules {
				s := g.standing(i)
				if s.nothing || !s.shadowed || len(s.by) > 0 {
					continue
				}
				cover, smallest := g.cover(i)
				f := g.about(i)
				f.Text = fmt.Sprintf("%s never decides: %s before it together match all its traffic", g.label(i), g.labels(cover))
				if len(cover) == 0 {
					f.Text = g.label(i) + " never decides: all its traffic is platform traffic, which such a rule does not filter"
				}
				if !smallest {
					f.Text += "; none of them can be left out, though fewer others might do"
				}
				var other []int
				for _, k := range cover {
					if g.otherwise(i, k) {
						other = append(other, k)
					}
				}
				f.Fix = "delete " + f.Name
				if len(other) > 0 {
					f.Text += fmt.Sprintf("; of these %s %s", g.labels(other), noun(len(other), "does the other thing", "do the other thing"))
					f.Fix += fmt.Sprintf(", or move it before priority %d if it is meant as an exception", g.NSG.SecurityRules[other[0]].Priority)
				}
				f.Related, f.Proof = g.related(cover...), g.proof(i)
				f.Assumptions = g.grounds(i, cover, func(s *standing) bool { return s.shadowed })
				report(f)
			}
		},
	}
}

// tries bounds the search for a smallest set of covering rules.
const tries = 3000

// cover is a set of rules that together shadow the rule at i, by priority. It
// is a smallest one, or, where the search takes too long, one of which none can
// be left out.
func (g *Group) cover(i int) (list []int, smallest bool) {
	left := tries
	// uncovered are the rules that match a packet that the chosen ones do not.
	uncovered := func(chosen []int) (rules []int, found bool) {
		for _, x := range g.lists() {
			k := x.rules[i]
			if k < 0 || x.order.Empty(k) {
				continue
			}
			left--
			owners, hole := x.order.Hole(k, func(o int) bool { return x.of[o] >= 0 && slices.Contains(chosen, x.of[o]) })
			if !hole {
				continue
			}
			for _, o := range owners {
				if x.of[o] >= 0 {
					rules = append(rules, x.of[o])
				}
			}
			return rules, true
		}
		return nil, false
	}
	var search func(chosen []int, more int) ([]int, bool)
	search = func(chosen []int, more int) ([]int, bool) {
		rules, found := uncovered(chosen)
		if !found {
			return chosen, true
		}
		if more == 0 || left <= 0 {
			return nil, false
		}
		for _, r := range rules {
			if all, ok := search(append(slices.Clone(chosen), r), more-1); ok {
				return all, true
			}
		}
		return nil, false
	}
	for n := 0; n <= len(g.NSG.SecurityRules) && left > 0; n++ {
		if all, ok := search(nil, n); ok {
			return g.byPriority(all), true
		}
	}
	// Too many: what covers, less what it can do without.
	var all []int
	for {
		rules, found := uncovered(all)
		if !found || len(rules) == 0 {
			break
		}
		all = append(all, rules[0])
	}
	for k := 0; k < len(all); {
		fewer := slices.Delete(slices.Clone(all), k, k+1)
		if _, found := uncovered(fewer); found {
			k++
		} else {
			all = fewer
		}
	}
	return g.byPriority(all), false
}

func (g *Group) byPriority(list []int) []int {
	slices.SortFunc(list, func(a, b int) int { return g.NSG.SecurityRules[a].Priority - g.NSG.SecurityRules[b].Priority })
	return list
}
