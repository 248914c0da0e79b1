package design

import (
	"reflect"
	"slices"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology/load/source"
)

// bind fills a struct from an object: each key must be a field's, in any
// letter case, and each required field (no omitempty) must have a value. A
// bare scalar where an object is due fills the field named by short.
func bind(f *source.File, n *doctree.Node, v reflect.Value) {
	if f.Err != nil {
		return
	}
	if at := v.FieldByName("At"); at.IsValid() && at.CanSet() {
		at.Set(reflect.ValueOf(n))
	}
	fields := fieldsOf(v)
	if n.Kind == doctree.String || n.Kind == doctree.Number {
		if short, ok := shorthand[v.Type()]; ok {
			set(f, n, fields[strings.ToLower(short)].value)
			return
		}
	}
	if n.Kind != doctree.Object {
		f.Refuse(n, "expected an object", "")
		return
	}
	for i := range n.Members {
		m := &n.Members[i]
		field, ok := fields[strings.ToLower(m.Key)]
		if !ok {
			unknownKey(f, n, m, fields)
			return
		}
		field.given = !source.IsNull(m.Value)
		set(f, m.Value, field.value)
	}
	for _, field := range fields {
		if field.required && !field.given && f.Err == nil {
			key := firstMissing(fields)
			if null := n.Fold(key); null != nil {
				f.Refuse(null, "expected a value", "")
			} else {
				f.RefuseAt(n, "expected "+key, "")
			}
		}
	}
}

// shorthand names the field that a bare value in place of an object means.
var shorthand = map[reflect.Type]string{
	reflect.TypeFor[ServiceEndpoint](): "service",
	reflect.TypeFor[Interface]():       "name",
	reflect.TypeFor[Size]():            "name",
	reflect.TypeFor[PublicIPAddress](): "name",
}

// MayBeBare reports whether a value of the type may be written as one bare
// text in place of an object.
func MayBeBare(t reflect.Type) bool {
	_, ok := shorthand[t]
	return ok
}

type field struct {
	key             string
	value           reflect.Value
	required, given bool
}

func fieldsOf(v reflect.Value) map[string]*field {
	out := map[string]*field{}
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		if sf.Anonymous {
			for k, fl := range fieldsOf(v.Field(i)) {
				out[k] = fl
			}
			continue
		}
		key, opt, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if key == "" || key == "-" {
			continue
		}
		out[strings.ToLower(key)] = &field{key: key, value: v.Field(i), required: opt != "omitempty"}
	}
	return out
}

// firstMissing names the required fields without a value, in order.
func firstMissing(fields map[string]*field) string {
	best := ""
	for _, fl := range fields {
		if fl.required && !fl.given && (best == "" || fl.key < best) {
			best = fl.key
		}
	}
	return best
}

func set(f *source.File, n *doctree.Node, v reflect.Value) {
	if source.IsNull(n) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		bind(f, n, v.Elem())
	case reflect.Slice:
		if n.Kind != doctree.Array {
			f.Refuse(n, "expected a list", "")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items)))
		for i, it := range n.Items {
			bind(f, it, v.Index(i))
		}
	default: // a struct with the one field N
		v.Field(0).Set(reflect.ValueOf(n))
	}
}

func unknownKey(f *source.File, n *doctree.Node, m *doctree.Member, fields map[string]*field) {
	var known []string
	for _, fl := range fields {
		known = append(known, fl.key)
	}
	slices.Sort(known)
	e := source.Refusal(f.Name, m.Value, "expected a known key", "")
	e.Pos, e.Found = m.Pos, source.Quote(m.Key)
	if near := source.Nearest(m.Key, known); near != "" {
		e.Hint = "did you mean " + near + "?"
	}
	f.Err = e
}
