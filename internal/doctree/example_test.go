package doctree_test

import (
	"fmt"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
)

func ExampleStream() {
	const export = `{
  "value": [
    {"name": "nsg-app", "properties": {"securityRules": []}},
    {"name": "nsg-db"}
  ],
  "nextLink": "https://management.azure.com/…"
}`
	env, err := doctree.Stream("nsg.json", strings.NewReader(export), doctree.Limits{}, func(_ *doctree.Envelope, n *doctree.Node) error {
		name := n.Get("name")
		fmt.Printf("line %d, %s: %s\n", name.Pos.Line, name.Pointer(), name.Text)
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(env.Elements, "elements; more follow:", env.Fold("nextLink") != nil)
	// Output:
	// line 3, /value/0/name: nsg-app
	// line 4, /value/1/name: nsg-db
	// 2 elements; more follow: true
}

func ExampleRead_refusal() {
	_, err := doctree.Read("design.yaml", strings.NewReader("rules:\n- name: web\n  sourcePortRange: *\n"), doctree.Limits{})
	fmt.Println(err)
	// Output:
	// design.yaml:3:20: expected a value, found "*"; a text that begins with * must be quoted: quote it ("*")
}
