package emit

import (
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/edit"
)

var update = flag.Bool("update", false, "write the golden files anew")

const network = "/subscriptions/0000-1111/resourceGroups/net/providers/Microsoft.Network/networkSecurityGroups/"

func machine(name string) topology.Ref {
	return topology.RefTo("/subscriptions/0000-1111/resourceGroups/app/providers/Microsoft.Compute/virtualMachines/" + name)
}

var port443 = []topology.PortRange{{First: 443, Last: 443}}

func plain() []edit.Edit {
	return []edit.Edit{
		edit.AddRule{Group: topology.RefTo(network + "NSG-lockdown"), Name: "allow-storage", Priority: 3999, Direction: topology.Outbound, Access: topology.Allow,
			Protocol: topology.TCP, Source: []string{"10.0.0.4"}, Destination: []string{"Storage.WestEurope"}, Ports: port443},
		edit.AddRule{Group: topology.RefTo(network + "NSG-lockdown"), Name: "allow-ranges", Priority: 3998, Direction: topology.Outbound, Access: topology.Allow,
			Protocol: topology.TCP, Source: []string{"10.0.0.4"}, Destination: []string{"52.239.140.0/22", "52.239.212.0/23"}, Ports: []topology.PortRange{{First: 443, Last: 443}, {First: 8443, Last: 8444}}},
		edit.AddRule{Group: topology.RefTo("/subscriptions/0000-1111/resourceGroups/other/providers/Microsoft.Network/networkSecurityGroups/nsg-in"), Name: "deny-all", Priority: 100,
			Direction: topology.Inbound, Access: topology.Deny, Protocol: topology.AnyProtocol, Source: []string{"*"}, Destination: []string{"10.0.0.0/24"}},
		edit.SetProxy{Machine: machine("app1"), OS: "Linux", Host: "10.0.0.5", Port: 8080},
		edit.SetProxy{Machine: machine("app2"), OS: "Windows", Host: "fd00::5", Port: 8080},
		edit.SetProxy{Machine: machine("app3")},
		edit.OpenHostFirewall{Machine: machine("proxy1"), OS: "Windows", Name: "proxy-in", Protocol: topology.TCP, Ports: []topology.PortRange{{First: 8080, Last: 8080}}, Remote: []netip.Prefix{netip.MustParsePrefix("10.0.0.4/32")}},
		edit.OpenHostFirewall{Machine: machine("proxy2"), OS: "Linux", Name: "proxy-in", Protocol: topology.TCP, Ports: []topology.PortRange{{First: 8080, Last: 8081}}, Remote: []netip.Prefix{netip.MustParsePrefix("10.0.0.4/32"), netip.MustParsePrefix("fd00::4/128")}},
		edit.AllowHost{Machine: machine("proxy1"), Host: "*.blob.core.windows.net"},
	}
}

func hostileRule() edit.AddRule {
	return edit.AddRule{Group: topology.RefTo("/subscriptions/s'1/resourceGroups/g$(id)`x`/providers/Microsoft.Network/networkSecurityGroups/n\"s${g}\n[x]"),
		Name: "allow-x", Priority: 100, Direction: topology.Outbound, Access: topology.Allow, Protocol: topology.TCP, Source: []string{"*"}, Destination: []string{"Internet"}, Ports: port443}
}

func text(blocks []Block) string {
	var b strings.Builder
	for _, x := range blocks {
		b.WriteString("=== " + strings.ReplaceAll(x.Where, "\n", "␊") + "\n" + x.Text)
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s:\n%s", name, d)
	}
}

func TestFormsAreAsRecorded(t *testing.T) {
	for _, form := range Forms() {
		for name, edits := range map[string][]edit.Edit{"plain": plain(), "hostile": {hostileRule()}} {
			blocks, err := Write(Form(form), edits...)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+"."+form, text(blocks))
		}
	}
}

func TestATemplateIsJSONWithTheRulesInIt(t *testing.T) {
	blocks, err := Write(ARM, append(plain(), hostileRule())...)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, b := range blocks {
		if !strings.HasPrefix(b.Where, "ARM") {
			continue
		}
		var x struct {
			Resources []struct {
				Name       string
				Properties map[string]any
			}
		}
		if err := json.Unmarshal([]byte(b.Text), &x); err != nil {
			t.Fatalf("%v\n%s", err, b.Text)
		}
		for _, r := range x.Resources {
			found = append(found, r.Name)
			if r.Properties["sourcePortRange"] != "*" {
				t.Errorf("%s: %v", r.Name, r.Properties)
			}
		}
	}
	want := []string{"NSG-lockdown/allow-storage", "NSG-lockdown/allow-ranges", "nsg-in/deny-all", "n\"s${g}\n[x]/allow-x"}
	if d := cmp.Diff(want, found); d != "" {
		t.Error(d)
	}
}

func TestAValueThatTheCLIWouldReadFromAFileIsRefused(t *testing.T) {
	for _, name := range []string{"@/etc/passwd", "--help"} {
		r := hostileRule()
		r.Group = topology.RefTo(strings.ReplaceAll(network, "net/", "group/") + strings.ReplaceAll(name, "/", "_"))
		if _, err := Write(AzureCLI, r); err == nil || !strings.Contains(err.Error(), "--nsg-name") {
			t.Errorf("%s: the error is %v", name, err)
		}
		if _, err := Write(Bicep, r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnUnknownFormIsRefused(t *testing.T) {
	if _, err := Write("pulumi", hostileRule()); err == nil || !strings.Contains(err.Error(), "expected one of az, powershell") {
		t.Errorf("the error is %v", err)
	}
}

func TestALineOfAConfigurationFileHoldsAHostAndNothingElse(t *testing.T) {
	for _, e := range []edit.Edit{
		edit.SetProxy{Machine: machine("app1"), Host: "10.0.0.5\nX=1", Port: 8080},
		edit.SetProxy{Machine: machine("app1"), Host: "a & calc", Port: 8080},
		edit.AllowHost{Machine: machine("proxy1"), Host: "*.x.com\nhttp_access allow all"},
	} {
		if b, err := Write(AzureCLI, e); err == nil || !strings.Contains(err.Error(), "no host name") {
			t.Errorf("%s: %v, %v", e, b, err)
		}
	}
}
