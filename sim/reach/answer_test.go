package reach

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/netpath/netpath/internal/oracle"
	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// packet is one packet between two places.
type packet struct {
	from, to            *Place
	source, destination netip.Addr
	protocol            topology.Protocol
	sourcePort, port    uint16
}

func (p packet) String() string {
	return fmt.Sprintf("%s %s:%d of %s → %s:%d of %s", p.protocol, p.source, p.sourcePort, p.from.Name, p.destination, p.port, p.to.Name)
}

func holdsPort(list []topology.PortRange, p uint16) bool {
	return list == nil || slices.ContainsFunc(list, func(r topology.PortRange) bool { return r.Contains(p) })
}

func (s Services) holds(p packet) bool {
	return (s.Protocols == nil || slices.Contains(s.Protocols, p.protocol)) &&
		(!p.protocol.HasPorts() || holdsPort(s.SourcePorts, p.sourcePort) && holdsPort(s.Ports, p.port))
}

func anyHolds(list []Services, p packet) bool {
	return slices.ContainsFunc(list, func(s Services) bool { return s.holds(p) })
}

func (a Addresses) holds(x netip.Addr) bool { return a.set == nil || a.set.Contains(x) }

func (r *Row) holds(p packet) bool {
	return slices.Contains(r.From, p.from) && slices.Contains(r.To, p.to) && r.Source.holds(p.source) && r.Destination.holds(p.destination) && anyHolds(r.Services, p)
}

// rowOf is the row that holds a packet which goes directly; it fails where none
// or several do.
func rowOf(t *testing.T, a *Answer, p packet) *Row {
	t.Helper()
	var found *Row
	for i := range a.Rows {
		if r := &a.Rows[i]; r.Through == "" && r.holds(p) {
			if found != nil {
				t.Fatalf("%s is in two rows: %+v and %+v", p, *found, *r)
			}
			found = r
		}
	}
	if found == nil {
		t.Fatalf("%s is in no row of %s → %s", p, a.From.Name, a.To.Name)
	}
	return found
}

// one asks the walk about one packet.
func one(s *sim.Simulator, p packet) (*sim.Trace, error) {
	end := func(x *Place, a netip.Addr) sim.End {
		switch {
		case x.owner.Interface != nil:
			return x.end
		case x.subnet != nil:
			return s.AddressEnd(x.Name, a, x.subnet)
		}
		return s.SetEnd(x.Name, setOf([]netip.Prefix{netip.PrefixFrom(a, a.BitLen())}))
	}
	q := sim.TraceQuestion{Protocol: p.protocol, Port: p.port, SourcePort: p.sourcePort, FixedSource: p.protocol.HasPorts(), NoProxy: true}
	if p.to.entry != nil {
		return s.TraceEntry(q, end(p.from, p.source), p.to.entry)
	}
	return s.TraceEnds(q, end(p.from, p.source), end(p.to, p.destination))
}

// drawn makes packets of an answer: at the corners of its rows and of the rules
// of the estate, and anywhere.
type drawn struct {
	r     *rand.Rand
	ports []uint16
}

func newDrawn(seed uint64, n *topology.Network) *drawn {
	d := &drawn{r: rand.New(rand.NewPCG(seed, 21)), ports: []uint16{0, 22, 443, 65535}}
	for _, g := range n.NetworkSecurityGroups {
		for _, r := range g.SecurityRules {
			for _, p := range slices.Concat(r.Source.Ports, r.Destination.Ports) {
				d.ports = append(d.ports, p.First, p.Last, p.First-1, p.Last+1)
			}
		}
	}
	return d
}

func (d *drawn) address(p *Place, row *Row, source, v6 bool) (netip.Addr, bool) {
	set := p.end.Addresses(v6)
	if set == nil {
		return netip.Addr{}, false
	}
	part := row.Destination
	if source {
		part = row.Source
	}
	if part.set != nil && d.r.IntN(4) > 0 {
		if x := intersect(part.set, set); len(x.Ranges()) > 0 {
			set = x
		}
	}
	ranges := set.Ranges()
	if len(ranges) == 0 {
		return netip.Addr{}, false
	}
	r := ranges[d.r.IntN(len(ranges))]
	switch d.r.IntN(3) {
	case 0:
		return r.From(), true
	case 1:
		return r.To(), true
	default:
		return host(r), true
	}
}

func (d *drawn) packet(a *Answer) (packet, bool) {
	row := &a.Rows[d.r.IntN(len(a.Rows))]
	p := packet{from: row.From[d.r.IntN(len(row.From))], to: row.To[d.r.IntN(len(row.To))], protocol: protocols[d.r.IntN(len(protocols))]}
	v6 := d.r.IntN(2) == 1
	if !p.from.end.Has(v6) || !p.to.end.Has(v6) {
		v6 = !v6
	}
	if p.from == p.to || !p.from.end.Has(v6) || !p.to.end.Has(v6) {
		return p, false
	}
	var ok, found bool
	p.source, ok = d.address(p.from, row, true, v6)
	p.destination, found = d.address(p.to, row, false, v6)
	if p.protocol.HasPorts() {
		p.sourcePort, p.port = d.ports[d.r.IntN(len(d.ports))], d.ports[d.r.IntN(len(d.ports))]
	}
	return p, ok && found && p.source != p.destination
}

// questions are some questions about an estate, each of another kind of end.
func questions(r *rand.Rand, n *topology.Network) []Question {
	var ends []string
	for _, v := range n.VirtualNetworks {
		ends = append(ends, "vnet:"+v.ResourceID)
		for _, s := range v.Subnets {
			ends = append(ends, "subnet:"+s.ResourceID)
		}
	}
	for _, vm := range n.VirtualMachines {
		ends = append(ends, "vm:"+vm.ResourceID)
	}
	for _, nic := range n.NetworkInterfaces {
		ends = append(ends, "nic:"+nic.ResourceID)
	}
	for _, g := range n.ApplicationSecurityGroups {
		ends = append(ends, "asg:"+g.ResourceID)
	}
	pick := func() string { return ends[r.IntN(len(ends))] }
	return []Question{
		{From: pick(), To: pick()}, {From: pick(), To: pick()}, {From: pick(), To: "Internet"}, {From: "Internet", To: pick()},
		{From: pick(), To: "10.0.0.0/8"}, {From: pick()}, {From: "Internet"},
	}
}

// Every packet of what is asked is in one row, and fares there as the walk of
// that packet says, and as the evaluator says that was written apart.
func TestEveryPacketFaresAsItsRowSays(t *testing.T) {
	estates := 14
	if testing.Short() {
		estates = 6
	}
	asked, met := 0, map[string]int{}
	for seed := range uint64(estates) {
		without := estategen.Proxies
		if seed%2 == 0 {
			without |= estategen.All &^ estategen.Certain
		}
		n, _ := estategen.Random(rand.New(rand.NewPCG(seed, 20)), estategen.Options{Without: without})
		s, err := sim.New(n, sim.Options{AsOf: estategen.CatalogueDate})
		if err != nil {
			t.Fatal(err)
		}
		o := oracle.New(n, oracle.Options{AsOf: estategen.CatalogueDate})
		d := newDrawn(seed, n)
		list := questions(d.r, n)
		for _, q := range list[:2+int(seed)%(len(list)-1)] {
			a, err := Between(context.Background(), s, q)
			if err != nil {
				met["refused"]++
				continue
			}
			for range 15 {
				p, ok := d.packet(a)
				if !ok {
					continue
				}
				x, err := one(s, p)
				if err != nil {
					t.Fatalf("seed %d: %s: %v", seed, p, err)
				}
				if x == nil {
					if slices.ContainsFunc(a.Rows, func(r Row) bool { return r.holds(p) }) {
						t.Fatalf("seed %d: %s does not go by %s, and is in a row", seed, p, p.to.Name)
					}
					met["no entry"]++
					continue
				}
				if p.to.entry != nil {
					met["entry"]++
				}
				row := rowOf(t, a, p)
				asked++
				met[row.Outcome.Verdict.String()]++
				if x.Verdict != row.Outcome.Verdict || x.Code != row.Outcome.Code || x.RuleName != row.Outcome.RuleName {
					t.Fatalf("seed %d, %+v: %s: the row says %v %s %s, the walk %v %s %s", seed, q, p, row.Outcome.Verdict, row.Outcome.Code, row.Outcome.RuleName, x.Verdict, x.Code, x.RuleName)
				}
				if p.from.owner.Interface == nil || p.to.owner.Interface == nil {
					continue
				}
				tuple := flow.Tuple{Protocol: p.protocol, Source: flow.At(p.source), SourcePort: p.sourcePort, Destination: flow.At(p.destination), DestinationPort: p.port}
				if byAddress := s.Send(p.from.owner, tuple).Verdict; byAddress != row.Outcome.Verdict {
					// The oracle is asked about an address, whoever has it.
					if met["elsewhere"]++; row.Outcome.Verdict != flow.Deny {
						t.Fatalf("seed %d: %s: the row says %v, of the address alone the walk says %v", seed, p, row.Outcome.Verdict, byAddress)
					}
					continue
				}
				y := o.Trace(oracle.Question{From: p.from.owner.Configuration, NoProxy: true, Packet: tuple})
				if y.Beyond || y.Refused {
					continue
				}
				met["oracle"]++
				if row.Outcome.Verdict != y.Verdict && row.Outcome.Verdict != flow.Unknown {
					t.Fatalf("seed %d: %s: the row says %v, the oracle %v %s", seed, p, row.Outcome.Verdict, y.Verdict, y.Code)
				}
			}
		}
	}
	t.Logf("%d packets: %v", asked, met)
	for _, word := range []string{"Allow", "Deny", "Unknown", "oracle", "entry", "no entry"} {
		if met[word] == 0 {
			t.Errorf("no packet met %s", word)
		}
	}
}

// cellOf is what a cell says of a packet, as far as it says one thing.
func (c *Cell) says(p packet) (always, sometimes, undecided bool) {
	return anyHolds(c.Always, p), anyHolds(c.Sometimes, p), anyHolds(c.Undecided, p)
}

func TestACellIsWhatTheAnswerAboutItsTwoSubnetsSays(t *testing.T) {
	estates := 10
	if testing.Short() {
		estates = 5
	}
	met := map[string]int{}
	for seed := range uint64(estates) {
		without := estategen.Feature(0)
		if seed%4 > 0 {
			without = estategen.All &^ estategen.Certain
		}
		n, _ := estategen.Random(rand.New(rand.NewPCG(seed, 22)), estategen.Options{Without: without})
		s, err := sim.New(n, sim.Options{AsOf: estategen.CatalogueDate})
		if err != nil {
			t.Fatal(err)
		}
		m, err := Subnets(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, v := range n.VirtualNetworks {
			for _, sub := range v.Subnets {
				ids = append(ids, "subnet:"+sub.ResourceID)
			}
		}
		d := newDrawn(seed, n)
		for range 12 {
			i, j := d.r.IntN(len(ids)), d.r.IntN(len(ids))
			cell := m.Cells[m.Cell[i][j]]
			a, err := Between(context.Background(), s, Question{From: ids[i], To: ids[j], NoProxy: true})
			if err != nil {
				if !cell.Empty {
					t.Fatalf("seed %d: %s → %s: %v, the cell says %+v", seed, ids[i], ids[j], err, *cell)
				}
				met["empty"]++
				continue
			}
			for range 8 {
				p := packet{protocol: protocols[d.r.IntN(len(protocols))]}
				if p.protocol.HasPorts() {
					p.sourcePort, p.port = d.ports[d.r.IntN(len(d.ports))], d.ports[d.r.IntN(len(d.ports))]
				}
				var pass, open, stop bool
				for k := range a.Rows {
					// What comes by other addresses is not in a matrix.
					r := &a.Rows[k]
					if itself := slices.ContainsFunc(r.To, func(p *Place) bool { return p.entry == nil }); itself && anyHolds(r.Services, p) {
						pass = pass || r.Outcome.Verdict == flow.Allow
						open = open || r.Outcome.Verdict == flow.Unknown
						stop = stop || r.Outcome.Verdict == flow.Deny
					}
				}
				always, sometimes, undecided := cell.says(p)
				if always != (pass && !open && !stop) || sometimes != (pass && (open || stop)) || undecided != open {
					t.Fatalf("seed %d: %s → %s, %s %d %d: the rows pass %v, are open %v, deny %v; the cell is %+v", seed, ids[i], ids[j], p.protocol, p.sourcePort, p.port, pass, open, stop, *cell)
				}
				met[fmt.Sprint("always ", always)]++
				met[fmt.Sprint("sometimes ", sometimes)]++
				met[fmt.Sprint("undecided ", undecided)]++
			}
		}
	}
	t.Log(met)
	for _, word := range []string{"always true", "always false", "sometimes true", "undecided true"} {
		if met[word] == 0 {
			t.Errorf("no cell met: %s", word)
		}
	}
}

// One asker answers many questions at once as each alone is answered.
func TestAnAskerAnswersAtOnceAsOneByOne(t *testing.T) {
	n, _ := estategen.Random(rand.New(rand.NewPCG(5, 23)), estategen.Options{Without: estategen.All &^ estategen.Certain})
	s, err := sim.New(n, sim.Options{AsOf: estategen.CatalogueDate})
	if err != nil {
		t.Fatal(err)
	}
	list := questions(rand.New(rand.NewPCG(5, 24)), n)
	list = append(list, list...)
	text := func(a *Answer, err error) string {
		if err != nil {
			return err.Error()
		}
		var s string
		for i := range a.Rows {
			r := &a.Rows[i]
			s += fmt.Sprintln(r.Outcome.Verdict, r.Outcome.Code, r.Outcome.RuleName, len(r.From), len(r.To), r.Source.Name, r.Destination.Name, services(r.Services))
		}
		return s
	}
	asker := NewAsker(s)
	got := make([]string, len(list))
	if err := inParallel(context.Background(), len(list), func(i int) { got[i] = text(asker.Between(context.Background(), list[i])) }); err != nil {
		t.Fatal(err)
	}
	for i, q := range list {
		if want := text(Between(context.Background(), s, q)); got[i] != want {
			t.Errorf("%+v:\n%s\nalone:\n%s", q, got[i], want)
		}
	}
}
