package nsg

import (
	"net/netip"

	"go4.org/netipx"

	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/sim/flowset"
	"github.com/netpath/netpath/sim/scope"
	"github.com/netpath/netpath/topology"
)

// Settings say how a [Space] answers. The zero value takes all assumptions.
type Settings struct {
	// Strict leaves a packet open where its answer rests on an assumption for
	// which Waived is not true.
	Strict bool
	Waived func(flow.Fact) bool
}

// Space is the packets of one family of addresses, cut where some gates and
// regions draw their lines, so that the sets of one gate can be compared with
// another's. What is asked of it is computed when it is asked. It is not safe
// for concurrent use.
type Space struct {
	settings Settings

	gates   []*Gate
	space   *flowset.Space
	lists   []*flowset.List
	rules   []map[*Rule]*flowset.List // by gate: each rule alone
	regions []*flowset.List
	matched map[*flowset.List]flowset.Set
}

// NewSpace makes the space of the gates and of regions, each a union of boxes,
// under all assumptions. Witnesses prefer hosts, the first most.
func NewSpace(v6 bool, hosts []netip.Addr, gates []*Gate, regions [][]flowset.Box) *Space {
	return Settings{}.Space(v6, hosts, gates, regions)
}

// Space is [NewSpace] with these settings.
func (settings Settings) Space(v6 bool, hosts []netip.Addr, gates []*Gate, regions [][]flowset.Box) *Space {
	x := &Space{settings: settings, gates: gates, matched: map[*flowset.List]flowset.Set{}, rules: make([]map[*Rule]*flowset.List, len(gates))}
	shared := NewSets()
	addresses := map[string]*netipx.IPSet{}
	lists := make([][]flowset.Rule, len(gates))
	type alone struct {
		gate int
		rule *Rule
	}
	var single []alone
	for i, g := range gates {
		x.rules[i] = map[*Rule]*flowset.List{}
		var of []*Rule
		lists[i], of = g.boxes(shared, addresses, !settings.Strict)
		for k := range of {
			if of[k] != nil {
				single = append(single, alone{i, of[k]})
				lists = append(lists, []flowset.Rule{{Allow: true, Must: append(append([]flowset.Box{}, lists[i][k].Must...), lists[i][k].May...)}})
			}
		}
	}
	for _, r := range regions {
		lists = append(lists, []flowset.Rule{{Allow: true, Must: r}})
	}
	x.space, x.lists = flowset.NewSpace(v6, hosts, lists...)
	for i, one := range single {
		x.rules[one.gate][one.rule] = x.lists[len(gates)+i]
	}
	x.regions = x.lists[len(gates)+len(single):]
	return x
}

// Parts are the packets by what the gate does with them, as in [Exact].
func (x *Space) Parts(gate int) flowset.Parts {
	g := x.gates[gate]
	return x.space.Decide(x.lists[gate], func(p flowset.Packet) flowset.Answer { return g.answer(p, x.settings.Strict, x.settings.Waived) })
}

// Matched are the packets that a rule of the gate matches or may match,
// whatever comes before it.
func (x *Space) Matched(gate int, r *Rule) flowset.Set {
	list, ok := x.rules[gate][r]
	if !ok {
		return x.space.None()
	}
	return x.all(list)
}

// Region is the packets of a region.
func (x *Space) Region(i int) flowset.Set { return x.all(x.regions[i]) }

func (x *Space) all(list *flowset.List) flowset.Set {
	s, ok := x.matched[list]
	if !ok {
		s = x.space.Decide(list, nil).Allowed
		x.matched[list] = s
	}
	return s
}

// All is every packet of the space.
func (x *Space) All() flowset.Set { return x.space.All() }

// None is no packet.
func (x *Space) None() flowset.Set { return x.space.None() }

// Platform is the outbound traffic to platform addresses that rules stop only
// by a platform tag, or not at all, as [PlatformTraffic] tells it.
func Platform() []flowset.Box {
	ports := func(list ...uint16) (out []topology.PortRange) {
		for _, p := range list {
			out = append(out, topology.PortRange{First: p, Last: p})
		}
		return out
	}
	wire, imds := scope.SetOf(netip.PrefixFrom(scope.WireServer, 32)), scope.SetOf(netip.PrefixFrom(scope.IMDS, 32))
	tcp, udp := []topology.Protocol{topology.TCP}, []topology.Protocol{topology.UDP}
	return []flowset.Box{
		{Protocols: tcp, Destination: wire, DestinationPorts: ports(53, 80, 32526)},
		{Protocols: udp, Destination: wire, DestinationPorts: ports(53, 67)},
		{Protocols: tcp, Destination: imds, DestinationPorts: ports(80)},
	}
}
