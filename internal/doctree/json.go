package doctree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonReader reads one JSON document. The tokenizer checks the grammar and the
// encoding of a value as a whole; its tree is then built from text known to be
// valid, where keys that repeat are refused.
type jsonReader struct {
	src     *Source
	dec     *jsontext.Decoder
	tree    treeBuilder
	pointer string // of the value that is read next
	key     bool   // a key is read next
}

func (s *Source) newJSON() *jsonReader {
	s.text.limitErr = s.tooLarge("JSON element", maxElementBytes)
	s.text.limitBytes = maxElementBytes
	return &jsonReader{
		src:  s,
		dec:  jsontext.NewDecoder(s.text, jsontext.AllowDuplicateNames(true)),
		tree: treeBuilder{src: s},
	}
}

// value reads the next value whole. It returns its text, valid until the next
// read, and the offset where it begins.
func (j *jsonReader) value() (jsontext.Value, int64, error) {
	j.src.text.limitFrom = j.dec.InputOffset()
	v, err := j.dec.ReadValue()
	if err != nil {
		return nil, 0, j.fail(err)
	}
	return v, j.dec.InputOffset() - int64(len(v)), nil
}

// readJSON reads the one value of the document.
func (s *Source) readJSON() ([]*Node, error) {
	j := s.newJSON()
	v, off, err := j.value()
	if err != nil {
		return nil, err
	}
	root, err := j.tree.build(v, off, "", 0)
	if err != nil {
		return nil, err
	}
	return []*Node{root}, j.end()
}

// end refuses whatever follows the top value.
func (j *jsonReader) end() error {
	kind := j.dec.PeekKind()
	off := j.dec.InputOffset()
	_, err := j.dec.ReadToken()
	if err == io.EOF {
		return nil
	}
	var syn *jsontext.SyntacticError
	if err != nil && !errors.As(err, &syn) {
		return j.fail(err)
	}
	return j.trailing(off, kind)
}

// Raw is one element of a JSON file: text that was checked but not yet built
// into a tree.
type Raw struct {
	j       *jsonReader
	text    []byte
	off     int64
	pointer string
	node    *Node
	index   int
}

// Text is the element as written: one JSON value without blanks around it,
// valid but for names that may repeat, which only [Raw.Node] refuses. It is nil
// where the document is itself the element. The bytes are gone when visit
// returns.
func (r *Raw) Text() []byte { return r.text }

// Index is the element's place in its list, counted from 0.
func (r *Raw) Index() int { return r.index }

// Pointer is the element's JSON pointer.
func (r *Raw) Pointer() string { return r.pointer }

// Pos is the place where the element begins. It must be asked before
// [Raw.Node].
func (r *Raw) Pos() Pos { return r.j.src.text.at(r.off) }

// Node builds the element's tree.
func (r *Raw) Node() (*Node, error) {
	if r.node == nil {
		n, err := r.j.tree.build(r.text, r.off, r.pointer, strings.Count(r.pointer, "/"))
		if err != nil {
			return nil, err
		}
		r.node = n
	}
	return r.node, nil
}

// EachRaw is [Source.Each] for JSON alone, for readers that need no tree of
// most elements.
func (s *Source) EachRaw(visit func(*Envelope, *Raw) error) (*Envelope, error) {
	if s.format != JSON {
		return nil, fmt.Errorf("%s: expected JSON, found %s", s.name, s.format)
	}
	if err := s.begin(); err != nil {
		return nil, err
	}
	j := s.newJSON()
	env := &Envelope{File: s.name, Format: JSON, Notes: s.notes}
	var err error
	switch j.dec.PeekKind() {
	case '[':
		err = j.list(env, "", visit)
	case '{':
		err = j.envelope(env, visit)
	default:
		_, _, err = j.value() // the place of the error
	}
	if err != nil {
		return env, err
	}
	if err := j.end(); err != nil {
		return env, err
	}
	env.Notes = s.notes
	return env, nil
}

// list hands out the items of the list that comes next.
func (j *jsonReader) list(env *Envelope, pointer string, visit func(*Envelope, *Raw) error) error {
	if _, err := j.dec.ReadToken(); err != nil {
		return j.fail(err)
	}
	env.ListPos = j.src.text.at(j.dec.InputOffset() - 1)
	for i := 0; ; i++ {
		j.pointer = pointer + "/" + strconv.Itoa(i)
		if j.dec.PeekKind() == ']' {
			_, err := j.dec.ReadToken()
			return j.fail(err)
		}
		v, off, err := j.value()
		if err != nil {
			return err
		}
		if env.Elements++; env.Elements > j.src.lim.Elements {
			return &Error{File: j.src.name, Pos: j.src.text.at(off), Pointer: j.pointer,
				Expected: fmt.Sprintf("expected at most %d elements in one file", j.src.lim.Elements), Hint: "split the export"}
		}
		raw := &Raw{j: j, text: v, off: off, pointer: j.pointer, index: i}
		if err := visit(env, raw); err != nil {
			return err
		}
		if raw.node == nil {
			j.src.text.pass(off, v)
		}
		j.src.text.forget()
	}
}

// envelope reads an object that holds a list of elements, or is one.
func (j *jsonReader) envelope(env *Envelope, visit func(*Envelope, *Raw) error) error {
	if _, err := j.dec.ReadToken(); err != nil {
		return j.fail(err)
	}
	start := j.src.text.at(j.dec.InputOffset() - 1)
	root := &Node{Kind: Object, Pos: start, parent: rootAt("")}
	found := false
	var names names
	for {
		j.pointer, j.key = "", true
		if j.dec.PeekKind() == '}' {
			if _, err := j.dec.ReadToken(); err != nil {
				return j.fail(err)
			}
			break
		}
		name, off, err := j.value()
		if err != nil {
			return err
		}
		m := Member{Pos: j.src.text.at(off)}
		if m.Key, err = j.tree.name(name, m.Pos); err != nil {
			return err
		}
		if k := names.earlier(env.Members, m.Key); k >= 0 {
			return foldedTwice(j.src, &env.Members[k], m, root)
		}
		j.pointer, j.key = "/"+escapePointer(m.Key), false
		if isListKey(m.Key) && j.dec.PeekKind() == '[' {
			if found {
				return j.src.twoLists(m.Pos, env.List, m.Key)
			}
			env.List, found = m.Key, true
			if err := j.list(env, j.pointer, visit); err != nil {
				return err
			}
			continue
		}
		v, voff, err := j.value()
		if err != nil {
			return err
		}
		m.Value, err = j.tree.build(v, voff, j.pointer, 1)
		if err != nil {
			return err
		}
		env.Members = append(env.Members, m)
	}
	if found {
		return nil
	}
	root.Members, env.Members, env.Single = env.Members, nil, true
	for i, m := range root.Members {
		m.Value.under(root, i)
	}
	env.Elements = 1
	return visit(env, &Raw{j: j, node: root})
}

// treeBuilder makes nodes from JSON text whose grammar was checked. It
// allocates in slabs and shares the texts of keys and short values.
type treeBuilder struct {
	src     *Source
	b       []byte // the text of one value
	off     int64  // its offset in the document
	count   int    // nodes of the tree
	nodes   []Node
	members []Member
	items   []*Node
	slab    int // nodes of the last slab
	mstack  []Member
	istack  []*Node
	intern  [4096]string

	err     *Error // why the tree is refused
	errNode *Node  // whose pointer the error gets once the tree is tied together
	errKey  string // "" or "/key" below that node
}

// build makes the tree of one value that begins at the offset. The pointer and
// the number of levels around it are those of the value.
func (t *treeBuilder) build(b []byte, off int64, pointer string, depth int) (*Node, error) {
	t.b, t.off, t.count, t.err = b, off, 0, nil
	t.mstack, t.istack = t.mstack[:0], t.istack[:0]
	// Elements share no slab: one that is kept would keep all before it.
	t.nodes, t.members, t.items = nil, nil, nil
	t.slab = min(len(b)/bytesPerNode, 512) / 2
	root := t.node().under(rootAt(pointer), 0)
	if t.value(0, root, depth); t.err != nil {
		t.err.Pointer = shortPointer(t.errNode.Pointer() + t.errKey)
		return nil, t.err
	}
	return root, nil
}

// bytesPerNode is the text of a value with its key, at least, in most exports.
const bytesPerNode = 32

// slabSize is the number of nodes of the next slab: small for small elements,
// so that a list of many is cheap too.
func (t *treeBuilder) slabSize() int {
	t.slab = min(max(4, 2*t.slab), 512)
	return t.slab
}

func (t *treeBuilder) node() *Node {
	if len(t.nodes) == 0 {
		t.nodes = make([]Node, t.slabSize())
	}
	n := &t.nodes[0]
	t.nodes = t.nodes[1:]
	return n
}

// fail refuses the tree, for the first reason given. It returns the index
// where reading goes on: behind everything.
func (t *treeBuilder) fail(n *Node, pos Pos, found []byte, expected, hint string) int {
	if t.err == nil {
		t.err, t.errNode, t.errKey = &Error{File: t.src.name, Pos: pos, Expected: expected, Hint: hint}, n, ""
		if found != nil {
			t.err.Found = quote(found)
		}
	}
	return len(t.b)
}

// value fills the node from the text at index i and returns the index behind
// it.
func (t *treeBuilder) value(i int, n *Node, depth int) int {
	n.Pos = t.src.text.at(t.off + int64(i))
	if t.count++; t.count > t.src.lim.Nodes {
		return t.fail(n, n.Pos, nil, fmt.Sprintf("expected at most %d values in one element", t.src.lim.Nodes), "split the export")
	}
	switch c := t.b[i]; c {
	case '{', '[':
		if depth >= t.src.lim.Depth {
			return t.fail(n, n.Pos, nil, tooDeep(t.src.lim.Depth), depthHint)
		}
		if c == '{' {
			return t.object(i, n, depth)
		}
		return t.array(i, n, depth)
	case '"':
		n.Kind, n.Quoted = String, true
		n.Text, i = t.string(i, n, n.Pos)
		return i
	case 't':
		n.Kind, n.Text = Bool, "true"
		return i + 4
	case 'f':
		n.Kind, n.Text = Bool, "false"
		return i + 5
	case 'n':
		n.Kind, n.Text = Null, "null"
		return i + 4
	default:
		end := i + 1
		for end < len(t.b) && numberByte(t.b[end]) {
			end++
		}
		n.Kind, n.Text = Number, t.share(t.b[i:end])
		return end
	}
}

const depthHint = "export the resources themselves"

func tooDeep(limit int) string {
	return fmt.Sprintf("expected at most %d levels of nesting", limit)
}

func numberByte(c byte) bool {
	return c >= '0' && c <= '9' || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-'
}

func (t *treeBuilder) skipBlanks(i int) int {
	for t.b[i] <= ' ' {
		i++
	}
	return i
}

func (t *treeBuilder) object(i int, n *Node, depth int) int {
	n.Kind = Object
	base := len(t.mstack)
	var names names
	i = t.skipBlanks(i + 1)
	for t.b[i] != '}' {
		pos := t.src.text.at(t.off + int64(i))
		var key string
		if key, i = t.key(i, n, pos); t.err != nil {
			break
		}
		m := Member{Key: key, Pos: pos}
		if k := names.earlier(t.mstack[base:], key); k >= 0 {
			i = t.fail(n, pos, []byte(key), twice(&t.mstack[base+k], key), twiceHint)
			t.errKey = "/" + escapePointer(key)
			break
		}
		m.Value = t.node().under(n, len(t.mstack)-base)
		t.mstack = append(t.mstack, m)
		i = t.skipBlanks(t.skipBlanks(i) + 1) // the colon
		if i = t.value(i, m.Value, depth+1); t.err != nil {
			break
		}
		if i = t.skipBlanks(i); t.b[i] == ',' {
			i = t.skipBlanks(i + 1)
		}
	}
	if k := len(t.mstack) - base; k > 0 {
		if len(t.members) < k {
			t.members = make([]Member, max(t.slab, k))
		}
		n.Members = t.members[:k:k]
		t.members = t.members[k:]
		copy(n.Members, t.mstack[base:])
		t.mstack = t.mstack[:base]
	}
	return i + 1
}

func (t *treeBuilder) array(i int, n *Node, depth int) int {
	n.Kind = Array
	base := len(t.istack)
	i = t.skipBlanks(i + 1)
	for t.b[i] != ']' {
		child := t.node().under(n, len(t.istack)-base)
		t.istack = append(t.istack, child)
		if i = t.value(i, child, depth+1); t.err != nil {
			break
		}
		if i = t.skipBlanks(i); t.b[i] == ',' {
			i = t.skipBlanks(i + 1)
		}
	}
	if k := len(t.istack) - base; k > 0 {
		if len(t.items) < k {
			t.items = make([]*Node, max(t.slab, k))
		}
		n.Items = t.items[:k:k]
		t.items = t.items[k:]
		copy(n.Items, t.istack[base:])
		t.istack = t.istack[:base]
	}
	return i + 1
}

// string reads the string at index i, whose place is given for an error that
// concerns the node n.
func (t *treeBuilder) string(i int, n *Node, pos Pos) (string, int) {
	b := t.b
	j := i + 1
	for b[j] != '"' && b[j] != '\\' && b[j] < utf8.RuneSelf {
		j++
	}
	if b[j] == '"' {
		return t.share(b[i+1 : j]), j + 1
	}
	escaped := false
	for b[j] != '"' {
		if b[j] == '\\' {
			escaped = true
			j++
		} else if b[j]&0xC0 == 0x80 {
			t.src.text.extra++
		}
		j++
	}
	if !escaped {
		return t.share(b[i+1 : j]), j + 1
	}
	text, err := jsontext.AppendUnquote(nil, b[i:j+1])
	if err != nil || bytes.IndexByte(text, 0) >= 0 {
		return "", t.fail(n, pos, b[i:j+1], "expected text without NUL characters", "")
	}
	return string(text), j + 1
}

// key reads the key at index i.
func (t *treeBuilder) key(i int, n *Node, pos Pos) (string, int) {
	key, end := t.string(i, n, pos)
	if t.err == nil && hasControl(key) {
		end = t.fail(n, pos, t.b[i:end], "expected a name without control characters", "")
	}
	return key, end
}

// name reads a key that stands alone.
func (t *treeBuilder) name(b []byte, pos Pos) (string, error) {
	t.b, t.err = b, nil
	key, _ := t.key(0, nil, pos)
	if t.err != nil {
		return "", t.err
	}
	return key, nil
}

func hasControl(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] == 0x7f {
			return true
		}
	}
	return false
}

// share returns the text as a string, the same one for short texts that
// repeat.
func (t *treeBuilder) share(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if len(b) > 64 {
		return string(b)
	}
	h := uint32(len(b))
	for _, c := range b {
		h = (h ^ uint32(c)) * 16777619
	}
	slot := &t.intern[h>>20]
	if *slot == string(b) {
		return *slot
	}
	*slot = string(b)
	return *slot
}
