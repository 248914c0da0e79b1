package diff

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// card is one IP configuration of an interface as the two sides have it.
type card struct {
	nic    pair[*topology.NetworkInterface]
	config pair[*topology.IPConfiguration]
}

func (c *card) side(i int) (*topology.NetworkInterface, *topology.IPConfiguration) {
	if i == 0 {
		return c.nic.old, c.config.old
	}
	return c.nic.new, c.config.new
}

// stack is the gates of an interface on one side, in one direction: those of
// packets from public sources and of others.
type stack [2]sim.Gates

// wayGates are the gates of a way in order.
func wayGates(w sim.Way) []*nsg.Gate {
	if w.Admin == nil {
		return w.Groups
	}
	return append([]*nsg.Gate{w.Admin}, w.Groups...)
}

// interfaces compares the gates of interfaces that are others than before.
// Where an interface has the same NSGs as before, what changed in them has been
// told of the NSGs.
func (c *comparison) interfaces() error {
	known := map[string]int{} // by what changes: index in list
	type alike struct {
		direction topology.Direction
		stacks    [2]stack
		cards     []card
	}
	var list []alike
	for _, x := range c.cards() {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		for _, d := range directions {
			var stacks [2]stack
			for i := range stacks {
				nic, config := x.side(i)
				for public := range stacks[i] {
					stacks[i][public] = c.sides[i].GatesOf(nic, config, d, public == 1)
				}
			}
			if c.shape(0, &x, stacks[0]) == c.shape(1, &x, stacks[1]) {
				continue
			}
			key := fmt.Sprint(d, x.config.new.PrivateIPAddress.Is6(), c.content(stacks[0]), c.content(stacks[1]))
			i, ok := known[key]
			if !ok {
				i = len(list)
				known[key] = i
				list = append(list, alike{direction: d, stacks: stacks})
			}
			list[i].cards = append(list[i].cards, x)
		}
	}
	at := map[string]int{} // by interfaces: index in the report
	for _, x := range list {
		q := c.chainQuestion(x.direction, x.stacks, x.cards)
		changes, err := q.changes()
		if err != nil {
			return err
		}
		if len(changes) == 0 {
			continue
		}
		var names []string
		for _, y := range x.cards {
			if !slices.Contains(names, y.nic.new.Name) {
				names = append(names, y.nic.new.Name)
			}
		}
		key := strings.Join(names, "\x00")
		i, ok := at[key]
		if !ok {
			i = len(c.report.Gates)
			at[key] = i
			first := x.cards[0].nic
			g := Gate{Level: Interface, Name: first.new.Name, ID: first.new.ResourceID, Places: names, Gates: [2][]string{c.chainNames(0, &x.cards[0]), c.chainNames(1, &x.cards[0])}}
			if first.old.ID() != first.new.ID() {
				g.OldID = first.old.ResourceID
			}
			c.report.Gates = append(c.report.Gates, g)
		}
		c.report.Gates[i].Changes = append(c.report.Gates[i].Changes, changes...)
	}
	return nil
}

// cards are the IP configurations that both sides have, with the same address.
func (c *comparison) cards() []card {
	if c.cardPairs == nil {
		c.cardPairs = c.pairCards()
	}
	return c.cardPairs
}

func (c *comparison) pairCards() []card {
	out := []card{} // not nil: looked for once
	for _, p := range match(c.sides[0].Network().NetworkInterfaces, c.sides[1].Network().NetworkInterfaces, bareName[*topology.NetworkInterface]) {
		if !both(p) {
			continue
		}
		c.report.Compared.Interfaces++
		for _, x := range p.new.IPConfigurations {
			if !x.PrivateIPAddress.IsValid() {
				continue
			}
			i := slices.IndexFunc(p.old.IPConfigurations, func(y *topology.IPConfiguration) bool { return y.PrivateIPAddress == x.PrivateIPAddress })
			if i < 0 {
				if len(p.old.IPConfigurations) == 1 && len(p.new.IPConfigurations) == 1 {
					c.note("the address of interface %s is %s, it was %s: its gates are not compared", p.new.Name, x.PrivateIPAddress, p.old.IPConfigurations[0].PrivateIPAddress)
				}
				continue
			}
			out = append(out, card{p, pair[*topology.IPConfiguration]{p.old.IPConfigurations[i], x}})
		}
	}
	return out
}

// shape tells apart which gates an interface has, whatever they decide: NSGs
// count as the same that are compared with each other.
func (c *comparison) shape(side int, x *card, s stack) string {
	_, config := x.side(side)
	var b strings.Builder
	sub, _ := topology.Lookup[*topology.Subnet](c.sides[side].Network(), config.Subnet)
	n := slices.IndexFunc(c.pairedSubnets(), func(p pair[*topology.Subnet]) bool {
		return sub != nil && (side == 0 && p.old == sub || side == 1 && p.new == sub)
	})
	fmt.Fprint(&b, n, ";")
	for _, g := range s {
		fmt.Fprint(&b, g.Always, g.Open, g.Said, ";")
		for _, way := range g.Ways {
			fmt.Fprint(&b, way.Closed, ";")
			if way.Admin != nil {
				b.WriteString(way.Admin.Digest(c.sets))
			}
			for _, y := range way.Groups {
				n := slices.IndexFunc(c.matchGroups(), func(p pair[*topology.NetworkSecurityGroup]) bool {
					return side == 0 && p.old == y.NSG || side == 1 && p.new == y.NSG
				})
				fmt.Fprint(&b, " ", n)
			}
		}
	}
	return b.String()
}

// content tells apart what the gates of an interface decide.
func (c *comparison) content(s stack) string {
	var b strings.Builder
	for _, g := range s {
		fmt.Fprint(&b, g.Always, g.Open, ";")
		for _, way := range g.Ways {
			fmt.Fprint(&b, way.Closed, ";")
			for _, y := range wayGates(way) {
				fmt.Fprintf(&b, " %x", y.Digest(c.sets))
			}
		}
	}
	return b.String()
}

// chainNames are the NSGs of an interface in words.
func (c *comparison) chainNames(side int, x *card) []string {
	nic, config := x.side(side)
	var out []string
	if r := nic.NetworkSecurityGroup; !r.IsZero() {
		out = append(out, "NSG "+r.ID().Name()+" at nic "+nic.Name)
	}
	if sub, ok := topology.Lookup[*topology.Subnet](c.sides[side].Network(), config.Subnet); ok && !sub.NetworkSecurityGroup.IsZero() {
		out = append(out, "NSG "+sub.NetworkSecurityGroup.ID().Name()+" at subnet "+subnetLabel(sub))
	}
	return out
}

// chainQuestion is the question about the whole chain of interfaces whose
// gates decide alike.
func (c *comparison) chainQuestion(d topology.Direction, stacks [2]stack, cards []card) *question {
	v6 := cards[0].config.new.PrivateIPAddress.Is6()
	q := &question{c: c, direction: d, v6: v6, cautious: true, where: "interface " + cards[0].nic.new.Name + ", " + d.String()}
	owners := map[netip.Addr]card{}
	var own []netip.Prefix
	for _, x := range cards {
		a := x.config.new.PrivateIPAddress
		if _, ok := owners[a]; ok {
			continue // in another virtual network: one stands for both
		}
		owners[a] = x
		own = append(own, netip.PrefixFrom(a, a.BitLen()))
		if len(q.hosts) < 32 {
			q.hosts = append(q.hosts, a)
		}
	}
	q.hosts = append(q.hosts, c.allHosts(v6, q.hosts)...)
	local := flowset.Box{Source: scope.SetOf(own...)}
	if d == topology.Inbound {
		local = flowset.Box{Destination: local.Source}
	}
	// Of admin rules both what they do and what they always allow is needed.
	var extra []*nsg.Gate
	alwaysOf := map[*nsg.Gate]int{}
	number := map[*nsg.Gate]int{}
	for side, s := range stacks {
		for _, g := range s {
			for _, way := range g.Ways {
				for _, x := range wayGates(way) {
					if !slices.Contains(q.gates[side], x) {
						q.gates[side] = append(q.gates[side], x)
					}
				}
			}
		}
	}
	for side := range q.gates {
		for i, x := range q.gates[side] {
			number[x] = q.number(side, i)
			if x.NSG == nil {
				alwaysOf[x] = len(extra)
				extra = append(extra, x.OnlyAlways())
			}
		}
	}
	all := slices.Concat(q.gates[0], q.gates[1], extra)
	q.space = c.settings().Space(v6, q.hosts, all, [][]flowset.Box{{local}, {{Source: scope.PublicSpace()}}, nsg.Platform()})
	decided := make([]*flowset.Parts, len(all))
	parts := func(i int) flowset.Parts {
		if decided[i] == nil {
			p := q.space.Parts(i)
			decided[i] = &p
		}
		return *decided[i]
	}
	here, fromPublic, platform := q.space.Region(0), q.space.Region(1), q.space.Region(2)
	for side := range q.parts {
		p := flowset.Parts{Unmatched: q.space.None(), Allowed: q.space.None(), Denied: q.space.None(), Open: q.space.None()}
		for public, g := range stacks[side] {
			rest := here
			switch {
			case d == topology.Outbound && public == 1:
				continue // the source is the interface's own
			case d == topology.Inbound && public == 1:
				rest = here.Intersect(fromPublic)
			case d == topology.Inbound:
				rest = here.Without(fromPublic)
			}
			if g.Open {
				p.Open = p.Open.Union(rest)
				continue
			}
			// What every way allows is allowed, what every way denies denied.
			allowed, denied := rest, rest
			for _, way := range g.Ways {
				a, d := c.wayParts(q, way, g.Always, rest, func(x *nsg.Gate) (does, always flowset.Parts) {
					does = parts(number[x])
					if x.NSG == nil {
						always = parts(len(q.gates[0]) + len(q.gates[1]) + alwaysOf[x])
						if d == topology.Outbound {
							always.Allowed, always.Open = always.Allowed.Without(platform), always.Open.Without(platform)
						}
					}
					return does, always
				})
				allowed, denied = allowed.Intersect(a), denied.Intersect(d)
			}
			if public == 1 && withoutEntry(side, stacks, cards) {
				allowed = q.space.None()
			}
			p.Allowed, p.Denied = p.Allowed.Union(allowed), p.Denied.Union(denied)
			p.Open = p.Open.Union(rest.Without(allowed).Without(denied))
		}
		q.parts[side] = p
	}
	q.order = func(side int, p flowset.Packet) []*nsg.Gate {
		g := stacks[side][0]
		if d == topology.Inbound && fromPublic.Has(p) {
			g = stacks[side][1]
		}
		if g.Open {
			return nil
		}
		return wayGates(g.Ways[0])
	}
	q.bears = func(both flowset.Set) (set flowset.Set, mayAllow, mayDeny bool) {
		for public := range stacks[0] {
			a, b := stacks[0][public], stacks[1][public]
			if a.Open || b.Open || len(a.Ways) > 1 || len(b.Ways) > 1 || a.Always != b.Always || a.Ways[0].Closed != b.Ways[0].Closed {
				return both, true, true
			}
		}
		set = q.space.None()
		for side := range q.gates {
			for _, x := range q.gates[side] {
				if slices.ContainsFunc(q.gates[1-side], func(y *nsg.Gate) bool { return y.Digest(c.sets) == x.Digest(c.sets) }) {
					continue
				}
				met := both.Without(parts(number[x]).Allowed)
				if met.Empty() {
					continue
				}
				set = set.Union(met)
				// An NSG taken away can only allow more, one added only deny;
				// admin rules can do both.
				mayAllow = mayAllow || side == 0 || x.NSG == nil
				mayDeny = mayDeny || side == 1 || x.NSG == nil
			}
		}
		return set, mayAllow, mayDeny
	}
	q.index = number
	q.ask = func(side int, p flowset.Packet) (Decision, error) {
		from, to := ends(d, p)
		x := owners[from.Address]
		nic, _ := x.side(side)
		y, err := decisionOf(c.sides[side].IPFlow(sim.IPFlowQuestion{Interface: nic.ResourceID, Direction: d, Protocol: p.Protocol, Local: from, Remote: to}))
		if err == nil && y.Verdict == flow.Allow && d == topology.Inbound && fromPublic.Has(p) && withoutEntry(side, stacks, cards) {
			text := "the gates allow it, but " + nic.Name + " has no public IP address here: whether anything leads a packet from " + p.Source.String() + " to it is not compared; ask netpath trace"
			y = Decision{Verdict: flow.Unknown, Code: flow.NoPublicEntry, Missing: []flow.Missing{{Code: flow.NoPublicEntry, About: nic.Name, Text: text}}}
		}
		return y, err
	}
	return q
}

// withoutEntry reports whether a side differs from the other in that a Standard
// public IP address without an NSG closes the interface there and here there is
// none (PIP): of the gates alone, packets from the Internet would be allowed,
// though the entry went with the address.
func withoutEntry(side int, stacks [2]stack, cards []card) bool {
	closed := func(side int) bool {
		return slices.ContainsFunc(stacks[side][1].Ways, func(w sim.Way) bool { return w.Closed })
	}
	return closed(1-side) && !closed(side) && slices.ContainsFunc(cards, func(x card) bool {
		_, config := x.side(side)
		return config.PublicIPAddress.IsZero()
	})
}

// wayParts are the packets of rest that a chain of gates allows, and those that
// it denies, for certain.
func (c *comparison) wayParts(q *question, way sim.Way, over flow.Verdict, rest flowset.Set, parts func(*nsg.Gate) (does, always flowset.Parts)) (allowed, denied flowset.Set) {
	allowed, denied = q.space.None(), q.space.None()
	open := q.space.None() // by a gate so far; a deny further on settles it
	if way.Admin != nil {
		does, always := parts(way.Admin)
		denied = rest.Intersect(does.Denied)
		up := rest.Intersect(always.Allowed)
		switch over {
		case flow.Allow:
			allowed = allowed.Union(up)
		case flow.Deny:
			denied = denied.Union(up)
		}
		// What may be always allowed no NSG settles.
		rest = rest.Without(does.Denied).Without(up).Without(always.Open)
		open = rest.Intersect(does.Open)
		rest = rest.Without(open)
	}
	for _, x := range way.Groups {
		does, _ := parts(x)
		no := rest.Union(open).Intersect(does.Denied)
		denied = denied.Union(no)
		open = open.Without(no).Union(rest.Intersect(does.Open))
		rest = rest.Intersect(does.Allowed)
	}
	if way.Closed {
		return allowed, denied.Union(rest).Union(open)
	}
	return allowed.Union(rest), denied
}

// allHosts are the addresses of interfaces of both sides but some.
func (c *comparison) allHosts(v6 bool, but []netip.Addr) []netip.Addr {
	const enough = 64
	var out []netip.Addr
	for _, s := range c.sides {
		for _, nic := range s.Network().NetworkInterfaces {
			for _, x := range nic.IPConfigurations {
				a := x.PrivateIPAddress
				if len(out) < enough && a.IsValid() && a.Is6() == v6 && !slices.Contains(but, a) && !slices.Contains(out, a) {
					out = append(out, a)
				}
			}
		}
	}
	return out
}
