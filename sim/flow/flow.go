// Package flow is the vocabulary of a question and its answer: packets,
// verdicts, reason codes, assumptions and the facts that data may not say.
//
// The answer for one packet is the set of its possible outcomes: always
// allowed is [Allow], always denied is [Deny], both is [Unknown]. Unknown is
// the zero value, and no conversion to bool exists.
package flow

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/netpath/netpath/topology"
)

// Verdict is an answer about a packet, or, with Split, about a set of packets.
type Verdict uint8

// The verdicts. Split is for sets only: a part is certainly allowed and
// another certainly denied.
const (
	Unknown Verdict = iota
	Allow
	Deny
	Split
)

// String is "Unknown", "Allow", "Deny" or "Split".
func (v Verdict) String() string {
	switch v {
	case Allow:
		return "Allow"
	case Deny:
		return "Deny"
	case Split:
		return "Split"
	default:
		return "Unknown"
	}
}

// MarshalText makes the verdict its word in JSON.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (v *Verdict) UnmarshalText(b []byte) error {
	switch string(b) {
	case "Allow":
		*v = Allow
	case "Deny":
		*v = Deny
	case "Split":
		*v = Split
	case "Unknown":
		*v = Unknown
	default:
		return fmt.Errorf("%q is not a verdict", b)
	}
	return nil
}

// Address is one end of a packet. IP is invalid where no service tag file
// says which addresses a tag has: then it is some address of Tag. Where both
// are set the question itself says that the address belongs to the tag.
type Address struct {
	IP  netip.Addr
	Tag string
	V6  bool // IP invalid: the address is an IPv6 one
}

// At is the Address of an IP.
func At(ip netip.Addr) Address { return Address{IP: ip} }

// SomewhereIn is some address of the tag, not known which, IPv6 with v6.
func SomewhereIn(tag string, v6 bool) Address { return Address{Tag: tag, V6: v6} }

// Is6 reports whether the address is an IPv6 one.
func (a Address) Is6() bool {
	if a.IP.IsValid() {
		return a.IP.Is6()
	}
	return a.V6
}

// Known reports whether the address itself is known.
func (a Address) Known() bool { return a.IP.IsValid() }

// String is the address, or "some address of TAG".
func (a Address) String() string {
	if !a.IP.IsValid() {
		return "some address of " + a.Tag
	}
	return a.IP.String()
}

// Key is a short comparable form, used in the keys of facts.
func (a Address) Key() string {
	if !a.IP.IsValid() {
		return strings.ToLower(a.Tag)
	}
	return a.IP.String()
}

// Tuple is a packet of a new flow, as seen on the private side of any NAT.
// Ports are 0 where the protocol has none.
type Tuple struct {
	Protocol        topology.Protocol // TCP, UDP, ICMP, ESP or AH
	Source          Address
	SourcePort      uint16
	Destination     Address
	DestinationPort uint16
}

// String is "tcp 10.0.0.4:50000 > 10.0.1.4:443".
func (t Tuple) String() string {
	p := strings.ToLower(t.Protocol.String())
	if !t.Protocol.HasPorts() {
		return fmt.Sprintf("%s %s > %s", p, t.Source, t.Destination)
	}
	return fmt.Sprintf("%s %s:%d > %s:%d", p, t.Source, t.SourcePort, t.Destination, t.DestinationPort)
}

// Code is a stable reason code; its meaning never changes.
type Code string

// The reason codes.
const (
	NSGRuleAllow               Code = "NSG_RULE_ALLOW"
	NSGRuleDeny                Code = "NSG_RULE_DENY"
	NoNSG                      Code = "NO_NSG"
	AdminRuleAllow             Code = "ADMIN_RULE_ALLOW"
	AdminRuleAlwaysAllow       Code = "ADMIN_RULE_ALWAYS_ALLOW"
	AdminRuleDeny              Code = "ADMIN_RULE_DENY"
	PlatformAddress            Code = "PLATFORM_ADDRESS"
	StandardIPClosed           Code = "STANDARD_IP_CLOSED"
	RouteNone                  Code = "ROUTE_NONE"
	RouteLoop                  Code = "ROUTE_LOOP"
	GatewayNotInEstate         Code = "GATEWAY_NOT_IN_ESTATE"
	ForcedTunnel               Code = "FORCED_TUNNEL"
	NVANoForwarding            Code = "NVA_NO_FORWARDING"
	NVANotFound                Code = "NVA_NOT_FOUND"
	NVASourceUnknown           Code = "NVA_SOURCE_UNKNOWN"
	PeeringNotConnected        Code = "PEERING_NOT_CONNECTED"
	PeeringAccessDisabled      Code = "PEERING_ACCESS_DISABLED"
	PeeringForwardedTraffic    Code = "PEERING_FORWARDED_TRAFFIC"
	NoEgress                   Code = "NO_EGRESS"
	EgressNoICMP               Code = "EGRESS_NO_ICMP"
	EgressAddressUnknown       Code = "EGRESS_ADDRESS_UNKNOWN"
	AddressUnknown             Code = "ADDRESS_UNKNOWN"
	NoPublicEntry              Code = "NO_PUBLIC_ENTRY"
	NoSubnetAtDestination      Code = "NO_SUBNET_AT_DESTINATION"
	DeliveredElsewhere         Code = "DELIVERED_ELSEWHERE"
	ReturnNoRoute              Code = "RETURN_NO_ROUTE"
	ReturnPathAsymmetric       Code = "RETURN_PATH_ASYMMETRIC"
	PrivateEndpointNotApproved Code = "PRIVATE_ENDPOINT_NOT_APPROVED"
	FirewallRuleAllow          Code = "FIREWALL_RULE_ALLOW"
	FirewallRuleDeny           Code = "FIREWALL_RULE_DENY"
	FirewallDefaultDeny        Code = "FIREWALL_DEFAULT_DENY"
	FirewallContentUnknown     Code = "FIREWALL_CONTENT_UNKNOWN"
	HostFirewallAllow          Code = "HOST_FIREWALL_ALLOW"
	HostFirewallDeny           Code = "HOST_FIREWALL_DENY"
	ProxyNotListening          Code = "PROXY_NOT_LISTENING"
	ProxyNotFound              Code = "PROXY_NOT_FOUND"
	ProxyUndecided             Code = "PROXY_UNDECIDED"
	ProxyBypassUnknown         Code = "PROXY_BYPASS_UNKNOWN"
	ProxyAuthRequired          Code = "PROXY_AUTH_REQUIRED"
	ProxyHostNotAllowed        Code = "PROXY_HOST_NOT_ALLOWED"
	ProxyAllow                 Code = "PROXY_ALLOW"
	LoadBalancerNoRule         Code = "LOAD_BALANCER_NO_RULE"
	LoadBalancerBackend        Code = "LOAD_BALANCER_BACKEND"
	RouteFound                 Code = "ROUTE"
	Egress                     Code = "EGRESS"
	ReachedPrivateEndpoint     Code = "PRIVATE_ENDPOINT"
	ReachedService             Code = "SERVICE_ENDPOINT"
	ASGMembersUnknown          Code = "ASG_MEMBERS_UNKNOWN"
	AddressSpaceUnknown        Code = "ADDRESS_SPACE_UNKNOWN"
	UnknownTag                 Code = "UNKNOWN_TAG"
	DanglingReference          Code = "DANGLING_REFERENCE"
	UnresolvedExpression       Code = "UNRESOLVED_EXPRESSION"
	LearnedRoutesMissing       Code = "LEARNED_ROUTES_MISSING"
	ListCutCode                Code = "LIST_CUT"
	FileRefusedCode            Code = "FILE_REFUSED"
	SamePriority               Code = "SAME_PRIORITY"
	SamePrefix                 Code = "SAME_PREFIX"
	DefaultRulesAltered        Code = "DEFAULT_RULES_ALTERED"
	AssociationConflict        Code = "ASSOCIATION_CONFLICT"
	AddressOwnedTwice          Code = "ADDRESS_OWNED_TWICE"
	SourcesConflict            Code = "SOURCES_CONFLICT"
	TooManyUnknowns            Code = "TOO_MANY_UNKNOWNS"
	UnwaivedAssumption         Code = "UNWAIVED_ASSUMPTION"
)

// AssumptionID names a fact that was used but is not in the data.
type AssumptionID string

// The assumptions (spec/verdicts.md).
const (
	NVAForwardsAndPermits      AssumptionID = "NVA_FORWARDS_AND_PERMITS"
	HostFirewallOpen           AssumptionID = "HOST_FIREWALL_OPEN"
	ProxyNeedsNoAuthentication AssumptionID = "PROXY_NEEDS_NO_AUTHENTICATION"
	StorageRulesOpen           AssumptionID = "STORAGE_RULES_OPEN"
	NoNICAtDestination         AssumptionID = "NO_NIC_AT_DESTINATION"
	OnPremisesBeyond           AssumptionID = "ON_PREMISES_BEYOND"
	LearnedRoutesPrivate       AssumptionID = "LEARNED_ROUTES_PRIVATE"
	VNetSpacePrivate           AssumptionID = "VNET_SPACE_PRIVATE"
	VNetPublicSpaceNotInternet AssumptionID = "VNET_PUBLIC_SPACE_NOT_INTERNET"
	TagRouteNotInVNet          AssumptionID = "TAG_ROUTE_NOT_IN_VNET"
	UDRPrefixesInVNet          AssumptionID = "UDR_PREFIXES_IN_VNET"
	GatewayPrefixesInVNet      AssumptionID = "GATEWAY_PREFIXES_IN_VNET"
	CatalogueCurrent           AssumptionID = "CATALOGUE_CURRENT"
	NotSucceeded               AssumptionID = "NOT_SUCCEEDED"
	PropertyNotModelled        AssumptionID = "PROPERTY_NOT_MODELLED"
	ICMPNeedsAllPorts          AssumptionID = "ICMP_NEEDS_ALL_PORTS"
	DefaultOutboundAccess      AssumptionID = "DEFAULT_OUTBOUND_ACCESS"
	SMTPNotBlocked             AssumptionID = "SMTP_NOT_BLOCKED"
	DisksManaged               AssumptionID = "DISKS_MANAGED"
	ReadinessNotInData         AssumptionID = "READINESS_NOT_IN_DATA" // strict mode: a readiness check that the data does not answer is passed (verdicts.md 12)
)

// Assumption is an assumption an answer rests on: it would change without it.
type Assumption struct {
	ID    AssumptionID `json:"id"`
	About string       `json:"about,omitempty"`
	Text  string       `json:"text"`
}

// Missing is a fact that would help to settle an Unknown.
type Missing struct {
	Code   Code   `json:"code"`
	About  string `json:"about,omitempty"`
	Text   string `json:"text"`
	Export string `json:"export,omitempty"` // the command that would say it
}

// Waiver accepts an assumption in strict mode.
type Waiver struct {
	ID      AssumptionID
	About   string // a name, an ID or a glob; "" is everywhere
	Reason  string
	Owner   string
	Expires string // YYYY-MM-DD; the caller has dropped the expired ones
}
