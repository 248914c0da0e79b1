package source

import (
	"net/netip"
	"regexp"
	"strconv"
	"testing"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
)

func textNode(s string) *doctree.Node {
	return &doctree.Node{Kind: doctree.String, Text: s, Pos: doctree.Pos{Line: 1, Column: 1}}
}

// cidr is the grammar of addresses and blocks without their limits: four plain
// decimal numbers or anything with a colon, then a plain decimal length.
var cidr = regexp.MustCompile(`^(?:(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)(?:/(?:0|[1-9][0-9]*))?$`)

// FuzzPrefixGrammar reads anything as an address or block: it is read exactly
// where the grammar and the standard library both take it, as what the library
// makes of it, and never as an IPv4 block that is written as IPv6.
func FuzzPrefixGrammar(f *testing.F) {
	for _, s := range []string{"10.0.0.0/8", "10.0.0.5/8", "010.0.0.1", "10.0/8", "::/0", "::ffff:10.0.0.0/104", "fe80::1%eth0", "1.2.3.4/08", "1.2.3.4/33",
		"1.2.3.4/+8", "1.2.3.4/", "1.2.3.4-1.2.3.9", "2001:DB8::1/128", "0x0a000001", "167772161", "1.2.3.4 ", "1.2.3.4,5.6.7.8", "1.2.3.4/255.0.0.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, expected, _ := ParsePrefix(text)
		p, err := netip.ParsePrefix(text)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(text); err == nil {
				p = netip.PrefixFrom(a, a.BitLen())
			}
		}
		takes := err == nil && cidr.MatchString(text) && !p.Addr().Is4In6() && p.Addr().Zone() == ""
		if (expected == "") != takes {
			t.Fatalf("%q: read %v, and the grammar %v", text, expected == "", takes)
		}
		if takes && got != p {
			t.Fatalf("%q is read as %s, not %s", text, got, p)
		}
		file := &File{Name: "f"}
		switch m := file.Prefix(textNode(text)); {
		case (file.Err == nil) != m.IsValid():
			t.Fatalf("%q: %v and %v", text, m, file.Err)
		case takes && m != p.Masked():
			t.Fatalf("%q is kept as %s, not %s", text, m, p.Masked())
		case takes && m != p && len(file.Diagnostics) == 0:
			t.Fatalf("%q: nothing is said about its host bits", text)
		}
		for _, p := range (&File{Name: "f"}).Range(textNode(text)) {
			if p.IsValid() && p != p.Masked() {
				t.Fatalf("%q: %s has host bits", text, p)
			}
		}
	})
}

var portRange = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})(?:-(0|[1-9][0-9]{0,8}))?$`)

// FuzzPortGrammar reads anything as a port, a range or "*": exactly what the
// grammar takes, with both ends where they were written.
func FuzzPortGrammar(f *testing.F) {
	for _, s := range []string{"443", "80-443", "*", "0", "0-65535", "65536", "-1", "+80", "080", "８０", "80-70", "80-", "-90", "80 - 90", "80,443", "[parameters('p')]", "1e3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file := &File{Name: "f"}
		n := textNode(text)
		r, ok := file.Port(n)
		if file.Err != nil && ok {
			t.Fatalf("%q is refused and read as %v", text, r)
		}
		if r != (topology.PortRange{}) && !ok {
			t.Fatalf("%q: %v and no range", text, r)
		}
		trimmed := (&File{Name: "f"}).Trimmed(n)
		if Expression(trimmed) {
			if ok || file.Err != nil || len(file.Diagnostics) == 0 {
				t.Fatalf("the expression %q is %v, %v", text, r, file.Err)
			}
			return
		}
		want, takes := topology.AllPorts, trimmed == "*"
		if m := portRange.FindStringSubmatch(trimmed); m != nil {
			first, _ := strconv.Atoi(m[1])
			last := first
			if m[2] != "" {
				last, _ = strconv.Atoi(m[2])
			}
			takes = first <= last && last <= 65535
			want = topology.PortRange{First: uint16(first), Last: uint16(last)}
		}
		if ok != takes || ok && r != want {
			t.Fatalf("%q is read as %v (%v), not as %v (%v)", text, r, ok, want, takes)
		}
	})
}
