//go:build linux

package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ownProcess reports whether the test runs in a process of its own, where no other
// writes while the disk is full, not go test's own log either. Elsewhere it
// starts one and tells how it ended.
func ownProcess(t *testing.T) bool {
	t.Helper()
	const mark = "NETPATH_TEST_ALONE"
	if os.Getenv(mark) != "" {
		return true
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), mark+"=1")
	out, err := cmd.CombinedOutput()
	switch {
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skip("no limits on the size of files here")
	case !strings.Contains(string(out), "--- PASS: "+t.Name()):
		t.Errorf("the test did not run:\n%s", out)
	}
	return false
}

// withDisk runs body on a disk that takes no more of any file than some bytes:
// the write that goes beyond it fails, and so do all later ones.
func withDisk(t *testing.T, room int64, body func()) {
	t.Helper()
	var usual syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &usual); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(room), Max: usual.Max}); err != nil {
		t.Skip("no limits on files here:", err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &usual); err != nil {
			t.Fatal(err)
		}
	}()
	body()
}

// onDisk runs a command line with standard output into a file.
func onDisk(t *testing.T, room int64, args ...string) (p *program, code int, text string) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p = newProgram(devNull(t), out, devNull(t))
	p.now = func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }
	withDisk(t, room, func() { code = p.run(context.Background(), args) })
	b, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return p, code, string(b)
}

const roomy = 1 << 40

// rooms are sizes below that of a file: none, one byte, all but one, and some
// between.
func rooms(size, between int) []int64 {
	list := []int64{0}
	for i := 1; i <= between; i++ {
		list = append(list, int64(size*i/(between+1)))
	}
	return append(list, int64(size)-1)
}

// Wherever the disk ends, a run that could not write all says so with exit 70:
// what is on standard output is a beginning of the whole, a file of -o is not
// there, and an old one is as it was.
func TestNothingIsHalfWrittenWhereverTheDiskEnds(t *testing.T) {
	if !ownProcess(t) {
		return
	}
	lockdown := filepath.Join("..", "..", "fixtures", "nsg-lockdown")
	contract := filepath.Join("..", "..", "fixtures", "ci-contract")
	ways := filepath.Join("..", "..", "fixtures", "backup-three-ways")
	flows := filepath.Join(t.TempDir(), "flows.csv")
	if err := os.WriteFile(flows, []byte("from,to,protocol,port\n"+strings.Repeat("app1,Storage.WestEurope,tcp,443\n", 300)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"trace", lockdown, "--from", "app1", "--to", "Storage.WestEurope", "--port", "443", "--as-of", "2026-11-24"},
		{"ip-flow", lockdown, "--nsg", "NSG-lockdown", "--direction", "Outbound", "--protocol", "TCP", "--local", "10.0.0.5:50000", "--remote", "203.0.113.10:135", "--as-of", "2026-11-24"},
		{"trace", lockdown, "--flows", flows, "--as-of", "2026-11-24"},
		{"effective-rules", lockdown, "--vm", "app1", "--as-of", "2026-11-24"},
		{"effective-routes", lockdown, "--vm", "app1", "--as-of", "2026-11-24"},
		{"backup", ways, "--as-of", "2026-11-24"},
		{"check", filepath.Join(contract, "export"), "--policy", filepath.Join(contract, "netpath.yaml"), "--as-of", "2026-11-24"},
		{"lint", lockdown, "--as-of", "2026-11-24"},
		{"diff", lockdown, ways, "--as-of", "2026-11-24"},
		{"reach", lockdown, "--from", "app1", "--as-of", "2026-11-24"},
		{"tags", "list", "--service-tags", filepath.Join(lockdown, "ServiceTags_Public_20261120.json")},
		{"limits"}, {"explain", "NSG_RULE_DENY"}, {"version"},
	} {
		command := strings.Join(args[:1], " ")
		probe, _, _ := onDisk(t, roomy, append(args, "-o", "no such format")...)
		for _, format := range probe.formats {
			run := append(args, "-o", format)
			_, want, whole := onDisk(t, roomy, run...)
			if want == exitUsage && slices.Contains(args, "--flows") && format != "ndjson" {
				continue // of which a batch has none
			}
			if whole == "" || want == exitInternal || want == exitUsage {
				t.Errorf("%s -o %s: exit %d, %d bytes", command, format, want, len(whole))
				continue
			}
			for _, room := range rooms(len(whole), 2) {
				if _, code, text := onDisk(t, room, run...); code != exitInternal || !strings.HasPrefix(whole, text) {
					t.Errorf("%s -o %s with room for %d of %d bytes: exit %d, %d bytes", command, format, room, len(whole), code, len(text))
				}
				dir := t.TempDir()
				out := filepath.Join(dir, "out")
				toFile := append(args, "-o", format+"="+out)
				if _, code, _ := onDisk(t, room, toFile...); code != exitInternal || files(t, dir) != "" {
					t.Errorf("%s -o %s=FILE with room for %d of %d bytes: exit %d, files %q", command, format, room, len(whole), code, files(t, dir))
				}
				if err := os.WriteFile(out, []byte("old"), 0o600); err != nil {
					t.Fatal(err)
				}
				if _, code, _ := onDisk(t, room, toFile...); code != exitInternal || files(t, dir) != "out" || read(t, out) != "old" {
					t.Errorf("%s -o %s=FILE over an old one, with room for %d of %d bytes: exit %d, files %q", command, format, room, len(whole), code, files(t, dir))
				}
			}
			if _, code, text := onDisk(t, int64(len(whole)), run...); code != want || text != whole {
				t.Errorf("%s -o %s with room for all: exit %d, want %d", command, format, code, want)
			}
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A redacted estate, a policy file of init and a baseline are there as a whole
// or not at all.
func TestFilesThatCommandsMakeAreCompleteOrNotThere(t *testing.T) {
	if !ownProcess(t) {
		return
	}
	lockdown := filepath.Join("..", "..", "fixtures", "nsg-lockdown")
	contract := filepath.Join("..", "..", "fixtures", "ci-contract")
	for _, c := range []struct {
		name   string
		varies int // bytes by which the size may differ from run to run
		args   func(out string) []string
	}{
		{"redact", 512, func(out string) []string { return []string{"redact", out, lockdown} }}, // other addresses each time
		{"init", 0, func(out string) []string {
			return []string{"init", lockdown, "--file", out, "--as-of", "2026-11-24"}
		}},
		{"check --write-baseline", 0, func(out string) []string {
			return []string{"check", filepath.Join(contract, "export"), "--policy", filepath.Join(contract, "netpath.yaml"), "--write-baseline", out, "--as-of", "2026-11-24"}
		}},
	} {
		dir := t.TempDir()
		if _, code, _ := onDisk(t, roomy, c.args(filepath.Join(dir, "out"))...); code == exitInternal || code == exitUsage || files(t, dir) != "out" {
			t.Errorf("%s: exit %d, files %q", c.name, code, files(t, dir))
			continue
		}
		size := largest(t, filepath.Join(dir, "out")) - c.varies
		for _, room := range rooms(size, 8) {
			dir := t.TempDir()
			if _, code, _ := onDisk(t, room, c.args(filepath.Join(dir, "out"))...); code != exitInternal || files(t, dir) != "" {
				t.Errorf("%s with room for %d of %d bytes: exit %d, files %q", c.name, room, size, code, files(t, dir))
			}
		}
	}
}

// largest is the size of a file, or of the largest file of a folder.
func largest(t *testing.T, path string) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(path, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			n = max(n, len(read(t, path)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A cache that cannot be written changes no answer and leaves nothing behind.
func TestACacheThatCannotBeWrittenChangesNothing(t *testing.T) {
	if !ownProcess(t) {
		return
	}
	lockdown := filepath.Join("..", "..", "fixtures", "nsg-lockdown")
	ask := func(room int64, cache string) (int, string) {
		r, w, err := os.Pipe() // which no limit is for
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		text := make(chan string)
		go func() {
			b, _ := io.ReadAll(r)
			text <- string(b)
		}()
		p := newProgram(devNull(t), w, devNull(t))
		p.cacheDir = func() (string, error) { return cache, nil }
		code := 0
		withDisk(t, room, func() {
			code = p.run(context.Background(), []string{"ip-flow", lockdown, "--nsg", "NSG-lockdown", "--direction", "Outbound", "--protocol", "TCP", "--local", "10.0.0.5:50000", "--remote", "20.60.26.10:443", "-o", "json", "--as-of", "2026-11-24"})
		})
		w.Close()
		return code, <-text
	}
	whole := t.TempDir()
	want, answer := ask(roomy, whole)
	size := largest(t, whole)
	if size == 0 || want == exitInternal {
		t.Fatalf("exit %d, a cache of %d bytes", want, size)
	}
	for _, room := range rooms(size, 20) {
		cache := t.TempDir()
		code, text := ask(room, cache)
		if code != want || text != answer {
			t.Errorf("with room for %d of %d bytes: exit %d, want %d\n%s", room, size, code, want, text)
		}
		if n := largest(t, cache); n != 0 {
			t.Errorf("with room for %d of %d bytes a cache of %d is kept", room, size, n)
		}
		if again, text := ask(roomy, cache); again != want || text != answer {
			t.Errorf("after a cache cut at %d bytes: exit %d\n%s", room, again, text)
		}
	}
}
