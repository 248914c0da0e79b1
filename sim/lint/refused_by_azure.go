package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

func refusedByAzure() *Rule {
	return &Rule{
		ID: "NP1110", Name: "refused-by-azure", Severity: Error,
		Short: "Azure refuses this on deployment, although it can be read",
		Why: `Resource Manager takes no two rules of one NSG with the same priority and direction (SecurityRuleConflict), no two routes of one table with the same prefix (RouteConflict), no two children of one name, no prefix with host bits set (SecurityRuleInvalidAddressPrefix), no names outside its pattern, and no more than its limits: 1,000 rules in an NSG, 4,000 addresses or ranges for the sources of its rules and as many for the destinations, 10 application security groups on a side of a rule and 100 in an NSG, 400 routes in a table and 25 with a service tag (NSG, LIM, UDR).

The members of an application security group must be in one virtual network, and the source and destination groups of a rule in the same one (ASG).

Host bits and names in an export of what is deployed are a warning: older versions of the API took them, and the next deployment fails.`,
		Fix: "Change it before deploying.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app}
networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: allow-web, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: Internet, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "443"}
      - {name: deny-other, priority: 100, direction: Inbound, access: Deny, protocol: Udp, sourceAddressPrefix: Internet, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "53"}
`,
		check: checkRefusedByAzure,
	}
}

// Limits of Azure (LIM, UDR) that package edit does not know.
const (
	maxGroupsPerSide = 10
	maxGroupsPerNSG  = 100
	maxRoutes        = 400
	maxTagRoutes     = 25
	maxName          = 80
)

func checkRefusedByAzure(run *Run, report func(Finding)) {
	homes := run.groupHomes()
	for _, g := range run.Network.NetworkSecurityGroups {
		refusedRules(g, report)
		refusedLimits(g, report)
		refusedGroups(g, homes, report)
	}
	for _, a := range run.Network.ApplicationSecurityGroups {
		if list := homes[a.ID()]; len(list) > 1 {
			report(Finding{Subject: a.ID(), Origin: a.Origin,
				Text: "the members of application security group " + a.Name + " are in " + oneOrMore("virtual network", namesOf(list)),
				Fix:  "Make a group for each virtual network."})
		}
	}
	for _, t := range run.Network.RouteTables {
		refusedRoutes(t, report)
	}
}

// groupHomes are the virtual networks in which application security groups
// have members, by group.
func (run *Run) groupHomes() map[topology.ID][]topology.ID {
	homes := map[topology.ID][]topology.ID{}
	add := func(groups []topology.Ref, subnet topology.Ref) {
		if subnet.IsZero() {
			return
		}
		for _, r := range groups {
			if home := subnet.ID().Parent(); !slices.Contains(homes[r.ID()], home) {
				homes[r.ID()] = append(homes[r.ID()], home)
			}
		}
	}
	for _, nic := range run.Network.NetworkInterfaces {
		for _, c := range nic.IPConfigurations {
			add(c.ASGs, c.Subnet)
		}
	}
	for _, pe := range run.Network.PrivateEndpoints {
		add(pe.ASGs, pe.Subnet)
	}
	return homes
}

func namesOf(list []topology.ID) []string {
	var out []string
	for _, id := range list {
		out = append(out, id.Name())
	}
	return out
}

// deployed is the severity of what older versions of the API took.
func deployed(e *topology.Element) Severity {
	if e.Design {
		return Error
	}
	return Warning
}

func refusedRules(g *topology.NetworkSecurityGroup, report func(Finding)) {
	type slot struct {
		direction topology.Direction
		priority  int
	}
	slots, names := map[slot]*topology.SecurityRule{}, map[string]*topology.SecurityRule{}
	for _, r := range g.SecurityRules {
		f := Finding{Subject: g.ID(), Name: r.Name, Origin: r.Origin}
		if old := names[strings.ToLower(r.Name)]; old != nil {
			f := f
			f.Detail = "name"
			f.Text = "two rules of " + g.Name + " have the name " + quoted(r.Name)
			f.Fix = "Give one of them another name."
			f.Related = []Related{{Text: ruleName(old), Origin: old.Origin}}
			report(f)
		}
		names[strings.ToLower(r.Name)] = r
		if bad := badName(r.Name); bad != "" {
			f := f
			f.Detail = "name"
			f.Severity = deployed(&g.Element)
			f.Text = "the name of rule " + quoted(r.Name) + " " + bad
			f.Fix = "Use at most 80 letters, digits, '_', '.' and '-', with a letter, a digit or '_' first and last."
			report(f)
		}
		for _, side := range []struct {
			name, option string
			match        *topology.Match
		}{{"source", "--source-address-prefixes", &r.Source}, {"destination", "--destination-address-prefixes", &r.Destination}} {
			if bits := withHostBits(side.match.Prefixes); bits != nil {
				var all []string
				for i := range side.match.Prefixes {
					all = append(all, side.match.Prefixes[i].Prefix.String())
				}
				f := f
				f.Detail = side.name
				f.Severity = deployed(&g.Element)
				f.Text = ruleName(r) + " has host bits in the " + side.name + " " + strings.TrimSpace(bits.Text) + ": the block is " + bits.Prefix.String()
				f.Fix = azRule("Write the network address, or /"+fmt.Sprint(bits.Prefix.Addr().BitLen())+" if one address is meant", g, r, "update", append([]string{side.option}, all...)...)
				report(f)
			}
		}
		if slices.Contains(r.Unresolved, "priority") || slices.Contains(r.Unresolved, "direction") {
			continue
		}
		at := slot{r.Direction, r.Priority}
		if old := slots[at]; old != nil {
			f := f
			f.Detail = "priority"
			f.Text = fmt.Sprintf("rules %s and %s of %s have the same priority %d for %s traffic (SecurityRuleConflict)", quoted(old.Name), quoted(r.Name), g.Name, r.Priority, r.Direction)
			if free, ok := edit.FreePriority(g, r.Direction, edit.LastPriority+1); ok {
				f.Fix = azRule("Give one of them a priority that is free, such as "+fmt.Sprint(free), g, r, "update", "--priority", fmt.Sprint(free))
			}
			f.Related = []Related{{Text: ruleName(old), Origin: old.Origin}}
			report(f)
			continue
		}
		slots[at] = r
	}
}

// badName says what Resource Manager has against the name of a rule, "" where
// it has nothing. Stray blanks are [strayBlanks]'s.
func badName(s string) string {
	word := func(c byte) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
	}
	switch {
	case s == "" || strayBlank(s) != "":
		return ""
	case len(s) > maxName:
		return fmt.Sprintf("has %d characters", len(s))
	case strings.HasPrefix(s, "["): // an expression of a template
		return ""
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 0x80:
			return "" // which letters of other scripts count is not documented
		case !word(c) && !strings.ContainsRune(".-", rune(c)):
			return "holds " + quoted(string(c))
		}
	}
	switch {
	case !word(s[0]):
		return "begins with " + quoted(s[:1])
	case !word(s[len(s)-1]):
		return "ends with " + quoted(s[len(s)-1:])
	}
	return ""
}

// withHostBits is the first block of a list that is written with host bits.
func withHostBits(list []topology.AddressPrefix) *topology.AddressPrefix {
	for i := range list {
		a := &list[i]
		if a.Kind != topology.PrefixAddress {
			continue
		}
		if p, err := netip.ParsePrefix(strings.TrimSpace(a.Text)); err == nil && p != p.Masked() {
			return a
		}
	}
	return nil
}

func refusedLimits(g *topology.NetworkSecurityGroup, report func(Finding)) {
	over := func(n, most int, what string) {
		if n > most {
			report(Finding{Subject: g.ID(), Name: what, Origin: g.Origin, Text: fmt.Sprintf("%s has %s %s; Azure takes %s", g.Name, thousands(uint64(n)), what, thousands(uint64(most))),
				Fix: "Name service tags or wider blocks, or spread the rules over an NSG at the subnet and one at the interface."})
		}
	}
	sources, destinations := 0, 0
	groups := map[topology.ID]bool{}
	for _, r := range g.SecurityRules {
		sources += len(blocks(r.Source.Prefixes))
		destinations += len(blocks(r.Destination.Prefixes))
		for _, m := range []*topology.Match{&r.Source, &r.Destination} {
			for _, a := range m.ASGs {
				groups[a.ID()] = true
			}
			if len(m.ASGs) > maxGroupsPerSide {
				report(Finding{Subject: g.ID(), Name: r.Name, Origin: r.Origin,
					Text: fmt.Sprintf("%s names %d application security groups on one side; Azure takes %d", ruleName(r), len(m.ASGs), maxGroupsPerSide),
					Fix:  "Split the rule, or put the members into fewer groups."})
			}
		}
	}
	over(len(g.SecurityRules), edit.MaxRules, "rules")
	over(sources, edit.MaxPrefixes, "source addresses and ranges")
	over(destinations, edit.MaxPrefixes, "destination addresses and ranges")
	over(len(groups), maxGroupsPerNSG, "application security groups")
}

// refusedGroups finds rules whose application security groups are in different
// virtual networks, as far as their members say where they are.
func refusedGroups(g *topology.NetworkSecurityGroup, homes map[topology.ID][]topology.ID, report func(Finding)) {
	for _, r := range g.SecurityRules {
		var in []topology.ID
		alone := true // no group that is in several networks itself: that is said of the group
		for _, a := range slices.Concat(r.Source.ASGs, r.Destination.ASGs) {
			list := homes[a.ID()]
			alone = alone && len(list) <= 1
			for _, home := range list {
				if !slices.Contains(in, home) {
					in = append(in, home)
				}
			}
		}
		if alone && len(in) > 1 {
			report(Finding{Subject: g.ID(), Name: r.Name, Origin: r.Origin,
				Text: ruleName(r) + " names application security groups of " + oneOrMore("virtual network", namesOf(in)),
				Fix:  "Name groups of one virtual network, and the addresses of the others."})
		}
	}
}

func refusedRoutes(t *topology.RouteTable, report func(Finding)) {
	tags := 0
	names, prefixes := map[string]*topology.Route{}, map[string]*topology.Route{}
	for _, r := range t.Routes {
		if r.Destination.Kind == topology.TagAddress {
			tags++
		}
		f := Finding{Subject: t.ID(), Name: r.Name, Origin: r.Origin}
		if old := names[strings.ToLower(r.Name)]; old != nil {
			f := f
			f.Detail = "name"
			f.Text = "two routes of " + t.Name + " have the name " + quoted(r.Name)
			f.Fix = "Give one of them another name."
			f.Related = []Related{{Text: "route " + quoted(old.Name), Origin: old.Origin}}
			report(f)
		}
		names[strings.ToLower(r.Name)] = r
		if key := sideKey(&topology.Match{Prefixes: []topology.AddressPrefix{r.Destination}}); r.Destination.Kind != topology.UnresolvedAddress && !r.Unresolved {
			if old := prefixes[key]; old != nil {
				f := f
				f.Detail = "prefix"
				f.Text = "routes " + quoted(old.Name) + " and " + quoted(r.Name) + " of " + t.Name + " have the same prefix " + strings.TrimSpace(r.Destination.Text) + " (RouteConflict)"
				f.Fix = azRoute("Remove one of them", t, r, "delete")
				f.Related = []Related{{Text: "route " + quoted(old.Name), Origin: old.Origin}}
				report(f)
			}
			prefixes[key] = r
		}
		if bits := withHostBits([]topology.AddressPrefix{r.Destination}); bits != nil {
			f.Severity = deployed(&t.Element)
			f.Text = "route " + quoted(r.Name) + " has host bits in " + strings.TrimSpace(bits.Text) + ": the block is " + bits.Prefix.String()
			f.Fix = azRoute("Write the network address", t, r, "update", "--address-prefix", bits.Prefix.String())
			report(f)
		}
	}
	for _, x := range []struct {
		n, most int
		what    string
	}{{len(t.Routes), maxRoutes, "routes"}, {tags, maxTagRoutes, "routes to service tags"}} {
		if x.n > x.most {
			report(Finding{Subject: t.ID(), Name: x.what, Origin: t.Origin, Text: fmt.Sprintf("%s has %d %s; Azure takes %d", t.Name, x.n, x.what, x.most),
				Fix: "Put the prefixes together into wider ones."})
		}
	}
}
