package diff

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// side is one of the two estates.
type side struct {
	*sim.Simulator
}

// waived reports whether a waiver covers the assumption.
func (s side) waived(f flow.Fact) bool {
	return slices.ContainsFunc(s.Options().Waivers, func(w flow.Waiver) bool { return w.Covers(f.Assumption, f.About) })
}

var directions = []topology.Direction{topology.Inbound, topology.Outbound}

// groups compares the NSGs that both sides have.
func (c *comparison) groups() error {
	for _, p := range c.matchGroups() {
		if !both(p) {
			continue
		}
		c.report.Compared.SecurityGroups++
		if !p.old.RulesGiven && !p.new.RulesGiven {
			continue // nothing to compare, and nothing changed
		}
		known := map[string]int{} // by digest of the gates: index in the report
		for _, at := range c.places(p) {
			if err := c.ctx.Err(); err != nil {
				return err
			}
			key := ""
			for _, d := range directions {
				key += c.digest(0, p.old, d, at.old) + c.digest(1, p.new, d, at.new)
			}
			if i, ok := known[key]; ok {
				if i >= 0 {
					c.report.Gates[i].Places = append(c.report.Gates[i].Places, at.label())
				}
				continue
			}
			known[key] = -1
			g := Gate{Level: SecurityGroup, Name: p.new.Name, ID: p.new.ResourceID}
			if p.old.ID() != p.new.ID() {
				g.OldID = p.old.ResourceID
			}
			if at.label() != "" {
				g.Places = []string{at.label()}
			}
			for _, d := range directions {
				changes, err := c.groupChanges(p, at, d)
				if err != nil {
					return err
				}
				g.Changes = append(g.Changes, changes...)
			}
			if len(g.Changes) > 0 {
				known[key] = len(c.report.Gates)
				c.report.Gates = append(c.report.Gates, g)
			}
		}
	}
	return nil
}

// spot is where an NSG is asked on the two sides.
type spot struct{ old, new *scope.Place }

func (s spot) label() string {
	switch {
	case s.new.Subnet != nil:
		return subnetLabel(s.new.Subnet)
	case s.old.Subnet != nil:
		return subnetLabel(s.old.Subnet)
	}
	return ""
}

// places are where the NSG applies on both sides. Where it applies nowhere on
// both, it is compared as if it had stayed where one side has it: what its
// rules do changes or not, whatever it is attached to.
func (c *comparison) places(p pair[*topology.NetworkSecurityGroup]) []spot {
	old, new := c.sides[0].Scopes(p.old), c.sides[1].Scopes(p.new)
	var out []spot
	var only [2][]*scope.Place // at a subnet that the other side has too, attached to another NSG or none
	for _, a := range old {
		for _, b := range new {
			if a.Subnet == nil && b.Subnet == nil || a.Subnet != nil && b.Subnet != nil && c.subnet(1, a.Subnet) == b.Subnet {
				out = append(out, spot{a, b})
			}
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, a := range old {
		if a.Subnet != nil && c.subnet(1, a.Subnet) != nil {
			only[0] = append(only[0], a)
		}
	}
	for _, b := range new {
		if b.Subnet != nil && c.subnet(0, b.Subnet) != nil {
			only[1] = append(only[1], b)
		}
	}
	for _, a := range only[0] {
		out = append(out, spot{a, c.sides[1].PlaceOf(p.new, c.subnet(1, a.Subnet))})
	}
	for _, b := range only[1] {
		out = append(out, spot{c.sides[0].PlaceOf(p.old, c.subnet(0, b.Subnet)), b})
	}
	if len(out) > 0 {
		return out
	}
	// One side has no subnet for it at all.
	for _, a := range old {
		for _, b := range new {
			if a.Subnet == nil || b.Subnet == nil {
				out = append(out, spot{a, b})
			}
		}
	}
	if len(out) == 0 {
		out = append(out, spot{c.sides[0].PlaceOf(p.old, nil), c.sides[1].PlaceOf(p.new, nil)})
	}
	return out
}

// subnet is the subnet of one side that is the other side's, nil where it has
// none.
func (c *comparison) subnet(side int, of *topology.Subnet) *topology.Subnet {
	for _, p := range c.pairedSubnets() {
		if side == 1 && p.old == of {
			return p.new
		}
		if side == 0 && p.new == of {
			return p.old
		}
	}
	return nil
}

func (c *comparison) pairedSubnets() []pair[*topology.Subnet] {
	if c.subnetPairs == nil {
		c.subnetPairs = match(subnets(c.sides[0].Network()), subnets(c.sides[1].Network()), subnetKey)
	}
	return c.subnetPairs
}

// digest tells apart what an NSG does at a place, "" where its rules are not
// known.
func (c *comparison) digest(side int, g *topology.NetworkSecurityGroup, d topology.Direction, p *scope.Place) string {
	if !g.RulesGiven {
		return "?"
	}
	return c.sides[side].Gate(g, d, p).Digest(c.sets)
}

// subnets compares the subnets to which another NSG is attached than before, or
// none, and of which no interface that could tell of it is in both sides.
func (c *comparison) subnets() error {
	told := map[topology.ID]bool{}
	for _, x := range c.cards() {
		told[x.config.old.Subnet.ID()], told[x.config.new.Subnet.ID()] = true, true
	}
	for _, p := range c.pairedSubnets() {
		if p.old == nil || p.new == nil || told[p.new.ID()] && told[p.old.ID()] {
			continue
		}
		g := Gate{Level: Subnet, Name: subnetLabel(p.new), ID: p.new.ResourceID}
		var groups pair[*topology.NetworkSecurityGroup]
		for i, s := range []*topology.Subnet{p.old, p.new} {
			if s.NetworkSecurityGroup.IsZero() {
				continue
			}
			id := s.NetworkSecurityGroup.ID()
			x := &topology.NetworkSecurityGroup{} // its rules are not known
			x.Name, x.ResourceID = id.Name(), s.NetworkSecurityGroup.Text
			if n := slices.IndexFunc(c.sides[i].Groups(), func(y *topology.NetworkSecurityGroup) bool { return y.ID() == id }); n >= 0 {
				x = c.sides[i].Groups()[n]
			}
			if i == 0 {
				groups.old = x
			} else {
				groups.new = x
			}
			g.Gates[i] = []string{"NSG " + x.Name}
		}
		switch {
		case groups.old == nil && groups.new == nil, slices.Contains(c.matchGroups(), groups):
			continue // told of the NSG
		case both(groups) && !groups.old.RulesGiven && !groups.new.RulesGiven && groups.old.ID() == groups.new.ID():
			continue
		}
		for _, d := range directions {
			changes, err := c.groupChanges(groups, spot{c.sides[0].Place(p.old), c.sides[1].Place(p.new)}, d)
			if err != nil {
				return err
			}
			g.Changes = append(g.Changes, changes...)
		}
		if len(g.Changes) > 0 {
			c.report.Gates = append(c.report.Gates, g)
		}
	}
	return nil
}

// groupChanges compares one direction of an NSG at one place; nil is no NSG.
func (c *comparison) groupChanges(p pair[*topology.NetworkSecurityGroup], at spot, d topology.Direction) ([]Change, error) {
	q := &question{c: c, direction: d}
	groups, places := [2]*topology.NetworkSecurityGroup{p.old, p.new}, [2]*scope.Place{at.old, at.new}
	for i, g := range groups {
		switch {
		case g == nil:
		case g.RulesGiven:
			q.gates[i] = []*nsg.Gate{c.sides[i].Gate(g, d, places[i])}
		default:
			q.open[i] = true
		}
	}
	if len(q.gates[0])+len(q.gates[1]) == 2 && q.gates[0][0].Digest(c.sets) == q.gates[1][0].Digest(c.sets) {
		return nil, nil
	}
	q.places = places
	q.where = fmt.Sprintf("%s, %s", at.label(), d)
	q.ask = func(side int, x flowset.Packet) (Decision, error) {
		switch {
		case groups[side] == nil:
			return Decision{Verdict: flow.Allow, Code: flow.NoNSG}, nil
		case q.open[side]:
			text := "the rules of network security group " + groups[side].Name + " are not in the data"
			return Decision{Verdict: flow.Unknown, Code: flow.DanglingReference, Missing: []flow.Missing{{Code: flow.DanglingReference, About: groups[side].Name, Text: text}}}, nil
		}
		local, remote := ends(d, x)
		return decisionOf(c.sides[side].IPFlow(sim.IPFlowQuestion{NSG: groups[side].ResourceID, Place: places[side], Direction: d, Protocol: x.Protocol, Local: local, Remote: remote}))
	}
	var out []Change
	for _, v6 := range []bool{false, true} {
		if v6 && !hasIPv6(at.old) && !hasIPv6(at.new) {
			continue
		}
		near, hosts := c.hosts(v6, at)
		q.v6, q.hosts = v6, append(slices.Clip(near), hosts...)
		local := localRegions(d, v6, near, at)
		q.space = c.settings().Space(v6, q.hosts, slices.Concat(q.gates[0], q.gates[1]), local)
		q.prefer = nil
		for i := range local {
			q.prefer = append(q.prefer, q.space.Region(i))
		}
		all := q.space.All()
		if (at.old.Subnet == nil) != (at.new.Subnet == nil) && len(local) > 0 {
			// Only one side says where the NSG is: what machines of that subnet
			// send and receive can be compared.
			all = q.prefer[len(local)-1]
		}
		for i := range q.parts {
			q.parts[i] = flowset.Parts{Unmatched: q.space.None(), Allowed: q.space.None(), Denied: q.space.None(), Open: all}
			switch {
			case groups[i] == nil:
				q.parts[i].Allowed, q.parts[i].Open = all, q.space.None()
			case !q.open[i]:
				p := q.space.Parts(q.number(i, 0))
				q.parts[i].Allowed, q.parts[i].Denied, q.parts[i].Open = p.Allowed.Intersect(all), p.Denied.Intersect(all), p.Open.Intersect(all)
			}
		}
		changes, err := q.changes()
		if err != nil {
			return nil, err
		}
		out = append(out, changes...)
	}
	return out, nil
}

// settings are those of the spaces: in strict mode by the new side's waivers.
func (c *comparison) settings() nsg.Settings {
	return nsg.Settings{Strict: c.sides[1].Options().Strict, Waived: c.sides[1].waived}
}

// hasIPv6 reports whether there are IPv6 packets at the place, as far as the
// data says: a virtual network without such space has none.
func hasIPv6(p *scope.Place) bool {
	v := p.VirtualNetwork
	return v == nil || v.Stub || slices.ContainsFunc(v.KnownSpace(), func(x netip.Prefix) bool { return x.Addr().Is6() })
}

// ends are the two ends of a packet as an IP flow question has them.
func ends(d topology.Direction, p flowset.Packet) (local, remote sim.Endpoint) {
	local, remote = sim.Endpoint{Address: p.Source, Port: p.SourcePort}, sim.Endpoint{Address: p.Destination, Port: p.DestinationPort}
	if d == topology.Inbound {
		local, remote = remote, local
	}
	return local, remote
}

// localRegions are the packets whose own side is an interface at the place, and
// those whose own side is some address of the subnet.
func localRegions(d topology.Direction, v6 bool, near []netip.Addr, at spot) [][]flowset.Box {
	var own, subnet []netip.Prefix
	for _, a := range near {
		own = append(own, netip.PrefixFrom(a, a.BitLen()))
	}
	if sub := cmp.Or(at.new.Subnet, at.old.Subnet); sub != nil {
		for _, p := range sub.Prefixes {
			if p.Addr().Is6() == v6 {
				subnet = append(subnet, p)
			}
		}
	}
	var out [][]flowset.Box
	for _, list := range [][]netip.Prefix{own, subnet} {
		if len(list) == 0 {
			continue
		}
		b := flowset.Box{Source: scope.SetOf(list...)}
		if d == topology.Inbound {
			b = flowset.Box{Destination: b.Source}
		}
		out = append(out, []flowset.Box{b})
	}
	return out
}

// hosts are the addresses that witnesses prefer: of interfaces at the place,
// and of others.
func (c *comparison) hosts(v6 bool, at spot) (near, far []netip.Addr) {
	const enough = 64
	for _, s := range []side{c.sides[1], c.sides[0]} {
		for _, nic := range s.Network().NetworkInterfaces {
			for _, x := range nic.IPConfigurations {
				a := x.PrivateIPAddress
				if !a.IsValid() || a.Is6() != v6 || len(near) >= enough {
					continue
				}
				id := x.Subnet.ID()
				here := at.new.Subnet != nil && at.new.Subnet.ID() == id || at.old.Subnet != nil && at.old.Subnet.ID() == id
				switch {
				case here && !slices.Contains(near, a):
					near = append(near, a)
				case !here && len(far) < enough && !slices.Contains(far, a):
					far = append(far, a)
				}
			}
		}
	}
	return near, far
}

// verdictOf is the verdict of a packet by the parts.
func verdictOf(p flowset.Parts, x flowset.Packet) flow.Verdict {
	switch {
	case p.Allowed.Has(x):
		return flow.Allow
	case p.Denied.Has(x):
		return flow.Deny
	}
	return flow.Unknown
}
