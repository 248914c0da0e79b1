package doctree

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// readXML reads the document's root element.
//
// An element is an Object. Its attributes are members "@Name", its child
// elements members "Name", each an Array of all children of that name in
// order, and its text, joined over CDATA and comments and trimmed, is the
// member "#text". The document is an Object with the root element's name as
// its only member, not in an Array. Elements of another namespace than the
// root's are members "{namespace}Name", so that no plain name matches them,
// and noted; namespace declarations are left out.
func (s *Source) readXML() ([]*Node, error) {
	data, err := s.text.all(maxXMLBytes, s.tooLarge("XML file", maxXMLBytes))
	if err != nil {
		return nil, s.wrap(err)
	}
	if err := s.checkText(data); err != nil {
		return nil, err
	}
	x := xmlReader{src: s, data: data, place: lines{b: data}, foreign: map[string]bool{}}
	x.dec = xml.NewDecoder(bytes.NewReader(data))
	x.dec.CharsetReader = x.charset
	root, err := x.document()
	if err != nil {
		return nil, err
	}
	return []*Node{root}, nil
}

type xmlReader struct {
	src       *Source
	data      []byte
	place     lines
	dec       *xml.Decoder
	count     int
	open      []*xmlElement // [0] is the document
	namespace string        // of the root element
	foreign   map[string]bool
}

type xmlElement struct {
	node  *Node
	name  xml.Name // with its prefix, as written
	text  []byte
	names names
	spans map[string]string // prefix → namespace, as declared on this element
}

func (x *xmlReader) refuse(pos Pos, found, expected, hint string) error {
	e := &Error{File: x.src.name, Pos: pos, Found: found, Expected: expected, Hint: hint}
	if len(x.open) > 0 {
		e.Pointer = shortPointer(x.open[len(x.open)-1].node.Pointer())
	}
	return e
}

// charset is asked for a declared encoding that is not UTF-8.
func (x *xmlReader) charset(label string, r io.Reader) (io.Reader, error) {
	switch {
	case x.src.utf16 && strings.HasPrefix(strings.ToLower(label), "utf-16"):
		return r, nil // decoded already
	case !x.src.utf16 && strings.EqualFold(label, "us-ascii") && isASCII(x.data):
		return r, nil
	}
	actual := "UTF-8"
	if x.src.utf16 {
		actual = "UTF-16"
	}
	return nil, &Error{File: x.src.name, Pos: Pos{1, 1}, Found: quote([]byte(label)),
		Expected: "expected the declared encoding to be that of the file, " + actual, Hint: "save the file as UTF-8 and declare it so"}
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

func (x *xmlReader) document() (*Node, error) {
	top := &Node{Kind: Object, Pos: Pos{1, 1}, parent: &Node{path: true}}
	x.open = []*xmlElement{{node: top}}
	for {
		off := x.dec.InputOffset()
		tok, err := x.dec.RawToken()
		pos := x.place.at(int(off))
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, x.syntax(err)
		}
		cur := x.open[len(x.open)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			if err := x.start(cur, tok, pos); err != nil {
				return nil, err
			}
		case xml.EndElement:
			if len(x.open) == 1 || cur.name != tok.Name {
				return nil, x.refuse(pos, quote([]byte("</"+written(tok.Name)+">")), "expected the end of the open element", "")
			}
			if err := x.end(cur); err != nil {
				return nil, err
			}
		case xml.CharData:
			if len(x.open) == 1 {
				if text := bytes.TrimSpace(tok); len(text) > 0 {
					return nil, x.refuse(pos, quote(text), "expected no text outside the root element", "")
				}
				break
			}
			cur.text = append(cur.text, tok...)
		case xml.ProcInst:
			if tok.Target == "xml" {
				if off != 0 {
					return nil, x.refuse(pos, "", "expected the XML declaration at the very beginning", "")
				}
				if x.src.utf16 && bytes.Contains(bytes.ToLower(tok.Inst), []byte("utf-8")) {
					return nil, x.refuse(pos, quote(tok.Inst), "expected the declared encoding to be that of the file, UTF-16", "save the file as UTF-8")
				}
			}
		case xml.Directive:
			return nil, x.refuse(pos, quote(x.data[off:]), "expected XML without a DOCTYPE", "remove it; entities and external files are never read")
		}
	}
	pos := x.place.at(len(x.data))
	if len(x.open) > 1 {
		return nil, x.refuse(pos, "", "ended early: expected </"+written(x.open[len(x.open)-1].name)+">", "the file was cut off: download it again")
	}
	if len(top.Members) == 0 {
		return nil, x.refuse(pos, "", "expected a root element", "")
	}
	return top, nil
}

func written(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}

func (x *xmlReader) start(parent *xmlElement, tok xml.StartElement, pos Pos) error {
	if len(x.open)-1 >= x.src.lim.Depth {
		return x.refuse(pos, "", tooDeep(x.src.lim.Depth), "")
	}
	if err := x.counted(pos); err != nil {
		return err
	}
	el := &xmlElement{name: tok.Name}
	for _, a := range tok.Attr {
		prefix, declares := "", false
		switch {
		case a.Name.Space == "xmlns":
			prefix, declares = a.Name.Local, true
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			declares = true
		}
		if declares {
			if el.spans == nil {
				el.spans = map[string]string{}
			}
			el.spans[prefix] = a.Value
		}
	}
	x.open = append(x.open, el)
	space, ok := x.resolve(tok.Name.Space)
	if !ok {
		x.open = x.open[:len(x.open)-1]
		return x.refuse(pos, quote([]byte(written(tok.Name))), "expected a prefix that is declared", "")
	}
	node := &Node{Kind: Object, Pos: pos}
	el.node = node
	if len(x.open) == 2 {
		x.namespace = space
		if len(parent.node.Members) > 0 {
			x.open = x.open[:1]
			return x.refuse(pos, quote([]byte("<"+written(tok.Name)+">")), "expected one root element", "put each document into a file of its own")
		}
		node.parent = parent.node
		parent.node.Members = []Member{{Key: tok.Name.Local, Pos: pos, Value: node}}
		return x.attributes(el, tok.Attr, pos)
	}
	key := tok.Name.Local
	if space != x.namespace {
		key = "{" + space + "}" + key
		x.note(space, pos, parent.node.Pointer()+"/"+key)
	}
	var list *Node
	if i := parent.names.earlier(parent.node.Members, key); i < 0 {
		list = &Node{Kind: Array, Pos: pos}
		if err := x.member(parent, key, pos, list); err != nil {
			return err
		}
	} else if list = parent.node.Members[i].Value; parent.node.Members[i].Key != key {
		return foldedTwice(x.src, &parent.node.Members[i], Member{Key: key, Pos: pos}, parent.node)
	}
	list.Items = append(list.Items, node.under(list, len(list.Items)))
	return x.attributes(el, tok.Attr, pos)
}

func (x *xmlReader) attributes(el *xmlElement, attrs []xml.Attr, pos Pos) error {
	for _, a := range attrs {
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			continue
		}
		key := "@" + a.Name.Local
		if a.Name.Space != "" {
			space, ok := x.resolve(a.Name.Space)
			if !ok {
				return x.refuse(pos, quote([]byte(written(a.Name))), "expected a prefix that is declared", "")
			}
			key = "@{" + space + "}" + a.Name.Local
		}
		if i := el.names.earlier(el.node.Members, key); i >= 0 {
			return foldedTwice(x.src, &el.node.Members[i], Member{Key: key, Pos: pos}, el.node)
		}
		if err := x.member(el, key, pos, &Node{Kind: String, Text: a.Value, Quoted: true, Pos: pos}); err != nil {
			return err
		}
	}
	return nil
}

// member adds a member whose key the element does not have yet.
func (x *xmlReader) member(el *xmlElement, key string, pos Pos, value *Node) error {
	if err := x.counted(pos); err != nil {
		return err
	}
	n := el.node
	n.Members = append(n.Members, Member{Key: key, Pos: pos, Value: value.under(n, len(n.Members))})
	return nil
}

// resolve is the namespace of a prefix where the innermost open element is.
func (x *xmlReader) resolve(prefix string) (string, bool) {
	for i := len(x.open) - 1; i > 0; i-- {
		if space, ok := x.open[i].spans[prefix]; ok {
			return space, true
		}
	}
	if prefix == "xml" {
		return "http://www.w3.org/XML/1998/namespace", true
	}
	return "", prefix == ""
}

func (x *xmlReader) note(space string, pos Pos, pointer string) {
	if x.foreign[space] {
		return
	}
	x.foreign[space] = true
	x.src.notes = append(x.src.notes, Note{Text: "elements of the namespace " + quote([]byte(space)) + " are not matched",
		Warning: true, Pos: pos, Pointer: pointer})
}

func (x *xmlReader) end(el *xmlElement) error {
	x.open = x.open[:len(x.open)-1]
	text := bytes.TrimSpace(el.text)
	if len(text) == 0 {
		return nil
	}
	return x.member(el, "#text", el.node.Pos, &Node{Kind: String, Text: string(text), Quoted: true, Pos: el.node.Pos})
}

func (x *xmlReader) counted(pos Pos) error {
	if x.count++; x.count > x.src.lim.Nodes {
		return x.refuse(pos, "", fmt.Sprintf("expected at most %d values in one file", x.src.lim.Nodes), "split the file")
	}
	return nil
}

// syntax turns an error of the tokenizer into a refusal.
func (x *xmlReader) syntax(err error) error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	off := int(x.dec.InputOffset())
	pos := x.place.at(off)
	var syn *xml.SyntaxError
	if !errors.As(err, &syn) {
		return x.refuse(pos, "", strings.TrimPrefix(err.Error(), "xml: "), "")
	}
	switch {
	case syn.Msg == "unexpected EOF":
		return x.refuse(pos, "", "ended early: expected the rest of the XML", "the file was cut off: download it again")
	case strings.HasPrefix(syn.Msg, "invalid character entity"):
		return x.refuse(pos, quote([]byte(strings.TrimPrefix(syn.Msg, "invalid character entity "))),
			"expected only the entities of XML itself", "write the text out; entities are never expanded")
	}
	return x.refuse(pos, "", syn.Msg, "")
}
