package lint

import (
	"slices"
	"testing"
)

func TestFindingsOfSmallLists(t *testing.T) {
	for name, c := range map[string]struct {
		rules []string
		want  []string
	}{
		"shadowed by a rule that does the same":      {[]string{"a 100 Allow Tcp * * 0-1000", "b 110 Allow Tcp 10.0.9.0/24 * 80"}, []string{"NP1001 b"}},
		"shadowed by a rule that does the other":     {[]string{"a 100 Deny * * * *", "b 110 Allow Tcp 10.0.9.0/24 10.0.1.4 80"}, []string{"NP1006 b"}},
		"not shadowed: the port is another":          {[]string{"a 100 Deny Tcp * * 81", "b 110 Allow Tcp Internet 10.0.1.4 80"}, nil},
		"not shadowed: the protocol is another":      {[]string{"a 100 Deny Udp * * 80", "b 110 Allow Tcp Internet 10.0.1.4 80"}, nil},
		"together, by ports":                         {[]string{"a 100 Allow Tcp 203.0.113.0/24 * 0-99", "b 110 Deny Tcp 203.0.113.0/24 * 100-65535", "c 120 Allow Tcp 203.0.113.7 10.0.1.0/24 *"}, []string{"NP1002 c"}},
		"together, by addresses":                     {[]string{"a 100 Allow Tcp 203.0.113.0/25 * 80", "b 110 Deny Tcp 203.0.113.128/25 * 80", "c 120 Allow Tcp 203.0.113.0/24 10.0.1.0/24 80"}, []string{"NP1002 c"}},
		"redundant: a later rule does the same":      {[]string{"a 100 Allow Tcp 203.0.113.7 * 443", "b 110 Allow Tcp Internet * 443"}, []string{"NP1003 a"}},
		"redundant: a default rule does the same":    {[]string{"a 100 Deny Tcp 203.0.113.7 * 443"}, []string{"NP1003 a"}},
		"needed: what stands between does the other": {[]string{"a 100 Allow Tcp 203.0.113.7 * 443", "c 105 Deny Tcp 203.0.113.0/24 * *", "b 110 Allow Tcp Internet * 443"}, []string{"NP1005 b"}},
		"an exception is no crossing":                {[]string{"a 100 Deny Tcp 203.0.113.0/24 * 443", "b 110 Allow Tcp Internet * 443"}, nil},
		"a crossing":                                 {[]string{"a 100 Deny * 203.0.113.0/24 * *", "b 110 Allow Tcp Internet * 443"}, []string{"NP1005 b"}},
		"mergeable":                                  {[]string{"a 100 Allow Tcp Internet * 443", "b 110 Allow Tcp Internet * 80"}, []string{"NP1004 a"}},
		"no family in common":                        {[]string{"a 100 Allow Udp AzurePlatformIMDS * 80"}, []string{"NP1007 a"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := groupFindings(t, ruleList(c.rules...)); !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

// A second NSG decides nothing about the first.
func TestEachNSGIsLookedAtAlone(t *testing.T) {
	estate := ruleList("allow 200 Allow Tcp Internet 10.0.1.4 443") + `  - name: nsg2
    securityRules:
      - {name: deny, priority: 100, direction: Inbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "*"}
`
	if got := groupFindings(t, estate); got != nil {
		t.Errorf("found %q", got)
	}
}

// The tag VirtualNetwork is another one at each subnet: what is without effect
// at one of them is no finding where it has one at another.
func TestAFindingHoldsAtEveryPlaceOfTheNSG(t *testing.T) {
	estate := func(second string) string {
		return `apiVersion: netpath/v1
virtualNetworks:
  - {name: v1, addressPrefixes: [10.0.0.0/16], subnets: [{name: s, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg}]}
  - {name: v2, addressPrefixes: [` + second + `], subnets: [{name: s, addressPrefix: ` + second + `, networkSecurityGroup: nsg}]}
networkSecurityGroups:
  - name: nsg
    securityRules:
      - {name: deny-inside, priority: 100, direction: Inbound, access: Deny, protocol: "*", sourceAddressPrefix: VirtualNetwork, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "*"}
      - {name: allow-app, priority: 200, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: 10.0.1.0/24, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "443"}
`
	}
	if got := groupFindings(t, estate("10.0.0.0/16")); !slices.Equal(got, []string{"NP1001 allow-app"}) {
		t.Errorf("where both networks have the addresses: %q", got)
	}
	if got := groupFindings(t, estate("10.9.0.0/24")); got != nil {
		t.Errorf("where only one has: %q", got)
	}
}

func TestAnAssumptionThatAFindingRestsOnIsNamed(t *testing.T) {
	// Whether ICMP meets a rule for every protocol on some ports is an
	// assumption: without it the second rule would let ICMP in.
	estate := ruleList("deny-tcp 100 Deny Tcp 203.0.113.0/24 * 0-1023", "deny-udp 110 Deny Udp 203.0.113.0/24 * 0-1023", "allow 120 Allow * 203.0.113.7 10.0.1.4 443")
	found := linted(t, map[string]string{"design.yaml": estate}, Options{Only: []string{"NP1002"}})
	if len(found) != 1 || len(found[0].Assumptions) != 1 || found[0].Assumptions[0].ID != "ICMP_NEEDS_ALL_PORTS" {
		t.Fatalf("found %+v", found)
	}
	same := ruleList("deny 100 Deny * 203.0.113.0/24 * 0-1023", "allow 120 Allow * 203.0.113.7 10.0.1.4 443")
	found = linted(t, map[string]string{"design.yaml": same}, Options{Only: []string{"NP1001"}})
	if len(found) != 1 || len(found[0].Assumptions) != 0 {
		t.Fatalf("where both rules are of that kind: %+v", found)
	}
}

// A rule about platform traffic alone decides nothing because such a rule does
// not filter it, whichever rule stands before it.
func TestARuleOnPlatformTrafficIsNotSaidToBeShadowedByAnother(t *testing.T) {
	out := func(name string, priority, destination string) string {
		return "      - {name: " + name + ", priority: " + priority + `, direction: Outbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: "` + destination + "\", destinationPortRange: \"53\"}\n"
	}
	text := reachable(out("wide", "100", "*")+out("plat", "140", "168.63.129.16"), "", "")
	expect(t, design(t, "NP1001", text), "plat (140) never decides: all its traffic is platform traffic")
}
