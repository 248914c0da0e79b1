package topology

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Direction is the direction of a rule or of a question, seen from the
// network interface.
type Direction uint8

// The directions. The zero value is no direction.
const (
	NoDirection Direction = iota
	Inbound
	Outbound
)

// String is Azure's word: "Inbound" or "Outbound".
func (d Direction) String() string {
	switch d {
	case Inbound:
		return "Inbound"
	case Outbound:
		return "Outbound"
	default:
		return ""
	}
}

// Access is what a rule does with the traffic it matches.
type Access uint8

// The accesses. The zero value is none: never allow by default.
const (
	NoAccess Access = iota
	Deny
	Allow
	AlwaysAllow // security admin rules only (AVNM)
)

// String is Azure's word for the access.
func (a Access) String() string {
	switch a {
	case Deny:
		return "Deny"
	case Allow:
		return "Allow"
	case AlwaysAllow:
		return "AlwaysAllow"
	default:
		return ""
	}
}

// Protocol is the protocol of a rule or of a packet. AnyProtocol is for rules
// (and questions about every protocol); the zero value is none.
type Protocol uint8

// The protocols Azure's rules can name.
const (
	NoProtocol Protocol = iota
	AnyProtocol
	TCP
	UDP
	ICMP
	ESP
	AH
)

// String is the spelling of the API: "Tcp", "Udp", "Icmp", "Esp", "Ah", "*".
func (p Protocol) String() string {
	switch p {
	case AnyProtocol:
		return "*"
	case TCP:
		return "Tcp"
	case UDP:
		return "Udp"
	case ICMP:
		return "Icmp"
	case ESP:
		return "Esp"
	case AH:
		return "Ah"
	default:
		return ""
	}
}

// HasPorts reports whether packets of the protocol carry ports.
func (p Protocol) HasPorts() bool { return p == TCP || p == UDP }

// ParseProtocol reads a rule's protocol in any letter case; "*", "All" and
// "Any" are the same (spec 2.4). ok is false for anything else.
func ParseProtocol(s string) (p Protocol, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "*", "all", "any":
		return AnyProtocol, true
	case "tcp":
		return TCP, true
	case "udp":
		return UDP, true
	case "icmp":
		return ICMP, true
	case "esp":
		return ESP, true
	case "ah":
		return AH, true
	default:
		return NoProtocol, false
	}
}

// PortRange is First to Last, both inclusive.
type PortRange struct{ First, Last uint16 }

// AllPorts is every port, "*" or "0-65535".
var AllPorts = PortRange{0, 65535}

// Contains reports whether the port lies in the range.
func (r PortRange) Contains(port uint16) bool { return r.First <= port && port <= r.Last }

// String is "443" or "80-443".
func (r PortRange) String() string {
	if r.First == r.Last {
		return strconv.Itoa(int(r.First))
	}
	return strconv.Itoa(int(r.First)) + "-" + strconv.Itoa(int(r.Last))
}

// JoinPorts are the ports of the ranges in order, those that overlap or touch as
// one range. The list itself stays as it is.
func JoinPorts(list []PortRange) []PortRange {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b PortRange) int { return int(a.First) - int(b.First) })
	var out []PortRange
	for _, r := range list {
		if n := len(out); n > 0 && int(r.First) <= int(out[n-1].Last)+1 {
			out[n-1].Last = max(out[n-1].Last, r.Last)
			continue
		}
		out = append(out, r)
	}
	return out
}

// MarshalText makes the range its text in JSON.
func (r PortRange) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// AddressKind says what an address field names.
type AddressKind uint8

// What an address field may name.
const (
	NoAddress         AddressKind = iota
	AnyAddress                    // "*": every address of both families
	PrefixAddress                 // an IP address or CIDR block
	TagAddress                    // a service tag, VirtualNetwork and Internet among them
	UnresolvedAddress             // an expression that was not evaluated: may name anything
)

// AddressPrefix is one entry of an address field.
type AddressPrefix struct {
	Kind   AddressKind
	Prefix netip.Prefix // PrefixAddress: masked
	Tag    string       // TagAddress: as written, blanks trimmed
	Text   string       // as written
	Origin *Origin      // TagAddress, UnresolvedAddress: where the file first has it; nil for the others
}

// At is Origin, or the zero Origin: an estate may have millions of entries, and
// the place of each would take more memory than all else.
func (a *AddressPrefix) At() Origin {
	if a.Origin == nil {
		return Origin{}
	}
	return *a.Origin
}

// Match is one side (source or destination) of a rule: addresses or
// application security groups, and ports. A side with neither prefixes nor
// groups is invalid and never means any.
type Match struct {
	Prefixes        []AddressPrefix
	ASGs            []Ref
	Ports           []PortRange
	Expanded        []netip.Prefix // effective exports: expanded…AddressPrefix
	HasExpanded     bool
	PortsUnresolved bool // a port is an expression that was not evaluated
}

// SecurityRule is a rule of an NSG, in ARM's or the effective view.
type SecurityRule struct {
	Element
	Priority    int // 100–4096; default rules 65000–65500
	Direction   Direction
	Access      Access
	Protocol    Protocol
	Default     bool // one of the six rules that every NSG has
	Source      Match
	Destination Match
	Description string
	Unresolved  []string // names of the properties (protocol, access, priority, direction) left as expressions
}

// NetworkSecurityGroup is an NSG. Its rules are trusted only where RulesGiven
// is set: a reference stub of an export has an ID and nothing else.
type NetworkSecurityGroup struct {
	Element
	SecurityRules   []*SecurityRule
	RulesGiven      bool
	DefaultRules    []*SecurityRule // as exported; the six documented rules hold whether exported or not (spec 2.1)
	FlushConnection Switch
	Subnets         []Ref // back references: no attachment by themselves
	Interfaces      []Ref // back references: no attachment by themselves
}

// DefaultSecurityRules returns the six rules that exist in every NSG and
// cannot be deleted, in Azure's spelling, inbound first (NSG, EFN).
func DefaultSecurityRules() []*SecurityRule {
	any := AddressPrefix{Kind: AnyAddress, Text: "*"}
	tag := func(s string) AddressPrefix { return AddressPrefix{Kind: TagAddress, Tag: s, Text: s} }
	rule := func(name string, priority int, d Direction, src, dst AddressPrefix, access Access) *SecurityRule {
		side := func(a AddressPrefix) Match {
			return Match{Prefixes: []AddressPrefix{a}, Ports: []PortRange{AllPorts}}
		}
		return &SecurityRule{
			Element: Element{Name: name}, Priority: priority, Direction: d, Access: access,
			Protocol: AnyProtocol, Source: side(src), Destination: side(dst), Default: true,
		}
	}
	return []*SecurityRule{
		rule("AllowVnetInBound", 65000, Inbound, tag("VirtualNetwork"), tag("VirtualNetwork"), Allow),
		rule("AllowAzureLoadBalancerInBound", 65001, Inbound, tag("AzureLoadBalancer"), any, Allow),
		rule("DenyAllInBound", 65500, Inbound, any, any, Deny),
		rule("AllowVnetOutBound", 65000, Outbound, tag("VirtualNetwork"), tag("VirtualNetwork"), Allow),
		rule("AllowInternetOutBound", 65001, Outbound, any, tag("Internet"), Allow),
		rule("DenyAllOutBound", 65500, Outbound, any, any, Deny),
	}
}

// BareRuleName strips the prefixes that effective rules, flow logs and
// Network Watcher put before a rule's name and folds the old spellings of the
// default rules (spec 10, rule-name aliases).
func BareRuleName(name string) string {
	s := name
	for _, p := range []string{"securityRules/", "defaultSecurityRules/", "UserRule_", "DefaultRule_"} {
		if len(s) > len(p) && strings.EqualFold(s[:len(p)], p) {
			s = s[len(p):]
		}
	}
	switch strings.ToLower(s) {
	case "defaultinbounddenyall":
		return "DenyAllInBound"
	case "defaultoutbounddenyall":
		return "DenyAllOutBound"
	}
	return s
}

// ApplicationSecurityGroup is a named group of network interface IP
// configurations; membership is said by the interfaces (ASG).
type ApplicationSecurityGroup struct{ Element }

// AdminRule is a security admin rule of a Virtual Network Manager, as
// deployed to virtual networks (AVNM).
type AdminRule struct {
	Element
	VirtualNetworks []Ref
	// VirtualNetworksUnknown: an export lists the rules that are effective on
	// a virtual network without naming it; the rule may apply to any.
	VirtualNetworksUnknown bool
	Priority               int // 1–4096, lower first
	Direction              Direction
	Access                 Access // Allow, AlwaysAllow or Deny
	Protocol               Protocol
	Source                 Match
	Destination            Match
}
