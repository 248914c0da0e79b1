// Package fix finds the least edits that give traffic a wanted verdict: one
// rule for each NSG that stands in the way, in the last free priority before
// the rule that decides, for the asked source, destination and port alone.
//
// What is found is proved: the edits are made on the simulated estate, the
// question is traced again, and edits that do not give exactly the wanted
// verdict are not returned. Where no edit of an NSG can do it the gates that
// stand in the way are named.
package fix
