package guest

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/source"
)

// read reads a file as it stands on a disk.
func read(k Kind, text string) (Settings, *source.File, error) {
	f := &source.File{Name: "f"}
	lines, _, err := doctree.Lines("f", strings.NewReader(text), doctree.Limits{})
	if err != nil {
		return Settings{}, f, err
	}
	return Read(f, k, lines), f, f.Err
}

// said joins what the reader of a file is told.
func said(f *source.File) string {
	var b strings.Builder
	for _, d := range f.Diagnostics {
		b.WriteString(string(d.Severity) + ": " + d.Message + "\n")
	}
	return b.String()
}

// want is a setting in one line: what it is and the line it stands on.
type want struct {
	host      string
	port      uint16
	line      int
	undecided string
	bypass    []string // "host", "~host" where programs differ, or a prefix
}

func of(p *topology.ProxySetting) *want {
	if p == nil {
		return nil
	}
	w := &want{host: p.Host, port: p.Port, line: p.Origin.Line, undecided: p.Undecided}
	for _, b := range p.Bypass {
		s := b.Host
		if s == "" {
			s = b.Prefix.String()
		}
		if b.Doubtful {
			s = "~" + s
		}
		w.bypass = append(w.bypass, s)
	}
	return w
}

const agentDefault = `#
# Microsoft Azure Linux Agent Configuration
#

# Enable instance creation
Provisioning.Enabled=y
Provisioning.MonitorHostName=y
ResourceDisk.MountOptions=None

# If None, the system default version is used.
OS.OpensslPath=None

# If set, agent will use proxy server to access internet
#HttpProxy.Host=None
#HttpProxy.Port=None
`

const registryHead = "Windows Registry Editor Version 5.00\n\n"

const settingsKey = `\Software\Microsoft\Windows\CurrentVersion\Internet Settings]` + "\n"

func key(hive string, lines ...string) string {
	return "[" + hive + settingsKey + strings.Join(lines, "\n") + "\n\n"
}

const (
	on     = `"ProxyEnable"=dword:00000001`
	off    = `"ProxyEnable"=dword:00000000`
	local  = `HKEY_USERS\S-1-5-18`
	person = `HKEY_USERS\S-1-5-21-1-2-3-1001`
)

func server(text string) string { return `"ProxyServer"="` + text + `"` }

func TestFilesAreReadAsTheGuestReadsThem(t *testing.T) {
	proxy := func(line int, bypass ...string) *want {
		return &want{host: "10.0.0.5", port: 8080, line: line, bypass: bypass}
	}
	for _, tt := range []struct {
		name   string
		kind   Kind
		text   string
		system *want
		user   *want
	}{
		{"waagent.conf as it is installed", Agent, agentDefault, nil, nil},
		{"waagent.conf with a proxy", Agent, "HttpProxy.Host=10.0.0.5\nHttpProxy.Port=8080\n", proxy(1), nil},
		{"blanks, quotes and a comment behind the value", Agent, "  HttpProxy.Port = 8080 # squid\r\nHttpProxy.Host = \"10.0.0.5\"\r\n", proxy(2), nil},
		{"None is no proxy", Agent, "HttpProxy.Host=None\nHttpProxy.Port=None\n", nil, nil},
		{"a port alone is no proxy", Agent, "HttpProxy.Port=8080\n", nil, nil},
		{"a name", Agent, "HttpProxy.Host=proxy.corp.example\nHttpProxy.Port=3128\n", &want{host: "proxy.corp.example", port: 3128, line: 1}, nil},

		{"the article's line", Environment, "http_proxy=http://10.0.0.5:8080\n", proxy(1), nil},
		{"both variables alike", Environment, "http_proxy=http://10.0.0.5:8080/\nhttps_proxy=10.0.0.5:8080\n", proxy(2), nil},
		{"two proxies", Environment, "http_proxy=http://10.9.9.9:1\nhttps_proxy=10.0.0.5:8080\n",
			&want{host: "10.0.0.5", port: 8080, line: 2, undecided: "https_proxy and http_proxy name different proxies"}, nil},
		{"upper case, export and quotes", Environment, "PATH=\"/usr/bin:/bin\"\n# proxy\nexport HTTPS_PROXY='http://10.0.0.5:8080/'\n", proxy(3), nil},
		{"empty is none", Environment, "http_proxy=\nhttps_proxy=\"\"\n", nil, nil},
		{"no proxy variables", Environment, "PATH=/bin\nLANG=C.UTF-8\n", nil, nil},
		{"an IPv6 address", Environment, "https_proxy=http://[fd00::5]:3128\n", &want{host: "fd00::5", port: 3128, line: 1}, nil},
		{"without a port", Environment, "https_proxy=http://10.0.0.5\n",
			&want{host: "10.0.0.5", line: 1, undecided: "the proxy 10.0.0.5 is given without a port, and programs take different ones"}, nil},
		{"SOCKS", Environment, "https_proxy=socks5://10.0.0.5:1080\n",
			&want{host: "10.0.0.5", port: 1080, line: 1, undecided: "the proxy 10.0.0.5 speaks socks5, which is not modelled"}, nil},
		{"no_proxy", Environment, "https_proxy=10.0.0.5:8080\nno_proxy=localhost,.Blob.core.windows.net, 169.254.169.254,10.0.0.0/8,*.corp.example,10.1.*,*\n",
			proxy(1, "localhost", "*.localhost", "*.blob.core.windows.net", "169.254.169.254/32", "10.0.0.0/8", "~*.corp.example", "~10.1.0.0/16", "*"), nil},
		{"no_proxy without a proxy", Environment, "no_proxy=*\n", nil, nil},

		{"Local System", Registry, registryHead + key(local, on, server("10.0.0.5:8080")), proxy(5), nil},
		{"Local System by its other name", Registry, registryHead + key(`HKEY_USERS\.DEFAULT`, server("10.0.0.5:8080"), on), proxy(4), nil},
		{"switched off", Registry, registryHead + key(local, off, server("10.0.0.5:8080")), nil, nil},
		{"a user", Registry, registryHead + key("HKEY_CURRENT_USER", on, server("10.0.0.5:8080")), nil, proxy(5)},
		{"two users differ", Registry, registryHead + key(person, on, server("10.0.0.5:8080")) + key(person+"2", on, server("10.9.9.9:1")), nil, proxy(5)},
		{"a proxy for each protocol", Registry, registryHead + key(local, on, server("http=10.9.9.9:1;https=10.0.0.5:8080")), proxy(5), nil},
		{"none for https", Registry, registryHead + key(local, on, server("http=10.9.9.9:1;ftp=10.9.9.9:2")), nil, nil},
		{"port 80 where none is given", Registry, registryHead + key(local, on, server("10.0.0.5")), &want{host: "10.0.0.5", port: 80, line: 5}, nil},
		{"ProxyOverride", Registry, registryHead + key(local, on, server("10.0.0.5:8080"), `"ProxyOverride"="*.blob.core.windows.net;10.*;<local>;store1.example"`),
			proxy(5, "*.blob.core.windows.net", "10.0.0.0/8", "store1.example"), nil},
		{"a script", Registry, registryHead + key(local, off, `"AutoConfigURL"="http://wpad.corp.example/proxy.pac?token=x"`),
			&want{line: 5, undecided: "a script (AutoConfigURL) chooses the proxy"}, nil},
		{"of the whole machine", Registry, registryHead + key("HKEY_LOCAL_MACHINE", on, server("10.0.0.5:8080")),
			&want{host: "10.0.0.5", port: 8080, line: 5, undecided: "settings of the whole machine are given, which hold only where the policy ProxySettingsPerUser is 0"}, nil},
		{"Local System before the whole machine", Registry, registryHead + key("HKEY_LOCAL_MACHINE", on, server("10.9.9.9:1")) + key(local, on, server("10.0.0.5:8080")), proxy(9), nil},
		{"other keys and binary data", Registry, "REGEDIT4\n\n; exported\n[HKEY_USERS\\S-1-5-18\\Environment]\n\"TEMP\"=hex(2):25,00,\\\n  55,00\n@=\"a \\\"b\\\" \\\\c\"\n\n" +
			key(local, `"User Agent"="Mozilla"`, on, server("10.0.0.5:8080")), proxy(12), nil},
	} {
		for _, text := range []string{tt.text, strings.ReplaceAll(tt.text, "\r\n", "\n"), strings.ReplaceAll(strings.ReplaceAll(tt.text, "\r\n", "\n"), "\n", "\r\n"), wide(tt.text), "\ufeff" + tt.text} {
			got, f, err := read(tt.kind, text)
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}
			if d := cmp.Diff([]*want{tt.system, tt.user}, []*want{of(got.System), of(got.User)}, cmp.AllowUnexported(want{}), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("%s (-want +got):\n%s%s", tt.name, d, said(f))
			}
			if got.System != nil && got.System.Scope != "system" || got.User != nil && got.User.Scope != "user" {
				t.Errorf("%s: the scopes are wrong: %+v", tt.name, got)
			}
		}
	}
}

// wide is a text in UTF-16LE with its byte order mark, as reg export writes.
func wide(text string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

func TestMistakesAreRefusedAtTheirLine(t *testing.T) {
	for _, tt := range []struct {
		name string
		kind Kind
		text string
		want string // the place and the beginning of what was expected
	}{
		{"no setting", Agent, "# x\nHttpProxy.Host\n", "f:2:1: expected a line Key=Value"},
		{"a web page", Agent, "<html>\n<a href=\"x\">\n", "f:1:1: expected a line Key=Value"},
		{"JSON", Environment, "{\"a\": 1}\n", "f:1:1: expected a line NAME=value"},
		{"no port", Agent, "HttpProxy.Host=10.0.0.5\n", "f:1:1 (HttpProxy.Host): expected HttpProxy.Port beside"},
		{"a scheme", Agent, "HttpProxy.Host=http://10.0.0.5\nHttpProxy.Port=8080\n", "f:1:1 (HttpProxy.Host): expected an IP address or host name alone"},
		{"port 0", Agent, "HttpProxy.Host=10.0.0.5\nHttpProxy.Port=0\n", "f:2:1 (HttpProxy.Port): expected a port of 1 to 65535"},
		{"port 08080", Agent, "HttpProxy.Host=10.0.0.5\nHttpProxy.Port=08080\n", "f:2:1 (HttpProxy.Port): expected a port of 1 to 65535"},
		{"two hosts", Agent, "HttpProxy.Host=10.0.0.5\nHttpProxy.Host=10.0.0.6\nHttpProxy.Port=8080\n", "f:2:1 (HttpProxy.Host): expected one value of HttpProxy.Host; line 1 gives another"},
		{"an address with a leading zero", Agent, "HttpProxy.Host=010.0.0.5\nHttpProxy.Port=8080\n", "f:1:1 (HttpProxy.Host): expected an IP address"},
		{"two letter cases differ", Environment, "http_proxy=10.0.0.5:1\nHTTP_PROXY=10.0.0.5:2\n", "f:2:1 (HTTP_PROXY): expected one value of HTTP_PROXY; line 1"},
		{"a quote is missing", Environment, "http_proxy=\"10.0.0.5:1\n", "f:1:1 (http_proxy): expected the value of http_proxy with quotes"},
		{"a variable", Environment, "http_proxy=http://$PROXY:8080\n", "f:1:1 (http_proxy): expected http_proxy to be the address of a proxy"},
		{"a port that is none", Environment, "http_proxy=10.0.0.5:80a\n", "f:1:1 (http_proxy): expected http_proxy to be the address"},
		{"no header", Registry, key(local, on), "f:1:1: expected an export of the registry"},
		{"a deleted key", Registry, registryHead + "[-HKEY_USERS\\S-1-5-18]\n", "f:3:1: expected a key in brackets"},
		{"a value without a key", Registry, registryHead + on + "\n", `f:3:1: expected a line "name"=value below a key`},
		{"a Boolean that is none", Registry, registryHead + key(local, `"ProxyEnable"=dword:00000002`), "f:4:1 (ProxyEnable): expected ProxyEnable to be dword"},
		{"a text as a number", Registry, registryHead + key(local, on, `"ProxyServer"=dword:00000001`), "f:5:1 (ProxyServer): expected ProxyServer to be a text"},
		{"two proxies in one line", Registry, registryHead + key(local, on, server("10.0.0.5:1;10.0.0.6:1")), "f:5:1 (ProxyServer): expected ProxyServer to be host:port"},
		{"two settings of Local System", Registry, registryHead + key(local, on, server("10.0.0.5:1")) + key(`HKEY_USERS\.DEFAULT`, on, server("10.0.0.6:1")), "f:9:1 (ProxyServer): expected one setting of the system account; line 5"},
	} {
		got, _, err := read(tt.kind, tt.text)
		var de *doctree.Error
		if !errors.As(err, &de) || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: %v\nwant %s", tt.name, err, tt.want)
		}
		if got.System != nil || got.User != nil {
			t.Errorf("%s: refused, and a setting all the same: %+v", tt.name, got)
		}
	}
}

// secret stands for a password in every place where one may be written.
const secret = "hunter2"

func TestAPasswordIsNeitherKeptNorShown(t *testing.T) {
	for name, file := range map[string]struct {
		kind Kind
		text string
	}{
		"environment":      {Environment, "https_proxy=http://bob:hunter2@10.0.0.5:8080\n"},
		"environment, bad": {Environment, "https_proxy=http://bob:hunter2@10.0.0.5:x\n"},
		"quotes":           {Environment, "https_proxy=\"http://bob:hunter2@10.0.0.5\n"},
		"twice":            {Environment, "https_proxy=http://bob:hunter2@10.0.0.5:1\nHTTPS_PROXY=http://bob:other@10.0.0.5:1\n"},
		"waagent.conf":     {Agent, "HttpProxy.Host=bob:hunter2@10.0.0.5\nHttpProxy.Port=8080\n"},
		"registry":         {Registry, registryHead + key(local, on, server("bob:hunter2@10.0.0.5:8080"))},
		"registry, bad":    {Registry, registryHead + key(local, on, server("https=bob:hunter2@10.0.0.5:"))},
		"script":           {Registry, registryHead + key(local, `"AutoConfigURL"="http://x/hunter2.pac"`)},
	} {
		got, f, err := read(file.kind, file.text)
		text := said(f)
		if err != nil {
			text += err.Error()
		}
		for _, p := range []*topology.ProxySetting{got.System, got.User} {
			if p != nil {
				text += cmp.Diff(topology.ProxySetting{}, *p, cmpopts.EquateComparable(netip.Prefix{}))
			}
		}
		if strings.Contains(text, secret) || strings.Contains(text, "bob") {
			t.Errorf("%s: it is shown: %s", name, text)
		}
	}
	got, f, err := read(Environment, "https_proxy=http://bob:hunter2@10.0.0.5:8080\n")
	if err != nil || of(got.System).host != "10.0.0.5" || !strings.Contains(said(f), "https_proxy logs in at the proxy") {
		t.Errorf("%v %+v %s", err, got.System, said(f))
	}
}

func TestWhatIsOddIsSaid(t *testing.T) {
	for _, tt := range []struct {
		kind       Kind
		text, want string
	}{
		{Agent, "httpproxy.host=10.0.0.5\n", "warning: the agent does not know httpproxy.host"},
		{Agent, "HttpProxy.Port=1\n", "warning: HttpProxy.Port without HttpProxy.Host"},
		{Agent, "HttpProxy.Host=a\nHttpProxy.Host=a\nHttpProxy.Port=1\n", "warning: HttpProxy.Host is given twice"},
		{Environment, "all_proxy=10.0.0.5:1\n", "note: all_proxy is not used"},
		{Environment, "http_proxy=10.0.0.5:1\nhttps_proxy=10.0.0.5:2\n", "doubt: https_proxy and http_proxy name different proxies"},
		{Registry, registryHead + key(local, server("10.0.0.5:1")), "warning: ProxyServer without ProxyEnable"},
		{Registry, registryHead + key(local, on), "warning: ProxyEnable without ProxyServer"},
		{Registry, registryHead + key(local, on, server("http=10.0.0.5:1")), "note: ProxyServer names no proxy for https"},
	} {
		if _, f, err := read(tt.kind, tt.text); err != nil || !strings.Contains(said(f), tt.want) {
			t.Errorf("%q: %v, %s, want %s", tt.text, err, said(f), tt.want)
		}
	}
}

func TestOffIsWhereTheSystemAccountUsesNoProxy(t *testing.T) {
	got, _, err := read(Registry, registryHead+key(person, on, server("10.0.0.5:1"))+key(local, off))
	if err != nil || got.Off == nil || got.Off.Line != 8 {
		t.Errorf("%v %+v", err, got.Off)
	}
	for _, text := range []string{registryHead + key(person, off), registryHead + key(local, off) + key(`HKEY_USERS\.DEFAULT`, on, server("10.0.0.5:1"))} {
		if got, _, err := read(Registry, text); err != nil || got.Off != nil {
			t.Errorf("%q: %v %+v", text, err, got.Off)
		}
	}
}

func TestAFilesPlaceSaysWhoseItIs(t *testing.T) {
	for file, want := range map[string]Place{
		"guests/app1/waagent.conf":         {"app1", Agent},
		"x/Guests/app1/etc/waagent.conf":   {"app1", Agent},
		"guests/app1/environment":          {"app1", Environment},
		"guests/app1/etc/environment.gz":   {"app1", Environment},
		"guests/app1/Proxy.REG":            {"app1", Registry},
		"guests/app1/etc/proxy.reg":        {"app1", 0},
		"guests/app1/WAAGENT.conf":         {"app1", 0},
		"guests/app1/var/environment":      {"app1", 0},
		"guests/README":                    {},
		"guests/app1/etc/hosts":            {"app1", 0},
		"a/guests/b/guests/c/waagent.conf": {"c", Agent},
	} {
		if got, ok := PlaceOf(file); !ok || got != want {
			t.Errorf("%s: %+v %v", file, got, ok)
		}
	}
	for _, file := range []string{"waagent.conf", "app1/waagent.conf", "guests", "guest/app1/waagent.conf"} {
		if got, ok := PlaceOf(file); ok {
			t.Errorf("%s: %+v", file, got)
		}
	}
}
