package arm

import (
	"net/netip"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/source"
)

const viewInterface = "securityGroupViewInterface"

// effectiveSecurityGroup reads one element of an effective NSG export.
func (r *Reader) effectiveSecurityGroup(o *object) {
	g := &topology.EffectiveSecurityGroup{Origin: r.File.Origin(o.node), NetworkSecurityGroup: o.ref("networkSecurityGroup")}
	if o.has("association") {
		a := o.child("association")
		g.Subnet, g.NetworkInterface = a.ref("subnet"), a.ref("networkInterface")
	}
	rules, _ := o.objects("effectiveSecurityRules")
	g.Rules = r.effectiveRules(rules)
	g.TagMap = r.tagMap(o.get("tagMap"))
	if r.File.Err == nil {
		r.EffectiveSecurityGroups = append(r.EffectiveSecurityGroups, g)
	}
}

func (r *Reader) effectiveRules(list []*object) []*topology.SecurityRule {
	out := make([]*topology.SecurityRule, 0, len(list))
	for _, ro := range list {
		rule := &topology.SecurityRule{}
		r.rule(ro, rule, "/effective", "securityRules", effectiveRule)
		rule.Default = rule.Priority >= 65000
		out = append(out, rule)
	}
	return out
}

// tagMap reads the expanded tags: an object of lists, or the object's text as
// some SDKs write it.
func (r *Reader) tagMap(n *doctree.Node) map[string][]netip.Prefix {
	if source.IsEmpty(n) {
		return nil
	}
	if n.Kind != doctree.Object {
		r.File.Say(source.Warning, n, "export it with az or the REST API", "the tag map is %s and is not read", n.Kind)
		return nil
	}
	out := make(map[string][]netip.Prefix, len(n.Members))
	for i := range n.Members {
		out[n.Members[i].Key] = r.File.Prefixes(n.Members[i].Value)
	}
	return out
}

// securityGroupView reads the old security group view of Network Watcher.
func (r *Reader) securityGroupView(o *object) {
	nics, _ := o.objects("networkInterfaces")
	for _, no := range nics {
		r.viewInterface(no)
	}
}

func (r *Reader) viewInterface(o *object) {
	nic := topology.Ref{Text: o.text("id"), Origin: r.File.Origin(o.get("id"))}
	if !o.has("securityRuleAssociations") {
		return
	}
	all := o.child("securityRuleAssociations")
	emit := func(part *object, subnet topology.Ref) {
		rules, given := part.objects("effectiveSecurityRules")
		if !given || len(rules) == 0 {
			return
		}
		r.EffectiveSecurityGroups = append(r.EffectiveSecurityGroups, &topology.EffectiveSecurityGroup{
			Origin: r.File.Origin(part.node), Subnet: subnet, NetworkInterface: nic, Rules: r.effectiveRules(rules)})
	}
	if all.has("subnetAssociation") {
		part := all.child("subnetAssociation")
		emit(part, topology.Ref{Text: part.text("id"), Origin: r.File.Origin(part.get("id"))})
	}
	if all.has("networkInterfaceAssociation") {
		emit(all.child("networkInterfaceAssociation"), topology.Ref{})
	}
	emit(all, topology.Ref{})
}

var effectiveNextHops = []string{string(topology.NextHopVnetLocal), string(topology.NextHopVNetPeering), string(topology.NextHopGlobalPeering),
	string(topology.NextHopConnectedGroup), string(topology.NextHopInternet), string(topology.NextHopVirtualAppliance), string(topology.NextHopGateway),
	string(topology.NextHopServiceEndpoint), string(topology.NextHopPrivateEndpoint), string(topology.NextHopNone), "HyperNetGateway"}

func (r *Reader) effectiveRouteRow(o *object) {
	f := r.File
	row := topology.EffectiveRoute{
		Source:    f.OneOf(o.get("source"), "Unknown", "User", "VirtualNetworkGateway", "Default"),
		State:     f.OneOf(o.get("state"), "Active", "Invalid"),
		Prefixes:  f.Prefixes(o.get("addressPrefix")),
		NextHop:   topology.NextHopType(f.OneOf(o.get("nextHopType"), effectiveNextHops...)),
		NextHopIP: f.Addrs(o.get("nextHopIpAddress")),
		Tags:      f.Texts(o.get("destinationServiceTags")),
		Origin:    f.Origin(o.node),
	}
	switch {
	case row.NextHop == "":
		o.refuse("nextHopType", "expected a nextHopType", "")
	case len(row.Prefixes) == 0 && len(row.Tags) == 0:
		o.refuse("addressPrefix", "expected an address prefix", "")
	}
	r.EffectiveRoutes = append(r.EffectiveRoutes, row)
}

// adminRule reads a security admin rule, effective or as configured.
func (r *Reader) adminRule(o *object) {
	f := r.File
	rule := &topology.AdminRule{Element: o.element("", "")}
	if f.OneOf(o.get("kind"), "Custom", "Default") == "Default" && !o.has("access") {
		o.refuse("kind", "expected a rule with its access; the content of a default rule is not in the export", "")
		return
	}
	rule.Priority = f.Decimal(o.get("priority"), 0, 4096, "a priority")
	if rule.Direction = f.Direction(o.get("direction")); rule.Direction == topology.NoDirection {
		o.refuse("direction", "expected a direction, Inbound or Outbound", "")
	}
	if rule.Access = f.Access(o.get("access"), "Allow", "AlwaysAllow", "Deny"); rule.Access == topology.NoAccess {
		o.refuse("access", "expected an access: Allow, AlwaysAllow or Deny", "")
	}
	if rule.Protocol = f.Protocol(o.get("protocol")); rule.Protocol == topology.NoProtocol {
		o.refuse("protocol", "expected a protocol: Tcp, Udp, Icmp, Esp, Ah or Any", "")
	}
	rule.Source.Prefixes = r.adminAddresses(o, "sources")
	rule.Destination.Prefixes = r.adminAddresses(o, "destinations")
	r.adminPorts(o, &rule.Source, "sourcePortRanges", rule.Protocol)
	r.adminPorts(o, &rule.Destination, "destinationPortRanges", rule.Protocol)
	if f.Err == nil {
		r.add(rule)
	}
}

// adminPorts reads the ports of one side. Exports give them even where they
// are all; an absent list may mean any port.
func (r *Reader) adminPorts(o *object, m *topology.Match, name string, proto topology.Protocol) {
	m.Ports, m.PortsUnresolved = r.File.Ports(o.get(name))
	if len(m.Ports) > 0 || m.PortsUnresolved || r.File.Err != nil {
		return
	}
	switch proto {
	case topology.ICMP, topology.ESP, topology.AH:
		m.Ports = []topology.PortRange{topology.AllPorts}
	default:
		m.PortsUnresolved = true
		r.File.Say(source.Doubt, o.node, "", "the security admin rule %s has no %s: it may name any port", source.Quote(o.label()), name)
	}
}

func (r *Reader) adminAddresses(o *object, name string) []topology.AddressPrefix {
	list, _ := o.objects(name)
	out := make([]topology.AddressPrefix, 0, len(list))
	for _, a := range list {
		if strings.EqualFold(a.text("addressPrefixType"), "NetworkGroup") {
			a.refuse("addressPrefixType", "expected addressPrefixType IPPrefix or ServiceTag", "network groups as addresses are not read yet")
		}
		out = append(out, r.File.Address(a.get("addressPrefix")))
	}
	if len(out) == 0 {
		at := r.File.Origin(o.node)
		r.File.Say(source.Doubt, o.node, "", "the security admin rule %s has no %s: it may name any address", source.Quote(o.label()), name)
		out = append(out, topology.AddressPrefix{Kind: topology.UnresolvedAddress, Origin: &at})
	}
	return out
}
