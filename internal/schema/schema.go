// Package schema makes JSON Schemas (draft 2020-12) of the Go types that
// documents are read into or written from.
package schema

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Schema is a JSON Schema as it is encoded: keywords with their values.
type Schema map[string]any

// Dialect is the value of $schema.
const Dialect = "https://json-schema.org/draft/2020-12/schema"

// Maker makes schemas that share their definitions. The zero value makes open
// ones, in which objects may have further properties.
type Maker struct {
	Closed bool // objects have no property that is not in the schema
	// Special is the schema of a type that its Go type does not tell; nil for
	// all others.
	Special func(reflect.Type) Schema
	Defs    map[string]Schema // of named structs, by package and name; of package main by name
}

// Of is the schema of a type. A named struct is a definition, which the schema
// refers to; a doc tag of a field is its description, one of a blank field
// that of the struct. A pointer that is not left out may be null, and so may a
// field tagged schema:"nullable".
func (m *Maker) Of(t reflect.Type) Schema {
	if m.Special != nil {
		if s := m.Special(t); s != nil {
			return s
		}
	}
	switch {
	case t.Kind() == reflect.Pointer:
		return m.Of(t.Elem())
	case implements[json.Marshaler](t):
		panic(fmt.Sprintf("schema: %v writes its own JSON: say which in Special", t)) // a mistake of ours
	case implements[encoding.TextMarshaler](t):
		return Schema{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Struct:
		if t.Name() == "" {
			return m.object(t)
		}
		return m.named(t)
	case reflect.Slice, reflect.Array:
		return Schema{"type": "array", "items": m.Of(t.Elem())}
	case reflect.Map:
		return Schema{"type": "object", "additionalProperties": m.Of(t.Elem())}
	case reflect.String:
		return Schema{"type": "string"}
	case reflect.Bool:
		return Schema{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return Schema{"type": "number"}
	case reflect.Interface:
		return Schema{}
	default:
		return Schema{"type": "integer"}
	}
}

func implements[T any](t reflect.Type) bool {
	want := reflect.TypeFor[T]()
	return t.Kind() != reflect.Interface && (t.Implements(want) || reflect.PointerTo(t).Implements(want))
}

func (m *Maker) named(t reflect.Type) Schema {
	name := strings.TrimPrefix(t.String(), "main.")
	if m.Defs == nil {
		m.Defs = map[string]Schema{}
	}
	if m.Defs[name] == nil {
		m.Defs[name] = Schema{} // a type may hold itself
		m.Defs[name] = m.object(t)
	}
	return Schema{"$ref": "#/$defs/" + name}
}

// object is the schema of a struct.
func (m *Maker) object(t reflect.Type) Schema {
	properties := map[string]Schema{}
	required := []string{}
	s := Schema{"type": "object", "properties": properties}
	m.fields(t, s, properties, &required)
	if len(required) > 0 {
		s["required"] = required
	}
	if m.Closed {
		s["additionalProperties"] = false
	}
	return s
}

func (m *Maker) fields(t reflect.Type, s Schema, properties map[string]Schema, required *[]string) {
	for f := range t.Fields() {
		key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case f.Name == "_":
			s["description"] = f.Tag.Get("doc")
			continue
		case key == "-":
			continue
		case f.Anonymous && key == "" && inner.Kind() == reflect.Struct:
			m.fields(inner, s, properties, required)
			continue
		case !f.IsExported():
			continue
		case key == "":
			key = f.Name
		}
		may := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		p := m.Of(f.Type)
		if f.Type.Kind() == reflect.Pointer && !may || f.Tag.Get("schema") == "nullable" {
			p = Schema{"anyOf": []Schema{p, {"type": "null"}}}
		}
		if doc := f.Tag.Get("doc"); doc != "" {
			q := Schema{"description": doc}
			for k, v := range p {
				q[k] = v
			}
			p = q
		}
		properties[key] = p
		if !may {
			*required = append(*required, key)
		}
	}
}
