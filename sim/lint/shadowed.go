package lint

import (
	"fmt"
	"slices"
)

// shadowed finds rules that one rule before them keeps from ever deciding.
func shadowed() *Rule {
	return &Rule{
		ID: "NP1001", Name: "shadowed-rule", Severity: Warning,
		Short: "One rule before it matches everything that the rule matches, so it never decides",
		Why: `NSG rules are tried by priority, and the first that matches decides. A rule whose whole traffic an earlier rule already matches is never reached. Where the earlier rule does the other thing, what the author of the later one wanted does not happen: traffic that was to pass is dropped, or a block that was to hold is open. Where both do the same, the rule is clutter that hides what counts.

The finding holds at every subnet and interface that the NSG is attached to, in IPv4 and IPv6: tags are read as they are there.`,
		Fix: "Delete the rule, or, if it is meant to be the exception, give it a lower priority number than the rule that shadows it.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app}
networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: deny-db, priority: 200, direction: Outbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: 10.0.2.0/24, destinationPortRange: "*"}
      - {name: allow-sql, priority: 300, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: 10.0.1.0/24, sourcePortRange: "*", destinationAddressPrefix: 10.0.2.4/32, destinationPortRange: "1433"}
`,
		checkGroup: func(g *Group, report func(Finding)) {
			told := slices.ContainsFunc(g.Run.rules, func(r *Rule) bool { return r.ID == allowAfterDenyID })
			for i := range g.NSG.SecurityRules {
				s := g.standing(i)
				if s.nothing || len(s.by) == 0 {
					continue
				}
				if _, blanket := g.blanketDeny(i, s); blanket && told {
					continue
				}
				by := s.by[0]
				f := g.about(i)
				switch {
				case g.platform(i):
					f.Text = g.label(i) + " never decides: all its traffic is platform traffic, which such a rule does not filter"
					f.Fix = "delete " + f.Name + ", or name the platform's tag (AzurePlatformDNS, AzurePlatformIMDS, AzurePlatformLKM) to filter it"
					f.Proof = g.proof(i)
					f.Assumptions = g.grounds(i, nil, func(s *standing) bool { return s.shadowed })
					report(f)
					continue
				case g.otherwise(i, by):
					f.Text = fmt.Sprintf("%s never decides: %s before it matches all its traffic and %s it", g.label(i), g.label(by), g.verb(by))
					f.Fix = fmt.Sprintf("delete %s, or move it before priority %d if it is meant as an exception", f.Name, g.NSG.SecurityRules[by].Priority)
				default:
					f.Text = fmt.Sprintf("%s never decides: %s before it matches all its traffic and does the same", g.label(i), g.label(by))
					f.Fix = "delete " + f.Name
				}
				f.Related, f.Proof = g.related(by), g.proof(i)
				f.Assumptions = g.grounds(i, []int{by}, func(s *standing) bool { return s.shadowed })
				report(f)
			}
		},
	}
}

// platform reports whether no rule of the NSG is needed to keep the rule at i
// from deciding: all that it matches is platform traffic.
func (g *Group) platform(i int) bool {
	for _, x := range g.lists() {
		k := x.rules[i]
		if k < 0 || x.order.Empty(k) {
			continue
		}
		if _, hole := x.order.Hole(k, func(int) bool { return false }); hole {
			return false
		}
	}
	return true
}
