package main

import (
	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/report"
)

func (p *program) limitsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "limits",
		Short: "List what netpath does not know and does not model",
		Long: `limits lists the facts about Azure that the documents leave open or dispute, with
what netpath answers where a verdict turns on one, and what is not modelled.`,
		Example: `  netpath limits
  netpath limits -o json`,
		Args: noArgs,
		RunE: do(func(cmd *cobra.Command, _ []string) error {
			return p.write(func(w *report.Writer) error { return w.Limits(limits()) })
		}),
	}
}

// limits are the known limits. An ID keeps its meaning.
func limits() []report.Limit {
	open := func(id, about, text, answer, source string) report.Limit {
		return report.Limit{ID: id, Kind: "open", About: about, Text: text, Answer: answer, Source: source}
	}
	left := func(id, about, text, answer string) report.Limit {
		return report.Limit{ID: id, Kind: "notModelled", About: about, Text: text, Answer: answer}
	}
	return []report.Limit{
		open("L001", "ICMP and ports", "whether a rule that names ports matches ICMP, ESP and AH", "one for every protocol does not, assumption ICMP_NEEDS_ALL_PORTS; one for such a protocol does, assumption PROPERTY_NOT_MODELLED; strict: Unknown", "NSG"),
		open("L002", "VirtualNetwork and routes to None or Internet", "whether the prefix of such a user-defined route is in the tag", "it is, assumption UDR_PREFIXES_IN_VNET", "TAG"),
		open("L003", "VirtualNetwork and tag routes", "whether a route whose prefix is a service tag widens the tag", "it does not, assumption TAG_ROUTE_NOT_IN_VNET", "TAG"),
		open("L004", "VirtualNetwork and gateway prefixes", "whether prefixes of a gateway stay in the tag where the route table disables propagation", "they do, assumption GATEWAY_PREFIXES_IN_VNET", "TAG"),
		open("L005", "Internet and own public space", "whether public address space of the virtual network itself is in the tag Internet", "it is not, assumption VNET_PUBLIC_SPACE_NOT_INTERNET", "TAG"),
		open("L006", "Internet and special ranges", "whether 25.0.0.0/8, 192.0.2.0/24 and 198.18.0.0/15 are in the tag Internet", "Unknown, SOURCES_CONFLICT", "TAG"),
		open("L007", "peering without access", "whether allowVirtualNetworkAccess false stops traffic that rules on both sides name explicitly", "Unknown, SOURCES_CONFLICT; without such rules Deny", "PEER, PEER18"),
		open("L008", "peering without access on the far side", "whether a peering carries traffic where the remote side alone has the flag off", "Unknown, SOURCES_CONFLICT", "PEER"),
		open("L009", "forwarded traffic over a peering", "whether allowForwardedTraffic false stops it or only narrows the tag VirtualNetwork", "Unknown, PEERING_FORWARDED_TRAFFIC", "PEER, PEER18"),
		open("L010", "storage from a private subnet by a user route", "whether storage of the same region is reached over a user-defined route to Internet", "Unknown, SOURCES_CONFLICT", "DOA"),
		open("L011", "storage endpoints and other regions", "whether storage of another region goes through the service endpoint", "Unknown, SOURCES_CONFLICT", "SE"),
		open("L012", "firewall FQDN tags", "which hosts a tag such as AzureBackup covers is not published", "Unknown, FIREWALL_CONTENT_UNKNOWN, but for the tag's own service", "FQT"),
		open("L013", "built-in rules of Azure Firewall", "which hosts the infrastructure rule collection allows", "Unknown, FIREWALL_CONTENT_UNKNOWN, where no rule of one's own decides", "FW"),
		open("L014", "Azure Firewall and ICMP, ESP, AH to the Internet", "whether a firewall carries them", "Unknown, SOURCES_CONFLICT", "FW"),
		open("L015", "implicit way out of a load balancer", "whether a balancing rule is a way out for other protocols, secondary IP configurations and private subnets", "Unknown, SOURCES_CONFLICT", "LBO"),
		open("L016", "NAT gateway and IPv6", "whether an exported NAT gateway carries IPv6", "Unknown, NO_EGRESS", "NAT"),
		open("L017", "AzurePlatformLKM", "the addresses behind the tag are not published", "a rule that names it may match tcp/1688 to a public address and nothing else", "NSG"),
		open("L018", "name of the rule for probes", "whether AllowVnetInBound or AllowAzureLoadBalancerInBound decides for 168.63.129.16", "the first match by priority; the verdict is the same", "TAG, 168"),
		open("L019", "admin rules and intent policies", "whether Allow rules apply to a virtual network with services that bring intent policies", "Unknown, SOURCES_CONFLICT", "AVNM"),
		open("L020", "order of NSGs and route", "whether the outbound NSGs or the route are looked at first is not documented", "the verdict is both; the gate named is the first that denies in the order NSGs, route", "HOW, UDR"),
		open("L021", "outbound mail", "whether the platform blocks tcp/25 for the subscription", "it does not, assumption SMTP_NOT_BLOCKED", "DOA"),
		open("L022", "two rules or routes in one place", "which of two rules of one priority, or two routes of one prefix, wins", "Unknown, SAME_PRIORITY or SAME_PREFIX, where they differ", "NSG, UDR"),

		left("L101", "appliances", "the policy and the address translation of a network virtual appliance", "it forwards and permits, assumption NVA_FORWARDS_AND_PERMITS; to the outside both sources are asked"),
		left("L102", "on-premises networks", "what lies behind a gateway", "Allow as far as the gateway, assumption ON_PREMISES_BEYOND; public destinations: Unknown, FORCED_TUNNEL"),
		left("L103", "Virtual WAN and Route Server", "hubs, routing intent and routes that appliances announce", "a route or gateway that is not in the data: Unknown"),
		left("L104", "application gateways, Front Door, Bastion and other services", "what they do with traffic; their subnets' NSGs and routes count", "the packet is followed to the address and no further"),
		left("L105", "guests", "firewalls, routes and listeners inside a machine, unless a design file gives its firewall", "they do not count; for a proxy on the way, assumption HOST_FIREWALL_OPEN"),
		left("L106", "name resolution", "DNS", "addresses and service tags are asked; host names count for firewall and proxy rules alone"),
		left("L107", "existing connections", "flows that were there before a rule changed", "only new flows are asked"),
		left("L108", "throughput and ports in use", "bandwidth, connection limits, exhausted translation ports", "they do not count"),
		left("L109", "classic resources", "cloud services and classic virtual networks", "refused or not read"),
		left("L110", "Azure's own faults", "platform outages and resources that are not in the state they report", "what the export says counts; a state other than Succeeded is the assumption NOT_SUCCEEDED"),
	}
}
