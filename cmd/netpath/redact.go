package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
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
			copied[filepath.Base(in.Path)] = text
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
	if err := os.MkdirAll(out, 0o700); err != nil {
		return result, nil, &exitError{code: exitInternal, err: err}
	}
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
			if err := writeNew(filepath.Join(out, name), text); err != nil {
				name = fmt.Sprintf("estate-%03d.json", number)
				if err := writeNew(filepath.Join(out, name), text); err != nil {
					return result, nil, &exitError{code: exitInternal, err: err}
				}
			}
			result.Files++
		}
	}
	for name, text := range copied {
		if err := writeNew(filepath.Join(out, name), text); err != nil {
			return result, nil, &exitError{code: exitInternal, err: err}
		}
		result.Copied++
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

// writeNew writes a file that is not there yet.
func writeNew(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, bytes.NewReader(text)); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
