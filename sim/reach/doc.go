// Package reach says exactly what traffic passes from one end to another:
// protocols, ports and addresses, through every gate of the path, with what
// decides.
//
// An end may be many places: the interfaces of a machine, of a subnet, of a
// virtual network, the Internet. Each pair of places is asked of the simulator
// as a whole, for every protocol and port, and is cut at the boundaries that
// gates and routes draw, never sampled. Pairs that fare alike are told once.
// [Between] is the front door; [Answer.Outside] is the check that nothing but
// some services passes; [Subnets] and [Machines] are the matrix of all pairs.
package reach
