// Package property is the table of what is known of every property that
// Azure's exports carry, and the ledger that is kept with it: each leaf of an
// element is used, known to be irrelevant, or not modelled, and the three sum
// to all leaves.
package property

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Class says what becomes of a property.
type Class uint8

// The classes.
const (
	NotModelled Class = iota // also: not known at all
	Irrelevant
	Used
)

// Property is one property of a shape.
type Property struct {
	Name   string   // in ARM's spelling
	Class  Class    // of everything below it, where Shape is nil
	Shape  *Shape   // of the object, or of the objects of the list; nil: none
	Beside bool     // stands beside "properties" in ARM's nested form
	Except []string // values with which a NotModelled property is irrelevant
}

// Shape is a resource type or a part of one.
type Shape struct {
	Name   string
	Strict bool // a property not modelled bears on verdicts (bad-inputs row 51)
	Open   bool // properties not listed are irrelevant: they describe another resource
	order  []*Property
	once   sync.Once
	props  map[string]*Property // made when it is first asked: most shapes are not
}

// Properties returns the shape's properties in the table's order.
func (s *Shape) Properties() []*Property { return s.order }

// Property finds a property by its name in any ASCII letter case, nil where
// the table does not know it.
func (s *Shape) Property(name string) *Property {
	var buf [64]byte
	if len(name) > len(buf) {
		return nil
	}
	s.once.Do(s.index)
	return s.props[string(lower(buf[:0], name))]
}

func (s *Shape) index() {
	s.props = make(map[string]*Property, len(s.order))
	for _, p := range s.order {
		s.props[strings.ToLower(p.Name)] = p
	}
}

// lists reports whether the shape has a property of that name so far.
func (s *Shape) lists(name string) bool {
	return slices.ContainsFunc(s.order, func(p *Property) bool { return len(p.Name) == len(name) && strings.EqualFold(p.Name, name) })
}

// Table is the whole table. It is immutable and safe for concurrent use.
type Table struct{ shapes map[string]*Shape }

//go:embed properties.txt
var text string

// Shape finds a shape by its name (a resource type in any letter case, or the
// name of a part), nil where the table has none.
func (t *Table) Shape(name string) *Shape {
	var buf [128]byte
	if len(name) > len(buf) {
		return t.shapes[strings.ToLower(name)]
	}
	return t.shapes[string(lower(buf[:0], name))]
}

// lower appends the name with its ASCII letters in lower case.
func lower(b []byte, name string) []byte {
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

// Shapes calls yield for every shape, in no particular order.
func (t *Table) Shapes(yield func(*Shape) bool) {
	for _, s := range t.shapes {
		if !yield(s) {
			return
		}
	}
}

// NewTable reads the embedded table. An error is a mistake in the table
// itself.
func NewTable() (*Table, error) { return parse(text) }

func parse(text string) (*Table, error) {
	t := &Table{shapes: map[string]*Shape{}}
	var order []*Shape
	with := map[*Shape]string{}
	refs := map[*Property]string{}
	var cur *Shape
	for i, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(line, "#"):
		case line[0] != ' ':
			cur = &Shape{Name: words[0]}
			for j := 1; j < len(words); j++ {
				switch words[j] {
				case "strict":
					cur.Strict = true
				case "open":
					cur.Open = true
				case "with":
					if j++; j < len(words) {
						with[cur] = words[j]
					}
				default:
					return nil, fmt.Errorf("property table, line %d: unknown word %q", i+1, words[j])
				}
			}
			key := strings.ToLower(cur.Name)
			if t.shapes[key] != nil {
				return nil, fmt.Errorf("property table, line %d: shape %s twice", i+1, cur.Name)
			}
			t.shapes[key] = cur
			order = append(order, cur)
		case cur == nil:
			return nil, fmt.Errorf("property table, line %d: property outside a shape", i+1)
		default:
			var class Class
			switch words[0] {
			case "used":
				class = Used
			case "irrelevant":
				class = Irrelevant
			case "unmodelled":
			default:
				return nil, fmt.Errorf("property table, line %d: unknown class %q", i+1, words[0])
			}
			list := make([]Property, len(words)-1)
			for j, w := range words[1:] {
				p := &list[j]
				p.Class = class
				w, p.Beside = strings.CutPrefix(w, "^")
				w, ref, hasShape := strings.Cut(w, "=")
				var values string
				var some bool
				if p.Name, values, some = strings.Cut(w, "~"); some {
					p.Except = strings.Split(values, "~")
				}
				if hasShape {
					refs[p] = ref
				}
				if cur.lists(p.Name) {
					return nil, fmt.Errorf("property table, line %d: %s.%s twice", i+1, cur.Name, p.Name)
				}
				cur.order = append(cur.order, p)
			}
		}
	}
	for _, s := range order {
		name, ok := with[s]
		if !ok {
			continue
		}
		parent := t.Shape(name)
		if parent == nil {
			return nil, fmt.Errorf("property table: %s takes over unknown shape %q", s.Name, name)
		}
		for _, p := range parent.order {
			if !s.lists(p.Name) { // a shape's own line goes before the common one
				s.order = append(s.order, p)
			}
		}
	}
	for p, name := range refs {
		if p.Shape = t.Shape(name); p.Shape == nil {
			return nil, fmt.Errorf("property table: %s has unknown shape %q", p.Name, name)
		}
	}
	return t, nil
}
