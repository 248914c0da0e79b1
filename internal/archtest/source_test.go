package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/netpath/netpath"

// root is the repository root: the nearest folder upwards with a go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = up
	}
}

// sourceFile is a parsed Go file of the project.
type sourceFile struct {
	*ast.File
	name string // slash-separated, from the root
	test bool
}

// imports lists the import paths of the file.
func (f sourceFile) imports() []string {
	var out []string
	for _, s := range f.Imports {
		p, err := strconv.Unquote(s.Path.Value)
		if err != nil {
			panic(err) // the parser accepted it
		}
		out = append(out, p)
	}
	return out
}

// localName is the name by which the file refers to an imported package, ""
// where it does not import it.
func (f sourceFile) localName(importPath string) string {
	for _, s := range f.Imports {
		if p, _ := strconv.Unquote(s.Path.Value); p == importPath {
			if s.Name != nil {
				return s.Name.Name
			}
			return path.Base(importPath)
		}
	}
	return ""
}

// source is every Go file of the project, by folder relative to the root.
type source struct {
	files   *token.FileSet
	folders map[string][]sourceFile
}

// names are the folders that hold Go files, sorted.
func (s source) names() []string {
	var out []string
	for name := range s.folders {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// parse reads every Go file under the root, but for folders that the go
// command ignores too.
func parse(t *testing.T) source {
	t.Helper()
	top := root(t)
	s := source{token.NewFileSet(), map[string][]sourceFile{}}
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if name != top && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "dist") {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(base) != ".go" {
			return nil
		}
		f, err := parser.ParseFile(s.files, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(top, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		dir := path.Dir(rel)
		s.folders[dir] = append(s.folders[dir], sourceFile{f, rel, strings.HasSuffix(base, "_test.go")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.folders) < 5 {
		t.Fatalf("only %d folders with Go files found under %s", len(s.folders), top)
	}
	return s
}
