package lint

import (
	"strings"
	"testing"
)

func TestWhatDoesTheSameIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		rules []string
		says  string
	}{
		"one rule":       {[]string{"a 100 Allow Tcp 203.0.113.7 * 443", "b 110 Allow Tcp Internet * 443"}, "without it b (110) does the same"},
		"two rules":      {[]string{"a 100 Allow Tcp 203.0.113.7 * 80-443", "b 110 Allow Tcp Internet * 0-200", "c 120 Allow Tcp 203.0.113.0/24 * 201-500"}, "without it b (110) and c (120) do the same"},
		"a default rule": {[]string{"a 100 Deny Tcp 203.0.113.7 * 443"}, "without it the default rule DenyAllInBound does the same"},
		"both":           {[]string{"a 100 Deny Tcp 203.0.113.0/24 10.0.1.4 443", "b 110 Deny Tcp 203.0.113.7 * *", "c 120 Allow Tcp Internet 10.0.1.5 *"}, "without it b (110) and default rules do the same"},
	} {
		t.Run(name, func(t *testing.T) {
			found := linted(t, map[string]string{"design.yaml": ruleList(c.rules...)}, Options{Only: []string{"redundant-rule"}})
			if len(found) == 0 || found[0].Name != "a" || !strings.Contains(found[0].Text, c.says) {
				t.Errorf("found %q", texts(found))
			}
		})
	}
}

func TestTheProofHasTheNumbersOfPacketsThatTheRuleMatches(t *testing.T) {
	found := linted(t, map[string]string{"design.yaml": ruleList("a 100 Allow Tcp 203.0.113.0/31 10.0.1.4 443", "b 110 Allow Tcp Internet * 443")}, Options{Only: []string{"redundant-rule"}})
	if len(found) != 1 || len(found[0].Proof.Scopes) != 1 {
		t.Fatalf("found %+v", found)
	}
	s := found[0].Proof.Scopes[0]
	if s.IPv6 || s.Place != "subnet v1/app" || s.Allowed.Int64() != 2*65536 || s.Denied.Sign() != 0 || s.Open.Sign() != 0 {
		t.Errorf("the proof is %+v", s)
	}
}

// Where a peering does not allow access, a rule that names the other side by
// its address lets through what a tag does not (verdicts.md 22).
func TestByAddressIsNotByTagWhereAPeeringIsClosed(t *testing.T) {
	for access, want := range map[string]int{"true": 1, "false": 0} {
		estate := strings.Replace(ruleList("by-address 100 Allow Tcp * 10.9.0.4 443 Outbound", "by-all 110 Allow Tcp * * 443 Outbound"), "networkSecurityGroup: nsg}]", `networkSecurityGroup: nsg}]
    virtualNetworkPeerings: [{remoteVirtualNetwork: v2, allowVirtualNetworkAccess: `+access+`}]
  - name: v2
    addressPrefixes: [10.9.0.0/16]
    virtualNetworkPeerings: [{remoteVirtualNetwork: v1}]`, 1)
		if found := linted(t, map[string]string{"design.yaml": estate}, Options{Only: []string{"redundant-rule"}}); len(found) != want {
			t.Errorf("with access %s: %q", access, texts(found))
		}
	}
}
