package doctree

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// readXML reads the document's root element.
func (s *Source) readXML() ([]*Node, error) {
	data, err := s.text.all(maxXMLBytes, s.tooLarge("XML file", maxXMLBytes))
	if err != nil {
		return nil, s.wrap(err)
	}
	dec := xml.NewDecoder(bytes.NewReader(data))
	top := &Node{Kind: Object, Pos: Pos{1, 1}, parent: &Node{path: true}}
	type open struct {
		node *Node
		text strings.Builder
	}
	stack := []*open{{node: top}}
	for {
		off := dec.InputOffset()
		tok, err := dec.Token()
		if err == io.EOF {
			return []*Node{top}, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		pos := positionIn(data, int(off))
		cur := stack[len(stack)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			child := &Node{Kind: Object, Pos: pos}
			list := cur.node.Get(tok.Name.Local)
			if list == nil {
				list = &Node{Kind: Array, Pos: pos, parent: cur.node}
				cur.node.Members = append(cur.node.Members, Member{Key: tok.Name.Local, Pos: pos, Value: list})
			}
			child.parent = list
			list.Items = append(list.Items, child)
			for _, a := range tok.Attr {
				child.Members = append(child.Members, Member{Key: "@" + a.Name.Local, Pos: pos,
					Value: &Node{Kind: String, Text: a.Value, Quoted: true, Pos: pos, parent: child}})
			}
			stack = append(stack, &open{node: child})
		case xml.EndElement:
			if text := strings.TrimSpace(cur.text.String()); text != "" {
				cur.node.Members = append(cur.node.Members, Member{Key: "#text", Pos: cur.node.Pos,
					Value: &Node{Kind: String, Text: text, Quoted: true, Pos: cur.node.Pos, parent: cur.node}})
			}
			stack = stack[:len(stack)-1]
		case xml.CharData:
			cur.text.Write(tok)
		case xml.Directive:
			return nil, s.errorf(pos, "expected XML without a DOCTYPE", "remove it")
		}
	}
}
