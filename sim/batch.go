package sim

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/nsg"
	"github.com/netpath/netpath/topology"
)

// Batch answers many IP flow questions as [Simulator.IPFlow] does, but for
// what each rule does, and fast. Gates are compiled when they are first asked.
// A flow for which all gates are certain costs two look-ups of an address and
// one of a class for each gate; what turns on facts that the data does not say
// is asked of the simulator once for each class of flows that the gates cannot
// tell apart. A Batch is safe for concurrent use, and its memory does not grow
// with the number of flows.
type Batch struct {
	s     *Simulator
	memo  memo
	idle  sync.Pool // *Asker
	mu    sync.Mutex
	named uint64 // gates that were ever named
	gates map[gateNames]*NamedGate
	at    map[chainKey]*chain
	alike map[string]*compiled
	units map[unitKey]*unit

	chains atomic.Uint64 // that were compiled

	answers struct {
		sync.Mutex
		of map[string]*Answer
	}
}

// Answer is the answer to flows that have the same verdict by the same rule,
// resting on the same assumptions, and, where they are not decided, with the
// same codes. What else is in it is that of the first of them; Evaluated is
// empty.
type Answer struct {
	*IPFlow
	Number int // of the answers of a Batch, from 0 without gaps
}

// gateNames are the names that a question may give a gate by.
type gateNames struct{ nsg, nic, vm string }

// NamedGate is what questions with the same names ask.
type NamedGate struct {
	names  gateNames
	number uint64
	only   *chain // whatever the local address is; nil: it depends on that
}

// Batch prepares to answer many questions.
func (s *Simulator) Batch() *Batch {
	b := &Batch{s: s, gates: map[gateNames]*NamedGate{}, at: map[chainKey]*chain{}, alike: map[string]*compiled{}, units: map[unitKey]*unit{}}
	b.answers.of = map[string]*Answer{}
	b.idle.New = func() any { return b.Asker() }
	return b
}

// Gate is the gate that the names NSG, Interface and VM of a question mean.
// Whether they mean anything shows when it is asked.
func (b *Batch) Gate(q *IPFlowQuestion) *NamedGate {
	names := gateNames{q.NSG, q.Interface, q.VM}
	b.mu.Lock()
	defer b.mu.Unlock()
	g, ok := b.gates[names]
	if !ok {
		names = gateNames{strings.Clone(q.NSG), strings.Clone(q.Interface), strings.Clone(q.VM)}
		g = &NamedGate{names: names, number: b.named}
		b.named++
		if len(b.s.net.VirtualNetworks) == 0 && q.NSG != "" {
			// No address can be in a subnet.
			if at, err := b.s.chainFor(g.question(netip.IPv4Unspecified())); err == nil {
				g.only = b.chain(at)
			}
		}
		if len(b.gates) == remembered {
			clear(b.gates)
		}
		b.gates[names] = g
	}
	return g
}

// remembered bounds the names that a Batch remembers, and the addresses that
// an Asker does: both come from the file.
const remembered = 1 << 16

func (g *NamedGate) question(local netip.Addr) IPFlowQuestion {
	return IPFlowQuestion{NSG: g.names.nsg, Interface: g.names.nic, VM: g.names.vm, Local: Endpoint{Address: local}}
}

// Ask answers a question. A *NameError says that a name of the question does
// not fit the estate.
func (b *Batch) Ask(q *IPFlowQuestion) (*Answer, error) {
	a := b.idle.Get().(*Asker)
	defer b.idle.Put(a)
	return a.Ask(q)
}

// Asker asks a Batch on behalf of one goroutine.
type Asker struct {
	b      *Batch
	recent [1 << recentBits]asked
	chains map[uint64]*chain // by gate and IPv4 address
}

// asked is the compiled chain of a gate for a local IPv4 address, by
// direction, and the address's atom.
type asked struct {
	key   uint64 // gate and address
	chain [2]*compiled
	atom  [2]cidr.Atom
}

const recentBits = 11

// Asker makes an Asker.
func (b *Batch) Asker() *Asker { return &Asker{b: b, chains: map[uint64]*chain{}} }

// Flow4 is a question about an IPv4 packet.
type Flow4 struct {
	Gate                  *NamedGate
	Direction             topology.Direction
	Protocol              topology.Protocol
	AnyLocal, AnyRemote   bool   // every port is asked; the port does not count
	Local, Remote         uint32 // addresses in host order
	LocalPort, RemotePort uint16
}

// Ask4 answers a question about an IPv4 packet.
func (a *Asker) Ask4(f *Flow4) (*Answer, error) {
	p := atomFlow{protocol: f.Protocol}
	in := f.Direction == topology.Inbound
	way := 0
	if in {
		way = 1
	}
	key := f.Gate.number<<32 | uint64(f.Local)
	r := &a.recent[key*0x9e3779b97f4a7c15>>(64-recentBits)]
	x := r.chain[way]
	if r.key != key || x == nil {
		c, err := a.chain4(f.Gate, f.Local)
		if err != nil {
			return nil, err
		}
		if x, err = c.compiled(in); err != nil {
			return nil, err
		}
		if r.key != key {
			*r = asked{key: key}
		}
		r.chain[way], r.atom[way] = x, x.table.Lookup4(f.Local)
	}
	p.source, p.destination = r.atom[way], x.table.Lookup4(f.Remote)
	p.sourcePort, p.anySource, p.destinationPort, p.anyDestination = f.LocalPort, f.AnyLocal, f.RemotePort, f.AnyRemote
	if in {
		p.source, p.destination = p.destination, p.source
		p.sourcePort, p.destinationPort = p.destinationPort, p.sourcePort
		p.anySource, p.anyDestination = p.anyDestination, p.anySource
	}
	slot, access := x.certain(&p)
	if slot != nil {
		if got := slot.Load(); got != nil {
			return got, nil
		}
	} else {
		p.same = f.Local == f.Remote
		if got := x.recall(&p); got != nil {
			return got, nil
		}
	}
	q := IPFlowQuestion{Direction: f.Direction, Protocol: f.Protocol,
		Local:  Endpoint{Address: address4(f.Local), Port: f.LocalPort, AnyPort: f.AnyLocal},
		Remote: Endpoint{Address: address4(f.Remote), Port: f.RemotePort, AnyPort: f.AnyRemote}}
	return x.explain(&q, &p, slot, access)
}

func address4(a uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], a)
	return netip.AddrFrom4(b)
}

// chain4 is the chain of a gate for a local address.
func (a *Asker) chain4(g *NamedGate, local uint32) (*chain, error) {
	if g.only != nil {
		return g.only, nil
	}
	key := g.number<<32 | uint64(local)
	if c := a.chains[key]; c != nil {
		return c, nil
	}
	at, err := a.b.s.chainFor(g.question(address4(local)))
	if err != nil {
		return nil, err
	}
	if len(a.chains) == remembered {
		clear(a.chains)
	}
	c := a.b.lockedChain(at)
	a.chains[key] = c
	return c, nil
}

// Ask answers a question. A *NameError says that a name of the question does
// not fit the estate.
func (a *Asker) Ask(q *IPFlowQuestion) (*Answer, error) {
	if err := q.checkFamilies(); err != nil || q.Place != nil || !q.Local.Address.Is4() {
		at, nameErr := a.b.s.chainFor(*q)
		switch {
		case nameErr != nil:
			return nil, nameErr
		case err != nil:
			return nil, err
		}
		return a.ask6(a.b.lockedChain(at), q)
	}
	local, remote := q.Local.Address.As4(), q.Remote.Address.As4()
	return a.Ask4(&Flow4{
		Gate: a.b.Gate(q), Direction: q.Direction, Protocol: q.Protocol,
		Local: binary.BigEndian.Uint32(local[:]), LocalPort: q.Local.Port, AnyLocal: q.Local.AnyPort,
		Remote: binary.BigEndian.Uint32(remote[:]), RemotePort: q.Remote.Port, AnyRemote: q.Remote.AnyPort,
	})
}

func (a *Asker) ask6(c *chain, q *IPFlowQuestion) (*Answer, error) {
	x, err := c.compiled(q.Direction == topology.Inbound)
	if err != nil {
		return nil, err
	}
	from, to := q.Local, q.Remote
	if q.Direction == topology.Inbound {
		from, to = to, from
	}
	p := atomFlow{protocol: q.Protocol, same: from.Address == to.Address,
		source: x.table.LookupAddr(from.Address), sourcePort: from.Port, anySource: from.AnyPort,
		destination: x.table.LookupAddr(to.Address), destinationPort: to.Port, anyDestination: to.AnyPort}
	slot, access := x.certain(&p)
	if slot != nil {
		if got := slot.Load(); got != nil {
			return got, nil
		}
	} else if got := x.recall(&p); got != nil {
		return got, nil
	}
	return x.explain(q, &p, slot, access)
}

// checkFamilies refuses addresses that no packet can have both.
func (q *IPFlowQuestion) checkFamilies() error {
	if !q.Local.Address.IsValid() || !q.Remote.Address.IsValid() || q.Local.Address.Is4() != q.Remote.Address.Is4() {
		return &NameError{Kind: "address", Name: q.Remote.Address.String(), Reason: "local and remote address must be of one family"}
	}
	return nil
}

// explain asks the simulator and keeps its answer for flows of the class.
func (x *compiled) explain(q *IPFlowQuestion, p *atomFlow, slot *answerSlot, access topology.Access) (*Answer, error) {
	a, _ := x.b.s.answer(*q, x.at)
	got := x.b.intern(a)
	switch {
	case slot == nil:
		x.remember(p, got)
	case a.Access != verdictOf(access) || len(a.Assumptions) > 0 || a.UnderAssumptions != "":
		return nil, fmt.Errorf("the compiled rules and the explained answer to %s %s %s differ: %s and %s",
			q.Direction, q.Local.Address, q.Remote.Address, verdictOf(access), a.Access)
	default:
		slot.Store(got)
	}
	return got, nil
}

// intern returns the one Answer with these words.
func (b *Batch) intern(a *IPFlow) *Answer {
	var key strings.Builder
	rule := ""
	if a.RuleName != nil {
		rule = *a.RuleName
	}
	fmt.Fprintf(&key, "%d %q %q %d %q %t %t %t %q", a.Access, a.UnderAssumptions, rule, a.Priority, a.NetworkSecurityGroup,
		a.Undecided, a.AnyAllow, a.AnyDeny, a.Assumptions)
	if a.Access != flow.Allow && a.Access != flow.Deny {
		fmt.Fprintf(&key, " %q", a.Codes)
	}
	for _, p := range a.Parts {
		fmt.Fprintf(&key, "|%q %q", p.UnderAssumptions, p.Assumptions)
	}
	b.answers.Lock()
	defer b.answers.Unlock()
	got, ok := b.answers.of[key.String()]
	if !ok {
		got = &Answer{a, len(b.answers.of)}
		b.answers.of[key.String()] = got
	}
	return got
}

// chainKey is what tells chains apart.
type chainKey struct {
	alone  *topology.NetworkSecurityGroup
	place  any // *scope.Place of alone
	nic    *topology.NetworkInterface
	config *topology.IPConfiguration
}

func (b *Batch) lockedChain(at chainAt) *chain {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.chain(at)
}

// chain is the chain at a place; the Batch is locked.
func (b *Batch) chain(at chainAt) *chain {
	key := chainKey{alone: at.alone, place: at.place, nic: at.p.nic, config: at.p.config}
	c, ok := b.at[key]
	if !ok {
		c = &chain{b: b, at: at}
		b.at[key] = c
	}
	return c
}

// standIn decides in place of gates: the admin rules as given, NSGs allow.
func standIn(admin topology.Access) func(*nsg.Gate) nsg.Decision {
	rule := &nsg.Rule{}
	return func(g *nsg.Gate) nsg.Decision {
		switch {
		case g.NSG != nil:
			return nsg.Decision{Access: topology.Allow, Rule: rule, Code: flow.NSGRuleAllow}
		case admin == topology.NoAccess:
			return nsg.Decision{}
		default:
			return nsg.Decision{Access: admin, Rule: rule, Code: flow.AdminRuleAllow}
		}
	}
}
