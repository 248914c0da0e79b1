package guest

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/source"
)

func FuzzAgent(f *testing.F) {
	fuzz(f, Agent, agentDefault, "HttpProxy.Host=10.0.0.5\nHttpProxy.Port=8080\n", "HttpProxy.Host=\"a\" # b\r\nHttpProxy.Port=1")
}

func FuzzEnvironment(f *testing.F) {
	fuzz(f, Environment, "http_proxy=http://u:p@10.0.0.5:8080/\nno_proxy=.a.b,*,10.0.0.0/8,c:1,10.*\n", "export HTTPS_PROXY='[fd00::5]:1'\n", "PATH=\"/bin\"\n")
}

func FuzzRegistry(f *testing.F) {
	fuzz(f, Registry, registryHead+key(local, on, server("http=a:1;https=b:2"), `"ProxyOverride"="<local>;*.a;10.*;http://b"`)+key(person, off),
		"REGEDIT4\r\n[HKEY_USERS\\.DEFAULT]\r\n\"a\"=hex:1,\\\r\n 2\r\n@=\"\\\\\"\r\n", registryHead+key("HKEY_LOCAL_MACHINE", `"AutoConfigURL"="x"`))
}

// fuzz reads anything as a file of a kind: it reads or refuses, with a place
// inside the file, and what it reads keeps its promises.
func fuzz(f *testing.F, k Kind, seeds ...string) {
	for _, s := range seeds {
		f.Add(s)
		f.Add(wide(s))
	}
	f.Fuzz(func(t *testing.T, text string) {
		file := &source.File{Name: "f"}
		lines, _, err := doctree.Lines("f", strings.NewReader(text), doctree.Limits{UnpackedBytes: 1 << 20})
		if err != nil {
			var de *doctree.Error
			if !errors.As(err, &de) {
				t.Fatalf("the refusal is a %T: %v", err, err)
			}
			return
		}
		got := Read(file, k, lines)
		if file.Err != nil {
			var de *doctree.Error
			if !errors.As(file.Err, &de) || de.Pos.Line < 1 || de.Pos.Line > len(lines) || de.Expected == "" {
				t.Fatalf("%#v of %d lines", file.Err, len(lines))
			}
			if got.System != nil || got.User != nil || got.Off != nil {
				t.Fatalf("refused, and a setting all the same: %+v", got)
			}
			return
		}
		if got.Off != nil && got.System != nil {
			t.Fatalf("a proxy that is not used: %+v", got)
		}
		for _, p := range []*topology.ProxySetting{got.System, got.User} {
			if p == nil {
				continue
			}
			if p.Undecided == "" && (p.Port == 0 || !plainHost(p.Host)) || strings.ContainsAny(p.Host, "@/ ") {
				t.Fatalf("no proxy: %+v", p)
			}
			if p.Origin.Line < 1 || p.Origin.Line > len(lines) || p.Scope == "" {
				t.Fatalf("%+v of %d lines", p, len(lines))
			}
			for _, b := range p.Bypass {
				if (b.Host == "") != b.Prefix.IsValid() || b.Host != strings.ToLower(b.Host) || b.Prefix != (netip.Prefix{}) && b.Prefix != b.Prefix.Masked() ||
					strings.LastIndexByte(b.Host, '*') > 0 {
					t.Fatalf("%+v", b)
				}
			}
		}
	})
}
