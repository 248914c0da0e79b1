package edit

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/netpath/netpath/topology"
)

// The priorities of an NSG's own rules (NSG) and its limits (LIM): rules, and
// addresses or ranges, counted apart for sources and destinations.
const (
	FirstPriority = 100
	LastPriority  = 4096
	MaxRules      = 1000
	MaxPrefixes   = 4000
)

// maxName is the length of a rule's name.
const maxName = 80

// AddRule adds a rule to a network security group. Any source port matches.
type AddRule struct {
	Group       topology.Ref // the network security group
	Name        string
	Priority    int // 100–4096, free in the direction
	Direction   topology.Direction
	Access      topology.Access // Allow or Deny
	Protocol    topology.Protocol
	Source      []string // "*", one service tag, or addresses and CIDR blocks of one family
	Destination []string
	Ports       []topology.PortRange // of the destination; none is every port
}

// Target is the ID of the NSG.
func (e AddRule) Target() topology.ID { return e.Group.ID() }

// String is "Outbound rule allow-storage at 3999 in nsg-app: Allow Tcp from
// 10.0.1.4 to Storage.WestEurope port 443".
func (e AddRule) String() string {
	s := fmt.Sprintf("%s rule %s at %d in %s: %s %s from %s to %s", e.Direction, e.Name, e.Priority, e.Group.ID().Name(), e.Access, e.Protocol, list(e.Source), list(e.Destination))
	if len(e.Ports) > 0 {
		s += " port " + strings.Join(e.PortTexts(), ",")
	}
	return s
}

// list shows a few of many prefixes.
func list(prefixes []string) string {
	if len(prefixes) <= 4 {
		return strings.Join(prefixes, ",")
	}
	return fmt.Sprintf("%s and %d more prefixes", strings.Join(prefixes[:3], ","), len(prefixes)-3)
}

// PortTexts are the destination ports as Azure writes them: "*" for all.
func (e AddRule) PortTexts() []string {
	if len(e.Ports) == 0 {
		return []string{"*"}
	}
	out := make([]string, len(e.Ports))
	for i, p := range e.Ports {
		out[i] = p.String()
		if p == topology.AllPorts {
			out[i] = "*"
		}
	}
	return out
}

func (e AddRule) change(x topology.Any) (topology.Any, error) {
	g, ok := x.(*topology.NetworkSecurityGroup)
	if !ok {
		return nil, errors.New("it is not a network security group")
	}
	if !g.RulesGiven {
		return nil, fmt.Errorf("the rules of %s are not in the data, so no priority is known to be free; export it with az network nsg show", g.Name)
	}
	r, err := e.rule(g)
	if err != nil {
		return nil, err
	}
	if err := e.fits(g); err != nil {
		return nil, err
	}
	h := *g
	h.SecurityRules = append(slices.Clip(g.SecurityRules), r)
	return &h, nil
}

// Rule is the rule as an element of an estate.
func (e AddRule) rule(g *topology.NetworkSecurityGroup) (*topology.SecurityRule, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	r := &topology.SecurityRule{Priority: e.Priority, Direction: e.Direction, Access: e.Access, Protocol: e.Protocol}
	r.Name, r.ResourceID = e.Name, g.ResourceID+"/securityRules/"+e.Name
	r.ResourceGroup = g.ResourceGroup
	r.Origin = topology.Origin{File: Source, Pointer: "/securityRules/" + e.Name}
	r.Source = topology.Match{Prefixes: side(e.Source, r.Origin), Ports: []topology.PortRange{topology.AllPorts}}
	r.Destination = topology.Match{Prefixes: side(e.Destination, r.Origin), Ports: slices.Clone(e.Ports)}
	if len(e.Ports) == 0 {
		r.Destination.Ports = []topology.PortRange{topology.AllPorts}
	}
	return r, nil
}

// check refuses a rule that Azure would refuse wherever it stands (spec 2.4
// and 2.7).
func (e AddRule) check() error {
	switch {
	case !validName(e.Name):
		return fmt.Errorf("%q is no name of a rule: 1 to 80 letters, digits, '.', '_' and '-', a letter or digit first and no '.' or '-' last", e.Name)
	case e.Priority < FirstPriority || e.Priority > LastPriority:
		return fmt.Errorf("the priority %d is not between %d and %d", e.Priority, FirstPriority, LastPriority)
	case e.Direction != topology.Inbound && e.Direction != topology.Outbound:
		return errors.New("the rule has no direction")
	case e.Access != topology.Allow && e.Access != topology.Deny:
		return errors.New("the rule neither allows nor denies")
	case e.Protocol == topology.NoProtocol:
		return errors.New("the rule has no protocol")
	case len(e.Ports) > 0 && e.Protocol != topology.AnyProtocol && !e.Protocol.HasPorts():
		return fmt.Errorf("%s has no ports", e.Protocol)
	}
	for _, p := range e.Ports {
		if p.First > p.Last {
			return fmt.Errorf("the port range %d-%d ends before it begins", p.First, p.Last)
		}
	}
	for _, s := range []struct {
		name string
		list []string
	}{{"source", e.Source}, {"destination", e.Destination}} {
		if err := checkSide(s.list); err != nil {
			return fmt.Errorf("the %s: %w", s.name, err)
		}
	}
	return nil
}

func checkSide(list []string) error {
	if len(list) == 0 {
		return errors.New("it names nothing")
	}
	if len(list) > MaxPrefixes {
		return fmt.Errorf("%d prefixes, and an NSG holds at most %d", len(list), MaxPrefixes)
	}
	families := map[bool]bool{}
	for _, s := range list {
		p, ok := parsePrefix(s)
		switch {
		case !ok && len(list) > 1:
			return fmt.Errorf("%q stands beside others: a list may hold only addresses and CIDR blocks", s)
		case !ok && s != "*" && !validTag(s):
			return fmt.Errorf("%q is neither an address, a CIDR block, a service tag nor *", s)
		case ok && p.Addr().Is4In6():
			return fmt.Errorf("%q is an IPv4 address in IPv6 form", s)
		case ok && p != p.Masked():
			return fmt.Errorf("%q has host bits set", s)
		case ok:
			families[p.Addr().Is6()] = true
		}
	}
	if len(families) > 1 {
		return errors.New("IPv4 and IPv6 prefixes are mixed")
	}
	return nil
}

// fits refuses a rule for which the NSG has no room.
func (e AddRule) fits(g *topology.NetworkSecurityGroup) error {
	if len(g.SecurityRules) >= MaxRules {
		return fmt.Errorf("%s has %d rules already, and an NSG holds at most %d", g.Name, len(g.SecurityRules), MaxRules)
	}
	sources, destinations := len(e.Source), len(e.Destination)
	for _, r := range g.SecurityRules {
		if foldName(r.Name) == foldName(e.Name) {
			return fmt.Errorf("%s has a rule %s already", g.Name, r.Name)
		}
		if r.Direction == e.Direction && r.Priority == e.Priority {
			return fmt.Errorf("the priority %d is taken by %s", e.Priority, r.Name)
		}
		if slices.Contains(r.Unresolved, "priority") || slices.Contains(r.Unresolved, "direction") {
			return fmt.Errorf("the priority or direction of %s is an expression, so no priority of %s is known to be free", r.Name, g.Name)
		}
		sources += len(r.Source.Prefixes)
		destinations += len(r.Destination.Prefixes)
	}
	if sources > MaxPrefixes || destinations > MaxPrefixes {
		return tooMany(g, sources, destinations)
	}
	return nil
}

func tooMany(g *topology.NetworkSecurityGroup, sources, destinations int) error {
	return fmt.Errorf("%s would name %d addresses or ranges, and an NSG holds at most %d as sources and as destinations", g.Name, max(sources, destinations), MaxPrefixes)
}

func side(list []string, at topology.Origin) []topology.AddressPrefix {
	out := make([]topology.AddressPrefix, len(list))
	for i, s := range list {
		a := topology.AddressPrefix{Text: s}
		if s == "*" {
			a.Kind = topology.AnyAddress
		} else if p, ok := parsePrefix(s); ok {
			a.Kind, a.Prefix = topology.PrefixAddress, p
		} else {
			a.Kind, a.Tag, a.Origin = topology.TagAddress, s, &at
		}
		out[i] = a
	}
	return out
}

func parsePrefix(s string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	return p, err == nil
}

// validTag reports whether the text may be a service tag: letters and digits,
// and a region after a dot.
func validTag(s string) bool {
	for i, c := range []byte(s) {
		if !isAlnum(c) && (c != '.' && c != '_' && c != '-' || i == 0) {
			return false
		}
	}
	return s != ""
}

func validName(s string) bool {
	if s == "" || len(s) > maxName || !isAlnum(s[0]) {
		return false
	}
	for _, c := range []byte(s) {
		if !isAlnum(c) && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	last := s[len(s)-1]
	return isAlnum(last) || last == '_'
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func foldName(s string) string { return strings.ToLower(s) }

// FreePriority is the largest priority below the given one that no rule of
// the direction has; false where there is none from 100 on.
func FreePriority(g *topology.NetworkSecurityGroup, d topology.Direction, below int) (int, bool) {
	taken := map[int]bool{}
	for _, r := range g.SecurityRules {
		if r.Direction == d {
			taken[r.Priority] = true
		}
	}
	for p := min(below-1, LastPriority); p >= FirstPriority; p-- {
		if !taken[p] {
			return p, true
		}
	}
	return 0, false
}

// FreeName is a name like the one wanted that no rule of the NSG has: what a
// name may not hold becomes '-', and a number is added where it is taken.
func FreeName(g *topology.NetworkSecurityGroup, wanted string) string {
	var b strings.Builder
	for _, c := range []byte(wanted) {
		if !isAlnum(c) && c != '.' && c != '_' {
			c = '-'
		}
		if b.Len() > 0 || isAlnum(c) {
			b.WriteByte(c)
		}
	}
	base := b.String()
	if len(base) > maxName-5 {
		base = base[:maxName-5]
	}
	base = strings.TrimRight(base, "-.")
	if base == "" {
		base = "rule"
	}
	name := base
	for n := 2; slices.ContainsFunc(g.SecurityRules, func(r *topology.SecurityRule) bool { return foldName(r.Name) == foldName(name) }); n++ {
		name = base + "-" + strconv.Itoa(n)
	}
	return name
}
