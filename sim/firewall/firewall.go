// Package firewall decides what an Azure Firewall does with a packet: rule
// types in the order DNAT, network, application, then deny (FW, FWP).
package firewall

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// Firewall is one compiled Azure Firewall.
type Firewall struct {
	Firewall *topology.AzureFirewall
	nat      []*collection
	network  []*collection
	app      []*collection
	missing  []flow.Fact // policies and rule collection groups that are not in the data
	elements []*topology.Element
	azure    *scope.Set // the addresses of Azure, nil where the data does not hold them
	intel    bool       // threat intelligence in deny mode
}

// Missing are the policies whose rules are not in the data: the firewall may
// do anything.
func (f *Firewall) Missing() []flow.Fact { return f.missing }

// Elements are the firewall and its policies, whose rules are those of the
// data only where they are provisioned.
func (f *Firewall) Elements() []*topology.Element { return f.elements }

type collection struct {
	*topology.RuleCollection
	depth int // of the policy that holds it: base policies come first
	rules []*rule
}

type rule struct {
	*topology.FirewallRule
	sources, destinations side
}

// side is what a rule names at one end of a packet.
type side struct {
	sets    []*scope.Set
	missing []flow.Fact // IP groups that are not in the data
}

// Decision is what the firewall does with a packet in one world.
type Decision struct {
	Access     topology.Access
	Code       flow.Code
	Rule       *topology.FirewallRule
	Collection *topology.RuleCollection
	// Proxied: an application rule let the packet through; the firewall is
	// then the one that talks to the destination (SNAT).
	Proxied bool
	// Translated is the new destination of a DNAT rule.
	Translated     netip.Addr
	TranslatedPort uint16
}

// Target is what is known of the host name behind a destination.
type Target struct {
	Host     string   // the host name asked for, "" where only an address or tag is
	Suffixes []string // the host name suffixes of the service tag asked for: ".blob.core.windows.net"
	Tag      string   // the service tag asked for
}

// New compiles a firewall with its policy and the policy's base policies.
func New(n *topology.Network, p *scope.Place, fw *topology.AzureFirewall) *Firewall {
	f := &Firewall{Firewall: fw, elements: []*topology.Element{&fw.Element},
		intel: strings.EqualFold(fw.ThreatIntelMode, "Deny")}
	f.addAll(n, p, fw.Collections, 0)
	if n.ServiceTags != nil && slices.ContainsFunc(n.ServiceTags.Tags, func(t *topology.ServiceTag) bool { return strings.EqualFold(t.Name, "AzureCloud") }) {
		f.azure = p.Resolve(topology.AddressPrefix{Kind: topology.TagAddress, Tag: "AzureCloud", Text: "AzureCloud"})
	}
	seen := map[topology.ID]bool{}
	for ref, depth := fw.Policy, 0; !ref.IsZero() && !seen[ref.ID()]; depth-- {
		seen[ref.ID()] = true
		policy, ok := topology.Lookup[*topology.FirewallPolicy](n, ref)
		if !ok || !policy.GroupsGiven {
			f.missing = append(f.missing, flow.Fact{Code: flow.DanglingReference, About: ref.ID().Name(), Detail: string(ref.ID()),
				Text:   "the rules of firewall policy " + ref.ID().Name() + " are not in the data",
				Export: "az network firewall policy rule-collection-group list --policy-name " + ref.ID().Name() + " -g <group> -o json"})
		}
		if !ok {
			break
		}
		f.elements = append(f.elements, &policy.Element)
		f.intel = f.intel || strings.EqualFold(policy.ThreatIntelMode, "Deny")
		f.addAll(n, p, policy.Collections, depth)
		ref = policy.BasePolicy
	}
	for _, list := range [][]*collection{f.nat, f.network, f.app} {
		slices.SortStableFunc(list, order)
	}
	return f
}

// order compares the precedence of two collections of one kind (FWP).
func order(a, b *collection) int {
	return cmp.Or(cmp.Compare(a.depth, b.depth), cmp.Compare(a.GroupPriority, b.GroupPriority), cmp.Compare(a.Priority, b.Priority))
}

func (f *Firewall) addAll(n *topology.Network, p *scope.Place, list []*topology.RuleCollection, depth int) {
	for _, rc := range list {
		c := &collection{RuleCollection: rc, depth: depth}
		for _, r := range rc.Rules {
			c.rules = append(c.rules, &rule{r, newSide(n, p, r, r.Sources, r.SourceIPGroups), newSide(n, p, r, r.Destinations, r.DestinationIPGroups)})
		}
		switch rc.Kind {
		case topology.NATCollection:
			f.nat = append(f.nat, c)
		case topology.NetworkCollection:
			f.network = append(f.network, c)
		case topology.ApplicationCollection:
			f.app = append(f.app, c)
		}
	}
}

func newSide(n *topology.Network, p *scope.Place, r *topology.FirewallRule, list []topology.AddressPrefix, groups []topology.Ref) side {
	var x side
	for _, a := range list {
		x.sets = append(x.sets, p.Resolve(a))
	}
	for _, ref := range groups {
		g, ok := topology.Lookup[*topology.IPGroup](n, ref)
		if !ok || !g.Given {
			x.missing = append(x.missing, flow.Fact{Code: flow.DanglingReference, About: ref.ID().Name(), Detail: string(ref.ID()) + r.Name,
				Text: "the addresses of IP group " + ref.ID().Name() + " are not in the data", Export: "az network ip-group list -o json"})
			continue
		}
		var list []topology.AddressPrefix
		for _, p := range g.Prefixes {
			list = append(list, topology.AddressPrefix{Kind: topology.PrefixAddress, Prefix: p, Text: p.String()})
		}
		x.sets = append(x.sets, scope.Literal(list))
	}
	return x
}

// has reports whether the side holds the address in this world.
func (x *side) has(w *flow.World, a flow.Address) bool {
	if slices.ContainsFunc(x.sets, func(s *scope.Set) bool { return s.Has(w, a, false) }) {
		return true
	}
	return slices.ContainsFunc(x.missing, func(f flow.Fact) bool {
		f.Detail += " " + a.Key()
		return w.Otherwise(f)
	})
}

// first is the rule that decides: the first that matches, of the first
// collection. Which of several collections of one priority comes first is not
// known.
func (f *Firewall) first(w *flow.World, list []*collection, matches func(*rule) bool) (*collection, *rule) {
	var found []*collection
	var rules []*rule
	for _, c := range list {
		if len(found) > 0 && order(found[0], c) != 0 {
			break
		}
		if i := slices.IndexFunc(c.rules, matches); i >= 0 {
			found, rules = append(found, c), append(rules, c.rules[i])
		}
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], rules[0]
	}
	var names []string
	for _, c := range found {
		names = append(names, c.Name)
	}
	i := w.Ask(flow.Fact{Code: flow.SamePriority, About: f.Firewall.Name, Detail: string(f.Firewall.ID()) + " " + strings.Join(names, " "),
		Text: "rule collections " + strings.Join(names, ", ") + " of " + f.Firewall.Name + " have the same priority"}, len(found))
	return found[i], rules[i]
}

// Decide is what the firewall does with a packet that a route brings to it.
// A network rule that matches ends it, allow or deny; application rules see
// only HTTP, HTTPS and MSSQL; what nothing matches is denied (FW). The rules
// must all be in the data: see Missing.
func (f *Firewall) Decide(w *flow.World, t flow.Tuple, target Target) Decision {
	if f.listed(w, t.Destination, "destination") || f.listed(w, t.Source, "source") {
		return Decision{Access: topology.Deny, Code: flow.FirewallRuleDeny}
	}
	if c, r := f.first(w, f.network, func(r *rule) bool { return r.network(w, t, target) }); r != nil {
		return c.decision(r, false)
	}
	if t.Protocol == topology.TCP {
		if c, r := f.first(w, f.app, func(r *rule) bool { return r.application(w, t, target) }); r != nil {
			return c.decision(r, true)
		}
	}
	if f.builtIn(w, t, target) {
		return Decision{Access: topology.Allow, Code: flow.FirewallRuleAllow, Proxied: true}
	}
	return Decision{Access: topology.Deny, Code: flow.FirewallDefaultDeny}
}

// listed reports whether, in this world, threat intelligence denies the packet
// for its end: before any rule, DNAT too (FW).
func (f *Firewall) listed(w *flow.World, a flow.Address, end string) bool {
	if !f.intel || a.IP.IsValid() && !scope.IsPublic(a.IP) {
		return false
	}
	return !w.Holds(flow.Fact{Assumption: flow.PropertyNotModelled, About: f.Firewall.Name, Detail: string(f.Firewall.ID()) + " threat intelligence " + a.Key(),
		Text: "threat intelligence, which " + f.Firewall.Name + " uses to deny, does not list the " + end})
}

// builtIn reports whether, in this world, the collection of infrastructure
// rules that every firewall has allows the packet (FW). Its names are
// Microsoft's; which they are was not read.
func (f *Firewall) builtIn(w *flow.World, t flow.Tuple, target Target) bool {
	if t.Protocol != topology.TCP || t.DestinationPort != 80 && t.DestinationPort != 443 {
		return false
	}
	if target.Host != "" {
		host := strings.ToLower(target.Host)
		if !slices.ContainsFunc(microsoft, func(s string) bool { return strings.HasSuffix(host, s) }) {
			return false
		}
	} else if t.Destination.IP.IsValid() && !scope.IsPublic(t.Destination.IP) || f.azure != nil && !f.azure.Has(w, t.Destination, false) {
		return false
	}
	return w.Otherwise(flow.Fact{Code: flow.FirewallContentUnknown, About: f.Firewall.Name, Detail: string(f.Firewall.ID()) + " built in " + t.Destination.Key() + target.Host,
		Text: "whether the built-in infrastructure rules of " + f.Firewall.Name + " cover the destination is not in the data"})
}

// microsoft are the domains that hosts of the infrastructure rules are in.
var microsoft = []string{".windows.net", ".microsoft.com", ".azure.com", ".azure.net"}

// Translate finds the DNAT rule for a packet from outside to a public address
// of the firewall. Translated is not valid where the rule names a host.
func (f *Firewall) Translate(w *flow.World, t flow.Tuple) (Decision, bool) {
	if !t.Protocol.HasPorts() {
		return Decision{}, false
	}
	c, r := f.first(w, f.nat, func(r *rule) bool { return r.network(w, t, Target{}) })
	if r == nil {
		return Decision{}, false
	}
	return c.translation(r), true
}

// Reaches are the DNAT rules that translate to the packet's destination and
// port, whatever public address they are for.
func (f *Firewall) Reaches(w *flow.World, t flow.Tuple) (out []Decision, open []flow.Fact) {
	for _, m := range f.missing {
		m.Detail += " way in " + t.Destination.Key()
		open = append(open, m)
	}
	for _, c := range f.nat {
		for _, r := range c.rules {
			to := r.Translated == t.Destination.IP && (r.TranslatedPort == int(t.DestinationPort) || r.TranslatedPort == 0)
			if to && (slices.Contains(r.Protocols, t.Protocol) || slices.Contains(r.Protocols, topology.AnyProtocol)) && r.sources.has(w, t.Source) {
				out = append(out, c.translation(r))
			}
			if !r.Translated.IsValid() && (r.TranslatedFQDN != "" || len(r.Unresolved) > 0) {
				open = append(open, flow.Fact{Code: flow.FirewallContentUnknown, About: r.Name, Detail: string(f.Firewall.ID()) + " translation " + t.Destination.Key(),
					Text: "whether rule " + r.Name + " translates to the destination is not known"})
			}
		}
	}
	return out, open
}

// Translations are the DNAT rules. Of one with a host name or an expression in
// the place of an address Translated is not valid.
func (f *Firewall) Translations() []*topology.FirewallRule {
	var out []*topology.FirewallRule
	for _, c := range f.nat {
		for _, r := range c.rules {
			out = append(out, r.FirewallRule)
		}
	}
	return out
}

func (c *collection) translation(r *rule) Decision {
	d := c.decision(r, false)
	d.Access, d.Code = topology.Allow, flow.FirewallRuleAllow
	d.Translated, d.TranslatedPort = r.Translated, uint16(r.TranslatedPort)
	return d
}

// Denies reports whether threat intelligence or a network rule denies a
// translated packet, which a DNAT match allows otherwise (FW). Of threat
// intelligence the decision has no rule.
func (f *Firewall) Denies(w *flow.World, t flow.Tuple) (Decision, bool) {
	if f.listed(w, t.Source, "source") {
		return Decision{Access: topology.Deny, Code: flow.FirewallRuleDeny}, true
	}
	c, r := f.first(w, f.network, func(r *rule) bool { return r.network(w, t, Target{}) })
	if r == nil || c.Action != topology.Deny {
		return Decision{}, false
	}
	return c.decision(r, false), true
}

func (c *collection) decision(r *rule, proxied bool) Decision {
	d := Decision{Access: c.Action, Rule: r.FirewallRule, Collection: c.RuleCollection, Proxied: proxied, Code: flow.FirewallRuleDeny}
	if c.Action == topology.Allow {
		d.Code = flow.FirewallRuleAllow
	}
	return d
}

func (r *rule) network(w *flow.World, t flow.Tuple, target Target) bool {
	if len(r.Unresolved) > 0 {
		return w.Otherwise(r.unresolved())
	}
	if !slices.Contains(r.Protocols, t.Protocol) {
		if !slices.Contains(r.Protocols, topology.AnyProtocol) {
			return false
		}
		// Any with an explicit port means TCP and UDP (FW).
		if !t.Protocol.HasPorts() && !slices.Contains(r.Ports, topology.AllPorts) {
			return false
		}
	}
	if t.Protocol.HasPorts() && !slices.ContainsFunc(r.Ports, func(p topology.PortRange) bool { return p.Contains(t.DestinationPort) }) {
		return false
	}
	if !r.sources.has(w, t.Source) {
		return false
	}
	if r.destinations.has(w, t.Destination) {
		return true
	}
	for _, host := range r.DestinationFQDNs {
		// The firewall resolves the name to addresses, which other names of the
		// service may share: another name may match too.
		if MatchesHost(host, target) == flow.Allow {
			return true
		}
		if w.Otherwise(flow.Fact{Code: flow.FirewallContentUnknown, About: host, Detail: r.Name + t.Destination.Key() + " resolved",
			Text: "whether " + host + " resolves to the destination's address is not known"}) {
			return true
		}
	}
	return false
}

func (r *rule) application(w *flow.World, t flow.Tuple, target Target) bool {
	if len(r.Unresolved) > 0 {
		return w.Otherwise(r.unresolved())
	}
	serves := func(p topology.ApplicationProtocol) bool { return p.Port == int(t.DestinationPort) }
	if !slices.ContainsFunc(r.Application, serves) {
		return false
	}
	if !r.sources.has(w, t.Source) {
		return false
	}
	for _, host := range r.TargetFQDNs {
		if matchHost(w, host, target, t.Destination, r.Name) {
			return true
		}
	}
	https := slices.ContainsFunc(r.Application, func(p topology.ApplicationProtocol) bool {
		return serves(p) && strings.EqualFold(p.Type, "Https")
	})
	for _, tag := range r.FQDNTags {
		if !https {
			break // what a tag names is served by https alone (FQT)
		}
		if strings.EqualFold(tag, target.Tag) {
			return true // the tag allows its own service's endpoints (FQT)
		}
		if w.Otherwise(flow.Fact{Code: flow.FirewallContentUnknown, About: tag, Detail: t.Destination.Key() + target.Host,
			Text: "whether the FQDN tag " + tag + " covers the destination is not published"}) {
			return true
		}
	}
	for _, c := range slices.Concat(r.WebCategories, r.TargetURLs) {
		if w.Otherwise(flow.Fact{Code: flow.FirewallContentUnknown, About: c, Detail: t.Destination.Key() + target.Host,
			Text: "whether " + c + " covers the destination is not modelled"}) {
			return true
		}
	}
	return false
}

func (r *rule) unresolved() flow.Fact {
	return flow.Fact{Code: flow.UnresolvedExpression, About: r.Name, Detail: r.Origin.String() + r.Origin.Pointer,
		Text: "firewall rule " + r.Name + " holds an expression that is not resolved"}
}

// matchHost compares a host pattern of a rule with what is known of the
// destination's host name.
func matchHost(w *flow.World, pattern string, target Target, a flow.Address, about string) bool {
	switch MatchesHost(pattern, target) {
	case flow.Allow:
		return true
	case flow.Deny:
		return false
	}
	return w.Otherwise(flow.Fact{Code: flow.FirewallContentUnknown, About: pattern, Detail: about + a.Key() + target.Host,
		Text: "whether " + pattern + " is the destination's host name is not known"})
}

// MatchesHost reports whether a host pattern ("*", "*.suffix", a name) covers
// the destination: Allow always, Deny never, Unknown where the host name is
// not known well enough.
func MatchesHost(pattern string, target Target) flow.Verdict {
	p := strings.ToLower(strings.TrimSpace(pattern))
	if p == "*" {
		return flow.Allow
	}
	suffix, wild := strings.CutPrefix(p, "*")
	if target.Host != "" {
		host := strings.ToLower(target.Host)
		if host == p || wild && strings.HasSuffix(host, suffix) && host != suffix {
			return flow.Allow
		}
		return flow.Deny
	}
	if len(target.Suffixes) == 0 {
		return flow.Unknown
	}
	switch {
	case slices.ContainsFunc(target.Suffixes, func(s string) bool { return wild && strings.HasSuffix(s, suffix) }):
		return flow.Allow
	case slices.ContainsFunc(target.Suffixes, func(s string) bool { return strings.HasSuffix(p, s) }):
		return flow.Unknown
	default:
		return flow.Deny
	}
}

// Constants are the prefixes that the firewall's decisions turn on, and the
// destination ports.
func (f *Firewall) Constants() (prefixes []*netipx.IPSet, ports []topology.PortRange) {
	for _, list := range [][]*collection{f.nat, f.network, f.app} {
		for _, c := range list {
			for _, r := range c.rules {
				for _, s := range slices.Concat(r.sources.sets, r.destinations.sets) {
					prefixes = append(prefixes, s.Constants()...)
				}
				ports = append(ports, r.Ports...)
				for _, a := range r.Application {
					ports = append(ports, topology.PortRange{First: uint16(a.Port), Last: uint16(a.Port)})
				}
			}
		}
	}
	if f.azure != nil {
		prefixes = append(prefixes, f.azure.Constants()...)
	}
	return prefixes, append(ports, topology.PortRange{First: 80, Last: 80}, topology.PortRange{First: 443, Last: 443})
}
