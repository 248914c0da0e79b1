//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/redact"
	"github.com/netpath/netpath/internal/selftest"
	"github.com/netpath/netpath/topology/load"
)

// filesOf reads a folder.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = string(text)
	}
	return out
}

// A redacted estate gives the verdicts of the original, and holds none of its
// names.
func TestARedactedEstateGivesTheSameVerdicts(t *testing.T) {
	corpus, err := selftest.Read()
	if err != nil {
		t.Fatal(err)
	}
	key := []byte("the key of this test")
	step := 4
	if testing.Short() {
		step = 20
	}
	changed := &selftest.Corpus{}
	for i := 0; i < len(corpus.Estates); i += step {
		e := corpus.Estates[i]
		if e.Refused != "" {
			continue
		}
		in, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
		for name, text := range e.Files {
			if err := os.WriteFile(filepath.Join(in, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, r, err := redactEstate(context.Background(), out, []string{in}, key)
		if err != nil {
			t.Fatalf("%s: %v", e.Name, err)
		}
		n, err := e.Network(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		var fixed []netip.Prefix
		if n.ServiceTags != nil {
			for _, tag := range n.ServiceTags.Tags {
				fixed = append(fixed, tag.Prefixes.Slice()...)
			}
		}
		addresses := redact.NewAddresses(key, fixed)
		address := func(s string) string {
			if s == "" {
				return ""
			}
			return addresses.Address(netip.MustParseAddr(s)).String()
		}
		other := selftest.Estate{Name: e.Name + ", redacted", AsOf: e.AsOf, Files: filesOf(t, out)}
		for _, c := range e.Cases {
			c.From, c.To, c.Local, c.Remote = address(c.From), address(c.To), address(c.Local), address(c.Remote)
			c.Rule = "" // it has another name now
			if c.NSG != "" {
				c.NSG = r.ID(c.NSG)
			}
			if c.NIC != "" {
				c.NIC = r.ID(c.NIC)
			}
			other.Cases = append(other.Cases, c)
		}
		changed.Estates = append(changed.Estates, other)
		for name, text := range other.Files {
			if strings.HasPrefix(name, "ServiceTags") {
				continue
			}
			for _, own := range []string{"nsg0", "v0", "nic0", "ipconfig0"} {
				if strings.Contains(text, `"`+own+`"`) || strings.Contains(text, "/"+own+`"`) {
					t.Errorf("%s: %s holds the name %s", e.Name, name, own)
				}
			}
		}
	}
	got, err := changed.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d cases of %d redacted estates: %d as before, %d with more caution, %d otherwise", got.Cases, got.Estates, got.Equal, got.Cautious, len(got.Wrong))
	for _, w := range got.Wrong[:min(len(got.Wrong), 10)] {
		t.Error(w)
	}
	if got.Cases < 100 || got.Cautious*20 > got.Cases {
		t.Errorf("%d cases, %d with more caution", got.Cases, got.Cautious)
	}
}

// Every sample estate can be redacted and read again; its own names and its
// secrets are gone.
func TestSampleEstatesCanBeRedacted(t *testing.T) {
	readmes, err := filepath.Glob("../../fixtures/*/README.md")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, readme := range readmes {
		dir := filepath.Dir(readme)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			_, _, err := redactEstate(context.Background(), out, []string{dir}, []byte("k"))
			if e, ok := errors.AsType[*exitError](err); ok && e.code == exitRefused {
				t.Skipf("the estate alone is not read: %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			read++
			if _, err := load.Estate(context.Background(), []string{out}, load.Options{}); err != nil {
				t.Errorf("what was written is not read: %v", err)
			}
			for name, text := range filesOf(t, out) {
				if strings.HasPrefix(name, "ServiceTags") || strings.HasPrefix(name, "PublicIPs") {
					continue
				}
				if strings.Contains(text, "rg-network") || strings.Contains(text, "8e4f7a13") {
					t.Errorf("%s holds a name of the estate", name)
				}
			}
		})
	}
	if read < 8 {
		t.Errorf("only %d sample estates were redacted", read)
	}
}

// None of the secrets of an export is in the redacted one.
func TestSecretsAreNotRedactedInto(t *testing.T) {
	c := &inputCase{T: t}
	c.start("export")
	for kind, r := range planted(t) {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		c.write("secret-"+strings.ReplaceAll(kind, "/", "-")+".json", string(text))
	}
	if _, _, err := redactEstate(context.Background(), "out", []string{"."}, []byte("k")); err != nil {
		t.Fatal(err)
	}
	for name, text := range filesOf(t, "out") {
		if l := leaks([]byte(text)); l != nil {
			t.Errorf("%s holds %v", name, l)
		}
		if bytes.Contains([]byte(name), []byte("secret-")) {
			t.Errorf("%s is named as the original", name)
		}
	}
}
