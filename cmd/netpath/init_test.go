package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/netpath/netpath/sim"
	rules "github.com/netpath/netpath/sim/policy"
	"github.com/netpath/netpath/topology/load"
)

// What init writes for an estate is a policy file, by the schema and by the
// reader, and each of its selectors selects something there.
func TestInitSuitsEveryFixture(t *testing.T) {
	s := compiled(t, "policy", "", false)
	entries, err := os.ReadDir(filepath.Join("..", "..", "fixtures"))
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		t.Run(e.Name(), func(t *testing.T) {
			dir := t.TempDir()
			folder := filepath.Join("..", "..", "fixtures", e.Name())
			name := filepath.Join(dir, policyName)
			if code, out := runInto(t, dir, "init", folder, "--file", name, "--no-cache"); code != exitOK {
				t.Fatalf("exit %d\n%s", code, out)
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(plain(tree(t, name, text))); err != nil {
				t.Error(err)
			}
			p, err := readPolicy(name, today)
			if err != nil {
				t.Fatal(err)
			}
			res, err := load.Estate(context.Background(), []string{folder}, load.Options{})
			if err != nil {
				t.Fatal(err)
			}
			estate, err := sim.New(res.Network, sim.Options{AsOf: today})
			if err != nil {
				t.Fatal(err)
			}
			r, err := rules.Check(context.Background(), estate, p.assertions, rules.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range r.Results {
				asked += x.Asked
				if len(x.Open) > 0 {
					t.Errorf("%s: %s", x.ID, x.Open[0].Text)
				}
			}
			again := filepath.Join(dir, "again.yaml")
			if code, _ := runInto(t, dir, "init", folder, "--file", again, "--no-cache"); code != exitOK {
				t.Fatalf("exit %d", code)
			}
			if b, err := os.ReadFile(again); err != nil || !bytes.Equal(b, text) {
				t.Errorf("a second run writes another file: %v", err)
			}
		})
	}
	if asked < 50 {
		t.Errorf("only %d cases asked", asked)
	}
}
