package guest

import (
	"strings"
	"testing"
)

// Binary forms of a setting are not documented: they leave open what no value
// beside them says.
func TestBinaryFormsAreNotRead(t *testing.T) {
	const (
		blob    = `"DefaultConnectionSettings"=hex:46,00,00,00,03,00,00,00,03,\\` + "\r\n" + `  00,00,00`
		winHTTP = `"WinHttpSettings"=hex:18,00,00,00,00,00,00,00,03,00,00,00`
		none    = `"WinHttpSettings"=hex:18,00,00,00,00,00,00,00,01,00,00,00`
	)
	section := func(hive, path string, lines ...string) string {
		return "[" + hive + settingsPath + path + "]\r\n" + strings.Join(lines, "\r\n") + "\r\n"
	}
	for _, tt := range []struct {
		name, text, undecided string
		host                  string
	}{
		{"the form alone", section(`HKEY_USERS\S-1-5-18`, `\Connections`, blob), "DefaultConnectionSettings", ""},
		{"beside values that set a proxy", section(`HKEY_USERS\S-1-5-18`, `\Connections`, blob) + section(`HKEY_USERS\S-1-5-18`, "", `"ProxyEnable"=dword:00000001`, `"ProxyServer"="10.0.0.5:8080"`), "", "10.0.0.5"},
		{"beside values that set none", section(`HKEY_USERS\S-1-5-18`, "", `"ProxyEnable"=dword:00000000`) + section(`HKEY_USERS\S-1-5-18`, `\connections`, blob), "", ""},
		{"of a user", section(`HKEY_CURRENT_USER`, `\Connections`, blob), "", ""},
		{"WinHTTP with a proxy", section(`HKEY_LOCAL_MACHINE`, `\Connections`, winHTTP), "WinHTTP", ""},
		{"WinHTTP without one", section(`HKEY_LOCAL_MACHINE`, `\Connections`, none), "", ""},
		{"WinHTTP beside the system's own", section(`HKEY_LOCAL_MACHINE`, `\Connections`, winHTTP) + section(`HKEY_USERS\.DEFAULT`, "", `"ProxyEnable"=dword:00000001`, `"ProxyServer"="10.0.0.5:8080"`), "", "10.0.0.5"},
		{"the form among the values", section(`HKEY_USERS\S-1-5-18`, "", blob), "", ""},
	} {
		got, f, err := read(Registry, "Windows Registry Editor Version 5.00\r\n\r\n"+tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		host, undecided := "", ""
		if got.System != nil {
			host, undecided = got.System.Host, got.System.Undecided
		}
		if host != tt.host || !strings.Contains(undecided, tt.undecided) || (undecided == "") != (tt.undecided == "") {
			t.Errorf("%s: %q, undecided %q", tt.name, host, undecided)
		}
		if said(f) != "" {
			t.Errorf("%s: %s", tt.name, said(f))
		}
	}
}

func TestAnExportWithoutAnyProxySettingsIsSaid(t *testing.T) {
	_, f, err := read(Registry, "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Other]\r\n\"a\"=\"b\"\r\n")
	if err != nil || !strings.Contains(said(f), "warning: the export holds no proxy settings") {
		t.Errorf("%v, %q", err, said(f))
	}
}
