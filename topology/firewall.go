package topology

import "net/netip"

// AzureFirewall is an Azure Firewall with classic rules or a policy (FW).
type AzureFirewall struct {
	Element
	VirtualNetwork   Ref
	Subnet           Ref
	PrivateIPAddress netip.Addr
	PublicIPs        []Ref
	Policy           Ref // zero: classic rules
	ThreatIntelMode  string
	Collections      []*RuleCollection // classic
}

// FirewallPolicy is an Azure Firewall policy (FWP).
type FirewallPolicy struct {
	Element
	BasePolicy      Ref
	ThreatIntelMode string
	Collections     []*RuleCollection // of all its rule collection groups
	GroupsGiven     bool              // false: the rule collection groups are not in the data
	GroupRefs       []Ref             // rule collection groups that are named
}

// CollectionKind is the type of a firewall rule collection; types are
// processed in this order.
type CollectionKind uint8

// The kinds of rule collection.
const (
	NoCollection CollectionKind = iota
	NATCollection
	NetworkCollection
	ApplicationCollection
)

// RuleCollection is a rule collection of a firewall or policy.
type RuleCollection struct {
	Element
	Kind          CollectionKind
	Group         string // rule collection group, "" for classic rules
	GroupPriority int    // 0 for classic rules
	Priority      int    // 100–65000, lower first
	Action        Access // Allow or Deny; DNAT collections have NoAccess
	Rules         []*FirewallRule
}

// FirewallRule is a rule of an Azure Firewall.
type FirewallRule struct {
	Element
	Protocols           []Protocol // network and NAT rules; AnyProtocol for Any
	Sources             []AddressPrefix
	SourceIPGroups      []Ref
	Destinations        []AddressPrefix
	DestinationIPGroups []Ref
	DestinationFQDNs    []string // network rules
	Ports               []PortRange
	Application         []ApplicationProtocol // application rules
	TargetFQDNs         []string              // may hold a leading "*"
	FQDNTags            []string
	WebCategories       []string
	TargetURLs          []string
	Translated          netip.Addr // NAT rules
	TranslatedFQDN      string
	TranslatedPort      int
	Unresolved          []string
}

// ApplicationProtocol is a protocol and port of an application rule.
type ApplicationProtocol struct {
	Type string // "Http", "Https", "Mssql"
	Port int
}

// IPGroup is a named list of addresses that firewall rules refer to.
type IPGroup struct {
	Element
	Prefixes []netip.Prefix
	Given    bool // false: a stub
}
