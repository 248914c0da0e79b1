package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manDate is the date that the manual pages bear.
const manDate = "November 2026"

// manPage is the manual page of a command, and its file.
func manPage(c *cobra.Command) (file string, text []byte) {
	name := strings.ReplaceAll(c.CommandPath(), " ", "-")
	var b bytes.Buffer
	macro := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	macro(`.TH "%s" "1" "%s" "netpath" "netpath"`, strings.ToUpper(roff(name)), manDate)
	macro(".SH NAME")
	macro(`%s \- %s`, roff(name), roff(c.Short))
	macro(".SH SYNOPSIS\n.nf")
	macro("%s", roff(c.UseLine()))
	macro(".fi\n.SH DESCRIPTION")
	description := c.Long
	if description == "" {
		description = c.Short + "."
	}
	manText(macro, description)
	own, inherited := manFlags(c.NonInheritedFlags()), manFlags(c.InheritedFlags())
	for _, part := range []struct{ title, text string }{{"OPTIONS", own}, {"OPTIONS OF EVERY COMMAND", inherited}} {
		if part.text != "" {
			macro(".SH %s\n%s", part.title, strings.TrimSuffix(part.text, "\n"))
		}
	}
	if c.Example != "" {
		macro(".SH EXAMPLES")
		manText(macro, c.Example)
	}
	var also []string
	if c.HasParent() {
		also = append(also, c.Parent().CommandPath())
	}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "completion" {
			also = append(also, sub.CommandPath())
		}
	}
	if len(also) > 0 {
		macro(".SH SEE ALSO")
		for i, path := range also {
			comma := ","
			if i == len(also)-1 {
				comma = ""
			}
			macro(`.BR %s (1)%s`, roff(strings.ReplaceAll(path, " ", "-")), comma)
		}
	}
	return name + ".1", b.Bytes()
}

// manText writes paragraphs; lines that begin with blanks stay as they are.
func manText(macro func(string, ...any), text string) {
	for _, block := range strings.Split(strings.Trim(text, "\n"), "\n\n") {
		macro(".PP")
		asIs := false
		for line := range strings.SplitSeq(block, "\n") {
			if indented := strings.HasPrefix(line, "  "); indented != asIs {
				if asIs = indented; asIs {
					macro(".nf")
				} else {
					macro(".fi")
				}
			}
			macro("%s", roff(line))
		}
		if asIs {
			macro(".fi")
		}
	}
}

func manFlags(flags *pflag.FlagSet) string {
	var b strings.Builder
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
		fmt.Fprintf(&b, ".TP\n\\fB%s\\fR", roff(name))
		if value != "" {
			fmt.Fprintf(&b, " \\fI%s\\fR", roff(value))
		}
		fmt.Fprintf(&b, "\n%s\n", roff(usage))
	})
	return b.String()
}

// roff escapes a line of text.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "→", `\(->`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}

// Every command has its manual page in docs/man, and no page is of another.
func TestManPagesAreThoseOfTheProgram(t *testing.T) {
	dir := filepath.Join("..", "..", "docs", "man")
	want := map[string][]byte{}
	for _, c := range commands() {
		if c.Name() == "completion" || c.HasParent() && c.Parent().Name() == "completion" {
			continue // cobra's own
		}
		name, text := manPage(c)
		want[name] = text
	}
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		for name, text := range want {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if want[e.Name()] == nil {
			t.Errorf("%s is the manual page of no command", e.Name())
		}
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		} else if d := cmp.Diff(string(text), string(got)); d != "" {
			t.Errorf("%s; go test ./cmd/netpath -run Page -update writes it (-program +file):\n%s", name, d)
		}
	}
}

// The archives of a release hold the manual pages, and completions that the
// program writes: the commands that write them run, and what they write is
// what their shell takes.
func TestReleasesHoldManPagesAndCompletions(t *testing.T) {
	config := tree(t, ".goreleaser.yaml", repositoryFile(t, ".goreleaser.yaml"))
	var files []string
	for _, n := range config.Get("archives").Items[0].Get("files").Items {
		files = append(files, n.Text)
	}
	list := strings.Join(files, " ")
	for _, want := range []string{"LICENSE", "docs/man/*", "completions/*"} {
		if !strings.Contains(list, want) {
			t.Errorf("%s is not in the archives: %s", want, list)
		}
	}
	shells := map[string]bool{"bash": false, "zsh": false, "fish": false, "powershell": false}
	for _, n := range config.Get("before").Get("hooks").Items {
		words := strings.Fields(n.Text)
		for i, w := range words {
			if w == "completion" && i+1 < len(words) {
				shells[words[i+1]] = true
			}
		}
	}
	bin := build(t)
	for shell, made := range shells {
		if !made {
			t.Errorf("no hook writes the completion of %s", shell)
		}
		script, err := exec.Command(bin, "completion", shell).Output()
		if err != nil || !bytes.Contains(script, []byte("netpath")) {
			t.Errorf("%s: %v, %d bytes", shell, err, len(script))
		}
		if path, err := exec.LookPath(shell); err == nil && shell != "powershell" {
			check := exec.Command(path, "-n")
			check.Stdin = bytes.NewReader(script)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%s does not take its completion: %v\n%s", shell, err, out)
			}
		}
	}
}
