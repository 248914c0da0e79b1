package load

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology/load/property"
	"github.com/netpath/netpath/topology/load/tagfile"
)

const (
	tagDialect   = "service tags"
	rangeDialect = "datacenter ranges"
)

// usualTags reads the file as a service tag file where it is written as usual;
// done reports that it did. Limits that the caller sets are the strict
// reader's to keep.
func (rd *reading) usualTags(file io.Reader, opt Options) (done bool) {
	f, ok := file.(*os.File)
	if !ok || rd.in.kind == rangeKind || opt.Limits != (doctree.Limits{}) {
		return false
	}
	size := rd.in.info.Size()
	if rd.tags, ok = tagfile.ReadUsual(&rd.file, &rd.ledger, f, size, tagfile.Cache{Folder: opt.TagCache}); !ok {
		return false
	}
	if !opt.SkipSHA256 {
		sum := sha256.New()
		if _, err := io.Copy(sum, io.NewSectionReader(f, 0, size)); err != nil {
			rd.tags, rd.ledger, rd.file.Diagnostics = nil, property.Ledger{}, nil
			return false
		}
		rd.sha256 = hex.EncodeToString(sum.Sum(nil))
	}
	rd.dialect, rd.elements, rd.bytes = tagDialect, len(rd.tags.Tags), size
	return true
}

// tagFile reads the file as a service tag file or as datacenter ranges where
// the caller says so; done reports that it did.
func (rd *reading) tagFile(src *doctree.Source) (done bool, err error) {
	switch {
	case rd.in.kind == tagKind:
		rd.dialect = tagDialect
		rd.tags, err = tagfile.ReadServiceTags(&rd.file, &rd.ledger, src, rd.allTags)
		if err == nil {
			rd.elements = len(rd.tags.Tags)
		}
		return true, err
	case rd.in.kind == rangeKind && src.Format() != doctree.XML:
		return true, &doctree.Error{File: rd.in.path, Expected: "expected datacenter ranges as XML, found " + src.Format().String()}
	}
	return false, nil
}

// dataRanges reads an XML document; nothing but datacenter ranges is known.
func (rd *reading) dataRanges(root *doctree.Node) {
	if !tagfile.IsDatacenterRanges(root) && rd.in.kind != rangeKind {
		rd.unknownElement(root)
		return
	}
	rd.dialect = rangeDialect
	ranges, err := tagfile.DatacenterRanges(&rd.file, &rd.ledger, root)
	if err == nil {
		rd.ranges, rd.elements = ranges, len(ranges.Regions)
	}
}

// tag reads an element of a service tag file that its beginning did not show
// to be one. It reports whether it was.
func (rd *reading) tag(env *doctree.Envelope, n *doctree.Node) bool {
	if rd.builder == nil {
		if rd.elements != 1 || !tagfile.IsServiceTags(env, n) {
			return false
		}
		rd.dialect = tagDialect
		rd.builder = tagfile.NewBuilder(&rd.file, &rd.ledger, rd.allTags)
	}
	if err := rd.builder.Add(env, n); err != nil && rd.file.Err == nil {
		rd.file.Err = err
	}
	return true
}

// finishTags makes the catalogue of a service tag file once its end was
// reached; done reports that the file is one.
func (rd *reading) finishTags(env *doctree.Envelope) (done bool, err error) {
	if rd.builder == nil && (rd.elements > 0 || !tagfile.IsServiceTags(env, nil)) {
		return false, nil
	}
	if rd.builder == nil {
		rd.dialect = tagDialect
		rd.builder = tagfile.NewBuilder(&rd.file, &rd.ledger, rd.allTags)
	}
	rd.tags, err = rd.builder.Catalogue(env)
	return true, err
}
