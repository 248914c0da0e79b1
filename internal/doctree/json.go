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

// jsonReader reads one JSON document. The tokenizer checks the grammar, names
// and encoding of a value; the tree is then built from text known to be valid.
type jsonReader struct {
	src  *Source
	dec  *jsontext.Decoder
	tree treeBuilder
}

func (s *Source) newJSON() *jsonReader {
	j := &jsonReader{src: s}
	j.tree.src = s
	s.text.limitErr = s.tooLarge("JSON element", maxElementBytes)
	s.text.limitBytes = maxElementBytes
	j.dec = jsontext.NewDecoder(s.text)
	return j
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
	root, err := j.tree.build(v, off, "")
	if err != nil {
		return nil, err
	}
	return []*Node{root}, j.end()
}

// end refuses whatever follows the top value.
func (j *jsonReader) end() error {
	_, err := j.dec.ReadToken()
	if err == io.EOF {
		return nil
	}
	if err == nil {
		err = errors.New("more text")
	}
	var syn *jsontext.SyntacticError
	if !errors.As(err, &syn) && err.Error() != "more text" {
		return j.fail(err)
	}
	return j.trailing()
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

// Text is the element as written: one valid JSON value without blanks around
// it, its names unique in each object. Valid until visit returns.
func (r *Raw) Text() []byte { return r.text }

// Index is the element's place in its list, counted from 0.
func (r *Raw) Index() int { return r.index }

// Pos is the place where the element begins. It must be asked before
// [Raw.Node].
func (r *Raw) Pos() Pos { return r.j.src.text.at(r.off) }

// Node builds the element's tree.
func (r *Raw) Node() (*Node, error) {
	if r.node == nil {
		n, err := r.j.tree.build(r.text, r.off, r.pointer)
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
		if j.dec.PeekKind() == ']' {
			_, err := j.dec.ReadToken()
			return j.fail(err)
		}
		v, off, err := j.value()
		if err != nil {
			return err
		}
		env.Elements++
		if err := visit(env, &Raw{j: j, text: v, off: off, pointer: pointer + "/" + strconv.Itoa(i), index: i}); err != nil {
			return err
		}
		j.src.text.at(j.dec.InputOffset())
		j.src.text.forget()
	}
}

// envelope reads an object that holds a list of elements, or is one.
func (j *jsonReader) envelope(env *Envelope, visit func(*Envelope, *Raw) error) error {
	if _, err := j.dec.ReadToken(); err != nil {
		return j.fail(err)
	}
	start := j.src.text.at(j.dec.InputOffset() - 1)
	root := &Node{Kind: Object, Pos: start, parent: &Node{}}
	found := false
	for {
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
		m.Key, err = j.tree.key(name, m.Pos, root)
		if err != nil {
			return err
		}
		if err := j.tree.unique(env.Members, m, root); err != nil {
			return err
		}
		if isListKey(m.Key) && j.dec.PeekKind() == '[' {
			if found {
				return j.src.twoLists(m.Pos, env.List, m.Key)
			}
			env.List, found = m.Key, true
			if err := j.list(env, "/"+escapePointer(m.Key), visit); err != nil {
				return err
			}
			continue
		}
		v, voff, err := j.value()
		if err != nil {
			return err
		}
		m.Value, err = j.tree.build(v, voff, "/"+escapePointer(m.Key))
		if err != nil {
			return err
		}
		env.Members = append(env.Members, m)
	}
	if found {
		return nil
	}
	root.Members, env.Members, env.Single = env.Members, nil, true
	for _, m := range root.Members {
		m.Value.parent = root
	}
	env.Elements = 1
	return visit(env, &Raw{j: j, node: root})
}

// treeBuilder makes nodes from valid JSON text. It allocates in slabs and
// shares the texts of keys and short values.
type treeBuilder struct {
	src     *Source
	b       []byte // the text of one value
	off     int64  // its offset in the document
	count   int    // nodes of the tree
	nodes   []Node
	members []Member
	items   []*Node
	mstack  []Member
	istack  []*Node
	intern  [4096]string
	err     *Error
}

// build makes the tree of one value that begins at the offset. The pointer is
// that of the value.
func (t *treeBuilder) build(b []byte, off int64, pointer string) (*Node, error) {
	t.b, t.off, t.count, t.err = b, off, 0, nil
	t.mstack, t.istack = t.mstack[:0], t.istack[:0]
	anchor := t.node()
	anchor.anchor = pointer
	root := t.node()
	root.parent = anchor
	t.value(0, root, 0)
	if t.err != nil {
		return nil, t.err
	}
	return root, nil
}

func (t *treeBuilder) node() *Node {
	if len(t.nodes) == 0 {
		t.nodes = make([]Node, 512)
	}
	n := &t.nodes[0]
	t.nodes = t.nodes[1:]
	return n
}

func (t *treeBuilder) fail(n *Node, pos Pos, found, expected, hint string) {
	if t.err == nil {
		t.err = &Error{File: t.src.name, Pos: pos, Pointer: n.Pointer(), Found: found, Expected: expected, Hint: hint}
	}
}

// value fills the node from the text at index i and returns the index behind
// it. After an error the index means nothing.
func (t *treeBuilder) value(i int, n *Node, depth int) int {
	n.Pos = t.src.text.at(t.off + int64(i))
	if t.count++; t.count > t.src.lim.Nodes {
		t.fail(n, n.Pos, "", fmt.Sprintf("expected at most %d values in one element", t.src.lim.Nodes), "split the export")
		return len(t.b)
	}
	switch c := t.b[i]; c {
	case '{', '[':
		if depth >= t.src.lim.Depth {
			t.fail(n, n.Pos, "", fmt.Sprintf("expected at most %d levels of nesting", t.src.lim.Depth), "export the resources themselves")
			return len(t.b)
		}
		if c == '{' {
			return t.object(i, n, depth)
		}
		return t.array(i, n, depth)
	case '"':
		n.Kind, n.Quoted = String, true
		var end int
		n.Text, end = t.string(i, n)
		return end
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

func numberByte(c byte) bool {
	return c >= '0' && c <= '9' || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-'
}

func (t *treeBuilder) skipBlanks(i int) int {
	for t.b[i] == ' ' || t.b[i] == '\n' || t.b[i] == '\r' || t.b[i] == '\t' {
		i++
	}
	return i
}

func (t *treeBuilder) object(i int, n *Node, depth int) int {
	n.Kind = Object
	base := len(t.mstack)
	var seen uint64 // a bit for each folded key's hash
	i = t.skipBlanks(i + 1)
	for t.b[i] != '}' {
		pos := t.src.text.at(t.off + int64(i))
		key, end := t.keyAt(i, pos, n)
		if t.err != nil {
			return len(t.b)
		}
		bit := foldBit(key)
		if seen&bit != 0 {
			if err := t.unique(t.mstack[base:], Member{Key: key, Pos: pos}, n); err != nil {
				return len(t.b)
			}
		}
		seen |= bit
		i = t.skipBlanks(end) + 1 // the colon
		i = t.skipBlanks(i)
		child := t.node()
		child.parent = n
		t.mstack = append(t.mstack, Member{Key: key, Pos: pos, Value: child})
		i = t.value(i, child, depth+1)
		if t.err != nil {
			t.adopt(n, base)
			return len(t.b)
		}
		if i = t.skipBlanks(i); t.b[i] == ',' {
			i = t.skipBlanks(i + 1)
		}
	}
	t.adopt(n, base)
	return i + 1
}

// adopt moves the members on the stack into the node.
func (t *treeBuilder) adopt(n *Node, base int) {
	k := len(t.mstack) - base
	if k == 0 {
		return
	}
	if len(t.members) < k {
		t.members = make([]Member, max(512, k))
	}
	n.Members = t.members[:k:k]
	t.members = t.members[k:]
	copy(n.Members, t.mstack[base:])
	t.mstack = t.mstack[:base]
}

func (t *treeBuilder) array(i int, n *Node, depth int) int {
	n.Kind = Array
	base := len(t.istack)
	i = t.skipBlanks(i + 1)
	for t.b[i] != ']' && t.err == nil {
		child := t.node()
		child.parent = n
		t.istack = append(t.istack, child)
		i = t.value(i, child, depth+1)
		if t.err != nil {
			break
		}
		if i = t.skipBlanks(i); t.b[i] == ',' {
			i = t.skipBlanks(i + 1)
		}
	}
	if k := len(t.istack) - base; k > 0 {
		if len(t.items) < k {
			t.items = make([]*Node, max(512, k))
		}
		n.Items = t.items[:k:k]
		t.items = t.items[k:]
		copy(n.Items, t.istack[base:])
		t.istack = t.istack[:base]
	}
	return i + 1
}

// string reads the string at index i.
func (t *treeBuilder) string(i int, n *Node) (string, int) {
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
	if err != nil {
		t.fail(n, n.Pos, quote(b[i:j+1]), "expected a valid string", "")
	}
	if bytes.IndexByte(text, 0) >= 0 {
		t.fail(n, n.Pos, quote(b[i:j+1]), "expected text without NUL characters", "")
	}
	return string(text), j + 1
}

// keyAt reads the key at index i.
func (t *treeBuilder) keyAt(i int, pos Pos, n *Node) (string, int) {
	key, end := t.string(i, n)
	if t.err == nil && hasControl(key) {
		t.fail(n, pos, quote(t.b[i:end]), "expected a name without control characters", "")
	}
	return key, end
}

// key is keyAt for a name that stands alone.
func (t *treeBuilder) key(b []byte, pos Pos, n *Node) (string, error) {
	t.b, t.err = b, nil
	key, _ := t.keyAt(0, pos, n)
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

// unique refuses a member whose key equals an earlier one when folded.
func (t *treeBuilder) unique(earlier []Member, m Member, n *Node) error {
	if err := foldedTwice(t.src, earlier, m, n); err != nil {
		if t.err == nil {
			t.err = err
		}
		return err
	}
	return nil
}

// foldedTwice is the refusal of a key that is there already, in this or
// another letter case: two readers would take two different values.
func foldedTwice(s *Source, earlier []Member, m Member, n *Node) *Error {
	for i := range earlier {
		e := &earlier[i]
		if !strings.EqualFold(e.Key, m.Key) {
			continue
		}
		what := "expected each key once"
		if e.Key != m.Key {
			what = "expected keys that differ in more than letter case"
		}
		return &Error{File: s.name, Pos: m.Pos, Pointer: n.Pointer() + "/" + escapePointer(m.Key), Found: quote([]byte(m.Key)),
			Expected: fmt.Sprintf("%s (%s is already at line %d, column %d)", what, quote([]byte(e.Key)), e.Pos.Line, e.Pos.Column),
			Hint:     "remove one of the two"}
	}
	return nil
}

// foldBit is one of 64 bits, the same for keys that are equal when folded.
func foldBit(key string) uint64 {
	h := uint32(2166136261)
	for i := 0; i < len(key); i++ {
		c := key[i]
		if c >= utf8.RuneSelf {
			return ^uint64(0) // folding may change the bytes: compare with all
		}
		h = (h ^ uint32(c|0x20)) * 16777619
	}
	return 1 << (h >> 26)
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
