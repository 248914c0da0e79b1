package sim

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// HopKind says what a hop of a trace is.
type HopKind string

// The kinds of hop.
const (
	HopAdminRules       HopKind = "adminRules"
	HopSecurityRules    HopKind = "securityRules"
	HopRoute            HopKind = "route"
	HopPeering          HopKind = "peering"
	HopEgress           HopKind = "egress"
	HopEntry            HopKind = "entry" // a public IP address or load balancer frontend, from outside
	HopPrivateEndpoint  HopKind = "privateEndpoint"
	HopPlatform         HopKind = "platform"
	HopVirtualAppliance HopKind = "virtualAppliance"
	HopFirewall         HopKind = "firewall"
	HopHostFirewall     HopKind = "hostFirewall"
	HopProxy            HopKind = "proxy"
	HopReturn           HopKind = "return" // the way back
)

// Hop is one gate or step of a path.
type Hop struct {
	Leg       int              `json:"leg,omitempty"` // through a proxy: 1 to the proxy, 2 from it
	Kind      HopKind          `json:"kind"`
	Name      string           `json:"name,omitempty"`      // of the NSG, route table, firewall, address…
	AppliedTo string           `json:"appliedTo,omitempty"` // "nic app1-nic", "subnet v1/app"
	Direction string           `json:"direction,omitempty"` // "Inbound" or "Outbound"
	Verdict   flow.Verdict     `json:"verdict"`
	Code      flow.Code        `json:"code"`
	RuleName  string           `json:"ruleName,omitempty"`
	Priority  int              `json:"priority,omitempty"`
	Default   bool             `json:"defaultRule,omitempty"`
	Origin    *topology.Origin `json:"origin,omitempty"`
	Note      string           `json:"note,omitempty"`

	// route hops
	NextHopType      topology.NextHopType `json:"nextHopType,omitempty"`
	NextHopIPAddress string               `json:"nextHopIpAddress,omitempty"`
	AddressPrefix    string               `json:"addressPrefix,omitempty"`
	RouteSource      string               `json:"routeSource,omitempty"` // Default, User, VirtualNetworkGateway

	// egress hops: the source address behind the way out, where it is known
	SourceAddress string `json:"sourceAddress,omitempty"`

	// security rules, guest firewalls and proxies: what decides, by the ID of
	// its NSG or virtual machine, and a packet of the outcome as it comes there
	Element topology.ID `json:"-"`
	Packet  flow.Tuple  `json:"-"`
}

// Describe names what decides the hop in a few words, its note apart: "4000
// deny-internet in nsg-app (subnet v1/app outbound)", "the route 0.0.0.0/0 to
// None of subnet v1/app (rt-app/drop)".
func (h *Hop) Describe() string {
	of := ""
	if h.AppliedTo != "" {
		of = "of " + h.AppliedTo
	}
	switch h.Kind {
	case HopSecurityRules, HopAdminRules:
		name := h.Name
		switch {
		case h.Code == flow.NoNSG:
			name = "no NSG"
		case h.Kind == HopAdminRules && name == "":
			name = "the security admin rules"
		}
		if h.RuleName != "" && name != "" {
			name = "in " + name
		}
		if h.RuleName != "" {
			name = words(strconv.Itoa(h.Priority), h.RuleName, name)
		}
		return bracketed(name, words(h.AppliedTo, strings.ToLower(h.Direction)))
	case HopRoute, HopReturn:
		back, to := "", ""
		if h.Kind == HopReturn {
			back = "on the way back"
		}
		if h.NextHopType != "" {
			to = words("to", string(h.NextHopType), h.NextHopIPAddress)
		}
		return bracketed(words(back, "the route", h.AddressPrefix, to, of), strings.Trim(h.Name+"/"+h.RuleName, "/"))
	case HopHostFirewall:
		if h.RuleName != "" {
			return words("the rule", h.RuleName, "of the guest firewall of", h.Name)
		}
		return words("the guest firewall of", h.Name)
	case HopFirewall:
		if h.RuleName != "" {
			return words("the rule", h.RuleName, "of the firewall", h.Name)
		}
		return words("the firewall", h.Name)
	case HopEgress:
		return bracketed(words("the way out", of), h.Name)
	case HopEntry:
		if h.AppliedTo == "" {
			return words("the way in", h.Name)
		}
		return bracketed(words("the way in to", h.AppliedTo), h.Name)
	case HopPeering:
		return bracketed(words("the peering", h.Name), h.AppliedTo)
	case HopProxy:
		return words("the proxy", h.Name)
	case HopVirtualAppliance:
		return words("the appliance", h.Name)
	case HopPrivateEndpoint:
		return words("the private endpoint", h.Name)
	default:
		return words(string(h.Kind), h.Name)
	}
}

// words joins those that are not empty.
func words(list ...string) string {
	return strings.Join(slices.DeleteFunc(list, func(w string) bool { return w == "" }), " ")
}

// bracketed is a text with another in brackets behind it; of two where one is
// empty, the other.
func bracketed(text, more string) string {
	if text == "" || more == "" {
		return text + more
	}
	return text + " (" + more + ")"
}

// EndInfo says what one end of a question was taken to be.
type EndInfo struct {
	Text     string   `json:"text"`
	Kind     string   `json:"kind"` // virtualMachine, networkInterface, address, serviceTag, datacenterRegion, prefix, internet, host
	Name     string   `json:"name,omitempty"`
	Prefixes int      `json:"prefixes,omitempty"` // of a set
	Address  string   `json:"address,omitempty"`
	LeftOut  []string `json:"leftOut,omitempty"` // address families of the set that the other end does not have
}

// Outcome is what every answer, and every part of one, says.
type Outcome struct {
	Verdict              flow.Verdict      `json:"verdict"`
	UnderAssumptions     string            `json:"underAssumptions,omitempty"` // strict mode: the verdict with them
	Code                 flow.Code         `json:"code"`
	RuleName             string            `json:"ruleName,omitempty"`
	Priority             int               `json:"priority,omitempty"`
	NetworkSecurityGroup string            `json:"networkSecurityGroup,omitempty"`
	Hops                 []Hop             `json:"hops"`
	Assumptions          []flow.Assumption `json:"assumptions"`
	Missing              []flow.Missing    `json:"missing,omitempty"`
	Notes                []string          `json:"notes,omitempty"`
}

// Part is an exact part of a question about a set: every packet of it has the
// same outcome for the same reasons.
type Part struct {
	Outcome
	Source      []netip.Prefix       `json:"source,omitempty"`      // empty: the question's one source address
	Destination []netip.Prefix       `json:"destination,omitempty"` // empty: the question's one destination address
	Tag         string               `json:"tag,omitempty"`         // the destination is this tag, whose prefixes are not known
	SourcePorts []topology.PortRange `json:"sourcePorts,omitempty"` // empty: all that was asked
	Ports       []topology.PortRange `json:"ports,omitempty"`       // destination ports; empty: all that was asked
	Protocol    string               `json:"protocol,omitempty"`    // empty: the one that was asked
}

// Trace is the answer to a [TraceQuestion].
type Trace struct {
	Outcome
	From        EndInfo          `json:"from"`
	To          EndInfo          `json:"to"`
	Protocol    string           `json:"protocol"`
	Port        int              `json:"port,omitempty"`
	Proxy       string           `json:"proxy,omitempty"`      // "proxy1 (10.0.0.5:8080)"
	ProxySetBy  *topology.Origin `json:"proxySetBy,omitempty"` // where the setting was read, nil where that is not known
	Parts       []Part           `json:"parts,omitempty"`      // more than one outcome, or undecided parts
	ServiceTags *CatalogueInfo   `json:"serviceTags,omitempty"`
	Undecided   bool             `json:"-"` // a part is Unknown (of a Split: U is not empty)
	AnyDeny     bool             `json:"-"` // D is not empty
	AnyAllow    bool             `json:"-"` // A is not empty
}

// CatalogueInfo names the service tag file behind an answer.
type CatalogueInfo struct {
	Cloud        string `json:"cloud"`
	ChangeNumber int    `json:"changeNumber"`
	Date         string `json:"date,omitempty"` // YYYY-MM-DD
	AgeDays      *int   `json:"ageDays,omitempty"`
	File         string `json:"file,omitempty"`
}

// IPFlow is the answer to an [IPFlowQuestion]; its JSON field names are those
// of Network Watcher where it has one.
type IPFlow struct {
	Access               flow.Verdict      `json:"access"`
	UnderAssumptions     string            `json:"underAssumptions,omitempty"`
	RuleName             *string           `json:"ruleName"` // bare name; nil where no rule decided
	Priority             int               `json:"priority,omitempty"`
	NetworkSecurityGroup string            `json:"networkSecurityGroup,omitempty"`
	Evaluated            []EvaluatedNSG    `json:"evaluatedNetworkSecurityGroups"`
	Codes                []flow.Code       `json:"codes"`
	Assumptions          []flow.Assumption `json:"assumptions"`
	Missing              []flow.Missing    `json:"missing,omitempty"`
	Origins              []topology.Origin `json:"origins"`
	ServiceTags          *CatalogueInfo    `json:"serviceTags,omitempty"`
	Hops                 []Hop             `json:"hops"`
	Parts                []Part            `json:"parts,omitempty"` // any-port questions with several outcomes
	Notes                []string          `json:"notes,omitempty"`
	Undecided            bool              `json:"-"`
	AnyDeny              bool              `json:"-"`
	AnyAllow             bool              `json:"-"`
}

// EvaluatedNSG is one NSG (or the admin rules) of the chain, as NSG
// diagnostics reports it.
type EvaluatedNSG struct {
	NetworkSecurityGroupID string           `json:"networkSecurityGroupId"`
	AppliedTo              string           `json:"appliedTo"` // resource ID of the subnet or interface
	MatchedRule            *MatchedRule     `json:"matchedRule"`
	Skipped                bool             `json:"skipped,omitempty"` // not evaluated: an earlier NSG denied
	Rules                  []RuleEvaluation `json:"rulesEvaluationResult"`
}

// MatchedRule is the rule of an NSG that decided.
type MatchedRule struct {
	RuleName string `json:"ruleName"`
	Action   string `json:"action"`
}

// RuleEvaluation says which conditions of a rule a packet meets. A condition
// that turns on an unknown is false, and named in Undecided.
type RuleEvaluation struct {
	Name                   string   `json:"name"`
	Priority               int      `json:"priority"`
	ProtocolMatched        bool     `json:"protocolMatched"`
	SourceMatched          bool     `json:"sourceMatched"`
	SourcePortMatched      bool     `json:"sourcePortMatched"`
	DestinationMatched     bool     `json:"destinationMatched"`
	DestinationPortMatched bool     `json:"destinationPortMatched"`
	Undecided              []string `json:"undecided,omitempty"` // "source", "destination", …
}

// EffectiveRules is what [Simulator.EffectiveRules] returns for one interface:
// one element per admin rule set and NSG, in the shape of
// az network nic list-effective-nsg.
type EffectiveRules struct {
	NetworkInterface string             `json:"-"`
	Groups           []EffectiveRuleSet `json:"value"`
	ServiceTags      *CatalogueInfo     `json:"-"`
}

// EffectiveRuleSet is one NSG as it applies at one place.
type EffectiveRuleSet struct {
	NetworkSecurityGroup IDRef                     `json:"networkSecurityGroup"`
	Association          Association               `json:"association"`
	Rules                []EffectiveRule           `json:"effectiveSecurityRules"`
	TagMap               map[string][]netip.Prefix `json:"tagMap"`
	Undecided            []flow.Missing            `json:"undecided,omitempty"` // tags and groups whose content is not known
}

// IDRef is {"id": …}.
type IDRef struct {
	ID string `json:"id"`
}

// Association says where an NSG is applied.
type Association struct {
	Subnet           *IDRef `json:"subnet"`
	NetworkInterface *IDRef `json:"networkInterface"`
}

// EffectiveRule is one rule with its tags expanded.
type EffectiveRule struct {
	Name                string          `json:"name"` // with the prefix securityRules/ or defaultSecurityRules/
	Protocol            string          `json:"protocol"`
	SourcePorts         []string        `json:"sourcePortRanges"`
	DestinationPorts    []string        `json:"destinationPortRanges"`
	Sources             []string        `json:"sourceAddressPrefixes"`
	Destinations        []string        `json:"destinationAddressPrefixes"`
	ExpandedSource      []netip.Prefix  `json:"expandedSourceAddressPrefix,omitempty"`
	ExpandedDestination []netip.Prefix  `json:"expandedDestinationAddressPrefix,omitempty"`
	Access              string          `json:"access"`
	Priority            int             `json:"priority"`
	Direction           string          `json:"direction"`
	Origin              topology.Origin `json:"origin"`
}

// EffectiveRoutes is what [Simulator.EffectiveRoutes] returns, in the shape
// of az network nic show-effective-route-table.
type EffectiveRoutes struct {
	NetworkInterface string           `json:"-"`
	Subnet           string           `json:"-"`
	Routes           []EffectiveRoute `json:"value"`
	Undecided        []flow.Missing   `json:"undecided,omitempty"`
}

// EffectiveRoute is one row.
type EffectiveRoute struct {
	Name             *string              `json:"name"`
	Source           string               `json:"source"` // Default, User, VirtualNetworkGateway
	State            string               `json:"state"`  // Active, Invalid
	AddressPrefix    []string             `json:"addressPrefix"`
	NextHopType      topology.NextHopType `json:"nextHopType"`
	NextHopIPAddress []string             `json:"nextHopIpAddress"`
	ServiceTags      []string             `json:"destinationServiceTags"`
	Origin           *topology.Origin     `json:"origin,omitempty"`
}
