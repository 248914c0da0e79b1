package property

import (
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/source"
)

// Ledger counts the leaves of every element that was read. The three classes
// sum to Leaves.
type Ledger struct {
	Leaves      int            `json:"leaves"`
	Used        int            `json:"used"`
	Irrelevant  int            `json:"irrelevant"`
	NotModelled int            `json:"notModelled"`
	Unmodelled  map[string]int `json:"unmodelled,omitempty"` // "Microsoft.Network/virtualNetworks: properties.x" → times
}

// Add adds the counts of another ledger.
func (l *Ledger) Add(o Ledger) {
	l.Leaves += o.Leaves
	l.Used += o.Used
	l.Irrelevant += o.Irrelevant
	l.NotModelled += o.NotModelled
	for k, v := range o.Unmodelled {
		l.note(k, v)
	}
}

// AddUsed counts leaves that were all read into the estate.
func (l *Ledger) AddUsed(leaves int) {
	l.Leaves += leaves
	l.Used += leaves
}

func (l *Ledger) note(name string, times int) {
	if l.Unmodelled == nil {
		l.Unmodelled = map[string]int{}
	}
	l.Unmodelled[name] += times
}

func (l *Ledger) count(c Class, leaves int) {
	l.Leaves += leaves
	switch c {
	case Used:
		l.Used += leaves
	case Irrelevant:
		l.Irrelevant += leaves
	default:
		l.NotModelled += leaves
	}
}

// Findings are what counting an element brought up beside the counts.
type Findings struct {
	// NotModelled holds, by the object's node, the properties with a value
	// that are not modelled inside objects of bad-inputs row 51.
	NotModelled map[*doctree.Node][]topology.Property
	Lost        *doctree.Node // text that PowerShell wrote below its depth; nil: none
	Mixed       *doctree.Node // a flattened property beside nested ones; nil: none
}

// Count classes every leaf of the element's tree.
func (l *Ledger) Count(f *source.File, n *doctree.Node, s *Shape) Findings {
	c := counter{ledger: l, file: f}
	c.object(n, s, nil, "", s)
	return c.found
}

type counter struct {
	ledger *Ledger
	file   *source.File
	found  Findings
}

// object counts an object (or each object of a list) of a shape. owner is the
// strict object that it is part of, path its place below the shape top.
func (c *counter) object(n *doctree.Node, s *Shape, owner *doctree.Node, path string, top *Shape) {
	switch n.Kind {
	case doctree.Array:
		for _, it := range n.Items {
			c.object(it, s, owner, path, top)
		}
		if len(n.Items) == 0 {
			c.ledger.count(Used, 1)
		}
		return
	case doctree.Object:
	default: // null, or a bare ID where a reference is due
		if n.Kind == doctree.String && source.DepthLost(n.Text) && c.found.Lost == nil {
			c.found.Lost = n
		}
		c.ledger.count(Used, 1)
		return
	}
	if s.Strict {
		owner = n
	}
	if strings.Contains(s.Name, "/") {
		path, top = "", s
	}
	if len(n.Members) == 0 {
		c.ledger.count(Used, 1)
		return
	}
	bag := n.Fold("properties")
	nested := bag != nil && bag.Kind == doctree.Object && len(bag.Members) > 0
	for i := range n.Members {
		m := &n.Members[i]
		if nested && m.Value == bag {
			for j := range bag.Members {
				c.member(&bag.Members[j], s, owner, path, top)
			}
			continue
		}
		p := c.member(m, s, owner, path, top)
		if nested && p != nil && !p.Beside && p.Name != "provisioningState" && c.found.Mixed == nil &&
			(!source.IsEmpty(m.Value) || !source.IsNull(m.Value) && bag.Fold(m.Key) != nil) {
			c.found.Mixed = m.Value
		}
	}
}

func (c *counter) member(m *doctree.Member, s *Shape, owner *doctree.Node, path string, top *Shape) *Property {
	p := s.Property(m.Key)
	switch {
	case p == nil && (s.Open || strings.EqualFold(m.Key, "properties") && source.IsEmpty(m.Value) || isTextTwin(s, m.Key)):
		c.ledger.count(Irrelevant, m.Value.Leaves())
	case p == nil:
		c.unmodelled(m, owner, path+m.Key, top)
	case p.Shape != nil && p.Class == Used:
		c.object(m.Value, p.Shape, owner, path+p.Name+".", top)
	case p.Class == NotModelled && !excepted(p, m.Value):
		c.unmodelled(m, owner, path+p.Name, top)
	case p.Class == NotModelled:
		c.ledger.count(Irrelevant, m.Value.Leaves())
	default:
		c.ledger.count(p.Class, m.Value.Leaves())
	}
	return p
}

// isTextTwin reports a "…Text" member that Az PowerShell's models carry beside
// a list or object: the same once more, as a string.
func isTextTwin(s *Shape, key string) bool {
	n := len(key) - len("Text")
	return n > 0 && strings.EqualFold(key[n:], "Text") && s.Property(key[:n]) != nil
}

func excepted(p *Property, n *doctree.Node) bool {
	for _, v := range p.Except {
		if n.Kind != doctree.Object && n.Kind != doctree.Array && strings.EqualFold(n.Text, v) {
			return true
		}
	}
	return false
}

// unmodelled counts a property that is not modelled: its empty leaves say
// nothing, the others are named.
func (c *counter) unmodelled(m *doctree.Member, owner *doctree.Node, path string, top *Shape) {
	valued := 0
	var first *doctree.Node
	c.values(m.Value, &valued, &first)
	c.ledger.count(NotModelled, valued)
	c.ledger.count(Irrelevant, m.Value.Leaves()-valued)
	if valued == 0 {
		return
	}
	c.ledger.note(top.Name+": "+path, 1)
	if owner == nil {
		return
	}
	if c.found.NotModelled == nil {
		c.found.NotModelled = map[*doctree.Node][]topology.Property{}
	}
	value := source.Cut(first.Text)
	if doctree.MayBeSecret(path) || doctree.MayBeSecret(value) {
		value = "(not shown)"
	}
	c.found.NotModelled[owner] = append(c.found.NotModelled[owner],
		topology.Property{Name: path, Value: value, Origin: c.file.Origin(m.Value)})
}

// values counts the leaves that say something and finds the first.
func (c *counter) values(n *doctree.Node, valued *int, first **doctree.Node) {
	switch {
	case source.IsEmpty(n):
	case n.Kind == doctree.Object:
		for i := range n.Members {
			c.values(n.Members[i].Value, valued, first)
		}
	case n.Kind == doctree.Array:
		for _, it := range n.Items {
			c.values(it, valued, first)
		}
	default:
		if n.Kind == doctree.String && source.DepthLost(n.Text) && c.found.Lost == nil {
			c.found.Lost = n
		}
		*valued++
		if *first == nil {
			*first = n
		}
	}
}
