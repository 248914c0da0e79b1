package source

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
)

// Text reads a string; "" where the node is absent or null.
func (f *File) Text(n *doctree.Node) string {
	switch {
	case IsNull(n):
		return ""
	case n.Kind == doctree.String:
		return n.Text
	case f.YAML && (n.Kind == doctree.Number || n.Kind == doctree.Bool):
		return n.Text
	default:
		f.Refuse(n, "expected text", "")
		return ""
	}
}

// Texts reads a list of strings; a single string is a list of one, as
// PowerShell writes it. nil where the node is absent, null or "".
func (f *File) Texts(n *doctree.Node) []string {
	items := f.Items(n)
	if items == nil {
		return nil
	}
	out := make([]string, 0, len(items))
	for _, it := range items {
		if IsNull(it) {
			f.Refuse(it, "expected text", "")
			return nil
		}
		out = append(out, f.Text(it))
	}
	return out
}

// Items returns the nodes of a list of scalars. A scalar is a list of one;
// absent, null and "" are nil; [] is empty and not nil.
func (f *File) Items(n *doctree.Node) []*doctree.Node {
	switch {
	case IsNull(n):
		return nil
	case n.Kind == doctree.Array && len(n.Items) == 0:
		return []*doctree.Node{}
	case n.Kind == doctree.Array:
		return n.Items
	case n.Kind == doctree.Object:
		f.Refuse(n, "expected a list", "")
		return nil
	case n.Kind == doctree.String && n.Text == "":
		return nil
	case n.Kind == doctree.String && DepthLost(n.Text):
		f.Refuse(n, "expected a list, cut off by PowerShell's depth", DepthHint)
		return nil
	default:
		return []*doctree.Node{n}
	}
}

// Decimal reads a whole number from lo to hi, both inclusive, written as
// digits alone: no sign, no leading zero, no fraction, no exponent. A string
// of such digits counts as the number.
func (f *File) Decimal(n *doctree.Node, lo, hi int, what string) int {
	expected := fmt.Sprintf("expected %s, a whole number from %d to %d", what, lo, hi)
	if IsNull(n) || n.Kind != doctree.Number && n.Kind != doctree.String {
		f.Refuse(n, expected, "")
		return 0
	}
	v, ok := decimal(n.Text)
	if !ok || v < lo || v > hi {
		f.Refuse(n, expected, decimalHint(n.Text))
		return 0
	}
	return v
}

func decimalHint(s string) string {
	if len(s) > 1 && s[0] == '0' || strings.ContainsAny(s, "xob_eE.+") {
		return "write it in plain decimal digits, without leading zeros"
	}
	return ""
}

// decimal reads plain digits without leading zeros, at most nine of them.
func decimal(s string) (int, bool) {
	if s == "" || len(s) > 9 || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	v := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		v = v*10 + int(s[i]-'0')
	}
	return v, true
}

// Float reads a number that need not be whole, not negative.
func (f *File) Float(n *doctree.Node, what string) float64 {
	if IsNull(n) {
		return 0
	}
	if n.Kind == doctree.Number {
		if v, err := strconv.ParseFloat(n.Text, 64); err == nil && v >= 0 {
			return v
		}
	}
	f.Refuse(n, "expected "+what+", a number", "")
	return 0
}

// Switch reads a Boolean; Unset where it is absent or null.
func (f *File) Switch(n *doctree.Node) topology.Switch {
	switch {
	case IsNull(n):
		return topology.Unset
	case n.Kind == doctree.Bool:
		return topology.SwitchOf(n.Text == "true")
	case n.Kind == doctree.String && !f.YAML && strings.EqualFold(n.Text, "true"):
		return topology.On
	case n.Kind == doctree.String && !f.YAML && strings.EqualFold(n.Text, "false"):
		return topology.Off
	default:
		f.Refuse(n, "expected true or false", "")
		return topology.Unset
	}
}

// OneOf reads a word of a fixed list in any letter case and returns it in the
// list's spelling. "" where the node is absent, null or "".
func (f *File) OneOf(n *doctree.Node, words ...string) string {
	if IsEmpty(n) {
		return ""
	}
	s := ""
	if n.Kind == doctree.String {
		s = f.Trimmed(n)
	}
	for _, w := range words {
		if strings.EqualFold(s, w) {
			return w
		}
	}
	f.Refuse(n, "expected "+Or(words), nearHint(s, words))
	return ""
}

// Trimmed reads a string and trims blanks around it, with a warning where
// there were any (bad-inputs row 92).
func (f *File) Trimmed(n *doctree.Node) string {
	s := f.Text(n)
	t := strings.TrimSpace(s)
	if t != s {
		f.Say(Warning, n, "", "blanks around %s are ignored", Quote(s))
	}
	return t
}

// Or joins words as "a, b or c".
func Or(words []string) string {
	switch len(words) {
	case 0:
		return "nothing"
	case 1:
		return words[0]
	default:
		return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
	}
}

// Nearest returns the word that is closest to s, "" where none is close.
func Nearest(s string, words []string) string {
	best, at := "", len(s)/3+3
	for _, w := range words {
		if d := levenshtein.ComputeDistance(strings.ToLower(s), strings.ToLower(w)); d < at {
			best, at = w, d
		}
	}
	return best
}

// nearHint names the word that may be meant. YAML's other Booleans are as near
// to one word as to its opposite.
func nearHint(s string, words []string) string {
	switch strings.ToLower(s) {
	case "yes", "no", "on", "off":
		return ""
	}
	if w := Nearest(s, words); w != "" && s != "" {
		return "did you mean " + w + "?"
	}
	return ""
}

var accessWords = map[string]topology.Access{"allow": topology.Allow, "deny": topology.Deny, "alwaysallow": topology.AlwaysAllow}

// Access reads what a rule does; words are those allowed here. NoAccess where
// the node is absent or null.
func (f *File) Access(n *doctree.Node, words ...string) topology.Access {
	return accessWords[strings.ToLower(f.OneOf(n, words...))]
}

// Direction reads Inbound or Outbound; NoDirection where it is absent or null.
func (f *File) Direction(n *doctree.Node) topology.Direction {
	switch f.OneOf(n, "Inbound", "Outbound") {
	case "Inbound":
		return topology.Inbound
	case "Outbound":
		return topology.Outbound
	default:
		return topology.NoDirection
	}
}

// Protocol reads a rule's protocol by name; NoProtocol where it is absent or
// null. Numbers are for flow logs only.
func (f *File) Protocol(n *doctree.Node) topology.Protocol {
	if IsEmpty(n) {
		return topology.NoProtocol
	}
	if n.Kind == doctree.String {
		if p, ok := topology.ParseProtocol(f.Trimmed(n)); ok {
			return p
		}
	}
	hint := ""
	if strings.ContainsAny(n.Text, "/,") {
		hint = "write one rule for each protocol, or \"*\""
	}
	f.Refuse(n, "expected a protocol: Tcp, Udp, Icmp, Esp, Ah or *", hint)
	return topology.NoProtocol
}
