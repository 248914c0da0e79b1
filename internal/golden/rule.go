package golden

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/netpath/netpath/topology"
)

// The directions of a rule.
const (
	In  = topology.Inbound
	Out = topology.Outbound
)

// Rule is a security rule under construction. Until a method says otherwise
// it matches every protocol, address and port.
type Rule struct {
	name        string
	priority    int
	direction   topology.Direction
	access      topology.Access
	protocol    topology.Protocol
	source      topology.Match
	destination topology.Match
	notModelled []topology.Property
}

// Allow is a rule that allows.
func Allow(name string, priority int, d topology.Direction) *Rule {
	return rule(name, priority, d, topology.Allow)
}

// Deny is a rule that denies.
func Deny(name string, priority int, d topology.Direction) *Rule {
	return rule(name, priority, d, topology.Deny)
}

// AlwaysAllow is a security admin rule that accepts without asking the NSGs.
func AlwaysAllow(name string, priority int, d topology.Direction) *Rule {
	return rule(name, priority, d, topology.AlwaysAllow)
}

func rule(name string, priority int, d topology.Direction, a topology.Access) *Rule {
	all := func() topology.Match {
		return topology.Match{Prefixes: addresses("*"), Ports: []topology.PortRange{topology.AllPorts}}
	}
	return &Rule{
		name: name, priority: priority, direction: d, access: a,
		protocol: topology.AnyProtocol, source: all(), destination: all(),
	}
}

// TCP limits the rule to TCP.
func (r *Rule) TCP() *Rule { r.protocol = topology.TCP; return r }

// UDP limits the rule to UDP.
func (r *Rule) UDP() *Rule { r.protocol = topology.UDP; return r }

// ICMP limits the rule to ICMP.
func (r *Rule) ICMP() *Rule { r.protocol = topology.ICMP; return r }

// From sets the source addresses: "*", an address, a CIDR block, a service
// tag, or a template expression in brackets that nobody evaluated.
func (r *Rule) From(sources ...string) *Rule { r.source.Prefixes = addresses(sources...); return r }

// To sets the destination addresses, written like those of From.
func (r *Rule) To(destinations ...string) *Rule {
	r.destination.Prefixes = addresses(destinations...)
	return r
}

// FromASG makes application security groups the source.
func (r *Rule) FromASG(names ...string) *Rule {
	r.source.Prefixes, r.source.ASGs = nil, groups(names)
	return r
}

// ToASG makes application security groups the destination.
func (r *Rule) ToASG(names ...string) *Rule {
	r.destination.Prefixes, r.destination.ASGs = nil, groups(names)
	return r
}

// Ports sets the destination ports: "443", "80-443" or "*".
func (r *Rule) Ports(ports ...string) *Rule { r.destination.Ports = portRanges(ports); return r }

// SourcePorts sets the source ports, written like those of Ports.
func (r *Rule) SourcePorts(ports ...string) *Rule { r.source.Ports = portRanges(ports); return r }

// NotModelled gives the rule a property that nobody has modelled.
func (r *Rule) NotModelled(name, value string) *Rule {
	r.notModelled = append(r.notModelled, topology.Property{Name: name, Value: value})
	return r
}

func (r *Rule) element(parent string) topology.Element {
	return topology.Element{
		ResourceID: parent + "/securityRules/" + r.name, Name: r.name, ProvisioningState: "Succeeded",
		Origin: origin(parent + "/securityRules/" + r.name), NotModelled: r.notModelled,
	}
}

func (r *Rule) security(nsgID string) *topology.SecurityRule {
	return &topology.SecurityRule{
		Element: r.element(nsgID), Priority: r.priority, Direction: r.direction, Access: r.access,
		Protocol: r.protocol, Source: r.source, Destination: r.destination,
	}
}

func (r *Rule) admin(vnets []topology.Ref) *topology.AdminRule {
	e := r.element(resourceID("networkManagers", "manager"))
	return &topology.AdminRule{
		Element: e, VirtualNetworks: vnets, Priority: r.priority, Direction: r.direction, Access: r.access,
		Protocol: r.protocol, Source: r.source, Destination: r.destination,
	}
}

func addresses(texts ...string) []topology.AddressPrefix {
	out := make([]topology.AddressPrefix, len(texts))
	for i, text := range texts {
		out[i] = address(text)
	}
	return out
}

func address(text string) topology.AddressPrefix {
	a := topology.AddressPrefix{Text: text}
	switch {
	case text == "*":
		a.Kind = topology.AnyAddress
	case strings.HasPrefix(text, "["):
		a.Kind = topology.UnresolvedAddress
	default:
		if p, ok := prefix(text); ok {
			a.Kind, a.Prefix = topology.PrefixAddress, p
		} else {
			a.Kind, a.Tag = topology.TagAddress, text
		}
	}
	return a
}

// prefix reads a CIDR block or a bare address, which is a block of one.
func prefix(text string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), true
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	return netip.Prefix{}, false
}

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		p, ok := prefix(text)
		if !ok {
			panic(fmt.Sprintf("golden: %q is no prefix", text))
		}
		out[i] = p
	}
	return out
}

func groups(names []string) []topology.Ref {
	out := make([]topology.Ref, len(names))
	for i, name := range names {
		out[i] = ref("applicationSecurityGroups", name)
	}
	return out
}

func portRanges(texts []string) []topology.PortRange {
	out := make([]topology.PortRange, len(texts))
	for i, text := range texts {
		if text == "*" {
			out[i] = topology.AllPorts
			continue
		}
		first, last, isRange := strings.Cut(text, "-")
		if !isRange {
			last = first
		}
		out[i] = topology.PortRange{First: port(first), Last: port(last)}
	}
	return out
}

func port(text string) uint16 {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		panic(fmt.Sprintf("golden: %q is no port", text))
	}
	return uint16(n)
}
