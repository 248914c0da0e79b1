package edit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/netpath/netpath/topology"
)

// RemoveRule takes a rule out of a network security group.
type RemoveRule struct {
	Group topology.Ref // the network security group
	Name  string
}

// Target is the ID of the NSG.
func (e RemoveRule) Target() topology.ID { return e.Group.ID() }

// String is "remove rule allow-web from nsg-app".
func (e RemoveRule) String() string {
	return fmt.Sprintf("remove rule %s from %s", e.Name, e.Group.ID().Name())
}

func (e RemoveRule) change(x topology.Any) (topology.Any, error) {
	g, i, err := ruleOf(x, e.Name)
	if err != nil {
		return nil, err
	}
	h := *g
	h.SecurityRules = slices.Delete(slices.Clone(g.SecurityRules), i, i+1)
	return &h, nil
}

// ReplaceRule gives a rule of a network security group other content. Its name,
// priority and direction stay.
type ReplaceRule struct {
	Group topology.Ref // the network security group
	Rule  *topology.SecurityRule
}

// Target is the ID of the NSG.
func (e ReplaceRule) Target() topology.ID { return e.Group.ID() }

// String is "rule allow-web of nsg-app becomes Allow Tcp from 10.0.1.4 to
// Storage.WestEurope port 80,443".
func (e ReplaceRule) String() string {
	r := e.Rule
	s := fmt.Sprintf("rule %s of %s becomes %s %s from %s", r.Name, e.Group.ID().Name(), r.Access, r.Protocol, list(Addresses(r.Source)))
	if p := Ports(r.Source); !slices.Equal(p, []string{"*"}) {
		s += " port " + strings.Join(p, ",")
	}
	s += " to " + list(Addresses(r.Destination))
	if p := Ports(r.Destination); !slices.Equal(p, []string{"*"}) {
		s += " port " + strings.Join(p, ",")
	}
	return s
}

func (e ReplaceRule) change(x topology.Any) (topology.Any, error) {
	g, i, err := ruleOf(x, e.Rule.Name)
	if err != nil {
		return nil, err
	}
	was := g.SecurityRules[i]
	if was.Priority != e.Rule.Priority || was.Direction != e.Rule.Direction {
		return nil, fmt.Errorf("the rule has the priority %d %s", was.Priority, strings.ToLower(was.Direction.String()))
	}
	for _, s := range []struct {
		name string
		m    topology.Match
	}{{"source", e.Rule.Source}, {"destination", e.Rule.Destination}} {
		if len(s.m.ASGs) > 0 && len(s.m.Prefixes) == 0 {
			continue
		}
		if err := checkSide(Addresses(s.m)); err != nil {
			return nil, fmt.Errorf("the %s: %w", s.name, err)
		}
	}
	h := *g
	h.SecurityRules = slices.Clone(g.SecurityRules)
	h.SecurityRules[i] = e.Rule
	sources, destinations := 0, 0
	for _, r := range h.SecurityRules {
		sources += len(r.Source.Prefixes)
		destinations += len(r.Destination.Prefixes)
	}
	if sources > MaxPrefixes || destinations > MaxPrefixes {
		return nil, tooMany(g, sources, destinations)
	}
	return &h, nil
}

// ruleOf is the one rule of that name.
func ruleOf(x topology.Any, name string) (*topology.NetworkSecurityGroup, int, error) {
	g, ok := x.(*topology.NetworkSecurityGroup)
	if !ok {
		return nil, 0, errors.New("it is not a network security group")
	}
	found := -1
	for i, r := range g.SecurityRules {
		if foldName(r.Name) != foldName(name) {
			continue
		}
		if found >= 0 {
			return nil, 0, fmt.Errorf("%s has two rules %s", g.Name, name)
		}
		found = i
	}
	if found < 0 {
		return nil, 0, fmt.Errorf("%s has no rule %s", g.Name, name)
	}
	return g, found, nil
}

// Addresses are the address entries of a side as Azure writes them, or the
// names of its application security groups.
func Addresses(m topology.Match) []string {
	out := make([]string, len(m.Prefixes))
	for i, a := range m.Prefixes {
		switch {
		case a.Kind == topology.AnyAddress:
			out[i] = "*"
		case a.Kind == topology.TagAddress:
			out[i] = a.Tag
		case a.Kind == topology.PrefixAddress && a.Prefix.IsSingleIP() && !strings.Contains(a.Text, "/"):
			out[i] = a.Prefix.Addr().String()
		case a.Kind == topology.PrefixAddress:
			out[i] = a.Prefix.String()
		default:
			out[i] = a.Text
		}
	}
	if len(m.Prefixes) == 0 {
		for _, g := range m.ASGs {
			out = append(out, g.ID().Name())
		}
	}
	return out
}

// Ports are the ports of a side as Azure writes them: "*" for all.
func Ports(m topology.Match) []string {
	out := make([]string, len(m.Ports))
	for i, p := range m.Ports {
		out[i] = p.String()
		if p == topology.AllPorts {
			out[i] = "*"
		}
	}
	return out
}
