package flow_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/netpath/netpath/sim/flow"
)

// Every code and assumption that the package declares has its explanation,
// once, in order.
func TestEveryCodeIsExplained(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "flow.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || v.Type == nil {
			return true
		}
		if kind, ok := v.Type.(*ast.Ident); !ok || kind.Name != "Code" && kind.Name != "AssumptionID" {
			return true
		}
		text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		declared = append(declared, text)
		return true
	})
	list := flow.Explanations()
	for i, e := range list {
		if i >= len(declared) || declared[i] != e.Code {
			t.Fatalf("explanation %d is of %s; declared are %q", i, e.Code, declared)
		}
		if e.Means == "" || e.Kind == "" {
			t.Errorf("%s is not explained", e.Code)
		}
	}
	if len(list) != len(declared) || len(list) < 70 {
		t.Errorf("%d explanations of %d codes", len(list), len(declared))
	}
}
