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
	var chain []*Node // from n upwards, without the root's anchor
	top := n
	for ; top.parent != nil; top = top.parent {
		chain = append(chain, top)
	}
	var b strings.Builder
	b.WriteString(top.anchor)
	// The last of the chain is the root, which the anchor names already.
	for i := len(chain) - 2; i >= 0; i-- {
		parent, child := chain[i+1], chain[i]
		switch parent.Kind {
		case Array:
			k := indexOf(parent.Items, child)
			if top.path {
				b.WriteByte('[')
				b.WriteString(strconv.Itoa(k + 1))
				b.WriteByte(']')
			} else {
				b.WriteByte('/')
				b.WriteString(strconv.Itoa(k))
			}
		case Object:
			b.WriteByte('/')
			key := keyOf(parent.Members, child)
			if top.path {
				b.WriteString(key)
			} else {
				b.WriteString(escapePointer(key))
			}
		}
	}
	return b.String()
}

func indexOf(items []*Node, n *Node) int {
	for i, it := range items {
		if it == n {
			return i
		}
	}
	return -1
}

func keyOf(members []Member, n *Node) string {
	for i := range members {
		if members[i].Value == n {
			return members[i].Key
		}
	}
	return ""
}

// escapePointer escapes a key as a reference token of RFC 6901.
func escapePointer(key string) string {
	if !strings.ContainsAny(key, "~/") {
		return key
	}
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}
