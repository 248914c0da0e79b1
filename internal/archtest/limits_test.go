package archtest

import (
	"go/ast"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// only says where a dependency may be imported. Tests count, unless free is
// set: then only code that ships is bound.
var only = []struct {
	dependency string // import path, its sub-packages included
	folders    []string
	freeTests  bool
	why        string
}{
	{"gopkg.in/yaml.v3", []string{"internal/doctree"}, false, "docs/decisions/0004"},
	{"github.com/Azure/azure-sdk-for-go", []string{"topology/azure"}, false, "docs/decisions/0002"},
	{"github.com/yl2chen/cidranger", []string{"topology/servicetag", "benchmarks"}, true, "docs/decisions/0003"},
	{"github.com/spf13/cobra", []string{"cmd/netpath"}, false, "the library needs no command line"},
}

func TestDependenciesStayWhereTheyBelong(t *testing.T) {
	s := parse(t)
	for _, o := range only {
		for _, dir := range s.names() {
			if slices.Contains(o.folders, dir) {
				continue
			}
			for _, f := range s.folders[dir] {
				if f.test && o.freeTests {
					continue
				}
				for _, p := range f.imports() {
					if p == o.dependency || strings.HasPrefix(p, o.dependency+"/") {
						t.Errorf("%s imports %s: only %s may (%s)", f.name, p, strings.Join(o.folders, ", "), o.why)
					}
				}
			}
		}
	}
}

// linked are the packages that end up in a build of the patterns.
func linked(t *testing.T, patterns ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-deps"}, patterns...)...)
	cmd.Dir = root(t)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	return strings.Fields(string(out))
}

func TestTheCommandDoesNotLinkTheSDK(t *testing.T) {
	deps := linked(t, "./cmd/netpath")
	if !slices.Contains(deps, module+"/sim") {
		t.Fatalf("cmd/netpath does not link %s/sim: the list is not of this project", module)
	}
	for _, p := range deps {
		if strings.HasPrefix(p, "github.com/Azure/") {
			t.Errorf("cmd/netpath links %s", p)
		}
	}
}

func TestTheLibraryNeedsNeitherCommandLineNorTerminal(t *testing.T) {
	deps := linked(t, "./topology", "./topology/load/...", "./topology/servicetag", "./sim/...")
	for _, p := range deps {
		for _, bad := range []string{"github.com/spf13/", "charm.land/", "github.com/charmbracelet/", "github.com/schollz/", "github.com/mattn/", "github.com/owenrumney/", "github.com/Azure/", "flag", "testing"} {
			if p == bad || strings.HasSuffix(bad, "/") && strings.HasPrefix(p, bad) {
				t.Errorf("the library links %s", p)
			}
		}
	}
}

// above are the folders whose code may read flags, environment and clock:
// the command, and the programs that measure.
func above(dir string) bool {
	return dir == "cmd/netpath" || dir == "benchmarks" || strings.HasPrefix(dir, "benchmarks/")
}

// outside are the functions and variables by which a package would read what
// it was not given.
var outside = map[string][]string{
	"flag": nil, // everything in it
	"os":   {"Args", "Getenv", "LookupEnv", "Environ", "ExpandEnv", "Exit", "Getwd"},
	"time": {"Now", "Since", "Until", "After", "Tick", "NewTimer", "NewTicker", "AfterFunc", "Sleep"},
}

func TestNothingBelowTheCommandReadsFlagsEnvironmentOrClock(t *testing.T) {
	s := parse(t)
	checked := 0
	for _, dir := range s.names() {
		if above(dir) {
			continue
		}
		for _, f := range s.folders[dir] {
			if f.test {
				continue
			}
			checked++
			for pkg, names := range outside {
				local := f.localName(pkg)
				if local == "" {
					continue
				}
				if names == nil {
					t.Errorf("%s imports %s", f.name, pkg)
					continue
				}
				ast.Inspect(f.File, func(n ast.Node) bool {
					sel, ok := n.(*ast.SelectorExpr)
					if !ok {
						return true
					}
					if x, ok := sel.X.(*ast.Ident); ok && x.Name == local && x.Obj == nil && slices.Contains(names, sel.Sel.Name) {
						t.Errorf("%s uses %s.%s", s.files.Position(sel.Pos()), pkg, sel.Sel.Name)
					}
					return true
				})
			}
		}
	}
	if checked == 0 {
		t.Fatal("no file was checked")
	}
}

func TestNoPackageWorksAtInit(t *testing.T) {
	s := parse(t)
	for _, dir := range s.names() {
		for _, f := range s.folders[dir] {
			if f.test {
				continue
			}
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					t.Errorf("%s: func init", s.files.Position(fn.Pos()))
				}
			}
		}
	}
}

func TestGoModIsTidy(t *testing.T) {
	cmd := exec.Command("go", "mod", "tidy", "-diff")
	cmd.Dir = root(t)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case err == nil:
	case stdout.Len() > 0:
		t.Errorf("go.mod or go.sum is not tidy; run go mod tidy:\n%s", stdout.String())
	case offline(stderr.String()):
		t.Skipf("tidiness needs the module proxy, which cannot be reached:\n%s", stderr.String())
	default:
		t.Errorf("go mod tidy: %v\n%s", err, stderr.String())
	}
}

// offline reports whether the go command failed because it could not fetch.
func offline(stderr string) bool {
	for _, s := range []string{"dial tcp", "no such host", "i/o timeout", "connection refused", "proxyconnect", "module lookup disabled", "network is unreachable", "TLS handshake timeout"} {
		if strings.Contains(stderr, s) {
			return true
		}
	}
	return false
}
