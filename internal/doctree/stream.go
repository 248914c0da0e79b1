package doctree

import (
	"io"
	"strings"
)

// Document is a whole file as trees.
type Document struct {
	File   string
	Format Format
	Roots  []*Node // JSON and XML: one; YAML: one for each document of the file
	Notes  []Note
}

// Read reads a whole file into trees. Use [Stream] for what may be large.
func Read(name string, r io.Reader, lim Limits) (*Document, error) {
	s, err := Open(name, r, lim)
	if err != nil {
		return nil, err
	}
	return s.Read()
}

// Read reads the whole document into trees.
func (s *Source) Read() (*Document, error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	d := &Document{File: s.name, Format: s.format}
	var err error
	switch s.format {
	case JSON:
		d.Roots, err = s.readJSON()
	case YAML:
		d.Roots, err = s.readYAML()
	case XML:
		d.Roots, err = s.readXML()
	}
	if err != nil {
		return nil, err
	}
	d.Notes = s.notes
	return d, nil
}

// Envelope is what surrounds the elements of a file.
type Envelope struct {
	File     string
	Format   Format
	Single   bool     // the document is itself the one element
	List     string   // the member that holds the elements, as written ("value"); "" for a list at the top
	ListPos  Pos      // where the list begins; zero for Single
	Elements int      // handed out so far
	Members  []Member // the other members, in order; complete after the end
	Notes    []Note   // complete after the end
}

// Fold returns the member of the envelope with that key in any ASCII letter
// case, nil where it is absent.
func (e *Envelope) Fold(key string) *Node {
	n := Node{Kind: Object, Members: e.Members}
	return n.Fold(key)
}

// listKeys are the members of a top-level object that hold a list of
// elements: "value" (ARM REST), "data" (Resource Graph), "values" (service
// tags), "records" (flow logs).
var listKeys = [...]string{"value", "data", "values", "records"}

func isListKey(key string) bool {
	for _, k := range listKeys {
		if len(k) == len(key) && strings.EqualFold(k, key) {
			return true
		}
	}
	return false
}

// Stream reads a file and hands out its elements one at a time; see
// [Source.Each].
func Stream(name string, r io.Reader, lim Limits, visit func(*Envelope, *Node) error) (*Envelope, error) {
	s, err := Open(name, r, lim)
	if err != nil {
		return nil, err
	}
	return s.Each(visit)
}

// Each hands out the elements of the document in order, each as a tree:
//
//   - of a list at the top, its items;
//   - of an object with a list under "value", "data", "values" or "records"
//     (in any letter case), the items of that list, while the object's other
//     members become the envelope's;
//   - any other object is itself the only element, and so is the top of an XML
//     document and each document of a YAML file that has several.
//
// The envelope that visit sees has the members that came before the list; the
// one returned has all. An error of visit ends the reading and is returned as
// it is. Elements handed out before an error of the file must not be used: the
// file is refused as a whole.
//
// A JSON file of any size needs memory for its largest element only. Trees
// stay valid, but keeping a node keeps the whole element; texts may be kept on
// their own.
func (s *Source) Each(visit func(*Envelope, *Node) error) (*Envelope, error) {
	if s.format == JSON {
		return s.EachRaw(func(env *Envelope, raw *Raw) error {
			n, err := raw.Node()
			if err != nil {
				return err
			}
			return visit(env, n)
		})
	}
	d, err := s.Read()
	if err != nil {
		return nil, err
	}
	env := &Envelope{File: s.name, Format: s.format, Notes: s.notes}
	hand := func(n *Node) error {
		env.Elements++
		return visit(env, n)
	}
	if len(d.Roots) != 1 || s.format == XML {
		env.Single = true
		for _, n := range d.Roots {
			if err := hand(n); err != nil {
				return env, err
			}
		}
		return env, nil
	}
	root := d.Roots[0]
	var list *Node
	switch root.Kind {
	case Array:
		list = root
	case Object:
		for _, m := range root.Members {
			if isListKey(m.Key) && m.Value.Kind == Array && list == nil {
				env.List, list = m.Key, m.Value
			} else if isListKey(m.Key) && m.Value.Kind == Array {
				return env, s.twoLists(m.Pos, env.List, m.Key)
			} else {
				env.Members = append(env.Members, m)
			}
		}
	}
	if list == nil {
		env.Single, env.Members = true, nil
		return env, hand(root)
	}
	env.ListPos = list.Pos
	for _, n := range list.Items {
		if err := hand(n); err != nil {
			return env, err
		}
	}
	return env, nil
}

func (s *Source) twoLists(pos Pos, first, second string) error {
	return &Error{File: s.name, Pos: pos, Pointer: "/" + escapePointer(second),
		Expected: "expected one list of elements, found " + second + " beside " + first,
		Hint:     "put each list into a file of its own"}
}
