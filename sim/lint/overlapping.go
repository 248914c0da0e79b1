package lint

import (
	"fmt"

	"github.com/netpath/netpath/topology"
)

// overlapping finds rules that cross an earlier one that does the other thing.
func overlapping() *Rule {
	return &Rule{
		ID: "NP1005", Name: "order-dependent-overlap", Severity: Note,
		Short: "The rule and one before it do different things with traffic that both match, and neither is an exception to the other",
		Why:   `Two rules cross: each matches traffic that the other does not, and what both match is allowed by one and denied by the other. Only the priority decides that part. An exception inside a broader rule is the usual way to write an NSG, and is not reported; a crossing is easily an accident, and renumbering the rules changes what passes.`,
		Fix:   "Check that the part both match is decided as meant; narrow one of the rules so that they no longer cross.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app}
networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: deny-guests, priority: 100, direction: Inbound, access: Deny, protocol: "*", sourceAddressPrefix: 10.0.9.0/24, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "*"}
      - {name: allow-web, priority: 200, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: 10.0.0.0/16, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "443"}
`,
		checkGroup: func(g *Group, report func(Finding)) {
			for i := range g.NSG.SecurityRules {
				if s := g.standing(i); s.effectless {
					continue
				}
				crossed, witness := g.crossed(i)
				if len(crossed) == 0 {
					continue
				}
				f := g.about(i)
				f.Text = fmt.Sprintf("%s crosses %s, which %s what both match (%s): their order decides", g.label(i), g.labels(crossed), noun(len(crossed), "", "each ")+g.verb(crossed[0]), witness)
				f.Fix = fmt.Sprintf("check that the part both match is decided as meant, and narrow %s or %s", f.Name, topology.BareRuleName(g.NSG.SecurityRules[crossed[0]].Name))
				f.Related = g.related(crossed...)
				report(f)
			}
		},
	}
}

// crossed are the first few rules before the one at i that do the other thing
// with a part of what both match, where each matches more; and a packet that
// the first of them decides.
func (g *Group) crossed(i int) (list []int, witness string) {
	seen := map[int]bool{}
	for _, x := range g.lists() {
		k := x.rules[i]
		if k < 0 || x.reading.Shared[k] || x.reading.Loose[k] {
			continue
		}
		for _, t := range x.touching(k) {
			other := x.of[t]
			if t > k || other < 0 || seen[other] || len(list) == fewRules || !g.otherwise(i, other) || x.reading.Shared[t] {
				continue
			}
			if x.order.Within(k, t) || x.order.Within(t, k) {
				continue
			}
			if p, ok := x.order.Meets(t, k); ok {
				seen[other] = true
				list = append(list, other)
				if witness == "" {
					witness = packetText(p)
				}
			}
		}
	}
	return g.byPriority(list), witness
}
