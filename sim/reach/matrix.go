package reach

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// Matrix is who reaches whom with what. Cells are shared: Cell numbers them by
// row and column.
type Matrix struct {
	Kind        string // "subnets" or "vms"
	Names       []string
	Cells       []*Cell   // the different ones
	Cell        [][]int32 // by the numbers of source and destination
	Assumptions []flow.Assumption
	ServiceTags *sim.CatalogueInfo
	Undecided   bool // a cell has something undecided, or the data may lack rows or what is in them
	// UnderAssumptions: strict mode alone made something Unknown.
	UnderAssumptions bool
	Notes            []string
	Traced           int // pairs of places that needed a whole trace
}

// Cell is what passes between two rows of a matrix. Where they have several
// places, a service may pass between some of these and not between others.
type Cell struct {
	Always    []Services // passes between all of them
	Sometimes []Services // passes between some only
	Undecided []Services // may pass, between some at least
	Missing   []flow.Missing
	Empty     bool // there is nothing to ask: one machine and itself, or two families
}

// All reports whether every service passes between all places.
func (c *Cell) All() bool {
	return len(c.Always) == 1 && c.Always[0].Protocols == nil && c.Always[0].Ports == nil && c.Always[0].SourcePorts == nil
}

// None reports whether nothing passes for certain.
func (c *Cell) None() bool {
	return !c.Empty && len(c.Always)+len(c.Sometimes)+len(c.Undecided) == 0
}

// Subnets is the matrix of all subnets of the estate: the places of each are
// those of [Between].
func Subnets(ctx context.Context, s *sim.Simulator) (*Matrix, error) {
	f := newFinder(s)
	var rows []*Ends
	for _, v := range f.net.VirtualNetworks {
		for _, sub := range v.Subnets {
			rows = append(rows, &Ends{Name: strings.TrimPrefix(subnetName(sub), "subnet "), Places: f.subnet(sub, false)})
		}
	}
	lacking := f.lacking("the matrix", "Microsoft.Network/virtualNetworks", "Microsoft.Network/networkInterfaces")
	return f.matrix(ctx, "subnets", rows, slices.Concat(lacking, f.open(func(*topology.Absent) bool { return true })))
}

// Machines is the matrix of all virtual machines of the estate.
func Machines(ctx context.Context, s *sim.Simulator) (*Matrix, error) {
	f := newFinder(s)
	var rows []*Ends
	for _, vm := range f.net.VirtualMachines {
		rows = append(rows, f.machine(vm))
	}
	return f.matrix(ctx, "vms", rows, f.lacking("the matrix", "Microsoft.Compute/virtualMachines", "Microsoft.Network/networkInterfaces"))
}

// crossing is what was found for a pair of places.
type crossing struct {
	grid    *grid
	key     string
	rests   bool // something in it may rest on what the way does
	missing []flow.Missing
}

func (f *finder) matrix(ctx context.Context, kind string, rows []*Ends, lacking []string) (*Matrix, error) {
	if len(rows) == 0 {
		lacking = append(lacking, "there are no "+map[string]string{"subnets": "subnets", "vms": "virtual machines"}[kind]+" in the data")
	}
	m := &Matrix{Kind: kind, ServiceTags: f.s.Catalogue(), Assumptions: []flow.Assumption{}, Undecided: len(lacking) > 0, Notes: lacking}
	number := map[*Place]int{}
	var places []*Place
	var ends []sim.End
	for _, r := range rows {
		m.Names = append(m.Names, r.Name)
		for _, open := range r.Open {
			m.Undecided = true
			m.Notes = append(m.Notes, open)
		}
		for _, p := range r.Places {
			if _, ok := number[p]; !ok {
				number[p] = len(places)
				places, ends = append(places, p), append(ends, p.end)
			}
		}
	}
	m.Cell = make([][]int32, len(rows))
	b := &builder{f: f, m: m, crossings: f.s.Crossings(ends), known: map[*sim.Passage]*crossing{}, rests: map[flow.Assumption]bool{}, cells: map[string]int32{}}
	var mu sync.Mutex
	var failed error
	err := inParallel(ctx, len(rows), func(i int) {
		line := make([]int32, len(rows))
		for j := range rows {
			if ctx.Err() != nil {
				return
			}
			n, err := b.cell(rows[i], rows[j], number)
			if err != nil {
				mu.Lock()
				failed = errors.Join(failed, err)
				mu.Unlock()
				return
			}
			line[j] = n
		}
		m.Cell[i] = line
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, err
	}
	m.Traced = b.traced
	return m, nil
}

// builder makes the cells of a matrix.
type builder struct {
	f         *finder
	m         *Matrix
	crossings *sim.Crossings

	mu     sync.Mutex // of what follows, and of m
	known  map[*sim.Passage]*crossing
	rests  map[flow.Assumption]bool // by ID and what they are about
	cells  map[string]int32
	traced int
}

// cell is the number of the cell of two rows.
func (b *builder) cell(from, to *Ends, number map[*Place]int) (int32, error) {
	var found []*crossing
	for _, x := range from.Places {
		if x.only {
			continue
		}
		for _, y := range to.Places {
			if x == y {
				continue
			}
			list, err := b.pair(x, y, number)
			if err != nil {
				return 0, err
			}
			for _, c := range list {
				if !slices.Contains(found, c) {
					found = append(found, c)
				}
			}
		}
	}
	return b.make(found), nil
}

// pair is what passes between two places: a crossing for each family.
func (b *builder) pair(x, y *Place, number map[*Place]int) ([]*crossing, error) {
	var out []*crossing
	for _, v6 := range []bool{false, true} {
		if !x.end.Has(v6) || !y.end.Has(v6) {
			continue
		}
		c, ok := b.crossings.Between(number[x], number[y], v6)
		if !ok {
			return b.traces(x, y, number)
		}
		out = append(out, b.of(c))
	}
	return out, nil
}

func (b *builder) of(c sim.Crossing) *crossing {
	b.mu.Lock()
	defer b.mu.Unlock()
	x, ok := b.known[c.Passage]
	if !ok {
		x = &crossing{grid: gridOf(c.Parts)}
		x.key = x.grid.key()
		b.known[c.Passage] = x
		for i := range c.Parts {
			b.rest(c.Parts[i].Assumptions, c.Parts[i].Verdict == flow.Unknown)
			x.rests = x.rests || c.Parts[i].Taken == flow.Allow
		}
	}
	if x.rests {
		b.rest(c.Assumed, false)
	}
	return x
}

// rest notes what the matrix rests on.
func (b *builder) rest(list []flow.Assumption, under bool) {
	b.m.UnderAssumptions = b.m.UnderAssumptions || under
	for _, x := range list {
		if key := (flow.Assumption{ID: x.ID, About: x.About}); !b.rests[key] {
			b.rests[key] = true
			b.m.Assumptions = append(b.m.Assumptions, x)
		}
	}
}

// traces asks the trace about a pair: about one address of each where that says
// all, else about the whole.
func (b *builder) traces(x, y *Place, number map[*Place]int) ([]*crossing, error) {
	both := x.end.Has(false) && y.end.Has(false) && x.end.Has(true) && y.end.Has(true)
	if from, to, ok := b.crossings.StandIns(number[x], number[y], !x.end.Has(false) || !y.end.Has(false)); ok && !both {
		return b.trace(from, to)
	}
	return b.trace(x.end, y.end)
}

func (b *builder) trace(from, to sim.End) ([]*crossing, error) {
	t, err := b.f.s.TraceEnds(sim.TraceQuestion{Protocol: topology.AnyProtocol, AnyPort: true, NoProxy: true}, from, to)
	if err != nil {
		return nil, err
	}
	c := &crossing{}
	var parts []sim.CrossingPart
	add := func(o *sim.Outcome, protocol string, sourcePorts, ports []topology.PortRange) {
		for _, p := range protocols {
			if protocol == "" || p.String() == protocol {
				parts = append(parts, sim.CrossingPart{Verdict: o.Verdict, Protocol: p, SourcePorts: sourcePorts, Ports: ports})
			}
		}
		for _, m := range o.Missing {
			if !slices.Contains(c.missing, m) && o.Verdict == flow.Unknown {
				c.missing = append(c.missing, m)
			}
		}
	}
	if len(t.Parts) == 0 {
		add(&t.Outcome, "", nil, nil)
	}
	for i := range t.Parts {
		p := &t.Parts[i]
		add(&p.Outcome, p.Protocol, p.SourcePorts, p.Ports)
	}
	c.grid = gridOf(parts)
	c.key = c.grid.key() + fmt.Sprint(c.missing)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.traced++
	b.rest(t.Assumptions, t.UnderAssumptions != "")
	for i := range t.Parts {
		b.rest(nil, t.Parts[i].UnderAssumptions != "")
	}
	return []*crossing{c}, nil
}

// make is the number of the cell of what was found for its pairs.
func (b *builder) make(found []*crossing) int32 {
	keys := make([]string, len(found))
	for i, c := range found {
		keys[i] = c.key
	}
	slices.Sort(keys)
	key := strings.Join(slices.Compact(keys), "|")
	b.mu.Lock()
	defer b.mu.Unlock()
	n, ok := b.cells[key]
	if ok {
		return n
	}
	c := &Cell{Empty: len(found) == 0}
	if !c.Empty {
		g := found[0].grid
		for _, x := range found[1:] {
			g = g.with(x.grid)
		}
		c.Always = g.services(func(x fate) bool { return x == passes })
		c.Sometimes = g.services(func(x fate) bool { return x&passes != 0 && x != passes })
		c.Undecided = g.services(func(x fate) bool { return x&undecided != 0 })
		for _, x := range found {
			for _, m := range x.missing {
				if !slices.Contains(c.Missing, m) {
					c.Missing = append(c.Missing, m)
				}
			}
		}
	}
	b.m.Undecided = b.m.Undecided || len(c.Undecided) > 0
	content := fmt.Sprint("=", *c)
	if n, ok = b.cells[content]; !ok {
		n = int32(len(b.m.Cells))
		b.m.Cells = append(b.m.Cells, c)
		b.cells[content] = n
	}
	b.cells[key] = n
	return n
}
