package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/internal/redact"
	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/topology/load"
)

func (p *program) redactCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "redact OUT PATH…",
		Short: "Rewrite an estate with other names and addresses and the same verdicts",
		Long: `redact reads an estate and writes it to the new folder OUT, to be shown to others:
names and addresses are replaced, tags, descriptions and everything that no verdict
needs are taken out. The same name is replaced by the same one in every file, and
addresses keep the prefixes that they share, so that the verdicts are the same.
Addresses of service tags stay as they are. The replacement is another one in each
run and cannot be undone. Service tag files and datacenter ranges are copied; the
settings of guests are left out.`,
		Example: `  netpath redact shown/ export/
  netpath trace shown/ --from n0123456789 --to Storage.WestEurope --port 443`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usagef("redact needs a new folder and what to read")
			}
			return nil
		},
		RunE: do(func(cmd *cobra.Command, args []string) error {
			key := make([]byte, 32)
			if _, err := rand.Read(key); err != nil {
				return &exitError{code: exitInternal, err: err}
			}
			result, _, err := redactEstate(cmd.Context(), args[0], args[1:], key)
			if err != nil {
				return err
			}
			return p.write(func(w *report.Writer) error { return w.Redaction(result) })
		}),
	}
}

// redactEstate writes the files of an estate to a new folder, with names and
// addresses replaced.
func redactEstate(ctx context.Context, out string, paths []string, key []byte) (report.Redaction, *redact.Redactor, error) {
	result := report.Redaction{Folder: out}
	for _, path := range paths {
		if path == "-" {
			return result, nil, usagef("redact reads files and folders, not standard input")
		}
	}
	if entries, err := os.ReadDir(out); err == nil && len(entries) > 0 || err != nil && !errors.Is(err, os.ErrNotExist) {
		return result, nil, usagef("%s is not a new or empty folder", out)
	}
	res, err := load.Estate(ctx, paths, load.Options{SkipSHA256: true})
	if usage, ok := errors.AsType[*load.UsageError](err); ok {
		return result, nil, usagef("%w", usage)
	}
	if err != nil {
		return result, nil, &exitError{code: exitRefused, err: err}
	}
	var fixed []netip.Prefix
	if tags := res.Network.ServiceTags; tags != nil {
		for _, t := range tags.Tags {
			fixed = append(fixed, t.Prefixes.Slice()...)
		}
	}
	if ranges := res.Network.DatacenterRanges; ranges != nil {
		for _, region := range ranges.Regions {
			fixed = append(fixed, region.Prefixes...)
		}
	}
	r := redact.New(key, redact.NewAddresses(key, fixed))
	files := map[string][]*doctree.Node{}
	copied := map[string][]byte{}
	for _, in := range res.Inputs {
		text, err := os.ReadFile(in.Path)
		if err != nil {
			return result, nil, &exitError{code: exitRefused, err: err}
		}
		switch {
		case strings.HasPrefix(in.Dialect, "service tags") || strings.HasPrefix(in.Dialect, "datacenter"):
			name := filepath.Base(in.Path)
			for i := 2; copied[name] != nil; i++ {
				name = fmt.Sprintf("%d-%s", i, filepath.Base(in.Path))
			}
			copied[name] = text
			continue
		case inGuests(in.Path):
			result.Left++
			continue
		}
		d, err := doctree.Read(in.Path, bytes.NewReader(text), doctree.Limits{})
		if err != nil {
			return result, nil, &exitError{code: exitRefused, err: err}
		}
		files[in.Path] = d.Roots
		for _, root := range d.Roots {
			r.Collect(root)
		}
	}
	folder, err := newFolder(out)
	if err != nil {
		return result, nil, &exitError{code: exitInternal, err: err}
	}
	defer folder.abandon()
	number := 0
	for _, in := range res.Inputs {
		for _, root := range files[in.Path] {
			text, err := r.Document(root)
			if err != nil {
				return result, nil, &exitError{code: exitInternal, err: err}
			}
			number++
			name := fmt.Sprintf("estate-%03d.json", number)
			// An export of admin rules is named after its virtual network.
			if base, _, _ := strings.Cut(filepath.Base(in.Path), "."); r.Named(base) {
				name = fmt.Sprintf("%s.json", r.Name(base))
			}
			err = folder.write(name, text)
			if errors.Is(err, fs.ErrExist) {
				err = folder.write(fmt.Sprintf("estate-%03d.json", number), text)
			}
			if err != nil {
				return result, nil, &exitError{code: exitInternal, err: err}
			}
			result.Files++
		}
	}
	for name, text := range copied {
		if err := folder.write(name, text); err != nil {
			return result, nil, &exitError{code: exitInternal, err: err}
		}
		result.Copied++
	}
	if err := folder.commit(); err != nil {
		return result, nil, &exitError{code: exitInternal, err: err}
	}
	return result, r, nil
}

// inGuests reports whether a file lies below a folder of guest settings.
func inGuests(path string) bool {
	for _, part := range strings.Split(filepath.ToSlash(filepath.Dir(path)), "/") {
		if strings.EqualFold(part, "guests") {
			return true
		}
	}
	return false
}

// pendingFolder is a folder under another name until it is complete.
type pendingFolder struct {
	path string // where it belongs
	temp string // "": it is there
}

func newFolder(path string) (*pendingFolder, error) {
	path = filepath.Clean(path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, &outputError{err}
	}
	temp, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return nil, &outputError{err}
	}
	return &pendingFolder{path, temp}, nil
}

// write writes a file that is not there yet.
func (d *pendingFolder) write(name string, text []byte) error {
	f, err := os.OpenFile(filepath.Join(d.temp, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return &outputError{err}
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return &outputError{err}
	}
	return nil
}

// commit puts the folder in its place, where at most an empty one is.
func (d *pendingFolder) commit() error {
	if err := os.Remove(d.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &outputError{err}
	}
	if err := os.Rename(d.temp, d.path); err != nil {
		return &outputError{err}
	}
	d.temp = ""
	return nil
}

// abandon removes what was not committed.
func (d *pendingFolder) abandon() {
	if d.temp != "" {
		os.RemoveAll(d.temp)
	}
}
