package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

func run() error {
	gates := flag.Bool("gates", false, "short form: write nothing, exit 1 where a gate fails")
	tags := flag.String("tags", os.Getenv("NETPATH_SERVICE_TAGS"), "service tag `file` to measure with; empty: a generated catalogue (default $NETPATH_SERVICE_TAGS)")
	out := flag.String("o", filepath.Join("benchmarks", "RESULTS.md"), "`file` to write")
	rounds := flag.Int("rounds", 0, "rounds of every case; 0: 7, or 5 with -gates")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if _, err := os.Stat(filepath.Dir(*out)); !*gates && err != nil {
		return fmt.Errorf("%w: run this from the root of the repository, or say where to write with -o", err)
	}
	main := generate(realPrefixes, 1)
	if *tags != "" {
		c, err := readCatalogue(*tags)
		if err != nil {
			return err
		}
		main = c
	}
	n := *rounds
	if n == 0 && *gates {
		n = 5
	} else if n == 0 {
		n = 7
	}
	log := func(format string, a ...any) { fmt.Fprintf(os.Stderr, format+"\n", a...) }
	b := newBench(n, log)
	if err := b.starts(main, *tags, *gates); err != nil {
		return err
	}
	if *gates {
		if err := b.short(main); err != nil {
			return err
		}
		return b.failing()
	}
	if err := b.full(main); err != nil {
		return err
	}
	if err := os.WriteFile(*out, []byte(b.report(main)), 0o644); err != nil {
		return err
	}
	return b.failing()
}

// full measures everything that RESULTS.md shows.
func (b *bench) full(main catalogue) error {
	hundredThousand := generate(100_000, 1)
	for _, c := range []catalogue{generate(1000, 1), generate(10_000, 1), main, hundredThousand} {
		b.lookUps(c)
		b.building(c, true)
	}
	for _, c := range []catalogue{generate(10_000, 1), main, hundredThousand} {
		for _, rules := range []int{10, 30, 100, 1000} {
			e := newEstate(c, rules, 1)
			b.verdicts(e, 0)
			if rules >= 100 {
				if c.name == main.name {
					b.verdicts(e, 0.3)
				}
				if err := b.ruleByRule(e); err != nil {
					return err
				}
			}
		}
	}
	b.allocations(newEstate(main, 100, 1), newEstate(main, 1000, 1))
	b.twoCores(newEstate(main, 100, 1))
	if err := b.allPairs(newEstate(main, 100, 1)); err != nil {
		return err
	}
	if err := b.allPairs(newEstate(main, 1000, 1)); err != nil {
		return err
	}
	for _, rules := range []int{100, 1000} {
		if err := b.flowFiles(newEstate(main, rules, 1), 10_000_000, false); err != nil {
			return err
		}
	}
	if err := b.sets(); err != nil {
		return err
	}
	if err := b.analyses(main, 100); err != nil {
		return err
	}
	if err := b.compare(main); err != nil {
		return err
	}
	million := generate(1_000_000, 1)
	b.lookUps(million)
	b.building(million, false)
	return nil
}

// short measures at least one case of every row, in little more than a minute.
func (b *bench) short(main catalogue) error {
	hundred, thousand := newEstate(main, 100, 1), newEstate(main, 1000, 1)
	b.lookUps(main)
	b.building(main, true)
	b.verdicts(newEstate(main, 10, 1), 0)
	for _, e := range []*estate{hundred, thousand} {
		b.verdicts(e, 0)
		if err := b.ruleByRule(e); err != nil {
			return err
		}
	}
	b.allocations(hundred, thousand)
	b.twoCores(hundred)
	if err := b.flowFiles(hundred, 3_000_000, true); err != nil {
		return err
	}
	if err := b.allPairs(hundred); err != nil {
		return err
	}
	if err := b.sets(); err != nil {
		return err
	}
	if err := b.analyses(main, 5); err != nil {
		return err
	}
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.lookUps(generate(n, 1))
	}
	b.verdicts(newEstate(generate(100_000, 1), 100, 1), 0)
	return nil
}

// failing is an error that names the cases beyond their gates.
func (b *bench) failing() error {
	var out []string
	for _, r := range b.rows {
		out = append(out, r.failing()...)
	}
	if len(out) == 0 {
		return nil
	}
	return errors.New("gates fail:\n  " + strings.Join(out, "\n  "))
}
