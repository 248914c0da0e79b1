// Package oracle is the slow, obvious evaluator: what Azure does with one
// packet, written from the documents alone (the source keys NSG, HOW, UDR,
// PEER, DOA, … name them) and sharing no code with the engines, which are
// compared with it in differential tests.
//
// Nothing here is compiled, indexed or clever. Rules are walked one by one,
// prefixes are searched one by one, and three-valued logic does not exist:
// the evaluator knows only "delivered" and "dropped". What the data does not
// say is asked of a [world], one completion of the data, and the evaluator is
// run in every completion there is. Delivered in all of them is Allow, dropped
// in all of them is Deny, both is Unknown: the definition of a verdict, used
// as its implementation.
//
// An assumption is a question too, one with a usual answer. The default
// verdict holds every assumption at its usual answer, the strict verdict
// frees them.
package oracle
