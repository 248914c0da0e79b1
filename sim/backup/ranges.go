package backup

import (
	"fmt"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// coverageKey is what a comparison of rules with a file depends on.
type coverageKey struct {
	nic, subnet topology.ID // of the NSGs
	tag         string
	region      string
	protocol    topology.Protocol
	port        uint16
}

// ruleCoverage compares the rules made of ranges in the machine's own NSGs
// with the prefixes that a requirement needs, nil where there is no such rule.
func (x *subject) ruleCoverage(r *Requirement) *RuleCoverage {
	key := coverageKey{tag: r.Tag, region: x.region, protocol: r.Protocol, port: r.Port}
	if x.nic != nil {
		key.nic = x.nic.NetworkSecurityGroup.ID()
	}
	if x.subnet != nil {
		key.subnet = x.subnet.NetworkSecurityGroup.ID()
	}
	groups := x.ownRules()
	x.mu.Lock()
	c, ok := x.covered[key]
	x.mu.Unlock()
	if !ok {
		c = x.compare(groups, r)
		x.mu.Lock()
		x.covered[key] = c
		x.mu.Unlock()
	}
	return c
}

func (x *subject) compare(groups [][]*namedRule, r *Requirement) *RuleCoverage {
	c := &RuleCoverage{}
	var set netipx.IPSetBuilder
	var listed []netip.Prefix
	for _, rules := range groups {
		for _, rule := range rules {
			if rule.access != topology.Allow || !rule.matches(r.Protocol, r.Port) || wayOf(rule.destination) != DatacenterRanges {
				continue
			}
			public := publicRanges(rule)
			if len(public) == 0 {
				continue // the estate's own space
			}
			c.Rules = append(c.Rules, rule.String())
			for _, p := range public {
				set.AddPrefix(p)
			}
			listed = append(listed, public...)
		}
	}
	if len(c.Rules) == 0 {
		return nil
	}
	have := rangesOf(&set)
	c.Prefixes = len(listed)
	var need []netip.Prefix
	if c.Source, need = x.needed(r); need == nil {
		return c
	}
	c.Total = len(need)
	for _, p := range need {
		if have.hold(p) {
			c.Covered++
		} else {
			c.Missing = append(c.Missing, p)
		}
	}
	if known := x.current(); known != nil {
		for _, p := range listed {
			if !known.hold(p) && !slices.Contains(c.Stale, p) {
				c.Stale = append(c.Stale, p)
			}
		}
	}
	return c
}

// publicRanges are the public ranges among a rule's destinations.
func publicRanges(r *namedRule) []netip.Prefix {
	var out []netip.Prefix
	for _, a := range r.destination.Prefixes {
		if a.Kind == topology.PrefixAddress && isRange(a.Prefix) && scope.IsPublic(a.Prefix.Addr()) {
			out = append(out, a.Prefix)
		}
	}
	return out
}

// needed are the IPv4 prefixes that rules made of ranges must cover: those of
// the service tag, without a tag file those of the whole region in the
// datacenter ranges, which do not tell services apart (XML).
func (x *subject) needed(r *Requirement) (source string, prefixes []netip.Prefix) {
	if list := x.prefixes(r.Tag); list != nil {
		return r.Tag, ipv4(list)
	}
	if region, ok := x.sim.Names().Index().Region(x.region); ok && x.region != "" {
		return "datacenter:" + region.Name, ipv4(region.Prefixes)
	}
	return "", nil
}

func ipv4(list []netip.Prefix) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(list))
	for _, p := range list {
		if p.Addr().Is4() {
			out = append(out, p)
		}
	}
	return out
}

// published is every range that a file names as Azure's: the tag AzureCloud of
// the service tag file, else the datacenter ranges of all regions, which are
// older; nil where neither file says.
func (e *examination) published() ranges {
	var b netipx.IPSetBuilder
	add := func(list []netip.Prefix) {
		for _, p := range list {
			b.AddPrefix(p)
		}
	}
	switch list := e.prefixes("AzureCloud"); {
	case list != nil:
		add(list)
	case e.net.DatacenterRanges != nil:
		for _, r := range e.net.DatacenterRanges.Regions {
			add(r.Prefixes)
		}
	default:
		return nil
	}
	return rangesOf(&b)
}

// String says what the rules cover, in one line.
func (c *RuleCoverage) String() string {
	s := fmt.Sprintf("%d ranges in %s", c.Prefixes, rulesText(c.Rules))
	if c.Source != "" {
		s += fmt.Sprintf(" cover %d of the %d IPv4 prefixes of %s", c.Covered, c.Total, c.Source)
	}
	if n := len(c.Stale); n > 0 {
		s += fmt.Sprintf("; %d of the ranges not all in the current file", n)
	}
	return s
}

func rulesText(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return fmt.Sprintf("%d rules from %s", len(names), names[0])
}
