package main

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gaissmai/bart"

	"github.com/netpath/netpath/sim/cidr"
	"github.com/netpath/netpath/sim/nsg/classify"
	"github.com/netpath/netpath/topology"
)

// bench measures the rows.
type bench struct {
	rounds int
	seed   uint64
	rows   []*row
	// libraries is what other libraries take, in nanoseconds, by catalogue:
	// shown for comparison.
	libraries []libraryTable
	log       func(format string, a ...any)
}

func newBench(rounds int, log func(string, ...any)) *bench {
	return &bench{rounds: rounds, seed: 1, rows: newRows(), log: log}
}

func (b *bench) row(id string) *row {
	i := slices.IndexFunc(b.rows, func(r *row) bool { return r.id == id })
	if i < 0 {
		panic("no row " + id)
	}
	return b.rows[i]
}

// claim is a case of a row that is read off a sample.
type claim struct {
	row, name string
	value     func(*sample) float64
	beside    bool
}

// claims puts cases into their rows. Where one is beyond its gate, two times
// as many rounds again are measured before it is believed: another program on
// the machine may have been in the way.
func (b *bench) claims(s *sample, detail func(*sample) string, list ...claim) {
	for _, c := range list {
		if r := b.row(c.row); !c.beside && !r.keeps(c.value(s), r.gate) {
			s.more(2 * b.rounds)
			break
		}
	}
	for _, c := range list {
		r := b.row(c.row)
		f := figure{name: c.name, value: c.value(s), detail: detail(s), beside: c.beside}
		r.cases = append(r.cases, f)
		b.log("%s, %s: %s %s (%s)", r.id, f.name, r.number(f.value), r.state(f), f.detail)
	}
}

// smallest is the size of a catalogue, in prefixes, from which on verdicts,
// build and memory have gates: about a real one. Look-ups have them from
// 10,000 on.
const smallest = 20_000

// sink takes results, so that no look-up is left out.
var sink int

// over is a value: a peer's cost divided by that of the cheaper of bart.Fast
// and bart.Table.
func over(peer string) func(*sample) float64 {
	return func(s *sample) float64 { return s.ratio(peer, "bart.Fast", "bart.Table") }
}

// lpm are the two tables of bart that have a value for a prefix.
type lpm struct {
	fast  *bart.Fast[uint32]
	table *bart.Table[uint32]
}

func newLPM(prefixes []netip.Prefix) lpm {
	l := lpm{new(bart.Fast[uint32]), new(bart.Table[uint32])}
	for i, p := range prefixes {
		l.fast.Insert(p, uint32(i))
		l.table.Insert(p, uint32(i))
	}
	return l
}

// peers find the longest prefix of each address.
func (l lpm) peers(addrs []netip.Addr) []peer {
	return []peer{
		{"bart.Fast", len(addrs), func() {
			for _, a := range addrs {
				v, _ := l.fast.Lookup(a)
				sink += int(v)
			}
		}},
		{"bart.Table", len(addrs), func() {
			for _, a := range addrs {
				v, _ := l.table.Lookup(a)
				sink += int(v)
			}
		}},
	}
}

// mustBuild makes an address table; the prefixes of a catalogue are valid.
func mustBuild(sets [][]netip.Prefix) *cidr.Table {
	t, err := cidr.Build(sets)
	if err != nil {
		panic(err)
	}
	return t
}

// lookUps measures single addresses: P5 and P6.
func (b *bench) lookUps(c catalogue) {
	table, prefixes := mustBuild(c.tags), unique(c.tags)
	l := newLPM(prefixes)
	addresses := addressesOf(prefixes, b.seed)
	for _, kind := range kinds {
		addrs := addresses[kind]
		s := measure(b.rounds, append(l.peers(addrs), lookUpPeers(table, addrs)...)...)
		id, beside := "P5", len(prefixes) < 5000 || kind == "miss4" || kind == "near6"
		switch kind {
		case "hit6":
			id = "P6 hit"
		case "miss6", "near6":
			id = "P6 miss"
		}
		detail := func(s *sample) string {
			return fmt.Sprintf("%.1f ns, batch %.1f, netip %.1f; Fast %.1f, Table %.1f",
				s.ns("key"), s.ns("batch"), s.ns("netip"), s.ns("bart.Fast"), s.ns("bart.Table"))
		}
		b.claims(s, detail, claim{id, c.name + ", " + kind, over("key"), beside})
	}
}

// lookUpPeers are the ways to ask the address table.
func lookUpPeers(table *cidr.Table, addrs []netip.Addr) []peer {
	atoms := make([]cidr.Atom, len(addrs))
	peers := []peer{{"netip", len(addrs), func() {
		for _, a := range addrs {
			sink += int(table.LookupAddr(a))
		}
	}}}
	if addrs[0].Is4() {
		keys := make([]uint32, len(addrs))
		for i, a := range addrs {
			keys[i] = cidr.KeyOf4(a)
		}
		return append(peers,
			peer{"key", len(keys), func() {
				for _, k := range keys {
					sink += int(table.Lookup4(k))
				}
			}},
			peer{"batch", len(keys), func() { table.Lookup4Batch(atoms, keys) }})
	}
	keys := make([]cidr.Key6, len(addrs))
	for i, a := range addrs {
		keys[i] = cidr.KeyOf6(a)
	}
	return append(peers,
		peer{"key", len(keys), func() {
			for _, k := range keys {
				sink += int(table.Lookup6(k.Hi, k.Lo))
			}
		}},
		peer{"batch", len(keys), func() { table.Lookup6Batch(atoms, keys) }})
}

// verdicts measures one list of rules with IPv4 packets, a share of IPv6 ones
// beside: P1 to P4.
func (b *bench) verdicts(e *estate, share6 float64) {
	table := mustBuild(e.sets)
	list := mustCompile(table, e.rules)
	l := newLPM(unique(e.sets))
	packets := e.packets(queries, share6, b.seed)
	destinations := make([]netip.Addr, len(packets))
	for i, p := range packets {
		destinations[i] = p.destination.Addr()
	}
	peers := append(l.peers(destinations), verdictPeers(list, packets)...)
	s := measure(b.rounds, append(peers, stagePeers(list, packets)...)...)
	name := e.name
	if share6 > 0 {
		name += fmt.Sprintf(", %.0f %% IPv6", 100*share6)
	}
	detail := func(s *sample) string {
		return fmt.Sprintf("%.1f ns (look-ups alone %.1f, classes and rules alone %.1f), batch %.1f, netip %.1f; Fast %.1f, Table %.1f; list %d KB",
			s.ns("key"), s.ns("look-ups"), s.ns("rules"), s.ns("batch"), s.ns("netip"), s.ns("bart.Fast"), s.ns("bart.Table"), list.MemorySize()>>10)
	}
	beside := share6 > 0 || e.prefixes < smallest
	if len(e.rules) > 500 {
		b.claims(s, detail, claim{"P4", name, over("key"), beside})
		return
	}
	b.claims(s, detail,
		claim{"P1", name, over("key"), beside}, claim{"P2", name, over("batch"), beside}, claim{"P3", name, over("netip"), beside})
}

func mustCompile(t *cidr.Table, rules []classify.Rule) *classify.Classifier {
	c, err := classify.New(t, rules, classify.Options{})
	if err != nil {
		panic(err) // the rules are the program's own
	}
	return c
}

// verdictPeers are the ways to ask a classifier. IPv4 and IPv6 packets are
// asked apart where the form of the key says which they are.
func verdictPeers(list *classify.Classifier, packets []packet) []peer {
	var four []classify.Key4
	var six []classify.Key6
	for i := range packets {
		if p := &packets[i]; p.source.Addr().Is4() {
			four = append(four, p.key4())
		} else {
			six = append(six, p.key6())
		}
	}
	out := make([]classify.Verdict, len(packets))
	return []peer{
		{"key", len(packets), func() {
			for i := range four {
				sink += int(list.Verdict4(four[i]).Rule)
			}
			for i := range six {
				sink += int(list.Verdict6(six[i]).Rule)
			}
		}},
		{"batch", len(packets), func() {
			list.Batch4(out[:len(four)], four)
			list.Batch6(out[len(four):], six)
		}},
		{"netip", len(packets), func() {
			for i := range packets {
				p := &packets[i]
				sink += int(list.Verdict(p.protocol, p.source, p.destination).Rule)
			}
		}},
	}
}

// stagePeers are the two stages of a verdict, each alone.
func stagePeers(list *classify.Classifier, packets []packet) []peer {
	table := list.Table()
	from, to := make([]cidr.Atom, len(packets)), make([]cidr.Atom, len(packets))
	look := func() {
		for i := range packets {
			p := &packets[i]
			from[i], to[i] = table.LookupAddr(p.source.Addr()), table.LookupAddr(p.destination.Addr())
		}
	}
	look()
	keys := make([]classify.Key4, 0, len(packets))
	for i := range packets {
		if p := &packets[i]; p.source.Addr().Is4() {
			keys = append(keys, p.key4())
		}
	}
	lookUps := peer{"look-ups", len(packets), look}
	if len(keys) == len(packets) {
		lookUps.run = func() {
			for i := range keys {
				s, d := table.Lookup4Pair(keys[i].Source, keys[i].Destination)
				sink += int(s) + int(d)
			}
		}
	}
	return []peer{lookUps, {"rules", len(packets), func() {
		for i := range packets {
			p := &packets[i]
			sink += int(list.OfAtoms(from[i], to[i], p.protocol, p.source.Port(), p.destination.Port()).Rule)
		}
	}}}
}

// ruleByRule compares with what a program does that has a prefix library and
// nothing else: P7. Every answer is compared as well.
func (b *bench) ruleByRule(e *estate) error {
	list := mustCompile(mustBuild(e.sets), e.rules)
	packets := e.packets(2000, 0, b.seed)
	few := packets[:100] // a plain list of prefixes takes long
	peers := []peer{verdictPeers(list, packets)[0]}
	for _, l := range []struct {
		name   string
		newSet func([]netip.Prefix) contains
		ask    []packet
	}{{"cidranger", newRanger, packets}, {"bart.Lite", newLite, packets}, {"netip.Prefix", newPrefixList, few}} {
		rules := newLinear(e, l.newSet)
		for i := range l.ask {
			p := &l.ask[i]
			if got, want := list.Verdict4(p.key4()), rules.verdict(p); got != want {
				return fmt.Errorf("%s: %v: %+v, rule by rule over %s %+v", e.name, *p, got, l.name, want)
			}
		}
		peers = append(peers, peer{l.name, len(l.ask), func() {
			for i := range l.ask {
				sink += int(rules.verdict(&l.ask[i]).Rule)
			}
		}})
	}
	s := measure(max(3, b.rounds/2), peers...)
	id := "P7 100"
	if len(e.rules) > 500 {
		id = "P7 1000"
	}
	times := func(name string) func(*sample) float64 {
		return func(s *sample) float64 { return s.ratio(name, "key") }
	}
	detail := func(s *sample) string {
		return fmt.Sprintf("%.1f ns; cidranger %.0f, bart.Lite %.0f, netip.Prefix %.0f",
			s.ns("key"), s.ns("cidranger"), s.ns("bart.Lite"), s.ns("netip.Prefix"))
	}
	b.claims(s, detail, claim{id, e.name, times("cidranger"), e.prefixes < smallest},
		claim{id, e.name + ", over bart.Lite", times("bart.Lite"), true}, claim{id, e.name + ", over netip.Prefix", times("netip.Prefix"), true})
	return nil
}

// building measures P8 and P9.
func (b *bench) building(c catalogue, cidranger bool) {
	prefixes := unique(c.tags)
	small := len(prefixes) < smallest
	s := measure(b.rounds,
		peer{"ours", 1, func() { mustBuild(c.tags) }},
		peer{"bart.Fast", 1, func() {
			t := new(bart.Fast[uint32])
			for i, p := range prefixes {
				t.Insert(p, uint32(i))
			}
		}},
		peer{"bart.Table", 1, func() {
			t := new(bart.Table[uint32])
			for i, p := range prefixes {
				t.Insert(p, uint32(i))
			}
		}})
	detail := func(s *sample) string {
		return fmt.Sprintf("%.1f ms; Fast %.1f, Table %.1f", s.ns("ours")/1e6, s.ns("bart.Fast")/1e6, s.ns("bart.Table")/1e6)
	}
	b.claims(s, detail, claim{"P8", c.name, func(s *sample) float64 { return s.ratio("ours", "bart.Fast") }, small})

	before := heap()
	table := mustBuild(c.tags)
	held := heap() - before
	r := b.row("P9")
	f := figure{
		name: c.name, value: float64(held) / float64(len(prefixes)), beside: small,
		detail: fmt.Sprintf("%d KB in all, %d by its own count; %d atoms", held>>10, table.MemorySize()>>10, table.Atoms()),
	}
	r.cases = append(r.cases, f)
	b.log("%s, %s: %s %s (%s)", r.id, f.name, r.number(f.value), r.state(f), f.detail)
	runtime.KeepAlive(table)

	if cidranger {
		s := measure(max(2, b.rounds/4),
			peer{"ours", 1, func() { mustBuild(c.tags) }},
			peer{"cidranger", 1, func() { newRanger(prefixes) }})
		detail := func(s *sample) string {
			return fmt.Sprintf("%.1f ms; cidranger %.0f", s.ns("ours")/1e6, s.ns("cidranger")/1e6)
		}
		b.claims(s, detail, claim{"P8 cidranger", c.name, func(s *sample) float64 { return s.ratio("cidranger", "ours") }, small})
	}
}

// heap is the memory in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// allocations measures P10: in every way to ask, with tables, with vectors
// and for both families.
func (b *bench) allocations(estates ...*estate) {
	r := b.row("P10")
	for _, e := range estates {
		table := mustBuild(e.sets)
		list := mustCompile(table, e.rules)
		packets := e.packets(1000, 0.3, b.seed)
		var addrs4, addrs6 []netip.Addr
		for _, p := range packets {
			if a := p.destination.Addr(); a.Is4() {
				addrs4 = append(addrs4, a)
			} else {
				addrs6 = append(addrs6, a)
			}
		}
		peers := slices.Concat(verdictPeers(list, packets), lookUpPeers(table, addrs4), lookUpPeers(table, addrs6))
		n := testing.AllocsPerRun(3, func() {
			for i := range peers {
				peers[i].run()
			}
		})
		r.cases = append(r.cases, figure{name: e.name, value: n, detail: fmt.Sprintf("%d ways to ask, %d packets", len(peers), len(packets))})
		b.log("P10, %s: %.0f", e.name, n)
	}
}

// twoCores measures P13: the same batches on one thread, then on two at once.
// Each thread's own CPU time counts, so that it is measured how much the two
// are in each other's way, and not whether other programs leave two cores free.
func (b *bench) twoCores(e *estate) {
	r := b.row("P13")
	if runtime.NumCPU() < 2 {
		r.pending = "this machine has one core"
		return
	}
	list := mustCompile(mustBuild(e.sets), e.rules)
	packets := e.packets(queries, 0, b.seed)
	const passes = 60
	work := func(start *sync.WaitGroup) time.Duration {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		batch := verdictPeers(list, packets)[1]
		batch.run()
		start.Done()
		start.Wait() // begin together
		begin := cpuTime()
		for range passes {
			batch.run()
		}
		return cpuTime() - begin
	}
	together := func(n int) (speed float64) { // batches in the time of one thread
		var start, end sync.WaitGroup
		start.Add(n)
		took := make([]time.Duration, n)
		for i := range n {
			end.Go(func() { took[i] = work(&start) })
		}
		end.Wait()
		for _, t := range took {
			speed += 1 / t.Seconds()
		}
		return speed
	}
	var ratios []float64
	runtime.GC()
	for range b.rounds {
		ratios = append(ratios, together(2)/together(1))
	}
	f := figure{name: e.name, value: median(ratios), detail: clockName + " of each"}
	r.cases = append(r.cases, f)
	b.log("P13, %s: %s %s", f.name, r.number(f.value), r.state(f))
}

// allPairs measures P14: which of 10,000 VMs reaches which on 10 ports through
// one NSG, as a bit for every pair and port.
func (b *bench) allPairs(e *estate) error {
	const vms = 10_000
	table := mustBuild(e.sets)
	list := mustCompile(table, e.rules)
	packets := e.packets(vms, 0, b.seed)
	addresses := make([]uint32, vms)
	for i, p := range packets {
		addresses[i] = p.key4().Source
	}
	ports := []uint16{22, 53, 80, 443, 445, 1433, 3389, 5432, 8080, 8443}

	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	runtime.GC()
	begin := cpuTime()
	m := newMatrix(list, addresses, ports)
	took := cpuTime() - begin

	allowed := 0
	for i := range 20_000 {
		from, to, port := i*7919%vms, i*104729%vms, i%len(ports)
		v := list.Verdict4(classify.Key4{Source: addresses[from], Destination: addresses[to],
			SourcePort: 50000, DestinationPort: ports[port], Protocol: topology.TCP})
		if got, want := m.allows(from, to, port), v.Outcomes == allow; got != want {
			return fmt.Errorf("%s: VM %d to VM %d port %d: %v in the matrix, verdict %+v", e.name, from, to, ports[port], got, v)
		}
		if v.Outcomes == allow {
			allowed++
		}
	}
	r := b.row("P14")
	f := figure{name: e.name, value: took.Seconds(), detail: fmt.Sprintf("%d × %d groups, %d MB of bits, one core; %.0f %% allowed",
		m.sources, m.destinations, len(m.bits)*8>>20, float64(allowed)/200)}
	r.cases = append(r.cases, f)
	b.log("P14, %s: %s %s (%s)", f.name, r.number(f.value), r.state(f), f.detail)
	return nil
}
