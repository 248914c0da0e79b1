package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// report is RESULTS.md.
func (b *bench) report(main catalogue) string {
	var w strings.Builder
	p := func(format string, a ...any) { fmt.Fprintf(&w, format, a...) }
	p("# Benchmarks of the hot core\n\n")
	p("Made by `%s`. Do not edit.\n\n", command(main))
	p("%s\n\n", machine())
	p("Catalogue: %s. The generated ones have the shape of the public service tag file of October 2025 (lengths, clustering, nesting, tags for each prefix), always from the same seed.\n\n", main.name)
	p("Everything in one line was measured in one run, in %d turns of %d ms for each, by the %s. A figure with a bound is the median of the ratios of each turn; the nanoseconds beside it are medians of their own, and only to be read beside each other. Of the packets, half are meant for a rule and half are background; the catalogue, the rules and the packets are made by `benchmarks/catalogue.go` and `workload.go`. `hit` is a random address of a random prefix, `mixed` half hits and half misses, `miss6` a random global unicast address, `near6` one in the /32 of a known prefix.\n\n",
		b.rounds, turn.Milliseconds(), clockName)

	p("| row | what | gate | goal | worst case | |\n|---|---|---|---|---|---|\n")
	for _, r := range b.rows {
		worst, state := "", "not measured: "+r.pending
		if i := worstOf(r); i >= 0 {
			worst, state = r.number(r.cases[i].value), r.state(r.cases[i])
		}
		p("| %s | %s | %s | %s | %s | %s |\n", r.id, r.what, bound(r, r.gate), bound(r, r.goal), worst, state)
	}

	for _, r := range b.rows {
		if len(r.cases) == 0 {
			continue
		}
		p("\n## %s\n\n%s%s. Gate %s, goal %s.\n\n", r.id, strings.ToUpper(r.what[:1]), r.what[1:], bound(r, r.gate), bound(r, r.goal))
		p("| case | | | |\n|---|---|---|---|\n")
		for _, f := range r.cases {
			p("| %s | %s | %s | %s |\n", f.name, r.number(f.value), r.state(f), f.detail)
		}
		if r.short() {
			p("\n%s\n", r.missed)
		}
	}

	for _, t := range b.libraries {
		p("\n## Other libraries: %s\n\nNanoseconds for one look-up by netip.Addr. What they answer differs.\n\n| | %s |\n|---|%s\n", t.name, strings.Join(kinds, " | "), strings.Repeat("---|", len(kinds)))
		for _, l := range t.lines {
			p("| %s |", l.name)
			for _, k := range kinds {
				p(" %.1f |", l.ns[k])
			}
			p("\n")
		}
	}
	return w.String()
}

// worstOf is the case that is farthest from the goal, -1 for none.
func worstOf(r *row) int {
	worst := -1
	for i, f := range r.cases {
		if !f.beside && (worst < 0 || !r.keeps(f.value, r.cases[worst].value)) {
			worst = i
		}
	}
	return worst
}

func bound(r *row, x float64) string {
	if r.more {
		return "≥ " + r.number(x)
	}
	return "≤ " + r.number(x)
}

func command(main catalogue) string {
	if strings.HasPrefix(main.name, "generated") {
		return "go run ./benchmarks"
	}
	return "go run ./benchmarks -tags FILE"
}

// machine says what the figures were measured on.
func machine() string {
	cpu := runtime.GOARCH
	if raw, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(raw)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				cpu = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(name), ":"))
				break
			}
		}
	}
	level := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "GOAMD64" {
				level = ", GOAMD64=" + s.Value
			}
		}
	}
	busy := ""
	if raw, err := os.ReadFile("/proc/loadavg"); err == nil {
		load, _, _ := strings.Cut(string(raw), " ")
		busy = fmt.Sprintf(" Load average at the end of the run: %s; what is more than one of it belongs to other programs, which leave less of the caches. They weigh more on the peers with more memory: on a machine of its own the ratios of P1 to P5 come out higher.", load)
	}
	return fmt.Sprintf("Machine: %s, %d cores, %s, %s/%s%s.%s", cpu, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, level, busy)
}
