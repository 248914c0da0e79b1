// Command faults shows that the test suite bites: it applies each fault of
// faults.txt, a small edit that makes answers wrong, and expects the tests to
// fail. The working tree is not touched: the compiler is given the edited file
// as an overlay.
//
//	go run ./.ci/faults             every fault
//	go run ./.ci/faults -check      only that every fault still applies
//	go run ./.ci/faults -only TEXT  those whose name holds the text
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed faults.txt
var list string

// fault is one edit.
type fault struct {
	name, file, old, new string
	line                 int // of faults.txt
}

// suites are tried one after the other until one fails, the cheap ones first;
// of a fault in the readers of files their own.
var suites = [][]string{
	{"./sim/route", "./sim/firewall", "./sim/nsg", "./sim/flow"},
	{"-run", "Golden|Agree|NSGOfTwoRules|Every|Expression", "./sim"},
	{"-run", "Million", "./sim", "./internal/selftest"},
	{"./topology/load/...", "./fixtures"},
	{"./sim", "./sim/backup"},
}

func main() {
	check := flag.Bool("check", false, "only see that every fault applies")
	only := flag.String("only", "", "faults whose name holds the `text`")
	workers := flag.Int("workers", 2, "faults that are tried at once")
	flag.Parse()
	faults, err := parse(list)
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(2)
	}
	var chosen []fault
	for _, f := range faults {
		if strings.Contains(f.name, *only) {
			chosen = append(chosen, f)
		}
	}
	broken := 0
	for _, f := range chosen {
		if _, err := f.apply(); err != nil {
			fmt.Println(err)
			broken++
		}
	}
	if broken > 0 {
		fmt.Printf("%d of %d faults do not apply\n", broken, len(chosen))
		os.Exit(1)
	}
	if *check {
		fmt.Printf("all %d faults apply\n", len(chosen))
		return
	}
	// A suite that fails without a fault would catch anything.
	for _, suite := range suites {
		if out, err := exec.Command("go", append([]string{"test", "-short"}, suite...)...).CombinedOutput(); err != nil {
			fmt.Printf("the tests fail without a fault:\n%s", out)
			os.Exit(1)
		}
	}
	if caught := tryAll(chosen, *workers); caught < len(chosen) {
		os.Exit(1)
	}
}

// parse reads the list of faults.
func parse(text string) ([]fault, error) {
	var out []fault
	part := ""
	for i, line := range strings.SplitAfter(text, "\n") {
		bare := strings.TrimSuffix(line, "\n")
		f := &fault{}
		if len(out) > 0 {
			f = &out[len(out)-1]
		}
		switch {
		case part == "" && strings.HasPrefix(bare, "== "):
			out = append(out, fault{name: bare[3:], line: i + 1})
		case part == "" && bare == "<<<":
			part = "old"
		case part == "old" && bare == "===":
			part = "new"
		case part == "new" && bare == ">>>":
			part = ""
			f.old, f.new = strings.TrimSuffix(f.old, "\n"), strings.TrimSuffix(f.new, "\n")
			if f.file == "" || f.old == "" || f.old == f.new {
				return nil, fmt.Errorf("line %d: fault %q has no file, no text or no change", f.line, f.name)
			}
		case part == "old":
			f.old += line
		case part == "new":
			f.new += line
		case bare == "" || strings.HasPrefix(bare, "#"):
		default:
			f.file = bare
		}
	}
	if part != "" {
		return nil, fmt.Errorf("faults.txt ends in the middle of a fault")
	}
	return out, nil
}

// apply is the file with the fault in it.
func (f fault) apply() ([]byte, error) {
	text, err := os.ReadFile(f.file)
	if err != nil {
		return nil, fmt.Errorf("faults.txt:%d: %s: %w", f.line, f.name, err)
	}
	if n := bytes.Count(text, []byte(f.old)); n != 1 {
		return nil, fmt.Errorf("faults.txt:%d: %s: the text stands in %s %d times, not once", f.line, f.name, f.file, n)
	}
	return bytes.Replace(text, []byte(f.old), []byte(f.new), 1), nil
}

// tryAll runs the tests on every fault and returns how many were caught.
func tryAll(faults []fault, workers int) int {
	start := time.Now()
	results := make([]string, len(faults))
	next := make(chan int)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for i := range next {
				began := time.Now()
				results[i] = faults[i].try()
				fmt.Printf("%3d  %-8s  %s  (%.0f s)\n", i+1, results[i], faults[i].name, time.Since(began).Seconds())
			}
		})
	}
	for i := range faults {
		next <- i
	}
	close(next)
	group.Wait()
	caught := 0
	for _, r := range results {
		if r == "caught" {
			caught++
		}
	}
	fmt.Printf("%d of %d faults caught in %.0f s\n", caught, len(faults), time.Since(start).Seconds())
	return caught
}

// suites are those of the fault in the order that they are tried.
func (f fault) suites() [][]string {
	if !strings.HasPrefix(f.file, "topology/") {
		return suites
	}
	readers := slices.IndexFunc(suites, func(s []string) bool { return s[0] == "./topology/load/..." })
	return append([][]string{suites[readers]}, slices.Delete(slices.Clone(suites), readers, readers+1)...)
}

// try runs the suites on the fault: "caught", "SURVIVES", or what went wrong.
func (f fault) try() string {
	dir, err := os.MkdirTemp("", "fault")
	if err != nil {
		return err.Error()
	}
	defer os.RemoveAll(dir)
	text, err := f.apply()
	if err != nil {
		return err.Error()
	}
	edited, overlay := filepath.Join(dir, "edited.go"), filepath.Join(dir, "overlay.json")
	from, err := filepath.Abs(f.file)
	if err != nil {
		return err.Error()
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {from: edited}})
	if err != nil {
		return err.Error()
	}
	for name, content := range map[string][]byte{edited: text, overlay: replace} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return err.Error()
		}
	}
	for _, suite := range f.suites() {
		args := append([]string{"test", "-short", "-failfast", "-timeout", "900s", "-overlay", overlay}, suite...)
		out, err := exec.Command("go", args...).CombinedOutput()
		if bytes.Contains(out, []byte("[build failed]")) || bytes.Contains(out, []byte("[setup failed]")) {
			return fmt.Sprintf("DOES NOT BUILD\n%s", out)
		}
		if bytes.Contains(out, []byte("panic: test timed out")) {
			return "TIMED OUT"
		}
		if err != nil {
			return "caught"
		}
	}
	return "SURVIVES"
}
