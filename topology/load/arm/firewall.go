package arm

import (
	"net/netip"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/source"
)

// RuleCollectionGroup is a rule collection group of a firewall policy. The
// loader moves its collections into the policy.
type RuleCollectionGroup struct {
	topology.Element
	Collections []*topology.RuleCollection
}

func (r *Reader) azureFirewall(o *object) {
	if r.stub(o) {
		return
	}
	w := &topology.AzureFirewall{
		Element:         o.element("", ""),
		Policy:          o.ref("firewallPolicy"),
		ThreatIntelMode: r.File.OneOf(o.get("threatIntelMode"), "Alert", "Deny", "Off"),
	}
	configs, _ := o.objects("ipConfigurations")
	for _, c := range configs {
		if subnet := c.ref("subnet"); !subnet.IsZero() && w.Subnet.IsZero() {
			w.Subnet = subnet
			w.VirtualNetwork = topology.Ref{Text: parentOf(subnet.Text), Origin: subnet.Origin}
		}
		if a := r.File.Addr(c.get("privateIPAddress")); a.IsValid() && !w.PrivateIPAddress.IsValid() {
			w.PrivateIPAddress = a
		}
		if ip := c.ref("publicIPAddress"); !ip.IsZero() {
			w.PublicIPs = append(w.PublicIPs, ip)
		}
	}
	for _, part := range []struct {
		name string
		kind topology.CollectionKind
	}{
		{"natRuleCollections", topology.NATCollection},
		{"networkRuleCollections", topology.NetworkCollection},
		{"applicationRuleCollections", topology.ApplicationCollection},
	} {
		list, _ := o.objects(part.name)
		for _, co := range list {
			w.Collections = append(w.Collections, r.classicCollection(co, w.ResourceID, part.name, part.kind))
		}
	}
	r.add(w)
}

func (r *Reader) classicCollection(o *object, parent, segment string, kind topology.CollectionKind) *topology.RuleCollection {
	c := &topology.RuleCollection{Element: o.element(parent, segment), Kind: kind}
	r.collection(o, c, c.ResourceID)
	return c
}

// collection reads what classic and policy collections have in common.
func (r *Reader) collection(o *object, c *topology.RuleCollection, id string) {
	c.Priority = r.File.Decimal(o.get("priority"), 100, 65000, "the priority of the rule collection")
	if c.Kind != topology.NATCollection {
		action := ""
		if o.get("action") != nil {
			action = r.File.OneOf(o.child("action").get("type"), "Allow", "Deny")
		}
		switch action {
		case "Allow":
			c.Action = topology.Allow
		case "Deny":
			c.Action = topology.Deny
		default:
			o.refuse("action", "expected an action, Allow or Deny", "")
		}
	}
	rules, _ := o.objects("rules")
	for _, ro := range rules {
		rule := &topology.FirewallRule{Element: topology.Element{
			Name: ro.text("name"), Origin: r.File.Origin(ro.node), NotModelled: r.notModelled[ro.node]}}
		rule.ResourceID = id + "/rules/" + rule.Name
		r.firewallRule(ro, rule, c.Kind)
		c.Rules = append(c.Rules, rule)
	}
}

func (r *Reader) firewallRule(o *object, rule *topology.FirewallRule, kind topology.CollectionKind) {
	f := r.File
	FirewallRule{
		Name:           "rule " + source.Quote(rule.Name),
		Node:           o.node,
		Sources:        o.get("sourceAddresses"),
		SourceIPGroups: o.get("sourceIpGroups"),
		Destinations:   o.get("destinationAddresses"),
		IPGroups:       o.get("destinationIpGroups"),
		FQDNs:          o.get("destinationFqdns"),
		Ports:          o.get("destinationPorts"),
	}.Read(f, rule, kind)
	rule.FQDNTags = f.Texts(o.get("fqdnTags"))
	rule.TargetFQDNs = f.Texts(o.get("targetFqdns"))
	rule.TargetURLs = f.Texts(o.get("targetUrls"))
	rule.WebCategories = f.Texts(o.get("webCategories"))
	if kind == topology.ApplicationCollection {
		list, _ := o.objects("protocols")
		for _, po := range list {
			rule.Application = append(rule.Application, topology.ApplicationProtocol{
				Type: f.OneOf(po.get("protocolType"), "Http", "Https", "Mssql"),
				Port: f.Decimal(po.get("port"), 0, 64000, "a port"),
			})
		}
		return
	}
	protocols := o.get("ipProtocols")
	if protocols == nil {
		protocols = o.get("protocols")
	}
	rule.Protocols = FirewallProtocols(f, o.node, protocols)
	if kind == topology.NATCollection {
		rule.Translated = f.Addr(o.get("translatedAddress"))
		rule.TranslatedFQDN = o.text("translatedFqdn")
		if o.has("translatedPort") {
			rule.TranslatedPort = f.Decimal(o.get("translatedPort"), 1, 65535, "a port")
		}
	}
}

// FirewallRule holds the nodes of the address and port properties of a
// firewall rule.
type FirewallRule struct {
	Name                                                          string
	Node                                                          *doctree.Node
	Sources, SourceIPGroups, Destinations, IPGroups, FQDNs, Ports *doctree.Node
	HasGroups                                                     [2]bool // IP groups of the source and the destination are read elsewhere
}

// Read reads the properties into the rule. A side without any address is
// refused: it never means every address.
func (in FirewallRule) Read(f *source.File, rule *topology.FirewallRule, kind topology.CollectionKind) {
	rule.Sources = f.Addresses(in.Sources)
	rule.SourceIPGroups = idRefs(f, in.SourceIPGroups)
	rule.Destinations = f.Addresses(in.Destinations)
	rule.DestinationIPGroups = idRefs(f, in.IPGroups)
	rule.DestinationFQDNs = f.Texts(in.FQDNs)
	for _, list := range [][]topology.AddressPrefix{rule.Sources, rule.Destinations} {
		for _, a := range list {
			if a.Kind == topology.UnresolvedAddress {
				rule.Unresolved = append(rule.Unresolved, "addresses")
			}
		}
	}
	var open bool
	if rule.Ports, open = f.Ports(in.Ports); open && f.Err == nil {
		rule.Unresolved = append(rule.Unresolved, "destinationPorts")
	}
	switch {
	case f.Err != nil:
	case len(rule.Sources) == 0 && len(rule.SourceIPGroups) == 0 && !in.HasGroups[0]:
		f.RefuseAt(in.Node, "expected sourceAddresses or sourceIpGroups in "+in.Name, `every address is "*"`)
	case kind == topology.ApplicationCollection:
	case len(rule.Destinations) == 0 && len(rule.DestinationIPGroups) == 0 && len(rule.DestinationFQDNs) == 0 && !in.HasGroups[1]:
		f.RefuseAt(in.Node, "expected destinations in "+in.Name, `every address is "*"`)
	case len(rule.Ports) == 0 && !open:
		f.RefuseAt(in.Node, "expected destinationPorts in "+in.Name, `every port is "*"`)
	}
}

// idRefs reads a list of IDs or of objects with an id; one alone is a list of
// one.
func idRefs(f *source.File, n *doctree.Node) []topology.Ref {
	if source.IsEmpty(n) {
		return nil
	}
	items := []*doctree.Node{n}
	if n.Kind == doctree.Array {
		items = n.Items
	}
	r := Reader{File: f}
	var out []topology.Ref
	for _, it := range items {
		if ref := r.ref(it); !ref.IsZero() {
			out = append(out, ref)
		} else {
			f.Refuse(it, "expected the ID of an IP group", "")
		}
	}
	return out
}

// FirewallProtocols reads the protocols of a network or NAT rule.
func FirewallProtocols(f *source.File, at, n *doctree.Node) []topology.Protocol {
	var out []topology.Protocol
	for _, it := range f.Items(n) {
		out = append(out, f.Protocol(it))
	}
	if len(out) == 0 && f.Err == nil {
		f.RefuseAt(at, "expected protocols: TCP, UDP, ICMP or Any", "")
	}
	return out
}

func (r *Reader) firewallPolicy(o *object) {
	r.add(&topology.FirewallPolicy{
		Element:         o.element("", ""),
		BasePolicy:      o.ref("basePolicy"),
		ThreatIntelMode: r.File.OneOf(o.get("threatIntelMode"), "Alert", "Deny", "Off"),
		GroupRefs:       o.refs("ruleCollectionGroups"),
	})
}

func (r *Reader) ruleCollectionGroup(o *object) {
	if r.stub(o) {
		return
	}
	g := &RuleCollectionGroup{Element: o.element("", "")}
	priority := r.File.Decimal(o.get("priority"), 100, 65000, "the priority of the rule collection group")
	list, _ := o.objects("ruleCollections")
	for _, co := range list {
		c := &topology.RuleCollection{Group: g.Name, GroupPriority: priority}
		c.Element = topology.Element{Name: co.text("name"), Origin: r.File.Origin(co.node), NotModelled: r.notModelled[co.node]}
		c.ResourceID = g.ResourceID + "/ruleCollections/" + c.Name
		r.policyKind(co, c)
		if r.File.Err != nil {
			return
		}
		r.collection(co, c, c.ResourceID)
		g.Collections = append(g.Collections, c)
	}
	if r.File.Err == nil {
		r.add(g)
	}
}

// policyKind reads what a policy's collection holds: its rules say so.
func (r *Reader) policyKind(o *object, c *topology.RuleCollection) {
	if strings.EqualFold(o.text("ruleCollectionType"), "FirewallPolicyNatRuleCollection") {
		c.Kind = topology.NATCollection
		return
	}
	rules, _ := o.objects("rules")
	for _, ro := range rules {
		kind := topology.NetworkCollection
		switch r.File.OneOf(ro.get("ruleType"), "NetworkRule", "ApplicationRule", "NatRule") {
		case "NetworkRule":
		case "ApplicationRule":
			kind = topology.ApplicationCollection
		case "NatRule":
			kind = topology.NATCollection
		default:
			ro.refuse("ruleType", "expected a ruleType: NetworkRule, ApplicationRule or NatRule", "")
		}
		if c.Kind != topology.NoCollection && c.Kind != kind {
			ro.refuse("ruleType", "expected rules of one type in a collection", "")
		}
		c.Kind = kind
	}
	if len(rules) == 0 {
		c.Kind = topology.NetworkCollection
	}
}

func (r *Reader) ipGroup(o *object) {
	g := &topology.IPGroup{Element: o.element("", ""), Given: o.get("ipAddresses") != nil}
	if g.Given {
		g.Prefixes = []netip.Prefix{} // an empty list says so
	}
	for _, it := range r.File.Items(o.get("ipAddresses")) {
		g.Prefixes = append(g.Prefixes, r.File.Range(it)...)
	}
	if !g.Given {
		r.File.Say(source.Doubt, o.node, "export the IP group itself", "%s comes without its addresses", source.Quote(g.Name))
	}
	r.add(g)
}
