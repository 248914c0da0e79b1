package archtest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rooms is the table of docs/architecture.md: a package, and the packages of
// ours that it may import. What those may import, it may import too; a name
// that ends in /... is a package with its sub-packages.
var rooms = []struct {
	name string
	may  []string
}{
	{"topology", nil},
	{"topology/servicetag", []string{"topology"}},
	{"topology/edit", []string{"topology"}},
	{"topology/load/...", []string{"topology", "topology/servicetag", "internal/doctree"}},
	{"topology/azure", []string{"topology/load"}},

	{"sim/flow", []string{"topology"}},
	{"sim/cidr", nil},
	{"sim/flowset", []string{"sim/flow", "sim/cidr"}},
	{"sim/scope", []string{"topology", "topology/servicetag", "sim/flow", "sim/flowset"}},
	{"sim/nsg/...", []string{"topology", "sim/scope", "sim/flow", "sim/flowset", "sim/cidr"}},
	{"sim/route", []string{"topology", "sim/scope", "sim/flow", "sim/flowset", "sim/cidr"}},
	{"sim/firewall", []string{"topology", "sim/scope", "sim/flow", "sim/flowset", "sim/cidr"}},
	{"sim", []string{"sim/nsg", "sim/route", "sim/firewall", "topology/edit"}},
	{"sim/reach", []string{"sim"}},
	{"sim/diff", []string{"sim"}},
	{"sim/lint", []string{"sim"}},
	{"sim/fix", []string{"sim/reach"}},
	{"sim/optimize", []string{"sim"}},
	{"sim/backup", []string{"sim/fix"}},
	{"sim/policy", []string{"sim/reach", "sim/diff", "sim/lint", "sim/fix", "sim/backup"}},

	{"internal/doctree", nil},
	{"internal/oracle/...", []string{"topology", "sim/flow"}},
	{"internal/golden", []string{"topology"}},
	{"internal/emit", []string{"topology/edit"}},
	{"internal/report", []string{"sim/policy", "sim/optimize", "topology/load"}},
	{"internal/selftest", []string{"sim", "topology/load"}},
	{"internal/redact", []string{"internal/doctree"}},
	{"internal/schema", nil},
	{"internal/archtest", nil},

	{"cmd/netpath", []string{"internal/selftest", "internal/redact", "internal/report", "internal/schema", "internal/emit", "topology/azure"}},
	{"fixtures", []string{"sim", "topology/load"}},
	{"benchmarks/...", []string{"sim/policy", "sim/optimize", "topology/load", "internal/oracle", "internal/report"}},
}

// room returns the index of the room a package of ours belongs to, -1 where
// the table has none.
func room(pkg string) int {
	for i, r := range rooms {
		if r.name == pkg {
			return i
		}
		if base, ok := strings.CutSuffix(r.name, "/..."); ok && (pkg == base || strings.HasPrefix(pkg, base+"/")) {
			return i
		}
	}
	return -1
}

// reachable are the rooms that a room may import, itself included: the parts
// of one package may import each other.
func reachable(from int) map[int]bool {
	seen := map[int]bool{}
	var visit func(int)
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		for _, name := range rooms[i].may {
			visit(room(name))
		}
	}
	visit(from)
	return seen
}

func TestTheTableNamesOnlyRoomsItHasAndRunsOneWay(t *testing.T) {
	for i, r := range rooms {
		for _, name := range r.may {
			j := room(name)
			if j < 0 {
				t.Errorf("%s may import %s, which is no room", r.name, name)
				continue
			}
			if j != i && reachable(j)[i] {
				t.Errorf("%s and %s may import each other", r.name, name)
			}
		}
	}
}

func TestImportsFollowTheTable(t *testing.T) {
	s := parse(t)
	for _, dir := range s.names() {
		i := room(dir)
		if i < 0 {
			t.Errorf("package %s has no room: add it to the table here and in docs/architecture.md", dir)
			continue
		}
		may := reachable(i)
		for _, f := range s.folders[dir] {
			if f.test {
				continue // a test may look at anything
			}
			for _, p := range f.imports() {
				ours, ok := strings.CutPrefix(p, module+"/")
				if !ok {
					continue
				}
				if j := room(ours); j < 0 || !may[j] {
					t.Errorf("%s imports %s, which %s may not", f.name, ours, rooms[i].name)
				}
			}
		}
	}
}

func TestTheMapShowsEveryRoom(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	s := parse(t)
	for _, dir := range s.names() {
		i := room(dir)
		if i < 0 {
			continue // TestImportsFollowTheTable says so
		}
		name := strings.TrimSuffix(rooms[i].name, "/...")
		if !strings.Contains(string(text), "| `"+name+"`") {
			t.Errorf("docs/architecture.md has no row for `%s`", name)
		}
	}
}

func TestFoldersAreTheOnesAgreedOn(t *testing.T) {
	top := root(t)
	check := func(dir string, allowed ...string) {
		entries, err := os.ReadDir(filepath.Join(top, dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) {
				t.Errorf("folder %s is not one of %s", filepath.Join(dir, e.Name()), strings.Join(allowed, ", "))
			}
		}
	}
	check(".", "benchmarks", "cmd", "docs", "fixtures", "internal", "sim", "topology", "dist") // dist is ignored by git
	check("cmd", "netpath")
}

func TestNoPackageIsACatchAll(t *testing.T) {
	s := parse(t)
	for _, dir := range s.names() {
		switch filepath.Base(dir) {
		case "util", "utils", "common", "helpers", "helper", "models", "manager", "misc", "shared":
			t.Errorf("package %s is named after nothing in the field", dir)
		}
	}
}

func TestEveryPackageHasAComment(t *testing.T) {
	s := parse(t)
	for _, dir := range s.names() {
		var name string
		var documented, code bool
		for _, f := range s.folders[dir] {
			if !f.test {
				code = true
			}
		}
		for _, f := range s.folders[dir] {
			if code && f.test {
				continue
			}
			name = f.Name.Name
			openings := []string{"Package " + name + " "}
			if name == "main" {
				base := filepath.Base(dir)
				openings = []string{"Command " + base + " ", strings.ToUpper(base[:1]) + base[1:] + " "}
			}
			for _, o := range openings {
				if f.Doc != nil && strings.HasPrefix(f.Doc.Text(), o) {
					documented = true
				}
			}
		}
		if !documented {
			t.Errorf("package %s (%s) has no package comment that begins with its name", dir, name)
		}
	}
}
