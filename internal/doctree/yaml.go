package doctree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxAliasNodes is how many values aliases may stand for in one file.
const maxAliasNodes = 100_000

// readYAML reads all documents of the file. Empty documents between others
// are left out.
func (s *Source) readYAML() ([]*Node, error) {
	data, err := s.text.all(maxYAMLBytes, s.errorf(Pos{}, fmt.Sprintf("YAML file of more than %s is not read", size(maxYAMLBytes)), "split it, or write it as JSON"))
	if err != nil {
		return nil, s.wrap(err)
	}
	if err := s.checkText(data); err != nil {
		return nil, err
	}
	if line := oldDirective(data); line > 0 {
		s.notes = append(s.notes, Note{Text: "says %YAML 1.1: it is read as YAML 1.2, where only true and false are Booleans", Warning: true, Pos: Pos{line, 1}})
	}
	b := yamlBuilder{src: s}
	var roots []*Node
	err = yamlDocuments(data, func(y *yaml.Node) error {
		root := new(Node).under(rootAt(""), 0)
		if err := b.fill(root, y, 0); err != nil {
			return err
		}
		switch root.Kind {
		case Object, Array:
			roots = append(roots, root)
		case Null:
		default:
			return s.plainText(data, root.Pos)
		}
		return nil
	})
	var own *Error
	switch {
	case errors.As(err, &own):
		return nil, own
	case err != nil:
		return nil, s.yamlError(data, err)
	case len(roots) == 0:
		return nil, s.errorf(Pos{1, 1}, "holds no document", "export it again")
	}
	return roots, nil
}

// yamlDocuments parses the text and visits the top value of each document.
// The parser reports some faults by a panic; none may leave this package.
func yamlDocuments(data []byte, visit func(*yaml.Node) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var y yaml.Node
		if err := dec.Decode(&y); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if y.Kind != yaml.DocumentNode || len(y.Content) != 1 {
			continue
		}
		if err := visit(y.Content[0]); err != nil {
			return err
		}
	}
}

// oldDirective is the line of a %YAML 1.1 directive, 0 where there is none.
func oldDirective(data []byte) int {
	line := 0
	for l := range bytes.Lines(data) {
		line++
		switch {
		case bytes.HasPrefix(l, []byte("%YAML")) && bytes.Equal(bytes.TrimSpace(l[5:]), []byte("1.1")):
			return line
		case len(bytes.TrimSpace(l)) > 0 && l[0] != '#' && l[0] != '%':
			return 0 // directives come first
		}
	}
	return 0
}

// yamlBuilder turns the parser's nodes into ours.
type yamlBuilder struct {
	src     *Source
	count   int
	aliased int                 // nodes made from aliases
	open    map[*yaml.Node]bool // anchored nodes whose alias is being followed, or that are being read
	inAlias int
}

func (b *yamlBuilder) refuse(n *Node, y *yaml.Node, found, expected, hint string) error {
	return &Error{File: b.src.name, Pos: Pos{y.Line, y.Column}, Pointer: shortPointer(n.Pointer()), Found: found, Expected: expected, Hint: hint}
}

func (b *yamlBuilder) fill(n *Node, y *yaml.Node, depth int) error {
	n.Pos = Pos{y.Line, y.Column}
	if b.count++; b.count > b.src.lim.Nodes {
		return b.refuse(n, y, "", fmt.Sprintf("expected at most %d values in one file", b.src.lim.Nodes), "split the file")
	}
	if b.inAlias > 0 {
		if b.aliased++; b.aliased > maxAliasNodes {
			return b.refuse(n, y, "", fmt.Sprintf("expected aliases that stand for at most %d values", maxAliasNodes), "write the values out")
		}
	}
	if y.Style&yaml.TaggedStyle != 0 && (y.Tag != "!!str" || y.Kind != yaml.ScalarNode) {
		return b.refuse(n, y, quote([]byte(y.Tag)), "expected a value without a tag", "remove the tag")
	}
	if y.Anchor != "" && y.Kind != yaml.AliasNode {
		if b.open == nil {
			b.open = map[*yaml.Node]bool{}
		}
		b.open[y] = true
		defer delete(b.open, y)
	}
	if (y.Kind == yaml.MappingNode || y.Kind == yaml.SequenceNode) && depth >= b.src.lim.Depth {
		return b.refuse(n, y, "", tooDeep(b.src.lim.Depth), "")
	}
	switch y.Kind {
	case yaml.ScalarNode:
		if strings.IndexByte(y.Value, 0) >= 0 {
			return b.refuse(n, y, quote([]byte(y.Value)), "expected text without NUL characters", "")
		}
		b.scalar(n, y)
	case yaml.SequenceNode:
		n.Kind = Array
		for _, c := range y.Content {
			child := new(Node).under(n, len(n.Items))
			n.Items = append(n.Items, child)
			if err := b.fill(child, c, depth+1); err != nil {
				return err
			}
		}
	case yaml.MappingNode:
		return b.mapping(n, y, depth)
	case yaml.AliasNode:
		if b.open[y.Alias] {
			return b.refuse(n, y, quote([]byte("*"+y.Value)), "expected an alias that does not contain itself", "write the value out")
		}
		b.inAlias++
		defer func() { b.inAlias-- }()
		return b.fill(n, y.Alias, depth)
	default:
		return b.refuse(n, y, "", "expected a value", "")
	}
	return nil
}

func (b *yamlBuilder) scalar(n *Node, y *yaml.Node) {
	const quotes = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle | yaml.TaggedStyle
	n.Text = y.Value
	n.Quoted = y.Style&quotes != 0
	n.Kind = String
	if !n.Quoted {
		n.Kind = plainKind(y.Value)
	}
}

func (b *yamlBuilder) mapping(n *Node, y *yaml.Node, depth int) error {
	n.Kind = Object
	n.Members = make([]Member, 0, len(y.Content)/2)
	var names names
	for i := 0; i+1 < len(y.Content); i += 2 {
		k := y.Content[i]
		switch {
		case k.Kind == yaml.AliasNode:
			return b.refuse(n, k, quote([]byte("*"+k.Value)), "expected a key", `if the text is meant, quote it: "*…"`)
		case k.Kind != yaml.ScalarNode:
			return b.refuse(n, k, "", "expected a key that is plain text", "lists and mappings cannot be keys")
		case k.Tag == "!!merge":
			return b.refuse(n, k, quote([]byte(k.Value)), "expected no merge keys", "write the members out")
		case k.Style&yaml.TaggedStyle != 0 && k.Tag != "!!str":
			return b.refuse(n, k, quote([]byte(k.Tag)), "expected a key without a tag", "remove the tag")
		case hasControl(k.Value):
			return b.refuse(n, k, quote([]byte(k.Value)), "expected a name without control characters", "")
		}
		m := Member{Key: k.Value, Pos: Pos{k.Line, k.Column}, Value: new(Node).under(n, len(n.Members))}
		if k := names.earlier(n.Members, m.Key); k >= 0 {
			return foldedTwice(b.src, &n.Members[k], m, n)
		}
		n.Members = append(n.Members, m)
		if err := b.fill(m.Value, y.Content[i+1], depth+1); err != nil {
			return err
		}
	}
	return nil
}

// plainKind is the kind of an unquoted scalar: JSON's grammar decides, so
// that 0443, 1_00, no and 2024-01-01 stay text.
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

var (
	yamlLine      = regexp.MustCompile(`^line (\d+): `)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced`)
)

// yamlError turns the parser's message into a refusal with its place.
func (s *Source) yamlError(data []byte, err error) error {
	if jsonStartsLater(data) {
		return s.mixed(data)
	}
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		line, _ = strconv.Atoi(m[1])
		msg = msg[len(m[0]):]
	}
	if exact := faultyLine(data, err.Error()); exact > 0 {
		line = exact
	}
	text, start := lineAt(data, line)
	body := bytes.TrimLeft(text, " \t")
	e := &Error{File: s.name, Pos: positionIn(data, start+len(text)-len(body)), Found: found("", body), Expected: msg}
	if star := starValue(text); star >= 0 && (strings.Contains(msg, "anchor") || strings.Contains(msg, "alphabetic")) {
		e.Pos, e.Found = positionIn(data, start+star), found(string(body), text[star:])
		e.Expected, e.Hint = "expected a value", `a text that begins with * must be quoted: quote it ("*")`
		return e
	}
	switch {
	case bytes.IndexByte(text[:len(text)-len(body)], '\t') >= 0:
		e.Pos = positionIn(data, start+bytes.IndexByte(text, '\t'))
		e.Expected, e.Hint = "expected spaces, found a tab in the indentation", "indent with spaces"
	case unknownAnchor.MatchString(msg):
		e.Expected, e.Hint = "expected an anchor before its alias: "+msg, ""
	case strings.HasPrefix(msg, "exceeded max depth"):
		e.Found, e.Expected = "", tooDeep(s.lim.Depth)
	case msg == "found incompatible YAML document":
		e.Expected = "expected YAML 1.2"
	case msg == "mapping values are not allowed in this context":
		e.Expected, e.Hint = "expected no second colon on the line", "quote the text, or indent the key like its siblings"
	case strings.HasPrefix(msg, "did not find expected"):
		e.Expected = "expected" + strings.TrimPrefix(msg, "did not find expected")
		e.Hint = "check the indentation and the brackets"
	case msg == "found character that cannot start any token":
		e.Expected, e.Hint = "expected a value", "quote the text"
	case strings.HasPrefix(msg, "found unexpected end of stream"):
		e.Expected, e.Hint = "ended early: expected the closing quote", "the file was cut off or a quote is missing"
	}
	return e
}

// faultyLine finds the line where the parser stops, counted from 1: the last
// of the shortest beginning that has the same fault. The parser itself names
// the line where the enclosing block begins, sometimes one less. 0 where it
// is not known.
func faultyLine(data []byte, msg string) int {
	const most = 256 << 10
	if len(data) > most {
		return 0
	}
	var ends []int
	for i := range data {
		if data[i] == '\n' || data[i] == '\r' && (i+1 == len(data) || data[i+1] != '\n') {
			ends = append(ends, i+1)
		}
	}
	if len(ends) == 0 || ends[len(ends)-1] < len(data) {
		ends = append(ends, len(data))
	}
	lo, hi := 0, len(ends)-1 // the first hi+1 lines have the fault
	for lo < hi {
		mid := (lo + hi) / 2
		err := yamlDocuments(data[:ends[mid]], func(*yaml.Node) error { return nil })
		if err != nil && err.Error() == msg {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo + 1
}

// starValue is the index of a value that begins with an unquoted star, -1
// where the line has none.
func starValue(line []byte) int {
	for i, c := range line {
		if c != '*' {
			continue
		}
		before := bytes.TrimRight(line[:i], " \t")
		if len(before) == 0 || len(before) < i && bytes.IndexByte([]byte("-:,?"), before[len(before)-1]) >= 0 ||
			bytes.IndexByte([]byte("[{,"), before[len(before)-1]) >= 0 {
			return i
		}
	}
	return -1
}

// jsonStartsLater reports a line further down that begins with a bracket: no
// block of YAML continues like that, but messages before JSON do.
func jsonStartsLater(data []byte) bool {
	prose := false
	for l := range bytes.Lines(data) {
		if l[0] == '{' || l[0] == '[' {
			return prose
		}
		l = bytes.TrimSpace(l)
		if bytes.HasPrefix(l, []byte("---")) {
			return false
		}
		prose = prose || len(l) > 0 && l[0] != '#' && l[0] != '%'
	}
	return false
}

func (s *Source) mixed(data []byte) error {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	return &Error{File: s.name, Pos: Pos{1, 1}, Found: found("", line),
		Expected: mixedIn, Hint: cliHint}
}

// plainText refuses a document that is one piece of text.
func (s *Source) plainText(data []byte, pos Pos) error {
	if jsonStartsLater(data) {
		return s.mixed(data)
	}
	text, _ := lineAt(data, pos.Line)
	return &Error{File: s.name, Pos: pos, Found: found("", bytes.TrimSpace(text)),
		Expected: "expected JSON, YAML or XML with an object or a list at the top"}
}
