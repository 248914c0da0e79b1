package doctree

import (
	"strconv"
	"strings"
)

// Pointer is the node's JSON pointer from the top of the file (RFC 6901); in
// XML it is an element path whose positions count from 1
// ("/AzurePublicIpAddresses/Region[3]/@Name"). It is rendered on demand: a
// large export has millions of nodes and few of them are ever named.
func (n *Node) Pointer() string {
	if n == nil {
		return ""
	}
	var chain []*Node // from n upwards to the root
	top := n
	for ; top.parent != nil; top = top.parent {
		chain = append(chain, top)
	}
	// The root's parent is no value: its text is the root's own pointer.
	var b strings.Builder
	b.WriteString(top.Text)
	for i := len(chain) - 2; i >= 0; i-- {
		parent, k := chain[i+1], int(chain[i].index)
		switch {
		case parent.Kind == Object && top.path:
			b.WriteString("/" + parent.Members[k].Key)
		case parent.Kind == Object:
			b.WriteString("/" + escapePointer(parent.Members[k].Key))
		case top.path:
			b.WriteString("[" + strconv.Itoa(k+1) + "]")
		default:
			b.WriteString("/" + strconv.Itoa(k))
		}
	}
	return b.String()
}

// top is the node above the root.
func (n *Node) top() *Node {
	for n.parent != nil {
		n = n.parent
	}
	return n
}

// under makes the node a child of the parent, at the given place.
func (n *Node) under(parent *Node, index int) *Node {
	n.parent, n.index = parent, uint32(index)
	return n
}

// rootAt makes a parent for the root of a tree whose pointer is given.
func rootAt(pointer string) *Node { return &Node{Text: pointer} }

// escapePointer escapes a key as a reference token of RFC 6901.
func escapePointer(key string) string {
	if !strings.ContainsAny(key, "~/") {
		return key
	}
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}

// shortPointer cuts a pointer that is too long for a message.
func shortPointer(p string) string {
	const most = 200
	if len(p) <= most {
		return p
	}
	return strings.ToValidUTF8(p[:most], "") + "…"
}
