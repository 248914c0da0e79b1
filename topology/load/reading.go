package load

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/arm"
	"github.com/netpath/netpath/topology/load/design"
	"github.com/netpath/netpath/topology/load/guest"
	"github.com/netpath/netpath/topology/load/property"
	"github.com/netpath/netpath/topology/load/source"
	"github.com/netpath/netpath/topology/load/tagfile"
)

// reading is one file and what it brought.
type reading struct {
	in       input
	err      error
	sha256   string
	bytes    int64
	dialect  string
	elements int
	ledger   property.Ledger
	file     source.File
	arm      arm.Reader
	designs  []*design.Document
	tags     *topology.ServiceTagCatalogue
	ranges   *topology.DatacenterRanges
	guest    guest.Settings

	builder     *tagfile.Builder // of a service tag file that was recognised late
	allTags     bool             // every tag is to be read
	types       map[string]bool  // kinds of the elements
	xml         bool             // the format is XML
	list        bool             // the file is a list of elements
	isCut       bool             // the list says that it goes on
	unknownKind bool             // nothing in the file is known
	policy      bool             // the file is a policy file
}

// errUnknownKind marks a file of no known kind that was met in a directory.
var errUnknownKind = errors.New("a file of no known kind")

// errPolicy marks a policy file that was met in a directory.
var errPolicy = errors.New("a policy file")

const kindHint = "netpath reads exports of az, Az PowerShell, the REST API and Resource Graph, service tag files, datacenter ranges and its own design files"

// meter counts and hashes what is read.
type meter struct {
	r     io.Reader
	sum   hash.Hash // nil: not wanted
	bytes int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if m.sum != nil {
		m.sum.Write(p[:n])
	}
	m.bytes += int64(n)
	return n, err
}

func readFile(ctx context.Context, in input, table func() (*property.Table, error), opt Options) *reading {
	rd := &reading{in: in, allTags: opt.allTags()}
	rd.file.Name = in.path
	rd.arm = arm.Reader{File: &rd.file, Ledger: &rd.ledger}
	rd.err = rd.read(ctx, table, opt)
	if rd.err == nil {
		rd.err = rd.unchanged()
	}
	return rd
}

func (rd *reading) read(ctx context.Context, table func() (*property.Table, error), opt Options) error {
	file, err := openInput(rd.in, opt)
	if err != nil {
		return err
	}
	defer file.Close()
	if rd.in.guest.Kind != 0 {
		return rd.guestFile(file, opt)
	}
	if rd.usualTags(file, opt) {
		rd.checkExtension(doctree.JSON)
		return nil
	}
	if rd.arm.Table, err = table(); err != nil {
		return err
	}
	m := &meter{r: file}
	if !opt.SkipSHA256 {
		m.sum = sha256.New()
	}
	var r io.Reader = m
	if f, ok := file.(*os.File); ok {
		// The reader asks the size first, to refuse what is too large at once.
		r = struct {
			io.Reader
			*statter
		}{m, &statter{f}}
	}
	src, err := doctree.Open(rd.in.path, r, opt.Limits)
	if err != nil {
		return err
	}
	rd.file.YAML = src.Format() == doctree.YAML
	if err := rd.content(ctx, src); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, m); err != nil {
		return &doctree.Error{File: rd.in.path, Expected: reason(err)}
	}
	rd.bytes = m.bytes
	if m.sum != nil {
		rd.sha256 = hex.EncodeToString(m.sum.Sum(nil))
	}
	rd.remark(src.Notes())
	rd.checkExtension(src.Format())
	return nil
}

// remark takes over what the reader of the text noted.
func (rd *reading) remark(notes []doctree.Note) {
	for _, n := range notes {
		s := Note
		if n.Warning {
			s = Warning
		}
		rd.file.Diagnostics = append(rd.file.Diagnostics, Diagnostic{Severity: s, Message: n.Text,
			Origin: topology.Origin{File: rd.in.path, Line: n.Pos.Line, Column: n.Pos.Column, Pointer: n.Pointer}})
	}
}

// statter keeps only the Stat method of a file.
type statter struct{ f *os.File }

func (s *statter) Stat() (os.FileInfo, error) { return s.f.Stat() }

// unchanged refuses a file that was written to while it was read.
func (rd *reading) unchanged() error {
	if rd.in.info == nil {
		return nil
	}
	now, err := os.Stat(rd.in.path)
	if err != nil || now.Size() != rd.in.info.Size() || !now.ModTime().Equal(rd.in.info.ModTime()) {
		return &doctree.Error{File: rd.in.path, Expected: "changed while it was read", Hint: "run again when the export is complete"}
	}
	return nil
}

// checkExtension warns where the name promises another format than the
// content has (bad-inputs row 31).
func (rd *reading) checkExtension(format doctree.Format) {
	ext := filepath.Ext(strings.TrimSuffix(strings.ToLower(rd.in.path), ".gz"))
	promised := map[string]doctree.Format{".json": doctree.JSON, ".xml": doctree.XML, ".yaml": doctree.YAML, ".yml": doctree.YAML}[ext]
	// JSON is YAML too.
	if promised != 0 && promised != format && !(promised == doctree.YAML && format == doctree.JSON) {
		rd.file.Diagnostics = append(rd.file.Diagnostics, Diagnostic{Severity: Warning,
			Message: "the name ends in " + ext + ", but the content is " + format.String() + ": the content counts",
			Origin:  topology.Origin{File: rd.in.path}})
	}
}

// content reads the elements of the file. A JSON export is parsed in one
// goroutine and decoded in another.
func (rd *reading) content(ctx context.Context, src *doctree.Source) error {
	if done, err := rd.tagFile(src); done {
		return err
	}
	type item struct {
		env  doctree.Envelope
		node *doctree.Node
	}
	rd.xml = src.Format() == doctree.XML
	items := make(chan item, 4)
	stop := make(chan struct{})
	result := make(chan error, 1)
	go func() {
		var err error
		for it := range items {
			if err == nil {
				if err = rd.element(&it.env, it.node); err != nil {
					close(stop)
				}
			}
		}
		result <- err
	}()
	stopped := errors.New("the decoder stopped")
	env, err := src.Each(func(env *doctree.Envelope, n *doctree.Node) error {
		select {
		case items <- item{*env, n}:
			return nil
		case <-stop:
			return stopped
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	close(items)
	decoded := <-result
	switch {
	case decoded != nil && rd.policy && !rd.in.named:
		return errPolicy
	case decoded != nil && rd.unknownKind:
		return rd.unknown(decoded)
	case decoded != nil:
		return decoded
	case err != nil && !errors.Is(err, stopped):
		return err
	}
	return rd.finish(env)
}

// element reads one element of the file.
func (rd *reading) element(env *doctree.Envelope, n *doctree.Node) error {
	rd.elements++
	rd.one(env, n)
	if rd.file.Err != nil {
		return rd.file.Err
	}
	return nil
}

// unknown decides about a file of no known kind: refused where it was named or
// speaks of Azure's network, else skipped.
func (rd *reading) unknown(err error) error {
	var at *doctree.Error
	if !errors.As(err, &at) {
		at = &doctree.Error{File: rd.in.path, Expected: err.Error()}
	}
	if rd.in.named {
		return at
	}
	mentions, ioErr := rd.mentionsNetwork()
	if ioErr != nil {
		return ioErr
	}
	if mentions {
		at.Expected += " (the file mentions Microsoft.Network)"
		return at
	}
	return errUnknownKind
}

// mentionsNetwork reads the whole file again and looks for the provider's
// name.
func (rd *reading) mentionsNetwork() (bool, error) {
	file, err := os.Open(rd.in.path)
	if err != nil {
		return false, &doctree.Error{File: rd.in.path, Expected: reason(err)}
	}
	defer file.Close()
	src, err := doctree.Open(rd.in.path, file, doctree.Limits{})
	if err != nil {
		return false, err
	}
	found := false
	_, err = src.Each(func(env *doctree.Envelope, n *doctree.Node) error {
		found = found || mentions(n)
		return nil
	})
	return found, err
}

func mentions(n *doctree.Node) bool {
	for i := range n.Members {
		if isNetworkText(n.Members[i].Key) || mentions(n.Members[i].Value) {
			return true
		}
	}
	for _, it := range n.Items {
		if mentions(it) {
			return true
		}
	}
	return isNetworkText(n.Text)
}

func isNetworkText(s string) bool {
	return len(s) >= len("Microsoft.Network") && bytes.Contains(bytes.ToLower([]byte(s)), []byte("microsoft.network"))
}

func count(n int) string { return strconv.Itoa(n) }
