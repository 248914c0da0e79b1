package oracle

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// firewall is an Azure Firewall with all rule collections that bear on it, in
// the order of their processing within one kind.
type firewall struct {
	f           *topology.AzureFirewall
	home        *vnet
	subnet      *subnet
	collections []*topology.RuleCollection
	unknown     bool // rules that are not in the data
	intel       bool // threat intelligence in deny mode
	policies    []*topology.FirewallPolicy
}

func (f *firewall) key() string { return string(f.f.ID()) }

func (o *Oracle) addFirewalls() {
	for _, f := range o.n.AzureFirewalls {
		x := &firewall{f: f, subnet: o.subnetByID[f.Subnet.ID()], home: o.vnetByID[f.VirtualNetwork.ID()]}
		if x.subnet != nil {
			x.home = x.subnet.v
		} else if x.home != nil {
			for _, s := range x.home.subnets {
				if strings.EqualFold(s.s.Name, "AzureFirewallSubnet") {
					x.subnet = s
				}
			}
		}
		x.intel = strings.EqualFold(f.ThreatIntelMode, "Deny")
		o.readPolicy(x)
		o.firewalls = append(o.firewalls, x)
		if x.home != nil && f.PrivateIPAddress.IsValid() {
			x.home.firewalls[f.PrivateIPAddress] = x
		}
	}
}

// readPolicy orders the rule collections: by kind first, of parent policies
// first, then by priority of the group and of the collection (FW, FWP; the
// part about parents and groups is [K]).
func (o *Oracle) readPolicy(x *firewall) {
	order := func(list []*topology.RuleCollection) []*topology.RuleCollection {
		list = slices.Clone(list)
		slices.SortStableFunc(list, func(a, b *topology.RuleCollection) int {
			return cmp.Or(cmp.Compare(a.GroupPriority, b.GroupPriority), cmp.Compare(a.Priority, b.Priority))
		})
		return list
	}
	if x.f.Policy.IsZero() {
		x.collections = order(x.f.Collections)
		return
	}
	seen := map[topology.ID]bool{}
	for r := x.f.Policy; !r.IsZero(); {
		p, found := topology.Lookup[*topology.FirewallPolicy](o.n, r)
		if !found || !p.GroupsGiven || seen[p.ID()] {
			x.unknown = true
			return
		}
		seen[p.ID()] = true
		x.policies = append(x.policies, p)
		x.intel = x.intel || strings.EqualFold(p.ThreatIntelMode, "Deny")
		x.collections = append(order(p.Collections), x.collections...)
		r = p.BasePolicy
	}
}

// atFirewall takes a packet through an Azure Firewall that is its next hop.
func (o *Oracle) atFirewall(w *world, f *firewall, p packet, t trip) arrival {
	if slices.Contains(t.visited, f.key()) {
		return arrival{outcome: drop(flow.RouteLoop)}
	}
	t.visited = append(slices.Clone(t.visited), f.key())
	// DNAT comes before network rules, but is documented for what comes in from
	// the Internet alone (FW).
	if o.firewallAsWritten(w, f) && o.beyondEstate(p.dst.ip) && o.translation(w, f, &p) != nil {
		return arrival{outcome: o.open(w, flow.SourcesConflict, f.key()+" translates from inside "+p.key())}
	}
	got, application := o.firewallRules(w, f, &p)
	if !got.allow {
		return arrival{outcome: got}
	}
	if t.last.rule == nil { // named where no NSG rule is
		t.last = got
	}
	t.appliance = true
	// SNAT: application rules always translate, network rules to public
	// addresses only.
	if application || public(p.dst.ip) {
		p = p.from(place{ip: f.f.PrivateIPAddress})
		t.origin = f.home
	}
	t.out = nil
	if f.subnet == nil {
		return arrival{outcome: o.unknownHop(w, p, t, flow.DanglingReference, "subnet of "+f.key())}
	}
	e := &endpoint{addr: f.f.PrivateIPAddress, subnet: f.subnet, vnetID: f.home.id(), scope: f.subnet.scope}
	return arrival{outcome: o.forward(w, e, p, t), gateAllows: true}
}

// beyondEstate reports whether an address is public and no virtual network has
// it for its own.
func (o *Oracle) beyondEstate(a netip.Addr) bool {
	return public(a) && !slices.ContainsFunc(o.vnets, func(v *vnet) bool { return v.holds(a) })
}

// firewallAsWritten reports whether all rules of a firewall are those of the
// data.
func (o *Oracle) firewallAsWritten(w *world, f *firewall) bool {
	for _, p := range f.policies {
		if !o.asWritten(w, &p.Element, false) {
			return false
		}
	}
	return !f.unknown && o.asWritten(w, &f.f.Element, false)
}

// firewallRules asks the rules of a firewall for a packet that it forwards
// (FW): threat intelligence, network rules, application rules, what Azure
// has built in, default deny.
func (o *Oracle) firewallRules(w *world, f *firewall, p *packet) (out outcome, application bool) {
	if !o.firewallAsWritten(w, f) {
		out = o.open(w, flow.FirewallContentUnknown, "rules of "+f.key()+" allow "+p.key())
		return out, out.allow && w.maybe(flow.FirewallContentUnknown, "rules of "+f.key()+" translate "+p.key())
	}
	if f.intel && public(p.dst.ip) && !w.holds(flow.PropertyNotModelled, "threat intelligence of "+f.key()+" does not list "+p.dst.ip.String()) {
		return drop(flow.FirewallRuleDeny), false
	}
	verdict := func(c *topology.RuleCollection, r *topology.FirewallRule) outcome {
		out := outcome{allow: c.Action == topology.Allow, decider: Decider{Code: flow.FirewallRuleDeny, RuleName: r.Name, Priority: c.Priority}}
		if out.allow {
			out.decider.Code = flow.FirewallRuleAllow
		}
		return out
	}
	if c, r := o.firstRule(w, f, topology.NetworkCollection, func(key string, r *topology.FirewallRule) bool { return o.networkRule(w, f, key, r, p) }); r != nil {
		return verdict(c, r), false
	}
	if p.protocol == topology.TCP {
		if c, r := o.firstRule(w, f, topology.ApplicationCollection, func(key string, r *topology.FirewallRule) bool { return o.applicationRule(w, f, key, r, p) }); r != nil {
			return verdict(c, r), true
		}
		if (p.dport == 80 || p.dport == 443) && public(p.dst.ip) && o.builtIn(w, p) &&
			w.maybe(flow.FirewallContentUnknown, "the built-in infrastructure rules allow "+p.key()) {
			return outcome{allow: true, decider: Decider{Code: flow.FirewallRuleAllow}}, true
		}
	}
	return drop(flow.FirewallDefaultDeny), false
}

// builtIn reports whether the destination may be one of the infrastructure
// collection: a host of Microsoft's, or, where the host is not known, an
// address of Azure.
func (o *Oracle) builtIn(w *world, p *packet) bool {
	host := strings.ToLower(p.host)
	if host == "" {
		return o.inServiceTag(w, "azurecloud", p.dst)
	}
	return strings.HasSuffix(host, ".windows.net") || strings.HasSuffix(host, ".microsoft.com") ||
		strings.HasSuffix(host, ".azure.com") || strings.HasSuffix(host, ".azure.net")
}

// match is a rule with its collection.
type match struct {
	c *topology.RuleCollection
	r *topology.FirewallRule
}

// firstRule is the first rule of a kind that applies: by priority of the
// collections, rules top-down (FW). Which of two collections of one priority
// comes first is not known.
func (o *Oracle) firstRule(w *world, f *firewall, kind topology.CollectionKind, applies func(string, *topology.FirewallRule) bool) (*topology.RuleCollection, *topology.FirewallRule) {
	var list []match
	var keys []string
	for i, c := range f.collections {
		if c.Kind != kind {
			continue
		}
		if len(list) > 0 && (list[0].c.Priority != c.Priority || list[0].c.GroupPriority != c.GroupPriority) {
			break
		}
		for j, r := range c.Rules {
			key := fmt.Sprintf("%s collection %d rule %d", f.key(), i, j)
			if applies(key, r) {
				list, keys = append(list, match{c, r}), append(keys, key)
				break
			}
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	m := list[0]
	if len(list) > 1 {
		m = list[w.pick(flow.SamePriority, "first of "+strings.Join(keys, "|"), len(list))]
	}
	return m.c, m.r
}

// networkRule reports whether a network rule applies. Protocol Any is every
// protocol; with an explicit port it is TCP and UDP (FW).
func (o *Oracle) networkRule(w *world, f *firewall, key string, r *topology.FirewallRule, p *packet) bool {
	if len(r.Unresolved) > 0 && !w.maybe(flow.UnresolvedExpression, key+" applies to "+p.key()) {
		return false
	}
	named := slices.Contains(r.Protocols, p.protocol)
	if !named && !slices.Contains(r.Protocols, topology.AnyProtocol) {
		return false
	}
	s := side{key: key, ports: r.Ports}
	switch {
	case p.protocol.HasPorts():
		if !s.holdsPort(w, p.dport) {
			return false
		}
	case !named && !s.allPorts(w):
		return false
	}
	return o.firewallSide(w, f, key+" source", r.Sources, r.SourceIPGroups, end{place: p.src, port: p.sport, protocol: p.protocol, source: true}) &&
		(o.firewallSide(w, f, key+" destination", r.Destinations, r.DestinationIPGroups, end{place: p.dst, port: p.dport, protocol: p.protocol}) ||
			o.resolvesTo(w, key, r.DestinationFQDNs, p))
}

// resolvesTo reports whether one of the names of a network rule is the
// destination: what a name resolves to is not in the data.
func (o *Oracle) resolvesTo(w *world, key string, names []string, p *packet) bool {
	for _, n := range names {
		if p.host != "" && strings.EqualFold(n, p.host) {
			return true
		}
	}
	return len(names) > 0 && w.maybe(flow.FirewallContentUnknown, key+" resolves to "+p.dst.ip.String())
}

func (o *Oracle) firewallSide(w *world, f *firewall, key string, list []topology.AddressPrefix, groups []topology.Ref, e end) bool {
	sc := &scope{about: f.key(), local: f.f.PrivateIPAddress}
	if f.subnet != nil {
		sc = f.subnet.scope
	}
	if o.holdsEnd(w, sc, newSide(key, topology.Match{Prefixes: list}), e) {
		return true
	}
	for _, r := range groups {
		g, found := topology.Lookup[*topology.IPGroup](o.n, r)
		switch {
		case !found || !g.Given:
			if w.maybe(flow.DanglingReference, "IP group "+string(r.ID())+" holds "+e.ip.String()) {
				return true
			}
		case contains(g.Prefixes, e.ip):
			return true
		}
	}
	return false
}

// applicationRule reports whether an application rule applies: its protocol's
// port and the name of the destination (FW, FQT). Without the name, a pattern
// may or may not hold it.
func (o *Oracle) applicationRule(w *world, f *firewall, key string, r *topology.FirewallRule, p *packet) bool {
	port := slices.ContainsFunc(r.Application, func(a topology.ApplicationProtocol) bool { return a.Port == int(p.dport) })
	if len(r.Unresolved) > 0 && !w.maybe(flow.UnresolvedExpression, key+" applies to "+p.key()) {
		return false
	}
	if !port || !o.firewallSide(w, f, key+" source", r.Sources, r.SourceIPGroups, end{place: p.src, port: p.sport, protocol: p.protocol, source: true}) {
		return false
	}
	for _, pattern := range r.TargetFQDNs {
		if hostMatches(w, key, pattern, p) {
			return true
		}
	}
	https := slices.ContainsFunc(r.Application, func(a topology.ApplicationProtocol) bool {
		return a.Port == int(p.dport) && strings.EqualFold(a.Type, "Https")
	})
	for _, tag := range r.FQDNTags { // content managed by Microsoft, https only
		if https && w.maybe(flow.FirewallContentUnknown, "FQDN tag "+strings.ToLower(tag)+" holds "+p.host+" "+p.dst.ip.String()) {
			return true
		}
	}
	for _, c := range append(slices.Clone(r.WebCategories), r.TargetURLs...) {
		if w.maybe(flow.FirewallContentUnknown, key+" "+c+" holds "+p.host+" "+p.dst.ip.String()) {
			return true
		}
	}
	return false
}

func hostMatches(w *world, key, pattern string, p *packet) bool {
	switch {
	case pattern == "*":
		return true
	case p.host == "":
		return w.maybe(flow.FirewallContentUnknown, "name of "+p.dst.ip.String()+" is like "+strings.ToLower(pattern))
	}
	return likeHost(pattern, p.host)
}

// likeHost compares a host with a pattern that may begin with *.
func likeHost(pattern, host string) bool {
	pattern, host = strings.ToLower(pattern), strings.ToLower(host)
	if rest, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasSuffix(host, rest)
	}
	return pattern == host
}

// translation finds the DNAT rule for a packet to a firewall's public IP.
func (o *Oracle) translation(w *world, f *firewall, p *packet) *match {
	c, r := o.firstRule(w, f, topology.NATCollection, func(key string, r *topology.FirewallRule) bool {
		s := side{key: key, ports: r.Ports}
		return (slices.Contains(r.Protocols, p.protocol) || slices.Contains(r.Protocols, topology.AnyProtocol)) &&
			p.protocol.HasPorts() && s.holdsPort(w, p.dport) &&
			o.firewallSide(w, f, key+" source", r.Sources, r.SourceIPGroups, end{place: p.src, port: p.sport, protocol: p.protocol, source: true}) &&
			o.firewallSide(w, f, key+" destination", r.Destinations, r.DestinationIPGroups, end{place: p.dst, port: p.dport, protocol: p.protocol})
	})
	if r == nil {
		return nil
	}
	return &match{c, r}
}

// enterFirewall takes a packet from the Internet through a firewall's DNAT
// rules. A match allows the translated flow, unless a network rule denies it
// explicitly; application rules do not apply inbound (FW).
func (o *Oracle) enterFirewall(w *world, f *firewall, p packet, t trip) outcome {
	if !o.firewallAsWritten(w, f) {
		return o.open(w, flow.FirewallContentUnknown, "rules of "+f.key()+" let in "+p.key())
	}
	m := o.translation(w, f, &p)
	if m == nil {
		return drop(flow.FirewallDefaultDeny)
	}
	if r := m.r; !r.Translated.IsValid() {
		return o.open(w, flow.FirewallContentUnknown, "the target of "+r.Name+" accepts "+p.key())
	}
	port := p.dport
	if m.r.TranslatedPort != 0 {
		port = uint16(m.r.TranslatedPort)
	}
	return o.translated(w, f, m, p.to(m.r.Translated, port), t)
}

// translated takes a packet on from a firewall that has translated its
// destination.
func (o *Oracle) translated(w *world, f *firewall, m *match, p packet, t trip) outcome {
	c, deny := o.firstRule(w, f, topology.NetworkCollection, func(key string, r *topology.FirewallRule) bool { return o.networkRule(w, f, key, r, &p) })
	if deny != nil && c.Action == topology.Deny {
		return outcome{decider: Decider{Code: flow.FirewallRuleDeny, RuleName: deny.Name, Priority: c.Priority}}
	}
	if f.subnet == nil {
		return o.unknownHop(w, p, t, flow.DanglingReference, "subnet of "+f.key())
	}
	if t.last.rule == nil { // named where no NSG rule is
		t.last = outcome{allow: true, decider: Decider{Code: flow.FirewallRuleAllow, RuleName: m.r.Name, Priority: m.c.Priority}}
	}
	// Whether the source is translated too is not documented in what was read.
	if w.maybe(flow.SourcesConflict, f.key()+" translates the source of inbound flows") {
		p = p.from(place{ip: f.f.PrivateIPAddress})
		t.origin, t.public = f.home, false
	}
	t.appliance, t.via = true, f.f.PrivateIPAddress
	t.visited = append(slices.Clone(t.visited), f.key())
	e := &endpoint{addr: f.f.PrivateIPAddress, subnet: f.subnet, vnetID: f.home.id(), scope: f.subnet.scope}
	return o.forward(w, e, p, t)
}

// translatesTo is a DNAT rule that takes packets of the source to the
// destination and port, nil where there is none.
func (o *Oracle) translatesTo(w *world, f *firewall, p *packet) *match {
	for i, c := range f.collections {
		if c.Kind != topology.NATCollection {
			continue
		}
		for j, r := range c.Rules {
			named := slices.Contains(r.Protocols, p.protocol) || slices.Contains(r.Protocols, topology.AnyProtocol)
			if named && r.Translated == p.dst.ip && (r.TranslatedPort == int(p.dport) || r.TranslatedPort == 0) &&
				o.firewallSide(w, f, fmt.Sprintf("%s collection %d rule %d source", f.key(), i, j), r.Sources, r.SourceIPGroups, end{place: p.src, port: p.sport, protocol: p.protocol, source: true}) {
				return &match{c, r}
			}
		}
	}
	return nil
}

// firewallWayOut is a firewall's own public IP.
func (o *Oracle) firewallWayOut(w *world, at *endpoint, noPorts bool) (wayOut, flow.Code, bool) {
	way := wayOut{method: "Firewall"}
	for _, f := range o.firewalls {
		if f.subnet != at.subnet {
			continue
		}
		if noPorts && !w.passes(flow.SourcesConflict, f.key()+" translates packets without ports") {
			return way, flow.EgressNoICMP, false
		}
		if len(f.f.PublicIPs) == 0 {
			return way, flow.NoEgress, w.passes(flow.EgressAddressUnknown, f.key()+" has a public IP")
		}
		way.address = o.addressOf(f.f.PublicIPs[w.pick(flow.EgressAddressUnknown, "address of "+f.key(), len(f.f.PublicIPs))])
		return way, "", true
	}
	return way, flow.NoEgress, w.passes(flow.EgressAddressUnknown, "way out of "+string(at.subnet.s.ID()))
}

// Firewall answers for the rules of one Azure Firewall alone.
func (o *Oracle) Firewall(f *topology.AzureFirewall, t flow.Tuple, host string) Answer {
	i := slices.IndexFunc(o.firewalls, func(x *firewall) bool { return x.f == f })
	return o.solve(func(w *world) outcome {
		p := o.packetOf(w, t, t.Source.Is6())
		p.host = host
		out, _ := o.firewallRules(w, o.firewalls[i], &p)
		return out
	})
}
