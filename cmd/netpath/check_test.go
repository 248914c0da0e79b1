package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/netpath/netpath/internal/report"
)

var updateCheck = flag.Bool("update-check", false, "write the reports of check in fixtures/ci-contract/expected anew")

// checkContract runs check on the sample repository in one format.
func checkContract(t *testing.T, format string, more ...string) []byte {
	t.Helper()
	t.Chdir(filepath.Join("..", "..", "fixtures", "ci-contract"))
	out := filepath.Join(t.TempDir(), "out")
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	args := append([]string{"check", "export", "--as-of", "2026-11-24", "--no-cache", "-o", format + "=" + out}, more...)
	if code := newProgram(null, null, null).run(context.Background(), args); code != exitBroken {
		t.Fatalf("%s: exit %d, want %d", format, code, exitBroken)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The sample repository is reported as its expected folder has it, in every
// format, and twice the same.
func TestCheckOfTheSampleRepository(t *testing.T) {
	version := regexp.MustCompile(`devel|v\d+\.\d+\.\d+[-+.\w]*|\(devel\)`)
	for _, format := range report.CheckFormats() {
		t.Run(format, func(t *testing.T) {
			want := filepath.Join("expected", "check."+format)
			got := checkContract(t, format)
			if again := checkContractHere(t, format); !bytes.Equal(got, again) {
				t.Errorf("two runs differ:\n%s", cmp.Diff(string(got), string(again)))
			}
			got = version.ReplaceAll(got, []byte("VERSION"))
			if *updateCheck {
				if err := os.WriteFile(want, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			b, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(b), "\n"), strings.Split(string(got), "\n")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// checkContractHere is checkContract in the folder that the test is in already.
func checkContractHere(t *testing.T, format string) []byte {
	t.Helper()
	t.Chdir(filepath.Join("..", "..", "cmd", "netpath"))
	return checkContract(t, format)
}

// totals are what every format tells of a run.
type totals struct{ Assertions, Met, Broken, Undecided, Suppressed int }

func (n *totals) add(verdict string) {
	n.Assertions++
	switch strings.ToLower(verdict) {
	case "pass":
		n.Met++
	case "fail":
		n.Broken++
	case "unknown":
		n.Undecided++
	case "suppressed":
		n.Suppressed++
	}
}

var tally = regexp.MustCompile(`(\d+) assertions?: (\d+) met, (\d+) broken, (\d+) undecided, (\d+) suppressed`)

// totalsOf reads the totals from a report in one of the formats; where it
// lists the assertions or what is not met, they are counted.
func totalsOf(t *testing.T, format string, b []byte) (n totals) {
	t.Helper()
	type item struct {
		ID, Verdict                               string
		Asked, Met, Broken, Undecided, Suppressed int
		Cases                                     []struct{ Suppressed *struct{} }
	}
	consistent := func(a item) {
		if a.Asked != a.Met+a.Broken+a.Undecided+a.Suppressed {
			t.Errorf("%+v does not sum up", a)
		}
		suppressed := 0
		for _, c := range a.Cases {
			if c.Suppressed != nil {
				suppressed++
			}
		}
		if suppressed != a.Suppressed || len(a.Cases) != a.Broken+a.Undecided+a.Suppressed {
			t.Errorf("%s lists %d cases, %d of them suppressed: %+v", a.ID, len(a.Cases), suppressed, a)
		}
	}
	switch format {
	case "text", "markdown", "github", "azuredevops":
		m := tally.FindSubmatch(b)
		if m == nil {
			t.Fatalf("no totals in\n%s", b)
		}
		for i, field := range []*int{&n.Assertions, &n.Met, &n.Broken, &n.Undecided, &n.Suppressed} {
			*field, _ = strconv.Atoi(string(m[i+1]))
		}
		if line, ok := map[string]string{"github": "::%s ", "azuredevops": "type=%s;"}[format]; ok {
			for level, want := range map[string]int{"error": n.Broken, "warning": n.Undecided} {
				if got := bytes.Count(b, fmt.Appendf(nil, line, level)); got != want {
					t.Errorf("%s: %d annotations of level %s, want %d", format, got, level, want)
				}
			}
		}
	case "table":
		for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n")[1:] {
			n.add(strings.Fields(line)[1])
		}
	case "json":
		var doc struct {
			Summary    totals
			Assertions []item
		}
		if err := json.Unmarshal(b, &doc); err != nil {
			t.Fatal(err)
		}
		for _, a := range doc.Assertions {
			consistent(a)
			n.add(a.Verdict)
		}
		if n != doc.Summary {
			t.Errorf("the assertions are %+v, the summary says %+v", n, doc.Summary)
		}
	case "ndjson":
		for line := range bytes.Lines(b) {
			var a item
			if err := json.Unmarshal(line, &a); err != nil {
				t.Fatal(err)
			}
			consistent(a)
			n.add(a.Verdict)
		}
	case "junit":
		var doc struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Errors   int `xml:"errors,attr"`
			Skipped  int `xml:"skipped,attr"`
			Suite    struct {
				Cases []struct {
					Failure *struct{} `xml:"failure"`
					Error   *struct{} `xml:"error"`
					Skipped *struct{} `xml:"skipped"`
				} `xml:"testcase"`
			} `xml:"testsuite"`
		}
		if err := xml.Unmarshal(b, &doc); err != nil {
			t.Fatal(err)
		}
		for _, c := range doc.Suite.Cases {
			switch {
			case c.Failure != nil:
				n.add("fail")
			case c.Error != nil:
				n.add("unknown")
			case c.Skipped != nil:
				n.add("suppressed")
			default:
				n.add("pass")
			}
		}
		if want := (totals{doc.Tests, n.Met, doc.Failures, doc.Errors, doc.Skipped}); n != want {
			t.Errorf("the tests are %+v, the suite says %+v", n, want)
		}
	case "sarif":
		doc, err := sarif.FromBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		// The library writes what it reads again, and these as empty where they
		// are not given.
		r := doc.Runs[0]
		r.Language, r.Tool.Driver.Language, r.NewlineSequences = "en-US", "en-US", []string{"\n"}
		if err := doc.Validate(); err != nil {
			t.Errorf("not valid SARIF 2.1.0: %v", err)
		}
		worst := map[string]string{}
		for _, x := range r.Results {
			switch {
			case len(x.Suppressions) > 0:
				if worst[*x.RuleID] == "" {
					worst[*x.RuleID] = "suppressed"
				}
			case x.Level == "error":
				worst[*x.RuleID] = "fail"
			case worst[*x.RuleID] != "fail":
				worst[*x.RuleID] = "unknown"
			}
		}
		for _, rule := range r.Tool.Driver.Rules {
			verdict := worst[*rule.ID]
			if verdict == "" {
				verdict = "pass"
			}
			n.add(verdict)
		}
	default:
		t.Fatalf("the test does not know %s", format)
	}
	return n
}

// All formats tell the same totals, whatever is suppressed.
func TestCheckFormatsShowTheSameTotals(t *testing.T) {
	suppression := func(more string) string {
		return "suppressions:\n  - {id: no-management-from-outside, " + more + "reason: the move, owner: shop team, expires: 2026-12-31}\n"
	}
	const unmet = "  - {id: legacy, deny: {from: Internet, to: 'vm:legacy*'}}\n"
	for _, c := range []struct {
		fact string
		more string // of the policy file
		args []string
		exit int
		want totals
	}{
		{"as it is", "", nil, exitBroken, totals{6, 5, 1, 0, 0}},
		{"one of two machines is suppressed", suppression("about: web1, "), nil, exitBroken, totals{6, 5, 1, 0, 0}},
		{"both are", suppression(`about: "web*", `), nil, exitOK, totals{6, 5, 0, 0, 1}},
		{"the assertion is", suppression(""), nil, exitOK, totals{6, 5, 0, 0, 1}},
		{"a selector that selects nothing", unmet, nil, exitBroken, totals{7, 5, 1, 1, 0}},
		{"and is suppressed", unmet + strings.ReplaceAll(suppression(`about: "vm:legacy*", `), "no-management-from-outside", "legacy"), nil, exitBroken, totals{7, 5, 1, 0, 1}},
		{"all in a baseline", unmet, []string{"--write-baseline", filepath.Join(t.TempDir(), "baseline.json")}, exitOK, totals{7, 5, 0, 0, 2}},
	} {
		t.Run(c.fact, func(t *testing.T) {
			for _, format := range report.CheckFormats() {
				b := checkWith(t, c.exit, c.more, append([]string{"-o", format}, c.args...)...)
				if got := totalsOf(t, format, b); got != c.want {
					t.Errorf("%s: %+v, want %+v\n%s", format, got, c.want, b)
				}
			}
		})
	}
}

// checkWith runs check on the sample repository, with more in its policy file,
// and returns what it prints.
func checkWith(t *testing.T, exit int, more string, args ...string) []byte {
	t.Helper()
	sample, err := filepath.Abs(filepath.Join("..", "..", "fixtures", "ci-contract"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(sample, policyName))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	name := filepath.Join(dir, policyName)
	if err := os.WriteFile(name, append(text, more...), 0o644); err != nil {
		t.Fatal(err)
	}
	stdout, err := os.Create(filepath.Join(dir, "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer stdout.Close()
	stderr, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	args = append([]string{"check", filepath.Join(sample, "export"), "--policy", name, "--as-of", "2026-11-24", "--no-cache"}, args...)
	if code := newProgram(stdout, stdout, stderr).run(context.Background(), args); code != exit {
		said, _ := os.ReadFile(stderr.Name())
		t.Fatalf("%q: exit %d, want %d\n%s", args, code, exit, said)
	}
	b, err := os.ReadFile(stdout.Name())
	if err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(b, []byte(dir+string(filepath.Separator)), nil)
}

// The report of the sample repository tells its inputs and its exit code.
func TestCheckTellsItsInputs(t *testing.T) {
	var doc struct {
		Summary   struct{ Cases int }
		Inputs    []struct{ SHA256 string }
		ExitCodes []int
	}
	if err := json.Unmarshal(checkContract(t, "json"), &doc); err != nil {
		t.Fatal(err)
	}
	for _, in := range doc.Inputs {
		if len(in.SHA256) != 64 {
			t.Errorf("an input without its hash: %+v", in)
		}
	}
	if doc.Summary.Cases != 17 || len(doc.Inputs) != 6 || len(doc.ExitCodes) != 1 || doc.ExitCodes[0] != exitBroken {
		t.Errorf("%+v", doc)
	}
}

// Where lines of the files move, a finding keeps its fingerprint.
func TestCheckFingerprintsDoNotFollowLines(t *testing.T) {
	prints := func(b []byte) (out []string) {
		doc, err := sarif.FromBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range doc.Runs[0].Results {
			out = append(out, r.PartialFingerprints["netpath/v1"])
		}
		return out
	}
	before := prints(checkContract(t, "sarif"))
	text, err := os.ReadFile("netpath.yaml")
	if err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "moved.yaml")
	if err := os.WriteFile(moved, append([]byte("# a line\n# another\n"), text...), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join("..", "..", "cmd", "netpath"))
	after := prints(checkContract(t, "sarif", "--policy", moved))
	if len(before) != 2 || before[0] == before[1] || !cmp.Equal(before, after) {
		t.Errorf("%v, then %v", before, after)
	}
}
