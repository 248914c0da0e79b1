package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
)

// backedUp is a report on a machine that passes through a proxy, one that
// fails, and one of which too little is known.
func backedUp() *backup.Report {
	machine := func(name string) *topology.VirtualMachine {
		return &topology.VirtualMachine{Element: topology.Element{Name: name, ResourceID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/" + name}}
	}
	storage := func(v flow.Verdict, met backup.Verdict, via backup.Way) backup.Requirement {
		return backup.Requirement{Profile: "vm-2018", Name: "storage-https", Tag: "Storage.WestEurope", Destination: "Storage.WestEurope",
			Protocol: topology.TCP, Port: 443, Verdict: v, Met: met, Via: via}
	}
	app1 := storage(flow.Allow, backup.Pass, backup.Proxy)
	app1.Through, app1.Code, app1.RuleName, app1.Priority, app1.NSG = "proxy1 (10.0.0.5:8080)", flow.NSGRuleAllow, "allow-proxy", 200, "NSG-lockdown"
	app1.Text, app1.Origin, app1.Coverage = "200 allow-proxy in NSG-lockdown (subnet v1/dmz outbound)", at("nsg.json", 12), &backup.Coverage{Prefixes: 412, Allowed: 412}
	app2 := storage(flow.Split, backup.Fail, backup.DatacenterRanges)
	app2.Code, app2.RuleName, app2.Priority, app2.NSG, app2.Leg = flow.NSGRuleDeny, "deny-internet", 4000, "nsg-app", backup.LegRules
	app2.Text, app2.Origin = "410 of 412 prefixes pass; the others: 4000 deny-internet in nsg-app (subnet v1/app outbound)", at("nsg.json", 44)
	app2.Coverage = &backup.Coverage{Prefixes: 412, Allowed: 410, Denied: prefixes("20.60.26.0/23", "20.150.0.0/24")}
	app3 := storage(flow.Unknown, backup.Unknown, backup.None)
	app3.Text = "virtual machine \"app3\": none of its network interfaces is in the data"
	app3.Missing = []flow.Missing{{Code: flow.DanglingReference, About: "app3", Text: app3.Text, Export: "az network nic list -o json"}}
	return &backup.Report{
		Profiles:    []*backup.Profile{{Name: "vm-2018", Assumes: "the extension needs Storage", Newer: "vm-current needs nothing", Source: "BK18", Date: "2018"}},
		ServiceTags: tags,
		Ranges:      &backup.RangesInfo{File: "PublicIPs_20180129.xml", Regions: 30},
		VMs: []backup.VM{
			{Machine: machine("app1"), Name: "app1", Region: "westeurope", Verdict: backup.Pass, Way: backup.Proxy, Requirements: []backup.Requirement{app1},
				Readiness: []backup.Check{{Name: "data-disks", Verdict: backup.Pass, Found: 2, Limit: 16}}},
			{Machine: machine("app2"), Name: "app2", Region: "westeurope", Verdict: backup.Fail, Way: backup.DatacenterRanges, Reason: "Storage.WestEurope: " + app2.Text,
				Requirements: []backup.Requirement{app2}, Assumptions: []flow.Assumption{current},
				Ways: []backup.WayResult{
					{Way: backup.DatacenterRanges, InUse: true, Verdict: backup.Fail, Requirement: "storage-https", Failing: backup.LegRules, Text: "40 ranges cover 410 of 412",
						Legs: []backup.Leg{{Name: backup.LegRules, Verdict: flow.Deny, Code: flow.NSGRuleDeny, Text: "4000 deny-internet in nsg-app", Origin: at("nsg.json", 44)},
							{Name: backup.LegRoute, Verdict: flow.Allow, Text: "the route 0.0.0.0/0 to Internet"}, {Name: backup.LegEgress, Skipped: true}},
						Rules: &backup.RuleCoverage{Rules: []string{"nsg-app/we"}, Prefixes: 40, Source: "Storage.WestEurope", Total: 412, Covered: 410, Missing: prefixes("20.60.26.0/23", "20.150.0.0/24"), Stale: prefixes("13.69.0.0/17")}},
					{Way: backup.Proxy, Verdict: backup.Fail, Requirement: "storage-https", Failing: backup.LegSetting, Text: "no proxy is set on app2",
						Legs: []backup.Leg{{Name: backup.LegSetting, Step: 1, Verdict: flow.Deny, Code: flow.ProxyNotFound, Text: "no proxy is set on app2"}}},
				},
				Readiness: []backup.Check{
					{Name: "data-disks", Verdict: backup.Fail, Found: 17, Limit: 16, Text: "17 data disks, at most 16", Source: "BK18", Origin: at("vms.json", 3)},
					{Name: "vm-agent", Verdict: backup.Unknown, Text: "the export does not say", Export: "az vm get-instance-view -n app2 -g g"},
					{Name: "os-support", Verdict: backup.Pass, Found: "Ubuntu 16.04"},
				},
				Remedies: []backup.Remedy{{Way: backup.ServiceTag, Text: "allow Storage.WestEurope at priority 100 in nsg-app"}}},
			{Machine: machine("app3"), Name: "app3", Verdict: backup.Unknown, UnderAssumptions: "Pass", Way: backup.None, Reason: "Storage: " + app3.Text,
				Requirements: []backup.Requirement{app3}, Missing: app3.Missing},
		},
	}
}

func TestBackupIsWrittenInEveryFormat(t *testing.T) {
	for _, f := range []Format{Text, Table, JSON, NDJSON} {
		t.Run(string(f), func(t *testing.T) {
			var b bytes.Buffer
			if err := New(&b, Options{Format: f}).Backup(backedUp(), BackupView{}); err != nil {
				t.Fatal(err)
			}
			golden(t, "backup."+string(f), b.Bytes())
		})
	}
	t.Run("all", func(t *testing.T) {
		var b bytes.Buffer
		if err := New(&b, Options{Full: true, Scope: "nothing else"}).Backup(backedUp(), BackupView{Details: true, AllLegs: true}); err != nil {
			t.Fatal(err)
		}
		golden(t, "backup-all.text", b.Bytes())
	})
	t.Run("without", func(t *testing.T) {
		r := backedUp()
		r.Without = &backup.Removal{Kind: "virtual machine", Name: "proxy1", ID: "/proxy1"}
		r.Changes = []backup.Change{{VM: "app1", ID: r.VMs[0].Machine.ResourceID, Before: backup.Pass, After: backup.Fail, WayBefore: backup.Proxy, WayAfter: backup.Proxy, Reason: "proxy1 serves no more"}}
		for _, f := range []Format{Text, Table} {
			var b bytes.Buffer
			if err := New(&b, Options{Format: f}).Backup(r, BackupView{}); err != nil {
				t.Fatal(err)
			}
			golden(t, "backup-without."+string(f), b.Bytes())
		}
	})
}

// The names are those of the command line's contract.
func TestBackupJSONHasTheFieldsOfTheContract(t *testing.T) {
	var b bytes.Buffer
	if err := New(&b, Options{Format: JSON, ExitCodes: []int{1}}).Backup(backedUp(), BackupView{}); err != nil {
		t.Fatal(err)
	}
	var d struct {
		SchemaVersion, Profile string
		ExitCodes              []int
		VMs                    []map[string]any
	}
	if err := json.Unmarshal(b.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if d.SchemaVersion != SchemaVersion || d.Profile != "vm-2018" || len(d.VMs) != 3 || len(d.ExitCodes) != 1 {
		t.Fatalf("%s %s, %d machines, exit codes %v", d.SchemaVersion, d.Profile, len(d.VMs), d.ExitCodes)
	}
	got := map[string]any{}
	for _, k := range []string{"vm", "verdict", "way"} {
		got[k] = d.VMs[0][k]
	}
	q := d.VMs[0]["requirements"].([]any)[0].(map[string]any)
	for _, k := range []string{"name", "destination", "protocol", "port", "via", "code", "ruleName"} {
		got[k] = q[k]
	}
	got["requirement verdict"] = q["verdict"]
	c := d.VMs[0]["readiness"].([]any)[0].(map[string]any)
	for _, k := range []string{"check", "found", "limit"} {
		got[k] = c[k]
	}
	want := map[string]any{
		"vm": "app1", "verdict": "Pass", "way": "proxy",
		"name": "storage-https", "destination": "Storage.WestEurope", "protocol": "TCP", "port": 443.0, "requirement verdict": "Allow", "via": "proxy", "code": "NSG_RULE_ALLOW", "ruleName": "allow-proxy",
		"check": "data-disks", "found": 2.0, "limit": 16.0,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for i, vm := range d.VMs {
		for _, k := range []string{"requirements", "readiness", "remedies", "assumptions"} {
			if _, ok := vm[k].([]any); !ok {
				t.Errorf("%s of machine %d is no list: %v", k, i, vm[k])
			}
		}
	}
}

func TestOnlyTheFirstMachinesThatDoNotPassAreToldInFull(t *testing.T) {
	r := backedUp()
	fails := r.VMs[1]
	r.VMs = nil
	for i := range 15 {
		m := fails
		m.Name = fmt.Sprintf("vm%02d", i)
		r.VMs = append(r.VMs, m)
	}
	var b bytes.Buffer
	if err := New(&b, Options{}).Backup(r, BackupView{}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "ways out"); n != DetailedMachines {
		t.Errorf("%d machines are told in full, want %d", n, DetailedMachines)
	}
	if !strings.Contains(b.String(), "5 more machines do not pass; --vm NAME or -v shows why") || !strings.Contains(b.String(), "vm14 ") {
		t.Errorf("the others are not counted or not listed:\n%s", b.String())
	}
}

func TestNoByteOfABackupNameReachesTheTerminal(t *testing.T) {
	const evil = "a\x1b[2J\u202eb"
	r := backedUp()
	m := &r.VMs[1]
	m.Name, m.Reason, m.Region = evil, evil, evil
	q := &m.Requirements[0]
	q.Destination, q.Text, q.RuleName, q.Through = evil, evil, evil, evil
	m.Ways[0].Text, m.Ways[0].Legs[0].Text, m.Ways[0].Rules.Rules = evil, evil, []string{evil}
	m.Readiness[0].Text, m.Readiness[1].Export, m.Remedies[0].Text = evil, evil, evil
	r.Without, r.Changes = &backup.Removal{Kind: "route", Name: evil}, []backup.Change{{VM: evil, ID: m.Machine.ResourceID, Reason: evil}}
	r.Profiles[0].Name, r.Profiles[0].Assumes, r.Ranges.File, r.Notes = evil, evil, evil, []string{evil}
	r.ServiceTags = &sim.CatalogueInfo{Cloud: evil}
	for _, f := range []Format{Text, Table, JSON, NDJSON} {
		var b bytes.Buffer
		if err := New(&b, Options{Format: f, Full: true}).Backup(r, BackupView{Details: true, AllLegs: true}); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(b.String(), "\x1b\u202e") {
			t.Errorf("%s: a name steers the terminal:\n%q", f, b.String())
		}
	}
}
