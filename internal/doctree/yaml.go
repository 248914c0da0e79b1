package doctree

import (
	"bytes"
	"fmt"
	"io"

	"gopkg.in/yaml.v3"
)

// readYAML reads all documents of the file.
func (s *Source) readYAML() ([]*Node, error) {
	data, err := s.text.all(maxYAMLBytes, s.tooLarge("YAML file", maxYAMLBytes))
	if err != nil {
		return nil, s.wrap(err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var roots []*Node
	for {
		var y yaml.Node
		err := dec.Decode(&y)
		if err == io.EOF {
			return roots, nil
		}
		if err != nil {
			return nil, s.wrap(err)
		}
		b := yamlBuilder{src: s}
		root := &Node{parent: &Node{}}
		if err := b.fill(root, y.Content[0], 0); err != nil {
			return nil, err
		}
		roots = append(roots, root)
	}
}

type yamlBuilder struct {
	src   *Source
	count int
}

func (b *yamlBuilder) fill(n *Node, y *yaml.Node, depth int) error {
	n.Pos = Pos{y.Line, y.Column}
	if b.count++; b.count > b.src.lim.Nodes {
		return fmt.Errorf("%s: too many nodes", b.src.name)
	}
	switch y.Kind {
	case yaml.ScalarNode:
		n.Kind, n.Text = String, y.Value
		n.Quoted = y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
		if !n.Quoted {
			n.Kind = plainKind(y.Value)
		}
	case yaml.SequenceNode:
		n.Kind = Array
		for _, c := range y.Content {
			child := &Node{parent: n}
			n.Items = append(n.Items, child)
			if err := b.fill(child, c, depth+1); err != nil {
				return err
			}
		}
	case yaml.MappingNode:
		n.Kind = Object
		for i := 0; i+1 < len(y.Content); i += 2 {
			k := y.Content[i]
			m := Member{Key: k.Value, Pos: Pos{k.Line, k.Column}, Value: &Node{parent: n}}
			if err := foldedTwice(b.src, n.Members, m, n); err != nil {
				return err
			}
			n.Members = append(n.Members, m)
			if err := b.fill(m.Value, y.Content[i+1], depth+1); err != nil {
				return err
			}
		}
	case yaml.AliasNode:
		return b.fill(n, y.Alias, depth)
	}
	return nil
}

func plainKind(text string) Kind {
	switch text {
	case "", "~", "null":
		return Null
	case "true", "false":
		return Bool
	}
	if isJSONNumber(text) {
		return Number
	}
	return String
}

// isJSONNumber reports whether the text is a number by JSON's grammar: no
// leading zero, no plus sign, no other base.
func isJSONNumber(s string) bool {
	i := 0
	digits := func() bool {
		from := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(s) && s[i] == '-' {
		i++
	}
	if from := i; !digits() || s[from] == '0' && i > from+1 {
		return false
	}
	if i < len(s) && s[i] == '.' {
		if i++; !digits() {
			return false
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(s)
}
