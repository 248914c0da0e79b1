package arm

import (
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology/load/property"
	"github.com/netpath/netpath/topology/load/source"
)

// The shapes that have no resource type.
const (
	effectiveGroup    = "effectiveNetworkSecurityGroup"
	effectiveRoute    = "effectiveRoute"
	securityGroupView = "securityGroupView"
)

// Kind says what an element is: the name of its shape in the property table,
// or the resource type where the table does not know it. It goes by the
// element's type, else its ID, else by the properties it has; "" where nothing
// tells.
func Kind(t *property.Table, n *doctree.Node) string {
	if n == nil || n.Kind != doctree.Object {
		return ""
	}
	if typ := textOf(n.Fold("type")); strings.Contains(typ, "/") {
		return canonical(t, typ)
	}
	if typ := TypeOf(textOf(n.Fold("id"))); typ != "" && n.Fold("securityRuleAssociations") == nil {
		return canonical(t, typ)
	}
	return kindByProperties(n)
}

func textOf(n *doctree.Node) string {
	if n == nil || n.Kind != doctree.String {
		return ""
	}
	return n.Text
}

// TypeOf returns the resource type that an ID names:
// "Microsoft.Network/virtualNetworks/subnets" for
// "/subscriptions/…/providers/Microsoft.Network/virtualNetworks/v/subnets/s".
func TypeOf(id string) string {
	const mark = "/providers/"
	i := strings.LastIndex(strings.ToLower(id), mark)
	if i < 0 {
		return ""
	}
	parts := strings.Split(strings.Trim(id[i+len(mark):], "/"), "/")
	if len(parts) < 3 || len(parts)%2 == 0 {
		return ""
	}
	typ := parts[0]
	for j := 1; j < len(parts); j += 2 {
		typ += "/" + parts[j]
	}
	return typ
}

// canonical folds a type to the table's spelling, and the types of scale set
// instances and default rules to those they are like.
func canonical(t *property.Table, typ string) string {
	if s := t.Shape(typ); s != nil {
		return s.Name
	}
	low := strings.ToLower(strings.Trim(typ, "/"))
	if scaleSet, ok := strings.CutPrefix(low, "microsoft.compute/virtualmachinescalesets/"); ok {
		switch {
		case scaleSet == "virtualmachines":
			low = "microsoft.compute/virtualmachines"
		case strings.HasSuffix(scaleSet, "/publicipaddresses"):
			low = "microsoft.network/publicipaddresses"
		case strings.HasSuffix(scaleSet, "networkinterfaces/ipconfigurations"):
			low = "microsoft.network/networkinterfaces/ipconfigurations"
		case strings.HasSuffix(scaleSet, "networkinterfaces"):
			low = "microsoft.network/networkinterfaces"
		}
	}
	switch low {
	case "microsoft.network/networksecuritygroups/defaultsecurityrules":
		low = "microsoft.network/networksecuritygroups/securityrules"
	case "microsoft.network/networkmanagers/securityadminconfigurations/rulecollections/defaultrules":
		low = "microsoft.network/networkmanagers/securityadminconfigurations/rulecollections/rules"
	case "microsoft.network/firewallpolicies/rulegroups":
		low = "microsoft.network/firewallpolicies/rulecollectiongroups"
	case "microsoft.network/virtualnetworkgateways/connections":
		low = "microsoft.network/connections"
	}
	if s := t.Shape(low); s != nil {
		return s.Name
	}
	return typ
}

// signatures tell elements without type and ID apart: the first whose
// properties are all there names the kind.
var signatures = []struct {
	kind string
	keys []string
}{
	{effectiveGroup, []string{"effectiveSecurityRules"}},
	{viewInterface, []string{"securityRuleAssociations"}},
	{effectiveRoute, []string{"source", "state", "addressPrefix", "nextHopType"}},
	{"Microsoft.Network/networkSecurityGroups", []string{"securityRules"}},
	{"Microsoft.Network/networkSecurityGroups", []string{"defaultSecurityRules"}},
	{"Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules", []string{"sources", "destinations", "access", "direction"}},
	{"Microsoft.Network/networkSecurityGroups/securityRules", []string{"access", "direction", "priority"}},
	{"Microsoft.Network/virtualNetworks", []string{"addressSpace", "subnets"}},
	{"Microsoft.Network/virtualNetworks", []string{"addressSpace", "virtualNetworkPeerings"}},
	{"Microsoft.Network/virtualNetworks/virtualNetworkPeerings", []string{"remoteVirtualNetwork"}},
	{"Microsoft.Network/routeTables/routes", []string{"addressPrefix", "nextHopType"}},
	{"Microsoft.Network/routeTables", []string{"routes", "disableBgpRoutePropagation"}},
	{"Microsoft.Network/virtualNetworkGateways", []string{"gatewayType", "ipConfigurations"}},
	{"Microsoft.Network/azureFirewalls", []string{"ipConfigurations", "threatIntelMode"}},
	{"Microsoft.Network/networkInterfaces", []string{"ipConfigurations", "enableIPForwarding"}},
	{"Microsoft.Network/loadBalancers", []string{"frontendIPConfigurations", "backendAddressPools"}},
	{"Microsoft.Network/privateEndpoints", []string{"privateLinkServiceConnections", "subnet"}},
	{"Microsoft.Network/publicIPAddresses", []string{"publicIPAllocationMethod", "publicIPAddressVersion"}},
	{"Microsoft.Network/virtualNetworks/subnets", []string{"addressPrefix", "privateEndpointNetworkPolicies"}},
	{"Microsoft.Network/localNetworkGateways", []string{"localNetworkAddressSpace"}},
	{"Microsoft.Compute/virtualMachines", []string{"networkProfile", "storageProfile"}},
}

func kindByProperties(n *doctree.Node) string {
	bag := n.Fold("properties")
	has := func(key string) bool { return !source.IsNull(n.Fold(key)) || !source.IsNull(bag.Fold(key)) }
next:
	for _, s := range signatures {
		for _, k := range s.keys {
			if !has(k) {
				continue next
			}
		}
		return s.kind
	}
	if nics := n.Fold("networkInterfaces"); nics != nil && nics.Kind == doctree.Array {
		for _, nic := range nics.Items {
			if nic.Fold("securityRuleAssociations") != nil {
				return securityGroupView
			}
		}
	}
	return ""
}
