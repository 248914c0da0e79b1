package load_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load"
)

// rewriting is a way to write a document down again.
type rewriting struct {
	r    *rand.Rand
	yaml bool
	keys bool // in another order
}

// write writes a value at a depth of indentation.
func (w rewriting) write(b *strings.Builder, n *doctree.Node, depth int) {
	pad := "\n" + strings.Repeat("  ", depth)
	quoted := func(s string) string {
		text, err := json.Marshal(s)
		if err != nil {
			panic(err) // a string is always JSON
		}
		return string(text)
	}
	switch n.Kind {
	case doctree.Object:
		members := slices.Clone(n.Members)
		if w.keys {
			w.r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		}
		if len(members) == 0 {
			b.WriteString(" {}")
			return
		}
		if w.yaml {
			for _, m := range members {
				b.WriteString(pad + quoted(m.Key) + ":")
				w.write(b, m.Value, depth+1)
			}
			return
		}
		b.WriteString("{")
		for i, m := range members {
			if i > 0 {
				b.WriteString(",")
			}
			b.WriteString(quoted(m.Key) + ":")
			w.write(b, m.Value, depth+1)
		}
		b.WriteString("}")
	case doctree.Array:
		switch {
		case len(n.Items) == 0:
			b.WriteString(" []")
		case w.yaml:
			for _, i := range n.Items {
				b.WriteString(pad + "-")
				w.write(b, i, depth+1)
			}
		default:
			b.WriteString("[")
			for i, item := range n.Items {
				if i > 0 {
					b.WriteString(",")
				}
				w.write(b, item, depth+1)
			}
			b.WriteString("]")
		}
	case doctree.String:
		b.WriteString(" " + quoted(n.Text))
	case doctree.Null:
		b.WriteString(" null")
	default:
		b.WriteString(" " + n.Text)
	}
}

// text is a document of one root, written down.
func (w rewriting) text(n *doctree.Node) []byte {
	var b strings.Builder
	w.write(&b, n, 0)
	return []byte(strings.TrimLeft(b.String(), "\n ") + "\n")
}

// parts splits a list of an export into files with one element each.
func parts(n *doctree.Node) []*doctree.Node {
	list := n
	if v := n.Get("value"); v != nil && len(n.Members) == 1 {
		list = v
	}
	if list.Kind != doctree.Array || len(list.Items) == 0 {
		return []*doctree.Node{n}
	}
	return list.Items
}

func readTree(t rapid.TB, name string, text []byte) *doctree.Node {
	t.Helper()
	d, err := doctree.Read(name, bytes.NewReader(text), doctree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Roots) != 1 {
		t.Fatalf("%s has %d documents", name, len(d.Roots))
	}
	return d.Roots[0]
}

// model reads files into an estate and puts its elements in order of ID.
func model(files map[string][]byte) (*topology.Network, error) {
	dir, err := os.MkdirTemp("", "laws")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return nil, err
		}
	}
	res, err := load.Estate(context.Background(), []string{dir}, load.Options{})
	if err != nil {
		return nil, err
	}
	n := res.Network
	sortElements(n.VirtualNetworks)
	sortElements(n.NetworkSecurityGroups)
	sortElements(n.ApplicationSecurityGroups)
	sortElements(n.AdminRules)
	sortElements(n.NetworkInterfaces)
	sortElements(n.VirtualMachines)
	sortElements(n.RouteTables)
	sortElements(n.VirtualNetworkGateways)
	sortElements(n.LocalNetworkGateways)
	sortElements(n.GatewayConnections)
	sortElements(n.NATGateways)
	sortElements(n.PublicIPAddresses)
	sortElements(n.LoadBalancers)
	sortElements(n.PrivateEndpoints)
	sortElements(n.AzureFirewalls)
	sortElements(n.FirewallPolicies)
	sortElements(n.IPGroups)
	sortElements(n.RecoveryServicesVaults)
	sortElements(n.StorageAccounts)
	return n, nil
}

func sortElements[T topology.Any](list []T) {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(a.Base().ID(), b.Base().ID()) })
}

func differences(a, b *topology.Network) string {
	return gocmp.Diff(a, b, cmpopts.IgnoreUnexported(topology.Network{}), cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}),
		cmpopts.IgnoreTypes(topology.Origin{}, &topology.Origin{}), cmpopts.EquateEmpty())
}

// sampleEstates are the JSON files of the sample estates that have nothing
// but JSON.
func sampleEstates(t *testing.T) map[string]map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("../../fixtures/*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string][]byte{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text[:min(len(text), 400)], []byte("changeNumber")) {
			continue // service tag files are JSON by definition
		}
		dir := filepath.Base(filepath.Dir(name))
		if out[dir] == nil {
			out[dir] = map[string][]byte{}
		}
		out[dir][filepath.Base(name)] = text
	}
	if len(out) < 5 {
		t.Fatalf("only %d sample estates", len(out))
	}
	return out
}

// An export means the same in YAML, back in JSON, with its keys in another
// order, and with every resource in a file of its own.
func TestLawTheWritingOfAnExportDoesNotMatter(t *testing.T) {
	estates := sampleEstates(t)
	names := slices.Sorted(maps.Keys(estates))
	as := map[string]*topology.Network{} // exported
	for name, files := range estates {
		n, err := model(files)
		if err != nil {
			t.Fatal(err)
		}
		as[name] = n
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "estate")
		w := rewriting{r: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)), yaml: rapid.Bool().Draw(t, "YAML"), keys: rapid.Bool().Draw(t, "other order of keys")}
		back := rapid.Bool().Draw(t, "back to JSON")
		split := rapid.Bool().Draw(t, "one file for each resource")
		written := map[string][]byte{}
		for file, text := range estates[name] {
			roots := []*doctree.Node{readTree(t, file, text)}
			if split {
				roots = parts(roots[0])
			}
			for i, root := range roots {
				ext, text := ".json", w.text(root)
				switch {
				case w.yaml && back:
					text = (rewriting{}).text(readTree(t, "x.yaml", text))
				case w.yaml:
					ext = ".yaml"
				}
				written[fmt.Sprintf("%d-%d-%s%s", w.r.IntN(1000), i, strings.TrimSuffix(file, ".json"), ext)] = text
			}
		}
		got, err := model(written)
		if err != nil {
			t.Fatal(err)
		}
		if d := differences(as[name], got); d != "" {
			t.Fatalf("%s (-as exported +rewritten)\n%s", name, d)
		}
	})
}
