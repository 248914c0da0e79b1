package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite golden outputs and the flag tables of docs/commands")

// The scripts run this test binary as netpath.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"netpath": main})
}

// TestScripts runs testdata/*.txtar. Besides the commands of testscript they
// have
//
//	exits CODE netpath …
//
// which runs netpath and requires that exit code.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("FIXTURES", filepath.Join(root, "fixtures"))
			env.Setenv("EVIL", "a\x1b[2J")
			env.Setenv("ESC", "\x1b")
			env.Setenv("DATA", filepath.Join(root, "..", "shared", "data"))
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond != "data" {
				return false, errors.New("unknown condition")
			}
			_, err := os.Stat(filepath.Join(root, "..", "shared", "data"))
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		got = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// TestVersionStartsAtOnce measures the whole process. The bound is far above
// what it takes (a few milliseconds) and below what reading a catalogue or
// asking a terminal for its colours at start would.
func TestVersionStartsAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the command")
	}
	bin := filepath.Join(t.TempDir(), "netpath")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	best := time.Hour
	for range 20 {
		start := time.Now()
		if out, err := exec.Command(bin, "version").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		best = min(best, time.Since(start))
	}
	t.Logf("netpath version takes %v", best)
	if best > 50*time.Millisecond {
		t.Errorf("netpath version takes %v", best)
	}
}
