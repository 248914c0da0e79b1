// Package topology is the estate as data: virtual networks, subnets, network
// interfaces, virtual machines, network security groups, route tables and
// whatever else decides where a packet goes, in Azure's own words.
//
// A [Network] is built by the loaders (or by hand, in tests and designs) and
// never changed afterwards. Elements refer to each other by [ID]; a reference
// whose target is not in the data stays visible as a [Ref] that [Network]
// look-ups do not find. Every element knows its [Origin].
//
// What the data could not say is data too: see [Gap], [Property] and the
// three-valued [Switch].
package topology
