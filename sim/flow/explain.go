package flow

// Explanation says what a code of an answer, or an assumption, means.
type Explanation struct {
	Code   string // "NSG_RULE_DENY"
	Kind   Meaning
	Means  string // one or two sentences
	Next   string // what settles or mends it, "" where nothing has to be
	Source string // keys of the documents behind it, "" for what is said of the data alone
}

// Meaning is what kind of thing a code is.
type Meaning string

// The kinds.
const (
	MeansPass       Meaning = "lets the packet pass"
	MeansStop       Meaning = "stops the packet"
	MeansOpen       Meaning = "leaves the answer open"
	MeansFinding    Meaning = "a finding beside the answer"
	MeansAssumption Meaning = "an assumption"
)

// Explanations lists every code and assumption, in the order of their
// declarations.
func Explanations() []Explanation {
	pass := func(c Code, means, source string) Explanation {
		return Explanation{string(c), MeansPass, means, "", source}
	}
	stop := func(c Code, means, next, source string) Explanation {
		return Explanation{string(c), MeansStop, means, next, source}
	}
	open := func(c Code, means, next, source string) Explanation {
		return Explanation{string(c), MeansOpen, means, next, source}
	}
	assume := func(a AssumptionID, means, next, source string) Explanation {
		return Explanation{string(a), MeansAssumption, means, next, source}
	}
	return []Explanation{
		pass(NSGRuleAllow, "A rule of an NSG, a default rule perhaps, allows the packet; it is the last one that let it through.", "NSG, HOW"),
		stop(NSGRuleDeny, "A rule of an NSG, a default rule perhaps, denies the packet: the first by priority that matches.", "Allow the packet by a rule of a lower number, or narrow the one named.", "NSG, HOW"),
		pass(NoNSG, "No NSG is on the interface or its subnet: that level allows everything.", "HOW"),
		pass(AdminRuleAllow, "A security admin rule allows the packet; NSGs are asked after it.", "AVNM"),
		pass(AdminRuleAlwaysAllow, "A security admin rule always allows the packet; NSGs are not asked.", "AVNM"),
		stop(AdminRuleDeny, "A security admin rule denies the packet; no NSG can allow it.", "The rule belongs to the network manager: ask who runs it.", "AVNM"),
		pass(PlatformAddress, "The destination is the platform's own address, which NSGs do not filter unless a rule names its platform tag.", "168, TAG"),
		stop(StandardIPClosed, "A Standard public IP address is closed to the Internet until an NSG allows the traffic, and the interface has none.", "Put an NSG with an allow rule on the interface or its subnet.", "PIP"),
		stop(RouteNone, "The route with the longest prefix has the next hop None, or no route leads there: the packet is dropped.", "Add a route, or take the one to None away; effective-routes shows the choice.", "UDR"),
		stop(RouteLoop, "The routes lead the packet back to where it has been.", "Give the appliance's subnet a route table of its own.", "UDR"),
		open(GatewayNotInEstate, "The route leads to a virtual network gateway that is not in the data.", "Export the gateway: az network vnet-gateway list -g <group> -o json.", "UDR"),
		open(ForcedTunnel, "The packet to the Internet leaves through a gateway; what lies behind it decides.", "Ask whoever runs the network behind the gateway.", "UDR"),
		stop(NVANoForwarding, "The next hop is an interface that does not forward: IP forwarding is off.", "Set enableIPForwarding on the interface, and forwarding inside the machine.", "UDR"),
		open(NVANotFound, "No interface, load balancer or firewall in the data has the address of the next hop.", "Export the interfaces: az network nic list -o json.", "UDR"),
		open(NVASourceUnknown, "The appliance or proxy may send with another source address or port, and a gate after it tells them apart.", "", "UDR"),
		open(PeeringNotConnected, "Whether the peering is connected on both sides is not in the data.", "Export both networks: az network vnet list -o json.", "PEER"),
		stop(PeeringAccessDisabled, "The peering has allowVirtualNetworkAccess off.", "Set allowVirtualNetworkAccess on the peering.", "PEER"),
		open(PeeringForwardedTraffic, "The packet was forwarded, and the receiving side's peering does not have allowForwardedTraffic; the documents disagree whether that stops it.", "Set allowForwardedTraffic on the receiving side's peering.", "PEER"),
		stop(NoEgress, "The subnet has no way out to the Internet: it is private, and has no NAT gateway, public IP address or outbound rule.", "Give it a NAT gateway, or another way out.", "DOA, NAT, LBO"),
		stop(EgressNoICMP, "The way out carries TCP and UDP only.", "Give the machine a public IP address of its own.", "NAT, LBO"),
		open(EgressAddressUnknown, "Which public address the packet leaves with is not known, and a gate after it tells them apart.", "Export the public addresses: az network public-ip list -o json.", "NAT"),
		open(AddressUnknown, "The private address of an interface is not in the data, and a gate tells the addresses of its subnet apart.", "Export the interfaces while the machine runs: az network nic list -o json.", ""),
		stop(NoPublicEntry, "Nothing of the estate takes the packet in from the Internet at this address.", "Give the machine a public IP address, a load balancer rule, or a DNAT rule.", "PIP, LBO, FW"),
		stop(NoSubnetAtDestination, "The address lies in a virtual network's space, but in none of its subnets.", "", "UDR"),
		stop(DeliveredElsewhere, "The address leads to something else than what was asked for: another virtual network has it too, and is nearer, or it is left for on the Internet.", "", "UDR"),
		stop(ReturnNoRoute, "The replies have no route back.", "Look at the routes of the destination's subnet with effective-routes.", "UDR"),
		{string(ReturnPathAsymmetric), MeansFinding, "The replies take another way back than the packet came; a stateful appliance on one of the ways drops them.", "Route both directions through the appliance.", "UDR"},
		stop(PrivateEndpointNotApproved, "The connection of the private endpoint is not approved.", "Approve it on the service's side.", "PENP"),
		pass(FirewallRuleAllow, "A rule of Azure Firewall allows the packet.", "FW, FWP"),
		stop(FirewallRuleDeny, "A rule of Azure Firewall denies the packet.", "", "FW, FWP"),
		stop(FirewallDefaultDeny, "No rule of Azure Firewall matches: it denies by default.", "Add a network or application rule for the traffic.", "FW"),
		open(FirewallContentUnknown, "What the firewall's policy, an IP group, an FQDN or FQDN tag holds is not in the data.", "Export the policy and its rule collection groups, and the IP groups.", "FW, FQT"),
		pass(HostFirewallAllow, "The guest's own firewall lets the packet in.", ""),
		stop(HostFirewallDeny, "The guest's own firewall does not let the packet in.", "Open the port in the guest: New-NetFirewallRule, or the design's hostFirewall.", "BK16"),
		stop(ProxyNotListening, "The proxy listens on another port than the machine's setting names, or is none.", "Set the port of the proxy in the guest.", "BK16"),
		open(ProxyNotFound, "No machine of the data is the proxy that the setting names.", "Describe the proxy in a design file, with its proxyServer.", "BK16"),
		open(ProxyUndecided, "The guest's settings do not decide which proxy is used.", "Make them name one proxy.", "BK16"),
		open(ProxyBypassUnknown, "Whether the machine goes past its proxy for this destination is not known.", "Name the host asked for, or export the guest's no_proxy.", "BK16"),
		stop(ProxyAuthRequired, "The proxy asks for authentication, which the backup extension cannot give.", "Let the machines through without authentication.", "BK18, SQLB"),
		stop(ProxyHostNotAllowed, "No entry of the proxy's allow list covers the host.", "Add the host names of the service, *.blob.core.windows.net for Storage.", "BK16"),
		pass(ProxyAllow, "The proxy accepts the CONNECT for the host.", "BK16"),
		stop(LoadBalancerNoRule, "The load balancer has no rule for the port.", "Add a load balancing rule.", "LBO"),
		pass(LoadBalancerBackend, "The load balancer hands the packet to a backend.", "LBO"),
		pass(RouteFound, "The route with the longest prefix carries the packet.", "UDR"),
		pass(Egress, "The packet leaves for the Internet, or for what lies behind a gateway.", "DOA, NAT"),
		pass(ReachedPrivateEndpoint, "The packet reaches a private endpoint.", "PENP"),
		pass(ReachedService, "The packet reaches a service through a service endpoint.", "SE"),
		open(ASGMembersUnknown, "Whether the address is a member of an application security group is not in the data.", "Export the interfaces: az network nic list -o json.", "ASG"),
		open(AddressSpaceUnknown, "The address space of a virtual network is not in the data.", "Export it: az network vnet list -o json, or name it with --virtual-network.", "TAG"),
		open(UnknownTag, "No file says which addresses the service tag has.", "Give the service tag file with --service-tags.", "TAG"),
		open(DanglingReference, "Something refers to a resource that is not in the data.", "Export it; the text names the command.", ""),
		open(UnresolvedExpression, "A field holds an expression of a template that is not resolved.", "Export the deployed resource instead.", ""),
		open(LearnedRoutesMissing, "The routes that a gateway has learned are not in the data.", "Export the effective routes: az network nic show-effective-route-table.", "UDR"),
		open(ListCutCode, "A list in the data was cut: there may be more of its kind.", "Export it again, whole: follow nextLink, or raise --first of az graph query.", ""),
		open(FileRefusedCode, "A file was refused, and what it holds is not known.", "Mend the file, or export it again.", ""),
		open(SamePriority, "Two rules have one priority and direction, and differ: the order is not known.", "Give each its own priority.", "NSG"),
		open(SamePrefix, "Two user-defined routes have one prefix, and differ.", "Remove one of them.", "UDR"),
		open(DefaultRulesAltered, "The exported default rules are not the six that every NSG has.", "Export the NSG again.", "NSG"),
		open(AssociationConflict, "An NSG says that it is attached where the other side does not say so.", "Export both again, at one time.", ""),
		open(AddressOwnedTwice, "Two interfaces of networks that reach each other have one address.", "Export the interfaces again.", ""),
		open(SourcesConflict, "Azure's documents, or they and recorded answers, disagree.", "Try it, or export the effective rules or routes.", ""),
		open(TooManyUnknowns, "More facts are open than can be tried.", "Give more of the data; -o json lists what is missing.", ""),
		open(UnwaivedAssumption, "The verdict rests on an assumption that strict mode does not accept.", "Settle it, or waive it in the policy file with a reason, owner and expiry.", ""),

		assume(NVAForwardsAndPermits, "A network appliance forwards the packet, and its own policy permits it.", "Its configuration is not in Azure: ask who runs it.", "UDR"),
		assume(HostFirewallOpen, "A proxy's own firewall lets the packet in, where the data does not say.", "Give the guest's firewall in a design file.", "BK16"),
		assume(ProxyNeedsNoAuthentication, "A proxy whose design does not say whether it asks for authentication asks for none.", "Set proxyServer.authentication in the design file.", "BK16"),
		assume(StorageRulesOpen, "The storage account's network rules let the packet in.", "Export the storage account.", ""),
		assume(NoNICAtDestination, "An interface that is not in the data, with no NSG of its own, has the address.", "Export the interfaces: az network nic list -o json.", ""),
		assume(OnPremisesBeyond, "What lies behind a gateway lets the packet through.", "Ask who runs that network.", ""),
		assume(LearnedRoutesPrivate, "The routes that a gateway has learned, which are not in the data, hold no public prefix.", "Export the effective routes: az network nic show-effective-route-table.", "UDR"),
		assume(VNetSpacePrivate, "A virtual network whose space is not in the data has no public addresses.", "Export it, or name its space with --virtual-network.", ""),
		assume(VNetPublicSpaceNotInternet, "Public address space of the virtual network itself is not part of the tag Internet.", "", "TAG"),
		assume(TagRouteNotInVNet, "A route whose prefix is a service tag does not widen the tag VirtualNetwork.", "", "TAG"),
		assume(UDRPrefixesInVNet, "The prefix of a user-defined route with next hop None or Internet is part of the tag VirtualNetwork.", "", "TAG"),
		assume(GatewayPrefixesInVNet, "Prefixes of the gateway stay in the tag VirtualNetwork of a subnet whose route table disables their propagation.", "", "TAG"),
		assume(CatalogueCurrent, "The service tag file is still right, although it is old.", "Download this week's file.", "STJ"),
		assume(NotSucceeded, "A resource is in effect although its provisioning state is not Succeeded.", "Wait until it is, and export it again.", ""),
		assume(PropertyNotModelled, "A property that netpath does not model does not change the answer.", "-v names the property.", ""),
		assume(ICMPNeedsAllPorts, "A rule for every protocol that names ports does not match ICMP, ESP and AH.", "", "NSG"),
		assume(DefaultOutboundAccess, "A design's subnet that does not say it has default outbound access.", "Set defaultOutboundAccess in the design.", "DOA"),
		assume(SMTPNotBlocked, "The platform does not block outbound mail on port 25 of this subscription.", "", ""),
		assume(DisksManaged, "A disk is managed where the data does not say.", "Export the machine: az vm show -o json.", ""),
		assume(ReadinessNotInData, "A readiness check that the data does not answer is passed.", "The report names the command that answers it.", ""),
	}
}
