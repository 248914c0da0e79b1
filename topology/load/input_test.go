package load_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology/load"
)

func open(paths ...string) (*load.Result, error) {
	return load.Estate(context.Background(), paths, load.Options{})
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestADirectoryIsReadRecursively(t *testing.T) {
	one := func(name string) string { return strings.ReplaceAll(group(rule()), "/nsg", "/"+name) }
	dir := files(t, map[string]string{
		"a.json": one("a"), "deep/er/b.json.gz": zipped(t, one("b")), "deep/c.yaml": "apiVersion: netpath/v1\napplicationSecurityGroups: [{name: x}]\n",
		".hidden.json": "{", ".git/config.json": "{", "notes.txt": "no", "guests/vm1/waagent.conf": "HttpProxy.Host=None\n", "guests/vm1/x.json": "{",
		"netpath.yaml": "assertions: []\n", "compose.yml": "services: {web: {image: nginx}}\n", "package.json": `{"name": "x", "version": "1"}`,
	})
	res, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, in := range res.Inputs {
		rel, _ := filepath.Rel(dir, in.Path)
		got = append(got, rel+" "+in.Dialect)
	}
	if d := cmp.Diff([]string{"a.json az", "deep/c.yaml design", "deep/er/b.json.gz az", "guests/vm1/waagent.conf waagent.conf"}, got); d != "" {
		t.Error(d)
	}
	if d := said(res, "3 files of no known kind are skipped"); len(d) != 1 || d[0].Severity != load.Warning || !strings.Contains(d[0].Message, "compose.yml") || !strings.Contains(d[0].Message, "package.json") {
		t.Errorf("%s", messages(res))
	}
	if len(said(res, "policy file is not part of the estate")) != 1 || len(said(res, `the folder of guests names "vm1", and no machine of the estate has that name`)) != 1 || len(res.Diagnostics) != 3 {
		t.Errorf("%s", messages(res))
	}
	text, err := os.ReadFile(filepath.Join(dir, "a.json"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	if in := res.Inputs[0]; in.SHA256 != hex.EncodeToString(sum[:]) || in.Bytes != int64(len(text)) || in.Elements != 1 {
		t.Errorf("%+v", in)
	}
	zip, err := os.ReadFile(filepath.Join(dir, "deep/er/b.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	sum = sha256.Sum256(zip)
	if in := res.Inputs[2]; in.SHA256 != hex.EncodeToString(sum[:]) || in.Bytes != int64(len(zip)) {
		t.Errorf("the sum of a packed file is that of the file as stored: %+v", in)
	}
}

func TestPathsThatCannotBeMeantAreUsageErrors(t *testing.T) { // rows 19, 20
	dir := files(t, map[string]string{"a.json": group(rule())})
	for name, call := range map[string]func() error{
		"20 not found": func() error { _, err := open(filepath.Join(dir, "gone.json")); return err },
		"nothing":      func() error { _, err := open(); return err },
		"19 directory for a tag file": func() error {
			_, err := load.Estate(context.Background(), nil, load.Options{ServiceTags: []string{dir}})
			return err
		},
		"stdin twice":            func() error { _, err := open("-", "-"); return err },
		"not found among others": func() error { _, err := open(dir, filepath.Join(dir, "gone.json")); return err },
		"not found, whatever --keep-going is": func() error {
			_, err := load.Estate(context.Background(), []string{filepath.Join(dir, "gone.json")}, load.Options{KeepGoing: true})
			return err
		},
	} {
		var ue *load.UsageError
		if err := call(); !errors.As(err, &ue) || ue.Message == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPathsThatAreRefused(t *testing.T) {
	dir := files(t, map[string]string{
		"empty/readme.txt": "x", "policy/netpath.yaml": "assertions: []\n", "unknown/a.json": `{"a": 1}`,
		"mentions/a.json": `{"a": [{"provider": "microsoft.network"}]}`, "blank/a.json": " \n", "in/a.json": group(rule()), "bad/a.yaml": "a: [\n",
	})
	link := func(to, from string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(from), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	link("..", filepath.Join(dir, "loop/sub/again"))
	link(filepath.Join(dir, "in/a.json"), filepath.Join(dir, "outside/a.json"))
	link("gone.json", filepath.Join(dir, "broken/a.json"))
	if err := os.MkdirAll(filepath.Join(dir, "pipe"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe/a.json"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, path, want string }{
		{"a folder with nothing to read", "empty", "holds nothing that is read"},
		{"a folder with a policy alone", "policy", "nothing that was given is one"},
		{"a folder with unknown files alone", "unknown", "nothing that was given is one"},
		{"a named file of no known kind", "unknown/a.json", "expected a resource with a type, an id or the properties of one"},
		{"a named policy", "policy/netpath.yaml", "give it with --policy"},
		{"an unknown file that speaks of the network", "mentions", "the file mentions Microsoft.Network"},
		{"1 blank", "blank", "is empty"},
		{"16 link out of the directory", "outside", "leads out of the directory"},
		{"17 link loop", "loop", "a loop"},
		{"17 broken link", "broken", "a.json"},
		{"22 FIFO", "pipe/a.json", "is not a regular file"},
		{"22 FIFO in a directory", "pipe", "is not a regular file"},
		{"22 device", "/dev/zero", "is not a regular file"},
		{"unreadable YAML", "bad", "a.yaml"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := tc.path
			if !filepath.IsAbs(p) {
				p = filepath.Join(dir, p)
			}
			_, err := open(p)
			var de *doctree.Error
			if !errors.As(err, &de) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("not refused with %q: %v", tc.want, err)
			}
		})
	}
	t.Run("21 permission denied", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root may read everything")
		}
		p := filepath.Join(dir, "in/a.json")
		if err := os.Chmod(p, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := open(p); err == nil || !strings.Contains(err.Error(), "cannot be read") {
			t.Error(err)
		}
	})
}

func TestTheSameFileTwiceIsReadOnce(t *testing.T) { // row 24
	dir := files(t, map[string]string{"a.json": group(rule())})
	p := filepath.Join(dir, "a.json")
	res, err := open(p, dir, filepath.Dir(dir)+"/"+filepath.Base(dir)+"/./a.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Inputs) != 1 || len(said(res, "the same file as")) != 2 {
		t.Errorf("%+v %s", res.Inputs, messages(res))
	}
}

func TestStdin(t *testing.T) { // row 23
	res, err := load.Estate(context.Background(), []string{"-"}, load.Options{Stdin: strings.NewReader(group(rule()))})
	if err != nil || len(res.Network.NetworkSecurityGroups) != 1 || res.Inputs[0].Path != "-" {
		t.Fatalf("%v", err)
	}
	tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err == nil {
		defer tty.Close()
		done := make(chan error, 1)
		go func() {
			_, err := load.Estate(context.Background(), []string{"-"}, load.Options{Stdin: tty})
			done <- err
		}()
		select {
		case err := <-done:
			if err == nil || !strings.Contains(err.Error(), "found a terminal") {
				t.Error(err)
			}
		case <-time.After(5 * time.Second):
			t.Error("reading from a terminal hangs")
		}
	}
	for name, opt := range map[string]load.Options{"empty": {Stdin: strings.NewReader("")}, "none": {}} {
		if _, err := load.Estate(context.Background(), []string{"-"}, opt); err == nil || !strings.HasPrefix(err.Error(), "-:") && !strings.HasPrefix(err.Error(), "-") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Stdin can be read once; --keep-going may have to read the inputs again.
	dir := files(t, map[string]string{"b.json": group(rule(`access: "Deny"`))})
	res, err = load.Estate(context.Background(), []string{"-", dir}, load.Options{KeepGoing: true, Stdin: strings.NewReader(group(rule()))})
	if err != nil || len(res.Refused) != 1 || len(res.Network.NetworkSecurityGroups) != 1 {
		t.Errorf("%v %+v", err, res)
	}
}

func TestTheContentCountsNotTheName(t *testing.T) { // rows 2, 3, 31
	res := estate(t, map[string]string{"a.yaml": "\ufeffapiVersion: netpath/v1\napplicationSecurityGroups: [{name: x}]\n", "b.xml": `{"id": "` + net + `applicationSecurityGroups/x", "name": "x"}`, "c.yml": restEstate})
	if d := said(res, "the name ends in .xml, but the content is JSON"); len(d) != 1 || d[0].Severity != load.Warning {
		t.Errorf("%s", messages(res))
	}
	if d := said(res, "byte order mark"); len(d) != 1 || d[0].Severity != load.Note {
		t.Errorf("%s", messages(res))
	}
	if len(said(res, "the name ends in")) != 1 { // JSON is YAML too
		t.Errorf("%s", messages(res))
	}
}

func TestOtherDocumentsAreNamed(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"<Objs Version=\"1.1.0.1\"></Objs>", "CLIXML"},
		{"<html><body>Sign in</body></html>", "web page"},
		{`<a><b/></a>`, "expected a resource"},
		{`{"data": {"columns": [], "rows": []}, "count": 1}`, "expected a resource"},
		{`{"columns": [{"name": "id"}], "data": [["x"]]}`, "Resource Graph table"},
		{`{"terraform_version": "1.3", "lineage": "x", "serial": 1}`, "a Terraform state"},
		{`{"contentVersion": "1.0.0.0", "resources": []}`, "an ARM template"},
		{`{"records": [{"category": "AzureFirewallNetworkRule"}]}`, "log records"},
		{`{"results": [{"networkSecurityGroupResult": {}}]}`, "an answer of NSG diagnostics"},
		{`[[1]]`, "expected a resource"},
		{`[` + group(rule()) + `, 5]`, "expected a resource"},
		{`"text"`, ""},
		{`42`, ""},
	} {
		p := filepath.Join(files(t, map[string]string{"a.json": tc.text}), "a.json")
		_, err := open(p)
		var de *doctree.Error
		if !errors.As(err, &de) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: not refused with %q: %v", tc.text, tc.want, err)
		}
	}
}

func TestACancelledLoadEnds(t *testing.T) {
	dir := files(t, map[string]string{"a.json": restEstate})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := load.Estate(ctx, []string{dir}, load.Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// growing adds to its file while it is read.
type growing struct{ path string }

func TestAFileThatChangesWhileItIsReadIsRefused(t *testing.T) { // row 25
	g := growing{filepath.Join(t.TempDir(), "a.json")}
	writeAzGroups(t, g.path, 40, 200)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 10_000 {
			select {
			case <-stop:
				return
			default:
			}
			at := time.Now().Add(time.Duration(i+1) * time.Second)
			_ = os.Chtimes(g.path, at, at)
		}
	}()
	_, err := open(g.path)
	close(stop)
	<-done
	if err == nil || !strings.Contains(err.Error(), "changed while it was read") {
		t.Error(err)
	}
}
