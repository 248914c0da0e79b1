package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/spf13/cobra"

	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/internal/schema"
	"github.com/netpath/netpath/sim/flow"
	rules "github.com/netpath/netpath/sim/policy"
	"github.com/netpath/netpath/topology/load/design"
)

// schemaNames are the JSON Schemas that there are, each a file of docs/schema.
var schemaNames = []string{"design", "policy", "output"}

func (p *program) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema design|policy|output",
		Short: "Print the JSON Schema of a file that netpath reads or writes",
		Long: `schema prints a JSON Schema (draft 2020-12): of design files, of the policy file
netpath.yaml, or of what the commands write with -o json. The same schemas stand in
docs/schema; an editor takes one by a line in the file:

  # yaml-language-server: $schema=` + schemaURL("policy"),
		Example: `  netpath schema policy > policy.schema.json
  netpath schema output`,
		ValidArgs: schemaNames,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("%s needs one of design, policy, output", cmd.CommandPath())
			}
			_, err := oneOf("schema", args[0], schemaNames...)
			return err
		},
		RunE: do(func(_ *cobra.Command, args []string) error {
			b, err := encodeSchema(schemaOf(args[0], false))
			if err != nil {
				return err
			}
			return p.writeOut(b)
		}),
	}
}

// writeOut writes to standard output.
func (p *program) writeOut(b []byte) error {
	_, err := outputWriter{p.stdout}.Write(b)
	return err
}

func schemaURL(name string) string {
	return "https://raw.githubusercontent.com/netpath/netpath/main/docs/schema/" + name + ".schema.json"
}

func encodeSchema(s schema.Schema) ([]byte, error) {
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}

// schemaOf is the schema of that name. Closed, it refuses what it does not
// know; what is printed of output is open, since fields may be added.
func schemaOf(name string, closed bool) schema.Schema {
	var s schema.Schema
	m := &schema.Maker{Closed: closed || name != "output"}
	switch name {
	case "design":
		s = designSchema(m)
	case "policy":
		s = policySchema(m)
	default:
		s = outputSchema(m)
	}
	s["$schema"], s["$id"], s["title"], s["$defs"] = schema.Dialect, schemaURL(name), "netpath "+name, m.Defs
	return s
}

func either(list ...schema.Schema) schema.Schema { return schema.Schema{"anyOf": list} }

func listOf(s schema.Schema) schema.Schema { return schema.Schema{"type": "array", "items": s} }

// text is any text, scalar one that may also be written as a number.
func text() schema.Schema   { return schema.Schema{"type": "string"} }
func scalar() schema.Schema { return schema.Schema{"type": []string{"string", "integer"}} }

func designSchema(m *schema.Maker) schema.Schema {
	values := map[reflect.Type]schema.Schema{
		reflect.TypeFor[design.Text]():      text(),
		reflect.TypeFor[design.Texts]():     either(text(), listOf(text())),
		reflect.TypeFor[design.Number]():    scalar(),
		reflect.TypeFor[design.Quantity]():  {"type": "number"},
		reflect.TypeFor[design.Bool]():      {"type": "boolean"},
		reflect.TypeFor[design.Name]():      text(),
		reflect.TypeFor[design.Names]():     either(text(), listOf(text())),
		reflect.TypeFor[design.Address]():   text(),
		reflect.TypeFor[design.Addresses](): either(text(), listOf(text())),
		reflect.TypeFor[design.Prefixes]():  either(text(), listOf(text())),
		reflect.TypeFor[design.Match]():     text(),
		reflect.TypeFor[design.Matches]():   either(text(), listOf(text())),
		reflect.TypeFor[design.Ports]():     either(scalar(), listOf(scalar())),
		reflect.TypeFor[design.Labels]():    {"type": "object", "additionalProperties": schema.Schema{"type": []string{"string", "number", "boolean"}}},
	}
	var bare []reflect.Type // whose objects are being made
	m.Special = func(t reflect.Type) schema.Schema {
		if s := values[t]; s != nil {
			return maps.Clone(s)
		}
		if design.MayBeBare(t) && !slices.Contains(bare, t) {
			bare = append(bare, t)
			object := m.Of(t)
			bare = bare[:len(bare)-1]
			return either(text(), object)
		}
		return nil
	}
	s := m.Of(reflect.TypeFor[design.File]())
	m.Defs["design.File"]["properties"].(map[string]schema.Schema)["apiVersion"] = schema.Schema{"const": "netpath/v1"}
	return s
}

func policySchema(m *schema.Maker) schema.Schema {
	values := map[reflect.Type]schema.Schema{
		reflect.TypeFor[dateText]():    {"type": "string", "pattern": `^\d{4}-\d{2}-\d{2}$`},
		reflect.TypeFor[textOrList]():  either(text(), schema.Schema{"type": "array", "items": text(), "minItems": 1}),
		reflect.TypeFor[portsOrList](): either(scalar(), schema.Schema{"type": "array", "items": scalar(), "minItems": 1}),
	}
	m.Special = func(t reflect.Type) schema.Schema { return maps.Clone(values[t]) }
	s := m.Of(reflect.TypeFor[policyFile]())
	var kinds []schema.Schema
	for _, kind := range assertionKinds {
		kinds = append(kinds, schema.Schema{"required": []string{kind}})
	}
	m.Defs["assertionFile"]["oneOf"] = kinds
	var assumptions []string
	for _, id := range flow.AssumptionIDs() {
		assumptions = append(assumptions, string(id))
	}
	m.Defs["waiverFile"]["properties"].(map[string]schema.Schema)["id"]["enum"] = assumptions
	return s
}

// outputSchema has a definition for the document of each command.
func outputSchema(m *schema.Maker) schema.Schema {
	m.Special = func(t reflect.Type) schema.Schema {
		switch t {
		case reflect.TypeFor[flow.Verdict]():
			return schema.Schema{"enum": words(flow.Unknown, flow.Allow, flow.Deny, flow.Split)}
		case reflect.TypeFor[rules.Verdict]():
			return schema.Schema{"enum": words(rules.Pass, rules.Suppressed, rules.Unknown, rules.Fail)}
		}
		return nil
	}
	var all []schema.Schema
	for _, d := range report.Documents() {
		s := m.Of(reflect.TypeOf(d.Value))
		if ref, ok := s["$ref"].(string); ok {
			s = maps.Clone(m.Defs[ref[len("#/$defs/"):]])
		}
		properties := maps.Clone(s["properties"].(map[string]schema.Schema))
		properties["schemaVersion"] = schema.Schema{"type": "string", "pattern": `^1\.`}
		properties["exitCodes"] = schema.Schema{"description": "Every exit code that the run came to, the worst first; absent for 0.", "type": "array", "items": schema.Schema{"type": "integer"}}
		required, _ := s["required"].([]string)
		s["properties"], s["required"], s["title"] = properties, append([]string{"schemaVersion"}, required...), "netpath "+d.Command+" -o json"
		name := documentName(d.Command)
		m.Defs[name] = s
		all = append(all, schema.Schema{"$ref": "#/$defs/" + name})
	}
	return schema.Schema{"anyOf": all}
}

// documentName is the definition of a command's document.
func documentName(command string) string {
	out := []byte(command)
	for i, c := range out {
		if c == ' ' {
			out[i] = '_'
		}
	}
	return string(out)
}

func words[T fmt.Stringer](list ...T) []string {
	var out []string
	for _, v := range list {
		out = append(out, v.String())
	}
	return out
}
