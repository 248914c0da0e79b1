package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology"
)

// column is a named field of a flow.
type column struct {
	name     string
	required bool
}

// The columns of ip-flow and of trace; in NDJSON they are the keys.
func ipFlowColumns() []column {
	return []column{
		{"direction", true}, {"protocol", true}, {"local", true}, {"localPort", false},
		{"remote", true}, {"remotePort", false}, {"nsg", false}, {"nic", false},
	}
}

func traceColumns() []column {
	return []column{{"from", true}, {"to", true}, {"protocol", false}, {"port", false}, {"sourcePort", false}}
}

// ipFlowOf makes a question of the fields of one flow, in the order of
// ipFlowColumns; a flow that names no gate has that of base.
func ipFlowOf(f []string, base sim.IPFlowQuestion) (q sim.IPFlowQuestion, err error) {
	q = base
	if q.Direction, err = parseDirection(f[0]); err != nil {
		return q, err
	}
	if q.Protocol, err = parseProtocol(f[1]); err != nil {
		return q, err
	}
	if q.Local, err = makeEndpoint(f[2], f[3]); err != nil {
		return q, fmt.Errorf("local: %w", err)
	}
	if q.Remote, err = makeEndpoint(f[4], f[5]); err != nil {
		return q, fmt.Errorf("remote: %w", err)
	}
	switch nsg, nic := f[6], f[7]; {
	case nsg != "" && nic != "":
		return q, fmt.Errorf("nsg and nic are both given; a flow asks one of them")
	case nsg != "":
		q.NSG, q.Interface, q.VM = nsg, "", ""
	case nic != "":
		q.NSG, q.Interface, q.VM = "", nic, ""
	}
	return q, checkFlow(&q)
}

// traceOf makes a question of the fields of one flow, in the order of
// traceColumns.
func traceOf(f []string, base sim.TraceQuestion) (q sim.TraceQuestion, err error) {
	q = base
	q.From, q.To = f[0], f[1]
	q.Protocol = topology.TCP
	if q.From == "" || q.To == "" {
		return q, fmt.Errorf("from and to must both be given")
	}
	if f[2] != "" {
		if q.Protocol, err = parseProtocol(f[2]); err != nil {
			return q, err
		}
	}
	if q.Port, q.AnyPort, err = parsePort(f[3]); err != nil {
		return q, err
	}
	var any bool
	if q.SourcePort, any, err = parsePort(f[4]); err != nil {
		return q, fmt.Errorf("source %w", err)
	}
	q.FixedSource = !any
	return q, checkTrace(&q)
}

// flowFormat splits the lines of a file of flows into fields.
type flowFormat struct {
	columns []column
	order   []int // CSV: for each field of a line its column
	json    bool
}

// csvFormat reads the header of a CSV file.
func csvFormat(columns []column, header []byte) (*flowFormat, error) {
	names, err := splitCSV(header, nil)
	if err != nil {
		return nil, err
	}
	f := &flowFormat{columns: columns}
	known := make([]string, len(columns))
	for i, c := range columns {
		known[i] = c.name
	}
	for _, n := range names {
		i := slices.IndexFunc(columns, func(c column) bool { return strings.EqualFold(c.name, strings.TrimSpace(n)) })
		if i < 0 {
			return nil, fmt.Errorf("the header has an unknown column %q; known: %s%s", n, strings.Join(known, ", "), didYouMean(n, known))
		}
		if slices.Contains(f.order, i) {
			return nil, fmt.Errorf("the header has the column %s twice", columns[i].name)
		}
		f.order = append(f.order, i)
	}
	for i, c := range columns {
		if c.required && !slices.Contains(f.order, i) {
			return nil, fmt.Errorf("the header has no column %s; expected %s", c.name, strings.Join(known, ","))
		}
	}
	return f, nil
}

// fields splits a line into the values of the columns, "" where one is
// absent. The slice is reused by the next call with the same buffer.
func (f *flowFormat) fields(line []byte, buf *fieldBuffer) ([]string, error) {
	buf.values = append(buf.values[:0], make([]string, len(f.columns))...)
	if f.json {
		return buf.values, f.object(line, buf.values)
	}
	var err error
	if buf.split, err = splitCSV(line, buf.split[:0]); err != nil {
		return nil, err
	}
	if len(buf.split) != len(f.order) {
		return nil, fmt.Errorf("%d fields where the header has %d", len(buf.split), len(f.order))
	}
	for i, v := range buf.split {
		buf.values[f.order[i]] = strings.TrimSpace(v)
	}
	return buf.values, nil
}

// fieldBuffer is memory that the lines of a block share.
type fieldBuffer struct {
	values, split []string
}

// splitCSV splits one line at its commas. Only a line with quotes takes the
// full grammar.
func splitCSV(line []byte, out []string) ([]string, error) {
	if bytes.IndexByte(line, '"') >= 0 {
		r := csv.NewReader(bytes.NewReader(line))
		r.FieldsPerRecord = -1
		record, err := r.Read()
		if err != nil {
			return nil, fmt.Errorf("not a line of CSV: a quote is not closed or stands inside of a field")
		}
		return append(out, record...), nil
	}
	s := string(line)
	for {
		field, rest, more := strings.Cut(s, ",")
		out = append(out, field)
		if !more {
			return out, nil
		}
		s = rest
	}
}

// object reads one JSON object whose keys are the columns.
func (f *flowFormat) object(line []byte, values []string) error {
	d := jsontext.NewDecoder(bytes.NewReader(line))
	tok, err := d.ReadToken()
	if err != nil || tok.Kind() != '{' {
		return fmt.Errorf("expected a JSON object on one line")
	}
	for d.PeekKind() != '}' {
		key, err := d.ReadToken()
		if err != nil {
			return fmt.Errorf("not JSON: %w", jsonError(err))
		}
		name := key.String()
		i := slices.IndexFunc(f.columns, func(c column) bool { return c.name == name })
		if i < 0 {
			known := make([]string, len(f.columns))
			for i, c := range f.columns {
				known[i] = c.name
			}
			return fmt.Errorf("unknown key %q; known: %s%s", name, strings.Join(known, ", "), didYouMean(name, known))
		}
		v, err := d.ReadToken()
		if err != nil {
			return fmt.Errorf("not JSON: %w", jsonError(err))
		}
		switch v.Kind() {
		case '"', '0':
			values[i] = v.String()
		case 'n':
		default:
			return fmt.Errorf("%s: expected a string or a number", name)
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return fmt.Errorf("not JSON: %w", jsonError(err))
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return fmt.Errorf("expected one JSON object on the line")
	}
	for i, c := range f.columns {
		if c.required && values[i] == "" {
			return fmt.Errorf("%s is missing", c.name)
		}
	}
	return nil
}

// jsonError is the tokenizer's error without its own prefix.
func jsonError(err error) error {
	return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "jsontext: "))
}
