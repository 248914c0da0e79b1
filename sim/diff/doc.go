// Package diff says what changed between two exports of an estate: which
// traffic is newly allowed, newly denied or newly undecided, exactly.
//
// What is exact, and what is not:
//
//   - An NSG that both sides have is compared as a set of packets ([Gate] with
//     the level [SecurityGroup]), at each subnet where it is attached: every
//     packet whose verdict by that NSG alone differs is in one [Change], and no
//     other (where only one side says which subnet it is: every packet of an
//     address of that subnet). The parts of a change do not overlap; where only the first are
//     kept, [Change.Rest] says how many packets the others hold.
//   - An interface whose gates are others than before (an NSG attached or
//     detached, admin rules changed) is compared by its whole chain ([Gate] with
//     the level [Interface]) for its own addresses. Where two gates of one chain
//     turn on the same unknown, a packet may be undecided here that a walk
//     decides; never the other way round.
//   - Effective routes are compared address by address ([Routes]).
//
// The verdicts are those of [sim.Simulator.IPFlow]: under the assumptions in
// default mode, where a part names those of its witness, and in strict mode
// Unknown where they rest on one that is not waived. Every witness is asked
// again by IP flow on both sides, and a disagreement is an error.
//
// Traffic that is undecided on both sides is reported only where rules that
// bear on it are others than before ([StillUndecided]): it is not known whether
// its verdict changes.
package diff
