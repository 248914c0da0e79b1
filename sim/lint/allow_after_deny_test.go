package lint

import (
	"slices"
	"testing"
)

// The warning of the backup articles: an allowing rule with a higher priority
// number than the rule that denies the Internet never takes effect (BK18, G04).
func TestTheTrapOfTheBackupArticle(t *testing.T) {
	const deny, allow = "deny-internet 4000 Deny * * Internet * Outbound", "allow-storage 4001 Allow Tcp * Storage.WestEurope 443 Outbound"
	for name, c := range map[string]struct {
		rules []string
		want  []string
	}{
		"behind it":                     {[]string{deny, allow}, []string{"NP1006 allow-storage"}},
		"before it":                     {[]string{deny, "allow-storage 3999 Allow Tcp * Storage.WestEurope 443 Outbound"}, nil},
		"behind one that denies all":    {[]string{"deny-all 4000 Deny * * * * Outbound", allow}, []string{"NP1006 allow-storage"}},
		"behind 0.0.0.0/0 and ::/0":     {[]string{"deny-four 3900 Deny * * 0.0.0.0/0 * Outbound", "deny-six 3901 Deny * * ::/0 * Outbound", allow}, []string{"NP1002 allow-storage"}},
		"behind one of another region":  {[]string{"deny-storage 4000 Deny * * Storage.NorthEurope * Outbound", allow}, []string{"NP1003 allow-storage"}},
		"behind one of the service":     {[]string{"deny-storage 4000 Deny * * Storage * Outbound", allow}, []string{"NP1001 allow-storage"}},
		"what is not in the Internet":   {[]string{deny, "allow-inside 4001 Allow Tcp * 10.9.0.0/16 443 Outbound"}, nil},
		"a tag of unknown content":      {[]string{deny, "allow-tag 4001 Allow Tcp * NoSuchTag 443 Outbound"}, nil},
		"all, of which a part is left":  {[]string{deny, "allow-all 4001 Allow Tcp * * 443 Outbound"}, []string{"NP1005 allow-all"}},
		"behind one of some ports only": {[]string{"deny-web 4000 Deny Tcp * Internet 400-500 Outbound", allow}, []string{"NP1001 allow-storage"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := groupFindings(t, ruleList(c.rules...)); !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheFixIsAPriorityThatIsFree(t *testing.T) {
	estate := ruleList("allow-dns 3999 Allow Udp * 10.0.0.4 53 Outbound", "deny-internet 4000 Deny * * Internet * Outbound", "allow-storage 4001 Allow Tcp * Storage 443 Outbound")
	found := linted(t, map[string]string{"design.yaml": estate}, Options{Only: []string{"NP1006"}})
	if len(found) != 1 || found[0].Fix != "move allow-storage before priority 4000, to 3998 for instance" || found[0].Severity != Error {
		t.Errorf("found %+v", found)
	}
	if len(found[0].Assumptions) != 0 || found[0].Proof == nil || len(found[0].Related) != 1 {
		t.Errorf("it rests on %v, with proof %v, related %v", found[0].Assumptions, found[0].Proof, found[0].Related)
	}
}
