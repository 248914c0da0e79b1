package load_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology/load"
)

// odd are values that a property may have by mistake.
var odd = []any{nil, "", "x", "*", "[parameters('x')]", "@{a=b}", "System.Object[]", "10.0.0.0/8", "10.0.0.5/8", "::1", "80-70", "-1", "99999999999999999999",
	true, false, float64(0), float64(-1), 1e300, float64(70000), []any{}, []any{nil}, []any{""}, []any{"a", "b"}, []any{map[string]any{}}, map[string]any{}, map[string]any{"id": nil},
	map[string]any{"id": "x"}, map[string]any{"name": "n"}, map[string]any{"properties": map[string]any{}}}

// mutate changes one place of a value at random.
func mutate(r *rand.Rand, v any) any {
	if r.IntN(12) == 0 {
		return clone(odd[r.IntN(len(odd))])
	}
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			return v
		}
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		// Maps have no order of their own: sort, for the seed to mean anything.
		slices.Sort(keys)
		k := keys[r.IntN(len(keys))]
		switch r.IntN(8) {
		case 0:
			delete(v, k)
		case 1:
			v["extra"] = clone(v[k])
		case 2:
			v[k] = clone(v[keys[r.IntN(len(keys))]])
		default:
			v[k] = mutate(r, v[k])
		}
		return v
	case []any:
		if len(v) == 0 {
			return []any{clone(odd[r.IntN(len(odd))])}
		}
		i := r.IntN(len(v))
		switch r.IntN(6) {
		case 0:
			return append(v, clone(v[i]))
		case 1:
			return append(v[:i:i], v[i+1:]...)
		default:
			v[i] = mutate(r, v[i])
		}
		return v
	default:
		return clone(odd[r.IntN(len(odd))])
	}
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = clone(e)
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			out = append(out, clone(e))
		}
		return out
	default:
		return v
	}
}

// TestMistakesAnywhereAreRefusedOrNamed changes exports at random places: the
// loader never panics, refuses with a place, and the ledger sums up.
func TestMistakesAnywhereAreRefusedOrNamed(t *testing.T) {
	designed := yamlToJSON(t, wholeDesign)
	seeds := []string{restEstate, exported, defaults(nil), designed, encode(t, flat(elements(decode(t, restEstate)))), encode(t, pascal(flat(elements(decode(t, restEstate)))))}
	r := rand.New(rand.NewPCG(1, 2))
	loaded, refusedToo := 0, 0
	for i := range 3000 {
		v := decode(t, seeds[i%len(seeds)])
		for range 1 + r.IntN(3) {
			v = mutate(r, v)
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		res, err := load.Estate(context.Background(), []string{"-"}, load.Options{Stdin: strings.NewReader(string(text))})
		var de *doctree.Error
		switch {
		case err == nil:
			loaded++
			sums(t, res)
		case !errors.As(err, &de) || de.File != "-" || de.Expected == "":
			t.Fatalf("%v\n%s", err, text)
		default:
			refusedToo++
		}
		if t.Failed() {
			t.Fatalf("%s", text)
		}
	}
	if loaded < 500 || refusedToo < 500 {
		t.Errorf("%d load, %d are refused: the test does not test much", loaded, refusedToo)
	}
}

// yamlToJSON rewrites a document that the YAML reader understands as JSON.
func yamlToJSON(t *testing.T, text string) string {
	t.Helper()
	doc, err := doctree.Read("x.yaml", strings.NewReader(text), doctree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var value func(n *doctree.Node) any
	value = func(n *doctree.Node) any {
		switch n.Kind {
		case doctree.Object:
			out := map[string]any{}
			for _, m := range n.Members {
				out[m.Key] = value(m.Value)
			}
			return out
		case doctree.Array:
			out := []any{}
			for _, it := range n.Items {
				out = append(out, value(it))
			}
			return out
		case doctree.Number, doctree.Bool:
			return json.RawMessage(n.Text)
		case doctree.Null:
			return nil
		default:
			return n.Text
		}
	}
	return encode(t, value(doc.Roots[0]))
}
