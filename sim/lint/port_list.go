package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/netpath/netpath/topology"
)

func portList() *Rule {
	return &Rule{
		ID: "NP1106", Name: "ports-like-a-list", Severity: Warning,
		Short: "A port range runs from one service's port to another's, as if it were a list of two",
		Why:   `A range means every port from its first to its last: "80-443" is 364 ports, 135 and 139 among them, not two (NSG). Where the first and the last are the ports of two unlike services, a list was probably meant.`,
		Fix:   "Write the ports as a list in the plural property.",
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
      - {name: allow-web, priority: 200, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: 10.0.1.5, sourcePortRange: "*", destinationAddressPrefix: Internet, destinationPortRange: "80-443"}
      - {name: deny-internet, priority: 300, direction: Outbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: Internet, destinationPortRange: "*"}
`,
		check: checkPortList,
	}
}

// servicePorts are ports that stand for a service of their own, in order.
var servicePorts = []uint16{
	20, 21, 22, 23, 25, 53, 80, 110, 123, 135, 139, 143, 161, 389, 443, 445, 465, 514, 587, 636, 993, 995,
	1433, 1434, 1521, 2049, 3306, 3389, 5432, 5671, 5672, 5985, 5986, 6379, 8080, 8443, 9443, 27017,
}

// fewPorts is the width up to which a range between two services' ports is as
// likely meant as written: 135-139, 5985-5986.
const fewPorts = 10

func looksLikeList(r topology.PortRange) bool {
	return int(r.Last)-int(r.First) >= fewPorts && slices.Contains(servicePorts, r.First) && slices.Contains(servicePorts, r.Last)
}

func checkPortList(run *Run, report func(Finding)) {
	look := func(owner *topology.Element, part, what string, origin topology.Origin, field string, ports []topology.PortRange, fix func([]string) string) {
		for _, r := range ports {
			if !looksLikeList(r) {
				continue
			}
			var list []string
			for _, p := range ports {
				switch {
				case looksLikeList(p):
					list = append(list, fmt.Sprint(p.First), fmt.Sprint(p.Last))
				default:
					list = append(list, p.String())
				}
			}
			report(Finding{Subject: owner.ID(), Name: part, Detail: field, Origin: origin,
				Text: fmt.Sprintf("%s has the %s %s, which is %d ports: %d and %d look like a list of two", what, field, quoted(r.String()), int(r.Last)-int(r.First)+1, r.First, r.Last),
				Fix:  fix(slices.Compact(list))})
			return // the fix mends all ranges of the field
		}
	}
	for _, g := range run.Network.NetworkSecurityGroups {
		for _, r := range g.SecurityRules {
			if r.Protocol == topology.ICMP || r.Protocol == topology.ESP || r.Protocol == topology.AH {
				continue
			}
			for _, side := range []struct {
				name, option string
				match        *topology.Match
			}{{"source port range", "source", &r.Source}, {"port range", "destination", &r.Destination}} {
				look(&g.Element, r.Name, ruleName(r), r.Origin, side.name, side.match.Ports, func(list []string) string {
					return azRule("Write "+side.option+"PortRanges "+jsonList(list)+" if a list is meant", g, r, "update", append([]string{"--" + side.option + "-port-ranges"}, list...)...)
				})
			}
		}
	}
	for _, r := range run.Network.AdminRules {
		look(&r.Element, "", "admin rule "+quoted(r.Name), r.Origin, "port range", r.Destination.Ports, func(list []string) string {
			return "Write destinationPortRanges " + jsonList(list) + " if a list is meant."
		})
	}
	firewall := func(e *topology.Element, collections []*topology.RuleCollection) {
		for _, c := range collections {
			for _, r := range c.Rules {
				look(e, c.Name+"/"+r.Name, "firewall rule "+quoted(r.Name), r.Origin, "port range", r.Ports, func(list []string) string {
					return "Write destinationPorts " + jsonList(list) + " if a list is meant."
				})
			}
		}
	}
	for _, f := range run.Network.AzureFirewalls {
		firewall(&f.Element, f.Collections)
	}
	for _, p := range run.Network.FirewallPolicies {
		firewall(&p.Element, p.Collections)
	}
}

// jsonList is a list of texts as JSON and YAML write it.
func jsonList(list []string) string {
	quoted := make([]string, len(list))
	for i, x := range list {
		quoted[i] = strconv.Quote(x)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
