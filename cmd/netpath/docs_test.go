package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const docs = "../../docs/commands"

// commands lists every command of the program but help, the root first.
func commands() []*cobra.Command {
	root := newProgram(os.Stdin, os.Stdout, os.Stderr).rootCommand()
	root.InitDefaultCompletionCmd()
	var list []*cobra.Command
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Name() == "help" || c.Hidden {
			return
		}
		list = append(list, c)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	return list
}

// page is the file that documents a command: that of the command right below
// netpath, README.md for netpath itself.
func page(c *cobra.Command) string {
	words := strings.Fields(c.CommandPath())
	if len(words) == 1 {
		return "README.md"
	}
	return words[1] + ".md"
}

var (
	flagBlock = regexp.MustCompile(`(?s)<!-- flags: ([^>]*) -->\n(.*?)<!-- end of flags -->`)
	listBlock = regexp.MustCompile(`(?s)<!-- commands -->\n(.*?)<!-- end of commands -->`)
)

// flagTable is a Markdown table of the flags that a command has of its own.
func flagTable(c *cobra.Command) string {
	var b strings.Builder
	flags := c.NonInheritedFlags()
	if c.Root() == c {
		flags = c.PersistentFlags()
	}
	flags.SortFlags = false
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if value != "" {
			name += " " + strings.ToUpper(value)
		}
		if d := f.DefValue; f.Value.Type() == "string" && d != "" {
			usage += " (default " + d + ")"
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, strings.ReplaceAll(usage, "|", `\|`))
	})
	if b.Len() == 0 {
		return "None of its own.\n"
	}
	return "| flag | meaning |\n|---|---|\n" + b.String()
}

func commandTable(list []*cobra.Command) string {
	var b strings.Builder
	b.WriteString("| command | what it answers |\n|---|---|\n")
	for _, c := range list {
		if len(strings.Fields(c.CommandPath())) == 2 {
			fmt.Fprintf(&b, "| [`%s`](%s) | %s |\n", c.CommandPath(), page(c), c.Short)
		}
	}
	return b.String()
}

func TestEveryPageListsExactlyTheFlagsOfItsCommands(t *testing.T) {
	list := commands()
	byPath := map[string]*cobra.Command{}
	want := map[string][]string{}
	for _, c := range list {
		byPath[c.CommandPath()] = c
		want[page(c)] = append(want[page(c)], c.CommandPath())
	}
	for name, paths := range want {
		file := filepath.Join(docs, name)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%v: %s has no page", err, strings.Join(paths, ", "))
			continue
		}
		var described []string
		fresh := flagBlock.ReplaceAllStringFunc(string(text), func(block string) string {
			path := flagBlock.FindStringSubmatch(block)[1]
			c := byPath[path]
			if c == nil {
				t.Errorf("%s has flags of %q, which is no command", name, path)
				return block
			}
			described = append(described, path)
			return "<!-- flags: " + path + " -->\n" + flagTable(c) + "<!-- end of flags -->"
		})
		if name == "README.md" {
			fresh = listBlock.ReplaceAllLiteralString(fresh, "<!-- commands -->\n"+commandTable(list)+"<!-- end of commands -->")
		}
		slices.Sort(paths)
		slices.Sort(described)
		if d := cmp.Diff(paths, described); d != "" {
			t.Errorf("%s: flags: marks (-program +page):\n%s", name, d)
		}
		if *update {
			if err := os.WriteFile(file, []byte(fresh), 0o666); err != nil {
				t.Fatal(err)
			}
		} else if d := cmp.Diff(fresh, string(text)); d != "" {
			t.Errorf("%s; go test ./cmd/netpath -run Page -update rewrites the tables (-program +page):\n%s", name, d)
		}
	}
	entries, err := os.ReadDir(docs)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if want[e.Name()] == nil {
			t.Errorf("%s is the page of no command", e.Name())
		}
	}
}

func TestEveryCommandHasExamples(t *testing.T) {
	for _, c := range commands() {
		if c.HasParent() && c.Parent().Name() == "completion" || c.Name() == "completion" {
			continue // cobra's own, with the lines to type in their texts
		}
		if !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("%s --help shows no example", c.CommandPath())
		}
	}
}

func TestFlagsOfOneNameMeanTheSameEverywhere(t *testing.T) {
	usage := map[string]string{}
	for _, c := range commands() {
		c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
			switch f.Name {
			case "help", "nic", "vm", "nsg", "region", "flows", "from", "to", "no-proxy", "emit", "fail-on", "no-descriptions": // each command says what it asks of it
				return
			}
			if old, ok := usage[f.Name]; ok && old != f.Usage {
				t.Errorf("--%s of %s: %q, elsewhere %q", f.Name, c.CommandPath(), f.Usage, old)
			}
			usage[f.Name] = f.Usage
		})
	}
}
