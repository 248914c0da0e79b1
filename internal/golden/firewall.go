package golden

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/netpath/netpath/topology"
)

// FirewallIP is the private address of the firewall that [Estate.Firewall]
// adds.
const FirewallIP = "10.0.255.4"

// Firewall puts an Azure Firewall, fw1, with classic rules into v1 and sends
// the Internet traffic of a subnet through it.
func (e *Estate) Firewall(subnet string, collections ...*topology.RuleCollection) *Estate {
	e.Subnet("v1", "AzureFirewallSubnet", "10.0.255.0/26")
	pip := publicIP("pip-fw1", "198.51.100.40", "Standard")
	fw := &topology.AzureFirewall{
		Element: element("azureFirewalls", "fw1"), VirtualNetwork: e.VNetOf("v1").Ref(),
		Subnet: e.SubnetOf("AzureFirewallSubnet").Ref(), PrivateIPAddress: netip.MustParseAddr(FirewallIP),
		PublicIPs: []topology.Ref{pip.Ref()}, ThreatIntelMode: "Off", Collections: collections,
	}
	for _, c := range collections {
		c.Element = child(fw.ResourceID, "ruleCollections", c.Name)
		for _, r := range c.Rules {
			r.Element = child(c.ResourceID, "rules", r.Name)
		}
	}
	return e.Add(fw, pip).Routes(subnet, Via("to-fw1", "0.0.0.0/0", FirewallIP))
}

// NetworkRules is a network rule collection.
func NetworkRules(name string, priority int, a topology.Access, rules ...*topology.FirewallRule) *topology.RuleCollection {
	return &topology.RuleCollection{
		Element: topology.Element{Name: name}, Kind: topology.NetworkCollection, Priority: priority, Action: a, Rules: rules,
	}
}

// ApplicationRules is an application rule collection.
func ApplicationRules(name string, priority int, a topology.Access, rules ...*topology.FirewallRule) *topology.RuleCollection {
	return &topology.RuleCollection{
		Element: topology.Element{Name: name}, Kind: topology.ApplicationCollection, Priority: priority, Action: a, Rules: rules,
	}
}

// NetworkRule matches TCP from anywhere to a destination's ports.
func NetworkRule(name, destination string, ports ...string) *topology.FirewallRule {
	return &topology.FirewallRule{
		Element: topology.Element{Name: name}, Protocols: []topology.Protocol{topology.TCP},
		Sources: addresses("*"), Destinations: addresses(destination), Ports: portRanges(ports),
	}
}

// ApplicationRule matches a protocol, "https:443", from anywhere to hosts.
func ApplicationRule(name, protocol string, hosts ...string) *topology.FirewallRule {
	kind, number, ok := strings.Cut(protocol, ":")
	if !ok || kind == "" {
		panic(fmt.Sprintf("golden: %q is no application protocol", protocol))
	}
	return &topology.FirewallRule{
		Element: topology.Element{Name: name}, Sources: addresses("*"), TargetFQDNs: hosts,
		Application: []topology.ApplicationProtocol{{Type: strings.ToUpper(kind[:1]) + kind[1:], Port: int(port(number))}},
	}
}
