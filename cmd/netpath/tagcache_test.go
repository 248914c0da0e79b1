package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// damage changes the last byte of the one file in a folder.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: damage FOLDER")
	}
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*"))
	ts.Check(err)
	if len(files) != 1 {
		ts.Fatalf("not one file but %q", files)
	}
	b, err := os.ReadFile(files[0])
	ts.Check(err)
	b[len(b)-1] ^= 1
	ts.Check(os.WriteFile(files[0], b, 0o600))
}

// TestMicrosoftsTagFilesAnswerTheSameFromTheCache asks sixty flows, at and
// beside the edges of what the rules name, of every tag file.
func TestMicrosoftsTagFilesAnswerTheSameFromTheCache(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	tagFiles, err := filepath.Glob(filepath.Join(root, "..", "shared", "data", "service-tags", "*.json"))
	if err != nil || len(tagFiles) == 0 {
		t.Skipf("the shared test data is not here: %v", err)
	}
	dir := t.TempDir()
	var rules, flows strings.Builder
	for i, tag := range []string{"Storage", "Sql", "AzureMonitor", "AzureActiveDirectory", "AzureCloud.westeurope", "AzureCloud", "Storage.germanycentral", "NoSuchTag"} {
		fmt.Fprintf(&rules, `,{"name":"r%d","access":%q,"direction":"Outbound","priority":%d,"protocol":"*","sourceAddressPrefix":"*","sourcePortRange":"*","destinationAddressPrefix":%q,"destinationPortRange":"%d-65535"}`,
			i, []string{"Allow", "Deny"}[i%2], 100+i, tag, 100*i)
	}
	flows.WriteString("nsg,direction,protocol,local,localPort,remote,remotePort\n")
	for _, remote := range []string{"52.239.140.10", "20.38.106.10", "13.69.0.1", "13.68.255.255", "40.112.0.0", "51.4.0.1", "52.127.0.0", "139.217.1.1", "2603:1020:206::1", "8.8.8.8"} {
		local := "10.0.0.5"
		if strings.Contains(remote, ":") {
			local = "fd00::5"
		}
		for port := 50; port < 1000; port += 160 {
			fmt.Fprintf(&flows, "web,Outbound,tcp,%s,50000,%s,%d\n", local, remote, port)
		}
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	nsg := write("nsg.json", `[{"name":"web","id":"/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/web","location":"westeurope","securityRules":[`+rules.String()[1:]+`]}]`)
	csv := write("flows.csv", flows.String())
	for _, tags := range tagFiles {
		t.Run(filepath.Base(tags), func(t *testing.T) {
			cache := filepath.Join(dir, filepath.Base(tags))
			var want string
			for i, more := range []string{"--no-cache", "-v", "-v", "--quiet"} {
				out, err := os.Create(filepath.Join(dir, "out"))
				if err != nil {
					t.Fatal(err)
				}
				p := newProgram(nil, out, out)
				p.cacheDir = func() (string, error) { return cache, nil }
				p.stderr.file = devNull(t)
				code := p.run(context.Background(), []string{"ip-flow", nsg, tags, "--flows", csv, "-o", "ndjson", "--as-of", "2025-10-29", more})
				out.Close()
				got, err := os.ReadFile(out.Name())
				if err != nil || len(got) == 0 {
					t.Fatalf("exit %d, %d bytes, %v", code, len(got), err)
				}
				answer := fmt.Sprintf("exit %d\n%s", code, got)
				if i == 0 {
					want = answer
				}
				if diff := cmp.Diff(want, answer); diff != "" {
					t.Errorf("%s, run %d: %s", more, i, diff)
				}
			}
			if files, err := filepath.Glob(filepath.Join(cache, "netpath", "service-tags", "*.tags")); err != nil || len(files) != 1 {
				t.Errorf("%v %v", files, err)
			}
		})
	}
}

func devNull(t *testing.T) *os.File {
	f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
