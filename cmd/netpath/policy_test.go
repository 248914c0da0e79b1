package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/sim/flow"
)

var today = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

func policyOf(t *testing.T, text string) (*policy, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "netpath.yaml")
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	p, err := findPolicy(name, false, today)
	if err != nil {
		err = fmt.Errorf("%s", strings.ReplaceAll(err.Error(), name, "netpath.yaml"))
	}
	return p, err
}

func TestAPolicySaysWaiversAndTheDateOfTheTags(t *testing.T) {
	p, err := policyOf(t, `
serviceTags: {date: 2026-11-20}
waivers:
  - {id: NVA_FORWARDS_AND_PERMITS, about: "fw-*", reason: reviewed, owner: net team, expires: 2026-12-31}
  - id: CATALOGUE_CURRENT
    reason: weekly job
    owner: net team
    expires: 2026-11-24
  - {id: NOT_SUCCEEDED, reason: x, owner: y, expires: 2026-11-23}
`)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.catalogueDate.Format(time.DateOnly); got != "2026-11-20" {
		t.Errorf("date %s", got)
	}
	want := []flow.Waiver{
		{ID: flow.NVAForwardsAndPermits, About: "fw-*", Reason: "reviewed", Owner: "net team", Expires: "2026-12-31"},
		{ID: flow.CatalogueCurrent, Reason: "weekly job", Owner: "net team", Expires: "2026-11-24"},
	}
	if d := cmp.Diff(want, p.valid()); d != "" {
		t.Errorf("the valid waivers (-want +got):\n%s", d)
	}
}

func TestAWaiverIsUsedByTheAssumptionItCovers(t *testing.T) {
	p, err := policyOf(t, `waivers: [{id: NVA_FORWARDS_AND_PERMITS, about: fw1, reason: r, owner: o, expires: 2027-01-01}]`)
	if err != nil {
		t.Fatal(err)
	}
	fw1 := flow.Assumption{ID: flow.NVAForwardsAndPermits, About: "/x/fw1"}
	fw2 := flow.Assumption{ID: flow.NVAForwardsAndPermits, About: "/x/fw2"}
	if p.use([]flow.Assumption{fw2}); p.waivers[0].used {
		t.Error("used by an assumption about another machine")
	}
	if p.use([]flow.Assumption{fw2, fw1}); !p.waivers[0].used {
		t.Error("not used by the one it is about")
	}
	if d := cmp.Diff([]flow.Assumption{fw2}, p.unwaived([]flow.Assumption{fw1, fw2})); d != "" {
		t.Errorf("unwaived (-want +got):\n%s", d)
	}
}

func TestAMalformedPolicyIsAUsageError(t *testing.T) {
	const waiver = "waivers: [{id: NOT_SUCCEEDED, reason: r, owner: o, expires: 2027-01-01"
	const assertion = "assertions: [{id: rdp, deny: {from: Internet, to: 'vm:*', ports: 3389}}]\n"
	for name, c := range map[string]struct{ text, want string }{
		"list":                        {"- a\n", "netpath.yaml:1:1: expected an object with waivers, suppressions, serviceTags, assertions, found a list"},
		"two documents":               {"waivers: []\n---\nwaivers: []\n", "netpath.yaml: expected one YAML document"},
		"unknown key":                 {"waiver: []\n", `netpath.yaml:1:1 (/waiver): unknown key, found "waiver"; known here: waivers, suppressions, serviceTags, assertions; did you mean waivers?`},
		"unknown id":                  {"waivers: [{id: NOT_SUCEEDED, reason: r, owner: o, expires: 2027-01-01}]\n", `not the ID of an assumption, found "NOT_SUCEEDED"; did you mean NOT_SUCCEEDED?`},
		"unknown field":               {waiver + ", until: 2028-01-01}]\n", `unknown key, found "until"`},
		"no reason":                   {"waivers: [{id: NOT_SUCCEEDED, owner: o, expires: 2027-01-01}]\n", "a waiver needs reason"},
		"empty owner":                 {"waivers: [{id: NOT_SUCCEEDED, reason: r, owner: '', expires: 2027-01-01}]\n", "expected a text that is not empty"},
		"no expiry":                   {"waivers: [{id: NOT_SUCCEEDED, reason: r, owner: o}]\n", "a waiver needs expires"},
		"no id":                       {"waivers: [{reason: r, owner: o, expires: 2027-01-01}]\n", "a waiver needs id"},
		"bad date":                    {"waivers: [{id: NOT_SUCCEEDED, reason: r, owner: o, expires: 01/02/2027}]\n", "expected a date like 2025-10-28"},
		"no such day":                 {"serviceTags: {date: 2026-02-30}\n", "expected a date like 2025-10-28"},
		"waivers no list":             {"waivers: {id: NOT_SUCCEEDED}\n", "expected a list, found an object"},
		"waiver no object":            {"waivers: [NOT_SUCCEEDED]\n", "expected an object with id"},
		"about not a text":            {waiver + ", about: [a]}]\n", "expected a text that is not empty, found a list"},
		"date not a text":             {"serviceTags: {date: {}}\n", "expected a text that is not empty, found an object"},
		"suppression without expiry":  {assertion + "suppressions: [{id: rdp, reason: r, owner: o}]\n", "a suppression needs expires"},
		"suppression without reason":  {assertion + "suppressions: [{id: rdp, owner: o, expires: 2027-01-01}]\n", "a suppression needs reason"},
		"suppression without owner":   {assertion + "suppressions: [{id: rdp, reason: r, expires: 2027-01-01}]\n", "a suppression needs owner"},
		"suppression without id":      {assertion + "suppressions: [{reason: r, owner: o, expires: 2027-01-01}]\n", "a suppression needs id"},
		"suppression of nothing":      {assertion + "suppressions: [{id: rpd, reason: r, owner: o, expires: 2027-01-01}]\n", `netpath.yaml:2:16 (/suppressions/0): expected the id of an assertion, or of a rule of lint, found "rpd"; did you mean rdp?`},
		"only without services":       {"assertions: [{id: a, only: {from: x, to: y}}]\n", "only needs ports, a protocol or services"},
		"only of everything":          {"assertions: [{id: a, only: {from: x, to: y, protocol: '*'}}]\n", "expected something that may not pass"},
		"services and ports":          {"assertions: [{id: a, only: {from: x, services: tcp/443, ports: 443}}]\n", "expected services, or ports and a protocol"},
		"bad service":                 {"assertions: [{id: a, only: {from: x, services: tcp:443}}]\n", "expected services like tcp/443, udp/53, icmp or none"},
		"only from nowhere":           {"assertions: [{id: a, only: {to: x, ports: 443}}]\n", "only needs from"},
		"typo in only":                {"assertions: [{id: a, only: {form: x, ports: 443}}]\n", `unknown key, found "form"; known here: from, to, ports, protocol, services; did you mean from?`},
		"no baseline":                 {"assertions: [{id: a, no-newly-allowed: {}}]\n", "no-newly-allowed needs baseline"},
		"typo of a baseline":          {"assertions: [{id: a, no-newly-allowed: {basline: x}}]\n", `unknown key, found "basline"; known here: baseline; did you mean baseline?`},
		"bad level":                   {"assertions: [{id: a, lint: {fail-on: eror}}]\n", `expected error, warning or note, found "eror"; did you mean error?`},
		"unknown rule of lint":        {"assertions: [{id: a, lint: {rules: [NP0000]}}]\n", `expected rules of lint, found "NP0000"`},
		"typo in lint":                {"assertions: [{id: a, lint: {failon: error}}]\n", `unknown key, found "failon"; known here: fail-on, rules, without; did you mean fail-on?`},
		"allow and deny overlap":      {"assertions: [{id: a, allow: {from: x, to: y, ports: 443}}, {id: b, deny: {from: X, to: [Y], ports: 80-500}}]\n", `contradicts the assertion "a" in line 1`},
		"allow beyond only":           {"assertions: [{id: a, allow: {from: x, to: y, ports: 80}}, {id: b, only: {from: x, to: y, ports: 443}}]\n", `contradicts the assertion "a" in line 1`},
		"only before allow":           {"assertions: [{id: a, only: {from: x, to: y, services: [tcp/443, icmp]}}, {id: b, allow: {from: x, to: y, ports: 443, protocol: udp}}]\n", `contradicts the assertion "a" in line 1`},
		"typo in a suppression":       {assertion + "suppressions: [{id: rdp, reasn: r, owner: o, expires: 2027-01-01}]\n", `unknown key, found "reasn"; known here: id, about, reason, owner, expires; did you mean reason?`},
		"suppression that is no list": {assertion + "suppressions: {id: rdp}\n", "expected a list, found an object"},
		"not YAML":                    {"waivers: [\n", "netpath.yaml"},
		"duplicate key":               {"waivers: []\nwaivers: []\n", "netpath.yaml:2"},
		"unknown tag field":           {"serviceTags: {day: 2026-01-01}\n", `unknown key, found "day"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policyOf(t, c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
	if _, err := findPolicy(filepath.Join(t.TempDir(), "none.yaml"), false, today); codeOf(err) != exitUsage {
		t.Errorf("a missing policy file has exit %d: %v", codeOf(err), err)
	}
}

func TestAssertionsThatFitTogether(t *testing.T) {
	for _, text := range []string{
		"[{id: a, allow: {from: x, to: y, ports: 443}}, {id: b, deny: {from: x, to: y, ports: 80}}]",
		"[{id: a, allow: {from: x, to: y, ports: 443}}, {id: b, deny: {from: x, to: y, ports: 443, protocol: udp}}]",
		"[{id: a, allow: {from: x, to: y, ports: 443}}, {id: b, deny: {from: y, to: x, ports: 443}}]",
		"[{id: a, allow: {from: x, to: y, ports: 443}}, {id: b, only: {from: x, to: y, ports: 400-500}}]",
		"[{id: a, only: {from: x, to: y, services: none}}, {id: b, deny: {from: x, to: y}}]",
	} {
		if _, err := policyOf(t, "assertions: "+text+"\n"); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestOnlyCILooksForAPolicyUpward(t *testing.T) {
	top := t.TempDir()
	below := filepath.Join(top, "a", "b")
	if err := os.MkdirAll(below, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(top, policyName), []byte("waivers: []\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(below, policyName), 0o777); err != nil { // a folder is no policy file
		t.Fatal(err)
	}
	t.Chdir(below)
	p, err := findPolicy("", true, today)
	if err != nil || filepath.Base(p.file) != policyName || filepath.Base(filepath.Dir(filepath.Dir(p.file))) == "a" {
		t.Errorf("with --ci: %+v, %v", p, err)
	}
	if p, err := findPolicy("", false, today); err != nil || p.file != "" {
		t.Errorf("without: %+v, %v", p, err)
	}
}

func TestNeededWaiversAreBounded(t *testing.T) {
	var n needed
	for i := range 3 * maxNeeded {
		n.add([]flow.Assumption{{ID: flow.NoNICAtDestination, About: fmt.Sprint(i / 2)}})
	}
	if len(n.list) != maxNeeded || !n.more {
		t.Errorf("%d kept, more %v", len(n.list), n.more)
	}
}
