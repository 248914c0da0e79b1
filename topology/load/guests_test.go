package load_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load"
)

// machines is a design of two machines; more is what is said of app1 besides.
func machines(more string) string {
	return `apiVersion: netpath/v1
virtualNetworks:
  - {name: v1, location: westeurope, addressPrefixes: [10.0.0.0/16], subnets: [{name: app, addressPrefix: 10.0.1.0/24}]}
virtualMachines:
  - name: app1
    networkInterfaces: [{name: app1-nic, subnet: v1/app, privateIPAddress: 10.0.1.4}]
` + more + `  - name: proxy1
    networkInterfaces: [{name: proxy1-nic, subnet: v1/app, privateIPAddress: 10.0.1.5}]
`
}

const (
	agentConf   = "# agent\nHttpProxy.Host=10.0.1.5\nHttpProxy.Port=8080\n"
	environment = "PATH=\"/bin\"\nhttps_proxy=http://10.0.1.5:8080\n"
	designProxy = "    proxy: {host: 10.0.1.5, port: 8080}\n"
)

// registry is an export of one account's settings, as reg export writes it.
func registry(account string, values ...string) string {
	text := "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_USERS\\" + account + `\Software\Microsoft\Windows\CurrentVersion\Internet Settings]` + "\r\n" + strings.Join(values, "\r\n") + "\r\n"
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

const (
	enabled  = `"ProxyEnable"=dword:00000001`
	disabled = `"ProxyEnable"=dword:00000000`
	serverIs = `"ProxyServer"="10.0.1.5:8080"`
)

// proxyOf is the setting of a machine, its origin without the directory.
func proxyOf(res *load.Result, name string) (*topology.ProxySetting, string) {
	for _, vm := range res.Network.VirtualMachines {
		if vm.Name != name || vm.Proxy == nil {
			continue
		}
		at := vm.Proxy.Origin.String()
		if i := strings.Index(at, "guests"); i >= 0 {
			at = filepath.ToSlash(at[i:])
		} else {
			at = filepath.Base(at)
		}
		return vm.Proxy, at
	}
	return nil, ""
}

func TestGuestsSayWhichProxyTheirMachineUses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		design string
		files  map[string]string
		scope  string
		at     string
	}{
		{"no file", "", nil, "", ""},
		{"waagent.conf", "", map[string]string{"guests/app1/waagent.conf": agentConf}, "system", "guests/app1/waagent.conf:2"},
		{"as on the machine's disk", "", map[string]string{"guests/APP1/etc/waagent.conf": agentConf}, "system", "guests/APP1/etc/waagent.conf:2"},
		{"packed", "", map[string]string{"guests/app1/etc/environment.gz": zipped(t, environment)}, "system", "guests/app1/etc/environment.gz:2"},
		{"environment", "", map[string]string{"deep/guests/app1/environment": environment}, "system", "guests/app1/environment:2"},
		{"registry", "", map[string]string{"guests/app1/proxy.reg": registry("S-1-5-18", enabled, serverIs)}, "system", "guests/app1/proxy.reg:5"},
		{"a user's", "", map[string]string{"guests/app1/proxy.reg": registry("S-1-5-21-1-2-3-1001", enabled, serverIs)}, "user", "guests/app1/proxy.reg:5"},
		{"of no one", "", map[string]string{"guests/app1/proxy.reg": registry("S-1-5-18", disabled, serverIs)}, "", ""},
		{"two files that agree", "", map[string]string{"guests/app1/environment": environment, "guests/app1/waagent.conf": agentConf}, "system", "guests/app1/environment:2"},
		{"a file and the design agree", designProxy, map[string]string{"guests/app1/waagent.conf": agentConf}, "system", "a.yaml:7"},
		{"None does not contradict the design", designProxy, map[string]string{"guests/app1/waagent.conf": "HttpProxy.Host=None\n"}, "system", "a.yaml:7"},
		{"a user's counts less", designProxy, map[string]string{"guests/app1/proxy.reg": registry("S-1-5-21-1", enabled, `"ProxyServer"="10.9.9.9:1"`)}, "system", "a.yaml:7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := map[string]string{"a.yaml": machines(tt.design)}
			for name, text := range tt.files {
				all[name] = text
			}
			res := estate(t, all)
			got, at := proxyOf(res, "app1")
			if tt.scope == "" {
				if got != nil {
					t.Fatalf("%+v", got)
				}
			} else if got == nil || got.Host != "10.0.1.5" || got.Port != 8080 || got.Scope != tt.scope || at != tt.at {
				t.Fatalf("%+v at %s", got, at)
			}
			if other, _ := proxyOf(res, "proxy1"); other != nil {
				t.Errorf("proxy1 has %+v", other)
			}
			if len(res.Inputs) != 1+len(tt.files) {
				t.Errorf("%+v", res.Inputs)
			}
		})
	}
}

func TestWhatADesignDoesNotSayOfAProxyAFileMay(t *testing.T) {
	res := estate(t, map[string]string{"a.yaml": machines(designProxy), "guests/app1/environment": environment + "no_proxy=.blob.core.windows.net\n"})
	got, at := proxyOf(res, "app1")
	want := []topology.Bypass{{Host: "*.blob.core.windows.net"}}
	if d := cmp.Diff(want, got.Bypass, cmpopts.IgnoreFields(topology.Bypass{}, "Origin", "Prefix")); d != "" || at != "a.yaml:7" {
		t.Errorf("%s at %s", d, at)
	}
	if o := got.Bypass[0].Origin; o.Line != 3 || !strings.HasSuffix(o.File, "environment") {
		t.Errorf("%+v", o)
	}
}

func TestTwoSettingsOfAGuestMustBeTheSame(t *testing.T) {
	for _, tt := range []struct {
		name   string
		design string
		files  map[string]string
		want   []string
	}{
		{"two files", "", map[string]string{"guests/app1/environment": environment, "guests/app1/etc/waagent.conf": "HttpProxy.Host=10.0.1.5\nHttpProxy.Port=3128\n"},
			[]string{"guests/app1/etc/waagent.conf:1", "the proxy setting of app1", "guests/app1/environment:2"}},
		{"the design has another", "    proxy: {host: 10.0.1.6, port: 8080}\n", map[string]string{"guests/app1/waagent.conf": agentConf},
			[]string{"guests/app1/waagent.conf:2", "a.yaml:7"}},
		{"the design has a user's", "    proxy: {host: 10.0.1.5, port: 8080, scope: user}\n", map[string]string{"guests/app1/waagent.conf": agentConf},
			[]string{"guests/app1/waagent.conf:2", "a.yaml:7"}},
		{"the registry has none", designProxy, map[string]string{"guests/app1/proxy.reg": registry("S-1-5-18", disabled, serverIs)},
			[]string{"guests/app1/proxy.reg:4", "the proxy of the system account of app1", "a.yaml:7"}},
		{"a chain that leads back", "", map[string]string{"guests/app1/waagent.conf": agentConf, "guests/proxy1/waagent.conf": "HttpProxy.Host=10.0.1.4\nHttpProxy.Port=8080\n"},
			[]string{"guests/app1/waagent.conf:2", "app1 → proxy1 → app1"}}, // row 136
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := map[string]string{"a.yaml": machines(tt.design)}
			for name, text := range tt.files {
				all[name] = text
			}
			got := refused(t, all)
			for _, w := range tt.want {
				if !strings.Contains(got, w) {
					t.Errorf("%s\nlacks %q", got, w)
				}
			}
			if !strings.HasPrefix(got, tt.want[0]) {
				t.Errorf("%s\nbegins with another place", got)
			}
		})
	}
}

func TestBrokenFilesOfGuestsAreRefused(t *testing.T) {
	for name, tt := range map[string]struct{ file, text, want string }{
		"1 empty":                 {"environment", "", "guests/app1/environment:1:1: is empty"},
		"5 UTF-16 without a mark": {"proxy.reg", registry("S-1-5-18")[2:], "UTF-16 with a byte order mark"},
		"6 another encoding":      {"environment", "x=\xe4\n", "guests/app1/environment:1:3: expected UTF-8"},
		"7 control bytes":         {"waagent.conf", "a=\x00\n", "control characters"},
		"9 cut off":               {"proxy.reg", registry("S-1-5-18", `"ProxyServer"="10.0`), "guests/app1/proxy.reg:4:1"},
		"10 cut-off gzip":         {"environment.gz", zipped(t, environment)[:20], "gzip data ended early"},
		"26 a web page":           {"waagent.conf", "<!doctype html>\n<html>\n", "expected a line Key=Value"},
		"82 a leading zero":       {"waagent.conf", "HttpProxy.Host=010.0.1.5\nHttpProxy.Port=8080\n", "expected an IP address"},
		"98 a port":               {"waagent.conf", "HttpProxy.Host=10.0.1.5\nHttpProxy.Port=65536\n", "guests/app1/waagent.conf:2:1 (HttpProxy.Port): expected a port"},
	} {
		if got := refused(t, map[string]string{"a.yaml": machines(""), "guests/app1/" + tt.file: tt.text}); !strings.Contains(got, tt.want) || !strings.HasPrefix(got, "guests/app1/"+tt.file) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestWhatIsNotReadOfGuestsIsSkippedAndCounted(t *testing.T) {
	res := estate(t, map[string]string{"a.yaml": machines(""), "guests/app1/waagent.conf": agentConf, "guests/app1/etc/hosts": "x", "guests/notes.txt": "x",
		"guests/app1/.bashrc": "x", "guests/app1/nsg.json": group(rule())})
	d := said(res, "3 files of no known kind are skipped")
	if len(d) != 1 || !strings.Contains(d[0].Message, "hosts") || !strings.Contains(d[0].Message, "notes.txt") || !strings.Contains(d[0].Message, "nsg.json") {
		t.Errorf("%s", messages(res))
	}
	if len(res.Network.NetworkSecurityGroups) != 0 {
		t.Errorf("a file of a guest was read as an export")
	}
}

func TestAFolderOfGuestsMustNameAMachine(t *testing.T) {
	res := estate(t, map[string]string{"a.yaml": machines(""), "guests/ap1/waagent.conf": agentConf, "guests/ap1/environment": environment})
	d := said(res, `the folder of guests names "ap1", and no machine of the estate has that name`)
	if len(d) != 1 || d[0].Severity != load.Doubt || d[0].Hint != "did you mean app1?" {
		t.Errorf("%s", messages(res))
	}
	vm := func(group string) string {
		return `{"id": "/subscriptions/s/resourceGroups/` + group + `/providers/Microsoft.Compute/virtualMachines/app1", "name": "app1", "location": "westeurope", "hardwareProfile": {"vmSize": "Standard_B2s"}}`
	}
	got := refused(t, map[string]string{"a.json": vm("one"), "b.json": vm("two"), "guests/app1/waagent.conf": agentConf}) // row 116
	if !strings.Contains(got, "resourceGroups/one/") || !strings.Contains(got, "resourceGroups/two/") || !strings.HasPrefix(got, "guests/app1/waagent.conf") {
		t.Error(got)
	}
}

func TestAFolderAboveTheEstateMayBeCalledGuests(t *testing.T) {
	dir := files(t, map[string]string{"guests/estate/a.yaml": machines("")})
	res, err := open(filepath.Join(dir, "guests", "estate"))
	if err != nil || len(res.Network.VirtualMachines) != 2 {
		t.Errorf("%v", err)
	}
	if res, err = open(filepath.Join(dir, "guests", "estate", "a.yaml")); err != nil || len(res.Network.VirtualMachines) != 2 {
		t.Errorf("%v", err)
	}
}

func TestAFileOfAGuestMayBeNamedItself(t *testing.T) {
	dir := files(t, map[string]string{"a.yaml": machines(""), "guests/app1/waagent.conf": agentConf, "loose/waagent.conf": agentConf})
	res, err := open(filepath.Join(dir, "a.yaml"), filepath.Join(dir, "guests/app1/waagent.conf"))
	if err != nil {
		t.Fatal(err)
	}
	if p, at := proxyOf(res, "app1"); p == nil || at != "guests/app1/waagent.conf:2" {
		t.Errorf("%+v at %s", p, at)
	}
	if res.Inputs[1].Dialect != "waagent.conf" || res.Inputs[1].SHA256 == "" || res.Inputs[1].Bytes != int64(len(agentConf)) {
		t.Errorf("%+v", res.Inputs[1])
	}
	if _, err := open(filepath.Join(dir, "a.yaml"), filepath.Join(dir, "loose/waagent.conf")); err == nil {
		t.Error("a file that says of no machine is read")
	}
}

func TestALinkOutOfTheFolderOfGuestsIsRefused(t *testing.T) { // row 16
	dir := files(t, map[string]string{"in/a.yaml": machines(""), "in/guests/app1/x": "x", "secret": environment})
	if err := os.Symlink(filepath.Join(dir, "secret"), filepath.Join(dir, "in/guests/app1/environment")); err != nil {
		t.Skip(err)
	}
	if _, err := open(filepath.Join(dir, "in")); err == nil || !strings.Contains(err.Error(), "leads out of the directory") {
		t.Error(err)
	}
}

// What a refused file would have said is not known: under --keep-going the
// machine's way out is open, never the direct one.
func TestARefusedFileOfAGuestLeavesTheProxyOpen(t *testing.T) {
	for name, tt := range map[string]struct{ design, text string }{
		"broken":                {"", "HttpProxy.Host=10.0.1.5\n"},
		"broken, and designed":  {designProxy, "HttpProxy.Host=10.0.1.5\n"},
		"another than designed": {designProxy, "HttpProxy.Host=10.0.1.6\nHttpProxy.Port=1\n"},
	} {
		dir := files(t, map[string]string{"a.yaml": machines(tt.design), "guests/app1/waagent.conf": tt.text})
		res, err := load.Estate(context.Background(), []string{dir}, load.Options{KeepGoing: true})
		if err != nil || len(res.Refused) != 1 {
			t.Fatalf("%s: %v %+v", name, err, res)
		}
		p, _ := proxyOf(res, "app1")
		if p == nil || p.Scope != "system" || !strings.Contains(p.Undecided, "was refused") {
			t.Errorf("%s: %+v", name, p)
		}
		if other, _ := proxyOf(res, "proxy1"); other != nil || len(res.Network.Gaps) != 0 {
			t.Errorf("%s: more than one machine's setting is open: %+v %+v", name, other, res.Network.Gaps)
		}
	}
}
