package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/netpath/netpath/sim"
)

// object writes one JSON value: indented as a document, on one line as
// NDJSON.
func (w *Writer) object(v any) error {
	b, err := encode(v, w.opt.Format == JSON)
	if err != nil {
		return err
	}
	_, err = w.out.Write(b)
	return err
}

// encode is the JSON of v with a line end. HTML is left as it is; characters
// that could steer a terminal are written as \u escapes.
func encode(v any, indent bool) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if indent {
		e.SetIndent("", "  ")
	}
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return escapeJSON(b.Bytes()), nil
}

// escapeJSON writes the hostile characters of JSON text as escapes. Outside
// of strings JSON has none beyond line ends and blanks, and inside the encoder
// has escaped those below 0x20.
func escapeJSON(b []byte) []byte {
	hostileAt := func(b []byte) int {
		for i := 0; i < len(b); {
			if b[i] < 0x7f {
				i++
				continue
			}
			r, n := utf8.DecodeRune(b[i:])
			if hostile(r) {
				return i
			}
			i += n
		}
		return -1
	}
	i := hostileAt(b)
	if i < 0 {
		return b
	}
	out := make([]byte, 0, len(b)+32)
	for ; i >= 0; i = hostileAt(b) {
		r, n := utf8.DecodeRune(b[i:])
		out = append(out, b[:i]...)
		out = appendUnicodeEscape(out, r)
		b = b[i+n:]
	}
	return append(out, b...)
}

func appendUnicodeEscape(out []byte, r rune) []byte {
	if r < 0x10000 {
		return fmt.Appendf(out, `\u%04x`, r)
	}
	r -= 0x10000
	return fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
}

// versioned puts schemaVersion before the fields of an answer.
type versioned[T any] struct {
	SchemaVersion string `json:"schemaVersion"`
	Answer        T      `json:"-"`
}

// MarshalJSON writes the version and then the answer's own fields.
func (v versioned[T]) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v.Answer); err != nil {
		return nil, err
	}
	body := bytes.TrimSpace(b.Bytes())
	out := append([]byte(`{"schemaVersion":`), '"')
	out = append(out, v.SchemaVersion...)
	out = append(out, '"')
	if len(body) > len("{}") {
		out = append(out, ',')
	}
	return append(out, body[1:]...), nil
}

func withVersion[T any](v T) versioned[T] { return versioned[T]{SchemaVersion, v} }

// The lists that the contract promises are [], never null.

func fullTrace(t *sim.Trace) *sim.Trace {
	c := *t
	c.Outcome = fullOutcome(c.Outcome)
	c.Parts = fullParts(c.Parts)
	return &c
}

func fullFlow(f *sim.IPFlow) *sim.IPFlow {
	c := *f
	c.Evaluated = list(slices.Clone(c.Evaluated))
	for i := range c.Evaluated {
		c.Evaluated[i].Rules = list(c.Evaluated[i].Rules)
	}
	c.Codes = list(c.Codes)
	c.Assumptions = list(c.Assumptions)
	c.Origins = list(c.Origins)
	c.Hops = list(c.Hops)
	c.Parts = fullParts(c.Parts)
	return &c
}

func fullOutcome(o sim.Outcome) sim.Outcome {
	o.Hops = list(o.Hops)
	o.Assumptions = list(o.Assumptions)
	return o
}

func fullParts(parts []sim.Part) []sim.Part {
	parts = slices.Clone(parts)
	for i := range parts {
		parts[i].Outcome = fullOutcome(parts[i].Outcome)
	}
	return parts
}

// list is the slice, or an empty one for nil.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
