package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"regexp"
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

// All formats tell the same totals.
func TestCheckFormatsShowTheSameTotals(t *testing.T) {
	const tally = "6 assertions: 5 met, 1 broken, 0 undecided"
	for _, format := range []string{"text", "markdown", "github", "azuredevops"} {
		t.Run(format, func(t *testing.T) {
			if b := checkContract(t, format); !bytes.Contains(b, []byte(tally)) {
				t.Errorf("%q is not in\n%s", tally, b)
			}
		})
	}
	t.Run("json", func(t *testing.T) {
		var doc struct {
			Summary    struct{ Assertions, Met, Broken, Undecided, Cases int }
			Assertions []struct{ Asked, Met, Broken, Undecided int }
			Inputs     []struct{ SHA256 string }
			ExitCodes  []int
		}
		if err := json.Unmarshal(checkContract(t, "json"), &doc); err != nil {
			t.Fatal(err)
		}
		s := doc.Summary
		if s.Assertions != 6 || s.Met != 5 || s.Broken != 1 || s.Undecided != 0 || s.Cases != 17 || len(doc.Assertions) != 6 {
			t.Errorf("%+v", s)
		}
		for _, a := range doc.Assertions {
			if a.Asked != a.Met+a.Broken+a.Undecided {
				t.Errorf("%+v does not sum up", a)
			}
		}
		for _, in := range doc.Inputs {
			if len(in.SHA256) != 64 {
				t.Errorf("an input without its hash: %+v", in)
			}
		}
		if len(doc.Inputs) != 6 || len(doc.ExitCodes) != 1 || doc.ExitCodes[0] != exitBroken {
			t.Errorf("%d inputs, exit codes %v", len(doc.Inputs), doc.ExitCodes)
		}
	})
	t.Run("junit", func(t *testing.T) {
		var doc struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Errors   int `xml:"errors,attr"`
			Suite    struct {
				Cases []struct {
					Failure *struct{} `xml:"failure"`
				} `xml:"testcase"`
			} `xml:"testsuite"`
		}
		if err := xml.Unmarshal(checkContract(t, "junit"), &doc); err != nil {
			t.Fatal(err)
		}
		failed := 0
		for _, c := range doc.Suite.Cases {
			if c.Failure != nil {
				failed++
			}
		}
		if doc.Tests != 6 || doc.Failures != 1 || doc.Errors != 0 || len(doc.Suite.Cases) != 6 || failed != 1 {
			t.Errorf("%+v", doc)
		}
	})
	t.Run("sarif", func(t *testing.T) {
		b := checkContract(t, "sarif")
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
		if len(r.Tool.Driver.Rules) != 6 || len(r.Results) != 2 {
			t.Errorf("%d rules, %d results", len(r.Tool.Driver.Rules), len(r.Results))
		}
	})
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
