package backup_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology/load"
)

// The article's estate with the proxy of app1 set by a file of its guest
// instead of the design.
func TestTheArticlesEstateTakesTheProxyFromTheGuest(t *testing.T) {
	const setInDesign = "  - name: app1\n    proxy: {host: 10.0.0.5, port: 8080, scope: system}\n"
	source := os.DirFS(filepath.Join("..", "..", "fixtures", "nsg-lockdown"))
	for _, tt := range []struct {
		name    string
		file    string // below guests/app1
		text    string
		verdict backup.Verdict
		way     backup.Way
		leg     string // of the way through the proxy, the first that does not pass
		said    string // what the machine's verdict or that leg says
	}{
		{"no file", "", "", backup.Fail, backup.None, backup.LegSetting, "no proxy is set on app1"},
		{"waagent.conf", "waagent.conf", "HttpProxy.Host=10.0.0.5\nHttpProxy.Port=8080\n", backup.Pass, backup.Proxy, "", ""},
		{"environment", "etc/environment", "export https_proxy=\"http://10.0.0.5:8080\"\nno_proxy=localhost,169.254.169.254\n", backup.Pass, backup.Proxy, "", ""},
		{"Local System", "proxy.reg", "Windows Registry Editor Version 5.00\n\n[HKEY_USERS\\S-1-5-18\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings]\n\"ProxyEnable\"=dword:00000001\n\"ProxyServer\"=\"http=10.9.9.9:1;https=10.0.0.5:8080\"\n",
			backup.Pass, backup.Proxy, "", ""},
		{"another port", "waagent.conf", "HttpProxy.Host=10.0.0.5\nHttpProxy.Port=3128\n", backup.Fail, backup.Proxy, backup.LegProxyFirewall, ""},
		{"blobs go past the proxy", "environment", "https_proxy=10.0.0.5:8080\nno_proxy=.blob.core.windows.net\n", backup.Fail, backup.None, backup.LegSetting, ""},
		{"a user's own", "proxy.reg", "Windows Registry Editor Version 5.00\n\n[HKEY_CURRENT_USER\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings]\n\"ProxyEnable\"=dword:00000001\n\"ProxyServer\"=\"10.0.0.5:8080\"\n",
			backup.Fail, backup.None, backup.LegSetting, "is set for a user only"},
		{"a script", "proxy.reg", "Windows Registry Editor Version 5.00\n\n[HKEY_USERS\\.DEFAULT\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings]\n\"AutoConfigURL\"=\"http://wpad/proxy.pac\"\n",
			backup.Unknown, backup.Proxy, backup.LegSetting, "a script (AutoConfigURL) chooses the proxy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, source); err != nil {
				t.Fatal(err)
			}
			overlay := filepath.Join(dir, "overlay.yaml")
			text, err := os.ReadFile(overlay)
			if err != nil {
				t.Fatal(err)
			}
			less := strings.Replace(string(text), setInDesign, "", 1)
			if less == string(text) {
				t.Fatal("the design does not set the proxy of app1 as this test takes out")
			}
			if err := os.WriteFile(overlay, []byte(less), 0o644); err != nil {
				t.Fatal(err)
			}
			if tt.file != "" {
				p := filepath.Join(dir, "guests", "app1", filepath.FromSlash(tt.file))
				if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(p, []byte(tt.text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			r, err := load.Estate(t.Context(), []string{dir}, load.Options{})
			if err != nil {
				t.Fatal(err)
			}
			vm := examineWith(t, r.Network, sim.Options{AsOf: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)}, backup.Options{VMs: []string{"app1"}, Ways: true})
			w := wayOf(t, vm, backup.Proxy)
			if vm.Verdict != tt.verdict || vm.Way != tt.way || w.Failing != tt.leg {
				t.Errorf("%s by %s (%s), the proxy stops at %q (%s)", vm.Verdict, vm.Way, vm.Reason, w.Failing, w.Text)
			}
			if tt.said != "" && !strings.Contains(w.Text, tt.said) {
				t.Errorf("the proxy: %s, want %q", w.Text, tt.said)
			}
			if tt.file == "" {
				return
			}
			// Every trace shows where the setting was read.
			i := slices.IndexFunc(w.Legs, func(l backup.Leg) bool { return l.Name == backup.LegSetting })
			if o := w.Legs[i].Origin; o == nil || !strings.HasSuffix(filepath.ToSlash(o.File), "guests/app1/"+tt.file) || o.Line == 0 {
				t.Errorf("the setting was read at %v", o)
			}
			if tt.verdict == backup.Pass && w.Legs[i].Verdict != flow.Allow {
				t.Errorf("leg %s: %s", w.Legs[i].Name, w.Legs[i].Text)
			}
		})
	}
}
