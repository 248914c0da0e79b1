package flow

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
)

func TestAssumptionIDsListsEveryConstant(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "flow.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var want []AssumptionID
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if typ, ok := v.Type.(*ast.Ident); ok && typ.Name == "AssumptionID" {
				text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, AssumptionID(text))
			}
		}
		return true
	})
	slices.Sort(want)
	if got := AssumptionIDs(); len(got) == 0 || !slices.Equal(got, want) {
		t.Errorf("AssumptionIDs() = %v, the constants are %v", got, want)
	}
}

func TestWaiverCovers(t *testing.T) {
	const nic = "/subscriptions/S/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/Fw-NIC"
	for _, c := range []struct {
		about, resource string
		want            bool
	}{
		{"", nic, true}, {"", "", true}, {nic, nic, true}, {"fw-nic", nic, true}, {"FW-*", nic, true}, {"*/networkinterfaces/*", nic, true},
		{"fw-ni?", nic, true}, {"*", nic, true}, {"fw", nic, false}, {"nic", nic, false}, {"fw-nic-2", nic, false}, {"?", nic, false},
		{"a*b*c", "aXXbYYc", true}, {"a*b*c", "aXXbYY", false}, {"*a", "ba", true}, {"fw-nic", nic + "/", true}, {"x", "", false},
	} {
		if got := (Waiver{ID: NotSucceeded, About: c.about}).Covers(NotSucceeded, c.resource); got != c.want {
			t.Errorf("about %q covers %q: %v, want %v", c.about, c.resource, got, c.want)
		}
	}
	if (Waiver{ID: NotSucceeded}).Covers(DisksManaged, "") {
		t.Error("a waiver covers another assumption")
	}
}
