// Package edit describes one change to an estate as a value: a rule of an NSG
// in a free slot, taken out, or with other content, an opening in a guest's
// firewall, a proxy setting, a host name on a proxy's allow list.
//
// An edit says what is to be so, not how it is typed: applied to a
// [topology.Network] it gives the estate as it would be, and other packages
// write it as a command or a template.
package edit
