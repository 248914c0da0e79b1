package fix

import (
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

// Difference is what one rule of a plan changes at its NSG: the exact sets of
// packets that the NSG allows, denies and leaves open with all edits, compared
// with those before.
type Difference struct {
	Edit        edit.AddRule
	Packets     *big.Int // that fare otherwise, of both families
	Source      Extent   // their addresses
	Destination Extent
	Ports       int // their destination ports
	// Known: the data says which addresses were asked about. Where it does not,
	// the rule names what was asked and nothing is counted.
	Known bool
	// Exact: what fares otherwise was asked about, all of it, and now has the
	// wanted verdict here.
	Exact bool
	// Beyond is a packet that fares otherwise without being asked about, or not
	// as it was wanted, "" where there is none.
	Beyond string
}

// Differences compares the NSGs of the plan's rules before and after its edits,
// rule by rule, at every subnet where they apply.
func (p *Plan) Differences() []Difference {
	var out []Difference
	for _, e := range p.Edits {
		if rule, ok := e.(edit.AddRule); ok {
			out = append(out, p.difference(rule))
		}
	}
	return out
}

func (p *Plan) difference(rule edit.AddRule) Difference {
	d := Difference{Edit: rule, Packets: new(big.Int), Source: extent(p.base, rule.Source), Destination: extent(p.base, rule.Destination), Known: true, Exact: true}
	// What the other rules of this NSG and direction were asked for is asked for too.
	var asked []request
	for _, e := range p.Edits {
		if x, ok := e.(edit.AddRule); ok && x.Target() == rule.Target() && x.Direction == rule.Direction {
			r := p.request(x)
			d.Known = d.Known && r.known
			asked = append(asked, r)
		}
	}
	if !d.Known || !d.Source.Known || !d.Destination.Known {
		d.Known, d.Exact = false, false
		return d
	}
	before, ok := topology.LookupID[*topology.NetworkSecurityGroup](p.base.Network(), rule.Target())
	after, also := topology.LookupID[*topology.NetworkSecurityGroup](p.Sim.Network(), rule.Target())
	if !ok || !also {
		d.Known, d.Exact = false, false
		return d
	}
	var sources, destinations netipx.IPSetBuilder
	var ports []topology.PortRange
	box := []flowset.Box{{Protocols: protocols(rule.Protocol), Source: d.Source.set, Destination: d.Destination.set, DestinationPorts: rule.Ports}}
	most := map[bool]*big.Int{}
	for _, place := range p.base.Scopes(before) {
		was, is := p.base.Gate(before, rule.Direction, place), p.Sim.Gate(after, rule.Direction, place)
		for _, v6 := range []bool{false, true} {
			regions := [][]flowset.Box{box, nil, nil}
			for _, r := range asked {
				regions[1] = append(regions[1], r.boxes(false)...)
				regions[2] = append(regions[2], r.boxes(true)...)
			}
			space := nsg.NewSpace(v6, nil, []*nsg.Gate{was, is}, regions)
			a, b := space.Parts(0), space.Parts(1)
			changed := b.Allowed.Without(a.Allowed).Union(b.Denied.Without(a.Denied)).Union(b.Open.Without(a.Open))
			now := b.Allowed
			if rule.Access == topology.Deny {
				now = b.Denied
			}
			// What the data leaves open of a name is as open in the rule.
			wrong := changed.Without(space.Region(2)).Union(changed.Intersect(space.Region(1)).Without(now))
			if w, ok := wrong.Witness(); ok && d.Beyond == "" {
				d.Exact = false
				d.Beyond = packet(w)
			}
			of := changed.Intersect(space.Region(0))
			if n := of.Size(); most[v6] == nil || n.Cmp(most[v6]) > 0 {
				most[v6] = n
			}
			sources.AddSet(of.Sources())
			destinations.AddSet(of.Destinations())
			ports = append(ports, of.DestinationPorts()...)
		}
	}
	for _, n := range most {
		d.Packets.Add(d.Packets, n)
	}
	for _, x := range []struct {
		to  *Extent
		set *netipx.IPSetBuilder
	}{{&d.Source, &sources}, {&d.Destination, &destinations}} {
		set, _ := x.set.IPSet() // of valid sets: no error
		x.to.set = set
		x.to.IPv4, x.to.IPv6 = Count(set)
	}
	d.Ports = countPorts(union(ports), rule.Protocol)
	if len(ports) == 0 {
		d.Ports = 0
	}
	return d
}

func packet(w flowset.Packet) string {
	if !w.Protocol.HasPorts() {
		return fmt.Sprintf("%s from %s to %s", w.Protocol, w.Source, w.Destination)
	}
	return fmt.Sprintf("%s from %s to %s", w.Protocol, netip.AddrPortFrom(w.Source, w.SourcePort), netip.AddrPortFrom(w.Destination, w.DestinationPort))
}

func protocols(p topology.Protocol) []topology.Protocol {
	if p == topology.AnyProtocol {
		return nil
	}
	return []topology.Protocol{p}
}

// union sorts ranges and leaves out what is there already.
func union(list []topology.PortRange) (out []topology.PortRange) {
	slices.SortFunc(list, func(a, b topology.PortRange) int { return int(a.First) - int(b.First) })
	for _, r := range list {
		if n := len(out); n > 0 && int(r.First) <= int(out[n-1].Last)+1 {
			out[n-1].Last = max(out[n-1].Last, r.Last)
			continue
		}
		out = append(out, r)
	}
	return out
}

// request is what was asked for, as it comes to the gate of a rule.
type request struct {
	known                bool
	protocols            []topology.Protocol
	from, to             [2]*netipx.IPSet // what is certainly of it, and what may be
	fromPorts, destPorts []topology.PortRange
}

func (r *request) boxes(may bool) []flowset.Box {
	i := 0
	if may {
		i = 1
	}
	return []flowset.Box{{Protocols: r.protocols, Source: r.from[i], Destination: r.to[i], SourcePorts: r.fromPorts, DestinationPorts: r.destPorts}}
}

// request is the question in sets of packets. A side that the packets have
// another address on, behind a proxy, an appliance or a translation, is that
// address.
func (p *Plan) request(rule edit.AddRule) request {
	r := request{known: true, protocols: protocols(rule.Protocol)}
	if p.question.Protocol != topology.AnyProtocol && p.question.Protocol != topology.NoProtocol && rule.Protocol == topology.AnyProtocol {
		r.protocols = protocols(p.question.Protocol)
	}
	var far bool
	r.from, _ = p.asked(&r, p.Before.From, rule.Source, nil)
	r.to, far = p.asked(&r, p.Before.To, rule.Destination, p.question.Ranges)
	if p.question.FixedSource {
		r.fromPorts = []topology.PortRange{{First: p.question.SourcePort, Last: p.question.SourcePort}}
	}
	r.destPorts = rule.Ports
	if port := (topology.PortRange{First: p.question.Port, Last: p.question.Port}); far && !p.question.AnyPort && (len(rule.Ports) == 0 || slices.ContainsFunc(rule.Ports, func(x topology.PortRange) bool { return x.Contains(port.First) })) {
		r.destPorts = []topology.PortRange{port}
	}
	return r
}

// asked is one side of the question: what it holds for certain, and what it
// may; far reports that it is what was asked and not where that was translated
// to.
func (p *Plan) asked(r *request, e sim.EndInfo, list []string, ranges []netip.Prefix) (sets [2]*netipx.IPSet, far bool) {
	own := extent(p.base, list)
	set, slack, ok := p.end(e)
	if len(ranges) > 0 {
		set, slack, ok = scope.SetOf(ranges...), nil, true
	}
	if !ok || !own.Known {
		r.known = false
		return sets, true
	}
	if !set.Overlaps(own.set) {
		return [2]*netipx.IPSet{own.set, own.set}, false
	}
	may := set
	if slack != nil {
		var b netipx.IPSetBuilder
		b.AddSet(set)
		b.AddSet(slack)
		may, _ = b.IPSet() // of valid sets: no error
	}
	return [2]*netipx.IPSet{set, may}, true
}

// end is the addresses that an end of the question is, and those of which
// nobody can say; false where no file says them.
func (p *Plan) end(e sim.EndInfo) (set, slack *netipx.IPSet, ok bool) {
	switch e.Kind {
	case "internet":
		var b netipx.IPSetBuilder
		b.AddSet(scope.InternetSpace())
		b.RemoveSet(scope.DisputedSpace())
		set, _ = b.IPSet() // of valid sets: no error
		return set, scope.DisputedSpace(), true
	case "serviceTag":
		set, ok = tagSpace(p.base, e.Name)
		return set, nil, ok
	case "datacenterRegion":
		if x, ok := p.base.Names().Index().Region(e.Name); ok {
			return scope.SetOf(x.Prefixes...), nil, true
		}
		return nil, nil, false
	case "prefix":
		x, err := netip.ParsePrefix(strings.TrimSpace(e.Text))
		if err != nil {
			return nil, nil, false
		}
		return scope.SetOf(x.Masked()), nil, true
	}
	var b netipx.IPSetBuilder
	for _, text := range strings.Split(e.Address, ", ") {
		if a, err := netip.ParseAddr(text); err == nil {
			b.Add(a)
		}
	}
	set, _ = b.IPSet() // of valid addresses: no error
	return set, nil, true
}
