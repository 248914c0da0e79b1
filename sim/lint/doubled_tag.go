package lint

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

func doubledTag() *Rule {
	return &Rule{
		ID: "NP1104", Name: "tag-holds-prefix", Severity: Warning,
		Short: "Addresses are listed that a service tag beside them holds already",
		Why:   `The tag decides for these addresses anyway. The list adds nothing today, and when the service moves on, its old addresses stay behind in it (TAG). In one rule Azure takes no tag beside addresses; security admin rules, firewall rules and route tables do, and two rules of an NSG that differ in nothing else come to the same.`,
		Fix:   "Remove the addresses; of a route first check that its next hop is meant for the tag.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24}
networkManagerAdminRules:
  - {name: allow-storage, virtualNetworks: [v1], priority: 10, direction: Outbound, access: Allow, protocol: Tcp, sources: ["*"], destinations: [Storage.WestEurope, 20.60.26.0/24], sourcePortRanges: ["*"], destinationPortRanges: ["443"]}
`,
		ExampleTags: exampleTags,
		check:       checkDoubledTag,
	}
}

func checkDoubledTag(run *Run, report func(Finding)) {
	if run.tagged() == nil {
		return
	}
	list := func(owner *topology.Element, part, what string, origin topology.Origin, list []topology.AddressPrefix) {
		tags := run.tagsOf(list)
		for _, t := range tags {
			if held := heldBy(run.tagged(), t, blocks(list)); len(held) > 0 {
				report(Finding{Subject: owner.ID(), Name: part, Detail: t.Name, Origin: origin,
					Text: what + " lists " + few(held) + " beside the service tag " + t.Name + ", which holds it already",
					Fix:  "Remove " + few(held) + "."})
			}
		}
	}
	for _, r := range run.Network.AdminRules {
		list(&r.Element, "", "admin rule "+quoted(r.Name), r.Origin, r.Source.Prefixes)
		list(&r.Element, "", "admin rule "+quoted(r.Name), r.Origin, r.Destination.Prefixes)
	}
	firewall := func(e *topology.Element, collections []*topology.RuleCollection) {
		for _, c := range collections {
			for _, r := range c.Rules {
				list(e, c.Name+"/"+r.Name, "firewall rule "+quoted(r.Name), r.Origin, r.Sources)
				list(e, c.Name+"/"+r.Name, "firewall rule "+quoted(r.Name), r.Origin, r.Destinations)
			}
		}
	}
	for _, f := range run.Network.AzureFirewalls {
		firewall(&f.Element, f.Collections)
	}
	for _, p := range run.Network.FirewallPolicies {
		firewall(&p.Element, p.Collections)
	}
	for _, g := range run.Network.NetworkSecurityGroups {
		run.doubledRules(g, func(r, with *topology.SecurityRule, t *topology.ServiceTag, held []netip.Prefix) {
			f := Finding{Subject: g.ID(), Name: r.Name, Origin: r.Origin,
				Text:    ruleName(r) + " lists " + few(held) + " of the service tag " + t.Name + ", which " + ruleName(with) + " names for the same traffic",
				Related: []Related{{Text: ruleName(with), Origin: with.Origin}}}
			if len(held) == len(remote(r).Prefixes) {
				f.Fix = azRule("Remove the rule, unless one between the two decides otherwise", g, r, "delete")
			} else {
				f.Fix = "Remove these addresses from the rule, unless one between the two decides otherwise."
			}
			report(f)
		})
	}
	for _, t := range run.Network.RouteTables {
		run.doubledRoutes(t, report)
	}
}

// tagsOf are the tags of the service tag file that a list names.
func (run *Run) tagsOf(list []topology.AddressPrefix) []*topology.ServiceTag {
	var out []*topology.ServiceTag
	for i := range list {
		if list[i].Kind != topology.TagAddress || isBuiltIn(list[i].Tag) {
			continue
		}
		if t, ok := run.Sim.Names().Index().Tag(list[i].Tag); ok && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// heldBy are the blocks that lie within the tag.
func heldBy(tags *tagged, t *topology.ServiceTag, list []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range list {
		if within(scope.SetOf(p), tags.set(t)) {
			out = append(out, p)
		}
	}
	return out
}

// doubledRules finds the rules of an NSG that list blocks of a tag which a rule
// names that is otherwise the same.
func (run *Run) doubledRules(g *topology.NetworkSecurityGroup, yield func(r, with *topology.SecurityRule, t *topology.ServiceTag, held []netip.Prefix)) {
	byKey := map[string][]*topology.SecurityRule{} // those that name a tag
	for _, r := range g.SecurityRules {
		if len(r.Unresolved) == 0 && len(run.tagsOf(remote(r).Prefixes)) > 0 {
			key := alikeKey(r)
			byKey[key] = append(byKey[key], r)
		}
	}
	if len(byKey) == 0 {
		return
	}
	for _, r := range g.SecurityRules {
		list := blocks(remote(r).Prefixes)
		if len(list) == 0 || len(r.Unresolved) > 0 {
			continue
		}
		for _, with := range byKey[alikeKey(r)] {
			t := run.tagsOf(remote(with).Prefixes)[0]
			if held := heldBy(run.tagged(), t, list); len(held) > 0 {
				yield(r, with, t, held)
				break
			}
		}
	}
}

// doubledRoutes finds routes to blocks of a tag that a route of the table has
// the same next hop for.
func (run *Run) doubledRoutes(t *topology.RouteTable, report func(Finding)) {
	for _, wide := range t.Routes {
		tags := run.tagsOf([]topology.AddressPrefix{wide.Destination})
		if len(tags) == 0 || wide.Unresolved {
			continue
		}
		for _, r := range t.Routes {
			same := r != wide && !r.Unresolved && r.NextHop == wide.NextHop && r.NextHopIP == wide.NextHopIP
			if !same || len(heldBy(run.tagged(), tags[0], blocks([]topology.AddressPrefix{r.Destination}))) == 0 {
				continue
			}
			report(Finding{Subject: t.ID(), Name: r.Name, Origin: r.Origin,
				Text:    "route " + quoted(r.Name) + " to " + strings.TrimSpace(r.Destination.Text) + " has the next hop of route " + quoted(wide.Name) + " to the service tag " + tags[0].Name + ", which holds it already",
				Related: []Related{{Text: "route " + quoted(wide.Name), Origin: wide.Origin}},
				Fix:     azRoute("Remove the route", t, r, "delete")})
		}
	}
}
