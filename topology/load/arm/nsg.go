package arm

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/source"
)

func (r *Reader) networkSecurityGroup(o *object) {
	g := &topology.NetworkSecurityGroup{
		Element:         o.element("", ""),
		FlushConnection: o.toggle("flushConnection"),
		Subnets:         o.refs("subnets"),
		Interfaces:      o.refs("networkInterfaces"),
	}
	var rules, defaults []*object
	rules, g.RulesGiven = o.objects("securityRules")
	defaults, _ = o.objects("defaultSecurityRules")
	if g.RulesGiven {
		g.SecurityRules = make([]*topology.SecurityRule, 0, len(rules))
	} else {
		r.File.Say(source.Doubt, o.node, "export the group itself", "%s comes without its rules", source.Quote(g.Name))
	}
	block := make([]topology.SecurityRule, len(rules)+len(defaults))
	for i, ro := range rules {
		r.rule(ro, &block[i], g.ResourceID, "securityRules", userRule)
		g.SecurityRules = append(g.SecurityRules, &block[i])
	}
	for i, ro := range defaults {
		rule := &block[len(rules)+i]
		r.rule(ro, rule, g.ResourceID, "defaultSecurityRules", defaultRule)
		g.DefaultRules = append(g.DefaultRules, rule)
	}
	if r.File.Err != nil {
		return
	}
	CheckRules(r.File, o.node, g)
	r.checkDefaults(o, g)
	r.add(g)
}

// securityRule is a rule that was exported apart from its group.
func (r *Reader) securityRule(o *object) {
	rule := &topology.SecurityRule{}
	view := userRule
	if strings.Contains(strings.ToLower(o.text("id")), "/defaultsecurityrules/") {
		view = defaultRule
	}
	r.rule(o, rule, "", "securityRules", view)
	if r.File.Err == nil {
		r.add(rule)
	}
}

func (r *Reader) applicationSecurityGroup(o *object) {
	r.add(&topology.ApplicationSecurityGroup{Element: o.element("", "")})
}

// DesignRule reads a rule of a design file, whose properties are ARM's own;
// ASGs stay named as written.
func (r *Reader) DesignRule(n *doctree.Node) *topology.SecurityRule {
	rule := &topology.SecurityRule{}
	r.rule(r.open(n, r.Table.Shape("Microsoft.Network/networkSecurityGroups/securityRules")), rule, "/design", "securityRules", userRule)
	return rule
}

// ruleView says where a rule is written: that decides its priorities and what
// its lists may hold.
type ruleView uint8

const (
	userRule ruleView = iota
	defaultRule
	effectiveRule
)

// sideNames are the properties of one side of a rule.
type sideNames struct {
	address, addresses, groups, port, ports, expanded string
}

var (
	sourceNames = sideNames{"sourceAddressPrefix", "sourceAddressPrefixes", "sourceApplicationSecurityGroups",
		"sourcePortRange", "sourcePortRanges", "expandedSourceAddressPrefix"}
	destinationNames = sideNames{"destinationAddressPrefix", "destinationAddressPrefixes", "destinationApplicationSecurityGroups",
		"destinationPortRange", "destinationPortRanges", "expandedDestinationAddressPrefix"}
)

func (r *Reader) rule(o *object, rule *topology.SecurityRule, parent, segment string, view ruleView) {
	f := r.File
	if f.Err != nil {
		return
	}
	rule.Element = o.element(parent, segment)
	rule.Default = view == defaultRule
	rule.Description = o.text("description")
	lo, hi := 100, 4096
	switch {
	case view == defaultRule:
		lo, hi = 65000, 65500
	case view == effectiveRule:
		lo, hi = 0, 65535
	}
	unresolved := func(name string) bool {
		text, is := o.expression(name)
		if is {
			f.Say(source.Doubt, o.get(name), "export the deployed resource instead of a template", "the expression %s is not evaluated", source.Quote(text))
			rule.Unresolved = append(rule.Unresolved, name)
		}
		return is
	}
	if !unresolved("priority") {
		if o.get("priority") == nil {
			o.refuse("priority", "expected a priority", "")
		} else {
			rule.Priority = f.Decimal(o.get("priority"), lo, hi, "a priority")
		}
	}
	if !unresolved("direction") {
		if rule.Direction = f.Direction(o.get("direction")); rule.Direction == topology.NoDirection {
			o.refuse("direction", "expected a direction, Inbound or Outbound", "")
		}
	}
	if !unresolved("access") {
		if rule.Access = f.Access(o.get("access"), "Allow", "Deny"); rule.Access == topology.NoAccess {
			o.refuse("access", "expected an access, Allow or Deny", "")
		}
	}
	if !unresolved("protocol") {
		if rule.Protocol = f.Protocol(o.get("protocol")); rule.Protocol == topology.NoProtocol {
			o.refuse("protocol", "expected a protocol: Tcp, Udp, Icmp, Esp, Ah or *", "")
		}
	}
	r.side(o, &rule.Source, sourceNames, rule.Protocol, view)
	r.side(o, &rule.Destination, destinationNames, rule.Protocol, view)
	if f.Err != nil {
		return
	}
	CheckPorts(f, o.node, rule)
	if view != effectiveRule {
		checkFamilies(f, o.node, rule)
	}
}

// CheckPorts warns of ports in a rule whose protocol has none (bad-inputs row
// 101).
func CheckPorts(f *source.File, n *doctree.Node, rule *topology.SecurityRule) {
	switch rule.Protocol {
	case topology.ICMP, topology.ESP, topology.AH:
		for _, side := range []*topology.Match{&rule.Source, &rule.Destination} {
			if len(side.Ports) > 0 && !slices.Contains(side.Ports, topology.AllPorts) {
				f.Say(source.Warning, n, `write "*" for the ports`, "rule %s names ports, which its protocol does not have: they are ignored", source.Quote(rule.Name))
				return
			}
		}
	}
}

func (r *Reader) side(o *object, m *topology.Match, names sideNames, proto topology.Protocol, view ruleView) {
	f := r.File
	one, many := o.get(names.address), o.get(names.addresses)
	if view == effectiveRule && !source.IsEmpty(many) {
		one = nil // the plural counts: the singular repeats it, or is cut
	}
	m.Prefixes = r.addresses(one, many, view)
	if view != effectiveRule {
		m.ASGs = o.refs(names.groups)
	}
	if view == effectiveRule {
		if list := o.get(names.expanded); !source.IsEmpty(list) {
			m.Expanded, m.HasExpanded = r.expandedPrefixes(list), true
		}
	}
	if f.Err != nil {
		return
	}
	if len(m.Prefixes) == 0 && len(m.ASGs) == 0 && view == effectiveRule {
		// The view of a rule whose group has no members, perhaps: it says what
		// it does, not whom it concerns.
		at := f.Origin(o.node)
		f.Say(source.Doubt, o.node, "export the group itself", "the effective rule %s has no %s: it may name any address", source.Quote(o.label()), names.address)
		m.Prefixes = []topology.AddressPrefix{{Kind: topology.UnresolvedAddress, Origin: &at}}
	}
	if len(m.Prefixes) == 0 && len(m.ASGs) == 0 {
		o.refuse(names.address, "expected an address or an application security group", `a rule that means every address says "*"`)
		return
	}
	if len(m.Prefixes) > 0 && len(m.ASGs) > 0 {
		f.Refuse(o.get(names.groups), "expected either addresses or application security groups on one side of a rule", "")
		return
	}
	r.ports(o, m, names, proto)
}

// addresses reads the singular and the plural address property. Given both,
// they must say the same (bad-inputs row 48).
func (r *Reader) addresses(one, many *doctree.Node, view ruleView) []topology.AddressPrefix {
	f := r.File
	single, list := f.Items(one), f.Items(many)
	if len(single) > 0 && len(list) > 0 && !sameTexts(single, list) {
		f.Refuse(many, "expected the same addresses as in the singular property", "keep one of the two")
		return nil
	}
	items := list
	if len(items) == 0 {
		items = single
	}
	if len(items) == 0 {
		return nil
	}
	out := make([]topology.AddressPrefix, 0, len(items))
	for _, it := range items {
		a := f.Address(it)
		if view != effectiveRule && (len(list) > 0 || len(items) > 1) && (a.Kind == topology.TagAddress || a.Kind == topology.AnyAddress) {
			f.Refuse(it, "expected an IP address or CIDR block in a list of addresses (SecurityRuleParameterContainsUnsupportedValue)",
				"a service tag or * stands alone, in the singular property; write one rule for each tag")
			return nil
		}
		if f.Err != nil {
			return nil
		}
		out = append(out, a)
	}
	if view != effectiveRule && len(out) > 1 {
		r.checkOverlap(items, out)
	}
	return out
}

func sameTexts(a, b []*doctree.Node) bool {
	return slices.Equal(sortedTexts(a), sortedTexts(b))
}

func sortedTexts(nodes []*doctree.Node) []string {
	out := make([]string, 0, len(nodes))
	for _, n := range nodes {
		out = append(out, strings.ToLower(strings.TrimSpace(n.Text)))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// checkOverlap refuses a list in which one block holds another (spec 2.7).
func (r *Reader) checkOverlap(items []*doctree.Node, list []topology.AddressPrefix) {
	order := make([]int, 0, len(list))
	for i := range list {
		if list[i].Kind == topology.PrefixAddress {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		p, q := list[a].Prefix, list[b].Prefix
		if c := p.Addr().Compare(q.Addr()); c != 0 {
			return c
		}
		return p.Bits() - q.Bits()
	})
	for k := 1; k < len(order); k++ {
		wide, p := list[order[k-1]].Prefix, list[order[k]].Prefix
		if wide.Overlaps(p) {
			r.File.Refuse(items[order[k]], "expected blocks that do not overlap in one list, "+wide.String()+
				" is in it too (OverlappingSubnetsNotPermittedInSecurityRule)", "remove one of the two")
			return
		}
	}
}

// checkFamilies refuses IPv4 and IPv6 in one rule (bad-inputs row 91).
func checkFamilies(f *source.File, n *doctree.Node, rule *topology.SecurityRule) {
	var v4, v6 *topology.AddressPrefix
	for _, side := range []*topology.Match{&rule.Source, &rule.Destination} {
		for i := range side.Prefixes {
			a := &side.Prefixes[i]
			switch {
			case a.Kind != topology.PrefixAddress:
			case a.Prefix.Addr().Is4():
				v4 = a
			default:
				v6 = a
			}
		}
	}
	if v4 != nil && v6 != nil {
		f.RefuseAt(n, "expected one address family in a rule, found "+source.Escape(v4.Text)+" and "+source.Escape(v6.Text)+
			" (ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies)", "write one rule for each family")
	}
}

func (r *Reader) expandedPrefixes(n *doctree.Node) []netip.Prefix {
	return r.File.Prefixes(n)
}

func (r *Reader) ports(o *object, m *topology.Match, names sideNames, proto topology.Protocol) {
	f := r.File
	one, many := o.get(names.port), o.get(names.ports)
	single, list := f.Items(one), f.Items(many)
	if f.Err != nil {
		return
	}
	if len(single) > 0 && len(list) > 0 && !samePorts(single, list) {
		f.Refuse(many, "expected the same ports as in the singular property", "keep one of the two")
		return
	}
	n := many
	if len(list) == 0 {
		n = one
	}
	m.Ports, m.PortsUnresolved = f.Ports(n)
	if f.Err != nil || len(m.Ports) > 0 || m.PortsUnresolved {
		return
	}
	switch proto {
	case topology.ICMP, topology.ESP, topology.AH:
	default:
		o.refuse(names.port, "expected a port, a range or *", `a rule that means every port says "*"`)
	}
}

// samePorts compares port lists; effective rules repeat "443" as "443-443".
func samePorts(a, b []*doctree.Node) bool {
	norm := func(nodes []*doctree.Node) []string {
		out := sortedTexts(nodes)
		for i, s := range out {
			if first, last, ok := strings.Cut(s, "-"); ok && first == last {
				out[i] = first
			} else if s == "*" {
				out[i] = "0-65535"
			}
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	return slices.Equal(norm(a), norm(b))
}

// CheckRules warns of what loads all the same in the rules of a group: names
// and priorities used twice, more rules than Azure allows.
func CheckRules(f *source.File, n *doctree.Node, g *topology.NetworkSecurityGroup) {
	if len(g.SecurityRules) > 1000 {
		f.Say(source.Warning, n, "", "%s has %d rules; Azure allows 1,000", source.Quote(g.Name), len(g.SecurityRules))
	}
	type slot struct {
		direction topology.Direction
		priority  int
	}
	names := make(map[string]*topology.SecurityRule, len(g.SecurityRules))
	slots := make(map[slot]*topology.SecurityRule, len(g.SecurityRules))
	for _, rule := range g.SecurityRules {
		key := strings.ToLower(rule.Name)
		if old := names[key]; old != nil {
			f.Add(source.Diagnostic{Severity: source.Warning, Origin: rule.Origin,
				Message: "rule " + source.Quote(rule.Name) + " of " + source.Escape(g.Name) + " is there twice, first at " + old.Origin.String()})
		}
		names[key] = rule
		if slices.Contains(rule.Unresolved, "priority") || slices.Contains(rule.Unresolved, "direction") {
			continue
		}
		s := slot{rule.Direction, rule.Priority}
		if old := slots[s]; old != nil {
			severity := source.Warning
			if old.Access != rule.Access {
				severity = source.Doubt
			}
			f.Add(source.Diagnostic{Severity: severity, Origin: rule.Origin,
				Message: "rules " + source.Quote(old.Name) + " and " + source.Quote(rule.Name) + " of " + source.Escape(g.Name) + " have the same priority and direction",
				Hint:    "Azure refuses this; where the two disagree the verdict is Unknown"})
		} else {
			slots[s] = rule
		}
	}
}

// checkDefaults compares exported default rules with the documented six, which
// hold in any case (bad-inputs rows 111 and 112).
func (r *Reader) checkDefaults(o *object, g *topology.NetworkSecurityGroup) {
	if len(g.DefaultRules) == 0 {
		return
	}
	list := o.get("defaultSecurityRules")
	for _, want := range topology.DefaultSecurityRules() {
		i := slices.IndexFunc(g.DefaultRules, func(d *topology.SecurityRule) bool {
			return strings.EqualFold(topology.BareRuleName(d.Name), want.Name)
		})
		switch {
		case i < 0:
			r.File.Say(source.Warning, list, "it cannot be deleted and is taken to be there", "the default rule %s of %s is missing", want.Name, source.Quote(g.Name))
		case !sameRule(g.DefaultRules[i], want):
			r.File.Add(source.Diagnostic{Severity: source.Doubt, Origin: g.DefaultRules[i].Origin,
				Message: "the default rule " + want.Name + " of " + source.Quote(g.Name) + " is not as documented",
				Hint:    "default rules cannot be changed; where the two would decide otherwise the verdict is Unknown"})
		}
	}
}

// sameRule reports whether two rules match the same packets and do the same.
func sameRule(a, b *topology.SecurityRule) bool {
	return a.Priority == b.Priority && a.Direction == b.Direction && a.Access == b.Access && a.Protocol == b.Protocol &&
		sameMatch(&a.Source, &b.Source) && sameMatch(&a.Destination, &b.Destination)
}

func sameMatch(a, b *topology.Match) bool {
	return slices.Equal(a.Ports, b.Ports) && len(a.ASGs) == 0 && len(b.ASGs) == 0 &&
		slices.EqualFunc(a.Prefixes, b.Prefixes, func(p, q topology.AddressPrefix) bool {
			return p.Kind == q.Kind && p.Prefix == q.Prefix && strings.EqualFold(p.Tag, q.Tag)
		})
}
