package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFileOfFlowsIsMeasuredAgainstACopy(t *testing.T) {
	if testing.Short() {
		t.Skip("builds two programs")
	}
	b := newBench(1, t.Logf)
	if err := b.flowFiles(newEstate(generate(1000, 1), 20, 1), 40_000, false); err != nil {
		t.Fatal(err)
	}
	p12 := b.row("P12").cases
	if len(p12) != 1 || p12[0].value <= 0 || p12[0].detail == "" {
		t.Errorf("cases are %+v", p12)
	}
}

func TestFlowsAreOfTheMachinesInBothDirections(t *testing.T) {
	e := newEstate(generate(1000, 1), 20, 1)
	file := filepath.Join(t.TempDir(), "flows.csv")
	if err := e.writeFlows(file, 2000, 1); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	own := map[string]bool{}
	for _, a := range e.machines(1) {
		own[a.String()] = true
	}
	lines, ways := 0, map[string]int{}
	for in := bufio.NewScanner(f); in.Scan(); lines++ {
		v := strings.Split(in.Text(), ",")
		if lines == 0 {
			continue
		}
		if len(v) != 6 || !own[v[2]] {
			t.Fatalf("line %d is %s", lines+1, in.Text())
		}
		ways[v[0]]++
	}
	if lines != 2001 || ways["Inbound"] < 200 || ways["Outbound"] < 200 {
		t.Errorf("%d lines: %v", lines, ways)
	}
}
