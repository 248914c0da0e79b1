// Package flowset holds exact sets of packets: source and destination address,
// source and destination port, protocol.
//
// A [Space] cuts each of the five dimensions once, at the boundaries of the
// rules it is made for, into classes of values that no rule tells apart. A
// [Set] is a diagram over the numbers of these classes, one level for each
// dimension, in which equal parts exist once: two sets of a space are equal if
// and only if they are the same diagram. Addresses come back only when a set is
// written, counted, or shown by a witness.
//
// Both families of addresses have their own spaces. Protocols without ports
// (ICMP, ESP, AH) have one packet for each pair of addresses.
package flowset
