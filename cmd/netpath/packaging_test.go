package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/doctree"
)

// tree reads a YAML file of the repository.
func tree(t *testing.T, name string, text []byte) *doctree.Node {
	t.Helper()
	doc, err := doctree.Read(name, bytes.NewReader(text), doctree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return doc.Roots[0]
}

func repositoryFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// scriptOf is the script of the step of that name, and its variables.
func scriptOf(t *testing.T, steps *doctree.Node, nameKey, runKey, name string) (script string, env []string) {
	t.Helper()
	for _, step := range steps.Items {
		if n := step.Get(nameKey); n == nil || n.Text != name {
			continue
		}
		for _, m := range step.Get("env").Members {
			env = append(env, m.Key)
		}
		return step.Get(runKey).Text, env
	}
	t.Fatalf("there is no step %q", name)
	return "", nil
}

// The scripts of the GitHub Action and of the Azure Pipelines template run
// check on the sample repository: exit 1, annotations, and the report files.
func TestPipelineScriptsCheckTheSampleRepository(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash on this system: the scripts of the pipelines are not run")
	}
	bin := filepath.Join(t.TempDir(), "netpath")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	sample, err := filepath.Abs(filepath.Join("..", "..", "fixtures", "ci-contract"))
	if err != nil {
		t.Fatal(err)
	}
	action := tree(t, "action.yml", repositoryFile(t, "action.yml"))
	template := tree(t, "azure-pipelines-netpath.yml", repositoryFile(t, "azure-pipelines-netpath.yml"))
	for _, c := range []struct {
		name, nameKey, runKey string
		steps                 *doctree.Node
		annotation            string
		files                 []string
	}{
		{"GitHub Action", "name", "run", action.Get("runs").Get("steps"), "::error file=", []string{"netpath.sarif", "netpath.xml", "netpath.md"}},
		{"Azure Pipelines", "displayName", "bash", template.Get("steps"), "##vso[task.logissue type=error;", []string{"netpath.xml", "netpath.md"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			script, env := scriptOf(t, c.steps, c.nameKey, c.runKey, "netpath check")
			values := map[string]string{"NETPATH": bin, "PATHS": filepath.Join(sample, "export"), "POLICY": filepath.Join(sample, "netpath.yaml"),
				"SERVICE_TAGS": "", "BASELINE": "", "STRICT": "false", "SARIF": "netpath.sarif", "JUNIT": "netpath.xml", "MARKDOWN": "netpath.md"}
			dir := t.TempDir()
			cmd := exec.Command(bash, "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
			cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH")}
			for _, name := range env {
				value, known := values[name]
				if !known {
					t.Fatalf("the script has a variable %s that the test does not know", name)
				}
				cmd.Env = append(cmd.Env, name+"="+value)
			}
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != exitBroken {
				t.Fatalf("%v\n%s", err, out)
			}
			if !bytes.Contains(out, []byte(c.annotation)) || !bytes.Contains(out, []byte("no-management-from-outside")) {
				t.Errorf("no annotation in\n%s", out)
			}
			for _, name := range c.files {
				if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || len(b) == 0 {
					t.Errorf("%s: %v", name, err)
				}
			}
			// With a baseline, what there was does not fail.
			baseline := filepath.Join(dir, "baseline.json")
			if out, err := exec.Command(bin, "check", values["PATHS"], "--policy", values["POLICY"], "--write-baseline", baseline, "--ci").CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			again := exec.Command(bash, cmd.Args[1:]...)
			again.Dir, again.Env = dir, append(slices.DeleteFunc(slices.Clone(cmd.Env), func(s string) bool { return strings.HasPrefix(s, "BASELINE=") }), "BASELINE="+baseline)
			if out, err := again.CombinedOutput(); err != nil {
				t.Errorf("with a baseline: %v\n%s", err, out)
			}
		})
	}
}

// The hook runs a command that exists, and the examples of docs/ci.md use what
// is there: inputs of the action, parameters of the template, the hook.
func TestPipelineFilesFitTheProgram(t *testing.T) {
	known := map[string]bool{}
	for _, c := range commands() {
		known[c.CommandPath()] = true
	}
	hook := tree(t, ".pre-commit-hooks.yaml", repositoryFile(t, ".pre-commit-hooks.yaml")).Items[0]
	if entry := hook.Get("entry").Text; !known[entry] {
		t.Errorf("the hook runs %q", entry)
	}
	keys := func(n *doctree.Node) (list []string) {
		for _, m := range n.Members {
			list = append(list, m.Key)
		}
		return list
	}
	inputs := keys(tree(t, "action.yml", repositoryFile(t, "action.yml")).Get("inputs"))
	var parameters []string
	for _, p := range tree(t, "azure-pipelines-netpath.yml", repositoryFile(t, "azure-pipelines-netpath.yml")).Get("parameters").Items {
		parameters = append(parameters, p.Get("name").Text)
	}
	block := regexp.MustCompile("(?s)<!-- pipeline: ([a-z-]+) -->\n```yaml\n(.*?)```")
	found := 0
	for _, m := range block.FindAllSubmatch(repositoryFile(t, filepath.Join("docs", "ci.md")), -1) {
		found++
		root := tree(t, "docs/ci.md", m[2])
		switch string(m[1]) {
		case "github":
			for _, step := range root.Get("jobs").Get("contract").Get("steps").Items {
				if uses := step.Get("uses"); uses != nil && strings.HasPrefix(uses.Text, "netpath/") {
					for _, key := range keys(step.Get("with")) {
						if !slices.Contains(inputs, key) {
							t.Errorf("the action has no input %q", key)
						}
					}
				}
			}
		case "azuredevops":
			for _, step := range root.Get("steps").Items {
				if step.Get("template") != nil {
					for _, key := range keys(step.Get("parameters")) {
						if !slices.Contains(parameters, key) {
							t.Errorf("the template has no parameter %q", key)
						}
					}
				}
			}
		case "pre-commit":
			if id := root.Get("repos").Items[0].Get("hooks").Items[0].Get("id").Text; id != hook.Get("id").Text {
				t.Errorf("the hook is %q, the example uses %q", hook.Get("id").Text, id)
			}
		}
	}
	if found != 3 {
		t.Errorf("%d examples in docs/ci.md, want 3", found)
	}
}

// Two builds in two folders give the same bytes.
func TestBuildsAreReproducible(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program twice: not in short mode")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	first := filepath.Join(t.TempDir(), "first")
	for _, name := range []string{"go.mod", "go.sum"} {
		if err := os.MkdirAll(first, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(first, name), repositoryFile(t, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"cmd", "internal", "sim", "topology"} {
		if err := os.CopyFS(filepath.Join(first, name), os.DirFS(filepath.Join(root, name))); err != nil {
			t.Fatal(err)
		}
	}
	second := filepath.Join(t.TempDir(), "and", "second")
	if err := os.MkdirAll(filepath.Dir(second), 0o755); err != nil {
		t.Fatal(err)
	}
	var builds [][]byte
	for i, copied := range []string{first, second} {
		if i == 1 {
			if err := os.Rename(first, second); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", "built", "./cmd/netpath")
		cmd.Dir = copied
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
		b, err := os.ReadFile(filepath.Join(copied, "built"))
		if err != nil {
			t.Fatal(err)
		}
		builds = append(builds, b)
	}
	if !bytes.Equal(builds[0], builds[1]) {
		t.Error("the two programs differ")
	}
}
