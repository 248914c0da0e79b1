package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
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

// versioned puts schemaVersion before the fields of an answer, and the exit
// codes of the run after them where there are any.
type versioned struct {
	answer    any // encodes as an object
	exitCodes []int
}

// MarshalJSON writes the answer's own fields between the two.
func (v versioned) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v.answer); err != nil {
		return nil, err
	}
	fields := bytes.TrimSpace(b.Bytes())
	fields = fields[1 : len(fields)-1]
	out := []byte(`{"schemaVersion":"` + SchemaVersion + `"`)
	if len(fields) > 0 {
		out = append(append(out, ','), fields...)
	}
	return append(appendExitCodes(out, v.exitCodes), '}'), nil
}

// appendExitCodes appends the field exitCodes, nothing for a run that ends
// with 0.
func appendExitCodes(b []byte, codes []int) []byte {
	if len(codes) == 0 {
		return b
	}
	b = append(b, `,"exitCodes":[`...)
	for i, c := range codes {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(c), 10)
	}
	return append(b, ']')
}

func (w *Writer) versioned(answer any) error {
	return w.object(versioned{answer, w.opt.ExitCodes})
}

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
