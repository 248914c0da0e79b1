// Package doctree turns bytes into a tree of values with positions, the same
// for JSON, YAML and XML. Encoding, duplicate keys, depth, size and number of
// nodes are checked here, once, for every format; what a value means is the
// caller's business.
package doctree

import (
	"fmt"
	"strings"
)

// Kind is the kind of a node.
type Kind uint8

// The kinds of node. In YAML an untyped scalar keeps its text: Number and Bool
// are decided by JSON's own grammar, everything else plain is a String.
const (
	Invalid Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// String names the kind as an error message would.
func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case Bool:
		return "a Boolean"
	case Number:
		return "a number"
	case String:
		return "a string"
	case Array:
		return "a list"
	case Object:
		return "an object"
	default:
		return "nothing"
	}
}

// Pos is a place in a file, line and column counted from 1.
type Pos struct{ Line, Column int }

// Node is a value of a document.
type Node struct {
	Kind    Kind
	Quoted  bool     // YAML: the scalar was quoted (or is a block scalar); JSON strings always are
	path    bool     // of a root's parent: pointers are XML element paths
	index   uint32   // among the parent's members or items
	Text    string   // scalars: a String's value, a Number or Bool as written
	Members []Member // Object, in order; keys are unique
	Items   []*Node  // Array
	Pos     Pos

	parent *Node // nil in a tree that was not read from a file
}

// Member is a key of an object with its value.
type Member struct {
	Key   string
	Pos   Pos // of the key
	Value *Node
}

// Get returns the value of the key in exactly this spelling, nil where it is
// absent (or n is no object).
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Members {
		if n.Members[i].Key == key {
			return n.Members[i].Value
		}
	}
	return nil
}

// Fold returns the value of the key in any ASCII letter case.
func (n *Node) Fold(key string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Members {
		if len(n.Members[i].Key) == len(key) && strings.EqualFold(n.Members[i].Key, key) {
			return n.Members[i].Value
		}
	}
	return nil
}

// Leaves counts the scalars of the tree; an empty list or object is a leaf.
func (n *Node) Leaves() int {
	switch {
	case n == nil:
		return 0
	case n.Kind == Object && len(n.Members) > 0:
		c := 0
		for i := range n.Members {
			c += n.Members[i].Value.Leaves()
		}
		return c
	case n.Kind == Array && len(n.Items) > 0:
		c := 0
		for _, it := range n.Items {
			c += it.Leaves()
		}
		return c
	default:
		return 1
	}
}

// Error is a refusal of a document: where, what was found, what was expected
// and what to do next.
type Error struct {
	File     string
	Pos      Pos
	Pointer  string
	Found    string // the offending text, escaped, at most 80 characters; "" where none
	Expected string // what is wrong or was expected
	Hint     string // the next step, "" where there is nothing to say
}

// Error is "file:line:col (pointer): expected, found …; hint".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Pos.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Pos.Line, e.Pos.Column)
	}
	if e.Pointer != "" {
		fmt.Fprintf(&b, " (%s)", e.Pointer)
	}
	b.WriteString(": ")
	b.WriteString(e.Expected)
	if e.Found != "" {
		fmt.Fprintf(&b, ", found %s", e.Found)
	}
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Limits cap what a document may be. The zero value of a field is its default.
type Limits struct {
	FileBytes     int64 // as stored; default 256 MiB
	UnpackedBytes int64 // after gzip; default 1 GiB
	Depth         int   // default 100
	Nodes         int   // in one element's tree; default 10,000,000
	Elements      int   // in the list of a JSON file; default 500,000
}
