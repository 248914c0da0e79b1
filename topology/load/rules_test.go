package load_test

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load"
)

// TestRulesAreRefused holds the rows of bad-inputs.md and the cases of spec
// 2.7 that refuse a rule: each with its place, the offending text and a hint.
func TestRulesAreRefused(t *testing.T) {
	for _, tc := range []struct {
		row     string
		changes []string
		want    []string
	}{
		{"38 exponent", []string{"priority: 1e2"}, []string{"expected a priority, a whole number from 100 to 4096", "found 1e2"}},
		{"38 fraction", []string{"priority: 100.0"}, []string{"found 100.0", "plain decimal"}},
		{"39 large integer", []string{"priority: 9007199254740993"}, []string{"found 9007199254740993"}},
		{"40 negative", []string{"priority: -5"}, []string{"found -5"}},
		{"40 minus zero", []string{"priority: -0"}, []string{"found -0"}},
		{"46 null priority", []string{"priority: null"}, []string{"expected a priority", "found null"}},
		{"46 null access", []string{"access: null"}, []string{"expected an access", "found null"}},
		{"46 null direction", []string{"direction: null"}, []string{"expected a direction", "found null"}},
		{"46 null protocol", []string{"protocol: null"}, []string{"expected a protocol", "found null"}},
		{"47 object for a list", []string{`destinationAddressPrefixes: {"a": 1}`, "-destinationAddressPrefix"}, []string{"expected a list", "found an object"}},
		{"48 plural differs", []string{`destinationPortRanges: ["80"]`}, []string{"expected the same ports as in the singular property"}},
		{"48 plural addresses differ", []string{`sourceAddressPrefix: "10.0.0.0/24"`, `sourceAddressPrefixes: ["10.0.1.0/24"]`}, []string{"expected the same addresses as in the singular"}},
		{"53 depth lost", []string{`sourceApplicationSecurityGroups: "System.Object[]"`, "-sourceAddressPrefix"}, []string{"ConvertTo-Json -Depth 100"}},
		{"53 joined list", []string{`destinationAddressPrefix: "10.0.0.0/24 10.1.0.0/24"`}, []string{`found "10.0.0.0/24 10.1.0.0/24"`, "-Depth 100"}},
		{"82 leading zero octet", []string{`destinationAddressPrefix: "010.0.0.1"`}, []string{`found "010.0.0.1"`, "without leading zeros"}},
		{"83 /33", []string{`destinationAddressPrefix: "10.0.0.0/33"`}, []string{"prefix length from 0 to 32"}},
		{"83 /08", []string{`destinationAddressPrefix: "10.0.0.0/08"`}, []string{"prefix length from 0 to 32"}},
		{"83 /+8", []string{`destinationAddressPrefix: "10.0.0.0/+8"`}, []string{"prefix length from 0 to 32"}},
		{"83 /", []string{`destinationAddressPrefix: "10.0.0.0/"`}, []string{"prefix length from 0 to 32"}},
		{"83 mask", []string{`destinationAddressPrefix: "10.0.0.0/255.0.0.0"`}, []string{"write the mask as a prefix length"}},
		{"83 /129", []string{`destinationAddressPrefix: "2001:db8::/129"`}, []string{"prefix length from 0 to 128"}},
		{"84 mapped", []string{`destinationAddressPrefix: "::ffff:10.0.0.0/104"`}, []string{"write the IPv4 address 10.0.0.0"}},
		{"85 zone", []string{`destinationAddressPrefix: "fe80::1%eth0"`}, []string{"without a zone"}},
		{"87 short", []string{`destinationAddressPrefix: "10.0/8"`}, []string{"all four numbers"}},
		{"87 hex", []string{`destinationAddressPrefix: "0x0a000001"`}, []string{"four decimal numbers"}},
		{"87 integer", []string{`destinationAddressPrefix: "167772161"`}, []string{"four decimal numbers"}},
		{"87 number", []string{`destinationAddressPrefix: 167772161`}, []string{"expected an address", "found 167772161"}},
		{"88 range", []string{`destinationAddressPrefix: "10.0.0.1-10.0.0.9"`}, []string{"a range a-b is not allowed here"}},
		{"90 empty list", []string{"-destinationAddressPrefix", "destinationAddressPrefixes: []"}, []string{"expected an address or an application security group"}},
		{"90 no address at all", []string{"-destinationAddressPrefix"}, []string{"expected an address or an application security group", `says "*"`}},
		{"90 empty text", []string{`destinationAddressPrefix: ""`}, []string{"expected an address or an application security group"}},
		{"91 families in a list", []string{"-destinationAddressPrefix", `destinationAddressPrefixes: ["10.0.0.0/8", "2001:db8::/32"]`}, []string{"one address family", "10.0.0.0/8 and 2001:db8::/32"}},
		{"91 families across the sides", []string{`sourceAddressPrefix: "10.0.0.0/8"`, `destinationAddressPrefix: "2001:db8::/32"`}, []string{"one address family"}},
		{"98 65536", []string{`destinationPortRange: "65536"`}, []string{"port from 0 to 65535", `found "65536"`}},
		{"98 -1", []string{`destinationPortRange: "-1"`}, []string{`found "-1"`}},
		{"98 +80", []string{`destinationPortRange: "+80"`}, []string{`found "+80"`}},
		{"98 080", []string{`destinationPortRange: "080"`}, []string{`found "080"`, "leading zeros"}},
		{"98 full-width", []string{`destinationPortRange: "８０"`}, []string{"port from 0 to 65535"}},
		{"99 reversed", []string{`destinationPortRange: "80-70"`}, []string{"first port is not above its last"}},
		{"99 open end", []string{`destinationPortRange: "80-"`}, []string{`found "80-"`}},
		{"99 open begin", []string{`destinationPortRange: "-90"`}, []string{`found "-90"`}},
		{"99 blanks", []string{`destinationPortRange: "80 - 90"`}, []string{"without blanks"}},
		{"100 two ports (G44)", []string{`destinationPortRange: "80,443"`}, []string{`found "80,443"`, "SecurityRuleInvalidPortRange"}},
		{"102 number", []string{`protocol: "6"`}, []string{"expected a protocol", `found "6"`}},
		{"102 bare number", []string{`protocol: 6`}, []string{"expected a protocol", "found 6"}},
		{"102 sctp", []string{`protocol: "sctp"`}, []string{`found "sctp"`}},
		{"102 two", []string{`protocol: "Tcp/Udp"`}, []string{"one rule for each protocol"}},
		{"105 99", []string{"priority: 99"}, []string{"from 100 to 4096", "found 99"}},
		{"105 4097", []string{"priority: 4097"}, []string{"found 4097"}},
		{"105 65000 in a user rule", []string{"priority: 65000"}, []string{"found 65000"}},
		{"105 missing", []string{"-priority"}, []string{"expected a priority", "there is no priority"}},
		{"108 no direction", []string{"-direction"}, []string{"expected a direction", "there is no direction"}},
		{"108 no access", []string{"-access"}, []string{"expected an access", "there is no access"}},
		{"109 Permit", []string{`access: "Permit"`}, []string{"expected Allow or Deny", `found "Permit"`}},
		{"109 Block", []string{`access: "Block"`}, []string{`found "Block"`}},
		{"109 AlwaysAllow outside admin rules", []string{`access: "AlwaysAllow"`}, []string{"expected Allow or Deny", `found "AlwaysAllow"`}},
		{"no ports", []string{"-destinationPortRange"}, []string{"expected a port, a range or *"}},
		{"2.7 tag in a list (G43)", []string{"-destinationAddressPrefix", `destinationAddressPrefixes: ["Storage", "10.0.0.0/8"]`}, []string{"SecurityRuleParameterContainsUnsupportedValue", `found "Storage"`}},
		{"2.7 * in a list", []string{"-destinationAddressPrefix", `destinationAddressPrefixes: ["*"]`}, []string{"SecurityRuleParameterContainsUnsupportedValue"}},
		{"2.7 any", []string{`destinationAddressPrefix: "any"`}, []string{`write "*"`}},
		{"2.7 10.0.0/0/16", []string{`destinationAddressPrefix: "10.0.0/0/16"`}, []string{`found "10.0.0/0/16"`}},
		{"2.7 overlap (G45)", []string{"-destinationAddressPrefix", `destinationAddressPrefixes: ["1.1.0.22/32", "1.1.0.0/24"]`}, []string{"OverlappingSubnetsNotPermittedInSecurityRule", "1.1.0.0/24"}},
		{"4 addresses and groups on a side", []string{`destinationApplicationSecurityGroups: [{"id": "/x/y"}]`}, []string{"either addresses or application security groups"}},
	} {
		t.Run(tc.row, func(t *testing.T) {
			got := refused(t, map[string]string{"nsg.json": group(rule(tc.changes...))})
			for _, w := range append(tc.want, "nsg.json:1:", "(/securityRules/0") {
				if !strings.Contains(got, w) {
					t.Errorf("the message lacks %q: %s", w, got)
				}
			}
		})
	}
}

// TestRulesLoadAlike holds the rows whose input must give the same model as
// the clean form.
func TestRulesLoadAlike(t *testing.T) {
	clean, _ := oneRule(t)
	for _, tc := range []struct {
		row     string
		changes []string
	}{
		{"38 quoted priority", []string{`priority: "100"`}},
		{"20, 104 letter case", []string{`protocol: "TCP"`, `access: "allow"`, `direction: "outbound"`}},
		{"47 one string for a list", []string{"-destinationPortRange", `destinationPortRanges: "443"`}},
		{"48 the same twice", []string{`destinationPortRanges: ["443"]`}},
		{"48 the same address twice", []string{`sourceAddressPrefixes: []`}},
		{"51 empty unknown properties", []string{`futureFlag: null`, `futureList: []`, `futureObject: {}`, `futureText: ""`}},
		{"99 one port as a range", []string{`destinationPortRange: "443-443"`}},
		{"103 number for a port", []string{"destinationPortRange: 443"}},
	} {
		t.Run(tc.row, func(t *testing.T) {
			got, _ := oneRule(t, tc.changes...)
			if d := cmp.Diff(clean, got, sameModel...); d != "" {
				t.Errorf("-clean +got:\n%s", d)
			}
		})
	}
}

// sameModel compares what elements say, not where and how it was written.
var sameModel = cmp.Options{
	cmpopts.IgnoreTypes(topology.Origin{}, &topology.Origin{}),
	cmpopts.IgnoreFields(topology.AddressPrefix{}, "Text"),
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b topology.Ref) bool { return a.ID() == b.ID() }),
}

// TestRulesLoadWithAWarning holds the rows whose input loads with a diagnostic.
func TestRulesLoadWithAWarning(t *testing.T) {
	for _, tc := range []struct {
		row      string
		changes  []string
		severity load.Severity
		text     string
		check    func(*topology.SecurityRule) bool
	}{
		{"81 host bits", []string{`destinationAddressPrefix: "10.0.0.5/8"`}, load.Warning, "10.0.0.5/8 has host bits set and is read as 10.0.0.0/8",
			func(r *topology.SecurityRule) bool { return r.Destination.Prefixes[0].Prefix.String() == "10.0.0.0/8" }},
		{"92 padded address", []string{`destinationAddressPrefix: " Internet "`}, load.Warning, "blanks around",
			func(r *topology.SecurityRule) bool { return r.Destination.Prefixes[0].Tag == "Internet" }},
		{"92 padded port", []string{`destinationPortRange: " 443"`}, load.Warning, "blanks around",
			func(r *topology.SecurityRule) bool {
				return r.Destination.Ports[0] == topology.PortRange{First: 443, Last: 443}
			}},
		{"97 port 0", []string{`destinationPortRange: "0"`}, load.Warning, "port 0",
			func(r *topology.SecurityRule) bool { return r.Destination.Ports[0] == topology.PortRange{} }},
		{"101 ports of ICMP", []string{`protocol: "Icmp"`}, load.Warning, "does not have",
			func(r *topology.SecurityRule) bool { return r.Protocol == topology.ICMP }},
		{"54 address expression", []string{`destinationAddressPrefix: "[parameters('x')]"`}, load.Doubt, "may name any address",
			func(r *topology.SecurityRule) bool {
				return r.Destination.Prefixes[0].Kind == topology.UnresolvedAddress
			}},
		{"54 port expression", []string{`destinationPortRange: "[variables('p')]"`}, load.Doubt, "may name any port",
			func(r *topology.SecurityRule) bool {
				return r.Destination.PortsUnresolved && len(r.Destination.Ports) == 0
			}},
		{"54 access expression", []string{`access: "[parameters('a')]"`}, load.Doubt, "not evaluated",
			func(r *topology.SecurityRule) bool {
				return cmp.Equal(r.Unresolved, []string{"access"}) && r.Access == topology.NoAccess
			}},
		{"54 priority expression", []string{`priority: "[parameters('a')]"`}, load.Doubt, "not evaluated",
			func(r *topology.SecurityRule) bool { return cmp.Equal(r.Unresolved, []string{"priority"}) }},
	} {
		t.Run(tc.row, func(t *testing.T) {
			r, res := oneRule(t, tc.changes...)
			d := said(res, tc.text)
			if len(d) != 1 || d[0].Severity != tc.severity || d[0].Origin.Line != 1 || !strings.HasPrefix(d[0].Origin.Pointer, "/securityRules/0") {
				t.Errorf("no %s with %q: %s", tc.severity, tc.text, messages(res))
			}
			if !tc.check(r) {
				t.Errorf("the rule is %+v", r)
			}
		})
	}
}

func TestTheThreeWholeSpacesStayApart(t *testing.T) { // row 89
	for text, want := range map[string]topology.AddressKind{"*": topology.AnyAddress, "0.0.0.0/0": topology.PrefixAddress, "Internet": topology.TagAddress} {
		r, _ := oneRule(t, `destinationAddressPrefix: "`+text+`"`)
		if got := r.Destination.Prefixes[0].Kind; got != want {
			t.Errorf("%s is of kind %d", text, got)
		}
	}
}

func TestSpellingsOfAddressesLoadAlike(t *testing.T) { // rows 83, 86; 2.7 classic tags
	for text, want := range map[string]string{
		"10.1.2.3": "10.1.2.3/32", "2001:DB8:0:0::1": "2001:db8::1/128", "2001:db8::/32": "2001:db8::/32",
		"VIRTUAL_NETWORK": "VirtualNetwork", "AZURE_LOADBALANCER": "AzureLoadBalancer", "AzureCloud.westeurope": "AzureCloud.westeurope",
	} {
		r, _ := oneRule(t, `destinationAddressPrefix: "`+text+`"`)
		a := r.Destination.Prefixes[0]
		if got := a.Tag; got == "" && a.Prefix.String() != want || got != "" && got != want {
			t.Errorf("%s is read as %+v", text, a)
		}
	}
}

func TestPortRangesAreRanges(t *testing.T) { // G17, G18
	r, _ := oneRule(t, "-destinationPortRange", `destinationPortRanges: ["80-443", "8000-8080", "22"]`)
	want := []topology.PortRange{{First: 80, Last: 443}, {First: 8000, Last: 8080}, {First: 22, Last: 22}}
	if d := cmp.Diff(want, r.Destination.Ports); d != "" {
		t.Error(d)
	}
}

func TestICMPRulesNeedNoPorts(t *testing.T) {
	r, _ := oneRule(t, `protocol: "Icmp"`, "-sourcePortRange", "-destinationPortRange")
	if len(r.Destination.Ports) != 0 {
		t.Errorf("ports %v", r.Destination.Ports)
	}
}

func TestRulesOfAGroupAreCompared(t *testing.T) {
	deny := rule(`name: "deny"`, `access: "Deny"`)
	for _, tc := range []struct {
		row, text string
		severity  load.Severity
		rules     []string
	}{
		{"106 same priority, other access", "have the same priority and direction", load.Doubt, []string{rule(), deny}},
		{"106 same priority, same access", "have the same priority and direction", load.Warning, []string{rule(), rule(`name: "s"`)}},
		{"110 same name", "is there twice", load.Warning, []string{rule(), rule("priority: 101")}},
	} {
		t.Run(tc.row, func(t *testing.T) {
			res := estate(t, map[string]string{"nsg.json": group(tc.rules...)})
			if d := said(res, tc.text); len(d) != 1 || d[0].Severity != tc.severity {
				t.Errorf("no warning: %s", messages(res))
			}
		})
	}
	t.Run("107 same priority in the other direction", func(t *testing.T) {
		res := estate(t, map[string]string{"nsg.json": group(rule(), rule(`name: "in"`, `direction: "Inbound"`))})
		if len(res.Diagnostics) != 0 {
			t.Errorf("diagnostics: %s", messages(res))
		}
	})
	t.Run("125 more than 1,000 rules", func(t *testing.T) {
		var rules []string
		for i := range 1001 {
			rules = append(rules, rule(`name: "r`+strconv.Itoa(i)+`"`, "priority: "+strconv.Itoa(100+i)))
		}
		res := estate(t, map[string]string{"nsg.json": group(rules...)})
		if d := said(res, "1001 rules"); len(d) != 1 {
			t.Errorf("no warning: %s", messages(res))
		}
	})
}

// defaults are the six default rules as az prints them.
func defaults(change map[string]string) string {
	type d struct{ name, priority, direction, access, src, dst string }
	var out []string
	for _, r := range []d{
		{"AllowVnetInBound", "65000", "Inbound", "Allow", "VirtualNetwork", "VirtualNetwork"},
		{"AllowAzureLoadBalancerInBound", "65001", "Inbound", "Allow", "AzureLoadBalancer", "*"},
		{"DenyAllInBound", "65500", "Inbound", "Deny", "*", "*"},
		{"AllowVnetOutBound", "65000", "Outbound", "Allow", "VirtualNetwork", "VirtualNetwork"},
		{"AllowInternetOutBound", "65001", "Outbound", "Allow", "*", "Internet"},
		{"DenyAllOutBound", "65500", "Outbound", "Deny", "*", "*"},
	} {
		access := r.access
		if c, ok := change[r.name]; ok {
			if c == "" {
				continue
			}
			access = c
		}
		out = append(out, rule(`name: "`+r.name+`"`, "priority: "+r.priority, `direction: "`+r.direction+`"`, `access: "`+access+`"`, `protocol: "*"`,
			`sourceAddressPrefix: "`+r.src+`"`, `destinationAddressPrefix: "`+r.dst+`"`, `destinationPortRange: "*"`))
	}
	return `{"id": "` + net + `networkSecurityGroups/nsg", "name": "nsg", "securityRules": [], "defaultSecurityRules": [` + strings.Join(out, ",") + `]}`
}

func TestDefaultRulesAreComparedWithTheDocumentedSix(t *testing.T) { // rows 111, 112
	for _, tc := range []struct {
		name     string
		change   map[string]string
		severity load.Severity
		text     string
		rules    int
	}{
		{"as documented", nil, "", "", 6},
		{"one missing", map[string]string{"DenyAllInBound": ""}, load.Warning, "the default rule DenyAllInBound of \"nsg\" is missing", 5},
		{"one altered", map[string]string{"DenyAllInBound": "Allow"}, load.Doubt, "the default rule DenyAllInBound of \"nsg\" is not as documented", 6},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := estate(t, map[string]string{"nsg.json": defaults(tc.change)})
			g := res.Network.NetworkSecurityGroups[0]
			if len(g.DefaultRules) != tc.rules || !g.RulesGiven || len(g.SecurityRules) != 0 {
				t.Errorf("%d default rules, %d rules, given %v", len(g.DefaultRules), len(g.SecurityRules), g.RulesGiven)
			}
			switch d := said(res, "default rule"); {
			case tc.text == "" && len(res.Diagnostics) > 0:
				t.Errorf("diagnostics: %s", messages(res))
			case tc.text != "" && (len(d) != 1 || d[0].Message != tc.text || d[0].Severity != tc.severity):
				t.Errorf("no %s %q: %s", tc.severity, tc.text, messages(res))
			}
		})
	}
}

func TestPropertiesNotModelledStayVisible(t *testing.T) { // row 51
	r, res := oneRule(t, `futureFlag: true`, `apiToken: "s3cr3t"`)
	var got []string
	for _, p := range r.NotModelled {
		got = append(got, p.Name+"="+p.Value)
	}
	if d := cmp.Diff([]string{"futureFlag=true", "apiToken=(not shown)"}, got); d != "" {
		t.Error(d)
	}
	if res.Ledger.NotModelled != 2 || res.Ledger.Unmodelled["Microsoft.Network/networkSecurityGroups/securityRules: futureFlag"] != 1 {
		t.Errorf("ledger %+v", res.Ledger)
	}
	if r.NotModelled[0].Origin.Pointer != "/securityRules/0/futureFlag" {
		t.Errorf("origin %+v", r.NotModelled[0].Origin)
	}
}

func TestLookAlikeKeysAreUnknown(t *testing.T) { // row 35
	r, _ := oneRule(t, `prıority: 4096`) // a dotless i
	if len(r.NotModelled) != 1 || r.NotModelled[0].Name != "prıority" || r.Priority != 100 {
		t.Errorf("%+v", r)
	}
	got := refused(t, map[string]string{"nsg.json": group(rule("-access", `acceſs: "Allow"`))}) // a long s
	if !strings.Contains(got, "there is no access") {
		t.Error(got)
	}
}

func TestAGroupWithoutItsRulesIsAStub(t *testing.T) {
	res := estate(t, map[string]string{"nsg.json": `{"id": "` + net + `networkSecurityGroups/nsg", "name": "nsg", "location": "westeurope"}`})
	if g := res.Network.NetworkSecurityGroups[0]; g.RulesGiven || len(said(res, "without its rules")) != 1 {
		t.Errorf("given %v, %s", g.RulesGiven, messages(res))
	}
}

func TestBlanksAroundANameOfADesignAreToldOf(t *testing.T) { // row 92
	res := estate(t, map[string]string{"design.yaml": "apiVersion: netpath/v1\nnetworkSecurityGroups:\n  - name: 'nsg '\n"})
	d := said(res, `blanks around "nsg " are ignored`)
	if len(d) != 1 || d[0].Severity != load.Warning || d[0].Origin.Line != 3 {
		t.Errorf("no warning at the name: %s", messages(res))
	}
	if got := res.Network.NetworkSecurityGroups[0].Name; got != "nsg" {
		t.Errorf("the NSG is called %q", got)
	}
}
