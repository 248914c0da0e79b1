// Package classify is the hot core: a list of rules in order of priority,
// compiled against an address table, from a five-tuple to the rule that
// decides, in a few nanoseconds and without allocating.
//
// An address becomes the atom of the table it lies in, an atom the class of
// all atoms that the rules cannot tell apart, and a port likewise. What is
// left are small integers. For lists up to some hundred rules the answer of
// every combination is in a table; longer lists keep for every class the
// vector of the rules it may match, and the first bit that all vectors share
// is the answer.
//
// Where the data does not say what a rule matches, the rule has packets that
// it may match beside those that it must match, and the verdict is the set of
// outcomes that are possible (first match, with intervals): a rule that must
// match adds its outcome and ends the walk, one that may match adds its
// outcome and the walk goes on. A list without such rules pays nothing for it.
//
// A [Classifier] is immutable and safe for any number of goroutines. A
// [Cache] shares classifiers between equal lists, makes them when they are
// first asked, and keeps the memory bounded.
package classify
