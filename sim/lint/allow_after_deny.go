package lint

import (
	"fmt"
	"net/netip"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// allowAfterDenyID is the rule that tells of rules behind a blanket deny;
// shadowed-rule does where it is left out.
const allowAfterDenyID = "NP1006"

// allowAfterDeny finds rules that allow, and stand behind the rule that denies
// the Internet or everything.
func allowAfterDeny() *Rule {
	return &Rule{
		ID: allowAfterDenyID, Name: "allow-after-deny", Severity: Error,
		Short: "A rule that allows comes after the one that denies the Internet or everything, so it never takes effect",
		Why:   `A locked-down NSG denies the Internet, or everything, and allows what is needed before that. An allowing rule with a higher priority number than the blanket deny never takes effect: the deny matches first. It looks right in the portal, and the traffic is dropped. Backup articles warn of exactly this with service tags: Storage, Sql, AzureBackup and AzureActiveDirectory are part of the tag Internet, and so is every public address of Azure.`,
		Fix:   "Give the allowing rule a lower priority number than the blanket deny.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app}
networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: deny-internet, priority: 4000, direction: Outbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: Internet, destinationPortRange: "*"}
      - {name: allow-storage, priority: 4001, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: Storage.WestEurope, destinationPortRange: "443"}
`,
		checkGroup: func(g *Group, report func(Finding)) {
			for i := range g.NSG.SecurityRules {
				s := g.standing(i)
				deny, ok := g.blanketDeny(i, s)
				if !ok {
					continue
				}
				f := g.about(i)
				f.Text = fmt.Sprintf("%s never takes effect: %s before it denies %s", g.label(i), g.label(deny), what(g.NSG.SecurityRules[deny]))
				before := g.NSG.SecurityRules[deny].Priority
				f.Fix = fmt.Sprintf("move %s before priority %d", f.Name, before)
				if p, free := g.freePriority(i, before); free {
					f.Fix += fmt.Sprintf(", to %d for instance", p)
				}
				f.Related, f.Proof = g.related(deny), g.proof(i)
				f.Assumptions = g.grounds(i, []int{deny}, func(s *standing) bool { return s.shadowed })
				report(f)
			}
		},
	}
}

// blanketDeny is the rule that denies the Internet or everything and shadows
// the rule at i, which allows.
func (g *Group) blanketDeny(i int, s *standing) (deny int, ok bool) {
	if g.NSG.SecurityRules[i].Access != topology.Allow || s.nothing {
		return 0, false
	}
	for _, k := range s.by {
		if blanket(g.NSG.SecurityRules[k]) {
			return k, true
		}
	}
	return 0, false
}

// blanket reports whether the rule denies, on all ports, the Internet or
// everything on the far side; prefixes that together are all of it count
// (0.0.0.0/0, 0.0.0.0/1 with 128.0.0.0/1).
func blanket(r *topology.SecurityRule) bool {
	full := func(m *topology.Match) bool { return len(m.Ports) == 1 && m.Ports[0] == topology.AllPorts }
	if r.Access != topology.Deny || !full(&r.Source) || !full(&r.Destination) {
		return false
	}
	return everywhere(far(r)) || isTag(far(r), "Internet")
}

// far is the side of a rule that is not the NSG's own.
func far(r *topology.SecurityRule) *topology.Match {
	if r.Direction == topology.Inbound {
		return &r.Source
	}
	return &r.Destination
}

func isTag(m *topology.Match, name string) bool {
	return len(m.Prefixes) == 1 && m.Prefixes[0].Kind == topology.TagAddress && scope.Implies(m.Prefixes[0].Tag, name)
}

// everywhere reports whether the side names every address of a family.
func everywhere(m *topology.Match) bool {
	var b netipx.IPSetBuilder
	for _, a := range m.Prefixes {
		switch a.Kind {
		case topology.AnyAddress:
			return true
		case topology.PrefixAddress:
			b.AddPrefix(a.Prefix)
		}
	}
	set, err := b.IPSet()
	return err == nil && (set.ContainsPrefix(netip.PrefixFrom(netip.IPv4Unspecified(), 0)) || set.ContainsPrefix(netip.PrefixFrom(netip.IPv6Unspecified(), 0)))
}

// what is what a blanket deny denies, in words.
func what(r *topology.SecurityRule) string {
	if isTag(far(r), "Internet") {
		return "the Internet, of which all of it is part"
	}
	return "everything"
}
