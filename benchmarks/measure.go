package main

import (
	"runtime"
	"slices"
	"time"
)

// peer is one way to do the work of a case.
type peer struct {
	name string
	ops  int // operations of one run
	run  func()
}

// builds reports whether a run makes something: then what the others left is
// collected first, or the peer would pay for it.
func (p *peer) builds() bool { return p.ops == 1 }

// sample is what was measured of the peers of one case.
type sample struct {
	peers []peer
	cost  [][]float64 // of an operation in nanoseconds, by peer and round
}

// turn is how long a peer runs in one round, at least.
const turn = 6 * time.Millisecond

// measure runs the peers in turns for some rounds.
func measure(rounds int, peers ...peer) *sample {
	s := &sample{peers: peers, cost: make([][]float64, len(peers))}
	s.more(rounds)
	return s
}

// more adds rounds. In a round each peer runs once unmeasured, so that it
// finds the caches as it leaves them, and then for the time of a turn; every
// round begins with another peer.
func (s *sample) more(rounds int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	runtime.GC()
	for r := range rounds {
		for i := range s.peers {
			i := (i + r) % len(s.peers)
			p := &s.peers[i]
			if p.builds() {
				runtime.GC()
			}
			p.run()
			runs := 0
			begin, used := cpuTime(), time.Duration(0)
			for used < turn {
				p.run()
				runs++
				used = cpuTime() - begin
			}
			s.cost[i] = append(s.cost[i], float64(used)/float64(runs*p.ops))
		}
	}
	runtime.KeepAlive(sink)
}

// index is the place of a peer. It panics where there is none: the names are
// the program's own.
func (s *sample) index(name string) int {
	i := slices.IndexFunc(s.peers, func(p peer) bool { return p.name == name })
	if i < 0 {
		panic("no peer " + name)
	}
	return i
}

// ns is the median cost of an operation of a peer.
func (s *sample) ns(name string) float64 { return median(slices.Clone(s.cost[s.index(name)])) }

// ratio is the median over the rounds of the cost of a peer divided by that
// of the cheapest of some others in the same round.
func (s *sample) ratio(name string, others ...string) float64 {
	ratios := slices.Clone(s.cost[s.index(name)])
	for r := range ratios {
		least := s.cost[s.index(others[0])][r]
		for _, o := range others[1:] {
			least = min(least, s.cost[s.index(o)][r])
		}
		ratios[r] /= least
	}
	return median(ratios)
}

// median sorts x.
func median(x []float64) float64 {
	slices.Sort(x)
	n := len(x)
	if n%2 == 1 {
		return x[n/2]
	}
	return (x[n/2-1] + x[n/2]) / 2
}
