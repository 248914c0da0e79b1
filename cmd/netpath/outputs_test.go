package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/report"
)

func testProgram(t *testing.T, specs ...string) *program {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { null.Close() })
	p := newProgram(null, null, null)
	p.output, p.color = specs, "never"
	return p
}

func files(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestAnOutputFileIsCompleteOrNotThere(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out.json")
	p := testProgram(t, "json="+out)
	outs, err := p.openOutputs(report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", 3*pendingBuffer)
	err = outs.write(func(w *report.Writer) error {
		if err := w.Version(report.Version{Version: big}); err != nil {
			return err
		}
		if got := files(t, dir); strings.Contains(" "+got, " out.json") {
			t.Errorf("the file is there before it is complete: %s", got)
		}
		return errors.New("half way")
	})
	if err == nil || files(t, dir) != "" {
		t.Errorf("after an error: %v, files %q", err, files(t, dir))
	}
	if outs, err = p.openOutputs(report.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := outs.write(func(w *report.Writer) error { return w.Version(report.Version{Version: big}) }); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil || !strings.Contains(string(text), big) || files(t, dir) != "out.json" {
		t.Errorf("after success: %v, files %q", err, files(t, dir))
	}
}

func TestAnOldOutputFileStaysUntilTheNewOneIsComplete(t *testing.T) {
	dir := t.TempDir()
	out, link := filepath.Join(dir, "out"), filepath.Join(dir, "link")
	if err := os.WriteFile(out, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("out", link); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	outs, err := testProgram(t, "text="+link).openOutputs(report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(out); err != nil || string(text) != "old" {
		t.Errorf("before: %q, %v", text, err)
	}
	if err := outs.write(func(w *report.Writer) error { return w.Version(report.Version{Version: "v9"}) }); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil || !strings.Contains(string(text), "v9") {
		t.Errorf("after: %q, %v", text, err)
	}
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode changed: %v, %v", info.Mode(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", info.Mode(), err)
	}
}

func TestADeviceIsWrittenAndNeverReplaced(t *testing.T) {
	outs, err := testProgram(t, "json="+os.DevNull).openOutputs(report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := outs.write(func(w *report.Writer) error { return w.Version(report.Version{}) }); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Fatalf("%s is %v now, %v", os.DevNull, info.Mode(), err)
	}
}

func TestOutputsThatCannotBeMeantAreUsageErrors(t *testing.T) {
	dir := t.TempDir()
	for _, specs := range [][]string{
		{"yaml"}, {"sarif"}, {"junit=x.xml"}, {"text", "json"}, {"json", "json"}, {"json="}, {"json=a", "text=./a"}, {"json=" + dir}, {""},
	} {
		if _, err := testProgram(t, specs...).openOutputs(report.Options{}); codeOf(err) != exitUsage {
			t.Errorf("%q: exit %d, %v", specs, codeOf(err), err)
		}
	}
	if _, err := testProgram(t, "json="+filepath.Join(dir, "no", "such", "folder")).openOutputs(report.Options{}); codeOf(err) != exitInternal {
		t.Errorf("a folder that is not there: exit %d, %v", codeOf(err), err)
	}
}

func TestOneOfSeveralOutputsThatFailsLeavesNoneBehind(t *testing.T) {
	dir := t.TempDir()
	if _, err := testProgram(t, "json="+filepath.Join(dir, "a"), "text="+filepath.Join(dir, "no", "b")).openOutputs(report.Options{}); err == nil {
		t.Fatal("opened")
	}
	if got := files(t, dir); got != "" {
		t.Errorf("left behind: %s", got)
	}
}
