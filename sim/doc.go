// Package sim is the simulator: it walks packets through a
// [topology.Network] and says, hop by hop, what Azure's network does with
// them.
//
// A walk is a function of a packet and a [flow.World]: what the data does not
// say is asked of the world, and the answer is the set of outcomes over all
// possible worlds. A question about a set of packets (a service tag, a CIDR
// block, every source port) is cut at every boundary that the gates on the
// way draw; one packet of each class is walked, so the answer is exact.
//
// A [Simulator] is immutable and safe for concurrent use.
package sim
