package source

import (
	"net/netip"
	"strings"

	"go4.org/netipx"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
)

// Prefix reads an IP address or CIDR block, strictly (bad-inputs rows 81 to
// 88). Host bits are masked with a warning that shows both.
func (f *File) Prefix(n *doctree.Node) netip.Prefix {
	if IsNull(n) || n.Kind != doctree.String {
		f.Refuse(n, "expected an IP address or CIDR block", "")
		return netip.Prefix{}
	}
	return f.prefix(n, f.Trimmed(n))
}

// prefix reads a text of the node.
func (f *File) prefix(n *doctree.Node, s string) netip.Prefix {
	p, expected, hint := ParsePrefix(s)
	if expected != "" {
		f.Refuse(n, expected, hint)
		return netip.Prefix{}
	}
	if m := p.Masked(); m != p {
		f.Say(Warning, n, "write the network address", "%s has host bits set and is read as %s", s, m)
		return m
	}
	return p
}

// ParsePrefix reads an IP address (a block of one) or CIDR block. expected is
// "" where the text is well-formed; host bits are kept.
func ParsePrefix(s string) (p netip.Prefix, expected, hint string) {
	const want = "expected an IP address or CIDR block"
	addr, bits, cidr := strings.Cut(s, "/")
	a, err := netip.ParseAddr(addr)
	switch {
	case DepthLost(s):
		return p, want + ", cut off by PowerShell's depth", DepthHint
	case strings.Contains(s, ",") || len(strings.Fields(s)) > 1:
		return p, want, "write each address as its own list item (PowerShell: ConvertTo-Json -Depth 100)"
	case err != nil && strings.Contains(addr, "-"):
		return p, want, "a range a-b is not allowed here; write the CIDR blocks that cover it"
	case err != nil:
		return p, want, addressHint(addr)
	case a.Zone() != "":
		return p, want + " without a zone", "remove %" + a.Zone()
	case a.Is4In6():
		return p, want, "write the IPv4 address " + a.Unmap().String() + " without ::ffff:"
	case !cidr:
		return netip.PrefixFrom(a, a.BitLen()), "", ""
	}
	n, ok := decimal(bits)
	if !ok || n > a.BitLen() {
		return p, "expected a prefix length from 0 to " + map[bool]string{true: "32", false: "128"}[a.Is4()], lengthHint(bits)
	}
	return netip.PrefixFrom(a, n), "", ""
}

func addressHint(s string) string {
	parts := strings.Split(s, ".")
	switch {
	case strings.HasPrefix(s, "0x") || len(parts) == 1 && s != "" && strings.Trim(s, "0123456789") == "":
		return "write IPv4 addresses as four decimal numbers"
	case len(parts) > 1 && len(parts) < 4 && strings.Trim(s, "0123456789.") == "":
		return "write all four numbers of the IPv4 address"
	case len(parts) == 4 && strings.Trim(s, "0123456789.") == "":
		return "each of the four numbers goes from 0 to 255, without leading zeros"
	default:
		return ""
	}
}

func lengthHint(bits string) string {
	if strings.Contains(bits, ".") {
		return "write the mask as a prefix length, such as /24"
	}
	return ""
}

// Addr reads one IP address; the zero Addr where the node is absent, null or
// "".
func (f *File) Addr(n *doctree.Node) netip.Addr {
	if IsEmpty(n) {
		return netip.Addr{}
	}
	if n.Kind == doctree.String {
		s := f.Trimmed(n)
		p, expected, hint := ParsePrefix(s)
		if expected == "" && !strings.Contains(s, "/") {
			return p.Addr()
		}
		f.Refuse(n, "expected an IP address", hint)
		return netip.Addr{}
	}
	f.Refuse(n, "expected an IP address", "")
	return netip.Addr{}
}

// Prefixes reads a list of CIDR blocks; nil where the node is absent or null,
// not nil where it is a list.
func (f *File) Prefixes(n *doctree.Node) []netip.Prefix {
	items := f.Items(n)
	if items == nil {
		return nil
	}
	out := make([]netip.Prefix, 0, len(items))
	for _, it := range items {
		out = append(out, f.Prefix(it))
	}
	return out
}

// Addrs reads a list of IP addresses; nil where the node is absent or null.
func (f *File) Addrs(n *doctree.Node) []netip.Addr {
	var out []netip.Addr
	for _, it := range f.Items(n) {
		if a := f.Addr(it); a.IsValid() {
			out = append(out, a)
		}
	}
	return out
}

// Address reads an entry of a rule's address field or a route's prefix: "*",
// an address or block, a service tag, or an expression.
func (f *File) Address(n *doctree.Node) topology.AddressPrefix {
	if IsNull(n) || n.Kind != doctree.String {
		f.Refuse(n, "expected an address: *, an IP address, a CIDR block or a service tag", "")
		return topology.AddressPrefix{}
	}
	s := f.Trimmed(n)
	a := topology.AddressPrefix{Text: n.Text}
	switch {
	case s == "*":
		a.Kind, a.Text = topology.AnyAddress, "*"
	case Expression(s):
		a.Kind, a.Origin = topology.UnresolvedAddress, f.firstOf(n)
		f.Say(Doubt, n, "export the deployed resource instead of a template", "the expression %s is not evaluated: it may name any address", Quote(s))
	case strings.EqualFold(s, "any"):
		f.Refuse(n, "expected an address: *, an IP address, a CIDR block or a service tag", `write "*"`)
	case isTag(s):
		a.Kind, a.Tag, a.Origin = topology.TagAddress, classicTag(s), f.firstOf(n)
	default:
		a.Kind, a.Prefix = topology.PrefixAddress, f.prefix(n, s)
	}
	return a
}

// firstOf is the first place where the file has the node's text as an address.
func (f *File) firstOf(n *doctree.Node) *topology.Origin {
	at := f.first[n.Text]
	if at == nil {
		if f.first == nil {
			f.first = map[string]*topology.Origin{}
		}
		o := f.Origin(n)
		at = &o
		f.first[n.Text] = at
	}
	return at
}

// isTag reports whether a text has the form of a service tag's name: a letter,
// then letters, digits, dots, underscores and hyphens.
func isTag(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || !('0' <= c && c <= '9' || c == '.' || c == '_' || c == '-')) {
			return false
		}
	}
	// An IPv6 address has a colon and is no tag; "fe80" alone could be neither.
	return s != "" && !DepthLost(s)
}

// classicTag folds the classic deployment model's spellings of two tags.
func classicTag(s string) string {
	switch strings.ToUpper(s) {
	case "VIRTUAL_NETWORK":
		return "VirtualNetwork"
	case "AZURE_LOADBALANCER":
		return "AzureLoadBalancer"
	default:
		return s
	}
}

// Port reads one port or range ("443", "80-443", "*"). ok is false where it
// is an expression that was not evaluated, or was refused.
func (f *File) Port(n *doctree.Node) (r topology.PortRange, ok bool) {
	const expected = "expected a port from 0 to 65535, a range a-b, or *"
	if IsNull(n) || n.Kind != doctree.String && n.Kind != doctree.Number {
		f.Refuse(n, expected, "")
		return r, false
	}
	s := n.Text
	if n.Kind == doctree.String {
		s = f.Trimmed(n)
	}
	if s == "*" {
		return topology.AllPorts, true
	}
	if Expression(s) {
		f.Say(Doubt, n, "export the deployed resource instead of a template", "the expression %s is not evaluated: it may name any port", Quote(s))
		return r, false
	}
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	a, ok1 := decimal(first)
	b, ok2 := decimal(last)
	switch {
	case strings.Contains(s, ","):
		f.Refuse(n, expected, "list several ports in the plural property (SecurityRuleInvalidPortRange)")
		return r, false
	case !ok1 || !ok2 || a > 65535 || b > 65535:
		hint := decimalHint(s)
		if strings.Contains(s, " ") {
			hint = "write the range without blanks"
		}
		f.Refuse(n, expected, hint)
		return r, false
	case a > b:
		f.Refuse(n, "expected a range whose first port is not above its last", "")
		return r, false
	}
	if a == 0 && !(b == 65535) {
		f.Say(Warning, n, "", "port 0 is in the range %s: no real flow has it", Quote(s))
	}
	return topology.PortRange{First: uint16(a), Last: uint16(b)}, true
}

// Ports reads a port or a list of ports. unresolved reports an expression
// among them. nil where the node is absent, null, "" or [].
func (f *File) Ports(n *doctree.Node) (ports []topology.PortRange, unresolved bool) {
	items := f.Items(n)
	for _, it := range items {
		r, ok := f.Port(it)
		if !ok {
			unresolved = true
			continue
		}
		if ports == nil {
			ports = make([]topology.PortRange, 0, len(items))
		}
		ports = append(ports, r)
	}
	return ports, unresolved
}

// Addresses reads the addresses of a firewall rule: what [File.Address] reads,
// and ranges a-b, which become the blocks that cover them.
func (f *File) Addresses(n *doctree.Node) []topology.AddressPrefix {
	var out []topology.AddressPrefix
	for _, it := range f.Items(n) {
		if it.Kind != doctree.String || !strings.Contains(it.Text, "-") || isTag(strings.TrimSpace(it.Text)) || Expression(it.Text) {
			out = append(out, f.Address(it))
			continue
		}
		for _, p := range f.Range(it) {
			out = append(out, topology.AddressPrefix{Kind: topology.PrefixAddress, Prefix: p, Text: it.Text})
		}
	}
	return out
}

// Range reads an address, a block or a range a-b as the blocks that cover
// exactly it.
func (f *File) Range(n *doctree.Node) []netip.Prefix {
	if IsNull(n) || n.Kind != doctree.String || !strings.Contains(n.Text, "-") {
		return []netip.Prefix{f.Prefix(n)}
	}
	first, last, _ := strings.Cut(f.Trimmed(n), "-")
	a, bad1, hint := ParsePrefix(strings.TrimSpace(first))
	b, bad2, _ := ParsePrefix(strings.TrimSpace(last))
	r := netipx.IPRangeFrom(a.Addr(), b.Addr())
	if bad1 != "" || bad2 != "" || !a.IsSingleIP() || !b.IsSingleIP() || !r.IsValid() {
		f.Refuse(n, "expected an IP address, a CIDR block or a range from a lower to a higher address", hint)
		return nil
	}
	return r.Prefixes()
}
