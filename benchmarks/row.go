package main

import "fmt"

// row is one of the things that are measured and have a gate and a goal.
type row struct {
	id, what   string
	gate, goal float64
	more       bool   // the larger the better
	unit       string // after a figure
	missed     string // printed where a case does not reach the goal: why
	pending    string // not measured: why
	cases      []figure
}

// figure is one case of a row.
type figure struct {
	name   string
	value  float64
	detail string
	beside bool // shown for comparison: neither gate nor goal
}

// keeps reports whether a value is on the good side of a bound.
func (r *row) keeps(value, bound float64) bool {
	if r.more {
		return value >= bound
	}
	return value <= bound
}

// state says in a word how a case stands.
func (r *row) state(f figure) string {
	switch {
	case f.beside:
		return ""
	case !r.keeps(f.value, r.gate):
		return "**gate fails**"
	case !r.keeps(f.value, r.goal):
		return "gate"
	default:
		return "goal"
	}
}

// failing names the cases beyond the gate.
func (r *row) failing() (out []string) {
	for _, f := range r.cases {
		if !f.beside && !r.keeps(f.value, r.gate) {
			out = append(out, fmt.Sprintf("%s, %s: %s, gate %s", r.id, f.name, r.number(f.value), r.number(r.gate)))
		}
	}
	return out
}

// short reports whether a case does not reach the goal.
func (r *row) short() bool {
	for _, f := range r.cases {
		if !f.beside && !r.keeps(f.value, r.goal) {
			return true
		}
	}
	return false
}

func (r *row) number(x float64) string {
	if x >= 20 || x == float64(int(x)) {
		return fmt.Sprintf("%.0f%s", x, r.unit)
	}
	return fmt.Sprintf("%.2f%s", x, r.unit)
}

// newRows are the rows of the hot core's goals.
func newRows() []*row {
	const verdict = "A verdict looks up two addresses, the yardstick one. The figures show the two stages of a verdict alone; " +
		"that both together take longer than their sum is because a verdict is about as long as what the processor has under way at once. " +
		"In a batch, where each stage runs for 64 packets before the next one begins, they overlap better. " +
		"Tried and worse: a branch past the index where a region has no boundary, one level of nodes less with wider ones, a table of verdicts behind the answers. " +
		"Not taken: loads without bounds checks. `GOAMD64=v3` saves the test for the popcount instruction in each of the four bit counts."
	return []*row{
		{id: "P1", what: "single verdict, compact key, at most 100 rules / one longest prefix match of the destination by the faster of bart.Fast and bart.Table", gate: 0.90, goal: 0.60, missed: verdict},
		{id: "P2", what: "batch verdict, at most 100 rules / the same", gate: 0.60, goal: 0.40, missed: verdict},
		{id: "P3", what: "verdict by netip.AddrPort, at most 100 rules / the same", gate: 1.10, goal: 0.80, missed: verdict},
		{id: "P4", what: "single verdict, compact key, 1,000 rules / the same", gate: 1.7, goal: 1.0,
			missed: verdict + " For 1,000 rules the rules are no longer a table: three words of three rows are put together. Tried and worse: all sixteen words, with and without a summary word, up to the first hit and without a branch; four and eight words."},
		{id: "P5", what: "address look-up, IPv4, hits and hits mixed with misses / the faster of bart.Fast and bart.Table", gate: 0.45, goal: 0.25,
			missed: "What is left is four loads that depend on each other."},
		{id: "P6 hit", what: "address look-up, IPv6, hits / the same", gate: 0.40, goal: 0.20,
			missed: "Most of what is left are branches that cannot be foreseen: whether the /64 has an inside, and where in the hash table it is. Tried and worse: the place in a node without a branch."},
		{id: "P6 miss", what: "address look-up, IPv6, misses / the same", gate: 1.2, goal: 0.9,
			missed: "The first 16 bits decide most misses."},
		{id: "P7 100", what: "rule by rule over cidranger / single verdict, 100 rules", gate: 20, goal: 40, more: true, unit: "×",
			missed: "It is the same verdict as in P1; rule by rule takes longer the more rules a packet passes."},
		{id: "P7 1000", what: "rule by rule over cidranger / single verdict, 1,000 rules", gate: 80, goal: 200, more: true, unit: "×",
			missed: "It is the same verdict as in P4. Half of the packets are meant for a rule, so that rule by rule ends half-way for them."},
		{id: "P8", what: "build of the whole address table / inserts of the different prefixes into bart.Fast", gate: 2.5, goal: 1.5,
			missed: "A build sorts all entries and interns the set of tags of every interval, an insert does neither."},
		{id: "P8 cidranger", what: "inserts of the different prefixes into cidranger / build of the whole address table", gate: 20, goal: 40, more: true, unit: "×",
			missed: "The profile of a build: a third is the sweep over the prefixes with the interning of their sets, a quarter reading and sorting the entries, the rest the two indexes. All of it is on one core."},
		{id: "P9", what: "bytes held for each different prefix", gate: 40, goal: 28, unit: " B",
			missed: "A third is the leaves of 64 addresses; where there are more than 65,536 sets of tags, they take 40 bytes instead of 24. Smaller tables bear the fixed 128 KB of the first 16 bits."},
		{id: "P10", what: "allocations in a look-up, a verdict, a batch", gate: 0, goal: 0},
		{id: "P11 warm", what: "process start to verdict, one NSG, the tags from the index cache, above an empty Go program", gate: 8, goal: 2, unit: " ms",
			missed: "About 2 ms are the start of a program of this size with its command line, 3 ms reading the NSG and the answer, 2 ms the tags: half of that is reading and hashing the whole tag file, so that no index of other content is ever used. A third of all is the system handing out pages of memory. Taken: a first garbage collection at 16 MB instead of 4 (1 to 2 ms less); no library that links an HTTP client (0.5 ms less). Tried and worse: SHA-256 for the hash (2 ms more), the file read whole (3 ms more)."},
		{id: "P11 cold", what: "process start to verdict, one NSG, the tags from the file, above an empty Go program", gate: 40, goal: 15, unit: " ms",
			missed: "Half is the one pass over the tag file that checks its grammar and every prefix and keeps them packed. To check the grammar alone would save a third of that pass; a malformed prefix would then show only where its tag is needed."},
		{id: "S1", what: "whole run: one question of a lone NSG export", gate: 100, goal: 100, unit: " ms"},
		{id: "S2", what: "whole run: one question of 100 NSGs of 100 rules and a tag file", gate: 1, goal: 1, unit: " s"},
		{id: "S2 memory", what: "the most memory of that run", gate: 256, goal: 256, unit: " MB"},
		{id: "S3", what: "whole run: one question of 100 NSGs of 1,000 rules and a tag file", gate: 4, goal: 4, unit: " s"},
		{id: "S3 memory", what: "the most memory of that run", gate: 512, goal: 512, unit: " MB"},
		{id: "S4", what: "the most memory of a run on a file at the cap of 256 MiB / the size of the file", gate: 6, goal: 6, unit: "×",
			missed: "Live are the rules (some 400 bytes each with both sides), their IDs and places; half as much again is the slack of the garbage collector. Taken: the place of an address is not kept, that of a tag once for each file."},
		{id: "S5", what: "refusal of a file with more elements than the cap", gate: 2, goal: 2, unit: " s",
			missed: "The elements before the cap are read and decoded, on two cores, some 4 µs of CPU time each: a fifth the grammar, two fifths the tree, the rest decoding and collecting garbage. Taken: a tree's first slab by the size of its text, resource types without a copy."},
		{id: "S5 memory", what: "the most memory of that run", gate: 300, goal: 300, unit: " MB"},
		{id: "P12", what: "throughput of `ip-flow --flows` on 10 million lines / a Go program that only reads and copies the lines", gate: 0.15, goal: 0.35, more: true,
			missed: "Copying a line takes 20 ns, and a copier needs no second core for that. Of the 150 ns of CPU time that ip-flow takes for a line, 50 are reading its two addresses and two ports (in words, without a branch that may go astray), 45 a look-up of the address and the verdict, 35 writing an answer twice as long as the line, and the rest reading the file and counting its lines. With 1,000 rules the verdict takes twice as long, and the first answer of each rule is explained by the simulator, some 50 µs each."},
		{id: "P13", what: "batch verdicts on two cores / on one", gate: 1.7, goal: 1.9, more: true, unit: "×",
			missed: "The two threads share the last cache and the memory."},
		{id: "P14", what: "10,000 VMs × 10,000 VMs × 10 ports through one NSG", gate: 10, goal: 1, unit: " s",
			missed: "Writing the bits is nearly all of it."},
		{id: "E1 400", what: "exact allowed set of 400 random overlapping rules (source block, destination block, range of ports)", gate: 100, goal: 50, unit: " ms",
			missed: "The sweeps over the classes of each dimension are nearly all of it."},
		{id: "E1 1000", what: "exact allowed set of 1,000 such rules", gate: 1000, goal: 500, unit: " ms",
			missed: "The sweeps over the classes of each dimension are nearly all of it."},
		{id: "E2", what: "CPU time for the difference of two NSGs of 1,000 rules over the whole catalogue, compiled and compared, with witnesses", gate: 2, goal: 1, unit: " s",
			missed: "Half is reading the tags that the rules name as sets of addresses."},
		{id: "E3", what: "CPU time for lint of 100 such NSGs / their number", gate: 0.4, goal: 0.2, unit: " s",
			missed: "The proofs that a rule has no effect, each against all rules of its NSG, are nearly all of it."},
		{id: "E4", what: "CPU time for who reaches whom: the matrix of 500 subnets", gate: 20, goal: 10, unit: " s",
			missed: "Every pair of places has gates of its own on the way."},
		{id: "E5", what: "CPU time for fewer rules for such an NSG, each step proved and the whole compared", gate: 30, goal: 10, unit: " s",
			missed: "Each rule that can go is shown apart, and again with what it leaves behind."},
	}
}
