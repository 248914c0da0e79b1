// Package optimize finds a network security group with fewer rules and the
// same meaning.
//
// Rules go that change nothing: no packet reaches them, or the rules after them
// do the same. Rules of one action that differ in one list, of addresses or of
// ports, become one with the union of the two. Each step is proved on its own,
// in every world and at every place where the group applies ([nsg.Proof]); at
// the end the edits are made on the simulated estate and the exact sets of
// packets that the group allows, denies and leaves open are compared with those
// before, in both families.
//
// What cannot be proved stays: rules with expressions, with properties that are
// not modelled, of a shared priority, and those that name a platform tag are
// not touched, and of a tag that no file explains only its name counts.
package optimize
