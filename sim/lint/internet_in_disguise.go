package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

func internetInDisguise() *Rule {
	return &Rule{
		ID: "NP1108", Name: "internet-in-disguise", Severity: Warning,
		Short: "Address blocks that together are the whole Internet, or most of it",
		Why:   `0.0.0.0/1 and 128.0.0.0/1 are every address there is, and so are many longer lists. A reader, a policy or a tool that looks for "*", 0.0.0.0/0 or Internet does not see it, and the rule decides for the whole Internet all the same. The two halves may stand in one rule or in two.`,
		Fix:   "Name the addresses that are meant; where all are, write Internet, or 0.0.0.0/0, so that it shows.",
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
      - {name: allow-web, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefixes: [0.0.0.0/1, 128.0.0.0/1], sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "443"}
`,
		check: checkInternetInDisguise,
	}
}

func checkInternetInDisguise(run *Run, report func(Finding)) {
	for _, g := range run.Network.NetworkSecurityGroups {
		disguisedRules(g, report)
	}
	for _, t := range run.Network.RouteTables {
		disguisedRoutes(t, report)
	}
}

// mostly reports whether a set holds half of the Internet's addresses or more.
func mostly(s *netipx.IPSet) bool {
	all := four(scope.InternetSpace())
	return size(intersection(s, all)) >= size(all)/2
}

func disguisedRules(g *topology.NetworkSecurityGroup, report func(Finding)) {
	type like struct { // rules that differ in nothing but the remote addresses
		rules []*topology.SecurityRule
		list  []netip.Prefix
	}
	alike := map[string]*like{}
	var order []string
	for _, r := range g.SecurityRules {
		list := blocks(remote(r).Prefixes)
		if len(list) == 0 || anyone(remote(r)) || len(r.Unresolved) > 0 {
			continue
		}
		if wide(list) && wholeInternet(scope.SetOf(list...)) {
			report(disguise(g, r, ruleName(r), scope.SetOf(list...)))
			continue
		}
		key := alikeKey(r)
		if alike[key] == nil {
			alike[key] = &like{}
			order = append(order, key)
		}
		alike[key].rules = append(alike[key].rules, r)
		alike[key].list = append(alike[key].list, list...)
	}
	for _, key := range order {
		l := alike[key]
		if !wide(l.list) {
			continue
		}
		set := scope.SetOf(l.list...)
		switch {
		case !mostly(set):
			continue
		case len(l.rules) == 1:
			report(disguise(g, l.rules[0], ruleName(l.rules[0]), set))
			continue
		}
		var names []string
		for _, r := range l.rules {
			names = append(names, quoted(r.Name))
		}
		f := disguise(g, l.rules[0], "the "+l.rules[0].Direction.String()+" rules "+fewOf(names)+" together", set)
		for _, r := range l.rules[1:min(len(l.rules), maxRelated)] {
			f.Related = append(f.Related, Related{Text: ruleName(r), Origin: r.Origin})
		}
		report(f)
	}
}

// wide reports whether the IPv4 blocks of a list may be half of the Internet:
// it counts what is in two of them twice.
func wide(list []netip.Prefix) bool {
	var n uint64
	for _, p := range list {
		if p.Addr().Is4() {
			n += 1 << (32 - p.Bits())
		}
	}
	return n >= size(scope.InternetSpace())/2
}

func disguise(g *topology.NetworkSecurityGroup, r *topology.SecurityRule, what string, set *netipx.IPSet) Finding {
	way := "from"
	if r.Direction == topology.Outbound {
		way = "to"
	}
	verb := map[topology.Access]string{topology.Allow: "allow", topology.Deny: "deny"}[r.Access]
	if !strings.HasSuffix(what, "together") {
		verb = map[topology.Access]string{topology.Allow: "allows", topology.Deny: "denies"}[r.Access]
	}
	f := Finding{Subject: g.ID(), Name: r.Name, Origin: r.Origin, Text: what + " " + verb + " traffic " + way + " " + public(set) + ", written as " + few(blocks(remote(r).Prefixes)),
		Fix: azRule("Name the addresses that are meant; where all are, write Internet so that it shows", g, r, "update", remoteOption(r)+" Internet")}
	if strings.HasSuffix(what, "together") {
		f.Text = what + " " + verb + " traffic " + way + " " + public(set)
	}
	if r.Access == topology.Deny {
		f.Severity = Note
	}
	return f
}

// alikeKey is the same for rules of an NSG that differ in nothing but their
// priority, name and remote addresses.
func alikeKey(r *topology.SecurityRule) string {
	own := &r.Destination
	if r.Direction == topology.Outbound {
		own = &r.Source
	}
	return fmt.Sprint(r.Direction, r.Access, r.Protocol, portsKey(r.Source.Ports), portsKey(r.Destination.Ports), sideKey(own))
}

func portsKey(list []topology.PortRange) string {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b topology.PortRange) int { return int(a.First) - int(b.First) })
	return fmt.Sprint(list)
}

func sideKey(m *topology.Match) string {
	var out []string
	for i := range m.Prefixes {
		switch a := &m.Prefixes[i]; a.Kind {
		case topology.PrefixAddress:
			out = append(out, a.Prefix.String())
		case topology.TagAddress:
			out = append(out, strings.ToLower(a.Tag))
		default:
			out = append(out, a.Text)
		}
	}
	for _, r := range m.ASGs {
		out = append(out, string(r.ID()))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// disguisedRoutes finds a default route that is written as its halves.
func disguisedRoutes(t *topology.RouteTable, report func(Finding)) {
	var parts []*topology.Route
	var b netipx.IPSetBuilder
	for _, r := range t.Routes {
		if p := r.Destination.Prefix; r.Destination.Kind == topology.PrefixAddress && p.Addr().Is4() && p.Bits() > 0 && p.Bits() <= 8 {
			parts = append(parts, r)
			b.AddPrefix(p)
		}
	}
	set, _ := b.IPSet() // of valid prefixes: no error
	if len(parts) < 2 || !wholeInternet(set) {
		return
	}
	f := Finding{Subject: t.ID(), Origin: parts[0].Origin, Severity: Note,
		Text: fmt.Sprintf("%d routes of %s together are a default route: %s", len(parts), t.Name, fewOf(routeTexts(parts))),
		Why:  "Routes to the parts of 0.0.0.0/0 catch what a route to 0.0.0.0/0 catches, but they are not one: the system routes that drop private addresses stay, and the default route stays active beside them. Their prefixes join the tag VirtualNetwork all the same.",
		Fix:  "Write one route to 0.0.0.0/0 if that is meant.",
	}
	for _, r := range parts[1:] {
		f.Related = append(f.Related, Related{Text: "route " + quoted(r.Name), Origin: r.Origin})
	}
	report(f)
}

func routeTexts(list []*topology.Route) []string {
	var out []string
	for _, r := range list {
		out = append(out, r.Destination.Text)
	}
	return out
}
