package diff_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/diff"
	"github.com/netpath/netpath/topology/load"
)

func TestNoFixtureDiffersFromItself(t *testing.T) {
	root := filepath.Join("..", "..", "fixtures")
	folders, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	estates := 0
	for _, f := range folders {
		if !f.IsDir() {
			continue
		}
		estates++
		for _, strict := range []bool{false, true} {
			var sims [2]*sim.Simulator
			for i := range sims {
				r, err := load.Estate(context.Background(), []string{filepath.Join(root, f.Name())}, load.Options{})
				if err != nil {
					t.Fatalf("%s: %v", f.Name(), err)
				}
				if sims[i], err = sim.New(r.Network, sim.Options{Strict: strict}); err != nil {
					t.Fatal(err)
				}
			}
			r, err := diff.Compare(context.Background(), sims[0], sims[1], diff.Options{})
			if err != nil {
				t.Fatalf("%s: %v", f.Name(), err)
			}
			if !r.Empty() {
				t.Errorf("%s: %+v", f.Name(), r)
			}
		}
	}
	if estates < 10 {
		t.Errorf("%d estates", estates)
	}
}
