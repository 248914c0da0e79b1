package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/netpath/netpath/internal/report"
)

// program is the command line with everything it takes from its process.
type program struct {
	stdin  *os.File
	stdout *stream
	stderr *stream
	now    func() time.Time
	getenv func(string) string

	cacheDir func() (string, error) // the user's folder for caches; nil: nothing is kept

	formats []string // that the command can write

	giveUp func() // ends the process where a run goes on past its time; nil: nothing does

	// persistent flags
	output  []string
	color   string
	quiet   bool
	verbose bool
	timeout time.Duration // 0: none
}

func newProgram(stdin, stdout, stderr *os.File) *program {
	return &program{
		stdin: stdin, stdout: &stream{file: stdout}, stderr: &stream{file: stderr},
		now: time.Now, getenv: os.Getenv, formats: report.Formats(),
	}
}

// run runs one command line and returns the exit code.
func (p *program) run(ctx context.Context, args []string) (code int) {
	defer func() {
		if v := recover(); v != nil {
			p.complain("internal error: %v", v)
			p.stderr.Write(debug.Stack())
			code = exitInternal
		}
	}()
	root := p.rootCommand()
	root.SetArgs(args)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return p.limitTime(ctx, cancel) }
	cmd, err := root.ExecuteContextC(ctx)
	code = p.conclude(cmd, err)
	if p.stdout.err != nil && code != exitInternal {
		p.complain("%v", &outputError{p.stdout.err})
		code = exitInternal
	}
	return code
}

// errTimeout is the cause of a context that ended by --timeout.
type errTimeout time.Duration

func (e errTimeout) Error() string {
	return fmt.Sprintf("not done after %v (--timeout); no report was written", time.Duration(e))
}

// limitTime ends the run after --timeout: its context first, and where it does
// not stop by that, the process.
func (p *program) limitTime(ctx context.Context, cancel context.CancelCauseFunc) error {
	if p.timeout < 0 {
		return usagef("--timeout %v: expected a time like 90s or 5m", p.timeout)
	}
	if p.timeout == 0 {
		return nil
	}
	end := time.AfterFunc(p.timeout, func() { cancel(errTimeout(p.timeout)) })
	context.AfterFunc(ctx, func() {
		end.Stop()
		if _, late := errors.AsType[errTimeout](context.Cause(ctx)); late && p.giveUp != nil {
			time.AfterFunc(grace, p.giveUp)
		}
	})
	return nil
}

// conclude prints the error of a command and returns the exit code. An error
// without a type is cobra's own complaint about the command line: the commands
// themselves run inside of do, which types theirs.
func (p *program) conclude(cmd *cobra.Command, err error) int {
	if err == nil {
		return exitOK
	}
	e, ok := errors.AsType[*exitError](err)
	if !ok {
		e = &exitError{code: exitUsage, err: err}
	}
	if e.err != nil {
		p.complain("%v", e.err)
		if e.hint != "" {
			p.stderr.say("hint: " + report.Escape(e.hint))
		}
		if e.code == exitUsage && cmd != nil {
			p.stderr.say("see: " + cmd.CommandPath() + " --help")
		}
	}
	return e.code
}

// do wraps the body of a command: every error that leaves it carries an exit
// code.
func do(body func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := noEmptyFlags(cmd)
		if err == nil {
			err = body(cmd, args)
		}
		if err == nil {
			return nil
		}
		if cmd.Context().Err() != nil {
			err := errors.New("interrupted")
			if cause, late := errors.AsType[errTimeout](context.Cause(cmd.Context())); late {
				err = cause
			}
			return &exitError{code: exitInternal, err: err}
		}
		code := codeOf(err)
		if e, ok := errors.AsType[*exitError](err); ok {
			return e
		}
		if _, ok := errors.AsType[*outputError](err); code == exitInternal && !ok {
			err = fmt.Errorf("internal error: %w", err)
		}
		return &exitError{code: code, err: err}
	}
}

// noEmptyFlags refuses --vm "": mostly a shell variable that is not set, and
// another question than the one that was meant.
func noEmptyFlags(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Value.Type() == "string" && f.Value.String() == "" {
			err = usagef("--%s is empty", f.Name)
		}
	})
	return err
}

// complain prints an error.
func (p *program) complain(format string, args ...any) {
	p.stderr.say("error: " + report.Escape(fmt.Sprintf(format, args...)))
}

// warn prints a warning, unless --quiet.
func (p *program) warn(format string, args ...any) {
	if !p.quiet {
		p.stderr.say("warning: " + report.Escape(fmt.Sprintf(format, args...)))
	}
}

// stream is a standard stream that remembers its first error.
type stream struct {
	file *os.File
	err  error
}

func (s *stream) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	n, err := s.file.Write(b)
	if err != nil && s.err == nil {
		s.err = err
	}
	return n, err
}

func (s *stream) terminal() bool {
	return isatty.IsTerminal(s.file.Fd()) || isatty.IsCygwinTerminal(s.file.Fd())
}

// say writes a line; what standard error cannot take is lost.
func (s *stream) say(line string) { io.WriteString(s, strings.TrimRight(line, "\n")+"\n") }
