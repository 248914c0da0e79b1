package main

import (
	"errors"
	"fmt"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/sim"
	rules "github.com/netpath/netpath/sim/policy"
	"github.com/netpath/netpath/topology/load"
)

// The exit codes.
const (
	exitOK        = 0
	exitBroken    = 1  // an expectation or assertion is certainly broken
	exitUsage     = 2  // flags, commands, names, the policy file
	exitRefused   = 3  // an input was refused
	exitUndecided = 4  // the answer is Unknown, wholly or in part
	exitNothing   = 5  // check has nothing to assert
	exitInternal  = 70 // an internal error, or output that could not be written
)

// exitCodes are the exit codes that a run has come to.
type exitCodes map[int]bool

// add notes a code; 0 is none.
func (c exitCodes) add(code int) {
	if code != exitOK {
		c[code] = true
	}
}

// list has the worst code first.
func (c exitCodes) list() []int {
	var list []int
	for _, code := range []int{exitInternal, exitUsage, exitRefused, exitBroken, exitUndecided, exitNothing} {
		if c[code] {
			list = append(list, code)
		}
	}
	return list
}

// worst is the code the run ends with.
func (c exitCodes) worst() int {
	if list := c.list(); len(list) > 0 {
		return list[0]
	}
	return exitOK
}

// exitError carries an exit code to main. With a nil err everything has been
// said already.
type exitError struct {
	code int
	err  error
	hint string // the next step, "" where there is nothing to say
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// ended is the error of a run that said everything itself and ends with the
// code; nil for 0.
func ended(code int) error {
	if code == exitOK {
		return nil
	}
	return &exitError{code: code}
}

func usagef(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

func refused(err error) error { return &exitError{code: exitRefused, err: err} }

// outputError is output that could not be written.
type outputError struct{ err error }

func (e *outputError) Error() string { return "cannot write the output: " + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

// codeOf is the exit code that an error stands for.
func codeOf(err error) int {
	if err == nil {
		return exitOK
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	if _, ok := errors.AsType[*load.UsageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*sim.NameError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*rules.SelectorError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*doctree.Error](err); ok {
		return exitRefused
	}
	return exitInternal
}
