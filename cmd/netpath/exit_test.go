package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load"
)

func TestOfSeveralExitCodesTheWorstCounts(t *testing.T) {
	order := []int{exitInternal, exitUsage, exitRefused, exitBroken, exitUndecided}
	c := exitCodes{}
	if c.add(exitOK); c.worst() != exitOK || len(c.list()) != 0 {
		t.Errorf("a run without codes ends with %d, %v", c.worst(), c.list())
	}
	for i := len(order) - 1; i >= 0; i-- {
		c.add(order[i])
		if c.worst() != order[i] || !slices.Equal(c.list(), order[i:]) {
			t.Errorf("after %d: %d of %v, want %v", order[i], c.worst(), c.list(), order[i:])
		}
	}
}

func TestErrorsHaveTheirExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, exitOK}, {usagef("x"), exitUsage}, {refused(errors.New("x")), exitRefused}, {&load.UsageError{}, exitUsage},
		{&sim.NameError{}, exitUsage}, {fmt.Errorf("with: %w", &sim.NameError{}), exitUsage}, {&outputError{errors.New("x")}, exitInternal},
		{errors.New("x"), exitInternal}, {ended(exitUndecided), exitUndecided}, {ended(exitOK), exitOK},
	} {
		if got := codeOf(c.err); got != c.want {
			t.Errorf("%v has exit %d, want %d", c.err, got, c.want)
		}
	}
}

func TestAnAnswersExitCodeFollowsItsOutcomesAndTheExpectation(t *testing.T) {
	const none, allow, deny = topology.NoAccess, topology.Allow, topology.Deny
	for _, c := range []struct {
		name    string
		v       flow.Verdict
		a, d, u bool
		want    map[topology.Access]int
	}{
		{"allow", flow.Allow, true, false, false, map[topology.Access]int{none: 0, allow: 0, deny: 1}},
		{"deny", flow.Deny, false, true, false, map[topology.Access]int{none: 0, allow: 1, deny: 0}},
		{"unknown", flow.Unknown, false, false, true, map[topology.Access]int{none: 4, allow: 4, deny: 4}},
		{"unknown with an allowed part", flow.Unknown, true, false, true, map[topology.Access]int{none: 4, allow: 4, deny: 1}},
		{"unknown with a denied part", flow.Unknown, false, true, true, map[topology.Access]int{none: 4, allow: 1, deny: 4}},
		{"split", flow.Split, true, true, false, map[topology.Access]int{none: 0, allow: 1, deny: 1}},
		{"split with an unknown part", flow.Split, true, true, true, map[topology.Access]int{none: 4, allow: 1, deny: 1}},
		{"the verdict alone", flow.Deny, false, false, false, map[topology.Access]int{none: 0, allow: 1, deny: 0}},
	} {
		for expect, want := range c.want {
			if got := outcomes(c.v, c.a, c.d, c.u).code(expect); got != want {
				t.Errorf("%s, expecting %q: exit %d, want %d", c.name, expect, got, want)
			}
		}
	}
}

func TestAPanicIsAnInternalErrorAndNoUsageError(t *testing.T) {
	p := testProgram(t)
	p.now = nil // the run asks for the date
	if code := p.run(context.Background(), []string{"trace", "estate", "--from", "a", "--to", "b"}); code != exitInternal {
		t.Errorf("exit %d", code)
	}
}
