// Package design reads netpath's own YAML: a network that is not deployed
// yet, or an overlay with what an export cannot say (proxy settings inside a
// guest, the guest's firewall, learned prefixes).
//
// The types of this package are the file format: they bind strictly, with the
// nearest known key in the refusal, and the JSON Schema is made from them. A
// [Document] is what a file says, with its names not resolved yet: a name may
// mean an element of another file, so the loader resolves it once it has all.
package design
