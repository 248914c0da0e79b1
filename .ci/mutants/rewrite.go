package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/tools/go/packages"
)

// variable is the environment variable that names the mutant which is on.
const variable = "NETPATH_MUTANT"

// switches is the package that the rewritten files call: it knows which mutant
// is on. Operands are evaluated once, in their order, as before.
const switches = `package mutating

import (
	"cmp"
	"os"
	"strconv"
)

var on, _ = strconv.Atoi(os.Getenv("` + variable + `"))

type number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr | ~float32 | ~float64
}

type integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr
}

func On(n int) bool { return n == on && n != 0 }

func Less[T cmp.Ordered](edge, not int, x, y T) bool {
	return (x < y || On(edge) && x == y) != On(not)
}

func Greater[T cmp.Ordered](edge, not int, x, y T) bool {
	return (x > y || On(edge) && x == y) != On(not)
}

func LessEqual[T cmp.Ordered](edge, not int, x, y T) bool {
	return (x < y || !On(edge) && x == y) != On(not)
}

func GreaterEqual[T cmp.Ordered](edge, not int, x, y T) bool {
	return (x > y || !On(edge) && x == y) != On(not)
}

func Add[T number](n int, x, y T) T {
	if On(n) {
		return x - y
	}
	return x + y
}

func Sub[T number](n int, x, y T) T {
	if On(n) {
		return x + y
	}
	return x - y
}

func Mul[T number](n int, x, y T) T {
	if On(n) {
		return x / y
	}
	return x * y
}

func Quo[T number](n int, x, y T) T {
	if On(n) {
		return x * y
	}
	return x / y
}

func Rem[T integer](n int, x, y T) T {
	if On(n) {
		return x * y
	}
	return x % y
}

func Neg[T number](n int, x T) T {
	if On(n) {
		return x
	}
	return -x
}

func Step[T number](n int) T {
	var one T = 1
	if On(n) {
		return -one
	}
	return one
}
`

var ordered = map[token.Token]string{token.LSS: "Less", token.GTR: "Greater", token.LEQ: "LessEqual", token.GEQ: "GreaterEqual"}

var arithmetic = map[token.Token]string{token.ADD: "Add", token.SUB: "Sub", token.MUL: "Mul", token.QUO: "Quo", token.REM: "Rem"}

// edit replaces the text of a file between two offsets.
type edit struct {
	from, to int
	text     string
	depth    int // of the expression: the outer one opens first and closes last
	closing  bool
}

// rewrite writes the files of a package with all its mutants in them, gives
// each that can be switched its number, and returns the overlay for the
// compiler.
func rewrite(dir, pkg string, mutants []*mutant) (string, error) {
	loaded, err := packages.Load(&packages.Config{Mode: packages.LoadSyntax}, "./"+pkg)
	if err != nil {
		return "", err
	}
	if len(loaded) != 1 || len(loaded[0].Errors) > 0 {
		return "", fmt.Errorf("%d packages, %v", len(loaded), loaded[0].Errors)
	}
	p := loaded[0]
	root, err := os.Getwd()
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	write := func(where string, text []byte) error {
		file := filepath.Join(dir, fmt.Sprintf("overlay%d.go", len(replace)))
		replace[where] = file
		return os.WriteFile(file, text, 0o600)
	}
	if err := write(filepath.Join(root, "internal", "mutating", "mutating.go"), []byte(switches)); err != nil {
		return "", err
	}
	for _, f := range p.Syntax {
		name := p.Fset.Position(f.Pos()).Filename
		here := slices.Clone(mutants)
		here = slices.DeleteFunc(here, func(m *mutant) bool { return m.file != filepath.Base(name) })
		if len(here) == 0 {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		r := &rewriter{p: p, file: f, here: here, all: mutants}
		ast.PreorderStack(f, nil, r.visit)
		if len(r.edits) == 0 {
			continue
		}
		if err := write(name, r.apply(text)); err != nil {
			return "", err
		}
	}
	for _, m := range mutants {
		if m.id == 0 && m.why == "" {
			return "", fmt.Errorf("%s: there is no such operator", m)
		}
	}
	overlay := filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	return overlay, os.WriteFile(overlay, text, 0o600)
}

type rewriter struct {
	p         *packages.Package
	file      *ast.File
	here, all []*mutant
	edits     []edit
}

// number gives the mutants at an operator their numbers; 0 where gremlins has
// none of the kinds there.
func (r *rewriter) number(at token.Pos, why string, kinds ...string) int {
	where := r.p.Fset.Position(at)
	for _, m := range r.here {
		if m.line != where.Line || m.col != where.Column || !slices.Contains(kinds, m.kind) {
			continue
		}
		if why != "" {
			m.why = why
			continue
		}
		m.id = slices.Index(r.all, m) + 1
		return m.id
	}
	return 0
}

func (r *rewriter) visit(n ast.Node, stack []ast.Node) bool {
	switch x := n.(type) {
	case *ast.BinaryExpr:
		r.binary(x, stack)
	case *ast.UnaryExpr:
		if x.Op != token.SUB {
			break
		}
		kind, why := r.kind(x, stack)
		if id := r.number(x.OpPos, why, "INVERT_NEGATIVES", "ARITHMETIC_BASE"); id > 0 {
			r.swap(x.OpPos, "-", "", len(stack))
			r.wrap(x, fmt.Sprintf("mutating.Neg[%s](%d, ", kind, id), ")", len(stack))
		}
	case *ast.IncDecStmt:
		kind, why := r.kind(x.X, stack)
		if id := r.number(x.TokPos, why, "INCREMENT_DECREMENT"); id > 0 {
			sign := x.Tok.String()[:1]
			r.swap(x.TokPos, x.Tok.String(), fmt.Sprintf(" %s= mutating.Step[%s](%d)", sign, kind, id), len(stack))
		}
	}
	return true
}

func (r *rewriter) binary(x *ast.BinaryExpr, stack []ast.Node) {
	depth := len(stack)
	if name := ordered[x.Op]; name != "" {
		_, why := r.kind(x.X, stack)
		edge := r.number(x.OpPos, why, "CONDITIONALS_BOUNDARY")
		not := r.number(x.OpPos, why, "CONDITIONALS_NEGATION")
		if edge+not > 0 {
			r.swap(x.OpPos, x.Op.String(), ",", depth)
			r.wrap(x, fmt.Sprintf("mutating.%s(%d, %d, ", name, edge, not), ")", depth)
		}
		return
	}
	if x.Op == token.EQL || x.Op == token.NEQ {
		if id := r.number(x.OpPos, "", "CONDITIONALS_NEGATION"); id > 0 {
			r.wrap(x, "((", fmt.Sprintf(") != mutating.On(%d))", id), depth)
		}
		return
	}
	if name := arithmetic[x.Op]; name != "" {
		kind, why := r.kind(x, stack)
		if b, ok := r.p.TypesInfo.TypeOf(x).Underlying().(*types.Basic); ok && b.Info()&types.IsString != 0 {
			why = "it joins text"
		}
		if id := r.number(x.OpPos, why, "ARITHMETIC_BASE", "INVERT_NEGATIVES"); id > 0 {
			r.swap(x.OpPos, x.Op.String(), ",", depth)
			r.wrap(x, fmt.Sprintf("mutating.%s[%s](%d, ", name, kind, id), ")", depth)
		}
	}
}

// kind is the type of an expression as it is written in the file, or why a
// mutant of it cannot be switched.
func (r *rewriter) kind(x ast.Expr, stack []ast.Node) (kind, why string) {
	for i, n := range stack {
		switch n := n.(type) {
		case *ast.GenDecl:
			if n.Tok == token.CONST {
				return "", "it is part of a constant"
			}
		case *ast.ArrayType:
			if i+1 < len(stack) && n.Len == stack[i+1] || i+1 == len(stack) && n.Len == x {
				return "", "it is the length of an array"
			}
		}
	}
	t := types.Default(r.p.TypesInfo.TypeOf(x))
	return types.TypeString(t, func(p *types.Package) string {
		if p == r.p.Types {
			return ""
		}
		return p.Name()
	}), ""
}

func (r *rewriter) offset(p token.Pos) int { return r.p.Fset.Position(p).Offset }

// swap replaces an operator.
func (r *rewriter) swap(at token.Pos, old, text string, depth int) {
	r.edits = append(r.edits, edit{from: r.offset(at), to: r.offset(at) + len(old), text: text, depth: depth})
}

// wrap puts text before and after an expression.
func (r *rewriter) wrap(x ast.Expr, before, after string, depth int) {
	r.edits = append(r.edits,
		edit{from: r.offset(x.Pos()), to: r.offset(x.Pos()), text: before, depth: depth},
		edit{from: r.offset(x.End()), to: r.offset(x.End()), text: after, depth: depth, closing: true})
}

// apply is the text of the file with all edits.
func (r *rewriter) apply(text []byte) []byte {
	head := r.offset(r.file.Name.End())
	r.edits = append(r.edits, edit{from: head, to: head, text: "; import \"" + module + "/internal/mutating\""})
	slices.SortStableFunc(r.edits, func(a, b edit) int {
		if a.from != b.from {
			return a.from - b.from
		}
		if a.closing != b.closing { // what ends here ends before anything begins
			if a.closing {
				return -1
			}
			return 1
		}
		if a.closing {
			return b.depth - a.depth
		}
		return cmp.Or(a.depth-b.depth, a.to-b.to)
	})
	var out bytes.Buffer
	at := 0
	for _, e := range r.edits {
		out.Write(text[at:e.from])
		out.WriteString(e.text)
		at = e.to
	}
	out.Write(text[at:])
	return out.Bytes()
}
