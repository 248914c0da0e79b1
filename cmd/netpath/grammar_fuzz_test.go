package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/netpath/netpath/topology"
)

var onePort = regexp.MustCompile(`^(0|[1-9][0-9]{0,4})$`)

// FuzzEndpointGrammar reads anything as the end of a question: what is read
// can be written again, and is what the parts say.
func FuzzEndpointGrammar(f *testing.F) {
	for _, s := range []string{"10.0.0.5:443", "10.0.0.5", "[2001:db8::1]:443", "2001:db8::1", "10.0.0.5:*", "10.0.0.5:", "[10.0.0.5]:1", "10.0.0.5:080", "::ffff:10.0.0.5", "fe80::1%1", "[::1]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseEndpoint(text)
		if err != nil {
			return
		}
		if !e.Address.IsValid() || e.Address.Is4In6() || e.Address.Zone() != "" {
			t.Fatalf("%q: the address is %v", text, e.Address)
		}
		written := e.Address.String()
		if !e.AnyPort {
			written = netip.AddrPortFrom(e.Address, e.Port).String()
		}
		again, err := parseEndpoint(written)
		if err != nil || again != e {
			t.Fatalf("%q is %+v, written %q, then %+v (%v)", text, e, written, again, err)
		}
		if i := strings.LastIndexByte(text, ':'); !e.AnyPort && !onePort.MatchString(text[i+1:]) {
			t.Fatalf("%q has port %d", text, e.Port)
		}
	})
}

// FuzzPortsOfAQuestion reads anything as a port, a range or "*".
func FuzzPortsOfAQuestion(f *testing.F) {
	for _, s := range []string{"443", "80-443", "*", "", "80-", "-80", "443-80", "*-80", "080", "65536"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parsePorts(text)
		first, last, ranged := strings.Cut(text, "-")
		if !ranged {
			last = first
		}
		switch {
		case err != nil:
			if text == "*" || onePort.MatchString(text) && len(text) < 5 {
				t.Fatalf("%q: %v", text, err)
			}
		case text == "*":
			if r != topology.AllPorts {
				t.Fatalf("* is %v", r)
			}
		case !onePort.MatchString(first) || !onePort.MatchString(last) || r.First > r.Last:
			t.Fatalf("%q is read as %v", text, r)
		}
	})
}

// FuzzPolicyFile reads anything as a policy file: it is read or refused, and no
// waiver or suppression without a reason comes of it.
func FuzzPolicyFile(f *testing.F) {
	for _, s := range []string{
		"waivers:\n- {id: HOST_FIREWALL_OPEN, about: px, reason: r, owner: o, expires: 2030-01-01}\n",
		"suppressions:\n- {id: NP1001, about: \"*\", reason: r, owner: o, expires: 2030-01-01}\nserviceTags: {date: 2025-10-28}\n",
		"assertions:\n- {name: a, from: web*, to: db*, port: 443, expect: allow}\n", "{}", "\n", "waivers: [{}]", "<a/>", "a: &x [*x]",
	} {
		f.Add(s)
	}
	name := filepath.Join(f.TempDir(), policyName)
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := readPolicy(name, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		if err != nil {
			if p != nil || !strings.Contains(err.Error(), policyName) {
				t.Fatalf("refused with %v, which names no file, and a policy %v", err, p)
			}
			return
		}
		for _, w := range p.waivers {
			if w.ID == "" || strings.TrimSpace(w.Reason) == "" {
				t.Fatalf("a waiver without an ID or a reason: %+v", w)
			}
		}
	})
}
