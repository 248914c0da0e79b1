package arm

import (
	"slices"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/source"
)

// Element reads one element of the given kind (see [Kind]). Where the element
// is refused, File.Err says why.
func (r *Reader) Element(n *doctree.Node, kind string) {
	s := r.Table.Shape(kind)
	if s == nil {
		r.unknownType(n, kind)
		return
	}
	found := r.Ledger.Count(r.File, n, s)
	if found.Lost != nil {
		r.File.Refuse(found.Lost, "expected a value, cut off by PowerShell's depth", source.DepthHint)
	}
	if found.Mixed != nil {
		r.File.Refuse(found.Mixed, "expected one dialect in an object: this property stands beside \"properties\", the others inside", "export the resource again")
	}
	if r.File.Err != nil {
		return
	}
	r.notModelled = found.NotModelled
	o := r.open(n, s)
	decode, ok := decoders[s.Name]
	if !ok {
		r.File.RefuseAt(n, "expected a resource; "+s.Name+" is part of one", "export the whole resource")
		return
	}
	decode(r, o)
}

// decoders holds a decoder for each kind of element that may stand alone.
var decoders = map[string]func(*Reader, *object){
	"Microsoft.Network/networkSecurityGroups":                                             (*Reader).networkSecurityGroup,
	"Microsoft.Network/networkSecurityGroups/securityRules":                               (*Reader).securityRule,
	"Microsoft.Network/applicationSecurityGroups":                                         (*Reader).applicationSecurityGroup,
	"Microsoft.Network/virtualNetworks":                                                   (*Reader).virtualNetwork,
	"Microsoft.Network/virtualNetworks/subnets":                                           (*Reader).subnet,
	"Microsoft.Network/virtualNetworks/virtualNetworkPeerings":                            (*Reader).peering,
	"Microsoft.Network/networkInterfaces":                                                 (*Reader).networkInterface,
	"Microsoft.Network/networkInterfaces/ipConfigurations":                                (*Reader).ipConfiguration,
	"Microsoft.Network/publicIPAddresses":                                                 (*Reader).publicIPAddress,
	"Microsoft.Network/natGateways":                                                       (*Reader).natGateway,
	"Microsoft.Network/routeTables":                                                       (*Reader).routeTable,
	"Microsoft.Network/routeTables/routes":                                                (*Reader).route,
	"Microsoft.Network/virtualNetworkGateways":                                            (*Reader).virtualNetworkGateway,
	"Microsoft.Network/localNetworkGateways":                                              (*Reader).localNetworkGateway,
	"Microsoft.Network/connections":                                                       (*Reader).connection,
	"Microsoft.Network/loadBalancers":                                                     (*Reader).loadBalancer,
	"Microsoft.Network/loadBalancers/frontendIPConfigurations":                            (*Reader).frontend,
	"Microsoft.Network/loadBalancers/backendAddressPools":                                 (*Reader).backendPool,
	"Microsoft.Network/loadBalancers/loadBalancingRules":                                  (*Reader).loadBalancingRule,
	"Microsoft.Network/loadBalancers/inboundNatRules":                                     (*Reader).inboundNATRule,
	"Microsoft.Network/loadBalancers/outboundRules":                                       (*Reader).outboundRule,
	"Microsoft.Network/privateEndpoints":                                                  (*Reader).privateEndpoint,
	"Microsoft.Network/azureFirewalls":                                                    (*Reader).azureFirewall,
	"Microsoft.Network/firewallPolicies":                                                  (*Reader).firewallPolicy,
	"Microsoft.Network/firewallPolicies/ruleCollectionGroups":                             (*Reader).ruleCollectionGroup,
	"Microsoft.Network/ipGroups":                                                          (*Reader).ipGroup,
	"Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules": (*Reader).adminRule,
	"Microsoft.Compute/virtualMachines":                                                   (*Reader).virtualMachine,
	"Microsoft.Compute/disks":                                                             (*Reader).disk,
	"Microsoft.RecoveryServices/vaults":                                                   (*Reader).vault,
	"Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems": (*Reader).protectedItem,
	"Microsoft.Storage/storageAccounts":                                                   (*Reader).storageAccount,
	effectiveGroup:                                                                        (*Reader).effectiveSecurityGroup,
	effectiveRoute:                                                                        (*Reader).effectiveRouteRow,
	securityGroupView:                                                                     (*Reader).securityGroupView,
	viewInterface:                                                                         (*Reader).viewInterface,
}

// unknownType counts a resource of a type that is not modelled.
func (r *Reader) unknownType(n *doctree.Node, kind string) {
	name := textOf(n.Fold("name"))
	if name == "" {
		id := textOf(n.Fold("id"))
		name = id[strings.LastIndexByte(id, '/')+1:]
	}
	leaves := n.Leaves()
	r.Ledger.Leaves += leaves
	r.Ledger.NotModelled += leaves
	if r.Ledger.Unmodelled == nil {
		r.Ledger.Unmodelled = map[string]int{}
	}
	if r.Ledger.Unmodelled[kind]++; r.Ledger.Unmodelled[kind] > 1 {
		return // one gap speaks for all of the type: a file may hold a million
	}
	r.Gaps = append(r.Gaps, topology.Gap{Kind: topology.UnknownType, ResourceType: kind, Name: name,
		Text: "resources of the type " + source.Escape(kind) + " are not modelled", Origin: r.File.Origin(n)})
}

func (r *Reader) add(e topology.Any) { r.Resources = append(r.Resources, e) }

// stub reports an element that is listed without its properties, as
// "az resource list" lists all of them. Its absence from the estate is then
// not evidence of anything.
func (r *Reader) stub(o *object) bool {
	if o.bag || r.File.Err != nil {
		return false
	}
	r.File.Say(source.Doubt, o.node, "export the resource itself", "%s is listed without its properties and counts as not exported", source.Quote(o.label()))
	if slices.ContainsFunc(r.Gaps, func(g topology.Gap) bool { return g.Kind == topology.ListCut && g.ResourceType == o.shape.Name }) {
		return true
	}
	r.Gaps = append(r.Gaps, topology.Gap{Kind: topology.ListCut, ResourceType: o.shape.Name, Name: o.label(),
		Text: source.Escape(o.label()) + " is listed without its properties", Origin: r.File.Origin(o.node)})
	return true
}

func (o *object) label() string {
	if s := textOf(o.get("name")); s != "" {
		return s
	}
	id := textOf(o.get("id"))
	return id[strings.LastIndexByte(id, '/')+1:]
}
