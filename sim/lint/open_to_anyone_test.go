package lint

import (
	"strings"
	"testing"
)

func TestARuleThatAllowsEveryPortFromAnyoneIsFound(t *testing.T) {
	all := func(text string) string { return strings.ReplaceAll(text, `"443"`, `"*"`) }
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"every port from 0.0.0.0/0", all(inbound("Allow", "0.0.0.0/0")), []string{"allows every port from 0.0.0.0/0, which is every public address, for Tcp"}},
		{"in several ranges", strings.ReplaceAll(inbound("Allow", "0.0.0.0/0"), `destinationPortRange: "443"`, `destinationPortRanges: ["0-1000", "1001-65535"]`), []string{"every port"}},
		{"all but one", strings.ReplaceAll(inbound("Allow", "0.0.0.0/0"), `destinationPortRange: "443"`, `destinationPortRanges: ["0-1000", "1002-65535"]`), nil},
		{"one port", inbound("Allow", "0.0.0.0/0"), nil},
		{"denied", all(inbound("Deny", "0.0.0.0/0")), nil},
		{"from some", all(inbound("Allow", "203.0.113.0/24")), nil},
		{"outbound", strings.ReplaceAll(all(inbound("Allow", "0.0.0.0/0")), "Inbound", "Outbound"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, design(t, "NP1109", tt.text), tt.want...) })
	}
}
