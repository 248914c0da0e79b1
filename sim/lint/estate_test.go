package lint

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology/load"
)

// asOf is a day on which the service tag files of the tests are fresh.
var asOf = time.Date(2025, 10, 30, 0, 0, 0, 0, time.UTC)

// linted loads files, by name, and lints them.
func linted(t *testing.T, files map[string]string, o Options) []Finding {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return lintedPaths(t, []string{dir}, o)
}

func lintedPaths(t *testing.T, paths []string, o Options) []Finding {
	t.Helper()
	r, err := load.Estate(context.Background(), paths, load.Options{AllTags: true})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.New(r.Network, sim.Options{AsOf: asOf})
	if err != nil {
		t.Fatal(err)
	}
	rep, err := Lint(context.Background(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rep.Findings {
		if f.Text == "" || f.Fix == "" || f.Why == "" || f.Subject == "" || f.Origin.String() == "" {
			t.Errorf("%s lacks something: %+v", f.Rule.ID, f)
		}
	}
	return rep.Findings
}

// design lints a design beside the service tags of the examples, with one rule
// alone.
func design(t *testing.T, rule, text string) []string {
	t.Helper()
	files := map[string]string{"design.yaml": "apiVersion: netpath/v1\n" + text, "ServiceTags_Public_20251028.json": exampleTags}
	return texts(linted(t, files, Options{Only: []string{rule}}))
}

// texts are the findings in short: severity, part, text.
func texts(list []Finding) []string {
	var out []string
	for _, f := range list {
		sev := string(f.Severity)
		if f.Undecided {
			sev += "?"
		}
		out = append(out, sev+" "+f.Text)
	}
	return out
}

// expect compares what was found, each by what it contains, in order.
func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	ok := len(got) == len(want)
	for i := 0; ok && i < len(want); i++ {
		ok = strings.Contains(got[i], want[i])
	}
	if !ok {
		t.Errorf("found\n  %s\nwanted\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestTheExampleOfAnEstateRuleShowsThatRuleAlone(t *testing.T) {
	for _, r := range estateRules() {
		t.Run(r.ID, func(t *testing.T) {
			files := map[string]string{"design.yaml": r.Example}
			if r.ExampleTags != "" {
				files["ServiceTags_Public_20251028.json"] = r.ExampleTags
			}
			found := linted(t, files, Options{})
			if len(found) == 0 {
				t.Fatal("nothing was found")
			}
			for _, f := range found {
				if f.Rule.ID != r.ID && f.Rule.check != nil { // a rule that is broken is often redundant too
					t.Errorf("it shows %s %s too: %s", f.Rule.ID, f.Rule.Name, f.Text)
				}
			}
			worst := slices.MaxFunc(found, func(a, b Finding) int { return cmp.Compare(a.Severity.rank(), b.Severity.rank()) })
			if worst.Severity != r.Severity {
				t.Errorf("the rule is of severity %s, its example shows %s", r.Severity, worst.Severity)
			}
			t.Log(strings.Join(texts(found), "\n"))
		})
	}
}
