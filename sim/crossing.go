package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/sim/route"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// Crossings answers what passes between any two of many ends inside the estate,
// for every protocol and port, as [Simulator.TraceEnds] does without a proxy,
// and fast: what the NSGs of a side do with each kind of peer is worked out
// once, and a pair only walks the rest of the way, which routes, peerings and
// forwarders make up. What it cannot answer so it leaves to the trace. It is
// safe for concurrent use, and its memory grows with the gates and the kinds of
// peers, not with the pairs.
type Crossings struct {
	s        *Simulator
	families [2]family
	gates    sync.Map // *nsg.Gate → *gateView
	tables   sync.Map // *route.Table → *views
	around   map[*topology.VirtualNetwork]*neighbourhood
	twins    sync.Map     // twinKey → *twin
	number   atomic.Int64 // of the twins
	idle     sync.Pool    // *passing
	all, no  int32        // the fares of which everything passes, and nothing

	mu    sync.Mutex // of what follows
	ids   map[string]int32
	fares []*fare
	joint map[[2]int32]int32
	told  map[toldKey]*Passage
}

// family is the ends in one family of addresses, cut into segments: addresses
// in a row of which each end has all or none.
type family struct {
	spots    []spot
	segments []netipx.IPRange // in order
}

// spot is an end in one family.
type spot struct {
	at       position
	one      netip.Addr // an address of it; invalid: the end has none, or is left to the trace
	segments []int32
	unowned  bool
	class    int32 // of interfaces that differ in nothing but their addresses
	twins    bool  // others are of its class
}

// Crossing is what passes between two ends.
type Crossing struct {
	*Passage                   // the same for all pairs that fare alike
	Assumed  []flow.Assumption // what everything that is allowed rests on, beside what its part says
	// Alike is the same for pairs that pass the same gates, where the same rules
	// decide; 0: no other pair is known to do so.
	Alike int64
}

// Passage is the fate of every protocol and port.
type Passage struct {
	Parts []CrossingPart // disjoint, and together all there are
}

// CrossingPart is services that have one verdict.
type CrossingPart struct {
	Verdict     flow.Verdict // Unknown in strict mode alone, for assumptions that are not waived
	Taken       flow.Verdict // with every assumption: Allow or Deny
	Protocol    topology.Protocol
	SourcePorts []topology.PortRange // nil: all, or there are none
	Ports       []topology.PortRange // likewise
	Assumptions []flow.Assumption
}

type toldKey struct {
	fare int32
	weak bool
}

// Crossings prepares to answer for the pairs of some ends, each an interface or
// the unowned addresses of a subnet; others are left to the trace.
func (s *Simulator) Crossings(ends []End) *Crossings {
	c := &Crossings{s: s, around: s.neighbourhoods(), ids: map[string]int32{}, joint: map[[2]int32]int32{}, told: map[toldKey]*Passage{}}
	c.idle.New = func() any { return &passing{cuts: newCuts(), seen: map[string]bool{}} }
	for i, v6 := range []bool{false, true} {
		f := &c.families[i]
		f.spots = make([]spot, len(ends))
		ranges := make([][]netipx.IPRange, len(ends))
		var starts []netip.Addr
		for n, x := range ends {
			e, p := x.e, &f.spots[n]
			switch {
			case e.nic != nil && e.config(v6) != nil:
				p.at = s.at(e.nic, e.config(v6))
			case e.nic == nil && e.subnet != nil && e.set != nil && e.has(v6):
				p.at, p.unowned = s.in(e.subnet), true
			default:
				continue
			}
			ranges[n] = x.Addresses(v6).Ranges()
			for _, r := range ranges[n] {
				starts = append(starts, r.From())
				if after := r.To().Next(); after.IsValid() {
					starts = append(starts, after)
				}
			}
		}
		slices.SortFunc(starts, netip.Addr.Compare)
		starts = slices.Compact(starts)
		// A segment reaches to the next start; those that no end has do no harm.
		for n, from := range starts {
			to := netipx.PrefixLastIP(netip.PrefixFrom(from, 0).Masked())
			if n+1 < len(starts) {
				to = starts[n+1].Prev()
			}
			f.segments = append(f.segments, netipx.IPRangeFrom(from, to))
		}
		for n := range ends {
			p := &f.spots[n]
			for _, r := range ranges[n] {
				p.one = ranges[n][0].From()
				k, _ := slices.BinarySearchFunc(starts, r.From(), netip.Addr.Compare)
				for ; k < len(starts) && starts[k].Compare(r.To()) <= 0; k++ {
					p.segments = append(p.segments, int32(k))
				}
			}
		}
		c.classify(f)
	}
	c.all, c.no = c.constant(always), c.constant(never)
	return c
}

// classify finds the interfaces that a walk can tell apart by nothing but their
// addresses: they are in one subnet, with the same NSG and groups, and nothing
// else in the estate speaks of them.
func (c *Crossings) classify(f *family) {
	s := c.s
	hops := map[topology.ID]bool{} // interfaces and machines that routes lead to
	for _, t := range s.net.RouteTables {
		for _, r := range t.Routes {
			for _, o := range s.net.Owners(r.NextHopIP) {
				hops[o.Interface.ID()] = true
				if vm := s.vm(o.Interface); vm != nil {
					hops[vm.ID()] = true
				}
			}
		}
	}
	alone := func(p *spot) bool {
		if p.unowned || p.at.subnet == nil || p.at.vnet == nil {
			return true
		}
		nic, config := p.at.nic, p.at.config
		vm := s.vm(nic)
		balancers, _, dangling := s.before(nic, config)
		return len(s.net.Owners(p.one)) != 1 || len(s.claims[nic.ID()]) > 0 || len(flow.ElementFacts(&nic.Element))+len(flow.ElementFacts(&config.Element)) > 0 ||
			hops[nic.ID()] || vm != nil && (hops[vm.ID()] || vm.HostFirewall != nil) || len(balancers)+len(dangling) > 0
	}
	number := map[string]int32{}
	first := map[int32]int{}
	for i := range f.spots {
		p := &f.spots[i]
		p.class = int32(i)
		if !p.one.IsValid() || alone(p) {
			continue
		}
		groups := make([]string, len(p.at.config.ASGs))
		for k, g := range p.at.config.ASGs {
			groups[k] = string(g.ID())
		}
		slices.Sort(groups)
		key := fmt.Sprintf("%p %s %q", p.at.subnet, p.at.nic.NetworkSecurityGroup.ID(), groups)
		if n, ok := number[key]; ok {
			p.class, p.twins = n, true
			f.spots[first[n]].twins = true
			continue
		}
		number[key], first[p.class] = p.class, i
	}
}

type twinKey struct {
	from, to int32 // classes
	v6       bool
}

// twin is what a pair of two classes met, and what came of it: another pair
// that none of it tells apart fares alike.
type twin struct {
	views []*view
	keys  [][4]uint64
	Crossing
}

// like reports whether a pair is told apart by nothing that the twin met.
func (t *twin) like(a, b *spot) bool {
	for i, v := range t.views {
		x, _ := v.key(a)
		y, _ := v.key(b)
		if t.keys[i] != [4]uint64{x[0], x[1], y[0], y[1]} {
			return false
		}
	}
	return true
}

// twin remembers the passing of a pair.
func (c *Crossings) twin(n int, a, b *spot, w *passing, x Crossing) *twin {
	t := &twin{Crossing: x}
	add := func(v *view) {
		from, _ := v.key(a)
		to, _ := v.key(b)
		t.views, t.keys = append(t.views, v), append(t.keys, [4]uint64{from[0], from[1], to[0], to[1]})
	}
	add(c.of(&c.near(a).around, n, c.near(a).beside))
	for _, g := range w.gates {
		u := c.view(g)
		add(&u.source.of[n])
		add(&u.destination.of[n])
	}
	for table := range w.cuts.tables {
		add(c.tableView(table, n))
	}
	return t
}

// view is which of some constants each segment of a family lies in.
type view struct {
	keys [][2]uint64
	cut  []bool // a constant begins or ends inside of the segment
}

// views are a view for each family.
type views struct {
	once [2]sync.Once
	of   [2]view
}

// of is the view of the constants in a family, made once.
func (c *Crossings) of(x *views, family int, constants func() [][]netipx.IPRange) *view {
	x.once[family].Do(func() { x.of[family] = c.families[family].view(constants()) })
	return &x.of[family]
}

func (f *family) view(constants [][]netipx.IPRange) view {
	n := len(f.segments)
	v := view{keys: make([][2]uint64, n+1), cut: make([]bool, n)}
	if n == 0 {
		return v
	}
	six := f.segments[0].From().Is6()
	for id, ranges := range constants {
		for i, k := 0, 0; i < n && k < len(ranges); k++ {
			// On to the first range that reaches to the segment, and to the first
			// segment that reaches to the range.
			if ranges[k].To().Less(f.segments[i].From()) {
				ahead, _ := slices.BinarySearchFunc(ranges[k:], f.segments[i].From(), func(r netipx.IPRange, a netip.Addr) int { return r.To().Compare(a) })
				if k += ahead; k == len(ranges) {
					break
				}
			}
			r := ranges[k]
			if r.From().Is6() != six {
				continue // IPv4 sorts before IPv6
			}
			ahead, _ := slices.BinarySearchFunc(f.segments[i:], r.From(), func(s netipx.IPRange, a netip.Addr) int { return s.To().Compare(a) })
			if i += ahead; i == n {
				break
			}
			end, _ := slices.BinarySearchFunc(f.segments[i:], r.To(), func(s netipx.IPRange, a netip.Addr) int {
				if s.From().Compare(a) <= 0 {
					return -1
				}
				return 1
			})
			end += i // the first segment after the range
			if end == i {
				continue
			}
			if f.segments[i].From().Less(r.From()) {
				v.cut[i] = true
			}
			if r.To().Less(f.segments[end-1].To()) {
				v.cut[end-1] = true
			}
			v.keys[i], v.keys[end] = toggle(v.keys[i], id), toggle(v.keys[end], id)
		}
	}
	for i := 1; i <= n; i++ {
		v.keys[i] = [2]uint64{v.keys[i][0] ^ v.keys[i-1][0], v.keys[i][1] ^ v.keys[i-1][1]}
	}
	return v
}

// key is the class of a spot, false where the constants tell its addresses
// apart.
func (v *view) key(p *spot) ([2]uint64, bool) {
	k := v.keys[p.segments[0]]
	for _, n := range p.segments {
		if v.cut[n] || v.keys[n] != k {
			return k, false
		}
	}
	return k, true
}

// passing is one walk of a pair, with others in place of its NSGs.
type passing struct {
	gates []*nsg.Gate // in order
	cuts  *cuts
	seen  map[string]bool
}

func (w *passing) reset() {
	w.gates = w.gates[:0]
	clear(w.cuts.tables)
	clear(w.cuts.gates)
	clear(w.cuts.firewalls)
	clear(w.cuts.sets)
}

// other reports whether something was met whose boundaries are not looked at.
func (w *passing) other() bool { return len(w.cuts.firewalls)+len(w.cuts.sets) > 0 }

// between is a packet from one spot to another.
func between(a, b *spot) flow.Tuple {
	return flow.Tuple{Protocol: topology.TCP, Source: flow.At(a.one), Destination: flow.At(b.one), SourcePort: 50000, DestinationPort: 443}
}

// send walks a packet from a spot with every NSG open, and notes what is met.
func (c *Crossings) send(w *passing, world *flow.World, a, b *spot, t flow.Tuple) []Hop {
	clear(w.seen)
	allow := standIn(topology.NoAccess)
	k := &walk{s: c.s, w: world, home: b.at.home(), seen: w.seen, cuts: w.cuts}
	k.stand = func(g *nsg.Gate) nsg.Decision {
		w.gates = append(w.gates, g)
		return allow(g)
	}
	if a.unowned {
		k.fromSubnet(a.at.subnet, t)
	} else {
		k.send(a.at, t)
	}
	return k.hops
}

// StandIns are ends that a trace may ask in the place of two in a family: one
// address of each, where no walk between them tells their addresses apart;
// false where it may. That saves cutting what nothing cuts.
func (c *Crossings) StandIns(from, to int, v6 bool) (x, y End, ok bool) {
	n := 0
	if v6 {
		n = 1
	}
	a, b := &c.families[n].spots[from], &c.families[n].spots[to]
	if !a.one.IsValid() || !b.one.IsValid() || a.one == b.one || !a.unowned && !b.unowned {
		return x, y, false
	}
	w := c.idle.Get().(*passing)
	defer c.idle.Put(w)
	w.reset()
	t, plain := between(a, b), true
	all := flow.Explore(func(world *flow.World) (bool, struct{}) {
		for _, h := range c.send(w, world, a, b, t) {
			switch h.Kind {
			case HopEgress, HopEntry, HopFirewall, HopHostFirewall, HopProxy:
				plain = false // other ports may go another way
			case HopVirtualAppliance:
				plain = plain && h.Code != flow.LoadBalancerBackend
			}
		}
		return true, struct{}{} // one outcome for all, so that no world is left out
	}, nil)
	if !plain || all.Exhausted || w.other() || !c.whole(n, a, a, w) || !c.whole(n, a, b, w) {
		return x, y, false
	}
	for g := range w.cuts.gates {
		u := c.view(g)
		if _, ok := u.source.of[n].key(a); !ok {
			return x, y, false
		}
		if _, ok := u.destination.of[n].key(b); !ok {
			return x, y, false
		}
	}
	stand := func(p *spot) End {
		if p.unowned {
			return c.s.AddressEnd(subnetName(p.at.subnet), p.one, p.at.subnet)
		}
		return c.s.InterfaceEnd(topology.Owner{Interface: p.at.nic, Configuration: p.at.config})
	}
	return stand(a), stand(b), true
}

// Between is what passes from one end to another in a family, by their numbers;
// false where the trace must be asked. Ends without an address of the family
// are left to the trace too.
func (c *Crossings) Between(from, to int, v6 bool) (x Crossing, ok bool) {
	n := 0
	if v6 {
		n = 1
	}
	w := c.idle.Get().(*passing)
	defer c.idle.Put(w)
	a, b := &c.families[n].spots[from], &c.families[n].spots[to]
	if !a.one.IsValid() || !b.one.IsValid() || a.one == b.one {
		return x, false
	}
	pair, twins := twinKey{a.class, b.class, v6}, a.twins || b.twins
	if twins {
		if t, ok := c.twins.Load(pair); ok && t.(*twin).like(a, b) {
			return t.(*twin).Crossing, true
		}
		defer func() {
			if ok {
				x.Alike = c.number.Add(1)
				c.twins.Store(pair, c.twin(n, a, b, w, x))
			}
		}()
	}
	w.reset()
	t := between(a, b)
	send := func(world *flow.World) []Hop { return c.send(w, world, a, b, t) }
	hops, assumed, unknown := flow.One(send, "")
	denied, plain := plainly(hops, unknown)
	unsure := unknown || slices.ContainsFunc(assumed, func(f flow.Fact) bool {
		return f.Assumption != flow.NVAForwardsAndPermits && f.Assumption != flow.NoNICAtDestination
	})
	if unsure && denied && plain {
		// It may be that nothing passes, whatever the world is like.
		all := flow.Explore(func(world *flow.World) (bool, struct{}) {
			denied, ok := plainly(send(world), true)
			plain = plain && ok
			return !denied, struct{}{}
		}, nil)
		if all.Verdict == flow.Deny && len(all.Assumptions) == 0 {
			unsure = false
		}
	}
	if unsure || w.other() || !plain || !c.whole(n, a, a, w) || !c.whole(n, a, b, w) {
		return x, false
	}
	if denied {
		return Crossing{Passage: c.tell(c.no, false)}, true
	}
	id := c.all
	for _, g := range w.gates {
		if g.NSG == nil {
			return x, false // admin rules may end the chain
		}
		one, whole := c.gate(g, n, a, b, t)
		if !whole {
			return x, false
		}
		id = c.and(id, one)
	}
	if c.fare(id).isOpen() {
		return x, false
	}
	weak := false
	for _, f := range assumed {
		weak = weak || c.s.opts.Strict && !c.s.waived(f)
		x.Assumed = append(x.Assumed, flow.Assumption{ID: f.Assumption, About: f.About, Text: f.Text})
	}
	x.Passage = c.tell(id, weak)
	return x, true
}

// plainly reports whether nothing on the way but its NSGs asks for protocols,
// ports or rules, and whether the way itself denies every packet; open says that
// NSGs which are not in the data may stop it.
func plainly(hops []Hop, open bool) (denied, ok bool) {
	// What leaves for the Internet does not come to another network's addresses,
	// by whatever way out.
	elsewhere := len(hops) > 0 && hops[len(hops)-1].Code == flow.DeliveredElsewhere
	for i := range hops {
		h := &hops[i]
		switch {
		case h.Kind == HopSecurityRules && (open || h.Verdict == flow.Allow):
		case h.Kind == HopRoute && (h.Verdict == flow.Allow || h.Code == flow.RouteNone || h.Code == flow.NoSubnetAtDestination || h.Code == flow.DeliveredElsewhere):
		case h.Kind == HopEgress && elsewhere && h.Verdict == flow.Allow:
		case h.Kind == HopPeering && h.Code == flow.RouteFound && h.Verdict == flow.Allow:
		case h.Kind == HopVirtualAppliance && (h.Code == flow.RouteFound || h.Code == flow.NVANoForwarding || h.Code == flow.RouteLoop):
		default:
			return false, false
		}
		denied = denied || h.Verdict == flow.Deny
	}
	return denied, len(hops) > 0
}

// whole reports whether nothing on the way from home but its gates tells the
// addresses of a spot apart.
func (c *Crossings) whole(n int, home, p *spot, w *passing) bool {
	if !p.unowned {
		return true
	}
	if _, ok := c.of(&c.near(home).all, n, c.near(home).constants).key(p); !ok {
		return false
	}
	for t := range w.cuts.tables {
		if _, ok := c.tableView(t, n).key(p); !ok {
			return false
		}
	}
	return true
}

// neighbourhood is virtual networks that packets may get to from one another
// without the Internet between.
type neighbourhood struct {
	s        *Simulator
	networks map[topology.ID]bool
	all      views // what a walk there turns on beside gates and tables
	around   views // the same without the interfaces' own addresses
}

// near is the neighbourhood of a spot: that of no network where its own is not
// in the data.
func (c *Crossings) near(p *spot) *neighbourhood { return c.around[p.at.vnet] }

// neighbourhoods joins networks that a peering of either side links, or that
// are joined gateway to gateway.
func (s *Simulator) neighbourhoods() map[*topology.VirtualNetwork]*neighbourhood {
	of := map[*topology.VirtualNetwork]*neighbourhood{nil: {s: s}}
	for _, v := range s.net.VirtualNetworks {
		of[v] = &neighbourhood{s: s, networks: map[topology.ID]bool{v.ID(): true}}
	}
	join := func(v, w *topology.VirtualNetwork) {
		a, b := of[v], of[w]
		if a == b {
			return
		}
		if len(a.networks) < len(b.networks) {
			a, b = b, a
		}
		for id := range b.networks {
			a.networks[id] = true
			if x, ok := topology.LookupID[*topology.VirtualNetwork](s.net, id); ok {
				of[x] = a
			}
		}
	}
	for _, v := range s.net.VirtualNetworks {
		for _, p := range v.Peerings {
			if remote, ok := topology.Lookup[*topology.VirtualNetwork](s.net, p.RemoteVirtualNetwork); ok {
				join(v, remote)
			}
		}
		for _, w := range s.names.GatewaysOf(v).Joined {
			join(v, w)
		}
	}
	return of
}

// constants are those of [Simulator.estateConstants] that are of these networks
// or of none.
func (x *neighbourhood) constants() [][]netipx.IPRange {
	var out [][]netipx.IPRange
	add := func(p netip.Prefix) { out = append(out, []netipx.IPRange{netipx.RangeOfPrefix(p)}) }
	one := func(in topology.ID, a netip.Addr) {
		if a.IsValid() && x.networks[in] {
			add(netip.PrefixFrom(a, a.BitLen()))
		}
	}
	for _, nic := range x.s.net.NetworkInterfaces {
		for _, c := range nic.IPConfigurations {
			one(c.Subnet.ID().Parent(), c.PrivateIPAddress)
		}
	}
	return append(out, x.beside()...)
}

// beside are the constants but for the interfaces' own addresses.
func (x *neighbourhood) beside() [][]netipx.IPRange {
	n := x.s.net
	out := [][]netipx.IPRange{scope.PublicSpace().Ranges(), scope.DisputedSpace().Ranges()}
	add := func(list ...netip.Prefix) {
		for _, p := range list {
			out = append(out, []netipx.IPRange{netipx.RangeOfPrefix(p)})
		}
	}
	one := func(in topology.ID, a netip.Addr) {
		if a.IsValid() && (in == "" || x.networks[in]) {
			add(netip.PrefixFrom(a, a.BitLen()))
		}
	}
	one("", scope.WireServer)
	one("", scope.IMDS)
	for _, v := range n.VirtualNetworks {
		if !x.networks[v.ID()] {
			continue
		}
		add(v.KnownSpace()...)
		for _, sub := range v.Subnets {
			add(sub.Prefixes...)
		}
		for _, p := range v.Peerings {
			add(p.RemoteAddressSpace...)
		}
		add(x.s.names.GatewaysOf(v).Prefixes...)
	}
	for _, pe := range n.PrivateEndpoints {
		for _, a := range pe.Addresses {
			one(pe.Subnet.ID().Parent(), a)
		}
	}
	for _, lb := range n.LoadBalancers {
		for _, f := range lb.Frontends {
			one(f.Subnet.ID().Parent(), f.PrivateIPAddress)
			one("", f.PublicAddress)
		}
	}
	for _, f := range n.AzureFirewalls {
		one("", f.PrivateIPAddress)
	}
	for _, p := range n.PublicIPAddresses {
		one("", p.IPAddress)
	}
	return out
}

// tableView is a route table as the ends of a family see it.
func (c *Crossings) tableView(t *route.Table, n int) *view {
	x, ok := c.tables.Load(t)
	if !ok {
		x, _ = c.tables.LoadOrStore(t, &views{})
	}
	return c.of(x.(*views), n, func() [][]netipx.IPRange { return c.ranges(t.Constants()) })
}

func (c *Crossings) ranges(sets []*netipx.IPSet) [][]netipx.IPRange {
	out := make([][]netipx.IPRange, 0, len(sets))
	seen := make(map[*netipx.IPSet]bool, len(sets))
	for _, s := range sets {
		if s != nil && !seen[s] {
			seen[s] = true
			out = append(out, c.s.met.rangesOf(s))
		}
	}
	return out
}

// gateView is a gate as the ends see it.
type gateView struct {
	gate                *nsg.Gate
	source, destination views
	sourcePorts, ports  []uint16 // where runs of ports begin that the rules do not tell apart
	once                sync.Once
	mu                  sync.Mutex
	fares               map[[4]uint64]int32
}

// view is a gate as the ends see it.
func (c *Crossings) view(g *nsg.Gate) *gateView {
	v, ok := c.gates.Load(g)
	if !ok {
		v, _ = c.gates.LoadOrStore(g, &gateView{gate: g, fares: map[[4]uint64]int32{}})
	}
	u := v.(*gateView)
	u.once.Do(func() {
		side := func(axis nsg.Axis) func() [][]netipx.IPRange {
			return func() [][]netipx.IPRange {
				return c.ranges(append(slices.Clip(axis.Prefixes), scope.PublicSpace(), scope.DisputedSpace()))
			}
		}
		source, destination := g.Axes()
		u.sourcePorts, u.ports = runs(source.Ports), runs(destination.Ports)
		for family := range c.families {
			c.of(&u.source, family, side(source))
			c.of(&u.destination, family, side(destination))
		}
	})
	return u
}

// gate is the fare of a packet between two spots at a gate, false where the
// gate tells the addresses of a spot apart.
func (c *Crossings) gate(g *nsg.Gate, n int, x, y *spot, t flow.Tuple) (int32, bool) {
	u := c.view(g)
	from, ok := u.source.of[n].key(x)
	to, whole := u.destination.of[n].key(y)
	if !ok || !whole {
		return 0, false
	}
	key := [4]uint64{from[0], from[1], to[0], to[1]}
	u.mu.Lock()
	defer u.mu.Unlock()
	id, ok := u.fares[key]
	if !ok {
		id = c.intern(u.ask(t))
		u.fares[key] = id
	}
	return id, true
}

// runs are the starts of runs of ports that the ranges do not tell apart.
func runs(ranges []topology.PortRange) []uint16 {
	out := []uint16{0}
	for _, r := range ranges {
		out = append(out, r.First, r.Last+1) // 0 after the last port
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// outcome is what becomes of a packet at gates.
type outcome uint8

const (
	never  outcome = 0
	holds  outcome = 1             // passes where ICMP_NEEDS_ALL_PORTS holds
	fails  outcome = 2             // passes where it does not
	always outcome = holds | fails // passes
	open   outcome = 4             // the data, or another assumption, decides
)

// ported are the protocols with ports, portless those without.
var ported, portless = protocols[:2], protocols[2:]

// fare is the outcome of every protocol and port. The ports are cut into runs,
// the first from 0.
type fare struct {
	sourcePorts, ports []uint16
	with               [2][]outcome // TCP and UDP: by source port, then by destination port
	without            [3]outcome   // ICMP, ESP, AH
}

func (u *gateView) ask(t flow.Tuple) *fare {
	f := &fare{sourcePorts: u.sourcePorts, ports: u.ports}
	for i, p := range ported {
		for _, from := range f.sourcePorts {
			for _, to := range f.ports {
				t.Protocol, t.SourcePort, t.DestinationPort = p, from, to
				f.with[i] = append(f.with[i], decided(u.gate, t))
			}
		}
	}
	for i, p := range portless {
		t.Protocol, t.SourcePort, t.DestinationPort = p, 0, 0
		f.without[i] = decided(u.gate, t)
	}
	return f
}

// decided asks a gate about a packet.
func decided(g *nsg.Gate, t flow.Tuple) outcome {
	ask := func(without flow.AssumptionID) (access topology.Access, assumed, ok bool) {
		access, facts, unknown := flow.One(func(w *flow.World) topology.Access { return g.Decide(w, t).Access }, without)
		other := slices.ContainsFunc(facts, func(f flow.Fact) bool { return f.Assumption != flow.ICMPNeedsAllPorts })
		return access, len(facts) > 0, !unknown && !other
	}
	access, assumed, ok := ask("")
	o := never
	if access == topology.Allow {
		o = always
	}
	if !ok || !assumed {
		if !ok {
			o = open
		}
		return o
	}
	other, _, ok := ask(flow.ICMPNeedsAllPorts)
	if !ok {
		return open
	}
	o &= holds
	if other == topology.Allow {
		o |= fails
	}
	return o
}

// and is the outcome of two gates: a certain Deny before anything else.
func (o outcome) and(p outcome) outcome {
	if o == open || p == open {
		if o == never || p == never {
			return never
		}
		return open
	}
	return o & p
}

func (f *fare) isOpen() bool {
	return slices.Contains(f.with[0], open) || slices.Contains(f.with[1], open) || slices.Contains(f.without[:], open)
}

// runOf is the number of the run of ports that holds a port.
func runOf(starts []uint16, port uint16) int {
	i, found := slices.BinarySearch(starts, port)
	if !found {
		i--
	}
	return i
}

// and is what two gates do together.
func (f *fare) and(g *fare) *fare {
	both := func(a, b []uint16) []uint16 {
		out := slices.Concat(a, b)
		slices.Sort(out)
		return slices.Compact(out)
	}
	x := &fare{sourcePorts: both(f.sourcePorts, g.sourcePorts), ports: both(f.ports, g.ports)}
	for i := range x.with {
		for _, from := range x.sourcePorts {
			for _, to := range x.ports {
				a := f.with[i][runOf(f.sourcePorts, from)*len(f.ports)+runOf(f.ports, to)]
				b := g.with[i][runOf(g.sourcePorts, from)*len(g.ports)+runOf(g.ports, to)]
				x.with[i] = append(x.with[i], a.and(b))
			}
		}
	}
	for i := range x.without {
		x.without[i] = f.without[i].and(g.without[i])
	}
	return x
}

// canonical joins neighbouring runs of ports that fare alike.
func (f *fare) canonical() *fare {
	cell := func(i, from, to int) outcome { return f.with[i][from*len(f.ports)+to] }
	var rows, columns []int
	for from := range f.sourcePorts {
		same := from > 0
		for i := range f.with {
			for to := 0; same && to < len(f.ports); to++ {
				same = cell(i, from, to) == cell(i, from-1, to)
			}
		}
		if !same {
			rows = append(rows, from)
		}
	}
	for to := range f.ports {
		same := to > 0
		for i := range f.with {
			for from := 0; same && from < len(f.sourcePorts); from++ {
				same = cell(i, from, to) == cell(i, from, to-1)
			}
		}
		if !same {
			columns = append(columns, to)
		}
	}
	x := &fare{without: f.without}
	for _, from := range rows {
		x.sourcePorts = append(x.sourcePorts, f.sourcePorts[from])
	}
	for _, to := range columns {
		x.ports = append(x.ports, f.ports[to])
	}
	for i := range f.with {
		for _, from := range rows {
			for _, to := range columns {
				x.with[i] = append(x.with[i], cell(i, from, to))
			}
		}
	}
	return x
}

// intern numbers a fare; equal ones have one number.
func (c *Crossings) intern(f *fare) int32 {
	f = f.canonical()
	var b strings.Builder
	fmt.Fprint(&b, f.sourcePorts, f.ports, f.with, f.without)
	c.mu.Lock()
	defer c.mu.Unlock()
	id, ok := c.ids[b.String()]
	if !ok {
		id = int32(len(c.fares))
		c.ids[b.String()] = id
		c.fares = append(c.fares, f)
	}
	return id
}

func (c *Crossings) fare(id int32) *fare {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fares[id]
}

// constant is the fare of which every packet has one outcome.
func (c *Crossings) constant(o outcome) int32 {
	return c.intern(&fare{sourcePorts: []uint16{0}, ports: []uint16{0}, with: [2][]outcome{{o}, {o}}, without: [3]outcome{o, o, o}})
}

// and is the number of what two fares are together.
func (c *Crossings) and(a, b int32) int32 {
	c.mu.Lock()
	id, ok := c.joint[[2]int32{a, b}]
	f, g := c.fares[a], c.fares[b]
	c.mu.Unlock()
	if ok {
		return id
	}
	id = c.intern(f.and(g))
	c.mu.Lock()
	c.joint[[2]int32{a, b}] = id
	c.mu.Unlock()
	return id
}

// tell makes a passage of a fare; weak says that everything allowed rests on an
// assumption that strict mode does not take.
func (c *Crossings) tell(id int32, weak bool) *Passage {
	key := toldKey{id, weak}
	c.mu.Lock()
	x, f := c.told[key], c.fares[id]
	c.mu.Unlock()
	if x != nil {
		return x
	}
	x = &Passage{}
	icmp := flow.Fact{Assumption: flow.ICMPNeedsAllPorts, Text: "a rule for every protocol that names ports does not match ICMP, ESP and AH"}
	part := func(p topology.Protocol, o outcome) CrossingPart {
		part, unsure := CrossingPart{Protocol: p, Taken: flow.Deny}, false
		if o&holds != 0 {
			part.Taken, unsure = flow.Allow, weak
		}
		if o == holds || o == fails {
			part.Assumptions = []flow.Assumption{{ID: icmp.Assumption, Text: icmp.Text}}
			unsure = unsure || c.s.opts.Strict && !c.s.waived(icmp)
		}
		if part.Verdict = part.Taken; unsure {
			part.Verdict = flow.Unknown
		}
		return part
	}
	for i, p := range ported {
		for from := range f.sourcePorts {
			of := map[outcome][]topology.PortRange{}
			var order []outcome
			for to := range f.ports {
				o := f.with[i][from*len(f.ports)+to]
				if of[o] == nil {
					order = append(order, o)
				}
				of[o] = append(of[o], run(f.ports, to))
			}
			for _, o := range order {
				y := part(p, o)
				if y.Ports = mergePorts(of[o]); len(f.ports) == 1 {
					y.Ports = nil
				}
				if len(f.sourcePorts) > 1 {
					y.SourcePorts = []topology.PortRange{run(f.sourcePorts, from)}
				}
				x.Parts = append(x.Parts, y)
			}
		}
	}
	for i, p := range portless {
		x.Parts = append(x.Parts, part(p, f.without[i]))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.told[key]; known != nil {
		return known
	}
	c.told[key] = x
	return x
}

// run is the ports of a run by its number.
func run(starts []uint16, i int) topology.PortRange {
	r := topology.PortRange{First: starts[i], Last: 65535}
	if i+1 < len(starts) {
		r.Last = starts[i+1] - 1
	}
	return r
}
