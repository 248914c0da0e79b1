package topology

import (
	"net/netip"
	"testing"
)

func TestWhatAnEffectiveExportSpellsOtherwiseIsNoContradiction(t *testing.T) {
	address := func(text string) AddressPrefix {
		if text == "*" {
			return AddressPrefix{Kind: AnyAddress, Text: text}
		}
		if p, err := netip.ParsePrefix(text); err == nil {
			return AddressPrefix{Kind: PrefixAddress, Prefix: p, Text: text}
		}
		return AddressPrefix{Kind: TagAddress, Tag: text, Text: text}
	}
	side := func(first, last uint16, list ...string) Match {
		m := Match{Ports: []PortRange{{first, last}}}
		for _, x := range list {
			m.Prefixes = append(m.Prefixes, address(x))
		}
		return m
	}
	rule := func(name string, change func(*SecurityRule)) []*SecurityRule {
		r := &SecurityRule{Element: Element{Name: name}, Priority: 100, Direction: Inbound, Access: Allow, Protocol: TCP, Source: side(0, 65535, "*"), Destination: side(443, 443, "10.0.0.0/24")}
		if change != nil {
			change(r)
		}
		return []*SecurityRule{r}
	}
	source := func(list ...string) func(*SecurityRule) {
		return func(r *SecurityRule) { r.Source = side(0, 65535, list...) }
	}
	own := rule("web", nil)
	for _, x := range []struct {
		fact      string
		effective []*SecurityRule
		config    []*SecurityRule
		differ    bool
	}{
		{"the same rule under its prefixed name", rule("securityRules/web", nil), own, false},
		{"0.0.0.0/0 for *", rule("web", source("0.0.0.0/0")), own, false},
		{"a tag in another case", rule("web", source("storage")), rule("web", source("Storage")), false},
		{"a tag given as its prefixes", rule("web", source("1.0.0.0/8")), rule("web", source("Storage")), false},
		{"the same addresses in fewer prefixes", rule("web", source("10.0.0.0/23")), rule("web", source("10.0.1.0/24", "10.0.0.0/24", "10.0.0.9/32")), false},
		{"members of an application security group", rule("web", source("10.0.0.4/32")), rule("web", func(r *SecurityRule) { r.Source = Match{ASGs: []Ref{RefTo("/a")}, Ports: r.Source.Ports} }), false},
		{"default rules on one side", append(rule("web", nil), DefaultSecurityRules()...), own, false},
		{"an export without rules", nil, own, false},
		{"a priority that is an expression", rule("web", nil), rule("web", func(r *SecurityRule) { r.Priority, r.Unresolved = 0, []string{"priority"} }), false},
		{"ports of ICMP", rule("web", func(r *SecurityRule) { r.Protocol = ICMP }), rule("web", func(r *SecurityRule) { r.Protocol, r.Destination = ICMP, side(0, 65535, "10.0.0.0/24") }), false},

		{"another access", rule("web", func(r *SecurityRule) { r.Access = Deny }), own, true},
		{"another protocol", rule("web", func(r *SecurityRule) { r.Protocol = UDP }), own, true},
		{"another priority", rule("web", func(r *SecurityRule) { r.Priority = 101 }), own, true},
		{"another direction", rule("web", func(r *SecurityRule) { r.Direction = Outbound }), own, true},
		{"other ports", rule("web", func(r *SecurityRule) { r.Destination = side(443, 444, "10.0.0.0/24") }), own, true},
		{"other prefixes", rule("web", func(r *SecurityRule) { r.Destination = side(443, 443, "10.0.1.0/24") }), own, true},
		{"another tag", rule("web", source("Sql")), rule("web", source("Storage")), true},
		{"Internet for *", rule("web", source("Internet")), rule("web", source("*")), true},
		{"a rule that only the export has", append(rule("web", nil), rule("more", func(r *SecurityRule) { r.Priority = 200 })...), own, true},
		{"a rule that only the NSG has", rule("web", nil), append(rule("web", nil), rule("more", func(r *SecurityRule) { r.Priority = 200 })...), true},
	} {
		e := &EffectiveSecurityGroup{Rules: x.effective}
		if got := e.Differs(x.config); (got != nil) != x.differ {
			t.Errorf("%s: %v", x.fact, got)
		}
	}
}
