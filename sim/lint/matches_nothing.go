package lint

// matchesNothing finds rules that match no packet at all.
func matchesNothing() *Rule {
	return &Rule{
		ID: "NP1007", Name: "matches-nothing", Severity: Warning,
		Short: "The rule matches no packet, wherever the NSG is attached",
		Why:   `A rule matches where its source, its destination, its ports and its protocol all do. If one side has no address at all (an application security group without members, a tag that holds nothing), or source and destination are of different address families, no packet is left. Whatever the rule was meant to allow or to stop, it does not.`,
		Fix:   "Correct the side that is empty, or delete the rule.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app}
networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: deny-web, priority: 100, direction: Inbound, access: Deny, protocol: Udp, sourceAddressPrefix: AzurePlatformIMDS, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "443"}
`,
		checkGroup: func(g *Group, report func(Finding)) {
			for i := range g.NSG.SecurityRules {
				if s := g.standing(i); !s.nothing {
					continue
				}
				f := g.about(i)
				f.Text = g.label(i) + " matches no packet: no address of its source can send to one of its destination"
				f.Proof = g.proof(i)
				f.Assumptions = g.grounds(i, nil, func(s *standing) bool { return s.nothing })
				report(f)
			}
		},
	}
}
