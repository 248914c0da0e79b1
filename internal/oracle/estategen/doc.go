// Package estategen makes random estates and packets for differential tests:
// two evaluators that read the same documents must agree on all of them.
//
// Estates are small and their address plans narrow, so that rules, routes and
// packets meet often, and everything is drawn towards boundaries: the ends of
// prefixes and port ranges, neighbouring and equal priorities, prefixes of
// length 0, 31, 32 and 128. Every estate has a few of the [Feature] kinds, so
// that most verdicts stay certain and each kind of doubt is met alone as well
// as in company. What a loader would refuse is not generated.
package estategen
