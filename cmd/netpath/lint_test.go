package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/netpath/netpath/internal/report"
	"github.com/netpath/netpath/sim/lint"
)

const lintDocs = "../../docs/lint"

// runLint runs the program in a folder and returns what it prints on standard
// output.
func runLint(t *testing.T, dir string, args ...string) (out string, code int) {
	t.Helper()
	t.Chdir(dir)
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	code = newProgram(null, file, null).run(context.Background(), append([]string{"lint"}, args...))
	b, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b), code
}

// exampleIn writes the files of a rule's example into a folder and returns the
// arguments that name them.
func exampleIn(t *testing.T, dir string, r *lint.Rule) []string {
	t.Helper()
	args := []string{"example.yaml", "--as-of", "2025-10-30", "--no-cache"}
	files := map[string]string{"example.yaml": r.Example}
	if r.ExampleTags != "" {
		files["ServiceTags_Public_20251028.json"] = r.ExampleTags
		args = append(args, "--service-tags", "ServiceTags_Public_20251028.json")
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return args
}

// lintExample runs lint with one rule over its example and returns what it
// prints, without the lines about the run, and what a suppression of the first
// finding would be about.
func lintExample(t *testing.T, r *lint.Rule) (out, about string) {
	t.Helper()
	dir := t.TempDir()
	args := append(exampleIn(t, dir, r), "--rule", r.ID, "--fail-on", "none")
	doc, code := runLint(t, dir, append(args, "-o", "json")...)
	var found struct {
		Findings []struct{ Resource, Name string }
	}
	if err := json.Unmarshal([]byte(doc), &found); err != nil || code != exitOK || len(found.Findings) == 0 {
		t.Fatalf("%s: exit %d, %v: %s", r.ID, code, err, doc)
	}
	about = path.Base(found.Findings[0].Resource)
	if name := found.Findings[0].Name; name != "" {
		about += "/" + name
	}
	policy := "suppressions:\n  - {id: " + r.ID + ", about: " + strconv.Quote(about) + ", reason: r, owner: o, expires: 2027-01-31}\n"
	if err := os.WriteFile(filepath.Join(dir, "accepted.yml"), []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _ = runLint(t, dir, append(args, "--policy", "accepted.yml")...); !strings.Contains(out, " suppressed; ") {
		t.Errorf("%s: nothing is suppressed by\n%s%s", r.ID, policy, out)
	}
	if out, code = runLint(t, dir, args...); code != exitOK {
		t.Fatalf("%s: exit %d", r.ID, code)
	}
	_, out, _ = strings.Cut(out, "\n\n")
	out, _, whole := strings.Cut(out, "\n  netpath lint explain")
	if !whole || !strings.Contains(out, "["+r.ID+" ") {
		t.Fatalf("%s is not found in its example:\n%s", r.ID, out)
	}
	return strings.TrimRight(out, "\n") + "\n", about
}

// lintPage is the page of a rule.
func lintPage(r *lint.Rule, output, about string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s %s\n\n%s.\n\nSeverity: %s\n\n## Why it matters\n\n%s\n\n## Example\n\n```yaml\n%s```\n\n", r.ID, r.Name, strings.TrimSuffix(r.Short, "."), r.Severity, strings.TrimSpace(r.Why), r.Example)
	if r.ExampleTags != "" {
		fmt.Fprintf(&b, "with the service tag file\n\n```json\n%s\n```\n\n", strings.TrimSpace(r.ExampleTags))
	}
	fmt.Fprintf(&b, "`netpath lint` says\n\n```text\n%s```\n\n## How to mend it\n\n%s\n\n", output, strings.TrimSpace(r.Fix))
	fmt.Fprintf(&b, "## How to leave it out\n\nA finding that is accepted is suppressed in the policy file:\n\n```yaml\nsuppressions:\n  - {id: %s, about: \"%s\", reason: …, owner: …, expires: 2027-01-31}\n```\n\n`--disable %s` leaves the rule out of a run; `--fail-on` says from which severity on a finding is exit 1.\n", r.ID, about, r.ID)
	return b.String()
}

func TestEveryLintRuleHasThePageThatTheProgramMakes(t *testing.T) {
	want := map[string]string{}
	index := "# The rules of netpath lint\n\n| rule | severity | what it finds |\n|---|---|---|\n"
	docs, err := filepath.Abs(lintDocs)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range lint.Rules() {
		t.Run(r.ID, func(t *testing.T) {
			output, about := lintExample(t, r)
			want[r.ID+".md"] = lintPage(r, output, about)
		})
		index += fmt.Sprintf("| [%s](%s.md) `%s` | %s | %s |\n", r.ID, r.ID, r.Name, r.Severity, strings.ReplaceAll(r.Short, "|", `\|`))
	}
	want["README.md"] = index + "\n`netpath lint explain NP1001` prints the same texts. [netpath lint](../commands/lint.md) is the command.\n"
	if *update {
		if err := os.MkdirAll(docs, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range want {
		file := filepath.Join(docs, name)
		if *update {
			if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
			continue
		}
		have, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		if d := cmp.Diff(text, string(have)); d != "" {
			t.Errorf("%s; go test ./cmd/netpath -run LintRule -update rewrites it (-program +page):\n%s", name, d)
		}
	}
	entries, err := os.ReadDir(docs)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if want[e.Name()] == "" {
			t.Errorf("docs/lint/%s is the page of no rule", e.Name())
		}
	}
}

func TestExplainPrintsWhatThePageOfALintRuleSays(t *testing.T) {
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	for _, r := range lint.Rules() {
		out, code := runLint(t, ".", "explain", strings.ToLower(r.ID))
		if code != exitOK {
			t.Fatalf("%s: exit %d", r.ID, code)
		}
		page, err := os.ReadFile(filepath.Join(lintDocs, r.ID+".md"))
		if err != nil {
			t.Error(err)
		}
		for _, text := range []string{r.ID, r.Name, string(r.Severity), r.Short[1:], r.Why, r.Fix, r.Example} {
			for place, s := range map[string]string{"the page": string(page), "explain": out} {
				if !strings.Contains(squeeze(s), squeeze(text)) {
					t.Errorf("%s: %s lacks %q", r.ID, place, text)
				}
			}
		}
	}
}

func TestLintFormatsShowTheSameFindings(t *testing.T) {
	r, err := lint.Find("NP1006")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args := exampleIn(t, dir, r)
	for _, format := range report.CheckFormats() {
		out, code := runLint(t, dir, append(args, "-o", format)...)
		if code != exitBroken {
			t.Errorf("%s: exit %d", format, code)
		}
		if !strings.Contains(out, "NP1006") || !strings.Contains(out, "allow-storage (4001) never takes effect") || !strings.Contains(out, "example.yaml") {
			t.Errorf("%s lacks the finding:\n%s", format, out)
		}
	}
}

func TestNoNameSteersAReportOfLint(t *testing.T) {
	const evil = `a\u001b[2J\u202e|<b>@x %0A::error::no\n##vso[task.complete]`
	dir := t.TempDir()
	estate := `{"name": "` + evil + `", "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/` + evil + `", "type": "Microsoft.Network/networkSecurityGroups", "properties": {"securityRules": [
  {"name": "` + evil + `1", "properties": {"protocol": "*", "sourcePortRange": "*", "destinationPortRange": "*", "sourceAddressPrefix": "*", "destinationAddressPrefix": "Internet", "access": "Deny", "priority": 100, "direction": "Outbound"}},
  {"name": "` + evil + `2", "properties": {"protocol": "Tcp", "sourcePortRange": "*", "destinationPortRange": "443", "sourceAddressPrefix": "*", "destinationAddressPrefix": "Storage", "access": "Allow", "priority": 200, "direction": "Outbound"}}]}}`
	if err := os.WriteFile(filepath.Join(dir, "nsg.json"), []byte(estate), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, format := range report.CheckFormats() {
		out, code := runLint(t, dir, "nsg.json", "--rule", "NP1006", "-o", format)
		if code != exitBroken {
			t.Fatalf("%s: exit %d", format, code)
		}
		for _, bad := range []string{"\x1b", "\u202e", "\n::error::no", "\n##vso[task.complete]", "\\n##vso[task.complete]|"} {
			if strings.Contains(out, bad) {
				t.Errorf("%s holds %q:\n%s", format, bad, out)
			}
		}
		if format == string(report.Markdown) && (strings.Contains(out, "<b>") || strings.Contains(out, "@x")) {
			t.Errorf("Markdown holds a tag or a mention:\n%s", out)
		}
	}
}

func TestTheSARIFOfLintIsValid(t *testing.T) {
	r, err := lint.Find("NP1006")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	out, _ := runLint(t, dir, append(exampleIn(t, dir, r), "-o", "sarif")...)
	doc, err := sarif.FromBytes([]byte(out))
	if err != nil {
		t.Fatal(err)
	}
	// The library writes these as empty where they are not given.
	x := doc.Runs[0]
	x.Language, x.Tool.Driver.Language, x.NewlineSequences = "en-US", "en-US", []string{"\n"}
	if err := doc.Validate(); err != nil {
		t.Errorf("not valid SARIF 2.1.0: %v", err)
	}
	if len(x.Tool.Driver.Rules) != len(lint.Rules()) || len(x.Results) != 1 || *x.Results[0].RuleID != "NP1006" || x.Results[0].PartialFingerprints["netpath/v1"] == "" {
		t.Errorf("%d rules, results %+v", len(x.Tool.Driver.Rules), x.Results)
	}
}
