package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology/load/guest"
)

// input is a file to read.
type input struct {
	path  string // as given, or found below a directory as given
	named bool   // given itself, not met in a directory
	kind  fixedKind
	guest guest.Place // of a file below guests/<machine>: zero for others
	info  fs.FileInfo // nil for stdin
	data  *stdinData  // stdin only
}

// stdinData is what stdin held: it can be read once, the estate perhaps not.
type stdinData struct {
	once sync.Once
	text []byte
	err  error
}

// fixedKind is what the caller says a file is.
type fixedKind uint8

const (
	anyKind fixedKind = iota
	tagKind
	rangeKind
)

// finder expands paths to the files that are to be read, in a fixed order.
type finder struct {
	inputs  []input
	notes   []Diagnostic
	refused []error
	skipped []string // files of guests that are of no kind that is read
	seen    []input  // by file identity
	met     int      // files met in directories, read before or not
}

// find expands the paths of the command line. What cannot be meant is a
// *UsageError; what cannot be read is in refused.
func (f *finder) find(paths []string, opt Options) error {
	if len(paths)+len(opt.ServiceTags)+len(opt.DatacenterRanges) == 0 {
		return &UsageError{Message: "no input is given; name a file, a directory or - for stdin"}
	}
	for _, p := range paths {
		if err := f.path(p, anyKind); err != nil {
			return err
		}
	}
	for _, p := range opt.ServiceTags {
		if err := f.path(p, tagKind); err != nil {
			return err
		}
	}
	for _, p := range opt.DatacenterRanges {
		if err := f.path(p, rangeKind); err != nil {
			return err
		}
	}
	return nil
}

func (f *finder) path(p string, kind fixedKind) error {
	if p == "-" {
		if slices.ContainsFunc(f.inputs, func(in input) bool { return in.info == nil }) {
			return &UsageError{Message: "stdin can be read only once; give - only once"}
		}
		f.inputs = append(f.inputs, input{path: "-", named: true, kind: kind, data: &stdinData{}})
		return nil
	}
	info, err := os.Stat(p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(p); err == nil {
			f.refuse(p, "is a symbolic link to a file that does not exist", "remove the link")
			return nil
		}
		return &UsageError{Message: fmt.Sprintf("%s: there is no such file or directory", p)}
	case err != nil:
		f.refuse(p, reason(err), "")
		return nil
	case info.IsDir() && kind != anyKind:
		return &UsageError{Message: fmt.Sprintf("%s: a file is expected here, not a directory", p)}
	case info.IsDir():
		f.directory(p)
		return nil
	}
	in := input{path: p, named: true, kind: kind, info: info}
	if place, _ := guest.PlaceOf(filepath.ToSlash(p)); kind == anyKind && place.Kind != 0 {
		in.guest = place
	}
	f.file(in)
	return nil
}

// file adds a regular file that is not there yet.
func (f *finder) file(in input) {
	if !in.info.Mode().IsRegular() {
		f.refuse(in.path, "is not a regular file ("+in.info.Mode().Type().String()+"); only - may stream", "write the data to a file first")
		return
	}
	for _, old := range f.seen {
		if os.SameFile(old.info, in.info) {
			f.note(Warning, in.path, "the same file as "+old.path+": it is read once", "")
			return
		}
	}
	f.seen = append(f.seen, in)
	f.inputs = append(f.inputs, in)
}

// extensions are the names that are read in a directory, each also with .gz.
var extensions = []string{".json", ".xml", ".yaml", ".yml"}

func readable(name string) bool {
	return slices.Contains(extensions, filepath.Ext(strings.TrimSuffix(strings.ToLower(name), ".gz")))
}

// directory adds the files below a directory.
func (f *finder) directory(root string) {
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		f.refuse(root, reason(err), "")
		return
	}
	met, bad := f.met, len(f.refused)
	f.walk(root, filepath.Base(root), real, real)
	if f.met == met && len(f.refused) == bad {
		f.refuse(root, "holds nothing that is read: .json, .xml, .yaml, .yml, each also .gz", "export the Azure state into it")
	}
}

// walk adds what is in dir, whose real path is given, below the real root.
// below is its path from the root on, the root's name included.
func (f *finder) walk(dir, below, realDir, realRoot string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		f.refuse(dir, reason(err), "")
		return
	}
	for _, e := range entries {
		name := e.Name()
		here := filepath.Join(below, name)
		place, inGuests := guest.PlaceOf(filepath.ToSlash(here))
		p := filepath.Join(dir, name)
		if strings.HasPrefix(name, ".") {
			continue
		}
		info, err := os.Stat(p)
		linked := e.Type()&fs.ModeSymlink != 0
		switch {
		case err != nil && linked && !readable(name) && !inGuests:
			continue // a broken link that would not be read anyway
		case err != nil:
			f.refuse(p, reason(err), "remove it, or make it readable")
			continue
		case !info.IsDir() && !inGuests && !readable(name):
			continue
		}
		real := filepath.Join(realDir, name)
		if linked {
			if real, err = filepath.EvalSymlinks(p); err != nil {
				f.refuse(p, reason(err), "remove the link")
				continue
			}
			if !within(real, realRoot) {
				f.refuse(p, "is a symbolic link that leads out of the directory that was given", "name the file itself on the command line")
				continue
			}
			if info.IsDir() && within(realDir, real) {
				f.refuse(p, "is a symbolic link back to a directory above it: a loop", "remove the link")
				continue
			}
		}
		switch {
		case info.IsDir():
			f.walk(p, here, real, realRoot)
		case inGuests && place.Kind == 0:
			f.met++
			f.skipped = append(f.skipped, p)
		default:
			f.met++
			f.file(input{path: p, info: info, guest: place})
		}
	}
}

func within(p, root string) bool {
	rel, err := filepath.Rel(root, p)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

func (f *finder) refuse(path, expected, hint string) {
	f.refused = append(f.refused, &doctree.Error{File: path, Expected: expected, Hint: hint})
}

func (f *finder) note(s Severity, path, message, hint string) {
	f.notes = append(f.notes, Diagnostic{Severity: s, Message: path + ": " + message, Hint: hint})
}

// reason is an error of the file system without the path, which is named
// beside it.
func reason(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return "cannot be read: " + err.Error()
}

// openInput opens a file or stdin.
func openInput(in input, opt Options) (io.ReadCloser, error) {
	if in.info != nil {
		file, err := os.Open(in.path)
		if err != nil {
			return nil, &doctree.Error{File: in.path, Expected: reason(err)}
		}
		return file, nil
	}
	if opt.Stdin == nil {
		return nil, &doctree.Error{File: "-", Expected: "expected data on stdin, found nothing", Hint: "pipe an export in, or name a file"}
	}
	if st, ok := opt.Stdin.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := st.Stat(); err == nil && info.Mode()&fs.ModeCharDevice != 0 {
			return nil, &doctree.Error{File: "-", Expected: "expected data on stdin, found a terminal or an empty device", Hint: "pipe an export in, or name a file"}
		}
	}
	if !opt.KeepGoing {
		return io.NopCloser(opt.Stdin), nil // read once, and never held whole
	}
	in.data.once.Do(func() {
		limit := opt.Limits.FileBytes
		if limit <= 0 {
			limit = 256 << 20
		}
		// One byte more than allowed: the reader refuses it with its message.
		in.data.text, in.data.err = io.ReadAll(io.LimitReader(opt.Stdin, limit+1))
	})
	if in.data.err != nil {
		return nil, &doctree.Error{File: "-", Expected: reason(in.data.err)}
	}
	return io.NopCloser(bytes.NewReader(in.data.text)), nil
}

// drop takes the file that an error names out of the inputs and notes it as
// refused.
func (f *finder) drop(err error) bool {
	var de *doctree.Error
	if !errors.As(err, &de) {
		return false
	}
	i := slices.IndexFunc(f.inputs, func(in input) bool { return in.path == de.File })
	if i < 0 {
		return false
	}
	f.inputs = slices.Delete(f.inputs, i, i+1)
	f.refused = append(f.refused, err)
	return true
}
