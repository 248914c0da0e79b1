package flowset

import "math/big"

// Set is a set of packets of one space. Two sets of a space are equal if and
// only if == says so. The operations need sets of one space.
type Set struct {
	space *Space
	root  int32
}

// The ends of a set's diagram.
const (
	out int32 = iota
	in
)

type pair struct {
	level    int
	how      operation
	one, two int32
}

type operation uint8

const (
	union operation = iota
	intersection
	difference
)

func (o operation) of(one, two int32) int32 {
	held := false
	switch o {
	case union:
		held = one == in || two == in
	case intersection:
		held = one == in && two == in
	case difference:
		held = one == in && two == out
	}
	if held {
		return in
	}
	return out
}

// Union is the packets of either set.
func (a Set) Union(b Set) Set { return a.with(union, b) }

// Intersect is the packets of both sets.
func (a Set) Intersect(b Set) Set { return a.with(intersection, b) }

// Without is the packets of a that are not in b.
func (a Set) Without(b Set) Set { return a.with(difference, b) }

// Within reports whether every packet of a is in b.
func (a Set) Within(b Set) bool { return a.Without(b).Empty() }

// Empty reports whether the set has no packet.
func (a Set) Empty() bool { return a == a.space.None() }

// None is the set of no packet.
func (s *Space) None() Set { return Set{s, s.constant(protocol, out)} }

// All is the set of every packet of the space.
func (s *Space) All() Set { return Set{s, s.constant(protocol, in)} }

func (s *Space) constant(level int, value int32) int32 {
	if level == levels {
		return value
	}
	return s.make(level, []run{{s.width(level), s.constant(level+1, value)}})
}

func (a Set) with(o operation, b Set) Set {
	if a.space != b.space {
		panic("flowset: sets of different spaces")
	}
	return Set{a.space, a.space.apply(protocol, o, a.root, b.root)}
}

func (s *Space) apply(level int, o operation, one, two int32) int32 {
	if level == levels {
		return o.of(one, two)
	}
	if one == two && o != difference {
		return one
	}
	p := pair{level, o, one, two}
	if n, ok := s.pairs[p]; ok {
		return n
	}
	x, y := s.nodes[level][one], s.nodes[level][two]
	var runs []run
	for i, j := 0, 0; i < len(x); { // both end with the last class
		end := min(x[i].end, y[j].end)
		runs = append(runs, run{end, s.apply(level+1, o, x[i].to, y[j].to)})
		if x[i].end == end {
			i++
		}
		if y[j].end == end {
			j++
		}
	}
	n := s.make(level, runs)
	s.pairs[p] = n
	return n
}

// project is the set of the packets that a diagram of answers gives one of.
func (s *Space) project(root, answer int32) int32 {
	type at struct {
		level int
		n     int32
	}
	known := map[at]int32{}
	var visit func(level int, n int32) int32
	visit = func(level int, n int32) int32 {
		if level == levels {
			if n == answer {
				return in
			}
			return out
		}
		if m, ok := known[at{level, n}]; ok {
			return m
		}
		old := s.nodes[level][n]
		runs := make([]run, len(old))
		for i, r := range old {
			runs[i] = run{r.end, visit(level+1, r.to)}
		}
		m := s.make(level, runs)
		known[at{level, n}] = m
		return m
	}
	return visit(protocol, root)
}

// Size is the number of packets in the set. A packet without ports counts
// once.
func (a Set) Size() *big.Int {
	type at struct {
		level    int
		n        int32
		portless bool
	}
	known := map[at]*big.Int{}
	s := a.space
	var count func(level int, n int32, portless bool) *big.Int
	count = func(level int, n int32, portless bool) *big.Int {
		if level == levels {
			return big.NewInt(int64(n))
		}
		key := at{level, n, portless}
		if x, ok := known[key]; ok {
			return x
		}
		sum := new(big.Int)
		if level >= sourcePort && portless {
			sum.Set(count(level+1, s.nodes[level][n][0].to, portless))
		} else {
			from := int32(0)
			for _, r := range s.nodes[level][n] {
				if level != protocol {
					if x := count(level+1, r.to, portless); x.Sign() != 0 {
						sum.Add(sum, new(big.Int).Mul(x, s.axes[level].between(from, r.end)))
					}
					from = r.end
					continue
				}
				for ; from < r.end; from++ {
					x := count(level+1, r.to, s.portless(from))
					sum.Add(sum, new(big.Int).Mul(x, s.axes[level].classes[from].size))
				}
			}
		}
		known[key] = sum
		return sum
	}
	return count(protocol, a.root, false)
}

// Has reports whether the set has the packet.
func (a Set) Has(p Packet) bool {
	at, ok := a.space.locate(p)
	if !ok {
		return false
	}
	n := a.root
	for level := range at {
		for _, r := range a.space.nodes[level][n] {
			if at[level] < r.end {
				n = r.to
				break
			}
		}
	}
	return n == in
}
