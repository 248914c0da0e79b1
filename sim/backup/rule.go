package backup

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// namedRule is a rule of an NSG, or an admin rule, with the NSG's name.
type namedRule struct {
	nsg         string
	name        string
	priority    int
	access      topology.Access
	protocol    topology.Protocol
	destination topology.Match
	origin      topology.Origin
}

// String is "NSG/rule".
func (r *namedRule) String() string { return r.nsg + "/" + r.name }

// matches reports whether the rule is for packets of the protocol to the port,
// whatever their addresses.
func (r *namedRule) matches(p topology.Protocol, port uint16) bool {
	return (r.protocol == topology.AnyProtocol || r.protocol == p) &&
		slices.ContainsFunc(r.destination.Ports, func(x topology.PortRange) bool { return x.Contains(port) })
}

// ruleBook finds the rules behind the hops of a trace.
type ruleBook map[string][]*namedRule

func bookKey(nsg, rule string, priority int) string {
	return strings.ToLower(nsg) + "/" + strings.ToLower(rule) + "/" + string(rune(priority))
}

func newRuleBook(n *topology.Network) ruleBook {
	b := ruleBook{}
	for _, g := range n.NetworkSecurityGroups {
		b.add(g.Name, g.SecurityRules)
	}
	for _, e := range n.EffectiveSecurityGroups {
		b.add(e.NetworkSecurityGroup.ID().Name(), e.Rules)
	}
	for _, r := range n.AdminRules {
		if r.Direction == topology.Outbound {
			b.put(&namedRule{name: r.Name, priority: r.Priority, access: r.Access, protocol: r.Protocol, destination: r.Destination, origin: r.Origin})
		}
	}
	return b
}

func (b ruleBook) add(nsg string, rules []*topology.SecurityRule) {
	for _, r := range rules {
		if r.Direction == topology.Outbound && !r.Default {
			b.put(named(nsg, r))
		}
	}
}

func named(nsg string, r *topology.SecurityRule) *namedRule {
	return &namedRule{nsg: nsg, name: topology.BareRuleName(r.Name), priority: r.Priority, access: r.Access, protocol: r.Protocol, destination: r.Destination, origin: r.Origin}
}

func (b ruleBook) put(r *namedRule) {
	key := bookKey(r.nsg, r.name, r.priority)
	b[key] = append(b[key], r)
}

// find is the rule behind a hop, nil where a default rule or none decided.
func (b ruleBook) find(h *sim.Hop) *namedRule {
	nsg := h.Name
	if h.Kind == sim.HopAdminRules {
		nsg = ""
	}
	list := b[bookKey(nsg, h.RuleName, h.Priority)]
	for _, r := range list {
		if h.Origin != nil && *h.Origin == r.origin {
			return r
		}
	}
	if len(list) > 0 {
		return list[0]
	}
	return nil
}

// names is the way that the rule of a hop stands for: by a service tag, by
// address ranges, or by something broader; a hop without a rule is open.
func (x *subject) names(h *sim.Hop) Way {
	if h == nil || !isRule(h) || h.Default {
		return Open
	}
	r := x.rules.find(h)
	if r == nil {
		return Open
	}
	return wayOf(r.destination)
}

// wayOf says what the destination of a rule is made of.
func wayOf(d topology.Match) Way {
	way := Open
	for _, a := range d.Prefixes {
		switch {
		case a.Kind == topology.TagAddress && isService(a.Tag):
			return ServiceTag
		case a.Kind == topology.PrefixAddress && isRange(a.Prefix):
			way = DatacenterRanges
		case a.Kind != topology.PrefixAddress:
			return Open
		}
	}
	return way
}

// isService reports whether the tag stands for a service, not for a place.
func isService(tag string) bool {
	switch strings.ToLower(strings.TrimSpace(tag)) {
	case "internet", "virtualnetwork", "virtual_network", "azureloadbalancer", "azure_loadbalancer",
		"azureplatformdns", "azureplatformimds", "azureplatformlkm":
		return false
	}
	return true
}

// isRange reports whether a block is narrow enough to be a range of a
// datacenter: no published one is wider than a /8 of IPv4 or a /16 of IPv6.
func isRange(p netip.Prefix) bool {
	if p.Addr().Is6() {
		return p.Bits() >= 16
	}
	return p.Bits() >= 8
}

// isStorage reports whether the tag is Storage or one of its regions.
func isStorage(tag string) bool {
	return strings.EqualFold(tag, "Storage") || strings.EqualFold(scope.Parent(tag), "Storage")
}

// ownRules are the outbound rules, in order of priority, of the NSGs at the
// machine's interface and subnet, that of the interface first (HOW).
func (x *subject) ownRules() [][]*namedRule {
	var refs []topology.Ref
	if x.nic != nil {
		refs = append(refs, x.nic.NetworkSecurityGroup)
	}
	if x.subnet != nil {
		refs = append(refs, x.subnet.NetworkSecurityGroup)
	}
	var out [][]*namedRule
	for _, ref := range refs {
		if list := x.outboundRules(ref); list != nil {
			out = append(out, list)
		}
	}
	return out
}

// outboundRules are the outbound rules of an NSG in order of priority, nil
// where there is no NSG.
func (e *examination) outboundRules(ref topology.Ref) []*namedRule {
	id := ref.ID()
	if id == "" {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if list, ok := e.outbound[id]; ok {
		return list
	}
	list := []*namedRule{}
	add := func(nsg string, rules []*topology.SecurityRule) {
		for _, r := range rules {
			if r.Direction == topology.Outbound && !r.Default {
				list = append(list, named(nsg, r))
			}
		}
	}
	if g, ok := topology.LookupID[*topology.NetworkSecurityGroup](e.net, id); ok && g.RulesGiven {
		add(g.Name, g.SecurityRules)
	} else {
		for _, v := range e.net.EffectiveSecurityGroups {
			if v.NetworkSecurityGroup.ID() == id {
				add(id.Name(), v.Rules)
				break
			}
		}
	}
	slices.SortStableFunc(list, func(a, b *namedRule) int { return cmp.Compare(a.priority, b.priority) })
	e.outbound[id] = list
	return list
}
