package lint

import (
	"slices"
	"testing"
)

// What users reported of other tools that read NSGs.
func TestBugsOfOtherTools(t *testing.T) {
	for name, c := range map[string]struct {
		rules []string
		want  []string
	}{
		"a tag read as a string: * does not hold Internet": {
			[]string{"deny-all 100 Deny * * * *", "allow-web 200 Allow Tcp Internet 10.0.1.4 443"}, []string{"NP1006 allow-web"}},
		"a tag read as a string: Internet does not hold Storage": {
			[]string{"deny 100 Deny * * Internet * Outbound", "allow 200 Allow Tcp * Storage 443 Outbound"}, []string{"NP1006 allow"}},
		"a tag read as a string: VirtualNetwork does not hold an address of it": {
			[]string{"deny 100 Deny * VirtualNetwork VirtualNetwork *", "allow 200 Allow Tcp 10.0.7.4 10.0.1.4 443"}, []string{"NP1001 allow"}},
		"0.0.0.0/0 in disguise": {
			[]string{"deny 100 Deny * 0.0.0.0/1,128.0.0.0/1 * *", "allow 200 Allow Tcp 203.0.113.7 10.0.1.4 443"}, []string{"NP1006 allow"}},
		"0.0.0.0/0 is * of one family only": {
			[]string{"deny 100 Deny * 0.0.0.0/0 * *", "allow 200 Allow Tcp 2001:db8::1 * 443"}, nil},
		"priority ignored: the order of the file": {
			[]string{"allow 200 Allow Tcp 10.0.9.0/24 10.0.1.4 443", "deny 100 Deny * 10.0.0.0/16 * *"}, []string{"NP1001 allow"}},
		"priority read as text: 1000 after 200": {
			[]string{"deny 1000 Deny * 10.0.0.0/16 * *", "allow 200 Allow Tcp 10.0.9.0/24 10.0.1.4 443"}, nil},
		"plural fields missed: the second prefix of a list": {
			[]string{"deny 100 Deny * 192.168.0.0/16,10.0.0.0/16 * *", "allow 200 Allow Tcp 10.0.9.0/24 10.0.1.4 443"}, []string{"NP1001 allow"}},
		"plural fields missed: the second range of a list": {
			[]string{"deny 100 Deny Tcp 10.0.0.0/16 * 22,440-450", "allow 200 Allow Tcp 10.0.9.0/24 10.0.1.4 443"}, []string{"NP1001 allow"}},
		"a list of ports read as a range": {
			[]string{"deny 100 Deny Tcp 10.0.0.0/16 * 80,500", "allow 200 Allow Tcp 10.0.9.0/24 10.0.1.4 443"}, []string{"NP1003 allow"}},
		"a range read as a list": {
			[]string{"deny 100 Deny Tcp 10.0.0.0/16 * 80-500", "allow 200 Allow Tcp 10.0.9.0/24 10.0.1.4 443"}, []string{"NP1001 allow"}},
		"direction ignored": {
			[]string{"deny 100 Deny * * * * Outbound", "allow 200 Allow Tcp Internet 10.0.1.4 443"}, nil},
		"sides confused: the source is not the destination": {
			[]string{"deny 100 Deny * 10.0.1.0/24 Internet *", "allow 200 Allow Tcp Internet 10.0.1.0/24 443"}, []string{"NP1003 deny"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := groupFindings(t, ruleList(c.rules...)); !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}
