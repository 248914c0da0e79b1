package lint

import (
	"strings"

	"github.com/netpath/netpath/topology"
)

func unguardedMachines() *Rule {
	return &Rule{
		ID: "NP1209", Name: "unguarded-machines", Severity: Note,
		Short: "Machines in a subnet have no network security group, neither at the subnet nor at their interfaces",
		Why:   `Without an NSG at either level everything is allowed (HOW), but for security admin rules, and for a Standard public IP address, which stays closed. The subnet's neighbours, peers and on-premises networks all get in.`,
		Fix:   "Attach an NSG to the subnet.",
		Example: `apiVersion: netpath/v1
virtualNetworks:
  - name: v1
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {name: app, addressPrefix: 10.0.1.0/24}
virtualMachines:
  - name: app1
    networkInterfaces: [{name: app1-nic, subnet: v1/app, privateIPAddress: 10.0.1.4}]
`,
		check: checkUnguardedMachines,
	}
}

// ownSubnets are subnets of services that take no NSG, or bring their own
// (AVNM).
var ownSubnets = []string{"GatewaySubnet", "AzureFirewallSubnet", "AzureFirewallManagementSubnet", "RouteServerSubnet"}

func checkUnguardedMachines(run *Run, report func(Finding)) {
	open := map[*topology.Subnet][]*topology.NetworkInterface{}
	for _, nic := range run.Network.NetworkInterfaces {
		alone := nic.VirtualMachine.IsZero() && run.machines()[nic.ID()] == nil && !nic.Design // nothing runs there
		if !nic.PrivateEndpoint.IsZero() || !nic.NetworkSecurityGroup.IsZero() || alone {
			continue
		}
		for _, c := range nic.IPConfigurations {
			s, ok := topology.Lookup[*topology.Subnet](run.Network, c.Subnet)
			if list := open[s]; ok && s.NetworkSecurityGroup.IsZero() && len(s.Delegations) == 0 && (len(list) == 0 || list[len(list)-1] != nic) {
				open[s] = append(open[s], nic)
			}
		}
	}
	for _, v := range run.Network.VirtualNetworks {
		for _, s := range v.Subnets {
			list := open[s]
			if len(list) == 0 || isOwnSubnet(s.Name) {
				continue
			}
			var names []string
			for _, nic := range list {
				names = append(names, run.shortName(nic))
			}
			report(Finding{Subject: s.ID(), Origin: s.Origin,
				Text: "no network security group guards " + fewOf(names) + " in subnet " + subnetName(s),
				Fix:  az("Attach an NSG", &v.Element, "network vnet subnet update", "--vnet-name", shell(v.Name), "-n", shell(s.Name), "--network-security-group <nsg>")})
		}
	}
}

func isOwnSubnet(name string) bool {
	for _, own := range ownSubnets {
		if strings.EqualFold(own, name) {
			return true
		}
	}
	return false
}
