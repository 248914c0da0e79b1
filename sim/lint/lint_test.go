package lint

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load"
)

func TestRulesHaveTheirOwnIDsAndNamesAndAllTexts(t *testing.T) {
	id, name := regexp.MustCompile(`^NP1[0-2][0-9][0-9]$`), regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	seen := map[string]bool{}
	rules := Rules()
	for i, r := range rules {
		if !id.MatchString(r.ID) || !name.MatchString(r.Name) || seen[r.ID] || seen[r.Name] {
			t.Errorf("rule %q %q", r.ID, r.Name)
		}
		seen[r.ID], seen[r.Name] = true, true
		if i > 0 && rules[i-1].ID >= r.ID {
			t.Errorf("%s comes after %s", r.ID, rules[i-1].ID)
		}
		if r.Short == "" || r.Why == "" || r.Fix == "" || r.Example == "" || r.Severity.rank() < 0 {
			t.Errorf("%s lacks a text or a severity: %+v", r.ID, r)
		}
		if (r.check == nil) == (r.checkGroup == nil) {
			t.Errorf("%s looks at %v and %v", r.ID, r.check != nil, r.checkGroup != nil)
		}
		if len(r.Short) > 0 && r.Short[len(r.Short)-1] == '.' {
			t.Errorf("%s: the short text ends with a full stop", r.ID)
		}
	}
}

func TestARuleThatIsNotThereIsAnError(t *testing.T) {
	n, err := topology.NewNetwork(topology.Data{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.New(n, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{Only: []string{"NP9999"}}, {Without: []string{"no-such"}}} {
		var unknown *UnknownRuleError
		if _, err := Lint(context.Background(), s, o); !errors.As(err, &unknown) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Lint(done, s, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that ended gives %v", err)
	}
}

func TestFindingsAreOrderedByFileAndLine(t *testing.T) {
	a, b := &Rule{ID: "NP1001"}, &Rule{ID: "NP1002"}
	at := func(file string, line int) topology.Origin { return topology.Origin{File: file, Line: line} }
	list := []Finding{
		{Rule: b, Origin: at("b.json", 1)}, {Rule: a, Origin: at("a.json", 10)}, {Rule: b, Origin: at("a.json", 2)}, {Rule: a, Origin: at("a.json", 2), Name: "y"}, {Rule: a, Origin: at("a.json", 2), Name: "x"},
	}
	slices.SortFunc(list, compare)
	var got []string
	for _, f := range list {
		got = append(got, f.Origin.String()+" "+f.Rule.ID+f.Name)
	}
	want := []string{"a.json:2 NP1001x", "a.json:2 NP1001y", "a.json:2 NP1002", "a.json:10 NP1001", "b.json:1 NP1002"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestAFingerprintIsOfTheRuleTheResourceAndThePart(t *testing.T) {
	f := Finding{Rule: &Rule{ID: "NP1001"}, Subject: "/nsg", Name: "Allow-X"}
	same := f
	same.Text, same.Origin.Line, same.Name = "other words", 7, "allow-x"
	if f.Fingerprint() != same.Fingerprint() {
		t.Error("the text, the line or letter case changes the fingerprint")
	}
	for _, change := range []func(*Finding){func(f *Finding) { f.Rule = &Rule{ID: "NP1002"} }, func(f *Finding) { f.Subject = "/nsg2" }, func(f *Finding) { f.Name = "" }} {
		g := f
		change(&g)
		if g.Fingerprint() == f.Fingerprint() {
			t.Errorf("%+v has the fingerprint of %+v", g, f)
		}
	}
}

func TestEveryRuleFindsItsExample(t *testing.T) {
	for _, r := range Rules() {
		loaded, err := load.Estate(context.Background(), example(t, r), load.Options{})
		if err != nil {
			t.Errorf("%s: %v", r.ID, err)
			continue
		}
		s, err := sim.New(loaded.Network, sim.Options{AsOf: time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			t.Fatal(err)
		}
		report, err := Lint(context.Background(), s, Options{Only: []string{r.ID}})
		if err != nil {
			t.Fatal(err)
		}
		if len(report.Findings) == 0 {
			t.Errorf("%s finds nothing in its example", r.ID)
		}
		for _, f := range report.Findings {
			if f.Rule.ID != r.ID || f.Text == "" || f.Subject == "" || f.Origin.Line == 0 || f.Severity == "" || f.Why == "" || f.Fix == "" {
				t.Errorf("%s: the finding lacks something: %+v", r.ID, f)
			}
		}
	}
}

// example are the files of a rule's example.
func example(t *testing.T, r *Rule) []string {
	t.Helper()
	dir := t.TempDir()
	var files []string
	for name, text := range map[string]string{"example.yaml": r.Example, "ServiceTags_Public_20251028.json": r.ExampleTags} {
		if text == "" {
			continue
		}
		files = append(files, filepath.Join(dir, name))
		if err := os.WriteFile(files[len(files)-1], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}
