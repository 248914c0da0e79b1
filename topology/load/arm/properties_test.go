package arm

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/netpath/netpath/topology/load/property"
)

// TestDecodersReadWhatTheTableUses compares the property table with the names
// that the decoders ask for: what the table calls used is read, and what is
// read is in the table.
func TestDecodersReadWhatTheTableUses(t *testing.T) {
	asked := map[string]bool{}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	inspect := func(visit func(ast.Node) bool) {
		for _, f := range files {
			ast.Inspect(f, visit)
		}
	}
	reads := map[string]bool{"get": true, "has": true, "text": true, "toggle": true, "ref": true, "refs": true, "objects": true, "child": true,
		"addressSpace": true, "transport": true, "port": true, "expression": true, "Fold": true, "adminAddresses": true}
	literal := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			s, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			asked[s] = true
		}
	}
	inspect(func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && reads[sel.Sel.Name] {
				for _, a := range n.Args {
					literal(a)
				}
			}
		case *ast.CompositeLit: // the names of a rule's sides, loops over names
			for _, e := range n.Elts {
				literal(e)
			}
		}
		return true
	})
	table, err := property.NewTable()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"properties": true, "effectiveSecurityRules": true}
	for s := range table.Shapes {
		for _, p := range s.Properties() {
			known[p.Name] = true
			if p.Class == property.Used && !asked[p.Name] {
				t.Errorf("%s: the table calls %s used, and no decoder reads it", s.Name, p.Name)
			}
		}
	}
	if len(asked) < 100 {
		t.Fatalf("only %d names found: the test does not see the decoders", len(asked))
	}
	inspect(func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || sel.Sel.Name == "Fold" || !reads[sel.Sel.Name] || len(call.Args) == 0 {
			return true
		}
		if lit, ok := call.Args[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, _ := strconv.Unquote(lit.Value); !known[s] {
				t.Errorf("a decoder reads %s, which the table does not have", s)
			}
		}
		return true
	})
}

// TestOnlyShapesThatExistAreDecoded holds the decoders to the table.
func TestOnlyShapesThatExistAreDecoded(t *testing.T) {
	table, err := property.NewTable()
	if err != nil {
		t.Fatal(err)
	}
	for name := range decoders {
		if s := table.Shape(name); s == nil || s.Name != name {
			t.Errorf("%s is not in the table", name)
		}
	}
	for s := range table.Shapes {
		if _, ok := decoders[s.Name]; strings.Contains(s.Name, "/") && !ok {
			t.Errorf("%s has no decoder", s.Name)
		}
	}
	for _, sig := range signatures {
		s := table.Shape(sig.kind)
		if s == nil {
			t.Errorf("%s is not in the table", sig.kind)
			continue
		}
		for _, k := range sig.keys {
			if s.Property(k) == nil {
				t.Errorf("%s is told by %s, which it does not have", sig.kind, k)
			}
		}
	}
}
