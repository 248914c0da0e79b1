//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process runs the built program and returns its exit code, -1 where a signal
// ended it, and what it printed.
func process(t *testing.T, cmd *exec.Cmd) (code int, stdout, stderr string) {
	t.Helper()
	var out, said bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &out
	}
	cmd.Stderr = &said
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), said.String()
}

func sampleRepository(t *testing.T) string {
	t.Helper()
	sample, err := filepath.Abs(filepath.Join("..", "..", "fixtures", "ci-contract"))
	if err != nil {
		t.Fatal(err)
	}
	return sample
}

// Every exit code of the table, through the program as it is built, in every
// format of check.
func TestEveryExitCodeOfTheTable(t *testing.T) {
	bin, sample, dir := build(t), sampleRepository(t), t.TempDir()
	file := func(name, text string) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return name
	}
	policy := func(name, assertion string) string { return file(name, "assertions: ["+assertion+"]\n") }
	export := filepath.Join(sample, "export")
	met := policy("met.yaml", `{id: a, deny: {from: Internet, to: db1, ports: 1433}}`)
	empty := policy("empty.yaml", "")
	cut := file("cut.json", `[{"id": "/subscriptions/s`)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full on this system: what cannot be written is not tried")
	}
	defer full.Close()
	for _, c := range []struct {
		name string
		want int
		args []string
		full bool
	}{
		{"met", exitOK, []string{"check", export, "--policy", met}, false},
		{"broken", exitBroken, []string{"check", export, "--policy", filepath.Join(sample, policyName)}, false},
		{"an expectation", exitBroken, []string{"trace", export, "--from", "Internet", "--to", "web1", "--port", "22", "--expect", "deny"}, false},
		{"newly allowed", exitBroken, []string{"check", export, "--policy", policy("newly.yaml", `{id: a, no-newly-allowed: {baseline: old}}`)}, false},
		{"lint", exitBroken, []string{"lint", export}, false},
		{"backup", exitBroken, []string{"backup", filepath.Join(sample, "..", "backup-three-ways")}, false},
		{"an unknown flag", exitUsage, []string{"check", export, "--polciy", met}, false},
		{"a bad policy file", exitUsage, []string{"check", export, "--policy", policy("bad.yaml", `{id: a, alow: {}}`)}, false},
		{"an unknown name", exitUsage, []string{"trace", export, "--from", "web9", "--to", "db1"}, false},
		{"a file that is not there", exitUsage, []string{"check", filepath.Join(dir, "none"), "--policy", met}, false},
		{"a file that is cut off", exitRefused, []string{"check", export, cut, "--policy", met}, false},
		{"and is left out", exitRefused, []string{"check", export, cut, "--policy", met, "--keep-going"}, false},
		{"nothing selected", exitUndecided, []string{"check", export, "--policy", policy("none.yaml", `{id: a, deny: {from: Internet, to: "vm:old*"}}`)}, false},
		{"an assumption", exitUndecided, []string{"check", export, "--policy", policy("assumed.yaml", `{id: a, allow: {from: web1, to: 10.60.2.200, ports: 1433}}`), "--ci"}, false},
		{"nothing asserted", exitNothing, []string{"check", export, "--policy", empty}, false},
		{"a full disk", exitInternal, []string{"check", export, "--policy", met}, true},
		{"a full disk behind a broken assertion", exitInternal, []string{"check", export, "--policy", filepath.Join(sample, policyName)}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "newly allowed" {
				closed := filepath.Join(dir, "old")
				if err := os.CopyFS(closed, os.DirFS(export)); err != nil {
					t.Fatal(err)
				}
				text, err := os.ReadFile(filepath.Join(closed, "nsgs.json"))
				if err != nil {
					t.Fatal(err)
				}
				denied := bytes.ReplaceAll(text, []byte(`"access": "Allow"`), []byte(`"access": "Deny"`))
				if err := os.WriteFile(filepath.Join(closed, "nsgs.json"), denied, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			formats := []string{"text"}
			if c.args[0] == "check" {
				formats = []string{"text", "table", "json", "ndjson", "sarif", "junit", "markdown", "github", "azuredevops"}
			}
			for _, format := range formats {
				cmd := exec.Command(bin, append(c.args, "--as-of", "2026-11-24", "-o", format)...)
				if c.full {
					cmd.Stdout = full
				}
				if code, _, said := process(t, cmd); code != c.want {
					t.Errorf("%s: exit %d, want %d\n%s", format, code, c.want, said)
				}
			}
		})
	}
}

// A run that takes too long ends with an error that says so, and leaves no
// report.
func TestATimeoutLeavesNoReport(t *testing.T) {
	bin, sample, dir := build(t), sampleRepository(t), t.TempDir()
	report := filepath.Join(dir, "netpath.sarif")
	cmd := exec.Command(bin, "check", "-", "--policy", filepath.Join(sample, policyName), "--timeout", "100ms", "-o", "sarif="+report)
	stdin, err := cmd.StdinPipe() // nothing comes, and no end
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	code, _, said := process(t, cmd)
	if code != exitInternal {
		t.Errorf("exit %d\n%s", code, said)
	}
	if got := files(t, dir); got != "" {
		t.Errorf("left behind: %s", got)
	}
	code, _, said = process(t, exec.Command(bin, "check", filepath.Join(sample, "export"), "--policy", filepath.Join(sample, policyName), "--timeout", "1ns", "-o", "sarif="+report))
	if code != exitInternal || !strings.Contains(said, "not done after 1ns (--timeout); no report was written") {
		t.Errorf("exit %d\n%s", code, said)
	}
	if got := files(t, dir); got != "" {
		t.Errorf("left behind: %s", got)
	}
	if code, _, said := process(t, exec.Command(bin, "version", "--timeout", "-1s")); code != exitUsage {
		t.Errorf("exit %d\n%s", code, said)
	}
	if code, _, said := process(t, exec.Command(bin, "check", filepath.Join(sample, "export"), "--policy", filepath.Join(sample, policyName), "--timeout", "10m", "-o", "sarif="+report)); code != exitBroken {
		t.Errorf("exit %d\n%s", code, said)
	}
}

// Whenever a run is killed, its report file is absent or complete.
func TestAKilledRunLeavesNoHalfReport(t *testing.T) {
	bin, sample, dir := build(t), sampleRepository(t), t.TempDir()
	report := filepath.Join(dir, "netpath.json")
	command := func() *exec.Cmd {
		return exec.Command(bin, "check", filepath.Join(sample, "export"), "--policy", filepath.Join(sample, policyName), "-o", "json="+report, "-o", "sarif="+report+".sarif")
	}
	start := time.Now()
	if code, _, said := process(t, command()); code != exitBroken {
		t.Fatalf("exit %d\n%s", code, said)
	}
	whole := time.Since(start)
	want, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	const steps = 24
	killed := 0
	for i := range steps {
		for _, name := range []string{report, report + ".sarif"} {
			if err := os.RemoveAll(name); err != nil {
				t.Fatal(err)
			}
		}
		cmd := command()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(whole * time.Duration(i) / steps)
		signal := syscall.SIGKILL
		if i%2 == 1 {
			signal = syscall.SIGTERM
		}
		cmd.Process.Signal(signal) // an error is that it has ended
		cmd.Wait()
		switch code := cmd.ProcessState.ExitCode(); code {
		case exitBroken: // it was done
		case -1, exitInternal:
			killed++
		default:
			t.Errorf("exit %d after %v", code, signal)
		}
		b, err := os.ReadFile(report)
		if err == nil && !bytes.Equal(b, want) {
			t.Errorf("a half report after %v of %v:\n%s", whole*time.Duration(i)/steps, whole, b)
		}
		if b, err := os.ReadFile(report + ".sarif"); err == nil && !json.Valid(b) {
			t.Errorf("a half report after %v of %v:\n%s", whole*time.Duration(i)/steps, whole, b)
		}
	}
	if killed == 0 {
		t.Errorf("no run was killed in %v", whole)
	}
}

// Where a file may not grow, the run says so and leaves no report.
func TestAFullDiskLeavesNoReport(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash on this system: a file that may not grow is not tried")
	}
	bin, sample, dir := build(t), sampleRepository(t), t.TempDir()
	for _, what := range []string{"-o json=%s/out", "-o table -o sarif=%s/out", "--write-baseline %s/out"} {
		more := fmt.Sprintf(what, dir)
		script := fmt.Sprintf("ulimit -f 0; exec %q check %q --policy %q --no-cache %s", bin, filepath.Join(sample, "export"), filepath.Join(sample, policyName), more)
		code, _, said := process(t, exec.Command(bash, "--noprofile", "--norc", "-c", script))
		if code != exitInternal || !strings.Contains(said, "cannot write the output") {
			t.Errorf("%s: exit %d\n%s", more, code, said)
		}
		if got := files(t, dir); got != "" {
			t.Errorf("%s leaves behind: %s", more, got)
		}
	}
	script := fmt.Sprintf("ulimit -f 0; exec %q init %q --no-cache --file %q", bin, filepath.Join(sample, "export"), filepath.Join(dir, "out"))
	if code, _, said := process(t, exec.Command(bash, "--noprofile", "--norc", "-c", script)); code != exitInternal || files(t, dir) != "" {
		t.Errorf("init: exit %d, left %s\n%s", code, files(t, dir), said)
	}
}

// A reader that goes away is an error, in every format.
func TestABrokenPipeIsAnError(t *testing.T) {
	bin, sample := build(t), sampleRepository(t)
	for _, format := range []string{"text", "json", "sarif", "junit", "github"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		cmd := exec.Command(bin, "check", filepath.Join(sample, "export"), "--policy", filepath.Join(sample, policyName), "-o", format)
		cmd.Stdout = w
		code, _, said := process(t, cmd)
		w.Close()
		if code != exitInternal || !strings.Contains(said, "cannot write the output") {
			t.Errorf("%s: exit %d\n%s", format, code, said)
		}
	}
}

// A job may have no home, a working folder and inputs that it must not write,
// and any user: the report is the same.
func TestCheckNeedsNoHomeAndWritesNothing(t *testing.T) {
	bin, sample := build(t), sampleRepository(t)
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "repository"), os.DirFS(sample)); err != nil {
		t.Fatal(err)
	}
	readOnly := func(mode os.FileMode) {
		filepath.WalkDir(filepath.Join(dir, "repository"), func(name string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				err = os.Chmod(name, mode)
			}
			return err
		})
	}
	t.Cleanup(func() { readOnly(0o755) })
	readOnly(0o555)
	for _, up := range []string{dir, filepath.Dir(dir), filepath.Dir(bin), filepath.Dir(filepath.Dir(bin))} {
		if err := os.Chmod(up, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	command := func() *exec.Cmd {
		cmd := exec.Command(bin, "check", "export", "--as-of", "2026-11-24", "-o", "json")
		cmd.Dir = filepath.Join(dir, "repository")
		return cmd
	}
	usual := command()
	code, want, said := process(t, usual)
	if code != exitBroken {
		t.Fatalf("exit %d\n%s", code, said)
	}
	for name, change := range map[string]func(*exec.Cmd){
		"without an environment": func(c *exec.Cmd) { c.Env = []string{} },
		"with a home that is not there": func(c *exec.Cmd) {
			c.Env = []string{"HOME=" + filepath.Join(dir, "nobody"), "XDG_CACHE_HOME=" + filepath.Join(dir, "none", "cache")}
		},
		"as nobody": func(c *exec.Cmd) {
			c.Env = []string{"HOME=/"}
			if os.Getuid() == 0 {
				c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: true}}
			}
		},
	} {
		cmd := command()
		change(cmd)
		code, got, said := process(t, cmd)
		if code != exitBroken || got != want {
			t.Errorf("%s: exit %d\n%s", name, code, said)
		}
	}
	if got := files(t, filepath.Join(dir, "repository")); strings.Contains(got, ".tmp") {
		t.Errorf("left behind: %s", got)
	}
}
