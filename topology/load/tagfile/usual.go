package tagfile

import (
	"bytes"
	"errors"
	"io"
	"io/fs"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/property"
	"github.com/netpath/netpath/topology/load/source"
)

// ReadUsual reads a service tag file that is written exactly as Microsoft
// writes the weekly ones, or its index in the cache. What it reads is what
// [ReadServiceTags] would read, without a diagnostic; ok is false where that
// is not certain, and then nothing has been said or counted but a note on the
// cache. The text may be of any file: most are told apart by their beginning.
func ReadUsual(f *source.File, ledger *property.Ledger, text io.ReaderAt, size int64, cache Cache) (c *topology.ServiceTagCatalogue, ok bool) {
	if !usual(text) {
		return nil, false
	}
	known := cache.exists()
	var key [16]byte
	if known {
		var err error
		if key, err = fingerprintOf(io.NewSectionReader(text, 0, size)); err != nil {
			return nil, false
		}
		x, err := cache.load(key, size)
		if err == nil {
			if c, ok := x.catalogue(f, ledger); ok {
				return c, true
			}
			err = errDamaged
		}
		if !errors.Is(err, fs.ErrNotExist) {
			note(f, "the index of this file in the cache is not used: "+reason(err))
		}
	}
	r := io.Reader(io.NewSectionReader(text, 0, size))
	var sum fingerprint
	if cache.Folder != "" {
		r = io.TeeReader(r, &sum)
	}
	x, ok := scan(r, size)
	if !ok {
		return nil, false
	}
	if c, ok = x.catalogue(f, ledger); !ok {
		return nil, false
	}
	// A file that was written to meanwhile is refused by the caller: its index
	// is found by what was read.
	if cache.Folder != "" && (!known || key == sum.Sum()) {
		if err := cache.store(x, sum.Sum(), size); err != nil {
			note(f, "the index of this file is not kept: "+reason(err))
		}
	}
	return c, true
}

// usual reports whether a text begins as a weekly file does: an object whose
// first members are a change number and a cloud.
func usual(text io.ReaderAt) bool {
	head := make([]byte, 512)
	n, _ := text.ReadAt(head, 0)
	head = bytes.TrimLeft(head[:n], " \t\r\n")
	return bytes.HasPrefix(head, []byte("{")) && bytes.Contains(head, []byte(`"changeNumber"`)) &&
		bytes.Contains(head, []byte(`"cloud"`)) && bytes.Contains(head, []byte(`"values"`))
}

func fingerprintOf(r io.Reader) (key [16]byte, err error) {
	var sum fingerprint
	_, err = io.CopyBuffer(&sum, struct{ io.Reader }{r}, make([]byte, windowBytes))
	return sum.Sum(), err
}

func note(f *source.File, message string) {
	f.Diagnostics = append(f.Diagnostics, source.Diagnostic{Severity: source.Note, Message: message, Origin: topology.Origin{File: f.Name}})
}

// reason is an error of the file system without the path: it names a folder
// of the user.
func reason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return err.Error()
}
