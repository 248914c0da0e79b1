package main

import (
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
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
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "damage": damage},
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

// build builds the command and returns its path.
func build(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the command")
	}
	bin := filepath.Join(t.TempDir(), "netpath")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

// What only a process of its own shows.
func TestProcess(t *testing.T) {
	bin := build(t)
	// The bound is far above what it takes (a few milliseconds) and below what
	// reading a catalogue or asking a terminal for its colours at start would.
	t.Run("version starts at once", func(t *testing.T) {
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
	})
	t.Run("a closed pipe is exit 70", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		defer w.Close()
		var stderr strings.Builder
		cmd := exec.Command(bin, "version")
		cmd.Stdout, cmd.Stderr = w, &stderr
		err = cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != exitInternal || !strings.Contains(stderr.String(), "cannot write the output") {
			t.Errorf("exit %d, %v: %s", got, err, stderr.String())
		}
	})
	t.Run("an interrupt ends a run and leaves no half file", func(t *testing.T) {
		dir := t.TempDir()
		cmd := exec.Command(bin, "trace", filepath.Join("..", "..", "fixtures", "hub-spoke-nva"), "--flows", "-", "-o", "ndjson", "-o", "json="+filepath.Join(dir, "out.json"))
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		defer stdin.Close()
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Process.Kill()
		io.WriteString(stdin, "from,to,port\na1,b1,443\n")
		if _, err := io.ReadFull(stdout, make([]byte, len(`{"index":0`))); err != nil { // it runs, and waits for more
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Skip("no interrupts here:", err)
		}
		err = cmd.Wait()
		if got := cmd.ProcessState.ExitCode(); got != exitInternal {
			t.Errorf("exit %d, %v", got, err)
		}
		if got := files(t, dir); got != "" {
			t.Errorf("left behind: %s", got)
		}
	})
}
