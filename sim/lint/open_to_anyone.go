package lint

import (
	"strings"

	"github.com/netpath/netpath/topology"
)

func openToAnyone() *Rule {
	return &Rule{
		ID: "NP1109", Name: "open-to-anyone", Severity: Warning,
		Short: "An inbound rule allows every port from any source, the Internet among them",
		Why:   `"*", 0.0.0.0/0 and Internet as the source of an inbound Allow take in every public address. Where the ports are all ports too, nothing is left for the NSG to stop: whatever has a public way in is open. "*" besides takes in all of the tag VirtualNetwork and the probes of load balancers.`,
		Fix:   "Name the sources and the ports that are meant.",
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
      - {name: allow-all, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "*"}
`,
		check: checkOpenToAnyone,
	}
}

func checkOpenToAnyone(run *Run, report func(Finding)) {
	for _, g := range run.Network.NetworkSecurityGroups {
		for _, r := range g.SecurityRules {
			if r.Direction != topology.Inbound || r.Access != topology.Allow || !anyone(&r.Source) || !allPorts(&r.Destination) || !allPorts(&r.Source) ||
				r.Protocol == topology.ICMP || r.Protocol == topology.ESP || r.Protocol == topology.AH || len(r.Unresolved) > 0 {
				continue
			}
			protocol := r.Protocol.String()
			if r.Protocol == topology.AnyProtocol {
				protocol = "every protocol"
			}
			var source []string
			for i := range r.Source.Prefixes {
				source = append(source, strings.TrimSpace(r.Source.Prefixes[i].Text))
			}
			report(Finding{Subject: g.ID(), Name: r.Name, Origin: r.Origin,
				Text: ruleName(r) + " allows every port from " + fewOf(source) + ", which is every public address, for " + protocol,
				Fix:  azRule("Name the sources and the ports that are meant", g, r, "update", "--source-address-prefixes <sources> --destination-port-ranges <ports>")})
		}
	}
}
