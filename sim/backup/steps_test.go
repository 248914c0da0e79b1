package backup_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/backup"
	"github.com/netpath/netpath/sim/flow"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load"
)

// article is the estate of the 2018 article, as exported (fixtures/nsg-lockdown).
type article struct{ *topology.Network }

func loadArticle(t *testing.T) article {
	t.Helper()
	r, err := load.Estate(t.Context(), []string{filepath.Join("..", "..", "fixtures", "nsg-lockdown")}, load.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return article{r.Network}
}

func (a article) machine(name string) *topology.VirtualMachine {
	i := slices.IndexFunc(a.VirtualMachines, func(vm *topology.VirtualMachine) bool { return vm.Name == name })
	return a.VirtualMachines[i]
}

func (a article) group(name string) *topology.NetworkSecurityGroup {
	i := slices.IndexFunc(a.NetworkSecurityGroups, func(g *topology.NetworkSecurityGroup) bool { return g.Name == name })
	return a.NetworkSecurityGroups[i]
}

// deny adds a rule that denies TCP to a port within the virtual network.
func (a article) deny(nsg string, d topology.Direction, port uint16) {
	any := topology.AddressPrefix{Kind: topology.AnyAddress, Text: "*"}
	vnet := topology.AddressPrefix{Kind: topology.TagAddress, Tag: "VirtualNetwork", Text: "VirtualNetwork"}
	g := a.group(nsg)
	g.SecurityRules = append(g.SecurityRules, &topology.SecurityRule{
		Element: topology.Element{Name: "broken", ResourceID: g.ResourceID + "/securityRules/broken"}, Priority: 110, Direction: d, Access: topology.Deny, Protocol: topology.TCP,
		Source:      topology.Match{Prefixes: []topology.AddressPrefix{any}, Ports: []topology.PortRange{topology.AllPorts}},
		Destination: topology.Match{Prefixes: []topology.AddressPrefix{vnet}, Ports: []topology.PortRange{{First: port, Last: port}}},
	})
}

// The article's proxy is set up in three steps: (1) the machine sends its
// traffic to the proxy, set for the system account; (2) the proxy's firewall
// takes TCP to the proxy's port from the virtual network; (3) the NSG makes an
// exception for the proxy (BK18). What a step has to do with is broken in each
// case and nothing else.
func TestTheArticlesEstateFailsInTheStepThatIsBroken(t *testing.T) {
	for _, tt := range []struct {
		name   string
		breaks func(a article)
		step   int
		leg    string
		code   flow.Code
	}{
		{"nothing is broken", func(article) {}, 0, "", ""},
		{"no setting", func(a article) { a.machine("app1").Proxy = nil }, 1, backup.LegSetting, flow.ProxyNotFound},
		{"a setting of a user alone", func(a article) { a.machine("app1").Proxy.Scope = "user" }, 1, backup.LegSetting, flow.ProxyNotFound},
		{"the machine's own NSG stops the proxy's port", func(a article) { a.deny("nsg-app", topology.Outbound, 8080) }, 1, backup.LegToProxy, flow.NSGRuleDeny},
		{"the NSG before the proxy stops its port", func(a article) { a.deny("NSG-lockdown", topology.Inbound, 8080) }, 2, backup.LegProxyGates, flow.NSGRuleDeny},
		{"the guest firewall of the proxy lets nothing in", func(a article) { a.machine("proxy1").HostFirewall.Inbound = nil }, 2, backup.LegProxyFirewall, flow.HostFirewallDeny},
		{"the NSG makes no exception for the proxy", func(a article) {
			g := a.group("NSG-lockdown")
			g.SecurityRules = slices.DeleteFunc(g.SecurityRules, func(r *topology.SecurityRule) bool { return r.Name == "allow-proxy" })
		}, 3, backup.LegFromProxy, flow.NSGRuleDeny},
		{"the proxy listens elsewhere", func(a article) { a.machine("proxy1").ProxyServer.Port = 3128 }, 0, backup.LegProxyService, flow.ProxyNotListening},
		{"the proxy asks for a password", func(a article) { a.machine("proxy1").ProxyServer.Authentication = "required" }, 0, backup.LegAuthentication, flow.ProxyAuthRequired},
		{"the proxy does not let blobs pass", func(a article) { a.machine("proxy1").ProxyServer.AllowHosts = []string{"*.backup.windowsazure.com"} }, 0, backup.LegAllowList, flow.ProxyHostNotAllowed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := loadArticle(t)
			tt.breaks(a)
			vm := examineWith(t, a.Network, sim.Options{AsOf: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)}, backup.Options{VMs: []string{"app1"}, Ways: true})
			w := wayOf(t, vm, backup.Proxy)
			if tt.leg == "" {
				if vm.Verdict != backup.Pass || vm.Way != backup.Proxy || w.Verdict != backup.Pass || w.Failing != "" {
					t.Fatalf("%s by %s; the proxy: %s at %s", vm.Verdict, vm.Way, w.Verdict, w.Failing)
				}
				for _, l := range w.Legs {
					if l.Verdict != flow.Allow {
						t.Errorf("leg %s: %s, %s", l.Name, l.Verdict, l.Text)
					}
				}
				return
			}
			if vm.Verdict != backup.Fail || w.Verdict != backup.Fail || w.Failing != tt.leg {
				t.Errorf("%s; the proxy: %s at %q, want Fail at %q", vm.Verdict, w.Verdict, w.Failing, tt.leg)
			}
			if len(w.Legs) != 8 {
				t.Fatalf("%d legs", len(w.Legs))
			}
			for _, l := range w.Legs {
				want := flow.Allow
				if l.Name == tt.leg {
					want = flow.Deny
					if l.Step != tt.step || l.Code != tt.code {
						t.Errorf("leg %s is of step %d with %s, want step %d with %s", l.Name, l.Step, l.Code, tt.step, tt.code)
					}
				}
				if l.Verdict != want || l.Skipped {
					t.Errorf("leg %s: %s (not reached: %v), want %s: %s", l.Name, l.Verdict, l.Skipped, want, l.Text)
				}
			}
		})
	}
}
