// Command mutants asks whether the tests of the packages that verdicts come
// from bite: gremlins names the places where an operator can be changed, and
// for each of these mutants some test must fail.
//
//	go run ./.ci/mutants [flags] [package ...]     sim/nsg sim/route; without: all of them
//
// A mutant is judged by the package's own tests first, then by the simulator's
// and the corpus of selftest; the slow ones of the simulator come last. With
// -own only the first counts. With -of only the mutants are tried that a report
// of an earlier run names, on the same source.
//
// gremlins would build the tests anew for every mutant. Here all mutants are
// built into one program, through an overlay that leaves the working tree as it
// is, and an environment variable turns one of them on.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const module = "github.com/netpath/netpath"

// verdicts are the packages that verdicts come from.
var verdicts = []string{"sim/cidr", "sim/firewall", "sim/flow", "sim/flowset", "sim/nsg", "sim/nsg/classify", "sim/route", "sim/scope", "sim"}

// slow are the tests of the simulator that take a tenth of a second or more, in
// the order in which they are asked after the others. The first two find most.
var slow = []string{
	"OracleAgree",
	"ACrossingIs|WithAnswers|RemovalFrom",
	"ABatch|PartsOfASet|Law",
	"AMillion|EveryChain|EveryNSG|ExactSets",
	"CompiledGates",
}

// step is one program of tests that a mutant is put to.
type step struct {
	pkg  string
	args []string // which of its tests

	program string
	limit   time.Duration
}

// mutant is one changed operator.
type mutant struct {
	kind      string // in gremlins' words
	file      string
	line, col int

	id     int    // 0: not in the program
	why    string // it is not
	result result
}

type result string

const (
	killed   result = "KILLED"
	lived    result = "LIVED"
	timedOut result = "TIMED OUT"
	left     result = "LEFT OUT"
)

func (m *mutant) String() string { return fmt.Sprintf("%s at %s:%d:%d", m.kind, m.file, m.line, m.col) }

func main() {
	own := flag.Bool("own", false, "by the package's own tests alone")
	quick := flag.Bool("quick", false, "without the slowest tests of the simulator")
	files := flag.String("files", "", "of the files whose name matches the `expression`")
	of := flag.String("of", "", "of those that the report in this `file` names")
	least := flag.Float64("efficacy", 90, "the least `percentage` killed of those that are killed or live")
	workers := flag.Int("workers", 2, "mutants that are tried at once")
	all := flag.Bool("all", false, "print the killed ones too")
	flag.Parse()
	chosen := flag.Args()
	if len(chosen) == 0 {
		chosen = verdicts
	}
	only, err := regexp.Compile(*files)
	if err != nil {
		fail(err)
	}
	named, err := os.ReadFile(*of)
	if *of != "" && err != nil {
		fail(err)
	}
	skip := func(m *mutant) bool {
		return !only.MatchString(m.file) || *of != "" && !bytes.Contains(named, []byte(m.String()+"\n"))
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		fail(err)
	}
	defer os.RemoveAll(dir)

	enough := true
	for _, pkg := range chosen {
		steps := stepsOf(pkg, *own, *quick)
		mutants, err := try(dir, pkg, steps, skip, *workers)
		if err != nil {
			os.RemoveAll(dir)
			fail(fmt.Errorf("%s: %w", pkg, err))
		}
		enough = report(pkg, mutants, *all, *least) && enough
	}
	if !enough {
		os.RemoveAll(dir)
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "mutants:", err)
	os.Exit(2)
}

// stepsOf are the tests that judge the mutants of a package, in their order.
func stepsOf(pkg string, own, quick bool) []*step {
	var steps []*step
	if pkg != "sim" {
		steps = append(steps, &step{pkg: pkg})
	}
	if pkg == "sim" || !own {
		steps = append(steps, &step{pkg: "sim", args: []string{"-test.skip", strings.Join(slow, "|")}})
		for i, tests := range slow {
			if i < 2 || !quick {
				steps = append(steps, &step{pkg: "sim", args: []string{"-test.run", tests}})
			}
		}
	}
	if !own {
		steps = append(steps, &step{pkg: "internal/selftest"})
	}
	return steps
}

// try finds the mutants of a package, builds them, and puts each to the steps.
func try(dir, pkg string, steps []*step, skip func(*mutant) bool, workers int) ([]*mutant, error) {
	mutants, err := find(dir, pkg)
	if err != nil {
		return nil, err
	}
	mutants = slices.DeleteFunc(mutants, skip)
	overlay, err := rewrite(dir, pkg, mutants)
	if err != nil {
		return nil, err
	}
	if err := build(dir, overlay, steps); err != nil {
		return nil, err
	}
	began := time.Now()
	next := make(chan *mutant)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for m := range next {
				m.result = judge(m, steps)
			}
		})
	}
	for i, m := range mutants {
		if time.Since(began) > time.Minute {
			began = time.Now()
			fmt.Fprintf(os.Stderr, "%s: %d of %d\n", pkg, i, len(mutants))
		}
		if m.id == 0 {
			m.result = left
			continue
		}
		next <- m
	}
	close(next)
	group.Wait()
	return mutants, nil
}

var line = regexp.MustCompile(`(?m)^\s*(?:RUNNABLE|NOT COVERED) (\w+) at ([^/:\s]+):(\d+):(\d+)$`)

// find asks gremlins for the mutants of a package. What tests reach is of no
// interest here, so that the command go on its way measures none.
func find(dir, pkg string) ([]*mutant, error) {
	program := filepath.Join(dir, "gremlins")
	if _, err := os.Stat(program); err != nil {
		if err := run("go", "build", "-modfile=.ci/tools.mod", "-o", program, "github.com/go-gremlins/gremlins/cmd/gremlins"); err != nil {
			return nil, err
		}
		real, err := exec.LookPath("go")
		if err != nil {
			return nil, err
		}
		script := "#!/bin/sh\ncase \"$*\" in *-coverprofile*)\n\techo mode: set >\"$(echo \"$*\" | sed 's/.*-coverprofile[ =]\\([^ ]*\\).*/\\1/')\"\n\texit ;;\nesac\nexec \"" + real + "\" \"$@\"\n"
		if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o700); err != nil {
			return nil, err
		}
	}
	c := exec.Command(program, "unleash", "--dry-run", "./"+pkg)
	c.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := c.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("gremlins: %w\n%s", err, out)
	}
	var mutants []*mutant
	place := map[string]bool{}
	for _, m := range line.FindAllStringSubmatch(string(out), -1) {
		x := &mutant{kind: m[1], file: m[2]}
		x.line, _ = strconv.Atoi(m[3])
		x.col, _ = strconv.Atoi(m[4])
		// Of a minus gremlins has two kinds that both make it a plus.
		key := strings.Replace(x.String(), "INVERT_NEGATIVES", "ARITHMETIC_BASE", 1)
		if !place[key] {
			place[key] = true
			mutants = append(mutants, x)
		}
	}
	if len(mutants) == 0 {
		return nil, fmt.Errorf("gremlins names no mutants:\n%s", out)
	}
	slices.SortFunc(mutants, func(a, b *mutant) int {
		return strings.Compare(fmt.Sprintf("%s %6d %6d %s", a.file, a.line, a.col, a.kind), fmt.Sprintf("%s %6d %6d %s", b.file, b.line, b.col, b.kind))
	})
	return mutants, nil
}

// build makes the programs of the steps, and runs each without a mutant: what
// fails then would kill anything. Its time is the measure for the limit.
func build(dir, overlay string, steps []*step) error {
	programs := map[string]string{}
	for _, s := range steps {
		if programs[s.pkg] == "" {
			programs[s.pkg] = filepath.Join(dir, strings.ReplaceAll(s.pkg, "/", "-")+".test")
			if err := run("go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", programs[s.pkg], "./"+s.pkg); err != nil {
				return err
			}
		}
		s.program = programs[s.pkg]
		start := time.Now()
		s.limit = 10 * time.Minute
		if got, out := s.run(0); got != lived {
			return fmt.Errorf("the tests of %s fail without a mutant:\n%s", s.pkg, out)
		}
		s.limit = 5*time.Second + 5*time.Since(start)
	}
	return nil
}

// judge puts a mutant to one step after the other until one kills it.
func judge(m *mutant, steps []*step) result {
	for _, s := range steps {
		if got, _ := s.run(m.id); got != lived {
			return got
		}
	}
	return lived
}

// memory is what a mutant that allocates without end may take, in KiB of
// address space.
const memory = 12 << 20

// run runs the tests of the step with one mutant on.
func (s *step) run(id int) (result, []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), s.limit)
	defer cancel()
	args := append([]string{"-c", fmt.Sprintf("ulimit -v %d; exec \"$0\" \"$@\"", memory), s.program, "-test.short", "-test.failfast", "-test.timeout", "0"}, s.args...)
	c := exec.CommandContext(ctx, "sh", args...)
	c.Dir = filepath.FromSlash(s.pkg)
	c.Env = append(os.Environ(), fmt.Sprintf("%s=%d", variable, id))
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	switch {
	case ctx.Err() != nil:
		return timedOut, out.Bytes()
	case err != nil:
		return killed, out.Bytes()
	}
	return lived, out.Bytes()
}

// report prints what lives and the count, and reports whether enough is killed.
func report(pkg string, mutants []*mutant, all bool, least float64) bool {
	count := map[result]int{}
	fmt.Println(pkg)
	reasons := map[string]int{}
	for _, m := range mutants {
		count[m.result]++
		if m.result == left {
			reasons[m.why]++
		} else if m.result != killed || all {
			fmt.Printf("  %-9s %s\n", m.result, m)
		}
	}
	for _, why := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Printf("  %-9s %d: %s\n", left, reasons[why], why)
	}
	efficacy := 100 * float64(count[killed]) / float64(max(1, count[killed]+count[lived]))
	fmt.Printf("  %d killed, %d lived, %d ran into their limit, %d left out: efficacy %.1f %%\n", count[killed], count[lived], count[timedOut], count[left], efficacy)
	return efficacy >= least
}

// run runs a command of the build.
func run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return errors.Join(fmt.Errorf("%s %s", name, strings.Join(args, " ")), err, errors.New(string(out)))
	}
	return nil
}
