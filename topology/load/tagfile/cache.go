package tagfile

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Cache is a folder with the indexes of service tag files that were read
// before. An index is found by the content of its file and by nothing else;
// one that is damaged, or of another version of netpath, is made again. It
// holds what the tag file says and nothing about where that file was. The zero
// value is no cache.
type Cache struct {
	Folder string // made when it is first needed
}

// A file of the cache is a header and the three parts of an index. The header
// is, in bytes: 8 that name the format and its version, 16 of the tag file's
// fingerprint, 8 of its size, 16 of the fingerprint of all that follows, and 4
// for the length of each part; little-endian.
const (
	format      = "nptags\x00\x01" // the last byte is the version: raise it with the format and with what scan accepts
	headerBytes = 8 + 16 + 8 + 16 + 3*4
	suffix      = ".tags"
	kept        = 8 // files, the newest
)

func (c Cache) path(key [16]byte) string {
	return filepath.Join(c.Folder, hex.EncodeToString(key[:])+suffix)
}

// exists reports whether there may be anything in the cache.
func (c Cache) exists() bool {
	if c.Folder == "" {
		return false
	}
	info, err := os.Lstat(c.Folder)
	return err == nil && info.IsDir()
}

var errDamaged = errors.New("it is damaged")

// load returns the index of the tag file with the fingerprint and size; the
// error is fs.ErrNotExist where the cache has none.
func (c Cache) load(key [16]byte, size int64) (*index, error) {
	info, err := os.Lstat(c.path(key))
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > largestText {
		return nil, errDamaged
	}
	file, err := os.Open(c.path(key))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var b strings.Builder
	b.Grow(int(info.Size()) + 1)
	chunk := make([]byte, min(int(info.Size())+1, windowBytes))
	if _, err := io.CopyBuffer(&b, struct{ io.Reader }{file}, chunk); err != nil {
		return nil, err
	}
	return unpack(b.String(), key, size)
}

// unpack takes a file of the cache apart.
func unpack(b string, key [16]byte, size int64) (*index, error) {
	if len(b) < headerBytes {
		return nil, errDamaged
	}
	header := []byte(b[:headerBytes])
	if !bytes.HasPrefix(header, []byte(format)) {
		if strings.HasPrefix(b, format[:len(format)-1]) {
			return nil, errors.New("it is of another version of netpath")
		}
		return nil, errDamaged
	}
	var sum fingerprint
	sum.WriteString(b[headerBytes-12:])
	if check := sum.Sum(); !bytes.Equal(header[8:24], key[:]) || binary.LittleEndian.Uint64(header[24:]) != uint64(size) ||
		!bytes.Equal(header[32:48], check[:]) {
		return nil, errDamaged
	}
	x, rest := &index{}, b[headerBytes:]
	for i, part := range []*string{&x.head, &x.tags, &x.prefixes} {
		n := binary.LittleEndian.Uint32(header[48+4*i:])
		if uint64(n) > uint64(len(rest)) {
			return nil, errDamaged
		}
		*part, rest = rest[:n], rest[n:]
	}
	if rest != "" {
		return nil, errDamaged
	}
	return x, nil
}

// pack makes a file of the cache.
func (x *index) pack(key [16]byte, size int64) []byte {
	parts := [...]string{x.head, x.tags, x.prefixes}
	b := make([]byte, headerBytes, headerBytes+len(x.head)+len(x.tags)+len(x.prefixes))
	copy(b, format)
	copy(b[8:], key[:])
	binary.LittleEndian.PutUint64(b[24:], uint64(size))
	for i, p := range parts {
		binary.LittleEndian.PutUint32(b[48+4*i:], uint32(len(p)))
		b = append(b, p...)
	}
	var sum fingerprint
	sum.Write(b[headerBytes-12:])
	check := sum.Sum()
	copy(b[32:], check[:])
	return b
}

// store keeps an index. Other processes see the whole file or none, and other
// users see nothing.
func (c Cache) store(x *index, key [16]byte, size int64) (err error) {
	if err := os.MkdirAll(c.Folder, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(c.Folder, "new-*"+suffix)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(file.Name())
		}
	}()
	_, err = file.Write(x.pack(key, size))
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), c.path(key)); err != nil {
		return err
	}
	c.prune()
	return nil
}

// prune removes the oldest files beyond those that are kept. Whatever cannot
// be removed stays.
func (c Cache) prune() {
	entries, err := os.ReadDir(c.Folder)
	if err != nil || len(entries) <= kept {
		return
	}
	var files []fs.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && strings.HasSuffix(e.Name(), suffix) {
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for _, f := range files[min(kept, len(files)):] {
		os.Remove(filepath.Join(c.Folder, f.Name()))
	}
}
