//go:build unix

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBadInputs is the table of bad-inputs.md: one named subtest for each of
// its 150 rows, each with fixtures of its own, run through the whole program.
//
// Every case starts from a whole estate, testdata/badinputs/export (or design,
// the same estate as a design file), breaks one thing in it and asks the same
// questions again: see [battery]. What an input may do to the answers is
// fixed by its code. E: exit 3, exactly the one message, no answer; with
// --keep-going no answer differs from that of the whole estate but by being
// Unknown. U: exactly the named answers are Unknown, for the named reason. W:
// exactly the named warnings and the answers of the whole estate. OK: no
// warning, the same answers, effective rules and routes. X: exit 2.
func TestBadInputs(t *testing.T) {
	rows, clean := 0, map[string]string{}
	for i, row := range slices.Concat(fileRows, formatRows, valueRows, estateRows) {
		if row.number != i+1 {
			t.Fatalf("row %d stands at place %d of the table", row.number, i+1)
		}
		rows++
		t.Run(fmt.Sprintf("row %03d %s", row.number, row.name), func(t *testing.T) {
			c := &inputCase{T: t, clean: clean}
			row.test(c)
			if c.asked == 0 {
				t.Error("the row asks nothing")
			}
		})
	}
	if rows != 150 {
		t.Errorf("%d rows, not 150", rows)
	}
	for _, n := range slices.Sorted(maps.Keys(refusedByName)) {
		t.Logf("row %03d is a refusal by name: %s", n, refusedByName[n])
	}
	t.Logf("rows: %d of 150, %d of them refusals by name of formats that are not read", rows, len(refusedByName))
}

// inputRow is a row of the table.
type inputRow struct {
	number int
	name   string
	test   func(*inputCase)
}

// refusedByName names the rows about formats that are not read: bad-inputs.md
// has them recognised and refused by their name, with a hint.
var refusedByName = map[int]string{
	15: "a bundle", 18: "a bundle", 55: "a Terraform plan", 56: "a Terraform plan, whatever its version",
	142: "a flow log", 143: "a flow log, whatever its version", 144: "a flow log", 145: "a flow log",
}

// question is one line of the battery.
type question struct{ name, from, to, port string }

// battery is what every case asks. Of the whole estate the answers are:
//
//	web      Allow by allow-web of nsg-app       ssh     Deny by deny-db of nsg-app
//	sql      Allow by allow-sql of nsg-db        out     Deny by deny-internet of nsg-app
//	storage  Allow by allow-storage, a tag       other   Deny by deny-internet, in another tag
//	peer     Allow, over a peering               branch  Deny, a route to None
//	nva      Allow, through an appliance         void    Allow, an address that nobody owns
var battery = []question{
	{"web", "db1", "app1", "443"}, {"ssh", "db1", "app1", "22"}, {"sql", "app1", "db1", "1433"}, {"out", "app1", "203.0.113.9", "443"},
	{"storage", "app1", "20.60.0.9", "443"}, {"other", "app1", "20.38.0.9", "443"}, {"peer", "free1", "far1", "443"},
	{"branch", "free1", "10.9.0.1", "443"}, {"nva", "free1", "198.51.100.7", "443"}, {"void", "free1", "10.0.3.99", "22"},
}

const whole = `web Allow NSG_RULE_ALLOW allow-web
ssh Deny NSG_RULE_DENY deny-db
sql Allow NSG_RULE_ALLOW allow-sql
out Deny NSG_RULE_DENY deny-internet
storage Allow NSG_RULE_ALLOW allow-storage
other Deny NSG_RULE_DENY deny-internet
peer Allow NO_NSG
branch Deny ROUTE_NONE
nva Allow NO_NSG assuming NVA_FORWARDS_AND_PERMITS
void Allow NO_NSG assuming NO_NIC_AT_DESTINATION
`

// theDay is the day of every run: the tag file is four days old.
const theDay = "2026-11-24"

// inputCase runs the cases of one row, each in a folder of its own.
type inputCase struct {
	*testing.T
	asked int               // expectations that were checked
	cache string            // the user's folder for caches; "": none
	world string            // the folder of testdata/badinputs that the case started with
	clean map[string]string // the model of each such folder that was asked for
}

// start makes a new folder with the files of a folder of testdata/badinputs
// and goes there; "" is an empty one.
func (c *inputCase) start(world string) {
	c.Helper()
	dir := c.TempDir()
	c.world = world
	if world != "" {
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(badInputs, world))); err != nil {
			c.Fatal(err)
		}
	}
	c.Chdir(dir)
}

// badInputs is the folder of the fixtures.
var badInputs = func() string {
	dir, err := filepath.Abs(filepath.Join("testdata", "badinputs"))
	if err != nil {
		panic(err)
	}
	return dir
}()

func (c *inputCase) read(file string) string {
	c.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		c.Fatal(err)
	}
	return string(b)
}

func (c *inputCase) write(file, text string) {
	c.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		c.Fatal(err)
	}
}

// export starts with the estate as exported and replaces texts in one of its
// files, each where it stands first.
func (c *inputCase) export(file string, oldNew ...string) {
	c.Helper()
	c.start("export")
	c.edit(file, oldNew...)
}

// design is export for the estate as a design file.
func (c *inputCase) design(oldNew ...string) {
	c.Helper()
	c.start("design")
	c.edit("design.yaml", oldNew...)
}

func (c *inputCase) edit(file string, oldNew ...string) {
	c.Helper()
	text := c.read(file)
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(text, oldNew[i]) {
			c.Fatalf("%s does not contain %q", file, oldNew[i])
		}
		text = strings.Replace(text, oldNew[i], oldNew[i+1], 1)
	}
	c.write(file, text)
}

// ran is what one run of netpath did.
type ran struct {
	code           int
	stdout, stderr string
}

// netpath runs a command line in the case's folder. What is on stdin may be
// nothing.
func (c *inputCase) netpath(args ...string) ran {
	c.Helper()
	return c.netpathReading(nil, args...)
}

func (c *inputCase) netpathReading(stdin *os.File, args ...string) ran {
	c.Helper()
	open := func(name string) *os.File {
		f, err := os.Create(name)
		if err != nil {
			c.Fatal(err)
		}
		return f
	}
	dir := c.TempDir()
	out, err := open(filepath.Join(dir, "stdout")), open(filepath.Join(dir, "stderr"))
	defer out.Close()
	defer err.Close()
	if stdin == nil {
		null, e := os.Open(os.DevNull)
		if e != nil {
			c.Fatal(e)
		}
		defer null.Close()
		stdin = null
	}
	p := newProgram(stdin, out, err)
	p.getenv = func(string) string { return "" }
	if c.cache != "" {
		p.cacheDir = func() (string, error) { return c.cache, nil }
	}
	r := ran{code: p.run(context.Background(), args)}
	r.stdout, r.stderr = c.read(out.Name()), c.read(err.Name())
	if strings.Contains(r.stderr, "internal error") || strings.Contains(r.stderr, "goroutine ") {
		c.Errorf("%q: %s", args, r.stderr)
	}
	return r
}

// asking is a command line that asks one question of the battery.
func asking(inputs []string, more ...string) []string {
	q := battery[0]
	return slices.Concat([]string{"trace"}, inputs, []string{"--from", q.from, "--to", q.to, "--port", q.port, "--as-of", theDay}, more)
}

// here is the case's folder as the input; a case may name files instead.
func here(inputs []string) []string {
	if len(inputs) == 0 {
		return []string{"."}
	}
	return inputs
}

// refused expects an input of code E: the message, with the place, what was
// found and the next step.
func (c *inputCase) refused(message string, inputs ...string) {
	c.Helper()
	c.asked++
	r := c.netpath(asking(here(inputs))...)
	c.isRefusal(r, message)
	if len(inputs) > 0 {
		return
	}
	// Without the file nothing is answered otherwise, and something is open.
	r = c.batch(here(inputs), "--keep-going")
	if r.code != exitRefused {
		c.Errorf("with --keep-going: exit %d, %s", r.code, r.stderr)
		return
	}
	open := 0
	was, is := strings.Split(whole, "\n"), strings.Split(c.answers(r), "\n")
	if len(was) != len(is) {
		c.Fatalf("with --keep-going: %d answers: %s", len(is)-1, r.stderr)
	}
	for i := range battery {
		switch then, now := strings.Fields(was[i]), strings.Fields(is[i]); now[1] {
		case "Unknown", "error": // error: the end of the question was in the file
			open++
		case then[1]:
		default:
			c.Errorf("with --keep-going: %s, where the whole estate says %s", is[i], was[i])
		}
	}
	if open == 0 {
		c.Errorf("with --keep-going nothing is Unknown:\n%s", r.stdout)
	}
}

func (c *inputCase) isRefusal(r ran, message string) {
	c.Helper()
	if r.code != exitRefused || r.stdout != "" {
		c.Errorf("exit %d, stdout %q", r.code, r.stdout)
	}
	if d := cmp.Diff("error: "+message+"\n", r.stderr); d != "" {
		c.Errorf("the message is another one (-want +got):\n%s", d)
	}
}

// usage expects an input of code X.
func (c *inputCase) usage(message string, args ...string) {
	c.Helper()
	c.asked++
	r := c.netpath(args...)
	got, _, _ := strings.Cut(r.stderr, "\nsee: ")
	if r.code != exitUsage || r.stdout != "" {
		c.Errorf("exit %d, stdout %q", r.code, r.stdout)
	}
	if d := cmp.Diff("error: "+message, got); d != "" {
		c.Errorf("the message is another one (-want +got):\n%s", d)
	}
}

// batch asks the battery.
func (c *inputCase) batch(inputs []string, more ...string) ran {
	c.Helper()
	flows := filepath.Join(c.TempDir(), "flows.csv")
	var b strings.Builder
	b.WriteString("from,to,port\n")
	for _, q := range battery {
		fmt.Fprintf(&b, "%s,%s,%s\n", q.from, q.to, q.port)
	}
	c.write(flows, b.String())
	return c.netpath(slices.Concat([]string{"trace"}, inputs, []string{"--flows", flows, "-o", "ndjson", "--as-of", theDay}, more)...)
}

// answers is the result of a batch, a line for each question: name, verdict,
// code, rule, assumptions.
func (c *inputCase) answers(r ran) string {
	c.Helper()
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSpace(r.stdout), "\n") {
		if line == "" {
			continue
		}
		var a struct {
			Verdict, Code, RuleName, Error string
			UnderAssumptions               string
			Assumptions                    []string
		}
		if err := json.Unmarshal([]byte(line), &a); err != nil || i >= len(battery) {
			c.Fatalf("%v: %s\n%s", err, line, r.stderr)
		}
		words := []string{battery[i].name, a.Verdict, a.Code, a.RuleName}
		if a.Error != "" {
			words = []string{battery[i].name, "error", a.Error}
		}
		if len(a.Assumptions) > 0 {
			words = append(words, "assuming", strings.Join(a.Assumptions, " "))
		}
		b.WriteString(strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), " ") + "\n")
	}
	return b.String()
}

// expect asks the battery and expects the answers of the whole estate but for
// the lines given, and exactly the warnings given.
func (c *inputCase) expect(changes, warnings []string, inputs ...string) {
	c.Helper()
	c.expectWith(nil, changes, warnings, inputs...)
}

func (c *inputCase) expectWith(flags, changes, warnings []string, inputs ...string) {
	c.Helper()
	c.asked++
	r := c.batch(here(inputs), flags...)
	want := whole
	code := exitOK
	for _, line := range changes {
		name, _, _ := strings.Cut(line, " ")
		i := strings.Index("\n"+want, "\n"+name+" ")
		if i < 0 {
			c.Fatalf("%q is no question", name)
		}
		end := i + strings.IndexByte(want[i:], '\n')
		if want[i:end] == line {
			c.Fatalf("%q is what the whole estate says", line)
		}
		want = want[:i] + line + want[end:]
		if strings.Contains(line, " Unknown ") {
			code = exitUndecided
		}
	}
	if r.code != code {
		c.Errorf("exit %d, want %d: %s", r.code, code, r.stderr)
	}
	if d := cmp.Diff(want, c.answers(r)); d != "" {
		c.Errorf("the answers are others (-want +got):\n%s%s", d, r.stderr)
	}
	var got []string
	for line := range strings.Lines(r.stderr) {
		if w, ok := strings.CutPrefix(strings.TrimSpace(line), "warning: "); ok {
			got = append(got, w)
		}
	}
	if d := cmp.Diff(warnings, got); d != "" {
		c.Errorf("the warnings are others (-want +got):\n%s", d)
	}
}

// warned expects an input of code W.
func (c *inputCase) warned(warnings ...string) {
	c.Helper()
	c.expect(nil, warnings)
}

// same expects an input of code OK: the answers, the effective rules and the
// effective routes are those of the whole estate.
func (c *inputCase) same(inputs ...string) {
	c.Helper()
	c.expect(nil, nil, inputs...)
	if d := cmp.Diff(c.wholeModel(), c.model(here(inputs)...)); d != "" {
		c.Errorf("the effective rules and routes are others (-want +got):\n%s", d)
	}
}

// model is what netpath makes of the inputs: the effective rules and routes of
// all interfaces, without the places where they were read.
func (c *inputCase) model(inputs ...string) string {
	c.Helper()
	var b strings.Builder
	for _, vm := range []string{"app1", "db1", "free1", "far1"} {
		for _, command := range []string{"effective-rules", "effective-routes"} {
			r := c.netpath(slices.Concat([]string{command}, inputs, []string{"--vm", vm, "-o", "json", "--as-of", theDay})...)
			var v any
			if err := json.Unmarshal([]byte(r.stdout), &v); err != nil {
				c.Fatalf("%v: exit %d, %s", err, r.code, r.stderr)
			}
			out, err := json.MarshalIndent(withoutPlaces(v), "", " ")
			if err != nil {
				c.Fatal(err)
			}
			b.Write(out)
		}
	}
	return b.String()
}

func withoutPlaces(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			if key == "origin" || key == "origins" {
				delete(v, key)
				continue
			}
			v[key] = withoutPlaces(v[key])
		}
	case []any:
		for i := range v {
			v[i] = withoutPlaces(v[i])
		}
	}
	return v
}

// wholeModel is the model of the whole estate that the case started with. It
// is made once.
func (c *inputCase) wholeModel() string {
	c.Helper()
	if c.clean[c.world] == "" {
		c.clean[c.world] = c.model(filepath.Join(badInputs, c.world))
	}
	return c.clean[c.world]
}

// answered is the answer to one question.
type oneAnswer struct {
	code         int
	Verdict      string
	Access       string
	Code         string
	Codes        []string
	RuleName     string
	UnderAssumed string `json:"underAssumptions"`
	Assumptions  []struct{ ID, About, Text string }
	Missing      []struct{ Code, About, Text, Export string }
	stderr       string
}

// ask runs one command with -o json.
func (c *inputCase) ask(args ...string) oneAnswer {
	c.Helper()
	r := c.netpath(append(args, "-o", "json", "--as-of", theDay)...)
	a := oneAnswer{code: r.code, stderr: r.stderr}
	if r.stdout == "" {
		c.Fatalf("%q: exit %d, no answer: %s", args, r.code, r.stderr)
	}
	if err := json.Unmarshal([]byte(r.stdout), &a); err != nil {
		c.Fatalf("%q: %v: %s", args, err, r.stdout)
	}
	if a.Verdict == "" {
		a.Verdict = a.Access
	}
	if a.Code == "" && len(a.Codes) > 0 {
		a.Code = a.Codes[0]
	}
	return a
}

// answer asks one question of the case's folder and expects "Allow
// NSG_RULE_ALLOW allow-web", with " assuming ID…" where it rests on
// assumptions.
func (c *inputCase) answer(want string, args ...string) oneAnswer {
	c.Helper()
	c.asked++
	a := c.ask(args...)
	got := strings.TrimSpace(a.Verdict + " " + a.Code + " " + a.RuleName)
	if len(a.Assumptions) > 0 {
		got += " assuming"
		for _, x := range a.Assumptions {
			got += " " + x.ID
		}
	}
	if got != want {
		c.Errorf("%q: %s, want %s\n%s", args, got, want, a.stderr)
	}
	if code := map[bool]int{true: exitUndecided, false: exitOK}[a.Verdict == "Unknown"]; a.code != code {
		c.Errorf("%q: exit %d, want %d", args, a.code, code)
	}
	return a
}

// trace is the command line of a question about the case's folder.
func trace(from, to, port string, more ...string) []string {
	return append([]string{"trace", ".", "--from", from, "--to", to, "--port", port}, more...)
}

// zipped is the text as one gzip member.
func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String()
}
