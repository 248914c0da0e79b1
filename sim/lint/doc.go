// Package lint finds what is wrong, useless or misleading in an estate although
// Azure takes it: rules that never decide, tags that mean something else than
// they seem to, parts that lead nowhere.
//
// Every rule is one file with its test beside it and a page in docs/lint. A
// finding that claims that something has no effect is proved: the packets that
// are allowed, denied and left open without it are exactly those with it, at
// every place where it applies ([Proof]). What the data does not settle is
// never claimed.
//
// Rules speak of the verdicts in the default mode, or, where the simulator is
// strict, of those that rest on no assumption without a waiver.
package lint
