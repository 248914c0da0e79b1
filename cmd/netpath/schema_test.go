package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/internal/report"
)

func TestTheSchemasOfTheDocsAreThoseOfTheProgram(t *testing.T) {
	for _, name := range schemaNames {
		b, err := encodeSchema(schemaOf(name, false))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("..", "..", "docs", "schema", name+".schema.json")
		if *update {
			if err := os.WriteFile(file, b, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		old, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(b), string(old)); d != "" {
			t.Errorf("%s; go test ./cmd/netpath -run Schema -update writes it (-program +file):\n%s", file, d)
		}
	}
}

// compiled is a schema of the program that can be asked; part is a definition
// of it, "" for the whole.
func compiled(t *testing.T, name, part string, closed bool) *jsonschema.Schema {
	t.Helper()
	b, err := encodeSchema(schemaOf(name, closed))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schemaURL(name), doc); err != nil {
		t.Fatal(err)
	}
	at := schemaURL(name)
	if part != "" {
		at += "#/$defs/" + part
	}
	s, err := c.Compile(at)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plain is a value as a schema sees it.
func plain(n *doctree.Node) any {
	switch n.Kind {
	case doctree.Object:
		m := map[string]any{}
		for _, x := range n.Members {
			m[x.Key] = plain(x.Value)
		}
		return m
	case doctree.Array:
		list := []any{}
		for _, x := range n.Items {
			list = append(list, plain(x))
		}
		return list
	case doctree.Number:
		return json.Number(n.Text)
	case doctree.Bool:
		return n.Text == "true"
	case doctree.Null:
		return nil
	default:
		return n.Text
	}
}

// Every design and every policy of the fixtures fits its schema.
func TestFixturesFitTheSchemas(t *testing.T) {
	design, policy := compiled(t, "design", "", false), compiled(t, "policy", "", false)
	designs, policies := 0, 0
	err := filepath.WalkDir(filepath.Join("..", "..", "fixtures"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		doc, err := doctree.Read(name, bytes.NewReader(text), doctree.Limits{})
		if err != nil {
			return err
		}
		for _, root := range doc.Roots {
			s := policy
			if root.Get("apiVersion") != nil {
				s = design
				designs++
			} else {
				policies++
			}
			if err := s.Validate(plain(root)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if designs < 4 || policies < 1 {
		t.Errorf("only %d designs and %d policies", designs, policies)
	}
}

// The policy files that the documents show fit the schema, and are read.
func TestPoliciesOfTheDocumentsAreRead(t *testing.T) {
	s := compiled(t, "policy", "", false)
	shown := 0
	for _, name := range []string{"docs/ci.md", "docs/commands/check.md"} {
		for _, m := range yamlBlock.FindAllSubmatch(repositoryFile(t, filepath.FromSlash(name)), -1) {
			root := tree(t, name, m[1])
			if root.Get("assertions") == nil && root.Get("suppressions") == nil {
				continue
			}
			shown++
			if err := s.Validate(plain(root)); err != nil {
				t.Errorf("%s: %v\n%s", name, err, m[1])
			}
			text := string(m[1])
			if root.Get("assertions") == nil {
				text += "assertions: [{id: no-management-from-outside, deny: {from: Internet, to: 'vm:*', ports: 22}}]\n"
			}
			if _, err := policyOf(t, text); err != nil {
				t.Errorf("%s: %v\n%s", name, err, text)
			}
		}
	}
	if shown < 4 {
		t.Errorf("only %d policy files are shown", shown)
	}
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// A key that is none, anywhere in a policy file or a design, is refused by the
// schema and by the program alike.
func TestSchemasRefuseUnknownKeys(t *testing.T) {
	for _, c := range []struct{ name, text string }{{"policy", wholePolicy}, {"design", wholeDesign}} {
		s := compiled(t, c.name, "", false)
		root := plain(tree(t, c.name, []byte(c.text)))
		read := func(v any) error {
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if c.name == "policy" {
				_, err := policyOf(t, string(b))
				return err
			}
			return refusal(t, b)
		}
		if err := s.Validate(root); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if err := read(root); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		objects := 0
		var walk func(v any, at string)
		walk = func(v any, at string) {
			switch v := v.(type) {
			case map[string]any:
				objects++
				if strings.HasSuffix(at, "/tags") {
					return // names of one's own
				}
				v["xyzzy"] = "x"
				if err := s.Validate(root); err == nil {
					t.Errorf("%s: the schema accepts a key that is none at %s", c.name, at)
				}
				if err := read(root); err == nil {
					t.Errorf("%s: the program accepts a key that is none at %s", c.name, at)
				}
				delete(v, "xyzzy")
				for _, key := range slices.Sorted(maps.Keys(v)) {
					walk(v[key], at+"/"+key)
				}
			case []any:
				for i, x := range v {
					walk(x, fmt.Sprintf("%s/%d", at, i))
				}
			}
		}
		walk(root, "")
		if objects < 10 {
			t.Errorf("%s: only %d objects", c.name, objects)
		}
	}
}

// refusal is why the program does not read a design.
func refusal(t *testing.T, text []byte) error {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "design.json"), text, 0o666); err != nil {
		t.Fatal(err)
	}
	if code, out := runInto(t, dir, "effective-routes", dir, "--nic", "n1"); code != exitOK {
		return fmt.Errorf("exit %d: %s", code, out)
	}
	return nil
}

// runInto runs the program with files of the folder as its standard streams,
// and returns what it printed on standard output.
func runInto(t *testing.T, dir string, args ...string) (int, []byte) {
	t.Helper()
	var streams [2]*os.File
	for i, name := range []string{".stdout", ".stderr"} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		streams[i] = f
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	code := newProgram(null, streams[0], streams[1]).run(context.Background(), args)
	b, err := os.ReadFile(streams[0].Name())
	if err != nil {
		t.Fatal(err)
	}
	return code, b
}

const wholePolicy = `
waivers: [{id: CATALOGUE_CURRENT, about: "*", reason: r, owner: o, expires: 2027-01-01}]
serviceTags: {date: 2026-11-20}
suppressions: [{id: a, about: web1, reason: r, owner: o, expires: 2027-01-01}]
assertions:
  - {id: a, reason: r, allow: {from: a1, to: [d1], ports: [443, 80-90], protocol: tcp}}
  - {id: b, deny: {from: [a1], to: "subnet:v1/db", ports: 22}}
  - {id: c, backup-ready: {vms: "*", profiles: [vm-2018]}}
  - {id: d, only: {from: a1, to: b1, ports: 443, protocol: tcp}}
  - {id: e, only: {from: a1, services: [tcp/443, icmp]}}
  - {id: f, no-newly-allowed: {baseline: before}}
  - {id: g, lint: {fail-on: warning, rules: NP1001, without: [NP1002]}}
`

const wholeDesign = `
apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    tags: {env: prod}
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: s, addressPrefix: 10.0.0.0/24, serviceEndpoints: [{service: Microsoft.Storage}]}
    virtualNetworkPeerings: [{remoteVirtualNetwork: v2}]
  - {name: v2, addressPrefixes: [10.1.0.0/16], virtualNetworkPeerings: [{remoteVirtualNetwork: v1}]}
networkSecurityGroups:
  - name: g
    securityRules: [{name: r, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: 443}]
routeTables: [{name: rt, routes: [{name: x, addressPrefix: 0.0.0.0/0, nextHopType: Internet}]}]
virtualMachines:
  - name: m1
    vmSize: {cores: 2, memoryGB: 3.5}
    osDisk: {diskSizeGB: 30, managed: true}
    vmAgent: {installed: true}
    hostFirewall: {inboundDefault: Deny, inbound: [{name: i, access: Allow, protocol: Tcp, localPort: 8080}]}
    proxy: {host: 10.0.0.9, port: 8080}
    networkInterfaces: [{name: n1, subnet: v1/s, privateIPAddress: 10.0.0.4, publicIPAddress: {ipAddress: 198.51.100.9, sku: Standard}}]
`

// documentCommands is a command line for each document, run in the folder of
// the fixtures. OUT is a folder of the test's own.
var documentCommands = map[string][]string{
	"backup":           {"backup", "backup-three-ways"},
	"check":            {"check", "ci-contract/export", "--policy", "ci-contract/netpath.yaml"},
	"diff":             {"diff", "nsg-lockdown", "hub-spoke-nva"},
	"effective-routes": {"effective-routes", "hub-spoke-nva", "--vm", "a1"},
	"effective-rules":  {"effective-rules", "nsg-lockdown", "--nic", "app1-nic"},
	"explain":          {"explain"},
	"fix":              {"fix", "nsg-lockdown", "--from", "app1", "--to", "Internet", "--port", "443", "--want", "allow"},
	"ip-flow":          {"ip-flow", "nsg-lockdown", "--vm", "app1", "--direction", "Outbound", "--local", "10.0.1.4:50000", "--remote", "203.0.113.9:*"},
	"ip-flow --flows":  {"ip-flow", "nsg-lockdown", "--flows", "OUT/flows.csv", "--keep-going"},
	"limits":           {"limits"},
	"lint":             {"lint", "nsg-lockdown"},
	"lint explain":     {"lint", "explain", "NP1001"},
	"lint rules":       {"lint", "rules"},
	"reach --matrix":   {"reach", "nsg-lockdown", "--matrix"},
	"optimize":         {"optimize", "nsg-lockdown"},
	"reach":            {"reach", "nsg-lockdown", "--from", "app1"},
	"redact":           {"redact", "OUT/redacted", "nsg-lockdown"},
	"selftest":         {"selftest"},
	"tags diff":        {"tags", "diff", "ci-contract/export/ServiceTags_Public_20261120.json", "OUT/ServiceTags_Public_20261121.json"},
	"tags list":        {"tags", "list", "--service-tags", "ci-contract/export/ServiceTags_Public_20261120.json"},
	"tags lookup":      {"tags", "lookup", "20.60.26.10", "203.0.113.1", "--service-tags", "ci-contract/export/ServiceTags_Public_20261120.json"},
	"tags show":        {"tags", "show", "Storage.WestEurope", "--service-tags", "ci-contract/export/ServiceTags_Public_20261120.json"},
	"trace":            {"trace", "nsg-lockdown", "--from", "app1", "--to", "Internet", "--all-blockers"},
	"trace --flows":    {"trace", "nsg-lockdown", "--flows", "OUT/trace.csv", "--keep-going"},
	"version":          {"version"},
}

// What every command writes with -o json fits the schema, and has nothing
// beside it.
func TestTheOutputOfEveryCommandFitsTheSchema(t *testing.T) {
	out := t.TempDir()
	tags := repositoryFile(t, "fixtures/ci-contract/export/ServiceTags_Public_20261120.json")
	for name, text := range map[string][]byte{
		"flows.csv":                        []byte("direction,protocol,local,localPort,remote,remotePort\nOutbound,TCP,10.0.1.4,50000,203.0.113.9,443\nOutbound,TCP,nowhere,1,203.0.113.9,443\n"),
		"trace.csv":                        []byte("from,to,protocol,port\napp1,203.0.113.9,tcp,443\nnobody,203.0.113.9,tcp,443\n"),
		"ServiceTags_Public_20261121.json": bytes.Replace(tags, []byte(`"changeNumber": 3,`), []byte(`"changeNumber": 4,`), 1),
	} {
		if err := os.WriteFile(filepath.Join(out, name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	open := compiled(t, "output", "", false)
	t.Chdir(filepath.Join("..", "..", "fixtures"))
	described := map[string]bool{}
	for _, d := range report.Documents() {
		name, _, _ := strings.Cut(d.Command, " --")
		described[name] = true
		t.Run(d.Command, func(t *testing.T) {
			line, ok := documentCommands[d.Command]
			if !ok {
				t.Fatal("the test has no command line of it")
			}
			var args []string
			for _, a := range line {
				args = append(args, strings.Replace(a, "OUT", out, 1))
			}
			dir := t.TempDir()
			code, b := runInto(t, dir, append(args, "-o", "json")...)
			if len(b) == 0 {
				said, _ := os.ReadFile(filepath.Join(dir, ".stderr"))
				t.Fatalf("exit %d\n%s", code, said)
			}
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if err := compiled(t, "output", documentName(d.Command), true).Validate(doc); err != nil {
				t.Errorf("%v\n%s", err, b)
			}
			if err := open.Validate(doc); err != nil {
				t.Errorf("as any document: %v", err)
			}
		})
	}
	for _, c := range commands() {
		name := strings.TrimPrefix(c.CommandPath(), "netpath ")
		if c.HasSubCommands() || strings.HasPrefix(name, "completion") || name == "schema" || name == "init" {
			continue // writes no document
		}
		if !described[name] {
			t.Errorf("the document of %s is not among those of the schema", name)
		}
	}
}
