package load_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load"
)

// files writes files into a directory of their own and returns its path.
func files(t testing.TB, contents map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range contents {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// estate loads files that must load.
func estate(t testing.TB, contents map[string]string) *load.Result {
	t.Helper()
	res, err := load.Estate(context.Background(), []string{files(t, contents)}, load.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sums(t, res)
	return res
}

// sums checks that the three classes of the ledger make all leaves.
func sums(t testing.TB, res *load.Result) {
	t.Helper()
	if l := res.Ledger; l.Used+l.Irrelevant+l.NotModelled != l.Leaves {
		t.Errorf("the ledger does not sum up: %d + %d + %d != %d", l.Used, l.Irrelevant, l.NotModelled, l.Leaves)
	}
}

// refused loads files that must be refused, and returns the message without
// the directory.
func refused(t testing.TB, contents map[string]string) string {
	t.Helper()
	dir := files(t, contents)
	res, err := load.Estate(context.Background(), []string{dir}, load.Options{})
	if err == nil {
		t.Fatalf("the files load: %+v", res.Diagnostics)
	}
	var de *doctree.Error
	if !errors.As(err, &de) {
		t.Fatalf("the refusal is a %T: %v", err, err)
	}
	return strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "")
}

// said returns the diagnostics whose message holds the text.
func said(res *load.Result, text string) []load.Diagnostic {
	var out []load.Diagnostic
	for _, d := range res.Diagnostics {
		if strings.Contains(d.Message, text) {
			out = append(out, d)
		}
	}
	return out
}

// messages renders diagnostics for failures.
func messages(res *load.Result) string {
	var b strings.Builder
	for _, d := range res.Diagnostics {
		b.WriteString("\n  " + string(d.Severity) + " " + d.Origin.String() + ": " + d.Message)
	}
	return b.String()
}

const (
	sub = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/"
	net = sub + "Microsoft.Network/"
)

// rule is an az rule whose properties may be replaced: each change is
// "name: value" as JSON, or "-name" to leave one out.
func rule(changes ...string) string {
	order := []string{"name", "priority", "direction", "access", "protocol", "sourceAddressPrefix", "sourcePortRange", "destinationAddressPrefix", "destinationPortRange"}
	props := map[string]string{"name": `"r"`, "priority": "100", "direction": `"Outbound"`, "access": `"Allow"`, "protocol": `"Tcp"`,
		"sourceAddressPrefix": `"*"`, "sourcePortRange": `"*"`, "destinationAddressPrefix": `"Internet"`, "destinationPortRange": `"443"`}
	for _, c := range changes {
		if name, ok := strings.CutPrefix(c, "-"); ok {
			delete(props, name)
			continue
		}
		name, value, _ := strings.Cut(c, ": ")
		if _, known := props[name]; !known {
			order = append(order, name)
		}
		props[name] = value
	}
	var parts []string
	for _, name := range order {
		if v, ok := props[name]; ok {
			parts = append(parts, `"`+name+`": `+v)
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// group is an az network security group with the rules.
func group(rules ...string) string {
	return `{"id": "` + net + `networkSecurityGroups/nsg", "name": "nsg", "securityRules": [` + strings.Join(rules, ",\n") + `]}`
}

// oneRule loads a group of one rule and returns it.
func oneRule(t *testing.T, changes ...string) (*topology.SecurityRule, *load.Result) {
	t.Helper()
	res := estate(t, map[string]string{"nsg.json": group(rule(changes...))})
	return res.Network.NetworkSecurityGroups[0].SecurityRules[0], res
}

var reflectElement = reflect.TypeFor[topology.Element]()

func prefixes(texts ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range texts {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func addrs(texts ...string) []netip.Addr {
	var out []netip.Addr
	for _, s := range texts {
		out = append(out, addr(s))
	}
	return out
}
