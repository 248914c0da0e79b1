package lint

import "fmt"

// redundant finds rules that decide, but as the rules after them would.
func redundant() *Rule {
	return &Rule{
		ID: "NP1003", Name: "redundant-rule", Severity: Note,
		Short: "Without the rule the rules after it do the same with all its traffic",
		Why: `The rule is reached, but deleting it changes nothing: whatever it decides, a later rule decides in the same way. Often the later one is broader (or a default rule), and the narrow one is left over from before. It costs a priority and reading time, and it suggests that the traffic needs it.

A rule that is kept on purpose, as a statement of intent or against a change of the later one, can be left as it is.`,
		Fix: "Delete the rule, or keep it deliberately and suppress the finding.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app}
networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: allow-web-one, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: 203.0.113.7/32, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "443"}
      - {name: allow-web, priority: 200, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: Internet, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "443"}
`,
		checkGroup: func(g *Group, report func(Finding)) {
			for i := range g.NSG.SecurityRules {
				s := g.standing(i)
				if s.nothing || s.shadowed || !s.effectless {
					continue
				}
				rules, defaults := g.successors(i)
				f := g.about(i)
				by := "rules after it do"
				switch {
				case len(rules) == 0:
					by = "the default " + noun(len(defaults), "rule "+listed(defaults)+" does", "rules "+listed(defaults)+" do")
				case len(rules) <= fewRules && len(defaults) == 0:
					by = g.labels(rules) + noun(len(rules), " does", " do")
				case len(rules) <= fewRules:
					by = g.labels(rules) + " and default rules do"
				}
				f.Text = fmt.Sprintf("%s has no effect: without it %s the same", g.label(i), by)
				f.Fix = "delete " + f.Name + ", or keep it on purpose"
				f.Related, f.Proof = g.related(rules[:min(fewRules, len(rules))]...), g.proof(i)
				f.Assumptions = g.grounds(i, rules, func(s *standing) bool { return s.effectless })
				report(f)
			}
		},
	}
}

// fewRules is how many rules a sentence names.
const fewRules = 3

// successors are the rules that decide what the rule at i does where it is
// gone, and the names of default rules that do.
func (g *Group) successors(i int) (rules []int, defaults []string) {
	seen := map[string]bool{}
	in := map[int]bool{}
	for _, x := range g.lists() {
		k := x.rules[i]
		if k < 0 {
			continue
		}
		for _, t := range x.touching(k) {
			if t < k || x.of[t] >= 0 && in[x.of[t]] || len(rules) > fewRules {
				continue
			}
			if _, ok := x.order.Decides(k, t); !ok {
				continue
			}
			if r := x.of[t]; r >= 0 {
				in[r] = true
				rules = append(rules, r)
			} else if name := x.reading.Gate.Rules[t].Name; !seen[name] {
				seen[name] = true
				defaults = append(defaults, name)
			}
		}
	}
	return g.byPriority(rules), defaults
}
