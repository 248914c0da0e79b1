package lint

import (
	"strings"
	"unicode"

	"github.com/netpath/netpath/topology"
)

func strayBlanks() *Rule {
	return &Rule{
		ID: "NP1107", Name: "stray-blanks", Severity: Warning,
		Short: "A name or an address field has blanks at its ends, or several in a row",
		Why: `A blank at the end of a name is not seen and not forgiven: a command or a template that writes the name without it names another rule, and Resource Manager takes no blanks in the names of rules at all (NSG). Such names come from the classic portal and from articles that were copied.

Blanks around an address or a tag are ignored by netpath; Azure may refuse them.`,
		Fix: "Make the element again under a name without the blanks, then remove the old one.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg-app}
networkSecurityGroups:
  - name: nsg-app
    securityRules:
      - {name: "allow  proxy", priority: 200, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: 10.0.1.5, sourcePortRange: "*", destinationAddressPrefix: Internet, destinationPortRange: "443"}
      - {name: deny-internet, priority: 300, direction: Outbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: Internet, destinationPortRange: "*"}
`,
		check: checkStrayBlanks,
	}
}

// strayBlank says where a text has blanks that are not seen, "" where it has
// none.
func strayBlank(s string) string {
	switch {
	case s == "":
		return ""
	case strings.TrimLeftFunc(s, unicode.IsSpace) != s && strings.TrimRightFunc(s, unicode.IsSpace) != s:
		return "at both ends"
	case strings.TrimLeftFunc(s, unicode.IsSpace) != s:
		return "at its beginning"
	case strings.TrimRightFunc(s, unicode.IsSpace) != s:
		return "at its end"
	}
	before := false
	for _, r := range s {
		if unicode.IsSpace(r) && (before || r != ' ') {
			return "inside that are not single"
		}
		before = unicode.IsSpace(r)
	}
	return ""
}

// tidy is a name without its stray blanks.
func tidy(s string) string { return strings.Join(strings.Fields(s), " ") }

func checkStrayBlanks(run *Run, report func(Finding)) {
	name := func(owner *topology.Element, kind string, e *topology.Element, fix string) {
		where := strayBlank(e.Name)
		if where == "" {
			return
		}
		part := ""
		if owner != e {
			part = e.Name
		}
		if fix == "" {
			fix = "Make it again as " + quoted(tidy(e.Name)) + ", then remove the old one."
		}
		report(Finding{Subject: owner.ID(), Name: part, Origin: e.Origin, Text: kind + " " + quoted(e.Name) + " has blanks " + where, Fix: fix})
	}
	addresses := func(owner *topology.Element, part, what string, origin topology.Origin, list []topology.AddressPrefix) {
		for i := range list {
			if where := strayBlank(list[i].Text); where != "" {
				report(Finding{Subject: owner.ID(), Name: part, Detail: tidy(list[i].Text), Origin: origin, Severity: Note,
					Text: what + " writes the address " + quoted(list[i].Text) + ", which has blanks " + where,
					Fix:  "Write " + quoted(tidy(list[i].Text)) + "."})
			}
		}
	}
	n := run.Network
	n.All(func(x topology.Any) bool {
		e := x.Base()
		kind := kindOf(x)
		name(e, kind, e, "")
		switch x := x.(type) {
		case *topology.VirtualNetwork:
			for _, s := range x.Subnets {
				name(e, "subnet", &s.Element, "")
			}
			for _, p := range x.Peerings {
				name(e, "peering", &p.Element, "")
			}
		case *topology.NetworkSecurityGroup:
			for _, r := range x.SecurityRules {
				fix := "Make it again as " + quoted(tidy(r.Name)) + ", then remove the old one"
				fix = az(fix, e, "network nsg rule delete", "--nsg-name", shell(x.Name), "-n", shell(r.Name))
				name(e, "rule", &r.Element, fix)
				addresses(e, r.Name, ruleName(r), r.Origin, r.Source.Prefixes)
				addresses(e, r.Name, ruleName(r), r.Origin, r.Destination.Prefixes)
			}
		case *topology.AdminRule:
			addresses(e, "", "admin rule "+quoted(e.Name), e.Origin, x.Source.Prefixes)
			addresses(e, "", "admin rule "+quoted(e.Name), e.Origin, x.Destination.Prefixes)
		case *topology.RouteTable:
			for _, r := range x.Routes {
				name(e, "route", &r.Element, "")
				addresses(e, r.Name, "route "+quoted(r.Name), r.Origin, []topology.AddressPrefix{r.Destination})
			}
		}
		return true
	})
}

// kindOf is what an element is called in a sentence.
func kindOf(x topology.Any) string {
	switch x.(type) {
	case *topology.VirtualNetwork:
		return "virtual network"
	case *topology.NetworkSecurityGroup:
		return "network security group"
	case *topology.ApplicationSecurityGroup:
		return "application security group"
	case *topology.AdminRule:
		return "admin rule"
	case *topology.NetworkInterface:
		return "network interface"
	case *topology.VirtualMachine:
		return "virtual machine"
	case *topology.RouteTable:
		return "route table"
	case *topology.LoadBalancer:
		return "load balancer"
	case *topology.PublicIPAddress:
		return "public IP address"
	default:
		return "resource"
	}
}
