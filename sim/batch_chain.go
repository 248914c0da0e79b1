package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/sim/nsg/classify"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// chain is the gates of one place, compiled by direction.
type chain struct {
	b    *Batch
	at   chainAt
	once [2]sync.Once
	dir  [2]*compiled
	err  [2]error
}

func (c *chain) compiled(inbound bool) (*compiled, error) {
	i, d := 0, topology.Outbound
	if inbound {
		i, d = 1, topology.Inbound
	}
	c.once[i].Do(func() { c.dir[i], c.err[i] = c.b.compile(c.at, d) })
	return c.dir[i], c.err[i]
}

// atomFlow is a packet as the compiled gates see it: addresses as atoms.
type atomFlow struct {
	protocol                  topology.Protocol
	source, destination       cidr.Atom
	sourcePort                uint16
	destinationPort           uint16
	anySource, anyDestination bool // every port is asked
	same                      bool // source and destination are one address
}

// compiled is a chain in one direction.
type compiled struct {
	b      *Batch
	at     chainAt
	number uint64
	table  *cidr.Table
	public []bool   // by atom
	admin  *gateUse // the admin rules; nil: none are asked
	plans  [2][accesses]plan

	allSource, allDestination bool // no rule names less than all ports

	classes classes
}

const accesses = int(topology.AlwaysAllow) + 1

// plan is what the walk does, by whether the source is public and by what the
// admin rules say: it asks these NSGs in turn until one denies.
type plan struct {
	certain bool // it asks no fact on the way
	gates   []*gateUse
	denied  bool         // at the end, without an NSG
	ends    []answerSlot // the answer without an NSG, by 1 + admin rule
}

// answerSlot holds the answer to all flows that the same rules decide, once
// it is known.
type answerSlot = atomic.Pointer[Answer]

// gateUse is a gate of a chain.
type gateUse struct {
	*gateTable
	answers []answerSlot // by rule, where it ends the walk
}

// certain finds the rules that decide. The result is nil where the simulator
// asks any fact, or where the flow is not of one class.
func (x *compiled) certain(p *atomFlow) (*answerSlot, topology.Access) {
	if p.protocol < topology.TCP {
		return nil, topology.NoAccess
	}
	sourcePort, destinationPort := p.sourcePort, p.destinationPort
	if p.protocol.HasPorts() && (p.anySource || p.anyDestination) {
		if p.anySource && !x.allSource || p.anyDestination && !x.allDestination {
			return nil, topology.NoAccess
		}
	}
	admin, access := -1, topology.NoAccess
	if x.admin != nil {
		v := x.admin.list.Classifier().OfAtoms(p.source, p.destination, p.protocol, sourcePort, destinationPort)
		if v.Open {
			return nil, topology.NoAccess
		}
		if v.Rule != classify.NoRule {
			admin, access = int(v.Rule), x.admin.access[v.Rule]
		}
	}
	public := 0
	if x.public[p.source] {
		public = 1
	}
	plan := &x.plans[public][access]
	if !plan.certain {
		return nil, topology.NoAccess
	}
	var last *answerSlot
	for _, g := range plan.gates {
		v := g.list.Classifier().OfAtoms(p.source, p.destination, p.protocol, sourcePort, destinationPort)
		if v.Open || v.Rule == classify.NoRule {
			return nil, topology.NoAccess
		}
		last = &g.answers[v.Rule]
		if g.access[v.Rule] == topology.Deny {
			return last, topology.Deny
		}
	}
	switch {
	case last != nil:
		return last, topology.Allow
	case plan.denied:
		return &plan.ends[admin+1], topology.Deny
	default:
		return &plan.ends[admin+1], topology.Allow
	}
}

// The addresses that a walk is tried with: it treats all sources alike but for
// whether they are public.
var probes = [2][2]netip.Addr{
	{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("8.0.0.1")},
	{netip.MustParseAddr("fd00::1"), netip.MustParseAddr("2001:4860::1")},
}

// tried is what a walk does where others decide in place of its gates.
type tried struct {
	asked  []*nsg.Gate // in the world of the default values, in order
	denied bool
	said   []flow.Code // of the hops, likewise
	worlds int
	met    *cuts // the gates of all worlds
}

// admin reports whether admin rules are asked in any world.
func (x *tried) admin() bool {
	for g := range x.met.gates {
		if g.NSG == nil {
			return true
		}
	}
	return false
}

// try walks through the gates of a chain in every world.
func (s *Simulator) try(at chainAt, d topology.Direction, public bool, admin topology.Access) tried {
	family, kind := 0, 0
	if at.p.config != nil && at.p.config.PrivateIPAddress.Is6() {
		family = 1
	}
	if public {
		kind = 1
	}
	own := probes[family][0]
	if at.p.config != nil && at.p.config.PrivateIPAddress.IsValid() {
		own = at.p.config.PrivateIPAddress
	}
	t := flow.Tuple{Protocol: topology.TCP, Source: flow.At(own), Destination: flow.At(probes[family][kind]), SourcePort: 1, DestinationPort: 1}
	if d == topology.Inbound {
		t.Source, t.Destination = t.Destination, t.Source
	}
	x := tried{met: newCuts()}
	stand := standIn(admin)
	flow.Explore(func(w *flow.World) (bool, struct{}) {
		x.worlds++
		k := &walk{s: s, w: w, seen: map[string]bool{}, cuts: x.met, stand: stand}
		if x.worlds == 1 {
			k.stand = func(g *nsg.Gate) nsg.Decision {
				x.asked = append(x.asked, g)
				return stand(g)
			}
		}
		k.gates(at, d, t)
		if x.worlds == 1 {
			x.denied = k.denied
			for _, h := range k.hops {
				x.said = append(x.said, h.Code)
			}
		}
		return true, struct{}{} // one outcome for all, so that no world is left out
	}, nil)
	return x
}

// compile compiles a chain. Chains with the same gates share what is compiled,
// where nothing but gates decides.
func (b *Batch) compile(at chainAt, d topology.Direction) (*compiled, error) {
	x := &compiled{b: b, at: at, allSource: true, allDestination: true}
	var runs [2][accesses]tried
	all := map[*nsg.Gate]bool{}
	complete := true
	for public := range runs {
		for access := range runs[public] {
			if access > 0 && !runs[public][0].admin() {
				runs[public][access] = runs[public][0] // nothing asks what they say
				continue
			}
			r := b.s.try(at, d, public == 1, topology.Access(access))
			runs[public][access] = r
			complete = complete && r.worlds < flow.MaxWorlds
			for g := range r.met.gates {
				all[g] = true
			}
		}
	}
	u, err := b.unitFor(at, all)
	if err != nil {
		return nil, err
	}
	shape := shapeOf(d, &runs)
	if shape != "" {
		b.mu.Lock()
		twin := b.alike[shape]
		b.mu.Unlock()
		if twin != nil {
			return twin, nil
		}
	}
	x.table, x.public, x.number = u.table, u.public, b.chains.Add(1)
	uses := map[*nsg.Gate]*gateUse{}
	for g := range all {
		t := u.gates[g]
		uses[g] = &gateUse{t, make([]answerSlot, len(t.access))}
		x.allSource = x.allSource && everyPort(t.source.Ports)
		x.allDestination = x.allDestination && everyPort(t.destination.Ports)
	}
	for public := range runs {
		for access := range runs[public] {
			r, p := &runs[public][access], &x.plans[public][access]
			p.certain, p.denied = r.worlds == 1, r.denied
			for _, g := range r.asked {
				if g.NSG == nil {
					x.admin = uses[g]
					continue
				}
				p.gates = append(p.gates, uses[g])
			}
			if p.denied && len(p.gates) > 0 {
				p.certain = false // no walk does so: gates that all allow are the end of it
			}
		}
	}
	ends := 1
	if x.admin != nil {
		ends += len(x.admin.access)
	}
	for public := range x.plans {
		for access := range x.plans[public] {
			x.plans[public][access].ends = make([]answerSlot, ends)
		}
	}
	if complete {
		x.classes.gates, x.classes.always = uses, u.always
	}
	if shape != "" {
		b.mu.Lock()
		b.alike[shape] = x
		b.mu.Unlock()
	}
	return x, nil
}

// shapeOf tells apart what walks do, "" where they ask facts outside of gates.
func shapeOf(d topology.Direction, runs *[2][accesses]tried) string {
	var b strings.Builder
	b.WriteString(d.String())
	for public := range runs {
		for _, r := range runs[public] {
			if r.worlds != 1 {
				return ""
			}
			fmt.Fprint(&b, r.denied, r.said)
			for _, g := range r.asked {
				fmt.Fprintf(&b, " %p", g)
			}
		}
	}
	return b.String()
}

func everyPort(list []topology.PortRange) bool {
	return !slices.ContainsFunc(list, func(r topology.PortRange) bool { return r != topology.AllPorts })
}

// unitKey names a unit: a virtual network, or neighbours in the list of NSGs.
type unitKey struct {
	alone bool
	vnet  *topology.VirtualNetwork
	from  int
}

// unit is chains that share an address table: those of a virtual network, or
// of some NSGs without theirs.
type unit struct {
	once   sync.Once
	err    error
	table  *cidr.Table
	public []bool       // by atom
	always []cidr.SetID // what a walk turns on beside its gates
	gates  map[*nsg.Gate]*gateTable
}

// gateTable is a gate compiled against the table of its unit.
type gateTable struct {
	certain             *nsg.Certain
	source, destination nsg.Axis
	sources             []cidr.SetID // the constants of source
	destinations        []cidr.SetID
	access              []topology.Access // by rule
	list                *classify.List
}

// classifierBytes is about how much memory the classifiers of a unit take.
const classifierBytes = 256 << 20

// together is how many NSGs without a virtual network share a table.
const together = 64

// unitFor is the unit of a chain that has the gates.
func (b *Batch) unitFor(at chainAt, gates map[*nsg.Gate]bool) (*unit, error) {
	key := unitKey{vnet: at.p.vnet}
	if at.alone != nil {
		key = unitKey{alone: true, from: slices.Index(b.s.groups, at.alone) / together * together}
	}
	if at.alone == nil || at.place == b.s.names.Alone() {
		b.mu.Lock()
		u, ok := b.units[key]
		if !ok {
			u = &unit{}
			b.units[key] = u
		}
		b.mu.Unlock()
		u.once.Do(func() { u.build(b.gatesOf(key)) })
		whole := true
		for g := range gates {
			whole = whole && u.gates[g] != nil
		}
		if whole || u.err != nil {
			return u, u.err
		}
	}
	u := &unit{}
	u.build(gates)
	return u, u.err
}

// gatesOf are the gates of a unit.
func (b *Batch) gatesOf(key unitKey) map[*nsg.Gate]bool {
	all := map[*nsg.Gate]bool{}
	add := func(at chainAt) {
		for _, d := range []topology.Direction{topology.Inbound, topology.Outbound} {
			for g := range b.s.try(at, d, false, topology.NoAccess).met.gates {
				all[g] = true
			}
		}
	}
	if key.alone {
		for _, g := range b.s.groups[key.from:min(key.from+together, len(b.s.groups))] {
			add(chainAt{alone: g, place: b.s.names.Alone()})
		}
		return all
	}
	for _, nic := range b.s.net.NetworkInterfaces {
		for _, c := range nic.IPConfigurations {
			if p := b.s.at(nic, c); p.vnet == key.vnet {
				add(chainAt{p: p})
			}
		}
	}
	return all
}

func (u *unit) build(gates map[*nsg.Gate]bool) {
	sets := nsg.NewSets()
	public := sets.Add(scope.PublicSpace())
	u.always = []cidr.SetID{public}
	for _, a := range []netip.Addr{scope.WireServer, scope.IMDS} {
		u.always = append(u.always, sets.Add(scope.SetOf(netip.PrefixFrom(a, a.BitLen()))))
	}
	u.gates = map[*nsg.Gate]*gateTable{}
	for g := range gates {
		t := &gateTable{certain: g.Certain(sets)}
		t.source, t.destination = g.Axes()
		for _, s := range t.source.Prefixes {
			t.sources = append(t.sources, sets.Add(s))
		}
		for _, s := range t.destination.Prefixes {
			t.destinations = append(t.destinations, sets.Add(s))
		}
		for _, r := range t.certain.Rules() {
			access := topology.NoAccess
			if r != nil {
				access = r.Access
			}
			t.access = append(t.access, access)
		}
		u.gates[g] = t
	}
	if u.table, u.err = sets.Table(); u.err != nil {
		return
	}
	u.public = make([]bool, u.table.Atoms())
	for _, a := range u.table.AtomsOf(public) {
		u.public[a] = true
	}
	cache := classify.NewCache(u.table, classifierBytes, classify.Options{})
	for _, t := range u.gates {
		if t.list, u.err = t.certain.List(cache); u.err != nil {
			return
		}
	}
}
