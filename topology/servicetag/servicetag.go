// Package servicetag indexes service tags and datacenter ranges: which
// prefixes a tag or region has, which tags and regions hold an address, and
// what changed between two files.
package servicetag
