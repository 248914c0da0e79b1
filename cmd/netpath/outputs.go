package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/netpath/netpath/internal/report"
)

// target is one -o: a format, and a file or standard output.
type target struct {
	format report.Format
	file   string // "": standard output
}

// targets reads the -o flags.
func (p *program) targets() ([]target, error) {
	specs := p.output
	if len(specs) == 0 {
		specs = []string{string(report.Text)}
	}
	var list []target
	seen := map[string]bool{}
	for _, spec := range specs {
		name, file, toFile := strings.Cut(spec, "=")
		format, err := report.ParseFormat(name, p.formats)
		if err != nil {
			return nil, usagef("%w", err)
		}
		if toFile && file == "" {
			return nil, usagef("-o %s: no file after the =", spec)
		}
		key := file
		if toFile {
			key = filepath.Clean(file)
		}
		if seen[key] && !toFile {
			return nil, usagef("-o %s: standard output has a format already; write one of them to a file: -o %s=FILE", spec, name)
		}
		if seen[key] {
			return nil, usagef("-o %s: the file is written by another -o", spec)
		}
		seen[key] = true
		list = append(list, target{format, file})
	}
	return list, nil
}

// outputs are the places the results of a run go to.
type outputs struct {
	sinks []*sink
}

// sink is one of them. A file is written beside its place and moved there by
// outputs.write when the run has written everything.
type sink struct {
	target
	writer  *report.Writer
	options report.Options
	file    *pendingFile // nil: standard output
}

// openOutputs makes the outputs that the flags name; base is what their
// options have in common.
func (p *program) openOutputs(base report.Options) (*outputs, error) {
	list, err := p.targets()
	if err != nil {
		return nil, err
	}
	color, err := oneOf("color", p.color, "auto", "always", "never")
	if err != nil {
		return nil, err
	}
	outs := &outputs{}
	for _, t := range list {
		s := &sink{target: t, options: base}
		s.options.Format, s.options.Color, s.options.Full = t.format, color == "always", p.verbose
		var w io.Writer = p.stdout
		if t.file == "" {
			s.options.Color = s.options.Color || color == "auto" && p.colorTerminal()
		} else {
			if s.file, err = createPending(t.file); err != nil {
				outs.abandon()
				return nil, err
			}
			w = s.file
		}
		s.writer = report.New(outputWriter{w}, s.options)
		outs.sinks = append(outs.sinks, s)
	}
	return outs, nil
}

// colorTerminal reports whether standard output shows colour and the user has
// not asked for none.
func (p *program) colorTerminal() bool {
	return p.getenv("NO_COLOR") == "" && p.getenv("TERM") != "dumb" && p.stdout.terminal()
}

// text reports whether a person at standard output reads text.
func (o *outputs) text() bool {
	return len(o.sinks) > 0 && o.sinks[0].file == nil && o.sinks[0].format == report.Text
}

// each calls body for every output.
func (o *outputs) each(body func(*report.Writer) error) error {
	for _, s := range o.sinks {
		if err := body(s.writer); err != nil {
			return err
		}
	}
	return nil
}

// write writes the whole result to every output and puts the files in place.
func (o *outputs) write(body func(*report.Writer) error) error {
	if err := o.each(body); err != nil {
		o.abandon()
		return err
	}
	return o.commit()
}

// commit puts the files in their places.
func (o *outputs) commit() error {
	for _, s := range o.sinks {
		if s.file == nil {
			continue
		}
		if err := s.file.commit(); err != nil {
			o.abandon()
			return &outputError{err}
		}
	}
	return nil
}

// abandon removes what was not committed.
func (o *outputs) abandon() {
	for _, s := range o.sinks {
		if s.file != nil {
			s.file.abandon()
		}
	}
}

// outputWriter types the errors of an output.
type outputWriter struct{ w io.Writer }

func (o outputWriter) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	if err != nil {
		err = &outputError{err}
	}
	return n, err
}

// pendingFile is a file under another name until it is complete. A device or
// pipe is written directly: it has no half-written state to hide.
type pendingFile struct {
	file *os.File
	path string // where it belongs
	temp string // "": written directly
	done bool
	buf  bytes.Buffer
}

const pendingBuffer = 64 << 10

// createPending starts a file that belongs at path. Through a symbolic link
// the file it points to is replaced.
func createPending(path string) (*pendingFile, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, usagef("-o: %s is a directory", path)
	case err == nil && !info.Mode().IsRegular():
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, &outputError{err}
		}
		return &pendingFile{file: f, path: path}, nil
	case err == nil:
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, &outputError{err}
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, &outputError{err}
	}
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text()[:8]+".tmp")
	f, ferr := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if ferr != nil {
		return nil, &outputError{ferr}
	}
	if info != nil {
		if err := f.Chmod(info.Mode().Perm()); err != nil {
			f.Close()
			os.Remove(temp)
			return nil, &outputError{err}
		}
	}
	return &pendingFile{file: f, path: path, temp: temp}, nil
}

func (f *pendingFile) Write(b []byte) (int, error) {
	f.buf.Write(b)
	if f.buf.Len() < pendingBuffer {
		return len(b), nil
	}
	return len(b), f.flush()
}

func (f *pendingFile) flush() error {
	_, err := f.buf.WriteTo(f.file)
	return err
}

func (f *pendingFile) commit() error {
	if f.done {
		return nil
	}
	if err := f.flush(); err != nil {
		return err
	}
	if f.temp != "" {
		if err := f.file.Sync(); err != nil {
			return err
		}
	}
	if err := f.file.Close(); err != nil {
		return err
	}
	if f.temp != "" {
		if err := os.Rename(f.temp, f.path); err != nil {
			return err
		}
	}
	f.done = true
	return nil
}

func (f *pendingFile) abandon() {
	if f.done {
		return
	}
	f.done = true
	f.file.Close() // the content is given up
	if f.temp != "" {
		os.Remove(f.temp)
	}
}
